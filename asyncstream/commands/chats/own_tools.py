"""The tools of ``chat --tools``: functions of the user's own modules, and the question before one of them runs.

Used by `chat`. Knows no protocol; what runs the functions is the stream.
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Sequence

from asyncstream.commands.command import CommandFailed
from asyncstream.commands.conversation import answer_to
from asyncstream.commands.terminal import Terminal
from asyncstream.tools import AnyToolCall, Refused, Tool, Tools

__all__ = ["own_tools", "shortened"]

_LONGEST = 200
"""Characters that are shown of arguments and outputs: some two lines of a terminal."""


def own_tools(said: Sequence[str], terminal: Terminal, beside: Terminal) -> Tools[None]:
    """Import what ``--tools`` names, as modules of the current directory or as installed ones.

    Args:
        said: Each ``module:function,module:function``; a name may also stand for a `Tool`.
        terminal: Where the answer is printed.
        beside: Where the user is asked before a tool with ``approve=True`` runs.

    Raises:
        CommandFailed: There is no such module or function, or importing it failed.
        ConfigurationError: A function cannot be a tool.
    """
    # An installed command does not look in the directory that it was started in.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    names = [name for listed in said for name in listed.split(",") if name]
    return Tools(*map(_found, names), approve=_Approval(terminal, beside).ask)


def shortened(text: str) -> str:
    """Return a text as one line, without its end if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _found(name: str) -> Tool:
    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise CommandFailed(f"expected --tools as module:function, got {name!r}")
    try:
        found: object = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise CommandFailed(f"cannot import {module_name}: {error}") from error
        raise CommandFailed(f"there is no module {module_name!r}, neither here nor installed") from error
    except Exception as error:  # whatever a module of the user's raises
        raise CommandFailed(f"cannot import {module_name}: {type(error).__name__}: {error}") from error
    for part in path.split("."):
        found = getattr(found, part, None)
    if isinstance(found, Tool):
        return found
    if not callable(found):
        raise CommandFailed(f"there is no function {path!r} in the module {module_name!r}")
    return Tool(found)


class _Approval:
    """Asks the user, one call at a time."""

    def __init__(self, terminal: Terminal, beside: Terminal) -> None:
        self._terminal = terminal
        self._beside = beside
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, call: AnyToolCall) -> bool | Refused:
        """Return whether a call may run."""
        if sys.stdin is None or not sys.stdin.isatty():
            return Refused("Nobody was there to allow it.")
        async with self._one_at_a_time:
            self._terminal.end_line()
            # All of it: what runs is what was shown.
            self._beside.write(f"run {call.name} {call.arguments}? [y/N] ")
            said = await answer_to()
        return said.strip().lower() in ("y", "yes") or Refused("The user did not allow it.")
