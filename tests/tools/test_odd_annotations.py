"""Types that people do write: each has a schema and is given as itself, or is refused with the parameter's name."""

import collections.abc
import contextlib
import dataclasses
import datetime
import decimal
import enum
import pathlib
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Literal, NewType, NotRequired, Required, TypedDict, TypeVar

import msgspec
import pytest
from called import called

from asyncstream.errors import ConfigurationError, ParseError
from asyncstream.shapes import holders
from asyncstream.shapes.shape import Data, raw_object
from asyncstream.tools import arguments_for, function_tool, response_format_for


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Share(enum.Enum):
    HALF = 0.5
    ALL = "all"


class Level(enum.IntEnum):
    LOW = 1


class Thing(enum.Enum):
    ONE = object()


@dataclasses.dataclass
class Circle:
    radius: float


@dataclasses.dataclass
class Square:
    side: float
    tilted: bool = False


class Part(TypedDict, total=False):
    size: int


UserId = NewType("UserId", int)
T = TypeVar("T")


class Page(msgspec.Struct, Generic[T]):
    items: list[T]


def tool_of(hint: object):
    def tool(value): ...

    tool.__annotations__ = {"value": hint}
    return tool


GIVEN = [
    (Colour, "red", Colour.RED),
    (Share, 0.5, Share.HALF),
    (Share, "all", Share.ALL),
    (Level, 1, Level.LOW),
    (Literal[Colour.RED, "z"], "red", Colour.RED),
    (Literal[Colour.RED, "z"], "z", "z"),
    (Literal[True, "a"], True, True),
    (UserId, 3, 3),
    (decimal.Decimal, "1.50", decimal.Decimal("1.50")),
    (datetime.date, "2026-01-02", datetime.date(2026, 1, 2)),
    (datetime.timedelta, "PT1S", datetime.timedelta(seconds=1)),
    (uuid.UUID, "00000000-0000-0000-0000-000000000001", uuid.UUID(int=1)),
    (bytes, "YWI=", b"ab"),
    (set[int], [1, 1], {1}),
    (frozenset[str], ["a"], frozenset("a")),
    (Sequence[int], [1], [1]),
    (Iterable[int], [1], [1]),
    (Iterable[Colour], ["red"], [Colour.RED]),
    (collections.abc.Iterable, [1, "a"], [1, "a"]),
    (list[int] | list[str], ["a"], ["a"]),
    (Circle | Square, {"side": 1.0, "tilted": True}, Square(1.0, True)),
    (Circle | Square | None, {"radius": 1.0}, Circle(1.0)),
    (dict[str, int] | dict[str, str], {"a": "b"}, {"a": "b"}),
    (int | float | str | None, 0.5, 0.5),
    (Part, {"size": 1}, {"size": 1}),
    (Page[int], {"items": [1]}, Page([1])),
    (Mapping[str, Iterable[int]], {"a": [1]}, {"a": [1]}),
    (Any, {"a": [None]}, {"a": [None]}),
    (object, {"a": [None]}, {"a": [None]}),
    (dict[str, object], {"a": [None]}, {"a": [None]}),
    (dict, {"a": 1}, {"a": 1}),
    (list, [1, "a"], [1, "a"]),
    (None, None, None),
]


@pytest.mark.parametrize(("hint", "value", "expected"), GIVEN, ids=lambda value: str(value)[:40])
def test_types_are_shown_and_given(hint, value, expected):
    tool = tool_of(hint)
    found = arguments_for(tool, called({"value": value}))["value"]

    assert ["value"] == list(function_tool(tool, strict=False)["function"]["parameters"]["properties"])
    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    ("hint", "value", "reason"),
    [
        (Share, 0.25, "Expected one of 0.5, 'all'"),
        (Literal[Colour.RED, 1], True, "Expected one of 'red', 1"),
        (Iterable[int], ["a"], "Expected `int`, got `str`"),
        (Iterable[int], {"a": 1}, "Expected `array`, got `object`"),
        (list[int] | list[str], [None], "got `null`"),
        (Circle | Square, 5, "Expected `object`, got `int`"),
        (dict[int, Iterable[int]], {"a": [1]}, "Expected `int`, got `str`"),
        (set[frozenset[Share]] | set[Share], [[1]], "Expected one of 0.5, 'all'"),
    ],
)
def test_what_does_not_fit_is_said(hint, value, reason):
    with pytest.raises(ParseError) as caught:
        arguments_for(tool_of(hint), called({"value": value}))

    assert reason in str(caught.value)
    assert caught.value.path.startswith("$.value")


@pytest.mark.parametrize("hint", [Any, object, dict[str, Any], dict, list, tuple[int, str], list[dict[str, str]]])
def test_what_no_strict_schema_says_names_the_parameter_and_the_ways_out(hint):
    tool = tool_of(hint)

    with pytest.raises(ConfigurationError, match=r"tool\.value.*or pass strict=False"):
        function_tool(tool)
    assert function_tool(tool, strict=False)["function"]["strict"] is False


@pytest.mark.parametrize("hint", [complex, pathlib.Path, Callable[[int], str], type[int], Thing, list[range]])
@pytest.mark.parametrize("strict", [True, False])
def test_what_json_cannot_be_read_into_names_the_parameter(hint, strict):
    with pytest.raises(ConfigurationError, match=r"tool\.value") as caught:
        function_tool(tool_of(hint), strict=strict)

    assert "msgspec" not in str(caught.value)
    assert "schema_hook" not in str(caught.value)


@pytest.mark.parametrize("hint", [complex, list[pathlib.Path]])
def test_what_json_cannot_be_read_into_is_never_decoded(hint):
    with pytest.raises(ConfigurationError, match="cannot parse into"):
        called({"value": 1}).arguments_as(hint)


def test_final_and_required_stand_for_what_they_hold():
    fixed = dataclasses.make_dataclass("Fixed", [("sizes", Final[Iterable[int]])])

    class Keyed(TypedDict, total=False):
        size: Required[Iterable[int]]
        note: NotRequired[str]

    assert fixed([1]) == called({"sizes": [1]}).arguments_as(fixed)
    assert {"size": [1]} == called({"size": [1]}).arguments_as(Keyed)
    with pytest.raises(ParseError, match="missing required field `size`"):
        called({"note": "a"}).arguments_as(Keyed)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (Page[int], "Page_int"),
        (Page[list[str]], "Page_list_str"),
        (Page[int | None], "Page_int_None"),
        (Circle, "Circle"),
    ],
)
def test_generic_types_are_answers_with_a_name(target, name):
    found = response_format_for(target)["json_schema"]

    assert name == found["name"]
    assert "object" == found["schema"]["type"]


def test_members_that_are_no_json_have_no_default_in_the_schema():
    made = dataclasses.make_dataclass("Made", [("a", Iterable[int], ()), ("b", str, "x")])
    properties = function_tool(tool_of(made), strict=False)["function"]["parameters"]["$defs"]["Made"]["properties"]

    assert {"type": "array", "items": {"type": "integer"}} == properties["a"]
    assert {"type": "string", "default": "x"} == properties["b"]


def test_constructor_that_refuses_is_a_value_that_does_not_fit():
    @dataclasses.dataclass
    class Even:
        sizes: Iterable[int]

        def __post_init__(self) -> None:
            if len(list(self.sizes)) % 2:
                raise ValueError("an odd number of sizes")

    with pytest.raises(ParseError, match=r"at \$.value: an odd number of sizes"):
        arguments_for(tool_of(Even), called({"value": {"sizes": [1]}}))


def test_type_that_is_not_found_in_a_class_is_named():
    struct = msgspec.defstruct("Lost", [("a", "Nowhere")])

    for lost in (dataclasses.make_dataclass("Lost", [("a", "Nowhere")]), struct, list[struct]):
        with pytest.raises(ConfigurationError, match="a type in Lost cannot be found: name 'Nowhere'"):
            function_tool(tool_of(lost))


@dataclasses.dataclass
class Left:
    inner: "Left | Right | None" = None
    sizes: Iterable[int] = ()


@dataclasses.dataclass
class Right:
    inner: "Left | Right | None" = None
    names: Iterable[str] = ()


def tries(levels: int, innermost: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Count how often an object is read while a nest of so many levels is decoded, fitting or not."""
    count = 0

    def counted(data: Data) -> dict[str, msgspec.Raw]:
        nonlocal count
        count += 1
        return raw_object(data)

    monkeypatch.setattr(holders, "raw_object", counted)
    text = '{"inner":' * levels + innermost + "}" * levels
    with contextlib.suppress(ParseError):
        called(text).arguments_as(Left)
    return count


@pytest.mark.parametrize("innermost", ['{"names":["a"]}', '{"names":[1],"sizes":["a"]}'], ids=["fits", "does not fit"])
def test_unions_inside_of_unions_are_not_tried_again_and_again(innermost, monkeypatch):
    once, twice = tries(20, innermost, monkeypatch), tries(40, innermost, monkeypatch)

    assert 20 <= once
    assert twice < 5 * once


def test_equal_parts_of_a_union_are_values_of_their_own():
    first, second = called([{"names": []}, {"names": []}]).arguments_as(list[Left | Right])

    assert Right(names=[]) == first == second
    assert first is not second


@pytest.mark.skipif(sys.version_info < (3, 12), reason="`type X = ...` is newer")
def test_aliases_stand_for_their_types():
    names: dict[str, Any] = {"Circle": Circle, "Iterable": Iterable}
    exec(
        "type Circles = Iterable[Circle]\n"
        "type Named[T] = dict[str, Iterable[T]]\n"
        "type Endless = list[Endless] | Iterable[int]",
        names,
    )

    assert [Circle(1.0)] == called([{"radius": 1}]).arguments_as(names["Circles"])
    assert {"a": [1]} == called({"a": [1]}).arguments_as(names["Named"][int])
    with pytest.raises(ConfigurationError, match="holds itself without end"):
        called([]).arguments_as(names["Endless"])
