"""Files on their way up: whatever they are made of arrives whole, or fails as it should, over real connections."""

import asyncio
import email.parser
import email.policy
import io
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from raw_server import Exchange, RawServer, raw_server

from asyncstream.client import AsyncClient
from asyncstream.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
)
from asyncstream.transport.timeout import Timeout

LARGE = bytes(range(256)) * 4096
"""1 MiB, of which every byte value is a part."""


async def created(exchange: Exchange) -> None:
    await exchange.reply(200, b'{"id":"file_1","status":"processed"}')


@asynccontextmanager
async def talk(
    handler: Callable[[Exchange], Awaitable[None]] = created, **options: Any
) -> AsyncIterator[tuple[AsyncClient, RawServer]]:
    async with raw_server(handler) as server, AsyncClient(api_key="k", base_url=server.url, **options) as client:
        yield client, server


def form(exchange: Exchange) -> dict[str, tuple[str | None, str | None, bytes]]:
    """Read a form as another library does: name to (file name, media type, content)."""
    head = f"Content-Type: {exchange.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + exchange.body)
    parts: dict[str, tuple[str | None, str | None, bytes]] = {}
    for part in message.iter_parts():
        disposition = part["Content-Disposition"]
        assert disposition.content_disposition == "form-data"
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        parts[disposition.params["name"]] = (disposition.params.get("filename"), part["Content-Type"], content)
    return parts


async def upload(file: Any, **options: Any) -> tuple[str | None, str | None, bytes]:
    """Upload a file and return what the server got of it: name, media type, content."""
    async with talk() as (client, server):
        await client.files.create(file=file, purpose="assistants", **options)
    (request,) = server.requests
    return form(request)["file"]


async def pieces(*parts: Any) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


# What can be uploaded.


async def test_bytes_are_a_file_without_a_name() -> None:
    assert await upload(b"abc") == ("upload", "application/octet-stream", b"abc")
    assert await upload(bytearray(b"abc")) == ("upload", "application/octet-stream", b"abc")
    assert await upload(memoryview(b"abc")) == ("upload", "application/octet-stream", b"abc")


async def test_a_path_has_its_name_and_type(tmp_path: Path) -> None:
    path = tmp_path / "a report.json"
    path.write_bytes(LARGE)

    assert await upload(path) == ("a report.json", "application/json", LARGE)


async def test_a_file_object_has_the_name_of_its_path_and_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one two")
    with path.open("rb") as file:
        assert await upload(file) == ("a.txt", "text/plain", b"one two")
        assert not file.closed


async def test_a_file_object_is_sent_from_where_it_stands() -> None:
    file = io.BytesIO(b"one two")
    file.seek(4)

    assert (await upload(file))[2] == b"two"


async def test_a_file_object_at_its_end_is_no_empty_file() -> None:
    file = io.BytesIO()
    file.write(b"written, and not rewound")

    with pytest.raises(ConfigurationError, match="at its end, after 24 bytes"):
        await upload(file)


async def test_a_pipe_is_sent_as_it_comes() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as file:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(b"through a pipe")

        assert await upload(file) == ("upload", "application/octet-stream", b"through a pipe")


async def test_a_tuple_says_name_and_type() -> None:
    assert await upload(("a.json", b"{}")) == ("a.json", "application/json", b"{}")
    assert await upload(("a.json", b"{}", "text/x-own")) == ("a.json", "text/x-own", b"{}")
    assert await upload((None, io.BytesIO(b"x"), None)) == ("upload", "application/octet-stream", b"x")
    assert await upload(("a.csv", pieces(b"1,", b"2"))) == ("a.csv", "text/csv", b"1,2")


async def test_an_async_iterable_is_sent_in_chunks() -> None:
    async with talk() as (client, server):
        await client.files.create(file=pieces(b"one", bytearray(b""), memoryview(b"two")), purpose="assistants")
    (request,) = server.requests

    assert form(request)["file"][2] == b"onetwo"
    assert request.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in request.headers


async def test_what_is_read_asynchronously_is_read_to_its_end() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(LARGE)
    reader.feed_eof()

    assert await upload(("a.bin", reader)) == ("a.bin", "application/octet-stream", LARGE)


@pytest.mark.parametrize("make", [lambda: b"", io.BytesIO, pieces])
async def test_an_empty_file_is_one(make: Callable[[], Any]) -> None:
    assert (await upload(make()))[2] == b""


async def test_a_known_size_is_told() -> None:
    async with talk() as (client, server):
        await client.files.create(file=io.BytesIO(LARGE), purpose="assistants")
    (request,) = server.requests

    assert int(request.headers["content-length"]) == len(request.body) > len(LARGE)


async def test_fields_go_before_the_file_as_forms_spell_them() -> None:
    async with talk() as (client, server):
        await client.files.create(
            file=("ü.txt", b"x"),
            purpose="batch",
            expires_after={"anchor": "created_at", "seconds": 3600},
            extra_body={"tags": ["a", 1], "flag": True},
        )
    (request,) = server.requests
    parts = form(request)

    assert [name for name in parts if name != "tags[]"] == [
        "purpose",
        "expires_after[anchor]",
        "expires_after[seconds]",
        "flag",
        "file",
    ]
    assert parts["purpose"] == (None, None, b"batch")
    assert parts["expires_after[seconds]"] == (None, None, b"3600")
    assert parts["flag"] == (None, None, b"true")
    assert request.body.count(b'name="tags[]"') == 2
    assert 'filename="ü.txt"'.encode() in request.body
    assert "openai-beta" not in request.headers


async def test_no_other_media_type_replaces_that_of_the_form() -> None:
    async with talk(default_headers={"Content-Type": "application/json"}) as (client, server):
        await client.files.create(file=b"x", purpose="vision", extra_headers={"content-type": "text/plain"})
    (request,) = server.requests

    assert form(request)["file"][2] == b"x"


# What cannot be uploaded is found out before anything is sent.


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("a/path", "a str is no file"),
        (("a.txt", "text"), "a str is no file"),
        (None, "not NoneType"),
        (7, "not int"),
        ([b"a"], "not list"),
        (io.StringIO("text"), "text mode"),
        ((), "not of 0"),
        (("a", b"", "t", {}), "not of 4"),
        ((b"a", b""), "name in a file tuple must be a string, not bytes"),
        (("", b""), "must not be empty"),
        (("a\r\nX: y", b""), "no line break"),
        (("a\0", b""), "no line break"),
        (("a\ud800", b""), "no valid text"),
        (("a", b"", "text/plain\r\nX: y"), "no line break"),
        (("a", b"", 7), "type in a file tuple must be a string"),
    ],
)
async def test_what_is_no_file_is_refused(file: Any, why: str) -> None:
    async with talk() as (client, server):
        with pytest.raises(ConfigurationError, match=why):
            await client.files.create(file=file, purpose="assistants")

    assert server.connections == 0


@pytest.mark.parametrize("value", [None, float("nan"), object(), b"x", "\ud800", {"a": [None]}])
async def test_a_field_that_no_form_holds_is_refused_by_name(value: object) -> None:
    async with talk() as (client, server):
        with pytest.raises(ConfigurationError, match="form field 'extra"):
            await client.files.create(file=b"x", purpose="assistants", extra_body={"extra": value})

    assert server.connections == 0


async def test_a_missing_path_is_its_oserror_before_the_request(tmp_path: Path) -> None:
    async def no_key() -> str:
        raise AssertionError("nobody is to be asked for a key")

    async with raw_server(created) as server, AsyncClient(api_key=no_key, base_url=server.url) as client:
        with pytest.raises(FileNotFoundError) as missing:
            await client.files.create(file=tmp_path / "none.txt", purpose="assistants")
        with pytest.raises(IsADirectoryError):
            await client.files.create(file=tmp_path, purpose="assistants")
        with pytest.raises(FileNotFoundError):
            await client.vector_stores.files.upload("vs_1", file=tmp_path / "none.txt")

    assert missing.value.filename == str(tmp_path / "none.txt")
    assert server.connections == 0


# Progress.


async def test_progress_is_told_as_the_pieces_leave() -> None:
    told: list[tuple[int, int | None]] = []

    await upload(LARGE, on_progress=lambda sent, size: told.append((sent, size)))

    assert told == [(quarter * len(LARGE) // 4, len(LARGE)) for quarter in (1, 2, 3, 4)]


async def test_progress_may_be_awaited_and_not_know_the_size() -> None:
    told: list[tuple[int, int | None]] = []

    async def tell(sent: int, size: int | None) -> None:
        await asyncio.sleep(0)
        told.append((sent, size))

    await upload(pieces(b"ab", b"c"), on_progress=tell)

    assert told == [(2, None), (3, None)]


# Failures.


class Own(Exception):
    pass


async def test_what_the_callers_content_raises_comes_back_as_it_is() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"one"
        raise Own("in the middle")

    async with talk() as (client, server):
        with pytest.raises(Own, match="in the middle"):
            await client.files.create(file=broken(), purpose="assistants")
        await server.all_closed()

    assert server.requests == []


async def test_what_the_callers_callback_raises_comes_back_as_it_is() -> None:
    def refuse(sent: int, size: int | None) -> None:
        raise Own(f"at {sent}")

    async with talk() as (client, server):
        with pytest.raises(Own, match="at 262144"):
            await client.files.create(file=LARGE, purpose="assistants", on_progress=refuse)

    assert server.requests == []


async def test_a_piece_that_is_no_bytes_is_named() -> None:
    with pytest.raises(ConfigurationError, match="a piece of type str"):
        await upload(pieces("text"))


async def test_a_file_that_shrinks_while_it_is_sent_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(LARGE)

    def shrink(sent: int, size: int | None) -> None:
        os.truncate(path, sent)

    async with talk() as (client, server):
        with pytest.raises(ConfigurationError, match="changed while it was sent: expected 1048576 bytes, got 262144"):
            await client.files.create(file=path, purpose="assistants", on_progress=shrink)

    assert server.requests == []


async def test_a_file_that_grows_is_sent_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(LARGE)

    def grow(sent: int, size: int | None) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    assert (await upload(path, on_progress=grow))[2] == LARGE


async def test_what_the_server_refuses_is_its_error() -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(404, b'{"error":{"message":"no such purpose"}}')

    async with talk(refuse) as (client, _):
        with pytest.raises(NotFoundError, match="no such purpose"):
            await client.files.create(file=b"x", purpose="assistants")


async def test_an_answer_before_the_end_of_the_upload_is_the_answer() -> None:
    gone = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"error":{"message":"too large"}}'
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        while await reader.read(65536):
            pass
        writer.close()
        await writer.wait_closed()
        gone.set()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield LARGE

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with AsyncClient(api_key="k", base_url=url) as client, asyncio.timeout(10):
            with pytest.raises(APIStatusError, match="too large"):
                await client.files.create(file=endless(), purpose="assistants")
            await gone.wait()


# Again, where the content can be read again.


def failing_first(failures: int) -> Callable[[Exchange], Awaitable[None]]:
    async def answer(exchange: Exchange) -> None:
        if exchange.number <= failures:
            await exchange.reply(503, b"{}", retry_after_ms="1")
        else:
            await created(exchange)

    return answer


class Twice:
    """An iterable that gives a new iterator each time."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"abc"


@pytest.mark.parametrize("kind", ["bytes", "path", "file object", "iterable"])
async def test_what_can_be_read_again_is_sent_again(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    stands = io.BytesIO(b"..abc")
    stands.seek(2)
    file: Any = {"bytes": b"abc", "path": path, "file object": stands, "iterable": Twice()}[kind]

    async with talk(failing_first(2)) as (client, server):
        await client.files.create(file=file, purpose="assistants")

    assert [form(request)["file"][2] for request in server.requests] == [b"abc"] * 3
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 1


async def test_what_can_be_read_once_is_sent_once() -> None:
    async with talk(failing_first(1)) as (client, server):
        with pytest.raises(InternalServerError):
            await client.files.create(file=pieces(b"abc"), purpose="assistants")

    assert len(server.requests) == 1


async def test_what_can_be_read_once_is_tried_again_before_it_was_begun(unused_tcp_port: int) -> None:
    waits: list[float] = []

    async def sleep(delay: float) -> None:
        waits.append(delay)

    async with AsyncClient(api_key="k", base_url=f"http://127.0.0.1:{unused_tcp_port}") as client:
        client._transport._sleep = sleep
        with pytest.raises(APIConnectionError):
            await client.files.create(file=pieces(b"abc"), purpose="assistants")

    assert len(waits) == 2


@pytest.mark.parametrize("once", [True, False])
async def test_a_redirect_needs_content_that_can_be_read_again(once: bool) -> None:
    async def move(exchange: Exchange) -> None:
        if exchange.target == "/files":
            await exchange.reply(307, location="/files/")
        else:
            await created(exchange)

    async with talk(move) as (client, server):
        if once:
            with pytest.raises(APIStatusError, match="what was uploaded cannot be read again"):
                await client.files.create(file=pieces(b"abc"), purpose="assistants")
        else:
            await client.files.create(file=b"abc", purpose="assistants")
            assert form(server.requests[1])["file"][2] == b"abc"


# Deadlines.


async def test_a_slow_upload_is_not_a_stuck_one() -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(5):
            # Each piece comes within the deadline, all of them do not.
            try:
                async with asyncio.timeout(0.1):
                    await asyncio.Event().wait()
            except TimeoutError:
                yield b"x"

    async with talk(timeout=Timeout(response=0.3)) as (client, server):
        await client.files.create(file=slow(), purpose="assistants")

    assert form(server.requests[0])["file"][2] == b"xxxxx"


async def test_a_stuck_upload_meets_the_deadline() -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with talk(timeout=Timeout(response=0.1)) as (client, server):
        with pytest.raises(APITimeoutError, match="no response"):
            await client.files.create(file=stuck(), purpose="assistants")
        await server.all_closed()


async def test_a_cancelled_upload_closes_its_connection_and_its_generator() -> None:
    begun = asyncio.Event()
    closed = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        try:
            yield b"x"
            begun.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with talk() as (client, server):
        task = asyncio.create_task(client.files.create(file=stuck(), purpose="assistants"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            await closed.wait()
        await server.all_closed()


# Into a vector store.


async def test_an_upload_into_a_store_is_two_requests() -> None:
    async with talk() as (client, server):
        await client.vector_stores.files.upload(
            "vs_1", file=("a.txt", b"x"), attributes={"year": 2024}, extra_headers={"Idempotency-Key": "own"}
        )
    first, second = server.requests

    assert form(first)["purpose"][2] == b"assistants"
    assert (second.method, second.target) == ("POST", "/vector_stores/vs_1/files")
    assert second.body == b'{"file_id":"file_1","attributes":{"year":2024}}'
    assert first.headers["idempotency-key"] == "own" != second.headers["idempotency-key"]
    assert second.headers["openai-beta"] == "assistants=v2"
