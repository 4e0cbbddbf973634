"""The request bodies of chat completions. `messages`, `model` and `stream` are parameters of the methods.

The messages of a request are in `chat_messages`. Keys that only one provider knows go into `extra_body` of the methods.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Required, TypeAlias, TypedDict

from asyncstream.params.chat_messages import ChatCompletionContentPartTextParam
from asyncstream.params.shared import (
    FunctionToolParam,
    ResponseFormatJSONObjectParam,
    ResponseFormatJSONSchemaParam,
    ResponseFormatTextParam,
)
from asyncstream.types.chat_parts import ServiceTier
from asyncstream.types.shared import Metadata, ReasoningEffort

__all__ = [
    "ChatCompletionAllowedToolChoiceParam",
    "ChatCompletionAllowedToolsParam",
    "ChatCompletionAudioParam",
    "ChatCompletionCreateParams",
    "ChatCompletionCustomToolParam",
    "ChatCompletionFunctionCallOptionParam",
    "ChatCompletionFunctionParam",
    "ChatCompletionFunctionToolParam",
    "ChatCompletionNamedToolChoiceCustomParam",
    "ChatCompletionNamedToolChoiceParam",
    "ChatCompletionPredictionContentParam",
    "ChatCompletionResponseFormatParam",
    "ChatCompletionStreamOptionsParam",
    "ChatCompletionToolChoiceOptionParam",
    "ChatCompletionToolUnionParam",
    "ChatCompletionUntypedParams",
    "ChatCompletionUpdateParams",
    "CustomToolFormatGrammarGrammarParam",
    "CustomToolFormatGrammarParam",
    "CustomToolFormatTextParam",
    "CustomToolParam",
    "ModerationConfigParam",
    "ModerationParam",
    "ModerationPolicyParam",
    "NamedToolParam",
    "PromptCacheOptionsParam",
    "VoiceIDParam",
    "WebSearchLocationParam",
    "WebSearchOptionsParam",
    "WebSearchUserLocationParam",
]


# Tools.

ChatCompletionFunctionToolParam: TypeAlias = FunctionToolParam


class CustomToolFormatTextParam(TypedDict):
    """The model writes whatever it wants."""

    type: Literal["text"]


class CustomToolFormatGrammarGrammarParam(TypedDict):
    """A grammar."""

    definition: str
    syntax: Literal["lark", "regex"]


class CustomToolFormatGrammarParam(TypedDict):
    """The model writes what a grammar allows."""

    type: Literal["grammar"]
    grammar: CustomToolFormatGrammarGrammarParam


class CustomToolParam(TypedDict, total=False):
    """A tool that takes text instead of JSON."""

    name: Required[str]
    description: str
    format: CustomToolFormatTextParam | CustomToolFormatGrammarParam
    """Absent: any text."""


class ChatCompletionCustomToolParam(TypedDict):
    """A tool that takes text instead of JSON, as a request carries it."""

    type: Literal["custom"]
    custom: CustomToolParam


ChatCompletionToolUnionParam: TypeAlias = ChatCompletionFunctionToolParam | ChatCompletionCustomToolParam


class NamedToolParam(TypedDict):
    """A tool by its name."""

    name: str


class ChatCompletionNamedToolChoiceParam(TypedDict):
    """The one function that the model must call."""

    type: Literal["function"]
    function: NamedToolParam


class ChatCompletionNamedToolChoiceCustomParam(TypedDict):
    """The one custom tool that the model must call."""

    type: Literal["custom"]
    custom: NamedToolParam


class ChatCompletionAllowedToolsParam(TypedDict):
    """The tools that the model may call."""

    mode: Literal["auto", "required"]
    """"required": it must call one of them."""
    tools: Sequence[Mapping[str, object]]
    """Such as `{"type": "function", "function": {"name": "get_weather"}}`."""


class ChatCompletionAllowedToolChoiceParam(TypedDict):
    """Some of the tools, while all stay in the prompt and so in its cache."""

    type: Literal["allowed_tools"]
    allowed_tools: ChatCompletionAllowedToolsParam


ChatCompletionToolChoiceOptionParam: TypeAlias = (
    Literal["none", "auto", "required"]
    | ChatCompletionAllowedToolChoiceParam
    | ChatCompletionNamedToolChoiceParam
    | ChatCompletionNamedToolChoiceCustomParam
)


class ChatCompletionFunctionCallOptionParam(TypedDict):
    """The older form: the one function that the model must call."""

    name: str


class ChatCompletionFunctionParam(TypedDict, total=False):
    """The older form: a function that the model may call."""

    name: Required[str]
    description: str
    parameters: Mapping[str, object]
    """A JSON Schema; absent: the function takes no arguments."""


# What the answer is like.

ChatCompletionResponseFormatParam: TypeAlias = (
    ResponseFormatTextParam | ResponseFormatJSONObjectParam | ResponseFormatJSONSchemaParam
)


class VoiceIDParam(TypedDict):
    """A voice of the user's own."""

    id: str


class ChatCompletionAudioParam(TypedDict):
    """How a spoken answer sounds; needed if `modalities` has "audio"."""

    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]
    voice: str | VoiceIDParam


class ChatCompletionPredictionContentParam(TypedDict):
    """What much of the answer will be, such as a file that is edited: it comes faster then."""

    type: Literal["content"]
    content: str | Sequence[ChatCompletionContentPartTextParam]


class ChatCompletionStreamOptionsParam(TypedDict, total=False):
    """What a stream carries besides the answer."""

    include_usage: bool
    """Ends the stream with a chunk that has the usage and no choices."""
    include_obfuscation: bool
    """False leaves the filler out that hides how long the pieces are."""


class WebSearchLocationParam(TypedDict, total=False):
    """Roughly where the user is."""

    country: str
    """Two letters, as ISO 3166-1 has them."""
    region: str
    city: str
    timezone: str
    """As IANA names it: Europe/Oslo."""


class WebSearchUserLocationParam(TypedDict):
    """Where the user is."""

    type: Literal["approximate"]
    approximate: WebSearchLocationParam


class WebSearchOptionsParam(TypedDict, total=False):
    """How the model searches the web."""

    user_location: WebSearchUserLocationParam | None
    search_context_size: Literal["low", "medium", "high"]


class ModerationConfigParam(TypedDict):
    """What moderation does with what it finds."""

    mode: Literal["score", "block"]


class ModerationPolicyParam(TypedDict, total=False):
    """What moderation does with the question and with the answer."""

    input: ModerationConfigParam | None
    output: ModerationConfigParam | None


class ModerationParam(TypedDict, total=False):
    """Moderation along with the answer."""

    model: Required[str]
    policy: ModerationPolicyParam | None


class PromptCacheOptionsParam(TypedDict, total=False):
    """How the beginning of the prompt is cached."""

    mode: Literal["implicit", "explicit"]
    """"explicit": only up to the breakpoints that the content parts set."""
    ttl: Literal["30m"]


# The bodies.


class ChatCompletionUntypedParams(TypedDict, total=False):
    """POST /chat/completions, without `messages`, `model`, `stream` and `response_format`."""

    audio: ChatCompletionAudioParam | None
    frequency_penalty: float | None
    """From -2 to 2."""
    function_call: Literal["none", "auto"] | ChatCompletionFunctionCallOptionParam
    """The older form of `tool_choice`."""
    functions: Sequence[ChatCompletionFunctionParam]
    """The older form of `tools`."""
    logit_bias: dict[str, int] | None
    """Token id to a number from -100 (never) to 100 (always)."""
    logprobs: bool | None
    max_completion_tokens: int | None
    """Reasoning counts too."""
    max_tokens: int | None
    """The older form of `max_completion_tokens`; the only one that many servers know."""
    metadata: Metadata | None
    modalities: list[Literal["text", "audio"]] | None
    moderation: ModerationParam | None
    n: int | None
    """How many answers."""
    parallel_tool_calls: bool
    prediction: ChatCompletionPredictionContentParam | None
    presence_penalty: float | None
    """From -2 to 2."""
    prompt_cache_key: str | None
    prompt_cache_options: PromptCacheOptionsParam
    prompt_cache_retention: Literal["in_memory", "24h"] | None
    reasoning_effort: ReasoningEffort | None
    safety_identifier: str | None
    """A hash that names the user and tells nothing about them."""
    seed: int | None
    service_tier: ServiceTier | None
    stop: str | list[str] | None
    """At most four texts at which the model stops."""
    store: bool | None
    """Keeps the answer for `chat.completions.retrieve` and `list`."""
    stream_options: ChatCompletionStreamOptionsParam | None
    """Only for streams."""
    temperature: float | None
    """From 0 to 2."""
    tool_choice: ChatCompletionToolChoiceOptionParam
    tools: Sequence[ChatCompletionToolUnionParam]
    top_logprobs: int | None
    """From 0 to 20; needs `logprobs`."""
    top_p: float | None
    user: str
    verbosity: Literal["low", "medium", "high"] | None
    web_search_options: WebSearchOptionsParam


class ChatCompletionCreateParams(ChatCompletionUntypedParams, total=False):
    """POST /chat/completions, without `messages`, `model` and `stream`."""

    response_format: ChatCompletionResponseFormatParam | type[object]
    """A type asks for JSON that fits it, strictly, and gives `message.parsed`."""


class ChatCompletionUpdateParams(TypedDict):
    """POST /chat/completions/{completion_id}."""

    metadata: Metadata | None
