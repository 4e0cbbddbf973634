"""The unscripted model's arguments: they fit the schema, whatever it is."""

import pytest

from asyncstream.server import CallFunction, RunCode, Say, Segment, ToolResult, default_turn
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


def test_code_is_run_once_and_outputs_are_quoted():
    tools = [{"type": "code_interpreter"}]

    first = default_turn(Segment("a b", tools, (), {}))
    second = default_turn(Segment("a b", tools, (ToolResult("f", "{}", "out"),), {}))

    assert [RunCode, Say] == [type(action) for action in first.actions]
    assert [Say] == [type(action) for action in second.actions]
    assert "f returned out" in second.actions[0].text
