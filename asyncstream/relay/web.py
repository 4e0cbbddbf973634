"""A stream as the answer of an aiohttp.web handler: `relay_response`.

Below it: `direct`, which moves the bytes. Here is what only aiohttp has: by default it does not cancel the handler of
a request whose browser has left, and tells nobody; the next write would fail, but a silent model has none. So one
`_Watcher` an event loop looks at the connections that are relayed to.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from asyncstream.errors import APIError
from asyncstream.relay.direct import Form, answer_headers, error_answer, make_pump
from asyncstream.relay.entries import Relayed, View
from asyncstream.relay.errors import RelayError
from asyncstream.relay.pump import OnLeave, Pump, ReaderGone, ReaderStalled, send_all, tell_left

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["relay_response"]

LOOK_EACH: Final = 0.025
"""Seconds between two looks at the connections. A look costs 0.2 us a connection."""


async def relay_response(
    request: "web.BaseRequest",
    source: Relayed,
    *,
    form: Form = "sse",
    view: View | None = None,
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
        view: The wire's events (the default), typed changes, or the text alone (always in plain text).
        heartbeat: Seconds of silence after which a comment is sent, so that proxies stay; None for never.
        stall_timeout: Seconds that a write may take before a browser that does not read is dropped; None for no limit.
        compatible: Whether the frames are exactly the upstream's, for clients that know nothing of a relay.
        headers: More headers for the answer, such as those of CORS; they win over the relay's own.
        on_leave: Is called when the browser did not stay to the end, after the upstream was closed: to cancel the run.
            Given 10 s.

    Returns:
        The finished response, for the handler to return.

    Raises:
        ConfigurationError: These arguments do not go together, or the stream was used up.
    """
    pump = make_pump(
        source, form=form, view=view, heartbeat=heartbeat, compatible=compatible, stall_timeout=stall_timeout
    )
    answer = _Answer(request, pump, headers)
    if request.method == "HEAD":
        await pump.close()
        return answer.begun()
    watcher = _watcher()
    watcher.add(pump, request)
    try:
        return await answer.give()
    finally:
        watcher.remove(pump)
        try:
            await pump.close()
        finally:
            if on_leave is not None and not pump.over:
                await tell_left(on_leave)


class _Answer:
    """One answer on its way to a browser."""

    def __init__(self, request: "web.BaseRequest", pump: Pump, headers: Mapping[str, str] | None) -> None:
        # Imported here: who relays by ASGI does without it.
        from aiohttp import web

        self._web = web
        self._request = request
        self._pump = pump
        self._headers = headers

    def begun(self) -> "web.StreamResponse":
        """Return the response as it is before a byte of its body."""
        return self._web.StreamResponse(headers=answer_headers(self._pump, self._headers))

    async def give(self) -> "web.StreamResponse":
        """Answer, to the end of the source or of the connection."""
        try:
            await self._pump.open()
        except (APIError, RelayError) as error:
            status, headers, body = error_answer(error, self._headers)
            return self._web.Response(status=status, headers=headers, body=body)
        except ReaderGone:
            # Nobody reads this; 499 is what nginx writes into its log.
            return self._web.Response(status=499)
        if self._pump.at_end:
            # What makes an `EventSource` stay away.
            return self._web.Response(status=204, headers=self._headers)
        response = self.begun()
        try:
            await self._pump.send(response.prepare, self._request)
            await send_all(self._pump, response.write)
            if self._pump.cut:
                self._close(asyncio.Transport.close)
            else:
                await response.write_eof()
        except ReaderStalled:
            self._close(_reset)
        except (ReaderGone, ConnectionError):
            pass
        return response

    def _close(self, how: Callable[[asyncio.Transport], None]) -> None:
        transport = self._request.transport
        if transport is not None:
            how(transport)


def _reset(transport: asyncio.Transport) -> None:
    """Close a connection and forget what was written to it, MiB in the kernel: the browser does not read it."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        # Lingering for zero seconds makes close() send a reset; Windows has shorts in this struct.
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        )
    transport.abort()


class _Watcher:
    """Looks at connections, and tells the pump of one that is lost."""

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
        """Look no more."""
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
