"""Real exchanges of Responses and Conversations: each is asked for by a call of ours and decodes without a loss.

As `test_recorded_exchanges` does for the other endpoints: the call is made, the recorded answer is given, and what the
call returns or raises is compared with it. Where the recording has the request's body too, the call has sent the same.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from raw_server import Exchange, raw_server
from shared_files import SHARED, needs_shared
from test_spec import parameters
from test_types import lost

from asyncstream.client import AsyncClient
from asyncstream.errors import APIStatusError, status_error_type
from asyncstream.resources.paging import ListPage

pytestmark = needs_shared("recordings_http_responses")

RECORDINGS = sorted((SHARED / "recordings_http_responses").glob("*.json"))

Call = Callable[..., Awaitable[Any]]

# What a recording is named after, and the call that asks for it.
CALLS: dict[str, Callable[[AsyncClient], Call]] = {
    "DELETE_v1_conversations_conv": lambda c: c.conversations.delete,
    "DELETE_v1_responses_resp": lambda c: c.responses.delete,
    "GET_v1_responses": lambda c: c.responses.retrieve,
    "GET_v1_responses_resp": lambda c: c.responses.retrieve,
    "GET_v1_responses_resp_input_items": lambda c: c.responses.input_items.list,
    "POST_v1_conversations": lambda c: c.conversations.create,
    "POST_v1_responses": lambda c: c.responses.create,
    "POST_v1_responses_compact": lambda c: c.responses.compact,
    "POST_v1_responses_input_tokens": lambda c: c.responses.input_tokens.count,
    "POST_v1_responses_resp_cancel": lambda c: c.responses.cancel,
}

UNUSED = AsyncClient(api_key="k")
"""For the signatures of its methods."""


def read(name: str) -> tuple[dict[str, Any], Callable[[AsyncClient], Call]]:
    record: dict[str, Any] = json.loads((SHARED / "recordings_http_responses" / name).read_text())
    body = record["request_body"]
    if isinstance(body, dict) and body.get("stream") is False:
        # What is not streamed is not asked to be: absent and false are the same.
        del body["stream"]
    return record, CALLS[name.split("-")[1]]


async def replay(record: dict[str, Any], call: Callable[[AsyncClient], Call]) -> tuple[Any, Exchange]:
    """Make the call that asks for a recorded answer; return what came of it, and what was sent."""
    parts = urlsplit(record["url"] or "")
    ids = re.findall(r"/((?:resp|conv)_[^/]+)", parts.path) or (["resp_1"] if record["method"] == "GET" else [])
    arguments: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query):
        if name in ("limit", "after"):
            arguments[name] = int(value) if name == "limit" else value
    body = record["request_body"]
    if isinstance(body, dict):
        known = parameters(call(UNUSED))
        # What only one server takes goes in `extra_body`.
        arguments |= {name: value for name, value in body.items() if name in known}
        arguments["extra_body"] = {name: value for name, value in body.items() if name not in known} or None

    async def answer(exchange: Exchange) -> None:
        await exchange.reply(record["status"], json.dumps(record["response_body"]).encode())

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client:
        try:
            outcome = await call(client)(*ids, **arguments)
        except APIStatusError as error:
            outcome = error
    (request,) = server.requests
    assert request.method == record["method"]
    return outcome, request


def saying_something(wire: Any) -> Any:
    """Return what a server sent without the empty log probabilities that it sends beside every text."""
    if isinstance(wire, list):
        return [saying_something(item) for item in wire]
    if isinstance(wire, dict):
        return {key: saying_something(value) for key, value in wire.items() if (key, value) != ("logprobs", [])}
    return wire


def taken(answer: Any) -> Any:
    if isinstance(answer, ListPage):
        items = [item.to_dict() for item in answer.data]
        ends = {"first_id": answer.first_id, "last_id": answer.last_id, "has_more": answer.has_more}
        return {"object": "list", "data": items, **ends}
    return answer.to_dict()


GOOD = [file.name for file in RECORDINGS if file.name.startswith("200-")]
REFUSED = [file.name for file in RECORDINGS if not file.name.startswith("200-")]


@pytest.mark.parametrize("name", GOOD)
async def test_a_recorded_answer_decodes_without_a_loss(name: str) -> None:
    record, call = read(name)

    outcome, sent = await replay(record, call)

    assert not isinstance(outcome, Exception)
    if outcome is None:
        assert record["response_body"]["deleted"]
    else:
        assert lost(saying_something(record["response_body"]), taken(outcome)) == []
    if isinstance(record["request_body"], dict):
        assert json.loads(sent.body) == record["request_body"]


@pytest.mark.parametrize("name", REFUSED)
async def test_a_recorded_refusal_is_its_error(name: str) -> None:
    record, call = read(name)

    error, sent = await replay(record, call)

    body = record["response_body"]
    inner = body["error"] if isinstance(body.get("error"), dict) else {"message": body["error"], "code": body["code"]}
    assert type(error) is status_error_type(record["status"])
    assert error.status == record["status"]
    assert error.message == inner.get("message", error.message)
    assert error.code == inner.get("code", error.code)
    assert json.loads(error.body) == body
    if isinstance(record["request_body"], dict):
        assert json.loads(sent.body) == record["request_body"]


def test_every_recording_was_replayed() -> None:
    assert len(GOOD) + len(REFUSED) == len(RECORDINGS) > 150
