"""The callbacks of Assistants streams: `EventHandler`, which has them all, and which of them are due.

The stream stands above this module and knows it: so a handler learns of its stream by `bind` only, and the class that
users subclass, `AssistantEventHandler`, stands beside the stream. Driven by the changes that the accumulator returns,
through one table from change type to callback; there is no second reading of the events. A snapshot is built only for
callbacks that are overridden.
"""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

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
from asyncstream.looping.changes import RoundDone, ToolResultChanged, ToolResultCreated, ToolResultDone
from asyncstream.streaming.due_calls import DueCallback
from asyncstream.tools.rounds import ToolResult
from asyncstream.types.messages import ImageFile, Message, MessageDelta, Text, TextDelta
from asyncstream.types.run_steps import RunStep, RunStepDelta
from asyncstream.types.runs import Run
from asyncstream.types.tool_calls import ToolCall, ToolCallDelta

__all__ = ["AssistantCallbacks", "CurrentObjects", "EventHandler", "bind"]


class CurrentObjects(Protocol):
    """What a stream shows its handler."""

    @property
    def current_event(self) -> AssistantStreamEvent | None:
        """The event that was folded last."""
        ...

    @property
    def current_run(self) -> Run | None:
        """The run as it is now."""
        ...

    @property
    def current_run_step_snapshot(self) -> RunStep | None:
        """The run step that the last step event was about."""
        ...

    @property
    def current_message_snapshot(self) -> Message | None:
        """The message that the last message event was about."""
        ...


S = TypeVar("S", bound=CurrentObjects)


class EventHandler(Generic[S]):
    """All callbacks, each of which does nothing, and the stream that calls them."""

    _stream: S | None = None
    """Set on the instance by `bind`, so that subclasses need no `super().__init__()`."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        for name in CALLBACKS:
            callback = getattr(cls, name)
            if not inspect.iscoroutinefunction(callback):
                raise TypeError(f"{cls.__qualname__}.{name} must be an `async def` function, got {callback!r}")

    @property
    def stream(self) -> S:
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

    async def on_tool_result_created(self, result: ToolResult) -> None:
        """A call began to run, in a stream with `run_tools`."""

    async def on_tool_result_delta(self, progress: object, result: ToolResult) -> None:
        """A tool told how far it is."""

    async def on_tool_result_done(self, result: ToolResult) -> None:
        """A call has its result."""

    async def on_round_done(self, round: RoundDone) -> None:
        """An answer has its results; the next request is sent once this has returned."""

    async def on_timeout(self) -> None:
        """A deadline passed; `on_exception` follows."""

    async def on_exception(self, exception: Exception) -> None:
        """The stream failed, or a callback raised; `on_end` follows, and the exception propagates."""

    async def on_end(self) -> None:
        """The stream is over: called exactly once, last, however it ended."""


def bind(handler: EventHandler[S], stream: S) -> None:
    """Give a handler the stream that it serves from now on.

    Raises:
        ConfigurationError: It serves another one.
    """
    if handler._stream not in (None, stream):
        raise ConfigurationError("an event handler serves one stream: make a new one for each stream")
    handler._stream = stream


CALLBACKS = tuple(name for name in vars(EventHandler) if name.startswith("on_"))
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
        ToolResultCreated: ("on_tool_result_created", False),
        ToolResultChanged: ("on_tool_result_delta", True),
        ToolResultDone: ("on_tool_result_done", False),
    }

    def __init__(self, handler: EventHandler[Any]) -> None:
        self._handler = handler
        base = EventHandler
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
            elif isinstance(change, RoundDone):
                if "on_round_done" in self._overridden:
                    calls.append(partial(self._handler.on_round_done, change))
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
