"""The tool calls of one choice as they grow: found, told of, replaced, closed. Pure; fed by `choices`.

Which call a fragment belongs to is decided by `slots`, what a call holds by `calls`. The one call of the older
form (`function_call`) is kept beside the slots, which do not see it (rule 4.11), and is listed among the calls.
"""

from typing import TypeAlias

from asyncstream.accumulators.changes import ChangeSink, ToolCallChanged, ToolCallCreated, ToolCallDone
from asyncstream.accumulators.chat.calls import ChatCall, entry_of, legacy_delta
from asyncstream.accumulators.repairs import Repairs
from asyncstream.accumulators.slots import ToolSlots
from asyncstream.types import (
    ChatCompletionMessageToolCall,
    ChoiceDeltaFunctionCall,
    ChoiceDeltaToolCall,
    FunctionCall,
)

__all__ = ["CallChange", "ChoiceCalls"]

CallChange: TypeAlias = (
    ToolCallCreated[ChatCompletionMessageToolCall]
    | ToolCallChanged[ChatCompletionMessageToolCall, ChoiceDeltaToolCall]
    | ToolCallDone[ChatCompletionMessageToolCall]
)


class ChoiceCalls:
    """The calls of a choice, first seen first."""

    __slots__ = ("_gone", "_index", "_legacy", "_repairs", "_slots", "late")

    def __init__(self, index: int, repairs: Repairs) -> None:
        self.late = False
        """Whether the choice has a finish reason: what still comes is recorded as a repair."""
        self._index = index
        self._repairs = repairs
        self._slots: ToolSlots[ChatCall] = ToolSlots(ChatCall)
        self._legacy: ChatCall | None = None
        # Calls that were told of and are not in the message that replaced them: they still get their done.
        self._gone: list[ChatCall] = []

    def listed(self) -> list[ChatCall]:
        """Give the calls in order, the one of the older form among them."""
        calls = [*self._slots.calls]
        if self._legacy is not None:
            calls.insert(self._legacy.place, self._legacy)
        return calls

    def legacy(self) -> FunctionCall | None:
        """Build the call of the older form, if there is one."""
        call = self._legacy
        return None if call is None else FunctionCall(name=call.name, arguments=call.arguments.text())

    def params_beside_legacy(self) -> list[dict[str, object]]:
        """Give the calls as a request carries them, without the one of the older form."""
        return [call.snapshot().to_param() for call in self._slots.calls]

    def fold(self, deltas: list[ChoiceDeltaToolCall], changes: ChangeSink[CallChange]) -> None:
        """Fold the list of one delta."""
        if len(deltas) == 1:
            call = self._open_call(deltas[0])
            if call is not None:
                call.touch()
                if call.add(deltas[0].function.arguments, self._repairs):  # type: ignore[arg-type, union-attr]  # as above
                    changes.append(ToolCallChanged(call, deltas[0], self._index, call.place))
                return
        routed = self._slots.route([entry_of(said) for said in deltas], self._repairs)
        for (entry, call), said in zip(routed, deltas, strict=True):
            told = call.merge(entry, self._repairs)
            self._tell(call, said, changes, told=told, grew=bool(entry.arguments))

    def grow(self, said: ChoiceDeltaToolCall) -> bool:
        """Fold what nearly every delta of a call is, and tell nobody; False, and nothing folded, if it is any other."""
        call = self._open_call(said)
        if call is None:
            return False
        call.touch()
        call.add(said.function.arguments, self._repairs)  # type: ignore[arg-type, union-attr]  # _open_call saw it
        return True

    def _open_call(self, said: ChoiceDeltaToolCall) -> ChatCall | None:
        """Find the open call at an index for which a delta is a piece of arguments and nothing else."""
        function = said.function
        call = self._slots.by_index.get(said.index)  # type: ignore[arg-type]  # None is no key
        if call is None or function is None or function.name or said.custom is not None:
            return None
        piece = function.arguments
        if not isinstance(piece, str) or not piece or not call.created or self.late or said.extra_content is not None:
            return None
        return None if (said.id and not call.id) or (said.type and not call.type) else call

    def fold_legacy(self, said: ChoiceDeltaFunctionCall, changes: ChangeSink[CallChange]) -> None:
        """Fold what a delta says of the call of the older form."""
        call = self._legacy
        if call is None:
            call = self._legacy = ChatCall(None)
            call.place = len(self._slots.calls)
        delta = legacy_delta(said)
        entry = entry_of(delta)
        told = call.merge(entry, self._repairs)
        self._tell(call, delta, changes, told=told, grew=bool(entry.arguments))

    def replace(self, deltas: list[ChoiceDeltaToolCall], changes: ChangeSink[CallChange]) -> None:
        """Put the calls of a whole message in the place of what was streamed: the same by id, else by position."""
        streamed = self._slots.calls
        by_id = {held.id: held for held in reversed(streamed) if held.id}
        # As a dict for its order; a call is equal to itself only.
        listed: dict[ChatCall, None] = {}
        for position, said in enumerate(deltas):
            entry = entry_of(said)
            beside = streamed[position] if position < len(streamed) else None
            call = by_id.get(entry.id)
            if call is None and beside is not None and not (entry.id and beside.id):
                call = beside
            if call is None or call in listed:
                call = ChatCall(position)
            grew = call.load(entry)
            if call is beside and call.id:
                by_id.setdefault(call.id, call)
            call.index = call.place = position
            listed[call] = None
            self._tell(call, said, changes, told=grew, grew=grew)
        self._gone += [call for call in streamed if call not in listed and call.created]
        self._slots.replace([*listed])
        if self._legacy is not None:
            self._legacy.place = len(listed)

    def replace_legacy(self, said: ChoiceDeltaFunctionCall, changes: ChangeSink[CallChange]) -> None:
        """Put the call of the older form of a whole message in the place of what was streamed."""
        if self._legacy is None:
            self.fold_legacy(said, changes)
            return
        delta = legacy_delta(said)
        grew = self._legacy.load(entry_of(delta))
        self._tell(self._legacy, delta, changes, told=grew, grew=grew)

    def _tell(
        self, call: ChatCall, said: ChoiceDeltaToolCall, changes: ChangeSink[CallChange], *, told: bool, grew: bool
    ) -> None:
        """Tell of a call: that it opened, once its name is known, and then what it grew by."""
        call.fold(said)
        if call.place < 0:
            call.place = len(self._slots.calls) - (self._legacy is None)
        if not call.created:
            if not call.name:
                return
            self._create(call, changes)
            told = told and grew
        if told:
            changes.append(ToolCallChanged(call, said, self._index, call.place))
            if grew and self.late:
                self._repairs.add("4.13", call.where, None if said.function is None else said.function.arguments)

    def _create(self, call: ChatCall, changes: ChangeSink[CallChange]) -> None:
        call.created = True
        changes.append(ToolCallCreated(call.created_snapshot(), self._index, call.place))

    def close(self, cut: str | None, changes: ChangeSink[CallChange]) -> None:
        """Close the calls that are open, in order, each once; one that was not told of is created first."""
        self.settle_ids()
        for call in (*self.listed(), *self._gone):
            if not call.done:
                if not call.created:
                    self._create(call, changes)
                call.end()
                call.set_cut(cut)
                changes.append(ToolCallDone(call, self._index, call.place))

    def set_cut(self, cut: str | None) -> None:
        """Say of all calls why they are not whole, or that they are."""
        for call in self.listed():
            call.set_cut(cut)

    def settle_ids(self) -> None:
        """Make up the ids that never came: nothing more is expected (rule 4.12)."""
        for call in self.listed():
            if not call.id and not call.done:
                self._repairs.add("4.12", f"choice {self._index} tool call {call.place}", call.known_id())
