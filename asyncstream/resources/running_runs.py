"""What `run_tools=` means for the stream of a run. Pure.

Called by `runs` and `threads`; what all protocols have of it is in `run_tools`.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

from asyncstream.errors import ConfigurationError
from asyncstream.looping.book import LoopState
from asyncstream.resources.run_tools import running
from asyncstream.tools.toolset import RunTools, Tools

__all__ = ["RunningRun", "running_run"]


class RunningRun(TypedDict, total=False):
    """What the stream of a run is made with."""

    run_tools: Tools[Any]
    external: frozenset[str]
    state: LoopState | None


def running_run(
    run_tools: RunTools | None,
    params: Mapping[str, Any],
    *,
    send_tools: bool | None = None,
    resume: LoopState | None = None,
) -> tuple[RunningRun, dict[str, object]]:
    """Return what the stream of a run is made with, and the `tools` of its body, if it is to have any.

    The tools of a run take the place of its assistant's; so they are sent only beside others, or if the user says so.

    Args:
        run_tools: What is run; None: nothing.
        params: The keywords of the request.
        send_tools: Whether the definitions are sent; None: if `tools` is given.
        resume: The book of a loop that goes on.

    Raises:
        ConfigurationError: A name is in both, a function is no tool, or nothing is run that could go on.
    """
    if run_tools is None:
        if resume is not None or send_tools is not None:
            raise ConfigurationError("resume= and send_tools= are for streams with run_tools=")
        return {}, {}
    ran, definitions, external = running(run_tools, params.get("tools") or (), "assistants")
    sent = "tools" in params if send_tools is None else send_tools
    return (
        {"run_tools": ran, "external": external, "state": resume},
        {"tools": definitions} if sent else {},
    )
