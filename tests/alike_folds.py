"""Fold a stream as one does that reads it raw: what is like an event before it is neither decoded nor folded whole."""

from collections.abc import Iterable
from typing import Any

from asyncstream.errors import StreamDecodeError
from asyncstream.events.control import DoneEvent, ErrorEvent
from asyncstream.events.decode import wire_of
from asyncstream.events.wire import decode_last_frame
from asyncstream.sse import FrameSplitter
from asyncstream.streaming.plain import plain_reader

__all__ = ["fold_as_read"]


def fold_as_read(chunks: Iterable[bytes], protocol: str, into: Any) -> None:
    """Fold chunks to the end of the stream, but for `finish`; each event must be what its frame decodes to.

    Raises:
        StreamError: What `decode_stream` and `fold` raise.
    """
    wire = wire_of(protocol)
    read = plain_reader(wire, into)
    splitter = FrameSplitter(wire.max_event_bytes)
    for chunk in chunks:
        for frame in splitter.feed(chunk):
            event = read(frame)
            decoded = [*wire.decode_frame(frame)]
            if event is not None:
                assert decoded == [event]
            elif _fold_each(decoded, into):
                return
        if splitter.failure is not None:
            raise splitter.failure
    _fold_each(decode_last_frame(wire, splitter.end()), into)


def _fold_each(items: Iterable[Any], into: Any) -> bool:
    """Fold what a frame decoded to; return True if the stream ends there."""
    for item in items:
        if isinstance(item, StreamDecodeError):
            raise item
        if item is not None:
            into.fold(item)
        if isinstance(item, ErrorEvent | DoneEvent):
            return True
    return False
