"""Search in a vector store: words in common instead of vectors, and the filters on attributes. Pure.

A chunk is so many words as its strategy says tokens; its score is the part of the query's words that it has.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from asyncstream.server.bodies import Fields, check_fields, required
from asyncstream.server.problems import WireError
from asyncstream.server.state import Wire

__all__ = ["Page", "chunks", "matches", "search"]

Page = tuple[str, str, Wire, list[str]]
"""What is searched: file id, filename, attributes, chunks."""

_COMPARISON: Fields = {
    "type": required("string"),
    "key": required("string"),
    "value": required("string", "number", "boolean", "array"),
}
_COMPOUND: Fields = {"type": required("string"), "filters": required("array")}


def chunks(text: str, strategy: Mapping[str, Any]) -> list[str]:
    """Cut a text into chunks that overlap, by words."""
    words = re.findall(r"\s*+\S++|\s++", text.rstrip())
    size = strategy["static"]["max_chunk_size_tokens"]
    step = size - strategy["static"]["chunk_overlap_tokens"]
    found = ["".join(words[start : start + size]).strip() for start in range(0, len(words), step)]
    # The last chunk may hold nothing that the one before does not.
    return found[:-1] if len(found) > 1 and len(words) <= (len(found) - 2) * step + size else found


def search(queries: Sequence[str], pages: Iterable[Page], *, most: int, threshold: float) -> list[Wire]:
    """Return the results, best first: a result for each file with a chunk that has any word of a query."""
    results: list[Wire] = []
    for file_id, filename, attributes, parts in pages:
        scored = sorted(((_score(queries, part), part) for part in parts), key=lambda pair: -pair[0])
        hits = [(score, part) for score, part in scored if score > 0 and score >= threshold]
        if hits:
            content = [{"type": "text", "text": part} for _, part in hits]
            results.append(
                {
                    "file_id": file_id,
                    "filename": filename,
                    "score": round(hits[0][0], 4),
                    "attributes": attributes,
                    "content": content,
                }
            )
    results.sort(key=lambda result: -result["score"])
    return results[:most]


def matches(filters: Mapping[str, Any] | None, attributes: Mapping[str, Any], where: str = "filters") -> bool:
    """Tell whether attributes pass a filter.

    Raises:
        WireError: 400 for a filter that cannot be read.
    """
    if filters is None:
        return True
    if filters.get("type") in ("and", "or"):
        check_fields(filters, _COMPOUND, where)
        passed = [matches(part, attributes, f"{where}.filters[{n}]") for n, part in _numbered(filters, where)]
        return all(passed) if filters["type"] == "and" else any(passed)
    check_fields(filters, _COMPARISON, where)
    return _compare(filters["type"], attributes.get(filters["key"]), filters["value"], where)


def _numbered(filters: Mapping[str, Any], where: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for position, part in enumerate(filters["filters"]):
        if not isinstance(part, dict):
            raise WireError(400, f"'{where}.filters[{position}]' is an object.", param=f"{where}.filters[{position}]")
        yield position, part


def _compare(kind: str, have: Any, want: Any, where: str) -> bool:
    match kind:
        case "eq":
            return bool(have == want)
        case "ne":
            return bool(have != want)
        case "in" | "nin":
            if not isinstance(want, list):
                raise WireError(400, f"'{where}.value' is an array.", param=f"{where}.value", code="invalid_type")
            return (have in want) == (kind == "in")
        case "gt" | "gte" | "lt" | "lte":
            if isinstance(have, str) != isinstance(want, str) or not isinstance(have, str | int | float):
                return False
            return bool({"gt": have > want, "gte": have >= want, "lt": have < want, "lte": have <= want}[kind])
        case _:
            raise WireError(400, f"'{where}.type' is no comparison.", param=f"{where}.type", code="invalid_value")


def _score(queries: Sequence[str], part: str) -> float:
    have = _words(part)
    wanted = [_words(query) for query in queries]
    return max((len(words & have) / len(words) for words in wanted if words), default=0.0)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
