"""Keywords that no request has are refused here, before anything is sent. Pure.

Called by every method of `resources` that takes the members of a body as keywords (``**params``). Python itself refuses
the unknown ones of the other methods.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from asyncstream.errors import ArgumentError

__all__ = ["check_list", "known"]

P = TypeVar("P")

_OF_EVERY_CALL = ("timeout", "extra_headers", "extra_query", "extra_body")

_LISTS = frozenset(
    (
        "additional_messages",
        "attachments",
        "file_ids",
        "functions",
        "include",
        "items",
        "messages",
        "modalities",
        "tool_approvals",
        "tool_outputs",
        "tools",
    )
)
"""The members that are a list in every body that has them; a text is one of characters to Python, and to no server."""


def known(params: P, body: Any, *explicit: str, elsewhere: Mapping[str, str] | None = None) -> P:
    """Return the keywords that a method was given, if all are members of its body.

    Args:
        params: The keywords.
        body: The TypedDict that they were declared as.
        explicit: The method's own parameters, which a misspelt keyword may have meant.
        elsewhere: Keywords of other endpoints, and what they are called here.

    Raises:
        ArgumentError: One is unknown, or a text where a list belongs.
    """
    given: dict[str, object] = params  # type: ignore[assignment]  # a TypedDict, whichever it is
    for name in given.keys() - _members(body):
        from difflib import get_close_matches  # nothing that is spelt right has a use for it

        every = (*sorted(_members(body)), *explicit, *_OF_EVERY_CALL)
        meaning = (elsewhere or {}).get(name)
        nearest = get_close_matches(name, every, n=1) if meaning is None else [meaning]
        meant = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise ArgumentError(f"unknown keyword {name!r}: {meant}what this version does not know goes in extra_body=")
    for name, value in given.items():
        if name in _LISTS:
            check_list(name, value)
    return params


def check_list(name: str, value: object) -> None:
    """Refuse a text where a list belongs.

    Raises:
        ArgumentError: It is one, or bytes.
    """
    if isinstance(value, str | bytes):
        hint = ' such as [{"role": "user", "content": ...}]' if name.endswith("messages") else ""
        raise ArgumentError(f"{name} must be a list{hint}, not {type(value).__name__}: {value[:40]!r}")


@cache
def _members(body: Any) -> frozenset[str]:
    members: frozenset[str] = body.__required_keys__ | body.__optional_keys__
    return members
