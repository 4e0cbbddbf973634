"""The endpoints of conversations: items that the server keeps, over many responses.

Source: https://platform.openai.com/docs/api-reference/conversations
"""

# From Python 3.14 on, an annotation of a class that has a method `list` means that method by `list`.
import builtins
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Unpack, cast

from asyncstream.params.conversations import ConversationCreateParams, ConversationUpdateParams
from asyncstream.params.responses import ResponseIncludable, ResponseInputItemParam
from asyncstream.params.shared import ListOrder
from asyncstream.resources.keywords import known
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.response_bodies import ANSWER_BYTES, checked_include, sendable_items
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.conversations import (
    Conversation,
    ConversationDeletedResource,
    ConversationItem,
    ConversationItemList,
)

__all__ = ["ConversationItems", "ConversationItemsWithRawResponse", "Conversations", "ConversationsWithRawResponse"]

CREATE = Endpoint("POST", "/conversations", Conversation)
RETRIEVE = Endpoint("GET", "/conversations/{conversation_id}", Conversation)
UPDATE = Endpoint("POST", "/conversations/{conversation_id}", Conversation)
DELETE = Endpoint("DELETE", "/conversations/{conversation_id}", ConversationDeletedResource)

_ITEM: Any = ConversationItem
_ITEMS = "/conversations/{conversation_id}/items"

CREATE_ITEMS = Endpoint("POST", _ITEMS, ConversationItemList, max_answer_bytes=ANSWER_BYTES)
LIST_ITEMS = Endpoint("GET", _ITEMS, ListAnswer[ConversationItem], max_answer_bytes=ANSWER_BYTES)
RETRIEVE_ITEM = Endpoint(
    "GET", _ITEMS + "/{item_id}", cast("type[ConversationItem]", _ITEM), max_answer_bytes=ANSWER_BYTES
)
DELETE_ITEM = Endpoint("DELETE", _ITEMS + "/{item_id}", Conversation)


class Conversations:
    """``client.conversations``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "ConversationsWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return ConversationsWithRawResponse(type(self), self._transport)

    @cached_property
    def items(self) -> "ConversationItems":
        """What a conversation consists of."""
        return ConversationItems(self._transport)

    async def create(
        self,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ConversationCreateParams],
    ) -> Conversation:
        """Begin a conversation; responses with `conversation=` its id add to it.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/conversations/create
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body: dict[str, object] = {**known(params, ConversationCreateParams)}
        if body.get("items") is not None:
            body["items"] = sendable_items("items", body["items"])
        return await self._transport.send(CREATE.request(options, body=body), CREATE.result)

    async def retrieve(
        self,
        conversation_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Conversation:
        """Fetch a conversation.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such conversation.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/conversations/retrieve
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"conversation_id": conversation_id})
        return await self._transport.send(request, RETRIEVE.result)

    async def update(
        self,
        conversation_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ConversationUpdateParams],
    ) -> Conversation:
        """Change a conversation: its metadata, which is replaced whole.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such conversation.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/conversations/update
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = UPDATE.request(
            options, ids={"conversation_id": conversation_id}, body=known(params, ConversationUpdateParams)
        )
        return await self._transport.send(request, UPDATE.result)

    async def delete(
        self,
        conversation_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ConversationDeletedResource:
        """Delete a conversation; its items are not deleted.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such conversation.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/conversations/delete
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = DELETE.request(options, ids={"conversation_id": conversation_id})
        return await self._transport.send(request, DELETE.result)


class ConversationsWithRawResponse(WithRawResponse):
    """``client.conversations.with_raw_response``."""

    create = RawMethod(Conversations.create)
    retrieve = RawMethod(Conversations.retrieve)
    update = RawMethod(Conversations.update)
    delete = RawMethod(Conversations.delete)


class ConversationItems:
    """``client.conversations.items``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "ConversationItemsWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return ConversationItemsWithRawResponse(type(self), self._transport)

    async def create(
        self,
        conversation_id: str,
        *,
        items: Sequence[ResponseInputItemParam | Mapping[str, object] | ConversationItem],
        include: builtins.list[ResponseIncludable] | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ConversationItemList:
        """Add items to a conversation, at most 20 at once.

        - `include`: what is shown of them beyond the default.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such conversation.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/conversations/create-items
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CREATE_ITEMS.request(
            options,
            ids={"conversation_id": conversation_id},
            query={"include": checked_include(include)},
            body={"items": sendable_items("items", items)},
        )
        return await self._transport.send(request, CREATE_ITEMS.result)

    def list(
        self,
        conversation_id: str,
        *,
        include: builtins.list[ResponseIncludable] | None = None,
        limit: int | None = None,
        order: ListOrder | None = None,
        after: str | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ListRequest[ConversationItem]:
        """Return the items of a conversation as a request: ``await`` gives a page, ``async for`` those of all pages.

        - `include`: what is shown of them beyond the default.
        - `limit`: items a page, 1 to 100; the server's default is 20.
        - `order`: the server's default is "desc", the last first.
        - `after`: the id of the item in front of the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such conversation.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/conversations/list-items
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"include": checked_include(include), "limit": limit, "order": order, "after": after}
        request = LIST_ITEMS.request(options, ids={"conversation_id": conversation_id}, query=query)
        return ListRequest(self._transport, request, LIST_ITEMS.result)

    async def retrieve(
        self,
        item_id: str,
        *,
        conversation_id: str,
        include: builtins.list[ResponseIncludable] | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ConversationItem:
        """Fetch an item of a conversation.

        - `include`: what is shown of it beyond the default.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such conversation or item.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/conversations/get-item
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        ids = {"conversation_id": conversation_id, "item_id": item_id}
        request = RETRIEVE_ITEM.request(options, ids=ids, query={"include": checked_include(include)})
        return await self._transport.send(request, RETRIEVE_ITEM.result)

    async def delete(
        self,
        item_id: str,
        *,
        conversation_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Conversation:
        """Take an item out of a conversation, which is returned.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such conversation or item.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/conversations/delete-item
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        ids = {"conversation_id": conversation_id, "item_id": item_id}
        return await self._transport.send(DELETE_ITEM.request(options, ids=ids), DELETE_ITEM.result)


class ConversationItemsWithRawResponse(WithRawResponse):
    """``client.conversations.items.with_raw_response``."""

    create = RawMethod(ConversationItems.create)
    list = RawMethod(ConversationItems.list)
    retrieve = RawMethod(ConversationItems.retrieve)
    delete = RawMethod(ConversationItems.delete)
