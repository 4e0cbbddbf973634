"""Changes of every column speak alike: `parent`, and of what changed `field` and `piece`."""

import json

import pytest
from chat_folds import DONE, call, chunk, delta
from response_folds import event as response_event
from response_folds import life, text

from asyncstream import accumulators
from asyncstream.accumulators import AssistantAccumulator, ChatAccumulator, ResponseAccumulator
from asyncstream.events import decode_stream

ACCUMULATORS = {"assistants": AssistantAccumulator, "chat": ChatAccumulator, "responses": ResponseAccumulator}
CHANGES = [name for name in accumulators.__all__ if name.endswith(("Created", "Changed", "Done"))]


def changes_of(data: bytes, protocol: str) -> list[object]:
    accumulator = ACCUMULATORS[protocol]()
    return [change for event in decode_stream(data, protocol) for change in accumulator.push(event)]


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_has_the_words(name):
    kind = getattr(accumulators, name)
    words = ["parent", "field", "piece"] if name.endswith("Changed") else ["parent"]

    assert [word for word in words if not hasattr(kind, word)] == []


def event(name: str, data: dict[str, object]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def test_words_of_a_run():
    text = {"content": [{"index": 0, "type": "text", "text": {"value": "Hi"}}]}
    code = {"index": 0, "id": "call_1", "type": "code_interpreter", "code_interpreter": {"input": "1+1"}}
    search = {"index": 1, "id": "call_2", "type": "file_search", "file_search": {}}
    function = {"index": 2, "id": "call_3", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body = b"".join(
        [
            event("thread.message.delta", {"id": "msg_1", "delta": text}),
            *(
                event(
                    "thread.run.step.delta",
                    {"id": "step_1", "delta": {"step_details": {"type": "tool_calls", "tool_calls": [one]}}},
                )
                for one in (code, search, function)
            ),
            event("thread.run.completed", {"id": "run_1", "status": "completed"}),
        ]
    )
    changed = [change for change in changes_of(body, "assistants") if type(change).__name__.endswith("Changed")]

    assert [
        ("TextChanged", "msg_1", "value", "Hi"),
        ("MessageChanged", "msg_1", "content", ""),
        ("ToolCallChanged", "step_1", "input", "1+1"),
        ("RunStepChanged", "step_1", "step_details", ""),
        ("ToolCallChanged", "step_1", "", ""),
        ("RunStepChanged", "step_1", "step_details", ""),
        ("ToolCallChanged", "step_1", "arguments", "{}"),
        ("RunStepChanged", "step_1", "step_details", ""),
        ("RunChanged", "run_1", "status", ""),
    ] == [(type(change).__name__, change.parent, change.field, change.piece) for change in changed]


def test_words_of_a_chat_answer():
    custom = {"index": 1, "id": "call_2", "type": "custom", "custom": {"name": "g", "input": "free"}}
    body = b"".join(
        [
            delta(content="Hi", reasoning="Hm", refusal="No"),
            delta(tool_calls=[call(0, "f", "{}", id="call_1"), custom]),
            delta("stop"),
            chunk(usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}),
            DONE,
        ]
    )
    changed = [change for change in changes_of(body, "chat") if type(change).__name__.endswith("Changed")]

    assert [
        ("ReasoningChanged", 0, "reasoning", "Hm"),
        ("ContentChanged", 0, "content", "Hi"),
        ("RefusalChanged", 0, "refusal", "No"),
        ("ToolCallChanged", 0, "arguments", "{}"),
        ("ToolCallChanged", 0, "input", "free"),
        ("FinishChanged", 0, "finish_reason", ""),
        ("UsageChanged", "", "usage", ""),
    ] == [(type(change).__name__, change.parent, change.field, change.piece) for change in changed]


def test_words_of_a_response():
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    body = b"".join(
        [
            text("Hi"),
            response_event("reasoning_summary_text.delta", item_id="r", delta="Hm"),
            response_event("refusal.delta", item_id="m", content_index=1, delta="No"),
            response_event("function_call_arguments.delta", item_id="f", delta="{}"),
            response_event("mcp_list_tools.failed", item_id="l"),
            life("completed", usage=usage),
        ]
    )
    changed = [change for change in changes_of(body, "responses") if type(change).__name__.endswith("Changed")]

    assert [
        ("ContentChanged", "m", "text", "Hi"),
        ("ReasoningChanged", "r", "text", "Hm"),
        ("RefusalChanged", "m", "refusal", "No"),
        ("ToolCallChanged", "f", "arguments", "{}"),
        ("OutputItemChanged", "l", "status", ""),
        ("UsageChanged", "", "usage", ""),
        ("ResponseChanged", "r1", "status", ""),
    ] == [(type(change).__name__, change.parent, change.field, change.piece) for change in changed]


def test_a_delta_of_a_call_without_arguments_adds_no_piece():
    body = b"".join([delta(tool_calls=[call(0, "f", id="call_1")]), delta(tool_calls=[{"index": 0, "id": "call_1"}])])
    (change,) = [one for one in changes_of(body, "chat") if type(one).__name__ == "ToolCallChanged"]

    assert ("arguments", "") == (change.field, change.piece)
