"""R5: a cancellation at every await point of every public coroutine.

Each coroutine is run again and again: cancelled at its first await, at its second, and so on until it ends before the
await is reached; each time as soon as it waits, when what it waits for has just come, and twice in a row.
`CancelledError` must come out, and nothing may stay behind: no task, no connection in use, no socket, no file.

The calls are found by walking the client. What is cancelled and gone on with, and loses nothing, is in
`test_r05_streams.py`.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from assistants_wire import DONE, HELLO, STREAM_HEAD, chunk
from public_calls import Call, answer, methods, uses
from raw_server import Exchange, Handler, RawServer, raw_server, response
from responses_wire import HELLO as RESPONSE
from stepping import LateThreads, Plan, leftovers, open_files, outcome_of, settled, turns

from asyncstream import AsyncClient, NotFoundError

CHAT = [
    b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n',
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
]

WAYS = {"waiting": (False, False), "come": (True, False), "twice": (False, True), "come, twice": (True, True)}
"""Whether the cancellation comes late, and whether another one follows at the next await."""


def conversation() -> Handler:
    """Return a handler whose first answer is the fault that is asked for, if one is."""
    faults: set[str] = set()

    async def converse(exchange: Exchange) -> None:
        fault = exchange.headers.get("x-fault", "")
        if not fault or fault in faults:
            await answered(exchange)
            return
        faults.add(fault)
        if fault == "stale":
            exchange.fin()
        else:
            await pieces(exchange, FAULTS[fault])

    return converse


FAULTS = {
    "500": response(500, b'{"error": {"message": "no"}}', {"retry-after-ms": "1"}),
    "307": response(307, b"elsewhere", {"Location": "/threads"}),
    "404": response(404, b'{"error": {"message": "no such thing"}}'),
}


async def answered(exchange: Exchange) -> None:
    """Answer in pieces: the head, half of the body, the rest."""
    found = answer(exchange)
    if found is not None:
        body, kind = found
        await pieces(exchange, response(200, body, {"Content-Type": kind, "openai-poll-after-ms": "1"}))
    else:
        await exchange.send(STREAM_HEAD)
        for data in frames_for(exchange.target):
            await turns(2)
            await exchange.send(chunk(data))
        await turns(2)
        await exchange.send(b"0\r\n\r\n")


def frames_for(target: str) -> list[bytes]:
    if "chat" in target:
        return CHAT
    return RESPONSE if "responses" in target else [*HELLO, DONE]


async def pieces(exchange: Exchange, whole: bytes) -> None:
    body = whole.index(b"\r\n\r\n") + 4
    half = (body + len(whole)) // 2
    for piece in (whole[:body], whole[body:half], whole[half:]):
        await exchange.send(piece)
        await turns(4)


async def cancelled_everywhere(call: Call, directory: Path, way: str, **options: Any) -> int:
    """Cancel a call at each of its await points; return how many it has."""
    late, again = WAYS[way]
    for point in count(1):
        plan = Plan(frozenset({point, point + 1} if again else {point}), late)
        async with raw_server(conversation()) as server:
            await cancelled_once(call, directory, plan, server, **options)
        if not plan.hits:
            return plan.suspensions
    raise AssertionError("the count has no end")


async def cancelled_once(call: Call, directory: Path, plan: Plan, server: RawServer, **options: Any) -> None:
    before = asyncio.all_tasks()
    async with AsyncClient(api_key="k", base_url=server.url, max_retries=1, **options) as client:
        outcome = await outcome_of(plan.drive(call(client, directory)))

        if plan.hits:
            assert isinstance(outcome, asyncio.CancelledError), (plan, outcome)
        else:
            assert not isinstance(outcome, BaseException), outcome
        assert [] == await settled(lambda: leftovers(client, before)), plan
    assert not await settled(lambda: server.open), plan
    assert [] == await settled(lambda: list(directory.glob("*.part"))), plan


# The calls that the walk finds.


def every_use() -> list[str]:
    client = AsyncClient(api_key="k")
    return [use for path in methods(client) for use in uses(client, path)]


USES = every_use()

QUICK = {"threads.create", "files.content to path", "threads.runs.create_and_poll cancel_remote"}
"""One of each kind, for the unit tests."""


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    (tmp_path / "upload.bin").write_bytes(b"content " * 100_000)
    asyncio.get_running_loop().set_default_executor(LateThreads())
    return tmp_path


def test_the_walk_finds_every_noun() -> None:
    nouns = {use.split(" ")[0].rpartition(".")[0] for use in USES if "raw" not in use}

    assert nouns == {
        *("assistants", "files", "models", "vector_stores", "vector_stores.files", "vector_stores.file_batches"),
        *("threads", "threads.messages", "threads.runs", "threads.runs.steps"),
        *("chat.completions", "chat.completions.messages"),
        *("responses", "responses.input_items", "responses.input_tokens", "conversations", "conversations.items"),
    }
    assert len(USES) > 150


@pytest.mark.parametrize(
    ("use", "way"),
    [
        pytest.param(use, way, marks=() if use in QUICK else pytest.mark.faults)
        for use in USES
        for way in (["waiting"] if "with_raw_response" in use else WAYS)
    ],
)
async def test_a_cancelled_call_leaves_nothing_behind(directory: Path, use: str, way: str) -> None:
    base = open_files()
    path = use.split(" ")[0]

    points = await cancelled_everywhere(uses(AsyncClient(api_key="k"), path)[use], directory, way)

    assert points >= 3
    assert not await settled(lambda: open_files() - base)


# What the walk does not find: ways through a call that depend on its arguments, or on what the server does.


async def retried(client: AsyncClient, _: Path) -> None:
    await client.threads.create(extra_headers={"x-fault": "500"})


async def redirected(client: AsyncClient, _: Path) -> None:
    await client.threads.create(extra_headers={"x-fault": "307"})


async def refused(client: AsyncClient, _: Path) -> None:
    with pytest.raises(NotFoundError):
        await client.threads.create(extra_headers={"x-fault": "404"})


async def stale(client: AsyncClient, _: Path) -> None:
    await client.threads.create()
    await client.threads.create(extra_headers={"x-fault": "stale"})


async def asked_for_a_key(client: AsyncClient, _: Path) -> None:
    async def key() -> str:
        await turns(1)
        return "k"

    await client.with_options(api_key=key).threads.create()


async def polled_with_a_callback(client: AsyncClient, _: Path) -> None:
    await client.threads.runs.poll("x_1", thread_id="x_1", poll_interval_ms=0, on_poll=lambda _: turns(1))


async def uploaded_from_memory(client: AsyncClient, _: Path) -> None:
    await client.files.create(file=b"x" * 2_000_000, purpose="assistants", on_progress=lambda *_: turns(1))


async def uploaded_from_a_file(client: AsyncClient, directory: Path) -> None:
    with open(directory / "upload.bin", "rb") as file:  # noqa: ASYNC230 - a user's own file
        await client.files.create(file=file, purpose="assistants")
        assert not file.closed


async def uploaded_from_a_pipe(client: AsyncClient, _: Path) -> None:
    class Pipe(io.RawIOBase):
        left = [b"one", b"two", b""]

        def readinto(self, buffer: Any) -> int:
            piece = self.left.pop(0)
            buffer[: len(piece)] = piece
            return len(piece)

        def readable(self) -> bool:
            return True

    await client.files.create(file=("f", Pipe()), purpose="assistants")


async def left_early(client: AsyncClient, _: Path) -> None:
    async with client.threads.runs.stream("x_1", assistant_id="a") as stream:
        await anext(stream)


async def left_early_in_chat(client: AsyncClient, _: Path) -> None:
    async with await client.chat.completions.create(messages=[], model="m", stream=True) as stream:
        await anext(stream)


async def closed_client(client: AsyncClient, _: Path) -> None:
    await stale(client, _)
    await client.close()


EXTRA: list[Call] = [
    *(retried, redirected, refused, stale, asked_for_a_key, polled_with_a_callback),
    *(uploaded_from_memory, uploaded_from_a_file, uploaded_from_a_pipe),
    *(left_early, left_early_in_chat, closed_client),
]


@pytest.mark.faults
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("call", EXTRA, ids=lambda call: call.__name__)
async def test_other_ways_through_a_call_leave_nothing_behind(directory: Path, call: Call, way: str) -> None:
    base = open_files()

    points = await cancelled_everywhere(call, directory, way)

    assert points >= 3
    assert not await settled(lambda: open_files() - base)


@pytest.mark.faults
@pytest.mark.parametrize("way", WAYS)
async def test_a_generator_that_is_uploaded_is_closed(directory: Path, way: str) -> None:
    running = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal running
        running += 1
        try:
            for _ in range(3):
                await turns(1)
                yield b"x" * 1000
        finally:
            running -= 1

    async def call(client: AsyncClient, _: Path) -> None:
        assert not await settled(lambda: running)
        await client.files.create(file=("f", parts()), purpose="assistants")

    assert await cancelled_everywhere(call, directory, way) >= 3
    assert not await settled(lambda: running)


@pytest.mark.faults
@pytest.mark.parametrize("way", WAYS)
async def test_asking_the_environment_for_a_proxy_may_be_cancelled(directory: Path, way: str) -> None:
    async def call(client: AsyncClient, _: Path) -> None:
        await client.threads.create()

    assert await cancelled_everywhere(call, directory, way, trust_env=True) >= 4


# Closing a client, when nobody closes it again.


@pytest.mark.parametrize("way", WAYS)
async def test_a_cancelled_close_of_a_client_closes_all_its_connections(way: str) -> None:
    late, again = WAYS[way]
    for point in count(1):
        before = asyncio.all_tasks()
        async with raw_server(conversation()) as server:
            client = AsyncClient(api_key="k", base_url=server.url)
            # One session keeps its connections, another one makes fresh ones; both are in use.
            await stale(client, Path())
            streams = [client.threads.runs.stream("x_1", assistant_id="a") for _ in range(2)]
            for stream in streams:
                await stream.open()
            plan = Plan(frozenset({point, point + 1} if again else {point}), late)

            outcome = await outcome_of(plan.drive(client.close()))

            assert bool(plan.hits) == isinstance(outcome, asyncio.CancelledError)
            assert not await settled(lambda: server.open), plan
            assert client.closed
            for stream in streams:
                await stream.close()
            assert [] == await settled(partial(leftovers, client, before)), plan
        if not plan.hits:
            assert point > 1
            return
