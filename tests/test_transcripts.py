"""Raw streams of our own, folded whole, cut everywhere, cut short everywhere, and pickled on the way.

`transcripts/assistants.json` holds what each must give, read over by a person, in the form of the shared fixtures. A
transcript that ends in `_2` is the answer to the tool outputs that the one before it waits for: it goes on from there.
"""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from assistant_folds import Outcome, fold, splits

from asyncstream.accumulators import AssistantAccumulator
from asyncstream.errors import StreamTruncatedError
from asyncstream.events import decode_stream
from asyncstream.sse import FrameSplitter

TRANSCRIPTS = Path(__file__).parent / "transcripts"
EXPECTED: dict[str, dict[str, Any]] = json.loads(TRANSCRIPTS.joinpath("assistants.json").read_text())
NAMES = sorted(path.stem for path in TRANSCRIPTS.glob("assistants_*.sse"))

each_transcript = pytest.mark.parametrize("name", NAMES)


def body_of(name: str) -> bytes:
    return TRANSCRIPTS.joinpath(f"{name}.sse").read_bytes()


def accumulator_for(name: str) -> AssistantAccumulator:
    accumulator = AssistantAccumulator()
    if name.endswith("_2"):
        assert fold(body_of(name.replace("_2", "_1")), into=accumulator).outcome == "complete"
        accumulator.resume()
    return accumulator


def told(name: str, *chunks: bytes) -> Outcome:
    return fold(*chunks, into=accumulator_for(name))


def state(accumulator: AssistantAccumulator) -> object:
    """Give all that an accumulator shows."""
    return msgspec.to_builtins(
        [accumulator.run, accumulator.thread, accumulator.messages, accumulator.run_steps, accumulator.repairs]
    )


def record(found: Outcome) -> dict[str, Any]:
    return found.as_fixture() | {"repairs": found.repaired}


def boundaries(body: bytes) -> Iterator[int]:
    """Give the offsets at which a frame is complete, the beginning included."""
    splitter = FrameSplitter()
    yield 0
    for at in range(len(body)):
        if splitter.feed(body[at : at + 1]):
            yield at + 1


def frames_of(chunks: list[bytes]) -> list[bytes]:
    splitter = FrameSplitter()
    return [*(frame for chunk in chunks for frame in splitter.feed(chunk)), splitter.end()]


def test_every_transcript_has_its_expectation():
    assert list(EXPECTED) == NAMES
    assert len(NAMES) >= 10


@each_transcript
def test_transcript_gives_what_is_expected(name):
    assert record(told(name, body_of(name))) == EXPECTED[name]


@each_transcript
def test_chunks_never_show(name):
    body = body_of(name)
    for size in (1, 2, 3, 7, 64, 1000):
        chunks = [body[at : at + size] for at in range(0, len(body), size)]

        assert record(told(name, *chunks)) == EXPECTED[name], size


@each_transcript
def test_cut_in_two_anywhere_gives_the_same_frames(name):
    body = body_of(name)
    whole = frames_of([body])

    assert [chunks for chunks in splits(body) if frames_of(chunks) != whole] == []


@each_transcript
@pytest.mark.parametrize("step", [61, pytest.param(1, marks=pytest.mark.slow)])
def test_cut_in_two_gives_the_same_events_changes_and_snapshots(name, step):
    body = body_of(name)
    whole = told(name, body)
    events = list(decode_stream(body, "assistants"))
    for chunks in splits(body, step):
        found = told(name, *chunks)

        assert record(found) == EXPECTED[name], len(chunks[0])
        assert state(found.accumulator) == state(whole.accumulator)
        assert list(map(repr, found.changes)) == list(map(repr, whole.changes))
        assert list(decode_stream(chunks, "assistants")) == events


@each_transcript
def test_cut_short_after_any_event_is_truncated_unless_evidence_was_seen(name):
    body = body_of(name)
    so_far = accumulator_for(name)
    seen = 0
    for at in boundaries(body):
        found = told(name, body[:at])
        events = list(decode_stream(body[:at], "assistants"))
        for event in events[seen:]:
            if event.event != "error":
                so_far.push(event)
        seen = len(events)

        if found.outcome == "error":
            assert EXPECTED[name]["outcome"] == "error"
        else:
            assert found.outcome == ("complete" if so_far.finished else "truncated")
        if found.outcome == "truncated":
            assert isinstance(found.error, StreamTruncatedError)
            assert found.error.partial is found.accumulator
            assert found.error.events_seen == so_far.events_seen
            assert f"after {so_far.events_seen} events" in found.error.message
        assert found.accumulator.finished == so_far.finished
        if not so_far.finished:
            assert state(found.accumulator) == state(so_far)


@each_transcript
@pytest.mark.parametrize("step", [37, pytest.param(1, marks=pytest.mark.slow)])
def test_cut_short_anywhere_gives_whole_events_only(name, step):
    body = body_of(name)
    whole = events_of_bytes(body)
    finished = list(accumulate_finished(name))
    for at in range(0, len(body), step):
        found = told(name, body[:at])
        events = events_of_bytes(body[:at])

        assert events == whole[: len(events)], at
        if found.outcome != "error":
            assert found.outcome == ("complete" if finished[len(events)] else "truncated"), at


def events_of_bytes(body: bytes) -> list[tuple[str, bytes]]:
    # A `done` ends the stream whatever its data is, so half of it will do; a line `data` without a value adds a LF.
    events = decode_stream(body, "assistants")
    return [(event.event, b"" if event.event == "done" else event.raw.strip()) for event in events]


def accumulate_finished(name: str) -> Iterator[bool]:
    """Tell of each number of events whether terminal evidence is among them."""
    accumulator = accumulator_for(name)
    yield accumulator.finished
    for event in decode_stream(body_of(name), "assistants"):
        if event.event != "error":
            accumulator.push(event)
        yield accumulator.finished


@each_transcript
def test_accumulator_pickled_after_any_event_goes_on_as_if_nothing_was(name):
    accumulator, plain = accumulator_for(name), accumulator_for(name)
    for event in decode_stream(body_of(name), "assistants"):
        if event.event == "error":
            break
        accumulator = pickle.loads(pickle.dumps(accumulator))
        assert state(accumulator) == state(plain)

        assert list(map(repr, accumulator.push(event))) == list(map(repr, plain.push(event)))
        assert (accumulator.finished, accumulator.events_seen) == (plain.finished, plain.events_seen)
    accumulator = pickle.loads(pickle.dumps(accumulator))

    assert accumulator.repairs == plain.repairs
    if plain.finished:
        assert list(map(repr, accumulator.finish())) == list(map(repr, plain.finish()))
    assert state(accumulator) == state(plain)


@each_transcript
def test_snapshots_that_are_held_never_change(name):
    accumulator = accumulator_for(name)
    held: list[tuple[object, str]] = []
    for event in decode_stream(body_of(name), "assistants"):
        if event.event == "error":
            break
        accumulator.push(event)
        shown = [accumulator.run, *accumulator.messages, *accumulator.run_steps]
        held += [(struct, repr(struct)) for struct in shown]

    assert [before for struct, before in held if repr(struct) != before] == []


@each_transcript
def test_snapshots_can_be_encoded_after_any_event(name):
    accumulator = accumulator_for(name)
    for event in decode_stream(body_of(name), "assistants"):
        if event.event == "error":
            break
        accumulator.push(event)
        encoded = msgspec.json.encode(state(accumulator))

        assert json.loads(encoded) is not None
