"""Interleaved rounds: what a peer costs on a stream, in CPU time of this process, user and system.

The machine's speed drifts, so a cost alone says little: in every round each cell (a peer on a stream) is measured once,
and what counts is the ratio of two cells of the same round. A measurement is as many whole requests, one after the
other, as take about 50 ms; it includes opening and closing the stream.

Held constant: one process and one event loop for all peers; the server in a process of its own; connections are kept;
two requests of warm-up a cell; the garbage collector is on, run before every measurement, and the modules of all peers
are frozen, so that no peer pays for scanning another's. Each round begins with another cell.
"""

import gc
import math
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from statistics import median
from typing import NamedTuple

from benchmarks.adapters import ADAPTERS, Read
from benchmarks.workloads import Seen, make

__all__ = ["Cell", "Costs", "CountsDiffer", "Spread", "measure_rounds", "ratio", "read_checked"]

_MEASUREMENT_S = 0.05
_MOST_REQUESTS = 25


class Cell(NamedTuple):
    """A peer on a stream."""

    adapter: str
    stream: str
    """`<workload>.<pacing>`."""


class Costs(NamedTuple):
    """What a cell cost."""

    events: int
    """In one request."""
    seconds: list[float]
    """CPU time of one request, a round."""


class Spread(NamedTuple):
    """Many figures in three."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        """Return the median, the lowest and the highest."""
        return cls(median(figures), min(figures), max(figures))


class CountsDiffer(Exception):
    """A peer did not see what was sent: its cost is no cost of the same work."""


def ratio(dividend: Costs, divisor: Costs, *, per_event: bool = False) -> Spread:
    """Return how often one cost contains another, round by round.

    Args:
        dividend: The cost above.
        divisor: The cost below.
        per_event: Whether the costs of an event are compared instead of those of a request.
    """
    scale = divisor.events / dividend.events if per_event else 1.0
    return Spread.of([above / below * scale for above, below in zip(dividend.seconds, divisor.seconds, strict=True)])


async def measure_rounds(
    base_url: str, cells: Sequence[Cell], rounds: int, say: Callable[[str], None] = lambda text: None
) -> dict[Cell, Costs]:
    """Measure every cell once a round.

    Args:
        base_url: Where the server is.
        cells: What is measured; their peers must be installed.
        rounds: How often.
        say: Where progress goes.

    Raises:
        CountsDiffer: A peer did not see the events and characters that were sent.
    """
    async with AsyncExitStack() as stack:
        readers = {
            name: await stack.enter_async_context(ADAPTERS[name].open(base_url))
            for name in dict.fromkeys(cell.adapter for cell in cells)
        }
        requests = {}
        for cell in cells:
            await read_checked(readers[cell.adapter], cell)
            seconds = await _cpu_time(readers[cell.adapter], cell, 1)
            requests[cell] = 1 if cell.stream.endswith(".live") else _requests(seconds)
        costs = {cell: Costs(_expected(cell).events or 0, []) for cell in cells}
        gc.collect()
        gc.freeze()
        try:
            for number in range(rounds):
                say(f"round {number + 1} of {rounds}")
                shift = number * 3 % len(cells)
                for cell in (*cells[shift:], *cells[:shift]):
                    gc.collect()
                    seconds = await _cpu_time(readers[cell.adapter], cell, requests[cell])
                    costs[cell].seconds.append(seconds / requests[cell])
        finally:
            gc.unfreeze()
    return costs


def _requests(seconds: float) -> int:
    return max(1, min(_MOST_REQUESTS, math.ceil(_MEASUREMENT_S / seconds)))


def _expected(cell: Cell) -> Seen:
    return make(cell.stream.rpartition(".")[0]).seen


async def _cpu_time(read: Read, cell: Cell, requests: int) -> float:
    start = time.process_time()
    for _ in range(requests):
        await read_checked(read, cell)
    return time.process_time() - start


async def read_checked(read: Read, cell: Cell) -> None:
    """Read a cell's stream once.

    Raises:
        CountsDiffer: The peer did not see the events and characters that were sent.
    """
    seen = await read(cell.stream)
    for name, found, sent in zip(Seen._fields, seen, _expected(cell), strict=True):
        if found is not None and found != sent:
            raise CountsDiffer(f"{cell.adapter} saw {found} {name} in {cell.stream}, {sent} were sent")
