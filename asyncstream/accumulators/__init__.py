"""Pure folding: events in, typed changes and snapshots out. A folder a protocol, beside it what they share."""

from typing import TYPE_CHECKING

from asyncstream.faces import face

if TYPE_CHECKING:
    from asyncstream.accumulators.assistants.accumulator import *
    from asyncstream.accumulators.assistants.changes import *
    from asyncstream.accumulators.changes import *
    from asyncstream.accumulators.chat.accumulator import *
    from asyncstream.accumulators.chat.answers import *
    from asyncstream.accumulators.chat.changes import *
    from asyncstream.accumulators.responses.accumulator import *
    from asyncstream.accumulators.responses.audio import *
    from asyncstream.accumulators.responses.changes import *
    from asyncstream.decoding import Repair as Repair
    from asyncstream.looping.changes import RoundDone as RoundDone
    from asyncstream.looping.changes import ToolResultChanged as ToolResultChanged
    from asyncstream.looping.changes import ToolResultCreated as ToolResultCreated
    from asyncstream.looping.changes import ToolResultDone as ToolResultDone
else:
    __getattr__, __dir__ = face(
        __name__,
        "assistants.accumulator",
        "assistants.changes",
        "changes",
        "chat.accumulator",
        "chat.answers",
        "chat.changes",
        "responses.accumulator",
        "responses.audio",
        "responses.changes",
        Repair="asyncstream.decoding",
        RoundDone="asyncstream.looping.changes",
        ToolResultChanged="asyncstream.looping.changes",
        ToolResultCreated="asyncstream.looping.changes",
        ToolResultDone="asyncstream.looping.changes",
    )
