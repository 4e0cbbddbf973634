"""Tell when a growing JSON text is one whole value, reading each character once. Pure. Fed by `tool_calls`.

Streams repeat, restart and double tool arguments; what to do with a fragment depends on whether the text so far is
complete. Parsing all of it for every fragment would be quadratic, so its strings and brackets are followed as it grows,
and it is parsed once: when all of them are closed for the first time.
"""

import json
from typing import Final

from asyncstream.accumulators.fragments import Fragments
from asyncstream.decoding import UnreadableJSON, load_json
from asyncstream.nesting import Nesting

__all__ = ["WholeValue", "canonical", "canonical_text"]

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

_LITERALS = ("true", "false", "null")

_LITERAL_ROOM: Final = 16
"""Characters within which a literal is looked for: it has no bracket or quote that could close."""


_SHORT: Final = 256
"""Characters of a beginning that is parsed at once: most arguments are whole, or longer than that."""


class WholeValue:
    """Follows a text that grows, to say of which value it is the whole JSON."""

    __slots__ = ("_ended", "_nesting", "_size", "_value")

    def __init__(self) -> None:
        # Made for a text that is not whole, or not known to be, when it is first looked at.
        self._nesting: Nesting | None = None
        self._size = 0
        self._value: str | None = None
        # The text was a value once, or can be none any more: only blanks after a value leave it one.
        self._ended = False

    def read(self, fragment: str, text: Fragments) -> str | None:
        """Return the canonical JSON of a text if it is one whole value, else None.

        Args:
            fragment: What the text has grown by since it was read last.
            text: All of it.
        """
        if self._ended:
            if self._value is not None and fragment.strip():
                self._value = None
            return self._value
        nesting = self._nesting
        if nesting is None:
            if fragment[:1] in ("{", "[") and len(fragment) < _SHORT:
                self._value = canonical_text(text.text())
                self._ended = self._value is not None
                if self._ended:
                    return self._value
            nesting = self._nesting = Nesting()
        nesting.feed(fragment.encode("utf-8", "surrogatepass"))
        self._size += len(fragment)
        closed = nesting.begun and nesting.depth <= 0 and not nesting.in_string
        if closed or (self._size < _LITERAL_ROOM and not nesting.begun):
            self._value = canonical_text(text.text())
        self._ended = closed or nesting.too_deep or self._value is not None
        return self._value


def canonical_text(text: str) -> str | None:
    """Return the canonical form of a text that is one whole JSON value, else None.

    A number is never whole: it may go on.
    """
    text = text.strip()
    if not text or (text[0] not in '{["' and text not in _LITERALS):
        return None
    try:
        return canonical(load_json(text.encode("utf-8", "surrogatepass"), exact=True))
    except UnreadableJSON:
        return None


def canonical(value: object) -> str:
    """Return a text that is equal for equal JSON values, whatever the order of their keys."""
    return _CANONICAL.encode(value)
