"""An open download: the bytes of an answer in pieces, as they come. Holds no more of them than aiohttp's own buffer.

Above it: what users hold, in `streaming.file_content`. A reader that is slow slows the server down.

Rule 1: a body that ends before its time is an error, never an end.
Rule 2: whatever ends the reading closes the response; only a whole body gives its connection back.
"""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType

import aiohttp
from multidict import CIMultiDict

from asyncstream.errors import APIConnectionError, APIError, APITimeoutError
from asyncstream.transport.answers import public_headers
from asyncstream.transport.call import Call
from asyncstream.transport.codings import coding_of, reader_of
from asyncstream.transport.failures import FOREIGN, broken_body, safe_cause

__all__ = ["LiveContent"]


class LiveContent:
    """An open response whose body is read in pieces, once. Close it, or leave its ``async with``.

    Attributes:
        status: HTTP status.
        headers: Response headers.
        request_id: The `x-request-id` of the response.
        size: The bytes of the content, if the server told; None otherwise.
        received: The bytes that came so far.
    """

    def __init__(self, response: aiohttp.ClientResponse, call: Call) -> None:
        self.status = response.status
        self.headers: CIMultiDict[str] = public_headers(response.headers)
        self.request_id = self.headers.get("x-request-id")
        # The length of a compressed body is not that of its content.
        self.size = None if coding_of(self.headers) else response.content_length
        self.received = 0
        self._whole = False
        self._response = response
        self._reader = reader_of(response)
        self._call = call

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the rest of the content, in pieces of the sizes in which they come; nothing, once it was given.

        Raises:
            APITimeoutError: No piece came within the deadline, or not all within that of the whole call.
            APIConnectionError: The connection broke before the end, or was closed here.
        """
        while not self._whole and (piece := await self._read()):
            self.received += len(piece)
            yield piece
        self._whole = True
        self._response.release()
        self._call.watch.finished(size=self.received)

    async def _read(self) -> bytes:
        self._call.restart_clock()
        try:
            async with asyncio.timeout_at(self._call.deadline):
                return await self._reader()
        except FOREIGN as error:
            caught = error
        broken = self._broken(caught)
        self.close(broken)
        raise broken from safe_cause(caught, self._call.secrets)

    def _broken(self, error: Exception) -> APIError:
        answer = self._call.answer(self._response)
        so_far = f"{self.received} of {self.size} bytes" if self.size is not None else f"{self.received} bytes"
        kind: type[APIError] = APIConnectionError
        message = f"the content from {self._call.target} broke off after {so_far}: " + broken_body(
            error, self._call.secrets
        )
        if isinstance(error, TimeoutError):
            kind, message = APITimeoutError, f"{self._call.timed_out('no more content')}: {so_far} came"
        return kind(
            message, status=answer.status, headers=answer.headers, request_id=answer.headers.get("x-request-id")
        )

    def close(self, error: BaseException | None = None) -> None:
        """Close the response; a body that is not whole closes its connection.

        Args:
            error: Why no more is wanted; None: its reader has left.
        """
        if error is None:
            self._call.watch.finished(size=self.received, left=True)
        else:
            self._call.watch.failed(error)
        self._response.close()

    async def __aenter__(self) -> "LiveContent":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(error)
