"""The door against real sockets: deadlines, broken and oversized answers. Retries and redirects: tests/faults."""

import asyncio
import gzip
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from msgspec import structs
from raw_server import Exchange, raw_server, response

from asyncstream.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
)
from asyncstream.transport import http
from asyncstream.transport.connections import Connections
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request, parse_base_url
from asyncstream.transport.timeout import Timeout
from asyncstream.types import Thread

SECRET = "sk-very-secret-0123456789"
THREAD = b'{"id":"thread_1"}'
POST = Request(method="POST", path="/threads", body=b'{"a":1}')
GET = Request(method="GET", path="/threads")
DELETE = Request(method="DELETE", path="/threads")

Make = Callable[..., Transport]


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    connections = Connections()
    yield connections
    await connections.close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def make(connections: Connections, waits: list[float]) -> Make:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def make(url: str, **options: Any) -> Transport:
        options = {"connections": connections, "api_key": SECRET, "sleep": sleep, "chance": lambda: 0.0, **options}
        return Transport(base_url=parse_base_url(url), **options)

    return make


async def fails(kind: type[APIError], call: Awaitable[object], problem: str = "") -> APIError:
    with pytest.raises(kind) as caught:
        await call
    assert type(caught.value) is kind
    assert problem in str(caught.value)
    return caught.value


async def answer(exchange: Exchange) -> None:
    await exchange.reply(200, THREAD)


# Deadlines


async def stall(exchange: Exchange) -> None:
    await exchange.gone()


@pytest.mark.parametrize(("request_", "attempts"), [(POST, 1), (GET, 3), (DELETE, 3)], ids=["POST", "GET", "DELETE"])
async def test_a_missing_response_is_waited_for_until_the_deadline(
    make: Make, request_: Request, attempts: int
) -> None:
    async with raw_server(stall) as server:
        transport = make(server.url, timeout=Timeout(response=0.15))

        await fails(APITimeoutError, transport.send(request_, Thread), "no response from 127.0.0.1")
        await server.all_closed()

    assert len(server.requests) == attempts


async def test_the_message_names_the_deadline_that_passed(make: Make) -> None:
    async with raw_server(stall) as server:
        transport = make(server.url, timeout=Timeout(response=0.05))
        await fails(APITimeoutError, transport.send(POST, Thread), "within 0.05 s")

        transport = make(server.url, timeout=Timeout(response=60, total=0.05))
        await fails(APITimeoutError, transport.send(GET, Thread), "within the total of 0.05 s")

    assert len(server.requests) == 2


async def test_a_request_s_own_deadlines_replace_the_client_s(make: Make) -> None:
    async with raw_server(stall) as server:
        request = Request(method="POST", path="/threads", timeout=Timeout(response=0.05))

        await fails(APITimeoutError, make(server.url).send(request, Thread), "within 0.05 s")


async def test_no_retry_is_begun_that_would_end_after_the_total(make: Make, waits: list[float]) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(503)

    async with raw_server(handler) as server:
        transport = make(server.url, timeout=Timeout(total=0.9), max_retries=5)

        await fails(InternalServerError, transport.send(POST, Thread))

    assert waits[0] == 0.5
    assert len(server.requests) == len(waits) + 1 < 6


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
async def test_a_handshake_that_stalls_is_a_connect_deadline_and_retried(make: Make, request_: Request) -> None:
    connected = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        transport = make(f"https://127.0.0.1:{port}", timeout=Timeout(connect=0.05))

        await fails(APITimeoutError, transport.send(request_, Thread), f"no connection to 127.0.0.1:{port} within 0.05")

    assert connected == 3


async def test_a_response_deadline_before_anything_was_sent_is_retried_for_a_post(make: Make) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with listener:
        url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        await fails(APITimeoutError, make(url, timeout=Timeout(response=0.05), sleep=sleep).send(POST, Thread))

    assert waits == [0.5, 1.0]


async def test_an_answer_that_stalls_is_told_with_its_status(make: Make) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(response(200, THREAD, {"Content-Length": "100", "x-request-id": "req_1"}))
        await exchange.gone()

    async with raw_server(handler) as server:
        transport = make(server.url, timeout=Timeout(response=0.05))
        error = await fails(APITimeoutError, transport.send(GET, Thread), "within 0.05 s: 17 bytes came")
        await server.all_closed()

    assert (error.status, error.request_id, error.body) == (200, "req_1", THREAD)
    assert len(server.requests) == 1


async def test_an_error_body_that_stalls_is_not_waited_for(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_ERROR_SECONDS", 0.05)

    async def handler(exchange: Exchange) -> None:
        await exchange.send(response(404, b'{"error": "no such thr', {"Content-Length": "100"}))
        await exchange.gone()

    async with raw_server(handler) as server:
        error = await fails(NotFoundError, make(server.url).send(GET, Thread))
        await server.all_closed()

    assert error.body == b'{"error": "no such thr'
    assert error.message == '{"error": "no such thr'


# Cancellation


@pytest.mark.parametrize("moment", ["before the response", "in the answer", "in an error", "in the wait"])
async def test_a_cancelled_call_is_cancelled_and_leaves_nothing(make: Make, moment: str) -> None:
    reached = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        if moment == "in the answer":
            await exchange.send(response(200, b"{", {"Content-Length": "100"}))
        if moment == "in an error":
            await exchange.send(response(404, b"{", {"Content-Length": "100"}))
        if moment == "in the wait":
            await exchange.reply(500)
        else:
            reached.set()
        await exchange.gone()

    async def sleep(seconds: float) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with raw_server(handler) as server:
        connections = Connections()
        transport = make(server.url, connections=connections, sleep=sleep)
        task = asyncio.ensure_future(transport.send(GET, Thread))
        await reached.wait()
        await asyncio.sleep(0)
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        await connections.close()
        await server.all_closed()

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_cancellation_at_the_moment_of_the_deadline_is_a_cancellation(make: Make) -> None:
    received = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        received.set()
        await exchange.gone()

    async with raw_server(handler) as server:
        task = asyncio.ensure_future(make(server.url, timeout=Timeout(response=0.05)).send(POST, Thread))
        await received.wait()
        asyncio.get_running_loop().call_later(0.05, task.cancel)
        # Both are due when the loop runs again.
        time.sleep(0.1)  # noqa: ASYNC251 - blocking the loop is the point

        with pytest.raises(asyncio.CancelledError):
            await task


async def test_wait_for_is_the_caller_s_own(make: Make) -> None:
    async with raw_server(stall) as server:
        with pytest.raises(TimeoutError) as caught:
            await asyncio.wait_for(make(server.url).send(POST, Thread), 0.05)

        await server.all_closed()
    assert type(caught.value) is TimeoutError


# Connections that break


async def test_a_refused_connection_is_tried_three_times(make: Make, waits: list[float]) -> None:
    async with raw_server(answer) as server:
        pass

    port = server.url.rpartition(":")[2]
    await fails(APIConnectionError, make(server.url).send(POST, Thread), f"no connection to 127.0.0.1:{port}: ")
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize("request_", [GET, DELETE], ids=["GET", "DELETE"])
async def test_a_get_or_delete_is_repeated(make: Make, request_: Request, waits: list[float]) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.fin()

    async with raw_server(handler) as server:
        await fails(APIConnectionError, make(server.url).send(request_, Thread), "before an answer")

    assert waits == [0.5, 1.0]
    # Each of the three attempts is repeated once by aiohttp itself, at once: RFC 9112 section 9.3.1.
    assert len(server.requests) == 6


@pytest.mark.parametrize("owner", ["the client", "the user"])
async def test_a_stale_connection_is_replaced_whoever_the_connector_is_of(make: Make, owner: str) -> None:
    async def handler(exchange: Exchange) -> None:
        if exchange.number == 2:
            exchange.fin()
        else:
            await answer(exchange)

    async with raw_server(handler) as server, aiohttp.TCPConnector() as connector:
        connections = Connections(connector=connector if owner == "the user" else None)
        transport = make(server.url, connections=connections, max_retries=0)
        await transport.send(POST, Thread)
        await transport.send(POST, Thread)
        await connections.close()

    assert [exchange.connection for exchange in server.requests] == [1, 1, 2]


@pytest.mark.parametrize("owner", ["the client", "the user"])
async def test_the_last_connection_decides_whether_it_was_stale(make: Make, owner: str) -> None:
    async def handler(exchange: Exchange) -> None:
        if exchange.number == 1:
            await answer(exchange)
        else:
            exchange.fin()

    async with raw_server(handler) as server, aiohttp.TCPConnector() as connector:
        connections = Connections(connector=connector if owner == "the user" else None)
        transport = make(server.url, connections=connections, max_retries=0)
        await transport.send(POST, Thread)
        await fails(APIConnectionError, transport.send(GET, Thread))
        await connections.close()

    # aiohttp has repeated the GET itself, on a connection that was fresh: what broke that one is no stale connection.
    assert [exchange.connection for exchange in server.requests] == [1, 1, 2]


async def test_a_second_stale_connection_is_not_taken(make: Make) -> None:
    both = asyncio.Barrier(2)

    async def handler(exchange: Exchange) -> None:
        if exchange.number <= 2:
            await both.wait()
            await answer(exchange)
        elif exchange.connection <= 2:
            exchange.fin()
        else:
            await answer(exchange)

    async with raw_server(handler) as server:
        transport = make(server.url)
        await asyncio.gather(transport.send(POST, Thread), transport.send(POST, Thread))
        await transport.send(POST, Thread)

    stale, fresh = server.requests[2:]
    assert stale.connection <= 2 < fresh.connection


@pytest.mark.parametrize("end", ["fin", "rst"])
async def test_an_answer_that_breaks_off_is_not_repeated(make: Make, end: str) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(response(200, THREAD, {"Content-Length": "100", "x-request-id": "req_1"}))
        await asyncio.sleep(0.01)
        getattr(exchange, end)()

    async with raw_server(handler) as server:
        error = await fails(APIConnectionError, make(server.url).send(GET, Thread), "broke off after 17 bytes")

    assert (error.status, error.request_id, error.body) == (200, "req_1", THREAD)
    assert isinstance(error.__cause__, aiohttp.ClientError)
    assert len(server.requests) == 1


async def test_an_error_body_that_breaks_off_is_kept_as_far_as_it_came(make: Make) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(response(500, b"Bad Gat", {"Content-Length": "100"}))
        exchange.fin()

    async with raw_server(handler) as server:
        error = await fails(InternalServerError, make(server.url, max_retries=0).send(GET, Thread), "Bad Gat")

    assert error.body == b"Bad Gat"


@pytest.mark.parametrize(
    "bytes_",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_told_and_not_repeated(make: Make, bytes_: bytes) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(bytes_)
        exchange.fin()

    async with raw_server(handler) as server:
        error = await fails(APIResponseValidationError, make(server.url).send(POST, Thread), "cannot be read: ")

    assert "aiohttp" not in str(error)
    assert SECRET not in repr(error.__cause__)
    assert len(server.requests) == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_answer_is_read_and_a_broken_one_told(make: Make, encoding: str) -> None:
    packed = gzip.compress(THREAD) if encoding == "gzip" else zlib.compress(THREAD)

    async def handler(exchange: Exchange) -> None:
        body = packed if exchange.number == 1 else b"\x00\x01 broken"
        await exchange.reply(200, body, Content_Encoding=encoding)

    async with raw_server(handler) as server:
        transport = make(server.url, timeout=Timeout(response=5))
        assert (await transport.send(POST, Thread)).id == "thread_1"
        await fails(
            APIConnectionError,
            transport.send(POST, Thread),
            f"after 0 bytes: it is no {encoding}: ",
        )


async def test_a_coding_that_aiohttp_leaves_is_named(make: Make) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(200, b"???", Content_Encoding="compress")

    async with raw_server(handler) as server:
        problem = "got application/json in the coding 'compress' (status 200)"
        await fails(APIResponseValidationError, make(server.url).send(POST, Thread), problem)


@pytest.mark.parametrize("method", ["send", "open"])
async def test_a_change_of_protocol_that_nobody_asked_for_is_an_error(
    make: Make, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_ERROR_SECONDS", 0.05)

    async def handler(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        await exchange.gone()

    async with raw_server(handler) as server:
        transport = make(server.url)
        error = await fails(APIStatusError, transport.send(POST, Thread) if method == "send" else transport.open(POST))
        await server.all_closed()

    assert error.status == 101


# Sizes


async def test_an_answer_over_the_limit_is_told(make: Make) -> None:
    request = structs.replace(POST, max_answer_bytes=2 << 20)

    async def handler(exchange: Exchange) -> None:
        await exchange.send(response(200, b"", {"Content-Length": str(1 << 40)}))
        await exchange.flood()

    async with raw_server(handler) as server:
        error = await fails(
            APIResponseValidationError, make(server.url).send(request, Thread), "expected at most 2 MiB, got more"
        )
        await server.all_closed()

    assert error.status == 200
    assert error.body == b"x" * (1 << 20)


async def test_an_error_body_is_cut_at_one_mebibyte(make: Make) -> None:
    written = 0

    async def handler(exchange: Exchange) -> None:
        nonlocal written
        await exchange.send(response(404, b"", {"Content-Length": str(1 << 40)}))
        written = await exchange.flood()

    async with raw_server(handler) as server:
        error = await fails(NotFoundError, make(server.url).send(POST, Thread), "x" * 500)
        await server.all_closed()

    assert error.body == b"x" * (1 << 20)
    assert written < 64 << 20


async def test_a_bomb_in_an_error_is_bounded(make: Make) -> None:
    bomb = gzip.compress(b"x" * (50 << 20))

    async def handler(exchange: Exchange) -> None:
        await exchange.reply(404, bomb, Content_Encoding="gzip")

    async with raw_server(handler) as server:
        error = await fails(NotFoundError, make(server.url).send(POST, Thread))

    assert error.body == b"x" * (1 << 20)


# Streams


async def test_a_stream_is_asked_for_uncompressed_and_left_open(make: Make) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(
            response(200, b"data: 1\n\n", {"Content-Length": "100", "Content-Type": "text/event-stream"})
        )
        await exchange.gone()

    async with raw_server(handler) as server:
        live = await make(server.url).open(POST)
        assert live.status == 200
        assert server.open == 1
        live.close()
        await server.all_closed()

    (exchange,) = server.requests
    assert exchange.headers["accept"] == "text/event-stream"
    assert exchange.headers["accept-encoding"] == "identity"
    assert exchange.body == b'{"a":1}'


@pytest.mark.parametrize("content_type", ["text/event-stream; charset=utf-8", "TEXT/EVENT-STREAM", "text/plain", ""])
async def test_these_types_are_read_as_a_stream(make: Make, content_type: str) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(200, b"data: 1\n\n", Content_Type=content_type)

    async with raw_server(handler) as server:
        live = await make(server.url).open(POST)
        live.close()


@pytest.mark.parametrize(
    "beginning", [b"data: 1\n\n", b"\xef\xbb\xbf\r\n: wait\n\n", b"event: x\n", b"id: 1\n", b"retry: 1\n"]
)
@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_what_begins_as_an_event_stream_is_one_whatever_it_is_called(
    make: Make, beginning: bytes, size: int, coding: str
) -> None:
    plain = beginning + b"data: last\n\n"
    body = gzip.compress(plain) if coding else plain

    async def handler(exchange: Exchange) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        await exchange.send(response(200, b"", headers | ({"Content-Encoding": coding} if coding else {})))
        for at in range(0, len(body), size):
            await exchange.send(body[at : at + size])

    async with raw_server(handler) as server:
        live = await make(server.url).open(POST)
        frames: list[bytes] = []
        while (taken := live.take()) is not None or not live.ended:
            if taken is None:
                await live.wait()
            else:
                frames += taken
        live.close()

    assert frames[-1] == b"data: last" or frames[-1].endswith(b"\ndata: last")


@pytest.mark.parametrize("body", [b"data", b"datum: 1", b"{}", b"   data: 1"])
async def test_what_does_not_begin_as_an_event_stream_is_what_it_is_called(make: Make, body: bytes) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(response(200, body[:1], {"Content-Type": "text/html", "Content-Length": str(len(body))}))
        await exchange.send(body[1:])

    async with raw_server(handler) as server:
        error = await fails(APIResponseValidationError, make(server.url).open(POST), "got text/html")

    assert error.body == body


async def test_an_answer_under_another_name_that_never_begins_is_what_it_is_called(make: Make) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(response(200, b"", {"Content-Type": "application/json", "Content-Length": "9"}))
        await exchange.gone()

    async with raw_server(handler) as server:
        opening = make(server.url, timeout=Timeout(event=0.05, total=0.2)).open(POST)
        await fails(APIResponseValidationError, opening, "got application/json")
        await server.all_closed()


async def test_waiting_for_the_first_bytes_can_be_cancelled(make: Make) -> None:
    begun = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        await exchange.send(response(200, b"dat", {"Content-Type": "application/json", "Content-Length": "9"}))
        begun.set()
        await exchange.gone()

    async with raw_server(handler) as server:
        opening = asyncio.ensure_future(make(server.url).open(POST))
        await begun.wait()
        opening.cancel()
        await asyncio.wait([opening])
        await server.all_closed()

    assert opening.cancelled()


async def test_an_answer_that_is_no_stream_leaves_no_connection_acquired(make: Make) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.send(response(200, b"<html>", {"Content-Type": "text/html", "Content-Length": str(1 << 40)}))
        await exchange.flood()

    async with raw_server(handler) as server:
        error = await fails(APIResponseValidationError, make(server.url).open(POST), "got text/html")
        await server.all_closed()

    assert error.body is not None
    assert len(error.body) == 1 << 20


async def test_a_coding_that_cannot_be_read_is_told(make: Make) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(200, b"???", Content_Type="text/event-stream", Content_Encoding="compress")

    async with raw_server(handler) as server:
        await fails(APIResponseValidationError, make(server.url).open(POST), "in the coding 'compress'")


# Loops and sessions


async def test_a_failed_handshake_is_a_failed_connection(make: Make, waits: list[float]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listener = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        error = await fails(
            APIConnectionError, make(f"https://127.0.0.1:{port}").send(POST, Thread), "no connection to"
        )

    assert waits == [0.5, 1.0]
    assert isinstance(error.__cause__, aiohttp.ClientConnectorError)


def test_a_client_belongs_to_one_loop(waits: list[float]) -> None:
    connections = Connections()

    async def call() -> None:
        async with raw_server(answer) as server:
            await Transport(connections, base_url=parse_base_url(server.url)).send(POST, Thread)

    asyncio.run(call())
    with pytest.raises(ConfigurationError, match="belongs to an event loop that is closed"):
        asyncio.run(call())
    # The loop is gone, and with it the connections: closing has nothing to do but must be possible.
    asyncio.run(connections.close())


def test_a_client_cannot_be_used_or_closed_from_another_loop() -> None:
    connections = Connections()
    first = asyncio.new_event_loop()
    second = asyncio.new_event_loop()

    async def touch() -> None:
        connections.session()

    try:
        first.run_until_complete(touch())
        with pytest.raises(ConfigurationError, match="belongs to another event loop"):
            second.run_until_complete(touch())
        with pytest.raises(ConfigurationError, match="belongs to another event loop"):
            second.run_until_complete(connections.close())
    finally:
        first.run_until_complete(connections.close())
        first.close()
        second.close()


def test_a_session_of_another_loop_is_refused() -> None:
    first = asyncio.new_event_loop()
    second = asyncio.new_event_loop()

    async def make_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def call(session: aiohttp.ClientSession) -> None:
        await Transport(Connections(session), base_url=parse_base_url("http://127.0.0.1:1")).send(POST, Thread)

    try:
        session = first.run_until_complete(make_session())
        with pytest.raises(ConfigurationError, match="belongs to another event loop"):
            second.run_until_complete(call(session))
        first.run_until_complete(session.close())
        with pytest.raises(ConfigurationError, match="the session that was given to the client is closed"):
            second.run_until_complete(call(session))
    finally:
        first.close()
        second.close()


async def test_a_given_session_is_used_and_left_open(make: Make) -> None:
    async with raw_server(answer) as server, aiohttp.ClientSession(headers={"X-Session": "1"}) as session:
        connections = Connections(session)
        await make(server.url, connections=connections).send(POST, Thread)
        await connections.close()

        assert not session.closed
        assert connections.closed

    assert server.requests[0].headers["x-session"] == "1"


async def test_no_cookie_is_kept(make: Make) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(200, THREAD, Set_Cookie="session=abc; Path=/")

    async with raw_server(handler) as server:
        transport = make(server.url)
        await transport.send(POST, Thread)
        await transport.send(POST, Thread)

    assert "cookie" not in server.requests[1].headers


async def test_an_empty_post_has_a_length(make: Make) -> None:
    async with raw_server(answer) as server:
        await make(server.url).send(Request(method="POST", path="/threads/t/runs/r/cancel"), Thread)

    assert server.requests[0].headers["content-length"] == "0"


async def test_a_body_of_megabytes_arrives_whole(make: Make) -> None:
    body = b'"' + b"x" * (3 << 20) + b'"'

    async with raw_server(answer) as server:
        await make(server.url).send(Request(method="POST", path="/threads", body=body), Thread)

    (exchange,) = server.requests
    assert exchange.body == body
    assert exchange.headers["content-type"] == "application/json"
