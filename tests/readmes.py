"""The READMEs of the project and the Python blocks in them: tests run these, a step of CI reads their types."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ALL = [
    ROOT / "README.md",
    *(path for part in ("asyncstream", "tests", "benchmarks") for path in sorted((ROOT / part).rglob("README.md"))),
]


def blocks_of(path: Path) -> list[str]:
    """Return the Python blocks of a README, in order."""
    return re.findall(r"^```python\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)
