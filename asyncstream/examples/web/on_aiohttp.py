"""The browser example for aiohttp.web: an application to copy. `make_app` is all of it.

    GET  /                   the page
    POST /runs               {"question": "..."}: starts a run, answers {"run": "its name"}
    GET  /runs/NAME/events   the run's events, from `Last-Event-ID` or `?after=` on

``python -m asyncstream demo --web`` runs it against the embedded server. The same for FastAPI: `on_fastapi`.
"""

import msgspec
from aiohttp import web

from asyncstream import APIError, AsyncClient
from asyncstream.examples.web.page import PAGE, PAGE_HEADERS
from asyncstream.examples.web.runs import Question, start_run
from asyncstream.relay import RelayError, RunLog, error_body, error_headers, error_status

__all__ = ["make_app"]


def make_app(client: AsyncClient, assistant_id: str, log: RunLog) -> web.Application:
    """Return the application.

    Args:
        client: Talks to the upstream; the caller closes it.
        assistant_id: Who answers.
        log: Keeps the runs. Closed when the application shuts down, before it waits for its readers.
    """
    app = web.Application(client_max_size=16 * 1024)

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html", headers=PAGE_HEADERS)

    async def ask(request: web.Request) -> web.Response:
        # A form of another site cannot send JSON without asking first.
        if request.content_type != "application/json":
            return _refuse(415, "expected a body of the type application/json")
        try:
            question = msgspec.json.decode(await request.read(), type=Question).question.strip()
        except msgspec.DecodeError as error:
            return _refuse(400, f'expected {{"question": "..."}}: {error}')
        if not question or len(question) > 500:
            return _refuse(400, f"expected a question of 1 to 500 characters, got {len(question)}")
        try:
            started = await start_run(client, assistant_id, log, question)
        except (APIError, RelayError) as error:
            return web.Response(status=error_status(error), headers=error_headers(error), body=error_body(error))
        return web.Response(status=201, content_type="application/json", body=msgspec.json.encode(started))

    async def events(request: web.Request) -> web.StreamResponse:
        return await log.respond(request, request.match_info["run_id"])

    async def end(app: web.Application) -> None:
        await log.close(finish=5.0)

    app.router.add_get("/", page)
    app.router.add_post("/runs", ask)
    app.router.add_get("/runs/{run_id}/events", events)
    app.on_shutdown.append(end)
    return app


def _refuse(status: int, message: str) -> web.Response:
    body = {"error": {"message": message, "type": "invalid_request_error", "code": None, "param": None}}
    return web.json_response(body, status=status)
