"""The wire structs of a streamed chat answer: the chunk, its choices and their deltas.

Data only; folding is the business of `accumulators`. In a delta None means that this chunk does not say.
A chunk that does not fit these types is mended while it is decoded (`events.chat`): content that came as a list of
parts is text here, with the parts beside it. What no field names makes it unfit, so that a plain chunk pays nothing for
`extra`: to decode these types without `events` is to refuse such chunks.
"""

from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias

from msgspec import field

from asyncstream.members import EXTRA, OWN_MEMBER
from asyncstream.types.chat_parts import (
    ChatAnnotation,
    ChatCompletionModeration,
    ChoiceLogprobs,
    CompletionUsage,
    FinishReason,
    PromptFilterResult,
    ServiceTier,
)
from asyncstream.types.shared import JSONValue, Metadata
from asyncstream.types.structs import WireStruct

__all__ = [
    "AbsentDelta",
    "ChatCompletionChunk",
    "ChatRole",
    "ChoiceDelta",
    "ChoiceDeltaAudio",
    "ChoiceDeltaFunctionCall",
    "ChoiceDeltaToolCall",
    "ChoiceDeltaToolCallCustom",
    "ChoiceDeltaToolCallFunction",
    "ChunkChoice",
    "XGroq",
]

ChatRole: TypeAlias = Literal["developer", "system", "user", "assistant", "tool"] | str


class ChoiceDeltaAudio(WireStruct, kw_only=True, gc=False):
    """What a chunk adds to a spoken answer."""

    id: str | None = None
    data: str | None = None
    """Base64 of this piece of sound, in the format that the request asked for."""
    transcript: str | None = None
    expires_at: int | None = None
    """When the server forgets the audio: seconds since 1970-01-01 UTC."""


class ChoiceDeltaFunctionCall(WireStruct, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What a chunk adds to a call in the older form, one an answer."""

    name: str | None = None
    arguments: str | dict[str, JSONValue] | list[JSONValue] | None = None
    """A piece of JSON text; some servers send the arguments as an object."""


class ChoiceDeltaToolCallFunction(WireStruct, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What a chunk adds to a function call."""

    name: str | None = None
    arguments: str | dict[str, JSONValue] | list[JSONValue] | None = None
    """A piece of JSON text; some servers send the arguments as an object."""


class ChoiceDeltaToolCallCustom(WireStruct, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What a chunk adds to a call of a custom tool."""

    name: str | None = None
    input: str | dict[str, JSONValue] | list[JSONValue] | None = None


class ChoiceDeltaToolCall(WireStruct, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What a chunk adds to a tool call; `index` is its place, None where the server left it out."""

    index: int | None = None
    id: str | None = None
    type: Literal["function", "custom"] | str | None = None
    function: ChoiceDeltaToolCallFunction | None = None
    custom: ChoiceDeltaToolCallCustom | None = None
    extra_content: dict[str, JSONValue] | None = None
    """What a provider wants back with the call, such as Gemini's thought signatures."""
    unnamed: dict[str, JSONValue] | None = field(default=None, name=EXTRA)
    """What `extra` gives; None: nothing, which costs a plain chunk less."""

    @property
    def extra(self) -> dict[str, JSONValue]:
        """Members that no field here names, under the wire's keys, without nulls; of its `function`, under that."""
        return self.unnamed or {}


class ChoiceDelta(WireStruct, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What a chunk adds to the message of a choice."""

    role: ChatRole | None = None
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ChoiceDeltaToolCall] | None = None
    function_call: ChoiceDeltaFunctionCall | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[dict[str, JSONValue]] | None = None
    reasoning_text: str | None = None
    """The reasoning under Copilot's key."""
    thinking_blocks: list[dict[str, JSONValue]] | None = None
    """LiteLLM: the reasoning of Claude in blocks, with signatures."""
    images: list[JSONValue] | None = None
    """OpenRouter: pictures that the model made."""
    content_parts: list[dict[str, JSONValue]] | None = field(default=None, name=OWN_MEMBER + "content_parts")
    """The parts, where content came as a list of them; `content` then holds the text in them."""
    annotations: list[ChatAnnotation] | None = None
    audio: ChoiceDeltaAudio | None = None
    extra_content: dict[str, JSONValue] | None = None
    """What a provider wants back with the message."""
    unnamed: dict[str, JSONValue] | None = field(default=None, name=EXTRA)
    """What `extra` gives; None: nothing, which costs a plain chunk less."""

    @property
    def extra(self) -> dict[str, JSONValue]:
        """Members that no field here names, under the wire's keys, without nulls."""
        return self.unnamed or {}


class AbsentDelta(ChoiceDelta, kw_only=True, gc=False):
    """Stands where a choice came without a delta: it says nothing, and reading it never fails."""


class ChunkChoice(WireStruct, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What a chunk says of one choice. `index` is None where the server left it out: its place in the chunk counts."""

    index: int | None = None
    delta: ChoiceDelta = field(default_factory=AbsentDelta)
    finish_reason: FinishReason | None = None
    """None until the choice ends; some servers send "" or "null" for that."""
    logprobs: ChoiceLogprobs | None = None
    message: ChoiceDelta | None = None
    """The whole message, from servers that send no delta."""
    usage: dict[str, JSONValue] | None = None
    """Sent here by Moonshot and others, instead of beside the choices."""
    content_filter_results: dict[str, JSONValue] | None = None
    """Azure: category to `{"filtered": ..., "severity": ...}`."""
    native_finish_reason: str | None = None
    """OpenRouter: the reason in the words of the server behind it."""
    unnamed: dict[str, JSONValue] | None = field(default=None, name=EXTRA)
    """What `extra` gives; None: nothing, which costs a plain chunk less."""

    @property
    def extra(self) -> dict[str, JSONValue]:
        """Members that no field here names, under the wire's keys, without nulls."""
        return self.unnamed or {}


class XGroq(WireStruct, kw_only=True, gc=False):
    """What Groq adds to a chunk."""

    id: str | None = None
    usage: dict[str, JSONValue] | None = None
    error: JSONValue = None


class ChatCompletionChunk(WireStruct, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One event of a streamed chat answer."""

    id: str = ""
    object: str = "chat.completion.chunk"
    created: int = 0
    """Seconds since 1970-01-01 UTC."""
    model: str = ""
    choices: list[ChunkChoice] = []
    """Empty in chunks that carry usage or filter results only."""
    usage: CompletionUsage | None = None
    system_fingerprint: str | None = None
    service_tier: ServiceTier | None = None
    obfuscation: str | None = None
    """Filler that hides the length of the text from those who watch the wire."""
    moderation: ChatCompletionModeration | None = None
    prompt_filter_results: list[PromptFilterResult] | None = None
    """Azure: what the content filter found in the prompt."""
    provider: str | None = None
    """OpenRouter: who answered."""
    citations: list[JSONValue] | None = None
    """Perplexity: the addresses that the text's [1], [2] stand for."""
    search_results: list[JSONValue] | None = None
    """Perplexity: the pages behind the citations."""
    metadata: Metadata | None = None
    error: JSONValue = None
    """What went wrong, if the server says it in a chunk; a stream raises it as an error."""
    wire_type: str | None = field(default=None, name="type")
    """Never set in a real chunk; "error" in errors. No attribute `type`, for which other clients' events are asked."""
    x_groq: XGroq | None = None
    unnamed: dict[str, JSONValue] | None = field(default=None, name=EXTRA)
    """What `extra` gives; None: nothing, which costs a plain chunk less."""

    @property
    def extra(self) -> dict[str, JSONValue]:
        """Members that no field here names, under the wire's keys, without nulls and without filler."""
        return self.unnamed or {}

    if not TYPE_CHECKING:  # for checkers there is no such name

        @property
        def type(self) -> NoReturn:
            hint = "it is no event of a helper; `stream.openai_events` gives those"
            raise AttributeError(f"{self.__class__.__name__!r} has no attribute 'type': {hint}", name="type", obj=self)
