"""What `RunLog.follow` gives: the entries of a run from a cursor on, one reader's. Above it: `direct`, `web`, `asgi`.

A reader begins in the store, in pages, and at the end of what is there joins the run's `Tail`, which all readers of
this process share; or it begins in the tail, if that has what it wants. Fallen out of the window, it reads pages again.

Rule 1: the cursor moves when an entry is handed out, in one piece with that: a cancelled `anext` loses nothing.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from asyncstream.errors import AsyncStreamError, ConfigurationError
from asyncstream.relay.cursor import read_cursor
from asyncstream.relay.entries import Entry, error_entry
from asyncstream.relay.errors import BadCursorError, RelayError, RunNotFoundError, StoreError
from asyncstream.relay.log.store import Page, Store, possible_run_id, store_failure
from asyncstream.relay.log.tail import LogClosed, Tail
from asyncstream.relay.sound import sound_page

__all__ = ["Following"]

_PAGE = 200
"""Entries read at once by one reader: what a page of small events takes is far less than a socket's buffer."""


class Following:
    """The entries of one run, from a cursor to its end. One reader's, on one task at a time.

    `open` says what is wrong with the run or the cursor before anything is answered; iterating opens by itself. The
    last entry is the run's `done` or `error`. Close it, or use `async with`: an unfinished one holds a place in the
    tail of its run.

    Attributes:
        run_id: Whose entries.
        after: The id of the last entry that was handed out: where to go on after a break.
        recorded: What `answers` looks for: opening it asks no upstream.
        recorded_view: What `pump` looks for: the view that the entries are, once it is open; "" if that is not known.
        sound: What `sound` looks for: its entries were looked at when they were read.
    """

    recorded: Final = True
    sound: Final = True

    def __init__(
        self,
        store: Store,
        run_id: str,
        after: int | str | None,
        *,
        tail_at: Callable[[str, int], Tail | None],
        tail_of: Callable[[str, int], Tail],
    ) -> None:
        """Make an unopened reader.

        Args:
            store: Where the entries are.
            run_id: Whose they are.
            after: The id of the last entry that the reader has, as a number or as its browser sent it; None for none.
            tail_at: Gives the run's tail if it has what follows an id.
            tail_of: Gives the run's tail, or begins one after an id.
        """
        self._bad_cursor: BadCursorError | None = None
        if isinstance(after, str):
            try:
                after = read_cursor(after)
            except BadCursorError as error:
                # The reader's fault and not the program's: said when it is opened, so that a relay answers 400.
                after, self._bad_cursor = None, error
        if after is not None and (isinstance(after, bool) or not isinstance(after, int) or not 0 <= after < 10**18):
            raise ConfigurationError(f"expected a cursor to be the id of an entry, or None, got {after!r}")
        self.run_id = run_id
        self.recorded_view = ""
        self.after = after or 0
        self._store = store
        self._tail_at = tail_at
        self._tail_of = tail_of
        self._page: deque[Entry] = deque()
        self._tail: Tail | None = None
        self._opened = False
        self._closed = False
        # The run's last entry was handed out, or lies at the cursor.
        self._ended = False
        # What the last page ended with is the end of the run.
        self._last_page = False

    def __repr__(self) -> str:
        return f"Following({self.run_id!r}, after={self.after})"

    @property
    def at_end(self) -> bool:
        """Whether nothing is left to read: the run's last entry was handed out, or lay at the cursor from the start."""
        return self._ended

    async def open(self) -> Self:
        """Read the first entries. May be called again.

        Raises:
            BadCursorError: The cursor is a string that is no id.
            RunNotFoundError: There is no such run.
            CursorGoneError: The entry after the cursor is no longer here, or the cursor is ahead of the run.
            StoreError: The store cannot be reached.
            ConfigurationError: It was closed.
        """
        if self._closed:
            raise ConfigurationError("this reader is closed; call follow() again with its `after`")
        if self._bad_cursor is not None:
            raise self._bad_cursor
        if not self._opened:
            if not possible_run_id(self.run_id):
                raise RunNotFoundError(f"there is no run {self.run_id[:200]!r}: no run can have this id")
            tail = self._tail_at(self.run_id, self.after)
            if tail is None:
                await self._read_page()
            else:
                self._join(tail)
            self._opened = True
        return self

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave the run. May be called at any time, also twice."""
        self._closed = True
        self._page.clear()
        tail, self._tail = self._tail, None
        if tail is not None:
            tail.leave()
            await tail.left()

    aclose = close

    def __del__(self) -> None:
        tail = getattr(self, "_tail", None)
        if tail is not None:
            tail.abandon()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        """Return the next entry.

        What goes wrong after the opening comes as an `error` entry without an id, the last one: the next entry was
        trimmed away before this slow reader came to it, or the store could not be reached for longer than it tries.

        Raises:
            StopAsyncIteration: The last entry was returned. Or, without a last entry: it was closed, or its log was;
                the run may go on, and can be followed again from `after`.
            RelayError: As `open`, if it was not opened.
        """
        if not self._opened and not self._closed:
            await self.open()
        while True:
            entry = self.take()
            if entry is not None:
                return entry
            if self._ended or self._closed:
                raise StopAsyncIteration
            try:
                await self._more()
            except LogClosed:
                await self.close()
            except AsyncStreamError as error:
                self._end()
                return error_entry(error)

    def take(self) -> Entry | None:
        """Return the next entry if it is here, without waiting."""
        if self._page:
            entry = self._page.popleft()
            if not self._page and self._last_page:
                self._end()
        else:
            tail = self._tail
            if tail is None:
                return None
            window, id = tail.window, self.after + 1
            if not window.first <= id <= window.last:
                return None
            entry = window.entries[id - window.base]
            if entry.terminal:
                self._end()
        self.after += 1
        return entry

    async def _more(self) -> None:
        """Wait until there may be an entry to take."""
        tail = self._tail
        if tail is None:
            self._join(self._tail_of(self.run_id, self.after))
        elif self.after + 1 < tail.window.first:
            # Slower than the window: this reader goes back to the store, and the tail does not wait for it.
            await self._catch_up()
        elif tail.failure is not None:
            raise tail.failure
        else:
            await tail.window.changed()

    def _join(self, tail: Tail) -> None:
        self._tail = tail
        tail.join()
        # Only what `read` gives has it: who came first brings it to the tail, and who came later takes it from there.
        self.recorded_view = tail.view = self.recorded_view or tail.view

    def _end(self) -> None:
        self._ended = True
        tail, self._tail = self._tail, None
        if tail is not None:
            tail.leave()

    async def _catch_up(self) -> None:
        try:
            await self._read_page()
        except StoreError:
            # Who is in the middle of a run waits for a store that is away, as the tail does.
            self._take_page(await self._asked(self._store.wait))

    async def _read_page(self) -> None:
        page = await self._asked(self._store.read)
        self.recorded_view = page.view
        self._take_page(page)

    async def _asked(self, ask: Callable[..., Awaitable[Page]]) -> Page:
        try:
            return sound_page(await ask(self.run_id, self.after, limit=_PAGE))
        except RelayError:
            raise
        except Exception as error:
            what = f"the run {self.run_id!r} cannot be read after entry {self.after}"
            raise store_failure(error, what) from error

    def _take_page(self, page: Page) -> None:
        self._page.extend(page.entries)
        self._last_page = page.ended
        if page.ended and not page.entries:
            self._end()
