"""The tool calls of a choice: what each chunk adds to one, and what has grown of it. Pure; fed by `choices`.

Which call a fragment belongs to is decided by `tool_calls`.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias
from uuid import uuid4

import msgspec

from asyncstream.accumulators.merging import mended
from asyncstream.accumulators.repairs import Repairs
from asyncstream.accumulators.tool_calls import Arguments, GrowingToolCall, ToolCallEntry
from asyncstream.decoding import dump_raw
from asyncstream.nesting import MAX_DEPTH, Nesting
from asyncstream.types.chat import (
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageToolCall,
    Custom,
    FunctionCall,
    UnknownChatToolCall,
    call_param,
)
from asyncstream.types.chat_chunks import ChoiceDeltaFunctionCall, ChoiceDeltaToolCall, ChoiceDeltaToolCallFunction

__all__ = [
    "UNFINISHED",
    "ChatCall",
    "Cut",
    "ReadArguments",
    "copied_json",
    "entry_of",
    "is_flat",
    "legacy_delta",
    "merge_json",
]

ReadArguments: TypeAlias = Callable[[ChatCompletionMessageFunctionToolCall], object]
"""Reads the arguments of a whole call as the type of its tool; None if it has none, or they do not fit."""

UNFINISHED = "unfinished"
"""Why what still grows is not whole."""


def entry_of(delta: ChoiceDeltaToolCall) -> ToolCallEntry:
    """Read an element of `tool_calls` as what calls are matched by: index, id, type, name, and its arguments."""
    function, custom = delta.function, delta.custom
    if custom is not None and (function is None or delta.type == "custom"):
        return ToolCallEntry(
            delta.index, delta.id or "", delta.type or "custom", custom.name or "", _flat(custom.input)
        )
    if function is None:
        return ToolCallEntry(delta.index, delta.id or "", delta.type or "")
    return ToolCallEntry(delta.index, delta.id or "", delta.type or "", function.name or "", _flat(function.arguments))


def _flat(arguments: Arguments) -> Arguments:
    if arguments is None or isinstance(arguments, str) or is_flat(arguments):
        return arguments
    # Only the encoder reaches as deep as the decoder did; as text it is not walked again.
    try:
        return msgspec.json.encode(arguments).decode()
    except (RecursionError, ValueError):
        return None


def legacy_delta(delta: ChoiceDeltaFunctionCall) -> ChoiceDeltaToolCall:
    """Return a call in the older form, `function_call`, as what it is: one more function call."""
    function = ChoiceDeltaToolCallFunction(name=delta.name, arguments=delta.arguments)
    return ChoiceDeltaToolCall(type="function", function=function)


class Cut:
    """Why calls are not whole, the same for all that share it; None if they are."""

    __slots__ = ("reason",)

    def __init__(self, reason: str | None = UNFINISHED) -> None:
        self.reason = reason


_GROWING = Cut()
"""What calls have that came after the others were judged."""


class ChatCall(GrowingToolCall[ChatCompletionMessageToolCall, ChoiceDeltaToolCall]):
    """A tool call of a choice."""

    __slots__ = ("_built", "_built_cut", "_cut", "_extra", "_extra_content", "_made_id", "_read")

    def __init__(self, parent: str | int, index: int | None, read: ReadArguments | None = None) -> None:
        super().__init__(parent, index)
        self._read = read
        self._cut = _GROWING
        self._extra_content: dict[str, object] | None = None
        self._extra: dict[str, object] = {}
        self._made_id = ""
        self._built: ChatCompletionMessageToolCall | None = None
        # Why it was not whole when it was built.
        self._built_cut: str | None = None

    def value(self) -> str | None:
        """Return the canonical JSON of the arguments if they are whole; the text of a custom tool never is."""
        return None if self.type == "custom" else super().value()

    def is_whole(self) -> bool:
        """Return True if the arguments are one whole JSON value, so that nothing can follow."""
        return self.value() is not None

    def breaks_off(self) -> bool:
        """Return True if the arguments end within an object, an array or a string: there was to be more."""
        if self.type == "custom" or self.is_whole():
            return False
        nesting = Nesting()
        nesting.feed(self.arguments.raw().encode("utf-8", "surrogatepass"))
        return nesting.depth > 0 or nesting.in_string

    def touch(self) -> None:
        """Forget the built snapshot: something is folded."""
        self._built = None

    def add_alike(self, piece: str, repairs: Repairs) -> bool:
        """Add a piece of arguments that came with nothing else; False if it is the whole of them again."""
        self._built = None
        return self.add(piece, repairs)

    def fold(self, delta: ChoiceDeltaToolCall) -> None:
        """Fold what the slot itself does not hold."""
        self._built = None
        if delta.extra_content is not None and is_flat(delta.extra_content):
            self._extra_content = self._extra_content or {}
            merge_json(self._extra_content, mended(delta.extra_content, frozenset()))
        if delta.unnamed is not None:
            merge_json(self._extra, delta.unnamed)

    def piece_of(self, delta: ChoiceDeltaToolCall) -> tuple[str, str]:
        """Return the member that a delta adds to, and the text that it adds."""
        if delta.custom is not None and (delta.function is None or self.type == "custom"):
            field, piece = "input", delta.custom.input
        else:
            field, piece = "arguments", None if delta.function is None else delta.function.arguments
        return field, piece if isinstance(piece, str) else ""

    def load(self, entry: ToolCallEntry) -> bool:
        """Replace what a whole message has a value for; return True if the arguments have changed."""
        self.id = entry.id or self.id
        self.type = entry.type or self.type
        self.name = entry.name or self.name
        arguments = entry.arguments
        text = dump_raw(arguments).decode() if isinstance(arguments, dict | list) else arguments
        if not text or text == self.arguments.raw():
            return False
        self.set_arguments(text)
        return True

    def share_cut(self, cut: "Cut") -> None:
        """Be cut, or whole, from now on as the other calls of the choice are."""
        self._cut = cut
        self._built = None

    def known_id(self) -> str:
        """Return the id; where the wire gave none, a made-up one that stays (rule 4.12)."""
        if not self.id and not self._made_id:
            self._made_id = f"call_{uuid4().hex[:24]}"
        return self.id or self._made_id

    def snapshot(self) -> ChatCompletionMessageToolCall:
        """Build the call as it is now; the same struct until something is folded."""
        if self._built is None or self._built_cut != self._cut.reason:
            cut = self._cut.reason
            built = self._build(self.known_id(), self.arguments.text(), cut)
            if self._read is not None and cut is None and built.type == "function":
                vars(built.function)["parsed_arguments"] = self._read(built)
            self._built, self._built_cut = built, cut
        return self._built

    def created_snapshot(self) -> ChatCompletionMessageToolCall:
        """Build a fresh struct of what the wire gave of id, type and name."""
        return self._build(self.id, "", UNFINISHED, fresh=True)

    def _build(self, id: str, text: str, cut: str | None, *, fresh: bool = False) -> ChatCompletionMessageToolCall:
        extra_content = None if fresh or self._extra_content is None else copied_json(self._extra_content)
        extra = {} if fresh else copied_json(self._extra)
        match self.type or "function":
            case "function":
                function = FunctionCall(name=self.name, arguments=text)
                return ChatCompletionMessageFunctionToolCall(
                    id=id, function=function, extra_content=extra_content, cut=cut, extra=extra
                )
            case "custom":
                custom = Custom(name=self.name, input=text)
                return ChatCompletionMessageCustomToolCall(
                    id=id, custom=custom, extra_content=extra_content, cut=cut, extra=extra
                )
            case kind:
                function = FunctionCall(name=self.name, arguments=text)
                members = call_param(id, kind, "function", {"name": self.name, "arguments": text}, extra_content, extra)
                return UnknownChatToolCall(wire_type=kind, raw=dump_raw(members), id=id, function=function, cut=cut)


def merge_json(held: dict[str, object], new: dict[str, object]) -> None:
    """Fold a JSON object into another: objects merge, all else replaces, null is passed over."""
    for key, value in new.items():
        if isinstance(value, dict):
            known = held.get(key)
            if not isinstance(known, dict):
                # One of our own: the event keeps the one that it brought.
                known = held[key] = {}
            merge_json(known, value)
        elif value is not None:
            held[key] = value


def copied_json(held: dict[str, object]) -> dict[str, object]:
    """Return a copy of what `merge_json` has folded, for a snapshot that stays as it is."""
    return {key: copied_json(value) if isinstance(value, dict) else value for key, value in held.items()}


def is_flat(value: object) -> bool:
    """Return True for JSON that is nested no deeper than it can be walked, built and pickled."""
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
