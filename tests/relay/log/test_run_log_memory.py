"""The limits of the store in memory: entries, bytes, runs and time, with an injected clock."""

import asyncio
import json

import pytest
from feeds import Feed, many, numbers, read, until

from asyncstream import ConfigurationError
from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import CursorGoneError, RunExistsError, RunNotFoundError, StoreError
from asyncstream.relay.log.memory import MemoryStore
from asyncstream.relay.log.run_log import RunLog


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def finished(log: RunLog) -> None:
    await until(lambda: not log.running)


async def test_the_oldest_entries_of_a_long_run_go_and_readers_are_told():
    async with RunLog(MemoryStore(max_events=100)) as log:
        await log.start("run-1", many(1_000))
        await finished(log)
        with pytest.raises(CursorGoneError, match="entry 1 of the run 'run-1' was trimmed away, the first kept is 902"):
            await log.follow("run-1").open()
        with pytest.raises(CursorGoneError):
            await log.follow("run-1", after=900).open()
        kept = await read(log, "run-1", after=901)

    assert [*range(902, 1_001)] == numbers(kept)


async def test_a_run_is_bounded_in_bytes():
    async with RunLog(MemoryStore(max_bytes=100_000)) as log:
        await log.start("run-1", many(50, size=10_000))
        await finished(log)
        window = log._store._runs["run-1"].window
        entries = window.after(window.first - 1, 100)

    assert window.bytes <= 100_000
    assert window.bytes == sum(len(entry.data) + len(entry.event) + 200 for entry in entries)
    assert 9 <= len(window) <= 10


async def test_one_entry_is_kept_whatever_its_size():
    store = MemoryStore(max_bytes=1_000)
    writer = await store.claim("run-1")
    for id in (1, 2):
        writer.append(Entry(id, "said", b"x" * 5_000))

    assert [2] == [entry.id for entry in (await store.read("run-1", 1, limit=9)).entries]


async def test_a_reader_that_is_too_slow_is_told():
    async with RunLog(MemoryStore(max_events=100)) as log:
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(1)
        slow = await log.follow("run-1").open()
        first = await anext(slow)
        feed.say(*range(2, 5_001))
        feed.end()
        await feed.gone()
        rest = [entry async for entry in slow]

    assert 1 == first.id
    assert "cursor_gone" == json.loads(rest[-1].data)["error"]["code"]
    # Without an id: what the reader has is still what it had.
    assert rest[-1].id is None
    assert slow.after == len(rest)


async def test_a_run_expires_after_its_end():
    clock = Clock()
    async with RunLog(MemoryStore(ttl=60, clock=clock)) as log:
        await log.start("run-1", many(2))
        feed = Feed()
        await log.start("run-2", feed)
        await read(log, "run-1")
        clock.now += 59.9
        assert 3 == len(await read(log, "run-1"))
        clock.now += 0.2
        with pytest.raises(RunNotFoundError):
            await log.follow("run-1").open()
        with pytest.raises(CursorGoneError):
            await log.follow("run-1", after=3).open()
        clock.now += 1_000
        feed.end()

        assert 1 == len(await read(log, "run-2"))
        await log.start("run-1", many(1))


async def test_what_is_being_read_does_not_expire_under_its_reader():
    clock = Clock()
    async with RunLog(MemoryStore(ttl=60, clock=clock)) as log:
        feed = Feed()
        await log.start("run-1", feed)
        reader = asyncio.create_task(read(log, "run-1"))
        feed.say(1)
        assert 1 == len(await read(log, "run-1", count=1))
        feed.end()
        clock.now += 1_000

        assert [1, 2] == [entry.id for entry in await reader]


async def test_the_run_that_ended_first_makes_room():
    async with RunLog(MemoryStore(max_runs=2)) as log:
        for run_id in ("run-1", "run-2", "run-3"):
            await log.start(run_id, many(1))
            await read(log, run_id)
            await finished(log)
        with pytest.raises(RunNotFoundError):
            await log.follow("run-1").open()

        assert 2 == len(await read(log, "run-2"))


async def test_runs_that_go_on_are_never_dropped():
    async with RunLog(MemoryStore(max_runs=2)) as log:
        feeds = [Feed(), Feed()]
        await log.start("run-1", feeds[0])
        await log.start("run-2", feeds[1])
        third = Feed()
        with pytest.raises(StoreError, match="2 runs, all still going on") as caught:
            await log.start("run-3", third)

        assert 503 == caught.value.status
        assert not third.opened
        feeds[0].end()
        await until(lambda: "run-1" not in log.running)
        await log.start("run-3", many(1))
        with pytest.raises(RunExistsError):
            await log.start("run-2", Feed())


@pytest.mark.parametrize("name", ["max_events", "max_bytes", "max_runs", "ttl"])
@pytest.mark.parametrize("limit", [0, -1, True, "5", float("nan"), None])
def test_limits_are_above_zero(name, limit):
    with pytest.raises(ConfigurationError, match=f"expected {name}"):
        MemoryStore(**{name: limit})


async def test_repr_says_what_is_held():
    async with RunLog() as log:
        await log.start("run-1", many(1))
        await log.start("run-2", Feed())
        await read(log, "run-1")

        assert "RunLog(MemoryStore(2 runs, 1 of them ended), 1 runs go on here)" == repr(log)
        assert "Following('run-1', after=3)" == repr(log.follow("run-1", 3))
