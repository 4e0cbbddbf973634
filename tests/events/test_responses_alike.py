"""Which deltas of a response are alike but for their text, padding and number; and what is made of these."""

import json
from typing import Any

import pytest

from asyncstream.events.alike import Mould, find_mould
from asyncstream.events.decode import wire_of

WIRE = wire_of("responses")

KINDS = (
    *("output_text", "refusal", "reasoning_text", "reasoning_summary_text", "function_call_arguments"),
    *("custom_tool_call_input", "mcp_call_arguments", "code_interpreter_call_code"),
    *("apply_patch_call_operation_diff", "shell_call_command", "audio", "audio.transcript"),
)
each = pytest.mark.parametrize("kind", KINDS)


def frame(kind: str = "output_text", *, named: bool = True, compact: bool = False, **members: Any) -> bytes:
    name = f"response.{kind}.delta"
    data = json.dumps({"type": name, **members}, separators=(",", ":") if compact else None)
    return (f"event: {name}\n" if named else "").encode() + b"data: " + data.encode()


def mould_of(one: bytes) -> Mould[Any] | None:
    event = WIRE.decode_plain(one)
    assert WIRE.pattern_of is not None
    return None if event is None else find_mould(one, event, WIRE.pattern_of, WIRE.decode_plain)


def made(mould: Mould[Any], other: bytes, text: str, padding: str | None, number: int | None) -> Any:
    """Make the event of another frame, which must be like the mould."""
    head, tail = mould.head, mould.tail
    if mould.numbered is not None:
        counted = mould.numbered.before + b"%d" % number + mould.numbered.after
        head, tail = (counted, tail) if mould.numbered.leads else (head, counted)
    assert other.startswith(head)
    assert other.endswith(tail)
    return mould.make(text, other, padding) if number is None else mould.make(text, other, padding, number)


@each
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("compact", [True, False])
def test_event_that_a_mould_makes_is_what_its_frame_decodes_to(kind, named, compact):
    def numbered(text: str, number: int, padding: str) -> bytes:
        place = {"sequence_number": number, "item_id": "m", "output_index": 0}
        return frame(kind, named=named, compact=compact, **place, delta=text, obfuscation=padding)

    mould = mould_of(numbered("a", 8, "=="))
    assert mould is not None
    for number, text in ((9, ""), (10, "b"), (99, 'a "quoted" \\ text\n'), (2**60, '", "delta": "')):
        other = numbered(text, number, "padding")
        assert made(mould, other, text, "padding", number) == WIRE.decode_plain(other)


@each
def test_number_may_come_behind_the_text_and_padding_may_be_absent(kind):
    def last(text: str, number: int) -> bytes:
        return frame(kind, delta=text, item_id="m", sequence_number=number, output_index=0)

    mould = mould_of(last("a", 99))
    other = last('", "sequence_number": 7', 100)

    assert mould is not None
    assert mould.numbered is not None
    assert not mould.numbered.leads
    assert made(mould, other, '", "sequence_number": 7', None, 100) == WIRE.decode_plain(other)


@each
@pytest.mark.parametrize("beside", [{}, {"sequence_number": None}, {"seen_by": ["a proxy", {}]}])
def test_events_need_no_number(kind, beside):
    mould = mould_of(frame(kind, delta="a", **beside))
    other = frame(kind, delta="b", **beside)

    assert mould is not None
    assert mould.numbered is None
    assert made(mould, other, "b", None, None) == WIRE.decode_plain(other)


@pytest.mark.parametrize("logprobs", [{}, {"logprobs": []}])
def test_what_is_done_to_an_event_shows_in_no_other(logprobs):
    def numbered(text: str, number: int) -> bytes:
        return frame(sequence_number=number, item_id="m", delta=text, **logprobs)

    first = WIRE.decode_plain(numbered("a", 1))
    assert WIRE.pattern_of is not None
    mould = find_mould(numbered("a", 1), first, WIRE.pattern_of, WIRE.decode_plain)
    assert mould is not None
    second = made(mould, numbered("b", 2), "b", None, 2)
    for event in (first, second):
        event.item_id = event.delta = "spoilt"
        event.logprobs.append("spoilt")

    assert made(mould, numbered("c", 3), "c", None, 3) == WIRE.decode_plain(numbered("c", 3))


PLACE = '"type":"response.output_text.delta","item_id":"m"'


@pytest.mark.parametrize(
    "data",
    [
        # Numbers that are none, or cannot be told by their bytes.
        '"sequence_number":-1,"delta":"a"',
        '"sequence_number":1e1,"delta":"a"',
        '"sequence_number":1.0e1,"delta":"a"',
        '"sequence_number":1000000000000000000,"delta":"a"',
        '"sequence_number":1000000000000000000000000,"delta":"a"',
        '"sequence_number":  1,"delta":"a"',
        '"sequence_number" :1,"delta":"a"',
        '"sequence\\u005fnumber":1,"delta":"a"',
        # It is there twice.
        '"sequence_number":1,"sequence_number":2,"delta":"a"',
        '"sequence_number":1,"sequence\\u005fnumber":2,"delta":"a"',
        '"sequence_number":1,"delta":"a","with":{"sequence_number":3}',
        # It stands between the text and its padding.
        '"delta":"a","sequence_number":1,"obfuscation":"="',
        # The text or the padding is there twice, hidden, or in another order.
        '"delta":"a","delta":"b"',
        '"delta":"a","d\\u0065lta":"b"',
        '"d\\u0065lta":"b"',
        '"delta":"a","of":{"delta":"b"}',
        '"obfuscation":"=","delta":"a"',
        '"delta":"a","obfuscation":"=","obfuscation":"="',
        # What two events must not share.
        '"delta":"a","logprobs":[{"token":"a","logprob":-0.5}]',
    ],
)
def test_deltas_that_others_differ_from_in_more_have_no_mould(data):
    assert mould_of(f"data: {{{PLACE},{data}}}".encode()) is None


@pytest.mark.parametrize(
    "one",
    [
        frame("shell_call_output_content", delta={"stdout": "a"}),
        b'event: response.output_text.done\ndata: {"type":"response.output_text.done","text":"a"}',
        b'data: {"type":"response.created","response":{"id":"r","delta":"a"}}',
        b'data: {"type":"response.output_text.annotation.added","item_id":"m","annotation":{"delta":"a"}}',
        b'data: {"type":"response.image_generation_call.partial_image","partial_image_b64":"QQ=="}',
    ],
)
def test_what_is_no_delta_of_a_text_has_no_mould(one):
    assert mould_of(one) is None
