"""Files of this machine, opened, read and written in threads, so that the event loop goes on meanwhile.

Knows nothing of what is in them. Above it: `transport.upload.file`, and the downloads of `streaming.file_content`.

Rule 1: a cancelled caller leaves no file open, and no thread at work on a file that the caller closes next.
"""

import asyncio
import contextlib
import functools
import io
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, ParamSpec, TypeVar

__all__ = ["create_beside", "in_thread", "open_file"]

P = ParamSpec("P")
R = TypeVar("R")

Mode = Literal["rb", "wb"]

_NAMES: Final = 10
"""Names that are tried: that one of 2**128 is taken is no chance, and a tenth will be no better."""


async def open_file(path: "str | os.PathLike[str]", mode: Mode) -> io.FileIO:
    """Open a file, unbuffered: what is read and written here is larger than any buffer.

    Args:
        path: Which one.
        mode: Whether to read or to write it.

    Raises:
        OSError: It cannot be opened.
    """
    return await _opened(functools.partial(_open, path, mode), delete=False)


async def create_beside(path: Path, permissions: int) -> io.FileIO:
    """Create a file for writing beside another, unbuffered, under a name that cannot be guessed; `name` is its path.

    It did not exist before, and is no link: whatever stands under the name is left alone, and another one is tried.
    Should it come about though its caller was cancelled, it is deleted.

    Args:
        path: Beside which; the name begins with a dot and the name of this.
        permissions: The most that its mode may be; the umask takes its part.

    Raises:
        OSError: It cannot be created.
    """
    return await _opened(functools.partial(_create_beside, path, permissions), delete=True)


async def _opened(open: Callable[[], io.FileIO], *, delete: bool) -> io.FileIO:
    opening = asyncio.get_running_loop().run_in_executor(None, open)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        # Opening a pipe may take for ever, so it is not waited for; but what comes of it is closed.
        opening.add_done_callback(functools.partial(_close, delete))
        raise


def _open(path: "str | os.PathLike[str]", mode: Mode) -> io.FileIO:
    return open(path, mode, buffering=0)


def _create_beside(path: Path, permissions: int) -> io.FileIO:
    for _ in range(_NAMES - 1):
        with contextlib.suppress(FileExistsError):
            return _create(_hidden_beside(path), permissions)
    return _create(_hidden_beside(path), permissions)


def _hidden_beside(path: Path) -> Path:
    # A name may have 255 bytes, and a character four.
    return path.with_name(f".{path.name[:50]}.{secrets.token_hex(16)}.part")


def _create(path: Path, permissions: int) -> io.FileIO:
    def create(name: str, flags: int) -> int:
        # Where a system lacks the flag, a file that must be new is no link all the same.
        return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), permissions)

    return open(path, "xb", buffering=0, opener=create)


def _close(delete: bool, opening: "asyncio.Future[io.FileIO]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        file = opening.result()
        file.close()
        if delete:
            Path(os.fsdecode(file.name)).unlink(missing_ok=True)


async def in_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what a function returns that is run in a thread; a cancellation is raised when it is over."""
    running = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            # Cancelled again, it is waited for all the same.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        if not running.cancelled():
            # What it failed with does not matter any more, but must have been looked at.
            running.exception()
        raise
