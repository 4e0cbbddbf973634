"""The face of a package: the names of its files, each file loaded when one of its names is asked for, not before.

`face` is called by the `__init__` of `types`, `params`, `events`, `tools`, `accumulators`, `streaming`, `resources` and
of the package itself, so that a program which uses one protocol does not build the structs of the others. Type checkers
do not come here: they read the imports that stand beside the call under `TYPE_CHECKING`.

Rule 1: a name stands once, in the `__all__` of the file that defines it. It is read from the source of the file, which
is not run for that; a file without a source is loaded instead.
Rule 2: a file's `__all__` is written as one list of strings.
"""

import re
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec

__all__ = ["face"]

_ALL = rb"^__all__ = \[([^\[\]]*+)\]"


def face(package: str, *files: str, **elsewhere: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make the `__getattr__` and the `__dir__` of a package: what it has not loaded is found and loaded there.

    Args:
        package: Its name.
        files: Its files, in the order in which a name is looked for; "folder.file" for one that lies deeper.
        elsewhere: Names that the package gives too, each with the module that it stands in.

    Returns:
        Two functions for the package to keep under these names. Through them it has every name, `__all__` unless it
        says that itself, and its files and folders under their own names.
    """
    module = sys.modules[package]

    @cache
    def names_of(file: str) -> frozenset[str]:
        found = re.search(_ALL, _source(package, file), re.MULTILINE)
        if found is None:
            return frozenset(import_module(f"{package}.{file}").__all__)
        return frozenset(re.findall(r'"(\w+)"', found[1].decode()))

    def all_names() -> list[str]:
        return sorted({*elsewhere, *(name for file in files for name in names_of(file))})

    def find(name: str) -> object:
        if name == "__all__":
            return all_names()
        if not name.startswith("_"):
            if name in elsewhere:
                return getattr(import_module(elsewhere[name]), name)
            for file in files:
                if name in names_of(file):
                    return getattr(import_module(f"{package}.{file}"), name)
            if find_spec(f"{package}.{name}") is not None:
                return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=module)

    def get(name: str) -> object:
        value = find(name)
        setattr(module, name, value)
        return value

    def names() -> list[str]:
        from pkgutil import iter_modules  # a program that asks no face for names has no use for it

        dunders = (name for name in vars(module) if name.startswith("__"))
        rooms = (found.name for found in iter_modules(module.__path__) if not found.name.startswith("_"))
        return sorted({*dunders, *rooms, *module.__all__})

    return get, names


def _source(package: str, file: str) -> bytes:
    """Return the source of a file of a package, without loading it; b"" if there is none."""
    from pkgutil import get_data

    try:
        return get_data(package, file.replace(".", "/") + ".py") or b""
    except OSError:
        return b""
