"""One question for all who ask the same at the same moment: `Sharing`. Above it: `redis_store`, whose readers come in
crowds. Below it: nothing.

Rule 1: an answer is shared only by those who asked before it was sent for, so nobody is told what is over already.
Rule 2: who leaves takes nothing from the others; with the last one the question is dropped.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Sharing"]

T = TypeVar("T")


class _Question(Generic[T]):
    """A question under way, and how many wait for its answer."""

    def __init__(self, task: "asyncio.Task[T]") -> None:
        self.task = task
        self.waiting = 0


class Sharing(Generic[T]):
    """The questions under way, by what they ask: `ask` sends one, or joins one that is not sent yet."""

    def __init__(self) -> None:
        # Those that others may still join.
        self._open: dict[Hashable, _Question[T]] = {}

    async def ask(self, key: Hashable, send: Callable[[Callable[[], None]], Awaitable[T]]) -> T:
        """Return the answer to a question, one's own or that of somebody who asks the same just now.

        Args:
            key: What is asked.
            send: Asks. It calls what it is given once nobody may join any more: right before it is sent.

        Raises:
            Exception: What `send` raises; each who shares the question gets a copy.
        """
        question = self._open.get(key)
        if question is None:
            task = asyncio.get_running_loop().create_task(self._send(key, send), name="asyncstream question")
            question = self._open[key] = _Question(task)
        task = question.task
        question.waiting += 1
        error: BaseException | None = None
        try:
            await asyncio.wait([task])
        finally:
            question.waiting -= 1
            if not question.waiting and not task.done():
                self._close(key, task)
                task.cancel()
                await asyncio.wait([task])
            if task.done() and not task.cancelled():
                error = task.exception()
        if error is not None:
            # One error raised in a thousand tasks would collect the traceback of each.
            raise copy.copy(error) from error
        return task.result()

    async def _send(self, key: Hashable, send: Callable[[Callable[[], None]], Awaitable[T]]) -> T:
        task = asyncio.current_task()
        try:
            return await send(lambda: self._close(key, task))
        finally:
            self._close(key, task)

    def _close(self, key: Hashable, task: "asyncio.Task[T] | None") -> None:
        question = self._open.get(key)
        if question is not None and question.task is task:
            del self._open[key]
