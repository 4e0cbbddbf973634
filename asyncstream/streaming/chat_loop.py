"""What a tool loop must know of chats: `chat_loop`. The pure part of it is in `looping.chat`.

Used by `streaming.chat`, for streams that run tools.
"""

from collections.abc import Callable
from typing import Any, Generic

from asyncstream.accumulators.chat.accumulator import ChatAccumulator
from asyncstream.looping.book import LoopState
from asyncstream.looping.chat import check_round, history_of, next_round, offer
from asyncstream.streaming.tool_loop import Answer, Following, ToolLoop
from asyncstream.tools.next_round import NextRound
from asyncstream.tools.toolset import Tools
from asyncstream.transport.observing import ToolWatch
from asyncstream.transport.request import Request
from asyncstream.types.structs import ParsedT

__all__ = ["chat_loop"]


def chat_loop(
    tools: Tools[Any],
    begin: Callable[[], ChatAccumulator[ParsedT]],
    *,
    external: frozenset[str],
    resume: LoopState | None,
    watch: ToolWatch,
) -> ToolLoop[ChatAccumulator[ParsedT]]:
    """Make the loop of a chat stream, given what makes the accumulator of an answer."""
    return ToolLoop(tools, _Chat(begin), external=external, resume=resume, watch=watch)


class _Chat(Generic[ParsedT]):
    def __init__(self, begin: Callable[[], ChatAccumulator[ParsedT]]) -> None:
        self._begin = begin

    def answer(self, sent: Request, accumulator: ChatAccumulator[ParsedT]) -> Answer:
        """Return what a complete answer asks for."""
        completion = accumulator.completion
        offered = offer(completion)
        return Answer(
            calls=offered.calls,
            history=history_of(sent.body or b"", offered),
            cut=offered.cut is not None,
            snapshot=completion,
            usage=completion.usage,
        )

    def next_round(self, sent: Request, state: LoopState) -> NextRound:
        """Return the request for the next answer, given a result of each call."""
        return next_round(sent.body or b"", state)

    def following(
        self, sent: Request, upcoming: NextRound, state: LoopState, accumulator: ChatAccumulator[ParsedT]
    ) -> Following[ChatAccumulator[ParsedT]]:
        """Return the request as it is sent."""
        check_round(upcoming)
        return Following(sent.following(upcoming.body()), self._begin)
