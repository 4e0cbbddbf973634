"""New wire objects, with every property that the API's description requires and the defaults that its servers fill in.

Pure, but for the clock and the ids. Keeps nothing: `state` does. What an object looks like is decided here alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from asyncstream.server.problems import WireError
from asyncstream.server.state import Wire, new_id, now

__all__ = [
    "USER_PARTS",
    "new_assistant",
    "new_message",
    "new_reply",
    "new_run",
    "new_step",
    "new_thread",
    "plain_tools",
    "shown_step",
    "usage",
]

USER_PARTS = ("text", "image_file", "image_url")
"""The content parts that a request may hold."""


def new_assistant(body: Mapping[str, Any]) -> Wire:
    """Return an assistant for a checked body."""
    tools = plain_tools(body.get("tools"))
    return {
        "id": new_id("asst"),
        "object": "assistant",
        "created_at": now(),
        "name": body.get("name"),
        "description": body.get("description"),
        "model": body["model"],
        "instructions": body.get("instructions"),
        "tools": tools,
        "top_p": _given(body, "top_p", 1.0),
        "temperature": _given(body, "temperature", 1.0),
        "reasoning_effort": body.get("reasoning_effort"),
        "tool_resources": _given(body, "tool_resources", _resources(tools)),
        "metadata": _given(body, "metadata", {}),
        "response_format": _given(body, "response_format", "auto"),
    }


def new_thread(body: Mapping[str, Any]) -> Wire:
    """Return a thread for a checked body; its messages are made apart."""
    return {
        "id": new_id("thread"),
        "object": "thread",
        "created_at": now(),
        "metadata": _given(body, "metadata", {}),
        "tool_resources": _given(body, "tool_resources", {}),
    }


def new_message(thread_id: str, body: Mapping[str, Any], where: str = "") -> Wire:
    """Return the message of a request; `where` is its place in the body, for errors."""
    role = body["role"]
    dot = f"{where}." if where else ""
    if role not in ("user", "assistant"):
        raise WireError(400, f"'{dot}role' is 'user' or 'assistant'.", param=f"{dot}role", code="invalid_value")
    time = now()
    return _message(
        thread_id,
        role=role,
        created_at=time,
        completed_at=time,
        content=_content(body["content"], f"{dot}content"),
        attachments=_given(body, "attachments", []),
        metadata=_given(body, "metadata", {}),
    )


def new_reply(run: Wire) -> Wire:
    """Return the message that a run is about to write: in progress and empty."""
    return _message(
        run["thread_id"],
        role="assistant",
        status="in_progress",
        created_at=now(),
        assistant_id=run["assistant_id"],
        run_id=run["id"],
    )


def new_run(thread: Wire, assistant: Wire, body: Mapping[str, Any], *, lifetime: float) -> Wire:
    """Return a queued run for a checked body; what it does not say comes from the assistant."""
    time = now()
    instructions = [_given(body, "instructions", assistant["instructions"]), body.get("additional_instructions")]
    tools = assistant["tools"] if body.get("tools") is None else plain_tools(body["tools"])
    return {
        "id": new_id("run"),
        "object": "thread.run",
        "created_at": time,
        "assistant_id": assistant["id"],
        "thread_id": thread["id"],
        "status": "queued",
        "started_at": None,
        "expires_at": time + round(lifetime),
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "required_action": None,
        "last_error": None,
        "model": _given(body, "model", assistant["model"]),
        "instructions": "\n".join(part for part in instructions if part) or None,
        "tools": tools,
        "tool_resources": _given(body, "tool_resources", _resources(tools)),
        "metadata": _given(body, "metadata", {}),
        "temperature": _given(body, "temperature", assistant["temperature"]),
        "top_p": _given(body, "top_p", assistant["top_p"]),
        "reasoning_effort": _given(body, "reasoning_effort", assistant["reasoning_effort"]),
        "max_completion_tokens": body.get("max_completion_tokens"),
        "max_prompt_tokens": body.get("max_prompt_tokens"),
        "truncation_strategy": {"last_messages": None, **_given(body, "truncation_strategy", {"type": "auto"})},
        "incomplete_details": None,
        "usage": None,
        "response_format": _given(body, "response_format", assistant["response_format"]),
        "tool_choice": _given(body, "tool_choice", "auto"),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
    }


def new_step(run: Wire, details: Wire) -> Wire:
    """Return a step in progress. `expires_at` is what servers send, `expired_at` what the description requires."""
    return {
        "id": new_id("step"),
        "object": "thread.run.step",
        "created_at": now(),
        "run_id": run["id"],
        "assistant_id": run["assistant_id"],
        "thread_id": run["thread_id"],
        "type": details["type"],
        "status": "in_progress",
        "cancelled_at": None,
        "completed_at": None,
        "expires_at": run["expires_at"],
        "expired_at": None,
        "failed_at": None,
        "last_error": None,
        "step_details": details,
        "metadata": {},
        "usage": None,
    }


def shown_step(step: Wire, *, with_contents: bool) -> Wire:
    """Return a step as a request may see it: the text of file search results only if it was asked for."""
    calls = step["step_details"].get("tool_calls", [])
    if with_contents or not any(call["type"] == "file_search" for call in calls):
        return step
    shown = []
    for call in calls:
        if call["type"] == "file_search":
            results = [
                {key: value for key, value in result.items() if key != "content"}
                for result in call["file_search"]["results"]
            ]
            call = {**call, "file_search": {**call["file_search"], "results": results}}
        shown.append(call)
    return {**step, "step_details": {**step["step_details"], "tool_calls": shown}}


def usage(prompt_tokens: int, completion_tokens: int) -> Wire:
    """Return a usage object; `prompt_token_details` is spelt as servers spell it."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_token_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def plain_tools(tools: Iterable[object] | None) -> list[Wire]:
    """Check the tools of a request and fill in what a function tool leaves out.

    Raises:
        WireError: 400 for a tool without a type, or a function without a name.
    """
    plain = []
    for position, tool in enumerate(tools or ()):
        where = f"tools[{position}]"
        if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
            raise WireError(400, f"'{where}.type' is required.", param=where, code="missing_required_parameter")
        if tool["type"] == "function":
            function = tool.get("function")
            if not isinstance(function, dict) or not isinstance(function.get("name"), str):
                param = f"{where}.function.name"
                raise WireError(400, f"'{param}' is required.", param=param, code="missing_required_parameter")
            defaults = {"parameters": {"type": "object", "properties": {}}, "strict": False}
            tool = {"type": "function", "function": {**defaults, **function}}
        plain.append(tool)
    return plain


def _message(
    thread_id: str,
    *,
    role: str,
    created_at: int,
    status: str = "completed",
    completed_at: int | None = None,
    content: list[Wire] | None = None,
    assistant_id: str | None = None,
    run_id: str | None = None,
    attachments: list[Wire] | None = None,
    metadata: Wire | None = None,
) -> Wire:
    return {
        "id": new_id("msg"),
        "object": "thread.message",
        "created_at": created_at,
        "assistant_id": assistant_id,
        "thread_id": thread_id,
        "run_id": run_id,
        "status": status,
        "incomplete_details": None,
        "incomplete_at": None,
        "completed_at": completed_at,
        "role": role,
        "content": content or [],
        "attachments": attachments or [],
        "metadata": metadata or {},
    }


def _content(content: str | list[object], param: str) -> list[Wire]:
    if isinstance(content, str):
        return [_text_part(content)]
    parts: list[Wire] = []
    for position, part in enumerate(content):
        where = f"{param}[{position}]"
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(part, dict) or kind not in USER_PARTS:
            raise WireError(
                400, f"'{where}.type' is one of {', '.join(USER_PARTS)}.", param=f"{where}.type", code="invalid_value"
            )
        if kind == "text":
            if not isinstance(part.get("text"), str):
                raise WireError(400, f"'{where}.text' is a string.", param=f"{where}.text", code="invalid_type")
            parts.append(_text_part(part["text"]))
        else:
            if not isinstance(part.get(kind), dict):
                raise WireError(400, f"'{where}.{kind}' is an object.", param=f"{where}.{kind}", code="invalid_type")
            parts.append({"type": kind, kind: {"detail": "auto", **part[kind]}})
    return parts


def _text_part(text: str) -> Wire:
    return {"type": "text", "text": {"value": text, "annotations": []}}


def _resources(tools: Iterable[Wire]) -> Wire:
    return {"code_interpreter": {"file_ids": []}} if any(tool["type"] == "code_interpreter" for tool in tools) else {}


def _given(body: Mapping[str, Any], key: str, default: Any) -> Any:
    """The body's value; the default for an absent key, and for null, which means the same to these endpoints."""
    value = body.get(key)
    return default if value is None else value
