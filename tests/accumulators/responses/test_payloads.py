"""Reading payloads: what is absent, what is a name, what is kept of what was sent."""

import pytest

from asyncstream.accumulators.responses.payloads import (
    absent,
    dict_of,
    fill,
    list_of,
    merge,
    name_of,
    read_event,
    text_of,
)
from asyncstream.events import ResponseOutputItemDoneEvent, ResponseTextDeltaEvent, decode_stream
from asyncstream.types import ResponseOutputMessage


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_what_says_nothing_is_absent(value):
    assert absent(value)


@pytest.mark.parametrize("value", [0, False, 0.0, "x", [None], {"a": None}])
def test_what_says_something_is_not(value):
    assert not absent(value)


def test_words_texts_objects_and_lists_are_read():
    assert ["a", "", "5", "", "", ""] == [name_of(value) for value in ("a", "", 5, True, None, ["a"])]
    assert ["a", "", ""] == [text_of(value) for value in ("a", 5, None)]
    assert [{"a": 1}, {}, {}] == [dict_of(value) for value in ({"a": 1}, [1], None)]
    assert [[1], [{"a": 1}], [], [], []] == [list_of(value) for value in ([1], {"a": 1}, {}, "x", None)]


def test_merging_and_filling():
    held = {"a": 1, "none": None, "empty": [], "kept": "x", "left": 1}
    merge(held, {"a": 2, "none": [], "empty": None, "kept": "", "new": None, "left": 2}, leave=frozenset({"left"}))
    assert {"a": 2, "none": [], "empty": [], "kept": "x", "new": None, "left": 1} == held
    fill(held, {"a": 3, "none": [1], "empty": None, "kept": "y", "new": 0, "more": None, "left": 3})
    assert {"a": 2, "none": [1], "empty": [], "kept": "x", "new": 0, "more": None, "left": 1} == held
    fill(held, {"other": 1, "out": 2}, leave=frozenset({"out"}))
    assert (1, None) == (held.get("other"), held.get("out"))


def event_of(raw: bytes) -> ResponseTextDeltaEvent:
    return ResponseTextDeltaEvent(delta="typed", item_id="i", raw=raw)


def test_a_payload_is_what_the_wire_sent():
    assert ({"delta": 5, "other": {"a": [1.5, 10**30]}}, False) == read_event(
        event_of(b'{"delta": 5, "other": {"a": [1.5, %d]}}' % 10**30)
    )
    assert ({"delta": None, "x": "\ufffd"}, False) == read_event(event_of(b'{"delta": NaN, "x": "\xff"}'))
    # Halves stay where text grows.
    halves = b'{"delta": "\\ud83d", "id": "\\uD83D", "x": ["\\ude42", {"text": "\\ude42"}]}'
    assert ({"delta": "\ud83d", "id": "\ufffd", "x": ["\ufffd", {"text": "\ude42"}]}, True) == read_event(
        event_of(halves)
    )


@pytest.mark.parametrize("raw", [b"", b"torn", b"[1]", b"[" * 300, b'{"a": ' + b"9" * 5000 + b"}"])
def test_an_event_that_no_wire_brought_is_its_members(raw):
    members, halves = read_event(event_of(raw))

    assert ("typed", "i", False) == (members["delta"], members["item_id"], halves)
    assert not [name for name in members if "raw" in name or "repairs" in name]


def test_events_made_by_hand_are_folded():
    from asyncstream.accumulators import ResponseAccumulator

    accumulator = ResponseAccumulator()
    item = ResponseOutputMessage(id="m", status="completed")
    changes = accumulator.push(ResponseTextDeltaEvent(delta="Hi", item_id="m", output_index=0))
    changes += accumulator.push(ResponseOutputItemDoneEvent(item=item, output_index=0))

    assert ("Hi", 5) == (accumulator.response.output_text, len(changes))
    (done,) = decode_stream(b"data: [DONE]\n\n", "responses")
    accumulator.push(done)
    assert accumulator.finished
