"""``serve``: it starts, answers, and stops."""

import asyncio
import re
import signal
import socket

import aiohttp
import pytest
from processes import ending, lines_until, posix_only, run, started

from asyncstream import AsyncClient, AuthenticationError

pytestmark = [posix_only, pytest.mark.system]


async def _answer(base_url: str, api_key: str = "any") -> str:
    """Run an assistant on a server; return its text."""
    async with AsyncClient(api_key=api_key, base_url=base_url) as client:
        assistant = await client.assistants.create(model="m")
        thread = await client.threads.create(messages=[{"role": "user", "content": "Hello?"}])
        async with client.threads.runs.stream(thread.id, assistant_id=assistant.id) as stream:
            return "".join([text async for text in stream.text_deltas])


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(signal_number: signal.Signals) -> None:
    with started("serve", "--port", "0") as process:
        first, second = lines_until(process, "use it")
        base_url = first.rstrip("\n")
        answer = asyncio.run(_answer(base_url))
        process.send_signal(signal_number)
        status, errors = ending(process)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", base_url)
    assert second == f'use it with AsyncClient(api_key="any", base_url="{base_url}")\n'
    assert 'You asked: "Hello?"' in answer
    assert (status, errors) == (0, "")


def test_it_takes_the_port_and_host_it_is_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with started("serve", "--port", str(port), "--host", "localhost") as process:
        first, _ = lines_until(process, "use it")
        answer = asyncio.run(_answer(first.rstrip("\n")))

    assert first == f"http://localhost:{port}/v1\n"
    assert answer


async def _chunk(base_url: str) -> bytes:
    """Ask for a chat answer; return the last chunk as it came."""
    async with AsyncClient(api_key="any", base_url=base_url) as client:
        async with client.chat.completions.stream(
            model="m", messages=[{"role": "user", "content": "Hello?"}]
        ) as stream:
            await stream.until_done()
            return stream.current_raw


def test_it_streams_chat_in_the_dialect_it_is_given() -> None:
    with started("serve", "--port", "0", "--dialect", "groq") as process:
        first, _ = lines_until(process, "use it")
        raw = asyncio.run(_chunk(first.rstrip("\n")))

    assert b'"x_groq":{"id":' in raw


async def _response(base_url: str) -> bytes:
    body = {"model": "m", "input": "Hello", "stream": True}
    headers = {"Authorization": "Bearer any"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(base_url + "/responses", json=body) as got,
    ):
        return await got.read()


def test_it_streams_responses_in_the_dialect_it_is_given() -> None:
    with started("serve", "--port", "0", "--responses-dialect", "openrouter") as process:
        first, _ = lines_until(process, "use it")
        raw = asyncio.run(_response(first.rstrip("\n")))

    assert raw.startswith(b": OPENROUTER PROCESSING\n\ndata: {")


def test_it_takes_only_the_key_it_is_given_and_does_not_show_it() -> None:
    with started("serve", "--port", "0", "--api-key", "sesame") as process:
        first, second = lines_until(process, "use it")
        base_url = first.rstrip("\n")
        answer = asyncio.run(_answer(base_url, "sesame"))
        with pytest.raises(AuthenticationError):
            asyncio.run(_answer(base_url, "other"))

    assert answer
    assert "sesame" not in second


def test_it_serves_on_when_nobody_reads_its_output() -> None:
    with started("serve", "--port", "0") as process:
        first, _ = lines_until(process, "use it")
        assert process.stdout is not None
        process.stdout.close()
        answer = asyncio.run(_answer(first.rstrip("\n")))
        process.send_signal(signal.SIGINT)
        status = process.wait(60)

    assert answer
    assert status == 0


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = run("serve", "--port", str(port))

    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == (
        f"error: port {port} on 127.0.0.1 is in use; choose another with --port, 0 takes a free one\n"
    )


def test_a_host_that_is_not_ours_is_one_line() -> None:
    # An address for documentation (RFC 5737), which no machine has.
    process = run("serve", "--host", "203.0.113.1", "--port", "0")

    assert (process.returncode, process.stdout) == (1, "")
    assert re.fullmatch(r"error: cannot listen on 203\.0\.113\.1, port 0: [^\n:]+\n", process.stderr)
