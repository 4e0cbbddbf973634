"""One connection to an event stream over GET, read by `aiohttp-sse-client`, which is let do what it does well.

It asks for the stream, reads the lines of events, says where each ends, and keeps the last event id. It is not let see
anything but a good answer (of another it would log the URL with its query, and lose the body), send a request again by
itself (it would glue half an event to its second copy), or read a body's lines (it would stop at long ones, and wait in
silence for ever). So what it takes for a session is `_Door`, which asks the transport for one attempt.

Above it: `following.link`, which decides whether and when there is another connection, and `following.follower`, which
decodes the events. Below it: `transport.http`, where requests, redirects, deadlines and errors are.

Rule 1: cancelling whoever waits for an event loses nothing. Rule 2: an event is read once: its frame goes to the
decoders of its protocol as it came, and only one of an unusual shape is written anew.
"""

import re
from collections import deque
from typing import Any, NoReturn

from aiohttp_sse_client.client import EventSource  # type: ignore[import-untyped]  # the package has no annotations
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from asyncstream.errors import APIError, AsyncStreamError, StreamDecodeError, StreamInterruptedError, StreamTimeoutError
from asyncstream.transport.http import Failed, Transport
from asyncstream.transport.live import LiveResponse
from asyncstream.transport.request import Request
from asyncstream.transport.retry import Failure

__all__ = ["Connection", "ConnectionFailed", "Event", "NothingLeft", "frame_of"]

_BROKEN = Failure(kind="broken")


class Event(Struct, frozen=True, gc=False):
    """One event as the wire brought it."""

    name: str
    """"" where no name was sent."""
    text: str
    """Its data."""
    id: str | None
    """None where this event brought none of its own."""
    frame: bytes
    """Its name and data as the decoders take them."""


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

    def __init__(self, transport: Transport, cursor: str | None) -> None:
        """Prepare a connection; nothing is sent.

        Args:
            transport: Its base URL is the event stream; its `event` deadline is the longest silence, in which not even
                a heartbeat comes.
            cursor: The id after which the relay goes on; None: from the start.
        """
        self._door = _Door(transport)
        self._events_seen = 0
        headers = CIMultiDict({} if cursor is None else {"Last-Event-ID": cursor})
        # What it is given as a session is more than it needs.
        session: Any = self._door
        self._events: Any = EventSource(transport.base_url, session=session, on_error=_refuse, headers=headers)

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
        self._events_seen += 1
        name, text, id = message.message, message.data, message.last_event_id
        body = self._door.body
        if body is None:
            return Event(name, text, None, frame_of(name, text.encode()))
        return Event(name, text, id if body.has_id else None, body.frame or frame_of(name, text.encode()))

    def close(self, error: BaseException | None, *, left: bool = False) -> None:
        """Close the connection, and tell whoever observes it how it ended. May be called again.

        Args:
            error: Why it ended; None: the run has come to its end, or its reader has left.
            left: Whether its reader has left before the end.
        """
        live = self._door.live
        if live is not None:
            live.tell_end(error, events=self._events_seen, left=left)
            live.close()


def _refuse() -> NoReturn:
    """End what would be the package's own reconnection: the body is at its end."""
    raise ConnectionFailed(StreamInterruptedError("the relay ended its answer before the run"), _BROKEN)


def frame_of(name: str, data: bytes) -> bytes:
    """Return an event as the decoders take it, each line of its data for itself."""
    lines = b"data: " + data.replace(b"\n", b"\ndata: ")
    return b"event: %s\n%s" % (name.encode(), lines) if name else lines


class _Door:
    """What the package takes for a session: it lets nothing in but an event stream.

    Attributes:
        live: The response, once there is one.
        body: Its body, as the package reads it.
    """

    def __init__(self, transport: Transport) -> None:
        self.live: LiveResponse | None = None
        self.body: _Body | None = None
        self._transport = transport

    async def request(self, method: str, url: URL, *, headers: CIMultiDict[str]) -> "_Answer":
        """Ask the transport for one attempt; its base URL is the one that the package was given."""
        outcome = await self._transport.attempt(Request(method=method, path="", headers=headers))
        if isinstance(outcome, Failed):
            raise _refused(outcome)
        # Read from now on: aiohttp drops what it holds when a connection breaks.
        self.live = outcome
        outcome.restart_deadline()
        self.body = _Body(outcome)
        return _Answer(url, self.body)


def _refused(failed: Failed) -> NothingLeft | ConnectionFailed:
    error = failed.error
    if isinstance(error, APIError) and error.status == 204:
        return NothingLeft()
    error.__cause__ = failed.cause
    return ConnectionFailed(error, failed.failure)


class _Answer:
    """What the package takes for a response; it has been judged, and what it looks at is as it wants it."""

    status = 200
    content_type = "text/event-stream"

    def __init__(self, url: URL, body: "_Body") -> None:
        self.real_url = url
        self.content = body


_USUAL = re.compile(rb"(?:id: ([0-9]+)\n)?+((?:event: [\w.]+\n)?+data: (?! ).*+)", re.ASCII)
"""A frame of this package's relay, and of most others: its id, and what the decoders take. One pass, whatever it is."""

_FIELDS = re.compile(rb"^(data|event|id)(?:: ?+(.*+))?+$", re.MULTILINE)


class _Body:
    """The lines of an event stream, one frame at a time, as the package reads them.

    A frame of the usual shape is given as it is. Of any other its name, its id, its data joined to one line, a blank
    one: the package adds line to line by `+=`, which is quadratic, would take its time for each of a million ids, and
    raise on bad UTF-8. Comments end here, and so does `retry`: how long to wait is for the follower's policy.

    Attributes:
        has_id: Whether the frame that was given last has an id of its own; the package repeats the one before.
        frame: That frame without its id, if it has the usual shape; else b"".
    """

    def __init__(self, live: LiveResponse) -> None:
        self.has_id = False
        self.frame = b""
        self._live = live
        self._frames: deque[bytes] = deque()
        self._lines: deque[bytes] = deque()

    def __aiter__(self) -> "_Body":
        return self

    async def __anext__(self) -> bytes:
        turn = self._live.turn
        while not self._lines:
            if turn.over():
                await turn.give_way()
            if self._frames:
                self._take(self._frames.popleft())
            else:
                await self._read()
        return self._lines.popleft()

    def _take(self, frame: bytes) -> None:
        if not frame or (frame[:1] == b":" and 10 not in frame):
            return  # a heartbeat
        # The package would raise on bad UTF-8; the standard has U+FFFD in its place.
        text = frame if frame.isascii() else frame.decode("utf-8", "replace").encode()
        usual = _USUAL.fullmatch(text)
        if usual is None:
            self._take_unusual(text)
            return
        self.has_id = usual[1] is not None
        self.frame = usual[2]
        self._lines.extend(text.split(b"\n"))
        self._lines.append(b"")

    def _take_unusual(self, frame: bytes) -> None:
        data: list[bytes] = []
        named: dict[bytes, bytes] = {}
        for field, value in _FIELDS.findall(frame):
            if field == b"data":
                data.append(value)
            elif field == b"event" or b"\0" not in value:
                # The last one counts.
                named[field] = value
        self.has_id = b"id" in named
        self.frame = b""
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
        elif live.failure is not None:
            live.explain(live.failure)
            if isinstance(live.failure, StreamDecodeError):
                raise live.failure
            raise ConnectionFailed(live.failure, _BROKEN)
        else:
            raise StopAsyncIteration
