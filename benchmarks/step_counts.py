"""`python -m benchmarks.step_counts`: machine instructions an event, step by step (`steps`). Needs valgrind, Linux.

What is measured: the instructions that the CPU executes (`counting`), for a stream of N deltas and for one of 2 N; a
delta's are the difference by N. So what is done once (preparing the streams, an accumulator) is not in it. Where
`instructions` says that a whole request became dearer, these say which step did.

Held constant: one process for all; every step is done on both streams as a warm-up, until the interpreter has
specialised its byte code; no garbage collector; one hash seed.

    python -m benchmarks.step_counts                       # a minute of CPU
    python -m benchmarks.step_counts --steps split,fold --streams text --rounds 3 --json steps.json
"""

import argparse
import gc
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.counted import ready
from benchmarks.counting import CannotCount, count_phases, environment_for, overlay
from benchmarks.report import aligned, environment, environment_lines
from benchmarks.rounds import Spread
from benchmarks.steps import STEPS, STREAMS, prepare

__all__ = ["count_steps", "main"]

_WARM_UPS = 3


def count_steps(steps: Sequence[str], streams: Sequence[str], deltas: int) -> dict[tuple[str, str], float]:
    """Count the instructions of each step on each kind of stream, an event.

    Raises:
        CannotCount: There is no valgrind, or it failed.
    """
    command = [sys.executable, "-P", "-m", "benchmarks.step_counts", "--run", json.dumps([steps, streams, deltas])]
    with overlay(None) as over:
        phases, _ = count_phases(command, environment_for(over))
    cells = [(step, stream) for step in steps for stream in streams]
    return {cell: (phases[2 * at + 1] - phases[2 * at]) / deltas for at, cell in enumerate(cells)}


def _run(steps: Sequence[str], streams: Sequence[str], deltas: int) -> None:
    """Do every step on both sizes of every stream, and call `getppid` between them. Runs under valgrind."""
    prepared = [prepare(step, stream, size) for step in steps for stream in streams for size in (deltas, 2 * deltas)]
    gc.disable()
    for do in prepared:
        for _ in range(_WARM_UPS):
            do()
    ready()
    os.getppid()
    for do in prepared:
        do()
        os.getppid()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if valgrind is missing or fails."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.step_counts", description=(__doc__ or "").partition("\n")[0]
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
    facts = environment("benchmarks.step_counts")
    print(*environment_lines(facts), "", sep="\n")
    try:
        rounds = [
            count_steps(options.steps.split(","), options.streams.split(","), options.deltas)
            for _ in range(options.rounds)
        ]
    except CannotCount as error:
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
