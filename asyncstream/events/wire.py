"""What a protocol brings: `Wire`, how its bytes become events and what of them is not for browsers. Pure.

Each protocol's event file makes one and calls it `WIRE`; `decode.wire_of` finds it by the protocol's name. Streams and
the relay are handed one and ask it, so that they need not know which protocol they have.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from asyncstream.errors import StreamDecodeError
from asyncstream.events.control import DoneEvent, ErrorEvent, RemarkEvent
from asyncstream.events.payloads import whole_lines
from asyncstream.events.withheld import Withheld
from asyncstream.sse import DEFAULT_MAX_FRAME_BYTES, parse_frame

if TYPE_CHECKING:
    from asyncstream.events.alike import Pattern

__all__ = ["Decoded", "Decoding", "Wire", "decode_last_frame"]

E = TypeVar("E")


Decoded: TypeAlias = Sequence[E | ErrorEvent | DoneEvent | RemarkEvent | StreamDecodeError]
"""What a frame decodes to, in order; an error or the end stands last."""


Decoding: TypeAlias = Iterator[E | ErrorEvent | DoneEvent | RemarkEvent | StreamDecodeError | None]
"""The same, each decoded when it is asked for. None stands for what took some work and gave nothing: a frame may have a
million lines of that."""


class Wire(NamedTuple, Generic[E]):
    """How a protocol reads frames, into its events and what ends a stream; and how a relay hands these on."""

    decode_frame: Callable[[bytes], Decoded[E]]
    """A frame of `FrameSplitter` to its events; an error stands last."""
    decode_data: Callable[[str, list[bytes]], Decoding[E]]
    """An event name and the lines of its data to its events."""
    decode_plain: Callable[[bytes], E | None]
    """A frame of the usual shape to its one event; None for any other, which `decode_frame` knows."""
    decode_long: Callable[[list[bytes]], Decoding[E]]
    """Takes the first frame off a list and decodes it, not holding it meanwhile."""
    relayed: Callable[[E, bytes], tuple[str, bytes]]
    """An event and the frame that it came in to its name, "" if it has none, and its payload as received."""
    withheld: Withheld
    """What of its events a relay leaves out."""
    understood: Callable[[E], Any]
    """An event to what was decoded of its payload, for a relay that cannot read the payload as JSON of any shape."""
    keeps_payloads: bool
    """Whether an event keeps its payload as received, so that a stream need not keep the frame beside it."""
    pattern_of: "Callable[[E], Pattern[E] | None] | None" = None
    """Tells in which text others may differ from an event that `decode_plain` gave. With it, the accumulator must have
    `expect_alike` and `fold_alike`. None: no two events are alike enough."""
    ends_with_error: bool = True
    """Whether nothing is read after an error; else the accumulator raises it, or knows it for one that came before."""
    max_event_bytes: int = DEFAULT_MAX_FRAME_BYTES
    """Bytes of one event, where the client does not say."""


def decode_last_frame(wire: Wire[E], frame: bytes) -> Decoding[E]:
    """Decode what was pending at the end of the bytes, without what was cut in it."""
    event, lines = parse_frame(frame)
    whole: list[bytes] = []
    for line in whole_lines(lines):
        whole.append(line)
        yield None
    yield from wire.decode_data(event, whole)
