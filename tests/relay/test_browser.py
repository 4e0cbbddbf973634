"""The browser example in a real browser: nothing lost by a reload, a second tab or a dead worker, to the character."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from chromium import Browser, Page, chromium, needs_chromium
from redis_server import RedisServer, needs_redis

from asyncstream import AsyncClient
from asyncstream.relay import follow

pytestmark = [pytest.mark.system, needs_chromium]

QUESTION = "Does any of this get lost — 'naïve' café, 日本語, 👩‍🚀 & <b>?"

SHOWN = "Array.from(document.querySelectorAll('.message'), (one) => one.textContent)"
MID_ANSWER = "document.querySelectorAll('.message').length == 2 && " + SHOWN + "[1].length > 100"
COMPLETE = "document.getElementById('connection').textContent == 'complete'"
FAILED = "!document.getElementById('problem').hidden"
PROBLEM = "document.getElementById('problem').textContent"


class Worker:
    """A process of the web application."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, upstream: str) -> None:
        self.process = process
        self.url = url
        self.upstream = upstream
        self.port = url.rstrip("/").rpartition(":")[2]

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def ask(self, question: str) -> str:
        async with aiohttp.ClientSession() as http, http.post(f"{self.url}runs", json={"question": question}) as answer:
            assert answer.status == 201
            run: str = (await answer.json())["run"]
            return run

    async def said(self, run: str, reader: "Worker | None" = None) -> list[str]:
        """Return what the embedded server keeps of the assistant's messages, once the run is over."""
        thread = ""
        async for event in follow(f"{(reader or self).url}runs/{run}/events", protocol="assistants"):
            if event.event == "thread.run.created":
                thread = event.data.thread_id
        async with AsyncClient(api_key="any", base_url=self.upstream) as client:
            messages = [one async for one in client.threads.messages.list(thread, order="asc")]
        texts = [one.content[0] for one in messages if one.role == "assistant"]
        return [text.text.value for text in texts if text.type == "text"]


@asynccontextmanager
async def worker(*arguments: str, delay: float = 0.01) -> AsyncIterator[Worker]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "asyncstream", "demo", "--web", "--delay", str(delay), *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    assert url, "the web application did not start"
    upstream = (await process.stdout.readline()).decode().split()[-1]
    one = Worker(process, url, upstream)
    try:
        yield one
    finally:
        await one.kill()


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as one:
        yield one


async def ask(page: Page, worker: Worker) -> str:
    """Ask as a user does; return the run's name."""
    await page.go(worker.url)
    await page.js(f"document.getElementById('question').value = {json.dumps(QUESTION)}")
    await page.js("document.getElementById('ask').requestSubmit()")
    await page.until("location.search.startsWith('?run=')")
    run: str = await page.js("new URLSearchParams(location.search).get('run')")
    return run


@pytest.mark.parametrize("arguments", [[], ["--fastapi"]], ids=["aiohttp", "FastAPI"])
async def test_reload_and_a_second_tab_show_the_answer_to_the_character(arguments: list[str], browser: Browser) -> None:
    if arguments:
        pytest.importorskip("fastapi")
        pytest.importorskip("uvicorn")
    async with worker("--port", "0", *arguments) as web:
        page = await browser.page()
        run = await ask(page, web)
        await page.until(MID_ANSWER)

        await page.reload()
        await page.until(MID_ANSWER)
        assert not await page.js(COMPLETE)
        second = await browser.page()
        await second.go(await page.js("document.getElementById('link').href"))
        await page.until(COMPLETE)
        await second.until(COMPLETE)

        said = await web.said(run)
        assert len(said) == 2
        assert "character for character: naïve café, 12 €, Ω ≠ ω, 😀." in said[1]
        for tab in (page, second):
            assert await tab.js(SHOWN) == said
            assert await tab.js("document.getElementById('asked').textContent") == QUESTION
            assert await tab.js("document.getElementById('status').textContent") == "completed"
            assert await tab.js("document.querySelectorAll('.call .state').length") == 2
            assert await tab.js("document.querySelector('.call .result').textContent") in said[1]
            # Nothing that its policy forbids, nothing that its script stumbled over.
            assert tab.complaints == []
        await page.reload()
        await page.until(COMPLETE)
        assert await page.js(SHOWN) == said


@needs_redis
async def test_a_worker_that_was_killed_and_restarted_loses_nothing(browser: Browser, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    await redis.start()
    try:
        async with worker("--port", "0", "--redis", redis.url, delay=0.02) as producer:
            async with worker("--port", "0", "--redis", redis.url) as first:
                run = await producer.ask(QUESTION)
                page = await browser.page()
                await page.go(f"{first.url}?run={run}")
                await page.until(MID_ANSWER)
                await first.kill()
                await page.until("document.getElementById('connection').textContent.startsWith('connection lost')")
            before = await page.js(SHOWN)

            async with worker("--port", first.port, "--redis", redis.url) as restarted:
                await page.until(COMPLETE)

                said = await producer.said(run, restarted)
                assert await page.js(SHOWN) == said
                assert 100 < len(before[1]) < len(said[1])
                assert not [one for one in page.complaints if "differs" in one]
    finally:
        redis.kill()


@needs_redis
async def test_a_producer_that_was_killed_is_an_error_on_the_page(browser: Browser, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    await redis.start()
    try:
        async with worker("--port", "0", "--redis", redis.url, delay=0.02) as producer:
            async with worker("--port", "0", "--redis", redis.url) as reader:
                run = await producer.ask(QUESTION)
                page = await browser.page()
                await page.go(f"{reader.url}?run={run}")
                await page.until(MID_ANSWER)
                await producer.kill()
                await page.until(FAILED)

                assert (await page.js(PROBLEM)).startswith("The answer stops here.")
                assert "(producer_lost)" in await page.js(PROBLEM)
                assert await page.js("document.getElementById('status').textContent") == "interrupted"
                assert await page.js("document.querySelectorAll('.message.open').length") == 0
    finally:
        redis.kill()


async def test_a_run_in_the_memory_of_a_killed_worker_is_an_error_on_the_page(browser: Browser) -> None:
    async with worker("--port", "0") as first:
        page = await browser.page()
        await ask(page, first)
        await page.until(MID_ANSWER)
        await first.kill()
    async with worker("--port", first.port):
        await page.until(FAILED)

        assert (await page.js(PROBLEM)).startswith("The answer stops here.")
        assert "(cursor_gone)" in await page.js(PROBLEM)
        # What had come stays to be read.
        assert len(await page.js(SHOWN)) == 2
        await page.reload()
        await page.until(FAILED)
        assert (await page.js(PROBLEM)).startswith("This run cannot be shown.")
        assert "(run_not_found)" in await page.js(PROBLEM)


async def test_the_page_fits_narrow_screens_and_both_schemes(browser: Browser, tmp_path: Path) -> None:
    async with worker("--port", "0", delay=0.0) as web:
        page = await browser.page()
        await ask(page, web)
        await page.until(COMPLETE)
        papers = []
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await page.call("Emulation.setEmulatedMedia", features=features)
            for width in (320, 1000):
                size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
                await page.call("Emulation.setDeviceMetricsOverride", **size)
                # Written for whoever wants to look at it.
                (tmp_path / f"{scheme}_{width}.png").write_bytes(await page.shot())
                root = "document.documentElement"
                assert await page.js(f"{root}.scrollWidth <= {root}.clientWidth")
            papers.append(await page.js("getComputedStyle(document.body).backgroundColor"))

        assert papers[0] != papers[1]
