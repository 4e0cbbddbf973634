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
from asyncstream.examples.web.on_aiohttp import make_app
from asyncstream.examples.web.runs import TOOLS
from asyncstream.relay import MemoryStore, RedisStore, RunLog
from asyncstream.relay.log.store import Store
from asyncstream.server import CallFunction, RunCode, Say, Scenario, Segment, Turn, serve

__all__ = ["serve_web", "tell"]

_FINISH = 5.0
"""Seconds that runs have to come to their end at Ctrl-C."""


async def serve_web(
    terminal: Terminal, *, host: str, port: int, delay: float, redis: str | None = None, fastapi: bool = False
) -> None:
    """Serve the page until Ctrl-C or SIGTERM; runs that go on then have some seconds to come to their end.

    Args:
        terminal: Is told where.
        host: The address to listen on.
        port: 0 takes a free one.
        delay: Seconds between the events of a run.
        redis: The URL of a Redis that keeps the runs, for several of these processes; None: this process's memory.
        fastapi: Whether FastAPI under uvicorn serves it instead of aiohttp.web.

    Raises:
        CommandFailed: The port is taken, or a package is missing.
    """
    serving = _on_uvicorn if fastapi else _on_aiohttp
    scenario = Scenario(answer=tell, delay=delay)
    async with serve(scenario) as base_url, AsyncClient(api_key="demo", base_url=base_url) as client:
        assistant = await client.assistants.create(model="embedded-model", tools=TOOLS)
        async with RunLog(_store(redis)) as log, serving(client, assistant.id, log, host, port) as url:
            kept = "in this process" if redis is None else "in Redis"
            # The URL alone on the first line, for scripts. One write: who reads one line of it does no harm.
            terminal.write(f"{url}\nopen it in a browser; runs are kept {kept}, the model is {base_url}\n")
            interrupted = await until_stopped()
            await log.close(finish=_FINISH)
    if interrupted:
        terminal.leave()


def _store(redis: str | None) -> Store:
    return MemoryStore() if redis is None else RedisStore(redis)


@contextlib.asynccontextmanager
async def _on_aiohttp(client: AsyncClient, assistant_id: str, log: RunLog, host: str, port: int) -> AsyncIterator[str]:
    runner = web.AppRunner(make_app(client, assistant_id, log), access_log=None, shutdown_timeout=1.0)
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
async def _on_uvicorn(client: AsyncClient, assistant_id: str, log: RunLog, host: str, port: int) -> AsyncIterator[str]:
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

    app = on_fastapi.make_app(client, assistant_id, log)
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


def tell(segment: Segment) -> Turn:
    """Ask for the time first; when it has come, count the words of the question, and say what is being watched."""
    if not segment.results:
        return Turn(
            Say("I am a scripted model, so let me look at the clock before I say anything that sounds wise."),
            CallFunction("look_at_the_clock", {"why": "to show a tool call that your own code answers"}),
        )
    words = len(segment.question.split())
    code = f"question = {segment.question!r}\nwords = question.split()\nprint(len(words), 'words')"
    return Turn(
        RunCode(code, logs=f"{words} words\n"), Say(_ANSWER.format(words=words, clock=segment.results[-1].output))
    )


_ANSWER = """\
You asked that in {words} words. The clock said {clock}: that was a function of this web application, called by \
the model in mid-answer.

Here is what you are looking at. Your browser posted the question and got a name for it, nothing more. A background \
task in the web application opened the run, and writes every event of it into a log, numbered 1, 2, 3 and so on. \
Your page reads that log with an EventSource, which is a feature that browsers have had since about 2011.

So leave whenever you like. Reload this page now, and it will show what it missed and go on from there; nothing is \
lost and nothing comes twice. Open the link above in a second tab — both tabs will end with the same words, \
character for character: naïve café, 12 €, Ω ≠ ω, 😀.

Close all of them, and the run goes on without you. That is the difference from a stream that is tied to one \
connection: there, a train in a tunnel is a lost answer, and a paid one at that.

If the log is in Redis, the page can be served by any worker, and a worker may be stopped and started in the middle \
of this sentence. And if the very process that reads the run dies, you will not wait for ever: the page will say so.

That is all. Ask me something else — I will say much the same, but I will count your words again."""
