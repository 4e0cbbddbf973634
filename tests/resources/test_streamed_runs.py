"""`stream=True` on the methods that start a run or go on with one: the open stream, as `stream` gives it."""

import pytest
from assistants_wire import HELLO, stream
from raw_server import Exchange, raw_server

from asyncstream import AsyncClient, NotFoundError
from asyncstream.streaming import AssistantStream

CALLS = [
    lambda c: c.threads.runs.create("thread_1", assistant_id="asst_1", stream=True, instructions="x"),
    lambda c: c.threads.create_and_run(assistant_id="asst_1", thread={"messages": []}, stream=True),
    lambda c: c.threads.runs.submit_tool_outputs("run_1", thread_id="thread_1", tool_outputs=[], stream=True),
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_streamed_run_is_an_open_stream(call):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO)

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        opened = await call(client)
        assert isinstance(opened, AssistantStream)
        names = [event.event async for event in opened]
        run = await opened.get_final_run()
        await opened.close()

        assert b'"stream":true' in server.requests[0].body
    assert "thread.run.created" == names[0]
    assert "completed" == run.status


@pytest.mark.parametrize("call", CALLS)
async def test_a_streamed_run_is_a_context_manager_too(call):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO)

    async with (
        raw_server(answer) as server,
        AsyncClient(api_key="k", base_url=server.url) as client,
        await call(client) as opened,
    ):
        assert "".join([text async for text in opened.text_deltas])


@pytest.mark.parametrize("call", CALLS)
async def test_what_the_request_fails_with_is_raised_by_the_call(call):
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(404, b'{"error":{"message":"no such thread"}}', content_type="application/json")

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        with pytest.raises(NotFoundError, match="no such thread"):
            await call(client)
