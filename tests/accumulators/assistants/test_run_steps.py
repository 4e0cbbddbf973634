"""Step deltas and payloads folded into a RunStep: rules 5.1 to 5.3, 5.5, 5.6, 5.9, 5.11 to 5.13."""

import json

import pytest
from assistant_folds import code, end_step, fold, function, step_delta
from assistants_wire import frame, run

from asyncstream.accumulators import (
    AssistantAccumulator,
    RunStepChanged,
    RunStepCreated,
    ToolCallChanged,
    ToolCallCreated,
    ToolCallDone,
)
from asyncstream.types import (
    BingGroundingToolCall,
    CodeInterpreter,
    CodeInterpreterToolCall,
    FileSearchToolCall,
    Function,
    FunctionToolCall,
    FunctionToolCallDelta,
    MCPToolCall,
    MessageCreation,
    MessageCreationStepDetails,
    RunStep,
    ToolCallsStepDetails,
    UnknownToolCall,
)

END = run("completed")
WAIT = run("requires_action")


def step(word: str, id: str = "s", **fields: object) -> bytes:
    return frame(f"thread.run.step.{word}", id=id, **fields)


def created(*calls: dict[str, object], **fields: object) -> bytes:
    return step("created", type="tool_calls", step_details={"type": "tool_calls", "tool_calls": list(calls)}, **fields)


def other(type: str, index: int | None = 0, id: str | None = None, **fields: object) -> dict[str, object]:
    """Make an entry of a call of any other type."""
    entry = {"index": index, "id": id, "type": type}
    return {key: value for key, value in entry.items() if value is not None} | fields


# Created and routing.


def test_created_fires_before_the_first_fold_with_an_empty_snapshot():
    found = fold(created(function("{", name="f", id="c", index=None), status="queued", run_id="r", thread_id="t"))

    (first,) = found.changes
    assert isinstance(first, RunStepCreated)
    assert first.snapshot == RunStep(
        id="s",
        status="in_progress",
        type="tool_calls",
        run_id="r",
        thread_id="t",
        step_details=ToolCallsStepDetails(),
    )


def test_first_delta_fires_its_own_delta_after_created():
    assert fold(step_delta("s", function("", name="f", id="c"))).callbacks[:4] == [
        "run_step_created s",
        "tool_call_created c",
        "tool_call_delta c",
        "run_step_delta s",
    ]


@pytest.mark.parametrize("word", ["created", "in_progress", "completed", "failed", "cancelled", "expired"])
def test_unknown_id_makes_a_stub_whatever_event_brings_it(word):
    found = fold(step(word))

    assert found.callbacks[0] == "run_step_created s"
    assert [step["id"] for step in found.steps] == ["s"]


def test_stub_made_by_tool_calls_is_told_with_their_type():
    first = fold(step_delta("s", function("{}", id="c"))).changes[0]

    assert isinstance(first, RunStepCreated)
    assert first.snapshot == RunStep(
        id="s", status="in_progress", type="tool_calls", step_details=ToolCallsStepDetails()
    )


def test_stub_made_by_tool_calls_has_their_type():
    assert fold(step_delta("s", function("{}", id="c"))).steps[0]["type"] == "tool_calls"
    assert fold(step_delta("s", other("mcp", id="c"), type="mcp")).steps[0]["type"] == "tool_calls"
    assert fold(frame("thread.run.step.delta", id="s", delta={"step_details": None})).steps[0]["type"] == ""


def test_steps_are_routed_by_id_and_listed_first_seen_first():
    found = fold(
        step("created", "b"),
        step_delta("a", function("1", id="x")),
        step_delta("b", function("2", id="y")),
        step_delta("a", function("3")),
    )

    assert [(s["id"], s["tool_calls"][0]["arguments"]) for s in found.steps] == [("b", "2"), ("a", "13")]


def test_current_step_is_that_of_the_last_step_event():
    accumulator = AssistantAccumulator()
    assert accumulator.current_run_step is None
    fold(step("created", "a"), step_delta("b", function("")), run("queued"), into=accumulator)

    assert accumulator.current_run_step is accumulator.run_steps[1]


def test_late_created_fires_nothing_and_erases_nothing():
    found = fold(step_delta("s", function("{}", name="f", id="c")), created(function("", id="d"), run_id="r"))

    assert found.callbacks.count("run_step_created s") == 1
    assert [call["id"] for call in found.calls] == ["c"]
    assert found.accumulator.run_steps[0].run_id == "r"
    assert found.repaired == ["5.2"]


@pytest.mark.parametrize(
    ("frames", "status"),
    [
        ([step("created")], "in_progress"),
        ([step("created", status="queued")], "queued"),
        ([step("in_progress")], "in_progress"),
        ([step("failed")], "failed"),
        ([step("expired", status=None)], "expired"),
        ([step("failed", status="cancelled")], "cancelled"),
        ([step_delta("s", function(""))], "in_progress"),
        ([step("completed"), step_delta("s", function(""))], "completed"),
        ([step("completed"), step("created")], "completed"),
    ],
)
def test_status_is_kept_as_sent_else_the_last_word_of_the_event(frames, status):
    assert fold(*frames).steps[0]["status"] == status


# Payloads.


def test_payloads_replace_field_by_field_and_absent_erases_nothing():
    found = fold(
        step("created", type="tool_calls", run_id="r", metadata={"k": "v"}, expires_at=99),
        step("completed", type="", run_id=None, metadata=None, completed_at=5, usage={"total_tokens": 3}),
    )
    (one,) = found.accumulator.run_steps

    assert (one.type, one.run_id, one.metadata, one.expires_at, one.completed_at) == (
        "tool_calls",
        "r",
        {"k": "v"},
        99,
        5,
    )
    assert one.usage is not None
    assert one.usage.total_tokens == 3


@pytest.mark.parametrize("details", [None, {"type": "tool_calls", "tool_calls": []}, {"type": "tool_calls"}])
def test_absent_or_empty_list_of_an_ending_payload_erases_nothing(details):
    found = fold(step_delta("s", function("{}", name="f", id="c")), step("completed", step_details=details))

    assert found.calls == [{"id": "c", "type": "function", "name": "f", "arguments": "{}"}]


@pytest.mark.parametrize("word", ["completed", "failed", "cancelled", "expired"])
def test_list_of_an_ending_payload_is_authoritative(word):
    found = fold(
        step_delta("s", function('{"a"', name="f", id="c")),
        end_step("s", function('{"a":1}', name="f", id="c", index=None, output="o"), word=word),
    )

    assert found.calls == [{"id": "c", "type": "function", "name": "f", "arguments": '{"a":1}', "output": "o"}]


def test_calls_of_an_ending_payload_are_the_streamed_ones_by_id():
    found = fold(
        step_delta("s", function("{}", name="f", id="a"), function("[]", name="g", id="b", index=1)),
        end_step("s", function("", id="b", index=None, output="2"), function("", id="a", index=None, output="1")),
    )

    assert found.calls == [
        {"id": "b", "type": "function", "name": "g", "arguments": "[]", "output": "2"},
        {"id": "a", "type": "function", "name": "f", "arguments": "{}", "output": "1"},
    ]
    assert found.callbacks[6:9] == ["tool_call_done b", "tool_call_done a", "run_step_done s"]


def test_calls_of_an_ending_payload_without_ids_are_the_streamed_ones_by_position():
    found = fold(
        step_delta("s", function("{}", name="f", id="a"), function("[]", name="g", id="b", index=1)),
        end_step("s", function("", index=None, output="1"), function("", index=None, output="2")),
    )

    assert [(call["id"], call["output"]) for call in found.calls] == [("a", "1"), ("b", "2")]
    assert found.callbacks.count("tool_call_done a") == 1


def test_call_whose_id_never_came_takes_that_of_the_ending_payload_at_its_position():
    found = fold(step_delta("s", function("{}", name="f")), end_step("s", function("{}", id="a", index=None)))

    assert [(call["id"], call["name"]) for call in found.calls] == [("a", "f")]


def test_two_calls_with_the_same_id_stay_two():
    calls = [function("{}", name="f", id="x"), function("[]", name="g", id="x", index=1)]
    found = fold(step_delta("s", *calls), end_step("s", *calls))

    assert [call["name"] for call in found.calls] == ["f", "g"]
    assert found.callbacks.count("tool_call_done x") == 2


def test_call_that_no_delta_opened_is_created_and_done_without_an_invented_delta():
    found = fold(end_step("s", function("{}", name="f", id="c", index=None)))

    assert found.callbacks[:-2] == ["run_step_created s", "tool_call_created c", "tool_call_done c", "run_step_done s"]


def test_created_call_that_the_list_lacks_is_done_after_the_others():
    found = fold(
        step_delta("s", function("{}", name="f", id="a")), end_step("s", function("{}", name="g", id="b", index=None))
    )

    assert [call["id"] for call in found.calls] == ["b"]
    assert found.callbacks[4:-2] == ["tool_call_created b", "tool_call_done b", "tool_call_done a", "run_step_done s"]


@pytest.mark.parametrize("word", ["created", "in_progress"])
def test_early_list_counts_while_nothing_was_streamed(word):
    details = {"type": "tool_calls", "tool_calls": [function("{", name="f", id="c", index=None)]}
    found = fold(step(word, step_details=details), step_delta("s", function("}")))

    assert found.calls == [{"id": "c", "type": "function", "name": "f", "arguments": "{}"}]
    assert found.callbacks[1:4] == ["tool_call_created c", "tool_call_delta c", "run_step_delta s"]
    early = {"type": "tool_calls", "tool_calls": [function("x", id="d", index=None)]}
    assert fold(step_delta("s", function("{}", id="c")), step(word, step_details=early)).calls[0]["id"] == "c"
    whole = end_step("s", function("{}", id="c", index=None))
    assert fold(whole, step(word, step_details=early)).calls[0]["id"] == "c"


def test_calls_under_details_of_another_type_count_in_payloads_too():
    details = {"type": "mcp", "tool_calls": [other("mcp", None, "c", name="n")]}

    assert fold(step("completed", step_details=details)).calls == [{"id": "c", "type": "mcp", "name": "n"}]


# Details that are no calls.


def test_message_creation_is_kept():
    details = {"type": "message_creation", "message_creation": {"message_id": "m"}}
    by_payload = fold(step("created", type="message_creation", step_details=details), step("completed"))
    by_delta = fold(
        frame("thread.run.step.delta", id="s", delta={"step_details": details}),
        frame("thread.run.step.delta", id="s", delta={"step_details": {"type": "message_creation"}}),
    )

    for found in (by_payload, by_delta):
        (one,) = found.accumulator.run_steps
        assert one.type == "message_creation"
        assert one.step_details == MessageCreationStepDetails(message_creation=MessageCreation(message_id="m"))
    assert by_delta.callbacks[:3] == ["run_step_created s", "run_step_delta s", "run_step_delta s"]


@pytest.mark.parametrize("delta", [{}, None, {"step_details": None}, {"step_details": {"type": "thinking", "x": 1}}])
def test_delta_without_calls_is_a_delta_of_the_step(delta):
    found = fold(frame("thread.run.step.delta", id="s", delta=delta))

    assert found.callbacks[:2] == ["run_step_created s", "run_step_delta s"]


@pytest.mark.parametrize(
    "details",
    [
        {"type": "tool_calls"},
        {"type": "message_creation"},
        {"type": "mcp"},
        {"type": ""},
        {"type": None},
        {},
    ],
)
def test_list_of_calls_counts_whatever_the_type_of_the_details(details):
    found = fold(
        frame(
            "thread.run.step.delta", id="s", delta={"step_details": details | {"tool_calls": [function("{}", id="c")]}}
        )
    )

    assert [call["id"] for call in found.calls] == ["c"]


@pytest.mark.parametrize("details", [{"type": "tool_calls"}, {"type": "mcp"}])
def test_one_object_for_a_list_of_calls_is_one_call(details):
    delta = {"step_details": details | {"tool_calls": function("{}", id="c")}}

    assert [call["id"] for call in fold(frame("thread.run.step.delta", id="s", delta=delta)).calls] == ["c"]


@pytest.mark.parametrize("calls", [None, []])
def test_no_calls_are_nothing(calls):
    delta = {"step_details": {"type": "tool_calls", "tool_calls": calls}}

    assert fold(frame("thread.run.step.delta", id="s", delta=delta)).callbacks[1] == "run_step_delta s"


# Deltas find their calls. (The rules themselves are tested in `test_tool_calls`.)


def test_function_call_grows():
    found = fold(
        step_delta("s", function("", name="f", id="c", output=None)),
        step_delta("s", function('{"a":')),
        step_delta("s", function("1}")),
        step_delta("s", function(None, output="x")),
        step_delta("s", function(None, output="y")),
    )

    assert found.calls == [{"id": "c", "type": "function", "name": "f", "arguments": '{"a":1}', "output": "y"}]


def test_siblings_do_not_close_one_another():
    found = fold(
        step_delta("s", function("{", name="f", id="a")),
        step_delta("s", function("{", name="g", id="b", index=1)),
        step_delta("s", function("}")),
    )

    assert [said for said in found.callbacks if "done" in said] == []


def test_calls_of_one_delta_tell_of_themselves_in_order_then_of_the_step():
    found = fold(step_delta("s", function("{}", name="f", id="a"), function("{}", name="g", id="b", index=1)))

    assert found.callbacks[1:6] == [
        "tool_call_created a",
        "tool_call_delta a",
        "tool_call_created b",
        "tool_call_delta b",
        "run_step_delta s",
    ]


def test_repeated_arguments_tell_of_no_call():
    found = fold(
        step_delta("s", function("{}", name="f", id="c")),
        step_delta("s", function("{}")),
        step_delta("s", function({}, id="c")),
    )

    assert found.calls[0]["arguments"] == "{}"
    assert found.callbacks[4:6] == ["run_step_delta s", "run_step_delta s"]
    assert found.repaired == ["4.10", "4.10"]


def test_other_id_at_the_same_index_is_another_call():
    found = fold(step_delta("s", function("{}", name="f", id="a")), step_delta("s", function("{}", name="f", id="b")))

    assert [call["id"] for call in found.calls] == ["a", "b"]
    assert found.repaired == ["4.9"]


def test_calls_without_index_and_id_go_by_position():
    found = fold(
        step_delta("s", function("{", name="f", index=None), function("[", name="g", index=None)),
        step_delta("s", function("}", index=None), function("]", index=None)),
    )

    assert [(call["name"], call["arguments"]) for call in found.calls] == [("f", "{}"), ("g", "[]")]


def test_arguments_as_an_object_become_text():
    assert fold(step_delta("s", function({"a": "é"}, name="f", id="c"))).calls[0]["arguments"] == '{"a":"é"}'


@pytest.mark.parametrize("body", [{"function": None}, {}])
def test_function_without_a_body_is_a_call_all_the_same(body):
    found = fold(step_delta("s", {"index": 0, "id": "c", "type": "function"} | body))

    assert found.calls == [{"id": "c", "type": "function", "name": "", "arguments": ""}]


def test_call_without_a_type_is_what_its_payload_says():
    found = fold(
        step_delta("s", {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{", "output": "o"}}),
        step_delta("s", {"index": 0, "function": {"arguments": "}"}}),
    )

    assert found.calls == [{"id": "c", "type": "function", "name": "f", "arguments": "{}", "output": "o"}]
    assert found.callbacks[1:6] == [
        "tool_call_created c",
        "tool_call_delta c",
        "run_step_delta s",
        "tool_call_delta c",
        "run_step_delta s",
    ]


def test_call_without_a_type_in_an_ending_payload_is_what_its_payload_says():
    found = fold(
        step("completed", step_details={"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "1"}}]})
    )

    assert found.calls == [{"id": "c", "type": "function", "name": "f", "arguments": "1"}]


def test_call_that_says_nothing_but_its_id_is_a_function_until_more_is_known():
    assert fold(step_delta("s", {"index": 0, "id": "c"})).calls == [
        {"id": "c", "type": "function", "name": "", "arguments": ""}
    ]
    assert fold(step_delta("s", {"index": 0, "id": "c"}), step_delta("s", other("mcp", name="n"))).calls == [
        {"id": "c", "type": "mcp", "name": "n"}
    ]


def test_delta_of_a_change_is_as_typed_as_it_can_be():
    found = fold(step_delta("s", function("", name="f", id="c")), step_delta("s", {"index": 0, "x": 1}))
    deltas = [change.delta for change in found.changes if isinstance(change, ToolCallChanged)]

    assert [type(delta) for delta in deltas] == [FunctionToolCallDelta, FunctionToolCallDelta]


# Code interpreter.


def logs(text: str | None, index: int | None = 0) -> dict[str, object]:
    return {"type": "logs", "logs": text} | ({} if index is None else {"index": index})


def picture(file_id: str | None, index: int | None = 0) -> dict[str, object]:
    return {"type": "image", "image": {"file_id": file_id}} | ({} if index is None else {"index": index})


def test_code_and_logs_are_joined_and_images_replace():
    found = fold(
        step_delta("s", code("print", id="c")),
        step_delta("s", code("(1)", picture("a", 1))),
        step_delta("s", code(None, logs("1"))),
        step_delta("s", code(None, logs("2"), picture("b", 1))),
        step_delta("s", code(None, logs(None), picture(None, 1))),
    )

    assert found.calls == [
        {
            "id": "c",
            "type": "code_interpreter",
            "input": "print(1)",
            "outputs": [{"type": "logs", "logs": "12"}, {"type": "image", "file_id": "b"}],
        }
    ]


def test_outputs_without_an_index_are_appended():
    found = fold(step_delta("s", code("x", logs("1", None), id="c")), step_delta("s", code(None, logs("2", None))))

    assert [output["logs"] for output in found.calls[0]["outputs"]] == ["1", "2"]


def test_outputs_are_listed_by_index_and_gaps_are_left_out():
    found = fold(step_delta("s", code("x", logs("b", 4), logs("a", 2), id="c")))

    assert [output["logs"] for output in found.calls[0]["outputs"]] == ["a", "b"]


def test_output_without_a_type_goes_on_as_it_is():
    found = fold(
        step_delta("s", code("x", logs("1"), picture("a", 1), id="c")),
        step_delta("s", code(None, {"index": 0, "logs": "2"}, {"index": 1}, {"index": 0})),
    )

    assert found.calls[0]["outputs"] == [{"type": "logs", "logs": "12"}, {"type": "image", "file_id": "a"}]


def test_unknown_outputs_merge_by_index():
    found = fold(
        step_delta("s", code("x", {"index": 0, "type": "sound", "logs": "a"}, {"type": "smell"}, id="c")),
        step_delta("s", code(None, {"index": "0", "type": "sound", "logs": "b", "file": "f"})),
    )
    (call,) = found.accumulator.run_steps[0].step_details.tool_calls  # type: ignore[union-attr]

    assert isinstance(call, CodeInterpreterToolCall)
    outputs = call.code_interpreter.outputs
    assert [output.wire_type for output in outputs] == ["sound", "smell"]  # type: ignore[union-attr]
    assert json.loads(outputs[0].raw) == {"type": "sound", "logs": "ab", "file": "f"}  # type: ignore[union-attr]


def test_authoritative_code_replaces_and_empty_outputs_erase_nothing():
    streamed = step_delta("s", code("prin", logs("1"), id="c"))
    whole = {"id": "c", "type": "code_interpreter", "code_interpreter": {"input": "print(1)", "outputs": []}}

    assert fold(streamed, end_step("s", whole)).calls[0] == {
        "id": "c",
        "type": "code_interpreter",
        "input": "print(1)",
        "outputs": [{"type": "logs", "logs": "1"}],
    }
    whole["code_interpreter"] = {"input": "print(1)", "outputs": [picture("a", None), logs("12", None)]}
    assert [output["type"] for output in fold(streamed, end_step("s", whole)).calls[0]["outputs"]] == ["image", "logs"]


def test_late_logs_join_those_of_the_ending_payload():
    whole = {"id": "c", "type": "code_interpreter", "code_interpreter": {"input": "x", "outputs": [logs("12", None)]}}
    found = fold(end_step("s", whole), step_delta("s", code("y", logs("3"))))

    assert found.calls[0]["outputs"] == [{"type": "logs", "logs": "123"}]
    assert found.calls[0]["input"] == "xy"


def test_code_call_without_a_body_is_empty():
    found = fold(step_delta("s", {"index": 0, "id": "c", "type": "code_interpreter", "code_interpreter": None}))

    (change,) = [change for change in found.changes if isinstance(change, ToolCallCreated)]
    assert change.snapshot == CodeInterpreterToolCall(id="c", code_interpreter=CodeInterpreter())
    assert found.calls[0]["outputs"] == []


# File search and the tools of other services.


def test_file_search_is_empty_until_its_results_come():
    results = {
        "results": [{"file_id": "f", "file_name": "n", "score": 0.5}],
        "ranking_options": {"score_threshold": 0.0},
    }
    found = fold(
        step_delta("s", other("file_search", 0, "c", file_search={})),
        end_step("s", other("file_search", None, "c", file_search=results)),
    )
    first, last = found.changes[1], found.accumulator.run_steps[0].step_details

    assert isinstance(first, ToolCallCreated)
    assert first.snapshot == FileSearchToolCall(id="c")
    assert isinstance(last, ToolCallsStepDetails)
    (call,) = last.tool_calls
    assert isinstance(call, FileSearchToolCall)
    assert call.file_search.results is not None
    assert call.file_search.results[0].score == 0.5
    assert call.file_search.ranking_options is not None
    assert call.file_search.ranking_options.score_threshold == 0.0


def test_file_search_results_that_stream_merge_by_index():
    found = fold(
        step_delta("s", other("file_search", 0, "c", file_search={"results": [{"index": 0, "file_id": "f"}]})),
        step_delta("s", other("file_search", 0, file_search={"results": [{"index": 0, "score": 0.5}, {"index": 1}]})),
    )

    assert [(result["file_id"], result.get("score")) for result in found.calls[0]["file_search"]["results"]] == [
        ("f", 0.5),
        ("", None),
    ]


def test_flat_call_joins_its_arguments():
    found = fold(
        step_delta("s", other("mcp", 0, "c", name="n", server_label="l", arguments='{"q"')),
        step_delta("s", other("mcp", 0, "c", name="n", arguments=":1}")),
        step_delta("s", other("mcp", 0, "c", arguments='{"q":1}', output="o")),
    )

    assert found.calls == [
        {"id": "c", "type": "mcp", "name": "n", "server_label": "l", "arguments": '{"q":1}', "output": "o"}
    ]
    assert found.callbacks[6:8] == ["run_step_delta s", "exception"]


@pytest.mark.parametrize(
    "type_",
    [
        "azure_ai_search",
        "azure_function",
        "bing_custom_search",
        "bing_grounding",
        "browser_automation",
        "computer_use_preview",
        "connected_agent",
        "deep_research",
        "fabric_dataagent",
        "openapi",
        "sharepoint_grounding",
        "telepathy",
    ],
)
def test_call_of_any_type_folds_by_the_kinds_of_its_values(type_):
    found = fold(
        step_delta(
            "s", other(type_, 0, "c", **{type_: {"input": "a", "output": "x", "n": 1, "l": [{"index": 0, "y": 1}]}})
        ),
        step_delta("s", other(type_, 0, **{type_: {"input": "b", "output": "z", "n": 2, "l": [{"index": 0, "z": 2}]}})),
        END,
    )

    assert found.calls == [
        {"id": "c", "type": type_, type_: {"input": "ab", "output": "z", "n": 2, "l": [{"y": 1, "z": 2}]}}
    ]
    assert found.callbacks[:-1] == [
        "run_step_created s",
        "tool_call_created c",
        "tool_call_delta c",
        "run_step_delta s",
        "tool_call_delta c",
        "run_step_delta s",
        "tool_call_done c",
        "run_step_done s",
    ]


def test_calls_of_other_types_are_typed():
    found = fold(
        step_delta("s", other("bing_grounding", 0, "b", bing_grounding={"requesturl": "u"}), other("mcp", 1, "m")),
        step_delta("s", other("telepathy", 2, "t", mind=1)),
    )
    details = found.accumulator.run_steps[0].step_details

    assert isinstance(details, ToolCallsStepDetails)
    assert details.tool_calls[:2] == [
        BingGroundingToolCall(id="b", bing_grounding={"requesturl": "u"}),
        MCPToolCall(id="m"),
    ]
    unknown = details.tool_calls[2]
    assert isinstance(unknown, UnknownToolCall)
    assert unknown.wire_type == "telepathy"
    assert json.loads(unknown.raw) == {"id": "t", "type": "telepathy", "mind": 1}


def test_unknown_call_of_an_ending_payload_is_matched_by_its_id():
    found = fold(
        step_delta("s", other("telepathy", 0, "t", mind=1), other("telepathy", 1, "u", mind=2)),
        end_step("s", other("telepathy", None, "u", mind=3)),
    )

    assert found.calls == [{"id": "u", "type": "telepathy", "mind": 3}]
    assert found.callbacks[6:9] == ["tool_call_done u", "tool_call_done t", "run_step_done s"]


# Ends.


def test_step_ends_after_its_calls():
    found = fold(step_delta("s", function("{}", id="a"), function("{}", id="b", index=1)), end_step("s"), END)

    assert found.callbacks[6:] == ["tool_call_done a", "tool_call_done b", "run_step_done s", "end"]


def test_requires_action_ends_calls_but_no_steps():
    found = fold(step_delta("s", function("{}", id="a")), step_delta("t", function("{}", id="b")), WAIT)

    assert found.callbacks[8:] == ["tool_call_done a", "tool_call_done b", "end"]
    assert found.outcome == "complete"


def test_late_delta_to_an_ended_call_is_folded_and_never_ends_it_again():
    found = fold(step_delta("s", function("{", id="a")), WAIT, step_delta("s", function("}")), end_step("s"), END)

    assert found.calls[0]["arguments"] == "{}"
    assert [said for said in found.callbacks if "done" in said] == ["tool_call_done a", "run_step_done s"]


def test_changes_of_a_call_name_their_step_and_index():
    found = fold(step_delta("s", function("{}", id="a", index=3)), end_step("s"))
    changes = [
        change for change in found.changes if isinstance(change, ToolCallCreated | ToolCallChanged | ToolCallDone)
    ]

    assert [(type(change), change.parent, change.index) for change in changes] == [
        (ToolCallCreated, "s", 3),
        (ToolCallChanged, "s", 3),
        (ToolCallDone, "s", 3),
    ]


# Snapshots.


def test_created_call_has_its_name_and_no_arguments():
    (change,) = [
        change
        for change in fold(step_delta("s", function("{", name="f", id="c"))).changes
        if isinstance(change, ToolCallCreated)
    ]

    assert change.snapshot == FunctionToolCall(id="c", function=Function(name="f"))


def test_held_snapshots_do_not_change_with_later_folds():
    accumulator = AssistantAccumulator()
    fold(
        step_delta("s", function("{", name="f", id="a"), code("x", logs("1"), id="b", index=1)),
        step_delta("s", other("openapi", 2, "c", openapi={"list": [1]}), other("telepathy", 3, "d", mind={"x": 1})),
        into=accumulator,
    )
    held = accumulator.run_steps[0]
    before = repr(held)
    fold(
        step_delta("s", function("}", output="o"), code("y", logs("2"), index=1)),
        step_delta("s", other("openapi", 2, openapi={"list": [2]}), other("telepathy", 3, mind={"x": 2})),
        end_step("s", function("[]", id="a", index=None)),
        into=accumulator,
    )

    assert repr(held) == before
    assert accumulator.run_steps[0] != held


def test_snapshot_is_built_once_until_the_next_fold():
    accumulator = AssistantAccumulator()
    fold(step_delta("s", function("", id="a"), function("", id="b", index=1)), step("created", "t"), into=accumulator)
    first, second = accumulator.run_steps
    untouched = first.step_details.tool_calls[1]  # type: ignore[union-attr]
    fold(step_delta("s", function("{")), into=accumulator)

    assert accumulator.run_steps[0] is not first
    assert accumulator.run_steps[0].step_details.tool_calls[1] is untouched  # type: ignore[union-attr]
    assert accumulator.run_steps[1] is second


def test_changed_step_has_the_delta_of_its_event():
    (change,) = [c for c in fold(step_delta("s", function("{", id="c"))).changes if isinstance(c, RunStepChanged)]

    assert change.delta.step_details is not None
    assert change.snapshot.id == "s"


# Half surrogate pairs.


def test_half_pairs_are_held_back_and_replaced_at_the_end():
    frames = [
        step_delta("s", function("a\ud83d", name="f\ud83d", id="a", output="o\ud83d")),
        step_delta("s", code("b\ud83d", logs("c\ud83d"), id="b", index=1)),
        step_delta("s", other("telepathy", 2, "d", mind="m\ud83d", input="i\ud83d")),
    ]
    open_, ended = fold(*frames), fold(*frames, WAIT)
    whole = fold(*frames, step_delta("s", function("\ude00"), code("\ude00", logs("\ude00"), index=1)), WAIT)

    assert open_.calls[0] == {"id": "a", "type": "function", "name": "f\ufffd", "arguments": "a", "output": "o\ufffd"}
    assert open_.calls[1]["input"] == "b"
    assert open_.calls[2]["input"] == "i"
    assert ended.calls[0]["arguments"] == "a\ufffd"
    assert ended.calls[1] | {"id": ""} == {
        "id": "",
        "type": "code_interpreter",
        "input": "b\ufffd",
        "outputs": [{"type": "logs", "logs": "c\ufffd"}],
    }
    assert ended.calls[2] == {"id": "d", "type": "telepathy", "mind": "m\ufffd", "input": "i\ufffd"}
    assert whole.calls[0]["arguments"] == "a\U0001f600"
    assert whole.calls[1]["input"] == "b\U0001f600"


# Hostile.


def step_delta_of(call: bytes) -> bytes:
    data = b'{"id":"s","delta":{"step_details":{"type":"tool_calls","tool_calls":[%s]}}}' % call
    return b"event: thread.run.step.delta\ndata: %s\n\n" % data


@pytest.mark.parametrize(
    "body", [b'{"a":1e999}', b'{"a":[[[]]]}', b"[" * 100 + b"]" * 100, b'{"index":true,"a":{"index":-1}}']
)
def test_odd_json_in_a_call_of_no_fixed_shape_can_do_no_harm(body):
    found = fold(step_delta_of(b'{"index":0,"id":"c","type":"telepathy","x":%s}' % body))

    assert found.calls[0]["id"] == "c"


def test_our_own_tag_on_the_wire_can_do_no_harm():
    found = fold(step_delta_of(b'{"index":0,"type":"unknown","wire_type":"x","raw":"////","id":"c"}'))

    assert len(found.calls) == 1


def test_a_call_of_an_unknown_type_keeps_its_id_at_hand():
    entry = other("weather_radar", id="call_w", weather_radar={"input": "Os"})
    more = other("weather_radar", weather_radar={"input": "lo"})
    folded = fold(created(), step_delta("s", entry), step_delta("s", more), END)
    (call,) = folded.accumulator.run_steps[0].step_details.tool_calls

    assert ("call_w", "weather_radar") == (call.id, call.wire_type)
    assert {"id": "call_w", "type": "weather_radar", "weather_radar": {"input": "Oslo"}} == json.loads(call.raw)
    assert "tool_call_created call_w" in folded.callbacks


def test_an_image_without_a_file_has_no_name():
    found = fold(step_delta("s", code("plot()", {"index": 0, "type": "image"})), end_step("s"))

    assert found.calls[0]["outputs"] == [{"type": "image", "file_id": ""}]
