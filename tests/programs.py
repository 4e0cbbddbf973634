"""The programs of Debian that tests drive: where they are, and what happens where they are not.

A test of a program that is not here is skipped, with its name. In CI, which installs what `.ci/packages` names, it
fails: else nobody would see that it is never run. `conftest` beside this file brings the hook in.
"""

import os
import shutil

import pytest

__all__ = ["needed", "program", "pytest_runtest_setup"]

_SYSTEM = "/usr/sbin:/usr/local/sbin"
"""Where Debian puts servers, which is not on everybody's path."""


def program(*names: str) -> str:
    """Return the path of the first of these programs that is here; the first name where none is."""
    for name in names:
        found = shutil.which(name) or shutil.which(name, path=_SYSTEM)
        if found is not None:
            return found
    return names[0]


def needed(*programs: str) -> pytest.MarkDecorator:
    """Mark a test that cannot do without programs, given by name or by path."""
    return pytest.mark.needed(*programs)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose programs are not all here; in CI, fail it."""
    for mark in item.iter_markers("needed"):
        missing = [name for name in mark.args if shutil.which(program(name)) is None]
        if missing:
            said = f"needs {', '.join(missing)}"
            if os.environ.get("CI"):
                pytest.fail(f"{said}, which CI must have: see .ci/packages", pytrace=False)
            pytest.skip(said)
