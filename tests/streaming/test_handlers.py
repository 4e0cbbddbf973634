"""Callbacks: which, in which order, exactly once; and what happens when one raises, waits or is cancelled."""

import asyncio
import functools
from typing import Any

import pytest
from assistants_wire import DONE, HELLO, STREAM_HEAD, WAITS, chunk, frame, message, run, stream, text
from raw_server import Exchange

from asyncstream import (
    AssistantEventHandler,
    AsyncAssistantEventHandler,
    AuthenticationError,
    ConfigurationError,
    StreamEventError,
    StreamTimeoutError,
    StreamTruncatedError,
    Timeout,
)
from asyncstream.streaming.assistants.handler import CALLBACKS


def test_the_callbacks_are_openai_pythons_17_and_seven_more():
    of_loops = {"on_tool_result_created", "on_tool_result_delta", "on_tool_result_done", "on_round_done"}
    ours = {"on_run_requires_action", "on_run_done", "on_unknown_event", *of_loops}

    assert 24 == len(CALLBACKS)
    assert ours <= set(CALLBACKS)
    assert AssistantEventHandler is AsyncAssistantEventHandler


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_that_is_not_async_is_refused_when_the_class_is_made(name):
    with pytest.raises(TypeError, match=rf"Bad\.{name} must be an `async def`"):
        type("Bad", (AssistantEventHandler,), {name: lambda self, *args: None})


def test_a_sync_wrapper_around_an_async_callback_is_refused():
    async def on_end(self) -> None: ...

    @functools.wraps(on_end)
    def wrapper(self) -> Any:
        return on_end(self)

    with pytest.raises(TypeError, match="on_end"):
        type("Bad", (AssistantEventHandler,), {"on_end": wrapper})


def test_a_callback_from_a_mixin_is_looked_at_too():
    class Mixin:
        def on_text_delta(self, delta, snapshot): ...

    with pytest.raises(TypeError, match="on_text_delta"):
        type("Bad", (Mixin, AssistantEventHandler), {})


async def test_callbacks_come_in_order_and_the_end_once(talk, log):
    async with talk([*HELLO, DONE]) as t:
        async with t.stream(event_handler=log) as s:
            await s.until_done()

    assert [
        "event thread.run.created",
        "event thread.run.in_progress",
        "event thread.message.created",
        "message_created msg_1",
        "event thread.message.delta",
        "text_created ''",
        "text_delta 'Hel'",
        "message_delta msg_1",
        "event thread.message.delta",
        "text_delta 'lo'",
        "message_delta msg_1",
        "event thread.message.completed",
        "text_done 'Hello'",
        "message_done msg_1",
        "event thread.run.completed",
        "run_done completed",
        "end",
    ] == log.calls


async def test_the_fold_comes_before_on_event(talk):
    seen = []

    class Handler(AssistantEventHandler):
        async def on_event(self, event):
            message = self.current_message_snapshot
            text = message.content[0].text.value if message and message.content else None
            seen.append((self.current_event is event, self.current_run.status, text))

    async with talk([*HELLO, DONE]) as t:
        async with t.stream(event_handler=Handler()) as s:
            assert s.handler.stream is s
            await s.until_done()

    assert [
        (True, "queued", None),
        (True, "in_progress", None),
        (True, "in_progress", None),
        (True, "in_progress", "Hel"),
        (True, "in_progress", "Hello"),
        (True, "in_progress", "Hello"),
        (True, "completed", "Hello"),
    ] == seen


async def test_only_overridden_callbacks_build_snapshots(talk, monkeypatch):
    from asyncstream.accumulators.assistants import messages

    looked = []
    monkeypatch.setattr(messages._TextPart, "snapshot", lambda self: looked.append(self))

    class Handler(AssistantEventHandler):
        async def on_run_done(self, run): ...

    async with talk([*HELLO[:5], run("completed"), DONE]) as t:
        async with t.stream(event_handler=Handler()) as s:
            await s.until_done()

    assert [] == looked


async def test_an_unknown_event_has_its_callback_after_on_event(talk, log):
    async with talk([b"event: thread.paused\ndata: {}\n\n", *HELLO, DONE]) as t:
        async with t.stream(event_handler=log) as s:
            await s.until_done()

    assert ["event unknown", "unknown_event thread.paused"] == log.calls[:2]


async def test_an_error_event_is_not_given_to_on_event(talk, log):
    async with talk([*HELLO[:3], frame("error", message="boom")]) as t:
        with pytest.raises(StreamEventError):
            async with t.stream(event_handler=log) as s:
                await s.until_done()

    assert ["event thread.message.created", "message_created msg_1", "exception StreamEventError", "end"] == log.calls[
        2:
    ]


async def test_a_cut_stream_fires_no_further_done(talk, log):
    async with talk(HELLO[:4]) as t:
        with pytest.raises(StreamTruncatedError):
            async with t.stream(event_handler=log) as s:
                await s.until_done()

    assert ["text_delta 'Hel'", "message_delta msg_1", "exception StreamTruncatedError", "end"] == log.specific[-4:]


async def test_a_timeout_has_its_callback_first(talk, log):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        await exchange.gone()

    async with talk(answer, timeout=Timeout(event=0.02)) as t:
        with pytest.raises(StreamTimeoutError):
            async with t.stream(event_handler=log) as s:
                await s.until_done()

    assert ["timeout", "exception StreamTimeoutError", "end"] == log.specific


async def test_a_failed_open_is_told_to_the_handler(talk, log):
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(401, b"{}")

    async with talk(answer) as t:
        with pytest.raises(AuthenticationError):
            async with t.stream(event_handler=log):
                pass

    assert ["exception AuthenticationError", "end"] == log.calls


async def test_an_early_close_fires_the_end_only(talk, log):
    async with talk([*HELLO, DONE]) as t:
        async with t.stream(event_handler=log) as s:
            await anext(s)
        await s.close()

    assert ["event thread.run.created", "end"] == log.calls


async def test_a_raising_callback_ends_the_stream(talk):
    calls = []

    class Handler(AssistantEventHandler):
        async def on_text_delta(self, delta, snapshot):
            calls.append("text_delta")
            raise KeyError("mine")

        async def on_message_delta(self, delta, snapshot):
            calls.append("message_delta")

        async def on_exception(self, exception):
            calls.append(f"exception {exception!r}")

        async def on_end(self):
            calls.append("end")

    async with talk([*HELLO, DONE]) as t:
        async with t.stream(event_handler=Handler()) as s:
            with pytest.raises(KeyError, match="mine"):
                await s.until_done()
            for again in (anext(s), s.get_final_run()):
                with pytest.raises(KeyError, match="mine"):
                    await again

    assert ["text_delta", "exception KeyError('mine')", "end"] == calls


async def test_a_raising_on_exception_does_not_keep_the_end_away(talk):
    calls = []

    class Handler(AssistantEventHandler):
        async def on_exception(self, exception):
            raise KeyError("in on_exception")

        async def on_end(self):
            calls.append("end")

    async with talk(HELLO[:2]) as t:
        async with t.stream(event_handler=Handler()) as s:
            with pytest.raises(KeyError):
                await s.until_done()

    assert ["end"] == calls


async def test_a_callback_that_raises_stop_iteration_does_not_look_like_an_end(talk):
    class Handler(AssistantEventHandler):
        async def on_text_delta(self, delta, snapshot):
            raise StopAsyncIteration

    async with talk([*HELLO, DONE]) as t:
        async with t.stream(event_handler=Handler()) as s:
            with pytest.raises(RuntimeError, match="StopAsyncIteration"):
                await s.until_done()
            with pytest.raises(RuntimeError, match="StopAsyncIteration"):
                await s.get_final_run()


async def test_cancelled_in_a_callback_the_rest_comes_with_the_next_step(talk, log):
    class Handler(type(log)):
        async def on_text_created(self, text):
            await super().on_text_created(text)
            await asyncio.Event().wait()

    handler = Handler()
    async with talk([*HELLO, DONE]) as t, t.stream(event_handler=handler) as s:
        for _ in range(3):
            await anext(s)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(s), 0.05)
        before = list(handler.specific)
        event = await anext(s)

    assert ["message_created msg_1", "text_created ''"] == before
    assert ["text_delta 'Hel'", "message_delta msg_1", "end"] == handler.specific[2:]
    assert "Hel" == event.data.delta.content[0].text.value


async def test_cancelled_in_the_end_it_is_not_repeated(talk):
    ends = []

    class Handler(AssistantEventHandler):
        async def on_end(self):
            ends.append(1)
            await asyncio.Event().wait()

    async with talk([*HELLO, DONE]) as t:
        async with t.stream(event_handler=Handler()) as s:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(s.until_done(), 0.1)
            assert "completed" == (await s.get_final_run()).status

    assert [1] == ends


async def test_a_handler_serves_one_stream(talk, log):
    async with talk([*HELLO, DONE]) as t:
        async with t.stream(event_handler=log) as s:
            await s.until_done()
        with pytest.raises(ConfigurationError, match="one stream"):
            await t.stream(event_handler=log).open()

    assert 1 == len(t.server.requests)


async def test_a_handler_without_stream_says_so(log):
    with pytest.raises(ConfigurationError, match="event_handler="):
        _ = log.current_run


async def test_reading_on_in_a_callback_is_refused(talk):
    class Handler(AssistantEventHandler):
        async def on_text_created(self, text):
            await self.stream.get_final_run()

    async with talk([*HELLO, DONE]) as t:
        async with t.stream(event_handler=Handler()) as s:
            with pytest.raises(ConfigurationError, match="callback"):
                await s.until_done()


async def test_closing_in_a_callback_interrupts(talk, log):
    class Handler(type(log)):
        async def on_text_created(self, text):
            await self.stream.close()

    handler = Handler()
    async with talk([*HELLO, DONE]) as t:
        async with t.stream(event_handler=handler) as s:
            with pytest.raises(Exception, match="closed by the consumer"):
                await s.until_done()

    assert ["message_created msg_1", "end"] == handler.specific


async def test_what_opened_after_the_end_of_the_run_is_closed_at_the_end(talk, log):
    async with talk([*HELLO, message("created", "late"), text("x", "late"), DONE]) as t:
        async with t.stream(event_handler=log) as s:
            await s.until_done()

    assert ["text_done 'x'", "message_done late", "end"] == log.specific[-3:]


# Tool outputs on the same stream.


def two_answers(*second: bytes, rest: tuple[bytes, ...] = (DONE,)):
    async def answer(exchange: Exchange) -> None:
        if exchange.number == 1:
            await stream(exchange, *WAITS, *rest)
        else:
            await stream(exchange, *second)

    return answer


SECOND = (run("queued"), *HELLO[2:], DONE)
OUTPUTS = [{"tool_call_id": "call_1", "output": "42"}]


async def test_outputs_submitted_in_the_loop_go_on_with_the_same_stream(talk):
    seen = []
    async with talk(two_answers(*SECOND)) as t, t.stream() as s:
        async for event in s:
            seen.append(event.event)
            if event.event == "thread.run.requires_action":
                assert s.finished
                await s.submit_tool_outputs(OUTPUTS)
                assert not s.finished
        final = await s.get_final_run()

    sent = t.server.requests[1]
    assert ("POST", "/threads/thread_1/runs/run_1/submit_tool_outputs") == (sent.method, sent.target)
    assert b'{"tool_outputs":[{"tool_call_id":"call_1","output":"42"}],"stream":true}' == sent.body
    assert ["thread.run.requires_action", "thread.run.queued"] == seen[4:6]
    assert ("completed", None) == (final.status, final.required_action)
    assert ["Hello"] == [m.content[0].text.value for m in s.accumulator.messages]
    assert ["call_1"] == [c.id for c in s.accumulator.run_steps[0].step_details.tool_calls]


async def test_outputs_submitted_in_a_callback_go_on_with_the_same_handler(talk, log):
    class Handler(type(log)):
        async def on_run_requires_action(self, run):
            await super().on_run_requires_action(run)
            await self.stream.submit_tool_outputs(OUTPUTS)

    handler = Handler()
    async with talk(two_answers(*SECOND)) as t:
        async with t.stream(event_handler=handler) as s:
            text = "".join([piece async for piece in s.text_deltas])

    assert "Hello" == text
    assert ["tool_call_done call_1", "run_requires_action run_1", "message_created msg_1"] == handler.specific[6:9]
    assert ["run_done completed", "end"] == handler.specific[-2:]
    assert 1 == handler.calls.count("end")


async def test_what_follows_in_the_first_answer_comes_before_the_second(talk):
    seen = []
    rest = (frame("thread.run.step.in_progress", id="step_1", status="in_progress"), b"event: x\ndata: 1\n\n")
    async with talk(two_answers(*SECOND, rest=rest)) as t, t.stream() as s:
        async for event in s:
            seen.append(event.event)
            if event.event == "thread.run.requires_action":
                await s.submit_tool_outputs(OUTPUTS)

    assert ["thread.run.requires_action", "thread.run.step.in_progress", "unknown", "thread.run.queued"] == seen[4:8]


async def test_evidence_of_the_first_answer_is_none_for_the_second(talk):
    rest = (run("completed"), DONE)
    async with talk(two_answers(run("queued"), text("cut"), rest=rest)) as t, t.stream() as s:
        with pytest.raises(StreamTruncatedError):
            async for event in s:
                if event.event == "thread.run.requires_action":
                    await s.submit_tool_outputs(OUTPUTS)


async def test_a_second_answer_without_submitting_just_ends(talk):
    async with talk(two_answers()) as t, t.stream() as s:
        assert "requires_action" == (await s.get_final_run()).status


async def test_a_refused_submission_raises_there_and_ends_the_stream(talk, log):
    async def answer(exchange: Exchange) -> None:
        if exchange.number == 1:
            await stream(exchange, *WAITS, DONE)
        else:
            await exchange.reply(401, b'{"error": {"message": "no"}}')

    async with talk(answer) as t:
        async with t.stream(event_handler=log) as s:
            async for event in s:
                if event.event == "thread.run.requires_action":
                    with pytest.raises(AuthenticationError):
                        await s.submit_tool_outputs(OUTPUTS)
                    break
            with pytest.raises(AuthenticationError):
                await anext(s)

    assert ["exception AuthenticationError", "end"] == log.specific[-2:]


async def test_a_submission_refused_in_a_callback_propagates(talk, log):
    class Handler(type(log)):
        async def on_run_requires_action(self, run):
            await self.stream.submit_tool_outputs(OUTPUTS)

    async def answer(exchange: Exchange) -> None:
        if exchange.number == 1:
            await stream(exchange, *WAITS, DONE)
        else:
            await exchange.reply(401, b"{}")

    handler = Handler()
    async with talk(answer) as t:
        async with t.stream(event_handler=handler) as s:
            with pytest.raises(AuthenticationError):
                await s.until_done()

    assert ["exception AuthenticationError", "end"] == handler.specific[-2:]


async def test_an_error_event_after_requires_action_is_not_submitted_over(talk):
    rest = (frame("error", message="late"),)
    async with talk(two_answers(*SECOND, rest=rest)) as t, t.stream() as s:
        with pytest.raises(StreamEventError, match="late"):
            async for event in s:
                if event.event == "thread.run.requires_action":
                    await s.submit_tool_outputs(OUTPUTS)

    assert 1 == len(t.server.requests)


async def test_a_run_that_does_not_wait_takes_no_outputs(talk):
    async with talk([*HELLO, DONE]) as t, t.stream() as s:
        with pytest.raises(ConfigurationError, match="has not begun"):
            await s.submit_tool_outputs(OUTPUTS)
        await anext(s)
        with pytest.raises(ConfigurationError, match="'queued'"):
            await s.submit_tool_outputs(OUTPUTS)
        await s.until_done()
        with pytest.raises(ConfigurationError, match="submit_tool_outputs_stream"):
            await s.submit_tool_outputs(OUTPUTS)


async def test_approvals_are_answered_on_the_same_endpoint(talk):
    wants = {"type": "submit_tool_approval", "submit_tool_approval": {"tool_calls": [{"id": "mcp_1", "type": "mcp"}]}}

    async def answer(exchange: Exchange) -> None:
        if exchange.number == 1:
            await stream(exchange, run("created"), run("requires_action", required_action=wants), DONE)
        else:
            await stream(exchange, *SECOND)

    async with talk(answer) as t, t.stream() as s:
        async for event in s:
            if event.event == "thread.run.requires_action":
                asked = event.data.required_action.submit_tool_approval.tool_calls
                await s.submit_tool_approvals([{"tool_call_id": c.id, "approve": True} for c in asked])
        final = await s.get_final_run()

    assert b'{"tool_approvals":[{"tool_call_id":"mcp_1","approve":true}],"stream":true}' == t.server.requests[1].body
    assert "completed" == final.status


async def test_a_submission_that_is_cancelled_is_sent_once_and_can_be_waited_for_again(talk):
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        if exchange.number == 1:
            await stream(exchange, *WAITS, DONE)
        else:
            arrived.set()
            await go_on.wait()
            await stream(exchange, *SECOND)

    async with talk(answer) as t, t.stream() as s:
        async for event in s:
            if event.event == "thread.run.requires_action":
                attempt = asyncio.create_task(s.submit_tool_outputs(OUTPUTS))
                await arrived.wait()
                attempt.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await attempt
                with pytest.raises(ConfigurationError, match="on its way"):
                    await s.submit_tool_outputs([{"tool_call_id": "call_1", "output": "43"}])
                go_on.set()
                await s.submit_tool_outputs(OUTPUTS)

        assert "completed" == (await s.get_final_run()).status
    assert 2 == len(t.server.requests)


async def test_a_callback_that_raises_cancels_the_request_that_it_began(talk):
    arrived, left = asyncio.Event(), asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        if exchange.number == 1:
            await stream(exchange, *WAITS, DONE)
        else:
            arrived.set()
            await exchange.gone()
            left.set()

    class Handler(AssistantEventHandler):
        async def on_run_requires_action(self, run):
            self.attempt = asyncio.create_task(self.stream.submit_tool_outputs(OUTPUTS))
            await arrived.wait()
            raise KeyError("mine")

    handler = Handler()
    async with talk(answer) as t, t.stream(event_handler=handler) as s:
        with pytest.raises(KeyError, match="mine"):
            await s.until_done()
        async with asyncio.timeout(1):
            await left.wait()
        for failed in (handler.attempt, anext(s)):
            with pytest.raises(KeyError, match="mine"):
                await failed
    assert 2 == len(t.server.requests)


async def test_a_callback_that_does_not_wait_for_its_call_is_told_and_the_stream_goes_on(talk):
    class Handler(AssistantEventHandler):
        async def on_run_requires_action(self, run):
            self.attempt = asyncio.create_task(self.stream.submit_tool_outputs(OUTPUTS))
            await asyncio.sleep(0)

    handler = Handler()
    async with talk(two_answers(*SECOND)) as t, t.stream(event_handler=handler) as s:
        with pytest.raises(ConfigurationError, match="a callback has ended before its call"):
            await s.until_done()
        await handler.attempt
        assert "completed" == (await s.get_final_run()).status


async def test_submitting_while_another_task_waits_is_refused(talk):
    async def answer(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD + b"".join(map(chunk, WAITS)))
        await exchange.gone()

    async with talk(answer) as t, t.stream() as s:
        for _ in WAITS:
            await anext(s)
        waiting = asyncio.create_task(anext(s))
        await asyncio.sleep(0)
        with pytest.raises(ConfigurationError, match="waiting"):
            await s.submit_tool_outputs(OUTPUTS)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
