"""What `run_tools=` means for a request: the tools that are run, and the definitions that are sent. Pure.

Called by the methods that make streams (`chat`, `runs`, `threads`, `responses`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from asyncstream.errors import ConfigurationError
from asyncstream.tools.tool import Tool
from asyncstream.tools.toolset import RunTools, Tools, ToolsProtocol

__all__ = ["running"]


def running(
    run_tools: RunTools, own: Sequence[object], protocol: ToolsProtocol
) -> tuple[Tools[Any], list[Any], frozenset[str]]:
    """Return what a stream runs, and what it sends.

    Args:
        run_tools: What is run.
        own: What was given as `tools=`.
        protocol: How definitions are written.

    Returns:
        The tools; the user's own definitions, then those of the tools; and the names that the user has defined and does
        not run.

    Raises:
        ConfigurationError: A name is in both, or a function is no tool.
    """
    tools = run_tools if isinstance(run_tools, Tools) else Tools(*_listed(run_tools))
    external = frozenset(name for definition in own if (name := _name_of(definition)))
    both = sorted(external & tools.by_name.keys())
    if both:
        raise ConfigurationError(f"{', '.join(both)}: in tools= and in run_tools=; what is run is defined by itself")
    return tools, [*own, *tools.definitions(protocol)], external


def _listed(functions: Sequence[Callable[..., object] | Tool]) -> Sequence[Callable[..., object] | Tool]:
    if isinstance(functions, str | bytes) or not isinstance(functions, Sequence):
        raise ConfigurationError(f"expected run_tools as Tools or a list of functions, got {type(functions).__name__}")
    return functions


def _name_of(definition: object) -> str:
    if not isinstance(definition, Mapping):
        return ""
    for holder in (definition.get("function"), definition.get("custom"), definition):
        if isinstance(holder, Mapping) and isinstance(holder.get("name"), str):
            return cast("str", holder["name"])
    return ""
