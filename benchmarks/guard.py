"""`python -m benchmarks.guard`: fail if a request has become dearer than the committed baseline by more than 3 %.

Compared are ratios of instructions, counted in one run by one interpreter (`instructions` says how): asyncstream with
the same work done bare, or with aiohttp that only reads (of this, turns of the event loop too); what pages read with
the wire's events, both relayed; and its import with that of some modules of the standard library. So another machine,
another patch release of Python, another build of msgspec or aiohttp moves both sides alike. Another minor release of
Python does not: each has a baseline of its own in `guard.json`, with what it was measured with, and without one there
is nothing to judge by.

    python -m benchmarks.guard            # three minutes of CPU, on all cores; needs valgrind
    python -m benchmarks.guard --renew    # after a change that is worth what it costs, or that is cheaper
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.counting import CannotCount, overlay
from benchmarks.instructions import ROWS, Counter, Row
from benchmarks.report import aligned, environment
from benchmarks.server import running

__all__ = ["BASELINE", "GUARDED", "Verdict", "compare", "main", "measure"]

BASELINE = Path(__file__).with_name("guard.json")

MOST_GROWTH = 1.03
"""Counts of one tree differ by 0.5 % from run to run; a change that is felt is larger."""

MORE_CLASSES = (0, 7, 50)
"""What seems dearer is counted again with so many more classes: a meeting in CPython's cache of attributes, which goes
by the numbers of classes, costs 4 %, and comes and goes with any class. What is dearer is so in each."""

GUARDED = tuple(row for row in ROWS if not any(work.adapter.startswith("openai") for work in (row.above, row.below)))
"""The rows that need no other library."""

_IMPORT, _NOUN = "P8 import", "P8 client.chat"
_TURNS = {f"P4 turns {row.above.kind}": row for row in GUARDED if row.id == "P4"}
"""How often the event loop turns for a live event, against aiohttp: half as often."""
NAMES = (*(row.name for row in GUARDED), *_TURNS, _IMPORT, _NOUN)


class Verdict(NamedTuple):
    """A ratio beside its baseline."""

    name: str
    now: float
    before: float | None
    """None if the baseline has no such row."""

    @property
    def growth(self) -> float | None:
        """How often the ratio contains its baseline."""
        return None if self.before is None else self.now / self.before

    @property
    def fails(self) -> bool:
        """Whether it grew by more than is let pass, or cannot be judged."""
        return self.growth is None or self.growth > MOST_GROWTH

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the printed table."""
        if self.before is None or self.growth is None:
            return (self.name, "", f"{self.now:.3f}", "", "NO BASELINE: --renew")
        cheaper = self.growth < 1 / MOST_GROWTH
        verdict = "DEARER" if self.fails else "cheaper: --renew keeps it" if cheaper else ""
        return (self.name, f"{self.before:.3f}", f"{self.now:.3f}", f"{(self.growth - 1) * 100:+.1f} %", verdict)


def compare(now: Mapping[str, float], baseline: Mapping[str, float]) -> list[Verdict]:
    """Return every ratio beside its baseline."""
    return [Verdict(name, ratio, baseline.get(name)) for name, ratio in now.items()]


def measure(names: Sequence[str], counter: Counter, processes: int) -> dict[str, float]:
    """Count what the rows of these names need, and return their ratios.

    Raises:
        CannotCount: Valgrind is missing, or a program failed under it.
    """
    rows: list[Row] = [row for row in GUARDED if row.name in names]
    counts = counter.count([work for row in rows for work in (row.above, row.below)], processes)
    ratios = {row.name: counts[row.above] / counts[row.below] for row in rows}
    for name in _TURNS.keys() & {*names}:
        ratios[name] = counter.turns(_TURNS[name].above) / counter.turns(_TURNS[name].below)
    if {_IMPORT, _NOUN} & {*names}:
        imports, _ = counter.imports("chat", {})
        ratios[_IMPORT] = imports.package / imports.standard_library
        ratios[_NOUN] = imports.noun / imports.standard_library
    return {name: ratios[name] for name in names}


def measure_again(
    names: Sequence[str], base_url: str, over: Path, processes: int, before: Mapping[str, float]
) -> dict[str, float]:
    """Count as `measure` does, what seems dearer again, and return the least of each ratio."""
    least: dict[str, float] = {}
    left = list(names)
    for more_classes in MORE_CLASSES:
        if left:
            counted = measure(left, Counter(base_url, over, more_classes=more_classes), processes)
            least |= {name: min(ratio, least.get(name, ratio)) for name, ratio in counted.items()}
            left = [verdict.name for verdict in compare(least, before) if verdict.before is not None and verdict.fails]
    return least


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if something became dearer, 2 if nothing can be judged."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--renew", action="store_true", help="write the baseline of this Python instead")
    parser.add_argument("--only", default=",".join(NAMES), metavar="NAMES", help=f"some of {','.join(NAMES)}")
    parser.add_argument("--baseline", type=Path, default=BASELINE, metavar="FILE", help="another than guard.json")
    parser.add_argument("--tree", type=Path, metavar="DIR", help="judge the package there; this one")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="at once; one a core")
    options = parser.parse_args(arguments)
    names = options.only.split(",")
    if unknown := sorted({*names} - {*NAMES}):
        parser.error(f"no {', '.join(unknown)}; there are {', '.join(NAMES)}")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    written = json.loads(options.baseline.read_text()) if options.baseline.exists() else {}
    if python not in written and not options.renew:
        known = ", ".join(sorted(written)) or "no Python"
        print(f"error: {options.baseline.name} has a baseline of {known}, not of {python}: --renew", file=sys.stderr)
        return 2
    before = written.get(python, {"ratios": {}})
    try:
        with overlay(options.tree) as over, running() as base_url:
            now = measure_again(names, base_url, over, options.processes, before["ratios"])
    except CannotCount as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    verdicts = compare(now, before["ratios"])
    head = ("ratios of instructions", "baseline", "now", "growth", "")
    print(*aligned([head, *(verdict.cells() for verdict in verdicts)], left=1), sep="\n")
    if options.renew:
        ratios = {**before["ratios"], **{name: round(ratio, 4) for name, ratio in now.items()}}
        facts = environment()
        measured = {name: facts[name] for name in ("date", "python", "system", "aiohttp", "msgspec")}
        written[python] = {"measured": measured, "ratios": ratios}
        options.baseline.write_text(json.dumps(dict(sorted(written.items())), indent=1) + "\n", encoding="utf-8")
        return 0
    return int(any(verdict.fails for verdict in verdicts))


if __name__ == "__main__":
    raise SystemExit(main())
