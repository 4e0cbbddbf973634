"""The endpoints of the messages on a thread.

Source: https://platform.openai.com/docs/api-reference/messages
"""

from collections.abc import Mapping
from typing import Literal, Unpack

from asyncstream.params.messages import MessageContentParam, MessageCreateParams, MessageUpdateParams
from asyncstream.params.shared import ListOrder
from asyncstream.resources.keywords import known
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.versions import ASSISTANTS_V2
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.messages import Message, MessageDeleted

__all__ = ["Messages", "MessagesWithRawResponse"]

CREATE = Endpoint("POST", "/threads/{thread_id}/messages", Message, ASSISTANTS_V2)
LIST = Endpoint("GET", "/threads/{thread_id}/messages", ListAnswer[Message], ASSISTANTS_V2)
RETRIEVE = Endpoint("GET", "/threads/{thread_id}/messages/{message_id}", Message, ASSISTANTS_V2)
UPDATE = Endpoint("POST", "/threads/{thread_id}/messages/{message_id}", Message, ASSISTANTS_V2)
DELETE = Endpoint("DELETE", "/threads/{thread_id}/messages/{message_id}", MessageDeleted, ASSISTANTS_V2)


class Messages:
    """``client.threads.messages``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "MessagesWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return MessagesWithRawResponse(type(self), self._transport)

    async def create(
        self,
        thread_id: str,
        *,
        role: Literal["user", "assistant"],
        content: MessageContentParam,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[MessageCreateParams],
    ) -> Message:
        """Put a message on a thread.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such thread.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/messages/createMessage
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body = {"role": role, "content": content, **known(params, MessageCreateParams)}
        request = CREATE.request(options, ids={"thread_id": thread_id}, body=body)
        return await self._transport.send(request, CREATE.result)

    async def retrieve(
        self,
        message_id: str,
        *,
        thread_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Message:
        """Fetch a message as it is now.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such message.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/messages/getMessage
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"thread_id": thread_id, "message_id": message_id})
        return await self._transport.send(request, RETRIEVE.result)

    async def update(
        self,
        message_id: str,
        *,
        thread_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[MessageUpdateParams],
    ) -> Message:
        """Change the metadata of a message.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such message.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/messages/modifyMessage
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = UPDATE.request(
            options, ids={"thread_id": thread_id, "message_id": message_id}, body=known(params, MessageUpdateParams)
        )
        return await self._transport.send(request, UPDATE.result)

    def list(
        self,
        thread_id: str,
        *,
        run_id: str | None = None,
        limit: int | None = None,
        order: ListOrder | None = None,
        after: str | None = None,
        before: str | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ListRequest[Message]:
        """Return the thread's messages as a request: ``await`` gives a page, ``async for`` the messages of all pages.

        - `run_id`: only the messages that this run made.
        - `limit`: messages a page, 1 to 100; the server's default is 20.
        - `order`: by creation time; the server's default is "desc", the latest first.
        - `after`: the id of the message in front of the page.
        - `before`: the id of the message behind the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such thread.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/messages/listMessages
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"run_id": run_id, "limit": limit, "order": order, "after": after, "before": before}
        request = LIST.request(options, ids={"thread_id": thread_id}, query=query)
        return ListRequest(self._transport, request, LIST.result)

    async def delete(
        self,
        message_id: str,
        *,
        thread_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> MessageDeleted:
        """Delete a message.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such message.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/messages/deleteMessage
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = DELETE.request(options, ids={"thread_id": thread_id, "message_id": message_id})
        return await self._transport.send(request, DELETE.result)


class MessagesWithRawResponse(WithRawResponse):
    """``client.threads.messages.with_raw_response``."""

    create = RawMethod(Messages.create)
    retrieve = RawMethod(Messages.retrieve)
    update = RawMethod(Messages.update)
    list = RawMethod(Messages.list)
    delete = RawMethod(Messages.delete)
