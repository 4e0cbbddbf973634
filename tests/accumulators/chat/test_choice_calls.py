"""The calls of a choice while it goes on: why they are not whole, and where they stand."""

from typing import Any

import pytest
from chat_folds import DONE, call, chunk, delta, fold

from asyncstream.accumulators import ChatAccumulator, ToolCallChanged
from asyncstream.events import decode_stream

OPEN = call(0, "f", "{", id="a", type="function")
WHOLE = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}}


def calls_after(*frames: bytes) -> list[Any]:
    """Return the calls as they are while the stream goes on."""
    accumulator = ChatAccumulator()
    for event in decode_stream(b"".join(frames), "chat"):
        accumulator.fold(event)
    return [*(accumulator.completion.choices[0].message.tool_calls or ())]


def whole(**message: object) -> bytes:
    return chunk({"index": 0, "message": {"role": "assistant", **message}})


@pytest.mark.parametrize(
    "frame",
    [
        delta(tool_calls=[OPEN]),
        delta(function_call={"name": "f", "arguments": "{"}),
        whole(tool_calls=[WHOLE]),
        delta(tool_calls=[OPEN]) + whole(tool_calls=[WHOLE]),
    ],
    ids=["streamed", "of the older form", "of a whole message", "said again"],
)
def test_a_call_that_is_not_whole_may_become_so_until_its_choice_has_failed(frame):
    assert ["unfinished"] == [one.cut for one in calls_after(frame)]
    assert ["unfinished"] == [one.cut for one in calls_after(frame, delta("length"))]
    assert ["error"] == [one.cut for one in calls_after(frame, delta("error"))]


def test_a_call_of_the_older_form_that_a_whole_message_has_goes_on_in_its_place():
    older = {"name": "f", "arguments": '{"a":'}
    (one,) = calls_after(delta(function_call=older), whole(function_call={"name": "f", "arguments": '{"b":1}'}))

    assert '{"b":1}' == one.function.arguments


def test_pieces_after_a_whole_message_go_to_its_calls_by_their_places():
    listed = [{**WHOLE, "id": "b"}, WHOLE]
    frames = [
        delta(tool_calls=[OPEN, call(1, "g", "{", id="b")]),
        whole(tool_calls=listed),
        delta(tool_calls=[call(0, None, "0")]),
        delta(tool_calls=[call(1, None, "1")]),
    ]

    assert [("b", "{0"), ("a", "{1")] == [(one.id, one.function.arguments) for one in calls_after(*frames)]


def test_the_type_of_a_whole_message_counts_and_none_erases_nothing():
    custom = {"id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}

    assert ["custom"] == [
        one.type for one in calls_after(delta(tool_calls=[call(0, "f", "", id="a")]), whole(tool_calls=[custom]))
    ]
    untyped = {key: value for key, value in custom.items() if key != "type"}
    assert ["custom"] == [one.type for one in calls_after(whole(tool_calls=[custom]), whole(tool_calls=[untyped]))]


@pytest.mark.parametrize(
    ("arguments", "cut"),
    [('{"a', "unfinished"), ("[1", "unfinished"), ('"a', "unfinished"), ("tru", None), ("{}", None)],
)
def test_a_call_of_a_whole_answer_is_unfinished_if_its_arguments_end_within_a_value(arguments, cut):
    found = fold(delta(tool_calls=[call(0, "f", arguments, id="a")]) + delta("stop") + DONE)

    assert [cut] == [one.cut for one in found.completion.choices[0].message.tool_calls]


def custom(**members: object) -> dict[str, object]:
    return {"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", **members}}


def test_the_text_of_a_custom_tool_is_never_unfinished_and_is_told_as_its_input():
    found = fold(delta(tool_calls=[custom(input="{")]) + delta(tool_calls=[custom(input="x")]) + delta("stop") + DONE)

    assert [("{x", None)] == [(one.custom.input, one.cut) for one in found.completion.choices[0].message.tool_calls]
    told = [change for change in found.changes if isinstance(change, ToolCallChanged)]
    assert [("input", "{"), ("input", "x")] == [(change.field, change.piece) for change in told]


@pytest.mark.parametrize("again", ["{", ""])
def test_a_whole_message_that_says_the_same_of_a_call_tells_of_none(again):
    said = {**WHOLE, "function": {"name": "f", "arguments": again}}
    found = fold(delta(tool_calls=[OPEN]) + whole(tool_calls=[said]) + delta("length") + DONE)

    assert 1 == len([change for change in found.changes if isinstance(change, ToolCallChanged)])
    assert ["{"] == [one.function.arguments for one in found.completion.choices[0].message.tool_calls]
