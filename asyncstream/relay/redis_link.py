"""The way to one Redis: its client, made when it is first needed, and how its failures become ours.

Below it: the package `redis` (extra `[redis]`), imported when a link is made. Above it: `redis_store`, `redis_writer`.

Rule 1: the URL, which may hold a password, is in no attribute that is shown, in no message and in no log.
Rule 2: what answers a person waiting (`promptly`) fails within the connect deadline; what carries a run (`patiently`)
goes on trying.
"""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from asyncstream.errors import ConfigurationError
from asyncstream.relay.errors import StoreError

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisLink"]

T = TypeVar("T")

_SILENCE = 5.0
"""Seconds added to the connect deadline within which an answer must come: a blocking read is let wait for a second."""

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5

_MAX_CONNECTIONS = 10_000
"""What a Redis accepts by default. Each run that is followed in this process holds one connection."""

_AT_ONCE = 16
"""Readers and producers that begin at the same moment take turns, or a crowd would open as many connections."""


class RedisLink:
    """A Redis and how long it is waited for.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        connect_timeout: Seconds for a connection, and for an answer to somebody who waits.
        reconnect_timeout: Seconds that a run goes on trying to reach a Redis that is away.

    Raises:
        ConfigurationError: The extra is not installed, or the URL is none of a Redis.
    """

    def __init__(self, url: str, *, connect_timeout: float, reconnect_timeout: float) -> None:
        try:
            module = import_module("redis.asyncio")
            self._errors = import_module("redis.exceptions")
        except ImportError:
            raise ConfigurationError("RedisStore needs redis: pip install 'asyncstream[redis]'") from None
        self.host, self.port = _address(url)
        self.failures = 0
        """How many attempts have failed so far: whoever counts time in a healthy Redis begins anew when it grows."""
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._closed = False
        self._connect_timeout = connect_timeout
        self._reconnect_timeout = reconnect_timeout
        retry = import_module("redis.asyncio.retry").Retry(import_module("redis.backoff").NoBackoff(), 0)
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
        except (ValueError, TypeError):
            # The words of the error may repeat the URL.
            raise ConfigurationError(f"not the URL of a Redis, at {self}: expected redis://HOST:PORT/DB") from None

    def __str__(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"RedisLink({str(self)!r})"

    async def promptly(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask once, for somebody who waits for the answer.

        Raises:
            StoreError: No answer within the connect deadline, or a refusal.
        """
        self._check_open()
        try:
            async with asyncio.timeout(self._connect_timeout), self._turns:
                return await ask()
        except (self._errors.RedisError, OSError) as error:
            raise self._failure(error) from error

    async def patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer: a Redis that restarts is away for a while.

        Raises:
            StoreError: It was away for longer than it is waited for, or it refuses.
        """
        loop = asyncio.get_running_loop()
        until: float | None = None
        pause = _FIRST_PAUSE
        while True:
            self._check_open()
            try:
                async with asyncio.timeout(self._connect_timeout + _SILENCE):
                    return await ask()
            except (self._errors.RedisError, OSError) as error:
                self.failures += 1
                now = loop.time()
                if until is None:
                    until = now + self._reconnect_timeout
                if now >= until or not self._passes(error):
                    raise self._failure(error) from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def close(self) -> None:
        """Close all connections; nothing is sent any more."""
        self._closed = True
        try:
            await self.client.aclose()
        except (self._errors.RedisError, OSError):
            # They are closed; that the other side did not like it changes nothing.
            pass

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"the store of the Redis at {self} is closed", host=self.host, port=self.port)

    def _passes(self, error: Exception) -> bool:
        """Return whether a failure may be over in a while: the network's, or of a Redis that starts or fails over."""
        errors = self._errors
        if isinstance(error, errors.AuthenticationError | errors.AuthorizationError):
            return False
        passing = (errors.ConnectionError, errors.TimeoutError, errors.ReadOnlyError, OSError)
        # What a server that is coming up, or losing its role, answers to scripts.
        return isinstance(error, passing) or str(error).startswith(("LOADING", "MASTERDOWN", "READONLY", "UNBLOCKED"))

    def _failure(self, error: Exception) -> StoreError:
        errors = self._errors
        # Of an answer its first word is enough (NOAUTH, WRONGPASS, OOM, MISCONF, NOPERM): the rest may repeat anything.
        word = (str(error).split() or [type(error).__name__])[0].strip(".:,")
        if isinstance(error, errors.AuthenticationError):
            said = "refused the credentials of the URL"
        elif isinstance(error, errors.ResponseError):
            said = f"answered {word}" if word.isupper() else "refused a command"
        elif isinstance(error, errors.TimeoutError | TimeoutError):
            said = f"did not answer within {self._connect_timeout:g} s"
        else:
            said = "cannot be reached"
        return StoreError(f"the Redis at {self} {said}", host=self.host, port=self.port)


def _address(url: Any) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix" and parts.path:
            return parts.path, None
        if parts.scheme in ("redis", "rediss"):
            return parts.hostname or "localhost", parts.port or 6379
    except (ValueError, TypeError, AttributeError):
        pass
    # What was given is not repeated: it may hold a password.
    raise ConfigurationError("expected the URL of a Redis: redis://HOST:PORT/DB, rediss://... or unix://PATH") from None
