"""What a type checker must see of chat's pure floors: each line is one that users write. Checked, never run."""

from collections.abc import Iterator
from typing import assert_type

import msgspec
from aiohttp import web

from asyncstream import AsyncClient, ChatStream
from asyncstream.accumulators import ChatAccumulator, ContentChanged, FinishChanged, ToolCallDone, UsageChanged
from asyncstream.events import ChatStreamEvent, DoneEvent, ErrorEvent, decode_stream
from asyncstream.params import ChatCompletionMessageParam, ToolOutput
from asyncstream.partial import parse_partial, parse_partial_as
from asyncstream.relay import relay_response
from asyncstream.tools import Round, ToolResult, function_tool, response_format_for
from asyncstream.types import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessage,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageToolCall,
    Choice,
    CompletionUsage,
)


class City(msgspec.Struct):
    name: str


def typed_answers(message: ChatCompletionMessage, call: ChatCompletionMessageFunctionToolCall) -> None:
    assert_type(message.parse(City), City)
    assert_type(call.arguments_as(City), City)
    assert_type(call.parse(City), City)
    assert_type(call.parse(), dict[str, object])


async def answers_of_a_type(client: AsyncClient) -> None:
    completions = client.chat.completions
    created = await completions.create(messages=[], model="m", response_format=City)
    assert_type(created, ChatCompletion[City])
    assert_type(created.choices[0], Choice[City])
    assert_type(created.choices[0].message.parsed, City | None)
    assert_type(await completions.parse(messages=[], model="m", response_format=City), ChatCompletion[City])
    assert_type(await client.beta.chat.completions.parse(messages=[], model="m"), ChatCompletion)
    raw = await completions.with_raw_response.parse(messages=[], model="m", response_format=City, temperature=0)
    assert_type(raw.parse(), ChatCompletion[City])
    raw_created = await completions.with_raw_response.create(messages=[], model="m", response_format=City)
    assert_type(raw_created.parse().choices[0].message.parsed, City | None)
    await completions.create(messages=[created.choices[0].message], model="m")


async def streams_of_a_type(client: AsyncClient) -> None:
    completions = client.chat.completions
    assert_type(await completions.create(messages=[], model="m", stream=True, response_format=City), ChatStream[City])
    async with completions.stream(messages=[], model="m", response_format=City, seed=1) as stream:
        assert_type(stream, ChatStream[City])
        async for change in stream.changes:
            match change:
                case ContentChanged():
                    assert_type(change.partial, City | None)
                case FinishChanged():
                    assert_type(change.snapshot.message.parsed, City | None)
                case _:
                    pass
        assert_type((await stream.get_final_completion()).choices[0].message.parsed, City | None)
        assert_type(stream.accumulator.completion, ChatCompletion[City])
        assert_type(stream.rounds, list[Round[ChatCompletion[City], CompletionUsage]])
    assert_type(ChatAccumulator(response_format=City).completion, ChatCompletion[City])
    relayed: web.StreamResponse = await relay_response(web.Request.__new__(web.Request), stream)
    print(relayed)


def texts_of_a_type(text: str, completion: ChatCompletion[City]) -> None:
    assert_type(parse_partial_as(text, City), City | None)
    assert_type(parse_partial(text), object)
    assert_type(completion.to_dict(), dict[str, object])
    assert_type(completion.choices[0].message.to_json(indent=None), str)
    assert_type(completion.choices[0].message.parse(list[City]), list[City])


def any_answer(completion: ChatCompletion[object], city: ChatCompletion[City], plain: ChatCompletion) -> None:
    """What takes an answer of any type is given each: they are covariant."""
    assert_type(completion.choices[0].message.parsed, object | None)
    any_answer(city, city, plain)
    any_answer(plain, city, plain)


async def answers_of_no_type(client: AsyncClient) -> None:
    created = await client.chat.completions.create(
        messages=[], model="m", response_format={"type": "json_object"}, temperature=0.5
    )
    assert_type(created, ChatCompletion)
    assert_type(created.choices[0].message.parsed, None)
    assert_type(client.chat.completions.stream(messages=[], model="m"), ChatStream)


def any_call(call: ChatCompletionMessageToolCall) -> None:
    assert_type(call.id, str)
    assert_type(call.name, str)
    assert_type(call.arguments, str)
    assert_type(call.parse(), dict[str, object])
    assert_type(call.arguments_as(City), City)


def next_turn(message: ChatCompletionMessage) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hi"}]
    messages.append(message.to_param())
    for call in message.tool_calls or ():
        if call.type == "function":
            assert_type(call, ChatCompletionMessageFunctionToolCall)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": call.function.name})
    return messages


async def next_answers(stream: ChatStream) -> None:
    message = (await stream.get_final_completion()).choices[0].message
    outputs: list[ToolOutput] = [
        {"tool_call_id": call.id, "output": call.function.name}
        for call in message.tool_calls or ()
        if call.type == "function"
    ]
    await stream.submit_tool_outputs(outputs)
    plain = [{"tool_call_id": call.id, "output": call.name} for call in message.tool_calls or ()]
    assert_type(plain, list[dict[str, str]])
    await stream.submit_tool_outputs(plain)
    for one in stream.rounds:
        assert_type(one, Round[ChatCompletion, CompletionUsage])
        assert_type(one.snapshot, ChatCompletion)
        assert_type(one.results, list[ToolResult])
        assert_type(one.usage, CompletionUsage | None)
    assert_type(await stream.get_final_completion(), ChatCompletion)


def events(body: bytes) -> None:
    assert_type(decode_stream(body, "chat"), Iterator[ChatStreamEvent])
    accumulator = ChatAccumulator()
    for event in decode_stream(body, "chat"):
        match event:
            case ChatCompletionChunk():
                for choice in event.choices:
                    assert_type(choice.delta.content, str | None)
            case ErrorEvent() | DoneEvent():
                pass
        for change in accumulator.push(event):
            match change:
                case ContentChanged():
                    assert_type(change.delta, str)
                    assert_type(change.snapshot, str)
                case ToolCallDone():
                    assert_type(change.snapshot, ChatCompletionMessageToolCall)
                case FinishChanged():
                    assert_type(change.snapshot, Choice)
                case UsageChanged():
                    assert_type(change.snapshot, CompletionUsage)
                case _:
                    pass
    assert_type(accumulator.completion, ChatCompletion)


def definitions() -> None:
    def get_weather(city: str) -> str:
        return city

    assert_type(function_tool(get_weather)["function"]["name"], str)
    assert_type(response_format_for(City)["json_schema"]["name"], str)
