"""The events of openai-python's chat helper, by their names and members: what `ChatStream.openai_events` gives.

For loops that come from there (``if event.type == "content.delta"``). They are derived from the changes of the stream,
after each chunk: first the chunk, then what grew, then what is done. What costs a copy of the text so far is built when
it is looked at.

Source: https://github.com/openai/openai-python/blob/main/helpers.md#chat-completions-events
"""

from collections.abc import Callable, Container, Iterator
from typing import Any, ClassVar, Literal, TypeAlias

from msgspec import Struct

from asyncstream.accumulators.changes import (
    ContentChanged,
    ContentDone,
    RefusalChanged,
    RefusalDone,
    ToolCallChanged,
    ToolCallDone,
)
from asyncstream.accumulators.chat.accumulator import ChatChange
from asyncstream.accumulators.chat.changes import FinishChanged, LogprobsChanged
from asyncstream.partial import parse_partial
from asyncstream.types.chat import ChatCompletion, ChatCompletionMessageFunctionToolCall
from asyncstream.types.chat_chunks import ChatCompletionChunk
from asyncstream.types.chat_parts import ChatCompletionTokenLogprob
from asyncstream.types.shared import JSONValue

__all__ = [
    "ChunkEvent",
    "ContentDeltaEvent",
    "ContentDoneEvent",
    "FunctionToolCallArgumentsDeltaEvent",
    "FunctionToolCallArgumentsDoneEvent",
    "LogprobsContentDeltaEvent",
    "LogprobsContentDoneEvent",
    "LogprobsRefusalDeltaEvent",
    "LogprobsRefusalDoneEvent",
    "OpenAIChatEvent",
    "RefusalDeltaEvent",
    "RefusalDoneEvent",
]


class ChunkEvent(Struct, frozen=True, gc=False):
    """A chunk came."""

    type: ClassVar[Literal["chunk"]] = "chunk"
    chunk: ChatCompletionChunk
    look: Callable[[], ChatCompletion[object]]

    @property
    def snapshot(self) -> ChatCompletion[object]:
        """The answer as it is now."""
        return self.look()


class ContentDeltaEvent(Struct, frozen=True, gc=False):
    """The content of a choice grew."""

    type: ClassVar[Literal["content.delta"]] = "content.delta"
    delta: str
    change: ContentChanged[Any]
    typed: bool

    @property
    def snapshot(self) -> str:
        """The content so far."""
        return self.change.snapshot

    @property
    def parsed(self) -> JSONValue:
        """The content so far as JSON, as far as it goes, where a type was asked for; else None.

        Raises:
            ConfigurationError: The extra ``[partial]`` is not installed.
            ParseError: It is no beginning of JSON.
        """
        return parse_partial(self.change.snapshot) if self.typed else None


class ContentDoneEvent(Struct, frozen=True, gc=False):
    """The content of a choice is complete."""

    type: ClassVar[Literal["content.done"]] = "content.done"
    content: str
    index: int
    look: Callable[[], ChatCompletion[object]]

    @property
    def parsed(self) -> object:
        """The content as the type that was asked for; None without one, and where the answer was cut."""
        for choice in self.look().choices:
            if choice.index == self.index:
                return choice.message.parsed
        return None


class RefusalDeltaEvent(Struct, frozen=True, gc=False):
    """A refusal grew."""

    type: ClassVar[Literal["refusal.delta"]] = "refusal.delta"
    delta: str
    change: RefusalChanged

    @property
    def snapshot(self) -> str:
        """The refusal so far."""
        return self.change.snapshot


class RefusalDoneEvent(Struct, frozen=True, gc=False):
    """A refusal is complete."""

    type: ClassVar[Literal["refusal.done"]] = "refusal.done"
    refusal: str


class FunctionToolCallArgumentsDeltaEvent(Struct, frozen=True, gc=False):
    """The arguments of a call grew."""

    type: ClassVar[Literal["tool_calls.function.arguments.delta"]] = "tool_calls.function.arguments.delta"
    arguments_delta: str
    index: int
    """The place of the call in ``message.tool_calls``."""
    change: ToolCallChanged[Any, Any]

    @property
    def name(self) -> str:
        """The name of the function."""
        return _function(self.change.snapshot)[0]

    @property
    def arguments(self) -> str:
        """The arguments so far."""
        return _function(self.change.snapshot)[1]

    @property
    def parsed_arguments(self) -> JSONValue:
        """The arguments so far as JSON, as far as it goes.

        Raises:
            ConfigurationError: The extra ``[partial]`` is not installed.
            ParseError: They are no beginning of JSON.
        """
        return parse_partial(self.arguments)


class FunctionToolCallArgumentsDoneEvent(Struct, frozen=True, gc=False):
    """The arguments of a call are complete."""

    type: ClassVar[Literal["tool_calls.function.arguments.done"]] = "tool_calls.function.arguments.done"
    call: ChatCompletionMessageFunctionToolCall
    index: int
    """The place of the call in ``message.tool_calls``."""
    typed: bool = False

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.call.function.name

    @property
    def arguments(self) -> str:
        """The arguments, as the model wrote them."""
        return self.call.function.arguments

    @property
    def parsed_arguments(self) -> object:
        """The arguments as what the tool was made from, None if they do not fit; of a tool without a type, as JSON.

        Raises:
            ParseError: The tool has no type, and they are cut, or no JSON.
        """
        return self.call.function.parsed_arguments if self.typed else self.call.parse()


class LogprobsContentDeltaEvent(Struct, frozen=True, gc=False):
    """Log probabilities of the content came."""

    type: ClassVar[Literal["logprobs.content.delta"]] = "logprobs.content.delta"
    content: list[ChatCompletionTokenLogprob]
    change: LogprobsChanged

    @property
    def snapshot(self) -> list[ChatCompletionTokenLogprob]:
        """All that came so far."""
        return self.change.snapshot.content or []


class LogprobsContentDoneEvent(Struct, frozen=True, gc=False):
    """The log probabilities of the content are complete."""

    type: ClassVar[Literal["logprobs.content.done"]] = "logprobs.content.done"
    content: list[ChatCompletionTokenLogprob]


class LogprobsRefusalDeltaEvent(Struct, frozen=True, gc=False):
    """Log probabilities of a refusal came."""

    type: ClassVar[Literal["logprobs.refusal.delta"]] = "logprobs.refusal.delta"
    refusal: list[ChatCompletionTokenLogprob]
    change: LogprobsChanged

    @property
    def snapshot(self) -> list[ChatCompletionTokenLogprob]:
        """All that came so far."""
        return self.change.snapshot.refusal or []


class LogprobsRefusalDoneEvent(Struct, frozen=True, gc=False):
    """The log probabilities of a refusal are complete."""

    type: ClassVar[Literal["logprobs.refusal.done"]] = "logprobs.refusal.done"
    refusal: list[ChatCompletionTokenLogprob]


OpenAIChatEvent: TypeAlias = (
    ChunkEvent
    | ContentDeltaEvent
    | ContentDoneEvent
    | RefusalDeltaEvent
    | RefusalDoneEvent
    | FunctionToolCallArgumentsDeltaEvent
    | FunctionToolCallArgumentsDoneEvent
    | LogprobsContentDeltaEvent
    | LogprobsContentDoneEvent
    | LogprobsRefusalDeltaEvent
    | LogprobsRefusalDoneEvent
)
"""Every event of the helper; `type` tells them apart."""


class OpenAIEvents:
    """Gives the events of one step of a chat stream.

    Args:
        chunk: Gives the chunk at the cursor.
        look: Gives the answer as it is now.
        typed: Whether the answer is to fit a type.
        tool_types: The names of the tools whose arguments are to fit one.
    """

    __slots__ = ("_chunk", "_last", "_look", "_tool_types", "_typed")

    def __init__(
        self,
        chunk: Callable[[], ChatCompletionChunk | None],
        look: Callable[[], ChatCompletion[object]],
        *,
        typed: bool,
        tool_types: Container[str] = (),
    ) -> None:
        self._chunk = chunk
        self._look = look
        self._typed = typed
        self._tool_types = tool_types
        self._last: ChatCompletionChunk | None = None

    def __call__(self, changes: list[ChatChange[Any]]) -> Iterator[OpenAIChatEvent]:
        """Give the chunk, unless the step had none, and what its changes say."""
        chunk = self._chunk()
        if chunk is not None and chunk is not self._last:
            self._last = chunk
            yield ChunkEvent(chunk, self._look)
        for change in changes:
            yield from self._events(change)

    def _events(self, change: ChatChange[Any]) -> Iterator[OpenAIChatEvent]:
        match change:
            case ContentChanged():
                yield ContentDeltaEvent(change.delta, change, self._typed)
            case ContentDone():
                yield ContentDoneEvent(change.snapshot, change.index, self._look)
            case RefusalChanged():
                yield RefusalDeltaEvent(change.delta, change)
            case RefusalDone():
                yield RefusalDoneEvent(change.snapshot)
            case ToolCallChanged() if change.field == "arguments" and change.piece:
                yield FunctionToolCallArgumentsDeltaEvent(change.piece, change.index, change)
            case ToolCallDone(index=index):
                call = change.snapshot
                if isinstance(call, ChatCompletionMessageFunctionToolCall):
                    yield FunctionToolCallArgumentsDoneEvent(call, index, call.name in self._tool_types)
            case LogprobsChanged():
                if change.delta.content:
                    yield LogprobsContentDeltaEvent(change.delta.content, change)
                if change.delta.refusal:
                    yield LogprobsRefusalDeltaEvent(change.delta.refusal, change)
            case FinishChanged():
                logprobs = change.snapshot.logprobs
                if logprobs is not None and logprobs.content:
                    yield LogprobsContentDoneEvent(logprobs.content)
                if logprobs is not None and logprobs.refusal:
                    yield LogprobsRefusalDoneEvent(logprobs.refusal)
            case _:
                # What has begun, reasoning and usage: openai-python's helper has no events for them.
                pass


def _function(call: object) -> tuple[str, str]:
    function = getattr(call, "function", None)
    return ("", "") if function is None else (function.name, function.arguments)
