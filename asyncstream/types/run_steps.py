"""The wire structs of run steps: a message written or a round of tool calls, and the deltas of both.

The calls themselves are in `tool_calls`. Folding a delta into a step is the business of `accumulators`.
"""

from typing import ClassVar, Literal, TypeAlias

from msgspec import field

from asyncstream.types.shared import LastError, Metadata, Usage
from asyncstream.types.structs import WireStruct
from asyncstream.types.tool_calls import ToolCall, ToolCallDelta

__all__ = [
    "MessageCreation",
    "MessageCreationDelta",
    "MessageCreationStepDetails",
    "RunStep",
    "RunStepDelta",
    "RunStepDeltaEvent",
    "RunStepDeltaMessageDelta",
    "RunStepStatus",
    "RunStepType",
    "StepDeltaDetails",
    "StepDetails",
    "ToolCallDeltaObject",
    "ToolCallsStepDetails",
    "UnknownStepDeltaDetails",
    "UnknownStepDetails",
]

RunStepStatus: TypeAlias = Literal["in_progress", "cancelled", "failed", "completed", "expired"] | str
RunStepType: TypeAlias = Literal["message_creation", "tool_calls"] | str


class MessageCreation(WireStruct, kw_only=True, gc=False):
    """The message that a step writes."""

    message_id: str = ""


class MessageCreationStepDetails(WireStruct, kw_only=True, gc=False, tag_field="type", tag="message_creation"):
    """The details of a step that writes a message."""

    type: ClassVar[Literal["message_creation"]] = "message_creation"
    message_creation: MessageCreation = field(default_factory=MessageCreation)


class ToolCallsStepDetails(WireStruct, kw_only=True, gc=False, tag_field="type", tag="tool_calls"):
    """The details of a step that calls tools."""

    type: ClassVar[Literal["tool_calls"]] = "tool_calls"
    tool_calls: list[ToolCall] = []


class UnknownStepDetails(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """Details of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


StepDetails: TypeAlias = MessageCreationStepDetails | ToolCallsStepDetails | UnknownStepDetails


class RunStep(WireStruct, kw_only=True, gc=False):
    """A step of a run. All times are seconds since 1970-01-01 UTC."""

    id: str
    object: str = "thread.run.step"
    created_at: int = 0
    assistant_id: str = ""
    thread_id: str = ""
    run_id: str = ""
    type: RunStepType = ""
    status: RunStepStatus = ""
    step_details: StepDetails | None = None
    last_error: LastError | None = None
    expired_at: int | None = None
    expires_at: int | None = None
    """Sent by Azure, and by OpenAI in streams, where the published schema has `expired_at`."""
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    metadata: Metadata | None = None
    usage: Usage | None = None
    """None while the step is in progress."""


class MessageCreationDelta(WireStruct, kw_only=True, gc=False):
    """What a delta says of the message that a step writes."""

    message_id: str | None = None


class RunStepDeltaMessageDelta(WireStruct, kw_only=True, gc=False, tag_field="type", tag="message_creation"):
    """A delta to a step that writes a message."""

    type: ClassVar[Literal["message_creation"]] = "message_creation"
    message_creation: MessageCreationDelta | None = None
    tool_calls: list[ToolCallDelta] | None = None
    """Never sent by OpenAI; a list of calls counts under whatever type it comes."""


class ToolCallDeltaObject(WireStruct, kw_only=True, gc=False, tag_field="type", tag="tool_calls"):
    """A delta to a step that calls tools."""

    type: ClassVar[Literal["tool_calls"]] = "tool_calls"
    tool_calls: list[ToolCallDelta] | None = None


class UnknownStepDeltaDetails(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A delta to details of a type that this version does not know; Azure names a tool type here."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


StepDeltaDetails: TypeAlias = RunStepDeltaMessageDelta | ToolCallDeltaObject | UnknownStepDeltaDetails


class RunStepDelta(WireStruct, kw_only=True, gc=False):
    """What one event adds to a run step."""

    step_details: StepDeltaDetails | None = None


class RunStepDeltaEvent(WireStruct, kw_only=True, gc=False):
    """The payload of `thread.run.step.delta`."""

    id: str
    """The run step that the delta goes to."""
    object: str = "thread.run.step.delta"
    delta: RunStepDelta = field(default_factory=RunStepDelta)
