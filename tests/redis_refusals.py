"""How a Redis refuses for a while, and a run that is read meanwhile.

Each of `REFUSALS` has a server answer with its word for as long as it lasts.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from feeds import many, numbers
from redis_server import RedisServer

from asyncstream.relay.entries import Entry
from asyncstream.relay.log.redis_store import RedisStore
from asyncstream.relay.log.run_log import RunLog

__all__ = ["REFUSALS", "all_of", "is_old", "settings", "twice_read"]

OWNER_TTL = 2.0
"""Shorter than a refusal lasts: a producer that cannot renew its ownership is not one that died."""


async def is_old(program: str) -> bool:
    """Return whether a redis-server is older than 7, which renamed an option."""
    asked = await asyncio.create_subprocess_exec(program, "--version", stdout=asyncio.subprocess.PIPE)
    words, _ = await asked.communicate()
    return int(words.split(b"v=")[1].split(b".")[0]) < 7


async def settings(server: RedisServer, *pairs: str) -> None:
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        assert ["+OK"] == await server.command("CONFIG", "SET", name, value)


@asynccontextmanager
async def busy(server: RedisServer) -> AsyncIterator[None]:
    """Somebody runs a script that does not end, again and again, for a Sentinel kills it; it is killed at last."""
    over = False

    async def run() -> None:
        while not over:
            await server.command("EVAL", '"while true do end"', "0")

    running = asyncio.create_task(run())
    await asyncio.sleep(0.2)
    yield
    over = True
    while not running.done():
        await server.command("SCRIPT", "KILL")
        # It is noticed by the script.
        await asyncio.sleep(0.02)
    await running


@asynccontextmanager
async def replica(server: RedisServer) -> AsyncIterator[None]:
    """A fail-over takes its role from it, and gives it back."""
    await server.command("REPLICAOF", "127.0.0.1", "1")
    yield
    await server.command("REPLICAOF", "NO", "ONE")


@asynccontextmanager
async def replica_without_master(server: RedisServer) -> AsyncIterator[None]:
    await settings(server, "replica-serve-stale-data", "no")
    async with replica(server):
        yield


def setting(name: str, meanwhile: str, afterwards: str) -> Callable[[RedisServer], object]:
    @asynccontextmanager
    async def changed(server: RedisServer) -> AsyncIterator[None]:
        await settings(server, name, meanwhile)
        yield
        await settings(server, name, afterwards)

    return changed


REFUSALS = {
    "BUSY": busy,
    "MASTERDOWN": replica_without_master,
    "NOREPLICAS": setting("min-replicas-to-write", "5", "0"),
    "OOM": setting("maxmemory", "1", "0"),
    "READONLY": replica,
}


async def twice_read(
    url: str, count: int, rate: float, during: Callable[[], Awaitable[None]], run_id: str = "run-1"
) -> None:
    """Read a run in the worker that produces it and in another one while something is done to its Redis."""
    log = RunLog(RedisStore(url, owner_ttl=OWNER_TTL))
    other = RunLog(RedisStore(url, owner_ttl=OWNER_TTL))
    await log.start(run_id, many(count, rate=rate))
    readers = [asyncio.create_task(all_of(one, run_id)) for one in (log, log, other, other)]
    await asyncio.sleep(0.3)
    await during()
    found = await asyncio.gather(*readers)
    await other.close()
    await log.close()

    assert [list(range(1, count + 2))] * 4 == [[entry.id for entry in entries] for entries in found]
    assert [list(range(1, count + 1))] * 4 == [numbers(entries) for entries in found]
    assert ["done"] * 4 == [entries[-1].event for entries in found]


async def all_of(log: RunLog, run_id: str) -> list[Entry]:
    async with asyncio.timeout(60), log.follow(run_id) as following:
        return [entry async for entry in following]
