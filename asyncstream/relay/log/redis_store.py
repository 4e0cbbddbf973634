"""The entries of runs in Redis, for any number of workers and machines. One `RedisStore` a process.

Below it: `redis_keys` (what is in Redis), `redis_link` (how it is reached), `redis_writer` (how entries get there),
`sharing`. Here is what readers do. A blocking read waits for entries; between two of these it is looked whether the
producer still lives.

Rule 1: a reader declares a producer lost only after the ownership was away for a while in a Redis that answered, and
took writes, all that time: a producer whose Redis restarts, or is full, needs a moment to come back.
Rule 2: reading writes nothing and needs no memory of a Redis that has none left: no script, no transaction.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakSet

from asyncstream.errors import ConfigurationError
from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import (
    CursorGoneError,
    ProducerLostError,
    RunExistsError,
    RunNotFoundError,
)
from asyncstream.relay.log.redis_calls import StopCalls
from asyncstream.relay.log.redis_keys import CANCEL, CLAIM, DONE, END, LOST, TAKEN, Keys, consecutive, entry_of
from asyncstream.relay.log.redis_link import LOCAL, LONGEST_PAUSE, RedisLink
from asyncstream.relay.log.redis_writer import SETTLING, RedisWriter
from asyncstream.relay.log.sharing import Sharing
from asyncstream.relay.log.store import Page

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster


__all__ = ["RedisStore"]

_BLOCK = 1.0
"""Seconds of one blocking read: so often it is looked whether the producer lives."""


class _Looked(NamedTuple):
    """What `_fetch` found of a run: first the owner, then the newest entry, then those after the cursor, then the view.

    So what comes in between makes the entries more than the rest says, never less.
    """

    entries: list[Entry]
    last: int
    """The id of the newest entry; 0 if there is none."""
    ended: bool
    """The newest entry ends the run."""
    owner: bytes | None
    view: str = ""

    @property
    def goes_on(self) -> bool:
        """It has an owner that lives."""
        return self.owner not in (None, DONE, LOST)


class RedisStore:
    """Keep runs in a Redis, 5.0 or newer, or a Valkey. Nothing is sent before the first run is started or followed.

    Args:
        url: ``redis://[user:password@]host:port/db`` or ``unix://...`` of one; ``redis+cluster://host:port,host:port``
            of some nodes of a cluster; ``redis+sentinel://host:port,host:port/master/db`` of Sentinels, with
            ``?sentinel_password=`` and ``&sentinel_username=`` if they want some. ``rediss``: over TLS.
        client: Instead of the URL a `Redis`, of `Sentinel.master_for` too, or a `RedisCluster` of ``redis.asyncio``.
            The store makes connections of its own with its options, and closes these; closing the client is yours.
        prefix: What its keys begin with.
        max_events: How many entries of a run are kept, the newest, or a few more.
        ttl: Seconds that a run is kept after its last entry.
        owner_ttl: Seconds after which a producer that died is missed; half of that later, but a second at least,
            readers are told.
        connect_timeout: Seconds for a connection, and for the answer to a reader or a producer that begins.
        reconnect_timeout: Seconds that a run which has begun goes on trying to reach a Redis that is away.

    Raises:
        ConfigurationError: The extra ``[redis]`` is not installed, the URL is none of a Redis or has an option that
            cannot be used, or a limit is not above zero.
    """

    def __init__(
        self,
        url: str = LOCAL,
        *,
        client: "Redis | RedisCluster | None" = None,
        prefix: str = "asyncstream:",
        max_events: int = 50_000,
        ttl: float = 3600.0,
        owner_ttl: float = 10.0,
        connect_timeout: float = 5.0,
        reconnect_timeout: float = 30.0,
    ) -> None:
        limits = (max_events, ttl, owner_ttl, connect_timeout, reconnect_timeout)
        names = ("max_events", "ttl", "owner_ttl", "connect_timeout", "reconnect_timeout")
        for name, limit in zip(names, limits, strict=True):
            if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit < 1e9:
                raise ConfigurationError(f"expected {name} to be a number above zero, got {limit!r}")
        if not isinstance(prefix, str) or "{" in prefix or "}" in prefix:
            raise ConfigurationError(f"expected a prefix without braces, which place keys in a cluster, got {prefix!r}")
        self._link = RedisLink(url, connect_timeout=connect_timeout, reconnect_timeout=reconnect_timeout, client=client)
        self._connect_timeout = connect_timeout
        self._prefix = prefix
        self._max_events = max_events
        self._ttl = ttl
        self._owner_ttl = owner_ttl
        self._block_ms = max(1, int(min(_BLOCK, owner_ttl / 2) * 1000))
        # A producer that is back may be between two attempts.
        self._patience = max(owner_ttl / 2, 2 * LONGEST_PAUSE)
        self._calls = StopCalls(self._link, f"{prefix}stop")
        self._looking: Sharing[_Looked] = Sharing()
        self._writers: WeakSet[RedisWriter] = WeakSet()

    def __repr__(self) -> str:
        return f"RedisStore({str(self._link)!r}, prefix={self._prefix!r})"

    async def claim(self, run_id: str, view: str = "") -> RedisWriter:
        """Become the owner of a new run; see `Store`."""
        keys = Keys.of(self._prefix, run_id)
        token = secrets.token_hex(16)
        args: list[str | int] = [token, int(self._owner_ttl * 1000), view, int(self._ttl * 1000)]
        owned, _ = await self._link.promptly(lambda: self._link.run_kept(CLAIM, keys, args))
        if not owned:
            raise RunExistsError(f"there is a run {run_id!r} already: it goes on, or has ended and is still kept")
        writer = RedisWriter(
            self._link,
            keys,
            token,
            claim=args,
            owner_ttl=self._owner_ttl,
            ttl=self._ttl,
            max_events=self._max_events,
            calls=self._calls,
        )
        self._writers.add(writer)
        return writer

    async def read(self, run_id: str, after: int, *, limit: int) -> Page:
        """Return the entries after a cursor that are here; see `Store`."""

        async def send(close: Callable[[], None]) -> _Looked:
            def fetch() -> Awaitable[list[Any]]:
                close()
                return self._fetch(run_id, after, limit)

            return _looked(await self._link.promptly(fetch))

        looked = await self._looking.ask((run_id, after, limit), send)
        if self._link.fails_over and after > looked.last and looked.goes_on:
            looked = await self._brought_again(run_id, after, limit, looked)
        return self._page(run_id, after, looked)

    async def wait(self, run_id: str, after: int, *, limit: int) -> Page:
        """Return the entries after a cursor, once there are any or the run has ended; see `Store`."""
        clock = asyncio.get_running_loop().time
        missed: float | None = None
        failures = self._link.failures
        while True:
            self._link.follow()
            entries = await self._block(run_id, after, limit)
            if entries:
                whole = consecutive(entries, after)
                if not whole:
                    raise self._gone(run_id, after, entries[0].id or 0)
                return Page(whole, whole[-1].terminal)
            looked = await self._look(run_id, after, limit)
            if looked.entries:
                return self._page(run_id, after, looked)
            if looked.owner in (DONE, LOST) or (looked.owner is None and looked.ended and after >= looked.last):
                page = self._page(run_id, after, looked)
                if page.ended:
                    return page
                raise ProducerLostError(f"the run {run_id!r} has ended, but what follows entry {after} is not kept")
            if looked.owner is not None or self._link.failures != failures:
                missed = None
                failures = self._link.failures
            elif missed is None:
                # Its owner may be known to a server that has taken over.
                await self._link.look_again()
                await self._takes_writes(run_id)
                missed = clock()
                failures = self._link.failures
            elif clock() - missed >= self._patience:
                await self._lose(run_id, after, looked)

    async def cancel(self, run_id: str) -> bool:
        """Let the owner of a run know that it is to stop; return whether the run goes on.

        It is called out; an owner that does not hear it finds it when it next sends something, within a third of
        `owner_ttl`.
        """
        keys = Keys.of(self._prefix, run_id)
        args = [int(self._ttl * 1000)]
        goes_on = await self._link.promptly(lambda: self._link.run(CANCEL, keys, args))
        if goes_on:
            await self._calls.call(keys.events)
        return bool(goes_on)

    async def close(self) -> None:
        """Close all connections; before that, bring to a server that takes over what it lacks of runs that ended."""
        settling = [task for writer in list(self._writers) if (task := writer.settling) is not None]
        try:
            if settling:
                await asyncio.wait(settling, timeout=SETTLING)
        finally:
            for task in settling:
                task.cancel()
            await asyncio.gather(*settling, return_exceptions=True)
            await self._link.close()

    async def _block(self, run_id: str, after: int, limit: int) -> list[Entry]:
        """Wait a while for entries after a cursor."""
        keys = Keys.of(self._prefix, run_id)
        command = ("XREAD", "COUNT", limit, "BLOCK", self._block_ms, "STREAMS", keys.events, f"{after}-0")
        [answer] = await self._link.held(lambda: self._link.ask(keys.events, command))
        return [] if not answer else [entry_of(id, fields) for id, fields in answer[0][1]]

    async def _brought_again(self, run_id: str, after: int, limit: int, looked: _Looked) -> _Looked:
        """Wait until the producer has brought again what a server lost that took over, and a reader has."""
        clock = asyncio.get_running_loop().time
        until = clock() + self._connect_timeout
        while after > looked.last and looked.goes_on and clock() < until:
            await asyncio.sleep(LONGEST_PAUSE / 5)
            looked = await self._look(run_id, after, limit)
        return looked

    async def _look(self, run_id: str, after: int, limit: int) -> _Looked:
        return _looked(await self._link.patiently(lambda: self._fetch(run_id, after, limit)))

    async def _fetch(self, run_id: str, after: int, limit: int) -> list[Any]:
        """Read the owner of a run, its newest entry, what is after a cursor, and its view, in this order."""
        keys = Keys.of(self._prefix, run_id)
        return await self._link.ask(
            keys.events,
            ("GET", keys.owner),
            ("XREVRANGE", keys.events, "+", "-", "COUNT", 1),
            ("XRANGE", keys.events, f"{after + 1}-0", "+", "COUNT", limit),
            ("GET", keys.view),
        )

    async def _takes_writes(self, run_id: str) -> None:
        """Wait until Redis takes what a producer sends: while it takes none, no ownership is renewed either."""
        keys = Keys.of(self._prefix, run_id)
        await self._link.patiently(lambda: self._link.run(TAKEN, keys, []))

    async def _lose(self, run_id: str, after: int, looked: _Looked) -> None:
        """End a run that has no owner: for all its readers, on all workers, once."""
        error = ProducerLostError(
            f"the run {run_id!r} has lost its producer after entry {looked.last}: it died, or cannot reach the store"
        )
        if looked.last:
            keys = Keys.of(self._prefix, run_id)
            args: list[int | bytes] = [int(self._ttl * 1000), error.body(), b""]
            failures = self._link.failures

            async def end() -> int:
                # Not asked again after a failure: the producer may be back as soon as Redis is.
                return await self._link.run(END, keys, args) if self._link.failures == failures else 0

            if await self._link.patiently(end) >= 0:
                return
        if after:
            raise _missing(run_id, after)
        raise error

    def _page(self, run_id: str, after: int, looked: _Looked) -> Page:
        entries = consecutive(looked.entries, after)
        if entries:
            return Page(entries, looked.ended and entries[-1].id == looked.last, looked.view, looked.ended)
        if looked.entries:
            raise self._gone(run_id, after, looked.entries[0].id or 0)
        if not looked.last and looked.owner is None:
            raise _missing(run_id, after)
        if after > looked.last:
            raise CursorGoneError(
                f"the cursor {after} is ahead of the run {run_id!r}, whose last entry is {looked.last}"
            )
        return Page([], looked.ended and after == looked.last, looked.view, looked.ended)

    def _gone(self, run_id: str, after: int, next_id: int) -> CursorGoneError:
        return CursorGoneError(
            f"entry {after + 1} of the run {run_id!r} is not kept any more, the next kept is {next_id}: "
            f"{self._link.name} has trimmed or lost it"
        )


def _looked(answers: list[Any]) -> _Looked:
    owner, newest, found, view = answers
    last = entry_of(*newest[0]) if newest else Entry(0)
    return _Looked(
        [entry_of(id, fields) for id, fields in found], last.id or 0, last.terminal, owner, (view or b"").decode()
    )


def _missing(run_id: str, after: int) -> CursorGoneError | RunNotFoundError:
    if after:
        return CursorGoneError(f"the run {run_id!r} is not here any more, so entry {after + 1} is not")
    return RunNotFoundError(f"there is no run {run_id!r}: it never began, or it has expired")
