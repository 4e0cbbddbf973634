"""The browser example for aiohttp.web: an application to copy. `make_app` is all of it.

    GET  /                               the page
    POST /conversations                  {"question", "protocol"}: begins a conversation
    GET  /conversations/ID               what there is of it: its questions, and the runs that answer them
    POST /conversations/ID/questions     {"question"}: asks the next one
    POST /conversations/ID/decisions     {"call", "name", "input", "approved"}: the user's word on a call
    POST /conversations/ID/stop          stops the answer
    GET  /runs/RUN/events                the parts of an answer, from `Last-Event-ID` or `?after=` on

``python -m asyncstream demo --web`` runs it against the embedded server. The same for FastAPI: `on_fastapi`.
"""

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from asyncstream import APIError
from asyncstream.examples.web.page import PAGE, PAGE_HEADERS
from asyncstream.examples.web.runs import Answers, Ask, Begin, Decide, Shown, read
from asyncstream.relay import RelayError, error_body, error_headers, error_status

__all__ = ["make_app"]


def make_app(answers: Answers) -> web.Application:
    """Return the application.

    Args:
        answers: The conversations. Closed when the application shuts down, before it waits for its readers.
    """
    app = web.Application(client_max_size=128 * 1024)

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html", headers=PAGE_HEADERS)

    async def begin(request: web.Request) -> Shown:
        return await answers.begin(read(Begin, await request.read(), request.headers.get("Content-Type")))

    async def show(request: web.Request) -> Shown:
        return await answers.show(request.match_info["id"])

    async def ask(request: web.Request) -> Shown:
        post = read(Ask, await request.read(), request.headers.get("Content-Type"))
        return await answers.ask(request.match_info["id"], post)

    async def decide(request: web.Request) -> Shown:
        post = read(Decide, await request.read(), request.headers.get("Content-Type"))
        return await answers.decide(request.match_info["id"], post)

    async def stop(request: web.Request) -> Shown:
        read(dict, await request.read(), request.headers.get("Content-Type"))
        return await answers.stop(request.match_info["id"])

    async def events(request: web.Request) -> web.StreamResponse:
        return await answers.log.respond(request, request.match_info["run"])

    async def end(app: web.Application) -> None:
        await answers.close()

    app.router.add_get("/", page)
    app.router.add_post("/conversations", _told(begin, 201))
    app.router.add_get("/conversations/{id}", _told(show))
    app.router.add_post("/conversations/{id}/questions", _told(ask, 201))
    app.router.add_post("/conversations/{id}/decisions", _told(decide, 201))
    app.router.add_post("/conversations/{id}/stop", _told(stop))
    app.router.add_get("/runs/{run}/events", events)
    app.on_shutdown.append(end)
    return app


def _told(
    act: Callable[[web.Request], Awaitable[Shown]], status: int = 200
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler that answers with what is shown, or with why not."""

    async def handle(request: web.Request) -> web.Response:
        try:
            shown = await act(request)
        except (APIError, RelayError) as error:
            return web.Response(status=error_status(error), headers=error_headers(error), body=error_body(error))
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        return web.Response(status=status, headers=headers, body=msgspec.json.encode(shown))

    return handle
