"""``serve``: the embedded server as a process of its own, until Ctrl-C or SIGTERM."""

import asyncio
import contextlib
import errno
import signal
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from asyncstream.commands.command import Command, CommandFailed
from asyncstream.commands.terminal import Terminal
from asyncstream.server import DIALECTS, Scenario, serve

__all__ = ["COMMAND"]

_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 8000


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 65535")
    return int(text)


def _api_key(text: str) -> str:
    if not text.strip():
        raise ArgumentTypeError("the key is empty; without --api-key any key is accepted")
    return text


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=_port, default=_DEFAULT_PORT, help="0 takes a free one (default: %(default)s)", metavar="PORT"
    )
    parser.add_argument("--host", default=_DEFAULT_HOST, help="the address to listen on (default: %(default)s)")
    parser.add_argument(
        "--dialect",
        choices=DIALECTS,
        default="empower",
        metavar="NAME",
        help=f"how chat answers are streamed: {', '.join(DIALECTS)} (default: %(default)s)",
    )
    parser.add_argument(
        "--api-key", type=_api_key, metavar="KEY", help="the only key that is accepted (default: any, but not none)"
    )


async def _run(options: Namespace, terminal: Terminal) -> int:
    host: str = options.host
    port: int = options.port
    api_key: str | None = options.api_key
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        stop.set()

    # Without handlers (Windows), Ctrl-C cancels this coroutine instead.
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, interrupt)
        loop.add_signal_handler(signal.SIGTERM, stop.set)
    try:
        scenario = Scenario(dialect=DIALECTS[options.dialect])
        async with serve(scenario, port, host=host, api_key=api_key) as base_url:
            key = '"any"' if api_key is None else "KEY"
            # The URL alone on the first line, for scripts. One write: who reads one line of it does no harm.
            terminal.write(f'{base_url}\nuse it with AsyncClient(api_key={key}, base_url="{base_url}")\n')
            with contextlib.suppress(asyncio.CancelledError):
                await stop.wait()
    except OSError as error:
        raise CommandFailed(_why(error, host, port)) from error
    if interrupted:
        terminal.leave()
    return 0


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; choose another with --port, 0 takes a free one"
    # asyncio puts in front of the reason what it was trying.
    return f"cannot listen on {host}, port {port}: {(error.strerror or str(error)).rpartition(': ')[2]}"


COMMAND = Command(
    name="serve",
    help="run the embedded server, for your own programs to talk to",
    description=(
        "Run an in-memory server of Assistants and chat completions, until Ctrl-C. It answers from the user's message, "
        "runs code if the assistant has a code interpreter, and calls the first function. The first line printed is "
        "the base URL."
    ),
    add_arguments=_add_arguments,
    run=_run,
)
