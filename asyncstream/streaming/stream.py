"""The stream that users hold: one cursor over an open response, whatever the protocol. Async, but opens nothing itself.

Events, changes, text and final objects are views of the same cursor. Everything that was received is in a queue below
(`transport.live`), is decoded just before it is handed out, folded (`accumulators`), told to the handler's callbacks,
and only then returned.

The state is in few places: `_outcome` says how the stream ended (None: it goes on), `_due` are the callbacks that
are due, `_undelivered` is the event they belong to.
Rule 1: a step is either finished in one piece without awaiting, or its rest is in `_due` and `_undelivered`; so a
cancellation at any await loses nothing.
Rule 2: the callback for the end is put into `_due` at most once, last.
"""

import asyncio
import warnings
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypeVar, cast

from asyncstream.errors import (
    ConfigurationError,
    StreamDecodeError,
    StreamError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from asyncstream.events.control import DoneEvent, ErrorEvent, UnknownEvent
from asyncstream.events.wire import Wire, decode_last_frame
from asyncstream.sse import parse_frame
from asyncstream.streaming.due_calls import Callbacks, DueCallback, DueCalls
from asyncstream.streaming.view import Derive, View, ViewState
from asyncstream.transport.live import LiveResponse

__all__ = ["Accumulator", "Stream"]

E = TypeVar("E")
C = TypeVar("C")
T = TypeVar("T")
E_contra = TypeVar("E_contra", contravariant=True)
C_co = TypeVar("C_co", covariant=True)
A = TypeVar("A", bound="Accumulator[Any, Any]")

AFTER_EVIDENCE = 5.0
"""Seconds to wait for the end of a body whose answer is already complete; servers that forget to close it exist."""

_NO_FRAMES: deque[bytes] = deque(maxlen=0)

LONG_FRAME = 256 * 1024
"""Bytes above which a frame is not kept besides its event: only the first of a chunk can have gathered as many."""

_CHANGES_ALONE: Final = object()
"""In the place of an event that has been told and not handed out yet: there are changes, and no event."""

_CONTROL = frozenset({DoneEvent, ErrorEvent, StreamDecodeError})
"""What a decoder gives that is no event for the user: it ends the stream."""


class _Border:
    """Stands among the decoded items where one response ends and the next begins."""

    __slots__ = ("cross",)

    def __init__(self, cross: Callable[[], None]) -> None:
        self.cross = cross


class Accumulator(Protocol[E_contra, C_co]):
    """What a stream needs of an accumulator."""

    @property
    def finished(self) -> bool:
        """Whether terminal evidence was seen."""
        ...

    @property
    def events_seen(self) -> int:
        """How many events were pushed."""
        ...

    def push(self, event: E_contra) -> list[Any]:
        """Fold an event; return its changes."""
        ...

    def fold(self, event: E_contra) -> None:
        """Fold an event, when nobody asks for its changes."""
        ...

    def finish(self) -> list[Any]:
        """Say that nothing follows; return the closing changes."""
        ...


class _Ended(Exception):
    """The outcome of a stream that was read to a complete end."""


class Stream(Generic[E, C, A]):
    """A stream of events, and all that can be seen of it while it runs."""

    def __init__(
        self,
        open: Callable[[], Awaitable[LiveResponse]],
        *,
        wire: Wire[E],
        accumulator: A,
        callbacks: Callbacks[E, C] | None,
        usage: str,
    ) -> None:
        """Make an unopened stream.

        Args:
            open: Sends the request and gives the open response.
            wire: How the protocol reads frames.
            accumulator: Where its events are folded.
            callbacks: The handler's side, if there is a handler.
            usage: What to write instead, for the error of a stream that is used before it is opened.
        """
        self.accumulator: A = accumulator
        """What was folded so far."""
        self._open_response = open
        self._wire = wire
        self._decode = wire.decode_frame
        self._decode_plain = wire.decode_plain
        self._fold = accumulator.fold
        self._callbacks = callbacks
        self._usage = usage
        self._live: LiveResponse | None = None
        self._entered = False
        self._outcome: Exception | None = None
        # Undecoded frames, and decoded items of a frame that held several. The items come first.
        self._frames: deque[bytes] = deque()
        # The same frames while they may be read without more ado, else none: see `__anext__`.
        self._quick = self._frames if callbacks is None else _NO_FRAMES
        self._ahead: deque[Any] = deque()
        self._last_frame_taken = False
        self._due = DueCalls()
        self._undelivered: Any = None
        self._busy = False
        self._waiting = False
        # An event came since the deadline was last set.
        self._fresh = True
        self._complete_at_last_wait = False
        self._event: E | None = None
        self._frame = b""
        # What came instead of the first event, if there was anything but comments.
        self._eventless = b""
        self._changes: list[C] = []
        # Somebody wants the changes: a handler, or a view; from the first view on they are always made.
        self._telling = callbacks is not None
        self._views: dict[str, ViewState[Any, Any]] = {}

    # What is known of the response.

    @property
    def wire(self) -> Wire[E]:
        """What the protocol of its events brings; a relay asks it what is not for browsers."""
        return self._wire

    @property
    def current_event(self) -> E | None:
        """The event that was folded last; None before the first."""
        return self._event

    @property
    def current_frame(self) -> bytes:
        """The frame that the last event came in, without its blank line; some servers put several into one.

        b"" for one over 256 KiB whose event keeps its payload itself.
        """
        return self._frame

    @property
    def current_raw(self) -> bytes:
        """The payload of the last frame as received; b"" before the first."""
        return b"\n".join(parse_frame(self._frame).lines)

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

    def _opened(self) -> LiveResponse:
        if self._live is None:
            if self._outcome is not None:
                raise self._outcome
            raise ConfigurationError(f"this stream is not open: write `{self._usage}`")
        return self._live

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
            self._live = await self._open_response()
        except asyncio.CancelledError as cancelled:
            self._end_with(StreamInterruptedError("cancelled while it was opened", partial=self.accumulator), [])
            await self._due.run_last(self._fail_in_callback, cancelled)
        except Exception as error:
            if isinstance(error, StreamError):
                error.partial = self.accumulator
            self._end_with(error, self._failure_calls(error))
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
        if live is not None and not live.gone:
            live.check_loop("closed")
        if self._outcome is None:
            self._undelivered = None
            self._due.clear()
            seen = self.accumulator.events_seen
            self._end_with(self._about(StreamInterruptedError(f"closed by the consumer after {seen} events")), [])
        if live is not None:
            live.close()
        await self._due.run_last(self._fail_in_callback, cancelled)

    def __del__(self) -> None:
        live = getattr(self, "_live", None)
        if live is None or live.closed:
            return
        message = f"unclosed {type(self).__name__}: write `{self._usage}`"
        warnings.warn(message, ResourceWarning, stacklevel=2, source=self)
        live.abandon()

    # The cursor.

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        if self._quick and not self._ahead:
            # A plain frame that is here, and nobody else to tell: `_step` in one piece, at half its cost.
            event = self._decode_plain(self._quick[0])
            if event is not None:
                self._frame = self._quick.popleft()
                self._fresh = True
                self._fold(event)
                self._event = event
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
        if self._busy:
            raise ConfigurationError("another task or callback is reading this stream; only one can at a time")
        if self._live is None:
            self._opened()
        self._busy = True
        try:
            while True:
                if self._due:
                    await self._due.run(self._fail_in_callback)
                undelivered, self._undelivered = self._undelivered, None
                if undelivered is not None:
                    return None if undelivered is _CHANGES_ALONE else undelivered
                if self._outcome is not None:
                    if isinstance(self._outcome, _Ended):
                        raise StopAsyncIteration
                    raise self._outcome
                event = self._step()
                if event is None:
                    await self._go_on()
                elif self._callbacks is None:
                    return event
                else:
                    self._undelivered = event
                    self._due.extend(self._callbacks.for_event(event, self._changes))
        finally:
            self._busy = False

    def _step(self) -> E | None:
        """Decode and fold the next event that is here; None if what comes next is none, or is not here yet."""
        frames = self._frames
        ahead = self._ahead
        event: E
        while True:
            if ahead:
                kind = type(ahead[0])
                if kind in _CONTROL:
                    return None
                if kind is _Border:
                    ahead.popleft().cross()
                    continue
                event = ahead.popleft()
            elif frames:
                frame = frames.popleft()
                decoded = self._decode(frame)
                if len(decoded) != 1 or type(decoded[0]) in _CONTROL:
                    if len(decoded) > 1:
                        self._frame = frame
                    elif not decoded and self._event is None:
                        self._note_eventless(frame)
                    ahead.extend(decoded)
                    continue
                event = decoded[0]  # type: ignore[assignment]  # a cast would cost 60 ns; errors are in _CONTROL
                self._frame = frame
            else:
                taken = self._live.take()  # type: ignore[union-attr]  # the caller saw it
                if taken is None:
                    return None
                # Without an event before it, it may be an error page, which is kept.
                if (
                    taken
                    and len(taken[0]) > LONG_FRAME
                    and self._wire.decode_long is not None
                    and self._event is not None
                ):
                    ahead.extend(self._wire.decode_long(taken))
                    self._frame = b""
                frames.extend(taken)
                continue
            self._fresh = True
            if self._telling:
                self._changes = self.accumulator.push(event)
            else:
                self.accumulator.fold(event)
            self._event = event
            return event

    async def _go_on(self) -> None:
        """Deal with what is no event: wait, or end."""
        if self._ahead:
            await self._end_by(self._ahead.popleft())
        elif await self._arrived():
            return
        else:
            live = self._opened()
            if live.failure is not None and (not self.finished or isinstance(live.failure, StreamDecodeError)):
                self._fail(live.failure)
            else:
                await self._complete()

    async def _arrived(self) -> bool:
        """Wait until there is more to look at; False at the end of the body."""
        live = self._opened()
        if not live.ended:
            if self._fresh:
                self._fresh = False
                complete = self.finished
                # Once the answer is complete, events that say nothing do not put its end off.
                if not (complete and self._complete_at_last_wait and type(self._event) is UnknownEvent):
                    live.restart_deadline(AFTER_EVIDENCE if complete else None)
                self._complete_at_last_wait = complete
            self._waiting = True
            try:
                await live.wait()
            except StreamTimeoutError as error:
                if not self.finished:
                    self._fail(error)
                    return True
                # The answer is complete: that the server does not close the body is no reason to fail.
                live.close()
            finally:
                self._waiting = False
            return True
        if not self._last_frame_taken:
            self._last_frame_taken = True
            self._frame = live.take_last()
            last = decode_last_frame(self._wire, self._frame)
            self._ahead.extend(last)
            if not last and self._event is None:
                self._note_eventless(self._frame)
            return True
        return False

    def _note_eventless(self, frame: bytes) -> None:
        if not self._eventless and not frame.lstrip().startswith(b":"):
            self._eventless = frame

    async def _end_by(self, item: E | StreamDecodeError) -> None:
        if isinstance(item, StreamDecodeError):
            self._fail(item)
        elif isinstance(item, ErrorEvent):
            try:
                self.accumulator.push(item)
            except StreamError as error:
                self._fail(error)
        else:
            self.accumulator.push(item)
            await self._complete()

    async def _complete(self) -> None:
        """End the stream at `[DONE]` or at the end of the body, complete or truncated."""
        try:
            changes = self.accumulator.finish()
        except StreamError as error:
            if self._event is None:
                error = self._opened().eventless_error(self._eventless, error)
            self._fail(error)
            return
        self._show(changes)
        self._end_with(_Ended(), [])
        await self._opened().finish()

    def _show(self, changes: list[C]) -> None:
        """Hand changes out that no event brought."""
        if changes:
            self._changes = changes
            self._undelivered = _CHANGES_ALONE
            if self._callbacks is not None:
                self._due.extend(self._callbacks.for_changes(changes))

    def _fail(self, error: StreamError) -> None:
        """End the stream with an error of its own."""
        self._stop(self._about(error))

    def _stop(self, error: Exception) -> None:
        """End the stream with an error, whoever's it is; its callbacks are due."""
        self._end_with(error, self._failure_calls(error))
        if self._live is not None:
            self._live.close()

    def _about(self, error: StreamError) -> StreamError:
        """Add what is known of the stream and its response to an error."""
        error.partial = self.accumulator
        error.events_seen = self.accumulator.events_seen
        if self._live is not None:
            self._live.explain(error)
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
        """Return what the stream is about, as far as it came: observers are told of it. A protocol's stream has it."""
        return None

    async def continue_with(self, open: Callable[[], Awaitable[LiveResponse]], cross: Callable[[], None]) -> None:
        """Read what is left of this response, open another, and go on with it: the same cursor over both.

        `cross` is called once all of the first response is folded.

        What is left is handed out before the events of the second response. Cancelled before the second is open, the
        stream is as if this had not been called, except that more of the first response is already here.
        """
        if self._waiting:
            raise ConfigurationError("another task is waiting in this stream; call this in its loop body or a callback")
        live = self._opened()
        while not (self._ahead and type(self._ahead[-1]) in _CONTROL) and await self._arrived_undecoded():
            pass
        if self._outcome is not None:
            await self._due.run(self._fail_in_callback)
            raise self._outcome
        if self._ahead and isinstance(self._ahead[-1], ErrorEvent | StreamDecodeError):
            await self._end_by(self._ahead.pop())
            await self._due.run(self._fail_in_callback)
            raise cast("Exception", self._outcome)
        self._tell_end(None)
        await live.finish()
        try:
            second = await open()
        except Exception as error:
            self._stop(error)
            await self._due.run(self._fail_in_callback)
            raise
        if self._ahead and isinstance(self._ahead[-1], DoneEvent):
            self._ahead.pop()
        if self._ahead:
            self._ahead.append(_Border(cross))
        else:
            cross()
        self._live = second
        self._last_frame_taken = False
        self._fresh = True
        self._complete_at_last_wait = False

    async def _arrived_undecoded(self) -> bool:
        """Wait for more, and decode what is here into the queue without folding it; False at the end of the body."""
        while self._frames:
            self._ahead.extend(self._decode(self._frames.popleft()))
            if self._ahead and type(self._ahead[-1]) in _CONTROL:
                return True
        # What is queued keeps `_arrived` from waiting, and nobody else takes it meanwhile.
        taken = self._opened().take()
        if taken is not None:
            self._frames.extend(taken)
            return True
        return await self._arrived()

    def _fail_in_callback(self, error: Exception) -> None:
        """End the stream with what a callback raised; whatever else was due does not count any more."""
        if self._outcome is None:
            self._undelivered = None
            self._due.clear()
            self._stop(error)

    # Views of the cursor.

    @property
    def last_changes(self) -> list[C]:
        """What the last step changed; made once a handler or a view wants it. For views."""
        return self._changes

    def view(self, name: str, derive: Callable[[], Derive[C, T]]) -> View[C, T]:
        """Return a view of the cursor. For the streams of a protocol.

        Args:
            name: What the stream keeps it under: a second view of a name goes on where the first one broke off.
            derive: Makes what gives the items of the view, the first time.
        """
        # From now on somebody wants the changes of every event.
        self._telling = True
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
