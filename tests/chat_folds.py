"""Fold a chat stream and write down what came of it; and the chunks to make such streams of. Pure: no IO.

An outcome has the form of the shared fixtures.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from alike_folds import fold_as_read

from asyncstream.accumulators import ChatAccumulator, ChatChange
from asyncstream.errors import StreamDecodeError, StreamError, StreamEventError, StreamTruncatedError
from asyncstream.events import decode_stream
from asyncstream.types import ChatCompletion, ChatCompletionMessageToolCall, CompletionUsage

__all__ = ["DONE", "Outcome", "call", "chunk", "cuts", "delta", "describe", "fold", "same", "usage_as_sent"]

DONE = b"data: [DONE]\n\n"


def chunk(*choices: dict[str, Any], **fields: Any) -> bytes:
    """Make the frame of a chunk."""
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": list(choices)}
    return b"data: " + json.dumps(body | fields).encode() + b"\n\n"


def delta(finish: str | None = None, index: int | None = 0, **members: Any) -> bytes:
    """Make the frame of a chunk with one delta."""
    choice: dict[str, Any] = {"delta": members, "finish_reason": finish}
    return chunk(choice if index is None else {"index": index, **choice})


def call(index: int | None = None, name: str | None = None, arguments: Any = None, **members: Any) -> dict[str, Any]:
    """Make an element of `tool_calls`; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return ({} if index is None else {"index": index}) | {"function": function, **members}


def cuts(body: bytes, size: int) -> Iterator[bytes]:
    """Cut bytes into chunks of a size."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


@dataclass
class Outcome:
    """What came of a stream."""

    accumulator: ChatAccumulator
    outcome: str = "complete"
    error: StreamError | None = None
    changes: list[ChatChange] = field(default_factory=list)

    @property
    def completion(self) -> ChatCompletion:
        return self.accumulator.completion

    @property
    def rules(self) -> list[str]:
        return [repair.rule for repair in self.accumulator.repairs]

    def as_fixture(self) -> dict[str, Any]:
        """Write the outcome down as the shared fixtures do."""
        error = self.error if self.outcome == "error" else None
        return {
            "outcome": self.outcome,
            "choices": {str(choice.index): _choice(choice) for choice in self.completion.choices},
            "usage": usage_as_sent(self.completion.usage),
            "error": error and {"message": error.message, "code": error.code, "type": error.type},
        }


def fold(body: bytes | Iterable[bytes], **options: Any) -> Outcome:
    """Fold a stream to its end, whatever the end is.

    Folded without changes, as it is read raw, or looked at meanwhile, it is the same.
    """
    found = Outcome(ChatAccumulator(**options))
    body = body if isinstance(body, bytes) else list(body)
    try:
        for event in decode_stream(body, "chat"):
            found.changes += found.accumulator.push(event)
        found.changes += found.accumulator.finish()
    except StreamTruncatedError as error:
        found.outcome, found.error = "truncated", error
    except (StreamEventError, StreamDecodeError) as error:
        found.outcome, found.error = "error", error
    for fold_events in (_fold_silently, _fold_raw, _fold_looked_at):
        assert _state(found.accumulator, found.error) == _fold_with(fold_events, body, ChatAccumulator(**options))
    return found


def _fold_silently(body: bytes | Iterable[bytes], into: ChatAccumulator) -> None:
    for event in decode_stream(body, "chat"):
        into.fold(event)


LOOKS = 30
"""How many events are looked behind, at all that is known then: what is folded later must still show."""


def _fold_looked_at(body: bytes | Iterable[bytes], into: ChatAccumulator) -> None:
    for number, event in enumerate(decode_stream(body, "chat")):
        into.fold(event)
        if number < LOOKS:
            _state(into, None)


def _fold_raw(body: bytes | Iterable[bytes], into: ChatAccumulator) -> None:
    fold_as_read([body] if isinstance(body, bytes) else body, "chat", into)


def _fold_with(
    fold_events: Callable[[bytes | Iterable[bytes], ChatAccumulator], None],
    body: bytes | Iterable[bytes],
    into: ChatAccumulator,
) -> str:
    ended: StreamError | None = None
    try:
        fold_events(body, into)
        into.finish()
    except StreamError as error:
        ended = error
    return _state(into, ended)


def _state(accumulator: ChatAccumulator, error: StreamError | None) -> str:
    """Write down all that an accumulator shows, and the error; an id that is made up is another one each time."""
    found = accumulator
    shown = (found.completion, found.events_seen, found.finished, found.repairs, found.repairs_omitted, error)
    return re.sub("call_[0-9a-f]{24}", "call_made_up", repr(shown))


def _choice(choice: Any) -> dict[str, Any]:
    message = choice.message
    return {
        "role": message.role,
        "content": message.content,
        "refusal": message.refusal,
        "reasoning": message.reasoning,
        "finish_reason": choice.finish_reason,
        "tool_calls": [_call(call) for call in message.tool_calls or ()],
    }


def _call(call: ChatCompletionMessageToolCall) -> dict[str, Any]:
    param = call.to_param()
    inner: Any = param.get("custom") or param["function"]
    return {
        "id": param["id"],
        "type": param["type"],
        "name": inner["name"],
        "arguments": inner["input"] if "custom" in param else inner["arguments"],
    }


def usage_as_sent(usage: CompletionUsage | None) -> dict[str, Any] | None:
    """Give a usage as one object: its own fields and what the provider added; null says nothing."""
    if usage is None:
        return None
    found = msgspec.to_builtins(usage)
    for key, value in found.pop("extra").items():
        found[key] = found[key] | value if isinstance(found.get(key), dict) else value
    return without_nulls(found)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    return value


def same(expected: Any, found: Any, made_up: set[object]) -> bool:
    """Compare an expected value of a fixture, in which "<any>" and "<synthetic>" stand for values."""
    if expected == "<any>":
        return bool(found)
    if expected == "<synthetic>":
        new = bool(found) and found not in made_up
        made_up.add(found)
        return new
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(same(expected[key], found[key], made_up) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(lambda *pair: same(*pair, made_up), expected, found))
    return type(expected) is type(found) and expected == found


def describe(changes: Iterable[ChatChange]) -> list[str]:
    """Name each change, with its choice, and what it tells."""
    words = []
    for change in changes:
        name = type(change).__name__
        where = [str(getattr(change, key)) for key in ("parent", "index") if key in change.__struct_fields__]
        told = getattr(change, "delta", "")
        words.append(
            " ".join([name, "/".join(where), *([repr(told)] if isinstance(told, str) and told else [])]).strip()
        )
    return words
