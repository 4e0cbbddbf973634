"""The answers before the one that a stream reads, and what went back for them: `Round`, `ToolResult`. Data only.

Made by the streams of protocols whose every request is an answer of its own; kept in `stream.rounds`.
"""

from typing import Generic, TypeVar

from msgspec import Struct

__all__ = ["Round", "ToolResult"]

S = TypeVar("S")
U = TypeVar("U")


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
    output: str


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
