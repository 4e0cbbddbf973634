"""The owner of a run in Redis: collects entries and sends them in batches, and keeps the ownership while it lives.

One task a run: it sends what has come since it last sent, waits a few milliseconds, and sends again; between batches
that are far apart it renews the ownership. So the producer never waits for Redis, unless very much is on its way.

Rule 1: what was appended is sent in order, and kept until Redis has taken it; the newest of it for longer, as a Redis
that restarts or fails over may have lost what it had taken. It is brought again then, under the same ids; also after
the end of the run, as long as no replica has that.
Rule 2: the first failure is final, whatever it is, and nobody waits for this writer after it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import RelayError, StoreError
from asyncstream.relay.log.redis_calls import StopCalls
from asyncstream.relay.log.redis_keys import APPEND, CLAIM, END, RELEASE, Keys
from asyncstream.relay.log.redis_link import LONGEST_PAUSE, NO_REPLICA, RedisLink
from asyncstream.relay.log.store import store_failure

__all__ = ["SETTLING", "RedisWriter"]

_LOG = logging.getLogger("asyncstream")

_BATCH_EVENTS = 500
_BATCH_BYTES = 512 * 1024
"""One batch is one script, during which Redis serves nobody else: about a millisecond."""

_FULL_EVENTS = 10_000
_FULL_BYTES = 8 * 1024 * 1024
"""What may be on its way while Redis is slow or away; then the producer waits, and with it the upstream."""

_KEPT_EVENTS = 5_000
_KEPT_BYTES = 1024 * 1024
"""What may be brought again: a few seconds of a run, where a replica is behind by milliseconds."""

SETTLING = 4.0
"""Seconds in which it shows that a master was replaced before it took the end of a run, and told no replica: Sentinels
need one until they see it, and two until they have told each other."""

_PAUSE = 0.002
"""Seconds between two batches. An event waits that long at most; at 1,000 events a second two share a batch."""


_TO_STOP = 2
"""What Redis answers to a batch if somebody wants the run to stop."""


class _Fields(NamedTuple):
    """An entry as it is sent. What cannot be is found out when it is appended, not among the others of a batch."""

    name: bytes
    data: bytes


class RedisWriter:
    """The owner of one run; see `Writer`.

    Args:
        link: The way to Redis.
        keys: The run's keys.
        token: What makes this owner different from any other.
        claim: What the run was claimed with.
        owner_ttl: Seconds that the ownership outlives its owner.
        ttl: Seconds that the run is kept after its last entry.
        max_events: How many entries are kept, the newest, or a few more.
        calls: Where it is called out that the run is to stop.
    """

    def __init__(
        self,
        link: RedisLink,
        keys: Keys,
        token: str,
        *,
        claim: Sequence[str | int],
        owner_ttl: float,
        ttl: float,
        max_events: int,
        calls: StopCalls,
    ) -> None:
        self._link = link
        self._keys = keys
        self._calls = calls
        self._token = token
        self._claim = claim
        self._renew_after = owner_ttl / 3
        self._settings = (int(owner_ttl * 1000), int(ttl * 1000), max_events)
        # What Redis has not taken yet.
        self._entries: list[_Fields] = []
        self._bytes = 0
        self._stored = 0
        # The newest that Redis has taken.
        self._kept: deque[_Fields] = deque()
        self._kept_bytes = 0
        self._gap_allowed = False
        self._failure: RelayError | None = None
        self._finishing = False
        # The end was stored, or never will be; and a replica has it.
        self._ended = asyncio.Event()
        self._safe = False
        self._wake = asyncio.Event()
        self._taken = asyncio.Event()
        self._tell: Callable[[RelayError], None] = lambda failure: None
        self._tell_cancel: Callable[[], object] = bool
        self._task = asyncio.get_running_loop().create_task(self._send_all(), name=f"asyncstream writer of {keys[0]}")
        self._task.add_done_callback(lambda task: self._ended.set())

    @property
    def full(self) -> bool:
        """Whether so much is on its way that the producer has to wait in `room`."""
        return self._bytes > _FULL_BYTES or len(self._entries) > _FULL_EVENTS

    def append(self, entry: Entry) -> None:
        """Add the next entry; it is on its way."""
        if self._failure is not None:
            raise self._failure
        if not isinstance(entry.data, bytes):
            raise TypeError(f"expected the data of an entry as bytes, got {type(entry.data).__name__}")
        self._entries.append(_Fields(entry.event.encode(), entry.data))
        self._bytes += len(entry.data)
        self._wake.set()

    async def room(self) -> None:
        """Wait until Redis has taken enough."""
        while self.full and self._failure is None:
            self._taken.clear()
            await self._taken.wait()
        if self._failure is not None:
            raise self._failure

    async def finish(self) -> None:
        """Wait until Redis has taken everything; from then on the run expires."""
        self._finishing = True
        self._wake.set()
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure

    @property
    def settling(self) -> "asyncio.Task[None] | None":
        """What looks after the end of the run, once that has come: until no server can take over that lacks it."""
        return self._task if self._ended.is_set() else None

    def on_failure(self, tell: Callable[[RelayError], None]) -> None:
        """Call a function once, when nothing can be stored any more."""
        self._tell = tell
        if self._failure is not None:
            tell(self._failure)

    def on_cancel(self, tell: Callable[[], object]) -> None:
        """Call a function when the run is to stop: that is called out, and comes back with a batch."""
        self._tell_cancel = tell
        self._calls.listen(self._keys.events, tell)

    async def abandon(self, last: Entry) -> None:
        """End the run with an error entry after what is stored, if Redis takes that much."""
        args: list[int | str | bytes] = [self._settings[1], last.data, self._token]
        await self._link.patiently(lambda: self._link.run_kept(END, self._keys, args))

    async def release(self) -> None:
        """Give the run up; if Redis cannot be told, the ownership runs out."""
        self._task.cancel()
        await asyncio.wait([self._task])
        try:
            await self._link.promptly(lambda: self._link.run(RELEASE, [self._keys.owner], [self._token]))
        except StoreError:
            pass

    async def _send_all(self) -> None:
        try:
            await self._send_until_last()
            self._calls.leave(self._keys.events)
            self._ended.set()
            await self._settle()
        except asyncio.CancelledError:
            # Released, or its process ends: nobody is told, but nobody may wait either.
            self._failure = StoreError("the writer of this run was stopped")
            raise
        except Exception as error:
            self._failure = store_failure(error, f"the run cannot be stored after entry {self._stored}")
            self._tell(self._failure)
            if self._ended.is_set():
                _LOG.error("the end of a run may be lost: %s", self._failure)
        finally:
            self._calls.leave(self._keys.events)
            self._taken.set()

    async def _send_until_last(self) -> None:
        last = False
        while not last:
            if not self._wake.is_set():
                await self._woken()
            self._wake.clear()
            last = await self._send_batch()

    async def _settle(self) -> None:
        """Look whether another server takes over, and bring it what it lacks, until a replica has the end or for long.

        A master may be replaced, and take what it is sent for seconds more, before it is told and forgets that.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + SETTLING
        while not self._safe and clock() < until:
            await asyncio.sleep(LONGEST_PAUSE)
            await self._link.look_again(NO_REPLICA)
            self._wake.set()
            await self._send_until_last()

    async def _woken(self) -> None:
        """Wait for entries, but no longer than the ownership can wait for its renewal."""
        try:
            async with asyncio.timeout(self._renew_after):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _send_batch(self) -> bool:
        """Send what is here, nothing included, for that renews the ownership; True if it was the last."""
        self._link.follow()
        count, size = self._batch()
        last = self._finishing and count == len(self._entries)
        batch = self._entries[:count]
        owner_ms, kept_ms, max_events = self._settings
        fields = [field for entry in batch for field in entry]
        args: list[int | str | bytes] = [
            self._token,
            owner_ms,
            kept_ms,
            max_events,
            int(last),
            self._stored + 1,
            int(self._gap_allowed),
            *fields,
        ]
        if last:
            owned, self._safe = await self._link.patiently(lambda: self._link.run_kept(APPEND, self._keys, args))
        else:
            owned = await self._link.patiently(lambda: self._link.run(APPEND, self._keys, args))
        if not owned:
            raise StoreError(
                f"the run is no longer owned by this producer after entry {self._stored}: it was declared lost",
                host=self._link.host,
                port=self._link.port,
            )
        if owned < 0:
            if owned == -1:
                # What it was claimed with is lost, too.
                await self._link.patiently(lambda: self._link.run(CLAIM, self._keys, self._claim))
            self._bring_again(-1 - owned)
            return False
        self._gap_allowed = False
        if owned == _TO_STOP and not last:
            self._tell_cancel()
        del self._entries[:count]
        self._bytes -= size
        self._stored += count
        self._keep(batch)
        self._taken.set()
        if self._entries or self._finishing:
            self._wake.set()
        else:
            await asyncio.sleep(_PAUSE)
        return last

    def _keep(self, batch: list[_Fields]) -> None:
        kept = self._kept
        kept.extend(batch)
        self._kept_bytes += sum(len(fields.data) for fields in batch)
        while len(kept) > _KEPT_EVENTS or self._kept_bytes > _KEPT_BYTES:
            self._kept_bytes -= len(kept.popleft().data)

    def _bring_again(self, last: int) -> None:
        """Take back what Redis has lost after an entry; or go on without it, if there is more than is kept."""
        self._wake.set()
        missing = self._stored - last
        if missing > len(self._kept):
            first = self._stored - len(self._kept) + 1
            _LOG.error(
                "%s has lost entries %d to %d of a run, which are kept nowhere any more",
                self._link.name,
                last + 1,
                first - 1,
            )
            missing = len(self._kept)
            self._gap_allowed = True
        again = [self._kept.pop() for _ in range(missing)][::-1]
        size = sum(len(fields.data) for fields in again)
        self._entries[:0] = again
        self._stored -= missing
        self._bytes += size
        self._kept_bytes -= size

    def _batch(self) -> tuple[int, int]:
        """Return how many entries go into the next batch, and their bytes."""
        count = size = 0
        for entry in self._entries[:_BATCH_EVENTS]:
            if count and size + len(entry.data) > _BATCH_BYTES:
                break
            count += 1
            size += len(entry.data)
        return count, size
