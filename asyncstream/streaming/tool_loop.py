"""What goes on between the answers of a stream that runs its calls: `ToolLoop`. It knows no protocol.

The cursor comes here when an answer is complete, and is given, step by step: the changes of the calls while they run,
`RoundDone`, and, once it has passed that, the request for the next answer; or nothing, and the stream ends. The calls
are run by `tool_runner`, what is offered and sent is made by the column (`looping.<protocol>`).

Rule 1: a call starts when the cursor has passed a complete answer, not before.
Rule 2: the next request is made when the cursor has passed `RoundDone`: the body of the user's loop is the hook.
Rule 3: whatever waits here can be cancelled and goes on; what is awaited of the user's runs in a task, once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from asyncstream.errors import ConfigurationError, MaxRoundsError, StreamInterruptedError, ToolsLostError
from asyncstream.looping.book import UNRUN, UNRUN_CUT, KeptCall, LoopState, refusal, result_of
from asyncstream.looping.changes import LoopChange, RoundDone, Stop, ToolResultDone
from asyncstream.looping.outputs import output_json, outputs_by_id
from asyncstream.streaming.tool_runner import ToolRunner
from asyncstream.tools.next_round import NextRound
from asyncstream.tools.rounds import Round, Status, ToolResult
from asyncstream.tools.toolset import Tools
from asyncstream.transport.observing import ToolWatch
from asyncstream.transport.request import Request

__all__ = ["Answer", "Column", "Following", "ToolLoop"]

A = TypeVar("A")
A_contra = TypeVar("A_contra", contravariant=True)


class Following(NamedTuple, Generic[A]):
    """The request for the next answer, and what makes the accumulator of that, once it is here."""

    request: Request
    begin: Callable[[], A]


class Answer(NamedTuple):
    """What an answer asks for."""

    calls: list[KeptCall]
    history: dict[str, Any]
    """What of the conversation is kept in the book."""
    cut: bool
    """Whether its calls may not be whole."""
    snapshot: Any
    usage: Any


class Column(Protocol[A]):
    """What a protocol says of its answers."""

    def answer(self, sent: Request, accumulator: A) -> Answer:
        """Return what a complete answer asks for."""
        ...

    def next_round(self, sent: Request, state: LoopState) -> NextRound:
        """Return the request for the next answer, given a result of each call."""
        ...

    def following(self, sent: Request, upcoming: NextRound, state: LoopState, accumulator: A) -> Following[A]:
        """Return the request as it is sent.

        Raises:
            ConfigurationError: It was changed so that a server would refuse it.
        """
        ...


class ToolLoop(Generic[A]):
    """The loop of one stream.

    Attributes:
        state: The book of its calls.
        rounds: The answers that are done, and what went back for them.
        stopped: Why it ended; None while it goes on.
    """

    def __init__(
        self,
        tools: Tools[Any],
        column: Column[A],
        *,
        external: frozenset[str],
        resume: LoopState | None,
        watch: ToolWatch,
    ) -> None:
        """Prepare a loop.

        Args:
            tools: What is run.
            column: What the protocol of the stream says of its answers.
            external: Names that are called and answered elsewhere.
            resume: The book of a loop that goes on.
            watch: Is told of calls that begin and end.

        Raises:
            ToolsLostError: Calls had begun, and `Tools.on_lost` is "raise".
            ConfigurationError: The loop that is to go on has come to its end.
        """
        if resume is not None and resume.history and not resume.calls:
            raise ConfigurationError("this loop has come to its end: the last answer of the model calls nothing")
        self.state = LoopState() if resume is None else resume.copy()
        self.rounds: list[Round[Any, Any]] = []
        self.stopped: Stop | None = None
        self._tools = tools
        self._column = column
        self._external_names = external
        # The state of the round before, while the answer that follows it is not complete.
        self._before: LoopState | None = None
        # Two that are written at once might be kept in another order, and the older one would win.
        self._recording = asyncio.Lock()
        self._told: deque[LoopChange] = deque()
        # The results of the answer's calls that have ended here, by place.
        self._done: dict[int, ToolResult] = {}
        self._wake = asyncio.Event()
        self._runner = ToolRunner(tools, external=external, tell=self._tell, record=self._record, watch=watch)
        self._running: asyncio.Future[None] | None = None
        self._answer: Answer | None = None
        self._request_id: str | None = None
        self._round_told = False
        self._upcoming: NextRound | None = None
        self._preparing: asyncio.Task[NextRound] | None = None
        self._wants_stop = False
        lost = self.state.lose()
        if lost and tools.on_lost == "raise":
            names = ", ".join(f"{call.name!r} ({call.id})" for call in lost)
            raise ToolsLostError(
                f"{names} had begun when the loop was interrupted: it may or may not have run",
                calls=lost,
                state=self.kept,
                rounds=self.state.round,
            )

    @property
    def kept(self) -> LoopState:
        """Where the loop is, for whoever keeps it and goes on from there.

        While the next answer is not complete, that is the round before it: all its calls have ended, so going on asks
        for that answer again, and runs nothing.
        """
        return (self._before or self.state).copy()

    @property
    def resumes(self) -> bool:
        """Whether it begins with the calls of an answer that is there, and not with a request."""
        return bool(self.state.calls)

    @property
    def running(self) -> bool:
        """Whether calls run, or a request is prepared."""
        return any(task is not None and not task.done() for task in (self._running, self._preparing))

    @property
    def results(self) -> list[ToolResult]:
        """The results so far, in the order of rounds and places."""
        return [*self.state.ended, *self._results_now()]

    @property
    def next_round(self) -> NextRound:
        """The request to come, while the cursor is at `RoundDone`.

        Raises:
            ConfigurationError: There is none.
        """
        if self._upcoming is None:
            raise ConfigurationError("there is no request to come: look at it at a RoundDone whose `stop` is None")
        return self._upcoming

    def _results_now(self) -> list[ToolResult]:
        """Return the results of the answer's calls that have one, in their order."""
        calls = (call for call in self.state.calls if not call.open)
        return [self._done.get(call.place) or result_of(self.state.round, call) for call in calls]

    def stop(self) -> None:
        """Let this round come to its end, and ask for no other."""
        self._wants_stop = True

    # Step by step.

    async def after(
        self, sent: Request, accumulator: A, request_id: str | None, *, silent: bool
    ) -> "list[LoopChange] | Following[A] | None":
        """Return what comes next after a complete answer. Cancelling it loses nothing.

        Args:
            sent: The request for that answer.
            accumulator: Where the answer was folded.
            request_id: Of its response.
            silent: Whether nobody looks at the changes: they are not handed out.

        Returns:
            Changes to hand out; the next request, once the cursor has passed `RoundDone`; None at the end.

        Raises:
            MaxRoundsError: The model calls tools in the last round that is allowed.
            ConfigurationError: A tool reads the stream that waits for it, or what was changed cannot be sent.
            Exception: What a tool, `approve`, `before_round` or `record` raised.
        """
        if self._runner.runs_this:
            raise ConfigurationError("a tool cannot read the stream that waits for it")
        if self._running is None:
            self._request_id = request_id
            self._begin(sent, accumulator)
        while silent or not self._told:
            assert self._running is not None  # it has just begun
            if not self._running.done():
                self._wake.clear()
                await self._wake.wait()
            elif self._running.cancelled():
                return []  # the stream was closed meanwhile
            elif not self._round_told:
                self._running.result()
                self._end_round(sent)
            elif self._stop_now() is not None:
                self.stopped = self._stop_now()
                return None
            else:
                return await self._go_on(sent, accumulator)
        told = [*self._told]
        self._told.clear()
        return told

    def _begin(self, sent: Request, accumulator: A) -> None:
        if not self.state.calls:
            self._answer = answer = self._column.answer(sent, accumulator)
            self.state.calls = answer.calls
            self.state.history = answer.history
            self._before = None
            if answer.cut:
                self._leave_unrun(UNRUN_CUT)
            elif self.state.round >= self._tools.max_rounds and not all(map(self._is_elsewhere, answer.calls)):
                self._leave_unrun(UNRUN)
                self._keep_round(answer)
                raise MaxRoundsError(
                    f"the model still calls tools in round {self.state.round}, the last one that is allowed",
                    state=self.kept,
                    rounds=self.state.round,
                    partial=accumulator,
                )
        self._running = self._runner.run(self.state)
        self._running.add_done_callback(lambda _: self._wake.set())

    def _is_elsewhere(self, call: KeptCall) -> bool:
        """Tell whether a call is left to whoever reads the stream."""
        if call.runs_elsewhere:
            return self._tools.approve is None
        return call.name in self._external_names and call.name not in self._tools.by_name

    def _leave_unrun(self, words: str) -> None:
        for call in self.state.calls:
            self.state.end(call.place, "unrun", words)
            self._tell(ToolResultDone(result_of(self.state.round, call)))

    def _end_round(self, sent: Request) -> None:
        stop = self._stop_now()
        self._round_told = True
        if stop is None:
            self._upcoming = self._column.next_round(sent, self.state)
        if self._answer is not None:
            self._keep_round(self._answer)
        self._tell(RoundDone(self.state.round, stop))

    def _keep_round(self, answer: Answer) -> None:
        self.rounds.append(
            Round(
                number=self.state.round,
                snapshot=answer.snapshot,
                results=self._results_now(),
                request_id=self._request_id,
                usage=answer.usage,
            )
        )

    def _stop_now(self) -> Stop | None:
        """Return why no other answer follows this one; None if one does."""
        calls = self.state.calls
        standings = {call.standing for call in calls}
        if not calls:
            return "answered"
        if self._answer is not None and self._answer.cut:
            return "cut"
        if "external" in standings:
            return "external"
        if "later" in standings:
            return "later"
        if self._wants_stop:
            return "stopped"
        by_name = self._tools.by_name
        finals = (call.standing == "returned" and call.name in by_name and by_name[call.name].final for call in calls)
        return "final" if any(finals) else None

    async def _go_on(self, sent: Request, accumulator: A) -> Following[A]:
        upcoming = self._upcoming or self._column.next_round(sent, self.state)
        if self._tools.before_round is not None or self._tools.record is not None:
            if self._preparing is None:
                self._preparing = asyncio.get_running_loop().create_task(self._prepare(upcoming))
            await asyncio.wait([self._preparing])
            if self._preparing.cancelled():
                raise StreamInterruptedError("the request that goes on with this stream was cancelled")
            upcoming = self._preparing.result()
        request, begin = self._column.following(sent, upcoming, self.state, accumulator)
        return Following(request, partial(self._begin_round, begin))

    def _begin_round(self, begin: Callable[[], A]) -> A:
        """Go over to the next answer, which has begun: until then, the state has the calls of this one."""
        # Its calls have all ended, and are not written to any more; the list of results grows.
        self._before = msgspec.structs.replace(self.state, ended=[*self.state.ended])
        self.state.next_round(self._results_now())
        self._told.clear()
        self._done.clear()
        self._running = self._answer = self._upcoming = self._preparing = None
        self._round_told = False
        return begin()

    async def _prepare(self, upcoming: NextRound) -> NextRound:
        if self._tools.before_round is not None:
            await self._tools.before_round(upcoming)
        await self._record()
        return upcoming

    async def _record(self) -> None:
        if self._tools.record is not None:
            async with self._recording:
                await self._tools.record(self.state.copy())

    def _tell(self, change: LoopChange) -> None:
        if isinstance(change, ToolResultDone):
            self._done[change.index] = change.snapshot
        self._told.append(change)
        self._wake.set()

    # By hand.

    def submit(self, outputs: Sequence[Mapping[str, object]]) -> None:
        """Take the outputs of calls that are answered elsewhere, while the cursor is at `RoundDone`.

        Args:
            outputs: One for each of these calls: a text, or the whole item that answers it.

        Raises:
            ConfigurationError: No such call is open, one is left out, or an output is not text.
        """
        waiting = self._external(runs_elsewhere=False)
        items = {str(output.get("call_id") or output.get("id")): output for output in outputs if "type" in output}
        texts = [output for output in outputs if "type" not in output]
        found = outputs_by_id(texts, [id for id in waiting if id not in items])
        if unknown := items.keys() - waiting.keys():
            raise ConfigurationError(f"no call {min(unknown)!r} is open")
        for id, item in items.items():
            waiting[id].item = dict(item)
            self._settle(waiting[id], "returned", output_json(item))
        for id, text in found.items():
            self._settle(waiting[id], "returned", text)

    def approve(self, approvals: Mapping[str, bool]) -> None:
        """Take decisions about calls that the server runs, while the cursor is at `RoundDone`.

        Args:
            approvals: For each of these calls, by its id, whether it may run.

        Raises:
            ConfigurationError: No such call waits, or one is left out.
        """
        waiting = self._external(runs_elsewhere=True)
        if wrong := sorted(waiting.keys() ^ approvals.keys()):
            raise ConfigurationError(
                f"each of {', '.join(waiting)} needs a decision, and no other: look at {wrong[0]!r}"
            )
        for id, approved in approvals.items():
            self._settle(waiting[id], "returned" if approved else "refused", "" if approved else refusal(False))

    def _external(self, *, runs_elsewhere: bool) -> dict[str, KeptCall]:
        waiting = {
            call.id: call
            for call in self.state.calls
            if call.standing == "external" and call.runs_elsewhere == runs_elsewhere
        }
        if not waiting or not self._round_told or self.stopped is not None:
            raise ConfigurationError("no call of this stream waits for this: it is asked for at a RoundDone 'external'")
        return waiting

    def _settle(self, call: KeptCall, status: Status, output: str) -> None:
        self.state.end(call.place, status, output)
        self._tell(ToolResultDone(result_of(self.state.round, call)))
        if self._answer is not None:
            self.rounds[-1] = msgspec.structs.replace(self.rounds[-1], results=self._results_now())

    # The end.

    async def close(self) -> None:
        """Cancel what runs, and wait for it, for at most `Tools.grace` seconds."""
        self.halt()
        await self._runner.close()

    def halt(self) -> None:
        """Cancel what runs, without waiting."""
        self._runner.stop()
        if self._preparing is not None:
            self._preparing.cancel()

    def abandon(self) -> None:
        """Cancel what runs, from a finalizer: in any thread, also after the event loop was closed."""
        if self._running is not None and not (loop := self._running.get_loop()).is_closed():
            loop.call_soon_threadsafe(self.halt)
