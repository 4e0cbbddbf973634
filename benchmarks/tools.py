"""`python -m benchmarks.tools`: what a round of a stream that runs its tools costs, beside the same loop by hand.

Both sides are asyncstream, ask the same server, in a process of its own, and call the same two functions in each of ten
rounds. By hand is what the README of openai-python shows: a stream, its message, the outputs, the next stream; it keeps
no book, tells nobody, and has no deadline. Only ratios of turns that follow each other are compared.

    python -m benchmarks.tools
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asyncstream import AsyncClient, Tools

__all__ = ["LIMIT", "by_hand", "by_itself", "main", "measure", "serving"]

LIMIT = 1.1
"""Of the CPU of the loop by hand."""

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
    """Do the same with a stream for each answer."""
    messages: Any = [{"role": "user", "content": "Go."}]
    functions: dict[str, Any] = {"look_up": look_up, "count": count}
    tools: Any = DEFINITIONS
    while True:
        async with client.chat.completions.stream(messages=messages, model="m", tools=tools) as stream:
            message = (await stream.get_final_completion()).choices[0].message
        messages.append(message.to_param())
        if not message.tool_calls:
            return message.content or ""
        outputs = await asyncio.gather(*(functions[call.name](**call.parse()) for call in message.tool_calls))
        for call, output in zip(message.tool_calls, outputs, strict=True):
            text = output if isinstance(output, str) else json.dumps(output)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": text})


async def measure(url: str, *, turns: int = 9, conversations: int = 5) -> list[float]:
    """Return how many times the CPU of the loop by hand the other takes, turn by turn; the first is the warm-up."""
    ratios: list[float] = []
    async with AsyncClient(api_key="any", base_url=url) as client:
        for _ in range(turns + 1):
            costs = []
            for converse in (by_itself, by_hand):
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
    """Measure, and show it beside the target."""
    with serving() as url:
        ratios = sorted(asyncio.run(measure(url)))
    middle = statistics.median(ratios)
    print(
        f"P12 a round of run_tools / the same loop by hand: {middle:.2f}x, from {ratios[0]:.2f}x to {ratios[-1]:.2f}x"
    )
    print(f"at most {LIMIT}x: {'pass' if middle <= LIMIT else 'short'}")
    return 0


if __name__ == "__main__":
    if SERVE in sys.argv[1:]:
        asyncio.run(_serve())
    else:
        sys.exit(main())
