"""What is refused of the requests of Responses, and how."""

import pytest
from response_api import FUNCTION, PATH, request

from asyncstream.server import RESPONSES_DIALECTS, Say, Scenario, Turn

STRICT = {"type": "object", "properties": {"a": {"type": "string"}}}


def _item(**members: object) -> dict:
    return {"input": [members]}


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": 1}, "input", "invalid_type"),
        ({"colour": "red"}, "colour", "unknown_parameter"),
        ({"temperature": 3}, "temperature", "decimal_above_max_value"),
        ({"max_output_tokens": 10}, "max_output_tokens", "decimal_below_min_value"),
        ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ({"stream_options": {}}, "stream_options", "invalid_value"),
        ({"stream": True, "stream_options": {"x": 1}}, "stream_options.x", "unknown_parameter"),
        ({"background": True, "store": False}, "background", "invalid_value"),
        ({"include": ["all"]}, "include[0]", "invalid_value"),
        ({"previous_response_id": "r", "conversation": "c"}, None, "mutually_exclusive_parameters"),
        ({"previous_response_id": "resp_none"}, "previous_response_id", "previous_response_not_found"),
        ({"tools": [{"type": "function"}]}, "tools[0].name", "missing_required_parameter"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].function", "unknown_parameter"),
        ({"tools": [{"type": "function", "name": "a b"}]}, "tools[0].name", "invalid_value"),
        ({"tools": [{"type": "hammer"}]}, "tools[0].type", "invalid_value"),
        ({"tools": [{"type": "code_interpreter"}]}, "tools[0].container", "missing_required_parameter"),
        (
            {"tools": [{"type": "function", "name": "f", "parameters": STRICT, "strict": True}]},
            "tools[0].parameters",
            "invalid_schema",
        ),
        ({"tool_choice": "must"}, "tool_choice", "invalid_value"),
        ({"tool_choice": "required"}, "tool_choice", "invalid_value"),
        ({"tool_choice": {"type": "function", "name": "f"}}, "tool_choice", "invalid_value"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type", "invalid_value"),
        (
            {"text": {"format": {"type": "json_schema", "name": "n"}}},
            "text.format.schema",
            "missing_required_parameter",
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": STRICT, "strict": True}}},
            "text.format.schema",
            "invalid_schema",
        ),
        ({"input": ["x"]}, "input[0]", "invalid_type"),
        (_item(role="robot", content="x"), "input[0].role", "invalid_value"),
        (_item(role="user"), "input[0].content", "missing_required_parameter"),
        (_item(role="user", content=[{"text": "x"}]), "input[0].content[0].type", "missing_required_parameter"),
        (_item(role="user", content=[{"type": "text", "text": "x"}]), "input[0].content[0].type", "invalid_value"),
        (
            _item(role="user", content=[{"type": "input_text"}]),
            "input[0].content[0].text",
            "missing_required_parameter",
        ),
        (_item(role="user", content="x", parsed={}), "input[0].parsed", "unknown_parameter"),
        (_item(type="hammer"), "input[0].type", "invalid_value"),
        (_item(type="function_call", name="f", arguments="{}"), "input[0].call_id", "missing_required_parameter"),
        (_item(type="function_call_output", call_id="c"), "input[0].output", "missing_required_parameter"),
        (_item(type="mcp_call", id="m", name="f"), "input[0].server_label", "missing_required_parameter"),
    ],
)
async def test_bad_requests_are_refused(talk, members, param, code):
    async with talk() as api:
        error = await api.refused(400, "POST", PATH, request(**members))

    assert (error["param"], error["code"], error["type"]) == (param, code, "invalid_request_error")


@pytest.mark.parametrize(
    "members",
    [
        {"tools": [FUNCTION, {"type": "web_search"}, {"type": "mcp", "server_label": "x"}]},
        {"tools": [FUNCTION], "tool_choice": "required"},
        {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "get_weather"}},
        {"tools": [FUNCTION], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [FUNCTION]}},
        {"text": {"format": {"type": "json_object"}, "verbosity": "low"}},
        {"input": None, "prompt": {"id": "p"}, "model": None},
        {"input": [{"role": "assistant", "content": "I said", "phase": "commentary"}]},
        {"input": [{"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}}]},
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "http://x"}]}]},
        {"reasoning": {"effort": "low", "summary": "auto"}, "service_tier": "flex", "truncation": "auto"},
    ],
)
async def test_good_requests_are_answered(talk, members):
    async with talk(Scenario([Turn(Say("Hi"))])) as api:
        answer = await api.post(PATH, request(**members))

    assert answer["status"] == "completed"


async def test_other_servers_take_what_openai_does_not_know(talk):
    scenario = Scenario([Turn(Say("Hi"))], responses_dialect=RESPONSES_DIALECTS["vllm"])
    async with talk(scenario) as api:
        answer = await api.post(
            PATH, request(top_k=4, tools=[{"type": "hammer"}], **_item(role="user", content="x", n=1))
        )

    assert answer["status"] == "completed"
