"""Every module stands on its floor and in its column, as the tables of `asyncstream/README.md` have them.

A module imports only from its own floor or a lower one, never from another protocol's column, never in a circle; no
module touches another's private names; and what a protocol takes to be added is what its checklist says.
"""

import ast
import re
import sys
from typing import NamedTuple

import pytest
from package_map import FACES, ROOT, SOURCES, Import, all_imports, circles, nodes_of, private_uses, table

from asyncstream.events.decode import PROTOCOLS

README = (ROOT / "README.md").read_text()

_FLOORS = table(README, "Floors, from the roof down")[:0:-1]
FLOORS = {room: floor for floor, row in enumerate(_FLOORS) for room in row.words[1]}
"""Room to floor; the lowest is 0."""
FLOOR_NAMES = {row.texts[0]: floor for floor, row in enumerate(_FLOORS)}
ROOF = max(FLOORS.values())

_HEAD, *_ROOMS = table(README, "Columns")
COLUMNS = {
    f"asyncstream.{row.words[0][0]}.{file}": column
    for row in _ROOMS
    for column, files in zip(_HEAD.texts[1:], row.words[1:], strict=True)
    for file in files
}
"""Module, or package, to the column that it stands in."""

MAY_KNOW_ALL_COLUMNS = {"asyncstream.events.decode"}
"""Below the roof: the table of protocols. The client knows them through the face of `resources`."""

IMPORTS = all_imports(SOURCES, FACES)
CARRIED = [found for found in IMPORTS if found.importer == "asyncstream.errors" and not found.runtime]
"""For type checkers alone, errors name what they carry, though it stands above them and in all columns.

Whoever catches one then knows what there is in it, and nothing is imported for that. All else has no such names.
"""
OWN = [found for found in IMPORTS if found.name.split(".")[0] == "asyncstream" and found not in CARRIED]


class Known(NamedTuple):
    """What is against the rules and known, until it is mended. Delete a row with its reason."""

    module: str
    what: str
    why: str


CIRCLES = []
"""Imports for types only, each of which closes a circle."""

PRIVATE = [
    Known("asyncstream.transport.connections", "_loop", "aiohttp's; a session that was given has no other name for it"),
    Known("asyncstream.transport.tap", "_asyncio_future_blocking", "asyncio's; driving a coroutine by hand needs it"),
    Known("asyncstream.transport.spool", "_Compress", "zlib's only name for the type, in an annotation"),
]


def room(module: str) -> str:
    """Return the part of a module's name that has a floor."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def column(module: str) -> str | None:
    """Return the column of a module: its own row's, or its package's; None for what is shared."""
    while module:
        if module in COLUMNS:
            return COLUMNS[module]
        module = module.rpartition(".")[0]
    return None


def foreign(module: str) -> str:
    """Return the package that an imported module is from."""
    return module.split(".")[0]


def test_every_room_has_a_floor_and_every_row_a_module():
    assert {room(name) for name in SOURCES} == set(FLOORS)
    assert [module for module in COLUMNS if module not in SOURCES] == []
    assert len(OWN) > 50


def test_imports_are_found():
    sources = {
        "asyncstream.sse": (
            "import json\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import aiohttp\n"
            "def f():\n    from asyncstream import sse\n    from asyncstream.types import Run, Other\n"
        ),
        "asyncstream.types": "",
        "asyncstream.types.runs": "__all__ = ['Run']",
    }

    assert all_imports(sources, {"asyncstream.types"}) == [
        Import("asyncstream.sse", "json"),
        Import("asyncstream.sse", "typing"),
        Import("asyncstream.sse", "aiohttp", runtime=False),
        Import("asyncstream.sse", "asyncstream.sse"),
        Import("asyncstream.sse", "asyncstream.types.runs", face="asyncstream.types"),
        Import("asyncstream.sse", "asyncstream.types"),
    ]


# Floors.


def test_nothing_is_imported_from_a_higher_floor():
    # The package itself gathers the names of all floors: importing from it would be importing from the roof.
    upward = [found for found in OWN if FLOORS[room(found.name)] > FLOORS[room(found.importer)]]

    assert [str(found) for found in upward] == []


def test_nothing_below_the_roof_imports_it():
    found = [str(one) for one in OWN if FLOORS[room(one.name)] == ROOF > FLOORS[room(one.importer)]]

    assert found == []


@pytest.mark.parametrize(("lower", "higher"), [("transport", "streaming"), ("events", "client"), ("types", "events")])
def test_a_wrong_import_would_be_seen(lower, higher):
    assert FLOORS[higher] > FLOORS[lower]


@pytest.mark.parametrize(
    "row", table(README, "What never imports what")[1:], ids=lambda row: " ".join(row.words[1])[:40]
)
def test_what_never_imports_what(row):
    rooms = set(row.words[0])
    assert rooms <= set(FLOORS)
    if row.texts[0].startswith("all but"):
        rooms = set(FLOORS) - rooms
    elif row.texts[0].startswith("all up to"):
        rooms = {one for one, floor in FLOORS.items() if floor <= FLOOR_NAMES[row.texts[0].split()[-1]]}
    assert rooms
    forbidden = set(row.words[1])
    found = [
        str(one)
        for one in IMPORTS
        if room(one.importer) in rooms
        and (one.runtime or "but for types" not in row.texts[1])
        and (room(one.name) if foreign(one.name) == "asyncstream" else foreign(one.name)) in forbidden
    ]

    assert found == []


def test_ground_stands_on_msgspec_alone():
    ground = [found for found in IMPORTS if FLOORS[room(found.importer)] == 0]
    packages = {foreign(found.name) for found in ground} - set(sys.stdlib_module_names)

    assert packages <= {"asyncstream", "msgspec", "typing_extensions"}
    assert [str(found) for found in OWN if found.importer == "asyncstream.errors"] == []


def test_foreign_packages_are_those_that_are_declared():
    known = {"asyncstream", "msgspec", "aiohttp", "aiohttp_sse_client", "yarl", "multidict", "aiosignal"}
    extras = {"redis", "rich", "jiter", "opentelemetry", "typing_extensions", "fastapi", "uvicorn", "pytest"}
    found = [str(one) for one in IMPORTS if foreign(one.name) not in sys.stdlib_module_names | known | extras]

    assert found == []


# Columns.


def test_no_column_imports_from_another():
    found = [
        str(one) for one in OWN if (mine := column(one.importer)) and (theirs := column(one.name)) and mine != theirs
    ]

    assert found == []


def test_what_is_shared_imports_from_no_column():
    found = {
        one.importer: str(one)
        for one in OWN
        if column(one.importer) is None
        and column(one.name)
        and FLOORS[room(one.importer)] < ROOF
        and one.importer not in FACES
    }

    assert {name: said for name, said in found.items() if name not in MAY_KNOW_ALL_COLUMNS} == {}
    assert set(found) == MAY_KNOW_ALL_COLUMNS


def test_errors_name_the_accumulator_of_each_column():
    carried = {found.name for found in CARRIED}
    accumulators = {name for name in SOURCES if name.startswith("asyncstream.accumulators.") and column(name)}

    assert {name for name in accumulators if name.endswith(".accumulator")} == carried & accumulators
    assert {room(name) for name in carried} == {"accumulators", "looping", "types"}


@pytest.mark.parametrize("name", ["relay", "otel"])
def test_a_roof_for_all_columns_imports_from_none(name):
    # The signature of `follow` names what it gives of each protocol.
    found = [str(one) for one in OWN if room(one.importer) == name and column(one.name) and one.runtime]

    assert found == []


def test_a_name_from_a_face_counts_for_its_column():
    assert column("asyncstream.types.runs") == "assistants"
    assert column("asyncstream.server.chat.script") == "chat"
    assert column("asyncstream.types.shared") is None
    crossing = {
        "asyncstream.folds": "from asyncstream.folds.runs import Run",
        "asyncstream.folds.runs": "from asyncstream.folds.runs.run import Run",
        "asyncstream.folds.runs.run": "__all__ = ['Run']",
        "asyncstream.folds.chat": "from asyncstream.folds import Run",
    }
    faces = {"asyncstream.folds", "asyncstream.folds.runs"}

    found = Import("asyncstream.folds.chat", "asyncstream.folds.runs.run", face="asyncstream.folds")
    assert found in all_imports(crossing, faces)


def test_faces_are_for_users_and_the_roof():
    # A face does not say which column a name is of, and looks for it when the module is loaded.
    found = [str(one) for one in OWN if one.face and FLOORS[room(one.importer)] < ROOF and one.importer not in FACES]

    assert found == []


# Adding a protocol.


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("row", table(README, "To add a protocol")[1:], ids=lambda row: row.words[0][0])
def test_each_protocol_has_the_files_of_the_checklist(protocol, row):
    there = [(ROOT / name.replace("NAME", protocol)).exists() for name in row.words[0]]

    assert any(there) if " or " in row.texts[0] else all(there)


def protocols_named(module: str) -> set[str]:
    """Return the protocols that a module names: it imports from their columns, or has a text with their name."""
    nodes = nodes_of(SOURCES[module])
    docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings
    ]
    # What a header says to a server ("assistants=v2") is no name.
    names = {name for text in texts for name in re.findall(r"\b\w+\b(?!=)", text)}
    return (names | {column(one.name) for one in OWN + CARRIED if one.importer == module}) & set(PROTOCOLS)


def test_no_shared_module_names_a_protocol_but_those_of_the_checklist():
    listed = {
        name for row in table(README, "The lines that a protocol has in shared files")[1:] for name in row.words[0]
    }
    shared = [name for name in SOURCES if column(name) is None and room(name) not in {"server", "commands", "examples"}]
    found = {name.partition(".")[2] or "__init__": protocols_named(name) for name in shared}

    assert listed == {name for name, named in found.items() if named}
    # The line is there for every protocol; Azure's agents have no deployments, and a thread keeps its messages itself.
    assert {"client.azure", "ui.conversation"} == {name for name in listed if found[name] != set(PROTOCOLS)}


# Circles.


def test_no_module_imports_itself_by_way_of_others():
    known = {(row.module, row.what) for row in CIRCLES}

    assert circles(one for one in OWN if (one.importer, one.name) not in known) == []


def test_circles_that_are_known_are_still_there():
    stale = [
        (row.module, row.what)
        for row in CIRCLES
        if Import(row.module, row.what, runtime=False) not in OWN
        or not any({row.module, row.what} <= set(group) for group in circles(OWN))
    ]

    assert stale == []


def test_a_circle_would_be_seen():
    a_b, b_c, c_a, d_a, e_e = (Import(*pair) for pair in ("ab", "bc", "ca", "da", "ee"))

    assert circles([a_b, b_c, d_a]) == []
    assert circles([a_b, b_c, c_a, d_a, e_e]) == [["a", "b", "c"], ["e"]]


# Private names.


def test_no_module_uses_the_private_names_of_another():
    assert sorted(private_uses(SOURCES)) == sorted((row.module, row.what) for row in PRIVATE)


BASE = "class Base:\n    __slots__ = ('_kept',)\n    def _hook(self): ...\n    def go(self): self._made = 1\n"


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("from p.base import _secret", {"_secret"}),
        ("from p._hidden import shown", {"_hidden"}),
        ("def f(x): return x._made", {"_made"}),
        ("def f(x): x._made = 1", {"_made"}),
        ("def f(x): return getattr(x, '_made', None)", {"_made"}),
        ("from typing import Protocol\nclass P(Protocol):\n    _made: int\ndef f(x: P): return x._made", {"_made"}),
        ("from p.base import Base\nclass Heir(Base):\n    def f(self): return self._kept", {"_kept"}),
        ("from p.base import Base\nclass Heir(Base):\n    def f(self): return self._made", {"_made"}),
        ("from p.base import Base\nclass Heir(Base):\n    def _hook(self): return 1", {"_hook"}),
        ("from p.base import Base\nclass Heir(Base):\n    def f(self): self._made = 1", {"_made"}),
        ("from p.base import Base\nclass Mid(Base): ...\nclass Heir(Mid):\n    def f(self): self._hook()", {"_hook"}),
        ("from p.base import Base\nclass Heir(Base):\n    def _own(self): return self._own()", set()),
        ("class One:\n    def f(self): self._own = 1\ndef g(one): return one._own", set()),
        ("def _f(): ...\n_x = _f()\nfor _ in _x: ...", set()),
    ],
)
def test_private_names_are_found(source, used):
    assert private_uses({"p.base": BASE, "p.user": source}) == {("p.user", name) for name in used}
