"""The arguments of a whole call as the type of its tool: `call.function.parsed_arguments`."""

import copy
import functools
import json
import pickle

import msgspec
import pytest
from chat_folds import DONE, call, delta

from asyncstream import ChatAccumulator
from asyncstream.accumulators import ToolCallChanged, ToolCallCreated, ToolCallDone, fold_answer
from asyncstream.events import decode_stream
from asyncstream.tools import function_tool, pydantic_function_tool
from asyncstream.tools.typed import tool_types

pydantic = pytest.importorskip("pydantic")


class City(msgspec.Struct):
    """A city.

    Args:
        name: What it is called.
    """

    name: str


class Query(pydantic.BaseModel):
    """Search the orders."""

    words: list[str]


def visit(city: City, days: int = 1) -> str:
    """Visit a city."""
    return f"{days} days in {city.name}"


OSLO = '{"name": "Oslo"}'
TYPES = {"go": City, "search": Query, "visit": visit}


def folded(*frames: bytes, types=TYPES) -> ChatAccumulator:
    accumulator = ChatAccumulator(tool_types=types)
    for event in decode_stream(b"".join(frames), "chat"):
        accumulator.push(event)
    accumulator.finish()
    return accumulator


def parsed(accumulator: ChatAccumulator) -> list[object]:
    calls = accumulator.completion.choices[0].message.tool_calls
    return [one.function.parsed_arguments for one in calls]


def asked(name: str, arguments: str, reason: str = "tool_calls") -> list[bytes]:
    return [delta(tool_calls=[call(0, name, arguments, id="a")]), delta(reason), DONE]


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("go", OSLO, City("Oslo")),
        ("search", '{"words": ["pens"]}', Query(words=["pens"])),
        ("visit", '{"city": {"name": "Oslo"}}', {"city": City("Oslo"), "days": 1}),
        ("unheard", OSLO, None),
    ],
)
def test_whole_arguments_are_of_the_type_of_their_tool(name, arguments, value):
    assert [value] == parsed(folded(*asked(name, arguments)))


@pytest.mark.parametrize("arguments", ['{"name": 7}', "{'name': 1}", '```json\n{"name": "Oslo"}\n```', "[]", ""])
def test_what_does_not_fit_is_none_and_raises_nothing(arguments):
    accumulator = folded(*asked("go", arguments))

    assert [None] == parsed(accumulator)
    assert arguments == accumulator.completion.choices[0].message.tool_calls[0].arguments


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_arguments_of_an_answer_that_was_cut_are_not_parsed_though_they_look_whole(reason):
    assert [None] == parsed(folded(*asked("go", OSLO, reason)))


def test_nothing_is_parsed_before_the_call_is_done():
    accumulator = ChatAccumulator(tool_types=TYPES)
    seen = []
    for data in (delta(tool_calls=[call(0, "go", OSLO, id="a")]), delta("tool_calls")):
        for event in decode_stream(data, "chat"):
            for change in accumulator.push(event):
                if isinstance(change, ToolCallCreated | ToolCallChanged | ToolCallDone):
                    seen.append((type(change), change.snapshot.function.parsed_arguments))
        seen.append(*parsed(accumulator))

    created, changed, before, done, after = seen
    assert (ToolCallCreated, None) == created
    assert (ToolCallChanged, None) == changed
    assert before is None
    assert (ToolCallDone, City("Oslo")) == done
    assert City("Oslo") == after


def test_a_call_that_is_not_whole_at_the_end_is_not_parsed():
    frames = [delta(tool_calls=[call(0, "go", '{"name": "Os', id="a")]), delta("tool_calls"), DONE]

    assert [None] == parsed(folded(*frames))


def test_a_call_in_the_older_form_is_parsed_among_the_others():
    frames = [delta(function_call={"name": "go", "arguments": OSLO}), delta("function_call"), DONE]

    assert [City("Oslo")] == parsed(folded(*frames))


def test_a_custom_tool_has_no_arguments_to_parse():
    custom = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "go", "input": OSLO}}
    (written,) = folded(delta(tool_calls=[custom]), delta("tool_calls"), DONE).completion.choices[0].message.tool_calls

    assert OSLO == written.custom.input
    assert not hasattr(written, "function")


WHOLE = json.dumps(
    {
        "id": "c",
        "model": "m",
        "created": 1,
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "go", "arguments": OSLO}}],
                },
            }
        ],
    }
).encode()


def test_an_answer_is_json_whatever_its_arguments_are_read_as():
    completion = folded(*asked("search", '{"words": ["pens"]}')).completion

    assert Query(words=["pens"]) == completion.choices[0].message.tool_calls[0].function.parsed_arguments
    assert b"pens" in msgspec.json.encode(completion)


def test_a_whole_answer_has_them_and_sends_none_of_them_back():
    completion = fold_answer(WHOLE, tool_types=TYPES)
    (written,) = completion.choices[0].message.tool_calls

    assert City("Oslo") == written.function.parsed_arguments
    assert {"name": "go", "arguments": OSLO} == written.to_param()["function"]
    assert "parsed" not in completion.to_json()
    assert b"Oslo" not in msgspec.json.encode(completion).replace(OSLO.replace('"', '\\"').encode(), b"")
    assert pickle.loads(pickle.dumps(written)) == written == copy.deepcopy(written)
    assert pickle.loads(pickle.dumps(written)).function.parsed_arguments is None
    assert fold_answer(WHOLE).choices[0].message.tool_calls[0].function.parsed_arguments is None


# Where the types come from.


def test_tools_remember_what_they_were_made_from():
    def local(city: str) -> str:
        """Do something here."""
        return city

    bound = functools.partial(visit, days=3)
    by_hand = {"type": "function", "function": {"name": "by_hand", "parameters": {}, "strict": True}}
    loose = {"type": "function", "function": {"name": "loose", "parameters": {}}}
    tools = [
        pydantic_function_tool(Query),
        pydantic_function_tool(City, name="go", description="Go there."),
        function_tool(City, strict=False, name="wander"),
        function_tool(local),
        function_tool(bound, name="stay"),
        by_hand,
        loose,
        {"type": "custom", "custom": {"name": "sql"}},
    ]

    assert {
        "Query": Query,
        "go": City,
        "wander": City,
        "local": local,
        "stay": bound,
        "by_hand": dict[str, object],
    } == tool_types(tools)
    assert tool_types([loose]) is None
    assert {"city": {"name": "Oslo"}} == folded(
        *asked("by_hand", '{"city": {"name": "Oslo"}}'), types=tool_types(tools)
    ).completion.choices[0].message.tool_calls[0].function.parsed_arguments


def test_what_is_bound_is_not_taken_from_the_model():
    types = tool_types([function_tool(functools.partial(visit, days=3))])

    assert [{"city": City("Oslo")}] == parsed(
        folded(*asked("visit", '{"city": {"name": "Oslo"}, "days": 99}'), types=types)
    )


def test_a_pydantic_tool_is_the_tool_of_openai_python():
    tool = pydantic_function_tool(Query)

    assert "Search the orders." == tool["function"]["description"]
    assert ("function", "Query", True) == (tool["type"], tool["function"]["name"], tool["function"]["strict"])
    assert "Find." == pydantic_function_tool(Query, description="Find.")["function"]["description"]
    assert function_tool(Query) == tool == json.loads(json.dumps(tool))
    assert msgspec.json.encode(tool) == msgspec.json.encode(json.loads(json.dumps(tool)))


# Pickles and copies.


def test_an_accumulator_goes_on_after_a_pickle_and_a_copy():
    first, *rest = asked("go", OSLO)
    for again in (lambda it: pickle.loads(pickle.dumps(it)), copy.deepcopy):
        accumulator = ChatAccumulator(tool_types=TYPES)
        for data in (first, *rest):
            for event in decode_stream(data, "chat"):
                accumulator.push(event)
            assert accumulator.completion == again(accumulator).completion
            accumulator = again(accumulator)

        assert [City("Oslo")] == parsed(accumulator)


def test_what_no_import_finds_does_not_keep_an_accumulator_from_being_pickled():
    class Here(msgspec.Struct):
        name: str

    class Desk:
        secret = "of the desk"

        def find(self, name: str) -> str:
            return name

    class Keep(msgspec.Struct):
        pass

    types = {
        "go": Here,
        "desk": Desk().find,
        "fly": lambda name: name,
        "stay": functools.partial(visit, days=3),
        "c": City,
    }
    accumulator = folded(*asked("go", OSLO), types=types)
    assert [Here("Oslo")] == parsed(accumulator)
    data = pickle.dumps(accumulator)
    restored = pickle.loads(data)

    assert b"secret" not in data
    assert b"of the desk" not in data
    assert [None] == parsed(restored)
    assert OSLO == restored.completion.choices[0].message.tool_calls[0].arguments
    assert [Here("Oslo")] == parsed(accumulator) == parsed(copy.deepcopy(accumulator))
    late = delta(index=1, tool_calls=[call(0, "c", OSLO, id="b")]) + delta("tool_calls", index=1)
    for event in decode_stream(late, "chat"):
        restored.push(event)
    assert City("Oslo") == restored.completion.choices[1].message.tool_calls[0].function.parsed_arguments


def test_a_tool_is_pickled_and_copied_with_its_type_where_that_has_a_name():
    def local(city: str) -> str:
        """Do something here."""
        return city

    named, nameless = function_tool(City), function_tool(local)

    assert {"City": City} == tool_types([pickle.loads(pickle.dumps(named))])
    assert nameless == pickle.loads(pickle.dumps(nameless))
    assert {"local": local} == tool_types([copy.deepcopy(nameless)])
    assert copy.deepcopy(nameless)["function"]["parameters"] is not nameless["function"]["parameters"]
