"""A stream of responses that runs the calls of each, however one of them ends: nothing is run again."""

from typing import Any

import pytest

from asyncstream import (
    APIConnectionError,
    AsyncClient,
    AuthenticationError,
    InternalServerError,
    LoopState,
    MaxRoundsError,
    StreamError,
    StreamEventError,
    Tools,
)
from asyncstream.server import CallFunction, Cut, ErrorEvent, Fault, Say, Scenario, Turn, serve

CALLS = Turn(CallFunction("f", {"x": 1}), CallFunction("f", {"x": 2}))


@pytest.mark.parametrize("store", [True, False], ids=["stored", "not stored"])
@pytest.mark.parametrize("ending", ["cut", "error event"])
async def test_after_a_second_response_that_fails_it_is_asked_for_again_and_nothing_runs(ending, store):
    ran: list[int] = []

    async def f(x: int) -> int:
        ran.append(x)
        return x

    second = Turn(Say("Half"), ErrorEvent("overloaded")) if ending == "error event" else Turn(Say("Half of it"))
    cut = Cut(after_event="response.output_text.delta") if ending == "cut" else None
    scenario = Scenario([CALLS, second, Turn(Say("Whole"))], cuts=[None, cut])
    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url, max_retries=0) as client:
        options: Any = {"model": "m", "store": store, "run_tools": [f]}
        async with client.responses.stream(input="hi", **options) as s:
            with pytest.raises(StreamEventError if ending == "error event" else StreamError):
                await s.until_done()
        assert ["1", "2"] == [result.output for result in s.results]
        state = LoopState.load(s.state.dump())
        async with client.responses.stream(input="something else", **options, resume=state) as again:
            final = await again.get_final_response()

    assert (2, "Whole") == (len(ran), final.output_text)
    asked, again_asked = (request.body for request in scenario.requests[-2:])
    assert asked["input"] == again_asked["input"]
    assert asked.get("previous_response_id") == again_asked.get("previous_response_id")


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ([Fault(status=500)], InternalServerError),
        ([Fault(status=401)], AuthenticationError),
        # A connection that was used before is replaced once.
        ([Fault(drop="rst")] * 2, APIConnectionError),
    ],
    ids=["500", "401", "broken"],
)
async def test_after_a_second_request_that_fails_it_is_sent_again_and_nothing_runs(faults, error):
    ran: list[int] = []
    scenario = Scenario([CALLS, Turn(Say("Whole"))])

    async def f(x: int) -> int:
        ran.append(x)
        scenario.responses[:] = faults
        return x

    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url, max_retries=0) as client:
        async with client.responses.stream(input="hi", model="m", run_tools=[f]) as s:
            with pytest.raises(error):
                await s.until_done()
        assert ["1", "2"] == [result.output for result in s.results]
        state = LoopState.load(s.state.dump())
        async with client.responses.stream(input="hi", model="m", run_tools=[f], resume=state) as again:
            final = await again.get_final_response()

    assert ([1, 2], "Whole") == (sorted(ran), final.output_text)
    asked, again_asked = (request.body for request in scenario.requests[-2:])
    assert asked == again_asked


async def test_the_last_round_allowed_starts_nothing():
    ran: list[int] = []

    async def f(x: int) -> None:
        ran.append(x)

    async with serve(Scenario([CALLS, CALLS])) as url, AsyncClient(api_key="k", base_url=url) as client:
        async with client.responses.stream(input="hi", model="m", run_tools=Tools(f, max_rounds=2)) as s:
            with pytest.raises(MaxRoundsError):
                await s.until_done()

    assert (2, 2) == (len(ran), len(s.rounds))
    assert ["returned"] * 2 + ["unrun"] * 2 == [result.status for result in s.results]
