"""A conversation by chat completions."""

from typing import Any

from asyncstream.client import AsyncClient
from asyncstream.commands.chats.printing import Schema, Showing, say
from asyncstream.commands.command import CommandFailed
from asyncstream.commands.statuses import DONE, INCOMPLETE
from asyncstream.tools import Tools
from asyncstream.types import ChatCompletion, ChatCompletionMessage

__all__ = ["CompletionAsking"]

_STOPS = {
    "length": "its limit of tokens was reached",
    "content_filter": "a content filter stopped it",
}
"""Why an answer is not whole, by its finish reason."""


class CompletionAsking:
    """The messages so far, and how answers are asked for."""

    def __init__(
        self, model: str, system: str | None, schema: Schema | None, tools: Tools[None] | None, showing: Showing
    ) -> None:
        self._showing = showing
        self._runs_tools = tools is not None
        self._params: dict[str, Any] = {"model": model}
        if tools is not None:
            self._params["run_tools"] = tools
        if schema is not None:
            described = {"name": schema.name, "schema": schema.schema, "strict": True}
            self._params["response_format"] = {"type": "json_schema", "json_schema": described}
        if showing.watched:
            # Who watches is told what it cost; many servers count only if they are asked to.
            self._params["stream_options"] = {"include_usage": True}
        self._begun: list[dict[str, Any] | ChatCompletionMessage] = []
        if system is not None:
            self._begun.append({"role": "system", "content": system})
        self._messages = list(self._begun)

    async def ask(self, client: AsyncClient, question: str) -> int:
        """Stream the answer to a question."""
        messages = [*self._messages, {"role": "user", "content": question}]
        async with client.chat.completions.stream(messages=messages, **self._params) as stream:
            completion = await self._showing.show(
                stream,
                stream.get_final_completion,
                lambda: any(choice.message.content for choice in stream.current_completion_snapshot.choices),
            )
        self._showing.terminal.end_line()
        if self._runs_tools:
            status = DONE if stream.stopped == "final" else _outcome(completion)
            self._messages, usage = stream.messages, stream.usage
        else:
            status = _outcome(completion)
            self._messages, usage = [*messages, completion.choices[0].message], completion.usage
        self._showing.tell_cost(None if usage is None else (usage.prompt_tokens, usage.completion_tokens))
        return status

    def begin_again(self) -> None:
        """Forget what was said."""
        self._messages = list(self._begun)


def _outcome(completion: ChatCompletion) -> int:
    """Say why an answer is not one, and return the exit status."""
    if not completion.choices:
        raise CommandFailed("the server ended the answer before it began")
    choice = completion.choices[0]
    if choice.finish_reason in _STOPS:
        say(f"the answer is not whole: {_STOPS[choice.finish_reason]}")
    elif choice.message.refusal:
        say("the model refused")
    elif choice.message.content is None:
        say(f"there is no text in the answer: it ended with the finish reason {choice.finish_reason!r}")
    else:
        return DONE
    return INCOMPLETE
