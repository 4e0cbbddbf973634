"""The endpoints of assistants: models with instructions and tools, kept by the server.

Source: https://platform.openai.com/docs/api-reference/assistants
"""

from collections.abc import Mapping
from typing import Unpack

from asyncstream.params.assistants import AssistantCreateParams, AssistantUpdateParams
from asyncstream.params.shared import ListOrder
from asyncstream.resources.keywords import known
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.versions import ASSISTANTS_V2
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.assistants import Assistant, AssistantDeleted

__all__ = ["Assistants", "AssistantsWithRawResponse"]

CREATE = Endpoint("POST", "/assistants", Assistant, ASSISTANTS_V2)
LIST = Endpoint("GET", "/assistants", ListAnswer[Assistant], ASSISTANTS_V2)
RETRIEVE = Endpoint("GET", "/assistants/{assistant_id}", Assistant, ASSISTANTS_V2)
UPDATE = Endpoint("POST", "/assistants/{assistant_id}", Assistant, ASSISTANTS_V2)
DELETE = Endpoint("DELETE", "/assistants/{assistant_id}", AssistantDeleted, ASSISTANTS_V2)


class Assistants:
    """``client.assistants``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "AssistantsWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return AssistantsWithRawResponse(type(self), self._transport)

    async def create(
        self,
        *,
        model: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[AssistantCreateParams],
    ) -> Assistant:
        """Create an assistant.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/assistants/createAssistant
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CREATE.request(options, body={"model": model, **known(params, AssistantCreateParams)})
        return await self._transport.send(request, CREATE.result)

    async def retrieve(
        self,
        assistant_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Assistant:
        """Fetch an assistant.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such assistant.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/assistants/getAssistant
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"assistant_id": assistant_id})
        return await self._transport.send(request, RETRIEVE.result)

    async def update(
        self,
        assistant_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[AssistantUpdateParams],
    ) -> Assistant:
        """Change an assistant; what is not given stays as it is.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such assistant.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/assistants/modifyAssistant
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = UPDATE.request(options, ids={"assistant_id": assistant_id}, body=known(params, AssistantUpdateParams))
        return await self._transport.send(request, UPDATE.result)

    def list(
        self,
        *,
        limit: int | None = None,
        order: ListOrder | None = None,
        after: str | None = None,
        before: str | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ListRequest[Assistant]:
        """Return the assistants as a request: ``await`` gives a page, ``async for`` the assistants of all pages.

        - `limit`: assistants a page, 1 to 100; the server's default is 20.
        - `order`: by creation time; the server's default is "desc", the latest first.
        - `after`: the id of the assistant in front of the page.
        - `before`: the id of the assistant behind the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/assistants/listAssistants
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"limit": limit, "order": order, "after": after, "before": before}
        request = LIST.request(options, query=query)
        return ListRequest(self._transport, request, LIST.result)

    async def delete(
        self,
        assistant_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> AssistantDeleted:
        """Delete an assistant.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such assistant.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/assistants/deleteAssistant
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = DELETE.request(options, ids={"assistant_id": assistant_id})
        return await self._transport.send(request, DELETE.result)


class AssistantsWithRawResponse(WithRawResponse):
    """``client.assistants.with_raw_response``."""

    create = RawMethod(Assistants.create)
    retrieve = RawMethod(Assistants.retrieve)
    update = RawMethod(Assistants.update)
    list = RawMethod(Assistants.list)
    delete = RawMethod(Assistants.delete)
