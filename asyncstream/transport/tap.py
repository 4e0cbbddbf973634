"""The bytes of an open response as they come in: `tap`, which hands them on in the callback that has received them.

A `Tap` is a protocol that stands before aiohttp's own on the connection of one response. It passes on all that the
transport calls, so that aiohttp's parser does what it always does, and takes what that has made of it. Where none can
stand, a `Pull` reads as whoever awaits aiohttp would; a `Rest` takes a body that is here to its end already.
Above them: `transport.live`, which queues the bytes.

Rule 1: bytes are taken as soon as they are here: aiohttp drops what it holds when a body breaks.
Rule 2: before the connection goes back to its pool, or is closed, aiohttp's protocol is in its place again.
Rule 3: to resume the reader is the last thing that a callback does: it may close all this in the meantime.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from asyncstream.transport.arrival import Arrival

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from aiohttp.client_proto import ResponseHandler

__all__ = ["Pull", "Rest", "Tap", "tap"]

Take = Callable[[bytes], None]
"""Is given the bytes, none of them twice."""

End = Callable[[BaseException | None], None]
"""Is told once that no more will come: None if the body has ended, else what it broke with."""

AT_ONCE = 64 * 1024
"""Bytes of one read above which its reader is resumed in a callback of its own. What it does with so many takes longer
than a turn of the loop; and uvloop reads a connection that is so fast on and on, before it looks at others."""


def tap(response: "ClientResponse", arrival: Arrival, *, read: int, take: Take, end: End) -> "Rest | Tap | Pull":
    """Begin to read an open response: what is here already is given before this returns.

    Args:
        response: The response, of which nothing else reads.
        arrival: Where the reader waits; it is woken for bytes and for the end.
        read: Bytes of its body that were read before.
        take: Is given the bytes.
        end: Is told of the end; it may close what this returns.
    """
    source: Rest | Tap | Pull
    if response.content.is_eof():
        source = Rest(response, take, end)
    else:
        source = _stand_before(response, arrival, read, take, end) or Pull(response, arrival, take, end)
    source.collect()
    return source


def _stand_before(response: "ClientResponse", arrival: Arrival, read: int, take: Take, end: End) -> "Tap | None":
    connection = response.connection
    protocol = None if connection is None else connection.protocol
    transport = None if protocol is None else protocol.transport
    if connection is None or protocol is None or transport is None:
        return None
    try:
        if transport.get_protocol() is not protocol:
            return None
        tapped = Tap(response, protocol, transport, arrival, read, take, end)
        transport.set_protocol(tapped)
    except (AttributeError, NotImplementedError):
        # A transport need not let its protocol be replaced.
        return None
    connection.add_callback(tapped.step_aside)
    return tapped


class Rest:
    """Takes a body that is here to its end: a short answer mostly comes in one read with its head."""

    def __init__(self, response: "ClientResponse", take: Take, end: End) -> None:
        self._content = response.content
        self._take = take
        self._end = end
        self._over = False

    def collect(self) -> None:
        """Hand on all of it, and the end."""
        if self._over:
            return
        self._over = True
        try:
            while chunk := self._content.read_nowait():
                self._take(chunk)
        except Exception as error:  # whatever a broken body raises
            self._end(error)
        else:
            self._end(None)

    def close(self) -> None:
        """Hand nothing on any more."""
        self._over = True


class Tap(asyncio.Protocol):
    """Stands before aiohttp's protocol on the connection of one response."""

    def __init__(
        self,
        response: "ClientResponse",
        protocol: "ResponseHandler",
        transport: asyncio.Transport,
        arrival: Arrival,
        read: int,
        take: Take,
        end: End,
    ) -> None:
        self._content = response.content
        self._protocol = protocol
        # Looked up once, as transports do.
        self._pass_on = protocol.data_received
        self._transport = transport
        self._arrival = arrival
        self._read = read
        self._take = take
        self._end = end
        self._over = False
        self._ended = False
        self._content.on_eof(self._note_end)

    def _note_end(self) -> None:
        self._ended = True

    def data_received(self, data: bytes) -> None:
        pass_on = self._pass_on
        pass_on(data)
        if self._content.total_bytes != self._read or self._ended:
            self.collect()
            if len(data) > AT_ONCE:
                self._arrival.wake_soon()
            else:
                self._arrival.wake()

    def eof_received(self) -> None:
        self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)
        # What aiohttp does not tell the body, `connections.end_with_connection` does, in a callback that is due now.
        self._arrival.get_loop().call_soon(self._look)
        self._look()

    def _look(self) -> None:
        broken = None if self._over else self._content.exception()
        if broken is None:
            self.collect()
        else:
            self._break_off(broken)
        self._arrival.wake()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def collect(self) -> None:
        """Hand on what aiohttp has read of the body and not given yet, then the end, if it has come."""
        if self._over:
            return
        content, take = self._content, self._take
        try:
            # Taking bytes may let aiohttp go on with others, which it had put off.
            while content.total_bytes != self._read and (chunk := content.read_nowait()):
                self._read += len(chunk)
                take(chunk)
        except Exception as broken:
            self._break_off(broken)
            return
        if self._ended:
            self._finish(None)

    def _break_off(self, broken: BaseException) -> None:
        """Hand on what came in one read with what breaks the body: while that is known, no bytes are given."""
        content = self._content
        content.set_exception(None)  # type: ignore[arg-type]  # so it was before
        while content.total_bytes != self._read and (chunk := content.read_nowait()):
            self._read += len(chunk)
            self._take(chunk)
        content.set_exception(broken)
        self._finish(broken)

    def _finish(self, broken: BaseException | None) -> None:
        end = self._end
        self.close()
        end(broken)

    def close(self) -> None:
        """Put aiohttp's protocol back, and hand nothing on any more."""
        if not self._over:
            self._over = True
            # They lead to whoever holds this.
            del self._take, self._end
            self.step_aside()

    def step_aside(self) -> None:
        """Put aiohttp's protocol back: it lets go of the connection, perhaps in the midst of the last bytes."""
        # Not what keeps watch over an idle connection, and has taken this place already: `reuse`.
        if self._transport.get_protocol() is self:
            self._transport.set_protocol(self._protocol)


class Pull:
    """Reads a response as whoever awaits it does, driven by hand: so it needs no task, which would have to be ended."""

    def __init__(self, response: "ClientResponse", arrival: Arrival, take: Take, end: End) -> None:
        self._content = response.content
        self._arrival = arrival
        self._take = take
        self._end = end
        self._reading: Coroutine[asyncio.Future[None], None, bytes] = self._content.readany()
        self._awaited: asyncio.Future[None] | None = None
        self._over = False

    def collect(self) -> None:
        """Hand on what aiohttp gives, until it lets its reader wait, or the end."""
        while self._awaited is None and not self._over:
            try:
                awaited = self._awaited = self._reading.send(None)
            except StopIteration as stop:
                if stop.value:
                    self._reading = self._content.readany()
                    self._take(stop.value)
                else:
                    self._over = True
                    self._end(None)
            except Exception as error:  # whatever a broken body raises
                self._over = True
                self._end(error)
            else:
                # The answer of a task to a future that says that it waits.
                awaited._asyncio_future_blocking = False
                awaited.add_done_callback(self._go_on)

    def _go_on(self, _: "asyncio.Future[None]") -> None:
        self._awaited = None
        self.collect()
        self._arrival.wake()

    def close(self) -> None:
        """Stop to read, and hand nothing on any more."""
        self._over = True
        self._reading.close()
        if self._awaited is not None and self._awaited.done() and not self._awaited.cancelled():
            self._awaited.exception()  # nobody will look at it any more: asyncio need not tell that
