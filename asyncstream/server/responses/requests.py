"""The requests of Responses: the tables of their bodies, and what must hold between parts of them. Pure.

The items of `input` are checked in `items`.
"""

import re
from typing import Any

from asyncstream.server.bodies import Fields, check_fields, nullable, optional, required
from asyncstream.server.problems import WireError
from asyncstream.server.state import Wire
from asyncstream.server.strict_schemas import check_strict

__all__ = ["COMPACT", "COUNT", "CREATE", "check_count", "check_request"]

_INPUT = nullable("string", "array")
_MODEL = nullable("string")
COUNT: Fields = {
    "conversation": nullable("string", "object"),
    "input": _INPUT,
    "instructions": nullable("string", "array"),
    "model": _MODEL,
    "parallel_tool_calls": nullable("boolean"),
    "personality": nullable("string"),
    "previous_response_id": nullable("string"),
    "reasoning": nullable("object"),
    "text": nullable("object"),
    "tool_choice": nullable("string", "object"),
    "tools": nullable("array"),
    "truncation": nullable("string"),
}
"""The body that asks how many tokens a request has."""
CREATE: Fields = {
    **{key: field for key, field in COUNT.items() if key != "personality"},
    "access_programs": nullable("object"),
    "background": nullable("boolean"),
    "background_options": nullable("object"),
    "context_management": nullable("array"),
    "image": nullable("object"),
    "include": nullable("array"),
    "max_output_tokens": nullable("integer", low=16),
    "max_tool_calls": nullable("integer", low=1),
    "metadata": nullable("metadata"),
    "moderation": nullable("object"),
    "prompt": nullable("object"),
    "prompt_cache_key": nullable("string"),
    "prompt_cache_options": nullable("object"),
    "prompt_cache_retention": nullable("string"),
    "safety_identifier": nullable("string"),
    "service_tier": nullable("string"),
    "store": nullable("boolean"),
    "stream": nullable("boolean"),
    "stream_options": nullable("object"),
    "temperature": nullable("number", low=0, high=2),
    "tools": nullable("array"),
    "top_logprobs": nullable("integer", low=0, high=20),
    "top_p": nullable("number", low=0, high=1),
    "user": nullable("string"),
}
COMPACT: Fields = {
    "image": nullable("object"),
    "input": _INPUT,
    "instructions": nullable("string"),
    "model": required("string"),
    "previous_response_id": nullable("string"),
    "prompt_cache_key": nullable("string"),
    "prompt_cache_options": nullable("object"),
    "prompt_cache_retention": nullable("string"),
    "service_tier": nullable("string"),
}

INCLUDABLE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)

_STREAM_OPTIONS: Fields = {"include_obfuscation": optional("boolean")}
_FUNCTION: Fields = {
    "type": required("string"),
    "name": required("string"),
    "parameters": nullable("object"),
    "strict": nullable("boolean"),
    "allowed_callers": nullable("array"),
    "async": nullable("boolean"),
    "defer_loading": nullable("boolean"),
    "description": nullable("string"),
    "output_schema": nullable("object"),
}
_CUSTOM: Fields = {
    "type": required("string"),
    "name": required("string"),
    "allowed_callers": nullable("array"),
    "async": nullable("boolean"),
    "defer_loading": nullable("boolean"),
    "description": nullable("string"),
    "format": nullable("object"),
}
_NEEDED = {
    "file_search": ("vector_store_ids",),
    "code_interpreter": ("container",),
    "mcp": ("server_label",),
    "namespace": ("name", "description", "tools"),
}
"""What hosted tools cannot do without."""
_HOSTED = (
    "file_search",
    "computer",
    "computer_use_preview",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "mcp",
    "code_interpreter",
    "programmatic_tool_calling",
    "image_generation",
    "local_shell",
    "shell",
    "namespace",
    "tool_search",
    "apply_patch",
)
_SCHEMA: Fields = {
    "type": required("string"),
    "name": required("string"),
    "schema": required("object"),
    "description": nullable("string"),
    "strict": nullable("boolean"),
}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def check_request(body: Wire, *, closed: bool = True) -> None:
    """Check what the table of fields cannot say of a body that makes a response.

    Args:
        body: The body, each key of its kind.
        closed: Whether keys of tools that OpenAI does not know are refused.

    Raises:
        WireError: 400 for the first thing that is wrong.
    """
    check_count(body, closed=closed)
    if body.get("model") is None and body.get("prompt") is None:
        raise _missing("model")
    if body.get("stream_options") is not None:
        if not body.get("stream"):
            raise _wrong("stream_options", "is only for requests with 'stream'")
        check_fields(body["stream_options"], _STREAM_OPTIONS, "stream_options")
    if body.get("background") and body.get("store") is False:
        raise _wrong("background", "is only for responses that are stored")
    for place, name in enumerate(body.get("include") or ()):
        if name not in INCLUDABLE:
            raise _wrong(f"include[{place}]", f"is one of {', '.join(INCLUDABLE)}, not '{name}'")


def check_count(body: Wire, *, closed: bool = True) -> None:
    """Check what making a response and counting its tokens have in common; as `check_request` does."""
    if body.get("conversation") is not None and body.get("previous_response_id") is not None:
        raise WireError(
            400,
            "'previous_response_id' and 'conversation' exclude each other.",
            param=None,
            code="mutually_exclusive_parameters",
        )
    if all(body.get(key) is None for key in ("input", "previous_response_id", "prompt", "conversation")):
        raise WireError(
            400,
            "One of 'input', 'previous_response_id', 'prompt' and 'conversation' is required.",
            param="input",
            code="missing_required_parameter",
        )
    for place, tool in enumerate(body.get("tools") or ()):
        _check_tool(tool, f"tools[{place}]", closed=closed)
    _check_tool_choice(body)
    _check_text(body.get("text"))


def _check_tool(tool: object, where: str, *, closed: bool) -> None:
    kind = check_fields(tool, {"type": required("string")}, where, closed=False)["type"]
    if kind not in ("function", "custom"):
        if kind not in _HOSTED and closed:
            raise _wrong(f"{where}.type", f"is 'function', 'custom' or a tool that OpenAI runs, not '{kind}'")
        needed = {key: required("string", "array", "object") for key in _NEEDED.get(kind, ())}
        check_fields(tool, needed, where, closed=False)
        return
    named = check_fields(tool, _FUNCTION if kind == "function" else _CUSTOM, where, closed=closed)
    _check_name(named, where)
    if kind == "function" and named.get("strict"):
        check_strict(named.get("parameters"), f"the function '{named['name']}'", f"{where}.parameters")


def _check_name(named: Wire, where: str) -> None:
    if not _NAME.fullmatch(named["name"]):
        raise _wrong(f"{where}.name", f"has 1 to 64 letters, digits, '_' and '-', unlike '{named['name']}'")


def _check_tool_choice(body: Wire) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    if isinstance(choice, str):
        if choice not in ("none", "auto", "required"):
            raise _wrong("tool_choice", f"is 'none', 'auto', 'required' or an object, not '{choice}'")
        if choice == "required" and not body.get("tools"):
            raise _wrong("tool_choice", "is 'required' only in requests with 'tools'")
        return
    kind = check_fields(choice, {"type": required("string")}, "tool_choice", closed=False)["type"]
    if kind in ("function", "custom"):
        name = check_fields(choice, {"name": required("string")}, "tool_choice", closed=False)["name"]
        known = [tool["name"] for tool in body.get("tools") or () if tool["type"] == kind]
        if name not in known:
            raise _wrong("tool_choice", f"names '{name}', which is not among the tools")


def _check_text(text: Any) -> None:
    form = None if text is None else text.get("format")
    match form:
        case None | {"type": "text" | "json_object"}:
            pass
        case {"type": "json_schema"}:
            checked = check_fields(form, _SCHEMA, "text.format")
            _check_name(checked, "text.format")
            if checked.get("strict"):
                check_strict(checked["schema"], f"the text format '{checked['name']}'", "text.format.schema")
        case _:
            raise _wrong("text.format.type", "is 'text', 'json_object', or 'json_schema' with a 'schema'")


def _missing(param: str) -> WireError:
    return WireError(400, f"'{param}' is required.", param=param, code="missing_required_parameter")


def _wrong(param: str, what: str) -> WireError:
    return WireError(400, f"'{param}' {what}.", param=param, code="invalid_value")
