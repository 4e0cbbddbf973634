"""A run behind aiohttp.web and behind ASGI: the status of each request, the hook, the cursor."""

import asyncio
import json

import aiohttp
import pytest
from aiohttp import web
from event_streams import EventDecoder
from feeds import Feed, many, read, until

from asyncstream import ConfigurationError
from asyncstream.relay import RelayResponse, open_relay
from asyncstream.relay.errors import StoreError
from asyncstream.relay.log.memory import MemoryStore
from asyncstream.relay.log.run_log import RunLog


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def ids(response: aiohttp.ClientResponse) -> list[str]:
    return [event.id for event in EventDecoder().feed(await response.read())]


@pytest.fixture(params=["aiohttp.web", "asgi"])
async def get(request, session, aiohttp_app):
    """Ask for a run of a log by HTTP, or by what ASGI makes of it: give status, headers and body."""

    async def by_http(log: RunLog, path: str, **headers: str):
        async with aiohttp_app(log) as url, session.get(url + path, headers=rename(headers)) as response:
            return response.status, response.headers, await response.read()

    async def by_asgi(log: RunLog, path: str, **headers: str):
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in rename(headers).items()],
            "asgi": {"spec_version": "2.3"},
        }
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            await asyncio.Event().wait()

        await RelayResponse(log.reader(scope, path.rpartition("/")[2]))(scope, receive, send)
        got = {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], got, b"".join(message["body"] for message in sent[1:])

    return by_http if request.param == "aiohttp.web" else by_asgi


def rename(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def code_of(body: bytes) -> str:
    return json.loads(body)["error"]["code"]


async def test_a_run_is_answered_from_its_beginning(get):
    async with RunLog() as log:
        await log.start("run-1", many(3))
        status, headers, body = await get(log, "/runs/run-1")
    events = EventDecoder().feed(body)

    assert 200 == status
    assert "text/event-stream; charset=utf-8" == headers["Content-Type"]
    assert [("1", "said"), ("2", "said"), ("3", "said"), ("4", "done")] == [(event.id, event.event) for event in events]
    assert [1, 2, 3] == [json.loads(event.data)["n"] for event in events[:-1]]


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/runs/run-1?after=2", {}, ["3", "4"]),
        ("/runs/run-1", {"Last_Event_ID": "2"}, ["3", "4"]),
        ("/runs/run-1?after=1", {"Last_Event_ID": "3"}, ["4"]),
        ("/runs/run-1?after=0", {}, ["1", "2", "3", "4"]),
    ],
)
async def test_a_reader_goes_on_where_it_was(get, path, headers, expected):
    async with RunLog() as log:
        await log.start("run-1", many(3))
        await read(log, "run-1")
        _, _, body = await get(log, path, **headers)

    assert expected == [event.id for event in EventDecoder().feed(body)]


async def test_a_browser_that_has_everything_is_told_not_to_come_back(get):
    async with RunLog() as log:
        await log.start("run-1", many(3))
        await read(log, "run-1")
        status, _, body = await get(log, "/runs/run-1", Last_Event_ID="4")

    assert (204, b"") == (status, body)


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "", " ", "1" * 19, "0x1", "٣", "1,2"])
async def test_a_malformed_cursor(get, cursor):
    async with RunLog() as log:
        await log.start("run-1", many(3))
        status, headers, body = await get(log, f"/runs/run-1?after={cursor}")

    assert 400 == status
    assert headers["Content-Type"].startswith("application/json")
    assert "bad_cursor" == code_of(body)


async def test_a_malformed_cursor_that_a_handler_passes_on_itself():
    async with RunLog() as log:
        await log.start("run-1", many(3))
        opened = await open_relay(log.follow("run-1", after="x"))
        body = b"".join([data async for data in opened.body])

    assert (400, "bad_cursor") == (opened.status, code_of(body))


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/runs/other", 404, "run_not_found"),
        ("/runs/a%20b", 404, "run_not_found"),
        ("/runs/run-1?after=1", 410, "cursor_gone"),
        ("/runs/run-1?after=99999", 410, "cursor_gone"),
        ("/runs/other?after=4", 410, "cursor_gone"),
    ],
)
async def test_what_is_not_there(get, path, status, code):
    async with RunLog(MemoryStore(max_events=10)) as log:
        await log.start("run-1", many(300))
        await read(log, "run-1")
        found, _, body = await get(log, path)

    assert (status, code) == (found, code_of(body))


async def test_a_store_that_is_away(get):
    class Away(MemoryStore):
        async def read(self, run_id, after, *, limit):
            raise StoreError("the Redis at 10.0.0.7:6379 cannot be reached", host="10.0.0.7", port=6379)

    async with RunLog(Away()) as log:
        status, _, body = await get(log, "/runs/run-1")

    assert (503, "store_unavailable") == (status, code_of(body))
    assert b"10.0.0.7" not in body


async def test_the_hook_decides_before_anything_is_told(get):
    asked = []

    async def authorize(request, run_id):
        asked.append((type(request).__name__, run_id))
        return run_id == "run-1"

    async with RunLog(authorize=authorize) as log:
        await log.start("run-1", many(1))
        await log.start("run-2", many(1))
        allowed, _, _ = await get(log, "/runs/run-1")
        refused = [await get(log, path) for path in ("/runs/run-2", "/runs/run-2?after=x", "/runs/no-such-run")]

    assert 200 == allowed
    assert [(403, "access_denied")] * 3 == [(status, code_of(body)) for status, _, body in refused]
    assert ["run-1", "run-2", "run-2", "no-such-run"] == [run_id for _, run_id in asked]
    assert {"Request", "dict"} >= {kind for kind, _ in asked}


async def test_the_hook_may_answer_itself(session, aiohttp_app):
    async def authorize(request, run_id):
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})

    async with RunLog(authorize=authorize) as log, aiohttp_app(log) as url:
        async with session.get(f"{url}/runs/run-1") as response:
            assert 401 == response.status
            assert "Bearer" == response.headers["WWW-Authenticate"]


async def test_a_hook_that_is_no_coroutine_lets_nobody_in():
    async with RunLog(authorize=lambda request, run_id: True) as log:
        await log.start("run-1", many(1))
        with pytest.raises(ConfigurationError, match="async function"):
            await log.reader({"headers": []}, "run-1").open()


async def test_a_browser_that_leaves_leaves_nothing_and_the_run_goes_on(session, aiohttp_app):
    async with RunLog() as log, aiohttp_app(log) as url:
        feed = Feed()
        await log.start("run-1", feed)
        feed.say(1)
        response = await session.get(f"{url}/runs/run-1")
        while b"id: 1" not in await response.content.readline():
            pass
        await until(lambda: bool(log._tails))
        response.close()
        await until(lambda: not log._tails)
        feed.say(2)
        feed.end()
        async with session.get(f"{url}/runs/run-1", headers={"Last-Event-ID": "1"}) as response:
            assert ["2", "3"] == await ids(response)


async def test_other_forms(session):
    async with RunLog() as log:
        await log.start("run-1", many(2))

        async def follow(request: web.Request) -> web.StreamResponse:
            return await log.respond(request, "run-1", form="ndjson", headers={"Access-Control-Allow-Origin": "*"})

        app = web.Application()
        app.add_routes([web.get("/", follow)])
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            async with session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/") as response:
                assert "*" == response.headers["Access-Control-Allow-Origin"]
                assert "application/x-ndjson" == response.headers["Content-Type"]
                lines = [json.loads(line) for line in (await response.read()).splitlines()]
        finally:
            await runner.cleanup()

    assert 3 == len(lines)
    assert "done" == lines[-1]["event"]
