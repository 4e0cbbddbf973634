"""What pages need of a log: to come back to a run that goes on, to stop one from anywhere, to save what came of it."""

import asyncio
import json
from typing import Any

import pytest
from feeds import Feed, many, read, until
from redis_server import RedisServer, needs_redis
from test_views import answered
from upstream_wire import HELLO_CHAT, chunk_frame, upstream

from asyncstream.errors import StreamInterruptedError, StreamTruncatedError
from asyncstream.relay import MemoryStore, RedisStore, RelayResponse, RunLog
from asyncstream.relay.log.store import Page, Store
from asyncstream.types import ChatCompletion

REST = [chunk_frame("lo"), chunk_frame("", "stop")]


async def half_read(log: RunLog, run_id: str = "run-1") -> None:
    """Wait until a run has said something."""
    async with asyncio.timeout(20), log.follow(run_id) as reader:
        while b"Half" not in (await anext(reader)).data:
            pass


async def resumed(log: RunLog, run_id: str | None) -> tuple[int, bytes]:
    async with answered(lambda request: log.resume(request, run_id)) as response:
        return response.status, await response.read()


# Coming back.


@pytest.mark.parametrize("run_id", [None, "unknown", "no run has this name"])
async def test_where_no_run_goes_on_a_page_hears_204(store: Store, run_id: str | None) -> None:
    async with RunLog(store) as log:
        assert (204, b"") == await resumed(log, run_id)


async def test_a_run_that_is_over_is_not_played_again(store: Store) -> None:
    async with RunLog(store) as log:
        # More than a page of the store.
        await log.start("run-1", many(500))
        await read(log, "run-1")

        assert (204, b"") == await resumed(log, "run-1")


async def test_a_run_that_goes_on_is_given_from_its_beginning(store: Store) -> None:
    async with upstream([chunk_frame("Half")], "silence") as model, RunLog(store) as log:
        await log.start("run-1", model.chat(), view="ui-messages")
        await half_read(log)
        async with answered(lambda request: log.resume(request, "run-1")) as response:
            await log.cancel("run-1")
            body = await response.read()

    assert 200 == response.status
    assert b'"type":"start"' in body.splitlines()[1]
    assert b"Half" in body
    assert body.rstrip().endswith(b"data: [DONE]")


BEFORE = [
    {"type": "tool-input-start", "toolCallId": "c1", "toolName": "pay", "dynamic": True},
    {"type": "tool-input-available", "toolCallId": "c1", "toolName": "pay", "input": {}, "dynamic": True},
]


async def test_what_stood_in_the_message_before_follows_what_begins_it(store: Store) -> None:
    async with upstream([chunk_frame("Half")], "silence") as model, RunLog(store) as log:
        await log.start("run-1", model.chat(), view="ui-messages")
        await half_read(log)
        async with answered(lambda request: log.resume(request, "run-1", before=BEFORE)) as response:
            await log.cancel("run-1")
            body = await response.read()

    parts = [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: {")]
    assert ["start", "tool-input-start", "tool-input-available", "start-step"] == [part["type"] for part in parts[:4]]
    # Of this reader it is open, and closed with all else.
    assert {"type": "tool-output-error", "toolCallId": "c1"}.items() <= parts[-3].items()
    assert "abort" == parts[-1]["type"]


async def test_behind_a_run_that_only_ends_nothing_is_told(store: Store) -> None:
    async with RunLog(store) as log:
        await log.start("run-1", Feed())
        source = log.resumption({"type": "http", "headers": []}, "run-1", before=BEFORE)
        await source.open()
        await log.cancel("run-1")
        entries = [entry async for entry in source]
        await source.close()

    assert ["error"] == [entry.event for entry in entries]


async def test_a_cursor_of_the_page_is_not_looked_at() -> None:
    feed = Feed()
    log = RunLog()
    await log.start("run-1", feed)
    feed.say(1, 2)
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"after=1", "asgi": {"spec_version": "2.3"}}
    scope["headers"] = [(b"last-event-id", b"1")]
    source = log.resumption(scope, "run-1")
    await source.open()
    first = await anext(aiter(source))
    await source.close()
    await log.close()

    assert 1 == first.id


async def test_a_run_that_lost_its_beginning_is_not_given() -> None:
    feed = Feed()
    async with RunLog(MemoryStore(max_events=2)) as log:
        await log.start("run-1", feed)
        feed.say(1)
        await read(log, "run-1", count=1)
        feed.say(2, 3)
        await read(log, "run-1", after=1, count=2)

        assert (204, b"") == await resumed(log, "run-1")


@pytest.mark.parametrize("known", [True, False])
async def test_who_may_not_read_a_run_does_not_learn_whether_there_is_one(known: bool) -> None:
    async def authorize(request: Any, run_id: str) -> bool:
        return False

    async with RunLog(authorize=authorize) as log:
        if known:
            await log.start("run-1", Feed())
        status, body = await resumed(log, "run-1")

    assert (403, "access_denied") == (status, json.loads(body)["error"]["code"])


async def test_a_page_comes_back_by_asgi() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "asgi": {"spec_version": "2.3"}}
    async with RunLog() as log:
        await RelayResponse(log.resumption(scope, None))(scope, receive, send)

    assert 204 == sent[0]["status"]


# Stopping.


async def test_a_run_is_stopped_by_a_log_that_does_not_produce_it(store: Store) -> None:
    async with upstream([chunk_frame("Half")], "silence") as model:
        producer, other = RunLog(store), RunLog(store)
        cancelled = asyncio.Event()

        async def on_cancel() -> None:
            cancelled.set()

        await producer.start("run-1", model.chat(), on_cancel=on_cancel)
        await half_read(producer)
        stopped = await other.cancel("run-1")
        async with asyncio.timeout(20):
            entries = await read(other, "run-1")
            await cancelled.wait()
            await asyncio.shield(model.left)
        again = await other.cancel("run-1")
        await producer.close()

    assert (True, False) == (stopped, again)
    assert ("error", "cancelled") == (entries[-1].event, json.loads(entries[-1].data)["error"]["code"])


@pytest.mark.system
@needs_redis
async def test_a_producer_whose_model_is_silent_hears_that_it_is_to_stop(redis_server: RedisServer) -> None:
    # It would find that written down after 40 s.
    here, there = (RedisStore(redis_server.url, owner_ttl=120.0) for _ in range(2))

    async def subscribed() -> bool:
        return any(client["cmd"] == "subscribe" for client in await redis_server.clients())

    async with upstream([chunk_frame("Half")], "silence") as model, RunLog(here) as producer, RunLog(there) as other:
        await producer.start("run-1", model.chat())
        await half_read(producer)
        await until(subscribed)
        assert await other.cancel("run-1")
        async with asyncio.timeout(20):
            await asyncio.shield(model.left)
            entries = await read(other, "run-1")
        await until(lambda: not producer.running)

    assert "error" == entries[-1].event


@pytest.mark.parametrize("run_id", ["unknown", "no run has this name"])
async def test_what_does_not_go_on_is_not_stopped(store: Store, run_id: str) -> None:
    async with RunLog(store) as log:
        assert not await log.cancel(run_id)


async def test_a_run_of_a_name_that_was_stopped_before_begins_anew(store: Store) -> None:
    async with RunLog(store) as log:
        other = RunLog(store)
        await log.start("run-1", Feed())
        await other.cancel("run-1")
        async with asyncio.timeout(20):
            await read(log, "run-1")
        # The first has ended; one of another name knows nothing of that.
        await log.start("run-2", many(3))
        entries = await read(log, "run-2")

    assert "done" == entries[-1].event


async def test_a_store_that_can_tell_nobody_stops_only_what_is_here() -> None:
    class Plain:
        def __init__(self) -> None:
            self._kept = MemoryStore()

        async def claim(self, run_id: str, view: str = "") -> Any:
            return await self._kept.claim(run_id, view)

        async def read(self, run_id: str, after: int, *, limit: int) -> Page:
            return await self._kept.read(run_id, after, limit=limit)

        async def wait(self, run_id: str, after: int, *, limit: int) -> Page:
            return await self._kept.wait(run_id, after, limit=limit)

        async def close(self) -> None:
            await self._kept.close()

    kept = Plain()
    async with RunLog(kept) as log:
        await log.start("run-1", Feed())

        assert not await RunLog(kept).cancel("run-1")
        assert await log.cancel("run-1")


# What came of it.


class Saved:
    """An `on_finish` that keeps what it is given."""

    def __init__(self) -> None:
        self.what: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def __call__(self, final: Any) -> None:
        self.what.set_result(final)

    async def final(self) -> Any:
        async with asyncio.timeout(20):
            return await self.what


async def test_an_answer_is_saved_though_nobody_reads_it() -> None:
    saved = Saved()
    async with upstream(HELLO_CHAT) as model, RunLog() as log:
        await log.start("run-1", model.chat(), view="ui-messages", on_finish=saved)
        final = await saved.final()

    assert isinstance(final, ChatCompletion)
    assert "Hello" == final.choices[0].message.content


async def test_of_an_answer_that_broke_off_the_error_is_given_with_what_came() -> None:
    saved = Saved()
    async with upstream([chunk_frame("Half")]) as model, RunLog() as log:
        await log.start("run-1", model.chat(), on_finish=saved)
        final = await saved.final()

    assert isinstance(final, StreamTruncatedError)
    assert "Half" in str(final.partial and vars(final)["partial"].completion)


async def test_of_an_answer_that_was_stopped_too() -> None:
    saved = Saved()
    async with upstream([chunk_frame("Half")], "silence") as model, RunLog() as log:
        await log.start("run-1", model.chat(), on_finish=saved)
        await half_read(log)
        await log.cancel("run-1")
        final = await saved.final()

    assert isinstance(final, StreamInterruptedError)
    assert final.partial is not None


async def test_of_entries_of_ones_own_nothing_is_known() -> None:
    saved = Saved()
    async with RunLog() as log:
        await log.start("run-1", many(3), on_finish=saved)

        assert await saved.final() is None


async def test_what_on_finish_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(final: object) -> None:
        raise ValueError("disk full")

    async with RunLog() as log:
        await log.start("run-1", many(3), on_finish=fail)
        entries = await read(log, "run-1")
        await log.close(finish=20)

    assert "done" == entries[-1].event
    assert "on_finish of the run 'run-1' failed: ValueError: disk full" in caplog.text
