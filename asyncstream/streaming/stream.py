"""The stream that users hold: `Stream`, what can be seen and done while a response runs, whatever the protocol.

Below it: `cursor`, which opens, goes over the answers and ends; and `view`, other ways to look along it. Above it: the
stream of each protocol, which adds what only its answers have. Nothing here decides how a stream goes on or ends.
"""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from asyncstream.errors import ConfigurationError
from asyncstream.events.wire import Wire
from asyncstream.streaming.cursor import Cursor, Follow
from asyncstream.streaming.due_calls import Callbacks
from asyncstream.streaming.reading import Accumulator, Reading
from asyncstream.streaming.view import Derive, View, ViewState
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request

if TYPE_CHECKING:
    from asyncstream.looping.book import LoopState, OfferedCall
    from asyncstream.looping.changes import LoopChange, Stop
    from asyncstream.streaming.healing import AfterBreak
    from asyncstream.streaming.tool_loop import ToolLoop
    from asyncstream.tools.next_round import NextRound
    from asyncstream.tools.rounds import ToolResult

__all__ = ["Stream"]

E = TypeVar("E")
C = TypeVar("C")
T = TypeVar("T")
A = TypeVar("A", bound="Accumulator[Any]")


class Stream(Generic[E, C, A]):
    """A stream of events, and all that can be seen of it while it runs.

    A protocol subclasses it: it gives its wire, accumulator and callbacks.
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        *,
        wire: Wire[E],
        accumulator: A,
        callbacks: Callbacks[E, C] | None = None,
        result: Callable[[A], object],
        after_break: "AfterBreak[A] | None" = None,
        usage: str,
        tool_loop: "ToolLoop[A] | None" = None,
    ) -> None:
        """Make an unopened stream: nothing is sent before it is opened.

        Args:
            transport: The door that opens the response.
            request: What is sent.
            wire: How the protocol reads frames.
            accumulator: Where its events are folded.
            callbacks: The handler's side, if there is a handler.
            result: Gives what an answer is, as far as it came, out of its accumulator: observers are told of it.
            after_break: Says how an answer goes on whose body broke; None if none of the protocol does.
            usage: What to write instead, for the error of a stream that is used before it is opened.
            tool_loop: What runs the calls of its answers; None if nothing does.
        """
        self._reading: Reading[E, C, A] = Reading(wire, accumulator, telling=callbacks is not None)
        self._cursor = Cursor(
            transport,
            request,
            self._reading,
            callbacks=callbacks,
            result=result,
            after_break=after_break,
            name=type(self).__name__,
            usage=usage,
            tool_loop=tool_loop,
        )
        self._tool_loop = tool_loop
        self._result = result
        # Looked at for every event.
        self._ahead = self._reading.ahead
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
    def request(self) -> Request:
        """What was sent for the answer that is read now."""
        return self._cursor.sent

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
        """The payload of the last event as received; b"" before the first."""
        reading = self._reading
        return b"" if reading.event is None else reading.wire.relayed(reading.event, reading.frame)[1]

    @property
    def finished(self) -> bool:
        """Whether terminal evidence was seen: the answer is complete, whatever happens to the connection now."""
        return self.accumulator.finished

    @property
    def over(self) -> bool:
        """Whether nothing more comes: it was read to its end, has failed, or was closed."""
        return self._cursor.over

    @property
    def status(self) -> int:
        """HTTP status of the latest response."""
        return self._cursor.opened().status

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the latest response."""
        return self._cursor.opened().headers

    @property
    def request_id(self) -> str | None:
        """The `x-request-id` of the latest response."""
        return self._cursor.opened().request_id

    # Opening and closing.

    async def open(self) -> Self:
        """Send the request. `async with` does it.

        Raises:
            ConfigurationError: It was opened before.
            APIError: The request failed; nothing was streamed.
        """
        await self._cursor.open()
        return self

    async def __aenter__(self) -> Self:
        return self if self._cursor.entered and not self._cursor.over else await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._cursor.close(error if isinstance(error, asyncio.CancelledError) else None)

    async def close(self) -> None:
        """Close the connection and end the stream. May be called at any time, also twice.

        A stream that had not ended yet is interrupted: reading on and `get_final_...` raise `StreamInterruptedError`.
        """
        await self._cursor.close(None)

    # Reading.

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        cursor = self._cursor
        quick = cursor.quick
        if not quick and (lull := cursor.lull()) is not None:
            # All that came was handed out, as it is with each event of a live answer: waited for here, it costs least.
            try:
                await lull
            finally:
                cursor.busy = False
            self._reading.take_more()
            quick = cursor.quick
        if quick and not self._ahead:
            # A plain frame that is here, and neither handler nor view to tell: a step in one piece, at half its cost.
            reading = self._reading
            # Looked up, then called: a function that is no method costs less so.
            read = reading.read
            event = read(quick[0])
            if event is not None:
                reading.frame = quick.popleft()
                reading.event = event
                return event
        while True:
            event = await cursor.advance(events_only=True)
            if event is not None:
                return event

    async def step(self) -> E | None:
        """Move one step: return the event, or None where changes come without one. For relays.

        Raises:
            StopAsyncIteration: The stream is at its end.
            StreamError: It did not come to a complete end.
        """
        return await self._cursor.advance()

    @property
    def last_changes(self) -> list[C]:
        """What the last step changed: of an event, only if a handler or a view wants it. For relays."""
        return self._cursor.last_changes

    async def until_done(self) -> None:
        """Read to the end.

        Raises:
            StreamError: The stream did not come to a complete end; `partial` is what arrived.
        """
        async for _ in self:
            pass

    async def get_final(self) -> object:
        """Read to the end and return what the answer is, of whichever protocol: a completion, a run, a response.

        Raises:
            StreamError: The stream did not come to a complete end; `partial` is what arrived.
        """
        await self.until_done()
        return self._result(self.accumulator)

    def view(self, name: str, derive: Callable[[], Derive[C, T]]) -> View[C, T]:
        """Return a view of the cursor. For the streams of a protocol.

        Args:
            name: What the stream keeps it under: a second view of a name goes on where the first one broke off.
            derive: Makes what gives the items of the view, the first time.
        """
        self._cursor.tell_changes()
        if name not in self._views:
            self._views[name] = ViewState(derive())
        return View(self._cursor, self._views[name])

    @property
    def changes(self) -> "View[C, C | LoopChange]":
        """What changed, event by event, as typed changes in the order in which handlers are called."""
        return self.view("changes", lambda: list)

    async def continue_with(self, follow: Follow[A]) -> None:
        """Go on with the answer to another request, as `Cursor.continue_with` says. For the streams of a protocol."""
        await self._cursor.continue_with(follow)

    # The calls that it runs.

    @property
    def runs_tools(self) -> bool:
        """Whether the calls of its answers are run."""
        return self._tool_loop is not None

    @property
    def tool_loop(self) -> "ToolLoop[A]":
        """What runs the calls of its answers. For the streams of a protocol.

        Raises:
            ConfigurationError: Nothing does.
        """
        if self._tool_loop is None:
            raise ConfigurationError("this stream runs no tools: give it run_tools=")
        return self._tool_loop

    @property
    def results(self) -> "list[ToolResult]":
        """What came of the calls that the stream has run, in the order of rounds and places."""
        return self.tool_loop.results

    @property
    def pending(self) -> "list[OfferedCall]":
        """The calls that have no result: those that wait for a decision, or are answered elsewhere."""
        return [call.shown() for call in self.tool_loop.state.waiting]

    @property
    def stopped(self) -> "Stop | None":
        """Why the model is asked no more; None while it is."""
        return self.tool_loop.stopped

    @property
    def state(self) -> "LoopState":
        """Where the loop is, for `resume=` of another stream. It holds the conversation."""
        return self.tool_loop.kept

    @property
    def next_round(self) -> "NextRound":
        """The request to come, which may be changed while the cursor is at a `RoundDone` whose `stop` is None.

        Raises:
            ConfigurationError: None is to come.
        """
        return self.tool_loop.next_round

    def stop(self) -> None:
        """Let this round come to its end, and ask the model for no other answer."""
        self.tool_loop.stop()
