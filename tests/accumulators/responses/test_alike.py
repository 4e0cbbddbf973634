"""`fold_alike` and `fold_numbered`: the last event once more with another text, and the short way of its delta."""

import pickle
from typing import Any

import pytest
from response_folds import added, event, life, text

from asyncstream.accumulators import ResponseAccumulator, fragments
from asyncstream.accumulators.responses import accumulator as responses
from asyncstream.events import decode_stream

NAMED = {"item_id": "i", "output_index": 0}
TEXTS = {
    "text": ("message", "output_text.delta", {"content_index": 0}),
    "refusal": ("message", "refusal.delta", {"content_index": 0}),
    "thought": ("reasoning", "reasoning_text.delta", {"content_index": 0}),
    "summary": ("reasoning", "reasoning_summary_text.delta", {"summary_index": 0}),
    "arguments": ("function_call", "function_call_arguments.delta", {}),
    "code": ("code_interpreter_call", "code_interpreter_call_code.delta", {}),
}
each = pytest.mark.parametrize("kind", TEXTS)


def piece(kind: str, delta: str, number: int | None = None, **members: Any) -> bytes:
    _, name, place = TEXTS[kind]
    count = {} if number is None else {"sequence_number": number}
    return event(name, **count, **NAMED, **place, delta=delta, **members)


def folded(kind: str, *frames: bytes) -> ResponseAccumulator[Any]:
    accumulator = ResponseAccumulator[Any]()
    feed(accumulator, life("created"), added(TEXTS[kind][0], 0, id="i"), *frames)
    return accumulator


def feed(accumulator: ResponseAccumulator[Any], *frames: bytes) -> list[Any]:
    changes: list[Any] = []
    for one in decode_stream(b"".join(frames), "responses"):
        accumulator.fold(one, changes)
    return changes


def state(accumulator: ResponseAccumulator[Any]) -> str:
    return repr((accumulator.events_seen, accumulator.last_sequence_number, accumulator.repairs, accumulator.response))


@each
def test_text_alone_does_what_its_event_would(kind):
    alike, whole = (folded(kind, piece(kind, "a"), piece(kind, "b")) for _ in range(2))
    alike.expect_alike()
    for more in ("c", "d"):
        assert alike.fold_alike(more) is True
        feed(whole, piece(kind, more))

        assert state(whole) == state(alike)


@each
def test_text_with_its_number_does_what_its_event_would(kind):
    alike, whole = (folded(kind, piece(kind, "a", 1), piece(kind, "b", 2)) for _ in range(2))
    alike.expect_alike()
    for number, more in ((3, "c"), (4, "d")):
        assert alike.fold_numbered(more, number) is True
        feed(whole, piece(kind, more, number))

        assert state(whole) == state(alike)
    before = state(alike)

    assert (False, False) == (alike.fold_numbered("x", 4), alike.fold_numbered("", 5))
    assert before == state(alike)


@each
def test_a_checkpoint_expects_the_same_and_has_a_text_of_its_own(kind):
    alike, whole = (folded(kind, piece(kind, "a", 1), piece(kind, "b", 2)) for _ in range(2))
    alike.expect_alike()
    alike.fold_numbered("c", 3)
    copied = pickle.loads(pickle.dumps(alike))

    assert copied.fold_numbered("d", 4) is True
    assert alike.fold_alike("e") is True
    feed(whole, piece(kind, "c", 3), piece(kind, "d", 4))
    assert state(whole) == state(copied) != state(alike)


@each
def test_a_piece_too_many_is_left_to_its_event_which_joins_them(kind, monkeypatch):
    for module in (fragments, responses):
        monkeypatch.setattr(module, "MOST_PIECES", 4)
    alike, whole = (folded(kind, piece(kind, "a", 1), piece(kind, "b", 2)) for _ in range(2))
    alike.expect_alike()
    taken = []
    for number, more in enumerate("cdefghij", 3):
        feed(whole, piece(kind, more, number))
        taken.append(alike.fold_numbered(more, number))
        if not taken[-1]:
            assert alike.fold_alike(more) is False
            feed(alike, piece(kind, more, number))
            alike.expect_alike()

    assert [True, True, False, True, True, True, True, False] == taken
    assert state(whole) == state(alike)


@pytest.mark.parametrize(
    "last",
    [(), (piece("text", "a"),), (piece("text", "a"), piece("text", "b"), life("in_progress"))],
    ids=["nothing", "one that the short way did not take", "another event"],
)
def test_nothing_is_taken_that_was_not_expected(last):
    accumulator = folded("text", *last)
    accumulator.expect_alike()
    before = state(accumulator)

    assert (False, False) == (accumulator.fold_alike("x"), accumulator.fold_numbered("x", 1))
    assert before == state(accumulator)


def test_what_was_expected_is_so_until_another_event_is_folded():
    accumulator = folded("text", piece("text", "a"), piece("text", "b"))

    assert accumulator.fold_alike("x") is False
    accumulator.expect_alike()
    assert (False, True) == (accumulator.fold_alike(""), accumulator.fold_alike("c"))
    feed(accumulator, piece("text", "d"))
    assert accumulator.fold_alike("x") is False
    assert "abcd" == accumulator.response.output_text


def test_an_event_that_goes_the_long_way_is_not_expected_again():
    accumulator = folded("text", piece("text", "a"), piece("text", "b"), piece("text", "c", logprobs=[{"token": "c"}]))
    accumulator.expect_alike()

    assert accumulator.fold_alike("x") is False


def test_a_delta_says_what_it_added_by_either_way_and_only_once():
    accumulator = folded("text")

    for one in ("a", "b", "", "c"):
        changes = feed(accumulator, piece("text", one))
        assert [one] * bool(one) == [change.delta for change in changes if hasattr(change, "delta")]
    assert "abc" == accumulator.response.output_text


def test_deltas_go_to_their_own_texts_though_an_item_comes_between():
    accumulator = folded("text", *[piece("text", "a")] * 3)
    feed(
        accumulator, added("message", 1, id="j"), text("b", "j", 1, content_index=0), text("b", "j", 1, content_index=0)
    )
    feed(accumulator, piece("text", "c"), text("d", "j", 1, content_index=0))

    assert ["aaac", "bbd"] == [item.content[0].text for item in accumulator.response.output]


def test_a_delta_that_a_resumption_brings_again_adds_nothing():
    accumulator = folded("text", piece("text", "a", 1), piece("text", "b", 2))
    accumulator.resume()

    assert [] == feed(accumulator, piece("text", "b", 2))
    assert 1 == len(feed(accumulator, piece("text", "c", 3)))
    assert [] == feed(accumulator, piece("text", "b", 2))
    assert ("abc", 3) == (accumulator.response.output_text, accumulator.last_sequence_number)
