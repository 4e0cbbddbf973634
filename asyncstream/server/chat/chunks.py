"""The chunks of a chat answer, in the shape of a dialect: roles, content, reasoning, finish reasons, envelope, usage.

Each of these members of a dialect has a table here, from its values to a function that makes or changes deltas or
chunks. Pure. Below it stand `script` and `calls`, above it `frames`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeAlias

import msgspec

from asyncstream.server.actions import ErrorEvent, Fail
from asyncstream.server.chat.calls import call_deltas, legacy_deltas
from asyncstream.server.chat.objects import chat_usage, logprobs_of, new_completion
from asyncstream.server.chat.script import Block, CallRow, Control, Finish, TextBlock, count_tokens
from asyncstream.server.dialects import (
    ChatDialect,
    ChoiceIndexForm,
    EnvelopeForm,
    FinishForm,
    ReasoningForm,
    RoleForm,
    UsageForm,
)
from asyncstream.server.state import Wire

__all__ = ["Answer", "Chunk", "chunks_of"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What chunks are made of."""

    body: Mapping[str, Any]
    """The request."""
    envelope: Wire
    choices: Sequence[Sequence[Block]]
    prompt_tokens: int
    dialect: ChatDialect

    @property
    def stream_options(self) -> Mapping[str, Any]:
        """The request's."""
        return self.body.get("stream_options") or {}


class Chunk(msgspec.Struct):
    """One chunk, and what it costs."""

    wire: Wire
    usage: Wire
    """The usage up to here."""


class _Delta(msgspec.Struct):
    """What one choice says in one chunk."""

    delta: Wire | None
    kind: str = ""
    """The kind of text in it; "call" for a call."""
    tokens: int = 0
    finish: str | None = None
    logprobs: Wire | None = None
    message: Wire | None = None


_Deltas: TypeAlias = "list[_Delta | Control]"


def chunks_of(answer: Answer) -> list[Chunk | Control]:
    """Return the chunks of an answer, its choices by turns, with the controls of the script between them.

    An error ends the list, whichever choice it is in.
    """
    chunks: list[Chunk | Control] = []
    completion = reasoning = 0
    choices = [_deltas(index, blocks, answer) for index, blocks in enumerate(answer.choices)]
    for index, item in _by_turns(choices):
        if not isinstance(item, _Delta):
            chunks.append(item)
            if isinstance(item, ErrorEvent | Fail):
                return chunks
            continue
        completion += item.tokens
        reasoning += item.tokens if item.kind == "reasoning" else 0
        wire = {
            "id": answer.envelope["id"],
            "object": "chat.completion.chunk",
            **answer.envelope,
            "choices": _CHOICE_INDEX[answer.dialect.choice_index](index, _choice(item, answer.dialect)),
        }
        if answer.stream_options.get("include_obfuscation"):
            length = len(str(item.delta))
            wire["obfuscation"] = "x" * (-length % 16 + 1)
        chunks.append(Chunk(wire, chat_usage(answer.prompt_tokens, completion, reasoning)))
    only = [chunk for chunk in chunks if isinstance(chunk, Chunk)]
    _USAGE[answer.dialect.usage](only, answer)
    _ENVELOPE[answer.dialect.envelope](only)
    if answer.dialect.usage == "own" and answer.stream_options.get("include_usage"):
        chunks.append(Chunk({**only[-1].wire, "choices": [], "usage": only[-1].usage}, only[-1].usage))
    if answer.dialect.content_filter:
        chunks.insert(0, Chunk(_prompt_filter(), only[0].usage))
    return chunks


def _by_turns(choices: Sequence[_Deltas]) -> Iterator[tuple[int, "_Delta | Control"]]:
    for turn in zip_longest(*choices):
        yield from ((index, item) for index, item in enumerate(turn) if item is not None)


# The deltas of one choice.


def _deltas(index: int, blocks: Sequence[Block], answer: Answer) -> _Deltas:
    dialect = answer.dialect
    if dialect.content == "message":
        return _in_one_message(index, blocks, answer)
    opens_with_text = bool(blocks) and isinstance(blocks[0], TextBlock) and blocks[0].kind == "content"
    deltas: _Deltas = [_Delta({"content": "" if opens_with_text else None, "refusal": None})]
    for item in blocks:
        match item:
            case TextBlock():
                deltas.append(_text_delta(item, answer))
            case CallRow(calls=calls):
                legacy = bool(answer.body.get("functions"))
                wires = list(legacy_deltas(calls[0]) if legacy else call_deltas(calls, dialect))
                tokens = _spread(count_tokens(item), len(wires))
                deltas.extend(_Delta(wire, "call", count) for wire, count in zip(wires, tokens, strict=True))
            case Finish(reason=reason):
                _FINISH[dialect.finish](deltas, reason)
            case _:
                deltas.append(item)
    for place, delta in enumerate(delta for delta in deltas if isinstance(delta, _Delta)):
        delta.delta = None if delta.delta is None else _ROLE[dialect.role](place, delta.delta)
    return deltas


def _spread(tokens: int, count: int) -> list[int]:
    """Spread tokens over the deltas that a dialect makes of something: the first have one each, the last the rest."""
    singles = min(tokens, count - 1)
    return [1] * singles + [0] * (count - 1 - singles) + [tokens - singles]


def _text_delta(block: TextBlock, answer: Answer) -> _Delta:
    if block.kind == "reasoning":
        return _Delta(_REASONING[answer.dialect.reasoning](block.text), block.kind, tokens=1)
    if answer.dialect.content == "parts":
        delta: Wire = {"content": [{"type": block.kind.replace("content", "text"), _PART_KEYS[block.kind]: block.text}]}
    else:
        delta = {block.kind: block.text}
    if block.annotations:
        delta["annotations"] = list(block.annotations)
    logprobs = logprobs_of([block], answer.body.get("top_logprobs") or 0) if answer.body.get("logprobs") else None
    return _Delta(delta, block.kind, tokens=1, logprobs=logprobs)


_PART_KEYS = {"content": "text", "refusal": "refusal"}


def _in_one_message(index: int, blocks: Sequence[Block], answer: Answer) -> _Deltas:
    """Return a whole message in one chunk, where the last piece of it would be."""
    deltas: _Deltas = [item for item in blocks if not isinstance(item, TextBlock | CallRow | Finish)]
    if not deltas or not isinstance(deltas[-1], ErrorEvent | Fail):
        whole = new_completion(answer.envelope, [blocks], answer.body, {})["choices"][0]
        tokens = sum(map(count_tokens, blocks))
        deltas.append(
            _Delta(None, "", tokens, whole["finish_reason"], whole["logprobs"], message=whole["message"]),
        )
    return deltas


def _choice(delta: _Delta, dialect: ChatDialect) -> Wire:
    if delta.message is None:
        choice: Wire = {"delta": delta.delta}
    else:
        choice = {"message": delta.message}
    choice["logprobs"] = delta.logprobs
    choice["finish_reason"] = delta.finish or _UNFINISHED.get(dialect.finish)
    if dialect.content_filter:
        choice["content_filter_results"] = _filtered("hate", "self_harm") if delta.kind in _PART_KEYS else {}
    return choice


_CHOICE_INDEX: Mapping[ChoiceIndexForm, Callable[[int, Wire], list[Wire]]] = {
    "each": lambda index, choice: [{"index": index, **choice}],
    # The place says which choice it is: the others are there too, and say nothing.
    "absent": lambda index, choice: [{} for _ in range(index)] + [choice],
    "text": lambda index, choice: [{"index": str(index), **choice}],
}

# Roles.

_ROLE: Mapping[RoleForm, Callable[[int, Wire], Wire]] = {
    "first": lambda place, delta: {"role": "assistant", **delta} if place == 0 else delta,
    "every": lambda _, delta: {"role": "assistant", **delta},
    "empty": lambda _, delta: {"role": "", **delta},
    "absent": lambda _, delta: delta,
}

# Reasoning.

_REASONING: Mapping[ReasoningForm, Callable[[str], Wire]] = {
    "reasoning_content": lambda text: {"reasoning_content": text},
    "reasoning": lambda text: {"reasoning": text},
    "details": lambda text: {
        "reasoning": text,
        "reasoning_details": [{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}],
    },
    "parts": lambda text: {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]},
}

# Finish reasons.


def _finish_in_own(deltas: _Deltas, reason: str) -> None:
    deltas.append(_Delta({}, finish=reason))


def _finish_in_last(deltas: _Deltas, reason: str) -> None:
    last = next(delta for delta in reversed(deltas) if isinstance(delta, _Delta))
    last.finish = reason


def _finish_without_delta(deltas: _Deltas, reason: str) -> None:
    deltas.append(_Delta(None, finish=reason))


def _finish_twice(deltas: _Deltas, reason: str) -> None:
    deltas.extend([_Delta({}, finish=reason), _Delta({}, finish=reason)])


def _finish_as_stop(deltas: _Deltas, reason: str) -> None:
    deltas.append(_Delta({}, finish="stop" if reason in ("tool_calls", "function_call") else reason))


_FINISH: Mapping[FinishForm, Callable[[_Deltas, str], None]] = {
    "own": _finish_in_own,
    "merged": _finish_in_last,
    "no_delta": _finish_without_delta,
    "twice": _finish_twice,
    "stop": _finish_as_stop,
    "empty": _finish_in_own,
    "null_text": _finish_in_own,
    "absent": lambda deltas, reason: None,
}
_UNFINISHED: Mapping[FinishForm, str] = {"empty": "", "null_text": "null"}
"""What stands for the null of a choice that goes on."""

# Usage.


def _usage_apart(chunks: Sequence[Chunk], answer: Answer) -> None:
    if answer.stream_options.get("include_usage"):
        for chunk in chunks:
            chunk.wire["usage"] = None


def _usage_in_finish(chunks: Sequence[Chunk], answer: Answer) -> None:
    chunks[-1].wire["usage"] = chunks[-1].usage


def _usage_everywhere(chunks: Sequence[Chunk], answer: Answer) -> None:
    for chunk in chunks:
        chunk.wire["usage"] = chunk.usage


def _usage_in_x_groq(chunks: Sequence[Chunk], answer: Answer) -> None:
    chunks[0].wire["x_groq"] = {"id": answer.envelope["id"]}
    chunks[-1].wire["x_groq"] = {"id": answer.envelope["id"], "usage": chunks[-1].usage}


def _usage_in_choice(chunks: Sequence[Chunk], answer: Answer) -> None:
    chunks[-1].wire["choices"][-1]["usage"] = chunks[-1].usage


_USAGE: Mapping[UsageForm, Callable[[Sequence[Chunk], Answer], None]] = {
    "own": _usage_apart,
    "finish": _usage_in_finish,
    "every": _usage_everywhere,
    "x_groq": _usage_in_x_groq,
    "choice": _usage_in_choice,
    "never": lambda chunks, answer: None,
}

# The envelope.

_NAMES = ("id", "created", "model")


def _envelope_once(chunks: Sequence[Chunk]) -> None:
    for chunk in chunks[1:]:
        chunk.wire.update(dict.fromkeys(_NAMES))


def _envelope_never(chunks: Sequence[Chunk]) -> None:
    for chunk in chunks:
        for name in _NAMES:
            del chunk.wire[name]


_ENVELOPE: Mapping[EnvelopeForm, Callable[[Sequence[Chunk]], None]] = {
    "every": lambda chunks: None,
    "first": _envelope_once,
    "absent": _envelope_never,
}

# Azure's filter.


def _prompt_filter() -> Wire:
    results = [{"prompt_index": 0, "content_filter_results": _filtered("hate", "self_harm", "sexual", "violence")}]
    return {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": results}


def _filtered(*categories: str) -> Wire:
    return {category: {"filtered": False, "severity": "safe"} for category in categories}
