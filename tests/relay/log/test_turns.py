"""Deadlines that count from the turn, and that a process which stands still does not use up. No connection."""

import asyncio
import time

import pytest

from asyncstream.relay.log.turns import Deadline, Turns


async def nap(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


async def never() -> None:
    await asyncio.get_running_loop().create_future()


async def test_a_deadline_is_over_in_its_time():
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with pytest.raises(TimeoutError):
        async with Deadline(0.05):
            await never()

    assert 0.05 <= loop.time() - begun < 5


async def test_what_is_done_in_time_is_not_disturbed():
    async with Deadline(0.02):
        pass
    await asyncio.sleep(0.05)


async def test_a_cancellation_is_no_timeout():
    async def bounded() -> None:
        async with Deadline(10):
            await never()

    task = asyncio.create_task(bounded())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_process_that_stands_still_uses_up_nothing():
    """The answer came while the loop was busy; it is looked at after the loop, together with the deadline."""
    answered = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, answered.set)
    async with Deadline(0.1):
        time.sleep(0.3)  # noqa: ASYNC251 - this is the loop that is busy
        await answered.wait()


async def test_with_progress_the_time_begins_anew():
    served = 0

    async def serve() -> None:
        nonlocal served
        for _ in range(10):
            await asyncio.sleep(0.02)
            served += 1

    serving = asyncio.create_task(serve())
    with pytest.raises(TimeoutError):
        async with Deadline(0.1, progress=lambda: served):
            await never()
    await serving

    assert 10 == served


async def test_a_turn_counts_from_its_beginning():
    turns = Turns(1, 0.2)

    assert [0.06] * 8 == await asyncio.gather(*(turns.take(lambda: nap(0.06)) for _ in range(8)))


async def test_only_so_many_at_once():
    now = most = 0

    async def work() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    turns = Turns(3, 5)
    await asyncio.gather(*(turns.take(work) for _ in range(20)))

    assert 3 == most


async def test_a_queue_that_stands_still_ends_with_those_before():
    """Not one after the other: the last of 1,000 does not wait a thousand times as long."""
    turns = Turns(2, 0.1)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    found = await asyncio.gather(*(turns.take(never) for _ in range(1_000)), return_exceptions=True)

    assert {TimeoutError} == {type(error) for error in found}
    assert loop.time() - begun < 5


async def test_a_failure_serves_the_next_one_too():
    async def fail() -> None:
        await asyncio.sleep(0.06)
        raise ValueError

    turns = Turns(1, 0.2)
    found = await asyncio.gather(*(turns.take(fail) for _ in range(8)), return_exceptions=True)

    assert [ValueError] * 8 == [type(error) for error in found]


@pytest.mark.parametrize("steps", range(4))
async def test_a_turn_that_is_cancelled_is_free_again(steps):
    turns = Turns(1, 5)
    first = asyncio.create_task(turns.take(never))
    second = asyncio.create_task(turns.take(never))
    third = asyncio.create_task(turns.take(lambda: nap(0)))
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in (second, first):
        task.cancel()
    await asyncio.wait([first, second])

    assert 0 == await asyncio.wait_for(third, 5)
