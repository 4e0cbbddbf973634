"""asyncstream itself, in the four ways of reading a run.

The whole library as users have it: nothing is switched off, the client has its defaults.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncstream import AssistantEventHandler, AsyncClient
from asyncstream.events import AssistantStreamEvent
from asyncstream.types import CodeInterpreterToolCallDelta, Message, RunStep, Text, TextDelta, ToolCall, ToolCallDelta
from benchmarks.adapters import Read
from benchmarks.workloads import Seen

__all__ = ["accumulating", "handler", "raw", "text"]


def _client(base_url: str) -> AsyncClient:
    return AsyncClient(api_key="sk-benchmark", base_url=base_url)


@asynccontextmanager
async def raw(base_url: str) -> AsyncIterator[Read]:
    """`async for event in stream`."""
    async with _client(base_url) as client:

        async def read(name: str) -> Seen:
            events = characters = citations = 0
            async with client.threads.runs.stream(name, assistant_id="asst_1") as stream:
                async for event in stream:
                    events += 1
                    if event.event == "thread.message.delta":
                        said = event.data.delta.content[0].text  # type: ignore[index, union-attr]  # known bytes
                        characters += len(said.value)  # type: ignore[arg-type, union-attr]
                        if said.annotations:  # type: ignore[union-attr]
                            citations += len(said.annotations)  # type: ignore[union-attr]
                    elif event.event == "thread.run.step.delta":
                        call = event.data.delta.step_details.tool_calls[0]  # type: ignore[index, union-attr]
                        characters += len(call.code_interpreter.input)  # type: ignore[arg-type, union-attr]
            return Seen(events, characters, citations)

        yield read


@asynccontextmanager
async def accumulating(base_url: str) -> AsyncIterator[Read]:
    """`until_done()`, then every final object."""
    async with _client(base_url) as client:

        async def read(name: str) -> Seen:
            async with client.threads.runs.stream(name, assistant_id="asst_1") as stream:
                await stream.until_done()
                run = await stream.get_final_run()
                steps = await stream.get_final_run_steps()
                messages = await stream.get_final_messages()
            assert run.status == "completed"
            return _in_finals(stream.accumulator.events_seen, messages, steps)

        yield read


def _in_finals(events: int, messages: list[Message], steps: list[RunStep]) -> Seen:
    characters = citations = 0
    for message in messages:
        for part in message.content:
            if part.type == "text":
                characters += len(part.text.value)
                citations += len(part.text.annotations)
    for step in steps:
        for call in getattr(step.step_details, "tool_calls", ()):
            characters += len(call.code_interpreter.input)
    return Seen(events, characters, citations)


class _Counting(AssistantEventHandler):
    def __init__(self) -> None:
        self.events = 0
        self.characters = 0
        self.citations = 0

    async def on_event(self, event: AssistantStreamEvent) -> None:
        self.events += 1

    async def on_text_delta(self, delta: TextDelta, snapshot: Text) -> None:
        self.characters += len(delta.value or "")
        if delta.annotations:
            self.citations += len(delta.annotations)

    async def on_tool_call_delta(self, delta: ToolCallDelta, snapshot: ToolCall) -> None:
        if isinstance(delta, CodeInterpreterToolCallDelta) and delta.code_interpreter is not None:
            self.characters += len(delta.code_interpreter.input or "")


@asynccontextmanager
async def handler(base_url: str) -> AsyncIterator[Read]:
    """An event handler that overrides `on_event`, `on_text_delta` and `on_tool_call_delta`."""
    async with _client(base_url) as client:

        async def read(name: str) -> Seen:
            counting = _Counting()
            async with client.threads.runs.stream(name, assistant_id="asst_1", event_handler=counting) as stream:
                await stream.until_done()
            return Seen(counting.events, counting.characters, counting.citations)

        yield read


@asynccontextmanager
async def text(base_url: str) -> AsyncIterator[Read]:
    """`async for piece in stream.text_deltas`."""
    async with _client(base_url) as client:

        async def read(name: str) -> Seen:
            characters = 0
            async with client.threads.runs.stream(name, assistant_id="asst_1") as stream:
                async for piece in stream.text_deltas:
                    characters += len(piece)
            return Seen(stream.accumulator.events_seen, characters)

        yield read
