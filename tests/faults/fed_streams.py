"""Streams that are fed from memory: the real stream objects over chunks that a test cuts. No network."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from asyncstream import AssistantEventHandler, AssistantStream, ChatStream, ResponseStream
from asyncstream.transport.http import Transport
from asyncstream.transport.live import LiveResponse
from asyncstream.transport.request import Request

__all__ = ["fed", "fed_assistants", "fed_chat", "fed_responses"]

REQUEST = Request(method="POST", path="/fed")


class FedBody:
    """The body of a response: chunks that are here, each one a read of its own."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter([chunk for chunk in chunks if chunk])
        self.total_bytes = 0

    def is_eof(self) -> bool:
        return False  # so that it is awaited

    async def readany(self) -> bytes:
        return next(self._chunks, b"")


class FedResponse:
    """What a stream asks of aiohttp's response."""

    status = 200
    reason = "OK"
    headers: dict[str, str] = {}
    connection = None
    closed = False

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.content = FedBody(chunks)

    def close(self) -> None:
        self.closed = True


class FedTransport:
    """A door behind which lie the bodies of the answers, in their order."""

    def __init__(self, bodies: Sequence[Iterable[bytes]]) -> None:
        self._bodies = iter(bodies)

    async def open(self, request: Request) -> LiveResponse:
        return LiveResponse(
            cast("Any", FedResponse(next(self._bodies))),
            event_timeout=None,
            total_deadline=None,
            max_event_bytes=16 << 20,
        )


def fed_assistants(*bodies: Iterable[bytes], handler: AssistantEventHandler | None = None) -> AssistantStream:
    """Return an unopened stream whose answers have these chunks: the second one is that to the tool outputs."""
    return AssistantStream(
        cast("Transport", FedTransport(bodies)), REQUEST, event_handler=handler, resume=lambda *_: REQUEST
    )


def fed_chat(body: Iterable[bytes]) -> ChatStream:
    """Return an unopened stream whose answer has these chunks."""
    return ChatStream(cast("Transport", FedTransport([body])), REQUEST)


def fed_responses(body: Iterable[bytes]) -> ResponseStream[None]:
    """Return an unopened stream whose answer has these chunks, and which is not in the background."""
    request = Request(method="POST", path="/fed", body=b"{}")
    return ResponseStream(cast("Transport", FedTransport([body])), request, rejoin=lambda *_: request)


def fed(protocol: str, body: Iterable[bytes]) -> Any:
    """Return an unopened stream of a protocol whose answer has these chunks."""
    return {"assistants": fed_assistants, "chat": fed_chat, "responses": fed_responses}[protocol](body)
