"""Other ways to look along a stream's cursor: `View`, the iterator behind `changes` and `text_deltas`.

It moves the cursor of `stream` and derives what it gives from the changes; it keeps nothing that the stream does not
own, so that dropping a view, or taking another, loses nothing.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from asyncstream.streaming.stream import Stream

__all__ = ["View"]

C = TypeVar("C")
T = TypeVar("T")


class View(Generic[C, T]):
    """An async iterator over something else than events, derived from the changes as the cursor moves.

    All views of a stream and the stream itself share its cursor: what the cursor has passed in one view does not come
    again in another. Cancelling a step loses nothing.
    """

    __slots__ = ("_derive", "_left", "_stream")

    def __init__(self, stream: "Stream[Any, C, Any]", name: str, derive: Callable[[list[C]], Iterable[T]]) -> None:
        self._stream = stream
        self._derive = derive
        # Kept by the stream, so that a second `async for` goes on where the first one broke off.
        self._left: ViewState[C, T] = stream._views.setdefault(name, ViewState())
        stream._tell_changes()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        stream, left = self._stream, self._left
        while not left.items or left.source is not stream._changes:
            try:
                await stream.__anext__()
            except StopAsyncIteration:
                # The closing changes come without an event.
                if left.source is stream._changes:
                    raise
            left.source = stream._changes
            left.items = deque(self._derive(left.source))
        return left.items.popleft()


class ViewState(Generic[C, T]):
    """What a view has derived and not handed out yet, and from which changes."""

    __slots__ = ("items", "source")

    def __init__(self) -> None:
        self.items: deque[T] = deque()
        self.source: list[C] | None = None
