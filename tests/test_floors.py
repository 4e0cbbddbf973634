"""A module imports only from its own floor or a lower one; a protocol's column never leans on another's."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1] / "asyncstream"

GROUND, DECODING, FOLDING, IO, STREAMS, NOUNS, ROOF = range(7)

FLOORS = {
    "errors": GROUND,
    "nesting": GROUND,
    "parsing": GROUND,
    "partial": GROUND,
    "schemas": GROUND,
    "types": GROUND,
    "params": GROUND,
    "version": GROUND,
    "decoding": DECODING,
    "events": DECODING,
    "sse": DECODING,
    "tools": DECODING,
    "accumulators": FOLDING,
    "transport": IO,
    "polling": STREAMS,
    "streaming": STREAMS,
    "azure": NOUNS,
    "client": NOUNS,
    "options": NOUNS,
    "resources": NOUNS,
    "__init__": ROOF,
    "__main__": ROOF,
    "commands": ROOF,
    "otel": ROOF,
    "relay": ROOF,
    "server": ROOF,
}
PROTOCOLS = {"assistants", "chat"}

MAY_OPEN_CONNECTIONS = ("asyncstream.transport", "asyncstream.relay", "asyncstream.server", "asyncstream.commands.web")
"""The servers, the example's too, are aiohttp applications, as is the relay's door; its follower connects to others.
Of the client's floors only `transport` runs aiohttp."""


class Import(NamedTuple):
    """One imported module, as a module of the package names it."""

    importer: str
    name: str
    runtime: bool
    """Not under `TYPE_CHECKING`."""

    def __str__(self) -> str:
        return f"{self.importer} imports {self.name}"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def imports_of(name: str, source: str) -> Iterator[Import]:
    tree = ast.parse(source)
    checking = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        runtime = id(node) not in checking
        if isinstance(node, ast.Import):
            yield from (Import(name, alias.name, runtime) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(name, inner if inner in MODULES else node.module or "", runtime)


IMPORTS = [found for name, path in MODULES.items() for found in imports_of(name, path.read_text())]
OWN = [found for found in IMPORTS if found.name.split(".")[0] == "asyncstream"]


def noun(module: str) -> str:
    """Give the part of a module's name that has a floor."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_every_module_has_a_floor():
    assert {noun(name) for name in MODULES} <= set(FLOORS)
    assert len(OWN) > 50


def test_imports_are_found():
    source = (
        "import json\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import aiohttp\n"
        "def f():\n    from asyncstream import sse\n    from asyncstream.types import Run\n"
    )

    assert list(imports_of("asyncstream.sse", source)) == [
        Import("asyncstream.sse", "json", True),
        Import("asyncstream.sse", "typing", True),
        Import("asyncstream.sse", "aiohttp", False),
        Import("asyncstream.sse", "asyncstream.sse", True),
        Import("asyncstream.sse", "asyncstream.types", True),
    ]


def test_nothing_is_imported_from_a_higher_floor():
    # The package itself gathers the names of all floors: importing from it would be importing from the roof.
    upward = [found for found in OWN if FLOORS[noun(found.name)] > FLOORS[noun(found.importer)]]

    assert [str(found) for found in upward] == []


@pytest.mark.parametrize(
    ("lower", "higher"),
    [("asyncstream.transport", "asyncstream.streaming"), ("asyncstream.events", "asyncstream.client")],
)
def test_a_wrong_import_would_be_seen(lower, higher):
    assert FLOORS[noun(higher)] > FLOORS[noun(lower)]


def test_ground_stands_on_msgspec_alone():
    ground = [found for found in IMPORTS if FLOORS[noun(found.importer)] == GROUND]
    foreign = {found.name.split(".")[0] for found in ground} - set(sys.stdlib_module_names)

    assert foreign <= {"asyncstream", "msgspec", "typing_extensions"}
    assert [str(found) for found in ground if found.importer == "asyncstream.errors" and found in OWN] == []


def test_pure_floors_do_no_io():
    io = {"aiohttp", "asyncio", "socket", "ssl", "http", "urllib", "selectors", "threading", "time", "random"}
    found = [str(one) for one in IMPORTS if FLOORS[noun(one.importer)] <= FOLDING and one.name.split(".")[0] in io]

    assert found == []


def test_only_the_transport_runs_aiohttp():
    found = [
        str(one)
        for one in IMPORTS
        if one.name.split(".")[0] == "aiohttp" and one.runtime and not one.importer.startswith(MAY_OPEN_CONNECTIONS)
    ]

    assert found == []


def test_event_source_client_is_the_followers_alone():
    found = [one.importer for one in IMPORTS if one.name.split(".")[0] == "aiohttp_sse_client"]

    assert {importer for importer in found if not importer.startswith("asyncstream.relay")} == set()


def test_server_knows_nothing_of_the_client():
    forbidden = {"client", "transport", "streaming", "polling", "resources", "accumulators", "relay", "__init__"}
    found = [str(one) for one in OWN if noun(one.importer) == "server" and noun(one.name) in forbidden]

    assert found == []


def test_nothing_below_the_roof_imports_it():
    roof = {name for name, floor in FLOORS.items() if floor == ROOF}
    found = [str(one) for one in OWN if noun(one.name) in roof and noun(one.importer) not in roof]

    assert found == []


@pytest.mark.parametrize("floor", ["types", "events", "accumulators", "streaming"])
def test_columns_of_two_protocols_do_not_lean_on_each_other(floor):
    def protocol(module: str) -> str | None:
        parts = module.split(".")
        return next((p for p in PROTOCOLS if len(parts) > 2 and parts[2].startswith(p.removesuffix("s"))), None)

    found = [
        str(one)
        for one in OWN
        if one.importer.startswith(f"asyncstream.{floor}.")
        and protocol(one.importer)
        and protocol(one.name)
        and protocol(one.importer) != protocol(one.name)
    ]

    assert found == []


def test_foreign_packages_are_those_that_are_declared():
    known = {"asyncstream", "msgspec", "aiohttp", "aiohttp_sse_client", "yarl", "multidict", "aiosignal"}
    extras = {"redis", "rich", "jiter", "opentelemetry", "typing_extensions", "fastapi", "uvicorn"}
    found = [
        str(one)
        for one in IMPORTS
        if one.name.split(".")[0] not in sys.stdlib_module_names | known | extras | {"__future__"}
    ]

    assert found == []
