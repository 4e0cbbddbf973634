"""What the embedded server refuses in a chat request, with which `param` and `code`."""

import pytest
from chat_api import HELLO, PATH, request, tool

from asyncstream.server import ChatDialect, Scenario

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWER = {"role": "tool", "tool_call_id": "call_1", "content": "1"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"temperature": 3}, "temperature"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"tool_choice": None}, "tool_choice"),
        ({"top_k": 4}, "top_k"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"other": True}}, "stream_options.other"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": [1]}, "stop"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls"),
        ({"tools": []}, "tools"),
        ({"tools": [{"type": "retrieval"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [tool("not a name")]}, "tools[0].function.name"),
        ({"functions": [{"name": ""}]}, "functions[0].name"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": [tool("f")], "tool_choice": "any"}, "tool_choice"),
        ({"tools": [tool("f")], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
        ({"tools": [tool("f")], "tool_choice": {"type": "function"}}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_object"}}, "messages"),
        ({"response_format": {"type": "json_schema"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
        ({"messages": []}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [{"content": "hello"}]}, "messages[0].role"),
        ({"messages": [{"role": "robot", "content": "hello"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "a", "mood": "b"}]}, "messages[0].mood"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": ["a"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}, "messages[0].tool_calls[0].type"),
        ({"messages": [*HELLO, ANSWER]}, "messages[1].tool_call_id"),
        ({"messages": [*HELLO, CALLING]}, "messages"),
        ({"messages": [*HELLO, CALLING, *HELLO]}, "messages[2]"),
        ({"messages": [*HELLO, CALLING, {**ANSWER, "tool_call_id": "other"}]}, "messages[2].tool_call_id"),
        ({"messages": [*HELLO, CALLING, ANSWER, ANSWER]}, "messages[3].tool_call_id"),
    ],
)
async def test_wrong_requests_are_refused(talk, members, param):
    async with talk() as api:
        error = await api.refused(400, "POST", PATH, request(**members))

    assert (error["param"], error["type"]) == (param, "invalid_request_error")


async def test_model_and_messages_are_required(talk):
    async with talk() as api:
        missing = [(await api.refused(400, "POST", PATH, body))["param"] for body in ({"model": "m"}, {"messages": []})]

    assert missing == ["messages", "model"]


async def test_messages_that_providers_want_back_are_taken(talk):
    message = {**CALLING, "reasoning_content": "hm", "reasoning_details": [{}], "extra_content": {}, "annotations": []}
    messages = [{"role": "developer", "content": "Be brief."}, *HELLO, message, ANSWER]
    async with talk() as api:
        whole = await api.post(PATH, request(messages=messages))

    assert "f returned 1" in whole["choices"][0]["message"]["content"]


async def test_dialect_can_take_any_parameter(talk):
    messages = [{"role": "user", "content": "a", "mood": "b"}]
    async with talk(Scenario(dialect=ChatDialect(any_parameter=True))) as api:
        await api.post(PATH, request(messages=messages, top_k=4))


async def test_key_is_needed_but_no_beta_header(talk):
    async with talk() as api:
        await api.post(PATH, request(), headers={"Authorization": "Bearer any"})
        await api.refused(401, "POST", PATH, request(), headers={})


STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"additionalProperties": True}, "at its root, 'additionalProperties'"),
        ({"required": []}, "at its root, 'required'"),
        ({"type": "array"}, "the root is an object"),
        ({"anyOf": []}, "the root is an object"),
        ({"properties": {"a": {"type": "string", "default": "x"}}}, "at properties.a, 'default'"),
        ({"properties": {"a": {}}}, "at properties.a, a schema has a 'type'"),
        ({"properties": {"a": True}}, "at properties.a, a schema is an object"),
        ({"properties": {"a": {"type": "array"}}}, "at properties.a, a list"),
        ({"properties": {"a": {"type": "array", "items": {"oneOf": []}}}}, "at properties.a.items, 'oneOf'"),
        ({"properties": {"a": {"anyOf": [{"type": "object"}]}}}, "at properties.a.anyOf.0, 'additionalProperties'"),
        ({"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"not": {}}}}, "at $defs.b, 'not'"),
    ],
)
async def test_strict_schemas_must_be_strict(talk, change, words):
    schema = {**STRICT, **change}
    function = {"name": "f", "parameters": schema, "strict": True}
    described = {"type": "json_schema", "json_schema": {"name": "r", "schema": schema, "strict": True}}
    async with talk() as api:
        of_tool = await api.refused(400, "POST", PATH, request(tools=[{"type": "function", "function": function}]))
        of_format = await api.refused(400, "POST", PATH, request(response_format=described))
        # Without the promise, anything goes.
        del function["strict"]
        await api.post(PATH, request(tools=[{"type": "function", "function": function}]))

    assert words in of_tool["message"]
    assert words in of_format["message"]
    assert (of_tool["param"], of_tool["code"]) == ("tools[0].function.parameters", "invalid_schema")


async def test_strict_schemas_may_nest_but_not_for_ever(talk):
    def nested(levels: int) -> dict:
        inner = {"type": "string"} if levels == 1 else nested(levels - 1)
        return {**STRICT, "properties": {"a": inner}}

    async with talk() as api:
        for levels, status in ((10, 200), (11, 400)):
            function = {"name": "f", "parameters": nested(levels), "strict": True}
            got, _ = await api.ask("POST", PATH, request(tools=[{"type": "function", "function": function}]))
            assert (levels, got) == (levels, status)
