"""The wire objects of chat: whole answers, their messages and usage, what is kept of them. Pure, but for clock and ids.

What an object looks like in OpenAI's shape is decided here alone; streams are in `chunks`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asyncstream.server.chat.script import Block, CallRow, Finish, ScriptedCall, TextBlock, count_tokens
from asyncstream.server.state import Wire, new_id, now

__all__ = ["chat_usage", "logprobs_of", "new_completion", "new_envelope", "stored", "stored_messages", "whole_usage"]

_FINGERPRINT = "fp_embedded00"
_ANSWERED = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
_DEFAULTS = {"temperature": 1.0, "top_p": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}


def new_envelope(body: Mapping[str, Any]) -> Wire:
    """Return what the chunks of an answer have in common, and the whole answer too."""
    tier = body.get("service_tier") or "auto"
    return {
        "id": new_id("chatcmpl").replace("_", "-"),
        "created": now(),
        "model": body["model"],
        "service_tier": "default" if tier == "auto" else tier,
        "system_fingerprint": _FINGERPRINT,
    }


def new_completion(envelope: Wire, choices: Sequence[Sequence[Block]], body: Mapping[str, Any], usage: Wire) -> Wire:
    """Return a whole answer; for a request of the older form with calls of the older form."""
    return {
        "id": envelope["id"],
        "object": "chat.completion",
        **envelope,
        "choices": [_choice(index, blocks, body) for index, blocks in enumerate(choices)],
        "usage": usage,
    }


def chat_usage(prompt_tokens: int, completion_tokens: int, reasoning_tokens: int) -> Wire:
    """Return a usage object."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def whole_usage(prompt_tokens: int, choices: Iterable[Sequence[Block]]) -> Wire:
    """Return the usage of a whole answer."""
    everything = [block for choice in choices for block in choice]
    reasoning = sum(isinstance(block, TextBlock) and block.kind == "reasoning" for block in everything)
    return chat_usage(prompt_tokens, sum(map(count_tokens, everything)), reasoning)


def logprobs_of(texts: Sequence[TextBlock], top: int) -> Wire:
    """Return log probabilities for pieces: the model was always sure, and the runner-up is not made up."""
    return {
        kind: [_logprob(one.text, top) for one in texts if one.kind == kind] or None for kind in ("content", "refusal")
    }


def stored(completion: Wire, body: Mapping[str, Any]) -> Wire:
    """Return an answer as it is kept: with what was asked for."""
    return {
        **completion,
        **{key: _DEFAULTS[key] if body.get(key) is None else body[key] for key in _ANSWERED},
        "request_id": new_id("req"),
        "seed": body.get("seed"),
        "tools": body.get("tools"),
        "tool_choice": body.get("tool_choice"),
        "response_format": body.get("response_format"),
        "input_user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def stored_messages(id: str, messages: Sequence[Mapping[str, Any]]) -> list[Wire]:
    """Return the messages of a request as they are kept; the parts of those that came in parts stand apart."""
    kept = []
    for number, message in enumerate(messages):
        content = message.get("content")
        parts = content if isinstance(content, list) else None
        texts = [part["text"] for part in parts or () if part.get("type") == "text"]
        kept.append(
            {
                "refusal": None,
                "name": None,
                **message,
                "id": f"{id}-{number}",
                "content": content if parts is None else "".join(texts) or None,
                "content_parts": parts,
            }
        )
    return kept


def _choice(index: int, blocks: Sequence[Block], body: Mapping[str, Any]) -> Wire:
    text_blocks = [one for one in blocks if isinstance(one, TextBlock)]
    texts: dict[str, list[str]] = {}
    for one in text_blocks:
        texts.setdefault(one.kind, []).append(one.text)
    message: Wire = {
        "role": "assistant",
        "content": "".join(texts["content"]) if "content" in texts else None,
        "refusal": "".join(texts["refusal"]) if "refusal" in texts else None,
        "annotations": [annotation for one in text_blocks for annotation in one.annotations],
    }
    if "reasoning" in texts:
        message["reasoning_content"] = "".join(texts["reasoning"])
    calls = [_call(call) for one in blocks if isinstance(one, CallRow) for call in one.calls]
    if calls and body.get("functions"):
        message["function_call"] = calls[0]["function"]
    elif calls:
        message["tool_calls"] = calls
    return {
        "index": index,
        "message": message,
        "logprobs": logprobs_of(text_blocks, body.get("top_logprobs") or 0) if body.get("logprobs") else None,
        "finish_reason": next((one.reason for one in blocks if isinstance(one, Finish)), None),
    }


def _call(call: ScriptedCall) -> Wire:
    text = "".join(call.pieces)
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": text}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": text}}


def _logprob(token: str, top: int) -> Wire:
    # A token may be half of a surrogate pair; its bytes do not exist then.
    try:
        raw = list(token.encode())
    except UnicodeEncodeError:
        raw = None
    logprob = {"token": token, "logprob": 0.0, "bytes": raw}
    return {**logprob, "top_logprobs": [dict(logprob)] if top else []}
