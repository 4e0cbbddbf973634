"""A conversation that a page posted, in the words of a request: `chat_messages`, `response_items`. Pure.

The readers (`posted_ui`, `posted_ag_ui`) make neutral turns of what they find; here these become chat messages or
items of Responses. Assistant texts and calls that a browser posts are text of the user's making, and nothing else.

Rule 1: each call has its answer; without one, it gets one that says so, for servers refuse the conversation else.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from asyncstream.decoding import dump_json
from asyncstream.errors import ConfigurationError
from asyncstream.looping.book import UNRUN

__all__ = ["USUAL", "Attachment", "Made", "Spoken", "Target", "Turn", "conversation_for", "tools_for"]

Target: TypeAlias = Literal["chat", "responses"]

USUAL: Final = "chat"
"""The target that is meant if none is given."""


class Attachment(Struct, frozen=True):
    """A file of a user."""

    url: str
    media_type: str = ""
    filename: str = ""


class Spoken(Struct, frozen=True):
    """What somebody wrote."""

    role: str
    text: str
    files: list[Attachment] = []


class Made(Struct, frozen=True):
    """A call, and what came of it."""

    id: str
    name: str
    input: object
    """The arguments; a text for a tool that takes text."""
    output: str | None = None


Turn: TypeAlias = Spoken | list[Made]
"""What was written, or the calls of one answer; those follow what the answer says."""


def conversation_for(target: Target, turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """Return turns as the messages of a request.

    Raises:
        ConfigurationError: There is no such target.
    """
    return _row(target)[0](turns)


def tools_for(target: Target, functions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return functions as what goes into `tools=` of a request.

    Raises:
        ConfigurationError: There is no such target.
    """
    return [_row(target)[1](function) for function in functions]


def _row(target: Target) -> tuple[Callable[[Iterable[Turn]], list[dict[str, Any]]], Callable[[Any], dict[str, Any]]]:
    row = _TARGETS.get(target)
    if row is None:
        raise ConfigurationError(f"expected target to be 'chat' or 'responses', got {target!r}")
    return row


def _chat_messages(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    spoke = False
    for turn in turns:
        if isinstance(turn, Spoken):
            messages.append({"role": turn.role, "content": _chat_content(turn)})
            spoke = turn.role == "assistant"
            continue
        if not spoke:
            messages.append({"role": "assistant"})
        messages[-1]["tool_calls"] = [_chat_call(call) for call in turn]
        messages += [{"role": "tool", "tool_call_id": call.id, "content": _answer_of(call)} for call in turn]
        spoke = False
    return messages


def _chat_content(turn: Spoken) -> str | list[dict[str, Any]]:
    if not turn.files:
        return turn.text
    parts: list[dict[str, Any]] = [{"type": "text", "text": turn.text}] if turn.text else []
    for file in turn.files:
        if file.media_type.startswith("image/"):
            parts.append({"type": "image_url", "image_url": {"url": file.url}})
        else:
            held = {"file_data": file.url, "filename": file.filename or "file"}
            parts.append({"type": "file", "file": held})
    return parts


def _chat_call(call: Made) -> dict[str, Any]:
    if isinstance(call.input, str):
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.input}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _arguments_of(call)}}


def _response_items(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for turn in turns:
        if isinstance(turn, Spoken):
            items.append({"role": turn.role, "content": _response_content(turn)})
            continue
        for call in turn:
            if isinstance(call.input, str):
                items.append({"type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": call.input})
            else:
                made = {"call_id": call.id, "name": call.name, "arguments": _arguments_of(call)}
                items.append({"type": "function_call", **made})
        for call in turn:
            kind = "custom_tool_call_output" if isinstance(call.input, str) else "function_call_output"
            items.append({"type": kind, "call_id": call.id, "output": _answer_of(call)})
    return items


def _response_content(turn: Spoken) -> str | list[dict[str, Any]]:
    if not turn.files:
        return turn.text
    parts: list[dict[str, Any]] = [{"type": "input_text", "text": turn.text}] if turn.text else []
    for file in turn.files:
        if file.media_type.startswith("image/"):
            parts.append({"type": "input_image", "image_url": file.url})
        elif file.url.startswith("data:"):
            parts.append({"type": "input_file", "file_data": file.url, "filename": file.filename or "file"})
        else:
            parts.append({"type": "input_file", "file_url": file.url})
    return parts


def _arguments_of(call: Made) -> str:
    return dump_json(call.input if isinstance(call.input, dict) else {})


def _answer_of(call: Made) -> str:
    return UNRUN if call.output is None else call.output


_TARGETS: Final[
    Mapping[str, tuple[Callable[[Iterable[Turn]], list[dict[str, Any]]], Callable[[Any], dict[str, Any]]]]
] = {
    "chat": (_chat_messages, lambda function: {"type": "function", "function": function}),
    "responses": (_response_items, lambda function: {"type": "function", **function}),
}
"""How each writes turns, and the definition of a function."""
