"""Pure folding: events in, typed changes and snapshots out. One file a protocol and what they share."""

from asyncstream.accumulators.assistants import AssistantAccumulator, AssistantChange
from asyncstream.accumulators.changes import (
    ImageFileChanged,
    ImageFileCreated,
    ImageFileDone,
    MessageChanged,
    MessageCreated,
    MessageDone,
    RunChanged,
    RunStepChanged,
    RunStepCreated,
    RunStepDone,
    TextChanged,
    TextCreated,
    TextDone,
    ToolCallChanged,
    ToolCallCreated,
    ToolCallDone,
)
from asyncstream.decoding import Repair

__all__ = [
    "AssistantAccumulator",
    "AssistantChange",
    "ImageFileChanged",
    "ImageFileCreated",
    "ImageFileDone",
    "MessageChanged",
    "MessageCreated",
    "MessageDone",
    "Repair",
    "RunChanged",
    "RunStepChanged",
    "RunStepCreated",
    "RunStepDone",
    "TextChanged",
    "TextCreated",
    "TextDone",
    "ToolCallChanged",
    "ToolCallCreated",
    "ToolCallDone",
]
