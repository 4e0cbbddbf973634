"""R14 in small: many streams at once, idle and paced; the server and the client are processes of their own.

The full size is `python -m benchmarks.streams`.
"""

import sys

import pytest

from benchmarks import streams

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="reads memory and descriptors from /proc"),
]


def test_idle_streams_are_small_none_is_lost_and_every_descriptor_is_closed():
    memory, lost, descriptors = streams.p11(1000)

    assert memory.value.median < 40
    assert (0, 0) == (lost.value.median, descriptors.value.median)


def test_paced_streams_give_every_event_and_stay_small():
    ratio, memory, late = streams.p10(200, 40, rounds=1)

    assert memory.value.median < 100
    # What a busy machine allows; P10 itself asks for 1 s and 1.5x.
    assert late.value.median < 5
    assert ratio.value.median < 3


def test_more_streams_than_descriptors_is_a_clear_error():
    with pytest.raises(streams.TooFewDescriptors, match=r"1000000100 descriptors are needed, the hard limit is \d+"):
        streams.p11(1_000_000_000)
