"""The errors that asyncstream raises. Nothing foreign leaves the package: whatever fails is one of these.

    AsyncStreamError
    ├─ ConfigurationError                 you: a missing key, a stream used before it was opened, a bad argument
    │  └─ ArgumentError                   also a TypeError: a keyword that no call takes, text where a list belongs
    ├─ APIError                           the server or the network; see the attributes below
    │  ├─ APIConnectionError              the network, before a response
    │  │  └─ APITimeoutError              also a TimeoutError: no connection or no response within the deadline
    │  ├─ APIStatusError                  the server refused the request
    │  │  ├─ BadRequestError              400
    │  │  ├─ AuthenticationError          401
    │  │  ├─ PermissionDeniedError        403
    │  │  ├─ NotFoundError                404
    │  │  ├─ ConflictError                409
    │  │  ├─ UnprocessableEntityError     422
    │  │  ├─ RateLimitError               429
    │  │  └─ InternalServerError          500 and above
    │  ├─ APIResponseValidationError      the server answered something that is not the protocol
    │  │  └─ ParseError                   the model wrote something that does not fit the type asked for
    │  └─ StreamError                     whatever is raised after a stream had begun; has `partial`, `events_seen`
    │     ├─ StreamEventError             the server sent an error event
    │     ├─ StreamInterruptedError       the connection broke, or the consumer closed the stream
    │     ├─ StreamTruncatedError         the stream ended without terminal evidence
    │     ├─ StreamDecodeError            also an APIResponseValidationError: an unreadable or oversized frame
    │     ├─ StreamTimeoutError           also an APITimeoutError: no event within the deadline
    │     └─ ToolLoopError                a tool loop cannot go on; has `state`, `rounds`
    │        ├─ MaxRoundsError            the model still calls tools in the last round that is allowed
    │        └─ ToolsLostError            calls had begun when the process before ended: nobody knows whether they ran
    └─ PollTimeoutError                   also a TimeoutError: the deadline of a poll passed; the run goes on

Rule 1: every class is constructed from its message alone plus keywords, so that pickling keeps all attributes.
Rule 2: no error ever holds a key, a token, or a request's headers.
Rule 3: a `TimeoutError` is an `OSError`: whoever catches one of these around calls of this package lets its own pass.
Rule 4: what errors carry is named for type checkers alone: at run time nothing of the package is imported here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from asyncstream.accumulators.assistants.accumulator import AssistantAccumulator
    from asyncstream.accumulators.chat.accumulator import ChatAccumulator
    from asyncstream.accumulators.responses.accumulator import ResponseAccumulator
    from asyncstream.looping.book import KeptCall, LoopState
    from asyncstream.types.responses import Response
    from asyncstream.types.runs import Run
    from asyncstream.types.vector_stores import VectorStoreFile, VectorStoreFileBatch

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "ArgumentError",
    "AsyncStreamError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "ErrorResponse",
    "InternalServerError",
    "MaxRoundsError",
    "NotFoundError",
    "OpenAIError",
    "ParseError",
    "PermissionDeniedError",
    "PollTimeoutError",
    "RateLimitError",
    "StreamDecodeError",
    "StreamError",
    "StreamEventError",
    "StreamInterruptedError",
    "StreamTimeoutError",
    "StreamTruncatedError",
    "ToolLoopError",
    "ToolsLostError",
    "UnprocessableEntityError",
    "status_error_type",
]

Partial: TypeAlias = "AssistantAccumulator | ChatAccumulator | ResponseAccumulator"
"""What had arrived of a stream: the accumulator of its protocol, and each protocol has one here."""

Polled: TypeAlias = "Run | VectorStoreFile | VectorStoreFileBatch | Response[object]"
"""What is polled."""

ErrorValue: TypeAlias = object
"""A `code`, `type` or `param` as the server sent it: mostly `str` or None, but servers send numbers too."""


class AsyncStreamError(Exception):
    """Base of every error of this package."""


OpenAIError = AsyncStreamError
"""openai-python's name for the base of its errors."""


class ConfigurationError(AsyncStreamError):
    """The caller must act: an argument, a missing key, or a call in the wrong order."""


class ArgumentError(ConfigurationError, TypeError):
    """The caller must act: a keyword that the call does not take, or an argument of a kind that it does not take."""


class ErrorResponse:
    """The answer that an error tells of, under the names that openai-python's errors have for it.

    Attributes:
        status_code: HTTP status.
        headers: Response headers, without cookies.
        content: The body, at most 1 MiB; b"" when there was none.
    """

    def __init__(self, status_code: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content

    def __repr__(self) -> str:
        return f"<ErrorResponse [{self.status_code}]>"

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 in it is U+FFFD."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> object:
        """Return what the body says as JSON.

        Raises:
            APIResponseValidationError: It is no JSON.
        """
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise APIResponseValidationError(
                "the body of the answer is no JSON",
                body=self.content,
                status=self.status_code,
                headers=self.headers,
            ) from error


class APIError(AsyncStreamError):
    """The server or the network failed.

    Attributes:
        message: The server's own words where it sent any.
        code: The server's `error.code`, with its JSON type kept (`502` stays a number).
        type: The server's `error.type`.
        param: The server's `error.param`.
        body: The raw answer or error payload, at most 1 MiB; None when there was none.
        status: HTTP status; None before a response.
        headers: Response headers; None before a response.
        request_id: The `x-request-id` of the response.
    """

    message: str
    code: ErrorValue
    type: ErrorValue
    param: ErrorValue
    body: bytes | None
    status: int | None
    headers: Mapping[str, str] | None
    request_id: str | None

    def __init__(
        self,
        message: str,
        *,
        code: ErrorValue = None,
        type: ErrorValue = None,
        param: ErrorValue = None,
        body: bytes | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.type = type
        self.param = param
        self.body = body
        self.status = status
        self.headers = headers
        self.request_id = request_id

    @property
    def status_code(self) -> int | None:
        """The HTTP status under openai-python's name for it; None before a response."""
        return self.status

    @property
    def response(self) -> ErrorResponse | None:
        """The answer that was the failure, or began the stream that failed; None before a response."""
        if self.status is None:
            return None
        return ErrorResponse(self.status, self.headers or {}, self.body or b"")


class APIConnectionError(APIError):
    """No response came: look at the network, the host name, the port, TLS."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """No connection, or no response, within the deadline."""


class APIStatusError(APIError):
    """The server answered with an error status.

    Attributes:
        partial: What had arrived of a stream that broke and cannot be gone on with, as in `StreamError`; else None.
    """

    if TYPE_CHECKING:
        partial: Partial | None
    else:
        partial = None


class BadRequestError(APIStatusError):
    """400: the request is malformed; change it."""


class AuthenticationError(APIStatusError):
    """401: the key or token is missing, wrong or expired."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: no such object or path."""


class ConflictError(APIStatusError):
    """409: the object changed meanwhile; retried automatically before it is raised."""


class UnprocessableEntityError(APIStatusError):
    """422: well-formed, but the server cannot act on it."""


class RateLimitError(APIStatusError):
    """429: too fast, or no quota left; retried automatically before it is raised."""


class InternalServerError(APIStatusError):
    """500 and above: the server failed; retried automatically before it is raised."""


class APIResponseValidationError(APIError):
    """The server answered something that is not the protocol: wrong content type, wrong JSON, nothing."""


class ParseError(APIResponseValidationError):
    """What the model wrote does not fit the type it was asked for, or was cut before it was whole.

    Attributes:
        path: Where it does not fit, as a JSON path; "$" is the whole.
        raw: The text as the model wrote it.
    """

    path: str
    raw: str

    def __init__(self, message: str, *, path: str = "$", raw: str = "") -> None:
        super().__init__(message, body=raw.encode("utf-8", "replace"))
        self.path = path
        self.raw = raw


class StreamError(APIError):
    """A stream failed after it had begun.

    Attributes:
        partial: The accumulator with all that arrived: an `AssistantAccumulator` (`.run`, `.messages`, `.run_steps`), a
            `ChatAccumulator` (`.completion`) or a `ResponseAccumulator` (`.response`); `isinstance` tells which. None
            where nothing is folded.
        events_seen: How many events were folded before the failure.
    """

    if TYPE_CHECKING:
        partial: Partial | None
    events_seen: int

    def __init__(
        self,
        message: str,
        *,
        partial: object = None,
        events_seen: int = 0,
        code: ErrorValue = None,
        type: ErrorValue = None,
        param: ErrorValue = None,
        body: bytes | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(
            message,
            code=code,
            type=type,
            param=param,
            body=body,
            status=status,
            headers=headers,
            request_id=request_id,
        )
        self.partial = cast("Partial | None", partial)
        self.events_seen = events_seen


class StreamEventError(StreamError):
    """The server sent an error event; `code`, `type`, `message` and `body` are the server's."""


class StreamInterruptedError(StreamError):
    """The connection broke in mid-stream, or the consumer closed the stream before its end."""


class StreamTruncatedError(StreamError):
    """The stream ended without terminal evidence: what arrived is not a finished answer."""


class StreamDecodeError(StreamError, APIResponseValidationError):
    """A frame cannot be read, or is over a limit.

    Attributes:
        raw: The bytes of the frame as received; of an oversized one, the first 64 KiB.
    """

    raw: bytes = b""


class StreamTimeoutError(StreamError, APITimeoutError):
    """No event arrived within the deadline; keep-alive comments do not count as events."""


class ToolLoopError(StreamError):
    """A tool loop cannot go on. What it has done is in its state, and is not done again by whoever resumes it.

    Attributes:
        state: Where the loop is: what `resume=` takes.
        rounds: How many answers of the model there were.
    """

    if TYPE_CHECKING:
        state: LoopState | None

    def __init__(self, message: str, *, state: object = None, rounds: int = 0, partial: object = None) -> None:
        super().__init__(message, partial=partial)
        self.state = cast("LoopState | None", state)
        self.rounds = rounds


class MaxRoundsError(ToolLoopError):
    """The model still calls tools in the last round that `Tools.max_rounds` allows; none of these calls has run."""


class ToolsLostError(ToolLoopError):
    """Calls had begun when the process before ended: they may or may not have run, and do not run again.

    Attributes:
        calls: These calls.
    """

    if TYPE_CHECKING:
        calls: Sequence[KeptCall]

    def __init__(self, message: str, *, calls: Sequence[object] = (), state: object = None, rounds: int = 0) -> None:
        super().__init__(message, state=state, rounds=rounds)
        self.calls = cast("Sequence[KeptCall]", calls)


class PollTimeoutError(AsyncStreamError, TimeoutError):
    """The deadline of a poll passed. The remote object goes on.

    Attributes:
        last: The run, the response, or the file or batch of a vector store, as it was when it was last looked at; None
            if it could not be looked at even once.
    """

    if TYPE_CHECKING:
        last: Polled | None

    def __init__(self, message: str, *, last: object = None) -> None:
        super().__init__(message)
        self.last = cast("Polled | None", last)


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error_type(status: int) -> type[APIStatusError]:
    """Return the error class for an HTTP status of 300 or above."""
    if status >= 500:
        return InternalServerError
    return _BY_STATUS.get(status, APIStatusError)
