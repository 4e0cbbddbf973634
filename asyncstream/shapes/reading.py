"""Take a type apart into shapes, as far as msgspec does not read it whole. Pure."""

import enum
import functools
import sys
import types
from collections.abc import Hashable, Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from asyncstream.errors import ConfigurationError
from asyncstream.shapes.holders import Entries, Fields, Items, Members
from asyncstream.shapes.kinds import (
    DICTS,
    LISTS,
    aliased,
    fields_of,
    hints_of,
    is_accepted,
    is_alias,
    is_fields,
    is_model,
    is_named_tuple,
    is_wrapper,
    needs_shape,
    reads_itself,
)
from asyncstream.shapes.models import Model
from asyncstream.shapes.names import type_key, type_name
from asyncstream.shapes.notes import Bounds, notes_of
from asyncstream.shapes.shape import Shape
from asyncstream.shapes.values import Choice, Noted, Options, Plain, literal

__all__ = ["shape_of"]


def shape_of(target: object) -> Shape:
    """Return the shape of a type; the same one for the same type.

    Raises:
        ConfigurationError: A part of it is no type that JSON can be read into; the message says which.
    """
    try:
        hash(target)
    except TypeError:  # a note in it cannot be hashed
        return _read(target)
    return _remembered(target)


def _read(target: object) -> Shape:
    try:
        return _Reading().shape(target, type_name(target))
    except RecursionError as error:
        raise ConfigurationError(f"{type_name(target)} holds itself without end: use a class in between") from error


_remembered = functools.lru_cache(maxsize=512)(_read)


class _Reading:
    """Takes one type apart; keeps the shapes of classes, which may hold themselves."""

    def __init__(self) -> None:
        self._classes: dict[Hashable, Fields] = {}

    def shape(self, target: Any, path: str) -> Shape:
        """Return the shape of a part; the path says where it stands, for the error."""
        if target is object:
            target = Any
        if not needs_shape(target, set()) and is_accepted(target):
            return Plain(target, path)
        origin, inner = get_origin(target), get_args(target)
        if origin is Annotated:
            return self._annotated(target, path)
        if origin is Literal:
            return Choice([(literal(value, path), value) for value in inner])
        if hasattr(target, "__supertype__"):
            return self.shape(target.__supertype__, path)
        if is_alias(target) or is_alias(origin):
            return self.shape(aliased(target), path)
        if is_wrapper(origin):
            return self.shape(inner[0], path)
        if origin in (Union, types.UnionType):
            return self._union(inner, path)
        return self._of_class(target, origin or target, inner, path)

    def _of_class(self, target: Any, kind: Any, inner: tuple[Any, ...], path: str) -> Shape:
        if is_model(kind):
            return Model(target, path)
        if isinstance(kind, type) and is_fields(kind):
            return self._fields(target, kind)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return Choice([(literal(member, path), member) for member in kind])
        if kind is tuple and len(inner) == 2 and inner[1] is ...:
            return Items(self.shape(inner[0], f"{path}[]"), tuple)
        if kind is tuple and inner:
            return Members([self.shape(part, f"{path}[]") for part in inner], tuple)
        if is_named_tuple(kind):
            make: Any = kind
            members = [self.shape(part, f"{path}[]") for part in hints_of(kind).values()]
            return Members(members, lambda values: make(*values))
        if kind in LISTS:
            item = inner[0] if inner else Any
            return Items(self.shape(item, f"{path}[]"), LISTS[kind])
        if kind in DICTS and inner:
            return Entries(inner[0], self.shape(inner[1], f"{path}{{}}"))
        raise ConfigurationError(
            f"{path} is of the type {type_name(target)}, which JSON cannot be read into: "
            "use a Struct, dataclass, TypedDict or pydantic model"
        )

    def _fields(self, target: Any, kind: type) -> "Fields":
        key = type_key(target)
        if key not in self._classes:
            made = self._classes[key] = Fields(target, kind)
            for field in fields_of(target):
                made.members.append((field, self.shape(field.type, f"{type_name(target)}.{field.name}")))
        return self._classes[key]

    def _annotated(self, target: Any, path: str) -> Shape:
        notes = notes_of(target.__metadata__)
        bare = get_args(target)[0]
        kind = get_origin(bare) or bare
        delegated = notes.delegated or (is_model(kind) and not reads_itself(kind))
        if delegated and "pydantic" in sys.modules:
            return Noted(Model(target, path), notes, Bounds())
        if notes.unreadable_pattern:
            raise ConfigurationError(f"{path} has a pattern that cannot be read: {notes.unreadable_pattern!r}")
        return Noted(self.shape(bare, path), notes, notes.bounds)

    def _union(self, options: Iterable[Any], path: str) -> Shape:
        plain = [option for option in options if not needs_shape(option, set()) and is_accepted(option)]
        together: Any = Union[tuple(plain)] if plain else None  # noqa: UP007  # made of what is found
        if len(plain) > 1 and is_accepted(together):
            others = [option for option in options if option not in plain]
            return Options([Plain(together, path), *(self.shape(option, path) for option in others)])
        return Options([self.shape(option, path) for option in options])
