"""The parts of a message and of a reasoning item: which one an event means, and how it grows. Pure.

Rules 9.12, 9.16 and 9.17. A part has a number, under which it is told of and which never changes, and a place, under
which the wire finds it: its number, until a list that counts more moves it. Above it: `items`; below it: `texts`.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

from asyncstream.accumulators.changes import (
    ChangeSink,
    ContentChanged,
    ContentCreated,
    ContentDone,
    ReasoningChanged,
    ReasoningCreated,
    ReasoningDone,
    RefusalChanged,
    RefusalCreated,
    RefusalDone,
)
from asyncstream.accumulators.growing import Growing
from asyncstream.accumulators.merging import Indexed
from asyncstream.accumulators.responses.changes import ItemChange
from asyncstream.accumulators.responses.context import Context
from asyncstream.accumulators.responses.payloads import JSONObject, absent, fill, list_of, merge, text_of
from asyncstream.accumulators.responses.texts import GrowingText

__all__ = ["REASONING_TEXT", "REFUSAL", "SUMMARY", "TEXT", "GrowingPart", "PartOwner", "Parts", "joined"]

TEXT: Final = "output_text"
REFUSAL: Final = "refusal"
SUMMARY: Final = "summary_text"
REASONING_TEXT: Final = "reasoning_text"
"""The kinds of parts that are told of; any other is a type of the wire, kept as sent."""

_OWN: Final = frozenset({"type", "text", "refusal", "annotations", "logprobs"})
"""The members of a part that its text and its lists hold."""


class PartOwner(Protocol):
    """What a part knows of its item."""

    key: str
    built: Any

    @property
    def context(self) -> Context: ...


class GrowingPart(Growing[ItemChange]):
    """One part as it grows."""

    __slots__ = ("_annotations", "_logprobs", "_members", "kind", "number", "owner", "text")

    def __init__(self, owner: PartOwner, kind: str, number: int) -> None:
        super().__init__()
        self.owner = owner
        self.kind = kind
        self.number = number
        self.text = GrowingText()
        self._members: JSONObject = {}
        self._annotations: Indexed[Any] | None = None
        self._logprobs: list[Any] | None = None

    @property
    def field(self) -> str:
        """The member that its text is."""
        return "refusal" if self.kind == REFUSAL else "text"

    @property
    def response_format(self) -> type[Any] | None:
        """The type that the text is to fit."""
        return self.owner.context.text_format

    @property
    def _where(self) -> str:
        return f"{self.owner.key}[{self.number}]"

    def snapshot(self) -> str:
        """Join the text so far."""
        return self.text.text()

    def built(self) -> JSONObject:
        """Build the part as the wire would have it."""
        if self.kind not in _TOLD:
            return dict(self._members)
        built: JSONObject = {"type": self.kind, self.field: self.text.text()}
        if self.kind == TEXT or self._annotations is not None:
            built["annotations"] = [] if self._annotations is None else self._annotations.listed()
        if self._logprobs:
            built["logprobs"] = [*self._logprobs]
        return built | self._members

    def created_change(self) -> ItemChange | None:
        """Make the change that tells of it."""
        match self.kind:
            case "output_text":
                return ContentCreated("", self.number, self.owner.key)
            case "refusal":
                return RefusalCreated("", self.number, self.owner.key)
            case "summary_text" | "reasoning_text":
                return ReasoningCreated("", self.number, self.owner.key, _TOLD[self.kind])
        return None

    def done_change(self) -> ItemChange | None:
        """Make the change that says it is complete."""
        match self.kind:
            case "output_text":
                return ContentDone(self, self.number, self.owner.key)
            case "refusal":
                return RefusalDone(self, self.number, self.owner.key)
            case "summary_text" | "reasoning_text":
                return ReasoningDone(self, self.number, self.owner.key, _TOLD[self.kind])
        return None

    def changed(self, piece: str) -> ItemChange:
        """Make the change that says its text grew."""
        if self.kind == TEXT:
            return ContentChanged(self, piece, self.number, self.owner.key)
        if self.kind == REFUSAL:
            return RefusalChanged(self, piece, self.number, self.owner.key)
        return ReasoningChanged(self, piece, self.number, self.owner.key, _TOLD[self.kind])

    def close(self, changes: ChangeSink[ItemChange]) -> None:
        """Tell what stands there untold, and expect nothing more."""
        self.open(changes)
        if self.kind in _TOLD:
            rest = self.text.tell()
            if rest:
                changes.append(self.changed(rest))
        super().close(changes)

    def end(self) -> None:
        """Expect nothing more."""
        self.text.end()

    def add(self, delta: str, logprobs: object, changes: ChangeSink[ItemChange]) -> None:
        """Join a delta of its text."""
        self.open(changes)
        if isinstance(logprobs, list) and logprobs:
            self._logprobs = self._logprobs or []
            self._logprobs += logprobs
        if delta:
            for piece in self.text.add(delta):
                changes.append(self.changed(piece))

    def grow(self, piece: str) -> None:
        """Join a piece that follows another: nothing of the text stands there untold."""
        self.owner.built = None
        self.text.fragments.append(piece)

    def growing(self) -> tuple[PartOwner, list[str]]:
        """Return what `grow` changes: the item that must be built anew then, and what a piece is added to."""
        return self.owner, self.text.fragments.pieces

    def fold_opening(self, payload: JSONObject) -> None:
        """Take what an opening payload says of it and is not known yet."""
        if self.kind not in _TOLD:
            fill(self._members, payload)
            return
        fill(self._members, payload, leave=_OWN)
        self.text.open_with(text_of(payload.get(self.field)))
        if self._annotations is None:
            self._replace_lists(payload)

    def fold_done(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take what a done payload says of it, which counts more than what was streamed, and close it."""
        self.open(changes)
        if self.kind not in _TOLD:
            merge(self._members, payload)
        else:
            merge(self._members, payload, leave=_OWN)
            rest = self.text.complete(text_of(payload.get(self.field)), self.owner.context.repairs, self._where)
            if rest:
                changes.append(self.changed(rest))
            self._replace_lists(payload)
        self.close(changes)

    def annotate(self, index: int | None, annotation: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take an annotation."""
        self.open(changes)
        if self._annotations is None:
            self._annotations = Indexed()
        held = self._annotations.get(index)
        if isinstance(held, dict) and held.get("type") == annotation.get("type"):
            annotation = {**held, **{key: value for key, value in annotation.items() if not absent(value)}}
        place = self._annotations.put(index, annotation)
        changes.append(ContentChanged(_Annotation(self, place), "", self.number, self.owner.key))

    def _replace_lists(self, payload: JSONObject) -> None:
        annotations, logprobs = list_of(payload.get("annotations")), list_of(payload.get("logprobs"))
        if annotations:
            self._annotations = Indexed(annotations)
        if logprobs:
            self._logprobs = logprobs.copy()


_TOLD: Final = {TEXT: "", REFUSAL: "", SUMMARY: "summary", REASONING_TEXT: "text"}
"""The kinds that are told of, and what a change of reasoning calls them."""


class _Annotation:
    """A part, as the change of one of its annotations looks at it."""

    __slots__ = ("_part", "_place")

    def __init__(self, part: GrowingPart, place: int) -> None:
        self._part = part
        self._place = place

    @property
    def field(self) -> str:
        return f"annotation[{self._place}]"

    @property
    def response_format(self) -> type[Any] | None:
        return self._part.response_format

    def snapshot(self) -> str:
        return self._part.snapshot()


class Parts:
    """The content or the summary of an item."""

    __slots__ = ("_at", "_free", "_next_place", "_numbers", "_of_kind", "_open_of_kind", "_ordered", "_owner")

    def __init__(self, owner: PartOwner) -> None:
        self._owner = owner
        self._at: dict[int, GrowingPart] = {}
        self._next_place = 0
        self._ordered = True
        self._numbers: set[int] = set()
        # The next number that no part has.
        self._free = 0
        # The last opened of each kind; and those that may be open, the last opened last.
        self._of_kind: dict[str, GrowingPart] = {}
        self._open_of_kind: dict[str, list[GrowingPart]] = {}

    def __bool__(self) -> bool:
        return bool(self._at)

    def __iter__(self) -> Iterator[GrowingPart]:
        """Give the parts by place; gaps are left out."""
        if not self._ordered:
            self._at = {place: self._at[place] for place in sorted(self._at)}
            self._ordered = True
        return iter(self._at.values())

    def at(self, index: int | None) -> GrowingPart | None:
        """Return the part at a place."""
        return None if index is None else self._at.get(index)

    def find(self, kind: str, index: int | None, *, settles: bool = False) -> GrowingPart:
        """Find or add the part that an event means (rule 9.12).

        Args:
            kind: What it is.
            index: The place that the event names; None: it names none.
            settles: Whether the event may speak of a part that is done.
        """
        if index is not None:
            part = self._at.get(index)
            if part is None:
                return self._add(kind, index)
            if part.kind == kind:
                return part
            self._owner.context.repairs.add("9.12", self._owner.key, index)
        opened = self._open_of_kind.get(kind, [])
        while opened and opened[-1].done:
            opened.pop()
        if opened:
            return opened[-1]
        last = self._of_kind.get(kind) if settles else None
        return self._add(kind, self._next_place) if last is None else last

    def replace(self, entries: Sequence[tuple[str, JSONObject]], changes: ChangeSink[ItemChange]) -> None:
        """Put a list that counts more than what was streamed in the place of the parts, each with its kind (rule 9.16).

        Each entry is told, and done. What has no entry is done after the others, and is no part any more.
        """
        streamed = list(self)
        left: dict[str, deque[GrowingPart]] = {}
        for part in streamed:
            left.setdefault(part.kind, deque()).append(part)
        # As a dict for its order; a part is equal to itself only.
        listed: dict[GrowingPart, None] = {}
        for position, (kind, payload) in enumerate(entries):
            beside = streamed[position] if position < len(streamed) else None
            same_kind = left.get(kind)
            while same_kind and same_kind[0] in listed:
                same_kind.popleft()
            if beside is not None and beside.kind == kind and beside not in listed:
                part = beside
            elif same_kind:
                part = same_kind[0]
            else:
                part = self._make(kind, position)
            listed[part] = None
            part.fold_done(payload, changes)
        for part in streamed:
            if part not in listed:
                part.close(changes)
        self._at = dict(enumerate(listed))
        self._next_place = len(listed)
        self._ordered = True
        self._of_kind = {part.kind: part for part in listed}
        self._open_of_kind = {}

    def close(self, changes: ChangeSink[ItemChange]) -> None:
        """Close the parts that are open, by place."""
        for part in self:
            part.close(changes)

    def _add(self, kind: str, place: int) -> GrowingPart:
        part = self._make(kind, place)
        self._at[place] = part
        if place < self._next_place:
            self._ordered = False
        self._next_place = max(self._next_place, place + 1)
        self._of_kind[kind] = part
        self._open_of_kind.setdefault(kind, []).append(part)
        return part

    def _make(self, kind: str, place: int) -> GrowingPart:
        number = self._free if place in self._numbers else place
        self._numbers.add(number)
        self._free = max(self._free, number + 1)
        return GrowingPart(self._owner, kind, number)


def joined(parts: Iterable[GrowingPart]) -> str:
    """Join the texts of parts."""
    return "".join(part.text.fragments.raw() for part in parts)
