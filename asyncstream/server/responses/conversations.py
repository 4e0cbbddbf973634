"""The endpoints of conversations and their items."""

from typing import Any

from aiohttp import web

from asyncstream.server.bodies import Fields, nullable, required
from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.problems import WireError
from asyncstream.server.responses.items import read_items
from asyncstream.server.responses.objects import new_conversation
from asyncstream.server.responses.records import ConversationRecord
from asyncstream.server.state import Wire

__all__ = ["ROUTES"]

_CREATE: Fields = {"items": nullable("array"), "metadata": nullable("metadata")}
_UPDATE: Fields = {"metadata": nullable("metadata")}
_ADD: Fields = {"items": required("array")}
_MOST_ITEMS = 20
"""Items that one request adds."""


async def _create(call: Call) -> web.StreamResponse:
    body = call.body(_CREATE)
    record = ConversationRecord(new_conversation(body.get("metadata")))
    record.add(_new_items(call, body))
    call.responses.records.conversations[record.wire["id"]] = record
    return json_reply(record.wire)


def _new_items(call: Call, body: dict[str, Any]) -> list[Wire]:
    items = body.get("items")
    if items is not None and len(items) > _MOST_ITEMS:
        raise WireError(
            400, f"'items' has at most {_MOST_ITEMS}, not {len(items)}.", param="items", code="array_above_max_length"
        )
    return call.responses.resolved(read_items(items, "items", closed=call.responses.closed))


async def _retrieve(call: Call) -> web.StreamResponse:
    return json_reply(_record(call).wire)


async def _update(call: Call) -> web.StreamResponse:
    wire = _record(call).wire
    wire.update({key: value or {} for key, value in call.body(_UPDATE).items()})
    return json_reply(wire)


async def _delete(call: Call) -> web.StreamResponse:
    id = _record(call).wire["id"]
    del call.responses.records.conversations[id]
    return json_reply({"id": id, "object": "conversation.deleted", "deleted": True})


async def _add_items(call: Call) -> web.StreamResponse:
    record = _record(call)
    items = _new_items(call, call.body(_ADD))
    record.add(items)
    ids = [item["id"] for item in items]
    ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    return json_reply({"object": "list", "data": items, **ends, "has_more": False})


async def _list_items(call: Call) -> web.StreamResponse:
    return call.page(_record(call).items.values())


async def _retrieve_item(call: Call) -> web.StreamResponse:
    return json_reply(_record(call).item(call.id("item_id")))


async def _delete_item(call: Call) -> web.StreamResponse:
    record = _record(call)
    del record.items[record.item(call.id("item_id"))["id"]]
    return json_reply(record.wire)


def _record(call: Call) -> ConversationRecord:
    return call.responses.records.conversation(call.id("conversation_id"))


ROUTES: tuple[Route, ...] = (
    ("POST", "/conversations", _create),
    ("GET", "/conversations/{conversation_id}", _retrieve),
    ("POST", "/conversations/{conversation_id}", _update),
    ("DELETE", "/conversations/{conversation_id}", _delete),
    ("POST", "/conversations/{conversation_id}/items", _add_items),
    ("GET", "/conversations/{conversation_id}/items", _list_items),
    ("GET", "/conversations/{conversation_id}/items/{item_id}", _retrieve_item),
    ("DELETE", "/conversations/{conversation_id}/items/{item_id}", _delete_item),
)
