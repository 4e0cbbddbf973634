"""What needs a program that is not here is skipped, and fails in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from programs import needed, program

TESTS = Path(__file__).parent

ONE_TEST = """
import pytest
from programs import needed

@pytest.fixture(params=[pytest.param(1, marks=needed(*{programs}))])
def number(request):
    return request.param

def test_it(number):
    assert number == 1
"""


def run(directory: Path, programs: list[str], ci: str) -> str:
    """Run a test that needs programs in a pytest of its own; return what became of it."""
    file = directory / "test_one.py"
    file.write_text(ONE_TEST.format(programs=programs))
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "CI": ci}
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "programs", "-p", "no:cacheprovider"]
    ran = subprocess.run([*command, "-rsf", str(file)], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.faults
@pytest.mark.parametrize("ci", ["", "true"])
def test_what_needs_programs_that_are_here_runs(tmp_path, ci):
    assert "1 passed" in run(tmp_path, ["sh", sys.executable], ci)


@pytest.mark.faults
def test_what_needs_a_program_that_is_missing_is_skipped(tmp_path):
    said = run(tmp_path, ["sh", "no-such-program", "/no/such"], "")

    assert "1 skipped" in said
    assert "needs no-such-program, /no/such" in said


@pytest.mark.faults
def test_what_needs_a_program_that_is_missing_fails_in_ci(tmp_path):
    said = run(tmp_path, ["sh", "no-such-program"], "true")

    assert "1 failed" in said or "1 error" in said
    assert "needs no-such-program, which CI must have" in said


def test_a_program_is_the_first_of_its_names_that_is_here():
    assert program("sh").endswith("/sh")
    assert program("no-such-program", "sh") == program("sh")
    assert "no-such-program" == program("no-such-program", "nor-this")


def test_the_marker_carries_the_names():
    assert ("nginx", "redis-server") == needed("nginx", "redis-server").args
