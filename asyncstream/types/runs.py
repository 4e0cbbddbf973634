"""The wire structs of runs: one answer of an assistant on a thread, from queued to a terminal status.

A run has no delta of its own: what it writes comes as messages (`messages`) and steps (`run_steps`).
"""

from typing import Literal, TypeAlias

from msgspec import field

from asyncstream.types.assistants import AssistantResponseFormatOption
from asyncstream.types.function_calls import CallArguments
from asyncstream.types.shared import IncompleteDetails, LastError, Metadata, ReasoningEffort, ToolResources, Usage
from asyncstream.types.structs import WireStruct
from asyncstream.types.tools import AssistantTool, AssistantToolChoiceOption

__all__ = [
    "RequiredAction",
    "RequiredActionFunction",
    "RequiredActionFunctionToolCall",
    "RequiredActionMCPToolCall",
    "RequiredActionSubmitToolApproval",
    "RequiredActionSubmitToolOutputs",
    "Run",
    "RunStatus",
    "TruncationStrategy",
]

RunStatus: TypeAlias = (
    Literal[
        "queued",
        "in_progress",
        "requires_action",
        "cancelling",
        "cancelled",
        "failed",
        "completed",
        "incomplete",
        "expired",
    ]
    | str
)


class RequiredActionFunction(WireStruct, kw_only=True, gc=False):
    """The function to call, and with what."""

    name: str = ""
    arguments: str = ""
    """JSON text, written by the model: it may be invalid."""


class RequiredActionFunctionToolCall(CallArguments, kw_only=True, gc=False):
    """A call whose output the run waits for."""

    id: str = ""
    type: Literal["function"] | str = "function"
    function: RequiredActionFunction = field(default_factory=RequiredActionFunction)

    @property
    def name(self) -> str:
        """The function's."""
        return self.function.name

    @property
    def arguments(self) -> str:
        """JSON text, written by the model: it may be invalid."""
        return self.function.arguments


class RequiredActionSubmitToolOutputs(WireStruct, kw_only=True, gc=False):
    """The calls to answer with tool outputs."""

    tool_calls: list[RequiredActionFunctionToolCall] = []


class RequiredActionMCPToolCall(CallArguments, kw_only=True, gc=False):
    """Azure: a call to an MCP server that waits for approval."""

    id: str = ""
    type: Literal["mcp"] | str = "mcp"
    name: str = ""
    server_label: str = ""
    arguments: str = ""
    """JSON text, written by the model: it may be invalid."""


class RequiredActionSubmitToolApproval(WireStruct, kw_only=True, gc=False):
    """Azure: the calls to approve or to refuse."""

    tool_calls: list[RequiredActionMCPToolCall] = []


class RequiredAction(WireStruct, kw_only=True, gc=False):
    """What a run in `requires_action` waits for; the field of the same name as `type` is set."""

    type: Literal["submit_tool_outputs", "submit_tool_approval"] | str = ""
    submit_tool_outputs: RequiredActionSubmitToolOutputs | None = None
    submit_tool_approval: RequiredActionSubmitToolApproval | None = None


class TruncationStrategy(WireStruct, kw_only=True, gc=False):
    """How much of the thread the model is shown."""

    type: Literal["auto", "last_messages"] | str = ""
    last_messages: int | None = None


class Run(WireStruct, kw_only=True, gc=False):
    """A run of an assistant on a thread. All times are seconds since 1970-01-01 UTC."""

    id: str
    object: str = "thread.run"
    created_at: int = 0
    thread_id: str = ""
    assistant_id: str = ""
    status: RunStatus = ""
    required_action: RequiredAction | None = None
    last_error: LastError | None = None
    expires_at: int | None = None
    started_at: int | None = None
    """None until the run starts."""
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    incomplete_details: IncompleteDetails | None = None
    model: str = ""
    instructions: str | None = None
    tools: list[AssistantTool] = []
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None
    usage: Usage | None = None
    """None until the run is over."""
    temperature: float | None = None
    top_p: float | None = None
    reasoning_effort: ReasoningEffort | None = None
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    truncation_strategy: TruncationStrategy | None = None
    tool_choice: AssistantToolChoiceOption | None = None
    parallel_tool_calls: bool | None = None
    response_format: AssistantResponseFormatOption | None = None

    @property
    def pending_tool_calls(self) -> list[RequiredActionFunctionToolCall]:
        """The calls whose outputs the run waits for; empty where it waits for none.

        Azure's calls that wait for an approval stand in `required_action.submit_tool_approval`.
        """
        action = self.required_action
        return [] if action is None or action.submit_tool_outputs is None else action.submit_tool_outputs.tool_calls
