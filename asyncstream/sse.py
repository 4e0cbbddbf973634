"""Server-sent events: bytes to frames to fields, and an event to bytes. The WHATWG rules. Pure: no IO.

`FrameSplitter` cuts bytes into raw frames (the text between blank lines) and leaves their fields for `parse_frame`,
because most frames are recognised by their first bytes alone. Event ids and retry times are not read: whoever sent a
POST does not reconnect.

Rule 1: where a chunk ends never shows. Rule 2: the work is linear in the bytes, however small the chunks and however
large an event: unfinished bytes are kept as a list of pieces and joined once.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import re
from typing import NamedTuple

from asyncstream.decoding import UnreadableJSON, load_json
from asyncstream.errors import ConfigurationError, StreamDecodeError
from asyncstream.halves import mend_halves

__all__ = ["Frame", "FrameSplitter", "begins_as_stream", "encode", "parse_frame"]

_BOM = b"\xef\xbb\xbf"

DEFAULT_MAX_FRAME_BYTES = 16 * 1024 * 1024
"""A run step with all its logs stays under 10 MiB; a server that never ends a line must not fill the memory."""

_RAW_KEPT = 64 * 1024
"""How much of an oversized frame its error keeps: enough to see what it was."""


_FIELDS = re.compile(rb"^(data|event|error)(?:: ?+(.*+))?+$", re.MULTILINE)
"""The fields that a stream looks at. All other lines, of which a frame may have millions, are never taken out."""


_KNOWN = re.compile(rb"^(?:data|event|error|id|retry)?+(?::|$)", re.MULTILINE)
"""The lines that are fields of the standard, comments, or blank."""


_BEGINNINGS = (b"data:", b"event:", b"id:", b"retry:", b":")
"""How an event stream begins: with a field of the standard, or with a comment."""


class Frame(NamedTuple):
    """The fields of one frame that a stream looks at.

    `event` is "" where no name was sent. `lines` holds the value of each `data` field, empty if there was none.
    """

    event: str
    lines: list[bytes]


class FrameSplitter:
    """Cut a byte stream into frames: the bytes between blank lines, without these.

    Line ends come out as LF. A frame may begin with an LF (more than one blank line) and may hold only comments.

    Attributes:
        failure: Set once a frame is larger than `max_frame_bytes`: the frames before it have been returned, nothing
            after it will be.
    """

    __slots__ = (
        "_max_frame_bytes",
        "_pending_size",
        "_pieces",
        "_prefix",
        "_started",
        "_tail",
        "_tail_is_cr",
        "failure",
    )

    def __init__(self, max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES) -> None:
        self._max_frame_bytes = max_frame_bytes
        self.failure: StreamDecodeError | None = None
        self._pieces: list[bytes] = []
        self._pending_size = 0
        # The newline that ended the last chunk: its partner may begin the next.
        self._tail = b""
        # That newline was a CR: a LF that begins the next chunk belongs to it.
        self._tail_is_cr = False
        self._started = False
        self._prefix = b""

    @property
    def pending_bytes(self) -> int:
        """How many bytes of an unfinished frame are held."""
        return self._pending_size + len(self._tail) + len(self._prefix)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; return the frames that they complete."""
        if self.failure is not None:
            return []
        if not self._started:
            chunk = self._strip_bom(chunk)
        if self._tail_is_cr and chunk:
            self._tail_is_cr = False
            if chunk[0] == 10:
                chunk = chunk[1:]
        if not chunk:
            return []
        if 13 in chunk:
            self._tail_is_cr = chunk[-1] == 13
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if self._tail:
            chunk = self._tail + chunk
            self._tail = b""
        frames = chunk.split(b"\n\n")
        last = frames.pop()
        if frames:
            if self._pieces:
                self._pieces.append(frames[0])
                frames[0] = b"".join(self._pieces)
                self._pieces = []
                self._pending_size = 0
            # What one chunk holds cannot be over the limit if the chunk is not.
            if len(chunk) + len(frames[0]) > self._max_frame_bytes:
                for position, frame in enumerate(frames):
                    if len(frame) > self._max_frame_bytes:
                        self._fail(len(frame), [frame])
                        return frames[:position]
        if not last:
            # Live, a chunk mostly is one frame.
            return frames
        if last.endswith(b"\n"):
            self._tail = b"\n"
            last = last[:-1]
        if last:
            self._pieces.append(last)
            self._pending_size += len(last)
            if self._pending_size > self._max_frame_bytes:
                self._fail(self._pending_size, self._pieces)
        return frames

    def end(self) -> bytes:
        """Return the unfinished frame at the end of the bytes; b"" if there is none."""
        frame = self._prefix + b"".join(self._pieces)
        self._pieces = []
        self._pending_size = 0
        self._tail = self._prefix = b""
        return frame

    def _strip_bom(self, chunk: bytes) -> bytes:
        chunk = self._prefix + chunk
        self._prefix = b""
        if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            self._prefix = chunk
            return b""
        self._started = True
        return chunk.removeprefix(_BOM)

    def _fail(self, size: int, pieces: list[bytes]) -> None:
        error = StreamDecodeError(f"an event of {size} bytes or more, the limit is {self._max_frame_bytes} bytes")
        error.raw = b"".join(piece[:_RAW_KEPT] for piece in pieces[:_RAW_KEPT])[:_RAW_KEPT]
        self.failure = error
        self._pieces = []
        self._pending_size = 0


def begins_as_stream(data: bytes) -> bool | None:
    """Tell whether bytes begin as an event stream does, whatever they are called; None if more are needed for that."""
    text = data.removeprefix(_BOM).lstrip(b"\r\n")
    if text.startswith(_BEGINNINGS):
        return True
    return None if _BOM.startswith(text) or any(name.startswith(text) for name in _BEGINNINGS) else False


def parse_frame(frame: bytes) -> Frame:
    """Read the fields of a frame as a stream does.

    A field named `error` in a frame without data is a frame of its own: some servers end a failed stream with a bare
    line `error: {...}`. So are lines that are no fields and together one JSON object with an `error`: what a proxy
    writes when it gives up. The standard would ignore both.
    """
    event = b""
    error = b""
    lines: list[bytes] = []
    for field, value in _FIELDS.findall(frame):
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            event = value
        elif field == b"error" and value.strip() and not error:
            error = value
    if error and not lines:
        return Frame("error", [error])
    if not lines and not event and b'"error"' in frame and _is_bare_error(frame):
        return Frame("error", [frame.strip(b"\n")])
    return Frame(event.decode("utf-8", "replace"), lines)


def _is_bare_error(frame: bytes) -> bool:
    text = frame.strip()
    # No comment and no field begins with a brace, but one of their lines may stand within.
    if text[:1] + text[-1:] != b"{}" or _KNOWN.search(text) is not None:
        return False
    try:
        value = load_json(text)
    except UnreadableJSON:
        return False
    return isinstance(value, dict) and bool(value.get("error"))


def encode(data: str | bytes, *, event: str | None = None, id: str | None = None, retry: int | None = None) -> bytes:
    r"""Encode one event, its blank line included.

    Args:
        data: The payload; each of its lines (CR, LF or CRLF ends one) becomes a `data` field. Half of a surrogate pair,
            which has no UTF-8, becomes U+FFFD.
        event: The event's name.
        id: The event's id.
        retry: Reconnection time in milliseconds.

    Raises:
        ConfigurationError: A name or id that would break the frame (CR, LF; in an id also NUL), or has no UTF-8.
    """
    fields = []
    if event is not None:
        fields.append(b"event: " + _one_line("event", event))
    if id is not None:
        if "\0" in id:
            raise ConfigurationError("an event id must not hold NUL")
        fields.append(b"id: " + _one_line("id", id))
    if retry is not None:
        fields.append(b"retry: %d" % retry)
    payload = _utf8(data) if isinstance(data, str) else data
    if 13 in payload:
        payload = payload.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    fields.extend(b"data: " + line for line in payload.split(b"\n"))
    return b"\n".join(fields) + b"\n\n"


def _one_line(field: str, value: str) -> bytes:
    if "\r" in value or "\n" in value:
        raise ConfigurationError(f"an {field} must be one line, got {value!r}")
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"an {field} must be valid text, got {value!r}") from error


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return mend_halves(text).encode()
