"""Frames of a chat stream, written by hand: what tests of the IO floors let a raw server send."""

import json

__all__ = ["CALLS", "DONE", "HELLO", "MESSAGES", "call", "piece"]

DONE = b"data: [DONE]\n\n"
MESSAGES = [{"role": "user", "content": "hi"}]


def piece(delta: dict[str, object] | None = None, finish: str | None = None, index: int = 0, **fields: object) -> bytes:
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    data = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **fields}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def call(index: int, arguments: str, name: str | None = None, id: str | None = None) -> bytes:
    function = {"arguments": arguments} | ({} if name is None else {"name": name})
    entry = {"index": index, "function": function} | ({} if id is None else {"id": id, "type": "function"})
    return piece({"tool_calls": [entry]})


HELLO = [
    piece({"role": "assistant", "content": ""}),
    piece({"content": "Hel"}),
    piece({"content": "lo"}),
    piece(finish="stop"),
]
CALLS = [
    call(0, "", "get_current_weather", "call_a"),
    call(1, "", "get_current_weather", "call_b"),
    call(0, '{"city":'),
    call(1, '{"city": "Oslo"}'),
    call(0, ' "Lisbon"}'),
    piece(finish="tool_calls"),
    piece(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}),
]
"""An answer that calls a function twice; `DONE` comes after it."""
