"""Folding costs the same however long the answer has become, as long as nobody looks at the snapshots."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from response_folds import added, done, event, life, text

from asyncstream.accumulators import ResponseAccumulator
from asyncstream.events import decode_stream

pytestmark = pytest.mark.timing

Stream = Callable[[int], list[bytes]]


def call(number: int, **members: object) -> dict[str, object]:
    return {"type": "function_call", "id": f"f{number}", "call_id": f"c{number}", "name": "n", **members}


def text_deltas(size: int) -> list[bytes]:
    return [text("word ", content_index=0)] * size


def texts_with_probabilities(size: int) -> list[bytes]:
    return [text("word ", content_index=0, logprobs=[{"token": "word ", "logprob": -0.5}])] * size


def another_id_each(size: int) -> list[bytes]:
    return [text("word ", f"id{number}", 0) for number in range(size)]


def one_character_arguments(size: int) -> list[bytes]:
    return [added(**call(0), index=0), *[event("function_call_arguments.delta", item_id="f0", delta="x")] * size]


def many_items(size: int) -> list[bytes]:
    frames = [frame for number in range(size // 4) for frame in (added(**call(number)), done(**call(number)))]
    return [*frames, life("completed", [call(number) for number in range(size // 4)])]


def items_under_one_index(size: int) -> list[bytes]:
    return [frame for n in range(size // 4) for frame in (added("message", 0, id=f"m{n}"), text("x", f"m{n}", 0))]


def items_without_names(size: int) -> list[bytes]:
    frames = [added("function_call"), event("function_call_arguments.delta", delta="{}")] * (size // 4)
    return [
        *frames,
        *[done("function_call")] * (size // 4),
        life("completed", [{"type": "function_call"}] * (size // 4)),
    ]


def many_parts(size: int) -> list[bytes]:
    return [text("x", content_index=number) for number in range(size // 2)] + [
        event("output_text.done", item_id="m", content_index=number, text="x") for number in range(size // 2)
    ]


def many_annotations(size: int) -> list[bytes]:
    mark = {"type": "file_path", "file_id": "f"}
    return [event("output_text.annotation.added", item_id="m", annotation=mark)] * size


def many_responses(size: int) -> list[bytes]:
    return [
        frame
        for n in range(size // 3)
        for frame in (life("created", id=f"r{n}"), text("x", f"m{n}"), life("completed", id=f"r{n}"))
    ]


def many_endings_of_a_text(size: int) -> list[bytes]:
    return [frame for _ in range(size // 2) for frame in (text("x"), event("output_text.done", item_id="m", text=""))]


def cost(frames: list[bytes]) -> float:
    """Seconds an event, the best of three."""
    events: list[Any] = list(decode_stream(frames, "responses"))
    best = float("inf")
    for _ in range(3):
        accumulator = ResponseAccumulator()
        began = time.perf_counter()
        for one in events:
            accumulator.push(one)
        best = min(best, time.perf_counter() - began)
    return best / len(events)


@pytest.mark.parametrize(
    "stream",
    [
        text_deltas,
        texts_with_probabilities,
        another_id_each,
        one_character_arguments,
        many_items,
        items_under_one_index,
        items_without_names,
        many_parts,
        many_annotations,
        many_responses,
        many_endings_of_a_text,
    ],
)
def test_an_event_costs_the_same_in_a_long_answer(stream: Stream) -> None:
    cost(stream(500))
    short, long = cost(stream(1000)), cost(stream(16_000))

    # A cost that grew with the answer would be sixteen times as high.
    assert long < 4 * short


def test_a_large_picture_is_folded_twice():
    picture = "QUJD" * 5_000_000
    item = {"type": "image_generation_call", "id": "i", "result": picture}
    accumulator = ResponseAccumulator()
    for one in decode_stream([done(**item), life("completed", [item])], "responses"):
        accumulator.push(one)

    assert picture == accumulator.response.output[0].result
