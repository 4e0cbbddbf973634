"""What the snapshot of a call says to a page: who runs it, with what it was called, what came back. Pure.

Calls of all protocols are read alike, by the members that they have; no class of a protocol is imported. Above it:
`answer`.
"""

from typing import Any, Final, NamedTuple

import msgspec

from asyncstream.decoding import UnreadableJSON, dump_json, load_json

__all__ = ["NOTHING", "Given", "call_id", "call_name", "given_to", "is_hosted", "output_of", "takes_text"]

_ANSWERED_HERE: Final = frozenset(
    {
        "function",
        "custom",
        "function_call",
        "custom_tool_call",
        "computer_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
    }
)
"""The types of calls that the application or the page answers; all others are answered by the server of the model."""

_TAKES_TEXT: Final = frozenset({"custom", "custom_tool_call", "code_interpreter", "code_interpreter_call"})
"""The types of calls whose input is text and no JSON."""

_OUTPUTS: Final = ("output", "outputs", "results", "result")
_ABOUT: Final = frozenset(
    {*_OUTPUTS, "id", "call_id", "status", "error", "cut", "extra", "partial_images", "approval_request_id", "name"}
)
"""Members that are nothing of what a tool is called with."""

NOTHING: Final = object()
"""No output is there."""


class Given(NamedTuple):
    """What a call is called with."""

    input: object
    """The arguments, decoded; or the text, where the tool takes text; or, of a broken call, the text as it came."""
    text: str
    """The same as text."""
    broken: str = ""
    """Why it cannot be run; "" if it can."""


def call_id(snapshot: Any, fallback: str) -> str:
    """Return the id under which a call is answered."""
    return getattr(snapshot, "call_id", "") or getattr(snapshot, "id", "") or fallback


def call_name(snapshot: Any) -> str:
    """Return the name of what is called: of a tool without a name, its type; "" if that has not come yet."""
    if hasattr(snapshot, "name"):
        return snapshot.name or ""
    return str(getattr(snapshot, "wire_type", "") or snapshot.type).removesuffix("_call")


def is_hosted(snapshot: Any) -> bool:
    """Tell whether the server of the model answers the call itself."""
    return snapshot.type not in _ANSWERED_HERE and not hasattr(snapshot, "function")


def takes_text(snapshot: Any) -> bool:
    """Tell whether the tool is called with text and no JSON."""
    return snapshot.type in _TAKES_TEXT


def given_to(snapshot: Any) -> Given:
    """Return what a complete call is called with."""
    text = _text_of(snapshot)
    cut = getattr(snapshot, "cut", None)
    if cut:
        return Given(text, text, f"The call is not whole ({cut}).")
    if takes_text(snapshot):
        return Given(text, text)
    if text:
        try:
            return Given(load_json(text.encode("utf-8", "surrogatepass"), exact=True), text)
        except UnreadableJSON:
            return Given(text, text, "The arguments of the call are no JSON.")
    members = {} if hasattr(snapshot, "arguments") else _plain(_members(snapshot))
    return Given(members, dump_json(members))


def _text_of(snapshot: Any) -> str:
    for name in ("code", "arguments", "input"):
        text = getattr(snapshot, name, None)
        if isinstance(text, str) and text:
            return text
    return ""


def _members(snapshot: Any) -> dict[str, object]:
    names = (name for name in snapshot.__struct_fields__ if name not in _ABOUT)
    return {name: value for name in names if (value := getattr(snapshot, name)) is not None}


def _plain(value: object) -> object:
    """Return a value as JSON has it, without nulls."""
    value = msgspec.to_builtins(value, enc_hook=str)
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items() if member is not None and member != {}}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def output_of(snapshot: Any) -> tuple[object, str]:
    """Return what the server of the model gave for a call, `NOTHING` if that is not there, and what went wrong.

    A picture is not repeated here: it is a file of its own.
    """
    payload = getattr(snapshot, str(snapshot.type), None)
    for holder in (snapshot, payload):
        error = _member(holder, "error")
        if error:
            return NOTHING, error if isinstance(error, str) else "The tool failed."
        for name in _OUTPUTS:
            value = _member(holder, name)
            if value is not None and value != []:
                return ({"made": True} if name == "result" else _plain(value)), ""
    status = getattr(snapshot, "status", None)
    return NOTHING, "The tool failed." if status == "failed" else ""


def _member(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)
