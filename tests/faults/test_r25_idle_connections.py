"""R25: "bytes that arrive on an idle kept-alive connection: never the answer of the next request."

They come behind an answer in its packet, or later, read or not yet read by the event loop; a whole answer, a part of
one, the answer of a server that gives up waiting, or garbage. Their connection is closed, and the next request goes
out on another: once, and without having been counted as a retry.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import pytest
import trustme
from raw_server import Exchange, RawServer, raw_server, response

from asyncstream import APIResponseValidationError, AsyncClient
from asyncstream.relay import Entry, follow
from asyncstream.relay.frames import sse_frame

pytestmark = pytest.mark.faults

OTHERS = "OF ANOTHER USER"


def completion(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return response(200, json.dumps({"id": "c", "choices": [choice]}).encode())


def chunked(*pieces: bytes, kind: str = "text/event-stream") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def streamed(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": "stop"}
    return chunked(f"data: {json.dumps({'id': 'c', 'choices': [choice]})}\n\n".encode(), b"data: [DONE]\n\n")


async def stream(client: AsyncClient) -> str | None:
    async with client.chat.completions.stream(model="m", messages=[]) as chat:
        return (await chat.get_final_completion()).choices[0].message.content


async def create(client: AsyncClient) -> str | None:
    return (await client.chat.completions.create(model="m", messages=[])).choices[0].message.content


async def retrieve(client: AsyncClient) -> str | None:
    return (await client.threads.retrieve("thread_1")).id


async def download(client: AsyncClient) -> str:
    return (await client.files.content("file-1")).text.strip()


class Kind(NamedTuple):
    """A call, and the answer to it."""

    call: Callable[[AsyncClient], Awaitable[str | None]]
    answer: Callable[[str], bytes]


KINDS = {
    "stream": Kind(stream, streamed),
    "POST": Kind(create, completion),
    "POST, chunked": Kind(
        create, lambda text: chunked(completion(text).partition(b"\r\n\r\n")[2], kind="application/json")
    ),
    "GET": Kind(retrieve, lambda text: response(200, b'{"id":"%b"}' % text.encode())),
    "download": Kind(download, lambda text: response(200, text.encode() + b" " * 20)),
}

BYTES: dict[str, Callable[[bytes], bytes]] = {
    "a whole answer": lambda answer: answer,
    "two answers": lambda answer: answer * 2,
    "an answer but for its end": lambda answer: answer[:-6],
    "a head": lambda answer: answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
    "half a head": lambda answer: answer[:30],
    "a status": lambda answer: b"HTTP/1.1 200 OK\r\n",
    "half a status": lambda answer: b"HTTP/1.1 20",
    "a letter": lambda answer: b"H",
    "an answer without a body": lambda answer: b"HTTP/1.1 204 No\r\n\r\n",
    "what looks like our probe": lambda answer: b"HTTP/1.1 204 idle\r\n\r\n",
    "the beginning of our probe": lambda answer: b"HTTP/1.1 200 O\r\nX: ",
    "an interim answer": lambda answer: b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n",
    "an answer that closes": lambda answer: b"HTTP/1.1 408 Late\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlate",
    "HTTP/1.0": lambda answer: b"HTTP/1.0 200 OK\r\n\r\n" + OTHERS.encode(),
    "events": lambda answer: b"data: {}\n\n",
    "zeros": lambda answer: bytes(20),
    "TLS": lambda answer: b"\x15\x03\x03\x00\x02\x01\x00",
}  # fmt: skip
"""What comes, given an answer to the next request."""

GARBAGE = ["events", "zeros", "TLS"]
"""No beginning of an answer: behind one in its packet, aiohttp refuses both."""


class Certificates(NamedTuple):
    """How a server shows a certificate, and how a client trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    authority = trustme.CA()
    found = Certificates(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context())
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(found.server)
    authority.configure_trust(found.client)
    return found


@asynccontextmanager
async def client_of(url: str, owner: str, tls: ssl.SSLContext | None) -> AsyncIterator[AsyncClient]:
    """Give a client that retries nothing, on connections of its own or of the user's."""
    options: dict[str, Any] = {"api_key": "sk-x", "base_url": url, "max_retries": 0}
    connector = aiohttp.TCPConnector(ssl=True if tls is None else tls)
    try:
        if owner == "the user's session":
            async with aiohttp.ClientSession(connector=connector) as session:
                async with AsyncClient(**options, session=session) as client:
                    yield client
        elif owner == "the user's connector":
            async with AsyncClient(**options, connector=connector) as client:
                yield client
        else:
            async with AsyncClient(**options, ssl_context=tls) as client:
                yield client
    finally:
        await connector.close()


OWNERS = ["own", "the user's session", "the user's connector"]
SHORT = ["a whole answer", "half a head", "an answer that closes"]
CASES = [("own", what) for what in BYTES] + [(owner, what) for owner in OWNERS[1:] for what in SHORT]
TLS = [pytest.param(False, id="plain"), pytest.param(True, id="tls")]


def serving(kind: Kind, behind: bytes, *, cut: int | None = None) -> Callable[[Exchange], Awaitable[None]]:
    """Return a server that sends more bytes behind the first answer of its first connection than it should."""

    async def handler(exchange: Exchange) -> None:
        if exchange.connection > 1:
            await exchange.send(kind.answer("right"))
            return
        first = kind.answer("first")
        if cut is not None:
            await exchange.send(first[:cut])
            await asyncio.sleep(0.01)
        await exchange.send(first[cut or 0 :] + behind)

    return handler


async def two_answers(
    handler: Callable[[Exchange], Awaitable[None]],
    kind: Kind,
    owner: str = "own",
    certificates: Certificates | None = None,
    *,
    pause: Callable[[RawServer], Awaitable[None]] | None = None,
) -> RawServer:
    """Ask twice; prove that each got its own answer, and that each request went out once."""
    tls = None if certificates is None else certificates.server
    async with raw_server(handler, tls) as server:
        async with client_of(server.url, owner, None if certificates is None else certificates.client) as client:
            assert await kind.call(client) == "first"
            if pause is not None:
                await pause(server)
            assert await kind.call(client) == "right"
            assert await kind.call(client) == "right"
    return server


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("what", [what for what in BYTES if what not in GARBAGE])
@pytest.mark.parametrize("name", KINDS)
async def test_bytes_behind_an_answer_in_its_packet(certificates, name, what, tls):
    kind = KINDS[name]
    handler = serving(kind, BYTES[what](kind.answer(OTHERS)))
    server = await two_answers(handler, kind, "own", certificates if tls else None)

    assert [1, 2, 2] == [exchange.connection for exchange in server.requests]


@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_in_the_packet_of_an_answer_harms_no_other(what):
    # aiohttp's parser in C gives out nothing of a packet that it cannot read, its parser in Python what it can.
    kind = KINDS["POST"]
    async with raw_server(serving(kind, BYTES[what](b""))) as server:
        async with client_of(server.url, "own", None) as client:
            with contextlib.suppress(APIResponseValidationError):
                assert await kind.call(client) == "first"
            assert await kind.call(client) == "right"

    assert [1, 2] == [exchange.connection for exchange in server.requests]


@pytest.mark.parametrize(("owner", "what"), CASES)
@pytest.mark.parametrize("name", KINDS)
async def test_bytes_behind_the_last_piece_of_an_answer(name, owner, what):
    kind = KINDS[name]
    # Within the body, before an event that ends it is whole.
    cut = len(kind.answer("first")) - 9
    handler = serving(kind, BYTES[what](kind.answer(OTHERS)), cut=cut)
    server = await two_answers(handler, kind, owner)

    assert [1, 2, 2] == [exchange.connection for exchange in server.requests]


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize(("owner", "what"), CASES)
@pytest.mark.parametrize("name", ["stream", "POST", "GET"])
async def test_bytes_on_an_idle_connection_close_it(certificates, name, owner, what, tls):
    kind = KINDS[name]
    sent = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        await exchange.send(kind.answer("first" if exchange.connection == 1 else "right"))
        if exchange.connection == 1:
            await sent.wait()
            await exchange.send(BYTES[what](kind.answer(OTHERS)))
            if what == "an answer that closes":
                exchange.fin()

    async def pause(server: RawServer) -> None:
        sent.set()
        # Before there is another request.
        await server.all_closed()

    server = await two_answers(handler, kind, owner, certificates if tls else None, pause=pause)

    assert [1, 2, 2] == [exchange.connection for exchange in server.requests]


# A server in a thread: what it sends can be there before this event loop has looked.


class Thread:
    """A server that answers each request, and sends bytes behind the first when it is told to."""

    def __init__(self, kind: Kind, behind: bytes, *, fin: bool) -> None:
        self._kind = kind
        self._behind = behind
        self._fin = fin
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.go = threading.Event()
        self.sent = threading.Event()
        self.bodies: list[bytes] = []
        """What came on each connection, in order."""
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.bodies.append(b"")
                serving = threading.Thread(target=self._serve, args=(connection, len(self.bodies)), daemon=True)
                self._threads.append(serving)
                serving.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, contextlib.suppress(OSError):
            while received := connection.recv(65536):
                self.bodies[number - 1] += received
                if not self.bodies[number - 1].endswith((b"\r\n\r\n", b"}")):
                    continue
                connection.sendall(self._kind.answer("first" if number == 1 else "right"))
                if number == 1:
                    self.go.wait(5)
                    if self._behind:
                        connection.sendall(self._behind)
                    if self._fin:
                        connection.shutdown(socket.SHUT_WR)
                    self.sent.set()

    def close(self) -> None:
        self.go.set()
        # What waits in accept is not woken by the closing alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def threads() -> Iterator[list[Thread]]:
    made: list[Thread] = []
    yield made
    for thread in made:
        thread.close()


@pytest.mark.parametrize(
    ("owner", "what", "end"),
    [
        *((owner, what, "open") for owner, what in CASES),
        *((owner, what, "fin") for owner in OWNERS for what in [*SHORT, "nothing"]),
    ],
)
@pytest.mark.parametrize("name", ["stream", "POST", "GET"])
async def test_bytes_that_the_event_loop_has_not_read_yet(threads, name, owner, what, end):
    kind = KINDS[name]
    behind = b"" if what == "nothing" else BYTES[what](kind.answer(OTHERS))
    server = Thread(kind, behind, fin=end == "fin")
    threads.append(server)
    async with client_of(server.url, owner, None) as client:
        assert await kind.call(client) == "first"
        server.go.set()
        # In the way of the event loop: it does not see what comes meanwhile.
        assert server.sent.wait(5)
        assert await kind.call(client) == "right"

    # Only the connection that was fresh has a second request.
    assert [1, 1] == [body.count(b"HTTP/1.1\r\n") for body in server.bodies]


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run here")
@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("what", BYTES)
def test_bytes_on_an_idle_connection_of_uvloop(certificates, what, tls):
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")
    kind = KINDS["POST"]

    async def main() -> None:
        sent = asyncio.Event()

        async def handler(exchange: Exchange) -> None:
            await exchange.send(kind.answer("first" if exchange.connection == 1 else "right"))
            if exchange.connection == 1:
                await sent.wait()
                await exchange.send(BYTES[what](kind.answer(OTHERS)))

        async def pause(server: RawServer) -> None:
            sent.set()
            await server.all_closed()

        server = await two_answers(handler, kind, "own", certificates if tls else None, pause=pause)
        assert [1, 2, 2] == [exchange.connection for exchange in server.requests]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def test_many_such_connections_are_left_behind_without_a_retry():
    kind = KINDS["POST"]
    ready = asyncio.Barrier(20)

    async def handler(exchange: Exchange) -> None:
        if exchange.connection <= 20:
            await ready.wait()
            await exchange.send(kind.answer("first") + kind.answer(OTHERS)[:30])
        else:
            await exchange.send(kind.answer("right"))

    async with raw_server(handler) as server:
        for owner in OWNERS:
            server.requests.clear()
            server.connections = 0
            async with client_of(server.url, owner, None) as client:
                assert {"first"} == {*await asyncio.gather(*(kind.call(client) for _ in range(20)))}
                assert {"right"} == {*await asyncio.gather(*(kind.call(client) for _ in range(20)))}
            assert len(server.requests) == 40


async def test_an_upload_goes_out_whole_on_another_connection():
    async def handler(exchange: Exchange) -> None:
        answer = response(200, b'{"id":"file-%d"}' % exchange.connection)
        await exchange.send(answer + (answer[:20] if exchange.connection == 1 else b""))

    content = b"0123456789" * 300_000
    async with raw_server(handler) as server:
        async with client_of(server.url, "own", None) as client:
            await client.files.retrieve("file-1")
            assert "file-2" == (await client.files.create(file=content, purpose="assistants")).id

    assert [1, 2] == [exchange.connection for exchange in server.requests]
    assert content in server.requests[1].body


@pytest.mark.parametrize("what", [what for what in BYTES if what not in GARBAGE])
async def test_a_follower_that_reconnects_leaves_such_a_connection(what):
    chunk = '{"id":"c","choices":[{"index":0,"delta":{"content":"%s"}}]}'
    entries = [Entry(number, "", (chunk % text).encode()) for number, text in enumerate("abc", 1)]
    entries.append(Entry(4, "done", b"[DONE]"))

    async def handler(exchange: Exchange) -> None:
        # One event a connection; an answer that ends is one that is asked for again.
        after = int(exchange.headers.get("last-event-id", "0"))
        answer = chunked(b"".join(sse_frame(entry) for entry in entries[after : after + (1 if after < 2 else 2)]))
        await exchange.send(answer + (BYTES[what](answer) if exchange.connection == 1 else b""))

    async def at_once(seconds: float) -> None:
        await asyncio.sleep(0)

    async with raw_server(handler) as server:
        async with follow(f"{server.url}/runs/x", protocol="chat") as events:
            events._link._sleep = at_once
            seen = [event.choices[0].delta.content async for event in events]

    assert seen == ["a", "b", "c"]
    assert [1, 2, 2] == [exchange.connection for exchange in server.requests]


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("cut", [None, 9], ids=["whole", "in pieces"])
@pytest.mark.parametrize("name", KINDS)
async def test_a_clean_connection_is_used_again(certificates, name, cut, owner, tls):
    kind = KINDS[name]

    async def handler(exchange: Exchange) -> None:
        answer = kind.answer("right")
        if cut is not None:
            await exchange.send(answer[:-cut])
            await asyncio.sleep(0.01)
        await exchange.send(answer[-(cut or 0) :])

    async with raw_server(handler, certificates.server if tls else None) as server:
        async with client_of(server.url, owner, certificates.client if tls else None) as client:
            for _ in range(4):
                assert await kind.call(client) == "right"

    assert (4, 1) == (len(server.requests), server.connections)
