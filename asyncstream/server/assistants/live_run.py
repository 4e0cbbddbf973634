"""One run being driven: a task a segment turns a scripted turn into events and keeps the run's record true.

Rule 1: every change of a run's status stands in this file.

    queued -> in_progress -> requires_action -> queued -> in_progress -> completed | failed | incomplete | expired
    queued | in_progress | requires_action -> cancelling -> cancelled        (and requires_action -> expired)

A run goes on whether anybody reads its stream or not. `output` makes its messages and steps, `streams` carries the
frames, `engine` keeps the runs. Checking requests is the nouns' business; what the state forbids is refused here.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, assert_never

import msgspec

from asyncstream.server.actions import (
    Action,
    CallCustom,
    CallFunction,
    CallMCP,
    Cut,
    DrawImage,
    EmitRaw,
    EndStep,
    ErrorEvent,
    Expire,
    Fail,
    Incomplete,
    Pause,
    Refuse,
    RequestApproval,
    RunCode,
    Say,
    SearchFiles,
    SearchWeb,
    Segment,
    ShowImage,
    Think,
    ToolResult,
)
from asyncstream.server.assistants.objects import shown_step
from asyncstream.server.assistants.output import Output
from asyncstream.server.problems import WireError
from asyncstream.server.scenario import Scenario
from asyncstream.server.state import RunRecord, ThreadRecord, Wire, now
from asyncstream.server.streams import StreamBody
from asyncstream.sse import encode

__all__ = ["LiveRun", "Spawn"]

Spawn: TypeAlias = Callable[[Callable[[], Awaitable[None]]], asyncio.Task[None]]

_CANCELLABLE = ("queued", "in_progress", "requires_action")


class LiveRun:
    """One unfinished run: its task, its timer, and the stream of its present segment."""

    def __init__(
        self,
        thread: ThreadRecord,
        record: RunRecord,
        *,
        scenario: Scenario,
        spawn: Spawn,
        on_over: Callable[[str], None],
    ) -> None:
        self._thread = thread
        self._record = record
        self._scenario = scenario
        self._spawn = spawn
        self._on_over = on_over
        self._output = Output(thread, record, self._emit)
        self._rest: deque[Action] = deque()
        self._body: StreamBody | None = None
        self._with_contents = False
        self._over = False
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(scenario.run_lifetime, self._expire)

    # -- what requests do: at once, without waiting; the task emits what follows --

    def begin(self, body: StreamBody | None, *, with_contents: bool = False, new_thread: bool = False) -> None:
        """Start the first segment.

        Args:
            body: The stream to fill with the segment's events.
            with_contents: Whether file search results show their text.
            new_thread: Whether the stream begins with ``thread.created``.
        """

        async def first() -> None:
            if new_thread:
                await self._emit("thread.created", self._thread.wire)
            await self._emit("thread.run.created", self._record.wire)
            await self._proceed()

        self._body, self._with_contents = body, with_contents
        self._drive(first)

    def submit(self, outputs: Mapping[str, str], body: StreamBody | None, *, with_contents: bool = False) -> None:
        """Take the outputs of all function calls, complete their step and start the next segment.

        Raises:
            WireError: 400 if the run does not wait for outputs, or for others.
        """
        self._expect("submit_tool_outputs", outputs)
        for call in self._output.calls:
            function = call["function"]
            function["output"] = outputs[call["id"]]
            self._output.results.append(ToolResult(function["name"], function["arguments"], function["output"]))
        self._resume(body, with_contents)

    def approve(self, approvals: Mapping[str, bool], body: StreamBody | None, *, with_contents: bool = False) -> None:
        """Take the answers to all requested approvals and start the next segment.

        Raises:
            WireError: 400 if the run does not wait for approvals, or for others.
        """
        self._expect("submit_tool_approval", approvals)
        for call in self._output.calls:
            if approvals[call["id"]]:
                call["output"] = self._output.approved_outputs[call["id"]]
                self._output.results.append(ToolResult(call["name"], call["arguments"], call["output"]))
        self._resume(body, with_contents)

    def cancel(self) -> None:
        """Begin to cancel.

        Raises:
            WireError: 400 if that has begun already.
        """
        wire = self._record.wire
        if wire["status"] not in _CANCELLABLE:
            raise WireError(400, f"A run with status '{wire['status']}' cannot be cancelled.")

        async def cancelled() -> None:
            await asyncio.sleep(self._scenario.delay)
            await self._output.break_off("cancelled")
            self._finish("cancelled", cancelled_at=now())

        wire.update(status="cancelling", required_action=None)
        self._publish("thread.run.cancelling", wire)
        self._drive(cancelled)

    def forget(self) -> None:
        """Stop at once, leaving the record as it is; a stream just ends."""
        self._close()
        if self._task is not None:
            self._task.cancel()
        if self._body is not None:
            self._body.end()

    # -- segments --

    async def _proceed(self) -> None:
        wire = self._record.wire
        await self._emit("thread.run.queued", wire)
        wire.update(status="in_progress", started_at=now())
        await self._emit("thread.run.in_progress", wire)
        if not self._rest:
            self._rest.extend(self._scenario.next_turn(self._segment()).actions)
        while self._rest and self._fits(self._rest[0]):
            await self._act(self._rest.popleft())
            if self._over:
                return
        if self._output.waits_for is not None:
            self._require_action()
        else:
            await self._output.complete()
            self._finish("completed", completed_at=now())

    def _segment(self) -> Segment:
        questions = [text for role, text in self._thread.texts() if role == "user"]
        wire = self._record.wire
        return Segment(questions[-1] if questions else "", wire["tools"], tuple(self._output.results), dict(wire))

    def _fits(self, action: Action) -> bool:
        """Whether an action may come now: behind calls that wait, only more of their kind, and controls."""
        match action:
            case Pause() | EmitRaw() | Cut() | ErrorEvent():
                return True
            case CallFunction():
                return self._output.waits_for in (None, "function")
            case RequestApproval():
                return self._output.waits_for in (None, "mcp")
            case _:
                return self._output.waits_for is None

    async def _act(self, action: Action) -> None:
        match action:
            case Say():
                await self._output.say(action)
            case Think() | SearchWeb():
                pass
            case Refuse():
                await self._output.refuse(action)
            case ShowImage():
                await self._output.show_image(action)
            case RunCode():
                await self._output.run_code(action)
            case SearchFiles():
                await self._output.search_files(action)
            case CallFunction():
                await self._output.call_function(action)
            case CallCustom():
                raise ValueError("a run has no custom tools: CallCustom is for chat and Responses")
            case DrawImage() | CallMCP():
                raise ValueError(f"a run knows no {type(action).__name__}: it is for Responses")
            case RequestApproval():
                await self._output.request_approval(action)
            case EndStep():
                await self._output.complete()
            case Pause():
                await asyncio.sleep(action.seconds)
            case EmitRaw():
                if self._body is not None:
                    self._body.put(action.data)
            case Cut():
                if self._body is not None:
                    self._body.cut(action)
            case ErrorEvent():
                await self._send_error(action)
            case Fail():
                await self._fail(action.code, action.message)
            case Incomplete():
                await self._output.cut_message("max_tokens" if action.reason.startswith("max_") else action.reason)
                await self._output.complete()
                self._finish("incomplete", incomplete_details={"reason": action.reason})
            case Expire():
                await self._expired()
            case _:
                assert_never(action)

    async def _send_error(self, action: ErrorEvent) -> None:
        error = {"message": action.message, "type": action.type, "param": action.param, "code": action.code}
        self._publish("error", {"error": error} if action.nested else error)
        if self._body is not None:
            self._body.end()
        await self._fail(str(action.code or "server_error"), action.message)

    async def _fail(self, code: str, message: str) -> None:
        error = {"code": code, "message": message}
        await self._output.break_off("failed", error)
        self._finish("failed", failed_at=now(), last_error=error)

    def _expire(self) -> None:
        """Called by the timer when the run's lifetime is over."""
        if self._record.wire["status"] in _CANCELLABLE:
            self._drive(self._expired)

    async def _expired(self) -> None:
        await self._output.break_off("expired")
        self._finish("expired")

    def _require_action(self) -> None:
        if self._output.waits_for == "function":
            kind = "submit_tool_outputs"
            keys = ("name", "arguments")
            calls = [
                {"id": call["id"], "type": "function", "function": {key: call["function"][key] for key in keys}}
                for call in self._output.calls
            ]
        else:
            kind = "submit_tool_approval"
            calls = [dict(call) for call in self._output.calls]
        wire = self._record.wire
        wire.update(status="requires_action", required_action={"type": kind, kind: {"tool_calls": calls}})
        self._publish("thread.run.requires_action", wire)
        self._end_stream()

    def _expect(self, kind: str, answers: Mapping[str, object]) -> None:
        wire = self._record.wire
        if wire["status"] != "requires_action":
            raise WireError(400, f"A run with status '{wire['status']}' does not wait for tool outputs.")
        if wire["required_action"]["type"] != kind:
            raise WireError(400, f"The run waits for '{wire['required_action']['type']}', not for '{kind}'.")
        expected = [call["id"] for call in self._output.calls]
        if set(answers) != set(expected):
            raise WireError(400, f"The run waits for the calls {expected}, but got {list(answers)}.")

    def _resume(self, body: StreamBody | None, with_contents: bool) -> None:
        step = self._output.complete_step()

        async def resumed() -> None:
            if step is not None:
                await self._emit("thread.run.step.completed", step)
            await self._proceed()

        self._record.wire.update(status="queued", required_action=None)
        self._body, self._with_contents = body, with_contents
        self._drive(resumed)

    def _finish(self, status: str, **changes: object) -> None:
        self._close()
        wire = self._record.wire
        wire.update(changes, status=status, required_action=None, expires_at=None, usage=self._output.usage)
        self._publish(f"thread.run.{status}", wire)
        self._end_stream()

    # -- the task and the stream --

    def _drive(self, act: Callable[[], Awaitable[None]]) -> None:
        """Make `act` the run's task; the one before is cancelled, and has ended when `act` begins."""
        before = self._task

        async def guarded() -> None:
            if before is not None:
                await asyncio.wait([before])
            try:
                await act()
            except Exception as error:
                if self._over:
                    raise
                # The user's `answer` function, mostly. A run that failed says so; a dead task would say nothing.
                await self._fail("server_error", f"the scenario raised {error!r}")

        if before is not None:
            before.cancel()
        self._task = self._spawn(guarded)

    def _close(self) -> None:
        self._over = True
        self._timer.cancel()
        self._on_over(self._record.wire["id"])

    async def _emit(self, event: str, data: Wire) -> None:
        self._publish(event, data)
        await asyncio.sleep(self._scenario.delay)

    def _publish(self, event: str, data: Wire) -> None:
        if self._body is not None and not self._body.ended:
            if data.get("object") == "thread.run.step":
                data = shown_step(data, with_contents=self._with_contents)
            self._body.put(encode(msgspec.json.encode(data), event=event), event)

    def _end_stream(self) -> None:
        if self._body is not None:
            if self._scenario.done:
                self._body.put(encode("[DONE]", event="done"), "done")
            self._body.end()
