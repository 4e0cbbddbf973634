"""The wire objects of Responses: the response itself, its usage, conversations. Pure, but for clock and ids."""

from collections.abc import Mapping
from typing import Any

from asyncstream.server.state import Wire, new_id, now

__all__ = ["new_conversation", "new_response", "response_usage", "shown"]

_ECHOED: Mapping[str, Any] = {
    "max_output_tokens": None,
    "max_tool_calls": None,
    "model": "gpt-4o",
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "service_tier": "auto",
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}
"""What a response repeats of its request, and what it says where the request says nothing."""
_OPTIONAL = ("prompt", "prompt_cache_options", "prompt_cache_retention", "moderation")
"""What it repeats only if it was said."""


def new_response(body: Mapping[str, Any], conversation_id: str | None) -> Wire:
    """Return a response that has not begun."""
    background = bool(body.get("background"))
    reasoning = body.get("reasoning") or {}
    wire: Wire = {
        "id": new_id("resp"),
        "object": "response",
        "created_at": now(),
        "status": "queued" if background else "in_progress",
        "background": background,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "output": [],
        "reasoning": {"effort": None, "summary": None, **reasoning},
        "text": {"format": {"type": "text"}, "verbosity": "medium", **(body.get("text") or {})},
        "tools": [_tool(tool) for tool in body.get("tools") or ()],
        "usage": None,
        **{key: default if body.get(key) is None else body[key] for key, default in _ECHOED.items()},
        **{key: body[key] for key in _OPTIONAL if body.get(key) is not None},
    }
    if conversation_id is not None:
        wire["conversation"] = {"id": conversation_id}
    return wire


def _tool(tool: Wire) -> Wire:
    if tool["type"] != "function":
        return tool
    return {"description": None, "parameters": None, "strict": True, **tool}


def shown(response: Wire) -> Wire:
    """Return a response as it is now; what happens to it later does not show."""
    return {**response, "output": list(response["output"])}


def response_usage(input_tokens: int, output_tokens: int, reasoning_tokens: int) -> Wire:
    """Return a usage object."""
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning_tokens},
        "total_tokens": input_tokens + output_tokens,
    }


def new_conversation(metadata: Mapping[str, str] | None) -> Wire:
    """Return a conversation."""
    return {"id": new_id("conv"), "object": "conversation", "created_at": now(), "metadata": dict(metadata or {})}
