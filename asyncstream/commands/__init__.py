"""The commands of ``python -m asyncstream``, one file each; roof floor, nothing below imports it.

A new command is a file with a `COMMAND` and its place in the tuple, which is the order of the help. Parsing and exit
statuses are in `__main__`; `terminal` is how a command writes, `transcript` how a stream is shown while it runs, and
`chats` and `demos` have a file for each protocol. What begins with `web` is the browser example of ``demo --web``, an
application to copy.
"""

from asyncstream.commands import chat, demo, serve
from asyncstream.commands.command import Command

__all__ = ["COMMANDS"]

COMMANDS: tuple[Command, ...] = (demo.COMMAND, chat.COMMAND, serve.COMMAND)
