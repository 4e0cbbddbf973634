"""Each step of reading a stream, timed by itself, so that a regression can be bisected to the step and the kind.

What is measured: wall time of one step (`benchmarks.steps` says which) over a prepared stream of 1,000 deltas and its
opening events, without IO. Held constant: the bytes, a warm-up, pytest-benchmark's calibration and its garbage
collector switched off. Times drift with the machine: compare two runs made one after the other, or count instructions
(`python -m benchmarks.step_counts`).

    python -m pytest benchmarks/micro --benchmark-group-by=func --benchmark-columns=min,median,ops

    python -m pytest benchmarks/micro --benchmark-save=good         # where all was well, then, to find what was not:
    git bisect run python -m pytest benchmarks/micro -k fold-cited --benchmark-compare --benchmark-compare-fail=min:20%
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.steps import STEPS, STREAMS, prepare

DELTAS = 1000


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("step", STEPS)
def test_step(benchmark: BenchmarkFixture, step: str, stream: str) -> None:
    do = prepare(step, stream, DELTAS)
    do()
    benchmark.extra_info["deltas"] = DELTAS

    benchmark(do)
