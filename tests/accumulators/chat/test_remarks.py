"""A failure that is told by something that is no chunk: it counts if the answer does not go on (rules 3.5 and 1.5)."""

import json
import pickle

import pytest
from chat_folds import DONE, chunk, delta, fold

from asyncstream.accumulators import ChatAccumulator
from asyncstream.errors import StreamEventError
from asyncstream.events import ErrorEvent, RemarkEvent, decode_stream
from asyncstream.types import ChatCompletionChunk

HALF = delta(role="assistant", content="Half")


def said(**members):
    return b"data: " + json.dumps(members).encode() + b"\n\n"


@pytest.mark.parametrize("end", [b"", DONE])
@pytest.mark.parametrize("begin", [b"", HALF])
def test_answer_that_does_not_go_on_after_a_failure_is_that_failure(begin, end):
    found = fold(begin + said(code=500, message="failed to encode", type="server_error", param="n") + end)

    assert found.outcome == "error"
    assert (found.error.message, found.error.code) == ("failed to encode", 500)
    assert (found.error.type, found.error.param) == ("server_error", "n")
    assert json.loads(found.error.body)["code"] == 500
    assert found.error.partial is found.accumulator
    assert [choice.message.content for choice in found.completion.choices] == ["Half"] * bool(begin)


def test_mere_words_count_at_the_end_of_the_bytes_and_not_at_done():
    cut = fold(HALF + said(message="warming up"))
    done = fold(HALF + said(message="warming up") + DONE)

    assert (cut.outcome, cut.error.message) == ("error", "warming up")
    assert (done.outcome, done.rules) == ("complete", ["3.5"])


def test_one_choice_of_two_that_has_not_ended_is_enough():
    two = delta("stop", content="a") + delta(index=1, content="b")

    assert fold(two + said(detail="gone") + DONE).outcome == "error"
    assert fold(two + said(detail="gone") + delta("stop", index=1) + DONE).outcome == "complete"


def test_last_words_count():
    found = fold(HALF + said(detail="first") + said(msg="second", code="x"))

    assert (found.error.message, found.error.code) == ("second", "x")


def test_object_that_says_nothing_of_a_failure_says_nothing():
    found = fold(HALF + said(ping=1) + said(code=500) + said(errors=[]))

    assert found.outcome == "truncated"


def test_named_event_is_kept_in_mind_too():
    assert fold(HALF + b"event: fault\n" + said(detail="gone")).error.message == "gone"


def test_words_beside_a_usage_are_no_failure():
    found = fold(delta(content="a") + said(usage={"total_tokens": 3}, message="m", code=1) + DONE)

    assert (found.outcome, found.completion.usage.total_tokens) == ("complete", 3)


def test_refusal_beside_an_answer_ends_it_at_once():
    refused = {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}
    found = fold(
        chunk({"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}, **refused) + delta(content="b")
    )

    assert (found.error.message, found.error.code) == ("insufficient balance", 1008)
    assert found.completion.choices[0].message.content == "a"


def test_reason_error_names_its_own_cause_first():
    found = fold(delta("error", content="a") + said(detail="gone") + DONE)

    assert "finish reason 'error'" in found.error.message


def test_bare_lines_of_json_with_an_error_are_an_error():
    found = fold(HALF + b'{"error": {"code": 429,\n "message": "slow down"}}\n\n' + delta(content="more") + DONE)

    assert (found.error.message, found.error.code) == ("slow down", 429)
    assert found.completion.choices[0].message.content == "Half"


@pytest.mark.parametrize(
    "lines",
    [
        b'{"error": null}',
        b'{"message": "m"}',
        b'event: x\n{"error": "m"}',
        b'{"error": "m"}\nid: 1',
        b': c\n{"error": "m"}',
        b'{"error":\n: "m"}',
        b'{"error": "m"',
        b'["error"]',
    ],
)
def test_other_bare_lines_are_nothing(lines):
    assert fold(HALF + lines + b"\n\n" + DONE).outcome == "complete"


def test_cut_bare_line_is_dropped():
    assert fold(HALF + b'{"error": {"message": "slow').outcome == "truncated"


def test_remark_is_an_event_of_its_own_and_no_chunk():
    events = list(decode_stream(HALF + said(detail="gone") + DONE, "chat"))

    assert [type(event) for event in events[:2]] == [ChatCompletionChunk, RemarkEvent]
    assert (events[1].data.message, events[1].certain) == ("gone", True)


def test_remark_survives_a_checkpoint():
    accumulator = ChatAccumulator()
    for event in decode_stream(HALF + said(detail="gone"), "chat"):
        accumulator.push(event)
    restored = pickle.loads(pickle.dumps(accumulator))

    assert restored.events_seen == 1
    with pytest.raises(StreamEventError, match="gone"):
        restored.finish()


def test_long_text_that_is_an_error_is_told_in_part():
    (event,) = decode_stream(b"data: " + b"x" * 10_000 + b"\n\n", "chat")

    assert isinstance(event, ErrorEvent)
    assert event.data.message == "x" * 499 + "…"
    assert event.raw == b"x" * 10_000
