"""``chat --tools``: functions of the user's own modules, what is told of them, who is asked, and what Ctrl-C stops."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from processes import Talk, posix_only, talking

from asyncstream.__main__ import main
from asyncstream.server import CallFunction, Say, Scenario, Segment, Turn, serve

pytestmark = pytest.mark.faults
"""Some run the command in a process of its own."""

_MODULE = '''
import asyncio
from asyncstream import Tool, ToolFailed

def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"18 degrees\\nin {city}"

def closed(city: str) -> str:
    """Fail."""
    raise ToolFailed(f"{city} is closed")

async def wait(city: str) -> None:
    """Wait until somebody stops it."""
    print("waiting", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("stopped", flush=True)

def each(city: str):
    """Be no tool."""
    yield city

def _remove(city: str) -> str:
    return f"{city} is gone"

class Drawer:
    remove = Tool(_remove, name="remove", description="Remove a city.", approve=True)
    last = Tool(_remove, name="last", description="Remove a city.", final=True)
    silent = Tool(_remove, name="silent", description="Remove a city.", private=True)

no_function = 1
'''

Ask = tuple[int, str, str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where the user's modules are."""
    monkeypatch.setenv("TEST_KEY", "any")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "my_tools.py").write_text(_MODULE)
    (tmp_path / "my_broken.py").write_text("1 / 0")
    (tmp_path / "my_other.py").write_text("import nobody_has_this")
    for name in ("my_tools", "my_broken", "my_other"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def _calling(*names: str) -> Callable[[Segment], Turn]:
    """Return a model that calls some functions for Oslo, and then repeats what they gave."""

    def answer(segment: Segment) -> Turn:
        if segment.results:
            return Turn(Say("So: " + ", ".join(str(result.output) for result in segment.results)))
        return Turn(Say("Let me see."), *(CallFunction(name, {"city": "Oslo"}) for name in names))

    return answer


@asynccontextmanager
async def _served(answer: Callable[[Segment], Turn]) -> AsyncIterator[tuple[str, Scenario]]:
    scenario = Scenario(answer=answer)
    async with serve(scenario) as base_url:
        yield base_url, scenario


async def _ask(capsys: pytest.CaptureFixture[str], base_url: str, *arguments: str) -> Ask:
    options = ["--base-url", base_url, "--api-key-env", "TEST_KEY"]
    status = await asyncio.to_thread(main, ["chat", *options, *arguments])
    return (status, *capsys.readouterr())


@pytest.mark.parametrize("protocol", [[], ["--responses"]])
async def test_functions_of_a_module_answer_the_model(capsys, protocol) -> None:
    async with _served(_calling("get_weather", "closed")) as (base_url, scenario):
        options = [*protocol, "--tools", "my_tools:get_weather,my_tools:closed"]
        status, out, err = await _ask(capsys, base_url, *options, "Hello")

    assert (0, "Let me see.\nSo: 18 degrees\nin Oslo, Oslo is closed\n") == (status, out)
    lines = err.splitlines()
    assert ['get_weather {"city":"Oslo"}', 'closed {"city":"Oslo"}'] == lines[:2]
    assert {"get_weather -> 18 degrees in Oslo", "closed failed: Oslo is closed"} == set(lines[2:])
    assert 2 == len(scenario.requests)


async def test_a_tool_that_must_be_allowed_is_refused_where_nobody_can_be_asked(capsys) -> None:
    async with _served(_calling("remove")) as (base_url, _):
        ending = await _ask(capsys, base_url, "--tools", "my_tools:Drawer.remove", "Hello")

    said = "Not allowed: Nobody was there to allow it."
    assert (0, f"Let me see.\nSo: {said}\n", f"remove refused: {said}\n") == ending


@pytest.mark.parametrize("protocol", [[], ["--responses"]])
async def test_a_final_tool_is_an_end_without_words(capsys, protocol) -> None:
    async with _served(_calling("last")) as (base_url, scenario):
        ending = await _ask(capsys, base_url, *protocol, "--tools", "my_tools:Drawer.last", "Hello")

    assert (0, "Let me see.\n", 'last {"city":"Oslo"}\nlast -> Oslo is gone\n') == ending
    assert 1 == len(scenario.requests)


async def test_the_output_of_a_private_tool_is_not_shown(capsys) -> None:
    async with _served(_calling("silent")) as (base_url, _):
        _, _, err = await _ask(capsys, base_url, "--tools", "my_tools:Drawer.silent", "Hello")

    assert 'silent {"city":"Oslo"}\nsilent ->\n' == err


async def test_events_are_those_of_all_answers(capsys) -> None:
    async with _served(_calling("get_weather")) as (base_url, _):
        status, out, err = await _ask(capsys, base_url, "--json", "--tools", "my_tools:get_weather", "Hello")

    assert (0, "") == (status, err)
    assert 2 == out.count('"finish_reason":"tool_calls"') + out.count('"finish_reason":"stop"')


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("my_tools", "expected --tools as module:function, got 'my_tools'"),
        (":get_weather", "expected --tools as module:function, got ':get_weather'"),
        ("my_tools:", "expected --tools as module:function, got 'my_tools:'"),
        ("my_absent:f", "there is no module 'my_absent', neither here nor installed"),
        ("my_tools.inner:f", "there is no module 'my_tools.inner', neither here nor installed"),
        ("my_tools:absent", "there is no function 'absent' in the module 'my_tools'"),
        ("my_tools:Drawer.absent", "there is no function 'Drawer.absent' in the module 'my_tools'"),
        ("my_tools:no_function", "there is no function 'no_function' in the module 'my_tools'"),
        ("my_broken:f", "cannot import my_broken: ZeroDivisionError: division by zero"),
        ("my_other:f", "cannot import my_other: No module named 'nobody_has_this'"),
        ("my_tools:each", "each is a generator function: a tool returns its result once"),
        ("my_tools:closed,my_tools:closed", "two tools are called 'closed': give one another name="),
    ],
)
async def test_what_cannot_be_a_tool_is_said_in_a_line(capsys, named, said) -> None:
    ending = await _ask(capsys, "http://127.0.0.1:9/v1", "--tools", named, "Hello")

    assert (1, "", f"error: {said}\n") == ending


# At a terminal.


async def _talk(base_url: str, tools: str, talk: Callable[[Talk], None]) -> int:
    def talked() -> int:
        options = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": base_url}
        with talking("chat", "--tools", tools, **options) as told:
            told.until("> ")
            talk(told)
            told.type("/quit\n")
            return told.ending()

    return await asyncio.to_thread(talked)


@posix_only
@pytest.mark.parametrize(("typed", "output"), [("y", "Oslo is gone"), ("", "Not allowed: The user did not allow it.")])
async def test_a_person_is_asked_before_it_runs(typed, output) -> None:
    def talk(told: Talk) -> None:
        told.type("Hello\n")
        assert told.until("[y/N] ").endswith('\nrun remove {"city":"Oslo"}? [y/N] ')
        told.type(f"{typed}\n")
        assert f"So: {output}\n" in told.until("s\n> ")
        told.type("And?\n")
        assert "[y/N] " in told.until("[y/N] ")
        told.interrupt()
        assert "interrupted" in told.until("> ")

    def answer(segment: Segment) -> Turn:
        return _calling("remove")(segment)

    async with _served(answer) as (base_url, scenario):
        assert 0 == await _talk(base_url, "my_tools:Drawer.remove", talk)
        *_, last = (request.body["messages"] for request in scenario.requests)
    roles = ["user", "assistant", "tool", "assistant", "user"]
    assert roles == [message["role"] for message in last]


@posix_only
async def test_ctrl_c_stops_a_tool_and_not_the_conversation() -> None:
    def talk(told: Talk) -> None:
        told.type("Hello\n")
        told.until("waiting")
        told.interrupt()
        assert "stopped" in told.until("> ")

    async with _served(_calling("wait")) as (base_url, scenario):
        assert 0 == await _talk(base_url, "my_tools:wait", talk)
        assert 1 == len(scenario.requests)
