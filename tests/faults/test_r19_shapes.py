"""R19: "texts that make a search run away: error bodies that our own limit cuts; `Retry-After` of 8,000 digits; 16,000
calls with ids and without index in one event": "the event loop never stops for more than 0.2 s; time linear in the
bytes". And what stops it by its number: events to mend, comments, frames without data, payload lines, read at once.
"""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from fed_streams import fed_assistants, fed_chat
from loop_stops import MOST, Stops, one_pass, passes, seconds
from raw_server import Exchange, raw_server, response
from relayed_wire import HEAD

from asyncstream import AsyncClient
from asyncstream.errors import APIStatusError, AsyncStreamError
from asyncstream.relay.following.follow import follow
from asyncstream.server.forms import read_form
from asyncstream.server.problems import WireError
from asyncstream.transport.retry import server_delay

SIZE = 1_000_000

CHAT_END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
ASSISTANTS_END = b"event: done\ndata: [DONE]\n\n"


def times(unit: bytes, size: int) -> bytes:
    return unit * (size // len(unit))


def calls(size: int) -> bytes:
    """One event with calls that have ids and no index: 16,000 in 1.2 MB."""
    named = (
        b'{"id":"call_%d","type":"function","function":{"name":"f","arguments":"{}"}}' % number
        for number in range(size // 62)
    )
    return b'data: {"choices":[{"index":0,"delta":{"tool_calls":[' + b",".join(named) + b"]}}]}\n\n"


CHAT: dict[str, Callable[[int], bytes]] = {
    "usual events": lambda size: times(b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n', size),
    "an index that is text": lambda size: times(b'data: {"choices":[{"index":"0"}]}\n\n', size),
    "halves of pairs": lambda size: times(b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n', size),
    "one choice, content in parts": lambda size: times(
        b'data: {"choices":{"delta":{"content":[{"type":"text","text":5}]}}}\n\n', size
    ),
    "comments": lambda size: times(b":\n\n", size),
    "comments in one frame": lambda size: times(b":\n", size) + b"\n",
    "blank lines": lambda size: times(b"\n", size),
    "frames without data": lambda size: times(b"event:x\n\n", size),
    "empty data": lambda size: times(b"data:\n\n", size),
    "objects that say nothing": lambda size: times(b"data:{}\n\n", size),
    "payload lines": lambda size: times(b'data:{"choices":[{}]}\n', size) + b"\n",
    "payload lines to mend": lambda size: times(b'data:{"choices":[{"index":"0"}]}\n', size) + b"\n",
    "payload lines that say nothing": lambda size: times(b"data:{}\n", size) + b"\n",
    "numbers after a payload": lambda size: b"data:{}\n" + times(b"data:1\n", size) + b"\n",
    "a list of payloads": lambda size: b"data: [" + times(b'{"choices":[{}]},', size) + b"{}]\n\n",
    "json on many lines": lambda size: b'data: {"choices":[{}],"x":[\n' + times(b"data:1,\n", size) + b"data: 1]}\n\n",
    "lines without a value": lambda size: times(b"data\n", size) + b"\n",
    "errors without a value": lambda size: times(b"error\n", size) + b"\n",
    "calls in one event": calls,
    "choices in one event": lambda size: b'data: {"choices":[' + times(b"{},", size) + b"{}]}\n\n",
    "choices to mend in one event": lambda size: b'data: {"choices":[' + times(b'{"index":"0"},', size) + b"{}]}\n\n",
    "a text to mend": lambda size: (
        b'data: {"choices":[{"index":"0","delta":{"content":"' + times(b"a\\ud83d ", size) + b'"}}]}\n\n'
    ),
    "brackets at the limit": lambda size: b'data: {"choices":[' + b"[" * 120 + times(b"[[[]]]", size) + b"\n\n",
    "an unended string of quotes": lambda size: b"data: [" + b"[]," * 129 + b'"' + times(b'\\"', size) + b"\n\n",
    "an error of addresses": lambda size: (
        b'data: {"error":{"message":"' + times(b"key=abcd http://a.b/c ", size) + b'"}}\n\n'
    ),
    "a page": lambda size: times(b"<p>a</p>\n", size),
}
"""Bodies of a chat answer; what follows them is its end."""

CUT: dict[str, Callable[[int], bytes]] = {
    "payload lines": lambda size: times(b'data:{"choices":[{}]}\n', size) + b"data: {",
    "numbers": lambda size: times(b"data:1\n", size) + b"data: {",
}
"""Bodies whose last frame is cut."""

ASSISTANTS: dict[str, Callable[[int], bytes]] = {
    "texts that are numbers": lambda size: times(
        b'event: thread.message.delta\ndata: {"id":5,"delta":{"content":{"text":{"value":7}}}}\n\n', size
    ),
    "events nobody knows": lambda size: times(b"event: x\ndata: {}\n\n", size),
    "payload lines": lambda size: b"event: thread.message.delta\n" + times(b'data:{"id":"m"}\n', size) + b"\n",
}

Open = Callable[[bytes], Any]


async def read(open_stream: Open, body: bytes, look: str) -> float:
    """Read a stream; return the longest stop of the loop, in CPU seconds."""
    stream = open_stream(body)
    async with Stops() as stops:
        try:
            async with stream:
                if look == "events":
                    await stream.until_done()
                else:
                    async for _ in stream.changes:
                        pass
        except AsyncStreamError:
            pass
    return stops.longest


async def longest_stop(open_stream: Open, body: bytes, look: str) -> float:
    """The passes of the longest stop, at its best of three; the later ones only where the first says something."""
    best = float("inf")
    for _ in range(3):
        best = min(best, await read(open_stream, body, look) / one_pass())
        if best < MOST / 2:
            break
    return best


BODIES = [
    *(pytest.param(fed_chat, make, CHAT_END, id=f"chat-{name}") for name, make in CHAT.items()),
    *(pytest.param(fed_chat, make, b"", id=f"cut-{name}") for name, make in CUT.items()),
    *(pytest.param(fed_assistants, make, ASSISTANTS_END, id=f"assistants-{name}") for name, make in ASSISTANTS.items()),
]


@pytest.mark.faults
@pytest.mark.parametrize("look", ["events", "changes"])
@pytest.mark.parametrize(("fed", "make", "end"), BODIES)
async def test_loop_goes_on_while_a_body_that_came_at_once_is_read(fed, make, end, look):
    body = make(SIZE) + end

    assert await longest_stop(lambda body: fed([body]), body, look) < MOST


@pytest.mark.faults
@pytest.mark.parametrize(("fed", "make", "end"), BODIES)
def test_four_times_as_many_bytes_take_four_times_as_long(fed, make, end):
    def spent(size: int) -> float:
        body = make(size) + end

        async def run() -> None:
            try:
                async with fed([body]) as stream:
                    await stream.until_done()
            except AsyncStreamError:
                pass

        return seconds(lambda: asyncio.run(run()))

    spent(SIZE // 20)
    # The machine's speed drifts: one good round of five is enough, and what grows with the square has none.
    assert min(spent(SIZE // 2) / spent(SIZE // 8) for _ in range(5)) < 8


@pytest.mark.faults
@pytest.mark.parametrize("name", ["usual events", "an index that is text", "comments", "payload lines", "empty data"])
async def test_loop_goes_on_while_a_compressed_body_is_read(name):
    body = gzip.compress(CHAT[name](4 * SIZE) + CHAT_END)
    assert len(body) < SIZE / 10

    async def answer(exchange: Exchange) -> None:
        head = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
        await exchange.send(response(200, body, head))

    async with raw_server(answer) as server, AsyncClient(base_url=server.url, api_key="k") as client:
        stop = await longest_stop(lambda _: client.chat.completions.stream(model="m", messages=[]), b"", "events")
    assert stop < MOST


@pytest.mark.faults
@pytest.mark.parametrize("name", ["an index that is text", "comments", "payload lines", "frames without data"])
async def test_loop_goes_on_while_a_relay_is_followed(name):
    body = CHAT[name](SIZE) + b"id: 1\nevent: done\ndata: [DONE]\n\n"

    async def answer(exchange: Exchange) -> None:
        await exchange.send(HEAD + b"Connection: close\r\n\r\n" + body)
        exchange.fin()

    async with raw_server(answer) as server:
        best = float("inf")
        for _ in range(3):
            async with Stops() as stops:
                async for _ in follow(server.url, protocol="chat"):
                    pass
            best = min(best, stops.longest / one_pass())
    assert best < MOST


@pytest.mark.faults
@pytest.mark.parametrize("status", [400, 422, 429, 500])
@pytest.mark.parametrize(
    "repeated",
    ['{"a":"\\"[{"}', "[[[[]]]]", "http://a.b/c ", "key=abcdef ", '"', "\\", "a", "<p>"],
)
async def test_error_body_that_our_limit_cuts_does_not_stop_the_loop(status, repeated):
    told = json.dumps({"error": {"message": "no", "request": repeated * (2_500_000 // len(repeated))}}).encode()

    async def answer(exchange: Exchange) -> None:
        await exchange.send(response(status, told))

    async with raw_server(answer) as server, AsyncClient(base_url=server.url, api_key="k", max_retries=0) as client:
        best = float("inf")
        for _ in range(3):
            async with Stops() as stops:
                with pytest.raises(APIStatusError):
                    await client.files.list()
            best = min(best, stops.longest / one_pass())
            if best < MOST / 2:
                break
    assert best < MOST


@pytest.mark.faults
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens"])
@pytest.mark.parametrize("value", ["1" * 8000 + "x", "1." * 4000, "1h" * 4000 + "x", " " * 8000, "Mon, " * 1600])
def test_long_waits_that_are_asked_for_are_judged_at_once(name, value):
    headers = {name: value, "x-ratelimit-remaining-tokens": "0"}

    assert passes(lambda: server_delay(headers, now=0.0, status=429)) < MOST / 100


@pytest.mark.faults
@pytest.mark.parametrize("part", [b"", b'Content-Disposition: form-data; name="x"', b'a: "' + b"\\" * 2000])
def test_form_of_many_parts_is_refused_at_once(part):
    form = times(b"--b\r\n" + part + b"\r\n\r\n\r\n", SIZE) + b"--b--"

    def take() -> None:
        with pytest.raises(WireError):
            read_form(form, "multipart/form-data; boundary=b")

    assert passes(take) < MOST
