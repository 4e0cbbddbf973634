"""The requests of a loop over responses, from what was sent, the book and the response; the items so far."""

from typing import Any

import msgspec
import pytest

from asyncstream import ConfigurationError, LoopState
from asyncstream.events.responses_mending import response_of
from asyncstream.looping import responses as loops
from asyncstream.looping.book import KeptCall
from asyncstream.looping.responses import (
    calls_of,
    conversation,
    history_of,
    is_cut,
    item_param,
    next_round,
    reply_to,
)
from asyncstream.tools import File, Image
from asyncstream.types import Response

ASKED = {"role": "user", "content": "Hi"}
F = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a": 1}'}
SHELL = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "shell", "input": "ls"}
LEAVE = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "name": "roll",
    "server_label": "dice",
    "arguments": '{"sides": 6}',
}
CLICK = {"type": "computer_call", "id": "cu_1", "call_id": "call_3", "action": {"type": "click"}, "status": "completed"}


def response(*items: dict[str, Any], **members: Any) -> Response[Any]:
    return response_of({"id": "resp_1", "status": "completed", "output": list(items), **members})


def book(answered: Response[Any], *outputs: Any, **sent: Any) -> tuple[bytes, LoopState]:
    body = msgspec.json.encode({"model": "m", "input": "Hi", **sent})
    state = LoopState(round=2, history=history_of(body, answered), calls=calls_of(answered))
    for place, output in enumerate(outputs):
        state.end(place, "refused" if output is False else "returned", "" if output in (True, False) else output)
    return body, state


def plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_the_calls_are_those_that_somebody_must_answer():
    assert [
        KeptCall(place=0, id="call_1", name="f", arguments='{"a": 1}'),
        KeptCall(place=1, id="call_2", name="shell", arguments="ls"),
        KeptCall(place=2, id="mcpr_1", name="roll", arguments='{"sides": 6}', runs_elsewhere=True),
        KeptCall(place=3, id="call_3", name="computer_call", arguments=""),
    ] == calls_of(response(F, SHELL, LEAVE, CLICK))
    assert [] == calls_of(response(F, {"type": "function_call_output", "call_id": "call_1", "output": "x"}))


def test_a_response_that_is_kept_is_named_and_its_calls_are_answered():
    body, state = book(response(F, SHELL, LEAVE), "one", "two", True, previous_response_id="resp_0", store=True)

    upcoming = next_round(body, state)
    sent = plain(upcoming.body())

    assert (3, "resp_1", True) == (upcoming.number, sent["previous_response_id"], sent["store"])
    assert [
        {"type": "function_call_output", "call_id": "call_1", "output": "one"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "two"},
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
    ] == sent["input"]


def test_a_call_that_was_not_allowed_is_refused():
    body, state = book(response(LEAVE), False)

    assert [False] == [item["approve"] for item in plain(next_round(body, state).body())["input"]]


@pytest.mark.parametrize(("sent", "members"), [({"store": False}, {}), ({}, {"store": False}), ({}, {"id": ""})])
def test_one_that_is_not_kept_is_sent_back_whole(sent, members):
    body, state = book(response(F, **members), "one", **sent)

    request = plain(next_round(body, state).body())

    assert "previous_response_id" not in request
    assert ASKED == request["input"][0]
    assert ["function_call", "function_call_output"] == [item["type"] for item in request["input"][1:]]


def test_a_conversation_is_neither_named_again_nor_repeated():
    body, state = book(response(F), "one", conversation="conv_1", previous_response_id="resp_0")

    upcoming = next_round(body, state)
    sent = plain(upcoming.body())

    assert {"model": "m", "conversation": "conv_1"} == upcoming.params
    assert ("conv_1", ["function_call_output"]) == (sent["conversation"], [item["type"] for item in sent["input"]])
    assert "previous_response_id" not in sent


@pytest.mark.parametrize(
    ("choice", "free"),
    [
        ("auto", "auto"),
        ("required", None),
        ({"type": "function", "name": "f"}, None),
        (
            {"type": "allowed_tools", "mode": "required", "tools": []},
            {"type": "allowed_tools", "mode": "auto", "tools": []},
        ),
    ],
)
def test_a_choice_that_forces_a_call_is_free_in_the_next_round(choice, free):
    body, state = book(response(F), "one", tool_choice=choice)

    assert free == plain(next_round(body, state).body()).get("tool_choice")


def test_content_goes_back_as_parts():
    parts = ["text", Image("https://example.org/a.png", "low"), File(file_id="file_1")]
    body, state = book(response(F), parts)

    assert [
        {"type": "input_text", "text": "text"},
        {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "low"},
        {"type": "input_file", "file_id": "file_1"},
    ] == plain(next_round(body, state).body())["input"][0]["output"]


def test_a_whole_item_goes_back_as_it_was_given():
    body, state = book(response(CLICK), "")
    state.calls[0].item = {"type": "computer_call_output", "call_id": "call_3", "output": {"type": "x"}}

    assert [state.calls[0].item] == plain(next_round(body, state).body())["input"]


def test_a_book_that_was_kept_gives_the_same_request():
    body, state = book(response(F, LEAVE), "one", True, store=False)

    kept = LoopState.load(state.dump())
    assert plain(next_round(body, state).body()) == plain(next_round(body, kept).body())
    assert next_round(body, state).input == next_round(body, kept).input


def test_the_items_so_far_answer_each_call_whatever_became_of_it():
    body, state = book(response(F, SHELL), input=[ASKED])
    state.begin(0)

    items = conversation(body, state, response())

    assert [ASKED, "function_call", "custom_tool_call"] == [items[0], *(item["type"] for item in items[1:3])]
    assert ["Was interrupted: it may or may not have run.", "Not run."] == [item["output"] for item in items[3:]]


def test_a_response_without_a_book_is_the_last_of_the_items():
    body = msgspec.json.encode({"input": "Hi"})

    assert [ASKED] == conversation(body, LoopState(), response())
    assert "Not run: the answer was cut." == conversation(body, LoopState(), response(F))[-1]["output"]


@pytest.mark.parametrize(
    ("status", "cut"), [("completed", False), (None, False), ("incomplete", True), ("cancelled", True)]
)
def test_the_calls_of_a_response_that_did_not_complete_may_not_be_whole(status, cut):
    assert cut == is_cut(response(F, status=status))


@pytest.mark.parametrize("sent", [b"no json", b'{"input": 1}'])
def test_what_was_sent_without_an_input_cannot_be_gone_on_with(sent):
    with pytest.raises(ConfigurationError, match="no input that could be gone on with"):
        history_of(sent, response(F))


def test_a_call_without_a_name_is_told_without_one_and_an_output_that_is_no_json_is_refused():
    item = {"type": "computer_call_output", "call_id": "call_3", "output": {"x": 1}}
    reply = reply_to(response(CLICK), [item], number=1)
    assert ("", '{"x":1}') == (reply.results[0].name, reply.results[0].output)

    with pytest.raises(ConfigurationError, match="'call_3' cannot be encoded as JSON"):
        reply_to(response(CLICK), [{**item, "output": {"x": object()}}], number=1)


def test_calls_are_cut_where_one_of_them_is():
    answered = response(F, SHELL)
    answered.output[1].cut = "unfinished"  # type: ignore[union-attr]

    assert is_cut(answered)


def test_a_call_that_has_no_id_waits_for_nothing():
    assert [] == calls_of(response({"type": "function_call", "name": "f", "arguments": "{}"}))
    assert [] == calls_of(response(LEAVE, {"type": "mcp_approval_response", "approval_request_id": "mcpr_1"}))


def test_calls_of_elsewhere_are_those_that_no_function_answers():
    calls = calls_of(response(F, SHELL, LEAVE, CLICK))

    assert [False, False, False, True] == [call.name in loops.ANSWERED_ELSEWHERE for call in calls]
    assert not loops.ANSWERED_ELSEWHERE & {"function_call", "custom_tool_call", "mcp_approval_request"}


@pytest.mark.parametrize(
    ("asks", "answers"),
    [
        ("local_shell_call", "local_shell_call_output"),
        ("shell_call", "shell_call_output"),
        ("apply_patch_call", "apply_patch_call_output"),
        ("tool_search_call", "tool_search_output"),
    ],
)
@pytest.mark.parametrize("named", ["call_id", "id"])
def test_a_call_is_answered_by_the_item_of_its_kind(asks, answers, named):
    call = {"type": asks, "id": "call_1", "call_id": "call_1", "execution": "client", "status": "completed"}
    item = {"type": answers, named: "call_1", "output": "done"}

    assert [item] == reply_to(response(call), [item], number=1).items
    assert [asks] == [one.name for one in calls_of(response(call))]


def test_what_is_changed_in_a_request_is_not_changed_in_the_book():
    body, state = book(response(F), "one", store=False)
    kept = LoopState.load(state.dump())
    next_round(body, kept).input[0]["role"] = "developer"

    assert ASKED == next_round(body, kept).input[0]


def test_a_call_without_any_id_goes_back_without_one():
    (item,) = response({"type": "function_call", "name": "f", "arguments": "{}"}).output

    assert "" == item_param(item)["call_id"]


def test_what_the_wire_did_not_give_is_not_sent():
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    assert thought == item_param(response({**thought, "content": []}).output[0])
    custom = {name: member for name, member in SHELL.items() if name != "call_id"}

    assert [thought, {**custom, "call_id": "ctc_1"}] == [item_param(item) for item in response(thought, custom).output]


def test_an_item_goes_back_with_all_that_a_request_must_have():
    # A message may be empty, and so may be what no struct names; null stands where what the server ran gave nothing.
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": [], "status": "completed"}
    code = {"type": "code_interpreter_call", "id": "ci_1", "container_id": "c", "code": None, "outputs": None}
    picture = {"type": "image_generation_call", "id": "ig_1", "status": "failed", "result": None}
    unknown = {"type": "vendor_item", "id": "v_1", "content": []}
    items = [message, {**code, "status": "completed"}, picture, unknown]

    assert items == [item_param(item) for item in response(*items).output]
    ran = {**code, "status": "completed", "code": "1", "outputs": [{"type": "logs", "logs": "1"}]}
    assert [ran] == [item_param(item) for item in response(ran).output]


def test_a_request_without_a_body_said_nothing():
    assert [] == history_of(b"", response(F))["input"]


def test_a_call_without_arguments_has_none():
    bare = [{name: member for name, member in call.items() if name != "arguments"} for call in (F, LEAVE)]

    assert ["", ""] == [call.arguments for call in calls_of(response(*bare))]
