"""The way to one Redis: its client, made when it is first needed, and how its failures become ours.

Below it: the package `redis` (extra `[redis]`), imported when a link is made; `redis_url` and `redis_answers`, which
judge what goes in and what comes out; `turns`. Above it: `redis_store`, `redis_writer`.

Rule 1: the URL, which may hold a password, is in no attribute that is shown, in no message and in no log.
Rule 2: what answers a person waiting (`promptly`) fails within the connect deadline, and at once if nobody is
there; what carries a run (`patiently`, `held`) goes on trying. Both wait for a refusal that passes.
Rule 3: whatever is asked may be asked twice, as an answer can be lost: it must do no more then than once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from asyncstream.errors import ConfigurationError
from asyncstream.relay.errors import StoreError
from asyncstream.relay.log.redis_answers import Failure, judge
from asyncstream.relay.log.redis_url import address_of
from asyncstream.relay.log.turns import Deadline, Turns

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["LONGEST_PAUSE", "RedisLink"]

T = TypeVar("T")

_SILENCE = 5.0
"""Seconds added to the connect deadline within which an answer must come: a blocking read is let wait for a second."""

_FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.5
"""Seconds between two attempts."""

_STALE = 3
"""So many connections in a row may turn out to be dead that idled in the pool; the next one is tried at once."""

_LONGEST_CLOSING = 0.25
"""Seconds for closing what idles, which TLS does in words; it is not done again sooner."""

_MAX_CONNECTIONS = 10_000
"""What a Redis accepts by default. Each run that is followed in this process holds one connection."""

_PROMPT_AT_ONCE = 16
"""Readers and producers that begin at the same moment take turns, or a crowd would open as many connections."""

_PATIENT_AT_ONCE = 100
"""So many runs are written to at the same moment; with more of them their batches become larger."""


class RedisLink:
    """A Redis and how long it is waited for.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        connect_timeout: Seconds for a connection, and for an answer to somebody who waits.
        reconnect_timeout: Seconds that a run goes on trying to reach a Redis that is away.

    Raises:
        ConfigurationError: The extra is not installed, or the URL is none of a Redis, or has options that cannot be
            used.
    """

    def __init__(self, url: str, *, connect_timeout: float, reconnect_timeout: float) -> None:
        try:
            module = import_module("redis.asyncio")
            retry = import_module("redis.asyncio.retry").Retry(import_module("redis.backoff").NoBackoff(), 0)
        except ImportError:
            raise ConfigurationError("RedisStore needs redis: pip install 'asyncstream[redis]'") from None
        self.host, self.port = address_of(url)
        self.failures = 0
        """How many attempts have failed so far: whoever counts time in a healthy Redis begins anew when it grows."""
        self._prompt = Turns(_PROMPT_AT_ONCE, connect_timeout)
        self._patient = Turns(_PATIENT_AT_ONCE, connect_timeout + _SILENCE)
        self._closed = False
        self._dropped = float("-inf")
        self._connect_timeout = connect_timeout
        self._reconnect_timeout = reconnect_timeout
        try:
            self.client: Redis = module.Redis.from_url(
                url,
                socket_connect_timeout=connect_timeout,
                # Not theirs: before Python 3.12 it is `wait_for`, which now and then loses a cancellation.
                socket_timeout=None,
                max_connections=_MAX_CONNECTIONS,
                # Retries are ours: they must end, and must not hold up an answer. RESP2 is what all versions agree on.
                retry=retry,
                protocol=2,
            )
            # Not connected: it says whether the options can be used, which the first run would find out otherwise.
            connection: Any = self.client.connection_pool.make_connection()
            tls = getattr(connection, "ssl_context", None)
            if tls is not None:
                tls.get()
        except Exception:
            # Whatever the values of options make redis-py and `ssl` raise; its words may repeat the URL.
            raise ConfigurationError(
                f"the URL of the Redis at {self} has an option whose value cannot be used"
            ) from None

    def __str__(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"RedisLink({str(self)!r})"

    async def promptly(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask Redis for a reader or a producer that begins: it is refused after `connect_timeout`.

        Raises:
            StoreError: No answer within the connect deadline, or a refusal. The deadline counts from the turn; who
                waits for a turn may wait as long as Redis answers others.
        """
        refused: list[Exception] = []
        try:
            return await self._prompt.take(lambda: self._ask_now(ask, refused))
        except TimeoutError as error:
            raise self._failure(refused[-1] if refused else error) from error

    async def patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask Redis for a run that has begun: again and again while it restarts or refuses, for `reconnect_timeout`.

        Raises:
            StoreError: It was away for longer than it is waited for, or it refuses for good.
        """
        return await self._until_answered(lambda: self._patient.take(ask))

    async def held(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask as `patiently` does, but for what Redis may hold back for a second, and so without taking a turn."""

        async def within() -> T:
            async with Deadline(self._connect_timeout + _SILENCE):
                return await ask()

        return await self._until_answered(within)

    async def close(self) -> None:
        """Close all connections; nothing is sent any more."""
        self._closed = True
        try:
            await self.client.aclose()
        except Exception:
            # They are closed; that the other side did not like it changes nothing.
            pass

    async def _ask_now(self, ask: Callable[[], Awaitable[T]], refused: list[Exception]) -> T:
        """Ask again until there is an answer, within one turn."""
        lost = 0
        pause = _FIRST_PAUSE
        while True:
            self._check_open()
            try:
                return await ask()
            except Exception as error:
                failure = judge(error)
                lost += failure.kind == "lost"
                if failure.kind in ("absent", "refused"):
                    raise self._failure(error) from error
                refused.append(error)
            await self._drop_idle(failure)
            if failure.kind == "passing" or lost >= _STALE:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _until_answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        until: float | None = None
        # A connection that died while it idled is replaced at once.
        pause = 0.0
        while True:
            self._check_open()
            try:
                return await ask()
            except Exception as error:
                self.failures += 1
                failure = judge(error)
                now = loop.time()
                if until is None:
                    until = now + self._reconnect_timeout
                if now >= until or failure.kind == "refused":
                    raise self._failure(error) from error
            await self._drop_idle(failure)
            await asyncio.sleep(pause)
            pause = min(2 * pause or _FIRST_PAUSE, LONGEST_PAUSE)

    async def _drop_idle(self, failure: Failure) -> None:
        """Close what idles in the pool, if it may be dead as well, or lead to a server that has lost its role."""
        now = asyncio.get_running_loop().time()
        if (failure.kind != "lost" and failure.word != "READONLY") or now < self._dropped + _LONGEST_CLOSING:
            return
        self._dropped = now
        try:
            async with asyncio.timeout(_LONGEST_CLOSING):
                await self.client.connection_pool.disconnect(inuse_connections=False)
        except Exception:
            pass

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"the store of the Redis at {self} is closed", host=self.host, port=self.port)

    def _failure(self, error: Exception) -> StoreError:
        kind, word = judge(error)
        # Of an answer its first word is enough (NOPERM, OOM, MISCONF): the rest may repeat anything.
        if word == "WRONGPASS":
            problem = "refused the credentials of the URL"
        elif word in ("MOVED", "ASK", "CROSSSLOT"):
            problem = f"is a node of a Redis Cluster (it answered {word}), which is not supported yet"
        elif kind in ("passing", "refused"):
            problem = f"answered {word}" if word.isupper() else "refused a command"
        elif word == "TimeoutError":
            problem = f"did not answer within {self._connect_timeout:g} s"
        else:
            problem = "cannot be reached"
        return StoreError(f"the Redis at {self} {problem}", host=self.host, port=self.port)
