"""A guard for what a stream that runs its tools costs, at twice the target: see `test_cost`."""

import pytest

from benchmarks.tools import LIMIT, measure, serving

pytestmark = pytest.mark.timing

MARGIN = 2


async def test_a_round_costs_little_more_than_the_same_loop_by_hand() -> None:
    with serving() as url:
        ratios = await measure(url, turns=3)

    assert min(ratios) <= LIMIT * MARGIN
