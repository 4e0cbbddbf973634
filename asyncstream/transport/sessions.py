"""The aiohttp sessions of one client in its event loop, and how they end: `Sessions`.

A client that is never closed lets go of them by itself, in silence, as soon as one of these happens:

- its event loop is shut down, as `asyncio.run` does at its end: it closes its async generators, of which one is here;
- the client is dropped: a task closes them;
- the interpreter exits, with a loop that nobody has shut down.

Above it: `transport.connections`, which makes them and hands them out. It knows no client, so that one can be dropped.

Rule 1: what is done for a client that was forgotten raises nothing and prints nothing.
Rule 2: a fork leaves alone what is its parent's.
"""

import asyncio
import atexit
import gc
import os
import warnings
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from weakref import WeakSet

import aiohttp

__all__ = ["Sessions"]

_EXIT_SECONDS = 1.0
"""How long the exit of the interpreter waits for a loop that runs in another thread."""


class Sessions:
    """The sessions of one client.

    Attributes:
        loop: The event loop that all of them belong to.
        pooled: The one that keeps its connections; None until it is made, and once all are closed.
        unpooled: The one that uses each connection once; the same.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch for the end of the loop, which must be running."""
        self.loop = loop
        self.pooled: aiohttp.ClientSession | None = None
        self.unpooled: aiohttp.ClientSession | None = None
        self._process = os.getpid()
        # Whether the generator is at its end, or on the way there.
        self._ended = False
        self._until_shutdown = _until_shutdown(self)
        # Driven by hand up to its yield: from then on the loop knows it.
        with suppress(StopIteration):
            self._until_shutdown.asend(None).send(None)
        _living.add(self)

    async def close(self) -> None:
        """Close them. May be called again; cancelled at one of them, it closes the other all the same."""
        async with AsyncExitStack() as closing:
            for session in (self.pooled, self.unpooled):
                if session is not None:
                    closing.push_async_callback(session.close)
            self.pooled = self.unpooled = None
            _dropped.discard(self)
        if not self._ended:
            self._ended = True
            await self._until_shutdown.aclose()

    def drop(self) -> None:
        """Close them soon: whoever had them is gone. From a finalizer, so on any thread."""
        if (self.pooled is None and self.unpooled is None) or self._process != os.getpid():
            return
        if self.loop.is_closed():
            self._forget()
            return
        # Kept, so that the loop still has its generator if it ends before the task does.
        _dropped.add(self)
        with suppress(RuntimeError):  # closed at this moment: `end` does the rest
            self.loop.call_soon_threadsafe(self._close_soon)

    def _close_soon(self) -> None:
        task = self.loop.create_task(self.close())
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    def end(self) -> None:
        """Close them before the interpreter exits."""
        if self._process != os.getpid():
            return
        if self.loop.is_closed():
            self._forget()
        elif self.loop.is_running():
            # In a thread that ends with the interpreter.
            asyncio.run_coroutine_threadsafe(self.close(), self.loop).result(_EXIT_SECONDS)
        else:
            self.loop.run_until_complete(self.close())

    def _forget(self) -> None:
        """Close them after their loop: nothing can be waited for any more, and nothing is."""
        for session in (self.pooled, self.unpooled):
            if session is not None:
                closing = session.close()
                with suppress(StopIteration, RuntimeError):
                    closing.send(None)
                closing.close()
        self.pooled = self.unpooled = None
        _dropped.discard(self)


_living: "WeakSet[Sessions]" = WeakSet()
"""All, for the exit."""

_dropped: set[Sessions] = set()
"""Those that nobody has any more and that are not closed yet."""

_closing: "set[asyncio.Task[None]]" = set()
"""The tasks that close them: a loop itself keeps its tasks weakly."""


async def _until_shutdown(sessions: Sessions) -> AsyncGenerator[None, None]:
    """Wait for the loop to close its async generators, and close sessions then."""
    try:
        yield
    finally:
        sessions._ended = True
        await sessions.close()


def _end_all() -> None:
    """Close what no loop has closed. For the exit of the interpreter."""
    left = [sessions for sessions in _living if sessions.pooled is not None or sessions.unpooled is not None]
    if not left:
        return
    with warnings.catch_warnings():
        # A transport of a loop that is closed can only be dropped, of which it complains.
        warnings.simplefilter("ignore", ResourceWarning)
        while left:
            with suppress(Exception):
                left.pop().end()
        gc.collect()


atexit.register(_end_all)
