"""Fold an Assistants stream and write down what happened; and the deltas to make such streams of. Pure: no IO.

An outcome has the form of the shared fixtures: the snapshots as plain JSON, the callbacks as words in their order.
"""

import json
import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from alike_folds import fold_as_read
from assistants_wire import frame

from asyncstream.accumulators import (
    AssistantAccumulator,
    AssistantChange,
    ImageFileDone,
    MessageChanged,
    MessageCreated,
    MessageDone,
    RunStepChanged,
    RunStepCreated,
    RunStepDone,
    TextChanged,
    TextCreated,
    TextDone,
    ToolCallChanged,
    ToolCallCreated,
    ToolCallDone,
)
from asyncstream.errors import StreamDecodeError, StreamError, StreamEventError, StreamTruncatedError
from asyncstream.events import AssistantStreamEvent, decode_stream
from asyncstream.types import (
    CodeInterpreterToolCall,
    FunctionToolCall,
    ImageFileContentBlock,
    ImageURLContentBlock,
    Message,
    MessageContent,
    RefusalContentBlock,
    RunStep,
    TextContentBlock,
    ToolCall,
    ToolCallsStepDetails,
    UnknownToolCall,
)

__all__ = [
    "Outcome",
    "callback",
    "code",
    "end_message",
    "end_step",
    "events_of",
    "fold",
    "function",
    "message_delta",
    "splits",
    "step_delta",
    "text",
]


# What streams are made of.


def message_delta(id: str, *parts: dict[str, Any]) -> bytes:
    return frame("thread.message.delta", id=id, delta={"content": list(parts)})


def step_delta(id: str, *calls: dict[str, Any], type: str = "tool_calls") -> bytes:
    return frame("thread.run.step.delta", id=id, delta={"step_details": {"type": type, "tool_calls": list(calls)}})


def end_message(id: str, *parts: dict[str, Any], word: str = "completed", **fields: Any) -> bytes:
    return frame(f"thread.message.{word}", id=id, status=word, role="assistant", content=list(parts), **fields)


def end_step(id: str, *calls: dict[str, Any], word: str = "completed", **fields: Any) -> bytes:
    details = {"type": "tool_calls", "tool_calls": list(calls)}
    return frame(f"thread.run.step.{word}", id=id, status=word, type="tool_calls", step_details=details, **fields)


def text(value: str | None = None, index: int | None = 0, **fields: Any) -> dict[str, Any]:
    """Make a text part, of a delta (`index=None` leaves the index out) or, with `annotations`, of a message."""
    at = {} if index is None else {"index": index}
    return {**at, "type": "text", "text": ({} if value is None else {"value": value}) | fields}


def function(
    arguments: object = None, *, name: str | None = None, id: str | None = None, index: int | None = 0, **fields: Any
) -> dict[str, Any]:
    """Make an entry of a function call; what is None is left out."""
    given = {"name": name, "arguments": arguments} | fields
    entry = {"index": index, "id": id, "type": "function"}
    body = {key: value for key, value in given.items() if value is not None}
    return {key: value for key, value in entry.items() if value is not None} | {"function": body}


def code(input: str | None = None, *outputs: dict[str, Any], id: str | None = None, index: int = 0) -> dict[str, Any]:
    """Make an entry of a code interpreter call."""
    body: dict[str, Any] = {} if input is None else {"input": input}
    if outputs:
        body["outputs"] = list(outputs)
    entry: dict[str, Any] = {"index": index, "type": "code_interpreter", "code_interpreter": body}
    return entry if id is None else entry | {"id": id}


def splits(data: bytes, step: int = 1) -> Iterable[list[bytes]]:
    """Cut bytes in two at every place, or at every `step`-th."""
    return ([data[:at], data[at:]] for at in range(0, len(data) + 1, step))


# What became of them.

LOOKS = 30
"""How many events are looked behind, at all that is known then: what is folded later must still show."""


@dataclass
class Outcome:
    """What folding a stream gave."""

    outcome: str = "complete"
    error: StreamError | None = None
    callbacks: list[str] = field(default_factory=list)
    changes: list[AssistantChange] = field(default_factory=list)
    accumulator: AssistantAccumulator = field(default_factory=AssistantAccumulator)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [_message(message) for message in self.accumulator.messages]

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [_step(step) for step in self.accumulator.run_steps]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The tool calls of the only step."""
        (step,) = self.steps
        return step["tool_calls"]

    @property
    def content(self) -> list[dict[str, Any]]:
        """The content of the only message."""
        (message,) = self.messages
        return message["content"]

    @property
    def repaired(self) -> list[str]:
        return [repair.rule for repair in self.accumulator.repairs]

    def as_fixture(self) -> dict[str, Any]:
        run = self.accumulator.run
        error = self.error
        reported = error is not None and self.outcome == "error"
        return {
            "outcome": self.outcome,
            "run": run and {"id": run.id, "status": run.status},
            "messages": self.messages,
            "steps": self.steps,
            "callbacks": self.callbacks,
            "error": {"message": error.message, "code": error.code, "type": error.type} if reported else None,
        }


def events_of(*chunks: bytes) -> list[AssistantStreamEvent]:
    return list(decode_stream(chunks, "assistants"))


def fold(*chunks: bytes, into: AssistantAccumulator | None = None) -> Outcome:
    """Decode chunks and push what they hold; say how it ended.

    Without changes, read raw, or looked at meanwhile, it is the same.
    """
    result = Outcome() if into is None else Outcome(accumulator=into)
    before = pickle.dumps(result.accumulator)
    try:
        for event in decode_stream(chunks, "assistants"):
            _note(result, result.accumulator.push(event))
        _note(result, result.accumulator.finish())
    except (StreamEventError, StreamDecodeError) as error:
        result.outcome, result.error = "error", error
    except StreamTruncatedError as error:
        result.outcome, result.error = "truncated", error
    if result.error is not None:
        result.callbacks.append("exception")
    result.callbacks.append("end")
    for fold_events in (_fold_silently, _fold_raw, _fold_looked_at):
        assert [*_state(result.accumulator), str(result.error)] == _fold_with(fold_events, chunks, pickle.loads(before))
    return result


def _fold_silently(chunks: Iterable[bytes], into: AssistantAccumulator) -> None:
    for event in decode_stream(chunks, "assistants"):
        into.fold(event)


def _fold_looked_at(chunks: Iterable[bytes], into: AssistantAccumulator) -> None:
    for number, event in enumerate(decode_stream(chunks, "assistants")):
        into.fold(event)
        if number < LOOKS:
            _state(into)


def _fold_raw(chunks: Iterable[bytes], into: AssistantAccumulator) -> None:
    fold_as_read(chunks, "assistants", into)


def _fold_with(
    fold_events: Callable[[Iterable[bytes], AssistantAccumulator], None],
    chunks: Iterable[bytes],
    into: AssistantAccumulator,
) -> list[object]:
    ended: StreamError | None = None
    try:
        fold_events(chunks, into)
        into.finish()
    except StreamError as error:
        ended = error
    return [*_state(into), str(ended)]


def _state(accumulator: AssistantAccumulator) -> list[object]:
    """Give all that an accumulator shows."""
    found = accumulator
    return [
        *(found.run, found.thread, found.messages, found.run_steps, found.current_message, found.current_run_step),
        *(found.events_seen, found.finished, found.waiting, found.repairs, found.repairs_omitted),
    ]


def _note(result: Outcome, changes: list[AssistantChange]) -> None:
    result.changes += changes
    result.callbacks += [said for said in map(callback, changes) if said is not None]


def callback(change: AssistantChange) -> str | None:
    """Write down the callback that a change leads to; None if it has none."""
    match change:
        case MessageCreated():
            return f"message_created {change.snapshot.id}"
        case MessageChanged():
            return f"message_delta {change.snapshot.id}"
        case MessageDone():
            return f"message_done {change.snapshot.id}"
        case TextCreated():
            return f"text_created {change.snapshot.value!r}"
        case TextChanged():
            return f"text_delta {change.delta.value or ''!r}"
        case TextDone():
            return f"text_done {change.snapshot.value!r}"
        case ImageFileDone():
            return f"image_file_done {change.snapshot.file_id}"
        case RunStepCreated():
            return f"run_step_created {change.snapshot.id}"
        case RunStepChanged():
            return f"run_step_delta {change.snapshot.id}"
        case RunStepDone():
            return f"run_step_done {change.snapshot.id}"
        case ToolCallCreated():
            return f"tool_call_created {_call_id(change.snapshot)}"
        case ToolCallChanged():
            return f"tool_call_delta {_call_id(change.snapshot)}"
        case ToolCallDone():
            return f"tool_call_done {_call_id(change.snapshot)}"
    return None


def _call_id(call: ToolCall) -> str:
    return json.loads(call.raw).get("id", "") if isinstance(call, UnknownToolCall) else call.id


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "status": message.status,
        "content": [_part(part) for part in message.content],
    }


def _part(part: MessageContent) -> dict[str, Any]:
    match part:
        case TextContentBlock():
            return {"type": "text", "value": part.text.value, "annotations": len(part.text.annotations)}
        case ImageFileContentBlock():
            return {"type": "image_file", "file_id": part.image_file.file_id}
        case ImageURLContentBlock():
            return {"type": "image_url", "url": part.image_url.url}
        case RefusalContentBlock():
            return {"type": "refusal", "refusal": part.refusal}
        case _:
            return {"type": part.wire_type}


def _step(step: RunStep) -> dict[str, Any]:
    said: dict[str, Any] = {"id": step.id, "type": step.type, "status": step.status}
    if isinstance(step.step_details, ToolCallsStepDetails):
        said["tool_calls"] = [_call(call) for call in step.step_details.tool_calls]
    return said


def _call(call: ToolCall) -> dict[str, Any]:
    match call:
        case FunctionToolCall(function=said):
            body: dict[str, Any] = {"id": call.id, "type": "function", "name": said.name, "arguments": said.arguments}
            return body if said.output is None else body | {"output": said.output}
        case CodeInterpreterToolCall(code_interpreter=said):
            outputs = [_flat(output) for output in msgspec.to_builtins(said.outputs)]
            return {"id": call.id, "type": "code_interpreter", "input": said.input, "outputs": outputs}
        case UnknownToolCall():
            return json.loads(call.raw)
        case _:
            return _without_null(msgspec.to_builtins(call))


def _flat(output: dict[str, Any]) -> dict[str, Any]:
    return {"type": "image", **output["image"]} if output["type"] == "image" else output


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(member) for key, member in value.items() if member is not None}
    return [_without_null(entry) for entry in value] if isinstance(value, list) else value
