"""A function and how it is run: `Tool`. Pure: it describes, `streaming.tool_runner` runs.

Below it: `functions`, which reads the function. A tool is checked when it is made, so that what cannot work fails where
it stands in the program, and not in the middle of an answer.
"""

import functools
import inspect
from collections.abc import Callable
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from asyncstream.errors import ConfigurationError

if TYPE_CHECKING:
    from asyncstream.params.shared import FunctionToolParam
    from asyncstream.tools.calls import FunctionCallLike

__all__ = ["Tool"]


class Tool:
    """A function that a model may call, and how it is run.

    Attributes:
        function: What is called.
        name: Under which name the model knows it.
        definition: What the model is told of it.
        context: The name of the parameter that takes a `ToolContext`; None if there is none.
        timeout: Seconds that it may take; ``...``: as `Tools` says; None: no end.
        threaded: Whether it runs in a thread.
        approve: Whether `Tools.approve` is asked first.
        sequential: Whether it runs alone.
        final: Whether the model is not asked again once it has returned.
        private: Whether its output is told to the model alone.
    """

    def __init__(
        self,
        function: Callable[..., object],
        *,
        name: str | None = None,
        description: str | None = None,
        strict: bool = True,
        timeout: float | EllipsisType | None = ...,
        thread: bool | None = None,
        approve: bool = False,
        sequential: bool = False,
        final: bool = False,
        private: bool = False,
    ) -> None:
        """Describe a tool.

        Args:
            function: Plain or async. `asyncstream.function_tool` says how it is read.
            name: Instead of the function's own.
            description: Instead of the docstring's.
            strict: The model is forced to follow the schema of the parameters.
            timeout: Seconds that a call may take; None: as long as it likes; as `Tools` says if it is left out.
            thread: Run it in a thread. None: plain functions are, async ones are not.
            approve: Ask `Tools.approve` before each call.
            sequential: Run it alone: calls before it end first, calls after it wait.
            final: Once it has returned, the model is not asked again.
            private: Tell its output to the model alone: not to a relay, and to no observer.

        Raises:
            ConfigurationError: It has no name, a parameter without a schema, or cannot be run: a generator function, or
                an async function in a thread.
        """
        # Every client knows this class, and few have a tool.
        from asyncstream.tools.functions import function_tool
        from asyncstream.tools.signatures import context_parameter

        self.definition: FunctionToolParam = function_tool(function, name=name, description=description, strict=strict)
        self.function = function
        self.name = self.definition["function"]["name"]
        self.context = context_parameter(function)
        called = _called(function)
        if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
            raise ConfigurationError(f"{self.name} is a generator function: a tool returns its result once")
        awaits = inspect.iscoroutinefunction(called)
        if awaits and thread:
            raise ConfigurationError(
                f"{self.name} is an async function, which runs in the event loop: drop thread=True"
            )
        self.threaded = not awaits if thread is None else thread
        self.timeout = check_seconds(timeout, f"the timeout of {self.name}")
        self.approve = approve
        self.sequential = sequential
        self.final = final
        self.private = private

    def __repr__(self) -> str:
        return f"Tool({self.name!r})"

    def arguments(self, call: "FunctionCallLike") -> dict[str, Any]:
        """Decode the arguments of a call.

        Raises:
            ParseError: They are cut, are no JSON, or do not fit.
        """
        from asyncstream.tools.functions import arguments_for

        return arguments_for(self.function, call)


def check_seconds(seconds: float | EllipsisType | None, name: str) -> float | EllipsisType | None:
    """Return a duration.

    Raises:
        ConfigurationError: It is no number above 0.
    """
    if seconds is None or seconds is ...:
        return seconds
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ConfigurationError(f"expected {name} in seconds above 0, or None, got {seconds!r}")
    return seconds


def _called(function: Any) -> Any:
    """Return the function that a call of this runs: that of a partial application, a method or an object."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or isinstance(function, type):
        return function
    return type(function).__call__
