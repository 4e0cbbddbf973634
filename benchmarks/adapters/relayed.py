"""The direct relay of asyncstream, in the views whose costs are compared: the wire's own events, and what pages read.

What a backend pays for an event: a stream of the real client is read, and its frames are taken to the last one. That
nothing is lost is looked at the first time that a stream is read; after that, that as many bytes came as then.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal

from asyncstream import AsyncClient
from asyncstream.relay import sse_frames
from benchmarks.adapters import Read
from benchmarks.rounds import CountsDiffer
from benchmarks.workloads import Seen, protocol_of

__all__ = ["ag_ui", "events", "ui_messages"]


def _stream_of(client: AsyncClient, name: str) -> Any:
    match protocol_of(name):
        case "chat":
            body: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say much."}]}
            return client.chat.completions.stream(**body, extra_query={"stream": name})
        case "responses":
            return client.responses.stream(model="gpt-5-mini", input="Say much.", extra_query={"stream": name})
        case _:
            return client.threads.runs.stream(name, assistant_id="asst_1")


def _relayed(
    view: Literal["events", "ui-messages", "ag-ui"], seen_in: Callable[[list[bytes]], Seen]
) -> Callable[[str], AbstractAsyncContextManager[Read]]:
    @asynccontextmanager
    async def opened(base_url: str) -> AsyncIterator[Read]:
        seen: dict[str, Seen] = {}
        sizes: dict[str, int] = {}
        async with AsyncClient(api_key="sk-benchmark", base_url=base_url) as client:

            async def read(name: str) -> Seen:
                size = 0
                kept: list[bytes] = []
                async for data in sse_frames(_stream_of(client, name), view=view):
                    size += len(data)
                    if name not in seen:
                        kept.append(data)
                if name not in seen:
                    seen[name] = seen_in(b"".join(kept).split(b"\n\n"))
                    sizes[name] = size
                if size != sizes[name]:
                    raise CountsDiffer(f"{size} bytes were relayed of {name} as {view}, and {sizes[name]} before")
                return seen[name]

            yield read

    return opened


def _of_events(frames: list[bytes]) -> Seen:
    """Return how many events were relayed: all that have JSON but the end."""
    return Seen(sum(b"data: {" in frame for frame in frames))


def _of_parts(frames: list[bytes]) -> Seen:
    """Return how many characters of text or of arguments parts have told; of events there are fewer or more."""
    parts = [json.loads(frame[6:]) for frame in frames if frame.startswith(b"data: {")]
    if any(part["type"] == "file" or part.get("name") == "file" for part in parts):
        return Seen()  # what a picture was asked for with is told as arguments, which no event had
    return Seen(characters=sum(len(part.get("delta", part.get("inputTextDelta", ""))) for part in parts))


events = _relayed("events", _of_events)
ui_messages = _relayed("ui-messages", _of_parts)
ag_ui = _relayed("ag-ui", _of_parts)
