"""Reading a protocol whose events have names: `WrappedEvents` and `TaggedEvents`, each handed its event classes. Pure.

*Wrapped* events hold their payload as `data`; their name stands in the frame's `event:` alone. *Tagged* events are
their payload; its `type` says the name, whether `event:` does or not. Which events there are, each protocol's event
file says; here it is not known.

The hot path is one `partition`, one dict lookup, one typed decode. All that does not fit goes through `payloads`. A
decoder is made when the first payload of its type comes: making all would be a twentieth of the import.

Above it: the event files of the protocols. Below it: `payloads` (what a frame holds), `decoding` (JSON).
"""

from collections.abc import Callable, Iterable, Mapping, Set
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeVar, Union

import msgspec
from msgspec import Struct

from asyncstream.decoding import STRICT_ERRORS, Repair, UnreadableJSON, coerce_json, strict_decoder
from asyncstream.errors import StreamDecodeError
from asyncstream.events.control import DoneEvent, ErrorEvent, ErrorObject, RemarkEvent, UnknownEvent
from asyncstream.events.payloads import (
    Payload,
    error_in,
    read_payloads,
    reading_repairs,
    refusal_of,
    remark_in,
    unreadable,
)
from asyncstream.events.wire import Decoding, Wire
from asyncstream.events.withheld import Withheld
from asyncstream.members import OWN_MEMBER
from asyncstream.nesting import SHALLOW, nested_too_deep
from asyncstream.sse import DEFAULT_MAX_FRAME_BYTES, parse_frame

if TYPE_CHECKING:
    from asyncstream.events.alike import Pattern

__all__ = ["TaggedEvent", "TaggedEvents", "WrappedEvents"]

E = TypeVar("E")
T = TypeVar("T", bound="TaggedEvent")

_DONE: Final = frozenset((b"event: done\ndata: [DONE]", b"data: [DONE]"))
"""The frames that end nearly all streams."""

Decoded: TypeAlias = list[E | ErrorEvent | DoneEvent | RemarkEvent | StreamDecodeError]


Mend: TypeAlias = Callable[[type[Any], dict[str, object]], tuple[Any, list[Repair]] | None]
"""Fits the members of a payload into its type, and says what was mended; None if they are nothing of the kind."""


class _Kind(NamedTuple):
    """What a known event name leads to."""

    payload: type[Struct]
    """What its payload is decoded to."""
    make: Callable[..., Any]
    """Makes the event of what was decoded, its bytes and, where something had to be mended, the repairs."""
    walked: bool
    """Whether folding walks JSON of no fixed shape in it, which must then not be nested too deep."""


class _NamedEvents(Generic[E]):
    """What both readers do alike.

    Attributes:
        decode_plain: Decodes a frame that is as the protocol has it: the hot path. None for any other, and for what
            ends a stream. A function that holds its table: a look into an attribute would cost more.
    """

    __slots__ = ("_by_first_line", "_kinds", "_mend", "decode_plain")

    def __init__(
        self,
        kinds: Mapping[str, _Kind],
        read_unnamed: Callable[[bytes], E | None] | None = None,
        mend: Mend = coerce_json,
    ) -> None:
        """Make the reader of a protocol.

        Args:
            kinds: The names of its events, and what they lead to.
            read_unnamed: Decodes a plain frame without a name of its own, if there may be such.
            mend: Fits a payload that is not as it should be.
        """
        self._kinds = kinds
        self._mend = mend
        self._by_first_line: _ByFirstLine = {}
        for name, kind in kinds.items():
            line = b"event: " + name.encode()
            self._by_first_line[line] = (kind.make, _on_first_use(self._by_first_line, line, kind), kind.walked)
        self.decode_plain: Callable[[bytes], E | None] = _plain_reader(self._by_first_line, read_unnamed)

    def decode_frame(self, frame: bytes) -> Decoded[E]:
        """Decode a frame of `sse.FrameSplitter` into its events: mostly one.

        A frame that cannot be read gives the error as its last item, so that what came before it is not lost.
        """
        if frame in _DONE:
            return [DoneEvent(raw=b"[DONE]")]
        plain = self.decode_plain(frame)
        if plain is not None:
            return [plain]
        event, lines = parse_frame(frame)
        return [item for item in self.decode_data(event, lines) if item is not None]

    def decode_long(self, frames: list[bytes]) -> Decoding[E]:
        """Take the first frame off a list and decode it as `decode_data` does, without holding it meanwhile.

        An event keeps its payload, and what is decoded from it is as large again: the frame would be a third copy.
        """
        first_line, _, data = frames[0].partition(b"\ndata: ")
        kind = self._by_first_line.get(first_line)
        if kind is None or 10 in data or (kind[2] and nested_too_deep(data)):
            frame = frames.pop(0)
            plain = self.decode_plain(frame) if kind is None else None
            return self.decode_data(*parse_frame(frame)) if plain is None else iter([plain])
        del frames[0]
        try:
            return iter([kind[0](kind[1](data), data)])
        except STRICT_ERRORS:
            return self.decode_data(first_line[len(b"event: ") :].decode(), [data])

    def decode_data(self, event: str, lines: list[bytes]) -> Decoding[E]:
        """Decode the data of a frame by the rules, whatever shape it has.

        Yields:
            Its events, each decoded when it is asked for; None for what gave none.
        """
        for item in read_payloads(event, lines, self._kinds.__contains__):
            decoded = self._decode_object(event, item, lines) if isinstance(item, Payload) else item
            yield decoded
            if isinstance(decoded, ErrorEvent | StreamDecodeError):
                return
            if isinstance(decoded, UnknownEvent) and isinstance(item, Payload):
                yield remark_in(item)

    def _decode_object(
        self, event: str, payload: Payload, lines: list[bytes]
    ) -> E | ErrorEvent | StreamDecodeError | None:
        """Say what an object of a frame is: an event, an error, or nothing."""
        raise NotImplementedError

    def _decode_known(self, name: str, payload: Payload, lines: list[bytes]) -> "E | StreamDecodeError | None":
        kind = self._kinds[name]
        data: Any
        try:
            data = strict_decoder(kind.payload).decode(payload.raw)
            repairs = reading_repairs(name, payload, lines, fits=True)
        except STRICT_ERRORS:
            try:
                fitted = self._mend(kind.payload, payload.value)
            except UnreadableJSON as error:
                return unreadable(name, payload.raw, error)
            if fitted is None:
                return None
            data, mended = fitted
            repairs = reading_repairs(name, payload, lines, fits=False) + mended
        event: E = kind.make(data, payload.raw, tuple(repairs))
        return event


class WrappedEvents(_NamedEvents[E]):
    """Reads events that wrap their payload: structs with `event`, the name, and `data`, `raw` and `repairs`."""

    __slots__ = ()

    def __init__(self, events: Iterable[type[Struct]], *, walked: Set[type[Struct]]) -> None:
        """Make the reader of a protocol.

        Args:
            events: The classes of its events.
            walked: The payloads that hold JSON of no fixed shape.
        """
        kinds: dict[str, _Kind] = {}
        for event in events:
            payload = event.__annotations__["data"]
            kinds[event.event] = _Kind(payload, event, payload in walked)  # type: ignore[attr-defined]  # each has it
        super().__init__(kinds)

    def decode_data(self, event: str, lines: list[bytes]) -> Decoding[E]:
        """Decode the data of a frame by the rules; under a name that nobody knows it is one event, whatever it is."""
        if not lines:
            return
        raw = b"\n".join(lines)
        if event == "done":
            yield DoneEvent(raw=raw)
            return
        empty = True
        for decoded in super().decode_data(event, lines):
            empty = empty and decoded is None
            yield decoded
        if empty and event != "error" and event not in self._kinds:
            text = raw.strip()
            if text and not text.startswith(b":"):
                yield UnknownEvent(event or "message", raw)  # type: ignore[misc]  # one of the events

    def _decode_object(
        self, event: str, payload: Payload, lines: list[bytes]
    ) -> E | ErrorEvent | StreamDecodeError | None:
        if event in self._kinds:
            return self._decode_known(event, payload, lines)
        error = error_in(event, payload.value)
        return None if error is None else ErrorEvent(error, payload.raw)

    def wire(self, withheld: Withheld, pattern_of: "Callable[[E], Pattern[E] | None] | None" = None) -> Wire[E]:
        """Return what the protocol brings.

        Args:
            withheld: What of its events is not for browsers.
            pattern_of: Tells in which text others may differ from an event.
        """
        return Wire(
            self.decode_frame,
            self.decode_data,
            self.decode_plain,
            self.decode_long,
            _relayed_wrapped,
            withheld,
            attrgetter("data"),
            keeps_payloads=True,
            pattern_of=pattern_of,
        )


def _relayed_wrapped(event: Any, frame: bytes) -> tuple[str, bytes]:
    return (event.name if type(event) is UnknownEvent else event.event), event.raw


class TaggedEvent(Struct, tag_field="type", kw_only=True, gc=False):
    """Base of events that are their payload. A subclass has its name as `tag` and, as a `ClassVar`, as `type`."""

    raw: bytes = msgspec.field(default=b"", name=OWN_MEMBER + "raw")
    """The payload as received."""
    repairs: tuple[Repair, ...] = msgspec.field(default=(), name=OWN_MEMBER + "repairs")
    """What had to be mended for the payload to fit its type."""


class _NoEvent(TaggedEvent, tag=""):
    """Stands beside the events of a protocol that has one alone: a payload without a `type` would be taken for it."""


class TaggedEvents(_NamedEvents[E]):
    """Reads events that are their payload: subclasses of `TaggedEvent`."""

    __slots__ = ("_cause",)

    def __init__(
        self,
        events: Iterable[type[TaggedEvent]],
        *,
        walked: Set[type[Struct]] = frozenset(),
        aliases: Mapping[str, str] | None = None,
        mend: Mend = coerce_json,
        cause: Callable[[dict[str, object]], object] | None = None,
    ) -> None:
        """Make the reader of a protocol.

        Args:
            events: The classes of its events.
            walked: Those that hold JSON of no fixed shape.
            aliases: Other names that events come under, each with the name of its class.
            mend: Fits a payload that is not as its event has it; None for one that is nothing of it, and so is unknown.
            cause: Finds what an error says where it has no `error`.
        """
        self._cause = cause
        kinds = {str(event.__struct_config__.tag): _Kind(event, _complete, event in walked) for event in events}
        kinds |= {other: kinds[name] for other, name in (aliases or {}).items()}
        super().__init__(kinds, _unnamed_reader(kinds), mend)

    def _decode_object(
        self, event: str, payload: Payload, lines: list[bytes]
    ) -> E | ErrorEvent | StreamDecodeError | None:
        own = payload.value.get("type")
        # Its own word counts first, if it is known, then its frame's (rule 9.1).
        name = own if isinstance(own, str) and own and (own in self._kinds or event not in self._kinds) else event
        is_error = event == "error" or own == "error"
        if name in self._kinds and not is_error:
            known = self._decode_known(name, payload, lines)
            if known is not None:
                return known
        else:
            error = self._error_in(event, payload.value)
            if error is not None:
                return ErrorEvent(error, payload.raw)
        return UnknownEvent(name or "message", payload.raw)  # type: ignore[return-value]  # one of the events

    def _error_in(self, event: str, value: dict[str, object]) -> ErrorObject | None:
        own = value.get("type")
        if isinstance(own, str) and own in self._kinds:
            # The name of an event is no type of errors.
            value = {name: member for name, member in value.items() if name != "type"}
        error = error_in(event, value)
        if error is None:
            return refusal_of(value)
        inner = self._cause(value) if self._cause is not None and not value.get("error") else None
        return error_in(event, value, inner=inner) if inner else error

    def wire(
        self,
        withheld: Withheld,
        pattern_of: "Callable[[E], Pattern[E] | None] | None" = None,
        *,
        max_event_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        ends_with_error: bool = True,
    ) -> Wire[E]:
        """Return what the protocol brings.

        Args:
            withheld: What of its events is not for browsers.
            pattern_of: Tells in which text others may differ from an event.
            max_event_bytes: Bytes of one event, where the client does not say.
            ends_with_error: Whether nothing is read after an error.
        """
        return Wire(
            self.decode_frame,
            self.decode_data,
            self.decode_plain,
            self.decode_long,
            _relayed_tagged,
            withheld,
            _members,
            keeps_payloads=True,
            pattern_of=pattern_of,
            max_event_bytes=max_event_bytes,
            ends_with_error=ends_with_error,
        )


def _complete(event: T, raw: bytes, repairs: tuple[Repair, ...] = ()) -> T:
    # Both, always: what the wire may have sent under their names does not count.
    event.raw = raw
    event.repairs = repairs
    return event


def _relayed_tagged(event: Any, frame: bytes) -> tuple[str, bytes]:
    return (event.name if type(event) is UnknownEvent else event.type), event.raw


def _members(event: Any) -> dict[str, object]:
    """Return what the wire said, without what was added to it."""
    members = msgspec.to_builtins(event, builtin_types=(bytes,))
    return {name: member for name, member in members.items() if not name.startswith(OWN_MEMBER)}


# The hot path.

_ByFirstLine: TypeAlias = dict[bytes, tuple[Callable[..., Any], Callable[[bytes], Any], bool]]
"""The first line of a frame to what makes its event, what decodes its payload, and whether that is walked."""


def _on_first_use(table: _ByFirstLine, line: bytes, kind: _Kind) -> Callable[[bytes], Any]:
    """Give what makes the decoder of an event, and then leaves the table to it."""

    def decode_first(data: bytes) -> Any:
        decode: Callable[[bytes], Any] = strict_decoder(kind.payload).decode
        table[line] = (kind.make, decode, kind.walked)
        return decode(data)

    return decode_first


def _plain_reader(table: _ByFirstLine, read_unnamed: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    kind_of = table.get

    def decode_plain(frame: bytes) -> Any:
        first_line, _, data = frame.partition(b"\ndata: ")
        kind = kind_of(first_line)
        if kind is None:
            return None if read_unnamed is None else read_unnamed(frame)
        # The length first: short payloads, which nearly all are, cannot be nested too deep.
        if 10 in data or (len(data) > SHALLOW and kind[2] and nested_too_deep(data)):
            return None
        try:
            return kind[0](kind[1](data), data)
        except STRICT_ERRORS:
            return None

    return decode_plain


def _unnamed_reader(kinds: Mapping[str, _Kind]) -> Callable[[bytes], Any]:
    decode: Callable[[bytes], Any] | None = None

    def read_unnamed(frame: bytes) -> Any:
        nonlocal decode
        # A slice costs a third of `startswith`.
        if frame[:7] != b"data: {" or 10 in frame or (len(frame) > SHALLOW and nested_too_deep(frame)):
            return None
        data = frame[6:]
        if decode is None:
            decode = strict_decoder(Union[_NoEvent, *{kind.payload for kind in kinds.values()}]).decode
        try:
            event = decode(data)
        except STRICT_ERRORS:
            return None
        return None if type(event) is _NoEvent else _complete(event, data)

    return read_unnamed
