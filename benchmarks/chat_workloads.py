"""The prepared streams of Chat Completions; `workloads` says how a stream is made from a name.

`chat-2000` is an answer of 2,000 pieces of text, `oddchat-2000` the same with a member in every chunk that OpenAI does
not have, `calls-2000` four parallel tool calls whose arguments come in 2,000 pieces, `callsmany-2000` 2,000 parallel
tool calls of one piece each, `args-2000` one tool call whose arguments come in 2,000 deltas of one character each, as
Empower and vLLM send them.

Pure: stdlib only, no clock, no randomness. The payloads have the fields and the lengths that OpenAI's have.
"""

import json

__all__ = ["chat", "one_character_arguments", "parallel_calls"]


def _chunk(delta: dict[str, object], finish: str | None = None, **more: object) -> bytes:
    data = {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion.chunk",
        "created": 1750000000,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        **more,
    }
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


_DONE = b"data: [DONE]\n\n"


def chat(pieces: list[str], **more: object) -> tuple[list[bytes], int]:
    """Make an answer of text; give its frames, the last being `[DONE]`, and its characters.

    Args:
        pieces: The text.
        more: Members that every chunk has besides its own.
    """
    opening = _chunk({"role": "assistant", "content": "", "refusal": None}, **more)
    deltas = (_chunk({"content": piece}, **more) for piece in pieces)
    frames = [opening, *deltas, _chunk({}, "stop", **more), _DONE]
    return frames, sum(map(len, pieces))


def one_character_arguments(size: int) -> tuple[list[bytes], int]:
    """Make a tool call with arguments of that many characters; give its frames and its characters."""
    arguments = '{"text":"' + "x" * (size - 11) + '"}'
    opening = _chunk({"role": "assistant", "content": None, "tool_calls": [_call(0)]})
    return [opening, *(_arguments(0, piece) for piece in arguments), _chunk({}, "tool_calls"), _DONE], len(arguments)


def parallel_calls(pieces: list[str], calls: int = 4) -> tuple[list[bytes], int]:
    """Make tool calls, one after the other, of these pieces of arguments; give their frames and their characters."""
    frames = [_chunk({"role": "assistant", "content": None})]
    characters = 0
    for index in range(calls):
        frames.append(_chunk({"tool_calls": [_call(index)]}))
        for piece in ('{"text":"', *pieces[index::calls], '"}'):
            frames.append(_arguments(index, piece))
            characters += len(piece)
    return [*frames, _chunk({}, "tool_calls"), _DONE], characters


def _call(index: int) -> dict[str, object]:
    function = {"name": "get_current_weather", "arguments": ""}
    return {"index": index, "id": f"call_M8sVz4GhP2lUjDxN6cFyBk{index:02}", "type": "function", "function": function}


def _arguments(index: int, piece: str) -> bytes:
    return _chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
