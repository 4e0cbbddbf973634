"""A followed run: `Follower`, an iterator of typed events over as many connections as it takes.

Above it: `following.follow`, which makes one. Below it: `following.link` (when to connect), `relay.frames` (pieces of
large events), the decoders of `events`.

The relay's ids are consecutive, so that a double is dropped and a gap is an error. An end of the answer without `done`
is a lost connection, never an end of the run.

Rule 1: the cursor moves when the last event of a frame is given out, never before. Rule 2: cancelling `anext` loses
nothing, not even the attempt to connect that is under way.
"""

import asyncio
import re
import warnings
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from asyncstream.errors import (
    APIConnectionError,
    AsyncStreamError,
    ConfigurationError,
    StreamDecodeError,
    StreamError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from asyncstream.events import DoneEvent, ErrorEvent, RemarkEvent
from asyncstream.events.wire import Decoding, Wire
from asyncstream.relay.following.connection import ConnectionFailed, Event, NothingLeft, frame_of
from asyncstream.relay.following.link import Link
from asyncstream.relay.frames import PIECE, PieceJoiner
from asyncstream.transport.fairness import Fairness

__all__ = ["Follower"]

E = TypeVar("E")
T = TypeVar("T")

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
"""The ids of this package's relay; those of another are sent back as they are, and say nothing about gaps."""

_LONG = 64 << 10
"""Bytes above which an event is decoded in turns with whatever else the event loop has to do."""

_MAX_PIECES = 64 << 20
"""Bytes; what a relay reads has at most 16 MiB an event, and becomes longer as JSON within JSON."""


class Follower(Generic[E]):
    """The events of one run, from a relay; made by `follow`.

    Attributes:
        last_event_id: The id of the last event that was given out: where another follower goes on.
        events_seen: How many events were given out.
    """

    def __init__(
        self, link: Link, wire: Wire[E], *, target: str, last_event_id: str | None, total: float | None
    ) -> None:
        """Begin to follow; nothing is sent.

        Args:
            link: The connection; from now on it is closed here.
            wire: How the protocol reads events.
            target: Host and port, for messages.
            last_event_id: The event after which to go on.
            total: Seconds for the whole; None for no limit.
        """
        self.last_event_id = last_event_id or None
        self.events_seen = 0
        self._link = link
        self._wire = wire
        self._target = target
        self._total = total
        self._until: float | None = None
        self._joiner = PieceJoiner()
        self._piece_bytes = 0
        self._ahead: deque[E | DoneEvent | ErrorEvent | StreamDecodeError] = deque()
        self._ahead_id: str | None = None
        # An event that is being decoded, what is left of that, and what it has given.
        self._decoding: Event | None = None
        self._undecoded: Decoding[E] = iter(())
        self._decoded: list[E | DoneEvent | ErrorEvent | StreamDecodeError] = []
        self._unnumbered = False
        self._busy = False
        self._outcome: Exception | None = None

    @property
    def reconnects(self) -> int:
        """How often it connected again, or tried to."""
        return self._link.reconnects

    async def open(self) -> Self:
        """Connect, unless it is connected. `async with` does it, and so does the first event.

        Raises:
            APIStatusError: The relay refuses: no such run (404), the cursor is gone (410), not allowed (401, 403).
            APIError: There is no relay, or no event stream.
        """
        await self._guarded(self._open)
        return self

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close(error if isinstance(error, asyncio.CancelledError) else None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        """Wait for the next event.

        Raises:
            StreamEventError: The run failed, or its producer did; the relay's words.
            StreamInterruptedError: The relay was lost and did not come back, or events are missing in what it sent.
            StreamDecodeError: An event cannot be read.
            StreamTimeoutError: The total deadline passed.
            APIError: As of `open`.
        """
        return await self._guarded(self._next)

    async def aclose(self) -> None:
        """Close the connection. May be called at any time, also twice; the run goes on."""
        await self._close(None)

    async def _close(self, cancelled: asyncio.CancelledError | None) -> None:
        if self._outcome is None:
            self._ahead.clear()
            self._decoding = None
            self._outcome = self._about(StreamInterruptedError(f"closed by the consumer after {self._so_far}"))
        await self._link.aclose(cancelled, left=cancelled is None)

    def __del__(self) -> None:
        link = getattr(self, "_link", None)
        if link is None or link.idle:
            return
        message = "unclosed Follower: write `async with follow(...) as events:`"
        warnings.warn(message, ResourceWarning, stacklevel=2, source=self)
        link.abandon()

    # Waiting, once at a time, and not for ever.

    async def _guarded(self, step: Callable[[], Awaitable[T]]) -> T:
        if self._busy:
            raise ConfigurationError("another task is waiting in this follower; only one can at a time")
        self._busy = True
        if self._until is None and self._total is not None:
            self._until = asyncio.get_running_loop().time() + self._total
        scope = asyncio.timeout_at(self._until)
        try:
            async with scope:
                return await step()
        except AsyncStreamError:
            # Deadlines of the package are `TimeoutError`s too.
            raise
        except TimeoutError:
            if not scope.expired():
                raise
            expired = self._about(StreamTimeoutError(f"the run did not end within the total of {self._total:g} s"))
        finally:
            self._busy = False
        await self._end(expired)
        raise expired

    async def _open(self) -> None:
        while self._outcome is None:
            try:
                await self._link.open(self.last_event_id)
            except Exception as error:
                await self._cope(error)
            else:
                return
        if not isinstance(self._outcome, _Ended):
            raise self._outcome

    async def _next(self) -> E:
        while True:
            if self._outcome is not None:
                if isinstance(self._outcome, _Ended):
                    raise StopAsyncIteration
                raise self._outcome
            if self._ahead:
                item = self._ahead.popleft()
                if isinstance(item, DoneEvent | ErrorEvent | StreamDecodeError):
                    await self._conclude(item)
                    continue
                if not self._ahead:
                    self._move()
                self.events_seen += 1
                return item
            if self._decoding is not None:
                await self._decode(self._decoding)
                continue
            try:
                event = await self._link.next(self.last_event_id)
            except Exception as error:
                await self._cope(error)
            else:
                await self._take(event)

    # What comes.

    async def _take(self, event: Event) -> None:
        """Decode an event of the wire, or its last piece."""
        try:
            whole = self._joined(event)
        except StreamDecodeError as error:
            await self._end(error)
            return
        if whole is None:
            return
        if len(whole) > _LONG:
            self._decoding = event
            self._undecoded = self._wire.decode_long([whole])
        else:
            decoded = [item for item in self._wire.decode_frame(whole) if not isinstance(item, RemarkEvent)]
            await self._queue(event, decoded)

    async def _decode(self, event: Event) -> None:
        """Decode a long event, which may hold a million others. Cancelling it loses nothing."""
        turn = Fairness()
        for item in self._undecoded:
            if item is not None and not isinstance(item, RemarkEvent):
                self._decoded.append(item)
            await turn.give_way()
            if self._decoding is None:
                return  # closed meanwhile
        decoded, self._decoded, self._decoding = self._decoded, [], None
        await self._queue(event, decoded)

    async def _queue(self, event: Event, decoded: list[E | DoneEvent | ErrorEvent | StreamDecodeError]) -> None:
        """Queue what an event of the wire decodes to, unless it was given out before."""
        ending = bool(decoded) and isinstance(decoded[-1], DoneEvent | ErrorEvent)
        problem = None if event.id is None else self._misplaced(event.id)
        if problem is not None:
            await self._end(StreamInterruptedError(problem))
        elif event.id is None or not self._is_double(event.id):
            self._link.attempts = 0
            self._unnumbered |= event.id is None and not ending
            self._ahead.extend(decoded)
            self._ahead_id = event.id
            if not decoded:
                self._move()

    def _joined(self, event: Event) -> bytes | None:
        """Return the frame of an event, or of the one that this is the last piece of; None if more pieces follow."""
        if event.name != PIECE:
            return event.frame
        data = event.text.encode()
        self._piece_bytes += len(data)
        if self._piece_bytes > _MAX_PIECES:
            raise StreamDecodeError(
                f"the pieces of an event have {self._piece_bytes} bytes, the limit is {_MAX_PIECES}"
            )
        whole = self._joiner.push(data)
        if whole is None:
            return None
        self._piece_bytes = 0
        return frame_of(*whole)

    def _is_double(self, id: str) -> bool:
        if self._numbered(id):
            return int(id) <= int(self.last_event_id or 0)
        return id == self.last_event_id

    def _misplaced(self, id: str) -> str | None:
        """Return what is missing before an event, as a message; None if nothing is, or its id is no number."""
        if not self._numbered(id):
            return None
        last = int(self.last_event_id or 0)
        if int(id) <= last + 1:
            return None
        missing = f"event {last + 1} is" if int(id) == last + 2 else f"events {last + 1} to {int(id) - 1} are"
        return f"{missing} missing in what {self._target} sent: after {last} came {int(id)}"

    def _numbered(self, id: str) -> bool:
        return bool(_NUMBER.fullmatch(id) and _NUMBER.fullmatch(self.last_event_id or "0"))

    def _move(self) -> None:
        """Move the cursor behind the event whose last part was given out."""
        if self._ahead_id is not None:
            self.last_event_id, self._ahead_id = self._ahead_id, None

    # Going on, and ending.

    async def _cope(self, error: Exception) -> None:
        """Schedule another connection after one that failed, if the policy has one left; else end with its error."""
        if self._outcome is not None:
            # Closed by another task: what failed is what that closed.
            return
        match error:
            case NothingLeft():
                await self._end(_Ended())
            case ConnectionFailed() if self._unnumbered:
                lost = f"the relay {self._target} was lost after {self._so_far}, and cannot be asked for the rest: "
                await self._end(StreamInterruptedError(f"{lost}its events have no ids"), error.error)
            case ConnectionFailed():
                self._joiner.reset()
                self._piece_bytes = 0
                if not self._link.again(error):
                    await self._end(self._given_up(error.error), error.error)
            case _:
                await self._end(error)

    def _given_up(self, error: Exception) -> Exception:
        """Return what is raised when there is no other attempt."""
        lost = isinstance(error, StreamInterruptedError | StreamTimeoutError)
        if not lost and not (self.events_seen and isinstance(error, APIConnectionError)):
            return error
        attempts = self._link.attempts
        gone = f" and did not come back in {attempts} attempt{'' if attempts == 1 else 's'}" if attempts else ""
        return StreamInterruptedError(f"the relay {self._target} was lost after {self._so_far}{gone}: {error}")

    async def _conclude(self, item: object) -> None:
        """End with what the relay sent last: an error is raised from now on, `done` ends the iteration."""
        match item:
            case ErrorEvent():
                await self._end(item.to_error())
            case StreamDecodeError():
                await self._end(item)
            case _:
                self._move()
                await self._end(_Ended())

    async def _end(self, outcome: Exception, cause: Exception | None = None) -> None:
        """Set what every later `anext` raises, unless that is set already, and close the link."""
        if self._outcome is None:
            if cause is not None and cause is not outcome:
                outcome.__cause__ = cause
            self._outcome = self._about(outcome)
        await self._link.aclose(None if isinstance(self._outcome, _Ended) else self._outcome)

    def _about(self, error: Exception) -> Exception:
        if isinstance(error, StreamError):
            error.events_seen = self.events_seen
        return error

    @property
    def _so_far(self) -> str:
        return f"{self.events_seen} event{'' if self.events_seen == 1 else 's'}"


class _Ended(Exception):
    """The run came to its end, and nothing of it is left."""
