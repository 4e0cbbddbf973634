"""What a type checker must see of Responses and Conversations: lines that users write. Checked, never run."""

from collections.abc import Iterator
from typing import assert_type

import msgspec

from asyncstream import AsyncClient, RawResponse, ResponseStream
from asyncstream.accumulators import ContentChanged, ResponseAccumulator
from asyncstream.events import (
    ResponseCompletedEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    decode_stream,
)
from asyncstream.params import ResponseCreateParams
from asyncstream.relay import Follower, follow
from asyncstream.resources.paging import ListPage
from asyncstream.tools import Round
from asyncstream.types import (
    CompactedResponse,
    Conversation,
    ConversationDeletedResource,
    ConversationItem,
    ConversationItemList,
    InputTokenCountResponse,
    Response,
    ResponseFunctionToolCall,
    ResponseItem,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseUsage,
)


class City(msgspec.Struct):
    name: str


async def responses_of_no_type(client: AsyncClient) -> None:
    created = await client.responses.create(
        model="m", input="hi", temperature=0.5, tools=[{"type": "web_search"}], reasoning={"effort": "low"}
    )
    assert_type(created, Response)
    assert_type(created.output_parsed, None)
    assert_type(created.output_text, str)
    assert_type(created.usage, ResponseUsage | None)
    assert_type(await client.responses.parse(input=[{"role": "user", "content": "hi"}]), Response)
    assert_type(await client.responses.create(input="hi", stream=True), ResponseStream)
    assert_type(client.responses.stream(input="hi"), ResponseStream)
    assert_type(await client.responses.create_and_poll(input="hi", poll_timeout=5), Response)
    assert_type(await client.responses.poll("resp_1"), Response)
    assert_type(await client.responses.retrieve("resp_1"), Response)
    assert_type(await client.responses.retrieve("resp_1", stream=True, starting_after=4), ResponseStream)
    assert_type(await client.responses.cancel("resp_1"), Response)
    assert_type(await client.responses.compact(model="m", input="hi"), CompactedResponse)
    assert_type(await client.responses.input_tokens.count(model="m", input="hi"), InputTokenCountResponse)
    assert_type(await client.responses.input_items.list("resp_1"), ListPage[ResponseItem])
    await client.responses.create(input=[*created.output, {"role": "user", "content": "go on"}])


async def responses_of_a_type(client: AsyncClient) -> None:
    created = await client.responses.create(input="hi", text_format=City)
    assert_type(created, Response[City])
    assert_type(created.output_parsed, City | None)
    for item in created.output:
        match item:
            case ResponseOutputMessage(content=content):
                for part in content:
                    if isinstance(part, ResponseOutputText):
                        assert_type(part.parsed, City | None)
            case ResponseFunctionToolCall():
                assert_type(item.parse(City), City)
                assert_type(item.parse(), dict[str, object])
            case _:
                pass
    assert_type(await client.responses.parse(input="hi", text_format=City), Response[City])
    assert_type(await client.responses.create_and_poll(input="hi", text_format=City), Response[City])
    assert_type(await client.responses.poll("resp_1", text_format=City), Response[City])
    raw = await client.responses.with_raw_response.parse(input="hi", text_format=City, temperature=0)
    assert_type(raw, RawResponse[Response[City]])
    assert_type((await client.responses.with_raw_response.create(input="hi")).parse(), Response)
    assert_type((await client.responses.with_raw_response.retrieve("resp_1")).parse(), Response)
    assert_type((await client.responses.with_raw_response.cancel("resp_1")).parse(), Response)


async def streams_of_a_type(client: AsyncClient) -> None:
    assert_type(await client.responses.create(input="hi", stream=True, text_format=City), ResponseStream[City])
    joined = client.responses.stream(response_id="resp_1", starting_after=4, text_format=City)
    assert_type(joined, ResponseStream[City])
    assert_type(client.responses.stream(response_id="resp_1"), ResponseStream)
    async with client.responses.stream(model="m", input="hi", text_format=City, background=True) as stream:
        assert_type(stream, ResponseStream[City])
        async for event in stream:
            assert_type(event, ResponseStreamEvent)
            match event:
                case ResponseTextDeltaEvent(delta=delta):
                    assert_type(delta, str)
                case _ if event.type == "response.completed":
                    assert_type(event, ResponseCompletedEvent)
                case _:
                    pass
        async for change in stream.changes:
            if isinstance(change, ContentChanged):
                assert_type(change.partial, City | None)
        async for text in stream.text_deltas:
            assert_type(text, str)
        final = await stream.get_final_response()
        assert_type(final.output_parsed, City | None)
        assert_type(stream.current_response_snapshot, Response[City])
        assert_type(stream.accumulator, ResponseAccumulator[City])
        assert_type(stream.last_sequence_number, int | None)
        assert_type(stream.rounds, list[Round[Response[City], ResponseUsage]])
        await stream.submit_tool_outputs([{"call_id": "call_1", "output": "18"}])
        await stream.submit_tool_approvals([{"approval_request_id": "mcpr_1", "approve": True}])


async def conversations(client: AsyncClient) -> None:
    made = await client.conversations.create(items=[{"role": "user", "content": "hi"}], metadata={"a": "b"})
    assert_type(made, Conversation)
    assert_type(await client.conversations.retrieve("conv_1"), Conversation)
    assert_type(await client.conversations.update("conv_1", metadata={}), Conversation)
    assert_type(await client.conversations.delete("conv_1"), ConversationDeletedResource)
    assert_type(
        await client.conversations.items.create("conv_1", items=[{"role": "user", "content": "hi"}]),
        ConversationItemList,
    )
    assert_type(await client.conversations.items.list("conv_1"), ListPage[ConversationItem])
    assert_type(await client.conversations.items.retrieve("i", conversation_id="c"), ConversationItem)
    assert_type(await client.conversations.items.delete("i", conversation_id="c"), Conversation)


def any_response(response: Response[object], city: Response[City], plain: Response) -> None:
    """What takes a response of any type is given each: they are covariant."""
    assert_type(response.output_parsed, object | None)
    any_response(city, city, plain)
    any_response(plain, city, plain)


async def one_body_for_all(client: AsyncClient, params: ResponseCreateParams) -> None:
    await client.responses.create(**params)
    await client.responses.create_and_poll(**params)
    client.responses.stream(**params)


def events_of_bytes(data: bytes, url: str) -> None:
    assert_type(decode_stream(data, "responses"), Iterator[ResponseStreamEvent])
    assert_type(follow(url, protocol="responses"), Follower[ResponseStreamEvent])


async def mistakes_are_seen(client: AsyncClient) -> None:
    await client.responses.create(input="hi", max_tokens=5)  # type: ignore[call-overload]  # it has another name here
    await client.responses.create(input=5)  # type: ignore[call-overload]  # neither text nor items
    await client.responses.retrieve(5)  # type: ignore[call-overload]  # an id is a string
    client.responses.stream(input="hi", starting_after=5)  # type: ignore[call-overload]  # nothing is followed
    client.responses.stream(response_id="r", input="hi")  # type: ignore[call-overload]  # it was asked already
