"""The endpoints of threads."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from asyncstream.server.assistants.messages import new_messages
from asyncstream.server.assistants.objects import new_thread
from asyncstream.server.bodies import Fields, nullable, optional
from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.state import ThreadRecord

__all__ = ["ROUTES", "THREAD", "new_record"]

_UPDATE: Fields = {"tool_resources": nullable("object"), "metadata": nullable("metadata")}
THREAD: Fields = {**_UPDATE, "messages": optional("array")}
"""The body that makes a thread; also the `thread` of a create-and-run body."""


def new_record(body: Mapping[str, Any], where: str = "") -> ThreadRecord:
    """Return a thread with its first messages, not stored yet; `where` is its place in the body."""
    record = ThreadRecord(new_thread(body))
    record.messages = new_messages(
        record.wire["id"], body.get("messages"), f"{where}.messages" if where else "messages"
    )
    return record


async def _create(call: Call) -> web.StreamResponse:
    record = new_record(call.body(THREAD))
    call.store.threads[record.wire["id"]] = record
    return json_reply(record.wire)


async def _retrieve(call: Call) -> web.StreamResponse:
    return json_reply(call.store.thread(call.id("thread_id")).wire)


async def _update(call: Call) -> web.StreamResponse:
    thread = call.store.thread(call.id("thread_id"))
    thread.wire.update({key: value or {} for key, value in call.body(_UPDATE).items()})
    return json_reply(thread.wire)


async def _delete(call: Call) -> web.StreamResponse:
    thread = call.store.thread(call.id("thread_id"))
    id = thread.wire["id"]
    call.engine.drop(thread)
    del call.store.threads[id]
    return json_reply({"id": id, "object": "thread.deleted", "deleted": True})


ROUTES: tuple[Route, ...] = (
    ("POST", "/threads", _create),
    ("GET", "/threads/{thread_id}", _retrieve),
    ("POST", "/threads/{thread_id}", _update),
    ("DELETE", "/threads/{thread_id}", _delete),
)
