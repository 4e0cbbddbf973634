"""R28: "answers of the relay: doubled headers, caching of 204, HEAD, two cursors: one truth on aiohttp.web and ASGI."

A row is a request, what is relayed, and the whole answer that is expected: status, each header, body. Every door gives
it: `relay_response` and `RunLog.respond` in aiohttp.web; `RelayResponse` and `open_relay` by the letter of ASGI, and
`RelayResponse` on real servers.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from asgi_servers import by_hypercorn, by_uvicorn, by_uvicorn_httptools
from assistants_wire import DONE, HELLO
from multidict import CIMultiDict
from reading import Got, ask
from upstream_wire import Upstream, upstream

from asyncstream.errors import ConfigurationError
from asyncstream.relay import Entry, MemoryStore, RelayResponse, RunLog, open_relay, relay_response
from asyncstream.relay.frames import GREETING

pytestmark = pytest.mark.faults

LAST = Entry(None, "done", b"[DONE]")


async def given(*items: Any) -> AsyncIterator[Entry]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


@dataclass
class World:
    """What there is to be relayed: a model, and a log of runs."""

    model: Upstream
    log: RunLog


@asynccontextmanager
async def world(**model: Any) -> AsyncIterator[World]:
    """Make a model; and a log with a run `over` of 4 entries, `long`, of which 10 are kept, and `denied`."""

    async def may_read(request: Any, run_id: str) -> bool:
        return run_id != "denied"

    given_model = {"frames": [*HELLO, DONE], **model}
    async with upstream(**given_model) as one, RunLog(MemoryStore(max_events=10), authorize=may_read) as log:
        for run_id, count in (("over", 3), ("long", 50), ("denied", 1)):
            await log.start(run_id, given(*(Entry(None, "said", b"%d" % n) for n in range(1, count + 1))))
        async with asyncio.timeout(10):
            while log.running:  # noqa: ASYNC110 - nobody tells when a producer's task has ended
                await asyncio.sleep(0)
        yield World(one, log)


def run_text(world: World) -> Any:
    return world.model.run()


@dataclass
class Row:
    """One request and its answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    """All of the answer, names in lower case, but those that are the server's own."""
    body: bytes | None = None
    """None: a JSON error with the `code`."""
    code: str = ""
    method: str = "GET"
    path: str = "/"
    asked: list[tuple[str, str]] = field(default_factory=list)
    """The headers of the request."""
    source: Callable[[World], Any] | None = None
    """None: the run of the log that is the last part of the path."""
    form: Any = "sse"
    own: Mapping[str, str] | None = None
    model: dict[str, Any] = field(default_factory=dict)
    upstream_asked: bool = True

    @property
    def raw(self) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: x", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.asked]
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")

    @property
    def scope(self) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        pairs = [(name.lower().encode(), value.encode("utf-8", "surrogateescape")) for name, value in self.asked]
        query_string = query.encode("utf-8", "surrogateescape")
        found: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": self.method, "headers": pairs}
        return {**found, "path": path, "query_string": query_string, "asgi": {"version": "3.0", "spec_version": "2.3"}}

    @property
    def run_id(self) -> str:
        return self.path.partition("?")[0].rpartition("/")[2]

    def reads(self, world: World, scope: Any) -> Any:
        return world.log.reader(scope, self.run_id) if self.source is None else self.source(world)


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


# The doors.

SERVERS_OWN = {"date", "server", "connection", "transfer-encoding", "keep-alive"}


def without_servers(headers: Any) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers if name.lower() not in SERVERS_OWN)


def answer_of(got: Got) -> Answer:
    return Answer(got.status, without_servers(got.headers), got.body)


Ask = Callable[[int, bytes], Awaitable[Got]]
Door = Callable[[World, Row], Awaitable[Answer]]


def on_aiohttp(ask: Ask) -> Door:
    async def door(world: World, row: Row) -> Answer:
        async def handler(request: web.Request) -> web.StreamResponse:
            if row.source is None:
                return await world.log.respond(request, row.run_id, form=row.form, headers=row.own)
            return await relay_response(request, row.source(world), form=row.form, headers=row.own)

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            return answer_of(await ask(runner.addresses[0][1], row.raw))
        finally:
            await runner.cleanup()

    return door


async def by_asgi(world: World, row: Row) -> Answer:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    scope = row.scope
    await RelayResponse(row.reads(world, scope), form=row.form, headers=row.own)(scope, receive, send)
    assert [True] * (len(sent) - 2) + [False] == [message["more_body"] for message in sent[1:]]
    headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    assert [name for name, _ in headers] == [name.lower() for name, _ in headers]
    return Answer(sent[0]["status"], without_servers(headers), b"".join(message["body"] for message in sent[1:]))


async def by_open_relay(world: World, row: Row) -> Answer:
    scope = row.scope
    relay = await open_relay(row.reads(world, scope), request=scope, form=row.form, headers=row.own)
    body = b"".join([data async for data in relay.body])
    return Answer(relay.status, without_servers(relay.headers.items()), body)


def on_server(serving: Any, ask: Ask) -> Door:
    async def door(world: World, row: Row) -> Answer:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            response = RelayResponse(row.reads(world, scope), form=row.form, headers=row.own)
            await response(scope, receive, send)

        async with serving(app) as url:
            return answer_of(await ask(int(url.rpartition(":")[2]), row.raw))

    return door


DOORS: dict[str, Door] = {
    "aiohttp.web": on_aiohttp(ask),
    "ASGI": by_asgi,
    "open_relay": by_open_relay,
    "uvicorn": on_server(by_uvicorn, ask),
    "uvicorn with httptools": on_server(by_uvicorn_httptools, ask),
    "hypercorn": on_server(by_hypercorn, ask),
}
doors = pytest.mark.parametrize(
    "door",
    [
        pytest.param(name, marks=[pytest.mark.system] if name.startswith(("uvicorn", "hypercorn")) else [])
        for name in DOORS
    ],
)


# What is expected.

SSE = {
    "cache-control": "no-store",
    "content-encoding": "identity",
    "content-type": "text/event-stream; charset=utf-8",
    "x-accel-buffering": "no",
}
FROM_MODEL = {**SSE, "x-request-id": "req_1"}
TEXT = {**FROM_MODEL, "content-type": "text/plain; charset=utf-8"}
NO_BODY = {"cache-control": "no-store"}
JSON = {"cache-control": "no-store", "content-type": "application/json"}
HELLO_BODY = GREETING + b"".join(HELLO) + DONE

OWN = {
    "CACHE-control": "private",
    "content-TYPE": "text/x-own",
    "x-accel-BUFFERING": "yes",
    "CONTENT-encoding": "x-own",
    "X-request-ID": "mine",
    "retry-AFTER": "9",
    "Access-Control-Allow-Origin": "*",
}
OWN_ON_A_STREAM = {name.lower(): value for name, value in OWN.items()}
OWN_WITHOUT_BODY = {name: value for name, value in OWN_ON_A_STREAM.items() if not name.startswith("content-")}
REFUSING = {"frames": [], "status": 429, "body": b'{"error": {"message": "slow down", "code": "slow"}}'}


def entries_after(after: int) -> bytes:
    """Return what a reader of the run `over` gets."""
    said = b"".join(b"id: %d\nevent: said\ndata: %d\n\n" % (n, n) for n in range(after + 1, 4))
    return GREETING + said + (b"id: 4\nevent: done\ndata: [DONE]\n\n" if after < 4 else b"")


def cursor(after: int | str, *headers: str, query: str = "") -> Row:
    """Expect the run `over` after an id; or 204, 400 or 410."""
    asked = [("Last-Event-ID", value) for value in headers]
    path = f"/runs/over{query}"
    match after:
        case int():
            return Row(200, SSE, entries_after(after), path=path, asked=asked)
        case "end":
            return Row(204, NO_BODY, b"", path=path, asked=asked)
        case "ahead":
            return Row(410, JSON, code="cursor_gone", path=path, asked=asked)
        case _:
            return Row(400, JSON, code="bad_cursor", path=path, asked=asked)


ROWS = {
    # Headers.
    "a stream": Row(200, FROM_MODEL, HELLO_BODY, source=run_text),
    "a stream, own headers": Row(200, OWN_ON_A_STREAM, HELLO_BODY, source=run_text, own=OWN),
    "a run, own headers": Row(200, OWN_ON_A_STREAM, entries_after(0), path="/runs/over", own=OWN),
    "own headers twice": Row(
        200,
        {**FROM_MODEL, "cache-control": "c", "x-own": "2"},
        HELLO_BODY,
        source=run_text,
        own={"cache-control": "a", "Cache-Control": "b", "X-Own": "1", "CACHE-CONTROL": "c", "x-own": "2"},
    ),
    "own headers twice in a multidict": Row(
        200,
        {**FROM_MODEL, "x-own": "2"},
        HELLO_BODY,
        source=run_text,
        own=CIMultiDict([("X-Own", "1"), ("X-Own", "2")]),
    ),
    "refused, own headers": Row(
        429, {**JSON, **OWN_WITHOUT_BODY}, code="slow", source=run_text, own=OWN, model=REFUSING
    ),
    "a run over, own headers": Row(204, OWN_WITHOUT_BODY, b"", path="/runs/over?after=4", own=OWN),
    "no run, own headers": Row(
        404, {**JSON, **OWN_WITHOUT_BODY}, code="run_not_found", path="/runs/other", own=OWN
    ),
    "HEAD, own headers": Row(
        200, OWN_ON_A_STREAM, b"", method="HEAD", source=run_text, own=OWN, upstream_asked=False
    ),
    # Refusals, all of which say that they are not to be kept.
    "400": cursor("bad", query="?after=x"),
    "403": Row(403, JSON, code="access_denied", path="/runs/denied"),
    "404": Row(404, JSON, code="run_not_found", path="/runs/other"),
    "404 of a name that no run has": Row(404, JSON, code="run_not_found", path="/runs/a%20b"),
    "410": Row(410, JSON, code="cursor_gone", path="/runs/long?after=1"),
    "401 of the upstream": Row(
        401, JSON, code="upstream_refused", source=run_text, model={**REFUSING, "status": 401}
    ),
    "429 of the upstream": Row(
        429,
        {**JSON, "retry-after": "7"},
        code="slow",
        source=run_text,
        model={**REFUSING, "headers": {"Retry_After": "7"}},
    ),
    "503 of the upstream": Row(503, JSON, code="slow", source=run_text, model={**REFUSING, "status": 503}),
    "502": Row(502, JSON, code="upstream_invalid", source=run_text, model={**REFUSING, "status": 307}),
    # HEAD.
    "HEAD of a stream": Row(200, SSE, b"", method="HEAD", source=run_text, upstream_asked=False),
    "HEAD of a text": Row(
        200,
        {**SSE, "content-type": "text/plain; charset=utf-8"},
        b"",
        method="HEAD",
        source=run_text,
        form="text",
        upstream_asked=False,
    ),
    "HEAD of a run": Row(200, SSE, b"", method="HEAD", path="/runs/over"),
    "HEAD of a run that is over": Row(204, NO_BODY, b"", method="HEAD", path="/runs/over?after=4"),
    "HEAD of no run": Row(404, JSON, b"", method="HEAD", path="/runs/other"),
    "HEAD of a run for others": Row(403, JSON, b"", method="HEAD", path="/runs/denied"),
    "HEAD with a bad cursor": Row(400, JSON, b"", method="HEAD", path="/runs/over?after=x"),
    "HEAD of what is trimmed away": Row(410, JSON, b"", method="HEAD", path="/runs/long?after=1"),
    # Cursors.
    "none": cursor(0),
    "header": cursor(2, "2"),
    "query": cursor(2, query="?after=2"),
    "header before query": cursor(3, "3", query="?after=1"),
    "header before query, the other way": cursor(1, "1", query="?after=3"),
    "header before a bad query": cursor(2, "2", query="?after=x"),
    "a bad header before a query": cursor("bad", "x", query="?after=2"),
    "header before two queries": cursor(2, "2", query="?after=1&after=3"),
    "two headers": cursor("bad", "1", "2"),
    "two headers, the same": cursor("bad", "1", "1"),
    "two queries": cursor("bad", query="?after=1&after=2"),
    "two queries, the same": cursor("bad", query="?after=1&after=1"),
    "two queries, one empty": cursor("bad", query="?after=1&after="),
    "a list in a header": cursor("bad", "1, 2"),
    "an empty header": cursor("bad", ""),
    "blanks around a header": cursor(2, "  2  "),
    "an empty query": cursor("bad", query="?after="),
    "a query without a value": cursor("bad", query="?after"),
    "a query of another case": cursor(0, query="?AFTER=2"),
    "a query among others": cursor(2, query="?a=1&after=2&b=3"),
    "a semicolon": cursor("bad", query="?after=2;after=3"),
    "a quoted query": cursor(2, query="?%61fter=%32"),
    "a plus": cursor("bad", query="?after=+2"),
    "negative": cursor("bad", query="?after=-1"),
    "a negative header": cursor("bad", "-1"),
    "a fraction": cursor("bad", query="?after=1.0"),
    "hexadecimal": cursor("bad", query="?after=0x1"),
    "an exponent": cursor("bad", query="?after=1e0"),
    "other digits": cursor("bad", query="?after=%D9%A3"),
    "other digits in a header": cursor("bad", "٣"),
    "no UTF-8": cursor("bad", query="?after=%FF"),
    "no UTF-8 in a header": cursor("bad", "\udcff"),
    "zeros before it": cursor(2, "002"),
    "zero": cursor(0, "0"),
    "the end": cursor("end", "4"),
    "ahead": cursor("ahead", "5"),
    "18 digits": cursor("ahead", "9" * 18),
    "19 digits": cursor("bad", "9" * 19),
    "5,000 digits": cursor("bad", query="?after=" + "9" * 5000),
    # Before the first byte.
    "a source that fails at once": Row(
        200,
        SSE,
        GREETING + b'event: error\ndata: {"error":{"message":"the relay failed","type":"server_error",'
        b'"code":"relay_error","param":null}}\n\n',
        source=lambda _: given(ValueError()),
    ),
    "a text that fails at once": Row(
        500, JSON, code="relay_error", source=lambda _: given(ValueError()), form="text"
    ),
    "a text whose upstream breaks before its first word": Row(
        502,
        JSON,
        code="stream_interrupted",
        source=run_text,
        form="text",
        model={"frames": HELLO[:3], "then": "rst"},
    ),
    "a text whose upstream fails before its first word": Row(
        502,
        JSON,
        code="overloaded",
        source=run_text,
        form="text",
        model={"frames": [b'event: error\ndata: {"message": "no", "code": "overloaded"}\n\n']},
    ),
    "a text of a run without text": Row(500, JSON, code="relay_error", path="/runs/over", form="text"),
    "a text": Row(200, TEXT, b"Hello", source=run_text, form="text"),
    "an empty text": Row(
        200,
        {**SSE, "content-type": "text/plain; charset=utf-8"},
        b"",
        source=lambda _: given(LAST),
        form="text",
    ),
    # What else a request may say.
    "a range": Row(200, FROM_MODEL, HELLO_BODY, source=run_text, asked=[("Range", "bytes=5-9")]),
    "a coding": Row(200, FROM_MODEL, HELLO_BODY, source=run_text, asked=[("Accept-Encoding", "gzip, br")]),
    "a condition": Row(
        200, FROM_MODEL, HELLO_BODY, source=run_text, asked=[("If-None-Match", "*"), ("If-Range", '"x"')]
    ),
    "POST": Row(
        200, FROM_MODEL, HELLO_BODY, method="POST", source=run_text, asked=[("Content-Length", "0")]
    ),
}  # fmt: skip


@doors
@pytest.mark.parametrize("name", ROWS)
async def test_every_door_gives_the_answer(door, name):
    row = ROWS[name]
    async with world(**row.model) as there, asyncio.timeout(30):
        answer = await DOORS[door](there, row)
        asked = bool(there.model.server.requests)

    expected = dict(row.headers)
    if row.body is None or (row.status >= 400 and row.method == "HEAD"):
        assert "content-length" in dict(answer.headers)
        expected["content-length"] = dict(answer.headers)["content-length"]
    assert (row.status, sorted(expected.items())) == (answer.status, answer.headers)
    if row.body is None:
        assert row.code == json.loads(answer.body)["error"]["code"]
        assert expected["content-length"] == str(len(answer.body))
    else:
        assert row.body == answer.body
    if row.source is run_text:
        assert row.upstream_asked == asked


@pytest.mark.parametrize("name", ROWS)
async def test_every_door_gives_the_same_bytes(name):
    row = ROWS[name]
    async with world(**row.model) as there, asyncio.timeout(30):
        answers = [await DOORS[door](there, row) for door in ("aiohttp.web", "ASGI", "open_relay")]

    assert answers[0] == answers[1] == answers[2]


@doors
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.method == "HEAD" and row.status >= 400])
async def test_the_length_that_head_tells_is_that_of_get(door, name):
    row = ROWS[name]
    get = Row(row.status, path=row.path, asked=row.asked, source=row.source)
    async with world() as there:
        assert (await DOORS[door](there, row)).headers == (await DOORS[door](there, get)).headers


@doors
async def test_cookies_are_all_set(door):
    own = CIMultiDict([("Set-Cookie", "a=1"), ("set-cookie", "b=2")])
    for row in (ROWS["a stream"], ROWS["403"], ROWS["the end"]):
        row = Row(row.status, path=row.path, asked=row.asked, source=row.source, own=own)
        async with world() as there:
            if door == "open_relay":
                with pytest.raises(ConfigurationError, match="a dict, which holds one Set-Cookie"):
                    await DOORS[door](there, row)
            else:
                answer = await DOORS[door](there, row)
                assert [("set-cookie", "a=1"), ("set-cookie", "b=2")] == [
                    pair for pair in answer.headers if pair[0] == "set-cookie"
                ]


# What cannot be sent.

BAD_HEADERS: list[tuple[Any, str]] = [
    ({"Content-Length": "5"}, "follows from the body"),
    ({"transfer-encoding": "chunked"}, "follows from the body"),
    ({"X-Own": "a\r\nX-Evil: 1"}, "holds a line break"),
    ({"X-Own": "a\0"}, "holds a line break, NUL"),
    ({"X-Own\r\nX-Evil": "1"}, "must be an HTTP token"),
    ({"": "1"}, "must be an HTTP token"),
    ({"X-Own": "é"}, "must be ASCII"),
    ({"X-Own": "€"}, "beyond latin-1"),
    ({"X-Own": 5}, "must be a string"),
    ({"X-Own": None}, "must be ASCII"),
    ({5: "1"}, "must be an HTTP token"),
    ([("X-Own", "1")], "expected headers to be a mapping"),
    ("X-Own: 1", "expected headers to be a mapping"),
]


@pytest.mark.parametrize(("own", "message"), BAD_HEADERS)
@pytest.mark.parametrize("door", ["ASGI", "open_relay", "relay_response", "respond"])
async def test_headers_that_cannot_be_sent_are_refused_before_anything_is_asked(door, own, message):
    async with world() as there:
        with pytest.raises(ConfigurationError, match=message):
            match door:
                case "relay_response":
                    await relay_response(make_mocked_request("GET", "/"), there.model.run(), headers=own)
                case "respond":
                    await there.log.respond(make_mocked_request("GET", "/"), "over", headers=own)
                case _:
                    await DOORS[door](there, Row(200, source=run_text, own=own))

        assert [] == there.model.server.requests


# Who has left.


@pytest.mark.parametrize("name", ["HEAD of a stream", "HEAD of a run", "the end", "404", "429 of the upstream", "502"])
@pytest.mark.parametrize("form", ["sse", "text"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_reader_that_was_told_all_has_not_left(name, form, version):
    row = ROWS[name]
    left: list[str] = []

    async def on_leave() -> None:
        left.append(name)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        pass

    scope = {**row.scope, "http_version": version}
    async with world(**row.model) as there:
        await RelayResponse(row.reads(there, scope), form=form, on_leave=on_leave)(scope, receive, send)
        relay = await open_relay(row.reads(there, scope), request=scope, form=form, on_leave=on_leave)
        async for _ in relay.body:
            pass

    assert [] == left


# An answer that is expected before the request is whole.


async def waiting(port: int, request: bytes) -> Got:
    """Send a body only when the server said that it wants it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    writer.write(b"{}")
    got = Got(await reader.read(), "fin")
    writer.close()
    return got


@pytest.mark.parametrize(
    "make_door",
    [
        on_aiohttp,
        pytest.param(lambda ask: on_server(by_uvicorn, ask), marks=pytest.mark.system),
        pytest.param(lambda ask: on_server(by_uvicorn_httptools, ask), marks=pytest.mark.system),
        pytest.param(lambda ask: on_server(by_hypercorn, ask), marks=pytest.mark.system),
    ],
    ids=["aiohttp.web", "uvicorn", "uvicorn with httptools", "hypercorn"],
)
@pytest.mark.parametrize("status", [200, 429])
async def test_a_reader_that_waits_for_leave_to_send_its_body_gets_it(make_door, status):
    row = Row(
        status,
        method="POST",
        source=run_text,
        asked=[("Expect", "100-continue"), ("Content-Length", "2")],
        model=REFUSING if status == 429 else {},
    )
    async with world(**row.model) as there, asyncio.timeout(30):
        answer = await make_door(waiting)(there, row)

    assert status == answer.status
