"""JSON that is still being written, read into a type as far as it goes."""

import pickle
from enum import Enum
from typing import Any

import msgspec
import pydantic
import pytest

from asyncstream.accumulators import ChatAccumulator, ContentChanged
from asyncstream.errors import ConfigurationError
from asyncstream.events import decode_stream
from asyncstream.nesting import MAX_DEPTH
from asyncstream.partial import parse_partial_as


class Sky(Enum):
    CLEAR = "clear"
    CLOUDY = "cloudy"


class Place(msgspec.Struct):
    name: str
    sky: Sky | None = None


class Trip(msgspec.Struct):
    title: str = ""
    places: list[Place] = []


class Model(pydantic.BaseModel):
    title: str = ""
    days: int = 0


def grown(text: str, target: type[Any]) -> list[Any]:
    """Give the distinct values of a text that is written character by character."""
    values: list[Any] = []
    for end in range(len(text) + 1):
        value = parse_partial_as(text[:end], target)
        if not values or values[-1] != value:
            values.append(value)
    return values


def test_it_grows_to_the_whole():
    text = '{"title": "N", "places": [{"name": "Oslo", "sky": "cloudy"}, {"sky": "clear", "name": "Bo"}]}'
    oslo = Place("Oslo", Sky.CLOUDY)

    assert [
        None,
        Trip(),
        Trip("N"),
        *(Trip("N", [Place("Oslo"[:end])]) for end in range(5)),
        Trip("N", [oslo]),
        *(Trip("N", [oslo, Place("Bo"[:end], Sky.CLEAR)]) for end in range(3)),
    ] == grown(text, Trip)


def test_what_may_not_be_left_out_is_waited_for():
    assert [None, Place(""), Place("O")] == grown('{"sky": null, "name": "O"}', Place)


def test_a_member_that_does_not_fit_is_never_passed_over():
    assert parse_partial_as('{"name": 1, "sky": "cl', Place) is None


def test_models_of_pydantic_grow_too():
    assert [None, Model(), Model(title="A"), Model(title="A", days=1), Model(title="A", days=12)] == grown(
        '{"title": "A", "days": 12}', Model
    )


@pytest.mark.parametrize("text", ["", "  ", "Sorry", "}", "[" * (MAX_DEPTH + 1)])
def test_what_is_no_beginning_of_json_is_none(text):
    assert parse_partial_as(text, Trip) is None


def test_deep_text_is_read():
    assert parse_partial_as("[" * MAX_DEPTH, list[Any]) is not None


def test_a_type_that_cannot_be_read_is_refused():
    with pytest.raises(ConfigurationError, match="cannot parse"):
        parse_partial_as("1", type(lambda: None))


def changes(*pieces: str, response_format: type[Any] | None) -> list[ContentChanged[Any]]:
    accumulator = ChatAccumulator(response_format=response_format)
    deltas = [msgspec.json.encode({"choices": [{"index": 0, "delta": {"content": piece}}]}) for piece in pieces]
    found: list[ContentChanged[Any]] = []
    for event in decode_stream(b"".join(b"data: " + delta + b"\n\n" for delta in deltas), "chat"):
        for change in accumulator.push(event):
            if isinstance(change, ContentChanged):
                found.append(change)
                # As it is now: a change that is looked at later has grown.
                found[-1] = pickle.loads(pickle.dumps(change))
    return found


def test_a_change_of_the_content_has_the_answer_so_far():
    seen = changes('{"title"', ': "No', 'rth", "pla', 'ces": [{"name": "O', response_format=Trip)

    assert [Trip(), Trip("No"), Trip("North"), Trip("North", [Place("O")])] == [change.partial for change in seen]


def test_without_a_type_there_is_none():
    assert [None] == [change.partial for change in changes('{"title": 1}', response_format=None)]


def test_a_change_needs_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jiter", None)
    (change,) = changes("{", response_format=Trip)

    with pytest.raises(ConfigurationError, match=r"asyncstream\[partial\]"):
        print(change.partial)
