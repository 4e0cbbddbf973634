"""The bytes of a chat stream, in the shape of a dialect: chunks and errors as events, ``[DONE]``, what stands between.

Written by hand and not with `asyncstream.sse`, whose encoder is too well-behaved for dialects. Pure. Below it stands
`chunks`, above it the endpoint, which sends what stands here and obeys the controls.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from asyncstream.server.actions import ErrorEvent, Fail
from asyncstream.server.chat.chunks import Answer, Chunk
from asyncstream.server.chat.script import Control
from asyncstream.server.dialects import ChatDialect, ErrorForm, FrameForm
from asyncstream.server.state import Wire

__all__ = ["CHUNK", "DONE", "FINISH", "Frame", "error_of", "frames_of"]

CHUNK, FINISH, DONE = "chat.completion.chunk", "finish", "done"
"""What frames are called in `Cut(after_event=...)`."""


class Frame(NamedTuple):
    """A piece of the body."""

    data: bytes
    event: str | None = None
    """What it is called; on the wire it is called as the dialect says."""


def error_of(control: ErrorEvent | Fail) -> Wire:
    """Return the error that an action stands for."""
    if isinstance(control, Fail):
        return {"message": control.message, "type": "server_error", "param": None, "code": control.code}
    return {"message": control.message, "type": control.type, "param": control.param, "code": control.code}


def frames_of(chunks: Sequence[Chunk | Control], answer: Answer, *, done: bool) -> Iterator[Frame | Control]:
    """Yield the frames of a stream, with the controls that stay between them; an error ends it.

    Args:
        chunks: What `chunks_of` gave.
        answer: What it was given.
        done: Whether ``[DONE]`` is sent, if the dialect has it.
    """
    dialect = answer.dialect
    if dialect.bom:
        yield Frame(b"\xef\xbb\xbf")
    last = max((place for place, item in enumerate(chunks) if _has_choices(item)), default=-1)
    waiting: list[str] = []
    name = CHUNK
    for place, item in enumerate(chunks):
        if isinstance(item, Chunk):
            name = FINISH if place == last else CHUNK
            waiting.append(_json(item.wire))
            # Glued is what comes in pairs; what stays alone is sent before anything else happens.
            if dialect.frame == "glued" and len(waiting) == 1 and place + 1 < len(chunks) and name == CHUNK:
                continue
        if waiting:
            yield Frame(_event(_FRAME[dialect.frame]("\n".join(waiting)), dialect), name)
            waiting = []
        if isinstance(item, ErrorEvent | Fail):
            yield Frame(_ERRORS[dialect.errors](error_of(item), answer), "error")
            return
        if not isinstance(item, Chunk):
            yield item
    if dialect.done and done:
        yield Frame(_event("[DONE]", dialect), DONE)


def _has_choices(item: Chunk | Control) -> bool:
    return isinstance(item, Chunk) and bool(item.wire["choices"])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _event(data: str, dialect: ChatDialect, name: str | None = None) -> bytes:
    space = " " if dialect.space else ""
    event = name or dialect.event
    lines = [] if event is None else [f"event:{space}{event}"]
    lines += [f"data:{space}{line}" for line in data.split("\n")]
    return dialect.noise + dialect.newline.join([*lines, "", ""]).encode()


_FRAME: Mapping[FrameForm, Callable[[str], str]] = {
    "line": lambda data: data,
    "lines": lambda data: msgspec.json.format(data, indent=1),
    "array": lambda data: f"[{data}]",
    "glued": lambda data: data,
}

# Errors.

_Error: TypeAlias = Callable[[Wire, Answer], bytes]


def _as_data(shape: Callable[[Wire, Answer], object], event: str | None = None) -> _Error:
    """Return a maker of errors that are the JSON of something."""
    return lambda error, answer: _event(_json(shape(error, answer)), answer.dialect, event)


def _field(error: Wire, answer: Answer) -> bytes:
    space, newline = " " if answer.dialect.space else "", answer.dialect.newline
    return f"error:{space}{_json(error)}{newline}{newline}".encode()


def _last_chunk(answer: Answer, **members: object) -> Wire:
    choice = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "error"}
    return {"object": CHUNK, **answer.envelope, "choices": [choice], **members}


_ERRORS: Mapping[ErrorForm, _Error] = {
    "object": _as_data(lambda error, _: {"error": error}),
    "text": _as_data(lambda error, _: {"error": error["message"]}),
    "event": _as_data(lambda error, _: {"error": error}, "error"),
    "flat_event": _as_data(lambda error, _: error, "error"),
    "typed": _as_data(lambda error, _: {"type": "error", "error": error}),
    "flat": _as_data(lambda error, _: {"object": "error", **error}),
    "field": _field,
    "plain": lambda error, answer: _event(" ".join(str(error["message"]).split()), answer.dialect),
    "chunk": _as_data(lambda error, answer: _last_chunk(answer, error=error)),
    "x_groq": _as_data(lambda error, answer: {"choices": [], "x_groq": {"id": answer.envelope["id"], "error": error}}),
    "finish": _as_data(lambda _, answer: _last_chunk(answer)),
}
