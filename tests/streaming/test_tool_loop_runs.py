"""Runs of Assistants whose calls the stream runs: outputs, approvals of Azure, runs that end meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from assistants_wire import DONE, HELLO, STREAM_HEAD, chunk, run, step, stream
from loop_talks import Ran, shown
from raw_server import Exchange, Handler, RawServer, raw_server

from asyncstream import (
    APIConnectionError,
    AssistantEventHandler,
    AssistantStream,
    AsyncClient,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InternalServerError,
    Later,
    LoopState,
    MaxRoundsError,
    Refused,
    StreamError,
    Tool,
    Tools,
)
from asyncstream.accumulators import RoundDone, ToolResultCreated, ToolResultDone

pytestmark = pytest.mark.usefixtures("both_ways")


def waits(*calls: tuple[str, dict[str, Any]], **fields: object) -> list[bytes]:
    listed = [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for place, (name, arguments) in enumerate(calls)
    ]
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": listed}}
    return [run("created"), step("created"), run("requires_action", required_action=action, **fields), DONE]


ANSWER = [*HELLO[1:], DONE]
ASKS = waits(("f", {"x": 1}))
ASKS_LEAVE = [
    run("created"),
    run(
        "requires_action",
        required_action={
            "type": "submit_tool_approval",
            "submit_tool_approval": {
                "tool_calls": [
                    {"id": id, "type": "mcp", "name": "search", "arguments": "{}", "server_label": "docs"}
                    for id in ("mcp_0", "mcp_1")
                ]
            },
        },
    ),
    DONE,
]
ELSEWHERE = {"type": "function", "function": {"name": "page", "parameters": {"type": "object", "properties": {}}}}


class Talk:
    def __init__(self, server: RawServer, client: AsyncClient, open: Callable[..., AssistantStream]) -> None:
        self.server = server
        self.client = client
        self.open = open

    @property
    def targets(self) -> list[str]:
        return [request.target.removeprefix("/threads/thread_1/") for request in self.server.requests]

    @property
    def submitted(self) -> Any:
        """What the last request submits."""
        return json.loads(self.server.requests[-1].body)

    @property
    def told(self) -> list[str]:
        return [output["output"] for output in self.submitted["tool_outputs"]]


@asynccontextmanager
async def talk(*answers: Handler | list[bytes]) -> AsyncIterator[Talk]:
    async def send(exchange: Exchange) -> None:
        answer = answers[min(exchange.number, len(answers)) - 1]
        await (answer(exchange) if callable(answer) else stream(exchange, *answer))

    async with (
        raw_server(send) as server,
        AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client,
    ):

        def open_stream(*tools: Any, **params: Any) -> AssistantStream:
            ran = tools[0] if tools and isinstance(tools[0], Tools) else list(tools)
            return client.threads.runs.stream("thread_1", **{"assistant_id": "asst_1", "run_tools": ran, **params})

        yield Talk(server, client, open_stream)


@pytest.fixture
def ran() -> Ran:
    return Ran()


def refuses(status: str) -> Handler:
    message = f'Runs in status "{status}" do not accept tool outputs.'

    async def answer(exchange: Exchange) -> None:
        body = json.dumps({"error": {"message": message, "code": None}}).encode()
        await exchange.reply(400, body, content_type="application/json")

    return answer


# Outputs.


async def test_a_run_is_answered_and_goes_on_in_the_same_stream(ran):
    async with talk(waits(("f", {"x": 1}), ("g", {"x": 2})), ANSWER) as t, t.open(ran.f, ran.g) as s:
        changes = [change async for change in s.changes]
        final = await s.get_final_run()
        messages = await s.get_final_messages()

    assert ["runs", "runs/run_1/submit_tool_outputs"] == t.targets
    assert ["1", "g2"] == t.told
    assert [True, ["call_0", "call_1"]] == [
        t.submitted["stream"],
        [output["tool_call_id"] for output in t.submitted["tool_outputs"]],
    ]
    done = ["done 0 returned", "done 1 returned"]
    assert ["created 0", "created 1", *done, "round 1 None", "round 2 answered"] == shown(changes)
    assert ("completed", 1, "answered", 2) == (final.status, len(messages), s.stopped, len(s.rounds))
    assert s.usage is not None
    assert 3 == s.usage.total_tokens


async def test_the_definitions_are_sent_beside_other_tools_or_where_it_is_said(ran):
    async with talk(ANSWER) as t:
        for params in ({}, {"tools": [{"type": "file_search"}]}, {"send_tools": True}, {"send_tools": False}):
            async with t.open(ran.f, **params) as s:
                await s.until_done()
        bodies = [json.loads(request.body).get("tools") for request in t.server.requests]

    assert [None, 2, 1, None] == [tools if tools is None else len(tools) for tools in bodies]


async def test_handlers_are_told_in_the_order_of_the_changes(ran):
    told: list[str] = []

    class Handler(AssistantEventHandler):
        async def on_tool_result_created(self, result: Any) -> None:
            told.append(f"created {result.id}")

        async def on_tool_result_done(self, result: Any) -> None:
            told.append(f"done {result.output}")

        async def on_round_done(self, round: RoundDone) -> None:
            told.append(f"round {round.round}")
            assert round.round == len(t.server.requests)

        async def on_end(self) -> None:
            told.append("end")

    async with talk(ASKS, ANSWER) as t, t.open(ran.f, event_handler=Handler()) as s:
        await s.until_done()

    assert ["created call_0", "done 1", "round 1", "round 2", "end"] == told


async def test_a_handler_that_raises_at_a_result_ends_the_stream_and_its_tools():
    began, ended = asyncio.Event(), asyncio.Event()
    told: list[str] = []

    async def quick() -> None:
        await began.wait()

    async def slow() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            ended.set()

    class Handler(AssistantEventHandler):
        async def on_tool_result_done(self, result: Any) -> None:
            raise LookupError("mine")

        async def on_exception(self, exception: Exception) -> None:
            told.append(repr(exception))

        async def on_end(self) -> None:
            told.append("end")

    async with talk(waits(("quick", {}), ("slow", {}))) as t:
        async with t.open(quick, slow, event_handler=Handler()) as s:
            with pytest.raises(LookupError, match="mine"):
                await s.until_done()
            with pytest.raises(LookupError, match="mine"):
                await s.get_final_run()
        assert ended.is_set()

    assert ["LookupError('mine')", "end"] == told
    assert ["returned", "cancelled"] == [result.status for result in s.results]
    assert 1 == len(t.server.requests)


async def test_outputs_that_a_handler_submits_beside_the_loop_are_refused(ran):
    class Handler(AssistantEventHandler):
        async def on_run_requires_action(self, run: Any) -> None:
            with pytest.raises(ConfigurationError, match="no call"):
                await self.stream.submit_tool_outputs([{"tool_call_id": "call_0", "output": "mine"}])

    async with talk(ASKS, ANSWER) as t, t.open(ran.f, event_handler=Handler()) as s:
        await s.until_done()

    assert ([1], ["1"], 2) == (ran.calls, t.told, len(t.server.requests))


async def test_outputs_from_elsewhere_are_taken_once_by_handler_or_loop(ran):
    class Handler(AssistantEventHandler):
        async def on_round_done(self, round: RoundDone) -> None:
            if round.stop == "external":
                await self.stream.submit_tool_outputs([{"tool_call_id": "call_0", "output": "clicked"}])

    frames = waits(("page", {}), ("f", {"x": 1}))
    async with talk(frames, ANSWER) as t, t.open(ran.f, tools=[ELSEWHERE], event_handler=Handler()) as s:
        async for change in s.changes:
            if isinstance(change, RoundDone) and change.round == 1:
                with pytest.raises(ConfigurationError):
                    await s.submit_tool_outputs([{"tool_call_id": "call_0", "output": "again"}])

    assert (["clicked", "1"], "answered") == (t.told, s.stopped)


async def test_the_last_round_allowed_starts_nothing(ran):
    async with talk(ASKS, ASKS[1:]) as t, t.open(Tools(ran.f, max_rounds=2)) as s:
        with pytest.raises(MaxRoundsError):
            await s.until_done()
        with pytest.raises(MaxRoundsError):
            await s.get_final_run()

    assert ([1], 2) == (ran.calls, len(t.server.requests))


async def test_no_call_runs_before_the_run_waits_for_it(ran):
    for frames in ([ASKS[0]], ASKS[:2], []):
        async with talk(frames) as t, t.open(ran.f) as s:
            with pytest.raises(StreamError):
                await s.until_done()

    assert [] == ran.calls


@pytest.mark.parametrize("status", ["cancelled", "failed", "expired", "incomplete"])
async def test_a_run_that_ends_otherwise_ends_the_stream_and_runs_nothing(ran, status):
    async with talk([run("created"), run(status), DONE]) as t, t.open(ran.f) as s:
        final = await s.get_final_run()

    assert ([], status) == (ran.calls, final.status)


async def test_a_run_that_began_with_its_thread_or_was_left_waiting_is_answered_too(ran):
    async with talk(ASKS, ANSWER, ASKS, ANSWER) as t:
        runs = t.client.threads.runs
        async with t.client.threads.create_and_run_stream(assistant_id="asst_1", run_tools=[ran.f]) as s:
            await s.until_done()
        outputs: Any = [{"tool_call_id": "call_9", "output": "by hand"}]
        options: Any = {"thread_id": "thread_1", "run_tools": [ran.f]}
        async with runs.submit_tool_outputs_stream("run_1", tool_outputs=outputs, **options) as s:
            final = await s.get_final_run()

    assert ([1, 1], "completed") == (ran.calls, final.status)
    submit = "runs/run_1/submit_tool_outputs"
    assert ["/threads/runs", submit, submit, submit] == t.targets
    assert ["1"] == t.told


# The run ends at the server while its tools run.


@pytest.mark.parametrize("status", ["expired", "cancelled"])
async def test_a_run_that_has_ended_meanwhile_keeps_the_results_and_raises_the_refusal(ran, status):
    async with talk(ASKS, refuses(status)) as t:
        async with t.open(ran.f) as s:
            with pytest.raises(BadRequestError, match=status):
                await s.until_done()
            with pytest.raises(BadRequestError, match=status):
                await s.get_final_messages()
        state = LoopState.load(s.state.dump())
        async with t.open(ran.f, resume=state) as again:
            with pytest.raises(BadRequestError, match=status):
                await again.until_done()

    assert [1] == ran.calls
    assert [("returned", "1")] == [(call.standing, call.output) for call in state.calls]
    assert ["1"] == t.told
    assert ["runs", *["runs/run_1/submit_tool_outputs"] * 2] == t.targets


async def test_a_second_answer_that_breaks_asks_again_with_the_same_outputs(ran):
    async def broken(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD + chunk(HELLO[1]))
        exchange.rst()

    async with talk(ASKS, broken, ANSWER) as t:
        async with t.open(ran.f) as s:
            with pytest.raises(StreamError):
                await s.until_done()
        async with t.open(ran.f, resume=s.state) as again:
            final = await again.get_final_run()

    assert ([1], "completed") == (ran.calls, final.status)
    assert ["runs", *["runs/run_1/submit_tool_outputs"] * 2] == t.targets


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, InternalServerError), (401, AuthenticationError), (0, APIConnectionError)],
    ids=["500", "401", "broken"],
)
async def test_outputs_that_do_not_arrive_are_sent_again_and_nothing_runs(ran, status, error):
    async def fails(exchange: Exchange) -> None:
        if status:
            await exchange.reply(status, b'{"error": {"message": "no"}}', content_type="application/json")
        else:
            exchange.rst()

    # A connection that was used before is replaced once.
    async with talk(ASKS, *[fails] * (1 if status else 2), ANSWER) as t:
        async with t.open(ran.f) as s:
            with pytest.raises(error):
                await s.until_done()
        state = LoopState.load(s.state.dump())
        async with t.open(ran.f, resume=state) as again:
            final = await again.get_final_run()

    assert ([1], ["1"], "completed") == (ran.calls, t.told, final.status)
    assert ["runs", *["runs/run_1/submit_tool_outputs"] * (2 if status else 3)] == t.targets


# Approvals of Azure.


@pytest.mark.parametrize(("answer", "approved"), [(True, True), (False, False), (Refused("no"), False)])
async def test_approve_decides_for_calls_that_the_server_runs(ran, answer, approved):
    asked: list[str] = []

    async def approve(call: Any) -> Any:
        asked.append(call.id)
        return answer if call.id == "mcp_0" else True

    async with talk(ASKS_LEAVE, ANSWER) as t, t.open(Tools(ran.f, approve=approve)) as s:
        await s.until_done()

    assert ["mcp_0", "mcp_1"] == asked
    assert [("mcp_0", approved), ("mcp_1", True)] == decided(t)
    assert "tool_outputs" not in t.submitted
    assert "answered" == s.stopped


def decided(t: Talk) -> list[tuple[str, bool]]:
    return [(approval["tool_call_id"], approval["approve"]) for approval in t.submitted["tool_approvals"]]


async def test_they_are_decided_later_and_in_another_process(ran):
    async def approve(call: Any) -> Any:
        return Later() if call.id == "mcp_0" else True

    tools = Tools(ran.f, approve=approve)
    async with talk(ASKS_LEAVE, ANSWER) as t:
        async with t.open(tools) as s:
            await s.until_done()
        assert ("later", ["mcp_0"], 1) == (s.stopped, [call.id for call in s.pending], len(t.server.requests))
        with pytest.raises(ConfigurationError, match="True, False"):
            s.state.decide({"mcp_0": "an output"})
        state = LoopState.load(s.state.dump()).decide({"mcp_0": False})
        async with t.open(tools, resume=state) as again:
            await again.until_done()

    assert [("mcp_0", False), ("mcp_1", True)] == decided(t)


async def test_they_are_decided_by_hand_once(ran):
    decisions: Any = [{"tool_call_id": "mcp_0", "approve": False}, {"tool_call_id": "mcp_1", "approve": True}]
    async with talk(ASKS_LEAVE, ANSWER) as t, t.open(ran.f) as s:
        async for change in s.changes:
            if isinstance(change, RoundDone) and change.stop == "external":
                with pytest.raises(ConfigurationError, match="needs a decision"):
                    await s.submit_tool_approvals(decisions[:1])
                with pytest.raises(ConfigurationError):
                    await s.submit_tool_outputs([{"tool_call_id": "mcp_0", "output": "x"}])
                await s.submit_tool_approvals(decisions)
                with pytest.raises(ConfigurationError):
                    await s.submit_tool_approvals(decisions)

    assert [("mcp_0", False), ("mcp_1", True)] == decided(t)
    assert ["runs", "runs/run_1/submit_tool_outputs"] == t.targets
    assert [("refused", "Not allowed."), ("returned", "")] == [(one.status, one.output) for one in s.results]


async def test_undecided_they_end_the_stream_and_the_state_goes_on(ran):
    async with talk(ASKS_LEAVE, ANSWER) as t:
        async with t.open(ran.f) as s:
            await s.until_done()
        assert ("external", ["mcp_0", "mcp_1"]) == (s.stopped, [call.id for call in s.pending])
        state = s.state.decide({"mcp_0": True, "mcp_1": Refused("no")})
        async with t.open(ran.f, resume=state) as again:
            await again.until_done()

    assert [("mcp_0", True), ("mcp_1", False)] == decided(t)


# Leaving.


async def test_leaving_cancels_the_tools_and_waits_for_them():
    ended: list[str] = []

    async def f() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("f")

    async with talk(waits(("f", {}))) as t, t.open(f) as s:
        async for change in s.changes:
            if isinstance(change, ToolResultCreated):
                await asyncio.sleep(0)
                break

    assert ["cancelled"] == [call.standing for call in s.state.calls]
    assert len(ended) <= 1


async def test_a_call_that_needs_leave_is_asked_for_and_later_is_answered(ran):
    async def approve(call: Any) -> Any:
        return Later()

    tools = Tools(Tool(ran.f, approve=True), ran.g, approve=approve)
    async with talk(waits(("f", {"x": 1}), ("g", {"x": 2})), ANSWER) as t:
        async with t.open(tools) as s:
            done = [change async for change in s.changes if isinstance(change, ToolResultDone)]
        async with t.open(tools, resume=s.state.decide({"call_0": True})) as again:
            await again.until_done()

    assert [1] == [change.index for change in done]
    assert ([("g", 2), 1], ["1", "g2"]) == (ran.calls, t.told)
