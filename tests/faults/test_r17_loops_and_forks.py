"""R17: a client and its streams in another event loop, in a loop that is closed, in a forked process, and on uvloop.

Each works, or says in an error of this package why it cannot.
"""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from assistants_wire import DONE, HELLO, STREAM_HEAD, chunk, message, run, stream, text
from raw_server import Exchange, raw_server
from stepping import settled

from asyncstream import AssistantStream, AsyncClient, ConfigurationError, StreamInterruptedError
from asyncstream.transport import live

pytestmark = pytest.mark.faults
"""Each has event loops, threads or processes of its own."""

uvloop = pytest.importorskip("uvloop") if sys.platform != "win32" else None


async def converse(exchange: Exchange) -> None:
    if b'"stream":true' not in exchange.body:
        await exchange.reply(200, b'{"id": "thread_1"}')
    elif b"endless" in exchange.body:
        await stream(exchange, *HELLO[:3], end=False)
        await exchange.gone()
    else:
        await stream(exchange, *HELLO, DONE)


@contextmanager
def served() -> Iterator[str]:
    """Run a server in a thread and a loop of its own."""
    loop = asyncio.new_event_loop()
    ready: asyncio.Queue[str] | Any = []
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with raw_server(converse) as server:
            ready.append(server.url)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(name="url")
def url_fixture() -> Iterator[str]:
    with served() as url:
        yield url


@pytest.fixture
def loops() -> Iterator[Callable[[Awaitable[Any]], Any]]:
    """Give a function that runs something in a second loop."""
    second = asyncio.new_event_loop()
    yield second.run_until_complete
    second.close()


@pytest.fixture
def first() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    if not loop.is_closed():
        loop.close()


def endless(client: AsyncClient) -> AssistantStream:
    return client.threads.runs.stream("t", assistant_id="a", instructions="endless")


CALLS: dict[str, Callable[[AsyncClient], Any]] = {
    "a call": lambda client: client.threads.create(),
    "a stream": lambda client: client.threads.runs.stream("t", assistant_id="a").open(),
    "a download": lambda client: client.files.content("f")._read(),
    "a list": lambda client: client.files.list()._transport.send(client.files.list()._request, dict),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_client_is_used_in_the_loop_of_its_first_call(
    url: str, first: asyncio.AbstractEventLoop, loops: Callable[[Awaitable[Any]], Any], name: str
) -> None:
    client = AsyncClient(api_key="k", base_url=url)
    first.run_until_complete(client.threads.create())

    with pytest.raises(ConfigurationError, match="belongs to another event loop"):
        loops(CALLS[name](client))

    first.run_until_complete(client.threads.create())
    with pytest.raises(ConfigurationError, match="belongs to another event loop"):
        loops(client.close())
    first.run_until_complete(client.close())


@pytest.mark.parametrize("name", CALLS)
def test_a_client_of_a_loop_that_is_closed_says_so_and_can_be_closed(
    url: str, first: asyncio.AbstractEventLoop, loops: Callable[[Awaitable[Any]], Any], name: str
) -> None:
    client = AsyncClient(api_key="k", base_url=url)
    first.run_until_complete(client.threads.create())
    with warnings.catch_warnings():
        # asyncio says, rightly, that the loop was closed before its connections.
        warnings.simplefilter("ignore", ResourceWarning)
        first.close()

        with pytest.raises(ConfigurationError, match="belongs to an event loop that is closed"):
            loops(CALLS[name](client))
        loops(client.close())
        assert client.closed
        del client
        gc.collect()


def test_a_client_that_was_not_used_yet_is_at_home_anywhere(url: str, loops: Callable[[Awaitable[Any]], Any]) -> None:
    client = AsyncClient(api_key="k", base_url=url)

    async def use() -> None:
        async with client:
            assert (await client.threads.create()).id == "thread_1"

    loops(use())


@pytest.mark.parametrize("name", CALLS)
def test_a_call_without_a_loop_says_so(name: str) -> None:
    coroutine = CALLS[name](AsyncClient(api_key="k"))

    with pytest.raises(ConfigurationError, match="no asyncio event loop is running"):
        coroutine.send(None)


def test_a_stream_is_read_and_closed_in_the_loop_that_opened_it(
    url: str, first: asyncio.AbstractEventLoop, loops: Callable[[Awaitable[Any]], Any]
) -> None:
    client = AsyncClient(api_key="k", base_url=url)
    opened = first.run_until_complete(endless(client).open())
    for _ in range(3):
        first.run_until_complete(anext(opened))

    with pytest.raises(ConfigurationError, match="event loop that opened it"):
        loops(opened.until_done())
    with pytest.raises(ConfigurationError, match="event loop that opened it"):
        loops(opened.close())

    assert not opened._cursor.live.closed  # type: ignore[union-attr]
    first.run_until_complete(opened.close())
    with pytest.raises(StreamInterruptedError):
        first.run_until_complete(opened.until_done())
    first.run_until_complete(client.close())


def test_a_stream_of_a_loop_that_is_closed_is_over(
    url: str, first: asyncio.AbstractEventLoop, loops: Callable[[Awaitable[Any]], Any]
) -> None:
    client = AsyncClient(api_key="k", base_url=url)
    opened = first.run_until_complete(endless(client).open())
    first.run_until_complete(anext(opened))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        first.close()

        with pytest.raises((ConfigurationError, StreamInterruptedError)):
            loops(opened.until_done())
        loops(opened.close())
        loops(client.close())
        del opened, client
        gc.collect()


# Forks. Each in a process of its own, as the tests themselves have threads.

FORKED = """
import asyncio, os, sys
from asyncstream import AsyncClient, AsyncStreamError
from asyncstream.server import Pause, Say, Scenario, Turn, serve


def child(work):
    '''Fork; return what the child says of its work.'''
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            said = repr(work())
        except BaseException as error:
            said = f"{type(error).__module__}.{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    return reading, pid


async def own_client(url):
    async with AsyncClient(api_key="k", base_url=url) as client:
        return len((await client.models.list()).data)


async def said_by(reading, pid):
    text = await asyncio.to_thread(os.read, reading, 10_000)
    await asyncio.to_thread(os.waitpid, pid, 0)
    return text.decode()


async def main():
    async with serve(Scenario([Turn(Pause(0.2), Say("Hello")) for _ in range(3)])) as url:
        async with AsyncClient(api_key="k", base_url=url) as client:
            assistant = (await client.assistants.create(model="m")).id
            async with client.threads.create_and_run_stream(assistant_id=assistant) as stream:
                await anext(stream)

                async def in_child():
                    return await (WORK)

                print(await said_by(*child(lambda: HOW)))
                # Nothing of the parent's is broken.
                print((await stream.get_final_run()).status)
            print((await client.threads.create()).object)


asyncio.run(main())
"""


def forked(work: str, how: str) -> list[str]:
    source = FORKED.replace("WORK", work).replace("HOW", how)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


NEW_LOOP = "asyncio.run(in_child())"
NO_LOOP = "in_child().send(None)"


@pytest.mark.faults
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize(
    ("work", "how", "expected"),
    [
        ("client.threads.create()", NEW_LOOP, "asyncstream.errors.ConfigurationError: the client belongs to another"),
        ("stream.until_done()", NEW_LOOP, "asyncstream.errors.ConfigurationError: a stream is read in the event loop"),
        ("stream.close()", NEW_LOOP, "asyncstream.errors.ConfigurationError: a stream is closed in the event loop"),
        ("client.close()", NEW_LOOP, "asyncstream.errors.ConfigurationError: the client belongs to another"),
        ("client.threads.create()", NO_LOOP, "asyncstream.errors.ConfigurationError: no asyncio event loop is running"),
        ("stream.until_done()", NO_LOOP, "asyncstream.errors.ConfigurationError: no asyncio event loop is running"),
        ("own_client(url)", NEW_LOOP, "2"),
    ],
)
def test_a_forked_child_needs_a_client_of_its_own_and_breaks_nothing(work: str, how: str, expected: str) -> None:
    said, *parents = forked(work, how)

    assert said.startswith(expected), said
    assert parents == ["completed", "thread"]


# uvloop


def on_uvloop(main: Awaitable[Any]) -> None:
    assert uvloop is not None
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(main)
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def test_uvloop_a_whole_small_life(tmp_path: Path) -> None:
    async def answer(exchange: Exchange) -> None:
        if exchange.target.endswith("/content"):
            await exchange.reply(200, b"content" * 10_000)
        else:
            await converse(exchange)

    async def main() -> None:
        before = asyncio.all_tasks()
        async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
            assert (await client.threads.create()).id == "thread_1"
            async with client.threads.runs.stream("t", assistant_id="a") as opened:
                assert (await opened.get_final_run()).status == "completed"
            async with endless(client) as opened:
                for _ in range(3):
                    await anext(opened)
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(opened), 0.01)
            (tmp_path / "up").write_bytes(b"x" * 300_000)
            await client.files.create(file=tmp_path / "up", purpose="assistants")
            assert await client.files.content("f").write_to(tmp_path / "down") == 70_000
            await client.close()
            await server.all_closed()
        assert not await settled(lambda: asyncio.all_tasks() - before)

    on_uvloop(main())


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("evidence", [False, True])
def test_uvloop_a_cut_after_all_that_had_arrived(how: str, evidence: bool) -> None:
    frames = HELLO if evidence else HELLO[:5]

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *frames, end=False)
        await exchange.reader.read(1)  # the client says that it has them
        if how == "fin":
            exchange.fin()
        else:
            # uvloop hands out no real socket to set an option of: it aborts with a FIN.
            exchange.writer.transport.abort()

    async def main() -> None:
        async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
            async with client.threads.runs.stream("t", assistant_id="a") as opened:
                for _ in frames:
                    await anext(opened)
                server.requests[0].reader.feed_data(b"x")
                if evidence:
                    assert (await opened.get_final_run()).status == "completed"
                else:
                    with pytest.raises(StreamInterruptedError, match="connection broke"):
                        await anext(opened)

    on_uvloop(main())


def test_uvloop_a_slow_reader_pauses_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "QUEUE_HIGH", 64 * 1024)
    monkeypatch.setattr(live, "QUEUE_LOW", 32 * 1024)
    count, delta = 2_000, text("x" * 10_000)
    sent = 0

    async def answer(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.send(STREAM_HEAD + chunk(run("created")) + chunk(message("created")))
        for _ in range(count):
            await exchange.send(chunk(delta))
            sent += 1
        await exchange.send(chunk(run("completed")) + b"0\r\n\r\n")

    async def main() -> None:
        async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
            async with client.threads.runs.stream("t", assistant_id="a") as opened:
                await anext(opened)
                before = -1
                while sent != before:
                    before = sent
                    await asyncio.sleep(0.02)
                held_back = sent
                rest = [1 async for _ in opened]

        assert held_back < count
        assert len(rest) == count + 2

    on_uvloop(main())
