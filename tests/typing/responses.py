"""What a type checker knows of Responses: structs, events and bodies. Checked by mypy and basedpyright, never run."""

from collections.abc import Iterator
from typing import Literal, assert_type

from asyncstream.events import (
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseMcpCallFailedEvent,
    ResponseOutputItemDoneEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    UnknownEvent,
    decode_stream,
)
from asyncstream.params import ConversationCreateParams, ResponseCreateParams, ResponseInputParam
from asyncstream.types import (
    ConversationItem,
    Logprob,
    ParsedResponse,
    Response,
    ResponseAnnotation,
    ResponseFunctionToolCall,
    ResponseInputMessageItem,
    ResponseItem,
    ResponseItemStatus,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseStatus,
    ResponseUsage,
    UnknownResponseItem,
)


class City:
    name: str


def a_response_carries_the_type_of_its_texts(response: Response[City], parsed: ParsedResponse[City]) -> None:
    assert_type(response.output_parsed, City | None)
    assert_type(parsed, Response[City])
    for item in response.output:
        if item.type == "message":
            assert_type(item, ResponseOutputMessage[City])
            for part in item.content:
                if part.type == "output_text":
                    assert_type(part, ResponseOutputText[City])
                    assert_type(part.parsed, City | None)
                elif part.type == "refusal":
                    assert_type(part, ResponseOutputRefusal)


def without_a_type_there_is_nothing_parsed(response: Response) -> None:
    assert_type(response.output_parsed, None)
    assert_type(response.output, list[ResponseOutputItem])
    assert_type(response.output_text, str)
    assert_type(response.status, ResponseStatus | None)
    assert_type(response.usage, ResponseUsage | None)


def an_item_narrows(item: ResponseOutputItem, listed: ResponseItem, kept: ConversationItem) -> None:
    assert_type(item.id, str)
    if item.type == "function_call":
        assert_type(item, ResponseFunctionToolCall)
        assert_type(item.arguments_as(City), City)
        assert_type(item.parse(), dict[str, object])
        assert_type(item.status, ResponseItemStatus | None)
    match item:
        case ResponseOutputMessage(content=[ResponseOutputText(annotations=annotations)]):
            assert_type(annotations, list[ResponseAnnotation])
        case UnknownResponseItem(wire_type=name):
            assert_type(name, str)
        case _:
            pass
    if listed.type == "message":
        assert_type(listed, ResponseInputMessageItem)
    if kept.type == "unknown":
        assert_type(kept, UnknownResponseItem)


def stream_is_typed_by_its_protocol(body: bytes) -> None:
    assert_type(decode_stream(body, "responses"), Iterator[ResponseStreamEvent])


def the_type_of_an_event_narrows(event: ResponseStreamEvent) -> None:
    if event.type == "response.output_text.delta":
        assert_type(event, ResponseTextDeltaEvent)
        assert_type(event.delta, str)
        assert_type(event.output_index, int | None)
        assert_type(event.logprobs, list[Logprob])
    elif event.type == "response.function_call_arguments.delta":
        assert_type(event, ResponseFunctionCallArgumentsDeltaEvent)
    elif event.type == "response.output_item.done":
        assert_type(event, ResponseOutputItemDoneEvent)
        assert_type(event.item, ResponseOutputItem)
    elif event.type == "response.completed":
        assert_type(event, ResponseCompletedEvent)
        assert_type(event.response, Response)
    elif event.type == "response.mcp_call.failed":
        assert_type(event, ResponseMcpCallFailedEvent)
        assert_type(event.type, Literal["response.mcp_call.failed"])
    elif event.type == "unknown":
        assert_type(event, UnknownEvent)


def an_event_matches(event: ResponseStreamEvent) -> None:
    match event:
        case ResponseContentPartAddedEvent(part=ResponseOutputText(text=text)):
            assert_type(text, str)
        case _:
            pass


def a_body_takes_what_openai_programs_send(response: Response) -> ResponseCreateParams:
    asked: ResponseInputParam = [
        {"role": "user", "content": "Where?"},
        {"role": "user", "content": [{"type": "input_image", "image_url": "data:..."}]},
        *response.output,
        {"type": "function_call_output", "call_id": "call_1", "output": "here"},
        {"type": "item_reference", "id": "msg_1"},
    ]
    return {
        "model": "m-1",
        "input": asked,
        "tools": [
            {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True, "async": False},
            {"type": "mcp", "server_label": "s", "server_url": "https://mcp.test", "require_approval": "never"},
            {"type": "web_search", "filters": {"allowed_domains": ["a.test"]}},
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema", "name": "city", "schema": {}, "strict": True}},
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "conversation": {"id": "conv_1"},
    }


def a_conversation_begins_with_what_was_answered(response: Response) -> ConversationCreateParams:
    return {"items": response.output, "metadata": {"k": "v"}}
