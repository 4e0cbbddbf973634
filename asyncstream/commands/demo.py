"""``demo``: a stream to look at, from a server that this process starts for it. No key, no network, no model.

The option, and which demo it is; the demos themselves are in `demos`, one file a protocol.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace

from asyncstream.commands.command import Command, CommandFailed
from asyncstream.commands.demos import assistants, chat, responses
from asyncstream.commands.listening import port_number
from asyncstream.commands.terminal import Terminal

__all__ = ["COMMAND"]

# Seconds between events: fast enough not to bore, slow enough to be seen.
_WATCHED_DELAY = 0.04
# A demo has some 90 events, and its run expires after ten minutes.
_MAX_DELAY = 5.0
_WEB_PORT = 8080


def _delay(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _MAX_DELAY:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {_MAX_DELAY:g}")
    return seconds


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--chat", action="store_true", help="watch a chat with two tool calls instead")
    parser.add_argument("--responses", action="store_true", help="watch a response that searches and calls instead")
    parser.add_argument(
        "--assistants", action="store_true", help="watch the run of an assistant, as without any of these"
    )
    parser.add_argument(
        "--web",
        action="store_true",
        help="serve a page for conversations in a browser, until Ctrl-C; it begins with chat, or what else is chosen",
    )
    parser.add_argument(
        "--port",
        type=port_number,
        metavar="PORT",
        help=f"with --web: the port of the page, 0 takes a free one (default: {_WEB_PORT})",
    )
    parser.add_argument(
        "--redis", metavar="URL", help="with --web: keep the runs in Redis, which several of these can share"
    )
    parser.add_argument("--fastapi", action="store_true", help="with --web: serve it with FastAPI and uvicorn")
    parser.add_argument(
        "--delay",
        metavar="SECONDS",
        type=_delay,
        help=f"time between two events, from 0 to {_MAX_DELAY:g} (default: {_WATCHED_DELAY:g} on a terminal and with "
        "--web, else 0)",
    )


async def _run(options: Namespace, terminal: Terminal) -> int:
    delay: float | None = options.delay
    if options.web:
        await _serve_web(options, terminal, _WATCHED_DELAY if delay is None else delay)
        return 0
    if options.port is not None or options.redis is not None or options.fastapi:
        raise CommandFailed("--port, --redis and --fastapi need --web")
    if delay is None:
        delay = _WATCHED_DELAY if terminal.interactive else 0.0
    chosen = [f"--{name}" for name in ("chat", "responses", "assistants") if getattr(options, name)]
    if len(chosen) > 1:
        raise CommandFailed(f"{chosen[0]} and {chosen[1]} are two demos; choose one")
    demos = {options.chat: chat.show, options.responses: responses.show}
    await demos.get(True, assistants.show)(terminal, delay=delay)
    return 0


async def _serve_web(options: Namespace, terminal: Terminal, delay: float) -> None:
    # Imported here: the other demos do without the relay.
    from asyncstream.commands.web_demo import serve_web
    from asyncstream.examples.web.conversations import ProtocolName

    chosen: list[ProtocolName] = [name for name in ("chat", "responses", "assistants") if getattr(options, name)]
    if len(chosen) > 1:
        raise CommandFailed(f"--{chosen[0]} and --{chosen[1]} are two protocols to begin with; choose one")
    port = _WEB_PORT if options.port is None else options.port
    await serve_web(
        terminal,
        host="127.0.0.1",
        port=port,
        delay=delay,
        redis=options.redis,
        fastapi=options.fastapi,
        protocol=chosen[0] if chosen else "chat",
    )


COMMAND = Command(
    name="demo",
    help="watch an assistant's run, a chat or a response stream, from a server that is started for it",
    description=(
        "Start the embedded server, create an assistant with a function tool and a code interpreter, and show its run "
        "as it streams: every event, the text, the function calls and how they are answered, the code and its logs, "
        "and at the end the finished objects. With --chat, ask a chat model that calls two functions at once: their "
        "names come first, then the arguments of both by turns. With --responses, ask for a response that thinks, "
        "searches the web and calls a function, whose output goes back in the same stream. With --web, serve a page "
        "for conversations, with tools that ask before they act. Needs no key and no network. The exit status is 0 if "
        "the run or the answer completed."
    ),
    add_arguments=_add_arguments,
    run=_run,
)
