"""What a type checker knows of Assistants events. Checked by mypy and basedpyright, never run."""

from collections.abc import Iterator
from typing import Literal, assert_never, assert_type

from asyncstream.decoding import Repair
from asyncstream.events import (
    AssistantStreamEvent,
    DoneEvent,
    ErrorEvent,
    ErrorObject,
    ThreadCreated,
    ThreadMessageCompleted,
    ThreadMessageCreated,
    ThreadMessageDelta,
    ThreadMessageIncomplete,
    ThreadMessageInProgress,
    ThreadRunCancelled,
    ThreadRunCancelling,
    ThreadRunCompleted,
    ThreadRunCreated,
    ThreadRunExpired,
    ThreadRunFailed,
    ThreadRunIncomplete,
    ThreadRunInProgress,
    ThreadRunQueued,
    ThreadRunRequiresAction,
    ThreadRunStepCancelled,
    ThreadRunStepCompleted,
    ThreadRunStepCreated,
    ThreadRunStepDelta,
    ThreadRunStepExpired,
    ThreadRunStepFailed,
    ThreadRunStepInProgress,
    UnknownEvent,
    decode_stream,
)
from asyncstream.types import (
    FunctionToolCallDelta,
    Message,
    MessageContentDelta,
    MessageDeltaEvent,
    Run,
    RunStep,
    RunStepDeltaEvent,
    StepDeltaDetails,
    TextDelta,
    TextDeltaBlock,
    Thread,
    ToolCallDelta,
    ToolCallDeltaObject,
)


def stream_is_typed_by_its_protocol(body: bytes, chunks: list[bytes]) -> None:
    assert_type(decode_stream(body, "assistants"), Iterator[AssistantStreamEvent])
    assert_type(decode_stream(chunks, "assistants"), Iterator[AssistantStreamEvent])


def name_narrows(event: AssistantStreamEvent) -> None:
    if event.event == "thread.message.delta":
        assert_type(event, ThreadMessageDelta)
        assert_type(event.data, MessageDeltaEvent)
        assert_type(event.data.delta.content, list[MessageContentDelta] | None)
        assert_type(event.raw, bytes)
        assert_type(event.repairs, tuple[Repair, ...])
    elif event.event == "thread.run.step.delta":
        assert_type(event.data, RunStepDeltaEvent)
        assert_type(event.data.delta.step_details, StepDeltaDetails | None)
    elif event.event == "thread.run.completed":
        assert_type(event.data, Run)
    elif event.event == "thread.run.step.completed":
        assert_type(event.data, RunStep)
    elif event.event == "thread.message.completed":
        assert_type(event.data, Message)
    elif event.event == "thread.created":
        assert_type(event.data, Thread)
    elif event.event == "error":
        assert_type(event, ErrorEvent)
        assert_type(event.data, ErrorObject)
    elif event.event == "done":
        assert_type(event, DoneEvent)
    elif event.event == "unknown":
        assert_type(event, UnknownEvent)
        assert_type(event.name, str)


def name_is_a_literal(event: ThreadRunRequiresAction) -> None:
    assert_type(event.event, Literal["thread.run.requires_action"])


def pattern_narrows(event: AssistantStreamEvent) -> str:
    match event:
        case ThreadMessageDelta(data=data):
            assert_type(data, MessageDeltaEvent)
            return data.id
        case ThreadRunStepDelta(data=step_delta):
            assert_type(step_delta, RunStepDeltaEvent)
            return step_delta.id
        case UnknownEvent(name=name):
            return name
        case _:
            return ""


def union_is_exhausted_by_its_members(event: AssistantStreamEvent) -> object:
    match event:
        case ThreadCreated():
            return event.data.metadata
        case ThreadMessageCreated() | ThreadMessageInProgress() | ThreadMessageCompleted() | ThreadMessageIncomplete():
            return event.data.role
        case ThreadMessageDelta():
            return event.data.delta.role
        case (
            ThreadRunStepCreated()
            | ThreadRunStepInProgress()
            | ThreadRunStepCompleted()
            | ThreadRunStepFailed()
            | ThreadRunStepCancelled()
            | ThreadRunStepExpired()
        ):
            return event.data.step_details
        case ThreadRunStepDelta():
            return event.data.delta.step_details
        case (
            ThreadRunCreated()
            | ThreadRunQueued()
            | ThreadRunInProgress()
            | ThreadRunRequiresAction()
            | ThreadRunCompleted()
            | ThreadRunIncomplete()
            | ThreadRunFailed()
            | ThreadRunCancelling()
            | ThreadRunCancelled()
            | ThreadRunExpired()
        ):
            return event.data.status
        case ErrorEvent():
            return event.data.code
        case DoneEvent():
            return event.raw
        case UnknownEvent():
            return event.name
        case _:
            assert_never(event)


def parts_of_a_delta_narrow_by_type(part: MessageContentDelta) -> str | None:
    if part.type == "text":
        assert_type(part, TextDeltaBlock)
        assert_type(part.text, TextDelta | None)
        return part.text.value if part.text else None
    if part.type == "unknown":
        assert_type(part.raw, bytes)
    return None


def details_of_a_delta_narrow_by_type(details: StepDeltaDetails) -> None:
    if details.type == "tool_calls":
        assert_type(details, ToolCallDeltaObject)
        for call in details.tool_calls or ():
            assert_type(call, ToolCallDelta)
            if call.type == "function":
                assert_type(call, FunctionToolCallDelta)


def texts_are_read_in_one_pattern(event: AssistantStreamEvent) -> list[str]:
    match event:
        case ThreadMessageDelta(data=MessageDeltaEvent(delta=delta)):
            return [
                part.text.value
                for part in delta.content or ()
                if isinstance(part, TextDeltaBlock) and part.text and part.text.value
            ]
        case _:
            return []
