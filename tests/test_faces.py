"""The faces of packages: complete, for programs and for checkers; and each column loaded when it is used, not before.

What must not be loaded is looked for in a process of its own, since in this one everything is.
"""

import ast
import compileall
import importlib
import inspect
import json
import pickle
import pkgutil
import rlcompleter
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from package_map import PATHS, ROOT, SOURCES, exported, table

import asyncstream
from asyncstream import accumulators, events, params, resources, streaming, types

FACES = [types, params, events, accumulators, streaming]

_HEAD, *_ROOMS = table((ROOT / "README.md").read_text(), "Columns")
COLUMNS = {
    column: tuple(f"asyncstream.{row.words[0][0]}.{file}" for row in _ROOMS for file in row.words[place])
    for place, column in enumerate(_HEAD.texts)
    if place
}
"""Column to its modules and packages, as the map has them."""


def run(code: str, *, path: Path | None = None, given: str = "") -> list[Any]:
    """Run a program and return what it has put into the list `out`; `given` is its stdin."""
    program = f"import json\nout = []\n{textwrap.dedent(code)}\nprint(json.dumps(out))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=path,
        input=given,
        env={"PYTHONDONTWRITEBYTECODE": "1"} | ({"PYTHONPATH": str(path)} if path else {}),
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def columns_of(modules: list[str]) -> set[str]:
    return {
        column
        for column, rooms in COLUMNS.items()
        for module in modules
        if any(module == room or module.startswith(f"{room}.") for room in rooms)
    }


# What is loaded, and when.

CLIENT = "import asyncstream; client = asyncstream.AsyncClient(api_key='')"

CASES: list[tuple[str, set[str]]] = [
    ("import asyncstream", set()),
    (CLIENT, set()),
    ("import asyncstream; dir(asyncstream), asyncstream.__all__", set()),
    ("import asyncstream; asyncstream.types, asyncstream.events, asyncstream.resources", set()),
    ("from asyncstream import types; dir(types), types.__all__, hasattr(types, 'Nothing')", set()),
    (f"{CLIENT}; client.chat.completions.stream(messages=[], model='m')", {"chat"}),
    ("from asyncstream import ChatAccumulator, ChatStream; ChatAccumulator()", {"chat"}),
    ("from asyncstream.types import ChatCompletion", {"chat"}),
    ("from asyncstream.accumulators import FinishChanged", {"chat"}),
    ("from asyncstream.accumulators import ContentChanged", set()),
    ("from asyncstream.events import decode_stream", set()),
    ("from asyncstream.events import decode_stream; list(decode_stream(b'data: [DONE]\\n\\n', 'chat'))", {"chat"}),
    (
        "from asyncstream.events import decode_stream; list(decode_stream(b'data: [DONE]\\n\\n', 'responses'))",
        {"responses"},
    ),
    (f"{CLIENT}; client.threads.runs.stream('t', assistant_id='a')", {"assistants"}),
    ("from asyncstream import AssistantAccumulator, AssistantEventHandler", {"assistants"}),
    ("from asyncstream.types import Run", {"assistants"}),
    ("from asyncstream.events import ThreadMessageDelta", {"assistants"}),
    ("from asyncstream.types import Response, Conversation", {"responses"}),
    ("from asyncstream.events import ResponseTextDeltaEvent", {"responses"}),
    ("from asyncstream.params import ResponseCreateParams", {"responses"}),
    (f"{CLIENT}; client.files", {"files"}),
    (f"{CLIENT}; client.models", set()),
    ("from asyncstream import function_tool; function_tool(lambda: None, name='f')", set()),
]
"""What a program does, and the columns that this loads."""

LOADING = """
import os, sys
import aiohttp, msgspec  # once, for all of the processes that are forked from this one

for code in json.loads(sys.stdin.read()):
    read, write = os.pipe()
    if not os.fork():
        exec(code)
        os.write(write, json.dumps([name for name in sys.modules if name.startswith("asyncstream")]).encode())
        os._exit(0)
    os.close(write)
    with open(read) as reported:
        out.append(json.loads(reported.read()))
    os.wait()
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """What each program has loaded of the package."""
    programs = [code for code, _ in CASES]
    return dict(zip(programs, run(LOADING, given=json.dumps(programs)), strict=True))


@pytest.mark.parametrize(("code", "columns"), CASES)
def test_a_column_is_loaded_when_it_is_used(code, columns, loaded):
    assert columns == columns_of(loaded[code])


def test_importing_the_package_builds_no_structs_of_the_wire(loaded):
    begun = loaded["import asyncstream"]

    assert [name for name in begun if name.startswith(("asyncstream.types.", "asyncstream.events."))] == []
    assert {"asyncstream.streaming", "asyncstream.accumulators"}.isdisjoint(begun)


def test_packages_are_attributes_of_the_package_without_an_import_of_their_own():
    assert ["Run", "ThreadCreated", "ChatStream", "function_tool", "chat"] == run(
        """
        import asyncstream
        out += [asyncstream.types.Run.__name__, asyncstream.events.ThreadCreated.__name__]
        out += [asyncstream.streaming.ChatStream.__name__, asyncstream.tools.function_tool.__name__]
        out += [asyncstream.types.chat.__name__.rpartition(".")[2]]
        """
    )


# What the faces give.


def files_of(face: ModuleType) -> list[str]:
    """Name the files of a package, those in folders too; the faces of folders gather what these have."""
    begin = f"{face.__name__}."
    return [name for name, path in PATHS.items() if name.startswith(begin) and path.name != "__init__.py"]


@pytest.mark.parametrize("module", [name for face in FACES for name in files_of(face)])
def test_every_file_says_what_it_exports_as_one_list(module):
    assert f"\n__all__ = [{_list_in(SOURCES[module])}]\n" in SOURCES[module]
    assert exported(SOURCES[module]) == importlib.import_module(module).__all__


def _list_in(source: str) -> str:
    return source.partition("\n__all__ = [")[2].partition("]")[0]


def stars_and_arguments(face: ModuleType) -> tuple[list[str], list[str]]:
    """Return the files that a face names for checkers, and those that it gives to `face`."""
    nodes = list(ast.walk(ast.parse(SOURCES[face.__name__])))
    stars = [
        node.module.removeprefix(f"{face.__name__}.")
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module and node.names[0].name == "*"
    ]
    (call,) = (node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "face")
    return stars, [argument.value for argument in call.args if isinstance(argument, ast.Constant)]


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_checkers_see_the_files_that_the_program_finds(face):
    stars, arguments = stars_and_arguments(face)

    assert stars == arguments == sorted(arguments)


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_a_face_gives_what_its_files_export_and_no_name_twice(face):
    _, arguments = stars_and_arguments(face)
    names = [name for file in arguments for name in exported(SOURCES[f"{face.__name__}.{file}"])]
    of_loops = {"RoundDone", "ToolResultChanged", "ToolResultCreated", "ToolResultDone"}
    elsewhere = {"Repair", *of_loops} if face is accumulators else set()

    assert sorted({*names, *elsewhere}) == face.__all__
    assert len(names) == len(set(names))


@pytest.mark.parametrize("face", [types, params], ids=lambda face: face.__name__)
def test_no_file_is_left_out(face):
    assert [f"{face.__name__}.{file}" for file in stars_and_arguments(face)[1]] == files_of(face)


def test_the_package_gives_the_same_names_to_checkers_and_programs():
    nodes = ast.walk(ast.parse(SOURCES["asyncstream"]))
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}

    packages = {"accumulators", "events", "params", "streaming", "types"}
    assert imported - {"face", "TYPE_CHECKING"} - packages == set(asyncstream.__all__)
    assert [name for name in asyncstream.__all__ if getattr(asyncstream, name, None) is None] == []


@pytest.mark.parametrize("face", [asyncstream, *FACES], ids=lambda face: face.__name__)
def test_dir_and_completion_and_help_know_every_name(face):
    assert set(face.__all__) <= set(dir(face))
    assert [name for name in dir(face) if not hasattr(face, name)] == []
    completer = rlcompleter.Completer({"face": face})
    completed = {str(completer.complete("face.", place)).rstrip("()") for place in range(len(dir(face)))}
    assert {f"face.{name}" for name in face.__all__} <= completed
    assert set(face.__all__) <= {name for name, _ in inspect.getmembers(face)}


EVERY_PACKAGE = [
    asyncstream.__name__,
    *(
        found.name
        for found in pkgutil.walk_packages(asyncstream.__path__, "asyncstream.", onerror=lambda name: None)
        if found.ispkg and ".examples" not in found.name
    ),
]


@pytest.mark.parametrize("name", EVERY_PACKAGE)
def test_dir_of_every_package_shows_its_public_names(name):
    package = importlib.import_module(name)
    public = set(getattr(package, "__all__", ()))

    assert public <= set(dir(package))
    assert [] == [one for one in public if not hasattr(package, one)]


def test_packages_show_their_rooms():
    assert {"accumulators", "events", "params", "relay", "server", "types"} <= set(dir(asyncstream))
    assert {"chat", "runs", "shared"} <= set(dir(types))
    assert {"chat", "threads"} <= set(dir(resources))


@pytest.mark.parametrize("face", [asyncstream, resources, *FACES], ids=lambda face: face.__name__)
def test_a_name_that_is_not_there_is_an_attribute_error_that_says_so(face):
    for name in ("Nothing", "_private", "__wrapped__"):
        with pytest.raises(AttributeError, match=f"module '{face.__name__}' has no attribute '{name}'"):
            getattr(face, name)
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        exec(f"from {face.__name__} import Nothing")


def test_a_name_is_the_same_object_from_the_face_and_from_its_file_and_in_a_pickle():
    from asyncstream.types import Run
    from asyncstream.types.runs import Run as FromFile

    assert Run is FromFile is types.Run
    assert pickle.loads(pickle.dumps(Run)) is Run
    assert pickle.loads(pickle.dumps(accumulators.TextChanged)) is accumulators.TextChanged


# Other ways to be installed.

EVERY_NAME = """
import asyncstream
from asyncstream import accumulators, events, params, streaming, types
from asyncstream import *
from asyncstream.types import *
for face in (asyncstream, types, params, events, accumulators, streaming):
    out += [f"{face.__name__}.{name}" for name in face.__all__ if getattr(face, name) is not None]
out += [Run.__name__, ChatStream.__name__, asyncstream.__file__]
"""


@pytest.fixture(scope="module")
def every_name() -> list[str]:
    return run(EVERY_NAME)[:-1]


@pytest.mark.faults
def test_without_sources_the_names_are_found_in_what_is_compiled(tmp_path, every_name):
    copy = tmp_path / "asyncstream"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert compileall.compile_dir(copy, quiet=2, legacy=True)
    for source in copy.rglob("*.py"):
        source.unlink()

    *found, file = run(EVERY_NAME, path=tmp_path)

    assert file == str(copy / "__init__.pyc")
    assert every_name == found


def test_the_names_are_found_in_an_archive(tmp_path, every_name):
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", ROOT.parent, "asyncstream")
    *found, file = run(f"import sys\nsys.path.insert(0, {archive!r})\n{EVERY_NAME}")

    assert file.startswith(archive)
    assert every_name == found
