"""Content on its way down: in memory, in pieces, to a path; and what is left of it when it breaks off."""

import asyncio
import io
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from raw_server import Exchange, RawServer, raw_server

from asyncstream.client import AsyncClient
from asyncstream.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    ConfigurationError,
    NotFoundError,
)
from asyncstream.streaming import file_content
from asyncstream.transport.timeout import Timeout

CONTENT = bytes(range(256)) * 12288
"""3 MiB: more than one block of a written file."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nX-Request-Id: req_1\r\nContent-Length: %d\r\n\r\n"


async def whole(exchange: Exchange) -> None:
    await exchange.send(HEAD % len(CONTENT) + CONTENT)


async def cut(exchange: Exchange) -> None:
    await exchange.send(HEAD % len(CONTENT) + CONTENT[:100_000])
    exchange.fin()


@asynccontextmanager
async def talk(
    handler: Callable[[Exchange], Awaitable[None]] = whole, **options: Any
) -> AsyncIterator[tuple[AsyncClient, RawServer]]:
    async with raw_server(handler) as server, AsyncClient(api_key="k", base_url=server.url, **options) as client:
        yield client, server


async def test_awaiting_gives_all_of_it() -> None:
    async with talk() as (client, server):
        got = await client.files.content("file_1")

    assert got == CONTENT
    assert isinstance(got, bytes)
    assert server.requests[0].target == "/files/file_1/content"
    assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_all_of_it_has_the_names_that_openai_python_gives_it() -> None:
    got = file_content.FileContent("ü".encode() + b"\xff")

    assert got.read() == got.content == b"\xc3\xbc\xff"
    assert got.text == "ü\ufffd"


async def test_entering_gives_it_in_pieces() -> None:
    pieces = []
    async with talk() as (client, server):
        async with client.files.content("file_1") as stream:
            assert (stream.status, stream.request_id, stream.size, stream.received) == (200, "req_1", len(CONTENT), 0)
            assert stream.headers["content-type"] == "application/octet-stream"
            async for piece in stream:
                pieces.append(piece)
            assert stream.received == len(CONTENT)
            assert [piece async for piece in stream] == []
        await client.files.content("file_1")

    assert b"".join(pieces) == CONTENT
    assert max(map(len, pieces)) <= 1 << 18
    assert server.connections == 1


async def test_a_stream_can_be_begun_in_pieces_and_taken_whole() -> None:
    async with talk() as (client, _):
        async with client.files.content("file_1") as stream:
            first = await anext(aiter(stream))

            assert first + await stream.read() == CONTENT


async def test_leaving_early_closes_the_connection() -> None:
    async def flood(exchange: Exchange) -> None:
        await exchange.send(HEAD % (1 << 40))
        await exchange.flood()

    async with talk(flood) as (client, server):
        async with client.files.content("file_1") as stream:
            async for _ in stream:
                break
        await server.all_closed()


async def test_nothing_is_sent_before_it_is_asked_for() -> None:
    async with talk() as (client, server):
        request = client.files.content("file_1")
        with pytest.raises(ConfigurationError, match="file_id"):
            client.files.content("../x")

        assert repr(request) == "ContentRequest(Request(GET /files/file_1/content))"
    assert server.connections == 0


async def test_a_request_can_be_used_again_but_not_entered_twice_at_once() -> None:
    async with talk() as (client, server):
        request = client.files.content("file_1")
        assert await request == await request
        async with request:
            with pytest.raises(ConfigurationError, match="open already"):
                async with request:
                    pass
        async with request as stream:
            assert await stream.read() == CONTENT

    assert len(server.requests) == 4


# To a path.


async def test_a_path_has_all_of_it(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []

    async with talk() as (client, _):
        written = await client.files.content("file_1").write_to(
            tmp_path / "out.bin", on_progress=lambda received, size: told.append((received, size))
        )

    assert written == len(CONTENT)
    assert (tmp_path / "out.bin").read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["out.bin"]
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(told) == told


async def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    async with talk() as (client, _):
        await client.files.content("file_1").write_to(str(tmp_path / "out.bin"))

    assert (tmp_path / "out.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("before", [None, b"before"])
async def test_a_download_that_breaks_off_leaves_what_was_there(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "out.bin"
    if before is not None:
        path.write_bytes(before)

    async with talk(cut) as (client, _):
        with pytest.raises(APIConnectionError, match=rf"broke off after \d+ of {len(CONTENT)} bytes"):
            await client.files.content("file_1").write_to(path)

    assert os.listdir(tmp_path) == ([] if before is None else ["out.bin"])
    assert before is None or path.read_bytes() == before


async def test_a_replaced_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_bytes(b"before")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)

    async with talk() as (client, _):
        await client.files.content("file_1").write_to(tmp_path / "link")

    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (tmp_path / "link").is_symlink()


async def test_what_is_no_regular_file_is_written_to() -> None:
    async with talk() as (client, _):
        assert await client.files.content("file_1").write_to("/dev/null") == len(CONTENT)


async def test_an_open_file_is_written_to_and_left_open() -> None:
    file = io.BytesIO()
    async with talk() as (client, _):
        await client.files.content("file_1").write_to(file)

    assert file.getvalue() == CONTENT


async def test_a_path_that_cannot_be_written_is_its_oserror(tmp_path: Path) -> None:
    async with talk() as (client, server):
        with pytest.raises(FileNotFoundError):
            await client.files.content("file_1").write_to(tmp_path / "none" / "out.bin")
        await server.all_closed()


# Failures.


async def test_a_missing_file_is_its_error_in_every_use(tmp_path: Path) -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(404, b'{"error":{"message":"No such File object: file_1","param":"id"}}')

    async with talk(refuse) as (client, _):
        with pytest.raises(NotFoundError, match="No such File object"):
            await client.files.content("file_1")
        with pytest.raises(NotFoundError):
            await client.files.content("file_1").write_to(tmp_path / "out")
        with pytest.raises(NotFoundError):
            async with client.files.content("file_1"):
                pass

    assert os.listdir(tmp_path) == []


async def test_the_request_is_retried_and_the_content_is_not() -> None:
    async def answer(exchange: Exchange) -> None:
        if exchange.number == 1:
            await exchange.reply(503, b"{}", retry_after_ms="1")
        else:
            await cut(exchange)

    async with talk(answer) as (client, server):
        with pytest.raises(APIConnectionError, match="broke off") as broken:
            await client.files.content("file_1")

    assert len(server.requests) == 2
    assert (broken.value.status, broken.value.request_id) == (200, "req_1")


async def test_a_cut_is_an_error_after_pieces_too() -> None:
    got = []
    async with talk(cut) as (client, server):
        async with client.files.content("file_1") as stream:
            with pytest.raises(APIConnectionError):
                async for piece in stream:
                    got.append(piece)
        await server.all_closed()

    assert CONTENT[:100_000].startswith(b"".join(got))


@pytest.mark.parametrize("timeout", [Timeout(response=0.1), Timeout(total=0.1)])
async def test_a_stalled_download_meets_the_deadline(timeout: Timeout) -> None:
    async def stall(exchange: Exchange) -> None:
        await exchange.send(HEAD % 10 + b"12345")
        await exchange.gone()

    async with talk(stall, timeout=timeout) as (client, server):
        with pytest.raises(APITimeoutError, match=r"within .*0\.1 s: 5 of 10 bytes came"):
            await client.files.content("file_1")
        await server.all_closed()


async def test_a_slow_download_is_not_a_stuck_one() -> None:
    async def slow(exchange: Exchange) -> None:
        await exchange.send(HEAD % 5)
        for _ in range(5):
            try:
                async with asyncio.timeout(0.1):
                    await asyncio.Event().wait()
            except TimeoutError:
                await exchange.send(b"x")

    async with talk(slow, timeout=Timeout(response=0.3)) as (client, _):
        assert await client.files.content("file_1") == b"xxxxx"


async def test_more_than_memory_should_hold_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_content, "_MAX_IN_MEMORY", 1 << 20)

    async with talk() as (client, server):
        with pytest.raises(APIResponseValidationError, match="expected at most 1 MiB"):
            await client.files.content("file_1")
        await server.all_closed()


async def test_a_cancelled_download_leaves_nothing(tmp_path: Path) -> None:
    stalled = asyncio.Event()

    async def stall(exchange: Exchange) -> None:
        await exchange.send(HEAD % len(CONTENT) + CONTENT[:-1])
        stalled.set()
        await exchange.gone()

    async with talk(stall) as (client, server):
        task = asyncio.create_task(client.files.content("file_1").write_to(tmp_path / "out"))
        await stalled.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.all_closed()

    assert os.listdir(tmp_path) == []
