"""Real ASGI servers in this process, on a free port of the loopback."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

__all__ = ["Application", "by_hypercorn", "by_uvicorn", "by_uvicorn_httptools"]

Application = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def by_uvicorn(app: Application, http: str = "h11") -> AsyncIterator[str]:
    """Serve with uvicorn; give the URL."""
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    config = uvicorn.Config(app, http=http, lifespan="off", ws="none", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    # The signals belong to the test run.
    server.capture_signals = contextlib.nullcontext
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def by_uvicorn_httptools(app: Application) -> AsyncIterator[str]:
    """Serve with uvicorn, which has a parser in C too; give the URL."""
    pytest.importorskip("httptools", reason="httptools is not installed")
    async with by_uvicorn(app, "httptools") as url:
        yield url


@asynccontextmanager
async def by_hypercorn(app: Application) -> AsyncIterator[str]:
    """Serve with hypercorn; give the URL."""
    hypercorn = pytest.importorskip("hypercorn.asyncio", reason="hypercorn is not installed")
    from hypercorn.config import Config

    config = Config()
    config.graceful_timeout = 1
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config.bind = [f"fd://{listener.detach()}"]
        serving = asyncio.create_task(hypercorn.serve(app, config, shutdown_trigger=stop.wait))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stop.set()
            await serving
