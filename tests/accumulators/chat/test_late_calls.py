"""A call is done when it is done: at the finish reason if it is whole, else when it is, or at the end (rule 4.13)."""

import pickle

import pytest
from chat_folds import DONE, call, delta, fold

from asyncstream.accumulators import ChatAccumulator, FinishChanged, ToolCallDone
from asyncstream.errors import ParseError
from asyncstream.events import decode_stream

BEGUN = delta(tool_calls=[call(0, "write", '{"pa', id="a")]) + delta("tool_calls")
REST = delta(tool_calls=[call(0, arguments='th": "x"}')])


@pytest.mark.parametrize("end", [b"", DONE])
def test_arguments_that_go_on_after_the_reason_are_done_when_they_are_whole(end):
    found = fold(BEGUN + REST + end)
    done = [change for change in found.changes if isinstance(change, ToolCallDone)]

    assert found.changes[-1] is done[0]
    assert [(one.snapshot.arguments, one.snapshot.cut) for one in done] == [('{"path": "x"}', None)]


def test_done_comes_right_after_the_change_that_makes_them_whole():
    found = fold(BEGUN + REST + delta(content="more") + DONE)

    assert [type(change).__name__ for change in found.changes[-6:]] == [
        "FinishChanged",
        "ToolCallChanged",
        "ToolCallDone",
        "ContentCreated",
        "ContentChanged",
        "ContentDone",
    ]


def test_arguments_that_never_become_whole_are_done_at_the_end_and_cut():
    found = fold(BEGUN + DONE)
    (written,) = found.completion.choices[0].message.tool_calls

    assert isinstance(found.changes[-1], ToolCallDone)
    assert written.cut == "unfinished"
    with pytest.raises(ParseError, match="unfinished"):
        written.parse()


def test_arguments_that_are_no_json_are_not_cut():
    found = fold(delta("tool_calls", tool_calls=[call(0, "f", "{'a': 1}", id="a")]) + DONE)

    assert found.completion.choices[0].message.tool_calls[0].cut is None
    assert isinstance(found.changes[-1], ToolCallDone)


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_cutting_reason_is_that_of_the_call_too(reason):
    found = fold(delta(tool_calls=[call(0, "f", "{", id="a")]) + delta(reason) + DONE)

    assert found.completion.choices[0].message.tool_calls[0].cut == reason


def test_call_is_unfinished_between_the_reason_and_its_last_piece():
    accumulator = ChatAccumulator()
    for event in decode_stream(BEGUN, "chat"):
        accumulator.push(event)

    assert accumulator.completion.choices[0].message.tool_calls[0].cut == "unfinished"


def test_call_without_arguments_is_done_with_the_reason():
    found = fold(delta("tool_calls", tool_calls=[call(0, "f", id="a"), call(1, "g", "", id="b")]) + DONE)

    assert [type(change) for change in found.changes[-3:]] == [ToolCallDone, ToolCallDone, FinishChanged]


def test_input_of_a_custom_tool_is_done_at_the_end():
    custom = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "shell", "input": "{}"}}
    more = {"index": 0, "custom": {"input": " && ls"}}
    found = fold(delta("tool_calls", tool_calls=[custom]) + delta(tool_calls=[more]) + DONE)

    assert isinstance(found.changes[-1], ToolCallDone)
    assert (found.changes[-1].snapshot.custom.input, found.changes[-1].snapshot.cut) == ("{} && ls", None)


def test_call_that_opens_after_the_reason_is_done_when_it_is_whole():
    late = delta(tool_calls=[call(0, "f", id="a")]) + delta(tool_calls=[call(0, arguments="{}")])
    found = fold(delta("tool_calls", content="x") + late + delta(content="y") + DONE)

    assert [type(change).__name__ for change in found.changes[3:]] == [
        "FinishChanged",
        "ToolCallCreated",
        "ToolCallChanged",
        "ToolCallDone",
        "ContentChanged",
    ]


def test_legacy_call_waits_too():
    body = delta("function_call", function_call={"name": "f", "arguments": "{"})
    found = fold(body + delta(function_call={"arguments": "}"}) + DONE)

    assert [type(change).__name__ for change in found.changes[-2:]] == ["ToolCallChanged", "ToolCallDone"]


def test_open_call_survives_a_checkpoint():
    accumulator = ChatAccumulator()
    for event in decode_stream(BEGUN, "chat"):
        accumulator.push(event)
    accumulator = pickle.loads(pickle.dumps(accumulator))
    (rest,) = decode_stream(REST, "chat")
    changes = accumulator.push(rest)

    assert [type(change).__name__ for change in changes] == ["ToolCallChanged", "ToolCallDone"]
    assert accumulator.finish() == []


# A whole call said again, without index and id (rule 4.9).


@pytest.mark.parametrize("again", ['{"a":1}', {"a": 1}, '"{\\"a\\": 1}"', '{"a": 1}'])
def test_whole_call_that_is_repeated_with_its_name_is_one(again):
    found = fold(
        delta(tool_calls=[call(None, "f", '{"a": 1}')]) + delta(tool_calls=[call(None, "f", again)]) + DONE,
    )

    assert [one.arguments for one in found.completion.choices[0].message.tool_calls] == ['{"a": 1}']
    assert "4.10" in found.rules


@pytest.mark.parametrize("second", [("f", '{"a": 2}'), ("g", '{"a": 1}'), ("f", ""), ("f", None), ("f", '{"a')])
def test_other_call_is_another(second):
    found = fold(delta(tool_calls=[call(None, "f", '{"a": 1}')]) + delta(tool_calls=[call(None, *second)]) + DONE)

    assert len(found.completion.choices[0].message.tool_calls) == 2
