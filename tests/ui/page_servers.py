"""Backends of pages, on aiohttp.web and on FastAPI: what is relayed is the test's, by the same paths."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from asgi_servers import by_uvicorn
from served_app import served

from asyncstream.relay import RelayResponse, relay_response

__all__ = ["SERVERS", "Answer", "page_server"]

SERVERS = ["aiohttp.web", "FastAPI"]

Answer = Callable[[Any, Any], tuple[Any, Any]]
"""Given a request and its JSON (None of a GET), gives what is relayed, and the view."""


@asynccontextmanager
async def page_server(kind: str, answers: Mapping[str, Answer]) -> AsyncIterator[str]:
    """Serve; give the URL.

    Args:
        kind: One of `SERVERS`.
        answers: By method and path, such as "POST /chat".
    """
    async with (_on_fastapi if kind == "FastAPI" else _on_aiohttp)(answers) as url:
        yield url


@asynccontextmanager
async def _on_aiohttp(answers: Mapping[str, Answer]) -> AsyncIterator[str]:
    def handler(answer: Answer) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            source, view = answer(request, await request.json() if request.method == "POST" else None)
            return await relay_response(request, source, view=view)

        return handle

    app = web.Application()
    for route, answer in answers.items():
        method, path = route.split(" ")
        app.router.add_route(method, path, handler(answer))
    async with served(app, access_log=None) as url:
        yield url


@asynccontextmanager
async def _on_fastapi(answers: Mapping[str, Answer]) -> AsyncIterator[str]:
    fastapi = pytest.importorskip("fastapi", reason="fastapi is not installed")
    relay: Any = type("Relay", (RelayResponse, fastapi.Response), {})

    def endpoint(answer: Answer) -> Any:
        async def handle(request: Any) -> Any:
            source, view = answer(request, await request.json() if request.method == "POST" else None)
            return relay(source, view=view)

        handle.__annotations__ = {"request": fastapi.Request}
        return handle

    app = fastapi.FastAPI(openapi_url=None)
    for route, answer in answers.items():
        method, path = route.split(" ")
        app.add_api_route(path, endpoint(answer), methods=[method], response_class=fastapi.Response)
    async with by_uvicorn(app) as url:
        yield url
