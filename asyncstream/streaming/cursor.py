"""The cursor of a stream: `Cursor`, which goes over its answers, tells the handler, and ends once.

Everything that was received is in a queue below (`transport.live`), is decoded and folded just before it is handed out
(`reading`), told to the handler's callbacks (`due_calls`), and only then returned. An answer may be followed by another
one (`opening`), or its body break and be followed by the rest (`healing`): the cursor goes on over both. Above it:
`stream`, what users see of it. It knows no stream, so that a stream that is dropped, and its views, end with it.

The state is in few places. `reading` is where the cursor is; once the answer is over, what follows is the end, or what
comes to the request in `_opening`; to one that was sent after a break, it is the rest of the same answer. `_outcome`
says how the stream ended (None: it goes on), `_due` are the callbacks that are due, `_undelivered` is the event they
belong to.
Rule 1: a step is either finished in one piece without awaiting, or its rest is in `_due` and `_undelivered`; so a
cancellation at any await loses nothing.
Rule 2: the callback for the end is put into `_due` at most once, last.
"""

import asyncio
import warnings
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar, cast

from asyncstream.errors import ConfigurationError, StreamError, StreamInterruptedError
from asyncstream.streaming.due_calls import Callbacks, DueCallback, DueCalls
from asyncstream.streaming.opening import Opening
from asyncstream.streaming.reading import Accumulator, Reading
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request

if TYPE_CHECKING:
    from asyncstream.streaming.healing import AfterBreak, Healing
    from asyncstream.streaming.tool_loop import ToolLoop
    from asyncstream.transport.live import LiveResponse

__all__ = ["Cursor", "Follow"]

E = TypeVar("E")
C = TypeVar("C")
A = TypeVar("A", bound="Accumulator[Any]")

AFTER_EVIDENCE = 5.0
"""Seconds to wait for the end of a body whose answer is already complete; servers that forget to close it exist."""

BEFORE_THE_NEXT = 0.5
"""The same, before another request of the stream is sent: it costs this much a round where a server forgets it."""

_NO_FRAMES: deque[bytes] = deque(maxlen=0)

_NEVER_DUE: Final = DueCalls()
"""Of all streams that have no handler: an empty queue takes 760 bytes."""

_CHANGES_ALONE: Final = object()
"""In the place of an event that has been told and not handed out yet: there are changes, and no event."""

Follow: TypeAlias = Callable[[Request], tuple[Request, Callable[[], A]]]
"""Makes the next request out of the one that was sent, and what makes the accumulator of its answer, once that is here.

The latter is kept while the request is on its way, so it must not know the stream.
"""


class _Ended(Exception):
    """The outcome of a stream that was read to a complete end."""


class Cursor(Generic[E, C, A]):
    """Goes over the events of the answers of one stream.

    Attributes:
        busy: Whether somebody is waiting for its next step.
        reading: Where it is, and what was folded.
        quick: The frames that are here, while they may be read without more ado, else none: see `Stream.__anext__`.
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        reading: Reading[E, C, A],
        *,
        callbacks: Callbacks[E, C] | None,
        result: Callable[[A], object],
        after_break: "AfterBreak[A] | None" = None,
        name: str,
        usage: str,
        tool_loop: "ToolLoop[A] | None" = None,
    ) -> None:
        """Prepare to go over the answers; nothing is sent before `open`.

        Args:
            transport: The door that opens the responses.
            request: What is sent for the first answer.
            reading: What reads the answers.
            callbacks: The handler's side, if there is a handler.
            result: Gives what an answer is, as far as it came, out of its accumulator: observers are told of it.
            after_break: Says how an answer goes on whose body broke; None if none of the protocol does.
            name: What the stream is called that has it.
            usage: What to write instead, for the errors of a stream that is not opened or not closed.
            tool_loop: What goes on between its answers; None if nothing does.
        """
        self.reading = reading
        self._tool_loop = tool_loop
        self._patience = AFTER_EVIDENCE if tool_loop is None else BEFORE_THE_NEXT
        self.quick = reading.frames if callbacks is None else _NO_FRAMES
        self._transport = transport
        # What was sent for the answer.
        self._request = request
        self._callbacks = callbacks
        self._result = result
        self._healing = None if after_break is None else _healing(transport, after_break)
        self._name = name
        self._usage = usage
        self._opening: Opening[A] | None = None
        self._entered = False
        self._closed = False
        self._outcome: Exception | None = None
        self._due = _NEVER_DUE if callbacks is None else DueCalls()
        self._undelivered: Any = None
        self.busy = False
        self._continuing = False

    @property
    def over(self) -> bool:
        """Whether nothing more comes: it was read to its end, has failed, or was closed."""
        return self._outcome is not None

    @property
    def entered(self) -> bool:
        """Whether it was opened."""
        return self._entered

    @property
    def sent(self) -> Request:
        """The request for the latest answer."""
        return self._request

    @property
    def live(self) -> "LiveResponse | None":
        """The latest response; None before the first is open."""
        return None if self.reading.incoming is None else self.reading.incoming.live

    def opened(self) -> "LiveResponse":
        """Return the latest response.

        Raises:
            ConfigurationError: None was opened yet.
            Exception: What the first request failed with.
        """
        if self.reading.incoming is None:
            if self._outcome is not None:
                raise self._outcome
            raise ConfigurationError(f"this stream is not open: write `{self._usage}`")
        return self.reading.incoming.live

    # Opening and closing.

    async def open(self) -> None:
        """Send the first request.

        Raises:
            ConfigurationError: It was opened before.
            APIError: The request failed; nothing was streamed.
        """
        if self._entered:
            raise ConfigurationError("a stream can be opened once; make a new one for another request")
        self._entered = True
        accumulator = self.reading.accumulator
        if self._tool_loop is not None and self._tool_loop.resumes:
            # The answer is there already: it goes on with its calls.
            self.reading.closing = []
            return
        try:
            self.reading.begin(await self._transport.open(self._request), accumulator)
        except asyncio.CancelledError as cancelled:
            self._end_with(StreamInterruptedError("cancelled while it was opened", partial=accumulator), [])
            await self._due.run_last(self._fail_in_callback, cancelled)
        except Exception as error:
            self._stop(self._with_partial(error))
            await self._due.run_last(self._fail_in_callback, None)
            raise

    async def close(self, cancelled: asyncio.CancelledError | None) -> None:
        """Close the connection and end the stream, at any time, also twice; a cancellation that led here goes on."""
        if not self._entered:
            self._entered = True
            self._outcome = ConfigurationError("this stream was closed before it was opened")
            return
        live = self.live
        opening = self._opening
        if opening is not None and not opening.gone:
            opening.check_loop("closed")
        elif live is not None and not live.gone:
            live.check_loop("closed")
        self._closed = True
        if self._outcome is None:
            self._undelivered = None
            self._due.clear()
            seen = self.reading.accumulator.events_seen
            interrupted = self._about(StreamInterruptedError(f"closed by the consumer after {seen} events"))
            self._end_with(interrupted, [], cancelled=cancelled)
        if live is not None:
            live.close()
        if opening is not None and not opening.gone:
            try:
                await opening.close()
            except asyncio.CancelledError as error:
                cancelled = error
        if self._tool_loop is not None:
            try:
                await self._tool_loop.close()
            except asyncio.CancelledError as error:
                cancelled = error
        await self._due.run_last(self._fail_in_callback, cancelled)

    def __del__(self) -> None:
        if not hasattr(self, "_continuing"):
            return  # it was never made
        # One that was resumed has no response before its second answer.
        live = self.live
        opening = None if self._closed else self._opening
        running = self._tool_loop is not None and self._tool_loop.running
        if (live is None or live.closed) and opening is None and not running:
            return
        warnings.warn(f"unclosed {self._name}: write `{self._usage}`", ResourceWarning, stacklevel=2, source=self)
        folded = self.reading.accumulator
        if live is not None:
            live.abandon(partial(_tell_end, live, None, folded, self._result, left=not folded.finished))
        if opening is not None:
            opening.abandon()
        if self._tool_loop is not None:
            self._tool_loop.abandon()

    # Steps.

    async def advance(self, *, events_only: bool = False) -> E | None:
        """Move one step, and run the callbacks that are due. Cancelling it loses nothing.

        Args:
            events_only: Whether nobody looks at changes that come without an event: those of tools.

        Returns:
            The event; None where changes come without one, as the closing ones do.

        Raises:
            StopAsyncIteration: The stream is at its end.
            StreamError: It did not come to a complete end.
            ConfigurationError: Another task or callback is reading it, or it was not opened.
        """
        if self.busy or self._continuing:
            raise ConfigurationError("another task or callback is reading this stream; only one can at a time")
        reading = self.reading
        if reading.incoming is None and reading.closing is None:
            self.opened()
        self.busy = True
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
                    if (reading.closing is not None or self._opening is not None) and not reading.ahead:
                        await self._go_over(silent=events_only and self._callbacks is None)
                        continue
                    try:
                        closing = await reading.meet(self._patience)
                    except StreamError as error:
                        self._meet_break(self._about(error))
                    else:
                        if closing:
                            self._show(closing)
                elif self._callbacks is None:
                    return event
                else:
                    self._undelivered = event
                    self._due.extend(self._callbacks.for_event(event, reading.changes))
        finally:
            self.busy = False

    def advance_at_once(self) -> bool:
        """Move to the next event, if it is here and there is nothing to do but to fold it; else `advance` does all.

        It is the short way for views, of events that come many at a time: without the coroutine in between.
        """
        reading = self.reading
        if (
            self.busy
            or self._continuing
            or self._callbacks is not None
            or self._undelivered is not None
            or self._outcome is not None
            or reading.incoming is None
        ):
            return False
        return reading.step() is not None

    def lull(self) -> Awaitable[None] | None:
        """Return what to await where all there is to do is to wait for bytes.

        It is the short way of `advance`, for a live event, which comes alone: without the coroutines in between.

        Returns:
            It; the cursor is `busy` then, which the caller ends. None if there is more to do: `advance` does it.

        Raises:
            ConfigurationError: It is called in another event loop than the one of the response.
        """
        reading = self.reading
        # `quick` is something else if there are callbacks or views to tell, and at the end.
        if self.busy or self._continuing or self.quick is not reading.frames or self._undelivered is not None:
            return None
        lull = reading.lull(self._patience)
        self.busy = lull is not None
        return lull

    @property
    def last_changes(self) -> list[C]:
        """What the last step changed; made once a handler or a view wants it."""
        return self.reading.changes

    def tell_changes(self) -> None:
        """Make the changes of every event from now on: a view wants them."""
        self.reading.telling = True
        self.quick = _NO_FRAMES

    def _show(self, changes: list[C]) -> None:
        """Hand changes out that no event brought."""
        if changes:
            self.reading.changes = changes
            self._undelivered = _CHANGES_ALONE
            if self._callbacks is not None:
                self._due.extend(self._callbacks.for_changes(changes))

    async def _go_over(self, *, silent: bool) -> None:
        """Go over to what follows: what comes to the request that is on its way, else the end."""
        if self._opening is not None:
            await self._open_next(self._opening)
            return
        closing, self.reading.closing = self.reading.closing, []
        self._show(closing or [])
        if self._tool_loop is None:
            self._end_with(_Ended(), [])
            await self.opened().finish()
        elif not closing:
            await self._go_on(self._tool_loop, silent=silent)

    async def _go_on(self, loop: "ToolLoop[A]", *, silent: bool) -> None:
        """Take the next step between two answers: what calls have changed, the next request, or the end."""
        live = self.live
        if live is not None and (live.watched or not live.closed):
            self._tell_end(None)
            # Tools may need the connection.
            await live.finish()
        request_id = None if live is None else live.request_id
        try:
            came = await loop.after(self._request, self.reading.accumulator, request_id, silent=silent)
        except StreamError as error:
            self._stop(self._about(error))
        except Exception as error:
            self._stop(error)
        else:
            if self._outcome is not None:
                return  # it was closed meanwhile
            if came is None:
                self._end_with(_Ended(), [])
            elif isinstance(came, list):
                self._show(cast("list[C]", came))
            else:
                self._opening = Opening(self._transport.open(came.request), came.request, came.begin)

    # Going on.

    def _meet_break(self, error: StreamError) -> None:
        """Ask for the rest of an answer that has failed, if its protocol knows how; else the stream has failed."""
        live = self.opened()
        healing = self._healing
        opening = None if healing is None else healing.resume(error, self._request, self.reading.accumulator, live)
        if opening is None:
            self._stop(error)
        else:
            self._opening = opening
            self._tell_end(error)
            live.close()
            # Its frames hold the cursor, and it is held by what is on its way: a dropped stream would never end.
            error.__traceback__ = None

    async def continue_with(self, follow: Follow[A]) -> None:
        """Read what is left of this answer, send another request, and go on with its answer.

        What is left is folded at once and handed out before the events of the next answer. The request is sent once:
        cancelled before that, the stream is as it was, except that more is already here; cancelled later, the request
        goes on, and the next step of the cursor, or the same call again, waits for it.

        Args:
            follow: Called once the answer is whole; what it raises changes nothing.

        Raises:
            ConfigurationError: The answer is not complete, the stream has ended, or something else is reading it.
            StreamError: What was left of the answer does not bring it to a complete end.
            APIError: The request failed. With any of these two the stream has ended.
        """
        self.opened()
        if self._continuing or (self.busy and not self._due.running):
            raise ConfigurationError("another task is waiting in this stream; call this in its loop body or a callback")
        self._check_goes_on()
        if not self.reading.accumulator.finished:
            raise ConfigurationError("this answer is not complete yet: it can be gone on with after its last event")
        self._continuing = True
        try:
            try:
                await self.reading.read_rest(BEFORE_THE_NEXT)
            except StreamError as error:
                self._stop(self._about(error))
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

    async def _send_next(self, request: Request, begin: Callable[[], A]) -> None:
        """Send the request for the next answer, unless it is on its way, and wait until that has begun."""
        opening = self._opening
        if opening is None:
            self._tell_end(None)
            await self.opened().finish()
            if self._closed or self._failed:
                return
            self._outcome = None
            opening = self._opening = Opening(self._transport.open(request), request, begin)
        elif opening.request.body != request.body:
            raise ConfigurationError("a request with other outputs is on its way already")
        await self._open_next(opening)

    async def _open_next(self, opening: Opening[A]) -> None:
        """Wait until there is an answer to a request, and go over to it; a request that failed ends the stream."""
        opening.check_loop("read")
        try:
            live = await opening.opened()
        except Exception as error:
            # If the stream has ended meanwhile, that was not the reason.
            if self._outcome is None:
                self._opening = None
                if opening.broke is None:
                    self._stop(self._with_partial(error))
                else:
                    from asyncstream.streaming.healing import failure_to_go_on

                    self._stop(failure_to_go_on(error, opening.broke, self.reading.accumulator))
            return
        if self._outcome is None:
            self.reading.begin(live, opening.begin())
            if opening.broke is None:
                self._request = opening.request
            self._opening = None
            self.quick = _NO_FRAMES if self.reading.telling else self.reading.frames

    # Ends.

    def _fail_in_callback(self, error: Exception) -> None:
        """End the stream with what a callback raised; whatever else was due does not count any more."""
        if self._outcome is None:
            self._undelivered = None
            self._due.clear()
            self._stop(error)

    def _stop(self, error: Exception) -> None:
        """End the stream with an error of any kind: its callbacks are due, and nothing of it is open or on its way."""
        self._end_with(error, [] if self._callbacks is None else self._callbacks.for_failure(error))
        if self.live is not None:
            self.live.close()
        if self._opening is not None:
            self._opening.abandon()
        if self._tool_loop is not None:
            self._tool_loop.halt()

    def _end_with(
        self, outcome: Exception, calls: list[DueCallback], *, cancelled: asyncio.CancelledError | None = None
    ) -> None:
        """Decide how the stream ended: once, and with `on_end` last.

        Args:
            outcome: How.
            calls: What the handler is told of it.
            cancelled: What closed it, if that was no wish of its reader's.
        """
        if self._outcome is None:
            self._outcome = outcome
            self.quick = _NO_FRAMES
            self._due.extend(calls)
            if self._callbacks is not None:
                self._due.extend(self._callbacks.for_end())
            # Closed after the evidence, an answer was complete all the same.
            finished = self.reading.accumulator.finished
            complete = isinstance(outcome, _Ended) or (finished and isinstance(outcome, StreamInterruptedError))
            left = self._closed and cancelled is None and not complete
            self._tell_end(None if complete or left else cancelled or outcome, left=left)

    def _tell_end(self, error: BaseException | None, *, left: bool = False) -> None:
        if self.live is not None:
            _tell_end(self.live, error, self.reading.accumulator, self._result, left=left)

    def _about(self, error: StreamError) -> StreamError:
        """Add what is known of the stream and its response to an error."""
        self._with_partial(error)
        error.events_seen = self.reading.accumulator.events_seen
        if self.live is not None:
            self.live.explain(error)
        return error

    def _with_partial(self, error: Exception) -> Exception:
        """Add what had arrived to the error of a request; it knows its own response."""
        if isinstance(error, StreamError):
            error.partial = self.reading.accumulator  # type: ignore[assignment]  # it is one of them
        return error


def _tell_end(
    live: "LiveResponse", error: BaseException | None, folded: A, result: Callable[[A], object], *, left: bool
) -> None:
    """Tell the observers of the response how it ended: with an error, whole, or left by its reader."""
    if live.watched:
        live.tell_end(error, result=None if error else result(folded), events=folded.events_seen, left=left)


def _healing(transport: Transport, after_break: "AfterBreak[A]") -> "Healing[A]":
    from asyncstream.streaming.healing import Healing  # most answers end with their connection

    return Healing(transport, after_break)
