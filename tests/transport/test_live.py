"""The live byte source over a body that the test feeds: who is woken when, and that nothing is left behind."""

import asyncio
import gc
import gzip
import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from asyncstream.errors import StreamInterruptedError, StreamTimeoutError
from asyncstream.transport import codings, fairness
from asyncstream.transport import live as live_module
from asyncstream.transport.live import LiveResponse


class Body:
    """A body as aiohttp gives it: `readany` waits on a future, which is set when bytes come."""

    total_bytes = 0

    def __init__(self) -> None:
        self.buffer: list[bytes] = []
        self.waiter: asyncio.Future[None] | None = None
        self.ended = False
        self.broken: Exception | None = None

    def is_eof(self) -> bool:
        return False  # so that it is awaited

    async def readany(self) -> bytes:
        while not self.buffer and not self.ended:
            if self.broken is not None:
                raise self.broken
            assert self.waiter is None, "two readers"
            self.waiter = asyncio.get_running_loop().create_future()
            try:
                await self.waiter
            finally:
                self.waiter = None
        chunk = b"".join(self.buffer)
        self.buffer.clear()
        return chunk

    def feed(self, chunk: bytes) -> None:
        self.buffer.append(chunk)
        self.wake()

    def end(self) -> None:
        self.ended = True
        self.wake()

    def break_off(self, error: Exception) -> None:
        self.broken = error
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_exception(error)

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


def live_over(body: Body, event_timeout: float | None = None, **headers: str) -> LiveResponse:
    given = CIMultiDict[str]({name.replace("_", "-"): value for name, value in headers.items()})
    response: Any = SimpleNamespace(
        status=200, headers=given, content=body, connection=None, closed=False, close=lambda: None
    )
    return LiveResponse(response, event_timeout=event_timeout, total_deadline=None, max_event_bytes=1000)


async def test_bytes_that_were_there_are_queued_at_once() -> None:
    body = Body()
    body.feed(b"data: 1\n\n")
    body.end()
    live = live_over(body)
    assert live.ended
    assert live.take() == [b"data: 1"]


async def test_whoever_waits_is_woken_in_the_turn_in_which_the_bytes_are_queued() -> None:
    body = Body()
    live = live_over(body)
    seen: list[list[bytes] | None] = []

    async def consume() -> None:
        await live.wait()
        seen.append(live.take())

    consumer = asyncio.create_task(consume())
    await asyncio.sleep(0)
    body.feed(b"data: 1\n\n")
    await asyncio.sleep(0)
    assert seen == [[b"data: 1"]]
    await consumer
    live.close()


@pytest.mark.parametrize("wait", ["wait", "finish"])
async def test_bytes_that_came_in_this_turn_of_the_loop_are_not_waited_for(wait: str) -> None:
    body = Body()
    live = live_over(body)
    body.feed(b"data: 1\n\n")
    body.end()
    # The future is set and nobody was told yet: a wait that only awaited it would spin for ever.
    async with asyncio.timeout(1):
        await getattr(live, wait)()
    assert live.take() == [b"data: 1"]
    assert live.ended
    live.close()


async def test_a_cancelled_wait_loses_nothing_and_reading_goes_on() -> None:
    body = Body()
    live = live_over(body)
    for number in range(3):
        consumer = asyncio.create_task(live.wait())
        await asyncio.sleep(0)
        if number % 2:
            body.feed(b"data: %d\n\n" % number)  # the bytes and the cancellation in one turn
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)
        assert consumer.cancelled() or number % 2
        if not number % 2:
            body.feed(b"data: %d\n\n" % number)
        await live.wait()
        assert live.take() == [b"data: %d" % number]
    live.close()


async def test_a_broken_body_is_the_failure_and_wakes_whoever_waits() -> None:
    body = Body()
    live = live_over(body)
    consumer = asyncio.create_task(live.wait())
    await asyncio.sleep(0)
    body.break_off(ConnectionResetError("gone"))
    await consumer
    assert live.ended
    assert isinstance(live.failure, StreamInterruptedError)
    assert isinstance(live.failure.__cause__, ConnectionResetError)


async def test_the_deadline_wakes_whoever_waits_and_reading_goes_on() -> None:
    body = Body()
    live = live_over(body, event_timeout=0.01)
    live.restart_deadline()
    with pytest.raises(StreamTimeoutError, match=r"no event within 0\.01 s"):
        await live.wait()
    body.feed(b"data: 1\n\n")
    live.restart_deadline()
    await live.wait()
    assert live.take() == [b"data: 1"]
    live.close()


async def test_closing_wakes_whoever_waits_and_leaves_no_reader() -> None:
    body = Body()
    live = live_over(body)
    consumer = asyncio.create_task(live.wait())
    await asyncio.sleep(0)
    live.close()
    await consumer
    assert live.ended
    assert body.waiter is None
    body.feed(b"data: late\n\n")
    await asyncio.sleep(0)
    assert live.take() is None


async def test_a_failure_that_comes_with_the_closing_is_not_told_by_asyncio() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    body = Body()
    live = live_over(body)
    body.break_off(ConnectionResetError("gone"))
    live.close()
    del live, body
    await asyncio.sleep(0)
    gc.collect()
    assert told == []


# What came at once is taken in pieces.


def sizes(live: LiveResponse) -> list[int]:
    taken: list[int] = []
    while (frames := live.take()) is not None:
        taken.append(len(frames))
    return taken


@pytest.mark.parametrize("left", [0, 1, 2])
async def test_bytes_of_one_read_are_taken_in_pieces(left: int) -> None:
    body = Body()
    body.feed(b"\n" * (2 * codings.PIECE + left))
    body.end()
    live = live_over(body)

    assert [size for size in sizes(live) if size] == [codings.PIECE // 2] * 2 + [1] * (left == 2)


async def test_what_comes_out_of_a_coding_is_taken_in_pieces() -> None:
    body = Body()
    body.feed(gzip.compress(b": x\n\n" * 1_000_000))
    body.end()
    taken = sizes(live_over(body, content_encoding="gzip"))

    assert sum(taken) == 1_000_000
    assert max(taken) <= codings.PIECE // 5 + 1


async def test_members_of_a_coding_that_hold_nothing_are_taken_in_pieces_too() -> None:
    body = Body()
    body.feed(gzip.compress(b"") * 10_000 + gzip.compress(b"data: 1\n\n"))
    body.end()
    taken = sizes(live_over(body, content_encoding="gzip"))

    assert sum(taken) == 1
    assert len(taken) > 10_000 * len(gzip.compress(b"")) / codings.PIECE


# A deadline while others have their turn.


@pytest.fixture
def always_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which every turn is over once it is looked at."""
    seconds = itertools.count()
    monkeypatch.setattr(fairness, "monotonic", lambda: next(seconds))


@pytest.mark.usefixtures("always_over")
async def test_comments_that_come_faster_than_they_are_read_do_not_put_the_deadline_off() -> None:
    body = Body()
    body.feed(gzip.compress(b": x\n\n" * 1_000_000))
    live = live_over(body, event_timeout=0.0, content_encoding="gzip")
    live.restart_deadline()
    taken = 0
    with pytest.raises(StreamTimeoutError, match=r"no event within 0 s"):
        while (frames := live.take()) is not None:
            taken += 5 * len(frames)
            await live.give_way()

    assert live_module.QUEUE_HIGH - 10 < taken <= live_module.QUEUE_HIGH + codings.PIECE
    assert live.take() is None, "what was left is dropped"
    live.close()


@pytest.mark.usefixtures("always_over")
@pytest.mark.parametrize("event_timeout", [0.0, 60.0, None])
async def test_what_was_here_before_the_deadline_is_taken_after_it(event_timeout: float | None) -> None:
    body = Body()
    body.feed(b"data: 1\n\n" * 10)
    live = live_over(body, event_timeout=event_timeout)
    live.restart_deadline()
    await live.give_way()

    assert live.take() == [b"data: 1"] * 10
    await live.give_way()
    live.close()


@pytest.mark.usefixtures("always_over")
async def test_deadline_that_is_counted_anew_counts_the_bytes_anew() -> None:
    body = Body()
    body.feed(gzip.compress(b": x\n\n" * 1_000_000))
    body.end()
    live = live_over(body, event_timeout=0.0, content_encoding="gzip")
    while live.take() is not None:
        live.restart_deadline()
        await live.give_way()
    live.close()


async def test_turn_begins_anew_after_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(fairness, "monotonic", lambda: now[0])
    body = Body()
    live = live_over(body)
    now[0] = 10.0
    assert live.turn.over()
    waiting = asyncio.create_task(live.wait())
    await asyncio.sleep(0)
    body.feed(b"data: 1\n\n")
    await waiting

    assert not live.turn.over()
    live.close()
