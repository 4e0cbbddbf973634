"""Every polling helper against the embedded server: each ending, the deadline, a cancellation, a burst of 500s."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from asyncstream.client import AsyncClient
from asyncstream.errors import ConfigurationError, InternalServerError, NotFoundError, PollTimeoutError
from asyncstream.server import (
    Action,
    CallFunction,
    Expire,
    Fail,
    Fault,
    FileOutcome,
    Incomplete,
    Pause,
    RequestApproval,
    Say,
    Scenario,
    Turn,
    serve,
)
from asyncstream.types import Run, VectorStoreFile, VectorStoreFileBatch

FOREVER = 600.0
"""Seconds: no test waits so long."""

BURST = [Fault(500, {"retry-after-ms": "1"}, method="GET") for _ in range(8)]
"""More than the client's own retries of one request."""

POLLED = ("queued", "in_progress", "cancelling")


@asynccontextmanager
async def talk(scenario: Scenario) -> AsyncIterator[AsyncClient]:
    async with serve(scenario) as base_url, AsyncClient(api_key="any", base_url=base_url) as client:
        yield client


# Runs.

RunHelper = Callable[..., Coroutine[Any, Any, Run]]


async def _create_and_poll(client: AsyncClient, **options: Any) -> Run:
    assistant = await client.assistants.create(model="m")
    thread = await client.threads.create()
    return await client.threads.runs.create_and_poll(thread.id, assistant_id=assistant.id, **options)


async def _create_and_run_poll(client: AsyncClient, **options: Any) -> Run:
    assistant = await client.assistants.create(model="m")
    thread: Any = {"messages": [{"role": "user", "content": "hi"}]}
    return await client.threads.create_and_run_poll(assistant_id=assistant.id, thread=thread, **options)


async def _poll(client: AsyncClient, **options: Any) -> Run:
    assistant = await client.assistants.create(model="m")
    run = await client.threads.create_and_run(assistant_id=assistant.id)
    return await client.threads.runs.poll(run.id, thread_id=run.thread_id, **options)


async def _submit_tool_outputs_and_poll(client: AsyncClient, **options: Any) -> Run:
    assistant = await client.assistants.create(model="m")
    run = await client.beta.threads.create_and_run_poll(assistant_id=assistant.id)
    assert run.required_action is not None
    assert run.required_action.submit_tool_outputs is not None
    outputs: Any = [{"tool_call_id": c.id, "output": "5"} for c in run.required_action.submit_tool_outputs.tool_calls]
    return await client.threads.runs.submit_tool_outputs_and_poll(
        run.id, thread_id=run.thread_id, tool_outputs=outputs, **options
    )


RUN_HELPERS: list[RunHelper] = [_create_and_poll, _create_and_run_poll, _poll, _submit_tool_outputs_and_poll]
run_helpers = pytest.mark.parametrize("helper", RUN_HELPERS, ids=lambda helper: helper.__name__.strip("_"))


def run_scenario(helper: RunHelper, *actions: Action, **options: Any) -> Scenario:
    """Return a scenario in which the helper polls over these actions."""
    before = [Turn(CallFunction("f", "{}"))] if helper is _submit_tool_outputs_and_poll else []
    return Scenario([*before, Turn(*actions)], **options)


@run_helpers
@pytest.mark.parametrize(
    ("actions", "status"),
    [
        ([Say("Hi.")], "completed"),
        ([Fail()], "failed"),
        ([Say("Hi"), Incomplete("max_completion_tokens")], "incomplete"),
        ([Expire()], "expired"),
        ([CallFunction("f", "{}")], "requires_action"),
        ([RequestApproval("f", "{}")], "requires_action"),
    ],
)
async def test_run_is_polled_to_each_ending(helper: RunHelper, actions: list[Action], status: str) -> None:
    async with talk(run_scenario(helper, *actions, delay=0.001)) as client:
        run = await helper(client)

    assert status == run.status
    if status == "requires_action":
        assert run.required_action is not None
        kind = "submit_tool_outputs" if isinstance(actions[0], CallFunction) else "submit_tool_approval"
        assert kind == run.required_action.type


@run_helpers
async def test_run_that_another_cancels_is_polled_to_its_end(helper: RunHelper) -> None:
    async with talk(run_scenario(helper, Pause(FOREVER))) as client:
        seen: list[str] = []

        async def watch(run: Run) -> None:
            if not seen:
                await client.threads.runs.cancel(run.id, thread_id=run.thread_id)
            seen.append(run.status)

        run = await helper(client, on_poll=watch)

    assert "cancelled" == run.status == seen[-1]
    assert set(seen[:-1]) <= set(POLLED)


@run_helpers
async def test_run_that_takes_longer_than_the_deadline_goes_on(helper: RunHelper) -> None:
    async with talk(run_scenario(helper, Pause(FOREVER))) as client:
        with pytest.raises(PollTimeoutError) as caught:
            await helper(client, poll_timeout=0.25, cancel_remote=True)
        last = caught.value.last
        assert isinstance(last, Run)
        now = await client.threads.runs.retrieve(last.id, thread_id=last.thread_id)

    assert "in_progress" == now.status


@run_helpers
@pytest.mark.parametrize("cancel_remote", [True, False])
async def test_cancelled_task_cancels_the_remote_run_if_asked_to(helper: RunHelper, cancel_remote: bool) -> None:
    async with talk(run_scenario(helper, Pause(FOREVER))) as client:
        told: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        on_poll = lambda run: None if told.done() else told.set_result(run)  # noqa: E731
        task = asyncio.create_task(helper(client, on_poll=on_poll, cancel_remote=cancel_remote))
        run = await told
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if cancel_remote:
            run = await client.threads.runs.poll(run.id, thread_id=run.thread_id)
        else:
            run = await client.threads.runs.retrieve(run.id, thread_id=run.thread_id)

    assert ("cancelled" if cancel_remote else "in_progress") == run.status


@pytest.mark.parametrize("helper", [_create_and_poll, _create_and_run_poll], ids=["create_and_poll", "create_and_run"])
async def test_task_cancelled_before_the_run_is_known_cancels_it_all_the_same(helper: RunHelper) -> None:
    scenario = Scenario([Turn(Pause(FOREVER))], responses=[Fault(None, path="*/runs", method="POST", delay=0.05)])
    async with talk(scenario) as client:
        task = asyncio.create_task(helper(client, cancel_remote=True))
        # The server has no event for a request that is being answered.
        while not any(request.path.endswith("/runs") for request in scenario.requests):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        thread_id, run_id = scenario.requests[-1].path.split("/")[3:6:2]
        run = await client.threads.runs.poll(run_id, thread_id=thread_id)

    assert "cancelled" == run.status


@run_helpers
async def test_run_is_polled_through_a_burst_of_500s(helper: RunHelper) -> None:
    scenario = run_scenario(helper, Pause(0.05), Say("Hi."))
    async with talk(scenario) as client:
        started = False

        def burst(run: Run) -> None:
            nonlocal started
            if not started:
                scenario.responses.extend(BURST)
                started = True

        run = await helper(client, on_poll=burst)

    assert "completed" == run.status
    assert not scenario.responses


@run_helpers
async def test_run_that_is_gone_ends_the_poll(helper: RunHelper) -> None:
    scenario = run_scenario(helper, Pause(FOREVER))
    async with talk(scenario) as client:
        on_poll = lambda run: client.threads.delete(run.thread_id)  # noqa: E731
        with pytest.raises(NotFoundError) as caught:
            await helper(client, on_poll=on_poll)

    assert "while polling 'run_" in caught.value.__notes__[0]


@run_helpers
@pytest.mark.parametrize("options", [{"poll_interval_ms": -1}, {"poll_timeout": float("nan")}])
async def test_bad_number_is_refused_before_anything_is_begun(helper: RunHelper, options: dict[str, float]) -> None:
    scenario = run_scenario(helper, Pause(FOREVER))
    async with talk(scenario) as client:
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            await helper(client, **options)

    begun = [
        request for request in scenario.requests if "tool_outputs" in request.path or request.path.endswith("/runs")
    ]
    assert ([] if helper in (_create_and_poll, _create_and_run_poll) else begun[:1]) == begun


async def test_each_look_is_marked_and_carries_the_options_of_the_call() -> None:
    scenario = Scenario(delay=0.002)
    async with talk(scenario) as client:
        await _create_and_poll(client, extra_headers={"X-Mine": "1", "Idempotency-Key": "k"}, extra_query={"q": "1"})

    begin = next(request for request in scenario.requests if request.path.endswith("/runs"))
    looks = [request for request in scenario.requests if request.method == "GET"]
    assert looks
    assert ("k", "1") == (begin.headers["Idempotency-Key"], begin.query["q"])
    for look in looks:
        assert ("1", "true", "1") == (look.headers["X-Mine"], look.headers["X-Stainless-Poll-Helper"], look.query["q"])
        assert "Idempotency-Key" not in look.headers


async def test_own_interval_is_kept_over_real_http() -> None:
    scenario = Scenario([Turn(Pause(FOREVER))], poll_after_ms=1)
    async with talk(scenario) as client:
        with pytest.raises(PollTimeoutError):
            await _create_and_poll(client, poll_interval_ms=10_000, poll_timeout=0.05)

    assert not [request for request in scenario.requests if request.method == "GET"]


# Files in vector stores.


async def _store_and_file(client: AsyncClient, name: str = "notes.txt") -> tuple[str, str]:
    store = await client.vector_stores.create()
    file = await client.files.create(file=(name, b"some words"), purpose="assistants")
    return store.id, file.id


async def _file_create_and_poll(client: AsyncClient, **options: Any) -> VectorStoreFile:
    store, file = await _store_and_file(client)
    return await client.vector_stores.files.create_and_poll(file, vector_store_id=store, **options)


async def _file_upload_and_poll(client: AsyncClient, **options: Any) -> VectorStoreFile:
    store = await client.vector_stores.create()
    file = ("notes.txt", b"some words")
    return await client.beta.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=file, **options)


async def _file_poll(client: AsyncClient, **options: Any) -> VectorStoreFile:
    store, file = await _store_and_file(client)
    await client.vector_stores.files.create(store, file_id=file)
    return await client.vector_stores.files.poll(file, vector_store_id=store, **options)


FileHelper = Callable[..., Coroutine[Any, Any, VectorStoreFile]]
FILE_HELPERS: list[FileHelper] = [_file_create_and_poll, _file_upload_and_poll, _file_poll]
file_helpers = pytest.mark.parametrize("helper", FILE_HELPERS, ids=lambda helper: helper.__name__.strip("_"))


@file_helpers
@pytest.mark.parametrize(
    "outcome", [FileOutcome(), FileOutcome("failed", code="unsupported_file"), FileOutcome("cancelled")]
)
async def test_file_is_polled_to_each_ending(helper: FileHelper, outcome: FileOutcome) -> None:
    async with talk(Scenario(outcomes={"notes.*": outcome})) as client:
        seen: list[str] = []
        file = await helper(client, on_poll=lambda file: seen.append(file.status))

    assert outcome.status == file.status == seen[-1]
    assert "in_progress" == seen[0]
    assert ("unsupported_file" if outcome.status == "failed" else None) == (file.last_error and file.last_error.code)


@file_helpers
async def test_file_that_takes_longer_than_the_deadline_goes_on(helper: FileHelper) -> None:
    async with talk(Scenario(outcomes={"*": FileOutcome(seconds=FOREVER)})) as client:
        with pytest.raises(PollTimeoutError) as caught:
            await helper(client, poll_timeout=0.25)

    assert isinstance(caught.value.last, VectorStoreFile)
    assert "in_progress" == caught.value.last.status


@file_helpers
async def test_file_poll_is_cancelled_with_its_task(helper: FileHelper) -> None:
    async with talk(Scenario(outcomes={"*": FileOutcome(seconds=FOREVER)})) as client:
        told = asyncio.Event()
        task = asyncio.create_task(helper(client, on_poll=lambda _: told.set()))
        await told.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@file_helpers
async def test_file_is_polled_through_a_burst_of_500s(helper: FileHelper) -> None:
    scenario = Scenario(outcomes={"*": FileOutcome(seconds=0.05)})
    async with talk(scenario) as client:
        seen: list[str] = []

        def burst(file: VectorStoreFile) -> None:
            if not seen:
                scenario.responses.extend(BURST)
            seen.append(file.status)

        file = await helper(client, on_poll=burst)

    assert "completed" == file.status
    assert not scenario.responses


# Batches of files.


async def _batch_create_and_poll(client: AsyncClient, **options: Any) -> VectorStoreFileBatch:
    store, first = await _store_and_file(client, "notes.txt")
    second = await client.files.create(file=("more.txt", b"words"), purpose="assistants")
    return await client.vector_stores.file_batches.create_and_poll(store, file_ids=[first, second.id], **options)


async def _batch_upload_and_poll(client: AsyncClient, **options: Any) -> VectorStoreFileBatch:
    store, first = await _store_and_file(client, "notes.txt")
    files = [("more.txt", b"words")]
    return await client.beta.vector_stores.file_batches.upload_and_poll(store, files=files, file_ids=[first], **options)


async def _batch_poll(client: AsyncClient, **options: Any) -> VectorStoreFileBatch:
    store, first = await _store_and_file(client, "notes.txt")
    second, _ = await client.files.create(file=("more.txt", b"words"), purpose="assistants"), None
    batch = await client.vector_stores.file_batches.create(store, file_ids=[first, second.id])
    return await client.vector_stores.file_batches.poll(batch.id, vector_store_id=store, **options)


BatchHelper = Callable[..., Coroutine[Any, Any, VectorStoreFileBatch]]
BATCH_HELPERS: list[BatchHelper] = [_batch_create_and_poll, _batch_upload_and_poll, _batch_poll]
batch_helpers = pytest.mark.parametrize("helper", BATCH_HELPERS, ids=lambda helper: helper.__name__.strip("_"))


@batch_helpers
@pytest.mark.parametrize(
    ("outcomes", "status", "completed", "failed", "cancelled"),
    [
        ({}, "completed", 2, 0, 0),
        ({"notes.*": FileOutcome("failed")}, "completed", 1, 1, 0),
        ({"*": FileOutcome("failed")}, "failed", 0, 2, 0),
        ({"*": FileOutcome("cancelled")}, "cancelled", 0, 0, 2),
    ],
)
async def test_batch_is_polled_to_each_ending(
    helper: BatchHelper, outcomes: dict[str, FileOutcome], status: str, completed: int, failed: int, cancelled: int
) -> None:
    async with talk(Scenario(outcomes=outcomes)) as client:
        batch = await helper(client)

    counts = batch.file_counts
    assert status == batch.status
    assert (completed, failed, cancelled, 2) == (counts.completed, counts.failed, counts.cancelled, counts.total)


@batch_helpers
async def test_batch_of_a_store_that_expires_is_polled_to_its_end(helper: BatchHelper) -> None:
    scenario = Scenario(outcomes={"*": FileOutcome(seconds=FOREVER)}, day=0.05)
    async with talk(scenario) as client:

        async def expire(batch: VectorStoreFileBatch) -> None:
            await client.vector_stores.update(
                batch.vector_store_id, expires_after={"anchor": "last_active_at", "days": 1}
            )

        batch = await helper(client, on_poll=expire)
        store = await client.vector_stores.retrieve(batch.vector_store_id)

    assert ("cancelled", 2) == (batch.status, batch.file_counts.cancelled)
    assert "expired" == store.status


@batch_helpers
async def test_batch_that_takes_longer_than_the_deadline_goes_on(helper: BatchHelper) -> None:
    async with talk(Scenario(outcomes={"notes.*": FileOutcome(seconds=FOREVER)})) as client:
        with pytest.raises(PollTimeoutError) as caught:
            await helper(client, poll_timeout=0.25)

    last = caught.value.last
    assert isinstance(last, VectorStoreFileBatch)
    assert ("in_progress", 1, 1) == (last.status, last.file_counts.in_progress, last.file_counts.completed)


@batch_helpers
@pytest.mark.parametrize("cancel_remote", [True, False])
async def test_cancelled_task_cancels_the_remote_batch_if_asked_to(helper: BatchHelper, cancel_remote: bool) -> None:
    async with talk(Scenario(outcomes={"*": FileOutcome(seconds=FOREVER)})) as client:
        told: asyncio.Future[VectorStoreFileBatch] = asyncio.get_running_loop().create_future()
        on_poll = lambda batch: None if told.done() else told.set_result(batch)  # noqa: E731
        task = asyncio.create_task(helper(client, on_poll=on_poll, cancel_remote=cancel_remote))
        batch = await told
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        batches = client.vector_stores.file_batches
        if cancel_remote:
            batch = await batches.poll(batch.id, vector_store_id=batch.vector_store_id)
        else:
            batch = await batches.retrieve(batch.id, vector_store_id=batch.vector_store_id)

    assert ("cancelled" if cancel_remote else "in_progress") == batch.status


@batch_helpers
async def test_batch_is_polled_through_a_burst_of_500s(helper: BatchHelper) -> None:
    scenario = Scenario(outcomes={"*": FileOutcome(seconds=0.5)})
    async with talk(scenario) as client:
        seen: list[str] = []

        def burst(batch: VectorStoreFileBatch) -> None:
            if not seen:
                scenario.responses.extend(BURST)
            seen.append(batch.status)

        batch = await helper(client, on_poll=burst)

    assert ("completed", 2) == (batch.status, batch.file_counts.completed)
    assert not scenario.responses


async def test_files_of_a_batch_keep_their_order_and_settings() -> None:
    scenario = Scenario()
    async with talk(scenario) as client:
        store = await client.vector_stores.create()
        batch = await client.vector_stores.file_batches.upload_and_poll(
            store.id,
            files=((f"{number}.txt", b"words") for number in range(12)),
            max_concurrency=3,
            attributes={"kind": "number"},
        )
        listed = [
            file
            async for file in client.vector_stores.file_batches.list_files(
                batch.id, vector_store_id=store.id, order="asc", limit=5
            )
        ]
        names = [(await client.files.retrieve(file.id)).filename for file in listed]

    assert [f"{number}.txt" for number in range(12)] == names
    assert all(file.attributes == {"kind": "number"} for file in listed)
    keys = [request.headers["Idempotency-Key"] for request in scenario.requests if request.path == "/v1/files"]
    assert (12, 12) == (len(keys), len(set(keys)))


async def test_failed_upload_makes_no_batch_and_says_what_was_uploaded() -> None:
    refused = Fault(400, path="*/files", method="POST")
    scenario = Scenario()
    async with talk(scenario) as client:
        store = await client.vector_stores.create()

        def files() -> Any:
            yield b"one"
            scenario.responses.append(refused)
            yield b"two"
            yield b"three"

        with pytest.raises(Exception, match="scripted fault 400") as caught:
            await client.vector_stores.file_batches.upload_and_poll(store.id, files=files(), max_concurrency=1)
        uploaded = [file.id async for file in client.files.list()]

    assert [f"uploaded before: {uploaded[0]}"] == caught.value.__notes__
    assert 1 == len(uploaded)
    assert not [request for request in scenario.requests if "file_batches" in request.path]


@pytest.mark.parametrize(
    "options",
    [
        {"files": []},
        {"files": "one"},
        {"files": [b"x"], "max_concurrency": 0},
        {"files": [b"x"], "file_ids": "file-1"},
        {"files": [b"x"], "poll_timeout": -1},
    ],
)
async def test_batch_without_files_or_sense_is_refused_before_it_is_sent(options: dict[str, Any]) -> None:
    scenario = Scenario()
    async with talk(scenario) as client:
        with pytest.raises(ConfigurationError):
            await client.vector_stores.file_batches.upload_and_poll("vs_1", **options)

    assert [] == scenario.requests


async def test_server_that_fails_for_good_is_raised() -> None:
    scenario = Scenario(outcomes={"*": FileOutcome(seconds=FOREVER)})
    async with talk(scenario) as client:
        # As the client's own retries cannot be seen from here: enough for all of them.
        on_poll = lambda _: scenario.responses.extend([Fault(500, {"retry-after-ms": "1"}, method="GET")] * 15)  # noqa: E731
        with pytest.raises(InternalServerError):
            await _file_create_and_poll(client, on_poll=on_poll)

    assert 15 == sum(request.method == "GET" for request in scenario.requests)
