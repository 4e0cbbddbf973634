"""Every regular expression of the package, found in its source: compiled, or written where it is used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Expression", "expressions_in", "expressions_of_the_package"]

ROOT = Path(__file__).parents[2] / "asyncstream"

USES = {"search", "match", "fullmatch", "findall", "finditer", "split", "sub", "subn"}
"""What matches; all of these stand in `re` and in compiled expressions."""


class Expression(NamedTuple):
    """One expression, and by which methods it is used."""

    module: str
    pattern: str | bytes
    """As it stands in the source; of one that is made at run time, the code that makes it."""
    flags: int
    uses: frozenset[str]
    made: bool = False


def expressions_of_the_package() -> list[Expression]:
    """Collect the expressions of all modules."""
    return [
        found
        for path in sorted(ROOT.rglob("*.py"))
        for found in expressions_in(path.read_text(), path.relative_to(ROOT.parent).as_posix())
    ]


def expressions_in(source: str, module: str) -> Iterator[Expression]:
    """Find the expressions in a module's source.

    Raises:
        ValueError: One is made in a way that cannot be read here, so that nobody would know its worst text.
    """
    if not re.search(r"\bre\b", source):  # most modules: nothing to parse
        return
    tree = ast.parse(source)
    constants = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }

    def unreadable(node: ast.AST) -> ValueError:
        return ValueError(f"{module}: write `{ast.unparse(node)}` so that its expression can be read from the source")

    def expression(node: ast.expr, flags: int, uses: set[str]) -> Expression:
        value = constants.get(node.id) if isinstance(node, ast.Name) else node
        if isinstance(value, ast.Constant) and isinstance(value.value, str | bytes):
            return Expression(module, value.value, flags, frozenset(uses))
        return Expression(module, ast.unparse(node), flags, frozenset(uses), made=True)

    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "re":
            raise unreadable(node)
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_re(node.func.value)):
            continue
        method = node.func.attr
        if method == "escape":
            continue
        if method in USES and node.args:
            yield expression(node.args[0], _flags(node, 4 if method.startswith("sub") else 2), {method})
        elif method == "compile" and node.args:
            yield expression(node.args[0], _flags(node, 1), _uses_of(node, tree))
        else:
            raise unreadable(node)


def _uses_of(compiled: ast.Call, tree: ast.Module) -> set[str]:
    """Return the methods of a compiled expression that its module uses; all that there are if it goes elsewhere too."""
    names = {
        _name(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is compiled
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }
    read = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and _name(node) in names
    ]
    called = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.value in read]
    elsewhere = len(called) < len(read) or not called
    return (USES & set(called)) | ({"search", "fullmatch", "findall"} if elsewhere else set())


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute() if not _is_re(node.value):
            return node.attr
        case _:
            return ""


def _is_re(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "re"


def _flags(call: ast.Call, position: int) -> int:
    """Read the flags of a call: names of `re` joined by ``|``."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "flags"] or call.args[position : position + 1]
    flags = 0
    for node in ast.walk(given[0]) if given else ():
        if isinstance(node, ast.Attribute):
            flags |= getattr(re, node.attr)
    return flags
