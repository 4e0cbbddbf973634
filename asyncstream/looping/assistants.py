"""How a run goes on after it has asked for something: its calls, and what is submitted. Pure.

Above it: `streaming.assistants.loop`, which sends what is made here. The conversation is on the server.
"""

from typing import Any

from asyncstream.errors import ConfigurationError
from asyncstream.looping.book import KeptCall, LoopState
from asyncstream.tools.next_round import NextRound
from asyncstream.types.runs import Run

__all__ = ["calls_of", "next_round"]


def calls_of(run: Run) -> list[KeptCall]:
    """Return what a run waits for: outputs of functions, or, on Azure, decisions about calls to MCP servers."""
    action = run.required_action
    approvals = None if action is None else action.submit_tool_approval
    if approvals is not None:
        return [
            KeptCall(place=place, id=call.id, name=call.name, arguments=call.arguments, runs_elsewhere=True)
            for place, call in enumerate(approvals.tool_calls)
        ]
    return [
        KeptCall(place=place, id=call.id, name=call.name, arguments=call.arguments)
        for place, call in enumerate(run.pending_tool_calls)
    ]


def next_round(state: LoopState) -> NextRound:
    """Return what is submitted, given a result of each call."""
    body: dict[str, Any] = {}
    outputs = [{"tool_call_id": call.id, "output": _text(call)} for call in state.calls if not call.runs_elsewhere]
    approvals = [
        {"tool_call_id": call.id, "approve": call.standing != "refused"} for call in state.calls if call.runs_elsewhere
    ]
    if outputs:
        body["tool_outputs"] = outputs
    if approvals:
        body["tool_approvals"] = approvals
    return NextRound(state.round + 1, body)


def _text(call: KeptCall) -> str:
    if isinstance(call.output, str):
        return call.output
    raise ConfigurationError(f"the output of {call.name!r} is Content, and a run takes text alone")
