"""What `push` tells of a chat stream, in which order, and that nothing is done twice or too early."""

import pytest
from chat_folds import DONE, call, chunk, delta, describe, fold

from asyncstream.accumulators import (
    ChatAccumulator,
    ContentChanged,
    FinishChanged,
    LogprobsChanged,
    ToolCallChanged,
    ToolCallCreated,
    ToolCallDone,
    UsageChanged,
)
from asyncstream.events import decode_stream


def changes(*frames: bytes) -> list[str]:
    return describe(fold(b"".join(frames)).changes)


def test_texts_are_created_changed_and_done():
    assert changes(
        delta(role="assistant", content="", reasoning_content="h"),
        delta(reasoning_content="m"),
        delta(content="He"),
        delta(content="llo", refusal="no"),
        delta("stop"),
        DONE,
    ) == [
        "ReasoningCreated 0",
        "ReasoningChanged 0 'h'",
        "ReasoningChanged 0 'm'",
        "ContentCreated 0",
        "ContentChanged 0 'He'",
        "ContentChanged 0 'llo'",
        "RefusalCreated 0",
        "RefusalChanged 0 'no'",
        "ReasoningDone 0",
        "ContentDone 0",
        "RefusalDone 0",
        "FinishChanged 0 'stop'",
    ]


def test_empty_text_is_told_of_by_nobody():
    assert changes(delta(role="assistant", content="", refusal=""), delta("stop"), DONE) == ["FinishChanged 0 'stop'"]


def test_call_is_created_as_soon_as_its_name_is_known():
    told = [
        describe(fold(body).changes)
        for body in (
            delta(tool_calls=[call(0, arguments="", id="a")]),
            delta(tool_calls=[call(0, "f", id="a")]),
            delta(tool_calls=[call(0, "f", "", id="a")]),
            delta(tool_calls=[call(0, "f", "{", id="a")]),
        )
    ]

    assert told == [
        [],
        ["ToolCallCreated 0/0"],
        ["ToolCallCreated 0/0"],
        ["ToolCallCreated 0/0", "ToolCallChanged 0/0"],
    ]


def test_parallel_calls_are_done_once_at_the_finish():
    assert changes(
        delta(tool_calls=[call(0, "f", "", id="a")]),
        delta(tool_calls=[call(1, "g", "", id="b")]),
        delta(tool_calls=[call(1, arguments="{"), call(0, arguments="{}")]),
        delta("tool_calls", tool_calls=[call(1, arguments="}")]),
        delta("tool_calls"),
        DONE,
    ) == [
        "ToolCallCreated 0/0",
        "ToolCallCreated 0/1",
        "ToolCallChanged 0/1",
        "ToolCallChanged 0/0",
        "ToolCallChanged 0/1",
        "ToolCallDone 0/0",
        "ToolCallDone 0/1",
        "FinishChanged 0 'tool_calls'",
    ]


def test_index_of_a_call_is_its_place_in_the_message():
    """Two calls under one index, and an index that starts at 5: the wire's own would name none of them."""
    found = fold(
        delta(tool_calls=[call(5, "f", "{}", id="a")])
        + delta(tool_calls=[call(5, "g", "{}", id="b")])
        + delta(function_call={"name": "old", "arguments": "{}"})
        + delta(tool_calls=[call(9, "h", "{}", id="c")])
        + delta("tool_calls")
    )
    calls = found.completion.choices[0].message.tool_calls
    done = [change for change in found.changes if isinstance(change, ToolCallDone)]

    assert [calls[change.index] is change.snapshot for change in done] == [True] * 4
    assert [change.snapshot.function.name for change in done] == ["f", "g", "old", "h"]


def test_call_without_a_name_is_created_when_it_is_done():
    assert changes(delta(tool_calls=[call(0, arguments="{}", id="a")]), delta("stop")) == [
        "ToolCallCreated 0/0",
        "ToolCallDone 0/0",
        "FinishChanged 0 'stop'",
    ]


def test_created_snapshot_has_what_identifies_the_call_and_no_arguments():
    (created, changed) = fold(delta(tool_calls=[call(0, "f", '{"a"', type="function")])).changes

    assert isinstance(created, ToolCallCreated)
    assert (created.snapshot.id, created.snapshot.function.name, created.snapshot.function.arguments) == ("", "f", "")
    assert changed.snapshot.id


def test_changed_has_the_delta_and_the_arguments_so_far():
    accumulator = ChatAccumulator()
    told = []
    body = delta(tool_calls=[call(0, "f", "", id="a")]) + delta(tool_calls=[call(0, arguments='{"a')])
    for event in decode_stream(body + delta(tool_calls=[call(0, arguments='":1}')]), "chat"):
        for change in accumulator.push(event):
            if isinstance(change, ToolCallChanged):
                told.append((change.delta.function.arguments, change.snapshot.function.arguments))

    assert told == [('{"a', '{"a'), ('":1}', '{"a":1}')]


def test_partial_arguments_on_demand():
    pytest.importorskip("jiter")
    found = fold(delta(tool_calls=[call(0, "f", '{"city":"Os', id="a")]))

    assert found.changes[-1].snapshot.partial_arguments() == {"city": "Os"}


def test_repeated_call_is_not_told_again():
    assert changes(
        delta(tool_calls=[call(0, "f", '{"a":1}', id="a")]),
        delta("tool_calls", tool_calls=[call(0, "f", '{"a": 1}', id="a")]),
    ) == ["ToolCallCreated 0/0", "ToolCallChanged 0/0", "ToolCallDone 0/0", "FinishChanged 0 'tool_calls'"]


def test_what_comes_after_the_finish_is_told_and_a_call_is_done_when_it_is_whole():
    found = fold(
        delta("stop", content="a", tool_calls=[call(0, "f", "{", id="a")])
        + delta(content="b", tool_calls=[call(0, arguments="}")])
        + delta(tool_calls=[call(1, "g", "{}", id="b")], reasoning="late")
        + DONE
    )

    assert describe(found.changes) == [
        "ContentCreated 0",
        "ContentChanged 0 'a'",
        "ToolCallCreated 0/0",
        "ToolCallChanged 0/0",
        "ContentDone 0",
        "FinishChanged 0 'stop'",
        "ContentChanged 0 'b'",
        "ToolCallChanged 0/0",
        "ToolCallDone 0/0",
        "ReasoningCreated 0",
        "ReasoningChanged 0 'late'",
        "ToolCallCreated 0/1",
        "ToolCallChanged 0/1",
        "ToolCallDone 0/1",
        "ReasoningDone 0",
    ]
    assert found.rules == ["4.13"] * 4


def test_done_closes_what_no_reason_has_closed():
    assert changes(delta(content="a"), delta(index=1, content="b"), DONE) == [
        "ContentCreated 0",
        "ContentChanged 0 'a'",
        "ContentCreated 1",
        "ContentChanged 1 'b'",
        "ContentDone 0",
        "ContentDone 1",
    ]


@pytest.mark.parametrize("end", [b"", b'data: {"error":"x"}\n\n', delta("error") + DONE])
def test_nothing_is_done_after_an_error_or_a_cut(end):
    told = changes(delta(content="a", tool_calls=[call(0, "f", "{}", id="a")]), end)

    assert [change for change in told if "Done" in change] == []


def test_every_reason_is_told_once():
    found = fold(delta("stop", content="a") + delta("stop") + delta("length") + DONE)
    told = [change for change in found.changes if isinstance(change, FinishChanged)]

    assert [change.delta for change in told] == ["stop", "length"]
    assert told[-1].snapshot is found.completion.choices[0]


def test_usage_is_told_when_it_changes():
    found = fold(chunk(usage={"total_tokens": 3}) + chunk(usage={"total_tokens": 0}) + DONE)
    (told,) = found.changes

    assert isinstance(told, UsageChanged)
    assert told.delta == told.snapshot == found.completion.usage


def test_logprobs_are_told_with_all_so_far():
    def logprobs(token: str) -> dict[str, object]:
        return {"content": [{"token": token, "logprob": -1, "bytes": None, "top_logprobs": []}], "refusal": None}

    accumulator = ChatAccumulator()
    body = b"".join(chunk({"index": 0, "delta": {}, "logprobs": logprobs(token)}) for token in "ab")
    told = []
    for event in decode_stream(body, "chat"):
        for change in accumulator.push(event):
            assert isinstance(change, LogprobsChanged)
            told.append((change.delta.content[0].token, [entry.token for entry in change.snapshot.content]))

    assert told == [("a", ["a"]), ("b", ["a", "b"])]


def test_empty_logprobs_are_told_of_by_nobody():
    assert changes(chunk({"delta": {}, "logprobs": {"content": None, "refusal": []}}), DONE) == []


def test_whole_message_tells_what_it_adds():
    assert changes(
        delta(content="Hel", tool_calls=[call(0, "f", "{", id="a")]),
        chunk({"message": {"content": "Hello", "tool_calls": [call(0, "f", "{}", id="a")]}, "finish_reason": "stop"}),
    ) == [
        "ContentCreated 0",
        "ContentChanged 0 'Hel'",
        "ToolCallCreated 0/0",
        "ToolCallChanged 0/0",
        "ContentChanged 0 'lo'",
        "ToolCallChanged 0/0",
        "ContentDone 0",
        "ToolCallDone 0/0",
        "FinishChanged 0 'stop'",
    ]


def test_call_that_a_whole_message_left_out_is_done_too():
    told = changes(
        delta(tool_calls=[call(0, "f", "{}", id="a"), call(1, "g", "{}", id="b")]),
        chunk({"message": {"tool_calls": [call(0, "f", "{}", id="a")]}, "finish_reason": "stop"}),
    )

    assert [change for change in told if "Done" in change] == ["ToolCallDone 0/0", "ToolCallDone 0/1"]


def test_whole_answer_in_one_chunk_tells_all():
    assert changes(
        chunk(
            {
                "message": {"content": "Hi", "tool_calls": [call(0, "f", {"a": 1}, id="a")]},
                "finish_reason": "tool_calls",
            },
            usage={"total_tokens": 1},
        )
    ) == [
        "ContentCreated 0",
        "ContentChanged 0 'Hi'",
        "ToolCallCreated 0/0",
        "ToolCallChanged 0/0",
        "ContentDone 0",
        "ToolCallDone 0/0",
        "FinishChanged 0 'tool_calls'",
        "UsageChanged",
    ]


def test_change_can_be_shown_without_building_its_snapshot():
    (_, changed) = fold(delta(content="Hi")).changes

    assert isinstance(changed, ContentChanged)
    assert repr(changed) == "ContentChanged(delta='Hi', index=0)"
    assert changed.snapshot == "Hi"


def test_what_openai_pythons_stream_events_tell_can_be_told():
    """content/refusal delta and done, arguments delta and done, logprobs delta: each with the snapshot so far."""
    accumulator = ChatAccumulator()
    told: list[object] = []
    body = (
        delta(content="He")
        + delta(content="y", tool_calls=[call(0, "f", "", id="a")])
        + delta(tool_calls=[call(0, arguments='{"a":1}')])
        + delta("tool_calls")
    )
    for event in decode_stream(body, "chat"):
        for change in accumulator.push(event):
            match change:
                case ContentChanged(delta=text):
                    told.append(("content.delta", text, change.snapshot))
                case ToolCallChanged(delta=said, index=index):
                    function = change.snapshot.function
                    told.append(("arguments.delta", function.name, index, said.function.arguments, function.arguments))
                case ToolCallDone(index=index):
                    told.append(("arguments.done", index, change.snapshot.parse()))

    assert told == [
        ("content.delta", "He", "He"),
        ("content.delta", "y", "Hey"),
        ("arguments.delta", "f", 0, '{"a":1}', '{"a":1}'),
        ("arguments.done", 0, {"a": 1}),
    ]
