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

from asyncstream import events as wire_events
from asyncstream.types import ChatCompletionChunk, Message, MessageDeltaEvent, Run, RunStep, RunStepDeltaEvent
from benchmarks.adapters import Read
from benchmarks.workloads import Seen, protocol_of

__all__ = ["DECODE", "address", "chat_characters", "decode_chunk", "open_session", "read_only", "typed"]

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
_RESPONSE_TYPES: dict[str, Any] = {
    "created": wire_events.ResponseCreatedEvent,
    "in_progress": wire_events.ResponseInProgressEvent,
    "output_item.added": wire_events.ResponseOutputItemAddedEvent,
    "content_part.added": wire_events.ResponseContentPartAddedEvent,
    "output_text.delta": wire_events.ResponseTextDeltaEvent,
    "output_text.annotation.added": wire_events.ResponseOutputTextAnnotationAddedEvent,
    "output_text.done": wire_events.ResponseTextDoneEvent,
    "function_call_arguments.delta": wire_events.ResponseFunctionCallArgumentsDeltaEvent,
    "function_call_arguments.done": wire_events.ResponseFunctionCallArgumentsDoneEvent,
    "image_generation_call.in_progress": wire_events.ResponseImageGenCallInProgressEvent,
    "image_generation_call.generating": wire_events.ResponseImageGenCallGeneratingEvent,
    "image_generation_call.completed": wire_events.ResponseImageGenCallCompletedEvent,
    "content_part.done": wire_events.ResponseContentPartDoneEvent,
    "output_item.done": wire_events.ResponseOutputItemDoneEvent,
    "completed": wire_events.ResponseCompletedEvent,
}
DECODE = {
    **{f"thread.run.{name}": Decoder(type).decode for name, type in _TYPES.items()},
    **{f"thread.message.{name}": Decoder(type).decode for name, type in _MESSAGE_TYPES.items()},
    **{f"response.{name}": Decoder(type).decode for name, type in _RESPONSE_TYPES.items()},
}
"""Event name -> cached typed decode, for every event that the prepared streams hold but `done`."""

_BY_FIRST_LINE = {b"event: " + name.encode(): (name, decode) for name, decode in DECODE.items()}
_MESSAGE_DELTA = "thread.message.delta"
_STEP_DELTA = "thread.run.step.delta"
_RESPONSE_DELTAS = frozenset({"response.output_text.delta", "response.function_call_arguments.delta"})
_ANNOTATION = "response.output_text.annotation.added"


decode_chunk = Decoder(ChatCompletionChunk).decode
"""The same for the one type of Chat Completions."""

_BODY = {"assistant_id": "asst_1", "stream": True}


_ADDRESSES = {
    "assistants": "/threads/{}/runs",
    "chat": "/chat/completions?stream={}",
    "responses": "/responses?stream={}",
}


def address(base_url: str, name: str) -> str:
    """Return where the server has the stream of that name."""
    return base_url + _ADDRESSES[protocol_of(name)].format(name)


def chat_characters(chunk: ChatCompletionChunk) -> int:
    """Return how many characters of text, or of tool arguments, are in a chunk: what every raw adapter looks at."""
    delta = chunk.choices[0].delta
    if delta.content:
        return len(delta.content)
    return len(delta.tool_calls[0].function.arguments) if delta.tool_calls else 0  # type: ignore[union-attr, arg-type]


def _cut(pieces: list[bytes], chunk: bytes) -> list[bytes]:
    """Return the frames that a chunk completes; what it begins is left in the pieces."""
    if pieces and pieces[-1][-1:] == b"\n":
        chunk = pieces.pop() + chunk
    frames = chunk.split(b"\n\n")
    pieces.append(frames[0])
    if len(frames) == 1:
        return []
    frames[0] = b"".join(pieces)
    pieces[:] = [frames.pop()]
    return frames


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    pieces: list[bytes] = []
    async for chunk in response.content.iter_any():
        for frame in _cut(pieces, chunk):
            first_line, _, data = frame.partition(b"\ndata: ")
            known = _BY_FIRST_LINE.get(first_line)
            if known is not None:
                yield known[0], known[1](data)


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[ChatCompletionChunk]:
    pieces: list[bytes] = []
    async for chunk in response.content.iter_any():
        for frame in _cut(pieces, chunk):
            data = frame[6:]
            if data != b"[DONE]":
                yield decode_chunk(data)


def open_session() -> aiohttp.ClientSession:
    """Open a session that allows as many connections as the library's, and has no deadline."""
    connector = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(headers=_HEADERS, timeout=aiohttp.ClientTimeout(), connector=connector)


@asynccontextmanager
async def typed(base_url: str) -> AsyncIterator[Read]:
    """Read, split, decode: the limit."""
    async with open_session() as session:

        async def read(name: str) -> Seen:
            events = characters = citations = 0
            async with session.post(address(base_url, name), json=_BODY) as response:
                if protocol_of(name) == "chat":
                    async for chunk in _chunks(response):
                        events += 1
                        characters += chat_characters(chunk)
                    return Seen(events, characters)
                async for event, data in _events(response):
                    events += 1
                    if event == _MESSAGE_DELTA:
                        text = data.delta.content[0].text
                        characters += len(text.value)
                        if text.annotations:
                            citations += len(text.annotations)
                    elif event == _STEP_DELTA:
                        call = data.delta.step_details.tool_calls[0]
                        characters += len(call.code_interpreter.input)
                    elif event in _RESPONSE_DELTAS:
                        characters += len(data.delta)
                    elif event == _ANNOTATION:
                        citations += 1
            return Seen(events, characters, citations)

        yield read


@asynccontextmanager
async def read_only(base_url: str) -> AsyncIterator[Read]:
    """Take the bytes off the socket and look at none: the floor."""
    async with open_session() as session:

        async def read(name: str) -> Seen:
            size = 0
            async with session.post(address(base_url, name), json=_BODY) as response:
                async for chunk in response.content.iter_any():
                    size += len(chunk)
            return Seen(bytes=size)

        yield read
