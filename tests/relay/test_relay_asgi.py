"""`RelayResponse` and `open_relay`: by the letter of ASGI, and in Starlette, FastAPI and Quart on real servers."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgi_servers import Application, by_hypercorn, by_uvicorn
from assistants_wire import DONE, HELLO
from upstream_wire import Upstream, browser, upstream

from asyncstream.errors import ConfigurationError, StreamEventError
from asyncstream.relay import Entry, RelayResponse, open_relay
from asyncstream.relay.frames import GREETING

SILENT = HELLO[:4]

WHOLE = GREETING + b"".join(HELLO) + DONE


class Exchange:
    """One request as a server of some ASGI version gives it to an application."""

    def __init__(self, *, version: str = "2.3", method: str = "GET", body: tuple[bytes, ...] = (b"",)) -> None:
        asgi = {"version": "3.0", "spec_version": version}
        self.scope: dict[str, Any] = {"type": "http", "method": method, "path": "/", "headers": [], "asgi": asgi}
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self.raises_when_gone = version >= "2.4"
        self._body = [
            {"type": "http.request", "body": part, "more_body": number < len(body)}
            for number, part in enumerate(body, 1)
        ]
        self._grown = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self._body:
            return self._body.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if self.gone.is_set() and self.raises_when_gone:
            raise OSError("the client has disconnected")
        self.sent.append(dict(message))
        self._grown.set()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(5):
            while text not in self.body:
                self._grown.clear()
                await self._grown.wait()

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def ended(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False

    async def run(self, response: RelayResponse) -> "Exchange":
        await response(self.scope, self.receive, self.send)
        return self


def ours() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("asyncstream")]


async def none_of_ours_but(name: str = "") -> None:
    """Wait until no task of the package is left, or only those of one name."""
    tasks = [
        task for task in asyncio.all_tasks() if task.get_name().startswith("asyncstream") and task.get_name() != name
    ]
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks, return_exceptions=True)


async def given(*items: Entry) -> AsyncIterator[Entry]:
    for item in items:
        yield item


# By the letter.


async def test_a_run_is_the_answer():
    async with upstream([*HELLO, DONE]) as model:
        answer = await Exchange(body=(b"a", b"b")).run(RelayResponse(model.run()))

    assert (200, WHOLE, True) == (answer.status, answer.body, answer.ended)
    assert {
        b"content-type": b"text/event-stream; charset=utf-8",
        b"cache-control": b"no-store",
        b"x-accel-buffering": b"no",
        b"content-encoding": b"identity",
        b"x-request-id": b"req_1",
    } == answer.headers
    assert [] == ours()


async def test_what_the_upstream_refuses_is_the_status_of_the_answer():
    async with upstream(
        [], status=429, body=b'{"error": {"message": "slow down"}}', headers={"Retry_After": "7"}
    ) as model:
        answer = await Exchange().run(RelayResponse(model.run()))

    assert (429, b"7", "slow down") == (
        answer.status,
        answer.headers[b"retry-after"],
        json.loads(answer.body)["error"]["message"],
    )


async def test_head_is_answered_without_asking_the_model():
    async with upstream([*HELLO, DONE]) as model:
        answer = await Exchange(method="HEAD").run(RelayResponse(model.run()))

        assert (200, b"", True, []) == (answer.status, answer.body, answer.ended, model.server.requests)


@pytest.mark.parametrize("version", ["2.1", "2.3", "2.4", "2.5"])
async def test_a_browser_that_leaves_closes_a_silent_upstream_whatever_the_version(version):
    told = []

    async def on_leave():
        told.append(1)

    async with upstream(SILENT, "silence") as model:
        answer = Exchange(version=version)
        running = asyncio.create_task(answer.run(RelayResponse(model.run(), on_leave=on_leave)))
        await answer.until(b'"Hel"')
        answer.gone.set()
        await asyncio.wait_for(running, 5)
        await model.left_after(0)

    assert ([1], False, []) == (told, answer.ended, ours())


async def test_a_browser_that_leaves_before_the_upstream_answers_closes_it():
    async with upstream([], "silence", status=0) as model:
        answer = Exchange()
        running = asyncio.create_task(answer.run(RelayResponse(model.run())))
        await model.asked.wait()
        answer.gone.set()
        await asyncio.wait_for(running, 5)
        await model.left_after(0)

    assert ([], []) == (answer.sent, ours())


async def test_a_server_that_raises_when_the_browser_has_left_ends_the_answer():
    closed = asyncio.Event()

    async def flood():
        try:
            while True:
                yield Entry(None, "", b"x")
                await asyncio.sleep(0)
        finally:
            closed.set()

    answer = Exchange(version="2.4")
    # This server's `receive` says nothing any more: `send` alone tells.
    answer.receive = asyncio.Event().wait  # type: ignore[method-assign, assignment]
    running = asyncio.create_task(answer.run(RelayResponse(flood())))
    await answer.until(b"data: x")
    answer.gone.set()
    await asyncio.wait_for(running, 5)

    assert (True, []) == (closed.is_set(), ours())


async def test_cancelled_by_its_server_it_closes_the_upstream():
    async with upstream(SILENT, "silence") as model:
        answer = Exchange()
        running = asyncio.create_task(answer.run(RelayResponse(model.run())))
        await answer.until(b'"Hel"')
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await model.left_after(0)

    assert [] == ours()


async def test_a_browser_that_does_not_read_is_dropped():
    answer = Exchange()
    answer.send = lambda message: asyncio.Event().wait()  # type: ignore[method-assign, assignment]
    async with asyncio.timeout(5):
        await answer.run(RelayResponse(given(Entry(1, "", b"{}")), stall_timeout=0.05))

    assert [] == ours()


async def test_plain_text_that_is_not_whole_is_raised_for_the_server_to_cut_it():
    async with upstream(SILENT, "rst") as model:
        answer = Exchange()
        with pytest.raises(StreamEventError, match="the relayed stream failed"):
            await answer.run(RelayResponse(model.run(), form="text"))

    assert (b"Hel", False) == (answer.body, answer.ended)


async def test_what_is_to_be_done_afterwards_is_done():
    done = []

    async def background():
        done.append(1)

    response = RelayResponse(given(Entry(1, "", b"{}")))
    response.background = background
    await Exchange().run(response)

    assert [1] == done


async def test_a_server_that_fails_to_say_who_left_is_no_reason_to_fail():
    async def receive():
        raise RuntimeError("the body was read already")

    answer = Exchange()
    answer.receive = receive  # type: ignore[method-assign]
    await answer.run(RelayResponse(given(Entry(1, "", b"{}"))))

    assert True is answer.ended


@pytest.mark.parametrize("status", [200, 401])
async def test_a_browser_that_left_before_the_first_byte_is_no_error(status):
    async with upstream([*HELLO, DONE], status=status) as model:
        answer = Exchange(version="2.4")
        # The server notices when it is given something to send, and says so to nobody else.
        answer.receive = asyncio.Event().wait  # type: ignore[method-assign, assignment]
        answer.gone.set()
        await answer.run(RelayResponse(model.run()))

    assert ([], []) == (answer.sent, ours())


async def test_a_reader_that_has_all_is_told_to_stay_away():
    class AtEnd:
        at_end = True

        async def open(self):
            pass

        def __aiter__(self):
            return given()

        async def close(self):
            pass

    answer = await Exchange().run(RelayResponse(AtEnd()))
    relay = await open_relay(AtEnd())

    assert (204, b"", True) == (answer.status, answer.body, answer.ended)
    assert 204 == relay.status


async def test_words_of_the_upstream_that_are_no_header_are_left_out():
    class Odd:
        request_id = "\udcff\n"

        async def open(self):
            pass

        def __aiter__(self):
            return given(Entry(None, "done", b"[DONE]"))

        async def close(self):
            pass

    answer = await Exchange().run(RelayResponse(Odd()))

    assert (200, False) == (answer.status, b"x-request-id" in answer.headers)


async def test_plain_text_that_is_not_whole_is_nothing_to_a_browser_that_left():
    async with upstream(SILENT, "rst") as model:
        answer = Exchange(version="2.4")
        answer.receive = asyncio.Event().wait  # type: ignore[method-assign, assignment]

        async def send(message):
            # All is read by now; the browser leaves before it is written.
            await none_of_ours_but("asyncstream browser")
            raise OSError("the client has disconnected")

        answer.send = send  # type: ignore[method-assign]
        await answer.run(RelayResponse(model.run(), form="text"))

    assert [] == answer.sent


async def test_a_websocket_is_refused():
    answer = Exchange()
    answer.scope["type"] = "websocket"
    with pytest.raises(ConfigurationError, match="a stream is the answer to a request of HTTP, got 'websocket'"):
        await answer.run(RelayResponse(given()))


# `open_relay`.


async def test_an_opened_relay_has_what_a_framework_needs():
    async with upstream([*HELLO, DONE]) as model:
        relay = await open_relay(model.run(), headers={"X-Own": "1"})

        assert (200, "1", "req_1") == (relay.status, relay.headers["X-Own"], relay.headers["X-Request-Id"])
        assert WHOLE == b"".join([data async for data in relay.body])
    assert [] == ours()


async def test_the_callers_headers_stand_in_place_of_the_relays_own():
    answer = await Exchange().run(RelayResponse(given(), headers={"cache-control": "private", "X-Own": "1"}))

    names = [name for name, _ in answer.sent[0]["headers"]]
    assert (sorted(set(names)), b"private", b"1") == (
        sorted(names),
        answer.headers[b"cache-control"],
        answer.headers[b"x-own"],
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"form": "xml"}, "expected form to be 'sse', 'ndjson' or 'text', got 'xml'"),
        ({"form": "text", "view": "changes"}, "the form 'text' shows the view 'text' only, got 'changes'"),
        (
            {"form": "ndjson", "compatible": True},
            "the compatible form is SSE of events, got form 'ndjson' and view None",
        ),
        ({"stall_timeout": -1}, "expected stall_timeout to be seconds above zero, or None for none, got -1"),
    ],
)
async def test_arguments_that_do_not_go_together_are_refused_at_once(arguments, message):
    with pytest.raises(ConfigurationError) as caught:
        RelayResponse(given(), **arguments)

    assert message == str(caught.value)


async def test_entries_that_are_made_already_give_their_text():
    items = [Entry(1, "text", b'{"text":"a"}'), Entry(2, "done", b"[DONE]")]
    answer = await Exchange().run(RelayResponse(given(*items), form="text"))

    assert (b"a", True) == (answer.body, answer.ended)


async def test_an_opened_relay_says_why_the_upstream_refused():
    async with upstream([], status=401, body=b'{"error": {"message": "wrong key"}}') as model:
        relay = await open_relay(model.run())

        assert (401, "application/json") == (relay.status, relay.headers["Content-Type"])
        assert "upstream_refused" == json.loads(b"".join([data async for data in relay.body]))["error"]["code"]


@pytest.mark.parametrize("how", ["aclose", "drop", "cancel", "drop unread"])
async def test_whatever_a_framework_does_with_the_body_the_upstream_is_closed(how):
    told = asyncio.Event()

    async def on_leave():
        told.set()

    async with upstream(SILENT, "silence") as model:
        relay = await open_relay(model.run(), on_leave=on_leave)
        got = b""
        if how != "drop unread":
            got += await anext(relay.body)
        if how == "aclose":
            await relay.body.aclose()
            await relay.body.aclose()
        elif how == "cancel":
            # All that was said is here: the next step waits.
            while b'"Hel"' not in got:
                got += await anext(relay.body)
            task = asyncio.create_task(anext(relay.body))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            del relay
        await model.left_after(0)
        await asyncio.wait_for(told.wait(), 5)
        await none_of_ours_but()


async def test_a_body_that_nobody_takes_from_is_given_up():
    closed = asyncio.Event()

    async def flood():
        try:
            while True:
                yield Entry(None, "", b"x" * 1000)
        finally:
            closed.set()

    relay = await open_relay(flood(), stall_timeout=0.05)
    await asyncio.wait_for(closed.wait(), 5)
    assert 200 == relay.status


# On real servers.


def starlette_app(model: Upstream, options: dict[str, Any]) -> Application:
    pytest.importorskip("starlette", reason="starlette is not installed")
    from starlette.applications import Starlette
    from starlette.routing import Route

    async def ask(request: Any) -> Any:
        return RelayResponse(model.run(), **options)

    return Starlette(routes=[Route("/", ask)])


def starlette_gzip_app(model: Upstream, options: dict[str, Any]) -> Application:
    app: Any = starlette_app(model, options)
    from starlette.middleware.gzip import GZipMiddleware

    app.add_middleware(GZipMiddleware, minimum_size=1)
    return app


def fastapi_app(model: Upstream, options: dict[str, Any]) -> Application:
    fastapi = pytest.importorskip("fastapi", reason="fastapi is not installed")
    from fastapi.responses import StreamingResponse

    app = fastapi.FastAPI()

    @app.get("/")
    async def ask() -> StreamingResponse:
        relay = await open_relay(model.run(), **options)
        return StreamingResponse(relay.body, relay.status, relay.headers)

    return app


def fastapi_class_app(model: Upstream, options: dict[str, Any]) -> Application:
    fastapi = pytest.importorskip("fastapi", reason="fastapi is not installed")

    class Relay(RelayResponse, fastapi.Response):
        pass

    app = fastapi.FastAPI()

    @app.get("/", response_class=Relay)
    async def ask() -> Any:
        return Relay(model.run(), **options)

    return app


def quart_app(model: Upstream, options: dict[str, Any]) -> Application:
    quart = pytest.importorskip("quart", reason="quart is not installed")
    app = quart.Quart("relaying")

    @app.get("/")
    async def ask() -> Any:
        relay = await open_relay(model.run(), **options)
        response = quart.Response(relay.body, relay.status, relay.headers)
        response.timeout = None
        return response

    return app


def litestar_app(model: Upstream, options: dict[str, Any]) -> Application:
    litestar = pytest.importorskip("litestar", reason="litestar is not installed")
    from litestar.response import Stream

    @litestar.get("/")
    async def ask() -> Stream:
        relay = await open_relay(model.run(), **options)
        return Stream(relay.body, status_code=relay.status, headers=relay.headers)

    return litestar.Litestar([ask])


SERVERS = [
    pytest.param(by_uvicorn, starlette_app, id="Starlette, uvicorn"),
    pytest.param(by_uvicorn, starlette_gzip_app, id="Starlette with gzip, uvicorn"),
    pytest.param(by_uvicorn, fastapi_app, id="FastAPI, uvicorn"),
    pytest.param(by_uvicorn, fastapi_class_app, id="FastAPI with a class, uvicorn"),
    pytest.param(by_uvicorn, quart_app, id="Quart, uvicorn"),
    pytest.param(by_hypercorn, quart_app, id="Quart, hypercorn"),
    pytest.param(by_hypercorn, starlette_app, id="Starlette, hypercorn"),
    pytest.param(by_uvicorn, litestar_app, id="Litestar, uvicorn"),
]


@pytest.mark.system
@pytest.mark.parametrize(("server", "make_app"), SERVERS)
async def test_a_run_is_relayed_on_a_real_server(server, make_app):
    async with upstream([*HELLO, DONE]) as model, server(make_app(model, {})) as url:
        async with browser(url, Accept_Encoding="gzip") as page:
            await page.answered()

            assert (200, WHOLE) == (page.status, await page.body())
    assert ("no-store", "no") == (page.headers["cache-control"], page.headers["x-accel-buffering"])


@pytest.mark.system
@pytest.mark.parametrize(("server", "make_app"), SERVERS)
async def test_a_refusal_is_an_honest_status_on_a_real_server(server, make_app):
    body = b'{"error": {"message": "slow down"}}'
    async with upstream([], status=429, body=body, headers={"Retry_After": "7"}) as model:
        async with server(make_app(model, {})) as url, browser(url) as page:
            await page.answered()

            assert "slow down" == json.loads(await page.body())["error"]["message"]
    assert (429, "7") == (page.status, page.headers["retry-after"])


@pytest.mark.system
@pytest.mark.parametrize(("server", "make_app"), SERVERS)
async def test_a_browser_that_leaves_closes_a_silent_upstream_on_a_real_server(server, make_app, request, capsys):
    took = []
    told = asyncio.Event()

    async def on_leave() -> None:
        told.set()

    for _ in range(5):
        async with upstream(SILENT, "silence") as model, server(make_app(model, {"on_leave": on_leave})) as url:
            async with browser(url) as page:
                await page.answered()
                await page.until(b'"Hel"')
                took.append(await model.left_after(page.leave()))
                await asyncio.wait_for(told.wait(), 5)
                told.clear()
    with capsys.disabled():
        print(f"\n{request.node.callspec.id}: upstream closed after at most {max(took) * 1e3:.1f} ms")

    assert min(took) < 0.1
