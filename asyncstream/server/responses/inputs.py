"""The endpoints around the input of responses: its items, its tokens, and what is left of it when it is compacted."""

import base64

import msgspec
from aiohttp import web

from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.responses.items import count_words
from asyncstream.server.responses.objects import response_usage
from asyncstream.server.responses.requests import COMPACT, COUNT, check_count
from asyncstream.server.state import new_id, now

__all__ = ["ROUTES"]


async def _list(call: Call) -> web.StreamResponse:
    return call.page(call.responses.records.response(call.id("response_id")).input)


async def _count(call: Call) -> web.StreamResponse:
    engine = call.responses
    body = call.body(COUNT, closed=engine.closed)
    check_count(body, closed=engine.closed)
    tokens = count_words(engine.told(body), body.get("instructions"), body.get("tools"))
    return json_reply({"object": "response.input_tokens", "input_tokens": tokens})


async def _compact(call: Call) -> web.StreamResponse:
    """Keep what the user said, and pack the rest into one item that only the server can read."""
    engine = call.responses
    body = call.body(COMPACT, closed=engine.closed)
    check_count(body, closed=engine.closed)
    items = engine.told(body)
    kept = [item for item in items if item["type"] == "message" and item["role"] == "user"]
    packed = base64.urlsafe_b64encode(msgspec.json.encode([item for item in items if item not in kept])).decode()
    compaction = {"id": new_id("cmp"), "type": "compaction", "encrypted_content": packed}
    return json_reply(
        {
            "id": new_id("resp"),
            "object": "response.compaction",
            "created_at": now(),
            "output": [*kept, compaction],
            "usage": response_usage(count_words(items, body.get("instructions")), 1, 0),
        }
    )


ROUTES: tuple[Route, ...] = (
    ("POST", "/responses/input_tokens", _count),
    ("POST", "/responses/compact", _compact),
    ("GET", "/responses/{response_id}/input_items", _list),
)
