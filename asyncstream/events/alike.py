"""Events that are alike but for one text, as nearly all of an answer are: copied from one of them, not decoded. Pure.

Of such a frame the bytes before and after the text are those of an earlier frame, and what is left is one JSON string:
so its event is that frame's with another text. A copy costs half of what decoding it all again does. Some servers add
padding that hides how long the text is: it is a second string that may differ. Which texts of a protocol these are, its
`*_alike` file says; who keeps a mould, and tries it on each frame, is `streaming.plain`.

Rule 1: a mould is handed out after it was tried: the frame, with a text that nobody sends in the place of its own, was
decoded, and gave what the mould makes of that text.
Rule 2: each event has structs and lists of its own, whatever its reader does with those of another.
"""

import re
from collections.abc import Callable, Collection
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
    make: Callable[[str, bytes, str | None], E]
    """Makes the event with another text, given the frame that this came in, and its padding."""
    padding: bytes | None = None
    """The wire's name of the member that is padding; None: the event has none."""


class Mould(NamedTuple, Generic[E]):
    """What frames have in common that are alike, and what makes their events."""

    head: bytes
    """All that stands before the text, its opening quote included: no blank can come between."""
    middle: bytes
    """All that stands between the text and the padding, without the quotes of these; b"" if there is no padding."""
    tail: bytes
    """All that stands after these, from a closing quote on."""
    make: Callable[[str, bytes, str | None], E]
    """Makes the event of a text, its frame, and its padding."""


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
    text = _place_of(pattern.key, frame)
    if text is None:
        return None
    head, middle, tail = frame[: text[0]], b"", frame[text[1] :]
    trial, padding = head + _TRIAL.encode() + tail, None
    if pattern.padding is not None:
        place = _place_of(pattern.padding, tail)
        if place is None:
            return None
        between, tail = tail[: place[0]], tail[place[1] :]
        middle = between[1:-1]
        trial, padding = head + _TRIAL.encode() + between + _TRIAL_PADDING.encode() + tail, _TRIAL_PADDING
    made = pattern.make(_TRIAL, trial, padding)
    return Mould(head, middle, tail, pattern.make) if decode(trial) == made else None


def _place_of(key: bytes, frame: bytes) -> tuple[int, int] | None:
    """Return where the only string under a key begins and ends, between its quotes."""
    found = [*re.finditer(rb'"%b": ?"((?:[^"\\]|\\.)*+)"' % key, frame)]
    return found[0].span(1) if len(found) == 1 else None


def holds_only_plain(struct: Struct, but: Collection[str] = ()) -> bool:
    """Return True if a struct holds nothing that two events must not share, but in the members that are named."""
    names: tuple[str, ...] = struct.__struct_fields__
    return all(type(getattr(struct, name)) in PLAIN for name in names if name not in but)
