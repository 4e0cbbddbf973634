"""How deep JSON is nested, told from its bytes: the same as counting bracket by bracket, whatever the bytes."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncstream import nesting
from asyncstream.nesting import MAX_DEPTH, SHALLOW, Nesting, nested_too_deep


def counted(data: bytes) -> tuple[int, bool, bool]:
    """Count by the grammar, byte by byte: the depth, whether a string is open, whether it was ever too deep."""
    depth, in_string, escaping, too_deep = 0, False, False, False
    for byte in data:
        if escaping and byte in b'"\\':
            escaping = False
            continue
        escaping = False
        if byte == ord("\\"):
            escaping = True
        elif byte == ord('"'):
            in_string = not in_string
        elif not in_string:
            depth += (byte in b"[{") - (byte in b"]}")
            too_deep = too_deep or depth > MAX_DEPTH
    return depth, in_string, too_deep


def followed(*pieces: bytes) -> tuple[int, bool, bool]:
    nesting = Nesting()
    for piece in pieces:
        nesting.feed(piece)
    return nesting.depth, nesting.in_string, nesting.too_deep


SOUP = st.text('[]{}"\\a,é', max_size=300).map(str.encode)


@given(SOUP, st.integers(1, 7))
def test_brackets_and_strings_are_followed_as_the_grammar_has_them(soup, size):
    assert followed(soup) == counted(soup)
    assert followed(*(soup[start : start + size] for start in range(0, len(soup), size))) == counted(soup)


@pytest.mark.parametrize("alphabet", [b"[]", b"[[]", b'["]', b'[]"\\', b"{[}]", b'["\\a'])
@pytest.mark.parametrize("size", [1 << 16, (1 << 16) + 1, 200_000])
def test_texts_longer_than_a_window_are_followed_alike(alphabet, size):
    random = Random(size)
    data = bytes(random.choices(alphabet, k=size))
    depth, in_string, too_deep = counted(data)

    assert nested_too_deep(data) is too_deep
    if not too_deep:
        assert followed(data) == (depth, in_string, False)


def test_a_cut_anywhere_leaves_the_same_state():
    text = json.dumps({"a": json.dumps([{"b": '\\"[{'}]), "c": ["\\", "]", {}]}).encode()

    for cut in range(len(text) + 1):
        assert followed(text[:cut], text[cut:]) == (0, False, False)
        assert followed(text[:cut]) == counted(text[:cut])


@pytest.mark.parametrize("opening", [b"[", b"{", b'{"a":', b'[{"[":'])
def test_the_limit_is_met_to_the_level(opening):
    levels = counted(opening)[0]
    most = opening * (MAX_DEPTH // levels)

    assert not nested_too_deep(most + b"1" * SHALLOW)
    assert nested_too_deep(most + b"[" + b"1" * SHALLOW)
    assert nested_too_deep(most + b"]" * 9 + b"[" * 10)


def test_unfinished_text_may_be_deep_in_few_bytes():
    assert not nested_too_deep(b"[" * MAX_DEPTH)
    assert nested_too_deep(b"[" * (MAX_DEPTH + 1))


def test_brackets_beside_each_other_or_in_strings_are_not_deep():
    assert not nested_too_deep(b"[" + b"[]," * 500 + b"[]]")
    assert not nested_too_deep(b"[" * (MAX_DEPTH - 1) + b"[]," * 500)
    assert not nested_too_deep(json.dumps(["[{" * 500, '\\"[' * 500, '"']).encode())
    assert nested_too_deep(json.dumps(['"\\']).encode()[:-1] + b"," + b"[" * 200 + b"]" * 201)


def test_few_brackets_in_each_window_may_be_many(monkeypatch):
    monkeypatch.setattr(nesting, "_WINDOW", 8)

    assert not nested_too_deep(b"[       " * MAX_DEPTH)
    assert nested_too_deep(b"{       [       " * (MAX_DEPTH // 2) + b"[")


def test_what_is_too_deep_stays_so():
    nesting = Nesting()
    nesting.feed(b"[" * 200)
    nesting.feed(b"]" * 200)

    assert nesting.too_deep


def test_text_without_marks_has_not_begun():
    nesting = Nesting()
    nesting.feed(b" 1, true\\")
    assert not nesting.begun

    nesting.feed(b'""')
    assert (nesting.begun, nesting.in_string) == (True, True)


@pytest.mark.parametrize("height", [1, 3, 4, 5, 16, 20, 30])
@pytest.mark.parametrize("below", [0, 1, 30])
def test_long_text_that_rises_to_the_limit_again_and_again_is_judged_to_the_level(height, below):
    nest = b"[" * height + b"]" * height
    most = b"[" * (MAX_DEPTH - height - below) + nest * (150_000 // height)

    assert followed(most) == (MAX_DEPTH - height - below, False, False)
    assert not nested_too_deep(most + b"[" * (height + below))
    assert nested_too_deep(most + b"[" * (height + below + 1))
    assert nested_too_deep(most + b"[" * (height + below + 1) + b"]" * 200 + nest * 100_000)
