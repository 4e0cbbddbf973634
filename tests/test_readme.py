"""Every Python block of every README runs, against the embedded server; its links, commands and tables are right."""

import ast
import asyncio
import inspect
import re
from pathlib import Path
from types import CodeType

import pytest
from readmes import ALL, README, ROOT, blocks_of
from test_differences import ROWS

from asyncstream import AsyncClient
from asyncstream.server import serve

MOST_LINES = 360
"""Of the first README; what is longer stands beside the code that it speaks of."""


def named(path: Path, number: int, block: str) -> object:
    return pytest.param(block, id=f"{path.parent.relative_to(ROOT)} {number}")


BLOCKS = [named(path, number, block) for path in ALL for number, block in enumerate(blocks_of(path))]
PROGRAMS = [block for block in BLOCKS if "asyncio.run(" in block.values[0]]
EXAMPLES = [block for block in BLOCKS if block not in PROGRAMS]


def test_there_are_blocks_to_run():
    assert (1, True) == (len(PROGRAMS), len(EXAMPLES) >= 18)


def test_the_readme_is_short():
    assert len(README.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())

    assert [] == [link for link in links if "://" not in link and not (path.parent / link).exists()]


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_program_of_the_readme_runs(program, monkeypatch, capsys):
    async with serve() as base_url:
        monkeypatch.setenv("OPENAI_BASE_URL", base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        await asyncio.to_thread(exec, compile(program, "README.md", "exec"), {"__name__": "__main__"})

    assert "completed," in capsys.readouterr().out


@pytest.mark.parametrize("example", EXAMPLES)
async def test_an_example_of_a_readme_runs(example):
    async with serve() as base_url, AsyncClient(api_key="any", base_url=base_url) as client:
        names = {
            "client": client,
            "assistant": await client.assistants.create(model="gpt-4o", tools=[{"type": "code_interpreter"}]),
            "thread": await client.threads.create(messages=[{"role": "user", "content": "Why is the sky blue?"}]),
        }
        code = compile(example, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
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
