"""``demo``: a stream to look at, from a server that this process starts for it. No key, no network, no model.

The option, and which demo it is; the demos themselves are in `demos`, one file a protocol.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace

from asyncstream.commands.command import Command
from asyncstream.commands.demos import assistants, chat
from asyncstream.commands.terminal import Terminal

__all__ = ["COMMAND"]

# Seconds between events: fast enough not to bore, slow enough to be seen.
_WATCHED_DELAY = 0.04
# A demo has some 90 events, and its run expires after ten minutes.
_MAX_DELAY = 5.0


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
    parser.add_argument(
        "--delay",
        metavar="SECONDS",
        type=_delay,
        help=f"time between two events, from 0 to {_MAX_DELAY:g} (default: {_WATCHED_DELAY:g} on a terminal, else 0)",
    )


async def _run(options: Namespace, terminal: Terminal) -> int:
    delay: float | None = options.delay
    if delay is None:
        delay = _WATCHED_DELAY if terminal.interactive else 0.0
    show = chat.show if options.chat else assistants.show
    await show(terminal, delay=delay)
    return 0


COMMAND = Command(
    name="demo",
    help="watch an assistant's run or a chat stream, from a server that is started for it",
    description=(
        "Start the embedded server, create an assistant with a function tool and a code interpreter, and show its run "
        "as it streams: every event, the text, the function calls and how they are answered, the code and its logs, "
        "and at the end the finished objects. With --chat, ask a chat model that calls two functions at once: their "
        "names come first, then the arguments of both by turns. Needs no key and no network. The exit status is 0 if "
        "the run or the answer completed."
    ),
    add_arguments=_add_arguments,
    run=_run,
)
