"""The changes of a run: of its messages and their parts, its steps, and itself. What they mean is in `changes`. Pure.

Made by `messages`, `run_steps` and `assistants`; a tool call's are in `changes`.
"""

from msgspec import Struct

from asyncstream.accumulators.changes import LiveChange
from asyncstream.types.messages import ImageFile, ImageFileDelta, Message, MessageDelta, Text, TextDelta
from asyncstream.types.run_steps import RunStep, RunStepDelta
from asyncstream.types.runs import Run

__all__ = [
    "ImageFileChanged",
    "ImageFileCreated",
    "ImageFileDone",
    "MessageChanged",
    "MessageCreated",
    "MessageDone",
    "RunChanged",
    "RunStepChanged",
    "RunStepCreated",
    "RunStepDone",
    "TextChanged",
    "TextCreated",
    "TextDone",
]


class MessageCreated(Struct, frozen=True, gc=False):
    """A message was heard of for the first time."""

    snapshot: Message


class MessageChanged(LiveChange[Message], frozen=True, gc=False):
    """A message grew by a delta; comes after the changes of its parts."""

    delta: MessageDelta


class MessageDone(LiveChange[Message], frozen=True, gc=False):
    """A message ended, or the run that wrote it did."""


class TextCreated(Struct, frozen=True, gc=False):
    """A text part opened."""

    snapshot: Text
    message_id: str
    index: int
    """The part's place in its message."""


class TextChanged(LiveChange[Text], frozen=True, gc=False):
    """A text part grew; a delta with annotations only has no `value`."""

    delta: TextDelta
    message_id: str
    index: int


class TextDone(LiveChange[Text], frozen=True, gc=False):
    """A text part is complete."""

    message_id: str
    index: int


class ImageFileCreated(Struct, frozen=True, gc=False):
    """An image file part opened."""

    snapshot: ImageFile
    message_id: str
    index: int


class ImageFileChanged(LiveChange[ImageFile], frozen=True, gc=False):
    """A delta said something of an image file part."""

    delta: ImageFileDelta
    message_id: str
    index: int


class ImageFileDone(LiveChange[ImageFile], frozen=True, gc=False):
    """An image file part is complete."""

    message_id: str
    index: int


class RunStepCreated(Struct, frozen=True, gc=False):
    """A run step was heard of for the first time."""

    snapshot: RunStep


class RunStepChanged(LiveChange[RunStep], frozen=True, gc=False):
    """A run step grew by a delta; comes after the changes of its tool calls."""

    delta: RunStepDelta


class RunStepDone(LiveChange[RunStep], frozen=True, gc=False):
    """A run step ended, or its run did."""


class RunChanged(LiveChange[Run], frozen=True, gc=False):
    """The run moved on; comes after whatever its end closed."""

    delta: Run
    """The run as this event has it."""
    event: str
    """The wire name of the event."""
    ended: bool = False
    """Whether this event ends the run, or hands it over for tool outputs, for the first time."""
