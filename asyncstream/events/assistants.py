"""The events of the Assistants protocol, each a wrapper of its payload. Pure. `named` reads them off the wire.

Source: https://platform.openai.com/docs/api-reference/assistants-streaming/events
"""

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from msgspec import Struct

from asyncstream.decoding import Repair
from asyncstream.events.assistants_withheld import WITHHELD
from asyncstream.events.control import DoneEvent, ErrorEvent, UnknownEvent
from asyncstream.events.named import WrappedEvents
from asyncstream.types.messages import Message, MessageDeltaEvent
from asyncstream.types.run_steps import RunStep, RunStepDeltaEvent
from asyncstream.types.runs import Run
from asyncstream.types.threads import Thread

if TYPE_CHECKING:
    from asyncstream.events.alike import Pattern

__all__ = [
    "AssistantStreamEvent",
    "ThreadCreated",
    "ThreadMessageCompleted",
    "ThreadMessageCreated",
    "ThreadMessageDelta",
    "ThreadMessageInProgress",
    "ThreadMessageIncomplete",
    "ThreadRunCancelled",
    "ThreadRunCancelling",
    "ThreadRunCompleted",
    "ThreadRunCreated",
    "ThreadRunExpired",
    "ThreadRunFailed",
    "ThreadRunInProgress",
    "ThreadRunIncomplete",
    "ThreadRunQueued",
    "ThreadRunRequiresAction",
    "ThreadRunStepCancelled",
    "ThreadRunStepCompleted",
    "ThreadRunStepCreated",
    "ThreadRunStepDelta",
    "ThreadRunStepExpired",
    "ThreadRunStepFailed",
    "ThreadRunStepInProgress",
]


class ThreadCreated(Struct, frozen=True, gc=False, tag_field="event", tag="thread.created"):
    """A thread was made, by a request that makes one and runs it."""

    event: ClassVar[Literal["thread.created"]] = "thread.created"
    data: Thread
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunCreated(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.created"):
    """The run exists."""

    event: ClassVar[Literal["thread.run.created"]] = "thread.run.created"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunQueued(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.queued"):
    """The run waits for its turn."""

    event: ClassVar[Literal["thread.run.queued"]] = "thread.run.queued"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunInProgress(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.in_progress"):
    """The run works."""

    event: ClassVar[Literal["thread.run.in_progress"]] = "thread.run.in_progress"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunRequiresAction(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.requires_action"):
    """The run waits for tool outputs or approvals; `data.required_action` lists the calls."""

    event: ClassVar[Literal["thread.run.requires_action"]] = "thread.run.requires_action"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunCompleted(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.completed"):
    """The run is finished."""

    event: ClassVar[Literal["thread.run.completed"]] = "thread.run.completed"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunIncomplete(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.incomplete"):
    """The run stopped at a limit; `data.incomplete_details` says which."""

    event: ClassVar[Literal["thread.run.incomplete"]] = "thread.run.incomplete"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunFailed(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.failed"):
    """The run failed; `data.last_error` says why."""

    event: ClassVar[Literal["thread.run.failed"]] = "thread.run.failed"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunCancelling(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.cancelling"):
    """The run is being cancelled."""

    event: ClassVar[Literal["thread.run.cancelling"]] = "thread.run.cancelling"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunCancelled(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.cancelled"):
    """The run was cancelled."""

    event: ClassVar[Literal["thread.run.cancelled"]] = "thread.run.cancelled"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunExpired(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.expired"):
    """The run waited too long."""

    event: ClassVar[Literal["thread.run.expired"]] = "thread.run.expired"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepCreated(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.created"):
    """A step of the run exists."""

    event: ClassVar[Literal["thread.run.step.created"]] = "thread.run.step.created"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepInProgress(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.in_progress"):
    """A step works."""

    event: ClassVar[Literal["thread.run.step.in_progress"]] = "thread.run.step.in_progress"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepDelta(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.delta"):
    """A step grew: pieces of tool calls."""

    event: ClassVar[Literal["thread.run.step.delta"]] = "thread.run.step.delta"
    data: RunStepDeltaEvent
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepCompleted(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.completed"):
    """A step is finished; its details are authoritative."""

    event: ClassVar[Literal["thread.run.step.completed"]] = "thread.run.step.completed"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepFailed(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.failed"):
    """A step failed."""

    event: ClassVar[Literal["thread.run.step.failed"]] = "thread.run.step.failed"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepCancelled(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.cancelled"):
    """A step was cancelled."""

    event: ClassVar[Literal["thread.run.step.cancelled"]] = "thread.run.step.cancelled"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepExpired(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.expired"):
    """A step waited too long."""

    event: ClassVar[Literal["thread.run.step.expired"]] = "thread.run.step.expired"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadMessageCreated(Struct, frozen=True, gc=False, tag_field="event", tag="thread.message.created"):
    """A message exists."""

    event: ClassVar[Literal["thread.message.created"]] = "thread.message.created"
    data: Message
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadMessageInProgress(Struct, frozen=True, gc=False, tag_field="event", tag="thread.message.in_progress"):
    """A message is being written."""

    event: ClassVar[Literal["thread.message.in_progress"]] = "thread.message.in_progress"
    data: Message
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadMessageDelta(Struct, frozen=True, gc=False, tag_field="event", tag="thread.message.delta"):
    """A message grew: pieces of its content."""

    event: ClassVar[Literal["thread.message.delta"]] = "thread.message.delta"
    data: MessageDeltaEvent
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadMessageCompleted(Struct, frozen=True, gc=False, tag_field="event", tag="thread.message.completed"):
    """A message is finished; its content is authoritative."""

    event: ClassVar[Literal["thread.message.completed"]] = "thread.message.completed"
    data: Message
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadMessageIncomplete(Struct, frozen=True, gc=False, tag_field="event", tag="thread.message.incomplete"):
    """A message ended before it was finished."""

    event: ClassVar[Literal["thread.message.incomplete"]] = "thread.message.incomplete"
    data: Message
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


AssistantStreamEvent: TypeAlias = (
    ThreadCreated
    | ThreadRunCreated
    | ThreadRunQueued
    | ThreadRunInProgress
    | ThreadRunRequiresAction
    | ThreadRunCompleted
    | ThreadRunIncomplete
    | ThreadRunFailed
    | ThreadRunCancelling
    | ThreadRunCancelled
    | ThreadRunExpired
    | ThreadRunStepCreated
    | ThreadRunStepInProgress
    | ThreadRunStepDelta
    | ThreadRunStepCompleted
    | ThreadRunStepFailed
    | ThreadRunStepCancelled
    | ThreadRunStepExpired
    | ThreadMessageCreated
    | ThreadMessageInProgress
    | ThreadMessageDelta
    | ThreadMessageCompleted
    | ThreadMessageIncomplete
    | ErrorEvent
    | DoneEvent
    | UnknownEvent
)
"""Every event of the protocol. A stream yields all but `ErrorEvent`, which it raises, and `DoneEvent`, which ends it.

`raw` is the payload as received, `repairs` what had to be mended for it to fit its type.
"""


_EVENTS = WrappedEvents[AssistantStreamEvent](
    [event for event in get_args(AssistantStreamEvent) if event not in (ErrorEvent, DoneEvent, UnknownEvent)],
    # The payloads that hold JSON of no fixed shape.
    walked=frozenset({Thread, Run, RunStep, RunStepDeltaEvent}),
)


def _pattern_of(event: AssistantStreamEvent) -> "Pattern[AssistantStreamEvent] | None":
    """Tell in which text others may differ from an event; a short answer never asks."""
    from asyncstream.events.assistants_alike import pattern_of

    return pattern_of(event)


WIRE = _EVENTS.wire(WITHHELD, _pattern_of)
