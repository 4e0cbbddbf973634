"""The tool calls of one choice as they grow: found, told of, replaced, closed. Pure; fed by `choices`.

Which call a fragment belongs to is decided by `tool_calls`, what a call holds by `calls`. The one call of the older
form (`function_call`) is kept beside the others, which no index or id leads to (rule 4.11), and is listed among them.
"""

from functools import partial
from typing import TypeAlias

from asyncstream.accumulators.changes import ChangeSink, ToolCallChanged, ToolCallCreated, ToolCallDone
from asyncstream.accumulators.chat.calls import ChatCall, Cut, ReadArguments, entry_of, legacy_delta
from asyncstream.accumulators.repairs import Repairs
from asyncstream.accumulators.tool_calls import ToolCalls
from asyncstream.types.chat import ChatCompletionMessageToolCall, FunctionCall
from asyncstream.types.chat_chunks import ChoiceDeltaFunctionCall, ChoiceDeltaToolCall

__all__ = ["CallChange", "ChoiceCalls"]

_UNFINISHED = Cut()
"""What a call has that the end of a complete answer found in the middle of its arguments."""

CallChange: TypeAlias = (
    ToolCallCreated[ChatCompletionMessageToolCall]
    | ToolCallChanged[ChatCompletionMessageToolCall, ChoiceDeltaToolCall]
    | ToolCallDone[ChatCompletionMessageToolCall]
)


class ChoiceCalls(ToolCalls[ChatCall]):
    """The calls of a choice, first seen first."""

    __slots__ = ("_cut", "_legacy", "_read", "_uncut", "late")

    def __init__(self, index: int, repairs: Repairs, read: ReadArguments | None) -> None:
        """Make an empty list, for the choice at an index, of calls whose arguments are read by a function."""
        super().__init__(ChatCall if read is None else partial(ChatCall, read=read), index, repairs)
        self._read = read
        self.late = False
        """Whether the choice has a finish reason: what still comes is a repair, and closes a call that it completes."""
        self._legacy: ChatCall | None = None
        # Finish reasons may change with every chunk: then nothing is done to each call.
        self._cut = Cut()
        # The calls that do not share it yet.
        self._uncut: list[ChatCall] = []

    def add(self, index: int | None) -> ChatCall:
        """Add a call at an index, or at the next free one; its place is after all others."""
        call = super().add(index)
        call.place = len(self.calls) - (self._legacy is None)
        if not self.late:
            self._uncut.append(call)
        return call

    def listed(self) -> list[ChatCall]:
        """Give the calls in order, the one of the older form among them."""
        calls = [*self.calls]
        if self._legacy is not None:
            calls.insert(self._legacy.place, self._legacy)
        return calls

    def forget(self) -> None:
        """Forget the built snapshots."""
        for call in (*self.listed(), *self.gone):
            call.touch()

    def legacy(self) -> FunctionCall | None:
        """Build the call of the older form, if there is one."""
        call = self._legacy
        return None if call is None else FunctionCall(name=call.name, arguments=call.arguments.text())

    def params_beside_legacy(self) -> list[dict[str, object]]:
        """Give the calls as a request carries them, without the one of the older form."""
        return [call.snapshot().to_param() for call in self.calls]

    def add_piece(self, delta: ChoiceDeltaToolCall, changes: ChangeSink[CallChange] | None) -> ChatCall | None:
        """Fold a delta that is a piece of the arguments of the open call at its index, which nearly all are.

        Args:
            delta: One element of a delta's list.
            changes: What its changes are appended to; None builds none.

        Returns:
            The call that has grown; None, and nothing folded, if the delta is any other.
        """
        function = delta.function
        call = self.by_index.get(delta.index)  # type: ignore[arg-type]  # None is no key
        if call is None or function is None or function.name or delta.custom is not None:
            return None
        piece = function.arguments
        if not isinstance(piece, str) or not piece or not call.created or self.late or delta.extra_content is not None:
            return None
        if (delta.id and not call.id) or (delta.type and not call.type):
            return None
        if call.add_alike(piece, self.repairs) and changes is not None:
            changes.append(call.changed(delta))
        return call

    def fold(self, deltas: list[ChoiceDeltaToolCall], changes: ChangeSink[CallChange]) -> None:
        """Fold the list of one delta."""
        routed = self.route([entry_of(delta) for delta in deltas])
        for (entry, call), delta in zip(routed, deltas, strict=True):
            told = call.merge(entry, self.repairs)
            self._tell(call, delta, changes, told=told, grew=bool(entry.arguments))

    def fold_legacy(self, delta: ChoiceDeltaFunctionCall, changes: ChangeSink[CallChange]) -> None:
        """Fold what a delta adds to the call of the older form."""
        if self._legacy is None:
            self._legacy = ChatCall(self.parent, None, self._read)
            self._legacy.place = len(self.calls)
            if not self.late:
                self._uncut.append(self._legacy)
        as_call = legacy_delta(delta)
        entry = entry_of(as_call)
        told = self._legacy.merge(entry, self.repairs)
        self._tell(self._legacy, as_call, changes, told=told, grew=bool(entry.arguments))

    def fold_message(self, payloads: list[ChoiceDeltaToolCall], changes: ChangeSink[CallChange]) -> None:
        """Put the calls of a whole message in the place of what was streamed."""
        entries = [entry_of(payload) for payload in payloads]
        calls = self.replace([entry.id for entry in entries])
        for place, (call, entry, payload) in enumerate(zip(calls, entries, payloads, strict=True)):
            grew = call.load(entry)
            call.index = call.place = place
            self._tell(call, payload, changes, told=grew, grew=grew)
        self.index_calls()
        if not self.late:
            # Those that are new, and some that share it already.
            self._uncut += [call for call in calls if not call.done]
        if self._legacy is not None:
            self._legacy.place = len(calls)

    def fold_legacy_message(self, payload: ChoiceDeltaFunctionCall, changes: ChangeSink[CallChange]) -> None:
        """Put the call of the older form of a whole message in the place of what was streamed."""
        if self._legacy is None:
            self.fold_legacy(payload, changes)
            return
        as_call = legacy_delta(payload)
        grew = self._legacy.load(entry_of(as_call))
        self._tell(self._legacy, as_call, changes, told=grew, grew=grew)

    def _tell(
        self, call: ChatCall, delta: ChoiceDeltaToolCall, changes: ChangeSink[CallChange], *, told: bool, grew: bool
    ) -> None:
        """Tell of a call: that it opened, once its name is known, and then what it grew by."""
        call.fold(delta)
        if not call.created:
            if not call.name:
                return
            call.open(changes)
            told = told and grew
        if told:
            changes.append(call.changed(delta))
            if grew and self.late:
                self.repairs.add("4.13", call.where, None if delta.function is None else delta.function.arguments)
        if self.late and not call.done and call.is_whole():
            self._close(call, self._cut, changes)

    def finish_as(self, cut: str | None, changes: ChangeSink[CallChange]) -> None:
        """Close the calls that are whole or have not begun their arguments, in order: the choice has a finish reason.

        The others stay open until they are whole, or until `close_as`; so do those that come from now on.
        """
        self.late = True
        self._uncut.clear()
        self._cut.reason = cut
        for call in (*self.listed(), *self.gone):
            if call.is_whole() or not (call.arguments or call.type == "custom"):
                self._close(call, self._cut, changes)

    def close_as(self, cut: str | None, changes: ChangeSink[CallChange]) -> None:
        """Close the calls that are open, in order, and note for each why it is not whole, or that it is."""
        self.set_cut(cut)
        for call in (*self.listed(), *self.gone):
            self._close(call, _UNFINISHED if cut is None and call.breaks_off() else self._cut, changes)

    def _close(self, call: ChatCall, cut: Cut, changes: ChangeSink[CallChange]) -> None:
        if not call.done:
            self._settle_id(call)
            call.share_cut(cut)
            call.close(changes)

    def set_cut(self, cut: str | None) -> None:
        """Say of all calls that there are why they are not whole, or that they are."""
        self._cut.reason = cut
        for call in self._uncut:
            call.share_cut(self._cut)
        self._uncut.clear()

    def settle_ids(self) -> None:
        """Make up the ids that never came: nothing more is expected (rule 4.12)."""
        for call in self.listed():
            if not call.done:
                self._settle_id(call)

    def _settle_id(self, call: ChatCall) -> None:
        if not call.id:
            self.repairs.add("4.12", f"choice {self.parent} tool call {call.place}", call.known_id())
