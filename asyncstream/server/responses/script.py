"""A response from its beginning to its end: the events of a scripted turn, and its controls between them. Pure.

The response changes while the events are taken: whoever has taken an event sees it in the response. `output` makes the
events of the items.

    created -> (queued ->) in_progress -> items -> completed | incomplete | failed
"""

from collections.abc import Container, Iterator, Sequence
from typing import Any, TypeAlias

from asyncstream.server.actions import (
    Action,
    CallCustom,
    CallFunction,
    CallMCP,
    Cut,
    DrawImage,
    EmitRaw,
    EndStep,
    ErrorEvent,
    Expire,
    Fail,
    Incomplete,
    Pause,
    Refuse,
    RequestApproval,
    RunCode,
    Say,
    SearchFiles,
    SearchWeb,
    ShowImage,
    Think,
)
from asyncstream.server.responses.objects import response_usage, shown
from asyncstream.server.responses.output import Asked, Output
from asyncstream.server.state import Wire, now

__all__ = ["Approved", "Control", "Script", "Told", "check_actions"]

Control: TypeAlias = Pause | EmitRaw | Cut
Told: TypeAlias = Wire | ErrorEvent | Control
"""An event, or a control; an `ErrorEvent` gets its shape from the dialect."""


class Approved:
    """An MCP call that was asked for, and approved: its item comes first in the answer to the approval."""

    def __init__(self, request_id: str, call: CallMCP) -> None:
        self.request_id = request_id
        self.call = call


def check_actions(actions: Sequence[Action]) -> None:
    """Check that a response can have such actions.

    Raises:
        ValueError: It has one that responses do not know.
    """
    for action in actions:
        if isinstance(action, ShowImage | Expire):
            raise ValueError(f"a response knows no {type(action).__name__}")


class Script:
    """What one response is going to do.

    Args:
        response: The wire object, which changes while the events are taken.
        actions: The turn.
        asked: What of the request shows in items.
        input_tokens: What the usage says of the request.
        listed: The MCP servers whose tools are listed first, with their tools.
        approved: The calls that the request approves.
    """

    def __init__(
        self,
        response: Wire,
        actions: Sequence[Action],
        asked: Asked,
        *,
        input_tokens: int = 0,
        listed: Sequence[tuple[str, Sequence[str]]] = (),
        approved: Sequence[Approved] = (),
    ) -> None:
        check_actions(actions)
        self._response = response
        self._actions = actions
        self._input_tokens = input_tokens
        self._listed = listed
        self._approved = approved
        self._output = Output(response, asked)

    def play(self) -> Iterator[Told]:
        """Yield the events and controls, in order."""
        response = self._response
        yield self._lifecycle("created")
        if response["background"]:
            yield self._lifecycle("queued")
        response["status"] = "in_progress"
        yield self._lifecycle("in_progress")
        for label, names in self._listed:
            yield from self._output.list_tools(label, names)
        for one in self._approved:
            yield from self._output.call_mcp(one.call, one.request_id)
        for action in self._actions:
            match action:
                case Pause() | EmitRaw() | Cut():
                    yield action
                case Fail(code=code, message=message):
                    self._fail(code, message)
                    yield self.failed()
                    return
                case ErrorEvent():
                    self._fail(str(action.code or "server_error"), action.message)
                    yield action
                    return
                case Incomplete(reason=reason):
                    yield from self._output.close("incomplete")
                    yield self._end("incomplete", incomplete_details={"reason": _REASONS.get(reason, reason)})
                    return
                case _:
                    yield from self._act(action)
        yield from self._output.close()
        yield self._end("completed", completed_at=now())

    def included(self, include: Container[str]) -> Wire:
        """Return the response with what a later request includes."""
        response = shown(self._response)
        for place, item in enumerate(response["output"]):
            what, members = self._output.hidden.get(item["id"], ("", {}))
            if what in include:
                response["output"][place] = {**item, **members}
        return response

    def cancel(self) -> Wire:
        """Cancel the response; return the event that says so."""
        self._output.abandon()
        return self._end("cancelled")

    def failed(self) -> Wire:
        """Return the event that says that the response failed, for dialects that send it beside an error."""
        return self._lifecycle("failed")

    def _act(self, action: Action) -> Iterator[Wire]:
        output = self._output
        match action:
            case Say():
                yield from output.say(action)
            case Think():
                yield from output.think(action)
            case Refuse():
                yield from output.refuse(action)
            case CallFunction():
                yield from output.call_function(action)
            case CallCustom():
                yield from output.call_custom(action)
            case RequestApproval():
                yield from output.request_approval(action)
            case RunCode():
                yield from output.run_code(action)
            case SearchFiles():
                yield from output.search_files(action)
            case SearchWeb():
                yield from output.search_web(action)
            case DrawImage():
                yield from output.draw_image(action)
            case CallMCP():
                yield from output.call_mcp(action)
            case EndStep():
                yield from output.close()

    def _fail(self, code: str, message: str) -> None:
        self._output.abandon()
        self._update("failed", error={"code": code, "message": message})

    def _end(self, status: str, **members: Any) -> Wire:
        self._update(status, **members)
        return self._lifecycle(status)

    def _update(self, status: str, **members: Any) -> None:
        usage = response_usage(self._input_tokens, self._output.tokens, self._output.reasoning_tokens)
        self._response.update(members, status=status, usage=usage)

    def _lifecycle(self, name: str) -> Wire:
        return {"type": f"response.{name}", "response": shown(self._response)}


_REASONS = {"max_completion_tokens": "max_output_tokens", "max_prompt_tokens": "max_output_tokens"}
"""Why an answer is not whole: what a run says, to what a response says."""
