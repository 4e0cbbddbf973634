"""A body ends with its connection, also where aiohttp forgets it; and a kept connection gathers nothing for it."""

import asyncio
from typing import Any

import pytest
from assistants_wire import DONE, HELLO, stream
from raw_server import Exchange, raw_server

from asyncstream import APIConnectionError, APIError, AsyncClient

THREAD = b'{"id":"thread_1"}'


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
async def test_a_json_answer_in_broken_chunks_does_not_wait_for_the_deadline(status):
    async def serve(exchange: Exchange) -> None:
        await exchange.send(f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        await asyncio.sleep(0.01)
        await exchange.send(b'6\r\n{"id":\r\nzz\r\n')
        await exchange.gone()

    async with raw_server(serve) as server, AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client:
        async with asyncio.timeout(2):
            # An error status is told all the same, with the body as far as it came.
            with pytest.raises(APIError, match="chunk size" if status == "200 OK" else "id") as caught:
                await client.threads.retrieve("thread_1")
        await server.all_closed()

    assert b'{"id":' == caught.value.body
    assert (type(caught.value) is APIConnectionError) == (status == "200 OK")


async def test_a_kept_connection_gathers_no_callbacks():
    async def serve(exchange: Exchange) -> None:
        if exchange.method == "POST":
            await stream(exchange, *HELLO, DONE)
        else:
            # In two writes, so that the body comes after its head.
            await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(THREAD))
            await asyncio.sleep(0.001)
            await exchange.send(THREAD)

    async with raw_server(serve) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        for _ in range(5):
            await client.threads.retrieve("thread_1")
            async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as s:
                await s.until_done()
        assert 1 == server.connections
        pools: Any = client._connections.session().connector
        (((protocol, _),),) = pools._conns.values()
        assert 1 == len(protocol.closed._callbacks)


async def test_the_loss_of_an_idle_connection_is_no_error_that_nobody_saw(caplog):
    async def serve(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(THREAD))
        await asyncio.sleep(0.001)
        await exchange.send(THREAD)
        reset.append(exchange)

    reset: list[Exchange] = []
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with raw_server(serve) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        await client.threads.retrieve("thread_1")
        reset.pop().rst()
        await server.all_closed()
        await client.threads.retrieve("thread_1")

    assert [] == complaints
