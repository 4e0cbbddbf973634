"""R24: a writer or a store that fails with anything: logged, told to readers, the upstream closed, no endless wait.

The stores fail at each of their verbs, with errors of theirs and with whatever Python has; a Redis at its connections.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from feeds import Feed, many, numbers, read, until
from redis import exceptions
from redis_server import RedisServer, needs_redis

from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import RunNotFoundError, StoreError
from asyncstream.relay.log.memory import MemoryStore
from asyncstream.relay.log.redis_keys import APPEND
from asyncstream.relay.log.redis_store import RedisStore
from asyncstream.relay.log.run_log import RunLog
from asyncstream.relay.log.store import Page

WORDS = "words of the program"

FAULTS = [
    StoreError("the disk is full"),
    ZeroDivisionError(WORDS),
    AttributeError(WORDS),
    TimeoutError(WORDS),
    ConnectionResetError(104, WORDS),
    UnicodeEncodeError("utf-8", "x", 0, 1, WORDS),
    RuntimeError(WORDS),
    ExceptionGroup(WORDS, [ValueError(WORDS)]),
    exceptions.DataError(WORDS),
    StopAsyncIteration(WORDS),
]
fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)


class BrokenWriter:
    """The writer of somebody's own store, with the five verbs; one of them fails when it is time."""

    def __init__(self, writer: Any, verb: str, fault: Exception, after: int) -> None:
        self._writer = writer
        self._verb = verb
        self._fault = fault
        self._left = after

    def _do(self, verb: str) -> None:
        if verb == self._verb:
            if not self._left:
                raise self._fault
            self._left -= 1

    @property
    def full(self) -> bool:
        self._do("full")
        return self._verb == "room"

    def append(self, entry: Entry) -> None:
        self._do("append")
        self._writer.append(entry)

    async def room(self) -> None:
        self._do("room")

    async def finish(self) -> None:
        self._do("finish")
        await self._writer.finish()

    async def release(self) -> None:
        self._do("release")
        await self._writer.release()


class BrokenStore(MemoryStore):
    """One whose verb fails when it is time."""

    def __init__(self, verb: str, fault: Exception, after: int = 0) -> None:
        super().__init__()
        self._verb = verb
        self._fault = fault
        self._left = after

    def _do(self, verb: str) -> None:
        if verb == self._verb:
            if not self._left:
                raise self._fault
            self._left -= 1

    async def claim(self, run_id: str, view: str = "") -> Any:
        self._do("claim")
        writer = await super().claim(run_id, view)
        return BrokenWriter(writer, self._verb, self._fault, self._left)

    async def read(self, run_id: str, after: int, *, limit: int) -> Page:
        self._do("read")
        return await super().read(run_id, after, limit=limit)

    async def wait(self, run_id: str, after: int, *, limit: int) -> Page:
        self._do("wait")
        page = await super().read(run_id, after, limit=limit)
        return page if page.entries or page.ended else await super().wait(run_id, after, limit=limit)

    async def close(self) -> None:
        self._do("close")


def code_of(entry: Entry) -> str:
    assert "error" == entry.event
    assert WORDS.encode() not in entry.data
    return json.loads(entry.data)["error"]["code"]


class Cancelled:
    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> None:
        self.times += 1


@fault
@pytest.mark.parametrize("verb", ["append", "full", "room"])
async def test_a_writer_that_fails_in_the_middle(verb, fault, caplog):
    cancelled, feed = Cancelled(), Feed()
    async with RunLog(BrokenStore(verb, fault, after=2)) as log:
        await log.start("run-1", feed, on_cancel=cancelled)
        reader = asyncio.create_task(read(log, "run-1"))
        await until(lambda: "run-1" in log._tails)
        feed.say(1, 2, 3, 4)
        entries = await reader
        await feed.gone()
        await until(lambda: not log.running)

    assert [1, 2] == numbers(entries)[:2]
    assert len(entries) <= 4
    assert "store_unavailable" == code_of(entries[-1])
    assert 1 == cancelled.times
    assert "run-1" in caplog.text


@fault
async def test_a_writer_that_fails_at_the_end(fault, caplog):
    """The upstream has ended by itself: there is nothing to cancel."""
    cancelled, feed = Cancelled(), Feed()
    async with RunLog(BrokenStore("finish", fault)) as log:
        await log.start("run-1", feed, on_cancel=cancelled)
        feed.say(1)
        feed.end()
        await feed.gone()
        await until(lambda: not log.running)

        assert ["said", "done"] == [entry.event for entry in await read(log, "run-1")]
    assert 0 == cancelled.times
    assert "run-1" in caplog.text


@fault
@pytest.mark.parametrize("verb", ["append", "finish"])
async def test_a_run_that_is_cancelled_on_a_writer_that_fails(verb, fault, caplog):
    cancelled, feed = Cancelled(), Feed()
    async with RunLog(BrokenStore(verb, fault, after=int(verb == "append"))) as log:
        await log.start("run-1", feed, on_cancel=cancelled)
        feed.say(1)
        reader = asyncio.create_task(read(log, "run-1"))
        assert 1 == len(await read(log, "run-1", count=1))
        async with asyncio.timeout(10):
            assert await log.cancel("run-1")
        entries = await reader

    assert ["cancelled"] == [code_of(entry) for entry in entries[1:]]
    assert feed.closed
    assert 1 == cancelled.times
    assert "the end of the run 'run-1' could not be stored" in caplog.text


@fault
async def test_a_store_that_cannot_be_claimed(fault, caplog):
    feed = Feed()
    async with RunLog(BrokenStore("claim", fault)) as log:
        with pytest.raises(StoreError) as caught:
            await log.start("run-1", feed)

        assert [] == log.running
    assert not feed.opened
    assert feed.closed
    assert WORDS not in str(caught.value)
    assert (WORDS in caplog.text) == (WORDS in str(fault))


@fault
async def test_a_store_that_cannot_be_read(fault, caplog):
    async with RunLog(BrokenStore("read", fault)) as log:
        await log.start("run-1", many(3))
        with pytest.raises(StoreError) as caught:
            await log.follow("run-1").open()

    assert 503 == caught.value.status
    assert WORDS.encode() not in caught.value.body()
    assert (WORDS in caplog.text) == (WORDS in str(fault))


@fault
@pytest.mark.parametrize("after", [0, 1])
async def test_a_store_that_cannot_be_waited_for(after, fault):
    feed = Feed()
    async with RunLog(BrokenStore("wait", fault, after)) as log:
        await log.start("run-1", feed)
        readers = [asyncio.create_task(read(log, "run-1")) for _ in range(3)]
        await until(lambda: "run-1" in log._tails or all(reader.done() for reader in readers))
        feed.say(1)
        found = await asyncio.gather(*readers)

        assert {} == log._tails
    assert [["store_unavailable"]] * 3 == [[code_of(entry) for entry in entries[after:]] for entries in found]
    assert [[1] * after] * 3 == [numbers(entries) for entries in found]


@fault
@pytest.mark.parametrize("verb", ["release", "close"])
async def test_what_fails_at_last_hides_nothing(verb, fault, caplog):
    class Refused(Feed):
        async def open(self) -> None:
            raise RunNotFoundError("the upstream refused")

    log = RunLog(BrokenStore(verb, fault))
    with pytest.raises(RunNotFoundError, match="the upstream refused"):
        await log.start("run-1", Refused())
    await log.close()

    assert type(fault).__name__ in caplog.text


@pytest.mark.parametrize("given", [None, 7, ([], False, None), Page(None, False)])
async def test_a_store_that_gives_no_page(given):
    class Odd(MemoryStore):
        async def read(self, run_id: str, after: int, *, limit: int) -> Page:
            return given

        wait = read

    async with RunLog(Odd()) as log:
        await log.start("run-1", many(3))
        following = log.follow("run-1")
        with pytest.raises(StoreError):
            await following.open()
        await following.close()
        # Who waits for more hears of it in an entry.
        tail = log._tail_of("run-1", 0)
        tail.join()
        await tail.over()

        assert isinstance(tail.failure, StoreError)
        tail.leave()


@pytest.mark.faults
async def test_an_on_cancel_that_fails_or_hangs_is_bounded(caplog, monkeypatch):
    monkeypatch.setattr("asyncstream.relay.log.producer.LAST_WORDS", 0.1)

    async def hang() -> None:
        await asyncio.get_running_loop().create_future()

    async def fail() -> None:
        raise ZeroDivisionError

    async with RunLog() as log:
        for run, on_cancel in (("run-1", hang), ("run-2", fail)):
            await log.start(run, Feed(), on_cancel=on_cancel)
            async with asyncio.timeout(10):
                assert await log.cancel(run)

    assert 2 == caplog.text.count("on_cancel of the run")


# A Redis.


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    server = RedisServer(tmp_path)
    await server.start()
    try:
        yield server
    finally:
        server.kill()


class Failing:
    """Runs scripts of Redis, and fails to append from some call on."""

    def __init__(self, run: Any, fault: Exception, after: int) -> None:
        self._run = run
        self._fault = fault
        self._left = after

    async def __call__(self, script: str, *arguments: Any, **options: Any) -> Any:
        if script == APPEND:
            if not self._left:
                raise self._fault
            self._left -= 1
        return await self._run(script, *arguments, **options)


def writer_task(run_id: str) -> Any:
    [task] = [
        task
        for task in asyncio.all_tasks()
        if task.get_name() == f"asyncstream writer of asyncstream:{{{run_id}}}:events"
    ]
    return task.get_coro().cr_frame.f_locals["self"]


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize(
    "fault",
    [exceptions.ResponseError("NOPERM this user"), exceptions.DataError(WORDS), AttributeError(WORDS), KeyError(WORDS)],
    ids=lambda fault: type(fault).__name__,
)
@pytest.mark.system
@needs_redis
async def test_a_writer_of_redis_that_fails_ends_the_run_for_everybody(redis, fault, silent, caplog):
    """Redis is well, so all workers read the same end, right after what was stored."""
    cancelled, feed = Cancelled(), Feed()
    log = RunLog(RedisStore(redis.url, reconnect_timeout=0.5, owner_ttl=1.5))
    other = RunLog(RedisStore(redis.url))
    await log.start("run-1", feed, on_cancel=cancelled)
    feed.say(1)
    readers = [asyncio.create_task(read(one, "run-1")) for one in (log, other)]
    assert 1 == len(await read(other, "run-1", count=1))
    writer = writer_task("run-1")
    writer._link.run = Failing(writer._link.run, fault, 0)
    if not silent:
        feed.say(2)
    await feed.gone()
    found = await asyncio.gather(*readers)
    await until(lambda: not log.running)
    await log.close()
    await other.close()

    assert [[(1, "said"), (2, "error")]] * 2 == [[(entry.id, entry.event) for entry in entries] for entries in found]
    assert {"store_unavailable"} == {code_of(entries[-1]) for entries in found}
    assert 1 == cancelled.times
    assert "cannot be stored any more after entry" in caplog.text


@pytest.mark.system
@needs_redis
async def test_a_writer_that_fails_while_the_producer_waits_for_room(redis, monkeypatch):
    monkeypatch.setattr("asyncstream.relay.log.redis_writer._FULL_EVENTS", 20)
    given = 0

    async def endless() -> AsyncIterator[Entry]:
        nonlocal given
        while True:
            given += 1
            yield Entry(None, "said", json.dumps({"n": given}).encode())

    log = RunLog(RedisStore(redis.url, reconnect_timeout=0.3))
    await log.start("run-1", endless())
    writer = writer_task("run-1")
    writer._link.run = Failing(writer._link.run, RuntimeError(WORDS), 3)
    entries = await read(log, "run-1")
    await until(lambda: not log.running)
    await log.close()

    assert list(range(1, len(entries) + 1)) == [entry.id for entry in entries]
    assert "store_unavailable" == code_of(entries[-1])
    assert given < 5_000


@pytest.mark.system
@needs_redis
async def test_keys_of_somebody_else_are_an_error(redis, caplog):
    await redis.command("SET", "asyncstream:{run-1}:events", "x")
    await redis.command("XADD", "asyncstream:{run-2}:events", "1-0", "a", "b")
    async with RunLog(RedisStore(redis.url)) as log:
        for run in ("run-1", "run-2"):
            with pytest.raises(StoreError) as caught:
                await asyncio.wait_for(log.follow(run).open(), 10)
            assert 503 == caught.value.status
