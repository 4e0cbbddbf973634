"""How answers of any protocol are printed: text as it comes, or events as they came; and what is said beside them.

Only answers go to stdout; what is said about them goes to stderr. Knows no protocol.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from asyncstream.accumulators import (
    ContentChanged,
    ReasoningChanged,
    RefusalChanged,
    RoundDone,
    ToolCallDone,
    ToolResultCreated,
    ToolResultDone,
)
from asyncstream.accumulators.fragments import HalfPairs
from asyncstream.client import AsyncClient
from asyncstream.commands.chats.own_tools import shortened
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
        beside: Where is said what goes on: stderr.
        as_json: Whether its events are printed, and not its text.
    """

    terminal: Terminal
    beside: Terminal
    as_json: bool
    _began: float = field(default=0.0, init=False)

    @property
    def watched(self) -> bool:
        """Whether somebody looks at what is said beside the answer, who is also told what it cost."""
        return self.beside.interactive

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
                await _print_text(stream, self.terminal, self.beside)
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


async def _print_text(stream: Shown, terminal: Terminal, beside: Terminal) -> None:
    """Print the text as it comes; to a person also what the model thinks, dimmed. What tools do is said beside it."""
    printed = _Printed(terminal, beside)
    async for change in stream.changes:
        printed.show(change)
    printed.end()


class _Printed:
    """What is printed of an answer: parts of three kinds, each on lines of its own."""

    def __init__(self, terminal: Terminal, beside: Terminal) -> None:
        self._terminal = terminal
        self._beside = beside
        self._halves = HalfPairs()
        self._kind: str | None = None
        self._arguments: dict[str, str] = {}

    def show(self, change: object) -> None:
        """Print what a change adds."""
        match change:
            case ContentChanged(delta=text):
                self._grow("content", text, None)
            case RefusalChanged(delta=text):
                self._grow("refusal", text, "red")
            case ReasoningChanged(delta=text) if self._terminal.interactive:
                self._grow("reasoning", text, "dim")
            case ToolCallDone(snapshot=call):
                # A response's calls have ids of their own besides that which their results go back under.
                self._arguments[getattr(call, "call_id", "") or call.id] = getattr(call, "arguments", None) or ""
            case ToolResultCreated(snapshot=result):
                self._say(f"{result.name} {shortened(self._arguments.get(result.id, ''))}")
            case ToolResultDone(snapshot=result):
                told = "->" if result.status == "returned" else f"{result.status}:"
                parts = [result.output] if isinstance(result.output, str) else result.output
                text = " ".join(part if isinstance(part, str) else f"({type(part).__name__})" for part in parts)
                self._say(f"{result.name} {told} {'' if change.private else shortened(text)}")
            case RoundDone(stop=None):
                self._break()
            case _:
                pass

    def end(self) -> None:
        """Print what was held back, because the rest of its character might have come."""
        self._terminal.write(self._halves.end())

    def _grow(self, kind: str, text: str, style: Style | None) -> None:
        if text and kind != self._kind:
            self._break()
            self._kind = kind
        self._terminal.write(self._halves.feed(text), style)

    def _break(self) -> None:
        """End what was begun: what follows has a line of its own."""
        if self._kind is not None:
            self.end()
            self._terminal.end_line()
        self._kind = None

    def _say(self, line: str) -> None:
        self._break()
        self._beside.write(line.rstrip(), "magenta")
        self._beside.end_line()
