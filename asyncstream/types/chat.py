"""The wire structs of whole chat answers: the completion, its choices, the message and its tool calls.

What streams in pieces is in `chat_chunks`; what both carry in `chat_parts`. A message and a call have methods, and
only such as rearrange or read their own data: back into a request (`to_param`), into a type of the user's (`parse`).
Besides what the wire has, they hold what the fold knows and the wire has no field for: `reasoning` under whatever key
it came, `parsed`, `cut`, `wire`. Those are never sent.
"""

import builtins
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, cast

import msgspec
from msgspec import UNSET, UnsetType, field

from asyncstream import params
from asyncstream.errors import ParseError
from asyncstream.members import EXTRA, OWN_MEMBER
from asyncstream.parsing import parse_json
from asyncstream.partial import parse_partial
from asyncstream.types.chat_chunks import ChatRole
from asyncstream.types.chat_parts import (
    ChatAnnotation,
    ChatCompletionModeration,
    ChoiceLogprobs,
    CompletionUsage,
    FinishReason,
    PromptFilterResult,
    ServiceTier,
    UnknownChatAnnotation,
)
from asyncstream.types.function_calls import CallArguments
from asyncstream.types.shared import ImageURL, JSONValue, Metadata
from asyncstream.types.structs import ParsedT_co, WireStruct

__all__ = [
    "ChatCompletion",
    "ChatCompletionAudio",
    "ChatCompletionContentPartImage",
    "ChatCompletionContentPartText",
    "ChatCompletionDeleted",
    "ChatCompletionMessage",
    "ChatCompletionMessageCustomToolCall",
    "ChatCompletionMessageFunctionToolCall",
    "ChatCompletionMessageToolCall",
    "ChatCompletionMessageToolCallUnion",
    "ChatCompletionStoreMessage",
    "ChatCompletionStoreMessageContentPart",
    "Choice",
    "Custom",
    "FunctionCall",
    "UnknownChatContentPart",
    "UnknownChatToolCall",
    "call_param",
]

T = TypeVar("T")


# Tool calls.


class FunctionCall(WireStruct, kw_only=True, gc=True, dict=True):
    """The function to call, and with what."""

    name: str = ""
    arguments: str = ""
    """JSON text, written by the model: it may be invalid."""

    @property
    def parsed_arguments(self) -> object:
        """The arguments as what the tool was made from: a value of the type, or the keyword arguments of the function.

        None: the tool has no type, or the arguments are cut, or do not fit; `arguments_as` of the call says which. It
        is no member: it is in no JSON, no pickle and no copy of the struct, for it may be a value of any type.
        """
        return vars(self).get("parsed_arguments")


class ChatCompletionMessageFunctionToolCall(
    CallArguments, kw_only=True, gc=False, tag_field="type", tag="function", forbid_unknown_fields=True
):
    """A call of a function of the user's own."""

    type: ClassVar[Literal["function"]] = "function"
    id: str = ""
    function: FunctionCall = field(default_factory=FunctionCall)
    extra_content: dict[str, JSONValue] | None = None
    """What the provider wants back with the call, such as Gemini's thought signatures."""
    cut: str | None = None
    """Why the call is not whole: a finish reason that cuts, or "unfinished"; None if it is. Never on the wire."""
    extra: dict[str, JSONValue] = field(default={}, name=EXTRA)
    """Members that no field here names, under the wire's keys, without nulls; they go back with `to_param`."""

    @property
    def name(self) -> str:
        """The function's."""
        return self.function.name

    @property
    def arguments(self) -> str:
        """JSON text, written by the model: it may be invalid."""
        return self.function.arguments

    def partial_arguments(self) -> JSONValue:
        """Parse the arguments so far, as far as they go; None before they begin. Needs the extra `[partial]`.

        Raises:
            ConfigurationError: The extra is not installed.
            ParseError: They are no beginning of JSON.
        """
        return parse_partial(self.function.arguments)

    def to_param(self) -> dict[str, JSONValue]:
        """Give the call as a request carries it."""
        function = {"name": self.function.name, "arguments": self.function.arguments}
        return call_param(self.id, "function", "function", function, self.extra_content, self.extra)


class Custom(WireStruct, kw_only=True, gc=False):
    """The custom tool to call, and with what."""

    name: str = ""
    input: str = ""
    """Free text, or text in the grammar of the tool."""


class ChatCompletionMessageCustomToolCall(
    CallArguments, kw_only=True, gc=False, tag_field="type", tag="custom", forbid_unknown_fields=True
):
    """A call of a tool that takes text instead of JSON."""

    type: ClassVar[Literal["custom"]] = "custom"
    id: str = ""
    custom: Custom = field(default_factory=Custom)
    extra_content: dict[str, JSONValue] | None = None
    """What the provider wants back with the call."""
    cut: str | None = None
    """Why the call is not whole: a finish reason that cuts, or "unfinished"; None if it is. Never on the wire."""
    extra: dict[str, JSONValue] = field(default={}, name=EXTRA)
    """Members that no field here names, under the wire's keys, without nulls; they go back with `to_param`."""

    @property
    def name(self) -> str:
        """The tool's."""
        return self.custom.name

    @property
    def arguments(self) -> str:
        """What the tool is called with: its input, which need not be JSON."""
        return self.custom.input

    def to_param(self) -> dict[str, JSONValue]:
        """Give the call as a request carries it."""
        custom = {"name": self.custom.name, "input": self.custom.input}
        return call_param(self.id, "custom", "custom", custom, self.extra_content, self.extra)


class UnknownChatToolCall(CallArguments, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A call of a type that this version does not know, such as Kimi's `builtin_function`."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON; streamed, the JSON of what was folded."""
    id: str = ""
    function: FunctionCall = field(default_factory=FunctionCall)
    """Empty if the call has none."""
    cut: str | None = field(default=None, name=OWN_MEMBER + "cut")
    """Why the call is not whole: a finish reason that cuts, or "unfinished"; None if it is. Never on the wire."""

    @property
    def name(self) -> str:
        """The function's."""
        return self.function.name

    @property
    def arguments(self) -> str:
        """JSON text, written by the model: it may be invalid."""
        return self.function.arguments

    def to_param(self) -> dict[str, JSONValue]:
        """Give the call as a request carries it."""
        return cast("dict[str, JSONValue]", msgspec.json.decode(self.raw))


ChatCompletionMessageToolCall: TypeAlias = (
    ChatCompletionMessageFunctionToolCall | ChatCompletionMessageCustomToolCall | UnknownChatToolCall
)
ChatCompletionMessageToolCallUnion: TypeAlias = ChatCompletionMessageToolCall


def call_param(
    id: str,
    type: str,
    kind: str,
    call: dict[str, str],
    extra_content: dict[str, JSONValue] | None,
    extra: dict[str, JSONValue],
) -> dict[str, JSONValue]:
    """Give a call as a request carries it.

    Args:
        id: Its id.
        type: The wire's word for its type.
        kind: The member that names what is called.
        call: The name of that, and with what.
        extra_content: What the provider wants back.
        extra: What no field names; what stands in it under `kind` belongs beside the name.
    """
    beside = extra.get(kind)
    param: dict[str, JSONValue] = {**extra, "id": id, "type": type, kind: call}
    if isinstance(beside, dict):
        param[kind] = {**beside, **call}
    if extra_content is not None:
        param["extra_content"] = extra_content
    return param


# Messages.


class ChatCompletionAudio(WireStruct, kw_only=True, gc=False):
    """A spoken answer."""

    id: str = ""
    data: str = ""
    """Base64 of the sound, in the format that the request asked for."""
    expires_at: int = 0
    """When the server forgets the audio: seconds since 1970-01-01 UTC."""
    transcript: str = ""


class ChatCompletionMessage(WireStruct, Generic[ParsedT_co], kw_only=True, gc=False, forbid_unknown_fields=True):
    """A message that a model wrote; generic in the type that was given as `response_format`."""

    role: ChatRole = "assistant"
    content: str | None = None
    refusal: str | None = None
    """Why the model will not, in its own words."""
    reasoning: str | None = None
    """What the model thought before it wrote, under whatever key it came."""
    tool_calls: list[ChatCompletionMessageToolCall] | None = None
    """First seen first; a call in the older form (`function_call`) is among them."""
    function_call: FunctionCall | None = None
    annotations: list[ChatAnnotation] | None = None
    audio: ChatCompletionAudio | None = None
    reasoning_content: str | None = None
    """What came under this key; some providers want it back."""
    reasoning_text: str | None = None
    """What came under this key, Copilot's."""
    reasoning_details: list[dict[str, JSONValue]] | None = None
    """Reasoning in parts, with signatures or encrypted; OpenRouter wants it back."""
    thinking_blocks: list[dict[str, JSONValue]] | None = None
    """Reasoning of Claude in blocks, with signatures; LiteLLM wants it back."""
    images: list[JSONValue] | None = None
    """Pictures that the model made, as OpenRouter sends them."""
    extra_content: dict[str, JSONValue] | None = None
    """What the provider wants back with the message."""
    parsed: ParsedT_co | None = None
    """The content as the type that was given as `response_format`. None: no type was given, the answer is a refusal,
    is cut, or does not fit; `parse` says which. Never on the wire."""
    cut: str | None = None
    """Why the message is not whole: a finish reason that cuts, or "unfinished"; None if it is. Never on the wire."""
    wire: dict[str, JSONValue] = {}
    """Members that came in another form than they have here, as they came; None: under another key. `to_param` sends
    these instead."""
    extra: dict[str, JSONValue] = field(default={}, name=EXTRA)
    """Members that no field here names, under the wire's keys, without nulls; they go back with `to_param`."""

    def parse(self, target: builtins.type[T]) -> T:
        """Decode the content into a `msgspec.Struct`, dataclass, TypedDict or pydantic model.

        Raises:
            ParseError: There is no content (the model refused, or called a tool), it is cut, is no JSON, or does not
                fit; the error has its `raw` text and the `path`.
        """
        if self.refusal:
            raise ParseError(f"the model refused: {self.refusal}", raw=self.content or "")
        if self.content is None:
            raise ParseError("the message has no content to parse")
        return parse_json(self.content, target, what="the content", cut=self.cut)

    def to_param(
        self, *, reasoning: bool = True, content: str | UnsetType | None = UNSET
    ) -> "params.ChatCompletionAssistantMessageParam":
        """Give the message as a request carries it: what the wire sent, under the wire's keys, without nulls.

        A call that came without an id has the made-up one here too, for the answer to it must name it.

        Args:
            reasoning: False leaves out all that the model thought, in whatever form, for servers that refuse to get
                back what they sent.
            content: What stands in the place of a content without text; by default what the wire sent, which may be
                nothing. Some servers want "" there, some null.
        """
        param: dict[str, JSONValue] = {
            **self.extra,
            "role": self.role,
            "content": self.content,
            "refusal": self.refusal,
            "reasoning": self.reasoning,
            "reasoning_content": self.reasoning_content,
            "reasoning_text": self.reasoning_text,
            "reasoning_details": self.reasoning_details,
            "thinking_blocks": self.thinking_blocks,
            "images": self.images,
            "extra_content": self.extra_content,
        }
        if self.annotations:
            param["annotations"] = [_annotation_param(annotation) for annotation in self.annotations]
        if self.audio is not None and self.audio.id:
            # Requests name an earlier audio; its sound is not sent again.
            param["audio"] = {"id": self.audio.id}
        if self.tool_calls:
            param["tool_calls"] = [call.to_param() for call in self.tool_calls]
        if self.function_call is not None:
            beside = self.extra.get("function_call")
            function = {"name": self.function_call.name, "arguments": self.function_call.arguments}
            param["function_call"] = {**beside, **function} if isinstance(beside, dict) else function
        param.update(self.wire)
        if not reasoning:
            param = _without_reasoning(param)
        present = {key: value for key, value in param.items() if value is not None}
        if content is not UNSET and not present.get("content"):
            present["content"] = content
        return cast("params.ChatCompletionAssistantMessageParam", present)


_REASONING = ("reasoning", "thinking")
"""How the members begin that hold what a model thought, under whatever key, and the types of such parts."""


def _without_reasoning(value: dict[str, JSONValue]) -> dict[str, JSONValue]:
    """Return the members of a message, or of what no field names in it, that are nothing of what the model thought."""
    kept: dict[str, JSONValue] = {}
    for key, member in value.items():
        if key.startswith(_REASONING):
            continue
        if key == "content" and isinstance(member, list):
            member = _answer_parts(member)
        elif key not in _FIELDS and isinstance(member, dict):
            member = _without_reasoning(member)
        kept[key] = member
    return kept


def _answer_parts(parts: list[JSONValue]) -> JSONValue:
    """Return the parts of a content that are no reasoning; nothing but text is a text, and nothing is None."""
    kept = [part for part in parts if not (isinstance(part, dict) and _thinks(part))]
    texts = [part["text"] for part in kept if isinstance(part, dict) and part.get("type") == "text"]
    return ("".join(map(str, texts)) if texts else None) if len(texts) == len(kept) else kept


def _thinks(part: dict[str, JSONValue]) -> bool:
    return str(part.get("type")).removeprefix("redacted_").startswith(_REASONING)


_FIELDS = frozenset(ChatCompletionMessage.__struct_fields__)


def _annotation_param(annotation: ChatAnnotation) -> JSONValue:
    if isinstance(annotation, UnknownChatAnnotation):
        return msgspec.json.decode(annotation.raw)
    return _without_nulls(msgspec.to_builtins(annotation))


def _without_nulls(value: JSONValue) -> JSONValue:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


# Completions.


_empty_message = cast("Callable[[], ChatCompletionMessage[Any]]", ChatCompletionMessage)


class Choice(WireStruct, Generic[ParsedT_co], kw_only=True, gc=False, forbid_unknown_fields=True):
    """One of the answers that a request asked for."""

    index: int = 0
    message: ChatCompletionMessage[ParsedT_co] = field(default_factory=_empty_message)
    finish_reason: FinishReason | None = None
    """None until the choice ends, and where the server never says why it ended."""
    logprobs: ChoiceLogprobs | None = None
    content_filter_results: dict[str, JSONValue] | None = None
    """Azure: category to `{"filtered": ..., "severity": ...}`."""
    native_finish_reason: str | None = None
    """OpenRouter: the reason in the words of the server behind it."""
    extra: dict[str, JSONValue] = field(default={}, name=EXTRA)
    """Members that no field here names, under the wire's keys, without nulls."""


class ChatCompletion(WireStruct, Generic[ParsedT_co], kw_only=True, gc=False, forbid_unknown_fields=True):
    """The answer to a chat request."""

    id: str = ""
    object: str = "chat.completion"
    created: int = 0
    """Seconds since 1970-01-01 UTC."""
    model: str = ""
    choices: list[Choice[ParsedT_co]] = []
    """By index."""
    usage: CompletionUsage | None = None
    system_fingerprint: str | None = None
    service_tier: ServiceTier | None = None
    moderation: ChatCompletionModeration | None = None
    metadata: Metadata | None = None
    prompt_filter_results: list[PromptFilterResult] | None = None
    """Azure: what the content filter found in the prompt."""
    provider: str | None = None
    """OpenRouter: who answered."""
    citations: list[JSONValue] | None = None
    """Perplexity: the addresses that the text's [1], [2] stand for."""
    search_results: list[JSONValue] | None = None
    """Perplexity: the pages behind the citations."""
    extra: dict[str, JSONValue] = field(default={}, name=EXTRA)
    """Members that no field here names, under the wire's keys, without nulls; of a stream, all that its chunks had."""


# Stored completions.


class ChatCompletionDeleted(WireStruct, kw_only=True, gc=False):
    """The answer to a deletion."""

    id: str
    object: str = "chat.completion.deleted"
    deleted: bool = False


class ChatCompletionContentPartText(WireStruct, kw_only=True, gc=False, tag_field="type", tag="text"):
    """A part of text."""

    type: ClassVar[Literal["text"]] = "text"
    text: str = ""
    prompt_cache_breakpoint: dict[str, JSONValue] | None = None


class ChatCompletionContentPartImage(WireStruct, kw_only=True, gc=False, tag_field="type", tag="image_url"):
    """A part that is an image."""

    type: ClassVar[Literal["image_url"]] = "image_url"
    image_url: ImageURL = field(default_factory=ImageURL)
    prompt_cache_breakpoint: dict[str, JSONValue] | None = None


class UnknownChatContentPart(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A part of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


ChatCompletionStoreMessageContentPart: TypeAlias = (
    ChatCompletionContentPartText | ChatCompletionContentPartImage | UnknownChatContentPart
)


class ChatCompletionStoreMessage(ChatCompletionMessage, kw_only=True, gc=False):
    """A message of a stored completion: what was asked, or what was answered."""

    id: str
    content_parts: list[ChatCompletionStoreMessageContentPart] | None = None
    """The parts of a message that was sent in parts."""
