"""A reader over a bare socket: what it asks, byte by byte, and how the connection ended that answered it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

__all__ = ["Asking", "Got", "ask", "asking"]


@dataclass
class Got:
    """What came in answer to one request, until the connection ended or nothing more came."""

    data: bytes
    ended: Literal["fin", "rst", "open"]

    @property
    def status(self) -> int:
        """The status; 0 if there is no whole head."""
        return int(self.data.split(b" ", 2)[1]) if b"\r\n\r\n" in self.data else 0

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names in lower case, and values, as they came."""
        lines = self.data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    @property
    def chunked(self) -> bool:
        return ("transfer-encoding", "chunked") in self.headers

    @property
    def body(self) -> bytes:
        """What is in the chunks, where it came in chunks: of the last one, as much as came."""
        rest = self.data.partition(b"\r\n\r\n")[2]
        if not self.chunked:
            return rest
        body = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            body += rest[: int(size or b"0", 16)]
            rest = rest[int(size or b"0", 16) + 2 :]
        return body

    @property
    def looks_whole(self) -> bool:
        """Whether a reader takes this for a whole answer of the status 200, by the rules of HTTP."""
        if self.status != 200 or self.ended == "rst":
            return False
        if self.chunked:
            return self.data.endswith(b"\r\n0\r\n\r\n")
        length = dict(self.headers).get("content-length")
        if length is not None:
            return len(self.body) >= int(length)
        return self.ended == "fin"


class Asking:
    """One request on a connection of its own, and what has come so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.got = Got(b"", "open")
        self._reader = reader
        self._writer = writer

    async def until(self, text: bytes) -> None:
        """Read until some bytes have come."""
        async with asyncio.timeout(20):
            self.got.data += await self._reader.readuntil(text)

    def half_close(self) -> None:
        """End one's own direction, as `nc` does at the end of its input."""
        self._writer.write_eof()

    async def end(self, patience: float = 20.0) -> Got:
        """Read until the connection ends, or for so many seconds; or, if a chunked body says its end, until that."""
        got = self.got
        try:
            async with asyncio.timeout(patience):
                while data := await self._reader.read(65536):
                    got.data += data
                    if got.chunked and got.data.endswith(b"\r\n0\r\n\r\n"):
                        return got
            got.ended = "fin"
        except ConnectionResetError:
            got.ended = "rst"
        except TimeoutError:
            pass
        return got


@asynccontextmanager
async def asking(address: int | str, request: bytes, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Asking]:
    """Send a request.

    Args:
        address: A port of the loopback, or the path of a local socket.
        request: All that is sent.
        tls: For a server that has a certificate.
    """
    if isinstance(address, int):
        reader, writer = await asyncio.open_connection("127.0.0.1", address, ssl=tls)
    else:
        reader, writer = await asyncio.open_unix_connection(address)
    try:
        writer.write(request)
        yield Asking(reader, writer)
    finally:
        writer.close()


async def ask(address: int | str, request: bytes, *, patience: float = 20.0, tls: ssl.SSLContext | None = None) -> Got:
    """Send a request, and return what came; after so many seconds also if the connection is still open."""
    async with asking(address, request, tls=tls) as exchange:
        return await exchange.end(patience)
