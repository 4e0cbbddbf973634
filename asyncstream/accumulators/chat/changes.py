"""The changes of a chat answer: of the parts of its choices. What they mean is in `changes`. Pure.

Made by `choice_parts` and `choices`; those of a tool call and of the usage are in `changes`.
"""

from typing import ClassVar, Generic

from msgspec import Struct

from asyncstream.accumulators.changes import LiveChange, TypedText
from asyncstream.partial import parse_partial_as
from asyncstream.types.chat import Choice
from asyncstream.types.chat_parts import ChoiceLogprobs
from asyncstream.types.structs import ParsedT

__all__ = [
    "ContentChanged",
    "ContentCreated",
    "ContentDone",
    "FinishChanged",
    "LogprobsChanged",
    "ReasoningChanged",
    "ReasoningCreated",
    "ReasoningDone",
    "RefusalChanged",
    "RefusalCreated",
    "RefusalDone",
]


class ContentCreated(Struct, frozen=True, gc=False):
    """The content of a choice began."""

    snapshot: str
    """Empty."""
    index: int
    """The index of the choice."""

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index


class ContentChanged(LiveChange[str], Generic[ParsedT], frozen=True, gc=False):
    """The content of a choice grew."""

    field: ClassVar[str] = "content"

    source: TypedText[ParsedT]
    delta: str
    """The new text as sent: the halves of a surrogate pair may come apart."""
    index: int

    @property
    def partial(self) -> ParsedT | None:
        """The content so far as the type that was given as `response_format`, as far as it goes; costs one parse of it.

        What is last and does not fit yet is left out. None: no type was given, or nothing fits it yet, which lasts
        until all has come that it may not lack. For showing only: a number may still grow, and an answer that is cut
        has this too, but no `message.parsed`.

        Raises:
            ConfigurationError: The extra ``[partial]`` is not installed.
        """
        target = self.source.response_format
        return None if target is None else parse_partial_as(self.source.snapshot(), target)

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index

    @property
    def piece(self) -> str:
        """The text that came."""
        return self.delta


class ContentDone(LiveChange[str], frozen=True, gc=False):
    """The content of a choice is complete: the choice has a finish reason, or the stream is over."""

    index: int

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index


class RefusalCreated(Struct, frozen=True, gc=False):
    """The model began to say why it will not."""

    snapshot: str
    """Empty."""
    index: int
    """The index of the choice."""

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index


class RefusalChanged(LiveChange[str], frozen=True, gc=False):
    """A refusal grew."""

    field: ClassVar[str] = "refusal"

    delta: str
    index: int

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index

    @property
    def piece(self) -> str:
        """The text that came."""
        return self.delta


class RefusalDone(LiveChange[str], frozen=True, gc=False):
    """A refusal is complete."""

    index: int

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index


class ReasoningCreated(Struct, frozen=True, gc=False):
    """The model began to think aloud."""

    snapshot: str
    """Empty."""
    index: int
    """The index of the choice."""

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index


class ReasoningChanged(LiveChange[str], frozen=True, gc=False):
    """The reasoning of a choice grew, under whatever key it came."""

    field: ClassVar[str] = "reasoning"

    delta: str
    index: int

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index

    @property
    def piece(self) -> str:
        """The text that came."""
        return self.delta


class ReasoningDone(LiveChange[str], frozen=True, gc=False):
    """The reasoning of a choice is complete: the choice has a finish reason, or the stream is over."""

    index: int

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index


class LogprobsChanged(LiveChange[ChoiceLogprobs], frozen=True, gc=False):
    """More log probabilities of a choice came."""

    field: ClassVar[str] = "logprobs"
    piece: ClassVar[str] = ""

    delta: ChoiceLogprobs
    index: int
    """The index of the choice."""

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index


class FinishChanged(LiveChange[Choice[ParsedT]], Generic[ParsedT], frozen=True, gc=False):
    """A choice has a finish reason, or another than before; comes after whatever it closed."""

    field: ClassVar[str] = "finish_reason"
    piece: ClassVar[str] = ""

    delta: str
    """The reason, in the provider's own words."""
    index: int
    """The index of the choice."""

    @property
    def parent(self) -> int:
        """The index of the choice."""
        return self.index
