"""The browser example for FastAPI: an application to copy. `make_app` is all of it.

`on_aiohttp` is the same for aiohttp.web, and lists what there is.

Imported only by who asks for it: FastAPI and uvicorn are no dependencies of this package.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from asyncstream import APIError
from asyncstream.examples.web.page import PAGE, PAGE_HEADERS
from asyncstream.examples.web.runs import Answers, Ask, Begin, Decide, Shown, read
from asyncstream.relay import RelayError, RelayResponse, error_body, error_headers, error_status

__all__ = ["make_app"]


class Relay(RelayResponse, Response):
    """What FastAPI sends as it is: it wants a `Response` of its own."""


def make_app(answers: Answers) -> FastAPI:
    """Return the application.

    Args:
        answers: The conversations. Closed at the end; uvicorn comes to that only when its last reader has left, so run
            it with ``--timeout-graceful-shutdown``.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await answers.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.exception_handler(APIError)
    @app.exception_handler(RelayError)
    async def refuse(request: Request, error: APIError | RelayError) -> Response:
        return Response(error_body(error), status_code=error_status(error), headers=error_headers(error))

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(PAGE, headers=PAGE_HEADERS)

    @app.post("/conversations")
    async def begin(request: Request) -> Response:
        post = read(Begin, await request.body(), request.headers.get("Content-Type"))
        return _told(await answers.begin(post), 201)

    @app.get("/conversations/{id}")
    async def show(id: str) -> Response:
        return _told(await answers.show(id))

    @app.post("/conversations/{id}/questions")
    async def ask(request: Request, id: str) -> Response:
        post = read(Ask, await request.body(), request.headers.get("Content-Type"))
        return _told(await answers.ask(id, post), 201)

    @app.post("/conversations/{id}/decisions")
    async def decide(request: Request, id: str) -> Response:
        post = read(Decide, await request.body(), request.headers.get("Content-Type"))
        return _told(await answers.decide(id, post), 201)

    @app.post("/conversations/{id}/stop")
    async def stop(request: Request, id: str) -> Response:
        read(dict, await request.body(), request.headers.get("Content-Type"))
        return _told(await answers.stop(id))

    @app.get("/runs/{run}/events")
    async def events(request: Request, run: str) -> Relay:
        return Relay(answers.log.reader(request, run))

    return app


def _told(shown: Shown, status: int = 200) -> Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(msgspec.json.encode(shown), status_code=status, headers=headers)
