"""Frames of a response's stream, written by hand: what tests of the IO floors let a raw server send."""

import json
from typing import Any

__all__ = ["CALLS", "HELLO", "answer", "call", "custom_call", "event", "hello", "message", "numbered", "response"]


def event(name: str, **members: Any) -> bytes:
    kind = f"response.{name}" if name != "error" else name
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def response(status: str = "completed", *output: Any, id: str = "resp_1", **members: Any) -> dict[str, Any]:
    return {"id": id, "object": "response", "status": status, "model": "m-1", "output": [*output], **members}


def message(text: str, id: str = "msg_1", status: str = "completed") -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": id, "role": "assistant", "status": status, "content": content}


def call(id: str, name: str = "f", arguments: str = "{}") -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"fc_{id}",
        "call_id": f"call_{id}",
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }


def custom_call(id: str, input: str = "ls") -> dict[str, Any]:
    return {"type": "custom_tool_call", "id": f"ctc_{id}", "call_id": f"call_{id}", "name": "run", "input": input}


def numbered(*events: tuple[str, dict[str, Any]], first: int = 0) -> list[bytes]:
    return [event(name, sequence_number=number, **members) for number, (name, members) in enumerate(events, first)]


def hello(id: str = "resp_1", *, texts: tuple[str, ...] = ("Hel", "lo"), **members: Any) -> list[bytes]:
    """Return a response that says something, each event with its number."""
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    whole = "".join(texts)
    part = {"type": "output_text", "text": "", "annotations": []}
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    return numbered(
        ("created", {"response": response("in_progress", id=id, **members)}),
        ("in_progress", {"response": response("in_progress", id=id, **members)}),
        ("output_item.added", {"output_index": 0, "item": {**message(""), "status": "in_progress", "content": []}}),
        ("content_part.added", {**place, "part": part}),
        *(("output_text.delta", {**place, "delta": text, "logprobs": []}) for text in texts),
        ("output_text.done", {**place, "text": whole, "logprobs": []}),
        ("content_part.done", {**place, "part": {**part, "text": whole}}),
        ("output_item.done", {"output_index": 0, "item": message(whole)}),
        ("completed", {"response": response("completed", message(whole), id=id, usage=usage, **members)}),
    )


def answer(*output: dict[str, Any], id: str = "resp_1", status: str = "completed", **members: Any) -> list[bytes]:
    """Return a response of whole items."""
    items: list[tuple[str, dict[str, Any]]] = []
    for index, item in enumerate(output):
        items += [
            ("output_item.added", {"output_index": index, "item": item}),
            ("output_item.done", {"output_index": index, "item": item}),
        ]
    return numbered(
        ("created", {"response": response("in_progress", id=id, **members)}),
        *items,
        (status, {"response": response(status, *output, id=id, **members)}),
    )


HELLO = hello()
"""A response that says "Hello"."""

CALLS = answer(call("a", "weather", '{"city":"Lisbon"}'), call("b", "weather", '{"city":"Oslo"}'))
"""A response that calls a function twice."""
