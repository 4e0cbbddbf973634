"""Frames of an Assistants stream, written by hand: what tests of the IO floors let a raw server send."""

import json

from raw_server import Exchange

STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nx-request-id: req_1\r\n\r\n"
)
CLOSE_DELIMITED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
DONE = b"event: done\ndata: [DONE]\n\n"


def frame(event: str, **data: object) -> bytes:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n".encode()


def run(word: str, **fields: object) -> bytes:
    status = "queued" if word == "created" else word
    return frame(f"thread.run.{word}", id="run_1", thread_id="thread_1", assistant_id="asst_1", status=status, **fields)


def message(word: str, id: str = "msg_1", text: str = "") -> bytes:
    content = [{"type": "text", "text": {"value": text, "annotations": []}}] if text else []
    status = "completed" if word == "completed" else "in_progress"
    return frame(f"thread.message.{word}", id=id, role="assistant", status=status, content=content)


def text(value: str, id: str = "msg_1", index: int = 0) -> bytes:
    return frame(
        "thread.message.delta", id=id, delta={"content": [{"index": index, "type": "text", "text": {"value": value}}]}
    )


def step(word: str, id: str = "step_1", **fields: object) -> bytes:
    return frame(f"thread.run.step.{word}", id=id, run_id="run_1", type="tool_calls", **fields)


def call(id: str | None, name: str | None, arguments: str, index: int = 0, step_id: str = "step_1") -> bytes:
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments, "output": None}
    entry = {"index": index, "type": "function", "function": function} | ({} if id is None else {"id": id})
    return frame(
        "thread.run.step.delta",
        id=step_id,
        delta={"step_details": {"type": "tool_calls", "tool_calls": [entry]}},
    )


HELLO = [
    run("created"),
    run("in_progress"),
    message("created"),
    text("Hel"),
    text("lo"),
    message("completed", text="Hello"),
    run("completed", usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}),
]
"""A run that says "Hello"; `DONE` comes after it."""

WAITS = [
    run("created"),
    step("created", step_details={"type": "tool_calls", "tool_calls": []}),
    call("call_1", "f", ""),
    call(None, None, '{"a": 1}'),
    run(
        "requires_action",
        required_action={
            "type": "submit_tool_outputs",
            "submit_tool_outputs": {
                "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]
            },
        },
    ),
]
"""A run that calls a function and waits for its output."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def stream(exchange: Exchange, *frames: bytes, end: bool = True) -> None:
    """Answer with a chunked event stream, each frame a chunk and a write of its own."""
    await exchange.send(STREAM_HEAD)
    for data in frames:
        await exchange.send(chunk(data))
    if end:
        await exchange.send(b"0\r\n\r\n")
