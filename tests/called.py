"""Calls of functions as chat models make them, to decode in tests of tools."""

import json

from asyncstream.types import ChatCompletionMessageFunctionToolCall, FunctionCall


def called(arguments: object, name: str = "f") -> ChatCompletionMessageFunctionToolCall:
    """Return a call; arguments that are no text are written as JSON."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ChatCompletionMessageFunctionToolCall(id="call_1", function=FunctionCall(name=name, arguments=text))
