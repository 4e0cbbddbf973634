"""`useChat` itself in a real browser, with the example's page and backends: what its user sees, whatever happens."""

import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from chat_backends import FRAMEWORKS, backend
from chromium import Browser, Page, chromium, needs_chromium
from page_libraries import libraries
from programs import needed

import asyncstream
from asyncstream import AsyncClient
from asyncstream.server import CallFunction, Cut, Fault, Say, Scenario, Turn, serve

__all__ = ["libraries"]

pytestmark = [pytest.mark.system, needs_chromium, needed("npm")]

SOURCE = Path(asyncstream.__file__).parent / "examples" / "web" / "use_chat.jsx"
HTML = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><div id="root"></div>'
HTML += """<script>
  // What asks for the answer that goes on is held up, if a test wants that, until it says `go()`.
  const real = fetch;
  window.fetch = async (url, ...more) => {
    if (sessionStorage.hold && String(url).endsWith("/stream")) {
      await new Promise((go) => { window.go = go; document.body.dataset.held = "yes"; });
    }
    return real(url, ...more);
  };
</script>"""
HTML += '<script type="module" src="/use_chat.js"></script>'

STATUS = "document.querySelector('main')?.dataset.status"
READY = f"{STATUS} == 'ready'"
WORDS = "Array.from(document.querySelectorAll('.assistant p'), (one) => one.textContent)"
SECTIONS = "Array.from(document.querySelectorAll('section'), (one) => one.id)"
CARD = "document.querySelector('.tool output')?.textContent"
FAILED = "Array.from(document.querySelectorAll('.tool[data-state=output-error] output'), (one) => one.textContent)"
ALERT = "document.querySelector('[role=alert]')?.textContent"
LONG = " ".join(f"word{number}" for number in range(400))
MID_ANSWER = f"({WORDS}.at(-1) ?? '').includes('word20 ')"


@pytest.fixture(scope="session", params=[6, 7], ids=["ai6", "ai7"])
def script(request: pytest.FixtureRequest, libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the example's page, bundled with a version of the libraries."""
    folder = tmp_path_factory.mktemp("bundle")
    version = request.param
    command = [str(libraries / "node_modules/.bin/esbuild"), str(SOURCE), "--bundle", "--jsx=automatic", "--format=esm"]
    command += [f"--alias:ai=ai{version}", f"--alias:@ai-sdk/react=react{version}", f"--outfile={folder}/use_chat.js"]
    command += ["--log-level=warning", '--define:process.env.NODE_ENV="production"']
    paths = {**os.environ, "NODE_PATH": str(libraries / "node_modules")}
    done = subprocess.run(command, cwd=libraries, env=paths, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    return (folder / "use_chat.js").read_text()


@asynccontextmanager
async def served(framework: str, scenario: Scenario, script: str, redis: str | None = None) -> AsyncIterator[str]:
    """Serve an example with its page; give the URL."""
    files = {"/": ("text/html", HTML), "/use_chat.js": ("text/javascript", script)}
    async with serve(scenario) as upstream, AsyncClient(api_key="any", base_url=upstream, max_retries=0) as client:
        async with backend(framework, client, redis, files) as url:
            yield url


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as one:
        yield one


async def ask(page: Page, question: str) -> None:
    await page.until(f"{STATUS} == 'ready' || {STATUS} == 'error'")
    await page.js(f"document.querySelector('input').value = {json.dumps(question)}")
    await page.js("document.querySelector('form').requestSubmit()")
    await page.until(f"document.body.innerText.includes({json.dumps(question)})")


async def press(page: Page, label: str) -> None:
    button = f"Array.from(document.querySelectorAll('button')).find((one) => one.textContent == '{label}')"
    await page.until(button)
    await page.js(f"{button}.click()")


def asked(scenario: Scenario) -> list[Any]:
    """Return the messages of the last request."""
    body = scenario.requests[-1].body
    assert body is not None
    messages: Any = body["messages"]
    return list(messages)


each_framework = pytest.mark.parametrize("framework", FRAMEWORKS)


@each_framework
async def test_a_tool_shows_its_result_and_a_second_turn_goes_on(framework: str, script: str, browser: Browser) -> None:
    call = CallFunction("get_weather", {"city": "Oslo"})
    scenario = Scenario([Turn(Say("I look."), call), Turn(Say("Take a coat.")), Turn(Say("Bye."))])
    async with served(framework, scenario, script) as url:
        page = await browser.page()
        await page.go(url)
        await ask(page, "What to wear?")
        await page.until(f"{WORDS}.includes('Take a coat.') && {READY}")
        assert await page.js(CARD) == "18 degrees and sunny in Oslo"
        await ask(page, "Thanks")
        await page.until(f"{WORDS}.includes('Bye.') && {READY}")

        roles = [message["role"] for message in asked(scenario)]
        assert roles == ["user", "assistant", "tool", "assistant", "user"]
        await page.reload()
        await page.until(f"{WORDS}.length == 3 && {READY}")
        assert await page.js(WORDS) == ["I look.", "Take a coat.", "Bye."]
        assert await page.js(CARD) == "18 degrees and sunny in Oslo"
        assert await page.js(SECTIONS) == ["question-1", "answer-1", "question-2", "answer-2"]
        assert page.complaints == []


@each_framework
@pytest.mark.parametrize("word", ["Allow", "Deny"])
async def test_a_call_waits_for_the_word_of_the_user_over_a_reload(
    framework: str, word: str, script: str, browser: Browser
) -> None:
    scenario = Scenario([Turn(CallFunction("send_mail", {"to": "Ann", "text": "Hi"})), Turn(Say("Well."))])
    async with served(framework, scenario, script) as url:
        page = await browser.page()
        await page.go(url)
        await ask(page, "Write to Ann")
        await page.until(f"{CARD} == 'approval-requested' && {READY}")
        await page.reload()
        await press(page, word)
        await page.until(f"{WORDS}.includes('Well.') && {READY}")

        assert await page.js(CARD) == ("sent to Ann: Hi" if word == "Allow" else "output-denied")
        assert await page.js(SECTIONS) == ["question-1", "answer-1"]
        assert ("sent to Ann" in asked(scenario)[-1]["content"]) == (word == "Allow")
        assert page.complaints == []


@each_framework
async def test_a_reload_in_mid_answer_goes_on_with_the_same_message(
    framework: str, script: str, browser: Browser
) -> None:
    async with served(framework, Scenario([Turn(Say(LONG))], delay=0.005), script) as url:
        page = await browser.page()
        await page.go(url)
        await ask(page, "Tell me")
        await page.until(MID_ANSWER)
        before = await page.js(SECTIONS)
        await page.reload()
        await page.until(f"{MID_ANSWER} && {STATUS} == 'streaming'")
        await page.until(READY)

        assert await page.js(WORDS) == [LONG]
        assert (await page.js(SECTIONS))[-1] == before[-1] == "answer-1"
        assert page.complaints == []


@each_framework
async def test_an_answer_that_ends_while_the_page_is_loaded_again_is_shown_whole(
    framework: str, script: str, browser: Browser
) -> None:
    async with served(framework, Scenario([Turn(Say(LONG))], delay=0.005), script) as url:
        page = await browser.page()
        await page.go(url)
        await ask(page, "Tell me")
        await page.until(MID_ANSWER)
        await page.js("sessionStorage.hold = 'yes'")
        await page.reload()
        await page.until("document.body.dataset.held")
        # The page has read that it goes on. Now it comes to its end.
        kept = "(await (await real('/api/chats/' + location.hash.slice(1))).json())"
        await page.js(f"(async () => {{ while ({kept}.answering); }})()")
        await page.js("go()")
        await page.until(f"{WORDS}.length && {READY}")

        assert await page.js(WORDS) == [LONG]
        assert await page.js(SECTIONS) == ["question-1", "answer-1"]
        assert page.complaints == []


@each_framework
@pytest.mark.parametrize("word", ["Allow", "Deny"])
async def test_a_reload_after_the_word_keeps_what_stood_before_it(
    framework: str, word: str, script: str, browser: Browser
) -> None:
    mail = CallFunction("send_mail", {"to": "Ann", "text": "Hi"})
    scenario = Scenario([Turn(Say("I ask."), mail), Turn(Say(LONG))], delay=0.005)
    async with served(framework, scenario, script) as url:
        page = await browser.page()
        await page.go(url)
        await ask(page, "Write to Ann")
        await press(page, word)
        await page.until(MID_ANSWER)
        await page.reload()
        await page.until(f"{MID_ANSWER} && {STATUS} == 'streaming'")
        await page.until(READY)

        assert await page.js(WORDS) == ["I ask.", LONG]
        assert await page.js(CARD) == ("sent to Ann: Hi" if word == "Allow" else "output-denied")
        assert await page.js(SECTIONS) == ["question-1", "answer-1"]
        await page.reload()
        await page.until(f"{WORDS}.length == 2 && {READY}")
        assert await page.js(CARD) == ("sent to Ann: Hi" if word == "Allow" else "output-denied")
        assert page.complaints == []


@each_framework
async def test_a_tool_that_failed_is_shown_so_before_and_after_a_reload(
    framework: str, script: str, browser: Browser
) -> None:
    call = CallFunction("get_weather", {"town": "Oslo"})
    async with served(framework, Scenario([Turn(call), Turn(Say("Well."))]), script) as url:
        page = await browser.page()
        await page.go(url)
        await ask(page, "What to wear?")
        await page.until(f"{WORDS}.includes('Well.') && {READY}")
        live = await page.js(FAILED)
        await page.reload()
        await page.until(f"{WORDS}.includes('Well.') && {READY}")

        assert await page.js(FAILED) == live == [await page.js(CARD)]
        assert "town" in live[0]
        assert page.complaints == []


@each_framework
async def test_stop_ends_the_answer_and_what_was_said_stays(framework: str, script: str, browser: Browser) -> None:
    scenario = Scenario([Turn(Say(LONG * 20)), Turn(Say("Gladly."))], delay=0.005)
    async with served(framework, scenario, script) as url:
        page = await browser.page()
        await page.go(url)
        await ask(page, "Tell me")
        await page.until(MID_ANSWER)
        await press(page, "Stop")
        await page.until(READY)
        said = await page.js(WORDS)
        await ask(page, "Another")
        await page.until(f"{WORDS}.includes('Gladly.') && {READY}")

        assert [message["role"] for message in asked(scenario)] == ["user", "assistant", "user"]
        assert asked(scenario)[1]["content"] == said[0]
        assert said[0] in LONG * 20
        assert page.complaints == []


@each_framework
@pytest.mark.parametrize("how", ["fin", "rst", "eof"])
async def test_an_upstream_that_is_cut_is_an_error_and_never_ready(
    framework: str, how: Any, script: str, browser: Browser
) -> None:
    async with served(framework, Scenario([Turn(Say("Half of"), Cut(how=how))]), script) as url:
        page = await browser.page()
        await page.go(url)
        await ask(page, "Tell me")
        await page.until(ALERT)

        assert await page.js(STATUS) == "error"
        assert "Half of" in (await page.js(WORDS))[0]


@each_framework
async def test_a_refusal_is_said_in_words(framework: str, script: str, browser: Browser) -> None:
    async with served(framework, Scenario(responses=[Fault(429)]), script) as url:
        page = await browser.page()
        await page.go(url)
        await ask(page, "Tell me")
        await page.until(ALERT)

        assert await page.js(ALERT) == "The model cannot answer now. Try again."
        assert await page.js(STATUS) == "error"


@each_framework
async def test_another_session_sees_stops_and_decides_nothing(framework: str) -> None:
    mail = Turn(CallFunction("send_mail", {"to": "Ann", "text": "Hi"}, id="call_1"))
    async with served(framework, Scenario([mail, Turn(Say("Well."))]), "") as url:
        jars = [aiohttp.CookieJar(unsafe=True) for _ in range(2)]
        async with aiohttp.ClientSession(cookie_jar=jars[0]) as own, aiohttp.ClientSession(cookie_jar=jars[1]) as other:
            async with own.post(f"{url}api/chats", json={}) as response:
                chat = f"{url}api/chats/{(await response.json())['id']}"
            async with other.post(f"{url}api/chats", json={}) as response:
                assert response.status == 200
            question = {"role": "user", "parts": [{"type": "text", "text": "Write"}]}
            async with own.post(chat, json={"message": question}) as response:
                assert "tool-approval-request" in await response.text()
            word = {"id": "approve-call_1", "approved": True}
            part = {"type": "dynamic-tool", "toolName": "send_mail", "toolCallId": "call_1"}
            part |= {"state": "approval-responded", "approval": word, "input": {"to": "Ann", "text": "Hi"}}
            yes = {"message": {"role": "assistant", "parts": [part]}}
            forged = {"message": {"role": "assistant", "parts": [{**part, "input": {"to": "Eve", "text": "Hi"}}]}}
            words = {"message": {"role": "assistant", "parts": [{"type": "text", "text": "I promised."}]}}
            for session, method, where, body, status in [
                (other, "GET", "", None, 404),
                (other, "GET", "/stream", None, 404),
                (other, "POST", "/stop", {}, 404),
                (other, "POST", "", yes, 404),
                (own, "POST", "", forged, 400),
                (own, "POST", "", words, 400),
                (own, "POST", "", {}, 400),
                (own, "POST", "", yes, 200),
                (own, "POST", "", yes, 400),
                (own, "GET", "/stream", None, 204),
            ]:
                async with session.request(method, chat + where, json=body) as response:
                    assert (method, where, response.status) == (method, where, status)
                    await response.read()
            async with own.post(f"{chat}/stop", data="x") as response:
                assert response.status == 415
