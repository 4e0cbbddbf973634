"""The loopback server of the benchmarks: a process of its own that sends prepared bytes.

It is never what limits a client: every answer is one prepared buffer, or (live) one prepared piece a write. Held
constant, as common servers do it: keep-alive, chunked encoding, no delay of small packets.

What is sent is named in the path, where the thread's id stands: `/v1/threads/text-2000.bulk/runs`; for chat and
Responses, which have no id there, in the query: `/v1/chat/completions?stream=chat-2000.bulk`. Pacings:

- `bulk`: everything at once, in HTTP chunks of 4 KiB, as from a proxy that is catching up (nginx sends its buffers,
  a page each); events are cut anywhere.
- `chunked`: everything at once, in one HTTP chunk an event, as from a server of which nobody reads for a while: then
  the HTTP parser does more than all that comes after it.
- `live`: an event a write, one every 500 us, as from the fastest models.
- `each-PID`: an event a write, the next when the process of that number sleeps again: one event a read, however slow
  the reader is. On Linux; for what runs under valgrind.

`python -m benchmarks.server` prints its port and serves until its standard input closes; `running()` does that.
"""

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from benchmarks.workloads import make

__all__ = ["PACINGS", "running"]

PACINGS = ("bulk", "chunked", "live")
LIVE_INTERVAL_S = 0.0005
BULK_CHUNK = 4096
_LOOK_INTERVAL_S = 0.0002

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    b"x-request-id: req_benchmark\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_LAST_CHUNK = b"0\r\n\r\n"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

_NAMED = re.compile(r"/v1/(?:threads/|(?:chat/completions|responses)\?stream=)([^/?&]+)(?:/runs)?")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache(maxsize=64)
def _bulk(name: str) -> memoryview:
    body = b"".join(make(name).frames)
    chunks = (_chunk(body[start : start + BULK_CHUNK]) for start in range(0, len(body), BULK_CHUNK))
    return memoryview(b"".join((_HEAD, *chunks, _LAST_CHUNK)))


@lru_cache(maxsize=64)
def _by_event(name: str) -> tuple[bytes, ...]:
    return (_HEAD, *map(_chunk, make(name).frames), _LAST_CHUNK)


@lru_cache(maxsize=64)
def _chunked(name: str) -> memoryview:
    return memoryview(b"".join(_by_event(name)))


def _send_live(connection: socket.socket, pieces: tuple[bytes, ...]) -> None:
    """Send in a thread: the event loop's clock is too coarse for half a millisecond."""
    connection.setblocking(True)
    try:
        due = time.monotonic()
        for piece in pieces:
            connection.sendall(piece)
            # After a stall the pace goes on from now, without a burst.
            now = time.monotonic()
            due = max(due + LIVE_INTERVAL_S, now)
            time.sleep(due - now)
    finally:
        connection.setblocking(False)


def _send_each(connection: socket.socket, pieces: tuple[bytes, ...], reader: int) -> None:
    """Send the next piece when the reader has woken and sleeps again."""
    connection.setblocking(True)
    try:
        slept = ""
        for piece in pieces:
            while (state := _sleep(reader))[0] != "S" or state[1] == slept:
                time.sleep(_LOOK_INTERVAL_S)
            slept = state[1]
            connection.sendall(piece)
    finally:
        connection.setblocking(False)


def _sleep(process: int) -> tuple[str, str]:
    """Return the state of a process's first thread, and how often it has gone to sleep so far."""
    status = Path(f"/proc/{process}/status").read_text()
    return status.partition("State:\t")[2][0], status.partition("\nvoluntary_ctxt_switches:\t")[2].partition("\n")[0]


async def _read_request(loop: asyncio.AbstractEventLoop, connection: socket.socket, held: bytearray) -> str | None:
    """Read one request off a connection and return its path; None if the client has left."""
    while (end := held.find(b"\r\n\r\n")) < 0:
        data = await loop.sock_recv(connection, 65536)
        if not data:
            return None
        held += data
    head = held[:end].decode("latin-1")
    length = re.search(r"(?mi)^content-length: *(\d+)", head)
    total = end + 4 + (int(length[1]) if length else 0)
    while len(held) < total:
        data = await loop.sock_recv(connection, 65536)
        if not data:
            return None
        held += data
    del held[:total]
    return head.split(" ", 2)[1]


async def _serve(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held = bytearray()
    try:
        while (path := await _read_request(loop, connection, held)) is not None:
            match = _NAMED.fullmatch(path)
            name, _, pacing = match[1].rpartition(".") if match else ("", "", "")
            if pacing == "bulk":
                await loop.sock_sendall(connection, _bulk(name))
            elif pacing == "chunked":
                await loop.sock_sendall(connection, _chunked(name))
            elif pacing == "live":
                await loop.run_in_executor(None, _send_live, connection, _by_event(name))
            elif pacing.startswith("each-"):
                await loop.run_in_executor(None, _send_each, connection, _by_event(name), int(pacing[5:]))
            else:
                await loop.sock_sendall(connection, _NOT_FOUND)
    except (ConnectionError, FileNotFoundError):
        pass  # a peer that closes at `done` does not wait for the last chunk, or has ended altogether
    finally:
        connection.close()


async def _main() -> None:
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    tasks: set[asyncio.Task[None]] = set()
    parent_left = loop.run_in_executor(None, sys.stdin.buffer.read)

    async def accept() -> None:
        while True:
            connection, _ = await loop.sock_accept(listener)
            task = loop.create_task(_serve(connection))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    accepting = loop.create_task(accept())
    await asyncio.wait((accepting, parent_left), return_when=asyncio.FIRST_COMPLETED)
    # What runs in threads must not keep the process.
    os._exit(0)


@contextmanager
def running(module: str = "benchmarks.server") -> Iterator[str]:
    """Run a server in a process of its own.

    Args:
        module: Run as a command, it prints its port and serves until its standard input closes.

    Yields:
        The base URL for clients; it ends in `/v1`.
    """
    root = Path(__file__).parent.parent
    process = subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = process.stdout.readline().decode().strip()
        if not port:
            raise RuntimeError(f"the benchmark server did not start: exit status {process.wait()}")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


if __name__ == "__main__":
    asyncio.run(_main())
