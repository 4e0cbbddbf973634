"""R15 in small: 1,000 streams in sequence, a fifth with faults; nothing grows, every stream ends as it should.

The full size is `python -m benchmarks.soak`.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.soak import FAULTS, growth

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="reads memory and descriptors from /proc"),
]


SOAK = """
import asyncio, json
from benchmarks.soak import growth, soak
{before}
found = asyncio.run(soak({streams}, {events}))
print(json.dumps([found.wrong, found.ends, found.streams, found.descriptors, found.tasks, growth(found.rss)]))
"""

LEAK = """
from asyncstream.streaming.cursor import Cursor
kept, end = [], Cursor._end_with
def leaky(stream, outcome, calls, **how):
    kept.append(bytearray(5000))
    end(stream, outcome, calls, **how)
Cursor._end_with = leaky
"""


def soaked(streams: int, events: int, before: str = "") -> list[Any]:
    """Soak in a process of its own: one that has run other tests has free memory in which a leak would not show."""
    program = SOAK.format(streams=streams, events=events, before=before)
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_memory_descriptors_and_tasks_stay_where_they_are():
    wrong, ends, streams, descriptors, tasks, grown = soaked(1000, 60)

    assert [] == wrong
    assert Counter(complete=800) + Counter(dict.fromkeys(FAULTS, 28)) <= Counter(ends)
    assert (1000, 1000) == (streams, sum(ends.values()))
    # One kept-alive connection at most is between two streams.
    assert max(descriptors) <= 2
    assert {0} == {*tasks}
    assert 0 == descriptors[-1]
    # 2 kB a stream; the full size has 20 times as many to show less.
    assert grown < 1_000_000


def test_a_leak_would_show():
    *_, grown = soaked(600, 30, LEAK)

    assert grown > 500_000


def test_growth_is_that_of_the_second_half():
    assert 0 == growth([1, 50, 100, 100, 100, 100])
    assert 300 == growth([1000, 1000, 1000, 1000, 0, 100, 200, 300])
    assert 0 == growth([5])
