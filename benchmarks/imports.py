"""What `import asyncstream` costs above `import aiohttp, msgspec`, in CPU time (P8).

Each figure is a fresh interpreter that has imported these two before the clock starts. Byte code is cached, in a
directory of its own that one run before the others fills, whatever the environment says about writing it.
"""

import os
import subprocess
import sys
import tempfile

from benchmarks.rounds import Spread
from benchmarks.targets import Figure

__all__ = ["measure_import"]

_PROGRAM = """
import aiohttp, msgspec, msgspec.json, time
start = time.process_time()
import asyncstream
print(time.process_time() - start)
"""


def measure_import(rounds: int) -> Figure:
    """Import in as many fresh interpreters, one after the other."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        seconds = [_import_once(environment) for _ in range(rounds + 1)]
    value = Spread.of([second * 1e3 for second in seconds[1:]])
    return Figure("P8", "import asyncstream, above aiohttp and msgspec", value, " ms", "at most", 10)


def _import_once(environment: dict[str, str]) -> float:
    run = subprocess.run([sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, check=True, text=True)
    return float(run.stdout)
