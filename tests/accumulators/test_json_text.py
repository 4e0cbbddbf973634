"""When a growing JSON text is one whole value."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.json_text import WholeValue, canonical, canonical_text


def value_of(*fragments: str) -> str | None:
    """Read a text fragment by fragment."""
    whole, text = WholeValue(), Fragments()
    value = None
    for fragment in fragments:
        text.append(fragment)
        value = whole.read(fragment, text)
    return value


def whole(*fragments: str) -> bool:
    return value_of(*fragments) is not None


WRITTEN = [
    "{}",
    "[]",
    '""',
    ' {"a": [1, {"b": "}"}]} \n',
    '{"a":"\\""}',
    '{"a":"\\\\"}',
    '"a\\"b"',
    '["]", "\\\\\\"]"]',
    '{"\\u007d":1}',
    "true",
    " false",
    "null ",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_value_is_whole_when_its_outermost_bracket_or_quote_is_there(text):
    assert value_of(text) == value_of(*text) == canonical_text(text)
    assert whole(text)
    assert not whole(text.rstrip()[:-1])
    assert not any(whole(*text[:end]) for end in range(1, len(text.rstrip())))


@pytest.mark.parametrize(
    "text", ["{} {}", "[]x", '"a" "b"', "{}}", '{"a":1}{"a":1}', "[],", "}", "}{", "][", '{"a\\\n":1}', "[1]]", "nullx"]
)
def test_what_is_no_value_never_becomes_one(text):
    assert not whole(text)
    assert not whole(*text)
    assert not whole(text, "{}")
    assert not whole(text, " ")


def test_blanks_around_a_value_leave_it_whole():
    assert value_of(" ", "\n", "{}", " ", "\n", "") == "{}"
    assert value_of("{}", " ", "x") is None
    assert value_of("{}", " ", "x", " ") is None


@pytest.mark.parametrize("begin", ["[", "[" + "0," * 128])
def test_text_that_grows_is_parsed_at_its_beginning_and_when_all_is_closed(monkeypatch, begin):
    parsed: list[str] = []

    def parse(text: str) -> str | None:
        parsed.append(text)
        return canonical_text(text)

    monkeypatch.setattr("asyncstream.accumulators.json_text.canonical_text", parse)
    whole = begin + '"]",{}]'

    assert value_of(begin, *'"]",{}]', *" " * 50) == canonical_text(whole)
    # A long beginning is hardly the whole.
    assert parsed == ([begin, whole] if len(begin) == 1 else [whole])


def test_literal_is_whole_within_a_few_characters():
    assert value_of(" " * 11, "true") == "true"
    assert value_of(" " * 12, "true") is None


@pytest.mark.parametrize(
    "text", ["", " ", "tru", "1", "-1.5e3", "x", "{", '"', "nul", '{"a"}', "{}{}", "'a'", "NaN", '["\x01"]']
)
def test_what_is_not_whole_has_no_canonical_form(text):
    assert canonical_text(text) is None


@pytest.mark.parametrize("text", ["true", " false ", "null", '"a"', "[1,2]", "{}"])
def test_whole_value_has_one(text):
    assert canonical_text(text) == canonical(json.loads(text))


def test_equal_values_have_the_same_canonical_form():
    assert canonical_text('{"a": 1, "b": [true]}') == canonical_text('{"b":[true],"a":1}')
    assert canonical_text('{"a":"\\u00e9"}') == canonical({"a": "é"})
    assert canonical_text('{"a":1}') != canonical_text('{"a":"1"}')
    assert canonical_text("[1,2]") != canonical_text("[2,1]")


def test_text_nested_too_deep_is_not_whole():
    for depth in (500, 950, 990, 100_000):
        assert canonical_text("[" * depth + "]" * depth) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text('a"\\{}[]\n é', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a"\\}', max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.booleans(), st.data())
def test_every_written_value_is_closed_at_its_end_and_not_before(value, indented, data):
    text = json.dumps(value, indent=1 if indented else None, ensure_ascii=False)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    expected = None if isinstance(value, int) and not isinstance(value, bool) else canonical(value)

    assert canonical_text(text) == expected
    assert value_of(*pieces) == expected
    assert not whole(*pieces, "x")


@pytest.mark.timing
def test_cost_of_a_character_does_not_grow_with_the_text():
    def cost(size: int) -> float:
        best = float("inf")
        for _ in range(3):
            value, text = WholeValue(), Fragments()
            text.append('["')
            value.read('["', text)
            start = time.process_time()
            for _ in range(size):
                value.read("a\\", text)
            best = min(best, time.process_time() - start)
        return best / size

    cost(2_000)

    assert cost(50_000) < 2 * cost(2_000)
