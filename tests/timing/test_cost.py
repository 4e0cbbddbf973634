"""A guard against regressions that does not flake: ratios within one process, at twice the target.

The targets themselves are judged in `benchmarks/`. CPU time of this process, after a warm-up, best of 3.
"""

import time
from collections.abc import Iterator

import pytest

from benchmarks.adapters import ADAPTERS, PAGE_VIEWS, RELAY, Read
from benchmarks.imports import measure_import
from benchmarks.server import running
from benchmarks.steps import STREAMS, prepare
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
        # What pages read does not tell how many events there were.
        assert (await read(f"{workload}.bulk")).events in (None, seen.events)
    return (time.process_time() - start) / requests / (seen.events or 1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [*(("asyncstream raw", kind) for kind in ("text", "code")), ("asyncstream chat raw", "chat")],
)
async def test_raw_iteration_costs_little_more_than_the_bare_loop(base_url: str, name: str, kind: str) -> None:
    async with ADAPTERS[name].open(base_url) as own, ADAPTERS["bare aiohttp + msgspec"].open(base_url) as bare:
        own_costs, bare_costs = [], []
        for _ in range(4):
            own_costs.append(await cost_of_event(own, f"{kind}-2000", 5))
            bare_costs.append(await cost_of_event(bare, f"{kind}-2000", 5))

    # The first round is the warm-up.
    assert min(own_costs[1:]) / min(bare_costs[1:]) <= 1.5 * MARGIN


@pytest.mark.parametrize("kind", ["text", "chat", "response"])
@pytest.mark.parametrize("view", PAGE_VIEWS)
async def test_what_pages_read_costs_little_more_than_events(base_url: str, view: str, kind: str) -> None:
    async with ADAPTERS[f"{RELAY} {view}"].open(base_url) as pages, ADAPTERS[RELAY].open(base_url) as plain:
        page_costs, plain_costs = [], []
        for _ in range(4):
            page_costs.append(await cost_of_event(pages, f"{kind}-2000", 5))
            plain_costs.append(await cost_of_event(plain, f"{kind}-2000", 5))

    assert min(page_costs[1:]) / min(plain_costs[1:]) <= 1.5 * MARGIN


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("step", ["split", "fold", "push"])
def test_step_costs_the_same_in_a_long_answer(step: str, stream: str) -> None:
    # Without IO and decoding, what grows cannot hide behind what does not.
    short, long = prepare(step, stream, 2_000), prepare(step, stream, 50_000)
    short_costs, long_costs = [], []
    for _ in range(4):
        for do, repeats, deltas, costs in ((short, 10, 2_000, short_costs), (long, 1, 50_000, long_costs)):
            start = time.process_time()
            for _ in range(repeats):
                do()
            costs.append((time.process_time() - start) / repeats / deltas)

    assert min(long_costs[1:]) / min(short_costs[1:]) <= 1.15 * MARGIN


def test_import_is_quick() -> None:
    figure = measure_import(3)

    assert figure.value.low <= figure.limit * MARGIN


GROWING = [
    *((f"asyncstream {way}", kind) for way in ("raw", "accumulating") for kind in ("text", "cited", "code")),
    *((f"asyncstream chat {way}", kind) for way in ("raw", "accumulating") for kind in ("chat", "calls", "args")),
    *((f"{RELAY} {view}", kind) for view in PAGE_VIEWS for kind in ("text", "chat", "args", "response")),
]


@pytest.mark.parametrize(("name", "kind"), GROWING)
async def test_event_costs_the_same_in_a_long_answer(base_url: str, name: str, kind: str) -> None:
    async with ADAPTERS[name].open(base_url) as read:
        short, long = [], []
        for _ in range(4):
            short.append(await cost_of_event(read, f"{kind}-2000", 10))
            long.append(await cost_of_event(read, f"{kind}-50000", 1))

    assert min(long[1:]) / min(short[1:]) <= 1.15 * MARGIN
