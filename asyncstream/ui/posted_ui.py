"""What `useChat` posts, as the messages of a request: `messages_from_ui`. Pure.

Below it: `conversation`, which writes the messages, and `decided`, which checks what is decided.

Source: https://ai-sdk.dev/docs/reference/ai-sdk-core/ui-message
"""

from collections.abc import Iterator
from typing import Any, Final

from asyncstream.decoding import dump_json
from asyncstream.looping.book import LoopState
from asyncstream.ui.conversation import USUAL, Attachment, Made, Spoken, Target, Turn, conversation_for
from asyncstream.ui.decided import Decision, Decisions
from asyncstream.ui.errors import PostRefusedError
from asyncstream.ui.posted import attachment_of, check_posted, list_in, object_in, text_in
from asyncstream.ui.ui_messages import APPROVAL

__all__ = ["messages_from_ui"]

_DYNAMIC: Final = "dynamic-tool"
_STATIC: Final = "tool-"


def messages_from_ui(
    messages: object,
    *,
    target: Target = USUAL,
    state: LoopState | None = None,
    allow_system: bool = False,
    allow_file_urls: bool = False,
) -> tuple[list[dict[str, Any]], dict[str, Decision]]:
    """Return the messages that a page posted as a request has them, and what it decided about open calls.

    Reasoning, and parts that are of no use to a model, are left out. Nothing of what is posted runs: all of it is text
    that the user may have written.

    Args:
        messages: The member `messages` of the body.
        target: What they are sent with: chat by default; "responses" gives what goes into its `input`.
        state: The book of the loop that stopped for the page, kept by the application. Without it nothing can be
            decided.
        allow_system: Whether system messages are taken.
        allow_file_urls: Whether files are taken that stand at an address, which a server would fetch.

    Returns:
        The messages; and, for ``state.decide``, by the id of a call True, `Refused`, or its output.

    Raises:
        PostRefusedError: They are no messages; or what they decide is not what the state waits for.
        ConfigurationError: There is no such target.
    """
    check_posted(messages)
    decisions = Decisions(state)
    turns: list[Turn] = []
    posted = list_in(messages, "messages")
    for number, message in enumerate(posted, 1):
        message = object_in(message, "a message")
        role = text_in(message, "role")
        parts = [object_in(part, "a part") for part in list_in(message.get("parts"), "parts")]
        if role == "assistant":
            turns += _of_assistant(parts, decisions if number == len(posted) else None)
        elif role == "user" or (role == "system" and allow_system):
            turns.append(Spoken(role, _text_of(parts), [*_files_of(parts, allow_file_urls)]))
        else:
            raise PostRefusedError(f"messages of the role {role!r} are not taken from browsers")
    return conversation_for(target, turns), decisions.taken


def _text_of(parts: list[dict[str, Any]]) -> str:
    return "\n".join(text_in(part, "text") for part in parts if part.get("type") == "text")


def _files_of(parts: list[dict[str, Any]], allow_file_urls: bool) -> Iterator[Attachment]:
    for part in parts:
        if part.get("type") == "file":
            media_type = text_in(part, "mediaType", default="")
            filename = part.get("filename") or ""
            yield attachment_of(text_in(part, "url"), media_type, str(filename), allow_file_urls=allow_file_urls)


def _of_assistant(parts: list[dict[str, Any]], decisions: Decisions | None) -> Iterator[Turn]:
    """Give the turns of an assistant message: a text and calls for each of its steps."""
    step: list[dict[str, Any]] = []
    for part in [*parts, {"type": "step-start"}]:
        if part.get("type") != "step-start":
            step.append(part)
            continue
        text = _text_of(step)
        calls = [call for part in step if (call := _call_of(part, decisions)) is not None]
        if text:
            yield Spoken("assistant", text)
        if calls:
            yield calls
        step = []


def _call_of(part: dict[str, Any], decisions: Decisions | None) -> Made | None:
    """Return the call that a part is; None for what is none, and for what the server of the model answered."""
    kind = text_in(part, "type")
    if kind == _DYNAMIC:
        name = text_in(part, "toolName")
    elif kind.startswith(_STATIC):
        name = kind.removeprefix(_STATIC)
    else:
        return None
    id = text_in(part, "toolCallId")
    input = part.get("input")
    if input is None:
        input = {}
    output: str | None = None
    match part.get("state"):
        case "output-available" if not part.get("preliminary"):
            value = part.get("output")
            output = value if isinstance(value, str) else dump_json(value)
            if decisions is not None:
                decisions.answer(id, output, name=name, input=input)
        case "output-error":
            output = str(part.get("errorText") or "The tool failed.")
            # Of a call that could not be read it is the text that came.
            input = {} if isinstance(input, str) else input
            if decisions is not None:
                decisions.answer(id, output, name=name, input=input)
        case "output-denied":
            output = "Not allowed."
        case "approval-responded" if decisions is not None:
            _approve(id, name, input, object_in(part.get("approval"), "approval"), decisions)
    return None if part.get("providerExecuted") else Made(id, name, input, output)


def _approve(id: str, name: str, input: object, approval: dict[str, Any], decisions: Decisions) -> None:
    approved = approval.get("approved")
    if not isinstance(approved, bool) or approval.get("id") != f"{APPROVAL}{id}":
        raise PostRefusedError(f"the call {id!r} has an approval that nobody asked for")
    decisions.approve(id, approved, str(approval.get("reason") or ""), name=name, input=input)
