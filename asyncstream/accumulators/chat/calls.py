"""The tool calls of a choice: what each chunk says of one, and what has grown of it. Pure; fed by `choices`.

Which call a fragment belongs to is decided by `tool_calls`.
"""

from collections.abc import Iterable
from uuid import uuid4

import msgspec

from asyncstream.accumulators.merging import mended
from asyncstream.accumulators.tool_calls import Arguments, GrowingToolCall, ToolCallEntry
from asyncstream.decoding import dump_raw
from asyncstream.nesting import MAX_DEPTH
from asyncstream.types import (
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageToolCall,
    ChoiceDeltaFunctionCall,
    ChoiceDeltaToolCall,
    ChoiceDeltaToolCallFunction,
    Custom,
    FunctionCall,
    UnknownChatToolCall,
)

__all__ = ["UNFINISHED", "ChatCall", "entry_of", "is_flat", "legacy_delta", "merge_json"]

UNFINISHED = "unfinished"
"""Why what still grows is not whole."""


def entry_of(said: ChoiceDeltaToolCall) -> ToolCallEntry:
    """Read what an element of `tool_calls` says."""
    function, custom = said.function, said.custom
    if custom is not None and (function is None or said.type == "custom"):
        return ToolCallEntry(said.index, said.id or "", said.type or "custom", custom.name or "", _flat(custom.input))
    if function is None:
        return ToolCallEntry(said.index, said.id or "", said.type or "")
    return ToolCallEntry(said.index, said.id or "", said.type or "", function.name or "", _flat(function.arguments))


def _flat(arguments: Arguments) -> Arguments:
    if arguments is None or isinstance(arguments, str) or is_flat(arguments):
        return arguments
    # Only the encoder reaches as deep as the decoder did; as text it is not walked again.
    try:
        return msgspec.json.encode(arguments).decode()
    except (RecursionError, ValueError):
        return None


def legacy_delta(said: ChoiceDeltaFunctionCall) -> ChoiceDeltaToolCall:
    """Give a call in the older form as what it is: one more function call."""
    function = ChoiceDeltaToolCallFunction(name=said.name, arguments=said.arguments)
    return ChoiceDeltaToolCall(type="function", function=function)


class ChatCall(GrowingToolCall[ChatCompletionMessageToolCall, ChoiceDeltaToolCall]):
    """A tool call of a choice."""

    __slots__ = ("_built", "_extra_content", "_made_id", "cut")

    def __init__(self, parent: str | int, index: int | None) -> None:
        super().__init__(parent, index)
        self.cut: str | None = UNFINISHED
        """Why it is not whole; None if it is."""
        self._extra_content: dict[str, object] | None = None
        self._made_id = ""
        self._built: ChatCompletionMessageToolCall | None = None

    def value(self) -> str | None:
        """Return the canonical JSON of the arguments if they are whole; the text of a custom tool never is."""
        return None if self.type == "custom" else super().value()

    def touch(self) -> None:
        """Forget the built snapshot: something is folded."""
        self._built = None

    def fold(self, said: ChoiceDeltaToolCall) -> None:
        """Fold what the slot itself does not hold."""
        self._built = None
        if said.extra_content is not None and is_flat(said.extra_content):
            self._extra_content = merge_json(self._extra_content, mended(said.extra_content, frozenset()))

    def load(self, entry: ToolCallEntry) -> bool:
        """Replace what a whole message says; tell whether the arguments are others than before."""
        self.id = entry.id or self.id
        self.type = entry.type or self.type
        self.name = entry.name or self.name
        arguments = entry.arguments
        text = dump_raw(arguments).decode() if isinstance(arguments, dict | list) else arguments
        if not text or text == self.arguments.raw():
            return False
        self.set_arguments(text)
        return True

    def set_cut(self, cut: str | None) -> None:
        """Say why the call is not whole, or that it is."""
        self.cut = cut
        self._built = None

    def known_id(self) -> str:
        """Return the id; where the wire gave none, a made-up one that stays (rule 4.12)."""
        if not self.id and not self._made_id:
            self._made_id = f"call_{uuid4().hex[:24]}"
        return self.id or self._made_id

    def snapshot(self) -> ChatCompletionMessageToolCall:
        """Build the call as it is now; the same struct until something is folded."""
        if self._built is None:
            self._built = self._build(self.known_id(), self.arguments.text(), self._extra_content)
        return self._built

    def created_snapshot(self) -> ChatCompletionMessageToolCall:
        """Build a fresh struct of what the wire gave of id, type and name."""
        return self._build(self.id, "", None)

    def _build(self, id: str, text: str, extra_content: dict[str, object] | None) -> ChatCompletionMessageToolCall:
        match self.type or "function":
            case "function":
                function = FunctionCall(name=self.name, arguments=text)
                return ChatCompletionMessageFunctionToolCall(
                    id=id, function=function, extra_content=extra_content, cut=self.cut
                )
            case "custom":
                custom = Custom(name=self.name, input=text)
                return ChatCompletionMessageCustomToolCall(
                    id=id, custom=custom, extra_content=extra_content, cut=self.cut
                )
            case kind:
                members: dict[str, object] = {
                    "id": id,
                    "type": kind,
                    "function": {"name": self.name, "arguments": text},
                }
                if extra_content is not None:
                    members["extra_content"] = extra_content
                return UnknownChatToolCall(wire_type=kind, raw=dump_raw(members))


def merge_json(held: dict[str, object] | None, said: dict[str, object]) -> dict[str, object]:
    """Return a JSON object with another folded in: objects merge, all else replaces, null says nothing."""
    merged = dict(held or {})
    for key, value in said.items():
        if isinstance(value, dict):
            known = merged.get(key)
            merged[key] = merge_json(known if isinstance(known, dict) else None, value)
        elif value is not None:
            merged[key] = value
    return merged


def is_flat(value: object) -> bool:
    """Tell whether JSON of no fixed shape is nested no deeper than it can be walked, built and pickled."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return True
    return False


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
