"""A program follows what pages read: parts as dicts, over broken connections, to an end that says how it came."""

from typing import Any

import pytest
from feeds import read
from raw_server import raw_server
from relayed_wire import Cut, Relay
from served_log import serving
from upstream_wire import HELLO_CHAT, chunk_frame, upstream

from asyncstream.errors import StreamDecodeError, StreamInterruptedError
from asyncstream.relay import Entry, RunLog, follow
from asyncstream.relay.pages import ui_messages

PROTOCOLS: list[Any] = ["ui-messages", "ag-ui"]
each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)

PARTS = [
    b'{"type":"start","messageId":"m"}',
    b'{"type":"text-start","id":"1"}',
    b'{"type":"text-delta","id":"1","delta":"Hi"}',
    b'{"type":"text-end","id":"1"}',
    b'{"type":"finish","finishReason":"stop"}',
]


def relayed(*parts: bytes, cuts: list[Cut] | None = None) -> Relay:
    entries = [Entry(number, "", part) for number, part in enumerate(parts, 1)]
    return Relay(entries, cuts or [], greeting=b"", encode=ui_messages().entry)


async def followed(url: str, protocol: Any, **options: Any) -> list[dict[str, Any]]:
    async with follow(url, protocol=protocol, **options) as parts:
        return [part async for part in parts]


@each_protocol
async def test_a_run_of_a_log_is_followed_to_its_end(protocol: Any) -> None:
    async with upstream(HELLO_CHAT) as model, RunLog() as log:
        await log.start("run-1", model.chat(), view=protocol)
        async with serving(log) as url:
            parts = await followed(f"{url}/runs/run-1", protocol)

    assert ["Hel", "lo"] == [part["delta"] for part in parts if "delta" in part]
    assert (
        ("start", "finish")
        if protocol == "ui-messages"
        else ("RUN_STARTED", "RUN_FINISHED")
        == (
            parts[0]["type"],
            parts[-1]["type"],
        )
    )


@each_protocol
async def test_an_answer_that_broke_off_ends_with_the_part_that_says_so(protocol: Any) -> None:
    async with upstream([chunk_frame("Half")]) as model, RunLog() as log:
        await log.start("run-1", model.chat(), view=protocol)
        await read(log, "run-1")
        async with serving(log) as url:
            parts = await followed(f"{url}/runs/run-1", protocol)

    assert parts[-1]["type"] in ("error", "RUN_ERROR")


async def test_a_connection_that_breaks_is_made_anew_and_each_part_comes_once() -> None:
    size = len(b"".join(ui_messages().entry(Entry(1, "", part)) for part in PARTS[:2]))
    relay = relayed(*PARTS, cuts=[Cut(size + 5), Cut(3, "rst")])
    async with raw_server(relay) as server:
        parts = await followed(server.url, "ui-messages")

    assert ["start", "text-start", "text-delta", "text-end", "finish"] == [part["type"] for part in parts]
    assert [None, "2", "2"] == relay.asked


@pytest.mark.parametrize("how", ["end", "fin"])
async def test_an_end_without_its_last_part_is_an_error(how: Any) -> None:
    relay = relayed(*PARTS[:3], cuts=[Cut(10_000, how)] * 3)
    async with raw_server(relay) as server:
        with pytest.raises(StreamInterruptedError):
            await followed(server.url, "ui-messages", max_reconnects=0)


@pytest.mark.parametrize("data", [b"[DONE]", b"what?", b"[]", b'{"kind":"start"}'])
async def test_what_is_no_part_is_an_error(data: bytes) -> None:
    async with raw_server(relayed(PARTS[0], data)) as server:
        with pytest.raises(StreamDecodeError):
            await followed(server.url, "ui-messages")


async def test_a_long_part_is_one() -> None:
    long = b'{"type":"file","url":"data:image/png;base64,%b","mediaType":"image/png"}' % (b"A" * 400_000)
    async with raw_server(relayed(PARTS[0], long, PARTS[-1])) as server:
        parts = await followed(server.url, "ui-messages")

    assert 400_022 == len(parts[1]["url"])
