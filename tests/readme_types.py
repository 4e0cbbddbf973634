"""Read every Python block of every README in pyright's strict mode, as its reader's editor does; a step of CI.

    python tests/readme_types.py

Each block stands alone, as the body of an async function that is given `client`, `assistant` and `thread` and nothing
else. What an editor says only because of that function is not asked for: that a name is defined and not used.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from readmes import ALL, ROOT, blocks_of

GIVEN = """\
from asyncstream import AsyncClient
from asyncstream.types import Assistant, Thread


async def example(client: AsyncClient, assistant: Assistant, thread: Thread) -> None:
"""
CONFIG = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "extraPaths": [str(ROOT)],
    "reportUnusedVariable": False,
    "reportUnusedFunction": False,
    "reportUnusedClass": False,
}


def main() -> int:
    """Print what is wrong, block by block; return 1 if anything is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blocks: dict[str, str] = {}
        for path in ALL:
            for number, block in enumerate(blocks_of(path)):
                file = folder / f"block_{len(blocks)}.py"
                file.write_text(GIVEN + textwrap.indent(block, "    "))
                blocks[str(file)] = f"{path.relative_to(ROOT)}, block {number}"
        (folder / "pyrightconfig.json").write_text(json.dumps(CONFIG))
        checker = shutil.which("basedpyright", path=str(Path(sys.executable).parent)) or "basedpyright"
        command = [checker, "--outputjson", "--pythonpath", sys.executable, "--project", str(folder)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    assert found["summary"]["filesAnalyzed"] == len(blocks), found["summary"]
    lines_before = GIVEN.count("\n")
    for one in found["generalDiagnostics"]:
        line = one["range"]["start"]["line"] - lines_before + 1
        print(f"{blocks[one['file']]}, line {line}: {one['message']} ({one.get('rule')})")
    print(f"{len(blocks)} blocks, {len(found['generalDiagnostics'])} complaints")
    return 1 if found["generalDiagnostics"] else 0


if __name__ == "__main__":
    sys.exit(main())
