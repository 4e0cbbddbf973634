"""A connection between two answers, over real sockets; the whole table is R25 in `tests/faults`."""

import asyncio

import aiohttp
import pytest
from raw_server import Exchange, raw_server, response

from asyncstream.transport.reuse import AttemptTrace, guard

ANSWER = response(200, b"{}")


async def ask(session: aiohttp.ClientSession, url: str) -> tuple[AttemptTrace, bytes]:
    trace = AttemptTrace(sent=False)
    with trace:
        response = await session.post(url, data=b"{}")
    guard(response)
    return trace, await response.read()


async def test_a_clean_connection_is_taken_again() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(ANSWER)

    async with raw_server(handler) as server, aiohttp.ClientSession() as session:
        for _ in range(3):
            trace, body = await ask(session, server.url)
            assert (False, b"{}") == (trace.refused, body)

    assert 1 == server.connections


async def test_it_is_taken_again_by_whoever_knows_nothing_of_the_guard() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(ANSWER)

    async with raw_server(handler) as server, aiohttp.ClientSession() as session:
        await ask(session, server.url)
        for _ in range(2):
            async with session.post(server.url) as plain:
                assert b"{}" == await plain.read()

    assert 1 == server.connections


@pytest.mark.parametrize("behind", [ANSWER, ANSWER[:30], b"H", b"HTTP/1.1 204 idle\r\n\r\n"])
@pytest.mark.parametrize("cut", [0, len(ANSWER) - 1], ids=["in one packet", "behind the last byte"])
async def test_what_came_with_an_answer_is_told_and_nothing_is_sent(behind: bytes, cut: int) -> None:
    async def handler(exchange: Exchange) -> None:
        if cut:
            await exchange.send(ANSWER[:cut])
            await asyncio.sleep(0.01)
        await exchange.send(ANSWER[cut:] + behind)

    async with raw_server(handler) as server, aiohttp.ClientSession() as session:
        await ask(session, server.url)
        trace = AttemptTrace(sent=False)
        with trace:
            try:
                await session.post(server.url)
            except aiohttp.ClientError:
                assert trace.refused
            else:
                # aiohttp has seen a whole answer itself, and closed the connection.
                assert not trace.refused
        await server.all_closed()

    assert [1] == [exchange.connection for exchange in server.requests if exchange.connection == 1]


async def test_what_comes_later_closes_the_connection_at_once() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(ANSWER)
        await asyncio.sleep(0.01)
        await exchange.send(ANSWER)

    async with raw_server(handler) as server, aiohttp.ClientSession() as session:
        await ask(session, server.url)
        await server.all_closed()


async def test_the_guard_lets_go_of_a_connection_that_is_closed() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(ANSWER)
        await asyncio.sleep(0.01)
        await exchange.send(b"H")

    async with raw_server(handler) as server, aiohttp.ClientSession() as session:
        with AttemptTrace(sent=False):
            answer = await session.post(server.url)
        protocol = answer._protocol if answer.connection is None else answer.connection.protocol
        guard(answer)
        await answer.read()
        assert "set_response_params" in vars(protocol)
        await server.all_closed()
        await asyncio.sleep(0)

    assert "set_response_params" not in vars(protocol)
