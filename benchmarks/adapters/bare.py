"""The same work without a library: the limit (read, split, typed decode) and the floor (read only).

The limit is what somebody would write who knows what is fast and trusts the server: an async generator over whatever
comes off the socket, one cached decoder a type, the library's own structs. It has none of the contract: no folds, no
errors, no deadlines, no cancellation safety, one line of data a frame.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from msgspec.json import Decoder

from asyncstream.types import Message, MessageDeltaEvent, Run, RunStep, RunStepDeltaEvent
from benchmarks.adapters import Read
from benchmarks.workloads import Seen

__all__ = ["DECODE", "read_only", "typed"]

_HEADERS = {"Authorization": "Bearer sk-benchmark", "Accept": "text/event-stream", "OpenAI-Beta": "assistants=v2"}

_TYPES: dict[str, Any] = {
    **dict.fromkeys(("created", "queued", "in_progress", "completed"), Run),
    **dict.fromkeys(("step.created", "step.in_progress", "step.completed"), RunStep),
    "step.delta": RunStepDeltaEvent,
}
_MESSAGE_TYPES: dict[str, Any] = {
    **dict.fromkeys(("created", "in_progress", "completed"), Message),
    "delta": MessageDeltaEvent,
}
DECODE = {
    **{f"thread.run.{name}": Decoder(type).decode for name, type in _TYPES.items()},
    **{f"thread.message.{name}": Decoder(type).decode for name, type in _MESSAGE_TYPES.items()},
}
"""Event name -> cached typed decode, for every event that the prepared streams hold but `done`."""

_BY_FIRST_LINE = {b"event: " + name.encode(): (name, decode) for name, decode in DECODE.items()}
_MESSAGE_DELTA = "thread.message.delta"
_STEP_DELTA = "thread.run.step.delta"


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    pieces: list[bytes] = []
    async for chunk in response.content.iter_any():
        if pieces and pieces[-1][-1:] == b"\n":
            chunk = pieces.pop() + chunk
        frames = chunk.split(b"\n\n")
        pieces.append(frames[0])
        if len(frames) > 1:
            frames[0] = b"".join(pieces)
            pieces = [frames.pop()]
            for frame in frames:
                first_line, _, data = frame.partition(b"\ndata: ")
                known = _BY_FIRST_LINE.get(first_line)
                if known is not None:
                    yield known[0], known[1](data)


@asynccontextmanager
async def typed(base_url: str) -> AsyncIterator[Read]:
    """Read, split, decode: the limit."""
    async with aiohttp.ClientSession(headers=_HEADERS, timeout=aiohttp.ClientTimeout()) as session:

        async def read(name: str) -> Seen:
            events = characters = citations = 0
            body = {"assistant_id": "asst_1", "stream": True}
            async with session.post(f"{base_url}/threads/{name}/runs", json=body) as response:
                async for event, data in _events(response):
                    events += 1
                    if event == _MESSAGE_DELTA:
                        said = data.delta.content[0].text
                        characters += len(said.value)
                        if said.annotations:
                            citations += len(said.annotations)
                    elif event == _STEP_DELTA:
                        call = data.delta.step_details.tool_calls[0]
                        characters += len(call.code_interpreter.input)
            return Seen(events, characters, citations)

        yield read


@asynccontextmanager
async def read_only(base_url: str) -> AsyncIterator[Read]:
    """Take the bytes off the socket and look at none: the floor."""
    async with aiohttp.ClientSession(headers=_HEADERS, timeout=aiohttp.ClientTimeout()) as session:

        async def read(name: str) -> Seen:
            size = 0
            body = {"assistant_id": "asst_1", "stream": True}
            async with session.post(f"{base_url}/threads/{name}/runs", json=body) as response:
                async for chunk in response.content.iter_any():
                    size += len(chunk)
            return Seen(bytes=size)

        yield read
