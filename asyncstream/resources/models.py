"""The endpoints of models.

Source: https://platform.openai.com/docs/api-reference/models
"""

from collections.abc import Mapping

from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.whole_lists import WholeAnswer, WholeRequest
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.models import Model, ModelDeleted

__all__ = ["Models", "ModelsWithRawResponse"]

LIST = Endpoint("GET", "/models", WholeAnswer[Model])
RETRIEVE = Endpoint("GET", "/models/{model}", Model)
DELETE = Endpoint("DELETE", "/models/{model}", ModelDeleted)


class Models:
    """``client.models``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "ModelsWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return ModelsWithRawResponse(type(self), self._transport)

    def list(
        self,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> WholeRequest[Model]:
        """Return the models as a request: ``await`` gives all of them, ``async for`` one by one.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/models/list
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = LIST.request(options)
        return WholeRequest(self._transport, request, LIST.result)

    async def retrieve(
        self,
        model: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Model:
        """Fetch what is known of a model.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such model.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/models/retrieve
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"model": model})
        return await self._transport.send(request, RETRIEVE.result)

    async def delete(
        self,
        model: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ModelDeleted:
        """Delete a fine-tuned model.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such model.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/models/delete
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = DELETE.request(options, ids={"model": model})
        return await self._transport.send(request, DELETE.result)


class ModelsWithRawResponse(WithRawResponse):
    """``client.models.with_raw_response``."""

    list = RawMethod(Models.list)
    retrieve = RawMethod(Models.retrieve)
    delete = RawMethod(Models.delete)
