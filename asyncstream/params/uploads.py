"""What can be uploaded as a file, and who is told how much of it was sent. Types only; imports nothing of the package.

`resources.files` and `resources.uploads` take these, `transport.upload.file` reads them, `files` has the bodies.
"""

from collections.abc import AsyncIterable, Awaitable, Callable
from os import PathLike
from typing import Protocol, TypeAlias

__all__ = [
    "AsyncReadable",
    "FileContentParam",
    "FileTypes",
    "Readable",
    "UploadProgress",
]


class Readable(Protocol):
    """A file opened for reading in binary mode, or what reads like one."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; b"" at the end."""
        ...


class AsyncReadable(Protocol):
    """A file or stream whose `read` is awaited, such as `asyncio.StreamReader` or a request's body in a web server."""

    async def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; b"" at the end."""
        ...


FileContentParam: TypeAlias = bytes | bytearray | PathLike[str] | Readable | AsyncReadable | AsyncIterable[bytes]
"""A `str` is none: it could be a path or a text. `pathlib.Path(...)` or `.encode()` says which."""

FileTypes: TypeAlias = (
    FileContentParam | tuple[str | None, FileContentParam] | tuple[str | None, FileContentParam, str | None]
)
"""Content alone, with the name, or with name and media type; a None is left to be found out."""

UploadProgress: TypeAlias = Callable[[int, int | None], Awaitable[None] | None]
"""Is given the bytes that have been sent and the size of the content, None if that is not known."""
