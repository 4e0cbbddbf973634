"""What a tool loop must know of responses: `response_loop`. The pure part of it is in `looping.responses`.

Used by `streaming.responses`, for streams that run tools.
"""

from collections.abc import Callable
from typing import Any, Generic

from asyncstream.accumulators.responses.accumulator import ResponseAccumulator
from asyncstream.errors import ConfigurationError
from asyncstream.looping.book import LoopState
from asyncstream.looping.responses import ANSWERED_ELSEWHERE, calls_of, history_of, is_cut, next_round
from asyncstream.streaming.tool_loop import Answer, Following, ToolLoop
from asyncstream.tools.next_round import NextRound
from asyncstream.tools.toolset import Tools
from asyncstream.transport.observing import ToolWatch
from asyncstream.transport.request import Request
from asyncstream.types.structs import ParsedT

__all__ = ["response_loop"]


def response_loop(
    tools: Tools[Any],
    begin: Callable[[], ResponseAccumulator[ParsedT]],
    *,
    external: frozenset[str],
    resume: LoopState | None,
    watch: ToolWatch,
) -> ToolLoop[ResponseAccumulator[ParsedT]]:
    """Make the loop of the stream of a response, given what makes the accumulator of one."""
    elsewhere = external | ANSWERED_ELSEWHERE
    return ToolLoop(tools, _Responses(begin), external=elsewhere, resume=resume, watch=watch)


class _Responses(Generic[ParsedT]):
    def __init__(self, begin: Callable[[], ResponseAccumulator[ParsedT]]) -> None:
        self._begin = begin

    def answer(self, sent: Request, accumulator: ResponseAccumulator[ParsedT]) -> Answer:
        """Return what a complete response asks for."""
        response = accumulator.response
        calls = calls_of(response)
        if calls and sent.method != "POST":
            raise ConfigurationError("this stream has joined a response, and does not know what was asked")
        return Answer(
            calls=calls,
            history=history_of(sent.body or b"", response) if calls else {},
            cut=is_cut(response),
            snapshot=response,
            usage=response.usage,
        )

    def next_round(self, sent: Request, state: LoopState) -> NextRound:
        """Return the request for the next response, given a result of each call."""
        return next_round(sent.body or b"", state)

    def following(
        self, sent: Request, upcoming: NextRound, state: LoopState, accumulator: ResponseAccumulator[ParsedT]
    ) -> Following[ResponseAccumulator[ParsedT]]:
        """Return the request as it is sent."""
        return Following(sent.following(upcoming.body()), self._begin)
