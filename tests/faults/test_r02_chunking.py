"""R2: "every 2-way split and k-byte chunking of 20 transcripts, and property tests; at least 100,000 splits: the same
events, snapshots, callbacks."

Each transcript is read by the stream that users hold, fed from memory, with a handler where the protocol has one; as it
is and with its line ends made CR and CRLF. The full size is marked `slow`:
``pytest -m slow tests/faults/test_r02_chunking.py`` (about 280,000 readings). The figures are printed (`-s`).
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from fed_streams import fed, fed_assistants
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_files import SHARED, needs_shared

from asyncstream import AssistantEventHandler, ChatAccumulator, StreamError
from asyncstream.events import decode_stream

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
FILES = {path.stem: path.read_bytes() for path in sorted(TRANSCRIPTS.glob("*.sse"))}
GROUPS = sorted({re.sub(r"_[12]$", "", name) for name in FILES})
"""Transcripts that are read together: `_2` is the answer to the tool outputs that `_1` waits for."""

LINE_ENDS = {"as it is": None, "CR": b"\r", "CRLF": b"\r\n"}
SIZES = (1, 2, 3, 5, 7, 13, 64, 1000)
EVERY = 199
"""In the bounded size every so manieth split is made, and those around each line end."""

MADE_UP = re.compile(r"call_[0-9a-f]{24}")


class Log(AssistantEventHandler):
    """Writes every callback down, with all that it is given."""

    def __init__(self) -> None:
        self.calls: list[str] = []


def _writer(name: str) -> Any:
    async def write(self: Log, *given: object) -> None:
        self.calls.append(f"{name} {given!r}")

    return write


for _name in vars(AssistantEventHandler):
    if _name.startswith("on_"):
        setattr(Log, _name, _writer(_name))


class Reading(NamedTuple):
    """All that a stream showed."""

    events: list[object]
    raws: list[bytes]
    callbacks: list[str]
    changes: list[str]
    snapshots: object
    error: str


def bodies_of(group: str, line_end: bytes | None) -> list[bytes]:
    bodies = [FILES[name] for name in (group, f"{group}_1", f"{group}_2") if name in FILES]
    if line_end is None:
        return bodies
    return [re.sub(rb"\r\n|\r|\n", lambda _: line_end, body) for body in bodies]


def _shown(accumulator: Any) -> object:
    return accumulator.completion if isinstance(accumulator, ChatAccumulator) else accumulator.response


async def read(group: str, bodies: list[Iterable[bytes]], *, callbacks: bool) -> Reading:
    """Read a stream to its end, with a handler or with a view of its changes."""
    protocol = group.partition("_")[0]
    assistants = protocol == "assistants"
    log = Log() if assistants and callbacks else None
    stream: Any = fed_assistants(*bodies, handler=log) if assistants else fed(protocol, *bodies)
    events, raws, changes, error = [], [], [], ""
    answers = len(bodies) - 1
    try:
        async with stream:
            if callbacks and not assistants:
                changes = [repr(change) async for change in stream.changes]
            else:
                async for event in stream:
                    events.append(event)
                    raws.append(stream.current_raw)
                    if answers and stream.current_run.status == "requires_action":
                        answers -= 1
                        await stream.submit_tool_outputs([])
    except StreamError as failure:
        error = repr((type(failure), str(failure), failure.code, failure.body, failure.events_seen))
    held = stream.accumulator
    shown = [held.run, held.messages, held.run_steps] if assistants else [_shown(held)]
    snapshots = repr([*map(msgspec.to_builtins, shown), held.repairs, held.finished, held.events_seen])
    return Reading(events, raws, log.calls if log else [], changes, MADE_UP.sub("made up", snapshots), error)


def without_ids(reading: Reading) -> Reading:
    return reading._replace(changes=[MADE_UP.sub("made up", change) for change in reading.changes])


async def differing(
    group: str, bodies: list[bytes], cut: Iterable[list[Iterable[bytes]]], ways: Sequence[bool] = (True, False)
) -> tuple[int, list[object]]:
    """Return how many readings were made of cut bodies, and the first that differ from that of the whole.

    `ways`: with callbacks, and by the shorter way that a stream without any takes.
    """
    wholes = {
        told: without_ids(await read(group, [[body] for body in bodies], callbacks=told)) for told in (True, False)
    }
    assert wholes[True].snapshots == wholes[False].snapshots
    made, wrong = 0, []
    for chunked in cut:
        for told in ways:
            made += 1
            found = without_ids(await read(group, chunked, callbacks=told))
            if found != wholes[told] and len(wrong) < 5:
                wrong.append([len(next(iter(chunks))) for chunks in chunked])
    return made, wrong


def chunkings(bodies: list[bytes]) -> Iterator[list[Iterable[bytes]]]:
    for size in SIZES:
        yield [[body[at : at + size] for at in range(0, len(body), size)] for body in bodies]


def splits(bodies: list[bytes], every: int) -> Iterator[list[Iterable[bytes]]]:
    """Cut one of the bodies in two, at every so manieth place and, below the full size, around some line ends."""
    for position, body in enumerate(bodies):
        places = set(range(0, len(body) + 1, every))
        if every > 1:
            ends = [match.start() for match in re.finditer(rb"[\r\n]{2}|\[DONE\]", body)]
            places.update(at + by for at in ends[:: max(1, len(ends) // 4)] for by in (0, 1, 2) if at + by <= len(body))
        for at in sorted(places):
            yield [[body[:at], body[at:]] if which == position else [one] for which, one in enumerate(bodies)]


def test_there_are_transcripts_enough_and_of_all_kinds():
    assert len(FILES) >= 20
    assert {name.partition("_")[0] for name in FILES} == {"assistants", "chat", "responses"}


@pytest.mark.faults
@pytest.mark.parametrize("group", GROUPS)
async def test_where_chunks_end_never_shows(group):
    total = 0
    for line_end in LINE_ENDS.values():
        bodies = bodies_of(group, line_end)
        made, wrong = await differing(group, bodies, [*chunkings(bodies), *splits(bodies, EVERY)])
        total += made
        assert wrong == []
    print(f"\n{group}: {total} readings")


@pytest.mark.slow
@pytest.mark.parametrize("line_ends", LINE_ENDS)
@pytest.mark.parametrize("group", GROUPS)
async def test_where_chunks_end_never_shows_in_full(group, line_ends):
    bodies = bodies_of(group, LINE_ENDS[line_ends])
    # The line ends are gone before there are events: the shorter way needs no second look.
    ways = (True, False) if LINE_ENDS[line_ends] is None else (True,)
    made, wrong = await differing(group, bodies, [*chunkings(bodies), *splits(bodies, 1)], ways)
    print(f"\n{group}, {line_ends}: {made} readings of {sum(map(len, bodies)) + len(bodies) + len(SIZES)} cuts")

    assert wrong == []


def test_full_size_has_a_hundred_thousand_splits():
    assert (
        sum(len(body) + 1 for ends in LINE_ENDS.values() for group in GROUPS for body in bodies_of(group, ends))
        > 100_000
    )


@pytest.mark.faults
@pytest.mark.parametrize("group", GROUPS)
async def test_line_ends_never_show(group):
    whole = without_ids(await read(group, [[body] for body in bodies_of(group, None)], callbacks=True))
    for line_end in (b"\r", b"\n", b"\r\n"):
        found = without_ids(await read(group, [[body] for body in bodies_of(group, line_end)], callbacks=True))

        assert found == whole


@pytest.mark.faults
@settings(max_examples=150)
@given(st.sampled_from(sorted(FILES)), st.lists(st.integers(0, 7000), max_size=30))
def test_any_cut_gives_the_same_events(name, places):
    body = FILES[name]
    at = [0, *sorted(min(place, len(body)) for place in places), len(body)]
    chunks = [body[begin:end] for begin, end in pairwise(at)]

    assert outcome(chunks, name) == outcome([body], name)


def outcome(chunks: Iterable[bytes], name: str) -> list[object]:
    events: list[object] = []
    try:
        protocol: Any = name.partition("_")[0]
        events.extend(decode_stream(chunks, protocol))
    except StreamError as error:
        events.append(str(error))
    return events


@pytest.mark.slow
@needs_shared("recordings")
@pytest.mark.parametrize("api", ["assistants", "chat", "responses"])
async def test_recordings_read_the_same_however_they_are_cut(api):
    made, wrong, recordings = 0, [], 0
    for path in sorted((SHARED / ("recordings_responses" if api == "responses" else "recordings")).glob("*.json")):
        body = path.with_suffix(".sse").read_bytes()
        if json.loads(path.read_text()).get("api", "responses") == api and len(body) < 200_000:
            recordings += 1
            every = max(1, len(body) // 100)
            more, found = await differing(api, [body], [*chunkings([body]), *splits([body], every)])
            made += more
            wrong += [(path.stem, one) for one in found]
    print(f"\n{recordings} {api} recordings, {made} readings")

    assert wrong == []
