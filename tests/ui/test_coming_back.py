"""Pages that are loaded again while an answer goes on in a message that was begun before it: they build all of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from page_libraries import libraries, shown
from programs import needed
from served_app import served

from asyncstream import AsyncClient, Later, LoopState, Tool, Tools
from asyncstream.relay import RunLog, project
from asyncstream.server import CallFunction, Say, Scenario, Turn, serve
from asyncstream.ui import UIMessages, retell

__all__ = ["libraries"]

pytestmark = [pytest.mark.system, needed("npm")]

Handler = Callable[[web.Request], Any]

KEPT: dict[str, Any] = {
    "id": "m1",
    "role": "assistant",
    "parts": [
        {"type": "step-start"},
        {"type": "reasoning", "text": "hm", "state": "done"},
        {"type": "text", "text": "I look.", "state": "done"},
        {"type": "dynamic-tool", "toolName": "look", "toolCallId": "c1", "state": "output-available"}
        | {"input": {"at": [1, "\u00e4"]}, "output": {"seen": True}},
        {"type": "tool-run", "toolCallId": "c2", "state": "output-error", "input": "print(1)", "errorText": "No."},
        {"type": "step-start"},
        {"type": "source-url", "sourceId": "s1", "url": "https://example.org", "title": "A page"},
        {"type": "file", "url": "https://example.org/a.png", "mediaType": "image/png"},
        {"type": "data-mine", "data": {"n": 1}},
        {"type": "dynamic-tool", "toolName": "pay", "toolCallId": "c3", "state": "output-denied", "input": {"eur": 5}},
        {"type": "dynamic-tool", "toolName": "pay", "toolCallId": "c4", "state": "approval-responded"}
        | {"input": {"eur": 6}, "approval": {"id": "approve-c4", "approved": True}},
    ],
}


@asynccontextmanager
async def serving(**handlers: Handler) -> AsyncIterator[str]:
    """Serve a conversation: what posts to it, and what asks for its stream."""
    app = web.Application()
    app.router.add_post("/chat", handlers["post"])
    app.router.add_get("/chat/c1/stream", handlers["get"])
    async with served(app, access_log=None) as url:
        yield f"{url}/chat"


def meant(part: dict[str, Any]) -> dict[str, Any]:
    """Return of a part what its user sees: libraries add members of their own."""
    told = {key: value for key, value in part.items() if value is not None and key not in ("approval", "rawInput")}
    return {key: value for key, value in told.items() if key not in ("providerMetadata", "inputEncoding", "id")}


each_page = pytest.mark.parametrize("page", ["ai6", "ai7"])


async def resume(request: web.Request) -> web.Response:
    """Tell what was kept, and what came of its last call."""
    parts = [{"type": "start", "messageId": "m1"}, *retell(KEPT), {"type": "start-step"}]
    parts += [{"type": "tool-output-available", "toolCallId": "c4", "output": "paid", "dynamic": True}]
    frames = [*map(json.dumps, [*parts, {"type": "finish-step"}, {"type": "finish"}]), "[DONE]"]
    return web.Response(text="".join(f"data: {data}\n\n" for data in frames), content_type="text/event-stream")


@each_page
async def test_a_page_builds_what_was_kept_as_it_was(page: str, libraries: Path) -> None:
    async with serving(post=resume, get=resume) as url:
        found = await shown(libraries, f"{page} again", url)

    assert ("m1", []) == (found["message"]["id"], found["errors"])
    paid = {**KEPT["parts"][-1], "state": "output-available", "output": "paid"}
    expected = [*KEPT["parts"][:-1], paid, {"type": "step-start"}]
    assert [meant(part) for part in expected] == [meant(part) for part in found["message"]["parts"]]


async def test_assistant_ui_builds_it_too_with_calls_that_have_ended_at_its_end(libraries: Path) -> None:
    async with serving(post=resume, get=resume) as url:
        found = await shown(libraries, "assistant-ui", url)

    assert [] == found["errors"]
    calls = {part["toolCallId"]: part for part in found["message"]["parts"] if "toolCallId" in part}
    # It holds a call back until its input is said to be complete, or to the end.
    assert {"c1", "c2", "c3", "c4"} == {*calls}
    assert ({"at": [1, "\u00e4"]}, {"seen": True}) == (calls["c1"]["args"], calls["c1"]["result"])
    assert ({"eur": 6}, "paid") == (calls["c4"]["args"], calls["c4"]["result"])
    assert ["hm", "I look."] == [part["text"] for part in found["message"]["parts"] if part.get("text")]


async def chat(client: AsyncClient, tools: Tools[None]) -> Callable[[LoopState | None], Any]:
    messages: Any = [{"role": "user", "content": "Pay"}]
    return lambda state: client.chat.completions.stream(model="m", messages=messages, run_tools=tools, resume=state)


async def responses(client: AsyncClient, tools: Tools[None]) -> Callable[[LoopState | None], Any]:
    return lambda state: client.responses.stream(model="m", input="Pay", run_tools=tools, resume=state)


async def assistants(client: AsyncClient, tools: Tools[None]) -> Callable[[LoopState | None], Any]:
    assistant = await client.assistants.create(model="m")
    thread = await client.threads.create()
    runs = client.threads.runs
    return lambda state: runs.stream(thread.id, assistant_id=assistant.id, run_tools=tools, resume=state)


@each_page
@pytest.mark.parametrize("protocol", [chat, responses, assistants])
async def test_an_answer_that_goes_on_after_a_word_is_built_from_nothing(
    page: str, protocol: Any, libraries: Path
) -> None:
    came_back = asyncio.Event()

    async def pay(eur: int) -> str:
        """Pay."""
        await came_back.wait()
        return f"paid {eur}"

    async def ask_the_user(call: object) -> Later:
        return Later()

    tools: Tools[None] = Tools(Tool(pay, approve=True), approve=ask_the_user)
    scenario = Scenario([Turn(Say("I ask."), CallFunction("pay", {"eur": 5})), Turn(Say("Done."))])
    async with serve(scenario) as upstream, AsyncClient(api_key="any", base_url=upstream) as client, RunLog() as log:
        opened = await protocol(client, tools)
        first = opened(None)

        async def post(request: web.Request) -> web.StreamResponse:
            await log.start("run-1", project(first, UIMessages(message_id="m1")))
            return await log.respond(request, "run-1")

        async def get(request: web.Request) -> web.StreamResponse:
            came_back.set()
            return await log.resume(request, "run-2", before=retell(kept))

        async with serving(post=post, get=get) as url:
            kept = (await shown(libraries, page, url))["message"]
            (call,) = [part for part in kept["parts"] if "toolCallId" in part]
            assert call["state"] == "approval-requested"
            call |= {"state": "approval-responded", "approval": {**call["approval"], "approved": True}}
            state = first.state.decide({waiting.id: True for waiting in first.state.waiting})
            await log.start("run-2", project(opened(state), UIMessages(message_id="m1")))
            found = await shown(libraries, f"{page} again", url)

    assert ("m1", []) == (found["message"]["id"], found["errors"])
    parts = [part for part in found["message"]["parts"] if part["type"] != "step-start"]
    assert ["I ask.", None, "Done."] == [part.get("text") for part in parts]
    assert ("output-available", {"eur": 5}, "paid 5") == tuple(parts[1][key] for key in ("state", "input", "output"))
