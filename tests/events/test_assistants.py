"""Frames to the typed events of Assistants: every known name, unknown ones, errors, and payloads that do not fit."""

import json
import pickle
import tracemalloc
from typing import get_args

import pytest
from assistant_folds import events_of, message_delta, step_delta
from assistants_wire import frame

from asyncstream import events
from asyncstream.decoding import Repair
from asyncstream.errors import APIResponseValidationError, StreamDecodeError
from asyncstream.events import (
    AssistantStreamEvent,
    DoneEvent,
    ErrorEvent,
    ErrorObject,
    ThreadCreated,
    ThreadMessageDelta,
    ThreadRunCompleted,
    ThreadRunCreated,
    ThreadRunStepDelta,
    UnknownEvent,
)
from asyncstream.events.assistants import WIRE
from asyncstream.types import (
    FunctionToolCallDelta,
    Message,
    MessageDeltaEvent,
    Run,
    RunStep,
    RunStepDeltaEvent,
    TextDeltaBlock,
    Thread,
    ToolCallDeltaObject,
    UnknownContentDeltaBlock,
)

PAYLOADS = {
    "thread.created": Thread,
    **dict.fromkeys(
        (
            f"thread.run.{word}"
            for word in (
                "created",
                "queued",
                "in_progress",
                "requires_action",
                "completed",
                "incomplete",
                "failed",
                "cancelling",
                "cancelled",
                "expired",
            )
        ),
        Run,
    ),
    **dict.fromkeys(
        (
            f"thread.run.step.{word}"
            for word in ("created", "in_progress", "completed", "failed", "cancelled", "expired")
        ),
        RunStep,
    ),
    "thread.run.step.delta": RunStepDeltaEvent,
    **dict.fromkeys(
        (f"thread.message.{word}" for word in ("created", "in_progress", "completed", "incomplete")), Message
    ),
    "thread.message.delta": MessageDeltaEvent,
}


def only(data: bytes) -> AssistantStreamEvent:
    (event,) = events_of(data)
    return event


# Known events.


@pytest.mark.parametrize("name", PAYLOADS)
def test_known_event_is_typed_and_keeps_its_bytes(name):
    raw = b'{"id":"x_1", "object":"whatever"}'
    event = only(b"event: %s\ndata: %s\n\n" % (name.encode(), raw))

    assert event.event == name
    assert type(event.data) is PAYLOADS[name]  # type: ignore[union-attr]
    assert event.data.id == "x_1"  # type: ignore[union-attr]
    assert event.raw == raw
    assert event.repairs == ()  # type: ignore[union-attr]


def test_every_event_of_the_union_is_known():
    named = {event.event for event in get_args(AssistantStreamEvent)}

    assert named == {*PAYLOADS, "error", "done", "unknown"}
    assert len(PAYLOADS) == 23


def test_event_class_is_named_after_its_event():
    for name in PAYLOADS:
        words = name.replace(".", "_").split("_")

        assert getattr(events, "".join(word.capitalize() for word in words)).event == name


def test_event_narrows_by_name_and_by_pattern():
    event = only(message_delta("m", {"index": 0, "type": "text", "text": {"value": "hi"}}))

    assert event.event == "thread.message.delta"
    assert isinstance(event.data.delta.content, list)
    match event:
        case ThreadMessageDelta(data=MessageDeltaEvent(id=id)):
            assert id == "m"
        case _:
            pytest.fail("no match")


def test_deltas_are_typed_to_the_bottom():
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}
    event = only(step_delta("s", call))

    assert isinstance(event, ThreadRunStepDelta)
    assert isinstance(event.data.delta.step_details, ToolCallDeltaObject)
    assert event.data.delta.step_details.tool_calls is not None
    assert isinstance(event.data.delta.step_details.tool_calls[0], FunctionToolCallDelta)


def test_event_can_be_pickled():
    event = only(b'event: thread.run.created\ndata: {"id":5}\n\n')

    assert pickle.loads(pickle.dumps(event)) == event


def test_event_is_frozen():
    event = only(frame("thread.created", id="t"))

    assert isinstance(event, ThreadCreated)
    with pytest.raises(AttributeError):
        event.data = Thread(id="u")  # type: ignore[misc]


@pytest.mark.parametrize(
    "body",
    [
        b'event:thread.run.created\ndata:{"id":"r"}\n\n',
        b'\n\nevent: thread.run.created\ndata: {"id":"r"}\n\n',
        b': ping\nevent: thread.run.created\ndata: {"id":"r"}\n\n',
        b'data: {"id":"r"}\nevent: thread.run.created\n\n',
        b'id: 5\nevent: thread.run.created\nretry: 5\ndata: {"id":"r"}\n\n',
        b'event: thread.run.created\ndata: {"id":"r"}\nid: 5\n\n',
        b'event: thread.run.created\r\ndata: {"id":"r"}\r\n\r\n',
        b'event: other\nevent: thread.run.created\ndata: {"id":"r"}\n\n',
        b'event: thread.run.created\ndata: {"id":\ndata: "r"}\n\n',
        b'event: thread.run.created\nerror: x\ndata: {"id":"r"}\n\n',
        b'\xef\xbb\xbfevent: thread.run.created\ndata: {"id":"r"}\n\n',
    ],
)
def test_shape_of_the_frame_does_not_matter(body):
    event = only(body)

    assert isinstance(event, ThreadRunCreated)
    assert event.data.id == "r"
    assert event.repairs == ()


def test_event_name_is_matched_to_the_letter():
    for name in ("thread.run.created ", " thread.run.created", "Thread.run.created", "thread.run"):
        event = only(f"event:{' '}{name}\ndata: {{}}\n\n".encode())

        assert event == UnknownEvent(name, b"{}")


def test_no_object_is_judged_by_its_object_field():
    assert only(frame("thread.run.created", id="r", object="thread.message")) == ThreadRunCreated(
        Run(id="r", object="thread.message"), b'{"id": "r", "object": "thread.message"}'
    )
    assert isinstance(only(b'data: {"id":"r","object":"thread.run"}\n\n'), UnknownEvent)


# Events nobody knows.


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("thread.run.paused", '{"id": "r"}'),
        ("thread.run.step.paused", '{"id": "r"}'),
        ("ping", "tick"),
        ("ping", "[]"),
        ("ping", "null"),
        ("ping", "5"),
        ("ping", '"text"'),
        ("ping", '[{"a": 1}, {"b": 2}]'),
    ],
)
def test_unknown_name_makes_one_unknown_event(name, data):
    assert events_of(f"event: {name}\ndata: {data}\n\n".encode()) == [UnknownEvent(name, data.encode())]


def test_unnamed_object_is_unknown_under_the_standards_default_name():
    assert only(b'data: {"a":1}\n\n') == UnknownEvent("message", b'{"a":1}')


def test_unknown_event_of_several_lines_is_one():
    assert only(b'event: ping\ndata: {"a":1}\ndata: {"b":2}\n\n') == UnknownEvent("ping", b'{"a":1}\n{"b":2}')


@pytest.mark.parametrize(
    "body", [b"event: ping\n\n", b"event: ping\ndata:\n\n", b"event: ping\ndata: \t \n\n", b": hi\n\n"]
)
def test_unknown_name_without_data_is_no_event(body):
    assert events_of(body) == []


def test_comment_sent_again_as_data_is_no_event():
    assert events_of(b"data: : keep-alive\n\n", b"event: ping\ndata: :\n\n") == []


# The end.


@pytest.mark.parametrize(
    "body",
    [
        b"event: done\ndata: [DONE]\n\n",
        b"event: done\ndata\n\n",
        b"event: done\ndata:\n\n",
        b'event: done\ndata: {"error": {"message": "x"}}\n\n',
        b"event: done\ndata: whatever\n\n",
        b"data: [DONE]\n\n",
        b"data:  [DONE] \t\n\n",
        b"data:\ndata: [DONE]\n\n",
        b"event: error\ndata: [DONE]\n\n",
        b"event: thread.run.created\ndata: [DONE]\n\n",
        b"event: ping\ndata: [DONE]\n\n",
    ],
)
def test_done_with_data_or_the_marker_under_any_name_ends_the_stream(body):
    assert [type(event) for event in events_of(body, frame("thread.created", id="t"))] == [DoneEvent]


def test_done_without_data_is_no_event():
    assert events_of(b"event: done\n\n", b"event: done\n: hm\n\n") == []


def test_marker_in_a_json_string_or_with_more_beside_it_is_no_end():
    assert [type(event) for event in events_of(b'data: "[DONE]"\n\n', b"event: ping\ndata: x [DONE]\n\n")] == [
        UnknownEvent,
        UnknownEvent,
    ]


# Errors.


@pytest.mark.parametrize(
    ("body", "message", "code", "type_"),
    [
        ('event: error\ndata: {"code":"c","message":"m","type":"t"}', "m", "c", "t"),
        ('event: error\ndata: {"error":{"code":"c","message":"m","type":"t"}}', "m", "c", "t"),
        ('event: error\ndata: {"error":"m","code":429}', "m", 429, None),
        ("event: error\ndata:  The server had an error ", "The server had an error", None, None),
        ('event: error\ndata: "m"', "m", None, None),
        ("event: error\ndata: one\ndata: two", "one\ntwo", None, None),
        ('event: error\ndata: [{"message":"m"},{"message":"n"}]', "m", None, None),
        ('data: {"error":{"message":"m","code":502}}', "m", 502, None),
        ('data: {"error":"m"}', "m", None, None),
        ('data: {"type":"error","message":"m","code":"400"}', "m", "400", None),
        ('data: {"object":"error","message":"m","type":"Bad","code":400}', "m", 400, "Bad"),
        ('data: [{"a":1},{"error":{"message":"m"}}]', "m", None, None),
        ('event: thread.run.paused\ndata: {"error":{"message":"m"}}', "m", None, None),
        ('event: ping\ndata: {"type":"error","message":"m"}', "m", None, None),
        ('event: ping\ndata: {"a":1}\ndata: {"error":"m"}', "m", None, None),
        ("data: Bad Gateway", "Bad Gateway", None, None),
        ("event: message\ndata: Bad Gateway", "Bad Gateway", None, None),
        (
            "event: message\ndata:  upstream connect error\ndata: or disconnect",
            "upstream connect error\nor disconnect",
            None,
            None,
        ),
        ('error: {"error":{"message":"m"}}', "m", None, None),
        ("error: m", "m", None, None),
        ('error: {"message":"m"}\nerror: {"message":"n"}', "m", None, None),
    ],
)
def test_error_says_what_the_server_said(body, message, code, type_):
    found = events_of(body.encode() + b"\n\n", frame("thread.created", id="t"))

    assert [(type(event), event.data) for event in found] == [(ErrorEvent, ErrorObject(message, code, type_))]


@pytest.mark.parametrize("data", ["{}", '{"error":null}', '{"detail":"x"}', "[{}]", '{"error":{}}'])
def test_object_under_the_name_error_is_an_error_whatever_it_holds(data):
    event = only(f"event: error\ndata: {data}\n\n".encode())

    assert isinstance(event, ErrorEvent)
    assert event.data.message
    assert event.raw == (data[1:-1] if data.startswith("[") else data).encode()


@pytest.mark.parametrize("data", ["", " ", "null", "5", "true", "[]", '["x"]'])
def test_nothing_under_the_name_error_is_nothing(data):
    assert events_of(f"event: error\ndata: {data}\n\n".encode()) == []


@pytest.mark.parametrize("error", ["null", '""', "{}", "false", "0", "[]"])
def test_falsy_error_is_none(error):
    assert only(b'data: {"error":%s}\n\n' % error.encode()) == UnknownEvent("message", b'{"error":%s}' % error.encode())


@pytest.mark.parametrize("extra", [{"error": {"message": "m"}}, {"type": "error"}, {"object": "error"}])
def test_known_event_is_never_an_error(extra):
    assert isinstance(only(frame("thread.run.completed", id="r", **extra)), ThreadRunCompleted)


# What cannot be read.


@pytest.mark.parametrize(
    "body",
    [
        b'event: thread.message.delta\ndata: {"id":"m"\n\n',
        b"event: thread.message.delta\ndata: oops\n\n",
        b'event: thread.message.delta\ndata: {"id":"a\x01"}\n\n',
        b"event: ping\ndata: {cut\n\n",
        b"event: ping\ndata: [cut\n\n",
        b"data: {cut\n\n",
        b"event: thread.run.created\ndata: " + b"[" * 100_000 + b"\n\n",
        b'event: thread.run.created\ndata: {"id":"r","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n",
        b'event: thread.run.step.delta\ndata: {"id":"s","delta":{"step_details":{"type":"tool_calls","tool_calls":'
        b'[{"type":"file_search","file_search":' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}]}}}\n\n",
    ],
)
def test_torn_payload_is_an_error_with_its_bytes(body):
    with pytest.raises(StreamDecodeError) as caught:
        events_of(body)

    assert caught.value.raw == body.partition(b"data: ")[2].removesuffix(b"\n\n")
    assert isinstance(caught.value, APIResponseValidationError)


def test_what_came_before_a_torn_payload_is_not_lost():
    body = b'event: thread.run.created\ndata: {"id":"r"}\ndata: {"id":\n\n'
    first, error = WIRE.decode_frame(body.removesuffix(b"\n\n"))

    assert isinstance(first, ThreadRunCreated)
    assert isinstance(error, StreamDecodeError)


def test_other_json_under_a_known_name_is_nothing():
    for data in (b"null", b"5", b"true", b'"text"', b"[]", b'[1,"x",null]'):
        assert events_of(b"event: thread.run.created\ndata: " + data + b"\n\n") == []


# Payloads in odd wrappings.


def test_array_gives_its_objects_one_by_one():
    found = events_of(b'event: thread.run.created\ndata: [{"id":"a"}, 5, {"id":"b"}]\n\n')

    assert [event.data.id for event in found] == ["a", "b"]
    assert [event.raw for event in found] == [b'{"id":"a"}', b'{"id":"b"}']
    assert [event.repairs[0].rule for event in found] == ["2.2", "2.2"]


def test_array_keeps_half_a_surrogate_pair():
    event = only(b'event: thread.run.created\ndata: [{"id":"\\ud83d"}]\n\n')

    assert event.data.id == "\ud83d"


def test_several_payloads_glued_into_one_frame_are_told_apart():
    found = events_of(b'event: thread.run.created\ndata: {"id":"a"}\ndata: {"id":"b"}\n\n')

    assert [event.data.id for event in found] == ["a", "b"]
    assert found[0].repairs == (Repair("2.3", "thread.run.created", b'{"id":"a"}'),)


def test_payload_and_end_glued_into_one_frame_are_told_apart():
    found = events_of(b'event: thread.run.completed\ndata: {"id":"a"}\ndata: [DONE]\n\n')

    assert [type(event) for event in found] == [ThreadRunCompleted, DoneEvent]


def test_blank_lines_of_data_between_glued_payloads_are_skipped():
    found = events_of(b'event: thread.run.created\ndata: {"id":"a"}\ndata:\ndata: null\ndata: {"id":"b"}\n\n')

    assert [event.data.id for event in found] == ["a", "b"]


# The bytes ended before the blank line.


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'event: thread.run.created\ndata: {"id":"r"}', [ThreadRunCreated]),
        (b'event: thread.run.created\ndata: {"id":"r"}\n', [ThreadRunCreated]),
        (b'event: thread.run.created\ndata: {"id":"r"}\r', [ThreadRunCreated]),
        (b'event: thread.run.created\ndata: {"id":"r"', []),
        (b'event: thread.run.created\ndata:   {"id"', []),
        (b"event: thread.run.created\ndata: ", []),
        (b"event: thread.run.created\nda", []),
        (b"event: thread.run.cre", []),
        (b"event: done\ndata: [DONE]", [DoneEvent]),
        (b"event: done\ndata: [DON", []),
        (b"event: done\ndata: ", [DoneEvent]),
        (b"event: done\ndat", []),
        (b"event: done\n", []),
        (b"data: [DONE]", [DoneEvent]),
        (b"data: [DONE", []),
        (b"data: [", []),
        (b"event: error\ndata: broken pi", [ErrorEvent]),
        (b'event: error\ndata: {"message":"m"}', [ErrorEvent]),
        (b'event: error\ndata: {"message":"m', []),
        (b"data: Bad Gatew", [ErrorEvent]),
        (b'error: {"message":"m"}', [ErrorEvent]),
        (b'error: {"message":"m', []),
        (b"event: ping\ndata: ti", [UnknownEvent]),
        (b'event: thread.run.created\ndata: {"id":"a"}\ndata: {"id":"b"}', [ThreadRunCreated, ThreadRunCreated]),
        (b'event: thread.run.created\ndata: {"id":"a"}\ndata: {"id":"b', [ThreadRunCreated]),
        (b'event: thread.run.created\ndata: {"id":"a"}\ndata: [DONE]\ndata: {', [ThreadRunCreated, DoneEvent]),
        (b'event: thread.run.created\ndata: {"id":"a"}\ndata: [DON', [ThreadRunCreated]),
        (b'event: thread.run.created\ndata: {\ndata: "id":"a"', []),
        (b'event: thread.run.created\ndata: {\ndata: "id":"a"}', [ThreadRunCreated]),
        (b'event: thread.run.created\ndata: {"id":"a"}\ndata: {"id"\ndata: {"id":"c"}', [ThreadRunCreated]),
    ],
)
def test_pending_frame_is_read_without_what_was_cut_in_it(body, expected):
    assert [type(event) for event in events_of(body)] == expected


def test_pending_text_under_a_known_name_is_torn():
    with pytest.raises(StreamDecodeError):
        events_of(b"event: thread.run.created\ndata: oops")


# What was mended.


@pytest.mark.parametrize(
    ("data", "rules"),
    [
        (b'{"id":5}', ["6.4"]),
        (b'{"id":"a\xff"}', ["1.2"]),
        (b'{"id":"\\ud83d"}', ["6.2"]),
        (b'{"id":5,"model":"\xff\\ude00"}', ["1.2", "6.2", "6.4"]),
        (b'{"id":"r","status":null,"tools":null}', ["6.4", "6.4"]),
    ],
)
def test_repairs_are_recorded_with_their_rules(data, rules):
    event = only(b"event: thread.run.created\ndata: " + data + b"\n\n")

    assert [repair.rule for repair in event.repairs] == rules
    assert event.raw == data


def test_unknown_part_in_a_known_event_is_no_repair():
    event = only(message_delta("m", {"index": 0, "type": "hologram", "x": 1}))

    assert isinstance(event, ThreadMessageDelta)
    assert event.repairs == ()
    (part,) = event.data.delta.content or []
    assert isinstance(part, UnknownContentDeltaBlock)
    assert part.wire_type == "hologram"
    assert json.loads(part.raw) == {"index": 0, "type": "hologram", "x": 1}


def test_delta_under_a_null_index_and_value_is_read():
    event = only(message_delta("m", {"index": None, "type": "text", "text": None}))

    assert isinstance(event, ThreadMessageDelta)
    assert event.data.delta.content == [TextDeltaBlock()]
    assert event.repairs == ()


def test_bad_utf8_in_a_field_that_nobody_reads_is_no_matter():
    assert only(b'event: thread.created\ndata: {"id":"t","more":"\xff"}\n\n').repairs == ()


@pytest.mark.parametrize(
    "frame",
    [
        b'event: thread.created\ndata: {"id":"t"}',
        b'event: thread.created\ndata: {"id":7}',
        b'event: thread.created\ndata: {"id":',
        b'event: thread.created\ndata: {"id":\ndata: "t"}',
        b'data: {"id":"t"}\nevent: thread.created',
        b'event: thread.invented\ndata: {"id":"t"}',
        b"event: done\ndata: [DONE]",
        b": a comment",
    ],
)
def test_long_frame_is_taken_off_and_decoded_as_any_other(frame):
    frames = [frame, b"next"]

    decoded = [event for event in WIRE.decode_long(frames) if event is not None]

    assert [b"next"] == frames
    assert list(map(repr, WIRE.decode_frame(frame))) == list(map(repr, decoded))


def test_long_frame_is_not_held_while_it_is_decoded():
    size = 2_000_000
    before, after = message_delta("m", {"index": 0, "type": "text", "text": {"value": "@"}}).strip().split(b"@")
    list(WIRE.decode_long([before + after]))
    tracemalloc.start()
    try:
        frames = [before + b"x" * size + after]
        tracemalloc.reset_peak()
        events = list(WIRE.decode_long(frames))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(events) == 1
    # Its payload and its text.
    assert peak < 2.1 * size
