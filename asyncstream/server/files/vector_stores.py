"""The endpoints of vector stores, and the search in them."""

from aiohttp import web

from asyncstream.server.bodies import Fields, check_fields, nullable, optional, required
from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.files.library import VectorStore
from asyncstream.server.files.objects import read_chunking, read_expiry
from asyncstream.server.files.search import Page, chunks, matches, search
from asyncstream.server.problems import WireError

__all__ = ["ROUTES"]

_UPDATE: Fields = {
    "name": nullable("string"),
    "expires_after": nullable("object"),
    "metadata": nullable("metadata"),
}
_CREATE: Fields = {
    "name": optional("string"),
    "description": optional("string"),
    "file_ids": optional("array"),
    "expires_after": optional("object"),
    "chunking_strategy": optional("object"),
    "metadata": nullable("metadata"),
}
_SEARCH: Fields = {
    "query": required("string", "array"),
    "rewrite_query": optional("boolean"),
    "max_num_results": nullable("integer", low=1, high=50),
    "filters": optional("object"),
    "ranking_options": optional("object"),
}
_RANKING: Fields = {"ranker": optional("string"), "score_threshold": nullable("number", low=0, high=1)}
_MAX_FILES = 500


async def _create(call: Call) -> web.StreamResponse:
    body = call.body(_CREATE)
    ids = body.get("file_ids", [])
    if len(ids) > _MAX_FILES:
        raise WireError(400, f"'file_ids' has at most {_MAX_FILES} ids, not {len(ids)}.", param="file_ids")
    days = read_expiry(body.get("expires_after"))
    chunking = read_chunking(body.get("chunking_strategy"))
    for id in ids:
        call.library.file(str(id))
    store = call.library.add_store(body, days)
    for id in ids:
        call.library.attach(store, id, None, chunking)
    return call.progress(store.wire)


async def _list(call: Call) -> web.StreamResponse:
    return call.page(call.library.stores())


async def _retrieve(call: Call) -> web.StreamResponse:
    return call.progress(_store(call).wire)


async def _update(call: Call) -> web.StreamResponse:
    store = _store(call)
    body = call.body(_UPDATE)
    if "expires_after" in body:
        days = read_expiry(body["expires_after"])
        store.wire["expires_after"] = body["expires_after"]
        call.library.set_expiry(store, days)
    if "name" in body:
        store.wire["name"] = body["name"]
    if "metadata" in body:
        store.wire["metadata"] = body["metadata"] or {}
    return json_reply(store.wire)


async def _delete(call: Call) -> web.StreamResponse:
    id = _store(call).wire["id"]
    call.library.delete_store(id)
    return json_reply({"id": id, "object": "vector_store.deleted", "deleted": True})


async def _search(call: Call) -> web.StreamResponse:
    store = _store(call)
    body = call.body(_SEARCH)
    ranking = check_fields(body.get("ranking_options", {}), _RANKING, "ranking_options")
    queries = [body["query"]] if isinstance(body["query"], str) else body["query"]
    if not queries or not all(isinstance(query, str) for query in queries):
        raise WireError(400, "'query' is a string or an array of strings.", param="query", code="invalid_type")
    call.library.use(store)
    found = search(
        queries,
        [page for page in _pages(call, store) if matches(body.get("filters"), page[2])],
        most=body.get("max_num_results") or 10,
        threshold=ranking.get("score_threshold") or 0.0,
    )
    return json_reply(
        {
            "object": "vector_store.search_results.page",
            "search_query": queries,
            "data": found,
            "has_more": False,
            "next_page": None,
        }
    )


def _pages(call: Call, store: VectorStore) -> list[Page]:
    pages = []
    for id, file in store.files.items():
        if file.wire["status"] == "completed":
            text = file.content.decode("utf-8", "replace")
            name = call.library.file(id).wire["filename"]
            pages.append((id, name, file.wire["attributes"], chunks(text, file.wire["chunking_strategy"])))
    return pages


def _store(call: Call) -> VectorStore:
    return call.library.store(call.id("vector_store_id"))


ROUTES: tuple[Route, ...] = (
    ("POST", "/vector_stores", _create),
    ("GET", "/vector_stores", _list),
    ("GET", "/vector_stores/{vector_store_id}", _retrieve),
    ("POST", "/vector_stores/{vector_store_id}", _update),
    ("DELETE", "/vector_stores/{vector_store_id}", _delete),
    ("POST", "/vector_stores/{vector_store_id}/search", _search),
)
