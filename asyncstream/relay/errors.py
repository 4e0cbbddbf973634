"""The errors of the relay, and what a browser may hear of any error: a status, and one JSON object.

    RelayError                            has a `status`, the HTTP status that says it, and `body()`
    ├─ BadCursorError                     400: a `Last-Event-ID` or `?after=` that is no number
    ├─ AccessDeniedError                  403: the hook of the application said no
    ├─ RunNotFoundError                   404: nobody has started this run, or it has expired
    ├─ RunExistsError                     409: somebody else has started this run
    ├─ CursorGoneError                    410: what follows the cursor is not kept any more, or is not there yet
    ├─ ProducerLostError                  500: whoever read the upstream is gone; the run cannot go on
    ├─ RunCancelledError                  500: the application cancelled the run, or closed its log
    ├─ StoreError                         503: the store cannot be reached, or failed
    └─ HTTPVersionError                   505: plain text over HTTP/1.0, where a cut would look like the end

Pure. The JSON is always ``{"error": {"message", "type", "code", "param"}}``.

Rule 1: every class is constructed from its message alone plus keywords, so that pickling keeps all attributes.
Rule 2: no key, no credential and no address of the upstream reaches a browser: what is told of an error is decided
here, by its class; what another server wrote passes `words`, whichever member it stands in.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec
from msgspec import Struct

from asyncstream.decoding import dump_raw
from asyncstream.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AsyncStreamError,
    ErrorValue,
    StreamDecodeError,
    StreamEventError,
    StreamInterruptedError,
    StreamTimeoutError,
    StreamTruncatedError,
)
from asyncstream.relay.words import public_words

__all__ = [
    "AccessDeniedError",
    "BadCursorError",
    "CursorGoneError",
    "HTTPVersionError",
    "ProducerLostError",
    "RelayError",
    "RunCancelledError",
    "RunExistsError",
    "RunNotFoundError",
    "StoreError",
    "error_body",
    "error_headers",
    "error_status",
]


class RelayError(AsyncStreamError):
    """The relay cannot do what a reader or a producer asked for."""

    status: ClassVar[int] = 500
    """The HTTP status that says it."""
    type: ClassVar[str] = "server_error"
    code: ClassVar[str] = "relay_error"

    def body(self) -> bytes:
        """Return the JSON body of the HTTP answer."""
        return error_body(self)


class BadCursorError(RelayError):
    """400, the reader: a cursor is a whole number."""

    status = 400
    type = "invalid_request_error"
    code = "bad_cursor"


class AccessDeniedError(RelayError):
    """403, the reader: the application's hook refused the request."""

    status = 403
    type = "invalid_request_error"
    code = "access_denied"


class RunNotFoundError(RelayError):
    """404, the reader: no such run, or not any more."""

    status = 404
    type = "invalid_request_error"
    code = "run_not_found"


class RunExistsError(RelayError):
    """409, the application: a run has one producer; choose another id, or follow the run that is there."""

    status = 409
    type = "invalid_request_error"
    code = "run_exists"


class CursorGoneError(RelayError):
    """410, the reader: start from the beginning, or fetch the finished answer elsewhere."""

    status = 410
    type = "invalid_request_error"
    code = "cursor_gone"


class ProducerLostError(RelayError):
    """The process that read the upstream has died, or is cut off: what is in the log is all there will be."""

    code = "producer_lost"


class RunCancelledError(RelayError):
    """The application cancelled the run, or closed the log that produced it: what was stored is all there will be."""

    code = "cancelled"


class StoreError(RelayError):
    """503, the operator: the store cannot be reached, or failed.

    Attributes:
        host: Where it was looked for; None for a store in memory.
        port: Its port.
    """

    status = 503
    code = "store_unavailable"

    host: str | None
    port: int | None

    def __init__(self, message: str, *, host: str | None = None, port: int | None = None) -> None:
        super().__init__(message)
        self.host = host
        self.port = port


class HTTPVersionError(RelayError):
    """505, the operator: the proxy before this relay asks by HTTP/1.0, which nginx does by default."""

    status = 505
    type = "invalid_request_error"
    code = "http_version_not_supported"


class _Told(Struct, frozen=True):
    """The members of `error` in the JSON that goes to a browser."""

    message: str
    type: ErrorValue = "upstream_error"
    code: ErrorValue = None
    param: ErrorValue = None


def error_body(error: BaseException) -> bytes:
    """Return what a browser may hear of an error, as JSON: the body of an answer, or the data of an `error` event."""
    told = _told_of(error)
    try:
        return msgspec.json.encode({"error": told})
    except (UnicodeEncodeError, TypeError, RecursionError):
        # Half a surrogate pair in the words of the server.
        return dump_raw({"error": msgspec.structs.asdict(told)})


def error_status(error: AsyncStreamError) -> int:
    """Return the HTTP status that says, before anything was streamed, why there will be no answer."""
    match error:
        case RelayError():
            return error.status
        case APIStatusError(status=int() as status) if 400 <= status <= 599:
            return status
        case APITimeoutError():
            return 504
        case APIError():
            return 502
        case _:
            return 500


def error_headers(error: AsyncStreamError) -> dict[str, str]:
    """Return the headers of such an answer; `Retry-After` only where the upstream gave one."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    given: Mapping[str, str] | None = getattr(error, "headers", None)
    retry_after = given.get("Retry-After") if given is not None else None
    if retry_after is not None and retry_after.isprintable() and public_words(retry_after) == retry_after.strip():
        headers["Retry-After"] = retry_after
    return headers


def _told_of(error: BaseException) -> _Told:
    match error:
        case StoreError(host=str()):
            return _Told("the store of this relay failed", error.type, error.code)
        case StoreError():
            return _Told(public_words(str(error)), error.type, error.code)
        case RelayError():
            return _Told(str(error), error.type, error.code)
        case StreamEventError():
            return _words_of(error)
        case StreamInterruptedError():
            message = f"the connection to the upstream was lost after {error.events_seen} events"
            return _Told(message, code="stream_interrupted")
        case StreamTruncatedError():
            # It names the last event, in the words of the server.
            return _Told(public_words(error.message), code="stream_truncated")
        case StreamTimeoutError():
            return _Told(public_words(error.message), code="stream_timeout")
        case StreamDecodeError():
            return _Told("the upstream sent an event that cannot be read", code="stream_unreadable")
        case APIStatusError(status=401 | 403):
            return _Told("the upstream refused the credentials of this relay", code="upstream_refused")
        case APIStatusError(status=status) if (status or 0) < 400:
            return _Told("the upstream sent the request elsewhere", code="upstream_invalid")
        case APIStatusError(status=status) if (status or 0) >= 500 and error.type is None and error.code is None:
            # The page of some proxy, not the words of the server.
            return _Told(f"the upstream failed with status {status}", code="upstream_failed")
        case APIStatusError():
            return _words_of(error)
        case APITimeoutError():
            return _Told("the upstream did not answer in time", code="upstream_timeout")
        case APIConnectionError():
            return _Told("the upstream cannot be reached", code="upstream_unreachable")
        case APIError():
            return _Told("the upstream answered something that is no stream", code="upstream_invalid")
        case _:
            return _Told("the relay failed", "server_error", "relay_error")


def _words_of(error: APIError) -> _Told:
    """Return message, type, code and param as the server wrote them, without what browsers may not read."""
    message = public_words(error.message)
    if message in ("", "***", "[***") or message.startswith("<"):
        # JSON without a message, or the page of some proxy: where there are no words, the status is told.
        refused = error.status is not None and error.status >= 400
        message = f"the upstream answered with status {error.status}" if refused else "the upstream sent an error"
    return _Told(message, _value_of(error.type) or "upstream_error", _value_of(error.code), _value_of(error.param))


def _value_of(value: ErrorValue) -> ErrorValue:
    """Return a code, a type or a param; None for what has a structure, which may be anything."""
    if isinstance(value, str):
        return public_words(value)
    return value if isinstance(value, int | float) else None
