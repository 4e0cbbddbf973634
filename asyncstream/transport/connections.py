"""The aiohttp sessions of a client and of the clients derived from it: made lazily, or borrowed; closed once.

Knows nothing of requests and answers. Above it: `transport.http`, which asks for a session for each attempt. Below it:
`transport.sessions`, which closes those of a client that nobody has closed.

Rule 1: a session that the user gave is used as it is and never closed.
Rule 2: who takes one, or a connector, names its type from here: no other module of a client imports aiohttp.
"""

import asyncio
import math
import ssl
import weakref
from functools import lru_cache
from types import SimpleNamespace

import aiohttp
from aiohttp import BaseConnector, ClientSession
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.tracing import Trace
from yarl import URL

from asyncstream.errors import ConfigurationError
from asyncstream.transport.proxies import proxy_from_environment
from asyncstream.transport.reuse import AttemptTrace, current_attempt
from asyncstream.transport.sessions import Sessions
from asyncstream.transport.timeout import Timeout

__all__ = ["BaseConnector", "ClientSession", "Connections", "end_with_connection", "running_loop"]


class Connections:
    """The sessions behind one client.

    A session of the user's cannot be watched from outside, so of its attempts the worst is assumed: sent, on a
    connection that was fresh.

    Args:
        session: The user's; None makes own ones, which the rest is for.
        connector: The user's, for the own sessions; it is never closed here, and never replaced by a fresh one.
        proxy: Where all requests go; None is nowhere but to the server.
        trust_env: Whether the environment may name a proxy (``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``,
            ``NO_PROXY``). The user's ``.netrc`` is not read: what it says is no API key.
        ssl_context: How certificates are checked, and which is shown; None is the system's way.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        connector: aiohttp.BaseConnector | None = None,
        proxy: URL | None = None,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._borrowed = session
        self._connector = connector
        self._proxy = proxy
        self._trust_env = trust_env
        self._ssl_context = ssl_context
        self._proxies: dict[URL, URL | None] = {}
        self._sessions: Sessions | None = None
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
        loop = running_loop()
        if self._borrowed is not None:
            if self._borrowed.closed:
                raise ConfigurationError("the session that was given to the client is closed")
            # aiohttp names a session's loop in a private attribute only; without it the check is left out.
            _check_loop(getattr(self._borrowed, "_loop", loop), loop)
            return self._borrowed
        sessions = self._sessions
        if sessions is None:
            sessions = self._sessions = Sessions(loop)
            # Not at exit: all that are left are ended there.
            weakref.finalize(self, sessions.drop).atexit = False
        _check_loop(sessions.loop, loop)
        if self._connector is not None:
            if self._connector.closed:
                raise ConfigurationError("the connector that was given to the client is closed")
            sessions.pooled = sessions.pooled or _watch_session(self._connector)
        elif fresh:
            sessions.unpooled = sessions.unpooled or self._make_session(force_close=True)
            return sessions.unpooled
        sessions.pooled = sessions.pooled or self._make_session(force_close=False)
        return sessions.pooled

    def _make_session(self, *, force_close: bool) -> aiohttp.ClientSession:
        context = True if self._ssl_context is None else self._ssl_context
        return _make_session(_Connector(limit=0, force_close=force_close, ssl=context))

    async def proxy(self, url: URL) -> URL | None:
        """Return the proxy for a URL; None is none, and of a user's session its own."""
        if self._proxy is not None or not self._trust_env:
            return self._proxy
        origin = url.origin()
        if origin not in self._proxies:
            # On some systems this asks the registry or a name server.
            self._proxies[origin] = await asyncio.to_thread(proxy_from_environment, origin)
        return self._proxies[origin]

    @property
    def watched(self) -> bool:
        """Whether `trace` is filled in, if it is entered, and given as `trace_request_ctx`."""
        return self._borrowed is None

    def trace(self) -> AttemptTrace:
        """Return what is known of an attempt before it begins; it is filled in while the attempt goes on."""
        return AttemptTrace(sent=not self.watched)

    def deadlines(self, timeout: Timeout) -> aiohttp.ClientTimeout:
        """Return the deadline that aiohttp keeps: that of connecting. All others are kept by the callers.

        A borrowed session may have a limit of connections; waiting for a free one is not connecting.
        """
        return _deadlines(timeout.connect, waits=self._borrowed is not None)

    async def close(self) -> None:
        """Close the sessions that were made here, with all their connections. May be called again.

        Raises:
            ConfigurationError: They belong to another event loop, which is still open.
        """
        sessions = self._sessions
        if sessions is not None and not sessions.loop.is_closed():
            _check_loop(sessions.loop, running_loop())
        self._closed = True
        if sessions is not None:
            await sessions.close()


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop that this is called in.

    Raises:
        ConfigurationError: There is none; also in the child of a process that was forked in one.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            "no asyncio event loop is running here; a forked process needs a loop and a client of its own"
        ) from None


def _check_loop(owner: asyncio.AbstractEventLoop, running: asyncio.AbstractEventLoop) -> None:
    if owner is not running:
        which = "an event loop that is closed" if owner.is_closed() else "another event loop"
        raise ConfigurationError(
            f"the client belongs to {which}: its connections live on the loop of its first request; "
            "make one client for each loop (each `asyncio.run`)"
        )


@lru_cache(maxsize=64)
def _deadlines(connect: float | None, *, waits: bool) -> aiohttp.ClientTimeout:
    # Without the threshold aiohttp rounds deadlines above 5 s up to whole seconds.
    if waits:
        return aiohttp.ClientTimeout(total=None, sock_connect=connect, ceil_threshold=math.inf)
    return aiohttp.ClientTimeout(total=None, connect=connect, ceil_threshold=math.inf)


def _make_session(
    connector: aiohttp.BaseConnector, *, owner: bool = True, traces: list[aiohttp.TraceConfig] | None = None
) -> aiohttp.ClientSession:
    # Cookies would tie together what requests of different users have to do with each other: nothing.
    return aiohttp.ClientSession(
        connector=connector, connector_owner=owner, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=traces
    )


_USED = "asyncstream_used"
"""What marks the protocol of a connection that was taken before."""


class _Connector(aiohttp.TCPConnector):
    """Tells the attempts on it what their trace is to know: at a twentieth of what aiohttp's tracing costs."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        attempt = current_attempt()
        if attempt is not None and connection.protocol is not None:
            marks = vars(connection.protocol)
            # aiohttp itself repeats a GET or DELETE once; the trace is that of the last connection.
            attempt.reused = _USED in marks
            marks[_USED] = True
            # What follows is the sending, without a wait before it.
            attempt.sent = True
        return connection


def _watch_session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    """Make a session on a connector of the user's, which nobody but aiohttp can watch."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(_on_reuse)
    trace.on_connection_create_end.append(_on_create)
    trace.on_request_headers_sent.append(_on_headers)
    return _make_session(connector, owner=False, traces=[trace])


async def _on_reuse(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    context.trace_request_ctx.reused = True


async def _on_create(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    # aiohttp itself repeats a GET or DELETE once; the trace is that of the last connection.
    context.trace_request_ctx.reused = False


async def _on_headers(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    context.trace_request_ctx.sent = True


def end_with_connection(response: aiohttp.ClientResponse) -> None:
    """Let reading the body fail if its connection is lost and aiohttp does not say so.

    That happens when the size of a chunk cannot be read: aiohttp closes the connection and forgets the body, whose
    reader would wait until its deadline.
    """
    connection, content = response.connection, response.content
    protocol = None if connection is None else connection.protocol
    if protocol is None:
        # All of it came with the head.
        return

    def lost(_: object = None) -> None:
        if not response.closed and not content.is_eof() and content.exception() is None:
            error = aiohttp.ClientPayloadError(_reason(protocol.exception()))
            error.__cause__ = protocol.exception()
            content.set_exception(error)

    closed = protocol.closed
    if closed is None:
        lost()
        return

    def forget() -> None:
        closed.remove_done_callback(lost)

    # A connection is used for many answers; each takes its callback along.
    closed.add_done_callback(lost)
    content.on_eof(forget)
    closed.remove_done_callback(_retrieve)
    closed.add_done_callback(_retrieve)


def _reason(error: BaseException | None) -> str:
    # Below its first line, aiohttp points at the place with a caret.
    text = error.message if isinstance(error, HttpProcessingError) else str(error or "")
    return next((line.strip().rstrip(":") for line in text.splitlines() if line.strip()), "the connection was lost")


def _retrieve(closed: "asyncio.Future[None]") -> None:
    # asyncio warns of an error that was never looked at.
    if not closed.cancelled():
        closed.exception()
