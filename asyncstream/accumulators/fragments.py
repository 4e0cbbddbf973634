"""Text that arrives in fragments: kept in pieces, joined when looked at. Pure; knows no protocol.

`+=` on an attribute copies the whole text for every fragment; a list joined on look does not.

Servers that split text by UTF-16 units send half of a surrogate pair at the end of one fragment and the other half in
the next. A half that waits for its partner is held back, so that what is shown can always be printed and encoded.
"""

from typing import Final

from asyncstream.halves import is_high_half, mend_halves

__all__ = ["MOST_PIECES", "Fragments", "HalfPairs"]

MOST_PIECES: Final = 4096
"""From here pieces are joined to one: each has 50 bytes besides its text, which counts in a million of them."""


class Fragments:
    """A growing text.

    Attributes:
        ended: Nothing follows: a half pair at the end is shown as U+FFFD instead of being held back.
        pieces: What came since it was last joined, always the same list. While there are fewer than `MOST_PIECES` in
            it, a fragment may be appended to it: `append` does no more, and its call costs ten times as much.
    """

    __slots__ = ("_joined", "_whole", "ended", "pieces")

    def __init__(self, text: str = "") -> None:
        self.ended = False
        self.pieces: list[str] = [text] if text else []
        # A list of its own only in a long text: there may be thousands of these.
        self._joined: list[str] | tuple[()] = ()
        # So many characters, from the first, are known to hold no half: they need no second look.
        self._whole = 0

    def replace(self, text: str) -> None:
        """Start again with this text."""
        self.pieces[:] = [text] if text else []
        self._joined = ()
        self._whole = 0

    def append(self, text: str) -> None:
        """Add a fragment."""
        pieces = self.pieces
        pieces.append(text)
        if len(pieces) >= MOST_PIECES:
            if isinstance(self._joined, tuple):
                self._joined = []
            self._joined.append("".join(pieces))
            pieces.clear()

    def __bool__(self) -> bool:
        """Return True if any text arrived."""
        return any(self._joined) or any(self.pieces)

    def raw(self) -> str:
        """Return all text as it came, half pairs included. Costs one copy, the first time after a change."""
        if self._joined:
            self.pieces[:0] = self._joined
            self._joined = ()
        if len(self.pieces) > 1:
            text = "".join(self.pieces)
            self.pieces[:] = [text]
            return text
        return self.pieces[0] if self.pieces else ""

    def text(self) -> str:
        """Return all text that can be shown."""
        text = self.raw()
        if text.isascii():
            return text
        new = text[self._whole :]
        if new.isascii() or _encodable(new):
            self._whole = len(text)
            return text
        return text[: self._whole] + mend_halves(new, ended=self.ended)

    def __getstate__(self) -> tuple[bool, list[str]]:
        """Give what a checkpoint needs: the text in one piece, in the list that others may know."""
        self.raw()
        return self.ended, self.pieces

    def __setstate__(self, state: tuple[bool, list[str]]) -> None:
        """Go on from a checkpoint."""
        self.ended, self.pieces = state
        self._joined = ()
        self._whole = 0


class HalfPairs:
    """Pass fragments on, holding a half pair at the end back until the next fragment or the end."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = ""

    def feed(self, text: str) -> str:
        """Return what can be shown of the text so far."""
        if not self.held and (text.isascii() or _encodable(text)):
            return text
        text = self.held + text
        self.held = text[-1:] if is_high_half(text[-1:]) else ""
        return mend_halves(text, ended=False)

    def end(self) -> str:
        """Return what is left: U+FFFD for a half that found no partner, else nothing."""
        left, self.held = self.held, ""
        return "\ufffd" if left else ""


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
