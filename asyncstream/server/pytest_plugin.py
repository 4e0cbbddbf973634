"""A pytest plugin: the fixture `embedded_server`, a server for the test of an application that calls a model.

``pytest_plugins = ["asyncstream.server.pytest_plugin"]`` in a ``conftest.py`` switches it on; pytest loads it, nothing
else does. The server runs in a thread of its own, so that tests may be async under any plugin, or not async at all.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

import pytest

from asyncstream.server.app import serve
from asyncstream.server.scenario import Scenario

__all__ = ["EmbeddedServer", "embedded_server"]

T = TypeVar("T")


class EmbeddedServer:
    """A server that runs, and its script.

    Attributes:
        base_url: Where it is; ends in ``/v1``. ``OPENAI_BASE_URL`` says the same during the test.
        scenario: What its model does, and the requests that came. Append to its `turns` before the application asks.
    """

    def __init__(self, base_url: str, scenario: Scenario) -> None:
        self.base_url = base_url
        self.scenario = scenario


@pytest.fixture
def embedded_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    """A server on a free port of the loopback, to which clients go that are made from the environment during the test.

    ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY`` are set for the time. Without turns each answer quotes the question.
    """
    scenario = Scenario()
    with _running(scenario) as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        yield EmbeddedServer(base_url, scenario)


@contextmanager
def _running(scenario: Scenario) -> Iterator[str]:
    """Serve a scenario in another thread; leaving the context waits until that thread has ended."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="asyncstream embedded server", daemon=True)
    thread.start()
    served = serve(scenario)

    def there(work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    try:
        base_url = there(_entered(served))
        try:
            yield base_url
        finally:
            there(_left(served))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _entered(served: AbstractAsyncContextManager[str]) -> str:
    return await served.__aenter__()


async def _left(served: AbstractAsyncContextManager[str]) -> None:
    await served.__aexit__(None, None, None)
