"""A stream that runs the calls of its answers, however it ends: cut, refused, cancelled, left, dropped, closed twice.

After each ending what can be sent back is valid, what began is not run again, and nothing of it is left behind.
"""

import asyncio
import gc
import json
import logging
import pickle
import threading
import warnings
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from assistants_wire import STREAM_HEAD, chunk
from chat_wire import DONE, MESSAGES, call, piece
from loop_talks import ANSWER, ASKS, ENDS, Ran, asks, check_conversation, shown, talk
from raw_server import Exchange

from asyncstream import (
    APIConnectionError,
    AuthenticationError,
    ChatStream,
    ConfigurationError,
    InternalServerError,
    Later,
    LoopState,
    MaxRoundsError,
    StreamError,
    StreamEventError,
    StreamInterruptedError,
    Timeout,
    Tool,
    ToolContext,
    Tools,
)
from asyncstream.accumulators import RoundDone, ToolResultCreated, ToolResultDone
from asyncstream.tools import Content, Image

pytestmark = pytest.mark.usefixtures("both_ways")


@pytest.fixture
def ran() -> Ran:
    return Ran()


async def broken(exchange: Exchange) -> None:
    """Begin an answer and cut it in the middle of a call's arguments."""
    await exchange.send(STREAM_HEAD + chunk(piece({"content": "I look"})) + chunk(call(0, '{"x": ', "f", "call_9")))
    exchange.rst()


async def nameless(exchange: Exchange) -> None:
    """Begin an answer and cut it before its call has a name."""
    await exchange.send(STREAM_HEAD + chunk(piece({"content": "I look"})) + chunk(call(0, "")))
    exchange.rst()


async def breaks(exchange: Exchange) -> None:
    """Take the request and answer nothing; a connection that was used before is replaced once."""
    exchange.rst()


async def fails(exchange: Exchange) -> None:
    await exchange.reply(500, b'{"error": {"message": "no"}}', content_type="application/json")


async def refuses(exchange: Exchange) -> None:
    await exchange.reply(401, b'{"error": {"message": "no"}}', content_type="application/json")


FAULT = [piece({"content": "I look"}), b'data: {"error": {"message": "overloaded", "code": "busy"}}\n\n', DONE]


# However an answer ends.


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (broken, StreamError),
        (nameless, StreamError),
        (FAULT, StreamEventError),
        (breaks, APIConnectionError),
        (fails, InternalServerError),
        (refuses, AuthenticationError),
    ],
    ids=["cut", "cut before the name", "error event", "broken", "500", "401"],
)
async def test_an_answer_that_fails_leaves_what_can_be_sent_and_gone_on_with(ran, second, error):
    async with talk(ASKS, *[second] * (2 if second is breaks else 1), ANSWER) as t:
        async with t.open(ran.f) as s:
            with pytest.raises(error):
                await s.until_done()
            with pytest.raises(error):
                await s.get_final_completion()
            check_conversation(s.messages)
            assert "1" == next(message["content"] for message in s.messages if message["role"] == "tool")
            assert ["1"] == [result.output for result in s.results]
        async with t.open(ran.f, resume=LoopState.load(s.state.dump())) as again:
            final = await again.get_final_completion()

    assert [1] == ran.calls
    assert "Hello" == final.choices[0].message.content
    assert t.bodies[1]["messages"] == t.bodies[-1]["messages"]


async def test_a_state_of_an_answer_that_never_came_whole_does_not_know_its_messages_from_what_is_given(ran):
    """What `messages` says to a stream that resumes is not sent: the book has the conversation."""
    async with talk(ASKS, refuses, ANSWER) as t:
        async with t.open(ran.f) as s:
            with pytest.raises(AuthenticationError):
                await s.until_done()
        other = [{"role": "user", "content": "something else"}]
        async with t.open(ran.f, resume=s.state, messages=other) as again:
            await again.until_done()
            check_conversation(again.messages)

    assert MESSAGES[0] == t.bodies[-1]["messages"][0]
    assert "something else" not in json.dumps(t.bodies[-1])


async def test_a_loop_that_has_come_to_its_end_is_not_gone_on_with(ran):
    async with talk(ASKS, ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()
        with pytest.raises(ConfigurationError, match="come to its end"):
            t.open(ran.f, resume=s.state)


async def test_cancelled_in_the_middle_of_an_answer_its_messages_are_valid(ran):
    came = asyncio.Event()

    async def stalls(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD + chunk(call(0, '{"x": ', "f", "call_0")))
        await exchange.gone()

    async def read(s: ChatStream) -> None:
        async for _ in s:
            came.set()

    async with talk(stalls) as t, t.open(ran.f) as s:
        reading = asyncio.ensure_future(read(s))
        await came.wait()
        reading.cancel()
        await asyncio.wait([reading])
        check_conversation(s.messages)

    check_conversation(s.messages)
    assert ["user", "assistant", "tool"] == [message["role"] for message in s.messages]
    assert "Not run: the answer was cut." == s.messages[-1]["content"]
    with pytest.raises(StreamInterruptedError):
        await s.get_final_completion()


async def test_a_model_that_only_calls_unknown_tools_is_stopped_too(ran):
    async with talk(asks(("nope", {}))) as t, t.open(Tools(ran.f, max_rounds=3)) as s:
        with pytest.raises(MaxRoundsError):
            await s.until_done()

    assert 3 == len(t.server.requests)


async def test_after_the_last_round_allowed_its_usage_counts_and_its_messages_are_valid(ran):
    usage = piece(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3})
    async with talk([*ASKS[:-1], usage, DONE]) as t, t.open(Tools(ran.f, max_rounds=2)) as s:
        with pytest.raises(MaxRoundsError) as caught:
            await s.until_done()
        with pytest.raises(MaxRoundsError):
            await s.get_final_completion()

    check_conversation(s.messages)
    assert s.usage is not None
    assert (2, 6) == (len(s.rounds), s.usage.total_tokens)
    assert ["returned", "unrun"] == [result.status for result in s.results]
    assert caught.value.state is not None
    assert s.state.dump() == caught.value.state.dump()


@pytest.mark.parametrize("where", ["tool", "approve", "record", "before_round"])
async def test_whatever_raises_the_messages_are_valid_and_the_error_stays(ran, where):
    async def bad(*_: Any) -> Any:
        raise OSError("disk full")

    async def fails() -> None:
        raise OSError("disk full")

    options = {} if where == "tool" else {where: bad}
    tool = Tool(fails if where == "tool" else ran.f, name="f", approve=where == "approve")
    arguments = {} if where == "tool" else {"x": 1}
    async with talk(asks(("f", arguments), ("g", {"x": 2})), ANSWER) as t:
        async with t.open(Tools(tool, ran.g, on_error="raise", **options)) as s:
            for read in (s.until_done, s.get_final_completion):
                with pytest.raises(OSError, match="disk full"):
                    await read()
            check_conversation(s.messages)
        check_conversation(s.messages)

    assert 1 == len(t.server.requests)


async def test_an_approval_that_was_cancelled_within_is_raised_and_runs_nothing(ran):
    async def approve(call: Any) -> bool:
        raise asyncio.CancelledError

    async with talk(ASKS, ANSWER) as t, t.open(Tools(Tool(ran.f, approve=True), approve=approve)) as s:
        with pytest.raises(StreamInterruptedError, match="`approve`"):
            await s.until_done()

    assert ([], 1) == (ran.calls, len(t.server.requests))
    assert ["offered"] == [call.standing for call in s.state.calls]


# Arguments and outputs at their limits.


@pytest.mark.parametrize("arguments", ["", "[1]", "null", '{"x": 1} {"x": 2}', "[" * 20_000, '{"x": NaN}', "\ud800"])
async def test_arguments_that_no_server_would_take_back_go_back_as_an_object(ran, arguments):
    async with talk(asks(("f", arguments)), ANSWER) as t:
        async with t.open(Tools(ran.g, name_of_f(ran))) as s:
            await s.until_done()
            state = LoopState.load(s.state.dump())

    check_conversation(s.messages)
    assert [] == ran.calls
    assert 1 == state.round or state.ended


def name_of_f(ran: Ran) -> Tool:
    async def needs(x: int) -> int:
        ran.calls.append(x)
        return x

    return Tool(needs, name="f")


async def test_an_output_of_20_mb_goes_back_whole():
    async def f() -> str:
        return "ä" * 10_000_000

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        await s.until_done()

    assert ["ä" * 10_000_000] == t.told


async def test_half_a_surrogate_pair_within_json_is_told_as_its_replacement():
    async def f() -> Any:
        return {"names": ["a", "\udcff.txt"], "whole": "\U0001f600"}

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        await s.until_done()

    assert ['{"names":["a","\ufffd.txt"],"whole":"\U0001f600"}'] == t.told
    assert ["returned"] == [result.status for result in s.results]


async def test_half_a_surrogate_pair_beside_a_model_is_told_as_its_replacement():
    pydantic = pytest.importorskip("pydantic")
    place = pydantic.create_model("Place", name=(str, ...))(name="Oslo")

    async def f() -> Any:
        return [place, "\udcff"]

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        await s.until_done()

    assert ['[{"name":"Oslo"},"\ufffd"]'] == t.told


def thoughtful(number: int) -> list[bytes]:
    """Return an answer whose thoughts and whose call are signed."""
    entry = {"index": 0, "id": f"call_{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    thoughts: list[dict[str, object]] = [
        {"type": "reasoning.text", "text": "Thi", "index": 0, "format": "f-v1"},
        {"type": "reasoning.text", "text": f"nk {number}", "index": 0},
        {"type": "reasoning.text", "signature": f"sig+/={number}", "index": 0},
        {"type": "reasoning.encrypted", "data": f"enc{number}==", "index": 1, "id": "r_1"},
    ]
    return [
        *(piece({"reasoning_details": [thought]}) for thought in thoughts),
        piece({"tool_calls": [{**entry, "extra_content": {"google": {"thought_signature": f"g+/{number}="}}}]}),
        ENDS,
        DONE,
    ]


async def test_what_is_signed_and_encrypted_goes_back_as_it_came_over_three_rounds(ran):
    async with talk(*map(thoughtful, (1, 2, 3)), ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()

    answers = [message for message in t.bodies[-1]["messages"] if message["role"] == "assistant"]
    for number, message in enumerate(answers, 1):
        text = {"type": "reasoning.text", "text": f"Think {number}", "index": 0, "format": "f-v1"}
        encrypted = {"type": "reasoning.encrypted", "data": f"enc{number}==", "index": 1, "id": "r_1"}
        assert [{**text, "signature": f"sig+/={number}"}, encrypted] == message["reasoning_details"]
        assert {"google": {"thought_signature": f"g+/{number}="}} == message["tool_calls"][0]["extra_content"]
    assert 3 == len(answers)
    # Each request begins with the one before it: nothing of it was written anew.
    assert all(t.bodies[n + 1]["messages"][: 2 * n + 1] == t.bodies[n]["messages"] for n in range(3))


async def test_what_cannot_be_pickled_is_in_no_state():
    async def f() -> Any:
        return {"lock": "open"}

    async def bad() -> None:
        raise Unpicklable(threading.Lock())

    async with talk(asks(("f", {}), ("bad", {})), asks(("f", {})), ANSWER) as t, t.open(f, bad) as s:
        async for change in s.changes:
            if isinstance(change, RoundDone):
                pickle.loads(pickle.dumps(s.state))

    assert isinstance(s.results[1].error, Unpicklable)


async def test_what_a_chat_does_not_take_is_refused_and_its_messages_stay_valid(ran):
    async def f() -> Content:
        return Content("the map", Image("https://example.test/map.png"))

    async with talk(asks(("f", {}), ("g", {"x": 1})), ANSWER) as t, t.open(f, ran.g) as s:
        with pytest.raises(ConfigurationError, match="'f' is Content"):
            await s.until_done()
        check_conversation(s.messages)

    assert ["The tool returned what cannot be sent here.", "g1"] == [message["content"] for message in s.messages[-2:]]
    assert 1 == len(t.server.requests)


async def test_words_for_an_error_that_are_no_text_are_refused():
    async def f() -> None:
        raise ValueError

    words: Any = lambda call, error: None  # noqa: E731  # what a user may give by mistake
    async with talk(asks(("f", {})), ANSWER) as t, t.open(Tools(f, on_error=words)) as s:
        with pytest.raises(ConfigurationError, match="expected text from on_error, got NoneType"):
            await s.until_done()
        check_conversation(s.messages)

    assert 1 == len(t.server.requests)


async def test_the_events_of_openai_go_over_all_rounds_too(ran):
    async with talk(ASKS, ANSWER) as t, t.open(ran.f) as s:
        kinds = [event.type async for event in s.openai_events]

    assert 1 == kinds.count("tool_calls.function.arguments.done")
    assert 1 == kinds.count("content.done")
    assert len([*ASKS, *ANSWER]) - 2 == kinds.count("chunk")


class Unpicklable(Exception):
    pass


async def test_the_conversation_stands_in_no_repr(ran):
    secret = [{"role": "user", "content": "a secret"}]
    async with talk(asks(("f", {"x": 4711}))) as t, t.open(Tools(ran.f, max_rounds=1), messages=secret) as s:
        with pytest.raises(MaxRoundsError) as caught:
            await s.until_done()

    shown_texts = [repr(s.state), repr(caught.value), str(caught.value), repr([s.state])]
    assert not [text for text in shown_texts if "secret" in text or "4711" in text]
    assert "LoopState(round=1, calls=[f: unrun])" == repr(s.state)


# Made-up ids.


async def test_a_made_up_id_is_the_same_after_the_state_was_kept(ran):
    async with talk([call(0, '{"x": 1}', "f"), ENDS, DONE], refuses, ANSWER) as t:
        async with t.open(ran.f) as s:
            with pytest.raises(AuthenticationError):
                await s.until_done()
        async with t.open(ran.f, resume=pickle.loads(pickle.dumps(s.state))) as again:
            await again.until_done()

    assert t.bodies[1]["messages"] == t.bodies[2]["messages"]
    assert t.bodies[1]["messages"][1]["tool_calls"][0]["id"] == t.bodies[1]["messages"][2]["tool_call_id"] != ""


async def test_arguments_that_go_on_after_the_finish_reason_are_whole_or_not_run(ran):
    frames = [call(0, '{"x": ', "f", "call_0"), ENDS, call(0, "12}"), DONE]
    async with talk(frames, ANSWER) as t, t.open(name_of_f(ran)) as s:
        try:
            await s.until_done()
        except StreamError:
            pass

    assert ran.calls in ([12], [])
    check_conversation(s.messages)


# Books that are written while calls run beside each other.


async def test_states_are_recorded_one_after_the_other_so_that_the_last_is_the_newest(ran):
    kept: list[LoopState] = []
    first = True

    async def record(state: LoopState) -> None:
        nonlocal first
        if first:
            first = False
            for _ in range(20):
                await asyncio.sleep(0)
        kept.append(state)

    async with (
        talk(asks(("f", {"x": 1}), ("g", {"x": 2})), ANSWER) as t,
        t.open(Tools(ran.f, ran.g, record=record)) as s,
    ):
        await s.until_done()

    begun = [sum(call.standing != "offered" for call in state.calls) for state in kept]
    assert sorted(begun) == begun


# Tools that raise, together and late.


async def test_of_two_tools_that_raise_at_once_the_first_call_is_raised_with_a_note_of_the_other():
    gate = asyncio.Event()

    async def one() -> None:
        await gate.wait()
        raise ValueError("one")

    async def two() -> None:
        await gate.wait()
        raise KeyError("two")

    async def opens() -> None:
        gate.set()

    tools = Tools(one, two, opens, on_error="raise")
    for _ in range(5):
        gate.clear()
        async with talk(asks(("one", {}), ("two", {}), ("opens", {}))) as t, t.open(tools) as s:
            with pytest.raises(ValueError, match="one") as caught:
                await s.until_done()

        assert "KeyError" in caught.value.__notes__[-1]
        assert "'one'" in caught.value.__notes__[0]


async def test_a_tool_that_is_cancelled_from_within_is_raised_as_an_error_of_its_own():
    async def f() -> None:
        raise asyncio.CancelledError("mine")

    async with talk(asks(("f", {})), ANSWER) as t, t.open(Tools(f, on_error="raise")) as s:
        with pytest.raises(RuntimeError, match="'f' was cancelled from within") as caught:
            await s.until_done()

    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert "'f' in round 1" in caught.value.__notes__[0]
    assert (["failed"], 1) == ([call.standing for call in s.state.calls], len(t.server.requests))


@pytest.mark.parametrize("error", [SystemExit, StopIteration, KeyboardInterrupt])
async def test_what_would_end_more_than_a_tool_in_a_thread_ends_the_tool_alone(error):
    def f() -> None:
        raise error

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        await s.until_done()

    assert ["The tool failed."] == t.told
    assert isinstance(s.results[0].error, RuntimeError)
    assert isinstance(s.results[0].error.__cause__, error)


async def test_a_body_that_stops_at_the_border_and_one_that_breaks_there(ran):
    for stops in (True, False):
        async with talk(ASKS, ANSWER) as t, t.open(ran.f) as s:
            async for change in s.changes:
                if isinstance(change, RoundDone):
                    if not stops:
                        break
                    s.stop()
            await s.until_done()

        assert ("stopped", 1) == (s.stopped, len(t.server.requests)) if stops else s.stopped == "answered"


async def test_a_call_that_waits_for_room_when_another_raises_does_not_run(ran):
    async def bad() -> None:
        raise ValueError("boom")

    tools = Tools(bad, ran.f, max_parallel=1, on_error="raise")
    async with talk(asks(("bad", {}), ("f", {"x": 1}))) as t, t.open(tools) as s:
        with pytest.raises(ValueError, match="boom"):
            await s.until_done()

    assert [] == ran.calls
    assert ["failed", "offered"] == [call.standing for call in s.state.calls]


async def test_what_a_tool_raises_after_its_deadline_is_for_nobody():
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, problem: problems.append(problem))
    late = asyncio.Event()

    async def f() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            late.set()
            raise ValueError("a secret")

    async with talk(asks(("f", {})), ANSWER) as t, t.open(Tool(f, timeout=0.01)) as s:
        await s.until_done()
    await late.wait()
    del s
    gc.collect()
    await asyncio.sleep(0)

    assert [] == problems


async def test_a_thread_past_its_deadline_is_told_to_stop_and_its_late_words_are_ignored():
    release = threading.Event()
    stopped: list[bool] = []
    ended = threading.Event()

    def f(context: ToolContext[None]) -> str:
        stopped.append(context.stopping.wait(30))
        release.wait(30)
        context.report("late")
        ended.set()
        return "late"

    async with talk(asks(("f", {})), ANSWER) as t:
        async with t.open(Tools(Tool(f, timeout=0.01))) as s:
            changes = [change async for change in s.changes]
            release.set()
        assert ended.is_set()  # leaving has waited for it

    assert [True] == stopped
    assert ["The tool took longer than 0.01 s and was stopped."] == t.told
    assert ["created 0", "done 0 timed_out", "round 1 None", "round 2 answered"] == shown(changes)
    assert [("timed_out", None)] == [(result.status, result.value) for result in s.results]


async def test_a_report_after_the_stream_was_left_is_ignored():
    contexts: list[ToolContext[None]] = []
    began = asyncio.Event()

    async def f(context: ToolContext[None]) -> None:
        contexts.append(context)
        began.set()
        await asyncio.Event().wait()

    async with talk(asks(("f", {}))) as t, t.open(f) as s:
        async for change in s.changes:
            if isinstance(change, ToolResultCreated):
                break
        await began.wait()
    contexts[0].report("late")
    await asyncio.sleep(0)

    assert contexts[0].stopping.is_set()
    with pytest.raises(StreamInterruptedError):
        await anext(s)


# Approval.


async def test_other_calls_end_while_one_waits_for_its_approval(ran):
    asked = asyncio.Event()

    async def approve(call: Any) -> bool:
        await asked.wait()
        return True

    tools = Tools(Tool(ran.f, approve=True), ran.g, approve=approve)
    async with talk(asks(("f", {"x": 1}), ("g", {"x": 2})), ANSWER) as t, t.open(tools) as s:
        seen = []
        async for change in s.changes:
            seen.append(change)
            if isinstance(change, ToolResultDone) and change.index == 1:
                assert [("g", 2)] == ran.calls
                asked.set()

    assert ["created 1", "done 1 returned", "created 0", "done 0 returned"] == shown(seen)[:4]
    assert ["1", "g2"] == t.told


async def test_a_stream_that_is_left_while_somebody_is_asked_runs_nothing(ran):
    asked, ended = asyncio.Event(), asyncio.Event()

    async def approve(call: Any) -> bool:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return True

    async with talk(ASKS) as t:
        async with t.open(Tools(Tool(ran.f, approve=True), approve=approve)) as s:
            reading = asyncio.ensure_future(s.until_done())
            await asked.wait()
            reading.cancel()
        assert ended.is_set()

    assert [] == ran.calls
    assert ["offered"] == [call.standing for call in s.state.calls]
    check_conversation(s.messages)


async def test_an_answer_that_is_no_answer_is_no_permission(ran):
    async def approve(call: Any) -> Any:
        return "yes"

    async with talk(ASKS, ANSWER) as t, t.open(Tools(Tool(ran.f, approve=True), approve=approve)) as s:
        await s.until_done()

    assert ([], ["Not allowed."]) == (ran.calls, t.told)


async def test_created_comes_after_the_approval_and_after_the_record(ran):
    order: list[str] = []

    async def approve(call: Any) -> bool:
        order.append("approved")
        return True

    async def record(state: LoopState) -> None:
        order.append(f"recorded {state.calls[0].standing}")

    async def f() -> None:
        order.append("ran")

    tools = Tools(Tool(f, approve=True), approve=approve, record=record)
    async with talk(asks(("f", {})), ANSWER) as t, t.open(tools) as s:
        async for change in s.changes:
            if isinstance(change, ToolResultCreated):
                order.append("created")

    assert ["approved", "recorded began"] == order[:2]
    assert {"ran", "created"} == set(order[2:4]) or order.index("ran") < order.index("created")
    assert order.index("recorded began") < order.index("ran")


async def test_a_decision_about_a_call_that_is_answered_elsewhere_is_its_output(ran):
    elsewhere = {"type": "function", "function": {"name": "page", "parameters": {"type": "object", "properties": {}}}}
    async with talk(asks(("page", {}), ("f", {"x": 1})), ANSWER) as t:
        async with t.open(ran.f, tools=[elsewhere]) as s:
            await s.until_done()
        with pytest.raises(ConfigurationError, match="answered elsewhere"):
            s.state.decide({"call_0": True})
        check_conversation(s.messages)
        async with t.open(ran.f, tools=[elsewhere], resume=s.state.decide({"call_0": "clicked"})) as again:
            await again.until_done()

    assert ([1], ["clicked", "1"]) == (ran.calls, t.told)


async def test_a_round_has_the_outputs_that_were_given_by_hand(ran):
    elsewhere = {"type": "function", "function": {"name": "page", "parameters": {"type": "object", "properties": {}}}}
    async with talk(asks(("page", {}), ("f", {"x": 1})), ANSWER) as t, t.open(ran.f, tools=[elsewhere]) as s:
        async for change in s.changes:
            if isinstance(change, RoundDone) and change.stop == "external":
                await s.submit_tool_outputs([{"tool_call_id": "call_0", "output": "clicked"}])

    assert ["clicked", "1"] == [result.output for result in s.rounds[0].results]


# Leaving.


async def test_leaving_twice_waits_once_and_warns_once():
    began, release = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        began.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                pass

    async with talk(asks(("stubborn", {}))) as t:
        s = await t.open(Tools(stubborn, grace=0.01)).open()
        reading = asyncio.ensure_future(s.until_done())
        await began.wait()
        reading.cancel()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            await s.close()
            await s.close()
        release.set()

    assert 1 == sum("did not stop" in str(warning.message) for warning in caught)


async def test_cancelled_again_while_it_waits_for_a_tool_leaving_still_waits():
    began, ended = asyncio.Event(), []

    async def f() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(10):
                await asyncio.sleep(0)
            ended.append("f")

    async def use(s: ChatStream) -> None:
        async with s:
            await s.until_done()

    async with talk(asks(("f", {}))) as t:
        s = t.open(f)
        using = asyncio.ensure_future(use(s))
        await began.wait()
        using.cancel()
        for _ in range(4):
            await asyncio.sleep(0)
        using.cancel()
        with pytest.raises(asyncio.CancelledError):
            await using

    assert ["f"] == ended


async def test_closed_by_another_task_while_tools_run_the_reader_is_told_so():
    began = asyncio.Event()

    async def f() -> None:
        began.set()
        await asyncio.Event().wait()

    async with talk(asks(("f", {}))) as t, t.open(f) as s:
        reading = asyncio.ensure_future(s.until_done())
        await began.wait()
        await s.close()
        with pytest.raises(StreamInterruptedError, match="closed"):
            await reading
        check_conversation(s.messages)


async def test_closed_by_another_task_while_the_next_request_is_prepared_nothing_is_sent(ran):
    began = asyncio.Event()

    async def before_round(upcoming: Any) -> None:
        began.set()
        await asyncio.Event().wait()

    async with talk(ASKS) as t, t.open(Tools(ran.f, before_round=before_round)) as s:
        reading = asyncio.ensure_future(s.until_done())
        await began.wait()
        await s.close()
        with pytest.raises(StreamInterruptedError, match="closed"):
            await reading

    assert 1 == len(t.server.requests)


async def test_a_tool_that_closes_its_own_stream_does_not_wait_for_itself():
    streams: list[ChatStream] = []

    async def f() -> None:
        await streams[0].close()

    # It would wait so long, and be named for it.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with talk(asks(("f", {}))) as t, t.open(Tools(f, grace=3600)) as s:
            streams.append(s)
            with pytest.raises(StreamInterruptedError, match="closed"):
                await s.until_done()


@pytest.mark.parametrize("resumed", [False, True])
async def test_a_stream_that_is_dropped_while_tools_run_in_threads_tells_them_to_stop(ran, resumed):
    async def approve(call: Any) -> Later:
        return Later()

    stopped: list[bool] = []
    began, ended = threading.Event(), threading.Event()

    def f(context: ToolContext[None]) -> None:
        began.set()
        stopped.append(context.stopping.wait(30))
        ended.set()

    async with talk(asks(("f", {}))) as t:
        state = None
        if resumed:
            async with t.open(Tools(Tool(f, approve=True), approve=approve)) as first:
                await first.until_done()
            state = first.state.decide({"call_0": True})
        s = await t.open(Tools(f), resume=state).open()
        async for change in s.changes:
            if isinstance(change, ToolResultCreated):
                break
        assert await asyncio.to_thread(began.wait, 30)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del s, change
            gc.collect()
        assert await asyncio.to_thread(ended.wait, 30)

    assert [True] == stopped
    assert any("unclosed ChatStream" in str(warning.message) for warning in caught)


async def test_a_resumed_stream_may_be_opened_before_it_is_entered(ran):
    async with talk(ASKS, refuses, ANSWER) as t:
        async with t.open(ran.f) as s:
            with pytest.raises(AuthenticationError):
                await s.until_done()
        async with await t.open(ran.f, resume=s.state).open() as again:
            await again.until_done()

    assert [1] == ran.calls


# Deadlines, connections, kinds of loops.


async def test_no_deadline_of_an_answer_runs_while_tools_do():
    async def f() -> str:
        await asyncio.sleep(0.6)  # longer than the deadlines below: the one thing to wait for here is time
        return "late"

    timeout = Timeout(total=0.5, event=0.3)
    async with talk(asks(("f", {})), ANSWER, timeout=timeout) as t, t.open(f) as s:
        await s.until_done()

    assert ["late"] == t.told


async def test_a_tool_may_open_a_stream_where_one_connection_is_allowed():
    async def f() -> str:
        async with t.client.chat.completions.stream(messages=[], model="inner") as inner:
            return (await inner.get_final_completion()).choices[0].message.content or ""

    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
        talk(asks(("f", {})), ANSWER, session=session) as t,
        t.open(f) as s,
    ):
        await s.until_done()

    assert ["Hello"] == t.told
    assert 3 == len(t.server.requests)


async def both(ran: Ran, make: Callable[[], Any]) -> None:
    async with talk(asks(("f", {"x": 1}), ("plain", {})), ANSWER) as t, t.open(ran.f, make()) as s:
        await s.until_done()

    assert ["1", '"plain"'] == t.told or ["1", "plain"] == t.told
    assert "answered" == s.stopped


def plain_tool() -> Callable[..., str]:
    def plain() -> str:
        return "plain"

    return plain


def event_loop(kind: str) -> asyncio.AbstractEventLoop:
    make = pytest.importorskip("uvloop").new_event_loop if kind == "uvloop" else asyncio.new_event_loop
    loop: asyncio.AbstractEventLoop = make()
    if kind == "eager":
        if not hasattr(asyncio, "eager_task_factory"):
            loop.close()
            pytest.skip("tasks are eager since Python 3.12")
        loop.set_task_factory(asyncio.eager_task_factory)
    loop.set_debug(kind == "debug")
    return loop


@pytest.mark.parametrize("kind", ["debug", "uvloop", "eager"])
def test_it_is_the_same_in_every_event_loop(ran, kind, caplog):
    loop = event_loop(kind)
    try:
        with caplog.at_level(logging.ERROR, "asyncio"):
            loop.run_until_complete(both(ran, plain_tool))
    finally:
        loop.close()

    assert [1] == ran.calls
    assert [] == caplog.records


@pytest.mark.parametrize("kind", ["debug", "uvloop", "eager"])
def test_after_a_tool_has_closed_its_stream_no_other_function_is_called(ran, kind):
    streams: list[ChatStream] = []

    async def closes() -> None:
        await streams[0].close()

    async def read() -> None:
        async with talk(asks(("closes", {}), ("f", {"x": 1})), ANSWER) as t, t.open(closes, ran.f) as s:
            streams.append(s)
            with pytest.raises(StreamInterruptedError, match="closed"):
                await s.until_done()
            check_conversation(s.messages)

    loop = event_loop(kind)
    try:
        loop.run_until_complete(read())
    finally:
        loop.close()

    assert [] == ran.calls
