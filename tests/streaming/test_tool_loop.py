"""A stream that runs the calls of its answers: when a call starts, what is told, raised, left, and sent back."""

import asyncio
import contextvars
import gc
import json
import logging
import pickle
import threading
import warnings
from typing import Any

import pytest
from assistants_wire import STREAM_HEAD, chunk
from chat_wire import DONE, HELLO, MESSAGES, call, piece
from loop_talks import ANSWER, ASKS, ENDS, Ran, asks, check_conversation, shown, talk
from raw_server import Exchange

from asyncstream import (
    AsyncClient,
    ChatStream,
    ConfigurationError,
    InternalServerError,
    Later,
    LoopState,
    MaxRoundsError,
    Refused,
    StreamError,
    StreamEventError,
    Tool,
    ToolBegan,
    ToolContext,
    ToolEnded,
    ToolFailed,
    Tools,
    ToolsLostError,
)
from asyncstream.accumulators import RoundDone, ToolResultCreated

pytestmark = pytest.mark.usefixtures("both_ways")


@pytest.fixture
def ran() -> Ran:
    return Ran()


# The way of a loop.


async def test_calls_are_run_and_the_stream_goes_on_until_the_model_calls_nothing(ran):
    async with talk(asks(("f", {"x": 1}), ("g", {"x": 2})), ANSWER) as t, t.open(ran.f, ran.g) as s:
        changes = [change async for change in s.changes]
        final = await s.get_final_completion()

    assert [1, ("g", 2)] == ran.calls
    assert "Hello" == final.choices[0].message.content
    assert ["1", "g2"] == t.told
    created = ["created 0", "created 1"]
    assert [*created, "done 0 returned", "done 1 returned", "round 1 None", "round 2 answered"] == shown(changes)
    assert ("answered", 2) == (s.stopped, len(s.rounds))
    assert [(1, 0, "call_0", "f", "1", 1), (1, 1, "call_1", "g", "g2", "g2")] == [
        (r.round, r.place, r.id, r.name, r.output, r.value) for r in s.results
    ]
    assert [tool["function"]["name"] for tool in t.bodies[0]["tools"]] == ["f", "g"]


async def test_the_changes_of_an_answer_come_before_its_calls_and_those_before_the_next_answer(ran):
    async with talk(ASKS, ANSWER) as t, t.open(ran.f) as s:
        names = [type(change).__name__ async for change in s.changes]

    first = names.index("ToolResultCreated")
    assert "FinishChanged" == names[first - 1]
    assert ["ToolResultDone", "RoundDone", "ContentCreated"] == names[first + 1 : first + 4]


@pytest.mark.parametrize("read", ["events", "text", "until_done", "final"])
async def test_every_way_to_read_goes_over_all_rounds(ran, read):
    async with talk(ASKS, ANSWER) as t, t.open(ran.f) as s:
        match read:
            case "events":
                assert len([*ASKS, *ANSWER]) - 2 == len([event async for event in s])
            case "text":
                assert ["Hel", "lo"] == [text async for text in s.text_deltas if text]
            case "until_done":
                await s.until_done()
            case _:
                assert "Hello" == (await s.get_final_completion()).choices[0].message.content

    assert ([1], 2) == (ran.calls, len(t.server.requests))


async def test_the_loop_body_may_change_the_next_request(ran):
    async with talk(ASKS, ANSWER) as t, t.open(ran.f, temperature=0.5) as s:
        async for change in s.changes:
            if isinstance(change, RoundDone) and change.stop is None:
                assert 1 == len(t.server.requests)
                s.next_round.params["temperature"] = 0.1
                s.next_round.messages.append({"role": "user", "content": "Be quick."})

    assert [0.5, 0.1] == [body["temperature"] for body in t.bodies]
    assert {"role": "user", "content": "Be quick."} == t.bodies[1]["messages"][-1]


async def test_before_round_may_change_it_too_and_is_awaited_once(ran):
    seen = []

    async def before_round(upcoming):
        seen.append(upcoming.number)
        await asyncio.sleep(0)
        upcoming.params["model"] = "cheaper"

    async with talk(ASKS, ANSWER) as t, t.open(Tools(ran.f, before_round=before_round)) as s:
        await s.until_done()

    assert [2] == seen
    assert ["m", "cheaper"] == [body["model"] for body in t.bodies]


async def test_a_change_that_takes_the_answer_of_a_call_away_is_refused_before_a_request(ran):
    async with talk(ASKS, ANSWER) as t, t.open(ran.f) as s:
        with pytest.raises(ConfigurationError, match="lack the answer of 'call_0'"):
            async for change in s.changes:
                if isinstance(change, RoundDone) and change.stop is None:
                    del s.next_round.messages[-1]

    assert 1 == len(t.server.requests)


async def test_stop_lets_the_round_end_and_asks_for_no_other(ran):
    async with talk(ASKS, ANSWER) as t, t.open(ran.f) as s:
        async for change in s.changes:
            if isinstance(change, ToolResultCreated):
                s.stop()

    assert (["f"], "stopped", 1) == ([r.name for r in s.results], s.stopped, len(t.server.requests))
    assert "1" == s.messages[-1]["content"]


async def test_a_final_tool_ends_the_loop(ran):
    async with talk(asks(("g", {}), ("f", {"x": 4})), ANSWER) as t, t.open(ran.g, Tool(ran.f, final=True)) as s:
        await s.until_done()

    assert ("final", 1, 2) == (s.stopped, len(t.server.requests), len(s.results))


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "f"}}])
async def test_a_choice_that_forces_a_call_holds_for_the_first_round_only(ran, choice):
    async with talk(ASKS, ANSWER) as t, t.open(ran.f, tool_choice=choice) as s:
        await s.until_done()

    assert [choice, None] == [body.get("tool_choice") for body in t.bodies]


async def test_the_usage_is_the_sum_of_what_was_told(ran):
    usage = piece(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12})
    async with talk([*ASKS[:-1], usage, DONE], ASKS, [*HELLO, usage, DONE]) as t, t.open(ran.f) as s:
        await s.until_done()

    assert s.usage is not None
    assert (10, 14, 24) == (s.usage.prompt_tokens, s.usage.completion_tokens, s.usage.total_tokens)


async def test_no_usage_is_none(ran):
    async with talk(ASKS, ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()

    assert s.usage is None


# When a call may start.


@pytest.mark.parametrize("frames", [ASKS[:-2], ASKS[:1], []], ids=["no finish reason", "no end", "nothing"])
async def test_no_call_of_an_answer_without_its_end_runs(ran, frames):
    async with talk(frames, ANSWER) as t, t.open(ran.f) as s:
        with pytest.raises(StreamError):
            await s.until_done()

    assert ([], 1) == (ran.calls, len(t.server.requests))


@pytest.mark.parametrize("finish", ["length", "content_filter"])
async def test_no_call_of_an_answer_that_is_cut_runs(ran, finish):
    frames = asks(("f", {"x": 1}), ("g", {}), finish=finish)
    async with talk(frames, ANSWER) as t, t.open(ran.f, ran.g) as s:
        changes = [change async for change in s.changes]

    assert ([], "cut", 1) == (ran.calls, s.stopped, len(t.server.requests))
    assert ["done 0 unrun", "done 1 unrun", "round 1 cut"] == shown(changes)
    assert ["Not run: the answer was cut."] * 2 == [message["content"] for message in s.messages[-2:]]


async def test_half_arguments_run_nothing_though_the_finish_reason_says_calls(ran):
    async with talk(asks(("f", '{"x": 1')), ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()

    assert [] == ran.calls
    assert ["invalid"] == [result.status for result in s.results] or "cut" == s.stopped
    assert "{}" == s.messages[1]["tool_calls"][0]["function"]["arguments"]


async def test_an_error_between_the_finish_reason_and_the_end_runs_nothing(ran):
    error = b'data: {"error": {"message": "overloaded", "code": "busy"}}\n\n'
    async with talk([*ASKS[:-1], error, DONE], ANSWER) as t, t.open(ran.f) as s:
        with pytest.raises(StreamEventError, match="overloaded"):
            await s.until_done()

    assert ([], 1) == (ran.calls, len(t.server.requests))


async def test_calls_run_whatever_the_finish_reason_if_it_cuts_nothing(ran):
    async with talk(asks(("f", {"x": 1}), finish="stop"), ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()

    assert ([1], ["1"]) == (ran.calls, t.told)


async def test_a_call_in_the_older_form_runs_and_is_answered_by_its_name(ran):
    frames = [piece({"function_call": {"name": "f", "arguments": '{"x": 3}'}}), piece(finish="function_call"), DONE]
    async with talk(frames, ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()

    assert {"role": "function", "name": "f", "content": "3"} == t.bodies[1]["messages"][-1]


async def test_a_server_that_does_not_close_costs_half_a_second_a_round(ran, monkeypatch):
    from asyncstream.streaming import cursor

    monkeypatch.setattr(cursor, "BEFORE_THE_NEXT", 0.01)
    monkeypatch.setattr(cursor, "AFTER_EVIDENCE", 60)

    async def stalls(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD + b"".join(map(chunk, ASKS[:-1])))
        await exchange.gone()

    async with talk(stalls, ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()

    assert [1] == ran.calls


async def test_two_equal_calls_both_run(ran):
    async with talk(asks(("f", {"x": 1}), ("f", {"x": 1})), ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()

    assert ([1, 1], ["1", "1"]) == (ran.calls, t.told)


async def test_two_calls_under_one_id_both_run_and_are_answered_under_two(ran):
    frames = [call(0, '{"x": 1}', "f", "same"), call(1, '{"x": 2}', "f", "same"), ENDS, DONE]
    async with talk(frames, frames, ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()

    assert [1, 2, 1, 2] == ran.calls
    answered = [message["tool_call_id"] for message in t.bodies[1]["messages"] if message["role"] == "tool"]
    assert answered == [entry["id"] for entry in t.bodies[1]["messages"][1]["tool_calls"]]
    assert 2 == len(set(answered))


async def test_a_call_without_an_id_is_answered_under_the_one_it_was_given(ran):
    async with talk([call(0, '{"x": 1}', "f"), ENDS, DONE], ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()

    asked, told = t.bodies[1]["messages"][1:]
    assert asked["tool_calls"][0]["id"] == told["tool_call_id"] != ""


# What is told, and what is raised.


async def test_an_unknown_tool_is_told_with_the_names_and_the_others_run(ran):
    async with talk(asks(("nope", {}), ("f", {"x": 1})), ANSWER) as t, t.open(ran.f, ran.g) as s:
        await s.until_done()

    assert ["There is no tool 'nope'. The tools are: f, g.", "1"] == t.told
    assert ["unknown", "returned"] == [result.status for result in s.results]


async def test_arguments_that_do_not_fit_go_back_with_what_came(ran):
    async with talk(asks(("f", {"x": "one"}), ("f", "Oslo")), ANSWER) as t, t.open(ran.f) as s:
        await s.until_done()

    assert [] == ran.calls
    assert ["invalid", "invalid"] == [result.status for result in s.results]
    assert "Expected `int`, got `str`" in t.told[0]
    assert t.told[1].endswith("They were: Oslo")
    sent = [entry["function"]["arguments"] for entry in t.bodies[1]["messages"][1]["tool_calls"]]
    assert ['{"x": "one"}', "{}"] == sent


async def test_the_words_of_tool_failed_are_told():
    async def f() -> None:
        raise ToolFailed("the city is closed")

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        await s.until_done()

    assert ["the city is closed"] == t.told
    assert isinstance(s.results[0].error, ToolFailed)


@pytest.mark.parametrize("threaded", [False, True])
async def test_nothing_of_another_exception_is_told_or_logged_but_its_class_and_where(caplog, threaded):
    def look_up(x: str) -> None:
        try:
            raise KeyError(x)
        except KeyError as error:
            raise ValueError(x) from error

    async def f(x: str) -> None:
        look_up(x)

    tool = Tool(look_up if threaded else f, name="f")
    with caplog.at_level(logging.DEBUG):
        async with talk(asks(("f", {"x": "a-secret"})), ANSWER) as t, t.open(tool) as s:
            await s.until_done()

    assert ["The tool failed."] == t.told
    assert "ValueError('a-secret')" == repr(s.results[0].error)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "the tool f failed in round 1" == record.getMessage()
    assert "in look_up" in caplog.text
    assert "ToolFailed: ValueError\n" in caplog.text
    assert "a-secret" not in caplog.text


async def test_on_error_may_be_a_function():
    def f() -> None:
        raise KeyError("city")

    def words(call: Any, error: Exception) -> str:
        return f"{call.name}: {type(error).__name__}"

    async with talk(asks(("f", {})), ANSWER) as t, t.open(Tools(f, on_error=words)) as s:
        await s.until_done()

    assert ["f: KeyError"] == t.told


async def test_raise_cancels_and_waits_for_the_siblings_and_the_stream_has_ended_with_it():
    ended = []

    async def bad() -> None:
        await asyncio.sleep(0)
        raise ValueError("boom")

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("slow")

    frames = asks(("slow", {}), ("bad", {}))
    async with talk(frames, ANSWER) as t, t.open(Tools(bad, slow, on_error="raise")) as s:
        with pytest.raises(ValueError, match="boom") as caught:
            await s.until_done()
        assert ["slow"] == ended
        with pytest.raises(ValueError, match="boom"):
            await s.get_final_completion()

    assert "'bad'" in caught.value.__notes__[0]
    assert 1 == len(t.server.requests)
    assert {"bad": "failed", "slow": "cancelled"} == {call.name: call.standing for call in s.state.calls}


async def test_a_deadline_ends_the_call_and_is_told_in_seconds():
    async def f() -> None:
        await asyncio.Event().wait()

    async with talk(asks(("f", {})), ANSWER) as t, t.open(Tool(f, timeout=0.01)) as s:
        await s.until_done()

    assert ["timed_out"] == [result.status for result in s.results]
    assert ["The tool took longer than 0.01 s and was stopped."] == t.told


@pytest.mark.parametrize("error", [TimeoutError("mine"), asyncio.CancelledError()])
async def test_a_timeout_or_cancellation_of_the_tool_itself_is_not_taken_for_ours(error):
    async def f() -> None:
        raise error

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        await s.until_done()

    assert [("failed", "The tool failed.")] == [(result.status, result.output) for result in s.results]


@pytest.mark.parametrize(
    ("value", "told"),
    [("text", "text"), (None, "null"), ({"a": [1, None]}, '{"a":[1,null]}'), (b"ab", '"YWI="'), ("\ud800", "\ufffd")],
)
async def test_results_are_told_as_text_or_json(value, told):
    async def f() -> Any:
        return value

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        await s.until_done()

    assert [told] == t.told
    assert value == s.results[0].value


async def test_a_pydantic_model_is_told_as_it_says_itself():
    pydantic = pytest.importorskip("pydantic")
    place = pydantic.create_model("Place", name=(str, ...))(name="Oslo")

    async def f() -> Any:
        return {"at": place}

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        await s.until_done()

    assert ['{"at":{"name":"Oslo"}}'] == t.told


async def test_what_cannot_be_encoded_has_failed():
    async def f() -> object:
        return object()

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        await s.until_done()

    assert [("failed", "The tool failed.")] == [(result.status, result.output) for result in s.results]


async def test_a_request_that_fails_is_raised_and_the_results_are_kept(ran):
    async def fails(exchange: Exchange) -> None:
        await exchange.reply(500, b'{"error": {"message": "no"}}', content_type="application/json")

    async with talk(ASKS, fails, ANSWER) as t:
        async with t.open(ran.f) as s:
            with pytest.raises(InternalServerError):
                await s.until_done()
            state = LoopState.load(s.state.dump())
        async with t.open(ran.f, resume=state) as again:
            await again.until_done()

    assert ([1], ["1"]) == (ran.calls, t.told)


async def test_the_last_round_allowed_starts_nothing(ran):
    async with talk(ASKS) as t, t.open(Tools(ran.f, max_rounds=2)) as s:
        with pytest.raises(MaxRoundsError, match="round 2") as caught:
            await s.until_done()

    assert ([1], 2) == (ran.calls, len(t.server.requests))
    assert caught.value.partial is s.accumulator
    assert caught.value.state is not None
    assert "Not run." == s.messages[-1]["content"]
    assert 2 == pickle.loads(pickle.dumps(caught.value)).rounds


# Threads, contexts, room.


async def test_a_plain_function_runs_in_a_thread_and_an_async_one_in_the_loop():
    threads = {}

    def plain() -> None:
        threads["plain"] = threading.current_thread()

    async def awaited() -> None:
        threads["awaited"] = threading.current_thread()

    def here() -> None:
        threads["here"] = threading.current_thread()

    tools = Tools(plain, awaited, Tool(here, thread=False))
    async with talk(asks(("plain", {}), ("awaited", {}), ("here", {})), ANSWER) as t, t.open(tools) as s:
        await s.until_done()

    assert threading.current_thread() is threads["awaited"] is threads["here"]
    assert threading.current_thread() is not threads["plain"]


async def test_context_variables_reach_tasks_and_threads_and_what_a_tool_sets_stays_inside():
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")

    def plain() -> str:
        value = variable.get()
        variable.set("changed")
        return value

    async def awaited() -> str:
        return plain()

    variable.set("mine")
    async with talk(asks(("plain", {}), ("awaited", {})), ANSWER) as t, t.open(plain, awaited) as s:
        await s.until_done()

    assert ["mine", "mine"] == t.told
    assert "mine" == variable.get()


async def test_the_context_of_a_tool_has_what_it_needs_and_is_not_in_the_schema():
    async def f(context: ToolContext[list[str]], x: int) -> str:
        context.deps.append(context.call.id)
        context.report({"half": x})
        await asyncio.sleep(0)
        return context.call.arguments

    deps: list[str] = []
    async with talk(asks(("f", {"x": 1})), ANSWER) as t, t.open(Tools(f, deps=deps)) as s:
        changes = [change async for change in s.changes]

    assert ["created 0", "changed 0 {'half': 1}", "done 0 returned"] == shown(changes)[:3]
    assert ["call_0"] == deps
    assert ["x"] == list(t.bodies[0]["tools"][0]["function"]["parameters"]["properties"])


async def test_at_most_so_many_run_at_once_and_a_sequential_one_alone():
    running: set[str] = set()
    most = [0]
    alone = []

    async def work(name: str) -> None:
        running.add(name)
        most[0] = max(most[0], len(running))
        for _ in range(3):
            await asyncio.sleep(0)
        running.discard(name)

    async def f(x: str) -> None:
        await work(x)

    async def s_alone(x: str) -> None:
        alone.append(set(running))
        await work(x)
        alone.append(set(running))

    calls = [("f", {"x": "1"}), ("f", {"x": "2"}), ("f", {"x": "3"}), ("s_alone", {"x": "4"}), ("f", {"x": "5"})]
    tools = Tools(f, Tool(s_alone, sequential=True), max_parallel=2)
    async with talk(asks(*calls), ANSWER) as t, t.open(tools) as s:
        await s.until_done()

    assert 2 == most[0]
    assert [set(), set()] == alone


async def test_results_go_back_in_the_order_of_the_calls_whatever_ended_first():
    first = asyncio.Event()

    async def slow() -> str:
        await first.wait()
        return "slow"

    async def quick() -> str:
        first.set()
        return "quick"

    async with talk(asks(("slow", {}), ("quick", {})), ANSWER) as t, t.open(slow, quick) as s:
        changes = [change async for change in s.changes]

    assert ["done 1 returned", "done 0 returned"] == shown(changes)[2:4]
    assert ["slow", "quick"] == t.told == [result.output for result in s.results]


async def test_two_streams_share_tools(ran):
    tools = Tools(ran.f)
    async with talk(ASKS, ASKS, ANSWER) as t, t.open(tools) as one, t.open(tools) as other:
        await asyncio.gather(one.until_done(), other.until_done())

    assert [1, 1] == ran.calls[:2]
    assert one.results[0] is not other.results[0]


async def test_a_tool_that_reads_its_own_stream_is_told_so():
    failed = []

    async def f() -> None:
        try:
            await anext(streams[0])
        except ConfigurationError as error:
            failed.append(error)

    streams: list[ChatStream] = []
    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        streams.append(s)
        await s.until_done()

    assert 1 == len(failed)


# Approval.


@pytest.mark.parametrize(
    ("answer", "told"), [(True, "1"), (False, "Not allowed."), (Refused("too dear"), "Not allowed: too dear")]
)
async def test_what_needs_approval_is_asked_for_first(ran, answer, told):
    asked = []

    async def approve(call: Any) -> Any:
        asked.append((call.id, call.name, call.arguments))
        return answer

    async with talk(ASKS, ANSWER) as t, t.open(Tools(Tool(ran.f, approve=True), approve=approve)) as s:
        await s.until_done()

    assert [("call_0", "f", '{"x": 1}')] == asked
    assert [told] == t.told
    assert ([1] if answer is True else []) == ran.calls


async def test_later_leaves_the_call_open_and_the_state_goes_on_in_another_process(ran):
    async def approve(call: Any) -> Later:
        return Later()

    tools = Tools(Tool(ran.f, approve=True), ran.g, approve=approve)
    async with talk(asks(("f", {"x": 1}), ("g", {"x": 2})), ANSWER) as t:
        async with t.open(tools) as s:
            await s.until_done()
        assert ("later", ["call_0"]) == (s.stopped, [call.id for call in s.pending])
        assert 1 == len(t.server.requests)
        state = pickle.loads(pickle.dumps(s.state)).decide({"call_0": True})
        async with t.open(tools, resume=state) as again:
            await again.until_done()

    assert [("g", 2), 1] == ran.calls
    assert (["1", "g2"], "answered") == (t.told, again.stopped)


@pytest.mark.parametrize("decision", [False, Refused("no"), "an output"])
async def test_a_call_that_waits_may_be_refused_or_answered(ran, decision):
    async def approve(call: Any) -> Later:
        return Later()

    tools = Tools(Tool(ran.f, approve=True), approve=approve)
    async with talk(ASKS, ANSWER) as t:
        async with t.open(tools) as s:
            await s.until_done()
        async with t.open(tools, resume=s.state.decide({"call_0": decision})) as again:
            await again.until_done()

    assert [] == ran.calls
    expected = {False: "Not allowed.", Refused("no"): "Not allowed: no", "an output": "an output"}[decision]
    assert [expected] == t.told


# Calls that are answered elsewhere.

ELSEWHERE = {"type": "function", "function": {"name": "page", "parameters": {"type": "object", "properties": {}}}}


async def test_a_call_that_is_answered_elsewhere_ends_the_stream(ran):
    async with talk(asks(("page", {}), ("f", {"x": 1})), ANSWER) as t, t.open(ran.f, tools=[ELSEWHERE]) as s:
        await s.until_done()

    assert ([1], "external", ["page"], 1) == (
        ran.calls,
        s.stopped,
        [call.name for call in s.pending],
        len(t.server.requests),
    )


async def test_its_output_may_be_given_in_the_loop_once(ran):
    changes: list[Any] = []
    async with talk(asks(("page", {}), ("f", {"x": 1})), ANSWER) as t, t.open(ran.f, tools=[ELSEWHERE]) as s:
        async for change in s.changes:
            changes.append(change)
            if isinstance(change, RoundDone) and change.stop == "external":
                with pytest.raises(ConfigurationError, match="no call 'call_9' is open"):
                    await s.submit_tool_outputs([{"tool_call_id": "call_9", "output": "clicked"}])
                await s.submit_tool_outputs([{"tool_call_id": "call_0", "output": "clicked"}])
                with pytest.raises(ConfigurationError):
                    await s.submit_tool_outputs([{"tool_call_id": "call_0", "output": "again"}])

    assert ["clicked", "1"] == t.told
    assert [("returned", "clicked"), ("returned", "1")] == [(one.status, one.output) for one in s.rounds[0].results]
    assert "done 0 returned" in shown(changes)


async def test_calls_of_elsewhere_may_come_in_the_last_round_that_is_allowed(ran):
    tools = Tools(ran.f, max_rounds=1)
    async with talk(asks(("page", {})), asks(("page", {}), ("f", {"x": 1}))) as t:
        async with t.open(tools, tools=[ELSEWHERE]) as s:
            await s.until_done()
        assert "external" == s.stopped
        with pytest.raises(MaxRoundsError):
            async with t.open(tools, tools=[ELSEWHERE]) as again:
                await again.until_done()


async def test_the_request_to_come_is_there_at_the_end_of_a_round_alone(ran):
    async with talk(ASKS, ANSWER) as t, t.open(ran.f) as s:
        with pytest.raises(ConfigurationError, match="there is no request to come"):
            s.next_round  # noqa: B018  # the look is what is refused
        await s.until_done()


async def test_a_name_in_both_lists_is_refused(ran):
    async with talk(ASKS) as t:
        with pytest.raises(ConfigurationError, match="page"):
            t.open(Tool(ran.f, name="page"), tools=[ELSEWHERE])


# Observers.


async def test_observers_are_told_of_each_tool_without_what_it_is_about(caplog):
    seen: list[Any] = []

    async def f(x: str) -> str:
        return "output"

    async def slow(x: str) -> None:
        raise ValueError("secret")

    frames = asks(("f", {"x": "arguments"}), ("slow", {"x": "arguments"}), ("nope", {}))
    with caplog.at_level(logging.DEBUG, "asyncstream"):
        async with talk(frames, ANSWER, observer=seen.append) as t, t.open(f, slow) as s:
            await s.until_done()

    tools = [one for one in seen if isinstance(one, ToolBegan | ToolEnded)]
    assert [
        ("ToolBegan", "f", "call_0", 1),
        ("ToolBegan", "slow", "call_1", 1),
        ("ToolEnded", "f", "call_0", 1),
        ("ToolEnded", "slow", "call_1", 1),
    ] == [(type(one).__name__, one.name, one.call_id, one.round) for one in tools]
    assert [("returned", None), ("failed", "ValueError")] == [(one.status, one.error) for one in tools[2:]]
    assert not {"arguments", "output"} & set(repr(tools).replace("'", " ").split())
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("tool ")]
    assert 4 == len(lines)
    assert lines[2].startswith(f"tool {tools[2].id}: f, round 1: returned after ")


async def test_the_call_of_an_answer_has_ended_for_observers_when_its_tools_begin(ran):
    seen: list[Any] = []
    async with talk(ASKS, ANSWER, observer=seen.append) as t, t.open(ran.f) as s:
        await s.until_done()

    names = [type(one).__name__ for one in seen]
    assert names.index("CallFinished") < names.index("ToolBegan")
    assert 2 == names.count("CallFinished")


# Leaving and cancelling.


async def test_a_short_deadline_of_the_reader_cancels_neither_tools_nor_requests():
    done = []

    async def f(x: int = 0) -> int:
        for _ in range(20):
            await asyncio.sleep(0.0005)
        done.append(x)
        return x

    async def slow(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        for frame in [*HELLO, DONE]:
            await asyncio.sleep(0.003)
            await exchange.send(chunk(frame))
        await exchange.send(b"0\r\n\r\n")

    seen = []
    async with talk(asks(("f", {"x": 1}), ("f", {"x": 2})), slow) as t, t.open(f) as s:
        changes = s.changes
        while True:
            try:
                seen.append(await asyncio.wait_for(anext(changes), 0.001))
            except TimeoutError:
                continue
            except StopAsyncIteration:
                break

    assert (2, 2) == (len(done), len(t.server.requests))
    assert "Hello" == "".join(getattr(change, "piece", "") for change in seen if "Content" in type(change).__name__)
    assert ["round 1 None", "round 2 answered"] == shown(seen)[4:]


async def test_leaving_cancels_the_tools_and_waits_for_them():
    ended = []
    began = asyncio.Event()

    async def f() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.001)
            ended.append("f")

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        async for change in s.changes:
            if isinstance(change, ToolResultCreated):
                break
        await began.wait()

    assert ["f"] == ended
    assert ["cancelled"] == [call.standing for call in s.state.calls]
    assert "Was cancelled: it may or may not have run." == s.messages[-1]["content"]


async def test_a_tool_in_a_thread_is_told_to_stop_and_waited_for():
    stopped = []

    def f(context: ToolContext[None]) -> None:
        stopped.append(context.stopping.wait(5))

    async with talk(asks(("f", {})), ANSWER) as t, t.open(f) as s:
        async for change in s.changes:
            if isinstance(change, ToolResultCreated):
                break

    assert [True] == stopped


async def test_a_tool_that_swallows_its_cancellation_is_named_in_a_warning():
    began, release = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        began.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                pass

    async with talk(asks(("stubborn", {})), ANSWER) as t:
        s = await t.open(Tools(stubborn, grace=0.01)).open()
        reading = asyncio.ensure_future(s.until_done())
        await began.wait()
        reading.cancel()
        with pytest.warns(ResourceWarning, match="'stubborn' did not stop"):
            await s.close()
        release.set()
        await asyncio.sleep(0)


async def test_leaving_while_the_next_request_is_on_its_way_cancels_it(ran):
    asked, left = asyncio.Event(), asyncio.Event()

    async def waits(exchange: Exchange) -> None:
        asked.set()
        await exchange.gone()
        left.set()

    async with talk(ASKS, waits) as t:
        async with t.open(ran.f) as s:
            reading = asyncio.ensure_future(s.until_done())
            await asked.wait()
            reading.cancel()
        await left.wait()

    assert 2 == len(t.server.requests)


async def test_a_stream_that_is_dropped_cancels_its_tools():
    ended = asyncio.Event()

    async def f() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with talk(asks(("f", {})), ANSWER) as t:
        s = await t.open(f).open()
        async for change in s.changes:
            if isinstance(change, ToolResultCreated):
                break
        await asyncio.sleep(0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del s, change
            gc.collect()
        await asyncio.wait_for(ended.wait(), 5)

    assert any("unclosed ChatStream" in str(warning.message) for warning in caught)


# At most once.


class Book:
    """Keeps states as an application does, as bytes."""

    def __init__(self) -> None:
        self.states: list[bytes] = []

    async def __call__(self, state: LoopState) -> None:
        self.states.append(state.dump())


async def test_the_state_is_recorded_before_and_after_each_call_and_before_each_request(ran):
    book = Book()
    async with talk(ASKS, ANSWER) as t, t.open(Tools(ran.f, record=book)) as s:
        await s.until_done()

    standings = [[call["standing"] for call in json.loads(state)["calls"]] for state in book.states]
    assert [["began"], ["returned"], ["returned"]] == standings


async def test_from_each_recorded_state_no_call_runs_twice(ran):
    book = Book()
    async with talk(ASKS, ANSWER) as t:
        async with t.open(Tools(ran.f, record=book)) as s:
            await s.until_done()
        for recorded in book.states:
            ran.calls.clear()
            state = LoopState.load(recorded)
            if "began" == state.calls[0].standing:
                with pytest.raises(ToolsLostError, match="'f'") as caught:
                    t.open(ran.f, resume=state)
                assert ["call_0"] == [call.id for call in caught.value.calls]
            else:
                async with t.open(ran.f, resume=state) as again:
                    await again.until_done()
            assert [] == ran.calls


async def test_a_lost_call_may_be_told_to_the_model(ran):
    state = None

    async def record(now: LoopState) -> None:
        nonlocal state
        state = state or now

    async with talk(ASKS, ANSWER) as t:
        async with t.open(Tools(ran.f, record=record)) as s:
            await s.until_done()
        async with t.open(Tools(ran.f, on_lost="tell"), resume=state) as again:
            await again.until_done()

    assert [1] == ran.calls
    assert ["Was interrupted: it may or may not have run."] == t.told


async def test_a_state_that_cannot_be_recorded_before_a_call_runs_nothing(ran):
    async def record(state: LoopState) -> None:
        raise OSError("disk full")

    async with talk(ASKS, ANSWER) as t, t.open(Tools(ran.f, record=record)) as s:
        with pytest.raises(OSError, match="disk full"):
            await s.until_done()

    assert [] == ran.calls
    assert ["offered"] == [call.standing for call in s.state.calls]


async def test_one_that_cannot_be_recorded_before_a_call_cancels_and_waits_for_the_others():
    ended = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("slow")

    async def late() -> None:
        ended.append("late")

    async def record(state: LoopState) -> None:
        if state.calls[1].standing == "began":
            # The other one runs by now.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            raise OSError("disk full")

    async with talk(asks(("slow", {}), ("late", {})), ANSWER) as t, t.open(Tools(slow, late, record=record)) as s:
        with pytest.raises(OSError, match="disk full"):
            await s.until_done()

        assert ["slow"] == ended
    assert ["cancelled", "offered"] == [call.standing for call in s.state.calls]
    check_conversation(s.messages)
    assert 1 == len(t.bodies)


async def test_one_that_cannot_be_recorded_after_a_call_leaves_the_loop_with_the_result_in_the_state(ran):
    async def record(state: LoopState) -> None:
        if state.calls[0].standing == "returned":
            raise OSError("disk full")

    async with talk(ASKS, ANSWER) as t, t.open(Tools(ran.f, record=record)) as s:
        with pytest.raises(OSError, match="disk full"):
            await s.until_done()

    assert ([1], "1") == (ran.calls, s.state.calls[0].output)


# What can be sent back.


async def test_the_messages_may_be_sent_at_any_moment(ran):
    """Each call of each assistant message has its answer, wherever the reader stands."""
    async with talk(asks(("f", {"x": 1}), ("g", {"x": 2})), ANSWER) as t, t.open(ran.f, ran.g) as s:
        assert MESSAGES == s.messages
        async for _ in s.changes:
            check_conversation(s.messages)
        check_conversation(s.messages)

    assert ["user", "assistant", "tool", "tool", "assistant"] == [message["role"] for message in s.messages]


# What is refused.


async def test_several_choices_are_refused(ran):
    async with talk(ASKS) as t:
        with pytest.raises(ConfigurationError, match="n="):
            t.open(ran.f, n=2)


async def test_resume_without_tools_is_refused():
    async with AsyncClient(api_key="k", base_url="http://localhost:1") as client:
        with pytest.raises(ConfigurationError, match="run_tools"):
            client.chat.completions.stream(messages=MESSAGES, model="m", resume=LoopState())


async def test_a_stream_that_runs_no_tools_says_so():
    async with AsyncClient(api_key="k", base_url="http://localhost:1") as client:
        s = client.chat.completions.stream(messages=MESSAGES, model="m")
        for name in ("results", "pending", "stopped", "state", "next_round", "messages", "usage"):
            with pytest.raises(ConfigurationError, match="run_tools="):
                getattr(s, name)
