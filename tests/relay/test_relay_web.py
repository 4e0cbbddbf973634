"""`relay_response` in a real aiohttp.web server: honest statuses, browsers that leave, and those that stall."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from assistants_wire import DONE, HELLO
from upstream_wire import HELLO_CHAT, Upstream, browser, upstream

from asyncstream import AsyncClient
from asyncstream.errors import ConfigurationError
from asyncstream.relay import CursorGoneError, Entry, RunNotFoundError, relay_response
from asyncstream.relay.frames import GREETING, HEARTBEAT
from asyncstream.relay.web import _watcher
from benchmarks.free_ports import free_port

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SILENT = HELLO[:4]

TEXT_LINES = b'{"text":"Hel"}\n{"text":"lo"}\n{"event":"done","data":"[DONE]"}\n'


@asynccontextmanager
async def web_app(handler: Handler, **options: Any) -> AsyncIterator[str]:
    """Serve one handler, by default as aiohttp does."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, **options)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def relaying(model: Upstream, **options: Any) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await relay_response(request, model.run(), **options)

    return handler


def ours() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("asyncstream")}


async def none_of_ours() -> None:
    """Wait until no task of the package is left."""
    tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("asyncstream")]
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks, return_exceptions=True)


# The answer.


async def test_a_run_is_the_answer():
    async with upstream([*HELLO, DONE]) as model, web_app(relaying(model)) as url, browser(url) as page:
        await page.answered()

        assert GREETING + b"".join(HELLO) + DONE == await page.body()
    assert 200 == page.status
    assert {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
        "content-encoding": "identity",
        "x-request-id": "req_1",
    }.items() <= page.headers.items()
    assert set() == ours()


async def test_the_connection_serves_the_next_request():
    async with upstream([*HELLO, DONE]) as model, web_app(relaying(model)) as url, browser(url) as page:
        await (await page.answered()).body()
        page.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

        assert DONE in await (await page.answered()).body()


@pytest.mark.parametrize(
    ("options", "content_type", "body"),
    [
        ({"form": "ndjson", "view": "text"}, "application/x-ndjson", TEXT_LINES),
        ({"form": "text"}, "text/plain; charset=utf-8", b"Hello"),
        ({"compatible": True}, "text/event-stream; charset=utf-8", b"".join(HELLO) + DONE),
    ],
)  # fmt: skip
async def test_other_forms(options, content_type, body):
    async with upstream([*HELLO, DONE]) as model, web_app(relaying(model, **options)) as url, browser(url) as page:
        await page.answered()

        assert (content_type, body) == (page.headers["content-type"], await page.body())


async def test_the_callers_headers_win():
    own = {"Access-Control-Allow-Origin": "*", "cache-control": "private"}
    async with upstream([*HELLO, DONE]) as model, web_app(relaying(model, headers=own)) as url, browser(url) as page:
        await page.answered()

        assert ("*", "private") == (page.headers["access-control-allow-origin"], page.headers["cache-control"])


async def test_events_arrive_one_by_one_as_the_model_speaks():
    async with upstream(SILENT, "silence") as model, web_app(relaying(model)) as url, browser(url) as page:
        await page.answered()

        assert (await page.until(SILENT[-1][-30:])).count(b"event:") == 4


async def test_head_is_answered_without_asking_the_model():
    async with upstream([*HELLO, DONE]) as model, web_app(relaying(model)) as url:
        async with browser(url, method="HEAD") as page:
            await page.answered()

        assert ("text/event-stream; charset=utf-8", []) == (page.headers["content-type"], model.server.requests)


async def test_heartbeats_keep_a_silent_answer_alive():
    async with upstream(SILENT, "silence") as model, web_app(relaying(model, heartbeat=0.02)) as url:
        async with browser(url) as page:
            await page.answered()
            await page.until(HEARTBEAT[:-1])
            await page.until(HEARTBEAT[:-1])


# Honest statuses.


@pytest.mark.parametrize(
    ("status", "code", "retry_after"),
    [(400, "bad", None), (401, "upstream_refused", None), (429, "bad", "7"), (503, "bad", None)],
)
async def test_what_the_upstream_refuses_is_the_status_of_the_answer(status, code, retry_after):
    body = b'{"error": {"message": "no: sk-secret-key-1", "code": "bad"}}'
    more = {"Retry_After": retry_after} if retry_after else {}
    left = []
    handler_options = {"on_leave": lambda: left.append(1)}
    async with upstream([], status=status, body=body, headers=more) as model:
        async with web_app(relaying(model, **handler_options)) as url, browser(url) as page:
            await page.answered()
            answer = await page.body()

    assert (status, "application/json", retry_after) == (
        page.status,
        page.headers["content-type"].partition(";")[0],
        page.headers.get("retry-after"),
    )
    assert (code, False, []) == (json.loads(answer)["error"]["code"], b"sk-secret" in answer, left)


async def test_an_upstream_that_is_not_there_is_502():
    async with AsyncClient(api_key="k", base_url=f"http://127.0.0.1:{free_port()}", max_retries=0) as client:

        async def handler(request):
            return await relay_response(request, client.chat.completions.stream(model="m", messages=[]))

        async with web_app(handler) as url, browser(url) as page:
            await page.answered()
            answer = await page.body()

    assert (502, "upstream_unreachable") == (page.status, json.loads(answer)["error"]["code"])
    assert b"127.0.0.1" not in answer


@pytest.mark.parametrize(
    ("error", "status"), [(RunNotFoundError("no such run"), 404), (CursorGoneError("trimmed away"), 410)]
)
async def test_what_a_log_refuses_is_the_status_of_the_answer(error, status):
    class Refusing:
        async def open(self):
            raise error

        def __aiter__(self):
            raise AssertionError

        async def close(self):
            pass

    async with web_app(lambda request: relay_response(request, Refusing())) as url, browser(url) as page:
        await page.answered()

        assert (status, error.body()) == (page.status, await page.body())


async def test_a_reader_that_has_all_is_told_to_stay_away():
    class AtEnd:
        at_end = True

        async def open(self):
            pass

        def __aiter__(self):
            return self

        async def __anext__(self):
            raise StopAsyncIteration

        async def close(self):
            pass

    async with web_app(lambda request: relay_response(request, AtEnd())) as url, browser(url) as page:
        await page.answered()

        assert 204 == page.status


async def test_a_failure_in_the_middle_is_an_event_and_a_clean_end():
    async with upstream(SILENT, "rst") as model, web_app(relaying(model)) as url, browser(url) as page:
        await page.answered()
        body = await page.body()

    assert body.startswith(GREETING + b"".join(SILENT) + b"event: error\n")


async def test_plain_text_that_is_not_whole_does_not_end_cleanly():
    async with upstream(SILENT, "rst") as model, web_app(relaying(model, form="text")) as url, browser(url) as page:
        await page.answered()
        assert b"Hel" == (await page.until(b"Hel"))[-3:]
        with pytest.raises(asyncio.IncompleteReadError):
            await page.until(b"0\r\n\r\n")


async def test_a_mistake_of_the_program_is_raised_to_the_handler():
    async with upstream([*HELLO, DONE]) as model:
        raised = []

        async def handler(request):
            stream = model.run()
            await stream.close()
            try:
                return await relay_response(request, stream)
            except ConfigurationError as error:
                raised.append(str(error))
                raise web.HTTPConflict from error

        async with web_app(handler) as url, browser(url) as page:
            await page.answered()

    assert (409, ["a stream can be opened once; make a new one for another request"]) == (page.status, raised)


# Browsers that leave.


@pytest.mark.parametrize("handler_cancellation", [False, True])
async def test_a_browser_that_leaves_closes_a_silent_upstream_and_cancels_the_run(handler_cancellation):
    async with upstream(SILENT, "silence") as model:

        async def handler(request):
            stream = model.run()

            async def cancel():
                run = stream.current_run
                await model.client.threads.runs.cancel(run.id, thread_id=run.thread_id)

            return await relay_response(request, stream, on_leave=cancel)

        async with web_app(handler, handler_cancellation=handler_cancellation) as url:
            async with browser(url) as page:
                await page.answered()
                await page.until(b'"Hel"')
                page.leave()
                await model.left_after(0)
            await none_of_ours()

        assert "/threads/thread_1/runs/run_1/cancel" == model.server.requests[-1].target


@pytest.mark.timing
@pytest.mark.parametrize("handler_cancellation", [False, True])
async def test_a_silent_upstream_is_closed_within_100_ms(handler_cancellation, capsys):
    took = []
    for _ in range(5):
        async with upstream(SILENT, "silence") as model:
            async with web_app(relaying(model), handler_cancellation=handler_cancellation) as url:
                async with browser(url) as page:
                    await page.answered()
                    await page.until(b'"Hel"')
                    took.append(await model.left_after(page.leave()))
    with capsys.disabled():
        print(f"\naiohttp.web, {handler_cancellation=}: upstream closed after at most {max(took) * 1e3:.1f} ms")

    assert max(took) < 0.1


async def test_a_browser_that_leaves_before_the_upstream_answers_closes_it():
    async with upstream([], "silence", status=0) as model, web_app(relaying(model)) as url:
        async with browser(url) as page:
            await model.asked.wait()
            page.leave()
            await model.left_after(0)
        await none_of_ours()


async def test_a_browser_that_stays_to_the_end_has_not_left():
    left = []

    async def on_leave():
        left.append(1)

    async with upstream([*HELLO, DONE]) as model, web_app(relaying(model, on_leave=on_leave)) as url:
        async with browser(url) as page:
            await (await page.answered()).body()

    assert [] == left


@pytest.mark.parametrize("handler_cancellation", [False, True])
async def test_what_fails_after_leaving_is_logged_and_no_more(caplog, handler_cancellation):
    told = asyncio.Event()

    async def on_leave():
        told.set()
        raise KeyError("x")

    async with upstream(SILENT, "silence") as model:
        async with web_app(relaying(model, on_leave=on_leave), handler_cancellation=handler_cancellation) as url:
            async with browser(url) as page:
                await page.answered()
                page.leave()
                await asyncio.wait_for(told.wait(), 5)
            await none_of_ours()

    assert ["what was to be done when a reader left failed with KeyError"] == [
        record.getMessage() for record in caplog.records if record.levelname == "ERROR"
    ]


async def test_a_browser_that_leaves_while_the_answer_is_written_ends_the_upstream():
    closed = asyncio.Event()

    async def flood():
        try:
            while True:
                yield Entry(None, "", b"x" * 60_000)
                await asyncio.sleep(0)
        finally:
            closed.set()

    async with web_app(lambda request: relay_response(request, flood())) as url, browser(url) as page:
        await page.answered()
        page.leave()
        await asyncio.wait_for(closed.wait(), 5)


async def test_connections_are_looked_at_only_while_there_are_any():
    async with upstream(SILENT, "silence") as model, web_app(relaying(model)) as url:
        async with browser(url) as page:
            await page.answered()
            assert (1, True) == (len(_watcher()._watched), _watcher()._timer is not None)
            page.leave()
            await model.left_after(0)
        await none_of_ours()

        assert (0, None) == (len(_watcher()._watched), _watcher()._timer)


# Browsers that stall.


async def test_a_browser_that_does_not_read_is_dropped_and_the_source_held_back():
    made = 0
    closed = asyncio.Event()

    async def flood():
        nonlocal made
        try:
            while True:
                made += 1
                yield Entry(made, "", b"x" * 60_000)
        finally:
            closed.set()

    handler = lambda request: relay_response(request, flood(), stall_timeout=0.2)  # noqa: E731
    async with web_app(handler) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            silent.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            began = time.monotonic()
            await asyncio.wait_for(closed.wait(), 10)
            # The buffers of two sockets, and what the relay reads ahead.
            assert made < 200
            assert time.monotonic() - began < 5
            silent.settimeout(5)
            # What the kernel has got; then a reset, not an end.
            with pytest.raises(ConnectionResetError):
                while await asyncio.to_thread(silent.recv, 1 << 20):
                    pass


async def test_a_slow_browser_that_reads_gets_all_of_it():
    async with upstream([*HELLO_CHAT[:1] * 6_000, *HELLO_CHAT[2:]]) as model:

        async def handler(request):
            return await relay_response(request, model.chat(), stall_timeout=5)

        async with web_app(handler) as url, browser(url) as page:
            await page.answered()
            got = 0
            while data := await page.reader.read(200_000):
                got += data.count(b'"Hel"')
                if data.endswith(b"0\r\n\r\n"):
                    break

    assert 6_000 == got
