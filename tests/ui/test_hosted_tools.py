"""Calls that the server of the model answers, and what an answer brings besides text."""

from typing import Any

import assistants_wire as runs
import msgspec
import pytest
from page_rules import check_events, check_parts
from projected import TRANSCRIPTS, ag_ui_of, changes_of, told, ui_of

from asyncstream import AssistantAccumulator
from asyncstream.ui import UIMessages


def event(name: str, **members: Any) -> bytes:
    data = msgspec.json.encode({"type": f"response.{name}", "output_index": 0, **members})
    return b"event: response.%b\ndata: %b\n\n" % (name.encode(), data)


def item_of(item: dict[str, Any]) -> list[bytes]:
    """Return a response that consists of one item."""
    return [
        event("output_item.added", item={key: item[key] for key in ("type", "id", "call_id") if key in item}),
        event("output_item.done", item=item),
        event("completed", response={"id": "resp_1", "status": "completed", "output": [item]}),
    ]


def members_of(parts: list[dict[str, Any]], type: str, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(part.get(name) for name in names) for part in parts if part["type"] == type]


def assistants(name: str) -> list[dict[str, Any]]:
    return ui_of((TRANSCRIPTS / f"assistants_{name}.sse").read_bytes(), protocol="assistants")


def test_code_shows_its_logs_while_it_runs() -> None:
    parts = assistants("code")

    outputs = members_of(parts, "tool-output-available", "output", "preliminary", "providerExecuted")
    assert ([{"type": "logs", "logs": "3.14159"}], True, True) == outputs[0]
    assert [None] == [preliminary for _, preliminary, _ in outputs if not preliminary]
    assert [("import math\nprint(math.pi)\nplot()",)] == members_of(parts, "tool-input-available", "input")
    assert [("text",)] == members_of(parts, "tool-input-start", "inputEncoding")


def test_a_call_that_turns_into_one_of_another_kind_has_one_input_and_no_output() -> None:
    code = {"index": 0, "id": "call_1", "type": "code_interpreter", "code_interpreter": {"input": "", "outputs": []}}
    function = {"index": 0, "id": "call_2", "type": "function"}
    frames = [
        runs.run("created"),
        step_delta(code),
        # In one event, so that the first of the two changes has the snapshot behind both.
        step_delta(
            {**function, "function": {"name": "f", "arguments": "", "output": "sunny"}},
            {**function, "function": {"arguments": "{"}},
        ),
        runs.run("completed"),
    ]
    parts = ui_of(*frames, protocol="assistants")

    assert [("call_1", "{")] == members_of(parts, "tool-input-error", "toolCallId", "input")
    assert [] == members_of(parts, "tool-output-available", "output")
    assert "finish" == check_parts(parts)


def step_delta(*calls: dict[str, Any]) -> bytes:
    details = {"type": "tool_calls", "tool_calls": [*calls]}
    return runs.frame("thread.run.step.delta", id="step_1", delta={"step_details": details})


def test_a_picture_is_a_file_where_the_page_finds_it() -> None:
    body = (TRANSCRIPTS / "assistants_code.sse").read_bytes()
    page = UIMessages(file_url=lambda id: f"/files/{id}")

    parts = told(page, changes_of(body, "assistants"))
    assert [("/files/file_plot", "image/png")] == members_of(parts, "file", "url", "mediaType")
    assert [({"fileId": "file_plot", "mediaType": "image/png"},)] == members_of(assistants("code"), "data-file", "data")


def test_a_file_that_is_cited_twice_is_one_source() -> None:
    assert ["file_1", "file_2"] == [id for (id,) in members_of(assistants("search"), "source-document", "sourceId")]


def test_outputs_that_the_server_repeats_count_once() -> None:
    accumulator = AssistantAccumulator()
    changes = [*changes_of((TRANSCRIPTS / "assistants_tools_1.sse").read_bytes(), "assistants", into=accumulator)]
    accumulator.resume()
    changes += changes_of((TRANSCRIPTS / "assistants_tools_2.sse").read_bytes(), "assistants", into=accumulator)
    parts = told(UIMessages(), changes)

    ids = [id for (id,) in members_of(parts, "tool-output-available", "toolCallId")]
    assert ["call_a", "call_b"] == ids
    assert "finish" == check_parts(parts)


def test_a_run_that_waits_for_a_word_on_a_hosted_call_asks_for_it() -> None:
    parts = assistants("azure_approval_1")

    assert [("call_mcp",)] == members_of(parts, "tool-approval-request", "toolCallId")
    assert "tool-calls" == parts[-1]["finishReason"]


def test_a_run_that_failed_is_an_error_and_one_that_expired_an_abort() -> None:
    assert ["error", "abort"] == [assistants(name)[-1]["type"] for name in ("failed", "expired")]


@pytest.mark.parametrize(
    ("item", "input", "output"),
    [
        (
            {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}},
            {"action": {"type": "search", "query": "q"}},
            {"status": "completed"},
        ),
        (
            {"type": "code_interpreter_call", "id": "ci", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}]},
            "1+1",
            [{"type": "logs", "logs": "2"}],
        ),
        (
            {"type": "mcp_call", "id": "mcp", "name": "add", "arguments": '{"a":1}', "output": "2"},
            {"a": 1},
            "2",
        ),
        (
            {"type": "file_search_call", "id": "fs", "queries": ["q"], "results": [{"file_id": "f"}]},
            {"queries": ["q"]},
            [{"file_id": "f"}],
        ),
    ],
)
def test_hosted_tools_of_responses(item: dict[str, Any], input: object, output: object) -> None:
    parts = ui_of(*item_of(item), protocol="responses")

    assert [(input, True)] == members_of(parts, "tool-input-available", "input", "providerExecuted")
    ((told_output,),) = members_of(parts, "tool-output-available", "output")
    if isinstance(told_output, list) and "file_id" in told_output[0]:
        told_output = [{"file_id": told_output[0]["file_id"]}]
    assert output == told_output
    assert "finish" == check_parts(parts)
    assert "RUN_FINISHED" == check_events(ag_ui_of(*item_of(item), protocol="responses"))


def test_a_hosted_call_that_failed_has_an_error() -> None:
    item = {"type": "mcp_call", "id": "mcp", "name": "add", "arguments": "{}", "error": "no such server"}

    assert [("no such server",)] == members_of(
        ui_of(*item_of(item), protocol="responses"), "tool-output-error", "errorText"
    )


def test_a_generated_picture_is_a_file() -> None:
    item = {
        "type": "image_generation_call",
        "id": "ig",
        "status": "completed",
        "result": "aGk=",
        "output_format": "webp",
    }
    parts = ui_of(*item_of(item), protocol="responses")

    assert [("data:image/webp;base64,aGk=", "image/webp")] == members_of(parts, "file", "url", "mediaType")
    assert [({"made": True},)] == members_of(parts, "tool-output-available", "output")


def test_a_custom_tool_is_called_with_text() -> None:
    item = {"type": "custom_tool_call", "id": "ctc", "call_id": "call_1", "name": "run", "input": "ls"}
    parts = ui_of(*item_of(item), protocol="responses")

    assert [("call_1", "ls", None)] == members_of(
        parts, "tool-input-available", "toolCallId", "input", "providerExecuted"
    )


def test_pages_that_a_text_cites_are_sources() -> None:
    cited = {"type": "url_citation", "url": "https://a.test", "title": "A", "start_index": 0, "end_index": 1}
    content = [{"type": "output_text", "text": "A", "annotations": [cited, cited]}]
    item = {"type": "message", "id": "msg_1", "role": "assistant", "content": content}

    assert [("https://a.test", "A")] == members_of(
        ui_of(*item_of(item), protocol="responses"), "source-url", "url", "title"
    )


@pytest.mark.parametrize(
    ("status", "last"), [("incomplete", "finish"), ("failed", "error"), ("cancelled", "abort"), ("completed", "finish")]
)
def test_how_a_response_ends(status: str, last: str) -> None:
    response = {"id": "resp_1", "status": status, "output": [], "incomplete_details": {"reason": "max_output_tokens"}}
    parts = ui_of(event(status, response=response), protocol="responses")

    assert last == check_parts(parts)
    if status == "incomplete":
        assert "length" == parts[-1]["finishReason"]
