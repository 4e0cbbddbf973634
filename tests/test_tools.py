"""Typed tools and answers: schemas from the user's types, and what the model wrote into them."""

import dataclasses
import enum
import functools
import json
import pickle
import subprocess
import sys
from datetime import date
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pytest
from msgspec import Meta, Struct

from asyncstream.errors import APIResponseValidationError, ConfigurationError, ParseError
from asyncstream.nesting import MAX_DEPTH
from asyncstream.partial import parse_partial
from asyncstream.schemas import schema_of
from asyncstream.tools import arguments_for, function_tool, parameters_of, response_format_for
from asyncstream.types import ChatCompletionMessage, ChatCompletionMessageFunctionToolCall, FunctionCall


async def get_current_weather(
    city: str,
    unit: Literal["celsius", "fahrenheit"] = "celsius",
    days: list[int] = [],  # noqa: B006  # a default that must not be shared
) -> str:
    """Look up the weather.

    It is the weather outside.

    Args:
        city: The city, and its country
            if there are several.
        unit (str): Of the temperature: any.

    Returns:
        A sentence.
    """
    return f"{city} {unit} {days}"


def tool_call(arguments: str, name: str = "f") -> ChatCompletionMessageFunctionToolCall:
    return ChatCompletionMessageFunctionToolCall(id="call_1", function=FunctionCall(name=name, arguments=arguments))


# Functions to tools.


def test_function_is_a_strict_tool():
    assert function_tool(get_current_weather) == {
        "type": "function",
        "function": {
            "name": "get_current_weather",
            "description": "Look up the weather.\n\nIt is the weather outside.",
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "The city, and its country if there are several."},
                    "unit": {
                        "type": "string",
                        "enum": ["celsius", "fahrenheit"],
                        "description": "Of the temperature: any.",
                    },
                    "days": {"type": "array", "items": {"type": "integer"}},
                },
                "required": ["city", "unit", "days"],
                "additionalProperties": False,
            },
        },
    }


def test_tool_that_is_not_strict_keeps_defaults_and_free_keys():
    def note(text: str, tags: dict[str, str] | None = None) -> None: ...

    parameters = function_tool(note, strict=False)["function"]["parameters"]

    assert parameters["required"] == ["text"]
    assert "strict" in function_tool(note, strict=False)["function"]


def test_function_without_parameters():
    def now() -> str: ...

    assert function_tool(now)["function"] == {
        "name": "now",
        "strict": True,
        "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    }


def test_name_and_description_can_be_given():
    found = function_tool(get_current_weather, name="w", description="d")["function"]

    assert (found["name"], found["description"]) == ("w", "d")


class Place(Struct):
    """A place on the map."""

    lat: float
    lon: float


def test_type_is_a_tool_with_its_fields_as_parameters():
    found = function_tool(Place)["function"]

    assert (found["name"], found["description"]) == ("Place", "A place on the map.")
    assert set(found["parameters"]["properties"]) == {"lat", "lon"}
    assert "description" not in found["parameters"]


class Shop:
    def open(self, day: Annotated[str, Meta(description="A weekday.")]) -> bool:
        """Tell whether the shop is open.

        Args:
            day: Not this text.
        """
        return day != "Sunday"

    def __call__(self, item: str) -> int:
        return len(item)


def test_method_has_no_self():
    found = function_tool(Shop().open)["function"]

    assert found["parameters"]["properties"] == {"day": {"type": "string", "description": "A weekday."}}


def test_callable_object_has_the_name_of_its_class():
    found = function_tool(Shop())["function"]

    assert found["name"] == "Shop"
    assert found["parameters"]["required"] == ["item"]


def test_partial_application_lacks_what_is_bound_by_position():
    found = function_tool(functools.partial(get_current_weather, "Oslo"), name="oslo")["function"]

    assert found["parameters"]["required"] == ["unit", "days"]


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda city: city, "'city' of <lambda> has no annotation"),
        (print, "cannot be given by name"),
        (len, "cannot be given by name"),
    ],
)
def test_function_that_says_too_little_is_refused(function, what):
    with pytest.raises(ConfigurationError, match=what):
        function_tool(function, name="f")


def test_parameters_without_names_are_refused():
    def spread(*names: str) -> None: ...
    def options(**more: str) -> None: ...
    def first(name: str, /) -> None: ...

    for function in (spread, options, first):
        with pytest.raises(ConfigurationError, match="cannot be given by name"):
            function_tool(function)


def test_annotation_that_cannot_be_resolved_is_refused():
    def later(value: "Undefined") -> None: ...  # noqa: F821  # that is the point

    with pytest.raises(ConfigurationError, match="Undefined"):
        function_tool(later)


def test_name_that_servers_refuse_is_refused():
    with pytest.raises(ConfigurationError, match="1 to 64 letters"):
        function_tool(get_current_weather, name="get weather!")


def test_parameters_of_a_function_are_one_struct():
    assert parameters_of(get_current_weather) is parameters_of(get_current_weather)


def test_arguments_are_decoded_for_the_function():
    call = tool_call('{"city":"Oslo"}')

    assert arguments_for(get_current_weather, call) == {"city": "Oslo", "unit": "celsius", "days": []}
    assert arguments_for(get_current_weather, call)["days"] is not arguments_for(get_current_weather, call)["days"]


# Types to schemas.


class Leaf(Struct, tag="leaf"):
    label: Annotated[str, Meta(min_length=1, description="What it says.")] = "x"


class Node(Struct):
    value: int
    children: list["Node"]
    leaf: Leaf | None = None


def test_response_format_has_the_type_itself_at_the_top():
    assert response_format_for(Leaf) == {
        "type": "json_schema",
        "json_schema": {
            "name": "Leaf",
            "strict": True,
            "schema": {
                "title": "Leaf",
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": ["leaf"]},
                    "label": {"type": "string", "description": "What it says."},
                },
                "required": ["type", "label"],
                "additionalProperties": False,
            },
        },
    }


def test_type_that_holds_itself_refers_to_its_part():
    schema = schema_of(Node)

    assert schema["properties"]["children"] == {"type": "array", "items": {"$ref": "#/$defs/Node"}}
    assert set(schema["$defs"]) == {"Node", "Leaf"}
    assert schema["$defs"]["Node"]["required"] == ["value", "children", "leaf"]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Paint(TypedDict):
    colour: Colour
    litres: NotRequired[float]


@dataclasses.dataclass
class Order:
    paint: Paint
    day: date
    either: Literal["a", 1, None] = None


def test_dataclass_and_typed_dict_are_tightened():
    schema = schema_of(Order)

    assert schema["required"] == ["paint", "day", "either"]
    assert schema["properties"]["either"]["type"] == ["integer", "null", "string"]
    assert schema["properties"]["day"] == {"type": "string", "format": "date"}
    assert schema["$defs"]["Paint"]["required"] == ["colour", "litres"]
    assert schema["$defs"]["Colour"]["type"] == "string"


def objects(schema: Any) -> list[dict[str, Any]]:
    """Give every schema of an object, at any depth."""
    if isinstance(schema, list):
        return [found for entry in schema for found in objects(entry)]
    if not isinstance(schema, dict):
        return []
    inner = [found for value in schema.values() for found in objects(value)]
    return [schema, *inner] if schema.get("type") == "object" else inner


@pytest.mark.parametrize("target", [Node, Order, Leaf, Place, parameters_of(get_current_weather)])
def test_strict_schema_is_strict_everywhere(target):
    found = objects(schema_of(target))

    assert found
    assert all(schema["additionalProperties"] is False for schema in found)
    assert all(schema["required"] == list(schema["properties"]) for schema in found)
    assert "'default'" not in repr(found)


class Inner(Struct):
    settings: dict[str, int]


class Outer(Struct):
    inners: list[Inner]


@pytest.mark.parametrize(
    ("field", "what"),
    [
        (dict[str, int], "Odd.field is a free-form dict"),
        (dict, "Odd.field is a free-form dict"),
        (list[dict[str, Any]], r"Odd.field\[\] is a free-form dict"),
        (dict[str, int] | None, "Odd.field is a free-form dict"),
        (tuple[int, str], "Odd.field is a tuple"),
        (list, "Odd.field is a list of anything"),
        (Any, "Odd.field takes a value of any kind"),
        (object, "Odd.field takes a value of any kind"),
        (Outer, "Inner.settings is a free-form dict"),
    ],
)
def test_what_no_strict_schema_can_say_is_refused(field, what):
    odd = msgspec.defstruct("Odd", [("field", field)])

    with pytest.raises(ConfigurationError, match=what):
        response_format_for(odd)


@pytest.mark.parametrize("target", [list[int], int, Literal["a"]])
def test_answer_that_is_no_object_is_refused(target):
    with pytest.raises(ConfigurationError, match="must be an object at the top"):
        response_format_for(target)


def test_schema_that_is_not_strict_allows_free_keys():
    schema = response_format_for(Inner, strict=False)["json_schema"]

    assert schema["strict"] is False
    assert schema["schema"]["properties"]["settings"]["additionalProperties"] == {"type": "integer"}


def test_name_of_a_generic_type_is_one_that_servers_take():
    assert response_format_for(Place, name="x")["json_schema"]["name"] == "x"
    assert response_format_for(msgspec.defstruct("Page[int]", [("a", int)]))["json_schema"]["name"] == "Page_int"


# What the model wrote.


@pytest.mark.parametrize("target", [Place, dict[str, float]])
def test_arguments_are_decoded(target):
    found = tool_call('{"lat":1.5,"lon":2}').arguments_as(target)

    assert msgspec.to_builtins(found) == {"lat": 1.5, "lon": 2.0}


def test_dataclass_and_typed_dict_are_decoded():
    order = tool_call('{"paint":{"colour":"red"},"day":"2026-01-02"}').arguments_as(Order)

    assert order == Order(paint={"colour": Colour.RED}, day=date(2026, 1, 2))


def test_arguments_without_a_type_are_a_plain_dict():
    assert tool_call('{"a":[1,null]}').parse() == {"a": [1, None]}


@pytest.mark.parametrize("arguments", ["", "  "])
def test_no_arguments_are_an_empty_object(arguments):
    assert tool_call(arguments).parse() == {}
    assert tool_call(arguments).arguments_as(parameters_of(lambda: None)) is not None


@pytest.mark.parametrize(
    ("arguments", "path", "what"),
    [
        ('{"lat":"x","lon":1}', "$.lat", "Expected `float`, got `str`"),
        ('{"lat":1}', "$", "missing required field `lon`"),
        ("[]", "$", "Expected `object`, got `array`"),
        ('{"lat":1,', "$", "is not JSON"),
        ("not at all", "$", "is not JSON"),
        ('{"lat":1,"lon":2}}', "$", "is not JSON"),
        ("", "$", "missing required field"),
    ],
)
def test_arguments_that_do_not_fit_say_where(arguments, path, what):
    with pytest.raises(ParseError, match="the call of 'f'") as caught:
        tool_call(arguments).arguments_as(Place)

    assert what in str(caught.value)
    assert caught.value.path == path
    assert caught.value.raw == arguments
    assert isinstance(caught.value, APIResponseValidationError)


def test_path_leads_into_lists():
    with pytest.raises(ParseError) as caught:
        tool_call('{"value":1,"children":[{"value":1,"children":[]},{"value":"x","children":[]}]}').parse(Node)

    assert caught.value.path in ("$.children[...].value", "$.children[1].value")


def test_parse_error_survives_pickling():
    with pytest.raises(ParseError) as caught:
        tool_call('{"lat":"x"}').parse(Place)

    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.path, again.raw, again.body) == (
        str(caught.value),
        caught.value.path,
        '{"lat":"x"}',
        b'{"lat":"x"}',
    )


def test_half_pairs_and_depth_are_our_error():
    for text in ('"\ud83d"', "[" * 5_000 + "]" * 5_000):
        with pytest.raises(ParseError):
            ChatCompletionMessage(content=text).parse(list)


class Anything(Struct):
    value: object


ANYTHING = {"msgspec": Anything, "dataclass": dataclasses.make_dataclass("Made", [("value", object)])}


def anything(levels: int) -> str:
    """Write an object of so many levels; a decoder that reads all of it goes as deep."""
    return '{"value":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


@pytest.mark.parametrize("kind", ["msgspec", "dataclass", "pydantic"])
def test_depth_is_refused_at_the_same_level_whatever_decodes(kind):
    if kind == "pydantic":
        target = pytest.importorskip("pydantic").create_model("Model", value=(Any, ...))
    else:
        target = ANYTHING[kind]

    assert tool_call(anything(MAX_DEPTH)).parse(target) is not None
    assert ChatCompletionMessage(content=anything(MAX_DEPTH)).parse(target) is not None
    for levels in (MAX_DEPTH + 1, 200, 1_000, 100_000):
        for parse in (tool_call(anything(levels)).parse, ChatCompletionMessage(content=anything(levels)).parse):
            with pytest.raises(ParseError, match="is nested deeper than 128 levels"):
                parse(target)


def test_what_no_field_takes_is_refused_at_the_same_level():
    text = '{"lat":1,"lon":2,"more":' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}"

    with pytest.raises(ParseError, match="is nested deeper than 128 levels"):
        tool_call(text).parse(Place)


def test_stack_that_leaves_too_little_is_our_error():
    def parse_within(frames: int) -> object:
        return parse_within(frames - 1) if frames else tool_call(anything(MAX_DEPTH)).parse(Anything)

    def deepest(frames: int) -> None:
        try:
            parse_within(frames)
        except ParseError as error:
            assert "nested too deep" in str(error)  # noqa: PT017  # either is right: it fits, or it is said
        except RecursionError:
            return
        deepest(frames + 10)

    deepest(100)


def test_reason_that_repeats_the_text_is_shortened():
    value = " - at `" * 10_000 + "\n"
    text = json.dumps({"unit": value})
    unit = msgspec.defstruct("Unit", [("unit", Literal["a", "b"])])

    with pytest.raises(ParseError) as caught:
        tool_call(text).parse(unit)
    assert (caught.value.path, caught.value.raw) == ("$.unit", text)
    assert len(str(caught.value)) < 1_000


def test_key_that_does_not_fit_says_where():
    with pytest.raises(ParseError) as caught:
        tool_call('{"a":1}').parse(dict[int, int])
    assert caught.value.path == "$"


def test_type_that_nothing_can_be_decoded_into_is_refused():
    with pytest.raises(ConfigurationError, match="cannot parse into"):
        tool_call("{}").parse(msgspec.defstruct("Odd", [("a", list[complex])]))


def test_content_is_decoded():
    assert ChatCompletionMessage(content='{"lat":1,"lon":2}').parse(Place) == Place(1.0, 2.0)


# Partially written arguments.


def test_partial_json_is_read_as_far_as_it_goes():
    pytest.importorskip("jiter")

    assert parse_partial("") is None
    assert parse_partial('{"a":[1,"x') == {"a": [1, "x"]}
    assert tool_call('{"city":"Os').partial_arguments() == {"city": "Os"}
    with pytest.raises(ParseError, match="no beginning of JSON"):
        parse_partial("}")


def test_partial_json_is_refused_at_the_same_level():
    pytest.importorskip("jiter")

    assert parse_partial("[" * MAX_DEPTH) is not None
    for levels in (MAX_DEPTH + 1, 200, 1_000, 100_000):
        with pytest.raises(ParseError, match="nested deeper than 128 levels"):
            parse_partial("[" * levels)


def test_partial_json_without_the_extra_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "jiter", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'asyncstream\[partial\]'"):
        parse_partial("{")


# pydantic models, where pydantic is installed.


def test_pydantic_models_are_accepted():
    pydantic = pytest.importorskip("pydantic")

    class Part(pydantic.BaseModel):
        size: int = pydantic.Field(default=1, ge=0, description="In mm.")
        kind: Literal["a", "b"]
        parts: list["Part"] | None = None

    schema = response_format_for(Part)["json_schema"]["schema"]
    assert schema["required"] == ["size", "kind", "parts"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["size"]["description"] == "In mm."
    assert "default" not in schema["properties"]["size"]

    assert ChatCompletionMessage(content='{"kind":"a"}').parse(Part) == Part(kind="a")
    with pytest.raises(ParseError) as caught:
        tool_call('{"kind":"a","parts":[{"kind":"c"}]}').arguments_as(Part)
    assert caught.value.path == "$.parts[0].kind"
    with pytest.raises(ParseError):
        tool_call('{"kind"').parse(Part)

    assert function_tool(Part)["function"]["parameters"]["required"] == ["size", "kind", "parts"]


def test_nothing_imports_pydantic_or_jiter():
    code = "import sys, asyncstream.tools, asyncstream.partial; print({'pydantic', 'jiter'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
