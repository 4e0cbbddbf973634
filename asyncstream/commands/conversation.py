"""A conversation at a terminal: the lines of a person, an answer that Ctrl-C stops alone, and a question within one.

Used by `chat`. Knows neither models nor messages.
"""

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

__all__ = ["answer_to", "lines", "stoppable"]

_PROMPT = "> "


def lines() -> Iterator[str]:
    """Give what the person writes, line by line, without blank ones; it ends at Ctrl-D, and Ctrl-C raises.

    It blocks the event loop, in which nothing else has to go on meanwhile.
    """
    with contextlib.suppress(ImportError):
        # With history and editing, where Python has it.
        import readline  # noqa: F401
    if threading.current_thread() is threading.main_thread():
        # asyncio's own handler would cancel the task that waits here, and so do nothing.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    while True:
        try:
            line = _read_line()
        except EOFError:
            print(file=sys.stderr)
            return
        if line.strip():
            yield line.strip()


def _read_line() -> str:
    if sys.stdout is not None and sys.stdout.isatty():
        return input(_PROMPT)
    print(_PROMPT, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


async def answer_to() -> str:
    """Wait for a line of the person, who was asked something, while the event loop runs; "" at Ctrl-D."""
    loop = asyncio.get_running_loop()
    written = asyncio.Event()
    try:
        loop.add_reader(sys.stdin, written.set)
    except NotImplementedError:
        # Windows, whose consoles no loop can watch; Ctrl-C is seen when the line has ended.
        return await asyncio.to_thread(sys.stdin.readline)
    try:
        await written.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()


async def stoppable(work: Coroutine[Any, Any, None]) -> bool:
    """Await some work that Ctrl-C cancels, and nothing else; return False if it did."""
    task = asyncio.ensure_future(work)
    with _on_interrupt(task):
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():
                # It is this waiting that was cancelled.
                task.cancel()
                await asyncio.wait([task])
                raise
            return False
    return True


@contextlib.contextmanager
def _on_interrupt(task: "asyncio.Future[None]") -> Iterator[None]:
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, task.cancel)
    except (NotImplementedError, RuntimeError, ValueError):
        # Windows, or no main thread: Ctrl-C ends the program.
        yield
        return
    try:
        yield
    finally:
        # From here on it raises KeyboardInterrupt, in the reading of a line too.
        loop.remove_signal_handler(signal.SIGINT)
