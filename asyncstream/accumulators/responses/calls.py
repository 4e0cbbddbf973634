"""Calls that consist of one text: the arguments of a function, a custom tool or an MCP tool, code, a patch. Pure.

Rules 9.18 and 9.19. Above it: `kinds`; below it: `items`.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final
from uuid import uuid4

from asyncstream.accumulators.changes import ChangeSink
from asyncstream.accumulators.json_text import canonical_text
from asyncstream.accumulators.responses.changes import ItemChange
from asyncstream.accumulators.responses.items import GrowingItem, ItemText
from asyncstream.accumulators.responses.payloads import JSONObject, dict_of, fill, merge, text_of
from asyncstream.accumulators.responses.texts import GrowingText
from asyncstream.decoding import dump_json
from asyncstream.types.responses_items import (
    ResponseCustomToolCall,
    ResponseFunctionToolCall,
    ResponseOutputItem,
)

__all__ = ["CALLS", "CallItem", "CodeItem", "PatchItem", "TextItem"]

CALLS: Final = ("function_call", "custom_tool_call", "mcp_call")
"""The calls whose events fit one another."""

_ANSWERED: Final = ("function_call", "custom_tool_call")
"""The calls whose outputs the user sends, naming them by `call_id`."""


class TextItem(GrowingItem):
    """An item with one text beside its members."""

    __slots__ = ("text",)

    field: ClassVar[str]
    """The member that the text is."""

    def __init__(self, kind: str, **known: Any) -> None:
        super().__init__(kind, **known)
        self.text = self.make_text()

    def make_text(self) -> ItemText:
        """Make the text."""
        return ItemText(self, self.field)

    def read_text(self, payload: JSONObject) -> str:
        """Return the text in a payload of the item, or of an event that says all of it; "" if there is none."""
        return text_of(payload.get(self.text.field))

    def fill_texts(self, payload: JSONObject) -> None:
        """Take the text of an opening payload, if there is none."""
        self.text.text.open_with(self.read_text(payload))

    def replace_texts(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take the text of a done payload."""
        self.text.complete(self.read_text(payload), changes)

    def close_texts(self, changes: ChangeSink[ItemChange]) -> None:
        """Tell what stands there untold."""
        self.text.close(changes)

    def texts(self) -> Iterator[GrowingText]:
        """Give the text."""
        yield self.text.text

    def plain(self) -> JSONObject:
        """Build the item as the wire would have it."""
        return {**self.members, self.text.field: self.text.text.text()}


class _Arguments(ItemText):
    """The arguments of a call, or its input: a late-attached call may turn out to be one of a custom tool."""

    __slots__ = ()

    @property
    def field(self) -> str:
        return "input" if self.item.type == "custom_tool_call" else "arguments"


class CallItem(TextItem):
    """A call of a function, a custom tool or an MCP tool."""

    __slots__ = ("_made_id",)

    own = frozenset({"type", "arguments", "input"})

    def __init__(self, kind: str, **known: Any) -> None:
        super().__init__(kind, **known)
        self._made_id = ""

    def make_text(self) -> ItemText:
        """Make the text of the arguments."""
        return _Arguments(self)

    def read_text(self, payload: JSONObject) -> str:
        """Return the arguments in a payload, as JSON text where they came as JSON; "" if there are none."""
        value = payload.get(self.text.field)
        if value is None:
            value = payload.get("arguments" if self.text.field == "input" else "input")
        return as_arguments(value)

    def fill_texts(self, payload: JSONObject) -> None:
        """Take the arguments of an opening payload, if there are none; an empty object may only hold their place."""
        said = payload.get(self.text.field)
        self.text.text.open_with(self.read_text(payload), placeholder=said in ({}, []))

    def replace_texts(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take the arguments of a done payload; an empty object erases nothing."""
        if payload.get(self.text.field) not in ({}, []) or not self.text.text:
            super().replace_texts(payload, changes)

    def plain(self) -> JSONObject:
        """Build the call as the wire would have it; where the wire gave no `call_id`, one that stays (rule 9.19)."""
        plain = super().plain()
        if self.type in _ANSWERED and not self.call_id:
            if not self.id and not self._made_id:
                self._made_id = f"call_{uuid4().hex[:24]}"
            plain["call_id"] = self.id or self._made_id
        return plain

    def finish_struct(self, built: ResponseOutputItem[Any]) -> ResponseOutputItem[Any]:
        """Set why the call is not whole, if it is not."""
        if isinstance(built, ResponseFunctionToolCall | ResponseCustomToolCall):
            built.cut = self._cut()
        return built

    def _cut(self) -> str | None:
        if self.members.get("status") == "incomplete":
            return "incomplete"
        if self.told_whole or (self.type == "function_call" and canonical_text(self.text.text.text()) is not None):
            return None
        if self.ended == "completed" and (self.type != "function_call" or not self.text.text):
            return None
        return self.ended if self.ended not in ("", "completed") else "unfinished"


def as_arguments(value: object) -> str:
    """Return arguments as text: JSON that came as JSON is written compactly, as rule 4.10 has it."""
    return dump_json(value) if isinstance(value, dict | list) else text_of(value)


class CodeItem(TextItem):
    """A run of the code interpreter."""

    __slots__ = ()

    field = "code"
    own = frozenset({"type", "code"})


class PatchItem(TextItem):
    """A patch of a file; its diff stands in its operation."""

    __slots__ = ("_operation",)

    field = "diff"
    own = frozenset({"type", "operation"})

    def __init__(self, kind: str, **known: Any) -> None:
        super().__init__(kind, **known)
        self._operation: JSONObject = {}

    def read_text(self, payload: JSONObject) -> str:
        """Return the diff in a payload."""
        return text_of(dict_of(payload.get("operation")).get("diff"))

    def fill_texts(self, payload: JSONObject) -> None:
        """Take the operation of an opening payload."""
        fill(self._operation, dict_of(payload.get("operation")))
        super().fill_texts(payload)

    def replace_texts(self, payload: JSONObject, changes: ChangeSink[ItemChange]) -> None:
        """Take the operation of a done payload."""
        merge(self._operation, dict_of(payload.get("operation")))
        super().replace_texts(payload, changes)

    def plain(self) -> JSONObject:
        """Build the item as the wire would have it."""
        diff = self.text.text.text()
        operation = {**self._operation, "diff": diff} if diff else self._operation
        return {**self.members, "operation": operation} if operation else dict(self.members)
