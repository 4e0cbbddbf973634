"""The text in which the deltas of a response differ: of a part, of what a call is given, of sound. Pure; see `alike`.

OpenAI counts the events of a response, and pads deltas (`obfuscation`) unless it is asked not to; others do neither.
"""

from operator import attrgetter
from typing import Any, Final

from msgspec.structs import replace

from asyncstream.events.alike import Pattern, holds_only_plain
from asyncstream.events.named import TaggedEvent

__all__ = ["pattern_of"]

_OF_EACH: Final = ("logprobs", "raw", "repairs")
"""What two events must not share; of the first and the last, one that is like others has nothing."""


def pattern_of(event: Any) -> Pattern[Any] | None:
    """Tell in which text others may differ from an event: one whose `delta` is a text."""
    names = event.__struct_fields__
    if not isinstance(event, TaggedEvent) or "delta" not in names or not holds_only_plain(event, _OF_EACH):
        return None
    if event.repairs or getattr(event, "logprobs", None):
        return None
    # A copy: the event is its reader's, who may change it.
    event = replace(event)
    payload: slice | None = None

    def make(piece: str, frame: bytes, padding: str | None, number: int | None = None) -> Any:
        nonlocal payload
        if payload is None:
            # It is the same in each: all have one head.
            payload = slice(frame.index(b"{"), None)
        return replace(event, delta=piece, raw=frame[payload], obfuscation=padding, sequence_number=number)

    def make_with_list(piece: str, frame: bytes, padding: str | None, number: int | None = None) -> Any:
        nonlocal payload
        if payload is None:
            payload = slice(frame.index(b"{"), None)
        raw = frame[payload]
        return replace(event, delta=piece, raw=raw, obfuscation=padding, sequence_number=number, logprobs=[])

    return Pattern(
        b"delta",
        make_with_list if "logprobs" in names else make,
        None if event.obfuscation is None else b"obfuscation",
        None if event.sequence_number is None else b"sequence_number",
        attrgetter("sequence_number"),
    )
