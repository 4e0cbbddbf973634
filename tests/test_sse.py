"""Bytes to frames to events by the WHATWG rules, and an event to bytes."""

import time

import pytest
from event_streams import EventDecoder, ServerSentEvent, read_as_streams_do, read_by_the_standard
from hypothesis import given
from hypothesis import strategies as st

from asyncstream.errors import APIResponseValidationError, ConfigurationError, StreamDecodeError
from asyncstream.sse import Frame, FrameSplitter, begins_as_stream, encode, parse_frame


def frames(*chunks: bytes, limit: int = 1000) -> list[bytes]:
    """Cut chunks into frames; the unterminated one, if there is one, stands last."""
    splitter = FrameSplitter(limit)
    complete = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    rest = splitter.end()
    return [*complete, rest] if rest else complete


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


# Frames.


def test_blank_line_ends_a_frame():
    assert frames(b"data: a\n\ndata: b\n\n") == [b"data: a", b"data: b"]


def test_bytes_after_the_last_blank_line_are_pending():
    splitter = FrameSplitter()

    assert splitter.feed(b"data: a\n\ndata: b\n") == [b"data: a"]
    assert splitter.pending_bytes == 8
    assert splitter.end() == b"data: b"
    assert splitter.pending_bytes == 0
    assert splitter.end() == b""


@pytest.mark.parametrize("newline", [b"\n", b"\r", b"\r\n"])
def test_every_line_end_of_the_standard_ends_lines(newline):
    body = newline.join([b"event: e", b"data: a", b"", b"data: b", b"", b""])

    assert frames(body) == [b"event: e\ndata: a", b"data: b"]
    assert frames(*byte_by_byte(body)) == [b"event: e\ndata: a", b"data: b"]


def test_line_ends_may_be_mixed():
    assert frames(b"data: a\r\n\ndata: b\r\rdata: c\n\r\n") == [b"data: a", b"data: b", b"data: c"]


def test_carriage_return_at_the_end_of_a_chunk_ends_a_line_at_once():
    splitter = FrameSplitter()

    assert splitter.feed(b"data: a\r\r") == [b"data: a"]


def test_line_feed_that_begins_a_chunk_belongs_to_the_carriage_return_before_it():
    assert frames(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [b"data: a\ndata: b"]


def test_empty_chunk_keeps_a_pair_of_carriage_return_and_line_feed_together():
    assert frames(b"data: a\r", b"", b"\ndata: b") == [b"data: a\ndata: b"]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\v", "\f", "\x1c"])
def test_nothing_else_ends_a_line(separator):
    body = f"data: a{separator}{separator}b\n\n".encode()

    assert read_as_streams_do([body]) == [("message", f"a{separator}{separator}b")]
    assert frames(body) == [body[:-2]]


def test_one_byte_order_mark_at_the_very_start_is_stripped():
    bom = b"\xef\xbb\xbf"

    assert frames(bom + b"data: a\n\n" + bom + b"data: b\n\n") == [b"data: a", bom + b"data: b"]
    assert frames(*byte_by_byte(bom + b"data: a\n\n")) == [b"data: a"]
    assert frames(bom + bom + b"data: a") == [bom + b"data: a"]


def test_pending_bytes_are_counted_wherever_they_are_held():
    splitter = FrameSplitter()
    splitter.feed(b"\xef\xbb")
    assert splitter.pending_bytes == 2

    splitter.feed(b"\xbfdata: a\n")
    assert splitter.pending_bytes == 8


def test_half_a_byte_order_mark_is_text():
    assert frames(b"\xef\xbb", b"data: a") == [b"\xef\xbbdata: a"]
    assert frames(b"\xef\xbb") == [b"\xef\xbb"]


def test_only_comments_and_blank_lines_make_frames_without_fields():
    found = frames(b"\n\n\n: hi\n\n\ndata: a\n\n")

    assert [parse_frame(frame).lines for frame in found] == [[], [], [b"a"]]


# Fields.


def test_one_space_after_the_colon_is_stripped():
    assert parse_frame(b"data:a").lines == [b"a"]
    assert parse_frame(b"data: a").lines == [b"a"]
    assert parse_frame(b"data:  a").lines == [b" a"]
    assert parse_frame(b"data:\ta").lines == [b"\ta"]


def test_field_without_a_colon_has_an_empty_value():
    assert parse_frame(b"data\ndata").lines == [b"", b""]
    assert parse_frame(b"event: a\nevent").event == ""


def test_last_event_name_wins():
    assert parse_frame(b"event: a\ndata: 1\nevent: b") == Frame("b", [b"1"])


def test_field_names_are_matched_to_the_letter():
    assert parse_frame(b"Data: a\n data: b\ndata : c\nEVENT: d\nx: e\n: f") == Frame("", [])


def test_bad_utf8_in_an_event_name_is_replaced():
    assert parse_frame(b"event: a\xff\ndata: b").event == "a\ufffd"


def test_field_named_error_without_data_is_an_error_frame():
    assert parse_frame(b'error: {"message": "x"}') == Frame("error", [b'{"message": "x"}'])
    assert parse_frame(b"event: other\nerror: x") == Frame("error", [b"x"])


def test_field_named_error_beside_data_or_without_a_value_is_ignored():
    assert parse_frame(b"error: x\ndata: y") == Frame("", [b"y"])
    assert parse_frame(b"error:\nerror: \t ") == Frame("", [])


@pytest.mark.parametrize(
    ("data", "begins"),
    [
        (b"data: x", True),
        (b"\xef\xbb\xbf\r\n\nevent:x", True),
        (b":", True),
        (b"id:", True),
        (b"retry: 3", True),
        (b"", None),
        (b"\xef\xbb", None),
        (b"\n\nret", None),
        (b"data", None),
        (b"dates", False),
        (b" data:", False),
        (b"{}", False),
        (b"<html>", False),
    ],
)
def test_how_an_event_stream_begins(data, begins):
    assert begins_as_stream(data) is begins


def test_first_of_several_error_fields_is_the_error():
    assert parse_frame(b"error: first\nerror: second") == Frame("error", [b"first"])


# The standard's reading, and the stream's.


def test_event_without_data_is_not_dispatched_and_its_name_is_forgotten():
    assert read_as_streams_do([b"event: a\n\ndata: b\n\n"]) == [("message", "b")]


def test_lines_of_data_are_joined_by_line_feeds():
    assert read_as_streams_do([b"data: a\ndata\ndata: b\n\n"]) == [("message", "a\n\nb")]


def test_empty_data_is_dispatched():
    assert read_as_streams_do([b"data\n\ndata:\n\n"]) == [("message", ""), ("message", "")]


def test_error_field_is_unknown_to_the_standard_alone():
    assert read_by_the_standard([b"error: x\n\n"]) == []
    assert read_as_streams_do([b"error: x\n\n"]) == [("error", "x")]


def test_bad_utf8_is_replaced_per_event():
    half, other_half = "é".encode()[:1], "é".encode()[1:]

    assert read_as_streams_do([b"data: " + half, other_half + b"\n\n"]) == [("message", "é")]
    assert read_as_streams_do([b"data: " + half + b"\n\ndata: " + other_half + b"\n\n"]) == [
        ("message", "\ufffd"),
        ("message", "\ufffd"),
    ]


LINES = st.lists(
    st.sampled_from(["data: a", "data", "data:", "event: e", "id: 1", "retry: 5", ": c", "error: x", "x", "\ufeff", ""])
    | st.text(st.characters(codec="utf-8"), max_size=5),
    max_size=12,
)


@given(LINES, st.lists(st.sampled_from([b"\n", b"\r", b"\r\n"]), min_size=12, max_size=12), st.data())
def test_chunks_never_show(lines, newlines, data):
    body = b"".join(line.encode() + newline for line, newline in zip(lines, newlines, strict=False))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    chunks = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    assert read_as_streams_do(chunks) == read_as_streams_do([body])
    assert [parse_frame(frame) for frame in frames(*chunks)] == [parse_frame(frame) for frame in frames(body)]


@given(
    st.lists(st.binary(max_size=8) | st.sampled_from([b"data: a", b"event: e", b"\n", b"\r", b"\r\n", b"\xef\xbb\xbf"]))
)
def test_a_stream_reads_what_the_standard_reads(chunks):
    # Alone, the field `error` is an error for a stream and nothing for the standard.
    if b"error" not in b"".join(chunks):
        assert read_as_streams_do(chunks) == read_by_the_standard(chunks)


# Limits and cost.


def test_frame_of_exactly_the_limit_passes():
    assert frames(b"data: 1234\n\n", limit=10) == [b"data: 1234"]
    assert frames(*byte_by_byte(b"data: 1234\n\n"), limit=10) == [b"data: 1234"]


@pytest.mark.parametrize("cut", [str, list])
def test_frame_over_the_limit_fails_after_those_before_it(cut):
    body = b"data: 1\n\ndata: 2\n\ndata: 34567\n\ndata: 8\n\n"
    splitter = FrameSplitter(10)
    found = [frame for chunk in ([body] if cut is str else byte_by_byte(body)) for frame in splitter.feed(chunk)]

    assert found == [b"data: 1", b"data: 2"]
    assert splitter.failure is not None
    assert isinstance(splitter.failure, StreamDecodeError)
    assert isinstance(splitter.failure, APIResponseValidationError)
    assert splitter.failure.raw.startswith(b"data: 34567")
    assert "11 bytes" in str(splitter.failure)
    assert "10 bytes" in str(splitter.failure)
    assert splitter.feed(b"data: 9\n\n") == []
    assert splitter.end() == b""


def test_endless_line_fails_while_it_arrives():
    splitter = FrameSplitter(1000)
    fed = 0
    while splitter.failure is None:
        splitter.feed(b"x" * 100)
        fed += 100

    assert fed == 1100
    assert splitter.pending_bytes == 0


def test_error_of_an_oversized_frame_keeps_only_its_beginning():
    splitter = FrameSplitter(200_000)
    for _ in range(3):
        splitter.feed(b"a" * 100_000)

    assert splitter.failure is not None
    assert len(splitter.failure.raw) == 65_536


def cost_per_byte(size: int, chunk: int) -> float:
    """Seconds a byte that one event of a size takes, read in chunks; the best of three."""
    data = b"data: " + b"a" * size + b"\n\n"
    chunks = [data[at : at + chunk] for at in range(0, len(data), chunk)]
    best = float("inf")
    for _ in range(3):
        splitter = FrameSplitter(len(data))
        start = time.process_time()
        found = [frame for piece in chunks for frame in splitter.feed(piece)]
        best = min(best, time.process_time() - start)
        assert len(found) == 1
    return best / size


@pytest.mark.timing
@pytest.mark.parametrize(("small", "large", "chunk"), [(10_000, 160_000, 1), (500_000, 8_000_000, 16_384)])
def test_cost_of_a_byte_does_not_grow_with_the_event(small, large, chunk):
    cost_per_byte(small, chunk)

    assert cost_per_byte(large, chunk) < 4 * cost_per_byte(small, chunk)


# Encoding.


def test_event_is_encoded_with_its_fields():
    assert encode("a", event="e", id="1", retry=5) == b"event: e\nid: 1\nretry: 5\ndata: a\n\n"
    assert encode(b'{"a":1}') == b'data: {"a":1}\n\n'


@pytest.mark.parametrize("data", ["a\nb", "a\rb", "a\r\nb"])
def test_each_line_of_data_becomes_a_field(data):
    assert encode(data) == b"data: a\ndata: b\n\n"


@pytest.mark.parametrize("field", ["event", "id"])
@pytest.mark.parametrize("value", ["a\ndata: b", "a\rdata: b", "a\r\n\r\nb", "\n"])
def test_name_that_would_break_the_frame_is_refused(field, value):
    with pytest.raises(ConfigurationError):
        encode("x", **{field: value})


def test_id_with_nul_is_refused():
    with pytest.raises(ConfigurationError):
        encode("x", id="a\0")


def test_half_of_a_surrogate_pair_is_replaced_in_data_and_refused_elsewhere():
    assert encode("a\ud83d b\ude00") == "data: a\ufffd b\ufffd\n\n".encode()
    assert encode("\ud83d\ude00") == "data: \U0001f600\n\n".encode()
    for field in ("event", "id"):
        with pytest.raises(ConfigurationError, match=f"an {field} must be valid text"):
            encode("x", **{field: "\ud83d"})


ONE_LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)


@given(
    data=st.text(st.characters(codec="utf-8"), max_size=60),
    event=st.none() | ONE_LINE,
    id=st.none() | ONE_LINE.filter(lambda id: "\0" not in id),
    retry=st.none() | st.integers(0, 10**12),
    size=st.integers(1, 9),
)
def test_encoded_event_decodes_to_itself(data, event, id, retry, size):
    encoded = encode(data, event=event, id=id, retry=retry)
    decoder = EventDecoder()
    found = [one for at in range(0, len(encoded), size) for one in decoder.feed(encoded[at : at + size])]

    lines = data.replace("\r\n", "\n").replace("\r", "\n")
    assert found == [ServerSentEvent(lines, event or "message", id or "", retry)]
    assert read_as_streams_do([encoded]) == [(event or "message", lines)]


# Borders of what is above.


def test_line_feed_at_the_very_start_is_a_line_of_its_own():
    assert frames(b"\ndata: a\n\n") == [b"\ndata: a"]


def test_line_feed_belongs_to_the_carriage_return_just_before_it_only():
    assert frames(b"data: a\r", b"data: b", b"\n\ndata: c") == [b"data: a\ndata: b", b"data: c"]


def test_byte_order_mark_that_begins_a_later_chunk_is_text():
    bom = b"\xef\xbb\xbf"

    assert frames(b"data: a\n\n", bom + b"data: b\n\n") == [b"data: a", bom + b"data: b"]


def test_nothing_but_a_possible_byte_order_mark_is_held_back():
    splitter = FrameSplitter()

    assert splitter.feed(b"\n\n") == [b""]
    assert frames(b"\xef\xbb\xbf") == []
    whole = FrameSplitter()
    whole.feed(b"\xef\xbb\xbf")
    assert whole.pending_bytes == 0


def test_last_chunk_of_a_frame_may_bring_it_over_the_limit():
    splitter = FrameSplitter(10)

    assert splitter.feed(b"data: 123") == []
    assert splitter.feed(b"45\n\ndata: 6\n\n") == []
    assert splitter.failure is not None
    assert splitter.failure.raw == b"data: 12345"


def test_frames_have_16_mib_at_most_unless_said_otherwise():
    least = 16 * 1024 * 1024
    chunk = b"x" * least
    within, beyond = FrameSplitter(), FrameSplitter()
    within.feed(chunk)
    beyond.feed(chunk + b"x")

    assert within.failure is None
    assert beyond.failure is not None


@pytest.mark.parametrize("field", ["event", "id"])
def test_refusal_names_the_field(field):
    with pytest.raises(ConfigurationError, match=f"^an {field} must be one line, got 'a.nb'"):
        encode("x", **{field: "a\nb"})


# What a proxy writes when it gives up.


@pytest.mark.parametrize(
    "frame",
    [b'{"error": "x"}', b'\n{"error": {"a": 1}}\n', b'{\n"error": "x"\n}', b' {"error": "a, b"} '],
)
def test_a_bare_object_with_an_error_is_an_error(frame):
    assert Frame("error", [frame.strip(b"\n")]) == parse_frame(frame)


@pytest.mark.parametrize(
    ("frame", "read"),
    [
        (b'{"error": null}', ("", [])),
        (b'["error"]', ("", [])),
        (b'{"error": "x"', ("", [])),
        (b'{x"error"}', ("", [])),
        (b'x{"error": "x"}', ("", [])),
        (b'{"failure": "error"}', ("", [])),
        (b'{"failure": "x"}', ("", [])),
        (b'{"error":\nid: 1\n"x"}', ("", [])),
        (b'{"error":\n: comment\n"x"}', ("", [])),
        (b'event: a\n{"error": "x"}', ("a", [])),
        (b'data: a\n{"error": "x"}', ("", [b"a"])),
    ],
)
def test_what_stands_beside_a_field_or_is_no_such_object_is_none(frame, read):
    assert Frame(*read) == parse_frame(frame)
