"""R1: "RST and FIN at every byte offset x {chunked, content-length, close-delimited} x each protocol: delivered events
= complete events on the wire (FIN), a prefix of them (RST); an error unless terminal evidence was seen, none if it was;
no hang over 5 s (after evidence: 5 s + 0.5)".

Also: no byte of the answer, or half of its head, is an error before the stream and no second request. No case leaves a
task or a descriptor behind. The full size is ``pytest -m slow tests/faults/test_r01_cut_at_every_byte.py -s``.
"""

import asyncio
import random
import time
from functools import cache

import pytest
from cut_streams import Case, all_cases, border_cases, open_stream, shapes, sweep
from raw_server import Exchange, raw_server
from scripted import End, answer_of, play
from wire_reading import BODIES, Body, has_evidence, read

from asyncstream import AsyncClient
from asyncstream.streaming import cursor

ENDS = (End.FIN, End.RST)
COMPLETE = [body for body in BODIES if read(body.data, body.protocol).end == "complete"]


async def run(cases: list[Case], name: str) -> None:
    found = await sweep(cases)
    print(f"\nR1 {name}: {found}")

    assert [] == found.wrong[:5]
    assert found.cases == len(cases)


async def test_a_sample_of_cuts():
    await run(random.Random(1).sample(list(all_cases(*ENDS)), 100), "sample")


@pytest.mark.faults
async def test_cuts_beside_every_border():
    await run(list(border_cases(*ENDS)), "borders")


@pytest.mark.faults
async def test_cuts_anywhere():
    await run(random.Random(2).sample(list(all_cases(*ENDS)), 200), "anywhere")


@pytest.mark.slow
@pytest.mark.parametrize("end", ENDS, ids=["fin", "rst"])
@pytest.mark.parametrize("body", BODIES, ids=[body.name for body in BODIES])
async def test_cuts_at_every_byte(body, end):
    await run([case for case in all_cases(end) if case.body is body], f"every byte of {body.name}, {end.value}")


# After the evidence


@cache
def evidence_end(body: Body) -> int:
    """Return behind which byte of a transcript its answer is complete."""
    return next(
        end for end in body.frame_ends if has_evidence(read(body.data[:end], body.protocol).events, body.protocol)
    )


def stalls() -> list[Case]:
    """Give the bytes from the evidence on, as far as `[DONE]`, at which a server stops and keeps the connection."""
    return [
        Case(body, framing, chunks, End.STAY, cut)
        for body, framing, chunks in shapes()
        if body in COMPLETE
        for answer in [answer_of(body.data, framing, chunks=chunks)]
        for cut in range(answer.wire_at(evidence_end(body)), answer.wire_at(len(body.data) - 2))
    ]


async def test_a_stall_after_the_evidence_is_a_complete_end(monkeypatch):
    monkeypatch.setattr(cursor, "AFTER_EVIDENCE", 0.01)

    await run(random.Random(3).sample(stalls(), 4), "stalls after the evidence")


@pytest.mark.faults
async def test_stalls_after_the_evidence_are_complete_ends(monkeypatch):
    monkeypatch.setattr(cursor, "AFTER_EVIDENCE", 0.01)

    await run(random.Random(4).sample(stalls(), 30), "stalls after the evidence")


@pytest.mark.faults
async def test_five_seconds_are_waited_after_the_evidence():
    async def case(body: Body, comments: bool) -> float:
        answer = answer_of(body.data[: evidence_end(body)], "close")

        async def serve(exchange: Exchange) -> None:
            await play(exchange, [answer.wire, *([0.1, b": still here\n\n"] * 80 * comments), End.STAY])

        async with raw_server(serve) as server, AsyncClient(api_key="k", base_url=server.url) as client:
            async with open_stream(client, body.protocol) as stream:
                started = time.monotonic()
                seen = [event async for event in stream]
                seconds = time.monotonic() - started
        assert len(read(body.data[: evidence_end(body)], body.protocol).events) == len(seen)
        return seconds

    waited = await asyncio.gather(*(case(body, comments) for body in COMPLETE for comments in (False, True)))

    assert all(5.0 <= seconds <= 5.5 for seconds in waited), waited
