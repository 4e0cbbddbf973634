"""Events that are alike but for one text, as nearly all of an answer are: copied from one of them, not decoded. Pure.

Of such a frame the bytes before and after the text are those of an earlier frame, and what is left is one JSON string:
so its event is that frame's with another text. A copy costs half of what decoding it all again does. Some servers add
padding that hides how long the text is: it is a second string that may differ. Some count their events: then the next
number is part of what must be the same. Which texts of a protocol these are, its `*_alike` file says; who keeps a
mould, and tries it on each frame, is `streaming.plain`.

Rule 1: a mould is handed out after it was tried: the frame, with a text that nobody sends in the place of its own and
the next number, was decoded, and gave what the mould makes of these.
Rule 2: each event has structs and lists of its own, whatever its reader does with those of another.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

from msgspec import Struct

__all__ = ["PLAIN", "Mould", "Pattern", "find_mould", "holds_only_plain"]

E = TypeVar("E")

_TRIAL: Final = "\N{REFERENCE MARK} trial"
_TRIAL_PADDING: Final = "\N{REFERENCE MARK} padding"

PLAIN: Final = frozenset({type(None), bool, int, str})
"""The types of what two events may share."""


class Pattern(NamedTuple, Generic[E]):
    """An event of which others may differ in one text alone."""

    key: bytes
    """The wire's name of the member that the text is."""
    make: Callable[..., E]
    """Makes the event with another text, given the frame that this came in, and its padding; and then its number, if it
    has one."""
    padding: bytes | None = None
    """The wire's name of the member that is padding; None: the event has none."""
    number: bytes | None = None
    """The wire's name of the member that counts events; None: the event has none."""
    number_of: Callable[[E], int | None] | None = None
    """Gives the number of an event, where there may be one."""


class Numbered(NamedTuple, Generic[E]):
    """How the head of a mould goes with a number, or the tail, if the number comes behind the text."""

    leads: bool
    """Whether it is the head."""
    before: bytes
    """What stands there before the number."""
    after: bytes
    number: int
    """That of the frame."""
    number_of: Callable[[E], int | None]
    """Gives the number of an event."""


class Mould(NamedTuple, Generic[E]):
    """What frames have in common that are alike, and what makes their events."""

    head: bytes
    """All that stands before the text, its opening quote included: no blank can come between."""
    middle: bytes
    """All that stands between the text and the padding, without the quotes of these; b"" if there is no padding."""
    tail: bytes
    """All that stands after these, from a closing quote on."""
    make: Callable[..., E]
    """Makes the event of a text, its frame and its padding; and of its number, if it has one."""
    numbered: Numbered[E] | None = None
    """None: its events have no number."""


def find_mould(
    frame: bytes, event: E, pattern_of: Callable[[E], Pattern[E] | None], decode: Callable[[bytes], E | None]
) -> Mould[E] | None:
    """Find the mould that a frame came out of; None if others that are like it cannot be told by their bytes.

    Args:
        frame: The frame.
        event: What it was decoded to.
        pattern_of: Tells in which text others may differ from an event; None: in more than that.
        decode: Decodes such frames.
    """
    pattern = pattern_of(event)
    if pattern is None:
        return None
    text = last = _string_at(pattern.key, frame)
    if text is None or last is None:
        return None
    middle, trial, padding = b"", _TRIAL.encode(), None
    if pattern.padding is not None:
        last = _string_at(pattern.padding, frame)
        if last is None or last.start < text.stop:
            return None
        between = frame[text.stop : last.start]
        middle, padding = between[1:-1], _TRIAL_PADDING
        trial += between + _TRIAL_PADDING.encode()
    head, tail = frame[: text.start], frame[last.stop :]
    if pattern.number is None:
        trial = head + trial + tail
        made = pattern.make(_TRIAL, trial, padding)
        return Mould(head, middle, tail, pattern.make) if decode(trial) == made else None
    numbered = _numbered(frame, event, pattern, text, last)
    if numbered is None:
        return None
    number = numbered.number + 1
    counted = numbered.before + b"%d" % number + numbered.after
    trial = counted + trial + tail if numbered.leads else head + trial + counted
    made = pattern.make(_TRIAL, trial, padding, number)
    return Mould(head, middle, tail, pattern.make, numbered) if decode(trial) == made else None


def _numbered(frame: bytes, event: E, pattern: Pattern[E], text: slice, last: slice) -> Numbered[E] | None:
    """Return how a frame is numbered; None if its number stands between its texts, or cannot be told by its bytes."""
    assert pattern.number is not None
    assert pattern.number_of is not None
    digits, number = _digits_at(pattern.number, frame), pattern.number_of(event)
    if digits is None or number is None or text.start < digits.start < last.stop:
        return None
    leads = digits.start < text.start
    before = frame[0 if leads else last.stop : digits.start]
    after = frame[digits.stop : text.start if leads else len(frame)]
    return Numbered(leads, before, after, number, pattern.number_of)


def _string_at(key: bytes, frame: bytes) -> slice | None:
    """Return where the only string under a key begins and ends, between its quotes."""
    return _only(re.finditer(rb'"%b": ?"((?:[^"\\]|\\.)*+)"' % key, frame))


def _digits_at(key: bytes, frame: bytes) -> slice | None:
    """Return where the only number under a key begins and ends: of 18 digits at most, which no server counts to."""
    return _only(re.finditer(rb'"%b": ?([0-9]{1,18}+)(?![0-9])' % key, frame))


def _only(found: Iterator[re.Match[bytes]]) -> slice | None:
    places = [slice(*match.span(1)) for match in found]
    return places[0] if len(places) == 1 else None


def holds_only_plain(struct: Struct, but: Collection[str] = ()) -> bool:
    """Return True if a struct holds nothing that two events must not share, but in the members that are named."""
    names: tuple[str, ...] = struct.__struct_fields__
    return all(type(getattr(struct, name)) in PLAIN for name in names if name not in but)
