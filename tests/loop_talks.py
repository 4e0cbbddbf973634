"""Conversations with a raw server in which a stream runs the calls of its answers, for tests of the tool loop.

Where the orders and races of a loop are shown; in `tests/streaming` where nothing else is said:

- an answer cut anywhere, every dialect, waits cancelled each millisecond: `faults/test_r30_tool_loops`; processes
  that are killed at five points of a round: `faults/test_r31_killed_loops`.
- when a call may start (an end without a finish reason, `length`, half arguments, an error before `[DONE]`, a server
  that does not close, "stop" though there are calls, the older form, equal calls, one id twice, no id, unknown and
  external names, the last round, a forcing `tool_choice`), what is told and raised, threads, contexts, room, order,
  approval, usage, leaving, dropping, resuming, recording: `test_tool_loop`.
- what is left after every kind of ending (cut, error event, refused, cancelled, raised, the last round), arguments
  after the finish reason, outputs of 20 MB and with half surrogate pairs, signed thoughts over three rounds, two
  tools that raise at once, what is late, leaving twice and cancelled again, one connection, deadlines, kinds of event
  loops: `test_tool_loop_endings`.
- runs of Assistants: handlers that raise and that submit, runs that expire meanwhile, approvals of Azure by
  `approve`, `Later`, by hand and resumed: `test_tool_loop_runs`.
- relays (a page that is loaded again, late readers, a log that is closed, a browser that leaves):
  `relay/test_relay_tools`; spans without secrets: `test_otel`; functions that are no tools: `tools/test_tool`; `n=2`:
  `test_tool_loop`.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from assistants_wire import stream
from chat_wire import DONE, HELLO, MESSAGES, call, piece
from raw_server import Exchange, Handler, RawServer, raw_server

from asyncstream import AsyncClient, ChatStream, Tools
from asyncstream.accumulators import RoundDone, ToolResultChanged, ToolResultCreated, ToolResultDone

ENDS = piece(finish="tool_calls")


def asks(*calls: tuple[str, Any], finish: str = "tool_calls") -> list[bytes]:
    """Return an answer that calls functions, whole, each with an id of its own: call_0, call_1, ..."""
    frames = [
        call(place, arguments if isinstance(arguments, str) else json.dumps(arguments), name, f"call_{place}")
        for place, (name, arguments) in enumerate(calls)
    ]
    return [*frames, piece(finish=finish), DONE]


ANSWER = [*HELLO, DONE]
ASKS = asks(("f", {"x": 1}))


@dataclass
class Talk:
    server: RawServer
    client: AsyncClient
    open: Callable[..., ChatStream]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.server.requests]

    @property
    def told(self) -> list[str]:
        """What the tools' messages of the last request say."""
        return [message["content"] for message in self.bodies[-1]["messages"] if message["role"] == "tool"]


@asynccontextmanager
async def talk(*answers: Handler | list[bytes], **options: Any) -> AsyncIterator[Talk]:
    """Give the first answer to the first request, and so on; the last one to all that follow."""

    async def send(exchange: Exchange) -> None:
        answer = answers[min(exchange.number, len(answers)) - 1]
        await (answer(exchange) if callable(answer) else stream(exchange, *answer))

    async with (
        raw_server(send) as server,
        AsyncClient(api_key="k", base_url=server.url, max_retries=0, **options) as client,
    ):

        def open_stream(*tools: Any, **params: Any) -> ChatStream:
            run = tools[0] if tools and isinstance(tools[0], Tools) else list(tools)
            arguments = {"messages": MESSAGES, "model": "m", "run_tools": run, **params}
            return client.chat.completions.stream(**arguments)

        yield Talk(server, client, open_stream)


class Ran:
    """Functions that write down that they ran."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    async def f(self, x: int = 0) -> int:
        self.calls.append(x)
        return x

    async def g(self, x: int = 0) -> str:
        self.calls.append(("g", x))
        return f"g{x}"


def loop_changes(changes: list[Any]) -> list[Any]:
    kinds = ToolResultCreated, ToolResultChanged, ToolResultDone, RoundDone
    return [change for change in changes if isinstance(change, kinds)]


def shown(changes: list[Any]) -> list[str]:
    """Return what happened in the loop, a word each."""
    found = []
    for change in loop_changes(changes):
        match change:
            case ToolResultCreated():
                found.append(f"created {change.index}")
            case ToolResultChanged():
                found.append(f"changed {change.index} {change.delta}")
            case ToolResultDone():
                found.append(f"done {change.index} {change.snapshot.status}")
            case RoundDone():
                found.append(f"round {change.round} {change.stop}")
    return found


def check_conversation(messages: list[Any]) -> None:
    open_calls: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            open_calls.remove(message["tool_call_id"])
        else:
            assert [] == open_calls
            open_calls = [entry["id"] for entry in message.get("tool_calls", ())]
            for entry in message.get("tool_calls", ()):
                json.loads(entry["function"]["arguments"])
    assert [] == open_calls
