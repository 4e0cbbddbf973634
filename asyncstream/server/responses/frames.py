"""The bytes of a response's stream, in the shape of a dialect: events, ``[DONE]``, what stands between. Pure.

Written by hand and not with `asyncstream.sse`, whose encoder is too well-behaved for dialects.
"""

import secrets

import msgspec

from asyncstream.server.responses_dialects import ResponsesDialect
from asyncstream.server.state import Wire

__all__ = ["done_frame", "event_frame", "name_of"]

_BLOCK = 16


def name_of(event: Wire) -> str:
    """Return what an event is called in `Cut(after_event=...)`: its type, or "error" for an error without one."""
    return str(event.get("type", "error"))


def event_frame(event: Wire, dialect: ResponsesDialect, *, obfuscated: bool = False) -> bytes:
    """Return an event as bytes.

    Args:
        event: The event, in the shape of the dialect.
        dialect: How it is framed.
        obfuscated: Whether its delta, if it has one, is padded so that its length tells nothing.
    """
    if obfuscated and isinstance(event.get("delta"), str):
        event = {**event, "obfuscation": secrets.token_urlsafe(_BLOCK)[: _BLOCK - len(event["delta"]) % _BLOCK]}
    name = f"event: {event['type']}\n".encode() if dialect.names and "type" in event else b""
    return dialect.noise + name + b"data: " + msgspec.json.encode(event) + b"\n\n"


def done_frame(dialect: ResponsesDialect) -> bytes:
    """Return what ends the stream; nothing in dialects that just end."""
    return dialect.noise + b"data: [DONE]\n\n" if dialect.done else b""
