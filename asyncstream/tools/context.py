"""What a tool may ask for, say and answer besides its result: `ToolContext`, `ToolFailed`, `Refused`, `Later`. Pure.

Made by whoever runs tools (`streaming.tool_runner`), seen by the functions of users.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from asyncstream.tools.calls import AnyToolCall, Stopping

__all__ = ["Later", "Refused", "ToolContext", "ToolFailed"]

D = TypeVar("D")


class ToolContext(Generic[D]):
    """What a function is given for a parameter of this type, which is not in its schema: `context: ToolContext[Shop]`.

    Attributes:
        deps: What `Tools(deps=...)` has.
        call: The call that is answered.
        stopping: Set at the deadline of the call and when the stream is left; for functions in threads, which cannot be
            cancelled.
    """

    __slots__ = ("_report", "call", "deps", "stopping")

    def __init__(self, deps: D, call: "AnyToolCall", stopping: "Stopping", report: Callable[[object], None]) -> None:
        self.deps = deps
        self.call = call
        self.stopping = stopping
        self._report = report

    def report(self, progress: object) -> None:
        """Tell how far it is: a `ToolResultChanged` with this as its delta. From any thread; ignored after the end."""
        self._report(progress)


class ToolFailed(Exception):
    """Raised by a tool: its words are what the model is told of the failure."""


class Refused(Struct, frozen=True):
    """Answered by `Tools.approve`: the call does not run, and the model is told why."""

    reason: str


class Later(Struct, frozen=True):
    """Answered by `Tools.approve`: nobody knows yet. The call stays open, and the stream ends with it pending."""
