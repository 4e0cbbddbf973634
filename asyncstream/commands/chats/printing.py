"""How answers of any protocol are printed: text as it comes, or events as they came; and what is said beside them.

Only answers go to stdout; what is said about them goes to stderr. Knows no protocol.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from asyncstream.accumulators import ContentChanged, ReasoningChanged, RefusalChanged
from asyncstream.accumulators.fragments import HalfPairs
from asyncstream.client import AsyncClient
from asyncstream.commands.terminal import Style, Terminal
from asyncstream.errors import StreamError

__all__ = ["Asking", "Schema", "Showing", "Shown", "say"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON schema that answers are to fit, strictly."""

    name: str
    schema: dict[str, Any]


class Asking(Protocol):
    """A conversation: what was said so far, and how a question is asked and its answer shown."""

    async def ask(self, client: AsyncClient, question: str) -> int:
        """Stream the answer to a question, and return the exit status that it means.

        The question and its answer are kept only if the answer came to an end.
        """
        ...

    def begin_again(self) -> None:
        """Forget what was said."""
        ...


class Shown(Protocol):
    """What is shown of a stream."""

    @property
    def changes(self) -> AsyncIterable[object]:
        """Every change."""
        ...

    @property
    def current_raw(self) -> bytes:
        """The event as it came."""
        ...

    def __aiter__(self) -> Any:
        """Every event."""
        ...


@dataclass(slots=True)
class Showing:
    """How an answer is shown.

    Args:
        terminal: Where to.
        as_json: Whether its events are printed, and not its text.
        watched: Whether somebody looks at stderr, who is told what it cost.
    """

    terminal: Terminal
    as_json: bool
    watched: bool
    _began: float = field(default=0.0, init=False)

    async def show(self, stream: Shown, final: Callable[[], Awaitable[T]], has_text: Callable[[], bool]) -> T:
        """Show a stream to its end, and return what it came to.

        Args:
            stream: The stream, open.
            final: Gives what it came to.
            has_text: Says whether any text came; asked if the stream breaks.
        """
        self._began = time.monotonic()
        try:
            if self.as_json:
                await _print_events(stream, self.terminal)
            else:
                await _print_text(stream, self.terminal)
            return await final()
        except asyncio.CancelledError:
            self.terminal.leave()
            say("interrupted: the answer is not whole")
            raise
        except StreamError:
            if has_text():
                self.terminal.end_line()
                say("the answer is not whole")
            raise

    def tell_cost(self, tokens: tuple[int, int] | None) -> None:
        """Say what the answer cost, if somebody looks.

        Args:
            tokens: Those of the question and of the answer; None where the server did not count.
        """
        if self.watched:
            counted = "" if tokens is None else f"{tokens[0]} tokens in, {tokens[1]} out, "
            say(f"{counted}{time.monotonic() - self._began:.1f} s")


def say(text: str) -> None:
    """Say something about an answer, on stderr."""
    # With stderr closed, print(file=None) would write to stdout.
    if sys.stderr is not None:
        print(text, file=sys.stderr)


async def _print_events(stream: Shown, terminal: Terminal) -> None:
    async for _ in stream:
        # Not `splitlines`: JSON may hold U+2028 and its like as they are.
        terminal.write(stream.current_raw.decode(errors="replace").replace("\n", " ") + "\n")


async def _print_text(stream: Shown, terminal: Terminal) -> None:
    """Print the text as it comes; to a person also what the model thinks, dimmed."""
    printed = _Printed(terminal)
    async for change in stream.changes:
        printed.show(change)
    printed.end()


class _Printed:
    """What is printed of an answer: parts of three kinds, each on lines of its own."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._halves = HalfPairs()
        self._kind: str | None = None

    def show(self, change: object) -> None:
        """Print what a change adds."""
        match change:
            case ContentChanged(delta=text):
                self._grow("content", text, None)
            case RefusalChanged(delta=text):
                self._grow("refusal", text, "red")
            case ReasoningChanged(delta=text) if self._terminal.interactive:
                self._grow("reasoning", text, "dim")
            case _:
                pass

    def end(self) -> None:
        """Print what was held back, because the rest of its character might have come."""
        self._terminal.write(self._halves.end())

    def _grow(self, kind: str, text: str, style: Style | None) -> None:
        if text and kind != self._kind:
            if self._kind is not None:
                self.end()
                self._terminal.end_line()
            self._kind = kind
        self._terminal.write(self._halves.feed(text), style)
