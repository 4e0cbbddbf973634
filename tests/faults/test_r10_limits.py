"""R10: "gzip and deflate bombs, a body in a coding we did not ask for and cannot read, a 1 GB line; 1e6 events in one
chunk: bombs and line: limit error; coding: clear error; the events: all delivered; RSS growth < 64 MB each."

Each case has a client in a process of its own; the growth of its resident size is printed (run with `-s`).
"""

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from chat_folds import DONE, delta
from raw_server import Exchange, raw_server
from response_folds import life

from asyncstream import AsyncClient, StreamDecodeError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

GIGABYTE = 1 << 30
MOST = 64_000_000
"""Bytes by which the resident size may grow."""

CLIENT = Path(__file__).with_name("measured_client.py")
STREAM = "text/event-stream"
JSON = "application/json"
HELLO = delta(content="hello") * 3

Answer = Callable[[Exchange], Awaitable[None]]


@cache
def bomb(coding: str, begin: bytes) -> bytes:
    """Compress a beginning and a gigabyte of the letter x, of which one megabyte is really compressed."""
    bits = 31 if coding == "gzip" else 15
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    head = packer.compress(begin) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"x" * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (GIGABYTE >> 20)


def head(status: int, kind: str, *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {kind}", "x-request-id: req_1", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


def compressed(status: int, kind: str, coding: str, begin: bytes = b"") -> Answer:
    async def answer(exchange: Exchange) -> None:
        body = bomb(coding, begin)
        await exchange.send(head(status, kind, f"Content-Encoding: {coding}", f"Content-Length: {len(body)}"))
        await write(exchange, body)

    return answer


async def write(exchange: Exchange, body: bytes) -> None:
    try:
        await exchange.send(body)
        await exchange.gone()
    except ConnectionError:
        pass


def flood(kind: str, *fields: str, begin: bytes = b"", chunked: bool = False) -> Answer:
    """Answer with a gigabyte, or as much of it as the client takes."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(head(200, kind, *fields))
        piece = b"x" * (1 << 18)
        framed = b"%x\r\n%s\r\n" % (len(piece), piece)
        try:
            if begin:
                await exchange.send(b"%x\r\n%s\r\n" % (len(begin), begin) if chunked else begin)
            for _ in range(GIGABYTE // len(piece)):
                await exchange.send(framed if chunked else piece)
        except ConnectionError:
            pass
        exchange.fin()

    return answer


@asynccontextmanager
async def measured(call: str, answer: Answer, most: int = MOST) -> AsyncIterator[dict[str, Any]]:
    """Give what came of a call in a process of its own, whose server sends this answer."""

    async def handler(exchange: Exchange) -> None:
        if exchange.target.startswith("/case"):
            await answer(exchange)
        elif exchange.target.endswith("/responses"):
            await exchange.reply(200, life("completed"), Content_Type=STREAM)
        elif "/responses/" in exchange.target:
            await exchange.reply(200, b'{"id":"resp_1","object":"response","status":"completed","output":[]}')
        elif exchange.method == "POST":
            await exchange.reply(200, delta("stop", content="hello") + DONE, Content_Type=STREAM)
        else:
            await exchange.reply(200, b'{"id":"thread_1"}')

    async with raw_server(handler) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(CLIENT), call, server.url, stdout=asyncio.subprocess.PIPE
        )
        try:
            out, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0
    found = json.loads(out)
    yield found
    print(f"\n{call}: RSS +{found['growth'] / 1e6:.1f} MB, {found['error']}: {found.get('message', '')[:120]}")
    assert found["growth"] < most


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.faults
@pytest.mark.parametrize(
    ("coding", "begin"), [("gzip", b""), ("deflate", b"data: "), ("gzip", HELLO), ("deflate", HELLO)]
)
async def test_bomb_as_a_stream_is_stopped_at_the_limit_of_an_event(coding, begin):
    async with measured("stream", compressed(200, STREAM, coding, begin)) as found:
        assert found["error"] == "StreamDecodeError"
        assert "the limit is 16777216 bytes" in found["message"]
        assert (found["status"], found["request_id"]) == (200, "req_1")
        assert found["raw"] == 65_536
        assert found["seen"] == (3 if b"hello" in begin else 0)


@pytest.mark.faults
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_bomb_as_an_answer_is_stopped_at_the_limit_of_an_answer(coding):
    async with measured("answer", compressed(200, JSON, coding, b'{"id":"')) as found:
        assert found["error"] == "APIResponseValidationError"
        assert found["message"] == "expected at most 64 MiB, got more"
        assert (found["status"], found["request_id"], found["body"]) == (200, "req_1", 1 << 20)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("call", "coding", "status", "kind"), [("stream", "gzip", 404, JSON), ("answer", "deflate", 500, "text/html")]
)
async def test_bomb_as_an_error_is_that_error_with_the_beginning_of_its_body(call, coding, status, kind):
    async with measured(call, compressed(status, kind, coding)) as found:
        assert found["error"] == {404: "NotFoundError", 500: "InternalServerError"}[status]
        assert found["message"] == "x" * 500
        assert (found["status"], found["request_id"], found["body"]) == (status, "req_1", 1 << 20)


@pytest.mark.faults
async def test_bomb_of_another_type_in_place_of_a_stream_is_told():
    async with measured("stream", compressed(200, "text/html", "gzip")) as found:
        assert found["error"] == "APIResponseValidationError"
        assert found["message"] == "expected an event stream, got text/html (status 200)"
        assert found["body"] == 1 << 20


@pytest.mark.faults
@pytest.mark.parametrize(
    ("call", "coding"),
    [
        ("stream", "br"),
        ("answer", "br"),
        ("stream", "zstd"),
        ("answer", "zstd"),
        ("stream", "gzip, br"),
        ("answer", "x"),
    ],
)
async def test_coding_that_cannot_be_read_is_named_with_status_and_headers(call, coding):
    async def answer(exchange: Exchange) -> None:
        kind = STREAM if call == "stream" else JSON
        await exchange.reply(200, b"\x1b\x07\x00", Content_Type=kind, Content_Encoding=coding, X_Request_ID="req_1")

    async with measured(call, answer) as found:
        assert found["error"] == "APIResponseValidationError"
        assert f"in the coding {coding!r}" in found["message"]
        assert (found["status"], found["request_id"], found["body"]) == (200, "req_1", 3)
        assert found["headers"] == ["Content-Encoding", "Content-Length", "Content-Type", "X-Request-ID"]


@pytest.mark.faults
@pytest.mark.parametrize("coding", ["br", "x"])
async def test_error_in_a_coding_that_cannot_be_read_keeps_its_status(coding):
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(429, b"\x1b\x07\x00", Content_Encoding=coding, X_Request_ID="req_1")

    async with measured("stream", answer) as found:
        assert found["error"] == "RateLimitError"
        assert found["message"] == f"429 Said (its body is in the coding {coding!r}, which was not asked for)"
        assert (found["status"], found["request_id"]) == (429, "req_1")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("begin", "framing"),
    [(b"data: ", CHUNKED), (HELLO, CHUNKED), (b": ", f"Content-Length: {GIGABYTE * 2}"), (b"", "Connection: close")],
)
async def test_line_of_a_gigabyte_is_stopped_at_the_limit_of_an_event(begin, framing):
    async with measured("stream", flood(STREAM, framing, begin=begin, chunked=framing == CHUNKED)) as found:
        assert found["error"] == "StreamDecodeError"
        assert "the limit is 16777216 bytes" in found["message"]
        assert found["raw"] == 65_536
        assert found["seen"] == (3 if b"hello" in begin else 0)


@pytest.mark.faults
@pytest.mark.parametrize("framing", [CHUNKED, f"Content-Length: {GIGABYTE}", "Connection: close"])
async def test_answer_of_a_gigabyte_is_stopped_at_the_limit_of_an_answer(framing):
    async with measured("answer", flood(JSON, framing, begin=b'{"id":"', chunked=framing == CHUNKED)) as found:
        assert found["error"] == "APIResponseValidationError"
        assert found["message"] == "expected at most 64 MiB, got more"
        assert (found["status"], found["request_id"], found["body"]) == (200, "req_1", 1 << 20)


# Responses carry pictures, and repeat them: their limits are higher.


@pytest.mark.faults
@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_line_of_a_gigabyte_is_stopped_at_the_limit_of_an_event_of_a_response(coding):
    begin = life("created") + b"data: "
    answer = compressed(200, STREAM, coding, begin) if coding else flood(STREAM, CHUNKED, begin=begin, chunked=True)
    async with measured("response stream", answer, 4 * MOST) as found:
        assert found["error"] == "StreamDecodeError"
        assert "the limit is 67108864 bytes" in found["message"]
        assert (found["raw"], found["seen"]) == (65_536, 1)


@pytest.mark.faults
@pytest.mark.parametrize("coding", ["", "deflate"])
async def test_response_of_a_gigabyte_is_stopped_at_its_limit(coding):
    begin = b'{"object":"response","id":"'
    answer = compressed(200, JSON, coding, begin) if coding else flood(JSON, CHUNKED, begin=begin, chunked=True)
    async with measured("response", answer, 4 * MOST) as found:
        assert found["error"] == "APIResponseValidationError"
        assert found["message"] == "expected at most 128 MiB, got more"
        assert (found["status"], found["body"]) == (200, 1 << 20)


async def picture(exchange: Exchange) -> None:
    """Answer with a picture of 40 MB, as a whole response or as the last event of one."""
    item = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "QUJD" * 10_000_000}
    if exchange.method == "GET":
        whole = {"id": "resp_1", "object": "response", "status": "completed", "output": [item]}
        await exchange.reply(200, json.dumps(whole).encode())
    else:
        await exchange.reply(200, life("created", id="resp_1") + life("completed", [item]), Content_Type=STREAM)


@pytest.mark.faults
@pytest.mark.parametrize(("call", "seen"), [("response stream", 2), ("response", 1)])
async def test_picture_below_the_limit_is_no_trouble(call, seen):
    async with measured(call, picture, 6 * MOST) as found:
        assert (found["error"], found["seen"]) == (None, seen)


@pytest.mark.faults
async def test_a_client_has_a_limit_of_its_own_for_an_event_of_a_response():
    async with raw_server(picture) as server:
        async with AsyncClient(api_key="k", base_url=server.url, max_event_bytes=1 << 20) as client:
            with pytest.raises(StreamDecodeError, match="the limit is 1048576 bytes") as caught:
                async with client.responses.stream(model="m", input="") as stream:
                    await stream.until_done()
    assert (1, "resp_1", 65_536) == (caught.value.events_seen, stream.accumulator.response.id, len(caught.value.raw))


@pytest.mark.parametrize(
    "coding", [pytest.param("", marks=pytest.mark.faults), pytest.param("gzip", marks=pytest.mark.slow)]
)
async def test_a_million_events_in_one_chunk_are_all_delivered(coding):
    async def answer(exchange: Exchange) -> None:
        body = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n' * 1_000_000 + DONE
        body = gzip.compress(body, 1) if coding else body
        fields = [f"Content-Encoding: {coding}"] if coding else []
        await exchange.send(head(200, STREAM, CHUNKED, *fields) + b"%x\r\n" % len(body))
        await exchange.send(body)
        await exchange.send(b"\r\n0\r\n\r\n")

    async with measured("stream", answer) as found:
        assert found["error"] is None
        assert found["seen"] == 1_000_000


@pytest.mark.faults
@pytest.mark.parametrize(
    ("call", "field"),
    [
        ("stream", "X-Long: " + "x" * 100_000_000),
        ("answer", "x" * 100_000_000),
        pytest.param(
            "answer",
            "X: y\r\n" * 5_000_000,
            marks=pytest.mark.skipif(
                tuple(map(int, aiohttp.__version__.split(".")[:2])) < (3, 14),
                reason="aiohttp counts header fields since 3.14",
            ),
        ),
    ],
    ids=["field", "name", "fields"],
)
async def test_head_without_end_is_refused(call, field):
    async def answer(exchange: Exchange) -> None:
        try:
            await exchange.send(head(200, STREAM, field))
        except ConnectionError:
            pass
        exchange.fin()

    async with measured(call, answer) as found:
        assert found["error"] == "APIResponseValidationError"
        assert "cannot be read: " in found["message"]
