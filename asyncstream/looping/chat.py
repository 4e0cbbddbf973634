"""How a chat goes on after an answer that calls tools: which calls are open, and the messages that answer them. Pure.

Above it: `streaming.chat`, which sends what is made here, by hand (`reply_to`) or in a loop (`offer`, `next_round`). It
never judges whether an answer is complete: its caller gives one that is. Whatever would make the next request invalid
or its meaning doubtful is refused before it is sent.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec import Raw, Struct

from asyncstream.errors import ConfigurationError
from asyncstream.looping.book import LOST, UNRUN, UNRUN_CUT, KeptCall, LoopState
from asyncstream.looping.outputs import output_text
from asyncstream.params.shared import ToolOutputs
from asyncstream.tools.next_round import NextRound
from asyncstream.tools.rounds import ToolResult
from asyncstream.types.chat import ChatCompletion, ChatCompletionMessageToolCall

__all__ = [
    "Offer",
    "Reply",
    "check_round",
    "conversation",
    "history_of",
    "next_body",
    "next_round",
    "offer",
    "reply_to",
]


class Reply(Struct, frozen=True):
    """What goes back for an answer that calls tools."""

    messages: list[dict[str, Any]]
    """The answer's own message, then one for each call, in the order of the calls."""
    results: list[ToolResult]


class Offer(Struct, frozen=True):
    """What an answer asks for."""

    message: dict[str, Any]
    """The answer's own message as it goes back."""
    calls: list[KeptCall]
    """Each under the id that it is answered with: where an answer has two calls under one, the later has its own."""
    by_id: list[bool]
    """Of each call, whether it is answered by its id; one in the older form is by its name."""
    cut: str | None
    """Why the calls may not be whole; None if they are."""

    def messages(self, outputs: Sequence[str]) -> list[dict[str, Any]]:
        """Return the answer's message and one for each call."""
        return [self.message, *_answers(self.calls, self.by_id, outputs)]


def offer(completion: ChatCompletion[object]) -> Offer:
    """Return what an answer asks for.

    Raises:
        ConfigurationError: It has several choices.
    """
    choices = completion.choices
    if len(choices) > 1:
        raise ConfigurationError(f"outputs go back to one choice, and this answer has {len(choices)}: send n=1")
    if not choices:
        return Offer({"role": "assistant", "content": None}, [], [], None)
    message = choices[0].message
    calls = message.tool_calls or []
    param = cast("dict[str, Any]", message.to_param())
    listed: deque[dict[str, Any]] = deque(dict(call) for call in param.get("tool_calls", ()))
    if listed:
        param["tool_calls"] = [*listed]
    ids = [_id_of(call) for call in calls]
    wanted = {*ids}
    kept: list[KeptCall] = []
    by_id: list[bool] = []
    taken: set[str] = set()
    for place, (call, id) in enumerate(zip(calls, ids, strict=True)):
        # The older form has no ids, so there is at most one of it.
        by_id.append(bool(listed) and listed[0].get("id") == id)
        if by_id[-1]:
            entry = listed.popleft()
            entry["id"] = answered = _unused(id, taken, wanted)
        else:
            answered = id
        taken.add(answered)
        kept.append(KeptCall(place=place, id=answered, name=call.name, arguments=call.arguments))
    cuts = [message.cut, *(getattr(call, "cut", None) for call in calls)]
    return Offer(param, kept, by_id, next((cut for cut in cuts if cut is not None), None))


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
    offered = offer(completion)
    if not offered.calls:
        raise ConfigurationError("this answer calls no tool, so it takes no outputs")
    if offered.cut is not None:
        raise ConfigurationError(
            f"this answer is cut ({offered.cut!r}): its calls may not be whole, and take no outputs"
        )
    given = _by_id(outputs)
    ids = [_id_of(call) for call in completion.choices[0].message.tool_calls or ()]
    _check_ids(ids, given)
    texts = [given[id].popleft() for id in ids]
    results = [
        ToolResult(round=number, place=call.place, id=call.id, name=call.name, output=text)
        for call, text in zip(offered.calls, texts, strict=True)
    ]
    return Reply(offered.messages(texts), results)


# In a loop.


def history_of(sent: bytes, offered: Offer) -> dict[str, Any]:
    """Return what of a conversation is kept in the book: what was sent, and the answer.

    Arguments that are no JSON object go back as ``{}``: strict servers refuse the whole conversation else.

    Raises:
        ConfigurationError: What was sent has no list of messages.
    """
    message = {**offered.message}
    if "tool_calls" in message:
        message["tool_calls"] = [_sendable(call) for call in message["tool_calls"]]
    if isinstance(message.get("function_call"), dict):
        message["function_call"] = _with_object(message["function_call"])
    return {"messages": _sent(sent)[1], "message": message, "by_id": offered.by_id}


def next_round(sent: bytes, state: LoopState) -> NextRound:
    """Return the request for the next answer.

    Args:
        sent: The body of a request of this loop: its parameters are the next one's.
        state: The book, with a result of each call.
    """
    body = _members(sent)
    history = state.history
    added = [history["message"], *_answers(state.calls, history["by_id"], [_text(call) for call in state.calls])]
    return NextRound(
        state.round + 1,
        {key: value for key, value in body.items() if key not in ("messages", "tool_choice")} | _free_choice(body),
        list_key="messages",
        before=_raws(history["messages"]),
        added=added,
    )


def check_round(upcoming: NextRound) -> None:
    """Look whether each call still has its answer.

    Raises:
        ConfigurationError: One has none, so that a server would refuse the conversation.
    """
    waiting: dict[str, None] = {}
    for message in upcoming.changed_list or ():
        if not isinstance(message, Mapping):
            continue
        if message.get("role") == "tool":
            waiting.pop(str(message.get("tool_call_id")), None)
        elif waiting:
            break
        for call in message.get("tool_calls") or ():
            waiting[str(call.get("id"))] = None
    if waiting:
        raise ConfigurationError(f"the messages of the next request lack the answer of {', '.join(map(repr, waiting))}")


def conversation(sent: bytes, state: LoopState, completion: ChatCompletion[object]) -> list[Any]:
    """Return the messages so far, each call answered: what may be sent next time, whatever became of this.

    Args:
        sent: The body of the request for the answer that is looked at.
        state: The book.
        completion: The answer, as far as it came.
    """
    if state.calls:
        texts = [_left(call) if call.open else _told(call) for call in state.calls]
        before = [msgspec.json.decode(raw) for raw in _raws(state.history["messages"])]
        return [*before, state.history["message"], *_answers(state.calls, state.history["by_id"], texts)]
    before = [msgspec.json.decode(raw) for raw in _sent(sent)[1]]
    choice = completion.choices[0] if completion.choices else None
    if choice is None:
        return before
    offered = offer(completion)
    if not offered.calls and not choice.message.content and not choice.message.refusal:
        return before
    message = history_of(sent, offered)["message"]
    return [*before, message, *_answers(offered.calls, offered.by_id, [UNRUN_CUT] * len(offered.calls))]


def _told(call: KeptCall) -> str:
    return call.output if isinstance(call.output, str) else "The tool returned what cannot be sent here."


def _left(call: KeptCall) -> str:
    return LOST if call.standing == "began" else UNRUN


def _answers(calls: Sequence[KeptCall], by_id: Sequence[bool], outputs: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"role": "tool", "tool_call_id": call.id, "content": output}
        if has_id
        else {"role": "function", "name": call.name, "content": output}
        for call, has_id, output in zip(calls, by_id, outputs, strict=True)
    ]


def _text(call: KeptCall) -> str:
    if isinstance(call.output, str):
        return call.output
    raise ConfigurationError(f"the output of {call.name!r} is Content, and a chat takes text alone")


def _members(body: bytes) -> dict[str, Raw]:
    try:
        return msgspec.json.decode(body, type=dict[str, Raw])
    except msgspec.DecodeError:
        raise ConfigurationError("the request has no list of messages that could be gone on with") from None


def _sent(body: bytes) -> tuple[dict[str, Raw], list[Raw]]:
    members = _members(body)
    try:
        return members, msgspec.json.decode(members["messages"], type=list[Raw])
    except (KeyError, msgspec.DecodeError):
        raise ConfigurationError("the request has no list of messages that could be gone on with") from None


def _raws(messages: Sequence[Any]) -> list[Raw]:
    return [message if isinstance(message, Raw) else Raw(msgspec.json.encode(message)) for message in messages]


def _free_choice(body: Mapping[str, Raw]) -> dict[str, object]:
    """Return the `tool_choice` of the rounds after the first: one that forces a call would never let a loop end."""
    if "tool_choice" not in body:
        return {}
    choice = msgspec.json.decode(body["tool_choice"])
    if isinstance(choice, Mapping):
        allowed = choice.get("allowed_tools")
        if isinstance(allowed, Mapping):
            return {"tool_choice": {**choice, "allowed_tools": {**allowed, "mode": "auto"}}}
        return {}
    return {} if choice == "required" else {"tool_choice": choice}


def _sendable(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    return {**call, "function": _with_object(function)} if isinstance(function, dict) else call


def _with_object(function: dict[str, Any]) -> dict[str, Any]:
    try:
        msgspec.json.decode(function.get("arguments") or "", type=dict[str, Raw])
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {**function, "arguments": "{}"}
    return function


def next_body(sent: bytes, messages: list[dict[str, Any]]) -> dict[str, object]:
    """Return the body of the request that goes on: what was sent before, with more messages after its own.

    What was sent is passed on as its bytes are; nothing of it is read but the list of messages.

    Raises:
        ConfigurationError: What was sent has no list of messages.
    """
    body, before = _sent(sent)
    return {**body, "messages": [*before, *messages]}


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


def _unused(id: str, taken: set[str], given: set[str]) -> str:
    """Return an id that stands for one call alone: the same every time that it is asked for."""
    if id not in taken:
        return id
    number = 2
    while (unused := f"{id}_{number}") in taken or unused in given:
        number += 1
    return unused
