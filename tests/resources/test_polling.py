"""The loop of all polls, on a clock of the tests: when it looks, how long it waits, how it ends."""

import asyncio
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from multidict import CIMultiDict

from asyncstream.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    BadRequestError,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    PollTimeoutError,
    RateLimitError,
)
from asyncstream.resources.polling import Pace, Remote, poll, start_and_poll
from asyncstream.types import Run

ENDINGS = ["completed", "failed", "cancelled", "expired", "incomplete", "requires_action"]
LOST = APIConnectionError("the connection broke")


def run(status: str) -> Run:
    return Run(id="run_1", thread_id="thread_1", status=status)


class Server:
    """Gives one look after the other: a status, a status with the header's value, or an error."""

    def __init__(self, *looks: str | tuple[str, str] | Exception) -> None:
        self.looks = list(looks)
        self.seen = 0
        self.cancelled = 0
        self.remote: Remote[Run] = Remote(self.look, self.cancel)
        self.refusal: Exception | None = None

    async def look(self) -> tuple[Run, CIMultiDict[str]]:
        self.seen += 1
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        status, *wait = (look,) if isinstance(look, str) else look
        return run(status), CIMultiDict({"OpenAI-Poll-After-MS": wait[0]} if wait else {})

    async def cancel(self) -> None:
        self.cancelled += 1
        if self.refusal is not None:
            raise self.refusal


class Time:
    """A clock that only sleeping moves."""

    def __init__(self, chance: float = 0.0) -> None:
        self.now = 100.0
        self.sleeps: list[float] = []
        self.chance = chance

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(round(seconds, 6))
        self.now += seconds

    def pace(self, **options: Any) -> Pace[Run]:
        return Pace(**options, sleep=self.sleep, chance=lambda: self.chance, clock=lambda: self.now)


@pytest.mark.parametrize("ending", [*ENDINGS, "a_status_of_2030", ""])
async def test_whatever_is_not_known_to_go_on_ends_the_poll(ending: str) -> None:
    time, server = Time(), Server("queued", "in_progress", "cancelling", ending)

    result = await poll(server.remote, time.pace())

    assert ending == result.status
    assert [1.0, 1.0, 1.0] == time.sleeps


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("250", 0.25),
        (" 1500.5 ", 1.5005),
        ("600000", 120.0),
        ("0", 1.0),
        ("-5", 1.0),
        ("NaN", 1.0),
        ("inf", 1.0),
        ("1e3", 1.0),
        ("١٠", 1.0),  # noqa: RUF001 - digits of another script
        ("9" * 400, 1.0),
        ("soon", 1.0),
        ("", 1.0),
    ],
)
async def test_server_says_how_long_to_wait(header: str, seconds: float) -> None:
    time, server = Time(), Server(("in_progress", header), "completed")

    await poll(server.remote, time.pace())

    assert [seconds] == time.sleeps


async def test_header_is_read_afresh_each_time() -> None:
    time = Time()
    server = Server(("queued", "100"), ("in_progress", "300"), "in_progress", ("in_progress", "50"), "completed")

    await poll(server.remote, time.pace())

    assert [0.1, 0.3, 1.0, 0.05] == time.sleeps


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 0.2), (0.5, 0.225), (1.0, 0.25)])
async def test_own_interval_comes_before_the_header_and_gets_jitter(chance: float, seconds: float) -> None:
    time, server = Time(chance), Server(("in_progress", "900"), "completed")

    await poll(server.remote, time.pace(poll_interval_ms=200))

    assert [seconds] == time.sleeps


async def test_first_answer_counts_as_a_look() -> None:
    time, server = Time(), Server("completed")

    async def start() -> tuple[Run, CIMultiDict[str]]:
        return run("queued"), CIMultiDict({"openai-poll-after-ms": "70"})

    result = await start_and_poll(start, lambda _: server.remote, time.pace())

    assert "completed" == result.status
    assert ([0.07], 1) == (time.sleeps, server.seen)


async def test_what_ends_at_once_is_not_looked_at() -> None:
    async def start() -> tuple[Run, CIMultiDict[str]]:
        return run("failed"), CIMultiDict()

    server = Server("completed")
    result = await start_and_poll(start, lambda _: server.remote, Time().pace())

    assert ("failed", 0) == (result.status, server.seen)


async def test_first_answer_without_an_id_is_the_servers_fault() -> None:
    async def start() -> tuple[Run, CIMultiDict[str]]:
        return Run(id=""), CIMultiDict()

    def follow(_: Run) -> Remote[Run]:
        raise ConfigurationError("run_id must be a non-empty string: ''")

    with pytest.raises(APIResponseValidationError, match="cannot be polled: run_id must be"):
        await start_and_poll(start, follow, Time().pace())


async def test_deadline_carries_the_last_object() -> None:
    time, server = Time(), Server("queued", "in_progress")

    with pytest.raises(PollTimeoutError, match=r"'run_1' .*'in_progress'.* within 2.5 s, after 3 looks") as caught:
        await poll(server.remote, time.pace(poll_timeout=2.5))

    assert [1.0, 1.0, 0.5] == time.sleeps
    assert run("in_progress") == caught.value.last
    assert caught.value.last == pickle.loads(pickle.dumps(caught.value)).last


async def test_deadline_ends_a_look_under_way() -> None:
    async def hang() -> tuple[Run, CIMultiDict[str]]:
        await asyncio.Event().wait()
        raise AssertionError("not reached")

    with pytest.raises(PollTimeoutError, match="not seen yet") as caught:
        await poll(Remote(hang), Pace[Run](poll_timeout=0.01))

    assert caught.value.last is None


async def test_a_foreign_timeout_is_no_deadline() -> None:
    async def late() -> tuple[Run, CIMultiDict[str]]:
        raise TimeoutError("of the caller's own key function")

    with pytest.raises(TimeoutError, match="own key function"):
        await poll(Remote(late), Pace[Run](poll_timeout=10))


async def test_deadline_counts_from_the_first_answer() -> None:
    time, server = Time(), Server("in_progress")

    async def start() -> tuple[Run, CIMultiDict[str]]:
        await time.sleep(50)
        return run("queued"), CIMultiDict()

    with pytest.raises(PollTimeoutError):
        await start_and_poll(start, lambda _: server.remote, time.pace(poll_timeout=1.5))

    assert [50, 1.0, 0.5] == time.sleeps


def status_error(status: int, **headers: str) -> InternalServerError:
    return InternalServerError("no", status=status, headers=CIMultiDict(headers))


@pytest.mark.parametrize(
    "error",
    [
        status_error(500),
        status_error(503),
        RateLimitError("no", status=429),
        LOST,
        APITimeoutError("late"),
        APIConnectionError("the answer broke off", status=200),
    ],
)
async def test_a_burst_of_failed_looks_does_not_lose_the_run(error: Exception) -> None:
    time, server = Time(), Server("queued", error, error, error, error, "in_progress", "completed")

    result = await poll(server.remote, time.pace())

    assert "completed" == result.status
    assert [1.0, 0.5, 1.0, 2.0, 4.0, 1.0] == time.sleeps


async def test_failures_are_counted_in_a_row() -> None:
    burst: list[str | tuple[str, str] | Exception] = [status_error(500)] * 4
    time, server = Time(), Server("queued", *burst, "in_progress", *burst, "completed")

    assert "completed" == (await poll(server.remote, time.pace())).status


async def test_failed_look_waits_as_long_as_the_server_asks() -> None:
    error = status_error(503, **{"Retry-After": "7"})
    time, server = Time(), Server("queued", error, "completed")

    await poll(server.remote, time.pace())

    assert [1.0, 7.0] == time.sleeps


async def test_server_that_stays_down_is_told_with_the_object() -> None:
    time, server = Time(), Server("queued", status_error(500))

    with pytest.raises(InternalServerError) as caught:
        await poll(server.remote, time.pace())

    assert 6 == server.seen
    assert ["while polling 'run_1' (last seen as 'queued')"] == caught.value.__notes__


async def test_deadline_also_ends_a_burst() -> None:
    time, server = Time(), Server("queued", status_error(500))

    with pytest.raises(PollTimeoutError) as caught:
        await poll(server.remote, time.pace(poll_timeout=3))

    assert run("queued") == caught.value.last
    assert 103.0 == time.now


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("no", status=404),
        BadRequestError("no", status=400),
        status_error(503, **{"x-should-retry": "false"}),
        status_error(503, **{"Retry-After": "3600"}),
        APIResponseValidationError("html", status=200),
    ],
)
async def test_what_does_not_pass_is_raised_at_once(error: Exception) -> None:
    server = Server("queued", error)

    with pytest.raises(type(error)):
        await poll(server.remote, Time().pace())

    assert 2 == server.seen


async def test_server_that_was_never_there_is_not_waited_for() -> None:
    server = Server(LOST)

    with pytest.raises(APIConnectionError):
        await poll(server.remote, Time().pace())

    assert 1 == server.seen


async def test_progress_is_told_after_each_look() -> None:
    told: list[str] = []

    async def tell(run: Run) -> None:
        await asyncio.sleep(0)
        told.append(run.status)

    await poll(Server("queued", "in_progress", "completed").remote, Time().pace(on_poll=tell))
    await poll(Server("queued", "failed").remote, Time().pace(on_poll=lambda run: told.append(run.status)))

    assert ["queued", "in_progress", "completed", "queued", "failed"] == told


async def test_what_the_callback_raises_ends_the_poll() -> None:
    def tell(_: Run) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await poll(Server("queued").remote, Time().pace(on_poll=tell))


@pytest.mark.parametrize("name", ["poll_interval_ms", "poll_timeout"])
@pytest.mark.parametrize("value", [-1, -0.001, float("nan"), float("inf"), float("-inf"), True, "1", 10**400])
def test_bad_numbers_are_refused(name: str, value: Any) -> None:
    options: dict[str, Any] = {name: value}

    with pytest.raises(ConfigurationError, match=name):
        Pace[Run](**options)


def test_a_callback_must_be_callable() -> None:
    with pytest.raises(ConfigurationError, match="on_poll"):
        Pace[Run](on_poll="print")  # type: ignore[arg-type]


@pytest.mark.parametrize("cancel_remote", [True, False])
async def test_cancellation_calls_off_the_remote_object_if_asked_to(cancel_remote: bool) -> None:
    server = Server("in_progress")
    looked = asyncio.Event()
    pace = Pace[Run](cancel_remote=cancel_remote, poll_timeout=60, on_poll=lambda _: looked.set())
    task = asyncio.create_task(poll(server.remote, pace))
    await looked.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert int(cancel_remote) == server.cancelled


async def test_a_deadline_calls_nothing_off() -> None:
    server = Server("in_progress")

    with pytest.raises(PollTimeoutError):
        await poll(server.remote, Time().pace(poll_timeout=1, cancel_remote=True))

    assert 0 == server.cancelled


async def test_refused_cancel_does_not_hide_the_cancellation() -> None:
    server = Server("in_progress")
    server.refusal = BadRequestError("it is over", status=400)
    looked = asyncio.Event()
    task = asyncio.create_task(poll(server.remote, Pace[Run](cancel_remote=True, on_poll=lambda _: looked.set())))
    await looked.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task

    assert 1 == server.cancelled
    assert "it is over" in caught.value.__notes__[0]


async def _begin(server: Server, answer: Callable[[], Awaitable[None]]) -> asyncio.Task[Run]:
    """Start a poll whose first request is under way, and return its task."""
    sent = asyncio.Event()

    async def start() -> tuple[Run, CIMultiDict[str]]:
        sent.set()
        await answer()
        return run("queued"), CIMultiDict()

    task = asyncio.create_task(start_and_poll(start, lambda _: server.remote, Pace[Run](cancel_remote=True)))
    await sent.wait()
    return task


async def test_cancelled_before_the_first_answer_it_waits_for_the_id() -> None:
    server, answered = Server("in_progress"), asyncio.Event()

    async def answer() -> None:
        await answered.wait()

    task = await _begin(server, answer)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    answered.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (1, 0) == (server.cancelled, server.seen)


async def test_cancelled_before_a_first_answer_that_fails_there_is_nothing_to_call_off() -> None:
    server, answered = Server("in_progress"), asyncio.Event()

    async def answer() -> None:
        await answered.wait()
        raise BadRequestError("no", status=400)

    task = await _begin(server, answer)
    task.cancel()
    answered.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert 0 == server.cancelled


async def test_cancelled_twice_it_waits_no_longer() -> None:
    server = Server("in_progress")

    async def answer() -> None:
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    task = await _begin(server, answer)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert 0 == server.cancelled
    assert before == asyncio.all_tasks()
