"""The request bodies of files, and what can be uploaded as one.

`file` and `purpose` are parameters of the method. A body with a file goes as a form, not as JSON.
"""

from collections.abc import AsyncIterable, Awaitable, Callable
from os import PathLike
from typing import Literal, Protocol, TypeAlias, TypedDict

__all__ = [
    "AsyncReadable",
    "FileContentParam",
    "FileCreateParams",
    "FileExpiresAfterParam",
    "FilePurposeParam",
    "FileTypes",
    "Readable",
    "UploadProgress",
]

FilePurposeParam: TypeAlias = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]


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


class FileExpiresAfterParam(TypedDict):
    """When the server may delete the file."""

    anchor: Literal["created_at"]
    seconds: int
    """From 3,600 (an hour) to 2,592,000 (30 days)."""


class FileCreateParams(TypedDict, total=False):
    """POST /files, without `file` and `purpose`."""

    expires_after: FileExpiresAfterParam
    """Absent: files for batches expire after 30 days, others do not."""
