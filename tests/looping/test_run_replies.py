"""How a run goes on after it has asked for something: what is open, and what is submitted."""

import pytest

from asyncstream import ConfigurationError, LoopState
from asyncstream.looping.assistants import calls_of, next_round
from asyncstream.looping.book import KeptCall
from asyncstream.tools import Image
from asyncstream.types import (
    RequiredAction,
    RequiredActionFunctionToolCall,
    RequiredActionMCPToolCall,
    Run,
)
from asyncstream.types.runs import (
    RequiredActionFunction,
    RequiredActionSubmitToolApproval,
    RequiredActionSubmitToolOutputs,
)


def kept(place: int, **fields: object) -> KeptCall:
    return KeptCall(**{"place": place, "id": f"call_{place}", "name": "f", "arguments": "{}", **fields})


def test_a_run_that_waits_for_nothing_has_no_calls():
    assert [] == calls_of(Run(id="run_1"))


def test_functions_are_offered_in_their_order():
    listed = [
        RequiredActionFunctionToolCall(
            id=f"call_{x}", function=RequiredActionFunction(name="f", arguments=f'{{"x": {x}}}')
        )
        for x in (0, 1)
    ]
    action = RequiredAction(
        type="submit_tool_outputs", submit_tool_outputs=RequiredActionSubmitToolOutputs(tool_calls=listed)
    )

    expected = [kept(x, arguments=f'{{"x": {x}}}') for x in (0, 1)]
    assert expected == calls_of(Run(id="run_1", status="requires_action", required_action=action))


def test_calls_that_the_server_runs_are_only_asked_about():
    listed = [RequiredActionMCPToolCall(id=f"call_{x}", name="f", arguments="{}") for x in (0, 1)]
    action = RequiredAction(
        type="submit_tool_approval", submit_tool_approval=RequiredActionSubmitToolApproval(tool_calls=listed)
    )

    expected = [kept(x, runs_elsewhere=True) for x in (0, 1)]
    assert expected == calls_of(Run(id="run_1", status="requires_action", required_action=action))


def test_outputs_are_submitted_in_the_order_of_the_calls():
    state = LoopState(round=3, calls=[kept(0, output="a", standing="returned"), kept(1, output="b")])

    upcoming = next_round(state)

    assert 4 == upcoming.number
    outputs = [{"tool_call_id": "call_0", "output": "a"}, {"tool_call_id": "call_1", "output": "b"}]
    assert {"tool_outputs": outputs} == upcoming.body()


def test_what_was_refused_is_not_approved_and_all_else_is():
    calls = [kept(0, runs_elsewhere=True, standing="refused"), kept(1, runs_elsewhere=True, standing="returned")]

    approvals = [{"tool_call_id": "call_0", "approve": False}, {"tool_call_id": "call_1", "approve": True}]
    assert {"tool_approvals": approvals} == next_round(LoopState(calls=calls)).body()


def test_outputs_and_approvals_go_together():
    body = next_round(LoopState(calls=[kept(0, output="a"), kept(1, runs_elsewhere=True)])).body()

    assert ["tool_outputs", "tool_approvals"] == list(body)
    assert ["call_0"] == [output["tool_call_id"] for output in body["tool_outputs"]]


def test_a_run_takes_no_pictures():
    state = LoopState(calls=[kept(0, output=["see", Image("https://x.test/a.png")])])

    with pytest.raises(ConfigurationError, match="'f' is Content, and a run takes text alone"):
        next_round(state)
