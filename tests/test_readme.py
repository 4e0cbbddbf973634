"""Every Python block of the README runs, against the embedded server; its commands and its table are what they say."""

import ast
import asyncio
import inspect
import re
from pathlib import Path
from types import CodeType

import pytest
from test_differences import ROWS

from asyncstream import AsyncClient
from asyncstream.server import serve

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
PROGRAMS = [block for block in BLOCKS if "asyncio.run(" in block]
EXAMPLES = [block for block in BLOCKS if "asyncio.run(" not in block]


def test_there_are_blocks_to_run():
    assert (1, True) == (len(PROGRAMS), len(EXAMPLES) >= 18)


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_program_of_the_readme_runs(program, monkeypatch, capsys):
    async with serve() as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        await asyncio.to_thread(exec, compile(program, "README.md", "exec"), {"__name__": "__main__"})

    assert "completed," in capsys.readouterr().out


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
async def test_an_example_of_the_readme_runs(number):
    async with serve() as base_url, AsyncClient(api_key="any", base_url=base_url) as client:
        names = {
            "client": client,
            "assistant": await client.assistants.create(model="gpt-4o", tools=[{"type": "code_interpreter"}]),
            "thread": await client.threads.create(messages=[{"role": "user", "content": "Why is the sky blue?"}]),
        }
        code = compile(EXAMPLES[number], "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        assert isinstance(code, CodeType)
        result = eval(code, names)
        if inspect.isawaitable(result):
            await result


def test_the_commands_are_one_line_each_and_start_from_nothing():
    commands = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)

    assert 2 == len(commands)
    assert commands[0].endswith("-m asyncstream demo")
    assert "-m pytest" in commands[1]


def test_each_row_of_differences_has_its_test():
    table = README.split("## Differences from openai-python")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \| .* \| .* \|$", table, re.MULTILINE)[1:]

    assert sorted(rows) == sorted(ROWS)
