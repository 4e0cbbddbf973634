"""A reader of AG-UI is told each thing once, in order, to an end that says how it ended."""

from typing import Any

import msgspec
import pytest
from chat_wire import CALLS, DONE, HELLO, call, piece
from page_rules import check_events
from projected import TRANSCRIPTS, ag_ui_of, changes_of, told
from responses_wire import hello

from asyncstream.looping.changes import RoundDone, ToolResultChanged, ToolResultDone
from asyncstream.tools.rounds import ToolResult
from asyncstream.ui import AGUI

RUN = {"threadId": "t1", "runId": "r1"}


def result(id: str, place: int, output: Any = "sunny", status: Any = "returned", **more: Any) -> ToolResult:
    return ToolResult(round=1, place=place, id=id, name="get_current_weather", output=output, status=status, **more)


def after_calls(*loop: Any) -> list[dict[str, Any]]:
    return told(AGUI(thread_id="t1", run_id="r1"), [*changes_of(b"".join([*CALLS, DONE]), "chat"), *loop])


def test_a_text_begins_grows_and_ends() -> None:
    assert [
        {"type": "RUN_STARTED", **RUN},
        {"type": "STEP_STARTED", "stepName": "step-1"},
        {"type": "TEXT_MESSAGE_START", "messageId": "r1-1", "role": "assistant"},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": "r1-1", "delta": "Hel"},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": "r1-1", "delta": "lo"},
        {"type": "TEXT_MESSAGE_END", "messageId": "r1-1"},
        {"type": "STEP_FINISHED", "stepName": "step-1"},
        {"type": "RUN_FINISHED", **RUN, "outcome": {"type": "success"}, "metadata": {"finishReason": "stop"}},
    ] == ag_ui_of(*HELLO, DONE)


def test_a_message_that_has_an_id_keeps_it() -> None:
    events = ag_ui_of(*hello(), protocol="responses")

    assert {"msg_1"} == {event["messageId"] for event in events if "messageId" in event}
    assert [{"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}] == events[-1]["usage"]


def test_calls_that_the_page_answers_stand_in_the_end() -> None:
    events = after_calls()

    ends = {event["toolCallId"]: event["delta"] for event in events if event["type"] == "TOOL_CALL_ARGS"}
    assert {"call_a", "call_b"} == {*ends}
    assert {"type": "success", "pendingToolCallIds": ["call_a", "call_b"]} == events[-1]["outcome"]


def test_results_are_text_and_an_error_says_so() -> None:
    events = after_calls(
        ToolResultChanged(result("call_a", 0, status=None), "half"),
        ToolResultDone(result("call_a", 0, '{"t":3}', value={"t": 3})),
        ToolResultDone(result("call_b", 1, "why", "failed")),
        RoundDone(1, "answered"),
    )

    results = [event for event in events if event["type"] == "TOOL_CALL_RESULT"]
    assert [('{"t":3}', None), ("why", {"failed": True})] == [
        (event["content"], event.get("metadata")) for event in results
    ]
    assert {"toolCallId": "call_a", "output": "half"} in [event.get("value") for event in events]


def test_calls_that_wait_for_a_word_interrupt_the_run() -> None:
    events = after_calls(ToolResultDone(result("call_b", 1)), RoundDone(1, "later"))

    asked = {"id": "call_a", "reason": "tool_approval", "toolCallId": "call_a"}
    (interrupt,) = events[-1]["outcome"]["interrupts"]
    assert asked == {key: value for key, value in interrupt.items() if key != "message"}


def test_reasoning_that_is_sealed_says_so() -> None:
    def event(name: str, **members: Any) -> bytes:
        data = msgspec.json.encode({"type": f"response.{name}", "output_index": 0, "item_id": "rs_1", **members})
        return b"event: response.%b\ndata: %b\n\n" % (name.encode(), data)

    item = {"type": "reasoning", "id": "rs_1", "summary": []}
    summed = {**item, "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "sealed"}
    frames = [
        event("output_item.added", item=item),
        event("reasoning_summary_part.added", summary_index=0, part={"type": "summary_text", "text": ""}),
        event("reasoning_summary_text.delta", summary_index=0, delta="hm"),
        event("reasoning_summary_text.done", summary_index=0, text="hm"),
        event("output_item.done", item=summed),
        event("completed", response={"id": "resp_1", "status": "completed", "output": [summed]}),
    ]
    events = ag_ui_of(*frames, protocol="responses")

    sealed = {"type": "REASONING_ENCRYPTED_VALUE", "subtype": "message", "entityId": "r1-reasoning-1"}
    assert {**sealed, "encryptedValue": "sealed"} in events
    assert "RUN_FINISHED" == check_events(events)


def test_a_stream_that_breaks_off_closes_what_is_open() -> None:
    events = ag_ui_of(piece({"content": "Half"}), call(0, '{"ci', "f", "call_a"))

    assert {"type": "RUN_ERROR", "message": "The answer broke off before its end."} == events[-1]
    assert "RUN_ERROR" == check_events(events)


def test_a_run_that_was_given_up_is_cancelled() -> None:
    page = AGUI(thread_id="t1", run_id="r1")

    cancelled = {"type": "RUN_FINISHED", **RUN, "outcome": {"type": "cancelled"}, "metadata": {"reason": "stopped"}}
    assert [page.start(), [cancelled], []] == [[{"type": "RUN_STARTED", **RUN}], page.abort("stopped"), page.finish()]


def test_what_the_application_says_and_asks() -> None:
    page = AGUI(thread_id="t1", run_id="r1")
    for change in changes_of(b"".join([*CALLS, DONE]), "chat"):
        page.push(change)

    assert [] == page.ask(["call_b"])
    assert [{"type": "CUSTOM", "name": "weather", "value": 1}] == page.data("weather", 1)
    assert ["call_b"] == [one["toolCallId"] for one in page.finish()[-1]["outcome"]["interrupts"]]


@pytest.mark.parametrize("name", sorted(path.name for path in TRANSCRIPTS.glob("*.sse")))
def test_events_are_as_the_published_schema_has_them(name: str) -> None:
    core = pytest.importorskip("ag_ui.core", reason="ag-ui-protocol is not installed")
    pydantic = pytest.importorskip("pydantic", reason="pydantic is not installed")
    adapter = pydantic.TypeAdapter(core.Event)
    for event in ag_ui_of((TRANSCRIPTS / name).read_bytes(), protocol=name.partition("_")[0]):
        model = adapter.validate_python(event)

        assert not model.model_extra
