"""The endpoints of file batches: files that are put into a vector store together.

Source: https://platform.openai.com/docs/api-reference/vector-stores-file-batches
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Unpack

from asyncstream.errors import ConfigurationError
from asyncstream.params.shared import ListOrder
from asyncstream.params.uploads import FileTypes
from asyncstream.params.vector_stores import (
    VectorStoreFileBatchCreateParams,
    VectorStoreFileCreateParams,
    VectorStoreFileFilter,
)
from asyncstream.resources.files import Files
from asyncstream.resources.keywords import check_list, known
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.polling import Pace, Remote, poll, remote_object, start_and_poll
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.uploads import upload_all
from asyncstream.resources.versions import ASSISTANTS_V2
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options, Request, check_id
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.vector_stores import VectorStoreFile, VectorStoreFileBatch

__all__ = ["VectorStoreFileBatches", "VectorStoreFileBatchesWithRawResponse"]

CREATE = Endpoint("POST", "/vector_stores/{vector_store_id}/file_batches", VectorStoreFileBatch, ASSISTANTS_V2)
RETRIEVE = Endpoint(
    "GET", "/vector_stores/{vector_store_id}/file_batches/{batch_id}", VectorStoreFileBatch, ASSISTANTS_V2
)
CANCEL = Endpoint(
    "POST", "/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel", VectorStoreFileBatch, ASSISTANTS_V2
)
LIST_FILES = Endpoint(
    "GET",
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}/files",
    ListAnswer[VectorStoreFile],
    ASSISTANTS_V2,
)


class VectorStoreFileBatches:
    """``client.vector_stores.file_batches``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._files = Files(transport)

    @property
    def with_raw_response(self) -> "VectorStoreFileBatchesWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return VectorStoreFileBatchesWithRawResponse(type(self), self._transport)

    async def create(
        self,
        vector_store_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[VectorStoreFileBatchCreateParams],
    ) -> VectorStoreFileBatch:
        """Put files into a vector store together; the server goes on to index them when this returns.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such vector store or file.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-file-batches/createBatch
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CREATE.request(
            options, ids={"vector_store_id": vector_store_id}, body=known(params, VectorStoreFileBatchCreateParams)
        )
        return await self._transport.send(request, CREATE.result)

    async def retrieve(
        self,
        batch_id: str,
        *,
        vector_store_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> VectorStoreFileBatch:
        """Fetch a file batch, with the counts of its files.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such batch in the store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-file-batches/getBatch
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"vector_store_id": vector_store_id, "batch_id": batch_id})
        return await self._transport.send(request, RETRIEVE.result)

    async def cancel(
        self,
        batch_id: str,
        *,
        vector_store_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> VectorStoreFileBatch:
        """Ask for what is left of a file batch to be called off.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such batch in the store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-file-batches/cancelBatch
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CANCEL.request(options, ids={"vector_store_id": vector_store_id, "batch_id": batch_id})
        return await self._transport.send(request, CANCEL.result)

    def list_files(
        self,
        batch_id: str,
        *,
        vector_store_id: str,
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
        """Return the files of a batch as a request: ``await`` gives a page, ``async for`` the files of all pages.

        - `filter`: only the files with this status.
        - `limit`: files a page, 1 to 100; the server's default is 20.
        - `order`: by creation time; the server's default is "desc", the latest first.
        - `after`: the id of the file in front of the page.
        - `before`: the id of the file behind the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such batch in the store.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-file-batches/listBatchFiles
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"filter": filter, "limit": limit, "order": order, "after": after, "before": before}
        request = LIST_FILES.request(
            options, ids={"vector_store_id": vector_store_id, "batch_id": batch_id}, query=query
        )
        return ListRequest(self._transport, request, LIST_FILES.result)

    async def create_and_poll(
        self,
        vector_store_id: str,
        *,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[VectorStoreFileBatch], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[VectorStoreFileBatchCreateParams],
    ) -> VectorStoreFileBatch:
        """Put files into a vector store together and poll the batch until none of them is in progress.

        It returns with every ending status, also if files have failed: `file_counts` says how many. The rest is as in
        `poll`; the deadline counts from the answer to the first request.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the batch is its `last`, and goes on.
            NotFoundError: There is no such vector store or file.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-file-batches/createBatch
        """
        pace = Pace(
            poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll, cancel_remote=cancel_remote
        )
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CREATE.request(
            options, ids={"vector_store_id": vector_store_id}, body=known(params, VectorStoreFileBatchCreateParams)
        )
        return await self._sent_and_polled(request, vector_store_id, options, pace)

    async def upload_and_poll(
        self,
        vector_store_id: str,
        *,
        files: Iterable[FileTypes],
        file_ids: Sequence[str] = (),
        max_concurrency: int = 5,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[VectorStoreFileBatch], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[VectorStoreFileCreateParams],
    ) -> VectorStoreFileBatch:
        """Upload files, put them into a vector store together, and poll the batch until none of them is in progress.

        It returns with every ending status, also if files have failed: `file_counts` says how many. The rest is as in
        `poll`; the deadline counts from the answer to the request that makes the batch.

        - `files`: each as in ``client.files.create``; a generator is asked for a file when its upload begins.
        - `file_ids`: files to put into the batch too, that were uploaded before.
        - `max_concurrency`: how many uploads there are at a time at most.
        - `extra_body`: is added to the request that makes the batch; the other options go with all.

        The first upload that fails ends the others and is raised, with a note of the files that were uploaded: these
        stay on the server.

        Raises:
            ConfigurationError: An argument cannot be sent, is no interval or deadline, or there are no files.
            OSError: A path cannot be opened.
            PollTimeoutError: The deadline passed; the batch is its `last`, and goes on.
            NotFoundError: There is no such vector store or file.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-file-batches/createBatch
        """
        pace = Pace(
            poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll, cancel_remote=cancel_remote
        )
        options = Options(extra_headers, extra_query, extra_body, timeout)
        check_id("vector_store_id", vector_store_id)
        check_list("file_ids", file_ids)
        # Before the uploads: what cannot be put into a batch need not be sent.
        known(params, VectorStoreFileCreateParams)
        later = options.for_later()
        uploaded = await upload_all(
            lambda file: self._files.create(
                file=file,
                purpose="assistants",
                extra_headers=later.extra_headers,
                extra_query=later.extra_query,
                timeout=later.timeout,
            ),
            files,
            max_concurrency=max_concurrency,
        )
        ids = [*file_ids, *(file.id for file in uploaded)]
        if not ids:
            raise ConfigurationError("a batch needs at least one file: `files` and `file_ids` are both empty")
        request = CREATE.request(
            options,
            ids={"vector_store_id": vector_store_id},
            body={"file_ids": ids, **params},
        )
        return await self._sent_and_polled(request, vector_store_id, options, pace)

    async def poll(
        self,
        batch_id: str,
        *,
        vector_store_id: str,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[VectorStoreFileBatch], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> VectorStoreFileBatch:
        """Fetch a file batch again and again until none of its files is in progress.

        A look that fails for a moment (429, 5xx, a broken connection) does not end the poll.

        - `poll_interval_ms`: milliseconds between two looks, to which up to a quarter is added at random; None takes
          what the server asks for, else 1,000.
        - `poll_timeout`: seconds until `PollTimeoutError`; None polls until the end.
        - `on_poll`: called with the batch after each look; what it returns is awaited if it can be.
        - `cancel_remote`: whether the batch is cancelled on the server when the task that polls is cancelled.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the batch is its `last`, and goes on.
            NotFoundError: There is no such batch in the store.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/vector-stores-file-batches/getBatch
        """
        pace = Pace(
            poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll, cancel_remote=cancel_remote
        )
        options = Options(extra_headers, extra_query, extra_body, timeout)
        return await poll(self._on_server(batch_id, vector_store_id, options), pace)

    async def _sent_and_polled(
        self, request: Request, vector_store_id: str, options: Options, pace: Pace[VectorStoreFileBatch]
    ) -> VectorStoreFileBatch:
        return await start_and_poll(
            lambda: self._transport.send_with_headers(request, CREATE.result),
            lambda batch: self._on_server(batch.id, vector_store_id, options),
            pace,
        )

    def _on_server(self, batch_id: str, vector_store_id: str, options: Options) -> Remote[VectorStoreFileBatch]:
        later = options.for_later()
        ids = {"vector_store_id": vector_store_id, "batch_id": batch_id}
        look, cancel = RETRIEVE.request(later, ids=ids), CANCEL.request(later, ids=ids)
        return remote_object(self._transport, RETRIEVE.result, look, cancel)


class VectorStoreFileBatchesWithRawResponse(WithRawResponse):
    """``client.vector_stores.file_batches.with_raw_response``."""

    create = RawMethod(VectorStoreFileBatches.create)
    retrieve = RawMethod(VectorStoreFileBatches.retrieve)
    cancel = RawMethod(VectorStoreFileBatches.cancel)
    list_files = RawMethod(VectorStoreFileBatches.list_files)
