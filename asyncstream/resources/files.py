"""The endpoints of files: what is uploaded, and what tools and batches leave behind.

Source: https://platform.openai.com/docs/api-reference/files
"""

from collections.abc import Callable, Mapping
from typing import Unpack

from asyncstream.params.files import FileCreateParams, FilePurposeParam
from asyncstream.params.shared import ListOrder
from asyncstream.params.uploads import FileTypes, UploadProgress
from asyncstream.resources.keywords import known
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.polling import Pace, poll, remote_object
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.streaming.file_content import ContentRequest
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.transport.upload.file import open_upload
from asyncstream.types.files import FileDeleted, FileObject

__all__ = ["Files", "FilesWithRawResponse"]

CREATE = Endpoint("POST", "/files", FileObject)
LIST = Endpoint("GET", "/files", ListAnswer[FileObject])
RETRIEVE = Endpoint("GET", "/files/{file_id}", FileObject)
DELETE = Endpoint("DELETE", "/files/{file_id}", FileDeleted)
CONTENT = Endpoint("GET", "/files/{file_id}/content", bytes)

_IN_PROCESS = frozenset({"uploaded", "pending", "running"})
"""The statuses of files that do not last; the last two are Azure's."""


class Files:
    """``client.files``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "FilesWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return FilesWithRawResponse(type(self), self._transport)

    async def create(
        self,
        *,
        file: FileTypes,
        purpose: FilePurposeParam | str,
        on_progress: UploadProgress | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[FileCreateParams],
    ) -> FileObject:
        """Upload a file; it is read as it is sent.

        - `file`: bytes, a path, a binary file object (sent from where it stands, and left open), what has an awaited
          ``read(size)``, an async iterable of bytes, or a tuple ``(name, content)`` or ``(name, content, type)`` with
          one of these. Without a name the file has that of the path or file object, else "upload"; without a type, what
          the name says.
        - `purpose`: what it is for; "assistants" also for vector stores.
        - `on_progress`: called with the bytes sent so far and the size of the content (None: unknown); what it returns
          is awaited if it can be. Should the upload be tried again, the count begins anew.
        - `extra_body`: more fields of the form.

        A failed upload is tried again as any request is, but what can be read only once is only sent once it has begun.

        Raises:
            ConfigurationError: An argument cannot be sent, or the file changed while it was sent.
            OSError: The path cannot be opened, before anything is sent; or the file cannot be read on.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/files/create
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        async with open_upload(file, on_progress) as upload:
            request = CREATE.request(
                options, body={"purpose": purpose, **known(params, FileCreateParams)}, upload=upload
            )
            return await self._transport.send(request, CREATE.result)

    async def retrieve(
        self,
        file_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> FileObject:
        """Fetch what is known of a file; `content` gives what is in it.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such file.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/files/retrieve
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"file_id": file_id})
        return await self._transport.send(request, RETRIEVE.result)

    def list(
        self,
        *,
        purpose: FilePurposeParam | str | None = None,
        limit: int | None = None,
        order: ListOrder | None = None,
        after: str | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ListRequest[FileObject]:
        """Return the files as a request: ``await`` gives a page, ``async for`` the files of all pages.

        - `purpose`: only the files for this purpose.
        - `limit`: files a page, 1 to 10,000, which is the server's default.
        - `order`: by creation time; the server's default is "desc", the latest first.
        - `after`: the id of the file in front of the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/files/list
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"purpose": purpose, "limit": limit, "order": order, "after": after}
        request = LIST.request(options, query=query)
        return ListRequest(self._transport, request, LIST.result)

    async def delete(
        self,
        file_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> FileDeleted:
        """Delete a file; vector stores lose it too.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such file.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/files/delete
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = DELETE.request(options, ids={"file_id": file_id})
        return await self._transport.send(request, DELETE.result)

    def content(
        self,
        file_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ContentRequest:
        """Return the content of a file as a request.

        ``await`` gives all of it as bytes, ``async with`` a stream of pieces, and ``await`` of its ``write_to(path)``
        writes it to a path; the last two hold no more than some MiB of it.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such file.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/files/retrieve-contents
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        return ContentRequest(self._transport, CONTENT.request(options, ids={"file_id": file_id}))

    async def wait_for_processing(
        self,
        file_id: str,
        *,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = 1800.0,
        on_poll: Callable[[FileObject], object] | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> FileObject:
        """Fetch a file again and again until it is processed, refused ("error") or gone ("deleted").

        - `poll_interval_ms`: milliseconds between two looks; None is what the server asks for, else 1,000.
        - `poll_timeout`: seconds; not endless, because some servers leave a file at "uploaded" for ever.
        - `on_poll`: called with the file after each look; what it returns is awaited if it can be.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the file is its `last`.
            NotFoundError: There is no such file.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/files/retrieve
        """
        pace = Pace(poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll, pending=_IN_PROCESS)
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"file_id": file_id})
        return await poll(remote_object(self._transport, RETRIEVE.result, request), pace)


class FilesWithRawResponse(WithRawResponse):
    """``client.files.with_raw_response``."""

    create = RawMethod(Files.create)
    retrieve = RawMethod(Files.retrieve)
    list = RawMethod(Files.list)
    delete = RawMethod(Files.delete)
    content = RawMethod(Files.content)
