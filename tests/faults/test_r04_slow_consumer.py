"""R4: "slow consumer (0.1 s an event), then a cut; 100 events: 100 of 100 delivered, then the error".

For each protocol, each framing, FIN and RST; and with more than the queue holds, when the connection is paused as it
is cut.
"""

import asyncio
import time

import pytest
import response_folds
from assistants_wire import run, text
from chat_folds import delta
from cut_streams import open_stream
from raw_server import Exchange, raw_server
from scripted import FRAMINGS, Answer, End, Framing, answer_of, play
from wire_reading import PROTOCOLS, Protocol

from asyncstream import AsyncClient, StreamInterruptedError, StreamTruncatedError
from asyncstream.transport import live

EVENTS = 100
LARGE = 40_000
"""Characters of an event of which 100 are more than the queue and the buffers of the client hold."""


def answer(protocol: Protocol, framing: Framing, size: int) -> Answer:
    """Make an answer of 100 events, whose framing promises more."""
    if protocol == "chat":
        frames = [delta(content="x" * size) for _ in range(EVENTS)]
    elif protocol == "responses":
        deltas = [response_folds.text("x" * size) for _ in range(EVENTS - 2)]
        frames = [response_folds.life("created"), response_folds.added("message", 0, id="m"), *deltas]
    else:
        frames = [run("created"), *(text("x" * size) for _ in range(EVENTS - 1))]
    return answer_of(b"".join(frames) + b": this is cut", framing)


async def consume(
    protocol: Protocol, framing: Framing, end: End, pause: float, size: int = 1, gate: asyncio.Event | None = None
) -> int:
    """Read an answer that is cut while the consumer is slow; return how many events came before the error."""
    whole = answer(protocol, framing, size)
    sent = asyncio.Event()

    async def serve(exchange: Exchange) -> None:
        await play(exchange, [whole.wire[: whole.wire_at(whole.body_at(len(whole.wire)) - 13)], end])
        sent.set()

    seen = 0
    async with raw_server(serve) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with open_stream(client, protocol) as stream:
            # All of it is sent, and the connection cut, before the first event is looked at.
            if gate is None:
                await sent.wait()
            expected = StreamTruncatedError if framing == "close" else StreamInterruptedError
            with pytest.raises((StreamInterruptedError, expected)) as caught:
                async for _ in stream:
                    seen += 1
                    await asyncio.sleep(pause)
    assert caught.value.events_seen == seen
    return seen


@pytest.mark.parametrize("end", [End.FIN, End.RST], ids=["fin", "rst"])
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_consumer_that_yields_gets_all_that_had_arrived(protocol, framing, end):
    assert EVENTS == await consume(protocol, framing, end, 0)


@pytest.mark.faults
async def test_a_consumer_of_a_tenth_of_a_second_an_event_gets_all_100():
    cases: list[tuple[Protocol, Framing, End, float]] = [
        (protocol, framing, end, 0.1) for protocol in PROTOCOLS for framing in FRAMINGS for end in (End.FIN, End.RST)
    ]
    begin = time.monotonic()
    seen = await asyncio.gather(*(consume(*case) for case in cases))
    print(f"\nR4: {sum(seen)} of {EVENTS * len(cases)} events delivered, {time.monotonic() - begin:.1f} s")

    assert [EVENTS] * len(cases) == seen


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_connection_that_was_paused_gives_all_that_was_sent_before_its_end(protocol, framing, monkeypatch):
    paused = asyncio.Event()
    monkeypatch.setattr(live, "QUEUE_HIGH", 64 * 1024)
    monkeypatch.setattr(live, "QUEUE_LOW", 32 * 1024)
    pause = live.LiveResponse._pause

    def noted(self: live.LiveResponse, on: bool) -> None:
        pause(self, on)
        paused.set()

    monkeypatch.setattr(live.LiveResponse, "_pause", noted)

    assert EVENTS == await consume(protocol, framing, End.FIN, 0, LARGE, paused)
    assert paused.is_set()
