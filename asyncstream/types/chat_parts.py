"""The wire structs that whole chat answers and their chunks have in common: usage, logprobs, annotations, moderation.

Data only. Above it: `chat` and `chat_chunks`; below it: `structs` and msgspec.
"""

from typing import ClassVar, Literal, TypeAlias

from asyncstream.types.shared import JSONValue
from asyncstream.types.structs import WireStruct

__all__ = [
    "AnnotationURLCitation",
    "ChatAnnotation",
    "ChatCompletionModeration",
    "ChatCompletionModerationError",
    "ChatCompletionModerationOutcome",
    "ChatCompletionModerationResult",
    "ChatCompletionModerationResults",
    "ChatCompletionTokenLogprob",
    "ChatURLCitationAnnotation",
    "ChoiceLogprobs",
    "CompletionTokensDetails",
    "CompletionUsage",
    "FinishReason",
    "PromptFilterResult",
    "PromptTokensDetails",
    "ServiceTier",
    "TopLogprob",
    "UnknownChatAnnotation",
    "UnknownChatModeration",
]

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"] | str
"""Why a choice ended, in the provider's own words."""

ServiceTier: TypeAlias = Literal["auto", "default", "flex", "scale", "priority", "fast"] | str


class CompletionTokensDetails(WireStruct, kw_only=True, gc=False):
    """What `completion_tokens` is made of."""

    accepted_prediction_tokens: int | None = None
    audio_tokens: int | None = None
    reasoning_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    text_tokens: int | None = None


class PromptTokensDetails(WireStruct, kw_only=True, gc=False):
    """What `prompt_tokens` is made of."""

    audio_tokens: int | None = None
    cache_write_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None


class CompletionUsage(WireStruct, kw_only=True, gc=False):
    """The tokens that an answer has cost."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    completion_tokens_details: CompletionTokensDetails | None = None
    prompt_tokens_details: PromptTokensDetails | None = None
    extra: dict[str, JSONValue] = {}
    """What providers add (`cost`, `queue_time`, ...), under the wire's keys; in a part of the usage likewise."""


class TopLogprob(WireStruct, kw_only=True, gc=False):
    """A token that the model could have written instead."""

    token: str = ""
    logprob: float = 0.0
    bytes: list[int] | None = None
    """The token's UTF-8; a character may be spread over several tokens."""


class ChatCompletionTokenLogprob(WireStruct, kw_only=True, gc=False):
    """How likely a token was."""

    token: str = ""
    logprob: float = 0.0
    bytes: list[int] | None = None
    """The token's UTF-8; a character may be spread over several tokens."""
    top_logprobs: list[TopLogprob] = []


class ChoiceLogprobs(WireStruct, kw_only=True, gc=False):
    """How likely the tokens of a choice were."""

    content: list[ChatCompletionTokenLogprob] | None = None
    refusal: list[ChatCompletionTokenLogprob] | None = None


class AnnotationURLCitation(WireStruct, kw_only=True, gc=False):
    """The page that a place in the text cites."""

    url: str = ""
    title: str = ""
    start_index: int | None = None
    """Where the cited place begins, in characters of the content."""
    end_index: int | None = None
    content: str | None = None
    """What the page says there; sent by OpenRouter."""


class ChatURLCitationAnnotation(WireStruct, kw_only=True, gc=False, tag_field="type", tag="url_citation"):
    """A place in the text that cites a page."""

    type: ClassVar[Literal["url_citation"]] = "url_citation"
    url_citation: AnnotationURLCitation | None = None


class UnknownChatAnnotation(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """An annotation of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


ChatAnnotation: TypeAlias = ChatURLCitationAnnotation | UnknownChatAnnotation


class ChatCompletionModerationResult(WireStruct, kw_only=True, gc=False):
    """What moderation found in one text."""

    type: Literal["moderation_result"] | str = ""
    model: str = ""
    flagged: bool = False
    categories: dict[str, bool] = {}
    category_scores: dict[str, float] = {}
    category_applied_input_types: dict[str, list[Literal["text", "image"] | str]] = {}


class ChatCompletionModerationResults(WireStruct, kw_only=True, gc=False, tag_field="type", tag="moderation_results"):
    """What moderation found."""

    type: ClassVar[Literal["moderation_results"]] = "moderation_results"
    model: str = ""
    results: list[ChatCompletionModerationResult] = []


class ChatCompletionModerationError(WireStruct, kw_only=True, gc=False, tag_field="type", tag="error"):
    """Why there is no moderation."""

    type: ClassVar[Literal["error"]] = "error"
    code: str = ""
    message: str = ""


class UnknownChatModeration(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """An outcome of moderation of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


ChatCompletionModerationOutcome: TypeAlias = (
    ChatCompletionModerationResults | ChatCompletionModerationError | UnknownChatModeration
)


class ChatCompletionModeration(WireStruct, kw_only=True, gc=False):
    """The moderation of what was asked and what was answered; sent only if the request wanted it."""

    input: ChatCompletionModerationOutcome | None = None
    output: ChatCompletionModerationOutcome | None = None


class PromptFilterResult(WireStruct, kw_only=True, gc=False):
    """Azure: what the content filter found in one message of the prompt."""

    prompt_index: int | None = None
    content_filter_results: dict[str, JSONValue] | None = None
    """Category to `{"filtered": ..., "severity": ...}` or `{"filtered": ..., "detected": ...}`."""
