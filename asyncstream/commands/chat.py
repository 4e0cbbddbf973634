"""``chat``: ask a model and stream its answers: to a person, into a pipe, or as the raw events.

One question of the command line or of stdin has one answer; at a terminal, without a question, it is a conversation.
Only answers go to stdout; what is said about them goes to stderr, and into the exit status. How an answer is asked for
and shown is in `chats`, one file a protocol.
"""

import asyncio
import json
import os
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Coroutine
from pathlib import Path

from asyncstream.client import AsyncClient
from asyncstream.commands.chats.own_tools import own_tools
from asyncstream.commands.chats.printing import Asking, Schema, Showing, say
from asyncstream.commands.command import Command, CommandFailed
from asyncstream.commands.conversation import lines, stoppable
from asyncstream.commands.statuses import DONE, INTERRUPTED
from asyncstream.commands.terminal import Terminal
from asyncstream.errors import APIError

__all__ = ["COMMAND"]

_DEFAULT_MODEL = "gpt-4o-mini"
_DEFAULT_KEY = "OPENAI_API_KEY"


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "question",
        nargs="*",
        metavar="QUESTION",
        help='the question; "-" reads it from stdin, and so does none where stdin is no terminal',
    )
    parser.add_argument("--model", default=_DEFAULT_MODEL, metavar="NAME", help="who answers (default: %(default)s)")
    parser.add_argument("--system", metavar="TEXT", help="instructions that stand before the question")
    parser.add_argument("--responses", action="store_true", help="ask by Responses instead of chat completions")
    parser.add_argument("--schema", metavar="FILE", help="a JSON schema that the answers are to fit, strictly")
    parser.add_argument(
        "--tools",
        action="append",
        default=[],
        metavar="MODULE:FUNCTION,...",
        help="functions that the model may call, of modules that stand here or are installed; what runs is told on "
        "stderr",
    )
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
    asking = _asking(options, Showing(terminal, Terminal.on(sys.stderr), as_json=options.json))
    client = AsyncClient(api_key=_api_key(options), base_url=options.base_url)
    if question is None:
        return _converse(client, asking, options.model, terminal)
    return _ask_once(client, asking, question)


def _asking(options: Namespace, showing: Showing) -> Asking:
    model = _encodable(options.model)
    system = None if options.system is None else _encodable(options.system)
    schema = None if options.schema is None else _schema(Path(options.schema))
    tools = own_tools(options.tools, showing.terminal, showing.beside) if options.tools else None
    # Imported here: either does without the protocol of the other.
    if options.responses:
        from asyncstream.commands.chats.responses import ResponseAsking

        return ResponseAsking(model, system, schema, tools, showing)
    from asyncstream.commands.chats.completions import CompletionAsking

    return CompletionAsking(model, system, schema, tools, showing)


async def _ask_once(client: AsyncClient, asking: Asking, question: str) -> int:
    async with client:
        try:
            return await asking.ask(client, question)
        except asyncio.CancelledError:
            return INTERRUPTED


async def _converse(client: AsyncClient, asking: Asking, model: str, terminal: Terminal) -> int:
    say(f"a conversation with {model}: /new begins another, Ctrl-C stops an answer, /quit ends it")
    async with client:
        for line in lines():
            match line:
                case "/quit" | "/exit":
                    break
                case "/new":
                    asking.begin_again()
                case _ if line.startswith("/"):
                    say(f"no command {line.split()[0]}: there are /new and /quit")
                case _:
                    await stoppable(_answered(client, asking, _encodable(line), terminal))
    return DONE


async def _answered(client: AsyncClient, asking: Asking, question: str, terminal: Terminal) -> None:
    """Ask; what fails is said and forgotten, so that the next question can be asked."""
    try:
        await asking.ask(client, question)
    except (APIError, CommandFailed) as error:
        terminal.end_line()
        say(f"error: {str(error).splitlines()[0] if str(error) else type(error).__name__}")


def _schema(path: Path) -> Schema:
    """Return the JSON schema of a file."""
    try:
        schema = json.loads(path.read_bytes())
    except OSError as error:
        raise CommandFailed(f"cannot read the schema: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise CommandFailed(f"the schema {path.name} is no JSON") from error
    if not isinstance(schema, dict):
        raise CommandFailed(f"the schema {path.name} is no JSON object")
    # Servers want a name of these characters.
    return Schema(re.sub(r"[^a-zA-Z0-9_-]", "_", path.stem)[:64] or "answer", schema)


def _question(words: list[str]) -> str:
    text = " ".join(words)
    if text in ("", "-"):
        if sys.stdin is None:
            raise CommandFailed("there is no question, and no stdin to read one from")
        if sys.stdin.isatty():
            say("reading the question from the terminal; end it with Ctrl-D on a line of its own")
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
