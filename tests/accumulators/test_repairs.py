"""The list of what was mended."""

import pickle

from assistant_folds import message_delta

from asyncstream.accumulators import AssistantAccumulator, ChatAccumulator
from asyncstream.accumulators.repairs import MOST_RAW, MOST_REPAIRS, Repairs
from asyncstream.decoding import Repair
from asyncstream.events import decode_stream


def test_repairs_stand_in_the_order_they_were_made():
    repairs = Repairs()
    repairs.add("4.9", "call_1", 0)
    repairs.extend((Repair("6.4", "$.id", b"5"),))

    assert repairs.made == [Repair("4.9", "call_1", b"0"), Repair("6.4", "$.id", b"5")]


def test_what_repeats_to_the_letter_is_recorded_once():
    repairs = Repairs()
    for _ in range(3):
        repairs.add("4.9", "call_1", {"a": 1})
        repairs.extend((Repair("4.9", "call_1", b'{"a":1}'),))
    repairs.add("4.9", "call_2", {"a": 1})

    assert repairs.made == [Repair("4.9", "call_1", b'{"a":1}'), Repair("4.9", "call_2", b'{"a":1}')]


def test_values_are_recorded_as_json_and_bytes_as_they_are():
    repairs = Repairs()
    for value in (None, "é", "\ud83d", b"{raw"):
        repairs.add("x", "y", value)

    assert [repair.raw for repair in repairs.made] == [b"null", '"é"'.encode(), b'"\\ud83d"', b"{raw"]


def test_pickled_list_goes_on_without_repeating_itself():
    repairs = Repairs()
    repairs.add("4.9", "call_1", 0)
    restored = pickle.loads(pickle.dumps(repairs))
    restored.add("4.9", "call_1", 0)

    assert restored.made == repairs.made


def test_a_thousand_are_kept_and_the_others_counted():
    repairs = Repairs()
    for number in range(MOST_REPAIRS + 5):
        repairs.add("4.9", f"call_{number}", number)
    repairs.extend((Repair("6.4", "$.id"), Repair("6.4", "$.name")))

    assert len(repairs.made) == MOST_REPAIRS == 1000
    assert repairs.made[-1] == Repair("4.9", "call_999", b"999")
    assert repairs.omitted == 7
    assert pickle.loads(pickle.dumps(repairs)).omitted == 7


def test_of_a_long_value_the_beginning_is_kept():
    repairs = Repairs()
    repairs.add("6.4", "$.id", "x" * MOST_RAW)
    repairs.extend((Repair("6.4", "$.name", b"y" * MOST_RAW + b"1"), Repair("6.4", "$.name", b"y" * MOST_RAW + b"2")))

    assert [repair.raw for repair in repairs.made] == [b'"' + b"x" * (MOST_RAW - 1), b"y" * MOST_RAW]


def test_both_accumulators_tell_how_many_were_omitted():
    body = b"".join(b'data: {"id":"c","choices":[{"index":0,"delta":{"content":%d}}]}\n\n' % n for n in range(1500))
    chat = ChatAccumulator()
    for event in decode_stream(body, "chat"):
        chat.push(event)

    assert (len(chat.repairs), chat.repairs_omitted) == (1000, 500)

    parts = [{"index": 0, "type": "text", "text": number} for number in range(1500)]
    assistants = AssistantAccumulator()
    for event in decode_stream((message_delta("msg_1", part) for part in parts), "assistants"):
        assistants.push(event)

    assert (len(assistants.repairs), assistants.repairs_omitted) == (1000, 500)
