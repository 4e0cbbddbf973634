"""Responses through the relay: each view, form and door, the log and `follow`, each dialect; and what is left out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from event_streams import EventDecoder, ServerSentEvent
from response_folds import fold
from responses_wire import answer, event, response
from test_views import Door, _by_asgi, _by_open_relay, _by_web
from upstream_wire import upstream

from asyncstream import AsyncClient, ResponseStream, StreamEventError
from asyncstream.errors import StreamTruncatedError
from asyncstream.relay import RunLog, follow, ndjson_lines, relay_response, sse_frames, text_chunks
from asyncstream.relay.log.store import Store
from asyncstream.server import (
    RESPONSES_DIALECTS,
    CallFunction,
    CallMCP,
    ErrorEvent,
    Fail,
    Say,
    Scenario,
    Think,
    Turn,
    serve,
)
from asyncstream.types import Response

pytestmark = pytest.mark.faults
"""Every dialect through every door."""

HIDDEN = "a word that no browser may read"
SAID = "Grüße, 世界"
FUNCTION = {"type": "function", "name": "f", "description": HIDDEN, "parameters": {}}
MCP = {"type": "mcp", "server_label": "mcp", "server_url": "http://x", "server_description": HIDDEN}
SCHEMA = {"type": "json_schema", "name": "s", "schema": {"type": "object", "description": HIDDEN}}
TOLD: dict[str, Any] = {
    "instructions": HIDDEN,
    "metadata": {"tenant": HIDDEN},
    "prompt_cache_key": HIDDEN,
    "safety_identifier": HIDDEN,
    "text": {"format": SCHEMA},
    "tools": [FUNCTION, MCP],
    "user": HIDDEN,
}
"""What a request tells, and a response repeats."""

TURN = Turn(Think("well"), CallMCP("roll", {"dice": 1}, output="6"), Say(SAID), CallFunction("f", {"a": 1}))
FAILING = {"failed": Turn(Say("half"), Fail("server_error", "broke")), "error": Turn(Say("half"), ErrorEvent("broke"))}

Serving = Callable[[RunLog], AbstractAsyncContextManager[str]]

each_dialect = pytest.mark.parametrize("dialect", RESPONSES_DIALECTS)


@pytest.fixture(params=[_by_web, _by_asgi, _by_open_relay], ids=["aiohttp.web", "ASGI", "open_relay"])
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.param
    return found


@asynccontextmanager
async def model(dialect: str, turn: Turn = TURN, **params: Any) -> AsyncIterator[ResponseStream[None]]:
    scenario = Scenario([turn], responses_dialect=RESPONSES_DIALECTS[dialect])
    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url, max_retries=0) as client:
        yield client.responses.stream(model="m", input="hi", **TOLD, **params)


async def all_of(frames: AsyncIterator[bytes]) -> bytes:
    return b"".join([data async for data in frames])


def seen(body: bytes) -> list[ServerSentEvent]:
    return EventDecoder().feed(body)


def without_tools(response: Response[None]) -> list[dict[str, Any]]:
    """Return the items; those that list the tools of a server without these."""
    return [{key: value for key, value in item.to_dict().items() if key != "tools"} for item in response.output]


# Views.


@each_dialect
async def test_events_fold_to_the_same_and_hold_nothing_that_was_told(dialect, door):
    async with model(dialect) as stream:
        status, _, body = await door(stream, "events")
        expected = stream.accumulator

    found = fold(body)
    assert (200, "complete", "done") == (status, found.outcome, seen(body)[-1].event)
    assert HIDDEN in str(expected.response)
    assert HIDDEN not in body.decode()
    assert (SAID, expected.response.status) == (
        found.accumulator.response.output_text,
        found.accumulator.response.status,
    )
    assert without_tools(expected.response) == without_tools(found.accumulator.response)
    assert expected.last_sequence_number == found.accumulator.last_sequence_number


@each_dialect
async def test_changes_are_named_by_their_class_and_hold_nothing_that_was_told(dialect, door):
    async with model(dialect) as stream, stream:
        changes = [type(change).__name__ async for change in stream.changes]
    async with model(dialect) as stream:
        _, _, body = await door(stream, "changes")

    events = seen(body)
    assert [*changes, "done"] == [one.event for one in events]
    assert HIDDEN not in body.decode()
    texts = [json.loads(one.data)["delta"] for one in events if one.event == "ContentChanged"]
    assert SAID == "".join(text for text in texts if isinstance(text, str))
    done = [json.loads(one.data)["snapshot"] for one in events if one.event == "ToolCallDone"]
    assert ['{"dice":1}', '{"a":1}'] == [call["arguments"].replace(" ", "") for call in done]


@each_dialect
async def test_text_is_the_text_in_every_form(dialect):
    async with model(dialect) as stream:
        assert SAID.encode() == await all_of(text_chunks(stream))
    async with model(dialect) as stream:
        lines = [json.loads(line) for line in (await all_of(ndjson_lines(stream, view="text"))).splitlines()]
    assert (SAID, {"event": "done", "data": "[DONE]"}) == ("".join(line["text"] for line in lines[:-1]), lines[-1])
    async with model(dialect) as stream:
        assert SAID == "".join(
            json.loads(one.data)["text"]
            for one in seen(await all_of(sse_frames(stream, view="text")))
            if one.event == "text"
        )


@each_dialect
async def test_lines_are_the_events(dialect):
    async with model(dialect) as stream:
        frames = seen(await all_of(sse_frames(stream)))
    async with model(dialect) as stream:
        lines = [json.loads(line) for line in (await all_of(ndjson_lines(stream))).splitlines()]

    assert [one.event for one in frames] == [line["event"] for line in lines]
    assert HIDDEN not in str(lines)


@each_dialect
async def test_compatible_form_folds_to_the_same_with_empty_members(dialect):
    async with model(dialect) as stream:
        body = await all_of(sse_frames(stream, compatible=True))
        expected = stream.accumulator.response

    found = fold(body)
    assert ("complete", expected.output_text) == (found.outcome, found.accumulator.response.output_text)
    assert HIDDEN not in body.decode()
    if expected.instructions is not None:
        assert ("", []) == (found.accumulator.response.instructions, found.accumulator.response.tools)


@pytest.mark.parametrize("view", ["events", "changes"])
@pytest.mark.parametrize("name", FAILING)
@each_dialect
async def test_a_failure_is_the_last_event(dialect, name, view):
    async with model(dialect, FAILING[name]) as stream:
        events = seen(await all_of(sse_frames(stream, view=view)))
        with pytest.raises((StreamEventError, StreamTruncatedError)) as caught:
            await stream.until_done()

    error = json.loads(events[-1].data)["error"]
    assert "error" == events[-1].event
    if isinstance(caught.value, StreamEventError):
        assert (caught.value.message, str(caught.value.code)) == (error["message"], str(error["code"]))
    else:
        assert ("litellm", "stream_truncated") == (dialect, error["code"])
    assert 1 == [one.event for one in events].count("error")


# What is left out.

WITHHELD = {
    **TOLD,
    "conversation": {"id": HIDDEN},
    "previous_response_id": HIDDEN,
    "prompt": {"id": HIDDEN, "variables": {"a": HIDDEN}},
    "__verbose": {"prompt": HIDDEN},
    "debug": {"echo_upstream_body": {"input": HIDDEN}},
    "input_messages": [{"role": "system", "content": HIDDEN}],
}
SHELL = {
    "type": "shell_call",
    "id": "sh_1",
    "environment": {"type": "local", "skills": [{"name": HIDDEN, "description": HIDDEN, "path": HIDDEN}]},
}
LISTED = {
    "type": "mcp_list_tools",
    "id": "mcpl_1",
    "server_label": "docs",
    "tools": [{"name": HIDDEN, "description": HIDDEN, "input_schema": {"title": HIDDEN}}],
}


@pytest.mark.parametrize("form", ["sse", "ndjson", "compatible"])
@pytest.mark.parametrize("view", ["events", "changes"])
async def test_nothing_of_the_request_goes_out_in_any_event(view, form):
    frames = answer(LISTED, SHELL, response("x"), **WITHHELD)
    # Some servers repeat it in each event.
    frames[1:1] = [event("output_text.delta", item_id="m", output_index=9, delta="hi", **WITHHELD)]
    frames[1:1] = [event("vendor.note", response=WITHHELD, words="none")]
    frames[1:1] = [event("in_progress", response={"id": "resp_1", "status": "in_progress", "text": {"format": SCHEMA}})]
    async with upstream(frames) as origin:
        stream = origin.client.responses.stream(model="m", input="hi")
        if form == "ndjson":
            body = await all_of(ndjson_lines(stream, view=view))
        elif form == "compatible" and view == "events":
            body = await all_of(sse_frames(stream, compatible=True))
        else:
            body = await all_of(sse_frames(stream, view=view))
        assert HIDDEN in str(stream.accumulator.response)

    assert b"mcpl_1" in body
    assert b"docs" in body
    assert HIDDEN.encode() not in body


@pytest.mark.parametrize("member", sorted({*WITHHELD, "format"} - {"text"}))
async def test_what_is_exposed_goes_out_and_nothing_else(member):
    async with upstream(answer(LISTED, **WITHHELD)) as origin:
        events = seen(await all_of(sse_frames(origin.client.responses.stream(model="m", input="hi"), expose=[member])))

    told = json.loads(events[0].data)["response"]
    others = {key for key in WITHHELD if key != "text"} - {member}
    assert set() == others & told.keys()
    if member == "format":
        assert SCHEMA == told["text"]["format"]
    else:
        assert (WITHHELD[member], {}) == (told[member], told["text"])


# The log, and following it.


@pytest.mark.parametrize("view", ["events", "changes", "text"])
async def test_a_run_in_the_log_is_read_by_many_and_from_anywhere(aiohttp_app: Serving, store: Store, view):
    async with model("openai") as stream, RunLog(store) as log, aiohttp_app(log) as url:
        run_id = "a"
        await log.start(run_id, stream, view=view)
        async with asyncio.timeout(20), log.follow(run_id) as following:
            entries = [entry async for entry in following]
        async with asyncio.timeout(20), log.follow(run_id, 2) as following:
            rest = [entry async for entry in following]
        if view == "events":
            async with follow(f"{url}/runs/{run_id}", protocol="responses") as events:
                followed = [one async for one in events]

    assert entries[2:] == rest
    assert "done" == entries[-1].event
    assert HIDDEN not in str(entries)
    if view == "events":
        assert [entry.event for entry in entries[:-1]] == [one.type for one in followed]
        assert SAID == "".join(one.delta for one in followed if one.type == "response.output_text.delta")


@each_dialect
async def test_a_followed_run_folds_to_the_same(aiohttp_app: Serving, dialect):
    async with model(dialect) as stream, RunLog() as log, aiohttp_app(log) as url:
        run_id = "a"
        await log.start(run_id, stream)
        async with follow(f"{url}/runs/{run_id}", protocol="responses") as events:
            async for _ in events:
                pass
            last = events.last_event_id
        body = await all_of(sse_frames(log.follow(run_id)))
        expected = stream.accumulator.response

    assert seen(body)[-1].id == last
    assert expected.output_text == fold(body).accumulator.response.output_text


# openai-python in front of it.


@pytest.mark.parametrize("dialect", ["openai", "azure"])
async def test_openai_python_reads_a_relay_in_the_compatible_form(dialect):
    openai = pytest.importorskip("openai", reason="openai-python is not installed")

    async with model(dialect) as stream:

        async def handler(request: web.Request) -> web.StreamResponse:
            return await relay_response(request, stream, compatible=True)

        app = web.Application()
        app.router.add_post("/v1/responses", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            async with openai.AsyncOpenAI(api_key="any", base_url=url, max_retries=0) as client:
                async with client.responses.stream(model="m", input="hi") as theirs:
                    final = await theirs.get_final_response()
        finally:
            await runner.cleanup()

    assert (SAID, "completed", [], {}) == (final.output_text, final.status, final.tools, final.metadata)
