"""The stores that a log can have, one set of tests for both; and a log behind aiohttp.web."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from redis_server import RedisServer, needs_redis
from served_log import serving

from asyncstream.relay.log.memory import MemoryStore
from asyncstream.relay.log.redis_store import RedisStore
from asyncstream.relay.log.run_log import RunLog
from asyncstream.relay.log.store import Store


@pytest.fixture
async def redis_server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A real Redis that keeps what it holds over a restart."""
    server = RedisServer(tmp_path)
    await server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(params=["memory", pytest.param("redis", marks=[pytest.mark.system, needs_redis])])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Each store, with its usual limits."""
    if request.param == "memory":
        yield MemoryStore()
        return
    server = RedisServer(tmp_path)
    await server.start()
    found = RedisStore(server.url, owner_ttl=1.0)
    try:
        yield found
    finally:
        await found.close()
        server.kill()


@pytest.fixture
def aiohttp_app() -> Callable[[RunLog], AbstractAsyncContextManager[str]]:
    """Give the way to serve a log."""
    return serving
