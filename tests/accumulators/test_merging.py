"""Folding what a payload says into what is held: absent never resets anything."""

import pickle
import time
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field

from asyncstream.accumulators.merging import Indexed, JSONFold, Payloads, index_of, members_of, mended, replace_present
from asyncstream.types import (
    Function,
    FunctionDelta,
    FunctionToolCallDelta,
    Message,
    Text,
    TextContentBlock,
    TextDelta,
    UnknownContentBlock,
)


class Held(Struct, kw_only=True):
    id: str
    name: str = ""
    count: int = 0
    kind: str = "plain"
    inner: Function | None = None
    items: list[int] = []
    notes: dict[str, str] | None = None
    made: Function = field(default_factory=Function)


class Said(Struct, kw_only=True):
    name: str | None = None
    other: str | None = None


# Structs.


def test_what_is_said_replaces():
    held = Held(id="a", name="old", items=[1])
    said = Held(id="b", name="new", count=2, kind="fancy", items=[2, 3], notes={"k": "v"})

    assert replace_present(held, said) == said
    assert held == Held(id="a", name="old", items=[1])


@pytest.mark.parametrize("said", [Held(id=""), Held(id="", notes={}), Said(), Said(name=""), Said(other="x")])
def test_what_is_absent_resets_nothing(said):
    held = Held(id="a", name="n", count=2, kind="k", inner=Function(name="f"), items=[1], notes={"k": "v"})

    assert replace_present(held, said) == held


def test_delta_replaces_the_fields_it_shares():
    assert replace_present(Held(id="a", name="n", count=1), Said(name="m")) == Held(id="a", name="m", count=1)


def test_structs_in_fields_are_folded_field_by_field():
    held = Held(id="a", inner=Function(name="f", arguments="{}"))

    assert replace_present(held, Held(id="", inner=Function(output="o"))).inner == Function(
        name="f", arguments="{}", output="o"
    )
    assert held.inner == Function(name="f", arguments="{}")


class Counted(Struct, kw_only=True):
    count: int | None = None
    share: float | None = None
    strict: bool | None = None
    parallel: bool = True


@pytest.mark.parametrize(
    "update", [Counted(count=0), Counted(share=0.0), Counted(strict=False), Counted(parallel=False)]
)
def test_zero_and_false_are_values(update):
    held = Counted(count=3, share=0.5, strict=True)
    name = next(name for name in Counted.__struct_fields__ if getattr(update, name) == 0)

    assert replace_present(held, update) == msgspec.structs.replace(held, **{name: getattr(update, name)})


V = TypeVar("V")


class Nested(Struct, Generic[V], kw_only=True):
    text: Literal["a"] | None = None
    made: Annotated[Function | None, "why"] = None
    given: V | None = None
    odd: object = None


@pytest.mark.parametrize("name", ["made", "given", "odd"])
def test_structs_are_folded_whatever_the_type_of_their_field_is_called(name):
    held, update = Nested(**{name: Function(name="f")}), Nested(text="a", **{name: Function(output="o")})

    assert replace_present(held, update) == Nested(text="a", **{name: Function(name="f", output="o")})


def test_fields_that_the_caller_folds_are_left():
    assert replace_present(Held(id="a"), Held(id="b", name="n"), leave=("name",)) == Held(id="b")


def merged_one_by_one(held: Held, payloads: list[Held], leave: tuple[str, ...]) -> Held:
    for payload in payloads:
        held = replace_present(held, payload, leave=leave)
    return held


@pytest.mark.parametrize("looks", [(), (0,), (3, 4), tuple(range(40))])
@pytest.mark.parametrize("leave", [(), ("name",)])
def test_payloads_make_the_same_whenever_somebody_looks(looks, leave):
    payloads = [
        Held(
            id="a", name=f"n{number}", count=number % 3, items=[number] if number % 2 else [], inner=Function(output="")
        )
        for number in range(40)
    ]
    start = Held(id="a", kind="k", inner=Function(name="f"))
    folded = Payloads(start, leave)

    for number, payload in enumerate(payloads):
        folded.fold(payload)
        if number in looks:
            assert folded.merged() == merged_one_by_one(start, payloads[: number + 1], leave)

    assert folded.merged() == merged_one_by_one(start, payloads, leave)
    assert start == Held(id="a", kind="k", inner=Function(name="f"))


def test_a_payload_counts_as_it_was_when_it_was_folded():
    payload = Held(id="a", name="n")
    folded = Payloads(Held(id="a"))
    folded.fold(payload)
    payload.name = "changed by its owner"

    assert folded.merged().name == "n"


def test_what_the_caller_sets_after_a_look_is_kept_until_a_payload_says_else():
    folded = Payloads(Held(id="a"))
    folded.fold(Held(id="a", name="n", kind="k"))
    folded.merged().name = "own"
    folded.fold(Held(id="a", kind="l"))

    assert (folded.merged().name, folded.merged().kind) == ("own", "l")


def test_payloads_that_nobody_looks_at_do_not_pile_up():
    folded = Payloads(Held(id="a"))
    for number in range(1000):
        folded.fold(Held(id="a", name=str(number)))

    assert len(folded._due) <= 16
    assert folded.merged().name == "999"


def test_payloads_that_wait_are_pickled_too():
    folded = Payloads(Held(id="a"), ("kind",))
    folded.fold(Held(id="a", name="n", kind="k"))

    assert pickle.loads(pickle.dumps(folded)).merged() == Held(id="a", name="n")


# Lists by index.


def listed(*entries: tuple[int | None, str]) -> list[str]:
    found: Indexed[str] = Indexed()
    for index, entry in entries:
        found.put(index, entry)
    return found.listed()


def test_entries_are_listed_by_index_and_gaps_are_left_out():
    assert listed((5, "f"), (0, "a"), (2, "c")) == ["a", "c", "f"]


def test_entry_at_a_known_index_takes_its_place():
    assert listed((0, "a"), (1, "b"), (0, "c")) == ["c", "b"]


def test_entry_without_an_index_goes_after_all_others():
    assert listed((None, "a"), (4, "b"), (None, "c"), (2, "d"), (None, "e")) == ["a", "d", "b", "c", "e"]


@given(st.lists(st.tuples(st.none() | st.integers(-3, 6), st.integers()), max_size=12))
def test_list_that_is_looked_at_all_the_time_is_the_same(entries):
    found: Indexed[int] = Indexed()
    expected: dict[int, int] = {}
    for index, entry in entries:
        found.put(index, entry)
        expected[max([-1, *expected]) + 1 if index is None else index] = entry

        assert [expected[at] for at in sorted(expected)] == found.listed()


class CountedIndex(int):
    """An index that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        CountedIndex.compared += 1
        return super().__lt__(other)


@pytest.mark.parametrize(
    ("indexes", "looks", "sorts"),
    [([0, 1, 2], 1, False), ([0, 1, 2, 1, 0], 1, False), ([0, 2, 1], 1, True), ([0, 2, 1], 2, False)],
)
def test_a_look_sorts_only_what_came_out_of_order_since_the_last(monkeypatch, indexes, looks, sorts):
    found: Indexed[int] = Indexed()
    for index in indexes:
        found.put(CountedIndex(index), index)
    for _ in range(looks):
        monkeypatch.setattr(CountedIndex, "compared", 0)

        assert [0, 1, 2] == found.listed()

    assert sorts is (CountedIndex.compared > 0)


def test_what_was_listed_is_the_callers():
    found = Indexed(["a"])
    found.listed().append("b")

    assert ["a"] == found.listed()


def test_list_begins_with_what_it_is_given():
    found = Indexed(["a", "b"])
    found.put(None, "c")

    assert found.listed() == ["a", "b", "c"]
    assert found.get(1) == "b"
    assert found.get(7) is None
    assert found.get(None) is None
    assert found
    assert not Indexed()


@pytest.mark.parametrize(
    ("value", "index"),
    [
        (0, 0),
        (7, 7),
        (-1, -1),
        ("3", 3),
        (True, None),
        (1.5, None),
        ("a", None),
        ("-1", None),
        ("", None),
        (None, None),
    ],
)
def test_index_is_an_integer_or_a_digit_string(value, index):
    assert index_of(value) == index


# JSON of no fixed shape.


def folded(*said: dict[str, object]) -> dict[str, object]:
    fold = JSONFold()
    for one in said:
        fold.fold(one)
    return fold.built()


@pytest.mark.parametrize("key", ["arguments", "input", "logs"])
def test_growing_texts_are_joined_at_any_depth(key):
    assert folded({key: "a"}, {key: "b"}) == {key: "ab"}
    assert folded({"x": {"y": {key: "a"}}}, {"x": {"y": {key: "b"}}}) == {"x": {"y": {key: "ab"}}}
    assert folded({"x": [{"index": 0, key: "a"}]}, {"x": [{"index": 0, key: "b"}]}) == {"x": [{key: "ab"}]}


def test_other_scalars_replace():
    assert folded({"a": "x", "n": 1, "f": True}, {"a": "y", "n": 2, "f": False}) == {"a": "y", "n": 2, "f": False}


def test_growing_key_with_another_kind_of_value_replaces():
    assert folded({"input": 5}, {"input": 6}) == {"input": 6}
    assert folded({"arguments": {"a": 1}}, {"arguments": {"b": 2}}) == {"arguments": {"a": 1, "b": 2}}


def test_null_says_nothing():
    assert folded({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"c": None}}) == {"a": 1, "b": {"c": 2}}
    assert folded({"a": None}) == {}


def test_objects_merge():
    assert folded({"a": {"b": 1}}, {"a": {"c": 2}}) == {"a": {"b": 1, "c": 2}}


def test_lists_merge_by_index_and_entries_without_one_are_appended():
    assert folded({"a": [{"index": 0, "x": 1}, {"index": 2, "x": 3}]}, {"a": [{"index": 0, "y": 2}, {"z": 4}]}) == {
        "a": [{"x": 1, "y": 2}, {"x": 3}, {"z": 4}]
    }
    assert folded({"a": [1, "b"]}, {"a": [2]}) == {"a": [1, "b", 2]}


def test_index_may_be_a_digit_string():
    assert folded({"a": [{"index": "0", "x": 1}]}, {"a": [{"index": 0, "y": 2}]}) == {"a": [{"x": 1, "y": 2}]}


def test_index_itself_is_not_kept():
    assert folded({"index": 3, "a": {"index": 4, "b": 1}}) == {"a": {"b": 1}}


def test_order_of_keys_is_the_order_they_came_in():
    assert list(folded({"b": 1}, {"a": 2}, {"b": 3})) == ["b", "a"]


def test_loaded_members_replace_and_empty_ones_say_nothing():
    fold = JSONFold()
    fold.fold({"input": "a", "results": [1], "kept": {"x": 1}, "more": "m"})
    fold.load({"input": "b", "results": [], "kept": {}, "more": None, "new": [{"index": 0, "y": 1}], "index": 5})

    assert fold.built() == {"input": "b", "results": [1], "kept": {"x": 1}, "more": "m", "new": [{"y": 1}]}


def test_built_objects_do_not_change_with_later_folds():
    fold = JSONFold()
    fold.fold({"a": {"b": [1]}})
    built = fold.built()
    fold.fold({"a": {"b": [2], "c": 3}})

    assert built == {"a": {"b": [1]}}


def test_half_a_pair_at_the_end_of_a_text_is_shown_once_it_ended():
    fold = JSONFold()
    fold.fold({"a": [{"input": "x\ud83d"}], "b": 1})

    assert fold.built() == {"a": [{"input": "x"}], "b": 1}
    fold.end()
    assert fold.built() == {"a": [{"input": "x\ufffd"}], "b": 1}


def test_pickled_fold_goes_on():
    fold = JSONFold()
    fold.fold({"a": [{"index": 1, "logs": "x"}]})
    restored = pickle.loads(pickle.dumps(fold))
    restored.fold({"a": [{"index": 1, "logs": "y"}, {"z": 1}]})

    assert restored.built() == {"a": [{"logs": "xy"}, {"z": 1}]}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"5", b"\xff", b"[" * 100_000])
def test_unknown_structs_without_an_object_have_no_members(raw):
    assert members_of(raw) == {}


# Half pairs in what stands alone.


def test_strings_that_stand_alone_are_mended():
    message = Message(id="m\ud83d", metadata={"k\ud83d": "v\ude00"}, status="ok")

    assert mended(message) == Message(id="m\ufffd", metadata={"k\ufffd": "v\ufffd"}, status="ok")


def test_pieces_of_text_keep_their_halves():
    block = TextContentBlock(text=Text(value="a\ud83d"))
    call = FunctionToolCallDelta(id="c", function=FunctionDelta(name="f\ud83d", arguments="a\ud83d", output="o\ud83d"))

    assert mended(block) == block
    assert mended(TextDelta(value="a\ud83d")) == TextDelta(value="a\ud83d")
    assert mended(call).function == FunctionDelta(name="f\ufffd", arguments="a\ud83d", output="o\ufffd")


def test_unknown_structs_are_mended_inside_their_json():
    raw = b'{"x":"\\ud83d","input":"\\ud83d","y":["\\ud83d\\ude00"]}'

    assert members_of(mended(UnknownContentBlock(wire_type="t", raw=raw)).raw) == {
        "x": "\ufffd",
        "input": "\ud83d",
        "y": ["\U0001f600"],
    }


@pytest.mark.timing
def test_appending_to_a_list_costs_the_same_however_long_it_is():
    def cost(size: int) -> float:
        best = float("inf")
        for _ in range(3):
            found: Indexed[int] = Indexed()
            start = time.process_time()
            for entry in range(size):
                found.put(None, entry)
            best = min(best, time.process_time() - start)
        return best / size

    cost(2_000)

    assert cost(50_000) < 2 * cost(2_000)
