"""pydantic models as parameters and answers, and inside of whatever holds them; skipped where pydantic is not."""

import dataclasses
import enum
from typing import Annotated, Generic, Literal, NamedTuple, NotRequired, Optional, TypedDict, TypeVar

import msgspec
import pytest
from called import called

from asyncstream.errors import ConfigurationError, ParseError
from asyncstream.tools import arguments_for, function_tool, response_format_for
from asyncstream.types import ChatCompletionMessage

pydantic = pytest.importorskip("pydantic")

T = TypeVar("T")


class Order(pydantic.BaseModel):
    item: str = pydantic.Field(description="What is bought.")
    count: int = pydantic.Field(default=1, ge=1)


class Cart(pydantic.BaseModel):
    orders: list[Order]


class Branch(pydantic.BaseModel):
    name: str
    above: "Branch" = pydantic.Field(default=None, description="Where it grows from.")
    twigs: list["Branch"] = []


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


class Name(pydantic.BaseModel):
    first: str


class FullName(pydantic.BaseModel):
    first: str
    last: str = ""


class Strict(pydantic.BaseModel, strict=True):
    day: "datetime.date"


@dataclasses.dataclass
class Parcel:
    order: Order
    spare: list[Order] | None = None
    weight: int = dataclasses.field(default=1, init=False)


class Letter(TypedDict):
    order: Order
    note: NotRequired[str]


class Shelf(msgspec.Struct, tag="shelf"):
    orders: list[Order]
    height: int = 2


class Pair(NamedTuple):
    left: Order
    right: int


class Page(msgspec.Struct, Generic[T]):
    items: list[T]


@dataclasses.dataclass
class Chain(Generic[T]):
    item: T
    rest: Optional["Chain[T]"] = None


class Sheet(pydantic.BaseModel, Generic[T]):
    items: list[T]


@pydantic.dataclasses.dataclass
class Ticket:
    price: int = pydantic.Field(ge=1)


import datetime  # noqa: E402  # found when the model is finished, as in files that import in circles

Strict.model_rebuild()


def given(hint: object, value: object) -> object:
    def tool(value): ...

    tool.__annotations__ = {"value": hint}
    return arguments_for(tool, called({"value": value}))["value"]


PEN = {"item": "pen", "count": 2}

HOLDERS = {
    "itself": (Order, PEN, Order(**PEN)),
    "list": (list[Order], [PEN], [Order(**PEN)]),
    "tuple": (tuple[Order, ...], [PEN], (Order(**PEN),)),
    "pair": (tuple[Order, int], [PEN, 1], (Order(**PEN), 1)),
    "dict": (dict[str, Order], {"a": PEN}, {"a": Order(**PEN)}),
    "dict by number": (dict[int, Order], {"1": PEN}, {1: Order(**PEN)}),
    "optional": (Order | None, None, None),
    "optional that is there": (Optional[Order], PEN, Order(**PEN)),  # noqa: UP045  # both are written
    "beside a text": (Order | str, "pen", "pen"),
    "annotated": (Annotated[Order, "One."], PEN, Order(**PEN)),
    "model": (Cart, {"orders": [PEN]}, Cart(orders=[Order(**PEN)])),
    "dataclass": (Parcel, {"order": PEN, "spare": [PEN]}, Parcel(Order(**PEN), [Order(**PEN)])),
    "TypedDict": (Letter, {"order": PEN}, {"order": Order(**PEN)}),
    "struct": (Shelf, {"type": "shelf", "orders": [PEN]}, Shelf([Order(**PEN)])),
    "NamedTuple": (Pair, [PEN, 3], Pair(Order(**PEN), 3)),
    "generic struct": (Page[Order], {"items": [PEN]}, Page([Order(**PEN)])),
    "generic dataclass": (Chain[Order], {"item": PEN, "rest": {"item": PEN}}, Chain(Order(**PEN), Chain(Order(**PEN)))),
    "generic model": (Sheet[Order], {"items": [PEN]}, Sheet[Order](items=[Order(**PEN)])),
    "strict model": (Strict, {"day": "2026-01-02"}, Strict(day=datetime.date(2026, 1, 2))),
    "pydantic's dataclass": (Ticket, {"price": 3}, Ticket(price=3)),
}


@pytest.mark.parametrize(("hint", "value", "expected"), HOLDERS.values(), ids=HOLDERS)
def test_models_are_given_wherever_they_are_held(hint, value, expected):
    found = given(hint, value)

    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(("hint", "value", "expected"), HOLDERS.values(), ids=HOLDERS)
def test_models_are_shown_wherever_they_are_held(hint, value, expected):
    def tool(value): ...

    tool.__annotations__ = {"value": hint}
    schema = function_tool(tool, strict=False)["function"]["parameters"]
    shown = repr(schema)

    assert ["value"] == list(schema["properties"])
    assert "What is bought." in shown or hint in (Strict, Ticket)
    assert 0 == shown.count("'$ref': '#/$defs/Order_2'")


def test_model_and_what_holds_it_share_a_part():
    def place(order: Order, cart: Cart, others: list[Order] | None = None) -> str:
        """Place an order."""

    schema = function_tool(place)["function"]["parameters"]
    assert {"Order", "Cart"} == set(schema["$defs"])
    assert {"$ref": "#/$defs/Order"} == schema["properties"]["order"]
    assert ["item", "count"] == schema["$defs"]["Order"]["required"]
    assert schema["$defs"]["Order"]["additionalProperties"] is False


def test_two_models_of_one_name_are_two_parts():
    other = pydantic.create_model("Order", price=(int, ...))

    def place(order: Order, cart: Cart, other: other): ...

    schema = function_tool(place)["function"]["parameters"]
    assert {"price"} == set(part_of(schema, "other")["properties"])
    assert {"item", "count"} == set(part_of(schema, "order")["properties"])


def part_of(schema, name):
    return schema["$defs"][schema["properties"][name]["$ref"].rpartition("/")[2]]


def test_model_that_holds_itself_with_words_ends():
    def grow(branch: Branch): ...

    schema = function_tool(grow)["function"]["parameters"]
    above = part_of(schema, "branch")["properties"]["above"]

    assert "Where it grows from." == above["description"]
    assert {"$ref": "#/$defs/Branch"} == above["properties"]["above"]
    assert "a" == given(Branch, {"name": "b", "twigs": [{"name": "a"}]}).twigs[0].name


@pytest.mark.parametrize(
    ("hint", "value", "path"),
    [
        (Order, {"item": 1}, "$.value.item"),
        (Order, {"item": "pen", "count": 0}, "$.value.count"),
        (Order, None, "$.value"),
        (list[Order], [PEN, {"item": "pen", "count": "many"}], "$.value[1].count"),
        (dict[str, Order], {"a": {"item": 1}}, "$.value.a.item"),
        (Parcel, {"order": PEN, "spare": [{}]}, "$.value.spare[0].item"),
        (Letter, {"order": {"item": 1}}, "$.value.order.item"),
        (tuple[Order, int], [{}, 1], "$.value[0].item"),
        (Chain[Order], {"item": PEN, "rest": {"item": {}}}, "$.value.rest.item.item"),
        (Ticket, {"price": 0}, "$.value.price"),
        (Order | None, {"item": 1}, "$.value.item"),
    ],
)
def test_what_does_not_fit_says_where(hint, value, path):
    with pytest.raises(ParseError) as caught:
        given(hint, value)

    assert path == caught.value.path
    assert f" at {path}: " in str(caught.value)


def test_of_several_models_the_one_that_fits_is_given():
    assert Dog(kind="dog", tricks=["sit"]) == given(Cat | Dog, {"kind": "dog", "tricks": ["sit"]})
    assert Cat(kind="cat") == given(Dog | Cat | None, {"kind": "cat"})
    assert [Dog(kind="dog", tricks=[]), Cat(kind="cat")] == given(
        list[Cat | Dog], [{"kind": "dog", "tricks": []}, {"kind": "cat"}]
    )
    assert given(Cat | Dog | None, None) is None


def test_of_models_that_all_fit_the_one_that_takes_most_is_given():
    assert FullName(first="a", last="b") == given(Name | FullName, {"first": "a", "last": "b"})
    assert Name(first="a") == given(Name | FullName, {"first": "a"})


def test_struct_is_told_from_a_model_by_its_tag():
    with pytest.raises(ParseError, match="shelf"):
        given(Shelf, {"type": "table", "orders": []})


def test_model_is_a_tool_and_an_answer():
    assert {"item": "pen", "count": 1} == arguments_for(Order, called({"item": "pen"}))
    assert {"order": Order(item="pen")} == arguments_for(Letter, called({"order": {"item": "pen"}}))
    assert {"orders": [], "height": 2} == arguments_for(Shelf, called({"orders": []}))

    for target in (Page[Order], Chain[Order], Sheet[Order], Parcel, Letter):
        schema = response_format_for(target)["json_schema"]["schema"]
        assert ("object", False) == (schema["type"], schema["additionalProperties"])
    assert Page([Order(**PEN)]) == ChatCompletionMessage(content='{"items":[{"item":"pen","count":2}]}').parse(
        Page[Order]
    )


def test_decimal_of_a_model_is_shown_without_looking_around():
    class Payment(pydantic.BaseModel):
        amount: "decimal.Decimal"
        code: str = pydantic.Field(pattern="^[A-Z]{3}$")

    import decimal

    Payment.model_rebuild(_types_namespace={"decimal": decimal})
    properties = response_format_for(Payment)["json_schema"]["schema"]["properties"]
    assert "(?" not in repr(properties)
    assert "^[A-Z]{3}$" == properties["code"]["pattern"]


def test_whoever_has_the_two_methods_is_a_model():
    class Own:
        @classmethod
        def model_json_schema(cls):
            return {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}

        @classmethod
        def model_validate(cls, value):
            if "a" not in value:
                raise ValueError("there is no a")
            return value["a"]

    def tool(own: Own): ...

    assert {"a"} == set(part_of(function_tool(tool)["function"]["parameters"], "own")["properties"])
    assert {"own": 5} == arguments_for(tool, called({"own": {"a": 5}}))
    with pytest.raises(ParseError, match="there is no a"):
        arguments_for(tool, called({"own": {}}))


def test_model_without_a_schema_is_refused_by_name():
    class Odd(pydantic.BaseModel, arbitrary_types_allowed=True):
        thing: enum.EnumMeta

    def tool(odd: Odd): ...

    with pytest.raises(ConfigurationError, match=r"tool\.odd is of the type Odd, which has no JSON schema"):
        function_tool(tool)
