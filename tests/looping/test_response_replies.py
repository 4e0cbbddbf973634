"""What goes back for a response that calls tools or asks for leave, and what is refused before anything is sent."""

import json
from typing import Any

import msgspec
import pytest

from asyncstream.decoding import decode_json
from asyncstream.errors import ConfigurationError
from asyncstream.looping.responses import approvals_of, next_body, reply_to
from asyncstream.types.responses import Response
from asyncstream.types.responses_items import McpApprovalResponse, ResponseFunctionToolCallOutputItem

CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Oslo"}'}
CUSTOM = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "run", "input": "ls"}
ASKS = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "server_label": "s",
    "name": "drop",
    "arguments": "{}",
}
SAYS = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Let me see"}],
}
COMPUTER = {
    "type": "computer_call",
    "id": "cu_1",
    "call_id": "call_3",
    "status": "completed",
    "action": {"type": "wait"},
}


def response(*output: Any, **members: Any) -> Response[None]:
    whole = {"id": "resp_1", "status": "completed", "output": [*output], **members}
    return decode_json(Response, msgspec.json.encode(whole))


def output(id: str, text: str = "18") -> dict[str, str]:
    return {"call_id": id, "output": text}


def test_calls_are_answered_in_their_order_by_items_of_their_types():
    reply = reply_to(response(SAYS, CALL, CUSTOM), [output("call_2", "a.txt"), output("call_1")], number=3)

    assert [
        {"type": "function_call_output", "call_id": "call_1", "output": "18"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "a.txt"},
    ] == reply.items
    assert [(3, 0, "call_1", "weather", "18"), (3, 1, "call_2", "run", "a.txt")] == [
        (one.round, one.place, one.id, one.name, one.output) for one in reply.results
    ]


def test_the_word_of_the_other_protocols_is_taken_too():
    reply = reply_to(response(CALL), [{"tool_call_id": "call_1", "output": "18"}], number=1)

    assert [{"type": "function_call_output", "call_id": "call_1", "output": "18"}] == reply.items


def test_whole_items_are_sent_as_they_are():
    picture = {"type": "computer_screenshot", "image_url": "data:"}
    shown = {"type": "computer_call_output", "call_id": "call_3", "output": picture}
    parts = {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "18"}]}
    reply = reply_to(response(CALL, COMPUTER), [shown, parts], number=1)

    assert [parts, shown] == reply.items
    assert [parts["output"], picture] == [json.loads(one.output) for one in reply.results]


def test_a_struct_is_a_whole_item():
    given = ResponseFunctionToolCallOutputItem(call_id="call_1", output="18")
    (item,) = reply_to(response(CALL), [given], number=1).items

    assert ("function_call_output", "call_1", "18") == (item["type"], item["call_id"], item["output"])


def test_a_call_without_call_id_is_answered_under_its_id():
    bare = {name: member for name, member in CALL.items() if name != "call_id"}
    answer = response(bare)
    reply = reply_to(answer, [output("fc_1")], number=1)
    body = next_body(b'{"input": "hi", "store": false}', answer, reply.items)

    assert [{"type": "function_call_output", "call_id": "fc_1", "output": "18"}] == reply.items
    assert [{**bare, "call_id": "fc_1"}, *reply.items] == json.loads(msgspec.json.encode(body))["input"][1:]


def test_what_the_server_has_answered_itself_is_not_open():
    done = {"type": "function_call_output", "id": "x", "call_id": "call_1", "output": "18"}
    searched = {"type": "tool_search_call", "id": "ts_1", "call_id": None, "execution": "server", "arguments": {}}
    declared = [
        {"type": "custom", "name": "mine"},
        {"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "run"}]},
    ]

    for open_ones, answer in (
        ([], response(CALL, done)),
        ([], response(searched)),
        ([], response(CUSTOM, tools=declared[:1])),
        (["call_2"], response(CUSTOM, tools=declared)),
        (["call_2"], response(CUSTOM, tools=[])),
        (["ts_1"], response({**searched, "execution": "client"})),
    ):
        with pytest.raises(ConfigurationError) as caught:
            reply_to(answer, [output("other")], number=1)
        if open_ones:
            assert f"no call 'other' is open; the open ones are {open_ones[0]!r}" == str(caught.value)
        else:
            assert "this response calls no tool that is to be answered" in str(caught.value)


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ([], "every open call needs an output; there is none for 'call_1', 'call_2'"),
        ([output("call_1")], "there is none for 'call_2'"),
        (
            [output("call_1"), output("call_2"), output("call_9")],
            "no call 'call_9' is open; the open ones are 'call_1'",
        ),
        ([output("call_1"), output("call_1"), output("call_2")], "expected 1 output for 'call_1', got 2"),
        ([output("call_1"), {"call_id": "call_2"}], "got keys \\['call_id'\\]"),
        ([output("call_1"), {"call_id": "call_2", "output": 5}], "expected the output of 'call_2' as text, got int"),
        ([output("call_1"), {"call_id": 2, "output": ""}], "expected a call_id as text, got int"),
        ([output("call_1"), "call_2"], "expected each output as .*, got str"),
        ("call_1", "expected a list of outputs, got str"),
        ({"call_1": "18"}, "expected a list of outputs, got dict"),
        (
            [output("call_1"), {"type": "function_call_output", "call_id": "call_2", "output": ""}],
            "'custom_tool_call_output'",
        ),
        ([output("call_1"), {"type": "custom_tool_call_output", "output": ""}], "as text, got NoneType"),
    ],
)
def test_outputs_that_do_not_fit_are_refused(outputs, words):
    with pytest.raises(ConfigurationError, match=words):
        reply_to(response(CALL, CUSTOM), outputs, number=1)


def test_two_calls_of_one_id_take_two_outputs():
    reply = reply_to(response(CALL, CALL), [output("call_1", "a"), output("call_1", "b")], number=1)

    assert ["a", "b"] == [item["output"] for item in reply.items]
    with pytest.raises(ConfigurationError, match="there is none for 'call_1'"):
        reply_to(response(CALL, CALL), [output("call_1")], number=1)


def test_a_call_that_wants_more_than_text_says_so():
    with pytest.raises(ConfigurationError, match=r"answered by a whole item: .*'computer_call_output'"):
        reply_to(response(COMPUTER), [output("call_3")], number=1)


def test_a_response_that_is_cut_takes_no_outputs():
    for answer, word in (
        (response(CALL, status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "max_output_tokens"),
        (response(CALL, status="incomplete"), "incomplete"),
        (response(CALL, status="cancelled"), "cancelled"),
    ):
        with pytest.raises(ConfigurationError, match=f"is cut \\('{word}'\\)"):
            reply_to(answer, [output("call_1")], number=1)
    answer = response(CALL)
    answer.output[0].cut = "unfinished"  # type: ignore[union-attr]
    with pytest.raises(ConfigurationError, match="a call of this response is cut"):
        reply_to(answer, [output("call_1")], number=1)


# Approvals.


def test_approvals_are_items():
    allowed = approvals_of([{"approval_request_id": "mcpr_1", "approve": True, "reason": "fine"}])
    reply = reply_to(response(ASKS), allowed, number=1)

    item = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True, "reason": "fine"}
    assert [item] == reply.items
    assert [("mcpr_1", "drop", "true")] == [(one.id, one.name, one.output) for one in reply.results]


def test_approvals_and_outputs_go_together():
    both = response(CALL, ASKS)
    (refused,) = approvals_of([McpApprovalResponse(approval_request_id="mcpr_1", approve=False)])
    reply = reply_to(both, [refused, output("call_1")], number=1)

    assert ["function_call_output", "mcp_approval_response"] == [item["type"] for item in reply.items]
    for given in ([refused], [output("call_1")]):
        with pytest.raises(ConfigurationError, match="every open call needs an output"):
            reply_to(both, given, number=1)


@pytest.mark.parametrize(
    "approval",
    [
        {"approval_request_id": "mcpr_1"},
        {"approval_request_id": "mcpr_1", "approve": "yes"},
        {"approval_request_id": 1, "approve": True},
        {"approval_request_id": "mcpr_1", "approve": True, "why": "x"},
        {"approval_request_id": "mcpr_1", "approve": True, "reason": 5},
        {"approval_request_id": "mcpr_1", "approve": True, "id": 5},
        {"type": "function_call_output", "approval_request_id": "mcpr_1", "approve": True},
        "mcpr_1",
    ],
)
def test_what_is_no_approval_is_refused(approval):
    with pytest.raises(ConfigurationError, match="expected each approval as"):
        approvals_of([approval])


def test_an_approval_may_have_a_reason_and_an_id_or_null_for_them():
    given = {"approval_request_id": "mcpr_1", "approve": True}

    for more in ({"reason": None, "id": None}, {"reason": "fine", "id": "a"}):
        assert [{"type": "mcp_approval_response", **given, **more}] == approvals_of([{**given, **more}])


@pytest.mark.parametrize(("given", "shown"), [({"approve": 1, "a": 2}, r"keys \['a', 'approve'\]"), ("x", "str")])
def test_what_is_no_approval_is_named(given, shown):
    with pytest.raises(ConfigurationError, match=f"got {shown}$"):
        approvals_of([given])


def test_approvals_are_a_list():
    with pytest.raises(ConfigurationError, match="expected a list of approvals, got dict"):
        approvals_of({"mcpr_1": True})  # type: ignore[arg-type]


def test_an_approval_for_nothing_is_refused():
    given = approvals_of([{"approval_request_id": "mcpr_9", "approve": True}])
    with pytest.raises(ConfigurationError, match="no call 'mcpr_9' is open; the open ones are 'mcpr_1'"):
        reply_to(response(ASKS), given, number=1)


# The next request.


ITEMS = [{"type": "function_call_output", "call_id": "call_1", "output": "18"}]


def body_after(sent: dict[str, object], answer: Response[None]) -> dict[str, Any]:
    return json.loads(msgspec.json.encode(next_body(json.dumps(sent).encode(), answer, ITEMS)))


def test_a_stored_response_is_named():
    sent = {"model": "m", "input": "hi", "tools": [{"type": "function", "name": "f"}], "previous_response_id": "resp_0"}

    assert {**sent, "input": ITEMS, "previous_response_id": "resp_1"} == body_after(sent, response(CALL))
    assert {"input": ITEMS, "previous_response_id": "resp_1", "store": True} == body_after(
        {"input": "hi", "store": True}, response(CALL, store=True)
    )


@pytest.mark.parametrize(
    ("sent", "said"), [({"store": False}, {}), ({}, {"store": False}), ({"store": False}, {"store": False})]
)
def test_a_response_that_is_not_stored_is_sent_back_whole(sent, said):
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz", "vendor": {"a": [1, None]}}
    unknown = {"type": "vendor_item", "id": "v_1", "deep": {"x": 1.5}}
    answer = response(thought, SAYS, unknown, CALL, **said)
    user = {"role": "user", "content": "hi"}

    for given in ("hi", [user]):
        body = body_after({"model": "m", "input": given, "previous_response_id": "resp_0", **sent}, answer)

        assert {"model": "m", "previous_response_id": "resp_0", **sent} == {
            k: v for k, v in body.items() if k != "input"
        }
        first, *rest = body["input"]
        assert [user, ["reasoning", "message", "vendor_item", "function_call", "function_call_output"]] == [
            first,
            [item["type"] for item in rest],
        ]
        assert "xyz" == rest[0]["encrypted_content"]
        assert unknown == rest[2]
        assert CALL == rest[3]


def test_what_was_sent_is_passed_on_as_its_bytes_are():
    sent = b'{"input": [{"role": "user", "content": 1.50}], "store": false, "big": 123456789012345678901234567890}'
    body = msgspec.json.encode(next_body(sent, response(CALL), ITEMS))

    assert b'{"role": "user", "content": 1.50}' in body
    assert b"123456789012345678901234567890" in body


def test_a_conversation_is_neither_named_nor_repeated():
    for conversation in ("conv_1", {"id": "conv_1"}):
        sent = {"model": "m", "input": "hi", "conversation": conversation}
        assert {**sent, "input": ITEMS} == body_after(sent, response(CALL))


def test_a_response_without_an_id_is_sent_back_whole():
    body = body_after({"model": "m", "input": None, "conversation": None}, response(CALL, id=""))

    assert [CALL, *ITEMS] == body["input"]
    assert "id" not in body_after({"store": False}, response({**CALL, "id": ""}))["input"][0]


@pytest.mark.parametrize("sent", [b"[]", b'{"input": 5, "store": false}'])
def test_a_request_without_such_an_input_cannot_be_gone_on_with(sent):
    with pytest.raises(ConfigurationError, match="no input that could be gone on with"):
        next_body(sent, response(CALL), ITEMS)
