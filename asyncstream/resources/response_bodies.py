"""What the requests of Responses and Conversations carry: items, tools, and what is to be shown. Pure.

Called by the nouns, which take the members of a body as keywords. What goes back of an earlier answer may be given as
the structs that it came as.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from asyncstream.errors import ArgumentError
from asyncstream.looping.responses import item_param
from asyncstream.params.responses import ResponseIncludable
from asyncstream.resources.keywords import check_list
from asyncstream.types.structs import WireStruct

__all__ = ["ANSWER_BYTES", "body_of", "checked_include", "follow_query", "sendable_items"]

ANSWER_BYTES: Final = 128 << 20
"""Of a JSON answer: responses and conversations may hold many pictures."""


def body_of(params: Mapping[str, object]) -> dict[str, object]:
    """Return the members of a body as they are sent: structs of earlier answers as the wire had them.

    Raises:
        ArgumentError: The input is neither text nor a list.
    """
    body = dict(params)
    given = body.get("input")
    if given is not None and not isinstance(given, str):
        body["input"] = sendable_items("input", given, "text or a list of items")
    tools = body.get("tools")
    if isinstance(tools, Sequence):
        body["tools"] = [_flat_tool(tool) for tool in tools]
    return body


def sendable_items(name: str, given: object, expected: str = "a list of items") -> list[object]:
    """Return items as they are sent.

    Raises:
        ArgumentError: They are no list.
    """
    if isinstance(given, str | bytes | Mapping | WireStruct) or not isinstance(given, Sequence):
        raise ArgumentError(f"{name} must be {expected}, not {type(given).__name__}")
    return [item_param(item) if isinstance(item, WireStruct) else item for item in given]


def _flat_tool(tool: object) -> object:
    """Return a tool as responses have it: what `function_tool` makes for chat has its members a level deeper."""
    if isinstance(tool, WireStruct):
        return tool.to_dict()
    function: object = tool.get("function") if isinstance(tool, Mapping) else None
    return {"type": "function", **function} if isinstance(function, Mapping) else tool


def follow_query(
    include: list[ResponseIncludable] | None, include_obfuscation: bool | None, starting_after: int | None
) -> dict[str, object]:
    """Return the query of a request that follows a response as a stream."""
    return {
        "stream": True,
        "include": checked_include(include),
        "include_obfuscation": include_obfuscation,
        "starting_after": starting_after,
    }


def checked_include(include: list[ResponseIncludable] | None) -> list[ResponseIncludable] | None:
    """Return what is to be shown beyond the default.

    Raises:
        ArgumentError: It is a text, where a list belongs.
    """
    if include is not None:
        check_list("include", include)
    return include
