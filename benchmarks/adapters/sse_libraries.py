"""The SSE libraries on aiohttp and on httpx, each with a cached typed decode: what careful users write today."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from benchmarks.adapters import Read
from benchmarks.adapters.bare import DECODE, address, chat_characters, decode_chunk
from benchmarks.workloads import Seen, protocol_of

__all__ = ["aiohttp_sse_client", "httpx_sse"]

_BODY = {"assistant_id": "asst_1", "stream": True}


async def _count(source: AsyncIterator[Any], name: str, stream: str) -> Seen:
    """Read the events of either library, whose attribute for the event's name is `name`."""
    if protocol_of(stream) == "chat":
        return await _count_chat(source)
    events = characters = citations = 0
    async for sse in source:
        event = getattr(sse, name)
        if event == "done":
            break
        data: Any = DECODE[event](sse.data)
        events += 1
        if event == "thread.message.delta":
            text = data.delta.content[0].text
            characters += len(text.value)
            if text.annotations:
                citations += len(text.annotations)
        elif event == "thread.run.step.delta":
            call = data.delta.step_details.tool_calls[0]
            characters += len(call.code_interpreter.input)
    return Seen(events, characters, citations)


async def _count_chat(source: AsyncIterator[Any]) -> Seen:
    events = characters = 0
    async for sse in source:
        if sse.data == "[DONE]":
            break
        events += 1
        characters += chat_characters(decode_chunk(sse.data))
    return Seen(events, characters)


@asynccontextmanager
async def aiohttp_sse_client(base_url: str) -> AsyncIterator[Read]:
    """`EventSource` over a POST, left at `done`: it would send the request again at the end of the body."""
    import aiohttp
    from aiohttp_sse_client.client import EventSource  # type: ignore[import-untyped]  # it has no annotations

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:

        async def read(name: str) -> Seen:
            url = address(base_url, name)
            async with EventSource(url, option={"method": "POST"}, session=session, json=_BODY) as source:
                return await _count(source, "type", name)

        yield read


@asynccontextmanager
async def httpx_sse(base_url: str) -> AsyncIterator[Read]:
    """`aconnect_sse` over a POST."""
    import httpx
    from httpx_sse import aconnect_sse

    async with httpx.AsyncClient(timeout=None) as client:

        async def read(name: str) -> Seen:
            async with (
                aconnect_sse(client, "POST", address(base_url, name), json=_BODY) as source,
                aclosing(source.aiter_sse()) as events,
            ):
                return await _count(events, "event", name)

        yield read
