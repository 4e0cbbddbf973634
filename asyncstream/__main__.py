"""``python -m asyncstream``: parse the command line, run one command, answer with its exit status.

What the commands do is in `commands`; here stand only what they have in common: how they end, and what is shown then.

    0     it did what it was asked to
    1     it failed; one line ``error: ...`` on stderr says how
    2     the command line is wrong
    3     chat: the model stopped before its answer was whole, or refused
    130   Ctrl-C
    141   the reader of stdout went away (``| head -3``)
"""

import asyncio
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from asyncstream.commands import COMMANDS
from asyncstream.commands.command import Command, CommandFailed
from asyncstream.commands.statuses import FAILED, INTERRUPTED, OUTPUT_CLOSED, WRONG_USAGE
from asyncstream.commands.terminal import OutputFailed, Terminal
from asyncstream.errors import AsyncStreamError
from asyncstream.version import VERSION

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        argv: The arguments without the program; None takes those of the process.
    """
    terminal = Terminal.on(sys.stdout)
    try:
        try:
            return _run(argv, terminal)
        except KeyboardInterrupt:
            terminal.leave()
            return INTERRUPTED
        finally:
            # argparse writes to the same stream, and leaves it to the interpreter's exit to find out that it failed.
            terminal.flush()
    except OutputFailed as failure:
        terminal.discard()
        return OUTPUT_CLOSED if failure.closed else _fail(failure)


def _run(argv: Sequence[str] | None, terminal: Terminal) -> int:
    parser = _parser()
    try:
        options = parser.parse_args(argv)
    except SystemExit as ending:
        # argparse has printed the help, the version or what is wrong.
        return ending.code if isinstance(ending.code, int) else WRONG_USAGE
    command: Command | None = options.command
    if command is None:
        parser.print_help(sys.stderr)
        return WRONG_USAGE
    try:
        return asyncio.run(command.run(options, terminal))
    except (CommandFailed, AsyncStreamError, OSError) as error:
        terminal.end_line()
        return _fail(error)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        # Under -m, argparse up to 3.13 would call the program "__main__.py".
        prog="python -m asyncstream" if Path(sys.argv[0]) == Path(__file__) else "asyncstream",
        description="Asyncio client for OpenAI's streaming protocols: try it, ask a model, or serve your own programs.",
    )
    parser.add_argument("--version", action="version", version=f"asyncstream {VERSION}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        subparser = commands.add_parser(command.name, help=command.help, description=command.description)
        command.add_arguments(subparser)
        subparser.set_defaults(command=command)
    return parser


def _fail(error: Exception) -> int:
    # With stderr closed, print(file=None) would write to stdout.
    if sys.stderr is not None:
        line = " ".join(str(error).split()) or type(error).__name__
        print(f"error: {line}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
