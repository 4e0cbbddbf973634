"""The content of a file as users hold it: all of it, in pieces, or written to a path.

`ContentRequest` is what `files.content(...)` gives: nothing is sent before it is awaited, entered or written. Below it:
`transport.download`, which reads. Nothing here knows which endpoint the content comes from.

Rule 1: a file under the name that the caller gave is whole; a download that fails leaves what was there before.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeAlias

from multidict import CIMultiDict

from asyncstream.errors import APIResponseValidationError, ConfigurationError
from asyncstream.transport.disk import create_beside, in_thread, open_file
from asyncstream.transport.download import LiveContent
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request

__all__ = ["ContentRequest", "ContentStream", "ContentTarget", "FileContent", "Writable"]

_MAX_IN_MEMORY = 1 << 30
"""Bytes that `await` takes: twice what OpenAI lets a file have."""

_BLOCK = 1 << 20
"""Bytes that are written at once: pieces come in 64 to 128 KiB, and each write is a thread hop."""


class Writable(Protocol):
    """A file opened for writing in binary mode, or what is written to like one."""

    def write(self, data: bytes, /) -> object:
        """Take all of some bytes."""
        ...


ContentTarget: TypeAlias = "str | os.PathLike[str] | Writable"

Progress: TypeAlias = Callable[[int, int | None], Awaitable[None] | None]


class FileContent(bytes):
    """The whole content of a file: bytes that also have the names under which openai-python gives them."""

    __slots__ = ()

    @property
    def content(self) -> bytes:
        """The bytes themselves."""
        return self

    @property
    def text(self) -> str:
        """The content as UTF-8; what is none is U+FFFD."""
        return self.decode("utf-8", "replace")

    def read(self) -> bytes:
        """Return the bytes themselves."""
        return self


class ContentStream:
    """Content that is coming in; ``async for`` gives it in pieces, once. It is closed by leaving ``async with``."""

    def __init__(self, live: LiveContent) -> None:
        self._live = live

    def __repr__(self) -> str:
        return f"ContentStream({self.received} of {self.size} bytes)"

    @property
    def status(self) -> int:
        """HTTP status."""
        return self._live.status

    @property
    def headers(self) -> CIMultiDict[str]:
        """Response headers."""
        return self._live.headers

    @property
    def request_id(self) -> str | None:
        """The `x-request-id` of the response."""
        return self._live.request_id

    @property
    def size(self) -> int | None:
        """The bytes of the whole content; None if the server does not say."""
        return self._live.size

    @property
    def received(self) -> int:
        """The bytes that came so far."""
        return self._live.received

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the pieces that are left.

        Raises:
            APITimeoutError: Nothing came within the deadline.
            APIConnectionError: The connection broke before the end.
        """
        return aiter(self._live)

    async def read(self) -> FileContent:
        """Return all that is left, in memory.

        Raises:
            APIResponseValidationError: It is more than 1 GiB.
            APIConnectionError: The connection broke before the end.
        """
        pieces: list[bytes] = []
        room = _MAX_IN_MEMORY
        async for piece in self:
            pieces.append(piece)
            room -= len(piece)
            if room < 0:
                raise APIResponseValidationError(
                    f"expected at most {_MAX_IN_MEMORY >> 20} MiB, got more: write it to a path, or take it in pieces",
                    status=self.status,
                    headers=self.headers,
                    request_id=self.request_id,
                )
        return FileContent(b"".join(pieces))

    async def write_to(self, target: ContentTarget, *, on_progress: Progress | None = None) -> int:
        """Write all that is left to a path, or into an open binary file, and return how many bytes that were.

        A path appears, or is replaced, when all has come; a device or pipe is written to at once. An open file is
        written to as the pieces come, and is left open.

        Args:
            target: Where to.
            on_progress: Is given the bytes received so far and the size of the content, None if that is not known.

        Raises:
            OSError: The path or file cannot be written.
            APIConnectionError: The connection broke before the end.
        """
        begin = self.received
        if not isinstance(target, str | os.PathLike):
            await self._write(target, on_progress)
            return self.received - begin
        path = Path(target)
        replaced = await in_thread(_replaced, path)
        if replaced is None:
            with await open_file(path, "wb") as file:
                await self._write(file, on_progress)
            return self.received - begin
        file = await create_beside(*replaced)
        partial = Path(os.fsdecode(file.name))
        try:
            with file:
                await self._write(file, on_progress)
            await in_thread(_put_in_place, partial, path)
        except BaseException:
            _remove(partial)
            raise
        return self.received - begin

    async def _write(self, file: Writable, on_progress: Progress | None) -> None:
        block: list[bytes] = []
        size = 0
        async for piece in self:
            block.append(piece)
            size += len(piece)
            if size >= _BLOCK:
                await in_thread(_write_all, file, b"".join(block))
                block, size = [], 0
            if on_progress is not None and (result := on_progress(self.received, self.size)) is not None:
                await result
        await in_thread(_write_all, file, b"".join(block))


class ContentRequest:
    """Content that is not yet fetched.

    ``await`` gives all of it, ``async with`` a `ContentStream`, `write_to` puts it into a file. Each use sends anew;
    one that is never used sends nothing.
    """

    def __init__(self, transport: Transport, request: Request) -> None:
        self._transport = transport
        self._request = request
        self._entered: ContentStream | None = None

    def __repr__(self) -> str:
        return f"ContentRequest({self._request!r})"

    def __await__(self) -> Generator[object, None, FileContent]:
        return self._read().__await__()

    async def _read(self) -> FileContent:
        async with await self._transport.download(self._request) as live:
            return await ContentStream(live).read()

    async def write_to(self, target: ContentTarget, *, on_progress: Progress | None = None) -> int:
        """Write the content to a path, or into an open binary file; see `ContentStream.write_to`.

        Raises:
            OSError: The path or file cannot be written.
            NotFoundError: There is no such file on the server.
            APIError: The request failed; the subclass says how.
        """
        async with await self._transport.download(self._request) as live:
            return await ContentStream(live).write_to(target, on_progress=on_progress)

    async def __aenter__(self) -> ContentStream:
        if self._entered is not None:
            raise ConfigurationError("this download is open already: ask for the content again to read it twice")
        self._entered = ContentStream(await self._transport.download(self._request))
        return self._entered

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._entered is not None:
            self._entered._live.close(error if isinstance(error, asyncio.CancelledError) else None)
            self._entered = None


def _replaced(path: Path) -> tuple[Path, int] | None:
    """Return the file that is replaced when all has come, and what the mode of one may be that stands in for it.

    None for what cannot be replaced, such as a device.
    """
    # A link stays one: what it leads to is replaced. Not every link can be followed by its name (`/dev/stdout`).
    target = Path(os.path.realpath(path))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return target, 0o666
    # Nothing for a group meanwhile: the new file may have another one.
    return (target, mode & 0o600) if stat.S_ISREG(mode) else None


def _put_in_place(partial: Path, path: Path) -> None:
    target = Path(os.path.realpath(path))
    if target.exists():
        partial.chmod(stat.S_IMODE(target.stat().st_mode))
    partial.replace(target)


def _remove(partial: Path) -> None:
    # Here and now: a task that is cancelled may not wait for a thread.
    partial.unlink(missing_ok=True)


def _write_all(file: Writable, data: bytes) -> None:
    # An unbuffered file may take less than it is given.
    while data:
        written = file.write(data)
        if not isinstance(written, int) or written >= len(data):
            return
        data = data[written:]
