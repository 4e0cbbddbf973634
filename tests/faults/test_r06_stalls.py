"""R6: "stall before headers / after headers / mid-event / comments only x 3 deadlines: timeout error within the
deadline + 0.2 s".

In each cell one deadline is short and the others are longer, and it is known which of them must end the stream: the
response deadline is over once the headers are there, and the one between events begins there. Elapsed time is what is
tested; it is the best of three, as a loaded machine is late now and then.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import pytest
from assistants_wire import chunk, run
from chat_folds import delta
from cut_streams import open_stream
from raw_server import Exchange, raw_server
from response_folds import life
from scripted import End, Step, answer_of, play
from wire_reading import PROTOCOLS, Protocol

from asyncstream import APITimeoutError, AsyncClient, StreamTimeoutError, Timeout

SHORT = 0.15
"""Seconds of the deadline that is tested."""
LONG = 0.4
LONGEST = 5.0
LATE = 0.2
"""Seconds by which an error may come late."""

FIRST = {"assistants": run("created"), "chat": delta(content="Hel"), "responses": life("created")}
SECOND = {"assistants": run("completed"), "chat": delta(content="lo"), "responses": life("completed")}


WHERE = (
    "before the headers",
    "in the headers",
    "after the headers",
    "mid-event",
    "comments only",
    "frames without data",
    "half an event, byte by byte",
)


def stall(where: str, protocol: Protocol) -> list[Step]:
    """Return the script of a server that stops somewhere, or that never stops and says nothing."""
    whole = answer_of(FIRST[protocol] + SECOND[protocol], "chunked")
    first = whole.wire_at(len(FIRST[protocol]))
    steps: dict[str, list[Step]] = {
        "before the headers": [],
        "in the headers": [whole.wire[: whole.head - 9]],
        "after the headers": [whole.wire[: whole.head]],
        "mid-event": [whole.wire[: first + 50]],
        "comments only": [whole.wire[: whole.head], *[chunk(b": waiting\n\n"), 0.01] * 200],
        "frames without data": [whole.wire[: first + 2], *[chunk(b"event: ping\n\nretry: 9\n\nid: 1\n\n"), 0.01] * 200],
        "half an event, byte by byte": [whole.wire[: first + 2], chunk(b"data: {"), *[chunk(b" "), 0.01] * 200],
    }
    return [*steps[where], End.STAY]


class Cell(NamedTuple):
    """Which deadline is short, and which error it must be after how long."""

    timeout: Timeout
    kind: type[APITimeoutError]
    seconds: float
    says: str


def cells(where: str) -> list[Cell]:
    response = Timeout(response=SHORT, event=LONG, total=LONGEST)
    event = Timeout(response=LONG, event=SHORT, total=LONGEST)
    total = Timeout(response=LONG, event=LONG, total=SHORT)
    if where in ("before the headers", "in the headers"):
        return [
            Cell(response, APITimeoutError, SHORT, "within 0.15 s"),
            Cell(event, APITimeoutError, LONG, "within 0.4 s"),
            Cell(total, APITimeoutError, SHORT, "within the total of 0.15 s"),
        ]
    return [
        Cell(response, StreamTimeoutError, LONG, "no event within 0.4 s"),
        Cell(event, StreamTimeoutError, SHORT, "no event within 0.15 s"),
        Cell(total, StreamTimeoutError, SHORT, "total"),
    ]


async def fail_in_time(attempt: Callable[[], Awaitable[float]], deadline: float) -> float:
    """Make an attempt that times out, and again if it was late; return by how much the best was late."""
    late = LATE
    for _ in range(3):
        if late >= LATE:
            late = await attempt() - deadline
    assert -0.01 <= late < LATE
    return late


async def read_until_it_fails(where: str, protocol: Protocol, cell: Cell) -> float:
    """Read a stalling answer, and return the seconds until the error."""

    async def serve(exchange: Exchange) -> None:
        await play(exchange, stall(where, protocol))

    async with (
        raw_server(serve) as server,
        AsyncClient(api_key="k", base_url=server.url, timeout=cell.timeout) as client,
    ):
        seen = 0
        started = time.monotonic()
        with pytest.raises(APITimeoutError, match=cell.says) as caught:
            async with open_stream(client, protocol) as stream:
                async for _ in stream:
                    seen += 1
        seconds = time.monotonic() - started
        await server.all_closed()

    assert cell.kind is type(caught.value)
    assert seen == (where in ("mid-event", "frames without data", "half an event, byte by byte"))
    assert 1 == len(server.requests)
    if isinstance(caught.value, StreamTimeoutError):
        assert (200, "req_1", seen) == (caught.value.status, caught.value.request_id, caught.value.events_seen)
    return seconds


@pytest.mark.faults
@pytest.mark.parametrize("where", WHERE)
async def test_a_stall_is_a_timeout_in_time(where):
    matrix = [(protocol, cell) for protocol in PROTOCOLS for cell in cells(where)]
    late = await asyncio.gather(
        *(fail_in_time(partial(read_until_it_fails, where, *pair), pair[1].seconds) for pair in matrix)
    )
    print(f"\nR6 {where}: {len(late)} cases, at most {max(late) * 1000:.0f} ms late")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("timeout", "says"),
    [
        (Timeout(connect=SHORT, response=LONG, event=LONG), "no connection to .* within 0.15 s"),
        (Timeout(connect=LONG, response=SHORT, event=LONG), "no response .* within 0.15 s"),
        (Timeout(connect=LONG, response=LONG, total=SHORT), "within the total of 0.15 s"),
    ],
    ids=["connect", "response", "total"],
)
async def test_a_stall_in_the_handshake_is_a_timeout_in_time(timeout, says):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listener:
        url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"

        async def attempt(protocol: Protocol) -> float:
            started = time.monotonic()
            async with AsyncClient(api_key="k", base_url=url, timeout=timeout, max_retries=0) as client:
                with pytest.raises(APITimeoutError, match=says) as caught:
                    async with open_stream(client, protocol):
                        pass
                seconds = time.monotonic() - started
            assert type(caught.value) is APITimeoutError
            return seconds

        await asyncio.gather(*(fail_in_time(partial(attempt, protocol), SHORT) for protocol in PROTOCOLS))
