"""The aiohttp sessions of a client and of the clients derived from it: made lazily, or borrowed; closed once.

Knows nothing of requests and answers. Above it: `transport.http`, which asks for a session for each attempt.

Rule 1: a session that the user gave is used as it is and never closed.
"""

import asyncio
import math
from types import SimpleNamespace

import aiohttp

from asyncstream.errors import ConfigurationError
from asyncstream.transport.timeout import Timeout

__all__ = ["AttemptTrace", "Connections"]


class AttemptTrace:
    """What one attempt is seen to do on its connection."""

    __slots__ = ("reused", "sent")

    reused: bool
    """Whether the connection had carried a request before."""
    sent: bool
    """Whether the request may have left."""

    def __init__(self, *, sent: bool) -> None:
        self.reused = False
        self.sent = sent


class Connections:
    """The sessions behind one client.

    A session of the user's cannot be watched from outside, so of its attempts the worst is assumed: sent, on a
    connection that was fresh.
    """

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        self._borrowed = session
        self._own: aiohttp.ClientSession | None = None
        self._unpooled: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether no more requests can be sent."""
        return self._closed or (self._borrowed is not None and self._borrowed.closed)

    def session(self, *, fresh: bool = False) -> aiohttp.ClientSession:
        """Return the session to send with, made on first use; `fresh` asks for one that never reuses a connection.

        Raises:
            ConfigurationError: It is closed, or belongs to another event loop than the running one.
        """
        if self._closed:
            raise ConfigurationError("the client is closed")
        loop = asyncio.get_running_loop()
        if self._borrowed is not None:
            if self._borrowed.closed:
                raise ConfigurationError("the session that was given to the client is closed")
            # aiohttp names a session's loop in a private attribute only; without it the check is left out.
            _check_loop(getattr(self._borrowed, "_loop", loop), loop)
            return self._borrowed
        self._loop = self._loop or loop
        _check_loop(self._loop, loop)
        if fresh:
            self._unpooled = self._unpooled or _make_session(aiohttp.TCPConnector(limit=0, force_close=True))
            return self._unpooled
        self._own = self._own or _make_session(aiohttp.TCPConnector(limit=0))
        return self._own

    @property
    def watched(self) -> bool:
        """Whether `trace` is filled in, if it is given as `trace_request_ctx`."""
        return self._borrowed is None

    def trace(self) -> AttemptTrace:
        """Return what is known of an attempt before it begins; it is filled in while the attempt goes on."""
        return AttemptTrace(sent=not self.watched)

    def deadlines(self, timeout: Timeout) -> aiohttp.ClientTimeout:
        """Return the deadline that aiohttp keeps: that of connecting. All others are kept by the callers.

        A borrowed session may have a limit of connections; waiting for a free one is not connecting.
        """
        # Without the threshold aiohttp rounds deadlines above 5 s up to whole seconds.
        if self._borrowed is not None:
            return aiohttp.ClientTimeout(total=None, sock_connect=timeout.connect, ceil_threshold=math.inf)
        return aiohttp.ClientTimeout(total=None, connect=timeout.connect, ceil_threshold=math.inf)

    async def close(self) -> None:
        """Close the sessions that were made here, with all their connections. May be called again.

        Raises:
            ConfigurationError: They belong to another event loop, which is still open.
        """
        if self._loop is not None and not self._loop.is_closed():
            _check_loop(self._loop, asyncio.get_running_loop())
        self._closed = True
        for session in (self._own, self._unpooled):
            if session is not None:
                await session.close()


def _check_loop(owner: asyncio.AbstractEventLoop, running: asyncio.AbstractEventLoop) -> None:
    if owner is not running:
        which = "an event loop that is closed" if owner.is_closed() else "another event loop"
        raise ConfigurationError(
            f"the client belongs to {which}: its connections live on the loop of its first request; "
            "make one client for each loop (each `asyncio.run`)"
        )


def _make_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(_on_reuse)
    trace.on_connection_create_end.append(_on_create)
    trace.on_request_headers_sent.append(_on_headers)
    # Cookies would tie together what requests of different users have to do with each other: nothing.
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[trace])


async def _on_reuse(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    context.trace_request_ctx.reused = True


async def _on_create(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    # aiohttp itself repeats a GET or DELETE once; the trace is that of the last connection.
    context.trace_request_ctx.reused = False


async def _on_headers(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    context.trace_request_ctx.sent = True
