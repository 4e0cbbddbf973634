"""The endpoints of responses: answers, whole, streamed or in the background, and what the server keeps of them.

Source: https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from asyncstream.accumulators.responses.answers import fold_answer
from asyncstream.errors import APIResponseValidationError, ArgumentError, ConfigurationError
from asyncstream.events.responses import WIRE
from asyncstream.looping.book import LoopState
from asyncstream.params.responses import (
    ResponseCompactParams,
    ResponseCreateParams,
    ResponseIncludable,
)
from asyncstream.resources.keywords import known
from asyncstream.resources.polling import Pace, Remote, poll, remote_object, start_and_poll
from asyncstream.resources.raw import RawMethod, RawResponse, WithRawResponse
from asyncstream.resources.response_bodies import ANSWER_BYTES, body_of, checked_include, follow_query
from asyncstream.resources.response_inputs import InputItems, InputTokens
from asyncstream.resources.run_tools import running
from asyncstream.streaming.responses import ResponseStream
from asyncstream.tools.toolset import RunTools, Tools
from asyncstream.transport.answers import Misfit, read_json
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options, Request
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.responses import CompactedResponse, Response, ResponseDeleted

__all__ = [
    "Responses",
    "ResponsesWithRawResponse",
]

T = TypeVar("T")

EVENT_BYTES = WIRE.max_event_bytes

CREATE = Endpoint("POST", "/responses", Response, {}, EVENT_BYTES, ANSWER_BYTES)
RETRIEVE = Endpoint("GET", "/responses/{response_id}", Response, {}, EVENT_BYTES, ANSWER_BYTES)
DELETE = Endpoint("DELETE", "/responses/{response_id}", ResponseDeleted)
CANCEL = Endpoint("POST", "/responses/{response_id}/cancel", Response, max_answer_bytes=ANSWER_BYTES)
COMPACT = Endpoint("POST", "/responses/compact", CompactedResponse, max_answer_bytes=ANSWER_BYTES)

_EXPLICIT = ("poll_interval_ms", "poll_timeout", "response_id", "starting_after", "stream", "text_format")
"""What a misspelt keyword may have meant beside the members of a body."""

_ELSEWHERE = {
    "functions": "tools",
    "max_completion_tokens": "max_output_tokens",
    "messages": "input",
    "output_type": "text_format",
    "reasoning_effort": "reasoning",
    "response_format": "text_format",
    "verbosity": "text",
}
"""What chat and others call it."""


class Responses:
    """``client.responses``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "ResponsesWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return ResponsesWithRawResponse(type(self), self._transport)

    @cached_property
    def input_items(self) -> "InputItems":
        """What a response was asked."""
        return InputItems(self._transport)

    @cached_property
    def input_tokens(self) -> "InputTokens":
        """How many tokens an input has."""
        return InputTokens(self._transport)

    @overload
    async def create(
        self,
        *,
        stream: Literal[False] = False,
        text_format: None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> Response: ...

    @overload
    async def create(
        self,
        *,
        stream: Literal[False] = False,
        text_format: type[T],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> Response[T]: ...

    @overload
    async def create(
        self,
        *,
        stream: Literal[True],
        text_format: None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> ResponseStream: ...

    @overload
    async def create(
        self,
        *,
        stream: Literal[True],
        text_format: type[T],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> ResponseStream[T]: ...

    async def create(
        self,
        *,
        stream: bool = False,
        text_format: type[Any] | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> Response[Any] | ResponseStream[Any]:
        """Ask for a response; with ``stream=True`` return it as an open stream, which the caller closes.

        Use the stream with ``async with``, read it to its end, or call its `close`. It returns with every status: look
        at `status` before the output. A response with ``background=True`` is mostly still "queued" then.

        - `text_format`: a `msgspec.Struct`, dataclass, TypedDict or pydantic model, also a generic one. The texts are
          asked to be JSON that fits it, strictly, by ``text={"format": ...}``; one that does, of an answer that is not
          cut, is `output_parsed`.

        Raises:
            ConfigurationError: An argument cannot be sent.
            StreamEventError: The answer is an error with status 200.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/responses/create
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = _request(options, params, text_format, stream=stream)
        if stream:
            return await self._new_stream(options, request, text_format).open()
        return await self._transport.send(request, CREATE.result, partial(fold_answer, text_format=text_format))

    @overload
    async def parse(
        self,
        *,
        text_format: None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> Response: ...

    @overload
    async def parse(
        self,
        *,
        text_format: type[T],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> Response[T]: ...

    async def parse(
        self,
        *,
        text_format: type[Any] | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> Response[Any]:
        """Ask for a response of a type: `create` under the name that openai-python has for this.

        A response that was cut raises nothing here: its `incomplete_details` say why `output_parsed` is None.

        Raises:
            ConfigurationError: An argument cannot be sent.
            StreamEventError: The answer is an error with status 200.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/guides/structured-outputs
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = _request(options, params, text_format, stream=False)
        return await self._transport.send(request, CREATE.result, partial(fold_answer, text_format=text_format))

    @overload
    async def create_and_poll(
        self,
        *,
        text_format: None = None,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[Response[None]], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> Response: ...

    @overload
    async def create_and_poll(
        self,
        *,
        text_format: type[T],
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[Response[T]], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> Response[T]: ...

    async def create_and_poll(
        self,
        *,
        text_format: type[Any] | None = None,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[Response[Any]], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCreateParams],
    ) -> Response[Any]:
        """Ask for a response in the background and poll it until it has ended.

        It is sent with ``background=True``, unless told otherwise. It returns with every ending status, "failed" too:
        look at `status` before the output. The rest is as in `create` and `poll`; the deadline counts from the answer
        to the first request.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the response is its `last`, and goes on.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/guides/background
        """
        pace: Pace[Response[Any]] = Pace(
            poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll, cancel_remote=cancel_remote
        )
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = _request(options, params, text_format, stream=False, background=True)
        decode = partial(fold_answer, text_format=text_format)
        # A look shows what was asked for: of a response in the background the first answer has none of it.
        query = {"include": params.get("include")}
        return await start_and_poll(
            lambda: self._transport.send_with_headers(request, CREATE.result, decode),
            lambda response: _on_server(self._transport, options, response.id, query, decode),
            pace,
        )

    @overload
    def stream(
        self,
        *,
        text_format: None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        run_tools: RunTools | None = None,
        resume: LoopState | None = None,
        **params: Unpack[ResponseCreateParams],
    ) -> ResponseStream: ...

    @overload
    def stream(
        self,
        *,
        text_format: type[T],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        run_tools: RunTools | None = None,
        resume: LoopState | None = None,
        **params: Unpack[ResponseCreateParams],
    ) -> ResponseStream[T]: ...

    @overload
    def stream(
        self,
        *,
        response_id: str,
        starting_after: int | None = None,
        include: list[ResponseIncludable] = ...,
        include_obfuscation: bool | None = None,
        text_format: None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ResponseStream: ...

    @overload
    def stream(
        self,
        *,
        response_id: str,
        starting_after: int | None = None,
        include: list[ResponseIncludable] = ...,
        include_obfuscation: bool | None = None,
        text_format: type[T],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ResponseStream[T]: ...

    def stream(
        self,
        *,
        response_id: str | None = None,
        starting_after: int | None = None,
        include_obfuscation: bool | None = None,
        text_format: type[Any] | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        run_tools: RunTools | None = None,
        resume: LoopState | None = None,
        **params: Unpack[ResponseCreateParams],
    ) -> ResponseStream[Any]:
        """Return a stream of a new response, or, given a `response_id`, of one that runs in the background.

        Nothing is sent before ``async with`` enters it; what the request fails with is raised there. Of a response in
        the background nothing is lost by a break of the connection: the stream goes on where it was.

        - `response_id`: the response to follow. Nothing of a body is taken then but `include`; `text_format` is what
          its texts are read as.
        - `starting_after`: the `sequence_number` of the event in front of the first that is wanted; None is from the
          beginning on.
        - `include_obfuscation`: False leaves the padding out by which the lengths of deltas are hidden.
        - `text_format`: as in `create`.
        - `run_tools`: functions that the model may call. Their calls are run once a response is complete, and the
          stream goes on with the next one, until the model calls nothing.
        - `resume`: the state of such a stream, to go on from there; what was said is the state's then.

        Raises:
            ConfigurationError: An argument cannot be sent, or a function cannot be run.
            ToolsLostError: Calls of the state had begun, so that nobody knows whether they ran.
            NotFoundError: There is no such response.
            BadRequestError: The response was not begun as a stream in the background, or too long ago.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/responses-streaming
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        if response_id is None:
            for name, value in (("starting_after", starting_after), ("include_obfuscation", include_obfuscation)):
                if value is not None:
                    raise ConfigurationError(f"{name} is for a response that is followed: give its response_id")
            if run_tools is None and resume is not None:
                raise ConfigurationError("resume= goes on with the calls of tools: give run_tools= too")
            tools: Tools[Any] | None = None
            external: frozenset[str] = frozenset()
            if run_tools is not None:
                tools, definitions, external = running(run_tools, params.get("tools") or (), "responses")
                params = {**params, "tools": definitions}
            request = _request(options, params, text_format, stream=True)
            return self._new_stream(options, request, text_format, run_tools=tools, external=external, resume=resume)
        if run_tools is not None or resume is not None:
            raise ConfigurationError("run_tools= and resume= have no place with response_id: who asked runs the tools")
        beside = sorted(known(params, ResponseCreateParams, *_EXPLICIT).keys() - {"include"})
        if beside:
            raise ConfigurationError(f"{beside[0]} has no place with response_id: that response was asked already")
        query = follow_query(params.get("include"), include_obfuscation, starting_after)
        request = RETRIEVE.request(options, ids={"response_id": response_id}, query=query)
        return self._new_stream(options, request, text_format)

    def _new_stream(
        self,
        options: Options,
        request: Request,
        text_format: type[T] | None,
        *,
        run_tools: Tools[Any] | None = None,
        external: frozenset[str] = frozenset(),
        resume: LoopState | None = None,
    ) -> ResponseStream[T]:
        kept = options.for_later()

        def rejoin(response_id: str, query: Mapping[str, object]) -> Request:
            return RETRIEVE.request(kept, ids={"response_id": response_id}, query=query)

        return ResponseStream(
            self._transport,
            request,
            text_format=text_format,
            rejoin=rejoin,
            run_tools=run_tools,
            external=external,
            resume=resume,
        )

    @overload
    async def retrieve(
        self,
        response_id: str,
        *,
        stream: Literal[False] = False,
        starting_after: int | None = None,
        include: list[ResponseIncludable] | None = None,
        include_obfuscation: bool | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Response: ...

    @overload
    async def retrieve(
        self,
        response_id: str,
        *,
        stream: Literal[True],
        starting_after: int | None = None,
        include: list[ResponseIncludable] | None = None,
        include_obfuscation: bool | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ResponseStream: ...

    async def retrieve(
        self,
        response_id: str,
        *,
        stream: bool = False,
        starting_after: int | None = None,
        include: list[ResponseIncludable] | None = None,
        include_obfuscation: bool | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Response | ResponseStream:
        """Fetch a response as it is now; with ``stream=True`` follow it as an open stream, which the caller closes.

        - `starting_after`: for the stream: the `sequence_number` of the event in front of the first that is wanted.
        - `include`: what is shown beyond the default.
        - `include_obfuscation`: for the stream: False leaves out the padding that hides the lengths of deltas.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such response, or it was not stored.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/responses/get
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        if stream:
            query = follow_query(include, include_obfuscation, starting_after)
            request = RETRIEVE.request(options, ids={"response_id": response_id}, query=query)
            followed: ResponseStream = self._new_stream(options, request, None)
            return await followed.open()
        query = {
            "include": checked_include(include),
            "include_obfuscation": include_obfuscation,
            "starting_after": starting_after,
        }
        request = RETRIEVE.request(options, ids={"response_id": response_id}, query=query)
        return await self._transport.send(request, RETRIEVE.result, fold_answer)

    @overload
    async def poll(
        self,
        response_id: str,
        *,
        include: list[ResponseIncludable] | None = None,
        text_format: None = None,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[Response[None]], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Response: ...

    @overload
    async def poll(
        self,
        response_id: str,
        *,
        include: list[ResponseIncludable] | None = None,
        text_format: type[T],
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[Response[T]], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Response[T]: ...

    async def poll(
        self,
        response_id: str,
        *,
        include: list[ResponseIncludable] | None = None,
        text_format: type[Any] | None = None,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[Response[Any]], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Response[Any]:
        """Fetch a response again and again until it has ended, however it ends.

        A look that fails for a moment (429, 5xx, a broken connection) does not end the poll.

        - `include`: what is shown beyond the default.
        - `text_format`: what its texts are read as; it was asked for by `create`.
        - `poll_interval_ms`: milliseconds between two looks, to which up to a quarter is added at random; None takes
          what the server asks for, else 1,000.
        - `poll_timeout`: seconds until `PollTimeoutError`; None polls until the response has ended.
        - `on_poll`: called with the response after each look, and awaited if it gives an awaitable.
        - `cancel_remote`: whether the response is cancelled on the server when the task that polls is cancelled.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the response is its `last`, and goes on.
            NotFoundError: There is no such response.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/guides/background
        """
        pace: Pace[Response[Any]] = Pace(
            poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll, cancel_remote=cancel_remote
        )
        options = Options(extra_headers, extra_query, extra_body, timeout)
        decode = partial(fold_answer, text_format=text_format)
        query = {"include": checked_include(include)}
        return await poll(_on_server(self._transport, options, response_id, query, decode), pace)

    async def delete(
        self,
        response_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> None:
        """Delete a stored response.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such response.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/responses/delete
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = DELETE.request(options, ids={"response_id": response_id})
        await self._transport.send(request, DELETE.result, _read_deletion)

    async def cancel(
        self,
        response_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Response:
        """Cancel a response that runs in the background; one that was cancelled stays as it is.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such response.
            BadRequestError: The response does not run in the background, or has ended in another way.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/responses/cancel
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CANCEL.request(options, ids={"response_id": response_id})
        return await self._transport.send(request, CANCEL.result, fold_answer)

    async def compact(
        self,
        *,
        model: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ResponseCompactParams],
    ) -> CompactedResponse:
        """Make a conversation so far short; the `output` is the input of what follows.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/responses/compact
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body = {"model": model, **body_of(known(params, ResponseCompactParams, "model"))}
        return await self._transport.send(COMPACT.request(options, body=body), COMPACT.result)


class ResponsesWithRawResponse(WithRawResponse):
    """``client.responses.with_raw_response``."""

    if TYPE_CHECKING:

        @overload
        async def create(
            self,
            *,
            stream: Literal[False] = False,
            text_format: None = None,
            extra_headers: HeaderValues | None = None,
            extra_query: Mapping[str, object] | None = None,
            extra_body: Mapping[str, object] | None = None,
            timeout: TimeoutTypes = None,
            **params: Unpack[ResponseCreateParams],
        ) -> RawResponse[Response]: ...

        @overload
        async def create(
            self,
            *,
            stream: Literal[False] = False,
            text_format: type[T],
            extra_headers: HeaderValues | None = None,
            extra_query: Mapping[str, object] | None = None,
            extra_body: Mapping[str, object] | None = None,
            timeout: TimeoutTypes = None,
            **params: Unpack[ResponseCreateParams],
        ) -> RawResponse[Response[T]]: ...

        async def create(self, **params: Any) -> RawResponse[Any]: ...

        @overload
        async def parse(
            self,
            *,
            text_format: None = None,
            extra_headers: HeaderValues | None = None,
            extra_query: Mapping[str, object] | None = None,
            extra_body: Mapping[str, object] | None = None,
            timeout: TimeoutTypes = None,
            **params: Unpack[ResponseCreateParams],
        ) -> RawResponse[Response]: ...

        @overload
        async def parse(
            self,
            *,
            text_format: type[T],
            extra_headers: HeaderValues | None = None,
            extra_query: Mapping[str, object] | None = None,
            extra_body: Mapping[str, object] | None = None,
            timeout: TimeoutTypes = None,
            **params: Unpack[ResponseCreateParams],
        ) -> RawResponse[Response[T]]: ...

        async def parse(self, **params: Any) -> RawResponse[Any]: ...

        async def retrieve(
            self,
            response_id: str,
            *,
            include: list[ResponseIncludable] | None = None,
            include_obfuscation: bool | None = None,
            extra_headers: HeaderValues | None = None,
            extra_query: Mapping[str, object] | None = None,
            extra_body: Mapping[str, object] | None = None,
            timeout: TimeoutTypes = None,
        ) -> RawResponse[Response]: ...
    else:
        create = RawMethod(Responses.create)
        parse = RawMethod(Responses.parse)
        retrieve = RawMethod(Responses.retrieve)

    delete = RawMethod(Responses.delete)
    cancel = RawMethod(Responses.cancel)
    compact = RawMethod(Responses.compact)


def _read_deletion(data: bytes) -> ResponseDeleted:
    """Read the answer to a deletion: some servers answer with an object, some with nothing at all."""
    if not data.strip():
        return ResponseDeleted(deleted=True)
    found = read_json(ResponseDeleted, data)
    if isinstance(found, Misfit):
        raise APIResponseValidationError(found.problem, body=data)
    return found


# What is sent.


def _request(
    options: Options,
    params: ResponseCreateParams,
    text_format: type[Any] | None,
    *,
    stream: bool,
    background: bool | None = None,
) -> Request:
    """Return the request for a response; `background` is what is sent where the caller does not say."""
    body = body_of(known(params, ResponseCreateParams, *_EXPLICIT, elsewhere=_ELSEWHERE))
    if text_format is not None:
        from asyncstream.tools.functions import response_format_for  # most answers are to fit no type

        text: object = body.get("text")
        if text is not None and (not isinstance(text, Mapping) or text.get("format") is not None):
            raise ArgumentError("text_format and the format of text exclude each other")
        wanted = response_format_for(text_format)
        body["text"] = {**(text or {}), "format": {"type": "json_schema", **wanted["json_schema"]}}
    if background is not None:
        body.setdefault("background", background)
    if stream:
        body["stream"] = True
    return CREATE.request(options, body=body)


def _on_server(
    transport: Transport,
    options: Options,
    response_id: str,
    query: Mapping[str, object],
    decode: Callable[[bytes], Response[Any]],
) -> Remote[Response[Any]]:
    """Return a response as a poll watches it, with the per-call options of the request that began the poll."""
    kept = options.for_later()
    ids = {"response_id": response_id}
    look = RETRIEVE.request(kept, ids=ids, query=query)
    return remote_object(transport, Response[Any], look, CANCEL.request(kept, ids=ids), decode)
