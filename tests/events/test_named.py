"""Events that are their payload, as `TaggedEvents` reads them; how wrapped ones are read, `test_assistants` shows."""

import pickle
from typing import Any, ClassVar, Literal

import msgspec
import pytest

from asyncstream.decoding import Repair
from asyncstream.errors import StreamDecodeError
from asyncstream.events.control import DoneEvent, ErrorEvent, ErrorObject, UnknownEvent
from asyncstream.events.named import TaggedEvent, TaggedEvents, WrappedEvents
from asyncstream.events.withheld import TOLD, Withheld
from asyncstream.nesting import MAX_DEPTH


class Opened(TaggedEvent, tag="wire.opened"):
    """The first of two."""

    type: ClassVar[Literal["wire.opened"]] = "wire.opened"
    id: str


class Words(TaggedEvent, tag="wire.words"):
    """The second of two."""

    type: ClassVar[Literal["wire.words"]] = "wire.words"
    text: str = ""
    count: int | None = None
    more: Any = None


EVENTS = TaggedEvents[Opened | Words | UnknownEvent](
    [Opened, Words], walked=frozenset({Words}), aliases={"wire.text": "wire.words"}
)
WIRE = EVENTS.wire(Withheld({"wire.opened": TOLD}, frozenset(), {}))
ALONE = TaggedEvents[Words | UnknownEvent]([Words])


def words(text: str, raw: bytes, *repairs: Repair, **members: object) -> Words:
    return Words(text=text, raw=raw, repairs=repairs, **members)


@pytest.mark.parametrize("named", [b"event: wire.words\n", b"event:wire.words\n", b"event: message\n", b"id: 7\n", b""])
@pytest.mark.parametrize("data", [b'{"type":"wire.words","text":"a"}', b'{"text":"a", "type":"wire.words"}'])
def test_a_name_stands_in_the_payload_and_mostly_before_it(named, data):
    frame = named + b"data: " + data

    assert [words("a", data)] == WIRE.decode_frame(frame)
    assert [words("a", data)] == ALONE.decode_frame(frame)


def test_the_usual_frames_are_read_on_the_quick_path():
    data = b'{"type":"wire.words","text":"a"}'

    assert words("a", data) == WIRE.decode_plain(b"event: wire.words\ndata: " + data)
    assert words("a", data) == WIRE.decode_plain(b"data: " + data)
    assert Opened(id="x", raw=b'{"id":"x"}') == WIRE.decode_plain(b'event: wire.opened\ndata: {"id":"x"}')
    assert WIRE.decode_plain(b'data: {"id":"x"}') is None
    assert ALONE.decode_plain(b'data: {"text":"x"}') is None
    assert ALONE.decode_plain(b'data: {"text":"x","type":""}') is None


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("wire.opened", "wire.words", "wire.words"),
        ("wire.words", "vendor.note", "wire.words"),
        ("wire.words", "", "wire.words"),
        ("wire.words", 7, "wire.words"),
        ("vendor.note", "wire.words", "wire.words"),
        ("wire.text", "wire.text", "wire.words"),
        ("", "wire.text", "wire.words"),
        ("vendor.note", "vendor.more", "vendor.more"),
        ("vendor.note", "", "vendor.note"),
        ("", 7, "message"),
    ],
)
def test_the_payloads_own_name_counts_first_if_it_is_known(name, said, expected):
    data = msgspec.json.encode({"type": said, "text": "a"})
    (event,) = WIRE.decode_frame(b"event: %b\ndata: %b" % (name.encode(), data) if name else b"data: " + data)

    assert data == event.raw
    assert expected == (event.name if isinstance(event, UnknownEvent) else event.type)
    assert isinstance(event, UnknownEvent) is not expected.startswith("wire.")


def test_a_payload_that_does_not_fit_is_mended():
    data = b'{"type":"wire.words","text":5,"count":"3"}'

    assert [
        words("5", data, Repair("6.4", "$.text", b"5"), Repair("6.4", "$.count", b'"3"'), count=3)
    ] == WIRE.decode_frame(b"data: " + data)


def test_a_payload_that_fits_nothing_is_an_error():
    class Counted(TaggedEvent, tag="wire.counted"):
        type: ClassVar[Literal["wire.counted"]] = "wire.counted"
        count: int

    (error,) = TaggedEvents[Counted]([Counted]).decode_frame(b'data: {"type":"wire.counted"}')

    assert isinstance(error, StreamDecodeError)


def test_what_is_added_to_a_payload_is_not_taken_from_the_wire():
    data = b'{"type":"wire.words","text":"a","raw":"aGk=","<raw>":"aGk=","<repairs>":[{"rule":"1","where":"x"}]}'
    odd = data.replace(b'"a"', b"5")

    assert [words("a", data)] == WIRE.decode_frame(b"data: " + data)
    assert [words("a", data)] == WIRE.decode_frame(b"id: 1\ndata: " + data)
    assert [words("5", odd, Repair("6.4", "$.text", b"5"))] == WIRE.decode_frame(b"data: " + odd)
    assert {"type": "wire.words", "text": "a", "count": None, "more": None} == WIRE.understood(words("a", data))


def test_objects_of_one_frame_are_events_of_their_own():
    one, two = b'{"type":"wire.words","text":"a"}', b'{"type":"wire.opened","id":"x"}'
    found = WIRE.decode_frame(b"data: " + one + b"\ndata: " + two)

    assert [words("a", one, Repair("2.3", "wire.words", one)), "x"] == [found[0], found[1].id]
    assert [("wire.words", one), ("wire.opened", two)] == [WIRE.relayed(event, b"") for event in found]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (b'event: error\ndata: {"message":"no"}', "no"),
        (b'event: wire.words\ndata: {"type":"error","message":"no"}', "no"),
        (b'data: {"type":"error","error":{"message":"no"}}', "no"),
        (b'data: {"error":"no"}', "no"),
        (b"event: error\ndata: no ", "no"),
        (b"data: no", "no"),
    ],
)
def test_errors_are_found(frame, message):
    (event,) = WIRE.decode_frame(frame)

    assert isinstance(event, ErrorEvent)
    assert ErrorObject(message) == event.data


def test_an_error_beside_what_is_known_is_no_error():
    data = b'{"type":"wire.words","text":"a","error":"no"}'

    assert [words("a", data)] == WIRE.decode_frame(b"data: " + data)


def test_nothing_follows_an_error():
    found = WIRE.decode_frame(b'data: {"error":"no"}\ndata: {"type":"wire.words"}')

    assert [ErrorEvent] == [type(event) for event in found]


@pytest.mark.parametrize("frame", [b"event: ping\ndata: now", b": hello", b"data: ", b"data: 7", b"data: : hi"])
def test_what_is_no_object_is_no_event(frame):
    assert [] == WIRE.decode_frame(frame)


def test_the_end_and_what_is_cut():
    assert [DoneEvent(raw=b"[DONE]")] == WIRE.decode_frame(b"data: [DONE]")
    (error,) = WIRE.decode_frame(b'data: {"type":"wire.wo')
    assert isinstance(error, StreamDecodeError)
    (error,) = WIRE.decode_frame(b"event: wire.words\ndata: torn")
    assert isinstance(error, StreamDecodeError)


@pytest.mark.parametrize("named", [b"event: wire.words\n", b""])
def test_json_that_is_too_deep_to_be_walked_is_refused(named):
    data = b'{"type":"wire.words","more":' + b"[" * 200 + b"]" * 200 + b"}"
    (error,) = WIRE.decode_frame(named + b"data: " + data)

    assert isinstance(error, StreamDecodeError)


def test_json_that_nobody_walks_may_be_as_deep_as_its_decoder_goes():
    data = b'{"id":"x","deep":' + b"[" * 200 + b"]" * 200 + b"}"

    assert [Opened(id="x", raw=data)] == WIRE.decode_frame(b"event: wire.opened\ndata: " + data)


def test_a_long_frame_is_taken_and_decoded():
    named, unnamed = b'event: wire.opened\ndata: {"id":"x"}', b'data: {"type":"wire.opened","id":"y"}'
    mended = b'event: wire.opened\ndata: {"id":7}'
    frames = [named, unnamed, mended, b"rest"]

    assert ["x", "y", "7"] == [event.id for _ in range(3) for event in WIRE.decode_long(frames)]
    assert [b"rest"] == frames


def test_an_unknown_event_is_relayed_under_its_name_and_has_a_type_of_its_own():
    (event,) = WIRE.decode_frame(b'data: {"type":"vendor.note"}')

    assert UnknownEvent("vendor.note", b'{"type":"vendor.note"}') == event
    assert "unknown" == event.type == event.event
    assert ("vendor.note", b'{"type":"vendor.note"}') == WIRE.relayed(event, b"")


def test_events_can_be_pickled():
    event = words("a", b"x", Repair("6.4", "$", b"1"))

    assert event == pickle.loads(pickle.dumps(event))


def test_frames_without_a_name_of_a_reader_that_is_made_now():
    alone = TaggedEvents[Words | UnknownEvent]([Words])
    data = b'{"type":"wire.words","text":"a"}'

    assert words("a", data) == alone.decode_plain(b"data: " + data)
    assert alone.decode_plain(b'data: {"text":"x"}') is None
    # The second line is a field that nobody knows, and no part of the JSON.
    assert alone.decode_plain(b'data: {"type":"wire.words","text":"a"\n}') is None


# Readers that are made here: those above have read before.


class Note(msgspec.Struct):
    """What a wrapped event holds."""

    id: str
    more: Any = None


class NoteEvent(msgspec.Struct):
    """A wrapped event."""

    event: ClassVar[str] = "note"
    data: Note
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


DEEP = b'{"id":"a","more":' + b"[" * (MAX_DEPTH + 5) + b"]" * (MAX_DEPTH + 5) + b"}"


@pytest.mark.parametrize("walked", [frozenset(), frozenset({Note})])
def test_a_new_reader_of_wrapped_events_reads_its_first_event_and_those_after_it(walked):
    reader = WrappedEvents[NoteEvent]([NoteEvent], walked=walked)
    data = b'{"id":"a"}'

    for _ in range(2):
        assert NoteEvent(Note("a"), data) == reader.decode_plain(b"event: note\ndata: " + data)
        assert [NoteEvent(Note("a"), data)] == [*reader.decode_long([b"event: note\ndata: " + data])]
    assert reader.decode_plain(b'event: note\ndata: {"id":\ndata: "a"}') is None
    assert reader.decode_plain(b"event: other\ndata: " + data) is None
    assert reader.decode_plain(b"event: note\ndata: {}") is None
    quick = reader.decode_plain(b"event: note\ndata: " + DEEP)
    assert (quick is None) is bool(walked)
    for ending in (b"event: done\ndata: [DONE]", b"data: [DONE]"):
        assert [DoneEvent(raw=b"[DONE]")] == reader.decode_frame(ending)


def test_what_a_reader_of_wrapped_events_brings():
    wire = WrappedEvents[NoteEvent]([NoteEvent], walked=frozenset()).wire(Withheld({}, frozenset(), {}))
    (event,) = wire.decode_frame(b'event: note\ndata: {"id":"a"}')
    (unknown,) = wire.decode_frame(b'event: other\ndata: {"id":"a"}')

    assert (("note", b'{"id":"a"}'), ("other", b'{"id":"a"}')) == (wire.relayed(event, b""), wire.relayed(unknown, b""))
    assert Note("a") == wire.understood(event)
    assert wire.keeps_payloads


def test_a_new_reader_of_tagged_events_knows_their_other_names_and_reads_them_quickly():
    reader = TaggedEvents[Words | UnknownEvent]([Words, Opened], aliases={"wire.text": "wire.words"})
    data = b'{"type":"wire.words","text":"a"}'

    for line in (b"event: wire.words\n", b"event: wire.text\n", b""):
        assert words("a", data) == reader.decode_plain(line + b"data: " + data)
    wire = reader.wire(Withheld({}, frozenset(), {}))
    assert (True, True) == (wire.keeps_payloads, wire.ends_with_error)


def test_the_cause_of_an_error_is_asked_for_where_it_has_none_of_its_own():
    reader = TaggedEvents[Words]([Words], cause=lambda value: {"message": "inner"})

    for said, message in (
        (b'{"type":"error","code":"c"}', "inner"),
        (b'{"type":"error","error":{"message":"own"}}', "own"),
    ):
        (error,) = reader.decode_frame(b"event: error\ndata: " + said)
        assert isinstance(error, ErrorEvent)
        assert message == error.data.message
