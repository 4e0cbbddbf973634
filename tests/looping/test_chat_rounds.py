"""The requests of a chat loop, from what was sent, the book and the answer: next rounds, the messages so far."""

from typing import Any

import msgspec
import pytest

from asyncstream import ConfigurationError, LoopState
from asyncstream.looping.book import KeptCall
from asyncstream.looping.chat import check_round, conversation, history_of, next_round, offer
from asyncstream.tools import Image, NextRound
from asyncstream.types import ChatCompletion

ASKED = {"role": "user", "content": "Hi"}
SENT: dict[str, Any] = {"model": "m", "messages": [ASKED], "temperature": 0.5}


def completion(*arguments: str, **message: Any) -> ChatCompletion[Any]:
    calls = [
        {"id": f"call_{place}", "type": "function", "function": {"name": "f", "arguments": text}}
        for place, text in enumerate(arguments)
    ]
    said = {"role": "assistant", **message, **({"tool_calls": calls} if calls else {})}
    choices = [{"index": 0, "message": said, "finish_reason": "tool_calls" if calls else "stop"}]
    return msgspec.convert({"id": "c", "choices": choices}, ChatCompletion)


def book(answer: ChatCompletion[Any], *outputs: str, **sent: Any) -> tuple[bytes, LoopState]:
    """Return what was sent, and a book in which each call has its output; "" is one that has none."""
    body = msgspec.json.encode({**SENT, **sent})
    offered = offer(answer)
    state = LoopState(round=3, history=history_of(body, offered), calls=offered.calls)
    for place, output in enumerate(outputs):
        if output:
            state.end(place, "returned", output)
    return body, state


def plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_the_next_request_has_the_answer_and_an_output_for_each_call():
    body, state = book(completion('{"a": 1}', '{"a": 2}'), "one", "two")

    upcoming = next_round(body, state)
    sent = plain(upcoming.body())

    assert (4, {"model": "m", "temperature": 0.5}) == (upcoming.number, upcoming.params)
    assert {"model": "m", "temperature": 0.5} == {key: sent[key] for key in sent if key != "messages"}
    assert [ASKED, "assistant"] == [sent["messages"][0], sent["messages"][1]["role"]]
    assert [
        {"role": "tool", "tool_call_id": "call_0", "content": "one"},
        {"role": "tool", "tool_call_id": "call_1", "content": "two"},
    ] == sent["messages"][2:]


@pytest.mark.parametrize(
    ("choice", "free"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", None),
        ({"type": "function", "function": {"name": "f"}}, None),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}},
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
        ),
    ],
)
def test_a_choice_that_forces_a_call_is_free_in_the_next_round(choice, free):
    body, state = book(completion("{}"), "x", tool_choice=choice)

    assert free == plain(next_round(body, state).body()).get("tool_choice")


def test_arguments_that_are_no_object_go_back_as_an_empty_one():
    _, state = book(completion('{"a": 1', '["a"]', "", '{"a": 1}'))

    sent = [call["function"]["arguments"] for call in state.history["message"]["tool_calls"]]
    assert ["{}", "{}", "{}", '{"a": 1}'] == sent


def test_a_book_that_was_kept_gives_the_same_request():
    body, state = book(completion('{"a": 1}'), "one")

    assert plain(next_round(body, state).body()) == plain(next_round(body, LoopState.load(state.dump())).body())


def test_an_output_that_is_more_than_text_is_refused():
    body, state = book(completion("{}"))
    state.end(0, "returned", [Image("https://example.org/a.png")])

    with pytest.raises(ConfigurationError, match="'f' is Content"):
        next_round(body, state)


def test_what_was_sent_without_messages_cannot_be_gone_on_with():
    with pytest.raises(ConfigurationError, match="no list of messages"):
        history_of(b'{"model": "m"}', offer(completion("{}")))


CALLING = {"role": "assistant", "tool_calls": [{"id": "a"}, {"id": "b"}]}


@pytest.mark.parametrize(
    ("messages", "lacks"),
    [
        ([CALLING, {"role": "tool", "tool_call_id": "b"}, {"role": "tool", "tool_call_id": "a"}], ""),
        ([CALLING, {"role": "tool", "tool_call_id": "a"}], "'b'"),
        ([CALLING], "'a', 'b'"),
        (["no message", CALLING], "'a', 'b'"),
        ([CALLING, ASKED, {"role": "tool", "tool_call_id": "a"}, {"role": "tool", "tool_call_id": "b"}], "'a', 'b'"),
        ([ASKED, {"role": "tool", "tool_call_id": "other"}, "no message"], ""),
        ([ASKED, {"role": "assistant", "content": "Hello"}, ASKED], ""),
    ],
)
def test_each_call_must_have_its_answer_right_behind_it(messages, lacks):
    upcoming = NextRound(2, {}, list_key="messages", added=messages)
    check_round(upcoming)
    assert messages == upcoming.messages  # looked at, it may have been changed

    if lacks:
        with pytest.raises(ConfigurationError, match=f"lack the answer of {lacks}$"):
            check_round(upcoming)
    else:
        check_round(upcoming)


def test_the_conversation_answers_each_call_whatever_became_of_it():
    body, state = book(completion("{}", "{}", "{}"), "one")
    state.begin(1)

    messages = conversation(body, state, completion())

    assert ["user", "assistant", "tool", "tool", "tool"] == [message["role"] for message in messages]
    assert ["one", "Was interrupted: it may or may not have run.", "Not run."] == [
        message["content"] for message in messages[2:]
    ]


@pytest.mark.parametrize(
    ("answer", "roles"),
    [
        (completion(), ["user"]),
        (completion(content="Hello"), ["user", "assistant"]),
        (completion(refusal="No"), ["user", "assistant"]),
        (completion("{}"), ["user", "assistant", "tool"]),
        (ChatCompletion(), ["user"]),
    ],
)
def test_an_answer_without_a_book_is_the_last_of_the_conversation_if_it_says_anything(answer, roles):
    messages = conversation(msgspec.json.encode(SENT), LoopState(), answer)

    assert roles == [message["role"] for message in messages]
    if "tool" in roles:
        assert "Not run: the answer was cut." == messages[-1]["content"]


def test_the_offer_of_an_answer_without_choices_is_none():
    offered = offer(ChatCompletion())

    assert ([], None) == (offered.calls, offered.cut)
    assert {"role": "assistant", "content": None} == offered.message
    assert [KeptCall(place=0, id="call_0", name="f", arguments="{}")] == offer(completion("{}")).calls


def test_arguments_of_the_older_form_that_are_no_object_go_back_as_an_empty_one():
    _, state = book(completion(function_call={"name": "f", "arguments": '{"a": 1'}))

    assert {"name": "f", "arguments": "{}"} == state.history["message"]["function_call"]


def test_the_conversation_of_a_book_that_was_kept_is_the_same():
    body, state = book(completion("{}"), "one")

    assert conversation(body, state, completion()) == conversation(body, LoopState.load(state.dump()), completion())


def test_calls_are_cut_where_one_of_them_is():
    answer = completion("{}", "{}")
    answer.choices[0].message.tool_calls[1].cut = "unfinished"  # type: ignore[index]

    assert "unfinished" == offer(answer).cut
