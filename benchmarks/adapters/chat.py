"""Chat Completions: asyncstream and openai-python, raw and accumulating, text alone, and the other HTTP backend.

All raw adapters count a chunk and add the length of its text, or of its tool arguments; the accumulating ones read to
the end and look at the final completion. The clients have their defaults.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asyncstream import AsyncClient
from benchmarks.adapters import Read
from benchmarks.adapters.bare import chat_characters
from benchmarks.workloads import Seen

__all__ = [
    "accumulating",
    "openai_accumulating",
    "openai_accumulating_on_aiohttp",
    "openai_raw",
    "openai_raw_on_aiohttp",
    "raw",
    "text",
]

_BODY: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say much."}]}


async def _count(stream: Any) -> Seen:
    events = characters = 0
    async for chunk in stream:
        events += 1
        characters += chat_characters(chunk)
    return Seen(events, characters)


def _in_final(completion: Any, events: int | None) -> Seen:
    message = completion.choices[0].message
    calls = message.tool_calls or ()
    return Seen(events, len(message.content or "") + sum(len(call.function.arguments) for call in calls))


@asynccontextmanager
async def raw(base_url: str) -> AsyncIterator[Read]:
    """`async for chunk in stream`."""
    async with AsyncClient(api_key="sk-benchmark", base_url=base_url) as client:

        async def read(name: str) -> Seen:
            async with client.chat.completions.stream(**_BODY, extra_query={"stream": name}) as stream:
                return await _count(stream)

        yield read


@asynccontextmanager
async def accumulating(base_url: str) -> AsyncIterator[Read]:
    """`get_final_completion()`."""
    async with AsyncClient(api_key="sk-benchmark", base_url=base_url) as client:

        async def read(name: str) -> Seen:
            async with client.chat.completions.stream(**_BODY, extra_query={"stream": name}) as stream:
                completion = await stream.get_final_completion()
            return _in_final(completion, stream.accumulator.events_seen)

        yield read


@asynccontextmanager
async def text(base_url: str) -> AsyncIterator[Read]:
    """`async for piece in stream.text_deltas`."""
    async with AsyncClient(api_key="sk-benchmark", base_url=base_url) as client:

        async def read(name: str) -> Seen:
            characters = 0
            async with client.chat.completions.stream(**_BODY, extra_query={"stream": name}) as stream:
                async for piece in stream.text_deltas:
                    characters += len(piece)
            return Seen(stream.accumulator.events_seen, characters)

        yield read


def _openai_reader(client: Any) -> Read:
    async def read(name: str) -> Seen:
        stream: Any = await client.chat.completions.create(**_BODY, stream=True, extra_query={"stream": name})
        return await _count(stream)

    return read


@asynccontextmanager
async def openai_raw(base_url: str) -> AsyncIterator[Read]:
    """`async for chunk in await create(..., stream=True)`."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="sk-benchmark", base_url=base_url) as client:
        yield _openai_reader(client)


@asynccontextmanager
async def openai_raw_on_aiohttp(base_url: str) -> AsyncIterator[Read]:
    """The same with `DefaultAioHttpClient`."""
    from openai import AsyncOpenAI, DefaultAioHttpClient

    async with AsyncOpenAI(api_key="sk-benchmark", base_url=base_url, http_client=DefaultAioHttpClient()) as client:
        yield _openai_reader(client)


def _openai_accumulating_reader(client: Any) -> Read:
    async def read(name: str) -> Seen:
        async with client.chat.completions.stream(**_BODY, extra_query={"stream": name}) as stream:
            async for _ in stream:
                pass
            return _in_final(await stream.get_final_completion(), None)

    return read


@asynccontextmanager
async def openai_accumulating(base_url: str) -> AsyncIterator[Read]:
    """`chat.completions.stream`, every event of it, then `get_final_completion()`."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="sk-benchmark", base_url=base_url) as client:
        yield _openai_accumulating_reader(client)


@asynccontextmanager
async def openai_accumulating_on_aiohttp(base_url: str) -> AsyncIterator[Read]:
    """The same with `DefaultAioHttpClient`."""
    from openai import AsyncOpenAI, DefaultAioHttpClient

    async with AsyncOpenAI(api_key="sk-benchmark", base_url=base_url, http_client=DefaultAioHttpClient()) as client:
        yield _openai_accumulating_reader(client)
