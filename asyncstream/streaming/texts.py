"""The text that a user reads, out of the changes of any protocol: `Texts`, what `text_deltas` derives.

A protocol says which of its changes bring text, and to which part of its answer. Below it: `fragments`, which knows
half surrogate pairs: a half at the end of a piece is held back until its partner comes, or its part is done.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from asyncstream.accumulators.fragments import HalfPairs

__all__ = ["Texts"]


class Texts:
    """Gives the text of changes, in pieces that can be printed and encoded.

    Args:
        grown: The class of the changes that bring text.
        done: The class of those that end a part.
        piece: Gives the text that one of the first brings; "" or None where it brings none.
        part: Gives the part that one of either is about.
        only: The `index` of the changes that are looked at; None for all.
    """

    __slots__ = ("_done", "_empty", "_grown", "_held", "_only", "_part", "_piece")

    def __init__(
        self,
        grown: type[Any],
        done: type[Any],
        *,
        piece: Callable[[Any], str | None],
        part: Callable[[Any], Hashable],
        only: int | None = None,
    ) -> None:
        self._grown = grown
        self._done = done
        self._piece = piece
        self._part = part
        self._only = only
        # Of the parts whose text ends in half a pair, which next to none does.
        self._held: dict[Hashable, HalfPairs] = {}
        self._empty = HalfPairs()

    def __call__(self, changes: Iterable[Any]) -> Iterable[str]:
        """Give the text that changes bring."""
        for change in changes:
            if type(change) is self._grown:
                if self._only is not None and change.index != self._only:
                    continue
                text = self._piece(change)
                if text and (self._held or not text.isascii()):
                    text = self._mend(change, text)
                if text:
                    yield text
            elif self._held and type(change) is self._done:
                halves = self._held.pop(self._part(change), None)
                if halves is not None:
                    yield halves.end()

    def _mend(self, change: object, text: str) -> str:
        halves = self._held.pop(self._part(change), self._empty) if self._held else self._empty
        text = halves.feed(text)
        if halves.held:
            self._held[self._part(change)] = halves
            if halves is self._empty:
                self._empty = HalfPairs()
        return text
