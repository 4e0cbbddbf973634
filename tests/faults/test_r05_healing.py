"""R5: what is cancelled in a stream of a response that breaks twice on its way, and is answered in its stream.

As in `test_r05_streams`: wherever reading is cancelled, the stream goes on, and in the end all events, pieces and
changes have come, none of them twice; no request was sent twice, and nothing stays behind.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import pytest
from assistants_wire import STREAM_HEAD, chunk
from raw_server import Exchange, raw_server
from responses_wire import answer, call, hello, message
from stepping import Plan, leftovers, outcome_of, settled, turns
from test_r05_streams import changes, events, one_by_one, pieces, until_done

from asyncstream import AsyncClient, ConfigurationError, ResponseStream

FIRST = answer(message("I see. "), call("a", "weather"), background=True)
SECOND = hello("resp_2", background=True)
OUTPUTS = [{"call_id": "call_a", "output": "18"}]

Read = Callable[[Any, list[object]], Awaitable[object]]


async def converse(exchange: Exchange) -> None:
    """Send three more events of a response, then break; the last ones with the end."""
    followed = b"previous_response_id" in exchange.body or "resp_2" in exchange.target
    frames = SECOND if followed else FIRST
    start = 0
    if exchange.method == "GET":
        start = int(parse_qs(exchange.target.partition("?")[2])["starting_after"][0]) + 1
    await exchange.send(STREAM_HEAD)
    for data in frames[start : start + 3]:
        await turns(2)
        await exchange.send(chunk(data))
    await turns(2)
    if start + 3 < len(frames):
        exchange.fin()
    else:
        await exchange.send(b"0\r\n\r\n")


async def short_wait(seconds: float) -> None:
    await turns(2)


@asynccontextmanager
async def nothing_left_behind(plan: object) -> AsyncIterator[AsyncClient]:
    before = asyncio.all_tasks()
    async with raw_server(converse) as server:
        async with AsyncClient(api_key="k", base_url=server.url, max_retries=1) as client:
            client._transport._sleep = short_wait
            yield client

            assert [] == await settled(lambda: leftovers(client, before)), plan
        asked = [(exchange.method, exchange.target, exchange.body) for exchange in server.requests]
        assert len(asked) == len({*asked}), plan
        assert not await settled(lambda: server.open), plan


async def final(stream: ResponseStream, seen: list[object]) -> None:
    seen.append(await stream.get_final_response())


async def submitting(stream: ResponseStream, seen: list[object]) -> None:
    """Read the changes; answer the call as soon as it may be, again and again until that has succeeded."""

    async def submit() -> None:
        if not stream.rounds and stream.finished:
            await stream.submit_tool_outputs(OUTPUTS)

    await submit()
    async for change in stream.changes:
        seen.append(type(change))
        await submit()


async def submitting_and_reading_on(stream: ResponseStream, seen: list[object]) -> None:
    """Read the events; submit when they come to their end, and after a cancellation just read on."""
    await events(stream, seen)
    if not stream.rounds:
        try:
            await stream.submit_tool_outputs(OUTPUTS)
        except ConfigurationError:
            # The request that was cancelled came through meanwhile.
            assert stream.rounds
    await events(stream, seen)


READERS: dict[str, Read] = {
    "anext": events,
    "text_deltas": pieces,
    "changes": changes,
    "mixed": one_by_one,
    "until_done": until_done,
    "get_final": final,
    "submit": submitting,
    "submit, read on": submitting_and_reading_on,
}
OTHERS = [how for how in READERS if how != "changes"]


async def read_with(plans: list[Plan], read: Read) -> list[object]:
    """Read a stream to its end, one plan of cancellation after the other; return all that came."""
    seen: list[object] = []
    async with nothing_left_behind(plans) as client:
        async with client.responses.stream(input="hi", background=True) as stream:
            for plan in plans:
                outcome = await outcome_of(plan.drive(read(stream, seen)))
                assert bool(plan.hits) == isinstance(outcome, asyncio.CancelledError), (plan, outcome)
                if not plan.hits:
                    break
            else:
                await read(stream, seen)
            await stream.until_done()
        return [*seen, stream.accumulator.response, len(stream.rounds)]


@pytest.mark.parametrize("late", [False, True], ids=["waiting", "come"])
@pytest.mark.parametrize(
    "how", [how if how == "changes" else pytest.param(how, marks=pytest.mark.faults) for how in READERS]
)
async def test_a_cancelled_reading_goes_on_over_breaks_and_loses_nothing(how: str, late: bool) -> None:
    expected = await read_with([], READERS[how])
    assert "submit" not in how or 1 == expected[-1]

    for point in count(1):
        plan = Plan(frozenset({point}), late)

        assert expected == await read_with([plan], READERS[how]), plan
        if not plan.hits:
            assert point > 3
            break


@pytest.mark.parametrize("late", [False, True], ids=["waiting", "come"])
@pytest.mark.parametrize("how", READERS)
async def test_a_reading_that_is_cancelled_again_and_again_loses_nothing(how: str, late: bool) -> None:
    expected = await read_with([], READERS[how])
    for step in (1, 2):
        plans = [Plan(frozenset({step}), late) for _ in range(1000)]

        assert expected == await read_with(plans, READERS[how])
