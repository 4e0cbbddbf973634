"""``demo --web``: the example applications over HTTP, how the command begins and ends, and what it refuses."""

import ast
import asyncio
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
from asyncstream.accumulators import AssistantAccumulator
from asyncstream.commands import demo
from asyncstream.commands.web_demo import tell
from asyncstream.examples.web.on_aiohttp import make_app
from asyncstream.examples.web.page import PAGE, PAGE_HEADERS
from asyncstream.examples.web.runs import TOOLS
from asyncstream.relay import RunLog, follow
from asyncstream.server import Fault, Scenario, serve

FRAMEWORKS = ["aiohttp", pytest.param("FastAPI", marks=pytest.mark.system)]


@asynccontextmanager
async def served(framework: str, scenario: Scenario | None = None) -> AsyncIterator[str]:
    """Run an example application in this process; FastAPI under uvicorn."""
    scenario = scenario or Scenario(answer=tell)
    async with serve(scenario) as upstream, AsyncClient(api_key="any", base_url=upstream, max_retries=0) as client:
        assistant = await client.assistants.create(model="m", tools=TOOLS)
        async with RunLog() as log:
            listener = socket.create_server(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            if framework == "FastAPI":
                async with _on_uvicorn(client, assistant.id, log, listener):
                    yield url
            else:
                runner = web.AppRunner(make_app(client, assistant.id, log), access_log=None)
                await runner.setup()
                await web.SockSite(runner, listener).start()
                try:
                    yield url
                finally:
                    await runner.cleanup()


@asynccontextmanager
async def _on_uvicorn(
    client: AsyncClient, assistant_id: str, log: RunLog, listener: socket.socket
) -> AsyncIterator[None]:
    pytest.importorskip("fastapi")
    uvicorn = pytest.importorskip("uvicorn")
    from asyncstream.examples.web import on_fastapi

    app = on_fastapi.make_app(client, assistant_id, log)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server._serve([listener]))
    try:
        yield
    finally:
        await log.close()
        server.should_exit = True
        await serving


@asynccontextmanager
async def asked(framework: str, body: object, scenario: Scenario | None = None) -> AsyncIterator[tuple[int, Any]]:
    async with served(framework, scenario) as url, aiohttp.ClientSession() as http:
        async with http.post(f"{url}/runs", json=body) as answer:
            yield answer.status, await answer.json()


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_question_becomes_a_run_that_can_be_followed(framework: str) -> None:
    async with served(framework) as url, aiohttp.ClientSession() as http:
        async with http.post(f"{url}/runs", json={"question": "Is it late?"}) as answer:
            assert answer.status == 201
            name = (await answer.json())["run"]
        accumulator = AssistantAccumulator()
        async with follow(f"{url}/runs/{name}/events", protocol="assistants") as events:
            async for event in events:
                accumulator.push(event)

    run = accumulator.run
    assert run is not None
    assert (run.status, run.metadata) == ("completed", {"question": "Is it late?"})
    first, second = (message.content[0] for message in accumulator.messages)
    assert first.type == second.type == "text"
    assert second.text.value.startswith('You asked that in 3 words. The clock said {"utc":"')
    assert second.text.value.endswith("count your words again.")


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


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"question": " "}, "expected a question of 1 to 500 characters, got 0"),
        ({"question": "x" * 501}, "expected a question of 1 to 500 characters, got 501"),
        ({"q": "x"}, 'expected {"question": "..."}: Object missing required field `question`'),
        ([], 'expected {"question": "..."}: Expected `object`, got `array`'),
    ],
)
async def test_a_bad_question_is_refused_with_a_clear_body(body: object, message: str) -> None:
    async with asked("aiohttp", body) as (status, said):
        assert (status, said["error"]["message"]) == (400, message)


async def test_a_form_of_another_site_is_refused() -> None:
    async with served("aiohttp") as url, aiohttp.ClientSession() as http:
        async with http.post(f"{url}/runs", data={"question": "x"}) as answer:
            assert answer.status == 415


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_what_the_upstream_refuses_is_said_honestly(framework: str) -> None:
    scenario = Scenario(responses=[Fault(429, {"Retry-After": "7"}, path="*/runs")])
    async with asked(framework, {"question": "x"}, scenario) as (status, said):
        assert status == 429
        assert set(said["error"]) == {"message", "type", "code", "param"}


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_unknown_runs_and_bad_cursors_are_refused(framework: str) -> None:
    async with served(framework) as url, aiohttp.ClientSession() as http:
        for headers, status, code in (({}, 404, "run_not_found"), ({"Last-Event-ID": "x"}, 400, "bad_cursor")):
            async with http.get(f"{url}/runs/nobody/events", headers=headers) as answer:
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
        (["--web", "--chat"], "--chat is shown on the terminal, --web in a browser; choose one"),
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
