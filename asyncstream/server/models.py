"""The endpoints of models: the names that the scenario gives."""

from aiohttp import web

from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.problems import WireError, not_found
from asyncstream.server.state import Wire

__all__ = ["ROUTES"]

_CREATED = 1715367049
"""All models are of the same day."""


def _model(id: str) -> Wire:
    # "ft:base:organization:name:id"
    owner = id.split(":")[2] if id.startswith("ft:") and id.count(":") >= 2 else "system"
    return {"id": id, "object": "model", "created": _CREATED, "owned_by": owner}


def _found(call: Call) -> str:
    id = call.id("model")
    if id not in call.service.scenario.models:
        raise not_found("model", id, param="model", code="model_not_found")
    return id


async def _list(call: Call) -> web.StreamResponse:
    return json_reply({"object": "list", "data": [_model(id) for id in call.service.scenario.models]})


async def _retrieve(call: Call) -> web.StreamResponse:
    return json_reply(_model(_found(call)))


async def _delete(call: Call) -> web.StreamResponse:
    id = _found(call)
    if not id.startswith("ft:"):
        raise WireError(403, f"Only a fine-tuned model can be deleted, not '{id}'.")
    call.service.scenario.models.remove(id)
    return json_reply({"id": id, "object": "model", "deleted": True})


ROUTES: tuple[Route, ...] = (
    ("GET", "/models", _list),
    ("GET", "/models/{model}", _retrieve),
    ("DELETE", "/models/{model}", _delete),
)
