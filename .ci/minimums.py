"""Print the lowest version of each requirement that pyproject.toml declares, as pip wants it: `aiohttp==3.14`.

Of the package and of every extra but `bench`, whose peers are measured as they are today.
"""

import re
import tomllib
from pathlib import Path

_DECLARED = re.compile(r"(?P<name>[\w.-]+(?:\[[\w,-]+\])?)>=(?P<lowest>[\d.]+)(?P<marker>;.*)?")


def lowest(requirement: str) -> str:
    declared = _DECLARED.fullmatch(requirement)
    if declared is None:
        raise SystemExit(f"pyproject.toml: expected a requirement like 'name>=1.2', got {requirement!r}")
    return f"{declared['name']}=={declared['lowest']}{declared['marker'] or ''}"


project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
declared = set(project["dependencies"])
for extra, requirements in project["optional-dependencies"].items():
    if extra != "bench":
        declared.update(requirements)
print(*sorted(lowest(requirement) for requirement in declared), sep="\n")
