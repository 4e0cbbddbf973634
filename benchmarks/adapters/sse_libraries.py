"""The SSE libraries on aiohttp and on httpx, each with a cached typed decode: what careful users write today."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from benchmarks.adapters import Read
from benchmarks.adapters.bare import DECODE
from benchmarks.workloads import Seen

__all__ = ["aiohttp_sse_client", "httpx_sse"]

_BODY = {"assistant_id": "asst_1", "stream": True}


async def _count(source: AsyncIterator[Any], name: str) -> Seen:
    """Read the events of either library, whose attribute for the event's name is `name`."""
    events = characters = citations = 0
    async for sse in source:
        event = getattr(sse, name)
        if event == "done":
            break
        data: Any = DECODE[event](sse.data)
        events += 1
        if event == "thread.message.delta":
            said = data.delta.content[0].text
            characters += len(said.value)
            if said.annotations:
                citations += len(said.annotations)
        elif event == "thread.run.step.delta":
            call = data.delta.step_details.tool_calls[0]
            characters += len(call.code_interpreter.input)
    return Seen(events, characters, citations)


@asynccontextmanager
async def aiohttp_sse_client(base_url: str) -> AsyncIterator[Read]:
    """`EventSource` over a POST, left at `done`: it would send the request again at the end of the body."""
    import aiohttp
    from aiohttp_sse_client.client import EventSource  # type: ignore[import-untyped]  # it has no annotations

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:

        async def read(name: str) -> Seen:
            url = f"{base_url}/threads/{name}/runs"
            async with EventSource(url, option={"method": "POST"}, session=session, json=_BODY) as source:
                return await _count(source, "type")

        yield read


@asynccontextmanager
async def httpx_sse(base_url: str) -> AsyncIterator[Read]:
    """`aconnect_sse` over a POST."""
    import httpx
    from httpx_sse import aconnect_sse

    async with httpx.AsyncClient(timeout=None) as client:

        async def read(name: str) -> Seen:
            url = f"{base_url}/threads/{name}/runs"
            async with (
                aconnect_sse(client, "POST", url, json=_BODY) as source,
                aclosing(source.aiter_sse()) as events,
            ):
                return await _count(events, "event")

        yield read
