"""The unscripted model's arguments: they fit the schema, whatever it is."""

import pytest

from asyncstream.server import CallCustom, CallFunction, Incomplete, RunCode, Say, Segment, ToolResult, default_turn
from asyncstream.server.samples import sample_arguments


def _one(schema: object, question: str = "") -> object:
    return sample_arguments({"type": "object", "properties": {"x": schema}}, question)["x"]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "value 1"),
        ({"enum": ["c", "f"]}, "c"),
        ({"const": 7}, 7),
        ({"type": "string", "default": "d"}, "d"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "number", "maximum": 0.5}, 0.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, True),
        ({"properties": {"y": {"type": "integer"}}}, {"y": 1}),
        ({"type": "string", "format": "date"}, "2025-01-31"),
        ({"type": "string", "minLength": 10}, "value 1..."),
        ({"type": "string", "maxLength": 3}, "val"),
        ({"type": "number", "exclusiveMinimum": 1}, 2),
        ({"type": "integer", "exclusiveMaximum": 1}, 0),
        ({"type": "integer", "multipleOf": 5}, 5),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 3}, [True, True, True]),
        ({"type": "array", "items": {"type": "boolean"}, "maxItems": 0}, []),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": False}, [1, 2]),
        (True, "value 1"),
    ],
)
def test_each_kind_of_schema_gets_a_value(schema, expected):
    assert _one(schema) == expected


def test_names_and_numbers_of_the_question_come_first():
    properties = {"city": {"type": "string"}, "other": {"type": "string"}, "days": {"type": "integer"}}

    sample = sample_arguments({"type": "object", "properties": properties}, "Will it rain in Oslo for 12 days?")

    assert sample == {"city": "Oslo", "other": "Will", "days": 12}


def test_schema_that_refers_to_itself_ends():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}

    sample = sample_arguments({"$ref": "#/$defs/node", "$defs": {"node": node}}, "")

    assert list(sample) == ["next"]


@pytest.mark.parametrize("schema", [None, [], {"type": "string"}, {"$ref": "#/nowhere"}, {"$ref": "#"}])
def test_schema_of_no_object_gives_no_arguments(schema):
    assert sample_arguments(schema, "q") == {}


def test_named_tool_choice_is_called():
    tools = [{"type": "function", "function": {"name": name}} for name in ("a", "b")]
    choice = {"tool_choice": {"type": "function", "function": {"name": "b"}}}

    turn = default_turn(Segment("q", tools, (), choice))

    assert [CallFunction("b", {})] == list(turn.actions)


def test_custom_tool_gets_the_question():
    tools = [{"type": "custom", "custom": {"name": "shell"}}]

    assert [CallCustom("shell", "q")] == list(default_turn(Segment("q", tools, (), {})).actions)


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_limit_of_tokens_cuts_the_answer(limit):
    turn = default_turn(Segment("q", [], (), {limit: 2}))

    assert [Say("You asked:", ["You", " asked:"]), Incomplete("max_completion_tokens")] == list(turn.actions)


def test_answer_fits_the_response_format():
    described = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"const": {"a": 1}}}}

    [say] = default_turn(Segment("q", [], (), {"response_format": described})).actions

    assert '{"a":1}' == say.text == "".join(say.pieces)


def test_code_is_run_once_and_outputs_are_quoted():
    tools = [{"type": "code_interpreter"}]

    first = default_turn(Segment("a b", tools, (), {}))
    second = default_turn(Segment("a b", tools, (ToolResult("f", "{}", "out"),), {}))

    assert [RunCode, Say] == [type(action) for action in first.actions]
    assert [Say] == [type(action) for action in second.actions]
    assert "f returned out" in second.actions[0].text
