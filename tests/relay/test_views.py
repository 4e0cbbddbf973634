"""A view is a row: one that a test adds goes through every door, and nothing but the table has heard of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from assistants_wire import DONE, HELLO
from upstream_wire import upstream

from asyncstream.errors import AsyncStreamError, ConfigurationError
from asyncstream.relay import Entry, RelayResponse, RunLog, ndjson_lines, open_relay, relay_response, sse_frames
from asyncstream.relay.entries import error_entry
from asyncstream.relay.errors import error_status
from asyncstream.relay.log.store import Store
from asyncstream.relay.shapes import Refusal, Shape
from asyncstream.relay.views import VIEWS, ViewRow

SHOUTED = b'data: {"open":1}\n\ndata: {"say":"HEL"}\n\ndata: {"say":"LO"}\n\ndata: {"shut":1}\n\ndata: [BYE]\n\n'

BROKEN = b'data: {"open":1}\n\ndata: {"say":"HEL"}\n\ndata: {"oops":"stream_truncated"}\n\ndata: [BYE]\n\n'

NUMBERED = (
    b'id: 1\ndata: {"open":1}\n\nid: 2\ndata: {"say":"HEL"}\n\nid: 3\ndata: {"say":"LO"}\n\n'
    b'id: 4\ndata: {"shut":1}\n\nid: 5\ndata: [BYE]\n\n'
)

Door = Callable[[Any, str], Awaitable[tuple[int, dict[str, str], bytes]]]


def _read(stream: Any, _withholding: object) -> Callable[[], Awaitable[Entry]]:
    """Make several entries of one event, and some of none: an opening, the text in capitals, a closing."""

    async def shout() -> AsyncIterator[Entry]:
        yield Entry(None, "", b'{"open":1}')
        try:
            async for text in stream.text_deltas:
                yield Entry(None, "", json.dumps({"say": text.upper()}, separators=(",", ":")).encode())
        except AsyncStreamError as error:
            yield error_entry(error)
            return
        yield Entry(None, "", b'{"shut":1}')

    return aiter(shout()).__anext__


def _written(data: bytes, id: int | None) -> bytes:
    return (b"" if id is None else b"id: %d\n" % id) + b"data: %b\n\n" % data


def _error(entry: Entry) -> bytes:
    oops = b'{"oops":"%b"}' % json.loads(entry.data)["error"]["code"].encode()
    return _written(oops, entry.id) + b"data: [BYE]\n\n"


def _refusal(error: AsyncStreamError) -> Refusal:
    return Refusal(error_status(error), {"Content-Type": "text/plain", "Cache-Control": "no-store"}, b"NO!")


def _shape() -> Shape:
    return Shape(
        "text/event-stream",
        lambda entry: _written(entry.data, entry.id),
        b"",
        b": still here\n\n",
        done=lambda entry: _written(b"[BYE]", entry.id),
        error=_error,
        headers={"X-Shout": "v1"},
        refusal=_refusal,
    )


@pytest.fixture
def shout(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Add the view for the time of a test; give its name."""
    monkeypatch.setitem(VIEWS, "shout", ViewRow(_read, {"sse": _shape}))
    return "shout"


@asynccontextmanager
async def answered(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[Any]:
    """Ask an aiohttp.web handler."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            yield response
    finally:
        await runner.cleanup()


async def _by_web(source: Any, view: Any) -> tuple[int, dict[str, str], bytes]:
    async with answered(lambda request: relay_response(request, source, view=view)) as response:
        return response.status, dict(response.headers), await response.read()


async def _by_asgi(source: Any, view: Any) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "asgi": {"spec_version": "2.3"}}
    await RelayResponse(source, view=view)(scope, receive, send)
    headers = {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message["body"] for message in sent[1:])


async def _by_open_relay(source: Any, view: Any) -> tuple[int, dict[str, str], bytes]:
    relay = await open_relay(source, view=view)
    return relay.status, relay.headers, b"".join([data async for data in relay.body])


@pytest.fixture(params=[_by_web, _by_asgi, _by_open_relay], ids=["aiohttp.web", "ASGI", "open_relay"])
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.param
    return found


async def test_a_new_view_goes_through_each_door_to_its_end(door: Door, shout: str) -> None:
    async with upstream([*HELLO, DONE]) as model:
        status, headers, body = await door(model.run(), shout)

    assert (200, "text/event-stream", "v1") == (status, headers["Content-Type"], headers["X-Shout"])
    assert SHOUTED == body


async def test_an_error_in_mid_stream_is_written_by_the_view(door: Door, shout: str) -> None:
    async with upstream(HELLO[:4]) as model:
        status, _, body = await door(model.run(), shout)

    assert (200, BROKEN) == (status, body)


async def test_a_refusal_before_the_stream_is_made_by_the_view(door: Door, shout: str) -> None:
    async with upstream([], status=429, body=b"{}", headers={"retry_after": "7"}) as model:
        status, headers, body = await door(model.run(), shout)

    assert (429, "text/plain", "3", b"NO!") == (status, headers["Content-Type"], headers["Content-Length"], body)


async def test_a_view_has_the_forms_of_its_row_only(shout: Any) -> None:
    async with upstream([*HELLO, DONE]) as model:
        assert SHOUTED == b"".join([data async for data in sse_frames(model.run(), view=shout)])
        with pytest.raises(ConfigurationError, match="'ndjson' shows the views 'events', 'changes' or 'text' only"):
            ndjson_lines(model.run(), view=shout)
        with pytest.raises(ConfigurationError, match="compatible form is SSE of events"):
            sse_frames(model.run(), view=shout, compatible=True)


def test_a_view_that_is_no_row_is_refused(shout: Any) -> None:
    with pytest.raises(
        ConfigurationError, match="expected view to be 'events', 'changes', 'text', 'ui-messages', 'ag-ui' or 'shout'"
    ):
        sse_frames(_nothing(), view="whisper")  # type: ignore[arg-type]  # the mistake


async def _nothing() -> AsyncIterator[Entry]:
    return
    yield


# A log remembers the view.


async def _started(log: RunLog, stream: Any, view: Any) -> None:
    await log.start("run-1", stream, view=view)
    async with asyncio.timeout(20), log.follow("run-1") as reader:
        async for _ in reader:
            pass


async def _from_log(log: RunLog, **options: Any) -> tuple[int, dict[str, str], bytes]:
    async with answered(lambda request: log.respond(request, "run-1", **options)) as response:
        return response.status, dict(response.headers), await response.read()


@pytest.mark.parametrize("reader", [_by_asgi, _by_open_relay, None], ids=["ASGI", "open_relay", "aiohttp.web"])
async def test_a_run_in_a_log_goes_out_in_the_view_that_it_was_started_with(
    store: Store, reader: Door | None, shout: str
) -> None:
    async with upstream([*HELLO, DONE]) as model:
        await _started(RunLog(store), model.run(), shout)
    # As another worker would, which did not start it.
    log = RunLog(store)
    if reader is None:
        status, headers, body = await _from_log(log)
    else:
        status, headers, body = await reader(log.follow("run-1"), None)

    assert (200, "text/event-stream", "v1", NUMBERED) == (status, headers["Content-Type"], headers["X-Shout"], body)


async def test_an_error_in_the_middle_of_a_logged_run_is_written_by_the_view(store: Store, shout: str) -> None:
    async with upstream(HELLO[:4]) as model:
        await _started(RunLog(store), model.run(), shout)
    status, _, body = await _from_log(RunLog(store))

    last = b'id: 3\ndata: {"oops":"stream_truncated"}\n\ndata: [BYE]\n\n'
    assert (200, last) == (status, body[-len(last) :])


async def test_a_reader_of_a_run_that_goes_on_has_its_view(store: Store, shout: Any) -> None:
    async with upstream(HELLO[:5], "silence") as model, RunLog(store) as log:
        await log.start("run-1", model.run(), view=shout)
        async with asyncio.timeout(20), log.follow("run-1") as first, log.follow("run-1") as second:
            assert first.recorded_view == second.recorded_view == "shout"
            await anext(first)
            await anext(first)
            await anext(first)
            # From here on in the tail, which a third one joins at once.
            async with log.follow("run-1", 2) as third:
                assert "shout" == third.recorded_view


@pytest.mark.parametrize("why", ["no such form", "no such view"])
async def test_a_reader_who_cannot_have_the_view_is_told_so(
    why: str, shout: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = RunLog()
    async with upstream([*HELLO, DONE]) as model:
        await _started(log, model.run(), shout)
    if why == "no such view":
        monkeypatch.delitem(VIEWS, "shout")
    status, _, body = await _from_log(log, form="ndjson")
    await log.close()

    assert 200 == status
    assert "error" == json.loads(body)["event"]
    assert "relay_error" == json.loads(body)["data"]["error"]["code"]
    assert "shout" in caplog.text
    assert b"shout" not in body


async def test_entries_of_ones_own_have_no_view_in_a_log(store: Store) -> None:
    async with RunLog(store) as log:
        await log.start("run-1", _nothing())
        async with log.follow("run-1") as reader:
            assert "" == reader.recorded_view
