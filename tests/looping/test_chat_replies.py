"""What goes back for a chat answer that calls tools: the messages, from structs alone."""

import msgspec
import pytest
from chat_wire import CALLS, DONE, HELLO, call, piece

from asyncstream import ChatAccumulator, ConfigurationError
from asyncstream.events import decode_stream
from asyncstream.looping.chat import next_body, reply_to
from asyncstream.types import ChatCompletion


def answer(*frames: bytes) -> ChatCompletion:
    accumulator = ChatAccumulator()
    for event in decode_stream(b"".join([*frames, DONE]), "chat"):
        accumulator.push(event)
    accumulator.finish()
    return accumulator.completion


def output(id: str, text: str = "x") -> dict[str, str]:
    return {"tool_call_id": id, "output": text}


def test_outputs_go_back_in_the_order_of_the_calls():
    reply = reply_to(answer(*CALLS), [output("call_b", "3"), output("call_a", "18")], number=2)

    assert ["assistant", "tool", "tool"] == [message["role"] for message in reply.messages]
    assert [("call_a", "18"), ("call_b", "3")] == [(m["tool_call_id"], m["content"]) for m in reply.messages[1:]]
    assert [(2, 0, "call_a"), (2, 1, "call_b")] == [(r.round, r.place, r.id) for r in reply.results]


def test_a_call_without_an_id_goes_back_under_the_made_up_one():
    completion = answer(call(0, "{}", "f"), piece(finish="stop"))
    made_up = completion.choices[0].message.tool_calls[0].id
    reply = reply_to(completion, [output(made_up)], number=1)

    assert made_up == reply.messages[0]["tool_calls"][0]["id"] == reply.messages[1]["tool_call_id"]


def test_a_call_of_the_older_form_is_answered_in_the_older_form():
    completion = answer(piece({"function_call": {"name": "f", "arguments": "{}"}}), piece(finish="function_call"))
    (listed,) = completion.choices[0].message.tool_calls
    reply = reply_to(completion, [output(listed.id, "1")], number=1)

    assert [
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
    ] == reply.messages


def test_both_forms_in_one_answer_are_each_answered_in_their_own():
    completion = answer(
        call(0, "{}", "a", "call_a"),
        piece({"function_call": {"name": "old", "arguments": "{}"}}),
        call(1, "{}", "b", "call_b"),
    )
    ids = [listed.id for listed in completion.choices[0].message.tool_calls]
    assert ("call_a", "call_b") == (ids[0], ids[2])
    reply = reply_to(completion, [output(id, str(place)) for place, id in enumerate(ids)], number=1)

    assert [("tool", "call_a", "0"), ("function", "old", "1"), ("tool", "call_b", "2")] == [
        (m["role"], m.get("tool_call_id") or m["name"], m["content"]) for m in reply.messages[1:]
    ]


def test_custom_and_unknown_calls_are_answered_by_their_ids():
    entries = [
        {"index": 0, "id": "c", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
        {"index": 1, "id": "u", "type": "odd", "function": {"name": "g", "arguments": "{}"}},
    ]
    reply = reply_to(answer(piece({"tool_calls": entries}, "tool_calls")), [output("u"), output("c")], number=1)

    assert ["c", "u"] == [message["tool_call_id"] for message in reply.messages[1:]]
    assert ["shell", "g"] == [result.name for result in reply.results]
    assert "odd" == reply.messages[0]["tool_calls"][1]["type"]


def test_two_calls_under_one_id_are_answered_in_order_under_two():
    calls = [call(0, '{"n": 1}', "f", "same"), call(1, '{"n": 2}', "f", "same"), call(2, "{}", "f", "same_2")]
    completion = answer(*calls, piece(finish="tool_calls"))
    assert 3 == len(completion.choices[0].message.tool_calls)
    outputs = [output("same_2", "c"), output("same", "a"), output("same", "b")]
    reply = reply_to(completion, outputs, number=1)

    ids = [entry["id"] for entry in reply.messages[0]["tool_calls"]]
    assert ["same", "same_3", "same_2"] == ids
    assert [*zip(ids, "abc", strict=True)] == [(m["tool_call_id"], m["content"]) for m in reply.messages[1:]]
    assert reply == reply_to(completion, outputs, number=1)
    with pytest.raises(ConfigurationError, match="there is none for 'same'"):
        reply_to(completion, outputs[:2], number=1)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (HELLO, "calls no tool"),
        ([], "calls no tool"),
        ([call(0, "{}", "f", "a"), piece({"content": "x"}, index=1)], "this answer has 2: send n=1"),
        ([call(0, "{}", "f", "a"), piece(finish="max_tokens")], r"cut \('max_tokens'\)"),
    ],
)
def test_an_answer_whose_calls_are_not_open_is_refused(frames, words):
    with pytest.raises(ConfigurationError, match=words):
        reply_to(answer(*frames), [output("a")], number=1)


def test_an_answer_that_is_still_going_on_is_refused():
    accumulator = ChatAccumulator()
    for event in decode_stream(call(0, "{}", "f", "a"), "chat"):
        accumulator.push(event)

    with pytest.raises(ConfigurationError, match=r"cut \('unfinished'\)"):
        reply_to(accumulator.completion, [output("a")], number=1)


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (None, "expected a list of outputs, got NoneType"),
        ("call_a", "expected a list of outputs, got str"),
        (output("call_a"), "expected a list of outputs, got dict"),
        (["call_a"], "expected each output as .*, got str"),
        ([{"tool_call_id": "call_a"}], r"got keys \['tool_call_id'\]"),
        ([{**output("call_a"), "more": 1}], r"got keys \['more', 'output', 'tool_call_id'\]"),
        ([{"tool_call_id": 1, "output": ""}], "expected a tool_call_id as text, got int"),
        ([{"tool_call_id": "call_a", "output": {"a": 1}}], "output of 'call_a' as text, got dict"),
        ([{"tool_call_id": "call_a", "output": b""}], "output of 'call_a' as text, got bytes"),
        ([{"tool_call_id": "call_a", "output": None}], "output of 'call_a' as text, got NoneType"),
        ([output(id) for id in ("call_a", "call_b", "call_c")], "no call 'call_c' is open; .*'call_a', 'call_b'$"),
        ([output(id) for id in ("call_a", "call_b", "call_a")], "expected one output for 'call_a', got 2"),
    ],
)
def test_outputs_of_another_shape_are_refused(outputs, words):
    with pytest.raises(ConfigurationError, match=words):
        reply_to(answer(*CALLS), outputs, number=1)


def test_what_was_sent_stays_byte_for_byte():
    sent = b'{"model":"m","messages":[{"role":"user","content":"\\u00e9"}],"seed":123456789012345678901234567890}'
    body = next_body(sent, [{"role": "tool"}])

    assert sent.replace(b"}]", b'},{"role":"tool"}]') == msgspec.json.encode(body)


@pytest.mark.parametrize("sent", [b"", b"[]", b"{}", b'{"messages":null}', b'{"messages":{"a":1}}'])
def test_a_request_without_messages_cannot_be_gone_on_with(sent):
    with pytest.raises(ConfigurationError, match="no list of messages"):
        next_body(sent, [])


def test_the_second_call_under_an_id_is_the_second_of_that_name():
    completion = answer(call(0, "{}", "f", "same"), call(1, '{"n": 2}', "f", "same"), piece(finish="tool_calls"))
    reply = reply_to(completion, [output("same", "a"), output("same", "b")], number=1)

    assert ["same", "same_2"] == [result.id for result in reply.results]
