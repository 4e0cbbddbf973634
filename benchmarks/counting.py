"""Count the machine instructions that phases of a program execute, by valgrind's callgrind. Linux.

`instructions`, `guard` and `step_counts` call it. The program is `benchmarks.counted`, or a command of its own, in a
fresh process: same interpreter, same hash seed. It calls `getppid`, which nothing else there does, at every border of
two phases. Until the program says that it is ready, nothing is counted, and that is five times as quick: start-up,
imports and warm-up cost seconds instead of half a minute.

Such counts repeat to well under 1 %, however busy the machine is. They are no times: a cache miss counts as one
instruction, and what the kernel does is not in them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "MORE_CLASSES",
    "CannotCount",
    "command_for",
    "count_phases",
    "environment_for",
    "missing_programs",
    "overlay",
]

_ROOT = Path(__file__).parent.parent
_PROGRAMS = ("valgrind", "vgdb")


class CannotCount(Exception):
    """Valgrind is missing, or what ran under it failed."""


def missing_programs() -> list[str]:
    """Return which of valgrind's commands are not installed."""
    return [program for program in _PROGRAMS if shutil.which(program) is None]


@contextmanager
def overlay(tree: Path | None) -> Iterator[Path]:
    """Make a directory for `environment_for`: with the package of another tree, if one is given, and for byte code."""
    with tempfile.TemporaryDirectory() as directory:
        if tree is not None:
            package = tree.resolve() / "asyncstream"
            if not (package / "__init__.py").exists():
                raise CannotCount(f"there is no asyncstream in {tree}")
            Path(directory, "asyncstream").symlink_to(package)
        yield Path(directory)


MORE_CLASSES = "BENCHMARKS_MORE_CLASSES"
"""The variable that says how many classes a program makes before anything else."""


def environment_for(over: Path, more_classes: int = 0) -> dict[str, str]:
    """Return the environment of a program that is measured; what lies in the overlay is imported first.

    Args:
        over: The overlay.
        more_classes: How many classes it makes first, which have no other use than that all that follow have other
            numbers: CPython's cache of attributes goes by these, and two that meet there cost 4 % of a request.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # Byte code is cached, whatever the environment says about writing it.
    paths = os.pathsep.join((str(over), str(_ROOT)))
    environment[MORE_CLASSES] = str(more_classes)
    return {**environment, "PYTHONHASHSEED": "0", "PYTHONPATH": paths, "PYTHONPYCACHEPREFIX": str(over / "cache")}


def command_for(plan: Mapping[str, object]) -> list[str]:
    """Return the command that does what a plan says (`benchmarks.counted`)."""
    # Without -P the directory that it is started in would come before the overlay.
    return [sys.executable, "-P", "-m", "benchmarks.counted", json.dumps(plan)]


def count_phases(command: Sequence[str], environment: Mapping[str, str]) -> tuple[list[int], list[str]]:
    """Run a command under callgrind; it prints `ready` when counting is to begin, and waits for a line.

    Returns:
        The instructions between each two calls of `getppid`, and the lines that it printed after `ready`.

    Raises:
        CannotCount: Valgrind is missing, or the command failed.
    """
    if missing := missing_programs():
        raise CannotCount(f"{' and '.join(missing)} not found: install valgrind (apt-get install valgrind)")
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "counts")
        log, errors = Path(directory, "log"), Path(directory, "errors")
        valgrind = (
            *("valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-before=getppid"),
            *(f"--callgrind-out-file={output}", f"--log-file={log}", f"--vgdb-prefix={directory}/vgdb"),
        )
        with (
            errors.open("w") as stderr,
            subprocess.Popen(
                [*valgrind, *command],
                cwd=_ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            ) as run,
        ):
            assert run.stdin is not None
            assert run.stdout is not None
            if run.stdout.readline() == "ready\n":
                begin = ("vgdb", f"--vgdb-prefix={directory}/vgdb", f"--pid={run.pid}", "instrumentation", "on")
                begun = subprocess.run(begin, capture_output=True, text=True, check=False)
                if begun.returncode:
                    run.kill()
                    raise CannotCount(f"vgdb failed: {begun.stderr[-2000:]}")
            printed, _ = run.communicate("go\n")
        if run.returncode:
            said = errors.read_text() or log.read_text()
            raise CannotCount(f"{' '.join(command[1:])}\nfailed under valgrind: {said[-2000:]}")
        # The first dump is what came before the first call; the last, which has no number, what came after the last.
        dumps = sorted(output.parent.glob("counts.*"), key=lambda dump: int(dump.suffix[1:]))
        return [_total(dump) for dump in dumps[1:]], printed.splitlines()


def _total(dump: Path) -> int:
    found = re.search(r"^totals: (\d+)", dump.read_text(), re.MULTILINE)
    if found is None:
        raise CannotCount(f"no total in what valgrind wrote to {dump.name}")
    return int(found[1])
