"""An application of aiohttp.web on a free port of the loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

__all__ = ["served"]


@asynccontextmanager
async def served(app: web.Application, **options: Any) -> AsyncIterator[str]:
    """Serve it as long as the context lasts, its runner with these options; give the URL, without a slash."""
    runner = web.AppRunner(app, **options)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
