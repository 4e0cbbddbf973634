"""What an accumulator's `push` returns: typed changes, `<Noun>Created`, `<Noun>Changed`, `<Noun>Done`. Pure.

A change of a noun that several protocols have is generic in its snapshot and its delta, and stands here; those that
one protocol alone has are in its own file. All speak alike of three things, for readers that know no protocol:

- `parent`: what the noun belongs to, or is: the id of a message or run step, the index of a choice, an item's key;
- `field`, of what changed: the member that grew, in the wire's word;
- `piece`, of what changed: the text that came, as sent; "" where what came is no text.

The `snapshot` of a created change is a fresh struct with what identifies the noun, without text or arguments. Any
other snapshot is built when it is looked at, includes the event, and costs one copy of the text so far; looked at
after later events were pushed, it includes these too.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from msgspec import Struct

from asyncstream.partial import parse_partial_as
from asyncstream.types.structs import ParsedT

__all__ = [
    "NOBODY",
    "ContentChanged",
    "ContentCreated",
    "ContentDone",
    "ReasoningChanged",
    "ReasoningCreated",
    "ReasoningDone",
    "RefusalChanged",
    "RefusalCreated",
    "RefusalDone",
    "ToolCallChanged",
    "ToolCallCreated",
    "ToolCallDone",
    "UsageChanged",
]

C_co = TypeVar("C_co", covariant=True)
C_contra = TypeVar("C_contra", contravariant=True)
D_contra = TypeVar("D_contra", contravariant=True)
C = TypeVar("C")
D = TypeVar("D")


class ChangeSink(Protocol[C_contra]):
    """What a fold appends its changes to: a list that may hold other changes too."""

    def append(self, change: C_contra, /) -> None:
        """Take the next change."""
        ...


class _Nobody:
    """Takes changes and keeps none."""

    def append(self, change: object, /) -> None:
        """Forget the change."""


NOBODY: Final[ChangeSink[Any]] = _Nobody()
"""What a fold gives its changes to where none are wanted; one that costs much to make is not made for it."""


class Snapshotable(Protocol[C_co]):
    """Something in an accumulator that grows and can be looked at."""

    def snapshot(self) -> C_co:
        """Build the plain struct of what arrived so far."""
        ...


class NamedText(Snapshotable[str], Protocol):
    """A text that knows what the wire calls it."""

    @property
    def field(self) -> str:
        """The member that it stands in."""
        ...


class TypedText(NamedText, Protocol[C_co]):
    """A text that may have to fit a type."""

    @property
    def response_format(self) -> type[C_co] | None:
        """The type that the request asked for."""
        ...


class GrowsByPieces(Snapshotable[C_co], Protocol[C_co, D_contra]):
    """Something that grows in one of several members, as a delta says."""

    def piece_of(self, delta: D_contra, /) -> tuple[str, str]:
        """Return the member that a delta adds to, and the text that it adds."""
        ...


class LiveChange(Struct, Generic[C], frozen=True, gc=False):
    """A change whose snapshot is built when it is looked at."""

    source: Snapshotable[C]
    """What changed, as the accumulator keeps it."""

    @property
    def snapshot(self) -> C:
        """The noun as it is now; costs one copy of its text."""
        return self.source.snapshot()

    def __repr__(self) -> str:
        fields = [f"{name}={getattr(self, name)!r}" for name in told_fields(self)]
        return f"{type(self).__name__}({', '.join(fields)})"


def told_fields(change: Struct) -> Iterator[str]:
    """Give the fields of a change that say something to whoever is told of it: not `source`, no item where is none."""
    for name in change.__struct_fields__:
        if name != "source" and (name not in ("item", "kind") or getattr(change, name)):
            yield name


class ToolCallCreated(Struct, Generic[C], frozen=True, gc=False):
    """A tool call opened: its id, type and name, as far as the wire gave them."""

    snapshot: C
    parent: str | int
    """The id of its run step, the index of its choice, or the key that it has as an item of a response."""
    index: int
    """Its place among its siblings: the wire's index in a run step, the place in `message.tool_calls` in a choice; 0
    for an item."""


class ToolCallChanged(LiveChange[C], Generic[C, D], frozen=True, gc=False):
    """A tool call grew."""

    source: GrowsByPieces[C, D]
    delta: D
    parent: str | int
    index: int

    @property
    def field(self) -> str:
        """The member that grew: "arguments", or "input" where the tool takes no JSON."""
        return self.source.piece_of(self.delta)[0]

    @property
    def piece(self) -> str:
        """The text that came."""
        return self.source.piece_of(self.delta)[1]


class ToolCallDone(LiveChange[C], Generic[C], frozen=True, gc=False):
    """A tool call is complete: its arguments will not grow any more."""

    parent: str | int
    index: int


class UsageChanged(LiveChange[C], Generic[C], frozen=True, gc=False):
    """The usage came, or another that takes its place."""

    field: ClassVar[str] = "usage"
    piece: ClassVar[str] = ""
    parent: ClassVar[str] = ""
    """It belongs to the answer as a whole."""

    delta: C


class _TextCreated(Struct, frozen=True, gc=False):
    snapshot: str
    """Empty."""
    index: int
    """The index of its choice; or the number of the part, which stays whatever place it is moved to."""
    item: str = ""
    """The key of the item that it is a part of; "" in a choice."""

    @property
    def parent(self) -> str | int:
        """What it belongs to: the key of its item, or the index of its choice."""
        return self.item or self.index


class _TextChanged(LiveChange[str], frozen=True, gc=False):
    source: NamedText
    delta: str
    """The new text as sent: the halves of a surrogate pair may come apart."""
    index: int
    """The index of its choice; or the number of the part, which stays whatever place it is moved to."""
    item: str = ""
    """The key of the item that it is a part of; "" in a choice."""

    @property
    def parent(self) -> str | int:
        """What it belongs to: the key of its item, or the index of its choice."""
        return self.item or self.index

    @property
    def field(self) -> str:
        """The member that grew."""
        return self.source.field

    @property
    def piece(self) -> str:
        """The text that came."""
        return self.delta


class _TextDone(LiveChange[str], frozen=True, gc=False):
    index: int
    """The index of its choice; or the number of the part, which stays whatever place it is moved to."""
    item: str = ""
    """The key of the item that it is a part of; "" in a choice."""

    @property
    def parent(self) -> str | int:
        """What it belongs to: the key of its item, or the index of its choice."""
        return self.item or self.index


class ContentCreated(_TextCreated, frozen=True, gc=False):
    """A text of the answer began: the content of a choice, or a part of a message."""


class ContentChanged(_TextChanged, Generic[ParsedT], frozen=True, gc=False):
    """A text of the answer grew."""

    source: TypedText[ParsedT]

    @property
    def partial(self) -> ParsedT | None:
        """The text so far as the type that was asked for, as far as it goes; costs one parse of it.

        What is last and does not fit yet is left out. None: no type was given, or nothing fits it yet, which lasts
        until all has come that it may not lack. For showing only: a number may still grow, and an answer that is cut
        has this too, but nothing `parsed`.

        Raises:
            ConfigurationError: The extra ``[partial]`` is not installed.
        """
        target = self.source.response_format
        return None if target is None else parse_partial_as(self.source.snapshot(), target)


class ContentDone(_TextDone, frozen=True, gc=False):
    """A text of the answer is complete: the wire said so, or the answer is over."""


class RefusalCreated(_TextCreated, frozen=True, gc=False):
    """The model began to say why it will not."""


class RefusalChanged(_TextChanged, frozen=True, gc=False):
    """A refusal grew."""


class RefusalDone(_TextDone, frozen=True, gc=False):
    """A refusal is complete."""


class ReasoningCreated(_TextCreated, frozen=True, gc=False):
    """The model began to think aloud."""

    kind: str = ""
    """What of a reasoning item it is, "summary" or "text"; "" in a choice."""


class ReasoningChanged(_TextChanged, frozen=True, gc=False):
    """The reasoning grew, under whatever key it came."""

    kind: str = ""
    """What of a reasoning item it is, "summary" or "text"; "" in a choice."""


class ReasoningDone(_TextDone, frozen=True, gc=False):
    """The reasoning is complete: the wire said so, or the answer is over."""

    kind: str = ""
    """What of a reasoning item it is, "summary" or "text"; "" in a choice."""
