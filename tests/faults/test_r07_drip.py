"""R7: "1 byte each 10 ms; 5 kB (500 B in CI): works".

Every byte of the answer, the head and the sizes of the chunks too, comes in a packet of its own. Each event is there
before the first byte of the next one.
"""

import asyncio
import socket
import time

import pytest
from assistants_wire import DONE
from chat_folds import DONE as CHAT_DONE
from chat_folds import delta
from cut_streams import open_stream, seen_of
from raw_server import Exchange, raw_server
from response_folds import life, text
from scripted import FRAMINGS, Framing, answer_of
from wire_reading import PROTOCOLS, Event, Protocol, read

from asyncstream import AsyncClient, Timeout

SHORT_CHAT = 'data: {"choices":[{"index":0,"delta":{"content":"é"},"finish_reason":null}]}\n\n'.encode()


def count(piece: bytes, end: bytes, size: int) -> int:
    # The head has 90 bytes or more.
    return -(-(size - 90 - len(end)) // len(piece))


def body(protocol: Protocol, size: int) -> bytes:
    """Make a complete stream that takes at least so many bytes on the wire, the head with them."""
    if protocol == "chat":
        end = delta("stop") + CHAT_DONE
        return SHORT_CHAT * count(SHORT_CHAT, end, size) + end
    if protocol == "responses":
        end = life("completed")
        return text("é") * count(text("é"), end, size) + end
    piece = b'event: thread.message.delta\ndata: {"id":"m","delta":{"content":[]}}\n\n'
    end = b'event: thread.run.completed\ndata: {"id":"r","status":"completed"}\n\n' + DONE
    return piece * count(piece, end, size) + end


async def drip(protocol: Protocol, framing: Framing, size: int, pause: float) -> int:
    """Read an answer that comes byte by byte; return how many bytes that were."""
    data = body(protocol, size)
    whole = answer_of(data, framing)
    expected = read(data, protocol).events
    sent = 0

    async def serve(exchange: Exchange) -> None:
        nonlocal sent
        exchange.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in whole.wire:
            sent += 1
            await exchange.send(bytes([byte]))
            await asyncio.sleep(pause)
        if framing == "close":
            exchange.fin()

    seen: list[Event] = []
    offsets: list[int] = []
    timeout = Timeout(response=30, event=30)
    async with raw_server(serve) as server, AsyncClient(api_key="k", base_url=server.url, timeout=timeout) as client:
        async with open_stream(client, protocol) as stream:
            async for event in stream:
                seen.append(seen_of(stream, event, protocol))
                offsets.append(whole.body_at(sent))
            assert stream.finished
    assert expected == seen
    if pause:
        # How much of the body was out when each event came: to its blank line, and a byte or two of what follows.
        starts = [read(data[:offset], protocol).events for offset in offsets]
        assert [number + 1 for number in range(len(seen))] == [len(events) for events in starts]
    return len(whole.wire)


async def run(size: int, pause: float) -> None:
    begin = time.monotonic()
    cases: list[tuple[Protocol, Framing]] = [(protocol, framing) for protocol in PROTOCOLS for framing in FRAMINGS]
    sizes = await asyncio.gather(*(drip(*case, size, pause) for case in cases))
    print(f"\nR7: {len(cases)} answers of {min(sizes)} to {max(sizes)} bytes, {time.monotonic() - begin:.1f} s")
    assert min(sizes) >= size


async def test_an_answer_byte_by_byte_works():
    await run(500, 0)


@pytest.mark.faults
async def test_an_answer_of_500_bytes_each_10_ms_works():
    await run(500, 0.01)


@pytest.mark.slow
async def test_an_answer_of_5_kilobytes_each_10_ms_works():
    await run(5000, 0.01)
