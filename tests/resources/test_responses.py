"""`client.responses` and `client.conversations`: what is sent, what is refused before that, and what comes back."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import Struct
from raw_server import Exchange, RawServer, raw_server
from responses_wire import HELLO, call, message, response

from asyncstream import (
    APIResponseValidationError,
    ArgumentError,
    AsyncClient,
    ConfigurationError,
    NotFoundError,
    PollTimeoutError,
    RawResponse,
    StreamEventError,
    function_tool,
)
from asyncstream.resources.paging import ListPage
from asyncstream.types import (
    Conversation,
    ConversationDeletedResource,
    ConversationItemList,
    Response,
    ResponseFunctionTool,
    ResponseInputMessageItem,
)


@asynccontextmanager
async def talk(*answers: Any, **options: Any) -> AsyncIterator[tuple[AsyncClient, RawServer]]:
    """Give the first answer to the first request, and so on, the last one over and over: JSON, or (status, body)."""

    async def answer(exchange: Exchange) -> None:
        one = answers[min(exchange.number, len(answers)) - 1]
        if callable(one):
            await one(exchange)
        elif isinstance(one, tuple):
            await exchange.reply(*one)
        else:
            await exchange.reply(200, json.dumps(one).encode())

    async with (
        raw_server(answer) as server,
        AsyncClient(api_key="k", base_url=server.url, **{"max_retries": 0, **options}) as client,
    ):
        yield client, server


def bodies(server: RawServer) -> list[Any]:
    return [json.loads(request.body) if request.body else None for request in server.requests]


def asked(server: RawServer) -> list[str]:
    return [f"{request.method} {request.target}" for request in server.requests]


class Point(Struct):
    x: int


HI = response("completed", message("Hello"))
POINT = response("completed", message('{"x":1}'))


# What is sent.


async def test_what_a_response_has_said_goes_back_as_it_came():
    vendor = {"type": "vendor_item", "id": "v_1", "deep": [1, {"x": 1.5}]}
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "odd": "kept"}
    output = [thought, message("Hello"), call("a"), vendor]
    async with talk(response("completed", *output), HI) as (client, server):
        first = await client.responses.create(model="m-1", input="hi")
        result = {"type": "function_call_output", "call_id": "call_a", "output": "18"}
        await client.responses.create(model="m-1", input=[{"role": "user", "content": "hi"}, *first.output, result])

    sent = bodies(server)[1]["input"]
    assert [thought, message("Hello"), call("a"), vendor] == [
        {key: value for key, value in item.items() if (key, value) != ("content", [])} for item in sent[1:5]
    ]
    assert [{"role": "user", "content": "hi"}, result] == [sent[0], sent[5]]


async def test_a_tool_made_for_chat_is_sent_as_responses_have_it():
    def weather(city: str) -> str:
        """Tell the weather."""
        return city

    tool = function_tool(weather)
    flat = {"type": "function", "name": "f", "parameters": {}, "strict": False}
    async with talk(HI) as (client, server):
        tools: list[Any] = [tool, flat, {"type": "web_search"}, ResponseFunctionTool(name="g")]
        await client.responses.create(input="hi", tools=tools)
    made, *others = bodies(server)[0]["tools"]

    assert {"type": "function", **tool["function"]} == made
    assert [flat, {"type": "web_search"}, {"type": "function", "name": "g"}] == others


async def test_only_what_was_given_is_sent():
    async with talk(HI) as (client, server):
        await client.responses.create()
        await client.responses.create(input="hi", instructions=None, extra_body={"vendor": 1})
        await client.responses.input_tokens.count(input=[{"role": "user", "content": "hi"}])
        await client.responses.compact(model="m-1", input=[])
        await client.conversations.create()

    assert [
        {},
        {"input": "hi", "instructions": None, "vendor": 1},
        {"input": [{"role": "user", "content": "hi"}]},
        {"model": "m-1", "input": []},
        {},
    ] == bodies(server)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"max_tokens": 5}, "unknown keyword 'max_tokens': did you mean 'max_output_tokens'"),
        ({"response_format": Point}, "unknown keyword 'response_format': did you mean 'text_format'"),
        ({"messages": []}, "unknown keyword 'messages': did you mean 'input'"),
        ({"input": b"hi"}, "input must be text or a list of items, not bytes"),
        ({"input": {"role": "user", "content": "hi"}}, "input must be text or a list of items, not dict"),
        ({"input": 5}, "input must be text or a list of items, not int"),
        ({"include": "message.output_text.logprobs"}, "include must be a list"),
        ({"tools": "web_search"}, "tools must be a list"),
        ({"text_format": Point, "text": {"format": {"type": "text"}}}, "exclude each other"),
        ({"text_format": Point, "text": "low"}, "exclude each other"),
        ({"text_format": dict}, "free-form dict"),
        ({"temperature": float("nan")}, "body.temperature must be a finite number"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(params, words):
    async with talk(HI) as (client, server):
        for method in (client.responses.create, client.responses.parse, client.responses.create_and_poll):
            with pytest.raises(ConfigurationError, match=words):
                await method(**params)
        with pytest.raises(ConfigurationError, match=words):
            client.responses.stream(**params)

    assert [] == server.requests


async def test_what_belongs_to_a_followed_response_and_what_does_not():
    async with talk(HI) as (client, server):
        stream: Callable[..., Any] = client.responses.stream
        for params, words in (
            ({"starting_after": 4}, "starting_after is for a response that is followed"),
            ({"include_obfuscation": False, "input": "hi"}, "include_obfuscation is for a response that is followed"),
            ({"response_id": "resp_1", "input": "hi"}, "input has no place with response_id"),
            ({"response_id": "resp_1", "include": "x"}, "include must be a list"),
            ({"response_id": "a/b"}, "response_id must hold no"),
            ({"response_id": "resp_1", "starting_afer": 1}, "did you mean 'starting_after'"),
        ):
            with pytest.raises(ConfigurationError, match=words):
                stream(**params)
        for method in (
            lambda: client.responses.retrieve("resp_1", include="x"),  # type: ignore[call-overload]
            lambda: client.responses.poll("resp_1", include="x"),  # type: ignore[call-overload]
            lambda: client.conversations.items.retrieve("i", conversation_id="c", include="x"),  # type: ignore[arg-type]
            lambda: client.conversations.items.create("c", items={"role": "user"}),  # type: ignore[arg-type]
            lambda: client.conversations.items.create("c", items="hi"),  # type: ignore[arg-type]
            lambda: client.conversations.create(items="hi"),  # type: ignore[arg-type]
        ):
            with pytest.raises(ArgumentError, match="must be"):
                await method()
        with pytest.raises(ArgumentError, match="include must be a list"):
            client.responses.input_items.list("resp_1", include="x")  # type: ignore[arg-type]

    assert [] == server.requests


async def test_retrieve_asks_for_what_is_given():
    async with talk(HI) as (client, server):
        await client.responses.retrieve("resp_1")
        await client.responses.retrieve("resp_1", include=["message.output_text.logprobs"], stream=False)

    assert [
        "GET /responses/resp_1",
        "GET /responses/resp_1?include%5B%5D=message.output_text.logprobs",
    ] == asked(server)


# What comes back.


async def test_a_response_says_itself_how_it_ended():
    answers = [
        response(status, message("x"), error={"code": "c", "message": "m"} if status == "failed" else None)
        for status in ("queued", "in_progress", "completed", "incomplete", "failed", "cancelled", "something new")
    ]
    async with talk(*answers) as (client, _):
        found = [await client.responses.create(input="hi") for _ in answers]

    assert [one["status"] for one in answers] == [one.status for one in found]
    assert ["x"] * len(answers) == [one.output_text for one in found]
    assert ("c", "m") == (found[4].error and found[4].error.code, found[4].error and found[4].error.message)


@pytest.mark.parametrize("behind", [b"", b"\n\ndata: [DONE]\n\n", b"[DONE]"])
async def test_what_stands_behind_a_whole_answer_is_no_harm(behind):
    async with talk((200, json.dumps(POINT).encode() + behind)) as (client, _):
        found = await client.responses.create(input="hi", text_format=Point)

    assert Point(1) == found.output_parsed


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b'{"error": {"message": "no", "code": "c"}}', StreamEventError, "no"),
        (b'{"error": "no"}', StreamEventError, "no"),
        (b"<html>", APIResponseValidationError, "no JSON"),
        (b"[]", APIResponseValidationError, "no JSON object"),
        (b"{}", APIResponseValidationError, "no response"),
        (b'{"object": "chat.completion", "choices": []}', APIResponseValidationError, "no response"),
        (b'{"object": "response", "output": [}', APIResponseValidationError, "no JSON"),
        (b"", APIResponseValidationError, "empty"),
    ],
)
async def test_what_is_no_response_is_an_error(body, kind, words):
    async with talk((200, body)) as (client, _):
        for ask in (
            lambda: client.responses.create(input="hi"),
            lambda: client.responses.retrieve("resp_1"),
            lambda: client.responses.cancel("resp_1"),
        ):
            with pytest.raises(kind, match=words) as caught:
                await ask()
            assert 200 == caught.value.status


async def test_a_response_is_deleted_whatever_is_answered():
    for answer in ((204, b""), (200, b""), {"id": "resp_1", "object": "response.deleted", "deleted": True}, {}):
        async with talk(answer) as (client, server):
            assert await client.responses.delete("resp_1") is None  # type: ignore[func-returns-value]
            raw = await client.responses.with_raw_response.delete("resp_1")

        assert (["DELETE /responses/resp_1"] * 2, None) == (asked(server), raw.parse())  # type: ignore[func-returns-value]
    for answer in ((200, b"<html>"), {"error": {"message": "no"}}):
        async with talk(answer) as (client, _):
            with pytest.raises(APIResponseValidationError):
                await client.responses.delete("resp_1")


async def test_a_response_may_be_larger_than_other_answers():
    picture = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "A" * (70 << 20)}
    async with talk(response("completed", picture)) as (client, _):
        found = await client.responses.retrieve("resp_1")
        with pytest.raises(APIResponseValidationError, match="expected at most 64 MiB"):
            await client.models.retrieve("m-1")

    assert 70 << 20 == len(found.output[0].to_dict()["result"])  # type: ignore[arg-type]


async def test_compaction_and_counts():
    compacted = {
        "id": "resp_2",
        "object": "response.compaction",
        "created_at": 5,
        "output": [{**message("hi", "m"), "role": "user"}, {"type": "compaction", "id": "c", "encrypted_content": "x"}],
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    }
    async with talk(compacted, {"object": "response.input_tokens", "input_tokens": 51}, HI) as (client, server):
        short = await client.responses.compact(model="m-1", input="hi", previous_response_id="resp_1")
        count = await client.responses.input_tokens.count(model="m-1", input="hi")
        await client.responses.create(input=short.output)

    assert (["message", "compaction"], 51) == ([item.type for item in short.output], count.input_tokens)
    assert [
        "POST /responses/compact",
        "POST /responses/input_tokens",
        "POST /responses",
    ] == asked(server)
    assert ["user", "x"] == [bodies(server)[2]["input"][0]["role"], bodies(server)[2]["input"][1]["encrypted_content"]]


async def test_input_items_come_in_pages():
    def page(number: int, more: bool) -> dict[str, Any]:
        item = {"type": "message", "id": f"msg_{number}", "role": "user", "content": []}
        return {"object": "list", "data": [item], "has_more": more, "first_id": item["id"], "last_id": item["id"]}

    async with talk(page(1, True), page(2, False)) as (client, server):
        items = [item async for item in client.responses.input_items.list("resp_1", limit=1, order="asc")]

    assert ["msg_1", "msg_2"] == [item.id for item in items if isinstance(item, ResponseInputMessageItem)]
    path = "GET /responses/resp_1/input_items?limit=1&order=asc"
    assert [path, f"{path}&after=msg_1"] == asked(server)


# Conversations.


async def test_conversations():
    item = {"type": "message", "id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    items = {"object": "list", "data": [item], "first_id": "msg_1", "last_id": "msg_1", "has_more": False}
    conversation = {"id": "conv_1", "object": "conversation", "created_at": 5, "metadata": {"a": "b"}}
    deleted = {"id": "conv_1", "object": "conversation.deleted", "deleted": True}
    answers = [conversation, conversation, conversation, items, items, item, conversation, deleted]
    async with talk(*answers) as (client, server):
        noun = client.conversations
        made = await noun.create(items=[{"role": "user", "content": "hi"}], metadata={"a": "b"})
        found = await noun.retrieve("conv_1")
        changed = await noun.update("conv_1", metadata={"a": "b"})
        added = await noun.items.create("conv_1", items=[item], include=["message.output_text.logprobs"])
        page = await noun.items.list("conv_1", limit=1)
        one = await noun.items.retrieve("msg_1", conversation_id="conv_1")
        left = await noun.items.delete("msg_1", conversation_id="conv_1")
        gone = await noun.delete("conv_1")

    assert [Conversation(id="conv_1", created_at=5, metadata={"a": "b"})] * 4 == [made, found, changed, left]
    assert (ConversationDeletedResource(id="conv_1", deleted=True), 1) == (gone, len(page.data))
    assert isinstance(added, ConversationItemList)
    assert isinstance(page, ListPage)
    assert item == one.to_dict() == page.data[0].to_dict() == added.data[0].to_dict()
    assert [
        "POST /conversations",
        "GET /conversations/conv_1",
        "POST /conversations/conv_1",
        "POST /conversations/conv_1/items?include%5B%5D=message.output_text.logprobs",
        "GET /conversations/conv_1/items?limit=1",
        "GET /conversations/conv_1/items/msg_1",
        "DELETE /conversations/conv_1/items/msg_1",
        "DELETE /conversations/conv_1",
    ] == asked(server)
    assert [{"items": [{"role": "user", "content": "hi"}], "metadata": {"a": "b"}}, {"items": [item]}] == [
        bodies(server)[0],
        bodies(server)[3],
    ]


# Raw responses.


async def test_raw_responses():
    async with talk(POINT) as (client, _):
        raw = client.responses.with_raw_response
        found = [
            await raw.create(input="hi", text_format=Point),
            await raw.parse(input="hi", text_format=Point),
            await raw.retrieve("resp_1"),
            await raw.cancel("resp_1"),
        ]

    assert [RawResponse] * 4 == [type(one) for one in found]
    assert [Point(1), Point(1), None, None] == [one.parse().output_parsed for one in found]
    assert [(200, '{"x":1}')] * 4 == [(one.status, one.parse().output_text) for one in found]


# Polling.


async def test_it_is_polled_until_it_has_ended():
    states = [response(status, message("")) for status in ("queued", "queued", "in_progress")]
    seen: list[str | None] = []
    async with talk(*states, POINT) as (client, server):
        final = await client.responses.create_and_poll(
            model="m-1", input="hi", text_format=Point, poll_interval_ms=0, on_poll=lambda it: seen.append(it.status)
        )

    assert ("completed", Point(1)) == (final.status, final.output_parsed)
    assert ["queued", "queued", "in_progress", "completed"] == seen
    assert ["POST /responses", *["GET /responses/resp_1"] * 3] == asked(server)
    assert bodies(server)[0]["background"] is True
    assert ["true"] * 3 == [request.headers["x-stainless-poll-helper"] for request in server.requests[1:]]


@pytest.mark.parametrize("status", ["failed", "incomplete", "cancelled", "something new"])
async def test_a_poll_returns_however_it_ends(status):
    async with talk(response("queued"), response(status)) as (client, server):
        assert status == (await client.responses.create_and_poll(input="hi", poll_interval_ms=0)).status
        assert status == (await client.responses.poll("resp_1", include=["message.output_text.logprobs"])).status

    assert "GET /responses/resp_1?include%5B%5D=message.output_text.logprobs" == asked(server)[-1]


async def test_a_poll_shows_what_the_response_was_asked_to_include():
    async with talk(response("queued"), response("completed")) as (client, server):
        await client.responses.create_and_poll(
            input="hi", include=["code_interpreter_call.outputs", "web_search_call.results"], poll_interval_ms=0
        )

    query = "include%5B%5D=code_interpreter_call.outputs&include%5B%5D=web_search_call.results"
    assert ["POST /responses", f"GET /responses/resp_1?{query}"] == asked(server)
    assert ["code_interpreter_call.outputs", "web_search_call.results"] == bodies(server)[0]["include"]


async def test_what_is_not_in_the_background_is_not_polled():
    async with talk(HI) as (client, server):
        await client.responses.create_and_poll(input="hi", background=False)

    assert [{"input": "hi", "background": False}] == bodies(server)


async def test_a_poll_has_a_deadline():
    async with talk(response("in_progress", message("Hel"))) as (client, _):
        with pytest.raises(PollTimeoutError, match="'resp_1'") as caught:
            await client.responses.create_and_poll(input="hi", poll_interval_ms=1, poll_timeout=0.02)

    assert isinstance(caught.value.last, Response)
    assert ("in_progress", "Hel") == (caught.value.last.status, caught.value.last.output_text)


@pytest.mark.parametrize("remote", [True, False])
async def test_a_cancelled_poll_cancels_the_response_if_it_is_told_to(remote):
    polled = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, json.dumps(response("in_progress")).encode())
        if exchange.method == "GET":
            polled.set()

    async with talk(answer) as (client, server):
        poll = asyncio.ensure_future(
            client.responses.create_and_poll(input="hi", poll_interval_ms=1, cancel_remote=remote)
        )
        await polled.wait()
        poll.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll

    assert remote == (asked(server)[-1] == "POST /responses/resp_1/cancel")


async def test_a_poll_goes_on_over_failures_that_pass():
    async with talk(response("queued"), (503, b"{}"), HI, max_retries=0) as (client, server):
        with pytest.raises(NotFoundError):
            async with talk((404, b"{}")) as (other, _):
                await other.responses.poll("resp_1")
        assert "completed" == (await client.responses.create_and_poll(input="hi", poll_interval_ms=0)).status

    assert 3 == len(server.requests)


async def test_a_whole_answer_that_comes_as_a_stream_is_polled_like_any():
    async def answer(exchange: Exchange) -> None:
        body = b"".join(HELLO)
        await exchange.reply(200, body, Content_Type="text/event-stream")

    async with talk(answer) as (client, _):
        assert "Hello" == (await client.responses.create_and_poll(input="hi")).output_text
