"""Fold payloads and deltas into what is held: what is absent never resets anything. Pure; knows no protocol.

Three ways: struct into struct, field by field (`replace_present`); JSON of a shape that no struct fixes (`JSONFold`),
where a few keys are texts that grow; and lists whose entries carry an `index` (`Indexed`).

Also here: halves of surrogate pairs stay only where text grows (`mended`).
"""

from collections.abc import Iterable
from functools import cache
from itertools import compress, repeat
from operator import eq
from types import UnionType
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar, Union, cast, get_args, get_origin

from msgspec import NODEFAULT, Struct, structs
from msgspec.structs import astuple, replace

from asyncstream.accumulators.fragments import Fragments
from asyncstream.decoding import UnreadableJSON, dump_raw, load_json
from asyncstream.halves import mend_halves

__all__ = ["Indexed", "JSONFold", "Payloads", "UnknownJSON", "index_of", "members_of", "mended", "replace_present"]

S = TypeVar("S", bound=Struct)
T = TypeVar("T")


def replace_present(held: S, update: Struct, *, leave: tuple[str, ...] = ()) -> S:
    """Return a copy of a struct with the fields that another has a value for.

    None, an empty string or list, and a field's default are no values. Structs in fields are folded the same way.

    Args:
        held: What is known; it stays as it is.
        update: A struct that shares fields with it: the same type, or its delta.
        leave: Fields that the caller folds itself.
    """
    names, nested, defaults = _present_fields(type(held), type(update))
    values = astuple(update)
    # All at once and outside of Python: a payload has thirty fields, and a step for each would cost most of its fold.
    present = dict(compress(zip(names, values, strict=True), values))
    if 0 in values:
        # 0 and False are values.
        present.update(compress(zip(names, values, strict=True), map(eq, values, repeat(0))))
    for name, default in defaults:
        if name in present and present[name] == default:
            del present[name]
    for name in leave:
        present.pop(name, None)
    present.pop("", None)
    for name in nested & present.keys():
        value, known = present[name], getattr(held, name)
        if isinstance(value, Struct) and isinstance(known, Struct):
            present[name] = known if value == known else replace_present(known, value)
    return replace(held, **present)


class _Fields(NamedTuple):
    names: tuple[str, ...]
    """Of all fields of the update; "" for one that the other has not."""
    nested: frozenset[str]
    """Those that may hold a struct."""
    defaults: tuple[tuple[str, object], ...]
    """Those that have a default with a value."""


@cache
def _present_fields(held: type[Struct], update: type[Struct]) -> _Fields:
    targets = set(held.__struct_fields__)
    fields = structs.fields(update)
    shared = [field for field in fields if field.name in targets]
    return _Fields(
        tuple(field.name if field.name in targets else "" for field in fields),
        frozenset(field.name for field in shared if _may_be_struct(field.type)),
        tuple(
            (field.name, field.default)
            for field in shared
            if field.default is not NODEFAULT and field.default not in (None, "", [], {})
        ),
    )


def _may_be_struct(annotation: Any) -> bool:
    """Tell of the type of a field whether a struct may stand in it."""
    kind = get_origin(annotation) or annotation
    if kind in (Union, UnionType, Annotated):
        return any(_may_be_struct(option) for option in get_args(annotation))
    return kind is not Literal and (not isinstance(kind, type) or kind is object or issubclass(kind, Struct))


_MOST_DUE = 16
"""Payloads that wait at most: a server may send one for each piece, and nobody look until the end."""


class Payloads(Generic[S]):
    """A struct that whole payloads are folded into, by `replace_present`, once somebody looks: mostly nobody does.

    Args:
        held: What is known without them.
        leave: Fields that the caller folds itself, in `held`.
    """

    __slots__ = ("_due", "_leave", "held")

    def __init__(self, held: S, leave: tuple[str, ...] = ()) -> None:
        self.held = held
        """What is known without those that wait; right of `id`, and of the fields that the caller folds."""
        self._leave = leave
        self._due: list[S] = []

    def fold(self, payload: S) -> None:
        """Fold a payload in, as it is now."""
        due = self._due
        # Whoever has the event may change what it holds.
        due.append(replace(payload))
        if len(due) > _MOST_DUE:
            self.merged()

    def merged(self) -> S:
        """Return the struct with all that was folded; the caller may change it."""
        due = self._due
        if due:
            self._due = []
            for payload in due:
                self.held = replace_present(self.held, payload, leave=self._leave)
        return self.held


class Indexed(Generic[T]):
    """A list whose entries come with an index or without: in place, or after all others. A gap stays a gap."""

    __slots__ = ("_entries", "_next", "_sorted")

    def __init__(self, entries: Iterable[T] = ()) -> None:
        self._entries: dict[int, T] = dict(enumerate(entries))
        self._next = len(self._entries)
        # Servers count upwards: the order of arrival is nearly always that of the indexes.
        self._sorted = True

    def __bool__(self) -> bool:
        return bool(self._entries)

    def get(self, index: int | None) -> T | None:
        """Return the entry at an index; None where there is none."""
        return None if index is None else self._entries.get(index)

    def put(self, index: int | None, entry: T) -> int:
        """Set the entry at an index; without one it goes after all others. Return its index."""
        if index is None:
            index = self._next
        elif index < self._next and index not in self._entries:
            self._sorted = False
        self._entries[index] = entry
        self._next = max(self._next, index + 1)
        return index

    def listed(self) -> list[T]:
        """Return the entries by index."""
        if not self._sorted:
            self._entries = {index: self._entries[index] for index in sorted(self._entries)}
            self._sorted = True
        return list(self._entries.values())


def index_of(value: object) -> int | None:
    """Read an index: an integer or a digit string; anything else is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def members_of(raw: bytes) -> dict[str, object]:
    """Read the JSON object that an `Unknown...` struct keeps."""
    try:
        value = load_json(raw)
    except UnreadableJSON:
        # Whoever sends our own field names (`raw`, `wire_type`) can put anything there.
        return {}
    return value if isinstance(value, dict) else {}


GROWING = frozenset({"arguments", "input", "logs"})
"""In every tool type, at any depth, strings under these keys are joined; all others replace (rule 5.5)."""


class JSONFold:
    """A JSON object of a shape that the wire does not fix, folded by the kinds of its values."""

    __slots__ = ("_members",)

    def __init__(self) -> None:
        self._members: dict[str, object] = {}

    def fold(self, delta: dict[str, object]) -> None:
        """Fold a delta in: growing strings join, other scalars replace, objects and lists merge, null is no value."""
        members = self._members
        for key, value in delta.items():
            if key != "index" and value is not None:
                members[key] = _fold_value(members.get(key), value, key)

    def load(self, payload: dict[str, object]) -> None:
        """Replace each member that an authoritative payload has a value for; null and empty values are none."""
        for key, value in payload.items():
            if key != "index" and value not in (None, [], {}):
                self._members[key] = _fold_value(None, value, key)

    def end(self) -> None:
        """Expect nothing more: half a pair at the end of a text is shown."""
        _end(self)

    def built(self) -> dict[str, object]:
        """Build the plain object."""
        return {key: _built(value) for key, value in self._members.items()}


def _fold_value(held: object, value: object, key: str) -> object:
    match value:
        case str() if key in GROWING:
            text = held if isinstance(held, Fragments) else Fragments()
            text.append(value)
            return text
        case dict():
            members = held if isinstance(held, JSONFold) else JSONFold()
            members.fold(value)
            return members
        case list():
            entries = held if isinstance(held, Indexed) else Indexed[object]()
            for entry in value:
                index = index_of(entry.get("index")) if isinstance(entry, dict) else None
                entries.put(index, _fold_value(entries.get(index), entry, ""))
            return entries
        case _:
            return value


def _end(value: object) -> None:
    match value:
        case Fragments():
            value.ended = True
        case JSONFold():
            for member in value._members.values():
                _end(member)
        case Indexed():
            for entry in value.listed():
                _end(entry)


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


class UnknownJSON:
    """An object of a type that has no struct, of which more may come: as it came while that was once, else folded.

    Attributes:
        wire_type: Its type.
    """

    __slots__ = ("_fold", "_raw", "wire_type")

    def __init__(self, wire_type: str, raw: bytes) -> None:
        self.wire_type = wire_type
        self._raw = raw
        # Made when more comes, and kept: reading what is held anew for each piece would be quadratic.
        self._fold: JSONFold | None = None

    def fold(self, raw: bytes) -> None:
        """Fold more of it in."""
        if self._fold is None:
            self._fold = JSONFold()
            self._fold.fold(members_of(self._raw))
        self._fold.fold(members_of(raw))

    def end(self) -> None:
        """Expect nothing more."""
        if self._fold is not None:
            self._fold.end()

    @property
    def raw(self) -> bytes:
        """Its JSON."""
        return self._raw if self._fold is None else dump_raw(self._fold.built())


_GROWING_FIELDS = GROWING | {"refusal", "value"}
"""The struct fields that hold pieces of text, where the other half of a pair may come in the next piece."""


def mended(value: T, growing: frozenset[str] | None = None) -> T:
    """Return a copy in which no string that stands alone holds half a surrogate pair; pieces of text keep theirs.

    Args:
        value: A struct or JSON.
        growing: Under which names pieces of text stand, in structs and in JSON; None: those of runs and messages.
    """
    result: object = value
    match value:
        case str():
            # Half of what this costs for most strings.
            if not value.isascii():
                result = mend_halves(value)
        case dict():
            keys = GROWING if growing is None else growing
            result = {mended(key): _mended_member(key, member, keys, growing) for key, member in value.items()}
        case list():
            result = [mended(entry, growing) for entry in value]
        case Struct():
            fields = {name: getattr(value, name) for name in value.__struct_fields__}
            if isinstance(fields.get("raw"), bytes):
                fields["raw"] = dump_raw(mended(members_of(fields["raw"]), growing))
            keys = _GROWING_FIELDS if growing is None else growing
            fields = {name: _mended_member(name, member, keys, growing) for name, member in fields.items()}
            result = replace(value, **fields)
    return cast("T", result)


def _mended_member(key: str, member: object, keys: frozenset[str], growing: frozenset[str] | None) -> object:
    return member if key in keys and isinstance(member, str) else mended(member, growing)
