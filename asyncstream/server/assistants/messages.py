"""The endpoints of messages."""

from collections.abc import Iterable

from aiohttp import web

from asyncstream.server.assistants.objects import new_message
from asyncstream.server.bodies import Fields, check_fields, nullable, required
from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.problems import WireError
from asyncstream.server.state import Wire

__all__ = ["ROUTES", "new_messages"]

_CREATE: Fields = {
    "role": required("string"),
    "content": required("string", "array"),
    "attachments": nullable("array"),
    "metadata": nullable("metadata"),
}
_UPDATE: Fields = {"metadata": nullable("metadata")}


def new_messages(thread_id: str, bodies: Iterable[object] | None, where: str) -> dict[str, Wire]:
    """Return the messages that another object's body holds under `where`, by their ids."""
    messages: dict[str, Wire] = {}
    for position, body in enumerate(bodies or ()):
        place = f"{where}[{position}]"
        message = new_message(thread_id, check_fields(body, _CREATE, place), place)
        messages[message["id"]] = message
    return messages


async def _create(call: Call) -> web.StreamResponse:
    thread = call.store.thread(call.id("thread_id"))
    message = new_message(thread.wire["id"], call.body(_CREATE))
    run_id = thread.active_run_id()
    if run_id is not None:
        raise WireError(400, f"The thread takes no message before its run '{run_id}' is over.")
    thread.messages[message["id"]] = message
    return json_reply(message)


async def _list(call: Call) -> web.StreamResponse:
    messages = call.store.thread(call.id("thread_id")).messages.values()
    run_id = call.request.query.get("run_id")
    return call.page(message for message in messages if run_id in (None, message["run_id"]))


async def _retrieve(call: Call) -> web.StreamResponse:
    return json_reply(call.store.thread(call.id("thread_id")).message(call.id("message_id")))


async def _update(call: Call) -> web.StreamResponse:
    message = call.store.thread(call.id("thread_id")).message(call.id("message_id"))
    message.update({key: value or {} for key, value in call.body(_UPDATE).items()})
    return json_reply(message)


async def _delete(call: Call) -> web.StreamResponse:
    thread = call.store.thread(call.id("thread_id"))
    id = thread.message(call.id("message_id"))["id"]
    del thread.messages[id]
    return json_reply({"id": id, "object": "thread.message.deleted", "deleted": True})


ROUTES: tuple[Route, ...] = (
    ("POST", "/threads/{thread_id}/messages", _create),
    ("GET", "/threads/{thread_id}/messages", _list),
    ("GET", "/threads/{thread_id}/messages/{message_id}", _retrieve),
    ("POST", "/threads/{thread_id}/messages/{message_id}", _update),
    ("DELETE", "/threads/{thread_id}/messages/{message_id}", _delete),
)
