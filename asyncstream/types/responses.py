"""The wire structs of a response: the response itself, its usage, its error, and the settings that it repeats.

Data only; `output_text` and `output_parsed` read it. Below it: `responses_items` (what it consists of),
`responses_tools`, `responses_parts`. What streams of it is in `events.responses`.
"""

from typing import ClassVar, Generic, Literal, TypeAlias

from asyncstream.types.responses_items import ResponseItem, ResponseOutputItem, ResponseOutputMessage
from asyncstream.types.responses_parts import ResponseOutputText, ResponseStruct, UnknownResponseObject
from asyncstream.types.responses_tools import ResponseTool, ResponseToolChoice
from asyncstream.types.shared import (
    JSONValue,
    Metadata,
    ReasoningEffort,
    ResponseFormatJSONObject,
    ResponseFormatText,
    UnknownResponseFormat,
)
from asyncstream.types.structs import ParsedT, ParsedT_co

__all__ = [
    "AccessPrograms",
    "CompactedResponse",
    "InputTokenCountResponse",
    "InputTokensDetails",
    "InputTokensDetailsCacheWriteTokensDetails",
    "InputTransformation",
    "Misalignment",
    "MisalignmentSteer",
    "OutputTokensDetails",
    "ParsedResponse",
    "PromptCacheDiagnostics",
    "PromptCacheDiagnosticsCacheHit",
    "PromptCacheDiagnosticsCacheMiss",
    "PromptCacheDiagnosticsComparisonResponseNotFound",
    "PromptCacheDiagnosticsUnavailable",
    "PromptCacheOptions",
    "Reasoning",
    "Response",
    "ResponseConversation",
    "ResponseDeleted",
    "ResponseError",
    "ResponseErrorCode",
    "ResponseFormatTextConfig",
    "ResponseFormatTextJSONSchemaConfig",
    "ResponseImage",
    "ResponseIncompleteDetails",
    "ResponseModeration",
    "ResponseModerationError",
    "ResponseModerationOutcome",
    "ResponseModerationResult",
    "ResponsePrompt",
    "ResponseServiceTier",
    "ResponseStatus",
    "ResponseTextConfig",
    "ResponseUsage",
    "ToolUsage",
    "ToolUsageImageGen",
    "ToolUsageImageGenCachedTokensDetails",
    "ToolUsageImageGenTokensDetails",
    "ToolUsageWebSearch",
]

ResponseStatus: TypeAlias = Literal["completed", "failed", "in_progress", "cancelled", "queued", "incomplete"] | str

ResponseServiceTier: TypeAlias = Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | str

ResponseErrorCode: TypeAlias = (
    Literal[
        "server_error",
        "rate_limit_exceeded",
        "invalid_prompt",
        "data_residency_mismatch",
        "bio_policy",
        "misalignment_policy_violation",
        "vector_store_timeout",
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_content_policy_violation",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    ]
    | str
)


# Usage.


class InputTokensDetailsCacheWriteTokensDetails(ResponseStruct, kw_only=True, gc=False):
    """What `cache_write_tokens` is made of, by how long the cache keeps it."""

    ttl_30m_tokens: int | None = None
    ttl_12h_tokens: int | None = None


class InputTokensDetails(ResponseStruct, kw_only=True, gc=False):
    """What `input_tokens` is made of."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_tokens_details: InputTokensDetailsCacheWriteTokensDetails | None = None


class OutputTokensDetails(ResponseStruct, kw_only=True, gc=False):
    """What `output_tokens` is made of."""

    reasoning_tokens: int | None = None


class ResponseUsage(ResponseStruct, kw_only=True, gc=False):
    """The tokens that a response has cost."""

    input_tokens: int = 0
    input_tokens_details: InputTokensDetails | None = None
    output_tokens: int = 0
    output_tokens_details: OutputTokensDetails | None = None
    total_tokens: int = 0


class ToolUsageImageGenTokensDetails(ResponseStruct, kw_only=True, gc=False):
    """What the tokens of pictures are made of."""

    image_tokens: int | None = None
    text_tokens: int | None = None


class ToolUsageImageGenCachedTokensDetails(ResponseStruct, kw_only=True, gc=False):
    """What the cached tokens of pictures are made of."""

    cached_image_tokens: int | None = None
    cached_text_tokens: int | None = None


class ToolUsageImageGen(ResponseStruct, kw_only=True, gc=False):
    """The tokens that pictures have cost."""

    input_tokens: int = 0
    input_tokens_details: ToolUsageImageGenTokensDetails | None = None
    output_tokens: int = 0
    output_tokens_details: ToolUsageImageGenTokensDetails | None = None
    total_tokens: int = 0
    cached_tokens: int | None = None
    cached_tokens_details: ToolUsageImageGenCachedTokensDetails | None = None


class ToolUsageWebSearch(ResponseStruct, kw_only=True, gc=False):
    """The searches in the web that a response has cost."""

    num_requests: int = 0


class ToolUsage(ResponseStruct, kw_only=True, gc=False):
    """What the server's own tools have cost."""

    image_gen: ToolUsageImageGen | None = None
    web_search: ToolUsageWebSearch | None = None


# How it ended.


class MisalignmentSteer(ResponseStruct, kw_only=True, gc=False):
    """What the model is told instead."""

    message: str = ""


class Misalignment(ResponseStruct, kw_only=True, gc=False):
    """What the model was about to do."""

    detailed_explanation: str | None = None
    error_type: str | None = None
    review_target: str | None = None
    steer: MisalignmentSteer | None = None


class ResponseError(ResponseStruct, kw_only=True, gc=False):
    """Why a response failed."""

    code: ResponseErrorCode | int | None = None
    message: str = ""
    param: str | None = None
    type: str | None = None
    misalignment: Misalignment | None = None


class ResponseIncompleteDetails(ResponseStruct, kw_only=True, gc=False):
    """Why a response ended before it was whole."""

    reason: Literal["max_output_tokens", "max_messages", "content_filter", "steered"] | str | None = None


class ResponseModerationResult(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="moderation_result"):
    """What moderation found."""

    type: ClassVar[Literal["moderation_result"]] = "moderation_result"
    model: str = ""
    flagged: bool = False
    categories: dict[str, bool] = {}
    category_scores: dict[str, float] = {}
    category_applied_input_types: dict[str, list[str]] = {}


class ResponseModerationError(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="error"):
    """Why there is no moderation."""

    type: ClassVar[Literal["error"]] = "error"
    code: str = ""
    message: str = ""


ResponseModerationOutcome: TypeAlias = ResponseModerationResult | ResponseModerationError | UnknownResponseObject


class ResponseModeration(ResponseStruct, kw_only=True, gc=False):
    """The moderation of what was asked and what was answered; sent only if the request wanted it."""

    input: ResponseModerationOutcome | None = None
    output: ResponseModerationOutcome | None = None


# What it repeats of its request, and says of how it was made.


class AccessPrograms(ResponseStruct, kw_only=True, gc=False):
    """The programs under which the model may say more."""

    cyber: Literal["standard", "daybreak_blue", "daybreak_red"] | str | None = None


class ResponseConversation(ResponseStruct, kw_only=True, gc=False):
    """The conversation that the response belongs to."""

    id: str = ""


class ResponseImage(ResponseStruct, kw_only=True, gc=False):
    """How pictures in the context are kept."""

    context_compression: Literal["enabled", "disabled"] | str | None = None


class InputTransformation(ResponseStruct, kw_only=True, gc=False):
    """What was changed in the input before the model saw it."""

    id: str = ""
    action: Literal["removed"] | str | None = None
    reason: (
        Literal["organization_mismatch", "end_user_mismatch", "model_mismatch", "prefix_mismatch", "turn_boundary"]
        | str
        | None
    ) = None


class PromptCacheDiagnosticsCacheHit(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="cache_hit"):
    """The prompt was in the cache."""

    type: ClassVar[Literal["cache_hit"]] = "cache_hit"


class PromptCacheDiagnosticsCacheMiss(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="cache_miss"):
    """Some of the prompt was not in the cache, and why."""

    type: ClassVar[Literal["cache_miss"]] = "cache_miss"
    cache_missed_tokens: int = 0
    comparison_reusable_tokens: int | None = None
    reason: (
        Literal[
            "model_changed",
            "prompt_cache_key_changed",
            "tools_changed",
            "text_format_changed",
            "reasoning_effort_changed",
            "verbosity_changed",
            "context_compacted",
            "input_changed",
            "service_tier_changed",
        ]
        | str
        | None
    ) = None


class PromptCacheDiagnosticsComparisonResponseNotFound(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="comparison_response_not_found"
):
    """The response to compare with is not there."""

    type: ClassVar[Literal["comparison_response_not_found"]] = "comparison_response_not_found"


class PromptCacheDiagnosticsUnavailable(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="unavailable"):
    """Nothing is known of the cache."""

    type: ClassVar[Literal["unavailable"]] = "unavailable"


PromptCacheDiagnostics: TypeAlias = (
    PromptCacheDiagnosticsCacheMiss
    | PromptCacheDiagnosticsCacheHit
    | PromptCacheDiagnosticsComparisonResponseNotFound
    | PromptCacheDiagnosticsUnavailable
    | UnknownResponseObject
)


class PromptCacheOptions(ResponseStruct, kw_only=True, gc=False):
    """How the beginning of the prompt is cached."""

    mode: Literal["implicit", "explicit"] | str | None = None
    ttl: Literal["30m", "12h"] | str | None = None
    comparison_response_id: str | None = None
    prewarm: bool | None = None


class ResponsePrompt(ResponseStruct, kw_only=True, gc=False):
    """A prompt that the server has, and what is put into it."""

    id: str = ""
    variables: dict[str, JSONValue] | None = None
    version: str | None = None


class Reasoning(ResponseStruct, kw_only=True, gc=False):
    """How the model thinks."""

    effort: ReasoningEffort | None = None
    summary: Literal["auto", "concise", "detailed"] | str | None = None
    context: Literal["auto", "current_turn", "all_turns"] | str | None = None
    mode: Literal["standard", "pro"] | str | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | str | None = None
    """The older form of `summary`."""


class ResponseFormatTextJSONSchemaConfig(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="json_schema"):
    """The model answers with JSON that fits a schema."""

    type: ClassVar[Literal["json_schema"]] = "json_schema"
    name: str = ""
    schema: dict[str, JSONValue] | None = None
    description: str | None = None
    strict: bool | None = None


ResponseFormatTextConfig: TypeAlias = (
    ResponseFormatText | ResponseFormatTextJSONSchemaConfig | ResponseFormatJSONObject | UnknownResponseFormat
)


class ResponseTextConfig(ResponseStruct, kw_only=True, gc=False):
    """What the texts of the answer are like."""

    format: ResponseFormatTextConfig | None = None
    verbosity: Literal["low", "medium", "high"] | str | None = None


# The response.


class Response(ResponseStruct, Generic[ParsedT_co], kw_only=True, gc=False):
    """A response; generic in the type that was given as `text_format`."""

    id: str = ""
    object: str = "response"
    created_at: float = 0
    """Seconds since 1970-01-01 UTC."""
    model: str = ""
    status: ResponseStatus | None = None
    output: list[ResponseOutputItem[ParsedT_co]] = []
    error: ResponseError | None = None
    """Why it failed."""
    incomplete_details: ResponseIncompleteDetails | None = None
    """Why it ended before it was whole."""
    usage: ResponseUsage | None = None
    background: bool | None = None
    """Whether it goes on when nobody listens."""
    completed_at: float | None = None
    """Seconds since 1970-01-01 UTC."""
    previous_response_id: str | None = None
    conversation: ResponseConversation | None = None
    service_tier: ResponseServiceTier | None = None
    tool_usage: ToolUsage | None = None
    moderation: ResponseModeration | None = None
    access_programs: AccessPrograms | None = None
    billing: dict[str, JSONValue] | None = None
    """Who pays, as OpenAI's server says beyond its own schema."""
    content_filters: list[JSONValue] | None = None
    """Azure: what the content filters found, in the prompt and in the answer."""
    frequency_penalty: float | None = None
    image: ResponseImage | None = None
    input_transformations: list[InputTransformation] | None = None
    instructions: str | list[JSONValue] | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    metadata: Metadata | None = None
    parallel_tool_calls: bool | None = None
    presence_penalty: float | None = None
    prompt: ResponsePrompt | None = None
    prompt_cache_diagnostics: PromptCacheDiagnostics | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: PromptCacheOptions | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | str | None = None
    reasoning: Reasoning | None = None
    safety_identifier: str | None = None
    store: bool | None = None
    """Whether the server keeps it."""
    temperature: float | None = None
    text: ResponseTextConfig | None = None
    tool_choice: ResponseToolChoice | None = None
    tools: list[ResponseTool] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    truncation: Literal["auto", "disabled"] | str | None = None
    user: str | None = None

    @property
    def output_text(self) -> str:
        """All texts that the model wrote, joined; "" if there are none."""
        return "".join(part.text for part in self._texts())

    @property
    def output_parsed(self) -> ParsedT_co | None:
        """The first text as the type that was given as `text_format`; None if there is none, as of a cut answer."""
        return next((part.parsed for part in self._texts() if part.parsed is not None), None)

    def _texts(self) -> list[ResponseOutputText[ParsedT_co]]:
        messages = [item for item in self.output if isinstance(item, ResponseOutputMessage)]
        return [part for message in messages for part in message.content if isinstance(part, ResponseOutputText)]


ParsedResponse: TypeAlias = Response[ParsedT]


class ResponseDeleted(ResponseStruct, kw_only=True, gc=False):
    """The answer to a deletion, where a server gives one."""

    id: str = ""
    object: str = "response.deleted"
    deleted: bool = False


class CompactedResponse(ResponseStruct, kw_only=True, gc=False):
    """A conversation so far, made short: the input of what follows."""

    id: str = ""
    object: str = "response.compaction"
    created_at: float = 0
    """Seconds since 1970-01-01 UTC."""
    output: list[ResponseItem] = []
    usage: ResponseUsage | None = None
    image: ResponseImage | None = None


class InputTokenCountResponse(ResponseStruct, kw_only=True, gc=False):
    """How many tokens an input has."""

    object: str = "response.input_tokens"
    input_tokens: int = 0
