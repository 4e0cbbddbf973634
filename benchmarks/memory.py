"""How much memory a stream needs at most, in multiples of its bytes: one huge event (P7), and a run of 50,000 deltas.

What Python allocates while the stream is read (`tracemalloc`, the highest point above the start), with the event held
by the stream and the consumer. The kernel's socket buffers are not in it.
"""

import gc
import tracemalloc

from benchmarks.adapters import ADAPTERS
from benchmarks.rounds import Spread
from benchmarks.targets import Figure
from benchmarks.workloads import make

__all__ = ["measure_memory"]


async def measure_memory(base_url: str, workload: str, rounds: int) -> Figure:
    """Read the workload's stream with asyncstream as many times."""
    size = make(workload).seen.bytes or 1
    multiples = []
    async with ADAPTERS["asyncstream raw"].open(base_url) as read:
        await read(f"{workload}.bulk")
        for _ in range(rounds):
            gc.collect()
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            await read(f"{workload}.bulk")
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            multiples.append((peak - before) / size)
    return Figure("P7", f"asyncstream raw, memory / bytes: {workload}", Spread.of(multiples), "x", "at most", 3)
