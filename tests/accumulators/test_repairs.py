"""The list of what was mended."""

import pickle

from asyncstream.accumulators.repairs import Repairs
from asyncstream.decoding import Repair


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
