"""Tell when a growing JSON text is one whole value, reading each character once. Pure.

Streams repeat, restart and double tool arguments; what to do with a fragment depends on whether the text so far is
complete. Parsing all of it for every fragment would be quadratic, so its structure is followed as it grows.
"""

import json
import re

from asyncstream.decoding import UnreadableJSON, load_json

__all__ = ["JSONStructure", "canonical", "canonical_text"]

_MARKS = re.compile(r'\\(?:.|$)|["{}\[\]]', re.DOTALL)

_LITERALS = ("true", "false", "null")


class JSONStructure:
    """Follow where the objects, arrays and strings of a JSON text begin and end.

    Attributes:
        closed: The outermost value has ended, and nothing but blanks followed it.
        size: How many characters were fed.
    """

    __slots__ = ("_broken", "_depth", "_in_string", "_torn_escape", "closed", "size")

    def __init__(self) -> None:
        self.closed = False
        self.size = 0
        # Something followed the end of the outermost value: the text can never be one value again.
        self._broken = False
        self._depth = 0
        self._in_string = False
        # A backslash was the last character: what it escapes comes first in the next fragment.
        self._torn_escape = ""

    def feed(self, fragment: str) -> None:
        """Take the next characters."""
        self.size += len(fragment)
        if self._broken:
            return None
        if self.closed:
            self._end_at(fragment)
            return None
        text = self._torn_escape + fragment
        self._torn_escape = ""
        for mark in _MARKS.finditer(text):
            character = mark.group()
            if character[0] == "\\":
                if len(character) == 1:
                    self._torn_escape = character
            elif character == '"':
                self._in_string = not self._in_string
                if not self._in_string and not self._depth:
                    return self._end_at(text[mark.end() :])
            elif self._in_string:
                continue
            elif character in "{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth <= 0:
                    return self._end_at(text[mark.end() :])
        return None

    def _end_at(self, rest: str) -> None:
        self.closed = not rest.strip()
        self._broken = not self.closed


def canonical_text(text: str) -> str | None:
    """Return the canonical form of a text that is one whole JSON value, else None.

    A number is never whole: it may go on.
    """
    text = text.strip()
    if not text or (text[0] not in '{["' and text not in _LITERALS):
        return None
    try:
        return canonical(load_json(text.encode("utf-8", "surrogatepass")))
    except UnreadableJSON:
        return None


def canonical(value: object) -> str:
    """Return a text that is equal for equal JSON values, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
