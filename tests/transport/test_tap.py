"""The way of bytes from a connection to whoever waits for them: in one turn of the loop, and what may happen in it.

First over a transport that the test moves by hand, then over real ones: of asyncio and of uvloop, plain and with TLS.
"""

import asyncio
import gc
import itertools
import os
import queue
import selectors
import socket
import ssl
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import trustme
import uvloop
from aiohttp.client_proto import ResponseHandler
from assistants_wire import DONE, HELLO, STREAM_HEAD, chunk
from multidict import CIMultiDict
from raw_server import Exchange, raw_server

from asyncstream import AsyncClient, StreamInterruptedError
from asyncstream.transport import fairness
from asyncstream.transport.arrival import Arrival
from asyncstream.transport.live import QUEUE_HIGH, LiveResponse
from asyncstream.transport.tap import AT_ONCE, Pull, Rest, Tap, tap

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


class Moved:
    """A transport whose bytes come when the test says so."""

    def __init__(self) -> None:
        self.protocol: Any = None
        self.closing = False
        self.paused = False

    def get_protocol(self) -> Any:
        return self.protocol

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, name: str) -> None:
        return None


class Unmoved(Moved):
    """A transport that keeps its protocol."""

    def get_protocol(self) -> Any:
        raise NotImplementedError


class Connection:
    """A connection of aiohttp's, with the head of a response on it."""

    def __init__(self, transport: Moved) -> None:
        self.transport = transport
        self.aiohttp = ResponseHandler(asyncio.get_running_loop())
        transport.protocol = self.aiohttp
        self.callbacks: list[Callable[[], object]] = []

    async def respond(self) -> Any:
        self.aiohttp.connection_made(self.transport)  # type: ignore[arg-type]  # all of one that is used
        self.aiohttp.set_response_params(auto_decompress=False, read_until_eof=True)
        self.aiohttp.data_received(HEAD)
        message, content = await self.aiohttp.read()
        connection = SimpleNamespace(protocol=self.aiohttp, add_callback=self.callbacks.append)
        response = SimpleNamespace(
            status=200, headers=CIMultiDict(message.headers), content=content, connection=connection, closed=False
        )
        response.close = lambda: setattr(response, "closed", True)
        return response

    def receive(self, data: bytes) -> None:
        self.transport.protocol.data_received(data)


@asynccontextmanager
async def live_on(transport: Moved) -> AsyncIterator[tuple[Connection, LiveResponse]]:
    connection = Connection(transport)
    live = LiveResponse(
        await connection.respond(), event_timeout=None, total_deadline=None, max_event_bytes=4 * QUEUE_HIGH
    )
    try:
        yield connection, live
    finally:
        live.close()


async def outside(call: Callable[[], object]) -> None:
    """Call in a callback of the loop, as transports do."""
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: (call(), done.set_result(None)))
    await done


def framed(payload: bytes) -> bytes:
    return chunk(b"data: %b\n\n" % payload)


async def test_whoever_waits_has_the_bytes_before_the_transport_goes_on() -> None:
    seen: list[Any] = []

    async def read(live: LiveResponse) -> None:
        while not live.ended:
            await live.wait()
            while (frames := live.take()) is not None:
                seen.append(frames)

    def receive(connection: Connection) -> None:
        for payload in (b"1", b"2", b"3"):
            connection.receive(framed(payload))
            seen.append("back")

    async with live_on(Moved()) as (connection, live):
        reader = asyncio.create_task(read(live))
        await asyncio.sleep(0)
        await outside(lambda: receive(connection))
        await outside(lambda: connection.receive(LAST))
        await reader

    assert [[b"data: 1"], "back", [b"data: 2"], "back", [b"data: 3"], "back"] == seen


async def test_half_a_chunk_wakes_nobody_whose_bytes_it_does_not_bring() -> None:
    async with live_on(Moved()) as (connection, live):
        reader = asyncio.create_task(live.wait())
        await asyncio.sleep(0)
        await outside(lambda: connection.receive(b"9\r\n"))
        assert not reader.done()
        await outside(lambda: connection.receive(b"data: 1\n\n\r\n"))
        assert reader.done()
        assert [b"data: 1"] == live.take()


async def test_after_a_large_read_its_reader_runs_in_a_callback_of_its_own() -> None:
    async with live_on(Moved()) as (connection, live):
        done: list[bool] = []
        for size in (AT_ONCE // 2, AT_ONCE):
            reader = asyncio.create_task(live.wait())
            await asyncio.sleep(0)
            await outside(lambda: (connection.receive(framed(b"x" * size)), done.append(reader.done())))  # noqa: B023  # it runs now
            await reader
            while live.take() is not None:
                pass

    assert [True, False] == done


async def test_all_that_a_reader_may_do_in_the_midst_of_a_callback_leaves_the_others_whole() -> None:
    """It takes what is there, reads another stream on which bytes come, closes both, and opens one."""
    async with live_on(Moved()) as (first, one), live_on(Moved()) as (second, two):
        seen: list[Any] = []

        async def read_two() -> None:
            await two.wait()
            seen.append(("two", two.take()))

        async def read_one() -> None:
            await one.wait()
            seen.append(("one", one.take()))
            # Bytes for another reader, while this one runs: that one must wait for its turn.
            second.receive(framed(b"2"))
            seen.append("back in one")
            one.close()
            first.receive(framed(b"late"))
            async with live_on(Moved()) as (_, three):
                assert three.take() is None

        readers = [asyncio.create_task(read_one()), asyncio.create_task(read_two())]
        await asyncio.sleep(0)
        await outside(lambda: first.receive(framed(b"1")))
        await asyncio.gather(*readers)

    assert [("one", [b"data: 1"]), "back in one", ("two", [b"data: 2"])] == seen
    assert first.transport.protocol is first.aiohttp


async def test_the_stack_does_not_grow_with_the_events() -> None:
    depths: set[int] = set()

    async def read(live: LiveResponse) -> None:
        for _ in range(3000):
            await live.wait()
            live.take()
            depth, frame = 0, sys._getframe()
            while frame.f_back is not None:
                depth, frame = depth + 1, frame.f_back
            depths.add(depth)

    async with live_on(Moved()) as (connection, live):
        reader = asyncio.create_task(read(live))
        await asyncio.sleep(0)
        await outside(lambda: [connection.receive(framed(b"1")) for _ in range(3000)])
        await reader

    assert 1 == len(depths)


@pytest.mark.parametrize("transport", [Moved, Unmoved])
async def test_over_a_mebibyte_that_nobody_takes_the_connection_is_paused_and_nothing_is_lost(
    transport: type[Moved],
) -> None:
    async with live_on(transport()) as (connection, live):
        sent = 0
        while not connection.transport.paused:
            await outside(lambda: connection.receive(framed(b"x" * 50_000)))
            sent += 1
        # Of what comes all the same, aiohttp has the rest until there is room.
        for _ in range(5):
            await outside(lambda: connection.receive(framed(b"x" * 50_000)))
        assert QUEUE_HIGH // 50_000 < sent < QUEUE_HIGH // 50_000 + 4
        taken = 0
        while taken < sent + 5:
            frames = live.take()
            if frames is None:
                await live.wait()
            else:
                taken += len(frames)
        assert not connection.transport.paused
        assert live.take() is None


@pytest.mark.parametrize("transport", [Moved, Unmoved])
async def test_a_body_that_breaks_has_brought_what_came_before(transport: type[Moved]) -> None:
    async with live_on(transport()) as (connection, live):
        reader = asyncio.create_task(live.wait())
        await asyncio.sleep(0)
        await outside(
            lambda: (
                connection.receive(framed(b"1")),
                connection.transport.protocol.connection_lost(ConnectionResetError("gone")),
            )
        )
        await reader
        await asyncio.sleep(0)
        assert [b"data: 1"] == live.take()
        assert live.ended
        assert isinstance(live.failure, StreamInterruptedError)


async def test_a_transport_that_keeps_its_protocol_is_read_as_aiohttp_is() -> None:
    async with live_on(Unmoved()) as (connection, live):
        assert isinstance(live._tap, Pull)
        assert connection.transport.protocol is connection.aiohttp
        reader = asyncio.create_task(live.wait())
        await asyncio.sleep(0)
        await outside(lambda: connection.receive(framed(b"1")))
        await reader
        assert [b"data: 1"] == live.take()


async def test_another_protocol_that_stands_before_aiohttp_s_is_left_there() -> None:
    transport = Moved()
    connection = Connection(transport)
    response = await connection.respond()
    transport.protocol = other = object()
    reading = tap(response, Arrival(asyncio.get_running_loop()), read=0, take=lambda _: None, end=lambda _: None)

    assert isinstance(reading, Pull)
    assert transport.protocol is other
    reading.close()


async def all_here(broken: Exception | None = None) -> tuple[Any, list[object]]:
    """Tap a response whose body came with its head; return the source, and what it gave in order."""
    connection = Connection(Moved())
    response = await connection.respond()
    connection.receive(framed(b"1") + framed(b"2") + LAST)
    response.connection = None
    if broken is not None:
        response.content.set_exception(broken)
    given: list[object] = []
    source = tap(response, Arrival(asyncio.get_running_loop()), read=0, take=given.append, end=given.append)
    return source, given


async def test_a_body_that_is_here_to_its_end_is_taken_at_once_and_once() -> None:
    source, given = await all_here()
    assert isinstance(source, Rest)
    assert [b"data: 1\n\ndata: 2\n\n", None] == given

    source.collect()
    source.close()
    source.collect()

    assert 2 == len(given)


async def test_one_that_is_broken_all_the_same_ends_with_what_broke_it() -> None:
    broken = ValueError("broken")

    assert [broken] == (await all_here(broken))[1]


async def test_to_close_twice_closes_the_response_once() -> None:
    async with live_on(Moved()) as (_, live):
        response: Any = live._response
        closings: list[None] = []
        response.close = lambda: closings.append(None)
        live.close()
        live.close()

    assert [None] == closings


@pytest.mark.parametrize("way", ["close", "step_aside", "end"])
async def test_aiohttp_has_its_connection_back(way: str) -> None:
    async with live_on(Moved()) as (connection, live):
        assert isinstance(live._tap, Tap)
        assert connection.transport.protocol is live._tap
        if way == "end":
            await outside(lambda: connection.receive(LAST))
        elif way == "close":
            live.close()
        else:
            # As when aiohttp lets go of a connection.
            for call in connection.callbacks:
                call()
        assert connection.transport.protocol is connection.aiohttp


async def test_what_the_transport_calls_is_passed_on() -> None:
    called: list[str] = []
    async with live_on(Moved()) as (connection, _):
        protocol = connection.transport.protocol
        for name in ("pause_writing", "resume_writing", "eof_received", "connection_lost"):
            method = getattr(connection.aiohttp, name)

            def noted(*given: Any, name: str = name, method: Any = method) -> Any:
                called.append(name)
                return method(*given)

            setattr(connection.aiohttp, name, noted)
        protocol.pause_writing()
        protocol.resume_writing()
        assert protocol.eof_received() is None
        protocol.connection_lost(None)

    assert ["pause_writing", "resume_writing", "eof_received", "connection_lost"] == called


async def test_a_stream_that_was_closed_is_freed_at_once_while_its_connection_is_there() -> None:
    connection = Connection(Moved())
    live = LiveResponse(await connection.respond(), event_timeout=None, total_deadline=None, max_event_bytes=1000)
    gone = weakref.ref(live)
    live.close()
    gc.collect()
    gc.disable()
    try:
        del live
        # Its callback at the connection is for the connection.
        connection.callbacks.clear()
        assert gone() is None
    finally:
        gc.enable()


# Over real transports.

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}


@pytest.fixture(params=[*LOOPS])
def loop_of(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    return LOOPS[request.param]


def run(main: Coroutine[Any, Any, None], loop_of: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await main

    with asyncio.Runner(loop_factory=loop_of) as runner:
        runner.run(limited())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=["plain", "tls"])
def tls(request: pytest.FixtureRequest, authority: trustme.CA) -> Any:
    """Return how a server is opened, and how a client opens its connections to it."""
    if request.param == "plain":
        return None, lambda: None
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, lambda: aiohttp.TCPConnector(ssl=client, limit=0)


def tapped(stream: Any) -> bool:
    return isinstance(stream._cursor.live._tap, Tap)


def test_a_reader_may_do_in_the_callback_whatever_it_likes(tls: Any, loop_of: Any) -> None:
    """It reads to the end, asks again on the same connection, leaves in the midst, is cancelled, and fails."""
    server_tls, connector = tls

    async def serve(exchange: Exchange) -> None:
        number = exchange.number
        if number <= 20:
            await exchange.send(STREAM_HEAD)
            for frame in (*HELLO, DONE):
                await exchange.send(chunk(frame))
                await asyncio.sleep(0)
            await exchange.send(LAST)
            return
        await exchange.send(STREAM_HEAD)
        for frame in HELLO[:2]:
            await exchange.send(chunk(frame))
            await asyncio.sleep(0)
        await exchange.gone()

    async def main() -> None:
        async with (
            raw_server(serve, server_tls) as server,
            aiohttp.ClientSession(connector=connector()) as session,
            AsyncClient(api_key="k", base_url=server.url, session=session) as client,
        ):

            def opened() -> Any:
                return client.threads.runs.stream("thread_1", assistant_id="asst_1")

            for _ in range(20):
                async with opened() as s:
                    assert s.over or tapped(s) or s._cursor.live.ended
                    assert len(HELLO) == len([event async for event in s])
            assert 1 == server.connections
            async with opened() as s:
                async for _ in s:
                    break
            with pytest.raises(ZeroDivisionError):
                async with opened() as s:
                    async for _ in s:
                        raise ZeroDivisionError
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), opened() as s:
                    async for _ in s:
                        pass
            await server.all_closed()

    run(main(), loop_of)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_loop_is_raised_out_of_it(loop_of: Any, kind: type[BaseException]) -> None:
    connections: list[int] = []

    async def serve(exchange: Exchange) -> None:
        connections.append(exchange.connection)
        await exchange.send(STREAM_HEAD)
        await asyncio.sleep(0.01)
        await exchange.send(chunk(HELLO[0]))
        await exchange.gone()

    async def main() -> None:
        async with raw_server(serve) as server, AsyncClient(api_key="k", base_url=server.url) as client:
            async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as s:
                assert tapped(s)
                async for _ in s:
                    raise kind

    with pytest.raises(kind):
        run(main(), loop_of)

    assert [1] == connections


def test_a_stream_that_floods_lets_others_have_their_turns(loop_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers send what they can: neither reader gets all before the other has begun."""
    monkeypatch.setattr(fairness, "_TURN", 0.0)
    order: list[int] = []

    async def serve(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        for _ in range(80):
            await exchange.send(chunk(HELLO[1]) * 100)
        await exchange.send(chunk(HELLO[-1]) + chunk(DONE) + LAST)

    async def read(client: AsyncClient, number: int) -> None:
        async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as s:
            async for _ in s:
                order.append(number)

    async def main() -> None:
        async with raw_server(serve) as server, AsyncClient(api_key="k", base_url=server.url) as client:
            await asyncio.gather(read(client, 0), read(client, 1))

    run(main(), loop_of)
    changes = sum(before != after for before, after in itertools.pairwise(order))

    assert 2 * (80 * 100 + 1) == len(order)
    assert changes > 4


@pytest.fixture
def paced() -> Iterator[tuple[str, "queue.SimpleQueue[bytes]"]]:
    """Yield where a server is, in a thread, and what it is to send next on its one connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    pieces: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while b"\r\n\r\n" not in connection.recv(65536, socket.MSG_PEEK):
                pass
            while piece := pieces.get():
                connection.sendall(piece)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", pieces
    finally:
        pieces.put(b"")
        thread.join(5)
        listener.close()


def test_an_event_costs_one_turn_of_the_loop(paced: tuple[str, "queue.SimpleQueue[bytes]"]) -> None:
    url, pieces = paced

    class Counting(selectors.DefaultSelector):
        turns = 0

        def select(self, timeout: float | None = None) -> Any:
            Counting.turns += 1
            return super().select(timeout)

    counted: list[int] = []

    async def main() -> None:
        pieces.put(STREAM_HEAD)
        async with AsyncClient(api_key="k", base_url=url) as client:
            async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as s:
                assert tapped(s)
                pieces.put(chunk(HELLO[0]))
                async for _ in s:
                    counted.append(Counting.turns)
                    if len(counted) > 50:
                        break
                    pieces.put(chunk(HELLO[1]))

    run(main(), lambda: asyncio.SelectorEventLoop(Counting()))

    assert [1] * 50 == [after - before for before, after in itertools.pairwise(counted)]


BROKEN_CHUNK = """
import asyncio, sys
sys.path[:0] = sys.argv[1:]
from assistants_wire import HELLO, STREAM_HEAD, chunk
from raw_server import raw_server
from asyncstream import AsyncClient, StreamInterruptedError

async def serve(exchange):
    await exchange.send(STREAM_HEAD)
    await asyncio.sleep(0.01)
    await exchange.send(b"".join(map(chunk, HELLO[:2])) + b"zz\\r\\n")
    await exchange.gone()

async def main():
    seen = 0
    async with raw_server(serve) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        try:
            async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as s:
                async for _ in s:
                    seen += 1
        except StreamInterruptedError as error:
            print(seen, "connection broke" in str(error))

asyncio.run(asyncio.wait_for(main(), 10))
"""


@pytest.mark.parametrize("without", ["", "1"], ids=["aiohttp's parser in C", "aiohttp's parser in Python"])
def test_events_in_one_read_with_what_breaks_the_body_are_delivered(without: str) -> None:
    tests = os.path.dirname(os.path.dirname(__file__))
    told = subprocess.run(
        [sys.executable, "-c", BROKEN_CHUNK, tests],
        env={**os.environ, "AIOHTTP_NO_EXTENSIONS": without},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.stdout, told.stderr) == ("2 True\n", "")
