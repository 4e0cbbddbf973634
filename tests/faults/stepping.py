"""Cancel a coroutine at one of its await points, as a task would be cancelled there; and look at what it leaves behind.

A coroutine is driven step by step and its suspensions are counted, so that every await point is met, and none by luck.
"""

import asyncio
import os
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from asyncstream import AsyncClient

__all__ = ["LateThreads", "Plan", "leftovers", "open_files", "outcome_of", "settled", "turns"]

T = TypeVar("T")

_TURNS = 200
"""Turns of the loop in which transports and cancelled tasks must be gone; they need three or four."""


@dataclass
class Plan:
    """When to cancel.

    Args:
        points: The suspensions at which to cancel, from 1.
        late: Whether to cancel when what is waited for has just come, in place of as soon as it is waited for.
    """

    points: frozenset[int]
    late: bool = False
    suspensions: int = 0
    hits: list[int] = field(default_factory=list)

    async def drive(self, coroutine: Awaitable[T]) -> T:
        """Await a coroutine, and cancel it where the plan says."""
        return await self._steps(coroutine)

    @types.coroutine
    def _steps(self, coroutine: Awaitable[T]) -> Generator[Any, None, T]:
        iterator = coroutine.__await__()
        resume: Callable[[], object] = partial(next, iterator)
        while True:
            try:
                awaited = resume()
            except StopIteration as stop:
                return stop.value
            self.suspensions += 1
            hit = self.suspensions in self.points
            if hit:
                self.hits.append(self.suspensions)
                if not self.late:
                    task = asyncio.current_task()
                    assert task is not None
                    # The task cancels what is yielded to it next.
                    task.cancel()
            error: BaseException | None = None
            try:
                yield awaited
            except BaseException as raised:
                error = raised
            if hit and self.late and not isinstance(error, asyncio.CancelledError):
                error = asyncio.CancelledError()
            resume = partial(next, iterator) if error is None else partial(iterator.throw, error)


class LateThreads(ThreadPoolExecutor):
    """An executor without threads, as the default of a loop: each function runs in the loop, some turns after its call.

    As in a thread, what was begun cannot be stopped: a cancelled caller is gone before its function has done anything.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        loop = asyncio.get_running_loop()

        def run(left: int) -> None:
            if left:
                loop.call_soon(run, left - 1)
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)

        run(3)
        return future


async def outcome_of(coroutine: Coroutine[Any, Any, T]) -> T | BaseException:
    """Run a coroutine in a task of its own; return its result, or what it raised."""
    task = asyncio.ensure_future(coroutine)
    await asyncio.wait([task])
    if task.cancelled():
        return asyncio.CancelledError()
    return task.exception() or task.result()


async def turns(count: int) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def settled(look: Callable[[], object]) -> Any:
    """Let the loop turn until a look shows nothing, or for long enough; return what it shows last."""
    for _ in range(_TURNS):
        if not look():
            break
        await asyncio.sleep(0)
    return look()


def leftovers(client: AsyncClient, before: set["asyncio.Task[Any]"]) -> list[object]:
    """Return the tasks that were begun since, apart from the server's, and the connections that a client has in use."""
    begun = asyncio.all_tasks() - before - {asyncio.current_task()}
    found: list[object] = [task for task in begun if not _is_servers(task)]
    sessions = client._connections._sessions
    for session in () if sessions is None else (sessions.pooled, sessions.unpooled):
        if session is not None and session.connector is not None:
            found += session.connector._acquired
    return found


def _is_servers(task: "asyncio.Task[Any]") -> bool:
    return getattr(task.get_coro(), "__qualname__", "").startswith("raw_server.")


def open_files() -> int:
    """Return how many file descriptors this process has open."""
    return len(os.listdir("/dev/fd"))
