"""R20 beyond one Redis: the node that serves a run, or the master under Sentinels, refuses for a while.

Against real servers, which these cases share. Whether another one takes over meanwhile is theirs to decide: nothing is
lost in either case.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from feeds import Feed, read, until
from redis_kinds import KINDS, Cluster, Sentinels
from redis_refusals import REFUSALS, all_of, settings, twice_read
from redis_server import PROGRAMS, RedisServer, needs_redis

from asyncstream.relay.log.redis_keys import Keys
from asyncstream.relay.log.redis_store import RedisStore
from asyncstream.relay.log.run_log import RunLog

pytestmark = [pytest.mark.system, needs_redis]

REFUSED_SECONDS = 3.0
RUNS = itertools.count(1)

Servers = Cluster | Sentinels
Refusal = Callable[[Any, str], AbstractAsyncContextManager[None]]


def by_its_server(word: str) -> Refusal:
    @asynccontextmanager
    async def refusing(servers: Servers, run_id: str) -> AsyncIterator[None]:
        server = await servers.serving(run_id)
        async with REFUSALS[word](server):
            yield

    return refusing


@asynccontextmanager
async def loading(servers: Servers, run_id: str) -> AsyncIterator[None]:
    """It is killed and started again, and reads its own log slowly; nobody takes over meanwhile.

    Of a cluster it answers CLUSTERDOWN to whoever names a key, and LOADING to others.
    """
    server = await servers.serving(run_id)
    await servers.may_fail_over(run_id, False)
    fill = f"\"for i=1,3000 do redis.call('SET',KEYS[1]..i,i) end\" 1 {{{run_id}}}filler"
    await server.command("EVAL", fill)
    await settings(server, "aof-use-rdb-preamble", "no", "appendonly", "yes")

    async def written() -> bool:
        told = await server.command("INFO", "persistence")
        return "aof_rewrite_in_progress:0" in told and "aof_rewrite_scheduled:0" in told

    await until(written)
    server.kill()
    options = (*servers.options, "--aof-use-rdb-preamble", "no", "--appendonly", "yes", "--key-load-delay", "400")
    starting = asyncio.create_task(server.start(*options, "--lua-time-limit", "100"))
    yield
    await starting
    await settings(server, "appendonly", "no")
    await servers.may_fail_over(run_id, True)


@asynccontextmanager
async def without_slots(cluster: Cluster, run_id: str) -> AsyncIterator[None]:
    """Another master is away with its replica, so the cluster as a whole serves nobody."""
    serving = await cluster.serving(run_id)
    number = next(number for number in range(3) if serving not in (cluster.nodes[number], cluster.nodes[number + 3]))
    away = [cluster.nodes[number], cluster.nodes[number + 3]]
    for node in away:
        node.kill()
    yield
    await asyncio.gather(*(node.start(*cluster.options, "--lua-time-limit", "100") for node in away))


@asynccontextmanager
async def half_moved(cluster: Cluster, run_id: str) -> AsyncIterator[None]:
    async with cluster.moving(run_id) as move:
        await move(Keys.of("asyncstream:", run_id).owner)
        yield


CASES: dict[str, dict[str, Refusal]] = {
    "cluster": {
        "CLUSTERDOWN": without_slots,
        "TRYAGAIN": half_moved,
        **{word: by_its_server(word) for word in ("NOREPLICAS", "OOM", "BUSY")},
        "LOADING": loading,
    },
    "sentinel": {
        "LOADING": loading,
        **{word: by_its_server(word) for word in ("MASTERDOWN", "NOREPLICAS", "OOM", "READONLY")},
        # The last, for the Sentinels may see another master for a while.
        "BUSY": by_its_server("BUSY"),
    },
}
"""A node of a cluster that is a replica sends on whoever asks, and answers neither MASTERDOWN nor READONLY."""

ALL = [(kind, word) for kind, words in CASES.items() for word in words]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Servers]]:
    """Servers of each kind, started when the first test asks for them."""
    found: dict[str, Servers] = {}
    yield found
    for servers in found.values():
        servers.kill()


@pytest.fixture
async def servers(kind: str, started: dict[str, Servers], tmp_path_factory: pytest.TempPathFactory) -> Servers:
    if kind not in started:
        directory: Path = tmp_path_factory.mktemp(kind)
        started[kind] = KINDS[kind](directory, PROGRAMS[0])
        await started[kind].start()
        for server in _of(started[kind]):
            await settings(server, "lua-time-limit", "100")
    await started[kind].well()
    return started[kind]


def _of(servers: Servers) -> list[RedisServer]:
    return servers.nodes if isinstance(servers, Cluster) else servers.servers[:2]


async def answered(server: RedisServer, word: str, run_id: str) -> None:
    """Wait until a server answers with a word to somebody who asks, reads, writes or wants several keys."""
    keys = Keys.of("asyncstream:", run_id)
    # Before 7.0 it is the other node that says so, to whoever it was sent by this one.
    told = (f"-{word} ", "-ASK ") if word == "TRYAGAIN" else f"-{word} "
    asked = [("PING",), ("GET", keys.owner), ("SET", f"{keys.owner}:probe", "1"), ("MGET", keys.owner, keys.events)]

    async def has() -> bool:
        try:
            found = [(await server.command(*words))[0] for words in asked]
        except OSError:
            return False
        return any(answer.startswith(told) for answer in found)

    await until(has)


async def test_a_master_that_is_replaced_while_it_is_busy_is_left(tmp_path, caplog):
    """It does not know yet that it is none any more; what it answers would pass, but another one is written to."""
    servers = Sentinels(tmp_path, PROGRAMS[0])

    async def during() -> None:
        master = await servers.serving("run-1")
        await settings(master, "lua-time-limit", "100")
        async with REFUSALS["BUSY"](master):
            await answered(master, "BUSY", "run-1")
            await servers.fail_over("run-1")
            async with RunLog(RedisStore(servers.url)) as late:
                assert 3_000 == len(await read(late, "run-1", count=3_000))

    try:
        await servers.start()
        await twice_read(servers.url, 3_500, 1_000, during)
    finally:
        servers.kill()

    assert "" == caplog.text


@pytest.mark.parametrize(("kind", "word"), [("cluster", "CLUSTERDOWN"), ("cluster", "TRYAGAIN"), ("sentinel", "OOM")])
async def test_a_refusal_that_stays_ends_the_run_as_what_it_is(servers, kind, word, caplog):
    log = RunLog(RedisStore(servers.url, owner_ttl=2.0, reconnect_timeout=1.0))
    other = RunLog(RedisStore(servers.url, owner_ttl=2.0, reconnect_timeout=1.0))
    run_id, feed, cancelled = f"run-{next(RUNS)}", Feed(), asyncio.Event()

    async def at_the_server() -> None:
        cancelled.set()

    await log.start(run_id, feed, on_cancel=at_the_server)
    feed.say(1)
    readers = [asyncio.create_task(all_of(one, run_id)) for one in (log, other)]
    for one in (log, other):
        assert 1 == len(await read(one, run_id, count=1))
    server = await servers.serving(run_id)
    async with CASES[kind][word](servers, run_id):
        await answered(server, word, run_id)
        feed.say(2)
        await feed.gone()
        await asyncio.wait_for(cancelled.wait(), 10)
        found = await asyncio.gather(*readers)
        await until(lambda: not log.running)

    for entries in found:
        assert [1, "error"] == [entries[0].id, entries[-1].event]
        assert "store_unavailable" == json.loads(entries[-1].data)["error"]["code"]
    assert f"answered {word}" in caplog.text
    await other.close()
    await log.close()


@pytest.mark.parametrize(("kind", "word"), ALL)
async def test_a_refusal_that_passes_loses_nothing(servers, kind, word, caplog):
    run_id = f"run-{next(RUNS)}"

    async def during() -> None:
        server = await servers.serving(run_id)
        async with CASES[kind][word](servers, run_id):
            await answered(server, word, run_id)
            # It lasts as long as it takes.
            await asyncio.sleep(REFUSED_SECONDS * (word != "LOADING"))

    await twice_read(servers.url, 3_500, 1_000, during, run_id)

    assert "" == caplog.text
