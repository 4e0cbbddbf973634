"""`with_raw_response`: a method's own result, with what HTTP said of its answer."""

import inspect
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from aioresponses import aioresponses
from assistants_wire import DONE, HELLO, stream
from raw_server import Exchange, raw_server

from asyncstream.client import AsyncClient
from asyncstream.errors import ConfigurationError, NotFoundError
from asyncstream.resources.raw import RawMethod, RawResponse, WithRawResponse
from asyncstream.transport.http import Transport
from asyncstream.types import Thread


class City(msgspec.Struct):
    name: str


BASE = "http://api.test/v1"
WITHOUT_RAW = {"stream", "poll", "wait_for_processing", "upload"}
"""Streams tell of their response themselves; a poll and an upload have several."""


def nouns(noun: object, seen: tuple[type, ...] = ()) -> Iterator[object]:
    """Give a noun of the client and all below it."""
    if "_transport" in vars(noun):
        yield noun
    for name in dir(type(noun)) + list(vars(noun)):
        if not name.startswith("_") and name not in ("beta", "with_raw_response"):
            inner = getattr(noun, name)
            if type(inner).__module__.startswith("asyncstream.resources.") and type(inner) not in seen:
                yield from nouns(inner, (*seen, type(inner)))


ALL = {type(noun).__name__: noun for noun in nouns(AsyncClient(api_key="k")) if not isinstance(noun, AsyncClient)}


async def test_it_has_status_headers_request_id_time_and_result(mocked: aioresponses) -> None:
    mocked.get(f"{BASE}/threads/t", payload={"id": "t"}, headers={"x-request-id": "req_1", "X-Odd": "1"})

    async with AsyncClient(api_key="k", base_url=BASE) as client:
        raw = await client.threads.with_raw_response.retrieve("t")

    assert (raw.status, raw.status_code, raw.request_id) == (200, 200, "req_1")
    assert raw.headers["x-odd"] == "1"
    assert timedelta() < raw.elapsed < timedelta(seconds=5)
    assert raw.parse() == Thread(id="t")
    assert repr(raw) == "RawResponse(status=200, request_id='req_1')"


async def test_a_list_gives_its_page_and_goes_on(mocked: aioresponses) -> None:
    url = f"{BASE}/threads/t/messages"
    mocked.get(url, payload={"data": [{"id": "m1"}], "has_more": True}, headers={"x-request-id": "req_1"})
    mocked.get(
        f"{url}?after=m1", payload={"data": [{"id": "m2"}], "has_more": False}, headers={"x-request-id": "req_2"}
    )

    async with AsyncClient(api_key="k", base_url=BASE) as client:
        raw = await client.threads.messages.with_raw_response.list("t")
        assert ["m1", "m2"] == [message.id async for message in raw.parse()]

    assert raw.request_id == "req_1"


async def test_it_is_that_of_the_last_attempt(mocked: aioresponses) -> None:
    mocked.get(f"{BASE}/threads/t", status=500, headers={"x-request-id": "req_1", "retry-after-ms": "1"})
    mocked.get(f"{BASE}/threads/t", payload={"id": "t"}, headers={"x-request-id": "req_2"})

    async with AsyncClient(api_key="k", base_url=BASE) as client:
        assert (await client.threads.with_raw_response.retrieve("t")).request_id == "req_2"


async def test_errors_are_raised_as_ever(mocked: aioresponses) -> None:
    mocked.get(f"{BASE}/threads/t", status=404, payload={"error": {"message": "none such"}})

    async with AsyncClient(api_key="k", base_url=BASE) as client:
        with pytest.raises(NotFoundError, match="none such"):
            await client.threads.with_raw_response.retrieve("t")
        with pytest.raises(ConfigurationError, match="thread_id"):
            await client.threads.with_raw_response.retrieve("../t")


async def test_calls_at_the_same_time_do_not_mix() -> None:
    async def echo(exchange: Exchange) -> None:
        name = exchange.target.rpartition("/")[2]
        await exchange.reply(200, f'{{"id":"{name}"}}'.encode(), x_request_id=f"req_{name}")

    async with raw_server(echo) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        threads = client.threads.with_raw_response
        first, second = threads.retrieve("a"), threads.retrieve("b")
        raws = [await second, await first]

    assert [("b", "req_b"), ("a", "req_a")] == [(raw.parse().id, raw.request_id) for raw in raws]


async def test_a_created_stream_is_the_result(mocked: aioresponses) -> None:
    body = (
        b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    mocked.post(f"{BASE}/chat/completions", body=body, content_type="text/event-stream", headers={"x-request-id": "r"})

    async with AsyncClient(api_key="k", base_url=BASE) as client:
        create: Any = client.chat.completions.with_raw_response.create
        raw = await create(messages=[], model="m", stream=True)
        assert raw.request_id == "r"
        assert ["hi"] == [text async for text in raw.parse().text_deltas]


async def test_a_stream_tells_of_its_response_itself() -> None:
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO, DONE)

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with client.threads.runs.stream("t", assistant_id="a") as run:
            assert (run.status, run.request_id) == (200, "req_1")
            await run.until_done()


@pytest.mark.parametrize("noun", ALL.values(), ids=ALL.keys())
def test_every_method_of_every_noun_has_one(noun: Any) -> None:
    if type(noun).__name__ == "Chat":
        assert not hasattr(noun, "create")
        return
    methods = {
        name
        for name, method in inspect.getmembers(type(noun), inspect.isfunction)
        if not name.startswith("_") and name not in WITHOUT_RAW and not name.endswith(("_poll", "_stream"))
    }
    raw = {name: value for name, value in vars(type(noun.with_raw_response)).items() if isinstance(value, RawMethod)}

    assert isinstance(noun.with_raw_response, WithRawResponse)
    assert methods == raw.keys()
    assert all(method._method is getattr(type(noun), name) for name, method in raw.items())


def test_all_nouns_were_looked_at() -> None:
    assert {"Assistants", "Threads", "Messages", "Runs", "RunSteps", "Files", "ChatCompletions"} <= ALL.keys()


async def test_the_noun_itself_is_left_as_it_was(mocked: aioresponses) -> None:
    mocked.get(f"{BASE}/threads/t", payload={"id": "t"}, repeat=True)

    async with AsyncClient(api_key="k", base_url=BASE) as client:
        transport: Transport = client.threads._transport
        assert isinstance(await client.threads.with_raw_response.retrieve("t"), RawResponse)

        assert client.threads._transport is transport
        assert isinstance(await client.threads.retrieve("t"), Thread)


async def test_a_typed_answer_has_its_type(mocked: aioresponses) -> None:
    answer = {"id": "c", "choices": [{"message": {"content": '{"name": "Oslo"}'}, "finish_reason": "stop"}]}
    mocked.post(f"{BASE}/chat/completions", payload=answer, headers={"x-request-id": "req_1"})

    async with AsyncClient(api_key="k", base_url=BASE) as client:
        completions = client.beta.chat.completions.with_raw_response
        raw = await completions.parse(messages=[], model="m", response_format=City)

    assert ("req_1", City("Oslo")) == (raw.request_id, raw.parse().choices[0].message.parsed)


async def test_parse_needs_no_type(mocked: aioresponses) -> None:
    answer = {"id": "c", "choices": [{"message": {"content": "Oslo"}, "finish_reason": "stop"}]}
    mocked.post(f"{BASE}/chat/completions", payload=answer)

    async with AsyncClient(api_key="k", base_url=BASE) as client:
        message = (await client.chat.completions.parse(messages=[], model="m")).choices[0].message

    assert ("Oslo", None) == (message.content, message.parsed)
