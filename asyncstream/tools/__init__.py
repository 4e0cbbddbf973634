"""Tools: functions that a model may call, the rules they are run by, and what came of the calls. Public names only."""

from typing import TYPE_CHECKING

from asyncstream.faces import face

if TYPE_CHECKING:
    from asyncstream.tools.calls import *
    from asyncstream.tools.content import *
    from asyncstream.tools.context import *
    from asyncstream.tools.functions import *
    from asyncstream.tools.next_round import *
    from asyncstream.tools.rounds import *
    from asyncstream.tools.tool import *
    from asyncstream.tools.toolset import *
else:
    __getattr__, __dir__ = face(
        __name__,
        "calls",
        "content",
        "context",
        "functions",
        "next_round",
        "rounds",
        "tool",
        "toolset",
    )
