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
from asyncstream.accumulators.assistants.messages import GrowingMessage, MessageChange
from asyncstream.accumulators.assistants.run_steps import GrowingRunStep, RunStepChange
from asyncstream.accumulators.changes import NOBODY, ChangeSink
from asyncstream.accumulators.fragments import MOST_PIECES
from asyncstream.accumulators.merging import Payloads, mended
from asyncstream.accumulators.repairs import Repairs
from asyncstream.decoding import Repair
from asyncstream.errors import StreamTruncatedError
from asyncstream.events.assistants import (
    AssistantStreamEvent,
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
)
from asyncstream.events.control import ErrorEvent, UnknownEvent
from asyncstream.types.messages import Message
from asyncstream.types.run_steps import RunStep, RunStepDelta
from asyncstream.types.runs import RequiredAction, Run
from asyncstream.types.threads import Thread

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

_ENDS_RUN: Final = frozenset(
    (ThreadRunCompleted, ThreadRunIncomplete, ThreadRunFailed, ThreadRunCancelled, ThreadRunExpired)
)
_ENDS_STEP: Final = frozenset(
    (ThreadRunStepCompleted, ThreadRunStepFailed, ThreadRunStepCancelled, ThreadRunStepExpired)
)
_ENDS_MESSAGE: Final = frozenset((ThreadMessageCompleted, ThreadMessageIncomplete))


class AssistantAccumulator:
    """Fold the events of one run, also over several responses when tool outputs are submitted in between.

    Push every event, then call `finish`. Snapshots are plain structs, built when looked at and kept until the next
    fold. An accumulator can be pickled at any point and goes on where it was.

    Source: https://platform.openai.com/docs/api-reference/assistants-streaming/events
    """

    def __init__(self) -> None:
        self._run: Payloads[Run] | None = None
        self._built_run: Run | None = None
        self._required_action: RequiredAction | None = None
        self._thread: Thread | None = None
        self._messages: dict[str, GrowingMessage] = {}
        self._steps: dict[str, GrowingRunStep] = {}
        # What may have something open, in order: what changed, other than by a piece, since all of it was closed.
        # Pauses and ends of a run may come again and again, and then look at nothing else.
        self._calling: dict[GrowingRunStep, None] = {}
        self._unclosed_messages: dict[GrowingMessage, None] = {}
        self._unclosed_steps: dict[GrowingRunStep, None] = {}
        self._current_message: GrowingMessage | None = None
        self._current_step: GrowingRunStep | None = None
        self._repairs = Repairs()
        self._last_event = ""
        # The run waits for tool outputs or approvals: terminal for this response only.
        self._waiting = False
        self._ended = False
        # What all of the last event was a piece for; and the same once a text alone may follow for it.
        self._grown: GrowingMessage | GrowingRunStep | None = None
        self._alike: GrowingMessage | GrowingRunStep | None = None
        # What that text is added to, where it is one of a message.
        self._pieces: list[str] | None = None
        self.events_seen = 0
        """How many events were pushed, over all responses."""

    @property
    def run(self) -> Run | None:
        """The run as it is now; None before its first event."""
        if self._built_run is None and self._run is not None:
            self._built_run = copy(self._run.merged())
            # The one field that a run loses as it goes on: what it waited for is answered.
            self._built_run.required_action = self._required_action
        return self._built_run

    @property
    def thread(self) -> Thread | None:
        """The thread, where the request made one."""
        return self._thread

    @property
    def messages(self) -> list[Message]:
        """The messages, first seen first. Costs one copy of the texts that grew since the last look."""
        return [message.snapshot() for message in self._messages.values()]

    @property
    def run_steps(self) -> list[RunStep]:
        """The run steps, first seen first. Costs one copy of the texts that grew since the last look."""
        return [step.snapshot() for step in self._steps.values()]

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
        changes: list[AssistantChange] = []
        self.fold(event, changes)
        return changes

    def fold(self, event: AssistantStreamEvent, changes: list[AssistantChange] | None = None) -> None:
        """Fold an event as `push` does; without a list to append its changes to, it costs half.

        Raises:
            StreamEventError: It is an error event; `partial` is this accumulator.
        """
        self._alike = None
        if type(event) is ThreadMessageDelta:
            text = event.data
            message = self._messages.get(text.id)
            if message is not None and not event.repairs and message.add_piece(text.delta, changes):
                self._grown = self._current_message = message
                self.events_seen += 1
                self._last_event = "thread.message.delta"
                return
        elif type(event) is ThreadRunStepDelta:
            piece = event.data
            step = self._steps.get(piece.id)
            if step is not None and not event.repairs and step.add_piece(piece.delta, changes):
                self._grown = self._current_step = step
                self.events_seen += 1
                self._last_event = "thread.run.step.delta"
                return
        self._grown = None
        self._fold_any(event, NOBODY if changes is None else changes)

    def expect_alike(self) -> None:
        """Let `fold_alike` say that the last event has come again, with another text, until another is folded."""
        grown = self._alike = self._grown
        self._pieces = grown.pieces() if isinstance(grown, GrowingMessage) else None

    def fold_alike(self, text: str) -> bool:
        """Fold the last event with another text; return False, and fold nothing, if that must be folded whole."""
        grown, pieces = self._alike, self._pieces
        if grown is None or not text:
            return False
        if pieces is not None and len(pieces) < MOST_PIECES:
            # As `add_alike` of the message, in place: its calls would double what this costs.
            grown.built = None
            pieces.append(text)
        elif not grown.add_alike(text):
            return False
        self.events_seen += 1
        return True

    def _fold_any(self, event: AssistantStreamEvent, changes: ChangeSink[AssistantChange]) -> None:
        fold = _FOLDS.get(type(event))
        if fold is None:
            self._fold_control(event)
            return
        self.events_seen += 1
        self._last_event = event.event
        if event.repairs:  # type: ignore[union-attr]  # only control events have none
            event = self._repaired(event)
        fold(self, event, changes)

    def _repaired(self, event: Any) -> Any:
        """Record what was mended in an event; of half a surrogate pair, leave only what a next event may complete."""
        self._repairs.extend(event.repairs)
        if any(repair.rule == "6.2" for repair in event.repairs):
            # Nothing of a run grows from event to event.
            return replace(event, data=mended(event.data, frozenset() if isinstance(event.data, Run) else None))
        return event

    def _fold_control(self, event: AssistantStreamEvent) -> None:
        if isinstance(event, ErrorEvent):
            raise event.to_error(self, self.events_seen)
        if isinstance(event, UnknownEvent):
            self.events_seen += 1
            self._last_event = event.name

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
        changes: list[AssistantChange] = []
        if self._ended:
            self._close_all(changes)
        return changes

    def resume(self) -> None:
        """Expect the events of another response: tool outputs or approvals were submitted."""
        self._waiting = self._ended = False

    def _fold_thread(self, event: ThreadCreated, _changes: ChangeSink[AssistantChange]) -> None:
        self._thread = event.data

    def _fold_message_delta(self, event: ThreadMessageDelta, changes: ChangeSink[AssistantChange]) -> None:
        message = self._message(event.data.id, None, changes)
        message.fold_delta(event.data.delta, changes)

    def _fold_message(self, event: _MessageEvent, changes: ChangeSink[AssistantChange]) -> None:
        payload = event.data
        if isinstance(event, ThreadMessageCreated) and payload.id in self._messages:
            self._repairs.add("5.2", payload.id, event.raw)
        message = self._message(payload.id, payload, changes)
        if not payload.status and not isinstance(event, ThreadMessageCreated):
            message.set_status(_last_word(event.event))
        if type(event) in _ENDS_MESSAGE:
            message.fold_ending(payload, changes)
        else:
            message.fold_payload(payload)

    def _message(self, id: str, payload: Message | None, changes: ChangeSink[AssistantChange]) -> GrowingMessage:
        """Find the message that an event is about, or tell of a new one."""
        message = self._messages.get(id)
        if message is None:
            message = self._messages[id] = GrowingMessage(id, self._repairs, payload)
            message.open(changes)
        self._current_message = message
        self._unclosed_messages[message] = None
        return message

    def _fold_step_delta(self, event: ThreadRunStepDelta, changes: ChangeSink[AssistantChange]) -> None:
        delta = event.data.delta
        self._step(event.data.id, None, delta, changes).fold_delta(delta, changes)

    def _fold_step(self, event: _StepEvent, changes: ChangeSink[AssistantChange]) -> None:
        payload = event.data
        if isinstance(event, ThreadRunStepCreated) and payload.id in self._steps:
            self._repairs.add("5.2", payload.id, event.raw)
        step = self._step(payload.id, payload, None, changes)
        if not payload.status and not isinstance(event, ThreadRunStepCreated):
            step.set_status(_last_word(event.event))
        if type(event) in _ENDS_STEP:
            step.fold_ending(payload, changes)
        else:
            step.fold_payload(payload)

    def _step(
        self, id: str, payload: RunStep | None, delta: RunStepDelta | None, changes: ChangeSink[AssistantChange]
    ) -> GrowingRunStep:
        """Find the run step that an event is about, or tell of a new one."""
        step = self._steps.get(id)
        if step is None:
            step = self._steps[id] = GrowingRunStep(id, self._repairs, payload, delta)
            step.open(changes)
        self._current_step = step
        self._calling[step] = self._unclosed_steps[step] = None
        return step

    def _fold_run(self, event: _RunEvent, changes: ChangeSink[AssistantChange]) -> None:
        payload = event.data
        run = self._run
        if run is None or (payload.id and run.held.id != payload.id):
            run = self._run = Payloads(Run(id=payload.id, status="in_progress"))
        run.fold(payload)
        if not payload.status and not isinstance(event, ThreadRunCreated):
            run.merged().status = _last_word(event.event)
        self._required_action = payload.required_action
        self._built_run = None
        ended = False
        if isinstance(event, ThreadRunRequiresAction):
            calling, self._calling = self._calling, {}
            for step in calling:
                step.close_calls(changes)
            ended, self._waiting = not self._waiting, True
        elif type(event) in _ENDS_RUN:
            self._close_all(changes)
            ended, self._ended = not self._ended, True
        if changes is not NOBODY:
            changes.append(RunChanged(_RunSource(self), payload, event.event, ended))

    def _close_all(self, changes: ChangeSink[AssistantChange]) -> None:
        messages, self._unclosed_messages = self._unclosed_messages, {}
        steps, self._unclosed_steps = self._unclosed_steps, {}
        for message in messages:
            message.close(changes)
        for step in steps:
            step.close(changes)


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


_FOLDS: Final[dict[type, Callable[[AssistantAccumulator, Any, ChangeSink[AssistantChange]], None]]] = {
    ThreadCreated: AssistantAccumulator._fold_thread,
    ThreadMessageDelta: AssistantAccumulator._fold_message_delta,
    ThreadRunStepDelta: AssistantAccumulator._fold_step_delta,
    **dict.fromkeys(get_args(_MessageEvent), AssistantAccumulator._fold_message),
    **dict.fromkeys(get_args(_StepEvent), AssistantAccumulator._fold_step),
    **dict.fromkeys(get_args(_RunEvent), AssistantAccumulator._fold_run),
}
"""Event type -> fold: one lookup an event. Control events are not in it."""
