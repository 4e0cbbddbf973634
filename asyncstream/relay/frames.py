"""Entries as bytes, for each form that a relay speaks, and how an event that is too large comes back together. Pure.

- SSE, the default: ``id: 5``, ``event: NAME``, ``data: JSON``; a line is at most `MAX_LINE` bytes, so a larger event
  goes out in pieces, frames of the event `PIECE`, which `PieceJoiner` joins;
- SSE, compatible: what the upstream's own wire has, for clients that know nothing of a relay;
- NDJSON: chat chunks and text as they are; all else, and what has an id, as ``{"id", "event", "data"}``;
- text: the text and nothing else.

Rule 1: splitting and joining stand side by side and are inverses.
Rule 2: of an event in pieces only the last has the id, so that whoever comes back after half of them gets all again.
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from asyncstream.decoding import STRICT_ERRORS, UnreadableJSON, load_json
from asyncstream.errors import ConfigurationError, StreamDecodeError
from asyncstream.nesting import nested_too_deep
from asyncstream.relay.entries import DONE, ERROR, Entry

__all__ = [
    "GREETING",
    "HEARTBEAT",
    "MAX_LINE",
    "PIECE",
    "CompatibleFrames",
    "Encode",
    "PieceJoiner",
    "ndjson_line",
    "sse_frame",
    "text_chunk",
]

Encode = Callable[[Entry], bytes]

MAX_LINE: Final = 256 * 1024
"""Bytes of a line of the default form: readers with a limit of 512 KiB exist, and proxies with less than that."""

PIECE: Final = "asyncstream.piece"
"""The name of the events that hold a piece of a larger one."""

GREETING: Final = b": relayed by asyncstream\nretry: 1000\n\n"
"""The first bytes of the default form: proxies pass the headers on with them, and browsers come back after 1 s."""

HEARTBEAT: Final = b": keep-alive\n\n"

_PIECE_BYTES: Final = 40_000
"""As JSON in a string it grows sixfold at most (a control character becomes ``\\u001f``), which is still a line."""

_CONTINUATION: Final = 0b1000_0000
"""The two high bits of a byte that goes on with a character of UTF-8."""


class _Piece(Struct):
    n: int
    """From 1."""
    of: int
    event: str
    """The name of the whole event; "" if it has none."""
    json: str


_encode_piece = msgspec.json.Encoder().encode
_decode_piece = msgspec.json.Decoder(_Piece).decode
_check = msgspec.json.Decoder(msgspec.Raw).decode
_decode = msgspec.json.Decoder().decode

_NO_JSON: Final = object()


def sse_frame(entry: Entry) -> bytes:
    """Return an entry in the default form: one frame, or as many as it has pieces."""
    data = entry.data
    if len(data) > MAX_LINE - 8:
        return b"".join(_piece_frames(entry))
    name = entry.event
    if 10 in data or 13 in data:
        data = _lines(data)
    if entry.id is None:
        return b"event: %b\ndata: %b\n\n" % (name.encode(), data) if name else b"data: %b\n\n" % data
    if name:
        return b"id: %d\nevent: %b\ndata: %b\n\n" % (entry.id, name.encode(), data)
    return b"id: %d\ndata: %b\n\n" % (entry.id, data)


def _lines(data: bytes) -> bytes:
    """Return data of several lines as the values of several fields; a reader puts the newlines back."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")


def _piece_frames(entry: Entry) -> Iterator[bytes]:
    parts = list(_cut(entry.data))
    for n, part in enumerate(parts, 1):
        data = _encode_piece(_Piece(n, len(parts), entry.event, part.decode()))
        yield sse_frame(Entry(entry.id if n == len(parts) else None, PIECE, data))


def _cut(data: bytes) -> Iterator[bytes]:
    """Cut UTF-8 between characters."""
    start = 0
    while start < len(data):
        end = start + _PIECE_BYTES
        while end < len(data) and data[end] & 0b1100_0000 == _CONTINUATION:
            end -= 1
        yield data[start:end]
        start = end


class PieceJoiner:
    """Join the pieces of events, as they come."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._of: tuple[int, str] = (0, "")

    def push(self, data: bytes) -> tuple[str, bytes] | None:
        """Take the data of an event `PIECE`; return name and data of the event that it completes, if it does.

        A first piece begins anew: a reader who comes back gets all pieces again.

        Raises:
            StreamDecodeError: It is no piece, or not the one that must come next.
        """
        try:
            piece = _decode_piece(data)
        except STRICT_ERRORS as error:
            raise _unreadable(f"expected a piece of an event, got {len(data)} bytes that are none", data) from error
        if piece.n == 1:
            self._parts = []
            self._of = piece.of, piece.event
        expected = len(self._parts) + 1
        if (piece.n, piece.of, piece.event) != (expected, *self._of):
            raise _unreadable(
                f"expected piece {expected} of {self._of[0]} of event {self._of[1]!r}, "
                f"got piece {piece.n} of {piece.of} of event {piece.event!r}",
                data,
            )
        self._parts.append(piece.json)
        if piece.n < piece.of:
            return None
        whole = "".join(self._parts).encode()
        self.reset()
        return piece.event, whole

    def reset(self) -> None:
        """Forget the pieces of an event that is not whole: the connection that brought them was lost."""
        self._parts = []
        self._of = (0, "")


def _unreadable(message: str, data: bytes) -> StreamDecodeError:
    error = StreamDecodeError(message)
    error.raw = data[:MAX_LINE]
    return error


class CompatibleFrames:
    """Entries as the upstream's own wire has them: no ids, no pieces; the end and an error as its clients know them."""

    def __init__(self) -> None:
        # Chat has no event names, and its end has none either.
        self._unnamed = False

    def __call__(self, entry: Entry) -> bytes:
        """Return an entry as one frame, however large."""
        name, data = entry.event, entry.data
        if not name:
            self._unnamed = True
        elif self._unnamed and name in (DONE, ERROR):
            name = ""
        if 10 in data or 13 in data:
            data = _lines(data)
        return b"event: %b\ndata: %b\n\n" % (name.encode(), data) if name else b"data: %b\n\n" % data


def ndjson_line(entry: Entry) -> bytes:
    """Return an entry as one line of JSON.

    What a chat chunk or a text says stands alone, unless it has an id; the end is ``{"event": "done", ...}``.
    """
    name, data = entry.event, entry.data
    if 10 in data or 13 in data:
        # Between the tokens of JSON a blank says the same; within a string there are no newlines.
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
    if not _is_json(data):
        # `[DONE]`, or the text of an event that nobody knows.
        data = msgspec.json.encode(entry.data.decode("utf-8", "replace"))
    if entry.id is None:
        if name in ("", "text"):
            return data + b"\n"
        return b'{"event":%b,"data":%b}\n' % (msgspec.json.encode(name), data)
    return b'{"id":%d,"event":%b,"data":%b}\n' % (entry.id, msgspec.json.encode(name), data)


def text_chunk(entry: Entry) -> bytes:
    """Return the text of an entry `text`; b"" for the last one.

    Raises:
        ConfigurationError: It is an event of another view, or holds no text: an answer without it would look whole.
    """
    if entry.event in (DONE, ERROR):
        return b""
    if entry.event != "text":
        raise ConfigurationError("plain text takes a log of text: start the run with view='text'")
    try:
        value: object = _decode(entry.data)
    except STRICT_ERRORS:
        # Half a surrogate pair is JSON, but not to everybody.
        value = _load(entry.data)
    text = value.get("text", "") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise ConfigurationError('plain text takes events "text" whose data are {"text": "..."}')
    return text.encode("utf-8", "replace")


def _is_json(data: bytes) -> bool:
    """Tell whether bytes are JSON to a lenient reader, and to `follow`: no deeper than it reads on any Python."""
    if nested_too_deep(data):
        return False
    try:
        _check(data)
    except STRICT_ERRORS:
        return _load(data) is not _NO_JSON
    return True


def _load(data: bytes) -> object:
    """Return the value of JSON that the strict decoder refused; `_NO_JSON` if it is no JSON at all."""
    try:
        return load_json(data, exact=True)
    except UnreadableJSON:
        return _NO_JSON
