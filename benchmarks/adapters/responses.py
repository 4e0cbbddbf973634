"""Responses: asyncstream and openai-python, raw and accumulating, and text alone.

All raw adapters count an event, add the length of its text or of its arguments and count its citations; the
accumulating ones read to the end and look at the final response. The clients have their defaults.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asyncstream import AsyncClient
from benchmarks.adapters import Read
from benchmarks.workloads import Seen

__all__ = ["accumulating", "openai_accumulating", "openai_raw", "raw", "text"]

_BODY: Any = {"model": "gpt-5-mini", "input": "Say much."}

_GROWS = frozenset({"response.output_text.delta", "response.function_call_arguments.delta"})
_CITES = "response.output_text.annotation.added"


async def _count(stream: Any) -> Seen:
    events = characters = citations = 0
    async for event in stream:
        events += 1
        type = event.type
        if type in _GROWS:
            characters += len(event.delta)
        elif type == _CITES:
            citations += 1
    return Seen(events, characters, citations)


def _in_final(response: Any, events: int | None) -> Seen:
    characters = citations = 0
    for item in response.output:
        if item.type == "function_call":
            characters += len(item.arguments)
        for part in item.content if item.type == "message" else ():
            characters += len(part.text)
            citations += len(part.annotations)
    return Seen(events, characters, citations)


@asynccontextmanager
async def raw(base_url: str) -> AsyncIterator[Read]:
    """`async for event in stream`."""
    async with AsyncClient(api_key="sk-benchmark", base_url=base_url) as client:

        async def read(name: str) -> Seen:
            async with client.responses.stream(**_BODY, extra_query={"stream": name}) as stream:
                return await _count(stream)

        yield read


@asynccontextmanager
async def accumulating(base_url: str) -> AsyncIterator[Read]:
    """`get_final_response()`."""
    async with AsyncClient(api_key="sk-benchmark", base_url=base_url) as client:

        async def read(name: str) -> Seen:
            async with client.responses.stream(**_BODY, extra_query={"stream": name}) as stream:
                response = await stream.get_final_response()
            return _in_final(response, stream.accumulator.events_seen)

        yield read


@asynccontextmanager
async def text(base_url: str) -> AsyncIterator[Read]:
    """`async for piece in stream.text_deltas`."""
    async with AsyncClient(api_key="sk-benchmark", base_url=base_url) as client:

        async def read(name: str) -> Seen:
            characters = 0
            async with client.responses.stream(**_BODY, extra_query={"stream": name}) as stream:
                async for piece in stream.text_deltas:
                    characters += len(piece)
            return Seen(stream.accumulator.events_seen, characters)

        yield read


@asynccontextmanager
async def openai_raw(base_url: str) -> AsyncIterator[Read]:
    """`async for event in await create(..., stream=True)`."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="sk-benchmark", base_url=base_url) as client:

        async def read(name: str) -> Seen:
            stream: Any = await client.responses.create(**_BODY, stream=True, extra_query={"stream": name})
            return await _count(stream)

        yield read


@asynccontextmanager
async def openai_accumulating(base_url: str) -> AsyncIterator[Read]:
    """`responses.stream`, every event of it, then `get_final_response()`."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="sk-benchmark", base_url=base_url) as client:

        async def read(name: str) -> Seen:
            async with client.responses.stream(**_BODY, extra_query={"stream": name}) as stream:
                async for _ in stream:
                    pass
                return _in_final(await stream.get_final_response(), None)

        yield read
