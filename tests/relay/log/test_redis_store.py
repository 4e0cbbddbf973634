"""What only a Redis does: it is away, restarts, forgets, expires; and what a run leaves in it. Against a real one."""

import asyncio
import gc
import json
import logging
import pickle
import re
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from feeds import Feed, many, numbers, read, until
from redis.crc import key_slot
from redis_server import RedisServer, needs_redis

from asyncstream import ConfigurationError
from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import CursorGoneError, RunExistsError, RunNotFoundError, StoreError
from asyncstream.relay.log.redis_keys import Keys
from asyncstream.relay.log.redis_store import RedisStore, _Looked
from asyncstream.relay.log.redis_writer import RedisWriter
from asyncstream.relay.log.run_log import RunLog
from benchmarks.free_ports import free_port

real = [pytest.mark.system, needs_redis]


def marked(test):
    for mark in real:
        test = mark(test)
    return test


async def test_a_redis_that_is_not_there_is_named_at_once():
    port = free_port()
    log = RunLog(RedisStore(f"redis://127.0.0.1:{port}/0"))
    feed = Feed()
    with pytest.raises(StoreError, match=rf"the Redis at 127\.0\.0\.1:{port} cannot be reached") as caught:
        await log.start("run-1", feed)
    with pytest.raises(StoreError, match="cannot be reached"):
        await log.follow("run-1").open()
    await log.close()

    assert ("127.0.0.1", port, 503) == (caught.value.host, caught.value.port, caught.value.status)
    assert not feed.opened
    assert feed.closed
    assert {} == log._tails


async def test_a_redis_that_is_silent_is_named_within_the_connect_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        log = RunLog(RedisStore(f"redis://{host}:{port}/0", connect_timeout=0.1))
        begun = asyncio.get_running_loop().time()
        with pytest.raises(StoreError, match=rf"{host}:{port} did not answer within 0\.1 s"):
            await log.start("run-1", Feed())
        elapsed = asyncio.get_running_loop().time() - begun
        await log.close()

    assert 0.1 <= elapsed < 1.0


@pytest.mark.parametrize("url", ["", "http://localhost", "redis://h:port/0", "redis://h:99999", "unix://", None, 6379])
def test_an_url_that_is_none(url):
    with pytest.raises(ConfigurationError, match="expected the URL of a Redis"):
        RedisStore(url)


def test_an_url_that_is_none_keeps_its_password():
    for url in (
        "http://u:s3cr3t-pw@h",
        "redis://u:s3cr3t-pw@h:port/0",
        "redis://u:s3cr3t-pw@h/0?max_connections=s3cr3t-pw",
    ):
        with pytest.raises(ConfigurationError) as caught:
            RedisStore(url)

        assert "s3cr3t-pw" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["max_events", "ttl", "owner_ttl", "connect_timeout", "reconnect_timeout"])
@pytest.mark.parametrize("limit", [0, -1, True, "5", float("nan"), float("inf"), None])
def test_limits_are_above_zero(name, limit):
    with pytest.raises(ConfigurationError, match=f"expected {name}"):
        RedisStore("redis://localhost", **{name: limit})


@pytest.mark.parametrize("prefix", ["{a}", "a}", None])
def test_a_prefix_does_not_place_keys(prefix):
    with pytest.raises(ConfigurationError, match="prefix"):
        RedisStore("redis://localhost", prefix=prefix)


def test_without_the_extra_its_name_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)

    with pytest.raises(ConfigurationError, match=re.escape("pip install 'asyncstream[redis]'")):
        RedisStore("redis://localhost")


def test_the_keys_of_a_run_hash_to_one_slot():
    for run_id in ("run-1", "a:b", "x" * 200):
        keys = Keys.of("asyncstream:", run_id)

        assert 1 == len({key_slot(key.encode()) for key in keys})
        assert key_slot(run_id.encode()) == key_slot(keys.events.encode())


@marked
async def test_a_password_is_shown_nowhere(redis_server, tmp_path, caplog):
    redis_server.kill()
    await redis_server.start("--requirepass", "another-pw-9")
    caplog.set_level(logging.DEBUG)
    url = redis_server.url.replace("redis://", "redis://:s3cr3t-pw@")
    store = RedisStore(url)
    log = RunLog(store)
    with pytest.raises(StoreError, match="refused the credentials of the URL") as caught:
        await log.start("run-1", Feed())
    await log.close()
    shown = "".join(traceback.format_exception(caught.value)) + repr([store, log, store._link, vars(caught.value)])

    assert "s3cr3t-pw" not in shown + caplog.text + str(pickle.dumps(caught.value)) + caught.value.body().decode()


@marked
async def test_what_a_run_leaves_behind_expires(redis_server):
    async with RunLog(RedisStore(redis_server.url, ttl=0.3, prefix="test:")) as log:
        await log.start("run-1", many(3))
        entries = await read(log, "run-1")
        await until(lambda: not log.running)
        keys = Keys.of("test:", "run-1")
        # It has no view, and so no key for one.
        left = [int((await redis_server.command("PTTL", key))[0][1:]) for key in keys[:2]]

        async def nothing_left() -> bool:
            return await redis_server.command("DBSIZE") == [":0"]

        await until(nothing_left)
        with pytest.raises(RunNotFoundError):
            await log.follow("run-1").open()
        with pytest.raises(CursorGoneError):
            await log.follow("run-1", after=2).open()

    assert 4 == len(entries)
    assert all(0 < milliseconds <= 300 for milliseconds in left)


@marked
async def test_the_view_of_a_run_is_kept_as_long_as_its_entries(redis_server):
    store = RedisStore(redis_server.url, ttl=60, owner_ttl=0.2, prefix="test:")
    keys = Keys.of("test:", "run-1")
    try:
        writer = await store.claim("run-1", "text")
        for number in range(1, 4):
            writer.append(Entry(number, "text", b"{}"))
        writer.append(Entry(4, "done", b"[DONE]"))
        await writer.finish()
        left = [int((await redis_server.command("PTTL", key))[0][1:]) for key in (keys.events, keys.view)]
        page = await store.read("run-1", 4, limit=10)
        await (await store.claim("run-2", "text")).release()
        await store.claim("run-2")
        again = await redis_server.command("EXISTS", Keys.of("test:", "run-2").view)
    finally:
        await store.close()

    assert ("text", True) == (page.view, page.ended)
    assert all(50_000 < milliseconds <= 60_000 for milliseconds in left)
    assert [":0"] == again


@marked
async def test_a_long_run_is_trimmed_and_readers_are_told(redis_server):
    async with RunLog(RedisStore(redis_server.url, max_events=200)) as log:
        await log.start("run-1", many(3_000))
        await until(lambda: not log.running)
        with pytest.raises(CursorGoneError, match=r"entry 1 of the run 'run-1' is not kept any more") as caught:
            await log.follow("run-1").open()
        kept = await read(log, "run-1", after=2_900)

    assert 410 == caught.value.status
    assert list(range(2_901, 3_001)) == numbers(kept)


@marked
async def test_a_reader_that_is_too_slow_is_told(redis_server):
    async with RunLog(RedisStore(redis_server.url, max_events=100)) as log:
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
    assert rest[-1].id is None
    assert [entry.id for entry in rest[:-1]] == list(range(2, len(rest) + 1))


async def lose(log: RunLog, run_id: str) -> None:
    """Stop the producer as a `kill -9` does: no last words, and its ownership is not renewed."""
    [writer] = [task for task in asyncio.all_tasks() if task.get_name().startswith("asyncstream writer")]
    writer.cancel()
    await asyncio.wait([writer])


@marked
async def test_a_lost_producer_ends_its_run_once_for_all_readers(redis_server):
    store = RedisStore(redis_server.url, owner_ttl=0.4)
    other = RedisStore(redis_server.url, owner_ttl=0.4)
    log, elsewhere = RunLog(store), RunLog(other)
    feed = Feed()
    await log.start("run-1", feed)
    feed.say(1, 2)
    readers = [asyncio.create_task(read(one, "run-1")) for one in (log, log, elsewhere, elsewhere)]
    assert 2 == len(await read(log, "run-1", count=2))
    await lose(log, "run-1")
    found = await asyncio.gather(*readers)
    late = await read(elsewhere, "run-1", after=1)

    assert [1, 2, 3] == [entry.id for entry in found[0]]
    assert "producer_lost" == json.loads(found[0][-1].data)["error"]["code"]
    assert [found[0]] * 4 == found
    assert found[0][1:] == late
    await elsewhere.close()
    await log.close()


@marked
async def test_a_silent_producer_is_not_lost(redis_server):
    async with RunLog(RedisStore(redis_server.url, owner_ttl=0.3)) as log:
        feed = Feed()
        await log.start("run-1", feed)
        reader = asyncio.create_task(read(log, "run-1"))
        # Longer than an ownership and the patience after it.
        await asyncio.sleep(1.0)
        feed.say(1)
        feed.end()

        assert ["said", "done"] == [entry.event for entry in await reader]


@marked
async def test_a_run_whose_producer_died_is_not_begun_again(redis_server):
    """Its entries are still read; those of a second producer would stand behind them as if they belonged together."""
    async with RunLog(RedisStore(redis_server.url)) as log:
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(1)
        assert 1 == len(await read(log, "run-1", count=1))
        await redis_server.command("DEL", Keys.of("asyncstream:", "run-1").owner)
        with pytest.raises(RunExistsError):
            await log.start("run-1", Feed())


@marked
async def test_a_producer_that_died_before_its_first_entry(redis_server):
    async with RunLog(RedisStore(redis_server.url, owner_ttl=0.4)) as log:
        await log.start("run-1", Feed())
        reader = asyncio.create_task(read(log, "run-1"))
        await lose(log, "run-1")
        entries = await reader

    assert ["producer_lost"] == [json.loads(entry.data)["error"]["code"] for entry in entries]


@marked
async def test_a_producer_that_was_declared_lost_writes_nothing_more(redis_server, caplog):
    """A process that was stopped for a while comes back: its run is over, and it must not go on beside that."""
    store = RedisStore(redis_server.url, owner_ttl=0.4)
    async with RunLog(store) as log:
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(1)
        assert 1 == len(await read(log, "run-1", count=1))
        await redis_server.command("DEL", Keys.of("asyncstream:", "run-1").owner)
        looked = await store._look("run-1", 1, 10)
        await store._lose("run-1", 1, looked)
        feed.say(2)
        entries = await read(log, "run-1")
        # The entry that is refused is on its way for a moment; the next one is told.
        await until(lambda: bool(feed.say(3)) or not log.running)

    assert ["said", "error"] == [entry.event for entry in entries]
    assert entries == [*entries[:1], Entry(2, "error", entries[1].data)]
    assert "is no longer owned by this producer" in caplog.text
    assert feed.closed


@marked
async def test_an_ownership_that_nobody_missed_is_taken_again(redis_server):
    async with RunLog(RedisStore(redis_server.url)) as log:
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(1)
        reader = asyncio.create_task(read(log, "run-1"))
        assert 1 == len(await read(log, "run-1", count=1))
        await redis_server.command("DEL", Keys.of("asyncstream:", "run-1").owner)
        feed.say(2)
        feed.end()

        assert [1, 2, 3] == [entry.id for entry in await reader]


async def test_a_producer_is_not_missed_while_redis_is_away(monkeypatch):
    """What counts is the time in which the reader got answers: the producer's Redis is the same."""
    store = RedisStore("redis://localhost", owner_ttl=0.001)
    asked = 0

    async def no_entries(run_id: str, after: int, limit: int) -> list[Entry]:
        await asyncio.sleep(0.002)
        return []

    async def look(run_id: str, after: int, limit: int) -> _Looked:
        nonlocal asked
        asked += 1
        store._link.failures += 1
        return _Looked([Entry(1, "done", b"[DONE]")] if asked > 10 else [], 1, True, None)

    monkeypatch.setattr(store, "_block", no_entries)
    monkeypatch.setattr(store, "_look", look)
    page = await store.wait("run-1", 0, limit=10)
    await store.close()

    assert page.ended
    assert 11 == asked


@marked
async def test_a_restart_in_the_middle_of_a_run_loses_nothing(redis_server):
    async with RunLog(RedisStore(redis_server.url, owner_ttl=1.0)) as log:
        await log.start("run-1", many(2_000, rate=1_000))
        readers = [asyncio.create_task(read(log, "run-1")) for _ in range(5)]
        assert 300 == len(await read(log, "run-1", count=300))
        redis_server.kill()
        await asyncio.sleep(0.5)
        await redis_server.start()
        found = await asyncio.gather(*readers)

    assert [list(range(1, 2_002))] * 5 == [[entry.id for entry in entries] for entries in found]
    assert list(range(1, 2_001)) == numbers(found[0])


@marked
async def test_a_redis_that_forgot_everything_is_brought_the_newest_again(tmp_path, caplog):
    server = RedisServer(tmp_path, keeps=False)
    await server.start()
    try:
        async with RunLog(RedisStore(server.url, owner_ttl=0.6)) as log:
            feed = Feed()
            await log.start("run-1", feed)
            feed.say(*range(1, 101))
            reader = asyncio.create_task(read(log, "run-1"))
            assert 100 == len(await read(log, "run-1", count=100))
            server.kill()
            await server.start()
            # Also of a model that is silent: with the next renewal.
            assert 100 == len(await until_read(log, 100))
            feed.end()
            found = [await reader, await read(log, "run-1")]
    finally:
        server.kill()

    assert [list(range(1, 102))] * 2 == [[entry.id for entry in entries] for entries in found]
    assert "" == caplog.text


async def until_read(log: RunLog, count: int) -> list[Entry]:
    while True:
        try:
            return await read(log, "run-1", count=count)
        except RunNotFoundError:
            await asyncio.sleep(0.02)


@marked
async def test_a_redis_that_forgot_everything_is_no_endless_wait(tmp_path, monkeypatch, caplog):
    """What readers had, they have; they go on where the producer goes on, and who wants what is gone is told."""
    writers: list[RedisWriter] = []
    claim = RedisStore.claim

    async def claimed(*args: Any) -> RedisWriter:
        writers.append(await claim(*args))
        return writers[-1]

    monkeypatch.setattr(RedisStore, "claim", claimed)
    server = RedisServer(tmp_path, keeps=False)
    await server.start()
    try:
        async with RunLog(RedisStore(server.url, owner_ttl=0.6)) as log:
            feed = Feed()
            await log.start("run-1", feed)
            feed.say(*range(1, 101))
            reader = asyncio.create_task(read(log, "run-1"))
            assert 100 == len(await read(log, "run-1", count=100))
            # Readers may have what the writer has not been told yet that it is stored.
            await until(lambda: writers[0]._stored == 100)
            server.kill()
            # As if it were long ago: what is newer is brought again.
            writers[0]._kept.clear()
            await server.start()
            feed.say(101)
            feed.end()
            entries = await reader
            with pytest.raises(CursorGoneError, match=r"the Redis at .* has trimmed or lost it"):
                await log.follow("run-1").open()
    finally:
        server.kill()

    assert list(range(1, 103)) == [entry.id for entry in entries]
    assert "has lost entries 1 to 100 of a run" in caplog.text


@marked
async def test_a_reader_ahead_of_a_run_that_has_ended_without_an_owner_is_told(redis_server):
    """What took over has the end of it, but less than this reader had: there is nobody to wait for."""
    store = RedisStore(redis_server.url, owner_ttl=1)
    async with RunLog(store) as log:
        await log.start("run-1", many(3))
        assert 4 == len(await read(log, "run-1"))
        keys = Keys.of("asyncstream:", "run-1")
        await store._link.ask(keys.owner, ("DEL", keys.owner))
        async with asyncio.timeout(10):
            assert (await store.wait("run-1", 4, limit=10)).ended
            with pytest.raises(CursorGoneError, match="the cursor 9 is ahead"):
                await store.wait("run-1", 9, limit=10)


async def settling(redis: RedisServer) -> tuple[RunLog, RedisStore]:
    """Have a run end at a Redis that may be replaced, and has no replica that could have the end."""
    store = RedisStore(redis.url)
    store._link.fails_over = True
    log = RunLog(store)
    await log.start("run-1", many(3))
    assert 4 == len(await read(log, "run-1"))
    await until(lambda: not log.running)
    return log, store


def writers() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("asyncstream writer")]


@marked
async def test_an_end_that_is_brought_again_keeps_all_of_the_run_as_long(redis_server):
    log, store = await settling(redis_server)
    keys = Keys.of("asyncstream:", "run-1")
    await store._link.ask(keys.events, *(("PEXPIRE", key, 60_000) for key in (keys.events, keys.owner)))

    async def left(key: str) -> int:
        return int((await redis_server.command("PTTL", key))[0][1:])

    async def kept() -> bool:
        return await left(keys.owner) > 60_000

    await until(kept)
    found = await left(keys.events)
    await log.close()

    assert found > 60_000


@marked
async def test_a_store_whose_closing_is_cancelled_looks_after_no_end_any_more(redis_server, caplog):
    log, store = await settling(redis_server)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    assert 1 == len(writers())
    closing.cancel()
    await asyncio.wait([closing])
    await asyncio.sleep(0)
    left = writers()
    await asyncio.sleep(0.6)
    await log.close()

    assert [] == left
    assert "" == caplog.text


@marked
async def test_a_redis_that_stays_away_is_an_error_entry(redis_server, caplog):
    log = RunLog(RedisStore(redis_server.url, reconnect_timeout=0.3))
    feed = Feed()
    await log.start("run-1", feed)
    feed.say(1)
    reader = asyncio.create_task(read(log, "run-1"))
    assert 1 == len(await read(log, "run-1", count=1))
    redis_server.kill()
    feed.say(2)
    entries = await reader
    # The producer waits for events; with the next one it hears that there is no store, and lets its upstream go.
    await until(lambda: bool(feed.say(3)) or not log.running)
    await log.close()

    assert [1, None] == [entry.id for entry in entries]
    assert "store_unavailable" == json.loads(entries[-1].data)["error"]["code"]
    assert f"127.0.0.1:{redis_server.port} cannot be reached" in caplog.text
    assert feed.closed


@marked
async def test_readers_of_a_run_share_one_connection_and_leave_none(redis_server):
    log = RunLog(RedisStore(redis_server.url))
    feed = Feed()
    await log.start("run-1", feed)
    feed.say(1)
    readers = [asyncio.create_task(read(log, "run-1")) for _ in range(200)]
    await until(lambda: bool(log._tails) and log._tails["run-1"].window.waiting == 200)

    async def blocked() -> int:
        return sum("b" in client["flags"] for client in await redis_server.clients())

    async def is_blocked() -> bool:
        return await blocked() > 0

    async def is_free() -> bool:
        return await blocked() == 0

    async def is_left() -> bool:
        return not await redis_server.clients()

    await until(is_blocked)
    reading = await blocked()
    connections = len(await redis_server.clients())
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    feed.end()
    await feed.gone()
    await until(is_free)
    await log.close()
    await until(is_left)
    gc.collect()

    assert 1 == reading
    assert connections <= 20
    assert {asyncio.current_task()} == asyncio.all_tasks()


@marked
async def test_readers_that_are_cancelled_at_any_moment_end(redis_server):
    """A client of Redis may lose a cancellation that comes while it sends."""
    async with RunLog(RedisStore(redis_server.url)) as log:
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(1, 2)
        for turns in range(120):
            reader = asyncio.create_task(read(log, "run-1"))
            for _ in range(turns):
                await asyncio.sleep(0)
            reader.cancel()
            async with asyncio.timeout(5):
                await asyncio.wait([reader])
        await until(lambda: not any(task.get_name().startswith("asyncstream tail") for task in asyncio.all_tasks()))

        assert {} == log._tails


@marked
async def test_the_producer_waits_when_redis_is_away_and_nothing_is_lost(redis_server, monkeypatch):
    monkeypatch.setattr("asyncstream.relay.log.redis_writer._FULL_EVENTS", 50)
    async with RunLog(RedisStore(redis_server.url)) as log:
        given = 0

        async def counted():
            nonlocal given
            async for entry in many(400):
                given += 1
                yield entry

        redis_server.kill()
        await redis_server.start()
        await log.start("run-1", counted())
        redis_server.kill()
        await until(lambda: given >= 51)
        held_at = given
        await redis_server.start()
        entries = await read(log, "run-1")

    assert held_at <= 60
    assert list(range(1, 402)) == [entry.id for entry in entries]


@marked
async def test_a_batch_whose_answer_was_lost_is_sent_again_and_adds_nothing(redis_server, monkeypatch, caplog):
    store = RedisStore(redis_server.url)
    async with RunLog(store) as log:
        patiently = store._link.patiently

        async def twice(ask):
            await patiently(ask)
            return await patiently(ask)

        monkeypatch.setattr(store._link, "patiently", twice)
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(1, 2)
        assert 2 == len(await read(log, "run-1", count=2))
        feed.say(3)
        feed.end()
        entries = await read(log, "run-1")
        await until(lambda: not log.running)

    assert [1, 2, 3, 4] == [entry.id for entry in entries]
    assert "" == caplog.text


@marked
async def test_events_of_any_size_and_name_pass(redis_server):
    async def large():
        for size in (0, 1, 700_000, 5_000_000):
            yield Entry(None, "thread.message.délta", json.dumps("é" * size, ensure_ascii=False).encode())

    async with RunLog(RedisStore(redis_server.url)) as log:
        await log.start("run-1", large())
        entries = await read(log, "run-1")

    assert [0, 1, 700_000, 5_000_000] == [len(json.loads(entry.data)) for entry in entries[:-1]]
    assert {"thread.message.délta"} == {entry.event for entry in entries[:-1]}
    assert "done" == entries[-1].event


def test_the_store_is_found_where_it_is_documented():
    from asyncstream import relay

    assert relay.RedisStore is RedisStore
    assert Path(relay.__file__).parent.name == "relay"
