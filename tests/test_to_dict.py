"""`to_dict` and `to_json` of the structs of the wire: what the wire had, and nothing of our own."""

import json
from typing import Any

import msgspec
import pytest
import test_types
import test_types_chat

from asyncstream.accumulators import ChatAccumulator
from asyncstream.accumulators.chat import fold_answer
from asyncstream.events import decode_stream
from asyncstream.types import (
    ChatCompletionChunk,
    ChatCompletionMessage,
    ChatCompletionMessageFunctionToolCall,
    Run,
    UnknownChatToolCall,
    WireStruct,
)


class City(msgspec.Struct):
    name: str


SAMPLES = [pytest.param(*sample, id=name) for name, sample in {**test_types.SAMPLES, **test_types_chat.SAMPLES}.items()]


def nulls(value: Any) -> int:
    if isinstance(value, dict):
        return sum(1 if item is None else nulls(item) for item in value.values())
    return sum(map(nulls, value)) if isinstance(value, list) else 0


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


ANSWER: dict[str, Any] = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": '{"name": "Oslo"}',
                "reasoning_content": "A capital.",
                "tool_calls": [
                    {
                        "id": "a",
                        "type": "function",
                        "function": {"name": "f", "arguments": "{}", "cached": True},
                        "seconds": 2,
                    }
                ],
                "mood": "fine",
            },
            "finish_reason": "stop",
            "weight": 0.5,
        }
    ],
    "usage": {
        "prompt_tokens": 1,
        "completion_tokens": 0,
        "total_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": 0, "video_tokens": 3},
        "cost": 0.25,
    },
    "region": "north",
}


@pytest.mark.parametrize(("kind", "sample"), SAMPLES)
def test_it_has_all_that_the_wire_had_and_no_null(kind, sample):
    plain = msgspec.json.decode(encoded(sample), type=kind).to_dict()

    assert [] == test_types.lost(sample, plain)
    assert 0 == nulls(plain)
    assert "<" not in "".join(plain)


def test_a_whole_answer_is_given_as_it_came():
    completion = fold_answer(encoded(ANSWER), response_format=City)

    assert City("Oslo") == completion.choices[0].message.parsed
    assert ANSWER == completion.to_dict()


def test_a_streamed_answer_says_nothing_of_our_own():
    body = b'data: {"id": "c", "choices": [{"index": 0, "delta": {"reasoning_text": "Hm", "content": "Hi"}}]}\n\n'
    accumulator = ChatAccumulator()
    for event in decode_stream(body, "chat"):
        accumulator.push(event)

    message = accumulator.completion.choices[0].message

    assert ("unfinished", "Hm") == (message.cut, message.reasoning)
    assert {"role": "assistant", "content": "Hi", "reasoning_text": "Hm"} == message.to_dict()


def test_content_that_came_in_parts_is_given_in_parts():
    parts = [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "u"}}]
    choice = {"index": 0, "message": {"role": "assistant", "content": parts}, "finish_reason": "stop"}
    completion = fold_answer(encoded({**ANSWER, "choices": [choice]}))

    assert [choice] == completion.to_dict()["choices"]


def test_a_chunk_in_parts_is_given_in_parts():
    delta = {"content": [{"type": "text", "text": "Hi"}]}
    chunk = {**ANSWER, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}

    (event,) = decode_stream(b"data: " + encoded(chunk) + b"\n\n", "chat")

    assert isinstance(event, ChatCompletionChunk)
    assert chunk == event.to_dict()


@pytest.mark.parametrize("choice", [{"index": 0}, {"index": 0, "delta": {}}])
def test_an_absent_delta_stays_absent(choice):
    chunk = msgspec.json.decode(encoded({"choices": [choice]}), type=ChatCompletionChunk)

    assert [choice] == chunk.to_dict()["choices"]


def test_a_struct_of_unknown_type_is_what_came():
    wire = {"id": "k", "type": "builtin_function", "function": {"name": "f", "arguments": "{}"}}
    call = UnknownChatToolCall(wire_type="builtin_function", raw=encoded(wire), id="k", cut="length")

    assert {"role": "assistant", "tool_calls": [wire]} == ChatCompletionMessage(tool_calls=[call]).to_dict()


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"Infinity", float("inf")),
        (b'"\\ud83d"', "\ud83d"),
        (b'"\xff"', "\ufffd"),
        (b"9" * 5000, float("inf")),
        (b"9" * 30, int("9" * 30)),
    ],
    ids=["infinity", "half a pair", "no UTF-8", "5000 digits", "30 digits"],
)
def test_an_unknown_struct_may_hold_what_json_readers_stumble_over(raw, value):
    call = UnknownChatToolCall(wire_type="x", raw=b'{"type": "x", "score": ' + raw + b"}")

    assert {"type": "x", "score": value} == call.to_dict()


def test_it_is_a_copy():
    run = Run(id="r", metadata={"a": "b"})
    plain = run.to_dict()
    plain["metadata"]["a"] = "c"  # type: ignore[index]  # it is a dict

    assert {"a": "b"} == run.metadata


def test_json_is_indented_or_one_line():
    call = ChatCompletionMessageFunctionToolCall(id="å")
    one_line = '{"type": "function", "id": "å", "function": {"name": "", "arguments": ""}}'

    assert one_line == call.to_json(indent=None)
    assert json.loads(one_line) == json.loads(call.to_json())
    assert call.to_json().startswith('{\n  "type"')


def test_every_struct_of_the_wire_has_both():
    assert [] == [kind for kind in test_types.STRUCTS if not issubclass(kind, WireStruct)]
