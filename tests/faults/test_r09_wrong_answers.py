"""R9: "wrong content type, empty body, 204, 200 + error: typed error with status, request id, body up to 1 MiB".

What answers a stream request and is no stream: for each protocol, over a socket. No case sends a second request or
leaves its connection open.
"""

import gzip
import json
from typing import Any, NamedTuple

import pytest
from assistants_wire import HELLO, STREAM_HEAD, chunk
from chat_folds import delta
from cut_streams import open_stream
from raw_server import Exchange, RawServer, raw_server, response
from response_folds import life
from scripted import End, play
from wire_reading import PROTOCOLS, Protocol

from asyncstream import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    AsyncClient,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    StreamEventError,
    StreamInterruptedError,
    StreamTruncatedError,
)

each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)

MEBIBYTE = 1 << 20
KEY = "sk-very-secret-0123456789"
ERROR = b'{"error": {"message": "no such model", "code": "model_not_found", "type": "invalid_request_error"}}'
PRETTY = json.dumps(json.loads(ERROR), indent=2).encode()
PAGE = b"<html>\n<body>\n\nbad gateway</body></html>"
EVENTS = b"".join(HELLO)


def says(body: bytes, type: str | None, status: int = 200, **headers: str) -> bytes:
    """Make an answer with a request id, of a content type or of none."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    whole = response(status, body, {"Content-Type": type or "", "x-request-id": "req_1", **named})
    return whole if type else whole.replace(b"Content-Type: \r\n", b"")


async def read(protocol: Protocol, *steps: Any) -> tuple[APIError, list[Any], RawServer]:
    """Read a scripted answer to its error; return this, the events before it, and the server."""

    async def serve(exchange: Exchange) -> None:
        await play(exchange, [*steps, End.FIN])

    seen = []
    async with raw_server(serve) as server, AsyncClient(api_key=KEY, base_url=server.url, max_retries=0) as client:
        with pytest.raises(APIError) as caught:
            async with open_stream(client, protocol) as stream:
                async for event in stream:
                    seen.append(event)
        await server.all_closed()
    assert 1 == len(server.requests)
    return caught.value, seen, server


class Case(NamedTuple):
    """An answer, and the error that it must be."""

    answer: bytes
    kind: type[APIError]
    body: bytes | None
    says: str = ""
    status: int = 200


EVENT_STREAM = "text/event-stream"
MODEL = (StreamEventError, "no such model")

WRONG = {
    "a page": Case(says(PAGE, "text/html"), APIResponseValidationError, PAGE, "got text/html"),
    "other JSON": Case(says(b'{"id": "x"}', "application/json"), APIResponseValidationError, b'{"id": "x"}', "got app"),
    "JSON lines": Case(says(b"{}\n{}\n", "application/x-ndjson"), APIResponseValidationError, b"{}\n{}\n", "ndjson"),
    "a compressed page": Case(
        says(gzip.compress(PAGE), "text/html", Content_Encoding="gzip"), APIResponseValidationError, PAGE, "text/html"
    ),
    "204": Case(b"HTTP/1.1 204 No\r\nx-request-id: req_1\r\n\r\n", APIResponseValidationError, b"", "empty", 204),
    "an empty body": Case(says(b"", EVENT_STREAM), APIResponseValidationError, b"", "an empty answer"),
    "an error": Case(says(ERROR, "application/json"), StreamEventError, ERROR, "no such model"),
    "an error in a list": Case(says(b"[%b]" % ERROR, "application/json"), StreamEventError, b"[%b]" % ERROR, "model"),
    "an error as events": Case(says(ERROR, EVENT_STREAM), StreamEventError, ERROR, "no such model"),
    "an error as events, ended": Case(says(ERROR + b"\n\n", EVENT_STREAM), StreamEventError, ERROR, "no such model"),
    "an error in lines as events": Case(says(PRETTY, EVENT_STREAM), StreamEventError, PRETTY, "no such model"),
    "an error after a comment": Case(says(b": hi\n\n" + ERROR, EVENT_STREAM), StreamEventError, ERROR, "no such model"),
    "an error as text": Case(says(ERROR, "text/plain"), StreamEventError, ERROR, "no such model"),
    "an error without a type": Case(says(ERROR, None), StreamEventError, ERROR, "no such model"),
    "a page as events": Case(says(PAGE, EVENT_STREAM), StreamTruncatedError, PAGE.split(b"\n\n")[0], "after 0 events"),
    "text": Case(says(b"upstream error", "text/plain"), StreamTruncatedError, b"upstream error", "after 0 events"),
    "no events": Case(STREAM_HEAD + b"0\r\n\r\n", StreamTruncatedError, b"", "after 0 events"),
    "comments": Case(says(b": hi\n\n: there\n\n", EVENT_STREAM), StreamTruncatedError, b"", "after 0 events"),
    "300": Case(says(b"choose", "text/plain", 300), APIStatusError, b"choose", "choose", 300),
    "302 to nowhere": Case(says(b"", "text/html", 302), APIStatusError, b"", "names no location", 302),
    "304": Case(b"HTTP/1.1 304 Same\r\nx-request-id: req_1\r\n\r\n", APIStatusError, b"", "304 Same", 304),
    "401": Case(says(ERROR, "application/json", 401), AuthenticationError, ERROR, "no such model", 401),
    "404 with a page": Case(says(PAGE, "text/html", 404), NotFoundError, PAGE, "bad gateway", 404),
    "429 with a page": Case(says(PAGE, "text/html", 429), RateLimitError, PAGE, "bad gateway", 429),
    "502 with events": Case(says(EVENTS, EVENT_STREAM, 502), InternalServerError, EVENTS, "thread.run.created", 502),
    "601": Case(says(b"", "text/html", 601), InternalServerError, b"", "601 Said", 601),
}


@each_protocol
@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_answer_is_a_typed_error(name, protocol):
    case = WRONG[name]
    error, seen, _ = await read(protocol, case.answer)

    assert [] == seen
    assert case.kind is type(error)
    assert (case.status, "req_1", case.body) == (error.status, error.request_id, error.body or b"")
    assert "req_1" == (error.headers or {})["x-request-id"]
    assert case.says in str(error)
    if case.says == "no such model":
        assert ("model_not_found", "invalid_request_error") == (error.code, error.type)


@pytest.mark.parametrize("type", ["application/json", "application/octet-stream", "text/html"])
async def test_events_that_are_cut_under_another_type_are_an_answer_that_is_cut(type):
    error, seen, _ = await read("assistants", says(b"".join(HELLO[:3]), type))

    assert isinstance(error, StreamTruncatedError)
    assert 3 == len(seen)


@each_protocol
@pytest.mark.parametrize("status", [200, 404])
async def test_a_body_is_kept_up_to_one_mebibyte(status, protocol):
    error, _, server = await read(protocol, says(b"x" * (3 * MEBIBYTE), "text/html", status))

    assert {200: APIResponseValidationError, 404: NotFoundError}[status] is type(error)
    assert (status, "req_1", b"x" * MEBIBYTE) == (error.status, error.request_id, error.body)
    assert 1 == server.connections


@each_protocol
@pytest.mark.parametrize("type", [EVENT_STREAM, "application/json", "text/plain"])
async def test_a_key_that_is_repeated_in_an_error_is_taken_out(type, protocol):
    error, _, _ = await read(protocol, says(b'{"error": "wrong key %b"}' % KEY.encode(), type))

    assert isinstance(error, StreamEventError)
    assert "wrong key" in error.message
    assert KEY not in f"{error!r} {error.body!r} {error.__dict__!r}"


NO_HTTP = {
    "nothing": (b"", APIConnectionError, "closed the connection before an answer"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Ty", APIConnectionError, "closed the connection before an answer"),
    "100 and no more": (b"HTTP/1.1 100 Continue\r\n\r\n", APIConnectionError, "closed the connection"),
    "a status that is no number": (b"HTTP/1.1 abc OK\r\n\r\n", APIResponseValidationError, "Bad status line"),
    "no status": (b"HTTP/1.1\r\n\r\n", APIResponseValidationError, "Bad status line"),
    "a page without a head": (PAGE, APIResponseValidationError, "cannot be read"),
    "HTTP/2": (b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80", APIResponseValidationError, "cannot be read"),
    "a huge header": (
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        APIResponseValidationError,
        "Got more than",
    ),
    "40,000 headers": (
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000 + b"\r\n",
        APIResponseValidationError,
        "Too many headers",
    ),
    "a NUL in a header": (b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", APIResponseValidationError, "cannot be read"),
    "two framings": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        APIResponseValidationError,
        "cannot be read",
    ),
    "a negative length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        APIResponseValidationError,
        "cannot be read",
    ),
}


@each_protocol
@pytest.mark.parametrize("name", NO_HTTP)
async def test_what_is_no_http_answer_is_a_typed_error(name, protocol):
    answer, kind, problem = NO_HTTP[name]
    error, seen, _ = await read(protocol, answer)

    assert [] == seen
    assert kind is type(error)
    assert problem in str(error)
    assert len(str(error)) < 1000


@each_protocol
@pytest.mark.parametrize("garbage", [b"zz\r\nno chunk\r\n", b"-5\r\n", b"5\r\nlonger than five\r\n"])
async def test_garbage_between_chunks_is_a_broken_connection_after_all_events(garbage, protocol):
    frame = {"assistants": HELLO[0], "chat": delta(content="Hel"), "responses": life("created")}[protocol]
    # The head and an event in packets of their own; then an event and the garbage in one.
    error, seen, _ = await read(protocol, STREAM_HEAD, 0.0, 0.0, chunk(frame), 0.0, 0.0, chunk(frame) + garbage)

    assert 2 == len(seen)
    assert isinstance(error, StreamInterruptedError)
    assert (200, "req_1", 2) == (error.status, error.request_id, error.events_seen)
