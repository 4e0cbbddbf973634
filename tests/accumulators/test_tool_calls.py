"""Which tool call a fragment belongs to (rule 4.9), and how it joins it (rule 4.10)."""

import pickle
import time

import pytest

from asyncstream.accumulators.repairs import Repairs
from asyncstream.accumulators.tool_calls import GrowingToolCall, ToolCallEntry, ToolCalls
from asyncstream.decoding import Repair


class Assembled:
    """Slots that were fed delta by delta; each delta is the list of its entries."""

    def __init__(self, *deltas: list[ToolCallEntry]) -> None:
        self.repairs = Repairs()
        self.listed: ToolCalls[GrowingToolCall] = ToolCalls(GrowingToolCall, "step_1", self.repairs)
        self.told: list[bool] = []
        for delta in deltas:
            for entry, slot in self.listed.route(delta):
                self.told.append(slot.merge(entry, self.repairs))

    @property
    def calls(self) -> list[tuple[str, str, str]]:
        return [(slot.id, slot.name, slot.arguments.text()) for slot in self.listed.calls]

    @property
    def indexes(self) -> list[int | None]:
        return [slot.index for slot in self.listed.calls]

    @property
    def rules(self) -> list[str]:
        return [repair.rule for repair in self.repairs.made]


def entry(
    index: int | None = None, name: str = "", arguments: object = None, id: str = "", type: str = ""
) -> ToolCallEntry:
    return ToolCallEntry(index=index, id=id, type=type, name=name, arguments=arguments)  # type: ignore[arg-type]


def assemble(*entries: ToolCallEntry) -> Assembled:
    """Feed entries, each in a delta of its own."""
    return Assembled(*([one] for one in entries))


# Index known, slot there.


def test_entry_continues_the_slot_at_its_index():
    found = assemble(entry(0, "f", "", "a"), entry(0, arguments='{"x"'), entry(0, arguments=":1}"))

    assert found.calls == [("a", "f", '{"x":1}')]
    assert found.repairs.made == []


def test_parallel_calls_grow_beside_each_other():
    found = Assembled(
        [entry(0, "f", "", "a"), entry(1, "g", "", "b")],
        [entry(1, arguments="1")],
        [entry(0, arguments="{}"), entry(1, arguments="2")],
    )

    assert found.calls == [("a", "f", "{}"), ("b", "g", "12")]


def test_other_id_with_a_name_takes_over_the_index():
    found = assemble(entry(0, "f", '{"x":', "a"), entry(0, "g", "{}", "b"), entry(0, arguments=" "))

    assert found.calls == [("a", "f", '{"x":'), ("b", "g", "{} ")]
    assert found.indexes == [0, 0]
    assert found.rules == ["4.9"]


def test_other_id_with_the_same_name_takes_over_the_index_too():
    assert assemble(entry(0, "f", "{}", "a"), entry(0, "f", "{}", "b")).calls == [("a", "f", "{}"), ("b", "f", "{}")]


def test_other_id_without_a_name_continues():
    assert assemble(entry(0, "f", '{"x"', "a"), entry(0, arguments=":1}", id="b")).calls == [("a", "f", '{"x":1}')]


def test_same_id_with_the_same_name_continues():
    assert assemble(entry(0, "f", '{"x"', "a"), entry(0, "f", ":1}", "a")).calls == [("a", "f", '{"x":1}')]


def test_same_id_with_another_name_continues_even_after_a_whole_value():
    assert assemble(entry(0, "f", "{}", "a"), entry(0, "g", "{}", "a")).calls == [("a", "f", "{}")]


@pytest.mark.parametrize("ids", [("", ""), ("a", ""), ("", "b")])
def test_other_name_takes_over_a_whole_slot_if_an_id_is_absent(ids):
    first, second = ids

    assert assemble(entry(0, "f", "{}", first), entry(0, "g", "", second)).calls == [
        (first, "f", "{}"),
        (second, "g", ""),
    ]


@pytest.mark.parametrize("arguments", ["", '{"x"', "1", "12", "{} {}"])
def test_other_name_without_ids_continues_a_slot_that_is_not_whole(arguments):
    assert len(assemble(entry(0, "f", arguments), entry(0, "g", "{}")).calls) == 1


def test_same_name_takes_over_a_whole_slot_if_new_arguments_begin():
    assert assemble(entry(0, "f", '{"x":1}'), entry(0, "f", '{"x":2}')).calls == [
        ("", "f", '{"x":1}'),
        ("", "f", '{"x":2}'),
    ]
    assert assemble(entry(0, "f", '{"x":1}'), entry(0, "f", " ["), entry(0, arguments="2]")).calls == [
        ("", "f", '{"x":1}'),
        ("", "f", " [2]"),
    ]
    assert assemble(entry(0, "f", '{"x":1}'), entry(0, "f", {"x": 2})).calls == [
        ("", "f", '{"x":1}'),
        ("", "f", '{"x":2}'),
    ]


@pytest.mark.parametrize("again", ['{"x":1}', '{ "x": 1 }', {"x": 1}])
def test_same_name_with_the_same_value_again_continues_and_is_dropped(again):
    found = assemble(entry(0, "f", '{"x":1}'), entry(0, "f", again))

    assert found.calls == [("", "f", '{"x":1}')]
    assert found.told == [True, False]
    assert "4.10" in found.rules


@pytest.mark.parametrize("arguments", [None, "", "x", "1", '"{}"'])
def test_same_name_without_arguments_that_begin_an_object_continues(arguments):
    assert len(assemble(entry(0, "f", '{"x":1}'), entry(0, "f", arguments)).calls) == 1


def test_whole_slot_without_a_name_takes_the_name_that_comes():
    assert assemble(entry(0, "", "{}"), entry(0, "f")).calls == [("", "f", "{}")]


def test_whole_slot_without_a_name_is_taken_over_by_new_arguments():
    assert assemble(entry(0, "", "{}"), entry(0, "f", "[1]")).calls == [("", "", "{}"), ("", "f", "[1]")]


@pytest.mark.parametrize("whole", ["{}", "[]", '""', '"a"', "true", "false", "null", ' {"a":[1]} \n'])
def test_one_complete_value_is_whole(whole):
    assert len(assemble(entry(0, "f", whole), entry(0, "g")).calls) == 2


@pytest.mark.parametrize("open_", ["", " ", "1", "-1", "1.5", "tru", "{", '"', "{}x", "{}{}", "x"])
def test_anything_else_is_not_whole(open_):
    assert len(assemble(entry(0, "f", open_), entry(0, "g")).calls) == 1


def test_free_text_is_never_whole():
    class Free(GrowingToolCall):
        joins_values = False

    calls = ToolCalls(Free, "step_1", Repairs())
    for one in (entry(0, "f", "{}"), entry(0, "f", "{}"), entry(0, "g", "[]")):
        for said, slot in calls.route([one]):
            slot.merge(said, Repairs())

    assert [(slot.name, slot.arguments.text()) for slot in calls.calls] == [("f", "{}{}[]")]


def test_arguments_that_become_whole_piece_by_piece_are_whole():
    pieces = [entry(0, "f"), *(entry(0, arguments=piece) for piece in '{"a": "}\\""}')]

    assert len(assemble(*pieces, entry(0, "g")).calls) == 2
    assert len(assemble(*pieces[:-1], entry(0, "g")).calls) == 1


# Index known, no slot there.


def test_unknown_index_opens_a_slot_there():
    found = assemble(entry(3, "f", "{}"), entry(0, "g", "{}"))

    assert found.calls == [("", "f", "{}"), ("", "g", "{}")]
    assert found.indexes == [3, 0]


def test_unknown_index_opens_a_slot_even_without_a_name_or_for_a_known_id():
    assert assemble(entry(0, "f", "{", "a"), entry(1, arguments="}")).calls == [("a", "f", "{"), ("", "", "}")]
    assert assemble(entry(0, "f", "{", "a"), entry(1, arguments="}", id="a")).calls == [("a", "f", "{"), ("a", "", "}")]


# Index absent.


def test_entry_without_an_index_goes_to_the_slot_with_its_id():
    found = assemble(entry(None, "f", "{", "a"), entry(None, "g", "[", "b"), entry(None, "", "}", "a"))

    assert found.calls == [("a", "f", "{}"), ("b", "g", "[")]
    assert found.rules == ["4.9", "4.9"]


def test_slot_without_an_index_takes_the_next_free_one():
    assert assemble(entry(None, "f", id="a")).indexes == [0]
    assert assemble(entry(4, "f", id="a"), entry(None, "g", id="b"), entry(None, "h", id="c")).indexes == [4, 5, 6]
    assert assemble(entry(0, "f", id="a"), entry(None, "g", id="b"), entry(1, arguments="{}")).calls[1] == (
        "b",
        "g",
        "{}",
    )


def test_several_entries_without_index_and_id_go_by_position():
    found = Assembled([entry(None, "f", "{"), entry(None, "g", "[")], [entry(None, "", "}"), entry(None, "", "]")])

    assert found.calls == [("", "f", "{}"), ("", "g", "[]")]


def test_position_counts_all_entries_of_the_delta():
    found = Assembled([entry(0, "f", "{}", "a"), entry(None, "g"), entry(None, "h")], [entry(2, arguments="[]")])

    assert found.calls == [("a", "f", "{}"), ("", "g", ""), ("", "h", "[]")]


def test_position_follows_the_rules_of_an_index():
    found = Assembled(
        [entry(None, "f", "{}"), entry(None, "g", "{}")], [entry(None, "h", "[1]"), entry(None, "g", "{}")]
    )

    assert found.calls == [("", "f", "{}"), ("", "g", "{}"), ("", "h", "[1]")]


def test_only_entry_without_index_and_id_goes_on_with_the_last_slot():
    assert assemble(entry(0, "f", "{", "a"), entry(1, "g", "[", "b"), entry(arguments="]")).calls == [
        ("a", "f", "{"),
        ("b", "g", "[]"),
    ]


def test_only_entry_without_index_and_id_opens_the_first_slot():
    assert assemble(entry(None, "f")).calls == [("", "f", "")]
    assert assemble(entry(None, "", "{}")).calls == [("", "", "{}")]


def test_name_without_index_and_id_opens_a_slot_once_the_last_is_whole():
    assert assemble(entry(None, "f", '{"x"'), entry(None, "f", ":1}"), entry(None, "f", "{}")).calls == [
        ("", "f", '{"x":1}'),
        ("", "f", "{}"),
    ]


def test_nameless_entry_goes_on_with_the_last_slot_even_if_it_is_whole():
    found = assemble(entry(None, "f", "{}"), entry(None, "", "{}"), entry(None, "", " "))

    assert found.calls == [("", "f", "{} ")]
    assert found.told == [True, False, True]


# Merging.


def test_id_and_type_are_set_once():
    found = assemble(entry(0, "f", id="a", type="function"), entry(0, id="b", type="custom"), entry(0, id="a"))

    assert found.calls == [("a", "f", "")]
    assert found.listed.calls[0].type == "function"


def test_id_and_type_may_come_late():
    found = assemble(entry(0, "f", "{"), entry(0, arguments="}", id="a", type="custom"))

    assert found.calls == [("a", "f", "{}")]
    assert found.listed.calls[0].type == "custom"


def test_repeated_name_is_ignored():
    found = assemble(entry(0, "f", "{", "a"), entry(0, "f", '"x"', "a"), entry(0, "f", ":1}", "a"))

    assert found.calls == [("a", "f", '{"x":1}')]
    assert found.repairs.made == [Repair("4.10", "a", b'"f"')]


def test_other_name_is_appended_before_the_arguments_begin():
    assert assemble(entry(0, "get_", id="a"), entry(0, "wea"), entry(0, "ther", "{}")).calls == [
        ("a", "get_weather", "{}")
    ]


def test_other_name_is_ignored_after_the_arguments_began():
    found = assemble(entry(0, "f", "{", "a"), entry(0, "g", "}"))

    assert found.calls == [("a", "f", "{}")]
    assert found.rules == ["4.10"]


def test_empty_arguments_are_no_beginning():
    assert assemble(entry(0, "f", "", "a"), entry(0, "g", "")).calls == [("a", "fg", "")]


def test_null_arguments_add_nothing():
    found = assemble(entry(0, "f", None, "a"), entry(0, arguments="{}"), entry(0, arguments=None))

    assert found.calls == [("a", "f", "{}")]
    assert found.told == [True, True, True]


def test_numbers_are_joined():
    assert assemble(entry(0, "f", "1", "a"), entry(0, arguments="1")).calls == [("a", "f", "11")]


@pytest.mark.parametrize(
    ("value", "written"),
    [({"b": 1, "a": "é"}, '{"b":1,"a":"é"}'), ([1, None], "[1,null]"), ({}, "{}"), ([], "[]")],
)
def test_object_or_array_becomes_compact_json(value, written):
    found = assemble(entry(0, "f", value, "a"))

    assert found.calls == [("a", "f", written)]
    assert found.rules == ["4.10"]


def test_object_joins_no_arguments_that_began():
    found = assemble(entry(0, "f", '{"x"', "a"), entry(0, arguments={"x": 1}), entry(0, arguments=":1}"))

    assert found.calls == [("a", "f", '{"x":1}')]
    assert found.rules == ["4.10"]


@pytest.mark.parametrize(
    ("held", "again"),
    [
        ('{"a":1,"b":"x"}', '{"a":1,"b":"x"}'),
        ('{"a":1,"b":"x"}', ' { "b": "x", "a": 1 }\n'),
        ('{"a":1,"b":"x"}', {"b": "x", "a": 1}),
        ('{"a":1}', '"{\\"a\\": 1}"'),
        ('{"a":"é"}', '{"a":"\\u00e9"}'),
        ('{"a":"\U0001f600"}', '{"a":"\\ud83d\\ude00"}'),
        ("[]", "[]"),
        ("[1]", [1]),
        ('"a"', '"a"'),
        ("true", "true"),
        ("null", " null "),
        ({"a": 1}, '{"a":1}'),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_whole_value_that_comes_again_is_dropped(held, again):
    found = assemble(entry(0, "f", held, "a"), entry(0, arguments=again))

    assert found.calls == assemble(entry(0, "f", held, "a")).calls
    assert found.told == [True, False]
    assert "4.10" in found.rules


@pytest.mark.parametrize(
    ("held", "more"),
    [
        ('{"a":1}', '{"a":2}'),
        ('{"a":1}', "}"),
        ('{"a":1}', '"{\\"a\\": 2}"'),
        ('{"a":', '{"a":'),
        ("11", "11"),
        ("{}", "[]"),
        ("[[]", "]"),
        ('"a', 'a"'),
        ("", "{}"),
    ],
)
def test_anything_else_is_joined(held, more):
    found = assemble(entry(0, "f", held, "a"), entry(0, arguments=more))

    assert found.calls == [("a", "f", held + more)]
    assert found.told == [True, True]


def test_value_that_came_in_pieces_is_dropped_when_it_comes_whole():
    pieces = [entry(0, "f", id="a"), *(entry(0, arguments=piece) for piece in '{"a":[1]}')]

    assert assemble(*pieces, entry(0, arguments='{"a":[1]}')).calls == [("a", "f", '{"a":[1]}')]


def test_value_whose_characters_came_in_halves_is_dropped_when_it_comes_whole():
    found = assemble(
        entry(0, "f", '{"a":"\ud83d', "a"), entry(0, arguments='\ude00"}'), entry(0, arguments='{"a":"\U0001f600"}')
    )

    assert found.calls == [("a", "f", '{"a":"\U0001f600"}')]


def test_cumulative_arguments_are_not_repaired():
    assert assemble(entry(0, "f", '{"a"', "a"), entry(0, arguments='{"a":1}')).calls == [("a", "f", '{"a"{"a":1}')]


def test_first_entry_decides_where_the_second_of_the_same_delta_goes():
    found = Assembled([entry(0, "f", "{}"), entry(0, "g", "[]")])

    assert found.calls == [("", "f", "{}"), ("", "g", "[]")]


# State.


def test_replaced_calls_are_found_under_their_indexes():
    found = assemble(entry(0, "f", "{", "a"), entry(1, "g", "{", "b"))
    first, second = found.listed.calls
    found.listed.replace([second.id])
    found.listed.index_calls()

    assert found.listed.find(entry(1), None) is second
    assert found.listed.find(entry(0), None) is not first
    assert len(found.listed.calls) == 2


def test_after_a_replacement_the_next_free_index_is_that_of_what_is_left():
    found = assemble(entry(0, "f", "{", "a"), entry(1, "g", "{", "b"))
    found.listed.replace(["a"])
    found.listed.index_calls()

    assert 1 == found.listed.add(None).index


def test_a_name_in_pieces_that_comes_again_whole_is_a_repeat():
    found = assemble(entry(0, "get_"), entry(0, "weather"), entry(0, "get_weather"))

    assert [("", "get_weather", "")] == found.calls


def test_replaced_arguments_are_whole_or_not_by_themselves():
    found = assemble(entry(0, "f", "{} {}", "a"))
    (slot,) = found.listed.calls
    assert slot.value() is None
    slot.set_arguments('{"a":1}')

    assert slot.value() == '{"a":1}'
    assert slot.merge(entry(0, arguments='{"a":1}'), found.repairs) is False
    slot.set_arguments("")
    assert slot.value() is None


def test_ended_slot_shows_half_a_pair():
    slot = assemble(entry(0, "f", "a\ud83d")).listed.calls[0]

    assert slot.arguments.text() == "a"
    slot.end()
    assert slot.arguments.text() == "a\ufffd"


def test_pickled_calls_go_on():
    found = assemble(entry(0, "f", '{"a":"', "a"), entry(None, "g", "{", "b"))
    restored = pickle.loads(pickle.dumps(found))
    for one in (entry(0, arguments='\\"}"'), entry(0, arguments="}"), entry(1, arguments="}"), entry(1, "h", "[]")):
        for said, slot in restored.listed.route([one]):
            slot.merge(said, restored.repairs)

    assert restored.calls == [("a", "f", '{"a":"\\"}"}'), ("b", "g", "{}"), ("", "h", "[]")]


@pytest.mark.timing
@pytest.mark.parametrize("repeats_name", [False, True])
def test_cost_of_a_fragment_does_not_grow_with_the_arguments(repeats_name):
    def cost(size: int) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            more = entry(0, "f" if repeats_name else "", "a")
            assemble(entry(0, "f", '{"a":"', "x"), *[more] * size, entry(0, arguments='"}'))
            best = min(best, time.process_time() - start)
        return best / size

    cost(1_000)

    assert cost(20_000) < 2 * cost(1_000)


# Borders of what is above.


def test_long_arguments_sent_again_are_dropped():
    whole = '{"city": "Amsterdam", "unit": "celsius"}'
    found = assemble(entry(0, "f", whole[:20], "a"), entry(0, arguments=whole[20:]), entry(0, arguments=whole))

    assert found.calls == [("a", "f", whole)]
    assert (found.told, found.rules) == ([True, True, False], ["4.10"])


@pytest.mark.parametrize("literal", ["true", "false", "null"])
def test_literal_sent_again_is_dropped(literal):
    found = assemble(entry(0, "f", literal, "a"), entry(0, arguments=literal))

    assert (found.calls, found.told) == ([("a", "f", literal)], [True, False])


def test_literal_is_looked_for_in_short_texts_only():
    within, beyond = GrowingToolCall("step_1", 0), GrowingToolCall("step_1", 0)
    within.add(" " * 11 + "true", Repairs())
    beyond.add(" " * 12 + "true", Repairs())

    assert (within.value(), beyond.value()) == ("true", None)


def test_arguments_that_were_set_are_read_from_their_own_beginning():
    slot = GrowingToolCall("step_1", 0)
    slot.add('{"torn": [', Repairs())
    assert slot.value() is None
    slot.set_arguments('{"city":"Amsterdam"}')

    assert slot.value() == '{"city":"Amsterdam"}'


def test_other_object_for_arguments_that_are_whole_is_recorded_and_tells_a_change():
    found = assemble(entry(0, "f", '{"a":1}', "a"), entry(0, arguments={"a": 2}))

    assert (found.calls, found.told, found.rules) == ([("a", "f", '{"a":1}')], [True, True], ["4.10"])


def test_quoted_half_of_a_surrogate_pair_is_no_repetition():
    found = assemble(entry(0, "f", '{"a":1}', "a"), entry(0, arguments='"\ud83d"'))

    assert found.told == [True, True]


def test_one_entry_without_index_beside_one_with_continues_the_last_call():
    found = Assembled([entry(0, "f", '{"x"', "a")], [entry(0, arguments=":"), entry(arguments="1}")])

    assert found.calls == [("a", "f", '{"x":1}')]


def test_one_entry_without_index_beside_one_with_an_id_continues_the_last_call():
    found = Assembled([entry(0, "f", '{"x"', "a")], [entry(id="a", arguments=":"), entry(arguments="1}")])

    assert found.calls == [("a", "f", '{"x":1}')]


def test_index_that_was_taken_over_is_recorded_with_the_id():
    found = assemble(entry(0, "f", "{}", "a"), entry(0, "g", "{}", "b"))

    assert [("4.9", "b", b"0")] == [(repair.rule, repair.where, repair.raw) for repair in found.repairs.made]


def test_slot_at_an_index_is_the_latest_there():
    found = assemble(entry(0, "f", "{}", "a"), entry(0, "g", "{}", "b"))

    assert found.listed.by_index[0] is found.listed.calls[1]
    assert [0] == list(found.listed.by_index)
