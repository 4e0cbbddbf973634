"""What the data of a frame is, for every protocol: objects, an error, the end, or nothing."""

import json

import pytest

from asyncstream.decoding import load_json
from asyncstream.errors import StreamDecodeError
from asyncstream.events import payloads
from asyncstream.events.control import DoneEvent, ErrorEvent, ErrorObject
from asyncstream.events.payloads import Payload, error_in, parses_alone, read_payloads, whole_lines


def read(*lines: bytes, event: str = "", is_data: bool = False) -> list[object]:
    return [item for item in read_payloads(event, list(lines), lambda _: is_data) if item is not None]


# Payloads.


@pytest.mark.parametrize("data", [b"", b" ", b"\t", b"\x0b\x0c"])
def test_blank_data_is_nothing(data):
    assert read(data) == []
    assert read(data, data) == []


@pytest.mark.parametrize("data", [b"[DONE]", b" [DONE]", b"[DONE]\t "])
def test_done_marker_is_the_end_blanks_around_it_or_not(data):
    assert read(data) == [DoneEvent(raw=data)]
    assert read(data, event="error") == [DoneEvent(raw=data)]


def test_object_is_a_payload_with_its_bytes():
    assert read(b' {"a": 1}') == [Payload({"a": 1}, b' {"a": 1}')]


def test_array_gives_its_objects_only():
    assert read(b'[{"a":1},[{"b":2}],null,"x",{"c":3}]') == [
        Payload({"a": 1}, b'{"a":1}', alone=False),
        Payload({"c": 3}, b'{"c":3}', alone=False),
    ]


@pytest.mark.parametrize("data", [b"null", b"1", b"-1.5", b"true", b"false", b'"x"', b"[]"])
def test_other_json_is_nothing(data):
    assert read(data) == []
    assert read(data, is_data=True) == []


def test_what_is_no_payload_among_others_is_told_of_one_by_one():
    for lines in ([b'["x",1,null]'], [b"[]", b"5", b"null"]):
        assert list(read_payloads("", lines, lambda _: False)) == [None, None, None]


def test_each_line_is_read_when_it_is_asked_for(monkeypatch):
    lines = [b'{"a":%d}' % number for number in range(3000)]
    items = read_payloads("", lines, lambda _: False)
    first = [next(items), next(items)]

    def load(data: bytes) -> object:
        raise AssertionError(f"{data!r} is read too early")

    monkeypatch.setattr(payloads, "load_json", load)

    assert first == [None, Payload({"a": 0}, b'{"a":0}', alone=False)]
    with pytest.raises(AssertionError, match='"a":1'):
        list(items)


def test_string_under_the_name_error_is_its_message():
    assert read(b'" broken "', event="error") == [ErrorEvent(ErrorObject("broken"), b'" broken "')]
    (event,) = read(b'" "', event="error")

    assert isinstance(event, ErrorEvent)
    assert event.data.message.strip()


def test_lines_that_make_one_value_together_are_one_payload():
    assert read(b"{", b'"a":', b"1}") == [Payload({"a": 1}, b'{\n"a":\n1}')]


def test_lines_that_parse_alone_are_payloads_of_their_own():
    assert read(b'{"a":1}', b'{"b":2}', b"[DONE]", b'{"c":3}') == [
        Payload({"a": 1}, b'{"a":1}', alone=False),
        Payload({"b": 2}, b'{"b":2}', alone=False),
        DoneEvent(raw=b"[DONE]"),
    ]


def test_line_beside_one_that_parses_alone_is_judged_by_itself():
    assert read(b'{"a":1}', b": comment", b"5", b"", b"broken", b'{"b":2}') == [
        Payload({"a": 1}, b'{"a":1}', alone=False),
        ErrorEvent(ErrorObject("broken"), b"broken"),
    ]


def test_torn_line_ends_the_frame_with_an_error_after_what_came_before_it():
    first, error = read(b'{"a":1}', b'{"b":', b'{"c":3}')

    assert first == Payload({"a": 1}, b'{"a":1}', alone=False)
    assert isinstance(error, StreamDecodeError)
    assert error.raw == b'{"b":'


def test_lines_of_text_are_one_text():
    assert read(b" upstream error", b"or disconnect ") == [
        ErrorEvent(ErrorObject("upstream error\nor disconnect"), b" upstream error\nor disconnect ")
    ]
    assert read(b"5", b'"x"') == [ErrorEvent(ErrorObject('5\n"x"'), b'5\n"x"')]


# Text.


@pytest.mark.parametrize("event", ["", "message"])
def test_text_without_a_name_is_an_error(event):
    assert read(b" Bad Gateway ", event=event) == [ErrorEvent(ErrorObject("Bad Gateway"), b" Bad Gateway ")]


@pytest.mark.parametrize("text", [b"broken", b": broken", b"{broken", b"[broken", b"\xffbroken"])
def test_text_under_the_name_error_is_an_error_however_it_begins(text):
    assert read(text, event="error") == [ErrorEvent(ErrorObject(text.decode("utf-8", "replace")), text)]


@pytest.mark.parametrize("event", ["", "message", "ping", "known"])
def test_comment_sent_again_as_data_is_nothing(event):
    assert read(b" : ping", event=event, is_data=event == "known") == []


@pytest.mark.parametrize("event", ["", "message", "ping", "known"])
@pytest.mark.parametrize("data", [b'{"a":', b"[1,", b" {", b"[DONE", b"{'a':1}", b'{"a":NAN}', b"{" * 200_000])
def test_what_begins_like_a_payload_and_is_none_is_unreadable(event, data):
    (error,) = read(data, event=event)

    assert isinstance(error, StreamDecodeError)
    assert error.raw == error.body == data
    assert error.__cause__ is not None
    assert repr(event or "message") in str(error)
    assert f"{len(data)} bytes" in str(error)


def test_text_under_a_name_whose_frames_hold_json_is_unreadable():
    (error,) = read(b"broken", event="known", is_data=True)

    assert isinstance(error, StreamDecodeError)


def test_text_under_any_other_name_is_nothing():
    assert read(b"tick", event="ping") == []


@pytest.mark.parametrize(
    ("line", "alone"),
    [
        (b"{}", True),
        (b" [1] ", True),
        (b" [DONE] ", True),
        (b"5", False),
        (b'"x"', False),
        (b"null", False),
        (b"", False),
        (b"{", False),
    ],
)
def test_only_objects_arrays_and_the_marker_parse_alone(line, alone):
    assert parses_alone(line) == alone


# The end of the bytes.


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        ([b'{"a":1}'], [b'{"a":1}']),
        ([b'{"a":'], []),
        ([b"[DONE]"], [b"[DONE]"]),
        ([b"[DON"], []),
        ([b"text"], [b"text"]),
        ([b""], [b""]),
        ([b"{", b'"a":1}'], [b"{", b'"a":1}']),
        ([b"{", b'"a":1'], []),
        ([b'{"a":1}', b'{"b":2}'], [b'{"a":1}', b'{"b":2}']),
        ([b'{"a":1}', b"[DONE]", b'{"b"'], [b'{"a":1}', b"[DONE]"]),
        ([b'{"a":1}', b'{"b"', b'{"c":3}'], [b'{"a":1}']),
        ([b'{"a":1}', b"5", b'"x"', b"null", b"["], [b'{"a":1}', b"5", b'"x"', b"null"]),
        ([b'{"a":1}', b"text"], [b'{"a":1}']),
        ([b"text", b"{"], [b"text", b"{"]),
    ],
)
def test_what_was_cut_at_the_end_is_dropped(lines, expected):
    assert list(whole_lines(lines)) == expected


# Errors.


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('{"error":{"message":"m","code":"c","type":"t","param":"p"}}', ErrorObject("m", "c", "t", "p")),
        ('{"error":{"message":"m"},"code":5,"type":"t","param":"p"}', ErrorObject("m", 5, "t", "p")),
        ('{"error":{"message":"m","code":null,"type":null},"code":5}', ErrorObject("m", 5)),
        ('{"error":{"message":"m","code":0},"code":5}', ErrorObject("m", 0)),
        ('{"error":{"message":"m","type":""},"type":"t"}', ErrorObject("m", type="t")),
        ('{"error":{"message":"m","type":"error"}}', ErrorObject("m", type="error")),
        ('{"error":{"message":""},"message":"m"}', ErrorObject("m")),
        ('{"error":"m","message":"other","code":429,"type":"limit"}', ErrorObject("m", 429, "limit")),
        ('{"error":true,"message":"m"}', ErrorObject("m")),
        ('{"error":500,"message":"m"}', ErrorObject("m")),
        ('{"error":["x"],"message":"m"}', ErrorObject("m")),
        ('{"type":"error","message":"m","code":"400"}', ErrorObject("m", "400")),
        ('{"type":"error","error":{"type":"overloaded","message":"m"}}', ErrorObject("m", type="overloaded")),
        ('{"object":"error","message":"m","type":"t"}', ErrorObject("m", type="t")),
        ('{"object":"error","message":"m","type":"error"}', ErrorObject("m")),
        ('{"error":{"message":5}}', ErrorObject("5")),
        ('{"error":{"message":{"a":1}}}', ErrorObject('{"a":1}')),
    ],
)
def test_error_is_taken_from_the_inner_object_else_from_the_frame(payload, expected):
    assert error_in("", json.loads(payload)) == expected


@pytest.mark.parametrize(
    "payload", ["{}", '{"error":null}', '{"error":""}', '{"error":{}}', '{"error":false}', '{"a":1}']
)
def test_payload_without_an_error_is_none_but_under_the_name_error(payload):
    assert error_in("ping", json.loads(payload)) is None

    named = error_in("error", json.loads(payload))
    assert named is not None
    assert named.message


@pytest.mark.parametrize("payload", ['{"error":{"code":502}}', '{"error":500}', '{"type":"error","detail":"x"}'])
def test_error_without_a_message_shows_what_came(payload):
    error = error_in("", json.loads(payload))

    assert error is not None
    assert any(part in error.message for part in ("502", "500", "x"))


def test_huge_error_without_a_message_is_shown_in_part():
    error = error_in("error", {"detail": "x" * 100_000})

    assert error is not None
    assert len(error.message) < 1000


def test_error_that_a_protocol_found_elsewhere_counts_after_the_payloads_own():
    inner = {"message": "inner", "code": "400"}

    assert error_in("", {"choices": []}, inner=inner) == ErrorObject("inner", "400")
    assert error_in("", {"error": "own"}, inner=inner) == ErrorObject("own")
    assert error_in("", {"choices": []}, inner=None) is None


def test_nesting_that_can_be_read_can_be_shown():
    value = load_json(b'{"error":' + b"[" * 120 + b"]" * 120 + b"}")

    assert isinstance(value, dict)
    assert error_in("", value) is not None


@pytest.mark.parametrize("payload", [{"error": "half \ud83d"}, {"error": {"message": ["half \ud83d"]}}])
def test_message_of_an_error_can_always_be_printed(payload):
    found = error_in("", payload)

    assert found is not None
    assert "half \ufffd" in found.message
