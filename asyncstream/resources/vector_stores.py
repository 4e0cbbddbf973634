"""The endpoints of vector stores: files, cut up and indexed for search.

Source: https://platform.openai.com/docs/api-reference/vector-stores
"""

# From Python 3.14 on, an annotation of a class that has a method `list` means that method by `list`.
import builtins
from collections.abc import Mapping
from typing import Unpack

from asyncstream.params.shared import ListOrder
from asyncstream.params.vector_stores import VectorStoreCreateParams, VectorStoreSearchParams, VectorStoreUpdateParams
from asyncstream.resources.keywords import known
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.vector_store_file_batches import VectorStoreFileBatches
from asyncstream.resources.vector_store_files import VectorStoreFiles
from asyncstream.resources.versions import ASSISTANTS_V2
from asyncstream.resources.whole_lists import WholeAnswer, WholeRequest
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.vector_stores import VectorStore, VectorStoreDeleted, VectorStoreSearchResponse

__all__ = ["VectorStores", "VectorStoresWithRawResponse"]

CREATE = Endpoint("POST", "/vector_stores", VectorStore, ASSISTANTS_V2)
LIST = Endpoint("GET", "/vector_stores", ListAnswer[VectorStore], ASSISTANTS_V2)
RETRIEVE = Endpoint("GET", "/vector_stores/{vector_store_id}", VectorStore, ASSISTANTS_V2)
UPDATE = Endpoint("POST", "/vector_stores/{vector_store_id}", VectorStore, ASSISTANTS_V2)
DELETE = Endpoint("DELETE", "/vector_stores/{vector_store_id}", VectorStoreDeleted, ASSISTANTS_V2)
SEARCH = Endpoint(
    "POST", "/vector_stores/{vector_store_id}/search", WholeAnswer[VectorStoreSearchResponse], ASSISTANTS_V2
)


class VectorStores:
    """``client.vector_stores``.

    Attributes:
        files: The files in a store.
        file_batches: Files that are put into a store together.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.files = VectorStoreFiles(transport)
        self.file_batches = VectorStoreFileBatches(transport)

    @property
    def with_raw_response(self) -> "VectorStoresWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return VectorStoresWithRawResponse(type(self), self._transport)

    async def create(
        self,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[VectorStoreCreateParams],
    ) -> VectorStore:
        """Create a vector store, empty or of files, which the server goes on to index when this returns.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores/create
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CREATE.request(options, body=known(params, VectorStoreCreateParams))
        return await self._transport.send(request, CREATE.result)

    async def retrieve(
        self,
        vector_store_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> VectorStore:
        """Fetch a vector store, with the counts of its files.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such vector store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores/retrieve
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"vector_store_id": vector_store_id})
        return await self._transport.send(request, RETRIEVE.result)

    async def update(
        self,
        vector_store_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[VectorStoreUpdateParams],
    ) -> VectorStore:
        """Change a vector store; what is not given stays as it is.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such vector store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores/modify
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = UPDATE.request(
            options, ids={"vector_store_id": vector_store_id}, body=known(params, VectorStoreUpdateParams)
        )
        return await self._transport.send(request, UPDATE.result)

    async def delete(
        self,
        vector_store_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> VectorStoreDeleted:
        """Delete a vector store; the files themselves stay.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such vector store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores/delete
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = DELETE.request(options, ids={"vector_store_id": vector_store_id})
        return await self._transport.send(request, DELETE.result)

    def search(
        self,
        vector_store_id: str,
        *,
        query: str | builtins.list[str],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[VectorStoreSearchParams],
    ) -> WholeRequest[VectorStoreSearchResponse]:
        """Return what a search finds as a request: ``await`` gives all results, ``async for`` one by one.

        - `query`: what to look for; several are looked for together.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such vector store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores/search
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = SEARCH.request(
            options,
            ids={"vector_store_id": vector_store_id},
            body={"query": query, **known(params, VectorStoreSearchParams)},
        )
        return WholeRequest(self._transport, request, SEARCH.result)

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
    ) -> ListRequest[VectorStore]:
        """Return the vector stores as a request: ``await`` gives a page, ``async for`` the stores of all pages.

        - `limit`: stores a page, 1 to 100; the server's default is 20.
        - `order`: by creation time; the server's default is "desc", the latest first.
        - `after`: the id of the store in front of the page.
        - `before`: the id of the store behind the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores/list
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"limit": limit, "order": order, "after": after, "before": before}
        request = LIST.request(options, query=query)
        return ListRequest(self._transport, request, LIST.result)


class VectorStoresWithRawResponse(WithRawResponse):
    """``client.vector_stores.with_raw_response``."""

    create = RawMethod(VectorStores.create)
    retrieve = RawMethod(VectorStores.retrieve)
    update = RawMethod(VectorStores.update)
    delete = RawMethod(VectorStores.delete)
    search = RawMethod(VectorStores.search)
    list = RawMethod(VectorStores.list)
