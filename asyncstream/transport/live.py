"""The live byte source of a stream: an open response, whose bytes go into a queue of chunks as they arrive.

Reading never stops, whoever consumes and however slowly, because aiohttp drops what it has buffered when a body
breaks: what had arrived before a connection broke is in the queue. Over `QUEUE_HIGH` bytes the connection is paused.

It holds no reference to the stream, so that a stream that is dropped can close it. Protocol-free: it cuts frames and
keeps deadlines; what a frame means is decided above.

Rule 1: cancelling whoever waits loses nothing. Rule 2: after `close` there is no timer and no connection.
Rule 3: no more than `PIECE` bytes are taken at a time, however many came in one read or out of a coding, so that
whoever takes them can look between two pieces whether its turn is over.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Final

from asyncstream.errors import (
    ConfigurationError,
    StreamError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from asyncstream.sse import FrameSplitter, parse_frame
from asyncstream.transport.answers import make_answer, public_headers, told_error
from asyncstream.transport.arrival import Arrival
from asyncstream.transport.codings import PIECE, BrokenCoding, Unpacker, unpacker_for
from asyncstream.transport.connections import running_loop
from asyncstream.transport.failures import safe_cause
from asyncstream.transport.fairness import Fairness
from asyncstream.transport.observing import SILENT, Watch
from asyncstream.transport.redaction import Secrets
from asyncstream.transport.tap import tap

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
        queued: How many bytes have come and were not taken.
        coded: Whether there may be more to take than that, as the body came in a coding.
        turn: How long its reader has gone on without waiting.
        retries: How many of the retries that the policy allows were used up before it came.
        total_deadline: The loop time at which the stream must have ended; None for no limit.
    """

    def __init__(
        self,
        response: "ClientResponse",
        *,
        event_timeout: float | None,
        total_deadline: float | None,
        max_event_bytes: int,
        total: float | None = None,
        watch: Watch = SILENT,
        secrets: Secrets | None = None,
        begun: Sequence[bytes] = (),
        retries: int = 0,
    ) -> None:
        """Start to read.

        Args:
            response: An open response; from now on it is closed here.
            event_timeout: Seconds to wait for an event; None for no limit.
            total_deadline: The loop time at which the stream must have ended; None for no limit.
            max_event_bytes: The largest frame that is accepted.
            total: The seconds of which that deadline is the end, for the error.
            watch: Is told of the first event and of the end.
            secrets: What no error may repeat.
            begun: What was read of the body before.
            retries: How many retries were used up before it came.
        """
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self.request_id: str | None = response.headers.get("x-request-id")
        self.ended = False
        self.failure: StreamError | None = None
        self.turn = Fairness()
        self.retries = retries
        self.total_deadline = total_deadline
        self._response = response
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._chunks: deque[bytes] = deque(begun)
        self.queued = sum(map(len, begun))
        self._paused = False
        self._splitter = FrameSplitter(max_event_bytes)
        # Nobody asked for a coding; one that came all the same is taken off where its reader sets the pace.
        self._unpacker = unpacker_for(response.headers)
        self.coded = self._unpacker is not None
        self._event_timeout = event_timeout
        self._total = total
        self._deadline = inf
        # Seconds of the deadline between events; None while the total deadline comes first.
        self._patience: float | None = None
        self._expired = False
        # Bytes that were taken since the deadline was counted from anew.
        self._taken = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf
        self._watch = watch
        self._secrets = secrets
        # The first event is still to be told of.
        self._unseen = not watch.over
        self._arrival = Arrival(self._loop)
        self._tap = tap(response, self._arrival, read=self.queued, take=self._queue, end=self._end)

    def _queue(self, chunk: bytes) -> None:
        """Queue bytes that have come, whoever consumes and however slowly."""
        if len(chunk) <= PIECE:
            self._chunks.append(chunk)
        else:
            self._chunks.extend([chunk[start : start + PIECE] for start in range(0, len(chunk), PIECE)])
        self.queued += len(chunk)
        if self.queued > QUEUE_HIGH:
            # Also when it is paused: aiohttp goes on by itself with each piece that is taken out of its buffer.
            self._pause(True)

    def _end(self, error: BaseException | None) -> None:
        """Take note that no more will come: whatever a broken body raises is one thing here, see `failure`."""
        self.ended = True
        if error is not None:
            self.failure = StreamInterruptedError(f"the connection broke: {error or type(error).__name__}")
            self.failure.__cause__ = error
            self._response.close()

    def _pause(self, paused: bool) -> None:
        connection = self._response.connection
        protocol = None if connection is None else connection.protocol
        if protocol is None or not protocol.connected:
            return
        self._paused = paused
        if paused:
            protocol.pause_reading()
        else:
            protocol.resume_reading()

    def take(self) -> list[bytes] | None:
        """Take the frames that the next piece of what is queued completes: often none. None if nothing is queued.

        Of the frames of a piece the first alone can be longer than `PIECE`. A frame over the limit sets `failure` once
        the frames before it were taken, and ends the response.
        """
        chunk = self._dequeue() if self._unpacker is None else self._unpack(self._unpacker)
        if chunk is None:
            return None
        self._taken += len(chunk)
        frames = self._splitter.feed(chunk)
        if self._unseen and any(b"data" in frame and parse_frame(frame).lines for frame in frames):
            self._unseen = False
            self._watch.first_event()
        if self._splitter.failure is not None:
            self._fail(self._splitter.failure)
        return frames

    def _dequeue(self) -> bytes | None:
        if not self._chunks:
            return None
        chunk = self._chunks.popleft()
        self.queued -= len(chunk)
        if self._paused and self.queued < QUEUE_LOW:
            self._pause(False)
            # aiohttp has gone on with what it had put off.
            self._tap.collect()
        return chunk

    def _unpack(self, unpacker: Unpacker) -> bytes | None:
        """Take a piece out of the compressed bytes of a body, which are what is queued; b"" if the next give none."""
        try:
            piece = unpacker.take()
            if piece:
                return piece
            chunk = self._dequeue()
            if chunk is None:
                if self.ended:
                    unpacker.end()
                return None
            unpacker.feed(chunk)
            return unpacker.take()
        except BrokenCoding as error:
            self._fail(self.failure or StreamInterruptedError(f"the body broke off: {error}"))
            return None

    def take_last(self) -> bytes:
        """Take the unfinished frame at the end, once `ended` and nothing is queued; b"" if there is none."""
        return self._splitter.end()

    def _fail(self, failure: StreamError) -> None:
        self.failure = failure
        self._drop_queue()
        self.close()

    def _drop_queue(self) -> None:
        self._chunks.clear()
        self.queued = 0
        self._unpacker = None

    def restart_deadline(self, within: float | None = None) -> None:
        """Count the deadline from now: an event came, or less patience is due.

        Args:
            within: Seconds to wait at most, if that is less than the deadline between events.
        """
        seconds = self._event_timeout
        if within is not None and (seconds is None or within < seconds):
            seconds = within
        self._patience = seconds
        self._deadline = inf if seconds is None else self._loop.time() + seconds
        if self.total_deadline is not None and self.total_deadline < self._deadline:
            self._patience = None
            self._deadline = self.total_deadline
        self._expired = False
        self._taken = 0

    async def give_way(self) -> None:
        """Let all else in the event loop go first, as the reader's turn is over. Cancelling it loses nothing.

        Raises:
            StreamTimeoutError: The deadline has passed, and more bytes were taken since it was counted from anew than
                the queue holds: heartbeats that come faster than they can be read do not put it off.
        """
        await self.turn.give_way()
        if self._taken > QUEUE_HIGH and self._loop.time() >= self._deadline:
            self._drop_queue()
            raise self._timed_out()

    async def wait(self) -> None:
        """Wait until something is queued or the body has ended. Cancelling it loses nothing.

        Raises:
            ConfigurationError: It is called in another event loop than the response was opened in.
            StreamTimeoutError: The deadline passed.
        """
        arrival = self.lull()
        if arrival is not None:
            await arrival
        if self._expired and not self._chunks and not self.ended:
            raise self._timed_out()

    def lull(self) -> Arrival | None:
        """Return what to await, once, where nothing is left to take, then look again. `wait` does no more with it.

        Returns:
            It; None if there is something to look at: bytes, the end, or a deadline that has passed.

        Raises:
            ConfigurationError: It is called in another event loop than the response was opened in.
        """
        if self._chunks or self.ended or self._expired:
            return None
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not self._loop:
            self.check_loop("read")
        if self._deadline < self._timer_at:
            self._arm(max(self._deadline, self._loop.time() + LATE_GRACE))
        self.turn.waited = True
        return self._arrival

    def _timed_out(self) -> StreamTimeoutError:
        if self._patience is None:
            within = "its total deadline" if self._total is None else f"the total of {self._total:g} s"
            return StreamTimeoutError(f"the stream did not end within {within}")
        return StreamTimeoutError(f"no event within {self._patience:g} s")

    def check_loop(self, what: str) -> None:
        """Refuse what must be done in the event loop of the connection: elsewhere, also in a fork, it would break it.

        Raises:
            ConfigurationError: Another event loop is running, or none.
        """
        if running_loop() is not self._loop:
            raise ConfigurationError(f"a stream is {what} in the event loop that opened it")

    def _arm(self, when: float) -> None:
        # One timer serves many waits: it looks when it fires whether the deadline has moved on.
        if when < self._timer_at:
            self._disarm()
            self._timer = self._loop.call_at(when, self._on_timer)
            self._timer_at = when

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._timer_at = inf

    def _on_timer(self) -> None:
        self._disarm()
        if not self._arrival.awaited or self._deadline == inf:
            return
        if self._deadline > self._loop.time():
            self._arm(self._deadline)
        else:
            self._expired = True
            self._arrival.wake()

    def tell_end(
        self, error: BaseException | None, *, result: object = None, events: int = 0, left: bool = False
    ) -> None:
        """Tell whoever watches how the stream ended: with an error, with a result, or `left` by its reader."""
        if error is None:
            self._watch.finished(size=self._response.content.total_bytes, result=result, events=events, left=left)
        else:
            self._watch.failed(error, events=events)

    @property
    def watched(self) -> bool:
        """Whether somebody is still to be told how the stream ended."""
        return not self._watch.over

    def close(self) -> None:
        """Close the connection now and stop reading. One whose body was read to its end is left to the next request."""
        if self._closed:
            return
        self._closed = self.ended = True
        self._disarm()
        self._tap.close()
        self._response.close()
        if not self._loop.is_closed():
            self._arrival.wake_soon()

    @property
    def closed(self) -> bool:
        """Whether nothing is held any more: no timer, no connection."""
        return self.ended and self._response.closed

    @property
    def gone(self) -> bool:
        """Whether nothing is held any more, or its event loop is closed, so that nothing can be let go."""
        return self.closed or self._loop.is_closed()

    def explain(self, error: StreamError) -> None:
        """Add what may be told of the response to an error, and take the secrets of the request out of it."""
        error.status = self.status
        error.headers = public_headers(self._response.headers)
        error.request_id = self.request_id
        if self._secrets is not None:
            self._secrets.clean(error)
            error.__cause__ = safe_cause(error.__cause__, self._secrets)

    def eventless_error(self, body: bytes, error: StreamError) -> StreamError:
        """Return the error for a body that held no event, which the body may tell itself.

        Some servers call it an event stream when they answer with an error as bare JSON, or with a page of HTML.

        Args:
            body: What there was instead of events.
            error: What is known without it.
        """
        response = self._response
        answer = make_answer(response.status, response.reason, response.headers, body, self._secrets or Secrets())
        told = told_error(answer, strict=False)
        if isinstance(told, StreamError):
            return told
        if error.body is None:
            error.body = answer.body
        return error

    def abandon(self, tell: Callable[[], None]) -> None:
        """Close from a finalizer, which may run in another thread, or after the loop was closed.

        Args:
            tell: Tells how the stream ended, by `tell_end`; it is called in the loop, before the connection is closed.
        """
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(tell)
            self._loop.call_soon_threadsafe(self.close)

    async def finish(self) -> None:
        """Close after the last event; a body that has just ended leaves its connection to the next request."""
        if not self.ended:
            timer = self._loop.call_later(END_GRACE, self.close)
            try:
                while not self.ended:
                    await self._arrival
            finally:
                timer.cancel()
                self.close()
        self.close()
