"""``serve``: the embedded server as a process of its own, until Ctrl-C or SIGTERM."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace

from asyncstream.commands.command import Command, CommandFailed
from asyncstream.commands.listening import cannot_listen, port_number, until_stopped
from asyncstream.commands.terminal import Terminal
from asyncstream.server import DIALECTS, RESPONSES_DIALECTS, ResponsesDialect, Scenario, serve

__all__ = ["COMMAND"]

_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 8000


def _api_key(text: str) -> str:
    if not text.strip():
        raise ArgumentTypeError("the key is empty; without --api-key any key is accepted")
    return text


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=port_number,
        default=_DEFAULT_PORT,
        help="0 takes a free one (default: %(default)s)",
        metavar="PORT",
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
        "--responses-dialect",
        choices=RESPONSES_DIALECTS,
        metavar="NAME",
        help=f"how responses are streamed: {', '.join(RESPONSES_DIALECTS)} (default: as OpenAI, without padding)",
    )
    parser.add_argument(
        "--api-key", type=_api_key, metavar="KEY", help="the only key that is accepted (default: any, but not none)"
    )


async def _run(options: Namespace, terminal: Terminal) -> int:
    host: str = options.host
    port: int = options.port
    api_key: str | None = options.api_key
    try:
        responses_dialect = RESPONSES_DIALECTS.get(options.responses_dialect, ResponsesDialect())
        scenario = Scenario(dialect=DIALECTS[options.dialect], responses_dialect=responses_dialect)
        async with serve(scenario, port, host=host, api_key=api_key) as base_url:
            key = '"any"' if api_key is None else "KEY"
            # The URL alone on the first line, for scripts. One write: who reads one line of it does no harm.
            terminal.write(f'{base_url}\nuse it with AsyncClient(api_key={key}, base_url="{base_url}")\n')
            interrupted = await until_stopped()
    except OSError as error:
        raise CommandFailed(cannot_listen(error, host, port)) from error
    if interrupted:
        terminal.leave()
    return 0


COMMAND = Command(
    name="serve",
    help="run the embedded server, for your own programs to talk to",
    description=(
        "Run an in-memory server of Assistants, chat completions and Responses, until Ctrl-C. It answers from the "
        "user's message, runs code if it has a code interpreter, and calls the first function. The first line printed "
        "is the base URL."
    ),
    add_arguments=_add_arguments,
    run=_run,
)
