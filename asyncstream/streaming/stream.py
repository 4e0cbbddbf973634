"""The stream that users hold: one cursor over an open response, whatever the protocol. Async, but opens nothing itself.

Events, changes, text and final objects are views of the same cursor. Everything that was received is in a queue below
(`transport.live`), is decoded just before it is handed out, folded (`accumulators`), told to the handler's callbacks,
and only then returned. An answer may be followed by another one (`continue_with`): the cursor goes on over both.

The state is in few places. `_reading` is where the cursor is; once the answer is over, what follows is the end, or the
answer to the request in `_opening`. `_outcome` says how the stream ended (None: it goes on), `_due` are the callbacks
that are due, `_undelivered` is the event they belong to.
Rule 1: a step is either finished in one piece without awaiting, or its rest is in `_due` and `_undelivered`; so a
cancellation at any await loses nothing.
Rule 2: the callback for the end is put into `_due` at most once, last.
"""

import asyncio
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from asyncstream.errors import (
    ConfigurationError,
    StreamError,
    StreamInterruptedError,
)
from asyncstream.events.wire import Wire
from asyncstream.sse import parse_frame
from asyncstream.streaming.due_calls import Callbacks, DueCallback, DueCalls
from asyncstream.streaming.opening import Opening
from asyncstream.streaming.reading import Accumulator, Reading
from asyncstream.streaming.view import Derive, View, ViewState
from asyncstream.transport.http import Transport
from asyncstream.transport.live import LiveResponse
from asyncstream.transport.request import Request

__all__ = ["Stream"]

E = TypeVar("E")
C = TypeVar("C")
T = TypeVar("T")
A = TypeVar("A", bound="Accumulator[Any]")

AFTER_EVIDENCE = 5.0
"""Seconds to wait for the end of a body whose answer is already complete; servers that forget to close it exist."""

BEFORE_THE_NEXT = 0.5
"""The same, for whoever wants to go on with another answer: it costs this much a round where a server forgets it."""

_NO_FRAMES: deque[bytes] = deque(maxlen=0)

_CHANGES_ALONE: Final = object()
"""In the place of an event that has been told and not handed out yet: there are changes, and no event."""


class _Ended(Exception):
    """The outcome of a stream that was read to a complete end."""


class Stream(Generic[E, C, A]):
    """A stream of events, and all that can be seen of it while it runs.

    A protocol subclasses it: it gives its wire, accumulator and callbacks, and overrides `result` and, if its answers
    can be gone on with, `next_accumulator`.
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        *,
        wire: Wire[E],
        accumulator: A,
        callbacks: Callbacks[E, C] | None = None,
        usage: str,
    ) -> None:
        """Make an unopened stream: nothing is sent before it is opened.

        Args:
            transport: The door that opens the response.
            request: What is sent.
            wire: How the protocol reads frames.
            accumulator: Where its events are folded.
            callbacks: The handler's side, if there is a handler.
            usage: What to write instead, for the error of a stream that is used before it is opened.
        """
        self._transport = transport
        # What was sent for the answer.
        self._request = request
        self._reading: Reading[E, C, A] = Reading(wire, accumulator, telling=callbacks is not None)
        self._decode_plain = wire.decode_plain
        self._callbacks = callbacks
        self._usage = usage
        self._opening: Opening[Any] | None = None
        self._entered = False
        self._closed = False
        self._outcome: Exception | None = None
        # The frames that are here, while they may be read without more ado, else none: see `__anext__`.
        self._quick = self._reading.frames if callbacks is None else _NO_FRAMES
        self._ahead = self._reading.ahead
        self._due = DueCalls()
        self._undelivered: Any = None
        self._busy = False
        self._continuing = False
        self._views: dict[str, ViewState[Any, Any]] = {}

    # What is known of the answer.

    @property
    def accumulator(self) -> A:
        """What was folded of the answer so far."""
        return self._reading.accumulator

    @property
    def wire(self) -> Wire[E]:
        """What the protocol of its events brings; a relay asks it what is not for browsers."""
        return self._reading.wire

    @property
    def current_event(self) -> E | None:
        """The event that was folded last; None before the first."""
        return self._reading.event

    @property
    def current_frame(self) -> bytes:
        """The frame that the last event came in, without its blank line; some servers put several into one.

        b"" for one over 256 KiB whose event keeps its payload itself.
        """
        return self._reading.frame

    @property
    def current_raw(self) -> bytes:
        """The payload of the last frame as received; b"" before the first."""
        return b"\n".join(parse_frame(self._reading.frame).lines)

    @property
    def finished(self) -> bool:
        """Whether terminal evidence was seen: the answer is complete, whatever happens to the connection now."""
        return self.accumulator.finished

    @property
    def over(self) -> bool:
        """Whether nothing more comes: it was read to its end, has failed, or was closed."""
        return self._outcome is not None

    @property
    def status(self) -> int:
        """HTTP status of the latest response."""
        return self._opened().status

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the latest response."""
        return self._opened().headers

    @property
    def request_id(self) -> str | None:
        """The `x-request-id` of the latest response."""
        return self._opened().request_id

    @property
    def _live(self) -> LiveResponse | None:
        """The latest response; None before the first is open."""
        return None if self._reading.incoming is None else self._reading.incoming.live

    def _opened(self) -> LiveResponse:
        if self._reading.incoming is None:
            if self._outcome is not None:
                raise self._outcome
            raise ConfigurationError(f"this stream is not open: write `{self._usage}`")
        return self._reading.incoming.live

    # Opening and closing.

    async def open(self) -> Self:
        """Send the request. `async with` does it.

        Raises:
            ConfigurationError: It was opened before.
            APIError: The request failed; nothing was streamed.
        """
        if self._entered:
            raise ConfigurationError("a stream can be opened once; make a new one for another request")
        self._entered = True
        try:
            self._reading.begin(await self._transport.open(self._request), self.accumulator)
        except asyncio.CancelledError as cancelled:
            self._end_with(StreamInterruptedError("cancelled while it was opened", partial=self.accumulator), [])
            await self._due.run_last(self._fail_in_callback, cancelled)
        except Exception as error:
            self._end_with(self._with_partial(error), self._failure_calls(error))
            await self._due.run_last(self._fail_in_callback, None)
            raise
        return self

    async def __aenter__(self) -> Self:
        return self if self._live is not None and self._outcome is None else await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close(error if isinstance(error, asyncio.CancelledError) else None)

    async def close(self) -> None:
        """Close the connection and end the stream. May be called at any time, also twice.

        A stream that had not ended yet is interrupted: reading on and `get_final_...` raise `StreamInterruptedError`.
        """
        await self._close(None)

    async def _close(self, cancelled: asyncio.CancelledError | None) -> None:
        if not self._entered:
            self._entered = True
            self._outcome = ConfigurationError("this stream was closed before it was opened")
            return
        live = self._live
        opening = self._opening
        if opening is not None and not opening.gone:
            opening.check_loop("closed")
        elif live is not None and not live.gone:
            live.check_loop("closed")
        self._closed = True
        if self._outcome is None:
            self._undelivered = None
            self._due.clear()
            seen = self.accumulator.events_seen
            self._end_with(self._about(StreamInterruptedError(f"closed by the consumer after {seen} events")), [])
        if live is not None:
            live.close()
        if opening is not None and not opening.gone:
            try:
                await opening.close()
            except asyncio.CancelledError as error:
                cancelled = error
        await self._due.run_last(self._fail_in_callback, cancelled)

    def __del__(self) -> None:
        live = self._live if hasattr(self, "_reading") else None
        opening = None if live is None or self._closed else self._opening
        if live is None or (live.closed and opening is None):
            return
        message = f"unclosed {type(self).__name__}: write `{self._usage}`"
        warnings.warn(message, ResourceWarning, stacklevel=2, source=self)
        live.abandon()
        if opening is not None:
            opening.abandon()

    # The cursor.

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        if self._quick and not self._ahead:
            # A plain frame that is here, and nobody else to tell: `step` in one piece, at half its cost.
            event = self._decode_plain(self._quick[0])
            if event is not None:
                reading = self._reading
                reading.frame = self._quick.popleft()
                reading.fold(event)
                reading.event = event
                return event
        while True:
            event = await self.advance()
            if event is not None:
                return event

    async def advance(self) -> E | None:
        """Move the cursor one step, and run the callbacks that are due; for views.

        Returns:
            The event; None where changes come without one, as the closing ones do.

        Raises:
            StopAsyncIteration: The stream is at its end.
            StreamError: It did not come to a complete end.
            ConfigurationError: Another task or callback is reading it, or it was not opened.
        """
        if self._busy or self._continuing:
            raise ConfigurationError("another task or callback is reading this stream; only one can at a time")
        reading = self._reading
        if reading.incoming is None:
            self._opened()
        self._busy = True
        try:
            while True:
                if self._due:
                    await self._due.run(self._fail_in_callback)
                    if self._continuing:
                        raise ConfigurationError("a callback has ended before its call of this stream had")
                undelivered, self._undelivered = self._undelivered, None
                if undelivered is not None:
                    return None if undelivered is _CHANGES_ALONE else undelivered
                if self._outcome is not None:
                    if isinstance(self._outcome, _Ended):
                        raise StopAsyncIteration
                    raise self._outcome
                event = reading.step()
                if event is None:
                    if reading.closing is not None and not reading.ahead:
                        await self._go_over()
                        continue
                    try:
                        closing = await reading.meet(AFTER_EVIDENCE)
                    except StreamError as error:
                        self._fail(error)
                    else:
                        if closing:
                            self._show(closing)
                elif self._callbacks is None:
                    return event
                else:
                    self._undelivered = event
                    self._due.extend(self._callbacks.for_event(event, reading.changes))
        finally:
            self._busy = False

    def _show(self, changes: list[C]) -> None:
        """Hand changes out that no event brought."""
        if changes:
            self._reading.changes = changes
            self._undelivered = _CHANGES_ALONE
            if self._callbacks is not None:
                self._due.extend(self._callbacks.for_changes(changes))

    async def _go_over(self) -> None:
        """Go over to what follows this answer: the next one, if its request is on its way, else the end."""
        if self._opening is not None:
            await self._open_next(self._opening)
            return
        closing, self._reading.closing = self._reading.closing, []
        self._show(closing or [])
        self._end_with(_Ended(), [])
        await self._opened().finish()

    # Ends.

    def _fail(self, error: StreamError) -> None:
        """End the stream with an error of its own."""
        self._stop(self._about(error))

    def _fail_in_callback(self, error: Exception) -> None:
        """End the stream with what a callback raised; whatever else was due does not count any more."""
        if self._outcome is None:
            self._undelivered = None
            self._due.clear()
            self._stop(error)

    def _stop(self, error: Exception) -> None:
        """End the stream with an error, whoever's it is; its callbacks are due, and nothing more is waited for."""
        self._end_with(error, self._failure_calls(error))
        if self._live is not None:
            self._live.close()
        if self._opening is not None:
            self._opening.abandon()

    def _about(self, error: StreamError) -> StreamError:
        """Add what is known of the stream and its response to an error."""
        error.partial = self.accumulator
        error.events_seen = self.accumulator.events_seen
        if self._live is not None:
            self._live.explain(error)
        return error

    def _with_partial(self, error: Exception) -> Exception:
        """Add what had arrived to the error of a request; it knows its own response."""
        if isinstance(error, StreamError):
            error.partial = self.accumulator
        return error

    def _failure_calls(self, error: Exception) -> list[DueCallback]:
        return [] if self._callbacks is None else self._callbacks.for_failure(error)

    def _end_with(self, outcome: Exception, calls: list[DueCallback]) -> None:
        """Decide how the stream ended: once, and with `on_end` last."""
        if self._outcome is None:
            self._outcome = outcome
            self._quick = _NO_FRAMES
            self._due.extend(calls)
            if self._callbacks is not None:
                self._due.extend(self._callbacks.for_end())
            # Closed after the evidence, an answer was complete all the same.
            complete = isinstance(outcome, _Ended) or (self.finished and isinstance(outcome, StreamInterruptedError))
            self._tell_end(None if complete else outcome)

    def _tell_end(self, error: Exception | None) -> None:
        """Tell whoever observes the response how it ended."""
        live = self._live
        if live is not None and live.watched:
            result = None if error is not None else self.result()
            live.tell_end(error, result=result, events=self.accumulator.events_seen)

    def result(self) -> object:
        """Return what the answer is, as far as it came: observers are told of it. For a protocol to override."""
        return None

    # Going on with another answer.

    def next_accumulator(self, results: Any) -> A:
        """Return where the events of the answer are folded that begins now. For a protocol to override.

        `accumulator`, `request_id` and all else that is said of an answer are still those of the one before.

        Args:
            results: What went back with the request for it.
        """
        return self.accumulator

    async def continue_with(self, follow: Callable[[Request], tuple[Request, Any]]) -> None:
        """Read what is left of this answer, send another request, and go on with its answer. For a protocol to call.

        What is left is folded at once and handed out before the events of the next answer. The request is sent once:
        cancelled before that, the stream is as it was, except that more is already here; cancelled later, the request
        goes on, and the next step of the cursor, or the same call again, waits for it.

        Args:
            follow: Makes the request out of the one that was sent for this answer, and the results for
                `next_accumulator`. Called once the answer is whole; what it raises changes nothing.

        Raises:
            ConfigurationError: The answer is not complete, the stream has ended, or something else is reading it.
            StreamError: What was left of the answer does not bring it to a complete end.
            APIError: The request failed. With any of these two the stream has ended.
        """
        self._opened()
        if self._continuing or (self._busy and not self._due.running):
            raise ConfigurationError("another task is waiting in this stream; call this in its loop body or a callback")
        self._check_goes_on()
        if not self.finished:
            raise ConfigurationError("this answer is not complete yet: it can be gone on with after its last event")
        self._continuing = True
        try:
            try:
                await self._reading.read_rest(BEFORE_THE_NEXT)
            except StreamError as error:
                self._fail(error)
            if not self._failed:
                await self._send_next(*follow(self._request))
        finally:
            self._continuing = False
        if self._failed:
            await self._due.run(self._fail_in_callback)
            raise self._outcome  # type: ignore[misc]  # a failure is one
        # Closed meanwhile, nothing was sent.
        self._check_goes_on()

    @property
    def _failed(self) -> bool:
        return self._outcome is not None and not isinstance(self._outcome, _Ended)

    def _check_goes_on(self) -> None:
        """Refuse what has ended for good: all but a complete answer of whose end no handler was told."""
        if self._failed:
            raise ConfigurationError(f"this stream has ended: {self._outcome}") from self._outcome
        if self._closed or (self._outcome is not None and self._callbacks is not None):
            raise ConfigurationError(f"this stream {'was closed' if self._closed else 'has ended'}")

    async def _send_next(self, request: Request, results: object) -> None:
        """Send the request for the next answer, unless it is on its way, and wait until that has begun."""
        opening = self._opening
        if opening is None:
            self._tell_end(None)
            await self._opened().finish()
            if self._closed or self._failed:
                return
            self._outcome = None
            opening = self._opening = Opening(self._transport, request, results)
        elif opening.request.body != request.body:
            raise ConfigurationError("a request with other outputs is on its way already")
        await self._open_next(opening)

    async def _open_next(self, opening: Opening[Any]) -> None:
        """Wait until the next answer has begun, and go over to it; a request that failed ends the stream."""
        opening.check_loop("read")
        try:
            live = await opening.opened()
        except Exception as error:
            # If the stream was closed meanwhile, that is what has ended it.
            if self._outcome is None:
                self._opening = None
                self._stop(self._with_partial(error))
            return
        if self._outcome is None:
            self._begin_answer(live, opening)

    def _begin_answer(self, live: LiveResponse, opening: Opening[Any]) -> None:
        reading = self._reading
        reading.begin(live, self.next_accumulator(opening.results))
        self._request = opening.request
        self._opening = None
        self._quick = _NO_FRAMES if reading.telling else reading.frames

    # Views of the cursor.

    @property
    def last_changes(self) -> list[C]:
        """What the last step changed; made once a handler or a view wants it. For views."""
        return self._reading.changes

    def view(self, name: str, derive: Callable[[], Derive[C, T]]) -> View[C, T]:
        """Return a view of the cursor. For the streams of a protocol.

        Args:
            name: What the stream keeps it under: a second view of a name goes on where the first one broke off.
            derive: Makes what gives the items of the view, the first time.
        """
        # From now on somebody wants the changes of every event.
        self._reading.telling = True
        self._quick = _NO_FRAMES
        if name not in self._views:
            self._views[name] = ViewState(derive())
        return View(self, self._views[name])

    @property
    def changes(self) -> View[C, C]:
        """What changed, event by event, as typed changes in the order in which handlers are called."""
        return self.view("changes", lambda: list)

    async def until_done(self) -> None:
        """Read to the end.

        Raises:
            StreamError: The stream did not come to a complete end; `partial` is what arrived.
        """
        async for _ in self:
            pass
