"""The browser example in a real browser: nothing lost by a reload, a second tab or a dead worker, to the character."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from chromium import Browser, Page, chromium, needs_chromium
from redis_server import RedisServer, needs_redis

from benchmarks.free_ports import free_port

pytestmark = [pytest.mark.system, needs_chromium]

QUESTION = "Does any of this get lost — 'naïve' café, 日本語, 👩‍🚀 & <b>?"
BOOK = "Book a table for two."

SHOWN = "Array.from(document.querySelectorAll('.message'), (one) => one.textContent).join('|')"
MID_ANSWER = SHOWN + ".length > 100"
READY = "document.getElementById('log').getAttribute('aria-busy') == 'false' && document.querySelector('.turn')"
FAILED = "document.querySelector('.answer .problem')"
PROBLEM = "document.querySelector('.answer .problem').textContent"
ASKS = READY + " && document.querySelector('.call[data-state=asks] .allow')"
STATES = "Array.from(document.querySelectorAll('.call'), (one) => one.dataset.state)"
LOST = "!document.getElementById('connection').hidden"

FRAMEWORKS = pytest.mark.parametrize("arguments", [[], ["--fastapi"]], ids=["aiohttp", "FastAPI"])


class Worker:
    """A process of the web application."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.port = url.rstrip("/").rpartition(":")[2]

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def ask(self, question: str) -> Any:
        async with aiohttp.ClientSession() as http:
            async with http.post(f"{self.url}conversations", json={"question": question}) as answer:
                assert answer.status == 201
                return await answer.json()

    async def said(self, conversation: str) -> str:
        """Return what the model said, from the log, once all runs of a conversation are over."""
        said = []
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{self.url}conversations/{conversation}") as answer:
                turns = (await answer.json())["turns"]
            for run in (run for turn in turns for run in turn["runs"]):
                async with http.get(f"{self.url}runs/{run}/events") as answer:
                    lines = (await answer.text()).splitlines()
                parts = [json.loads(line[6:]) for line in lines if line.startswith('data: {"type":')]
                for part in parts:
                    if part["type"] == "text-start":
                        said.append("")
                    if part["type"] == "text-delta":
                        said[-1] += part["delta"]
        return "|".join(said)


@asynccontextmanager
async def worker(*arguments: str, delay: float = 0.01) -> AsyncIterator[Worker]:
    if "--fastapi" in arguments:
        pytest.importorskip("fastapi")
        pytest.importorskip("uvicorn")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "asyncstream", "demo", "--web", "--delay", str(delay), *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip().partition("?")[0]
    assert url, "the web application did not start"
    one = Worker(process, url)
    try:
        yield one
    finally:
        await one.kill()


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as one:
        yield one


async def ask(page: Page, question: str) -> str:
    """Ask as a user does; return the id of the conversation."""
    field = "document.getElementById('question')"
    await page.js(f"{field}.value = {json.dumps(question)}; {field}.dispatchEvent(new Event('input'))")
    await page.js("document.getElementById('send').click()")
    await page.until("location.search.startsWith('?c=')")
    conversation: str = await page.js("new URLSearchParams(location.search).get('c')")
    return conversation


@FRAMEWORKS
async def test_reload_and_a_second_tab_show_the_answer_to_the_character(arguments: list[str], browser: Browser) -> None:
    async with worker("--port", "0", *arguments) as web:
        page = await browser.page()
        await page.go(web.url)
        conversation = await ask(page, QUESTION)
        await page.until(MID_ANSWER)

        await page.reload()
        await page.until(MID_ANSWER)
        assert not await page.js(READY)
        second = await browser.page()
        await second.go(await page.js("location.href"))
        await page.until(READY)
        await second.until(READY)

        said = await web.said(conversation)
        assert "character for character: naïve café, 12 €, Ω ≠ ω, 😀." in said
        for tab in (page, second):
            assert await tab.js(SHOWN) == said
            assert await tab.js("document.querySelector('.asked').textContent") == QUESTION
            assert "First what the browser does" in await tab.js("document.querySelector('.thought').textContent")
            # What the model wrote as HTML is text, and what it wrote as Markdown is not.
            assert await tab.js("document.querySelectorAll('.message img, .message b').length") == 0
            assert await tab.js("document.querySelectorAll('.message strong').length") == 1
            # Nothing that its policy forbids, nothing that its script stumbled over.
            assert tab.complaints == []

        # What is asked in one tab is shown in the other.
        await ask(second, "What time is it?")
        await page.until("document.querySelectorAll('.turn').length == 2")
        await page.until(READY)
        assert await page.js(SHOWN) == await web.said(conversation)
        assert await page.js(STATES) == ["done", "done"]
        assert await page.js("document.querySelector('.call .result').textContent") in await page.js(SHOWN)


@FRAMEWORKS
@pytest.mark.parametrize("protocol", ["chat", "responses", "assistants"])
async def test_a_tool_runs_when_the_user_allows_it(arguments: list[str], protocol: str, browser: Browser) -> None:
    async with worker("--port", "0", f"--{protocol}", *arguments, delay=0.0) as web:
        page = await browser.page()
        await page.go(f"{web.url}?protocol={protocol}")
        await ask(page, BOOK)
        await page.until(ASKS)
        # Not lost by a reload, and asked in another tab too.
        await page.reload()
        await page.until(ASKS)
        second = await browser.page()
        await second.go(await page.js("location.href"))
        await second.until(ASKS)
        await page.js("document.querySelector('.allow').click()")
        for tab in (page, second):
            await tab.until(f"{SHOWN}.includes('booked, number 1')")
            await tab.until(READY)
            assert await tab.js(STATES) == ["done", "done"]
            assert await tab.js("document.querySelectorAll('.word').length") == 0
            assert tab.complaints == []
        assert (await page.js("document.getElementById('protocol').textContent")).lower() == protocol


@FRAMEWORKS
async def test_a_tool_that_is_not_allowed_does_not_run(arguments: list[str], browser: Browser) -> None:
    async with worker("--port", "0", *arguments, delay=0.0) as web:
        page = await browser.page()
        await page.go(web.url)
        await ask(page, BOOK)
        await page.until(ASKS)
        await page.js("document.querySelector('.refuse').click()")
        await page.until(f"{SHOWN}.includes('nothing was booked')")
        await page.until(READY)

        assert await page.js(STATES) == ["done", "refused"]


async def test_who_has_scrolled_up_is_left_there_and_enter_sends(browser: Browser) -> None:
    root = "document.documentElement"
    async with worker("--port", "0") as web:
        page = await browser.page()
        await page.call("Emulation.setDeviceMetricsOverride", width=390, height=420, deviceScaleFactor=1, mobile=True)
        await page.go(web.url)
        await page.call("Input.insertText", text=QUESTION)
        assert not await page.js("document.getElementById('send').disabled")
        for kind in ("keyDown", "keyUp"):
            await page.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13)
        await page.until(f"{root}.scrollTop > 100 && {MID_ANSWER}")
        assert await page.js("document.getElementById('below').hidden")

        # As a finger does: again and again, until the page has noticed.
        await page.until(f"({root}.scrollTop = 20, !document.getElementById('below').hidden)")
        await page.until(READY)
        assert await page.js(f"{root}.scrollTop") == 20
        await page.js("document.getElementById('below').click()")
        assert await page.js(f"{root}.scrollHeight - {root}.clientHeight - {root}.scrollTop < 2")
        assert (await page.js("document.getElementById('status').textContent")).startswith("Answer complete: You asked")


@FRAMEWORKS
async def test_stop_keeps_what_had_come_in_every_tab(arguments: list[str], browser: Browser) -> None:
    async with worker("--port", "0", *arguments, delay=0.05) as web:
        page = await browser.page()
        await page.go(web.url)
        conversation = await ask(page, QUESTION)
        await page.until(MID_ANSWER)
        second = await browser.page()
        await second.go(await page.js("location.href"))
        await second.until(MID_ANSWER)
        await second.js("document.getElementById('stop').click()")
        said = None
        for tab in (page, second):
            await tab.until(READY)
            assert await tab.js("document.querySelector('.note').textContent") == "Stopped."
            assert await tab.js("document.querySelectorAll('.open, .problem:not([hidden])').length") == 0
            said = said or await web.said(conversation)
            assert await tab.js(SHOWN) == said
        await ask(page, "What time is it?")
        await page.until("document.querySelectorAll('.call[data-state=done]').length == 2")


async def test_what_fails_is_told_in_words(browser: Browser) -> None:
    async with worker("--port", "0", delay=0.0) as web:
        page = await browser.page()
        await page.go(web.url)
        await ask(page, "Break off.")
        await page.until(FAILED)
        assert (await page.js(PROBLEM)).startswith("The answer broke off.")
        assert (
            await page.js(SHOWN) == "This answer is about to break off, as if a cable had been pulled in the middle of"
        )

        await ask(page, "Fail.")
        refused = "document.getElementById('refused')"
        await page.until(f"!{refused}.hidden")
        assert (await page.js(f"{refused}.textContent")).startswith("The model failed.")
        # It may be sent again.
        assert await page.js("document.getElementById('question').value") == "Fail."
        assert await page.js("document.querySelectorAll('.turn').length") == 1
    await page.js("document.getElementById('send').click()")
    await page.until(f"{refused}.textContent.startsWith('The server cannot be reached.')")


@needs_redis
async def test_a_worker_that_was_killed_and_restarted_loses_nothing(browser: Browser, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    port = str(free_port())
    await redis.start()
    try:
        async with worker("--port", "0", "--redis", redis.url, delay=0.02) as producer:
            async with worker("--port", port, "--redis", redis.url) as first:
                told = await producer.ask(QUESTION)
                page = await browser.page()
                await page.go(f"{first.url}?c={told['id']}")
                await page.until(MID_ANSWER)
                await first.kill()
                await page.until(LOST)
            before = await page.js(SHOWN)

            async with worker("--port", port, "--redis", redis.url) as restarted:
                await page.until(READY)

                said = await restarted.said(told["id"])
                assert await page.js(SHOWN) == said
                assert 100 < len(before) < len(said)
                # Another worker than the first goes on with the conversation.
                await ask(page, BOOK)
                await page.until(ASKS)
                await page.js("document.querySelector('.allow').click()")
                await page.until(f"{SHOWN}.includes('booked, number 1')")
    finally:
        redis.kill()


@needs_redis
async def test_a_producer_that_was_killed_is_an_error_on_the_page(browser: Browser, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    await redis.start()
    try:
        async with worker("--port", "0", "--redis", redis.url, delay=0.02) as producer:
            async with worker("--port", "0", "--redis", redis.url) as reader:
                told = await producer.ask(QUESTION)
                page = await browser.page()
                await page.go(f"{reader.url}?c={told['id']}")
                await page.until(MID_ANSWER)
                await producer.kill()
                await page.until(FAILED)

                assert (await page.js(PROBLEM)).startswith("The answer broke off.")
                assert "(producer_lost)" in await page.js(PROBLEM)
                assert await page.js("document.querySelectorAll('.open').length") == 0
                # The conversation goes on, also for a page that looks at it now.
                await page.reload()
                await page.until(READY + " && " + FAILED)
                await ask(page, "What time is it?")
                await page.until("document.querySelectorAll('.call[data-state=done]').length == 2")
    finally:
        redis.kill()


async def test_a_conversation_in_the_memory_of_a_killed_worker_is_an_error_on_the_page(browser: Browser) -> None:
    port = str(free_port())
    async with worker("--port", port) as first:
        page = await browser.page()
        await page.go(first.url)
        await ask(page, QUESTION)
        await page.until(MID_ANSWER)
        await first.kill()
    async with worker("--port", port):
        await page.until(FAILED)

        assert (await page.js(PROBLEM)).startswith("The answer stops here.")
        assert "(cursor_gone)" in await page.js(PROBLEM)
        # What had come stays to be read.
        assert len(await page.js(SHOWN)) > 100
        await page.reload()
        await page.until("!document.getElementById('refused').hidden")
        assert "This conversation is not here any more." in await page.js("document.body.innerText")


async def test_the_page_fits_narrow_screens_and_both_schemes(browser: Browser) -> None:
    async with worker("--port", "0", delay=0.0) as web:
        page = await browser.page()
        for question, ready in ((None, "true"), (QUESTION, READY), (BOOK, ASKS)):
            await page.go(web.url)
            if question is not None:
                await ask(page, question)
            await page.until(ready)
            papers = []
            for scheme in ("light", "dark"):
                features = [{"name": "prefers-color-scheme", "value": scheme}]
                await page.call("Emulation.setEmulatedMedia", features=features)
                for width in (320, 390, 1280):
                    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
                    await page.call("Emulation.setDeviceMetricsOverride", **size)
                    root = "document.documentElement"
                    assert await page.js(f"{root}.scrollWidth <= {root}.clientWidth")
                papers.append(await page.js("getComputedStyle(document.body).backgroundColor"))

            assert papers[0] != papers[1]
