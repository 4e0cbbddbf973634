"""Fold run step deltas and payloads into a RunStep. Pure: no IO, no callbacks. Fed by `accumulator`.

Which call a fragment belongs to is decided by `tool_calls`; what a call of each type holds stands here. Opening a call
never closes its siblings (rule 5.11): calls end with their step, when the run waits for outputs, or with the run.
"""

from copy import copy
from typing import TypeAlias, cast

import msgspec

from asyncstream.accumulators.assistants.changes import RunStepChanged, RunStepCreated, RunStepDone
from asyncstream.accumulators.changes import ChangeSink, ToolCallChanged, ToolCallCreated, ToolCallDone
from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.growing import Growing
from asyncstream.accumulators.merging import Indexed, JSONFold, Payloads, UnknownJSON, index_of, members_of
from asyncstream.accumulators.repairs import Repairs
from asyncstream.accumulators.tool_calls import GrowingToolCall, ToolCallEntry, ToolCalls
from asyncstream.decoding import coerce_json
from asyncstream.types.run_steps import (
    MessageCreation,
    MessageCreationStepDetails,
    RunStep,
    RunStepDelta,
    RunStepDeltaMessageDelta,
    StepDeltaDetails,
    StepDetails,
    ToolCallDeltaObject,
    ToolCallsStepDetails,
    UnknownStepDeltaDetails,
    UnknownStepDetails,
)
from asyncstream.types.tool_calls import (
    CodeInterpreter,
    CodeInterpreterDelta,
    CodeInterpreterLogs,
    CodeInterpreterOutput,
    CodeInterpreterOutputDelta,
    CodeInterpreterOutputImageImage,
    CodeInterpreterOutputLogs,
    CodeInterpreterToolCall,
    CodeInterpreterToolCallDelta,
    CodeInterpreterToolCallOutputImage,
    FileSearchToolCallDelta,
    Function,
    FunctionToolCall,
    FunctionToolCallDelta,
    ToolCall,
    ToolCallDelta,
    UnknownCodeInterpreterOutput,
    UnknownCodeInterpreterOutputDelta,
    UnknownToolCall,
    UnknownToolCallDelta,
)

__all__ = ["GrowingRunStep", "RunStepChange"]

RunStepChange: TypeAlias = (
    RunStepCreated
    | RunStepChanged
    | RunStepDone
    | ToolCallCreated[ToolCall]
    | ToolCallChanged[ToolCall, ToolCallDelta]
    | ToolCallDone[ToolCall]
)

_TOOL_CALL = cast("type[ToolCall]", ToolCall)

_TYPED_DELTAS: dict[str, type[FunctionToolCallDelta | CodeInterpreterToolCallDelta | FileSearchToolCallDelta]] = {
    "function": FunctionToolCallDelta,
    "code_interpreter": CodeInterpreterToolCallDelta,
    "file_search": FileSearchToolCallDelta,
}


class _Logs:
    """The logs of one code interpreter output as they grow."""

    __slots__ = ("text",)

    def __init__(self, text: str = "") -> None:
        self.text = Fragments(text)


class _Code:
    """What a code interpreter call holds: its code, and its outputs by index."""

    __slots__ = ("input", "outputs")

    def __init__(self) -> None:
        self.input = Fragments()
        self.outputs: Indexed[_Logs | UnknownJSON | CodeInterpreterOutput] = Indexed()

    def fold(self, delta: CodeInterpreterDelta) -> None:
        if delta.input:
            self.input.append(delta.input)
        for output in delta.outputs or ():
            self._fold_output(output)

    def _fold_output(self, delta: CodeInterpreterOutputDelta) -> None:
        match delta:
            case CodeInterpreterLogs():
                held = self.outputs.get(delta.index)
                logs = held if isinstance(held, _Logs) else _Logs()
                if delta.logs:
                    logs.text.append(delta.logs)
                self.outputs.put(delta.index, logs)
            case UnknownCodeInterpreterOutputDelta():
                self._fold_unknown(delta)
            case _:
                kept = self.outputs.get(delta.index)
                image = kept if isinstance(kept, CodeInterpreterToolCallOutputImage) else None
                file_id = (delta.image and delta.image.file_id) or (image.image.file_id if image else "")
                self.outputs.put(
                    delta.index,
                    CodeInterpreterToolCallOutputImage(image=CodeInterpreterOutputImageImage(file_id=file_id)),
                )

    def _fold_unknown(self, delta: UnknownCodeInterpreterOutputDelta) -> None:
        index = index_of(members_of(delta.raw).get("index"))
        held = self.outputs.get(index)
        if held is not None and not delta.wire_type:
            return  # neither a type nor a payload
        if isinstance(held, UnknownJSON):
            held.wire_type = delta.wire_type
            held.fold(delta.raw)
        else:
            self.outputs.put(index, UnknownJSON(delta.wire_type, delta.raw))

    def load(self, payload: CodeInterpreter) -> None:
        if payload.input:
            self.input.replace(payload.input)
        if payload.outputs:
            self.outputs = Indexed(_growing_output(output) for output in payload.outputs)

    def end(self) -> None:
        self.input.ended = True
        for output in self.outputs.listed():
            if isinstance(output, _Logs):
                output.text.ended = True
            elif isinstance(output, UnknownJSON):
                output.end()

    def built(self) -> CodeInterpreter:
        return CodeInterpreter(
            input=self.input.text(), outputs=[_built_output(output) for output in self.outputs.listed()]
        )


def _growing_output(output: CodeInterpreterOutput) -> _Logs | UnknownJSON | CodeInterpreterOutput:
    match output:
        case CodeInterpreterOutputLogs():
            return _Logs(output.logs)
        case UnknownCodeInterpreterOutput():
            return UnknownJSON(output.wire_type, output.raw)
        case _:
            return output


def _built_output(output: _Logs | UnknownJSON | CodeInterpreterOutput) -> CodeInterpreterOutput:
    match output:
        case _Logs():
            return CodeInterpreterOutputLogs(logs=output.text.text())
        case UnknownJSON():
            return UnknownCodeInterpreterOutput(wire_type=output.wire_type, raw=output.raw)
        case _:
            return output


class _StepCall(GrowingToolCall[ToolCall, ToolCallDelta]):
    """A tool call of a step: what every call has, and what its type holds besides."""

    __slots__ = ("_built", "_code", "_output", "_rest")

    def __init__(self, parent: str | int, index: int | None) -> None:
        super().__init__(parent, index)
        self._output: str | None = None
        self._code: _Code | None = None
        # What no struct fixes: file searches, and the tools of other services.
        self._rest = JSONFold()
        self._built: ToolCall | None = None

    def add_piece(self, delta: FunctionToolCallDelta | CodeInterpreterToolCallDelta, repairs: Repairs) -> bool:
        """Fold a delta that only adds a piece of arguments or code; return False, and fold nothing, if it has more."""
        if isinstance(delta, FunctionToolCallDelta):
            function = delta.function
            if function is None or function.name or function.output is not None or type(function.arguments) is not str:
                return False
            if not self.add(function.arguments, repairs):
                return False
        else:
            code = delta.code_interpreter
            if code is None or self._code is None:
                return False
            # As `fold` of the code, in place where there is only input, as in nearly all deltas.
            if code.outputs:
                self._code.fold(code)
            elif code.input:
                self._code.input.append(code.input)
        self._built = None
        return True

    def add_alike(self, piece: str, repairs: Repairs) -> bool:
        """Add a piece of what the last delta added to; False, and nothing folded, if that must come whole."""
        self._built = None
        # A function may have been a code interpreter before, and keeps its code.
        if self._code is None or self.type == "function":
            return self.add(piece, repairs)
        self._code.input.append(piece)
        return True

    def fold(self, delta: ToolCallDelta) -> ToolCallDelta:
        """Fold what the slot itself does not hold; return the delta as typed as it can be."""
        self._built = None
        if isinstance(delta, UnknownToolCallDelta):
            members = members_of(delta.raw)
            typed = _TYPED_DELTAS.get(self.type) if not delta.wire_type else None
            if typed is None:
                self._rest.fold({key: value for key, value in members.items() if key not in _SLOT_KEYS})
                return delta
            delta = coerce_json(typed, members)[0]
        match delta:
            case FunctionToolCallDelta():
                if delta.function is not None and delta.function.output is not None:
                    self._output = delta.function.output
            case CodeInterpreterToolCallDelta():
                if delta.code_interpreter is not None:
                    self._code = self._code or _Code()
                    self._code.fold(delta.code_interpreter)
            case FileSearchToolCallDelta():
                if delta.file_search is not None:
                    self._rest.fold({"file_search": delta.file_search})
        return delta

    def load(self, call: ToolCall) -> None:
        """Replace every member that an authoritative payload has a value for."""
        self._built = None
        self.id = getattr(call, "id", "") or self.id
        match call:
            case FunctionToolCall():
                self.type = call.type
                self.name = call.function.name or self.name
                if call.function.arguments:
                    self.set_arguments(call.function.arguments)
                self._output = self._output if call.function.output is None else call.function.output
            case CodeInterpreterToolCall():
                self.type = call.type
                self._code = self._code or _Code()
                self._code.load(call.code_interpreter)
            case _:
                members = members_of(call.raw) if isinstance(call, UnknownToolCall) else msgspec.to_builtins(call)
                self.type = str(members.get("type") or self.type)
                self.id = str(members.get("id") or self.id)
                self.name = str(members.get("name") or self.name)
                arguments = members.get("arguments")
                if isinstance(arguments, str) and arguments:
                    self.set_arguments(arguments)
                self._rest.load({key: value for key, value in members.items() if key not in _SLOT_KEYS})

    def piece_of(self, delta: ToolCallDelta) -> tuple[str, str]:
        """Return the member that a delta adds to, and the text that it adds."""
        match delta:
            case FunctionToolCallDelta(function=function):
                piece = None if function is None else function.arguments
                return "arguments", piece if isinstance(piece, str) else ""
            case CodeInterpreterToolCallDelta(code_interpreter=code):
                return "input", (code and code.input) or ""
            case _:
                return "", ""

    def end(self) -> None:
        """Expect nothing more."""
        super().end()
        self._built = None
        self._rest.end()
        if self._code is not None:
            self._code.end()

    def snapshot(self) -> ToolCall:
        """Build the call as it is now; the same struct until something is folded."""
        if self._built is None:
            self._built = self._build()
        return self._built

    def _build(self) -> ToolCall:
        match self.type or "function":
            case "function":
                function = Function(name=self.name, arguments=self.arguments.text(), output=self._output)
                return FunctionToolCall(id=self.id, function=function)
            case "code_interpreter":
                code = CodeInterpreter() if self._code is None else self._code.built()
                return CodeInterpreterToolCall(id=self.id, code_interpreter=code)
            case _:
                members = self._identity()
                members.update(self._rest.built())
                if self.arguments:
                    members["arguments"] = self.arguments.text()
                return coerce_json(_TOOL_CALL, members)[0]

    def created_snapshot(self) -> ToolCall:
        """Build a fresh struct of what identifies the call, without arguments."""
        match self.type or "function":
            case "function":
                return FunctionToolCall(id=self.id, function=Function(name=self.name))
            case _:
                return coerce_json(_TOOL_CALL, self._identity())[0]

    def _identity(self) -> dict[str, object]:
        members: dict[str, object] = {"id": self.id, "type": self.type}
        if self.name:
            members["name"] = self.name
        return members


_SLOT_KEYS = frozenset({"id", "type", "index", "name", "arguments"})
"""What the slot holds of a flat call."""


def _entry(delta: ToolCallDelta) -> ToolCallEntry:
    match delta:
        case FunctionToolCallDelta():
            function = delta.function
            name, arguments = ("", None) if function is None else (function.name or "", function.arguments)
            return ToolCallEntry(delta.index, delta.id or "", "function", name, arguments)
        case CodeInterpreterToolCallDelta() | FileSearchToolCallDelta():
            return ToolCallEntry(delta.index, delta.id or "", delta.type)
        case UnknownToolCallDelta():
            return _flat_entry(members_of(delta.raw))


def _flat_entry(members: dict[str, object]) -> ToolCallEntry:
    # The coercion reads an index as rule 4 does: an integer or a digit string, else none.
    base = coerce_json(FunctionToolCallDelta, members)[0]
    name, kind, arguments = members.get("name"), members.get("type"), members.get("arguments")
    return ToolCallEntry(
        index=base.index,
        id=base.id or "",
        type=kind if isinstance(kind, str) else "",
        name=name if isinstance(name, str) else "",
        arguments=arguments if isinstance(arguments, str | dict | list) else None,
    )


class GrowingRunStep(Growing[RunStepChange]):
    """A run step as it grows."""

    __slots__ = ("_calls", "_fields", "_grown", "_repairs", "_streamed", "built", "id")

    def __init__(self, id: str, repairs: Repairs, payload: RunStep | None, delta: RunStepDelta | None) -> None:
        """Make a step of which nothing is known but its id, and what identifies it in the event that brings it."""
        super().__init__()
        self.id = id
        fields = RunStep(id=id, status="in_progress")
        # The details are never merged, so that they can be set before what is due is.
        self._fields = Payloads(fields, ("step_details",))
        self._repairs = repairs
        self._calls: ToolCalls[_StepCall] = ToolCalls(_StepCall, id, repairs)
        self._streamed = False
        # The call that the last piece was for.
        self._grown: _StepCall | None = None
        self.built: RunStep | None = None
        if payload is not None:
            fields.type = payload.type
            fields.created_at = payload.created_at
            fields.thread_id = payload.thread_id
            fields.run_id = payload.run_id
            fields.assistant_id = payload.assistant_id
            if isinstance(payload.step_details, MessageCreationStepDetails):
                fields.step_details = payload.step_details
        if delta is not None and self._delta_calls(delta.step_details) is not None:
            # A stub: its calls alone tell what it is (rule 5.2).
            fields.type = "tool_calls"

    def snapshot(self) -> RunStep:
        """Build the step as it is now; the same struct until something is folded."""
        if self.built is None:
            step = copy(self._fields.merged())
            if self._calls.calls or step.type == "tool_calls":
                step.step_details = ToolCallsStepDetails(tool_calls=[call.snapshot() for call in self._calls.calls])
            self.built = step
        return self.built

    def created_change(self) -> RunStepCreated:
        """Make the change that tells of it: nothing is folded yet."""
        return RunStepCreated(self.snapshot())

    def done_change(self) -> RunStepDone:
        """Make the change that says it is complete."""
        return RunStepDone(self)

    def add_piece(self, delta: RunStepDelta, changes: ChangeSink[RunStepChange] | None) -> bool:
        """Fold a delta that adds to one open call, which nearly all do.

        Args:
            delta: The delta.
            changes: What its changes are appended to; None builds none.

        Returns:
            True if it was folded; False, and nothing folded, if the delta is any other: `fold_delta` takes it.
        """
        details = delta.step_details
        if type(details) is not ToolCallDeltaObject or details.tool_calls is None or len(details.tool_calls) != 1:
            return False
        piece = details.tool_calls[0]
        if type(piece) is not FunctionToolCallDelta and type(piece) is not CodeInterpreterToolCallDelta:
            return False
        call = self._calls.by_index.get(piece.index)  # type: ignore[arg-type]  # None is no key
        if call is None or not call.created or call.type != piece.type or (piece.id and piece.id != call.id):
            return False
        if not call.add_piece(piece, self._repairs):
            return False
        self._grown = call
        self.built = None
        if changes is not None:
            changes.append(call.changed(piece))
            changes.append(RunStepChanged(self, delta))
        return True

    def add_alike(self, piece: str) -> bool:
        """Fold what `add_piece` folded last, with another piece; False, and nothing folded, if that must come whole."""
        self.built = None
        return self._grown.add_alike(piece, self._repairs)  # type: ignore[union-attr]  # after `add_piece` alone

    def fold_delta(self, delta: RunStepDelta, changes: ChangeSink[RunStepChange]) -> None:
        """Fold a delta; append its changes in order, `RunStepChanged` last."""
        self.built = None
        calls = self._delta_calls(delta.step_details)
        if calls is None:
            self._fold_message_creation(delta.step_details)
        else:
            self._fold_calls(calls, changes)
        changes.append(RunStepChanged(self, delta))

    def _delta_calls(self, details: StepDeltaDetails | None) -> list[ToolCallDelta] | None:
        """Return the list of calls in a delta's details, whatever type these have (rule 5.5)."""
        match details:
            case ToolCallDeltaObject() | RunStepDeltaMessageDelta():
                return details.tool_calls
            case UnknownStepDeltaDetails():
                calls = members_of(details.raw).get("tool_calls")
                if not isinstance(calls, list | dict):
                    return None
                self._repairs.add("5.5", f"{self.id} step_details.type", details.wire_type)
                return coerce_json(list[ToolCallDelta], calls)[0]
            case None:
                return None

    def _fold_message_creation(self, details: StepDeltaDetails | None) -> None:
        if not isinstance(details, RunStepDeltaMessageDelta):
            return
        self._name_type("message_creation")
        creation = details.message_creation
        if creation is not None and creation.message_id:
            self._fields.held.step_details = MessageCreationStepDetails(
                message_creation=MessageCreation(message_id=creation.message_id)
            )

    def _fold_calls(self, deltas: list[ToolCallDelta], changes: ChangeSink[RunStepChange]) -> None:
        if not deltas:
            return
        self._streamed = True
        self._name_type("tool_calls")
        routed = self._calls.route([_entry(delta) for delta in deltas])
        for (entry, call), delta in zip(routed, deltas, strict=True):
            told = call.merge(entry, self._repairs)
            delta = call.fold(delta)
            call.open(changes)
            if told:
                changes.append(call.changed(delta))

    def fold_payload(self, payload: RunStep) -> None:
        """Fold a `created` or `in_progress` payload: its calls count only while nothing was streamed."""
        self.built = None
        self._fields.fold(payload)
        calls = self._payload_calls(payload.step_details)
        if calls and not self._streamed:
            self._replace_calls(calls)

    def set_status(self, status: str) -> None:
        """Set the status that the event's name says, where its payload has none; that payload is folded next."""
        self._fields.merged().status = status

    def fold_ending(self, payload: RunStep, changes: ChangeSink[RunStepChange]) -> None:
        """Fold an ending payload, whose calls are authoritative, and close the step (rule 5.12)."""
        self._fields.fold(payload)
        calls = self._payload_calls(payload.step_details)
        if calls:
            self._replace_calls(calls)
            # Nothing that comes late may put less in place of what is authoritative.
            self._streamed = True
        self.close(changes)

    def _payload_calls(self, details: StepDetails | None) -> list[ToolCall]:
        """Return the calls of a payload's details; details of another type are kept as they are."""
        if isinstance(details, ToolCallsStepDetails):
            self._name_type("tool_calls")
            return details.tool_calls
        if isinstance(details, UnknownStepDetails):
            calls = members_of(details.raw).get("tool_calls")
            if isinstance(calls, list | dict):
                return coerce_json(list[ToolCall], calls)[0]
        if details is not None:
            self._fields.held.step_details = details
        return []

    def _name_type(self, name: str) -> None:
        """Set the type that the details show, where no payload has one."""
        # One that has a type keeps it, whatever is folded in.
        if not self._fields.held.type:
            fields = self._fields.merged()
            fields.type = fields.type or name

    def _replace_calls(self, payloads: list[ToolCall]) -> None:
        """Put an authoritative list in place of the calls."""
        ids = [str(members_of(p.raw).get("id") or "") if isinstance(p, UnknownToolCall) else p.id for p in payloads]
        for call, payload in zip(self._calls.replace(ids), payloads, strict=True):
            call.load(payload)
        self._calls.index_calls()

    def close_calls(self, changes: ChangeSink[RunStepChange]) -> None:
        """Close the open tool calls in order; one that no delta opened is created first."""
        self.built = None
        self._calls.close(changes)

    def close(self, changes: ChangeSink[RunStepChange]) -> None:
        """Close whatever is open: the calls, then the step."""
        self.close_calls(changes)
        super().close(changes)
