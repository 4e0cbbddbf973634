"""What AG-UI's clients post, as the messages of a request: `messages_from_ag_ui`, `decisions_from_ag_ui`. Pure.

Below it: `conversation`, which writes the messages, and `decided`, which checks what is decided.

Source: https://docs.ag-ui.com/concepts/messages
"""

from collections.abc import Iterator
from typing import Any

from asyncstream.decoding import UnreadableJSON, dump_json, load_json
from asyncstream.looping.book import LoopState
from asyncstream.ui.conversation import USUAL, Attachment, Made, Spoken, Target, Turn, conversation_for, tools_for
from asyncstream.ui.decided import NOT_POSTED, Decision, Decisions
from asyncstream.ui.errors import PostRefusedError
from asyncstream.ui.posted import attachment_of, check_posted, list_in, object_in, text_in

__all__ = ["decisions_from_ag_ui", "messages_from_ag_ui"]

_SKIPPED = ("reasoning", "activity")
_SYSTEM = ("system", "developer")


def messages_from_ag_ui(
    run_input: object, *, target: Target = USUAL, allow_system: bool = False, allow_file_urls: bool = False
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the messages of a posted `RunAgentInput` as a request has them, and the tools that the page answers.

    Nothing of what is posted runs: all of it is text that the user may have written. The tools are the page's own: a
    stream with `run_tools=` stops when the model calls one, and the page posts its output.

    Args:
        run_input: The body.
        target: What they are sent with: chat by default; "responses" gives what goes into its `input`.
        allow_system: Whether system and developer messages are taken.
        allow_file_urls: Whether files are taken that stand at an address, which a server would fetch.

    Returns:
        The messages, and what goes into `tools=` of the request.

    Raises:
        PostRefusedError: It is no such input.
        ConfigurationError: There is no such target.
    """
    check_posted(run_input)
    body = object_in(run_input, "the body")
    posted = [object_in(message, "a message") for message in list_in(body.get("messages"), "messages")]
    outputs = {text_in(one, "toolCallId"): _text_of(one) for one in posted if one.get("role") == "tool"}
    turns: list[Turn] = []
    for message in posted:
        turns += _turns_of(message, outputs, allow_system, allow_file_urls)
    messages = conversation_for(target, turns)
    functions = [_function_of(tool) for tool in list_in(body.get("tools", []), "tools")]
    return messages, tools_for(target, functions)


def decisions_from_ag_ui(run_input: object, state: LoopState) -> dict[str, Decision]:
    """Return what a posted `RunAgentInput` decides about the calls that a loop left open, for ``state.decide``.

    Args:
        run_input: The body. Its `resume` answers the interrupts of the run before, with ``{"approved": true}`` as the
            payload of what is allowed; its last messages may be the outputs of tools that the page answers.
        state: The book of that loop, kept by the application.

    Raises:
        PostRefusedError: It is no such input, or what it decides is not what the state waits for.
    """
    check_posted(run_input)
    body = object_in(run_input, "the body")
    decisions = Decisions(state)
    for entry in list_in(body.get("resume") or [], "resume"):
        entry = object_in(entry, "an entry of resume")
        payload = entry.get("payload")
        told = payload if isinstance(payload, dict) else {}
        approved = entry.get("status") == "resolved" and (payload is True or told.get("approved") is True)
        reason = str(told.get("reason") or "")
        name = told.get("toolName", NOT_POSTED)
        input = told.get("input", NOT_POSTED)
        decisions.approve(text_in(entry, "interruptId"), approved, reason, name=name, input=input)
    posted = [object_in(message, "a message") for message in list_in(body.get("messages"), "messages")]
    calls = {
        text_in(call, "id"): object_in(call.get("function"), "function")
        for message in posted
        for call in _calls_of(message)
    }
    for message in posted:
        if message.get("role") == "tool":
            id = text_in(message, "toolCallId")
            function = calls.get(id)
            name = NOT_POSTED if function is None else function.get("name")
            input = NOT_POSTED if function is None else _input_of(function)
            decisions.answer(id, _text_of(message), name=name, input=input)
    return decisions.taken


def _turns_of(
    message: dict[str, Any], outputs: dict[str, str], allow_system: bool, allow_file_urls: bool
) -> Iterator[Turn]:
    role = text_in(message, "role")
    if role in _SKIPPED or role == "tool":
        return
    if role not in ("user", "assistant") and not (role in _SYSTEM and allow_system):
        raise PostRefusedError(f"messages of the role {role!r} are not taken from browsers")
    text = _text_of(message)
    files = [*_files_of(message, allow_file_urls)] if role == "user" else []
    if text or files or role != "assistant":
        yield Spoken(role, text, files)
    calls = _calls_of(message) if role == "assistant" else []
    if calls:
        yield [_made(call, outputs) for call in calls]


def _calls_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [object_in(call, "a call") for call in list_in(message.get("toolCalls") or [], "toolCalls")]


def _made(call: dict[str, Any], outputs: dict[str, str]) -> Made:
    function = object_in(call.get("function"), "function")
    id = text_in(call, "id")
    input = _input_of(function)
    return Made(id, text_in(function, "name"), input if isinstance(input, dict) else {}, outputs.get(id))


def _input_of(function: dict[str, Any]) -> object:
    """Return the arguments; what is no JSON stays text."""
    text = text_in(function, "arguments")
    try:
        return load_json(text.encode("utf-8", "surrogatepass") or b"{}", exact=True)
    except UnreadableJSON:
        return text


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return content or ""
    parts = [object_in(part, "a part") for part in list_in(content, "content")]
    if message.get("role") == "tool":
        texts = [part.get("text") for part in parts if part.get("type") == "text"]
        return "\n".join(map(str, texts)) if len(texts) == len(parts) else dump_json(parts)
    return "\n".join(text_in(part, "text") for part in parts if part.get("type") == "text")


def _files_of(message: dict[str, Any], allow_file_urls: bool) -> Iterator[Attachment]:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        source = part.get("source")
        if part.get("type") == "text" or not isinstance(source, dict):
            continue
        media_type = text_in(source, "mimeType", default="")
        value = text_in(source, "value")
        if source.get("type") == "data":
            yield Attachment(f"data:{media_type};base64,{value}", media_type)
        elif source.get("type") == "url":
            kind = media_type or ("image/*" if part.get("type") == "image" else "")
            yield attachment_of(value, kind, "", allow_file_urls=allow_file_urls)


def _function_of(tool: object) -> dict[str, Any]:
    tool = object_in(tool, "a tool")
    function = {"name": text_in(tool, "name"), "description": text_in(tool, "description", default="")}
    parameters = tool.get("parameters") or {"type": "object", "properties": {}}
    return {**function, "parameters": object_in(parameters, "parameters")}
