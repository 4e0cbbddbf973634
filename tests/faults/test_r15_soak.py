"""R15 in small: 1,000 streams in sequence, a fifth with faults; nothing grows, every stream ends as it should.

The full size is `python -m benchmarks.soak`.
"""

import sys
from collections import Counter

import pytest

from asyncstream.streaming.stream import Stream
from benchmarks.soak import FAULTS, growth, soak

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="reads memory and descriptors from /proc"),
]


async def test_memory_descriptors_and_tasks_stay_where_they_are():
    found = await soak(1000, 60)

    assert [] == found.wrong
    assert Counter(complete=800) + Counter(dict.fromkeys(FAULTS, 28)) <= found.ends
    assert (1000, 1000) == (found.streams, found.ends.total())
    # One kept-alive connection at most is between two streams.
    assert max(found.descriptors) <= 2
    assert {0} == {*found.tasks}
    assert 0 == found.descriptors[-1]
    # 2 kB a stream; the full size has 20 times as many to show less.
    assert growth(found.rss) < 1_000_000


async def test_a_leak_would_show(monkeypatch):
    kept = []
    end = Stream._end_with

    def leaky(stream, outcome, calls):
        kept.append(bytearray(5000))
        end(stream, outcome, calls)

    monkeypatch.setattr(Stream, "_end_with", leaky)
    found = await soak(600, 30)

    assert growth(found.rss) > 500_000


def test_growth_is_that_of_the_second_half():
    assert 0 == growth([1, 50, 100, 100, 100, 100])
    assert 300 == growth([1000, 1000, 1000, 1000, 0, 100, 200, 300])
    assert 0 == growth([5])
