"""A guard against regressions that does not flake: ratios within one process, at twice the target.

The targets themselves are judged in `benchmarks/`. CPU time of this process, after a warm-up, best of 3.
"""

import time
from collections.abc import Iterator

import pytest

from benchmarks.adapters import ADAPTERS, Read
from benchmarks.server import running
from benchmarks.workloads import make

pytestmark = pytest.mark.timing

MARGIN = 2


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running() as url:
        yield url


async def cost_of_event(read: Read, workload: str, requests: int) -> float:
    """CPU seconds an event."""
    seen = make(workload).seen
    start = time.process_time()
    for _ in range(requests):
        assert seen.events == (await read(f"{workload}.bulk")).events
    return (time.process_time() - start) / requests / (seen.events or 1)


async def test_raw_iteration_costs_little_more_than_the_bare_loop(base_url: str) -> None:
    async with (
        ADAPTERS["asyncstream raw"].open(base_url) as own,
        ADAPTERS["bare aiohttp + msgspec"].open(base_url) as bare,
    ):
        own_costs, bare_costs = [], []
        for _ in range(4):
            own_costs.append(await cost_of_event(own, "text-2000", 5))
            bare_costs.append(await cost_of_event(bare, "text-2000", 5))

    # The first round is the warm-up.
    assert min(own_costs[1:]) / min(bare_costs[1:]) <= 1.5 * MARGIN


@pytest.mark.parametrize("kind", ["text", "cited"])
@pytest.mark.parametrize("name", ["asyncstream raw", "asyncstream accumulating"])
async def test_event_costs_the_same_in_a_long_answer(base_url: str, name: str, kind: str) -> None:
    async with ADAPTERS[name].open(base_url) as read:
        short, long = [], []
        for _ in range(4):
            short.append(await cost_of_event(read, f"{kind}-2000", 10))
            long.append(await cost_of_event(read, f"{kind}-50000", 1))

    assert min(long[1:]) / min(short[1:]) <= 1.15 * MARGIN
