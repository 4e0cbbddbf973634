"""One connection to an event stream over GET, by `aiohttp-sse-client`, which is let do what it does well and no more.

It sends the request, reads the fields of events and keeps the last event id. It is not let see anything but a good
answer (of another it would log the URL with its query, and lose the body), send a request again by itself (it would
glue half an event to its second copy), or read a body's lines (it would stop at long ones, and wait in silence for
ever). So it is given a session that is only a door, an `on_error` that raises, and one connection.

Above it: `relay.follower`, which decides whether and when there is another connection, and what events mean.

Rule 1: cancelling whoever waits for an event loses nothing. Rule 2: no error, message or log holds a secret.
"""

import asyncio
import re
import time
from collections import deque
from typing import Any, NoReturn

import aiohttp
from aiohttp_sse_client.client import EventSource  # type: ignore[import-untyped]  # the package has no annotations
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from asyncstream.errors import (
    APITimeoutError,
    AsyncStreamError,
    StreamDecodeError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from asyncstream.sse import DEFAULT_MAX_FRAME_BYTES
from asyncstream.transport.answers import (
    MAX_BODY,
    REDIRECTS,
    redirect_error,
    redirect_target,
    status_error,
    stream_error,
    why_no_stream,
)
from asyncstream.transport.call import Call, read_body
from asyncstream.transport.connections import Connections
from asyncstream.transport.failures import FOREIGN, connection_error, safe_cause
from asyncstream.transport.fairness import Fairness
from asyncstream.transport.live import LiveResponse
from asyncstream.transport.request import HeaderValues, Request, merge_headers
from asyncstream.transport.retry import Failure
from asyncstream.transport.reuse import guard
from asyncstream.transport.timeout import Timeout

__all__ = ["Connection", "ConnectionFailed", "Event", "NothingLeft"]

_MAX_REDIRECTS = 5
"""Within one origin, as for every other request of the package."""

_ERROR_SECONDS = 5.0
"""How long an error's body is waited for: its status has said enough."""


_BROKEN = Failure(kind="broken")


class Event(Struct, frozen=True, gc=False):
    """One event as the wire brought it."""

    name: str
    """"" where no name was sent."""
    data: bytes
    id: str | None
    """None where this event brought none of its own."""


class NothingLeft(Exception):
    """The relay answered 204: the cursor stands at the end of a run that is over."""


class ConnectionFailed(Exception):
    """A connection could not be made, or has ended.

    Attributes:
        error: What is raised if there is no other attempt.
        failure: What the retry policy judges.
    """

    def __init__(self, error: AsyncStreamError, failure: Failure) -> None:
        super().__init__(str(error))
        self.error = error
        self.failure = failure


class Connection:
    """One connection. Open it once, take its events, close it in any case."""

    def __init__(self, connections: Connections, url: URL, *, headers: HeaderValues, timeout: Timeout) -> None:
        """Prepare a connection; nothing is sent.

        Args:
            connections: The sessions.
            url: The event stream.
            headers: Sent with the request; with the cursor among them, if there is one.
            timeout: Its deadlines; `event` is the longest silence, in which not even a heartbeat comes.
        """
        self._door = _Door(connections, Call(Request(method="GET", path=url.path), url=url, timeout=timeout, accept={}))
        sent = self._door.headers(headers)
        # What it is given as a session is more than it needs.
        session: Any = self._door
        self._events: Any = EventSource(str(url), session=session, on_error=_refuse, headers=sent)

    async def open(self) -> None:
        """Send the request and wait for the head of its answer.

        Raises:
            NothingLeft: The run is over, and all of it lies before the cursor.
            ConnectionFailed: There is no event stream.
            ConfigurationError: The session cannot be used here.
        """
        await self._events.connect()

    async def next(self) -> Event:
        """Wait for the next event. Cancelling it loses nothing.

        Raises:
            ConnectionFailed: The connection broke, fell silent, or ended: no event of it is whole any more.
            StreamDecodeError: An event is over the limit.
        """
        message = await self._events.__anext__()
        body = self._door.body
        id = message.last_event_id if body is not None and body.has_id else None
        return Event(message.message, message.data.encode(), id)

    def close(self) -> None:
        """Close the connection. May be called again."""
        if self._door.live is not None:
            self._door.live.close()
        elif self._door.response is not None:
            self._door.response.close()

    async def aclose(self) -> None:
        """Close the connection and wait until nothing of it is left."""
        self.close()
        if self._door.live is not None:
            self._door.live.close()


def _refuse() -> NoReturn:
    """End what would be the package's own reconnection: the body is at its end."""
    raise ConnectionFailed(StreamInterruptedError("the relay ended its answer before the run"), _BROKEN)


class _Door:
    """What the package takes for a session: sends its GET, and lets nothing in but an event stream."""

    def __init__(self, connections: Connections, call: Call) -> None:
        self.response: aiohttp.ClientResponse | None = None
        self.live: LiveResponse | None = None
        self.body: _Body | None = None
        self._connections = connections
        self._call = call

    def headers(self, headers: HeaderValues) -> CIMultiDict[str]:
        """Return what is sent, and remember what of it is secret."""
        # Compressed events would be held back until a block is full.
        merged = merge_headers(self._call.headers, {"Accept-Encoding": "identity"}, headers)
        self._call.secrets.add(merged.items())
        return merged

    async def request(self, method: str, url: URL, *, headers: CIMultiDict[str]) -> "_Answer":
        call = self._call
        call.begin_attempt()
        response = await self._final(method, url, headers)
        if response.status == 204:
            response.release()
            raise NothingLeft
        good = 200 <= response.status < 300
        problem = why_no_stream(response.status, response.headers)
        if good and problem is None:
            # Read from now on: aiohttp drops what it holds when a connection breaks.
            self.live = LiveResponse(
                response,
                event_timeout=call.timeout.event,
                total_deadline=None,
                max_event_bytes=DEFAULT_MAX_FRAME_BYTES,
                secrets=call.secrets,
            )
            self.live.restart_deadline()
            self.body = _Body(self.live)
            return _Answer(response, self.body)
        body = await read_body(response, MAX_BODY, call.within(_ERROR_SECONDS))
        answer = call.answer(response, body.data)
        if good:
            raise ConnectionFailed(stream_error(answer, problem or ""), Failure())
        failure = Failure(status=answer.status, headers=answer.headers)
        raise ConnectionFailed(status_error(answer, now=time.time()), failure)

    async def _final(self, method: str, url: URL, headers: CIMultiDict[str]) -> aiohttp.ClientResponse:
        """Return the response that redirects within the origin lead to, whatever its status."""
        hops = 0
        while True:
            response = self.response = await self._exchange(method, url, headers)
            if response.status not in REDIRECTS:
                return response
            response.release()
            hops += 1
            target = redirect_target(method, url, response.status, response.headers)
            if hops > _MAX_REDIRECTS:
                target = f"it is number {hops}, and {_MAX_REDIRECTS} are followed"
            if isinstance(target, str):
                raise ConnectionFailed(redirect_error(self._call.answer(response), target), Failure())
            url = target

    async def _exchange(self, method: str, url: URL, headers: CIMultiDict[str]) -> aiohttp.ClientResponse:
        call = self._call
        session = self._connections.session()
        failed: ConnectionFailed | None = None
        while failed is None:
            trace = self._connections.trace()
            scope = asyncio.timeout_at(call.deadline)
            try:
                async with scope:
                    with trace:
                        response = await session.request(
                            method,
                            url,
                            headers=headers,
                            allow_redirects=False,
                            # The session may be the user's, with defaults of its own that would change what comes back.
                            raise_for_status=False,
                            auto_decompress=True,
                            timeout=self._connections.deadlines(call.timeout),
                            trace_request_ctx=trace if self._connections.watched else None,
                        )
                guard(response)
                return response
            except FOREIGN as caught:
                # One whose connection was refused was not sent: this is no attempt yet.
                failed = None if trace.refused else self._failed(caught, expired=scope.expired())
        # Not in the handler: an error made there would have the foreign exception as its context.
        raise failed

    def _failed(self, caught: Exception, *, expired: bool) -> ConnectionFailed:
        call = self._call
        if expired and isinstance(caught, TimeoutError):
            error: AsyncStreamError = APITimeoutError(call.timed_out("no response"))
            failure = Failure(kind="response_timeout")
        else:
            error, kind = connection_error(
                caught, target=call.target, connect=call.timeout.connect, sent=True, secrets=call.secrets
            )
            failure = Failure(kind=kind)
        error.__cause__ = safe_cause(caught, call.secrets)
        return ConnectionFailed(error, failure)


class _Answer:
    """What the package takes for a response; it has been judged, and what it looks at is as it wants it."""

    status = 200
    content_type = "text/event-stream"

    def __init__(self, response: aiohttp.ClientResponse, body: "_Body") -> None:
        self.headers = response.headers
        self.real_url = response.real_url
        self.content = body


_FIELDS = re.compile(rb"^(data|event|id)(?:: ?+(.*+))?+$", re.MULTILINE)


class _Body:
    """The lines of an event stream, one frame at a time: its name, its id, its data joined to one line, a blank one.

    The package adds line to line by `+=`, which is quadratic; joined here, a frame costs what it is long. Comments end
    here, and so does `retry`: how long to wait is for the follower's policy.

    Attributes:
        has_id: Whether the frame that was given last has an id of its own; the package repeats the one before.
    """

    def __init__(self, live: LiveResponse) -> None:
        self.has_id = False
        self._live = live
        self._frames: deque[bytes] = deque()
        self._lines: deque[bytes] = deque()
        self._fairness = Fairness()

    def __aiter__(self) -> "_Body":
        return self

    async def __anext__(self) -> bytes:
        while not self._lines:
            if self._frames:
                self._take(self._frames.popleft())
            else:
                await self._fairness.give_way()
                await self._read()
        return self._lines.popleft()

    def _take(self, frame: bytes) -> None:
        if not frame or (frame[:1] == b":" and 10 not in frame):
            return  # a heartbeat
        # The package would raise on bad UTF-8; the standard has U+FFFD in its place.
        text = frame if frame.isascii() else frame.decode("utf-8", "replace").encode()
        data: list[bytes] = []
        named: dict[bytes, bytes] = {}
        for field, value in _FIELDS.findall(text):
            if field == b"data":
                data.append(value)
            elif field == b"event" or b"\0" not in value:
                # The last one counts; the package would take its time for each.
                named[field] = value
        self.has_id = b"id" in named
        self._lines.extend(b"%b: %b" % field for field in named.items())
        if data:
            self._lines.append(b"data: " + b"\n".join(data))
        self._lines.append(b"")

    async def _read(self) -> None:
        live = self._live
        frames = live.take()
        if frames is not None:
            # Whatever came, a heartbeat too: the connection lives.
            live.restart_deadline()
            self._frames.extend(frames)
        elif not live.ended:
            try:
                await live.wait()
            except StreamTimeoutError as error:
                raise ConnectionFailed(error, _BROKEN) from None
        elif isinstance(live.failure, StreamDecodeError):
            raise live.failure
        elif live.failure is not None:
            raise ConnectionFailed(live.failure, _BROKEN)
        else:
            raise StopAsyncIteration
