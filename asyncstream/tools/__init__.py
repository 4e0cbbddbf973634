"""Tools and answers from the user's own types, and what is kept of calls that were answered. Public names only."""

from typing import TYPE_CHECKING

from asyncstream.faces import face

if TYPE_CHECKING:
    from asyncstream.tools.calls import *
    from asyncstream.tools.functions import *
    from asyncstream.tools.rounds import *
else:
    __getattr__, __dir__ = face(
        __name__,
        "calls",
        "functions",
        "rounds",
    )
