"""What a callable takes from a model: bound arguments are nobody's, wrappers are seen through, hidden types unread."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import operator
from typing import TYPE_CHECKING, Annotated

import pytest
from called import called

from asyncstream.errors import ConfigurationError
from asyncstream.tools import arguments_for, function_tool

if TYPE_CHECKING:
    from somewhere import Connection, Table


def find(query: str, tenant: int, page: int = 1, *, db: Connection = None) -> Table:
    """Find orders.

    Args:
        query: What to look for.
        tenant: Whose orders.
        page: Which page.
        db: Where they are.
    """
    return (query, tenant, page, db)


class Desk:
    """Answers questions.

    Args:
        query: What is asked.
    """

    def __call__(self, query: str, tenant: int = 0) -> Table:
        return (query, tenant)

    def find(self, query: str, tenant: int) -> Table:
        """Find at the desk."""
        return (query, tenant)

    find_mine = functools.partialmethod(find, tenant=7)

    @classmethod
    def find_all(cls, query: str) -> Table:
        """Find at all desks."""
        return query

    @staticmethod
    def count(query: str) -> Table:
        """Count them."""
        return query


def traced(function):
    @functools.wraps(function)
    async def call(*args, **kwargs):
        return function(*args, **kwargs)

    return call


desk = Desk()
mine = functools.partial(find, tenant=7, db="orders")

BOUND = {
    "keywords": mine,
    "nested": functools.partial(functools.partial(find, tenant=7), db="orders"),
    "around one that has its own name": functools.partial(functools.update_wrapper(mine, find), page=1),
    "positions": functools.partial(functools.partial(find, db="orders"), "all", 7),
    "wrapped": traced(mine),
    "wrapped twice": functools.partial(traced(traced(mine)), page=2),
    "method": functools.partial(desk.find, tenant=7),
    "partialmethod": desk.find_mine,
    "partial of a partialmethod": functools.partial(desk.find_mine),
    "object": functools.partial(desk, tenant=7),
    "unbound method": functools.partial(Desk.find, desk, tenant=7),
}


@pytest.mark.parametrize("function", BOUND.values(), ids=BOUND)
def test_what_is_bound_is_neither_shown_nor_taken(function):
    shown = function_tool(function, name="f")["function"]["parameters"]["properties"]
    given = arguments_for(function, called({"query": "all", "page": 3, "tenant": 99, "db": "others"}))

    assert {"query", "page"} >= set(shown)
    assert {"query", "page"} >= set(given)


def test_bound_arguments_hold_whatever_the_model_writes():
    call = called({"query": "all", "tenant": 99, "page": 2, "db": "others"})

    assert ("all", 7, 2, "orders") == mine(**arguments_for(mine, call))
    assert ("all", 7) == desk.find_mine(**arguments_for(desk.find_mine, call))


def test_partial_has_the_name_and_words_of_its_function():
    found = function_tool(mine)["function"]

    assert ("find", "Find orders.") == (found["name"], found["description"])
    assert {"query": "What to look for.", "page": "Which page."} == {
        name: schema["description"] for name, schema in found["parameters"]["properties"].items()
    }


def test_partial_may_have_its_own_words():
    own = functools.partial(find, tenant=7, db=None)
    own.__doc__ = "Find mine.\n\nArgs:\n    query: Any words.\n"
    own.__name__ = "find_mine"
    found = function_tool(own)["function"]

    assert ("find_mine", "Find mine.") == (found["name"], found["description"])
    assert "Any words." == found["parameters"]["properties"]["query"]["description"]
    assert "Which page." == found["parameters"]["properties"]["page"]["description"]


def test_words_about_partials_in_general_are_not_shown():
    def quiet(query: str): ...

    for function in (functools.partial(quiet), traced(functools.partial(quiet)), functools.lru_cache(quiet)):
        assert "description" not in function_tool(function, name="f")["function"]


@pytest.mark.parametrize(
    ("function", "name", "description"),
    [
        (desk, "Desk", "Answers questions."),
        (desk.find, "find", "Find at the desk."),
        (Desk.find_all, "find_all", "Find at all desks."),
        (desk.find_all, "find_all", "Find at all desks."),
        (Desk.count, "count", "Count them."),
        (desk.find_mine, "find", "Find at the desk."),
        (traced(desk.find), "find", "Find at the desk."),
        (functools.lru_cache(desk.find), "find", "Find at the desk."),
        (traced(traced(Desk.find_all)), "find_all", "Find at all desks."),
    ],
)
def test_callables_of_all_kinds_are_named_and_described(function, name, description):
    found = function_tool(function)["function"]

    assert (name, description) == (found["name"], found["description"])
    assert "x" == arguments_for(function, called({"query": "x", "tenant": 1}))["query"]


def test_parameters_of_an_object_are_described_by_its_class():
    found = function_tool(desk)["function"]["parameters"]["properties"]

    assert "What is asked." == found["query"]["description"]


def test_class_is_a_tool_with_what_makes_an_object():
    class Visit:
        """Visit a place.

        Args:
            place: Where.
        """

        def __init__(self, place: str) -> None:
            self.place = place

    found = function_tool(Visit)["function"]
    assert ("Visit", "Visit a place.") == (found["name"], found["description"])
    assert "Where." == found["parameters"]["properties"]["place"]["description"]
    assert {"place": "Oslo"} == arguments_for(Visit, called({"place": "Oslo"}))


def test_members_of_a_type_are_described_by_its_docstring():
    @dataclasses.dataclass
    class Visit:
        """Visit a place.

        Attributes:
            place: Where.
            day: When.
        """

        place: str
        day: Annotated[str, "Any day."] = "today"

    found = function_tool(Visit)["function"]
    assert "Visit a place." == found["description"]
    assert ["Where.", "Any day."] == [schema["description"] for schema in found["parameters"]["properties"].values()]


def test_signature_that_a_dataclass_writes_of_itself_is_no_description():
    @dataclasses.dataclass
    class Visit:
        place: str
        day: str

    for tool in (Visit, functools.partial(Visit, "Oslo")):
        assert "description" not in function_tool(tool, name="visit")["function"]


@pytest.mark.parametrize("thing", [None, 5, "name", operator.itemgetter(1), dict, int, [].append])
def test_what_cannot_be_called_by_name_is_our_error(thing):
    with pytest.raises(ConfigurationError):
        function_tool(thing, name="f")


def test_return_type_that_only_checkers_find_does_not_matter():
    def fetch(name: str) -> Table: ...
    def quoted(name: "str") -> "Table": ...  # noqa: UP037  # that is the point

    for function in (fetch, quoted):
        assert ["name"] == list(function_tool(function)["function"]["parameters"]["properties"])


def test_parameter_type_that_only_checkers_find_is_named():
    with pytest.raises(
        ConfigurationError, match=r"the type of parameter 'db' of find cannot be found: name 'Connection'"
    ):
        function_tool(find)


def test_types_of_a_closure_are_found():
    local = int | None

    def visit(days: local) -> None:
        return local

    assert {"days": None} == arguments_for(visit, called({"days": None}))


def test_signature_that_was_set_by_hand_is_taken_at_its_word():
    def any_order(*args, **kwargs): ...

    any_order.__signature__ = inspect.signature(find).replace(
        parameters=[inspect.Parameter("query", inspect.Parameter.KEYWORD_ONLY, annotation=str)]
    )

    assert {"query": "x"} == arguments_for(any_order, called({"query": "x", "tenant": 1}))


def test_method_without_its_object_says_so():
    with pytest.raises(ConfigurationError, match=r"'self' of find has no annotation.*pass the method of an object"):
        function_tool(Desk.find)


def test_default_of_none_lets_none_in():
    def search(q: str, tag: str = None, limit: int | None = None) -> str: ...  # noqa: RUF013  # that is the point

    schema = function_tool(search)["function"]["parameters"]
    assert {"anyOf": [{"type": "string"}, {"type": "null"}]} == schema["properties"]["tag"]
    assert ["q", "tag", "limit"] == schema["required"]
    assert {"q": "a", "tag": None, "limit": None} == arguments_for(search, called({"q": "a", "tag": None}))


def test_default_that_is_no_json_is_kept_as_it_is():
    missing = object()
    lists: list[int] = []

    def search(q: str, tag: object = missing, days: list[int] = lists): ...

    given = arguments_for(search, called({"q": "a"}))
    assert missing is given["tag"]
    assert [] == given["days"]
    assert lists is not given["days"]
