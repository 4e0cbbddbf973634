"""What a relay says of a tool loop between the events of its answers: `ToolResultEvent`, `RoundEvent`. Pure.

They are this package's own, in every protocol: no server sends them. Written by `relay.entries`, read by
`relay.following`.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from asyncstream.events.wire import Decoded, Decoding, Wire

__all__ = ["LoopEvent", "RelayedRound", "RelayedToolResult", "RoundEvent", "ToolResultEvent", "with_loop_events"]

E = TypeVar("E")


class RelayedToolResult(Struct, kw_only=True, frozen=True):
    """What came of a call, as far as a relay tells it."""

    round: int
    """The number of the answer that made the call, from 1."""
    place: int
    """Its place in that answer, from 0."""
    id: str = ""
    name: str = ""
    status: str | None = None
    """How it ended: "returned", "failed", ..."""
    output: Any = ""
    """What the model was told: text, or a list of parts; "" of a tool that is private."""
    elapsed: float = 0.0
    """Seconds that the function took."""


class RelayedRound(Struct, kw_only=True, frozen=True):
    """An answer that has its results."""

    round: int
    """Its number, from 1."""
    stop: str | None = None
    """Why no other answer follows; None if one does."""


class ToolResultEvent(Struct, frozen=True, tag_field="event", tag="asyncstream.tool"):
    """A call has its result."""

    event: ClassVar[Literal["asyncstream.tool"]] = "asyncstream.tool"
    type: ClassVar[Literal["asyncstream.tool"]] = "asyncstream.tool"
    data: RelayedToolResult


class RoundEvent(Struct, frozen=True, tag_field="event", tag="asyncstream.round"):
    """An answer has its results; what follows is of the next."""

    event: ClassVar[Literal["asyncstream.round"]] = "asyncstream.round"
    type: ClassVar[Literal["asyncstream.round"]] = "asyncstream.round"
    data: RelayedRound


LoopEvent: TypeAlias = ToolResultEvent | RoundEvent

_PREFIX: Final = b"event: asyncstream."
_TOOL: Final = b"event: asyncstream.tool\ndata: "
_ROUND: Final = b"event: asyncstream.round\ndata: "


def with_loop_events(wire: Wire[E], *, given: bool) -> Wire[Any]:
    """Return how a protocol reads frames among which are those of a loop.

    Args:
        wire: How it reads its own.
        given: Whether those of a loop are given; else they are left out.
    """

    def decode_frame(frame: bytes) -> Decoded[Any]:
        if not frame.startswith(_PREFIX):
            return wire.decode_frame(frame)
        return _decoded(frame) if given else ()

    def decode_long(frames: list[bytes]) -> Decoding[Any]:
        if not frames[0].startswith(_PREFIX):
            return wire.decode_long(frames)
        frame = frames.pop(0)
        return iter(_decoded(frame) if given else ())

    return Wire(
        decode_frame=decode_frame,
        decode_data=wire.decode_data,
        decode_plain=wire.decode_plain,
        decode_long=decode_long,
        relayed=wire.relayed,
        withheld=wire.withheld,
        understood=wire.understood,
        keeps_payloads=wire.keeps_payloads,
        max_event_bytes=wire.max_event_bytes,
    )


def _decoded(frame: bytes) -> Sequence[LoopEvent]:
    try:
        if frame.startswith(_TOOL):
            return (ToolResultEvent(msgspec.json.decode(frame[len(_TOOL) :], type=RelayedToolResult)),)
        if frame.startswith(_ROUND):
            return (RoundEvent(msgspec.json.decode(frame[len(_ROUND) :], type=RelayedRound)),)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # A later version may say it otherwise: what is not understood is no event, as of any that nobody knows.
        pass
    return ()
