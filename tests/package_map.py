"""What the modules of the package import, which private names they use, and what `asyncstream/README.md` says of them.

Read from the sources alone; nothing is imported. Used by `test_floors`.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1] / "asyncstream"


class Import(NamedTuple):
    """One imported module, as a module of the package names it."""

    importer: str
    name: str
    runtime: bool = True
    """Not under `TYPE_CHECKING`."""
    face: str = ""
    """The face that the name was taken from; `name` is the file that has it."""

    def __str__(self) -> str:
        return f"{self.importer} imports {self.name}"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}
SOURCES = {name: path.read_text() for name, path in PATHS.items()}
FACES = {name for name, path in PATHS.items() if path.name == "__init__.py"}


@cache
def nodes_of(source: str) -> list[ast.AST]:
    """Return the nodes of a module, itself first."""
    return list(ast.walk(ast.parse(source)))


# Imports.


def exported(source: str) -> list[str]:
    """Return the `__all__` of a module."""
    for node in nodes_of(source):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    return []


def definitions(sources: Mapping[str, str], faces: Iterable[str]) -> dict[str, str]:
    """Return where the names stand that can be imported from the face of a package: `pkg.Name` to `pkg.folder.file`.

    A name that two files of a package have (`ROUTES`) is its face's own.
    """
    found: dict[str, set[str]] = {}
    for name, source in sources.items():
        package = name.rpartition(".")[0] if name not in faces else ""
        while package in faces and "." in package:  # not the package itself, which is the roof
            for said in exported(source):
                found.setdefault(f"{package}.{said}", set()).add(name)
            package = package.rpartition(".")[0]
    return {said: files.pop() for said, files in found.items() if len(files) == 1}


def type_only(nodes: list[ast.AST]) -> set[int]:
    """Return the ids of the nodes that stand under `TYPE_CHECKING`."""
    return {
        id(inner)
        for node in nodes
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }


def imports_of(name: str, source: str, modules: Iterable[str], defined: Mapping[str, str]) -> Iterator[Import]:
    """List what a module imports, wherever it does. A name taken from a face counts for the file that defines it."""
    nodes = nodes_of(source)
    checking = type_only(nodes)
    for node in nodes:
        runtime = id(node) not in checking
        if isinstance(node, ast.Import):
            yield from (Import(name, alias.name, runtime) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                if inner in modules:
                    yield Import(name, inner, runtime)
                else:
                    yield Import(name, defined.get(inner, module), runtime, module if inner in defined else "")


def all_imports(sources: Mapping[str, str], faces: Iterable[str]) -> list[Import]:
    defined = definitions(sources, faces)
    return [found for name, source in sources.items() for found in imports_of(name, source, sources, defined)]


def circles(imports: Iterable[Import]) -> list[list[str]]:
    """Return the groups of modules that import one another, each sorted: Tarjan's strongly connected components."""
    follow: dict[str, set[str]] = {}
    for one in imports:
        follow.setdefault(one.importer, set()).add(one.name)
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        open_.append(module)
        for other in follow.get(module, ()):
            if other not in order:
                visit(other)
            if other in open_:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == order[module]:
            group = open_[open_.index(module) :]
            del open_[-len(group) :]
            if len(group) > 1 or module in follow.get(module, ()):
                found.append(sorted(group))

    for module in list(follow):
        if module not in order:
            visit(module)
    return sorted(found)


# Private names.


class ClassNames(NamedTuple):
    """A class as the test of private names sees it."""

    bases: list[str]
    """Where its bases are: `pkg.module.Class`, as far as they are the package's."""
    defined: set[str]
    """The private names of its body, its slots, and what its methods set on `self`."""
    used: set[str]
    """The private names that its methods use on `self` or `cls`."""


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def _classes(name: str, nodes: list[ast.AST], origins: Mapping[str, str]) -> dict[str, ClassNames]:
    found = {}
    for node in nodes:
        if not isinstance(node, ast.ClassDef):
            continue
        bases = [ast.unparse(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases]
        defined: set[str] = set()
        used: set[str] = set()
        for inner in ast.walk(node):
            match inner:
                case ast.FunctionDef(name=said) | ast.AsyncFunctionDef(name=said):
                    defined.add(said)
                case ast.Assign(targets=[ast.Name(id="__slots__")], value=slots):
                    defined |= set(ast.literal_eval(slots))
                case ast.AnnAssign(target=ast.Name(id=said)) | ast.Assign(targets=[ast.Name(id=said)]):
                    defined.add(said)
                case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=said, ctx=ctx):
                    (defined if isinstance(ctx, ast.Store) else used).add(said)
        if "Protocol" not in bases:
            # What a Protocol names is another's.
            found[f"{name}.{node.name}"] = ClassNames(
                [origins.get(base, f"{name}.{base}") for base in bases], set(filter(_private, defined)), used
            )
    return found


def private_uses(sources: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return each use of a private name that is not the module's own: the module and the name.

    Another's is what the module does not define itself, be it imported, taken from an object, or inherited from a class
    of another module; and what such a class has under a name that its heir has too.
    """
    classes: dict[str, ClassNames] = {}
    for name, source in sources.items():
        origins = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in nodes_of(source)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        classes |= _classes(name, nodes_of(source), origins)
    found: set[tuple[str, str]] = set()
    for name, source in sources.items():
        here = {full: one for full, one in classes.items() if full.rpartition(".")[0] == name}
        own = set().union(*(one.defined for one in here.values()))
        for node in ast.iter_child_nodes(nodes_of(source)[0]):
            match node:
                case ast.FunctionDef(name=said) | ast.AsyncFunctionDef(name=said) | ast.ClassDef(name=said):
                    own.add(said)
                case ast.Assign(targets=[ast.Name(id=said)]) | ast.AnnAssign(target=ast.Name(id=said)):
                    own.add(said)
        for node in nodes_of(source):
            match node:
                case ast.ImportFrom(module=module, names=aliases):
                    taken = [*(module or "").split("."), *(alias.name for alias in aliases)]
                    found |= {(name, said) for said in taken if _private(said)}
                case ast.Attribute(attr=said) if _private(said) and said not in own:
                    found.add((name, said))
                case ast.Call(
                    func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[_, ast.Constant(str(said)), *_]
                ):
                    if _private(said) and said not in own:
                        found.add((name, said))
        for one in here.values():
            for base in one.bases:
                if base in classes and base.rpartition(".")[0] != name:
                    shared = _inherited(base, classes) & (one.defined | one.used)
                    found |= {(name, said) for said in shared if _private(said)}
    return found


def _inherited(cls: str, classes: Mapping[str, ClassNames]) -> set[str]:
    one = classes.get(cls)
    return set() if one is None else one.defined.union(*(_inherited(base, classes) for base in one.bases))


# The tables of the README.


class Row(NamedTuple):
    """A row of a table: for each cell the words in backticks, and its text."""

    words: list[list[str]]
    texts: list[str]


def table(text: str, heading: str) -> list[Row]:
    """Read the table below a heading, its first row included."""
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|") and not line.startswith("|---")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [Row([re.findall(r"`([^`]+)`", cell) for cell in row], row) for row in cells]
