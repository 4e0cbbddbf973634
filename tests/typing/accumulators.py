"""What a type checker knows of the Assistants accumulator and its changes. Checked, never run."""

from typing import assert_never, assert_type

from asyncstream import AssistantAccumulator
from asyncstream.accumulators import (
    AssistantChange,
    ImageFileChanged,
    ImageFileCreated,
    ImageFileDone,
    MessageChanged,
    MessageCreated,
    MessageDone,
    Repair,
    RunChanged,
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
from asyncstream.events import AssistantStreamEvent
from asyncstream.types import (
    FunctionToolCall,
    ImageFile,
    ImageFileDelta,
    Message,
    MessageContent,
    MessageDelta,
    Run,
    RunStep,
    RunStepDelta,
    StepDetails,
    Text,
    TextContentBlock,
    TextDelta,
    Thread,
    ToolCall,
    ToolCallDelta,
    ToolCallsStepDetails,
)


def properties(accumulator: AssistantAccumulator) -> None:
    assert_type(accumulator.run, Run | None)
    assert_type(accumulator.thread, Thread | None)
    assert_type(accumulator.messages, list[Message])
    assert_type(accumulator.run_steps, list[RunStep])
    assert_type(accumulator.current_message, Message | None)
    assert_type(accumulator.current_run_step, RunStep | None)
    assert_type(accumulator.finished, bool)
    assert_type(accumulator.waiting, bool)
    assert_type(accumulator.repairs, list[Repair])
    assert_type(accumulator.events_seen, int)


def methods(accumulator: AssistantAccumulator, event: AssistantStreamEvent) -> None:
    assert_type(accumulator.push(event), list[AssistantChange])
    assert_type(accumulator.finish(), list[AssistantChange])
    accumulator.resume()


def changes(change: AssistantChange) -> None:
    match change:
        case MessageCreated() | MessageDone():
            assert_type(change.snapshot, Message)
        case MessageChanged():
            assert_type(change.snapshot, Message)
            assert_type(change.delta, MessageDelta)
        case TextCreated() | TextDone():
            assert_type(change.snapshot, Text)
            assert_type(change.message_id, str)
            assert_type(change.index, int)
        case TextChanged():
            assert_type(change.snapshot, Text)
            assert_type(change.delta, TextDelta)
        case ImageFileCreated() | ImageFileDone():
            assert_type(change.snapshot, ImageFile)
        case ImageFileChanged():
            assert_type(change.snapshot, ImageFile)
            assert_type(change.delta, ImageFileDelta)
        case RunStepCreated() | RunStepDone():
            assert_type(change.snapshot, RunStep)
        case RunStepChanged():
            assert_type(change.snapshot, RunStep)
            assert_type(change.delta, RunStepDelta)
        case ToolCallCreated() | ToolCallDone():
            assert_type(change.snapshot, ToolCall)
            assert_type(change.parent, str | int)
            assert_type(change.index, int)
        case ToolCallChanged():
            assert_type(change.snapshot, ToolCall)
            assert_type(change.delta, ToolCallDelta)
        case RunChanged():
            assert_type(change.snapshot, Run)
            assert_type(change.delta, Run)
            assert_type(change.event, str)
            assert_type(change.ended, bool)
        case _:
            assert_never(change)


def snapshots_narrow_by_type(message: Message, step: RunStep) -> None:
    for part in message.content:
        assert_type(part, MessageContent)
        if part.type == "text":
            assert_type(part, TextContentBlock)
            assert_type(part.text.value, str)
    assert_type(step.step_details, StepDetails | None)
    if step.step_details is not None and step.step_details.type == "tool_calls":
        assert_type(step.step_details, ToolCallsStepDetails)
        for call in step.step_details.tool_calls:
            if call.type == "function":
                assert_type(call, FunctionToolCall)
                assert_type(call.function.arguments, str)
