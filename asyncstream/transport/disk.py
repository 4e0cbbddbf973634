"""Files of this machine, opened, read and written in threads, so that the event loop goes on meanwhile.

Knows nothing of what is in them. Above it: `transport.uploads`, and the downloads of `streaming.content`.

Rule 1: a cancelled caller leaves no file open, and no thread at work on a file that the caller closes next.
"""

import asyncio
import contextlib
import functools
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

__all__ = ["in_thread", "open_file"]

P = ParamSpec("P")
R = TypeVar("R")

Mode = Literal["rb", "wb"]


async def open_file(path: "str | os.PathLike[str]", mode: Mode, *, temporary: bool = False) -> io.FileIO:
    """Open a file, unbuffered: what is read and written here is larger than any buffer.

    Args:
        path: Which one.
        mode: Whether to read or to write it.
        temporary: Whether a cancelled caller wants it deleted, should it come about all the same.

    Raises:
        OSError: It cannot be opened.
    """
    opening = asyncio.get_running_loop().run_in_executor(None, _open, path, mode)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        # Opening a pipe may take for ever, so it is not waited for; but somebody must close what comes of it.
        opening.add_done_callback(functools.partial(_close, path if temporary else None))
        raise


def _open(path: "str | os.PathLike[str]", mode: Mode) -> io.FileIO:
    return open(path, mode, buffering=0)


def _close(temporary: "str | os.PathLike[str] | None", opening: "asyncio.Future[io.FileIO]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


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
