"""Other ways to look along a stream's cursor: `View`, the iterator behind `changes` and `text_deltas`.

It moves the cursor of a stream, which it knows as `Steps` only, and derives what it gives from the changes. It keeps
nothing that the stream does not own, so that dropping a view, or taking another, loses nothing.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, Self, TypeAlias, TypeVar

__all__ = ["View"]

C = TypeVar("C")
T = TypeVar("T")

Derive: TypeAlias = Callable[[list[C]], Iterable[T]]
"""Gives what a view shows of the changes of one step."""


class Steps(Protocol[C]):
    """What a view needs of the cursor of a stream."""

    @property
    def last_changes(self) -> list[C]:
        """The changes of the step that was made last; another list for each step."""
        ...

    def advance_at_once(self) -> bool:
        """Move to the next event, if that takes no waiting; return False, and do nothing, if `advance` is needed."""
        ...

    async def advance(self) -> object:
        """Move to the next event, or to changes that come without one. Cancelling it loses nothing.

        Raises:
            StopAsyncIteration: The stream is at its end.
        """
        ...


class View(Generic[C, T]):
    """An async iterator over something else than events, derived from the changes as the cursor moves.

    All views of a stream and the stream itself share its cursor: what the cursor has passed in one view does not come
    again in another. Cancelling a step loses nothing.
    """

    __slots__ = ("_cursor", "_state")

    def __init__(self, cursor: Steps[C], state: "ViewState[C, T]") -> None:
        self._cursor = cursor
        self._state = state

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        cursor, state = self._cursor, self._state
        while not state.items or state.source is not cursor.last_changes:
            if not cursor.advance_at_once():
                await cursor.advance()
            state.source = cursor.last_changes
            state.items = deque(state.derive(state.source))
        return state.items.popleft()

    async def take(self) -> Iterable[T]:
        """Return all that is left of a step, or what the next one shows, if it shows anything. For relays.

        Raises:
            StopAsyncIteration: The stream is at its end.
        """
        cursor, state = self._cursor, self._state
        if state.items and state.source is cursor.last_changes:
            left, state.items = state.items, deque()
            return left
        if not cursor.advance_at_once():
            await cursor.advance()
        return state.derive(cursor.last_changes)


class ViewState(Generic[C, T]):
    """What a view has derived and not handed out yet, and from which changes.

    Kept by the stream, so that a second `async for` goes on where the first one broke off.
    """

    __slots__ = ("derive", "items", "source")

    def __init__(self, derive: Derive[C, T]) -> None:
        self.derive = derive
        self.items: deque[T] = deque()
        self.source: list[C] | None = None
