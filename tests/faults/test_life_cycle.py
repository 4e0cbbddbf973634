"""The life of a stream, in any order: what a user, a server and the network can do to it, chosen by Hypothesis.

A machine holds both ends: a raw server that says what a rule says, and a client with one stream. Nothing sleeps: after
each thing that the server does, the loop turns until it has come in. Whatever happened, in the end no task, socket or
connection is left, `on_end` was called once, and no event and no callback was lost or came twice.
"""

import asyncio
import gc
import warnings
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest
from assistants_wire import DONE, HELLO, STREAM_HEAD, WAITS, chunk, frame, text
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from raw_server import Exchange, RawServer, raw_server, response
from recording import Recorder
from stepping import settled, turns

from asyncstream import (
    AssistantAccumulator,
    AssistantStream,
    AsyncClient,
    BadRequestError,
    ConfigurationError,
    StreamError,
    StreamEventError,
    StreamInterruptedError,
)
from asyncstream.events import decode_stream
from asyncstream.streaming.assistants.handler import AssistantCallbacks
from asyncstream.transport.live import LiveResponse

T = TypeVar("T")

OUTPUTS: list[Any] = [{"tool_call_id": "call_1", "output": "1"}]

LAST = {"on_exception", "on_timeout", "on_end"}
"""The callbacks that no event brings."""


class Faulty(Recorder):
    """A handler whose next callback raises or hangs, if the machine says so."""

    def __init__(self) -> None:
        super().__init__()
        self.next = ""
        self.hanging = False

    async def during(self, name: str) -> None:
        if name in LAST:
            await turns(1)
            return
        doing, self.next = self.next, ""
        if doing == "raise":
            raise KeyError(name)
        if doing == "hang":
            self.hanging = True
            await asyncio.get_running_loop().create_future()
        await turns(1)


class LifeCycle(RuleBasedStateMachine):
    """A server, a client, a stream; and what should have come of it so far."""

    stream: AssistantStream | None
    server: RawServer
    client: AsyncClient

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.exchanges: asyncio.Queue[Exchange] = asyncio.Queue()
        self.exchange: Exchange | None = None
        self.pending: Exchange | None = None
        """A submission that the server has not answered, and that nobody may be waiting for."""
        self.finished: dict[int, asyncio.Event] = {}
        self.stream = None
        self.handler: Faulty | None = None
        self.entered = self.dropped = self.raising = False
        self.sent: list[bytes] = []
        """The frames of events that the server has sent whole."""
        self.seen: list[Any] = []
        self.half = b""
        self.bytes_sent = self.steps = self.fatal_from = 0
        self.evidence = False
        self.end = ""
        """How the server has ended its answer."""
        self.over: tuple[type[BaseException], ...] = ()
        """What reading on must raise, once the stream is over."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @initialize(with_handler=st.booleans(), opened=st.integers(0, 5), fatal_from=st.integers(0, 25))
    def begin(self, with_handler: bool, opened: int, fatal_from: int) -> None:
        self.fatal_from = fatal_from

        async def begin() -> None:
            self.server = await self.stack.enter_async_context(raw_server(self.converse))
            self.client = AsyncClient(api_key="k", base_url=self.server.url, max_retries=0)
            if with_handler:
                self.handler = Faulty()
            self.stream = self.client.threads.runs.stream("t", assistant_id="a", event_handler=self.handler)

        self.run(begin())
        if opened:
            self.open("ok", 0)

    @invariant()
    def count_steps(self) -> None:
        self.steps += 1

    def may_be_fatal(self) -> bool:
        """Tell whether it is time for what ends the stream; most lives are longer than that."""
        return self.steps >= self.fatal_from

    # The server.

    async def converse(self, exchange: Exchange) -> None:
        finished = self.finished[exchange.number] = asyncio.Event()
        self.exchanges.put_nowait(exchange)
        waits = [asyncio.ensure_future(finished.wait()), asyncio.ensure_future(exchange.gone())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def live(self) -> LiveResponse | None:
        """Return the response that the server writes to."""
        if self.stream is None:
            return None
        opening = self.stream._cursor._opening
        return self.stream._cursor.live if opening is None else opening._task.result()

    async def deliver(self, data: bytes) -> None:
        """Send a part of the body, and let it come in."""
        assert self.exchange is not None
        self.exchange.writer.write(chunk(data))
        self.bytes_sent += len(data)
        live = self.live()
        if live is not None:
            content = live._response.content
            while content.total_bytes < self.bytes_sent and not live.closed:
                await turns(1)

    async def release(self) -> None:
        """Let the server read the next request of this connection."""
        assert self.exchange is not None
        self.finished[self.exchange.number].set()
        await turns(3)

    def streaming(self) -> bool:
        return self.exchange is not None and not self.end and not self.exchange.writer.is_closing()

    def unread(self) -> int:
        return len(self.sent) - len(self.seen)

    @precondition(lambda self: self.streaming() and not self.evidence)
    @rule(kind=st.sampled_from(["text", "text", "unknown", "step", "comment"]), whole=st.booleans())
    def server_sends(self, kind: str, whole: bool) -> None:
        data = {
            "text": text(str(len(self.sent))),
            "unknown": frame("thread.odd", number=len(self.sent)),
            "step": WAITS[2],
            "comment": b": still here\n\n",
        }[kind]
        self.run(self.send(data, whole=whole, is_event=kind != "comment"))

    @precondition(lambda self: self.streaming() and not self.evidence)
    @rule(waits=st.booleans())
    def server_sends_evidence(self, waits: bool) -> None:
        self.run(self.send(WAITS[-1] if waits else HELLO[-1]))
        self.evidence = True

    async def send(self, data: bytes, *, whole: bool = True, is_event: bool = True) -> None:
        rest, self.half = self.half, b""
        if rest:
            await self.deliver(rest)
            self.sent.append(self.halved)
        if whole or not is_event:
            await self.deliver(data)
            if is_event:
                self.sent.append(data)
        else:
            self.half, self.halved = data[len(data) // 2 :], data
            await self.deliver(data[: len(data) // 2])

    @precondition(lambda self: self.streaming() and (self.evidence or self.may_be_fatal()))
    @rule(how=st.sampled_from(["done", "end", "fin", "rst", "error"]))
    def server_ends(self, how: str) -> None:
        async def end() -> None:
            assert self.exchange is not None
            if how in ("done", "error"):
                last = DONE if how == "done" else frame("error", message="boom")
                await self.send(last, is_event=False)
            await self.release()
            if self.exchange.writer.is_closing():
                # The client has closed, and meanwhile the server has seen it.
                pass
            elif how == "fin":
                self.exchange.fin()
            elif how == "rst":
                self.exchange.rst()
            else:
                self.exchange.writer.write(b"0\r\n\r\n")
            live = self.live()
            while live is not None and not live.ended:
                await turns(1)

        self.run(end())
        self.end = how

    # The user.

    @precondition(lambda self: self.stream is not None and not self.entered and not self.over)
    @rule(how=st.sampled_from(["ok", "ok", "ok", "refused", "cancelled"]), after=st.integers(0, 6))
    def open(self, how: str, after: int) -> None:
        assert self.stream is not None
        self.entered = True
        opening = self.run(self.begun(self.stream.open()))
        if how == "cancelled" and self.run(self.cancelled(opening, after)):
            self.over = (StreamInterruptedError,)
            return
        self.exchange = self.run(self.exchanges.get())
        if how == "refused":
            self.exchange.writer.write(response(400, b'{"error": {"message": "no"}}'))
            self.over = (BadRequestError,)
            with pytest.raises(BadRequestError):
                self.run(self.result(opening))
            self.run(self.release())
            self.exchange = None
            return
        self.exchange.writer.write(STREAM_HEAD)
        self.run(self.result(opening))
        self.run(self.send(HELLO[0]))

    async def begun(self, coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        self.raising = self.handler is not None and self.handler.next == "raise"
        return asyncio.ensure_future(coroutine)

    @staticmethod
    async def cancelled(task: "asyncio.Task[Any]", after: int) -> bool:
        """Let a task run for some turns, then cancel it; whether it was."""
        await turns(after)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    @staticmethod
    async def result(task: "asyncio.Task[T]") -> T:
        return await task

    def reading(self) -> bool:
        """Tell whether reading on needs nothing from the server."""
        return self.stream is not None and bool(self.unread() or self.over or (self.end and self.pending is None))

    @precondition(reading)
    @rule()
    def read(self) -> None:
        assert self.stream is not None
        task = self.run(self.begun(self.stream.__anext__()))
        self.take(task)

    def take(self, task: "asyncio.Task[Any]") -> None:
        """Await what reads on, and compare."""

        async def outcome() -> None:
            while not task.done():
                if self.handler is not None and self.handler.hanging:
                    self.handler.hanging = False
                    task.cancel()
                await asyncio.sleep(0)

        self.run(outcome())
        if task.cancelled():
            return
        error = task.exception()
        if self.raising and self.handler is not None and not self.handler.next:
            assert isinstance(error, KeyError)
            self.over = (KeyError,)
        elif self.over:
            assert isinstance(error, self.over), (error, self.over)
        elif self.unread():
            assert error is None, error
            self.seen.append(task.result())
        else:
            self.over = self.ends_with()
            assert isinstance(error, self.over), (error, self.over)

    def ends_with(self) -> tuple[type[BaseException], ...]:
        if self.end == "error":
            return (StreamEventError,)
        return (StopAsyncIteration,) if self.evidence else (StreamError,)

    @precondition(lambda self: self.stream is not None and (self.entered or self.over))
    @rule(after=st.integers(0, 6))
    def read_cancelled(self, after: int) -> None:
        assert self.stream is not None
        task = self.run(self.begun(self.stream.__anext__()))
        if not self.run(self.cancelled(task, after)):
            self.take(task)
        else:
            self.cancelled_in_a_callback()

    def cancelled_in_a_callback(self) -> None:
        """Note that nobody hangs any more; and that one has raised, if the wait was for those of the end after it."""
        if self.handler is not None:
            self.handler.hanging = False
            if self.raising and not self.handler.next and not self.over:
                self.over = (KeyError,)

    @precondition(lambda self: self.stream is not None and (self.entered or self.over))
    @rule()
    def read_until_a_deadline_that_has_passed(self) -> None:
        async def read() -> Any:
            assert self.stream is not None
            async with asyncio.timeout(0):
                return await anext(self.stream)

        task = self.run(self.begun(read()))
        self.run(asyncio.wait([task]))  # type: ignore[arg-type]  # `wait` is a coroutine function
        if type(task.exception()) is not TimeoutError:
            self.take(task)
        else:
            self.cancelled_in_a_callback()

    @precondition(lambda self: self.entered and self.stream is not None and self.streaming() and not self.over)
    @precondition(lambda self: not self.unread() and not self.evidence)
    @rule()
    def read_what_comes_meanwhile(self) -> None:
        assert self.stream is not None
        task = self.run(self.begun(self.stream.__anext__()))
        self.run(turns(3))
        assert not task.done()
        self.run(self.send(text(str(len(self.sent)))))
        self.take(task)

    @precondition(lambda self: self.handler is not None)
    @rule()
    def next_callback_hangs(self) -> None:
        assert self.handler is not None
        self.handler.next = "hang"

    @precondition(lambda self: self.handler is not None and self.may_be_fatal())
    @rule()
    def next_callback_raises(self) -> None:
        assert self.handler is not None
        self.handler.next = "raise"

    @precondition(lambda self: self.stream is not None and self.stream.accumulator.waiting and not self.over)
    @rule(how=st.sampled_from(["ok", "ok", "refused", "cancelled"]), after=st.integers(0, 6))
    def submit(self, how: str, after: int) -> None:
        assert self.stream is not None
        if self.stream._cursor._due or self.unread():
            # The event that says so is still on its way to the user.
            return
        if self.stream._cursor._opening is not None and not self.pending:
            # Answered, and nobody has waited for that yet.
            self.run(self.result(self.run(self.begun(self.stream.submit_tool_outputs(OUTPUTS)))))
            return
        if not self.end:
            self.server_ends("done")
        if self.end == "error":
            return
        task = self.run(self.begun(self.stream.submit_tool_outputs(OUTPUTS)))
        if how == "cancelled" and self.run(self.cancelled(task, after)):
            if self.stream._cursor._opening is not None and not self.pending:
                # It was sent, and is on its way.
                self.pending = self.run(self.exchanges.get())
            return
        self.pending = self.pending or self.run(self.exchanges.get())
        self.answer(how)
        if how == "refused":
            with pytest.raises(BadRequestError):
                self.run(self.result(task))
        else:
            self.run(self.result(task))

    @precondition(lambda self: self.pending is not None and not self.over)
    @rule(how=st.sampled_from(["ok", "ok", "refused"]))
    def server_answers_a_cancelled_submission(self, how: str) -> None:
        self.answer(how)
        self.run(self.opening_is_over())

    async def opening_is_over(self) -> None:
        opening = None if self.stream is None else self.stream._cursor._opening
        while opening is not None and not opening._task.done():
            await turns(1)

    def answer(self, how: str) -> None:
        """Answer the submission: its stream is what the server writes to from now on, or it is refused."""
        self.exchange, self.pending = self.pending, None
        assert self.exchange is not None
        if how == "refused":
            self.exchange.writer.write(response(400, b'{"error": {"message": "no"}}'))
            self.over = (BadRequestError,)
            self.run(self.release())
            self.exchange = None
        else:
            self.exchange.writer.write(STREAM_HEAD)
            self.end, self.half, self.evidence, self.bytes_sent = "", b"", False, 0

    @precondition(lambda self: self.stream is not None and self.may_be_fatal())
    @rule()
    def close(self) -> None:
        assert self.stream is not None
        self.note_an_end_nobody_saw()
        self.run(self.stream.close())
        self.closed()

    @precondition(lambda self: self.stream is not None and self.may_be_fatal())
    @rule(after=st.integers(0, 3))
    def close_cancelled(self, after: int) -> None:
        assert self.stream is not None
        self.note_an_end_nobody_saw()
        task = self.run(self.begun(self.stream.close()))
        self.run(self.cancelled(task, after))
        self.closed()

    def note_an_end_nobody_saw(self) -> None:
        """Note an end at which reading was cancelled: in a callback, or while the body ended."""
        if self.stream is not None and self.stream.over and not self.over:
            raised = self.raising and self.handler is not None and not self.handler.next
            self.over = (KeyError,) if raised else self.ends_with()

    def closed(self) -> None:
        self.over = self.over or ((StreamInterruptedError,) if self.entered else (ConfigurationError,))

    @precondition(lambda self: self.stream is not None and (self.entered or self.over) and self.may_be_fatal())
    @rule()
    def drop(self) -> None:
        stream = self.stream
        assert stream is not None
        cursor = stream._cursor
        held = cursor.live is not None and (
            not cursor.live.closed or (cursor._opening is not None and not cursor._closed)
        )
        del stream, cursor

        async def drop() -> list[Any]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                if self.handler is not None:
                    self.handler._stream = None
                self.stream = None
                gc.collect()
                await turns(3)
            return caught

        caught = self.run(drop())
        assert held == any(warning.category is ResourceWarning for warning in caught)
        self.dropped = True

    @rule()
    def nothing(self) -> None:
        self.run(turns(1))

    # The end.

    def teardown(self) -> None:
        if not hasattr(self, "client"):
            self.runner.close()
            return
        try:
            self.run(self.all_is_gone())
            self.check_callbacks()
        finally:
            self.runner.close()

    async def all_is_gone(self) -> None:
        if self.stream is not None:
            await self.stream.close()
            self.stream = None
        sessions = self.client._connections._sessions
        session = None if sessions is None else sessions.pooled
        connector = None if session is None else session.connector
        assert connector is None or not await settled(lambda: connector._acquired)
        await self.client.close()
        assert not await settled(lambda: self.server.open)
        await self.stack.aclose()
        assert not await settled(lambda: asyncio.all_tasks() - {asyncio.current_task()})

    def check_callbacks(self) -> None:
        assert [event.raw for event in decode_stream(b"".join(self.sent), "assistants")][: len(self.seen)] == [
            event.raw for event in self.seen
        ]
        if self.handler is None:
            return
        if not self.dropped:
            assert self.handler.count("on_end") == (1 if self.entered else 0)
            assert not self.entered or self.handler.begun[-1] == ("on_end",)
        assert self.handler.count("on_exception") <= 1
        called = [call for call in self.handler.begun if call[0] not in LAST]
        expected = self.expected_calls(complete=self.over == (StopAsyncIteration,))
        assert called == expected[: len(called)]
        if self.over == (StopAsyncIteration,) or (not self.over and not self.unread()):
            # A callback may still have been due when the stream was closed.
            assert self.over == () or len(called) == len(expected)

    def expected_calls(self, *, complete: bool) -> list[tuple[Any, ...]]:
        """Return the callbacks for all that was sent, by folding it without a stream."""
        recorder = Recorder()
        accumulator = AssistantAccumulator()
        callbacks = AssistantCallbacks(recorder)

        async def fold() -> None:
            for event in decode_stream(b"".join(self.sent), "assistants"):
                if accumulator.waiting:
                    accumulator.resume()
                for call in callbacks.for_event(event, accumulator.push(event)):
                    await call()
            if complete:
                for call in callbacks.for_changes(accumulator.finish()):
                    await call()

        self.runner.run(fold())
        return recorder.begun


def live_through(examples: int) -> None:
    run_state_machine_as_test(
        LifeCycle,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            report_multiple_bugs=False,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )


@pytest.mark.faults
def test_a_stream_in_any_order() -> None:
    live_through(8)


@pytest.mark.faults
def test_a_stream_in_any_order_often() -> None:
    live_through(150)


@pytest.mark.slow
def test_a_stream_in_any_order_very_often() -> None:
    live_through(5_000)
