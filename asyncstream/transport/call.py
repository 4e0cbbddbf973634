"""One call in progress: its URL, its own headers, its deadlines on the loop's clock, its secrets; and reading bodies.

Below `transport.http`, which makes one `Call` for each `send` or `open` and keeps it over all attempts.
"""

import asyncio
import os
from collections.abc import Sequence

import aiohttp
from msgspec import Struct
from yarl import URL

from asyncstream.sse import begins_as_stream
from asyncstream.transport.answers import MAX_BODY, Answer, make_answer
from asyncstream.transport.codings import coding_of, reader_of, unpacker_for
from asyncstream.transport.connections import running_loop
from asyncstream.transport.failures import FOREIGN
from asyncstream.transport.fairness import Fairness
from asyncstream.transport.observing import SILENT, Watch
from asyncstream.transport.redaction import Secrets
from asyncstream.transport.request import HeaderValues, Request
from asyncstream.transport.spool import Spool
from asyncstream.transport.timeout import Timeout
from asyncstream.version import VERSION

__all__ = ["Body", "Call", "read_beginning", "read_body"]

_USER_AGENT = f"asyncstream/{VERSION}"


class Call:
    """One call: all its attempts, the waits between them, and the reading of the answer.

    Attributes:
        request: What is called.
        url: Where.
        timeout: Its deadlines.
        headers: What the transport itself wants to be sent, apart from the keys.
        idempotency_key: The same for all attempts, so that a server that knows the header runs the call once; or None.
        framing: What is sent whatever others want.
        secrets: What no error may repeat.
        total: When the whole call must be over, on the loop's clock; None is never.
        deadline: When the current attempt must be over; None is never.
        attempt: The number of the current attempt, from 1.
        retries: How many of the retries that the policy allows are used up.
        watch: Who is told of it.
    """

    def __init__(self, request: Request, *, url: URL, timeout: Timeout, accept: HeaderValues) -> None:
        self.request = request
        self.url = url
        self.timeout = timeout
        self.headers: dict[str, str | None] = {"User-Agent": _USER_AGENT, **accept}
        if request.body is not None:
            self.headers["Content-Type"] = "application/json"
        # No one else's media type has the boundary that the form has.
        self.framing: HeaderValues = {} if request.form is None else {"Content-Type": request.form.content_type}
        self.idempotency_key = f"asyncstream-{os.urandom(16).hex()}" if request.method == "POST" else None
        self.secrets = Secrets()
        if url.raw_query_string:
            self.secrets.add(url.query.items())
        self.total = None if timeout.total is None else _now() + timeout.total
        self.deadline: float | None = None
        self.attempt = 0
        self.retries = 0
        self.watch: Watch = SILENT

    @property
    def target(self) -> str:
        """Host and port, for messages."""
        host = self.url.host or ""
        return f"[{host}]:{self.url.port}" if ":" in host else f"{host}:{self.url.port}"

    def begin_attempt(self) -> None:
        """Count the attempt and start the clock of its response deadline."""
        self.attempt += 1
        self.restart_clock()

    def restart_clock(self) -> None:
        """Start the clock of the response deadline anew, as content has moved: slow is not stuck."""
        self.deadline = self.total if self.timeout.response is None else self.within(self.timeout.response)

    @property
    def sendable(self) -> bool:
        """Whether it can be sent (again): content that cannot be read again is sent once."""
        return self.request.form is None or self.request.form.sendable

    def within(self, seconds: float) -> float:
        """Return the time in some seconds, or the end of the call if that is earlier."""
        end = _now() + seconds
        return end if self.total is None else min(end, self.total)

    def ends_within(self, seconds: float) -> bool:
        """Return True if the call must be over before such a wait is."""
        return self.total is not None and _now() + seconds >= self.total

    def timed_out(self, what: str) -> str:
        """Return the message for the deadline of the attempt."""
        if self.total is not None and self.deadline == self.total:
            return f"{what} from {self.target} within the total of {self.timeout.total:g} s"
        return f"{what} from {self.target} within {self.timeout.response:g} s"

    def answer(self, response: aiohttp.ClientResponse, body: bytes = b"") -> Answer:
        """Return what errors may tell of a response."""
        return make_answer(response.status, response.reason, response.headers, body, self.secrets)


class Body(Struct, frozen=True):
    """A body as far as it was read."""

    data: bytes
    """All of it; of one that is not whole, the first `MAX_BODY` bytes, as no error keeps more."""
    size: int
    """Bytes read."""
    whole: bool
    error: Exception | None
    """What ended the reading of one that is not whole; None if it was the limit."""


async def read_beginning(response: aiohttp.ClientResponse, until: float | None) -> tuple[list[bytes], bool]:
    """Read as much of a body as tells whether it is an event stream, whatever it is called.

    Returns:
        What was read, as it came, and whether it begins as an event stream. One that breaks or ends before that is
        known, or takes longer than to a deadline on the loop's clock, does not.
    """
    begun: list[bytes] = []
    unpacker = unpacker_for(response.headers)
    plain = b""
    streams: bool | None = None
    try:
        async with asyncio.timeout_at(until):
            while streams is None:
                piece = await response.content.readany()
                if not piece:
                    break
                begun.append(piece)
                if unpacker is not None:
                    unpacker.feed(piece)
                    piece = unpacker.take()
                plain += piece
                streams = begins_as_stream(plain)
    except FOREIGN:
        pass  # reading on meets it again
    except BaseException:
        response.close()
        raise
    return begun, streams is True


async def read_body(
    response: aiohttp.ClientResponse, limit: int, until: float | None, begun: Sequence[bytes] = ()
) -> Body:
    """Read a body up to a limit in bytes and a deadline on the loop's clock.

    A body that is not whole closes its connection; a whole one gives it back to the pool.

    Args:
        response: An open response.
        limit: Bytes that are read at most.
        until: The loop time at which reading ends; None is never.
        begun: What `read_beginning` has read of it.
    """
    read = reader_of(response, begun)
    spool = Spool()
    whole = False
    caught: Exception | None = None
    if not coding_of(response.headers) and (response.content_length or 0) > limit:
        # What is announced to be too much need not be read to be known.
        limit = min(limit, MAX_BODY)
    try:
        async with asyncio.timeout_at(until):
            while not whole and spool.size <= limit:
                piece = await read()
                spool.add(piece)
                whole = not piece
    except FOREIGN as error:
        caught = error
    finally:
        if whole:
            response.release()
        else:
            response.close()
    if not whole:
        return Body(spool.beginning(MAX_BODY), spool.size, whole, caught)
    pieces = []
    fairness = Fairness()
    for piece in spool.pieces():
        pieces.append(piece)
        await fairness.give_way()
    return Body(b"".join(pieces), spool.size, whole, caught)


def _now() -> float:
    return running_loop().time()
