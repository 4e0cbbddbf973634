"""The endpoints of the files in a vector store."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from asyncstream.server.bodies import Fields, nullable, optional, required
from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.files.library import StoreFile, VectorStore
from asyncstream.server.files.objects import read_chunking
from asyncstream.server.files.search import chunks
from asyncstream.server.pages import page
from asyncstream.server.problems import WireError

__all__ = ["FILE", "ROUTES", "check_attributes", "page_of_files"]

FILE: Fields = {
    "file_id": required("string"),
    "attributes": nullable("object"),
    "chunking_strategy": optional("object"),
}
"""The body that puts a file into a store; also an entry of the `files` of a batch."""

_UPDATE: Fields = {"attributes": nullable("object")}
_STATUSES = ("in_progress", "completed", "failed", "cancelled")


def check_attributes(attributes: Mapping[str, Any] | None, where: str = "attributes") -> Mapping[str, Any] | None:
    """Return attributes, or raise the 400 for what they cannot hold."""
    if attributes is not None and len(attributes) > 16:
        raise WireError(400, f"'{where}' has at most 16 pairs, not {len(attributes)}.", param=where)
    for key, value in (attributes or {}).items():
        if not isinstance(value, str | int | float):
            param = f"{where}.{key}"
            raise WireError(400, f"'{param}' is a string, a number or a boolean.", param=param, code="invalid_type")
        if len(key) > 64 or (isinstance(value, str) and len(value) > 512):
            raise WireError(400, f"'{where}' has keys of at most 64 and values of at most 512 letters.", param=where)
    return attributes


def page_of_files(call: Call, files: Iterable[StoreFile]) -> web.StreamResponse:
    """Answer with the page of files that the query asks for."""
    status = call.request.query.get("filter")
    if status not in (None, *_STATUSES):
        raise WireError(400, f"'filter' is one of {', '.join(_STATUSES)}.", param="filter", code="invalid_value")
    wires = [file.wire for file in files]
    return json_reply(page(wires, call.request.query, keep=lambda wire: status in (None, wire["status"])))


async def _create(call: Call) -> web.StreamResponse:
    store = _store(call)
    body = call.body(FILE)
    chunking = read_chunking(body.get("chunking_strategy"))
    file = call.library.attach(store, body["file_id"], check_attributes(body.get("attributes")), chunking)
    return call.progress(file.wire)


async def _list(call: Call) -> web.StreamResponse:
    return page_of_files(call, _store(call).files.values())


async def _retrieve(call: Call) -> web.StreamResponse:
    return call.progress(_file(call).wire)


async def _update(call: Call) -> web.StreamResponse:
    file = _file(call)
    body = call.body(_UPDATE)
    if "attributes" not in body:
        raise WireError(400, "'attributes' is required.", param="attributes", code="missing_required_parameter")
    file.wire["attributes"] = dict(check_attributes(body["attributes"]) or {})
    return json_reply(file.wire)


async def _delete(call: Call) -> web.StreamResponse:
    store = _store(call)
    id = store.file(call.id("file_id")).wire["id"]
    del store.files[id]
    return json_reply({"id": id, "object": "vector_store.file.deleted", "deleted": True})


async def _content(call: Call) -> web.StreamResponse:
    file = _file(call)
    if file.wire["status"] != "completed":
        raise WireError(400, f"The content of a file with status '{file.wire['status']}' cannot be read.")
    parts = chunks(file.content.decode("utf-8", "replace"), file.wire["chunking_strategy"])
    return json_reply(
        {
            "object": "vector_store.file_content.page",
            "data": [{"type": "text", "text": part} for part in parts],
            "has_more": False,
            "next_page": None,
        }
    )


def _store(call: Call) -> VectorStore:
    return call.library.store(call.id("vector_store_id"))


def _file(call: Call) -> StoreFile:
    return _store(call).file(call.id("file_id"))


ROUTES: tuple[Route, ...] = (
    ("POST", "/vector_stores/{vector_store_id}/files", _create),
    ("GET", "/vector_stores/{vector_store_id}/files", _list),
    ("GET", "/vector_stores/{vector_store_id}/files/{file_id}", _retrieve),
    ("POST", "/vector_stores/{vector_store_id}/files/{file_id}", _update),
    ("DELETE", "/vector_stores/{vector_store_id}/files/{file_id}", _delete),
    ("GET", "/vector_stores/{vector_store_id}/files/{file_id}/content", _content),
)
