"""The decoding of one frame of each kind: as the protocol has it, and each of the ways in which servers do not.

What is measured: wall time of `decode_frame`, from the bytes of a frame to its typed events. Held constant: one frame
a kind, with the fields and lengths that OpenAI's have; the decoder was made before.

    python -m pytest benchmarks/micro/test_decoding.py --benchmark-columns=min,median,ops
"""

import json

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from asyncstream.events.decode import wire_of
from benchmarks.workloads import make


def _named(kind: str, event: str) -> bytes:
    """Find the first frame of an event in a prepared stream."""
    return next(frame for frame in make(f"{kind}-20").frames if frame.startswith(f"event: {event}\n".encode()))[:-2]


_DELTA = _named("text", "thread.message.delta")
_EVENT, _PAYLOAD = _DELTA.split(b"\ndata: ")
_CHUNK = make("chat-20").frames[1][:-2]
_VALUE = json.loads(_CHUNK[6:])
_USAGE = {**_VALUE, "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29}}

ASSISTANTS_FRAMES = {
    "run created": _named("text", "thread.run.created"),
    "run completed": _named("text", "thread.run.completed"),
    "step created": _named("text", "thread.run.step.created"),
    "step delta": _named("code", "thread.run.step.delta"),
    "message created": _named("text", "thread.message.created"),
    "message delta": _DELTA,
    "message delta with a citation": make("cited-20").frames[7 + 9][:-2],
    "message completed": _named("text", "thread.message.completed"),
    "done": _named("text", "done"),
    "an unknown event": _DELTA.replace(b"message.delta", b"message.echo", 1),
    "data on two lines": _EVENT + b'\ndata: {"id":\ndata: ' + _PAYLOAD.partition(b":")[2],
    "without a space": _DELTA.replace(b": ", b":"),
    "a number as a string": _DELTA.replace(b'"index":0', b'"index":"0"'),
    "an error": b'event: error\ndata: {"code":"server_error","message":"The server had an error"}',
    "a comment": b": keep-alive",
}
CHAT_FRAMES = {
    "text": _CHUNK,
    "tool call opens": make("calls-20").frames[1][:-2],
    "tool arguments": make("calls-20").frames[2][:-2],
    "finish": make("chat-20").frames[-2][:-2],
    "done": make("chat-20").frames[-1][:-2],
    "usage": b"data: " + json.dumps(_USAGE).encode(),
    "with an id": b"id: 7\n" + _CHUNK,
    "content in parts": _CHUNK.replace(b'"content":', b'"content":[{"type":"text","text":').replace(
        b'},"logprobs', b'}]},"logprobs'
    ),
    "an error": b'data: {"error":{"message":"The server had an error","type":"server_error"}}',
}


@pytest.mark.parametrize("kind", ASSISTANTS_FRAMES)
def test_assistants_frame(benchmark: BenchmarkFixture, kind: str) -> None:
    benchmark(wire_of("assistants").decode_frame, ASSISTANTS_FRAMES[kind])


@pytest.mark.parametrize("kind", CHAT_FRAMES)
def test_chat_frame(benchmark: BenchmarkFixture, kind: str) -> None:
    benchmark(wire_of("chat").decode_frame, CHAT_FRAMES[kind])
