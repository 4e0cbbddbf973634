"""The wire structs of the items of the Responses protocol: what a response consists of, and an input too.

Data, and of calls the methods that read their own arguments. Above it: `responses`, `conversations`; below it:
`responses_parts`, `responses_tools`. A fold keeps its items as plain objects and makes these of them when it is looked
at: everything but a `type` may be absent.
"""

from typing import ClassVar, Generic, Literal, TypeAlias

from msgspec import field

from asyncstream.members import EXTRA, OWN_MEMBER
from asyncstream.types.function_calls import CallArguments
from asyncstream.types.responses_parts import (
    ResponseInputContent,
    ResponseMessageContent,
    ResponseOutputContent,
    ResponseOutputText,
    ResponseReasoningText,
    ResponseStruct,
    ResponseSummaryText,
    UnknownResponseObject,
    UnknownResponsePart,
)
from asyncstream.types.responses_tools import ContainerReference, LocalEnvironment, ResponseTool
from asyncstream.types.shared import JSONValue, ReasoningEffort
from asyncstream.types.structs import ParsedT, ParsedT_co, WireStruct

__all__ = [
    "ActionClick",
    "ActionDoubleClick",
    "ActionDrag",
    "ActionDragPath",
    "ActionFind",
    "ActionKeypress",
    "ActionMove",
    "ActionOpenPage",
    "ActionScreenshot",
    "ActionScroll",
    "ActionSearch",
    "ActionSearchSource",
    "ActionType",
    "ActionWait",
    "AdditionalTools",
    "ApplyPatchOperation",
    "CallCaller",
    "CallerDirect",
    "CallerProgram",
    "CompactionTrigger",
    "ComputerAction",
    "ImageGenerationCall",
    "ImageGenerationCallError",
    "ImageGenerationCallErrorModerationDetails",
    "ImageGenerationCallSvgUsage",
    "ItemReference",
    "LocalShellCall",
    "LocalShellCallAction",
    "LocalShellCallOutput",
    "McpApprovalRequest",
    "McpApprovalResponse",
    "McpCall",
    "McpHTTPError",
    "McpListTools",
    "McpListToolsTool",
    "McpProtocolError",
    "McpToolCallError",
    "McpToolExecutionError",
    "OperationCreateFile",
    "OperationDeleteFile",
    "OperationUpdateFile",
    "OutcomeExit",
    "OutcomeTimeout",
    "OutputImage",
    "OutputLogs",
    "ParsedResponseFunctionToolCall",
    "ParsedResponseOutputItem",
    "ParsedResponseOutputMessage",
    "PendingSafetyCheck",
    "Program",
    "ProgramOutput",
    "ResponseApplyPatchToolCall",
    "ResponseApplyPatchToolCallOutput",
    "ResponseCodeInterpreterOutput",
    "ResponseCodeInterpreterToolCall",
    "ResponseCompactionItem",
    "ResponseComputerToolCall",
    "ResponseComputerToolCallOutputItem",
    "ResponseComputerToolCallOutputScreenshot",
    "ResponseConfigurationUpdateItem",
    "ResponseConfigurationUpdateReasoning",
    "ResponseCustomToolCall",
    "ResponseCustomToolCallItem",
    "ResponseCustomToolCallOutputItem",
    "ResponseFileSearchResult",
    "ResponseFileSearchToolCall",
    "ResponseFunctionShellCallOutputContent",
    "ResponseFunctionShellToolCall",
    "ResponseFunctionShellToolCallOutput",
    "ResponseFunctionToolCall",
    "ResponseFunctionToolCallItem",
    "ResponseFunctionToolCallOutputItem",
    "ResponseFunctionWebSearch",
    "ResponseInputMessageItem",
    "ResponseItem",
    "ResponseItemStatus",
    "ResponseOutputItem",
    "ResponseOutputMessage",
    "ResponseReasoningContent",
    "ResponseReasoningItem",
    "ResponseToolSearchCall",
    "ResponseToolSearchOutputItem",
    "ShellCallAction",
    "ShellCallEnvironment",
    "ShellCallOutcome",
    "UnknownResponseItem",
    "WebSearchAction",
]

ResponseItemStatus: TypeAlias = Literal["in_progress", "completed", "incomplete"] | str
"""How far an item is, in the wire's own words; some types of items have more."""


# Messages and reasoning.


class ResponseOutputMessage(
    ResponseStruct, Generic[ParsedT_co], kw_only=True, gc=False, tag_field="type", tag="message"
):
    """A message that the model wrote; generic in the type that was given as `text_format`."""

    type: ClassVar[Literal["message"]] = "message"
    id: str = ""
    role: Literal["assistant"] | str = "assistant"
    content: list[ResponseOutputContent[ParsedT_co]] = []
    status: ResponseItemStatus | None = None
    phase: Literal["commentary", "final_answer"] | str | None = None
    """Whether the model comments on its work or gives the answer; some models want it back."""


ResponseReasoningContent: TypeAlias = ResponseReasoningText | ResponseOutputText | UnknownResponsePart
"""The words in which a model thinks; some servers call them texts of the answer."""


class ResponseReasoningItem(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="reasoning"):
    """What the model thought: summaries, its own words, or only a form that the server can read."""

    type: ClassVar[Literal["reasoning"]] = "reasoning"
    id: str = ""
    summary: list[ResponseSummaryText | UnknownResponsePart] = []
    content: list[ResponseReasoningContent] | None = None
    encrypted_content: str | None = None
    """Goes back with the next request where the server does not store responses."""
    status: ResponseItemStatus | None = None


class ResponseCompactionItem(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="compaction"):
    """A conversation so far, in a form that the server can read."""

    type: ClassVar[Literal["compaction"]] = "compaction"
    id: str = ""
    encrypted_content: str = ""
    created_by: str | None = None


# Calls of the user's tools.


class CallerDirect(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="direct"):
    """The model itself called."""

    type: ClassVar[Literal["direct"]] = "direct"


class CallerProgram(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="program"):
    """A program called that the model wrote."""

    type: ClassVar[Literal["program"]] = "program"
    caller_id: str = ""


CallCaller: TypeAlias = CallerDirect | CallerProgram | UnknownResponseObject


class ResponseFunctionToolCall(
    CallArguments, kw_only=True, gc=False, tag_field="type", tag="function_call", forbid_unknown_fields=True
):
    """A call of a function of the user's own."""

    type: ClassVar[Literal["function_call"]] = "function_call"
    id: str = ""
    """The item's."""
    call_id: str = ""
    """What the output names."""
    name: str = ""
    arguments: str = ""
    """JSON text, written by the model: it may be invalid."""
    status: ResponseItemStatus | None = None
    namespace: str | None = None
    async_: bool | None = field(default=None, name="async")
    """Whether the model goes on before the answer is there."""
    caller: CallCaller | None = None
    created_by: str | None = None
    cut: str | None = field(default=None, name=OWN_MEMBER + "cut")
    """Why the call is not whole, such as "incomplete" or "unfinished"; None if it is. Never on the wire."""
    extra: dict[str, JSONValue] = field(default={}, name=EXTRA)
    """Members that no field here names, under the wire's keys, without nulls."""


class ResponseCustomToolCall(
    CallArguments, kw_only=True, gc=False, tag_field="type", tag="custom_tool_call", forbid_unknown_fields=True
):
    """A call of a tool that takes text instead of JSON."""

    type: ClassVar[Literal["custom_tool_call"]] = "custom_tool_call"
    id: str = ""
    """The item's."""
    call_id: str = ""
    """What the output names."""
    name: str = ""
    input: str = ""
    """Free text, or text in the grammar of the tool."""
    status: ResponseItemStatus | None = None
    namespace: str | None = None
    async_: bool | None = field(default=None, name="async")
    """Whether the model goes on before the answer is there."""
    caller: CallCaller | None = None
    created_by: str | None = None
    cut: str | None = field(default=None, name=OWN_MEMBER + "cut")
    """Why the call is not whole, such as "incomplete" or "unfinished"; None if it is. Never on the wire."""
    extra: dict[str, JSONValue] = field(default={}, name=EXTRA)
    """Members that no field here names, under the wire's keys, without nulls."""

    @property
    def arguments(self) -> str:
        """What the tool is called with: its input, which need not be JSON."""
        return self.input


class ResponseFunctionToolCallOutputItem(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="function_call_output"
):
    """What a function gave back."""

    type: ClassVar[Literal["function_call_output"]] = "function_call_output"
    id: str = ""
    call_id: str | None = None
    output: str | list[ResponseInputContent] = ""
    status: ResponseItemStatus | None = None
    name: str | None = None
    namespace: str | None = None
    caller: CallCaller | None = None
    created_by: str | None = None


class ResponseCustomToolCallOutputItem(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="custom_tool_call_output"
):
    """What a custom tool gave back."""

    type: ClassVar[Literal["custom_tool_call_output"]] = "custom_tool_call_output"
    id: str = ""
    call_id: str = ""
    output: str | list[ResponseInputContent] = ""
    status: ResponseItemStatus | None = None
    caller: CallCaller | None = None
    created_by: str | None = None


# Searches.


class ResponseFileSearchResult(ResponseStruct, kw_only=True, gc=False):
    """A passage that was found in a file."""

    attributes: dict[str, JSONValue] | None = None
    """The file's attributes in its vector store."""
    file_id: str | None = None
    filename: str | None = None
    score: float | None = None
    """From 0 to 1."""
    text: str | None = None


class ResponseFileSearchToolCall(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="file_search_call"):
    """A search in vector stores."""

    type: ClassVar[Literal["file_search_call"]] = "file_search_call"
    id: str = ""
    queries: list[str] = []
    status: Literal["in_progress", "searching", "completed", "incomplete", "failed"] | str | None = None
    results: list[ResponseFileSearchResult] | None = None
    """None unless the request asked for them with `include`."""


class ActionSearchSource(ResponseStruct, kw_only=True, gc=False):
    """A page that a search found."""

    type: Literal["url"] | str | None = None
    url: str | None = None


class ActionSearch(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="search"):
    """The model searches the web."""

    type: ClassVar[Literal["search"]] = "search"
    query: str | None = None
    queries: list[str] | None = None
    sources: list[ActionSearchSource] | None = None
    """None unless the request asked for them with `include`."""


class ActionOpenPage(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="open_page"):
    """The model opens a page."""

    type: ClassVar[Literal["open_page"]] = "open_page"
    url: str | None = None


class ActionFind(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="find_in_page"):
    """The model looks for something in a page."""

    type: ClassVar[Literal["find_in_page"]] = "find_in_page"
    pattern: str | None = None
    url: str | None = None


WebSearchAction: TypeAlias = ActionSearch | ActionOpenPage | ActionFind | UnknownResponseObject


class ResponseFunctionWebSearch(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="web_search_call"):
    """A search in the web."""

    type: ClassVar[Literal["web_search_call"]] = "web_search_call"
    id: str = ""
    action: WebSearchAction | None = None
    status: Literal["in_progress", "searching", "completed", "failed", "incomplete"] | str | None = None


class ResponseToolSearchCall(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="tool_search_call"):
    """The model searches for tools."""

    type: ClassVar[Literal["tool_search_call"]] = "tool_search_call"
    id: str = ""
    call_id: str | None = None
    arguments: JSONValue = None
    execution: Literal["server", "client"] | str | None = None
    """Who searches."""
    status: ResponseItemStatus | None = None
    created_by: str | None = None


class ResponseToolSearchOutputItem(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="tool_search_output"):
    """The tools that were found."""

    type: ClassVar[Literal["tool_search_output"]] = "tool_search_output"
    id: str = ""
    call_id: str | None = None
    execution: Literal["server", "client"] | str | None = None
    """Who searched."""
    status: ResponseItemStatus | None = None
    tools: list[ResponseTool] = []
    created_by: str | None = None


class AdditionalTools(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="additional_tools"):
    """Tools that the model has from here on."""

    type: ClassVar[Literal["additional_tools"]] = "additional_tools"
    id: str = ""
    role: (
        Literal["unknown", "user", "assistant", "system", "critic", "discriminator", "developer", "tool"] | str | None
    ) = None
    tools: list[ResponseTool] = []


# Screens.


class ActionClick(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="click"):
    """Click."""

    type: ClassVar[Literal["click"]] = "click"
    button: Literal["left", "right", "wheel", "back", "forward"] | str = ""
    x: int = 0
    y: int = 0
    keys: list[str] | None = None
    """What is held meanwhile."""


class ActionDoubleClick(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="double_click"):
    """Click twice."""

    type: ClassVar[Literal["double_click"]] = "double_click"
    x: int = 0
    y: int = 0
    keys: list[str] | None = None
    """What is held meanwhile."""


class ActionDragPath(ResponseStruct, kw_only=True, gc=False):
    """A point on the way of a drag."""

    x: int = 0
    y: int = 0


class ActionDrag(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="drag"):
    """Drag along a path."""

    type: ClassVar[Literal["drag"]] = "drag"
    path: list[ActionDragPath] = []
    keys: list[str] | None = None
    """What is held meanwhile."""


class ActionKeypress(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="keypress"):
    """Press keys together."""

    type: ClassVar[Literal["keypress"]] = "keypress"
    keys: list[str] = []


class ActionMove(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="move"):
    """Move the pointer."""

    type: ClassVar[Literal["move"]] = "move"
    x: int = 0
    y: int = 0
    keys: list[str] | None = None
    """What is held meanwhile."""


class ActionScreenshot(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="screenshot"):
    """Take a picture of the screen."""

    type: ClassVar[Literal["screenshot"]] = "screenshot"


class ActionScroll(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="scroll"):
    """Scroll."""

    type: ClassVar[Literal["scroll"]] = "scroll"
    x: int = 0
    y: int = 0
    scroll_x: int = 0
    scroll_y: int = 0
    keys: list[str] | None = None
    """What is held meanwhile."""


class ActionType(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="type"):
    """Type a text."""

    type: ClassVar[Literal["type"]] = "type"
    text: str = ""


class ActionWait(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="wait"):
    """Wait."""

    type: ClassVar[Literal["wait"]] = "wait"


ComputerAction: TypeAlias = (
    ActionClick
    | ActionDoubleClick
    | ActionDrag
    | ActionKeypress
    | ActionMove
    | ActionScreenshot
    | ActionScroll
    | ActionType
    | ActionWait
    | UnknownResponseObject
)


class PendingSafetyCheck(ResponseStruct, kw_only=True, gc=False):
    """What a human must look at before a screen is worked on, or has looked at."""

    id: str = ""
    code: str | None = None
    message: str | None = None


class ResponseComputerToolCall(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="computer_call"):
    """Work on a screen."""

    type: ClassVar[Literal["computer_call"]] = "computer_call"
    id: str = ""
    call_id: str = ""
    """What the output names."""
    action: ComputerAction | None = None
    actions: list[ComputerAction] | None = None
    """In newer models, several at once."""
    pending_safety_checks: list[PendingSafetyCheck] = []
    status: ResponseItemStatus | None = None


class ResponseComputerToolCallOutputScreenshot(ResponseStruct, kw_only=True, gc=False):
    """A picture of the screen."""

    type: Literal["computer_screenshot"] | str = ""
    file_id: str | None = None
    image_url: str | None = None


class ResponseComputerToolCallOutputItem(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="computer_call_output"
):
    """What the screen shows after the work."""

    type: ClassVar[Literal["computer_call_output"]] = "computer_call_output"
    id: str = ""
    call_id: str = ""
    output: ResponseComputerToolCallOutputScreenshot | None = None
    status: Literal["completed", "incomplete", "failed", "in_progress"] | str | None = None
    acknowledged_safety_checks: list[PendingSafetyCheck] | None = None
    created_by: str | None = None


# Pictures.


class ImageGenerationCallErrorModerationDetails(ResponseStruct, kw_only=True, gc=False):
    """Why moderation refused a picture."""

    categories: list[str] = []
    moderation_stage: Literal["input", "output", "unknown"] | str = ""


class ImageGenerationCallError(ResponseStruct, kw_only=True, gc=False):
    """Why there is no picture."""

    type: str | None = None
    code: str | None = None
    message: str = ""
    param: str | None = None
    moderation_details: ImageGenerationCallErrorModerationDetails | None = None


class ImageGenerationCallSvgUsage(ResponseStruct, kw_only=True, gc=False):
    """The tokens that a drawing has cost."""

    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0


class ImageGenerationCall(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="image_generation_call"):
    """A picture that the model made."""

    type: ClassVar[Literal["image_generation_call"]] = "image_generation_call"
    id: str = ""
    result: str | None = None
    """Base64 of the picture."""
    status: Literal["in_progress", "completed", "generating", "failed"] | str | None = None
    action: Literal["generate", "edit", "auto"] | str | None = None
    background: Literal["transparent", "opaque", "auto"] | str | None = None
    error: ImageGenerationCallError | None = None
    output_format: Literal["png", "webp", "jpeg", "gif", "svg"] | str | None = None
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] | str | None = None
    revised_prompt: str | None = None
    size: Literal["1024x1024", "1024x1536", "1536x1024"] | str | None = None
    svg_usage: ImageGenerationCallSvgUsage | None = None
    partial_images: list[str] = field(default=[], name=OWN_MEMBER + "partial_images")
    """What a stream showed before the picture was done, in base64, by number. Never on the wire."""


# Code and shells.


class OutputLogs(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="logs"):
    """What the code printed."""

    type: ClassVar[Literal["logs"]] = "logs"
    logs: str = ""


class OutputImage(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="image"):
    """A picture that the code made."""

    type: ClassVar[Literal["image"]] = "image"
    url: str = ""


ResponseCodeInterpreterOutput: TypeAlias = OutputLogs | OutputImage | UnknownResponseObject


class ResponseCodeInterpreterToolCall(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="code_interpreter_call"
):
    """A run of code in a container of the server."""

    type: ClassVar[Literal["code_interpreter_call"]] = "code_interpreter_call"
    id: str = ""
    code: str | None = None
    container_id: str = ""
    outputs: list[ResponseCodeInterpreterOutput] | None = None
    """None unless the request asked for them with `include`."""
    status: Literal["in_progress", "completed", "incomplete", "interpreting", "failed"] | str | None = None


class LocalShellCallAction(ResponseStruct, kw_only=True, gc=False):
    """A command for the user's machine."""

    type: Literal["exec"] | str = ""
    command: list[str] = []
    env: dict[str, str] = {}
    timeout_ms: int | None = None
    user: str | None = None
    working_directory: str | None = None


class LocalShellCall(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="local_shell_call"):
    """The older form of a shell call."""

    type: ClassVar[Literal["local_shell_call"]] = "local_shell_call"
    id: str = ""
    call_id: str = ""
    action: LocalShellCallAction | None = None
    status: ResponseItemStatus | None = None


class LocalShellCallOutput(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="local_shell_call_output"):
    """What such a command gave back, as JSON text."""

    type: ClassVar[Literal["local_shell_call_output"]] = "local_shell_call_output"
    id: str = ""
    output: str = ""
    status: ResponseItemStatus | None = None


class ShellCallAction(ResponseStruct, kw_only=True, gc=False):
    """The commands of a shell call."""

    commands: list[str] = []
    max_output_length: int | None = None
    """In characters."""
    timeout_ms: int | None = None


ShellCallEnvironment: TypeAlias = LocalEnvironment | ContainerReference | UnknownResponseObject


class ResponseFunctionShellToolCall(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="shell_call"):
    """Commands for a shell."""

    type: ClassVar[Literal["shell_call"]] = "shell_call"
    id: str = ""
    call_id: str = ""
    """What the output names."""
    action: ShellCallAction | None = None
    environment: ShellCallEnvironment | None = None
    status: ResponseItemStatus | None = None
    caller: CallCaller | None = None
    created_by: str | None = None


class OutcomeTimeout(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="timeout"):
    """The command took too long."""

    type: ClassVar[Literal["timeout"]] = "timeout"


class OutcomeExit(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="exit"):
    """The command ended."""

    type: ClassVar[Literal["exit"]] = "exit"
    exit_code: int | None = None


ShellCallOutcome: TypeAlias = OutcomeTimeout | OutcomeExit | UnknownResponseObject


class ResponseFunctionShellCallOutputContent(ResponseStruct, kw_only=True, gc=False):
    """What a command printed, and how it ended."""

    stdout: str = ""
    stderr: str = ""
    outcome: ShellCallOutcome | None = None
    created_by: str | None = None


class ResponseFunctionShellToolCallOutput(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="shell_call_output"
):
    """What the commands of a shell call gave back."""

    type: ClassVar[Literal["shell_call_output"]] = "shell_call_output"
    id: str = ""
    call_id: str = ""
    output: list[ResponseFunctionShellCallOutputContent] = []
    """One entry a command."""
    max_output_length: int | None = None
    """In characters."""
    status: ResponseItemStatus | None = None
    caller: CallCaller | None = None
    created_by: str | None = None


class OperationCreateFile(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="create_file"):
    """Make a file."""

    type: ClassVar[Literal["create_file"]] = "create_file"
    path: str = ""
    diff: str = ""


class OperationUpdateFile(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="update_file"):
    """Change a file."""

    type: ClassVar[Literal["update_file"]] = "update_file"
    path: str = ""
    diff: str = ""


class OperationDeleteFile(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="delete_file"):
    """Delete a file."""

    type: ClassVar[Literal["delete_file"]] = "delete_file"
    path: str = ""


ApplyPatchOperation: TypeAlias = OperationCreateFile | OperationUpdateFile | OperationDeleteFile | UnknownResponseObject


class ResponseApplyPatchToolCall(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="apply_patch_call"):
    """A change of a file."""

    type: ClassVar[Literal["apply_patch_call"]] = "apply_patch_call"
    id: str = ""
    call_id: str = ""
    """What the output names."""
    operation: ApplyPatchOperation | None = None
    status: Literal["in_progress", "completed"] | str | None = None
    caller: CallCaller | None = None
    created_by: str | None = None


class ResponseApplyPatchToolCallOutput(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="apply_patch_call_output"
):
    """Whether a file could be changed."""

    type: ClassVar[Literal["apply_patch_call_output"]] = "apply_patch_call_output"
    id: str = ""
    call_id: str = ""
    status: Literal["completed", "failed"] | str | None = None
    output: str | None = None
    caller: CallCaller | None = None
    created_by: str | None = None


class Program(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="program"):
    """A program that the model wrote, which calls tools."""

    type: ClassVar[Literal["program"]] = "program"
    id: str = ""
    call_id: str = ""
    code: str = ""
    fingerprint: str = ""


class ProgramOutput(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="program_output"):
    """What such a program gave back."""

    type: ClassVar[Literal["program_output"]] = "program_output"
    id: str = ""
    call_id: str = ""
    result: str = ""
    status: Literal["completed", "incomplete"] | str | None = None


# MCP.


class McpProtocolError(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="mcp_protocol_error"):
    """The MCP server did not speak MCP, or refused in it."""

    type: ClassVar[Literal["mcp_protocol_error"]] = "mcp_protocol_error"
    code: int | None = None
    message: str = ""


class McpToolExecutionError(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="mcp_tool_execution_error"):
    """The tool failed."""

    type: ClassVar[Literal["mcp_tool_execution_error"]] = "mcp_tool_execution_error"
    content: JSONValue = None


class McpHTTPError(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="http_error"):
    """The MCP server answered with an HTTP error."""

    type: ClassVar[Literal["http_error"]] = "http_error"
    code: int | None = None
    message: str = ""


McpToolCallError: TypeAlias = McpProtocolError | McpToolExecutionError | McpHTTPError | UnknownResponseObject


class McpCall(CallArguments, kw_only=True, gc=False, tag_field="type", tag="mcp_call", forbid_unknown_fields=True):
    """A call of a tool of an MCP server, which the server of the model makes itself."""

    type: ClassVar[Literal["mcp_call"]] = "mcp_call"
    id: str = ""
    name: str = ""
    server_label: str = ""
    arguments: str = ""
    """JSON text, written by the model: it may be invalid."""
    output: str | None = None
    error: str | McpToolCallError | None = None
    status: Literal["in_progress", "completed", "incomplete", "calling", "failed"] | str | None = None
    approval_request_id: str | None = None
    cut: str | None = field(default=None, name=OWN_MEMBER + "cut")
    """Why the call is not whole, such as "incomplete" or "unfinished"; None if it is. Never on the wire."""
    extra: dict[str, JSONValue] = field(default={}, name=EXTRA)
    """Members that no field here names, under the wire's keys, without nulls."""

    @property
    def call_id(self) -> str:
        """Its id: nothing else names such a call."""
        return self.id


class McpListToolsTool(ResponseStruct, kw_only=True, gc=False):
    """A tool of an MCP server."""

    name: str = ""
    description: str | None = None
    input_schema: JSONValue = None
    """A JSON Schema."""
    annotations: JSONValue = None


class McpListTools(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="mcp_list_tools"):
    """The tools that an MCP server has."""

    type: ClassVar[Literal["mcp_list_tools"]] = "mcp_list_tools"
    id: str = ""
    server_label: str = ""
    tools: list[McpListToolsTool] = []
    error: JSONValue = None
    """Why they could not be listed."""


class McpApprovalRequest(
    CallArguments, kw_only=True, gc=False, tag_field="type", tag="mcp_approval_request", forbid_unknown_fields=True
):
    """A call of an MCP server's tool that somebody must allow."""

    type: ClassVar[Literal["mcp_approval_request"]] = "mcp_approval_request"
    id: str = ""
    name: str = ""
    server_label: str = ""
    arguments: str = ""
    """JSON text, written by the model: it may be invalid."""
    extra: dict[str, JSONValue] = field(default={}, name=EXTRA)
    """Members that no field here names, under the wire's keys, without nulls."""


class McpApprovalResponse(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="mcp_approval_response"):
    """Whether such a call was allowed."""

    type: ClassVar[Literal["mcp_approval_response"]] = "mcp_approval_response"
    id: str = ""
    approval_request_id: str = ""
    approve: bool = False
    reason: str | None = None


# All of them.


class UnknownResponseItem(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """An item of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received; streamed, the JSON of what was folded."""
    id: str = ""


ResponseOutputItem: TypeAlias = (
    ResponseOutputMessage[ParsedT]
    | ResponseFileSearchToolCall
    | ResponseFunctionToolCall
    | ResponseFunctionToolCallOutputItem
    | ResponseFunctionWebSearch
    | ResponseComputerToolCall
    | ResponseComputerToolCallOutputItem
    | ResponseReasoningItem
    | Program
    | ProgramOutput
    | ResponseToolSearchCall
    | ResponseToolSearchOutputItem
    | AdditionalTools
    | ResponseCompactionItem
    | ImageGenerationCall
    | ResponseCodeInterpreterToolCall
    | LocalShellCall
    | LocalShellCallOutput
    | ResponseFunctionShellToolCall
    | ResponseFunctionShellToolCallOutput
    | ResponseApplyPatchToolCall
    | ResponseApplyPatchToolCallOutput
    | McpCall
    | McpListTools
    | McpApprovalRequest
    | McpApprovalResponse
    | ResponseCustomToolCall
    | ResponseCustomToolCallOutputItem
    | UnknownResponseItem
)
"""What a response consists of."""

# What openai-python calls those that `parse` gives, and those that a listing gives.
ParsedResponseOutputItem: TypeAlias = ResponseOutputItem[ParsedT]
ParsedResponseOutputMessage: TypeAlias = ResponseOutputMessage[ParsedT]
ParsedResponseFunctionToolCall: TypeAlias = ResponseFunctionToolCall
ResponseFunctionToolCallItem: TypeAlias = ResponseFunctionToolCall
ResponseCustomToolCallItem: TypeAlias = ResponseCustomToolCall


# What stands in listings only.


class ResponseInputMessageItem(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="message"):
    """A message of anybody, as the items of an input or a conversation are listed."""

    type: ClassVar[Literal["message"]] = "message"
    id: str = ""
    role: (
        Literal["unknown", "user", "assistant", "system", "critic", "discriminator", "developer", "tool"] | str | None
    ) = None
    content: list[ResponseMessageContent] = []
    status: ResponseItemStatus | None = None
    phase: Literal["commentary", "final_answer"] | str | None = None
    """Whether the model comments on its work or gives the answer."""


class ResponseConfigurationUpdateReasoning(ResponseStruct, kw_only=True, gc=False):
    """How long the model thinks from here on."""

    effort: ReasoningEffort | None = None


class ResponseConfigurationUpdateItem(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="configuration_update"
):
    """How the model answers from here on."""

    type: ClassVar[Literal["configuration_update"]] = "configuration_update"
    id: str = ""
    reasoning: ResponseConfigurationUpdateReasoning | None = None
    text: dict[str, JSONValue] | None = None
    """The `format` of its texts."""


class CompactionTrigger(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="compaction_trigger"):
    """The conversation was compacted here."""

    type: ClassVar[Literal["compaction_trigger"]] = "compaction_trigger"
    id: str | None = None


class ItemReference(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="item_reference"):
    """An item that the server has."""

    type: ClassVar[Literal["item_reference"]] = "item_reference"
    id: str = ""


ResponseItem: TypeAlias = (
    ResponseInputMessageItem
    | ResponseFileSearchToolCall
    | ResponseFunctionToolCall
    | ResponseFunctionToolCallOutputItem
    | ResponseFunctionWebSearch
    | ResponseComputerToolCall
    | ResponseComputerToolCallOutputItem
    | ResponseReasoningItem
    | Program
    | ProgramOutput
    | ResponseToolSearchCall
    | ResponseToolSearchOutputItem
    | AdditionalTools
    | ResponseConfigurationUpdateItem
    | ResponseCompactionItem
    | CompactionTrigger
    | ItemReference
    | ImageGenerationCall
    | ResponseCodeInterpreterToolCall
    | LocalShellCall
    | LocalShellCallOutput
    | ResponseFunctionShellToolCall
    | ResponseFunctionShellToolCallOutput
    | ResponseApplyPatchToolCall
    | ResponseApplyPatchToolCallOutput
    | McpCall
    | McpListTools
    | McpApprovalRequest
    | McpApprovalResponse
    | ResponseCustomToolCall
    | ResponseCustomToolCallOutputItem
    | UnknownResponseItem
)
"""What an input or a conversation consists of, as it is listed."""
