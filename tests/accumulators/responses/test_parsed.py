"""The type that was asked for: what of an answer is `parsed`, and what of it can be shown meanwhile."""

import msgspec
import pytest
from response_folds import DONE, added, done, event, fold, life, text

from asyncstream.accumulators import ContentChanged


class City(msgspec.Struct):
    name: str
    people: int = 0


WHOLE = '{"name": "Oslo"}'
HALF = '{"name": "Os'


def parsed(*frames: bytes) -> City | None:
    return fold(b"".join(frames), text_format=City).accumulator.response.output_parsed


def test_a_whole_answer_is_parsed_when_the_response_has_ended():
    frames = [text(WHOLE, content_index=0)]

    assert parsed(*frames) is None
    assert City("Oslo") == parsed(*frames, life("completed"))
    assert City("Oslo") == parsed(*frames, life("done"))
    found = fold(b"".join(frames) + life("completed"), text_format=City)
    (part,) = found.accumulator.output[0].content
    assert City("Oslo") == part.parsed
    assert City("Oslo") == found.changes[-2].snapshot.content[0].parsed


@pytest.mark.parametrize("word", ["incomplete", "failed", "cancelled"])
def test_a_cut_answer_is_never_parsed(word):
    assert parsed(text(WHOLE), life(word)) is None
    assert parsed(text(WHOLE), life("completed", status=word)) is None


def test_what_says_that_it_is_cut_is_not_parsed():
    assert parsed(text(WHOLE), life("completed", incomplete_details={"reason": "max_output_tokens"})) is None
    assert parsed(text(WHOLE), done("message", 0, id="m", status="incomplete"), life("completed")) is None
    assert City("Oslo") == parsed(text(WHOLE), done("message", 0, id="m", status="completed"), life("completed"))


def test_what_does_not_fit_is_not_parsed():
    assert parsed(text(HALF), life("completed")) is None
    refused = event("refusal.delta", item_id="m", output_index=0, content_index=1, delta=WHOLE)
    assert parsed(refused, life("completed")) is None
    assert City("Oslo") == parsed(text(HALF, "a", 0), text(WHOLE, "b", 1), life("completed"))


def test_items_without_a_response_are_parsed_when_the_stream_has_ended():
    whole = done("message", 0, id="m", content=[{"type": "output_text", "text": WHOLE}])

    assert City("Oslo") == parsed(whole, DONE)
    assert parsed(whole) is None


def test_without_a_type_nothing_is_parsed():
    found = fold(text(WHOLE) + life("completed"))
    assert found.accumulator.response.output_parsed is None
    (changed,) = [change for change in found.changes if isinstance(change, ContentChanged)]
    assert changed.partial is None


def test_a_change_shows_the_type_so_far():
    pytest.importorskip("jiter")
    found = fold(text(HALF), text_format=City)
    (changed,) = [change for change in found.changes if isinstance(change, ContentChanged)]

    assert City("Os") == changed.partial
    assert "ContentChanged(delta='{\"name\": \"Os', index=0, item='m')" == repr(changed)


def test_an_answer_of_several_responses_is_parsed_by_its_own():
    first = life("created", id="a") + text(WHOLE, "m1") + life("incomplete", id="a")
    second = life("created", id="b") + text('{"name": "Bergen"}', "m2") + life("completed", id="b")

    assert City("Bergen") == parsed(first, second)
    assert parsed(first.replace(b"incomplete", b"completed"), life("created", id="b") + added("message", 0)) == City(
        "Oslo"
    )
