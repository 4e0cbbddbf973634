"""What is relayed, event by event: `Entry`, and how a stream becomes entries. It opens and closes what it is given.

Below it: the streams. Above it: `frames` (an entry as bytes), `views` (the table that says which of the readings here
a view is), `direct` (to one browser), the log (to many).

A reading decides what the entries hold: the wire's own events, the changes that the fold made of them, or the text
alone. In none of them stands what `withholding` leaves out; entries that are made already are not looked into.

Rule 1: the last entry is `done` or `error`, and there is exactly one of these. A source that fails gives its error as
that entry, so that whoever relays has nothing to catch once the source is open.
Rule 2: the cost of an entry does not grow with the answer: what changed carries no snapshot of what grows.
"""

import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any, Final, Protocol, Self, TypeAlias, runtime_checkable

import msgspec
from msgspec import Struct

from asyncstream.accumulators.changes import told_fields
from asyncstream.decoding import dump_raw
from asyncstream.errors import AsyncStreamError, ConfigurationError
from asyncstream.events.control import UnknownEvent
from asyncstream.events.loops import RoundEvent, ToolResultEvent
from asyncstream.looping.changes import RoundDone, ToolResultChanged, ToolResultCreated, ToolResultDone
from asyncstream.relay.errors import error_body
from asyncstream.relay.withholding import Withholding
from asyncstream.streaming.stream import Stream

__all__ = [
    "DONE",
    "ERROR",
    "MAX_NAME",
    "UNSENDABLE",
    "Entry",
    "GivenEntries",
    "Read",
    "Relayed",
    "Source",
    "StreamEntries",
    "encode",
    "error_entry",
    "read_changes",
    "read_events",
    "read_text",
]

DONE = "done"
ERROR = "error"

UNSENDABLE: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
"""What may not stand in a name. CR and LF end a line of SSE, NUL is none of a text, and readers that use
`str.splitlines` split at eight more. Halves of surrogate pairs have no UTF-8."""

MAX_NAME: Final = 1024
"""Characters of a name, which goes out in one line. The longest name of any API has 54."""

_DELTA_ALONE: Final = ("source", "delta")
"""The members of a change that does not say itself what has changed; its `parent` is that."""

_LOG = logging.getLogger("asyncstream")


class Entry(Struct, frozen=True, gc=False):
    """One event on its way to browsers."""

    id: int | None = None
    """Its place in the run, from 1; None where nobody can come back to it."""
    event: str = ""
    """Its name, one line of at most `MAX_NAME` characters; "" for chat chunks, which have none."""
    data: bytes = b""
    """Valid UTF-8: JSON, or, of an event that nobody knows, whatever its server sent."""

    @property
    def terminal(self) -> bool:
        """Whether nothing follows: it is `done` or `error`."""
        return self.event == DONE or self.event == ERROR


@runtime_checkable
class Source(Protocol):
    """What can be relayed: opened once, read to its last entry, closed in any case. A `Following` of a log is one."""

    async def open(self) -> object:
        """Open what is behind it; whatever it raises becomes the status of the answer."""
        ...

    def __aiter__(self) -> AsyncIterator[Entry]:
        """Iterate over the entries; opens by itself."""
        ...

    async def close(self) -> None:
        """Close what is behind it. May be called at any time, also twice."""
        ...


Relayed: TypeAlias = Stream[Any, Any, Any] | Source | AsyncIterator[Entry]
"""What the relay takes: a stream, opened or not; a `Following`; or any iterator of entries."""


Read: TypeAlias = Callable[[Stream[Any, Any, Any], Withholding], Callable[[], Awaitable[Entry]]]
"""Begins to read a stream: returns what gives its next entry, and raises `StopAsyncIteration` when there is none."""


def error_entry(error: BaseException, id: int | None = None) -> Entry:
    """Return the entry that ends a run with an error; it says what a browser may hear of it."""
    return Entry(id, ERROR, error_body(error))


class _Ending:
    """The end of a source, given once: `done`, or what it failed with."""

    def __init__(self) -> None:
        self._over = False

    async def open(self) -> Self:
        """Do nothing: what is iterated needs no opening."""
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        if self._over:
            raise StopAsyncIteration
        try:
            entry = await self._take()
        except StopAsyncIteration:
            entry = Entry(None, DONE, b"[DONE]")
        except Exception as error:
            if not isinstance(error, AsyncStreamError):
                # A fault of the program, such as a callback that raised: browsers do not hear of it, so the log must.
                _LOG.error("a relayed stream failed with %s", type(error).__name__, exc_info=error)
            entry = error_entry(error)
        # What an application gives may be none; whoever takes it says so.
        self._over = isinstance(entry, Entry) and entry.terminal
        return entry

    async def _take(self) -> Entry:
        raise NotImplementedError


class StreamEntries(_Ending):
    """The entries of a stream, as a view reads it.

    Attributes:
        view: The name of the view.
        sound: What `sound` looks for: each can be sent, for it was made here.
    """

    sound: Final = True

    def __init__(self, stream: Stream[Any, Any, Any], view: str, read: Read, withholding: Withholding) -> None:
        super().__init__()
        self.view = view
        self._stream = stream
        self._opened = False
        self._take_next = read(stream, withholding)

    @property
    def request_id(self) -> str | None:
        """The `x-request-id` of the upstream; None before it is open."""
        try:
            return self._stream.request_id if self._opened else None
        except ConfigurationError:
            # A tool loop that is taken up again asks the upstream for nothing before its calls have run.
            return None

    async def final(self) -> object:
        """Return what the answer is, once the stream is over: a completion, run or response, or what it failed with."""
        try:
            return await self._stream.get_final()
        except Exception as error:
            return error

    async def open(self) -> Self:
        """Send the request, if that was not done yet.

        Raises:
            APIError: The request failed; nothing was streamed.
        """
        if not self._opened:
            await self._stream.__aenter__()
            self._opened = True
        return self

    async def _take(self) -> Entry:
        if not self._opened:
            await self.open()
        return await self._take_next()

    async def close(self) -> None:
        """Close the stream."""
        await self._stream.close()


def read_events(stream: Stream[Any, Any, Any], withholding: Withholding) -> Callable[[], Awaitable[Entry]]:
    """Read the wire's own events, each under its name and with its payload as it came."""
    relayed = stream.wire.relayed

    def entry(event: Any) -> Entry:
        name, payload = relayed(event, stream.current_frame)
        data = _utf8(payload)
        if type(event) is UnknownEvent:
            return Entry(None, _one_line(name), withholding.of_unknown(data))
        return Entry(None, name, withholding.of_event(name, data, event))

    async def take() -> Entry:
        return entry(await stream.__anext__())

    between: deque[Entry] = deque()

    async def take_with_loop() -> Entry:
        while not between:
            event = await stream.step()
            if event is not None:
                return entry(event)
            between.extend(_of_loop(stream.last_changes))
        return between.popleft()

    return take_with_loop if stream.runs_tools else take


def _of_loop(changes: Iterable[Any]) -> Iterator[Entry]:
    """Give what is relayed, among a protocol's own events, of what a tool loop has done."""
    for change in changes:
        if isinstance(change, ToolResultDone):
            yield Entry(None, ToolResultEvent.event, encode(change.told))
        elif isinstance(change, RoundDone):
            yield Entry(None, RoundEvent.event, encode(change.told))


def read_changes(stream: Stream[Any, Any, Any], withholding: Withholding) -> Callable[[], Awaitable[Entry]]:
    """Read typed changes, each under the name of its class."""
    changes = stream.changes

    async def take() -> Entry:
        change = await changes.__anext__()
        return Entry(None, type(change).__name__, encode(_told_of(change, withholding)))

    return take


def _told_of(change: Any, withholding: Withholding) -> dict[str, object]:
    """Return the members of a change for `read_changes` to encode; the snapshot of a noun only when it is done."""
    if isinstance(change, ToolResultCreated | ToolResultChanged | ToolResultDone | RoundDone):
        return change.told
    of_change = withholding.of_change
    told: dict[str, object] = {}
    if change.__struct_fields__ == _DELTA_ALONE and change.parent:
        told["id"] = change.parent
    for field in told_fields(change):
        told[field] = of_change(getattr(change, field))
    if isinstance(told.get("delta"), str) and isinstance(change.parent, str) and change.parent:
        # An item grows in one of several members, and its delta is bare.
        told["field"] = change.field
    if type(change).__name__.endswith("Done"):
        told["snapshot"] = of_change(change.snapshot)
    return told


def read_text(stream: Stream[Any, Any, Any], withholding: Withholding) -> Callable[[], Awaitable[Entry]]:
    """Read the text alone, as `text_deltas` gives it; nothing in it is withheld."""
    texts: AsyncIterator[str] = stream.text_deltas  # type: ignore[attr-defined]  # each stream has it

    async def take() -> Entry:
        return Entry(None, "text", encode({"text": await texts.__anext__()}))

    return take


class GivenEntries(_Ending):
    """Entries that come from a bare iterator: with an end, if it gives none."""

    def __init__(self, source: AsyncIterator[Entry]) -> None:
        super().__init__()
        self._source = source

    async def _take(self) -> Entry:
        return await self._source.__anext__()

    async def close(self) -> None:
        """Close the iterator, if it is a generator or anything else with `aclose`."""
        aclose = getattr(self._source, "aclose", None)
        if aclose is not None:
            await aclose()


def _one_line(name: str) -> str:
    """Return the name of an event that nobody knows with U+FFFD for what may not stand in a name, and not too long.

    What its server made up must not end a relay of all the other events.
    """
    if name.isascii() and name.isprintable() and len(name) <= MAX_NAME:
        return name
    return UNSENDABLE.sub("\ufffd", name[:MAX_NAME])


def _utf8(data: bytes) -> bytes:
    """Return what is no UTF-8 as U+FFFD, as a browser would read it."""
    if data.isascii():
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
    return data


def encode(value: object) -> bytes:
    """Return a value as the data of an entry."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # Half a surrogate pair: its other half may come with the next delta.
        return dump_raw(value)
