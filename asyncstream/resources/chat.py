"""The endpoints of chat completions: answers, whole or streamed, and those that the server was asked to store.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, TypeVar, Unpack, overload

from asyncstream import looping, tools
from asyncstream.accumulators.chat.answers import fold_answer
from asyncstream.errors import ConfigurationError
from asyncstream.params.chat import (
    ChatCompletionCreateParams,
    ChatCompletionResponseFormatParam,
    ChatCompletionUntypedParams,
    ChatCompletionUpdateParams,
)
from asyncstream.params.chat_messages import ChatCompletionMessageParam
from asyncstream.params.shared import ListOrder
from asyncstream.resources.keywords import check_list, known
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.raw import RawMethod, RawResponse, WithRawResponse
from asyncstream.streaming.chat import ChatStream
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options, Request
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.chat import (
    ChatCompletion,
    ChatCompletionDeleted,
    ChatCompletionMessage,
    ChatCompletionStoreMessage,
)

__all__ = [
    "Chat",
    "ChatCompletions",
    "ChatCompletionsWithRawResponse",
    "StoredMessages",
    "StoredMessagesWithRawResponse",
]

CREATE = Endpoint("POST", "/chat/completions", ChatCompletion)
LIST = Endpoint("GET", "/chat/completions", ListAnswer[ChatCompletion])
RETRIEVE = Endpoint("GET", "/chat/completions/{completion_id}", ChatCompletion)
UPDATE = Endpoint("POST", "/chat/completions/{completion_id}", ChatCompletion)
DELETE = Endpoint("DELETE", "/chat/completions/{completion_id}", ChatCompletionDeleted)
LIST_MESSAGES = Endpoint("GET", "/chat/completions/{completion_id}/messages", ListAnswer[ChatCompletionStoreMessage])

T = TypeVar("T")

Message: TypeAlias = ChatCompletionMessageParam | ChatCompletionMessage[object] | Mapping[str, object]
"""A message of a request: one of the TypedDicts, or the message of an answer, which goes back as the wire had it."""


class Chat:
    """``client.chat``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @cached_property
    def completions(self) -> "ChatCompletions":
        """Answers to a list of messages."""
        return ChatCompletions(self._transport)


class ChatCompletions:
    """``client.chat.completions``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "ChatCompletionsWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return ChatCompletionsWithRawResponse(type(self), self._transport)

    @cached_property
    def messages(self) -> "StoredMessages":
        """The messages of a stored completion."""
        return StoredMessages(self._transport)

    @overload
    async def create(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        stream: Literal[False] = False,
        response_format: ChatCompletionResponseFormatParam = ...,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ChatCompletionUntypedParams],
    ) -> ChatCompletion: ...

    @overload
    async def create(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        stream: Literal[False] = False,
        response_format: type[T],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ChatCompletionUntypedParams],
    ) -> ChatCompletion[T]: ...

    @overload
    async def create(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        stream: Literal[True],
        response_format: ChatCompletionResponseFormatParam = ...,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ChatCompletionUntypedParams],
    ) -> ChatStream: ...

    @overload
    async def create(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        stream: Literal[True],
        response_format: type[T],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ChatCompletionUntypedParams],
    ) -> ChatStream[T]: ...

    async def create(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        stream: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ChatCompletionCreateParams],
    ) -> ChatCompletion[Any] | ChatStream[Any]:
        """Ask for an answer; with ``stream=True`` return it as an open stream, which the caller closes.

        Use the stream with ``async with``, read it to its end, or call its `close`. A type as `response_format` asks
        for JSON that fits it, strictly; an answer that does is ``choices[0].message.parsed``.

        Raises:
            ConfigurationError: An argument cannot be sent.
            StreamEventError: The answer is an error with status 200.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/chat/create
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = _request(options, messages, model, params, stream=stream)
        if stream:
            return await ChatStream(self._transport, request, **_types(params)).open()
        return await self._transport.send(request, CREATE.result, partial(fold_answer, **_types(params)))

    @overload
    async def parse(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ChatCompletionUntypedParams],
    ) -> ChatCompletion: ...

    @overload
    async def parse(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        response_format: type[T],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ChatCompletionUntypedParams],
    ) -> ChatCompletion[T]: ...

    async def parse(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ChatCompletionCreateParams],
    ) -> ChatCompletion[Any]:
        """Ask for an answer of a type: `create` under the name that openai-python has for this.

        An answer that was cut raises nothing here: its ``message.cut`` says why ``message.parsed`` is None.

        Raises:
            ConfigurationError: An argument cannot be sent.
            StreamEventError: The answer is an error with status 200.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/guides/structured-outputs
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = _request(options, messages, model, params, stream=False)
        return await self._transport.send(request, CREATE.result, partial(fold_answer, **_types(params)))

    @overload
    def stream(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        response_format: ChatCompletionResponseFormatParam = ...,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        run_tools: "tools.RunTools | None" = None,
        resume: "looping.book.LoopState | None" = None,
        **params: Unpack[ChatCompletionUntypedParams],
    ) -> ChatStream: ...

    @overload
    def stream(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        response_format: type[T],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        run_tools: "tools.RunTools | None" = None,
        resume: "looping.book.LoopState | None" = None,
        **params: Unpack[ChatCompletionUntypedParams],
    ) -> ChatStream[T]: ...

    def stream(
        self,
        *,
        messages: Sequence[Message],
        model: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        run_tools: "tools.RunTools | None" = None,
        resume: "looping.book.LoopState | None" = None,
        **params: Unpack[ChatCompletionCreateParams],
    ) -> ChatStream[Any]:
        """Return a stream of an answer.

        Nothing is sent before ``async with`` enters it; what the request fails with is raised there. A type as
        `response_format` asks for JSON that fits it, strictly; an answer that does is ``choices[0].message.parsed``.

        - `run_tools`: functions that the model may call. Their calls are run once an answer is complete, and the stream
          goes on with the next answer, until the model calls nothing.
        - `resume`: the state of such a stream, to go on from there; the conversation is the state's then.

        Raises:
            ConfigurationError: An argument cannot be sent, or a function cannot be run.
            ToolsLostError: Calls of the state had begun, so that nobody knows whether they ran.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/chat-streaming
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        if run_tools is None:
            if resume is not None:
                raise ConfigurationError("resume= goes on with the calls of tools: give run_tools= too")
            request = _request(options, messages, model, params, stream=True)
            return ChatStream(self._transport, request, **_types(params))
        if params.get("n", 1) not in (None, 1):
            raise ConfigurationError("run_tools answers one choice: leave out n=")
        from asyncstream.resources.run_tools import running  # most streams run no tools

        run, definitions, external = running(run_tools, params.get("tools") or (), "chat")
        params = {**params, "tools": definitions}
        request = _request(options, messages, model, params, stream=True)
        return ChatStream(self._transport, request, **_types(params), run_tools=run, external=external, resume=resume)

    async def retrieve(
        self,
        completion_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ChatCompletion:
        """Fetch a stored completion: one that was created with ``store=True``.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such completion.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/chat/get
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"completion_id": completion_id})
        return await self._transport.send(request, RETRIEVE.result, fold_answer)

    async def update(
        self,
        completion_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ChatCompletionUpdateParams],
    ) -> ChatCompletion:
        """Change a stored completion: its metadata, which is replaced whole.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such completion.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/chat/update
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = UPDATE.request(
            options, ids={"completion_id": completion_id}, body=known(params, ChatCompletionUpdateParams)
        )
        return await self._transport.send(request, UPDATE.result, fold_answer)

    async def delete(
        self,
        completion_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ChatCompletionDeleted:
        """Delete a stored completion.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such completion.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/chat/delete
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = DELETE.request(options, ids={"completion_id": completion_id})
        return await self._transport.send(request, DELETE.result)

    def list(
        self,
        *,
        model: str | None = None,
        metadata: Mapping[str, str] | None = None,
        limit: int | None = None,
        order: ListOrder | None = None,
        after: str | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ListRequest[ChatCompletion]:
        """Return the stored completions as a request: ``await`` gives a page, ``async for`` those of all pages.

        - `model`: only the completions of this model.
        - `metadata`: only the completions with these pairs.
        - `limit`: completions a page; the server's default is 20.
        - `order`: by creation time; the server's default is "asc", the earliest first.
        - `after`: the id of the completion in front of the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/chat/list
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query: dict[str, object] = {"model": model, "limit": limit, "order": order, "after": after}
        query |= {f"metadata[{key}]": value for key, value in (metadata or {}).items()}
        return ListRequest(self._transport, LIST.request(options, query=query), LIST.result)


class ChatCompletionsWithRawResponse(WithRawResponse):
    """``client.chat.completions.with_raw_response``."""

    if TYPE_CHECKING:
        # A checker would take the first overload for all of a method.
        @overload
        async def create(
            self,
            *,
            messages: Sequence[Message],
            model: str,
            stream: Literal[False] = False,
            response_format: ChatCompletionResponseFormatParam = ...,
            extra_headers: HeaderValues | None = None,
            extra_query: Mapping[str, object] | None = None,
            extra_body: Mapping[str, object] | None = None,
            timeout: TimeoutTypes = None,
            **params: Unpack[ChatCompletionUntypedParams],
        ) -> RawResponse[ChatCompletion]: ...

        @overload
        async def create(
            self,
            *,
            messages: Sequence[Message],
            model: str,
            stream: Literal[False] = False,
            response_format: type[T],
            extra_headers: HeaderValues | None = None,
            extra_query: Mapping[str, object] | None = None,
            extra_body: Mapping[str, object] | None = None,
            timeout: TimeoutTypes = None,
            **params: Unpack[ChatCompletionUntypedParams],
        ) -> RawResponse[ChatCompletion[T]]: ...

        async def create(self, **params: Any) -> RawResponse[Any]: ...

        @overload
        async def parse(
            self,
            *,
            messages: Sequence[Message],
            model: str,
            extra_headers: HeaderValues | None = None,
            extra_query: Mapping[str, object] | None = None,
            extra_body: Mapping[str, object] | None = None,
            timeout: TimeoutTypes = None,
            **params: Unpack[ChatCompletionUntypedParams],
        ) -> RawResponse[ChatCompletion]: ...

        @overload
        async def parse(
            self,
            *,
            messages: Sequence[Message],
            model: str,
            response_format: type[T],
            extra_headers: HeaderValues | None = None,
            extra_query: Mapping[str, object] | None = None,
            extra_body: Mapping[str, object] | None = None,
            timeout: TimeoutTypes = None,
            **params: Unpack[ChatCompletionUntypedParams],
        ) -> RawResponse[ChatCompletion[T]]: ...

        async def parse(self, **params: Any) -> RawResponse[Any]: ...
    else:
        create = RawMethod(ChatCompletions.create)
        parse = RawMethod(ChatCompletions.parse)

    retrieve = RawMethod(ChatCompletions.retrieve)
    update = RawMethod(ChatCompletions.update)
    delete = RawMethod(ChatCompletions.delete)
    list = RawMethod(ChatCompletions.list)


class StoredMessages:
    """``client.chat.completions.messages``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "StoredMessagesWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return StoredMessagesWithRawResponse(type(self), self._transport)

    def list(
        self,
        completion_id: str,
        *,
        limit: int | None = None,
        order: ListOrder | None = None,
        after: str | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ListRequest[ChatCompletionStoreMessage]:
        """Return the messages that a stored completion answered, as a request: ``await`` gives a page.

        - `limit`: messages a page; the server's default is 20.
        - `order`: by creation time; the server's default is "asc", the earliest first.
        - `after`: the id of the message in front of the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such completion.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/chat/getMessages
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"limit": limit, "order": order, "after": after}
        request = LIST_MESSAGES.request(options, ids={"completion_id": completion_id}, query=query)
        return ListRequest(self._transport, request, LIST_MESSAGES.result)


class StoredMessagesWithRawResponse(WithRawResponse):
    """``client.chat.completions.messages.with_raw_response``."""

    list = RawMethod(StoredMessages.list)


def _request(
    options: Options,
    messages: Sequence[Message],
    model: str,
    params: ChatCompletionCreateParams,
    *,
    stream: bool,
) -> Request:
    """Return the request of an answer, whole or streamed."""
    check_list("messages", messages)
    sent = [message.to_param() if isinstance(message, ChatCompletionMessage) else message for message in messages]
    body: dict[str, object] = {"messages": sent, "model": model, **known(params, ChatCompletionCreateParams)}
    response_format = _response_type(params)
    if response_format is not None:
        from asyncstream.tools.functions import response_format_for  # most answers are to fit no type

        body["response_format"] = response_format_for(response_format)
    if stream:
        body["stream"] = True
    return CREATE.request(options, body=body)


class _Types(TypedDict):
    """What an answer is read as."""

    response_format: type[Any] | None
    tool_types: Mapping[str, Callable[..., object]] | None


def _types(params: ChatCompletionCreateParams) -> _Types:
    given = params.get("tools")
    types: _Types = {"response_format": _response_type(params), "tool_types": None}
    if given:
        from asyncstream.tools.typed import tool_types  # most answers have no tools

        types["tool_types"] = tool_types(given)
    return types


def _response_type(params: ChatCompletionCreateParams) -> type[Any] | None:
    """Return the type that an answer is to fit; what is no part of a body is one, and a generic one is no class."""
    wanted = params.get("response_format")
    return None if isinstance(wanted, Mapping | str) else wanted
