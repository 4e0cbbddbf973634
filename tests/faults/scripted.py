"""Answers that are scripted to the byte: what is sent, when, and what becomes of the connection after which byte.

A script is a list of steps: bytes to send, a pause (seconds, or an event that the test sets), and at last an end. An
`Answer` makes the bytes of a whole HTTP answer and knows how much of its body is out at each of them, so that a script
can stop at any byte of the status line, the headers, a chunk's size line or the body.
"""

import asyncio
import os
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Literal, NamedTuple

from raw_server import Exchange

__all__ = ["FRAMINGS", "Answer", "End", "Framing", "Step", "answer_of", "held", "play", "still_held"]

Framing = Literal["chunked", "length", "close"]

FRAMINGS: tuple[Framing, ...] = ("chunked", "length", "close")
"""How a body says where it ends: by chunks, by `Content-Length`, by the end of the connection."""

STATUS_LINE = b"HTTP/1.1 200 OK"

STREAM_HEADERS = {"Content-Type": "text/event-stream", "x-request-id": "req_1"}


class End(Enum):
    """What the server does with the connection after the last byte."""

    FIN = "fin"
    """Closes it: both directions."""
    HALF_CLOSE = "half-close"
    """Says that it will send no more, and reads until the client has closed too."""
    RST = "rst"
    """Resets it."""
    STAY = "stay"
    """Keeps it open and silent until the client has closed it."""


Step = bytes | float | asyncio.Event | End


async def play(exchange: Exchange, steps: Iterable[Step]) -> None:
    """Answer a request as the script says. Without an end, the connection is left to the next request."""
    for step in steps:
        match step:
            case bytes():
                await exchange.send(step)
            case asyncio.Event():
                await step.wait()
            case End.FIN:
                exchange.fin()
            case End.HALF_CLOSE:
                exchange.writer.write_eof()
                await exchange.gone()
            case End.RST:
                exchange.rst()
            case End.STAY:
                await exchange.gone()
            case _:
                await asyncio.sleep(step)


class Answer(NamedTuple):
    """The bytes of an answer on the wire."""

    wire: bytes
    head: int
    """Where the body begins."""
    spans: list[tuple[int, int, int]]
    """Where the parts of the body are: from and to which byte of the wire, and from which byte of the body."""

    def body_at(self, cut: int) -> int:
        """Return how many bytes of the body lie before a byte of the wire."""
        return max((body + min(cut, to) - start for start, to, body in self.spans if cut > start), default=0)

    def wire_at(self, body_offset: int) -> int:
        """Return the byte of the wire before which so much of the body lies."""
        return next(
            (start + body_offset - body for start, to, body in self.spans if body_offset <= body + to - start),
            len(self.wire),
        )

    @property
    def borders(self) -> list[int]:
        """Where the framing changes: the ends of the head, and of each chunk and size line."""
        return [self.head, *(edge for start, to, _ in self.spans for edge in (start, to)), len(self.wire)]


def answer_of(body: bytes, framing: Framing, *, chunks: int = 0, status_line: bytes = STATUS_LINE) -> Answer:
    """Make an answer with a stream as its body.

    Args:
        body: The body.
        framing: How it says where it ends.
        chunks: Bytes of each chunk, if it is chunked; 0: each frame is a chunk, as servers send them.
        status_line: Of another status or protocol.
    """
    length = {
        "chunked": {"Transfer-Encoding": "chunked"},
        "length": {"Content-Length": str(len(body))},
        "close": {"Connection": "close"},
    }[framing]
    headers = {**STREAM_HEADERS, **length}
    head = b"\r\n".join([status_line, *(f"{name}: {value}".encode() for name, value in headers.items()), b"", b""])
    if framing != "chunked":
        return Answer(head + body, len(head), [(len(head), len(head) + len(body), 0)])
    wire = bytearray(head)
    spans = []
    done = 0
    for piece in [body[at : at + chunks] for at in range(0, len(body), chunks)] if chunks else _frames(body):
        wire += b"%x\r\n" % len(piece)
        spans.append((len(wire), len(wire) + len(piece), done))
        wire += piece + b"\r\n"
        done += len(piece)
    return Answer(bytes(wire + b"0\r\n\r\n"), len(head), spans)


def _frames(body: bytes) -> Iterator[bytes]:
    start = 0
    for blank_line in re.finditer(rb"\r\n\r\n|\n\n|\r\r", body):
        yield body[start : blank_line.end()]
        start = blank_line.end()
    if start < len(body):
        yield body[start:]


def held() -> tuple[int, int]:
    """Return how many tasks and file descriptors this process has; no descriptors where it cannot be told."""
    try:
        descriptors = len(os.listdir("/dev/fd"))
    except OSError:
        descriptors = 0
    return len(asyncio.all_tasks()), descriptors


async def still_held(base: tuple[int, int]) -> tuple[int, int]:
    """Give both sides of a closed connection some turns of the loop; return by how much more is held than before."""
    left = held()
    for _ in range(50):
        if left == base:
            break
        await asyncio.sleep(0)
        left = held()
    return left[0] - base[0], left[1] - base[1]
