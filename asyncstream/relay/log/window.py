"""The newest entries of a run in memory, and who waits for more: `Window`. The store in memory keeps a run in one, and
`tail` what its readers are about to want.

It knows neither stores nor readers, and drops nothing by itself: who keeps one says how much of it stays.

Rule 1: there are no gaps. What goes, goes from the front. Rule 2: to add an entry, to drop one and to find one cost the
same however many there are.
"""

import asyncio
from collections.abc import Sequence

from asyncstream.relay.entries import Entry

__all__ = ["Window"]

_ENTRY_BYTES = 200
"""What an entry takes beside its data: the struct, its id, its place."""

_GONE = Entry()
"""Stands where an entry was dropped, until there are enough of these to be cut off at once."""


class Window:
    """Entries with consecutive ids.

    Attributes:
        first: The id of the oldest entry that is here; one more than `last` if there is none.
        last: The id of the newest.
        bytes: What they take, about.
        entries: They themselves, each at the place of its id less `base`. In front there may be places of some that
            were dropped. For readers, of whom each looks here for each entry; others ask `get`.
        base: The id whose place is the first.
    """

    __slots__ = ("_waiting", "base", "bytes", "entries", "first", "last")

    def __init__(self, after: int = 0) -> None:
        """Begin with no entries.

        Args:
            after: The id before that of the first entry that will be added.
        """
        self.first = after + 1
        self.last = after
        self.bytes = 0
        self.entries: list[Entry] = []
        self.base = after + 1
        self._waiting: dict[asyncio.Future[None], None] = {}

    def __len__(self) -> int:
        return self.last - self.first + 1

    def add(self, entries: Sequence[Entry]) -> None:
        """Add the next entries, and wake who waits for them."""
        self.entries.extend(entries)
        self.last += len(entries)
        size = self.bytes
        for entry in entries:
            size += len(entry.data) + len(entry.event) + _ENTRY_BYTES
        self.bytes = size
        if self._waiting:
            self.wake()

    def get(self, id: int) -> Entry | None:
        """Return an entry; None if it is not here."""
        if self.first <= id <= self.last:
            return self.entries[id - self.base]
        return None

    def after(self, id: int, limit: int) -> list[Entry]:
        """Return the entries that follow an id, which is here or is that before the first; so many at most."""
        start = id + 1 - self.base
        return self.entries[start : start + limit]

    def trim(self, max_events: int, max_bytes: int) -> None:
        """Drop the oldest entries over the limits; the newest stays, whatever its size."""
        first, last, size = self.first, self.last, self.bytes
        if last - first < max_events and size <= max_bytes:
            return
        entries, base = self.entries, self.base
        while first < last and (last - first >= max_events or size > max_bytes):
            entry = entries[first - base]
            entries[first - base] = _GONE
            first += 1
            size -= len(entry.data) + len(entry.event) + _ENTRY_BYTES
        self.first, self.bytes = first, size
        if first - base > len(entries) // 2:
            # So an entry is moved once at most.
            del entries[: first - base]
            self.base = first

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def wake(self) -> None:
        """Wake who waits, whether there is more or never will be."""
        waiting, self._waiting = self._waiting, {}
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def changed(self) -> None:
        """Wait until somebody wakes those who wait."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = None
        try:
            await waiter
        except BaseException:
            # Who is cancelled again and again, before a silent run, leaves nothing here.
            self._waiting.pop(waiter, None)
            raise
