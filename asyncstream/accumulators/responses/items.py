"""An item of a response as it grows: what all types have in common, and the two that consist of parts. Pure.

An item keeps what the wire sent as a plain object, merged member by member (rule 9.15); its texts and parts grow beside
it. The struct is built when it is looked at. Calls, shells and pictures are in `calls`, `shells` and `pictures`; which
class an item has is in `kinds`, and which item an event means in `output`.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from asyncstream.accumulators.changes import ChangeSink, ToolCallChanged, ToolCallCreated, ToolCallDone
from asyncstream.accumulators.growing import Growing
from asyncstream.accumulators.merging import mended
from asyncstream.accumulators.responses.changes import (
    ItemChange,
    OutputItemChanged,
    OutputItemCreated,
    OutputItemDone,
)
from asyncstream.accumulators.responses.context import Context
from asyncstream.accumulators.responses.parts import (
    REASONING_TEXT,
    REFUSAL,
    SUMMARY,
    TEXT,
    GrowingPart,
    Parts,
    joined,
)
from asyncstream.accumulators.responses.payloads import JSONObject, fill, merge, name_of, text_of
from asyncstream.accumulators.responses.texts import GrowingText
from asyncstream.errors import ParseError
from asyncstream.events.responses_mending import output_item
from asyncstream.halves import mend_halves
from asyncstream.parsing import parse_json
from asyncstream.types.responses_items import ResponseOutputItem, ResponseOutputMessage
from asyncstream.types.responses_parts import ResponseOutputText

__all__ = ["GrowingItem", "ItemText", "MessageItem", "PartsItem", "ReasoningItem", "Told"]

_IDENTITY: Final = ("id", "call_id", "role", "name", "server_label")
"""What the snapshot of a created change has, beside the type."""


class GrowingItem(Growing[ItemChange]):
    """One item as it grows; of a type that consists of its members alone, unless a subclass says otherwise."""

    __slots__ = (
        "announced",
        "built",
        "context",
        "ended",
        "index",
        "key",
        "members",
        "named",
        "order",
        "response",
        "told_whole",
        "type",
    )

    own: ClassVar[frozenset[str]] = frozenset({"type"})
    """The members that are not kept in `members`."""

    def __init__(self, kind: str, *, order: int, response: int, index: int, key: str, context: Context) -> None:
        """Make an item of which nothing is known yet.

        Args:
            kind: Its type; "" if the wire gave none.
            order: How many items were opened before it.
            response: How many responses were begun before its own, in the same stream.
            index: Its index in its response.
            key: What changes call it; "" if the wire has no name for it.
            context: What all items share.
        """
        super().__init__()
        self.type = kind
        self.order = order
        self.response = response
        self.index = index
        self.key = key or f"#{order}"
        self.context = context
        self.members: JSONObject = {}
        self.announced = False
        """Whether an `added`, or what stands for one, told what it is."""
        self.named = False
        """Whether any name of it is known: an id, or the `call_id` of a call."""
        self.told_whole = False
        """Whether a done payload of it came."""
        self.ended = ""
        """The status that its response ended with."""
        self.built: ResponseOutputItem[Any] | None = None

    @property
    def id(self) -> str:
        """Its id; "" if none came."""
        return name_of(self.members.get("id"))

    @property
    def call_id(self) -> str:
        """Its `call_id` as the wire sent it; "" if none came."""
        return name_of(self.members.get("call_id"))

    @property
    def is_call(self) -> bool:
        """Whether changes tell of it as a tool call."""
        return self.type.endswith("_call")

    def __lt__(self, other: "GrowingItem") -> bool:
        """Tell whether it is listed before another (rule 9.11)."""
        return (self.response, self.index, self.order) < (other.response, other.index, other.order)

    def snapshot(self) -> ResponseOutputItem[Any]:
        """Build the struct of the item as it is now; the same until something is folded."""
        if self.built is None:
            self.built = self.finish_struct(self._build(self.plain()))
        return self.built

    def _build(self, members: JSONObject) -> ResponseOutputItem[Any]:
        # What is null was not sent.
        members = {"type": self.type, **{name: value for name, value in members.items() if value is not None}}
        return output_item(mended(members, frozenset()) if self.context.halves else members)

    def plain(self) -> JSONObject:
        """Build the item as the wire would have it, but for its type."""
        return dict(self.members)

    def finish_struct(self, built: ResponseOutputItem[Any]) -> ResponseOutputItem[Any]:
        """Set what is our own in a struct that was built."""
        return built

    def created_change(self) -> ItemChange:
        """Make the change that tells of it."""
        known: JSONObject = {name: self.members[name] for name in _IDENTITY if name in self.members}
        snapshot = self._build(known)
        return ToolCallCreated(snapshot, self.key, 0) if self.is_call else OutputItemCreated(snapshot, self.key)

    def changed(self, source: "Told | ItemText", delta: str) -> ItemChange:
        """Make the change that says a member grew."""
        return (
            ToolCallChanged(source, delta, self.key, 0) if self.is_call else OutputItemChanged(source, delta, self.key)
        )

    def done_change(self) -> ItemChange:
        """Make the change that says it is complete."""
        return ToolCallDone(self, self.key, 0) if self.is_call else OutputItemDone(self, self.key)

    def fold_opening(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take what an `added` says and is not known yet; its texts only if there are none at all (rules 9.9, 9.13)."""
        self.built = None
        fill(self.members, payload, leave=self.own)
        # One that comes late tells nothing: its parts are told of with whatever comes to them next.
        tells = not self.created
        self.open(changes)
        self.fill_texts(payload)
        if tells:
            for part in self.parts():
                part.open(changes)

    def fold_done(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take what a done payload says, which counts more than what was streamed, and close the item."""
        self.built = None
        merge(self.members, payload, leave=self.own)
        self.open(changes)
        self.told_whole = True
        self.replace_texts(payload, changes)
        self.close(changes)

    def set_status(self, word: str, changes: ChangeSink[ItemChange]) -> None:
        """Take the word of a state event (rule 9.20)."""
        if not self.done and self.members.get("status") != word:
            self.built = None
            self.members["status"] = word
            changes.append(self.changed(Told(self, "status"), word))

    def close(self, changes: ChangeSink[ItemChange]) -> None:
        """Close its parts, telling what stands there untold, and then itself."""
        self.open(changes)
        self.close_texts(changes)
        super().close(changes)

    def fill_texts(self, payload: JSONObject) -> None:
        """Take the texts and parts of an opening payload, if there are none at all."""

    def replace_texts(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take the texts and parts of a done payload."""

    def close_texts(self, changes: ChangeSink[ItemChange]) -> None:
        """Tell what stands there untold, and close the parts that are open."""

    def parts(self) -> Iterator[GrowingPart]:
        """Give its parts, in the order in which they are closed."""
        yield from ()

    def texts(self) -> Iterator[GrowingText]:
        """Give every text in it."""
        for part in self.parts():
            yield part.text

    def settle(self, ended: bool) -> None:
        """Show what half a pair at the end of a text is, since nothing follows; or hold it back again."""
        self.built = None
        for text in self.texts():
            text.end(ended or self.done)


class Told:
    """A member of an item that is no text, as a change looks at it."""

    __slots__ = ("field", "item")

    def __init__(self, item: GrowingItem, field: str) -> None:
        self.item = item
        self.field = field

    def snapshot(self) -> ResponseOutputItem[Any]:
        """Build the item as it is now."""
        return self.item.snapshot()

    def piece_of(self, _delta: str) -> tuple[str, str]:
        """Return the member, and the text that came: none."""
        return self.field, ""


class ItemText:
    """A text that an item has beside its members, as its changes tell of it."""

    __slots__ = ("_field", "item", "text")

    def __init__(self, item: GrowingItem, field: str = "") -> None:
        self.item = item
        self.text = GrowingText()
        self._field = field

    @property
    def field(self) -> str:
        """The member that it is."""
        return self._field

    def snapshot(self) -> ResponseOutputItem[Any]:
        """Build the item as it is now."""
        return self.item.snapshot()

    def piece_of(self, delta: str) -> tuple[str, str]:
        """Return the member, and the text that came."""
        return self.field, delta

    def changed(self, piece: str) -> ItemChange:
        """Make the change that says it grew."""
        return self.item.changed(self, piece)

    def grow(self, piece: str) -> None:
        """Join a piece that follows another: nothing of the text stands there untold."""
        self.item.built = None
        self.text.fragments.append(piece)

    def growing(self) -> tuple[GrowingItem, list[str]]:
        """Return what `grow` changes: the item that must be built anew then, and what a piece is added to."""
        return self.item, self.text.fragments.pieces

    def add(self, delta: str, changes: ChangeSink[ItemChange]) -> None:
        """Join a delta."""
        if delta:
            for piece in self.text.add(delta):
                changes.append(self.changed(piece))

    def complete(self, text: str, changes: ChangeSink[ItemChange]) -> None:
        """Take the text of a done payload."""
        rest = self.text.complete(text, self.item.context.repairs, f"{self.item.key} {self.field}")
        if rest:
            changes.append(self.changed(rest))

    def close(self, changes: ChangeSink[ItemChange]) -> None:
        """Tell what stands there untold, and expect nothing more."""
        rest = self.text.tell()
        if rest:
            changes.append(self.changed(rest))
        self.text.end()


class PartsItem(GrowingItem):
    """An item that consists of parts."""

    __slots__ = ("content",)

    own = frozenset({"type", "content"})

    def __init__(self, kind: str, **known: Any) -> None:
        super().__init__(kind, **known)
        self.content = Parts(self)

    def part_kind(self, payload: JSONObject) -> str:
        """Return the kind that a part of its content has."""
        raise NotImplementedError

    def entries(self, payload: JSONObject, member: str, kind: str) -> list[tuple[str, JSONObject]]:
        """Read a list of parts, each with its kind; a bare text is a part of a kind."""
        value = payload.get(member)
        entries = value if isinstance(value, list) else [] if value is None else [value]
        found: list[tuple[str, JSONObject]] = []
        for entry in entries:
            if isinstance(entry, str) and entry:
                entry = {"type": kind, "text": entry}
                self.context.repairs.add("9.12", f"{self.key} {member}", entry)
            if isinstance(entry, dict):
                found.append((kind if member == "summary" else self.part_kind(entry), entry))
        return found

    def parts(self) -> Iterator[GrowingPart]:
        """Give its parts, in the order in which they are closed."""
        yield from self.content


class MessageItem(PartsItem):
    """A message."""

    __slots__ = ()

    def part_kind(self, payload: JSONObject) -> str:
        """Return the kind of a part: its type, told apart from the kinds that no message has."""
        kind = name_of(payload.get("type"))
        if not kind:
            kind = REFUSAL if "refusal" in payload else TEXT if "text" in payload else ""
        return kind if kind in (TEXT, REFUSAL) else f"?{kind}"

    def plain(self) -> JSONObject:
        """Build the message as the wire would have it."""
        return {**self.members, "content": [part.built() for part in self.content]}

    def finish_struct(self, built: ResponseOutputItem[Any]) -> ResponseOutputItem[Any]:
        """Set what of its texts fits the type that was asked for, once it is known to be whole."""
        if (
            self.context.text_format is not None
            and self.ended == "completed"
            and self.members.get("status") in (None, "", "completed")
            and isinstance(built, ResponseOutputMessage)
        ):
            for part in built.content:
                if isinstance(part, ResponseOutputText):
                    try:
                        part.parsed = parse_json(part.text, self.context.text_format, what="the text")
                    except ParseError:
                        pass  # a user who parses the text is told what does not fit
        return built

    def fill_texts(self, payload: JSONObject) -> None:
        """Take the parts of an opening payload, if there are none at all."""
        if not self.content:
            for place, (kind, part) in enumerate(self.entries(payload, "content", TEXT)):
                self.content.find(kind, place).fold_opening(part)

    def replace_texts(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take the parts of a done payload."""
        entries = self.entries(payload, "content", TEXT)
        if entries:
            self.content.replace(entries, changes)

    def close_texts(self, changes: ChangeSink[ItemChange]) -> None:
        """Close the parts that are open."""
        self.content.close(changes)


class ReasoningItem(PartsItem):
    """What the model thought: summaries, and its own words."""

    __slots__ = ("summary",)

    own = frozenset({"type", "content", "summary"})

    def __init__(self, kind: str, **known: Any) -> None:
        super().__init__(kind, **known)
        self.summary = Parts(self)

    def part_kind(self, payload: JSONObject) -> str:
        """Return the kind of a part: whatever its type, it is what the model thought."""
        return REASONING_TEXT

    def plain(self) -> JSONObject:
        """Build the item as the wire would have it."""
        return {
            **self.members,
            "summary": [part.built() for part in self.summary],
            "content": [part.built() for part in self.content],
        }

    def fill_texts(self, payload: JSONObject) -> None:
        """Take the parts of an opening payload, if there are none at all."""
        if not self.content and not self.summary:
            for parts, member, kind in ((self.summary, "summary", SUMMARY), (self.content, "content", REASONING_TEXT)):
                for place, (one, part) in enumerate(self.entries(payload, member, kind)):
                    parts.find(one, place).fold_opening(part)

    def replace_texts(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take the parts of a done payload: the summaries first, and all of them, then the content."""
        summary = self.entries(payload, "summary", SUMMARY)
        content = self.entries(payload, "content", REASONING_TEXT)
        if content and not summary and _say_again(content, self.summary):
            self.context.repairs.add("9.16", self.key, None)
            content = []
        elif summary and not content and _say_again(summary, self.content):
            self.context.repairs.add("9.16", self.key, None)
            summary = []
        if summary:
            self.summary.replace(summary, changes)
        self.summary.close(changes)
        if content:
            self.content.replace(content, changes)

    def close_texts(self, changes: ChangeSink[ItemChange]) -> None:
        """Close the parts that are open, the summaries first."""
        self.summary.close(changes)
        self.content.close(changes)

    def parts(self) -> Iterator[GrowingPart]:
        """Give its parts, in the order in which they are closed."""
        yield from self.summary
        yield from self.content


def _say_again(entries: list[tuple[str, JSONObject]], parts: Parts) -> bool:
    """Tell whether the texts of a list are those of other parts, which LiteLLM ends a streamed summary with."""
    streamed = mend_halves(joined(parts))
    return bool(streamed) and streamed == mend_halves("".join(text_of(entry.get("text")) for _, entry in entries))
