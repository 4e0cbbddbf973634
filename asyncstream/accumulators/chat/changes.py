"""The changes of a choice of a chat answer. What they mean is in `changes`. Pure.

Made by `choices`; those of its texts, of a tool call and of the usage are in `changes`.
"""

from typing import ClassVar, Generic

from asyncstream.accumulators.changes import LiveChange
from asyncstream.types.chat import Choice
from asyncstream.types.chat_parts import ChoiceLogprobs
from asyncstream.types.structs import ParsedT

__all__ = [
    "FinishChanged",
    "LogprobsChanged",
]


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
