"""The wire structs and request bodies of chat: complete against the published schema, lossless, and back."""

import json
import sys
from typing import Any, assert_never, get_type_hints

import msgspec
import pytest
from shared_files import needs_shared
from test_types import Schema, lost

from asyncstream import params
from asyncstream.errors import ConfigurationError, ParseError
from asyncstream.types import (
    AbsentDelta,
    AnnotationURLCitation,
    ChatAnnotation,
    ChatCompletion,
    ChatCompletionAudio,
    ChatCompletionChunk,
    ChatCompletionDeleted,
    ChatCompletionMessage,
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageToolCall,
    ChatCompletionModerationOutcome,
    ChatCompletionStoreMessage,
    ChatCompletionStoreMessageContentPart,
    ChatURLCitationAnnotation,
    ChoiceDelta,
    ChunkChoice,
    CompletionUsage,
    Custom,
    FunctionCall,
    Page,
    UnknownChatAnnotation,
    UnknownChatToolCall,
)

needs_openapi = needs_shared("openapi.json")

ANSWERS: dict[str, Any] = {
    "ChatCompletionDeleted": ChatCompletionDeleted,
    "ChatCompletionMessageToolCalls": list[ChatCompletionMessageToolCall],
    "CompletionUsage": CompletionUsage,
    "CreateChatCompletionResponse": ChatCompletion,
    "CreateChatCompletionStreamResponse": ChatCompletionChunk,
}


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema()


def members(schema: Schema, name: str) -> dict[str, Any]:
    """Give the properties of a schema, those of all its parts included."""
    found: dict[str, Any] = {}
    left = [schema.schemas[name]]
    while left:
        part = left.pop()
        if "$ref" in part:
            part = schema.schemas[part["$ref"].rsplit("/", 1)[1]]
        found |= part.get("properties", {})
        left += part.get("allOf", [])
    return found


@needs_openapi
@pytest.mark.parametrize("name", ANSWERS)
def test_struct_lacks_no_property_of_the_schema(schema, name):
    assert schema.missing({"$ref": "#/" + name}, ANSWERS[name], name) == []


@needs_openapi
def test_stored_message_lacks_no_property_of_the_schema(schema):
    items = members(schema, "ChatCompletionMessageList")["data"]["items"]
    properties = {name: part for half in items["allOf"] for name, part in schema_properties(schema, half).items()}

    assert schema.missing_properties(properties, ChatCompletionStoreMessage, "message") == []


def schema_properties(schema: Schema, part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in part:
        part = schema.schemas[part["$ref"].rsplit("/", 1)[1]]
    return part["properties"]


@needs_openapi
@pytest.mark.parametrize("name", ["ChatCompletionList", "ChatCompletionMessageList"])
def test_page_lacks_no_property_of_the_schema(schema, name):
    assert set(members(schema, name)) - set(Page.__struct_fields__) == set()


EXPLICIT = {"messages", "model", "stream"}


@needs_openapi
def test_body_lacks_no_key_of_the_schema(schema):
    properties = {k: v for k, v in members(schema, "CreateChatCompletionRequest").items() if k not in EXPLICIT}

    assert schema.missing_properties(properties, params.ChatCompletionCreateParams, "body") == []


@needs_openapi
def test_body_invents_no_key(schema):
    keys = set(get_type_hints(params.ChatCompletionCreateParams))

    assert keys & EXPLICIT == set()
    assert keys - set(members(schema, "CreateChatCompletionRequest")) == set()


@needs_openapi
def test_message_params_lack_no_key_of_the_schema(schema):
    messages = members(schema, "CreateChatCompletionRequest")["messages"]["items"]
    by_role = {
        "developer": params.ChatCompletionDeveloperMessageParam,
        "system": params.ChatCompletionSystemMessageParam,
        "user": params.ChatCompletionUserMessageParam,
        "assistant": params.ChatCompletionAssistantMessageParam,
        "tool": params.ChatCompletionToolMessageParam,
        "function": params.ChatCompletionFunctionMessageParam,
    }
    roles = schema.schemas[messages["$ref"].rsplit("/", 1)[1]]["oneOf"]

    found = []
    for part in roles:
        properties = schema_properties(schema, part)
        role = properties["role"]["enum"][0]
        found += schema.missing_properties(properties, by_role.pop(role), role)

    assert found == []
    assert by_role == {}


@needs_openapi
def test_walk_finds_what_is_lacking(schema):
    found = schema.missing({"$ref": "#/CreateChatCompletionResponse"}, ChatCompletionDeleted, "completion")

    assert "completion.choices" in found


# Round trips.

SAMPLES: dict[str, tuple[Any, dict[str, Any]]] = {
    "chunk": (
        ChatCompletionChunk,
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1700000000,
            "model": "m",
            "system_fingerprint": "fp",
            "service_tier": "default",
            "obfuscation": "xyz",
            "choices": [
                {
                    "index": 0,
                    "delta": {
                        "role": "assistant",
                        "content": "Hi",
                        "refusal": "no",
                        "reasoning": "a",
                        "reasoning_content": "b",
                        "reasoning_details": [{"type": "reasoning.text", "text": "c", "index": 0}],
                        "tool_calls": [
                            {
                                "index": 0,
                                "id": "call_1",
                                "type": "function",
                                "function": {"name": "f", "arguments": "{"},
                                "extra_content": {"google": {"thought_signature": "s"}},
                            },
                            {"index": 1, "type": "custom", "custom": {"name": "c", "input": "x"}},
                            {"index": 2, "function": {"arguments": {"a": [1]}}},
                        ],
                        "function_call": {"name": "f", "arguments": "{}"},
                        "annotations": [
                            {
                                "type": "url_citation",
                                "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 2},
                            }
                        ],
                        "audio": {"id": "a", "data": "AA==", "transcript": "t", "expires_at": 5},
                        "extra_content": {"k": 1},
                    },
                    "logprobs": {
                        "content": [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}],
                        "refusal": None,
                    },
                    "finish_reason": "stop",
                    "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}},
                    "native_finish_reason": "end_turn",
                }
            ],
            "usage": {
                "prompt_tokens": 1,
                "completion_tokens": 2,
                "total_tokens": 3,
                "prompt_tokens_details": {"cached_tokens": 1},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}],
            "provider": "P",
            "citations": ["https://a.test"],
            "search_results": [{"title": "A"}],
            "x_groq": {"id": "req_1", "usage": {"total_tokens": 3}},
        },
    ),
    "completion": (
        ChatCompletion,
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "Hi",
                        "refusal": None,
                        "tool_calls": [
                            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                            {"id": "call_2", "type": "custom", "custom": {"name": "c", "input": "x"}},
                        ],
                        "annotations": [],
                        "audio": {"id": "a", "data": "AA==", "transcript": "t", "expires_at": 5},
                    },
                    "finish_reason": "tool_calls",
                    "logprobs": None,
                }
            ],
            "metadata": {"k": "v"},
            "service_tier": "default",
            "moderation": {
                "input": {
                    "type": "moderation_results",
                    "model": "o",
                    "results": [
                        {
                            "type": "moderation_result",
                            "model": "o",
                            "flagged": False,
                            "categories": {"hate": False},
                            "category_scores": {"hate": 0.1},
                            "category_applied_input_types": {"hate": ["text"]},
                        }
                    ],
                },
                "output": {"type": "error", "code": "c", "message": "m"},
            },
        },
    ),
    "stored message": (
        ChatCompletionStoreMessage,
        {
            "id": "msg_1",
            "role": "user",
            "content": "Hi",
            "content_parts": [
                {"type": "text", "text": "Hi"},
                {"type": "image_url", "image_url": {"url": "https://a.test/i.png", "detail": "low"}},
            ],
        },
    ),
    "deleted": (ChatCompletionDeleted, {"id": "chatcmpl-1", "object": "chat.completion.deleted", "deleted": True}),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_round_trip_loses_nothing(name):
    kind, sample = SAMPLES[name]

    decoded = msgspec.json.decode(json.dumps(sample), type=kind)
    encoded = msgspec.json.encode(decoded)

    assert lost(sample, json.loads(encoded)) == []
    assert msgspec.json.decode(encoded, type=kind) == decoded


def test_reading_an_absent_delta_never_fails():
    choice = msgspec.json.decode(b'{"index":0,"finish_reason":null}', type=ChunkChoice)

    assert choice.delta.content is None
    assert isinstance(choice.delta, AbsentDelta)


def test_empty_delta_is_no_absent_one():
    choice = msgspec.json.decode(b'{"index":0,"delta":{}}', type=ChunkChoice)

    assert type(choice.delta) is ChoiceDelta


def name_of_call(call: ChatCompletionMessageToolCall) -> str:
    match call:
        case ChatCompletionMessageFunctionToolCall():
            return call.function.name
        case ChatCompletionMessageCustomToolCall():
            return call.custom.name
        case UnknownChatToolCall():
            return call.wire_type
        case _:
            assert_never(call)


def name_of_call_by_type(call: ChatCompletionMessageToolCall) -> str:
    if call.type == "function":
        return call.function.name
    if call.type == "custom":
        return call.custom.name
    return call.wire_type


@pytest.mark.parametrize("name_of", [name_of_call, name_of_call_by_type])
def test_tool_call_union_narrows(name_of):
    calls = [
        ChatCompletionMessageFunctionToolCall(function=FunctionCall(name="f")),
        ChatCompletionMessageCustomToolCall(custom=Custom(name="c")),
        UnknownChatToolCall(wire_type="hologram", raw=b"{}"),
    ]

    assert ["f", "c", "hologram"] == [name_of(call) for call in calls]


@pytest.mark.parametrize("union", [ChatAnnotation, ChatCompletionMessageToolCall, ChatCompletionModerationOutcome])
def test_unknown_type_does_not_fit_by_itself(union):
    for body in (b'{"type":"unknown"}', b'{"type":"hologram"}', b"{}"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(body, type=union)


def test_store_message_part_may_be_unknown():
    assert [m.__name__ for m in ChatCompletionStoreMessageContentPart.__args__][-1] == "UnknownChatContentPart"


# Back into a request.


def test_param_has_neither_nulls_nor_what_never_was_on_the_wire():
    message = ChatCompletionMessage(content="Hi", parsed={"a": 1}, cut="length")

    assert message.to_param() == {"role": "assistant", "content": "Hi"}


def test_param_of_a_call_has_its_id_and_what_the_provider_wants_back():
    call = ChatCompletionMessageFunctionToolCall(
        id="call_1", function=FunctionCall(name="f", arguments="{}"), extra_content={"google": {"sig": "s"}}
    )

    assert ChatCompletionMessage(tool_calls=[call]).to_param() == {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"sig": "s"}},
            }
        ],
    }


def test_param_of_custom_and_unknown_calls():
    calls = [
        ChatCompletionMessageCustomToolCall(id="k", custom=Custom(name="sql", input="SELECT 1")),
        UnknownChatToolCall(wire_type="mcp", raw=b'{"id":"m","type":"mcp","x":1}'),
    ]

    assert ChatCompletionMessage(tool_calls=calls).to_param()["tool_calls"] == [
        {"id": "k", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}},
        {"id": "m", "type": "mcp", "x": 1},
    ]


@pytest.mark.parametrize(
    "wire",
    [
        {"reasoning": "hm"},
        {"reasoning_content": "hm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"refusal": "no"},
        {"function_call": {"name": "f", "arguments": "{}"}},
        {"extra_content": {"a": {"b": 1}}},
        {"annotations": [{"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}]},
    ],
)
def test_message_that_was_decoded_goes_back_as_it_came(wire):
    message = msgspec.json.decode(json.dumps({"role": "assistant", **wire}), type=ChatCompletionMessage)

    assert message.to_param() == {"role": "assistant", **wire}


def test_param_of_a_spoken_answer_names_it():
    message = ChatCompletionMessage(audio=ChatCompletionAudio(id="audio_1", data="AA==", transcript="t"))

    assert message.to_param() == {"role": "assistant", "audio": {"id": "audio_1"}}


def test_param_keeps_an_annotation_of_unknown_type():
    annotations: list[ChatAnnotation] = [
        ChatURLCitationAnnotation(url_citation=AnnotationURLCitation(url="u", title="t")),
        UnknownChatAnnotation(wire_type="file", raw=b'{"type":"file","file":{"hash":"h"}}'),
    ]

    assert ChatCompletionMessage(annotations=annotations).to_param()["annotations"] == [
        {"type": "url_citation", "url_citation": {"url": "u", "title": "t"}},
        {"type": "file", "file": {"hash": "h"}},
    ]


# Into a type of the user's: the rest is in `test_tools`.


def test_message_without_content_is_not_parsed():
    with pytest.raises(ParseError, match="no content"):
        ChatCompletionMessage().parse(dict)


def test_refusal_is_not_parsed():
    with pytest.raises(ParseError, match="the model refused: I will not") as caught:
        ChatCompletionMessage(refusal="I will not", content="{}").parse(dict)

    assert caught.value.raw == "{}"


def test_partial_arguments_need_the_extra(monkeypatch):
    call = ChatCompletionMessageFunctionToolCall(function=FunctionCall(arguments='{"a'))
    monkeypatch.setitem(sys.modules, "jiter", None)

    with pytest.raises(ConfigurationError, match=r"asyncstream\[partial\]"):
        call.partial_arguments()


def test_a_call_of_a_custom_tool_says_what_is_called_and_with_what():
    call = ChatCompletionMessageCustomToolCall(id="c", custom=Custom(name="sql", input="SELECT 1"))

    assert ("sql", "SELECT 1") == (call.name, call.arguments)


def test_a_custom_input_that_is_no_json_is_not_parsed():
    call = ChatCompletionMessageCustomToolCall(id="c", custom=Custom(name="sql", input="SELECT 1"))

    with pytest.raises(ParseError) as caught:
        call.parse()

    assert "SELECT 1" == caught.value.raw
