"""Pages of a list: `limit`, `order`, `after`, `before`, as OpenAI reads them. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from asyncstream.server.problems import WireError
from asyncstream.server.state import Wire

__all__ = ["page"]

_DEFAULT_LIMIT = 20
_MAX_LIMIT = 100


def page(
    items: Sequence[Wire],
    query: Mapping[str, str],
    *,
    order: Literal["asc", "desc"] = "desc",
    default: int = _DEFAULT_LIMIT,
    most: int = _MAX_LIMIT,
    keep: Callable[[Wire], bool] | None = None,
) -> Wire:
    """Return the list object for a query over `items`, which stand in creation order; `order` if it asks for none.

    `after` starts behind an item; `before` ends in front of one and gives the items nearest to it. Both count in the
    order that was asked for. `has_more` looks in the direction of the walk. A cursor may be an item that `keep` leaves
    out: it may have changed since it was given.

    Raises:
        WireError: 400 for a limit outside 1..`most`, an unknown order, or a cursor that is not in the list.
    """
    limit = _limit(query, default, most)
    wanted = query.get("order", order)
    if wanted not in ("asc", "desc"):
        raise WireError(400, f"'order' is 'asc' or 'desc', not '{wanted}'.", param="order", code="invalid_value")
    ordered = list(items) if wanted == "asc" else list(reversed(items))
    positions = {item["id"]: position for position, item in enumerate(ordered)}
    start = _position(positions, query, "after") + 1 if query.get("after") else 0
    stop = _position(positions, query, "before") if query.get("before") else len(ordered)
    between = [item for item in ordered[start:stop] if keep is None or keep(item)]
    backwards = bool(query.get("before")) and not query.get("after")
    data = between[-limit:] if backwards else between[:limit]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": len(between) > limit,
    }


def _limit(query: Mapping[str, str], default: int, most: int) -> int:
    text = query.get("limit", str(default))
    try:
        limit = int(text)
    except ValueError:
        raise WireError(400, f"'limit' is an integer, not '{text}'.", param="limit", code="invalid_type") from None
    if limit < 1:
        raise WireError(400, f"'limit' is at least 1, not {limit}.", param="limit", code="integer_below_min_value")
    if limit > most:
        raise WireError(400, f"'limit' is at most {most}, not {limit}.", param="limit", code="integer_above_max_value")
    return limit


def _position(positions: Mapping[str, int], query: Mapping[str, str], key: str) -> int:
    try:
        return positions[query[key]]
    except KeyError:
        raise WireError(400, f"'{key}' is no id of this list: '{query[key]}'.", param=key) from None
