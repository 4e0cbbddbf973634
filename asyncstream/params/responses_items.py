"""The items that a request of the Responses protocol brings as its input, and the parts that they are made of.

TypedDicts only: an absent key is left out of the body. Above it: `responses` and `conversations`, whose bodies have
lists of them. What a model wrote may go back as the structs that it came in.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Required, TypeAlias, TypedDict

from asyncstream.params.responses_tools import (
    ContainerReferenceParam,
    LocalEnvironmentParam,
    ResponseToolParam,
)
from asyncstream.types.shared import ReasoningEffort

__all__ = [
    "ActionClickParam",
    "ActionDoubleClickParam",
    "ActionDragParam",
    "ActionDragPathParam",
    "ActionFindParam",
    "ActionKeypressParam",
    "ActionMoveParam",
    "ActionOpenPageParam",
    "ActionScreenshotParam",
    "ActionScrollParam",
    "ActionSearchParam",
    "ActionSearchSourceParam",
    "ActionTypeParam",
    "ActionWaitParam",
    "AdditionalToolsParam",
    "AnnotationContainerFileCitationParam",
    "AnnotationFileCitationParam",
    "AnnotationFilePathParam",
    "ApplyPatchCallOutputParam",
    "ApplyPatchCallParam",
    "ApplyPatchOperationParam",
    "CallCallerParam",
    "CallerDirectParam",
    "CallerProgramParam",
    "CompactionTriggerParam",
    "ComputerActionParam",
    "ComputerCallOutputParam",
    "EasyInputMessageParam",
    "FunctionCallOutputParam",
    "ImageGenerationCallErrorModerationDetailsParam",
    "ImageGenerationCallErrorParam",
    "ImageGenerationCallParam",
    "ItemReferenceParam",
    "LocalShellCallActionParam",
    "LocalShellCallOutputParam",
    "LocalShellCallParam",
    "LogprobParam",
    "LogprobTopLogprobParam",
    "McpApprovalRequestParam",
    "McpApprovalResponseParam",
    "McpCallParam",
    "McpListToolsParam",
    "McpListToolsToolParam",
    "OperationCreateFileParam",
    "OperationDeleteFileParam",
    "OperationUpdateFileParam",
    "OutcomeExitParam",
    "OutcomeTimeoutParam",
    "OutputImageParam",
    "OutputLogsParam",
    "PendingSafetyCheckParam",
    "ProgramOutputParam",
    "ProgramParam",
    "ResponseAnnotationParam",
    "ResponseAnnotationURLCitationParam",
    "ResponseCodeInterpreterToolCallParam",
    "ResponseCompactionItemParam",
    "ResponseComputerToolCallOutputScreenshotParam",
    "ResponseComputerToolCallParam",
    "ResponseConfigurationUpdateItemParam",
    "ResponseConfigurationUpdateReasoningParam",
    "ResponseConfigurationUpdateTextParam",
    "ResponseCustomToolCallOutputParam",
    "ResponseCustomToolCallParam",
    "ResponseFileSearchResultParam",
    "ResponseFileSearchToolCallParam",
    "ResponseFunctionShellCallOutputContentParam",
    "ResponseFunctionToolCallParam",
    "ResponseFunctionWebSearchParam",
    "ResponseInputContentParam",
    "ResponseInputFileParam",
    "ResponseInputImageParam",
    "ResponseInputMessageParam",
    "ResponseInputTextParam",
    "ResponseItemStatusParam",
    "ResponseOutputMessageParam",
    "ResponseOutputRefusalParam",
    "ResponseOutputTextParam",
    "ResponsePromptCacheBreakpointParam",
    "ResponseReasoningItemParam",
    "ResponseReasoningTextParam",
    "ResponseSummaryTextParam",
    "ResponseToolSearchOutputItemParam",
    "ShellCallActionParam",
    "ShellCallOutputParam",
    "ShellCallParam",
    "ToolSearchCallParam",
]

ResponseItemStatusParam: TypeAlias = Literal["in_progress", "completed", "incomplete"]


# What is asked.


class ResponsePromptCacheBreakpointParam(TypedDict, total=False):
    """The prompt is cached up to the part that has this."""

    mode: Required[Literal["explicit"]]
    ttl: Literal["30m", "12h"]


class ResponseInputTextParam(TypedDict, total=False):
    """A part of text."""

    type: Required[Literal["input_text"]]
    text: Required[str]
    prompt_cache_breakpoint: ResponsePromptCacheBreakpointParam | None


class ResponseInputImageParam(TypedDict, total=False):
    """A picture: a file, or an address, which may be the picture itself in base64."""

    type: Required[Literal["input_image"]]
    detail: Literal["low", "high", "auto", "original"] | None
    file_id: str | None
    image_url: str | None
    prompt_cache_breakpoint: ResponsePromptCacheBreakpointParam | None


class ResponseInputFileParam(TypedDict, total=False):
    """A file: one that the server has, an address, or what is in it in base64."""

    type: Required[Literal["input_file"]]
    detail: Literal["auto", "low", "high"]
    file_data: str | None
    file_id: str | None
    file_url: str | None
    filename: str | None
    prompt_cache_breakpoint: ResponsePromptCacheBreakpointParam | None


ResponseInputContentParam: TypeAlias = ResponseInputTextParam | ResponseInputImageParam | ResponseInputFileParam


class EasyInputMessageParam(TypedDict, total=False):
    """A message of anybody."""

    role: Required[Literal["user", "assistant", "system", "developer"]]
    content: Required[str | Sequence[ResponseInputContentParam]]
    type: Literal["message"]
    phase: Literal["commentary", "final_answer"] | None
    """Of a message that the model wrote, as it came."""


class ResponseInputMessageParam(TypedDict, total=False):
    """A message in parts."""

    role: Required[Literal["user", "system", "developer"]]
    content: Required[Sequence[ResponseInputContentParam]]
    type: Literal["message"]
    status: ResponseItemStatusParam


class ItemReferenceParam(TypedDict, total=False):
    """An item that the server has."""

    id: Required[str]
    type: Literal["item_reference"] | None


# What the model wrote.


class AnnotationFileCitationParam(TypedDict):
    """A file that the text leans on."""

    type: Literal["file_citation"]
    file_id: str
    filename: str
    index: int


class ResponseAnnotationURLCitationParam(TypedDict):
    """A page that the text leans on."""

    type: Literal["url_citation"]
    url: str
    title: str
    start_index: int
    end_index: int


class AnnotationContainerFileCitationParam(TypedDict):
    """A file in the container of the code interpreter."""

    type: Literal["container_file_citation"]
    container_id: str
    file_id: str
    filename: str
    start_index: int
    end_index: int


class AnnotationFilePathParam(TypedDict):
    """A file that the answer made."""

    type: Literal["file_path"]
    file_id: str
    index: int


ResponseAnnotationParam: TypeAlias = (
    AnnotationFileCitationParam
    | ResponseAnnotationURLCitationParam
    | AnnotationContainerFileCitationParam
    | AnnotationFilePathParam
)


class LogprobTopLogprobParam(TypedDict):
    """A token that the model could have written instead."""

    token: str
    logprob: float
    bytes: Sequence[int]


class LogprobParam(TypedDict):
    """A token of the answer, and how likely it was."""

    token: str
    logprob: float
    bytes: Sequence[int]
    top_logprobs: Sequence[LogprobTopLogprobParam]


class ResponseOutputTextParam(TypedDict, total=False):
    """A text that the model wrote."""

    type: Required[Literal["output_text"]]
    text: Required[str]
    annotations: Required[Sequence[ResponseAnnotationParam]]
    logprobs: Sequence[LogprobParam]


class ResponseOutputRefusalParam(TypedDict):
    """A refusal of the model."""

    type: Literal["refusal"]
    refusal: str


class ResponseOutputMessageParam(TypedDict, total=False):
    """A message that the model wrote."""

    type: Required[Literal["message"]]
    id: Required[str]
    role: Required[Literal["assistant"]]
    content: Required[Sequence[ResponseOutputTextParam | ResponseOutputRefusalParam]]
    status: Required[ResponseItemStatusParam]
    phase: Literal["commentary", "final_answer"] | None


class ResponseSummaryTextParam(TypedDict):
    """A summary of what the model thought."""

    type: Literal["summary_text"]
    text: str


class ResponseReasoningTextParam(TypedDict):
    """What the model thought, in its own words."""

    type: Literal["reasoning_text"]
    text: str


class ResponseReasoningItemParam(TypedDict, total=False):
    """What the model thought."""

    type: Required[Literal["reasoning"]]
    id: Required[str]
    summary: Required[Sequence[ResponseSummaryTextParam]]
    content: Sequence[ResponseReasoningTextParam]
    encrypted_content: str | None
    status: ResponseItemStatusParam


class ResponseCompactionItemParam(TypedDict, total=False):
    """A conversation so far, in a form that the server can read."""

    type: Required[Literal["compaction"]]
    encrypted_content: Required[str]
    id: str | None


class CompactionTriggerParam(TypedDict, total=False):
    """The server makes the conversation short here."""

    type: Required[Literal["compaction_trigger"]]
    id: str | None


class ResponseConfigurationUpdateReasoningParam(TypedDict, total=False):
    """How long the model thinks from here on."""

    effort: ReasoningEffort | None


class ResponseConfigurationUpdateTextParam(TypedDict):
    """What the texts are like from here on."""

    format: Mapping[str, object]


class ResponseConfigurationUpdateItemParam(TypedDict, total=False):
    """How the model answers from here on."""

    type: Required[Literal["configuration_update"]]
    id: str | None
    reasoning: ResponseConfigurationUpdateReasoningParam | None
    text: ResponseConfigurationUpdateTextParam | None


# Calls and what they gave back.


class CallerDirectParam(TypedDict):
    """The model itself called."""

    type: Literal["direct"]


class CallerProgramParam(TypedDict):
    """A program called that the model wrote."""

    type: Literal["program"]
    caller_id: str


CallCallerParam: TypeAlias = CallerDirectParam | CallerProgramParam

_Async = TypedDict("_Async", {"async": bool | None}, total=False)


class ResponseFunctionToolCallParam(_Async, total=False):
    """A call of a function of the user's own."""

    type: Required[Literal["function_call"]]
    call_id: Required[str]
    name: Required[str]
    arguments: Required[str]
    id: str
    namespace: str
    caller: CallCallerParam | None
    status: ResponseItemStatusParam


class FunctionCallOutputParam(TypedDict, total=False):
    """What a function gave back."""

    type: Required[Literal["function_call_output"]]
    output: Required[str | Sequence[ResponseInputContentParam]]
    call_id: str | None
    """The call's `call_id`, not its `id`."""
    id: str | None
    name: str | None
    namespace: str | None
    caller: CallCallerParam | None
    status: ResponseItemStatusParam | None


class ResponseCustomToolCallParam(_Async, total=False):
    """A call of a tool that takes text instead of JSON."""

    type: Required[Literal["custom_tool_call"]]
    call_id: Required[str]
    name: Required[str]
    input: Required[str]
    id: str
    namespace: str
    caller: CallCallerParam | None


class ResponseCustomToolCallOutputParam(TypedDict, total=False):
    """What a custom tool gave back."""

    type: Required[Literal["custom_tool_call_output"]]
    call_id: Required[str]
    output: Required[str | Sequence[ResponseInputContentParam]]
    id: str
    caller: CallCallerParam | None


class ResponseFileSearchResultParam(TypedDict, total=False):
    """A passage that was found in a file."""

    attributes: Mapping[str, str | float | bool] | None
    file_id: str
    filename: str
    score: float
    text: str


class ResponseFileSearchToolCallParam(TypedDict, total=False):
    """A search in vector stores."""

    type: Required[Literal["file_search_call"]]
    id: Required[str]
    queries: Required[list[str]]
    status: Required[Literal["in_progress", "searching", "completed", "incomplete", "failed"]]
    results: Sequence[ResponseFileSearchResultParam] | None


class ActionSearchSourceParam(TypedDict):
    """A page that a search found."""

    type: Literal["url"]
    url: str


class ActionSearchParam(TypedDict, total=False):
    """The model searches the web."""

    type: Required[Literal["search"]]
    query: str
    queries: list[str]
    sources: Sequence[ActionSearchSourceParam]


class ActionOpenPageParam(TypedDict, total=False):
    """The model opens a page."""

    type: Required[Literal["open_page"]]
    url: str | None


class ActionFindParam(TypedDict):
    """The model looks for something in a page."""

    type: Literal["find_in_page"]
    pattern: str
    url: str


class ResponseFunctionWebSearchParam(TypedDict):
    """A search in the web."""

    type: Literal["web_search_call"]
    id: str
    action: ActionSearchParam | ActionOpenPageParam | ActionFindParam
    status: Literal["in_progress", "searching", "completed", "failed", "incomplete"]


class ToolSearchCallParam(TypedDict, total=False):
    """The model searches for tools."""

    type: Required[Literal["tool_search_call"]]
    arguments: Required[Mapping[str, object]]
    id: str | None
    call_id: str | None
    execution: Literal["server", "client"]
    status: ResponseItemStatusParam | None


class ResponseToolSearchOutputItemParam(TypedDict, total=False):
    """The tools that were found."""

    type: Required[Literal["tool_search_output"]]
    tools: Required[Sequence[ResponseToolParam]]
    id: str | None
    call_id: str | None
    execution: Literal["server", "client"]
    status: ResponseItemStatusParam | None


class AdditionalToolsParam(TypedDict, total=False):
    """Tools that the model has from here on."""

    type: Required[Literal["additional_tools"]]
    role: Required[Literal["developer"]]
    tools: Required[Sequence[ResponseToolParam]]
    id: str | None


# Screens.


class ActionClickParam(TypedDict, total=False):
    """Click."""

    type: Required[Literal["click"]]
    button: Required[Literal["left", "right", "wheel", "back", "forward"]]
    x: Required[int]
    y: Required[int]
    keys: list[str] | None


class ActionDoubleClickParam(TypedDict, total=False):
    """Click twice."""

    type: Required[Literal["double_click"]]
    x: Required[int]
    y: Required[int]
    keys: list[str] | None


class ActionDragPathParam(TypedDict):
    """A point on the way of a drag."""

    x: int
    y: int


class ActionDragParam(TypedDict, total=False):
    """Drag along a path."""

    type: Required[Literal["drag"]]
    path: Required[Sequence[ActionDragPathParam]]
    keys: list[str] | None


class ActionKeypressParam(TypedDict):
    """Press keys together."""

    type: Literal["keypress"]
    keys: list[str]


class ActionMoveParam(TypedDict, total=False):
    """Move the pointer."""

    type: Required[Literal["move"]]
    x: Required[int]
    y: Required[int]
    keys: list[str] | None


class ActionScreenshotParam(TypedDict):
    """Take a picture of the screen."""

    type: Literal["screenshot"]


class ActionScrollParam(TypedDict, total=False):
    """Scroll."""

    type: Required[Literal["scroll"]]
    x: Required[int]
    y: Required[int]
    scroll_x: Required[int]
    scroll_y: Required[int]
    keys: list[str] | None


class ActionTypeParam(TypedDict):
    """Type a text."""

    type: Literal["type"]
    text: str


class ActionWaitParam(TypedDict):
    """Wait."""

    type: Literal["wait"]


ComputerActionParam: TypeAlias = (
    ActionClickParam
    | ActionDoubleClickParam
    | ActionDragParam
    | ActionKeypressParam
    | ActionMoveParam
    | ActionScreenshotParam
    | ActionScrollParam
    | ActionTypeParam
    | ActionWaitParam
)


class PendingSafetyCheckParam(TypedDict, total=False):
    """What a human must look at before a screen is worked on, or has looked at."""

    id: Required[str]
    code: str | None
    message: str | None


class ResponseComputerToolCallParam(TypedDict, total=False):
    """Work on a screen."""

    type: Required[Literal["computer_call"]]
    id: Required[str]
    call_id: Required[str]
    pending_safety_checks: Required[Sequence[PendingSafetyCheckParam]]
    status: Required[ResponseItemStatusParam]
    action: ComputerActionParam
    actions: Sequence[ComputerActionParam]


class ResponseComputerToolCallOutputScreenshotParam(TypedDict, total=False):
    """A picture of the screen."""

    type: Required[Literal["computer_screenshot"]]
    file_id: str
    image_url: str


class ComputerCallOutputParam(TypedDict, total=False):
    """What the screen shows after the work."""

    type: Required[Literal["computer_call_output"]]
    call_id: Required[str]
    output: Required[ResponseComputerToolCallOutputScreenshotParam]
    id: str | None
    acknowledged_safety_checks: Sequence[PendingSafetyCheckParam] | None
    status: ResponseItemStatusParam | None


# Pictures.


class ImageGenerationCallErrorModerationDetailsParam(TypedDict):
    """Why moderation refused a picture."""

    categories: list[str]
    moderation_stage: Literal["input", "output", "unknown"]


class ImageGenerationCallErrorParam(TypedDict, total=False):
    """Why there is no picture."""

    type: Required[str]
    code: Required[str | None]
    message: Required[str]
    param: Required[str | None]
    moderation_details: ImageGenerationCallErrorModerationDetailsParam


class ImageGenerationCallParam(TypedDict, total=False):
    """A picture that the model made."""

    type: Required[Literal["image_generation_call"]]
    id: Required[str]
    result: Required[str | None]
    status: Required[Literal["in_progress", "completed", "generating", "failed"]]
    action: Literal["generate", "edit", "auto"]
    background: Literal["transparent", "opaque", "auto"]
    error: ImageGenerationCallErrorParam | None
    output_format: Literal["png", "webp", "jpeg", "gif", "svg"]
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"]
    revised_prompt: str
    size: str


# Code and shells.


class OutputLogsParam(TypedDict):
    """What the code printed."""

    type: Literal["logs"]
    logs: str


class OutputImageParam(TypedDict):
    """A picture that the code made."""

    type: Literal["image"]
    url: str


class ResponseCodeInterpreterToolCallParam(TypedDict):
    """A run of code in a container of the server."""

    type: Literal["code_interpreter_call"]
    id: str
    code: str | None
    container_id: str
    outputs: Sequence[OutputLogsParam | OutputImageParam] | None
    status: Literal["in_progress", "completed", "incomplete", "interpreting", "failed"]


class LocalShellCallActionParam(TypedDict, total=False):
    """A command for the user's machine."""

    type: Required[Literal["exec"]]
    command: Required[list[str]]
    env: Required[Mapping[str, str]]
    timeout_ms: int | None
    user: str | None
    working_directory: str | None


class LocalShellCallParam(TypedDict):
    """The older form of a shell call."""

    type: Literal["local_shell_call"]
    id: str
    call_id: str
    action: LocalShellCallActionParam
    status: ResponseItemStatusParam


class LocalShellCallOutputParam(TypedDict, total=False):
    """What such a command gave back, as JSON text."""

    type: Required[Literal["local_shell_call_output"]]
    id: Required[str]
    output: Required[str]
    status: ResponseItemStatusParam | None


class ShellCallActionParam(TypedDict, total=False):
    """The commands of a shell call."""

    commands: Required[list[str]]
    max_output_length: int | None
    """In characters."""
    timeout_ms: int | None


class ShellCallParam(TypedDict, total=False):
    """Commands for a shell."""

    type: Required[Literal["shell_call"]]
    call_id: Required[str]
    action: Required[ShellCallActionParam]
    id: str | None
    caller: CallCallerParam | None
    environment: LocalEnvironmentParam | ContainerReferenceParam | None
    status: ResponseItemStatusParam | None


class OutcomeTimeoutParam(TypedDict):
    """The command took too long."""

    type: Literal["timeout"]


class OutcomeExitParam(TypedDict):
    """The command ended."""

    type: Literal["exit"]
    exit_code: int


class ResponseFunctionShellCallOutputContentParam(TypedDict):
    """What a command printed, and how it ended."""

    stdout: str
    stderr: str
    outcome: OutcomeTimeoutParam | OutcomeExitParam


class ShellCallOutputParam(TypedDict, total=False):
    """What the commands of a shell call gave back."""

    type: Required[Literal["shell_call_output"]]
    call_id: Required[str]
    output: Required[Sequence[ResponseFunctionShellCallOutputContentParam]]
    id: str | None
    caller: CallCallerParam | None
    max_output_length: int | None
    """In characters."""
    status: ResponseItemStatusParam | None


class OperationCreateFileParam(TypedDict):
    """Make a file."""

    type: Literal["create_file"]
    path: str
    diff: str


class OperationUpdateFileParam(TypedDict):
    """Change a file."""

    type: Literal["update_file"]
    path: str
    diff: str


class OperationDeleteFileParam(TypedDict):
    """Delete a file."""

    type: Literal["delete_file"]
    path: str


ApplyPatchOperationParam: TypeAlias = OperationCreateFileParam | OperationUpdateFileParam | OperationDeleteFileParam


class ApplyPatchCallParam(TypedDict, total=False):
    """A change of a file."""

    type: Required[Literal["apply_patch_call"]]
    call_id: Required[str]
    operation: Required[ApplyPatchOperationParam]
    status: Required[Literal["in_progress", "completed"]]
    id: str | None
    caller: CallCallerParam | None


class ApplyPatchCallOutputParam(TypedDict, total=False):
    """Whether a file could be changed."""

    type: Required[Literal["apply_patch_call_output"]]
    call_id: Required[str]
    status: Required[Literal["completed", "failed"]]
    id: str | None
    caller: CallCallerParam | None
    output: str | None


class ProgramParam(TypedDict):
    """A program that the model wrote, which calls tools."""

    type: Literal["program"]
    id: str
    call_id: str
    code: str
    fingerprint: str


class ProgramOutputParam(TypedDict):
    """What such a program gave back."""

    type: Literal["program_output"]
    id: str
    call_id: str
    result: str
    status: Literal["completed", "incomplete"]


# MCP.


class McpListToolsToolParam(TypedDict, total=False):
    """A tool of an MCP server."""

    name: Required[str]
    input_schema: Required[Mapping[str, object]]
    annotations: Mapping[str, object] | None
    description: str | None


class McpListToolsParam(TypedDict, total=False):
    """The tools that an MCP server has."""

    type: Required[Literal["mcp_list_tools"]]
    id: Required[str]
    server_label: Required[str]
    tools: Required[Sequence[McpListToolsToolParam]]
    error: str | None


class McpApprovalRequestParam(TypedDict):
    """A call of an MCP server's tool that somebody must allow."""

    type: Literal["mcp_approval_request"]
    id: str
    arguments: str
    name: str
    server_label: str


class McpApprovalResponseParam(TypedDict, total=False):
    """Whether such a call is allowed."""

    type: Required[Literal["mcp_approval_response"]]
    approval_request_id: Required[str]
    approve: Required[bool]
    id: str | None
    reason: str | None


class McpCallParam(TypedDict, total=False):
    """A call of a tool of an MCP server."""

    type: Required[Literal["mcp_call"]]
    id: Required[str]
    arguments: Required[str]
    name: Required[str]
    server_label: Required[str]
    approval_request_id: str | None
    error: Mapping[str, object] | str | None
    output: str | None
    status: Literal["in_progress", "completed", "incomplete", "calling", "failed"]
