"""Several uploads at once, but not all at once. Knows how many; what an upload is, `files` knows."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from asyncstream.errors import ConfigurationError

__all__ = ["upload_all"]

T = TypeVar("T")
R = TypeVar("R")


async def upload_all(upload: Callable[[T], Awaitable[R]], files: Iterable[T], *, max_concurrency: int) -> list[R]:
    """Upload files, a bounded number of them at a time, and return the results in the order of the files.

    A file is taken from `files` only when its upload begins: a generator may open one after the other. The first
    failure, and a cancellation, ends the other uploads.

    Raises:
        ConfigurationError: `max_concurrency` is no integer above zero, or `files` cannot be iterated.
        Exception: What the first upload that failed has raised, with a note that says what was uploaded before.
    """
    if isinstance(max_concurrency, bool) or not isinstance(max_concurrency, int) or max_concurrency < 1:
        raise ConfigurationError(f"max_concurrency must be an integer of at least 1: {max_concurrency!r}")
    if isinstance(files, str | bytes | bytearray) or not isinstance(files, Iterable):
        raise ConfigurationError(f"files must be several files, not {type(files).__name__}")
    rest = enumerate(files)
    results: dict[int, R] = {}

    async def work() -> None:
        # No two workers are in `rest` at once: there is no await between two of its items.
        for position, file in rest:
            results[position] = await upload(file)

    workers = [asyncio.ensure_future(work()) for _ in range(max_concurrency)]
    try:
        await asyncio.gather(*workers)
    except Exception as error:
        if results:
            error.add_note(f"uploaded before: {', '.join(str(getattr(r, 'id', r)) for r in results.values())}")
        raise
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [results[position] for position in sorted(results)]
