"""The tools of a program: `Tools`, functions and the rules by which a stream runs them. Pure, and never changed.

Above it: `looping`, which keeps the book of the calls, and `streaming`, which runs them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import EllipsisType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar

from asyncstream.errors import ConfigurationError
from asyncstream.tools.tool import Tool, check_seconds

if TYPE_CHECKING:
    from asyncstream.params.shared import FunctionToolParam
    from asyncstream.tools.calls import AnyToolCall
    from asyncstream.tools.context import Later, Refused

__all__ = ["RunTools", "Tools", "ToolsProtocol"]

D = TypeVar("D")

ToolsProtocol: TypeAlias = Literal["chat", "assistants", "responses"]


class Tools(Generic[D]):
    """Functions that a model may call, and the rules by which they are run. One serves any number of streams.

    Attributes:
        by_name: The tools.
        deps: What `ToolContext.deps` is.
    """

    def __init__(
        self,
        *functions: Callable[..., object] | Tool,
        deps: D = None,  # type: ignore[assignment]  # D is None then
        max_rounds: int = 10,
        max_parallel: int = 8,
        timeout: float | None = 60.0,
        approve: "Callable[[AnyToolCall], Awaitable[bool | Refused | Later]] | None" = None,
        on_error: "Literal['tell', 'raise'] | Callable[[AnyToolCall, Exception], str]" = "tell",
        on_lost: Literal["raise", "tell"] = "raise",
        before_round: Callable[[Any], Awaitable[None]] | None = None,
        record: Callable[[Any], Awaitable[None]] | None = None,
        grace: float = 5.0,
    ) -> None:
        """Gather tools.

        Args:
            functions: Functions, each as a `Tool` with the defaults, or tools.
            deps: What functions find as `ToolContext.deps`.
            max_rounds: Answers of the model at most; calls of the last one do not run, they raise `MaxRoundsError`.
            max_parallel: Calls that run at once.
            timeout: Seconds that a call may take; None: as long as it likes. A tool may say otherwise.
            approve: Asked before a call of a tool with ``approve=True``.
            on_error: What the model is told of a tool that raised: "tell", that it failed and no more; "raise",
                nothing, the exception leaves the loop; or a function of the call and the exception that gives words.
            on_lost: Of calls that had begun when the process ended: "raise" `ToolsLostError`, or "tell" the model.
            before_round: Awaited with the request to come, which it may change, before it is sent.
            record: Awaited with the state of the loop before a call begins, after it, and before each request.
            grace: Seconds that leaving the stream waits for calls to end.

        Raises:
            ConfigurationError: Two tools have one name, a function is no tool, or a number makes no sense.
        """
        tools = [function if isinstance(function, Tool) else Tool(function) for function in functions]
        by_name = {tool.name: tool for tool in tools}
        if len(by_name) < len(tools):
            doubled = next(tool.name for tool in tools if by_name[tool.name] is not tool)
            raise ConfigurationError(f"two tools are called {doubled!r}: give one another name=")
        if approve is None and (asks := [tool.name for tool in tools if tool.approve]):
            raise ConfigurationError(f"{', '.join(asks)}: approve=True asks Tools(approve=...), which is missing")
        _check_choice(on_error, ("tell", "raise"), "on_error", functions=True)
        _check_choice(on_lost, ("raise", "tell"), "on_lost", functions=False)
        self.by_name: Mapping[str, Tool] = MappingProxyType(by_name)
        self.deps: D = deps
        self.max_rounds = _at_least_one(max_rounds, "max_rounds")
        self.max_parallel = _at_least_one(max_parallel, "max_parallel")
        self.timeout = check_seconds(timeout, "the timeout of the tools")
        self.approve = approve
        self.on_error = on_error
        self.on_lost = on_lost
        self.before_round = before_round
        self.record = record
        self.grace = grace

    def __repr__(self) -> str:
        return f"Tools({', '.join(self.by_name)})"

    def definitions(self, protocol: ToolsProtocol) -> list[dict[str, Any]]:
        """Return what the model is told of the tools, as the `tools` of a protocol's requests.

        Raises:
            ConfigurationError: There is no such protocol.
        """
        define = _DEFINE.get(protocol)
        if define is None:
            raise ConfigurationError(f"expected one of {', '.join(_DEFINE)} as the protocol, got {protocol!r}")
        return [define(tool.definition) for tool in self.by_name.values()]

    def timeout_of(self, tool: Tool) -> float | None:
        """Return how many seconds a call of a tool may take; None: no end."""
        seconds = self.timeout if tool.timeout is ... else tool.timeout
        assert not isinstance(seconds, EllipsisType)  # of Tools none is
        return seconds


RunTools: TypeAlias = Tools[Any] | Sequence[Callable[..., object] | Tool]
"""What `run_tools=` takes: `Tools`, or a list of functions, which are run by the usual rules."""


def _nested(definition: "FunctionToolParam") -> dict[str, Any]:
    return {"type": "function", "function": {**definition["function"]}}


def _flat(definition: "FunctionToolParam") -> dict[str, Any]:
    return {"type": "function", **definition["function"]}


_DEFINE: Final[Mapping[str, Callable[["FunctionToolParam"], dict[str, Any]]]] = {
    "chat": _nested,
    "assistants": _nested,
    "responses": _flat,
}
"""How a function stands in the `tools` of a protocol."""


def _at_least_one(number: int, name: str) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ConfigurationError(f"expected {name} as a number from 1, got {number!r}")
    return number


def _check_choice(value: object, choices: Sequence[str], name: str, *, functions: bool) -> None:
    if value not in choices and not (functions and callable(value)):
        listed = " or ".join(map(repr, choices))
        raise ConfigurationError(f"expected {name} as {listed}{' or a function' if functions else ''}, got {value!r}")
