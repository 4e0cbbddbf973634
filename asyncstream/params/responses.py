"""The request bodies of responses. `stream`, `text_format` and the `model` of `compact` are parameters of the methods.

The items of an input are in `responses_items`, the tools in `responses_tools`. Keys that only one provider knows go
into `extra_body` of the methods.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Required, TypeAlias, TypedDict

from asyncstream.params.responses_items import (
    AdditionalToolsParam,
    ApplyPatchCallOutputParam,
    ApplyPatchCallParam,
    CompactionTriggerParam,
    ComputerCallOutputParam,
    EasyInputMessageParam,
    FunctionCallOutputParam,
    ImageGenerationCallParam,
    ItemReferenceParam,
    LocalShellCallOutputParam,
    LocalShellCallParam,
    McpApprovalRequestParam,
    McpApprovalResponseParam,
    McpCallParam,
    McpListToolsParam,
    ProgramOutputParam,
    ProgramParam,
    ResponseCodeInterpreterToolCallParam,
    ResponseCompactionItemParam,
    ResponseComputerToolCallParam,
    ResponseConfigurationUpdateItemParam,
    ResponseCustomToolCallOutputParam,
    ResponseCustomToolCallParam,
    ResponseFileSearchToolCallParam,
    ResponseFunctionToolCallParam,
    ResponseFunctionWebSearchParam,
    ResponseInputContentParam,
    ResponseInputMessageParam,
    ResponseOutputMessageParam,
    ResponseReasoningItemParam,
    ResponseToolSearchOutputItemParam,
    ShellCallOutputParam,
    ShellCallParam,
    ToolSearchCallParam,
)
from asyncstream.params.responses_tools import ResponseToolChoiceParam, ResponseToolParam
from asyncstream.params.shared import ResponseFormatJSONObjectParam, ResponseFormatTextParam
from asyncstream.types.responses import ResponseServiceTier
from asyncstream.types.shared import Metadata, ReasoningEffort
from asyncstream.types.structs import WireStruct

__all__ = [
    "AccessProgramsParam",
    "BackgroundOptionsParam",
    "ContextManagementParam",
    "InputTokenCountParams",
    "ReasoningParam",
    "ResponseCompactParams",
    "ResponseConversationParam",
    "ResponseCreateParams",
    "ResponseFormatTextConfigParam",
    "ResponseFormatTextJSONSchemaConfigParam",
    "ResponseImageParam",
    "ResponseIncludable",
    "ResponseInputItemParam",
    "ResponseInputParam",
    "ResponseModerationConfigParam",
    "ResponseModerationParam",
    "ResponseModerationPolicyParam",
    "ResponsePromptCacheOptionsParam",
    "ResponsePromptParam",
    "ResponseStreamOptionsParam",
    "ResponseTextConfigParam",
]

ResponseIncludable: TypeAlias = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]
"""What an answer has only if it is asked for."""


# The input.

ResponseInputItemParam: TypeAlias = (
    EasyInputMessageParam
    | ResponseInputMessageParam
    | ResponseOutputMessageParam
    | ResponseFileSearchToolCallParam
    | ResponseComputerToolCallParam
    | ComputerCallOutputParam
    | ResponseFunctionWebSearchParam
    | ResponseFunctionToolCallParam
    | FunctionCallOutputParam
    | ToolSearchCallParam
    | ResponseToolSearchOutputItemParam
    | AdditionalToolsParam
    | ResponseConfigurationUpdateItemParam
    | ResponseReasoningItemParam
    | ResponseCompactionItemParam
    | ImageGenerationCallParam
    | ResponseCodeInterpreterToolCallParam
    | LocalShellCallParam
    | LocalShellCallOutputParam
    | ShellCallParam
    | ShellCallOutputParam
    | ApplyPatchCallParam
    | ApplyPatchCallOutputParam
    | McpListToolsParam
    | McpApprovalRequestParam
    | McpApprovalResponseParam
    | McpCallParam
    | ResponseCustomToolCallOutputParam
    | ResponseCustomToolCallParam
    | CompactionTriggerParam
    | ItemReferenceParam
    | ProgramParam
    | ProgramOutputParam
)

ResponseInputParam: TypeAlias = str | Sequence[ResponseInputItemParam | WireStruct]
"""A text, or items; the items of a response may go back as the structs that they are."""


class ResponseConversationParam(TypedDict):
    """A conversation that the server keeps."""

    id: str


class ResponsePromptParam(TypedDict, total=False):
    """A prompt that the server has, and what is put into it."""

    id: Required[str]
    variables: Mapping[str, str | ResponseInputContentParam] | None
    version: str | None


class ContextManagementParam(TypedDict, total=False):
    """What is done with a conversation that gets long."""

    type: Required[str]
    """"compaction"."""
    compact_threshold: int | None
    """In tokens."""


# What the answer is like.


class ReasoningParam(TypedDict, total=False):
    """How the model thinks."""

    effort: ReasoningEffort | None
    summary: Literal["auto", "concise", "detailed"] | None
    """Whether it tells what it thinks."""
    context: Literal["auto", "current_turn", "all_turns"] | None
    """Whose thoughts it still knows."""
    mode: Literal["standard", "pro"] | str
    generate_summary: Literal["auto", "concise", "detailed"] | None
    """The older form of `summary`."""


class ResponseFormatTextJSONSchemaConfigParam(TypedDict, total=False):
    """The model answers with JSON that fits a schema."""

    type: Required[Literal["json_schema"]]
    name: Required[str]
    """Letters, digits, underscores and dashes; at most 64."""
    schema: Required[Mapping[str, object]]
    description: str
    strict: bool | None


ResponseFormatTextConfigParam: TypeAlias = (
    ResponseFormatTextParam | ResponseFormatTextJSONSchemaConfigParam | ResponseFormatJSONObjectParam
)


class ResponseTextConfigParam(TypedDict, total=False):
    """What the texts of the answer are like."""

    format: ResponseFormatTextConfigParam
    verbosity: Literal["low", "medium", "high"] | None


class ResponseStreamOptionsParam(TypedDict, total=False):
    """What a stream carries besides the answer."""

    include_obfuscation: bool
    """False leaves the filler out that hides how long the pieces are."""


class ResponseModerationConfigParam(TypedDict):
    """What moderation does with what it finds."""

    mode: Literal["score", "block"]


class ResponseModerationPolicyParam(TypedDict, total=False):
    """What moderation does with the question and with the answer."""

    input: ResponseModerationConfigParam | None
    output: ResponseModerationConfigParam | None


class ResponseModerationParam(TypedDict, total=False):
    """Moderation along with the answer."""

    model: Required[str]
    policy: ResponseModerationPolicyParam | None


class ResponsePromptCacheOptionsParam(TypedDict, total=False):
    """How the beginning of the prompt is cached."""

    mode: Literal["implicit", "explicit"]
    """"explicit": only up to the breakpoints that the content parts set."""
    ttl: Literal["30m", "12h"]
    comparison_response_id: str
    prewarm: bool


class BackgroundOptionsParam(TypedDict, total=False):
    """How a response in the background is made."""

    completion_window: Literal["soonest", "2h", "8h"]
    continuation_id: str


class AccessProgramsParam(TypedDict, total=False):
    """The programs under which the model may say more."""

    cyber: Literal["standard", "daybreak_blue", "daybreak_red"]


class ResponseImageParam(TypedDict, total=False):
    """How pictures in the context are kept."""

    context_compression: Literal["enabled", "disabled"]


# The bodies.


class ResponseCreateParams(TypedDict, total=False):
    """POST /responses, without `stream`."""

    access_programs: AccessProgramsParam
    background: bool | None
    """Whether the response goes on when nobody listens; it must be stored then."""
    background_options: BackgroundOptionsParam
    context_management: Sequence[ContextManagementParam] | None
    conversation: str | ResponseConversationParam | None
    """One that the server keeps, which the input and the output become part of; not with `previous_response_id`."""
    image: ResponseImageParam
    include: list[ResponseIncludable] | None
    input: ResponseInputParam
    instructions: str | None
    """What the model is told before the input; not carried over from the previous response."""
    max_output_tokens: int | None
    """Reasoning counts too."""
    max_tool_calls: int | None
    """Of the server's own tools, all together."""
    metadata: Metadata | None
    model: str
    moderation: ResponseModerationParam | None
    parallel_tool_calls: bool | None
    previous_response_id: str | None
    prompt: ResponsePromptParam | None
    prompt_cache_key: str | None
    prompt_cache_options: ResponsePromptCacheOptionsParam
    prompt_cache_retention: Literal["in_memory", "24h"] | None
    reasoning: ReasoningParam | None
    safety_identifier: str | None
    """A hash that names the user and tells nothing about them."""
    service_tier: ResponseServiceTier | None
    store: bool | None
    """Whether the server keeps the response; the API's own default is True."""
    stream_options: ResponseStreamOptionsParam | None
    """Only for streams."""
    temperature: float | None
    """From 0 to 2."""
    text: ResponseTextConfigParam
    tool_choice: ResponseToolChoiceParam
    tools: Sequence[ResponseToolParam]
    top_logprobs: int | None
    """From 0 to 20."""
    top_p: float | None
    truncation: Literal["auto", "disabled"] | None
    """"auto": what does not fit the model's context is left out from the beginning."""
    user: str
    """The older form of `safety_identifier` and `prompt_cache_key`."""


class InputTokenCountParams(TypedDict, total=False):
    """POST /responses/input_tokens."""

    conversation: str | ResponseConversationParam | None
    input: ResponseInputParam | None
    instructions: str | None
    model: str | None
    parallel_tool_calls: bool | None
    personality: Literal["friendly", "pragmatic"] | str
    previous_response_id: str | None
    reasoning: ReasoningParam | None
    text: ResponseTextConfigParam | None
    tool_choice: ResponseToolChoiceParam | None
    tools: Sequence[ResponseToolParam] | None
    truncation: Literal["auto", "disabled"]


class ResponseCompactParams(TypedDict, total=False):
    """POST /responses/compact, without `model`."""

    image: ResponseImageParam
    input: ResponseInputParam | None
    instructions: str | None
    previous_response_id: str | None
    prompt_cache_key: str | None
    prompt_cache_options: ResponsePromptCacheOptionsParam | None
    prompt_cache_retention: Literal["in_memory", "24h"] | None
    service_tier: ResponseServiceTier | None
