"""Text in pieces, and half surrogate pairs that wait for their partners."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncstream.accumulators import fragments as fragments_module
from asyncstream.accumulators.fragments import Fragments, HalfPairs
from asyncstream.halves import mend_halves

HIGH, LOW, WHOLE = "\ud83d", "\ude00", "\U0001f600"


def fragments(*pieces: str, ended: bool = False) -> Fragments:
    text = Fragments()
    for piece in pieces:
        text.append(piece)
    text.ended = ended
    return text


def test_pieces_are_joined_in_order():
    assert fragments("a", "", "b", "é").text() == "abé"
    assert fragments().text() == ""


def test_text_is_true_once_a_character_came():
    assert not fragments()
    assert not fragments("", "")
    assert fragments("", "a")


def test_text_goes_on_after_it_was_looked_at():
    text = fragments("a", "b")

    assert text.text() == "ab"
    text.append("c")
    assert text.text() == "abc"


def test_replaced_text_goes_on_from_its_new_beginning():
    text = fragments("a", "b")
    text.replace("x")
    text.append("y")

    assert text.text() == "xy"
    text.replace("")
    assert not text


def test_half_at_the_end_is_held_back_until_its_partner_comes():
    text = fragments("a" + HIGH)

    assert text.text() == "a"
    assert text.raw() == "a" + HIGH
    text.append(LOW + "b")
    assert text.text() == "a" + WHOLE + "b"


def test_half_at_the_end_is_replaced_once_the_text_ended():
    assert fragments("a" + HIGH, ended=True).text() == "a\ufffd"


def test_late_partner_still_completes_a_half():
    text = fragments(HIGH, ended=True)
    assert text.text() == "\ufffd"
    text.append(LOW)

    assert text.text() == WHOLE


@pytest.mark.parametrize(
    ("sent", "shown", "ended"),
    [
        (HIGH + "a", "\ufffda", "\ufffda"),
        (LOW, "\ufffd", "\ufffd"),
        (LOW + HIGH, "\ufffd", "\ufffd\ufffd"),
        (HIGH + HIGH + LOW, "\ufffd" + WHOLE, "\ufffd" + WHOLE),
        (WHOLE + HIGH, WHOLE, WHOLE + "\ufffd"),
        ("\ud800", "", "\ufffd"),
        ("\udc00", "\ufffd", "\ufffd"),
        ("\udbff\udfff", "\U0010ffff", "\U0010ffff"),
        (HIGH + LOW + LOW, WHOLE + "\ufffd", WHOLE + "\ufffd"),
        ("", "", ""),
    ],
)
def test_half_without_a_partner_is_replaced(sent, shown, ended):
    assert mend_halves(sent, ended=False) == shown
    assert mend_halves(sent, ended=True) == ended
    assert fragments(*sent).text() == shown
    assert fragments(*sent, ended=True).text() == ended


@pytest.mark.parametrize("ended", [False, True])
def test_pickled_text_goes_on(ended):
    text = pickle.loads(pickle.dumps(fragments("a", HIGH, ended=ended)))
    text.append(LOW)

    assert text.ended is ended
    assert text.text() == "a" + WHOLE


def test_a_fragment_may_be_added_to_the_pieces_whatever_came_between():
    text = fragments("a")
    pieces = text.pieces
    for between in (text.raw, text.text, lambda: text.replace("x"), lambda: pickle.dumps(text)):
        between()
        pieces.append("b")

    assert text.text() == "xbb"
    copied, copied_pieces = pickle.loads(pickle.dumps((text, pieces)))
    copied_pieces.append("c")
    assert (text.text(), copied.text()) == ("xbb", "xbbc")


def test_half_pairs_are_passed_on_whole():
    halves = HalfPairs()

    assert [halves.feed(piece) for piece in ("a" + HIGH, "", LOW + "b", LOW, HIGH, "c", WHOLE)] == [
        "a",
        "",
        WHOLE + "b",
        "\ufffd",
        "",
        "\ufffdc",
        WHOLE,
    ]
    assert halves.end() == ""


def test_half_that_waits_at_the_end_is_given_as_a_replacement_once():
    halves = HalfPairs()
    halves.feed("a" + HIGH)

    assert halves.end() == "\ufffd"
    assert halves.end() == ""


PIECES = st.lists(st.text(st.sampled_from(["a", "é", WHOLE, HIGH, LOW]), max_size=4), max_size=6)


@given(PIECES)
def test_both_ways_show_the_same_and_can_always_be_encoded(pieces):
    halves, text = HalfPairs(), Fragments()
    shown = ""
    for piece in pieces:
        shown += halves.feed(piece)
        text.append(piece)

        assert shown == text.text()
        shown.encode()
    text.ended = True
    assert shown + halves.end() == text.text()


@given(st.lists(st.text(st.sampled_from(["a", "é", WHOLE, HIGH, LOW]), max_size=4), max_size=12))
def test_text_that_is_looked_at_all_the_time_shows_the_same(pieces):
    text = Fragments()
    for number, piece in enumerate(pieces):
        text.append(piece)

        assert text.text() == mend_halves("".join(pieces[: number + 1]), ended=False)


def test_text_that_was_replaced_is_looked_at_from_its_beginning():
    text = fragments("ééé")
    assert text.text() == "ééé"
    text.replace(HIGH + "éé")

    assert text.text() == "\ufffdéé"


def test_a_look_examines_only_what_came_since_the_last(monkeypatch):
    examined = []
    encodable = fragments_module._encodable
    monkeypatch.setattr(fragments_module, "_encodable", lambda text: examined.append(text) or encodable(text))
    text = Fragments()
    for piece in ("é", "", "è", "a", "ê"):
        text.append(piece)
        text.text()

    assert ["é", "è", "ê"] == examined


def test_pieces_that_were_joined_on_the_way_are_shown_once(monkeypatch):
    monkeypatch.setattr(fragments_module, "MOST_PIECES", 3)
    text = Fragments()
    for number in range(8):
        text.append(str(number))

    assert (text.raw(), text.text()) == ("01234567", "01234567")
    for number in range(8, 13):
        text.append(str(number % 10))
    assert (text.raw(), text.text()) == ("0123456789012", "0123456789012")


def test_all_high_halves_wait_for_a_partner():
    assert [mend_halves(half, ended=False) for half in ("\ud800", "\udbff")] == ["", ""]
