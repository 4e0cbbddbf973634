"""Where a command writes: a terminal with colours, or plain text for a pipe or a file. Does not know what is written.

Everything is flushed as it is written: a reader at the other end of a pipe sees a stream stream, too.
"""

import os
import shutil
import sys
from typing import Literal, TextIO, TypeAlias

__all__ = ["OutputFailed", "Style", "Terminal"]

Style: TypeAlias = Literal["bold", "dim", "red", "green", "yellow", "magenta", "cyan"]

_CODES: dict[Style, int] = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "magenta": 35, "cyan": 36}
"""The numbers of ECMA-48's SGR sequences."""

_REPLACED = "\ufffd"
_CONTROLS: dict[int, str | None] = {
    # C0, DEL and C1, but for tab and line feed: what moves the cursor, sets the title or answers in the user's name.
    **dict.fromkeys([*range(0x20), 0x7F, *range(0x80, 0xA0)], _REPLACED),
    # What turns the direction of the text around, so that it reads otherwise than it is.
    **dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], _REPLACED),
    0x0D: None,
}
for _kept in "\t\n":
    del _CONTROLS[ord(_kept)]


class OutputFailed(Exception):
    """What was written could not be delivered.

    Attributes:
        closed: Whether the reader went away, which is no fault of anybody's.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"cannot write to stdout: {error.strerror or error}")
        # Windows says EINVAL for a closed pipe.
        self.closed = isinstance(error, BrokenPipeError) or (sys.platform == "win32" and error.errno == 22)


class Terminal:
    """The output of a command."""

    def __init__(
        self, out: TextIO | None, *, interactive: bool = False, coloured: bool = False, movable: bool = False
    ) -> None:
        """Write to `out`; prefer `Terminal.on`, which finds out the rest.

        Args:
            out: None writes nowhere; a process that was started with stdout closed has no other.
            interactive: Whether a person is watching.
            coloured: Whether styles are shown.
            movable: Whether lines that were written can be written over.
        """
        self._out = out
        self._coloured = coloured
        self._in_line = False
        self.interactive = interactive
        self.movable = movable

    @classmethod
    def on(cls, out: TextIO | None) -> "Terminal":
        """Return the terminal on a stream as it is: styled for a tty, unless ``NO_COLOR`` is set or it is a dumb one.

        A character that the stream's encoding lacks becomes a question mark from here on.
        """
        if out is None:
            return cls(None)
        reconfigure = getattr(out, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
        interactive = out.isatty()
        # no-color.org: "when present and not an empty string". Consoles of Windows show codes only in its new Terminal.
        plain = os.environ.get("NO_COLOR")
        understood = (sys.platform != "win32" or "WT_SESSION" in os.environ) and os.environ.get("TERM") != "dumb"
        codes = interactive and understood
        return cls(out, interactive=interactive, coloured=codes and not plain, movable=codes and not plain)

    def write(self, text: str, style: Style | None = None) -> None:
        """Write text without a line break: as it is, but on a terminal without control characters.

        A model's text may hold anything, and a terminal obeys.

        Raises:
            OutputFailed: The reader went away, or the disk is full.
        """
        text = self._harmless(text)
        if text:
            self._in_line = not text.endswith("\n")
            self._deliver(self._styled(text, style))

    def write_over(self, lines_up: int, text: str, style: Style | None = None) -> None:
        """Write a line over one that stands so many lines above; only on a `movable` terminal, at a line's beginning.

        A text that is longer than the line shows its end.

        Raises:
            OutputFailed: The reader went away, or the disk is full.
        """
        text = self.fitted(self._harmless(text))
        self._deliver(f"\x1b[{lines_up}A\r\x1b[2K{self._styled(text, style)}\x1b[{lines_up}B\r")

    def fitted(self, text: str) -> str:
        """Return a text that fits into a line, with its end rather than its beginning."""
        width = shutil.get_terminal_size().columns - 1
        return text if len(text) <= width else f"{text[: width // 3]}…{text[len(text) - (width - width // 3 - 1) :]}"

    def _harmless(self, text: str) -> str:
        return text.translate(_CONTROLS) if self.interactive else text

    def _styled(self, text: str, style: Style | None) -> str:
        # Closed with each piece, so that a program that is stopped leaves no colour behind.
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._coloured and style is not None else text

    def _deliver(self, text: str) -> None:
        if self._out is None:
            return
        try:
            self._out.write(text)
            self._out.flush()
        except OSError as error:
            raise OutputFailed(error) from error

    def end_line(self) -> None:
        """Break the line, unless the cursor is at the beginning of one."""
        if self._in_line:
            self.write("\n")

    def leave(self) -> None:
        """Leave a terminal at Ctrl-C with the cursor at the beginning of a line; it has printed ``^C`` itself."""
        if self.interactive:
            self.write("\n")
        else:
            self.end_line()

    def flush(self) -> None:
        """Deliver what others have written to the stream.

        Raises:
            OutputFailed: The reader went away, or the disk is full.
        """
        try:
            if self._out is not None:
                self._out.flush()
        except OSError as error:
            raise OutputFailed(error) from error

    def discard(self) -> None:
        """Throw away what could not be delivered; the interpreter would try it once more at exit, and complain."""
        if self._out is not None:
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), self._out.fileno())
