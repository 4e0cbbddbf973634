"""The calls of every protocol give their arguments alike: by `parse`, `arguments_as` and `arguments_for`."""

from typing import Any, get_args

import pytest
from called import called
from msgspec import Struct

from asyncstream.errors import ParseError
from asyncstream.tools import arguments_for
from asyncstream.types import (
    AzureAISearchToolCall,
    AzureFunctionToolCall,
    BingGroundingToolCall,
    ChatCompletionMessage,
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageToolCall,
    CodeInterpreter,
    CodeInterpreterToolCall,
    Custom,
    FileSearchToolCall,
    Function,
    FunctionCall,
    FunctionToolCall,
    MCPToolCall,
    OpenAPIToolCall,
    RequiredAction,
    RequiredActionFunction,
    RequiredActionFunctionToolCall,
    RequiredActionMCPToolCall,
    RequiredActionSubmitToolApproval,
    RequiredActionSubmitToolOutputs,
    Run,
    ToolCall,
    UnknownChatToolCall,
    UnknownToolCall,
)


class City(Struct):
    city: str


class FlatCall(Struct):
    """A call as a protocol has it whose name and arguments stand in the call itself."""

    call_id: str
    name: str
    arguments: str


def visit(city: str, days: int = 1) -> str:
    return f"{city} {days}"


OSLO = '{"city": "Oslo"}'
CALLS: dict[str, Any] = {
    "chat": lambda text: called(text, "visit"),
    "custom": lambda text: ChatCompletionMessageCustomToolCall(custom=Custom(name="visit", input=text)),
    "unknown": lambda text: UnknownChatToolCall(
        wire_type="builtin_function", raw=b"{}", function=FunctionCall(name="visit", arguments=text)
    ),
    "run": lambda text: RequiredActionFunctionToolCall(function=RequiredActionFunction(name="visit", arguments=text)),
    "approval": lambda text: RequiredActionMCPToolCall(name="visit", arguments=text),
    "step": lambda text: FunctionToolCall(function=Function(name="visit", arguments=text)),
}


@pytest.mark.parametrize("call_of", CALLS.values(), ids=CALLS)
def test_arguments_are_given_in_every_protocol(call_of):
    call = call_of(OSLO)

    assert ("visit", OSLO) == (call.name, call.arguments)
    assert {"city": "Oslo"} == call.parse()
    assert City("Oslo") == call.parse(City) == call.arguments_as(City)
    assert {"city": "Oslo", "days": 1} == arguments_for(visit, call)


@pytest.mark.parametrize(
    "call", [FlatCall("c", "visit", OSLO), FunctionCall(name="visit", arguments=OSLO), Function(arguments=OSLO)]
)
def test_whatever_has_a_name_and_arguments_is_a_call(call):
    assert "Oslo 1" == visit(**arguments_for(visit, call))


@pytest.mark.parametrize("call_of", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("text", ["", "  ", "null", " null\n", "{}"])
def test_no_arguments_are_an_empty_object(call_of, text):
    def now() -> str: ...

    assert {} == call_of(text).parse()
    assert {} == arguments_for(now, call_of(text))
    with pytest.raises(ParseError, match="missing required field `city`") as caught:
        arguments_for(visit, call_of(text))
    assert text == caught.value.raw


def test_null_that_is_an_answer_stays_null():
    assert ChatCompletionMessage(content="null").parse(type(None)) is None
    with pytest.raises(ParseError):
        ChatCompletionMessage(content="null").parse(City)


SAID = [
    '```json\n{"city": "Oslo"}\n```',
    '{"city": "Oslo"} I hope this helps',
    '{"city": "Oslo"}{"city": "Oslo"}',
    '"{\\"city\\": \\"Oslo\\"}"',
    "{'city': 'Oslo'}",
    '{"city": "Oslo",}',
    '{"city": "Os',
    "[]",
    '[{"city": "Oslo"}]',
]


@pytest.mark.parametrize("call_of", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("text", SAID)
def test_arguments_are_never_mended(call_of, text):
    call = call_of(text)

    for parse in (call.parse, lambda: call.arguments_as(City), lambda: arguments_for(visit, call)):
        with pytest.raises(ParseError, match="the call of 'visit'") as caught:
            parse()
        assert text == caught.value.raw


def test_call_that_is_cut_is_not_parsed():
    call = called(OSLO, "visit")
    call.cut = "length"

    for parse in (call.parse, lambda: call.arguments_as(City), lambda: arguments_for(visit, call)):
        with pytest.raises(ParseError, match="was cut"):
            parse()


KINDS = [
    *get_args(ToolCall),
    *get_args(ChatCompletionMessageToolCall),
    RequiredActionFunctionToolCall,
    RequiredActionMCPToolCall,
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_call_has_an_id_and_gives_its_arguments(kind):
    call = kind(id="c", wire_type="new", raw=b"{}") if "raw" in kind.__struct_fields__ else kind(id="c")

    assert "c" == call.id
    assert isinstance(call.name, str | None)
    assert {} == call.parse()
    assert {} == call.arguments_as(dict[str, int])


@pytest.mark.parametrize(
    ("call", "name", "arguments"),
    [
        (MCPToolCall(name="search", arguments='{"q": 1}'), "search", {"q": 1}),
        (OpenAPIToolCall(openapi={"name": "lands", "arguments": '{"q": 1}', "output": "x"}), "lands", {"q": 1}),
        (AzureFunctionToolCall(azure_function={"name": "f", "arguments": {"q": 1}}), "f", {"q": 1}),
        (
            BingGroundingToolCall(bing_grounding={"requesturl": "https://x"}),
            "bing_grounding",
            {"requesturl": "https://x"},
        ),
        (
            AzureAISearchToolCall(azure_ai_search={"input": "q", "name": 7}),
            "azure_ai_search",
            {"input": "q", "name": 7},
        ),
        (UnknownToolCall(wire_type="new", raw=b'{"id":"c","type":"new","new":{"a":1}}'), "new", {"a": 1}),
        (UnknownToolCall(wire_type="new", raw=b'{"index":0,"type":"new","name":"n","arguments":"{}"}'), "n", {}),
        (UnknownToolCall(wire_type="new", raw=b'{"type":"new","query":"q"}'), "new", {"query": "q"}),
        (FileSearchToolCall(id="c"), "file_search", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_call_that_the_server_answers_tells_what_it_was_called_with(call, name, arguments):
    assert name == call.name
    assert arguments == call.parse()


def test_code_is_no_json():
    call = CodeInterpreterToolCall(code_interpreter=CodeInterpreter(input="print(1)"))

    assert ("code_interpreter", "print(1)") == (call.name, call.arguments)
    with pytest.raises(ParseError, match="is not JSON"):
        call.parse()


def test_run_lists_the_calls_that_it_waits_for():
    call = RequiredActionFunctionToolCall(id="call_1")
    outputs = RequiredAction(submit_tool_outputs=RequiredActionSubmitToolOutputs(tool_calls=[call]))
    approvals = RequiredAction(submit_tool_approval=RequiredActionSubmitToolApproval())

    assert [call] == Run(id="run_1", required_action=outputs).pending_tool_calls
    assert [] == Run(id="run_1", required_action=approvals).pending_tool_calls
    assert [] == Run(id="run_1").pending_tool_calls
