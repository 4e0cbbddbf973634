"""Which tool call a fragment belongs to, and how it joins it: rules 4.9, 4.10 and 4.12. Pure; any protocol.

Servers leave indexes out, use one twice, shift them, repeat ids and names, send whole arguments again. All of these
are decided here and nowhere else. A slot holds what every call has; what else a protocol keeps stands in a subclass.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.json_text import WholeValue, canonical, canonical_text
from asyncstream.accumulators.repairs import Repairs
from asyncstream.decoding import UnreadableJSON, dump_json, load_json

__all__ = ["Arguments", "ToolEntry", "ToolSlot", "ToolSlots"]

Arguments: TypeAlias = str | dict[str, object] | list[object] | None


class ToolEntry(Struct, frozen=True, gc=False):
    """What one element of a list of tool call deltas says; "" and None where it says nothing."""

    index: int | None = None
    id: str = ""
    type: str = ""
    name: str = ""
    arguments: Arguments = None


class ToolSlot:
    """One tool call as it grows."""

    __slots__ = (
        "_name",
        "_name_size",
        "_unread",
        "_value",
        "_whole",
        "arguments",
        "created",
        "done",
        "id",
        "index",
        "type",
    )

    joins_values = True
    """Whether the arguments are JSON, so that they can be whole; the free text of a custom tool never is."""

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id = ""
        self.type = ""
        self.arguments = Fragments()
        self.created = False
        """Whether its `created` was told."""
        self.done = False
        """Whether its `done` was told."""
        self._name = Fragments()
        self._name_size = 0
        # Made when it is first asked for the value, which it never is for most calls.
        self._whole: WholeValue | None = None
        # The fragments that came since.
        self._unread: list[str] = []
        self._value: str | None = None

    @property
    def name(self) -> str:
        """The name so far."""
        return self._name.raw()

    @name.setter
    def name(self, name: str) -> None:
        self._name.replace(name)
        self._name_size = len(name)

    @property
    def where(self) -> str:
        """What a repair calls this slot."""
        return self.id or f"tool call {self.index}"

    def value(self) -> str | None:
        """Return the canonical JSON of the arguments if they are one whole value, else None."""
        if self._unread:
            if self.joins_values:
                self._whole = self._whole or WholeValue()
                self._value = self._whole.read("".join(self._unread), self.arguments)
            self._unread.clear()
        return self._value

    def end(self) -> None:
        """Expect nothing more."""
        self.done = self.arguments.ended = True

    def set_arguments(self, text: str) -> None:
        """Replace the arguments."""
        self.arguments.replace(text)
        self._whole = self._value = None
        self._unread = [text] if text else []

    def merge(self, entry: ToolEntry, repairs: Repairs) -> bool:
        """Fold what an entry says into the slot.

        Returns:
            False if all it brought was the whole arguments again, which are dropped; else True.
        """
        if entry.id and not self.id:
            self.id = entry.id
        if entry.type and not self.type:
            self.type = entry.type
        if entry.name:
            self._merge_name(entry.name, repairs)
        arguments = entry.arguments
        if not arguments and not isinstance(arguments, dict | list):
            return True
        if isinstance(arguments, str):
            return self.add(arguments, repairs)
        if self.value() is not None and canonical(arguments) == self.value():
            repairs.add("4.10", self.where, arguments)
            return False
        repairs.add("4.10", self.where, arguments)
        if not self.arguments:
            self.set_arguments(dump_json(arguments))
        return True

    def add(self, fragment: str, repairs: Repairs) -> bool:
        """Join a fragment to the arguments; False if it is the whole arguments again, which is dropped."""
        # Most fragments begin or end in the middle of a value; only what looks whole is worth the question.
        if len(fragment) > 1 and fragment[-1] in _ENDS and fragment[0] in _BEGINS and self._repeats(fragment):
            repairs.add("4.10", self.where, fragment)
            return False
        self.arguments.append(fragment)
        self._unread.append(fragment)
        return True

    def _merge_name(self, name: str, repairs: Repairs) -> None:
        if not self._name_size:
            self.name = name
        elif self.arguments or (len(name) == self._name_size and name == self.name):
            repairs.add("4.10", self.where, name)
        else:
            # Joined when it is looked at: a name may come letter by letter.
            self._name.append(name)
            self._name_size += len(name)

    def _repeats(self, fragment: str) -> bool:
        """Tell whether a fragment alone is the value that the slot already holds whole."""
        stripped = fragment.strip()
        if stripped[:1] + stripped[-1:] not in _OUTER and stripped not in ("true", "false", "null"):
            return False
        held = self.value()
        if held is None:
            return False
        value = canonical_text(stripped)
        if value == held:
            return True
        return value is not None and value[0] == '"' and canonical_text(_unquote(stripped)) == held


_OUTER = ("{}", "[]", '""')
_BEGINS = frozenset('{["tfn \t\r\n')
_ENDS = frozenset('}]"el \t\r\n')
"""The outermost characters of a JSON value that can be whole, and of blanks around it."""


def _unquote(text: str) -> str:
    try:
        inner = load_json(text.encode("utf-8", "surrogatepass"))
    except UnreadableJSON:
        return ""
    return inner if isinstance(inner, str) else ""


S = TypeVar("S", bound=ToolSlot)


class ToolSlots(Generic[S]):
    """The tool calls of one choice or one step, in first-seen order."""

    __slots__ = ("_by_id", "_make", "_next_index", "by_index", "calls")

    def __init__(self, make: Callable[[int | None], S]) -> None:
        self._make = make
        self.by_index: dict[int, S] = {}
        """The slot at each index; read only, from outside."""
        self.calls: list[S] = []
        # The first slot that was given each id.
        self._by_id: dict[str, S] = {}
        # One more than the highest index.
        self._next_index = 0

    def route(self, entries: list[ToolEntry], repairs: Repairs) -> Iterator[tuple[ToolEntry, S]]:
        """Find the slot of each entry of one delta, in order, opening those that are new.

        The caller merges an entry before it asks for the next: what the first says decides where the second goes.
        """
        homeless = sum(entry.index is None and not entry.id for entry in entries)
        for position, entry in enumerate(entries):
            slot = self.find(entry, position if homeless > 1 else None, repairs)
            yield entry, slot
            # The entry was merged meanwhile: a slot has its id from there.
            if slot.id:
                self._by_id.setdefault(slot.id, slot)

    def find(self, entry: ToolEntry, position: int | None, repairs: Repairs) -> S:
        """Find or open the slot of an entry.

        Args:
            entry: What the delta says of the call.
            position: Its place in the delta's list if that has to serve as the index, else None.
            repairs: Where what was mended is recorded.
        """
        index = entry.index
        if index is None:
            if entry.id:
                repairs.add("4.9", entry.id, None)
                known = self._by_id.get(entry.id)
                return self.open(None) if known is None else known
            repairs.add("4.9", entry.name or (self.calls[-1].where if self.calls else "tool call 0"), None)
            if position is None:
                last = self.calls[-1] if self.calls else None
                if last is None or (entry.name and last.value() is not None):
                    return self.open(None)
                return last
            index = position
        slot = self.by_index.get(index)
        if slot is None:
            return self.open(index)
        if entry.name and self._takes_over(entry, slot):
            repairs.add("4.9", entry.id or entry.name, index)
            return self.open(index)
        return slot

    def open(self, index: int | None) -> S:
        """Open a slot at an index, or at the next free one."""
        if index is None:
            index = self._next_index
        self._next_index = max(self._next_index, index + 1)
        slot = self._make(index)
        self.by_index[index] = slot
        self.calls.append(slot)
        return slot

    def replace(self, calls: list[S]) -> None:
        """Make these the calls, in this order; what is not among them is forgotten."""
        self.calls = calls
        self.by_index = {slot.index: slot for slot in calls if slot.index is not None}
        self._next_index = max(-1, *self.by_index) + 1
        self._by_id = {slot.id: slot for slot in reversed(calls) if slot.id}

    @staticmethod
    def _takes_over(entry: ToolEntry, slot: ToolSlot) -> bool:
        if entry.id and slot.id:
            return entry.id != slot.id
        held = slot.value()
        if held is None:
            return False
        if slot.name and entry.name != slot.name:
            return True
        arguments = entry.arguments
        if isinstance(arguments, dict | list):
            return canonical(arguments) != held
        if not arguments or arguments.lstrip()[:1] not in ("{", "["):
            return False
        return canonical_text(arguments) != held
