"""The types of the calls of every protocol, and of what decodes them."""

from typing import Any, assert_type

from msgspec import Struct

from asyncstream import pydantic_function_tool
from asyncstream.params import FunctionToolParam
from asyncstream.tools import AnyToolCall, arguments_for
from asyncstream.types import (
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageToolCall,
    FunctionCall,
    FunctionToolCall,
    RequiredActionFunctionToolCall,
    RequiredActionMCPToolCall,
    Run,
    ToolCall,
)


class City(Struct):
    name: str


def visit(city: str) -> str:
    return city


def decoded(call: AnyToolCall) -> None:
    assert_type(call.parse(), dict[str, object])
    assert_type(call.parse(City), City)
    assert_type(call.arguments_as(City), City)
    assert_type(arguments_for(visit, call), dict[str, Any])


def calls(
    chat: ChatCompletionMessageFunctionToolCall,
    any_of_chat: ChatCompletionMessageToolCall,
    step: FunctionToolCall,
    approval: RequiredActionMCPToolCall,
    run: Run,
    any_of_a_step: ToolCall,
) -> None:
    assert_type(chat.parse(), dict[str, object])
    assert_type(chat.arguments_as(City), City)
    assert_type(chat.name, str)
    assert_type(chat.function.parsed_arguments, object)
    assert_type(step.parse(City), City)
    assert_type(any_of_a_step.id, str)
    assert_type(any_of_a_step.parse(), dict[str, object])
    assert_type(any_of_a_step.arguments_as(City), City)
    assert_type(run.pending_tool_calls, list[RequiredActionFunctionToolCall])
    decoded(chat)
    decoded(any_of_chat)
    decoded(step)
    decoded(approval)
    decoded(run.pending_tool_calls[0])
    arguments_for(visit, FunctionCall(name="visit"))


assert_type(pydantic_function_tool(City, name="city", description="A city."), FunctionToolParam)
