"""The stream of a chat answer: `ChatStream`. What `chat.completions.stream` and `create(stream=True)` give.

The cursor is `stream`; here is what only chat answers have: the text of the first choice, and the final completion.
"""

from operator import attrgetter

from asyncstream.accumulators.chat.accumulator import ChatAccumulator, ChatChange
from asyncstream.accumulators.chat.changes import ContentChanged, ContentDone
from asyncstream.events.chat import WIRE
from asyncstream.streaming.stream import Stream
from asyncstream.streaming.texts import Texts
from asyncstream.streaming.view import View
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request
from asyncstream.types.chat import ChatCompletion
from asyncstream.types.chat_chunks import ChatCompletionChunk

__all__ = ["ChatStream"]


class ChatStream(Stream[ChatCompletionChunk, ChatChange, ChatAccumulator]):
    """The chunks of one chat answer, folded as they are read.

    `async with` opens and closes it. `async for` gives the chunks as the wire has them; `text_deltas` and `changes` are
    views of the same cursor; `get_final_completion` reads to the end. Any of these may be cancelled and gone on with.

    Source: https://platform.openai.com/docs/api-reference/chat-streaming
    """

    def __init__(self, transport: Transport, request: Request, *, response_format: type[object] | None = None) -> None:
        """Make an unopened stream: nothing is sent before `async with` enters it."""
        super().__init__(
            transport,
            request,
            wire=WIRE,
            accumulator=ChatAccumulator(response_format=response_format),
            usage="async with client.chat.completions.stream(...) as stream:",
        )

    @property
    def current_completion_snapshot(self) -> ChatCompletion:
        """The answer as it is now. Costs one copy of the texts that grew since the last look."""
        return self.accumulator.completion

    @property
    def text_deltas(self) -> View[ChatChange, str]:
        """The text of choice 0 as it arrives. Half a surrogate pair is held back until its partner comes."""
        return self.view(
            "text_deltas",
            lambda: Texts(ContentChanged, ContentDone, piece=attrgetter("delta"), part=attrgetter("index"), only=0),
        )

    def result(self) -> object:
        """Return the answer as far as it came."""
        return self.accumulator.completion

    async def get_final_completion(self) -> ChatCompletion:
        """Read to the end and return the answer.

        Raises:
            StreamError: The stream did not come to a complete end; `partial` is what arrived.
        """
        await self.until_done()
        return self.accumulator.completion
