"""What is known of a response, how it ends, and what a resumption brings again (rules 9.2 to 9.7, 9.23, 9.24)."""

import json
from typing import get_args

import pytest
from response_folds import DONE, added, done, event, fold, life, text

from asyncstream.accumulators import ResponseAccumulator, ResponseChanged, UsageChanged
from asyncstream.accumulators.responses.item_events import FOLDS
from asyncstream.errors import StreamEventError, StreamTruncatedError
from asyncstream.events import ResponseStreamEvent, decode_stream
from asyncstream.events.named import TaggedEvent

USAGE = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
ZEROS = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, "input_tokens_details": {"cached_tokens": 0}}
END = life("completed", status="completed")


def response(*frames: bytes) -> dict[str, object]:
    return fold(b"".join(frames)).as_fixture()["response"]


# 9.4: the response.


def test_id_and_model_are_the_last_that_came():
    said = response(
        life("created", id="a"), life("in_progress", id="b", model="n"), life("completed", id=None, model="")
    )

    assert ("b", "n", "completed") == (said["id"], said["model"], said["status"])


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *[("created", "in_progress"), ("queued", "queued"), ("in_progress", "in_progress"), ("completed", "completed")],
        *[("incomplete", "incomplete"), ("cancelled", "cancelled"), ("done", "completed")],
    ],
)
def test_a_status_that_is_missing_is_the_last_word_of_the_name(word, status):
    found = fold(life(word))

    assert (status, [f"changed response {status}"]) == (found.accumulator.response.status, found.lines)


def test_a_status_is_kept_as_sent_whatever_the_name_says():
    found = fold(life("created", status="warming up") + life("completed", status="incomplete"))

    assert ["changed response warming up", "changed response incomplete"] == found.lines
    assert ("complete", "incomplete") == (found.outcome, found.accumulator.response.status)


def test_an_event_without_a_response_is_itself_the_response():
    found = fold(event("created", id="r", model="m", output=[{"type": "message", "id": "m1"}]) + event("completed"))

    assert ("r", "m", "completed") == tuple(found.as_fixture()["response"][name] for name in ("id", "model", "status"))
    assert ["m1"] == [item["id"] for item in found.output]
    # What is the event's own is none of the response.
    assert {} == found.accumulator.response.extra


def test_members_that_nothing_names_are_the_last_that_came():
    found = fold(
        life("created", metadata={"a": "1"}, vendor={"x": 1}, temperature=0.5)
        + life("completed", metadata={}, vendor=None, temperature=None, other=2)
    )
    built = found.accumulator.response

    assert ({"a": "1"}, 0.5, {"vendor": {"x": 1}, "other": 2}) == (built.metadata, built.temperature, built.extra)


def test_why_it_is_incomplete_is_the_last_reason():
    ending = life("incomplete", incomplete_details={"reason": None})
    said = response(life("created"), life("in_progress", incomplete_details={"reason": "steered"}), ending)

    assert "steered" == said["incomplete_reason"]


@pytest.mark.parametrize(
    ("members", "beside", "expected"),
    [
        ({"error": {"code": "c", "message": "w"}}, {"error": {"message": "x"}}, ("w", "c", None)),
        ({"error": None}, {"error": {"code": 5, "message": "x", "type": "t"}}, ("x", 5, "t")),
        ({"error": "words"}, {}, ("words", None, None)),
        ({}, {"error": "beside"}, ("beside", None, None)),
    ],
)
def test_what_a_response_failed_of_is_raised_at_the_end(members, beside, expected):
    payload = {"response": {"id": "r", "status": "failed", **members}, **beside}
    found = fold(text("half") + event("failed", **payload))

    assert ("error", *expected) == (found.outcome, found.error.message, found.error.code, found.error.type)
    assert (found.accumulator, 2) == (found.error.partial, found.error.events_seen)
    assert "changed response failed" == found.lines[-1]
    assert expected[0] == found.accumulator.response.error.message


def test_a_failure_without_a_cause_has_words_of_ours():
    found = fold(life("failed"))

    assert isinstance(found.error, StreamEventError)
    assert ("the response failed, and the server named no cause", None) == (found.error.message, found.error.body)


def test_a_cause_is_read_as_it_came():
    found = fold(life("failed", error={"code": "x", "message": "no", "param": "p"}))

    assert ("p", {"code": "x", "message": "no", "param": "p"}) == (found.error.param, json.loads(found.error.body))


# 9.2: errors.


def test_an_error_ends_the_stream_and_comes_before_a_failure():
    error = b'event: error\ndata: {"type": "error", "code": "busy", "message": "later"}\n\n'
    found = fold(life("created") + text("a") + life("failed", error={"message": "first"}) + error + text("b"))

    assert ("error", "later", "busy") == (found.outcome, found.error.message, found.error.code)
    assert "a" == found.output[0]["content"][0]["text"]


def test_an_error_brings_its_usage():
    error = (
        b'data: {"error": {"message": "no"}, "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}\n\n'
    )
    found = fold(life("created", usage=ZEROS) + error)

    assert ("error", USAGE) == (found.outcome, found.as_fixture()["usage"])


# 9.5: usage.


def test_zeros_never_replace_a_usage_that_counts():
    found = fold(life("created", usage=ZEROS) + life("in_progress", usage=USAGE) + life("completed", usage=ZEROS))

    assert USAGE == found.as_fixture()["usage"]
    assert 2 == found.lines.count("changed usage")
    assert ["4.14"] == found.rules


def test_an_equal_usage_is_told_once_and_replaces_whole():
    more = {**USAGE, "input_tokens_details": {"cached_tokens": 1}}
    found = fold(life("created", usage=more) + life("in_progress", usage=more) + life("completed", usage=USAGE))
    usages = [change for change in found.changes if isinstance(change, UsageChanged)]

    assert (2, USAGE) == (len(usages), found.as_fixture()["usage"])
    assert (7, 7, "") == (usages[0].delta.total_tokens, usages[0].snapshot.total_tokens, usages[0].parent)


@pytest.mark.parametrize("usage", [{}, None, 5, "none"])
def test_a_usage_that_says_nothing_is_none(usage):
    payload = {"response": {"id": "r", "usage": usage}, "usage": USAGE if usage is None else None}

    found = fold(event("completed", **payload))

    assert (None if usage is not None else USAGE) == found.as_fixture()["usage"]


def test_a_usage_of_nested_numbers_counts():
    nested = {"input_tokens": 0, "details": [{"cached": True, "tokens": 0}, {"tokens": 2}]}
    zeros = {"input_tokens": 0, "details": [{"cached": True, "tokens": 0}]}

    assert 1 == fold(life("created", usage=nested) + life("completed", usage=zeros)).lines.count("changed usage")
    assert 2 == fold(life("created", usage=zeros) + life("completed", usage=nested)).lines.count("changed usage")
    assert 2 == fold(life("created", usage=zeros) + life("completed", usage=ZEROS)).lines.count("changed usage")


# 9.6: lists before the end.


def test_a_list_before_the_end_opens_items_and_fills_in():
    first = [
        {"type": "message", "id": "m1", "content": [{"type": "output_text", "text": "So "}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a'},
    ]
    again = [
        {"type": "message", "id": "m1", "status": "in_progress", "content": [{"type": "output_text", "text": "other"}]},
        {"type": "function_call", "call_id": "c1", "id": "f1", "name": "g", "arguments": "{}"},
        {"type": "reasoning", "id": "rs"},
    ]
    found = fold(life("created", first) + life("queued", again) + text("far", "m1") + END)

    assert [
        "created message m1",
        "created text m1[0]",
        "created tool_call c1",
        "changed response in_progress",
        "created reasoning rs",
        "changed response queued",
        "changed text m1[0] 'So '",
        "changed text m1[0] 'far'",
        "done text m1[0]",
        "done message m1",
        "changed tool_call c1 '{\"a'",
        "done tool_call c1",
        "done reasoning rs",
        "changed response completed",
    ] == found.lines
    assert ("in_progress", "f", "f1") == (found.output[0]["status"], found.output[1]["name"], found.output[1]["id"])


def test_a_list_before_the_end_means_an_open_item_of_its_type_at_its_place():
    found = fold(
        added("message", 0, id="a") + life("in_progress", [{"type": "message", "id": "b", "phase": "x"}]) + END
    )

    assert [("a", "x")] == [(item["id"], item["phase"]) for item in found.output]
    other = life("in_progress", [{"type": "reasoning", "id": "b"}, "text", None, {"type": "message", "id": "c"}])
    found = fold(added("message", 0, id="a") + other + END)
    assert ["a", "b", "c"] == [item["id"] for item in found.output]
    found = fold(done("message", 0, id="a") + life("in_progress", [{"type": "message", "id": "b"}]) + END)
    assert ["a", "b"] == [item["id"] for item in found.output]


# 9.7: the ending list.


def test_the_ending_list_counts_and_its_places_are_the_indexes():
    frames = [text("one", "a", 0), text("two", "b", 1), added("function_call", 2, id="f", call_id="c", arguments="{}")]
    ending = [
        {"type": "function_call", "id": "f", "call_id": "c", "arguments": "{}"},
        None,
        {"type": "message", "id": "b", "content": [{"type": "output_text", "text": "two!"}]},
        {"type": "reasoning", "id": "n"},
    ]
    found = fold(b"".join(frames) + life("completed", ending))

    # What the list leaves out keeps its index.
    assert ["a", "f", "b", "n"] == [item["id"] for item in found.output]
    assert [
        "changed tool_call f '{}'",
        "done tool_call f",
        "changed text b[0] '!'",
        "done text b[0]",
        "done message b",
        "created reasoning n",
        "done reasoning n",
        "done text a[0]",
        "done message a",
        "changed response completed",
    ] == found.lines[7:]


def test_an_entry_is_the_first_of_its_type_that_no_other_entry_names():
    frames = [added("message", index, id=id) for index, id in enumerate("abc")]
    ending = [{"type": "message", "id": "x"}, {"type": "message", "id": "a"}, {"type": "message", "id": "a"}]
    found = fold(b"".join(frames) + life("completed", ending))

    # The first is b, as a is another's; the last names an item that is taken, and is c.
    assert [("x", 0), ("a", 1), ("a", 2)] == [(item["id"], place) for place, item in enumerate(found.output)]
    done_lines = [line for line in found.lines if line.startswith("done")]
    assert ["done message b", "done message a", "done message c"] == done_lines


def test_an_entry_of_another_type_is_a_new_item():
    ending = [{"type": "custom_tool_call", "id": "x", "call_id": "c2", "input": "i"}]
    found = fold(added("function_call", 0, id="f", call_id="c1") + life("completed", ending))

    assert ["function_call", "custom_tool_call"] == [item["type"] for item in found.output]
    # A call that only deltas told of may turn out to be any call.
    stub = event("function_call_arguments.delta", item_id="f", output_index=0, delta="i")
    assert ["custom_tool_call"] == [item["type"] for item in fold(stub + life("completed", ending)).output]


def test_an_entry_without_type_is_the_first_item_that_is_left():
    found = fold(added("reasoning", 0, id="r") + added("message", 1, id="m") + life("completed", [{"id": "n"}]))

    assert [("reasoning", "n"), ("message", "m")] == [(item["type"], item["id"]) for item in found.output]


@pytest.mark.parametrize("output", [[], None, "list", 5])
def test_a_list_that_says_nothing_takes_nothing_away(output):
    found = fold(text("a") + life("completed", output))

    assert [["a"], "complete"] == [[part["text"] for part in found.output[0]["content"]], found.outcome]


# 9.3: after the end, and further responses.


def test_nothing_folds_after_the_end():
    late = [text("b"), added("message", 1, id="n"), life("in_progress", [{"type": "message", "id": "z"}])]
    found = fold(text("a") + END + b"".join(late) + life("created") + life("created", id=None) + life("failed"))

    assert ("complete", ["m"], "completed") == (
        found.outcome,
        [item["id"] for item in found.output],
        found.accumulator.response.status,
    )
    assert "a" == found.output[0]["content"][0]["text"]
    assert "changed response completed" == found.lines[-1]
    assert {"9.3"} == set(found.rules) - {"9.8"}


def test_a_created_with_another_id_begins_a_further_response():
    first = life("created", id="a") + text("x", "m1") + life("incomplete", id="a", incomplete_details={"reason": "r"})
    found = fold(first + life("created", id="b") + text("y", "m2") + life("completed", id="b"))

    assert ("b", None, "completed") == tuple(
        found.as_fixture()["response"][name] for name in ("id", "incomplete_reason", "status")
    )
    assert [("m1", "x"), ("m2", "y")] == [(item["id"], item["content"][0]["text"]) for item in found.output]


def test_a_further_response_has_its_own_error_and_end():
    failed = life("failed", id="a", error={"message": "no"})
    found = fold(life("created", id="a") + failed + life("created", id="b") + life("completed", id="b"))

    assert ("complete", None) == (found.outcome, found.accumulator.response.error)
    found = fold(life("created", id="a") + life("completed", id="a") + life("created", id="b"))
    assert ("truncated", "in_progress") == (found.outcome, found.accumulator.response.status)
    assert not found.accumulator.finished


def test_a_response_may_begin_before_the_one_before_it_has_ended():
    found = fold(
        life("created", id="a") + text("x", None) + life("created", id="b") + text("y", None) + life("completed")
    )

    # Neither an index nor the last opened means an item of an earlier response.
    assert ["x", "y"] == [item["content"][0]["text"] for item in found.output]
    assert ["done text #0[0]", "done message #0", "done text #1[0]", "done message #1"] == found.lines[-5:-1]


def test_an_id_names_an_item_of_any_response():
    first = life("created", id="a") + added("function_call", 0, id="f", call_id="c")
    late = event("function_call_arguments.delta", item_id="f", output_index=0, delta="{}")
    found = fold(first + life("created", id="b") + late + done("message", 0, id="m") + life("completed", id="b"))

    assert [("f", "{}"), ("m", None)] == [(item["id"], item.get("arguments")) for item in found.output]
    assert 2 == len(found.output)


def test_indexes_of_a_further_response_start_again():
    first = life("created", id="a") + added("message", 5, id="m1") + life("completed", id="a")
    second = life("created", id="b") + added("message", None, id="m2") + added("message", 0, id="m3")
    found = fold(first + second + life("completed", id="b"))

    assert ["m1", "m2", "m3"] == [item["id"] for item in found.output]


def test_the_first_id_begins_nothing():
    found = fold(text("a", None) + life("created") + text("b", None) + END)

    assert [["ab"]] == [[part["text"] for part in item["content"]] for item in found.output]
    # After an end without an id, any id begins.
    found = fold(life("completed", id=None) + life("created") + END)
    assert ["changed response completed", "changed response in_progress", "changed response completed"] == found.lines


# 9.23: the end.


def test_a_cut_stream_is_truncated_with_its_partial():
    found = fold(life("created", status="in_progress") + text("a"))

    assert isinstance(found.error, StreamTruncatedError)
    assert (found.accumulator, 2) == (found.error.partial, found.error.events_seen)
    assert "stream ended after 2 events, before the response ended (status 'in_progress')" == str(found.error)
    assert "stream ended after 0 events, before the response ended" == str(fold(b"").error)
    assert not [line for line in found.lines if line.startswith("done")]


def test_done_is_evidence_only_where_no_response_was_shown_and_items_are_done():
    whole = done("message", 0, id="m", content=[{"type": "output_text", "text": "x"}])

    assert "complete" == fold(whole + DONE).outcome
    assert "truncated" == fold(whole).outcome
    assert "truncated" == fold(DONE).outcome
    assert "truncated" == fold(whole + text("more", "n", 1) + DONE).outcome
    assert "truncated" == fold(life("created") + whole + DONE).outcome
    assert "complete" == fold(life("created") + whole + END + DONE).outcome


@pytest.mark.parametrize(
    ("told", "end", "outcome"),
    [
        ({"detail": "gone"}, b"", "error"),
        ({"detail": "gone"}, DONE, "error"),
        ({"message": "slow"}, b"", "error"),
        ({"message": "slow"}, DONE, "truncated"),
        ({"detail": "gone"}, END, "complete"),
        ({"note": "x"}, b"", "truncated"),
    ],
)
def test_words_of_a_failure_count_if_the_response_does_not_go_on(told, end, outcome):
    frame = b"data: %b\n\n" % json.dumps({"type": "response.notice", **told}).encode()
    found = fold(life("created") + frame + end)

    assert outcome == found.outcome
    assert (["3.5"] if end and outcome != "error" else []) == found.rules


REFUSED = {"base_resp": {"status_code": 1002, "status_msg": "rate limited"}}


@pytest.mark.parametrize("rest", [b"", text("b"), END, DONE, life("failed", error={"message": "other"})])
def test_a_refusal_beside_what_an_event_brings_ends_the_stream_after_it(rest):
    found = fold(life("created") + text("a", **REFUSED) + rest)

    assert ("error", "rate limited", 1002) == (found.outcome, found.error.message, found.error.code)
    assert "changed text m[0] 'a'" == found.lines[-1]
    assert (2, "a") == (found.error.events_seen, found.error.partial.response.output_text)


def test_a_refusal_counts_even_where_the_response_has_ended():
    ending = event("completed", response={"id": "r"}, **REFUSED)

    assert ["error", "error"] == [fold(text("a") + ending).outcome, fold(END + text("a", **REFUSED)).outcome]
    accepted = {"base_resp": {"status_code": 0, "status_msg": ""}}
    assert "complete" == fold(event("completed", response={"id": "r"}, **accepted)).outcome


# 9.24: numbers.


def numbered(*numbers: object) -> bytes:
    return b"".join(text(f"{number} ", sequence_number=number) for number in numbers)


def test_numbers_prove_nothing_within_one_body():
    found = fold(numbered(3, 4, 4, 9, "7", -1, True) + END)

    assert "3 4 4 9 7 -1 True " == found.output[0]["content"][0]["text"]
    assert (9, 4) == (found.accumulator.last_sequence_number, found.rules.count("9.24"))


def test_the_largest_number_is_what_a_resumption_starts_after():
    assert fold(text("a") + END).accumulator.last_sequence_number is None
    assert 0 == fold(numbered(0)).accumulator.last_sequence_number
    # An event that nobody knows is counted, too.
    assert (
        5
        == fold(numbered(4) + b'data: {"type": "keepalive", "sequence_number": 5}\n\n').accumulator.last_sequence_number
    )
    assert [] == fold(numbered(0, 1) + b'data: {"type": "keepalive", "sequence_number": 2}\n\n' + numbered(3)).rules[1:]
    # One that equals the next number, and is none.
    assert (
        0
        == fold(
            numbered(0) + b'data: {"type": "keepalive", "sequence_number": true}\n\n'
        ).accumulator.last_sequence_number
    )


def test_a_resumption_brings_nothing_twice():
    error = b'data: {"type": "error", "message": "old", "sequence_number": 2}\n\n'
    remark = b'data: {"type": "notice", "detail": "old", "sequence_number": 1}\n\n'
    found = fold(
        life("created") + numbered(1, 2, 3),
        numbered(1) + error + remark + DONE,
        numbered(2, 3) + text("un ") + numbered(4, 4) + life("completed"),
    )

    assert ("complete", "1 2 3 un 4 4 ") == (found.outcome, found.output[0]["content"][0]["text"])
    assert 8 == found.accumulator.events_seen


def test_a_resumption_of_a_stream_without_numbers_drops_nothing():
    found = fold(text("a"), numbered(0) + END)

    assert "a0 " == found.output[0]["content"][0]["text"]


def test_an_error_that_is_new_is_raised():
    error = b'data: {"type": "error", "message": "new", "sequence_number": 2}\n\n'

    assert ("error", "new") == ((found := fold(numbered(1), error)).outcome, found.error.message)
    assert ("error", "torn") == (
        (found := fold(numbered(1), b"event: error\ndata: torn\n\n")).outcome,
        found.error.message,
    )


def test_the_bytes_are_read_on_after_an_error_but_not_pushed():
    error = b'data: {"type": "error", "message": "new", "sequence_number": 2}\n\n'
    names = [one.event if one.type == "error" else one.type for one in decode_stream(error + numbered(3), "responses")]

    assert ["error", "response.output_text.delta"] == names
    assert (0, "") == (
        (found := fold(error + numbered(3))).accumulator.events_seen,
        found.accumulator.response.output_text,
    )


# What a body leaves behind, and what the text of the last delta was.


def test_what_a_body_left_behind_is_not_of_the_next():
    told = b'data: {"type": "notice", "message": "slow"}\n\n'
    # At the end of the second body no `[DONE]` was read.
    assert "error" == fold(text("a", sequence_number=1) + DONE, told).outcome
    old = b'data: {"type": "notice", "detail": "old", "sequence_number": 1}\n\n'
    assert "truncated" == fold(text("a", sequence_number=1), old).outcome


def test_a_stream_that_seemed_cut_goes_on():
    accumulator = ResponseAccumulator()
    first, second, third = decode_stream(text("a\ud83d") + text("b\ud83d") + text("\ude42"), "responses")
    accumulator.push(first)
    assert "a" == accumulator.response.output_text
    with pytest.raises(StreamTruncatedError):
        accumulator.finish()
    assert "a\ufffd" == accumulator.response.output_text
    accumulator.resume()
    assert "a" == accumulator.response.output_text
    accumulator.push(second)
    assert "a\ufffdb" == accumulator.response.output_text
    accumulator.push(third)
    assert "a\ufffdb\U0001f642" == accumulator.response.output_text


def test_items_without_a_response_are_whole_once_the_stream_has_ended():
    accumulator = ResponseAccumulator(text_format=dict[str, int])
    whole = done("message", 0, id="m", content=[{"type": "output_text", "text": '{"a": 1}'}])
    for one in decode_stream(whole + DONE, "responses"):
        accumulator.push(one)
    assert accumulator.response.output_parsed is None
    assert [] == accumulator.finish()
    assert {"a": 1} == accumulator.response.output_parsed


def test_a_refusal_shows_what_came_before_it_and_no_more():
    other = event("refusal.delta", item_id="m", content_index=1, delta="no\ud83d", **REFUSED)
    error = b'event: error\ndata: {"message": "other"}\n\n'
    for rest in (text("c", content_index=0), error, DONE, b'data: {"type": "x"}\n\n'):
        found = fold(text("a", content_index=0) + text("b", content_index=0) + other + rest)
        assert ("ab", "rate limited") == (found.accumulator.response.output_text, found.error.message)
        assert "no\ufffd" == found.output[0]["content"][1]["refusal"]


def test_after_the_end_an_id_of_another_event_begins_nothing():
    late = text("b", id="r2") + life("in_progress", id="r2") + event("output_item.added", id="r3", item={"id": "x"})
    found = fold(text("a") + END + late)

    assert ("r1", "a", 1) == (found.accumulator.response.id, found.accumulator.response.output_text, len(found.output))


def test_the_same_words_may_mean_another_text_once_something_opened():
    frames = [text("a", None, None), text("b", None, None), text("c", "n", 5), text("d", None, None)]
    assert ["ab", "cd"] == [item["content"][0]["text"] for item in fold(b"".join(frames) + END).output]
    frames = [text("a"), text("b"), text("c", content_index=1), text("d"), text("e")]
    (item,) = fold(b"".join(frames) + END).output
    assert ["ab", "cde"] == [part["text"] for part in item["content"]]


# Looking at it.


def test_every_event_is_folded_somewhere():
    tags = {
        str(kind.__struct_config__.tag)
        for kind in get_args(ResponseStreamEvent)
        if isinstance(kind, type) and issubclass(kind, TaggedEvent)
    }
    beside = {name for name in tags if name.count(".") == 1 or name.startswith("response.audio.")}

    assert tags - beside == FOLDS.keys()
    assert 12 == len(beside)


def test_changes_show_the_response_as_it_is():
    found = fold(life("created", id="r") + text("a") + END)
    change = next(change for change in found.changes if isinstance(change, ResponseChanged))

    assert ("r", "in_progress", "completed") == (change.parent, change.status, change.snapshot.status)
    assert "ResponseChanged(delta='in_progress', parent='r')" == repr(change)
    assert found.accumulator.response is found.accumulator.response
    assert "a" == found.accumulator.response.output_text
