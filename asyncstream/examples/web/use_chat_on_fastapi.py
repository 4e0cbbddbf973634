"""A backend for `useChat` with FastAPI, to copy. `use_chat_on_aiohttp` is the same, and says what is asked of it.

Imported only by who asks for it: FastAPI and uvicorn are no dependencies of this package.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Body, Cookie, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import PlainTextResponse

from asyncstream import APIError, AsyncClient
from asyncstream.examples.web.chats import Chat, Chats, answer
from asyncstream.relay import MemoryStore, RedisStore, RelayError, RelayResponse, RunLog, error_status
from asyncstream.ui import PostRefusedError

__all__ = ["make_app"]


class Relay(RelayResponse, Response):
    """What FastAPI sends as it is: it wants a `Response` of its own."""


def make_app(client: AsyncClient, redis: str | None = None) -> FastAPI:
    """Return the application.

    Args:
        client: Talks to the upstream; the caller closes it.
        redis: The URL of one Redis (no cluster) that keeps conversations and answers, for several workers; None: this
            process.
    """
    chats = Chats(redis)
    log = RunLog(MemoryStore() if redis is None else RedisStore(redis))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with log:
            yield
        await chats.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.exception_handler(APIError)
    @app.exception_handler(RelayError)
    async def in_words(request: Request, error: APIError | RelayError) -> Response:
        # useChat shows the body as it is.
        return PlainTextResponse("The model cannot answer now. Try again.", error_status(error))

    async def chat_of(request: Request, id: str, session: Annotated[str | None, Cookie()] = None) -> Chat:
        chat = await chats.find(id, session)
        if chat is None:
            raise HTTPException(404, "There is no such conversation.")
        # A form of another site cannot send JSON without asking first.
        if request.method == "POST" and request.headers.get("content-type") != "application/json":
            raise HTTPException(415, "Expected JSON.")
        return chat

    @app.post("/api/chats")
    async def create(
        request: Request, response: Response, session: Annotated[str | None, Cookie()] = None
    ) -> dict[str, str]:
        # Yours comes from where you log people in.
        session = session or secrets.token_urlsafe(16)
        secure = request.url.scheme == "https"
        response.set_cookie("session", session, httponly=True, samesite="lax", secure=secure)
        return {"id": await chats.create(session)}

    @app.get("/api/chats/{id}")
    async def history(chat: Annotated[Chat, Depends(chat_of)]) -> dict[str, Any]:
        return chat.shown()

    @app.post("/api/chats/{id}")
    async def ask(
        request: Request, chat: Annotated[Chat, Depends(chat_of)], body: Annotated[dict[str, Any], Body()]
    ) -> Response:
        try:
            run = await answer(client, log, chats, chat, body)
        except PostRefusedError as error:
            return PlainTextResponse(str(error), 400)
        return Relay(log.reader(request, run))

    @app.get("/api/chats/{id}/stream")
    async def resume(request: Request, chat: Annotated[Chat, Depends(chat_of)]) -> Relay:
        return Relay(log.resumption(request, chat.run, before=chat.begun()))

    @app.post("/api/chats/{id}/stop")
    async def stop(chat: Annotated[Chat, Depends(chat_of)]) -> Response:
        # `cancel` asks nobody: `chat_of` has looked whose conversation it is.
        if chat.run is not None:
            await log.cancel(chat.run)
        return Response(status_code=204)

    return app
