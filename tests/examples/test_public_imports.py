"""An application to copy imports nothing that a user's own could not."""

import ast
import importlib
from pathlib import Path

import pytest

import asyncstream

ROOT = Path(asyncstream.__file__).parent
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_an_example_imports_public_names_only(path):
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "asyncstream":
            own = node.module.startswith("asyncstream.examples")
            public = node.module.count(".") <= 1 and {name.name for name in node.names} <= set(
                importlib.import_module(node.module).__all__
            )
            found += [] if own or public else [ast.unparse(node)]

    assert [] == found


def test_there_are_examples():
    assert len(EXAMPLES) > 3
