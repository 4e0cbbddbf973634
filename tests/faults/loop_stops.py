"""How long the event loop stands still, and how long anything takes: in passes over a text, not in seconds.

Seconds would judge the machine. A pass finds each of a million characters; what takes `MOST` of them takes 0.2 s where
a pass takes 0.04 s.
"""

import asyncio
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

__all__ = ["MOST", "Stops", "one_pass", "passes"]

MOST = 5.0
"""Passes for which the loop may stand still."""

_SINGLE = re.compile("[ab]")
_TEXT = "ab" * 500_000


def seconds(do: Callable[[], object]) -> float:
    """CPU seconds of this thread: what others do on the machine is not in it."""
    start = time.thread_time()
    do()
    return time.thread_time() - start


def one_pass(times: int = 3) -> float:
    """The CPU seconds of a pass, at its best of some times."""
    return min(seconds(lambda: _SINGLE.findall(_TEXT)) for _ in range(times))


def passes(do: Callable[[], object]) -> float:
    """The passes that something takes, at its best of five; the later ones only where the earlier say something."""
    best = float("inf")
    for turn in range(5):
        # One pass will do for what is quick, were it slow by half.
        best = min(best, seconds(do) / one_pass(3 if turn else 1))
        if best < MOST / 2:
            return best
        if not turn:
            best = float("inf")
    return best


class Stops:
    """Watches the event loop as long as its context lasts: it lets nothing wait, and asks for its turn again at once.

    Attributes:
        longest: The CPU seconds of the longest turn of the loop.
    """

    def __init__(self) -> None:
        self.longest = 0.0

    async def _watch(self) -> None:
        while True:
            start = time.thread_time()
            await asyncio.sleep(0)
            self.longest = max(self.longest, time.thread_time() - start)

    async def __aenter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._watch())
        await asyncio.sleep(0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The turn that is going on counts too.
        await asyncio.sleep(0)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
