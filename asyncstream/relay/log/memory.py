"""The entries of runs in the memory of this process: the default store, for one worker. No IO; the clock is injected.

Bounded in every direction: entries and bytes of a run (the oldest go first, a reader that still wants them is told),
runs, and how long an ended run is kept. A run that goes on is never dropped: the number of runs is refused instead.
What is stored is lost with the process; several workers need `redis_store`.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from asyncstream.errors import ConfigurationError
from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import CursorGoneError, RelayError, RunExistsError, RunNotFoundError, StoreError
from asyncstream.relay.log.store import Page
from asyncstream.relay.log.window import Window

__all__ = ["MemoryStore"]


class _Run:
    """A run: its entries, and whether it goes on."""

    def __init__(self, view: str) -> None:
        self.view = view
        self.window = Window()
        self.ended = False
        """The last entry is here."""
        self.released = False
        """Given up before its first entry."""
        self.ended_at: float | None = None
        self.tell_cancel: Callable[[], object] = bool
        """What the owner is told by when the run is to stop."""


class MemoryStore:
    """Keep runs in this process.

    Args:
        max_events: How many entries of a run are kept, the newest.
        max_bytes: How many bytes of a run are kept, the newest entries; one entry is kept whatever its size.
        max_runs: How many runs are kept. For a new one the run that ended first goes; if none has ended, the new one
            is refused.
        ttl: Seconds that a run is kept after its end.
        clock: Seconds that only go up.

    Raises:
        ConfigurationError: A limit is not above zero.
    """

    def __init__(
        self,
        *,
        max_events: int = 50_000,
        max_bytes: int = 16 * 1024 * 1024,
        max_runs: int = 1_000,
        ttl: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, limit in (("max_events", max_events), ("max_bytes", max_bytes), ("max_runs", max_runs), ("ttl", ttl)):
            if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
                raise ConfigurationError(f"expected {name} to be a number above zero, got {limit!r}")
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._max_runs = max_runs
        self._ttl = ttl
        self._clock = clock
        self._runs: dict[str, _Run] = {}
        # In the order in which they ended; of a dict, finding the first gets slower with each that was taken out.
        self._ended: OrderedDict[str, _Run] = OrderedDict()

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._runs)} runs, {len(self._ended)} of them ended)"

    async def claim(self, run_id: str, view: str = "") -> "_MemoryWriter":
        """Become the owner of a new run; see `Store`."""
        self._expire()
        if run_id in self._runs:
            state = "has ended and is still kept" if run_id in self._ended else "goes on"
            raise RunExistsError(f"there is a run {run_id!r} already: it {state}")
        if len(self._runs) >= self._max_runs:
            if not self._ended:
                raise StoreError(f"the store holds {len(self._runs)} runs, all still going on; the limit is max_runs")
            self._drop(next(iter(self._ended)))
        run = self._runs[run_id] = _Run(view)
        return _MemoryWriter(self, run_id, run)

    async def read(self, run_id: str, after: int, *, limit: int) -> Page:
        """Return the entries after a cursor that are here; see `Store`."""
        self._expire()
        run = self._runs.get(run_id)
        if run is None:
            if after:
                raise CursorGoneError(f"the run {run_id!r} is not here any more, so entry {after + 1} is not")
            raise RunNotFoundError(f"there is no run {run_id!r}: it never began, or it has expired")
        return self._page(run_id, run, after, limit)

    async def wait(self, run_id: str, after: int, *, limit: int) -> Page:
        """Return the entries after a cursor, once there are any or the run has ended; see `Store`."""
        page = await self.read(run_id, after, limit=limit)
        run = self._runs[run_id]
        while not page.entries and not page.ended:
            await run.window.changed()
            if run.released:
                raise RunNotFoundError(f"the run {run_id!r} did not begin: its stream could not be opened")
            # The run itself, not its name: what a slow reader waits for may have expired meanwhile.
            page = self._page(run_id, run, after, limit)
        return page

    async def cancel(self, run_id: str) -> bool:
        """Tell the owner of a run that it is to stop; return whether the run goes on."""
        run = self._runs.get(run_id)
        if run is None or run.ended:
            return False
        run.tell_cancel()
        return True

    async def close(self) -> None:
        """Do nothing: readers may still be reading what is here."""

    def _page(self, run_id: str, run: _Run, after: int, limit: int) -> Page:
        window = run.window
        if after > window.last:
            raise CursorGoneError(
                f"the cursor {after} is ahead of the run {run_id!r}, whose last entry is {window.last}"
            )
        if after + 1 < window.first:
            raise CursorGoneError(
                f"entry {after + 1} of the run {run_id!r} was trimmed away, the first kept is {window.first}"
            )
        entries = window.after(after, limit)
        return Page(entries, run.ended and after + len(entries) == window.last, run.view, run.ended)

    def _end(self, run_id: str, run: _Run) -> None:
        if self._runs.get(run_id) is run and run.ended_at is None:
            run.ended_at = self._clock()
            self._ended[run_id] = run

    def _expire(self) -> None:
        limit = self._clock() - self._ttl
        while self._ended:
            run_id, run = next(iter(self._ended.items()))
            if run.ended_at is None or run.ended_at > limit:
                break
            self._drop(run_id)

    def _drop(self, run_id: str) -> None:
        self._ended.pop(run_id, None)
        self._runs.pop(run_id, None)


class _MemoryWriter:
    """The owner of a run in memory. Nothing is ever on its way: what is appended is stored."""

    full = False

    def __init__(self, store: MemoryStore, run_id: str, run: _Run) -> None:
        self._store = store
        self._run_id = run_id
        self._run = run

    def append(self, entry: Entry) -> None:
        """Store the next entry."""
        run = self._run
        run.ended = entry.terminal
        run.window.add((entry,))
        run.window.trim(self._store._max_events, self._store._max_bytes)

    async def room(self) -> None:
        """Return at once."""

    def on_failure(self, tell: Callable[[RelayError], None]) -> None:
        """Do nothing: what is in memory does not fail."""

    def on_cancel(self, tell: Callable[[], object]) -> None:
        """Call a function when the run is to stop."""
        self._run.tell_cancel = tell

    async def abandon(self, last: Entry) -> None:
        """End the run with this entry."""
        self.append(last)
        await self.finish()

    async def finish(self) -> None:
        """Let the run expire from now on."""
        self._store._end(self._run_id, self._run)

    async def release(self) -> None:
        """Forget the run."""
        if self._store._runs.get(self._run_id) is self._run:
            self._store._drop(self._run_id)
        self._run.released = True
        self._run.window.wake()
