"""The responses of a server: how one begins, with all that its model is told, and the tasks of those in the background.

What a request refers to is found here: the response before it, its conversation, items by their ids, approvals.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from asyncstream.server.actions import CallMCP, RequestApproval, Segment, Turn
from asyncstream.server.pieces import json_text
from asyncstream.server.problems import WireError
from asyncstream.server.responses.items import check_calls, count_words, last_question, read_items, results_of
from asyncstream.server.responses.live import LiveResponse
from asyncstream.server.responses.objects import new_response
from asyncstream.server.responses.output import Asked
from asyncstream.server.responses.records import Records, ResponseRecord
from asyncstream.server.responses.script import Approved, Script
from asyncstream.server.scenario import Scenario
from asyncstream.server.state import Wire, new_id

__all__ = ["ResponseEngine"]


class ResponseEngine:
    """Makes, keeps and stops responses.

    Attributes:
        records: All that is remembered.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.records = Records()

    @property
    def closed(self) -> bool:
        """Whether requests with members that OpenAI does not know are refused."""
        return not self._scenario.responses_dialect.any_parameter

    def told(self, body: Mapping[str, Any]) -> list[Wire]:
        """Return all items that the model is told, oldest first.

        Raises:
            WireError: 400 or 404 for items that are wrong, and for what is referred to and not there.
        """
        before: list[Wire] = []
        previous = body.get("previous_response_id")
        if previous is not None:
            if self.records.real(previous) not in self.records.responses:
                raise WireError(
                    400,
                    f"Previous response with id '{previous}' not found.",
                    param="previous_response_id",
                    code="previous_response_not_found",
                )
            before = self.records.response(previous).context()
        elif body.get("conversation") is not None:
            before = list(self.records.conversation(_conversation_id(body) or "").items.values())
        items = [*before, *self.resolved(read_items(body.get("input"), closed=self.closed))]
        if self.closed:
            check_calls(items)
        return items

    def resolved(self, items: Sequence[Wire]) -> list[Wire]:
        """Return items, with those in the place of references that they refer to.

        Raises:
            WireError: 404 for an item that is not there.
        """
        return [self._resolved(item) for item in items]

    def _resolved(self, item: Wire) -> Wire:
        match item["type"]:
            case "item_reference":
                return self.records.item(item["id"])
            case "reasoning" if self.closed and not item.get("encrypted_content"):
                # What only the server knows of the reasoning is looked up by its id.
                return self.records.item(item["id"])
            case "function_call_output" | "custom_tool_call_output":
                return {"status": "completed", **item, "call_id": self.records.real(item["call_id"])}
            case _:
                return item

    def begin(self, body: Mapping[str, Any]) -> ResponseRecord:
        """Make the response to a request; the next turn is used up for it.

        It is neither kept nor played yet.
        """
        items = self.told(body)
        before = self.context_size(body)
        segment = Segment(last_question(items), body.get("tools") or (), results_of(items), dict(body))
        turn = self._scenario.next_turn(segment)
        wire = new_response(body, _conversation_id(body))
        asked = Asked(segment.question, frozenset(body.get("include") or ()), body.get("top_logprobs") or 0)
        script = Script(
            wire,
            self._with_ids(turn),
            asked,
            input_tokens=count_words(items, body.get("instructions"), body.get("tools")),
            listed=_listed(body.get("tools") or (), items, turn),
            approved=self._approved(items[before:]),
        )
        live = LiveResponse(wire, script, self._scenario)
        return ResponseRecord(live, items, bool(body.get("stream")), asyncio.get_running_loop().time())

    def context_size(self, body: Mapping[str, Any]) -> int:
        """Return how many items the model is told before those of the request itself."""
        previous = body.get("previous_response_id")
        if previous is not None:
            return len(self.records.response(previous).context())
        conversation_id = _conversation_id(body)
        return 0 if conversation_id is None else len(self.records.conversation(conversation_id).items)

    def keep(self, record: ResponseRecord) -> None:
        """Remember a response that is to be stored, and add what was said to its conversation when it is over."""
        wire = record.wire
        if wire["store"]:
            self.records.responses[wire["id"]] = record
        if record.live.over and "conversation" in wire:
            conversation = self.records.conversations.get(wire["conversation"]["id"])
            if conversation is not None:
                conversation.add(record.context())

    def run(self, record: ResponseRecord) -> None:
        """Play a response in the background."""
        id = record.wire["id"]

        async def play() -> None:
            await record.live.play()
            self.keep(record)

        self.keep(record)
        task = self._tasks[id] = asyncio.create_task(play())
        task.add_done_callback(lambda _: self._tasks.pop(id, None))

    def cancel(self, record: ResponseRecord) -> None:
        """Cancel a response in the background.

        Raises:
            WireError: 400 for one that is not in the background, or is over but not cancelled.
        """
        wire = record.wire
        if not wire["background"]:
            raise WireError(400, "Only a response that was made with 'background' can be cancelled.")
        if wire["status"] == "cancelled":
            return
        if record.live.over:
            raise WireError(400, f"A response with status '{wire['status']}' cannot be cancelled.")
        self._stop(wire["id"])
        record.live.cancel()

    def delete(self, record: ResponseRecord) -> None:
        """Forget a response, and stop it."""
        self._stop(record.wire["id"])
        record.live.forget()
        del self.records.responses[record.wire["id"]]

    async def close(self) -> None:
        """Stop all responses in the background; when it returns, no task is left."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _stop(self, id: str) -> None:
        task = self._tasks.pop(id, None)
        if task is not None:
            task.cancel()

    def _with_ids(self, turn: Turn) -> list[Any]:
        """Return the actions of a turn; approvals get their ids, and are remembered by them."""
        actions: list[Any] = []
        for action in turn.actions:
            if isinstance(action, RequestApproval):
                id = action.id or new_id("mcpr")
                call = CallMCP(
                    action.name,
                    json_text(action.arguments),
                    server_label=action.server_label,
                    output=action.output,
                )
                self.records.approvals[id] = Approved(id, call)
                action = RequestApproval(action.name, action.arguments, action.server_label, action.output, id)
            actions.append(action)
        return actions

    def _approved(self, items: Sequence[Wire]) -> list[Approved]:
        """Return the calls that items approve."""
        asked = self.records.approvals
        answers = [item for item in items if item["type"] == "mcp_approval_response"]
        for item in answers:
            if item["approval_request_id"] not in asked:
                raise WireError(
                    400, f"No approval was requested with the id '{item['approval_request_id']}'.", param="input"
                )
        return [asked[item["approval_request_id"]] for item in answers if item["approve"]]


def _conversation_id(body: Mapping[str, Any]) -> str | None:
    conversation = body.get("conversation")
    if isinstance(conversation, dict):
        conversation = conversation.get("id")
    return conversation


def _listed(tools: Sequence[Mapping[str, Any]], items: Sequence[Wire], turn: Turn) -> list[tuple[str, Sequence[str]]]:
    """Return the MCP servers of a request whose tools the model has not been told yet, with what the turn uses."""
    known = {item["server_label"] for item in items if item["type"] == "mcp_list_tools"}
    used = [action for action in turn.actions if isinstance(action, CallMCP | RequestApproval)]
    labels = [tool["server_label"] for tool in tools if tool["type"] == "mcp"]
    return [
        (label, list(dict.fromkeys(action.name for action in used if action.server_label == label)))
        for label in dict.fromkeys(labels)
        if label not in known
    ]
