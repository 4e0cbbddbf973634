"""The callbacks of a handler that are due: `DueCalls`, a queue that its stream fills and empties. Knows no stream.

Above it: `stream`, which asks the side of a handler (`Callbacks`) what is due, and runs it before it goes on.

Rule 1: a callback is taken from the queue before it is called, so that one that is cancelled is not repeated.
Rule 2: callbacks run one after the other, also when one of them closes its stream, or goes on with another answer.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, TypeVar

__all__ = ["Callbacks", "DueCallback", "DueCalls"]

E_contra = TypeVar("E_contra", contravariant=True)
C = TypeVar("C")

DueCallback: TypeAlias = Callable[[], Awaitable[object]]
"""A callback with its arguments."""


class Callbacks(Protocol[E_contra, C]):
    """What a stream needs of a handler: the callbacks that are due, in order."""

    def for_event(self, event: E_contra, changes: list[C]) -> list[DueCallback]:
        """Give the callbacks for an event and its changes."""
        ...

    def for_changes(self, changes: list[C]) -> list[DueCallback]:
        """Give the callbacks for changes that no event brought: the closing ones."""
        ...

    def for_failure(self, error: Exception) -> list[DueCallback]:
        """Give the callbacks for an error, without the end."""
        ...

    def for_end(self) -> list[DueCallback]:
        """Give the callback for the end."""
        ...


class DueCalls(deque[DueCallback]):
    """The callbacks that are due.

    A deque, because it is looked into at every event: its truth must not be a call.
    """

    __slots__ = ("running",)

    def __init__(self) -> None:
        super().__init__()
        self.running = False
        """Whether one of them is being awaited."""

    async def run(self, fail: Callable[[Exception], None]) -> None:
        """Await all that is due; inside a callback do nothing, as the run that awaits that one goes on with the rest.

        Args:
            fail: Is given what a callback raised. It ends the stream, and what is due at its end is awaited too.

        Raises:
            Exception: What the first callback raised that did, once nothing is due any more.
        """
        if not self or self.running:
            return
        self.running = True
        raised: Exception | None = None
        try:
            while self:
                callback = self.popleft()
                try:
                    await callback()
                except Exception as error:
                    raised = raised or _passable(error)
                    fail(raised)
        finally:
            self.running = False
        if raised is not None:
            raise raised

    async def run_last(self, fail: Callable[[Exception], None], cancelled: asyncio.CancelledError | None) -> None:
        """Await all that is due at the end, whatever comes: there may be no other occasion.

        Args:
            fail: As for `run`.
            cancelled: The cancellation that led here, if one did. It, or one that comes meanwhile, goes on at the end.
        """
        try:
            while self and not self.running:
                try:
                    await self.run(fail)
                except asyncio.CancelledError as error:
                    cancelled = error
        except Exception as error:
            if cancelled is None:
                raise
            cancelled.add_note(f"a callback has failed besides: {error!r}")
        if cancelled is not None:
            raise cancelled


def _passable(error: Exception) -> Exception:
    if not isinstance(error, StopAsyncIteration):
        return error
    # Let through, it would end the user's loop as if the answer were complete.
    passable = RuntimeError("a callback raised StopAsyncIteration")
    passable.__cause__ = error
    return passable
