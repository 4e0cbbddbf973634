"""Streams of entries that a test feeds, and what it reads of a log."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from asyncstream.relay.entries import Entry
from asyncstream.relay.log.run_log import RunLog

__all__ = ["Feed", "many", "numbers", "read", "until"]


class Feed:
    """A stream whose events come when the test says so."""

    def __init__(self) -> None:
        self.opened = False
        self._closed = asyncio.Event()
        self._queue: asyncio.Queue[Entry | None] = asyncio.Queue()

    def say(self, *numbers: int) -> None:
        for number in numbers:
            self._queue.put_nowait(Entry(None, "said", json.dumps({"n": number}).encode()))

    def end(self) -> None:
        self._queue.put_nowait(Entry(None, "done", b"[DONE]"))

    async def open(self) -> None:
        self.opened = True

    def __aiter__(self) -> "Feed":
        return self

    async def __anext__(self) -> Entry:
        entry = await self._queue.get()
        assert entry is not None
        return entry

    async def close(self) -> None:
        self._closed.set()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    async def gone(self) -> None:
        """Wait until the log has closed this stream."""
        async with asyncio.timeout(20):
            await self._closed.wait()


async def many(count: int, *, rate: float | None = None, size: int = 0) -> AsyncIterator[Entry]:
    """Give as many entries, and `done`; so many a second, or as fast as it goes."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in range(1, count + 1):
        if rate is not None and (early := begun + number / rate - loop.time()) > 0:
            await asyncio.sleep(early)
        yield Entry(None, "said", json.dumps({"n": number, "text": "x" * size}).encode())
    yield Entry(None, "done", b"[DONE]")


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Give others their turn until something holds of which nobody tells; at most for 20 s."""
    async with asyncio.timeout(20):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0)


async def read(log: RunLog, run_id: str, after: int | None = None, count: int | None = None) -> list[Entry]:
    """Read a run to its end, or as many entries of it; at most for 20 s."""
    found: list[Entry] = []
    async with asyncio.timeout(20), log.follow(run_id, after) as following:
        async for entry in following:
            found.append(entry)
            if len(found) == count:
                break
    return found


def numbers(entries: list[Entry]) -> list[int]:
    """Return what the entries say: their numbers."""
    return [json.loads(entry.data)["n"] for entry in entries if entry.event == "said"]
