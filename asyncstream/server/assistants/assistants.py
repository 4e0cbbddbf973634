"""The endpoints of assistants."""

from aiohttp import web

from asyncstream.server.assistants.objects import new_assistant, plain_tools
from asyncstream.server.bodies import Fields, nullable, optional, required
from asyncstream.server.calls import Call, Route, json_reply

__all__ = ["ROUTES"]

_UPDATE: Fields = {
    "model": optional("string"),
    "name": nullable("string"),
    "description": nullable("string"),
    "instructions": nullable("string"),
    "reasoning_effort": nullable("string"),
    "tools": optional("array"),
    "tool_resources": nullable("object"),
    "metadata": nullable("metadata"),
    "temperature": nullable("number", low=0, high=2),
    "top_p": nullable("number", low=0, high=1),
    "response_format": nullable("string", "object"),
}
_CREATE: Fields = {**_UPDATE, "model": required("string")}


async def _create(call: Call) -> web.StreamResponse:
    assistant = new_assistant(call.body(_CREATE))
    call.store.assistants[assistant["id"]] = assistant
    return json_reply(assistant)


async def _list(call: Call) -> web.StreamResponse:
    return call.page(call.store.assistants.values())


async def _retrieve(call: Call) -> web.StreamResponse:
    return json_reply(call.store.assistant(call.id("assistant_id")))


async def _update(call: Call) -> web.StreamResponse:
    assistant = call.store.assistant(call.id("assistant_id"))
    changes = call.body(_UPDATE)
    if "tools" in changes:
        changes["tools"] = plain_tools(changes["tools"])
    assistant.update(changes)
    return json_reply(assistant)


async def _delete(call: Call) -> web.StreamResponse:
    id = call.store.assistant(call.id("assistant_id"))["id"]
    del call.store.assistants[id]
    return json_reply({"id": id, "object": "assistant.deleted", "deleted": True})


ROUTES: tuple[Route, ...] = (
    ("POST", "/assistants", _create),
    ("GET", "/assistants", _list),
    ("GET", "/assistants/{assistant_id}", _retrieve),
    ("POST", "/assistants/{assistant_id}", _update),
    ("DELETE", "/assistants/{assistant_id}", _delete),
)
