"""The runs that are not over yet, the tasks that drive them and the streams that they fill; all end with the server."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable

from asyncstream.server.assistants.live_run import LiveRun
from asyncstream.server.problems import WireError
from asyncstream.server.scenario import Scenario
from asyncstream.server.state import RunRecord, ThreadRecord
from asyncstream.server.streams import StreamBody

__all__ = ["Engine"]


class Engine:
    """Starts, finds and stops runs."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._live: dict[str, LiveRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # Weak: a body that was sent is held by nobody.
        self._bodies: weakref.WeakSet[StreamBody] = weakref.WeakSet()

    def add(self, thread: ThreadRecord, record: RunRecord) -> LiveRun:
        """Put a new, queued run into its thread and return its driver, which waits for `begin`."""
        run_id = record.wire["id"]
        thread.runs[run_id] = record
        live = self._live[run_id] = LiveRun(
            thread,
            record,
            scenario=self._scenario,
            spawn=self._spawn,
            on_over=self._over,
        )
        return live

    def find(self, record: RunRecord) -> LiveRun:
        """Return the driver of a run.

        Raises:
            WireError: 400 for a run that is over.
        """
        try:
            return self._live[record.wire["id"]]
        except KeyError:
            raise WireError(400, f"The run is over: its status is '{record.wire['status']}'.") from None

    def open_body(self) -> StreamBody:
        """Return a new stream, cut as the scenario says, which is dropped if the server shuts down meanwhile."""
        body = StreamBody()
        cut = self._scenario.next_cut()
        if cut is not None:
            body.cut(cut)
        self._bodies.add(body)
        return body

    def drop(self, thread: ThreadRecord) -> None:
        """Stop the runs of a thread that was deleted."""
        for run_id in thread.runs:
            if run_id in self._live:
                self._live[run_id].forget()

    async def close(self) -> None:
        """Drop all streams and stop all runs; when it returns, no task is left."""
        for body in list(self._bodies):
            body.abort()
        for live in list(self._live.values()):
            live.forget()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _over(self, run_id: str) -> None:
        self._live.pop(run_id, None)

    def _spawn(self, act: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        # Takes a function: a coroutine whose task is cancelled before its first step would warn.
        async def acting() -> None:
            await act()

        task = asyncio.create_task(acting())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
