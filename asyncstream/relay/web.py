"""A stream as the answer of an aiohttp.web handler: `relay_response`.

Below it: `answers`, which decides what it is, and `direct`, which moves the bytes. Here is what only aiohttp has: by
default it does not cancel the handler of a request whose browser has left, and tells nobody; the next write would fail,
but a silent model has none. So one `_Watcher` an event loop looks at the connections that are relayed to. And its
connections are sockets, so that one whose end would be taken for the end of the text can be reset.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from asyncstream.relay.answers import Asked, begin, own_headers
from asyncstream.relay.direct import make_pump
from asyncstream.relay.entries import Relayed
from asyncstream.relay.pump import OnLeave, Pump, ReaderGone, ReaderStalled, send_all, tell_left
from asyncstream.relay.views import Form, RelayView

if TYPE_CHECKING:
    from aiohttp import web
    from multidict import CIMultiDict

__all__ = ["relay_response"]

LOOK_EACH: Final = 0.025
"""Seconds between two looks at the connections. A look costs 0.2 us a connection."""

_WITH_CHUNKS: Final = (1, 1)
"""The version of HTTP that has them. Before it a body without a known length ends with its connection."""


async def relay_response(
    request: "web.BaseRequest",
    source: Relayed,
    *,
    form: Form = "sse",
    view: RelayView | None = None,
    expose: Collection[str] = (),
    heartbeat: float | None = 15.0,
    stall_timeout: float | None = 60.0,
    compatible: bool = False,
    headers: Mapping[str, str] | None = None,
    on_leave: OnLeave | None = None,
) -> "web.StreamResponse":
    """Answer a request with a stream: open it, pass it on as it comes, close it.

    The upstream is opened first: what it refuses is answered with its status and a JSON body. Once the answer has
    begun, a failure is its last event, `error`. When the browser leaves, the upstream is closed within 100 ms, also
    while the model is silent.

    Args:
        request: The request to answer.
        source: A stream, opened or not; or a `Following` of a log.
        form: Server-sent events, lines of JSON, or plain text.
        view: The wire's events (the default), typed changes, the text alone (always in plain text), or what pages read.
            Entries of your own that are parts for pages go out in the view of these.
        expose: Members that are sent although they are left out by default, such as `metadata` or `instructions`.
        heartbeat: Seconds of silence after which a comment is sent, so that proxies stay; None for never.
        stall_timeout: Seconds that a write may take before a browser that does not read is dropped; None for no limit.
        compatible: Whether the frames are as the upstream's, for clients that know nothing of a relay: what is left
            out of a stream's events is there and empty.
        headers: More headers for the answer, such as those of CORS; they win over the relay's own.
        on_leave: Is called when the browser did not stay to the end, after the upstream was closed: to cancel the run.
            Given 10 s.

    Returns:
        The finished response, for the handler to return.

    Raises:
        ConfigurationError: These arguments do not go together, or the stream was used up.
    """
    own = own_headers(headers)
    pump = make_pump(
        source,
        form=form,
        view=view,
        expose=expose,
        heartbeat=heartbeat,
        compatible=compatible,
        stall_timeout=stall_timeout,
    )
    watcher = _watcher()
    watcher.add(pump, request)
    try:
        return await _answer(request, pump, own)
    finally:
        watcher.remove(pump)
        try:
            await pump.close()
        finally:
            if on_leave is not None and not pump.over:
                await tell_left(on_leave)


async def _answer(request: "web.BaseRequest", pump: Pump, own: "CIMultiDict[str]") -> "web.StreamResponse":
    """Write the answer until the source has ended or the connection is lost; return it for aiohttp to finish."""
    # Imported here: who relays by ASGI does without it.
    from aiohttp import web

    by_close = request.version < _WITH_CHUNKS
    try:
        answer = await begin(pump, Asked(request.method, not by_close or _can_reset(request.transport)), own)
    except ReaderGone:
        # Nobody reads this; 499 is what nginx writes into its log.
        return web.Response(status=499)
    if answer.body is not None:
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
    response = web.StreamResponse(headers=answer.headers)
    transport = request.transport
    if transport is None:
        return response
    if by_close:
        # aiohttp would keep a connection that the reader asked to keep, and with it the end of this body.
        response.force_close()
    untold = by_close and (pump.shape.bare_end_looks_whole or not pump.shape.tells_end)
    if untold:
        _linger(transport, 0)
    try:
        await pump.send(response.prepare, request)
        await send_all(pump, response.write)
        if pump.cut:
            if untold:
                _reset(transport)
            else:
                transport.close()
            return response
        if untold:
            # What is still to be written is written before the connection may end as if it were whole.
            transport.set_write_buffer_limits(0)
        await pump.send(lambda _: response.write_eof(), None)
        if untold:
            _linger(transport, None)
    except ReaderStalled:
        _reset(transport)
    except (ReaderGone, ConnectionError):
        pass
    return response


def _can_reset(transport: asyncio.Transport | None) -> bool:
    """Return whether the other side can be told by a reset that the connection broke.

    A local socket has none. Under TLS a server that stops says goodbye before the connection can be reset.
    """
    if transport is None:
        return True
    sock = transport.get_extra_info("socket")
    plain = transport.get_extra_info("sslcontext") is None
    return plain and sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6)


def _linger(transport: asyncio.Transport, seconds: int | None) -> None:
    """Set how long a closed connection goes on sending.

    Lingering for zero seconds makes its end a reset, whoever ends it: this program, its server in a shutdown, or the
    kernel after the process was killed. None is what a connection begins with: it sends what was written, then its end.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None:
        # Windows has shorts in this struct.
        value = struct.pack("hh" if sys.platform == "win32" else "ii", int(seconds is not None), seconds or 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, value)


def _reset(transport: asyncio.Transport) -> None:
    """Close a connection and forget what was written to it, MiB in the kernel, so that this does not look whole."""
    _linger(transport, 0)
    transport.abort()


class _Watcher:
    """Looks at all connections of an event loop that are relayed to, and lets the pump of a lost one end."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: dict[Pump, web.BaseRequest] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, pump: Pump, request: "web.BaseRequest") -> None:
        """Look at the connection of a request from now on."""
        self._watched[pump] = request
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_EACH, self._look)

    def remove(self, pump: Pump) -> None:
        """Stop looking at the connection of a pump."""
        self._watched.pop(pump, None)
        if not self._watched and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._loop.call_later(LOOK_EACH, self._look)
        for pump, request in self._watched.items():
            transport = request.transport
            if transport is None or transport.is_closing():
                pump.leave()


_WATCHERS: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Watcher]" = WeakKeyDictionary()


def _watcher() -> _Watcher:
    loop = asyncio.get_running_loop()
    watcher = _WATCHERS.get(loop)
    if watcher is None:
        watcher = _WATCHERS[loop] = _Watcher(loop)
    return watcher
