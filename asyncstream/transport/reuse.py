"""A connection that is used again: bytes that come on it between two answers are never the next request's answer.

`transport.http` enters an `AttemptTrace` around the sending, and calls `guard` with the response. While the connection
is idle after that, a guard stands in the place of aiohttp's protocol: a byte that comes closes the connection, so that
it is never taken. When it is taken all the same, for what came with the last answer, or is not read yet, it is closed
before a byte is sent, and the attempt is told (`AttemptTrace.refused`).

Above it: `transport.connections`, and the door, `transport.http`.

Rule 1: only what aiohttp and asyncio document, or duck-type, is used: an idle connection that cannot be judged is
closed, never trusted.
"""

import asyncio
import select
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from aiohttp.client_proto import ResponseHandler

__all__ = ["AttemptTrace", "current_attempt", "guard"]

_PROBE: Final = b"HTTP/1.1 204 idle\r\n\r\n"
"""An answer that a parser which stands between two answers reads as exactly this, and any other as something else."""

_attempt: ContextVar["AttemptTrace | None"] = ContextVar("_attempt", default=None)
"""Whose request is being sent in this task."""


class AttemptTrace:
    """What one attempt is seen to do on its connection, while it is entered."""

    __slots__ = ("_token", "refused", "reused", "sent")

    reused: bool
    """Whether the connection had carried a request before."""
    sent: bool
    """Whether the request may have left."""
    refused: bool
    """Whether it was closed here before a byte was sent, because it held bytes that were no answer to a request."""

    def __init__(self, *, sent: bool) -> None:
        self.reused = False
        self.sent = sent
        self.refused = False
        self._token: Token[AttemptTrace | None] | None = None

    def __enter__(self) -> "AttemptTrace":
        self._token = _attempt.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _attempt.reset(self._token)


def current_attempt() -> AttemptTrace | None:
    """Return what is entered in this task."""
    return _attempt.get()


def guard(response: "ClientResponse") -> None:
    """Watch the connection of a response from the moment when its body has ended until it is taken again.

    Call it as soon as there is a response, in the same turn of the event loop.
    """
    connection = response.connection
    if connection is None:
        # All of it came with the head, and aiohttp has put the connection back already; only this still names it.
        protocol: ResponseHandler | None = getattr(response, "_protocol", None)
        if protocol is not None:
            _stand_in(protocol)
        return
    if connection.protocol is not None:
        watched = connection.protocol
        connection.add_callback(lambda: _stand_in(watched))


def _stand_in(protocol: "ResponseHandler") -> None:
    transport = protocol.transport
    if transport is not None and not transport.is_closing():
        _Idle(protocol, transport)


class _Idle(asyncio.Protocol):
    """Stands in the place of aiohttp's protocol, from the end of one answer until the next request."""

    def __init__(self, protocol: "ResponseHandler", transport: asyncio.Transport) -> None:
        self._protocol = protocol
        self._transport = transport
        # Not `data_received`, which some event loops look up only once.
        transport.set_protocol(self)
        # The first thing that aiohttp's session calls on a connection that it has taken, before it sends.
        protocol.set_response_params = self._taken  # type: ignore[method-assign]  # on this one only, and taken off

    def data_received(self, data: bytes) -> None:
        self._transport.abort()

    def eof_received(self) -> None:
        self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        vars(self._protocol).pop("set_response_params", None)
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def _taken(self, **params: Any) -> None:
        protocol, transport = self._protocol, self._transport
        del protocol.set_response_params
        transport.set_protocol(protocol)
        clean = not transport.is_closing() and not _readable(transport) and _between_answers(protocol)
        if not clean:
            # What came must not be read as an answer even now; writing to it fails.
            _take_messages(protocol)
            transport.abort()
        trace = _attempt.get()
        if trace is not None:
            trace.refused = not clean
        protocol.set_response_params(**params)


def _between_answers(protocol: "ResponseHandler") -> bool:
    """Return True if nothing has come behind the last answer: not a message, and not the beginning of one."""
    if len(protocol):
        return False
    protocol.data_received(_PROBE)
    read = _take_messages(protocol)
    return protocol.exception() is None and [(204, "idle")] == [(found.code, found.reason) for found in read]


def _take_messages(protocol: "ResponseHandler") -> list[Any]:
    taken = []
    while len(protocol):
        reading = protocol.read()
        try:
            reading.send(None)
        except StopIteration as read:
            taken.append(read.value[0])
    return taken


def _readable(transport: asyncio.Transport) -> bool:
    """Return True if bytes or the end of a connection wait to be read: a busy event loop has not seen them."""
    connected = transport.get_extra_info("socket")
    descriptor = -1 if connected is None else connected.fileno()
    if descriptor < 0:
        return False
    if not hasattr(select, "poll"):
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
