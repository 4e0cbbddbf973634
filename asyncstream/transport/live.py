"""The live byte source of a stream: an open response, read by a task of its own into a queue of chunks.

The task never stops reading, because aiohttp drops what it has buffered when a body breaks: what had arrived before a
connection broke is in the queue, however slow the consumer. Over `QUEUE_HIGH` bytes it pauses the connection.

It holds no reference to the stream, so that a stream that is dropped can close it. Protocol-free: it cuts frames and
keeps deadlines; what a frame means is decided above.

Rule 1: cancelling whoever waits loses nothing. Rule 2: after `aclose` there is no task, no timer, no connection.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from asyncstream.errors import (
    ConfigurationError,
    StreamDecodeError,
    StreamError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from asyncstream.sse import FrameSplitter, parse_frame
from asyncstream.transport.answers import public_headers
from asyncstream.transport.observing import SILENT, Watch

if TYPE_CHECKING:
    from aiohttp import ClientResponse

__all__ = ["LiveResponse"]

QUEUE_HIGH: Final = 1024 * 1024
"""Bytes queued at which the connection is paused: some seconds of the fastest model."""

QUEUE_LOW: Final = QUEUE_HIGH // 2

END_GRACE: Final = 0.02
"""Seconds to wait for the end of the body after the last event: it mostly comes in the same packet, and an ended body
lets the connection be used again. Too short to be felt if it never comes."""

LATE_GRACE: Final = 0.1
"""Seconds that a deadline leaves at least to whoever waits: after a blocked loop the bytes come in first."""


class LiveResponse:
    """An open response to a stream request.

    Attributes:
        status: HTTP status.
        headers: Response headers.
        request_id: The `x-request-id` of the response.
        ended: Nothing more will arrive; what is queued can still be taken.
        failure: Why the body broke, if it did; raise it only after the queue is taken.
    """

    def __init__(
        self,
        response: "ClientResponse",
        *,
        event_timeout: float | None,
        total_deadline: float | None,
        max_event_bytes: int,
        watch: Watch = SILENT,
    ) -> None:
        """Start to read.

        Args:
            response: An open response; from now on it is closed here.
            event_timeout: Seconds to wait for an event; None for no limit.
            total_deadline: The loop time at which the stream must have ended; None for no limit.
            max_event_bytes: The largest frame that is accepted.
            watch: Is told of the first event and of the end.
        """
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self.request_id: str | None = response.headers.get("x-request-id")
        self.ended = False
        self.failure: StreamError | None = None
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._chunks: deque[bytes] = deque()
        self._queued = 0
        self._paused = False
        self._splitter = FrameSplitter(max_event_bytes)
        self._event_timeout = event_timeout
        self._total_deadline = total_deadline
        self._deadline: float | None = None
        self._deadline_text = ""
        self._expired = False
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._watch = watch
        # The first event is still to be told of.
        self._unseen = not watch.over
        self._reader: asyncio.Task[None] | None = self._loop.create_task(self._read(), name="asyncstream reader")

    async def _read(self) -> None:
        read = self._response.content.readany
        chunks = self._chunks
        try:
            while chunk := await read():
                chunks.append(chunk)
                self._queued += len(chunk)
                if self._queued > QUEUE_HIGH and not self._paused:
                    self._pause(True)
                waiter = self._waiter
                if waiter is not None and not waiter.done():
                    waiter.set_result(None)
        except Exception as error:  # whatever a broken body raises is one thing here, see failure
            if not self.ended:
                self.failure = StreamInterruptedError(f"the connection broke: {error or type(error).__name__}")
                self.failure.__cause__ = error
                self._response.close()
        finally:
            self.ended = True
            self._reader = None
            waiter = self._waiter
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    def _pause(self, paused: bool) -> None:
        connection = self._response.connection
        protocol = None if connection is None else connection.protocol
        if protocol is None:
            return
        self._paused = paused
        if paused:
            protocol.pause_reading()
        else:
            protocol.resume_reading()

    def take(self) -> list[bytes] | None:
        """Take the frames that the next queued chunk completes: often none. None if nothing is queued.

        A frame over the limit sets `failure` once the frames before it were taken, and ends the response.
        """
        if not self._chunks:
            return None
        chunk = self._chunks.popleft()
        self._queued -= len(chunk)
        if self._paused and self._queued < QUEUE_LOW:
            self._pause(False)
        frames = self._splitter.feed(chunk)
        if self._unseen and any(parse_frame(frame).lines for frame in frames):
            self._unseen = False
            self._watch.first_event()
        if self._splitter.failure is not None:
            self._fail(self._splitter.failure)
        return frames

    def take_last(self) -> bytes:
        """Take the unfinished frame at the end, once `ended` and nothing is queued; b"" if there is none."""
        return self._splitter.end()

    def _fail(self, failure: StreamDecodeError) -> None:
        self.failure = failure
        self._chunks.clear()
        self._queued = 0
        self.close()

    def restart_deadline(self, within: float | None = None) -> None:
        """Count the deadline from now: an event came, or less patience is due.

        Args:
            within: Seconds to wait at most, if that is less than the deadline between events.
        """
        seconds = self._event_timeout
        if within is not None and (seconds is None or within < seconds):
            seconds = within
        self._deadline = None if seconds is None else self._loop.time() + seconds
        self._deadline_text = f"no event within {seconds} s"
        total = self._total_deadline
        if total is not None and (self._deadline is None or total < self._deadline):
            self._deadline = total
            self._deadline_text = "the stream did not end within its total deadline"
        self._expired = False

    async def wait(self) -> None:
        """Wait until something is queued or the body has ended. Cancelling it loses nothing.

        Raises:
            ConfigurationError: It is called in another event loop than the response was opened in.
            StreamTimeoutError: The deadline passed.
        """
        if self._chunks or self.ended:
            return
        if asyncio.get_running_loop() is not self._loop:
            raise ConfigurationError("a stream is read in the event loop that opened it")
        if self._deadline is not None:
            self._arm(max(self._deadline, self._loop.time() + LATE_GRACE))
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._expired:
            raise StreamTimeoutError(self._deadline_text)

    def _arm(self, when: float) -> None:
        # One timer serves many waits: it looks when it fires whether the deadline has moved on.
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done() or self._deadline is None:
            return
        if self._deadline > self._loop.time():
            self._arm(self._deadline)
        else:
            self._expired = True
            self._waiter.set_result(None)

    def tell_end(self, error: BaseException | None, *, result: object = None, events: int = 0) -> None:
        """Tell whoever watches how the stream ended: with an error, or with a result."""
        if error is None:
            self._watch.finished(size=self._response.content.total_bytes, result=result, events=events)
        else:
            self._watch.failed(error, events=events)

    @property
    def watched(self) -> bool:
        """Whether somebody is still to be told how the stream ended."""
        return not self._watch.over

    def close(self) -> None:
        """Close the connection now and stop reading. One whose body was read to its end is left to the next request."""
        self.ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        reader = self._reader
        if reader is not None and not self._loop.is_closed():
            reader.cancel()
        self._response.close()

    @property
    def closed(self) -> bool:
        """Whether nothing is held any more: no task, no connection."""
        return (self._reader is None or self._reader.done()) and self._response.closed

    @property
    def error_headers(self) -> Mapping[str, str]:
        """The headers as an error may keep them: picklable, and without cookies."""
        return public_headers(self._response.headers)

    def abandon(self) -> None:
        """Close from a finalizer, which may run in another thread, or after the loop was closed."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.tell_end, StreamInterruptedError("dropped without closing"))
            self._loop.call_soon_threadsafe(self.close)

    async def finish(self) -> None:
        """Close after the last event; a body that has just ended leaves its connection to the next request."""
        try:
            if self._reader is not None:
                await asyncio.wait((self._reader,), timeout=END_GRACE)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection and wait until the reader is gone."""
        reader = self._reader
        self.close()
        if reader is not None:
            await asyncio.wait((reader,))
