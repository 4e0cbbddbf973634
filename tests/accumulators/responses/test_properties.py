"""Properties of the fold: pickling and cutting never show, and nothing but our errors is ever raised."""

import json
import pickle
import random
import re
from typing import Any

import pytest
from response_folds import DONE, added, cuts, done, event, fold, life, line, text
from shared_files import SHARED

from asyncstream.accumulators import ResponseAccumulator
from asyncstream.errors import AsyncStreamError
from asyncstream.events import decode_stream

FIXTURES = SHARED / "fixtures" / "responses.json"

USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
MESSAGE = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "Hello"}], "status": "completed"}

OWN = [
    life("created", status="queued", metadata={"a": "b"})
    + added("reasoning", 0, id="r", summary=[])
    + event("reasoning_summary_part.added", item_id="r", summary_index=0, part={"type": "summary_text", "text": ""})
    + event("reasoning_summary_text.delta", item_id="r", output_index=0, summary_index=0, delta="Hm\ud83d")
    + event("reasoning_summary_text.delta", item_id="r", output_index=0, summary_index=0, delta="\ude42")
    + event("reasoning_text.delta", item_id="r", output_index=0, content_index=0, delta="so")
    + done("reasoning", 0, id="r2", summary=[{"type": "summary_text", "text": "Hm\U0001f642"}], encrypted_content="e")
    + added("message", 1, id="m", role="assistant", content=[])
    + text("Hel", "m", 1, content_index=0, logprobs=[{"token": "Hel", "logprob": -0.5}])
    + text("lo", "other", 1, content_index=0)
    + event("refusal.delta", item_id="m", content_index=1, delta="no")
    + event("output_text.annotation.added", item_id="m", annotation_index=0, annotation={"type": "file_path"})
    + added("function_call", 2, id="f", call_id="c", name="n", arguments="")
    + event("function_call_arguments.delta", item_id="f", output_index=2, delta='{"a"')
    + event("function_call_arguments.delta", item_id="f", output_index=2, delta=":1}")
    + event("custom_tool_call_input.delta", output_index=3, delta="free")
    + event("mcp_call.in_progress", item_id="x", output_index=4)
    + event("image_generation_call.partial_image", item_id="i", output_index=5, partial_image_b64="QQ==")
    + event("shell_call_command.delta", output_index=6, command_index=0, delta="ls")
    + event("shell_call_output_content.delta", item_id="o", output_index=7, command_index=0, delta={"stdout": "a"})
    + event("code_interpreter_call_code.delta", item_id="ci", output_index=8, delta="1+1")
    + event("apply_patch_call_operation_diff.delta", item_id="ap", output_index=9, delta="+a")
    + event("audio.transcript.delta", delta="Hi")
    + done("mcp_list_tools", 10, id="l", tools=[{"name": "t"}])
    + life("completed", [MESSAGE, {"type": "compaction", "id": "cc"}], status="completed", usage=USAGE)
    + life("created", id="second")
    + text("more", "m9", 0, named=False)
    + life("incomplete", id="second", incomplete_details={"reason": "max_output_tokens"})
    + DONE,
    text("half", content_index=0, sequence_number=3) + b'data: {"type":"error","message":"m","code":5}\n\n',
    text("half", None, None)
    + done("function_call", None, name="n", arguments={"a": 1})
    + b'data: {"detail":"gone"}\n\n',
]
"""Streams that have a bit of everything, so that the properties are tested where no fixtures lie."""


def bodies() -> list[list[bytes]]:
    found = [[body] for body in OWN]
    if FIXTURES.exists():
        for case in json.loads(FIXTURES.read_text()).values():
            found.append([body.encode() for body in (case["sse"], *case.get("resume", ()))])
    return found


BODIES = bodies()


def comparable(found: Any) -> object:
    """Give an outcome as plain JSON in which ids that were made up are alike."""
    shown = found.as_fixture()
    for item in shown["output"]:
        if str(item.get("call_id")).startswith("call_") and len(item["call_id"]) == 29:
            item["call_id"] = "made up"
    return json.dumps(shown), found.accumulator.repairs, found.accumulator.events_seen


def test_a_pickle_goes_on_where_it_was():
    for one in BODIES:
        assert comparable(fold(*one, pickled=True)) == comparable(fold(*one))


def pickled_size(body: bytes) -> int:
    accumulator = ResponseAccumulator()
    for one in decode_stream([body], "responses"):
        accumulator.fold(one)
    return len(pickle.dumps(accumulator))


def test_what_waits_to_be_merged_holds_no_text_of_the_answer():
    said = "word " * 20_000
    output = [{"type": "message", "id": "m", "content": [{"type": "output_text", "text": said}]}]

    body = life("created") + added("message", 0, id="m") + text(said, "m", 0) + life("completed", output)

    assert len(said) < pickled_size(body) < 1.2 * len(said)


def test_a_response_that_is_said_again_and_again_is_kept_once():
    again = b"".join(life("in_progress", instructions=f"{number} " * 1000) for number in range(100))

    assert pickled_size(again) < 30 * 4000


def test_an_error_keeps_its_partial_when_it_is_pickled():
    found = fold(OWN[1])
    again = pickle.loads(pickle.dumps(found.error))

    assert ("m", 5, 1) == (again.message, again.code, again.events_seen)
    assert found.accumulator.response == again.partial.response
    assert 3 == again.partial.last_sequence_number


def test_cuts_of_the_bytes_never_show():
    for body in OWN:
        whole = comparable(fold(body))
        for size in (1, 7, 100):
            assert comparable(fold(cuts(body, size))) == whole


def test_looking_changes_nothing():
    for body in OWN:
        accumulator = ResponseAccumulator()
        lines: list[str] = []
        try:
            for one in decode_stream(body, "responses"):
                changes = accumulator.push(one)
                lines += map(line, changes)
                for change in changes:
                    repr(change)
                    repr(change.snapshot)
                assert accumulator.response is accumulator.response
                assert accumulator.response.output == accumulator.output
            accumulator.finish()
        except AsyncStreamError:
            pass
        assert lines == fold(body).lines
        assert accumulator.response.to_dict().keys() == fold(body).accumulator.response.to_dict().keys()


def shown(accumulator: ResponseAccumulator) -> str:
    """Give all that can be looked at as text in which ids that were made up are alike."""
    said = repr((accumulator.response, accumulator.audio, accumulator.finished, accumulator.last_sequence_number))
    return re.sub("call_[0-9a-f]{24}", "made up", said)


@pytest.mark.parametrize("body", OWN)
def test_what_is_shown_is_what_came_so_far(body):
    looked, events = ResponseAccumulator(), []
    for one in decode_stream(body, "responses"):
        try:
            looked.push(one)
        except AsyncStreamError:
            break
        events.append(one)
        fresh = ResponseAccumulator()
        for again in events:
            fresh.fold(again)
        assert shown(looked) == shown(fresh)
    for accumulator in (looked, fresh):
        try:
            accumulator.finish()
        except AsyncStreamError:
            pass
    assert shown(looked) == shown(fresh)


# What is damaged.

ODD: list[Any] = [
    *(
        None,
        0,
        1,
        -1,
        1.5,
        True,
        "",
        "x",
        "7",
        "\ud83d",
        10**30,
        1e308,
        [],
        {},
        [1],
        ["a"],
        {"a": 1},
        [None, 3, "s", {}],
    ),
    {"type": "output_text", "text": 3, "annotations": [None, {"type": 5}], "logprobs": [None]},
    {"type": "message", "id": "m", "content": [{"type": "refusal"}, "text", None, {"text": ["x"]}]},
    [
        {"type": "function_call", "id": "f", "call_id": 5, "arguments": [{}]},
        {"type": "reasoning", "summary": {"text": "x"}},
    ],
    {"stdout": 5, "stderr": "w"},
    "response.output_item.done",
    "response.completed",
    "response.created",
    "response.content_part.done",
    "reasoning",
    "custom_tool_call",
    "shell_call_output",
    "unknown",
    "*",
    "*call",
]
# fmt: off
KEYS = [
    "type", "id", "item_id", "call_id", "output_index", "content_index", "summary_index", "annotation_index", "item",
    "part", "delta", "text", "arguments", "input", "code", "diff", "command", "commands", "command_index", "output",
    "content", "summary", "status", "response", "error", "usage", "action", "operation", "annotation", "annotations",
    "logprobs", "refusal", "partial_image_b64", "partial_image_index", "sequence_number", "incomplete_details", "model",
    "name", "role", "raw", "wire_type", "extra", "repairs", "tools", "metadata", "base_resp", "detail",
]
# fmt: on


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if levels % 2 else [value]
    return value


def damaged(body: bytes, dice: random.Random) -> bytes:
    """Change some payloads of a body, and tear, repeat, drop and swap some frames."""
    frames = [frame for frame in body.replace(b"\r\n", b"\n").split(b"\n\n") if frame]
    for _ in range(dice.randint(1, 5)):
        number = dice.randrange(len(frames))
        head, mark, data = frames[number].partition(b"data: ")
        match dice.randrange(8):
            case 0:
                frames.insert(dice.randrange(len(frames) + 1), frames[number])
            case 1 if len(frames) > 1:
                del frames[number]
            case 2:
                frames[number] = frames[number][: dice.randrange(len(frames[number]) + 1)]
            case _:
                try:
                    value = json.loads(data)
                except ValueError:
                    continue
                if isinstance(value, dict):
                    change(value, dice)
                    frames[number] = head + mark + json.dumps(value).encode()
    return b"".join(frame + b"\n\n" for frame in frames)


def change(value: dict[str, Any], dice: random.Random) -> None:
    """Replace, add or drop one member somewhere in a payload."""
    place: Any = value
    while inner := [
        one for one in (place.values() if isinstance(place, dict) else place) if isinstance(one, dict | list)
    ]:
        if dice.random() < 0.4:
            break
        place = dice.choice(inner)
    odd = dice.choice([*ODD, deep(100), deep(127), deep(301)])
    if isinstance(place, list):
        place.insert(dice.randrange(len(place) + 1), odd)
    elif dice.random() < 0.7:
        place[dice.choice([*KEYS, *place])] = odd
    else:
        place.pop(dice.choice([*KEYS, *place]), None)


def survives(bodies: list[bytes]) -> None:
    """Fold what may be anything, look at all of it, and let only errors of ours pass."""
    accumulator = ResponseAccumulator(text_format=dict[str, object])
    try:
        for body in bodies:
            for one in decode_stream(body, "responses"):
                for told in accumulator.push(one):
                    json.dumps(line(told))
                    told.snapshot  # noqa: B018  # looking may fail
                pickle.dumps(accumulator)
            accumulator.resume()
        accumulator.finish()
    except AsyncStreamError as error:
        pickle.loads(pickle.dumps(error))
    response = accumulator.response
    assert len(accumulator.output) == len(response.output)
    json.dumps(response.to_dict(), ensure_ascii=False).encode()
    repr(response).encode()


@pytest.mark.parametrize("number", [400, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_bodies_raise_nothing_but_our_errors(number):
    dice = random.Random(number)
    for _ in range(number):
        one = dice.choice(BODIES)
        survives([damaged(body, dice) if body.strip() else body for body in one])


@pytest.mark.parametrize("levels", [120, 126, 140, 301])
def test_what_is_nested_deep_is_folded_or_refused(levels):
    for frame in (
        done("odd", 0, id="x", deep=deep(levels)),
        life("created", vendor=deep(levels)),
        event("output_text.annotation.added", item_id="m", annotation={"type": "x", "deep": deep(levels)}),
        event("function_call_arguments.delta", item_id="f", delta=deep(levels)),
    ):
        survives([frame + life("completed")])
