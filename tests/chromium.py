"""A headless Chromium, driven over its DevTools websocket: open a page, look at it, wait for what it shows.

Source: https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from programs import needed, program

__all__ = ["Browser", "Page", "chromium", "needs_chromium"]

_PROGRAM = program("chromium", "chromium-browser", "google-chrome")

needs_chromium = needed(_PROGRAM)

_PATIENCE = 60.0
"""Seconds that a page has for what a test waits for."""

_WAIT = """new Promise((done) => {
  const look = () => { if (%s) { watcher.disconnect(); done(true); } };
  const watcher = new MutationObserver(look);
  watcher.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
  look();
})"""


class Page:
    """One tab.

    Attributes:
        complaints: What it wrote to its console as errors, uncaught exceptions and violations of its policy.
    """

    def __init__(self, browser: "Browser", session: str, target: str) -> None:
        self.complaints: list[str] = []
        self._browser = browser
        self._session = session
        self._target = target
        self._loaded = asyncio.Event()

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self._browser.call(method, parameters, self._session)

    async def go(self, url: str) -> None:
        """Open an address, and wait until it is loaded."""
        self._loaded.clear()
        said = await self.call("Page.navigate", url=url)
        assert "errorText" not in said, said
        await asyncio.wait_for(self._loaded.wait(), _PATIENCE)

    async def reload(self) -> None:
        self._loaded.clear()
        await self.call("Page.reload")
        await asyncio.wait_for(self._loaded.wait(), _PATIENCE)

    async def js(self, expression: str) -> Any:
        """Return the value of an expression, or of what it promises."""
        async with asyncio.timeout(_PATIENCE):
            said = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until a condition holds, which is looked at whenever the page changes."""
        try:
            await self.js(_WAIT % condition)
        except TimeoutError:
            text = await self.js("document.body.innerText")
            raise AssertionError(f"{condition} never came true on this page: {text}, {self.complaints}") from None

    async def shot(self) -> bytes:
        """Return what it looks like, all of its length, as a PNG."""
        said = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(said["data"])

    async def close(self) -> None:
        await self._browser.call("Target.closeTarget", {"targetId": self._target})

    def notice(self, method: str, parameters: dict[str, Any]) -> None:
        match method:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Runtime.exceptionThrown":
                self.complaints.append(str(parameters["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if parameters["type"] == "error":
                self.complaints.append(str(parameters["args"]))
            case "Log.entryAdded" if parameters["entry"]["level"] == "error":
                self.complaints.append(str(parameters["entry"]))


class Browser:
    """One process of Chromium."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}

    async def call(self, method: str, parameters: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._last += 1
        answer = self._answers[self._last] = asyncio.get_running_loop().create_future()
        message = {"id": self._last, "method": method, "params": parameters}
        await self._socket.send_json(message if session is None else {**message, "sessionId": session})
        return await answer

    async def page(self) -> Page:
        """Open a tab."""
        target = (await self.call("Target.createTarget", {"url": "about:blank"}))["targetId"]
        session = (await self.call("Target.attachToTarget", {"targetId": target, "flatten": True}))["sessionId"]
        page = self._pages[session] = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log"):
            await page.call(f"{domain}.enable")
        return page

    async def listen(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                answer = self._answers.pop(said["id"])
                if answer.done():
                    continue
                if "error" in said:
                    answer.set_exception(AssertionError(said["error"]))
                else:
                    answer.set_result(said["result"])
            elif said.get("sessionId") in self._pages:
                self._pages[said["sessionId"]].notice(said["method"], said["params"])
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(AssertionError("the browser has gone"))


@asynccontextmanager
async def chromium(directory: Path) -> AsyncIterator[Browser]:
    """Run a browser of its own, with its profile in a directory of the test."""
    options = ["--headless=new", "--remote-debugging-port=0", "--no-first-run", "--disable-gpu", "--lang=en"]
    options += ["--disable-dev-shm-usage", "--disable-background-networking", f"--user-data-dir={directory}"]
    if os.geteuid() == 0:
        # Its sandbox wants another user than root.
        options.append("--no-sandbox")
    process = await asyncio.create_subprocess_exec(
        _PROGRAM, *options, "about:blank", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_PATIENCE):
            while b"DevTools listening on " not in (line := await process.stderr.readline()):
                assert line, "the browser did not start"
        # What else it says must be read, or it would wait for that.
        draining = asyncio.create_task(process.stderr.read())
        async with aiohttp.ClientSession() as http:
            async with http.ws_connect(line.split()[-1].decode(), max_msg_size=0) as socket:
                browser = Browser(socket)
                listening = asyncio.create_task(browser.listen())
                try:
                    yield browser
                finally:
                    listening.cancel()
                    await asyncio.wait((listening,))
    finally:
        process.kill()
        await process.wait()
    await draining
