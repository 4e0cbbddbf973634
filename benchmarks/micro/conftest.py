"""Puts the repository's root on the path, and asks for what the micro-benchmarks need: pytest-benchmark."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark is not installed: it is in the extra [bench]")
