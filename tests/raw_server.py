"""A loopback server that answers with raw bytes: for what mocks cannot do (redirects, stalls, resets, framing).

A handler is called for each request and writes what it likes; the connection is kept until it closes it.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

__all__ = ["Exchange", "RawServer", "raw_server", "response"]


@dataclass
class Exchange:
    """One request as it came, and the way to answer it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    number: int
    """How many requests the server has seen, with this one."""
    connection: int
    """How many connections the server has seen, with this one."""
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        await self.send(response(status, body, {name.replace("_", "-"): value for name, value in headers.items()}))

    def fin(self) -> None:
        self.writer.close()

    def rst(self) -> None:
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def flood(self) -> int:
        """Write until the client has closed the connection; return how many bytes went out."""
        written = 0
        try:
            while True:
                await self.send(b"x" * 65536)
                written += 65536
        except ConnectionError:
            return written

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass


Handler = Callable[[Exchange], Awaitable[None]]


@dataclass
class RawServer:
    url: str
    requests: list[Exchange] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    """Connections that neither side has closed."""
    change: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def all_closed(self) -> None:
        """Wait until no connection is open."""
        async with asyncio.timeout(5), self.change:
            await self.change.wait_for(lambda: not self.open)


def response(status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    given = {"Content-Length": str(len(body)), "Content-Type": "application/json", **(headers or {})}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


@asynccontextmanager
async def raw_server(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    tasks: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        server.open += 1
        connection = server.connections
        try:
            while not writer.is_closing() and (exchange := await _read(reader, writer, server, connection)):
                server.requests.append(exchange)
                await handler(exchange)
        except ConnectionError:
            pass
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError):
                failures.append(error)
        finally:
            server.open -= 1
            writer.close()
            async with server.change:
                server.change.notify_all()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(converse(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    server = RawServer(f"{'http' if tls is None else 'https'}://127.0.0.1:{port}")
    try:
        yield server
    finally:
        listener.close()
        running = list(tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await listener.wait_closed()
    if failures:
        raise failures[0]


async def _read(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: RawServer, connection: int
) -> Exchange | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join([chunk async for chunk in _chunks(reader)])
        else:
            body = await reader.readexactly(int(headers.get("content-length", "0")))
    except asyncio.IncompleteReadError:
        # The client has gone, between two requests or within one.
        return None
    return Exchange(method, target, headers, body, len(server.requests) + 1, connection, reader, writer)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
