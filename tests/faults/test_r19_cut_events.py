r"""R19: "an event of 35 kB to 1 MB (tool arguments: JSON within JSON, over 128 brackets, escaped quotes) cut at any
byte: the event loop never stops for more than 0.2 s".

Each cut is decoded as the end of a body is; some go through a whole stream, beside which the loop is watched. The full
size, 35 kB at every byte, 200 kB and 1 MB at every quote, backslash and bracket of three windows and at 2,000 random
places, takes 12 minutes and prints the longest stop of each sweep:

    .venv/bin/python -m pytest -n 2 -m slow -k r19 -rP
"""

import json
import time
from collections.abc import Iterable
from functools import cache, partial
from random import Random
from typing import Any

import pytest
from fed_streams import fed_assistants, fed_chat
from loop_stops import MOST, Stops, one_pass, seconds
from raw_server import Exchange, raw_server

from asyncstream import AsyncClient
from asyncstream.errors import StreamError, StreamTruncatedError
from asyncstream.events.decode import wire_of
from asyncstream.events.wire import decode_last_frame

SIZES = {"35 kB": 35_000, "200 kB": 200_000, "1 MB": 1_000_000}
WINDOW = 2_000


def arguments(kind: str, size: int) -> list[str]:
    """The arguments of tool calls, which are JSON that stands within JSON."""
    if kind == "json within json":
        row = {"id": 7, "name": "n", "tags": ["a", "b"], "patch": json.dumps({"old": 'a "b"', "new": ["c\n"]})}
        return [json.dumps({"path": "a.py", "rows": [row] * (size // 144)})]
    if kind == "brackets":
        # Outside of strings too.
        return ['[{"a":[]}]'] * (size // 110)
    return ['{"text":"' + "[]" * 200 + '\\\\\\"' * (size // 8)]


KINDS = ("json within json", "brackets", "escaped quotes")


@cache
def frame(protocol: str, kind: str, size: str) -> bytes:
    """One event, without its blank line."""
    calls = [
        {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": "write", "arguments": text}}
        for index, text in enumerate(arguments(kind, SIZES[size]))
    ]
    if protocol == "chat":
        choice = {"index": 0, "delta": {"tool_calls": calls}, "finish_reason": None}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        return b"data: " + json.dumps(chunk).encode()
    delta = {"step_details": {"type": "tool_calls", "tool_calls": calls}}
    step = {"id": "step_1", "object": "thread.run.step.delta", "delta": delta}
    return b"event: thread.run.step.delta\ndata: " + json.dumps(step).encode()


def hard_places(text: bytes, random: Random) -> list[int]:
    """Before and behind each quote, backslash and bracket of three windows."""
    places: set[int] = set()
    for start in (0, random.randrange(len(text) - WINDOW), len(text) - WINDOW):
        for place in range(start, start + WINDOW):
            if text[place] in b'"\\[]{}':
                places |= {place, place + 1}
    return sorted(places - {len(text)})


def judge(protocol: str, text: bytes, cuts: Iterable[int]) -> tuple[int, float]:
    """Decode a body that ends at each of some bytes; return how many there were, and the most passes that one took."""
    wire = wire_of(protocol)
    unit = one_pass()
    longest = 0.0
    count = 0

    def decode(cut: int) -> list[Any]:
        return [event for event in decode_last_frame(wire, text[:cut]) if event is not None]

    assert len(decode(len(text))) == 1
    for cut in cuts:
        count += 1
        start = time.thread_time()
        events = decode(cut)
        took = time.thread_time() - start
        assert events == [], f"cut at {cut} it gave events"
        if took > longest:
            # What the machine alone was slow at is quicker another time.
            longest = max(longest, min(took, seconds(partial(decode, cut)), seconds(partial(decode, cut))))
    return count, longest / unit


async def through_a_stream(protocol: str, text: bytes, cuts: Iterable[int]) -> float:
    """Read streams that break off at each of some bytes; return the longest stop of the loop, in passes."""
    unit = one_pass()
    longest = 0.0
    for cut in cuts:
        stops = []
        while len(stops) < 3 and (not stops or min(stops) > MOST * unit / 2):
            stream: Any = fed_chat([text[:cut]]) if protocol == "chat" else fed_assistants([text[:cut]])
            async with Stops() as watched, stream:
                with pytest.raises(StreamTruncatedError):
                    await stream.until_done()
            stops.append(watched.longest)
        longest = max(longest, min(stops))
    return longest / unit


def sampled(places: list[int], count: int, random: Random) -> list[int]:
    return random.sample(places, min(count, len(places)))


pytestmark = [
    pytest.mark.parametrize("protocol", ["chat", "assistants"]),
    pytest.mark.parametrize("kind", KINDS),
    pytest.mark.parametrize("size", SIZES),
]


@pytest.mark.faults
async def test_cut_event_does_not_stop_the_loop(protocol, kind, size):
    text = frame(protocol, kind, size)
    assert SIZES[size] < len(text) < SIZES[size] * 1.2
    assert text.count(b"[") + text.count(b"{") > 128
    random = Random(size + kind)
    few = {"35 kB": 300, "200 kB": 60, "1 MB": 20}[size]
    cuts = sampled(hard_places(text, random), few, random) + random.sample(range(len(text)), few)

    _, decoded = judge(protocol, text, cuts)
    streamed = await through_a_stream(protocol, text, cuts[: few // 4])

    assert decoded < MOST
    assert streamed < MOST


@pytest.mark.faults
@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_connection_that_breaks_in_an_event_does_not_stop_the_loop(protocol, kind, size, how):
    text = frame(protocol, kind, size)

    async def answer(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        await exchange.send(text[: len(text) * 9 // 10])
        getattr(exchange, how)()

    async with raw_server(answer) as server, AsyncClient(base_url=server.url, api_key="k") as client:
        stops = []
        while len(stops) < 3 and (not stops or min(stops) > MOST / 2):
            stream: Any = (
                client.chat.completions.stream(model="m", messages=[])
                if protocol == "chat"
                else client.threads.runs.stream("thread_1", assistant_id="asst_1")
            )
            async with Stops() as watched, stream:
                with pytest.raises(StreamError):
                    await stream.until_done()
            stops.append(watched.longest / one_pass())
    assert min(stops) < MOST


@pytest.mark.slow
async def test_event_cut_at_every_hard_place_does_not_stop_the_loop(protocol, kind, size):
    text = frame(protocol, kind, size)
    random = Random(size + kind)
    if size == "35 kB":
        cuts = list(range(len(text)))
    else:
        cuts = hard_places(text, random) + random.sample(range(len(text)), 2000)

    count, decoded = judge(protocol, text, cuts)
    streamed = await through_a_stream(protocol, text, sampled(cuts, 200, random))

    print(f"{protocol}, {kind}, {size}: {count} cuts, {decoded:.2f} passes, {streamed:.2f} in a stream")
    assert decoded < MOST
    assert streamed < MOST
