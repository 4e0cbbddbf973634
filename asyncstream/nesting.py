"""How deep JSON is nested, told from its bytes without decoding them. Pure; imports nothing of the package.

Called before anything that may be hostile, cut or endless is decoded: by `decoding` for what comes from a server, by
`parsing` and `partial` for what a model wrote, by `accumulators.json_text` for text that is still growing. It counts
strings and brackets, and never says whether the bytes are JSON.

Rule 1: nothing is matched by trial and no byte is looked at again, so that the cost is linear in the bytes whatever
they are. Pythons differ in how deep their own decoders and encoders go; the depth here is the same on all of them.
"""

from typing import Final

__all__ = ["MAX_DEPTH", "SHALLOW", "Nesting", "nested_too_deep"]

MAX_DEPTH: Final = 128
"""How deep JSON may be nested. Schemas and tool results stay under 20; folding, building and pickling a level takes up
to five frames of Python's 1,000, and the caller's stack needs some too."""

SHALLOW: Final = 2 * MAX_DEPTH
"""Whole JSON of so many bytes cannot be nested deeper than `MAX_DEPTH`: each level takes two."""

_WINDOW: Final = 1 << 16
"""Bytes that are looked at together: what is made of them stays in the cache, and an event of 16 MiB is not copied."""

_RUN: Final = 64
"""Brackets that are counted together while they cannot reach the limit; one by one takes seven times as long."""

_NESTS: Final = tuple((levels, b"[" * levels + b"]" * levels) for levels in (16, 4, 1))
"""Brackets that close one another, and how far they rise: taking them away is six times as fast as counting them."""

_ROUNDS: Final = 4
"""How often nests are taken away: what is nearly all pairs is nothing by then."""

_NO_MARKS: Final = bytes(set(range(256)) - set(b'"{}[]'))
_ALL_SQUARE: Final = bytes.maketrans(b"{}", b"[]")


class Nesting:
    """Follows the strings and brackets of a JSON text that comes in pieces, cut anywhere.

    Attributes:
        depth: How many brackets are open; below zero in what is no JSON.
        in_string: Whether a string is open.
        begun: Whether any string or bracket came.
        too_deep: Whether the text was nested deeper than `MAX_DEPTH`; once True it stays, and nothing else is followed.
    """

    __slots__ = ("_escaping", "begun", "depth", "in_string", "too_deep")

    def __init__(self) -> None:
        self.depth = 0
        self.in_string = False
        self.begun = False
        self.too_deep = False
        # The last byte was a backslash: what it escapes comes first in the next piece.
        self._escaping = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes, in UTF-8."""
        for start in range(0, len(piece), _WINDOW):
            if self.too_deep:
                return
            self._count(self._brackets(piece[start : start + _WINDOW]))

    def _brackets(self, window: bytes) -> bytes:
        """Return the brackets of the next bytes that stand outside of strings, all of them as square ones."""
        if self._escaping:
            self._escaping = False
            if window[:1] in (b'"', b"\\"):
                window = window[1:]
        if b"\\" in window:
            # First what escapes itself: after it, a backslash before a quote escapes the quote.
            window = window.replace(b"\\\\", b"")
            self._escaping = window.endswith(b"\\")
            window = window.replace(b'\\"', b"")
        marks = window.translate(_ALL_SQUARE, _NO_MARKS)
        self.begun = self.begun or bool(marks)
        # Two quotes side by side are a string without brackets, or the border of two strings: either way they go.
        marks = marks.replace(b'""', b"")
        if not self.in_string and b'"' not in marks:
            return marks
        parts = marks.split(b'"')
        outside = parts[1::2] if self.in_string else parts[::2]
        if len(parts) % 2 == 0:
            self.in_string = not self.in_string
        return b"".join(outside)

    def _count(self, brackets: bytes) -> None:
        depth = self.depth
        near = False
        for start in range(0, len(brackets), _RUN):
            run = brackets[start : start + _RUN]
            opened = run.count(b"[")
            if depth + opened > MAX_DEPTH:
                if not near and _stays_within(brackets[start:], MAX_DEPTH - depth):
                    break
                near = True
                if depth + _peak(run) > MAX_DEPTH:
                    self.too_deep = True
                    return
            depth += 2 * opened - len(run)
        self.depth += 2 * brackets.count(b"[") - len(brackets)


def _stays_within(brackets: bytes, levels: int) -> bool:
    """Tell whether brackets surely rise no more than some levels above where they begin."""
    for _ in range(_ROUNDS):
        size = len(brackets)
        for height, nest in _NESTS:
            if brackets.count(b"[") <= levels:
                return True
            left = brackets.replace(nest, b"")
            if len(left) < len(brackets):
                # Where one was taken away, as high as what is left may rise, it rose higher by this.
                brackets = left
                levels -= height
        if len(brackets) > size // 2:
            break
    return brackets.count(b"[") <= levels


def _peak(brackets: bytes) -> int:
    """Return how far brackets rise above where they begin."""
    depth = peak = 0
    for bracket in brackets:
        if bracket == 91:  # [
            depth += 1
            if depth > peak:
                peak = depth
        else:
            depth -= 1
    return peak


def _has_few_brackets(data: bytes) -> bool:
    """Return True for JSON that opens no more brackets than may be open at once, those in strings counted too."""
    left = MAX_DEPTH
    for start in range(0, len(data), _WINDOW):
        window = data[start : start + _WINDOW]
        # What is left out is known in a tenth of the time that `count` takes.
        left -= 2 * len(window) - len(window.replace(b"{", b"")) - len(window.replace(b"[", b""))
        if left < 0:
            return False
    return True


def nested_too_deep(data: bytes) -> bool:
    """Return True for JSON that is nested deeper than `MAX_DEPTH`, whole or cut.

    Most is known by its length, or by having few brackets; else 16 MiB take a tenth of a second, or six tenths where
    they stay just below the limit all the time.
    """
    if len(data) <= MAX_DEPTH or _has_few_brackets(data):
        return False
    nesting = Nesting()
    nesting.feed(data)
    return nesting.too_deep
