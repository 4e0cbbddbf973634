"""Lists that a server gives in one piece: models, what a search finds, what was read from a file.

They are used as the lists of `paging` are, but there is never a page behind the first: where a server hints at more, no
endpoint takes the hint.
"""

from collections.abc import Generator
from functools import partial
from typing import Generic, TypeVar

from asyncstream.resources.paging import ListAnswer, ListPage, ListRequest
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request

__all__ = ["WholeAnswer", "WholePage", "WholeRequest", "fetch_whole"]

T = TypeVar("T")


class WholeAnswer(ListAnswer[T], Generic[T], kw_only=True):
    """What an endpoint answers that gives its list in one piece."""

    next_page: str | None = None
    search_query: list[str] = []


class WholePage(ListPage[T]):
    """A whole list. Iterating it gives its items.

    Attributes:
        next_page: The server's word for what is left out, where it says so; no request takes it.
        search_query: Of a search: the queries that the server made of the one that it was given.
    """

    def __init__(
        self, transport: Transport, request: Request, type: type[WholeAnswer[T]], answer: WholeAnswer[T]
    ) -> None:
        super().__init__(transport, request, type, answer, frozenset())
        self.next_page = answer.next_page
        self.search_query = answer.search_query

    def has_next_page(self) -> bool:
        """Return False."""
        return False


class WholeRequest(ListRequest[T]):
    """A whole list that is not yet fetched: ``await`` gives it as a page, ``async for`` its items."""

    def __init__(self, transport: Transport, request: Request, type: type[WholeAnswer[T]]) -> None:
        super().__init__(transport, request, type)
        self._fetch = partial(fetch_whole, transport, request, type)

    def __await__(self) -> Generator[object, None, WholePage[T]]:
        return self._fetch().__await__()


async def fetch_whole(transport: Transport, request: Request, type: type[WholeAnswer[T]]) -> WholePage[T]:
    """Send a request for a whole list and return the list.

    Raises:
        APIError: The request failed.
    """
    return WholePage(transport, request, type, await transport.send(request, type))
