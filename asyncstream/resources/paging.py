"""Lists that come in pages: one request that can be awaited (a page) or iterated (the items of all pages).

Knows cursors, not nouns: an endpoint gives the first request, and every later one is that with another `after`.
"""

import json
from collections.abc import AsyncIterator, Generator
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from asyncstream.errors import APIResponseValidationError, ConfigurationError
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request
from asyncstream.types.structs import WireStruct

__all__ = ["ListAnswer", "ListPage", "ListRequest"]

T = TypeVar("T")


class ListAnswer(Struct, Generic[T], kw_only=True):
    """What a list endpoint answers. Without `data` it is no list, but servers in Go send null for an empty one."""

    data: list[T] | None
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool | None = None
    """Some servers leave it out; then only an empty page is known to be the last."""


class ListPage(Generic[T]):
    """One page of a list. Iterating it gives its items and those of all pages behind it.

    Attributes:
        data: The items of this page.
        has_more: Whether the server says that there are more; None if it does not say.
        first_id: The id of the first item.
        last_id: The id of the last item, which is the cursor of the next page.
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        type: type[ListAnswer[T]],
        answer: ListAnswer[T],
        seen: frozenset[str],
    ) -> None:
        self.data: list[T] = answer.data or []
        self.has_more = answer.has_more
        self.first_id = answer.first_id or (_id(self.data[0]) if self.data else None)
        self.last_id = answer.last_id or (_id(self.data[-1]) if self.data else None)
        self._transport = transport
        self._request = request
        self._type = type
        self._answer = answer
        self._seen = seen

    def __repr__(self) -> str:
        return f"ListPage({len(self.data)} items, has_more={self.has_more})"

    def to_dict(self) -> dict[str, object]:
        """Give it as plain data under the wire's keys; the items are those of this page alone."""
        answer = self._answer
        told = {"first_id": answer.first_id, "last_id": answer.last_id, "has_more": answer.has_more}
        items = [item.to_dict() if isinstance(item, WireStruct) else item for item in self.data]
        return {"object": "list", "data": items, **{key: value for key, value in told.items() if value is not None}}

    def to_json(self, *, indent: int | None = 2) -> str:
        """Give what `to_dict` gives as JSON text.

        Args:
            indent: Spaces a level; None puts all on one line.
        """
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def has_next_page(self) -> bool:
        """Tell whether there may be another page. Without a word from the server, there may be one behind any item."""
        return bool(self.data) if self.has_more is None else self.has_more

    async def get_next_page(self) -> "ListPage[T]":
        """Fetch the page behind this one.

        Raises:
            ConfigurationError: There is none.
            APIResponseValidationError: The server's cursors lead in a circle, or nowhere.
            APIError: The request failed.
        """
        if not self.has_next_page():
            raise ConfigurationError("there is no next page; ask has_next_page() first")
        if self.last_id is None:
            raise APIResponseValidationError("the server says that there are more items, but the page has no last id")
        query = {**self._request.query, "after": self.last_id}
        request = msgspec.structs.replace(self._request, query=query)
        return await fetch_page(self._transport, request, self._type, self._seen | {self.last_id})

    async def iter_pages(self) -> AsyncIterator["ListPage[T]"]:
        """Iterate over this page and all behind it."""
        page = self
        yield page
        while page.has_next_page():
            page = await page.get_next_page()
            yield page

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.iter_pages():
            for item in page.data:
                yield item


class ListRequest(Generic[T]):
    """A list that is not yet fetched: ``await`` gives its first page, ``async for`` the items of all pages.

    Each use sends anew; one that is never used sends nothing.
    """

    def __init__(self, transport: Transport, request: Request, type: type[ListAnswer[T]]) -> None:
        self._transport = transport
        self._request = request
        self._type = type

    def __repr__(self) -> str:
        return f"ListRequest({self._request!r})"

    def __await__(self) -> Generator[object, None, ListPage[T]]:
        return fetch_page(self._transport, self._request, self._type, frozenset()).__await__()

    async def iter_pages(self) -> AsyncIterator[ListPage[T]]:
        """Iterate over all pages."""
        async for page in (await self).iter_pages():
            yield page

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await self:
            yield item


async def fetch_page(
    transport: Transport, request: Request, type: type[ListAnswer[T]], seen: frozenset[str]
) -> ListPage[T]:
    """Send a list request and return its page; `seen` are the cursors that led to it.

    Raises:
        APIResponseValidationError: The page ends where one before it ended: its items were given already.
        APIError: The request failed.
    """
    page = ListPage(transport, request, type, await transport.send(request, type), seen)
    if page.last_id is not None and page.last_id in seen:
        raise APIResponseValidationError(
            f"page {len(seen) + 1} of the list ends with {page.last_id!r}, as one before it: the server repeats itself"
        )
    return page


def _id(item: object) -> str | None:
    found = getattr(item, "id", None)
    return found if isinstance(found, str) and found else None
