"""Fold a stream of a response and write down what came of it; and the events to make such streams of. Pure: no IO.

An outcome has the form of the shared fixtures.
"""

import json
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from asyncstream.accumulators import ResponseAccumulator, ResponseChange
from asyncstream.errors import StreamDecodeError, StreamError, StreamEventError, StreamTruncatedError
from asyncstream.events import decode_stream

__all__ = ["DONE", "Outcome", "added", "cuts", "done", "event", "fold", "life", "line", "lines", "same", "text"]

DONE = b"data: [DONE]\n\n"


def event(name: str, /, *, named: bool = True, **members: Any) -> bytes:
    """Make the frame of an event; its name is that of the protocol without `response.`."""
    data = json.dumps({"type": f"response.{name}", **members}).encode()
    return (b"event: response.%b\ndata: %b\n\n" % (name.encode(), data)) if named else b"data: %b\n\n" % data


def life(word: str, output: Any = None, id: str | None = "r1", **members: Any) -> bytes:
    """Make the frame of an event that brings the response."""
    response = {"id": id, "model": "m", "status": None, "output": output, **members}
    return event(word, response={key: value for key, value in response.items() if value is not None})


def added(type: str, index: Any = None, **members: Any) -> bytes:
    """Make the frame of an `output_item.added`."""
    return event("output_item.added", **_at(index), item={"type": type, **members})


def done(type: str, index: Any = None, **members: Any) -> bytes:
    """Make the frame of an `output_item.done`."""
    return event("output_item.done", **_at(index), item={"type": type, **members})


def text(delta: Any, item: str | None = "m", index: int | None = 0, **members: Any) -> bytes:
    """Make the frame of a delta of an output text."""
    known = {"item_id": item} if item is not None else {}
    return event("output_text.delta", **known, **_at(index), delta=delta, **members)


def _at(index: Any) -> dict[str, Any]:
    return {} if index is None else {"output_index": index}


def cuts(body: bytes, size: int) -> Iterator[bytes]:
    """Cut bytes into chunks of a size."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


@dataclass
class Outcome:
    """What came of a stream."""

    accumulator: ResponseAccumulator
    outcome: str = "complete"
    error: StreamError | None = None
    changes: list[ResponseChange] = field(default_factory=list)

    @property
    def rules(self) -> list[str]:
        return [repair.rule for repair in self.accumulator.repairs]

    @property
    def lines(self) -> list[str]:
        return lines(self.changes)

    @property
    def output(self) -> list[dict[str, Any]]:
        return [_item(item) for item in self.accumulator.output]

    def as_fixture(self) -> dict[str, Any]:
        """Write the outcome down as the shared fixtures do."""
        response = self.accumulator.response
        error = self.error if self.outcome == "error" else None
        found = {
            "outcome": self.outcome,
            "response": {
                "id": response.id or None,
                "status": response.status,
                "model": response.model or None,
                "incomplete_reason": response.incomplete_details and response.incomplete_details.reason,
                "error": response.error and {"code": response.error.code, "message": response.error.message},
            },
            "output": self.output,
            "usage": response.usage and response.usage.to_dict(),
            "error": error and {"message": error.message, "code": error.code, "type": error.type},
            "changes": self.lines,
        }
        audio = self.accumulator.audio
        if audio:
            found["audio"] = {"data": audio.data, "transcript": audio.transcript}
        return found


def fold(*bodies: bytes | Iterable[bytes], pickled: bool = False, **options: Any) -> Outcome:
    """Fold a stream to its end, whatever the end is; each further body answers a resumption.

    Folded without changes, or looked at meanwhile, it must come to the same.
    """
    found = Outcome(ResponseAccumulator(**options))
    silent, looked_at = ResponseAccumulator(**options), ResponseAccumulator(**options)
    try:
        for number, body in enumerate(bodies):
            if number:
                found.accumulator.resume()
                silent.resume()
                looked_at.resume()
            for one in decode_stream(body, "responses"):
                if pickled:
                    found.accumulator = pickle.loads(pickle.dumps(found.accumulator))
                found.changes += found.accumulator.push(one)
                silent.fold(one)
                if looked_at.events_seen < LOOKS:
                    looked_at.response  # noqa: B018  # built now, it must be built anew when more is folded
                looked_at.fold(one)
        found.changes += found.accumulator.finish()
    except StreamTruncatedError as error:
        found.outcome, found.error = "truncated", error
    except (StreamEventError, StreamDecodeError) as error:
        found.outcome, found.error = "error", error
    if found.error is None or found.outcome == "truncated":
        for other in (silent, looked_at):
            try:
                other.finish()
            except StreamError:
                pass
            assert other.response == found.accumulator.response or "call_id" in str(other.response)
    return found


LOOKS = 30
"""How many events are looked behind, at all that is known then: what is folded later must still show."""

_NOUNS = {"Content": "text", "Refusal": "refusal", "ToolCall": "tool_call"}


def lines(changes: Iterable[ResponseChange]) -> list[str]:
    """Write changes down as the shared fixtures do."""
    return [line(change) for change in changes]


def line(change: Any) -> str:
    """Write a change down as the shared fixtures do."""
    kind = type(change).__name__
    verb = next(verb for verb in ("Created", "Changed", "Done") if kind.endswith(verb))
    noun = kind.removesuffix(verb)
    if noun == "Usage":
        return "changed usage"
    if noun == "Response":
        assert (change.field, change.piece, change.delta) == ("status", "", change.status)
        return f"changed response {change.status}"
    if noun == "OutputItem":
        said = getattr(change.snapshot, "wire_type", change.snapshot.type)
        named = said if said in ("message", "reasoning") else "item"
        key = change.parent
    elif noun == "ToolCall":
        named, key = "tool_call", change.parent
    else:
        named = _NOUNS.get(noun) or {"summary": "summary", "text": "reasoning_text"}[change.kind]
        key = f"{change.parent}[{change.index}]"
    if noun in ("OutputItem", "ToolCall"):
        assert change.index == 0
    said = f"{verb.lower()} {named} {key}"
    return said if verb != "Changed" else f"{said} {_what(change)}"


def _what(change: Any) -> str:
    name, _, number = change.field.rstrip("]").partition("[")
    if change.field == "status":
        assert change.piece == ""
        return f"status={change.delta}"
    if name in ("partial_image", "annotation"):
        assert (change.piece, change.delta) == ("", "")
        return f"{name}={number}"
    assert change.piece == change.delta
    return f"{change.field} {change.delta!r}" if number else repr(change.delta)


def _item(item: Any) -> dict[str, Any]:
    said = item.to_dict()
    kind = said["type"]
    if kind == "message":
        content = [
            {"text": "", "annotations": [], **part} if part.get("type") == "output_text" else part
            for part in said.get("content") or ()
        ]
        form = {"role": "assistant", "content": content, **_some(said, "phase")}
        return {"type": kind, **_of(said, "id", "status"), **form}
    if kind == "reasoning":
        texts = {name: [part.get("text", "") for part in said.get(name) or ()] for name in ("summary", "content")}
        return {"type": kind, **_of(said, "id", "status", "encrypted_content"), **texts}
    for kinds, names, texts in _FORMS:
        if kind in kinds:
            form = {"type": kind, **_of(said, *names), **{name: said.get(name) or "" for name in texts}}
            if kind == "image_generation_call":
                form["partial_images"] = item.partial_images
            if kind == "shell_call":
                form["commands"] = (said.get("action") or {}).get("commands") or []
            if kind == "code_interpreter_call":
                form["outputs"] = said.get("outputs") or []
            return form
    return said if hasattr(item, "raw") else {key: value for key, value in said.items() if value not in ("",)}


_FORMS = (
    (("function_call",), ("id", "call_id", "name", "status"), ("arguments",)),
    (("custom_tool_call",), ("id", "call_id", "name", "status"), ("input",)),
    (("mcp_call",), ("id", "name", "server_label", "output", "error", "status"), ("arguments",)),
    (("code_interpreter_call",), ("id", "status"), ("code",)),
    (("image_generation_call",), ("id", "result", "status"), ()),
    (("apply_patch_call",), ("id", "call_id", "operation", "status"), ()),
    (("shell_call",), ("id", "call_id", "status"), ()),
    (("shell_call_output",), ("id", "call_id", "output", "status"), ()),
)


def _of(said: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: said.get(name) or None for name in names}


def _some(said: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: said[name] for name in names if said.get(name)}


def same(expected: Any, found: Any) -> bool:
    """Compare with a fixture: `<any>` stands for any message, `<synthetic>` for an id that was made up."""
    if expected in ("<any>", "<synthetic>"):
        return isinstance(found, str) and bool(found)
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and expected.keys() == found.keys()
            and all(same(expected[key], found[key]) for key in expected)
        )
    if isinstance(expected, list):
        return isinstance(found, list) and len(expected) == len(found) and all(map(same, expected, found))
    return bool(expected == found)
