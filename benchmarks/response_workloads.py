"""The prepared streams of Responses; `workloads` says how a stream is made from a name.

`response-2000` is an answer of 2,000 pieces of text, `citedresponse-2000` the same with a citation in every 10th,
`responseargs-2000` a function call whose arguments come in 2,000 deltas of one character each, `picture-27000000` a
generated image of that many characters of Base64, which the end repeats, `shortresponse-4` an answer of ten events,
four of them deltas.

Pure: stdlib only, no clock, no randomness. The payloads have the fields and the lengths that OpenAI's have.
"""

import json
from collections.abc import Iterator

__all__ = ["argument_characters", "picture", "short_response", "text_response"]

_RESPONSE = "resp_0d3c1f5e6a7b8c9d00690f4b2a1c5c8193a2b4c6d8e0f1a3b5"
_ITEM = "_0d3c1f5e6a7b8c9d00690f4b2bd4708193b7f9a1c3e5d7f9b1"


class _Events:
    """Writes the frames of one stream, each with the next number."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def add(self, type: str, **members: object) -> None:
        payload = {"type": type, "sequence_number": len(self.frames), **members}
        text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
        self.frames.append(f"event: {type}\ndata: {text}\n\n".encode())

    def begin(self, *, short: bool = False) -> None:
        for name in ("created",) if short else ("created", "in_progress"):
            self.add(f"response.{name}", response=_response("in_progress", []))

    def end(self, output: list[object]) -> None:
        self.add("response.completed", response=_response("completed", output))


def _response(status: str, output: list[object]) -> dict[str, object]:
    ended = status == "completed"
    usage = {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 11,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 31,
    }
    return {
        "id": _RESPONSE,
        "object": "response",
        "created_at": 1750000000,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": "Answer in full sentences.",
        "max_output_tokens": None,
        "max_tool_calls": None,
        "model": "gpt-5-mini-2025-08-07",
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": "medium", "summary": None},
        "safety_identifier": None,
        "service_tier": "default" if ended else "auto",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage if ended else None,
        "user": None,
        "metadata": {},
    }


def _message(status: str, content: list[object]) -> dict[str, object]:
    return {"id": f"msg{_ITEM}", "type": "message", "status": status, "content": content, "role": "assistant"}


def _text_part(text: str, annotations: list[object]) -> dict[str, object]:
    return {"type": "output_text", "annotations": annotations, "logprobs": [], "text": text}


def text_response(pieces: list[str], *, cite_every: int = 0) -> tuple[list[bytes], int, int]:
    """Make an answer of text; give its frames, its characters and its citations.

    Args:
        pieces: The text.
        cite_every: The annotation of a page comes behind every so manieth piece; 0: none.
    """
    events = _Events()
    events.begin()
    citations = _message_of(events, pieces, cite_every)
    return events.frames, sum(map(len, pieces)), citations


def short_response(pieces: list[str]) -> tuple[list[bytes], int]:
    """Make an answer as short as some servers send it; give its frames and its characters."""
    events = _Events()
    events.begin(short=True)
    _message_of(events, pieces, 0)
    return events.frames, sum(map(len, pieces))


def _message_of(events: _Events, pieces: list[str], cite_every: int) -> int:
    place = {"item_id": f"msg{_ITEM}", "output_index": 0, "content_index": 0}
    annotations: list[object] = []
    events.add("response.output_item.added", item=_message("in_progress", []), output_index=0)
    events.add("response.content_part.added", **place, part=_text_part("", []))
    length = 0
    for position, piece in enumerate(pieces):
        events.add("response.output_text.delta", **place, delta=piece, logprobs=[], obfuscation="Xq2vYc8WbnTdRz7")
        length += len(piece)
        if cite_every and position % cite_every == cite_every - 1:
            annotation = _citation(length - len(piece), length)
            events.add(
                "response.output_text.annotation.added",
                **place,
                annotation_index=len(annotations),
                annotation=annotation,
            )
            annotations.append(annotation)
    text = "".join(pieces)
    part = _text_part(text, annotations)
    events.add("response.output_text.done", **place, text=text, logprobs=[])
    events.add("response.content_part.done", **place, part=part)
    item = _message("completed", [part])
    events.add("response.output_item.done", item=item, output_index=0)
    events.end([item])
    return len(annotations)


def _citation(start: int, end: int) -> dict[str, object]:
    page = {"url": "https://example.org/of/the/measure", "title": "Of the measure"}
    return {"type": "url_citation", "start_index": start, "end_index": end, **page}


def argument_characters(size: int) -> tuple[list[bytes], int]:
    """Make a function call with arguments of that many characters; give its frames and its characters."""
    arguments = '{"text":"' + "x" * (size - 11) + '"}'
    events = _Events()
    place = {"item_id": f"fc{_ITEM}", "output_index": 0}
    events.begin()
    events.add("response.output_item.added", item=_call("in_progress", ""), output_index=0)
    for character in arguments:
        delta = {"delta": character, "obfuscation": "Xq2vYc8WbnTdRz7"}
        events.add("response.function_call_arguments.delta", **place, **delta)
    events.add("response.function_call_arguments.done", **place, arguments=arguments)
    item = _call("completed", arguments)
    events.add("response.output_item.done", item=item, output_index=0)
    events.end([item])
    return events.frames, len(arguments)


def _call(status: str, arguments: str) -> dict[str, object]:
    names = {"call_id": "call_M8sVz4GhP2lUjDxN6cFyBk90", "name": "get_current_weather"}
    return {"id": f"fc{_ITEM}", "type": "function_call", "status": status, "arguments": arguments, **names}


def picture(size: int) -> Iterator[bytes]:
    """Make an answer of one generated image; give its frames. The image is in its item, and again at the end."""
    events = _Events()
    place = {"item_id": f"ig{_ITEM}", "output_index": 0}
    events.begin()
    item: dict[str, object] = {"id": f"ig{_ITEM}", "type": "image_generation_call", "status": "in_progress"}
    events.add("response.output_item.added", item={**item, "result": None}, output_index=0)
    for state in ("in_progress", "generating", "completed"):
        events.add(f"response.image_generation_call.{state}", **place)
    done = {**item, "status": "completed", "output_format": "png", "result": "iVBORw0KGgo" + "A" * (size - 11)}
    events.add("response.output_item.done", item=done, output_index=0)
    events.end([done])
    yield from events.frames
