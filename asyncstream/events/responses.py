"""The events of the Responses protocol, each its own payload: tagged by `type`, decoded themselves. Pure.

Here are those of the response, its items and parts, and the union of all. Texts and arguments grow in
`responses_deltas`, calls change their state in `responses_states`. `named` reads them off the wire; what counts of a
payload that is not as the protocol has it, `responses_mending` says.

Rule 1: a payload under a known name that lacks what its event is about (a delta that is no text, an item or a part that
is null) says nothing: it is an `UnknownEvent`, so that the members of an event need no look before they are used.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from typing import ClassVar, Final, Literal, TypeAlias, get_args

from asyncstream.events.control import DoneEvent, ErrorEvent, RemarkEvent, UnknownEvent
from asyncstream.events.named import TaggedEvent, TaggedEvents
from asyncstream.events.responses_alike import pattern_of
from asyncstream.events.responses_bases import (
    ResponseEvent,
    ResponseItemEvent,
    ResponseLifecycleEvent,
    ResponsePartEvent,
    ResponseSummaryEvent,
)
from asyncstream.events.responses_deltas import (
    ResponseApplyPatchCallOperationDiffDeltaEvent,
    ResponseApplyPatchCallOperationDiffDoneEvent,
    ResponseAudioDeltaEvent,
    ResponseAudioDoneEvent,
    ResponseAudioTranscriptDeltaEvent,
    ResponseAudioTranscriptDoneEvent,
    ResponseCodeInterpreterCallCodeDeltaEvent,
    ResponseCodeInterpreterCallCodeDoneEvent,
    ResponseCustomToolCallInputDeltaEvent,
    ResponseCustomToolCallInputDoneEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseFunctionCallArgumentsDoneEvent,
    ResponseImageGenCallPartialImageEvent,
    ResponseMcpCallArgumentsDeltaEvent,
    ResponseMcpCallArgumentsDoneEvent,
    ResponseReasoningSummaryTextDeltaEvent,
    ResponseReasoningSummaryTextDoneEvent,
    ResponseReasoningTextDeltaEvent,
    ResponseReasoningTextDoneEvent,
    ResponseRefusalDeltaEvent,
    ResponseRefusalDoneEvent,
    ResponseShellCallCommandAddedEvent,
    ResponseShellCallCommandDeltaEvent,
    ResponseShellCallCommandDoneEvent,
    ResponseShellCallOutputContentDeltaEvent,
    ResponseShellCallOutputContentDoneEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)
from asyncstream.events.responses_mending import WALKED, mend
from asyncstream.events.responses_states import ResponseCallStateEvent
from asyncstream.events.responses_withheld import WITHHELD
from asyncstream.types.responses_items import ResponseOutputItem
from asyncstream.types.responses_parts import ResponseAnnotation, ResponseContentPart

__all__ = [
    "ResponseCancelledEvent",
    "ResponseCompactionCompactingEvent",
    "ResponseCompletedEvent",
    "ResponseContentPartAddedEvent",
    "ResponseContentPartDoneEvent",
    "ResponseCreatedEvent",
    "ResponseDoneEvent",
    "ResponseErrorEvent",
    "ResponseFailedEvent",
    "ResponseInProgressEvent",
    "ResponseIncompleteEvent",
    "ResponseOutputItemAddedEvent",
    "ResponseOutputItemDoneEvent",
    "ResponseOutputTextAnnotationAddedEvent",
    "ResponseQueuedEvent",
    "ResponseReasoningPartAddedEvent",
    "ResponseReasoningPartDoneEvent",
    "ResponseReasoningSummaryPartAddedEvent",
    "ResponseReasoningSummaryPartDoneEvent",
    "ResponseStreamEvent",
]


# The response.


class ResponseCreatedEvent(ResponseLifecycleEvent, kw_only=True, gc=False, tag="response.created"):
    """The response exists."""

    type: ClassVar[Literal["response.created"]] = "response.created"


class ResponseQueuedEvent(ResponseLifecycleEvent, kw_only=True, gc=False, tag="response.queued"):
    """The response waits for its turn, in the background."""

    type: ClassVar[Literal["response.queued"]] = "response.queued"


class ResponseInProgressEvent(ResponseLifecycleEvent, kw_only=True, gc=False, tag="response.in_progress"):
    """The model works."""

    type: ClassVar[Literal["response.in_progress"]] = "response.in_progress"


class ResponseCompletedEvent(ResponseLifecycleEvent, kw_only=True, gc=False, tag="response.completed"):
    """The response is whole."""

    type: ClassVar[Literal["response.completed"]] = "response.completed"


class ResponseIncompleteEvent(ResponseLifecycleEvent, kw_only=True, gc=False, tag="response.incomplete"):
    """The response ended before it was whole; `response.incomplete_details` says why."""

    type: ClassVar[Literal["response.incomplete"]] = "response.incomplete"


class ResponseFailedEvent(ResponseLifecycleEvent, kw_only=True, gc=False, tag="response.failed"):
    """The response failed; `response.error` says why."""

    type: ClassVar[Literal["response.failed"]] = "response.failed"


class ResponseCancelledEvent(ResponseLifecycleEvent, kw_only=True, gc=False, tag="response.cancelled"):
    """The response was cancelled."""

    type: ClassVar[Literal["response.cancelled"]] = "response.cancelled"


class ResponseDoneEvent(ResponseLifecycleEvent, kw_only=True, gc=False, tag="response.done"):
    """The response has ended, in the words of some servers."""

    type: ClassVar[Literal["response.done"]] = "response.done"


# Items and parts.


class ResponseOutputItemAddedEvent(ResponseEvent, kw_only=True, gc=False, tag="response.output_item.added"):
    """An item begins."""

    type: ClassVar[Literal["response.output_item.added"]] = "response.output_item.added"
    item: ResponseOutputItem
    output_index: int | None = None
    """The place of the item in the output."""


class ResponseOutputItemDoneEvent(ResponseEvent, kw_only=True, gc=False, tag="response.output_item.done"):
    """An item is whole."""

    type: ClassVar[Literal["response.output_item.done"]] = "response.output_item.done"
    item: ResponseOutputItem
    output_index: int | None = None
    """The place of the item in the output."""


class ResponseContentPartAddedEvent(ResponsePartEvent, kw_only=True, gc=False, tag="response.content_part.added"):
    """A part begins."""

    type: ClassVar[Literal["response.content_part.added"]] = "response.content_part.added"
    part: ResponseContentPart


class ResponseContentPartDoneEvent(ResponsePartEvent, kw_only=True, gc=False, tag="response.content_part.done"):
    """A part is whole."""

    type: ClassVar[Literal["response.content_part.done"]] = "response.content_part.done"
    part: ResponseContentPart


class ResponseReasoningPartAddedEvent(ResponsePartEvent, kw_only=True, gc=False, tag="response.reasoning_part.added"):
    """A thought begins, in vLLM's words."""

    type: ClassVar[Literal["response.reasoning_part.added"]] = "response.reasoning_part.added"
    part: ResponseContentPart


class ResponseReasoningPartDoneEvent(ResponsePartEvent, kw_only=True, gc=False, tag="response.reasoning_part.done"):
    """A thought is whole, in vLLM's words."""

    type: ClassVar[Literal["response.reasoning_part.done"]] = "response.reasoning_part.done"
    part: ResponseContentPart


class ResponseReasoningSummaryPartAddedEvent(
    ResponseSummaryEvent, kw_only=True, gc=False, tag="response.reasoning_summary_part.added"
):
    """A summary begins."""

    type: ClassVar[Literal["response.reasoning_summary_part.added"]] = "response.reasoning_summary_part.added"
    part: ResponseContentPart


class ResponseReasoningSummaryPartDoneEvent(
    ResponseSummaryEvent, kw_only=True, gc=False, tag="response.reasoning_summary_part.done"
):
    """A summary is whole."""

    type: ClassVar[Literal["response.reasoning_summary_part.done"]] = "response.reasoning_summary_part.done"
    part: ResponseContentPart
    status: Literal["incomplete"] | str | None = None


class ResponseOutputTextAnnotationAddedEvent(
    ResponsePartEvent, kw_only=True, gc=False, tag="response.output_text.annotation.added"
):
    """A text leans on something."""

    type: ClassVar[Literal["response.output_text.annotation.added"]] = "response.output_text.annotation.added"
    annotation: ResponseAnnotation
    annotation_index: int | None = None
    """The place of the annotation in its part."""


class ResponseCompactionCompactingEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.compaction.compacting"
):
    """The server makes the conversation short."""

    type: ClassVar[Literal["response.compaction.compacting"]] = "response.compaction.compacting"


# All of them.

ResponseErrorEvent: TypeAlias = ErrorEvent

ResponseStreamEvent: TypeAlias = (
    ResponseTextDeltaEvent
    | ResponseTextDoneEvent
    | ResponseReasoningSummaryTextDeltaEvent
    | ResponseReasoningSummaryTextDoneEvent
    | ResponseReasoningTextDeltaEvent
    | ResponseReasoningTextDoneEvent
    | ResponseRefusalDeltaEvent
    | ResponseRefusalDoneEvent
    | ResponseFunctionCallArgumentsDeltaEvent
    | ResponseFunctionCallArgumentsDoneEvent
    | ResponseCustomToolCallInputDeltaEvent
    | ResponseCustomToolCallInputDoneEvent
    | ResponseMcpCallArgumentsDeltaEvent
    | ResponseMcpCallArgumentsDoneEvent
    | ResponseCodeInterpreterCallCodeDeltaEvent
    | ResponseCodeInterpreterCallCodeDoneEvent
    | ResponseApplyPatchCallOperationDiffDeltaEvent
    | ResponseApplyPatchCallOperationDiffDoneEvent
    | ResponseShellCallCommandAddedEvent
    | ResponseShellCallCommandDeltaEvent
    | ResponseShellCallCommandDoneEvent
    | ResponseShellCallOutputContentDeltaEvent
    | ResponseShellCallOutputContentDoneEvent
    | ResponseImageGenCallPartialImageEvent
    | ResponseAudioDeltaEvent
    | ResponseAudioDoneEvent
    | ResponseAudioTranscriptDeltaEvent
    | ResponseAudioTranscriptDoneEvent
    | ResponseCreatedEvent
    | ResponseQueuedEvent
    | ResponseInProgressEvent
    | ResponseCompletedEvent
    | ResponseIncompleteEvent
    | ResponseFailedEvent
    | ResponseCancelledEvent
    | ResponseDoneEvent
    | ResponseOutputItemAddedEvent
    | ResponseOutputItemDoneEvent
    | ResponseContentPartAddedEvent
    | ResponseContentPartDoneEvent
    | ResponseReasoningPartAddedEvent
    | ResponseReasoningPartDoneEvent
    | ResponseReasoningSummaryPartAddedEvent
    | ResponseReasoningSummaryPartDoneEvent
    | ResponseOutputTextAnnotationAddedEvent
    | ResponseCompactionCompactingEvent
    | ResponseCallStateEvent
    | ErrorEvent
    | DoneEvent
    | RemarkEvent
    | UnknownEvent
)
"""Every event of the protocol. A stream raises an `ErrorEvent`, a `DoneEvent` ends it, and what a `RemarkEvent` says
counts if the answer does not go on; it yields the others."""

_ALIASES: Final = {
    "response.output_text_annotation.added": "response.output_text.annotation.added",
    "response.mcp_call.arguments.delta": "response.mcp_call_arguments.delta",
    "response.mcp_call.arguments.done": "response.mcp_call_arguments.done",
    "response.mcp_call.arguments_delta": "response.mcp_call_arguments.delta",
    "response.mcp_call.arguments_done": "response.mcp_call_arguments.done",
    "response.code_interpreter_call.code.delta": "response.code_interpreter_call_code.delta",
    "response.code_interpreter_call.code.done": "response.code_interpreter_call_code.done",
    "response.reasoning.delta": "response.reasoning_text.delta",
    "response.reasoning.done": "response.reasoning_text.done",
    "response.reasoning_summary.delta": "response.reasoning_summary_text.delta",
    "response.reasoning_summary.done": "response.reasoning_summary_text.done",
}
"""Names that events had in early versions of the protocol, or have in its open edition, to those of today."""


def _cause(value: dict[str, object]) -> object:
    response = value.get("response")
    return response.get("error") if isinstance(response, dict) else None


_EVENTS: Final = tuple(
    event for event in get_args(ResponseStreamEvent) if isinstance(event, type) and issubclass(event, TaggedEvent)
)

# The last event repeats every picture; and a resumption repeats errors too, which are none then.
WIRE = TaggedEvents[ResponseStreamEvent](
    _EVENTS,
    # Items, parts and annotations hold JSON of any shape.
    walked={event for event in _EVENTS if not WALKED.isdisjoint(event.__struct_fields__)},
    aliases=_ALIASES,
    mend=mend,
    cause=_cause,
).wire(WITHHELD, pattern_of, max_event_bytes=64 * 1024 * 1024, ends_with_error=False)
