"""The views of web front-ends through the doors and the log: frames, refusals, and every end that comes too early."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from assistants_wire import DONE as RUN_DONE
from assistants_wire import HELLO as RUN_HELLO
from assistants_wire import WAITS
from page_rules import shown_end
from reading import asking
from redis_server import RedisServer, needs_redis
from test_views import _by_asgi, _by_open_relay, _by_web, _from_log, _started, answered
from upstream_wire import HELLO_CHAT, chunk_frame, upstream

from asyncstream.accumulators import ContentCreated
from asyncstream.errors import ConfigurationError, StreamEventError, StreamInterruptedError
from asyncstream.relay import (
    Entry,
    MemoryStore,
    RedisStore,
    RelayResponse,
    RunLog,
    follow,
    project,
    relay_response,
    sse_frames,
)
from asyncstream.relay.entries import error_entry
from asyncstream.relay.errors import ProducerLostError, RunCancelledError
from asyncstream.relay.log.store import Store
from asyncstream.relay.pages import ag_ui, ui_messages
from asyncstream.ui import AGUI

VIEWS: list[Any] = ["ui-messages", "ag-ui"]
each_view = pytest.mark.parametrize("view", VIEWS)
each_door = pytest.mark.parametrize("door", [_by_web, _by_asgi, _by_open_relay], ids=["web", "ASGI", "open_relay"])


def parts_of(body: bytes) -> list[Any]:
    """Return what the frames of a body hold."""
    lines = [line.removeprefix(b"data: ") for line in body.splitlines() if line.startswith(b"data: ")]
    return [line.decode() if line == b"[DONE]" else json.loads(line) for line in lines]


def types_of(body: bytes) -> list[str]:
    return [part if isinstance(part, str) else part["type"] for part in parts_of(body)]


@each_door
async def test_a_ui_message_stream_has_its_header_and_its_end(door: Any) -> None:
    async with upstream(HELLO_CHAT) as model:
        status, headers, body = await door(model.chat(), "ui-messages")

    named = {name.lower(): value for name, value in headers.items()}
    assert (200, "v1") == (status, named["x-vercel-ai-ui-message-stream"])
    deltas = ["text-delta", "text-delta"]
    assert ["start", "start-step", "text-start", *deltas, "text-end", "finish-step", "finish", "[DONE]"] == types_of(
        body
    )
    assert b"event:" not in body


@each_door
async def test_ag_ui_ends_with_its_last_event(door: Any) -> None:
    async with upstream(HELLO_CHAT) as model:
        status, _, body = await door(model.chat(), "ag-ui")

    assert (200, "RUN_FINISHED") == (status, types_of(body)[-1])


@each_view
@each_door
async def test_a_refusal_is_plain_text(door: Any, view: str) -> None:
    refused = b'{"error": {"message": "Too many questions."}}'
    async with upstream([], status=429, body=refused, headers={"retry_after": "7"}) as model:
        status, headers, body = await door(model.chat(), view)

    named = {name.lower(): value for name, value in headers.items()}
    assert (429, b"Too many questions.") == (status, body)
    assert named["content-type"].startswith("text/plain")


@each_view
@pytest.mark.parametrize("then", ["end", "rst"])
async def test_a_stream_that_breaks_off_closes_what_is_open_and_says_so(view: Any, then: Any) -> None:
    async with upstream([*WAITS[:3]], then) as model:
        body = b"".join([data async for data in sse_frames(model.run(), view=view)])

    closing = {
        "ui-messages": ["tool-input-error", "finish-step", "error", "[DONE]"],
        "ag-ui": ["TOOL_CALL_END", "TOOL_CALL_RESULT", "STEP_FINISHED", "RUN_ERROR"],
    }
    assert closing[view] == types_of(body)[-4:]


@each_view
async def test_a_run_that_failed_says_so_once(view: Any) -> None:
    failed = [*RUN_HELLO[:4], *(frame.replace(b"completed", b"failed") for frame in RUN_HELLO[-1:]), RUN_DONE]
    async with upstream(failed) as model:
        body = b"".join([data async for data in sse_frames(model.run(), view=view)])

    types = types_of(body)
    assert 1 == types.count("error") + types.count("RUN_ERROR")
    assert types[-1] in ("[DONE]", "RUN_ERROR")


@each_view
async def test_a_page_goes_on_in_the_middle_of_a_step(view: Any) -> None:
    async with upstream(HELLO_CHAT) as model, model.chat() as stream:
        # Of the chunk that brings the first text, the application takes the change that says that it begins.
        async for change in stream.changes:
            assert isinstance(change, ContentCreated)
            break
        body = b"".join([data async for data in sse_frames(stream, view=view)])

    pieces = [part["delta"] for part in parts_of(body) if "delta" in part]
    assert ["Hel", "lo"] == pieces


async def test_a_run_whose_words_are_ours() -> None:
    async with upstream([*WAITS, RUN_DONE]) as model:
        page = project(model.run(), AGUI(thread_id="t1", run_id="r1"))
        async with answered(lambda request: relay_response(request, page)) as response:
            body = await response.read()

    assert {"type": "RUN_STARTED", "threadId": "t1", "runId": "r1"} == parts_of(body)[0]
    assert ["call_1"] == parts_of(body)[-1]["outcome"]["pendingToolCallIds"]


@each_view
async def test_all_readers_of_a_log_get_the_same_message(store: Store, view: Any) -> None:
    async with upstream(HELLO_CHAT) as model:
        await _started(RunLog(store), model.chat(), view)
    (status, _, first), (_, _, second) = await _from_log(RunLog(store)), await _from_log(RunLog(store))

    assert 200 == status
    assert first == second
    assert parts_of(first)[0].get("messageId", "run").startswith(("msg_", "run"))


@each_view
async def test_a_run_that_is_cancelled_is_closed_for_each_reader(store: Store, view: Any) -> None:
    log = RunLog(store)
    async with _half_a_run(log, view):
        await log.cancel("run-1")
        _check_closed(view, *await _from_log(log))


@each_view
async def test_a_run_whose_producer_is_gone_is_closed_for_each_reader(view: Any) -> None:
    store = MemoryStore()
    log = RunLog(store)
    async with _half_a_run(log, view):
        await log.close()
        _check_closed(view, *await _from_log(RunLog(store)))


@each_view
@pytest.mark.system
@needs_redis
async def test_a_run_whose_producer_is_gone_is_closed_by_another_process(redis_server: RedisServer, view: Any) -> None:
    log = RunLog(RedisStore(redis_server.url))
    async with _half_a_run(log, view):
        await log.close()
        async with RunLog(RedisStore(redis_server.url)) as other:
            _check_closed(view, *await _from_log(other))


@asynccontextmanager
async def _half_a_run(log: RunLog, view: Any) -> AsyncIterator[None]:
    """Start a run whose model falls silent in its text, and wait until half of it can be read."""
    async with upstream([chunk_frame("Half")], "silence") as model:
        await log.start("run-1", model.chat(), view=view)
        async with asyncio.timeout(20), log.follow("run-1") as reader:
            while b"Half" not in (await anext(reader)).data:
                pass
        yield


def _check_closed(view: str, status: int, _: object, body: bytes) -> None:
    ends = {"ui-messages": ["text-end", "finish-step", "abort", "[DONE]"]}
    ends["ag-ui"] = ["TEXT_MESSAGE_END", "STEP_FINISHED", "RUN_FINISHED"]
    assert 200 == status
    assert ends[view] == types_of(body)[-len(ends[view]) :]
    assert "cancelled" in str(parts_of(body)[-2:])


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (ProducerLostError("it died"), ("error", "RUN_ERROR")),
        (RunCancelledError("stopped"), ("abort", "RUN_FINISHED")),
        (StreamInterruptedError("lost"), ("error", "RUN_ERROR")),
    ],
)
def test_an_end_before_the_first_part(error: Exception, ends: tuple[str, str]) -> None:
    ui = ui_messages()
    agent = ag_ui()
    assert ui.error is not None
    assert agent.error is not None

    assert [ends[0], "[DONE]"] == types_of(ui.error(error_entry(error, 1)))
    assert ["RUN_STARTED", ends[1]] == types_of(agent.error(error_entry(error, 1)))


@each_view
async def test_entries_of_ones_own_that_are_no_parts_do_no_harm(view: Any) -> None:
    async def own() -> AsyncIterator[Entry]:
        for data in (b"{}", b"[1]", b"what?"):
            yield Entry(None, "", data)

    shape = ui_messages() if view == "ui-messages" else ag_ui()
    written = [shape.entry(entry) async for entry in own()]

    assert [b"data: {}\n\n", b"data: [1]\n\n", b"data: what?\n\n"] == written


@each_view
@pytest.mark.parametrize(
    "part",
    [
        {"type": "text-start"},
        {"type": "text-start", "id": []},
        {"type": "tool-input-start", "toolCallId": "call_1"},
        {"type": "tool-output-available"},
        {"type": "STEP_STARTED"},
        {"type": "TOOL_CALL_START", "toolCallId": {}},
        {"type": "TOOL_CALL_RESULT"},
    ],
)
def test_a_part_of_ones_own_that_lacks_its_members_goes_out_as_it_is(view: Any, part: dict[str, Any]) -> None:
    shape = ui_messages() if view == "ui-messages" else ag_ui()

    assert [part] == parts_of(shape.entry(Entry(None, "", json.dumps(part).encode())))
    assert shape.error is not None
    assert "lost" in str(parts_of(shape.error(error_entry(StreamInterruptedError("lost"), 1))))


# Parts of an application's own.

OWN: dict[Any, list[dict[str, Any]]] = {
    "ui-messages": [
        {"type": "start", "messageId": "mine"},
        {"type": "text-start", "id": "1"},
        {"type": "text-delta", "id": "1", "delta": "Hello"},
        {"type": "text-end", "id": "1"},
        {"type": "finish"},
    ],
    "ag-ui": [
        {"type": "RUN_STARTED", "threadId": "t1", "runId": "mine"},
        {"type": "TEXT_MESSAGE_START", "messageId": "1", "role": "assistant"},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": "1", "delta": "Hello"},
        {"type": "TEXT_MESSAGE_END", "messageId": "1"},
        {"type": "RUN_FINISHED", "threadId": "t1", "runId": "mine", "outcome": {"type": "success"}},
    ],
}


async def own_parts(view: str, count: int, *, done: bool = False) -> AsyncIterator[Entry]:
    """Give the first so many parts of an answer that an application makes itself."""
    for part in OWN[view][:count]:
        yield Entry(None, "", json.dumps(part).encode())
    if done:
        yield Entry(None, "done", b"[DONE]")


class OwnSource:
    """A source that ends without a last entry."""

    def __init__(self, view: str, count: int) -> None:
        self._parts = own_parts(view, count)

    async def open(self) -> None:
        pass

    def __aiter__(self) -> AsyncIterator[Entry]:
        return self._parts

    async def close(self) -> None:
        await self._parts.aclose()  # type: ignore[attr-defined]  # it is a generator


OWN_KINDS: dict[str, Any] = {
    "iterator": own_parts,
    "iterator with done": lambda view, count: own_parts(view, count, done=True),
    "source": OwnSource,
}
each_kind = pytest.mark.parametrize("kind", OWN_KINDS)


@each_kind
@each_view
@each_door
async def test_parts_of_ones_own_go_out_as_those_of_a_stream(door: Any, view: str, kind: str) -> None:
    status, headers, body = await door(OWN_KINDS[kind](view, 5), view)

    end = ["[DONE]"] if view == "ui-messages" else []
    named = {name.lower(): value for name, value in headers.items()}
    assert (200, "v1" if end else None) == (status, named.get("x-vercel-ai-ui-message-stream"))
    assert [*OWN[view], *end] == parts_of(body)


@pytest.mark.parametrize("count", [0, 1, 3, 4])
@each_kind
@each_view
@each_door
async def test_parts_of_ones_own_that_end_without_the_last_are_an_error(
    door: Any, view: str, kind: str, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    status, _, body = await door(OWN_KINDS[kind](view, count), view)

    assert 200 == status
    assert OWN[view][:count] == parts_of(body)[:count]
    assert "before its last part" in str(parts_of(body)[-2:])
    assert "before its last part" in caplog.text
    assert "error" == shown_end(view, body)


@pytest.mark.parametrize("count", [3, 5])
@each_kind
@each_view
async def test_parts_of_ones_own_in_a_log_end_as_for_one_reader(store: Store, view: Any, kind: str, count: int) -> None:
    await _started(RunLog(store), OWN_KINDS[kind](view, count), view)
    (status, headers, body), (_, _, again) = await _from_log(RunLog(store)), await _from_log(RunLog(store))

    assert (200, body) == (status, again)
    assert ("x-vercel-ai-ui-message-stream" in headers) == (view == "ui-messages")
    assert ("finish" if count == 5 else "error") == shown_end(view, body)


@each_view
async def test_a_reader_who_has_the_last_part_already_gets_no_error(view: Any) -> None:
    log = RunLog()
    await _started(log, own_parts(view, 5), view)
    _, _, body = await _by_web(log.follow("run-1", 5), None)
    await log.close()

    assert (["[DONE]"] if view == "ui-messages" else []) == parts_of(body)


@each_view
@each_door
async def test_parts_of_ones_own_that_raise_are_an_error(door: Any, view: str) -> None:
    async def raising() -> AsyncIterator[Entry]:
        async for entry in own_parts(view, 3):
            yield entry
        raise ZeroDivisionError

    _, _, body = await door(raising(), view)

    assert "error" == shown_end(view, body)


@each_view
@each_door
@pytest.mark.parametrize("odd", [None, b"data", Entry(None, "a\nb", b"{}"), Entry(None, "", b"\xff")])
async def test_what_is_no_entry_among_ones_own_is_an_error(door: Any, view: str, odd: Any) -> None:
    async def giving() -> AsyncIterator[Entry]:
        async for entry in own_parts(view, 3):
            yield entry
        yield odd

    _, _, body = await door(giving(), view)

    assert "error" == shown_end(view, body)


async def test_only_views_of_pages_take_entries_of_ones_own() -> None:
    for view in ("changes", "text"):
        with pytest.raises(ConfigurationError, match="comes too late"):
            sse_frames(own_parts("ag-ui", 5), view=view)  # type: ignore[arg-type]  # one of two words
    async with RunLog() as log, upstream(HELLO_CHAT) as model:
        page = project(model.chat(), AGUI())
        for source in (log.follow("run-1"), page):
            with pytest.raises(ConfigurationError, match="comes too late"):
                sse_frames(source, view="ag-ui")
        await page.close()


# Readers that are let go: their worker stops, and the run goes on with another.


@asynccontextmanager
async def _half_read(view: Any) -> AsyncIterator[RunLog]:
    """Give the log of a worker that serves half a run, whose producer is another."""
    store = MemoryStore()
    async with RunLog(store) as producing, _half_a_run(producing, view):
        yield RunLog(store)


@each_view
async def test_a_reader_whose_worker_stops_sees_a_cut_and_not_an_end(view: Any) -> None:
    async with _half_read(view) as log, answered(lambda request: log.respond(request, "run-1")) as response:
        while b"Half" not in await response.content.readany():
            pass
        await log.close()
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


@each_view
async def test_frames_of_a_reader_that_is_let_go_are_cut_too(view: Any) -> None:
    async with _half_read(view) as log:
        frames = sse_frames(log.follow("run-1"))
        while b"Half" not in await anext(frames):
            pass
        await log.close()
        with pytest.raises(StreamEventError, match="without its last entry"):
            await anext(frames)


@each_view
async def test_a_program_that_follows_goes_on_with_another_worker(view: Any) -> None:
    store = MemoryStore()
    workers = [RunLog(store), RunLog(store)]

    async def handler(request: web.Request) -> web.StreamResponse:
        return await workers[0].respond(request, "run-1")

    rest = "text-end" if view == "ui-messages" else "TEXT_MESSAGE_END"
    go_on = asyncio.Event()

    async def model() -> AsyncIterator[Entry]:
        for part in OWN[view]:
            if part["type"] == rest:
                await go_on.wait()
            yield Entry(None, "", json.dumps(part).encode())

    async with RunLog(store) as producing:
        await producing.start("run-1", model(), view=view)
        async with answered(handler) as response, asyncio.timeout(20):
            parts: list[Any] = []
            async with follow(str(response.url), protocol=view) as following:
                async for part in following:
                    parts.append(part)
                    if part.get("delta") == "Hello":
                        await workers.pop(0).close()
                        go_on.set()

    assert (OWN[view], 1) == (parts, following.reconnects)


@each_view
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_asgi_cuts_where_that_can_be_told_and_says_it_in_words_elsewhere(view: Any, version: str) -> None:
    half = asyncio.Event()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        # A server looks at the bytes, and a cut is bytes that nobody can look at.
        sent.append({**message, "body": bytes(message.get("body", b""))})
        if b"Half" in sent[-1]["body"]:
            half.set()

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "http_version": version}
    async with _half_read(view) as log, asyncio.timeout(20):
        response = RelayResponse(log.follow("run-1"))
        answering = asyncio.ensure_future(response(scope, receive, send))  # type: ignore[arg-type]  # a coroutine
        await half.wait()
        await log.close()
        if version == "1.1":
            with pytest.raises(StreamEventError, match="without its last entry"):
                await answering
        else:
            await answering

    body = b"".join(message["body"] for message in sent)
    if version == "1.0":
        assert "error" == shown_end(view, body)
    assert (version == "1.0") == (not sent[-1].get("more_body", True))


@each_view
async def test_the_connection_of_a_reader_of_http_1_0_is_reset(view: Any) -> None:
    got = []

    async def handler(request: web.Request) -> web.StreamResponse:
        return await log.respond(request, "run-1")

    async with _half_read(view) as log, answered(handler) as response:
        port = response.url.port
        async with asking(port, b"GET / HTTP/1.0\r\nHost: x\r\n\r\n") as reader:
            await reader.until(b"Half")
            await log.close()
            got.append(await reader.end())

    assert "rst" == got[0].ended
