"""How much memory a stream needs at most, in multiples of its bytes: one huge event (P7), and a run of 50,000 deltas.

And a response with a picture in one event, and once more at its end: nothing is asked of it yet.

What Python allocates while the stream is read (`tracemalloc`, the highest point above the start), with the event held
by the stream and the consumer. The kernel's socket buffers are not in it.
"""

import gc
import tracemalloc

from benchmarks.adapters import ADAPTERS
from benchmarks.rounds import Spread
from benchmarks.targets import Figure
from benchmarks.workloads import make, protocol_of

__all__ = ["measure_memory"]


_READERS = {"assistants": ("asyncstream raw", 3), "responses": ("asyncstream responses raw", None)}
"""Protocol -> what reads its streams, and how many multiples are allowed."""


async def measure_memory(base_url: str, workload: str, rounds: int) -> Figure:
    """Read the workload's stream with asyncstream as many times."""
    adapter, limit = _READERS[protocol_of(workload)]
    size = make(workload).seen.bytes or 1
    multiples = []
    async with ADAPTERS[adapter].open(base_url) as read:
        await read(f"{workload}.bulk")
        for _ in range(rounds):
            gc.collect()
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            await read(f"{workload}.bulk")
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            multiples.append((peak - before) / size)
    return Figure("P7", f"{adapter}, memory / bytes: {workload}", Spread.of(multiples), "x", "at most", limit)
