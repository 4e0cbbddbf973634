"""Event handlers: subclass, override what you care about, give it to a stream. The callbacks of Assistants streams.

Driven by the changes that the accumulator returns, through one table from change type to callback; there is no second
reading of the events. A snapshot is built only for callbacks that are overridden.
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from asyncstream.accumulators.assistants.accumulator import AssistantChange
from asyncstream.accumulators.assistants.changes import (
    ImageFileDone,
    MessageChanged,
    MessageCreated,
    MessageDone,
    RunChanged,
    RunStepChanged,
    RunStepCreated,
    RunStepDone,
    TextChanged,
    TextCreated,
    TextDone,
)
from asyncstream.accumulators.changes import ToolCallChanged, ToolCallCreated, ToolCallDone
from asyncstream.errors import APITimeoutError, ConfigurationError
from asyncstream.events.assistants import AssistantStreamEvent, ThreadRunRequiresAction
from asyncstream.events.control import UnknownEvent
from asyncstream.streaming.due_calls import DueCallback
from asyncstream.types.messages import ImageFile, Message, MessageDelta, Text, TextDelta
from asyncstream.types.run_steps import RunStep, RunStepDelta
from asyncstream.types.runs import Run
from asyncstream.types.tool_calls import ToolCall, ToolCallDelta

if TYPE_CHECKING:
    from asyncstream.streaming.assistants import AssistantStream

__all__ = ["AssistantEventHandler", "AsyncAssistantEventHandler"]


class AssistantEventHandler:
    """Base of handlers for Assistants streams. Every callback is `async def` and does nothing unless overridden.

    The fold comes first, so the `current_...` properties and every snapshot include the event; only `..._created`
    snapshots are bare. A handler serves one stream. An exception in a callback ends the stream and propagates.

    Raises:
        TypeError: When a subclass is made: a callback is not an `async def` function.

    Source: https://platform.openai.com/docs/api-reference/assistants-streaming/events
    """

    _stream: "AssistantStream | None" = None
    """Set on the instance by the stream, so that subclasses need no `super().__init__()`."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        for name in CALLBACKS:
            callback = getattr(cls, name)
            if not inspect.iscoroutinefunction(callback):
                raise TypeError(f"{cls.__qualname__}.{name} must be an `async def` function, got {callback!r}")

    @property
    def stream(self) -> "AssistantStream":
        """The stream that calls this handler.

        Raises:
            ConfigurationError: No stream was opened with it yet.
        """
        if self._stream is None:
            raise ConfigurationError("this handler has no stream yet: give it to one as event_handler=")
        return self._stream

    @property
    def current_event(self) -> AssistantStreamEvent | None:
        """The event that was folded last."""
        return self.stream.current_event

    @property
    def current_run(self) -> Run | None:
        """The run as it is now."""
        return self.stream.current_run

    @property
    def current_run_step_snapshot(self) -> RunStep | None:
        """The run step that the last step event was about."""
        return self.stream.current_run_step_snapshot

    @property
    def current_message_snapshot(self) -> Message | None:
        """The message that the last message event was about."""
        return self.stream.current_message_snapshot

    async def on_event(self, event: AssistantStreamEvent) -> None:
        """Take every event, after its fold and before the specific callbacks."""

    async def on_run_step_created(self, run_step: RunStep) -> None:
        """A run step was heard of for the first time."""

    async def on_run_step_delta(self, delta: RunStepDelta, snapshot: RunStep) -> None:
        """A run step grew; comes after the callbacks of its tool calls."""

    async def on_run_step_done(self, run_step: RunStep) -> None:
        """A run step ended, whatever its status."""

    async def on_tool_call_created(self, tool_call: ToolCall) -> None:
        """A tool call opened: it has its id, type and name, as far as the wire gave them."""

    async def on_tool_call_delta(self, delta: ToolCallDelta, snapshot: ToolCall) -> None:
        """A tool call grew."""

    async def on_tool_call_done(self, tool_call: ToolCall) -> None:
        """A tool call is complete."""

    async def on_message_created(self, message: Message) -> None:
        """A message was heard of for the first time."""

    async def on_message_delta(self, delta: MessageDelta, snapshot: Message) -> None:
        """A message grew; comes after the callbacks of its parts."""

    async def on_message_done(self, message: Message) -> None:
        """A message ended, whatever its status."""

    async def on_text_created(self, text: Text) -> None:
        """A text part opened."""

    async def on_text_delta(self, delta: TextDelta, snapshot: Text) -> None:
        """A text part grew; a delta with annotations only has no `value`."""

    async def on_text_done(self, text: Text) -> None:
        """A text part is complete."""

    async def on_image_file_done(self, image_file: ImageFile) -> None:
        """An image file part is complete."""

    async def on_run_requires_action(self, run: Run) -> None:
        """The run waits for tool outputs or approvals; `await self.stream.submit_tool_outputs(...)` goes on with it."""

    async def on_run_done(self, run: Run) -> None:
        """The run ended, whatever its status; comes after all that its end closed."""

    async def on_unknown_event(self, event: UnknownEvent) -> None:
        """Take an event under a name that the protocol does not have; comes after `on_event`."""

    async def on_timeout(self) -> None:
        """A deadline passed; `on_exception` follows."""

    async def on_exception(self, exception: Exception) -> None:
        """The stream failed, or a callback raised; `on_end` follows, and the exception propagates."""

    async def on_end(self) -> None:
        """The stream is over: called exactly once, last, however it ended."""


AsyncAssistantEventHandler = AssistantEventHandler
"""The name that openai-python has for it."""

CALLBACKS = tuple(name for name in vars(AssistantEventHandler) if name.startswith("on_"))
"""The names of the callbacks."""

_Row: TypeAlias = tuple[str, bool]
"""A callback, and whether it is given the delta before the snapshot."""


class AssistantCallbacks:
    """The side of a handler that its stream calls: which of its callbacks are due."""

    _TABLE: ClassVar[dict[type, _Row]] = {
        MessageCreated: ("on_message_created", False),
        MessageChanged: ("on_message_delta", True),
        MessageDone: ("on_message_done", False),
        TextCreated: ("on_text_created", False),
        TextChanged: ("on_text_delta", True),
        TextDone: ("on_text_done", False),
        ImageFileDone: ("on_image_file_done", False),
        RunStepCreated: ("on_run_step_created", False),
        RunStepChanged: ("on_run_step_delta", True),
        RunStepDone: ("on_run_step_done", False),
        ToolCallCreated: ("on_tool_call_created", False),
        ToolCallChanged: ("on_tool_call_delta", True),
        ToolCallDone: ("on_tool_call_done", False),
    }

    def __init__(self, handler: AssistantEventHandler) -> None:
        self._handler = handler
        base = AssistantEventHandler
        self._overridden = {
            name for name in CALLBACKS if getattr(getattr(handler, name), "__func__", None) is not getattr(base, name)
        }
        self._rows = {kind: row for kind, row in self._TABLE.items() if row[0] in self._overridden}

    def for_event(self, event: AssistantStreamEvent, changes: list[AssistantChange]) -> list[DueCallback]:
        """Give the calls for an event: `on_event`, then those of its changes."""
        calls: list[DueCallback] = []
        if "on_event" in self._overridden:
            calls.append(lambda: self._handler.on_event(event))
        if isinstance(event, UnknownEvent) and "on_unknown_event" in self._overridden:
            calls.append(lambda: self._handler.on_unknown_event(event))
        calls += self.for_changes(changes)
        return calls

    def for_changes(self, changes: list[AssistantChange]) -> list[DueCallback]:
        """Give the calls for changes, in their order."""
        calls: list[DueCallback] = []
        for change in changes:
            row = self._rows.get(type(change))
            if row is not None:
                calls.append(_call(getattr(self._handler, row[0]), change, with_delta=row[1]))
            elif isinstance(change, RunChanged) and change.ended:
                waits = change.event == ThreadRunRequiresAction.event
                name = "on_run_requires_action" if waits else "on_run_done"
                calls.append(_call(getattr(self._handler, name), change, with_delta=False))
        return calls

    def for_failure(self, error: Exception) -> list[DueCallback]:
        """Give the calls for an error."""
        failure: DueCallback = lambda: self._handler.on_exception(error)  # noqa: E731  # a named lambda says which it is
        return [self._handler.on_timeout, failure] if isinstance(error, APITimeoutError) else [failure]

    def for_end(self) -> list[DueCallback]:
        """Give the call for the end."""
        return [self._handler.on_end]


def _call(callback: Callable[..., object], change: object, *, with_delta: bool) -> DueCallback:
    # The snapshot is built when the callback is called: it includes what the callbacks before it did.
    if with_delta:
        return lambda: callback(change.delta, change.snapshot)  # type: ignore[attr-defined, return-value]
    return lambda: callback(change.snapshot)  # type: ignore[attr-defined, return-value]
