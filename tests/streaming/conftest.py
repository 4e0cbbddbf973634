"""A client of a raw server that streams what a test says."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from assistants_wire import stream
from raw_server import Exchange, Handler, RawServer, raw_server

from asyncstream import AssistantEventHandler, AssistantStream, AsyncClient
from asyncstream.streaming.tool_runner import ToolRunner

Open = Callable[..., AssistantStream]


class Talk:
    """A raw server and a client of it."""

    def __init__(self, server: RawServer, client: AsyncClient) -> None:
        self.server = server
        self.client = client

    def stream(self, **params: Any) -> AssistantStream:
        return self.client.threads.runs.stream("thread_1", assistant_id="asst_1", **params)


@asynccontextmanager
async def talk(answer: Handler | list[bytes], **options: Any) -> AsyncIterator[Talk]:
    """Serve frames, or what a handler of exchanges sends."""

    async def send_frames(exchange: Exchange) -> None:
        await stream(exchange, *answer)  # type: ignore[misc]

    handler = answer if callable(answer) else send_frames
    async with (
        raw_server(handler) as server,
        AsyncClient(api_key="k", base_url=server.url, max_retries=0, **options) as client,
    ):
        yield Talk(server, client)


@pytest.fixture(name="talk")
def talk_fixture() -> Callable[..., AbstractAsyncContextManager[Talk]]:
    return talk


class Log(AssistantEventHandler):
    """Writes down every callback in the form of the fixtures, and more."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def on_event(self, event: Any) -> None:
        self.calls.append(f"event {event.event}")

    async def on_run_step_created(self, run_step: Any) -> None:
        self.calls.append(f"run_step_created {run_step.id}")

    async def on_run_step_delta(self, delta: Any, snapshot: Any) -> None:
        self.calls.append(f"run_step_delta {snapshot.id}")

    async def on_run_step_done(self, run_step: Any) -> None:
        self.calls.append(f"run_step_done {run_step.id}")

    async def on_tool_call_created(self, tool_call: Any) -> None:
        self.calls.append(f"tool_call_created {tool_call.id}")

    async def on_tool_call_delta(self, delta: Any, snapshot: Any) -> None:
        self.calls.append(f"tool_call_delta {snapshot.id}")

    async def on_tool_call_done(self, tool_call: Any) -> None:
        self.calls.append(f"tool_call_done {tool_call.id}")

    async def on_message_created(self, message: Any) -> None:
        self.calls.append(f"message_created {message.id}")

    async def on_message_delta(self, delta: Any, snapshot: Any) -> None:
        self.calls.append(f"message_delta {snapshot.id}")

    async def on_message_done(self, message: Any) -> None:
        self.calls.append(f"message_done {message.id}")

    async def on_text_created(self, text: Any) -> None:
        self.calls.append(f"text_created {text.value!r}")

    async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.calls.append(f"text_delta {delta.value or ''!r}")

    async def on_text_done(self, text: Any) -> None:
        self.calls.append(f"text_done {text.value!r}")

    async def on_image_file_done(self, image_file: Any) -> None:
        self.calls.append(f"image_file_done {image_file.file_id}")

    async def on_run_requires_action(self, run: Any) -> None:
        self.calls.append(f"run_requires_action {run.id}")

    async def on_run_done(self, run: Any) -> None:
        self.calls.append(f"run_done {run.status}")

    async def on_unknown_event(self, event: Any) -> None:
        self.calls.append(f"unknown_event {event.name}")

    async def on_timeout(self) -> None:
        self.calls.append("timeout")

    async def on_exception(self, exception: Exception) -> None:
        self.calls.append(f"exception {type(exception).__name__}")

    async def on_end(self) -> None:
        self.calls.append("end")

    @property
    def specific(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("event ")]


@pytest.fixture
def log() -> Log:
    return Log()


class Gate:
    """Lets a server go on when the test says so."""

    def __init__(self) -> None:
        import asyncio

        self._event = asyncio.Event()

    def open(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


Answer = Callable[[Exchange], Awaitable[None]]


@pytest.fixture(params=["plainly", "in tasks"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run calls that wait for nothing as they are, and as those that might: what is seen of both is the same."""
    if request.param == "in tasks":
        monkeypatch.setattr(ToolRunner, "_is_plain", lambda runner: False)
