"""Waiting with deadlines that count what others do, never what this process does to itself: `Deadline`, `Turns`.

Above it: `redis_link`, which asks Redis, and `run_log`, whose producers have their last words. It knows neither.

Rule 1: a deadline counts from the turn. Whoever waits for a turn may wait as long as others are served.
Rule 2: a moment in which the event loop of this process stood still counts for one tick, however long it was.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

__all__ = ["Deadline", "Turns"]

T = TypeVar("T")

_TICKS = 10
"""Into so many parts a deadline is cut. An answer that lies in a socket, unread by a busy loop, did come in time."""


class Deadline:
    """Raise `TimeoutError` out of an ``async with`` that takes too long, as `asyncio.timeout` does.

    Args:
        seconds: How long it may take.
        progress: What it returns changes while there is progress; then the seconds begin anew.
    """

    def __init__(self, seconds: float, progress: Callable[[], int] | None = None) -> None:
        self._tick = seconds / _TICKS
        self._left = _TICKS
        self._progress = progress
        self._seen = 0

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        await self._timeout.__aenter__()
        if self._progress is not None:
            self._seen = self._progress()
        self._timer = self._loop.call_later(self._tick, self._count)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, traceback)

    def _count(self) -> None:
        self._left -= 1
        if self._progress is not None and (now := self._progress()) != self._seen:
            self._seen = now
            self._left = _TICKS
        if self._left:
            self._timer = self._loop.call_later(self._tick, self._count)
        else:
            self._timeout.reschedule(self._loop.time())


class Turns:
    """Let so many do something at the same time; the others wait until it is their turn.

    Args:
        at_once: How many.
        seconds: How long a turn may take, and how long the queue may stand still.
    """

    def __init__(self, at_once: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._served = 0

    async def take(self, do: Callable[[], Awaitable[T]]) -> T:
        """Wait for a turn, do something, and give the turn back; return what it gave.

        Raises:
            TimeoutError: It took longer than a turn may; or nobody was served for as long before its turn came.
        """
        if self._free.locked():
            async with Deadline(self._seconds, progress=lambda: self._served):
                await self._free.acquire()
        else:
            await self._free.acquire()
        try:
            async with Deadline(self._seconds):
                answer = await do()
        except TimeoutError:
            # Nobody was served by waiting in vain.
            raise
        except Exception:
            self._served += 1
            raise
        else:
            self._served += 1
            return answer
        finally:
            self._free.release()
