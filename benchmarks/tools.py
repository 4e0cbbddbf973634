"""`python -m benchmarks.tools`: what a round of a stream that runs its tools costs, beside the same loop by hand.

Both sides are asyncstream, ask the same server, in a process of its own, and call the same two functions in each of ten
rounds. By hand is what a careful user writes: a stream, a look at how its answer ended, arguments that fit, a task and
a deadline for each call, the others cancelled and waited for where one fails, the outputs, the next stream. It keeps no
book and tells nobody. Judged are the instructions of a round (`counting`; valgrind, Linux), each side in a process of
its own after a warm-up; beside them stand the ratios of CPU times, of turns that follow each other.

    python -m benchmarks.tools
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asyncstream import AsyncClient, Tools
from asyncstream.tools import arguments_for
from benchmarks.counting import CannotCount, command_for, count_phases, environment_for, overlay

__all__ = ["LIMIT", "WAYS", "by_hand", "by_itself", "count_rounds", "main", "measure", "serving"]

LIMIT = 1.1
"""Of the instructions of the loop by hand."""

DEADLINE = 60.0
"""Seconds for a function: what `Tools` gives it."""

ROUNDS = 10
"""Answers of a conversation that call functions; the next one is text."""

WORDS = 40
"""Chunks of each text, in front of the calls and at the end."""

SERVE = "--serve"


async def look_up(city: str) -> str:
    """Look something up."""
    return f"It is warm in {city}."


async def count(numbers: list[int]) -> int:
    """Add numbers."""
    return sum(numbers)


TOOLS = Tools(look_up, count, max_rounds=ROUNDS + 2)
DEFINITIONS = TOOLS.definitions("chat")


async def by_itself(client: AsyncClient) -> str:
    """Let the stream run its tools."""
    messages: Any = [{"role": "user", "content": "Go."}]
    async with client.chat.completions.stream(messages=messages, model="m", run_tools=TOOLS) as stream:
        return (await stream.get_final_completion()).choices[0].message.content or ""


async def by_hand(client: AsyncClient) -> str:
    """Do the same with a stream for each answer.

    It runs no call of an answer that is cut, or whose arguments do not fit; one that fails stops the others.
    """
    messages: Any = [{"role": "user", "content": "Go."}]
    functions: dict[str, Callable[..., Awaitable[object]]] = {"look_up": look_up, "count": count}
    tools: Any = DEFINITIONS
    while True:
        async with client.chat.completions.stream(messages=messages, model="m", tools=tools) as stream:
            # Raises where the answer has no end.
            choice = (await stream.get_final_completion()).choices[0]
        message = choice.message
        messages.append(message.to_param())
        if not message.tool_calls:
            return message.content or ""
        if choice.finish_reason in ("length", "content_filter"):
            raise ValueError(f"the answer was cut: {choice.finish_reason}")
        arguments = [arguments_for(functions[call.name], call) for call in message.tool_calls]
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_run(functions[call.name], given))
                for call, given in zip(message.tool_calls, arguments, strict=True)
            ]
        for call, task in zip(message.tool_calls, tasks, strict=True):
            output = task.result()
            text = output if isinstance(output, str) else json.dumps(output)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": text})


async def _run(function: Callable[..., Awaitable[object]], arguments: dict[str, Any]) -> object:
    async with asyncio.timeout(DEADLINE):
        return await function(**arguments)


WAYS = {"by itself": by_itself, "by hand": by_hand}


def count_rounds(url: str) -> dict[str, float]:
    """Return the instructions of a round of either way.

    Raises:
        CannotCount: Valgrind is missing, or a program failed under it.
    """
    counts = {}
    with overlay(None) as over:
        for way in WAYS:
            plan = {"what": "loops", "way": way, "base_url": url, "rounds": 3}
            phases, _ = count_phases(command_for(plan), environment_for(over))
            counts[way] = statistics.median(phases[::2]) / (ROUNDS + 1)
    return counts


async def measure(url: str, *, turns: int = 9, conversations: int = 5) -> list[float]:
    """Return how many times the CPU of the loop by hand the other takes, turn by turn; the first is the warm-up."""
    ratios: list[float] = []
    async with AsyncClient(api_key="any", base_url=url) as client:
        for _ in range(turns + 1):
            costs = []
            for converse in WAYS.values():
                start = time.process_time()
                for _ in range(conversations):
                    assert (await converse(client)).count("word") == WORDS
                costs.append(time.process_time() - start)
            ratios.append(costs[0] / costs[1])
    return ratios[1:]


# The server.


def _chunk(delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: %s\n\n" % json.dumps(data).encode()


def _call(index: int, name: str, arguments: str) -> list[bytes]:
    entry: dict[str, object] = {"index": index, "id": f"call_{index}", "type": "function"}
    first = {**entry, "function": {"name": name, "arguments": ""}}
    pieces = [arguments[at : at + 4] for at in range(0, len(arguments), 4)]
    rest = [{"index": index, "function": {"arguments": piece}} for piece in pieces]
    return [_chunk({"tool_calls": [one]}) for one in (first, *rest)]


def _response(*frames: bytes) -> bytes:
    body = b"".join((*frames, b"data: [DONE]\n\n"))
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


_TEXT = [_chunk({"content": "word "})] * WORDS
_CALLS = [*_call(0, "look_up", '{"city": "Lisbon"}'), *_call(1, "count", '{"numbers": [1, 2, 3]}')]
_ASKS = _response(*_TEXT, *_CALLS, _chunk({}, "tool_calls"))
_ANSWER = _response(*_TEXT, _chunk({}, "stop"))


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
            body = await reader.readexactly(int(length.partition(b":")[2]))
            rounds = sum(message["role"] == "assistant" for message in json.loads(body)["messages"])
            writer.write(_ASKS if rounds < ROUNDS else _ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving() -> Iterator[str]:
    """Run the server in a process of its own; give its URL."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.tools", SERVE], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # it was asked for
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def main() -> int:
    """Measure, and show it beside the target; 1 if nothing can be counted. A figure that falls short is no failure."""
    with serving() as url:
        ratios = sorted(asyncio.run(measure(url)))
        print(f"P12 CPU: {statistics.median(ratios):.2f}x, single turns from {ratios[0]:.2f}x to {ratios[-1]:.2f}x")
        try:
            counts = count_rounds(url)
        except CannotCount as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    for way, counted in counts.items():
        print(f"P12 instructions of a round {way}: {counted / 1e6:.3f}M")
    ratio = counts["by itself"] / counts["by hand"]
    print(f"P12 by itself / by hand: {ratio:.3f}x, at most {LIMIT}x: {'pass' if ratio <= LIMIT else 'short'}")
    return 0


if __name__ == "__main__":
    if SERVE in sys.argv[1:]:
        asyncio.run(_serve())
    else:
        sys.exit(main())
