"""The newest entries of a run, read once for all readers of this process. `run_log` makes one a run that is watched.

Below it: a `Store`, whose `wait` is called by one task here, however many readers there are. The newest entries stay in
a window; a reader that is slower than that reads from the store what it missed, at its own pace.

Rule 1: a tail never waits for a reader. Rule 2: it ends with its last reader, at once.
"""

import asyncio
from collections.abc import Callable

from asyncstream.relay.log.store import Store, store_failure
from asyncstream.relay.log.window import Window
from asyncstream.relay.sound import sound_page

__all__ = ["LogClosed", "Tail"]

_PAGE = 1_000
"""Entries taken from the store at once."""

_WINDOW_EVENTS = 2_000
_WINDOW_BYTES = 2 * 1024 * 1024
"""What is kept for readers that are a little behind: two seconds of a fast run."""


class LogClosed(Exception):
    """The log of this process was closed; the run may go on, and its readers with it, elsewhere."""


class Tail:
    """One task that reads a run as it grows, for all its readers in this process.

    Attributes:
        window: The newest entries.
        view: The view that its entries are, as its first reader knows it.
        failure: Why there will be no more; None as long as there will be, and after the run's last entry.
        ended: The run's last entry was read.
    """

    def __init__(self, store: Store, run_id: str, after: int, forget: Callable[["Tail"], None]) -> None:
        """Begin to read after a cursor.

        Args:
            store: Where the entries are.
            run_id: Whose they are.
            after: The id of the last entry that the first reader has.
            forget: Called when nobody may join any more: the last reader has left, or the reading failed.
        """
        self.run_id = run_id
        self.window = Window(after)
        self.view = ""
        self.failure: Exception | None = None
        self.ended = False
        self._store = store
        self._forget = forget
        self._readers = 0
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._read(), name=f"asyncstream tail of {run_id}")

    def join(self) -> None:
        """Count one more reader."""
        self._readers += 1

    def leave(self) -> None:
        """Count one reader less; the last one stops the reading."""
        self._readers -= 1
        if not self._readers:
            self._forget(self)
            self._task.cancel()

    def abandon(self) -> None:
        """Count a reader less that was dropped without closing; from a finalizer, so on any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.leave)

    async def left(self) -> None:
        """Wait until the reading has stopped, if it was stopped."""
        if not self._readers:
            await asyncio.wait([self._task])

    def fail(self, error: Exception) -> None:
        """End the reading with an error, which each reader meets after the entries that it has not taken yet."""
        if self.failure is None and not self.ended:
            self.failure = error
            self._forget(self)
            self._task.cancel()
            self.window.wake()

    async def over(self) -> None:
        """Wait until the reading has ended: with the last entry of the run, or an error."""
        await asyncio.wait([self._task])

    async def _read(self) -> None:
        window = self.window
        try:
            while not self.ended:
                page = sound_page(await self._store.wait(self.run_id, window.last, limit=_PAGE))
                self.ended = page.ended
                window.add(page.entries)
                if len(window) > 2 * _WINDOW_EVENTS or window.bytes > 2 * _WINDOW_BYTES:
                    # Not at each entry: so many are dropped at once.
                    window.trim(_WINDOW_EVENTS, _WINDOW_BYTES)
        except Exception as error:
            self.fail(store_failure(error, f"the run {self.run_id!r} cannot be read after entry {window.last}"))
