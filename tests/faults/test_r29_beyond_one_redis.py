"""R29: beyond one Redis: a cluster, and a master under Sentinels.

A master is killed, a fail-over is planned, a slot moves in the middle of a run that two workers read, whose readers
drop and come back: nothing is lost, nothing comes twice. Against real servers, of each program that
`tests/redis_server.py` is told of, of Redis or Valkey.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from feeds import Feed, many, numbers, read, until
from redis.asyncio import RedisCluster
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import ConnectionError as RedisConnectionError
from redis_kinds import KINDS, Cluster, Sentinels
from redis_refusals import is_old, settings
from redis_server import PROGRAMS, RedisServer, needs_redis

from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import CursorGoneError, RunNotFoundError, StoreError
from asyncstream.relay.log.redis_keys import Keys
from asyncstream.relay.log.redis_store import RedisStore
from asyncstream.relay.log.run_log import RunLog

pytestmark = [pytest.mark.system, needs_redis]

EVENTS = 2_000
READERS = 14
DROPS = 3
"""Of each reader."""


@pytest.fixture(params=PROGRAMS, ids=lambda program: str(PROGRAMS.index(program)))
def program(request: pytest.FixtureRequest) -> str:
    return request.param


@asynccontextmanager
async def started(found: Any) -> AsyncIterator[Any]:
    """Start servers, and kill them in any case."""
    try:
        await found.start()
        yield found
    finally:
        found.kill()


@pytest.fixture(params=KINDS)
async def servers(request: pytest.FixtureRequest, tmp_path: Path, program: str) -> AsyncIterator[Any]:
    async with started(KINDS[request.param](tmp_path, program)) as found:
        yield found


@pytest.fixture
async def cluster(tmp_path: Path, program: str) -> AsyncIterator[Cluster]:
    async with started(Cluster(tmp_path, program)) as found:
        yield found


async def dropping(logs: list[RunLog], seed: int) -> list[Entry]:
    """Read a run, drop, and go on at the other worker."""
    dice = random.Random(seed)
    drops = sorted(dice.sample(range(1, EVENTS), DROPS))
    entries: list[Entry] = []
    for turn in range(DROPS + 1):
        async with logs[(seed + turn) % 2].follow("run-1", entries[-1].id if entries else None) as following:
            async for entry in following:
                entries.append(entry)
                if turn < DROPS and len(entries) >= drops[turn]:
                    break
    return entries


async def whole(store: Any, disturb: Any) -> None:
    """Have a run read, 42 drops in all, while something is done to its servers."""
    logs = [RunLog(store()), RunLog(store())]
    await logs[0].start("run-1", many(EVENTS, rate=500))
    readers = [asyncio.create_task(dropping(logs, seed)) for seed in range(READERS)]
    await read(logs[1], "run-1", count=300)
    await disturb("run-1")
    async with asyncio.timeout(60):
        found = await asyncio.gather(*readers)
    again = await read(logs[1], "run-1")
    await asyncio.gather(*(log.close() for log in logs))

    assert [list(range(1, EVENTS + 2))] * (READERS + 1) == [[entry.id for entry in each] for each in (*found, again)]
    assert [list(range(1, EVENTS + 1))] * (READERS + 1) == [numbers(each) for each in (*found, again)]
    assert "done" == again[-1].event


async def test_a_master_that_is_killed_in_the_middle_of_a_run_loses_nothing(servers, caplog):
    await whole(lambda: RedisStore(servers.url), servers.kill_master)

    assert "" == caplog.text


async def test_a_planned_fail_over_in_the_middle_of_a_run_loses_nothing(servers, caplog):
    await whole(lambda: RedisStore(servers.url), servers.fail_over)

    assert "" == caplog.text


@pytest.fixture
async def sentinels(tmp_path: Path, program: str) -> AsyncIterator[Sentinels]:
    async with started(Sentinels(tmp_path, program)) as found:
        yield found


async def told_of_another(servers: Sentinels, master: RedisServer) -> None:
    """Wait until the Sentinels tell of another master."""

    async def other() -> bool:
        return master is not await servers.serving("run-1")

    await until(other)


class Viewed(Feed):
    view = "text"


@pytest.mark.parametrize("begun", [True, False])
async def test_what_ends_at_a_master_that_was_replaced_is_brought_to_the_new_one(sentinels, begun, caplog):
    """It takes what it is sent for ten seconds more, after which it forgets that: so long nobody tells it."""
    old = await sentinels.serving("run-1")
    async with RunLog(RedisStore(sentinels.url)) as log:
        feed = Viewed()
        if begun:
            await log.start("run-1", feed)
            feed.say(1, 2, 3)
            assert 3 == len(await read(log, "run-1", count=3))
            await until(in_step(old))
        await sentinels.fail_over("run-1")
        if not begun:
            await log.start("run-1", feed)
        feed.say(*range(4 if begun else 1, 11))
        feed.end()
        assert 11 == len(await read(log, "run-1"))
        assert ["role:master"] == [line for line in await old.command("INFO", "replication") if "role:" in line]
        await told_of_another(sentinels, old)
        await until(lambda: not log.running)
        late = RunLog(RedisStore(sentinels.url))
        await until(has_run(late, "run-1"))
        async with late, asyncio.timeout(8), late.follow("run-1") as following:
            entries = [entry async for entry in following]

    assert list(range(1, 11)) == numbers(entries)
    assert [*range(1, 12)] == [entry.id for entry in entries]
    assert ("done", "text") == (entries[-1].event, following.recorded_view)
    assert "" == caplog.text


def has_run(log: RunLog, run_id: str) -> Any:
    async def has() -> bool:
        try:
            await log.follow(run_id).open()
        except RunNotFoundError:
            return False
        return True

    return has


def in_step(master: RedisServer) -> Any:
    """The replica has all of it."""

    async def has() -> bool:
        told = await master.command("INFO", "replication")
        offset = next(line for line in told if line.startswith("master_repl_offset:")).partition(":")[2]
        return any(line.startswith("slave0:") and f"offset={offset}," in line for line in told)

    return has


async def test_a_run_whose_producer_asked_the_old_master_last_goes_on_at_the_new_one(sentinels, caplog):
    """Its readers are elsewhere already, and find no owner there as long as it renews that at the old one."""
    old = await sentinels.serving("run-1")
    log = RunLog(RedisStore(sentinels.url, owner_ttl=4))
    feed = Feed()
    await log.start("run-1", feed)
    feed.say(1, 2, 3)
    assert 3 == len(await read(log, "run-1", count=3))
    await until(in_step(old))
    await sentinels.fail_over("run-1")
    feed.say(4, 5)
    await told_of_another(sentinels, old)
    async with RunLog(RedisStore(sentinels.url, owner_ttl=4)) as other:
        assert 5 == len(await read(other, "run-1", count=5))
        feed.say(6)
        assert 6 == len(await read(other, "run-1", count=6))
        feed.end()
        assert 7 == len(await read(other, "run-1"))
    await log.close()

    assert "" == caplog.text


async def test_a_reader_that_waits_at_the_old_master_goes_on_at_the_new_one(sentinels, caplog):
    """The old one would keep it for ten seconds: it has no entries for it any more, and knows an owner."""
    old = await sentinels.serving("run-1")
    store = RedisStore(sentinels.url, owner_ttl=60)
    async with RunLog(store) as log, RunLog(RedisStore(sentinels.url, owner_ttl=60)) as other:
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(1, 2, 3)
        reader = asyncio.create_task(read(other, "run-1", count=4))
        assert 3 == len(await read(other, "run-1", count=3))
        await until(in_step(old))
        await sentinels.fail_over("run-1")
        await told_of_another(sentinels, old)
        # The producer needs another connection, for any reason; the reader needs none.
        await store._link.look_again()
        feed.say(4)
        async with asyncio.timeout(6):
            assert [1, 2, 3, 4] == numbers(await reader)
        feed.end()
        assert 5 == len(await read(other, "run-1"))

    assert "" == caplog.text


async def test_an_end_that_no_replica_has_is_brought_again_after_it(servers, caplog):
    """As long as another server may take over that lacks it."""
    store = RedisStore(servers.url)
    async with RunLog(store) as log:
        feed = Feed()
        await log.start("run-1", feed)
        (await servers.replica_of("run-1")).kill()
        feed.say(1, 2, 3)
        feed.end()
        assert 4 == len(await read(log, "run-1"))
        await until(lambda: not log.running)
        keys = Keys.of("asyncstream:", "run-1")
        await store._link.ask(keys.events, ("DEL", keys.events, keys.owner))
        await until(has_run(log, "run-1"))

        assert 4 == len(await read(log, "run-1"))
    assert "" == caplog.text


async def test_a_slot_that_moves_in_the_middle_of_a_run_loses_nothing(cluster, caplog):
    await whole(lambda: RedisStore(cluster.url), cluster.move_slot)

    assert "" == caplog.text


@pytest.mark.parametrize("first", ["events", "owner"])
async def test_a_run_half_of_which_has_moved_is_read_and_what_is_written_waits(cluster, first, caplog):
    """A node that keeps half of a slot sends on whoever asks for what it does not have, be it elsewhere or nowhere."""
    store = RedisStore(cluster.url)
    async with RunLog(store) as log, RunLog(RedisStore(cluster.url)) as other:
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(1, 2, 3)
        assert 3 == len(await read(other, "run-1", count=3))
        keys = Keys.of("asyncstream:", "run-1")
        async with cluster.moving("run-1") as move:
            for moved in (None, *sorted([keys.events, keys.owner], key=lambda key: not key.endswith(first))):
                if moved is not None:
                    await move(moved)
                found = [await read(other, "run-1", after=after, count=3 - after) for after in (0, 1)]
                at_end = await other.follow("run-1", after=3).open()

                assert [[1, 2, 3], [2, 3]] == [[entry.id for entry in entries] for entries in found]
                assert not at_end.at_end
            feed.say(4)
            feed.end()
            await until(lambda: store._link.failures > 2)
        again = await read(other, "run-1")

    assert [1, 2, 3, 4, 5] == [entry.id for entry in again]
    assert "done" == again[-1].event
    assert "" == caplog.text


async def test_a_client_that_is_given_is_not_closed(servers):
    """Its options do not matter, its credentials do; its connections are not used up by readers that wait."""
    host, port = RedisStore(servers.url)._link.host, RedisStore(servers.url)._link.port
    options: dict[str, Any] = {"decode_responses": True, "socket_timeout": 5, "protocol": 3}
    sentinel = Sentinel([(host, port)])
    client: Any = (
        RedisCluster(host, port, **options) if isinstance(servers, Cluster) else sentinel.master_for("main", **options)
    )
    try:
        await whole(lambda: RedisStore(client=client), servers.fail_over)

        async def answers() -> bool:
            try:
                return bool(await client.set("mine", "1"))
            except Exception:
                return False

        await until(answers)
    finally:
        await client.aclose()
        for one in sentinel.sentinels:
            await one.aclose()


async def test_a_run_is_stopped_from_the_other_worker(servers):
    async with RunLog(RedisStore(servers.url)) as log, RunLog(RedisStore(servers.url)) as other:
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(1)
        reader = asyncio.create_task(read(other, "run-1"))
        assert 1 == len(await read(other, "run-1", count=1))
        assert await other.cancel("run-1")
        entries = await reader

        assert [1, 2] == [entry.id for entry in entries]
        assert "cancelled" == json.loads(entries[-1].data)["error"]["code"]
        await until(lambda: feed.closed)
        assert not await other.cancel("run-1")


async def test_a_node_that_the_cluster_does_not_tell_of_any_more_is_given_up(cluster, tmp_path):
    """Nodes come and go under other addresses while a process lives: whoever still waits at one is let go, too."""
    (tmp_path / "gone").mkdir()
    gone = RedisServer(tmp_path / "gone", keeps=False, program=cluster.nodes[0].program)
    await gone.start()
    store = RedisStore(cluster.url)
    way: Any = store._link._way
    try:
        async with RunLog(store) as log:
            waiting = asyncio.create_task(way._ask_at(("127.0.0.1", gone.port), [("BLPOP", "nothing", 0)], False))
            await until(has_clients(gone, 1))
            await log.start("run-1", many(3))

            assert 4 == len(await read(log, "run-1"))
            with pytest.raises(RedisConnectionError):
                await waiting
            assert ("127.0.0.1", gone.port) not in way._clients
            await until(has_clients(gone, 0))
    finally:
        gone.kill()


def has_clients(server: RedisServer, count: int) -> Any:
    async def has() -> bool:
        return count == len(await server.clients())

    return has


async def test_nodes_that_were_replicas_are_found_when_all_others_are_gone(cluster):
    """Its one address leads nowhere any more, nor does any master that it ever asked."""
    store = RedisStore(cluster.url.partition(",")[0])
    way: Any = store._link._way
    async with RunLog(store) as log:
        await log.start("run-1", many(3))

        async def all_told() -> bool:
            # It tells of a replica once that has something.
            await store._link.look_again()
            return 4 == len(await read(log, "run-1")) and 6 == len(way._known)

        await until(all_told)
        for number in range(3):
            await cluster.hand_over(number)
        for node in cluster.nodes[:3]:
            node.kill()
        entries = await read(log, "run-1")
        await log.start("run-2", many(3))

        assert 4 == len(entries)
        assert 4 == len(await read(log, "run-2"))


async def test_what_is_lost_is_told_with_the_name_of_the_store(servers, monkeypatch, caplog):
    """A master dies before its replica had the newest, and it is more than the producer keeps."""
    monkeypatch.setattr("asyncstream.relay.log.redis_writer._KEPT_EVENTS", 10)
    store = RedisStore(servers.url, owner_ttl=30)
    async with RunLog(store) as log:
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(*range(1, 101))
        reader = asyncio.create_task(read(log, "run-1"))
        assert 100 == len(await read(log, "run-1", count=100))
        # As if the replica were that far behind.
        await store._link.ask("asyncstream:{run-1}:events", ("DEL", "asyncstream:{run-1}:events"))
        feed.say(101)
        feed.end()
        entries = await reader
        with pytest.raises(CursorGoneError) as caught:
            await log.follow("run-1", 50).open()

    assert list(range(1, 103)) == [entry.id for entry in entries]
    assert store._link.name in str(caught.value)
    assert f"{store._link.name} has lost entries 1 to 90 of a run" in caplog.text


async def test_when_all_servers_are_away_it_is_told_with_the_name_of_the_store(servers, caplog):
    store = RedisStore(servers.url, connect_timeout=1, reconnect_timeout=1)
    feed = Feed()
    log = RunLog(store)
    await log.start("run-1", feed)
    feed.say(1)
    reader = asyncio.create_task(read(log, "run-1"))
    assert 1 == len(await read(log, "run-1", count=1))
    servers.kill()
    feed.say(2)
    entries = await reader
    with pytest.raises(StoreError) as caught:
        await log.start("run-2", Feed())
    await log.close()

    assert "store_unavailable" == json.loads(entries[-1].data)["error"]["code"]
    assert str(caught.value).startswith(f"{store._link.name} ")
    assert "producer" not in json.loads(entries[-1].data)["error"]["message"]


async def test_readers_of_many_runs_share_the_connections_of_a_node(servers):
    """As with one Redis: one a followed run that goes on, and a few for all others."""
    async with RunLog(RedisStore(servers.url)) as log:
        await asyncio.gather(*(log.start(f"run-{run}", many(20)) for run in range(200)))
        found = await asyncio.gather(*(read(log, f"run-{run % 200}") for run in range(1_000)))
        nodes = servers.nodes if isinstance(servers, Cluster) else servers.servers[:2]
        mine = [client for node in nodes for client in await node.clients() if "replica" not in client["cmd"]]

    assert [list(range(1, 22))] * 1_000 == [[entry.id for entry in entries] for entries in found]
    assert len(mine) < 700


async def with_passwords(sentinels: Sentinels) -> None:
    """Start Sentinels that want a password, and a name too of whoever says one, and servers that want another."""
    old = await is_old(sentinels.sentinels[0].program)
    await sentinels.start(
        *([] if old else ["user reader on >of-reader allcommands allchannels"]), password="of-sentinel"
    )
    for one in sentinels.servers[:2]:
        await settings(one, "masterauth", "of-redis", "requirepass", "of-redis")
        one.password = "of-redis"
    for one in sentinels.sentinels:
        await one.command("SENTINEL", "SET", "main", "auth-pass", "of-redis")
    await sentinels.well()


@pytest.mark.parametrize(
    "options", ["sentinel_password=of-sentinel", "sentinel_username=reader&sentinel_password=of-reader"]
)
async def test_sentinels_that_want_a_password_of_their_own(tmp_path, options, caplog):
    found = Sentinels(tmp_path, PROGRAMS[0])
    if "username" in options and await is_old(PROGRAMS[0]):
        pytest.skip("before 6.2 Sentinels know of no names")
    try:
        await with_passwords(found)
        url = found.url.replace("//", "//:of-redis@") + f"?{options}"
        await whole(lambda: RedisStore(url), found.fail_over)
    finally:
        found.kill()

    assert "" == caplog.text


@pytest.mark.parametrize("options", ["", "?sentinel_password=s3cr3t"])
async def test_sentinels_that_refuse_a_password_are_named_without_it(tmp_path, options):
    found = Sentinels(tmp_path, PROGRAMS[0])
    try:
        await with_passwords(found)
        url = found.url.replace("//", "//:of-redis@") + options
        log = RunLog(RedisStore(url, connect_timeout=60))
        with pytest.raises(StoreError) as caught:
            async with asyncio.timeout(20):
                await log.start("run-1", Feed())
        await log.close()
    finally:
        found.kill()
    where = found.url.removeprefix("redis+sentinel://").partition("/")[0]

    told = (
        f"the Redis 'main' of the Sentinels at {where} is told of by none of them: each refused the sentinel_password"
    )

    assert told == str(caught.value)
