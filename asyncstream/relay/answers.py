"""What a request is answered with, decided once for all doors: `begin` gives the status, the headers, and the body.

    plain text, to a reader who could not tell its end from a cut       505
    HEAD of a stream, for which the upstream is not asked               200, no body
    what the upstream, the log or its hook refuses                      as the view refuses: their status, mostly JSON
    a reader that has all of a run that is over                         204
    plain text that failed before its first word                        500 to 504, an error as JSON
    all else                                                            200, and what the pump gives

HEAD of a run in a log is judged like a GET, for that costs a look into the store. Above it: `web` and `asgi`, which
write what is decided here and decide nothing. Below it: `pump`, whose shape is asked, and `errors`.

Rule 1: no answer is kept by a cache: not a refusal and not a 204, which caches may keep unless they are told.
Rule 2: no header stands twice, in whatever case it was written, but `Set-Cookie`. The application's own win over the
relay's; where the body is not the stream, they do not say what the body is.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from multidict import CIMultiDict

from asyncstream.errors import APIError, AsyncStreamError, ConfigurationError
from asyncstream.relay import errors
from asyncstream.relay.errors import HTTPVersionError, RelayError, error_body, error_headers
from asyncstream.relay.pump import Pump, cut_error, told_in
from asyncstream.transport.request import check_header

__all__ = ["Answer", "Asked", "begin", "own_headers"]

_OF_THE_BODY: Final = ("Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition")

_STATUSES: Final[Mapping[object, int]] = {
    kind.code: kind.status for name, kind in vars(errors).items() if name in errors.__all__ and name.endswith("Error")
}
"""By the code that an `error` entry tells."""


class Asked(Struct, frozen=True):
    """A request as `begin` judges it; each door fills it in."""

    method: str
    can_cut: bool
    """Whether the door can end a body so that no reader takes it for whole: by a chunk that is missing, or a reset."""


class Answer(Struct, frozen=True):
    """What `begin` decided: a door writes status and headers, then `body`, or what the pump gives."""

    status: int
    headers: CIMultiDict[str]
    body: bytes | None
    """All of it; None for what the pump gives."""


def own_headers(headers: Mapping[str, str] | None) -> CIMultiDict[str]:
    """Return the headers that an application gave; of one name the last stands, but of `Set-Cookie` all.

    Raises:
        ConfigurationError: One cannot be sent, or follows from the body.
    """
    own: CIMultiDict[str] = CIMultiDict()
    if headers is None:
        return own
    if not isinstance(headers, Mapping):
        raise ConfigurationError(f"expected headers to be a mapping of names to values, got {type(headers).__name__}")
    for name, value in headers.items():
        check_header(name, value)
        if value is None or not value.isascii():
            # What else there is, one server sends as latin-1 and another as UTF-8.
            raise ConfigurationError(f"the value of header {name!r} must be ASCII")
        if name.lower() == "set-cookie":
            own.add(name, value)
        else:
            own[name] = value
    return own


async def begin(pump: Pump, asked: Asked, own: CIMultiDict[str]) -> Answer:
    """Decide on the answer to a request: open what is relayed, unless that is not needed.

    Whoever calls it closes the pump.

    Args:
        pump: What is to be given.
        asked: The request.
        own: The application's headers.

    Raises:
        ReaderGone: The reader left meanwhile.
        ConfigurationError: The stream was used up. And whatever else the source raises that is no refusal.
    """
    if not (pump.shape.tells_end or asked.can_cut):
        pump.over = True
        error = HTTPVersionError(
            "plain text over HTTP/1.0 has no end that can be told from a cut: ask by HTTP/1.1 (nginx: "
            "proxy_http_version 1.1), or for server-sent events or lines of JSON"
        )
        return _refusal(pump, asked, error, own)
    head = asked.method == "HEAD"
    if head and not pump.recorded:
        pump.over = True
        return Answer(200, _of_the_stream(pump, own), b"")
    pump.can_cut = asked.can_cut
    try:
        await pump.open()
    except (APIError, RelayError) as error:
        return _refusal(pump, asked, error, own)
    if pump.at_end:
        # What makes an `EventSource` stay away.
        return Answer(204, _merged({"Cache-Control": "no-store"}, own, without_body=True), b"")
    if head:
        pump.over = True
        return Answer(200, _of_the_stream(pump, own), b"")
    if not pump.shape.tells_end:
        # Text says nothing before its first word. Until then a failure has a status, which is more than a cut.
        await pump.ready()
        if pump.ended_empty and pump.cut:
            pump.over = True
            return _failure(pump, own)
    return Answer(200, _of_the_stream(pump, own), None)


def _refusal(pump: Pump, asked: Asked, error: AsyncStreamError, own: CIMultiDict[str]) -> Answer:
    refusal = pump.shape.refusal(error)
    given = {**refusal.headers, "Content-Length": str(len(refusal.body))}
    headers = _merged(given, own, without_body=True)
    return Answer(refusal.status, headers, b"" if asked.method == "HEAD" else refusal.body)


def _failure(pump: Pump, own: CIMultiDict[str]) -> Answer:
    """Return the answer of a text that ended before its first word: the status of its error, in place of a 200."""
    error = cut_error(pump)
    told = told_in(pump.failure or b"")
    body = pump.failure if pump.failure and told else error_body(RelayError(error.message))
    status = _STATUSES.get(told.get("code", RelayError.code), 502)
    headers = _merged(error_headers(error) | {"Content-Length": str(len(body))}, own, without_body=True)
    return Answer(status, headers, body)


def _of_the_stream(pump: Pump, own: CIMultiDict[str]) -> CIMultiDict[str]:
    headers = {
        "Content-Type": pump.shape.content_type,
        "Cache-Control": "no-store",
        # nginx and its kin hold back an answer until a buffer is full.
        "X-Accel-Buffering": "no",
        # Middlewares that compress, and hold back what they compress, leave alone what is encoded already.
        "Content-Encoding": "identity",
        **pump.shape.headers,
    }
    request_id = pump.request_id
    # The words of another server: what is no plain text there would break the answer here.
    if request_id is not None and request_id.isascii() and request_id.isprintable():
        headers["X-Request-Id"] = request_id
    return _merged(headers, own)


def _merged(ours: Mapping[str, str], own: CIMultiDict[str], *, without_body: bool = False) -> CIMultiDict[str]:
    """Return our headers and the application's, which win; `without_body` without those that describe the stream."""
    theirs = own.copy()
    if without_body:
        for name in _OF_THE_BODY:
            theirs.popall(name, None)
    merged = CIMultiDict({name: value for name, value in ours.items() if name not in theirs})
    merged.extend(theirs)
    return merged
