"""Programs written for openai-python run here with another import line, and print the same.

Each file of `programs` is one. It runs as a process of its own, against the embedded server: as it is where
openai-python is installed, which shows that it is a program for that, and with its import lines changed. What must be
changed besides stands in `BESIDES`, with the row of the README's table of differences that says so.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientSession, web
from test_differences import ROWS

from asyncstream.server import CallFunction, Fault, Refuse, RunCode, Say, Scenario, Turn, serve

pytestmark = pytest.mark.faults
"""Each is a program in a process of its own."""

PROGRAMS = Path(__file__).parent / "programs"
IMPORT = re.compile(r"^(?:import openai|from openai import .*)$", re.MULTILINE)

BESIDES = {
    ("parsing_stream", "parsing_tools_stream"): (
        "in stream:",
        "in stream.openai_events:",
        '`event.type == "content.delta"` over a chat stream',
    ),
}
"""Programs, a line of theirs, what takes its place, and why."""


class Port(NamedTuple):
    """What the server does, and what the program prints."""

    turns: list[Turn]
    printed: str
    scenario: dict[str, Any] = {}


SAID = Turn(Say(pieces=["Rhine", " and", " Elbe"]))
WEATHER = CallFunction("get_weather", {"city": "Rome"})
FORECAST = ['{"city": "', "Os", 'lo", "degrees": 4}']
QUERY = {
    "table": "orders",
    "columns": ["id"],
    "conditions": [{"column": "month", "value": 5}, {"column": "name", "value": "Ann"}],
}
SOLUTION = {"steps": [{"explanation": "subtract", "output": "8x = -29"}], "answer": "x = -3.625"}

PORTS = {
    "async_demo": Port(
        [SAID, SAID],
        """
        Rhine and Elbe
        Rhine and Elbe stop
        True gpt-4o chat.completion
        """,
    ),
    "streaming": Port(
        [Turn(Say(pieces=["one", " two"])), Turn(Say(pieces=["one", " two"]))],
        """
        first: assistant
        chunk: 'one' None
        chunk: ' two' None
        chunk: '' stop
        usage: True True
        left at: one
        """,
    ),
    "parsing": Port(
        [Turn(Say(json.dumps(SOLUTION))), Turn(Refuse("I will not."))],
        """
        ['8x = -29']
        answer: x = -3.625
        refused: I will not.
        """,
    ),
    "parsing_stream": Port(
        [Turn(Say(pieces=FORECAST))],
        """
        delta: '{"city": "' 10
        delta: 'Os' 12
        delta: 'lo", "degrees": 4}' 30
        done: {"city": "Oslo", "degrees": 4} Forecast(city='Oslo', degrees=4)
        Forecast(city='Oslo', degrees=4)
        """,
    ),
    "parsing_tools": Port(
        [Turn(CallFunction("Query", QUERY, id="call_1"), CallFunction("look", QUERY, id="call_2"))],
        """
        call_1 function Query
        orders [Condition(column='month', value=5), Condition(column='name', value='Ann')]
        call_2 function look
        orders [Condition(column='month', value=5), Condition(column='name', value='Ann')]
        """,
    ),
    "parsing_tools_stream": Port(
        [
            Turn(
                CallFunction("get_weather", pieces=['{"city":"Oslo",', '"country":"Norway"}']),
                Say(""),
                CallFunction("get_weather", pieces=['{"city":"Rome",', '"country":"Italy"}']),
            )
        ],
        """
        0 get_weather '{"city":"Oslo",'
        0 get_weather '"country":"Norway"}'
        1 get_weather '{"city":"Rome",'
        1 get_weather '"country":"Italy"}'
        (0, 'get_weather', '{"city":"Oslo","country":"Norway"}', GetWeather(city='Oslo', country='Norway'))
        (1, 'get_weather', '{"city":"Rome","country":"Italy"}', GetWeather(city='Rome', country='Italy'))
        GetWeather(city='Oslo', country='Norway')
        GetWeather(city='Rome', country='Italy')
        """,
    ),
    "assistant": Port(
        [Turn(Say("It scatters, Ann."))],
        """
        thread.message Why is the sky blue?
        run: completed None
        {'role': 'user', 'text': 'Why is the sky blue?'}
        {'role': 'assistant', 'text': 'It scatters, Ann.'}
        ['message_creation']
        completed True
        """,
    ),
    "assistant_tools": Port(
        [
            Turn(WEATHER, Say("Warm.")),
            Turn(CallFunction("get_weather", {"city": "Oslo"}), Say(pieces=["Cold", " there."])),
            Turn(Say("Bye.")),
        ],
        """
        polled: requires_action
        polled: completed
        streamed: requires_action
        Cold there.
        thread.run.created thread.run.completed
        """,
    ),
    "assistant_handler": Port(
        [
            Turn(
                RunCode(pieces=["print(", "7*3)"], logs="21"),
                CallFunction("get_weather", {"city": "Rome"}),
                Say(pieces=["21", " degrees"]),
            )
        ],
        """
        call: code_interpreter
        code: print(
        code: 7*3)
        logs: 21
        step: message_creation
        text: []
           '21' 2
           ' degrees' 10
        done: 21 degrees
        message: completed assistant
        end
        end
        """,
    ),
    "assistant_text": Port(
        [Turn(Say(pieces=["Good", " day."]))],
        """
        'Good' Good
        ' day.' Good day.
        completed ['message_creation'] Good day.
        """,
    ),
    "azure": Port(
        [Turn(Say("In water.")), Turn(Say("Hello.")), Turn(Say("In more water."))],
        """
        In water.
        Hello.
        In more water.
        """,
    ),
    "responses": Port(
        [
            Turn(Say("Good morning.")),
            Turn(Say("Good night.")),
            Turn(Say(pieces=["one", " two"])),
            Turn(Say(pieces=FORECAST)),
            Turn(Say('{"city": "Rome", "degrees": 21}')),
        ],
        """
        Good morning. completed message
        Good night. True
        delta: 'one'
        delta: ' two'
        completed: one two
        delta: '{"city": "'
        delta: 'Os'
        delta: 'lo", "degrees": 4}'
        done: {"city": "Oslo", "degrees": 4}
        Forecast(city='Oslo', degrees=4)
        Forecast(city='Rome', degrees=21)
        """,
    ),
    "responses_tools": Port(
        [Turn(CallFunction("GetWeather", pieces=['{"city":', '"Oslo"}'])), Turn(Say("It is cold."))],
        """
        delta: '{"city":'
        delta: '"Oslo"}'
        done: {"city":"Oslo"}
        function_call GetWeather city='Oslo'
        It is cold.
        """,
    ),
    "raw_responses": Port(
        [Turn(Say("Hello."))],
        """
        200 True True
        Hello.
        ['gpt-4o', 'gpt-4o-mini']
        """,
    ),
    "errors": Port(
        [],
        """
        later: 429 rate_limit_exceeded 7
        status: NotFoundError 404 no such model
        True True True
        status: InternalServerError 500 broken
        True True True
        timeout: True
        unreachable: True
        """,
        {
            "responses": [
                Fault(
                    429,
                    {"retry-after": "7"},
                    {"error": {"message": "slowly", "code": "rate_limit_exceeded", "type": "requests", "param": None}},
                ),
                Fault(404, body={"error": {"message": "no such model", "code": None, "type": "x", "param": None}}),
                Fault(500, body={"error": {"message": "broken", "code": None, "type": "x", "param": None}}),
                Fault(None, delay=60),
            ]
        },
    ),
    "files": Port(
        [],
        """
        file facts.txt 13 assistants
        facts.txt named.md
        completed 2 2
        completed
        True
        Oslo is cold. 13
        True
        """,
    ),
    "pages": Port(
        [],
        """
        ['number 0', 'number 1', 'number 2', 'number 3', 'number 4']
        True 2 True
        ['number 2', 'number 3'] True True
        2 1
        ['number 4'] False
        """,
    ),
}


def source_of(name: str, package: str) -> str:
    source = (PROGRAMS / f"{name}.py").read_text()
    if package == "openai":
        return source
    source = IMPORT.sub(lambda line: line[0].replace("import openai", "import asyncstream as openai"), source)
    source = source.replace("from openai import", "from asyncstream import")
    for names, (line, instead, _) in BESIDES.items():
        if name in names:
            assert line in source
            source = source.replace(line, instead)
    return source


def written(folder: Path, name: str, package: str) -> Path:
    file = folder / f"{name}.py"
    file.write_text(source_of(name, package))
    return file


@asynccontextmanager
async def azure(base_url: str) -> AsyncIterator[str]:
    """Answer as Azure's classic API does, where it does, with what the embedded server says."""

    async def forward(request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        deployed, _, rest = path.partition("/chat/completions")
        chat = deployed in ("deployments/my-deployment", "deployments/other") and not rest
        credential = request.headers.get("Authorization") or request.headers.get("api-key")
        if request.query.getall("api-version") != ["2024-10-21"] or credential not in ("Bearer a-token", "a-key"):
            return web.Response(status=401)
        if not chat and not path.startswith(("assistants", "threads")):
            return web.Response(status=404)
        async with session.request(
            request.method,
            f"{base_url}/{'chat/completions' if chat else path}",
            data=await request.read(),
            headers={"Authorization": "Bearer any", "Content-Type": "application/json", "OpenAI-Beta": "assistants=v2"},
        ) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)

    app = web.Application()
    app.router.add_route("*", "/openai/{path:.*}", forward)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with ClientSession() as session:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def run(file: Path, scenario: Scenario, *options: str) -> str:
    """Run a program to its end, which is a good one, and return what it prints."""
    async with AsyncExitStack() as stack:
        base_url = await stack.enter_async_context(serve(scenario))
        endpoint = await stack.enter_async_context(azure(base_url))
        ran = await asyncio.create_subprocess_exec(
            sys.executable,
            *options,
            str(file),
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "AZURE_"))},
                "OPENAI_API_KEY": "any",
                "OPENAI_BASE_URL": base_url,
                "ENDPOINT": endpoint,
                "NOBODY": "http://127.0.0.1:9/v1",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, complaints = await ran.communicate()
    assert ran.returncode == 0, complaints.decode()
    assert b"" == complaints or not options, complaints.decode()
    return out.decode()


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def test_every_program_is_run():
    assert {path.stem for path in PROGRAMS.glob("*.py")} == set(PORTS)
    assert {name for names in BESIDES for name in names} <= set(PORTS)


def test_what_is_changed_besides_import_lines_is_told():
    assert {why for _, _, why in BESIDES.values()} <= set(ROWS)


@pytest.mark.parametrize("name", PORTS)
async def test_a_program_for_openai_python_runs_with_another_import_line(name, tmp_path):
    """Also with warnings as errors, and without a word on stderr: nothing is left open."""
    pytest.importorskip("pydantic")
    port = PORTS[name]
    scenario = Scenario(port.turns, **port.scenario)

    printed = await run(written(tmp_path, name, "asyncstream"), scenario, "-W", "error")

    assert lines(port.printed) == lines(printed)


@pytest.mark.skipif(find_spec("openai") is None, reason="openai-python is not installed: it is in the extra [bench]")
@pytest.mark.parametrize("name", PORTS)
async def test_it_is_a_program_for_openai_python(name, tmp_path):
    port = PORTS[name]

    printed = await run(written(tmp_path, name, "openai"), Scenario(port.turns, **port.scenario))

    assert lines(port.printed) == lines(printed)
