"""How a chat goes on after an answer that calls tools: which calls are open, and the messages that answer them. Pure.

Above it: `streaming.chat`, which sends what is made here. It never judges whether an answer is complete: its caller
gives one that is. Whatever would make the next request invalid or its meaning doubtful is refused before it is sent.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec import Raw, Struct

from asyncstream.errors import ConfigurationError
from asyncstream.looping.outputs import output_text
from asyncstream.params.shared import ToolOutputs
from asyncstream.tools.rounds import ToolResult
from asyncstream.types.chat import (
    ChatCompletion,
    ChatCompletionMessage,
    ChatCompletionMessageToolCall,
)

__all__ = ["Reply", "next_body", "reply_to"]


class Reply(Struct, frozen=True):
    """What goes back for an answer that calls tools."""

    messages: list[dict[str, Any]]
    """The answer's own message, then one for each call, in the order of the calls."""
    results: list[ToolResult]


def reply_to(completion: ChatCompletion[object], outputs: ToolOutputs, *, number: int) -> Reply:
    """Return what goes back for an answer, given the outputs of its calls, in any order.

    Where an answer has two calls under one id, the outputs with that id are theirs in order, and the later call goes
    back under an id of its own: one that is given twice does not say which call is meant.

    Args:
        completion: An answer that is complete.
        outputs: ``{"tool_call_id": ..., "output": str}`` for each of its calls.
        number: The number of the round whose answer it is.

    Raises:
        ConfigurationError: The answer is cut or calls no tool, it has several choices, or an output is missing, not
            text, or for a call that is not open.

    Source: https://platform.openai.com/docs/guides/function-calling
    """
    message = _calling_message(completion)
    calls = message.tool_calls or []
    given = _by_id(outputs)
    _check_ids([_id_of(call) for call in calls], given)
    param = cast("dict[str, Any]", message.to_param())
    listed: deque[dict[str, Any]] = deque(dict(call) for call in param.get("tool_calls", ()))
    if listed:
        param["tool_calls"] = [*listed]
    reply = Reply([param], [])
    taken: set[str] = set()
    for place, call in enumerate(calls):
        id, name = _id_of(call), call.name
        output = given[id].popleft()
        if listed and listed[0].get("id") == id:
            entry = listed.popleft()
            id = entry["id"] = _unused(id, taken, given)
            reply.messages.append({"role": "tool", "tool_call_id": id, "content": output})
        else:
            # The older form has no ids, so there is at most one of it.
            reply.messages.append({"role": "function", "name": name, "content": output})
        taken.add(id)
        reply.results.append(ToolResult(round=number, place=place, id=id, name=name, output=output))
    return reply


def next_body(sent: bytes, messages: list[dict[str, Any]]) -> dict[str, object]:
    """Return the body of the request that goes on: what was sent before, with more messages after its own.

    What was sent is passed on as its bytes are; nothing of it is read but the list of messages.

    Raises:
        ConfigurationError: What was sent has no list of messages.
    """
    try:
        body = msgspec.json.decode(sent, type=dict[str, Raw])
        before = msgspec.json.decode(body["messages"], type=list[Raw])
    except (KeyError, msgspec.DecodeError):
        raise ConfigurationError("the request has no list of messages that could be gone on with") from None
    return {**body, "messages": [*before, *messages]}


def _calling_message(completion: ChatCompletion[object]) -> ChatCompletionMessage[object]:
    choices = completion.choices
    if len(choices) > 1:
        raise ConfigurationError(f"outputs go back to one choice, and this answer has {len(choices)}: send n=1")
    if not choices or not choices[0].message.tool_calls:
        raise ConfigurationError("this answer calls no tool, so it takes no outputs")
    message = choices[0].message
    for cut in (message.cut, *(getattr(call, "cut", None) for call in message.tool_calls or ())):
        if cut is not None:
            raise ConfigurationError(f"this answer is cut ({cut!r}): its calls may not be whole, and take no outputs")
    return message


def _by_id(outputs: ToolOutputs) -> dict[str, deque[str]]:
    if isinstance(outputs, str | bytes | Mapping) or not isinstance(outputs, Sequence):
        raise ConfigurationError(f"expected a list of outputs, got {type(outputs).__name__}")
    given: dict[str, deque[str]] = {}
    for output in cast("Sequence[object]", outputs):
        if not isinstance(output, Mapping) or set(output) != {"tool_call_id", "output"}:
            shown = f"keys {sorted(map(str, output))}" if isinstance(output, Mapping) else type(output).__name__
            raise ConfigurationError(f"expected each output as {{'tool_call_id': ..., 'output': ...}}, got {shown}")
        id, text = output["tool_call_id"], output["output"]
        if not isinstance(id, str):
            raise ConfigurationError(f"expected a tool_call_id as text, got {type(id).__name__}")
        given.setdefault(id, deque()).append(output_text(id, text))
    return given


def _check_ids(ids: list[str], given: Mapping[str, deque[str]]) -> None:
    open_calls = Counter(ids)
    for id, outputs in given.items():
        if id not in open_calls:
            raise ConfigurationError(f"no call {id!r} is open; the open ones are {', '.join(map(repr, open_calls))}")
        if len(outputs) > open_calls[id]:
            raise ConfigurationError(f"expected one output for {id!r}, got {len(outputs)}")
    missing = [id for id, count in open_calls.items() if len(given.get(id, ())) < count]
    if missing:
        raise ConfigurationError(f"every open call needs an output; there is none for {', '.join(map(repr, missing))}")


def _id_of(call: ChatCompletionMessageToolCall) -> str:
    return str(call.to_param().get("id") or "")


def _unused(id: str, taken: set[str], given: Mapping[str, object]) -> str:
    """Return an id that stands for one call alone: the same every time that it is asked for."""
    if id not in taken:
        return id
    number = 2
    while (unused := f"{id}_{number}") in taken or unused in given:
        number += 1
    return unused
