"""The changes of a response: of its items, and of itself. What they mean is in `changes`. Pure.

Made by `items` and `accumulator`; those of texts, of tool calls and of the usage are in `changes`. `parent` is the key
of an item: its id, else its `call_id`, else "#" and how many were opened before it, as it was when the item was first
told of. It stays, though the wire may give the item another id.
"""

from typing import Any, ClassVar, TypeAlias

from msgspec import Struct

from asyncstream.accumulators.changes import (
    ContentChanged,
    ContentCreated,
    ContentDone,
    GrowsByPieces,
    LiveChange,
    ReasoningChanged,
    ReasoningCreated,
    ReasoningDone,
    RefusalChanged,
    RefusalCreated,
    RefusalDone,
    ToolCallChanged,
    ToolCallCreated,
    ToolCallDone,
    UsageChanged,
)
from asyncstream.types.responses import Response, ResponseUsage
from asyncstream.types.responses_items import ResponseOutputItem
from asyncstream.types.structs import ParsedT

__all__ = [
    "OutputItemChanged",
    "OutputItemCreated",
    "OutputItemDone",
    "ResponseChanged",
]


class OutputItemCreated(Struct, frozen=True, gc=False):
    """An item that is no call was heard of for the first time: a message, reasoning, a list of tools."""

    index: ClassVar[int] = 0

    snapshot: ResponseOutputItem[Any]
    parent: str
    """The key of the item."""


class OutputItemChanged(LiveChange[ResponseOutputItem[Any]], frozen=True, gc=False):
    """An item grew in a member of its own, as by a status; what its parts grow by they tell themselves."""

    index: ClassVar[int] = 0

    source: GrowsByPieces[ResponseOutputItem[Any], str]
    delta: str
    """What came: the text, or the word of the status."""
    parent: str
    """The key of the item."""

    @property
    def field(self) -> str:
        """The member that grew."""
        return self.source.piece_of(self.delta)[0]

    @property
    def piece(self) -> str:
        """The text that came; "" if it is no text."""
        return self.source.piece_of(self.delta)[1]


class OutputItemDone(LiveChange[ResponseOutputItem[Any]], frozen=True, gc=False):
    """An item is complete: the wire said so, or the response is over."""

    index: ClassVar[int] = 0

    parent: str
    """The key of the item."""


class ResponseChanged(LiveChange[Response[ParsedT]], frozen=True, gc=False):
    """The response has another status; comes after whatever that closed."""

    field: ClassVar[str] = "status"
    piece: ClassVar[str] = ""

    delta: str
    """The status, in the provider's own word."""
    parent: str
    """The id of the response; "" if it has none yet."""

    @property
    def status(self) -> str:
        """The status, in the provider's own word."""
        return self.delta


ItemChange: TypeAlias = (
    OutputItemCreated
    | OutputItemChanged
    | OutputItemDone
    | ToolCallCreated[ResponseOutputItem[Any]]
    | ToolCallChanged[ResponseOutputItem[Any], str]
    | ToolCallDone[ResponseOutputItem[Any]]
    | ContentCreated
    | ContentChanged[Any]
    | ContentDone
    | RefusalCreated
    | RefusalChanged
    | RefusalDone
    | ReasoningCreated
    | ReasoningChanged
    | ReasoningDone
)
"""What is told of an item and its parts."""

ResponseFoldChange: TypeAlias = (
    OutputItemCreated
    | OutputItemChanged
    | OutputItemDone
    | ToolCallCreated[ResponseOutputItem[ParsedT]]
    | ToolCallChanged[ResponseOutputItem[ParsedT], str]
    | ToolCallDone[ResponseOutputItem[ParsedT]]
    | ContentCreated
    | ContentChanged[ParsedT]
    | ContentDone
    | RefusalCreated
    | RefusalChanged
    | RefusalDone
    | ReasoningCreated
    | ReasoningChanged
    | ReasoningDone
    | UsageChanged[ResponseUsage]
    | ResponseChanged[ParsedT]
)
"""What `ResponseAccumulator.push` returns."""
