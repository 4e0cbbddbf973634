"""The link to a relay: one `Connection` at a time, and when there is another one. Knows ids only as what it sends.

Above it: `following.follower`. Below it: `following.connection`, and the retry policy that the whole package has.

Rule 1: it holds no reference to the follower, so that a follower that is dropped can close it. Rule 2: an attempt to
connect goes on in a task of its own when whoever waits for it is cancelled; after `aclose` there is none.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from asyncstream.errors import ConfigurationError
from asyncstream.relay.following.connection import Connection, ConnectionFailed, Event
from asyncstream.transport.connections import Connections
from asyncstream.transport.http import Transport
from asyncstream.transport.retry import retry_delay

__all__ = ["Link"]

_closing: set[asyncio.Task[None]] = set()
"""The loop itself holds tasks by weak references only."""

_CLOSED = "the follower was closed by another task while it connected"


class Link:
    """One connection at a time for the follower, and another after it as long as the policy allows.

    Attributes:
        attempts: Connections that failed or broke in a row, without an event in between.
        reconnects: How often there was another attempt, all in all.
        idle: Whether there is nothing to close.
    """

    def __init__(
        self,
        transport: Transport,
        connections: Connections,
        *,
        max_reconnects: int,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        chance: Callable[[], float] | None = None,
    ) -> None:
        """Make a link; nothing is sent.

        Args:
            transport: Makes the attempts; its base URL is the event stream.
            connections: What it connects with; closed with the link.
            max_reconnects: How many attempts in a row may fail.
            sleep: Waits for some seconds; None is `asyncio.sleep`. For tests, as the one below.
            chance: Gives a random number from 0 to 1; None is `random.random`.
        """
        self.attempts = 0
        self.reconnects = 0
        self.idle = True
        self._transport = transport
        self._connections = connections
        self._max_reconnects = max_reconnects
        self._sleep = asyncio.sleep if sleep is None else sleep
        self._chance = random.random if chance is None else chance
        self._connection: Connection | None = None
        self._opening: asyncio.Task[None] | None = None
        self._due: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self, cursor: str | None) -> None:
        """Connect, unless there is a connection; after a failure not before the next attempt is due.

        Args:
            cursor: The id after which the relay goes on; None: from the start.

        Raises:
            ConnectionFailed: There is no event stream; `again` says whether another attempt follows.
            NothingLeft: Nothing follows the cursor, and nothing ever will.
            ConfigurationError: The session is closed, or belongs to another event loop.
        """
        self._check_loop()
        if self._due is not None:
            await self._sleep(max(0.0, self._due - _now()))
            self._due = None
        if self._connection is None:
            self._connection = Connection(self._transport, cursor)
            self.idle = False
            self._opening = asyncio.get_running_loop().create_task(self._connection.open(), name="asyncstream follower")
        opening = self._opening
        if opening is not None:
            await asyncio.wait((opening,))
            self._opening = None
            if opening.cancelled():
                raise ConfigurationError(_CLOSED)
            opening.result()

    async def next(self, cursor: str | None) -> Event:
        """Wait for the next event; connect first if need be.

        Raises:
            StreamDecodeError: An event is over the limit.
            ConnectionFailed: As of `open`; or the connection has ended.
            NothingLeft: As of `open`.
        """
        if self._connection is None or self._opening is not None:
            await self.open(cursor)
        if self._connection is None:
            raise ConfigurationError(_CLOSED)
        return await self._connection.next()

    def _check_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise ConfigurationError("a follower is read in the event loop that opened it")
        self._loop = loop

    def again(self, failed: ConnectionFailed) -> bool:
        """Give the connection up; return whether there is another attempt, which `next` makes once it is due."""
        self._drop(failed.error)
        delay = retry_delay(
            failed.failure,
            method="GET",
            retries=self.attempts,
            max_retries=self._max_reconnects,
            now=time.time(),
            chance=self._chance(),
        )
        if delay is None:
            return False
        self.attempts += 1
        self.reconnects += 1
        self._due = _now() + delay
        return True

    def _drop(self, error: BaseException | None, *, left: bool = False) -> None:
        if self._opening is not None:
            self._opening.cancel()
        if self._connection is not None:
            self._connection.close(error, left=left)
        self._connection = None

    async def aclose(self, error: BaseException | None = None, *, left: bool = False) -> None:
        """Close what is open: the connection, and the session if it was made here. May be called again.

        Args:
            error: Why the run is followed no more; None: it has come to its end, or its reader has left.
            left: Whether its reader has left before the end.
        """
        opening, connection = self._opening, self._connection
        self._drop(error, left=left)
        if opening is not None:
            await asyncio.wait((opening,))
            # Looked at, so that nobody is told that it was not.
            if not opening.cancelled():
                opening.exception()
            self._opening = None
            if connection is not None:
                # Cancelled too late, it has opened all the same.
                connection.close(error, left=left)
        await self._connections.close()
        self.idle = True

    def abandon(self) -> None:
        """Close from a finalizer, which may run in another thread, or after the loop was closed."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._close_soon)

    def _close_soon(self) -> None:
        task = asyncio.get_running_loop().create_task(self.aclose(left=True))
        _closing.add(task)
        task.add_done_callback(_closing.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()
