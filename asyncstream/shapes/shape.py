"""What a shape is: one part of a type, with its schema and its decoding. Also how one fails to fit. Pure."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import msgspec
from msgspec import Raw

from asyncstream.errors import ConfigurationError
from asyncstream.shapes.names import type_name
from asyncstream.shapes.parts import Parts, Schema

__all__ = ["Data", "Shape", "Tried", "Unfit", "keys_of", "no_schema", "raw_list", "raw_object"]

Data: TypeAlias = bytes | Raw


class Unfit(Exception):
    """A value does not fit: where, from the value on inwards, and why."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def inside(self, step: str) -> "Unfit":
        """Return the same, as seen from one level further out."""
        return Unfit(self.reason, step + self.path)


Tried: TypeAlias = dict[tuple[int, bytes], "int | Unfit"]
"""What came of each union, by its own id and the JSON that it was given: which of its types fits, or why none does.

Of one text; it begins empty. Without it a union inside of unions is tried again by each type of every one around it:
twice as often with every level, so that a text of 500 bytes takes days.
"""


class Shape(Protocol):
    """One part of a type."""

    def schema(self, parts: Parts) -> Schema:
        """Return its JSON Schema; what that refers to goes into the parts."""
        ...

    def keys(self) -> frozenset[str]:
        """Return the keys that it takes from an object."""
        ...

    def decode(self, data: Data, tried: Tried) -> object:
        """Return the value of a JSON text that is whole.

        Args:
            data: The text.
            tried: What is known already of the text that this one is a part of.

        Raises:
            Unfit: It does not fit.
        """
        ...


def no_schema(path: str, target: object, error: Exception) -> ConfigurationError:
    """Return the error for a type that somebody else makes no schema of; the path says where it stands."""
    return ConfigurationError(f"{path} is of the type {type_name(target)}, which has no JSON schema: {error}")


def keys_of(shape: Shape) -> frozenset[str]:
    """Return the keys that a shape takes from an object, as its schema has them."""
    parts = Parts()
    keys: set[str] = set()
    left = [shape.schema(parts)]
    while left:
        schema = left.pop()
        keys.update(schema.get("properties", ()))
        left += schema.get("anyOf", ())
        if isinstance(schema.get("$ref"), str):
            left.append(parts.bodies[schema["$ref"].rpartition("/")[2]])
    return frozenset(keys)


_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])


def raw_object(data: Data) -> dict[str, Raw]:
    """Return the members of an object, each as its JSON.

    Raises:
        Unfit: It is no object.
    """
    try:
        return _OBJECT.decode(data)
    except msgspec.ValidationError as error:
        raise Unfit(str(error)) from error


def raw_list(data: Data) -> Sequence[Raw]:
    """Return the items of a list, each as its JSON.

    Raises:
        Unfit: It is no list.
    """
    try:
        return _LIST.decode(data)
    except msgspec.ValidationError as error:
        raise Unfit(str(error)) from error
