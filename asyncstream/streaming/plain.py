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
    from asyncstream.events.alike import Numbered, Pattern

__all__ = ["FEW", "few_reader", "plain_reader", "read_text"]

E = TypeVar("E")

read_text: Final[Callable[[bytes], str]] = msgspec.json.Decoder(str).decode
"""Decodes one JSON string, and raises one of `decoding.STRICT_ERRORS` for anything else."""

_TRIES: Final = 16
"""How often a mould is looked for in vain, before no frame of the answer is: each may have an id of its own."""

FEW: Final = 12
"""How many frames come before a mould is looked for: a short answer never repays one, nor what looks for it."""

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


def plain_reader(wire: Wire[E], accumulator: Any, *, first: int = FEW) -> Callable[[bytes], E | None]:
    """Return what decodes plain frames and folds their events; for any other it gives None, and nothing is folded.

    Args:
        wire: How the protocol reads frames.
        accumulator: Where their events are folded; where the protocol has alike events, it `FoldsAlike`.
        first: How many are decoded before any is kept as a mould.
    """
    if wire.pattern_of is None:
        return _read_each(wire, accumulator.fold)
    return _read_alike(wire, wire.pattern_of, accumulator, first)


def few_reader(wire: Wire[E], accumulator: Any) -> Callable[[bytes], E | None]:
    """Return what does the same as `plain_reader`, frame by frame: what is cheaper for `FEW` of them."""
    return _read_each(wire, accumulator.fold)


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
    fold_numbered: Callable[[str, int], bool] = getattr(accumulator, "fold_numbered", _folds_none)
    make: Callable[..., E] | None = None
    head = middle = tail = b""
    front = back = texts = slice(0)
    numbered: Numbered[E] | None = None
    leads, number, stem, ends = False, 0, b"", [b""]
    tries = _TRIES
    served = 0

    def expect(count: int) -> None:
        """Let the frame that has a number, if frames have one, be like the mould."""
        nonlocal head, tail, front, back, texts, number, stem
        if numbered is not None:
            number = count
            tens = count // 10
            stem = numbered.before + (b"%d" % tens if tens else b"")
            if leads:
                head = stem + ends[count % 10]
            else:
                tail = stem + ends[count % 10]
        front, back = slice(len(head)), slice(-len(tail), None)
        # The quotes are part of both, and of the string.
        texts = slice(len(head) - 1, 1 - len(tail))

    def read(frame: bytes) -> E | None:
        nonlocal make, head, middle, tail, numbered, leads, number, ends, tries, served, first
        if make is not None and frame[front] == head and frame[back] == tail:
            try:
                if middle:
                    quoted, _, padded = frame[texts].partition(middle)
                    text, padding = read_text(quoted), read_text(padded)
                else:
                    text, padding = read_text(frame[texts]), None
            except STRICT_ERRORS:
                pass  # it may be mended
            else:
                served += 1
                if numbered is None:
                    alike = make(text, frame, padding)
                    folded = fold_alike(text)
                else:
                    alike = make(text, frame, padding, number)
                    folded = fold_numbered(text, number)
                    number += 1
                    unit = number % 10
                    if not unit:
                        expect(number)
                    elif leads:
                        head = stem + ends[unit]
                    else:
                        tail = stem + ends[unit]
                if not folded:
                    fold(alike)
                    expect_alike()
                return alike
        event = decode_plain(frame)
        if event is None:
            return None
        fold(event)
        if numbered is not None and (count := numbered.number_of(event)) is not None and count >= 0:
            expect(count + 1)
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
                head, middle, tail, make, numbered = mould
                if numbered is not None:
                    leads, number = numbered.leads, numbered.number
                    ends = [b"%d" % unit + numbered.after for unit in range(10)]
                expect(number + 1)
                expect_alike()
        else:
            # Looking whether the next is like it would be a twentieth of the cost of each.
            make = numbered = None
        return event

    return read


def _folds_none(_text: str, _number: int) -> bool:
    return False
