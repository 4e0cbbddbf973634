"""A log behind aiohttp.web, as browsers read it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from served_app import served

from asyncstream.relay.log.run_log import RunLog

__all__ = ["serving"]


@asynccontextmanager
async def serving(log: RunLog) -> AsyncIterator[str]:
    """Serve a log with aiohttp.web; give the URL."""

    async def follow(request: web.Request) -> web.StreamResponse:
        return await log.respond(request, request.match_info["id"])

    app = web.Application()
    app.add_routes([web.get("/runs/{id}", follow)])
    async with served(app) as url:
        yield url
