"""Puts two directories on the path: the repository's root, for `benchmarks` is no part of the package, and the helpers
of the relay's tests.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(1, str(Path(__file__).parents[1] / "relay"))
