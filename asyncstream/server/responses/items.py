"""The items that requests send: which there are, what each needs, and how they stand in lists. Pure, but for ids.

A text stands for a message of the user, a message may come in the easy form; both become the messages that lists show.
Items without id get one. What refers to another item, by id or as the output of a call, is resolved by `engine`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from asyncstream.server.actions import ToolResult
from asyncstream.server.bodies import Fields, check_fields, nullable, required
from asyncstream.server.problems import WireError
from asyncstream.server.state import Wire, new_id

__all__ = ["ANSWERS", "check_calls", "count_words", "last_question", "read_items", "results_of"]

_TEXT = required("string")
_MAYBE_TEXT = nullable("string")
_CALL: Fields = {
    "type": _TEXT,
    "id": _MAYBE_TEXT,
    "call_id": _TEXT,
    "name": _TEXT,
    "async": nullable("boolean"),
    "caller": nullable("object"),
    "created_by": _MAYBE_TEXT,
    "namespace": _MAYBE_TEXT,
    "status": _MAYBE_TEXT,
}
_OUTPUT: Fields = {
    "type": _TEXT,
    "id": _MAYBE_TEXT,
    "call_id": _TEXT,
    "output": required("string", "array"),
    "caller": nullable("object"),
    "created_by": _MAYBE_TEXT,
    "name": _MAYBE_TEXT,
    "namespace": _MAYBE_TEXT,
    "status": _MAYBE_TEXT,
}
_CLOSED: Mapping[str, Fields] = {
    "message": {
        "type": _MAYBE_TEXT,
        "id": _MAYBE_TEXT,
        "role": _TEXT,
        "content": required("string", "array"),
        "phase": _MAYBE_TEXT,
        "status": _MAYBE_TEXT,
    },
    "function_call": {**_CALL, "arguments": _TEXT},
    "custom_tool_call": {**_CALL, "input": _TEXT},
    "function_call_output": _OUTPUT,
    "custom_tool_call_output": _OUTPUT,
    "mcp_approval_response": {
        "type": _TEXT,
        "id": _MAYBE_TEXT,
        "approval_request_id": _TEXT,
        "approve": required("boolean"),
        "reason": _MAYBE_TEXT,
    },
    "reasoning": {
        "type": _TEXT,
        "id": _MAYBE_TEXT,
        "summary": required("array"),
        "content": nullable("array"),
        "encrypted_content": _MAYBE_TEXT,
        "status": _MAYBE_TEXT,
    },
    "item_reference": {"type": _MAYBE_TEXT, "id": _TEXT},
}
"""Items that are written by hand, or copied from an answer with more in them than the API takes back."""
_OPEN: Mapping[str, Sequence[str]] = {
    "file_search_call": ("id", "queries"),
    "web_search_call": ("id",),
    "computer_call": ("id", "call_id"),
    "computer_call_output": ("call_id", "output"),
    "image_generation_call": ("id",),
    "code_interpreter_call": ("id", "container_id"),
    "local_shell_call": ("id", "call_id", "action"),
    "local_shell_call_output": ("output",),
    "shell_call": ("call_id", "action"),
    "shell_call_output": ("call_id", "output"),
    "apply_patch_call": ("call_id", "operation"),
    "apply_patch_call_output": ("call_id", "status"),
    "mcp_list_tools": ("server_label", "tools"),
    "mcp_approval_request": ("id", "server_label", "name", "arguments"),
    "mcp_call": ("id", "server_label", "name", "arguments"),
    "compaction": ("encrypted_content",),
    "compaction_trigger": (),
    "configuration_update": (),
    "tool_search_call": (),
    "tool_search_output": ("tools",),
    "additional_tools": ("tools",),
    "program": ("code",),
    "program_output": ("result",),
}
"""Items that come from answers, with what they need; more in them does not matter."""
_ROLES = ("user", "assistant", "system", "developer")
_PARTS: Mapping[str, Sequence[str]] = {
    "input_text": ("text",),
    "input_image": (),
    "input_file": (),
    "input_audio": ("input_audio",),
    "output_text": ("text",),
    "refusal": ("refusal",),
}
_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "mcp_approval_response": "mcpa",
    "reasoning": "rs",
    "compaction": "cmp",
}

ANSWERS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
"""The calls that the user answers, and what with."""


def read_items(value: object, where: str = "input", *, closed: bool = True) -> list[Wire]:
    """Check the items of a request and return them as lists show them.

    Args:
        value: A text, a list of items, or None.
        where: Its place in the body.
        closed: Whether members that OpenAI does not take are refused.

    Raises:
        WireError: 400 for the first item that does not fit.
    """
    if value is None:
        return []
    if isinstance(value, str):
        return [_message({"role": "user", "content": value})]
    if not isinstance(value, list):
        raise WireError(400, f"'{where}' is a string or an array.", param=where, code="invalid_type")
    return [_item(one, f"{where}[{place}]", closed=closed) for place, one in enumerate(value)]


def _item(item: object, where: str, *, closed: bool) -> Wire:
    if not isinstance(item, dict):
        raise WireError(400, f"'{where}' is an object.", param=where, code="invalid_type")
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    if kind in _CLOSED:
        check_fields(item, _CLOSED[kind], where, closed=closed)
    elif kind in _OPEN:
        for key in _OPEN[kind]:
            if key not in item:
                raise _missing(f"{where}.{key}")
    elif closed:
        raise _wrong(f"{where}.type", f"is the type of an item, not '{kind}'")
    if kind != "message":
        made = {"id": new_id(_PREFIXES.get(kind, "item"))} if not item.get("id") else {}
        return {**item, **made, "type": kind}
    if item["role"] not in _ROLES:
        raise _wrong(f"{where}.role", f"is one of {', '.join(_ROLES)}, not '{item['role']}'")
    for place, part in enumerate(item["content"] if isinstance(item["content"], list) else ()):
        _check_part(part, f"{where}.content[{place}]")
    return _message(item)


def _check_part(part: object, where: str) -> None:
    kind = check_fields(part, {"type": _TEXT}, where, closed=False)["type"]
    if kind not in _PARTS:
        raise _wrong(f"{where}.type", f"is one of {', '.join(_PARTS)}, not '{kind}'")
    check_fields(part, {key: required("string", "object") for key in _PARTS[kind]}, where, closed=False)


def _message(item: Wire) -> Wire:
    content = item["content"]
    if isinstance(content, str):
        if item["role"] == "assistant":
            content = [{"type": "output_text", "text": content, "annotations": [], "logprobs": []}]
        else:
            content = [{"type": "input_text", "text": content}]
    message = {"id": item.get("id") or new_id("msg"), "type": "message", "status": item.get("status") or "completed"}
    return {**message, "role": item["role"], "content": content} | ({"phase": item["phase"]} if "phase" in item else {})


def check_calls(items: Iterable[Wire]) -> None:
    """Check that each output answers a call before it, and that each call is answered.

    Raises:
        WireError: 400 for the first that is not so.
    """
    open_calls: dict[str, str] = {}
    known: set[tuple[str, str]] = set()
    for item in items:
        kind = item["type"]
        if kind in ANSWERS:
            open_calls[item["call_id"]] = kind
            known.add((ANSWERS[kind], item["call_id"]))
        elif kind in ANSWERS.values():
            if (kind, item["call_id"]) not in known:
                raise WireError(
                    400, f"No tool call is there for the output with the call_id {item['call_id']}.", param="input"
                )
            open_calls.pop(item["call_id"], None)
    if open_calls:
        call_id, kind = next(iter(open_calls.items()))
        raise WireError(400, f"No tool output is there for the {kind.replace('_', ' ')} {call_id}.", param="input")


def last_question(items: Sequence[Wire]) -> str:
    """Return the text of the last message of the user."""
    return next((text_of(item) for item in reversed(items) if _is_question(item)), "")


def results_of(items: Sequence[Wire]) -> tuple[ToolResult, ...]:
    """Return the calls since the last message of the user, with their outputs, in the order of these."""
    calls: dict[str, Wire] = {}
    results: list[ToolResult] = []
    for item in items:
        kind = item["type"]
        if _is_question(item):
            results = []
        elif kind in ANSWERS:
            calls[item["call_id"]] = item
        elif kind in ANSWERS.values():
            call = calls.get(item["call_id"], {})
            text = call.get("arguments", call.get("input"))
            results.append(ToolResult(call.get("name") or "", text or "", text_of(item)))
        elif kind == "mcp_call" and item.get("output") is not None:
            results.append(ToolResult(item["name"], item["arguments"], item["output"]))
    return tuple(results)


def count_words(items: Iterable[Mapping[str, Any]], *more: object) -> int:
    """Count the tokens of what a model is told: words."""
    texts = [text_of(item) or _json(item) for item in items]
    texts += [one if isinstance(one, str) else _json(one) for one in more if one]
    return sum(len(text.split()) for text in texts)


def text_of(item: Mapping[str, Any]) -> str:
    """Return the text of a message or an output."""
    content = item.get("content", item.get("output"))
    if isinstance(content, str):
        return content
    return "\n".join(_texts(content if isinstance(content, list) else ()))


def _texts(parts: Iterable[object]) -> Iterator[str]:
    for part in parts:
        match part:
            case {"text": str(text)} | {"refusal": str(text)}:
                yield text


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _is_question(item: Wire) -> bool:
    return (item["type"], item.get("role")) == ("message", "user")


def _missing(param: str) -> WireError:
    return WireError(400, f"'{param}' is required.", param=param, code="missing_required_parameter")


def _wrong(param: str, what: str) -> WireError:
    return WireError(400, f"'{param}' {what}.", param=param, code="invalid_value")
