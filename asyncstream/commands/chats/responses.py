"""A conversation by Responses: the texts go back with each question, so that servers which store nothing do too."""

from typing import Any

from asyncstream.client import AsyncClient
from asyncstream.commands.chats.printing import Schema, Showing, say
from asyncstream.commands.statuses import DONE, INCOMPLETE
from asyncstream.params import EasyInputMessageParam
from asyncstream.tools import Tools
from asyncstream.types import Response, ResponseOutputMessage, ResponseOutputRefusal

__all__ = ["ResponseAsking"]

_STOPS = {
    "max_output_tokens": "its limit of tokens was reached",
    "content_filter": "a content filter stopped it",
}
"""Why an answer is not whole, by the reason of `incomplete_details`."""


class ResponseAsking:
    """The messages so far, and how answers are asked for."""

    def __init__(
        self, model: str, system: str | None, schema: Schema | None, tools: Tools[None] | None, showing: Showing
    ) -> None:
        self._showing = showing
        self._runs_tools = tools is not None
        self._params: dict[str, Any] = {"model": model}
        if tools is not None:
            self._params["run_tools"] = tools
        if system is not None:
            self._params["instructions"] = system
        if schema is not None:
            form = {"type": "json_schema", "name": schema.name, "schema": schema.schema, "strict": True}
            self._params["text"] = {"format": form}
        self._messages: list[EasyInputMessageParam] = []

    async def ask(self, client: AsyncClient, question: str) -> int:
        """Stream the answer to a question."""
        messages: list[EasyInputMessageParam] = [*self._messages, {"role": "user", "content": question}]
        async with client.responses.stream(input=messages, **self._params) as stream:
            response = await self._showing.show(
                stream, stream.get_final_response, lambda: bool(stream.current_response_snapshot.output_text)
            )
        self._showing.terminal.end_line()
        final = self._runs_tools and stream.stopped == "final"
        status = DONE if final else _outcome(response)
        self._messages = [*messages, {"role": "assistant", "content": response.output_text}]
        usage = stream.usage if self._runs_tools else response.usage
        self._showing.tell_cost(None if usage is None else (usage.input_tokens, usage.output_tokens))
        return status

    def begin_again(self) -> None:
        """Forget what was said."""
        self._messages = []


def _outcome(response: Response) -> int:
    """Say why an answer is not one, and return the exit status."""
    details = response.incomplete_details
    reason = None if details is None else details.reason
    if response.status != "completed":
        say(f"the answer is not whole: {_STOPS.get(reason or '', f'its status is {response.status!r}')}")
    elif _refuses(response):
        say("the model refused")
    elif not response.output_text:
        say("there is no text in the answer")
    else:
        return DONE
    return INCOMPLETE


def _refuses(response: Response) -> bool:
    messages = (item for item in response.output if isinstance(item, ResponseOutputMessage))
    return any(isinstance(part, ResponseOutputRefusal) for message in messages for part in message.content)
