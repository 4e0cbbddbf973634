"""Turns for the others: `Fairness`, for loops that may find all they want already here, and so never wait.

A million small events, or comments, may lie in the buffers of one connection. Whoever goes through them calls
`give_way` at places where nothing is lost if it is cancelled; mostly that costs one look at the clock.
"""

import asyncio
from time import monotonic
from typing import Final

__all__ = ["Fairness"]

_TURN: Final = 0.05
"""Seconds that a loop may go on: below what a person notices, far above what a turn of the event loop costs."""


class Fairness:
    """The turn of one loop."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = monotonic() + _TURN

    async def give_way(self) -> None:
        """Let all else that is due in the event loop go first, if this turn has lasted long."""
        if monotonic() >= self._until:
            await asyncio.sleep(0)
            self._until = monotonic() + _TURN
