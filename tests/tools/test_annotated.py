"""What stands in `Annotated`: words reach the schema, bounds reach the schema and are kept by the arguments."""

import dataclasses
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, TypedDict

import msgspec
import pytest
from called import called
from msgspec import Meta, Struct

from asyncstream.errors import ConfigurationError, ParseError
from asyncstream.tools import arguments_for, function_tool, response_format_for


class Bound:
    """A bound as `annotated_types` makes them: an object with the names as attributes."""

    def __init__(self, **limits: object) -> None:
        vars(self).update(limits)


def shown(hint: object, *, strict: bool = True) -> dict[str, Any]:
    """Return the schema that a model is shown of a parameter of this type."""

    def tool(value): ...

    tool.__annotations__ = {"value": hint}
    return function_tool(tool, strict=strict)["function"]["parameters"]["properties"]["value"]


def given(hint: object, value: object) -> object:
    """Return what a parameter of this type is given for a JSON value."""

    def tool(value): ...

    tool.__annotations__ = {"value": hint}
    return arguments_for(tool, called({"value": value}))["value"]


def refused(hint: object, value: object) -> ParseError:
    with pytest.raises(ParseError) as caught:
        given(hint, value)
    return caught.value


@pytest.mark.parametrize(
    "note",
    ["Words.", Meta(description="Words."), Bound(description="Words."), Bound(documentation="Words.")],
    ids=["text", "Meta", "description", "documentation"],
)
def test_words_are_the_description(note):
    assert {"type": "string", "description": "Words."} == shown(Annotated[str, note])


def test_words_beside_the_type_come_before_those_of_the_docstring():
    def visit(city: Annotated[str, "City and country."], day: str):
        """Visit.

        Args:
            city: A city.
            day: A day.
        """

    properties = function_tool(visit)["function"]["parameters"]["properties"]
    assert ["City and country.", "A day."] == [schema["description"] for schema in properties.values()]


def test_first_plain_text_is_the_description_and_a_note_that_says_it_wins():
    assert "One." == shown(Annotated[str, "One.", "Two."])["description"]
    assert "Two." == shown(Annotated[str, "One.", Meta(description="Two.")])["description"]


def test_notes_of_others_say_nothing():
    assert {"type": "string"} == shown(Annotated[str, 5, object(), int, Bound(other=1)])


BOUNDS = [
    (int, {"ge": 1}, {"minimum": 1}, [1, 2], [0, -5]),
    (int, {"gt": 1}, {"exclusiveMinimum": 1}, [2], [1]),
    (float, {"le": 1}, {"maximum": 1}, [1.0, 0.5], [1.5]),
    (float, {"lt": 1}, {"exclusiveMaximum": 1}, [0.5], [1.0]),
    (int, {"multiple_of": 5}, {"multipleOf": 5}, [0, 10], [3]),
    (float, {"multiple_of": 0.5}, {"multipleOf": 0.5}, [0.5, 1.5], [0.75]),
    (int, {"ge": 1, "le": 7}, {"minimum": 1, "maximum": 7}, [1, 7], [0, 8]),
    (str, {"min_length": 2}, {"minLength": 2}, ["ab"], ["a"]),
    (str, {"max_length": 2}, {"maxLength": 2}, ["ab"], ["abc"]),
    (str, {"pattern": "^a"}, {"pattern": "^a"}, ["ab"], ["ba"]),
    (list[int], {"min_length": 1}, {"minItems": 1}, [[1]], [[]]),
    (list[int], {"max_length": 1}, {"maxItems": 1}, [[1]], [[1, 2]]),
    (dict[str, int], {"min_length": 1}, {"minProperties": 1}, [{"a": 1}], [{}]),
    (int | None, {"ge": 1}, None, [1, None], [0]),
    (int | str, {"ge": 1}, None, [1, "0"], [0]),
]


@pytest.mark.parametrize("make", [Meta, Bound], ids=["msgspec", "attributes"])
@pytest.mark.parametrize(("hint", "limits", "keywords", "kept", "broken"), BOUNDS)
def test_bounds_are_shown_and_kept(make: Callable[..., object], hint, limits, keywords, kept, broken):
    noted: Any = Annotated[hint, make(**limits)]

    if keywords is not None:
        assert keywords.items() <= shown(noted, strict=False).items()
    for value in kept:
        assert value == given(noted, value)
    for value in broken:
        assert "$.value" == refused(noted, value).path


def test_bounds_of_a_union_stand_with_the_type_that_they_are_for():
    options = shown(Annotated[int | str | None, Bound(ge=1, max_length=3)], strict=False)["anyOf"]

    assert {"type": "integer", "minimum": 1} in options
    assert {"type": "string", "maxLength": 3} in options
    assert {"type": "null"} in options


@pytest.mark.parametrize(
    ("hint", "limits", "kept", "broken"),
    [
        (Decimal, {"gt": 0}, "0.5", "-1"),
        (date, {"ge": date(2020, 1, 1)}, "2021-01-01", "2019-12-31"),
        (set[int], {"max_length": 1}, [1, 1], [1, 2]),
        (tuple[int, ...], {"min_length": 2}, [1, 1], [1]),
    ],
)
def test_bounds_that_no_schema_says_are_kept_too(hint, limits, kept, broken):
    noted: Any = Annotated[hint, Bound(**limits)]

    assert given(noted, kept) == msgspec.convert(kept, hint)
    assert "$.value" == refused(noted, broken).path
    assert not {"minimum", "exclusiveMinimum"} & shown(noted, strict=False).keys()


def test_multiples_of_a_fraction_are_those_that_are_written():
    assert 0.3 == given(Annotated[float, Bound(multiple_of=0.1)], 0.3)
    refused(Annotated[float, Bound(multiple_of=0.1)], 0.35)


def test_bound_that_is_broken_is_said_in_words_with_numbers():
    error = refused(Annotated[int, Bound(ge=1, le=7)], 99)

    assert "the call of 'f' does not fit tool at $.value: Expected at most 7, got 99" == str(error)


def test_words_of_a_broken_bound_are_short():
    assert len(str(refused(Annotated[str, Bound(pattern="^b", max_length=9)], "a" * 10_000))) < 300


def test_bounds_hold_inside_of_lists_and_dicts():
    hint = dict[str, list[Annotated[str, Bound(min_length=2)]]]

    assert {"a": ["bc"]} == given(hint, {"a": ["bc"]})
    assert "$.value.a[1]" == refused(hint, {"a": ["bc", "d"]}).path


def test_checks_are_run():
    def even(value: int) -> bool:
        return value % 2 == 0

    assert 2 == given(Annotated[int, Bound(func=even)], 2)
    assert "passes even" in str(refused(Annotated[int, Bound(func=even)], 3))


@dataclasses.dataclass
class Parcel:
    weight: Annotated[int, "In grams.", Bound(ge=1)]
    label: Annotated[str, "Who gets it."] = "nobody"


class Address(TypedDict):
    street: Annotated[str, "With the number."]


class Point(NamedTuple):
    x: Annotated[int, Bound(ge=0)]
    y: int


class Cover(Struct, forbid_unknown_fields=True, rename="camel"):
    parcel_size: Annotated[int, Bound(le=3, description="In rooms.")]


def test_members_of_types_are_noted_too():
    assert "In grams." == schema_of_part(Parcel, "weight")["description"]
    assert 1 == schema_of_part(Parcel, "weight")["minimum"]
    assert "With the number." == schema_of_part(Address, "street")["description"]
    assert "In rooms." == schema_of_part(Cover, "parcelSize")["description"]


def schema_of_part(target: Any, name: str) -> dict[str, Any]:
    return response_format_for(target)["json_schema"]["schema"]["properties"][name]


def test_members_of_types_keep_their_bounds():
    assert Parcel(2) == given(Parcel, {"weight": 2})
    assert "$.value.weight" == refused(Parcel, {"weight": 0}).path
    assert "$.value" == refused(Parcel, {}).path
    assert {"street": "a"} == given(Address, {"street": "a"})
    assert Point(0, -1) == given(Point, [0, -1])
    assert "$.value[0]" == refused(Point, [-1, 0]).path
    assert "of length 2, got 1" in str(refused(Point, [0]))
    assert Cover(3) == given(Cover, {"parcelSize": 3})
    assert "$.value.parcelSize" == refused(Cover, {"parcelSize": 4}).path
    assert "unknown field `x`" in str(refused(Cover, {"parcelSize": 1, "x": 1}))


def test_kinds_that_do_not_fit_are_said_as_everywhere():
    assert "Expected `object`, got `array`" in str(refused(Parcel, []))
    assert "Expected `array`, got `object`" in str(refused(Point, {}))
    assert "Expected `int`, got `str`" in str(refused(Parcel, {"weight": "1"}))


def test_default_of_none_keeps_words_and_bounds():
    def forecast(days: Annotated[int, "How many.", Bound(ge=1)] = None): ...  # noqa: RUF013  # that is the point

    properties = function_tool(forecast)["function"]["parameters"]["properties"]
    assert {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}],
        "description": "How many.",
    } == properties["days"]
    assert {"days": None} == arguments_for(forecast, called("{}"))
    with pytest.raises(ParseError):
        arguments_for(forecast, called({"days": 0}))


def test_pattern_that_looks_around_is_kept_but_not_shown_to_strict_servers():
    hint = Annotated[str, Bound(pattern="^(?!X)[A-Z]{3}$")]

    assert {"type": "string"} == shown(hint)
    assert "^(?!X)[A-Z]{3}$" == shown(hint, strict=False)["pattern"]
    assert "^(?:A|B)$" == shown(Annotated[str, Bound(pattern="^(?:A|B)$")])["pattern"]
    assert "ABC" == given(hint, "ABC")
    refused(hint, "XBC")


def test_pattern_that_is_none_is_refused_when_the_tool_is_made():
    with pytest.raises(ConfigurationError, match="pattern"):
        shown(Annotated[str, Bound(pattern="(")])


# pydantic's own notes, where pydantic is installed.


def test_fields_of_pydantic_are_read():
    pydantic = pytest.importorskip("pydantic")
    field = pydantic.Field(ge=1, le=7, description="How many days.", examples=[3], title="Days")

    assert {
        "type": "integer",
        "minimum": 1,
        "maximum": 7,
        "description": "How many days.",
        "examples": [3],
        "title": "Days",
    } == shown(Annotated[int, field], strict=False)
    assert 7 == given(Annotated[int, field], 7)
    assert "$.value" == refused(Annotated[int, field], 8).path
    refused(Annotated[str, pydantic.Field(pattern="^a", min_length=2)], "a")
    refused(Annotated[list[Annotated[int, pydantic.Field(gt=0)]], pydantic.Field(max_length=2)], [1, 0])


def test_field_as_the_default_is_a_note():
    pydantic = pytest.importorskip("pydantic")

    def forecast(
        city: str = pydantic.Field(description="Where."),
        days: int = pydantic.Field(3, ge=1),
        tags: list[str] = pydantic.Field(default_factory=list),  # noqa: B008  # as its users write it
    ): ...

    properties = function_tool(forecast)["function"]["parameters"]["properties"]
    assert ("Where.", 1) == (properties["city"]["description"], properties["days"]["minimum"])
    assert {"city": "x", "days": 3, "tags": []} == arguments_for(forecast, called({"city": "x"}))
    for wrong in ({}, {"city": "x", "days": 0}):
        with pytest.raises(ParseError):
            arguments_for(forecast, called(wrong))


def test_what_only_pydantic_can_do_it_does():
    pydantic = pytest.importorskip("pydantic")
    loud = Annotated[str, pydantic.AfterValidator(str.upper), "Loud."]

    assert "Loud." == shown(loud)["description"]
    assert "HI" == given(loud, "hi")
    assert "hi" == given(Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=2)], " hi ")
    assert "at least 2" in str(
        refused(Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=2)], " h ")
    )
    assert "https://example.com/" == str(given(pydantic.HttpUrl, "https://example.com"))
    refused(pydantic.HttpUrl, "nowhere")
    refused(Annotated[Decimal, pydantic.Field(decimal_places=1)], "0.25")
    assert "é" == given(Annotated[str, pydantic.Field(pattern=r"^\p{L}$")], "é")


def test_what_only_pydantic_can_do_is_refused_without_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "pydantic", raising=False)

    class Shouted:
        @classmethod
        def __get_pydantic_core_schema__(cls, source: object, handler: object) -> object: ...

    with pytest.raises(ConfigurationError, match=r"tool\.value is of the type Shouted, which only pydantic can read"):
        shown(Shouted)
