"""How a view goes out: `Shape`, which owns all that is between the headers of an answer and its last byte. Pure.

`views` has a shape for each form of each view; `pump` writes with it, `answers` begins and refuses with it. What a
shape does not say for itself is as in the default form.

Rule 1: whoever sends asks the shape. Neither the pump nor a door knows which view or form it sends.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from asyncstream.errors import AsyncStreamError
from asyncstream.relay.errors import error_body, error_headers, error_status
from asyncstream.relay.frames import GREETING, HEARTBEAT, CompatibleFrames, Encode, ndjson_line, sse_frame, text_chunk

__all__ = ["EVENT_STREAM", "Refusal", "Shape", "compatible", "json_refusal", "ndjson", "sse", "text"]

EVENT_STREAM: Final = "text/event-stream; charset=utf-8"


class Refusal(Struct, frozen=True):
    """The answer to a request for which there is no stream."""

    status: int
    headers: Mapping[str, str]
    """Without a length, which follows from the body."""
    body: bytes


def json_refusal(error: AsyncStreamError) -> Refusal:
    """Return the status of an error, and as the body what browsers may know of it as JSON."""
    return Refusal(error_status(error), error_headers(error), error_body(error))


class Shape(Struct, frozen=True):
    """One form of one view: what the pump and `answers` write. Made for each reader: its functions may remember."""

    content_type: str
    entry: Encode
    """Writes an entry that is not the last."""
    greeting: bytes
    """What goes out before the first entry."""
    heartbeat: bytes
    """What goes out after some seconds without an entry; b"" where a form has nothing that readers pass over."""
    tells_end: bool = True
    """Whether its last frame says that it is the last, so that no reader takes a cut for the end."""
    bare_end_looks_whole: bool = False
    """Whether its readers take a body that merely ends for a whole answer, although every end has its frame: one that
    ends without, for the log is closed on this worker, is cut."""
    done: Encode | None = None
    """Writes the entry that says that all is there; None: as any other."""
    error: Encode | None = None
    """Writes the entry that says what went wrong in mid-stream, the last one; None: as any other."""
    headers: Mapping[str, str] = {}
    """More headers of the answer."""
    refusal: Callable[[AsyncStreamError], Refusal] = json_refusal
    """Makes the answer where there is no stream: what the upstream, the log or its hook refuses."""


def sse() -> Shape:
    """Return the default form: server-sent events with ids, large ones in pieces."""
    return Shape(EVENT_STREAM, sse_frame, GREETING, HEARTBEAT)


def compatible() -> Shape:
    """Return server-sent events as the upstream's own wire has them."""
    return Shape(EVENT_STREAM, CompatibleFrames(), b"", HEARTBEAT)


def ndjson() -> Shape:
    """Return lines of JSON; an empty one is a heartbeat."""
    return Shape("application/x-ndjson", ndjson_line, b"", b"\n")


def text() -> Shape:
    """Return the text and nothing else, which cannot say whether it is whole."""
    return Shape("text/plain; charset=utf-8", text_chunk, b"", b"", tells_end=False)
