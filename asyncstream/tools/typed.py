"""The types of a request's tools, collected by name, to read the calls of its answer with. Pure.

Below it: `definitions`, which remember what they were made from; `functions`, which reads the arguments of functions.
The fold gets it as one function, and loads this where a request has such tools.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Self, get_origin

from asyncstream.errors import ParseError
from asyncstream.parsing import parse_json
from asyncstream.shapes.kinds import is_data_type
from asyncstream.tools.calls import FunctionCallLike
from asyncstream.tools.definitions import ToolType, found_by_name
from asyncstream.tools.functions import arguments_for

__all__ = ["ToolTypes", "tool_types"]


def tool_types(tools: Iterable[object]) -> dict[str, ToolType] | None:
    """Return what the arguments of each tool are to be read as, by the tool's name; None if that is known of none.

    It is known of tools that `function_tool` and `pydantic_function_tool` made. A strict one that was written by hand
    is read as plain data.
    """
    found: dict[str, ToolType] = {}
    for tool in tools:
        definition = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(definition, Mapping):
            continue
        made_from = getattr(definition, "made_from", None)
        if made_from is None and definition.get("strict") is True:
            made_from = dict[str, object]
        name: object = definition.get("name")
        if made_from is not None and isinstance(name, str):
            found[name] = made_from
    return found or None


class ToolTypes:
    """What the arguments of the tools of a request are read as, by name; it stays as it is made."""

    __slots__ = ("_types",)

    def __init__(self, types: Mapping[str, ToolType]) -> None:
        self._types = dict(types)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ({name: it for name, it in self._types.items() if found_by_name(it) is not None},)

    def read(self, call: FunctionCallLike) -> object:
        """Read the arguments of a whole call; None if its tool has no type, or they do not fit it."""
        made_from: Any = self._types.get(call.name)
        if made_from is None:
            return None
        try:
            if get_origin(made_from) is dict or is_data_type(made_from):
                return parse_json(call.arguments, made_from, what=f"the call of {call.name!r}", empty="{}")
            return arguments_for(made_from, call)
        except ParseError:
            return None  # a user who calls `parse` or `arguments_as` is told what does not fit
