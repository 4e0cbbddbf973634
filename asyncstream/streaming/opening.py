"""A request on its way, as a task of its stream: `Opening`. Cancelling a wait for its answer does not cancel it.

So a request that a server may have begun to answer is never sent again because a consumer's deadline was short. Above
it: the stream, which cancels it when it fails or is closed. It holds no reference to the stream, so that a stream that
is dropped can do so too.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from asyncstream.errors import ConfigurationError, StreamError, StreamInterruptedError
from asyncstream.transport.connections import running_loop
from asyncstream.transport.request import Request

if TYPE_CHECKING:
    from asyncstream.transport.live import LiveResponse

__all__ = ["Opening"]

A = TypeVar("A")


class Opening(Generic[A]):
    """A request that goes on with a stream.

    Attributes:
        request: What is sent.
        begin: Makes the accumulator of its answer, once that is here.
        broke: The break after which it goes on with the same answer; None if it asks for another answer.
    """

    __slots__ = ("_loop", "_task", "begin", "broke", "request")

    def __init__(
        self,
        opening: "Coroutine[Any, Any, LiveResponse]",
        request: Request,
        begin: Callable[[], A],
        *,
        broke: StreamError | None = None,
    ) -> None:
        """Send it: `opening` is what sends `request`."""
        self.request = request
        self.begin = begin
        self.broke = broke
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(opening)
        # It may fail while no task waits. The next step raises that, so asyncio need not warn that it was never seen.
        self._task.add_done_callback(_notice)

    @property
    def gone(self) -> bool:
        """Whether its event loop is closed, so that nothing can be waited for or let go."""
        return self._loop.is_closed()

    async def opened(self) -> "LiveResponse":
        """Wait for the open response. Cancelling it leaves the request on its way.

        Raises:
            StreamInterruptedError: The request was cancelled.
            AsyncStreamError: The request failed.
        """
        if not self._task.done():
            # What `asyncio.wait` does for one task, at half of its cost.
            waiter = self._loop.create_future()
            self._task.add_done_callback(partial(_end_wait, waiter))
            await waiter
        if self._task.cancelled():
            raise StreamInterruptedError("the request that goes on with this stream was cancelled")
        return self._task.result()

    def check_loop(self, what: str) -> None:
        """Refuse what must be done in the event loop of the request.

        Raises:
            ConfigurationError: Another event loop is running, or none.
        """
        if running_loop() is not self._loop:
            raise ConfigurationError(f"a stream is {what} in the event loop that opened it")

    async def close(self) -> None:
        """Cancel the request and wait until it has let go of its connection; an answer that has come is closed."""
        self._cancel()
        await asyncio.wait([self._task])

    def abandon(self) -> None:
        """Cancel it without waiting. From a finalizer too, so in any thread, and after the loop was closed."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        self._task.add_done_callback(_let_go)
        self._task.cancel()


def _end_wait(waiter: "asyncio.Future[None]", _: object) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _notice(task: "asyncio.Task[LiveResponse]") -> None:
    if not task.cancelled():
        task.exception()


def _let_go(task: "asyncio.Task[LiveResponse]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
