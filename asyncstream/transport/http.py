"""The HTTP door: every request of the package leaves here, and every answer comes in here.

`Transport.send` gives one decoded JSON answer, `Transport.open` an open stream, `Transport.download` content in pieces.
All retry as `transport.retry` says, keep the deadlines of `transport.timeout`, and raise nothing but the package's
errors (and what a caller's own key function, file or callback raises). `Transport.attempt` is `open` without retries,
for a caller that decides on these itself. Below: the rest of `transport`. Above: streams, resources, and the relay's
follower.

Rule 1: a cancellation by the caller is never taken for a deadline; `asyncio.timeout_at` tells the two apart.
Rule 2: nothing secret goes to an origin that the base URL does not name.
Rule 3: whatever leaves a response unread closes it.
"""

import asyncio
import inspect
import io
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, NoReturn, Self, TypeAlias, TypeVar

import aiohttp
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from asyncstream.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncStreamError,
)
from asyncstream.transport.answers import (
    MAX_BODY,
    REDIRECTS,
    Misfit,
    coding_error,
    may_stream,
    misfit_error,
    misfit_of,
    oversize_error,
    public_headers,
    read_json,
    redirect_error,
    redirect_target,
    status_error,
    stream_error,
    why_no_stream,
)
from asyncstream.transport.call import Body, Call, read_beginning, read_body
from asyncstream.transport.call_headers import CallHeaders
from asyncstream.transport.codings import ACCEPTED, unreadable_coding
from asyncstream.transport.connections import Connections, end_with_connection, running_loop
from asyncstream.transport.dialects import OPENAI, Dialect
from asyncstream.transport.failures import FOREIGN, broken_body, connection_error, safe_cause
from asyncstream.transport.logs import observers_of
from asyncstream.transport.observing import Observer, ToolWatch, Watch
from asyncstream.transport.request import HeaderValues, Request, check_key, join_url
from asyncstream.transport.retry import Failure, is_stale, retry_delay
from asyncstream.transport.reuse import AttemptTrace, guard
from asyncstream.transport.timeout import Timeout

if TYPE_CHECKING:
    from asyncstream.transport.download import LiveContent
    from asyncstream.transport.live import LiveResponse

__all__ = ["ApiKey", "Failed", "Transport"]

T = TypeVar("T")

ApiKey: TypeAlias = str | Callable[[], Awaitable[str]]
"""A key, or a function that is asked for one before each attempt; "" sends none."""

_MAX_REDIRECTS = 5
"""Within one origin; browsers stop at 20, curl at 50, but no API needs more than a slash added."""

_ERROR_SECONDS = 5.0
"""How long an error's body is waited for: its status already says that the call has failed."""

_EVENTS: HeaderValues = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
"""For a stream. Compressed events would be held back until a block is full."""

_LARGE_BODY = 1 << 20
"""From here aiohttp warns about bytes, which it writes in one go, and wants a file."""


class Failed(Struct, frozen=True):
    """A failed attempt: what the policy judges, and what is raised if it was the last."""

    failure: Failure
    error: AsyncStreamError
    cause: BaseException | None = None
    """What `error` is raised from."""


class Transport:
    """The door of one client: base URL, key, defaults and policy over shared connections.

    Args:
        connections: The sessions; shared with clients that were derived from the same one.
        base_url: From `request.parse_base_url`.
        api_key: The key, or a function that gives one.
        headers: Sent with each request; None removes one that would be sent otherwise.
        query: Sent with each request.
        timeout: The deadlines of calls that set none.
        max_retries: How often a failed attempt is repeated at most.
        max_event_bytes: The most that one event of a stream may have; None leaves it to each request.
        dialect: Where the key goes, and what lies below a deployment.
        observer: Is told of each call.
        sleep: Waits for some seconds; None is `asyncio.sleep`. For tests, as the two below.
        chance: Gives a random number from 0 to 1; None is `random.random`.
        clock: Gives the seconds since 1970-01-01 UTC; None is `time.time`.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        base_url: URL,
        api_key: ApiKey = "",
        headers: HeaderValues | None = None,
        query: Mapping[str, object] | None = None,
        timeout: Timeout | None = None,
        max_retries: int = 2,
        max_event_bytes: int | None = None,
        dialect: Dialect = OPENAI,
        observer: Observer | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        chance: Callable[[], float] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._connections = connections
        self._base_url = base_url
        self._api_key = api_key
        self._headers = CallHeaders(headers or {}, dialect)
        self._query = query or {}
        self._timeout = timeout or Timeout()
        self._max_retries = max_retries
        self._max_event_bytes = max_event_bytes
        self._dialect = dialect
        self._observer = observer
        self._note: Callable[[aiohttp.ClientResponse], object] | None = None
        self._sleep = sleep
        self._chance = chance
        self._clock = clock

    def __reduce__(self) -> NoReturn:
        raise TypeError("a transport holds a key and connections, and cannot be pickled")

    @property
    def base_url(self) -> str:
        """Where the paths begin, without a query."""
        return str(self._base_url.with_query(None))

    def noting(self, note: Callable[[aiohttp.ClientResponse], object]) -> Self:
        """Return the same door, which shows `note` each good response as it comes in, its body unread."""
        noting = object.__new__(type(self))
        noting.__dict__.update(self.__dict__, _note=note)
        return noting

    async def send(self, request: Request, type: type[T], decode: Callable[[bytes], T] | None = None) -> T:
        """Send a request and return its JSON answer as a struct.

        Args:
            request: What is sent.
            type: What the answer is.
            decode: Reads the body, where that takes more than the type tells; raises errors of this package.

        Raises:
            ConfigurationError: The request cannot be sent as it is, or the client cannot be used here.
            APIStatusError: The server answered with an error status; the class follows it.
            APITimeoutError: A deadline passed.
            APIConnectionError: No connection came about, or it broke.
            APIResponseValidationError: The answer is not what the endpoint answers.
        """
        result, _ = await self.send_with_headers(request, type, decode)
        return result

    async def send_with_headers(
        self, request: Request, type: type[T], decode: Callable[[bytes], T] | None = None
    ) -> tuple[T, CIMultiDict[str]]:
        """Send a request and return its JSON answer as a struct, and the headers of the answer, without cookies.

        Raises:
            AsyncStreamError: What `send` raises.
        """
        call = self._begin(request, {"Accept": "application/json", "Accept-Encoding": ACCEPTED})
        with call.watch:
            response = await self._respond(call)
            body = await read_body(response, request.max_answer_bytes, call.deadline)
            if not body.whole:
                raise _broken_answer(call, response, body) from safe_cause(body.error, call.secrets)
            result = read_json(type, body.data) if decode is None else _decoded(call, response, decode, body.data, type)
            if isinstance(result, Misfit):
                raise misfit_error(call.answer(response, body.data), result)
            call.watch.finished(size=body.size, body=body.data)
            return result, public_headers(response.headers)

    async def open(self, request: Request) -> "LiveResponse":
        """Send a request and return its answer as an open stream, which the caller closes.

        Raises:
            StreamEventError: The server answered 200 and a JSON error.
            APIResponseValidationError: The answer is no event stream.
            APIError: What `send` raises.
        """
        call = self._begin(request, _EVENTS, streamed=True)
        with call.watch:
            response = await self._respond(call)
            return await self._live(call, response)

    def delay_after_break(self, broken: "LiveResponse", retries: int) -> float | None:
        """Return the seconds until a stream whose body broke may be gone on with; None if it may not.

        Args:
            broken: The response that broke.
            retries: How often that was tried since something new came.
        """
        delay = self._delay(Failure(kind="disconnected"), "GET", retries, self._max_retries)
        end = broken.total_deadline
        return None if delay is None or (end is not None and running_loop().time() + delay >= end) else delay

    async def reopen(self, request: Request, broken: "LiveResponse", *, retries: int, delay: float) -> "LiveResponse":
        """Send the request that goes on with a stream whose body broke, as one of its retries; else as `open`.

        Args:
            request: A GET.
            broken: The response that broke; its total deadline goes on.
            retries: How often that was tried since something new came.
            delay: What `delay_after_break` gave for these.

        Raises:
            APIError: What `open` raises.
        """
        await self._wait(delay)
        call = self._begin(request, _EVENTS, streamed=True)
        call.total = broken.total_deadline
        call.retries = retries + 1
        with call.watch:
            response = await self._respond(call)
            return await self._live(call, response)

    async def attempt(self, request: Request) -> "LiveResponse | Failed":
        """Send a request as `open` does, but once: for a caller that has a policy of its own about trying again.

        What is no retry is done all the same: redirects, and a connection in the place of one that was stale.

        Returns:
            The answer as an open stream, which the caller closes; or how it failed, for the caller's policy.

        Raises:
            ConfigurationError: The request cannot be sent as it is, or the client cannot be used here.
        """
        call = self._begin(request, _EVENTS, streamed=True)
        with call.watch:
            outcome = await self._outcome(call, max_retries=0)
            if isinstance(outcome, Failed):
                call.watch.failed(outcome.error)
                return outcome
            try:
                return await self._live(call, outcome)
            except APIError as error:
                call.watch.failed(error)
                # The status is good, so that trying again would bring the same.
                return Failed(Failure(), error)

    async def _live(self, call: Call, response: aiohttp.ClientResponse) -> "LiveResponse":
        """Return a response with a good status as an open stream."""
        problem = why_no_stream(response.status, response.headers)
        begun: list[bytes] = []
        if problem is not None:
            streams = False
            if may_stream(response.status, response.headers):
                event = call.timeout.event
                begun, streams = await read_beginning(response, call.total if event is None else call.within(event))
            if not streams:
                body = await read_body(response, MAX_BODY, call.within(_ERROR_SECONDS), begun)
                raise stream_error(call.answer(response, body.data), problem)
        from asyncstream.transport.live import LiveResponse  # who streams nothing has no use for it

        return LiveResponse(
            response,
            event_timeout=call.timeout.event,
            total_deadline=call.total,
            total=call.timeout.total,
            max_event_bytes=self._max_event_bytes or call.request.max_event_bytes,
            watch=call.watch,
            secrets=call.secrets,
            begun=begun,
            retries=call.retries,
        )

    async def download(self, request: Request) -> "LiveContent":
        """Send a request and return the content that it answers, which the caller reads in pieces and closes.

        Raises:
            APIResponseValidationError: The content is in a coding that was not asked for and cannot be read.
            APIError: What `send` raises, except for what it finds wrong with an answer's content.
        """
        # Compressed, it would have no size that can be told beforehand.
        call = self._begin(request, {"Accept": "*/*", "Accept-Encoding": "identity"})
        with call.watch:
            response = await self._respond(call)
            coding = unreadable_coding(response.headers)
            if coding is not None:
                response.close()
                raise coding_error(call.answer(response), coding)
            from asyncstream.transport.download import LiveContent  # who downloads nothing has no use for it

            return LiveContent(response, call)

    def tool_watch(self) -> ToolWatch:
        """Return what tells the client's observers of the tools that a stream runs."""
        return ToolWatch(observers_of(self._observer))

    def _begin(self, request: Request, accept: HeaderValues, *, streamed: bool = False) -> Call:
        url = join_url(self._base_url, self._dialect.path(request), self._query, request.query)
        call = Call(request, url=url, timeout=request.timeout or self._timeout, accept=accept)
        observers = observers_of(self._observer)
        if observers:
            call.watch = Watch(observers)
            call.watch.begin(request, url, provider=self._dialect.provider, streamed=streamed, secrets=call.secrets)
        return call

    async def _respond(self, call: Call) -> aiohttp.ClientResponse:
        """Return a response with a good status, after as many attempts as the policy allows."""
        outcome = await self._outcome(call, max_retries=self._max_retries)
        if isinstance(outcome, Failed):
            raise outcome.error from outcome.cause
        return outcome

    async def _outcome(self, call: Call, *, max_retries: int) -> aiohttp.ClientResponse | Failed:
        """Return a response with a good status, or how the last attempt that the policy allows has failed."""
        replaced = False
        while True:
            outcome = await self._attempt(call, fresh=replaced)
            if isinstance(outcome, aiohttp.ClientResponse):
                if self._note is not None:
                    self._note(outcome)
                return outcome
            if call.sendable and (outcome.failure.refused or (is_stale(outcome.failure) and not replaced)):
                # After a refused one, which is closed, the pool may have better ones.
                replaced = replaced or not outcome.failure.refused
                call.watch.failed(outcome.error, retry_in=0.0)
                continue
            delay = self._delay(outcome.failure, call.request.method, call.retries, max_retries)
            if delay is None or call.ends_within(delay) or not call.sendable:
                return outcome
            call.retries += 1
            call.watch.failed(outcome.error, retry_in=delay)
            await self._wait(delay)

    def _delay(self, failure: Failure, method: str, retries: int, max_retries: int) -> float | None:
        return retry_delay(
            failure,
            method=method,
            retries=retries,
            max_retries=max_retries,
            now=self._now(),
            chance=(random.random if self._chance is None else self._chance)(),
        )

    async def _wait(self, seconds: float) -> None:
        await (asyncio.sleep if self._sleep is None else self._sleep)(seconds)

    async def _attempt(self, call: Call, *, fresh: bool) -> aiohttp.ClientResponse | Failed:
        session = self._connections.session(fresh=fresh)
        headers = self._headers.of(call, self._api_key if isinstance(self._api_key, str) else await self._asked_key())
        call.begin_attempt()
        url = call.url
        hops = 0
        while True:
            response = await self._exchange(call, session, url, headers)
            # A 101 answers no request that is sent here.
            if isinstance(response, Failed) or 200 <= response.status < 300:
                return response
            if response.status not in REDIRECTS:
                return await self._refused(call, response)
            response.release()
            target = redirect_target(call.request.method, url, response.status, response.headers)
            if hops == _MAX_REDIRECTS:
                target = f"it is number {hops + 1}, and {_MAX_REDIRECTS} are followed"
            elif not call.sendable:
                target = "what was uploaded cannot be read again"
            if isinstance(target, str):
                return Failed(Failure(), redirect_error(call.answer(response), target))
            url = target
            hops += 1

    async def _exchange(
        self, call: Call, session: aiohttp.ClientSession, url: URL, headers: CIMultiDict[str]
    ) -> aiohttp.ClientResponse | Failed:
        """Send one HTTP request and return its response, whatever the status; the body is unread."""
        trace = self._connections.trace()
        proxy = await self._connections.proxy(url)
        scope = asyncio.timeout_at(call.deadline)
        data, size = _data(call, scope)
        call.watch.requested(call.attempt, size)
        try:
            async with scope:
                with trace:
                    response = await session.request(
                        call.request.method,
                        url,
                        data=data,
                        headers=headers,
                        proxy=proxy,
                        allow_redirects=False,
                        # The session may be the user's, with defaults of its own that would change what comes back.
                        raise_for_status=False,
                        # `transport.codings` takes them off.
                        auto_decompress=False,
                        timeout=self._connections.deadlines(call.timeout),
                        trace_request_ctx=trace if self._connections.watched else None,
                    )
            guard(response)
            end_with_connection(response)
            call.watch.responded(response.status, response.headers.get("x-request-id"))
            return response
        except FOREIGN as error:
            caught = error
        if call.request.form is not None and call.request.form.upload.failure is not None:
            # What the caller's own content or callback raised goes back as it is.
            raise call.request.form.upload.failure
        # Not in the handler: an error made there would have the foreign exception as its context.
        return _unanswered(call, caught, trace, expired=scope.expired())

    async def _refused(self, call: Call, response: aiohttp.ClientResponse) -> Failed:
        """Return the failure that an error status is, with as much of its body as comes in time."""
        body = await read_body(response, MAX_BODY, call.within(_ERROR_SECONDS))
        answer = call.answer(response, body.data)
        return Failed(Failure(status=answer.status, headers=answer.headers), status_error(answer, now=self._now()))

    async def _asked_key(self) -> str:
        assert callable(self._api_key)
        given: object = self._api_key()
        if inspect.isawaitable(given):
            given = await given
        return check_key(given, "the result of api_key()")

    def _now(self) -> float:
        return (time.time if self._clock is None else self._clock)()


def _decoded(
    call: Call, response: aiohttp.ClientResponse, decode: Callable[[bytes], T], data: bytes, type: type[T]
) -> T | Misfit:
    """Decode an answer; what is raised knows the response."""
    try:
        return decode(data)
    except APIError as error:
        if error.__class__ is APIResponseValidationError:
            return misfit_of(type, data, error.message)
        answer = call.answer(response, data)
        error.body, error.status, error.headers = answer.body, answer.status, answer.headers
        error.request_id = answer.headers.get("x-request-id")
        raise


def _data(call: Call, scope: asyncio.Timeout) -> tuple[io.BytesIO | bytes | aiohttp.MultipartWriter | None, int]:
    """Return the body for one attempt as aiohttp takes it, and its size; 0 if that is not known."""
    body, form = call.request.body, call.request.form
    if form is not None:
        writer = form.writer(lambda: _moved(call, scope))
        return writer, writer.size or 0
    size = 0 if body is None else len(body)
    return (io.BytesIO(body) if body is not None and size > _LARGE_BODY else body), size


def _moved(call: Call, scope: asyncio.Timeout) -> None:
    """Put the deadline of an attempt off, because a piece of its upload has left."""
    call.restart_clock()
    try:
        scope.reschedule(call.deadline)
    except RuntimeError:
        # The answer is there already, or the attempt was given up; the writing stops a moment later.
        pass


def _unanswered(call: Call, caught: Exception, trace: AttemptTrace, *, expired: bool) -> Failed:
    error: AsyncStreamError
    if expired and isinstance(caught, TimeoutError):
        error = APITimeoutError(call.timed_out("no response"))
        failure = Failure(kind="response_timeout", sent=trace.sent)
    else:
        error, kind = connection_error(
            caught, target=call.target, connect=call.timeout.connect, sent=trace.sent, secrets=call.secrets
        )
        failure = Failure(kind=kind, reused=trace.reused, refused=trace.refused)
    return Failed(failure, error, safe_cause(caught, call.secrets))


def _broken_answer(call: Call, response: aiohttp.ClientResponse, body: Body) -> APIError:
    answer = call.answer(response, body.data)
    if body.error is None:
        return oversize_error(answer, call.request.max_answer_bytes)
    kind: type[APIError] = APIConnectionError
    reason = broken_body(body.error, call.secrets)
    message = f"the answer from {call.target} broke off after {body.size} bytes: {reason}"
    if isinstance(body.error, TimeoutError):
        kind, message = APITimeoutError, f"{call.timed_out('no whole answer')}: {body.size} bytes came"
    return kind(
        message,
        body=answer.body,
        status=answer.status,
        headers=answer.headers,
        request_id=answer.headers.get("x-request-id"),
    )
