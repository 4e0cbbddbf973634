"""Fold what a payload says into what is held: absent never resets anything. Pure; knows no protocol.

Three ways: struct into struct, field by field (`replace_present`); JSON of a shape that no struct fixes (`JSONFold`),
where a few keys are texts that grow; and lists whose entries carry an `index` (`Indexed`).
"""

import copy
from collections.abc import Iterable
from functools import cache
from typing import Generic, TypeVar

from msgspec import NODEFAULT, Struct, structs

from asyncstream.accumulators.fragments import Fragments

__all__ = ["Indexed", "JSONFold", "replace_present"]

S = TypeVar("S", bound=Struct)
T = TypeVar("T")


def replace_present(held: S, said: Struct, *, leave: tuple[str, ...] = ()) -> S:
    """Return a copy of a struct with the fields that another says something in.

    None, an empty string or list, and a field's default say nothing. Structs in fields are folded the same way.

    Args:
        held: What is known; it stays as it is.
        said: A struct that shares fields with it: the same type, or its delta.
        leave: Fields that the caller folds itself.
    """
    result = copy.copy(held)
    for name, default in _shared_fields(type(held), type(said)):
        value = getattr(said, name)
        if name in leave or value is None or value in ("", [], {}) or value == default:
            continue
        known = getattr(held, name)
        if isinstance(value, Struct) and isinstance(known, Struct):
            value = replace_present(known, value)
        setattr(result, name, value)
    return result


@cache
def _shared_fields(held: type[Struct], said: type[Struct]) -> list[tuple[str, object]]:
    targets = set(held.__struct_fields__)
    return [
        (field.name, None if field.default is NODEFAULT else field.default)
        for field in structs.fields(said)
        if field.name in targets
    ]


class Indexed(Generic[T]):
    """A list whose entries come with an index or without: in place, or after all others. A gap stays a gap."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Iterable[T] = ()) -> None:
        self._entries: dict[int, T] = dict(enumerate(entries))

    def __bool__(self) -> bool:
        return bool(self._entries)

    def get(self, index: int | None) -> T | None:
        """Return the entry at an index; None where there is none."""
        return None if index is None else self._entries.get(index)

    def put(self, index: int | None, entry: T) -> None:
        """Set the entry at an index; without one it goes after all others."""
        self._entries[max(self._entries, default=-1) + 1 if index is None else index] = entry

    def listed(self) -> list[T]:
        """Return the entries by index."""
        return [self._entries[index] for index in sorted(self._entries)]


GROWING = frozenset({"arguments", "input", "logs"})
"""In every tool type, at any depth, strings under these keys are joined; all others replace (rule 5.5)."""


class JSONFold:
    """A JSON object of a shape that the wire does not fix, folded by the kinds of its values."""

    __slots__ = ("_members",)

    def __init__(self) -> None:
        self._members: dict[str, object] = {}

    def fold(self, said: dict[str, object]) -> None:
        """Fold a delta in: growing strings join, other scalars replace, objects and lists merge, null says nothing."""
        members = self._members
        for key, value in said.items():
            if key != "index" and value is not None:
                members[key] = _fold_value(members.get(key), value, key)

    def load(self, said: dict[str, object]) -> None:
        """Replace each member by what an authoritative payload says; null and empty values say nothing."""
        for key, value in said.items():
            if key != "index" and value not in (None, [], {}):
                self._members[key] = _fold_value(None, value, key)

    def built(self) -> dict[str, object]:
        """Build the plain object."""
        return {key: _built(value) for key, value in self._members.items()}


def _fold_value(held: object, said: object, key: str) -> object:
    match said:
        case str() if key in GROWING:
            text = held if isinstance(held, Fragments) else Fragments()
            text.append(said)
            return text
        case dict():
            members = held if isinstance(held, JSONFold) else JSONFold()
            members.fold(said)
            return members
        case list():
            entries = held if isinstance(held, Indexed) else Indexed[object]()
            for entry in said:
                index = entry.get("index") if isinstance(entry, dict) else None
                index = index if isinstance(index, int) and not isinstance(index, bool) else None
                entries.put(index, _fold_value(entries.get(index), entry, ""))
            return entries
        case _:
            return said


def _built(value: object) -> object:
    match value:
        case Fragments():
            return value.text()
        case JSONFold():
            return value.built()
        case Indexed():
            return [_built(entry) for entry in value.listed()]
        case _:
            return value
