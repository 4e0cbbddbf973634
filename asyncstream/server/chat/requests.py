"""The requests of chat: the tables of their bodies, what must hold between parts of them, and what the model is told.

Pure. Of the messages only what the API itself looks at is checked: roles, content, and that each tool message answers a
call and each call is answered.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from asyncstream.server.actions import Segment, ToolResult
from asyncstream.server.bodies import Fields, check_fields, nullable, optional, required
from asyncstream.server.problems import WireError
from asyncstream.server.state import Wire
from asyncstream.server.strict_schemas import check_strict

__all__ = ["CREATE", "UPDATE", "check_request", "count_words", "segment_of"]

CREATE: Fields = {
    "messages": required("array"),
    "model": required("string"),
    "audio": nullable("object"),
    "frequency_penalty": nullable("number", low=-2, high=2),
    "function_call": optional("string", "object"),
    "functions": optional("array"),
    "logit_bias": nullable("object"),
    "logprobs": nullable("boolean"),
    "max_completion_tokens": nullable("integer", low=1),
    "max_tokens": nullable("integer", low=1),
    "metadata": nullable("metadata"),
    "modalities": nullable("array"),
    "moderation": nullable("object"),
    "n": nullable("integer", low=1, high=128),
    "parallel_tool_calls": optional("boolean"),
    "prediction": nullable("object"),
    "presence_penalty": nullable("number", low=-2, high=2),
    "prompt_cache_key": nullable("string"),
    "prompt_cache_options": optional("object"),
    "prompt_cache_retention": nullable("string"),
    "reasoning_effort": nullable("string"),
    "response_format": optional("object"),
    "safety_identifier": nullable("string"),
    "seed": nullable("integer"),
    "service_tier": nullable("string"),
    "stop": nullable("string", "array"),
    "store": nullable("boolean"),
    "stream": nullable("boolean"),
    "stream_options": nullable("object"),
    "temperature": nullable("number", low=0, high=2),
    "tool_choice": optional("string", "object"),
    "tools": optional("array"),
    "top_logprobs": nullable("integer", low=0, high=20),
    "top_p": nullable("number", low=0, high=1),
    "user": optional("string"),
    "verbosity": nullable("string"),
    "web_search_options": optional("object"),
}
UPDATE: Fields = {"metadata": required("metadata")}

_ROLE = required("string")
_CONTENT = required("string", "array")
_MAYBE_CONTENT = nullable("string", "array")
# The last line of a model's message: what providers of reasoning want back, under their own keys.
_MESSAGES: Mapping[str, Fields] = {
    "developer": {"role": _ROLE, "content": _CONTENT, "name": optional("string")},
    "system": {"role": _ROLE, "content": _CONTENT, "name": optional("string")},
    "user": {"role": _ROLE, "content": _CONTENT, "name": optional("string")},
    "assistant": {
        "role": _ROLE,
        "content": _MAYBE_CONTENT,
        "refusal": nullable("string"),
        "name": optional("string"),
        "audio": nullable("object"),
        "tool_calls": optional("array"),
        "function_call": nullable("object"),
        "annotations": nullable("array"),
        "reasoning": nullable("string"),
        "reasoning_content": nullable("string"),
        "reasoning_details": nullable("array"),
        "extra_content": nullable("object"),
    },
    "tool": {
        "role": _ROLE,
        "content": _CONTENT,
        "tool_call_id": required("string"),
        "name": optional("string"),
    },
    "function": {"role": _ROLE, "content": _MAYBE_CONTENT, "name": required("string")},
}
_STREAM_OPTIONS: Fields = {"include_usage": optional("boolean"), "include_obfuscation": optional("boolean")}
_FUNCTION: Fields = {
    "name": required("string"),
    "description": optional("string"),
    "parameters": optional("object"),
    "strict": nullable("boolean"),
}
_CUSTOM: Fields = {"name": required("string"), "description": optional("string"), "format": optional("object")}
_SCHEMA: Fields = {
    "name": required("string"),
    "description": optional("string"),
    "schema": optional("object"),
    "strict": nullable("boolean"),
}
_CALL: Fields = {
    "id": required("string"),
    "type": required("string"),
    "function": optional("object"),
    "custom": optional("object"),
    "extra_content": optional("object"),
}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MAX_TOOLS = 128
_MAX_STOPS = 4


def check_request(body: Wire, *, closed: bool = True) -> None:
    """Check what the table of `CREATE` cannot say.

    Args:
        body: A body that fits the table.
        closed: Whether a message with a key that OpenAI does not know is refused.

    Raises:
        WireError: 400 for the first thing that is wrong.
    """
    _check_options(body)
    for key, fields in (("tools", None), ("functions", _FUNCTION)):
        tools = body.get(key)
        if tools is not None and not 1 <= len(tools) <= _MAX_TOOLS:
            raise _wrong(key, f"has 1 to {_MAX_TOOLS} entries, not {len(tools)}")
        for place, tool in enumerate(tools or ()):
            where = f"{key}[{place}]"
            if fields is None:
                _check_tool(tool, where)
            else:
                _check_name(check_fields(tool, fields, where), where)
    _check_tool_choice(body)
    if not body["messages"]:
        raise _wrong("messages", "has at least one message")
    for place, message in enumerate(body["messages"]):
        _check_message(message, f"messages[{place}]", closed=closed)
    _check_answers(body["messages"])
    _check_response_format(body)


def segment_of(body: Mapping[str, Any]) -> Segment:
    """Return what the model is told: the last question, the tools, and what they returned since."""
    messages: Sequence[Mapping[str, Any]] = body["messages"]
    last = max((place for place, message in enumerate(messages) if message["role"] == "user"), default=-1)
    question = _text(messages[last]) if last >= 0 else ""
    tools = body.get("tools") or [{"type": "function", "function": each} for each in body.get("functions") or ()]
    request = dict(body)
    if "function_call" in body:
        choice = body["function_call"]
        request["tool_choice"] = choice if isinstance(choice, str) else {"type": "function", "function": choice}
    return Segment(question, tools, tuple(_results(messages[last + 1 :])), request)


def count_words(body: Mapping[str, Any]) -> int:
    """Return the words of all messages, which is what the prompt costs."""
    return sum(len(_text(message).split()) for message in body["messages"])


def _results(messages: Sequence[Mapping[str, Any]]) -> Iterator[ToolResult]:
    calls: dict[str, tuple[str, str]] = {}
    legacy: dict[str, str] = {}
    for message in messages:
        for call in message.get("tool_calls") or ():
            function = call.get("function") or {}
            custom = call.get("custom") or {}
            name = function.get("name") or custom.get("name") or ""
            calls[call["id"]] = (name, function.get("arguments") or custom.get("input") or "")
        if message.get("function_call"):
            legacy[message["function_call"].get("name", "")] = message["function_call"].get("arguments", "")
        if message["role"] == "tool":
            name, arguments = calls.get(message["tool_call_id"], ("", ""))
            yield ToolResult(name, arguments, _text(message))
        elif message["role"] == "function":
            yield ToolResult(message["name"], legacy.get(message["name"], ""), _text(message))


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if isinstance(part.get("text"), str))


# What stands at the root.


def _check_options(body: Wire) -> None:
    streams = bool(body.get("stream"))
    if body.get("stream_options") is not None:
        if not streams:
            raise _wrong("stream_options", "is only for requests with 'stream'")
        check_fields(body["stream_options"], _STREAM_OPTIONS, "stream_options")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise _wrong("top_logprobs", "is only for requests with 'logprobs'")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise _wrong("max_tokens", "is the older form of 'max_completion_tokens': send one of them")
    stop = body.get("stop")
    if isinstance(stop, list) and (len(stop) > _MAX_STOPS or not all(isinstance(one, str) for one in stop)):
        raise _wrong("stop", f"is a text, or a list of at most {_MAX_STOPS}")
    if "parallel_tool_calls" in body and not body.get("tools"):
        raise _wrong("parallel_tool_calls", "is only for requests with 'tools'")


def _check_tool(tool: object, where: str) -> None:
    fields: Fields = {"type": required("string"), "function": optional("object"), "custom": optional("object")}
    checked = check_fields(tool, fields, where)
    kind = checked["type"]
    if kind not in ("function", "custom"):
        raise _wrong(f"{where}.type", f"is 'function' or 'custom', not '{kind}'")
    place = f"{where}.{kind}"
    if kind not in checked:
        raise WireError(400, f"'{place}' is required.", param=place, code="missing_required_parameter")
    inner = check_fields(checked[kind], _FUNCTION if kind == "function" else _CUSTOM, place)
    _check_name(inner, place)
    if kind == "function" and inner.get("strict"):
        check_strict(inner.get("parameters"), f"the function '{inner['name']}'", f"{place}.parameters")


def _check_name(named: Wire, where: str) -> None:
    if not _NAME.fullmatch(named["name"]):
        raise _wrong(f"{where}.name", f"has 1 to 64 letters, digits, '_' and '-', unlike '{named['name']}'")


def _check_tool_choice(body: Wire) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not body.get("tools"):
        raise _wrong("tool_choice", "is only for requests with 'tools'")
    if isinstance(choice, str):
        if choice not in ("none", "auto", "required"):
            raise _wrong("tool_choice", f"is 'none', 'auto' or 'required', not '{choice}'")
        return
    known = {tool[tool["type"]]["name"] for tool in body["tools"]}
    match choice:
        case {"type": "function", "function": {"name": name}} | {"type": "custom", "custom": {"name": name}}:
            if name not in known:
                raise _wrong("tool_choice", f"names '{name}', which is not among the tools")
        case {"type": "allowed_tools", "allowed_tools": {"mode": "auto" | "required", "tools": [*_]}}:
            pass
        case _:
            raise _wrong("tool_choice", "names a function, a custom tool, or allowed tools")


def _check_response_format(body: Wire) -> None:
    form = body.get("response_format")
    match form:
        case None | {"type": "text"}:
            pass
        case {"type": "json_object"}:
            if not any("json" in _text(message).lower() for message in body["messages"]):
                raise _wrong("messages", "has the word 'json' somewhere, if 'response_format' is 'json_object'")
        case {"type": "json_schema", "json_schema": described}:
            where = "response_format.json_schema"
            checked = check_fields(described, _SCHEMA, where)
            _check_name(checked, where)
            if checked.get("strict"):
                check_strict(checked.get("schema"), f"the response format '{checked['name']}'", f"{where}.schema")
        case _:
            raise _wrong("response_format.type", "is 'text', 'json_object', or 'json_schema' with a 'json_schema'")


# Messages.


def _check_message(message: object, where: str, *, closed: bool) -> None:
    role = message.get("role") if isinstance(message, dict) else None
    if isinstance(role, str) and role not in _MESSAGES:
        raise _wrong(f"{where}.role", f"is one of {', '.join(_MESSAGES)}, not '{role}'")
    # What is no object, or has no role, does not fit any table.
    checked = check_fields(message, _MESSAGES[role if isinstance(role, str) else "user"], where, closed=closed)
    content = checked.get("content")
    for place, part in enumerate(content if isinstance(content, list) else ()):
        _check_part(part, f"{where}.content[{place}]")
    if role != "assistant":
        return
    if content is None and not any(checked.get(key) for key in ("tool_calls", "function_call", "refusal", "audio")):
        raise WireError(
            400, f"'{where}.content' is required without calls.", param=f"{where}.content", code="invalid_type"
        )
    for place, call in enumerate(checked.get("tool_calls") or ()):
        at = f"{where}.tool_calls[{place}]"
        kind = check_fields(call, _CALL, at)["type"]
        if kind not in ("function", "custom") or kind not in call:
            raise _wrong(f"{at}.type", "is 'function' or 'custom', and the call has what it says")


def _check_part(part: object, where: str) -> None:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise _wrong(where, "is a part with a 'type'")
    kind = part["type"]
    key = "text" if kind == "text" else kind
    if key not in part:
        raise WireError(400, f"'{where}.{key}' is required.", param=f"{where}.{key}", code="missing_required_parameter")


def _check_answers(messages: Sequence[Mapping[str, Any]]) -> None:
    """Check that calls are answered by the messages right behind them, and that nothing else is."""
    open_ids: list[str] = []
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_ids:
                raise _wrong(f"{where}.tool_call_id", "is the id of a call in the model's message before it")
            open_ids.remove(message["tool_call_id"])
            continue
        if open_ids:
            raise _wrong(where, f"comes before these calls are answered: {', '.join(open_ids)}")
        open_ids = [call["id"] for call in message.get("tool_calls") or ()]
    if open_ids:
        raise _wrong("messages", f"ends before these calls are answered: {', '.join(open_ids)}")


def _wrong(param: str, what: str) -> WireError:
    return WireError(400, f"'{param}' {what}.", param=param, code="invalid_value")
