"""R33: "every fault ends in an error or an abort on the page, never in 'ready'": the rows of faults above, read through
the views of pages, `ui-messages` and `ag-ui`.

A page takes a body that merely ends for a finished answer. So each answer is read here as a page reads it, to its end
and by rules that know nothing of the package (`page_rules`): what was not whole ends in an error or an abort, what was
whole in neither. The full size is ``pytest -m slow tests/faults/test_r33_pages.py -s``.
"""

import random
from collections.abc import Iterable
from typing import Any

import pytest
from cut_streams import Case, Sweep, all_cases, border_cases, open_stream
from page_rules import shown_end
from raw_server import Exchange, raw_server
from scripted import End, play
from wire_reading import BODIES, has_evidence, read

from asyncstream import APIError, AsyncClient
from asyncstream.relay import sse_frames

VIEWS: list[Any] = ["ui-messages", "ag-ui"]
each_view = pytest.mark.parametrize("view", VIEWS)


async def page_of(stream: Any, view: Any) -> str:
    """Read a relayed stream as a page does; return how it ended there: "refused" for an answer that is no stream."""
    frames = sse_frames(stream, view=view)
    try:
        body = b"".join([data async for data in frames])
    except APIError:
        return "refused"
    return shown_end(view, body)


# Cuts.

ENDS = (End.FIN, End.RST)
GIVEN_UP = ("thread.run.cancelled", "thread.run.expired")
"""Whole answers, which say themselves that they are none."""


def due(case: Case, events_seen: int) -> str:
    """Return how an answer must end on a page that is cut there, of which so many events came through."""
    if case.cut < case.answer.head:
        return "refused"
    wire = read(case.body.data[: case.answer.body_at(case.cut)], case.body.protocol)
    events = wire.events[:events_seen]
    if len(events) == len(wire.events) and wire.end != "complete":
        return "error"
    if len(events) < len(wire.events) and not has_evidence(events, case.body.protocol):
        return "error"
    return "abort" if any(event.name in GIVEN_UP for event in events) else "finish"


async def sweep(cases: Iterable[Case], view: str) -> Sweep:
    """Relay cut answers one after the other, each with a client of its own."""
    found = Sweep()
    script: list[Any] = []

    async def answer(exchange: Exchange) -> None:
        await play(exchange, script)

    async with raw_server(answer) as server:
        for case in cases:
            script[:] = case.steps
            async with AsyncClient(api_key="k", base_url=server.url) as client:
                stream = open_stream(client, case.body.protocol)
                try:
                    shown = await page_of(stream, view)
                except AssertionError as error:
                    shown = f"no answer that a page can read: {error}"
            events = 0 if shown == "refused" else stream.accumulator.events_seen
            if shown != due(case, events):
                found.wrong.append(f"{case}: {shown} after {events} events, due is {due(case, events)}")
            found.cases += 1
            found.events += events
    return found


async def run(cases: list[Case], view: str, name: str) -> None:
    found = await sweep(cases, view)
    print(f"\nR33 {view}, {name}: {found.cases} cuts, {len(found.wrong)} wrong, {found.events} events")

    assert [] == found.wrong[:5]
    assert found.cases == len(cases)


@each_view
async def test_a_sample_of_cuts(view: str) -> None:
    await run(random.Random(1).sample(list(all_cases(*ENDS)), 50), view, "sample")


@each_view
@pytest.mark.faults
async def test_cuts_beside_borders(view: str) -> None:
    await run(random.Random(2).sample(list(border_cases(*ENDS)), 1000), view, "beside borders")


@each_view
@pytest.mark.faults
async def test_cuts_anywhere(view: str) -> None:
    await run(random.Random(3).sample(list(all_cases(*ENDS)), 500), view, "anywhere")


@each_view
@pytest.mark.slow
async def test_cuts_beside_every_border(view: str) -> None:
    await run(list(border_cases(*ENDS)), view, "beside every border")


@each_view
@pytest.mark.slow
@pytest.mark.parametrize("body", BODIES, ids=[body.name for body in BODIES])
async def test_cuts_at_every_byte(view: str, body: Any) -> None:
    await run([case for case in all_cases(*ENDS) if case.body is body], view, f"every byte of {body.name}")
