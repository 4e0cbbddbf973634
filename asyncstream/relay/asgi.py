"""A stream as an answer by ASGI, without importing any framework: `RelayResponse` and `open_relay`.

Starlette takes a `RelayResponse` as the response of an endpoint. Frameworks that want an object of their own are given
what `open_relay` returns: status, headers, and an iterator of bytes. Below it: `direct`, which moves the bytes.

Servers up to ASGI 2.3 let `send` do nothing when the browser has left, later ones raise `OSError` from it; all of them
say `http.disconnect` to whoever asks. So a task asks, whatever the server's version.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Self, TypeAlias

from asyncstream.errors import APIError, ConfigurationError
from asyncstream.relay.direct import Form, Frames, answer_headers, error_answer, make_pump
from asyncstream.relay.entries import Relayed, View
from asyncstream.relay.errors import RelayError
from asyncstream.relay.pump import OnLeave, Pump, ReaderGone, cut_error, pumped, send_all, tell_left

__all__ = ["OpenedRelay", "RelayResponse", "open_relay"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class RelayResponse:
    """A stream as a response: an ASGI application, which answers one request.

    Return it from an endpoint of Starlette, or call it: ``await RelayResponse(stream)(scope, receive, send)``. For
    FastAPI, which wants a `Response` of its own: ``class Relay(RelayResponse, Response): ...``.

    The upstream is opened first: what it refuses is answered with its status and a JSON body. Once the answer has
    begun, a failure is its last event, `error`. When the browser leaves, the upstream is closed at once.
    """

    background: Any = None
    """What is to be done after the answer, however it ended; FastAPI puts its background tasks here."""

    def __init__(
        self,
        source: Relayed,
        *,
        form: Form = "sse",
        view: View | None = None,
        heartbeat: float | None = 15.0,
        stall_timeout: float | None = 60.0,
        compatible: bool = False,
        headers: Mapping[str, str] | None = None,
        on_leave: OnLeave | None = None,
    ) -> None:
        """Make a response; nothing is opened before it is sent.

        Args:
            source: A stream, opened or not; or a `Following` of a log.
            form: Server-sent events, lines of JSON, or plain text.
            view: The wire's events (the default), typed changes, or the text alone (always in plain text).
            heartbeat: Seconds of silence after which a comment is sent; None for never.
            stall_timeout: Seconds that a write may take before a browser that does not read is dropped; None for no
                limit.
            compatible: Whether the frames are exactly the upstream's, for clients that know nothing of a relay.
            headers: More headers for the answer, such as those of CORS; they win over the relay's own.
            on_leave: Is called when the browser did not stay to the end, after the upstream was closed: to cancel the
                run. Given 10 s.

        Raises:
            ConfigurationError: These arguments do not go together.
        """
        self._pump = make_pump(
            source, form=form, view=view, heartbeat=heartbeat, compatible=compatible, stall_timeout=stall_timeout
        )
        self._own_headers = headers
        self._on_leave = on_leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request.

        Raises:
            ConfigurationError: It is no request of HTTP, or the stream was used up.
            StreamEventError: Plain text was cut: the server closes the connection, so that it does not look whole.
        """
        if scope["type"] != "http":
            raise ConfigurationError(f"a stream is the answer to a request of HTTP, got {scope['type']!r}")
        pump = self._pump
        if scope["method"] == "HEAD":
            await pump.close()
            await _send_whole(send, 200, answer_headers(pump, self._own_headers), b"")
            return
        listener = asyncio.get_running_loop().create_task(_listen(receive, pump), name="asyncstream browser")
        try:
            await self._give(send)
        except ReaderGone:
            pass
        finally:
            listener.cancel()
            try:
                await asyncio.gather(listener, return_exceptions=True)
            finally:
                try:
                    await pump.close()
                finally:
                    if self._on_leave is not None and not pump.over:
                        await tell_left(self._on_leave)
        if pump.cut:
            raise cut_error(pump)
        if self.background is not None:
            await self.background()

    async def _give(self, send: Send) -> None:
        pump = self._pump
        try:
            await pump.open()
        except (APIError, RelayError) as error:
            answer = error_answer(error, self._own_headers)
            await pump.send(lambda answer: _send_whole(send, *answer), answer)
            return
        if pump.at_end:
            # What makes an `EventSource` stay away.
            await pump.send(lambda headers: _send_whole(send, 204, headers, b""), self._own_headers or {})
            return
        await pump.send(send, _start(200, answer_headers(pump, self._own_headers)))
        await send_all(pump, lambda data: send({"type": "http.response.body", "body": data, "more_body": True}))
        if not pump.cut:
            await pump.send(send, {"type": "http.response.body", "body": b"", "more_body": False})


async def _listen(receive: Receive, pump: Pump) -> None:
    """Tell the pump when the browser leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    pump.leave()


def _start(status: int, headers: Mapping[str, str]) -> Message:
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


async def _send_whole(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    await send(_start(status, headers))
    await send({"type": "http.response.body", "body": body, "more_body": False})


class OpenedRelay:
    """An answer whose upstream is open, for a framework that makes the response itself.

    Attributes:
        status: 200; or what the upstream refused with.
        headers: For the response; among them its content type.
        body: The bytes, to be iterated once. It closes the upstream when it ends, is closed or is dropped.
    """

    def __init__(self, status: int, headers: dict[str, str], body: AsyncIterator[bytes]) -> None:
        self.status = status
        self.headers = headers
        self.body = body


async def open_relay(
    source: Relayed,
    *,
    form: Form = "sse",
    view: View | None = None,
    heartbeat: float | None = 15.0,
    stall_timeout: float | None = 60.0,
    compatible: bool = False,
    headers: Mapping[str, str] | None = None,
    on_leave: OnLeave | None = None,
) -> OpenedRelay:
    """Open a stream, and return status, headers and body of the answer.

    A refusal of the upstream is such an answer too. That a browser has left is noticed by the framework, which then
    cancels or drops the body. The arguments are those of `RelayResponse`; `stall_timeout` closes the upstream of a body
    from which nothing was taken for so long.

    Raises:
        ConfigurationError: These arguments do not go together, or the stream was used up.
    """
    pump = make_pump(
        source, form=form, view=view, heartbeat=heartbeat, compatible=compatible, stall_timeout=stall_timeout
    )
    try:
        await pump.open()
    except (APIError, RelayError) as error:
        await pump.close()
        status, answer, body = error_answer(error, headers)
        return OpenedRelay(status, answer, _Body(pump, _whole(body), None))
    except BaseException:
        await pump.close()
        raise
    if pump.at_end:
        return OpenedRelay(204, dict(headers or {}), _Body(pump, Frames(pumped(pump)), None))
    return OpenedRelay(200, answer_headers(pump, headers), _Body(pump, Frames(pumped(pump)), on_leave))


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


class _Body:
    """The bytes of an answer; whatever a framework does with it, the upstream is closed at the end."""

    def __init__(self, pump: Pump, chunks: AsyncIterator[bytes], on_leave: OnLeave | None) -> None:
        self._pump = pump
        self._chunks = chunks
        self._on_leave = on_leave

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self._chunks.__anext__()
        except BaseException:
            await self._tell()
            raise

    async def aclose(self) -> None:
        """Close the upstream. May be called at any time, also twice."""
        try:
            await self._pump.close()
        finally:
            await self._tell()

    async def _tell(self) -> None:
        on_leave, self._on_leave = self._on_leave, None
        if on_leave is not None and not self._pump.over:
            await tell_left(on_leave)

    def __del__(self) -> None:
        self._pump.drop(self._on_leave)
