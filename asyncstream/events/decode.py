"""From raw bytes to events without a client: `decode_stream`. Any protocol; each brings its two functions.

Pure. Below it: `sse` and the protocols' event files. Above it: the streams and whoever has recorded bytes.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Literal, NamedTuple, TypeVar, overload

from asyncstream.errors import ConfigurationError, StreamDecodeError
from asyncstream.events import assistants, chat
from asyncstream.events.assistants import AssistantStreamEvent
from asyncstream.events.chat import ChatStreamEvent
from asyncstream.events.control import DoneEvent, ErrorEvent
from asyncstream.events.payloads import whole_lines
from asyncstream.sse import FrameSplitter, parse_frame
from asyncstream.types import ChatCompletionChunk

__all__ = ["ASSISTANTS", "CHAT", "Wire", "decode_last_frame", "decode_stream"]

E = TypeVar("E")


class Wire(NamedTuple, Generic[E]):
    """How a protocol reads frames: into its events, and into what ends a stream."""

    decode_frame: Callable[[bytes], list[E | ErrorEvent | DoneEvent | StreamDecodeError]]
    """A frame of `FrameSplitter` to its events; an error stands last."""
    decode_data: Callable[[str, list[bytes]], list[E | ErrorEvent | DoneEvent | StreamDecodeError]]
    """An event name and the lines of its data to its events."""
    decode_plain: Callable[[bytes], E | None]
    """A frame of the usual shape to its one event; None for any other, which `decode_frame` knows."""
    decode_long: Callable[[list[bytes]], list[E | ErrorEvent | DoneEvent | StreamDecodeError]] | None = None
    """Takes the first frame off a list and decodes it, not holding it meanwhile; None where events keep no payload."""


ASSISTANTS = Wire[AssistantStreamEvent](
    assistants.decode_frame, assistants.decode_data, assistants.decode_plain, assistants.decode_long
)
CHAT = Wire[ChatCompletionChunk](chat.decode_frame, chat.decode_data, chat.decode_plain)

_WIRES: dict[str, Wire[Any]] = {"assistants": ASSISTANTS, "chat": CHAT}


def decode_last_frame(wire: Wire[E], frame: bytes) -> list[E | ErrorEvent | DoneEvent | StreamDecodeError]:
    """Decode what was pending at the end of the bytes, without what was cut in it."""
    event, lines = parse_frame(frame)
    return wire.decode_data(event, whole_lines(lines))


@overload
def decode_stream(data: bytes | Iterable[bytes], protocol: Literal["assistants"]) -> Iterator[AssistantStreamEvent]: ...


@overload
def decode_stream(data: bytes | Iterable[bytes], protocol: Literal["chat"]) -> Iterator[ChatStreamEvent]: ...


def decode_stream(data: bytes | Iterable[bytes], protocol: Literal["assistants", "chat"]) -> Iterator[Any]:
    """Decode the bytes of a whole stream, cut anywhere.

    Args:
        data: The body, or its chunks in order.
        protocol: Whose events they are.

    Yields:
        Every event, the closing `DoneEvent` or `ErrorEvent` included; nothing after these is read.

    Raises:
        ConfigurationError: No such protocol.
        StreamDecodeError: A frame that may have held text cannot be read; what came before it was yielded.
    """
    wire = _WIRES.get(protocol)
    if wire is None:
        raise ConfigurationError(f"no protocol {protocol!r}, expected one of {', '.join(map(repr, _WIRES))}")
    return _decode(wire, [data] if isinstance(data, bytes) else data)


def _decode(wire: Wire[E], chunks: Iterable[bytes]) -> Iterator[E | ErrorEvent | DoneEvent]:
    for decoded in _decode_frames(wire, chunks):
        for event in decoded:
            if isinstance(event, StreamDecodeError):
                raise event
            yield event
            if isinstance(event, ErrorEvent | DoneEvent):
                return


def _decode_frames(
    wire: Wire[E], chunks: Iterable[bytes]
) -> Iterator[list[E | ErrorEvent | DoneEvent | StreamDecodeError]]:
    splitter = FrameSplitter()
    for chunk in chunks:
        for frame in splitter.feed(chunk):
            yield wire.decode_frame(frame)
        if splitter.failure is not None:
            yield [splitter.failure]
    yield decode_last_frame(wire, splitter.end())
