"""An upstream for relays: it says what a test gives it, then ends, falls silent or breaks, and notes who leaves when.

And the browser's side over a raw socket: what it got, and the way to leave.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from assistants_wire import stream
from raw_server import Exchange, RawServer, raw_server

from asyncstream import AssistantStream, AsyncClient, ChatStream

CHAT_DONE = b"data: [DONE]\n\n"


def said(text: str, finish: str | None = None) -> bytes:
    """Make the payload of a chunk that says something."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return json.dumps({"id": "c1", "object": "chat.completion.chunk", "choices": [choice]}).encode()


def chunk_frame(text: str, finish: str | None = None) -> bytes:
    return b"data: %b\n\n" % said(text, finish)


HELLO_CHAT = [chunk_frame("Hel"), chunk_frame("lo"), chunk_frame("", "stop"), CHAT_DONE]


@dataclass
class Upstream:
    """A model that is asked once or more."""

    server: RawServer
    client: AsyncClient
    left: "asyncio.Future[float]"
    """The time at which the first asker that was kept waiting had closed its connection."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def chat(self) -> ChatStream:
        return self.client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "?"}])

    def run(self, **options: object) -> AssistantStream:
        return self.client.threads.runs.stream("thread_1", assistant_id="asst_1", **options)  # type: ignore[arg-type]

    async def left_after(self, since: float) -> float:
        """Wait until the upstream is closed; return the seconds since the browser left."""
        return (await asyncio.wait_for(asyncio.shield(self.left), 5)) - since


@asynccontextmanager
async def upstream(
    frames: Sequence[bytes],
    then: Literal["end", "silence", "rst"] = "end",
    *,
    status: int = 200,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> AsyncIterator[Upstream]:
    """Serve frames to whoever asks; a status other than 200 is answered with a body, 0 with nothing at all."""

    async def answer(exchange: Exchange) -> None:
        model.asked.set()
        if exchange.target.endswith("/cancel"):
            await exchange.reply(200, b'{"id": "run_1", "object": "thread.run", "status": "cancelling"}')
            return
        if status not in (0, 200):
            await exchange.reply(status, body, **(headers or {}))
            return
        if status == 200:
            await stream(exchange, *frames, end=then == "end")
        if then == "rst":
            exchange.rst()
        elif then == "silence":
            await exchange.gone()
            if not model.left.done():
                model.left.set_result(time.monotonic())

    async with (
        raw_server(answer) as server,
        AsyncClient(api_key="sk-secret-key-1", base_url=server.url, max_retries=0) as client,
    ):
        model = Upstream(server, client, asyncio.get_running_loop().create_future())
        yield model


@dataclass
class Browser:
    """A client over a bare socket, which can read slowly and leave abruptly."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    async def answered(self) -> "Browser":
        """Wait for status and headers."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1").split("\r\n")
        self.status = int(head[0].split(" ")[1])
        pairs = (line.partition(":") for line in head[1:] if line)
        self.headers = {name.lower(): value.strip() for name, _, value in pairs}
        return self

    async def until(self, text: bytes) -> bytes:
        """Read until some bytes of the body have come."""
        return await asyncio.wait_for(self.reader.readuntil(text), 10)

    async def body(self) -> bytes:
        """Read the whole body; `IncompleteReadError` if it was cut."""
        if "content-length" in self.headers:
            return await self.reader.readexactly(int(self.headers["content-length"]))
        data = b""
        while size := int((await asyncio.wait_for(self.reader.readuntil(b"\r\n"), 10)), 16):
            data += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return data

    def leave(self) -> float:
        """Close the connection; return when that was."""
        self.writer.close()
        return time.monotonic()


@asynccontextmanager
async def browser(url: str, path: str = "/", method: str = "GET", **headers: str) -> AsyncIterator[Browser]:
    """Ask for a page."""
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 22)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{port}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    try:
        yield Browser(reader, writer)
    finally:
        writer.close()
