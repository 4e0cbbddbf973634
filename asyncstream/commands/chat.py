"""``chat``: ask a model and stream its answers: to a person, into a pipe, or as the raw events.

One question of the command line or of stdin has one answer; at a terminal, without a question, it is a conversation.
Only answers go to stdout; what is said about them goes to stderr, and into the exit status.
"""

import asyncio
import json
import os
import re
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from asyncstream.accumulators import ChatChange, ContentChanged, ReasoningChanged, RefusalChanged
from asyncstream.accumulators.fragments import HalfPairs
from asyncstream.client import AsyncClient
from asyncstream.commands.command import Command, CommandFailed
from asyncstream.commands.conversation import lines, stoppable
from asyncstream.commands.statuses import DONE, INCOMPLETE, INTERRUPTED
from asyncstream.commands.terminal import Style, Terminal
from asyncstream.errors import APIError, StreamError
from asyncstream.streaming import ChatStream
from asyncstream.types import ChatCompletion, ChatCompletionMessage

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
        "question",
        nargs="*",
        metavar="QUESTION",
        help='the question; "-" reads it from stdin, and so does none where stdin is no terminal',
    )
    parser.add_argument("--model", default=_DEFAULT_MODEL, metavar="NAME", help="who answers (default: %(default)s)")
    parser.add_argument("--system", metavar="TEXT", help="instructions that stand before the question")
    parser.add_argument("--schema", metavar="FILE", help="a JSON schema that the answers are to fit, strictly")
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
    talks = not options.question and sys.stdin is not None and sys.stdin.isatty()
    # Read before the event loop runs: a read that blocks it could not be interrupted.
    question = None if talks else _question(options.question)
    params: dict[str, Any] = {"model": _encodable(options.model)}
    if options.schema is not None:
        params["response_format"] = _response_format(Path(options.schema))
    watched = sys.stderr is not None and sys.stderr.isatty()
    if watched:
        # Who watches is told what it cost; many servers count only if they are asked to.
        params["stream_options"] = {"include_usage": True}
    asking = _Asking(params, as_json=options.json, watched=watched, terminal=terminal)
    if options.system is not None:
        asking.messages.append({"role": "system", "content": _encodable(options.system)})
    client = AsyncClient(api_key=_api_key(options), base_url=options.base_url)
    return _converse(client, asking) if question is None else _ask_once(client, asking, question)


async def _ask_once(client: AsyncClient, asking: "_Asking", question: str) -> int:
    async with client:
        try:
            return await asking.ask(client, question)
        except asyncio.CancelledError:
            return INTERRUPTED


async def _converse(client: AsyncClient, asking: "_Asking") -> int:
    _say(f"a conversation with {asking.params['model']}: /new begins another, Ctrl-C stops an answer, /quit ends it")
    begun = list(asking.messages)
    async with client:
        for line in lines():
            match line:
                case "/quit" | "/exit":
                    break
                case "/new":
                    asking.messages = list(begun)
                case _ if line.startswith("/"):
                    _say(f"no command {line.split()[0]}: there are /new and /quit")
                case _:
                    await stoppable(_answered(client, asking, _encodable(line)))
    return DONE


async def _answered(client: AsyncClient, asking: "_Asking", question: str) -> None:
    """Ask; what fails is said and forgotten, so that the next question can be asked."""
    try:
        await asking.ask(client, question)
    except (APIError, CommandFailed) as error:
        asking.terminal.end_line()
        _say(f"error: {str(error).splitlines()[0] if str(error) else type(error).__name__}")


class _Asking:
    """The messages so far, and how answers are asked for and shown."""

    def __init__(self, params: dict[str, Any], *, as_json: bool, watched: bool, terminal: Terminal) -> None:
        self.params = params
        self.messages: list[dict[str, Any] | ChatCompletionMessage] = []
        self.terminal = terminal
        self._as_json = as_json
        self._watched = watched

    async def ask(self, client: AsyncClient, question: str) -> int:
        """Stream the answer to a question, and return the exit status that it means.

        The question and its answer are kept only if the answer came to an end.
        """
        messages = [*self.messages, {"role": "user", "content": question}]
        began = time.monotonic()
        async with client.chat.completions.stream(messages=messages, **self.params) as stream:
            completion = await self._show(stream)
        self.terminal.end_line()
        status = _outcome(completion)
        self.messages = [*messages, completion.choices[0].message]
        if self._watched:
            _say(_cost(completion, time.monotonic() - began))
        return status

    async def _show(self, stream: ChatStream) -> ChatCompletion:
        try:
            if self._as_json:
                await _print_events(stream, self.terminal)
            else:
                await _print_text(stream, self.terminal)
            return await stream.get_final_completion()
        except asyncio.CancelledError:
            self.terminal.leave()
            _say("interrupted: the answer is not whole")
            raise
        except StreamError:
            if any(choice.message.content for choice in stream.current_completion_snapshot.choices):
                self.terminal.end_line()
                _say("the answer is not whole")
            raise


def _cost(completion: ChatCompletion, seconds: float) -> str:
    usage = completion.usage
    tokens = "" if usage is None else f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out, "
    return f"{tokens}{seconds:.1f} s"


def _response_format(path: Path) -> dict[str, Any]:
    """Return what asks for JSON of a schema."""
    try:
        schema = json.loads(path.read_bytes())
    except OSError as error:
        raise CommandFailed(f"cannot read the schema: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise CommandFailed(f"the schema {path.name} is no JSON") from error
    if not isinstance(schema, dict):
        raise CommandFailed(f"the schema {path.name} is no JSON object")
    # Servers want a name of these characters.
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", path.stem)[:64] or "answer"
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}


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
        "Ask a model a question and print its answer as it streams: plain text in a pipe, with the reasoning dimmed "
        "on a terminal. Without a question, at a terminal, it is a conversation. Tokens and seconds are told on a "
        "terminal, on stderr. The exit status is 0 for a whole answer or a conversation that was ended, 3 for an "
        "answer that the model did not finish or refused, 1 for an error and 130 after Ctrl-C; what came until then "
        "stays."
    ),
    add_arguments=_add_arguments,
    run=_run,
)
