"""JSON bytes to structs: strictly, and leniently where a payload does not fit."""

import json
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from asyncstream import types
from asyncstream.decoding import (
    Repair,
    UnreadableJSON,
    coerce_json,
    decode_json,
    dump_json,
    dump_raw,
    has_constants,
    has_halves,
    load_json,
    split_first_json,
    strict_decoder,
)
from asyncstream.nesting import MAX_DEPTH
from asyncstream.types import (
    CodeInterpreterLogs,
    FileSearchToolCall,
    FunctionToolCall,
    FunctionToolCallDelta,
    Message,
    MessageDeltaEvent,
    Run,
    RunStep,
    RunStepDeltaEvent,
    TextContentBlock,
    TextDeltaBlock,
    Thread,
    UnknownContentBlock,
    UnknownContentDeltaBlock,
    UnknownTool,
    UnknownToolCall,
)


class Inner(Struct):
    n: int = 7


class Sample(Struct, kw_only=True):
    """One field of each kind that wire structs have."""

    id: str
    text: str = ""
    maybe: str | None = None
    number: int = 0
    ratio: float | None = None
    flag: bool = False
    status: Literal["on", "off"] | str = ""
    inner: Inner = msgspec.field(default_factory=Inner)
    items: list[Inner] = []
    notes: dict[str, str] | None = None
    free: dict[str, object] | None = None
    anything: object = None


def coerced(**fields: object) -> tuple[Sample, list[str]]:
    """Coerce a sample with these fields; give the paths of the repairs."""
    sample, repairs = coerce_json(Sample, {"id": "x"} | fields)
    assert {repair.rule for repair in repairs} <= {"6.4"}
    return sample, [repair.where for repair in repairs]


# Scalars.


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("text", 5, "5"),
        ("text", 1.5, "1.5"),
        ("text", True, "true"),
        ("text", {"b": 1, "a": "é"}, '{"b":1,"a":"é"}'),
        ("text", [1, None], "[1,null]"),
        ("maybe", 5, "5"),
        ("number", "3", 3),
        ("number", 3.0, 3),
        ("ratio", "0.5", 0.5),
        ("flag", "true", True),
        ("flag", "false", False),
        ("status", 5, "5"),
    ],
)
def test_scalar_of_the_wrong_kind_is_converted_where_nothing_is_lost(field, value, expected):
    sample, repaired = coerced(**{field: value})

    assert getattr(sample, field) == expected
    assert type(getattr(sample, field)) is type(expected)
    assert repaired == [f"$.{field}"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", None),
        ("number", None),
        ("number", 3.5),
        ("number", "3.0"),
        ("number", "-3"),
        ("number", " 3"),
        ("number", "\u0663"),
        ("number", True),
        ("number", {}),
        ("number", 2**64),
        ("number", -(2**63) - 1),
        ("number", "9" * 19),
        ("number", "9" * 5000),
        ("number", 1e300),
        ("ratio", "much"),
        ("ratio", "nan"),
        ("ratio", "inf"),
        ("ratio", "1e999"),
        ("ratio", True),
        ("ratio", 10**400),
        ("flag", 1),
        ("flag", "yes"),
        ("flag", None),
        ("status", None),
        ("inner", "x"),
        ("inner", []),
        ("inner", None),
        ("items", "x"),
        ("items", None),
        ("notes", []),
        ("free", 5),
    ],
)
def test_what_cannot_be_converted_counts_as_absent(field, value):
    sample, repaired = coerced(**{field: value})

    assert getattr(sample, field) == getattr(Sample(id="x"), field)
    assert f"$.{field}" in repaired


def test_fitting_value_is_no_repair():
    given = {
        "text": "a",
        "maybe": None,
        "number": -5,
        "ratio": 2,
        "flag": True,
        "status": "other",
        "inner": {"n": 1},
        "items": [{"n": 2}, {}],
        "notes": {"a": "b"},
        "free": {"a": [None, {}]},
        "anything": 5,
    }
    sample, repaired = coerced(**given)

    assert repaired == []
    assert sample == msgspec.json.decode(json.dumps({"id": "x"} | given), type=Sample)


def test_required_id_that_is_missing_or_null_is_empty():
    assert coerce_json(Sample, {}) == (Sample(id=""), [])
    assert coerce_json(Sample, {"id": None}) == (Sample(id=""), [Repair("6.4", "$.id", b"null")])
    assert coerce_json(Sample, {"id": 5})[0].id == "5"


def test_unknown_fields_are_passed_over():
    assert coerce_json(Sample, {"id": "x", "more": [1]}) == (Sample(id="x"), [])


def test_one_object_where_a_list_belongs_is_a_list_of_one():
    sample, repaired = coerced(items={"n": 1})

    assert sample.items == [Inner(1)]
    assert repaired == ["$.items"]


def test_entries_that_do_not_fit_are_left_out():
    sample, repaired = coerced(items=[{"n": 1}, "x", None, {"n": "2"}], notes={"a": None, "b": 5})

    assert sample.items == [Inner(1), Inner(2)]
    assert sample.notes == {"b": "5"}
    assert set(repaired) == {"$.items[1]", "$.items[2]", "$.items[3].n", "$.notes.a", "$.notes.b"}


def test_repair_tells_the_rule_the_path_and_the_value_as_json():
    assert coerce_json(Sample, {"id": "x", "items": [{"n": "4"}]})[1] == [Repair("6.4", "$.items[0].n", b'"4"')]


@pytest.mark.parametrize("value", [None, 5, "x", [], True])
def test_value_of_another_kind_than_the_type_is_unreadable(value):
    with pytest.raises(UnreadableJSON, match="expected Sample, got "):
        coerce_json(Sample, value)


# Tagged unions.


def test_tag_that_nobody_knows_becomes_the_unknown_struct_with_its_json():
    message = decode_json(Message, b'{"id":"m","content":[{"type":"hologram","deep":{"a":["\xc3\xa9"]}}]}')

    assert message.content == [
        UnknownContentBlock(wire_type="hologram", raw='{"type":"hologram","deep":{"a":["é"]}}'.encode())
    ]


@pytest.mark.parametrize("tag", ['{"x":1}', '{"type":null,"x":1}', '{"type":"","x":1}', '{"type":5,"x":1}'])
def test_object_without_a_readable_tag_is_unknown_with_an_empty_wire_type(tag):
    message = decode_json(Message, b'{"id":"m","content":[%s]}' % tag.encode())

    (part,) = message.content
    assert isinstance(part, UnknownContentBlock)
    assert part.wire_type == ""
    assert json.loads(part.raw) == json.loads(tag)


@pytest.mark.parametrize(
    ("type_", "body", "member"),
    [
        (types.MessageContentDelta, {"index": 0, "text": {"value": "a"}}, TextDeltaBlock),
        (types.MessageContent, {"type": None, "text": {"value": "a"}, "refusal": None}, TextContentBlock),
        (types.ToolCallDelta, {"index": 0, "function": {"arguments": "{"}}, FunctionToolCallDelta),
        (types.ToolCall, {"id": "c", "function": {"name": "f"}}, FunctionToolCall),
        (types.ToolCall, {"id": "c", "file_search": {}}, FileSearchToolCall),
        (types.CodeInterpreterOutputDelta, {"index": 0, "logs": "a"}, CodeInterpreterLogs),
    ],
)
def test_object_without_a_tag_is_what_its_payload_key_says(type_, body, member):
    value, repairs = coerce_json(type_, body)

    assert type(value) is member
    assert [repair.where for repair in repairs] == ["$.type"]


def test_object_without_a_tag_but_with_two_payloads_is_unknown():
    value, _ = coerce_json(types.MessageContentDelta, {"text": {"value": "a"}, "refusal": "b"})  # type: ignore[arg-type]

    assert isinstance(value, UnknownContentDeltaBlock)


def test_our_own_tag_of_unknown_parts_is_unknown_on_the_wire_too():
    assert coerce_json(types.ToolCall, {"type": "unknown", "id": "c"})[0] == UnknownToolCall(  # type: ignore[arg-type]
        wire_type="unknown", raw=b'{"type":"unknown","id":"c"}', id="c"
    )


def test_union_with_a_plain_member_takes_either():
    assert decode_json(Run, b'{"id":"r","response_format":"auto","status":5}').response_format == "auto"
    known = decode_json(Run, b'{"id":"r","response_format":{"type":"json_object"},"status":5}').response_format
    assert known is not None
    assert not isinstance(known, str)
    assert known.type == "json_object"


def test_unknown_tool_deep_inside_a_run_leaves_the_rest_typed():
    run = decode_json(Run, b'{"id":"r","status":"queued","tools":[{"type":"telepathy","range":5},{"type":"function"}]}')

    assert run.tools[0] == UnknownTool(wire_type="telepathy", raw=b'{"type":"telepathy","range":5}')
    assert run.tools[1].type == "function"


# JSON that is hardly any.


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{",
        b"{]",
        b'{"a":1,}',
        b"{'a':1}",
        b"nul",
        b'{"a":"\x01"}',
        b'{"a":"\n"}',
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b'{"a":' + b"9" * 5000 + b"}",
        b"\xff",
        b"\x00",
    ],
)
def test_what_is_no_json_is_unreadable(data):
    with pytest.raises(UnreadableJSON):
        load_json(data)
    with pytest.raises(UnreadableJSON):
        decode_json(Sample, data)


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_no_number_is_counts_as_absent(constant):
    data = b'{"a":[1,' + constant + b'],"b":"NaN"}'

    assert load_json(data) == {"a": [1, None], "b": "NaN"}
    assert has_constants(data)
    with pytest.raises(UnreadableJSON):
        load_json(data, exact=True)


@pytest.mark.parametrize("data", [b'{"a":"NaN"}', b'["-Infinity"]', b"{}"])
def test_words_are_no_constants(data):
    assert not has_constants(data)


def test_what_stands_behind_json_is_split_off():
    assert split_first_json(b' {"a":"\xc3\xa9"}\n\ndata: [DONE]\n') == (b'{"a":"\xc3\xa9"}', b"\n\ndata: [DONE]\n")
    assert split_first_json(b"[1] \xff") == (b"[1]", b" \xef\xbf\xbd")


@pytest.mark.parametrize("data", [b"", b"x", b'{"a":', b"[" * 100_000, b"[" * 500 + b"]" * 500])
def test_nothing_is_split_off_what_is_no_json(data):
    with pytest.raises(UnreadableJSON):
        split_first_json(data)


@pytest.mark.parametrize("nest", [b"[%s]", b'{"a":%s}', b'[{"a":%s}]'])
@pytest.mark.parametrize("depth", [MAX_DEPTH, 1000, 100_000])
def test_json_nested_too_deep_is_unreadable(nest, depth):
    head, tail = nest.split(b"%s")

    with pytest.raises(UnreadableJSON, match="nested"):
        load_json(head * (depth + 1) + b"1" + tail * (depth + 1))


def test_json_nested_to_the_limit_is_read():
    data = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH

    assert dump_raw(load_json(data)) == data


def test_deep_json_in_a_field_that_nobody_reads_is_unreadable():
    with pytest.raises(UnreadableJSON):
        decode_json(Sample, b'{"id":"x","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_bad_utf8_becomes_replacement_characters():
    assert decode_json(Sample, b'{"id":"a\xff\xfe"}').id == "a\ufffd\ufffd"
    assert decode_json(Sample, b'{"id":"\xed\xa0\xbd"}').id == "\ufffd" * 3


def test_lone_surrogates_stay_as_sent():
    assert decode_json(Sample, b'{"id":"\\ud83d"}').id == "\ud83d"
    assert decode_json(Sample, b'{"id":"\\ud83d\\ude00"}').id == "\U0001f600"
    assert has_halves(load_json(b'[{"\\ude00":1}]'))
    assert not has_halves(load_json(b'["\\ud83d\\ude00"]'))


def test_last_of_duplicate_keys_wins_in_both_readings():
    assert decode_json(Sample, b'{"id":"a","id":"b"}').id == "b"
    assert decode_json(Sample, b'{"id":"a","id":"b","text":5}').id == "b"


def test_number_that_no_float_can_hold_counts_as_absent():
    assert load_json(b'{"a":1e999,"b":[-1e999,1.5]}') == {"a": None, "b": [None, 1.5]}
    assert decode_json(Sample, b'{"id":"x","free":{"a":1e999}}').free == {"a": None}


def test_value_with_half_a_pair_is_dumped_escaped():
    assert dump_raw({"é": 1}) == '{"é":1}'.encode()
    assert dump_raw({"é": "\ud83d"}) == b'{"\\u00e9":"\\ud83d"}'
    assert dump_json(["\ud83d"]) == '["\ud83d"]'


def test_decoder_of_a_type_is_made_once():
    assert strict_decoder(Sample) is strict_decoder(Sample)


# Nothing is raised but `UnreadableJSON`, and what comes out can be sent on.

STRUCTS = [
    kind
    for kind in (getattr(types, name) for name in types.__all__)
    if isinstance(kind, type) and issubclass(kind, Struct)
]
# The `Unknown...` structs stand for what did not fit; nothing is decoded into one by itself.
WIRE_TYPES: list[Any] = [types.Page[Message], *(kind for kind in STRUCTS if not kind.__name__.startswith("Unknown"))]
KEYS = sorted(
    {field.encode_name for kind in STRUCTS for field in msgspec.structs.fields(kind)}
    | {"type"}
    | {str(kind.__struct_config__.tag) for kind in STRUCTS if kind.__struct_config__.tag}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=4)
    | st.sampled_from([*KEYS, "1", "-1", "true", "in_progress"])
)
WIRE_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=12,
)
WIRE_OBJECTS = st.dictionaries(st.sampled_from(KEYS), WIRE_JSON, max_size=6)
HOT_TYPES: list[Any] = [Message, MessageDeltaEvent, Run, RunStep, RunStepDeltaEvent, Thread]


@pytest.mark.parametrize("beyond", [[], "x", None, 5, {"a": 1}])
def test_a_name_of_our_own_on_the_wire_breaks_nothing(beyond):
    data = json.dumps({"<extra": beyond, "<raw": beyond, "<cut": beyond, "<repairs": beyond}).encode()

    for kind in WIRE_TYPES:
        decode_json(kind, data)


@given(kind=st.sampled_from([*HOT_TYPES, *WIRE_TYPES]), value=WIRE_OBJECTS)
def test_any_object_fits_any_wire_type_and_can_be_encoded(kind, value):
    data = json.dumps(value).encode()
    decoded = decode_json(kind, data)

    assert isinstance(decoded, getattr(kind, "__origin__", kind))
    msgspec.json.encode(decoded)


@given(kind=st.sampled_from(HOT_TYPES), value=WIRE_JSON)
def test_any_json_is_fitted_or_unreadable(kind, value):
    try:
        decoded = decode_json(kind, json.dumps(value).encode())
    except UnreadableJSON:
        assert not isinstance(value, dict)
    else:
        assert isinstance(decoded, kind)


@given(kind=st.sampled_from(HOT_TYPES), value=WIRE_OBJECTS, data=st.data())
def test_damaged_json_is_fitted_or_unreadable(kind, value, data):
    raw = bytearray(json.dumps(value).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode_json(kind, bytes(raw))
    except UnreadableJSON:
        pass


@given(value=WIRE_OBJECTS)
def test_where_the_strict_reading_fits_the_lenient_one_says_the_same(value):
    data = json.dumps(value).encode()
    for kind in HOT_TYPES:
        try:
            strict = strict_decoder(kind).decode(data)
        except msgspec.ValidationError:
            continue
        lenient, repairs = coerce_json(kind, load_json(data))

        assert lenient == strict
        assert repairs == []


def test_repairs_of_one_payload_are_bounded():
    value, repairs = coerce_json(list[int], ["x"] * 5000)

    assert value == []
    assert len(repairs) == 1000
