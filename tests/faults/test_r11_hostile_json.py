r"""R11: "hostile JSON: deep, NaN, duplicate keys, surrogates, huge integers, wrong kinds; mutated recordings: only our
errors; unknown events and fields pass."

Hostile values are put in the place of every value of whole transcripts, one at a time. Whatever comes of it, what was
folded can be shown, written as JSON and pickled, and so can the error. The full size is marked `slow`:
``pytest -m slow tests/faults/test_r11_hostile_json.py``.
"""

import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from assistants_wire import DONE as ASSISTANTS_DONE
from assistants_wire import HELLO, frame
from chat_folds import DONE, chunk, delta
from fed_streams import fed
from hypothesis import given, settings
from hypothesis import strategies as st
from responses_wire import HELLO as RESPONSE
from shared_files import SHARED, needs_shared

from asyncstream import (
    AssistantAccumulator,
    AsyncStreamError,
    ChatAccumulator,
    ResponseAccumulator,
    StreamDecodeError,
    StreamError,
)
from asyncstream.events import UnknownEvent, decode_stream

TRANSCRIPTS = {
    path.stem: path.read_bytes() for path in sorted((Path(__file__).parents[1] / "transcripts").glob("*.sse"))
}
MUTATED = ["assistants_code", "assistants_quirks", "assistants_tools_1", "chat_dialects", "chat_reasoning"]
MUTATED += ["responses_quirks", "responses_text", "responses_tools_crlf"]
WHOLE = {"assistants": "assistants_tools_1", "chat": "chat_dialects", "responses": "responses_text"}

HOSTILE = {
    "null": "null",
    "true": "true",
    "zero": "0",
    "negative": "-1",
    "fraction": "0.5",
    "integer as a fraction": "3.0",
    "large integer": str(2**63),
    "larger integer": str(2**64),
    "integer of 400 digits": "9" * 400,
    "integer of 5,000 digits": "-" + "9" * 5000,
    "number over all floats": "1e400",
    "number under all floats": "1e-400",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "empty text": '""',
    "digits": '"7"',
    "NUL": r'"\u0000"',
    "first half of a pair": r'"\ud83d"',
    "second half of a pair": r'"\ude00"',
    "halves in the wrong order": r'"\ude00\ud83d"',
    "half as a key": r'{"\ud83d": 1}',
    "bad escape": r'"\x"',
    "raw control character": '"\x01"',
    "cut text": '"abc',
    "no value": "",
    "empty list": "[]",
    "list of null": "[null]",
    "list of everything": r'[null, 1, "a", {}, [], true, {"index": 0}, {"index": "x"}, {"id": 5}, {"type": []}]',
    "empty object": "{}",
    "object of null": '{"id": null, "index": null, "type": null, "function": null, "text": null, "content": null}',
    "object of lists": '{"id": [], "index": [], "type": [], "function": [], "text": [], "delta": [], "usage": []}',
    "unknown type": '{"type": "telepathy", "index": 0, "telepathy": {"deep": [1, {"a": null}]}}',
    "repeated keys": '{"id": "a", "id": 5, "index": 0, "index": "0", "type": "text", "type": null}',
    "keys of no text": '{"": {"": {"": 1}}, " ": 2, "id ": 3}',
    "error": '{"error": {"message": ["no"], "code": {"a": 1}}, "message": null}',
    "nested 127 deep": "[" * 120 + "]" * 120,
    "nested 5,000 deep": '{"a":' * 5000 + "1" + "}" * 5000,
    "nested 100,000 deep": "[" * 100_000 + "]" * 100_000,
    "opened 100,000 deep": '[{"a":' * 50_000,
    "wide": "[" + "{}," * 2000 + "1]",
}


class Found(NamedTuple):
    accumulator: AssistantAccumulator | ChatAccumulator | ResponseAccumulator
    error: StreamError | None
    unknown: int


def protocol_of(name: str) -> Any:
    return name.partition("_")[0]


def folded(body: bytes, protocol: Any) -> Found:
    """Decode and fold a stream to its end; let nothing out that is not ours, and look at all that there is to see."""
    makers = {"assistants": AssistantAccumulator, "chat": ChatAccumulator, "responses": ResponseAccumulator}
    accumulator: Any = makers[protocol]()
    error = None
    unknown = 0
    try:
        for event in decode_stream(body, protocol):
            unknown += isinstance(event, UnknownEvent)
            repr(event)
            repr(accumulator.push(event))
        repr(accumulator.finish())
    except StreamError as caught:
        error = caught
    look_at(accumulator)
    if error is not None:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.code) == (type(error), str(error), error.code)
        str(error).encode()
    return Found(accumulator, error, unknown)


def shown(accumulator: Any) -> list[Any]:
    if isinstance(accumulator, ChatAccumulator):
        return [accumulator.completion]
    if isinstance(accumulator, ResponseAccumulator):
        return [accumulator.response, accumulator.audio]
    return [accumulator.run, accumulator.thread, accumulator.messages, accumulator.run_steps]


def look_at(accumulator: Any) -> None:
    """Show the snapshots, write them as JSON, send them back, and pickle the accumulator."""
    snapshots = shown(accumulator)
    repr(snapshots).encode()
    json.loads(msgspec.json.encode(snapshots))
    repr(accumulator.repairs)
    if isinstance(accumulator, ChatAccumulator):
        for choice in accumulator.completion.choices:
            msgspec.json.encode(choice.message.to_param())
    assert shown(pickle.loads(pickle.dumps(accumulator))) == snapshots


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from paths(member, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    if isinstance(value, dict):
        return {key: replaced(member, path[1:], new) if key == path[0] else member for key, member in value.items()}
    return [replaced(member, path[1:], new) if at == path[0] else member for at, member in enumerate(value)]


def places(body: bytes) -> Iterator[tuple[bytes, bytes, Any, tuple[Any, ...]]]:
    """Give every value of a stream: what stands before and behind its payload, the payload, and the path in it."""
    for match in re.finditer(rb"^data: ?(\{.*\})\r?$", body, re.MULTILINE):
        payload = json.loads(match[1])
        for path in paths(payload):
            yield body[: match.start(1)], body[match.end(1) :], payload, path


def hostile(payload: Any, path: tuple[Any, ...], value: str) -> bytes:
    """Write a payload with hostile JSON at a path."""
    return json.dumps(replaced(payload, path, "@here@")).replace('"@here@"', value).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("share", [pytest.param(40, marks=pytest.mark.faults), pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", MUTATED)
def test_hostile_value_in_any_place_raises_nothing_but_our_errors(name, share):
    """`share`: one of so many cases is tried, each value and each place many times over."""
    tried, outcomes = 0, {"complete": 0, "error": 0}
    cases = ((place, key) for place in places(TRANSCRIPTS[name]) for key in HOSTILE)
    for number, ((before, behind, payload, path), key) in enumerate(cases):
        if number % share:
            continue
        body = before + hostile(payload, path, HOSTILE[key]) + behind
        try:
            found = folded(body, protocol_of(name))
        except Exception as error:
            raise AssertionError(f"{key} at {path} of {payload}") from error
        tried += 1
        outcomes["complete" if found.error is None else "error"] += 1
    print(f"\n{name}: {tried} cases, {outcomes}")

    assert tried > 4000 // share
    assert all(outcomes.values())


@pytest.mark.faults
@pytest.mark.parametrize("key", HOSTILE)
@pytest.mark.parametrize("protocol", WHOLE)
async def test_hostile_value_in_a_whole_stream_is_an_event_or_our_error(protocol, key):
    name = WHOLE[protocol]
    for before, behind, payload, path in list(places(TRANSCRIPTS[name]))[::9]:
        body = before + hostile(payload, path, HOSTILE[key]) + behind
        stream = fed(protocol, [body])
        error = None
        try:
            async with stream:
                async for _ in stream:
                    repr(stream.current_raw)
        except AsyncStreamError as caught:
            error = caught
        expected = folded(body, protocol)
        assert (type(error), error and str(error)) == (type(expected.error), expected.error and str(expected.error))
        look_at(stream.accumulator)


@pytest.mark.faults
@pytest.mark.parametrize("key", HOSTILE)
@pytest.mark.parametrize(
    "event",
    ["", "error", "thread.message.delta", "thread.run.completed", "response.completed", "keepalive", "ping", "done"],
)
def test_hostile_value_as_a_whole_payload(event, key):
    value = HOSTILE[key].encode()
    head = b"event: %s\n" % event.encode() if event else b""
    for protocol, whole in (
        ("assistants", b"".join(HELLO) + ASSISTANTS_DONE),
        ("chat", delta("stop") + DONE),
        ("responses", b"".join(RESPONSE)),
    ):
        folded(head + b"data: " + value + b"\n\n" + whole, protocol)
        folded(head + b"data: [" + value + b"]\n\n" + whole, protocol)
        folded(head + b'data: {"error": ' + value + b"}\n\n" + whole, protocol)
        folded(head + b"data: " + value + b"\ndata: {}\n\n" + whole, protocol)


@pytest.mark.parametrize(
    "value",
    [key for key in HOSTILE if "100,000" in key or key in ("bad escape", "cut text")],
)
def test_json_that_is_none_ends_a_stream_with_its_bytes(value):
    payload = b'{"id": "c", "choices": [{"delta": {"content": %s}}]}' % HOSTILE[value].encode()
    found = folded(delta(content="before") + b"data: " + payload + b"\n\n" + delta("stop") + DONE, "chat")

    assert isinstance(found.error, StreamDecodeError)
    assert found.error.raw == payload
    assert found.accumulator.completion.choices[0].message.content == "before"  # type: ignore[union-attr]


@pytest.mark.parametrize("value", [key for key in HOSTILE if "NaN" in key or "Infinity" in key])
def test_what_is_no_number_is_absent_and_ends_no_stream(value):
    payload = b'{"id": "c", "choices": [{"delta": {"content": "paid", "score": %s}}]}' % HOSTILE[value].encode()
    found = folded(delta(content="before, ") + b"data: " + payload + b"\n\n" + delta("stop") + DONE, "chat")

    assert found.error is None
    assert found.accumulator.completion.choices[0].message.content == "before, paid"  # type: ignore[union-attr]
    assert [repair.rule for repair in found.accumulator.repairs].count("6.2") == 1


BIG = 15 << 20


@pytest.mark.faults
@pytest.mark.parametrize(
    "body",
    [
        lambda big: delta(content=big),
        lambda big: delta(role=big, content="x"),
        lambda big: delta(tool_calls=[{"index": 0, "id": big, "function": {"name": "f", "arguments": "{}"}}]),
        lambda big: delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": big, "arguments": "{}"}}]),
        lambda big: delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f", "arguments": big}}]),
        lambda big: delta(content=[{"type": big, "text": "x"}]),
        lambda big: delta(content=[1, big]),
        lambda big: delta(**{big: 1}),
        lambda big: chunk(id=big),
        lambda big: chunk(usage={"prompt_tokens": big}),
        lambda big: b"event: " + big.encode() + b"\ndata: {}\n\n",
        lambda big: b": " + big.encode() + b"\n\n",
        lambda big: b"data: " + big.encode() + b"\n\n",
        lambda big: chunk(error={"message": big}),
        lambda big: frame("error", message=big),
    ],
)
def test_text_of_fifteen_megabytes_anywhere_is_no_trouble(body):
    folded(body("x" * BIG) + delta("stop") + DONE, "chat")


@pytest.mark.faults
@pytest.mark.parametrize("item", ["1", "null", "{}", '{"index":"x"}', '{"index":0,"type":"text","text":1}', "[]"])
def test_list_of_50_000_wrong_entries_is_no_trouble(item):
    wide = "[" + ",".join([item] * 50_000) + "]"
    delta_ = f'event: thread.message.delta\ndata: {{"id":"m","delta":{{"content":{wide}}}}}\n\n'.encode()
    found = folded(b"".join([*HELLO[:3], delta_, *HELLO[3:]]), "assistants")

    assert len(found.accumulator.repairs) <= 1000


@pytest.mark.faults
def test_event_over_the_limit_is_an_error_and_not_an_event():
    found = folded(delta(content="a") + delta(content="x" * (17 << 20)) + DONE, "chat")

    assert isinstance(found.error, StreamDecodeError)
    assert "the limit is 16777216 bytes" in str(found.error)


# What nobody knows passes.


ANY_FIELD = {"metadata", "prompt_token_details", "completion_tokens_details", "prompt_tokens_details"}


def with_unknown_fields(value: Any) -> Any:
    """Add a field to every object but those whose fields nobody knows beforehand."""
    if isinstance(value, list):
        return [with_unknown_fields(member) for member in value]
    if isinstance(value, dict):
        known = {key: member if key in ANY_FIELD else with_unknown_fields(member) for key, member in value.items()}
        return known | {"x_unknown": {"deep": [None, 1]}}
    return value


@pytest.mark.parametrize(
    "name",
    ["assistants_text", "assistants_code", "assistants_tools_1", "chat_text", "chat_tools_crlf", "responses_text"],
)
def test_unknown_fields_everywhere_change_nothing(name):
    def changed(match: re.Match[bytes]) -> bytes:
        return b"data: " + json.dumps(with_unknown_fields(json.loads(match[1]))).encode()

    plain = folded(TRANSCRIPTS[name], protocol_of(name))
    found = folded(re.sub(rb"^data: ?(\{.*\})", changed, TRANSCRIPTS[name], flags=re.MULTILINE), protocol_of(name))
    known = msgspec.to_builtins(shown(found.accumulator))

    assert found.error is plain.error is None
    assert without_unknown(known) == without_unknown(msgspec.to_builtins(shown(plain.accumulator)))
    assert found.accumulator.repairs == plain.accumulator.repairs


def without_unknown(value: Any) -> Any:
    if isinstance(value, list):
        return [without_unknown(member) for member in value]
    if isinstance(value, dict):
        return {key: without_unknown(member) for key, member in value.items() if key not in ("x_unknown", "<extra")}
    return value


@pytest.mark.parametrize("name", ["assistants_text", "assistants_code", "assistants_tools_1"])
def test_unknown_events_pass_and_fold_nothing(name):
    extra = frame("thread.run.telepathy", id="run_9", status="completed") + b"event: x\ndata: text\n\n"
    body = TRANSCRIPTS[name].replace(b"\n\n", b"\n\n" + extra)
    plain, found = folded(TRANSCRIPTS[name], "assistants"), folded(body, "assistants")

    assert found.unknown > 10
    assert shown(found.accumulator) == shown(plain.accumulator)
    assert (found.error, plain.error) == (None, None)


def test_unknown_statuses_types_and_reasons_are_kept_as_sent():
    found = folded(
        b"".join([*HELLO[:-1], frame("thread.run.completed", id="run_1", status="levitating")]), "assistants"
    )
    assert found.accumulator.run.status == "levitating"  # type: ignore[union-attr]

    found = folded(delta("levitation", role="ghost", content="x") + DONE, "chat")
    (choice,) = found.accumulator.completion.choices  # type: ignore[union-attr]
    assert (choice.finish_reason, choice.message.role) == ("levitation", "ghost")


# Properties.


HOSTILE_JSON = st.sampled_from(sorted(HOSTILE))


class Bodies(dict[str, bytes]):
    """Streams by name, with a repr that Hypothesis may print."""

    def __repr__(self) -> str:
        return f"{len(self)} streams"


@st.composite
def mutated(draw: st.DrawFn, bodies: Bodies) -> tuple[str, bytes]:
    """Change values of a stream by their paths, then perhaps some of its bytes."""
    name = draw(st.sampled_from(sorted(bodies)))
    body = bodies[name]
    for _ in range(draw(st.integers(0, 3))):
        found = list(re.finditer(rb"^data: ?(\{.*\})\r?$", body, re.MULTILINE))
        if found:
            match = draw(st.sampled_from(found))
            try:
                payload = json.loads(match[1])
            except (ValueError, RecursionError):
                continue
            path = draw(st.sampled_from(list(paths(payload))))
            new = hostile(payload, path, HOSTILE[draw(HOSTILE_JSON)])
            body = body[: match.start(1)] + new + body[match.end(1) :]
    changed = bytearray(body)
    for _ in range(draw(st.integers(0, 3))):
        if changed:
            at = draw(st.integers(0, len(changed) - 1))
            changed[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return name, bytes(changed)


@pytest.mark.faults
@settings(max_examples=300)
@given(st.data())
def test_mutated_transcripts_raise_nothing_but_our_errors(data):
    name, body = data.draw(mutated(Bodies(TRANSCRIPTS)))
    folded(body, protocol_of(name))


def recordings() -> dict[str, bytes]:
    found = {}
    for directory in ("recordings", "recordings_responses"):
        for path in sorted((SHARED / directory).glob("*.json")):
            body = path.with_suffix(".sse").read_bytes()
            if len(body) < 20_000:
                found[f"{json.loads(path.read_text()).get('api', 'responses')}_{path.stem}"] = body
    return found


@needs_shared("recordings")
@pytest.mark.parametrize(
    "examples", [pytest.param(150, marks=pytest.mark.faults), pytest.param(5000, marks=pytest.mark.slow)]
)
def test_mutated_recordings_raise_nothing_but_our_errors(examples):
    bodies = Bodies(recordings())

    @settings(max_examples=examples)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        name, body = data.draw(mutated(bodies))
        folded(body, protocol_of(name))

    check()
