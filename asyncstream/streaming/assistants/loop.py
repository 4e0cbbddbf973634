"""What a tool loop must know of runs: `assistant_loop`. The pure part of it is in `looping.assistants`.

Used by `streaming.assistants.stream`, for streams that run tools. One accumulator folds the whole run, over all rounds.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from asyncstream.accumulators.assistants.accumulator import AssistantAccumulator
from asyncstream.looping.assistants import calls_of, next_round
from asyncstream.looping.book import LoopState
from asyncstream.streaming.tool_loop import Answer, Following, ToolLoop
from asyncstream.tools.next_round import NextRound
from asyncstream.tools.toolset import Tools
from asyncstream.transport.observing import ToolWatch
from asyncstream.transport.request import Request

__all__ = ["assistant_loop"]

Submit = Callable[[str, str, Mapping[str, object]], Request]
"""Makes the request that submits outputs or approvals: thread id, run id, body."""


def assistant_loop(
    tools: Tools[Any], submit: Submit, *, external: frozenset[str], resume: LoopState | None, watch: ToolWatch
) -> ToolLoop[AssistantAccumulator]:
    """Make the loop of an Assistants stream."""
    return ToolLoop(tools, _Runs(submit), external=external, resume=resume, watch=watch)


class _Runs:
    def __init__(self, submit: Submit) -> None:
        self._submit = submit

    def answer(self, sent: Request, accumulator: AssistantAccumulator) -> Answer:
        """Return what a run asks for; nothing, if it has ended."""
        run = accumulator.run
        assert run is not None  # a terminal run event is what a complete answer is
        return Answer(
            calls=calls_of(run) if accumulator.waiting else [],
            history={"thread_id": run.thread_id, "run_id": run.id},
            cut=False,
            snapshot=run,
            usage=run.usage,
        )

    def next_round(self, sent: Request, state: LoopState) -> NextRound:
        """Return what is submitted, given a result of each call."""
        return next_round(state)

    def following(
        self, sent: Request, upcoming: NextRound, state: LoopState, accumulator: AssistantAccumulator
    ) -> Following[AssistantAccumulator]:
        """Return the request as it is sent."""
        history = state.history
        request = self._submit(history["thread_id"], history["run_id"], {**upcoming.body(), "stream": True})
        return Following(request, partial(_resumed, accumulator))


def _resumed(accumulator: AssistantAccumulator) -> AssistantAccumulator:
    accumulator.resume()
    return accumulator
