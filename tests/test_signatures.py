"""Every public callable can be asked for its signature, and every annotation for what it names.

Help systems, dependency injectors and makers of documentation do that. From Python 3.14 on an annotation is evaluated
when somebody looks at it, and not where it stands.
"""

import ast
import functools
import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import pytest
from public_calls import find, methods

import asyncstream
from asyncstream import AsyncClient

ROOT = Path(__file__).parents[1] / "asyncstream"
NEEDS_A_PACKAGE = {"asyncstream.examples.web_fastapi", "asyncstream.commands.web_fastapi"}

FOR_CHECKERS = {
    "AfterBreak": "who goes on after no break does not load it",
    "AnyToolCall": "who runs no tools does not load it",
    "ClientResponse": "only an open response is one, and whoever has it knows aiohttp",
    "Form": "who uploads nothing does not load it",
    "FunctionCallLike": "who runs no tools does not load it",
    "LiveContent": "who downloads nothing does not load it",
    "LiveResponse": "who streams nothing does not load it",
    "LoopChange": "who runs no tools does not load it",
    "LoopState": "who runs no tools does not load it",
    "NextRound": "who runs no tools does not load it",
    "OfferedCall": "who runs no tools does not load it",
    "OpenAIChatEvent": "who comes from nowhere else does not load it",
    "Pattern": "who reads short answers alone does not load it",
    "PubSub": "it is of an extra",
    "Redis": "it is of an extra",
    "Refused": "who runs no tools does not load it",
    "Stop": "who runs no tools does not load it",
    "ToolLoop": "who runs no tools does not load it",
    "ToolResult": "who runs no tools does not load it",
    "TracerProvider": "it is of an extra",
    "Upload": "who uploads nothing does not load it",
    "web": "aiohttp's server half, which other frameworks do without",
}
"""The names in annotations that only type checkers see; each with the reason why it is not imported."""


class Found(NamedTuple):
    """A public callable, and where it is written."""

    name: str
    value: Any
    module: ModuleType


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(asyncstream.__path__, "asyncstream."):
        if found.name not in NEEDS_A_PACKAGE and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def callables() -> Iterator[Found]:
    """Give the public functions and classes of all modules, and the public methods of these."""
    for module in modules():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if getattr(value, "__module__", None) != module.__name__:
                continue
            if isinstance(value, FunctionType):
                yield Found(f"{module.__name__}.{name}", value, module)
            elif isinstance(value, type):
                yield Found(f"{module.__name__}.{name}", value, module)
                for member, method in vars(value).items():
                    plain = _plain(method)
                    if plain is not None and (not member.startswith("_") or member.endswith("__")):
                        yield Found(f"{module.__name__}.{name}.{member}", plain, module)


def _plain(member: object) -> FunctionType | None:
    if isinstance(member, staticmethod | classmethod):
        member = member.__func__
    elif isinstance(member, property):
        member = member.fget
    # What msgspec, enum or dataclasses write has annotations of its own.
    written = isinstance(member, FunctionType) and str(ROOT) in member.__code__.co_filename
    return member if written else None  # type: ignore[return-value]


FOUND = list(callables())


@functools.cache
def imported_for_checkers(module: ModuleType) -> dict[str, Any]:
    """Import what a module imports under `TYPE_CHECKING`."""
    names: dict[str, Any] = {}
    assert module.__file__ is not None
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            imports = [one for one in node.body if isinstance(one, ast.Import | ast.ImportFrom)]
            exec("\n".join(map(ast.unparse, imports)), names)
    return {name: value for name, value in names.items() if name != "__builtins__"}


def test_callables_are_found() -> None:
    names = {found.name for found in FOUND}

    assert len(names) == len(FOUND) > 1000
    assert {"asyncstream.resources.runs.Runs.create", "asyncstream.relay.frames.sse_frame"} <= names


def test_every_function_has_a_signature() -> None:
    functions = [found for found in FOUND if isinstance(found.value, FunctionType)]

    assert [] == failures(functions, lambda found: inspect.signature(found.value))


def test_every_method_of_a_client_has_a_signature_and_resolves() -> None:
    client = AsyncClient(api_key="k")
    paths = list(methods(client))
    assert len(paths) > 100
    for path in paths:
        method = find(client, path)
        assert inspect.signature(method).parameters, path
        assert typing.get_type_hints(method.__func__ if inspect.ismethod(method) else method), path


def test_the_names_of_annotations_resolve() -> None:
    def resolve(found: Found) -> None:
        names = imported_for_checkers(found.module)
        typing.get_type_hints(found.value, {**vars(found.module), **names} if names else None)

    assert [] == failures(FOUND, resolve)


def test_they_resolve_where_no_type_checker_runs() -> None:
    unknown: set[str] = set()
    for found in FOUND:
        try:
            typing.get_type_hints(found.value)
        except NameError as error:
            unknown.add(error.name)

    assert set(FOR_CHECKERS) == unknown


def failures(found: Iterable[Found], look: Callable[[Found], object]) -> list[str]:
    problems = []
    for one in found:
        try:
            look(one)
        except Exception as error:
            problems.append(f"{one.name}: {error!r}")
    return problems


# The cause: in its class, the name of a method or field hides a builtin, or what the module has under the same name.


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_annotation_of_a_class_names_what_the_class_hides(path: Path) -> None:
    assert [] == hidden(path.read_text())


def test_a_hidden_name_would_be_seen() -> None:
    method = "class A:\n    def list(self, one: list[str]) -> None: ...\n"
    field = "class A:\n    type: str\n    kind: type[int]\n"

    assert (["A: list in line 2"], ["A: type in line 3"]) == (hidden(method), hidden(field))
    assert [] == hidden("class A:\n    def list(self, one: 'list[str]') -> builtins.list: ...\nx: list\n")


def hidden(source: str) -> list[str]:
    """Return where annotations in classes have names that the same class gives to something else."""
    problems = []
    for scope in ast.walk(ast.parse(source)):
        if isinstance(scope, ast.ClassDef):
            own = set(_bound(scope.body))
            for annotation in _annotations(scope.body):
                for name in ast.walk(annotation):
                    if isinstance(name, ast.Name) and name.id in own:
                        problems.append(f"{scope.name}: {name.id} in line {name.lineno}")
    return problems


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            # A field is a name of its class only with a value; which one will have one, nobody knows.
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))


def _annotations(body: list[ast.stmt]) -> Iterator[ast.expr]:
    for statement in body:
        match statement:
            case ast.FunctionDef(args=given, returns=returned) | ast.AsyncFunctionDef(args=given, returns=returned):
                every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
                yield from (one.annotation for one in every if one is not None and one.annotation is not None)
                if returned is not None:
                    yield returned
            case ast.AnnAssign(annotation=annotation):
                yield annotation
