"""The way from a source of entries to one reader: `Pump`. It knows bytes and time, and neither HTTP nor a framework.

A task of the pump's own opens the source, reads it and closes it, whatever happens; it puts bytes into a small buffer,
and whoever writes takes out all that is there. So a silent model holds up neither a heartbeat nor the news that the
reader has left, and a burst of events goes out in one write.

Above it: `direct`, `web` and `asgi`. Below it: `entries`, and the shape that writes them.

Rule 1: no more than `BATCH` bytes are read ahead of the reader; above that the upstream is held back.
Rule 2: an event costs no task and no timer of its own; a write costs one timeout, however many events go out in it.
Rule 3: once the pump is closed, or the reader has left, the upstream is closed too; nothing waits for it to speak.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, TypeAlias, TypeVar

from asyncstream.decoding import UnreadableJSON, load_json
from asyncstream.errors import ConfigurationError, StreamEventError
from asyncstream.relay.entries import DONE, ERROR, Entry, Source, error_entry
from asyncstream.relay.errors import RelayError
from asyncstream.relay.shapes import Shape
from asyncstream.relay.sound import check_entry, is_sound, log_fault
from asyncstream.transport.fairness import Fairness

__all__ = [
    "OnLeave",
    "Pump",
    "ReaderGone",
    "ReaderStalled",
    "cut_error",
    "pumped",
    "send_all",
    "tell_left",
    "told_in",
]

_LOG = logging.getLogger("asyncstream")

T = TypeVar("T")

OnLeave: TypeAlias = Callable[[], Awaitable[object]]
"""What is to be done when a reader did not stay to the end; given `LEAVE_SECONDS`."""

BATCH: Final = 64 * 1024
"""Bytes that go out in one write at most, unless one event is larger: the buffer of a transport."""

_LOOK_EACH: Final = 8 * 1024
"""Bytes after which there is a look at the clock: one for each entry would cost a tenth of what that takes."""

LEAVE_SECONDS: Final = 10.0
"""How long what is to be done when a reader leaves may take: one request to cancel the run, with its retries."""

_KEPT: set[asyncio.Task[None]] = set()
"""The pumps that run, and what is being done for readers that left: an event loop keeps no strong reference to a task,
so one that waits for a reader who was dropped in a cycle would be destroyed with it instead of cancelled."""


class ReaderGone(Exception):
    """The reader has left before the end."""


class ReaderStalled(ReaderGone):
    """The reader is there, but has not taken anything for too long."""


class Pump:
    """Reads a source in a task of its own, `BATCH` bytes ahead of the one reader whom a door serves.

    Attributes:
        shape: How it goes out; of a run in a log, what is known of that before it is open.
        failure: The data of the `error` entry, once that has been read.
        gone: Why there is no reader any more; None while there is one.
        can_cut: Whether a cut can be told from an end by this reader; the door says it before the pump is opened.
        over: Nothing more is to be had, so that whoever leaves now misses nothing: all was taken, or it did not open.
        at_end: There was nothing to send from the start: the reader has all of a run that is over.
    """

    def __init__(
        self,
        source: Source,
        shape: Shape,
        *,
        heartbeat: float | None,
        stall: float | None,
        shape_of: Callable[[str], Shape] | None = None,
    ) -> None:
        """Make a pump; nothing is opened.

        Args:
            source: What is read.
            shape: How it goes out.
            heartbeat: Seconds of silence after which the shape's heartbeat goes out; None for never.
            stall: Seconds that the reader may take; None for no limit.
            shape_of: Gives the shape for the name of a view, for a source that knows its view once it is open.
        """
        self.failure: bytes | None = None
        self.gone: ReaderGone | None = None
        self.at_end = False
        self.can_cut = True
        self.over = False
        self._source = source
        self._heartbeat = heartbeat
        self._stall = stall
        self._shape_of = shape_of
        self._wear(shape)
        self._size = 0
        self._look_at = _LOOK_EACH
        self._ended = False
        # The `done` entry was read.
        self._done = False
        self._task: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[None] | None = None
        # The writer waits for bytes, the reader for room.
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._beat_due = False
        self._writing: asyncio.Timeout | None = None

    def _wear(self, shape: Shape) -> None:
        """Write with a shape from now on; nothing was taken yet."""
        self.shape = shape
        self._write = shape.entry
        self._write_done = shape.done or shape.entry
        self._write_error = shape.error or shape.entry
        self._interval = self._heartbeat if shape.heartbeat else None
        self._pieces: list[bytes] = [shape.greeting] if shape.greeting else []

    @property
    def request_id(self) -> str | None:
        """The `x-request-id` of the upstream, where there is one."""
        return getattr(self._source, "request_id", None)

    @property
    def is_open(self) -> bool:
        """Whether `open` was called."""
        return self._task is not None

    @property
    def recorded(self) -> bool:
        """Whether the source reads a log: opening it asks no upstream for anything."""
        return getattr(self._source, "recorded", False)

    @property
    def cut(self) -> bool:
        """Whether the door has to cut the connection: it ended too early, and no frame has said so."""
        if self._done or self.at_end or self.gone is not None:
            return False
        if self.shape.tells_end:
            return self.shape.bare_end_looks_whole and self.failure is None
        return True

    @property
    def ended_empty(self) -> bool:
        """Whether the source ended and there is nothing to send, so that `answers` can still choose the status."""
        return self._ended and not self._pieces

    async def open(self) -> None:
        """Open the source, and begin to read.

        Raises:
            APIError: The upstream refused, or cannot be reached.
            RelayError: There is no such run, or not from that cursor on.
            ReaderGone: The reader left meanwhile.
        """
        if self.gone is not None:
            raise self.gone
        # Made here, a pump may be made, and its arguments judged, before there is a loop.
        self._loop = asyncio.get_running_loop()
        self._opened = self._loop.create_future()
        self._task = self._loop.create_task(self._run(self._opened), name="asyncstream relay")
        _KEPT.add(self._task)
        self._task.add_done_callback(_KEPT.discard)
        await self._opened
        self._last = self._loop.time()

    async def _run(self, opened: "asyncio.Future[None]") -> None:
        """Open the source, read it to its end, and close it in any case. The task of the pump."""
        try:
            try:
                await self._source.open()
            except Exception as error:
                self.over = True
                if not opened.done():
                    opened.set_exception(error)
                return
            # Of a `Following`; looked at before anything is read.
            self.at_end = self.over = bool(getattr(self._source, "at_end", False))
            fits = self._recorded_view_fits()
            if not opened.done():
                opened.set_result(None)
            if fits:
                await self._read()
            if self.cut and not self.can_cut:
                self._put(error_entry(RelayError("this relay was closed before the answer came to its end")))
        finally:
            self._ended = True
            self._wake()
            await self._source.close()

    def _recorded_view_fits(self) -> bool:
        """Take the shape of the view that a log has recorded; if there is none, that is the last entry, an `error`."""
        view: str | None = getattr(self._source, "recorded_view", None)
        if view and self._shape_of is not None and not self.at_end:
            try:
                self._wear(self._shape_of(view))
            except ConfigurationError as error:
                log_fault(error)
                self._put(error_entry(error))
                return False
        return True

    async def _read(self) -> None:
        unknown = not is_sound(self._source)
        turn = Fairness()
        try:
            async for entry in self._source:
                if unknown:
                    check_entry(entry)
                if self._put(entry):
                    if self._size >= BATCH:
                        await self._wait_for_room()
                    else:
                        # A source may have thousands at hand, each of which takes longer here than it took to be read.
                        self._look_at = min(self._size + _LOOK_EACH, BATCH)
                        if turn.over():
                            await turn.give_way()
                if self._done or self.failure is not None:
                    return
        except ReaderGone:
            return
        except Exception as error:
            log_fault(error)
            self._put(error_entry(error))

    def _put(self, entry: Entry) -> bool:
        """Buffer an entry; return True if there is a reason to wait: enough is here, or others may be due."""
        name = entry.event
        if name == DONE:
            data = self._write_done(entry)
            self._done = True
        elif name == ERROR:
            data = self._write_error(entry)
            self.failure = entry.data
        else:
            data = self._write(entry)
        if data:
            self._pieces.append(data)
            self._size += len(data)
            self._wake()
        return self._size >= self._look_at

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _wait_for_room(self) -> None:
        self._room = self._loop.create_future()
        try:
            async with asyncio.timeout(self._stall):
                await self._room
        except TimeoutError:
            self.leave(ReaderStalled())
            raise ReaderStalled from None
        finally:
            self._room = None

    async def ready(self) -> None:
        """Wait until there is something to send, or the end.

        Raises:
            ReaderGone: There is nobody to send it to.
        """
        while not self._pieces and not self._ended and self.gone is None:
            await self._wait()
        if self.gone is not None:
            raise self.gone

    async def take(self) -> bytes:
        """Return all that is to be sent now: events, or a heartbeat if there were none for so long; b"" at the end.

        Raises:
            ReaderGone: There is nobody to send it to.
        """
        while not self._pieces:
            if self.gone is not None:
                raise self.gone
            if self._ended:
                self.over = True
                return b""
            if self._beat_due:
                self._beat_due = False
                self._last = self._loop.time()
                return self.shape.heartbeat
            await self._wait()
        if self.gone is not None:
            raise self.gone
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        self._size = 0
        self._look_at = _LOOK_EACH
        self._last = self._loop.time()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        return data

    async def _wait(self) -> None:
        if self._interval is not None and self._timer is None:
            self._timer = self._loop.call_at(self._last + self._interval, self._on_timer)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _on_timer(self) -> None:
        # One timer serves many events: when it fires it looks whether there were any.
        self._timer = None
        if self._waiter is None or self._waiter.done() or self._interval is None:
            return
        due = self._last + self._interval
        if due > self._loop.time():
            self._timer = self._loop.call_at(due, self._on_timer)
        else:
            self._beat_due = True
            self._waiter.set_result(None)

    async def send(self, write: Callable[[T], Awaitable[object]], data: T) -> None:
        """Write something, unless the reader leaves, or takes longer than it may.

        Raises:
            ReaderGone: The reader has left, or does not read.
        """
        try:
            async with asyncio.timeout(self._stall) as self._writing:
                await write(data)
        except TimeoutError as error:
            if self.gone is None:
                self.gone = ReaderStalled()
            raise self.gone from error
        except OSError as error:
            self.gone = ReaderGone()
            raise self.gone from error
        finally:
            self._writing = None

    def leave(self, why: ReaderGone | None = None) -> None:
        """Let whoever opens, takes or writes stop with `ReaderGone`: there is no reader any more."""
        if self.gone is not None:
            return
        self.gone = why or ReaderGone()
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(self.gone)
        self._wake()
        if self._writing is not None and not self._writing.expired():
            self._writing.reschedule(asyncio.get_running_loop().time())

    def drop(self, on_leave: OnLeave | None = None) -> None:
        """Close without waiting, for a finalizer; then do what is to be done when a reader has left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        task = self._task
        if task is None or self._loop.is_closed():
            return
        if not self._ended:
            task.cancel()
        if on_leave is not None and not self.over:
            task.add_done_callback(lambda _: _begin(on_leave))

    async def close(self) -> None:
        """Close the source, and wait until it is."""
        self.drop()
        try:
            if self._task is not None:
                await asyncio.wait((self._task,))
        finally:
            if self._task is None or self._task.cancelled():
                # Cancelled before its first step, the task has not closed anything.
                await self._source.close()
        if self._task is not None and not self._task.cancelled():
            self._task.result()


async def send_all(pump: Pump, write: Callable[[bytes], Awaitable[object]]) -> None:
    """Send what a pump gives, to its end.

    Raises:
        ReaderGone: The reader has left, or does not read.
    """
    while data := await pump.take():
        await pump.send(write, data)


async def tell_left(on_leave: OnLeave) -> None:
    """Do what is to be done when a reader has left; also if whoever waits for it is cancelled. It never fails."""
    await asyncio.shield(_begin(on_leave))


def _begin(on_leave: OnLeave) -> "asyncio.Task[None]":
    task = asyncio.get_running_loop().create_task(_bounded(on_leave), name="asyncstream reader left")
    _KEPT.add(task)
    task.add_done_callback(_KEPT.discard)
    return task


async def _bounded(on_leave: OnLeave) -> None:
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            await on_leave()
    except Exception as error:
        _LOG.error("what was to be done when a reader left failed with %s", type(error).__name__, exc_info=error)


async def pumped(pump: Pump) -> AsyncGenerator[bytes, None]:
    """Give what a pump gives, opening it if it is not open, and close it."""
    try:
        if not pump.is_open:
            await pump.open()
        while data := await pump.take():
            yield data
        if pump.cut:
            raise cut_error(pump)
    finally:
        await pump.close()


def cut_error(pump: Pump) -> StreamEventError:
    """Return the error that a door raises to cut a connection: what the stream failed with, as browsers may know it."""
    if pump.failure is None:
        return StreamEventError("the relayed stream ended without its last entry")
    told = told_in(pump.failure)
    return StreamEventError(
        f"the relayed stream failed: {told.get('message')}", code=told.get("code"), type=told.get("type")
    )


def told_in(failure: bytes) -> dict[str, Any]:
    """Return the members of `error` in the data of an `error` entry; none if an application gave them another shape."""
    try:
        value = load_json(failure, exact=True)
    except UnreadableJSON:
        return {}
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else {}
