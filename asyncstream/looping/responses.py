"""How a response is gone on with that calls tools or asks for leave: what is open, and the items that answer it. Pure.

Above it: `streaming.responses`, which sends what is made here, by hand (`reply_to`) or in a loop (`calls_of`,
`next_round`). It never judges whether a response is complete: its caller gives one that is. Whatever would make the
next request invalid or its meaning doubtful is refused before it is sent.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec import Raw, Struct

from asyncstream.errors import ConfigurationError
from asyncstream.looping.book import LOST, UNRUN, UNRUN_CUT, KeptCall, LoopState
from asyncstream.looping.outputs import output_text
from asyncstream.tools.content import File, Image, Output
from asyncstream.tools.next_round import NextRound
from asyncstream.tools.rounds import ToolResult
from asyncstream.types.responses import Response
from asyncstream.types.responses_items import ResponseCustomToolCall
from asyncstream.types.responses_tools import CustomTool, NamespaceTool
from asyncstream.types.structs import WireStruct

__all__ = [
    "ANSWERED_ELSEWHERE",
    "Reply",
    "approvals_of",
    "calls_of",
    "conversation",
    "history_of",
    "is_cut",
    "item_param",
    "next_body",
    "next_round",
    "reply_to",
]

JSONObject: TypeAlias = dict[str, Any]

_APPROVAL: Final = "mcp_approval_response"

_ANSWERS: Final[Mapping[str, str]] = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
    "computer_call": "computer_call_output",
    "local_shell_call": "local_shell_call_output",
    "shell_call": "shell_call_output",
    "apply_patch_call": "apply_patch_call_output",
    "tool_search_call": "tool_search_output",
    "mcp_approval_request": _APPROVAL,
}
"""The items that somebody must answer, and by what; where the server does it itself, the response has both."""

_BY_TEXT: Final = frozenset({"function_call_output", "custom_tool_call_output"})
"""What an output that is a text alone can become; the others hold more."""


class Reply(Struct, frozen=True):
    """What goes back for a response that calls tools."""

    items: list[JSONObject]
    """One for each call, in the order of the calls."""
    results: list[ToolResult]


class _Open(NamedTuple):
    """What must be answered."""

    id: str
    """What its answer names."""
    name: str
    answer: str
    """The type of the item that answers it."""
    type: str
    """The type of the item that asks for it."""


def reply_to(response: Response[Any], outputs: Sequence[object], *, number: int) -> Reply:
    """Return what goes back for a response, given the outputs of its calls, in any order.

    Args:
        response: One that is complete.
        outputs: For each of its calls, ``{"call_id": ..., "output": str}`` (also ``"tool_call_id"``), or the whole item
            that answers it, such as ``{"type": "computer_call_output", ...}``.
        number: The number of the round whose response it is.

    Raises:
        ConfigurationError: The response is cut or waits for nothing, or an output is missing, not text, or for a call
            that is not open.

    Source: https://platform.openai.com/docs/guides/function-calling
    """
    _check_whole(response)
    waiting = _open_in(response)
    if not waiting:
        raise ConfigurationError("this response calls no tool that is to be answered, so it takes no outputs")
    given = _by_id(outputs)
    _check_ids([one.id for one in waiting], given)
    reply = Reply([], [])
    for place, one in enumerate(waiting):
        item = _answer(one, given[one.id].popleft())
        reply.items.append(item)
        reply.results.append(
            ToolResult(round=number, place=place, id=one.id, name=one.name, output=_told_output(one, item))
        )
    return reply


def approvals_of(approvals: Sequence[object]) -> list[JSONObject]:
    """Return approvals as the items that `reply_to` takes.

    Args:
        approvals: ``{"approval_request_id": ..., "approve": bool}``, with a `reason` if there is one.

    Raises:
        ConfigurationError: One is none.
    """
    return [_approval(approval) for approval in _listed(approvals, "approvals")]


def next_body(sent: bytes, response: Response[Any], items: list[JSONObject]) -> dict[str, object]:
    """Return the body of the request that goes on with a response.

    A response that the server keeps is named; one that belongs to a conversation needs not be. Else all that was sent
    and all that was answered goes before the new items. The rest is passed on as its bytes are.

    Raises:
        ConfigurationError: What was sent has no input that could be gone on with.
    """
    body = _members(sent)
    before, named = _before(body, history_of(sent, response))
    return {**{key: value for key, value in body.items() if key not in _REPLACED}, **named, "input": [*before, *items]}


_REPLACED: Final = frozenset({"input", "previous_response_id"})


def _members(sent: bytes) -> dict[str, Raw]:
    try:
        return msgspec.json.decode(sent or b"{}", type=dict[str, Raw])
    except msgspec.DecodeError:
        raise ConfigurationError("the request has no input that could be gone on with") from None


def _before(body: Mapping[str, Raw], history: Mapping[str, Any]) -> tuple[list[Any], dict[str, object]]:
    """Return what is said again before new items, and what is said in its place, for a server that keeps it."""
    if _said(body, "conversation") != b"null":
        return [], {}
    if history["kept_as"]:
        return [], {"previous_response_id": history["kept_as"]}
    before: dict[str, object] = {name: body[name] for name in ("previous_response_id",) if name in body}
    return [*history["input"], *history["output"]], before


# In a loop.

ANSWERED_ELSEWHERE: Final = frozenset(_ANSWERS) - {"function_call", "custom_tool_call", "mcp_approval_request"}
"""Types of calls that no function answers; in a loop that is what they are called."""


def is_cut(response: Response[Any]) -> bool:
    """Return True if the calls of a response may not be whole."""
    cut = response.status in ("incomplete", "cancelled")
    return cut or any(getattr(item, "cut", None) is not None for item in response.output)


def calls_of(response: Response[Any]) -> list[KeptCall]:
    """Return what a response waits for: outputs of functions, and decisions about calls to MCP servers."""
    texts = {
        _key_of(item): str(getattr(item, "arguments", None) or "")
        for item in response.output
        if item.type in ("function_call", "custom_tool_call")
    }
    requests = {item.id: item for item in response.output if item.type == "mcp_approval_request"}
    return [
        KeptCall(
            place=place,
            id=one.id,
            name=one.name or one.type,
            arguments=str(requests[one.id].arguments or "") if one.id in requests else texts.get(one.id, ""),
            runs_elsewhere=one.answer == _APPROVAL,
        )
        for place, one in enumerate(_open_in(response))
    ]


def history_of(sent: bytes, response: Response[Any]) -> dict[str, Any]:
    """Return what of a conversation is kept in the book: what was sent, the response, and whether the server keeps it.

    Raises:
        ConfigurationError: What was sent has no input that could be gone on with.
    """
    body = _members(sent)
    stored = response.id and response.store is not False and _said(body, "store") != b"false"
    try:
        before = _input_of(body)
    except msgspec.DecodeError:
        raise ConfigurationError("the request has no input that could be gone on with") from None
    return {
        "input": before,
        "output": [item_param(item) for item in response.output],
        "kept_as": response.id if stored else None,
        "answers": [one.answer for one in _open_in(response)],
    }


def next_round(sent: bytes, state: LoopState) -> NextRound:
    """Return the request for the next response.

    Args:
        sent: The body of a request of this loop: its parameters are the next one's.
        state: The book, with a result of each call.
    """
    body = _members(sent)
    before, named = _before(body, state.history)
    free = _free_choice(body)
    members = {key: value for key, value in body.items() if key not in _REPLACED | {"tool_choice"}}
    return NextRound(
        state.round + 1,
        {**members, **free, **named},
        list_key="input",
        before=[item if isinstance(item, Raw) else Raw(msgspec.json.encode(item)) for item in before],
        added=_answers(state, [call.output for call in state.calls]),
    )


def conversation(sent: bytes, state: LoopState, response: Response[Any]) -> list[Any]:
    """Return the items so far, each call answered: what may be sent next time, whatever became of this.

    Args:
        sent: The body of the request for the response that is looked at.
        state: The book.
        response: The response, as far as it came.
    """
    history = state.history if state.calls else history_of(sent, response)
    calls = state.calls or calls_of(response)
    shown = LoopState(calls=calls, history=history)
    outputs = [_left(call, known=bool(state.calls)) if call.open else call.output for call in calls]
    said = [msgspec.json.decode(item) if isinstance(item, Raw) else item for item in history["input"]]
    return [*said, *history["output"], *_answers(shown, outputs)]


def _left(call: KeptCall, *, known: bool) -> str:
    if not known:
        return UNRUN_CUT
    return LOST if call.standing == "began" else UNRUN


def _answers(state: LoopState, outputs: Sequence[Output]) -> list[JSONObject]:
    answered = zip(state.calls, state.history["answers"], outputs, strict=True)
    return [_kept_answer(call, answer, output) for call, answer, output in answered]


def _kept_answer(call: KeptCall, answer: str, output: Output) -> JSONObject:
    if call.item is not None:
        return call.item
    if answer == _APPROVAL:
        return {"type": answer, "approval_request_id": call.id, "approve": call.standing == "returned"}
    told = output if isinstance(output, str) else [_part(part) for part in output]
    return {"type": answer, "call_id": call.id, "output": told}


def _part(part: str | Image | File) -> JSONObject:
    match part:
        case str():
            return {"type": "input_text", "text": part}
        case Image():
            return {"type": "input_image", "image_url": part.url, "detail": part.detail}
        case File():
            members = msgspec.structs.asdict(part)
            return {"type": "input_file", **{name: value for name, value in members.items() if value is not None}}


def _free_choice(body: Mapping[str, Raw]) -> JSONObject:
    """Return the `tool_choice` of the rounds after the first: one that forces a call would never let a loop end."""
    if "tool_choice" not in body:
        return {}
    choice = msgspec.json.decode(body["tool_choice"])
    if isinstance(choice, Mapping):
        return {"tool_choice": {**choice, "mode": "auto"}} if choice.get("type") == "allowed_tools" else {}
    return {} if choice == "required" else {"tool_choice": choice}


def _said(body: Mapping[str, Raw], name: str) -> bytes:
    """Return the JSON of a member; of one that was not sent, what means the same."""
    return bytes(body.get(name, b"null"))


def _input_of(body: Mapping[str, Raw]) -> list[object]:
    found = msgspec.json.decode(_said(body, "input"), type=str | list[Raw] | None)
    return [{"role": "user", "content": found}] if isinstance(found, str) else list(found or ())


def item_param(item: WireStruct) -> JSONObject:
    """Return an item as a request carries it; a call that has no `call_id` is answered under its id."""
    sent: JSONObject = item.to_dict()
    # What the wire did not give is "" or empty in a struct; servers refuse it as an id, or beside a summary.
    if sent.get("id") == "":
        del sent["id"]
    if sent.get("type") == "reasoning" and sent.get("content") == []:
        del sent["content"]
    for name in _NULLABLE.get(str(sent.get("type")), ()):
        sent.setdefault(name, None)
    if sent.get("type") in ("function_call", "custom_tool_call") and not sent.get("call_id"):
        sent["call_id"] = sent.get("id", "")
    return sent


_NULLABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "code_interpreter_call": ("code", "outputs"),
    "image_generation_call": ("result",),
}
"""Members of items that a request must have, and that may be null: the wire sent that, and in a struct it is None."""


# What is open.


def _check_whole(response: Response[Any]) -> None:
    if response.status in ("incomplete", "cancelled"):
        details = response.incomplete_details
        why = (None if details is None else details.reason) or response.status
        raise ConfigurationError(f"this response is cut ({why!r}): its calls may not be whole, and take no outputs")
    for item in response.output:
        cut = getattr(item, "cut", None)
        if cut is not None:
            raise ConfigurationError(f"a call of this response is cut ({cut!r}), so that it takes no outputs")


def _open_in(response: Response[Any]) -> list[_Open]:
    answered = {(str(item.type), _key_of(item)) for item in response.output}
    found: list[_Open] = []
    for item in response.output:
        answer = _ANSWERS.get(item.type)
        key = item.id if answer == _APPROVAL else _key_of(item)
        if answer is None or not key or (answer, key) in answered or _is_the_servers(response, item):
            continue
        found.append(_Open(key, str(getattr(item, "name", "") or ""), answer, item.type))
    return found


def _key_of(item: object) -> str:
    """Return what an item that is a call, or answers one, has in common with its counterpart."""
    for name in ("approval_request_id", "call_id", "id"):
        key = getattr(item, name, None)
        if isinstance(key, str) and key:
            return key
    return ""


def _is_the_servers(response: Response[Any], item: object) -> bool:
    """Tell whether the server has dealt with a call itself, without an item that says so."""
    if getattr(item, "type", None) == "tool_search_call":
        return getattr(item, "execution", None) != "client"
    if isinstance(item, ResponseCustomToolCall) and response.tools:
        # xAI shows the calls of its own tools in this form; those of the user are declared.
        return item.name not in _custom_tools(response.tools)
    return False


def _custom_tools(tools: Iterable[object]) -> set[str]:
    names: set[str] = set()
    for tool in tools:
        if isinstance(tool, CustomTool):
            names.add(tool.name)
        elif isinstance(tool, NamespaceTool):
            names |= _custom_tools(tool.tools)
    return names


# What is given.


def _listed(given: object, what: str) -> Sequence[object]:
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Sequence):
        raise ConfigurationError(f"expected a list of {what}, got {type(given).__name__}")
    return given


def _by_id(outputs: Sequence[object]) -> dict[str, deque[JSONObject]]:
    given: dict[str, deque[JSONObject]] = {}
    for output in _listed(outputs, "outputs"):
        item = output.to_dict() if isinstance(output, WireStruct) else output
        if not isinstance(item, Mapping):
            raise ConfigurationError(f"expected each output as {_FORM}, got {type(output).__name__}")
        entry: JSONObject = dict(item)
        id = _named_by(entry)
        given.setdefault(id, deque()).append(entry)
    return given


_FORM: Final = "{'call_id': ..., 'output': ...} or as a whole item"


def _named_by(entry: Mapping[str, object]) -> str:
    """Return the id of the call that an output is for."""
    if "type" in entry:
        names: tuple[str, ...] = ("approval_request_id", "call_id", "id")
    elif set(entry) in ({"call_id", "output"}, {"tool_call_id", "output"}):
        names = ("call_id", "tool_call_id")
    else:
        raise ConfigurationError(f"expected each output as {_FORM}, got keys {sorted(map(str, entry))}")
    name = next((name for name in names if entry.get(name) is not None), names[-2])
    id = entry.get(name)
    if not isinstance(id, str):
        raise ConfigurationError(f"expected a {name} as text, got {type(id).__name__}")
    return id


def _check_ids(waiting: list[str], given: Mapping[str, deque[JSONObject]]) -> None:
    for id, outputs in given.items():
        if id not in waiting:
            raise ConfigurationError(f"no call {id!r} is open; the open ones are {', '.join(map(repr, waiting))}")
        if len(outputs) > waiting.count(id):
            raise ConfigurationError(f"expected {waiting.count(id)} output for {id!r}, got {len(outputs)}")
    missing = [id for id in dict.fromkeys(waiting) if len(given.get(id, ())) < waiting.count(id)]
    if missing:
        raise ConfigurationError(f"every open call needs an output; there is none for {', '.join(map(repr, missing))}")


def _answer(one: _Open, entry: JSONObject) -> JSONObject:
    if "type" in entry:
        if entry["type"] != one.answer:
            raise ConfigurationError(f"{one.id!r} is answered by an item {one.answer!r}, not {entry['type']!r}")
        return _approval(entry) if one.answer == _APPROVAL else entry
    if one.answer not in _BY_TEXT:
        raise ConfigurationError(f"{one.id!r} is answered by a whole item: {{'type': {one.answer!r}, ...}}")
    return {"type": one.answer, "call_id": one.id, "output": output_text(one.id, entry["output"])}


_APPROVAL_CHECKS: Final[Mapping[str, Callable[[object], bool]]] = {
    "type": lambda value: value == _APPROVAL,
    "approval_request_id": lambda value: isinstance(value, str),
    "approve": lambda value: isinstance(value, bool),
    "reason": lambda value: value is None or isinstance(value, str),
    "id": lambda value: value is None or isinstance(value, str),
}


def _approval(given: object) -> JSONObject:
    entry: JSONObject = given.to_dict() if isinstance(given, WireStruct) else {}
    if isinstance(given, Mapping):
        entry = dict(given)
    whole: JSONObject = {"type": _APPROVAL, **entry}
    right = all(name in _APPROVAL_CHECKS and _APPROVAL_CHECKS[name](value) for name, value in whole.items())
    if not right or not {"approval_request_id", "approve"} <= whole.keys():
        shown = f"keys {sorted(map(str, entry))}" if entry else type(given).__name__
        raise ConfigurationError(
            f"expected each approval as {{'approval_request_id': ..., 'approve': True or False}}, got {shown}"
        )
    return whole


def _told_output(one: _Open, item: JSONObject) -> str:
    """Return what a round tells of an answer: its text, or what else it holds as JSON."""
    held = item.get("approve" if one.answer == _APPROVAL else "output")
    if isinstance(held, str):
        return held
    try:
        return msgspec.json.encode(held).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigurationError(f"the output of {one.id!r} cannot be encoded as JSON: {error}") from error
