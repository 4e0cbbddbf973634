"""Folding costs the same however long the answer has become, as long as nobody looks at the snapshots."""

import time
from collections.abc import Callable

import pytest
from assistant_folds import code, events_of, function, message_delta, step_delta, text
from assistants_wire import run

from asyncstream.accumulators import AssistantAccumulator
from asyncstream.events import AssistantStreamEvent

pytestmark = pytest.mark.timing

Stream = Callable[[int], list[AssistantStreamEvent]]


def text_deltas(size: int) -> list[AssistantStreamEvent]:
    return events_of(message_delta("m", text("word "))) * size


def cited_text(size: int) -> list[AssistantStreamEvent]:
    """A citation in every 10th delta, each under an index of its own."""
    (plain,) = events_of(message_delta("m", text("word ")))
    cited = [
        message_delta(
            "m",
            text(f"[{n}]", annotations=[{"index": n, "type": "file_citation", "file_citation": {"file_id": "f"}}]),
        )
        for n in range(size // 10)
    ]
    return [event for one in events_of(*cited) for event in [plain] * 9 + [one]]


def text_cited_without_indexes(size: int) -> list[AssistantStreamEvent]:
    (cited,) = events_of(message_delta("m", text("word ", annotations=[{"type": "url_citation", "text": "t"}])))
    return [cited] * size


def one_character_arguments(size: int) -> list[AssistantStreamEvent]:
    first, more, last = events_of(
        step_delta("s", function('{"a":"', name="f", id="c")),
        step_delta("s", function("x")),
        step_delta("s", function('"}')),
    )
    return [first, *[more] * size, last]


def arguments_that_repeat_their_name(size: int) -> list[AssistantStreamEvent]:
    first, more = events_of(
        step_delta("s", function('{"a":"', name="f", id="c")), step_delta("s", function("x", name="f", id="c"))
    )
    return [first, *[more] * size]


def arguments_that_look_whole(size: int) -> list[AssistantStreamEvent]:
    first, more = events_of(step_delta("s", function("[", name="f", id="c")), step_delta("s", function("{}")))
    return [first, *[more] * size]


def code_and_logs(size: int) -> list[AssistantStreamEvent]:
    return events_of(step_delta("s", code("x = 1\n", {"index": 0, "type": "logs", "logs": "1\n"}))) * size


def logs_without_indexes(size: int) -> list[AssistantStreamEvent]:
    return events_of(step_delta("s", code("x", {"type": "logs", "logs": "1\n"}))) * size


def calls_of_no_fixed_shape(size: int) -> list[AssistantStreamEvent]:
    return (
        events_of(step_delta("s", {"index": 0, "id": "c", "type": "openapi", "openapi": {"input": "x", "n": 1}})) * size
    )


def cost(events: list[AssistantStreamEvent]) -> float:
    """Seconds an event, the best of three."""
    best = float("inf")
    for _ in range(3):
        accumulator = AssistantAccumulator()
        push = accumulator.push
        start = time.process_time()
        for event in events:
            push(event)
        best = min(best, time.process_time() - start)
    return best / len(events)


@pytest.mark.parametrize("stream", [text_deltas, cited_text, one_character_arguments])
def test_cost_of_an_event_does_not_grow(stream: Stream):
    small, large = stream(2_000), stream(50_000)
    cost(small)

    assert cost(large) < 2 * cost(small)


@pytest.mark.parametrize(
    "stream",
    [
        text_cited_without_indexes,
        arguments_that_repeat_their_name,
        arguments_that_look_whole,
        code_and_logs,
        logs_without_indexes,
        calls_of_no_fixed_shape,
    ],
)
def test_cost_of_an_odd_event_does_not_grow(stream: Stream):
    small, large = stream(500), stream(5_000)
    cost(small)

    assert cost(large) < 2 * cost(small)


def test_whole_text_is_copied_once_a_look():
    accumulator = AssistantAccumulator()
    for event in text_deltas(50_000):
        accumulator.push(event)
    first = accumulator.messages[0]

    assert accumulator.messages[0] is first
    for event in events_of(run("completed")):
        accumulator.push(event)
    assert accumulator.messages[0].content == first.content
