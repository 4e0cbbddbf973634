"""The stream of a chat answer: `ChatStream`. What `chat.completions.stream` and `create(stream=True)` give.

The cursor is `stream`; here is what only chat answers have: the text of the first choice, the final completion, and
going on with the same stream after tool outputs, for which `looping.chat` makes the messages.
"""

from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic

from asyncstream import looping, tools
from asyncstream.accumulators.changes import ContentChanged, ContentDone
from asyncstream.accumulators.chat.accumulator import ChatAccumulator, ChatChange
from asyncstream.events.chat import WIRE
from asyncstream.params.shared import ToolOutputs
from asyncstream.streaming.stream import Stream
from asyncstream.streaming.texts import Texts
from asyncstream.streaming.view import View
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request
from asyncstream.types.chat import ChatCompletion
from asyncstream.types.chat_chunks import ChatCompletionChunk
from asyncstream.types.chat_parts import CompletionUsage
from asyncstream.types.structs import ParsedT

if TYPE_CHECKING:
    from asyncstream.streaming.openai_events import OpenAIChatEvent
    from asyncstream.streaming.tool_loop import ToolLoop

__all__ = ["ChatStream"]


class ChatStream(Stream[ChatCompletionChunk, ChatChange[ParsedT], ChatAccumulator[ParsedT]], Generic[ParsedT]):
    """The chunks of a chat answer, folded as they are read; also over several answers, when tool outputs are submitted.

    `async with` opens and closes it. `async for` gives the chunks as the wire has them; `text_deltas` and `changes` are
    views of the same cursor; `get_final_completion` reads to the end. Any of these may be cancelled and gone on with.

    Generic in the type that was given as `response_format`: that of `message.parsed` and of a change's `partial`.

    Source: https://platform.openai.com/docs/api-reference/chat-streaming
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        *,
        response_format: type[ParsedT] | None = None,
        tool_types: Mapping[str, Callable[..., object]] | None = None,
        run_tools: "tools.Tools[Any] | None" = None,
        external: frozenset[str] = frozenset(),
        resume: "looping.book.LoopState | None" = None,
    ) -> None:
        """Make an unopened stream: nothing is sent before `async with` enters it."""
        make_accumulator = partial(ChatAccumulator[ParsedT], response_format=response_format, tool_types=tool_types)
        tool_loop: ToolLoop[ChatAccumulator[ParsedT]] | None = None
        if run_tools is not None:
            from asyncstream.streaming.chat_loop import chat_loop  # most streams run no tools

            tool_loop = chat_loop(
                run_tools, make_accumulator, external=external, resume=resume, watch=transport.tool_watch()
            )
        super().__init__(
            transport,
            request,
            wire=WIRE,
            accumulator=make_accumulator(),
            result=attrgetter("completion"),
            usage="async with client.chat.completions.stream(...) as stream:",
            tool_loop=tool_loop,
        )
        self.rounds: list[tools.Round[ChatCompletion[ParsedT], CompletionUsage]] = (
            [] if tool_loop is None else tool_loop.rounds
        )
        """The answers that are done with, and what went back for their calls."""
        self._make_accumulator = make_accumulator
        self._response_format = response_format
        self._tool_types = tool_types or {}

    @property
    def current_completion_snapshot(self) -> ChatCompletion[ParsedT]:
        """The answer as it is now. Costs one copy of the texts that grew since the last look."""
        return self.accumulator.completion

    @property
    def text_deltas(self) -> View[ChatChange[ParsedT], str]:
        """The text of choice 0 as it arrives. Half a surrogate pair is held back until its partner comes."""
        return self.view(
            "text_deltas",
            lambda: Texts(ContentChanged, ContentDone, piece=attrgetter("delta"), part=attrgetter("index"), only=0),
        )

    @property
    def openai_events(self) -> "View[ChatChange[ParsedT], OpenAIChatEvent]":
        """The events of openai-python's chat helper, for loops over ``event.type`` that come from there."""
        from asyncstream.streaming.openai_events import OpenAIEvents

        return self.view(
            "openai_events",
            lambda: OpenAIEvents(
                lambda: self.current_event,
                lambda: self.accumulator.completion,
                typed=self._response_format is not None,
                tool_types=self._tool_types,
            ),
        )

    @property
    def messages(self) -> list[Any]:
        """What may be sent next time: the conversation so far, each call answered, whatever became of the stream.

        For streams that run tools. An answer that has no call, or that is not complete, is the last message.

        Raises:
            ConfigurationError: The stream runs no tools.
        """
        from asyncstream.looping.chat import conversation

        return conversation(self.request.body or b"", self.tool_loop.state, self.accumulator.completion)

    @property
    def usage(self) -> CompletionUsage | None:
        """The tokens of all rounds together, of those that told any; None if none did.

        Raises:
            ConfigurationError: The stream runs no tools.
        """
        from asyncstream.looping.usage import summed

        return summed(round.usage for round in self.tool_loop.rounds)

    async def submit_tool_outputs(self, outputs: ToolOutputs) -> None:
        """Answer the calls of this answer, and go on with this same stream.

        Call it once the answer has its finish reason: in the loop body, or after the loop. What is left of the answer
        is read to its end, then the request is sent again with the answer's message and the outputs after its own
        messages. The same iterator and views go on with the next answer; `accumulator`, `finished`, `request_id`,
        `headers` and `status` are its, and this one is the last of `rounds`.

        Cancelled while the request is on its way, it is not sent again: reading on, or the same call, waits for it.

        Args:
            outputs: ``{"tool_call_id": ..., "output": str}`` for each of ``message.tool_calls``, in any order.

        Raises:
            ConfigurationError: Nothing was sent: the answer is not complete, is cut, or calls no tool; an output is
                missing, or for no open call; the stream has ended, or another task is waiting in it.
            StreamError: What was left of the answer does not bring it to a complete end; the stream has ended.
            APIError: The request failed; the stream has ended with this error.

        Source: https://platform.openai.com/docs/guides/function-calling
        """
        if self.runs_tools:
            self.tool_loop.submit(outputs)
            return
        await self.continue_with(lambda sent: self._answer(sent, outputs))

    def _answer(self, sent: Request, outputs: ToolOutputs) -> tuple[Request, Callable[[], ChatAccumulator[ParsedT]]]:
        from asyncstream.looping.chat import next_body, reply_to  # most answers are not answered in their stream

        answer = self.accumulator.completion
        number = len(self.rounds) + 1
        reply = reply_to(answer, outputs, number=number)
        request = sent.following(next_body(sent.body or b"", reply.messages))
        ended: tools.Round[ChatCompletion[ParsedT], CompletionUsage] = tools.Round(
            number=number, snapshot=answer, results=reply.results, request_id=self.request_id, usage=answer.usage
        )
        return request, partial(_next_accumulator, self.rounds, ended, self._make_accumulator)

    async def get_final_completion(self) -> ChatCompletion[ParsedT]:
        """Read to the end and return the answer; after `submit_tool_outputs`, the last one.

        Raises:
            StreamError: The stream did not come to a complete end; `partial` is what arrived.
        """
        await self.until_done()
        return self.accumulator.completion


def _next_accumulator(
    rounds: "list[tools.Round[ChatCompletion[ParsedT], CompletionUsage]]",
    ended: "tools.Round[ChatCompletion[ParsedT], CompletionUsage]",
    make: Callable[[], ChatAccumulator[ParsedT]],
) -> ChatAccumulator[ParsedT]:
    """Keep the answer that has ended as a round, and return an accumulator of the next."""
    rounds.append(ended)
    return make()
