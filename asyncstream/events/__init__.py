"""Event structs, the unions of them, and `decode_stream`: from raw bytes without a client. Public names only."""

from typing import TYPE_CHECKING

from asyncstream.faces import face

if TYPE_CHECKING:
    from asyncstream.events.assistants import *
    from asyncstream.events.chat import *
    from asyncstream.events.control import *
    from asyncstream.events.decode import *
    from asyncstream.events.loops import *
    from asyncstream.events.responses import *
    from asyncstream.events.responses_bases import *
    from asyncstream.events.responses_deltas import *
    from asyncstream.events.responses_states import *
else:
    __getattr__, __dir__ = face(
        __name__,
        "assistants",
        "chat",
        "control",
        "decode",
        "loops",
        "responses",
        "responses_bases",
        "responses_deltas",
        "responses_states",
    )
