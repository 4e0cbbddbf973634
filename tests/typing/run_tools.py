"""The types of streams that run their tools: what functions are given, what rules are asked, and what comes of it."""

from typing import Any, assert_type

from msgspec import Struct

from asyncstream import (
    AsyncClient,
    Later,
    LoopState,
    MaxRoundsError,
    Refused,
    Tool,
    ToolContext,
    Tools,
    ToolsLostError,
)
from asyncstream.accumulators import RoundDone, ToolResultChanged, ToolResultCreated, ToolResultDone
from asyncstream.looping.book import KeptCall, OfferedCall
from asyncstream.tools import AnyToolCall, NextRound, Round, ToolResult
from asyncstream.types import ChatCompletion, CompletionUsage, Run, Usage


class Shop(Struct):
    name: str


async def price(context: ToolContext[Shop], item: str) -> float:
    assert_type(context.deps, Shop)
    assert_type(context.deps.name, str)
    assert_type(context.call, AnyToolCall)
    assert_type(context.call.arguments, str)
    assert_type(context.stopping.is_set(), bool)
    context.report({"asked": item})
    return 1.0


def order(item: str, amount: int = 1) -> None:
    """Order something."""


async def approve(call: AnyToolCall) -> bool | Refused | Later:
    return Refused("too dear") if call.arguments_as(dict[str, int]) else Later()


async def before_round(upcoming: NextRound) -> None:
    assert_type(upcoming.number, int)
    assert_type(upcoming.params, dict[str, Any])


async def record(state: LoopState) -> None:
    assert_type(state.dump(), bytes)
    assert_type(LoopState.load(b""), LoopState)
    assert_type(state.decide({"call_1": True, "call_2": Refused("no"), "call_3": "an output"}), LoopState)
    assert_type(state.waiting, list[KeptCall])


def words(call: AnyToolCall, error: Exception) -> str:
    return f"{call.name}: {error}"


TOOLS = Tools(
    price,
    Tool(order, approve=True, sequential=True, final=True, timeout=None),
    deps=Shop("corner"),
    approve=approve,
    on_error=words,
    before_round=before_round,
    record=record,
)
assert_type(TOOLS, Tools[Shop])
assert_type(TOOLS.deps, Shop)
assert_type(TOOLS.definitions("responses"), list[dict[str, Any]])


async def of_chat(client: AsyncClient, kept: LoopState | None) -> None:
    messages: Any = []
    stream = client.chat.completions.stream(messages=messages, model="m", run_tools=TOOLS, resume=kept)
    async with stream as s:
        async for change in s.changes:
            match change:
                case ToolResultCreated() | ToolResultDone():
                    assert_type(change.snapshot, ToolResult)
                case ToolResultChanged():
                    assert_type(change.delta, object)
                case RoundDone():
                    assert_type(s.next_round, NextRound)
                    s.stop()
                case _:
                    pass
        assert_type(s.results, list[ToolResult])
        assert_type(s.pending, list[OfferedCall])
        assert_type(s.state, LoopState)
        assert_type(s.usage, CompletionUsage | None)
        assert_type(s.rounds, list[Round[ChatCompletion[None], CompletionUsage]])
        assert_type(s.messages, list[Any])


async def of_a_run(client: AsyncClient) -> None:
    async with client.threads.runs.stream("t", assistant_id="a", run_tools=[price, order], send_tools=True) as s:
        assert_type(await s.get_final_run(), Run)
        assert_type(s.rounds, list[Round[Run, Usage]])
        assert_type(s.usage, Usage | None)


def of_errors(error: MaxRoundsError | ToolsLostError) -> None:
    assert_type(error.state, LoopState | None)
    assert_type(error.rounds, int)
