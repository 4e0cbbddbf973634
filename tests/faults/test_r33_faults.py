"""R33, beyond cuts: what else goes wrong with an answer, its tools, its store and its worker, through each door.

The model's server misbehaves in each way that other rows know; calls, callbacks and iterators of the application fail;
stores and processes die in the middle. What a page is answered with is either no stream, with a status and words, or a
stream that ends in an error or an abort; or its connection breaks.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from aiohttp import web
from asgi_servers import by_uvicorn
from assistants_wire import HELLO as RUN
from assistants_wire import frame, run
from chat_wire import DONE, HELLO, call, piece
from cut_streams import open_stream
from loop_talks import ANSWER, ASKS, talk
from page_rules import shown_end
from raw_server import Exchange, raw_server
from reading import asking
from redis_server import RedisServer, needs_redis
from responses_wire import event, hello, response
from scripted import End, Step, answer_of, play
from test_r06_stalls import WHERE, stall
from test_r23_cut_by_close import REQUESTS, port_of, serving
from test_r24_writers import FAULTS, BrokenStore
from test_views import Door, _by_asgi, _by_open_relay, _by_web, answered
from wire_reading import PROTOCOLS, Protocol

from asyncstream import APIError, AsyncClient, Later, MaxRoundsError, Timeout, Tool, Tools
from asyncstream.relay import Entry, MemoryStore, RedisStore, RelayResponse, RunLog, relay_response
from asyncstream.relay.log.store import Store

pytestmark = pytest.mark.faults

VIEWS: list[Any] = ["ui-messages", "ag-ui"]
each_view = pytest.mark.parametrize("view", VIEWS)

ANSWERS: dict[Protocol, tuple[bytes, bytes]] = {
    "assistants": (b"".join(RUN[:4]), b"".join(RUN[4:])),
    "chat": (b"".join(HELLO[:2]), b"".join([*HELLO[2:], DONE])),
    "responses": (b"".join(hello()[:5]), b"".join(hello()[5:])),
}
"""Whole answers, in halves."""

HALF = {protocol: half for protocol, (half, _) in ANSWERS.items()}


def end_of(view: str, answer: tuple[int, Any, bytes]) -> str:
    """Return how an answer ended on a page; "refused" if it is no stream but words."""
    status, headers, body = answer
    if status == 200:
        return shown_end(view, body)
    named = {name.lower(): value for name, value in headers.items()}
    assert named["content-type"].startswith("text/plain")
    assert body
    assert b"{" not in body
    return "refused"


# The model's server.


class Fault(NamedTuple):
    """What the server does with a request, and how that must end on a page."""

    name: str
    protocol: Protocol
    steps: list[Step]
    due: str = "error"
    options: dict[str, Any] = {}


def said(body: bytes) -> list[Step]:
    return [answer_of(body, "chunked").wire]


def refused(status: int, kind: str = "application/json", body: bytes = b'{"error": {"message": "No."}}') -> list[Step]:
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return [head.encode() + body]


def in_mid_answer(protocol: Protocol) -> list[Fault]:
    half, rest = ANSWERS[protocol]
    deep = b"[" * 200 + b"]" * 200
    odd = {
        "not JSON": b"data: what?\n\n",
        "half JSON": b'data: {"half\n\n',
        "no UTF-8": b'data: {"a": "\xff\xfe"\n\n',
        "nested too deep": b'data: {"a": %b}\n\n' % deep,
        "too large": b'data: {"a": "%b"}\n\n' % (b"x" * 30_000),
        "too large, without an end": b"data: " + b"x" * 30_000,
    }
    if protocol != "chat":
        # Data without a name is none of theirs, and passed over; what has a name is read.
        name = {"assistants": b"thread.message.delta", "responses": b"response.output_text.delta"}[protocol]
        odd = {what: b"event: %b\n%b" % (name, data) for what, data in odd.items()}
    limited = {"max_event_bytes": 20_000}
    return [Fault(what, protocol, said(half + data + rest), options=limited) for what, data in odd.items()]


def failed(protocol: Protocol) -> dict[str, bytes]:
    """Return what a server says of its own failure."""
    error = b'{"error": {"message": "overloaded", "code": "busy"}}'
    if protocol == "chat":
        return {"error frame": b"data: %b\n\n" % error, "named error": b"event: error\ndata: %b\n\n" % error}
    if protocol == "assistants":
        return {
            "error event": frame("error", error={"message": "overloaded", "code": "busy"}),
            "failed": run("failed", last_error={"code": "server_error", "message": "overloaded"}),
        }
    told = {"code": "server_error", "message": "overloaded"}
    return {"error event": event("error", **told), "failed": event("failed", response=response("failed", error=told))}


def faults() -> list[Fault]:
    quick = {"timeout": Timeout(response=0.1, event=0.1, total=5.0)}
    found: list[Fault] = []
    for protocol in PROTOCOLS:
        for where in WHERE:
            due = "refused" if where in ("before the headers", "in the headers") else "error"
            found.append(Fault(f"stall {where}", protocol, stall(where, protocol), due, quick))
        total = {"timeout": Timeout(total=0.1)}
        found.append(
            Fault("stall without a deadline between events", protocol, stall("mid-event", protocol), "error", total)
        )
        found += in_mid_answer(protocol)
        for name, words in failed(protocol).items():
            found += [Fault(f"{name}, {when}", protocol, said(before + words)) for when, before in first(protocol)]
        found.append(Fault("an empty answer", protocol, said(b"")))
        found.append(Fault("half an answer", protocol, said(HALF[protocol])))
        found += [Fault(f"status {status}", protocol, refused(status), "refused") for status in (401, 429, 500)]
        found.append(Fault("a page", protocol, refused(200, "text/html", b"<p>Hello</p>"), "refused"))
        found.append(Fault("no answer", protocol, [End.FIN], "refused"))
    found.append(Fault("cancelled", "assistants", said(HALF["assistants"] + run("cancelled")), "abort"))
    found.append(Fault("expired", "assistants", said(HALF["assistants"] + run("expired")), "abort"))
    return found


def first(protocol: Protocol) -> list[tuple[str, bytes]]:
    return [("at once", b""), ("in mid-answer", HALF[protocol])]


WHOLE = [Fault("whole", protocol, said(half + rest), "finish") for protocol, (half, rest) in ANSWERS.items()]


async def by_log(store: Store, stream: Any, view: Any) -> tuple[int, Any, bytes]:
    """Answer with a run in a log, which another worker reads."""
    async with RunLog(store) as log:
        run_id = f"run-{uuid4()}"
        await log.start(run_id, stream, view=view)
        async with answered(lambda request: log.respond(request, run_id)) as got:
            return got.status, got.headers, await got.read()


async def through(route: Door | None, store: Callable[[], Store], stream: Any, view: Any) -> str:
    if route is not None:
        return end_of(view, await route(stream, view))
    try:
        return end_of(view, await by_log(store(), stream, view))
    except APIError:
        # The application has not answered yet when `start` raises it.
        return "refused"


async def wrong_ends(view: Any, route: Door | None, store: Callable[[], Store] = MemoryStore) -> list[str]:
    """Let a server misbehave in each way; return what ended wrong on a page."""
    wrong = []
    cases = [*faults(), *WHOLE]
    script: list[Step] = []

    async def answer(exchange: Exchange) -> None:
        await play(exchange, script)

    for fault in cases:
        script[:] = fault.steps
        # A server of its own: what one fault leaves on a connection is not for the next.
        async with raw_server(answer) as server:
            options = {"max_retries": 0, **fault.options}
            async with AsyncClient(api_key="k", base_url=server.url, **options) as client:
                try:
                    shown = await through(route, store, open_stream(client, fault.protocol), view)
                except AssertionError as error:
                    shown = f"no answer that a page can read: {error}"
        if shown != fault.due:
            wrong.append(f"{fault.protocol}, {fault.name}: {shown}, due is {fault.due}")
    print(f"\nR33 {view}: {len(cases)} answers, {len(wrong)} wrong")
    return wrong


@each_view
@pytest.mark.parametrize("door", [_by_web, _by_asgi, _by_open_relay, None], ids=["web", "ASGI", "open_relay", "log"])
async def test_what_a_server_does_wrong(view: Any, door: Door | None) -> None:
    assert [] == await wrong_ends(view, door)


# The application's own tools, callbacks and words.


async def fail(x: int = 0) -> str:
    raise ZeroDivisionError


async def works(x: int = 0) -> str:
    return "done"


async def fail_at(state: Any) -> None:
    raise ZeroDivisionError


async def fail_to_approve(asked: Any) -> Any:
    raise ZeroDivisionError


async def later(asked: Any) -> Any:
    return Later()


LOOPS: dict[str, tuple[Callable[[], Tools], str]] = {
    "a tool that raises": (lambda: Tools(Tool(fail, name="f"), on_error="raise"), "error"),
    "a tool that raises, told to the model": (lambda: Tools(Tool(fail, name="f")), "finish"),
    "record that raises": (lambda: Tools(Tool(works, name="f"), record=fail_at), "error"),
    "approve that raises": (lambda: Tools(Tool(works, name="f", approve=True), approve=fail_to_approve), "error"),
    "a word that is still to come": (lambda: Tools(Tool(works, name="f", approve=True), approve=later), "finish"),
    "a round too many": (lambda: Tools(Tool(works, name="f"), max_rounds=1), "error"),
}


@each_view
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("door", [_by_web, _by_asgi, _by_open_relay, None], ids=["web", "ASGI", "open_relay", "log"])
async def test_what_goes_wrong_in_a_tool_loop(view: Any, loop: str, door: Door | None) -> None:
    tools, due = LOOPS[loop]
    asks = [call(0, '{"x": 1}', "f", "call_0"), piece(finish="tool_calls"), DONE]
    answers = [asks, asks] if loop == "a round too many" else [asks, [*HELLO, DONE]]
    async with talk(*answers) as model:
        stream = model.open(tools())
        shown = await through(door, MemoryStore, stream, view)
        if loop == "a round too many":
            with pytest.raises(MaxRoundsError):
                await stream.get_final()

    assert due == shown


@each_view
async def test_the_second_answer_of_a_loop_that_breaks_off(view: Any) -> None:
    for half in ([], HELLO[:2], ASKS[:1]):
        async with talk(ASKS, half) as model:
            assert "error" == await through(_by_web, MemoryStore, model.open(Tool(works, name="f")), view)


@each_view
async def test_a_loop_that_is_stopped_is_given_up(view: Any) -> None:
    async def stops(x: int = 0) -> str:
        stream.stop()
        return "done"

    async with talk(ASKS, ANSWER) as model:
        stream = model.open(Tool(stops, name="f"))

        assert "abort" == await through(_by_web, MemoryStore, stream, view)


@each_view
async def test_calls_that_were_lost_are_the_applications_to_answer_before_there_is_a_stream(view: Any) -> None:
    kept: list[Any] = []

    async def keep(state: Any) -> None:
        kept.append(state.copy())

    async def handler(request: web.Request) -> web.StreamResponse:
        began = next(state for state in kept if state.calls[0].standing == "began")
        tools = Tools(Tool(works, name="f"), on_lost="raise")
        return await relay_response(request, model.open(tools, resume=began), view=view)

    async with talk(ASKS, ANSWER) as model:
        async with model.open(Tools(Tool(works, name="f"), record=keep)) as first_time:
            await first_time.get_final()
        async with answered(handler) as got:
            assert 500 == got.status


# The log and its store.


@asynccontextmanager
async def half_an_answer(script: list[Step] | None = None) -> AsyncIterator[Any]:
    """Give a stream whose model falls silent in its text."""

    async def silent(exchange: Exchange) -> None:
        await play(exchange, script or [answer_of(HALF["chat"], "close").wire, End.STAY])

    async with raw_server(silent) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        yield open_stream(client, "chat")


async def read_while(log: RunLog, do: Callable[[], Awaitable[Any]]) -> tuple[int, Any, bytes]:
    """Read a run as a page, do something once half of it is there, and return the whole answer."""
    async with answered(lambda request: log.respond(request, "run-1")) as got:
        body = b""
        while b"Hel" not in body:
            body += await got.content.readany()
        await do()
        return got.status, got.headers, body + await got.read()


@each_view
@pytest.mark.parametrize("how", ["cancelled", "closed"])
async def test_a_run_that_is_given_up(view: Any, how: str) -> None:
    async with half_an_answer() as stream, RunLog() as log:
        await log.start("run-1", stream, view=view)
        answer = await read_while(log, lambda: log.cancel("run-1") if how == "cancelled" else log.close())

    assert "abort" == end_of(view, answer)


@each_view
@pytest.mark.parametrize("verb", ["append", "full", "room", "wait"])
async def test_a_store_that_fails_in_the_middle(view: Any, verb: str) -> None:
    for fault in FAULTS:
        reading = asyncio.Event()
        whole = answer_of(HALF["chat"], "close")
        script: list[Step] = [whole.wire[: whole.head], reading, whole.wire[whole.head :], End.STAY]
        async with half_an_answer(script) as stream, RunLog(BrokenStore(verb, fault, after=1)) as log:
            await log.start("run-1", stream, view=view)
            async with asyncio.timeout(20), answered(lambda request: log.respond(request, "run-1")) as got:
                # The page is there before it happens.
                body = await got.content.readany()
                reading.set()
                body += await got.read()

        assert "error" == end_of(view, (got.status, got.headers, body)), fault


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    server = RedisServer(tmp_path)
    await server.start()
    try:
        yield server
    finally:
        server.kill()


@each_view
@pytest.mark.system
@needs_redis
async def test_what_a_server_does_wrong_to_a_run_in_redis(view: Any, redis: RedisServer) -> None:
    assert [] == await wrong_ends(view, None, lambda: RedisStore(redis.url))


@each_view
@pytest.mark.system
@needs_redis
async def test_a_redis_that_is_lost_in_the_middle(view: Any, redis: RedisServer) -> None:
    async def lose() -> None:
        redis.kill()

    async with half_an_answer() as stream:
        async with RunLog(RedisStore(redis.url, reconnect_timeout=0.5)) as log:
            await log.start("run-1", stream, view=view)
            answer = await read_while(log, lose)

    assert "error" == end_of(view, answer)


PRODUCER = """
import asyncio, sys
from asyncstream import AsyncClient
from asyncstream.relay import RedisStore, RunLog

async def main(url, redis, view):
    async with AsyncClient(api_key="k", base_url=url) as client, RunLog(RedisStore(redis, owner_ttl=0.5)) as log:
        stream = client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hi"}])
        await log.start("run-1", stream, view=view)
        print("started", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@each_view
@pytest.mark.system
@needs_redis
async def test_a_producer_that_is_killed(view: Any, redis: RedisServer) -> None:
    async def silent(exchange: Exchange) -> None:
        await play(exchange, [answer_of(HALF["chat"], "close").wire, End.STAY])

    async with raw_server(silent) as server:
        producer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PRODUCER, server.url, redis.url, view, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert producer.stdout is not None
            assert b"started\n" == await producer.stdout.readline()

            async def kill() -> None:
                producer.kill()
                await producer.wait()

            async with RunLog(RedisStore(redis.url, owner_ttl=0.5)) as log:
                answer = await read_while(log, kill)
        finally:
            if producer.returncode is None:
                producer.kill()
            await producer.wait()

    assert "error" == end_of(view, answer)
    assert b"producer" in answer[2]


# The worker that answers.

START = {
    "ui-messages": b'{"type": "text-start", "id": "1"}',
    "ag-ui": b'{"type": "RUN_STARTED", "threadId": "t1", "runId": "r1"}',
}


def never_ending(view: Any) -> AsyncIterator[Entry]:
    async def parts() -> AsyncIterator[Entry]:
        yield Entry(None, "", START[view])
        await asyncio.Event().wait()

    return parts()


@each_view
@pytest.mark.parametrize("request_line", REQUESTS)
async def test_a_worker_that_stops_breaks_the_connection(view: Any, request_line: str) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await relay_response(request, never_ending(view), view=view)

    async with serving(handler) as port:
        stopping = asking(port, REQUESTS[request_line])
        reader = await stopping.__aenter__()
        await reader.until(START[view])
    got = await reader.end()
    await stopping.__aexit__(None, None, None)

    assert not got.looks_whole


@each_view
@pytest.mark.system
async def test_an_asgi_server_that_stops_breaks_the_connection(view: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await RelayResponse(never_ending(view), view=view)(scope, receive, send)

    for name in ("1.1", "1.1, close", "1.1, POST"):
        async with by_uvicorn(app) as url:
            stopping = asking(port_of(url), REQUESTS[name])
            reader = await stopping.__aenter__()
            await reader.until(START[view])
        got = await reader.end()
        await stopping.__aexit__(None, None, None)

        assert not got.looks_whole, name


WORKER = """
import asyncio, sys
from aiohttp import web
from asyncstream.relay import Entry, relay_response

view, start = sys.argv[1:]

async def silent():
    yield Entry(None, "", start.encode())
    await asyncio.Event().wait()

async def answer(request):
    return await relay_response(request, silent(), view=view)

async def main():
    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@each_view
@pytest.mark.parametrize("request_line", REQUESTS)
async def test_a_worker_that_is_killed_breaks_the_connection(view: Any, request_line: str) -> None:
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, view, START[view].decode(), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert worker.stdout is not None
        async with asking(int(await worker.stdout.readline()), REQUESTS[request_line]) as reader:
            await reader.until(START[view])
            worker.kill()
            got = await reader.end()
    finally:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()

    assert not got.looks_whole
