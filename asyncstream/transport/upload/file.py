"""One file to upload: its name, media type and size, and its bytes in pieces, from whatever the caller has.

Reads; never sends. Above it: `transport.upload.form`, which frames the pieces.

Rule 1: what can be found wrong is found when it is opened, before anything is sent: a missing path is its `OSError`.
Rule 2: files are read in threads, one piece at a time, and each piece from its own position: a read that an abandoned
attempt left behind cannot move those of the next one.
Rule 3: a file object of the caller's is never closed here; an async generator is, once it was begun.
"""

import asyncio
import inspect
import io
import mimetypes
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, TypeGuard

from asyncstream.errors import ConfigurationError
from asyncstream.params.uploads import FileTypes, UploadProgress
from asyncstream.transport.disk import open_file

__all__ = ["Upload", "open_upload"]

_PIECE = 256 << 10
"""Bytes: a thread hop costs some 50 us, which is little beside the sending of these."""

_NAMELESS = "upload"
"""The name of content that has none; without one, servers take a part for a text field."""


class Upload:
    """A file that is ready to be sent.

    Attributes:
        filename: The name that the server is told.
        content_type: The media type that the server is told.
        size: Bytes; None if that is not known before the end.
        repeatable: Whether the content can be read from its beginning again.
        begun: Whether any of it was read for sending.
        failure: What the caller's own content or callback raised while it was sent.
    """

    def __init__(
        self,
        filename: str,
        content_type: str,
        size: int | None,
        pieces: Callable[[], AsyncIterator[bytes]],
        *,
        repeatable: bool,
        on_progress: UploadProgress | None = None,
    ) -> None:
        self.filename = filename
        self.content_type = content_type
        self.size = size
        self.repeatable = repeatable
        self.begun = False
        self.failure: Exception | None = None
        self._pieces = pieces
        self._on_progress = on_progress

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Give the content from its beginning; each piece counts as sent when the next one is asked for.

        Raises:
            Exception: What the content or the callback raises; it is kept in `failure` too.
        """
        self.begun = True
        self.failure = None
        pieces = self._pieces()
        try:
            sent = 0
            async for piece in pieces:
                data = _checked(piece)
                yield data
                sent += len(data)
                await self._report(sent)
            if self.size is not None and sent != self.size:
                raise ConfigurationError(
                    f"the file {self.filename!r} changed while it was sent: expected {self.size} bytes, got {sent}"
                )
        except Exception as error:
            self.failure = error
            raise
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()

    async def _report(self, sent: int) -> None:
        if self._on_progress is not None:
            result = self._on_progress(sent, self.size)
            if result is not None:
                await result


@asynccontextmanager
async def open_upload(file: FileTypes, on_progress: UploadProgress | None = None) -> AsyncIterator[Upload]:
    """Open what is to be uploaded, and close it again if it was given as a path.

    Raises:
        ConfigurationError: It is none of the kinds that can be uploaded, or its name or media type cannot be sent.
        OSError: The path cannot be opened.
    """
    name, content, content_type = _unpack(file)
    opened: io.FileIO | None = None
    lock = threading.Lock()
    try:
        if isinstance(content, os.PathLike):
            name = os.path.basename(os.fsdecode(content)) if name is None else name
            opened = await open_file(content, "rb")
            content = opened
        name = _name_of(content) if name is None else name
        size, pieces, repeatable = await _source(content, lock)
        yield Upload(
            _check_text(name, "the name of a file"),
            _check_text(content_type or mimetypes.guess_type(name)[0] or "application/octet-stream", "a media type"),
            size,
            pieces,
            repeatable=repeatable,
            on_progress=on_progress,
        )
    finally:
        if opened is not None:
            # A thread may still be at a read for an attempt that was given up: not from what has this number next.
            with lock:
                opened.close()


def _unpack(file: object) -> tuple[str | None, object, str | None]:
    if not isinstance(file, tuple):
        return None, file, None
    if len(file) not in (2, 3):
        raise ConfigurationError(f"a file tuple must be (name, content) or (name, content, type), not of {len(file)}")
    name, content, content_type = (*file, None)[:3]
    for value, what in ((name, "name"), (content_type, "type")):
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(f"the {what} in a file tuple must be a string, not {type(value).__name__}")
    if name == "":
        raise ConfigurationError("the name in a file tuple must not be empty; None takes the content's own")
    return name, content, content_type


def _name_of(content: object) -> str:
    name = getattr(content, "name", None) or getattr(content, "filename", None)
    # A file opened by its number has that as its name, and streams have names such as "<stdin>".
    if isinstance(name, str) and not name.startswith("<"):
        return os.path.basename(name) or _NAMELESS
    return _NAMELESS


def _check_text(text: str, what: str) -> str:
    if any(character < " " or character == "\x7f" for character in text):
        raise ConfigurationError(f"{what} must hold no line break, NUL or other control character: {text!r}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{what} is no valid text: {text!r}; give another one in a tuple") from None
    return text


async def _source(content: object, lock: threading.Lock) -> tuple[int | None, Callable[[], AsyncIterator[bytes]], bool]:
    """Return the size of some content, the function that gives its pieces, and whether it can be called again."""
    match content:
        case bytes() | bytearray() | memoryview():
            # A copy of what may change while it is sent.
            data = bytes(content)
            return len(data), lambda: _cut(data), True
        case str():
            raise ConfigurationError(
                "a str is no file: give pathlib.Path(...) for a path, or .encode() it if it is the content"
            )
        case io.TextIOBase():
            raise ConfigurationError("the file is open in text mode: open it in binary mode ('rb')")
        case AsyncIterable() | object(read=_):
            pass
        case _:
            raise ConfigurationError(
                "a file must be bytes, a path, a binary file object, an async iterable of bytes, or a tuple "
                f"(name, content, type) with one of these, not {type(content).__name__}"
            )
    read = getattr(content, "read", None)
    if read is None and isinstance(content, AsyncIterable):
        # An iterator is its own; whatever makes a new one each time can be sent again.
        return None, lambda: aiter(content), not isinstance(content, AsyncIterator)
    if inspect.iscoroutinefunction(read):
        return None, lambda: _read_async(content), False
    if _is_seekable(content):
        begin, end = await asyncio.to_thread(_extent, content, lock)
        if end and begin == end:
            raise ConfigurationError(f"the file object is at its end, after {end} bytes: seek(0) begins anew")
        return end - begin, lambda: _read_at(content, lock, begin, end), True
    return None, lambda: _read_on(content), False


def _is_seekable(file: object) -> TypeGuard[BinaryIO]:
    seekable = getattr(file, "seekable", None)
    return callable(seekable) and seekable() is True


def _extent(file: BinaryIO, lock: threading.Lock) -> tuple[int, int]:
    """Return where a file object stands, and where it ends."""
    with lock:
        begin = file.tell()
        end = file.seek(0, os.SEEK_END)
        file.seek(begin)
    return begin, end


async def _cut(data: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), _PIECE):
        yield data[begin : begin + _PIECE]


async def _read_at(file: BinaryIO, lock: threading.Lock, begin: int, end: int) -> AsyncIterator[bytes]:
    def read(position: int) -> bytes:
        with lock:
            file.seek(position)
            return file.read(min(_PIECE, end - position))

    # What was appended since it was opened is left out: its size is told already.
    while begin < end and (piece := await asyncio.to_thread(read, begin)):
        yield piece
        begin += len(piece)


async def _read_on(file: Any) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _PIECE):
        yield piece


async def _read_async(file: Any) -> AsyncIterator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece


def _checked(piece: object) -> bytes:
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, bytearray | memoryview):
        return bytes(piece)
    raise ConfigurationError(f"the content of a file must be bytes, got a piece of type {type(piece).__name__}")
