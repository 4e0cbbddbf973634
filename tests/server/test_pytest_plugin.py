"""The fixture `embedded_server`, as the tests of an application use it."""

import os
import subprocess
import sys
import textwrap

import pytest

from asyncstream import AsyncClient
from asyncstream.server import Say, Turn
from asyncstream.server.pytest_plugin import EmbeddedServer, embedded_server

pytestmark = pytest.mark.faults
"""Each runs pytest in a process of its own."""

__all__ = ["embedded_server"]

QUESTION = [{"role": "user", "content": "How is the weather?"}]


async def test_a_client_from_the_environment_goes_there(embedded_server: EmbeddedServer) -> None:
    embedded_server.scenario.turns.append(Turn(Say("Sunny.")))
    async with (
        AsyncClient() as client,
        client.chat.completions.stream(model="any", messages=QUESTION) as stream,
    ):
        text = "".join([piece async for piece in stream.text_deltas])

    assert "Sunny." == text
    assert ["/v1/chat/completions"] == [request.path for request in embedded_server.scenario.requests]


def test_it_serves_what_is_not_async(embedded_server: EmbeddedServer) -> None:
    import urllib.request

    request = urllib.request.Request(f"{embedded_server.base_url}/models", headers={"Authorization": "Bearer any"})
    with urllib.request.urlopen(request) as answer:
        assert 200 == answer.status


def test_nothing_is_left_behind(pytester_like) -> None:
    output = pytester_like(
        """
        import os, threading
        pytest_plugins = ["asyncstream.server.pytest_plugin"]
        seen = []
        def test_one(embedded_server):
            seen.append(embedded_server.base_url)
            assert os.environ["OPENAI_BASE_URL"] == embedded_server.base_url
        def test_two(embedded_server):
            assert embedded_server.scenario.requests == []
        def test_three():
            assert "OPENAI_BASE_URL" not in os.environ
            assert threading.active_count() == 1
        """
    )

    assert "3 passed" in output, output


@pytest.fixture
def pytester_like(tmp_path):
    """Run a file of tests as somebody else's, and return what pytest prints."""

    def run(source: str) -> str:
        file = tmp_path / "test_theirs.py"
        file.write_text(textwrap.dedent(source))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "PYTEST_"))}
        command = [sys.executable, "-X", "dev", "-m", "pytest", "-q", "-W", "error", "-p", "no:asyncio", str(file)]
        return subprocess.run(command, capture_output=True, text=True, env=kept, cwd=tmp_path, check=False).stdout

    return run
