"""The book of a loop: entries move one way, and come back from where they were kept."""

import json
import pickle

import pytest

from asyncstream import ConfigurationError, LoopState, Refused
from asyncstream.looping.book import KeptCall, result_of
from asyncstream.looping.outputs import outputs_by_id
from asyncstream.looping.usage import summed
from asyncstream.tools import File, Image, ToolResult
from asyncstream.types import CompletionTokensDetails, CompletionUsage


def book(*standings: str) -> LoopState:
    calls = [
        KeptCall(place=place, id=f"call_{place}", name="f", arguments="{}", standing=standing)
        for place, standing in enumerate(standings)
    ]
    return LoopState(calls=calls, history={"messages": [{"role": "user"}]})


def test_a_call_begins_once():
    state = book("offered")
    state.begin(0)

    assert "began" == state.calls[0].standing
    with pytest.raises(ConfigurationError, match="call 0 of round 1 is 'began'"):
        state.begin(0)


def test_the_next_round_has_the_next_number_no_calls_and_the_results_of_those_before():
    state = book("returned")
    result = result_of(1, state.calls[0])
    state.next_round([result])

    assert (2, [], [result]) == (state.round, state.calls, state.ended)


def test_a_call_ends_once():
    state = book("began")
    state.end(0, "returned", "1", 0.5)
    state.end(0, "failed", "2", 0.7)

    assert ("returned", "1", 0.5) == (state.calls[0].standing, state.calls[0].output, state.calls[0].elapsed)


def test_what_began_and_did_not_end_is_lost():
    state = book("offered", "began", "returned", "later")

    assert [1] == [call.place for call in state.lose()]
    assert ["offered", "lost", "returned", "later"] == [call.standing for call in state.calls]
    assert "Was interrupted: it may or may not have run." == state.calls[1].output


@pytest.mark.parametrize("keep", [pickle.dumps, LoopState.dump])
def test_a_state_comes_back_as_it_was_kept(keep):
    state = book("returned", "later")
    state.calls[0].output = ["text", Image("https://example.org/a.png"), File(file_id="file_1")]
    result = ToolResult(round=1, place=0, id="a", name="f", output="x", value=object, error=ValueError("x"))
    state.next_round([result])
    state.calls = book("returned", "later").calls

    again = pickle.loads(keep(state)) if keep is pickle.dumps else LoopState.load(keep(state))

    assert (state.round, state.history, state.calls) == (again.round, again.history, again.calls)
    assert ["x"] == [kept.output for kept in again.ended]


def test_what_functions_returned_is_in_no_json():
    state = LoopState(ended=[ToolResult(round=1, place=0, id="a", name="f", output="x", value="secret")])

    assert b"secret" not in state.dump()
    assert {"round", "history", "calls", "ended"} == json.loads(state.dump()).keys()


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"round": "x"}', b"\xff", "not json"])
def test_what_is_no_state_is_refused(data):
    with pytest.raises(ConfigurationError, match="no state of a tool loop"):
        LoopState.load(data)


def test_a_copy_does_not_change_with_the_state():
    state = book("offered")
    copy = state.copy()
    state.begin(0)

    assert "offered" == copy.calls[0].standing


@pytest.mark.parametrize(
    ("decision", "standing", "output", "allowed"),
    [
        (True, "offered", "", True),
        (False, "refused", "Not allowed.", False),
        (Refused("no"), "refused", "Not allowed: no", False),
        ("an output", "returned", "an output", False),
    ],
)
def test_a_call_that_waits_is_decided(decision, standing, output, allowed):
    call = book("later").decide({"call_0": decision}).calls[0]

    assert (standing, output, allowed) == (call.standing, call.output, call.allowed)


def test_nothing_is_decided_where_one_decision_is_wrong():
    state = book("later", "external", "returned")

    with pytest.raises(ConfigurationError, match="no call 'call_2' waits"):
        state.decide({"call_0": True, "call_2": True})
    with pytest.raises(ConfigurationError, match="'call_1' is answered elsewhere"):
        state.decide({"call_0": True, "call_1": True})

    assert ["later", "external", "returned"] == [call.standing for call in state.calls]


def test_the_result_of_a_call_has_no_status_before_it_ended():
    assert None is result_of(3, book("began").calls[0]).status
    assert (3, "lost") == (result_of(3, book("lost").calls[0]).round, result_of(3, book("lost").calls[0]).status)


def test_what_a_function_sees_does_not_change_the_book():
    state = book("offered")
    state.calls[0].shown().arguments = "changed"

    assert "{}" == state.calls[0].arguments
    assert {} == state.calls[0].shown().parse()


@pytest.mark.parametrize(
    ("outputs", "match"),
    [
        ([], "no"),
        ([{"tool_call_id": "b", "output": "1"}], "no call 'b' is open"),
        ([{"tool_call_id": "a", "output": "1"}] * 2, "expected one output for 'a', got 2"),
        ([{"tool_call_id": "a", "output": 1}], "as text, got int"),
    ],
)
def test_outputs_must_be_one_for_each_call(outputs, match):
    with pytest.raises(ConfigurationError, match=match):
        outputs_by_id(outputs, ["a"])


def test_outputs_are_found_under_either_name_of_the_id():
    assert {"a": "1"} == outputs_by_id([{"tool_call_id": "a", "output": "1"}], ["a"])
    assert {"a": "1"} == outputs_by_id([{"call_id": "a", "output": "1"}], ["a"])  # type: ignore[list-item]


def test_usages_are_summed_member_by_member():
    details = CompletionTokensDetails(reasoning_tokens=2)
    one = CompletionUsage(prompt_tokens=1, completion_tokens=2, total_tokens=3, completion_tokens_details=details)
    other = CompletionUsage(prompt_tokens=10, completion_tokens=20, total_tokens=30)

    total = summed([None, one, other, None])

    assert total is not None
    assert (11, 22, 33) == (total.prompt_tokens, total.completion_tokens, total.total_tokens)
    assert details == total.completion_tokens_details
    assert None is summed([None])
    assert one == summed([one])


def test_what_was_not_decided_about_stays_and_a_state_says_so():
    state = book("later", "later")

    assert state is state.decide({"call_0": False})
    assert "LoopState(round=1, calls=[f: refused, f: later])" == repr(state)


def test_a_copy_holds_nothing_that_a_function_returned_or_raised():
    result = ToolResult(round=1, place=0, id="call_0", name="f", output="1", value=object(), error=ValueError("x"))
    copied = LoopState(ended=[result]).copy().ended[0]

    assert (None, None, "1") == (copied.value, copied.error, copied.output)
    assert result.value is not None


@pytest.mark.parametrize(("elsewhere", "decision"), [(True, "an output"), (False, True)])
def test_a_call_of_elsewhere_is_decided_by_what_it_takes(elsewhere, decision):
    state = book("external")
    state.calls[0].runs_elsewhere = elsewhere

    with pytest.raises(ConfigurationError, match="True, False or" if elsewhere else "its output as text"):
        state.decide({"call_0": decision})
    assert "external" == state.calls[0].standing


def test_an_call_that_the_server_runs_takes_a_yes():
    state = book("external")
    state.calls[0].runs_elsewhere = True

    state.decide({"call_0": True})
    assert ("offered", True) == (state.calls[0].standing, state.calls[0].allowed)


@pytest.mark.parametrize("standing", ["offered", "began", "later", "external"])
def test_a_call_without_a_result_is_open_and_may_end(standing):
    state = book(standing)
    assert state.calls[0].open

    state.end(0, "returned", "1")
    assert (False, "1", 0.0) == (state.calls[0].open, state.calls[0].output, state.calls[0].elapsed)


@pytest.mark.parametrize(("standing", "listed"), [("returned", "none"), ("later", "'call_0'")])
def test_who_decides_about_another_call_is_told_which_wait(standing, listed):
    with pytest.raises(ConfigurationError, match=f"waiting: {listed}$"):
        book(standing).decide({"call_9": True})
