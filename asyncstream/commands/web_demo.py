"""``demo --web``: the browser example, with the embedded server behind it and a model that is worth watching.

Which framework serves it, and where runs are kept, are options; what is served is in `examples.web`.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

from aiohttp import web

from asyncstream.client import AsyncClient
from asyncstream.commands.command import CommandFailed
from asyncstream.commands.listening import cannot_listen, until_stopped
from asyncstream.commands.terminal import Terminal
from asyncstream.examples.web.conversations import InMemory, InRedis, ProtocolName
from asyncstream.examples.web.on_aiohttp import make_app
from asyncstream.examples.web.runs import Answers
from asyncstream.relay import MemoryStore, RedisStore, RunLog
from asyncstream.server import CallFunction, Cut, Fail, Say, Scenario, Segment, Think, Turn, serve

__all__ = ["serve_web", "tell"]


async def serve_web(
    terminal: Terminal,
    *,
    host: str,
    port: int,
    delay: float,
    redis: str | None = None,
    fastapi: bool = False,
    protocol: ProtocolName = "chat",
) -> None:
    """Serve the page until Ctrl-C or SIGTERM; runs that go on then have some seconds to come to their end.

    Args:
        terminal: Is told where.
        host: The address to listen on.
        port: 0 takes a free one.
        delay: Seconds between the events of a run.
        redis: The URL of a Redis that keeps runs and conversations, for several of these processes; None: this
            process's memory.
        fastapi: Whether FastAPI under uvicorn serves it instead of aiohttp.web.
        protocol: In which of OpenAI's protocols the page begins; it offers all three.

    Raises:
        CommandFailed: The port is taken, or a package is missing.
    """
    serving = _on_uvicorn if fastapi else _on_aiohttp
    scenario = Scenario(answer=tell, delay=delay)
    async with serve(scenario) as base_url, AsyncClient(api_key="demo", base_url=base_url, max_retries=0) as client:
        assistant = await client.assistants.create(model=_MODEL)
        # The log is first: it says what is wrong with a URL.
        log = RunLog(MemoryStore() if redis is None else RedisStore(redis))
        kept = InMemory() if redis is None else InRedis(redis)
        answers = Answers(client, log, kept=kept, model=_MODEL, assistant_id=assistant.id)
        try:
            async with serving(answers, host, port) as url:
                where = "in this process" if redis is None else "in Redis"
                asked = "" if protocol == "chat" else f"?protocol={protocol}"
                # The URL alone on the first line, for scripts. One write: who reads one line of it does no harm.
                terminal.write(f"{url}{asked}\nopen it in a browser; runs are kept {where}, the model is {base_url}\n")
                interrupted = await until_stopped()
                await answers.close()
        finally:
            await log.close()
    if interrupted:
        terminal.leave()


@contextlib.asynccontextmanager
async def _on_aiohttp(answers: Answers, host: str, port: int) -> AsyncIterator[str]:
    runner = web.AppRunner(make_app(answers), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise CommandFailed(cannot_listen(error, host, port)) from error
        yield _url(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _on_uvicorn(answers: Answers, host: str, port: int) -> AsyncIterator[str]:
    try:
        import uvicorn

        from asyncstream.examples.web import on_fastapi
    except ImportError as error:
        raise CommandFailed("--fastapi needs FastAPI and uvicorn: pip install fastapi uvicorn") from error

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            # Ctrl-C is taken outside, where the log is told first.
            yield

    app = on_fastapi.make_app(answers)
    server = Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    with _listener(host, port) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield _url(host, listener.getsockname()[1])
        finally:
            server.should_exit = True
            await serving


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise CommandFailed(cannot_listen(error, host, port)) from error


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


# What the embedded model does.

_MODEL = "embedded-model"


def tell(segment: Segment) -> Turn:
    """Do what the question sounds like: call tools, ask before it acts, break off, or explain the page."""
    asked = segment.question.lower()
    if "book" in asked or "table" in asked:
        return _book(segment)
    if "time" in asked or "clock" in asked:
        return _look_at_the_clocks(segment)
    if "break" in asked:
        half = "This answer is about to break off, as if a cable had been pulled in the middle of"
        return Turn(Say(half), Cut(), Say(" it."))
    if "fail" in asked:
        return Turn(Fail(message="The model has crashed."))
    words = len(segment.question.split())
    return Turn(
        *_thoughts(segment, "They want to know what they look at. First what the browser does, then the log."),
        Say(_ANSWER.format(words=words)),
    )


def _thoughts(segment: Segment, text: str) -> list[Think]:
    # A run of an assistant thinks in silence.
    return [] if segment.run.get("object") == "thread.run" else [Think(text)]


def _look_at_the_clocks(segment: Segment) -> Turn:
    if not segment.results:
        return Turn(
            *_thoughts(segment, "Two cities, two clocks. I can ask for both at once."),
            CallFunction("look_at_the_clock", {"city": "Tokyo"}),
            CallFunction("look_at_the_clock", {"city": "Nairobi"}),
        )
    tokyo, nairobi = (result.output for result in segment.results[:2])
    return Turn(Say(f"It is **{tokyo}** in Tokyo and **{nairobi}** in Nairobi."))


def _book(segment: Segment) -> Turn:
    if not segment.results:
        return Turn(
            *_thoughts(segment, "First see which tables are free. Booking one is for the user to allow."),
            CallFunction("find_tables", {"people": 2}),
        )
    if len(segment.results) == 1:
        return Turn(
            Say("There is a table for two at 20:00. Shall I take it?"),
            CallFunction("book_table", {"time": "20:00", "people": 2}),
        )
    output = segment.results[-1].output
    if output.startswith("Not"):
        return Turn(Say("All right, nothing was booked. There is also a table at 18:30, or a later one at 21:15."))
    return Turn(Say(f"Done: a table for two, tonight at 20:00 ({output}). Enjoy your evening!"))


_ANSWER = """\
You asked that in {words} words, so here is what you are looking at.

Your browser posted the question and got a name for the answer, nothing more. A background task in the web \
application asked the model, and writes every part of its answer into a log, numbered 1, 2, 3 and so on. Your page \
reads that log with an `EventSource`, which is a feature that browsers have had since about 2011.

**So leave whenever you like.** Reload this page now, and it will show what it missed and go on from there; nothing \
is lost and nothing comes twice. Open it in a second tab — both will end with the same words, character for \
character: naïve café, 12 €, Ω ≠ ω, 😀.

- Close all of them, and the answer goes on without you.
- Press *Stop* in any of them, and it stops in all.
- If the log is in Redis, any worker can serve the page, and any may be restarted in the middle of this sentence.

And what a model writes is only ever text here: <b>not bold</b>, <img src=x onerror=alert(1)> no picture, and no \
script runs.

That is the difference from a stream that is tied to one connection: there, a train in a tunnel is a lost answer, \
and a paid one at that. Ask me something else — to book a table, say, and I will ask you first."""
