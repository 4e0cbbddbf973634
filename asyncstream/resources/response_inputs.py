"""The endpoints of what responses are asked: the items of an input, and how many tokens one has.

Source: https://platform.openai.com/docs/api-reference/responses/input-items
"""

# From Python 3.14 on, an annotation of a class that has a method `list` means that method by `list`.
import builtins
from collections.abc import Mapping
from typing import Unpack

from asyncstream.params.responses import InputTokenCountParams, ResponseIncludable
from asyncstream.params.shared import ListOrder
from asyncstream.resources.keywords import known
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.response_bodies import ANSWER_BYTES, body_of, checked_include
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.responses import InputTokenCountResponse
from asyncstream.types.responses_items import ResponseItem

__all__ = ["InputItems", "InputItemsWithRawResponse", "InputTokens", "InputTokensWithRawResponse"]

LIST = Endpoint("GET", "/responses/{response_id}/input_items", ListAnswer[ResponseItem], max_answer_bytes=ANSWER_BYTES)
COUNT = Endpoint("POST", "/responses/input_tokens", InputTokenCountResponse)


class InputItems:
    """``client.responses.input_items``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "InputItemsWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return InputItemsWithRawResponse(type(self), self._transport)

    def list(
        self,
        response_id: str,
        *,
        include: builtins.list[ResponseIncludable] | None = None,
        limit: int | None = None,
        order: ListOrder | None = None,
        after: str | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ListRequest[ResponseItem]:
        """Return what a response was asked, as a request: ``await`` gives a page, ``async for`` the items of all pages.

        - `include`: what is shown beyond the default.
        - `limit`: items a page, 1 to 100; the server's default is 20.
        - `order`: the server's default is "desc", the last first.
        - `after`: the id of the item in front of the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such response.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/responses/input-items
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"include": checked_include(include), "limit": limit, "order": order, "after": after}
        request = LIST.request(options, ids={"response_id": response_id}, query=query)
        return ListRequest(self._transport, request, LIST.result)


class InputItemsWithRawResponse(WithRawResponse):
    """``client.responses.input_items.with_raw_response``."""

    list = RawMethod(InputItems.list)


class InputTokens:
    """``client.responses.input_tokens``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "InputTokensWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return InputTokensWithRawResponse(type(self), self._transport)

    async def count(
        self,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[InputTokenCountParams],
    ) -> InputTokenCountResponse:
        """Count the tokens of an input, as `create` would send it; no model runs.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/responses/input-tokens
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = COUNT.request(options, body=body_of(known(params, InputTokenCountParams)))
        return await self._transport.send(request, COUNT.result)


class InputTokensWithRawResponse(WithRawResponse):
    """``client.responses.input_tokens.with_raw_response``."""

    count = RawMethod(InputTokens.count)
