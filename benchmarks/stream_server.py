"""The server of `streams` and `soak`: ten thousand connections at once in one event loop, in a process of its own.

It names what is sent as `benchmarks.server` does: `<workload>.<plan>` stands where the thread's id is, or, for chat, in
the query. It writes from protocol callbacks, without a task a connection, so that many streams cost it little. Plans:

- `whole`: everything at once.
- `paced`: an event each 50 ms, as from a model that writes 20 tokens a second.
- `held`: the first half, then nothing until `POST /v1/release`, which is answered when all the rest is written.
- `gated`: the first event, then nothing until `POST /v1/release?interval=0.5`; 0.1 s after that an event comes each so
  many seconds, the streams one after the other. `GET /v1/held` says how many streams wait.
- `fin`, `rst`: half the stream, then an orderly close or a reset.
- `error`, `garbage`: half the stream, then an error event, or a frame that is no JSON.
- `stall`: half the stream, then nothing for ever.
- `refused`: status 500.

`python -m benchmarks.stream_server` prints its port and serves until its standard input closes; `running()` does that.
"""

import asyncio
import os
import re
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache

import benchmarks.server
from benchmarks.process import raise_limit
from benchmarks.workloads import make

__all__ = ["GATE_S", "INTERVAL_S", "PLANS", "running"]

INTERVAL_S = 0.05
GATE_S = 0.1
"""From a release of gated streams on: its answer is read before the first event comes."""

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    b"x-request-id: req_benchmark\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_LAST_CHUNK = b"0\r\n\r\n"
_JSON_HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_ERROR = b'{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}'
_REFUSED = _JSON_HEAD % (b"500 Internal Server Error", len(_ERROR)) + _ERROR
_RELEASED = _JSON_HEAD % (b"200 OK", 2) + b"{}"
_NOT_FOUND = _JSON_HEAD % (b"404 Not Found", len(_ERROR)) + _ERROR

_NAMED = re.compile(r"/v1/(?:threads/|chat/completions\?stream=)([^/?&]+)(?:/runs)?")
_RELEASE = re.compile(r"/v1/release(?:\?interval=([0-9.]+))?")
_LENGTH = re.compile(rb"(?mi)^content-length: *(\d+)")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache(maxsize=16)
def _frames(workload: str) -> tuple[bytes, ...]:
    return tuple(map(_chunk, make(workload).frames))


@lru_cache(maxsize=16)
def _halves(workload: str) -> tuple[bytes, bytes]:
    frames = _frames(workload)
    middle = len(frames) // 2
    return _HEAD + b"".join(frames[:middle]), b"".join(frames[middle:]) + _LAST_CHUNK


class _Connection(asyncio.Protocol):
    """One connection of a client, over all its requests."""

    __slots__ = ("_due", "_held", "_loop", "_received", "_transport")

    def __init__(self, held: "dict[_Connection, bytes | tuple[bytes, ...]]") -> None:
        self._held = held
        self._received = b""
        self._loop = asyncio.get_running_loop()
        self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._held.pop(self, None)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._received, 0, end + 2)
        if len(self._received) < end + 4 + (int(length[1]) if length else 0):
            return
        path = self._received.split(b" ", 2)[1].decode("latin-1")
        self._received = b""
        if release := _RELEASE.fullmatch(path):
            self._release(float(release[1] or 0))
            return
        if path == "/v1/held":
            count = b"%d" % len(self._held)
            self._transport.write(_JSON_HEAD % (b"200 OK", len(count)) + count)
            return
        match = _NAMED.fullmatch(path)
        workload, _, plan = match[1].rpartition(".") if match else ("", "", "")
        answer = PLANS.get(plan)
        if answer is None:
            self._transport.write(_NOT_FOUND)
        else:
            answer(self, workload)

    def _release(self, interval: float) -> None:
        held = dict(self._held)
        self._held.clear()
        start = self._loop.time() + GATE_S
        for position, (connection, rest) in enumerate(held.items()):
            if isinstance(rest, bytes):
                connection._transport.write(rest)
            else:
                connection._due = start + interval * (1 + position / len(held))
                self._loop.call_at(connection._due, connection._pace, rest, 1, interval)
        self._transport.write(_RELEASED)

    def _whole(self, workload: str) -> None:
        self._transport.write(b"".join(_halves(workload)))

    def _paced(self, workload: str) -> None:
        self._transport.write(_HEAD)
        self._due = self._loop.time()
        self._pace(_frames(workload), 0, INTERVAL_S)

    def _pace(self, frames: tuple[bytes, ...], position: int, interval: float) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(frames[position])
        if position + 1 == len(frames):
            self._transport.write(_LAST_CHUNK)
        else:
            self._due += interval
            self._loop.call_at(self._due, self._pace, frames, position + 1, interval)

    def _hold(self, workload: str) -> None:
        half, rest = _halves(workload)
        self._transport.write(half)
        self._held[self] = rest

    def _gate(self, workload: str) -> None:
        frames = _frames(workload)
        self._transport.write(_HEAD + frames[0])
        self._held[self] = frames

    def _half(self, workload: str, then: bytes = b"") -> None:
        self._transport.write(_halves(workload)[0] + then)

    def _fin(self, workload: str) -> None:
        self._half(workload)
        self._transport.close()

    def _rst(self, workload: str) -> None:
        self._half(workload)
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _error(self, workload: str) -> None:
        self._half(workload, _chunk(b"event: error\ndata: " + _ERROR + b"\n\n"))

    def _garbage(self, workload: str) -> None:
        self._half(workload, _chunk(b"event: thread.message.delta\ndata: {no json\n\n"))

    def _refuse(self, workload: str) -> None:
        self._transport.write(_REFUSED)


PLANS: dict[str, Callable[[_Connection, str], None]] = {
    "whole": _Connection._whole,
    "paced": _Connection._paced,
    "held": _Connection._hold,
    "gated": _Connection._gate,
    "fin": _Connection._fin,
    "rst": _Connection._rst,
    "error": _Connection._error,
    "garbage": _Connection._garbage,
    "stall": _Connection._half,
    "refused": _Connection._refuse,
}
"""What is done with a stream, by name."""


def running() -> AbstractContextManager[str]:
    """Run the server in a process of its own; the base URL for clients ends in `/v1`."""
    return benchmarks.server.running("benchmarks.stream_server")


async def _main() -> None:
    loop = asyncio.get_running_loop()
    held: dict[_Connection, bytes | tuple[bytes, ...]] = {}
    server = await loop.create_server(lambda: _Connection(held), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    os._exit(0)


if __name__ == "__main__":
    raise_limit()
    asyncio.run(_main())
