"""The `useChat` examples, served: `backend`, on either framework, with a page or without."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from asyncstream import AsyncClient
from asyncstream.examples.web import use_chat_on_aiohttp

__all__ = ["FRAMEWORKS", "backend"]

FRAMEWORKS = ["aiohttp", "FastAPI"]

Files = Mapping[str, tuple[str, str]]
"""What is served beside the example: by its path, its media type and its text."""


@asynccontextmanager
async def backend(
    framework: str, client: AsyncClient, redis: str | None = None, files: Files | None = None
) -> AsyncIterator[str]:
    """Serve an example; give the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    serving = _on_aiohttp if framework == "aiohttp" else _on_uvicorn
    async with serving(client, redis, files or {}, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@asynccontextmanager
async def _on_aiohttp(
    client: AsyncClient, redis: str | None, files: Files, listener: socket.socket
) -> AsyncIterator[None]:
    app = use_chat_on_aiohttp.make_app(client, redis)

    async def file(request: web.Request) -> web.Response:
        media_type, text = files[request.path]
        return web.Response(text=text, content_type=media_type)

    for path in files:
        app.router.add_get(path, file)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _on_uvicorn(
    client: AsyncClient, redis: str | None, files: Files, listener: socket.socket
) -> AsyncIterator[None]:
    uvicorn = pytest.importorskip("uvicorn")
    fastapi = pytest.importorskip("fastapi")
    from asyncstream.examples.web import use_chat_on_fastapi

    app = use_chat_on_fastapi.make_app(client, redis)

    def file(request: fastapi.Request) -> fastapi.Response:
        media_type, text = files[request.url.path]
        return fastapi.Response(text, media_type=media_type)

    for path in files:
        app.add_api_route(path, file)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server._serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
