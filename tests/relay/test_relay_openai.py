"""The compatible form in front of openai-python: its own client reads a relay as it reads the upstream."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from assistants_wire import DONE, HELLO, WAITS, run
from served_app import served
from upstream_wire import HELLO_CHAT, Upstream, upstream

from asyncstream.relay import relay_response

openai = pytest.importorskip("openai", reason="openai-python is not installed")


@asynccontextmanager
async def client_of_a_relay(model: Upstream) -> AsyncIterator[Any]:
    """Give an openai client whose server is a relay of the model."""

    async def chat(request: web.Request) -> web.StreamResponse:
        return await relay_response(request, model.chat(), compatible=True, heartbeat=0.01)

    async def relayed_run(request: web.Request) -> web.StreamResponse:
        return await relay_response(request, model.run(), compatible=True, heartbeat=0.01)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_post("/v1/threads/thread_1/runs", relayed_run)
    async with served(app, access_log=None, shutdown_timeout=1) as url:
        async with openai.AsyncOpenAI(api_key="any", base_url=f"{url}/v1", max_retries=0) as client:
            yield client


async def chunks_of(client: Any) -> list[Any]:
    stream = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "?"}], stream=True)
    return [chunk async for chunk in stream]


async def events_of(client: Any) -> list[Any]:
    stream = await client.beta.threads.runs.create("thread_1", assistant_id="asst_1", stream=True)
    return [event async for event in stream]


async def test_chat_is_read_to_its_end():
    async with upstream(HELLO_CHAT) as model, client_of_a_relay(model) as client:
        chunks = await chunks_of(client)

    assert (["Hel", "lo", ""], "stop") == (
        [chunk.choices[0].delta.content for chunk in chunks],
        chunks[-1].choices[0].finish_reason,
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # openai says so of its Assistants methods
@pytest.mark.parametrize("frames", [HELLO, WAITS])
async def test_a_run_is_read_to_its_end(frames):
    async with upstream([*frames, DONE]) as model, client_of_a_relay(model) as client:
        events = await events_of(client)

    assert [frame.split(b"\n")[0][7:].decode() for frame in frames] == [event.event for event in events][: len(frames)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_what_is_left_out_of_a_run_is_there_and_empty():
    told = {"instructions": "be kind", "tools": [{"type": "code_interpreter"}], "metadata": {"tenant": "1"}}
    frames = [run("created", **told), *HELLO[1:-1], run("completed", **told)]
    async with upstream([*frames, DONE]) as model, client_of_a_relay(model) as client:
        events = await events_of(client)

    for event in (events[0], events[len(frames) - 1]):
        assert ("", [], {}) == (event.data.instructions, event.data.tools, event.data.metadata)


async def test_a_chat_that_fails_in_the_middle_is_an_error_there():
    async with upstream(HELLO_CHAT[:2], "rst") as model, client_of_a_relay(model) as client:
        with pytest.raises(openai.APIError, match="the connection to the upstream was lost after 2 events"):
            await chunks_of(client)


async def test_a_chat_that_fails_before_its_first_chunk_is_an_error_there():
    async with upstream([b": nothing yet\n\n"], "rst") as model, client_of_a_relay(model) as client:
        with pytest.raises(openai.APIError, match="the connection to the upstream was lost after 0 events"):
            await chunks_of(client)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_run_that_fails_in_the_middle_is_an_error_there():
    async with upstream(HELLO[:4], "rst") as model, client_of_a_relay(model) as client:
        with pytest.raises(openai.APIError, match="the connection to the upstream was lost after 4 events"):
            await events_of(client)


async def test_a_refusal_is_the_error_of_its_status():
    body = b'{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}'
    async with upstream([], status=429, body=body) as model, client_of_a_relay(model) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await chunks_of(client)

    assert "rate_limit_exceeded" == caught.value.code
