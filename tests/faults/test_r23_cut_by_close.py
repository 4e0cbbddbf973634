"""R23: "a cut told by a close: `form="text"` to HTTP/1.0 and behind nginx with its defaults: never looks whole: reset,
or refused with a clear word."

Plain text has no frame that says that it is the last. HTTP/1.1 tells the end of a body from the end of a connection, by
chunks; HTTP/1.0, which nginx speaks to its upstream unless it is told otherwise, does not: there the connection has to
end with a reset. aiohttp.web lets us do that; an ASGI server does not, so that readers are told to ask otherwise. Each
way in which an answer can end too early is tried on each kind of request; and that whole answers look whole.
"""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import trustme
from aiohttp import web
from asgi_servers import Application, by_hypercorn, by_uvicorn, by_uvicorn_httptools
from assistants_wire import DONE, HELLO
from nginx import needs_nginx, nginx
from reading import Got, ask, asking
from upstream_wire import upstream

from asyncstream.errors import ConfigurationError
from asyncstream.relay import Entry, RelayResponse, RunLog, open_relay, relay_response
from asyncstream.relay.log.memory import MemoryStore

pytestmark = pytest.mark.faults

SAID = "Take 2 pills, but never "
WORDS = Entry(None, "text", json.dumps({"text": SAID}).encode())
LAST = Entry(None, "done", b"[DONE]")

REQUESTS = {
    "1.0": b"GET / HTTP/1.0\r\nHost: x\r\n\r\n",
    "1.0, keep-alive": b"GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
    "1.1": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "1.1, close": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "1.1, POST": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
}
OLD = [name for name in REQUESTS if name.startswith("1.0")]
requests = pytest.mark.parametrize("request_line", REQUESTS)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


# What ends too early.


async def failing() -> AsyncIterator[Entry]:
    yield WORDS
    raise ZeroDivisionError


async def unsound() -> AsyncIterator[Entry]:
    yield WORDS
    yield Entry(None, "text\n", b"{}")


async def erroneous() -> AsyncIterator[Entry]:
    yield WORDS
    yield Entry(None, "error", b'{"error": {"message": "overloaded", "code": "server_error"}}')


async def odd_error() -> AsyncIterator[Entry]:
    yield WORDS
    yield Entry(None, "error", b"[overloaded")


async def no_text() -> AsyncIterator[Entry]:
    yield WORDS
    yield Entry(None, "thread.run.created", b"{}")


async def no_json() -> AsyncIterator[Entry]:
    yield WORDS
    yield Entry(None, "text", b"and never")


async def cancelled() -> AsyncIterator[Entry]:
    yield WORDS
    raise asyncio.CancelledError


class Endless:
    """A source that ends without a last entry."""

    async def open(self) -> None:
        pass

    async def __aiter__(self) -> AsyncIterator[Entry]:
        yield WORDS

    async def close(self) -> None:
        pass


async def silent() -> AsyncIterator[Entry]:
    yield WORDS
    await asyncio.Event().wait()


async def whole() -> AsyncIterator[Entry]:
    yield WORDS
    yield LAST


CUTS: dict[str, Callable[[], Any]] = {
    "fails": failing,
    "unsound": unsound,
    "error": erroneous,
    "odd error": odd_error,
    "no text": no_text,
    "no JSON": no_json,
    "cancelled": cancelled,
    "no last entry": Endless,
}
cuts = pytest.mark.parametrize("cut", CUTS)


@asynccontextmanager
async def serving(handler: Handler, **options: Any) -> AsyncIterator[int]:
    """Serve one handler with aiohttp.web; give the port."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, **options).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def relaying(make: Callable[[], Any], **options: Any) -> Handler:
    options = {"form": "text", **options}

    async def handler(request: web.Request) -> web.StreamResponse:
        return await relay_response(request, make(), **options)

    return handler


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


# aiohttp.web.


@cuts
@requests
async def test_a_cut_text_does_not_look_whole(request_line, cut):
    async with serving(relaying(CUTS[cut])) as port:
        got = await ask(port, REQUESTS[request_line])

    assert (200, SAID.encode(), False) == (got.status, got.body, got.looks_whole)
    assert ("rst" if request_line in OLD else "fin") == got.ended


@requests
@pytest.mark.parametrize("then", ["rst", "end"])
async def test_a_text_whose_upstream_breaks_does_not_look_whole(request_line, then):
    async with upstream(HELLO[:4], then) as model, serving(relaying(model.run)) as port:
        got = await ask(port, REQUESTS[request_line])

    assert (200, b"Hel", False) == (got.status, got.body, got.looks_whole)


@requests
async def test_a_whole_text_looks_whole_and_its_connection_ends_at_once(request_line):
    async with upstream([*HELLO, DONE]) as model, serving(relaying(model.run)) as port:
        async with asyncio.timeout(10):
            got = await ask(port, REQUESTS[request_line])

    assert (200, b"Hello", True) == (got.status, got.body, got.looks_whole)


async def test_a_long_text_arrives_whole_before_its_connection_ends():
    async def long() -> AsyncIterator[Entry]:
        for _ in range(100):
            yield Entry(None, "text", json.dumps({"text": "x" * 50_000}).encode())

    async with serving(relaying(long)) as port:
        got = await ask(port, REQUESTS["1.0"])

    assert (5_000_000, True) == (len(got.body), got.looks_whole)


async def test_a_log_that_is_closed_while_its_run_goes_on_elsewhere_cuts_the_text():
    store = MemoryStore()
    async with RunLog(store) as producer:
        await producer.start("run-1", silent())
        reader = RunLog(store)

        async def handler(request: web.Request) -> web.StreamResponse:
            return await reader.respond(request, "run-1", form="text")

        async with serving(handler) as port, AsyncExitStack() as stack:
            lines = REQUESTS.values()
            exchanges = [await stack.enter_async_context(asking(port, line)) for line in lines]
            async with asyncio.timeout(10):
                await asyncio.gather(*(exchange.until(SAID.encode()) for exchange in exchanges))
            await reader.close()
            answers = [await exchange.end() for exchange in exchanges]

    assert [(200, False)] * len(REQUESTS) == [(got.status, got.looks_whole) for got in answers]


@requests
@pytest.mark.parametrize("how", ["the server stops", "the handler is cancelled"])
async def test_a_server_that_stops_does_not_make_a_text_look_whole(request_line, how):
    tasks: list[asyncio.Task[Any]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        return await relay_response(request, silent(), form="text")

    async with AsyncExitStack() as server:
        port = await server.enter_async_context(serving(handler))
        async with asking(port, REQUESTS[request_line]) as reader:
            await reader.until(SAID.encode())
            if how == "the server stops":
                await server.aclose()
            else:
                tasks[0].cancel()
            got = await reader.end()

    assert not got.looks_whole


@requests
@pytest.mark.parametrize("when", ["with its request", "in mid-answer"])
async def test_a_reader_that_ends_its_own_direction_gets_no_half_text_that_looks_whole(request_line, when):
    async with serving(relaying(silent)) as port, asking(port, REQUESTS[request_line]) as reader:
        if when == "in mid-answer":
            await reader.until(SAID.encode())
        reader.half_close()
        got = await reader.end()

    assert not got.looks_whole
    assert got.ended != "open"


@pytest.mark.parametrize("form", ["sse", "ndjson"])
@requests
async def test_other_forms_say_by_themselves_whether_they_are_whole(request_line, form):
    cut, end = (b"event: error\n", b"event: done\n") if form == "sse" else (b'{"event":"error"', b'{"event":"done"')
    async with serving(relaying(failing, form=form)) as port:
        got = await ask(port, REQUESTS[request_line])
    assert (True, False) == (cut in got.body, end in got.body)

    async with serving(relaying(whole, form=form)) as port:
        async with asyncio.timeout(10):
            got = await ask(port, REQUESTS[request_line])
    assert (False, True, True) == (cut in got.body, end in got.body, got.looks_whole)

    async with serving(relaying(Endless, form=form)) as port:
        got = await ask(port, REQUESTS[request_line])
    assert (False, False) == (cut in got.body, end in got.body)


KILLED = """
import asyncio, sys
from aiohttp import web
from asyncstream.relay import Entry, relay_response

async def silent():
    yield Entry(None, "text", b'{"text": "Take 2 pills, but never "}')
    await asyncio.Event().wait()

async def answer(request):
    return await relay_response(request, silent(), form="text")

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


@requests
async def test_a_process_that_is_killed_does_not_make_a_text_look_whole(request_line):
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        async with asking(port, REQUESTS[request_line]) as reader:
            await reader.until(SAID.encode())
            process.kill()
            got = await reader.end()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()

    assert not got.looks_whole


# What cannot be reset.


async def unasked() -> AsyncIterator[Entry]:
    raise AssertionError("the upstream was asked")
    yield WORDS


def refused(got: Got) -> bool:
    error = json.loads(got.body)["error"]
    return (505, "http_version_not_supported") == (got.status, error["code"]) and "HTTP/1.1" in error["message"]


@pytest.mark.parametrize("request_line", OLD)
async def test_text_over_tls_or_a_local_socket_is_refused_to_the_old_version(request_line, tmp_path):
    authority = trustme.CA()
    served, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(served)
    authority.configure_trust(trusting)
    async with serving(relaying(unasked), ssl_context=served) as port:
        assert refused(await ask(port, REQUESTS[request_line], tls=trusting, patience=1))

    app = web.Application()
    app.router.add_get("/", relaying(unasked))
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(tmp_path / "socket")).start()
        assert refused(await ask(str(tmp_path / "socket"), REQUESTS[request_line], patience=1))
    finally:
        await runner.cleanup()


# ASGI.


def bare_app(make: Callable[[], Any]) -> Application:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await RelayResponse(make(), form="text")(scope, receive, send)

    return app


def starlette_app(make: Callable[[], Any], *middleware: Any) -> Application:
    pytest.importorskip("starlette", reason="starlette is not installed")
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.middleware.gzip import GZipMiddleware
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def pass_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    kinds = {"http": Middleware(BaseHTTPMiddleware, dispatch=pass_on), "gzip": Middleware(GZipMiddleware)}

    async def response(request: Request) -> Any:
        return RelayResponse(make(), form="text")

    async def opened(request: Request) -> Any:
        relay = await open_relay(make(), request=request, form="text")
        return StreamingResponse(relay.body, relay.status, relay.headers)

    routes = [Route("/", response, methods=["GET", "POST"]), Route("/opened", opened, methods=["GET", "POST"])]
    return Starlette(routes=routes, middleware=[kinds[name] for name in middleware])


def quart_app(make: Callable[[], Any]) -> Application:
    quart = pytest.importorskip("quart", reason="quart is not installed")
    app = quart.Quart("text")

    @app.route("/", methods=["GET", "POST"])
    async def ask() -> Any:
        relay = await open_relay(make(), request=quart.request, form="text")
        response = quart.Response(relay.body, relay.status, relay.headers)
        response.timeout = None
        return response

    return app


APPS: dict[str, tuple[Callable[[Callable[[], Any]], Application], bytes]] = {
    "bare": (bare_app, b"/"),
    "Starlette": (starlette_app, b"/"),
    "Starlette, opened": (starlette_app, b"/opened"),
    "Starlette with two middlewares": (lambda make: starlette_app(make, "http", "gzip", "http"), b"/"),
    "Starlette with two middlewares, opened": (lambda make: starlette_app(make, "http", "gzip", "http"), b"/opened"),
    "Quart": (quart_app, b"/"),
}
SERVERS = {"uvicorn": by_uvicorn, "uvicorn with httptools": by_uvicorn_httptools, "hypercorn": by_hypercorn}

apps = pytest.mark.parametrize("app", APPS)
servers = pytest.mark.parametrize("server", SERVERS)


def asked(request_line: str, path: bytes) -> bytes:
    return REQUESTS[request_line].replace(b" / ", b" %b " % path)


@pytest.mark.system
@apps
@servers
async def test_a_cut_text_does_not_look_whole_on_an_asgi_server(server, app):
    make, path = APPS[app]
    async with SERVERS[server](make(failing)) as url:
        for name in REQUESTS:
            got = await ask(port_of(url), asked(name, path))
            if name in OLD:
                assert refused(got), name
            else:
                assert (200, SAID.encode(), False) == (got.status, got.body, got.looks_whole), name


@pytest.mark.system
@apps
@servers
async def test_a_whole_text_looks_whole_on_an_asgi_server(server, app):
    make, path = APPS[app]
    async with SERVERS[server](make(whole)) as url:
        for name in REQUESTS.keys() - OLD:
            got = await ask(port_of(url), asked(name, path))

            assert (200, SAID.encode(), True) == (got.status, got.body, got.looks_whole), name


@pytest.mark.system
@apps
@servers
async def test_the_old_version_is_refused_before_the_upstream_is_asked(server, app):
    make, path = APPS[app]
    async with SERVERS[server](make(unasked)) as url:
        for name in OLD:
            assert refused(await ask(port_of(url), asked(name, path), patience=5)), name


@pytest.mark.parametrize(
    ("version", "status"), [("0.9", 505), ("1.0", 505), ("1", 505), ("1.1", 200), ("2", 200), ("2.0", 200), ("3", 200)]
)
@pytest.mark.parametrize("opened", [False, True])
async def test_each_server_spells_the_version_in_its_own_way(opened, version, status):
    scope = {"type": "http", "method": "GET", "http_version": version, "headers": []}
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    if opened:
        relay = await open_relay(whole(), request=scope, form="text")
        found = relay.status
        await relay.body.aclose()
    else:
        await RelayResponse(whole(), form="text")(scope, receive, send)
        found = sent[0]["status"]

    assert status == found


async def test_a_relay_that_does_not_know_its_request_gives_no_text():
    with pytest.raises(ConfigurationError, match=r"open_relay gives the form 'text' only to .* \(request=\.\.\.\)"):
        await open_relay(unasked(), form="text")


# nginx.

DEFAULTS = ""
NEWER = "proxy_http_version 1.1; proxy_set_header Connection '';"


@pytest.mark.system
@needs_nginx
@pytest.mark.parametrize("options", [DEFAULTS, NEWER, "proxy_buffering off;"])
async def test_a_cut_text_does_not_look_whole_behind_nginx(options, tmp_path):
    async with serving(relaying(failing)) as port, nginx(tmp_path, f"127.0.0.1:{port}", options) as front:
        got = await ask(front, REQUESTS["1.1, close"])

    assert (200, SAID.encode(), False) == (got.status, got.body, got.looks_whole)


@pytest.mark.system
@needs_nginx
@pytest.mark.parametrize("options", [DEFAULTS, NEWER])
async def test_a_whole_text_looks_whole_behind_nginx(options, tmp_path):
    async with serving(relaying(whole)) as port, nginx(tmp_path, f"127.0.0.1:{port}", options) as front:
        got = await ask(front, REQUESTS["1.1, close"])

    assert (200, SAID.encode(), True) == (got.status, got.body, got.looks_whole)


@pytest.mark.system
@needs_nginx
async def test_nginx_with_its_defaults_before_a_local_socket_is_refused(tmp_path):
    app = web.Application()
    app.router.add_get("/", relaying(unasked))
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(tmp_path / "socket")).start()
        async with nginx(tmp_path, f"unix:{tmp_path / 'socket'}") as front:
            assert refused(await ask(front, REQUESTS["1.1, close"]))
    finally:
        await runner.cleanup()


@pytest.mark.system
@needs_nginx
@servers
async def test_nginx_before_an_asgi_server_is_refused_with_its_defaults_and_served_by_the_newer_version(
    server, tmp_path
):
    for options, make in ((DEFAULTS, unasked), (NEWER, failing), (NEWER, whole)):
        async with SERVERS[server](bare_app(make)) as url:
            async with nginx(tmp_path, url.removeprefix("http://"), options) as front:
                got = await ask(front, REQUESTS["1.1, close"])
        if options == DEFAULTS:
            assert refused(got)
        else:
            assert (200, SAID.encode(), make is whole) == (got.status, got.body, got.looks_whole)
