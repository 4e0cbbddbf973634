"""Runs the calls of one answer: `ToolRunner`. Tasks, threads and deadlines; it knows no protocol and no stream.

It writes into the book (`looping.book`) what begins and how it ends, and makes the changes that say so. Above it:
`tool_loop`, which offers it the calls of an answer that is complete, and waits for what it tells.

Rule 1: a call is written as begun, and that is recorded, before its function is called.
Rule 2: whatever a function does, its call ends: at its deadline, or at the latest when the stream is left. A function
that does not stop then is named in a warning, and kept until it does.
Rule 3: everything runs in tasks of its own, so that cancelling whoever waits for a change cancels no function.

Calls that wait for nothing (no approval, no record, no room, no other call) have a task for their function alone, and
end when that does (`_Running`); what waits is a task besides. The same is written and told of both.
"""

import asyncio
import contextvars
import logging
import threading
import time
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable
from typing import Any, NamedTuple

from asyncstream.errors import ConfigurationError, ParseError, StreamInterruptedError
from asyncstream.looping.book import KeptCall, LoopState, refusal, result_of
from asyncstream.looping.changes import LoopChange, ToolResultChanged, ToolResultCreated, ToolResultDone
from asyncstream.tools.content import Output, output_of
from asyncstream.tools.context import Later, ToolContext, ToolFailed
from asyncstream.tools.rounds import Status, ToolResult
from asyncstream.tools.tool import Tool
from asyncstream.tools.toolset import Tools
from asyncstream.transport.observing import ToolBegan, ToolWatch

__all__ = ["ToolRunner"]

_LOG = logging.getLogger("asyncstream")

_FAILED = "The tool failed."
"""What the model is told of an exception: nothing of it, it may hold secrets."""

_inside: contextvars.ContextVar[tuple[object, ...]] = contextvars.ContextVar("inside", default=())
"""The calls within which this runs: their tasks, or what runs plainly."""

_stragglers: set["asyncio.Future[Any]"] = set()
"""What did not stop when it was told to: kept, so that it can end."""


class ToolRunner:
    """The calls of a stream while they run, answer by answer."""

    def __init__(
        self,
        tools: Tools[Any],
        *,
        external: frozenset[str],
        tell: Callable[[LoopChange], None],
        record: Callable[[], Awaitable[None]],
        watch: ToolWatch,
    ) -> None:
        """Prepare to run calls.

        Args:
            tools: What may be called.
            external: Names that are called and answered elsewhere.
            tell: Is given each change.
            record: Keeps the state, as the user wants it kept.
            watch: Is told of calls that begin and end.
        """
        self._tools = tools
        self._external = external
        self._tell = tell
        self._record = record
        self._watch = watch
        self._state = LoopState()
        self._task: asyncio.Future[None] | None = None
        self._plain: dict[_Running, None] = {}
        # In the order of the calls.
        self._settling: dict[asyncio.Task[None], None] = {}
        # What was called and has not ended: its name, and whether it can be cancelled.
        self._functions: dict[asyncio.Future[Any], tuple[str, bool]] = {}
        self._stopping: set[threading.Event] = set()
        self._over = False

    def run(self, state: LoopState) -> "asyncio.Future[None]":
        """Run what is offered in the book.

        Returns:
            What has ended once each call has its result, or is left open. It raises what a tool raised, if
            `Tools.on_error` is "raise", and what `approve` or `record` did; all other calls are cancelled then.
        """
        self._loop = asyncio.get_running_loop()
        self._state = state
        if self._is_plain():
            self._task = self._loop.create_future()
            self._run_plainly(self._task)
        else:
            self._room = asyncio.Semaphore(self._tools.max_parallel)
            self._task = self._loop.create_task(self._run())
        # It may fail while nobody waits. The next step raises that, so asyncio need not warn that it was never seen.
        self._task.add_done_callback(_notice)
        return self._task

    @property
    def runs_this(self) -> bool:
        """Whether what asks is a tool that runs here, or was called by one."""
        inside = _inside.get()
        return bool(inside) and any(call in self._settling or call in self._plain for call in inside)

    async def close(self) -> None:
        """Cancel what runs and wait until it has stopped, for at most `Tools.grace` seconds.

        A tool that closes the stream which runs it waits for nothing: it would wait for itself.
        """
        inside = self.runs_this
        self.stop()
        if not inside:
            await self._wait()

    def stop(self) -> None:
        """Cancel what runs without waiting, in the event loop in which it runs."""
        if self._task is not None:
            self._task.cancel()
        self._stop_calls()

    def _stop_calls(self) -> None:
        self._over = True
        for running in [*self._plain]:
            function = running.function
            if function is not None and function.done():
                self._finish(running, self._outcome_of(running.call, function))
            else:
                self._finish(running, _CANCELLED)
        for event in self._stopping:
            event.set()
        for task in self._settling:
            task.cancel()
        for function, (_, cancellable) in self._functions.items():
            if cancellable:
                function.cancel()

    def _tasks(self) -> "list[asyncio.Future[Any]]":
        """Return all that runs, also what has been given up at its deadline and has not stopped yet."""
        return [*(() if self._task is None else (self._task,)), *self._settling, *self._functions]

    async def _wait(self) -> None:
        """Wait until nothing runs, for as long as is given; who asks is not waited for."""
        deadline = self._loop.time() + self._tools.grace if self._task is not None else 0.0
        cancelled: asyncio.CancelledError | None = None
        own: set[object] = {asyncio.current_task(), *_inside.get()}
        while pending := {task for task in self._tasks() if not task.done()} - own - _stragglers:
            left = deadline - self._loop.time()
            if left <= 0:
                break
            try:
                await asyncio.wait(pending, timeout=left)
            except asyncio.CancelledError as error:
                cancelled = error
        for function, (name, _) in self._functions.items():
            if function not in own and not function.done() and function not in _stragglers:
                _stragglers.add(function)
                function.add_done_callback(_stragglers.discard)
                warnings.warn(f"the tool {name!r} did not stop when its stream was left", ResourceWarning, stacklevel=2)
        if cancelled is not None:
            raise cancelled

    # Calls that wait for nothing.

    def _is_plain(self) -> bool:
        """Whether all that is offered can be called now, and nothing is to be done when a call has ended."""
        offered = [call for call in self._state.calls if call.standing == "offered"]
        return (
            self._tools.record is None
            and self._tools.on_error == "tell"
            and len(offered) <= self._tools.max_parallel
            and all(map(self._waits_for_nothing, offered))
        )

    def _waits_for_nothing(self, call: KeptCall) -> bool:
        tool = self._tools.by_name.get(call.name)
        return not call.runs_elsewhere and (tool is None or not (tool.approve or tool.sequential))

    def _run_plainly(self, over: "asyncio.Future[None]") -> None:
        for call in self._state.calls:
            # Where tasks are eager, the function of the call before may have closed the stream.
            if call.standing == "offered" and not self._over and (prepared := self._prepare(call)) is not None:
                self._start(call, *prepared)
        if not self._plain and not over.done():
            over.set_result(None)

    def _start(self, call: KeptCall, tool: Tool, arguments: dict[str, Any]) -> None:
        self._state.begin(call.place)
        self._tell(ToolResultCreated(self._result(call)))
        running = _Running(call, tool, self._give_context(call, tool, arguments))
        self._plain[running] = None
        running.function = function = running.context.run(self._enter, running, arguments)
        if running not in self._plain:
            function.cancel()
            return
        seconds = self._tools.timeout_of(tool)
        if seconds is not None:
            running.timer = self._loop.call_later(seconds, self._end_in_time, running, function, seconds)
        function.add_done_callback(partial(self._ended, running))

    def _enter(self, running: "_Running", arguments: dict[str, Any]) -> "asyncio.Task[Any]":
        """Call the function, in the context of the call: a span of an observer's is current there."""
        _inside.set((*_inside.get(), running))
        running.watched = self._watch.began(running.call.name, running.call.id, self._state.round)
        running.began = time.perf_counter()
        return self._begin(running.tool, arguments)

    def _ended(self, running: "_Running", function: "asyncio.Future[Any]") -> None:
        if running in self._plain:
            self._finish(running, self._outcome_of(running.call, function))

    def _end_in_time(self, running: "_Running", function: "asyncio.Future[Any]", seconds: float) -> None:
        if not function.done():
            if not running.tool.threaded:
                function.cancel()
            self._finish(running, _late(seconds))

    def _finish(self, running: "_Running", outcome: "_Outcome") -> None:
        elapsed = time.perf_counter() - running.began
        del self._plain[running]
        if running.timer is not None:
            running.timer.cancel()
        self._end_context(running.stopping)
        self._end(running.call, outcome, elapsed=elapsed, private=running.tool.private)
        running.context.run(self._watch.ended, running.watched, outcome.status, elapsed, outcome.error)
        if not self._plain and self._task is not None and not self._task.done():
            self._task.set_result(None)

    # The calls, in order.

    async def _run(self) -> None:
        try:
            for call in self._state.calls:
                if call.standing != "offered":
                    continue
                tool = self._tools.by_name.get(call.name)
                alone = tool is not None and tool.sequential
                if alone:
                    await self._wait_for_all()
                self._settling[self._loop.create_task(self._settle(call))] = None
                if alone:
                    await self._wait_for_all()
            await self._wait_for_all()
        except BaseException:
            self._stop_calls()
            await self._wait()
            raise

    async def _wait_for_all(self) -> None:
        while self._settling:
            await asyncio.wait(self._settling, return_when=asyncio.FIRST_EXCEPTION)
            done = [task for task in self._settling if task.done()]
            for task in done:
                del self._settling[task]
            failed = [error for task in done if (error := self._failure(task)) is not None]
            for other in failed[1:]:
                failed[0].add_note(f"another tool failed besides: {type(other).__name__}")
            if failed:
                raise failed[0]

    def _failure(self, task: "asyncio.Task[None]") -> BaseException | None:
        if not task.cancelled():
            return task.exception()
        # What is cancelled from here has ended for that; else its call would go back without a result.
        return None if self._over else StreamInterruptedError("`approve` or `record` of the tools was cancelled")

    # One call.

    async def _settle(self, call: KeptCall) -> None:
        try:
            await self._answer(call)
        except Exception:
            # Seen before anything else runs: what waits for the room of this one must not begin.
            self._over = True
            raise

    async def _answer(self, call: KeptCall) -> None:
        _inside.set((*_inside.get(), asyncio.current_task()))
        if call.runs_elsewhere:
            await self._ask_alone(call)
            return
        prepared = self._prepare(call)
        if prepared is None:
            return
        tool, arguments = prepared
        if tool.approve and not call.allowed and not await self._allowed(call):
            return
        async with self._room:
            if not self._over:
                await self._call(call, tool, arguments)

    def _prepare(self, call: KeptCall) -> tuple[Tool, dict[str, Any]] | None:
        """Return what a call runs, and with what; None if it runs nothing here, and the book says so."""
        tool = self._tools.by_name.get(call.name)
        if tool is None:
            if call.name in self._external:
                call.standing = "external"
            else:
                known = ", ".join(self._tools.by_name) or "none"
                words = f"There is no tool {call.name!r}. The tools are: {known}."
                self._end(call, _Outcome("unknown", words))
            return None
        try:
            return tool, tool.arguments(call.shown())
        except ParseError as error:
            self._end(call, _Outcome("invalid", _invalid(call, error), error=error))
            return None

    async def _ask_alone(self, call: KeptCall) -> None:
        """Settle a call that the server runs, and only asks about."""
        if self._tools.approve is None and not call.allowed:
            call.standing = "external"
        elif call.allowed or await self._allowed(call):
            self._end(call, _Outcome("returned", ""))

    async def _allowed(self, call: KeptCall) -> bool:
        assert self._tools.approve is not None  # Tools refuses a tool that asks where nobody is to be asked
        answer = await self._tools.approve(call.shown())
        if isinstance(answer, Later):
            call.standing = "later"
        elif answer is True:
            call.allowed = True
        else:
            self._end(call, _Outcome("refused", refusal(answer)))
        return answer is True

    async def _call(self, call: KeptCall, tool: Tool, arguments: dict[str, Any]) -> None:
        self._state.begin(call.place)
        try:
            await self._record()
        except BaseException:
            call.standing = "offered"
            raise
        self._tell(ToolResultCreated(self._result(call)))
        watched = self._watch.began(call.name, call.id, self._state.round)
        stopping = self._give_context(call, tool, arguments)
        began = time.perf_counter()
        outcome = _CANCELLED
        try:
            outcome = await self._outcome(call, tool, arguments)
        except Exception:
            outcome = _Outcome("failed", _FAILED)
            raise
        finally:
            self._end_context(stopping)
            elapsed = time.perf_counter() - began
            self._end(call, outcome, elapsed=elapsed, private=tool.private)
            self._watch.ended(watched, outcome.status, elapsed, outcome.error)
        await self._record()
        if outcome.status == "failed" and self._raises(outcome.error):
            raised = self._raisable(call, outcome.error)
            raised.add_note(f"raised by the tool {call.name!r} in round {self._state.round}, call {call.place}")
            raise raised

    async def _outcome(self, call: KeptCall, tool: Tool, arguments: dict[str, Any]) -> "_Outcome":
        function = self._begin(tool, arguments)
        seconds = self._tools.timeout_of(tool)
        await asyncio.wait([function], timeout=seconds)
        if not function.done():
            if not tool.threaded:
                function.cancel()
            return _late(seconds or 0.0)
        return self._outcome_of(call, function)

    def _outcome_of(self, call: KeptCall, function: "asyncio.Future[Any]") -> "_Outcome":
        """Return how a function that is done has ended."""
        try:
            value = function.result()
            return _Outcome("returned", output_of(value), value)
        except (Exception, asyncio.CancelledError) as error:
            return _Outcome("failed", self._words(call, error), error=error)

    def _give_context(self, call: KeptCall, tool: Tool, arguments: dict[str, Any]) -> threading.Event | None:
        """Add the context that a function asks for to its arguments; return what tells it to stop."""
        if tool.context is None:
            return None
        stopping = threading.Event()
        self._stopping.add(stopping)
        report = partial(self._report, call)
        arguments[tool.context] = ToolContext(self._tools.deps, call.shown(), stopping, report)
        return stopping

    def _end_context(self, stopping: threading.Event | None) -> None:
        if stopping is not None:
            stopping.set()
            self._stopping.discard(stopping)

    def _begin(self, tool: Tool, arguments: dict[str, Any]) -> "asyncio.Task[Any]":
        called = partial(tool.function, **arguments)
        coroutine = _awaited(_in_thread(self._loop, called)) if tool.threaded else _called(called)
        task = self._loop.create_task(coroutine)
        self._functions[task] = tool.name, not tool.threaded
        task.add_done_callback(self._functions.pop)
        # What it raises after its deadline, or after the stream was left, is for nobody.
        task.add_done_callback(_notice)
        return task

    def _raisable(self, call: KeptCall, error: BaseException | None) -> Exception:
        """Return what leaves the loop; a tool's own cancellation would be taken for one of the reader."""
        if isinstance(error, Exception):
            return error
        cancelled = RuntimeError(f"the tool {call.name!r} was cancelled from within")
        cancelled.__cause__ = error
        return cancelled

    def _raises(self, error: BaseException | None) -> bool:
        return self._tools.on_error == "raise" and not isinstance(error, ToolFailed)

    def _words(self, call: KeptCall, error: BaseException) -> str:
        """Return what the model is told of an exception; nothing of it, unless the tool or the user gave the words."""
        if isinstance(error, ToolFailed):
            return str(error) or _FAILED
        if not self._raises(error):
            # Its arguments and the words of the exception are the user's: a log has only where, and of which class.
            where = ToolFailed(type(error).__name__).with_traceback(error.__traceback__)
            _LOG.error("the tool %s failed in round %d", call.name, self._state.round, exc_info=where)
        if callable(self._tools.on_error) and isinstance(error, Exception):
            words: object = self._tools.on_error(call.shown(), error)
            if not isinstance(words, str):
                raise ConfigurationError(f"expected text from on_error, got {type(words).__name__}")
            return words
        return _FAILED

    # Telling.

    def _end(self, call: KeptCall, outcome: "_Outcome", *, elapsed: float = 0.0, private: bool = False) -> ToolResult:
        self._state.end(call.place, outcome.status, outcome.output, elapsed)
        result = self._result(call, outcome.value, outcome.error)
        self._tell(ToolResultDone(result, private))
        return result

    def _result(self, call: KeptCall, value: object = None, error: BaseException | None = None) -> ToolResult:
        return result_of(self._state.round, call, value=value, error=error)

    def _report(self, call: KeptCall, progress: object) -> None:
        try:
            self._loop.call_soon_threadsafe(self._progressed, call, progress)
        except RuntimeError:
            pass  # the loop is closed: nobody is there to be told

    def _progressed(self, call: KeptCall, progress: object) -> None:
        if call.standing == "began" and not self._over:
            self._tell(ToolResultChanged(self._result(call), progress))


class _Outcome(NamedTuple):
    """How a call ended."""

    status: Status
    output: Output
    value: object = None
    error: BaseException | None = None


_CANCELLED = _Outcome("cancelled", "Was cancelled: it may or may not have run.")


class _Running:
    """A call that runs plainly: without a task but that of its function."""

    __slots__ = ("began", "call", "context", "function", "stopping", "timer", "tool", "watched")

    def __init__(self, call: KeptCall, tool: Tool, stopping: threading.Event | None) -> None:
        self.call = call
        self.tool = tool
        self.stopping = stopping
        self.context = contextvars.copy_context()
        self.timer: asyncio.TimerHandle | None = None
        self.function: asyncio.Future[Any] | None = None
        self.watched: ToolBegan
        self.began: float


def _late(seconds: float) -> _Outcome:
    return _Outcome("timed_out", f"The tool took longer than {seconds:g} s and was stopped.")


async def _called(function: Callable[[], Any]) -> Any:
    value = function()
    return await value if isawaitable(value) else value


async def _awaited(thread: "asyncio.Future[Any]") -> Any:
    value = await thread
    return await value if isawaitable(value) else value


def _in_thread(loop: asyncio.AbstractEventLoop, function: Callable[[], Any]) -> "asyncio.Future[Any]":
    """Call a function in a thread of its own, in a copy of this context; one that never returns keeps no process."""
    future: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            outcome = partial(_resolve, future, context.run(function), None)
        except BaseException as error:
            outcome = partial(_resolve, future, None, error)
        try:
            loop.call_soon_threadsafe(outcome)
        except RuntimeError:
            pass  # the loop is closed: nobody waits

    threading.Thread(target=run, name="asyncstream tool", daemon=True).start()
    return future


def _resolve(future: "asyncio.Future[Any]", value: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    elif isinstance(error, Exception | asyncio.CancelledError) and not isinstance(error, StopIteration):
        future.set_exception(error)
    else:
        # In a task these would end something else than the tool.
        stopped = RuntimeError(f"a tool raised {type(error).__name__}")
        stopped.__cause__ = error
        future.set_exception(stopped)


def _invalid(call: KeptCall, error: ParseError) -> str:
    return f"The arguments do not fit: {error}. They were: {call.arguments[:500]}"


def _notice(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()
