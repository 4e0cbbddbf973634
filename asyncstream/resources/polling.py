"""Poll: look at an object of the server again and again until it has ended. One loop for every ``*_and_poll``.

The loop ends: at an ending status, at its deadline, with the caller's cancellation, or when the server fails for good.
It knows statuses and waits; which object it watches, and how that is fetched or called off, is in the `Remote` that a
noun makes. Above it: the nouns. Below: the transport and its retry policy.

Rule 1: an object goes on only while its status is known to go on: a new ending status must not be waited on for ever.
Rule 2: what a poll has begun is not lost to a server that fails for a moment: failed looks follow the retry policy.
"""

import asyncio
import inspect
import math
import random
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from asyncstream.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    AsyncStreamError,
    ConfigurationError,
    PollTimeoutError,
)
from asyncstream.transport.http import Transport
from asyncstream.transport.request import HeaderValues, Request
from asyncstream.transport.retry import MAX_RETRY_AFTER, Failure, retry_delay

__all__ = ["PENDING", "Pace", "Remote", "Seen", "poll", "remote_object", "start_and_poll"]

T = TypeVar("T")

Seen: TypeAlias = tuple[T, Mapping[str, str]]
"""An object as one answer gave it, and the headers of the answer (case-insensitive)."""

PENDING = frozenset({"queued", "in_progress", "cancelling"})
"""The statuses of runs, vector stores, their files and file batches that do not last."""

_DEFAULT_INTERVAL_MS = 1000.0
"""Where neither the caller nor the server says more; openai-python's too."""

_MAX_INTERVAL_MS = MAX_RETRY_AFTER * 1000
"""What a server may ask for; a longer wait is a mistake of its clock or its units."""

_JITTER = 0.25
"""The part of an interval that chance may add, so that polls that began together do not stay together.

It is never taken off: the interval is what the server, or the caller, has set as the least.
"""

_MAX_FAILED_LOOKS = 4
"""How many looks in a row may fail, each after the client's own retries: with the policy's waits, at least 15 s."""

_CANCEL_SECONDS = 5.0
"""How long a cancelled task may still take to call off what it has begun."""

_POLL_HEADERS: HeaderValues = {"X-Stainless-Poll-Helper": "true"}
"""How OpenAI's own clients mark the request of a poll, which is what `openai-poll-after-ms` is for."""

_FOREVER = 1e15
"""More of any unit is a mistake; it also keeps an integer from overflowing a float."""

_MILLISECONDS = r"(?a)\d{1,12}(?:\.\d{1,6})?"


class Pace(Generic[T]):
    """How an object is polled: how often, how long, and what is told or called off meanwhile.

    Make it before the first request, so that a wrong argument is an error before anything is begun.

    Args:
        poll_interval_ms: Milliseconds between two looks; None takes what the server's last answer asks for
            (``openai-poll-after-ms``), else 1,000. Up to a quarter is added at random.
        poll_timeout: Seconds until `PollTimeoutError`; None polls until the object has ended.
        on_poll: Called with the object after each look; if it gives an awaitable, that is awaited.
        cancel_remote: Whether the object is called off on the server when the task that polls is cancelled.
        pending: The statuses with which the object goes on.
        sleep: Waits for some seconds. For tests, as the two below.
        chance: Gives a random number from 0 to 1.
        clock: Gives seconds that only go forward.

    Raises:
        ConfigurationError: The interval or the deadline is negative or not finite, or `on_poll` cannot be called.
    """

    def __init__(
        self,
        *,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[T], object] | None = None,
        cancel_remote: bool = False,
        pending: Collection[str] = PENDING,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if on_poll is not None and not callable(on_poll):
            raise ConfigurationError(f"on_poll must be callable: {on_poll!r}")
        self.interval_ms = _checked(poll_interval_ms, "poll_interval_ms", "milliseconds")
        self.timeout = _checked(poll_timeout, "poll_timeout", "seconds")
        self.on_poll = on_poll
        self.cancel_remote = cancel_remote
        self.pending = pending
        self.sleep = sleep
        self.chance = chance
        self.clock = clock

    def interval(self, headers: Mapping[str, str]) -> float:
        """Return the seconds until the next look, after an answer with these headers."""
        milliseconds = self.interval_ms
        if milliseconds is None:
            milliseconds = _asked_ms(headers) or _DEFAULT_INTERVAL_MS
        return milliseconds / 1000 * (1 + _JITTER * self.chance())

    async def tell(self, seen: T) -> None:
        """Report an object to the caller."""
        if self.on_poll is not None:
            result = self.on_poll(seen)
            if inspect.isawaitable(result):
                await result


class Remote(Struct, Generic[T], frozen=True):
    """An object on the server, as a poll sees it."""

    look: Callable[[], Awaitable[Seen[T]]]
    """Fetches it as it is now."""
    cancel: Callable[[], Awaitable[object]] | None = None
    """Calls it off; None if that cannot be done."""


def remote_object(
    transport: Transport,
    type: type[T],
    look: Request,
    cancel: Request | None = None,
    decode: Callable[[bytes], T] | None = None,
) -> Remote[T]:
    """Return the object that two requests fetch and call off; `decode` reads it, where its type does not say how."""
    marked = msgspec.structs.replace(look, endpoint_headers={**look.endpoint_headers, **_POLL_HEADERS})
    return Remote(
        look=lambda: transport.send_with_headers(marked, type, decode),
        cancel=None if cancel is None else lambda: transport.send(cancel, type, decode),
    )


async def start_and_poll(start: Callable[[], Awaitable[Seen[T]]], follow: Callable[[T], Remote[T]], pace: Pace[T]) -> T:
    """Begin something and poll it to its end.

    The deadline counts from the answer to the first request, which has its own `timeout`. With `cancel_remote`, a task
    that is cancelled during that request waits a little for its answer: without the id nothing can be called off.

    Args:
        start: Sends the request that begins it; sent once, whatever happens.
        follow: Gives the object to watch for the first answer.
        pace: How to poll.

    Raises:
        PollTimeoutError: The deadline passed.
        APIResponseValidationError: The first answer has no id to look for.
        APIError: A request failed; the subclass says how.
    """
    first = await (_started(start, follow) if pace.cancel_remote else start())
    try:
        remote = follow(first[0])
    except ConfigurationError as error:
        # Ids that cannot be sent, but the server's and not the caller's.
        raise APIResponseValidationError(f"what the server began cannot be polled: {error}") from error
    return await poll(remote, pace, first=first)


async def poll(remote: Remote[T], pace: Pace[T], *, first: Seen[T] | None = None) -> T:
    """Look at an object until its status is none that goes on, and return it.

    The deadline also ends a look that is under way. No look begins after it.

    Args:
        remote: What to look at.
        pace: How to poll.
        first: What an answer has just shown, if there was one; None begins with a look.

    Raises:
        PollTimeoutError: The deadline passed.
        APIError: A look failed, and the looks after it too, or for a reason that does not pass.
    """
    try:
        return await _watch(remote, pace, first)
    except asyncio.CancelledError as cancelled:
        if pace.cancel_remote and remote.cancel is not None:
            await _call_off(remote.cancel, cancelled)
        raise


async def _watch(remote: Remote[T], pace: Pace[T], seen: Seen[T] | None) -> T:
    end = math.inf if pace.timeout is None else pace.clock() + pace.timeout
    last: T | None = None
    looks = failed = 0
    while True:
        if seen is None:
            looks += 1
            outcome = await _look(remote, None if pace.timeout is None else end - pace.clock())
            if outcome is None:
                break
        else:
            outcome, seen = seen, None
        if isinstance(outcome, APIError):
            again = _delay_after(outcome, failed, begun=last is not None, chance=pace.chance())
            if again is None:
                outcome.add_note(f"while polling {_described(last)}")
                raise outcome
            failed += 1
            delay = again
        else:
            last, headers = outcome
            await pace.tell(last)
            if getattr(last, "status", None) not in pace.pending:
                return last
            failed = 0
            delay = pace.interval(headers)
        left = end - pace.clock()
        await pace.sleep(max(0.0, min(delay, left)))
        if delay >= left:
            break
    raise PollTimeoutError(
        f"{_described(last)} has not ended within {pace.timeout or 0:g} s, after {looks} looks; it goes on", last=last
    )


async def _look(remote: Remote[T], within: float | None) -> Seen[T] | APIError | None:
    """Return what a look shows, or how it failed; None if it took longer than so many seconds."""
    scope = asyncio.timeout(within)
    try:
        async with scope:
            return await remote.look()
    except APIError as error:
        # First: one that took too long by its own deadline is a `TimeoutError` too, and is tried again.
        return error
    except TimeoutError:
        if not scope.expired():
            raise
        return None


def _delay_after(error: APIError, failed: int, *, begun: bool, chance: float) -> float | None:
    """Return the seconds until the look after one that failed; None if there is none.

    Args:
        error: How it failed, after all retries of its own.
        failed: How many looks in a row had failed before.
        begun: Whether the object was seen before: only then there is something to lose.
        chance: A random number from 0 to 1.
    """
    if isinstance(error, APIConnectionError):
        # Also a broken body, whose status was good. A server that was never there is a wrong address.
        failure = Failure(kind="disconnected" if begun else "final")
    else:
        failure = Failure(status=error.status, headers=error.headers or {})
    return retry_delay(
        failure, method="GET", retries=failed, max_retries=_MAX_FAILED_LOOKS, now=time.time(), chance=chance
    )


async def _started(start: Callable[[], Awaitable[Seen[T]]], follow: Callable[[T], Remote[T]]) -> Seen[T]:
    """Await `start`; if this task is cancelled meanwhile, call off what has begun."""
    task = asyncio.ensure_future(start())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as cancelled:
        try:
            await asyncio.wait((task,), timeout=_CANCEL_SECONDS)
            if task.done() and not task.cancelled() and task.exception() is None:
                cancel = follow(task.result()[0]).cancel
                if cancel is not None:
                    await _call_off(cancel, cancelled)
        finally:
            # Its end is waited for: a cancelled poll leaves no task and no connection behind.
            task.cancel()
            await asyncio.wait((task,))
        raise


async def _call_off(cancel: Callable[[], Awaitable[object]], cancelled: asyncio.CancelledError) -> None:
    try:
        async with asyncio.timeout(_CANCEL_SECONDS):
            await cancel()
    except (AsyncStreamError, TimeoutError) as error:
        # The cancellation goes on all the same; a note is all that can be added to it.
        cancelled.add_note(f"what was polled could not be called off on the server: {error!r}")


def _asked_ms(headers: Mapping[str, str]) -> float | None:
    """Return the milliseconds that the server asks to wait; None if it asks for nothing that can be read."""
    text = headers.get("openai-poll-after-ms", "").strip()
    return min(float(text), _MAX_INTERVAL_MS) if re.fullmatch(_MILLISECONDS, text) else None


def _described(seen: object) -> str:
    if seen is None:
        return "an object that was not seen yet"
    return f"{getattr(seen, 'id', '')!r} (last seen as {getattr(seen, 'status', '')!r})"


def _checked(value: object, name: str, unit: str) -> float | None:
    if value is None:
        return None
    # bool is an int: `poll_timeout=True` is a mistake, not a second.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _FOREVER:
        raise ConfigurationError(f"{name} must be a finite number of {unit} that is not negative: {value!r}")
    return float(value)
