"""One answer that streams: the frames of a run's segment on their way to a socket, and the scripted ways to lose them.

A `StreamBody` is filled by `runs`, which never waits, and emptied by the request's handler. Knows frames, not their
meaning.
"""

import asyncio
import contextlib
import socket
import struct
import sys
from typing import Literal

from aiohttp import web

from asyncstream.server.actions import Cut

__all__ = ["StreamBody", "drop_connection"]

# A reset throws away what the kernel has not sent yet; so long the bytes before it may take to leave this process.
_FLUSH_SECONDS = 5.0


class StreamBody:
    """The body of one streaming answer: a queue of frames that ends in a way of ending."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | Cut | None] = asyncio.Queue()
        self._armed: list[Cut] = []
        self._size = 0
        self._limit: int | None = None
        self._limit_cut: Cut | None = None
        self._counts: dict[str, int] = {}
        self._transport: asyncio.Transport | None = None
        self.ended = False

    def put(self, frame: bytes, event: str | None = None) -> None:
        """Append a frame; ignored when the body has ended. An armed cut may fall into it or behind it."""
        if self.ended or not frame:
            return
        if self._limit is not None and self._limit_cut is not None and self._size + len(frame) >= self._limit:
            self._queue.put_nowait(frame[: self._limit - self._size])
            self._end(self._limit_cut)
            return
        self._size += len(frame)
        self._queue.put_nowait(frame)
        if event is None:
            return
        self._counts[event] = self._counts.get(event, 0) + 1
        for cut in self._armed:
            if cut.after_event == event and self._counts[event] >= cut.count:
                self._end(cut)
                return

    def cut(self, cut: Cut) -> None:
        """Cut here, or arm the cut for a later event or byte; the counts of `after_event` begin with the stream."""
        if cut.after_event is not None:
            self._armed.append(cut)
        elif cut.after_bytes:
            self._limit, self._limit_cut = self._size + cut.after_bytes, cut
        else:
            self._end(cut)

    def end(self) -> None:
        """End the body properly."""
        self._end(None)

    def abort(self) -> None:
        """Drop the connection now, with whatever is still queued; for a server that shuts down."""
        self._end(Cut())
        if self._transport is not None:
            self._transport.abort()

    def _end(self, how: Cut | None) -> None:
        if not self.ended:
            self.ended = True
            self._queue.put_nowait(how)

    async def send(self, request: web.Request, *, chunk_bytes: int | None = None) -> web.StreamResponse:
        """Answer a request with this body, to its end.

        A client that goes away ends the sending only; whoever fills the body goes on.
        """
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        self._transport = request.transport
        while True:
            item = await self._queue.get()
            pieces: list[bytes] = []
            # All that waits already goes out in one write.
            while isinstance(item, bytes):
                pieces.append(item)
                if self._queue.empty():
                    break
                item = self._queue.get_nowait()
            data = b"".join(pieces)
            for start in range(0, len(data), chunk_bytes or len(data) or 1):
                await response.write(data[start : start + (chunk_bytes or len(data))])
            if isinstance(item, Cut) and item.how != "eof":
                await drop_connection(request, item.how)
            if not isinstance(item, bytes):
                return response


async def drop_connection(request: web.Request, how: Literal["fin", "rst"]) -> None:
    """Close a request's connection: "fin" after what was written, "rst" with a reset."""
    transport = request.transport
    if transport is None:
        return
    if how == "fin":
        transport.close()
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FLUSH_SECONDS):
            # No callback says that a transport's buffer is empty.
            while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        # Lingering for zero seconds makes close() send a reset; Windows has shorts in this struct.
        layout = "hh" if sys.platform == "win32" else "ii"
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))
    transport.abort()
