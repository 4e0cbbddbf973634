"""A request that wants to read a run: may it, from where, and then the run. A `Source` for `web` and `asgi`.

Asked in this order, and each before anything else is told: the application's hook, the cursor, the store. So a reader
that may not read a run does not learn whether there is one.
"""

import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Self, TypeAlias
from urllib.parse import parse_qsl

from multidict import CIMultiDict, MultiDict

from asyncstream.errors import ConfigurationError
from asyncstream.relay.cursor import after_of
from asyncstream.relay.entries import Entry, encode
from asyncstream.relay.errors import AccessDeniedError, CursorGoneError, RunNotFoundError
from asyncstream.relay.log.reader import Following

__all__ = ["Admission", "Authorize", "Resumption", "headers_and_query", "query_of"]

Authorize: TypeAlias = Callable[[Any, str], Awaitable[bool]]
"""Decides whether a request may read a run: the framework's request, and the run's id."""


class Admission:
    """One request for one run, judged when it is opened.

    Args:
        request: What the hook is given.
        run_id: The run that is asked for.
        headers: The headers of the request, in a mapping that ignores case.
        query: The parameters of its URL.
        authorize: The application's hook; None lets everybody in.
        follow: Gives the run from a cursor on.

    Attributes:
        recorded: As of the `Following` behind it, and so for the other.
        sound: Its entries were looked at.
    """

    recorded: Final = True
    sound: Final = True

    def __init__(
        self,
        request: object,
        run_id: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        authorize: Authorize | None,
        follow: Callable[[str, int | None], Following],
    ) -> None:
        self._request = request
        self._run_id = run_id
        self._headers = headers
        self._query = query
        self._authorize = authorize
        self._follow = follow
        self._following: Following | None = None

    @property
    def at_end(self) -> bool:
        """Whether the reader has all of a run that is over."""
        return self._following is not None and self._following.at_end

    @property
    def recorded_view(self) -> str:
        """The view that the run was started with; "" before it is open."""
        return "" if self._following is None else self._following.recorded_view

    async def open(self) -> Self:
        """Ask the application's hook, read the cursor, and open the run behind them.

        Raises:
            AccessDeniedError: The hook said no. What the hook raises itself comes out as it is.
            BadCursorError: The cursor is no id of an entry.
            RelayError: As `Following.open`.
            ConfigurationError: The hook is no coroutine function.
        """
        if self._following is None:
            await ask(self._authorize, self._request, self._run_id)
            self._following = self._follow(self._run_id, after_of(self._headers, self._query))
        await self._following.open()
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        if self._following is None:
            await self.open()
        assert self._following is not None
        return await self._following.__anext__()

    async def close(self) -> None:
        """Leave the run."""
        if self._following is not None:
            await self._following.close()


class Resumption:
    """A request for a run that goes on, from its beginning: of any other there is nothing to give.

    Args:
        request: What the hook is given.
        run_id: The run that is asked for; None if there is none.
        before: Parts that are given after the first entry of the run, which begins the message.
        authorize: The application's hook; None lets everybody in.
        goes_on: Tells whether a run goes on and is here from its first entry.
        follow: Gives the run from a cursor on.

    Attributes:
        recorded: As of the `Following` behind it, and so for the other.
        sound: Its entries were looked at.
    """

    recorded: Final = True
    sound: Final = True

    def __init__(
        self,
        request: object,
        run_id: str | None,
        *,
        before: Iterable[Mapping[str, Any]] = (),
        authorize: Authorize | None,
        goes_on: Callable[[str], Awaitable[bool]],
        follow: Callable[[str, int | None], Following],
    ) -> None:
        self._request = request
        self._run_id = run_id
        self._authorize = authorize
        self._goes_on = goes_on
        self._follow = follow
        self._before = deque(before)
        self._begun = False
        self._following: Following | None = None
        self._opened = False

    @property
    def at_end(self) -> bool:
        """Whether there is nothing to give."""
        return self._opened and (self._following is None or self._following.at_end)

    @property
    def recorded_view(self) -> str:
        """The view that the run was started with; "" before it is open."""
        return "" if self._following is None else self._following.recorded_view

    async def open(self) -> Self:
        """Ask the application's hook, and open the run from its beginning, if it goes on.

        Raises:
            AccessDeniedError: The hook said no.
            StoreError: The store cannot be reached.
            ConfigurationError: The hook is no coroutine function.
        """
        if self._opened:
            return self
        if self._run_id is not None:
            await ask(self._authorize, self._request, self._run_id)
            if await self._goes_on(self._run_id):
                following = self._follow(self._run_id, None)
                try:
                    await following.open()
                except (RunNotFoundError, CursorGoneError):
                    # It has just expired, or lost its first entry.
                    await following.close()
                else:
                    self._following = following
        self._opened = True
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        await self.open()
        if self._following is None:
            raise StopAsyncIteration
        if self._begun and self._before:
            return Entry(None, "", encode(self._before.popleft()))
        entry = await self._following.__anext__()
        self._begun = not entry.terminal
        return entry

    async def close(self) -> None:
        """Leave the run."""
        if self._following is not None:
            await self._following.close()


async def ask(authorize: Authorize | None, request: object, run_id: str) -> None:
    """Ask the application's hook, if there is one.

    Raises:
        AccessDeniedError: It said no. What it raises itself comes out as it is.
        ConfigurationError: It is no coroutine function.
    """
    if authorize is None:
        return
    answer: Any = authorize(request, run_id)
    if not inspect.isawaitable(answer):
        raise ConfigurationError(f"expected authorize to be an async function, it returned {answer!r}")
    if not await answer:
        raise AccessDeniedError("this run may not be read with this request")


def headers_and_query(scope: Mapping[str, Any]) -> tuple[CIMultiDict[str], MultiDict[str]]:
    """Return the headers and the query parameters of an ASGI scope, its bytes read as aiohttp reads them."""
    # Not every server takes away the blanks around a value.
    headers = CIMultiDict((_text(name), _text(value).strip(" \t")) for name, value in scope["headers"])
    return headers, query_of(_text(scope.get("query_string", b"")))


def query_of(raw: str) -> MultiDict[str]:
    """Return the parameters of a query as it stands in the URL: one reading for all doors, yarl's differs from it."""
    return MultiDict(parse_qsl(raw, keep_blank_values=True))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
