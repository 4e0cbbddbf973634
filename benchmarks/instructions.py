"""`python -m benchmarks.instructions`: machine instructions an event, step by step (`steps`). Needs valgrind, Linux.

What is measured: the instructions that the CPU executes, counted by valgrind's callgrind, for a stream of N deltas and
for one of 2 N; a delta's are the difference by N. So what is done once (start-up, imports, preparing the streams, an
accumulator) is not in it, and the figures repeat to under 1 %, however busy the machine is: where a time says that
something became slower, these say which step did. They are no times: a cache miss counts as one instruction.

Held constant: one process for all; every step is done on both streams as a warm-up, until the interpreter has
specialised its byte code; no garbage collector; one hash seed.

    python -m benchmarks.instructions                       # a minute of CPU
    python -m benchmarks.instructions --steps split,fold --streams text --rounds 3 --json instructions.json
"""

import argparse
import gc
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import aligned, environment, environment_lines
from benchmarks.rounds import Spread
from benchmarks.steps import STEPS, STREAMS, prepare

__all__ = ["count_instructions", "main"]

_WARM_UPS = 3


def count_instructions(steps: Sequence[str], streams: Sequence[str], deltas: int) -> dict[tuple[str, str], float]:
    """Count the instructions of each step on each kind of stream, an event.

    Raises:
        RuntimeError: There is no valgrind, or it failed.
    """
    if shutil.which("valgrind") is None:
        raise RuntimeError("valgrind is not installed")
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "counts")
        # The marker between two phases is a call into the C library that nothing else makes: see `_run`.
        command = [
            *("valgrind", "--tool=callgrind", "--dump-before=getppid", f"--callgrind-out-file={output}"),
            *(sys.executable, "-m", "benchmarks.instructions", "--run", json.dumps([steps, streams, deltas])),
        ]
        root = Path(__file__).parent.parent
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(f"valgrind failed: {run.stderr[-2000:]}")
        cells = [(step, stream) for step in steps for stream in streams]
        # The first dump is all that came before the first phase.
        phases = [_total(Path(f"{output}.{number + 2}")) for number in range(2 * len(cells))]
    return {cell: (phases[2 * at + 1] - phases[2 * at]) / deltas for at, cell in enumerate(cells)}


def _total(dump: Path) -> int:
    found = re.search(r"^totals: (\d+)", dump.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"no total in what valgrind wrote to {dump.name}")
    return int(found[1])


def _run(steps: Sequence[str], streams: Sequence[str], deltas: int) -> None:
    """Do every step on both sizes of every stream, and call `getppid` between them. Runs under valgrind."""
    prepared = [prepare(step, stream, size) for step in steps for stream in streams for size in (deltas, 2 * deltas)]
    gc.disable()
    for do in prepared:
        for _ in range(_WARM_UPS):
            do()
    os.getppid()
    for do in prepared:
        do()
        os.getppid()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if valgrind is missing or fails."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--steps", default=",".join(STEPS), help=f"some of {','.join(STEPS)}")
    parser.add_argument("--streams", default=",".join(STREAMS), help=f"some of {','.join(STREAMS)}")
    parser.add_argument("--deltas", type=int, default=500, metavar="N", help="of the shorter stream; 500")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="whole runs; 1")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.run:
        _run(*json.loads(options.run))
        return 0
    facts = environment("benchmarks.instructions")
    print(*environment_lines(facts), "", sep="\n")
    try:
        rounds = [
            count_instructions(options.steps.split(","), options.streams.split(","), options.deltas)
            for _ in range(options.rounds)
        ]
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    spreads = {cell: Spread.of([counts[cell] for counts in rounds]) for cell in rounds[0]}
    rows: list[tuple[str, ...]] = [("instructions an event", "stream", "median", "low", "high")]
    rows.extend((*cell, *(f"{figure:,.0f}" for figure in spread)) for cell, spread in spreads.items())
    print(*aligned(rows, left=2), sep="\n")
    if options.json:
        figures = [{"step": step, "stream": stream, **spread._asdict()} for (step, stream), spread in spreads.items()]
        written = json.dumps({"environment": facts, "deltas": options.deltas, "steps": figures}, indent=1)
        Path(options.json).write_text(written + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
