"""The prepared streams: made from a name, the same bytes every time, with the counts that each peer must find in them.

A name is `<kind>-<size>`: `text-2000` (an Assistants run that writes one message in 2,000 deltas), `cited-2000` (the
same with a citation in every 10th delta), `oddtext-2000` (with a member in every delta that OpenAI does not have),
`code-2000` (a code interpreter call whose input comes in 2,000 deltas), `huge-5000000` (one delta of that many ASCII
characters), `short-4` (a run of nine events, four of them deltas); the chat streams are in `chat_workloads`, those of
Responses in `response_workloads`.

Pure: stdlib only, no clock, no randomness. The payloads have the fields and the lengths that OpenAI's have.
"""

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from benchmarks.chat_workloads import chat, one_character_arguments, parallel_calls
from benchmarks.response_workloads import argument_characters, picture, short_response, text_response

__all__ = ["KINDS", "Seen", "Workload", "make", "protocol_of"]


class Seen(NamedTuple):
    """What was in a stream. A peer leaves out what it cannot know: None is not checked."""

    events: int | None = None
    """Without the closing `done`."""
    characters: int | None = None
    """Of text, or of code interpreter input: of the deltas, or of the final objects."""
    citations: int | None = None
    bytes: int | None = None


class Workload(NamedTuple):
    """One prepared stream."""

    name: str
    frames: tuple[bytes, ...]
    """One event each, its blank line included; the last is `done`."""
    seen: Seen


_RUN = "run_5kXq2vYc8WbnTdRz7LhAeM3J"
_THREAD = "thread_p9ZsGfU1oKxVtBw6NyCjQ4Ei"
_ASSISTANT = "asst_Hc0mRl3PaDg8SuJ5vFeXiT7z"
_MESSAGE = "msg_eW2yO6kNqB9tLxC4hZrMpVs8"
_STEP = "step_uY7gI1bTfK5nXaQ3dJwEo0Rc"
_CALL = "call_M8sVz4GhP2lUjDxN6cFyBk9W"
_WORDS = " the of and to in a is that for it as was with be by on not he his but at are this have from or had an they"
_PIECES = (*(f" {word}" for word in _WORDS.split()), ",", ".", " measure", " interleaved", "ing", " quickly")


def _frame(event: str, data: object) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return f"event: {event}\ndata: {text}\n\n".encode()


def _run(status: str) -> dict[str, object]:
    ended = status == "completed"
    return {
        "id": _RUN,
        "object": "thread.run",
        "created_at": 1750000000,
        "assistant_id": _ASSISTANT,
        "thread_id": _THREAD,
        "status": status,
        "started_at": None if status == "queued" else 1750000001,
        "expires_at": 1750000600,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": 1750000009 if ended else None,
        "required_action": None,
        "last_error": None,
        "model": "gpt-4o",
        "instructions": "Answer in full sentences.",
        "tools": [{"type": "code_interpreter"}],
        "tool_resources": {},
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "max_completion_tokens": None,
        "max_prompt_tokens": None,
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "incomplete_details": None,
        "usage": {"prompt_tokens": 20, "completion_tokens": 11, "total_tokens": 31} if ended else None,
        "response_format": "auto",
        "tool_choice": "auto",
        "parallel_tool_calls": True,
    }


def _step(status: str, type: str, details: dict[str, object]) -> dict[str, object]:
    ended = status == "completed"
    return {
        "id": _STEP,
        "object": "thread.run.step",
        "created_at": 1750000002,
        "run_id": _RUN,
        "assistant_id": _ASSISTANT,
        "thread_id": _THREAD,
        "type": type,
        "status": status,
        "cancelled_at": None,
        "completed_at": 1750000008 if ended else None,
        "expires_at": 1750000600,
        "failed_at": None,
        "last_error": None,
        "step_details": {"type": type, **details},
        "usage": {"prompt_tokens": 20, "completion_tokens": 11, "total_tokens": 31} if ended else None,
    }


def _message(status: str, content: list[object]) -> dict[str, object]:
    ended = status == "completed"
    return {
        "id": _MESSAGE,
        "object": "thread.message",
        "created_at": 1750000003,
        "assistant_id": _ASSISTANT,
        "thread_id": _THREAD,
        "run_id": _RUN,
        "status": status,
        "incomplete_details": None,
        "incomplete_at": None,
        "completed_at": 1750000008 if ended else None,
        "role": "assistant",
        "content": content,
        "attachments": [],
        "metadata": {},
    }


def _text_delta(text: dict[str, object], **more: object) -> bytes:
    delta = {"content": [{"index": 0, "type": "text", "text": text}]}
    return _frame("thread.message.delta", {"id": _MESSAGE, "object": "thread.message.delta", "delta": delta, **more})


def _opening() -> Iterator[bytes]:
    yield _frame("thread.run.created", _run("queued"))
    yield _frame("thread.run.queued", _run("queued"))
    yield _frame("thread.run.in_progress", _run("in_progress"))


def _closing() -> Iterator[bytes]:
    yield _frame("thread.run.completed", _run("completed"))
    yield _frame("done", "[DONE]")


def _pieces(size: int) -> list[str]:
    return [_PIECES[position * 7 % len(_PIECES)] for position in range(size)]


def _text(size: int, *, cite_every: int = 0, **more: object) -> tuple[list[bytes], Seen]:
    creation: dict[str, object] = {"message_creation": {"message_id": _MESSAGE}}
    frames = [
        *_opening(),
        _frame("thread.run.step.created", _step("in_progress", "message_creation", creation)),
        _frame("thread.run.step.in_progress", _step("in_progress", "message_creation", creation)),
        _frame("thread.message.created", _message("in_progress", [])),
        _frame("thread.message.in_progress", _message("in_progress", [])),
    ]
    pieces = _pieces(size)
    annotations: list[dict[str, object]] = []
    length = 0
    for position, piece in enumerate(pieces):
        if cite_every and position % cite_every == cite_every - 1:
            number = len(annotations)
            pieces[position] = piece = f"【{number}:0†source】"
            annotation = {
                "type": "file_citation",
                "text": piece,
                "start_index": length,
                "end_index": length + len(piece),
                "file_citation": {"file_id": f"file-{number:024d}"},
            }
            annotations.append(annotation)
            frames.append(_text_delta({"value": piece, "annotations": [{"index": number, **annotation}]}, **more))
        else:
            frames.append(_text_delta({"value": piece}, **more))
        length += len(piece)
    content = {"type": "text", "text": {"value": "".join(pieces), "annotations": annotations}}
    frames.append(_frame("thread.message.completed", _message("completed", [content])))
    frames.append(_frame("thread.run.step.completed", _step("completed", "message_creation", creation)))
    frames.extend(_closing())
    return frames, Seen(len(frames) - 1, length, len(annotations))


def _cited(size: int) -> tuple[list[bytes], Seen]:
    return _text(size, cite_every=10)


_UNKNOWN: dict[str, object] = {"provider": "somebody-else"}
"""What a gateway adds to every delta."""


def _odd_text(size: int) -> tuple[list[bytes], Seen]:
    return _text(size, **_UNKNOWN)


def _code(size: int) -> tuple[list[bytes], Seen]:
    def call(input: str, **more: object) -> dict[str, object]:
        return {"id": _CALL, "type": "code_interpreter", "code_interpreter": {"input": input, "outputs": []}, **more}

    def delta(calls: list[object]) -> bytes:
        details = {"type": "tool_calls", "tool_calls": calls}
        data = {"id": _STEP, "object": "thread.run.step.delta", "delta": {"step_details": details}}
        return _frame("thread.run.step.delta", data)

    pieces = _pieces(size)
    code = "".join(pieces)
    frames = [
        *_opening(),
        _frame("thread.run.step.created", _step("in_progress", "tool_calls", {"tool_calls": []})),
        _frame("thread.run.step.in_progress", _step("in_progress", "tool_calls", {"tool_calls": []})),
        delta([call("", index=0)]),
        *(delta([{"index": 0, "type": "code_interpreter", "code_interpreter": {"input": piece}}]) for piece in pieces),
        _frame("thread.run.step.completed", _step("completed", "tool_calls", {"tool_calls": [call(code)]})),
        *_closing(),
    ]
    return frames, Seen(len(frames) - 1, len(code), 0)


def _huge(size: int) -> tuple[list[bytes], Seen]:
    # Without its `completed`, which would be a second huge event.
    frames = [
        *_opening(),
        _frame("thread.message.created", _message("in_progress", [])),
        _text_delta({"value": "0123456789abcde " * (size // 16) + "x" * (size % 16)}),
        *_closing(),
    ]
    return frames, Seen(len(frames) - 1, size, 0)


def _short(size: int) -> tuple[list[bytes], Seen]:
    pieces = _pieces(size)
    content = {"type": "text", "text": {"value": "".join(pieces), "annotations": []}}
    frames = [
        _frame("thread.run.created", _run("queued")),
        _frame("thread.run.in_progress", _run("in_progress")),
        _frame("thread.message.created", _message("in_progress", [])),
        *(_text_delta({"value": piece}) for piece in pieces),
        _frame("thread.message.completed", _message("completed", [content])),
        *_closing(),
    ]
    return frames, Seen(len(frames) - 1, len("".join(pieces)), 0)


_ASSISTANTS: dict[str, Callable[[int], tuple[list[bytes], Seen]]] = {
    "text": _text,
    "cited": _cited,
    "oddtext": _odd_text,
    "code": _code,
    "huge": _huge,
    "short": _short,
}


def _chat(size: int) -> tuple[list[bytes], Seen]:
    frames, characters = chat(_pieces(size))
    return frames, Seen(len(frames) - 1, characters)


def _odd_chat(size: int) -> tuple[list[bytes], Seen]:
    frames, characters = chat(_pieces(size), **_UNKNOWN)
    return frames, Seen(len(frames) - 1, characters)


def _args(size: int) -> tuple[list[bytes], Seen]:
    frames, characters = one_character_arguments(size)
    return frames, Seen(len(frames) - 1, characters)


def _calls(size: int) -> tuple[list[bytes], Seen]:
    frames, characters = parallel_calls(_pieces(size))
    return frames, Seen(len(frames) - 1, characters)


def _many_calls(size: int) -> tuple[list[bytes], Seen]:
    frames, characters = parallel_calls(_pieces(size), size)
    return frames, Seen(len(frames) - 1, characters)


_CHAT: dict[str, Callable[[int], tuple[list[bytes], Seen]]] = {
    "chat": _chat,
    "oddchat": _odd_chat,
    "calls": _calls,
    "callsmany": _many_calls,
    "args": _args,
}


def _response(size: int) -> tuple[list[bytes], Seen]:
    frames, characters, citations = text_response(_pieces(size))
    return frames, Seen(len(frames), characters, citations)


def _cited_response(size: int) -> tuple[list[bytes], Seen]:
    frames, characters, citations = text_response(_pieces(size), cite_every=10)
    return frames, Seen(len(frames), characters, citations)


def _response_arguments(size: int) -> tuple[list[bytes], Seen]:
    frames, characters = argument_characters(size)
    return frames, Seen(len(frames), characters, 0)


def _short_response(size: int) -> tuple[list[bytes], Seen]:
    frames, characters = short_response(_pieces(size))
    return frames, Seen(len(frames), characters, 0)


def _picture(size: int) -> tuple[list[bytes], Seen]:
    frames = list(picture(size))
    return frames, Seen(len(frames), 0, 0)


_RESPONSES: dict[str, Callable[[int], tuple[list[bytes], Seen]]] = {
    "response": _response,
    "citedresponse": _cited_response,
    "responseargs": _response_arguments,
    "shortresponse": _short_response,
    "picture": _picture,
}

KINDS: dict[str, dict[str, Callable[[int], tuple[list[bytes], Seen]]]] = {
    "assistants": _ASSISTANTS,
    "chat": _CHAT,
    "responses": _RESPONSES,
}
"""Protocol -> kind -> the frames and the counts of a stream of some size."""


def protocol_of(name: str) -> str:
    """Return the protocol of the stream of a name.

    Raises:
        KeyError: There is no such kind.
    """
    kind = name.partition("-")[0]
    for protocol, kinds in KINDS.items():
        if kind in kinds:
            return protocol
    raise KeyError(kind)


@lru_cache(maxsize=64)
def make(name: str) -> Workload:
    """Make the stream of a name.

    Raises:
        KeyError: There is no such kind.
        ValueError: The name has no size.
    """
    kind, _, size = name.rpartition("-")
    frames, seen = KINDS[protocol_of(name)][kind](int(size))
    return Workload(name, tuple(frames), seen._replace(bytes=sum(map(len, frames))))
