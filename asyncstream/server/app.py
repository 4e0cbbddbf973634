"""The embedded server on its port: routes, start, and a shutdown that leaves no task and no socket behind."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from asyncstream.server.calls import Service
from asyncstream.server.door import door, give_request_id, open_handler
from asyncstream.server.routes import ROUTES
from asyncstream.server.scenario import Scenario

__all__ = ["run_forever", "serve"]

# Files of the upload tests fit; anything larger is a mistake.
_MAX_BODY_BYTES = 256 * 1024 * 1024
# What does not stream answers at once; whoever is later than this waits for a scripted delay.
_SHUTDOWN_SECONDS = 0.05

# Not from getLogger(): it has no parent to propagate to, and changes nobody's configuration.
_silent = logging.Logger("asyncstream.server")
_silent.addHandler(logging.NullHandler())


@asynccontextmanager
async def serve(
    scenario: Scenario | None = None, port: int = 0, *, api_key: str | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[str]:
    """Run an in-memory server of Assistants, chat completions and Responses, as long as the context lasts.

    Leaving the context drops the streams that are still open.

    Args:
        scenario: The script. None: each answer quotes the question, after a call of a function or code if it can.
        port: 0 takes a free one.
        api_key: The only key accepted; None: any that is not empty.
        host: The address to listen on.

    Yields:
        The base URL, which ends in ``/v1``.

    Raises:
        OSError: The port is taken.
    """
    service = Service(scenario or Scenario())
    app = web.Application(middlewares=[door(service, api_key)], client_max_size=_MAX_BODY_BYTES)
    app.on_response_prepare.append(give_request_id)
    for method, path, handler in ROUTES:
        app.router.add_route(method, f"/v1{path}", open_handler(service, handler))

    async def stop(_: web.Application) -> None:
        await service.close()

    app.on_shutdown.append(stop)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_silent,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, host, port).start()

    async def end() -> None:
        await runner.cleanup()
        # Once more: a request that was still being answered may have started a run or a response.
        await service.close()

    try:
        # asyncio itself loses a listening socket if it is cancelled in the wrong moment.
        await _whole(start())
        bound_port = runner.addresses[0][1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound_port}/v1"
    finally:
        await _whole(end())


async def _whole(step: Coroutine[object, object, None]) -> None:
    """Do what must not be left half done; a cancellation is raised when it is over."""
    task = asyncio.ensure_future(step)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            # What it failed with does not matter any more, but must have been looked at.
            task.exception()
        raise


async def run_forever(
    host: str = "127.0.0.1",
    port: int = 8000,
    scenario: Scenario | None = None,
    *,
    api_key: str | None = None,
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Serve until cancelled; prints nothing.

    Args:
        host: The address to listen on.
        port: 0 takes a free one.
        scenario: The script; see `serve`.
        api_key: The only key accepted; None: any that is not empty.
        on_start: Called with the base URL when the server listens.
    """
    async with serve(scenario, port, api_key=api_key, host=host) as base_url:
        if on_start is not None:
            on_start(base_url)
        await asyncio.Event().wait()
