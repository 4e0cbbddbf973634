"""``chat``: ask a model one question and stream its answer: to a person, into a pipe, or as the raw events.

Only the answer goes to stdout; what is said about it goes to stderr, and into the exit status.
"""

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Coroutine

from asyncstream.accumulators import ChatChange, ContentChanged, ReasoningChanged, RefusalChanged
from asyncstream.accumulators.fragments import HalfPairs
from asyncstream.client import AsyncClient
from asyncstream.commands.command import Command, CommandFailed
from asyncstream.commands.statuses import DONE, INCOMPLETE, INTERRUPTED
from asyncstream.commands.terminal import Style, Terminal
from asyncstream.errors import StreamError
from asyncstream.streaming import ChatStream
from asyncstream.types import ChatCompletion

__all__ = ["COMMAND"]

_DEFAULT_MODEL = "gpt-4o-mini"
_DEFAULT_KEY = "OPENAI_API_KEY"

_STOPS = {
    "length": "its limit of tokens was reached",
    "content_filter": "a content filter stopped it",
}
"""Why an answer is not whole, by its finish reason."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "question", nargs="*", metavar="QUESTION", help='the question; without one, or with "-", it is read from stdin'
    )
    parser.add_argument("--model", default=_DEFAULT_MODEL, metavar="NAME", help="who answers (default: %(default)s)")
    parser.add_argument("--system", metavar="TEXT", help="instructions that stand before the question")
    parser.add_argument(
        "--base-url", metavar="URL", help="where the server is (default: OPENAI_BASE_URL, else OpenAI's)"
    )
    parser.add_argument(
        "--api-key-env",
        metavar="VARIABLE",
        help=f"the environment variable that holds the key (default: {_DEFAULT_KEY}, "
        "which a server that --base-url names need not have)",
    )
    parser.add_argument("--json", action="store_true", help="print the events as they came, a line each")


def _run(options: Namespace, terminal: Terminal) -> Coroutine[None, None, int]:
    # Read before the event loop runs: a read that blocks it could not be interrupted.
    question = _question(options.question)
    messages = [{"role": "user", "content": question}]
    if options.system is not None:
        messages.insert(0, {"role": "system", "content": _encodable(options.system)})
    return _ask(options, messages, _api_key(options), terminal)


async def _ask(options: Namespace, messages: list[dict[str, str]], api_key: str | None, terminal: Terminal) -> int:
    async with (
        AsyncClient(api_key=api_key, base_url=options.base_url) as client,
        client.chat.completions.stream(model=_encodable(options.model), messages=messages) as stream,
    ):
        try:
            if options.json:
                await _print_events(stream, terminal)
            else:
                await _print_text(stream, terminal)
            completion = await stream.get_final_completion()
        except asyncio.CancelledError:
            terminal.leave()
            _say("interrupted: the answer is not whole")
            return INTERRUPTED
        except StreamError:
            if any(choice.message.content for choice in stream.current_completion_snapshot.choices):
                terminal.end_line()
                _say("the answer is not whole")
            raise
    terminal.end_line()
    return _outcome(completion)


async def _print_events(stream: ChatStream, terminal: Terminal) -> None:
    async for _ in stream:
        # Not `splitlines`: JSON may hold U+2028 and its like as they are.
        terminal.write(stream.current_raw.decode(errors="replace").replace("\n", " ") + "\n")


async def _print_text(stream: ChatStream, terminal: Terminal) -> None:
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

    def show(self, change: ChatChange) -> None:
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


def _outcome(completion: ChatCompletion) -> int:
    """Say why an answer is not one, and return the exit status."""
    if not completion.choices:
        raise CommandFailed("the server ended the answer before it began")
    choice = completion.choices[0]
    if choice.finish_reason in _STOPS:
        _say(f"the answer is not whole: {_STOPS[choice.finish_reason]}")
    elif choice.message.refusal:
        _say("the model refused")
    elif choice.message.content is None:
        _say(f"there is no text in the answer: it ended with the finish reason {choice.finish_reason!r}")
    else:
        return DONE
    return INCOMPLETE


def _say(text: str) -> None:
    # With stderr closed, print(file=None) would write to stdout.
    if sys.stderr is not None:
        print(text, file=sys.stderr)


def _question(words: list[str]) -> str:
    text = " ".join(words)
    if text in ("", "-"):
        if sys.stdin is None:
            raise CommandFailed("there is no question, and no stdin to read one from")
        if sys.stdin.isatty():
            _say("reading the question from the terminal; end it with Ctrl-D on a line of its own")
        reconfigure = getattr(sys.stdin, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
        text = sys.stdin.read().strip()
    if not text:
        raise CommandFailed("the question is empty")
    return _encodable(text)


def _encodable(text: str) -> str:
    # Bytes of the command line that are no text arrive as halves of surrogate pairs, which JSON cannot hold.
    return text.encode(errors="replace").decode()


def _api_key(options: Namespace) -> str | None:
    """Return the key; None lets the client look for it and say what is missing."""
    if options.api_key_env is not None:
        key = os.environ.get(options.api_key_env)
        if not key:
            raise CommandFailed(f"the environment variable {options.api_key_env} has no key")
        return key
    # A server of one's own mostly needs none.
    return "" if options.base_url is not None and not os.environ.get(_DEFAULT_KEY) else None


COMMAND = Command(
    name="chat",
    help="ask a model, and stream its answer",
    description=(
        "Ask a model one question and print its answer as it streams: plain text in a pipe, with the reasoning dimmed "
        "on a terminal. The exit status is 0 for a whole answer, 3 for one that the model did not finish or refused, "
        "1 for an error and 130 after Ctrl-C; what came until then stays."
    ),
    add_arguments=_add_arguments,
    run=_run,
)
