"""Properties of the chat fold: how bytes and strings are cut never shows, and nothing but our errors is ever raised."""

import copy
import json
import pickle
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from chat_folds import DONE, call, chunk, delta, fold
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_files import SHARED

from asyncstream.accumulators import ChatAccumulator, fold_answer
from asyncstream.errors import AsyncStreamError
from asyncstream.events import decode_stream

RECORDINGS = SHARED / "recordings"

OWN: list[bytes] = [
    delta(role="assistant", content="")
    + delta(reasoning_content="hm", reasoning="hm")
    + delta(content=[{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "He"}])
    + delta(content="llo", reasoning_details=[{"type": "reasoning.text", "index": 0, "text": "d", "signature": "s"}])
    + delta(tool_calls=[call(0, "f", '{"a"', id="a", type="function"), call(1, "g", "", id="b")])
    + delta(tool_calls=[call(1, arguments={"k": [1]}), call(0, arguments=":1}", extra_content={"x": {"y": "z"}})])
    + delta(index=1, function_call={"name": "old", "arguments": "{}"}, refusal="no")
    + delta("tool_calls")
    + delta("stop", index=1)
    + chunk(usage={"total_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1}})
    + DONE,
    chunk({"message": {"content": "Hi", "tool_calls": [call(0, "f", "{}")]}, "finish_reason": "stop"}) + DONE,
    delta(content="half") + b'data: {"error":{"message":"m","code":5}}\n\n',
]
"""Streams that have a bit of everything, so that the properties are tested where no recordings lie."""


def bodies() -> list[bytes]:
    """Give our own streams and the shorter recordings of each origin."""
    found = dict.fromkeys(OWN)
    for file in sorted(RECORDINGS.glob("*.sse")):
        body = file.read_bytes()
        if len(body) < 20_000 and b"choices" in body:
            found[body] = None
    return list(found)


BODIES = bodies()


# How bytes are cut.


@given(body=st.sampled_from(BODIES), data=st.data())
@settings(deadline=None, max_examples=75)
def test_cuts_of_the_bytes_leave_the_completion_unchanged(body, data):
    places = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=20)))
    pieces = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]

    assert comparable(fold(pieces)) == comparable(fold(body))


def comparable(found: Any) -> object:
    """Give an outcome as plain JSON in which ids that were made up are left out."""
    plain = msgspec.to_builtins(found.completion)
    for choice in plain["choices"]:
        message = choice["message"]
        for one in message["tool_calls"] or ():
            one.pop("id" if str(one.get("id")).startswith("call_") and len(one["id"]) == 29 else "", None)
        message["wire"].pop("tool_calls", None)
    return plain, found.outcome, found.error and found.error.message


# How strings are cut.

GROWING = ("content", "refusal", "reasoning_content", "reasoning")


@given(body=st.sampled_from(BODIES), data=st.data())
@settings(deadline=None, max_examples=75)
def test_cuts_of_a_deltas_strings_leave_the_completion_unchanged(body, data):
    cut = b"".join(frame for chunk_ in frames(body) for frame in spread(chunk_, data.draw))

    assert comparable(fold(cut)) == comparable(fold(body))


def frames(body: bytes) -> list[bytes]:
    return [frame + b"\n\n" for frame in body.replace(b"\r\n", b"\n").split(b"\n\n") if frame]


def spread(frame: bytes, draw: Any) -> Iterator[bytes]:
    """Cut a growing string of a frame in two, and send the pieces one after the other."""
    value = parsed(frame)
    choices = value.get("choices") if isinstance(value, dict) else None
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0].get("delta"), dict):
        yield frame
        return
    said = choices[0]["delta"]
    texts = [key for key in GROWING if isinstance(said.get(key), str) and len(said[key]) > 1]
    calls = said.get("tool_calls")
    piece = calls[0].get("function") if isinstance(calls, list) and len(calls) == 1 else None
    in_call = isinstance(piece, dict) and calls[0].get("index") is not None and len(piece.get("arguments") or "") > 1
    if len(texts) + in_call != 1 or not draw(st.booleans()):
        yield frame
        return
    choice = copy.deepcopy(choices[0])
    first = {"choices": [{key: choice[key] for key in ("index", "delta") if key in choice}]}
    text = piece["arguments"] if in_call else said[texts[0]]
    # Beside an empty reasoning, its details are what was thought.
    place = draw(st.integers(1 if said.get("reasoning_details") else 0, len(text)))
    if in_call:
        first["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] = text[:place]
        value["choices"][0]["delta"] = {
            "tool_calls": [{"index": calls[0]["index"], "function": {"arguments": text[place:]}}]
        }
    else:
        first["choices"][0]["delta"][texts[0]] = text[:place]
        value["choices"][0]["delta"] = {texts[0]: text[place:]}
    for part in (first, value):
        yield b"data: " + json.dumps(part).encode() + b"\n\n"


def parsed(frame: bytes) -> Any:
    line = frame.strip()
    try:
        return json.loads(line[6:]) if line.startswith(b"data: {") and b"\n" not in line else None
    except json.JSONDecodeError:
        return None


# What is mutated.

ODD: list[Any] = [
    *(None, 0, 1, -1, 1.5, True, "", "x", "null", "0", "7", "error", "{}", '"{}"', 10**30, 1e308, "\ud83d", "\ude00"),
    *([], {}, [1], ["a"], {"a": 1}, [None, 3, "s", {}], {"type": "text", "text": "q"}),
    [{"type": "thinking", "thinking": ["z", {"text": 3}, {"text": "y"}]}, {"type": "text", "text": "q"}],
    {"index": 0, "id": "z", "function": {"name": "n", "arguments": {"k": [1, {}]}}},
    [{"function": {"name": "f", "arguments": "{}"}}, {"function": {"name": "f", "arguments": "{}"}}],
]
# fmt: off
KEYS = [
    "content", "role", "tool_calls", "function_call", "delta", "message", "index", "id", "type", "function", "custom",
    "arguments", "input", "name", "reasoning", "reasoning_content", "reasoning_details", "refusal", "audio",
    "annotations", "extra_content", "finish_reason", "logprobs", "usage", "choices", "error", "object", "x_groq",
    "content_parts", "raw", "wire_type", "repairs", "citations", "extra", "moderation", "metadata", "created", "text",
    "summary",
]
# fmt: on


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


odd = st.one_of(st.sampled_from(ODD), st.sampled_from([100, 150, 400]).map(deep))


@given(body=st.sampled_from(BODIES), data=st.data())
@settings(deadline=None, max_examples=200)
def test_mutated_payloads_raise_nothing_but_our_errors(body, data):
    lines = frames(body)
    for _ in range(data.draw(st.integers(1, 4))):
        number = data.draw(st.integers(0, len(lines) - 1))
        value = parsed(lines[number])
        if value is not None:
            mutate(value, data.draw)
            lines[number] = b"data: " + json.dumps(value).encode() + b"\n\n"

    survives(b"".join(lines))


def mutate(value: Any, draw: Any) -> None:
    """Replace, add or drop one member somewhere in a payload."""
    place, key = value, None
    for _ in range(draw(st.integers(1, 7))):
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        if key is not None and not isinstance(place[keys[0]], dict | list) and len(keys) == 1:
            break
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key]:
            break
        parent, place = place, place[key]
    else:
        place = parent
    if not isinstance(place, dict):
        if place:
            place[draw(st.integers(0, len(place) - 1))] = draw(odd)
        return
    key = draw(st.sampled_from([*KEYS, *sorted(place)]))
    if draw(st.booleans()):
        place[key] = draw(odd)
    else:
        place.pop(key, None)


@given(body=st.sampled_from(BODIES), data=st.data())
@settings(deadline=None, max_examples=75)
def test_mutated_bytes_raise_nothing_but_our_errors(body, data):
    mutated = bytearray(body)
    for _ in range(data.draw(st.integers(1, 5))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(
            st.sampled_from(b'\n\r:{}[]",\\ \x00\xff\x80u')
        )

    survives(bytes(mutated))


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_raise_nothing_but_our_errors(body):
    survives(body)
    survives(b"data: " + body)


def survives(body: bytes) -> None:
    """Fold to the end, look at everything, write it all down."""
    found = fold(body, response_format=dict)
    completion = found.completion
    for change in found.changes:
        assert repr(change)
        change.snapshot  # noqa: B018  # looked at, to see that it can be built
    for choice in completion.choices:
        param = choice.message.to_param()
        assert None not in param.values()
        assert "parsed" not in param
        msgspec.json.encode(param)
    msgspec.json.encode(completion)
    msgspec.json.encode(found.accumulator.repairs)
    assert pickle.loads(pickle.dumps(found.accumulator)).completion == completion
    for frame in frames(body)[:1]:
        try:
            fold_answer(frame.strip().removeprefix(b"data: "), response_format=dict)
        except AsyncStreamError:
            pass


@pytest.mark.parametrize("levels", [60, 120, 127, 128, 129, 200, 400, 900])
@pytest.mark.parametrize("key", ["extra_content", "reasoning_details", "content", "tool_calls"])
def test_nesting_of_any_depth_is_survived(levels, key):
    value = deep(levels)
    members = {
        "extra_content": value,
        "reasoning_details": [value],
        "content": [{"type": "x", "x": value}, {"type": "text", "text": "t"}],
        "tool_calls": [call(0, "f", value, id="a")],
    }

    survives(delta(**{key: members[key]}) + DONE)


def test_push_of_a_whole_recording_event_by_event_equals_one_fold():
    accumulator = ChatAccumulator()
    for event in decode_stream(OWN[0], "chat"):
        accumulator.push(event)
        accumulator.completion  # noqa: B018  # looked at after every event: building must not change the fold
    accumulator.finish()

    assert comparable(type("", (), {"completion": accumulator.completion, "outcome": 0, "error": None})()) == (
        comparable(fold(OWN[0]))[0],
        0,
        None,
    )
