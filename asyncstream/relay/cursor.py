"""Where a reader wants to go on: `after_of`, from the headers and the query of its request; `read_cursor`. Pure.

A browser that comes back sends `Last-Event-ID` by itself; a page that was reloaded has to say `?after=`.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from multidict import MultiMapping

from asyncstream.relay.errors import BadCursorError

__all__ = ["after_of", "read_cursor"]

_CURSOR = re.compile(r"[0-9]{1,18}")
"""What fits 64 bits; Python reads no more than 4,300 digits at all."""


def after_of(headers: Mapping[str, str], query: Mapping[str, str]) -> int | None:
    """Return the id of the last entry that a reader has; None if it begins.

    `Last-Event-ID` wins: it is newer than the URL, which a browser repeats on each reconnection. One that stands there
    twice says nothing, also if both are the same.

    Args:
        headers: The headers of the request, in a mapping that ignores case.
        query: The parameters of its URL. Of both, the mappings of aiohttp, Starlette, Litestar and Quart tell what
            stands there twice.

    Raises:
        BadCursorError: It is no id of an entry, or there are two.
    """
    for mapping, name in ((headers, "Last-Event-ID"), (query, "after")):
        given = _all(mapping, name)
        if len(given) > 1:
            raise BadCursorError(f"expected {name} once, got it {len(given)} times")
        if given:
            return read_cursor(given[0], name)
    return None


def _all(mapping: Mapping[str, str], name: str) -> Sequence[str]:
    """Return all values of a name: by the method of a multidict or by that of Starlette and Werkzeug, or the one."""
    if isinstance(mapping, MultiMapping):
        return mapping.getall(name, [])
    getlist: Callable[[str], Sequence[str]] | None = getattr(mapping, "getlist", None)
    if getlist is not None:
        return getlist(name)
    value = mapping.get(name)
    return [] if value is None else [value]


def read_cursor(given: str, name: str = "a cursor") -> int:
    """Return the id of an entry that a reader sent.

    Args:
        given: What it sent.
        name: What that is called, for the message.

    Raises:
        BadCursorError: It is no id of an entry.
    """
    if not _CURSOR.fullmatch(given):
        raise BadCursorError(f"expected {name} to be 1 to 18 digits, got {given[:40]!r}")
    return int(given)
