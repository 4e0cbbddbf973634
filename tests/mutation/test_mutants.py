"""The tool itself: which changes are made, what names them, and that a planted one is in the running module."""

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from mutants import mutants_of, plant
from run import MODULES, read_equivalent

SOURCE = '''
"""A module."""

from functools import cache, cached_property

LIMIT = 3
LIMITS = {"most": LIMIT}
__all__ = ["Thing"]


class Thing:
    """A class."""

    kind = "plain"

    def __init__(self, size: int = 4) -> None:
        """Say nothing."""
        self.size = size
        self.seen = []

    @property
    def large(self) -> bool:
        return self.size > LIMIT and not self.seen

    @cached_property
    def twice(self) -> int:
        return self.size * 2

    def add(self, *items: int, least: int = 0) -> int:
        for item in items:
            if item < least:
                continue
            self.seen.append(item)
        assert len(self.seen) < 100
        return sum(self.seen[:LIMIT])

    def say(self) -> str:
        return f"there are {len(self.seen)}" or "nothing at all"


@cache
def doubled(size):
    return size * 2


def most(things, limit=LIMIT):
    return [thing for thing in things if thing.large][:limit]
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    path = tmp_path / "mutated_here.py"
    path.write_text(SOURCE)
    spec = spec_from_file_location("mutated_here", path)
    made = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "mutated_here", made)
    spec.loader.exec_module(made)
    return made


def one(module, function, change, occurrence=1):
    (found,) = [
        mutant
        for mutant in mutants_of(module)
        if (mutant.function, mutant.change, mutant.occurrence) == (function, change, occurrence)
    ]
    return found


def test_every_change_has_its_own_name(module):
    mutants = mutants_of(module)

    assert len({mutant.key for mutant in mutants}) == len({mutant.rank for mutant in mutants}) == len(mutants)
    assert [mutant.number for mutant in mutants] == sorted(mutant.number for mutant in mutants)


def test_annotations_docstrings_assertions_and_wording_are_left_alone(module):
    changes = [(mutant.function, mutant.change) for mutant in mutants_of(module)]

    assert [("Thing.say", "or -> and"), ("Thing.say", "return None")] == sorted(
        change for change in changes if change[0] == "Thing.say"
    )
    assert not [change for change in changes if "100" in change[1] or "A class" in change[1] or "__all__" in change[0]]


def test_name_stays_when_other_lines_come(module, tmp_path):
    names = [mutant.key for mutant in mutants_of(module)]
    path = tmp_path / "later.py"
    path.write_text(SOURCE.replace("LIMIT = 3", "OTHER = 5\nLIMIT = 3"))
    spec = spec_from_file_location("mutated_here", path)
    later = module_from_spec(spec)
    spec.loader.exec_module(later)

    found = [mutant.key for mutant in mutants_of(later)]

    assert names == [key for key in found if key[1] != "OTHER"]


@pytest.mark.parametrize(
    ("function", "change", "look", "before", "after"),
    [
        ("Thing.large", "> -> >=", lambda m: m.Thing(3).large, False, True),
        ("Thing.large", "and -> or", lambda m: m.Thing(1).large, False, True),
        ("Thing.large", "without not", lambda m: m.Thing(9).large, True, False),
        ("Thing.twice", "* -> +", lambda m: m.Thing(9).twice, 18, 11),
        ("Thing.twice", "2 -> 3", lambda m: m.Thing(9).twice, 18, 27),
        ("Thing.twice", "return None", lambda m: m.Thing(9).twice, 18, None),
        ("Thing.__init__", "4 -> 5", lambda m: m.Thing().size, 4, 5),
        ("Thing.add", "continue -> break", lambda m: m.Thing().add(1, -1, 2), 3, 1),
        ("Thing.add", "dropped", lambda m: m.Thing().add(1), 1, 0),
        ("Thing.add", "no upper bound", lambda m: m.Thing().add(1, 1, 1, 1), 3, 4),
        ("Thing.add", "< -> <=", lambda m: m.Thing().add(0, 5, least=5), 5, 0),
        ("Thing.kind", "'plain' -> 'plainX'", lambda m: m.Thing.kind, "plain", "plainX"),
        ("LIMIT", "3 -> 4", lambda m: len(m.most([m.Thing(9)] * 5)), 3, 4),
        ("LIMIT", "3 -> 4", lambda m: m.Thing().large, True, False),
        ("LIMIT", "3 -> 4", lambda m: m.LIMITS["most"], 3, 4),
        ("doubled", "2 -> 3", lambda m: m.doubled(5), 10, 15),
    ],
)
def test_planted_change_is_in_the_running_module(module, function, change, look, before, after):
    assert look(module) == before

    plant(one(module, function, change))

    assert look(module) == after


def test_changed_default_of_a_keyword_is_planted(module):
    plant(one(module, "Thing.add", "0 -> 1"))

    assert {"least": 1} == module.Thing.add.__kwdefaults__


def test_every_mutant_that_is_listed_as_equivalent_is_one():
    mutants = [mutant for name in MODULES for mutant in mutants_of(import_module(f"asyncstream.{name}"))]

    assert sum(read_equivalent(mutants).values()) > 90
