"""``demo --web``: the example applications over HTTP, how the command begins and ends, and what it refuses."""

import ast
import asyncio
import json
import signal
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from processes import ending, posix_only, started

from asyncstream import AsyncClient
from asyncstream.__main__ import main
from asyncstream.commands import demo
from asyncstream.commands.web_demo import tell
from asyncstream.examples.web.on_aiohttp import make_app
from asyncstream.examples.web.page import PAGE, PAGE_HEADERS
from asyncstream.examples.web.runs import Answers
from asyncstream.relay import RunLog
from asyncstream.server import CallFunction, Fault, Pause, Say, Scenario, Segment, Turn, serve

FRAMEWORKS = ["aiohttp", pytest.param("FastAPI", marks=pytest.mark.system)]
PROTOCOLS = ["chat", "responses", "assistants"]


@asynccontextmanager
async def served(framework: str, scenario: Scenario | None = None) -> AsyncIterator[str]:
    """Run an example application in this process; FastAPI under uvicorn."""
    scenario = scenario or Scenario(answer=tell)
    async with serve(scenario) as upstream, AsyncClient(api_key="any", base_url=upstream, max_retries=0) as client:
        assistant = await client.assistants.create(model="m")
        async with RunLog() as log:
            answers = Answers(client, log, model="m", assistant_id=assistant.id)
            listener = socket.create_server(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            if framework == "FastAPI":
                async with _on_uvicorn(answers, listener):
                    yield url
            else:
                runner = web.AppRunner(make_app(answers), access_log=None)
                await runner.setup()
                await web.SockSite(runner, listener).start()
                try:
                    yield url
                finally:
                    await runner.cleanup()


@asynccontextmanager
async def _on_uvicorn(answers: Answers, listener: socket.socket) -> AsyncIterator[None]:
    pytest.importorskip("fastapi")
    uvicorn = pytest.importorskip("uvicorn")
    from asyncstream.examples.web import on_fastapi

    app = on_fastapi.make_app(answers)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server._serve([listener]))
    try:
        yield
    finally:
        await answers.log.close()
        server.should_exit = True
        await serving


class Site:
    """What a page does."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.http = http

    async def post(self, path: str, body: object) -> tuple[int, Any]:
        async with self.http.post(f"{self.url}/{path}", json=body) as answer:
            return answer.status, await answer.json()

    async def begin(self, question: str, protocol: str = "chat") -> Any:
        status, said = await self.post("conversations", {"question": question, "protocol": protocol})
        assert status == 201, said
        return said

    async def parts(self, said: Any) -> list[dict[str, Any]]:
        """Return the parts of the last run, once it is over; the error last, if it failed."""
        parts: list[dict[str, Any]] = []
        async with self.http.get(f"{self.url}/runs/{said['turns'][-1]['runs'][-1]}/events") as answer:
            assert answer.status == 200
            for frame in (await answer.text()).split("\n\n"):
                lines = dict(line.split(": ", 1) for line in frame.split("\n") if line and not line.startswith(":"))
                if lines.get("event") == "error":
                    parts.append({**json.loads(lines["data"])["error"], "type": "failed"})
                elif "data" in lines and "event" not in lines:
                    parts.append(json.loads(lines["data"]))
        return parts

    async def show(self, said: Any) -> Any:
        async with self.http.get(f"{self.url}/conversations/{said['id']}") as answer:
            assert answer.status == 200
            return await answer.json()

    async def booking(self, protocol: str = "chat") -> tuple[Any, dict[str, Any]]:
        """Ask for a table; return the conversation, and the word that the page would post."""
        said = await self.begin("Book a table.", protocol)
        parts = await self.parts(said)
        shown = await self.show(said)
        (asks,) = [part["toolCallId"] for part in parts if part["type"] == "tool-approval-request"]
        assert shown["waiting"] == [asks]
        pieces = [part for part in parts if part["type"] == "tool-input-delta" and part["toolCallId"] == asks]
        text = "".join(part["inputTextDelta"] for part in pieces)
        return shown, {"call": asks, "name": "book_table", "input": text, "approved": True}


@asynccontextmanager
async def site(framework: str = "aiohttp", scenario: Scenario | None = None) -> AsyncIterator[Site]:
    async with served(framework, scenario) as url, aiohttp.ClientSession() as http:
        yield Site(url, http)


def text_of(parts: list[dict[str, Any]]) -> str:
    return "".join(part["delta"] for part in parts if part["type"] == "text-delta")


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_question_is_answered_with_what_its_tools_gave(framework: str, protocol: str) -> None:
    async with site(framework) as one:
        said = await one.begin("What time is it?", protocol)
        parts = await one.parts(said)
        shown = await one.show(said)

    outputs = [part["output"] for part in parts if part["type"] == "tool-output-available"]
    assert len(outputs) == 2
    assert text_of(parts) == f"It is **{outputs[0]}** in Tokyo and **{outputs[1]}** in Nairobi."
    assert parts[-1]["type"] == "finish"
    assert (shown["busy"], shown["waiting"]) == (False, [])
    assert any(part["type"] == "reasoning-delta" for part in parts) == (protocol != "assistants")


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("approved", [True, False])
async def test_a_word_of_the_user_goes_on_with_the_answer(framework: str, protocol: str, approved: bool) -> None:
    async with site(framework) as one:
        shown, word = await one.booking(protocol)
        status, said = await one.post(f"conversations/{shown['id']}/decisions", {**word, "approved": approved})
        assert (status, len(said["turns"]), len(said["turns"][0]["runs"])) == (201, 1, 2)
        parts = await one.parts(said)
        assert (await one.show(said))["waiting"] == []

    assert ("booked, number 1" in text_of(parts)) == approved
    assert ("nothing was booked" in text_of(parts)) != approved
    ending = "tool-output-available" if approved else "tool-output-denied"
    assert [part["toolCallId"] for part in parts if part["type"] == ending] == [word["call"]]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    "forged",
    [{"call": "call_nobody"}, {"name": "find_tables"}, {"input": '{"time":"20:00","people":9}'}, {"approved": "yes"}],
    ids=["another call", "another tool", "another input", "no word"],
)
async def test_a_forged_word_is_refused_and_nothing_runs(framework: str, forged: dict[str, object]) -> None:
    async with site(framework) as one:
        shown, word = await one.booking()
        status, said = await one.post(f"conversations/{shown['id']}/decisions", {**word, **forged})
        assert (status, said["error"]["code"]) == (400, "not_taken")
        again = await one.show(shown)

    assert again == shown


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_word_counts_once(framework: str) -> None:
    async with site(framework) as one:
        shown, word = await one.booking()
        path = f"conversations/{shown['id']}/decisions"
        answers = await asyncio.gather(*(one.post(path, word) for _ in range(3)))
        statuses = [status for status, _ in answers]
        assert statuses.count(201) == 1
        assert {*statuses} <= {201, 400, 409}
        parts = await one.parts(next(said for status, said in answers if status == 201))
        status, said = await one.post(path, word)
        assert (status, said["error"]["code"]) == (400, "not_taken")

    assert "booked, number 1" in text_of(parts)


async def test_a_word_without_a_state_is_refused() -> None:
    async with site() as one:
        _, word = await one.booking()
        other = await one.begin("What time is it?")
        await one.parts(other)
        status, said = await one.post(f"conversations/{other['id']}/decisions", word)
        assert (status, said["error"]["code"]) == (400, "not_taken")


async def test_of_two_calls_that_wait_the_first_word_starts_nothing() -> None:
    def answer(segment: Segment) -> Turn:
        if segment.results:
            return Turn(Say(" and ".join(result.output for result in segment.results)))
        return Turn(*(CallFunction("book_table", {"time": time, "people": 2}) for time in ("18:30", "20:00")))

    async with site(scenario=Scenario(answer=answer)) as one:
        said = await one.begin("Two tables.")
        asks = [part for part in await one.parts(said) if part["type"] == "tool-input-available"]
        inputs = [json.dumps(part["input"], separators=(",", ":")) for part in asks]
        one_word, other = (
            {"call": part["toolCallId"], "name": "book_table", "input": input}
            for part, input in zip(asks, inputs, strict=True)
        )
        path = f"conversations/{said['id']}/decisions"
        status, first = await one.post(path, {**one_word, "approved": True})
        assert (status, first["busy"], first["waiting"]) == (201, False, [other["call"]])
        assert (await one.post(path, {**one_word, "approved": False}))[0] == 400
        status, second = await one.post(path, {**other, "approved": False})
        assert (status, len(second["turns"][0]["runs"])) == (201, 2)

        assert text_of(await one.parts(second)).startswith("booked, number 1 and Not allowed")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_question_instead_of_a_word_makes_no_call(protocol: str) -> None:
    async with site() as one:
        shown, word = await one.booking(protocol)
        status, said = await one.post(f"conversations/{shown['id']}/questions", {"question": "What time is it?"})
        assert status == 201, said
        assert text_of(await one.parts(said)).startswith("It is **")
        assert (await one.post(f"conversations/{shown['id']}/decisions", word))[0] == 400


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_stop_ends_an_answer_and_the_next_question_is_taken_at_once(framework: str, protocol: str) -> None:
    scenario = Scenario([Turn(Say("Half "), Pause(60), Say("whole"))], answer=lambda _: Turn(Say("Yes.")))
    async with site(framework, scenario) as one:
        said = await one.begin("How does this work?", protocol)
        async with one.http.get(f"{one.url}/runs/{said['turns'][0]['runs'][0]}/events") as answer:
            async for line in answer.content:
                if b"Half" in line:
                    break
        status, why = await one.post(f"conversations/{said['id']}/questions", {"question": "And?"})
        assert (status, why["error"]["code"]) == (409, "busy")
        status, stopped = await one.post(f"conversations/{said['id']}/stop", {})
        assert (status, stopped["busy"]) == (200, False)
        last = (await one.parts(said))[-1]
        assert (last["type"], last["code"]) == ("failed", "cancelled")
        status, next_one = await one.post(f"conversations/{said['id']}/questions", {"question": "And?"})
        assert status == 201
        assert text_of(await one.parts(next_one)) == "Yes."


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_the_page_allows_nothing_but_itself(framework: str) -> None:
    async with served(framework) as url, aiohttp.ClientSession() as http, http.get(f"{url}/") as answer:
        assert answer.content_type == "text/html"
        assert await answer.text() == PAGE
        for name, value in PAGE_HEADERS.items():
            assert answer.headers[name] == value
    policy = PAGE_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 2
    # No request leaves for another host, and nothing needs what the policy forbids.
    assert "http://" not in PAGE.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in PAGE
    assert ' style="' not in PAGE
    assert ' onclick="' not in PAGE
    # What a model wrote is never read as HTML.
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser"):
        assert way not in PAGE


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"question": " "}, "expected a question of 1 to 4000 characters, got 0"),
        ({"question": "x" * 4001}, "expected a question of 1 to 4000 characters, got 4001"),
        ({"q": "x"}, "Object missing required field `question`"),
        ({"question": "x", "protocol": "soap"}, "Invalid enum value 'soap'"),
        ([], "Expected `object`, got `array`"),
        ({"question": "x" * 70_000}, "expected at most 65536 bytes, got "),
    ],
)
async def test_a_bad_question_is_refused_with_a_clear_body(framework: str, body: object, message: str) -> None:
    async with site(framework) as one:
        status, said = await one.post("conversations", body)
        assert status == 400
        assert message in said["error"]["message"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_form_of_another_site_is_refused(framework: str) -> None:
    async with site(framework) as one:
        said = await one.begin("What time is it?")
        for path in ("conversations", f"conversations/{said['id']}/stop"):
            async with one.http.post(f"{one.url}/{path}", data='{"question": "x"}') as answer:
                assert answer.status == 400


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_what_the_upstream_refuses_is_said_and_was_not_asked(framework: str) -> None:
    scenario = Scenario(answer=tell, responses=[Fault(429, {"Retry-After": "7"}, path="*/completions")])
    async with site(framework, scenario) as one:
        async with one.http.post(f"{one.url}/conversations", json={"question": "x"}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
            assert set((await answer.json())["error"]) == {"message", "type", "code", "param"}
        said = await one.begin("What time is it?")
        await one.parts(said)
        scenario.responses.append(Fault(500, path="*/completions"))
        status, _ = await one.post(f"conversations/{said['id']}/questions", {"question": "And now?"})
        assert status == 500
        assert await one.show(said) == {**said, "busy": False}


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_what_is_not_there_is_said(framework: str) -> None:
    refused: list[tuple[str, dict[str, str], int, str]] = [
        ("runs/nobody/events", {}, 404, "run_not_found"),
        ("runs/nobody/events", {"Last-Event-ID": "x"}, 400, "bad_cursor"),
        ("conversations/nobody", {}, 404, "conversation_not_found"),
    ]
    async with site(framework) as one:
        for path, headers, status, code in refused:
            async with one.http.get(f"{one.url}/{path}", headers=headers) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (status, code)


# The command.


@posix_only
def test_it_says_where_it_is_and_ctrl_c_ends_it() -> None:
    with started("demo", "--web", "--port", "0") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        said = process.stdout.readline()
        with urllib.request.urlopen(url) as answer:
            assert answer.read().decode() == PAGE
        process.send_signal(signal.SIGINT)

        assert ending(process) == (0, "")
    assert url.startswith("http://127.0.0.1:")
    assert said.startswith("open it in a browser; runs are kept in this process, the model is http://127.0.0.1:")


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        assert main(["demo", "--web", "--port", port]) == 1
    why = f"port {port} on 127.0.0.1 is in use; choose another with --port, 0 takes a free one"
    assert capsys.readouterr().err == f"error: {why}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "1"], "--port, --redis and --fastapi need --web"),
        (["--fastapi"], "--port, --redis and --fastapi need --web"),
        (["--web", "--chat", "--assistants"], "--chat and --assistants are two protocols to begin with; choose one"),
        (["--web", "--redis", "http://x"], "expected the URL of a Redis"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *arguments]) == 1
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_without_fastapi_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    assert main(["demo", "--web", "--fastapi", "--port", "0"]) == 1
    assert capsys.readouterr().err == "error: --fastapi needs FastAPI and uvicorn: pip install fastapi uvicorn\n"


def test_the_other_demos_do_without_the_relay_and_the_frameworks() -> None:
    for module in ("demo", "__init__"):
        tree = ast.parse((Path(demo.__file__).parent / f"{module}.py").read_text())
        names = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]

        assert names
        assert not [name for name in names if "web" in name or "relay" in name]
