"""A stream as an answer by ASGI, without importing any framework: `RelayResponse` and `open_relay`.

Starlette takes a `RelayResponse` as the response of an endpoint. Frameworks that want an object of their own are given
what `open_relay` returns: status, headers, and an iterator of bytes. Below it: `direct`, which moves the bytes.

Servers up to ASGI 2.3 let `send` do nothing when the browser has left, later ones raise `OSError` from it; all of them
say `http.disconnect` to whoever asks. So a task asks, whatever the server's version.

ASGI has no word for a body that is cut. An application that raises makes its server close the connection, which
HTTP/1.1 tells from an end; HTTP/1.0 does not, so that plain text is refused there. And a middleware of Starlette's kind
(`BaseHTTPMiddleware`) ends the body properly before it raises what it caught: see `_Unwritable`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any, Final, NoReturn, Self, TypeAlias

from asyncstream.errors import ConfigurationError, StreamEventError
from asyncstream.relay.answers import Answer, Asked, begin, own_headers
from asyncstream.relay.direct import Frames, make_pump
from asyncstream.relay.entries import Relayed
from asyncstream.relay.pump import OnLeave, Pump, ReaderGone, cut_error, pumped, send_all, tell_left
from asyncstream.relay.views import Form, RelayView

__all__ = ["OpenedRelay", "RelayResponse", "open_relay"]

_TELLING_END: Final = ("1.1", "2", "2.0", "3", "3.0")
"""The versions of HTTP in which the end of a body is told. HTTP/1.0 is "1.0", and "1" on granian."""

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
    """What is to be done after the answer, unless that was plain text which was cut: there the server has to be told at
    once. FastAPI puts its background tasks here."""

    def __init__(
        self,
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
    ) -> None:
        """Make a response; nothing is opened before it is sent.

        Args:
            source: A stream, opened or not; or a `Following` of a log.
            form: Server-sent events, lines of JSON, or plain text.
            view: The wire's events (the default), typed changes, the text alone (always in plain text), or what pages
                read. Entries of your own that are parts for pages go out in the view of these.
            expose: Members that are sent although they are left out by default, such as `metadata` or `instructions`.
            heartbeat: Seconds of silence after which a comment is sent; None for never.
            stall_timeout: Seconds that a write may take before a browser that does not read is dropped; None for no
                limit.
            compatible: Whether the frames are as the upstream's, for clients that know nothing of a relay: what is left
                out of a stream's events is there and empty.
            headers: More headers for the answer, such as those of CORS; they win over the relay's own.
            on_leave: Is called when the browser did not stay to the end, after the upstream was closed: to cancel the
                run. Given 10 s.

        Raises:
            ConfigurationError: These arguments do not go together.
        """
        self._own = own_headers(headers)
        self._pump = make_pump(
            source,
            form=form,
            view=view,
            expose=expose,
            heartbeat=heartbeat,
            compatible=compatible,
            stall_timeout=stall_timeout,
        )
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
        cut = False
        listener = asyncio.get_running_loop().create_task(_listen(receive, pump), name="asyncstream browser")
        try:
            cut = await self._give(_asked(scope), send)
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
        if cut:
            raise cut_error(pump)
        if self.background is not None:
            await self.background()

    async def _give(self, asked: Asked, send: Send) -> bool:
        """Send the whole answer; return True if it was cut, so that the caller has to raise."""
        pump = self._pump
        answer = await begin(pump, asked, self._own)
        if answer.body is not None:
            await pump.send(lambda answer: _send_whole(send, answer), answer)
            return False
        await pump.send(send, _start(answer))
        await send_all(pump, lambda data: send(_body(data)))
        if not pump.cut:
            await pump.send(send, _body(b"", more=False))
            return False
        try:
            await pump.send(send, _body(_Unwritable(cut_error(pump))))
        except ReaderGone:
            raise
        except Exception:
            # Refused, as it should be; whatever the server says of it, the reason is the one that is raised.
            pass
        return True


async def _listen(receive: Receive, pump: Pump) -> None:
    """Wait for the server's `http.disconnect`, then let the pump know that nobody reads any more."""
    while (await receive())["type"] != "http.disconnect":
        pass
    pump.leave()


def _asked(request: Any) -> Asked:
    """Return the method of an ASGI request, or of its scope, and whether its HTTP tells a cut from an end."""
    scope: Mapping[str, Any] = request if isinstance(request, Mapping) else request.scope
    return Asked(scope.get("method", "GET"), can_cut=scope.get("http_version", "1.1") in _TELLING_END)


def _start(answer: Answer) -> Message:
    pairs = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in answer.headers.items()]
    return {"type": "http.response.start", "status": answer.status, "headers": pairs}


def _body(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def _send_whole(send: Send, answer: Answer) -> None:
    await send(_start(answer))
    await send(_body(answer.body or b"", more=False))


class _Unwritable(bytes):
    """A piece of a body that no server can write: whoever takes its length gets the reason why the body was cut.

    A middleware that turns an exception into a proper end (Starlette's `BaseHTTPMiddleware`, which `@app.middleware`
    makes) hands a piece on as it is. So the one that fails is the server, and it closes the connection. To whoever does
    not look at it, it is b"".
    """

    _reason: StreamEventError

    def __new__(cls, reason: StreamEventError) -> Self:
        piece = super().__new__(cls)
        piece._reason = reason
        return piece

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:
        return id(self)

    def __len__(self) -> NoReturn:
        raise self._reason

    def __bytes__(self) -> NoReturn:
        raise self._reason


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
    request: Any = None,
    form: Form = "sse",
    view: RelayView | None = None,
    expose: Collection[str] = (),
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

    Args:
        source: A stream, opened or not; or a `Following` of a log.
        request: The request of Starlette, FastAPI, Litestar or Quart, or an ASGI scope. With it a HEAD asks no
            upstream; plain text, which HTTP/1.0 cannot have, is not given without it.
        form: As in `RelayResponse`, and so for the others.
        view: The view.
        expose: Members that are sent although they are left out by default.
        heartbeat: Seconds.
        stall_timeout: Seconds.
        compatible: Whether the frames are as the upstream's.
        headers: More headers for the answer.
        on_leave: What to do when the browser did not stay to the end.

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
    if len(own.getall("Set-Cookie", [])) > 1:
        raise ConfigurationError("open_relay gives its headers as a dict, which holds one Set-Cookie")
    if request is None and not pump.shape.tells_end:
        raise ConfigurationError(
            f"open_relay gives the form {form!r} only to a request that it knows (request=...): a cut that HTTP/1.0 "
            "takes for the end is refused there"
        )
    try:
        answer = await begin(pump, Asked("GET", can_cut=True) if request is None else _asked(request), own)
    except BaseException:
        await pump.close()
        raise
    if answer.body is None:
        return OpenedRelay(200, dict(answer.headers), _Body(pump, Frames(pumped(pump)), on_leave))
    await pump.close()
    return OpenedRelay(answer.status, dict(answer.headers), _Body(pump, _whole(answer.body), None))


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body


class _Body:
    """The bytes of an answer; whatever a framework does with it, the upstream is closed at the end."""

    def __init__(self, pump: Pump, chunks: AsyncIterator[bytes], on_leave: OnLeave | None) -> None:
        self._pump = pump
        self._chunks = chunks
        self._on_leave = on_leave
        self._reason: StreamEventError | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._reason is not None:
            raise self._reason
        try:
            return await self._chunks.__anext__()
        except StreamEventError as reason:
            # Given first and raised then, for frameworks that make a proper end of whatever is raised here.
            self._reason = reason
            await self._tell()
            return _Unwritable(reason)
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
