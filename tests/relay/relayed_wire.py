"""A relay over raw sockets that serves one run from memory: by ids, and cut where a test wants it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from raw_server import Exchange

from asyncstream.relay.entries import Entry
from asyncstream.relay.frames import GREETING, sse_frame

Framing = Literal["chunked", "close"]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\n"


def numbered(*data: str, name: str = "") -> list[Entry]:
    """Make the entries of a run, `done` included."""
    entries = [Entry(number, name, one.encode()) for number, one in enumerate(data, 1)]
    return [*entries, Entry(len(entries) + 1, "done", b"[DONE]")]


def chat_run(*texts: str) -> list[Entry]:
    """Make the entries of a chat answer, a chunk a text."""
    return numbered(*(f'{{"id":"c","choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}' for text in texts))


@dataclass
class Cut:
    """Where the answer to one request ends: after so many bytes of its body."""

    after: int
    how: Literal["fin", "rst", "end"] = "fin"
    """"end" ends a chunked body as if it were whole."""


@dataclass
class Relay:
    """A handler for `raw_server`; answers are cut in order, and whole when there are no more cuts."""

    entries: Sequence[Entry]
    cuts: list[Cut] = field(default_factory=list)
    framing: Framing = "chunked"
    greeting: bytes = GREETING
    encode: Callable[[Entry], bytes] = sse_frame
    asked: list[str | None] = field(default_factory=list)
    """The `Last-Event-ID` of each request."""

    def body(self, after: str | None) -> bytes:
        last = int(after or 0)
        return self.greeting + b"".join(self.encode(one) for one in self.entries if (one.id or 0) > last)

    async def __call__(self, exchange: Exchange) -> None:
        after = exchange.headers.get("last-event-id")
        self.asked.append(after)
        body = self.body(after)
        cut = self.cuts.pop(0) if self.cuts else None
        if cut is not None:
            body = body[: cut.after]
        if self.framing == "close":
            await exchange.send(HEAD + b"Connection: close\r\n\r\n" + body)
        else:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            ending = b"0\r\n\r\n" if cut is None or cut.how == "end" else b""
            await exchange.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + ending)
        if cut is not None and cut.how == "rst":
            exchange.rst()
        elif self.framing == "close" or cut is not None:
            exchange.fin()
