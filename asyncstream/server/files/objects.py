"""New wire objects of files and vector stores, with every property that the API's description requires.

Pure, but for the clock and the ids; what `assistants.objects` is for Assistants. Keeps nothing: `library` does.
"""

from collections.abc import Mapping
from typing import Any

from asyncstream.server.bodies import Fields, check_fields, required
from asyncstream.server.problems import WireError
from asyncstream.server.state import Wire, new_id, now

__all__ = ["new_batch", "new_counts", "new_file", "new_store_file", "new_vector_store", "read_chunking", "read_expiry"]

_AUTO = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
"""What "auto" means today, by the description of the API."""

_TYPE: Fields = {"type": required("string")}
_STATIC: Fields = {**_TYPE, "static": required("object")}
_SIZES: Fields = {"max_chunk_size_tokens": required("integer"), "chunk_overlap_tokens": required("integer")}
_EXPIRY: Fields = {"anchor": required("string"), "days": required("integer")}


def new_file(filename: str, size: int, purpose: str, expires_at: int | None) -> Wire:
    """Return a file that was just uploaded."""
    return {
        "id": new_id("file").replace("_", "-", 1),
        "object": "file",
        "bytes": size,
        "created_at": now(),
        "expires_at": expires_at,
        "filename": filename,
        "purpose": purpose,
        "status": "uploaded",
        "status_details": None,
    }


def new_vector_store(body: Mapping[str, Any]) -> Wire:
    """Return an empty vector store for a checked body."""
    time = now()
    return {
        "id": new_id("vs"),
        "object": "vector_store",
        "created_at": time,
        "name": body.get("name"),
        "description": body.get("description"),
        "usage_bytes": 0,
        "file_counts": new_counts(),
        "status": "completed",
        "expires_after": body.get("expires_after"),
        "expires_at": None,
        "last_active_at": time,
        "metadata": body.get("metadata") or {},
    }


def new_store_file(store_id: str, file_id: str, attributes: Mapping[str, Any] | None, chunking: Wire) -> Wire:
    """Return a file that is being put into a store."""
    return {
        "id": file_id,
        "object": "vector_store.file",
        "usage_bytes": 0,
        "created_at": now(),
        "vector_store_id": store_id,
        "status": "in_progress",
        "last_error": None,
        "chunking_strategy": chunking,
        "attributes": dict(attributes or {}),
    }


def new_batch(store_id: str) -> Wire:
    """Return a batch of files that are being put into a store."""
    return {
        "id": new_id("vsfb"),
        "object": "vector_store.file_batch",
        "created_at": now(),
        "vector_store_id": store_id,
        "status": "in_progress",
        "file_counts": new_counts(),
    }


def new_counts() -> dict[str, int]:
    """Return the counts of no files."""
    return {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0}


def read_chunking(strategy: Mapping[str, Any] | None, where: str = "chunking_strategy") -> Wire:
    """Return the strategy of a file's object for the one of a request.

    Raises:
        WireError: 400 for an unknown type, or sizes out of bounds.
    """
    kind = "auto" if strategy is None else strategy.get("type")
    if strategy is None or kind == "auto":
        check_fields({"type": kind, **(strategy or {})}, _TYPE, where)
        return {"type": "static", "static": dict(_AUTO)}
    if kind != "static":
        raise WireError(400, f"'{where}.type' is 'auto' or 'static'.", param=f"{where}.type", code="invalid_value")
    check_fields(strategy, _STATIC, where)
    sizes = check_fields(strategy["static"], _SIZES, f"{where}.static")
    size, overlap = sizes["max_chunk_size_tokens"], sizes["chunk_overlap_tokens"]
    if not 100 <= size <= 4096:
        param = f"{where}.static.max_chunk_size_tokens"
        raise WireError(400, f"'{param}' is from 100 to 4096, not {size}.", param=param, code="invalid_value")
    if not 0 <= overlap <= size // 2:
        param = f"{where}.static.chunk_overlap_tokens"
        raise WireError(400, f"'{param}' is at most half a chunk, not {overlap}.", param=param, code="invalid_value")
    return {"type": "static", "static": sizes}


def read_expiry(expiry: Mapping[str, Any] | None) -> int | None:
    """Return after how many days without use a store expires; None: never.

    Raises:
        WireError: 400 for another anchor, or days out of bounds.
    """
    if expiry is None:
        return None
    check_fields(expiry, _EXPIRY, "expires_after")
    if expiry["anchor"] != "last_active_at":
        param = "expires_after.anchor"
        raise WireError(400, f"'{param}' is 'last_active_at'.", param=param, code="invalid_value")
    days: int = expiry["days"]
    if not 1 <= days <= 365:
        param = "expires_after.days"
        raise WireError(400, f"'{param}' is from 1 to 365, not {days}.", param=param, code="invalid_value")
    return days
