"""Fold run step deltas and payloads into a RunStep. Pure: no IO, no callbacks. Fed by `accumulator`.

Which call a fragment belongs to is decided by `slots`; what a call of each type holds stands here. Opening a call
never closes its siblings (rule 5.11): calls end with their step, when the run waits for outputs, or with the run.
"""

from collections import deque
from copy import copy
from typing import TypeAlias, cast

import msgspec

from asyncstream.accumulators.assistants.changes import RunStepChanged, RunStepCreated, RunStepDone
from asyncstream.accumulators.changes import ToolCallChanged, ToolCallCreated, ToolCallDone
from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.merging import Indexed, JSONFold, index_of, members_of, replace_present
from asyncstream.accumulators.repairs import Repairs
from asyncstream.accumulators.slots import ToolEntry, ToolSlot, ToolSlots
from asyncstream.decoding import coerce_json, dump_raw
from asyncstream.types import (
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
    MessageCreation,
    MessageCreationStepDetails,
    RunStep,
    RunStepDelta,
    RunStepDeltaMessageDelta,
    StepDeltaDetails,
    StepDetails,
    ToolCall,
    ToolCallDelta,
    ToolCallDeltaObject,
    ToolCallsStepDetails,
    UnknownCodeInterpreterOutput,
    UnknownCodeInterpreterOutputDelta,
    UnknownStepDeltaDetails,
    UnknownStepDetails,
    UnknownToolCall,
    UnknownToolCallDelta,
)

__all__ = ["RunStepChange", "RunStepNode"]

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
        self.outputs: Indexed[_Logs | CodeInterpreterOutput] = Indexed()

    def fold(self, said: CodeInterpreterDelta) -> None:
        if said.input:
            self.input.append(said.input)
        for output in said.outputs or ():
            self._fold_output(output)

    def _fold_output(self, said: CodeInterpreterOutputDelta) -> None:
        match said:
            case CodeInterpreterLogs():
                held = self.outputs.get(said.index)
                logs = held if isinstance(held, _Logs) else _Logs()
                if said.logs:
                    logs.text.append(said.logs)
                self.outputs.put(said.index, logs)
            case UnknownCodeInterpreterOutputDelta():
                self._fold_unknown(said)
            case _:
                kept = self.outputs.get(said.index)
                image = kept if isinstance(kept, CodeInterpreterToolCallOutputImage) else None
                file_id = (said.image and said.image.file_id) or (image.image.file_id if image else "")
                self.outputs.put(
                    said.index,
                    CodeInterpreterToolCallOutputImage(image=CodeInterpreterOutputImageImage(file_id=file_id)),
                )

    def _fold_unknown(self, said: UnknownCodeInterpreterOutputDelta) -> None:
        index = index_of(members_of(said.raw).get("index"))
        held = self.outputs.get(index)
        if held is not None and not said.wire_type:
            return  # neither a type nor a payload: it says nothing
        raw = said.raw
        if isinstance(held, UnknownCodeInterpreterOutput):
            members = JSONFold()
            members.fold(members_of(held.raw))
            members.fold(members_of(said.raw))
            raw = dump_raw(members.built())
        self.outputs.put(index, UnknownCodeInterpreterOutput(wire_type=said.wire_type, raw=raw))

    def load(self, said: CodeInterpreter) -> None:
        if said.input:
            self.input.replace(said.input)
        if said.outputs:
            self.outputs = Indexed(
                _Logs(output.logs) if isinstance(output, CodeInterpreterOutputLogs) else output
                for output in said.outputs
            )

    def end(self) -> None:
        self.input.ended = True
        for output in self.outputs.listed():
            if isinstance(output, _Logs):
                output.text.ended = True

    def built(self) -> CodeInterpreter:
        outputs = self.outputs.listed()
        return CodeInterpreter(
            input=self.input.text(),
            outputs=[
                CodeInterpreterOutputLogs(logs=output.text.text()) if isinstance(output, _Logs) else output
                for output in outputs
            ],
        )


class _Call(ToolSlot):
    """A tool call of a step: the slot, and what its type holds besides."""

    __slots__ = ("_built", "_code", "_output", "_rest")

    def __init__(self, index: int | None) -> None:
        super().__init__(index)
        self._output: str | None = None
        self._code: _Code | None = None
        # What no struct fixes: file searches, and the tools of other services.
        self._rest = JSONFold()
        self._built: ToolCall | None = None

    def grow(self, said: FunctionToolCallDelta | CodeInterpreterToolCallDelta, repairs: Repairs) -> bool:
        """Fold a delta that only adds a piece; False, and nothing folded, if it says more than that."""
        if isinstance(said, FunctionToolCallDelta):
            function = said.function
            if function is None or function.name or function.output is not None or type(function.arguments) is not str:
                return False
            if not self.add(function.arguments, repairs):
                return False
        else:
            code = said.code_interpreter
            if code is None or self._code is None:
                return False
            # As `fold` of the code, in place where there is only input, as in nearly all deltas.
            if code.outputs:
                self._code.fold(code)
            elif code.input:
                self._code.input.append(code.input)
        self._built = None
        return True

    def fold(self, said: ToolCallDelta) -> ToolCallDelta:
        """Fold what the slot itself does not hold; return the delta as typed as it can be."""
        self._built = None
        if isinstance(said, UnknownToolCallDelta):
            members = members_of(said.raw)
            typed = _TYPED_DELTAS.get(self.type) if not said.wire_type else None
            if typed is None:
                self._rest.fold({key: value for key, value in members.items() if key not in _SLOT_KEYS})
                return said
            said = coerce_json(typed, members)[0]
        match said:
            case FunctionToolCallDelta():
                if said.function is not None and said.function.output is not None:
                    self._output = said.function.output
            case CodeInterpreterToolCallDelta():
                if said.code_interpreter is not None:
                    self._code = self._code or _Code()
                    self._code.fold(said.code_interpreter)
            case FileSearchToolCallDelta():
                if said.file_search is not None:
                    self._rest.fold({"file_search": said.file_search})
        return said

    def load(self, call: ToolCall) -> None:
        """Replace what an authoritative payload says."""
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


def _entry(said: ToolCallDelta) -> ToolEntry:
    match said:
        case FunctionToolCallDelta():
            function = said.function
            name, arguments = ("", None) if function is None else (function.name or "", function.arguments)
            return ToolEntry(said.index, said.id or "", "function", name, arguments)
        case CodeInterpreterToolCallDelta() | FileSearchToolCallDelta():
            return ToolEntry(said.index, said.id or "", said.type)
        case UnknownToolCallDelta():
            return _flat_entry(members_of(said.raw))


def _flat_entry(members: dict[str, object]) -> ToolEntry:
    # The coercion reads an index as rule 4 does: an integer or a digit string, else none.
    base = coerce_json(FunctionToolCallDelta, members)[0]
    name, kind, arguments = members.get("name"), members.get("type"), members.get("arguments")
    return ToolEntry(
        index=base.index,
        id=base.id or "",
        type=kind if isinstance(kind, str) else "",
        name=name if isinstance(name, str) else "",
        arguments=arguments if isinstance(arguments, str | dict | list) else None,
    )


class RunStepNode:
    """A run step as it grows."""

    __slots__ = ("_built", "_fields", "_repairs", "_slots", "_streamed", "done")

    def __init__(self, id: str, repairs: Repairs) -> None:
        self._fields = RunStep(id=id, status="in_progress")
        self._repairs = repairs
        self._slots: ToolSlots[_Call] = ToolSlots(_Call)
        self._streamed = False
        self._built: RunStep | None = None
        self.done = False
        """Whether `RunStepDone` was told."""

    def snapshot(self) -> RunStep:
        """Build the step as it is now; the same struct until something is folded."""
        if self._built is None:
            step = copy(self._fields)
            if self._slots.calls or step.type == "tool_calls":
                step.step_details = ToolCallsStepDetails(tool_calls=[call.snapshot() for call in self._slots.calls])
            self._built = step
        return self._built

    def created(self, payload: RunStep | None, delta: RunStepDelta | None) -> RunStepCreated:
        """Make the change that tells of this step, from what identifies it."""
        snapshot = RunStep(id=self._fields.id, status="in_progress")
        if payload is not None:
            for name in ("type", "created_at", "thread_id", "run_id", "assistant_id"):
                setattr(snapshot, name, getattr(payload, name))
            if isinstance(payload.step_details, MessageCreationStepDetails):
                snapshot.step_details = payload.step_details
        if delta is not None and self._delta_calls(delta.step_details) is not None:
            # A stub: nothing but its calls says what it is (rule 5.2).
            self._fields.type = snapshot.type = "tool_calls"
        if snapshot.type == "tool_calls":
            snapshot.step_details = ToolCallsStepDetails()
        return RunStepCreated(snapshot)

    def grow(self, delta: RunStepDelta) -> tuple[_Call, ToolCallDelta] | None:
        """Fold a delta that adds to one open call, which nearly all do; None if it is any other."""
        details = delta.step_details
        if type(details) is not ToolCallDeltaObject or details.tool_calls is None or len(details.tool_calls) != 1:
            return None
        said = details.tool_calls[0]
        if type(said) is FunctionToolCallDelta or type(said) is CodeInterpreterToolCallDelta:
            call = self._slots.by_index.get(said.index)  # type: ignore[arg-type]  # None is no key
            if call is None or not call.created or call.type != said.type or (said.id and said.id != call.id):
                return None
            if call.grow(said, self._repairs):
                self._built = None
                return call, said
        return None

    def fold_delta(self, delta: RunStepDelta) -> list[RunStepChange]:
        """Fold a delta; return its changes in order, `RunStepChanged` last."""
        grown = self.grow(delta)
        if grown is not None:
            call, said = grown
            return [ToolCallChanged(call, said, self._fields.id, call.index or 0), RunStepChanged(self, delta)]
        self._built = None
        changes: list[RunStepChange] = []
        calls = self._delta_calls(delta.step_details)
        if calls is None:
            self._fold_message_creation(delta.step_details)
        else:
            self._fold_calls(calls, changes)
        changes.append(RunStepChanged(self, delta))
        return changes

    def _delta_calls(self, details: StepDeltaDetails | None) -> list[ToolCallDelta] | None:
        """Return the list of calls in a delta's details, whatever type these have (rule 5.5)."""
        match details:
            case ToolCallDeltaObject() | RunStepDeltaMessageDelta():
                return details.tool_calls
            case UnknownStepDeltaDetails():
                calls = members_of(details.raw).get("tool_calls")
                if not isinstance(calls, list | dict):
                    return None
                self._repairs.add("5.5", f"{self._fields.id} step_details.type", details.wire_type)
                return coerce_json(list[ToolCallDelta], calls)[0]
            case None:
                return None

    def _fold_message_creation(self, details: StepDeltaDetails | None) -> None:
        if not isinstance(details, RunStepDeltaMessageDelta):
            return
        self._fields.type = self._fields.type or "message_creation"
        said = details.message_creation
        if said is not None and said.message_id:
            self._fields.step_details = MessageCreationStepDetails(
                message_creation=MessageCreation(message_id=said.message_id)
            )

    def _fold_calls(self, deltas: list[ToolCallDelta], changes: list[RunStepChange]) -> None:
        if not deltas:
            return
        self._streamed = True
        self._fields.type = self._fields.type or "tool_calls"
        said = [(_entry(delta), delta) for delta in deltas]
        routed = self._slots.route([entry for entry, _ in said], self._repairs)
        for (entry, call), (_, delta) in zip(routed, said, strict=True):
            told = call.merge(entry, self._repairs)
            delta = call.fold(delta)
            if not call.created:
                self._create_call(call, changes)
            if told:
                changes.append(ToolCallChanged(call, delta, self._fields.id, call.index or 0))

    def _create_call(self, call: _Call, changes: list[RunStepChange]) -> None:
        call.created = True
        changes.append(ToolCallCreated(call.created_snapshot(), self._fields.id, call.index or 0))

    def fold_payload(self, payload: RunStep) -> None:
        """Fold a `created` or `in_progress` payload: its calls count only while nothing was streamed."""
        self._built = None
        self._fields = replace_present(self._fields, payload, leave=("step_details",))
        calls = self._payload_calls(payload.step_details)
        if calls and not self._streamed:
            self._replace_calls(calls)

    def set_status(self, status: str) -> None:
        """Set the status that the event's name says, where its payload had none."""
        self._built = None
        self._fields.status = status

    def fold_ending(self, payload: RunStep) -> list[RunStepChange]:
        """Fold an ending payload, whose calls are authoritative, and close the step (rule 5.12)."""
        self._built = None
        self._fields = replace_present(self._fields, payload, leave=("step_details",))
        gone: list[_Call] = []
        calls = self._payload_calls(payload.step_details)
        if calls:
            gone = self._replace_calls(calls)
            # Nothing that comes late may put less in place of what is authoritative.
            self._streamed = True
        return self.close(gone)

    def _payload_calls(self, details: StepDetails | None) -> list[ToolCall]:
        """Return the calls of a payload's details; details of another type are kept as they are."""
        if isinstance(details, ToolCallsStepDetails):
            self._fields.type = self._fields.type or "tool_calls"
            return details.tool_calls
        if isinstance(details, UnknownStepDetails):
            calls = members_of(details.raw).get("tool_calls")
            if isinstance(calls, list | dict):
                return coerce_json(list[ToolCall], calls)[0]
        if details is not None:
            self._fields.step_details = details
        return []

    def _replace_calls(self, calls: list[ToolCall]) -> list[_Call]:
        """Put an authoritative list in place of the calls; return the calls that are not in it."""
        streamed = self._slots.calls
        by_id: dict[str, deque[_Call]] = {}
        for held in streamed:
            if held.id:
                by_id.setdefault(held.id, deque()).append(held)
        # As a dict for its order; a call is equal to itself only.
        listed: dict[_Call, None] = {}
        for position, said in enumerate(calls):
            id = str(members_of(said.raw).get("id") or "") if isinstance(said, UnknownToolCall) else said.id
            beside = streamed[position] if position < len(streamed) else None
            # Each call once: servers were seen to give two calls the same id.
            same_id = by_id.get(id)
            while same_id and same_id[0] in listed:
                same_id.popleft()
            if same_id:
                call = same_id[0]
            elif beside is not None and beside not in listed and not (id and beside.id):
                call = beside
            else:
                call = self._slots.open(None)
            call.load(said)
            listed[call] = None
        gone = [call for call in streamed if call not in listed]
        self._slots.replace([*listed])
        return [call for call in gone if call.created]

    def close_calls(self, gone: list[_Call] | None = None) -> list[RunStepChange]:
        """Close the open tool calls in order, each at most once; one that no delta opened is created first."""
        changes: list[RunStepChange] = []
        for call in (*self._slots.calls, *(gone or ())):
            if call.done:
                continue
            if not call.created:
                self._create_call(call, changes)
            call.end()
            self._built = None
            changes.append(ToolCallDone(call, self._fields.id, call.index or 0))
        return changes

    def close(self, gone: list[_Call] | None = None) -> list[RunStepChange]:
        """Close whatever is open: the calls, then the step, each at most once."""
        changes = self.close_calls(gone)
        if not self.done:
            self.done = True
            changes.append(RunStepDone(self))
        return changes
