"""From raw bytes to events without a client: `decode_stream`; and the table of protocols, which stands here alone.

Pure. Below it: `sse`, `wire`, and the protocols' event files, each loaded when it is asked for. Above it: the relay's
follower, and whoever has recorded bytes.

Rule 1: nowhere else does the name of a protocol become code.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from asyncstream.errors import ConfigurationError, StreamDecodeError
from asyncstream.events.control import DoneEvent, ErrorEvent, RemarkEvent
from asyncstream.events.wire import Decoding, Wire, decode_last_frame
from asyncstream.sse import FrameSplitter

if TYPE_CHECKING:
    from asyncstream.events.assistants import AssistantStreamEvent
    from asyncstream.events.chat import ChatStreamEvent
    from asyncstream.events.responses import ResponseStreamEvent

__all__ = ["decode_stream"]

E = TypeVar("E")


PROTOCOLS = {
    "assistants": "asyncstream.events.assistants",
    "chat": "asyncstream.events.chat",
    "responses": "asyncstream.events.responses",
}
"""The protocols, and the module of each whose `WIRE` reads it."""


def wire_of(protocol: str) -> Wire[Any]:
    """Return how a protocol reads frames; its module is loaded now.

    Raises:
        ConfigurationError: No such protocol.
    """
    module = PROTOCOLS.get(protocol)
    if module is None:
        raise ConfigurationError(f"no protocol {protocol!r}, expected one of {', '.join(map(repr, PROTOCOLS))}")
    wire: Wire[Any] = import_module(module).WIRE
    return wire


@overload
def decode_stream(
    data: bytes | Iterable[bytes], protocol: Literal["assistants"]
) -> "Iterator[AssistantStreamEvent]": ...


@overload
def decode_stream(data: bytes | Iterable[bytes], protocol: Literal["chat"]) -> "Iterator[ChatStreamEvent]": ...


@overload
def decode_stream(data: bytes | Iterable[bytes], protocol: Literal["responses"]) -> "Iterator[ResponseStreamEvent]": ...


def decode_stream(data: bytes | Iterable[bytes], protocol: Literal["assistants", "chat", "responses"]) -> Iterator[Any]:
    """Decode the bytes of a whole stream, cut anywhere.

    Args:
        data: The body, or its chunks in order.
        protocol: Whose events they are.

    Yields:
        Every event, the closing `DoneEvent` or `ErrorEvent` included; nothing after these is read, but after an error
        of Responses: a resumption brings again what was before it.

    Raises:
        ConfigurationError: No such protocol.
        StreamDecodeError: A frame that may have held text cannot be read; what came before it was yielded.
    """
    return _decode(wire_of(protocol), [data] if isinstance(data, bytes) else data)


def _decode(wire: Wire[E], chunks: Iterable[bytes]) -> Iterator[E | ErrorEvent | DoneEvent | RemarkEvent]:
    for event in _decode_frames(wire, chunks):
        if event is None:
            continue
        if isinstance(event, StreamDecodeError):
            raise event
        yield event
        if isinstance(event, DoneEvent) or (isinstance(event, ErrorEvent) and wire.ends_with_error):
            return


def _decode_frames(wire: Wire[E], chunks: Iterable[bytes]) -> Decoding[E]:
    splitter = FrameSplitter(wire.max_event_bytes)
    for chunk in chunks:
        for frame in splitter.feed(chunk):
            yield from wire.decode_frame(frame)
        if splitter.failure is not None:
            yield splitter.failure
    yield from decode_last_frame(wire, splitter.end())
