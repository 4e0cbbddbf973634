"""The runner of calls alone, with a book made by hand: what it writes there, and what it tells."""

import asyncio
import time
from typing import Any

import pytest

from asyncstream import ConfigurationError, LoopState, Tool, ToolContext, Tools
from asyncstream.accumulators import ToolResultChanged, ToolResultDone
from asyncstream.looping.book import KeptCall
from asyncstream.streaming.tool_runner import ToolRunner

pytestmark = pytest.mark.usefixtures("both_ways")


class Watch:
    def began(self, *told: object) -> object:
        return told

    def ended(self, *told: object) -> None: ...


class Run:
    """A book whose calls are run by tools."""

    def __init__(self, tools: Tools[Any], *names: str, **members: Any) -> None:
        calls = [
            KeptCall(place=place, id=f"call_{place}", name=name, arguments="{}", **members)
            for place, name in enumerate(names)
        ]
        self.state = LoopState(calls=calls)
        self.told: list[Any] = []
        watch: Any = Watch()
        self.runner = ToolRunner(tools, external=frozenset(), tell=self.told.append, record=self.record, watch=watch)

    async def record(self) -> None: ...

    async def to_its_end(self) -> None:
        await self.runner.run(self.state)

    @property
    def results(self) -> list[Any]:
        return [change.snapshot for change in self.told if isinstance(change, ToolResultDone)]


async def f() -> str:
    return "done"


async def test_only_what_is_offered_runs():
    run = Run(Tools(f), "f", "f")
    run.state.end(0, "returned", "before")
    await run.to_its_end()

    assert ["before", "done"] == [call.output for call in run.state.calls]


async def test_a_call_lasts_no_longer_than_the_run_and_one_that_does_not_run_no_time():
    run = Run(Tools(f), "f", "unknown")
    began = time.perf_counter()
    await run.to_its_end()
    lasted = time.perf_counter() - began

    elapsed = {result.name: result.elapsed for result in run.results}
    assert 0.0 < elapsed["f"] <= lasted
    assert 0.0 == elapsed["unknown"]
    assert [False, False] == [change.private for change in run.told if isinstance(change, ToolResultDone)]


async def test_where_there_are_no_tools_the_model_is_told_so():
    run = Run(Tools(), "f")
    await run.to_its_end()

    assert ["There is no tool 'f'. The tools are: none."] == [result.output for result in run.results]


async def test_a_call_that_was_allowed_is_so_in_the_book():
    async def approve(call: Any) -> bool:
        return True

    run = Run(Tools(Tool(f, approve=True), approve=approve), "f")
    await run.to_its_end()

    assert ["done"] == [result.output for result in run.results]
    assert run.state.calls[0].allowed


async def test_a_call_that_the_server_runs_has_no_output():
    run = Run(Tools(f), "roll", runs_elsewhere=True, allowed=True)
    await run.to_its_end()

    assert [("returned", "")] == [(result.status, result.output) for result in run.results]


async def test_an_error_is_raised_with_the_call_that_it_came_from():
    async def fails() -> None:
        raise ValueError("no")

    run = Run(Tools(fails, on_error="raise"), "fails")
    with pytest.raises(ValueError, match="no") as caught:
        await run.to_its_end()

    assert ["raised by the tool 'fails' in round 1, call 0"] == caught.value.__notes__


async def test_a_call_whose_error_has_no_words_has_failed():
    async def fails() -> None:
        raise ValueError("no")

    def on_error(call: Any, error: Exception) -> Any:
        return None

    run = Run(Tools(fails, on_error=on_error), "fails")
    with pytest.raises(ConfigurationError, match="expected text from on_error"):
        await run.to_its_end()

    assert ["failed"] == [result.status for result in run.results]


async def test_a_tool_past_its_deadline_is_cancelled():
    ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    run = Run(Tools(Tool(waits, timeout=0.001)), "waits")
    await run.to_its_end()
    await ended.wait()

    assert ["timed_out"] == [result.status for result in run.results]


async def test_what_runs_is_cancelled_and_waited_for():
    began, ended = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    run = Run(Tools(waits), "waits")
    task = run.runner.run(run.state)
    await began.wait()
    await run.runner.close()

    assert task.cancelled()
    assert ended.is_set()


async def test_a_report_of_a_call_that_has_ended_is_not_told():
    contexts: list[ToolContext[Any]] = []

    async def reports(context: ToolContext[Any]) -> None:
        contexts.append(context)
        context.report(1)
        await asyncio.sleep(0)

    run = Run(Tools(reports), "reports")
    await run.to_its_end()
    contexts[0].report(2)
    await asyncio.sleep(0)

    assert [1] == [change.delta for change in run.told if isinstance(change, ToolResultChanged)]
