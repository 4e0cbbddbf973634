"""Who is resumed by an arrival, when, and in which context; whatever the task is, and however it is ended."""

import asyncio
import gc
import sys
import weakref
from asyncio import tasks
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from asyncstream.transport.arrival import Arrival

Make = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]

KINDS: dict[str, Any] = {"in C": asyncio.Task}
if sys.version_info < (3, 14):
    # Since then asyncio itself, where it is in C, does not see that a task in Python is running.
    KINDS["in Python"] = vars(tasks)["_PyTask"]
if sys.version_info >= (3, 12):
    KINDS["eager"] = lambda coroutine: asyncio.Task(coroutine, loop=asyncio.get_running_loop(), eager_start=True)


@pytest.fixture(params=[*KINDS])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = KINDS[request.param]
    return made


async def outside(call: Callable[[], object]) -> None:
    """Call in a callback of the loop, where no task is running, and wait until that has ended."""
    done = asyncio.get_running_loop().create_future()

    def run() -> None:
        try:
            call()
        finally:
            done.set_result(None)

    asyncio.get_running_loop().call_soon(run)
    await done


async def waiting(arrival: Arrival) -> None:
    for _ in range(100):
        if arrival.awaited:
            return
        await asyncio.sleep(0)
    raise AssertionError("nobody waits")


async def test_a_task_is_resumed_before_the_callback_goes_on(make: Make) -> None:
    arrival = Arrival(asyncio.get_running_loop())
    order: list[object] = []

    async def read() -> None:
        for number in range(3):
            await arrival
            order.append(number)

    def arrive() -> None:
        for _ in range(3):
            arrival.wake()
            order.append("back")

    task = make(read())
    await waiting(arrival)
    await outside(arrive)
    await task

    assert [0, "back", 1, "back", 2, "back"] == order


async def test_where_a_task_is_running_another_is_resumed_a_turn_later(make: Make) -> None:
    arrival = Arrival(asyncio.get_running_loop())
    task = make(asyncio.wait_for(_once(arrival), None))
    await waiting(arrival)
    arrival.wake()

    assert not task.done()
    assert not arrival.awaited
    assert await task == "come"


async def _once(arrival: Arrival) -> str:
    await arrival
    return "come"


async def test_where_asked_for_it_is_resumed_a_turn_later(make: Make) -> None:
    arrival = Arrival(asyncio.get_running_loop())
    seen: list[bool] = []
    task = make(_once(arrival))
    await waiting(arrival)
    await outside(lambda: (arrival.wake_soon(), seen.append(task.done())))

    assert [False] == seen
    assert await task == "come"


async def test_in_debug_mode_each_task_runs_in_a_callback_that_names_it(make: Make) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    arrival = Arrival(loop)
    seen: list[bool] = []
    task = make(_once(arrival))
    await waiting(arrival)
    await outside(lambda: (arrival.wake(), seen.append(task.done())))

    assert [False] == seen
    assert await task == "come"


async def test_a_task_goes_on_in_its_own_context(make: Make) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="nobody's")
    arrival = Arrival(asyncio.get_running_loop())
    seen: list[str] = []

    async def read() -> None:
        variable.set("the reader's")
        await arrival
        seen.append(variable.get())
        variable.set("changed")

    def arrive() -> None:
        variable.set("the caller's")
        arrival.wake()
        seen.append(variable.get())

    task = make(read())
    await waiting(arrival)
    await outside(arrive)
    await task

    assert ["the reader's", "the caller's"] == seen


async def test_whoever_is_resumed_is_the_running_task_and_nobody_is_after_it(make: Make) -> None:
    arrival = Arrival(asyncio.get_running_loop())
    seen: list[object] = []

    async def read() -> None:
        await arrival
        seen.append(asyncio.current_task())

    task = make(read())
    await waiting(arrival)
    await outside(lambda: (arrival.wake(), seen.append(asyncio.current_task())))

    assert [task, None] == seen


async def test_a_cancelled_task_meets_it_with_its_message_and_the_next_one_does_not(make: Make) -> None:
    arrival = Arrival(asyncio.get_running_loop())
    first = make(_once(arrival))
    await waiting(arrival)
    assert first.cancel("enough")
    # Before the first has met it.
    second = make(_once(arrival))
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await first
    await waiting(arrival)
    arrival.wake()

    assert await second == "come"


@pytest.mark.parametrize("woken_first", [True, False])
async def test_what_comes_in_one_turn_with_a_cancellation_does_not_hide_it(make: Make, woken_first: bool) -> None:
    arrival = Arrival(asyncio.get_running_loop())
    task = make(_once(arrival))
    await waiting(arrival)
    for step in (arrival.wake, task.cancel) if woken_first else (task.cancel, arrival.wake):
        step()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not arrival.awaited


async def test_the_deadlines_of_asyncio_end_a_wait(make: Make) -> None:
    arrival = Arrival(asyncio.get_running_loop())

    async def read() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await arrival
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_once(arrival), 0.001)

    await make(read())

    assert not arrival.awaited


async def test_a_group_ends_those_that_wait() -> None:
    arrival = Arrival(asyncio.get_running_loop())

    async def fail() -> None:
        await waiting(arrival)
        raise ValueError("no")

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(_once(arrival))
            group.create_task(fail())

    assert [ValueError] == [type(error) for error in caught.value.exceptions]
    assert reader.cancelled()
    assert not arrival.awaited


async def test_a_task_that_cancels_itself_or_raises_is_ended_and_the_callback_goes_on(make: Make) -> None:
    arrival = Arrival(asyncio.get_running_loop())

    async def cancel() -> None:
        await arrival
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await arrival

    async def fail() -> None:
        await arrival
        raise ValueError("no")

    for kind, coroutine in ((asyncio.CancelledError, cancel()), (ValueError, fail())):
        task = make(coroutine)
        await waiting(arrival)
        await outside(arrival.wake)
        with pytest.raises(kind):
            await task


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("task", [kind for kind in KINDS if kind != "eager"])
def test_what_ends_the_loop_ends_it_and_not_the_callback_that_resumed(kind: type[BaseException], task: str) -> None:
    went_on: list[bool] = []

    async def leave(arrival: Arrival) -> None:
        await arrival
        raise kind

    def arrive(arrival: Arrival) -> None:
        arrival.wake()
        went_on.append(True)

    loop = asyncio.new_event_loop()
    arrival = Arrival(loop)
    leaving = KINDS[task](leave(arrival), loop=loop)
    loop.call_soon(loop.call_soon, arrive, arrival)
    with pytest.raises(kind):
        loop.run_forever()
    loop.close()

    assert [True] == went_on
    assert isinstance(leaving.exception(), kind)


async def test_what_a_callback_raises_is_told_as_asyncio_does_and_the_others_are_called() -> None:
    told: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    arrival = Arrival(loop)
    error = ValueError("no")

    def fail(_: object) -> None:
        raise error

    arrival.add_done_callback(fail)
    arrival.add_done_callback(lambda done: told.append(done.result()))
    await outside(arrival.wake)

    assert [error, None] == told
    assert not arrival.awaited


async def test_a_callback_that_was_taken_back_is_not_called() -> None:
    arrival = Arrival(asyncio.get_running_loop())
    called: list[object] = []
    arrival.add_done_callback(called.append)
    assert 1 == arrival.remove_done_callback(called.append)
    assert 0 == arrival.remove_done_callback(called.append)
    await outside(arrival.wake)

    assert [] == called
    assert not arrival.cancel()


async def test_it_is_a_future_to_asyncio_that_is_never_done() -> None:
    loop = asyncio.get_running_loop()
    arrival = Arrival(loop)
    assert asyncio.isfuture(arrival)
    assert loop is arrival.get_loop()
    assert not arrival.done()
    with pytest.raises(asyncio.InvalidStateError):
        arrival.result()


def test_a_task_of_another_loop_is_refused(make: Make) -> None:
    other = asyncio.new_event_loop()

    async def read() -> None:
        with pytest.raises(RuntimeError, match="loop"):
            await make(_once(Arrival(other)))

    try:
        asyncio.run(read())
    finally:
        other.close()


async def test_it_keeps_nobody_who_has_gone(make: Make) -> None:
    arrival = Arrival(asyncio.get_running_loop())
    gone: list[weakref.ref[Any]] = []
    for end in (arrival.wake, arrival.wake_soon, None):
        task = make(_once(arrival))
        gone.append(weakref.ref(task))
        await waiting(arrival)
        if end is None:
            task.cancel()
        else:
            await outside(end)
        await asyncio.wait([task])
        del task
    gc.collect()

    assert [None, None, None] == [ref() for ref in gone]
