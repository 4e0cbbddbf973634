"""The changes of a chat answer: of the parts of its choices, and its usage. What they mean is in `changes`. Pure.

Made by `choice_parts`, `choices` and `chat`; a tool call's are in `changes`.
"""

from msgspec import Struct

from asyncstream.accumulators.changes import LiveChange
from asyncstream.types.chat import Choice
from asyncstream.types.chat_parts import ChoiceLogprobs, CompletionUsage

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
    "UsageChanged",
]


class ContentCreated(Struct, frozen=True, gc=False):
    """The content of a choice began."""

    snapshot: str
    """Empty."""
    index: int
    """The index of the choice."""


class ContentChanged(LiveChange[str], frozen=True, gc=False):
    """The content of a choice grew."""

    delta: str
    """The new text as sent: the halves of a surrogate pair may come apart."""
    index: int


class ContentDone(LiveChange[str], frozen=True, gc=False):
    """The content of a choice is complete: the choice has a finish reason, or the stream is over."""

    index: int


class RefusalCreated(Struct, frozen=True, gc=False):
    """The model began to say why it will not."""

    snapshot: str
    """Empty."""
    index: int
    """The index of the choice."""


class RefusalChanged(LiveChange[str], frozen=True, gc=False):
    """A refusal grew."""

    delta: str
    index: int


class RefusalDone(LiveChange[str], frozen=True, gc=False):
    """A refusal is complete."""

    index: int


class ReasoningCreated(Struct, frozen=True, gc=False):
    """The model began to think aloud."""

    snapshot: str
    """Empty."""
    index: int
    """The index of the choice."""


class ReasoningChanged(LiveChange[str], frozen=True, gc=False):
    """The reasoning of a choice grew, under whatever key it came."""

    delta: str
    index: int


class ReasoningDone(LiveChange[str], frozen=True, gc=False):
    """The reasoning of a choice is complete: the choice has a finish reason, or the stream is over."""

    index: int


class LogprobsChanged(LiveChange[ChoiceLogprobs], frozen=True, gc=False):
    """More log probabilities of a choice came."""

    delta: ChoiceLogprobs
    index: int
    """The index of the choice."""


class FinishChanged(LiveChange[Choice], frozen=True, gc=False):
    """A choice has a finish reason, or another than before; comes after whatever it closed."""

    delta: str
    """The reason, in the provider's own words."""
    index: int
    """The index of the choice."""


class UsageChanged(LiveChange[CompletionUsage], frozen=True, gc=False):
    """The usage came, or another that takes its place."""

    delta: CompletionUsage
