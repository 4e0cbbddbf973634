"""One cut answer after another, each judged against `wire_reading`: the machine below the sweeps of R1.

A case is a transcript in a framing, sent up to a byte; then comes an end. Half of the cases have the end in the same
turn of the loop as the bytes, half some turns later.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from raw_server import Exchange, raw_server
from scripted import FRAMINGS, Answer, End, Framing, answer_of, held, play, still_held
from wire_reading import BODIES, Body, Event, Protocol, has_evidence, read

from asyncstream import (
    APIConnectionError,
    AsyncClient,
    AsyncStreamError,
    StreamError,
    StreamEventError,
    StreamInterruptedError,
    StreamTruncatedError,
)

__all__ = ["Case", "Sweep", "all_cases", "border_cases", "judge", "open_stream", "seen_of", "shapes", "sweep"]

LONGEST = 5.0
"""Seconds in which a cut connection must have ended a stream."""


class Case(NamedTuple):
    """Where an answer is cut, and how."""

    body: Body
    framing: Framing
    chunks: int
    end: End
    cut: int

    def __str__(self) -> str:
        return f"{self.body.name}, {self.framing}/{self.chunks}, {self.end.value} at {self.cut}"

    @property
    def answer(self) -> Answer:
        return _answer(self.body, self.framing, self.chunks)

    @property
    def steps(self) -> list[Any]:
        apart = self.cut % 2
        return [self.answer.wire[: self.cut], *([0.0] * 5 * apart), self.end]


@cache
def _answer(body: Body, framing: Framing, chunks: int) -> Answer:
    return answer_of(body.data, framing, chunks=chunks)


@dataclass
class Sweep:
    """The count of many cases."""

    cases: int = 0
    wrong: list[str] = field(default_factory=list)
    events: int = 0
    lost: int = 0
    """Events that a reset took away."""
    seconds: float = 0.0
    longest: float = 0.0
    """Seconds of the slowest case."""

    def __str__(self) -> str:
        return (
            f"{self.cases} cases, {len(self.wrong)} wrong, {self.events} events, {self.lost} lost to resets, "
            f"{self.seconds:.1f} s, longest {self.longest * 1000:.0f} ms"
        )


def shapes() -> Iterator[tuple[Body, Framing, int]]:
    """Give each transcript in each framing; in chunks of a frame, and for one transcript a protocol also of 7 bytes."""
    for body in BODIES:
        for framing in FRAMINGS:
            yield body, framing, 0
    for body in BODIES:
        if body.name in ("assistants_cut", "chat_text", "responses_failed"):
            yield body, "chunked", 7


def all_cases(*ends: End) -> Iterator[Case]:
    """Give every byte of every answer."""
    for shape in shapes():
        for cut in range(len(_answer(*shape).wire) + 1):
            for end in ends:
                yield Case(*shape, end, cut)


def border_cases(*ends: End) -> Iterator[Case]:
    """Give the bytes beside each border: of the head, of the frames, of the chunks of a frame, of the evidence."""
    for body, framing, chunks in shapes():
        answer = _answer(body, framing, chunks)
        borders = {0, *(answer.wire_at(end) for end in body.frame_ends)}
        borders |= {answer.head, len(answer.wire)} if chunks else set(answer.borders)
        last = answer.wire_at(body.frame_ends[-2])
        cuts = {border + step for border in borders for step in (-1, 0, 1)} | set(range(last - 8, last + 8))
        for cut in sorted(cuts & set(range(len(answer.wire) + 1))):
            for end in ends:
                yield Case(body, framing, chunks, end, cut)


def open_stream(client: AsyncClient, protocol: Protocol) -> Any:
    if protocol == "chat":
        return client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "hi"}])
    if protocol == "responses":
        return client.responses.stream(model="m", input="hi")
    return client.threads.runs.stream("thread_1", assistant_id="asst_1")


def seen_of(stream: Any, event: Any, protocol: Protocol) -> Event:
    """Write an event down as the wire had it."""
    if protocol != "assistants":
        return Event("", json.loads(stream.current_raw))
    return Event(getattr(event, "name", event.event), json.loads(event.raw))


async def sweep(cases: Iterable[Case]) -> Sweep:
    """Run cases one after another, each with a client of its own."""
    found = Sweep()
    script: list[Any] = []

    async def answer(exchange: Exchange) -> None:
        await play(exchange, script)

    async with raw_server(answer) as server:
        begin = time.monotonic()
        for case in cases:
            script[:] = case.steps
            before = held()
            requests = len(server.requests)
            seen: list[Event] = []
            error: Exception | None = None
            started = time.monotonic()
            async with AsyncClient(api_key="k", base_url=server.url) as client:
                try:
                    async with asyncio.timeout(2 * LONGEST), open_stream(client, case.body.protocol) as stream:
                        async for event in stream:
                            seen.append(seen_of(stream, event, case.body.protocol))
                except (AsyncStreamError, TimeoutError) as caught:
                    error = caught
            seconds = time.monotonic() - started
            problem = judge(case, seen, error)
            if seconds > LONGEST:
                problem = problem or f"{seconds:.1f} s"
            if len(server.requests) != requests + 1:
                problem = problem or f"{len(server.requests) - requests} requests"
            # Its frames hold what the failed stream held.
            del error
            left = await still_held(before)
            if left != (0, 0):
                problem = problem or f"{left[0]} tasks and {left[1]} descriptors are left"
            if problem:
                found.wrong.append(f"{case}: {problem}")
            found.cases += 1
            found.events += len(seen)
            found.lost += len(_on_the_wire(case).events) - len(seen) if case.end is End.RST else 0
            found.longest = max(found.longest, seconds)
        found.seconds = time.monotonic() - begin
    return found


def judge(case: Case, seen: list[Event], error: Exception | None) -> str:
    """Return what is wrong with what came of a cut answer; "" if nothing is."""
    if case.cut < case.answer.head:
        return "" if type(error) is APIConnectionError and not seen else f"before the body: {seen} {error!r}"
    wire = _on_the_wire(case)
    if case.end is End.RST:
        if seen != wire.events[: len(seen)]:
            return f"{len(seen)} events are no prefix of the {len(wire.events)} on the wire"
    elif seen != wire.events:
        return f"{len(seen)} events, {len(wire.events)} on the wire"
    expected: tuple[type[AsyncStreamError], ...] = (StreamInterruptedError, StreamTruncatedError)
    if len(seen) == len(wire.events):
        evidence = wire.end == "complete"
        if wire.end == "error":
            expected = (*expected, StreamEventError) if case.end is End.RST else (StreamEventError,)
    else:
        evidence = has_evidence(seen, case.body.protocol)
    if case.end is not End.RST and wire.end == "truncated":
        clean = case.framing == "close" or case.cut == len(case.answer.wire)
        expected = (StreamTruncatedError,) if clean else (StreamInterruptedError,)
    if evidence:
        return "" if error is None else f"complete, but {error!r}"
    if not isinstance(error, StreamError) or type(error) not in expected:
        return f"incomplete, but {error!r}"
    return "" if error.events_seen == len(seen) else f"the error tells of {error.events_seen} events, {len(seen)} came"


@cache
def _read(body: Body, size: int) -> Any:
    return read(body.data[:size], body.protocol)


def _on_the_wire(case: Case) -> Any:
    """Return what the bytes before the cut hold."""
    return _read(case.body, case.answer.body_at(case.cut))
