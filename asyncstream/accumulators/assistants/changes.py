"""The changes of a run: of its messages and their parts, its steps, and itself. What they mean is in `changes`. Pure.

Made by `messages`, `run_steps` and `assistants`; a tool call's are in `changes`.
"""

from typing import ClassVar, Protocol, TypeVar

from msgspec import Struct

from asyncstream.accumulators.changes import LiveChange, Snapshotable
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

C_co = TypeVar("C_co", covariant=True)


class Identified(Snapshotable[C_co], Protocol[C_co]):
    """A message or a step as it grows."""

    @property
    def id(self) -> str:
        """Its id, which costs no snapshot."""
        ...


class MessageCreated(Struct, frozen=True, gc=False):
    """A message was heard of for the first time."""

    snapshot: Message

    @property
    def parent(self) -> str:
        """The id of the message."""
        return self.snapshot.id


class MessageChanged(LiveChange[Message], frozen=True, gc=False):
    """A message grew by a delta; comes after the changes of its parts."""

    field: ClassVar[str] = "content"
    piece: ClassVar[str] = ""
    source: Identified[Message]

    delta: MessageDelta

    @property
    def parent(self) -> str:
        """The id of the message."""
        return self.source.id


class MessageDone(LiveChange[Message], frozen=True, gc=False):
    """A message ended, or the run that wrote it did."""

    source: Identified[Message]

    @property
    def parent(self) -> str:
        """The id of the message."""
        return self.source.id


class TextCreated(Struct, frozen=True, gc=False):
    """A text part opened."""

    snapshot: Text
    message_id: str
    index: int
    """The part's place in its message."""

    @property
    def parent(self) -> str:
        """The id of the message."""
        return self.message_id


class TextChanged(LiveChange[Text], frozen=True, gc=False):
    """A text part grew; a delta with annotations only has no `value`."""

    field: ClassVar[str] = "value"

    delta: TextDelta
    message_id: str
    index: int

    @property
    def parent(self) -> str:
        """The id of the message."""
        return self.message_id

    @property
    def piece(self) -> str:
        """The text that came."""
        return self.delta.value or ""


class TextDone(LiveChange[Text], frozen=True, gc=False):
    """A text part is complete."""

    message_id: str
    index: int

    @property
    def parent(self) -> str:
        """The id of the message."""
        return self.message_id


class ImageFileCreated(Struct, frozen=True, gc=False):
    """An image file part opened."""

    snapshot: ImageFile
    message_id: str
    index: int

    @property
    def parent(self) -> str:
        """The id of the message."""
        return self.message_id


class ImageFileChanged(LiveChange[ImageFile], frozen=True, gc=False):
    """An image file part grew."""

    field: ClassVar[str] = "image_file"
    piece: ClassVar[str] = ""

    delta: ImageFileDelta
    message_id: str
    index: int

    @property
    def parent(self) -> str:
        """The id of the message."""
        return self.message_id


class ImageFileDone(LiveChange[ImageFile], frozen=True, gc=False):
    """An image file part is complete."""

    message_id: str
    index: int

    @property
    def parent(self) -> str:
        """The id of the message."""
        return self.message_id


class RunStepCreated(Struct, frozen=True, gc=False):
    """A run step was heard of for the first time."""

    snapshot: RunStep

    @property
    def parent(self) -> str:
        """The id of the run step."""
        return self.snapshot.id


class RunStepChanged(LiveChange[RunStep], frozen=True, gc=False):
    """A run step grew by a delta; comes after the changes of its tool calls."""

    field: ClassVar[str] = "step_details"
    piece: ClassVar[str] = ""
    source: Identified[RunStep]

    delta: RunStepDelta

    @property
    def parent(self) -> str:
        """The id of the run step."""
        return self.source.id


class RunStepDone(LiveChange[RunStep], frozen=True, gc=False):
    """A run step ended, or its run did."""

    source: Identified[RunStep]

    @property
    def parent(self) -> str:
        """The id of the run step."""
        return self.source.id


class RunChanged(LiveChange[Run], frozen=True, gc=False):
    """The run moved on; comes after whatever its end closed."""

    field: ClassVar[str] = "status"
    piece: ClassVar[str] = ""

    delta: Run
    """The run as this event has it."""
    event: str
    """The wire name of the event."""
    ended: bool = False
    """Whether this event ends the run, or hands it over for tool outputs, for the first time."""

    @property
    def parent(self) -> str:
        """The id of the run."""
        return self.delta.id
