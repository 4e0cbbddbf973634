"""What the libraries of pages make of our streams: they show all of an answer, and no half answer as a whole one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from assistants_wire import STREAM_HEAD, chunk, stream
from chat_wire import CALLS, DONE, HELLO, MESSAGES, call, piece
from page_libraries import libraries, shown
from page_servers import SERVERS, Answer, page_server
from programs import needed
from projected import TRANSCRIPTS
from raw_server import Exchange, raw_server
from redis_server import RedisServer, needs_redis
from responses_wire import call as response_call
from responses_wire import event as response_event
from responses_wire import hello, message, response

from asyncstream import AsyncClient, ChatStream, Later, LoopState, Refused, Tool, ToolFailed, Tools
from asyncstream.relay import RedisStore, RunLog, project
from asyncstream.ui import AGUI, UIMessages, messages_from_ag_ui, messages_from_ui

__all__ = ["libraries"]

pytestmark = [pytest.mark.system, needed("npm")]

PAGES = ["ai6", "ai7", "assistant-ui", "ag-ui"]
each_page = pytest.mark.parametrize("page", PAGES)

Open = Callable[[AsyncClient], Any]


def plain(client: AsyncClient) -> ChatStream:
    return client.chat.completions.stream(messages=MESSAGES, model="m")


@asynccontextmanager
async def relaying_by(
    server: str, *answers: list[bytes], page: str, then: str = "end", opened: Open = plain, status: int = 200
) -> AsyncIterator[str]:
    """Relay the answers of a model to a page; give the URL."""

    async def model(exchange: Exchange) -> None:
        if status != 200:
            await exchange.reply(status, b'{"error": {"message": "Too many questions."}}')
            return
        await stream(exchange, *answers[min(exchange.number, len(answers)) - 1], end=then == "end")
        if then == "rst":
            exchange.rst()

    def answer(request: Any, body: Any) -> tuple[Any, Any]:
        last = body.get("messages", [{}])[-1]
        if last.get("role") == "assistant":
            # What goes on in a message has its id.
            return project(opened(client), UIMessages(message_id=last["id"])), None
        return opened(client), "ag-ui" if page == "ag-ui" else "ui-messages"

    async with raw_server(model) as upstream, AsyncClient(api_key="k", base_url=upstream.url, max_retries=0) as client:
        async with page_server(server, {"POST /chat": answer}) as url:
            yield f"{url}/chat"


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """Give the name of a kind of server."""
    return str(request.param)


@pytest.fixture
def relaying(server: str) -> Any:
    """Give `relaying_by` for a kind of server."""
    return partial(relaying_by, server)


def texts_of(found: dict[str, Any]) -> str:
    """Return all that a page shows as the words of the assistant."""
    if "messages" in found:
        return "".join(one.get("content") or "" for one in found["messages"] if one["role"] == "assistant")
    parts = found["message"]["parts"] if found.get("message") else []
    return "".join(part["text"] for part in parts if part["type"] == "text")


def calls_of(found: dict[str, Any]) -> dict[str, tuple[object, object]]:
    """Return the calls that a page shows, by id: input and output."""
    if "messages" in found:
        results = {one["toolCallId"]: one["content"] for one in found["messages"] if one["role"] == "tool"}
        calls = [call for one in found["messages"] for call in one.get("toolCalls") or ()]
        return {one["id"]: (one["function"]["arguments"], results.get(one["id"])) for one in calls}
    parts = [part for part in found["message"]["parts"] if "toolCallId" in part]
    if parts and "args" in parts[0]:
        return {part["toolCallId"]: (part["args"], part.get("result")) for part in parts}
    return {part["toolCallId"]: (part.get("input"), part.get("output") or part.get("errorText")) for part in parts}


@each_page
async def test_a_text(page: str, relaying: Any, libraries: Path) -> None:
    async with relaying([*HELLO, DONE], page=page) as url:
        found = await shown(libraries, page, url)

    assert ("Hello", []) == (texts_of(found), found["errors"])


@each_page
async def test_reasoning_and_then_a_text(page: str, relaying: Any, libraries: Path) -> None:
    frames = [piece({"reasoning": "hm, "}), piece({"reasoning": "so"}), *HELLO, DONE]
    async with relaying(frames, page=page) as url:
        found = await shown(libraries, page, url)

    assert ("Hello", []) == (texts_of(found), found["errors"])
    assert "hm, so" in str(found)


@each_page
async def test_the_end_at_a_length_is_no_error(page: str, relaying: Any, libraries: Path) -> None:
    async with relaying([piece({"content": "Half"}), piece(finish="length"), DONE], page=page) as url:
        found = await shown(libraries, page, url)

    assert ("Half", []) == (texts_of(found), found["errors"])


async def get_current_weather(city: str) -> str:
    """Tell the weather."""
    if city == "Oslo":
        raise ToolFailed("no such city")
    return f"hot in {city}"


def with_tools(client: AsyncClient) -> ChatStream:
    tools = Tools(get_current_weather)
    return client.chat.completions.stream(messages=MESSAGES, model="m", run_tools=tools)


@each_page
async def test_parallel_calls_one_of_which_fails(page: str, relaying: Any, libraries: Path) -> None:
    async with relaying([*CALLS, DONE], [*HELLO, DONE], page=page, opened=with_tools) as url:
        found = await shown(libraries, page, url)

    assert ("Hello", []) == (texts_of(found), found["errors"])
    calls = calls_of(found)
    assert ["call_a", "call_b"] == sorted(calls)
    assert "Lisbon" in str(calls["call_a"][0])
    assert "hot in Lisbon" in str(calls["call_a"][1])
    assert "no such city" in str(calls["call_b"][1])


@each_page
async def test_a_text_goes_on_beside_calls(page: str, relaying: Any, libraries: Path) -> None:
    frames = [
        call(0, '{"city":', "get_current_weather", "call_a"),
        piece({"content": "I "}),
        call(1, '{"city":"Rome"}', "get_current_weather", "call_b"),
        piece({"content": "look. "}),
        call(0, '"Lisbon"}'),
        piece(finish="tool_calls"),
        DONE,
    ]
    async with relaying(frames, [*HELLO, DONE], page=page, opened=with_tools) as url:
        found = await shown(libraries, page, url)

    assert ("I look. Hello", []) == (texts_of(found), found["errors"])
    assert ["call_a", "call_b"] == sorted(calls_of(found))
    assert "hot in Rome" in str(calls_of(found)["call_b"][1])


@each_page
async def test_broken_arguments_have_an_error(page: str, relaying: Any, libraries: Path) -> None:
    frames = [call(0, "Rome, please", "f", "call_a"), piece(finish="tool_calls"), DONE]
    async with relaying(frames, page=page) as url:
        found = await shown(libraries, page, url)

    assert [] == found["errors"]
    assert "no JSON" in str(found)


@each_page
@pytest.mark.parametrize("then", ["end", "rst"])
async def test_an_answer_that_breaks_off_is_an_error(page: str, then: str, relaying: Any, libraries: Path) -> None:
    frames = [piece({"content": "Half"}), call(0, '{"ci', "f", "call_a")]
    async with relaying(frames, page=page, then=then) as url:
        found = await shown(libraries, page, url)

    assert "Half" == texts_of(found)
    assert found["errors"] or found["message"]["status"]["type"] == "incomplete"


@each_page
async def test_an_error_before_the_first_part_is_an_error(page: str, relaying: Any, libraries: Path) -> None:
    frames = [b'data: {"error": {"message": "overloaded", "code": "busy"}}\n\n']
    async with relaying(frames, page=page) as url:
        found = await shown(libraries, page, url)

    assert "overloaded" in str(found)
    assert "" == texts_of(found)


@each_page
async def test_a_refusal_is_shown_in_words(page: str, relaying: Any, libraries: Path) -> None:
    async with relaying([], page=page, status=429) as url:
        found = await shown(libraries, page, url)

    assert "Too many questions." in str(found)
    assert "{" not in str(found.get("refused", ""))


async def pay(eur: int) -> str:
    """Pay."""
    return f"paid {eur}"


PAYS = [call(0, '{"eur": 5}', "pay", "call_1"), piece(finish="tool_calls"), DONE]


@pytest.mark.parametrize("page", ["ai6", "ai7"])
@pytest.mark.parametrize("allowed", [True, False])
async def test_a_call_that_waits_for_a_word_goes_on_with_the_next_post(
    page: str, allowed: bool, relaying: Any, libraries: Path
) -> None:
    async def ask(call: Any) -> Later:
        return Later()

    tools = Tools(Tool(pay, approve=True), approve=ask)
    streams: list[ChatStream] = []
    states: list[LoopState] = []

    def opened(client: AsyncClient) -> ChatStream:
        resume = states[-1] if states else None
        streams.append(client.chat.completions.stream(messages=MESSAGES, model="m", run_tools=tools, resume=resume))
        return streams[-1]

    async with relaying(PAYS, [*HELLO, DONE], page=page, opened=opened) as url:
        first = await shown(libraries, page, url)
        (part,) = [part for part in first["message"]["parts"] if "toolCallId" in part]
        assert ("approval-requested", {"eur": 5}) == (part["state"], part["input"])
        part["state"] = "approval-responded"
        part["approval"]["approved"] = allowed
        question = {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}
        posted = [question, first["message"]]
        state = streams[0].state
        _, pending = messages_from_ui(posted, state=state)
        assert {"call_1": True if allowed else Refused("")} == pending
        states.append(state.decide(pending))
        second = await shown(libraries, page, url, posted)

    assert [] == second["errors"]
    (part,) = [part for part in second["message"]["parts"] if "toolCallId" in part]
    assert ("output-available" if allowed else "output-denied") == part["state"]
    assert ("paid 5" if allowed else None) == part.get("output")
    assert "Hello" == texts_of(second)


async def test_ids_that_were_given_are_those_that_the_page_has(server: str, libraries: Path) -> None:
    async def model(exchange: Exchange) -> None:
        await stream(exchange, *HELLO, DONE)

    def projected_by(make: Callable[[], Any]) -> Answer:
        return lambda request, body: (project(plain(client), make()), None)

    answers = {
        "POST /ui": projected_by(lambda: UIMessages(message_id="mine")),
        "POST /ag-ui": projected_by(lambda: AGUI(thread_id="t1", run_id="mine")),
    }
    async with raw_server(model) as upstream, AsyncClient(api_key="k", base_url=upstream.url) as client:
        async with page_server(server, answers) as url:
            found = await shown(libraries, "ai7", f"{url}/ui")
            run = await shown(libraries, "ag-ui", f"{url}/ag-ui")

    assert ("mine", "mine") == (found["message"]["id"], run["finished"]["runId"])


@each_page
async def test_a_run_with_code_and_a_picture(page: str, relaying: Any, libraries: Path) -> None:
    frames = [(TRANSCRIPTS / "assistants_code.sse").read_bytes()]

    def opened(client: AsyncClient) -> Any:
        return client.threads.runs.stream("thread_1", assistant_id="asst_1")

    async with relaying(frames, page=page, opened=opened) as url:
        found = await shown(libraries, page, url)

    assert ("Here: sandbox:/plot.csv", []) == (texts_of(found), found["errors"])
    assert "3.141592653" in str(calls_of(found)["call_ci"][1])


ROME = response_call("1", "get_current_weather", '{"city": "Rome"}')


@each_page
async def test_a_response_whose_calls_run(page: str, relaying: Any, libraries: Path) -> None:
    calls = [
        response_event("output_item.added", output_index=0, item=response_call("1", "get_current_weather", "")),
        response_event("output_item.done", output_index=0, item=ROME),
        response_event("completed", response=response("completed", ROME)),
    ]

    def opened(client: AsyncClient) -> Any:
        return client.responses.stream(model="m", input="Hi", run_tools=Tools(get_current_weather))

    async with relaying(calls, hello("resp_2"), page=page, opened=opened) as url:
        found = await shown(libraries, page, url)

    assert ("Hello", []) == (texts_of(found), found["errors"])
    assert "Rome" in str(calls_of(found)["call_1"][0])
    assert "hot in Rome" in str(calls_of(found)["call_1"][1])


@pytest.mark.parametrize("page", ["ai6", "ai7"])
async def test_a_second_turn_posts_what_a_model_can_be_asked_with(page: str, relaying: Any, libraries: Path) -> None:
    async with relaying([*CALLS, DONE], [*HELLO, DONE], page=page, opened=with_tools) as url:
        found = await shown(libraries, page, url)
    question = {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}
    messages, pending = messages_from_ui([question, found["message"], question])

    assert {} == pending
    assert ["user", "assistant", "tool", "tool", "assistant", "user"] == [one["role"] for one in messages]
    assert ["call_a", "call_b"] == [call["id"] for call in messages[1]["tool_calls"]]
    assert ["hot in Lisbon", "Hello"] == [messages[2]["content"], messages[4]["content"]]


async def test_a_second_turn_of_ag_ui(relaying: Any, libraries: Path) -> None:
    async with relaying([*CALLS, DONE], [*HELLO, DONE], page="ag-ui", opened=with_tools) as url:
        found = await shown(libraries, "ag-ui", url)
        posted = [*found["messages"], {"id": "u2", "role": "user", "content": "Hi"}]
        again = await shown(libraries, "ag-ui", url, posted)
    messages, tools = messages_from_ag_ui({"threadId": "t1", "runId": "r2", "messages": posted})

    assert [] == [*tools, *again["errors"]]
    assert ["user", "assistant", "tool", "tool", "assistant", "user"] == [one["role"] for one in messages]
    assert len(again["messages"]) == len(posted) + 1


SEARCHED: dict[str, Any] = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {"type": "search", "query": "weather in Rome"},
}


@each_page
async def test_a_response_that_searches_the_web(page: str, relaying: Any, libraries: Path) -> None:
    cited = {"type": "url_citation", "url": "https://a.test/rome", "title": "Rome", "start_index": 0, "end_index": 3}
    said = message("Hot.")
    said["content"][0]["annotations"] = [cited]
    place = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    frames = [
        response_event("created", response=response("in_progress")),
        response_event("output_item.added", output_index=0, item={**SEARCHED, "status": "in_progress"}),
        response_event("web_search_call.searching", output_index=0, item_id="ws_1"),
        response_event("output_item.done", output_index=0, item=SEARCHED),
        response_event("output_item.added", output_index=1, item={**said, "content": []}),
        response_event("output_text.delta", **place, delta="Hot."),
        response_event("output_text.annotation.added", **place, annotation_index=0, annotation=cited),
        response_event("output_item.done", output_index=1, item=said),
        response_event("completed", response=response("completed", SEARCHED, said)),
    ]

    def opened(client: AsyncClient) -> Any:
        return client.responses.stream(model="m", input="Hi")

    async with relaying(frames, page=page, opened=opened) as url:
        found = await shown(libraries, page, url)

    assert ("Hot.", []) == (texts_of(found), found["errors"])
    assert "weather in Rome" in str(calls_of(found)["ws_1"][0])
    if page != "ag-ui":
        # There a source is a CUSTOM event, which is no message.
        assert "https://a.test/rome" in str(found["message"])


@each_page
async def test_a_connection_that_breaks_is_an_error(page: str, libraries: Path) -> None:
    projection: Any = AGUI() if page == "ag-ui" else UIMessages()
    parts = [*projection.start(), *projection.data("so", "far")]

    async def worker(exchange: Exchange) -> None:
        await exchange.send(
            STREAM_HEAD + chunk(b"".join(b"data: %b\n\n" % json.dumps(part).encode() for part in parts))
        )
        exchange.fin()

    async with raw_server(worker) as server:
        found = await shown(libraries, page, server.url)

    assert found["errors"]


@pytest.fixture(params=["memory", pytest.param("redis", marks=needs_redis)])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RunLog]:
    """Give a log over each kind of store."""
    if request.param == "memory":
        async with RunLog() as log:
            yield log
        return
    redis = RedisServer(tmp_path)
    await redis.start()
    try:
        async with RunLog(RedisStore(redis.url)) as log:
            yield log
    finally:
        redis.kill()


@asynccontextmanager
async def half_a_run(log: RunLog, view: Any, rest: asyncio.Event) -> AsyncIterator[None]:
    """Start a run, of which half can be read until the rest is asked for."""

    async def model(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD + chunk(piece({"content": "Hel"})))
        await rest.wait()
        await exchange.send(chunk(piece({"content": "lo"}) + piece(finish="stop") + DONE) + b"0\r\n\r\n")

    async with raw_server(model) as upstream, AsyncClient(api_key="k", base_url=upstream.url) as client:
        await log.start("run-1", plain(client), view=view)
        async with asyncio.timeout(20), log.follow("run-1") as reader:
            while b"Hel" not in (await anext(reader)).data:
                pass
        try:
            yield
        finally:
            rest.set()


@pytest.mark.parametrize("page", ["ai6", "ai7"])
async def test_a_page_that_comes_back_has_the_whole_message_once(
    page: str, server: str, log: RunLog, libraries: Path
) -> None:
    rest = asyncio.Event()

    def resume(request: Any, body: Any) -> tuple[Any, Any]:
        source: Any = log.resumption(request, "run-1")
        open_source = source.open

        async def then_the_rest() -> Any:
            await open_source()
            rest.set()

        source.open = then_the_rest
        return source, None

    async with half_a_run(log, "ui-messages", rest), page_server(server, {"GET /chat/c1/stream": resume}) as url:
        found = await shown(libraries, f"{page} again", f"{url}/chat")
        over = await shown(libraries, f"{page} again", f"{url}/chat")

    assert ("Hello", []) == (texts_of(found), found["errors"])
    assert found["message"]["id"].startswith("msg_")
    assert {"nothing": True} == over


@each_page
async def test_a_run_that_is_stopped_is_given_up_on_the_page(
    page: str, server: str, log: RunLog, libraries: Path
) -> None:
    cancelling: list[asyncio.Task[bool]] = []

    def ask(request: Any, body: Any) -> tuple[Any, Any]:
        cancelling.append(asyncio.ensure_future(log.cancel("run-1")))
        return log.reader(request, "run-1") if server == "FastAPI" else log.follow("run-1"), None

    view: Any = "ag-ui" if page == "ag-ui" else "ui-messages"
    async with half_a_run(log, view, asyncio.Event()), page_server(server, {"POST /chat": ask}) as url:
        found = await shown(libraries, page, f"{url}/chat")
        assert await cancelling[0]

    assert "Hel" == texts_of(found)
    if page == "ag-ui":
        assert ("cancelled", []) == (found["finished"]["outcome"]["type"], found["errors"])
    elif page == "assistant-ui":
        assert "incomplete" == found["message"]["status"]["type"]
    else:
        assert ("abort", []) == (found["types"][-1], found["errors"])
