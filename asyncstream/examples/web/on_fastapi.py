"""The browser example for FastAPI: an application to copy. `make_app` is all of it.

`on_aiohttp` is the same for aiohttp.web.

Imported only by who asks for it: FastAPI and uvicorn are no dependencies of this package.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
from fastapi import Body, FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from asyncstream import APIError, AsyncClient
from asyncstream.examples.web.page import PAGE, PAGE_HEADERS
from asyncstream.examples.web.runs import start_run
from asyncstream.relay import RelayError, RelayResponse, RunLog, error_body, error_headers, error_status

__all__ = ["make_app"]


class Relay(RelayResponse, Response):
    """What FastAPI sends as it is: it wants a `Response` of its own."""


def make_app(client: AsyncClient, assistant_id: str, log: RunLog) -> FastAPI:
    """Return the application.

    Args:
        client: Talks to the upstream; the caller closes it.
        assistant_id: Who answers.
        log: Keeps the runs. Closed at the end; uvicorn comes to that only when its last reader has left, so run it
            with ``--timeout-graceful-shutdown``.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with log:
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(PAGE, headers=PAGE_HEADERS)

    @app.post("/runs")
    async def ask(question: Annotated[str, Body(embed=True, min_length=1, max_length=500)]) -> Response:
        try:
            started = await start_run(client, assistant_id, log, question)
        except (APIError, RelayError) as error:
            return Response(error_body(error), status_code=error_status(error), headers=error_headers(error))
        return Response(msgspec.json.encode(started), status_code=201, media_type="application/json")

    @app.get("/runs/{run_id}/events")
    async def events(request: Request, run_id: str) -> Relay:
        return Relay(log.reader(request, run_id))

    return app
