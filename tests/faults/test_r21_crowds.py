"""R21: crowds. A deadline counts from the turn, and not what this process does to itself; nobody is refused by it.

Against real redis-servers, of each version that `tests/redis_server.py` is told of, a cluster and Sentinels. `-s` says
how long it took, which is judged nowhere.
"""

import asyncio
import collections
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from feeds import many
from redis_kinds import KINDS, Cluster, Sentinels
from redis_server import PROGRAMS, RedisServer, needs_redis

from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import StoreError
from asyncstream.relay.log.memory import MemoryStore
from asyncstream.relay.log.redis_store import RedisStore
from asyncstream.relay.log.run_log import RunLog

pytestmark = [pytest.mark.system, needs_redis]

READERS = 1_000
RUNS = 2_000


@pytest.fixture(params=PROGRAMS, ids=lambda program: str(PROGRAMS.index(program)))
async def redis(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RedisServer]:
    server = RedisServer(tmp_path, keeps=False, program=request.param)
    await server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(params=[*map(str, range(len(PROGRAMS))), *KINDS])
async def servers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    """One of each program, and the first one as a cluster and under Sentinels."""
    if request.param in KINDS:
        found = KINDS[request.param](tmp_path, PROGRAMS[0])
    else:
        found = RedisServer(tmp_path, keeps=False, program=PROGRAMS[int(request.param)])
    try:
        await found.start()
        yield found
    finally:
        found.kill()


def of(servers: Any) -> list[RedisServer]:
    """Return all that may serve a run."""
    match servers:
        case Cluster():
            return servers.nodes
        case Sentinels():
            return servers.servers[:2]
        case _:
            return [servers]


class Upstream:
    """Says one thing, and then nothing until it is closed."""

    closed = 0

    async def __call__(self) -> AsyncIterator[Entry]:
        try:
            yield Entry(None, "said", b'{"n":1}')
            await asyncio.get_running_loop().create_future()
        finally:
            self.closed += 1


async def count_of(log: RunLog, run_id: str, after: int | None = None) -> tuple[int, str]:
    """Read a run; return how many entries there were, each with the right id, and the name of the last."""
    count = 0
    last = ""
    async with asyncio.timeout(300), log.follow(run_id, after) as following:
        async for entry in following:
            count += 1
            last = entry.event
            assert (after or 0) + count == entry.id, entry
    return count, last


def told(name: str, begun: float) -> None:
    print(f"\n{name}: {asyncio.get_running_loop().time() - begun:.1f} s")


async def commands_of(servers: Any, name: str) -> int:
    """Return how often a command was used."""
    told = [line for one in of(servers) for line in await one.command("INFO", "commandstats")]
    return sum(int(line.split("calls=")[1].split(",")[0]) for line in told if line.startswith(f"cmdstat_{name}:"))


async def test_a_thousand_readers_at_once_of_a_run_that_goes_on(servers):
    log, other = RunLog(RedisStore(servers.url)), RunLog(RedisStore(servers.url))
    await log.start("run-1", many(2_000, rate=500))
    assert 500 == await arrived(other, 500)
    begun = asyncio.get_running_loop().time()
    found = await asyncio.gather(*(count_of(other, "run-1") for _ in range(READERS)))
    told(f"{READERS} readers at once of 2,000 events", begun)
    pages = await commands_of(servers, "xrange")
    await other.close()
    await log.close()

    assert {(2_001, "done"): READERS} == collections.Counter(found)
    assert pages < 50


async def arrived(log: RunLog, count: int) -> int:
    found = 0
    async with log.follow("run-1") as following:
        async for _ in following:
            found += 1
            if found == count:
                break
    return found


async def test_a_thousand_readers_at_once_of_a_run_that_is_over(redis):
    async with RunLog(RedisStore(redis.url)) as log:
        await log.start("run-1", many(2_000))
        assert (2_001, "done") == await count_of(log, "run-1")
        begun = asyncio.get_running_loop().time()
        found = await asyncio.gather(*(count_of(log, "run-1") for _ in range(READERS)))
        told(f"{READERS} readers at once of a run that is over", begun)

        assert {(2_001, "done"): READERS} == collections.Counter(found)


async def test_a_thousand_readers_at_once_each_with_a_cursor_of_its_own(redis):
    async with RunLog(RedisStore(redis.url)) as log:
        await log.start("run-1", many(2_000))
        assert (2_001, "done") == await count_of(log, "run-1")
        begun = asyncio.get_running_loop().time()
        found = await asyncio.gather(*(count_of(log, "run-1", after=number) for number in range(READERS)))
        told(f"{READERS} readers at once with {READERS} cursors", begun)

        assert [(2_001 - number, "done") for number in range(READERS)] == found


async def test_two_thousand_runs_start_at_once_and_end_at_once(servers, caplog):
    upstream, cancelled = Upstream(), collections.Counter()

    def at_the_server(run: int):
        async def cancel() -> None:
            cancelled[run] += 1

        return cancel

    log = RunLog(RedisStore(servers.url))
    begun = asyncio.get_running_loop().time()
    await asyncio.gather(*(log.start(f"run-{run}", upstream(), on_cancel=at_the_server(run)) for run in range(RUNS)))
    told(f"{RUNS} runs start at once", begun)
    assert RUNS == len(log.running)
    found = [client for one in of(servers) for client in await one.clients()]
    # Replicas and Sentinels have some of their own; who hears of stops is one of ours.
    connections = sum(client["flags"] in "NP" and not client["name"].startswith("sentinel") for client in found)
    begun = asyncio.get_running_loop().time()
    await log.close()
    told(f"close() with {RUNS} runs, {connections} connections", begun)
    async with RunLog(RedisStore(servers.url)) as other:
        codes = collections.Counter([await ending(other, f"run-{run}") for run in range(RUNS)])

    assert {(2, "cancelled"): RUNS} == codes
    assert RUNS == upstream.closed
    assert dict.fromkeys(range(RUNS), 1) == cancelled
    assert "" == caplog.text
    assert connections < 200
    assert {asyncio.current_task()} == asyncio.all_tasks()


async def ending(log: RunLog, run_id: str) -> tuple[int, str]:
    async with log.follow(run_id) as following:
        entries = [entry async for entry in following]
    return len(entries), json.loads(entries[-1].data)["error"]["code"]


async def test_closing_with_two_thousand_runs_in_memory():
    upstream = Upstream()
    store = MemoryStore(max_runs=RUNS)
    log = RunLog(store)
    await asyncio.gather(*(log.start(f"run-{run}", upstream()) for run in range(RUNS)))
    await asyncio.sleep(0)
    await log.close()
    other = RunLog(store)
    codes = collections.Counter([await ending(other, f"run-{run}") for run in range(RUNS)])

    assert {(2, "cancelled"): RUNS} == codes
    assert RUNS == upstream.closed


async def test_closing_with_many_runs_on_a_redis_that_is_silent_is_bounded(redis, caplog):
    """Each has five seconds for its last words, and all of them together have not much more."""
    upstream = Upstream()
    log = RunLog(RedisStore(redis.url))
    await asyncio.gather(*(log.start(f"run-{run}", upstream()) for run in range(300)))
    redis.pause()
    begun = asyncio.get_running_loop().time()
    try:
        await log.close()
    finally:
        redis.resume()
    told("close() with 300 runs on a silent Redis", begun)

    assert asyncio.get_running_loop().time() - begun < 60
    assert 300 == upstream.closed
    assert 300 == caplog.text.count("could not be stored")


async def test_a_crowd_before_a_silent_redis_is_told_within_the_deadline(redis):
    """Not sixteen at a time, each with a deadline of its own."""
    log = RunLog(RedisStore(redis.url, connect_timeout=0.5))
    await log.start("run-1", many(3))
    assert (4, "done") == await count_of(log, "run-1")
    redis.pause()
    begun = asyncio.get_running_loop().time()
    try:
        asked = [count_of(log, "run-1", after=number % 3) for number in range(600)]
        asked += [count_of(log, f"run-{number}") for number in range(400)]
        found = await asyncio.gather(*asked, return_exceptions=True)
    finally:
        redis.resume()
    told("1,000 readers told of a silent Redis", begun)
    await log.close()

    assert {StoreError} == {type(error) for error in found}
    # Sixteen at a time it would be half a minute.
    assert asyncio.get_running_loop().time() - begun < 15
