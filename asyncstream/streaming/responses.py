"""The stream of a response: `ResponseStream`. What `responses.stream` gives, and `create` and `retrieve` if asked to.

The cursor is `stream`; here is what only responses have: the text of all parts, the final response, how a response in
the background goes on after a break, and going on with the same stream after tool outputs and approvals, for which
`looping.responses` makes the items.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

import msgspec
from msgspec import Struct

from asyncstream.accumulators.changes import ContentChanged, ContentDone
from asyncstream.accumulators.responses.accumulator import ResponseAccumulator, ResponseChange
from asyncstream.errors import ConfigurationError
from asyncstream.events.responses import WIRE, ResponseStreamEvent
from asyncstream.looping.book import LoopState
from asyncstream.streaming.healing import GoingOn
from asyncstream.streaming.stream import Stream
from asyncstream.streaming.texts import Texts
from asyncstream.streaming.view import View
from asyncstream.tools.rounds import Round
from asyncstream.tools.toolset import Tools
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request
from asyncstream.types.responses import Response, ResponseUsage
from asyncstream.types.structs import ParsedT, WireStruct

if TYPE_CHECKING:
    from asyncstream.streaming.tool_loop import ToolLoop

__all__ = ["ResponseStream"]

Rejoin: TypeAlias = Callable[[str, Mapping[str, object]], Request]
"""Makes the request that follows a response from somewhere on: response id, query."""

_Round: TypeAlias = Round[Response[ParsedT], ResponseUsage]


class ResponseStream(
    Stream[ResponseStreamEvent, ResponseChange[ParsedT], ResponseAccumulator[ParsedT]], Generic[ParsedT]
):
    """The events of a response, folded as they are read; also over several, when tool outputs are submitted.

    `async with` opens and closes it. `async for` gives the events as the wire has them; `text_deltas` and `changes` are
    views of the same cursor; `get_final_response` reads to the end. Any of these may be cancelled and gone on with.

    A response that runs in the background goes on by itself after a break of its connection, from the last event on,
    as often as the client's `max_retries` says without an event in between. Leaving the stream does not cancel it.

    Generic in the type that was given as `text_format`: that of `response.output_parsed`.

    Source: https://platform.openai.com/docs/api-reference/responses-streaming
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        *,
        text_format: type[ParsedT] | None = None,
        rejoin: Rejoin,
        run_tools: Tools[Any] | None = None,
        external: frozenset[str] = frozenset(),
        resume: LoopState | None = None,
    ) -> None:
        """Make an unopened stream: nothing is sent before `async with` enters it."""
        make_accumulator = partial(ResponseAccumulator[ParsedT], text_format=text_format)
        tool_loop: ToolLoop[ResponseAccumulator[ParsedT]] | None = None
        if run_tools is not None:
            from asyncstream.streaming.responses_loop import response_loop  # most streams run no tools

            tool_loop = response_loop(
                run_tools, make_accumulator, external=external, resume=resume, watch=transport.tool_watch()
            )
        super().__init__(
            transport,
            request,
            wire=WIRE,
            accumulator=make_accumulator(),
            result=attrgetter("response"),
            after_break=partial(_after_break, rejoin),
            usage="async with client.responses.stream(...) as stream:",
            tool_loop=tool_loop,
        )
        self.rounds: list[_Round[ParsedT]] = [] if tool_loop is None else tool_loop.rounds
        """The responses that are done with, and what went back for their calls."""
        self._make_accumulator = make_accumulator

    @property
    def current_response_snapshot(self) -> Response[ParsedT]:
        """The response as it is now. Costs one copy of the texts that grew since the last look."""
        return self.accumulator.response

    @property
    def last_sequence_number(self) -> int | None:
        """The largest number of an event so far: what `starting_after` takes. None where the server gives none."""
        return self.accumulator.last_sequence_number

    @property
    def text_deltas(self) -> View[ResponseChange[ParsedT], str]:
        """The output texts as they arrive. Half a surrogate pair is held back until its partner comes."""
        return self.view(
            "text_deltas",
            lambda: Texts(ContentChanged, ContentDone, piece=attrgetter("delta"), part=attrgetter("parent", "index")),
        )

    @property
    def input(self) -> list[Any]:
        """What may be sent next time: the items so far, each call answered, whatever became of the stream.

        For streams that run tools. It begins with the `input` of the request that is answered now: what a
        `previous_response_id` or a conversation of that stands for is on the server.

        Raises:
            ConfigurationError: The stream runs no tools.
        """
        from asyncstream.looping.responses import conversation

        return conversation(self.request.body or b"", self.tool_loop.state, self.accumulator.response)

    @property
    def usage(self) -> ResponseUsage | None:
        """The tokens of all rounds together, of those that told any; None if none did.

        Raises:
            ConfigurationError: The stream runs no tools.
        """
        from asyncstream.looping.usage import summed

        return summed(round.usage for round in self.tool_loop.rounds)

    async def submit_tool_outputs(self, outputs: Sequence[Mapping[str, object] | WireStruct]) -> None:
        """Answer the calls of this response, and go on with this same stream.

        Call it once the response is complete: at its last event in the loop body, or after the loop. What is left of it
        is read to its end, then the request is sent again with the outputs as its input, and with this response as
        `previous_response_id`. One that the server does not store (`store=False`) is sent back whole instead, after
        the first input; ask for ``include=["reasoning.encrypted_content"]`` where the model thinks. One that belongs to
        a conversation is neither named nor repeated.

        The same iterator and views go on with the next response; `accumulator`, `finished`, `request_id`, `headers` and
        `status` are its, and this one is the last of `rounds`. Cancelled while the request is on its way, it is not
        sent again: reading on, or the same call, waits for it.

        Args:
            outputs: For each call that is open, in any order, ``{"call_id": ..., "output": str}``, or the whole item:
                ``{"type": "computer_call_output", "call_id": ..., "output": {...}}``.

        Raises:
            ConfigurationError: Nothing was sent: the response is not complete, is cut, or waits for nothing; an output
                is missing, or for no open call; the stream has ended, or another task is waiting in it.
            StreamError: What was left of the response does not bring it to a complete end; the stream has ended.
            APIError: The request failed; the stream has ended with this error.

        Source: https://platform.openai.com/docs/guides/function-calling
        """
        if self.runs_tools:
            given = (output.to_dict() if isinstance(output, WireStruct) else output for output in outputs)
            self.tool_loop.submit([*given])
            return
        await self.continue_with(lambda sent: self._answer(sent, outputs))

    async def submit_tool_approvals(self, approvals: Sequence[Mapping[str, object] | WireStruct]) -> None:
        """Allow or refuse the calls of MCP servers' tools that this response asks for, and go on with this same stream.

        As `submit_tool_outputs`. Where calls are open besides, that takes the outputs and the approvals together, these
        as whole items: ``{"type": "mcp_approval_response", ...}``.

        Args:
            approvals: For each `mcp_approval_request`, ``{"approval_request_id": ..., "approve": bool}``, and a
                `reason` if there is one.

        Raises:
            ConfigurationError: Nothing was sent: an approval is missing, or for no open request; else as in
                `submit_tool_outputs`.
            StreamError: What was left of the response does not bring it to a complete end; the stream has ended.
            APIError: The request failed; the stream has ended with this error.

        Source: https://platform.openai.com/docs/guides/tools-connectors-mcp
        """
        from asyncstream.looping.responses import approvals_of  # most responses ask for no leave

        items = approvals_of(approvals)
        if self.runs_tools:
            self.tool_loop.approve({item["approval_request_id"]: item["approve"] for item in items})
            return
        await self.continue_with(lambda sent: self._answer(sent, items))

    def _answer(
        self, sent: Request, outputs: Sequence[Mapping[str, object] | WireStruct]
    ) -> tuple[Request, Callable[[], ResponseAccumulator[ParsedT]]]:
        from asyncstream.looping.responses import next_body, reply_to  # most responses are not answered in their stream

        if sent.method != "POST":
            raise ConfigurationError(
                "this stream has joined a response, and does not know what was asked: send the outputs with "
                "responses.create(previous_response_id=..., input=...)"
            )
        response = self.accumulator.response
        number = len(self.rounds) + 1
        reply = reply_to(response, outputs, number=number)
        request = sent.following(next_body(sent.body or b"", response, reply.items))
        ended: _Round[ParsedT] = Round(
            number=number, snapshot=response, results=reply.results, request_id=self.request_id, usage=response.usage
        )
        return request, partial(_next_accumulator, self.rounds, ended, self._make_accumulator)

    async def get_final_response(self) -> Response[ParsedT]:
        """Read to the end and return the response; after `submit_tool_outputs`, the last one.

        Its `status` says how it ended: "completed", "incomplete" (`incomplete_details` says why) or "cancelled".

        Raises:
            StreamEventError: The response failed, or the server sent an error; `code` and `message` are the server's.
            StreamError: The stream did not come to a complete end; `partial` is what arrived.
        """
        await self.until_done()
        return self.accumulator.response


def _next_accumulator(
    rounds: list[_Round[ParsedT]], ended: _Round[ParsedT], make: Callable[[], ResponseAccumulator[ParsedT]]
) -> ResponseAccumulator[ParsedT]:
    """Keep the response that has ended as a round, and return an accumulator of the next."""
    rounds.append(ended)
    return make()


# After a break.


class _Asked(Struct):
    """What of a request says how its response goes on."""

    background: Any = None
    include: Any = None
    stream_options: Any = None


def _after_break(
    rejoin: Rejoin, sent: Request, accumulator: ResponseAccumulator[ParsedT]
) -> GoingOn[ResponseAccumulator[ParsedT]] | None:
    """Say how a response goes on whose connection broke: one in the background does, from the last event on."""
    response = accumulator.response
    # One that is followed is in the background, whoever began it.
    asked = _Asked(background=True) if sent.body is None else msgspec.json.decode(sent.body, type=_Asked)
    if (response.background if response.background is not None else asked.background) is not True:
        return None
    id = response.id or sent.ids.get("response_id")
    number = accumulator.last_sequence_number
    if number is None:
        number = sent.query.get("starting_after")  # type: ignore[assignment]  # a number, as `stream` has it
    resumed = partial(_resumed, accumulator)
    if not id:
        return GoingOn(None, resumed, "the response may be running in the background, under an id that has not come")
    if number is None:
        return GoingOn(None, resumed, f"the response {id!r} may be running in the background: retrieve it")
    query = {**sent.query, **_query_of(asked), "stream": True, "starting_after": number}
    word = (
        f"the response may be running in the background: responses.stream(response_id={id!r}, starting_after={number}) "
        "goes on with it"
    )
    return GoingOn(rejoin(id, query), resumed, word)


def _query_of(asked: _Asked) -> dict[str, object]:
    """Return what a request for the rest repeats of the body of the first, so that the same events come."""
    query: dict[str, object] = {}
    if isinstance(asked.include, list):
        query["include"] = asked.include
    if isinstance(asked.stream_options, dict) and asked.stream_options.get("include_obfuscation") is not None:
        query["include_obfuscation"] = asked.stream_options["include_obfuscation"]
    return query


def _resumed(accumulator: ResponseAccumulator[ParsedT]) -> ResponseAccumulator[ParsedT]:
    """Return the same accumulator: it folds the whole response, over all its bodies."""
    accumulator.resume()
    return accumulator
