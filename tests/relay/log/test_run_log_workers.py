"""Several workers, browsers that drop and come back to any of them, and `kill -9`: nothing lost, nothing double."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from event_streams import EventDecoder, ServerSentEvent
from feeds import many
from redis_server import RedisServer, needs_redis

from asyncstream.relay.log.run_log import RunLog

EVENTS = 2_000
RATE = 1_000.0


class Worker:
    """A process that relays."""

    def __init__(self, url: str) -> None:
        here = Path(__file__).parent
        self.process = subprocess.Popen(
            [sys.executable, str(here / "relay_worker.py"), url],
            stdout=subprocess.PIPE,
            text=True,
            # Where `feeds` is.
            env={**os.environ, "PYTHONPATH": str(here.parent)},
        )
        self.url = ""

    async def ready(self) -> None:
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(await asyncio.to_thread(self.process.stdout.readline))}"

    def kill(self) -> None:
        """Let it stop like a machine that lost its power."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def workers(url: str, count: int) -> Iterator[list[Worker]]:
    started = [Worker(url) for _ in range(count)]
    try:
        yield started
    finally:
        for worker in started:
            worker.kill()
            assert worker.process.stdout is not None
            worker.process.stdout.close()


class Browser:
    """Reads one run with one cursor, dropped now and then, from whichever worker is there."""

    def __init__(self, session: aiohttp.ClientSession, urls: list[str], chance: random.Random, drops: int) -> None:
        self.events: list[ServerSentEvent] = []
        self.session = session
        self.urls = urls
        self.chance = chance
        self.drops = drops
        self.visits = 0

    async def read(self, path: str, middle: asyncio.Event | None = None) -> None:
        """Read to the terminal event; `middle` is set on the way."""
        while not (self.events and self.events[-1].event in ("done", "error")):
            self.visits += 1
            stay = self.chance.randrange(1, 600) if self.visits <= self.drops else EVENTS + 10
            headers = {"Last-Event-ID": self.events[-1].id} if self.events else {}
            try:
                async for event in self._visit(self.chance.choice(self.urls) + path, headers):
                    self.events.append(event)
                    if middle is not None and len(self.events) == 600:
                        middle.set()
                    stay -= 1
                    if not stay:
                        break
            except aiohttp.ClientError:
                # The worker has died; the browser tries another, a moment later as its standard says.
                await asyncio.sleep(0.05)

    async def _visit(self, url: str, headers: dict[str, str]) -> AsyncIterator[ServerSentEvent]:
        async with self.session.get(url, headers=headers) as response:
            assert 200 == response.status, await response.text()
            decoder = EventDecoder()
            async for chunk in response.content.iter_any():
                for event in decoder.feed(chunk):
                    yield event

    @property
    def said(self) -> list[int]:
        return [json.loads(event.data)["n"] for event in self.events if event.event == "said"]

    @property
    def ids(self) -> list[int]:
        return [int(event.id) for event in self.events if event.event != "error"]


async def browse(
    urls: list[str], path: str, *, browsers: int, drops: int, middle: asyncio.Event | None = None
) -> list[Browser]:
    """Let as many browsers read a run, some of them late."""
    chance = random.Random(11)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as session:

        async def one() -> Browser:
            browser = Browser(session, urls, random.Random(chance.random()), drops)
            if chance.random() < 0.5:
                await asyncio.sleep(chance.random())
            await browser.read(path, middle)
            return browser

        return list(await asyncio.gather(*(one() for _ in range(browsers))))


async def start(worker: Worker, path: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{worker.url}{path}", params={"events": EVENTS, "rate": RATE}) as response:
            assert 201 == response.status


@pytest.mark.system
@needs_redis
async def test_a_worker_that_serves_readers_is_killed(redis_server: RedisServer):
    with workers(redis_server.url, 3) as (producer, second, killed):
        async with asyncio.timeout(60):
            await asyncio.gather(producer.ready(), second.ready(), killed.ready())
            await start(producer, "/runs/r")
            middle = asyncio.Event()
            browsing = asyncio.create_task(
                browse([second.url, killed.url], "/runs/r", browsers=14, drops=3, middle=middle)
            )
            await middle.wait()
            killed.kill()
            browsers = await browsing

    assert [list(range(1, EVENTS + 1))] * 14 == [browser.said for browser in browsers]
    assert [list(range(1, EVENTS + 2))] * 14 == [browser.ids for browser in browsers]
    assert {"done"} == {browser.events[-1].event for browser in browsers}
    assert sum(browser.visits - 1 for browser in browsers) >= 40


@pytest.mark.system
@needs_redis
async def test_the_producer_is_killed(redis_server: RedisServer):
    with workers(redis_server.url, 3) as (killed, second, third):
        async with asyncio.timeout(60):
            await asyncio.gather(killed.ready(), second.ready(), third.ready())
            await start(killed, "/runs/r")
            middle = asyncio.Event()
            browsing = asyncio.create_task(
                browse([second.url, third.url], "/runs/r", browsers=14, drops=3, middle=middle)
            )
            await middle.wait()
            killed.kill()
            browsers = await browsing
            late = (await browse([second.url], "/runs/r", browsers=1, drops=0))[0]

    said = late.said
    assert 300 < len(said) < EVENTS
    assert list(range(1, len(said) + 1)) == said
    assert [said] * 14 == [browser.said for browser in browsers]
    for browser in [*browsers, late]:
        errors = [json.loads(event.data)["error"]["code"] for event in browser.events if event.event == "error"]
        assert ["producer_lost"] == errors
        # The same last entry for all, whenever and wherever they came.
        assert str(len(said) + 1) == browser.events[-1].id


@pytest.mark.system
async def test_one_process_with_its_runs_in_memory(aiohttp_app):
    log = RunLog()
    async with log, aiohttp_app(log) as url:
        await log.start("r", many(EVENTS, rate=RATE))
        browsers = await browse([url], "/runs/r", browsers=14, drops=3)

    assert [list(range(1, EVENTS + 1))] * 14 == [browser.said for browser in browsers]
    assert [list(range(1, EVENTS + 2))] * 14 == [browser.ids for browser in browsers]
    assert sum(browser.visits - 1 for browser in browsers) >= 40
