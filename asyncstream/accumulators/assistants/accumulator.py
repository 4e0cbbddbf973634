"""Fold the events of a run into Run, RunStep and Message snapshots: `AssistantAccumulator`. Pure: no IO, no clock.

It routes events by id, keeps the order, and decides when a run is over; what a message or a step does with a delta is
in `messages` and `run_steps`. Rules: section 5 of the wire rules.

Source: https://platform.openai.com/docs/api-reference/assistants-streaming/events
"""

from collections.abc import Callable
from copy import copy
from typing import Any, Final, TypeAlias, get_args

from msgspec.structs import replace

from asyncstream.accumulators.assistants.changes import RunChanged
from asyncstream.accumulators.assistants.messages import MessageChange, MessageNode
from asyncstream.accumulators.assistants.run_steps import RunStepChange, RunStepNode
from asyncstream.accumulators.merging import mended, replace_present
from asyncstream.accumulators.repairs import Repairs
from asyncstream.decoding import Repair
from asyncstream.errors import StreamEventError, StreamTruncatedError
from asyncstream.events import (
    AssistantStreamEvent,
    ErrorEvent,
    ThreadCreated,
    ThreadMessageCompleted,
    ThreadMessageCreated,
    ThreadMessageDelta,
    ThreadMessageIncomplete,
    ThreadMessageInProgress,
    ThreadRunCancelled,
    ThreadRunCancelling,
    ThreadRunCompleted,
    ThreadRunCreated,
    ThreadRunExpired,
    ThreadRunFailed,
    ThreadRunIncomplete,
    ThreadRunInProgress,
    ThreadRunQueued,
    ThreadRunRequiresAction,
    ThreadRunStepCancelled,
    ThreadRunStepCompleted,
    ThreadRunStepCreated,
    ThreadRunStepDelta,
    ThreadRunStepExpired,
    ThreadRunStepFailed,
    ThreadRunStepInProgress,
    UnknownEvent,
)
from asyncstream.types import Message, Run, RunStep, Thread

__all__ = ["AssistantAccumulator", "AssistantChange"]

AssistantChange: TypeAlias = MessageChange | RunStepChange | RunChanged

_RunEvent: TypeAlias = (
    ThreadRunCreated
    | ThreadRunQueued
    | ThreadRunInProgress
    | ThreadRunRequiresAction
    | ThreadRunCompleted
    | ThreadRunIncomplete
    | ThreadRunFailed
    | ThreadRunCancelling
    | ThreadRunCancelled
    | ThreadRunExpired
)
_StepEvent: TypeAlias = (
    ThreadRunStepCreated
    | ThreadRunStepInProgress
    | ThreadRunStepCompleted
    | ThreadRunStepFailed
    | ThreadRunStepCancelled
    | ThreadRunStepExpired
)
_MessageEvent: TypeAlias = (
    ThreadMessageCreated | ThreadMessageInProgress | ThreadMessageCompleted | ThreadMessageIncomplete
)

_ENDS_RUN = (ThreadRunCompleted, ThreadRunIncomplete, ThreadRunFailed, ThreadRunCancelled, ThreadRunExpired)
_ENDS_STEP = (ThreadRunStepCompleted, ThreadRunStepFailed, ThreadRunStepCancelled, ThreadRunStepExpired)
_ENDS_MESSAGE = (ThreadMessageCompleted, ThreadMessageIncomplete)


class AssistantAccumulator:
    """Fold the events of one run, also over several responses when tool outputs are submitted in between.

    Push every event, then call `finish`. Snapshots are plain structs, built when looked at and kept until the next
    fold. An accumulator can be pickled at any point and goes on where it was.

    Source: https://platform.openai.com/docs/api-reference/assistants-streaming/events
    """

    def __init__(self) -> None:
        self._run: Run | None = None
        self._built_run: Run | None = None
        self._thread: Thread | None = None
        self._messages: dict[str, MessageNode] = {}
        self._steps: dict[str, RunStepNode] = {}
        self._current_message: MessageNode | None = None
        self._current_step: RunStepNode | None = None
        self._repairs = Repairs()
        self._last_event = ""
        # The run waits for tool outputs or approvals: terminal for this response only.
        self._waiting = False
        self._ended = False
        self.events_seen = 0
        """How many events were pushed, over all responses."""

    @property
    def run(self) -> Run | None:
        """The run as it is now; None before its first event."""
        if self._built_run is None and self._run is not None:
            self._built_run = copy(self._run)
        return self._built_run

    @property
    def thread(self) -> Thread | None:
        """The thread, where the request made one."""
        return self._thread

    @property
    def messages(self) -> list[Message]:
        """The messages, first seen first. Costs one copy of the texts that grew since the last look."""
        return [node.snapshot() for node in self._messages.values()]

    @property
    def run_steps(self) -> list[RunStep]:
        """The run steps, first seen first. Costs one copy of the texts that grew since the last look."""
        return [node.snapshot() for node in self._steps.values()]

    @property
    def current_message(self) -> Message | None:
        """The message that the last message event was about."""
        return None if self._current_message is None else self._current_message.snapshot()

    @property
    def current_run_step(self) -> RunStep | None:
        """The run step that the last step event was about."""
        return None if self._current_step is None else self._current_step.snapshot()

    @property
    def finished(self) -> bool:
        """Whether terminal evidence was seen: an event that ends the run, or that waits for tool outputs."""
        return self._ended or self._waiting

    @property
    def waiting(self) -> bool:
        """Whether the run waits for tool outputs or approvals."""
        return self._waiting and not self._ended

    @property
    def repairs(self) -> list[Repair]:
        """What the wire got wrong and was mended, each with the number of its rule; what repeats stands once."""
        return self._repairs.made

    @property
    def repairs_omitted(self) -> int:
        """How many repairs were made after the thousand that `repairs` holds at most."""
        return self._repairs.omitted

    def push(self, event: AssistantStreamEvent) -> list[AssistantChange]:
        """Fold an event.

        Returns:
            What changed, in the order in which handlers are called.

        Raises:
            StreamEventError: It is an error event; `partial` is this accumulator.
        """
        fold = _FOLDS.get(type(event))
        if fold is None:
            return self._push_control(event)
        self.events_seen += 1
        self._last_event = event.event
        if event.repairs:  # type: ignore[union-attr]  # only control events have none
            event = self._repaired(event)
        return fold(self, event)

    def fold(self, event: AssistantStreamEvent) -> None:
        """Fold an event as `push` does, for those who do not ask what changed: it costs half.

        Raises:
            StreamEventError: It is an error event; `partial` is this accumulator.
        """
        if type(event) is ThreadMessageDelta:
            grown = event.data
            message = self._messages.get(grown.id)
            if message is not None and not event.repairs and message.grow(grown.delta):
                self._current_message = message
                self.events_seen += 1
                self._last_event = "thread.message.delta"
                return
        elif type(event) is ThreadRunStepDelta:
            said = event.data
            step = self._steps.get(said.id)
            if step is not None and not event.repairs and step.grow(said.delta):
                self._current_step = step
                self.events_seen += 1
                self._last_event = "thread.run.step.delta"
                return
        self.push(event)

    def _repaired(self, event: Any) -> Any:
        """Record what was mended in an event; of half a surrogate pair, leave only what a next event may complete."""
        self._repairs.extend(event.repairs)
        if any(repair.rule == "6.2" for repair in event.repairs):
            # Nothing of a run grows from event to event.
            return replace(event, data=mended(event.data, frozenset() if isinstance(event.data, Run) else None))
        return event

    def _push_control(self, event: AssistantStreamEvent) -> list[AssistantChange]:
        if isinstance(event, ErrorEvent):
            error = event.data
            raise StreamEventError(
                error.message,
                code=error.code,
                type=error.type,
                param=error.param,
                body=event.raw,
                partial=self,
                events_seen=self.events_seen,
            )
        if isinstance(event, UnknownEvent):
            self.events_seen += 1
            self._last_event = event.name
        return []

    def finish(self) -> list[AssistantChange]:
        """Say that nothing follows: call it at `done` or at the end of the bytes.

        Returns:
            The changes that close what an event after the end of the run had opened; mostly none.

        Raises:
            StreamTruncatedError: No terminal evidence was seen; `partial` is this accumulator.
        """
        if not self.finished:
            last = f" (last: {self._last_event!r})" if self._last_event else ""
            raise StreamTruncatedError(
                f"stream ended after {self.events_seen} events, before the run reached a terminal status{last}",
                partial=self,
                events_seen=self.events_seen,
            )
        return self._close_all() if self._ended else []

    def resume(self) -> None:
        """Expect the events of another response: tool outputs or approvals were submitted."""
        self._waiting = self._ended = False

    def _fold_thread(self, event: ThreadCreated) -> list[AssistantChange]:
        self._thread = event.data
        return []

    def _fold_message_delta(self, event: ThreadMessageDelta) -> list[AssistantChange]:
        data = event.data
        node = self._messages.get(data.id)
        changes: list[AssistantChange] = []
        if node is None:
            node = self._new_message(data.id, None, changes)
        self._current_message = node
        folded = node.fold_delta(data.delta)
        return [*changes, *folded] if changes else folded  # type: ignore[return-value]  # list is invariant

    def _fold_message(self, event: _MessageEvent) -> list[AssistantChange]:
        payload = event.data
        changes: list[AssistantChange] = []
        node = self._messages.get(payload.id)
        if node is None:
            node = self._new_message(payload.id, payload, changes)
        elif isinstance(event, ThreadMessageCreated):
            self._repairs.add("5.2", payload.id, event.raw)
        self._current_message = node
        if not payload.status and not isinstance(event, ThreadMessageCreated):
            node.set_status(_last_word(event.event))
        if isinstance(event, _ENDS_MESSAGE):
            changes += node.fold_ending(payload)
        else:
            node.fold_payload(payload)
        return changes

    def _new_message(self, id: str, payload: Message | None, changes: list[AssistantChange]) -> MessageNode:
        node = self._messages[id] = MessageNode(id, self._repairs)
        changes.append(node.created(payload))
        return node

    def _fold_step_delta(self, event: ThreadRunStepDelta) -> list[AssistantChange]:
        data = event.data
        node = self._steps.get(data.id)
        changes: list[AssistantChange] = []
        if node is None:
            node = self._steps[data.id] = RunStepNode(data.id, self._repairs)
            changes.append(node.created(None, data.delta))
        self._current_step = node
        folded = node.fold_delta(data.delta)
        return [*changes, *folded] if changes else folded  # type: ignore[return-value]  # list is invariant

    def _fold_step(self, event: _StepEvent) -> list[AssistantChange]:
        payload = event.data
        changes: list[AssistantChange] = []
        node = self._steps.get(payload.id)
        if node is None:
            node = self._steps[payload.id] = RunStepNode(payload.id, self._repairs)
            changes.append(node.created(payload, None))
        elif isinstance(event, ThreadRunStepCreated):
            self._repairs.add("5.2", payload.id, event.raw)
        self._current_step = node
        if not payload.status and not isinstance(event, ThreadRunStepCreated):
            node.set_status(_last_word(event.event))
        if isinstance(event, _ENDS_STEP):
            changes += node.fold_ending(payload)
        else:
            node.fold_payload(payload)
        return changes

    def _fold_run(self, event: _RunEvent) -> list[AssistantChange]:
        payload = event.data
        held = self._run
        if held is None or (payload.id and held.id != payload.id):
            held = Run(id=payload.id, status="in_progress")
        run = replace_present(held, payload)
        if not payload.status and not isinstance(event, ThreadRunCreated):
            run.status = _last_word(event.event)
        # The one field that a run loses as it goes on: what it waited for is answered.
        run.required_action = payload.required_action
        self._run = run
        self._built_run = None
        changes: list[AssistantChange] = []
        ended = False
        if isinstance(event, ThreadRunRequiresAction):
            for step in self._steps.values():
                changes += step.close_calls()
            ended, self._waiting = not self._waiting, True
        elif isinstance(event, _ENDS_RUN):
            changes += self._close_all()
            ended, self._ended = not self._ended, True
        changes.append(RunChanged(self._run_source, payload, event.event, ended))
        return changes

    @property
    def _run_source(self) -> "_RunSource":
        return _RunSource(self)

    def _close_all(self) -> list[AssistantChange]:
        changes: list[AssistantChange] = []
        for message in self._messages.values():
            changes += message.close()
        for step in self._steps.values():
            changes += step.close()
        return changes


class _RunSource:
    """The run of an accumulator, as a change looks at it."""

    __slots__ = ("_accumulator",)

    def __init__(self, accumulator: AssistantAccumulator) -> None:
        self._accumulator = accumulator

    def snapshot(self) -> Run:
        run = self._accumulator.run
        assert run is not None  # made by a fold of the run
        return run


def _last_word(name: str) -> str:
    return name.rpartition(".")[2]


_FOLDS: Final[dict[type, Callable[[AssistantAccumulator, Any], list[AssistantChange]]]] = {
    ThreadCreated: AssistantAccumulator._fold_thread,
    ThreadMessageDelta: AssistantAccumulator._fold_message_delta,
    ThreadRunStepDelta: AssistantAccumulator._fold_step_delta,
    **dict.fromkeys(get_args(_MessageEvent), AssistantAccumulator._fold_message),
    **dict.fromkeys(get_args(_StepEvent), AssistantAccumulator._fold_step),
    **dict.fromkeys(get_args(_RunEvent), AssistantAccumulator._fold_run),
}
"""Event type -> fold: one lookup an event. Control events are not in it."""
