"""The endpoints of the batches in which files are put into a vector store."""

from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from asyncstream.server.bodies import Fields, check_fields, nullable, optional
from asyncstream.server.calls import Call, Route
from asyncstream.server.files.library import Batch, VectorStore
from asyncstream.server.files.objects import read_chunking
from asyncstream.server.files.vector_store_files import FILE, check_attributes, page_of_files
from asyncstream.server.problems import WireError
from asyncstream.server.state import Wire

__all__ = ["ROUTES"]

_CREATE: Fields = {
    "file_ids": optional("array"),
    "files": optional("array"),
    "attributes": nullable("object"),
    "chunking_strategy": optional("object"),
}
_MAX_FILES = 2000

_Entry = tuple[str, Mapping[str, Any] | None, Wire]


async def _create(call: Call) -> web.StreamResponse:
    store = _store(call)
    # All of them are looked at before the first is taken.
    entries = list(_entries(call.body(_CREATE)))
    for id, _, _ in entries:
        call.library.file(id)
    batch = call.library.add_batch(store, [call.library.attach(store, *entry) for entry in entries])
    return call.progress(batch.wire)


def _entries(body: Mapping[str, Any]) -> Iterator[_Entry]:
    name = "files" if "files" in body else "file_ids"
    given = body.get(name)
    if given is None:
        raise WireError(400, "'file_ids' or 'files' is required.", param=name, code="missing_required_parameter")
    if "files" in body and "file_ids" in body:
        raise WireError(400, "'file_ids' and 'files' exclude each other.", param="files")
    if not 1 <= len(given) <= _MAX_FILES:
        raise WireError(400, f"'{name}' has from 1 to {_MAX_FILES} entries, not {len(given)}.", param=name)
    attributes = check_attributes(body.get("attributes"))
    chunking = read_chunking(body.get("chunking_strategy"))
    for position, entry in enumerate(given):
        where = f"{name}[{position}]"
        if name == "files":
            file = check_fields(entry, FILE, where)
            own = check_attributes(file.get("attributes"), f"{where}.attributes")
            yield file["file_id"], own, read_chunking(file.get("chunking_strategy"), f"{where}.chunking_strategy")
        elif isinstance(entry, str):
            yield entry, attributes, chunking
        else:
            raise WireError(400, f"'{where}' is a string.", param=where, code="invalid_type")


async def _retrieve(call: Call) -> web.StreamResponse:
    return call.progress(_batch(call).wire)


async def _cancel(call: Call) -> web.StreamResponse:
    batch = _batch(call)
    call.library.cancel_batch(batch)
    return call.progress(batch.wire)


async def _list_files(call: Call) -> web.StreamResponse:
    return page_of_files(call, _batch(call).files.values())


def _store(call: Call) -> VectorStore:
    return call.library.store(call.id("vector_store_id"))


def _batch(call: Call) -> Batch:
    return _store(call).batch(call.id("batch_id"))


ROUTES: tuple[Route, ...] = (
    ("POST", "/vector_stores/{vector_store_id}/file_batches", _create),
    ("GET", "/vector_stores/{vector_store_id}/file_batches/{batch_id}", _retrieve),
    ("POST", "/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel", _cancel),
    ("GET", "/vector_stores/{vector_store_id}/file_batches/{batch_id}/files", _list_files),
)
