"""The tool calls of a choice, a run step or an answer: which of them a fragment belongs to, and how it joins it.

Pure; any protocol. Servers leave indexes out, use one twice, shift them, repeat ids and names, send whole arguments
again: rules 4.9, 4.10 and 4.12 are decided here and nowhere else. So is what a list that counts more than what was
streamed does to the calls. What a protocol keeps besides, and the struct it builds, stands in its subclasses.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

from asyncstream.accumulators.changes import ChangeSink, ToolCallChanged, ToolCallCreated, ToolCallDone
from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.growing import Growing
from asyncstream.accumulators.json_text import WholeValue, canonical, canonical_text
from asyncstream.accumulators.repairs import Repairs
from asyncstream.decoding import UnreadableJSON, dump_json, load_json

__all__ = ["Arguments", "GrowingToolCall", "ToolCallEntry", "ToolCalls"]

T = TypeVar("T")
D = TypeVar("D")

Arguments: TypeAlias = str | dict[str, object] | list[object] | None


class ToolCallEntry(Struct, frozen=True, gc=False):
    """What one element of a list of tool call deltas has; "" and None for what it has not."""

    index: int | None = None
    id: str = ""
    type: str = ""
    name: str = ""
    arguments: Arguments = None


class GrowingToolCall(Growing[ToolCallCreated[T] | ToolCallChanged[T, D] | ToolCallDone[T]], Generic[T, D]):
    """One tool call as it grows; `T` is the struct that it builds, `D` what the wire adds to it."""

    __slots__ = (
        "_name",
        "_name_size",
        "_unread",
        "_value",
        "_whole",
        "arguments",
        "id",
        "index",
        "parent",
        "place",
        "type",
    )

    joins_values = True
    """Whether the arguments are JSON, so that they can be whole; the free text of a custom tool never is."""

    def __init__(self, parent: str | int, index: int | None) -> None:
        super().__init__()
        self.parent = parent
        """The id of its run step, or the index of its choice."""
        self.index = index
        """The index under which the wire speaks of it; None: it has none."""
        self.place = index or 0
        """Its number among its siblings, as changes tell it."""
        self.id = ""
        self.type = ""
        self.arguments = Fragments()
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
        """What a repair calls this call."""
        return self.id or f"tool call {self.index}"

    def value(self) -> str | None:
        """Return the canonical JSON of the arguments if they are one whole value, else None."""
        if self._unread:
            if self.joins_values:
                self._whole = self._whole or WholeValue()
                self._value = self._whole.read("".join(self._unread), self.arguments)
            self._unread.clear()
        return self._value

    def snapshot(self) -> T:
        """Build the call as it is now."""
        raise NotImplementedError

    def created_snapshot(self) -> T:
        """Build a fresh struct of what the wire gave of id, type and name."""
        raise NotImplementedError

    def piece_of(self, delta: D) -> tuple[str, str]:
        """Return the member that a delta adds to, and the text that it adds."""
        raise NotImplementedError

    def created_change(self) -> ToolCallCreated[T]:
        """Make the change that tells of it."""
        return ToolCallCreated(self.created_snapshot(), self.parent, self.place)

    def changed(self, delta: D) -> ToolCallChanged[T, D]:
        """Make the change that says it grew."""
        return ToolCallChanged(self, delta, self.parent, self.place)

    def done_change(self) -> ToolCallDone[T]:
        """Make the change that says it is complete."""
        return ToolCallDone(self, self.parent, self.place)

    def end(self) -> None:
        """Expect nothing more."""
        self.arguments.ended = True

    def set_arguments(self, text: str) -> None:
        """Replace the arguments."""
        self.arguments.replace(text)
        self._whole = self._value = None
        self._unread = [text] if text else []

    def merge(self, entry: ToolCallEntry, repairs: Repairs) -> bool:
        """Fold an entry in.

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

    def is_said_again(self, entry: ToolCallEntry) -> bool:
        """Return True for an entry with the name and, as JSON values, the whole arguments that the call has."""
        if entry.name != self.name:
            return False
        arguments = entry.arguments
        if isinstance(arguments, dict | list):
            return canonical(arguments) == self.value()
        return isinstance(arguments, str) and self._repeats(arguments)

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
        """Return True if a fragment alone is the value that the call holds whole already: servers send it again."""
        stripped = fragment.strip()
        if stripped[:1] + stripped[-1:] not in _OUTER and stripped not in ("true", "false", "null"):
            return False
        held = self.value()
        if held is None:
            return False
        if fragment == self.arguments.raw():
            return True
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
        inner = load_json(text.encode("utf-8", "surrogatepass"), exact=True)
    except UnreadableJSON:
        return ""
    return inner if isinstance(inner, str) else ""


_AnyChange: TypeAlias = ToolCallCreated[Any] | ToolCallChanged[Any, Any] | ToolCallDone[Any]
S = TypeVar("S", bound=GrowingToolCall[Any, Any])


class ToolCalls(Generic[S]):
    """The tool calls of one choice or one step, first seen first."""

    __slots__ = ("_by_id", "_kind", "_next_index", "_unclosed", "by_index", "calls", "gone", "parent", "repairs")

    def __init__(self, kind: Callable[[str | int, int | None], S], parent: str | int, repairs: Repairs) -> None:
        """Make an empty list.

        Args:
            kind: The class of its calls, or what makes one of a parent and an index.
            parent: The id of the run step, or the index of the choice, that they belong to.
            repairs: Where what was mended is recorded.
        """
        self._kind = kind
        self.parent = parent
        self.repairs = repairs
        self.calls: list[S] = []
        self.by_index: dict[int, S] = {}
        """The call at each index; read only, from outside."""
        # The first call that was given each id.
        self._by_id: dict[str, S] = {}
        # One more than the highest index.
        self._next_index = 0
        # The calls that came since the calls were last closed.
        self._unclosed: list[S] = []
        self.gone: list[S] = []
        """Calls that were told of and that a list left out: they still get their done."""

    def route(self, entries: Sequence[ToolCallEntry]) -> Iterator[tuple[ToolCallEntry, S]]:
        """Find the call of each entry of one delta, in order, adding those that are new.

        The caller merges an entry before it asks for the next: what the first says decides where the second goes.
        """
        homeless = sum(entry.index is None and not entry.id for entry in entries)
        for position, entry in enumerate(entries):
            call = self.find(entry, position if homeless > 1 else None)
            yield entry, call
            # The entry was merged meanwhile: a call has its id from there.
            if call.id:
                self._by_id.setdefault(call.id, call)

    def find(self, entry: ToolCallEntry, position: int | None) -> S:
        """Find or add the call of an entry.

        Args:
            entry: What the delta has of the call.
            position: Its place in the delta's list if that has to serve as the index, else None.
        """
        index = entry.index
        if index is None:
            if entry.id:
                self.repairs.add("4.9", entry.id, None)
                known = self._by_id.get(entry.id)
                return self.add(None) if known is None else known
            self.repairs.add("4.9", entry.name or (self.calls[-1].where if self.calls else "tool call 0"), None)
            if position is None:
                last = self.calls[-1] if self.calls else None
                if last is None or (entry.name and last.value() is not None and not last.is_said_again(entry)):
                    return self.add(None)
                return last
            index = position
        call = self.by_index.get(index)
        if call is None:
            return self.add(index)
        if entry.name and self._takes_over(entry, call):
            self.repairs.add("4.9", entry.id or entry.name, index)
            return self.add(index)
        return call

    def add(self, index: int | None) -> S:
        """Add a call at an index, or at the next free one."""
        if index is None:
            index = self._next_index
        self._next_index = max(self._next_index, index + 1)
        call = self.by_index[index] = self._kind(self.parent, index)
        self.calls.append(call)
        self._unclosed.append(call)
        return call

    def replace(self, ids: Iterable[str]) -> list[S]:
        """Put a list that counts more than what was streamed in the place of the calls.

        An entry is the call with its id; else the one at its position, unless both have ids; else a new call. Each
        call is one entry only: servers were seen to give two calls the same id.

        Args:
            ids: The id of each entry, "" where it has none.

        Returns:
            The call of each entry, for the caller to load, who then calls `index_calls`. A call that was told of and
            is not among them is closed after all others.
        """
        streamed = self.calls
        by_id: dict[str, deque[S]] = {}
        for call in streamed:
            if call.id:
                by_id.setdefault(call.id, deque()).append(call)
        # As a dict for its order; a call is equal to itself only.
        listed: dict[S, None] = {}
        for position, id in enumerate(ids):
            beside = streamed[position] if position < len(streamed) else None
            same_id = by_id.get(id)
            while same_id and same_id[0] in listed:
                same_id.popleft()
            if same_id:
                call = same_id[0]
            elif beside is not None and beside not in listed and not (id and beside.id):
                call = beside
            else:
                call = self._kind(self.parent, self._next_index)
                self._next_index += 1
            listed[call] = None
        self.gone += [call for call in streamed if call not in listed and call.created]
        self.calls = [*listed]
        self._unclosed = [*listed]
        return self.calls

    def index_calls(self) -> None:
        """Find the calls from here on by the indexes and ids that they have now."""
        self.by_index = {call.index: call for call in self.calls if call.index is not None}
        self._next_index = max(self.by_index, default=-1) + 1
        self._by_id = {call.id: call for call in reversed(self.calls) if call.id}

    def close(self, changes: ChangeSink[_AnyChange]) -> None:
        """Close the calls that are open, in order, those that a list left out last."""
        unclosed, self._unclosed = self._unclosed, []
        gone, self.gone = self.gone, []
        for call in (*unclosed, *gone):
            call.close(changes)

    @staticmethod
    def _takes_over(entry: ToolCallEntry, call: S) -> bool:
        """Return True if an entry with a name begins another call at an index that is taken."""
        if entry.id and call.id:
            return entry.id != call.id
        held = call.value()
        if held is None:
            return False
        if call.name and entry.name != call.name:
            return True
        arguments = entry.arguments
        if isinstance(arguments, dict | list):
            return canonical(arguments) != held
        if not arguments or arguments.lstrip()[:1] not in ("{", "["):
            return False
        return arguments != call.arguments.raw() and canonical_text(arguments) != held
