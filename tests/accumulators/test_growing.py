"""Whatever grows is told of once and done once."""

import pytest

from asyncstream.accumulators.changes import NOBODY
from asyncstream.accumulators.growing import Growing


class Word(Growing[str]):
    """A thing that tells of itself in words."""

    __slots__ = ("ended",)

    def __init__(self) -> None:
        super().__init__()
        self.ended = 0

    def end(self) -> None:
        self.ended += 1

    def created_change(self) -> str:
        return "created"

    def done_change(self) -> str:
        return "done"


def test_it_is_told_of_once():
    word, changes = Word(), []

    word.open(changes)
    word.open(changes)

    assert ["created"] == changes
    assert word.created
    assert not word.done


def test_it_is_done_once():
    word, changes = Word(), []

    word.open(changes)
    word.close(changes)
    word.close(changes)

    assert ["created", "done"] == changes
    assert 1 == word.ended


def test_what_nobody_heard_of_is_created_before_it_is_done():
    word, changes = Word(), []

    word.close(changes)
    word.open(changes)

    assert ["created", "done"] == changes
    assert word.created
    assert word.done


def test_changes_that_nobody_wants_are_not_made(monkeypatch: pytest.MonkeyPatch):
    def unwanted(_word: Word) -> str:
        raise AssertionError("made for nobody")

    monkeypatch.setattr(Word, "created_change", unwanted)
    monkeypatch.setattr(Word, "done_change", unwanted)
    word = Word()

    word.open(NOBODY)
    word.close(NOBODY)

    assert word.created
    assert word.done
    assert 1 == word.ended


def test_what_has_no_changes_of_its_own_opens_and_closes_silently():
    part, changes = Growing[str](), []

    part.open(changes)
    part.close(changes)

    assert [] == changes
    assert part.created
    assert part.done
