"""Shapes that hold others: structs, dataclasses, TypedDicts, lists, tuples, dicts. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from asyncstream.errors import ConfigurationError
from asyncstream.shapes.kinds import Field
from asyncstream.shapes.names import class_doc, type_name
from asyncstream.shapes.parts import Parts, Schema
from asyncstream.shapes.shape import Data, Shape, Tried, Unfit, raw_list, raw_object

__all__ = ["Entries", "Fields", "Items", "Members"]


class Fields:
    """A struct, dataclass or TypedDict with a member that msgspec does not read."""

    def __init__(self, target: Any, kind: type) -> None:
        self._target = target
        self._kind = kind
        self.members: list[tuple[Field, Shape]] = []
        config = kind.__struct_config__ if issubclass(kind, Struct) else None
        self._tag: str | int | None = None if config is None else config.tag
        self._tag_key = "" if config is None else config.tag_field or ""
        self._closed = config is not None and config.forbid_unknown_fields
        if config is not None and config.array_like:
            raise ConfigurationError(f"{kind.__name__} is read from a list: its members must be types of msgspec's")

    def schema(self, parts: Parts) -> Schema:
        return parts.described(self._target, lambda: self._describe(parts))

    def _describe(self, parts: Parts) -> Schema:
        properties: dict[str, Schema] = {} if self._tag is None else {self._tag_key: {"enum": [self._tag]}}
        required = [*properties]
        for field, shape in self.members:
            properties[field.key] = shape.schema(parts)
            if field.required:
                required.append(field.key)
            elif isinstance(field.default, str | int | float | None):
                properties[field.key] = {**properties[field.key], "default": field.default}
        schema: Schema = {
            "title": type_name(self._target),
            "type": "object",
            "properties": properties,
            "required": required,
        }
        if self._closed:
            schema["additionalProperties"] = False
        documented = class_doc(self._kind)
        if documented:
            schema["description"] = documented
        return schema

    def keys(self) -> frozenset[str]:
        return frozenset(field.key for field, _ in self.members)

    def decode(self, data: Data, tried: Tried) -> object:
        given = raw_object(data)
        self._check_keys(given)
        values: dict[str, object] = {}
        for field, shape in self.members:
            if field.key in given:
                try:
                    values[field.name] = shape.decode(given[field.key], tried)
                except Unfit as unfit:
                    raise unfit.inside(f".{field.key}") from unfit.__cause__
            elif field.required:
                raise Unfit(f"Object missing required field `{field.key}`")
        try:
            return self._kind(**values)
        except (TypeError, ValueError) as error:
            raise Unfit(str(error)) from error

    def _check_keys(self, given: Mapping[str, Raw]) -> None:
        if self._tag is not None and self._tag_key in given and msgspec.json.decode(given[self._tag_key]) != self._tag:
            raise Unfit(f"Expected {self._tag!r}", f".{self._tag_key}")
        if self._closed:
            for key in given:
                if key not in self.keys() and key != self._tag_key:
                    raise Unfit(f"Object contains unknown field `{key}`")


class Items:
    """A list of one kind, or a set, or a tuple of any length."""

    def __init__(self, item: Shape, make: Callable[[list[Any]], object]) -> None:
        self._item = item
        self._make = make

    def schema(self, parts: Parts) -> Schema:
        schema: Schema = {"type": "array", "items": self._item.schema(parts)}
        if self._make in (set, frozenset):
            schema["uniqueItems"] = True
        return schema

    def keys(self) -> frozenset[str]:
        return frozenset()

    def decode(self, data: Data, tried: Tried) -> object:
        items = raw_list(data)
        try:
            return self._make([_at(position, self._item, item, tried) for position, item in enumerate(items)])
        except TypeError as error:  # what cannot be hashed is no member of a set
            raise Unfit(str(error)) from error


class Members:
    """A tuple whose every member has a type of its own."""

    def __init__(self, members: list[Shape], make: Callable[[Iterable[Any]], object]) -> None:
        self._members = members
        self._make = make

    def schema(self, parts: Parts) -> Schema:
        members = [member.schema(parts) for member in self._members]
        return {
            "type": "array",
            "prefixItems": members,
            "items": False,
            "minItems": len(members),
            "maxItems": len(members),
        }

    def keys(self) -> frozenset[str]:
        return frozenset()

    def decode(self, data: Data, tried: Tried) -> object:
        items = raw_list(data)
        if len(items) != len(self._members):
            raise Unfit(f"Expected `array` of length {len(self._members)}, got {len(items)}")
        pairs = enumerate(zip(self._members, items, strict=True))
        return self._make([_at(position, member, item, tried) for position, (member, item) in pairs])


class Entries:
    """A dict."""

    def __init__(self, key: Any, value: Shape) -> None:
        self._key = key
        self._value = value

    def schema(self, parts: Parts) -> Schema:
        return {"type": "object", "additionalProperties": self._value.schema(parts)}

    def keys(self) -> frozenset[str]:
        return frozenset()

    def decode(self, data: Data, tried: Tried) -> object:
        given = raw_object(data)
        try:
            keys = msgspec.convert(dict.fromkeys(given), dict[self._key, None], str_keys=True)  # type: ignore[name-defined]  # a type that is found
        except msgspec.ValidationError as error:
            raise Unfit(str(error).partition(" - at ")[0]) from error
        made = {}
        for key, (name, item) in zip(keys, given.items(), strict=True):
            try:
                made[key] = self._value.decode(item, tried)
            except Unfit as unfit:
                raise unfit.inside(f".{name}") from unfit.__cause__
        return made


def _at(position: int, shape: Shape, data: Data, tried: Tried) -> object:
    try:
        return shape.decode(data, tried)
    except Unfit as unfit:
        raise unfit.inside(f"[{position}]") from unfit.__cause__
