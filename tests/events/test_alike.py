"""Which events are alike but for one text, and what is made of the others' texts. No accumulator, no stream."""

import json
from typing import Any

import pytest
from assistant_folds import code, function, message_delta, step_delta, text
from assistants_wire import frame, message
from chat_folds import call, chunk, delta

from asyncstream.decoding import STRICT_ERRORS
from asyncstream.events.alike import Mould, find_mould
from asyncstream.events.decode import wire_of
from asyncstream.streaming.plain import read_text


def mould_of(frame: bytes, protocol: str) -> Mould[Any] | None:
    wire = wire_of(protocol)
    assert wire.pattern_of is not None
    frame = frame.removesuffix(b"\n\n")
    event = wire.decode_plain(frame)
    assert event is not None
    return find_mould(frame, event, wire.pattern_of, wire.decode_plain)


def padded(said: dict[str, Any], padding: object) -> bytes:
    return chunk({"index": 0, "delta": said, "finish_reason": None}, obfuscation=padding)


ALIKE = {
    "content": (lambda piece: delta(content=piece), "chat"),
    "content with a role": (lambda piece: delta(role="assistant", content=piece), "chat"),
    "content of another choice": (lambda piece: delta(index=3, content=piece), "chat"),
    "arguments": (lambda piece: delta(tool_calls=[call(1, None, piece)]), "chat"),
    "arguments with a name": (lambda piece: delta(tool_calls=[call(1, "f", piece, id="c", type="function")]), "chat"),
    "content beside padding": (lambda piece: padded({"content": piece}, "=="), "chat"),
    "arguments beside padding": (lambda piece: padded({"tool_calls": [call(0, None, piece)]}, "=="), "chat"),
    "content beside unknown members": (
        lambda piece: chunk({"index": 0, "delta": {"content": piece}}, seen_by="p", seen=1, not_seen=None),
        "chat",
    ),
    "content beside unknown null": (lambda piece: delta(content=piece, token_ids=None), "chat"),
    "arguments beside unknown member": (
        lambda piece: chunk({"index": 0, "delta": {"tool_calls": [call(0, None, piece)]}}, seen_by="p"),
        "chat",
    ),
    "text": (lambda piece: message_delta("m", text(piece)), "assistants"),
    "code": (lambda piece: step_delta("s", code(piece)), "assistants"),
    "function": (lambda piece: step_delta("s", function(piece)), "assistants"),
}


@pytest.mark.parametrize("kind", ALIKE)
@pytest.mark.parametrize(
    "piece", ["", "b", 'a "quoted" \\ text\n', "\N{GRINNING FACE}\x7f", '", "content": "', "x" * 999]
)
def test_event_that_a_mould_makes_is_what_its_frame_decodes_to(kind, piece):
    make_frame, protocol = ALIKE[kind]
    mould = mould_of(make_frame("a"), protocol)
    other = make_frame(piece).removesuffix(b"\n\n")

    assert mould is not None
    assert other.startswith(mould.head)
    assert other.endswith(mould.tail)
    quoted, _, padding = other[len(mould.head) - 1 : 1 - len(mould.tail)].partition(mould.middle or b"\n")
    assert piece == read_text(quoted)
    assert mould.make(piece, other, read_text(padding) if padding else None) == wire_of(protocol).decode_plain(other)


@pytest.mark.parametrize("kind", ALIKE)
def test_what_is_done_to_an_event_shows_in_no_other(kind):
    make_frame, protocol = ALIKE[kind]
    decode = wire_of(protocol).decode_plain
    frame = make_frame("a").removesuffix(b"\n\n")
    event = decode(frame)
    mould = find_mould(frame, event, wire_of(protocol).pattern_of, decode)
    spoil(event)
    padding = "==" if mould.middle else None
    spoil(mould.make("b", frame, padding))

    assert mould.make("a", frame, padding) == decode(frame)


def spoil(value: Any) -> None:
    """Change all that can be changed of an event."""
    if isinstance(value, list | dict):
        for one in value if isinstance(value, list) else ():
            spoil(one)
        value.clear()
        return
    for name in getattr(value, "__struct_fields__", ()):
        spoil(getattr(value, name))
        if not value.__struct_config__.frozen:
            setattr(value, name, "spoilt")


@pytest.mark.parametrize(
    ("kind", "protocol"),
    [
        # More than one text, or none.
        (delta(), "chat"),
        (delta("stop"), "chat"),
        (delta(refusal="a"), "chat"),
        (delta(reasoning="a"), "chat"),
        (chunk({"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "a"}}), "chat"),
        (delta(tool_calls=[call(0, None, "a"), call(1, None, "b")]), "chat"),
        (delta(tool_calls=[]), "chat"),
        (delta(tool_calls=[call(0, "f")]), "chat"),
        (delta(tool_calls=[{"index": 0, "type": "custom", "custom": {"input": "a"}}]), "chat"),
        (delta(tool_calls=[call(0, None, {"a": 1})]), "chat"),
        (delta(content="a", tool_calls=[call(0, None, {"content": "b"})]), "chat"),
        (chunk({"index": 0, "message": {"content": "a"}}), "chat"),
        (message("created", id="m"), "assistants"),
        (message_delta("m"), "assistants"),
        (message_delta("m", text("a"), text("b", 1)), "assistants"),
        (message_delta("m", {"index": 0, "type": "text"}), "assistants"),
        (message_delta("m", text()), "assistants"),
        (message_delta("m", {"index": 0, "type": "refusal", "refusal": "a"}), "assistants"),
        (frame("thread.message.delta", id="m", delta={"role": "assistant"}), "assistants"),
        (frame("thread.run.step.delta", id="s", delta={}), "assistants"),
        (frame("thread.run.step.delta", id="s", delta={"step_details": {"type": "tool_calls"}}), "assistants"),
        (step_delta("s"), "assistants"),
        (step_delta("s", code("a"), code("b", index=1)), "assistants"),
        (step_delta("s", code()), "assistants"),
        (step_delta("s", {"index": 0, "type": "code_interpreter"}), "assistants"),
        (step_delta("s", {"index": 0, "type": "function"}), "assistants"),
        (step_delta("s", function(name="f")), "assistants"),
        (step_delta("s", function({"a": 1})), "assistants"),
        (step_delta("s", {"index": 0, "type": "file_search", "file_search": {"value": "a"}}), "assistants"),
        # What two events must not share.
        (delta(content="a", annotations=[{"type": "url_citation"}]), "chat"),
        (delta(content="a", extra_content={"content_": 1}), "chat"),
        (chunk({"index": 0, "delta": {"content": "a"}, "logprobs": {"content": []}}), "chat"),
        (chunk({"index": 0, "delta": {"content": "a"}}, citations=["a"]), "chat"),
        (delta(tool_calls=[call(0, None, "a", extra_content={"google": {}})]), "chat"),
        (delta(annotations=[], tool_calls=[call(0, None, "a")]), "chat"),
        (message_delta("m", text("a", annotations=[])), "assistants"),
        (step_delta("s", code("a", {"index": 0, "type": "logs", "logs": "b"})), "assistants"),
        # The padding is there twice, hidden, or before the text.
        (padded({"content": "a"}, "b").replace(b', "obf', b', "obfuscation": "c", "obf'), "chat"),
        (padded({"content": "a"}, "b").replace(b"obf", b"\\u006fbf"), "chat"),
        (b'data: {"obfuscation":"b","choices":[{"index":0,"delta":{"content":"a"}}]}', "chat"),
        # What no field names.
        (chunk({"index": 0, "delta": {"content": "a"}}, seen={"by": "p"}), "chat"),
        (chunk({"index": 0, "delta": {"content": "a"}, "token": "p"}), "chat"),
        (delta(content="a", token="p"), "chat"),
        (delta(tool_calls=[call(0, None, "a", token="p")]), "chat"),
        # What was mended.
        (b'data: {"choices":[{"index":0,"delta":{"content":"a"}}],"deep":' + b"[" * 200 + b"]" * 200 + b"}", "chat"),
        # The member is there twice, or hidden in an escape.
        (b'data: {"choices":[{"index":0,"delta":{"content":"a","content":"b"}}]}', "chat"),
        (b'data: {"choices":[{"index":0,"delta":{"content":  "a"}}]}', "chat"),
        (b'data: {"choices":[{"index":0,"delta":{"c\\u006fntent":"a"}}]}', "chat"),
        (b'data: {"choices":[{"index":0,"delta":{"content":"a","c\\u006fntent":"a"}}]}', "chat"),
    ],
)
def test_events_that_others_differ_from_in_more_have_no_mould(kind, protocol):
    assert mould_of(kind, protocol) is None


def test_member_of_that_name_in_what_is_not_read_does_not_count():
    hidden = {"id": "m", "delta": {"content": [{"index": 0, "type": "text", "text": {"value": "a"}}]}}
    data = json.dumps({"filler": {"value": "a"}, **hidden}).encode()

    assert mould_of(b"event: thread.message.delta\ndata: " + data, "assistants") is None
    escaped = data.replace(b'"text": {"value"', b'"text": {"v\\u0061lue"')
    assert mould_of(b"event: thread.message.delta\ndata: " + escaped, "assistants") is None


@pytest.mark.parametrize("bad", [b'"', b'"a\n"', b'"a"b"', b'"\\ud83d"', b'"\xff"', b"", b'"a", "b"', b"1"])
def test_what_is_not_one_string_is_no_text(bad):
    with pytest.raises(STRICT_ERRORS):
        read_text(bad)
