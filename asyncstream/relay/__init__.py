"""A stream out to browsers: directly, or through a log that they come back to; and a follower for Python.

    return await relay_response(request, client.threads.runs.stream(thread_id, assistant_id=assistant_id))

Direct: `relay_response` (aiohttp.web), `RelayResponse` and `open_relay` (ASGI), `sse_frames` and its kin (anything).
Resumable: `RunLog` over a `MemoryStore` or a `RedisStore`. Python readers: `follow`.
"""

from typing import TYPE_CHECKING

from asyncstream.faces import face
from asyncstream.relay.asgi import OpenedRelay, RelayResponse, open_relay
from asyncstream.relay.cursor import after_of
from asyncstream.relay.direct import ndjson_lines, sse_frames, text_chunks
from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import (
    AccessDeniedError,
    BadCursorError,
    CursorGoneError,
    HTTPVersionError,
    ProducerLostError,
    RelayError,
    RunCancelledError,
    RunExistsError,
    RunNotFoundError,
    StoreError,
    error_body,
    error_headers,
    error_status,
)
from asyncstream.relay.following.follow import follow
from asyncstream.relay.following.follower import Follower
from asyncstream.relay.log.memory import MemoryStore
from asyncstream.relay.log.reader import Following
from asyncstream.relay.log.run_log import RunLog
from asyncstream.relay.views import project
from asyncstream.relay.web import relay_response

if TYPE_CHECKING:
    from asyncstream.relay.log.redis_store import RedisStore
else:
    # Only who asks for the store needs what it stands on.
    __getattr__, __dir__ = face(__name__, RedisStore="asyncstream.relay.log.redis_store")

__all__ = [
    "AccessDeniedError",
    "BadCursorError",
    "CursorGoneError",
    "Entry",
    "Follower",
    "Following",
    "HTTPVersionError",
    "MemoryStore",
    "OpenedRelay",
    "ProducerLostError",
    "RedisStore",
    "RelayError",
    "RelayResponse",
    "RunCancelledError",
    "RunExistsError",
    "RunLog",
    "RunNotFoundError",
    "StoreError",
    "after_of",
    "error_body",
    "error_headers",
    "error_status",
    "follow",
    "ndjson_lines",
    "open_relay",
    "project",
    "relay_response",
    "sse_frames",
    "text_chunks",
]
