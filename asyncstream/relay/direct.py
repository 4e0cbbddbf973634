"""What a relay sends to one reader: the iterators of bytes that need no connection, and the pump behind every door.

Below it: `views`, which is asked for what the reader wants; `pump`, which reads ahead, beats and closes. Above it:
`web` and `asgi`, which know of connections, and `answers`, which decides what these say before the first byte.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection
from typing import Self

from asyncstream.errors import ConfigurationError, StreamInterruptedError
from asyncstream.relay.entries import Relayed
from asyncstream.relay.pump import Pump, pumped
from asyncstream.relay.views import Form, RelayView, show

__all__ = [
    "Frames",
    "make_pump",
    "ndjson_lines",
    "sse_frames",
    "text_chunks",
]


class Frames:
    """The bytes of a relay, to be iterated once. The upstream is closed when they end, are closed or are dropped.

    Cancelling a step closes it too, which is what frameworks rely on when a browser leaves. So a step after that is
    an error: what was cut must not look like an end.
    """

    def __init__(self, chunks: AsyncGenerator[bytes, None]) -> None:
        self._chunks = chunks
        self._cancelled = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._cancelled:
            raise StreamInterruptedError("this relay was cancelled, which closed its upstream")
        try:
            return await self._chunks.__anext__()
        except asyncio.CancelledError:
            self._cancelled = True
            raise

    async def aclose(self) -> None:
        """Close the upstream. May be called at any time, also twice."""
        await self._chunks.aclose()


def sse_frames(
    source: Relayed,
    *,
    view: RelayView = "events",
    expose: Collection[str] = (),
    heartbeat: float | None = 15.0,
    compatible: bool = False,
) -> Frames:
    """Give a stream as server-sent events: the protocol's own frames, then `done` or one `error`.

    Opens what is not open, and closes it in any case; `aclose` of the iterator closes it at once.

    Args:
        source: A stream, opened or not; or a `Following` of a log.
        view: The wire's events, typed changes, the text alone, or what pages read. Entries of your own that are parts
            for pages go out in the view of these.
        expose: Members that are sent although they are left out by default, such as `metadata` or `instructions`.
        heartbeat: Seconds of silence after which a comment is sent; None for never.
        compatible: Whether the frames are as the upstream's, for clients that know nothing of a relay: what is left out
            of a stream's events is there and empty.

    Yields:
        One frame or several whole ones, as they come.

    Raises:
        APIError: The request failed; nothing was streamed. Later failures are the `error` event.
        RelayError: There is no such run in the log, or not from that cursor on.
        ConfigurationError: These arguments do not go together.
    """
    pump = make_pump(
        source,
        form="sse",
        view=view,
        expose=expose,
        heartbeat=heartbeat,
        compatible=compatible,
        stall_timeout=None,
    )
    return Frames(pumped(pump))


def ndjson_lines(
    source: Relayed, *, view: RelayView = "events", expose: Collection[str] = (), heartbeat: float | None = 15.0
) -> Frames:
    """Give a stream as lines of JSON: chat chunks and text as they are, other events as ``{"event", "data"}``.

    The last line is ``{"event": "done", ...}`` or ``{"event": "error", ...}``; a heartbeat is an empty line. Otherwise
    as `sse_frames`.

    Yields:
        One line or several whole ones, as they come.

    Raises:
        APIError: The request failed; nothing was streamed.
        RelayError: There is no such run in the log, or not from that cursor on.
        ConfigurationError: These arguments do not go together.
    """
    pump = make_pump(
        source, form="ndjson", view=view, expose=expose, heartbeat=heartbeat, compatible=False, stall_timeout=None
    )
    return Frames(pumped(pump))


def text_chunks(source: Relayed) -> Frames:
    """Give the text of a stream as UTF-8 and nothing else.

    Plain text has no way to say that it is not whole, so a failure is raised: frameworks then cut the connection. To
    HTTP/1.0 a cut looks like an end all the same; `relay_response`, `RelayResponse` and `open_relay` know of that.

    Raises:
        APIError: The request failed; nothing was streamed.
        StreamEventError: The stream failed in the middle; what came before was given.
    """
    pump = make_pump(source, form="text", view=None, expose=(), heartbeat=None, compatible=False, stall_timeout=None)
    return Frames(pumped(pump))


def make_pump(
    source: Relayed,
    *,
    form: Form,
    view: RelayView | None,
    expose: Collection[str],
    heartbeat: float | None,
    compatible: bool,
    stall_timeout: float | None,
) -> "Pump":
    """Return the pump that every door reads from: the entries of a source, in the form and view that were asked for.

    Raises:
        ConfigurationError: These do not go together, or are none.
    """
    for name, seconds in (("heartbeat", heartbeat), ("stall_timeout", stall_timeout)):
        if seconds is not None and not seconds > 0:
            raise ConfigurationError(f"expected {name} to be seconds above zero, or None for none, got {seconds!r}")
    shown = show(source, form=form, view=view, expose=expose, compatible=compatible)
    return Pump(shown.source, shown.shape, heartbeat=heartbeat, stall=stall_timeout, shape_of=shown.shape_of)
