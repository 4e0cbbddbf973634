"""Where whoever reads a stream waits for more of it, again and again: `Arrival`, which resumes it without a detour.

A task that waits for a future goes on one turn of the event loop after the future is set, and that turn costs as much
as all else that is done for a live event. An arrival has what a task asks of a future, and resumes the task in the
midst of the callback that brings the bytes. It knows nothing of bytes; above it are `transport.tap` and
`transport.live`.

Rule 1: whoever calls `wake` does nothing after it. Rule 2: whoever waits looks again at what it waits for: to be woken
says nothing. Rule 3: it holds nothing of whoever was woken or cancelled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextvars import Context, copy_context
from typing import Any, Final

__all__ = ["Arrival"]


class Arrival(Awaitable[None]):
    """What a reader awaits, as often as it likes."""

    __slots__ = ("_asyncio_future_blocking", "_at_once", "_come", "_loop", "_waiting", "get_loop")

    get_loop: Callable[[], asyncio.AbstractEventLoop]
    """Returns the event loop of the tasks that may wait here."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make one for the tasks of an event loop."""
        self._asyncio_future_blocking = False
        self._loop: Final = loop
        # In debug mode asyncio names the tasks that take long; so each runs in a callback of its own.
        self._at_once: Final = not loop.get_debug()
        # Hardly ever more than one, and ten thousand streams have a list each: a deque would be ten times as large.
        self._waiting: list[tuple[Callable[[Any], object], Context]] = []
        # What whoever is woken is given in place of this: it is done.
        self._come: Final[asyncio.Future[None]] = loop.create_future()
        self._come.set_result(None)
        # Asked for each time that a task waits: one that is no Python is cheaper.
        self.get_loop = self._come.get_loop

    @property
    def awaited(self) -> bool:
        """Whether anything waits here, and was not woken yet."""
        return bool(self._waiting)

    def wake(self) -> None:
        """Resume what waits here, the first of it at once where no task is running, else as a future would.

        It may then do anything, also close what called this.
        """
        waiting = self._waiting
        if not waiting:
            return
        if not self._at_once or asyncio.current_task(self._loop) is not None:
            self.wake_soon()
            return
        resume, context = waiting.pop(0)
        if waiting:
            self.wake_soon()
        try:
            context.run(resume, self._come)
        except (SystemExit, KeyboardInterrupt) as error:
            # They end the loop. Out of a protocol they would end the connection, on some loops that alone.
            self._loop.call_soon(_leave, error)
        except BaseException as error:
            # What asyncio does with what comes out of a callback. Nothing else comes out of a task.
            self._loop.call_exception_handler({"message": f"Exception in callback {resume!r}", "exception": error})

    def wake_soon(self) -> None:
        """Resume what waits here in a callback of its own, after whatever is due in the loop already."""
        self._resume_with(self._come)

    def _resume_with(self, outcome: "asyncio.Future[None]") -> None:
        while self._waiting:
            resume, context = self._waiting.pop(0)
            self._loop.call_soon(resume, outcome, context=context)

    # What a task asks of a future.

    def __await__(self) -> Generator[Any, None, None]:
        self._asyncio_future_blocking = True
        # The cheapest that gives itself once and then ends; what is thrown is raised where it is awaited.
        return iter((self,))  # type: ignore[return-value]  # all that `await` wants is an iterator

    def done(self) -> bool:
        """Return False: it can always be waited for."""
        return False

    def result(self) -> None:
        """Refuse to be looked at in place of being waited for.

        Raises:
            asyncio.InvalidStateError: Always.
        """
        raise asyncio.InvalidStateError("an arrival is never done")

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Call back once, with a future that is done, when it is woken or cancelled."""
        self._waiting.append((callback, copy_context() if context is None else context))

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """Do not call back; return how many times it would have been."""
        left = [entry for entry in self._waiting if entry[0] != callback]
        removed = len(self._waiting) - len(left)
        self._waiting = left
        return removed

    def cancel(self, msg: object = None) -> bool:
        """Let what waits here meet a cancellation, a turn later; return whether anything waits."""
        if not self._waiting:
            return False
        cancelled: asyncio.Future[None] = self._loop.create_future()
        cancelled.cancel(msg)
        self._resume_with(cancelled)
        return True


def _leave(error: BaseException) -> None:
    raise error
