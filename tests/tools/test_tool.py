"""`Tool` and `Tools`: what is refused where it stands in the program, and what the model is told of them."""

import functools
from typing import Any

import pytest

from asyncstream import ConfigurationError, Tool, ToolContext, Tools


def add(a: int, b: int = 0) -> int:
    """Add two numbers."""
    return a + b


async def wait(seconds: float) -> None:
    """Wait."""


class Adder:
    async def __call__(self, a: int) -> int:
        """Add to this."""
        return a


def test_a_function_is_a_tool_with_the_defaults():
    (tool,) = Tools(add).by_name.values()

    assert ("add", None, ..., True) == (tool.name, tool.context, tool.timeout, tool.threaded)
    assert [False] * 4 == [tool.approve, tool.sequential, tool.final, tool.private]


@pytest.mark.parametrize(
    ("function", "threaded"),
    [(add, True), (wait, False), (functools.partial(wait, 1.0), False), (Adder(), False), (Adder().__call__, False)],
)
def test_plain_functions_run_in_threads_and_async_ones_do_not(function, threaded):
    assert threaded == Tool(function, name="it").threaded


def test_a_plain_function_may_run_in_the_event_loop():
    assert not Tool(add, thread=False).threaded


def test_what_cannot_be_run_is_refused_where_it_stands():
    def generator(x: int) -> Any:
        yield x

    async def async_generator(x: int) -> Any:
        yield x

    for function in (generator, async_generator):
        with pytest.raises(ConfigurationError, match="is a generator function"):
            Tool(function)
    with pytest.raises(ConfigurationError, match="drop thread=True"):
        Tool(wait, thread=True)
    with pytest.raises(ConfigurationError, match="cannot be given by name"):
        Tool(lambda *args: None, name="it")
    with pytest.raises(ConfigurationError, match="no annotation"):
        Tool(lambda x: None, name="it")


def test_two_parameters_for_a_context_are_refused():
    def f(one: ToolContext[int], other: ToolContext[int]) -> None: ...

    with pytest.raises(ConfigurationError, match="one, other"):
        Tool(f)


@pytest.mark.parametrize("annotation", [ToolContext[int], ToolContext, "ToolContext[int]", ToolContext[int] | None])
def test_the_context_is_found_by_its_type_and_not_shown(annotation):
    def f(x: int, ctx: Any = None) -> None: ...

    f.__annotations__["ctx"] = annotation

    tool = Tool(f)

    assert "ctx" == tool.context
    assert ["x"] == list(tool.definition["function"]["parameters"]["properties"])  # type: ignore[call-overload]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), True, "5"])
def test_a_deadline_is_a_number_above_0(seconds):
    with pytest.raises(ConfigurationError, match="in seconds above 0"):
        Tool(add, timeout=seconds)
    with pytest.raises(ConfigurationError, match="in seconds above 0"):
        Tools(add, timeout=seconds)


def test_the_deadline_of_a_tool_goes_before_that_of_all():
    tools = Tools(add, Tool(add, name="quick", timeout=1), Tool(add, name="endless", timeout=None), timeout=7)

    assert [7, 1, None] == [tools.timeout_of(tool) for tool in tools.by_name.values()]


def test_two_tools_of_one_name_are_refused():
    with pytest.raises(ConfigurationError, match="two tools are called 'add'"):
        Tools(add, add)


def test_a_tool_that_asks_needs_somebody_to_be_asked():
    with pytest.raises(ConfigurationError, match=r"add: approve=True asks Tools\(approve"):
        Tools(Tool(add, approve=True))


@pytest.mark.parametrize("name", ["max_rounds", "max_parallel"])
@pytest.mark.parametrize("number", [0, -1, True, 1.5])
def test_numbers_are_from_1(name, number):
    with pytest.raises(ConfigurationError, match=f"{name} as a number from 1"):
        Tools(add, **{name: number})


@pytest.mark.parametrize("arguments", [{"on_error": "tel"}, {"on_lost": "ignore"}, {"on_lost": print}])
def test_what_is_not_to_choose_from_is_refused(arguments):
    with pytest.raises(ConfigurationError, match=f"expected {next(iter(arguments))} as"):
        Tools(add, **arguments)


def test_definitions_are_as_each_protocol_has_them():
    function = {
        "name": "add",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
        "strict": True,
        "description": "Add two numbers.",
    }
    tools = Tools(add)

    assert [{"type": "function", "function": function}] == tools.definitions("chat") == tools.definitions("assistants")
    assert [{"type": "function", **function}] == tools.definitions("responses")
    with pytest.raises(ConfigurationError, match="chat, assistants, responses"):
        tools.definitions("realtime")  # type: ignore[arg-type]


def test_tools_say_what_they_are():
    assert "Tools(add, wait)" == repr(Tools(add, wait))
    assert "Tool('add')" == repr(Tool(add))
