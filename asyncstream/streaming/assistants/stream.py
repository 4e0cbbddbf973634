"""The stream of an Assistants run, and the handler of its callbacks: `AssistantStream`, `AssistantEventHandler`.

`runs.stream` and its kin return the one and take the other. The cursor is `stream`, which callback is due `handlers`
know; here is what only runs have: the text of all parts, the final objects, and going on with the same stream after
tool outputs.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from asyncstream.accumulators.assistants.accumulator import AssistantAccumulator, AssistantChange
from asyncstream.accumulators.assistants.changes import TextChanged, TextDone
from asyncstream.errors import ConfigurationError
from asyncstream.events.assistants import WIRE, AssistantStreamEvent
from asyncstream.looping.book import LoopState
from asyncstream.looping.outputs import check_outputs
from asyncstream.params.runs import ToolApproval
from asyncstream.params.shared import ToolOutputs
from asyncstream.streaming.assistants.handler import AssistantCallbacks, EventHandler, bind
from asyncstream.streaming.stream import Stream
from asyncstream.streaming.texts import Texts
from asyncstream.streaming.view import View
from asyncstream.tools.rounds import Round
from asyncstream.tools.toolset import Tools
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request
from asyncstream.types.messages import Message
from asyncstream.types.run_steps import RunStep
from asyncstream.types.runs import Run
from asyncstream.types.shared import Usage

if TYPE_CHECKING:
    from asyncstream.streaming.tool_loop import ToolLoop

__all__ = ["AssistantEventHandler", "AssistantStream", "AsyncAssistantEventHandler"]

Resume: TypeAlias = Callable[[str, str, Mapping[str, object]], Request]
"""Makes the request that submits tool outputs or approvals: thread id, run id, body."""


class AssistantStream(Stream[AssistantStreamEvent, AssistantChange, AssistantAccumulator]):
    """The events of one run, folded as they are read; also over several responses, when tool outputs are submitted.

    `async with` opens and closes it. `async for` gives the wire events; `text_deltas` and `changes` are views of the
    same cursor; `get_final_...` read to the end. Any of these may be cancelled and gone on with.

    Source: https://platform.openai.com/docs/api-reference/assistants-streaming
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        *,
        event_handler: "AssistantEventHandler | None" = None,
        resume: Resume,
        run_tools: Tools[Any] | None = None,
        external: frozenset[str] = frozenset(),
        state: LoopState | None = None,
    ) -> None:
        """Make an unopened stream: nothing is sent before `async with` enters it."""
        tool_loop: ToolLoop[AssistantAccumulator] | None = None
        if run_tools is not None:
            from asyncstream.streaming.assistants.loop import assistant_loop  # most streams run no tools

            tool_loop = assistant_loop(run_tools, resume, external=external, resume=state, watch=transport.tool_watch())
        super().__init__(
            transport,
            request,
            wire=WIRE,
            accumulator=AssistantAccumulator(),
            callbacks=None if event_handler is None else AssistantCallbacks(event_handler),
            result=attrgetter("run"),
            usage="async with client.threads.runs.stream(...) as stream:",
            tool_loop=tool_loop,
        )
        self._resume = resume
        self._handler = event_handler

    async def open(self) -> "AssistantStream":
        """Send the request. `async with` does it.

        Raises:
            ConfigurationError: It was opened before, or its handler serves another stream.
            APIError: The request failed; nothing was streamed.
        """
        if self._handler is not None:
            bind(self._handler, self)
        return await super().open()

    @property
    def handler(self) -> "AssistantEventHandler | None":
        """The event handler, if one was given."""
        return self._handler

    @property
    def current_run(self) -> Run | None:
        """The run as it is now; None before its first event."""
        return self.accumulator.run

    @property
    def current_message_snapshot(self) -> Message | None:
        """The message that the last message event was about; None before the first."""
        return self.accumulator.current_message

    @property
    def current_run_step_snapshot(self) -> RunStep | None:
        """The run step that the last step event was about; None before the first."""
        return self.accumulator.current_run_step

    @property
    def text_deltas(self) -> View[AssistantChange, str]:
        """The text of every part as it arrives. Half a surrogate pair is held back until its partner comes."""
        return self.view(
            "text_deltas",
            lambda: Texts(
                TextChanged, TextDone, piece=attrgetter("delta.value"), part=attrgetter("message_id", "index")
            ),
        )

    @property
    def rounds(self) -> list[Round[Run, Usage]]:
        """The answers that are done with, and what went back for their calls. For streams that run tools."""
        return self.tool_loop.rounds

    @property
    def usage(self) -> Usage | None:
        """The tokens of all rounds together, of those that told any; None if none did. For streams that run tools."""
        from asyncstream.looping.usage import summed

        return summed(round.usage for round in self.tool_loop.rounds)

    async def get_final_run(self) -> Run:
        """Read to the end and return the run: its `status` says how it ended, or that it waits for outputs.

        Raises:
            StreamError: The stream did not come to a complete end; `partial` is what arrived.
        """
        await self.until_done()
        run = self.accumulator.run
        assert run is not None  # a terminal run event is what a complete end is
        return run

    async def get_final_run_steps(self) -> list[RunStep]:
        """Read to the end and return the run steps, first seen first; empty if there were none.

        Raises:
            StreamError: The stream did not come to a complete end; `partial` is what arrived.
        """
        await self.until_done()
        return self.accumulator.run_steps

    async def get_final_messages(self) -> list[Message]:
        """Read to the end and return the messages, first seen first; empty if there were none.

        Raises:
            StreamError: The stream did not come to a complete end; `partial` is what arrived.
        """
        await self.until_done()
        return self.accumulator.messages

    async def submit_tool_outputs(self, tool_outputs: ToolOutputs) -> None:
        """Submit the outputs of the tool calls that the run waits for, and go on with this same stream.

        Call it in the loop body or in a callback, at `thread.run.requires_action`. What is left of the first answer is
        read to its end, then the outputs are sent; the same iterator, handler and accumulator go on with the events
        of the second answer, and `request_id`, `headers` and `status` are its.

        Args:
            tool_outputs: One for each call in `run.pending_tool_calls`.

        Raises:
            ConfigurationError: The run does not wait, the stream has ended, another task is waiting in it, or an output
                is not text.
            APIError: The request failed; the stream has ended with this error.

        Source: https://platform.openai.com/docs/api-reference/runs/submitToolOutputs
        """
        if self.runs_tools:
            self.tool_loop.submit(tool_outputs)
            return
        outputs = list(tool_outputs)
        check_outputs(outputs)
        await self._submit({"tool_outputs": outputs, "stream": True})

    async def submit_tool_approvals(self, tool_approvals: Sequence[ToolApproval]) -> None:
        """Approve or refuse the tool calls that an Azure run waits for, and go on with this same stream.

        As `submit_tool_outputs`, at a run whose `required_action.type` is `submit_tool_approval`.

        Args:
            tool_approvals: One for each call in `run.required_action.submit_tool_approval.tool_calls`.

        Raises:
            ConfigurationError: The run does not wait, the stream has ended, or another task is waiting in it.
            APIError: The request failed; the stream has ended with this error.
        """
        if self.runs_tools:
            self.tool_loop.approve({approval["tool_call_id"]: approval["approve"] for approval in tool_approvals})
            return
        await self._submit({"tool_approvals": list(tool_approvals), "stream": True})

    async def _submit(self, body: Mapping[str, object]) -> None:
        run = self.accumulator.run
        if self.over:
            raise ConfigurationError("this stream has ended: submit with threads.runs.submit_tool_outputs_stream(...)")
        if run is None or not self.accumulator.waiting:
            status = "has not begun" if run is None else f"is {run.status!r}"
            raise ConfigurationError(f"only a run that requires action takes tool outputs, this one {status}")
        request = self._resume(run.thread_id, run.id, body)
        await self.continue_with(lambda _: (request, partial(_resumed, self.accumulator)))


def _resumed(accumulator: AssistantAccumulator) -> AssistantAccumulator:
    """Return the same accumulator: it folds the whole run, over all its answers."""
    accumulator.resume()
    return accumulator


class AssistantEventHandler(EventHandler[AssistantStream]):
    """Base of handlers for Assistants streams. Every callback is `async def` and does nothing unless overridden.

    The fold comes first, so the `current_...` properties and every snapshot include the event; only `..._created`
    snapshots are bare. A handler serves one stream. An exception in a callback ends the stream and propagates.

    Raises:
        TypeError: When a subclass is made: a callback is not an `async def` function.

    Source: https://platform.openai.com/docs/api-reference/assistants-streaming/events
    """


AsyncAssistantEventHandler = AssistantEventHandler
"""The name that openai-python has for it."""
