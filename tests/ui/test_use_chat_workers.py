"""The `useChat` examples on two workers and one Redis: wherever a page comes back, asks again or stops, it is one."""

import asyncio
import random
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from assistants_wire import STREAM_HEAD, chunk, stream
from chat_backends import FRAMEWORKS, backend
from chat_wire import call, piece
from page_libraries import libraries, run_script
from programs import needed
from raw_server import Exchange, raw_server
from redis_server import RedisServer, needs_redis
from upstream_wire import CHAT_DONE, chunk_frame

from asyncstream import AsyncClient
from asyncstream.examples.web.chats import Chat, Chats, answer
from asyncstream.relay import RedisStore, RunLog
from asyncstream.server import CallFunction, Say, Scenario, Turn, serve
from benchmarks.free_ports import free_port

__all__ = ["libraries"]

pytestmark = [pytest.mark.system, needs_redis]

EVENTS = 2_000
DROPS = 40


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[str]:
    server = RedisServer(tmp_path)
    await server.start()
    try:
        yield server.url
    finally:
        server.kill()


@asynccontextmanager
async def two_workers(client: AsyncClient, redis: str) -> AsyncIterator[list[str]]:
    """Serve the example twice, each on a framework; give the URLs."""
    async with backend(FRAMEWORKS[0], client, redis) as one, backend(FRAMEWORKS[1], client, redis) as other:
        yield [one, other]


class Way:
    """The way from a page to one of the workers, on which answers are dropped in the middle.

    Attributes:
        said: How many events the model has said.
        drops: How many answers were dropped.
        workers: How many answers came from each worker.
    """

    def __init__(self, urls: list[str], chance: random.Random, *, spared: int) -> None:
        """Lead nowhere yet.

        Args:
            urls: The workers.
            chance: Where an answer is dropped.
            spared: How many answers come whole before those.
        """
        self.said = 0
        self.drops = 0
        self.workers = dict.fromkeys(urls, 0)
        self.moved = asyncio.Condition()
        self._chance = chance
        self._spared = spared
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Way":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._lead(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        url = self._chance.choice([*self.workers])
        there, to = await asyncio.open_connection("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", request)
            request += await reader.readexactly(int(length[1]) if length else 0)
            # One request a connection, so that each may come to another worker.
            to.write(re.sub(rb"(?i)connection: keep-alive", b"Connection: close", request, count=1))
            streams = re.match(rb"POST /api/chats/|GET \S+/stream ", request) is not None
            if streams:
                # Where it is dropped: among what was said when it came, which is what it gets in any case.
                stay = self._chance.randint(1, self.said or 1) if sum(self.workers.values()) >= self._spared else 0
                writer.write(await there.readuntil(b"\r\n\r\n"))
                async with self.moved:
                    self.workers[url] += 1
                    self.moved.notify_all()
                await self._send(there, writer, stay)
            else:
                await self._send(there, writer, 0)
        except (OSError, EOFError):
            pass
        finally:
            to.close()
            writer.close()

    async def _send(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, stay: int) -> None:
        """Send a body, up to some byte of an event if it is one that is dropped."""
        found = b""
        while data := await there.read(65536):
            found += data
            if stay and self.drops < DROPS and found.count(b'"text-delta"') >= stay:
                events = [match.end() for match in re.finditer(b'"text-delta"', found)]
                end = min(events[stay - 1] + self._chance.randrange(40), len(found))
                writer.write(found[len(found) - len(data) : end])
                await writer.drain()
                writer.transport.abort()
                async with self.moved:
                    self.drops += 1
                    self.moved.notify_all()
                return
            writer.write(data)
            await writer.drain()


@needed("npm")
@pytest.mark.parametrize("page", ["ai6", "ai7"])
@pytest.mark.parametrize("asks", [False, True], ids=["at once", "after a word"])
async def test_a_page_that_is_dropped_forty_times_has_the_whole_message_once(
    page: str, asks: bool, redis: str, libraries: Path
) -> None:
    words = [f"word{number} " for number in range(EVENTS)]
    each = EVENTS // (DROPS + 1)

    async def model(exchange: Exchange) -> None:
        if asks and exchange.number == 1:
            mail = call(0, '{"to": "Ann", "text": "Hi"}', "send_mail", "call_1")
            await stream(exchange, chunk_frame("I ask."), mail, piece(finish="tool_calls"), CHAT_DONE)
            return
        await exchange.send(STREAM_HEAD)
        for number, word in enumerate(words):
            if number % each == 0 and number:
                async with way.moved:
                    await way.moved.wait_for(lambda: way.drops >= min(way.said // each, DROPS))
            await exchange.send(chunk(chunk_frame(word)))
            way.said += 1
        async with way.moved:
            # Who comes back to an answer that is over gets nothing of it.
            await way.moved.wait_for(lambda: sum(way.workers.values()) > DROPS + asks)
        await exchange.send(chunk(chunk_frame("", "stop") + CHAT_DONE) + b"0\r\n\r\n")

    async with raw_server(model) as server, AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client:
        async with two_workers(client, redis) as urls, Way(urls, random.Random(7), spared=int(asks)) as way:
            began = time.monotonic()
            found = await run_script(libraries, "drops.mjs", page, way.url)
            lasted = time.monotonic() - began

    question, answer = found["messages"]
    *before, text = [part["text"] for part in answer["parts"] if part["type"] == "text"]
    print(
        f"\n{page}{', after a word' * asks}: {EVENTS} events, {way.drops} drops, {found['visits']} visits, "
        f"by worker {[*way.workers.values()]}, {lasted:.1f} s; whole: {text == ''.join(words)}, id {answer['id']}"
    )
    assert ("ready", None) == (found["status"], found.get("error"))
    assert ("user", "assistant", "answer-1") == (question["role"], answer["role"], answer["id"])
    assert "".join(words) == text
    assert (["I ask."] if asks else []) == before
    outputs = [part["output"] for part in answer["parts"] if "toolCallId" in part]
    assert (["sent to Ann: Hi"] if asks else []) == outputs
    assert (DROPS, DROPS + 1 + asks) == (way.drops, found["visits"])
    assert 0 not in way.workers.values()
    assert 1 + asks == len(server.requests)


def question(text: str) -> dict[str, Any]:
    return {"message": {"role": "user", "parts": [{"type": "text", "text": text}]}}


async def new_chat(session: aiohttp.ClientSession, url: str) -> str:
    """Begin a conversation at a worker; return its path."""
    async with session.post(f"{url}api/chats", json={}) as response:
        return f"api/chats/{(await response.json())['id']}"


async def test_each_turn_may_come_to_another_worker(redis: str) -> None:
    mail = Turn(CallFunction("send_mail", {"to": "Ann", "text": "Hi"}, id="call_1"))
    scenario = Scenario([mail, Turn(Say("Sent.")), Turn(Say("Gladly."))])
    jar = aiohttp.CookieJar(unsafe=True)
    async with serve(scenario) as upstream, AsyncClient(api_key="any", base_url=upstream) as client:
        async with two_workers(client, redis) as (one, other), aiohttp.ClientSession(cookie_jar=jar) as session:
            path = await new_chat(session, one)
            async with session.post(one + path, json=question("Write to Ann")) as response:
                assert "tool-approval-request" in await response.text()
            async with session.get(other + path) as response:
                kept = await response.json()
            (part,) = [part for part in kept["messages"][-1]["parts"] if "toolCallId" in part]
            assert ("approval-requested", False) == (part["state"], kept["answering"])
            part |= {"state": "approval-responded", "approval": {**part["approval"], "approved": True}}
            async with session.post(other + path, json={"message": kept["messages"][-1]}) as response:
                assert "sent to Ann: Hi" in await response.text()
            async with session.post(one + path, json=question("Thanks")) as response:
                assert "Gladly." in await response.text()
            async with session.post(one + path, json={"message": kept["messages"][-1]}) as response:
                assert 400 == response.status
            async with session.get(other + path) as response:
                texts = [message["parts"] for message in (await response.json())["messages"]]

    body: Any = scenario.requests[-1].body
    assert ["user", "assistant", "tool", "assistant", "user"] == [message["role"] for message in body["messages"]]
    assert ["Sent.", "Gladly."] == [part["text"] for parts in texts[1::2] for part in parts if part["type"] == "text"]


WORKER = """
import sys
from aiohttp import web
from asyncstream import AsyncClient
from asyncstream.examples.web.use_chat_on_aiohttp import make_app

upstream, redis, port = sys.argv[1:]
app = make_app(AsyncClient(api_key="any", base_url=upstream), redis)
web.run_app(app, host="127.0.0.1", port=int(port), print=None)
"""


@asynccontextmanager
async def worker_of_its_own(upstream: str, redis: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Serve the example in a process that can be killed; give the URL and the process."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, upstream, redis, str(port))
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
        yield f"http://127.0.0.1:{port}/", process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("reloads", [True, False])
async def test_a_conversation_goes_on_whose_worker_died_in_mid_answer(reloads: bool, redis: str) -> None:
    """Also if its page only asks, again and again."""

    async def model(exchange: Exchange) -> None:
        if exchange.number > 1:
            await stream(exchange, chunk_frame("Again."), chunk_frame("", "stop"), CHAT_DONE)
            return
        await exchange.send(STREAM_HEAD + chunk(chunk_frame("Once upon a ")))
        await exchange.gone()

    jar = aiohttp.CookieJar(unsafe=True)
    async with raw_server(model) as server, AsyncClient(api_key="any", base_url=server.url) as client:
        async with (
            worker_of_its_own(server.url, redis) as (doomed, process),
            backend(FRAMEWORKS[1], client, redis) as url,
            aiohttp.ClientSession(cookie_jar=jar) as session,
        ):
            path = await new_chat(session, url)
            async with session.post(doomed + path, json=question("Tell me")) as response:
                await response.content.readuntil(b'"text-delta"')
                process.kill()
                with pytest.raises(aiohttp.ClientPayloadError):
                    await response.read()
            async with session.post(url + path, json=question("Too early")) as response:
                early = response.status, await response.text()
            if reloads:
                async with session.get(f"{url}{path}/stream") as response:
                    told = await response.text()
                assert "Once upon a " in told
                assert '"type":"error"' in told
            again = early[1]
            async with asyncio.timeout(40):
                while again == early[1]:
                    async with session.post(url + path, json=question("Again, please")) as response:
                        again = await response.text()
            async with session.get(url + path) as response:
                kept = await response.json()

    assert (400, "the answer before goes on") == early
    assert "Again." in again
    assert ["user", "user", "assistant"] == [message["role"] for message in kept["messages"]]
    assert not kept["answering"]


async def test_a_post_that_is_cancelled_before_it_is_answered_leaves_the_conversation_as_it_was(redis: str) -> None:
    """Its page went away, on a framework that cancels then: the next post waits for nothing."""
    kept = asyncio.Event()

    class Slow(Chats):
        async def keep(self, chat: Chat) -> None:
            await super().keep(chat)
            if chat.answering:
                kept.set()
                await asyncio.sleep(60)

    scenario = Scenario([Turn(Say("Hello."))])
    async with serve(scenario) as upstream, AsyncClient(api_key="any", base_url=upstream) as client:
        async with RunLog(RedisStore(redis)) as log:
            chats = Slow(redis)
            id = await chats.create("Ann")
            before = await chats.find(id, "Ann")
            assert before is not None
            post = asyncio.create_task(answer(client, log, chats, before, question("Tell me")))
            await kept.wait()
            post.cancel()
            await asyncio.wait([post])
            after = await chats.find(id, "Ann")
            async with chats.claimed(id) as claimed:
                pass
            await chats.close()

    assert post.cancelled()
    assert before == after
    assert claimed
    assert [] == scenario.requests


async def test_a_claim_that_is_cancelled_before_it_is_answered_holds_up_nobody(redis: str) -> None:
    chats = Chats(redis)
    ask = chats._kept.set
    asked = asyncio.Event()

    async def unanswered(*args: Any, **options: Any) -> None:
        await ask(*args, **options)
        asked.set()
        await asyncio.sleep(60)

    async def claim() -> bool:
        async with chats.claimed("chat-1") as claimed:
            return claimed

    chats._kept.set = unanswered
    lost = asyncio.create_task(claim())
    await asked.wait()
    lost.cancel()
    await asyncio.wait([lost])
    chats._kept.set = ask
    async with chats.claimed("chat-1") as first:
        # Who does not have it takes it from nobody.
        others = [await claim(), await claim()]
    after = await claim()
    await chats.close()

    assert lost.cancelled()
    assert (True, [False, False], True) == (bool(first), [bool(one) for one in others], bool(after))


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_redis_that_is_away_is_said_in_words_and_nothing_is_asked(framework: str, tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    await server.start()
    scenario = Scenario([Turn(Say("Hello."))])
    jar = aiohttp.CookieJar(unsafe=True)
    try:
        async with serve(scenario) as upstream, AsyncClient(api_key="any", base_url=upstream) as client:
            async with (
                backend(framework, client, server.url) as url,
                aiohttp.ClientSession(cookie_jar=jar) as session,
            ):
                path = await new_chat(session, url)
                server.kill()
                found = []
                for method, where, body in [
                    ("POST", "api/chats", {}),
                    ("POST", path, question("Tell me")),
                    ("GET", path, None),
                    ("GET", f"{path}/stream", None),
                    ("POST", f"{path}/stop", {}),
                ]:
                    async with session.request(method, url + where, json=body) as response:
                        found.append((response.status, await response.text()))
                asked = len(scenario.requests)
                await server.start()
                async with session.post(url + path, json=question("Tell me")) as response:
                    again = await response.text()
    finally:
        server.kill()

    assert [(503, "The model cannot answer now. Try again.")] * 5 == found
    assert 0 == asked
    assert "Hello." in again


STOPS = 20


async def test_stop_at_another_worker_closes_the_upstream_as_soon_as_at_its_own(redis: str) -> None:
    left: asyncio.Queue[float] = asyncio.Queue()

    async def model(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD + chunk(chunk_frame("Half")))
        await exchange.gone()
        left.put_nowait(time.monotonic())

    async def stopped(session: aiohttp.ClientSession, asked: str, told: str) -> float:
        """Return the milliseconds from the post of Stop to the end of the connection to the model."""
        path = await new_chat(session, asked)
        async with session.post(asked + path, json=question("Tell me")) as response:
            await response.content.readuntil(b"Half")
            posted = time.monotonic()
            async with session.post(f"{told}{path}/stop", json={}) as stop:
                assert 204 == stop.status
            async with asyncio.timeout(20):
                took = (await left.get() - posted) * 1000
                assert b'"abort"' in await response.read()
        return took

    jar = aiohttp.CookieJar(unsafe=True)
    own: list[float] = []
    far: list[float] = []
    async with raw_server(model) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with two_workers(client, redis) as (one, other), aiohttp.ClientSession(cookie_jar=jar) as session:
            for number in range(STOPS + 1):
                asked, told = (one, other) if number % 2 else (other, one)
                own.append(await stopped(session, asked, asked))
                far.append(await stopped(session, asked, told))

    # The first of each is the warm-up.
    for name, times in (("its own", own[1:]), ("the other", far[1:])):
        print(
            f"\nStop at {name} worker, {len(times)} times: median {statistics.median(times):.1f} ms, "
            f"worst {max(times):.1f} ms, {sum(one <= 100 for one in times)} within 100 ms"
        )
    assert statistics.median(far[1:]) <= 5 * statistics.median(own[1:])
