"""R20: Redis as it really answers. What passes is waited for like a lost connection; what does not is told as it is.

Against real redis-servers, of each version that `tests/redis_server.py` is told of. Every run is read from two logs, as
two workers do. `-s` prints the figures.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from feeds import Feed, many, read, until
from redis_proxy import RedisProxy
from redis_refusals import REFUSALS, all_of, is_old, settings, twice_read
from redis_server import PROGRAMS, RedisServer, needs_redis

from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import StoreError
from asyncstream.relay.log.redis_store import RedisStore
from asyncstream.relay.log.run_log import RunLog

pytestmark = [pytest.mark.system, needs_redis]

REFUSED_SECONDS = 3.0
OWNER_TTL = 2.0
"""Shorter than a refusal lasts: a producer that cannot renew its ownership is not one that died."""


@pytest.fixture(params=PROGRAMS, ids=lambda program: str(PROGRAMS.index(program)))
async def redis(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RedisServer]:
    server = RedisServer(tmp_path, program=request.param)
    await server.start("--lua-time-limit", "100")
    try:
        yield server
    finally:
        server.kill()


def error_of(entry: Entry) -> dict[str, object]:
    assert "error" == entry.event
    return json.loads(entry.data)["error"]


@pytest.mark.parametrize("word", REFUSALS)
async def test_a_refusal_that_passes_loses_nothing(redis, word, caplog):
    async def during() -> None:
        async with REFUSALS[word](redis):
            await asyncio.sleep(REFUSED_SECONDS)

    await twice_read(redis.url, 2_500, 1_000, during)

    assert "" == caplog.text


async def test_a_redis_that_loads_loses_nothing(redis, caplog):
    """It answers LOADING for a while after a restart: here it reads its own log slowly."""

    async def during() -> None:
        redis.kill()
        seen: set[str] = set()
        starting = asyncio.create_task(redis.start("--key-load-delay", "400"))
        while not starting.done():
            try:
                seen.update((await redis.command("GET", "filler-1"))[0].split()[:1])
            except OSError:
                pass
            await asyncio.sleep(0.02)

        assert "-LOADING" in seen

    await redis.command("EVAL", "\"for i=1,3000 do redis.call('SET','filler-'..i,i) end\"", "0")
    await twice_read(redis.url, 2_500, 1_000, during)

    assert "" == caplog.text


@pytest.mark.parametrize("word", REFUSALS)
async def test_who_begins_during_a_refusal_is_served_when_it_passes(redis, word):
    async with RunLog(RedisStore(redis.url)) as log:
        await log.start("run-1", many(3))
        assert 4 == len(await read(log, "run-1"))
        async with REFUSALS[word](redis):
            reading = asyncio.create_task(read(log, "run-1"))
            starting = asyncio.create_task(log.start("run-2", many(3)))
            await asyncio.sleep(1)

        assert 4 == len(await reading)
        await starting
        assert 4 == len(await read(log, "run-2"))


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("word", REFUSALS)
async def test_a_refusal_that_stays_ends_the_run_as_what_it_is(redis, word, silent, caplog):
    """Its upstream may be silent for hours: it is closed as soon as the store has failed, not with its next event."""
    if word == "NOREPLICAS" and await is_old(redis.program):
        pytest.skip("before 7.0 a script is not asked how many replicas there are")
    log = RunLog(RedisStore(redis.url, owner_ttl=OWNER_TTL, reconnect_timeout=1.0))
    other = RunLog(RedisStore(redis.url, owner_ttl=OWNER_TTL, reconnect_timeout=1.0))
    feed, cancelled = Feed(), asyncio.Event()

    async def at_the_server() -> None:
        cancelled.set()

    await log.start("run-1", feed, on_cancel=at_the_server)
    feed.say(1)
    readers = [asyncio.create_task(all_of(one, "run-1")) for one in (log, other)]
    for one in (log, other):
        assert 1 == len(await read(one, "run-1", count=1))
    async with REFUSALS[word](redis):
        if not silent:
            feed.say(2)
        await feed.gone()
        await asyncio.wait_for(cancelled.wait(), 10)
        found = await asyncio.gather(*readers)
        await until(lambda: not log.running)

    for entries in found:
        assert 1 == entries[0].id
        assert "store_unavailable" == error_of(entries[-1])["code"]
        assert "the store of this relay failed" == error_of(entries[-1])["message"]
    assert f"the Redis at 127.0.0.1:{redis.port} answered {word}" in caplog.text
    await other.close()
    await log.close()


async def test_who_comes_after_a_run_was_given_up_is_told_of_the_store(redis):
    """Redis is well again a moment later; the producer, which lives, has ended the run with what happened."""
    log = RunLog(RedisStore(redis.url, owner_ttl=30.0, reconnect_timeout=0.5))
    feed = Feed()
    await log.start("run-1", feed)
    feed.say(1)
    assert 1 == len(await read(log, "run-1", count=1))
    async with REFUSALS["OOM"](redis):
        feed.say(2)
        await feed.gone()
        await asyncio.sleep(0.5)
    await until(lambda: not log.running)
    async with RunLog(RedisStore(redis.url)) as other:
        entries = await read(other, "run-1")

    assert [(1, "said"), (2, "error")] == [(entry.id, entry.event) for entry in entries]
    assert "store_unavailable" == error_of(entries[-1])["code"]
    await log.close()


async def test_a_full_redis_can_be_read(redis):
    async with RunLog(RedisStore(redis.url)) as log:
        await log.start("run-1", many(500))
        assert 501 == len(await read(log, "run-1"))
        async with REFUSALS["OOM"](redis):
            assert 501 == len(await read(log, "run-1"))
            assert 101 == len(await read(log, "run-1", after=400))
            at_end = await log.follow("run-1", after=501).open()
            assert at_end.at_end


async def test_a_start_on_a_full_redis_is_told_so(redis):
    log = RunLog(RedisStore(redis.url, connect_timeout=0.5))
    feed = Feed()
    async with REFUSALS["OOM"](redis):
        with pytest.raises(StoreError, match=rf"the Redis at 127\.0\.0\.1:{redis.port} answered OOM"):
            await log.start("run-1", feed)

    assert not feed.opened
    assert feed.closed
    await log.close()


async def test_connections_that_were_reset_while_they_idled_are_replaced_at_once(redis):
    async with RedisProxy(redis.port) as proxy, RunLog(RedisStore(proxy.url)) as log:
        for number in range(20):
            runs = [f"run-{number}-{one}" for one in range(12)]
            await asyncio.gather(*(log.start(run, many(3)) for run in runs))
            found = await asyncio.gather(*(read(log, run) for run in runs))
            await until(lambda: not log.running)
            assert [4] * 12 == [len(entries) for entries in found]
            proxy.reset()
            if number % 2:
                # They have all noticed; else the first of them has not even been told.
                await asyncio.sleep(0.05)
            assert 4 == len(await read(log, runs[0]))
            proxy.reset()


async def test_resets_at_random_moments_lose_nothing_of_ten_runs(redis, caplog):
    chance = random.Random(20)
    async with RedisProxy(redis.port) as proxy:
        log, other = RunLog(RedisStore(proxy.url)), RunLog(RedisStore(proxy.url))
        for run in range(10):
            await log.start(f"run-{run}", many(2_000, rate=600))
        readers = [asyncio.create_task(all_of(one, f"run-{run}")) for run in range(10) for one in (log, other)]
        for _ in range(20):
            await asyncio.sleep(chance.random() * 0.3)
            proxy.reset()
        found = await asyncio.gather(*readers)
        await other.close()
        await log.close()

    lost = sum(2_001 - len({entry.id for entry in entries}) for entries in found)
    doubled = sum(len(entries) - len({entry.id for entry in entries}) for entries in found)
    print(f"\n20 resets, 10 runs of 2,000 events, 20 readers: lost {lost}, doubled {doubled}")
    assert [list(range(1, 2_002))] * 20 == [[entry.id for entry in entries] for entries in found]
    assert ["done"] * 20 == [entries[-1].event for entries in found]
    assert "" == caplog.text


async def test_stalls_lose_nothing(redis, caplog):
    async with RedisProxy(redis.port) as proxy:

        async def during() -> None:
            for _ in range(3):
                proxy.stalled = True
                await asyncio.sleep(0.7)
                proxy.stalled = False
                await asyncio.sleep(0.2)

        await twice_read(proxy.url, 2_500, 1_000, during)

    assert "" == caplog.text


async def test_a_way_that_is_silent_for_good_is_left_for_another(redis, caplog):
    """What is sent into it is never answered, nor is it closed: after the deadline a new connection is made."""
    async with RedisProxy(redis.port) as proxy:
        log = RunLog(RedisStore(proxy.url, connect_timeout=0.3, owner_ttl=20.0))
        await log.start("run-1", many(1_500, rate=500))
        reader = asyncio.create_task(all_of(log, "run-1"))
        await asyncio.sleep(0.5)
        proxy.silence()
        found = await reader
        await log.close()

    assert list(range(1, 1_502)) == [entry.id for entry in found]
    assert "" == caplog.text


async def test_a_redis_that_is_killed_and_started_again_loses_nothing(redis, caplog):
    async def during() -> None:
        for _ in range(2):
            redis.kill()
            await asyncio.sleep(0.3)
            await redis.start()
            await asyncio.sleep(0.3)

    await twice_read(redis.url, 2_500, 1_000, during)

    assert "" == caplog.text


async def test_a_planned_fail_over_loses_nothing(redis, tmp_path, caplog):
    """The replica has all that was written when it is promoted; the address leads to it then. The old master goes on
    as its replica, and answers READONLY to whoever is still connected to it."""
    (tmp_path / "replica").mkdir()
    second = RedisServer(tmp_path / "replica", program=redis.program)
    await second.start("--replicaof", "127.0.0.1", str(redis.port))
    try:
        async with RedisProxy(redis.port) as address:

            async def in_step() -> bool:
                asked = await redis.command("WAIT", "1", "100")
                return asked == [":1"]

            async def during() -> None:
                await until(in_step)
                await redis.command("CLIENT", "PAUSE", "600")
                await asyncio.sleep(0.3)
                await second.command("REPLICAOF", "NO", "ONE")
                await redis.command("REPLICAOF", "127.0.0.1", str(second.port))
                address.target = second.port

            await twice_read(address.url, 2_500, 1_000, during)
    finally:
        second.kill()

    assert "" == caplog.text


async def test_a_node_of_a_cluster_is_named(tmp_path):
    server = RedisServer(tmp_path, keeps=False)
    await server.start("--cluster-enabled", "yes")
    try:
        await server.command("CLUSTER", "ADDSLOTS", *map(str, range(1)))
        await settings(server, "cluster-require-full-coverage", "no")
        log = RunLog(RedisStore(server.url, connect_timeout=0.5))
        with pytest.raises(StoreError) as caught:
            await log.start("run-1", Feed())
        await log.close()
    finally:
        server.kill()

    assert "127.0.0.1" in str(caught.value)
