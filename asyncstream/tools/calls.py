"""What the calls of all protocols have in common, as types: which function, with what, until when. No code."""

import builtins
from typing import Protocol, TypeVar, overload

__all__ = ["AnyToolCall", "FunctionCallLike", "Stopping"]

T = TypeVar("T")


class FunctionCallLike(Protocol):
    """A call of a function, in whichever protocol it came: all that decoding its arguments takes."""

    @property
    def name(self) -> str:
        """The function's."""
        ...

    @property
    def arguments(self) -> str:
        """JSON text, as the model wrote it."""
        ...


class AnyToolCall(FunctionCallLike, Protocol):
    """A call that is answered under its id."""

    @property
    def id(self) -> str:
        """Made up where the wire gave none."""
        ...

    @overload
    def parse(self) -> dict[str, object]: ...

    @overload
    def parse(self, target: builtins.type[T]) -> T: ...

    def parse(self, target: builtins.type[object] = ...) -> object:
        """Decode the arguments; without a type, into a plain dict."""
        ...

    def arguments_as(self, target: builtins.type[T]) -> T:
        """Decode the arguments into a type."""
        ...


class Stopping(Protocol):
    """Tells a tool that nobody waits for it any more: a `threading.Event`."""

    def is_set(self) -> bool:
        """Return True once the deadline of the call has passed, or the stream was left."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for that, in a thread; True once it is so, False after so many seconds."""
        ...
