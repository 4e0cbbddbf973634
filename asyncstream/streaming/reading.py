"""From the frames of a response to folded events, one answer after the other: `Reading`. It waits, but decides nothing.

Below it: `incoming`, one response. Above it: the stream, which opens the responses, hands the events out, tells the
handler, and ends with what is raised here.

Rule 1: an event is folded when it is taken; what was read before the cursor came there stands in `ahead`, folded, with
its changes.
Rule 2: an answer is judged once, when `[DONE]` or the end of its body is met. From then on `closing` is what its end
changed, and nothing more of it is read.
Rule 3: `step` never goes on for much longer than a turn (`transport.fairness`): it looks at the clock after each frame
that is not as the protocol has it, and after each piece of the body. What is left then is for the next call, before
which `meet` lets others go first.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from asyncstream.errors import StreamDecodeError, StreamError
from asyncstream.events.control import DoneEvent, ErrorEvent, RemarkEvent
from asyncstream.events.wire import Wire
from asyncstream.streaming.incoming import Incoming
from asyncstream.streaming.plain import FEW, few_reader, plain_reader
from asyncstream.transport.codings import PIECE

if TYPE_CHECKING:
    from asyncstream.transport.live import LiveResponse

__all__ = ["Accumulator", "Reading"]

E = TypeVar("E")
C = TypeVar("C")
E_contra = TypeVar("E_contra", contravariant=True)
A = TypeVar("A", bound="Accumulator[Any]")

LONG_FRAME = PIECE
"""Bytes above which the events of a frame are decoded one by one: only the first of a piece can have gathered more."""

HELD_FRAME = 256 * 1024
"""Bytes above which a frame is not kept besides its event, if that keeps its payload."""


class _Folded(NamedTuple):
    """An event that was read before the cursor came there."""

    event: Any
    frame: bytes
    changes: list[Any]


class _Closing(NamedTuple):
    """Where an answer ends and another one begins: what the end of the first changed."""

    changes: list[Any]


_NO_EVENTS = frozenset({DoneEvent, ErrorEvent, RemarkEvent, StreamDecodeError, _Closing})
"""What stands among events and is none for the user."""


class Accumulator(Protocol[E_contra]):
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
        """Fold an event, without building its changes."""
        ...

    def finish(self) -> list[Any]:
        """Say that nothing follows; return the closing changes."""
        ...


class Reading(Generic[E, C, A]):
    """The answers of a stream as they are read, and where the cursor is.

    Attributes:
        wire: How its protocol reads frames.
        accumulator: Where the events of this answer are folded.
        read: Decodes a plain frame and folds its event, without its changes; None, and nothing folded, for any other.
        telling: Whether a handler or a view wants the changes of every event.
        event: The event at the cursor; None before the first.
        frame: The frame that it came in.
        changes: What it changed, if `telling`; another list for each event.
        frames: Undecoded frames, after all that is in `ahead`; none while a long one is decoded.
        ahead: Items that were decoded before the cursor came there.
        incoming: The response of this answer; None before the first is open.
        closing: What the end of this answer changed, if the answer is over and whole; None while it goes on.
    """

    __slots__ = (
        "_decode",
        "_decode_plain",
        "_few_until",
        "_long",
        "_take",
        "_turn_due",
        "_turn_over",
        "accumulator",
        "ahead",
        "changes",
        "closing",
        "event",
        "frame",
        "frames",
        "incoming",
        "read",
        "telling",
        "wire",
    )

    def __init__(self, wire: Wire[E], accumulator: A, *, telling: bool) -> None:
        """Prepare to read; nothing is open yet."""
        self.wire = wire
        self.accumulator: A = accumulator
        self.read: Callable[[bytes], E | None] = _read_nothing
        self.telling = telling
        self.event: E | None = None
        self.frame = b""
        self.changes: list[C] = []
        self.frames: deque[bytes] = deque()
        self.ahead: deque[Any] = deque()
        self.incoming: Incoming[E] | None = None
        self.closing: list[C] | None = None
        self._decode = wire.decode_frame
        self._decode_plain = wire.decode_plain
        # While so many events are not here, `read` is what is best for few; None once there are more.
        self._few_until: int | None = None
        self._long: _Long | None = None
        # Tells whether others have waited for long, while an answer is read; and whether it has told so.
        self._turn_over: Callable[[], bool] = _never
        self._turn_due = False
        # Gives the frames that have come in, while an answer is read.
        self._take: Callable[[], list[bytes] | None] = _take_nothing

    def begin(self, live: "LiveResponse", accumulator: A) -> None:
        """Begin with the first answer, or with the next, once this one was judged.

        What is still ahead of the cursor is handed out before it, then what the end of this one changed.
        """
        if self.closing:
            self.ahead.append(_Closing(self.closing))
        self.accumulator = accumulator
        read = few_reader(self.wire, accumulator)
        self.read = read
        self._few_until = None if self.wire.pattern_of is None else accumulator.events_seen + FEW
        self.incoming = Incoming(live, self.wire, accumulator.events_seen)
        self.closing = None
        self._take = live.take
        self._turn_over = live.turn.over

    def step(self) -> E | None:
        """Move the cursor to the next event that is here.

        Returns:
            The event; None if what comes next is none, or is not here yet, or others have waited for long.
        """
        frames = self.frames
        ahead = self.ahead
        event: E | None
        if self._turn_due:
            return None
        while True:
            if ahead:
                kind = type(ahead[0])
                if kind in _NO_EVENTS:
                    return None
                if kind is _Folded:
                    self.event, self.frame, self.changes = ahead.popleft()
                    return self.event
                event = ahead.popleft()
            elif frames:
                telling = self.telling
                event = self._decode_plain(frames[0]) if telling else self.read(frames[0])
                if event is None:
                    self._decode_other(frames.popleft())
                    if self._turn_over():
                        self._turn_due = True
                        return None
                    continue
                self.frame = frames.popleft()
                if not telling:
                    self.event = event
                    return event
            else:
                if self._long is not None:
                    self._decode_on(self._long)
                else:
                    taken = self._take()
                    if taken is None:
                        return None
                    if taken and len(taken[0]) > LONG_FRAME:
                        self._begin_long(taken)
                    else:
                        frames.extend(taken)
                        if self._few_until is not None:
                            self._expect(self._few_until)
                if self._turn_over():
                    self._turn_due = True
                    return None
                continue
            if self.telling:
                self.changes = self.accumulator.push(event)
            else:
                self.accumulator.fold(event)
            self.event = event
            return event

    def lull(self, patience: float) -> Awaitable[None] | None:
        """Return what to await where all that came is folded, and there is nothing to do but to wait for more.

        Args:
            patience: Seconds to wait for the end of an answer that is complete.

        Returns:
            It, to be followed by `take_more`; None if there is more to do: `step` and `meet` do it.

        Raises:
            ConfigurationError: It is called in another event loop than the one of the response.
        """
        incoming = self.incoming
        if self.ahead or self.frames or self._turn_due or self._long or self.closing is not None or incoming is None:
            return None
        return incoming.lull(self.event, self.accumulator, patience)

    def take_more(self) -> None:
        """Take what the next piece of the body completes, if one is here, after it was waited for."""
        take = self._take
        taken = take()
        if taken:
            if len(taken[0]) > LONG_FRAME:
                self._begin_long(taken)
            else:
                self.frames.extend(taken)
                if self._few_until is not None:
                    self._expect(self._few_until)

    def _expect(self, few: int) -> None:
        """Make what reads many frames, if more events are here than a few, as which `few` of the answer count."""
        seen = self.accumulator.events_seen
        if seen + len(self.frames) > few:
            self._few_until = None
            read = plain_reader(self.wire, self.accumulator, first=max(few - seen, 0))
            self.read = read

    def _decode_other(self, frame: bytes) -> None:
        """Decode a frame that is not as the protocol has it."""
        if not frame or (frame[:1] == b":" and 10 not in frame):
            return  # a heartbeat
        decoded = self._decode(frame)
        if not decoded:
            self._open().note_eventless(frame, self.accumulator.events_seen)
        elif len(decoded) > 1 or type(decoded[0]) not in _NO_EVENTS:
            self.frame = frame
        self.ahead.extend(decoded)

    def _begin_long(self, taken: list[bytes]) -> None:
        """Begin to decode the first of some frames; the others come after it."""
        # Without an event before it, it may be an error page, which is kept.
        kept = (
            len(taken[0]) <= HELD_FRAME
            or not self.wire.keeps_payloads
            or not self._open().begun(self.accumulator.events_seen)
        )
        self._long = _Long(taken[0] if kept else b"", self.wire.decode_long(taken), taken)

    def _decode_on(self, long: "_Long") -> None:
        """Decode the next event of a long frame, if the next thing in it is one."""
        try:
            item = next(long.decoded)
        except StopIteration:
            self._long = None
            if not long.begun:
                self._open().note_eventless(long.frame, self.accumulator.events_seen)
            self.frames.extend(long.after)
            return
        if item is None:
            return
        if not long.begun:
            long.begun = True
            if type(item) not in _NO_EVENTS:
                self.frame = long.frame
        self.ahead.append(item)

    async def meet(self, patience: float) -> list[C] | None:
        """Deal with what comes next and is no event; where nothing is here yet, wait until something comes.

        Cancelling it loses nothing.

        Args:
            patience: Seconds to wait for the end of an answer that is complete.

        Returns:
            What the end of an answer has changed, where the cursor has passed it on the way to the next.

        Raises:
            StreamError: The answer does not come to a complete end.
            ConfigurationError: It waits in another event loop than the one of its response.
        """
        if self._turn_due:
            self._turn_due = False
            await self._open().give_way(self.event, self.accumulator, patience)
            return None
        if self.ahead:
            return self._pass(self.ahead.popleft())
        incoming = self._open()
        if await incoming.arrived(self.event, self.accumulator, patience):
            return None
        if (last := incoming.take_last()) is not None:
            self._long = _Long(*last, [])
            return None
        failure = incoming.live.failure
        if failure is not None and (not self.accumulator.finished or isinstance(failure, StreamDecodeError)):
            raise failure
        self._judge(incoming)
        return None

    def _pass(self, item: Any) -> list[C] | None:
        if type(item) is _Closing:
            return item.changes
        if isinstance(item, StreamDecodeError):
            raise item
        # An error event is raised by the accumulator, unless a resumption brought it a second time.
        self.accumulator.push(item)
        if type(item) is DoneEvent:
            self._judge(self._open())
        return None

    def _open(self) -> Incoming[E]:
        assert self.incoming is not None  # the cursor reads nothing before it is open
        return self.incoming

    def _judge(self, incoming: Incoming[E]) -> None:
        failure: StreamError | None = None
        try:
            self.closing = self.accumulator.finish()
        except StreamError as error:
            failure = incoming.eventless_error(error, self.accumulator.events_seen)
        if failure is not None:
            raise failure
        self._take = _take_nothing
        self._turn_over = _never
        self._long = None
        self.frames.clear()
        self.ahead.clear()

    async def read_rest(self, patience: float) -> None:
        """Read this answer to its end, ahead of the cursor, which stays where it is.

        Cancelled, it has read so much, and can be called again.

        Args:
            patience: Seconds to wait for the end of an answer that is complete.

        Raises:
            StreamError: The answer does not come to a complete end.
        """
        rest: deque[_Folded] = deque()
        here = self.event, self.frame, self.changes, self.telling
        # A view that is first looked at after this finds its changes.
        self.telling = True
        try:
            while self.closing is None:
                event = self.step()
                if event is None:
                    await self.meet(patience)
                else:
                    rest.append(_Folded(event, self.frame, self.changes))
        finally:
            self.ahead.extendleft(reversed(rest))
            self.event, self.frame, self.changes, self.telling = here


class _Long:
    """A frame whose events are decoded one by one.

    Attributes:
        frame: The frame; b"" if its events keep their payload.
        decoded: Gives its events.
        after: The frames that came with it.
        begun: Whether it has given any.
    """

    __slots__ = ("after", "begun", "decoded", "frame")

    def __init__(self, frame: bytes, decoded: Iterator[Any], after: list[bytes]) -> None:
        self.frame = frame
        self.decoded = decoded
        self.after = after
        self.begun = False


def _never() -> bool:
    """Stand in for the clock of a response of which nothing more is read."""
    return False


def _read_nothing(_frame: bytes) -> None:
    """Stand in for what reads frames before there is a response."""


def _take_nothing() -> list[bytes] | None:
    """Stand in for a response of which nothing more is read."""
    return None
