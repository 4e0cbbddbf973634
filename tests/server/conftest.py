"""A plain aiohttp client of the embedded server: JSON in, JSON and raw frames out. No part of the client is in it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import pytest

from asyncstream.server import Scenario, serve

FUNCTION = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        },
    },
}
TERMINAL = {"completed", "failed", "cancelled", "expired", "incomplete"}


class Api:
    """One client session; `post` and `get` give the JSON of a 200, `refused` the error of anything else."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, scenario: Scenario) -> None:
        self.session = session
        self.base_url = base_url
        self.scenario = scenario
        self.headers = {"Authorization": "Bearer any", "OpenAI-Beta": "assistants=v2"}

    def request(self, method: str, path: str, body: object = None, **kwargs):
        kwargs.setdefault("headers", self.headers)
        if body is not None:
            kwargs["json"] = body
        return self.session.request(method, self.base_url + path, **kwargs)

    async def ask(self, method: str, path: str, body: object = None, **kwargs) -> tuple[int, dict]:
        async with self.request(method, path, body, **kwargs) as response:
            assert response.headers["x-request-id"]
            return response.status, await response.json()

    async def post(self, path: str, body: object = None, **kwargs) -> dict:
        status, data = await self.ask("POST", path, body, **kwargs)
        assert status == 200, data
        return data

    async def get(self, path: str, **params: str) -> dict:
        status, data = await self.ask("GET", path, params=params)
        assert status == 200, data
        return data

    async def refused(self, status: int, method: str, path: str, body: object = None, **kwargs) -> dict:
        got, data = await self.ask(method, path, body, **kwargs)
        assert got == status, data
        assert set(data["error"]) == {"message", "type", "param", "code"}
        return data["error"]

    async def start(self, *tools: dict, question: str = "Hello there", **assistant) -> tuple[str, str]:
        """Make an assistant and a thread; return the run path and the assistant's id."""
        made = await self.post("/assistants", {"model": "m", "tools": list(tools), **assistant})
        thread = await self.post("/threads", {"messages": [{"role": "user", "content": question}]})
        return f"/threads/{thread['id']}/runs", made["id"]

    async def raw(self, path: str, body: dict, **kwargs) -> tuple[bytes, Exception | None]:
        """Stream a POST; return what came, and the error that ended it."""
        came = b""
        async with self.request("POST", path, {**body, "stream": True}, **kwargs) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            assert response.headers["x-request-id"]
            try:
                async for chunk in response.content.iter_any():
                    came += chunk
            except aiohttp.ClientError as error:
                return came, error
        return came, None

    async def stream(self, path: str, body: dict, **kwargs) -> list[tuple[str, dict]]:
        came, error = await self.raw(path, body, **kwargs)
        assert error is None, error
        return frames(came)

    async def until(self, look: Callable[[], Awaitable[object]]) -> object:
        """Look again and again, until there is something."""
        while True:
            seen = await look()
            if seen:
                return seen
            await asyncio.sleep(0.001)

    async def until_over(self, path: str, *others: str) -> dict:
        """Poll a run until it is over, or in one of `others`."""

        async def look() -> dict | None:
            run = await self.get(path)
            return run if run["status"] in {*TERMINAL, *others} else None

        return await self.until(look)


def frames(body: bytes) -> list[tuple[str, dict]]:
    """Split a whole body into event names and data; `done` has the text."""
    assert body.endswith(b"\n\n"), body[-80:]
    events = []
    for frame in body.decode().strip().split("\n\n"):
        name, data = frame.split("\n")
        assert name.startswith("event: ")
        assert data.startswith("data: ")
        text = data.removeprefix("data: ")
        events.append((name.removeprefix("event: "), {} if text == "[DONE]" else json.loads(text)))
    return events


@asynccontextmanager
async def _talk(scenario: Scenario | None = None, **kwargs) -> AsyncIterator[Api]:
    scenario = scenario or Scenario()
    async with serve(scenario, **kwargs) as base_url, aiohttp.ClientSession() as session:
        yield Api(session, base_url, scenario)


@pytest.fixture
def talk() -> Callable[..., AbstractAsyncContextManager[Api]]:
    """Start a server with a scenario and connect to it."""
    return _talk


@pytest.fixture
def read_frames() -> Callable[[bytes], list[tuple[str, dict]]]:
    """The frame splitter, for bodies that were cut."""
    return frames


@pytest.fixture
def function() -> dict:
    """A function tool."""
    return FUNCTION
