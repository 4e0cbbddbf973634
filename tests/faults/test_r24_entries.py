"""R24: "a producer whose entry cannot be encoded; an event name with a newline: logged, told to readers, upstream
closed; nothing waits for ever."

An application's own entries are given to every way out of the relay, directly and through a log, and a store gives what
nobody could have stored. Each reader gets what came before, then one `error`; nothing of the bad entry goes out, so
that no name begins a field or an event of its own.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from assistants_wire import DONE, HELLO
from event_streams import EventDecoder, ServerSentEvent
from redis_server import RedisServer, needs_redis
from upstream_wire import upstream

from asyncstream.errors import StreamEventError
from asyncstream.relay import (
    Entry,
    MemoryStore,
    RelayResponse,
    RunLog,
    StoreError,
    ndjson_lines,
    open_relay,
    sse_frames,
    text_chunks,
)
from asyncstream.relay.log.redis_store import RedisStore
from asyncstream.relay.log.store import Page, Store

pytestmark = pytest.mark.faults

GOOD = Entry(None, "text", b'{"text":"before"}')

BAD_NAMES = [
    *("a\nb", "a\rb", "a\r\nid: 9", "a\n\ndata: evil", "\n", "a\n", "event: x\ndata: evil", "a\0b"),
    # Where readers split that use `str.splitlines`.
    *("a\x0bb", "a\x0cb", "a\x1cb", "a\x1db", "a\x1eb", "a\x85b", "a\u2028b", "a\u2029b"),
    *("\ud83d", "a\udcff", "x" * 1025, None, 5, b"bytes", ["text"]),
]
BAD_DATA = [b"\xff", b'{"text":"\xc3"}', b"\xed\xa0\xbd", '{"text":"a"}', None, {"text": "a"}, bytearray(b"{}"), 5]
BAD_IDS = ["1", "1\nevent: evil", -1, 1.5, True, 10**18, b"1"]
NO_ENTRIES = [None, {}, "data: evil\n\n", b"{}", ("text", b"{}"), Entry]

BAD: list[Any] = [
    *(Entry(None, name, b"{}") for name in BAD_NAMES),  # type: ignore[arg-type]  # what a struct takes all the same
    *(Entry(None, "text", data) for data in BAD_DATA),  # type: ignore[arg-type]
    *(Entry(id, "text", b"{}") for id in BAD_IDS),  # type: ignore[arg-type]
    *NO_ENTRIES,
]
bad = pytest.mark.parametrize("bad", BAD, ids=lambda bad: ascii(bad)[:60])


class Given:
    """What an application gives as its entries, in one of the two shapes that a relay takes."""

    def __init__(self, *items: Any, forever: bool = True) -> None:
        self.closed = asyncio.Event()
        self._items = iter(items)
        self._forever = forever

    def iterator(self) -> AsyncIterator[Entry]:
        async def given() -> AsyncIterator[Entry]:
            try:
                async for item in self:
                    yield item
            finally:
                self.closed.set()

        return given()

    # A source of its own.

    async def open(self) -> None:
        pass

    def __aiter__(self) -> "Given":
        return self

    async def __anext__(self) -> Any:
        for item in self._items:
            if isinstance(item, BaseException):
                raise item
            return item
        if self._forever:
            # It would speak for ever: who waits for its end instead of closing it is found out.
            await asyncio.Event().wait()
        raise StopAsyncIteration

    async def close(self) -> None:
        self.closed.set()


shape = pytest.mark.parametrize("shape", ["iterator", "source"])


def made(upstream: Given, shape: str) -> Any:
    return upstream.iterator() if shape == "iterator" else upstream


async def joined(chunks: AsyncIterator[bytes]) -> bytes:
    async with asyncio.timeout(10):
        return b"".join([data async for data in chunks])


def seen(body: bytes) -> list[ServerSentEvent]:
    return EventDecoder().feed(body)


def code_of(data: str | bytes) -> str:
    return json.loads(data)["error"]["code"]


async def settled(upstream: Given) -> None:
    """Wait until the upstream was closed and no task of the relay is left."""
    async with asyncio.timeout(10):
        await upstream.closed.wait()
        ours = [task for task in asyncio.all_tasks() if task.get_name().startswith("asyncstream")]
        await asyncio.gather(*ours, return_exceptions=True)


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


# To one reader.


async def by_asgi(source: Any) -> bytes:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    async with asyncio.timeout(10):
        await RelayResponse(source)({"type": "http", "method": "GET"}, receive, send)
    assert False is sent[-1]["more_body"]
    return b"".join(message["body"] for message in sent[1:])


async def by_open_relay(source: Any) -> bytes:
    return await joined((await open_relay(source)).body)


WAYS: dict[str, Callable[[Any], Awaitable[bytes]]] = {
    "sse_frames": lambda source: joined(sse_frames(source)),
    "compatible": lambda source: joined(sse_frames(source, compatible=True)),
    "RelayResponse": by_asgi,
    "open_relay": by_open_relay,
}


@bad
@shape
@pytest.mark.parametrize("way", WAYS)
async def test_a_reader_gets_what_came_before_and_one_error(way, shape, bad, caplog):
    upstream = Given(GOOD, bad)
    body = await WAYS[way](made(upstream, shape))
    await settled(upstream)

    assert ["text", "error"] == [event.event for event in seen(body)]
    assert "relay_error" == code_of(seen(body)[-1].data)
    assert b"evil" not in body
    assert ["a relayed source failed with ConfigurationError"] == complaints(caplog)


@bad
@shape
async def test_a_reader_of_lines_gets_what_came_before_and_one_error(shape, bad):
    upstream = Given(GOOD, bad)
    lines = (await joined(ndjson_lines(made(upstream, shape)))).splitlines()
    await settled(upstream)

    assert [{"text": "before"}, "error"] == [json.loads(lines[0]), json.loads(lines[1])["event"]]
    assert 2 == len(lines)


@bad
@shape
async def test_a_reader_of_text_is_cut_off(shape, bad):
    upstream = Given(GOOD, bad)
    got = b""
    with pytest.raises(StreamEventError, match="the relayed stream failed: the relay failed"):
        async with asyncio.timeout(10):
            async for data in text_chunks(made(upstream, shape)):
                got += data
    await settled(upstream)

    assert b"before" == got


# Through a log.


@pytest.fixture(params=["memory", pytest.param("redis", marks=[pytest.mark.system, needs_redis])])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    server = RedisServer(tmp_path)
    await server.start()
    found = RedisStore(server.url, owner_ttl=1.0)
    try:
        yield found
    finally:
        await found.close()
        server.kill()


async def read(log: RunLog, run_id: str) -> list[Entry]:
    async with asyncio.timeout(20), log.follow(run_id) as following:
        return [entry async for entry in following]


@shape
async def test_a_producers_readers_get_what_came_before_and_one_error(shape, store, caplog):
    async with RunLog(store) as log:
        for number, bad in enumerate(BAD):
            caplog.clear()
            upstream = Given(GOOD, bad)
            await log.start(f"run-{number}", made(upstream, shape))
            entries = await read(log, f"run-{number}")
            async with asyncio.timeout(10):
                await upstream.closed.wait()

            assert [(1, "text"), (2, "error")] == [(entry.id, entry.event) for entry in entries], ascii(bad)
            assert "relay_error" == code_of(entries[-1].data)
            assert ["a relayed source failed with ConfigurationError"] == complaints(caplog)
        async with asyncio.timeout(10):
            while log.running:  # noqa: ASYNC110 - nobody tells when a producer's task has ended
                await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([GOOD, ZeroDivisionError("words of the program")], "relay_error"),
        ([ZeroDivisionError("words of the program")], "relay_error"),
        ([GOOD, StoreError("another store is away")], "store_unavailable"),
        ([GOOD, UnicodeEncodeError("utf-8", "x", 0, 1, "words of the program")], "relay_error"),
        ([GOOD, asyncio.CancelledError()], "producer_lost"),
    ],
)
async def test_a_source_that_fails_with_anything_ends_its_run(items, code, store):
    upstream = Given(*items)
    async with RunLog(store) as log:
        await log.start("run-1", upstream)
        entries = await read(log, "run-1")
        await asyncio.wait_for(upstream.closed.wait(), 10)

    assert ("error", code) == (entries[-1].event, code_of(entries[-1].data))
    assert len(items) == len(entries)
    assert b"words" not in entries[-1].data


async def test_a_source_that_ends_without_a_last_entry_ends_its_run_with_an_error(store, caplog):
    upstream = Given(GOOD, forever=False)
    async with RunLog(store) as log:
        await log.start("run-1", upstream)
        entries = await read(log, "run-1")

    assert ["text", "error"] == [entry.event for entry in entries]
    assert 1 == len(complaints(caplog))


async def test_nothing_follows_the_last_entry(store):
    upstream = Given(GOOD, Entry(None, "done", b"[DONE]"), Entry(None, "a\nb", b"{}"))
    async with RunLog(store) as log:
        await log.start("run-1", upstream)

        assert ["text", "done"] == [entry.event for entry in await read(log, "run-1")]
    late = Given(GOOD, Entry(None, "done", b"[DONE]"), Entry(None, "a\nb", b"{}"))
    assert ["text", "done"] == [event.event for event in seen(await joined(sse_frames(late)))]
    await settled(late)


# What is odd, and good.

ODD = [
    Entry(None, "a name with blanks ", b"{}"),
    Entry(None, " a", b"{}"),
    Entry(None, "événement 👩‍👧", '{"é":"👩‍👧"}'.encode()),
    Entry(None, "id: 5", b"{}"),
    Entry(None, "\ufffd", b"{}"),
    Entry(None, "x" * 1024, b"{}"),
    Entry(None, "text", b""),
    Entry(None, "text", b'{"text":\n"a"}'),
    Entry(None, "text", b"a\r\nid: 5\rb"),
    Entry(0, "text", b"{}"),
    Entry(10**18 - 1, "text", b"{}"),
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: ascii(odd)[:60])
async def test_what_is_odd_but_one_event_goes_through(odd):
    events = seen(await joined(sse_frames(Given(odd, Entry(None, "done", b"[DONE]")))))

    assert [odd.event, "done"] == [event.event for event in events]
    assert odd.data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") == events[0].data.encode()


@pytest.mark.parametrize("name", ["a\x0bb", "a\x1cb", "a\x00b", "a\x85b", "a\u2028b", "x" * 5000])
async def test_a_name_that_an_upstream_made_up_does_not_end_a_relay(name):
    odd = f"event: {name}\ndata: {{}}\n\n".encode()
    async with upstream([*HELLO[:-1], odd, HELLO[-1], DONE]) as model:
        events = seen(await joined(sse_frames(model.run())))
        async with RunLog() as log:
            await log.start("run-1", model.run())
            entries = await read(log, "run-1")

    clean = name.replace("x" * 5000, "x" * 1024)
    for split in "\x0b\x1c\x00\x85\u2028":
        clean = clean.replace(split, "\ufffd")
    assert [clean, "thread.run.completed", "done"] == [event.event for event in events[-3:]]
    assert [clean, "thread.run.completed", "done"] == [entry.event for entry in entries[-3:]]


# What a store gives.


class Spoilt(MemoryStore):
    """A store into which something else writes."""

    def __init__(self, bad: Any, *, from_id: int) -> None:
        super().__init__()
        self._bad = bad
        self._from = from_id

    def _spoil(self, page: Page) -> Page:
        entries = [self._bad if (entry.id or 0) >= self._from else entry for entry in page.entries]
        return Page(entries, page.ended)

    async def read(self, run_id: str, after: int, *, limit: int) -> Page:
        return self._spoil(await super().read(run_id, after, limit=limit))

    async def wait(self, run_id: str, after: int, *, limit: int) -> Page:
        return self._spoil(await super().wait(run_id, after, limit=limit))


@bad
@pytest.mark.parametrize("late", [False, True])
async def test_a_reader_gets_what_a_store_gave_before_and_one_error(late, bad, caplog):
    more = asyncio.Event()

    async def given() -> AsyncIterator[Entry]:
        yield GOOD
        await more.wait()
        yield Entry(None, "text", b"{}")

    async with RunLog(Spoilt(bad, from_id=2)) as log:
        await log.start("run-1", given())
        if not late:
            # All is stored: the reader takes it in one page.
            more.set()
            await asyncio.gather(*(task for task in asyncio.all_tasks() if "producer" in task.get_name()))
        frames = sse_frames(log.follow("run-1"))
        async with asyncio.timeout(10):
            body = b""
            async for data in frames:
                body += data
                if b"before" in body:
                    more.set()
    events = seen(body)

    assert [("text", "1"), ("error", "1")] == [(event.event, event.id) for event in events]
    assert "store_unavailable" == code_of(events[-1].data)
    assert ["a relayed source failed with ConfigurationError"] == complaints(caplog)
