"""`python -m benchmarks`: measure, print the tables and the targets, write what was measured.

What is measured: client CPU time of reading whole streams, for every installed peer, in interleaved rounds (`rounds`
says how, and what is held constant); and what is no ratio of CPU times (`memory`, `imports`, `streams` say how). The
last table has every target, P1 to P11, with `pass` or `short`.

    python -m benchmarks --json figures.json --plot benchmarks/cost.svg
    python -m benchmarks --only text,growth
    python -m benchmarks --quick            # for CI: all peers, short streams, counts checked, nothing judged
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.adapters import ADAPTERS
from benchmarks.imports import measure_import
from benchmarks.memory import measure_memory
from benchmarks.plot import draw
from benchmarks.process import TooFewDescriptors
from benchmarks.report import as_json, cost_table, environment, environment_lines, target_table
from benchmarks.rounds import CountsDiffer, measure_rounds
from benchmarks.sections import LENGTH_SECTIONS, SECTIONS, Result, Section, quick
from benchmarks.server import running
from benchmarks.streams import p10, p11
from benchmarks.targets import Figure, judge

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if it cannot be measured, as when a peer did not see what was sent.

    A figure that falls short is no failure.
    """
    options = _parser().parse_args(arguments)
    facts = environment()
    skipped = {name: missing for name, adapter in ADAPTERS.items() if (missing := adapter.missing())}
    print(*environment_lines(facts), sep="\n")
    for name, missing in skipped.items():
        print(f"skipped: {name} ({', '.join(missing)} is not installed)")
    try:
        measured, figures = asyncio.run(_measure(_chosen(options), options))
    except (CountsDiffer, TooFewDescriptors) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if figures:
        print("\ntargets" + (", not judged: the streams are short" if options.quick else ""))
        print(*target_table(figures, judged=not options.quick), sep="\n")
    if options.json:
        results = as_json(facts, measured, figures, skipped)
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        draw([result for result in measured if result.section.name in _LENGTH_NAMES], facts, options.plot)
    return 0


_LENGTH_NAMES = [section.name for section in LENGTH_SECTIONS]
_OTHERS = ("memory", "import", "paced", "idle")


def _parser() -> argparse.ArgumentParser:
    names = [*(section.name for section in SECTIONS), *_OTHERS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="short streams and two rounds: checks counts, no figures")
    parser.add_argument("--only", metavar="NAMES", help=f"some of {','.join(names)}")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of every section")
    parser.add_argument("--json", metavar="FILE", help="write every figure of every round")
    parser.add_argument("--plot", metavar="FILE", help="also measure cost against length, and draw it (.svg, .png)")
    parser.set_defaults(names=names)
    return parser


def _chosen(options: argparse.Namespace) -> list[Section]:
    wanted = options.only.split(",") if options.only else options.names
    unknown = sorted({*wanted} - {*options.names})
    if unknown:
        raise SystemExit(f"no section {', '.join(unknown)}; there are {', '.join(options.names)}")
    options.others = [name for name in _OTHERS if name in wanted]
    sections = [section for section in SECTIONS if section.name in wanted]
    if options.plot:
        sections.extend(LENGTH_SECTIONS)
    if options.quick:
        sections = [quick(section) for section in sections]
    return [replace(section, rounds=options.rounds or section.rounds) for section in sections]


async def _measure(sections: Sequence[Section], options: argparse.Namespace) -> tuple[list[Result], list[Figure]]:
    measured: list[Result] = []
    figures: list[Figure] = []
    rounds = options.rounds or (2 if options.quick else 5)
    with running() as base_url:
        for section in sections:
            costs = await measure_rounds(base_url, section.cells(), section.rounds, _progress(section.name))
            measured.append(Result(section, costs))
            figures.extend(judge(section, costs))
            print("", *cost_table(section, costs), sep="\n", flush=True)
        if "memory" in options.others:
            workloads = ("huge-5000000", "text-50000", "picture-27000000")
            if options.quick:
                workloads = ("huge-50000", "text-500", "picture-27000")
            figures.extend([await measure_memory(base_url, workload, rounds) for workload in workloads])
    if "import" in options.others:
        figures.append(measure_import(rounds))
    if "paced" in options.others:
        figures.extend(p10(20, 12, 1) if options.quick else p10(rounds=options.rounds or 3))
    if "idle" in options.others:
        figures.extend(p11(20) if options.quick else p11())
    return measured, sorted(figures, key=lambda figure: int(figure.id[1:]))


def _progress(name: str) -> Callable[[str], None]:
    def say(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{name}: {text}  ", end="\r", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    raise SystemExit(main())
