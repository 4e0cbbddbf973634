"""A stream of Responses that runs the calls of its responses: what goes back, stored or not, and what is approved."""

import itertools
import json
import pickle
from typing import Any

import pytest

from asyncstream import AsyncClient, ConfigurationError, Later, LoopState, Tool, Tools
from asyncstream.accumulators import RoundDone
from asyncstream.server import CallCustom, CallFunction, Incomplete, RequestApproval, Say, Scenario, Think, Turn, serve
from asyncstream.tools import Content, File, Image


async def look_up(city: str) -> dict[str, Any]:
    """Look a city up."""
    return {"city": city, "degrees": 21}


def add(a: int, b: int) -> int:
    return a + b


CALLS = (CallFunction("look_up", {"city": "Rome"}), CallFunction("add", {"a": 1, "b": 2}))


async def run(scenario: Scenario, tools: Any, **params: Any) -> Any:
    """Read a stream to its end; return it."""
    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url) as client:
        async with client.responses.stream(model="m", input="Hi", run_tools=tools, **params) as s:
            await s.until_done()
        return s


def bodies(scenario: Scenario) -> list[Any]:
    return [request.body for request in scenario.requests]


async def test_a_stored_response_is_gone_on_with_by_its_id():
    scenario = Scenario([Turn(*CALLS, Say("Done."))])
    s = await run(scenario, [look_up, add])

    first, second = bodies(scenario)
    assert ["look_up", "add"] == [tool["name"] for tool in first["tools"]]
    assert s.rounds[0].snapshot.id == second["previous_response_id"]
    assert [("function_call_output", '{"city":"Rome","degrees":21}'), ("function_call_output", "3")] == [
        (item["type"], item["output"]) for item in second["input"]
    ]
    assert ("answered", 2, ["returned", "returned"]) == (s.stopped, len(s.rounds), [r.status for r in s.results])
    assert s.usage is not None
    assert s.usage.total_tokens == sum(round.usage.total_tokens for round in s.rounds)


async def test_one_that_is_not_stored_is_sent_back_whole_with_its_reasoning():
    scenario = Scenario([Turn(Think("Hm."), *CALLS, Say("Done."))])
    s = await run(scenario, [look_up, add], store=False, include=["reasoning.encrypted_content"])

    second = bodies(scenario)[1]
    assert "previous_response_id" not in second
    types = [item.get("type", "message") for item in second["input"]]
    said = ["message", "reasoning", "function_call", "function_call", "message"]
    assert [*said, "function_call_output", "function_call_output"] == types
    reasoning = s.rounds[0].snapshot.output[0]
    assert reasoning.encrypted_content == second["input"][1]["encrypted_content"]
    assert second["input"] == s.input[: len(second["input"])]


async def test_encrypted_items_go_back_as_they_came_over_three_rounds():
    scenario = Scenario([*[Turn(Think(f"Hm {number}."), CALLS[0]) for number in range(3)], Turn(Say("Done."))])
    s = await run(scenario, [look_up, add], store=False, include=["reasoning.encrypted_content"])

    sent = [body["input"] for body in bodies(scenario)]
    thoughts = [round.snapshot.output[0].encrypted_content for round in s.rounds[:3]]
    assert thoughts == [item["encrypted_content"] for item in sent[3] if item.get("type") == "reasoning"]
    assert 3 == len(set(thoughts))
    assert None not in thoughts
    # Each request begins with the one before it, but for the text of the first: nothing was written anew.
    assert all(after[: len(before)] == before for before, after in itertools.pairwise(sent[1:]))


async def test_a_conversation_is_neither_named_again_nor_repeated():
    scenario = Scenario([Turn(*CALLS, Say("Done."))])
    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url) as client:
        conversation = await client.conversations.create()
        async with client.responses.stream(
            model="m", input="Hi", conversation=conversation.id, run_tools=[look_up, add]
        ) as s:
            await s.until_done()

    second = bodies(scenario)[-1]
    assert conversation.id == second["conversation"]
    assert ("previous_response_id" in second, 2) == (False, len(second["input"]))


async def test_content_goes_back_as_parts():
    def draw(city: str) -> Content:
        return Content("the map", Image("https://example.org/map.png"), File(file_id="file_1"))

    scenario = Scenario([Turn(CallFunction("draw", {"city": "Rome"}), Say("Done."))])
    await run(scenario, [draw])

    assert [
        {"type": "input_text", "text": "the map"},
        {"type": "input_image", "image_url": "https://example.org/map.png", "detail": "auto"},
        {"type": "input_file", "file_id": "file_1"},
    ] == bodies(scenario)[1]["input"][0]["output"]


async def test_no_call_of_an_incomplete_response_runs():
    ran = []

    def add(a: int, b: int) -> None:
        ran.append((a, b))

    scenario = Scenario([Turn(CallFunction("add", {"a": 1, "b": 2}), Incomplete("max_output_tokens"))])
    s = await run(scenario, [add])

    assert ([], "cut", 1) == (ran, s.stopped, len(scenario.requests))


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "add"}])
async def test_a_choice_that_forces_a_call_holds_for_the_first_round_only(choice):
    scenario = Scenario([Turn(*CALLS, Say("Done."))])
    await run(scenario, [look_up, add], tool_choice=choice)

    assert [choice, None] == [body.get("tool_choice") for body in bodies(scenario)]


async def test_the_loop_body_may_change_the_next_request():
    scenario = Scenario([Turn(*CALLS, Say("Done."))])
    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url) as client:
        async with client.responses.stream(model="m", input="Hi", run_tools=[look_up, add]) as s:
            async for change in s.changes:
                if isinstance(change, RoundDone) and change.stop is None:
                    s.next_round.input.append({"role": "developer", "content": "Be quick."})
                    s.next_round.params["temperature"] = 0.1
                    with pytest.raises(ConfigurationError, match="no messages"):
                        _ = s.next_round.messages

    assert (0.1, {"role": "developer", "content": "Be quick."}) == (
        bodies(scenario)[1]["temperature"],
        bodies(scenario)[1]["input"][-1],
    )


@pytest.mark.parametrize("allowed", [True, False])
async def test_calls_to_mcp_servers_are_approved_by_the_same_hook(allowed):
    asked = []

    async def approve(call: Any) -> bool:
        asked.append((call.name, json.loads(call.arguments)))
        return allowed

    scenario = Scenario([Turn(RequestApproval("roll", {"sides": 6}, output="4")), Turn(Say("Done."))])
    s = await run(scenario, Tools(add, approve=approve))

    assert [("roll", {"sides": 6})] == asked
    (item,) = bodies(scenario)[1]["input"]
    assert ("mcp_approval_response", allowed) == (item["type"], item["approve"])
    assert ["returned" if allowed else "refused"] == [result.status for result in s.results]


async def test_an_approval_may_wait_for_another_process():
    async def approve(call: Any) -> Later:
        return Later()

    scenario = Scenario([Turn(RequestApproval("roll", {"sides": 6}, output="4")), Turn(Say("Done."))])
    tools = Tools(add, approve=approve)
    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url) as client:
        async with client.responses.stream(model="m", input="Hi", run_tools=tools) as s:
            await s.until_done()
        assert "later" == s.stopped
        state = LoopState.load(pickle.loads(pickle.dumps(s.state)).dump())
        state.decide({s.pending[0].id: True})
        async with client.responses.stream(model="m", input="Hi", run_tools=tools, resume=state) as again:
            await again.until_done()

    assert "answered" == again.stopped
    assert bodies(scenario)[1]["input"][0]["approve"] is True


async def test_without_a_hook_the_approval_is_asked_of_the_reader():
    scenario = Scenario([Turn(RequestApproval("roll", {"sides": 6}, output="4")), Turn(Say("Done."))])
    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url) as client:
        async with client.responses.stream(model="m", input="Hi", run_tools=[add]) as s:
            async for change in s.changes:
                if isinstance(change, RoundDone) and change.stop == "external":
                    approvals = [{"approval_request_id": call.id, "approve": True} for call in s.pending]
                    await s.submit_tool_approvals(approvals)

    assert ("answered", 2) == (s.stopped, len(scenario.requests))


async def test_a_custom_tool_is_answered_elsewhere_also_by_a_whole_item():
    custom = {"type": "custom", "name": "shell"}
    scenario = Scenario([Turn(CallCustom("shell", "ls"), Say("Done."))])
    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url) as client:
        async with client.responses.stream(model="m", input="Hi", tools=[custom], run_tools=[add]) as s:
            async for change in s.changes:
                if isinstance(change, RoundDone) and change.stop == "external":
                    (call,) = s.pending
                    item = {"type": "custom_tool_call_output", "call_id": call.id, "output": "README.md"}
                    await s.submit_tool_outputs([item])

    assert [item] == bodies(scenario)[1]["input"]


async def test_a_call_runs_once_over_a_resumption():
    ran = []
    kept: list[bytes] = []

    def add(a: int, b: int) -> int:
        ran.append((a, b))
        return a + b

    async def record(state: LoopState) -> None:
        kept.append(state.dump())

    scenario = Scenario([Turn(CallFunction("add", {"a": 1, "b": 2}), Say("Done."))])
    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url) as client:
        async with client.responses.stream(model="m", input="Hi", run_tools=Tools(add, record=record)) as s:
            async for change in s.changes:
                if isinstance(change, RoundDone):
                    break
        state = LoopState.load(kept[-1])
        async with client.responses.stream(model="m", input="Hi", run_tools=Tools(Tool(add)), resume=state) as again:
            await again.until_done()

    assert ([(1, 2)], "answered") == (ran, again.stopped)


async def test_a_stream_that_joins_a_response_runs_no_tools():
    async with AsyncClient(api_key="k", base_url="http://localhost:1") as client:
        with pytest.raises(ConfigurationError, match="response_id"):
            client.responses.stream(response_id="resp_1", run_tools=[add])  # type: ignore[call-overload]
        with pytest.raises(ConfigurationError, match="run_tools"):
            client.responses.stream(model="m", input="Hi", resume=LoopState())
