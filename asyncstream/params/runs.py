"""The request bodies of runs. `assistant_id`, `tool_outputs` and the ids of paths are parameters of the methods.

`RunParams` is what `runs.create` and `threads.create_and_run` have in common; the latter's body is in `params.threads`.
"""

from collections.abc import Sequence
from typing import Literal, Required, TypeAlias, TypedDict

from asyncstream.params.messages import MessageParam
from asyncstream.params.shared import AssistantResponseFormatOptionParam
from asyncstream.params.tools import AssistantToolChoiceOptionParam, AssistantToolParam
from asyncstream.types.shared import Metadata, ReasoningEffort

__all__ = [
    "RunCreateParams",
    "RunParams",
    "RunStepInclude",
    "RunSubmitToolOutputsParams",
    "RunUpdateParams",
    "ToolApproval",
    "TruncationStrategyParam",
]

RunStepInclude: TypeAlias = Literal["step_details.tool_calls[*].file_search.results[*].content"] | str
"""A value of the query parameter `include[]`: what a step shows beyond its default."""


class TruncationStrategyParam(TypedDict, total=False):
    """How much of the thread the model is shown."""

    type: Required[Literal["auto", "last_messages"]]
    last_messages: int | None
    """How many; needed if `type` is "last_messages"."""


class RunParams(TypedDict, total=False):
    """The keys that every body has that starts a run; each overrides the assistant's own for this run."""

    model: str | None
    instructions: str | None
    tools: Sequence[AssistantToolParam] | None
    metadata: Metadata | None
    temperature: float | None
    top_p: float | None
    max_prompt_tokens: int | None
    """At least 256; a run that needs more ends as `incomplete`."""
    max_completion_tokens: int | None
    """At least 256; a run that needs more ends as `incomplete`."""
    truncation_strategy: TruncationStrategyParam | None
    tool_choice: AssistantToolChoiceOptionParam | None
    parallel_tool_calls: bool
    response_format: AssistantResponseFormatOptionParam | None


class RunCreateParams(RunParams, total=False):
    """POST /threads/{thread_id}/runs, without `assistant_id` and `stream`."""

    additional_instructions: str | None
    """Appended to the instructions instead of replacing them."""
    additional_messages: Sequence[MessageParam] | None
    """Put on the thread before the run starts."""
    reasoning_effort: ReasoningEffort | None


class RunUpdateParams(TypedDict, total=False):
    """POST /threads/{thread_id}/runs/{run_id}."""

    metadata: Metadata | None


class ToolApproval(TypedDict, total=False):
    """Azure: the decision on one call to an MCP server."""

    tool_call_id: Required[str]
    approve: Required[bool]
    headers: dict[str, str]
    """Sent to the MCP server with the call."""


class RunSubmitToolOutputsParams(TypedDict, total=False):
    """POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs, without `tool_outputs` and `stream`."""

    tool_approvals: Sequence[ToolApproval]
    """Azure only."""
