"""What an accumulator's `push` returns: typed changes, `<Noun>Created`, `<Noun>Changed`, `<Noun>Done`. Pure.

A change of a noun that several protocols have is generic in its snapshot and its delta.

The `snapshot` of a created change is a fresh struct with what identifies the noun, without text or arguments. Any
other snapshot is built when it is looked at, includes the event, and costs one copy of the text so far; looked at
after later events were pushed, it includes these too.
"""

from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from asyncstream.types import (
    Choice,
    ChoiceLogprobs,
    CompletionUsage,
    ImageFile,
    ImageFileDelta,
    Message,
    MessageDelta,
    Run,
    RunStep,
    RunStepDelta,
    Text,
    TextDelta,
)

__all__ = [
    "ChangeSink",
    "ContentChanged",
    "ContentCreated",
    "ContentDone",
    "FinishChanged",
    "ImageFileChanged",
    "ImageFileCreated",
    "ImageFileDone",
    "LogprobsChanged",
    "MessageChanged",
    "MessageCreated",
    "MessageDone",
    "ReasoningChanged",
    "ReasoningCreated",
    "ReasoningDone",
    "RefusalChanged",
    "RefusalCreated",
    "RefusalDone",
    "RunChanged",
    "RunStepChanged",
    "RunStepCreated",
    "RunStepDone",
    "Snapshotable",
    "TextChanged",
    "TextCreated",
    "TextDone",
    "ToolCallChanged",
    "ToolCallCreated",
    "ToolCallDone",
    "UsageChanged",
]

C_co = TypeVar("C_co", covariant=True)
C_contra = TypeVar("C_contra", contravariant=True)
C = TypeVar("C")
D = TypeVar("D")


class ChangeSink(Protocol[C_contra]):
    """What a fold appends its changes to: a list that may hold other changes too."""

    def append(self, change: C_contra, /) -> None:
        """Take the next change."""
        ...


class Snapshotable(Protocol[C_co]):
    """Something in an accumulator that grows and can be looked at."""

    def snapshot(self) -> C_co:
        """Build the plain struct of what arrived so far."""
        ...


class _Live(Struct, Generic[C], frozen=True, gc=False):
    """A change whose snapshot is built when it is looked at."""

    source: Snapshotable[C]
    """What changed, as the accumulator keeps it."""

    @property
    def snapshot(self) -> C:
        """The noun as it is now; costs one copy of its text."""
        return self.source.snapshot()

    def __repr__(self) -> str:
        fields = [f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name != "source"]
        return f"{type(self).__name__}({', '.join(fields)})"


class MessageCreated(Struct, frozen=True, gc=False):
    """A message was heard of for the first time."""

    snapshot: Message


class MessageChanged(_Live[Message], frozen=True, gc=False):
    """A message grew by a delta; comes after the changes of its parts."""

    delta: MessageDelta


class MessageDone(_Live[Message], frozen=True, gc=False):
    """A message ended, or the run that wrote it did."""


class TextCreated(Struct, frozen=True, gc=False):
    """A text part opened."""

    snapshot: Text
    message_id: str
    index: int
    """The part's place in its message."""


class TextChanged(_Live[Text], frozen=True, gc=False):
    """A text part grew; a delta with annotations only has no `value`."""

    delta: TextDelta
    message_id: str
    index: int


class TextDone(_Live[Text], frozen=True, gc=False):
    """A text part is complete."""

    message_id: str
    index: int


class ImageFileCreated(Struct, frozen=True, gc=False):
    """An image file part opened."""

    snapshot: ImageFile
    message_id: str
    index: int


class ImageFileChanged(_Live[ImageFile], frozen=True, gc=False):
    """A delta said something of an image file part."""

    delta: ImageFileDelta
    message_id: str
    index: int


class ImageFileDone(_Live[ImageFile], frozen=True, gc=False):
    """An image file part is complete."""

    message_id: str
    index: int


class RunStepCreated(Struct, frozen=True, gc=False):
    """A run step was heard of for the first time."""

    snapshot: RunStep


class RunStepChanged(_Live[RunStep], frozen=True, gc=False):
    """A run step grew by a delta; comes after the changes of its tool calls."""

    delta: RunStepDelta


class RunStepDone(_Live[RunStep], frozen=True, gc=False):
    """A run step ended, or its run did."""


class ToolCallCreated(Struct, Generic[C], frozen=True, gc=False):
    """A tool call opened: its id, type and name, as far as the wire gave them."""

    snapshot: C
    parent: str | int
    """The id of its run step, or the index of its choice."""
    index: int
    """Its place among its siblings: the wire's index in a run step, the place in `message.tool_calls` in a choice."""


class ToolCallChanged(_Live[C], Generic[C, D], frozen=True, gc=False):
    """A tool call grew."""

    delta: D
    parent: str | int
    index: int


class ToolCallDone(_Live[C], Generic[C], frozen=True, gc=False):
    """A tool call is complete: its arguments will not grow any more."""

    parent: str | int
    index: int


class RunChanged(_Live[Run], frozen=True, gc=False):
    """The run moved on; comes after whatever its end closed."""

    delta: Run
    """The run as this event has it."""
    event: str
    """The wire name of the event."""
    ended: bool = False
    """Whether this event ends the run, or hands it over for tool outputs, for the first time."""


class ContentCreated(Struct, frozen=True, gc=False):
    """The content of a choice began."""

    snapshot: str
    """Empty."""
    index: int
    """The index of the choice."""


class ContentChanged(_Live[str], frozen=True, gc=False):
    """The content of a choice grew."""

    delta: str
    """The new text as sent: the halves of a surrogate pair may come apart."""
    index: int


class ContentDone(_Live[str], frozen=True, gc=False):
    """The content of a choice is complete: the choice has a finish reason, or the stream is over."""

    index: int


class RefusalCreated(Struct, frozen=True, gc=False):
    """The model began to say why it will not."""

    snapshot: str
    """Empty."""
    index: int
    """The index of the choice."""


class RefusalChanged(_Live[str], frozen=True, gc=False):
    """A refusal grew."""

    delta: str
    index: int


class RefusalDone(_Live[str], frozen=True, gc=False):
    """A refusal is complete."""

    index: int


class ReasoningCreated(Struct, frozen=True, gc=False):
    """The model began to think aloud."""

    snapshot: str
    """Empty."""
    index: int
    """The index of the choice."""


class ReasoningChanged(_Live[str], frozen=True, gc=False):
    """The reasoning of a choice grew, under whatever key it came."""

    delta: str
    index: int


class ReasoningDone(_Live[str], frozen=True, gc=False):
    """The reasoning of a choice is complete: the choice has a finish reason, or the stream is over."""

    index: int


class LogprobsChanged(_Live[ChoiceLogprobs], frozen=True, gc=False):
    """More log probabilities of a choice came."""

    delta: ChoiceLogprobs
    index: int
    """The index of the choice."""


class FinishChanged(_Live[Choice], frozen=True, gc=False):
    """A choice has a finish reason, or another than before; comes after whatever it closed."""

    delta: str
    """The reason, in the provider's own words."""
    index: int
    """The index of the choice."""


class UsageChanged(_Live[CompletionUsage], frozen=True, gc=False):
    """The usage came, or another that takes its place."""

    delta: CompletionUsage
