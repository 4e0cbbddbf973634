"""A stream as it is shown while it runs: a dimmed line an event, and between them the answer, growing piece by piece.

For any protocol: it is told names of events and pieces of text. It counts and times them as it goes.
"""

import time
from collections import Counter
from collections.abc import Hashable

from asyncstream.commands.terminal import Style, Terminal

__all__ = ["Transcript"]

_TIME_WIDTH = 8
_LABEL_WIDTH = 8
_INDENT = " " * (_TIME_WIDTH + 2)
_DEEP_INDENT = _INDENT + " " * _LABEL_WIDTH


class Transcript:
    """What is shown of one stream; the clock starts when it is made."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._start = time.perf_counter()
        self._event: str | None = None
        self._block: Hashable = None
        self._line_breaks = ""
        # What the last lines show, while they may still change.
        self._changing: list[Hashable] = []
        self.counts: Counter[str] = Counter()
        """How many events came, by name."""
        self.first_token: float | None = None
        """Seconds until the first piece of an answer; None before it."""

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    @property
    def rewrites(self) -> bool:
        """Whether a line that changes does so in its place."""
        return self._terminal.movable

    def event(self, name: str) -> None:
        """Show that an event came. Several of a name in a row are one line: what they bring grows below it."""
        self.counts[name] += 1
        if name != self._event:
            self._event = name
            self._close_block()
            self._terminal.write(f"{self.elapsed:{_TIME_WIDTH}.3f}  {name}\n", "dim")

    def grow(self, block: Hashable, label: str, piece: str, style: Style | None = None) -> None:
        """Add a piece of the answer to the block it belongs to; another block than the last begins a line of its own.

        Args:
            block: What tells this block from others.
            label: What stands in front of its first line.
            piece: The text to add; nothing is shown for an empty one.
            style: How the piece looks.
        """
        if not piece:
            return
        if self.first_token is None:
            self.first_token = self.elapsed
        if block != self._block:
            self._close_block()
            self._block = block
            self._terminal.write(f"{_INDENT}{label:<{_LABEL_WIDTH}}", "bold")
        # Line breaks at the end wait for what follows them: a block ends without empty lines.
        text = self._line_breaks + piece
        shown = text.rstrip("\n")
        self._line_breaks = text[len(shown) :]
        self._terminal.write(shown.replace("\n", f"\n{_DEEP_INDENT}"), style)

    def change(self, block: Hashable, label: str, text: str, style: Style | None = None) -> None:
        """Show a line whose text changes: in its place where that can be written over, else as one more line.

        Several such lines may change by turns, until something else is shown.

        Args:
            block: What tells this line from others.
            label: What stands in front of it.
            text: All that it says now.
            style: How it looks.
        """
        if self.first_token is None:
            self.first_token = self.elapsed
        line = f"{_INDENT}{label:<{_LABEL_WIDTH}}{text}"
        if not self._terminal.movable:
            self.note(label, text, style)
        elif block in self._changing:
            self._terminal.write_over(len(self._changing) - self._changing.index(block), line, style)
        else:
            changing = self._changing
            self._event = None
            self._close_block()
            self._terminal.write(f"{self._terminal.fitted(line)}\n", style)
            self._changing = [*changing, block]

    def note(self, label: str, text: str, style: Style | None = None) -> None:
        """Show a line that is no part of the answer: what this side does."""
        self._event = None
        self._close_block()
        self._terminal.write(f"{_INDENT}{label:<{_LABEL_WIDTH}}", "bold")
        self._terminal.write(f"{text}\n", style)

    def _close_block(self) -> None:
        self._block = None
        self._changing = []
        self._line_breaks = ""
        self._terminal.end_line()
