"""Turns for the others: `Fairness`, for loops that may find all they want already here, and so never wait.

A million small events, or comments, may lie in the buffers of one connection. Whoever goes through them calls
`give_way` at places where nothing is lost if it is cancelled; mostly that costs one look at the clock. What cannot wait
where it works asks `over`, and leaves the rest to its caller. Whoever has really waited calls `begin`, or sets `waited`
before.
"""

import asyncio
from time import monotonic
from typing import Final

__all__ = ["Fairness"]

_TURN: Final = 0.05
"""Seconds that a loop may go on: below what a person notices, far above what a turn of the event loop costs."""


class Fairness:
    """The turn of one loop."""

    __slots__ = ("_until", "waited")

    waited: bool
    """Set it before a real wait: the turn then begins at the first look at the clock after it."""

    def __init__(self) -> None:
        self.waited = False
        self.begin()

    def begin(self) -> None:
        """Begin a turn: all else has just had its own."""
        self._until = monotonic() + _TURN

    def over(self) -> bool:
        """Tell whether this turn has lasted long enough."""
        if self.waited:
            self.waited = False
            self.begin()
        return monotonic() >= self._until

    async def give_way(self) -> None:
        """Let all else that is due in the event loop go first, if this turn is over. Cancelled, it still is."""
        if self.over():
            await asyncio.sleep(0)
            self.begin()
