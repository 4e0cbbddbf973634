"""What a command is to `__main__`: a name, its arguments, and a coroutine that runs it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from asyncstream.commands.terminal import Terminal

__all__ = ["Command", "CommandFailed"]


class CommandFailed(Exception):
    """The command cannot do what it was asked to; its message is shown as one line, and the exit status is 1."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of ``python -m asyncstream``."""

    name: str
    help: str
    """One line for the list of commands."""
    description: str
    """A sentence or two for the command's own help."""
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Terminal], Coroutine[None, None, int]]
    """Gives the exit status. Raises CommandFailed, or an error of ours."""
