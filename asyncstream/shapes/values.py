"""Shapes of single values: what msgspec reads, one of some values, one of several types, a type with notes. Pure."""

import enum
from functools import cached_property
from typing import Any

import msgspec

from asyncstream.errors import ConfigurationError
from asyncstream.shapes.notes import Bounds, Notes
from asyncstream.shapes.parts import Parts, Schema
from asyncstream.shapes.shape import Data, Shape, Tried, Unfit, keys_of, no_schema, raw_object

__all__ = ["Choice", "Noted", "Options", "Plain", "literal"]


class Plain:
    """What msgspec reads."""

    def __init__(self, target: Any, path: str) -> None:
        self._target = target
        self._path = path
        self._decoder = msgspec.json.Decoder(target)

    def schema(self, parts: Parts) -> Schema:
        try:
            return parts.generated(self._target, lambda: msgspec.json.schema(self._target))
        except (TypeError, ValueError) as error:
            raise no_schema(self._path, self._target, error) from error

    def keys(self) -> frozenset[str]:
        return keys_of(self)

    def decode(self, data: Data, tried: Tried) -> object:
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError as error:
            # "Expected `int`, got `str` - at `$.a`", or "- at `key` in `$.a`"; at the top nothing follows.
            reason, at, place = str(error).removesuffix("`").rpartition(" - at `")
            if not at:
                raise Unfit(str(error)) from error
            raise Unfit(reason, place.removeprefix("key` in `").removeprefix("$")) from error


class Choice:
    """One of some values, each with the JSON that stands for it."""

    def __init__(self, values: list[tuple[Any, Any]]) -> None:
        self._values = values

    def schema(self, parts: Parts) -> Schema:
        return {"enum": [sent for sent, _ in self._values]}

    def keys(self) -> frozenset[str]:
        return frozenset()

    def decode(self, data: Data, tried: Tried) -> object:
        value = msgspec.json.decode(data)
        for sent, meant in self._values:
            if type(sent) is type(value) and sent == value:
                return meant
        raise Unfit(f"Expected one of {', '.join(repr(sent) for sent, _ in self._values)}")


def literal(value: Any, path: str) -> Any:
    sent = value.value if isinstance(value, enum.Enum) else value
    if sent is None or isinstance(sent, str | int | float):
        return sent
    raise ConfigurationError(f"{path} has the value {value!r}, which is no JSON: use texts or numbers")


class Options:
    """One of several types: the one that fits; of several that fit, the one that takes most of the keys."""

    def __init__(self, options: list[Shape]) -> None:
        self._options = options

    def schema(self, parts: Parts) -> Schema:
        schemas = [option.schema(parts) for option in self._options]
        return {"anyOf": [inner for schema in schemas for inner in _alternatives(schema)]}

    def keys(self) -> frozenset[str]:
        return frozenset[str]().union(*(option.keys() for option in self._options))

    def decode(self, data: Data, tried: Tried) -> object:
        key = (id(self), bytes(data))
        found = tried.get(key)
        if isinstance(found, int):
            return self._options[found].decode(data, tried)
        if found is not None:
            raise Unfit(found.reason, found.path) from found.__cause__
        fitting: list[tuple[int, object]] = []
        failures: list[Unfit] = []
        for place, option in enumerate(self._options):
            try:
                fitting.append((place, option.decode(data, tried)))
            except Unfit as unfit:
                failures.append(unfit)
        if not fitting:
            # What got furthest was most likely meant.
            worst = tried[key] = max(failures, key=lambda unfit: (len(unfit.path), "`null`" not in unfit.reason))
            raise worst
        place, value = fitting[0]
        if len(fitting) > 1 and bytes(data).lstrip()[:1] == b"{":
            given = frozenset(raw_object(data))
            place, value = max(fitting, key=lambda found: len(given & self._keys_of_options[found[0]]))
        tried[key] = place
        return value

    @cached_property
    def _keys_of_options(self) -> list[frozenset[str]]:
        return [option.keys() for option in self._options]


def _alternatives(schema: Schema) -> list[Schema]:
    return schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]


class Noted:
    """A type with what its notes say: words for the schema, bounds for schema and value."""

    def __init__(self, inner: Shape, notes: Notes, bounds: Bounds) -> None:
        self._inner = inner
        self._notes = notes
        self._bounds = bounds

    def schema(self, parts: Parts) -> Schema:
        return {**self._bounds.tell(self._inner.schema(parts)), **self._notes.words()}

    def keys(self) -> frozenset[str]:
        return self._inner.keys()

    def decode(self, data: Data, tried: Tried) -> object:
        value = self._inner.decode(data, tried)
        wrong = self._bounds.wrong(value)
        if wrong:
            raise Unfit(wrong)
        return value
