"""The answers before the one that a stream reads, and what went back for them: `Round`, `ToolResult`. Data only.

Made by the streams of protocols whose every request is an answer of its own; kept in `stream.rounds`.
"""

from typing import Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from asyncstream.tools.content import Output

__all__ = ["Round", "Status", "ToolResult"]

S = TypeVar("S")
U = TypeVar("U")


Status: TypeAlias = Literal[
    "returned", "failed", "invalid", "unknown", "timed_out", "refused", "cancelled", "lost", "unrun"
]
"""How a call ended: it returned, raised, its arguments do not fit, there is no such tool, its deadline passed, it was
not allowed, it was left, its process ended while it ran, or it never ran."""


class ToolResult(Struct, kw_only=True, frozen=True):
    """What went back for one call."""

    round: int
    """The number of the round whose answer made the call."""
    place: int
    """The place of the call in that answer, from 0."""
    id: str
    """The id under which it was answered."""
    name: str
    """The tool that was called; "" where that is not known."""
    output: Output
    """What the model was told; "" before the call has ended."""
    status: Status | None = "returned"
    """How it ended; None before that."""
    elapsed: float = 0.0
    """Seconds that the function took."""
    value: object = None
    """What the function returned; None after the state of a loop was kept elsewhere."""
    error: BaseException | None = None
    """What it raised."""


class Round(Struct, Generic[S, U], kw_only=True, frozen=True):
    """One answer of the model, and the results that went back for it."""

    number: int
    """From 1."""
    snapshot: S
    """The answer, whole."""
    results: list[ToolResult]
    """In the order of the calls."""
    request_id: str | None
    """The `x-request-id` of its response."""
    usage: U | None
    """None where the server told none."""
