"""`decode_stream`: from raw bytes to events without a client, cut anywhere."""

import pytest
from assistant_folds import events_of, message_delta, splits, text
from assistants_wire import DONE, frame

from asyncstream.errors import ConfigurationError, StreamDecodeError
from asyncstream.events import DoneEvent, ErrorEvent, ThreadCreated, ThreadMessageDelta, decode_stream
from asyncstream.events.assistants import WIRE
from asyncstream.events.wire import decode_last_frame

BODY = frame("thread.created", id="t") + message_delta("m", text("hé")) + DONE


def test_bytes_and_chunks_of_them_are_taken():
    expected = [ThreadCreated, ThreadMessageDelta, DoneEvent]

    assert [type(event) for event in decode_stream(BODY, "assistants")] == expected
    assert [type(event) for event in decode_stream([BODY], "assistants")] == expected
    assert [type(event) for event in decode_stream(iter([BODY[:50], b"", BODY[50:]]), "assistants")] == expected


def test_no_bytes_are_no_events():
    assert events_of() == []
    assert events_of(b"") == []


def test_cut_never_shows():
    expected = events_of(BODY)

    for newline in (b"\n", b"\r", b"\r\n"):
        body = BODY.replace(b"\n", newline)
        for chunks in splits(body):
            assert events_of(*chunks) == expected
        assert events_of(*(body[at : at + 1] for at in range(len(body)))) == expected


def test_event_is_given_as_soon_as_its_bytes_are_there():
    def chunks():
        yield frame("thread.created", id="t")
        pytest.fail("read on before it was asked for more")

    assert isinstance(next(decode_stream(chunks(), "assistants")), ThreadCreated)


@pytest.mark.parametrize("end", [DONE, b"data: [DONE]\n\n", b"event: error\ndata: x\n\n", b"data: x\n\n"])
def test_nothing_after_the_end_or_an_error_is_read(end):
    def chunks():
        yield end + frame("thread.created", id="t")
        pytest.fail("read on after the end")

    (event,) = decode_stream(chunks(), "assistants")

    assert isinstance(event, DoneEvent | ErrorEvent)


def test_unreadable_frame_is_raised_after_what_came_before_it():
    events = decode_stream(frame("thread.created", id="t") + b"data: {cut\n\n" + DONE, "assistants")

    assert isinstance(next(events), ThreadCreated)
    with pytest.raises(StreamDecodeError):
        next(events)
    assert list(events) == []


def test_oversized_frame_is_raised_after_what_came_before_it():
    chunks = [frame("thread.created", id="t"), *[b"x" * 1024 * 1024] * 17]
    events = decode_stream(chunks, "assistants")

    assert isinstance(next(events), ThreadCreated)
    with pytest.raises(StreamDecodeError, match="16777216 bytes"):
        next(events)


def test_unknown_protocol_is_refused_at_once():
    with pytest.raises(ConfigurationError, match="no protocol 'telegraph', expected one of 'assistants'"):
        decode_stream(b"", "telegraph")  # type: ignore[call-overload]


def test_pending_frame_may_be_empty():
    assert list(decode_last_frame(WIRE, b"")) == []
    assert list(decode_last_frame(WIRE, b"\n: hi")) == []
