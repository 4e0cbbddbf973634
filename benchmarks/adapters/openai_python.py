"""openai-python: raw on both of its HTTP backends, accumulating, and with a handler.

The client has its defaults, but for the base URL and the key.
"""

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
from openai import AsyncAssistantEventHandler, AsyncOpenAI

from benchmarks.adapters import Read
from benchmarks.workloads import Seen

__all__ = ["accumulating", "accumulating_on_aiohttp", "handler", "raw", "raw_on_aiohttp"]

# The beta methods warn at every call that OpenAI has switched its own server off.
warnings.filterwarnings("ignore", message="The Assistants API is deprecated", category=DeprecationWarning)


def _client(base_url: str, **options: Any) -> AsyncOpenAI:
    return AsyncOpenAI(api_key="sk-benchmark", base_url=base_url, **options)


def _raw_reader(client: AsyncOpenAI) -> Read:
    async def read(name: str) -> Seen:
        events = characters = citations = 0
        stream: Any = await client.beta.threads.runs.create(name, assistant_id="asst_1", stream=True)
        async with stream:
            async for event in stream:
                events += 1
                if event.event == "thread.message.delta":
                    said = event.data.delta.content[0].text
                    characters += len(said.value)
                    if said.annotations:
                        citations += len(said.annotations)
                elif event.event == "thread.run.step.delta":
                    call = event.data.delta.step_details.tool_calls[0]
                    characters += len(call.code_interpreter.input)
        return Seen(events, characters, citations)

    return read


@asynccontextmanager
async def raw(base_url: str) -> AsyncIterator[Read]:
    """`async for event in await runs.create(..., stream=True)`."""
    async with _client(base_url) as client:
        yield _raw_reader(client)


@asynccontextmanager
async def raw_on_aiohttp(base_url: str) -> AsyncIterator[Read]:
    """The same with `DefaultAioHttpClient`."""
    async with _client(base_url, http_client=openai.DefaultAioHttpClient()) as client:
        yield _raw_reader(client)


def _accumulating_reader(client: AsyncOpenAI) -> Read:
    async def read(name: str) -> Seen:
        async with client.beta.threads.runs.stream(thread_id=name, assistant_id="asst_1") as stream:
            await stream.until_done()
            run = await stream.get_final_run()
            steps: list[Any] = await _or_empty(stream.get_final_run_steps())
            messages: list[Any] = await _or_empty(stream.get_final_messages())
        assert run.status == "completed"
        characters = citations = 0
        for message in messages:
            for part in message.content:
                characters += len(part.text.value)
                citations += len(part.text.annotations or ())
        for step in steps:
            for call in getattr(step.step_details, "tool_calls", ()):
                characters += len(call.code_interpreter.input)
        return Seen(None, characters, citations)

    return read


@asynccontextmanager
async def accumulating(base_url: str) -> AsyncIterator[Read]:
    """`runs.stream`, `until_done()`, then every final object."""
    async with _client(base_url) as client:
        yield _accumulating_reader(client)


@asynccontextmanager
async def accumulating_on_aiohttp(base_url: str) -> AsyncIterator[Read]:
    """The same with `DefaultAioHttpClient`."""
    async with _client(base_url, http_client=openai.DefaultAioHttpClient()) as client:
        yield _accumulating_reader(client)


async def _or_empty(final: Any) -> Any:
    try:
        return await final
    except RuntimeError:  # what it raises where there are none
        return []


class _Counting(AsyncAssistantEventHandler):
    def __init__(self) -> None:
        super().__init__()
        self.events = 0
        self.characters = 0
        self.citations = 0

    async def on_event(self, event: Any) -> None:
        self.events += 1

    async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.characters += len(delta.value or "")
        if delta.annotations:
            self.citations += len(delta.annotations)

    async def on_tool_call_delta(self, delta: Any, snapshot: Any) -> None:
        self.characters += len(delta.code_interpreter.input or "")


@asynccontextmanager
async def handler(base_url: str) -> AsyncIterator[Read]:
    """An event handler that overrides `on_event`, `on_text_delta` and `on_tool_call_delta`."""
    async with _client(base_url) as client:

        async def read(name: str) -> Seen:
            counting = _Counting()
            async with client.beta.threads.runs.stream(
                thread_id=name, assistant_id="asst_1", event_handler=counting
            ) as stream:
                await stream.until_done()
            return Seen(counting.events, counting.characters, counting.citations)

        yield read
