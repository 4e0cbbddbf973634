"""Clients that nobody closes: they let go of their connections by themselves, and nothing is said of it."""

import asyncio
import gc
import sys
import warnings

import pytest
from aioresponses import aioresponses
from assistants_wire import HELLO, stream
from raw_server import Exchange, raw_server, response

from asyncstream import AsyncClient

pytestmark = pytest.mark.faults
"""Each is a process of its own, or waits for the collector: all of them take half a minute."""

PROGRAM = """
import asyncio, gc, sys, threading
from asyncstream import AsyncClient

client = None

async def main():
    global client
    # In its debug mode asyncio tells of slow steps, which a busy machine makes.
    asyncio.get_running_loop().slow_callback_duration = 600
    client = AsyncClient(api_key="k", base_url=sys.argv[1])
    print((await client.threads.retrieve("t")).id, flush=True)

async def stream():
    global held
    await main()
    held = await client.threads.runs.stream("t", assistant_id="a").open()
    await anext(held)

async def local():
    global client
    await main()
    client = None
"""

SHUT_DOWN = {
    "asyncio.run": "asyncio.run(main())",
    "asyncio.run, a stream held": "asyncio.run(stream())",
    "asyncio.run, dropped before its end": "asyncio.run(local())",
    "a loop closed by hand": "loop = asyncio.new_event_loop()\nloop.run_until_complete(main())\nloop.close()",
    "a loop closed by hand, dropped before": "loop = asyncio.new_event_loop()\nloop.run_until_complete(local())\n"
    "loop.close()",
}

LEFT = {
    "a loop left": "loop = asyncio.new_event_loop()\nloop.run_until_complete(main())",
    "a loop in a thread": "loop = asyncio.new_event_loop()\n"
    "threading.Thread(target=loop.run_forever, daemon=True).start()\n"
    "asyncio.run_coroutine_threadsafe(main(), loop).result()",
}
"""Of these loops the interpreter complains itself, if warnings are on."""


async def answer(exchange: Exchange) -> None:
    if exchange.method == "GET":
        await exchange.send(response(body=b'{"id": "t"}'))
    else:
        await stream(exchange, *HELLO[:2], end=False)
        await exchange.gone()


async def run(url: str, *arguments: str) -> tuple[bytes, bytes, int | None]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, url, stdout=pipe, stderr=pipe)
    said, complained = await process.communicate()
    return said, complained, process.returncode


@pytest.mark.parametrize("options", [["-Xdev"], ["-Werror"]], ids=["dev", "error"])
@pytest.mark.parametrize("end", SHUT_DOWN)
async def test_the_interpreter_exits_in_silence(end: str, options: list[str]) -> None:
    async with raw_server(answer) as server:
        assert (b"t\n", b"", 0) == await run(server.url, *options, "-c", PROGRAM + SHUT_DOWN[end])


@pytest.mark.parametrize("end", LEFT)
async def test_the_interpreter_exits_in_silence_with_a_loop_that_was_left(end: str) -> None:
    async with raw_server(answer) as server:
        assert (b"t\n", b"", 0) == await run(server.url, "-c", PROGRAM + LEFT[end])


async def test_connections_are_closed_when_asyncio_run_ends() -> None:
    pipe = asyncio.subprocess.PIPE
    program = f"{PROGRAM}asyncio.run(stream())\nprint('ended', flush=True)\nsys.stdin.read()"
    async with raw_server(answer) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, server.url, stdin=pipe, stdout=pipe, stderr=pipe
        )
        try:
            assert process.stdout is not None
            assert [b"t\n", b"ended\n"] == [await process.stdout.readline() for _ in range(2)]
            await server.all_closed()
            # It lives, and waits for its input to end.
            assert process.returncode is None
        finally:
            said = await process.communicate(b"")
        assert said == (b"", b"")


async def test_a_client_that_is_dropped_closes_its_connections() -> None:
    async with raw_server(answer) as server:
        client = AsyncClient(api_key="k", base_url=server.url)
        derived = client.with_options(max_retries=0)
        await client.threads.retrieve("t")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            del client
            gc.collect()
            await derived.threads.retrieve("t")
            assert server.connections == 1
            del derived
            gc.collect()
            await server.all_closed()


async def test_a_stream_that_is_dropped_warns_also_if_its_client_is_dropped_with_it() -> None:
    async with raw_server(answer) as server:
        client = AsyncClient(api_key="k", base_url=server.url)
        run = await client.threads.runs.stream("t", assistant_id="a").open()
        await anext(run)
        del client
        gc.collect()
        await anext(run)
        with pytest.warns(ResourceWarning, match="unclosed AssistantStream"):  # noqa: PT031 - both are the dropping
            del run
            gc.collect()
        await server.all_closed()


async def test_a_fork_leaves_alone_what_is_its_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        await client.threads.retrieve("t")
        sessions = client._connections._sessions
        assert sessions is not None
        with monkeypatch.context() as fork:
            fork.setattr("os.getpid", lambda: -1)
            sessions.drop()
            sessions.end()
        await client.threads.retrieve("t")

        assert server.connections == 1


def test_a_client_goes_on_after_its_loop_has_shut_its_generators_down(mocked: aioresponses) -> None:
    mocked.get("http://api.test/threads/t", payload={"id": "t"}, repeat=True)
    loop = asyncio.new_event_loop()
    client = AsyncClient(api_key="k", base_url="http://api.test")

    async def call() -> object:
        await client.threads.retrieve("t")
        assert client._connections._sessions is not None
        return client._connections._sessions.pooled

    first = loop.run_until_complete(call())
    loop.run_until_complete(loop.shutdown_asyncgens())
    second = loop.run_until_complete(call())
    loop.run_until_complete(client.close())
    loop.close()

    assert first is not second
