"""A stream that runs tools, relayed: what came of them reaches readers, late ones too, and stops when these leave."""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, TypeAlias

import pytest
from aiohttp import ClientSession, web
from asgi_servers import by_uvicorn
from assistants_wire import stream
from chat_wire import DONE, HELLO, MESSAGES, call, piece
from raw_server import Exchange, raw_server
from redis_server import needs_redis
from served_app import served
from served_log import serving
from upstream_wire import browser

from asyncstream import AsyncClient, ChatStream, ConfigurationError, Tool, ToolContext, Tools
from asyncstream.events import RoundEvent, ToolResultEvent
from asyncstream.relay import (
    MemoryStore,
    RedisStore,
    RelayResponse,
    RunLog,
    follow,
    relay_response,
    sse_frames,
)
from asyncstream.relay.views import entries

Door: TypeAlias = Callable[[ChatStream], AbstractAsyncContextManager[str]]

WITHIN = 0.05
"""Seconds after which a tool is cancelled at the latest, once nobody waits for it."""

ASKS = [
    call(0, '{"x": "for the model"}', "public", "call_0"),
    call(1, '{"x": "for the model"}', "secret", "call_1"),
    piece(finish="tool_calls"),
    DONE,
]


async def public(x: str, context: ToolContext[None]) -> str:
    context.report({"half": True})
    await asyncio.sleep(0)
    return "for all"


async def secret(x: str) -> str:
    return "between us"


TOOLS = Tools(public, Tool(secret, private=True))


@asynccontextmanager
async def chat(tools: Any = TOOLS) -> AsyncIterator[ChatStream]:
    """Give a stream whose model calls twice, then says Hello."""
    answers = [ASKS, [*HELLO, DONE]]

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *answers[exchange.number - 1])

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        yield client.chat.completions.stream(messages=MESSAGES, model="m", run_tools=tools)


async def told(source: ChatStream, view: str) -> list[tuple[str, Any]]:
    """Return the entries of a view: names, and what they say where it is JSON."""
    found = []
    async for entry in entries(source, view=view):
        found.append((entry.event, json.loads(entry.data) if entry.data[:1] in b"{" else entry.data))
    await source.close()
    return found


async def test_the_changes_of_tools_stand_between_those_of_the_answers():
    async with chat() as source:
        found = await told(source, "changes")

    names = [name for name, _ in found]
    first = names.index("ToolResultCreated")
    assert "FinishChanged" == names[first - 1]
    of_tools = [(name, data) for name, data in found if name.startswith("ToolResult") or name == "RoundDone"]
    for _, data in of_tools:
        data.pop("elapsed", None)
    a, b = (
        {"round": 1, "place": place, "id": f"call_{place}", "name": name}
        for place, name in enumerate(["public", "secret"])
    )
    assert [
        ("ToolResultCreated", a),
        ("ToolResultCreated", b),
        ("ToolResultChanged", {**a, "delta": {"half": True}}),
        ("ToolResultDone", {**b, "status": "returned", "output": ""}),
        ("ToolResultDone", {**a, "status": "returned", "output": "for all"}),
        ("RoundDone", {"round": 1, "stop": None}),
        ("RoundDone", {"round": 2, "stop": "answered"}),
    ] == sorted_by_time(of_tools)


def sorted_by_time(found: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return them with what may come in either order in one: the private tool's end before the other's."""
    ends = [one for one in found if one[0] == "ToolResultDone"]
    changed = [one for one in found if one[0] == "ToolResultChanged"]
    others = [one for one in found if one[0] not in ("ToolResultDone", "ToolResultChanged")]
    return [*others[:2], *changed, *sorted(ends, key=lambda one: -one[1]["place"]), *others[2:]]


async def test_the_events_view_has_an_event_of_its_own_for_results_and_borders():
    async with chat() as source:
        found = await told(source, "events")

    own = [(name, data) for name, data in found if name.startswith("asyncstream.")]
    assert ["asyncstream.tool", "asyncstream.tool", "asyncstream.round", "asyncstream.round"] == [
        name for name, _ in own
    ]
    assert {"for all", ""} == {data["output"] for name, data in own if name == "asyncstream.tool"}
    border = [name for name, _ in found].index("asyncstream.round")
    assert [{"round": 1, "stop": None}, {"round": 2, "stop": "answered"}] == [data for name, data in own[2:]]
    assert "Hel" == found[border + 2][1]["choices"][0]["delta"]["content"]


async def test_the_text_view_has_the_text_of_all_answers():
    async with chat() as source:
        assert ["Hel", "lo"] == [
            data["text"] for name, data in await told(source, "text") if name == "text" and data["text"]
        ]


async def test_nothing_private_leaves_in_any_view():
    for view in ("changes", "events", "text"):
        async with chat() as source:
            assert "between us" not in repr(await told(source, view))


async def test_progress_that_json_cannot_say_is_none():
    async def public(x: str, context: ToolContext[None]) -> None:
        context.report(object())
        await asyncio.sleep(0)

    async with chat(Tools(public, Tool(secret, private=True))) as source:
        found = await told(source, "changes")

    assert [None] == [data["delta"] for name, data in found if name == "ToolResultChanged"]


async def test_the_compatible_form_is_refused():
    async with chat() as source:
        with pytest.raises(ConfigurationError, match="run_tools"):
            sse_frames(source, compatible=True)


async def test_late_readers_of_a_log_have_it_all_and_follow_gives_it_typed():
    log = RunLog(MemoryStore())
    async with chat() as source, serving(log) as base, log:
        await log.start("run_1", source)
        seen = [event async for event in follow(f"{base}/runs/run_1", protocol="chat", tools=True)]
        chunks = [chunk async for chunk in follow(f"{base}/runs/run_1", protocol="chat")]

    results = [event.data for event in seen if isinstance(event, ToolResultEvent)]
    assert {("public", "for all", "returned"), ("secret", "", "returned")} == {
        (result.name, result.output, result.status) for result in results
    }
    assert [(1, None), (2, "answered")] == [
        (event.data.round, event.data.stop) for event in seen if isinstance(event, RoundEvent)
    ]
    assert len(seen) - 4 == len(chunks)
    assert "Hello" == "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


async def test_a_page_that_is_loaded_again_while_a_tool_runs_misses_nothing():
    began, goes_on = asyncio.Event(), asyncio.Event()

    async def public(x: str) -> str:
        began.set()
        await goes_on.wait()
        return "for all"

    log = RunLog(MemoryStore())
    async with (
        chat(Tools(public, Tool(secret, private=True))) as source,
        serving(log) as base,
        log,
        ClientSession() as browser,
    ):
        await log.start("run_1", source, view="changes")
        first: list[bytes] = []
        async with browser.get(f"{base}/runs/run_1") as response:
            async for line in response.content:
                first.append(line)
                if b"ToolResultCreated" in b"".join(first) and line == b"\n":
                    break
        await began.wait()
        seen = next(line for line in reversed(first) if line.startswith(b"id:"))
        goes_on.set()
        async with browser.get(f"{base}/runs/run_1", headers={"Last-Event-ID": seen[3:].strip().decode()}) as response:
            rest = await response.read()
        async with browser.get(f"{base}/runs/run_1") as response:
            whole = await response.read()

    assert events_of(whole) == events_of(b"".join(first)) + events_of(rest)
    assert b"ToolResultDone" in rest


def events_of(body: bytes) -> list[bytes]:
    """Return the events of a body, without comments and the delay of a reconnect."""
    frames = [
        b"\n".join(line for line in frame.splitlines() if not line.startswith((b":", b"retry:")))
        for frame in body.split(b"\n\n")
    ]
    return [frame for frame in frames if frame]


# Who leaves.


class Waits:
    """A tool that runs until it is cancelled, and when that was."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def public(self, x: str) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set_result(time.monotonic())

    @property
    def tools(self) -> Tools[None]:
        return Tools(self.public, Tool(secret, private=True))

    async def ended_after(self, since: float) -> float:
        """Wait until it was cancelled; return the seconds since the browser left."""
        return (await asyncio.wait_for(asyncio.shield(self.ended), 5)) - since


@asynccontextmanager
async def by_aiohttp(source: ChatStream, **options: Any) -> AsyncIterator[str]:
    async def respond(request: web.Request) -> web.StreamResponse:
        return await relay_response(request, source)

    app = web.Application()
    app.add_routes([web.get("/", respond)])
    async with served(app, **options) as url:
        yield url


def by_asgi(source: ChatStream) -> AbstractAsyncContextManager[str]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await RelayResponse(source)(scope, receive, send)

    return by_uvicorn(app)


DOORS = {
    "aiohttp.web": by_aiohttp,
    "aiohttp.web, handler_cancellation=True": partial(by_aiohttp, handler_cancellation=True),
    "ASGI, uvicorn": by_asgi,
}


async def left_while_a_tool_runs(door: Door) -> float:
    """Return how long after the browser left the tool was cancelled."""
    tool = Waits()
    async with chat(tool.tools) as source, door(source) as url, browser(url) as page:
        await page.answered()
        await tool.began.wait()
        return await tool.ended_after(page.leave())


@pytest.mark.parametrize("handler_cancellation", [False, True])
async def test_a_browser_that_leaves_while_a_tool_runs_cancels_it(handler_cancellation):
    await left_while_a_tool_runs(partial(by_aiohttp, handler_cancellation=handler_cancellation))


def judged(name: str, took: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        shown = ", ".join(f"{1e3 * judge(took):.1f}" for judge in (min, statistics.median, max))
        print(f"\n{name}: a tool is cancelled after {shown} ms (least, median, most of {len(took)})")

    assert statistics.median(took) < WITHIN


@pytest.mark.timing
@pytest.mark.parametrize("door", DOORS)
async def test_a_tool_is_cancelled_within_50_ms_of_a_browser_that_leaves(door, capsys):
    await left_while_a_tool_runs(DOORS[door])

    judged(door, [await left_while_a_tool_runs(DOORS[door]) for _ in range(20)], capsys)


async def cancelled_while_a_tool_runs(producer: RunLog, other: RunLog, run_id: str) -> float:
    """Let a browser leave, which the run outlives, then stop the run; return how long after that the tool was."""
    tool = Waits()
    async with chat(tool.tools) as source, serving(producer) as base:
        await producer.start(run_id, source)
        async with browser(f"{base}/", f"/runs/{run_id}") as page:
            await page.answered()
            await tool.began.wait()
            page.leave()
        async with browser(f"{base}/", f"/runs/{run_id}") as page:
            # Had the first one stopped it, this one would be told its end before a tool.
            await page.answered()
            await page.until(b"tool_calls")
            assert not tool.ended.done()
        since = time.monotonic()
        assert await other.cancel(run_id)
        return await tool.ended_after(since)


async def test_a_run_in_a_log_outlives_its_browsers_and_is_cancelled_by_name(store):
    async with RunLog(store) as log:
        await cancelled_while_a_tool_runs(log, log, "run_1")


@pytest.mark.timing
async def test_a_tool_is_cancelled_within_50_ms_of_the_run_in_a_log(store, capsys):
    async with RunLog(store) as log:
        took = [await cancelled_while_a_tool_runs(log, log, f"run_{number}") for number in range(21)]

    judged(f"RunLog.cancel, {type(store).__name__}", took[1:], capsys)


@pytest.mark.system
@pytest.mark.timing
@needs_redis
async def test_a_tool_is_cancelled_within_50_ms_by_another_worker(redis_server, capsys):
    async with RunLog(RedisStore(redis_server.url)) as log, RunLog(RedisStore(redis_server.url)) as other:
        took = [await cancelled_while_a_tool_runs(log, other, f"run_{number}") for number in range(21)]

    judged("RunLog.cancel, another worker", took[1:], capsys)


async def test_a_log_that_is_closed_while_a_tool_runs_cancels_it():
    began, ended = asyncio.Event(), asyncio.Event()

    async def public(x: str) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    log = RunLog(MemoryStore())
    async with chat(Tools(public, Tool(secret, private=True))) as source:
        async with log:
            await log.start("run_1", source)
            await began.wait()
        assert ended.is_set()
