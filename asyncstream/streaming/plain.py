"""From a plain frame to its folded event in one step, at a third of the cost where the frame is like one before it.

What an answer consists of are deltas that differ in one text: of the frames that came, one is kept as a mould
(`events.alike`), and what has its head and its tail is neither decoded nor looked at again by the fold: the event is
copied, and the accumulator gets the text alone. All else is decoded and folded, and becomes the mould if it can.

Below it: `events`, `accumulators`. Above it: `reading`, which has one of these for each answer.

Rule: nobody can tell from an event or a snapshot which way it came.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import msgspec

from asyncstream.decoding import STRICT_ERRORS
from asyncstream.events.wire import Wire

if TYPE_CHECKING:
    from asyncstream.events.alike import Pattern

__all__ = ["plain_reader", "read_text"]

E = TypeVar("E")

read_text: Final[Callable[[bytes], str]] = msgspec.json.Decoder(str).decode
"""Decodes one JSON string, and raises one of `decoding.STRICT_ERRORS` for anything else."""

_TRIES: Final = 16
"""How often a mould is looked for in vain, before no frame of the answer is: each may have a number of its own."""

_FIRST: Final = 12
"""How many frames come before a mould is looked for: a short answer never repays one."""

_WORTH: Final = 8
"""How many frames like it make a mould worth what finding one costs."""


if TYPE_CHECKING:

    class FoldsAlike(Protocol):
        """What is needed of the accumulator of a protocol that has alike events."""

        def fold(self, event: Any) -> None:
            """Fold an event, without building its changes."""
            ...

        def expect_alike(self) -> None:
            """Let `fold_alike` say that the last event has come again, with another text, until another is folded."""
            ...

        def fold_alike(self, text: str) -> bool:
            """Fold the last event with another text; return False, and fold nothing, if that must be folded whole."""
            ...


def plain_reader(wire: Wire[E], accumulator: Any, *, first: int = _FIRST) -> Callable[[bytes], E | None]:
    """Return what decodes plain frames and folds their events; for any other it gives None, and nothing is folded.

    Args:
        wire: How the protocol reads frames.
        accumulator: Where their events are folded; where the protocol has alike events, it `FoldsAlike`.
        first: How many are decoded before any is kept as a mould.
    """
    if wire.pattern_of is None:
        return _read_each(wire, accumulator.fold)
    return _read_alike(wire, wire.pattern_of, accumulator, first)


def _read_each(wire: Wire[E], fold: Callable[[E], None]) -> Callable[[bytes], E | None]:
    decode_plain = wire.decode_plain

    def read(frame: bytes) -> E | None:
        event = decode_plain(frame)
        if event is not None:
            fold(event)
        return event

    return read


def _read_alike(
    wire: Wire[E], pattern_of: "Callable[[E], Pattern[E] | None]", accumulator: "FoldsAlike", first: int
) -> Callable[[bytes], E | None]:
    # A function over variables of its own: they are looked at for every event, and as attributes would cost twice that.
    decode_plain = wire.decode_plain
    fold, fold_alike, expect_alike = accumulator.fold, accumulator.fold_alike, accumulator.expect_alike
    make: Callable[[str, bytes, str | None], E] | None = None
    head = middle = tail = b""
    head_size = tail_start = start = end = 0
    tries = _TRIES
    served = 0

    def read(frame: bytes) -> E | None:
        nonlocal make, head, middle, tail, head_size, tail_start, start, end, tries, served, first
        if make is not None and frame[:head_size] == head and frame[tail_start:] == tail:
            try:
                if middle:
                    quoted, _, padding = frame[start:end].partition(middle)
                    text = read_text(quoted)
                    alike = make(text, frame, read_text(padding))
                else:
                    text = read_text(frame[start:end])
                    alike = make(text, frame, None)
            except STRICT_ERRORS:
                pass  # it may be mended
            else:
                served += 1
                if not fold_alike(text):
                    fold(alike)
                    expect_alike()
                return alike
        event = decode_plain(frame)
        if event is None:
            return None
        fold(event)
        if served:
            # The next one may be like the others again.
            tries = _TRIES if served >= _WORTH else tries
            served = 0
        elif first:
            first -= 1
        elif tries:
            tries -= 1
            from asyncstream.events.alike import find_mould  # a short answer needs none

            mould = find_mould(frame, event, pattern_of, decode_plain)
            if mould is not None:
                head, middle, tail, make = mould
                # The quotes are part of both, and of the string.
                head_size, tail_start = len(head), -len(tail)
                start, end = head_size - 1, tail_start + 1
                expect_alike()
        else:
            # Looking whether the next is like it would be a twentieth of the cost of each.
            make = None
        return event

    return read
