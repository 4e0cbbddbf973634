"""A run outlives its request; readers join, leave and come back, and get every entry once. On each store."""

import asyncio
import gc
import json
import random

import pytest
from feeds import Feed, many, numbers, read, until

from asyncstream import APIConnectionError, AssistantEventHandler, AsyncClient, AuthenticationError, ConfigurationError
from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import (
    BadCursorError,
    CursorGoneError,
    RunExistsError,
    RunNotFoundError,
)
from asyncstream.relay.log.memory import MemoryStore
from asyncstream.relay.log.run_log import RunLog
from asyncstream.relay.log.store import Store
from asyncstream.server import CallFunction, Cut, Fault, Say, Scenario, Turn, serve


@pytest.fixture
async def log(store: Store):
    async with RunLog(store) as log:
        yield log


def error_of(entry: Entry) -> dict[str, object]:
    assert entry.event == "error"
    return json.loads(entry.data)["error"]


def other_tasks() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def test_entries_have_consecutive_ids_and_end_with_done(log):
    await log.start("run-1", many(5))
    entries = await read(log, "run-1")

    assert [1, 2, 3, 4, 5, 6] == [entry.id for entry in entries]
    assert [1, 2, 3, 4, 5] == numbers(entries)
    assert Entry(6, "done", b"[DONE]") == entries[-1]


async def test_a_run_goes_on_without_readers(log):
    feed = Feed()
    await log.start("run-1", feed)
    feed.say(1, 2)
    first = await read(log, "run-1", count=2)
    feed.say(3)
    feed.end()
    await feed.gone()
    rest = await read(log, "run-1", after=first[-1].id)

    assert [1, 2] == numbers(first)
    assert [3] == numbers(rest)
    await until(lambda: not log.running)


async def test_readers_join_late_and_from_anywhere(log):
    feed = Feed()
    await log.start("run-1", feed)
    feed.say(*range(1, 11))
    whole = asyncio.create_task(read(log, "run-1"))
    assert await read(log, "run-1", count=10)
    late = asyncio.create_task(read(log, "run-1", after=7))
    feed.say(11, 12)
    feed.end()

    assert list(range(1, 13)) == numbers(await whole)
    assert list(range(8, 13)) == numbers(await late)


async def test_a_reader_waits_for_the_first_entry(log):
    feed = Feed()
    await log.start("run-1", feed)
    following = await log.follow("run-1").open()
    waiting = asyncio.create_task(anext(following))
    feed.say(1)

    assert 1 == (await waiting).id
    await following.close()


async def test_a_run_has_one_producer(log):
    feed, second = Feed(), Feed()
    await log.start("run-1", feed)
    with pytest.raises(RunExistsError, match="run-1"):
        await log.start("run-1", second)

    assert not second.opened
    assert second.closed
    feed.end()
    assert 1 == len(await read(log, "run-1"))
    with pytest.raises(RunExistsError, match="run-1"):
        await log.start("run-1", Feed())


async def test_two_logs_of_one_store_have_one_producer_together(store):
    async with RunLog(store) as log, RunLog(store) as other:
        outcomes = await asyncio.gather(
            log.start("run-1", many(3)), other.start("run-1", many(3)), return_exceptions=True
        )

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "RunExistsError"]
        assert [1, 2, 3] == numbers(await read(other, "run-1"))


async def test_what_the_upstream_refuses_comes_out_and_frees_the_name(log):
    scenario = Scenario([Turn(Say("Hi."))], responses=[Fault(401, path="*/chat/completions")])
    async with serve(scenario) as base_url, AsyncClient(api_key="k", base_url=base_url, max_retries=0) as client:

        def stream():
            return client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hi"}])

        with pytest.raises(AuthenticationError):
            await log.start("run-1", stream())
        with pytest.raises(RunNotFoundError):
            await log.follow("run-1").open()
        await log.start("run-1", stream())
        entries = await read(log, "run-1")

    assert "done" == entries[-1].event
    assert "Hi." == "".join(
        choice["delta"].get("content") or ""
        for entry in entries[:-1]
        for choice in json.loads(entry.data).get("choices", [])
    )


async def test_cancelled_opening_frees_the_name(log):
    class Stuck(Feed):
        async def open(self) -> None:
            self.opened = True
            opening.set()
            await asyncio.Event().wait()

    opening = asyncio.Event()
    stuck = Stuck()
    starting = asyncio.create_task(log.start("run-1", stuck))
    await opening.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert stuck.closed
    await log.start("run-1", many(1))
    assert [1] == numbers(await read(log, "run-1"))


async def test_readers_of_a_run_that_could_not_begin_are_told(log):
    class Refused(Feed):
        async def open(self) -> None:
            opening.set()
            await refused.wait()
            raise APIConnectionError("no route")

    opening, refused = asyncio.Event(), asyncio.Event()
    starting = asyncio.create_task(log.start("run-1", Refused()))
    await opening.wait()
    reader = asyncio.create_task(read(log, "run-1"))
    await read_all_waiting(log, 1)
    refused.set()
    with pytest.raises(APIConnectionError):
        await starting

    assert ["error"] == [entry.event for entry in await reader]


async def test_a_reader_near_the_end_does_not_ask_the_store(log, monkeypatch):
    feed = Feed()
    await log.start("run-1", feed)
    first = asyncio.create_task(read(log, "run-1"))
    await read_all_waiting(log, 1)
    feed.say(1, 2, 3)
    await until(lambda: len(log._tails["run-1"].window) == 3)
    monkeypatch.setattr(log._store, "read", None)
    second = asyncio.create_task(read(log, "run-1", after=1))
    feed.end()

    assert [1, 2, 3] == numbers(await first)
    assert [2, 3] == numbers(await second)


@pytest.mark.parametrize("run_id", ["nobody-started-this", "", "../x", "a{b", "x" * 201, "é"])
async def test_unknown_run(log, run_id):
    with pytest.raises(RunNotFoundError) as caught:
        await log.follow(run_id).open()

    assert 404 == caught.value.status


@pytest.mark.parametrize("run_id", ["", "a b", "a{b", "x" * 201, "é", None, 7])
async def test_a_run_needs_a_name_that_goes_into_urls_and_keys(log, run_id):
    with pytest.raises(ConfigurationError, match="run id"):
        await log.start(run_id, Feed())


@pytest.mark.parametrize("after", [-1, True, 1.0, b"1"])
async def test_a_cursor_is_an_id(log, after):
    with pytest.raises(ConfigurationError, match="cursor"):
        log.follow("run-1", after)


async def test_a_cursor_may_be_what_the_browser_sent(log):
    await log.start("run-1", many(3))
    assert 4 == len(await read(log, "run-1"))
    following = log.follow("run-1", after="2")

    assert 3 == (await anext(following)).id
    assert 3 == following.after
    assert [4] == [entry.id async for entry in following]


@pytest.mark.parametrize("after", ["x", "", "-1", "1.0", "٣", "1" * 19])
async def test_a_malformed_cursor_is_found_when_it_is_opened(log, after):
    await log.start("run-1", many(3))
    following = log.follow("run-1", after)
    with pytest.raises(BadCursorError, match="1 to 18 digits") as caught:
        await following.open()
    with pytest.raises(BadCursorError):
        await anext(following)

    assert 400 == caught.value.status


async def test_a_cursor_ahead_of_the_run(log):
    await log.start("run-1", many(3))
    assert await read(log, "run-1")
    with pytest.raises(CursorGoneError, match="ahead") as caught:
        await log.follow("run-1", after=5).open()

    assert 410 == caught.value.status


async def test_a_cursor_of_a_run_that_is_gone(log):
    with pytest.raises(CursorGoneError, match="not here any more"):
        await log.follow("run-1", after=5).open()


async def test_a_reader_with_the_last_entry_has_nothing_left(log):
    await log.start("run-1", many(3))
    assert 4 == len(await read(log, "run-1"))
    following = await log.follow("run-1", after=4).open()

    assert following.at_end
    assert [] == [entry async for entry in following]
    before_the_end = await log.follow("run-1", after=3).open()
    assert not before_the_end.at_end
    await before_the_end.close()


async def test_an_upstream_that_fails_is_one_error_entry(log):
    scenario = Scenario([Turn(Say("Half an answer is no answer"), Cut())])
    async with serve(scenario) as base_url, AsyncClient(api_key="k", base_url=base_url, max_retries=0) as client:
        stream = client.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hi"}])
        await log.start("run-1", stream)
        entries = await read(log, "run-1")

    assert ["error"] == [entry.event for entry in entries if entry.event]
    assert "error" == entries[-1].event
    assert len(entries) == entries[-1].id


async def test_a_stream_that_ends_without_an_end_gets_one(log):
    async def two():
        yield Entry(None, "said", b'{"n":1}')
        yield Entry(None, "said", b'{"n":2}')

    await log.start("run-1", two())

    assert ["said", "said", "done"] == [entry.event for entry in await read(log, "run-1")]


async def test_cancelling_a_wait_loses_nothing(log):
    feed = Feed()
    await log.start("run-1", feed)
    following = await log.follow("run-1").open()
    got = []
    for number in range(1, 21):
        waiting = asyncio.create_task(anext(following))
        for _ in range(number % 5):
            await asyncio.sleep(0)
        if number % 2:
            feed.say(number)
            waiting.cancel()
            entry = (await asyncio.gather(waiting, return_exceptions=True))[0]
            got.append((await anext(following)) if isinstance(entry, asyncio.CancelledError) else entry)
        else:
            feed.say(number)
            got.append(await waiting)
    await following.close()

    assert list(range(1, 21)) == [entry.id for entry in got]


async def test_readers_that_are_cancelled_leave_nothing_behind(log):
    feed = Feed()
    await log.start("run-1", feed)
    feed.say(1)
    base = other_tasks()
    readers = [asyncio.create_task(read(log, "run-1")) for _ in range(50)]
    assert await read(log, "run-1", count=1)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)

    assert base == other_tasks()
    assert {} == log._tails


async def test_a_reader_that_is_dropped_lets_its_run_go(log):
    feed = Feed()
    await log.start("run-1", feed)
    feed.say(1, 2)
    base = other_tasks()
    following = log.follow("run-1")
    assert 1 == (await anext(following)).id
    assert 2 == (await anext(following)).id
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(following), 0.01)
    assert {"run-1"} == set(log._tails)
    del following
    gc.collect()
    await until(lambda: not log._tails and not other_tasks() - base)


async def test_many_readers_share_one_reading_of_the_store(log, monkeypatch):
    waits = []
    wait = log._store.wait

    async def counted(*arguments, **options):
        waits.append(asyncio.current_task())
        return await wait(*arguments, **options)

    monkeypatch.setattr(log._store, "wait", counted)
    feed = Feed()
    await log.start("run-1", feed)
    readers = [asyncio.create_task(read(log, "run-1")) for _ in range(200)]
    await read_all_waiting(log, 200)
    feed.say(*range(1, 101))
    feed.end()
    found = await asyncio.gather(*readers)

    assert [list(range(1, 101))] * 200 == [numbers(entries) for entries in found]
    assert 1 == len(set(waits))


async def read_all_waiting(log: RunLog, count: int) -> None:
    """Wait until so many readers wait at the end of the run."""
    await until(lambda: bool(log._tails) and next(iter(log._tails.values())).window.waiting >= count)


async def test_a_slow_reader_holds_nobody_up_and_misses_nothing(log):
    feed = Feed()
    await log.start("run-1", feed)
    slow = await log.follow("run-1").open()
    waiting = asyncio.create_task(anext(slow))
    await read_all_waiting(log, 1)
    feed.say(*range(1, 10_001))
    feed.end()
    await feed.gone()
    fast = await read(log, "run-1")
    got = [await waiting]
    async for entry in slow:
        got.append(entry)

    assert list(range(1, 10_001)) == numbers(fast) == numbers(got)


async def test_a_cancelled_run_ends_with_an_error_entry(log):
    feed = Feed()
    cancelled = []

    async def at_the_server():
        cancelled.append("run-1")

    await log.start("run-1", feed, on_cancel=at_the_server)
    feed.say(1)
    reader = asyncio.create_task(read(log, "run-1"))
    assert await read(log, "run-1", count=1)
    assert await log.cancel("run-1")
    entries = await reader

    assert ["said", "error"] == [entry.event for entry in entries]
    assert "cancelled" == error_of(entries[-1])["code"]
    assert [1, 2] == [entry.id for entry in entries]
    assert feed.closed
    assert ["run-1"] == cancelled
    assert not await log.cancel("run-1")
    assert entries == await read(log, "run-1")


async def test_closing_cancels_runs_and_their_readers_hear_of_it(store):
    log = RunLog(store)
    feed, cancelled = Feed(), asyncio.Event()

    async def on_cancel():
        cancelled.set()

    await log.start("run-1", feed, on_cancel=on_cancel)
    feed.say(1)
    reader = asyncio.create_task(read(log, "run-1"))
    assert await read(log, "run-1", count=1)
    await log.close()
    entries = await reader

    assert "cancelled" == error_of(entries[-1])["code"]
    assert cancelled.is_set()
    assert set() == other_tasks()
    with pytest.raises(ConfigurationError, match="closed"):
        await log.start("run-2", Feed())
    await log.close()


async def test_closing_lets_runs_finish(store):
    log = RunLog(store)
    feed = Feed()
    await log.start("run-1", feed)
    reader = asyncio.create_task(read(log, "run-1"))
    closing = asyncio.create_task(log.close(finish=10))
    await until(lambda: log._closed)
    feed.say(1)
    feed.end()
    await closing

    assert ["said", "done"] == [entry.event for entry in await reader]


async def test_closing_lets_readers_of_other_workers_runs_go(store):
    producing, reading = RunLog(store), RunLog(store)
    feed = Feed()
    await producing.start("run-1", feed)
    feed.say(1)
    got = []

    async def follow():
        async with reading.follow("run-1") as following:
            async for entry in following:
                got.append(entry.id)
            return following.after

    reader = asyncio.create_task(follow())
    await until(lambda: bool(got))
    # The store is shared with the other worker, as a Redis is.
    reading._store = MemoryStore()
    await reading.close()

    assert 1 == await reader
    assert [1] == got
    feed.end()
    assert [2] == [entry.id for entry in await read(producing, "run-1", after=1)]
    await producing.close()


async def test_a_callback_that_fails_is_logged_and_ends_nothing(log, caplog):
    async def fails():
        raise OSError("no route")

    await log.start("run-1", Feed(), on_cancel=fails)
    await log.cancel("run-1")

    assert "on_cancel of the run 'run-1' failed: OSError: no route" in caplog.text


async def test_tool_calls_are_answered_in_one_run(log):
    class Answers(AssistantEventHandler):
        async def on_run_requires_action(self, run):
            calls = run.required_action.submit_tool_outputs.tool_calls
            await stream.submit_tool_outputs([{"tool_call_id": call.id, "output": "42"} for call in calls])

    scenario = Scenario([Turn(CallFunction("look_up", {"q": 1}), Say("It is 42."))])
    async with serve(scenario) as base_url, AsyncClient(api_key="k", base_url=base_url) as client:
        assistant = await client.assistants.create(model="m")
        thread = await client.threads.create(messages=[{"role": "user", "content": "?"}])
        stream = client.threads.runs.stream(thread.id, assistant_id=assistant.id, event_handler=Answers())
        await log.start("run-1", stream)
        entries = await read(log, "run-1")

    names = [entry.event for entry in entries]
    assert 1 == names.count("thread.run.requires_action")
    assert names.index("thread.run.requires_action") < names.index("thread.message.delta")
    assert ["thread.run.completed", "done"] == names[-2:]
    assert list(range(1, len(names) + 1)) == [entry.id for entry in entries]


async def test_views_are_chosen_by_the_producer(log):
    async with serve(Scenario([Turn(Say("Hello there."))])) as base_url:
        async with AsyncClient(api_key="k", base_url=base_url) as client:
            messages = [{"role": "user", "content": "Hi"}]
            await log.start("run-1", client.chat.completions.stream(model="m", messages=messages), view="text")
            entries = await read(log, "run-1")

    assert "Hello there." == "".join(json.loads(entry.data)["text"] for entry in entries if entry.event == "text")


async def test_forty_random_drops_lose_and_double_nothing(log):
    chance = random.Random(7)
    drops = 0

    async def visit():
        """Read a run with one cursor over many visits."""
        nonlocal drops
        got: list[int] = []
        after = None
        while True:
            leave_after = chance.randrange(1, 400)
            entries = await read(log, "run-1", after, leave_after)
            got.extend(entry.id or 0 for entry in entries)
            if entries[-1].terminal:
                return got
            drops += 1
            after = entries[-1].id

    await log.start("run-1", many(2_000))
    found = await asyncio.gather(*(visit() for _ in range(8)))

    assert [list(range(1, 2_002))] * 8 == found
    assert drops >= 40
