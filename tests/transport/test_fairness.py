"""Others have their turn beside a loop that never has to wait."""

import asyncio

import pytest

from asyncstream.transport import fairness
from asyncstream.transport.fairness import Fairness


class Clock:
    now = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(fairness, "monotonic", lambda: clock.now)
    return clock


async def test_others_come_first_once_a_turn_has_lasted_long(clock: Clock) -> None:
    turns = Fairness()
    ran: list[float] = []
    asyncio.get_running_loop().call_soon(lambda: ran.append(clock.now))
    for clock.now in (0.01, 0.049, 0.05, 0.06):
        await turns.give_way()

    assert ran == [0.05]


async def test_turn_begins_anew_after_others_had_theirs(clock: Clock) -> None:
    turns = Fairness()
    clock.now = 0.05

    def others() -> None:
        clock.now = 1.0

    asyncio.get_running_loop().call_soon(others)
    await turns.give_way()
    ran: list[float] = []
    asyncio.get_running_loop().call_soon(lambda: ran.append(clock.now))
    clock.now = 1.04
    await turns.give_way()
    assert ran == []

    clock.now = 1.05
    await turns.give_way()
    assert ran == [1.05]
