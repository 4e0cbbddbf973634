"""The endpoints of the files in a vector store, by the ids of the files themselves.

Source: https://platform.openai.com/docs/api-reference/vector-stores-files
"""

from collections.abc import Callable, Mapping
from typing import Unpack

from asyncstream.params.shared import ListOrder
from asyncstream.params.uploads import FileTypes, UploadProgress
from asyncstream.params.vector_stores import (
    VectorStoreFileAttributesParam,
    VectorStoreFileCreateParams,
    VectorStoreFileFilter,
)
from asyncstream.resources.files import Files
from asyncstream.resources.keywords import known
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.polling import Pace, Remote, poll, remote_object, start_and_poll
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.versions import ASSISTANTS_V2
from asyncstream.resources.whole_lists import WholeAnswer, WholeRequest
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options, Request, check_id
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.vector_stores import FileContentResponse, VectorStoreFile, VectorStoreFileDeleted

__all__ = ["VectorStoreFiles", "VectorStoreFilesWithRawResponse"]

CREATE = Endpoint("POST", "/vector_stores/{vector_store_id}/files", VectorStoreFile, ASSISTANTS_V2)
LIST = Endpoint("GET", "/vector_stores/{vector_store_id}/files", ListAnswer[VectorStoreFile], ASSISTANTS_V2)
RETRIEVE = Endpoint("GET", "/vector_stores/{vector_store_id}/files/{file_id}", VectorStoreFile, ASSISTANTS_V2)
UPDATE = Endpoint("POST", "/vector_stores/{vector_store_id}/files/{file_id}", VectorStoreFile, ASSISTANTS_V2)
DELETE = Endpoint("DELETE", "/vector_stores/{vector_store_id}/files/{file_id}", VectorStoreFileDeleted, ASSISTANTS_V2)
CONTENT = Endpoint(
    "GET",
    "/vector_stores/{vector_store_id}/files/{file_id}/content",
    WholeAnswer[FileContentResponse],
    ASSISTANTS_V2,
)


class VectorStoreFiles:
    """``client.vector_stores.files``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._files = Files(transport)

    @property
    def with_raw_response(self) -> "VectorStoreFilesWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return VectorStoreFilesWithRawResponse(type(self), self._transport)

    async def create(
        self,
        vector_store_id: str,
        *,
        file_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[VectorStoreFileCreateParams],
    ) -> VectorStoreFile:
        """Put a file into a vector store; the server goes on to index it when this returns.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such vector store or file.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-files/createFile
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CREATE.request(
            options,
            ids={"vector_store_id": vector_store_id},
            body={"file_id": file_id, **known(params, VectorStoreFileCreateParams)},
        )
        return await self._transport.send(request, CREATE.result)

    async def retrieve(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> VectorStoreFile:
        """Fetch a file in a vector store: its status, not its content.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such file in the store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-files/getFile
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"vector_store_id": vector_store_id, "file_id": file_id})
        return await self._transport.send(request, RETRIEVE.result)

    async def update(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        attributes: VectorStoreFileAttributesParam | None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> VectorStoreFile:
        """Replace the attributes of a file in a vector store.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such file in the store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-files/updateAttributes
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = UPDATE.request(
            options, ids={"vector_store_id": vector_store_id, "file_id": file_id}, body={"attributes": attributes}
        )
        return await self._transport.send(request, UPDATE.result)

    def list(
        self,
        vector_store_id: str,
        *,
        filter: VectorStoreFileFilter | None = None,
        limit: int | None = None,
        order: ListOrder | None = None,
        after: str | None = None,
        before: str | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ListRequest[VectorStoreFile]:
        """Return the files in a store as a request: ``await`` gives a page, ``async for`` the files of all pages.

        - `filter`: only the files with this status.
        - `limit`: files a page, 1 to 100; the server's default is 20.
        - `order`: by creation time; the server's default is "desc", the latest first.
        - `after`: the id of the file in front of the page.
        - `before`: the id of the file behind the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such vector store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-files/listFiles
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"filter": filter, "limit": limit, "order": order, "after": after, "before": before}
        request = LIST.request(options, ids={"vector_store_id": vector_store_id}, query=query)
        return ListRequest(self._transport, request, LIST.result)

    async def delete(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> VectorStoreFileDeleted:
        """Take a file out of a vector store; the file itself stays.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such file in the store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-files/deleteFile
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = DELETE.request(options, ids={"vector_store_id": vector_store_id, "file_id": file_id})
        return await self._transport.send(request, DELETE.result)

    def content(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> WholeRequest[FileContentResponse]:
        """Return the text read from a file as a request: ``await`` gives all pieces, ``async for`` one by one.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such file in the store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-files/getContent
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CONTENT.request(options, ids={"vector_store_id": vector_store_id, "file_id": file_id})
        return WholeRequest(self._transport, request, CONTENT.result)

    async def upload(
        self,
        vector_store_id: str,
        *,
        file: FileTypes,
        on_progress: UploadProgress | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[VectorStoreFileCreateParams],
    ) -> VectorStoreFile:
        """Upload a file for assistants and put it into a vector store, which goes on to index it when this returns.

        - `file`, `on_progress`: as in ``client.files.create``.
        - `extra_body`: is added to the second request; the other options go with both.

        Raises:
            ConfigurationError: An argument cannot be sent.
            OSError: A path cannot be opened.
            NotFoundError: There is no such vector store.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-files/createFile
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = await self._uploaded(vector_store_id, file, on_progress, options, params)
        return await self._transport.send(request, CREATE.result)

    async def create_and_poll(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[VectorStoreFile], object] | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[VectorStoreFileCreateParams],
    ) -> VectorStoreFile:
        """Put a file into a vector store and poll it until it is indexed, has failed, or was cancelled.

        It returns with every ending status: `status` and `last_error` say which. The rest is as in `poll`; the deadline
        counts from the answer to the first request.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the file is its `last`, and the server goes on.
            NotFoundError: There is no such vector store or file.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-files/createFile
        """
        pace = Pace(poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll)
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CREATE.request(
            options,
            ids={"vector_store_id": vector_store_id},
            body={"file_id": file_id, **known(params, VectorStoreFileCreateParams)},
        )
        return await self._sent_and_polled(request, vector_store_id, options, pace)

    async def upload_and_poll(
        self,
        vector_store_id: str,
        *,
        file: FileTypes,
        on_progress: UploadProgress | None = None,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[VectorStoreFile], object] | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[VectorStoreFileCreateParams],
    ) -> VectorStoreFile:
        """Upload a file, put it into a vector store, and poll it until it is indexed, has failed, or was cancelled.

        It returns with every ending status: `status` and `last_error` say which. The rest is as in `upload` and `poll`;
        the deadline counts from the answer to the second request.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            OSError: A path cannot be opened.
            PollTimeoutError: The deadline passed; the file is its `last`, and the server goes on.
            NotFoundError: There is no such vector store.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-files/createFile
        """
        pace = Pace(poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll)
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = await self._uploaded(vector_store_id, file, on_progress, options, params)
        return await self._sent_and_polled(request, vector_store_id, options, pace)

    async def poll(
        self,
        file_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[VectorStoreFile], object] | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> VectorStoreFile:
        """Fetch a file in a vector store again and again until it is indexed, has failed, or was cancelled.

        A look that fails for a moment (429, 5xx, a broken connection) does not end the poll.

        - `poll_interval_ms`: milliseconds between two looks, to which up to a quarter is added at random; None takes
          what the server asks for, else 1,000.
        - `poll_timeout`: seconds until `PollTimeoutError`; None polls until the end.
        - `on_poll`: called with the file after each look; what it returns is awaited if it can be.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the file is its `last`, and the server goes on.
            NotFoundError: There is no such file in the store.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-files/getFile
        """
        pace = Pace(poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll)
        options = Options(extra_headers, extra_query, extra_body, timeout)
        return await poll(self._in_store(file_id, vector_store_id, options), pace)

    async def _uploaded(
        self,
        vector_store_id: str,
        file: FileTypes,
        on_progress: UploadProgress | None,
        options: Options,
        params: VectorStoreFileCreateParams,
    ) -> Request:
        """Upload a file and return the request that puts it into a store."""
        check_id("vector_store_id", vector_store_id)
        # Before the upload: what cannot be put into a store need not be sent.
        known(params, VectorStoreFileCreateParams)
        uploaded = await self._files.create(
            file=file,
            purpose="assistants",
            on_progress=on_progress,
            extra_headers=options.extra_headers,
            extra_query=options.extra_query,
            timeout=options.timeout,
        )
        body = {"file_id": uploaded.id, **params, **(options.extra_body or {})}
        return CREATE.request(options.for_later(), ids={"vector_store_id": vector_store_id}, body=body)

    async def _sent_and_polled(
        self, request: Request, vector_store_id: str, options: Options, pace: Pace[VectorStoreFile]
    ) -> VectorStoreFile:
        return await start_and_poll(
            lambda: self._transport.send_with_headers(request, CREATE.result),
            lambda file: self._in_store(file.id, vector_store_id, options),
            pace,
        )

    def _in_store(self, file_id: str, vector_store_id: str, options: Options) -> Remote[VectorStoreFile]:
        ids = {"vector_store_id": vector_store_id, "file_id": file_id}
        return remote_object(self._transport, RETRIEVE.result, RETRIEVE.request(options.for_later(), ids=ids))


class VectorStoreFilesWithRawResponse(WithRawResponse):
    """``client.vector_stores.files.with_raw_response``."""

    create = RawMethod(VectorStoreFiles.create)
    retrieve = RawMethod(VectorStoreFiles.retrieve)
    update = RawMethod(VectorStoreFiles.update)
    list = RawMethod(VectorStoreFiles.list)
    delete = RawMethod(VectorStoreFiles.delete)
    content = RawMethod(VectorStoreFiles.content)
