"""A backend for `useChat` with aiohttp.web, to copy. `use_chat.jsx` is its page; `use_chat_on_fastapi` is the same.

POST /api/chats              a new conversation of this session: {"id": "..."}
GET  /api/chats/ID           what was said
POST /api/chats/ID           {"message": ...}: a question, or a word on a call; streams the answer
GET  /api/chats/ID/stream    the answer that goes on, from its beginning; 204 if none does
POST /api/chats/ID/stop      stops it
"""

import json
import secrets

from aiohttp import web
from aiohttp.typedefs import Handler

from asyncstream import APIError, AsyncClient
from asyncstream.examples.web.chats import Chat, Chats, answer
from asyncstream.relay import MemoryStore, RedisStore, RelayError, RunLog, error_status
from asyncstream.ui import PostRefusedError

__all__ = ["make_app"]


def make_app(client: AsyncClient, redis: str | None = None) -> web.Application:
    """Return the application.

    Args:
        client: Talks to the upstream; the caller closes it.
        redis: The URL of one Redis (no cluster) that keeps conversations and answers, for several workers; None: this
            process.
    """
    chats = Chats(redis)

    @web.middleware
    async def in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (APIError, RelayError) as error:
            # useChat shows the body as it is.
            return web.Response(status=error_status(error), text="The model cannot answer now. Try again.")

    async def chat_of(request: web.Request) -> Chat:
        chat = await chats.find(request.match_info["id"], request.cookies.get("session"))
        if chat is None:
            raise web.HTTPNotFound(text="There is no such conversation.")
        # A form of another site cannot send JSON without asking first.
        if request.method == "POST" and request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="Expected JSON.")
        return chat

    async def create(request: web.Request) -> web.Response:
        # Yours comes from where you log people in.
        session = request.cookies.get("session") or secrets.token_urlsafe(16)
        response = web.json_response({"id": await chats.create(session)})
        response.set_cookie("session", session, httponly=True, samesite="Lax", secure=request.secure)
        return response

    async def history(request: web.Request) -> web.Response:
        return web.json_response((await chat_of(request)).shown())

    async def ask(request: web.Request) -> web.StreamResponse:
        chat = await chat_of(request)
        try:
            run = await answer(client, log, chats, chat, await request.json())
        except json.JSONDecodeError:
            raise web.HTTPBadRequest(text="Expected JSON.") from None
        except PostRefusedError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return await log.respond(request, run)

    async def resume(request: web.Request) -> web.StreamResponse:
        chat = await chat_of(request)
        return await log.resume(request, chat.run, before=chat.begun())

    async def stop(request: web.Request) -> web.Response:
        # `cancel` asks nobody: `chat_of` has looked whose conversation it is.
        chat = await chat_of(request)
        if chat.run is not None:
            await log.cancel(chat.run)
        return web.Response(status=204)

    async def end(app: web.Application) -> None:
        await log.close(finish=5.0)
        await chats.close()

    log = RunLog(MemoryStore() if redis is None else RedisStore(redis))
    app = web.Application(middlewares=[in_words])
    app.router.add_post("/api/chats", create)
    app.router.add_get("/api/chats/{id}", history)
    app.router.add_post("/api/chats/{id}", ask)
    app.router.add_get("/api/chats/{id}/stream", resume)
    app.router.add_post("/api/chats/{id}/stop", stop)
    app.on_shutdown.append(end)
    return app
