"""One response of a stream as it comes in: `Incoming`. When to wait and how long, and what there was instead of events.

Below it: `transport.live`, which has the bytes and the clock. Above it: the stream, which decodes and folds the frames.
A stream that goes on with another answer has another one of these; so nothing of a response is left in the next.
"""

import math
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from asyncstream.errors import StreamError, StreamTimeoutError
from asyncstream.events.control import UnknownEvent
from asyncstream.events.wire import Decoding, Wire, decode_last_frame

if TYPE_CHECKING:
    from asyncstream.transport.live import LiveResponse

__all__ = ["Incoming", "MayFinish"]

E = TypeVar("E")


class MayFinish(Protocol):
    """What is asked of an accumulator here."""

    @property
    def finished(self) -> bool:
        """Whether terminal evidence was seen."""
        ...


class Incoming(Generic[E]):
    """A response that comes in.

    Attributes:
        live: Its bytes.
    """

    __slots__ = ("_complete", "_eventless", "_last_taken", "_patience", "_seen_before", "_timed", "_wire", "live")

    def __init__(self, live: "LiveResponse", wire: Wire[E], seen: int) -> None:
        """Begin with a response that is open.

        Args:
            live: The response.
            wire: How its protocol reads frames.
            seen: How many events its accumulator has seen before it.
        """
        self.live = live
        self._wire = wire
        self._seen_before = seen
        self._last_taken = False
        # What came instead of the first event, if there was anything but comments.
        self._eventless = b""
        # The deadline runs since this event, with this patience; and whether the answer was complete by then.
        self._timed: object = self
        self._patience = math.inf
        self._complete = False

    def begun(self, seen: int) -> bool:
        """Return True if an event came with this response, given how many its accumulator has seen by now."""
        return seen > self._seen_before

    def lull(self, event: E | None, accumulator: MayFinish, patience: float) -> Awaitable[None] | None:
        """Return what to await, once, where there is nothing to look at, then look again: the short way of `arrived`.

        It spares the coroutines between here and there, which a live event would pay for.

        Args:
            event: As for `arrived`; so are the others.
            accumulator: What it was folded into.
            patience: Seconds to wait for the end of an answer that is complete.

        Returns:
            It; None if `arrived` has more to say.
        """
        live = self.live
        if live.queued or live.coded or live.ended:
            return None
        if event is not self._timed or patience < self._patience:
            self._count(event, accumulator, patience)
        return live.lull()

    async def arrived(self, event: E | None, accumulator: MayFinish, patience: float) -> bool:
        """Wait until there is more to look at; False at the end of the body. Cancelling it loses nothing.

        Args:
            event: The event that was folded last. The deadline between events counts from here on if it is new.
            accumulator: What it was folded into.
            patience: Seconds to wait for the end of an answer that is complete.

        Raises:
            StreamTimeoutError: The deadline passed, and the answer is not complete.
        """
        live = self.live
        if live.ended:
            return False
        self._count(event, accumulator, patience)
        try:
            await live.wait()
        except StreamTimeoutError as error:
            self._give_up(error, accumulator)
        return True

    async def give_way(self, event: E | None, accumulator: MayFinish, patience: float) -> None:
        """Let all else in the event loop go first, in the midst of what is here already. Cancelling it loses nothing.

        Args:
            event: As for `arrived`; so are the others.
            accumulator: What it was folded into.
            patience: Seconds to wait for the end of an answer that is complete.

        Raises:
            StreamTimeoutError: The deadline passed, and the answer is not complete.
        """
        live = self.live
        if not live.ended:
            self._count(event, accumulator, patience)
        try:
            await live.give_way()
        except StreamTimeoutError as error:
            self._give_up(error, accumulator)

    def _count(self, event: E | None, accumulator: MayFinish, patience: float) -> None:
        """Count the deadline from now, if the event that was folded last is new, or there is less patience."""
        if event is self._timed and patience >= self._patience:
            return
        self._timed = event
        self._patience = patience
        complete = accumulator.finished
        # Once the answer is complete, unknown events do not put its end off.
        if not (complete and self._complete and type(event) is UnknownEvent):
            self.live.restart_deadline(patience if complete else None)
        self._complete = complete

    def _give_up(self, error: StreamTimeoutError, accumulator: MayFinish) -> None:
        if not accumulator.finished:
            raise error
        # The answer is complete: that the server does not close the body is no reason to fail.
        self.live.close()

    def take_last(self) -> tuple[bytes, Decoding[E]] | None:
        """Take the frame that the end of the body has cut, and what it holds all the same; None, the second time."""
        if self._last_taken:
            return None
        self._last_taken = True
        frame = self.live.take_last()
        return frame, decode_last_frame(self._wire, frame)

    def note_eventless(self, frame: bytes, seen: int) -> None:
        """Keep the first frame that is no event and no comment, unless events came before: it may be an error page."""
        if not self._eventless and not self.begun(seen) and not frame.lstrip().startswith(b":"):
            self._eventless = frame

    def eventless_error(self, error: StreamError, seen: int) -> StreamError:
        """Return the error for a body that ended too early, which one without events may tell itself."""
        return error if self.begun(seen) else self.live.eventless_error(self._eventless, error)
