"""What the streaming methods send, and with which options a stream goes on after tool outputs."""

import json
from collections.abc import AsyncIterator, Callable

import pytest
from raw_server import Exchange, RawServer, raw_server

from asyncstream import AssistantStream, AsyncClient
from asyncstream.resources.runs import resume_with
from asyncstream.transport.request import Options
from asyncstream.transport.timeout import Timeout

RUN = b'{"id":"run_1","thread_id":"thread_1","status":"completed"}'
STREAM = b"event: thread.run.completed\ndata: " + RUN + b"\n\nevent: done\ndata: [DONE]\n\n"


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(200, STREAM, Content_Type="text/event-stream")

    async with raw_server(handler) as server:
        yield server


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        (
            lambda c: c.threads.runs.stream("t", assistant_id="a", model="m"),
            "/threads/t/runs",
            {"assistant_id": "a", "model": "m", "stream": True},
        ),
        (
            lambda c: c.threads.runs.stream(thread_id="t", assistant_id="a", extra_body={"odd": 1}),
            "/threads/t/runs",
            {"assistant_id": "a", "stream": True, "odd": 1},
        ),
        (
            lambda c: c.threads.create_and_run_stream(assistant_id="a"),
            "/threads/runs",
            {"assistant_id": "a", "stream": True},
        ),
        (
            lambda c: c.threads.create_and_run_stream(assistant_id="a", thread={}, temperature=1),
            "/threads/runs",
            {"assistant_id": "a", "thread": {}, "temperature": 1, "stream": True},
        ),
        (
            lambda c: c.threads.runs.submit_tool_outputs_stream(
                "r", thread_id="t", tool_outputs=[{"tool_call_id": "c", "output": "1"}]
            ),
            "/threads/t/runs/r/submit_tool_outputs",
            {"tool_outputs": [{"tool_call_id": "c", "output": "1"}], "stream": True},
        ),
        (
            lambda c: c.threads.runs.submit_tool_outputs_stream(
                run_id="r", thread_id="t", tool_outputs=[], tool_approvals=[{"tool_call_id": "c", "approve": True}]
            ),
            "/threads/t/runs/r/submit_tool_outputs",
            {"tool_approvals": [{"tool_call_id": "c", "approve": True}], "stream": True},
        ),
    ],
)
async def test_a_stream_sends_its_endpoint_when_it_is_entered(
    server: RawServer, call: Callable[[AsyncClient], AssistantStream], path: str, body: object
) -> None:
    async with AsyncClient(api_key="k", base_url=server.url) as client:
        unopened = call(client)
        assert not server.requests
        async with unopened as stream:
            assert (await stream.get_final_run()).status == "completed"

    (exchange,) = server.requests
    assert (exchange.method, exchange.target) == ("POST", path)
    assert json.loads(exchange.body) == body
    assert exchange.headers["openai-beta"] == "assistants=v2"
    assert exchange.headers["accept"] == "text/event-stream"
    assert "idempotency-key" in exchange.headers


async def test_a_stream_read_to_its_end_leaves_its_connection_to_the_next(server: RawServer) -> None:
    async with AsyncClient(api_key="k", base_url=server.url) as client:
        for _ in range(3):
            async with client.threads.runs.stream("t", assistant_id="a") as stream:
                await stream.until_done()

        assert server.connections == 1


def test_a_stream_goes_on_with_the_options_of_its_call() -> None:
    options = Options({"X-A": "1", "IDEMPOTENCY-key": "mine"}, {"api-version": "1"}, {"odd": 1}, 3)

    request = resume_with(options)("t", "r", {"tool_outputs": [], "stream": True})

    assert (request.method, request.path) == ("POST", "/threads/t/runs/r/submit_tool_outputs")
    assert request.query == {"api-version": "1"}
    assert request.timeout == Timeout(connect=3, response=3, event=3)
    # Meant for the first request alone; under the same idempotency key a server would answer with its stream again.
    assert request.headers == {"X-A": "1"}
    assert request.body == b'{"tool_outputs":[],"stream":true}'
