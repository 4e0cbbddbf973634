"""Asking a store of Redis: how often, for how long, and how its failures become ours.

Below it: the package `redis` (extra `[redis]`), imported when a link is made; `redis_ways`, which knows who is asked;
`redis_url` and `redis_answers`, which judge what goes in and what comes out; `turns`. Above it: `redis_store`,
`redis_writer`.

Rule 1: the URL, which may hold a password, is in no attribute that is shown, in no message and in no log.
Rule 2: what answers a person waiting (`promptly`) fails within the connect deadline, and at once if nobody is
there; what carries a run (`patiently`, `held`) goes on trying. Both wait for a refusal that passes.
Rule 3: whatever is asked may be asked twice, as an answer can be lost: it must do no more then than once.
"""

import asyncio
import functools
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from asyncstream.errors import ConfigurationError
from asyncstream.relay.errors import StoreError
from asyncstream.relay.log.redis_answers import SENTINELS, Failure, judge
from asyncstream.relay.log.redis_url import place_of
from asyncstream.relay.log.redis_ways import LONGEST_CLOSING, Command, Way, way_like, way_to
from asyncstream.relay.log.turns import Deadline, Turns

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub

__all__ = ["LOCAL", "LONGEST_PAUSE", "NO_REPLICA", "RedisLink"]

LOCAL = "redis://localhost:6379/0"
"""Where a Redis is if nothing else is said."""

T = TypeVar("T")

_SILENCE = 5.0
"""Seconds added to the connect deadline within which an answer must come: a blocking read is let wait for a second."""

_FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.5
"""Seconds between two attempts."""

_STALE = 3
"""So many connections in a row may turn out to be dead that idled in the pool; the next one is tried at once."""

_PROMPT_AT_ONCE = 16
"""Readers and producers that begin at the same moment take turns, or a crowd would open as many connections."""

_PATIENT_AT_ONCE = 100
"""So many runs are written to at the same moment; with more of them their batches become larger."""


_REPLICATED_MS = 200
"""So long it is waited for a replica, where losing something would lose all: the claim of a run, and its end."""

_FOLLOW_EVERY = 1.0
"""Seconds after which it is asked again who serves: a master that was replaced does not know it for many."""

NO_REPLICA = Failure("passing", "NOREPLICAS")
"""What it is taken for if no replica has what was written: who wrote it may have been replaced."""

_OTHER_ROLE = ("CLUSTERDOWN", "MASTERDOWN", "READONLY")
"""What a server answers that has lost its role, so somebody else may have it."""


class RedisLink:
    """A store of Redis and how long it is waited for.

    Args:
        url: Where it is; see `redis_url`.
        connect_timeout: Seconds for a connection, and for an answer to somebody who waits.
        reconnect_timeout: Seconds that a run goes on trying to reach a Redis that is away.
        client: A client of redis-py that leads there, instead of the URL.

    Raises:
        ConfigurationError: The extra is not installed, or the URL is none of a Redis, or has options that cannot be
            used, or the client is none.
    """

    def __init__(self, url: str, *, connect_timeout: float, reconnect_timeout: float, client: object = None) -> None:
        self.failures = 0
        """How many attempts have failed so far: whoever counts time in a healthy Redis begins anew when it grows."""
        self._prompt = Turns(_PROMPT_AT_ONCE, connect_timeout)
        self._patient = Turns(_PATIENT_AT_ONCE, connect_timeout + _SILENCE)
        self._closed = False
        self._looked = float("-inf")
        self._followed = float("-inf")
        self._following: asyncio.Task[None] | None = None
        self._connect_timeout = connect_timeout
        self._reconnect_timeout = reconnect_timeout
        self._way = _way(url, client, connect_timeout)
        self.host, self.port = self._way.host, self._way.port
        self.name = self._way.name
        """What is asked, as it stands in messages."""
        self.fails_over = self._way.fails_over
        """Another server may take over, without what was stored last."""

    def __str__(self) -> str:
        return self._way.address

    def __repr__(self) -> str:
        return f"RedisLink({str(self)!r})"

    async def ask(self, key: str, *commands: Command) -> list[Any]:
        """Send commands, each about a key of the same run, once, in their order; return their answers."""
        return await self._way.ask(key, commands, apart=True)

    async def run(self, script: str, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Run a script, once.

        Args:
            script: Its text.
            keys: Its keys, of one slot.
            args: Its arguments.
        """
        return (await self._run(script, keys, args))[0]

    async def run_kept(self, script: str, keys: Sequence[str], args: Sequence[str | bytes | int]) -> tuple[Any, bool]:
        """Run a script as `run` does, and let a replica have what it writes, if there is one that answers.

        Returns:
            Its answer; and whether no other server can take over that lacks what it wrote, as far as can be told.
        """
        if not self.fails_over:
            return await self.run(script, keys, args), True
        answer, replicas = await self._run(script, keys, args, ("WAIT", 1, _REPLICATED_MS))
        return answer, replicas > 0

    async def pubsub(self, channel: str) -> "PubSub":
        """Return what can subscribe to a channel."""
        return await self._way.pubsub(channel)

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

    def follow(self) -> None:
        """Have it asked who serves now, unless it just was; nobody waits for that, and it fails in silence."""
        if not self.fails_over or self._closed:
            return
        now = asyncio.get_running_loop().time()
        if now < self._followed + _FOLLOW_EVERY or (self._following is not None and not self._following.done()):
            return
        self._followed = now
        self._following = asyncio.get_running_loop().create_task(self._follow(), name="asyncstream who serves")

    async def close(self) -> None:
        """Close all connections; nothing is sent any more."""
        self._closed = True
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        try:
            await self._way.close()
        except Exception:
            # They are closed; that the other side did not like it changes nothing.
            pass

    async def _run(
        self, script: str, keys: Sequence[str], args: Sequence[str | bytes | int], *more: Command
    ) -> list[Any]:
        rest = (len(keys), *keys, *args)
        try:
            return await self._way.ask(keys[0], [("EVALSHA", _sha(script), *rest), *more])
        except Exception as error:
            if judge(error).word != "NOSCRIPT":
                raise
            return await self._way.ask(keys[0], [("EVAL", script, *rest), *more])

    async def _follow(self) -> None:
        try:
            async with asyncio.timeout(self._connect_timeout):
                await self._way.follow()
        except Exception:
            # Whoever asks for something is told what is wrong.
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
                # Of several servers another one may be about to take over.
                if failure.kind == "refused" or (failure.kind == "absent" and not self.fails_over):
                    raise self._failure(error) from error
                refused.append(error)
            await self.look_again(failure)
            if failure.kind != "lost" or lost >= _STALE:
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
            await self.look_again(failure)
            await asyncio.sleep(pause)
            pause = min(2 * pause or _FIRST_PAUSE, LONGEST_PAUSE)

    async def look_again(self, failure: Failure | None = None) -> None:
        """Give up what may be dead or has lost its role, if that is what a failure says; without one, at all events."""
        now = asyncio.get_running_loop().time()
        if failure is not None:
            if not self._may_be_elsewhere(failure):
                return
            if now < self._looked + LONGEST_CLOSING:
                return
        self._looked = now
        try:
            async with asyncio.timeout(LONGEST_CLOSING):
                await self._way.look_again()
        except Exception:
            pass

    def _may_be_elsewhere(self, failure: Failure) -> bool:
        if failure.kind in ("absent", "lost") or failure.word in _OTHER_ROLE:
            return True
        # Who is busy, or cut off from its replicas, may have been replaced and not know it yet.
        return self.fails_over and failure.kind == "passing" and failure.word != "TRYAGAIN"

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"the store of {self.name} is closed", host=self.host, port=self.port)

    def _failure(self, error: Exception) -> StoreError:
        kind, word = judge(error)
        # Of an answer its first word is enough (NOPERM, OOM, MISCONF): the rest may repeat anything.
        if word == "WRONGPASS":
            problem = "refused the credentials of the URL"
        elif word == SENTINELS:
            problem = "is told of by none of them: each refused the sentinel_password"
        elif word in ("MOVED", "ASK", "CROSSSLOT"):
            problem = f"is a node of a Redis Cluster (it answered {word}): its URL begins with redis+cluster://"
        elif kind in ("passing", "refused"):
            problem = f"answered {word}" if word.isupper() else "refused a command"
        elif word == "TimeoutError":
            problem = f"did not answer within {self._connect_timeout:g} s"
        else:
            problem = "cannot be reached"
        return StoreError(f"{self.name} {problem}", host=self.host, port=self.port)


def _way(url: str, client: object, connect_timeout: float) -> Way:
    if client is not None and url != LOCAL:
        raise ConfigurationError("expected the URL of a Redis or a client of one, got both")
    try:
        if client is not None:
            return way_like(client, connect_timeout)
        place = place_of(url)
        return way_to(place, connect_timeout)
    except ImportError:
        raise ConfigurationError("RedisStore needs redis: pip install 'asyncstream[redis]'") from None
    except ConfigurationError:
        raise
    except Exception:
        # Whatever the values of options make redis-py and `ssl` raise; its words may repeat the URL.
        raise ConfigurationError("the URL of the Redis has an option whose value cannot be used") from None


@functools.cache
def _sha(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
