"""The window of a run: entries by their ids, the newest of them, and who waits for more."""

import asyncio
import sys
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncstream.relay import Entry
from asyncstream.relay.log.window import Window


def entries(*ids: int, size: int = 1) -> list[Entry]:
    return [Entry(id, "said", b"x" * size) for id in ids]


def test_entries_are_found_by_their_ids() -> None:
    window = Window(after=7)
    assert (0, None, []) == (len(window), window.get(7), window.after(7, 5))
    window.add(entries(8, 9))
    window.add(entries(10))

    assert (8, 10, 3) == (window.first, window.last, len(window))
    assert [None, *entries(8, 9, 10), None] == [window.get(id) for id in (7, 8, 9, 10, 11)]
    assert entries(9, 10) == window.after(8, 5)
    assert entries(9) == window.after(8, 1)
    assert [] == window.after(10, 5)


def test_the_newest_entry_stays_whatever_its_size() -> None:
    window = Window()
    window.add(entries(1, 2, 3, size=5_000))
    window.trim(2, 100)

    assert (3, 3, 1) == (window.first, window.last, len(window))
    assert [None, None, *entries(3, size=5_000)] == [window.get(id) for id in (1, 2, 3)]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9), st.integers(200, 2_000)), max_size=30))
def test_it_is_a_list_that_is_cut_at_its_front(steps: list[tuple[int, int, int]]) -> None:
    window, expected, numbers = Window(), list[Entry](), count(1)
    for added, max_events, max_bytes in steps:
        more = [Entry(next(numbers), "", b"x" * added) for _ in range(added)]
        window.add(more)
        expected += more
        window.trim(max_events, max_bytes)
        while len(expected) > 1 and (len(expected) > max_events or _size(expected) > max_bytes):
            del expected[0]

        assert expected == window.after(window.first - 1, 1_000)
        assert (len(expected), _size(expected)) == (len(window), window.bytes)
        assert expected == [window.get(one.id or 0) for one in expected]
        assert window.get(window.first - 1) is None


def _size(kept: list[Entry]) -> int:
    return sum(len(one.data) + len(one.event) + 200 for one in kept)


def test_what_was_dropped_is_let_go_at_once() -> None:
    window = Window()
    data = b"x" * 5_000
    before = sys.getrefcount(data)
    window.add([Entry(1, "", data)])
    window.add(entries(*range(2, 12)))
    assert before + 1 == sys.getrefcount(data)
    # Too few to be cut off the list.
    window.trim(10, 1 << 20)

    assert before == sys.getrefcount(data)
    assert entries(2) == window.after(1, 1)


async def test_whoever_waits_is_woken_by_the_next_entry() -> None:
    window = Window()
    waiting = [asyncio.create_task(window.changed()) for _ in range(3)]
    await asyncio.sleep(0)
    assert 3 == window.waiting
    window.add(entries(1))
    await asyncio.gather(*waiting)

    assert 0 == window.waiting


async def test_whoever_is_cancelled_waits_no_more() -> None:
    window = Window()
    for _ in range(5):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(window.changed(), 0.001)

    assert 0 == window.waiting
