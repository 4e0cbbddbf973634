"""Entries as bytes: what each form looks like, that pieces come back together, and what errors tell to browsers."""

import json
import pickle

import msgspec
import pytest
from event_streams import EventDecoder, ServerSentEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy

from asyncstream import errors
from asyncstream.errors import ConfigurationError, StreamDecodeError
from asyncstream.relay import RunLog
from asyncstream.relay import errors as relay_errors
from asyncstream.relay.cursor import after_of
from asyncstream.relay.entries import DONE, Entry, error_entry
from asyncstream.relay.errors import BadCursorError, RelayError, StoreError, error_body, error_headers, error_status
from asyncstream.relay.frames import (
    GREETING,
    HEARTBEAT,
    MAX_LINE,
    PIECE,
    CompatibleFrames,
    PieceJoiner,
    ndjson_line,
    sse_frame,
    text_chunk,
)

END = Entry(None, DONE, b"[DONE]")


def seen(data: bytes) -> list[ServerSentEvent]:
    """Read bytes as a browser does."""
    return EventDecoder().feed(data)


def joined(frames: bytes) -> list[tuple[str, str, bytes]]:
    """Read frames as a follower does: id, name and data of each whole event."""
    joiner = PieceJoiner()
    events = []
    for event in seen(frames):
        if event.event == PIECE:
            whole = joiner.push(event.data.encode())
            if whole is not None:
                events.append((event.id, *whole))
        else:
            events.append((event.id, "" if event.event == "message" else event.event, event.data.encode()))
    return events


@pytest.mark.parametrize(
    ("entry", "frame"),
    [
        (Entry(None, "", b"{}"), b"data: {}\n\n"),
        (Entry(7, "", b"{}"), b"id: 7\ndata: {}\n\n"),
        (Entry(None, "thread.run.queued", b"{}"), b"event: thread.run.queued\ndata: {}\n\n"),
        (Entry(8, "thread.run.queued", b"{}"), b"id: 8\nevent: thread.run.queued\ndata: {}\n\n"),
        (Entry(9, DONE, b"[DONE]"), b"id: 9\nevent: done\ndata: [DONE]\n\n"),
    ],
)
def test_a_frame_is_the_protocols_own_with_an_id_before_it(entry, frame):
    assert frame == sse_frame(entry)


@pytest.mark.parametrize("data", [b'{"a":\n1}', b"a\r\nb", b"a\rb", b"\n"])
def test_data_of_several_lines_reads_as_it_was(data):
    (event,) = seen(sse_frame(Entry(None, "x", data)))

    assert data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") == event.data.encode()


def test_greeting_and_heartbeat_are_no_events():
    decoder = EventDecoder()

    assert [] == decoder.feed(GREETING + HEARTBEAT)
    assert 1000 == decoder.retry


@pytest.mark.parametrize("filling", [b"x", b'"', b"\\", "é".encode(), "😀".encode(), b"\x01", b"\n"])
@pytest.mark.parametrize("id", [None, 5])
def test_a_large_event_goes_in_lines_within_the_limit_and_comes_back_whole(filling, id):
    data = b"[" + filling * (MAX_LINE // len(filling) + 1000) + b"]"

    frames = sse_frame(Entry(id, "thread.run.step.completed", data))

    assert max(map(len, frames.split(b"\n"))) <= MAX_LINE
    assert [("" if id is None else "5", "thread.run.step.completed", data)] == joined(frames)
    assert [""] * (len(seen(frames)) - 1) == [event.id for event in seen(frames)][:-1]


@settings(max_examples=30)
@given(st.text(max_size=20), st.integers(MAX_LINE - 30, MAX_LINE + 30), st.sampled_from(["", "text"]))
def test_splitting_and_joining_are_inverses_around_the_limit(text, size, name):
    data = json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")
    data += b" " * (size - len(data))

    frames = sse_frame(Entry(3, name, data))

    assert max(map(len, frames.split(b"\n"))) <= MAX_LINE
    assert [("3", name, data)] == joined(frames)


def test_a_reader_that_lost_half_of_the_pieces_gets_them_all_again():
    frames = [event.data.encode() for event in seen(sse_frame(Entry(1, "x", b"1" * 300_000)))]
    joiner = PieceJoiner()
    for data in frames[:3]:
        joiner.push(data)

    assert ("x", b"1" * 300_000) == [joiner.push(data) for data in frames][-1]


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([b"[]"], "expected a piece of an event, got 2 bytes that are none"),
        ([b"\xff"], "expected a piece of an event, got 1 bytes that are none"),
        ([b'{"x":' + b"[" * 9_000], "expected a piece of an event, got 9005 bytes that are none"),
        ([b'{"n":2,"of":3,"event":"x","json":""}'], "expected piece 1 of 0 of event '', got piece 2 of 3 of event 'x'"),
        (
            [b'{"n":1,"of":3,"event":"x","json":""}', b'{"n":3,"of":3,"event":"x","json":""}'],
            "expected piece 2 of 3 of event 'x', got piece 3 of 3 of event 'x'",
        ),
        (
            [b'{"n":1,"of":2,"event":"x","json":""}', b'{"n":2,"of":2,"event":"y","json":""}'],
            "expected piece 2 of 2 of event 'x', got piece 2 of 2 of event 'y'",
        ),
    ],
)
def test_a_piece_that_does_not_belong_is_an_error(pieces, message):
    joiner = PieceJoiner()
    for data in pieces[:-1]:
        joiner.push(data)
    with pytest.raises(StreamDecodeError) as caught:
        joiner.push(pieces[-1])

    assert (message, pieces[-1]) == (str(caught.value), caught.value.raw)


@pytest.mark.parametrize(
    ("entries", "frames"),
    [
        ([Entry(1, "", b'{"choices":[]}'), Entry(2, DONE, b"[DONE]")], b'data: {"choices":[]}\n\ndata: [DONE]\n\n'),
        ([Entry(1, "", b"{}"), error_entry(relay_errors.ProducerLostError("gone"))], None),
        ([Entry(1, "thread.created", b"{}"), END], b"event: thread.created\ndata: {}\n\nevent: done\ndata: [DONE]\n\n"),
    ],
)
def test_the_compatible_form_ends_as_the_protocol_does_and_has_no_ids(entries, frames):
    encode = CompatibleFrames()

    out = b"".join(map(encode, entries))

    assert b"id:" not in out
    if frames is not None:
        assert frames == out
    else:
        assert out.startswith(b'data: {}\n\ndata: {"error":')


def test_the_compatible_form_has_no_pieces():
    out = CompatibleFrames()(Entry(1, "", b"1" * 1_000_000))

    assert b"data: " + b"1" * 1_000_000 + b"\n\n" == out


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        (Entry(None, "", b'{"choices":[]}'), {"choices": []}),
        (Entry(None, "text", b'{"text":"a"}'), {"text": "a"}),
        (Entry(None, "thread.created", b'{"a":\n1}'), {"event": "thread.created", "data": {"a": 1}}),
        (Entry(4, "", b"{}"), {"id": 4, "event": "", "data": {}}),
        (END, {"event": "done", "data": "[DONE]"}),
        (Entry(None, "odd\"'", b"two\nwords"), {"event": "odd\"'", "data": "two\nwords"}),
        (Entry(None, "odd", b"{broken"), {"event": "odd", "data": "{broken"}),
        (Entry(None, "text", b"[" * 128 + b"]" * 128), json.loads("[" * 128 + "]" * 128)),
        (Entry(None, "odd", b"[" * 129 + b"]" * 129), {"event": "odd", "data": "[" * 129 + "]" * 129}),
        (Entry(None, "odd", b"[" * 9_000 + b"]" * 9_000), {"event": "odd", "data": "[" * 9_000 + "]" * 9_000}),
        (Entry(None, "text", b'{"text":"\\ud83d"}'), {"text": "\ud83d"}),
        (Entry(None, "odd", b"NaN"), {"event": "odd", "data": "NaN"}),
    ],
)
def test_a_line_of_ndjson_is_one_object(entry, line):
    out = ndjson_line(entry)

    assert (1, True) == (out.count(b"\n"), out.endswith(b"\n"))
    assert line == json.loads(out)


def test_plain_text_is_the_text_alone():
    entries = [Entry(1, "text", '{"text":"é"}'.encode()), Entry(2, "text", b"{}"), END]

    assert "é".encode() == b"".join(map(text_chunk, entries))
    with pytest.raises(ConfigurationError, match="view='text'"):
        text_chunk(Entry(3, "thread.created"))


def test_half_a_surrogate_pair_does_not_end_a_text():
    assert b"a?" == text_chunk(Entry(1, "text", b'{"text":"a\\ud83d"}'))


@pytest.mark.parametrize("data", [b"[1]", b"words", b'{"text":5}', b'{"text":null}', b"", b"[" * 9_000 + b"]" * 9_000])
def test_a_text_without_its_text_is_an_error(data):
    with pytest.raises(ConfigurationError, match='plain text takes events "text" whose data are'):
        text_chunk(Entry(1, "text", data))


@given(st.text(max_size=30))
def test_any_text_of_an_event_goes_into_every_form(text):
    entry = Entry(1, "odd", text.encode())

    (event,) = seen(sse_frame(entry))
    assert text.replace("\r\n", "\n").replace("\r", "\n") == event.data
    assert json.loads(ndjson_line(entry))["event"] == "odd"


# What errors tell.

RELAY_ERRORS = [getattr(relay_errors, name) for name in relay_errors.__all__ if name.endswith("Error")]


def told(error: BaseException) -> dict[str, object]:
    return json.loads(error_body(error))["error"]


@pytest.mark.parametrize("kind", RELAY_ERRORS)
def test_a_relay_error_says_its_status_and_keeps_it_in_a_pickle(kind):
    error = kind("what came")
    again = pickle.loads(pickle.dumps(error))

    assert (kind, "what came", error.status) == (type(again), str(again), again.status)
    assert {"message": "what came", "type": kind.type, "code": kind.code, "param": None} == told(error)
    assert json.loads(error.body()) == {"error": told(error)}
    assert 400 <= error_status(error) <= 599


def test_the_address_of_the_store_is_for_the_operator_only():
    error = StoreError("cannot reach redis at db.internal:6379", host="db.internal", port=6379)
    again = pickle.loads(pickle.dumps(error))

    assert ("db.internal", 6379) == (again.host, again.port)
    assert b"internal" not in error.body()


def upstream_error(kind, **fields):
    return kind("cannot reach http://10.0.0.1:8000 with sk-abcdefgh1234", **fields)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (upstream_error(errors.AuthenticationError, status=401, code="invalid_api_key"), 401, "upstream_refused"),
        (upstream_error(errors.PermissionDeniedError, status=403), 403, "upstream_refused"),
        (errors.RateLimitError("slow down", status=429, code="rate_limit_exceeded"), 429, "rate_limit_exceeded"),
        (errors.BadRequestError("no such model", status=400, code="model_not_found"), 400, "model_not_found"),
        (upstream_error(errors.InternalServerError, status=503), 503, "upstream_failed"),
        (errors.InternalServerError("overloaded", status=529, type="overloaded_error"), 529, None),
        (upstream_error(errors.APIStatusError, status=307), 502, "upstream_invalid"),
        (upstream_error(errors.APIConnectionError), 502, "upstream_unreachable"),
        (upstream_error(errors.APITimeoutError), 504, "upstream_timeout"),
        (upstream_error(errors.APIResponseValidationError, status=200), 502, "upstream_invalid"),
        (upstream_error(errors.StreamInterruptedError), 502, "stream_interrupted"),
        (errors.StreamTruncatedError("stream ended after 4 events"), 502, "stream_truncated"),
        (errors.StreamTimeoutError("no event within 600 s"), 504, "stream_timeout"),
        (upstream_error(errors.StreamDecodeError), 502, "stream_unreadable"),
        (errors.StreamEventError("server overloaded", code="server_error"), 502, "server_error"),
        (errors.ConfigurationError("a key in http://10.0.0.1"), 500, "relay_error"),
    ],
)
def test_what_a_browser_hears_of_an_error(error, status, code):
    text = error_body(error)

    assert (status, code) == (error_status(error), told(error)["code"])
    assert (False, False) == (b"10.0.0.1" in text, b"sk-abc" in text)
    assert {"message", "type", "code", "param"} == set(told(error))


def test_keys_and_accounts_in_the_servers_words_are_starred():
    error = errors.RateLimitError("limit reached in organization org-abcdef123 on tokens", status=429)

    assert "limit reached in organization *** on tokens" == told(error)["message"]


def test_words_with_half_a_surrogate_pair_are_told():
    assert "\ud83d" == told(errors.StreamEventError("\ud83d"))["message"]


def test_retry_after_is_handed_on():
    error = errors.RateLimitError("slow down", status=429, headers={"Retry-After": "3", "Server": "x"})

    assert {"Content-Type": "application/json", "Cache-Control": "no-store", "Retry-After": "3"} == error_headers(error)


def test_nothing_of_a_fault_of_the_program_is_told():
    assert {"message": "the relay failed", "type": "server_error", "code": "relay_error", "param": None} == told(
        KeyError("a secret")
    )


# Cursors.


@pytest.mark.parametrize(
    ("headers", "query", "after"),
    [
        ({}, {}, None),
        ({"Last-Event-ID": "5"}, {"after": "3"}, 5),
        ({}, {"after": "3"}, 3),
        ({}, {"after": "0"}, 0),
        ({}, {"after": "9" * 18}, int("9" * 18)),
    ],
)
def test_a_cursor_is_the_header_or_else_the_query(headers, query, after):
    assert after == after_of(headers, query)


@pytest.mark.parametrize("given", ["", "-1", "+1", "1.0", " 1", "1\n", "٣", "x", "9" * 19, "9" * 5000])
@pytest.mark.parametrize("place", ["header", "query"])
def test_a_malformed_cursor_is_400(given, place):
    with pytest.raises(BadCursorError, match=r"expected (Last-Event-ID|after) to be 1 to 18 digits, got") as caught:
        after_of(*(({"Last-Event-ID": given}, {}) if place == "header" else ({}, {"after": given})))

    assert (400, True) == (caught.value.status, len(str(caught.value)) < 120)
    assert isinstance(caught.value, RelayError)


def starlettes(pairs):
    structures = pytest.importorskip("starlette.datastructures", reason="starlette is not installed")
    headers = structures.Headers(raw=[(b"last-event-id", value.encode()) for value in pairs])
    return headers, structures.QueryParams([("after", value) for value in pairs])


def werkzeugs(pairs):
    structures = pytest.importorskip("werkzeug.datastructures", reason="werkzeug is not installed")
    headers = structures.Headers([("Last-Event-ID", value) for value in pairs])
    return headers, structures.MultiDict([("after", value) for value in pairs])


def aiohttps(pairs):
    headers = CIMultiDictProxy(CIMultiDict([("last-event-id", value) for value in pairs]))
    return headers, MultiDictProxy(MultiDict([("after", value) for value in pairs]))


@pytest.mark.parametrize("of", [aiohttps, starlettes, werkzeugs])
def test_the_mappings_of_each_framework_tell_what_stands_there_twice(of):
    headers, query = of(["5"])
    assert (5, 5, 5) == (after_of(headers, {}), after_of({}, query), after_of(headers, query))
    none, nothing = of([])
    assert None is after_of(none, nothing)
    twice, again = of(["5", "5"])
    with pytest.raises(BadCursorError, match="expected Last-Event-ID once, got it 2 times"):
        after_of(twice, nothing)
    with pytest.raises(BadCursorError, match="expected after once, got it 2 times"):
        after_of(none, again)


@pytest.mark.parametrize("after", [-1, 10**18, True, 1.0])
async def test_a_cursor_of_the_program_is_held_to_the_same(after):
    async with RunLog() as log:
        with pytest.raises(ConfigurationError, match="expected a cursor to be the id of an entry"):
            log.follow("run-1", after=after)


def test_entries_are_structs_that_a_store_can_write():
    entry = Entry(5, "a", b"{}")

    assert entry == msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=Entry)
    assert (False, True) == (entry.terminal, END.terminal)
