"""Pages of a list: `limit`, `order`, `after`, `before`, as OpenAI reads them. Pure."""

from collections.abc import Mapping, Sequence

from asyncstream.server.problems import WireError
from asyncstream.server.state import Wire

__all__ = ["page"]

_DEFAULT_LIMIT = 20
_MAX_LIMIT = 100


def page(items: Sequence[Wire], query: Mapping[str, str]) -> Wire:
    """Return the list object for a query over `items`, which stand in creation order.

    `after` starts behind an item; `before` ends in front of one and gives the items nearest to it. Both count in the
    order that was asked for. `has_more` looks in the direction of the walk.

    Raises:
        WireError: 400 for a limit outside 1..100, an unknown order, or a cursor that is not in the list.
    """
    limit = _limit(query)
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise WireError(400, f"'order' is 'asc' or 'desc', not '{order}'.", param="order", code="invalid_value")
    ordered = list(items) if order == "asc" else list(reversed(items))
    positions = {item["id"]: position for position, item in enumerate(ordered)}
    start = _position(positions, query, "after") + 1 if query.get("after") else 0
    stop = _position(positions, query, "before") if query.get("before") else len(ordered)
    between = ordered[start:stop]
    backwards = bool(query.get("before")) and not query.get("after")
    data = between[-limit:] if backwards else between[:limit]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": len(between) > limit,
    }


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(_DEFAULT_LIMIT))
    try:
        limit = int(text)
    except ValueError:
        raise WireError(400, f"'limit' is an integer, not '{text}'.", param="limit", code="invalid_type") from None
    if limit < 1:
        raise WireError(400, f"'limit' is at least 1, not {limit}.", param="limit", code="integer_below_min_value")
    if limit > _MAX_LIMIT:
        raise WireError(
            400, f"'limit' is at most {_MAX_LIMIT}, not {limit}.", param="limit", code="integer_above_max_value"
        )
    return limit


def _position(positions: Mapping[str, int], query: Mapping[str, str], key: str) -> int:
    try:
        return positions[query[key]]
    except KeyError:
        raise WireError(400, f"'{key}' is no id of this list: '{query[key]}'.", param=key) from None
