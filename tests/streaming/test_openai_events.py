"""`stream.openai_events`: what loops written for openai-python's chat helper read."""

from contextlib import asynccontextmanager

import msgspec
import pytest
from assistants_wire import stream as send_stream
from chat_wire import CALLS, DONE, HELLO, MESSAGES, call, piece
from raw_server import Exchange, raw_server

from asyncstream import AsyncClient, StreamTruncatedError, pydantic_function_tool
from asyncstream.streaming.openai_events import ContentDoneEvent


@asynccontextmanager
async def answered(*frames: bytes, **params):
    async def answer(exchange: Exchange) -> None:
        await send_stream(exchange, *frames)

    async with (
        raw_server(answer) as server,
        AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client,
        client.chat.completions.stream(model="m", messages=MESSAGES, **params) as stream,
    ):
        yield stream


async def test_a_loop_over_types_reads_the_text():
    async with answered(*HELLO, DONE) as stream:
        lines = []
        async for event in stream.openai_events:
            if event.type == "content.delta":
                lines.append((event.delta, event.snapshot, event.parsed))
            elif event.type == "content.done":
                lines.append((event.content, event.parsed))

    assert [("Hel", "Hel", None), ("lo", "Hello", None), ("Hello", None)] == lines


async def test_each_chunk_comes_before_what_it_brings():
    async with answered(*HELLO, DONE) as stream:
        types = [event.type async for event in stream.openai_events]

    assert ["chunk", "chunk", "content.delta", "chunk", "content.delta", "chunk", "content.done"] == types


async def test_a_chunk_event_has_the_chunk_and_the_answer_so_far():
    async with answered(*HELLO, DONE) as stream:
        chunks = [
            (event.chunk.choices[0].delta.content, event.snapshot.choices[0].message.content)
            async for event in stream.openai_events
            if event.type == "chunk"
        ]

    assert [("", ""), ("Hel", "Hel"), ("lo", "Hello"), (None, "Hello")] == chunks


async def test_calls_are_told_by_their_place():
    deltas, done = [], []
    async with answered(*CALLS, DONE) as stream:
        async for event in stream.openai_events:
            match event.type:
                case "tool_calls.function.arguments.delta":
                    deltas.append((event.index, event.name, event.arguments_delta, event.arguments))
                case "tool_calls.function.arguments.done":
                    done.append((event.index, event.name, event.arguments, event.parsed_arguments))

    name = "get_current_weather"
    assert [
        (0, name, '{"city":', '{"city":'),
        (1, name, '{"city": "Oslo"}', '{"city": "Oslo"}'),
        (0, name, ' "Lisbon"}', '{"city": "Lisbon"}'),
    ] == deltas
    assert [
        (0, name, '{"city": "Lisbon"}', {"city": "Lisbon"}),
        (1, name, '{"city": "Oslo"}', {"city": "Oslo"}),
    ] == done


async def test_arguments_are_parsed_as_far_as_they_go():
    parsed = []
    async with answered(call(0, '{"a": [1, ', "f", "call_a"), call(0, "2]}"), piece(finish="tool_calls"), DONE) as s:
        async for event in s.openai_events:
            if event.type == "tool_calls.function.arguments.delta":
                parsed.append(event.parsed_arguments)

    assert [{"a": [1]}, {"a": [1, 2]}] == parsed


class Point(msgspec.Struct):
    x: int
    y: int


async def test_content_that_fits_a_type_is_parsed_on_the_way_and_at_the_end():
    frames = [piece({"content": '{"x": 1, '}), piece({"content": '"y": 2}'}), piece(finish="stop"), DONE]
    async with answered(*frames, response_format=Point) as stream:
        events = [event async for event in stream.openai_events if event.type != "chunk"]
        parsed = [event.parsed for event in events]

    assert isinstance(events[-1], ContentDoneEvent)
    assert {"x": 1, "y": 2} == parsed[1]
    assert Point(1, 2) == parsed[-1]


async def test_refusals_and_log_probabilities_have_events_too():
    def probable(token: str) -> dict[str, object]:
        return {"content": [{"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []}], "refusal": None}

    def choice(delta: dict[str, object], token: str | None, finish: str | None = None) -> bytes:
        logprobs = None if token is None else probable(token)
        return piece(choices=[{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs}])

    frames = [choice({"content": "a"}, "a"), choice({"content": "b"}, "b"), choice({}, None, "stop"), DONE]
    async with answered(*frames) as stream:
        seen = {}
        async for event in stream.openai_events:
            if event.type.startswith("logprobs"):
                seen.setdefault(event.type, []).append([item.token for item in event.content])
    assert {"logprobs.content.delta": [["a"], ["b"]], "logprobs.content.done": [["a", "b"]]} == seen

    async with answered(piece({"refusal": "I "}), piece({"refusal": "will not"}), piece(finish="stop"), DONE) as stream:
        told = [
            (event.type, event.refusal if event.type == "refusal.done" else (event.delta, event.snapshot))
            async for event in stream.openai_events
            if event.type != "chunk"
        ]
    assert [
        ("refusal.delta", ("I ", "I ")),
        ("refusal.delta", ("will not", "I will not")),
        ("refusal.done", "I will not"),
    ] == told


async def test_a_cut_answer_is_raised_and_never_done():
    types = []
    async with answered(*HELLO[:3]) as stream:
        with pytest.raises(StreamTruncatedError):
            async for event in stream.openai_events:
                types.append(event.type)

    assert "content.delta" in types
    assert "content.done" not in types


async def test_it_is_one_of_the_views_of_the_cursor():
    async with answered(*HELLO, DONE) as stream:
        first = await anext(stream)
        rest = [event.type async for event in stream.openai_events]

    assert "" == first.choices[0].delta.content
    assert ["chunk", "content.delta", "chunk", "content.delta", "chunk", "content.done"] == rest


async def test_arguments_are_of_the_type_of_their_tool():
    class Weather(msgspec.Struct):
        city: str

    tools = [pydantic_function_tool(Weather, name="get_current_weather")]
    async with answered(*CALLS, DONE, tools=tools) as stream:
        done = [
            event.parsed_arguments
            async for event in stream.openai_events
            if event.type == "tool_calls.function.arguments.done"
        ]
        message = (await stream.get_final_completion()).choices[0].message

    assert [Weather("Lisbon"), Weather("Oslo")] == done
    assert done == [one.function.parsed_arguments for one in message.tool_calls or []]


async def test_arguments_that_do_not_fit_their_tool_are_none_and_the_stream_goes_on():
    class Weather(msgspec.Struct):
        town: str

    tools = [pydantic_function_tool(Weather, name="get_current_weather")]
    async with answered(*CALLS, DONE, tools=tools) as stream:
        done = [
            (event.arguments, event.parsed_arguments)
            async for event in stream.openai_events
            if event.type == "tool_calls.function.arguments.done"
        ]

    assert [('{"city": "Lisbon"}', None), ('{"city": "Oslo"}', None)] == done
