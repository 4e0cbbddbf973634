"""`python -m benchmarks.instructions`: what whole requests cost in machine instructions. Needs valgrind, Linux.

What is measured: the instructions that the client executes, the whole of it from the request to the end of the stream,
for a stream of N events and for one of 2 N; an event's are the difference by N. Every peer on every kind of stream has
a fresh process under valgrind (`counting`), in which both are read as a warm-up and then counted three times; the
median counts. The server is a process of its own, and is not counted. Beside each ratio of instructions stands the
ratio of CPU times, of interleaved rounds (`rounds`).

- P1, P3, P3b: everything at once, in HTTP chunks of 4 KiB.
- P4: one event a read: the next is sent when the reader sleeps again (CPU: one each 500 us). And how often the event
  loop turns for each.
- P8: `import asyncstream` when aiohttp and msgspec are there; of it, what each protocol costs those who do not use it;
  and `client.chat.completions` the first time. Byte code is cached.
- P9: a request of nine events on a connection that is open.
- P13: the direct relay, from the request to the last frame: what pages read against the wire's own events.

    python -m benchmarks.instructions                                   # six minutes on two cores
    python -m benchmarks.instructions --only P3,P9 --rounds 0           # no CPU times
    python -m benchmarks.instructions --tree ../before --json before.json   # the package of another tree
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

from benchmarks.adapters import ADAPTERS, PAGE_VIEWS, RELAY
from benchmarks.counting import (
    CannotCount,
    command_for,
    count_phases,
    environment_for,
    missing_programs,
    overlay,
)
from benchmarks.report import aligned, environment, environment_lines
from benchmarks.rounds import Cell, Spread
from benchmarks.server import running
from benchmarks.workloads import protocol_of

__all__ = ["ROWS", "Counter", "Imports", "Row", "Work", "main"]

_ROUNDS = 3
"""Of counting, in one process."""


class Work(NamedTuple):
    """A peer on a kind of stream."""

    adapter: str
    kind: str
    pacing: Literal["bulk", "each"] = "bulk"

    @property
    def short(self) -> bool:
        """Whether whole requests are counted, as short as some are."""
        return self.kind.startswith("short")

    @property
    def events(self) -> int:
        """How many events the shorter stream has; of a short request, how many times it is sent."""
        if self.short:
            return 20
        if self.pacing == "each":
            return 100
        # An event costs openai-python as much as asyncstream forty.
        return 100 if self.adapter.startswith("openai") else 1000

    def phases(self) -> list[tuple[str, int]]:
        """Return the streams of the two phases, and how many times each is read."""
        n = self.events
        if self.short:
            return [(f"{self.kind}-4.{self.pacing}", n), (f"{self.kind}-4.{self.pacing}", 2 * n)]
        return [(f"{self.kind}-{n}.{self.pacing}", 1), (f"{self.kind}-{2 * n}.{self.pacing}", 1)]

    def cell(self) -> Cell:
        """Return what `rounds` measures the CPU time of."""
        size = 4 if self.short else 1000 if self.pacing == "each" else 2000
        return Cell(self.adapter, f"{self.kind}-{size}.{'live' if self.pacing == 'each' else 'bulk'}")

    def counted(self, phases: Sequence[int]) -> float:
        """Return the instructions of an event (or of a short request), from those of the phases of all rounds."""
        counts = phases[::2]
        return median((long - short) / self.events for short, long in zip(counts[::2], counts[1::2], strict=True))


@dataclass(frozen=True)
class Row:
    """How often the cost of one work must at least or may at most contain that of another."""

    id: str
    above: Work
    below: Work
    bound: Literal["at least", "at most"] = "at most"
    limit: float | None = None
    """None if nothing is asked for."""
    in_seconds: bool = False
    """Whether the limit is one of CPU times; then the instructions are for comparison."""
    view: str = ""
    """The view of a relay; "" where none relays."""

    @property
    def name(self) -> str:
        """What it is called in `guard.json`."""
        return f"{self.id} {self.above.kind} {self.view}".rstrip()

    @property
    def says(self) -> str:
        """What is compared."""
        if self.above.adapter == self.below.adapter:
            return f"{self.above.adapter}: {self.above.kind} / {self.below.kind}"
        return f"{self.above.adapter} / {self.below.adapter}: {self.above.kind}"


_NAMES = {"assistants": "", "chat": "chat ", "responses": "responses "}
"""Protocol -> how the names of its adapters differ."""


def _own(kind: str, pacing: Literal["bulk", "each"] = "bulk") -> Work:
    return Work(f"asyncstream {_NAMES[protocol_of(kind)]}raw", kind, pacing)


def _openai(kind: str) -> Work:
    return Work(f"openai {_NAMES[protocol_of(kind)]}raw", kind)


def _bare(kind: str) -> Work:
    return Work("bare aiohttp + msgspec", kind)


ROWS = (
    *(
        Row("P1", _openai(kind), _own(kind), "at least", limit)
        for kind, limit in (("text", 45), ("code", 40), ("chat", 38), ("calls", 30), ("response", None))
    ),
    *(
        Row("P3", _own(kind), _bare(kind), "at most", limit)
        for kind, limit in (
            ("text", 1.5),
            ("code", 1.5),
            ("cited", 1.6),
            ("chat", 1.5),
            ("calls", 1.7),
            ("args", 1.7),
            ("response", 1.6),
            ("citedresponse", None),
            ("responseargs", None),
        )
    ),
    Row("P3b", _own("oddtext"), _own("text"), "at most", 3),
    Row("P3b", _own("oddchat"), _own("chat"), "at most", 3),
    *(
        Row("P4", _own(kind, "each"), Work("aiohttp, read only", kind, "each"), "at most", limit)
        for kind, limit in (("text", 1.2), ("chat", 1.25), ("response", 1.25))
    ),
    Row("P9", _own("short"), _bare("short")),
    Row("P9", _openai("short"), _own("short"), "at least", 7.5, in_seconds=True),
    Row("P9", _own("shortresponse"), _bare("shortresponse")),
    Row("P9", _openai("shortresponse"), _own("shortresponse"), "at least", in_seconds=True),
    *(
        Row("P13", Work(f"{RELAY} {view}", kind), Work(RELAY, kind), "at most", 1.5, view=view)
        for kind in ("text", "chat", "response")
        for view in PAGE_VIEWS
    ),
)

_NOUNS = {"chat": "chat.completions", "assistants": "threads.runs", "responses": "responses"}
"""Protocol -> what of a client loads it."""
_MOST_OF_IMPORT, _MOST_UNUSED, _MOST_OF_NOUN, _MOST_OF_SHORT = 35, 1, 100, 1.2
"""Millions of instructions."""
_MOST_TURNS = 1.05
"""One an event, and some for the request itself."""


class Imports(NamedTuple):
    """What loading cost: instructions, or CPU seconds."""

    package: float
    noun: float
    standard_library: float
    """Some modules of it, to compare with."""
    unused: float
    """Within the package and the noun: the modules of protocols that the noun is not of."""


class Counter:
    """Counts works in processes of their own, each once, several at a time."""

    def __init__(
        self, base_url: str, over: Path, say: Callable[[str], None] = lambda text: None, *, more_classes: int = 0
    ) -> None:
        self._base_url = base_url
        self._environment = environment_for(over, more_classes)
        self._say = say
        self._columns: Mapping[str, str] = {}

    def count(self, works: Iterable[Work], processes: int) -> dict[Work, float]:
        """Count the instructions of an event of each work; of a whole request, if the work is short requests.

        Raises:
            CannotCount: Valgrind is missing, or a program failed under it.
        """
        different = list(dict.fromkeys(works))
        with ThreadPoolExecutor(processes) as pool:
            return dict(zip(different, pool.map(self._count, different), strict=True))

    def _count(self, work: Work) -> float:
        plan = {
            "what": "requests",
            "adapter": work.adapter,
            "base_url": self._base_url,
            "phases": work.phases(),
            "rounds": _ROUNDS,
        }
        phases, _ = count_phases(command_for(plan), self._environment)
        counted = work.counted(phases)
        self._say(f"{work.adapter}, {work.kind}: {counted:,.0f}")
        return counted

    def turns(self, work: Work) -> float:
        """Return how often the event loop turns for an event."""
        plan = {"what": "turns", "adapter": work.adapter, "base_url": self._base_url, "phases": work.phases()}
        short, long = json.loads(self._run(plan))
        return float(long - short) / work.events

    def seconds(self, works: Iterable[Work], rounds: int) -> dict[Work, list[float]]:
        """Return the CPU seconds of one request of each work, round by round."""
        different = list(dict.fromkeys(works))
        plan = {
            "what": "seconds",
            "base_url": self._base_url,
            "rounds": rounds,
            "cells": [work.cell() for work in different],
        }
        return dict(zip(different, json.loads(self._run(plan)), strict=True))

    def imports(self, protocol: str, columns: Mapping[str, str], rounds: int = 1) -> tuple[Imports, list[Imports]]:
        """Return what loading the package and a protocol's noun cost: in instructions, and in CPU seconds.

        Args:
            protocol: The one whose noun is used.
            columns: Module to the protocol that it is of.
            rounds: Of CPU seconds, at least one.
        """
        plan: dict[str, Any] = {"what": "imports", "nouns": [_NOUNS[protocol]]}
        self._run(plan)  # which writes the byte code
        runs = [json.loads(self._run(plan)) for _ in range(rounds)]
        others = [name for name in runs[0]["loaded"] if columns.get(name, protocol) != protocol]
        phases, printed = count_phases(command_for({**plan, "watched": others}), self._environment)
        in_seconds = [split_imports(run["marks"], _differences(run["seconds"])) for run in runs]
        return split_imports(json.loads(printed[-1])["marks"], phases), in_seconds

    def file(self) -> str:
        """Return where the package is that is measured."""
        file: str = json.loads(self._run({"what": "imports", "nouns": []}))["file"]
        return file

    def _run(self, plan: Mapping[str, Any]) -> str:
        """Run a program that is not counted; return the last line that it prints."""
        root = Path(__file__).parent.parent
        run = subprocess.run(
            command_for(plan),
            cwd=root,
            env=self._environment,
            input="go\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise CannotCount(f"{plan['what']} failed: {run.stderr[-2000:]}")
        return run.stdout.splitlines()[-1]


def _differences(marks: Sequence[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(marks)]


def split_imports(marks: Sequence[tuple[str, str]], phases: Sequence[float]) -> Imports:
    """Sum the phases between the marks that `counted.imports` sets.

    Args:
        marks: `begin` or `end`, and of what; those of modules lie within others.
        phases: What it cost from each mark to the next.
    """
    costs = {"standard library": 0.0, "import": 0.0, "nouns": 0.0}
    unused = 0.0
    open_now: list[str] = []
    for (kind, name), cost in zip(marks, [*phases, 0.0], strict=False):
        if kind == "begin":
            open_now.append(name)
        else:
            open_now.pop()
        if open_now:
            costs[open_now[0]] += cost
            if len(open_now) > 1:
                unused += cost
    return Imports(costs["import"], costs["nouns"], costs["standard library"], unused)


def columns_of(package: Path) -> dict[str, str]:
    """Return which protocol each module is of, as the table of the package's README has it; empty without one."""
    readme = package / "README.md"
    _, _, table = (readme.read_text() if readme.exists() else "").partition("## Columns")
    rows = [line for line in table.partition("\n## ")[0].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    if not cells:
        return {}
    return {
        f"asyncstream.{row[0].strip('`')}.{file.strip('`')}": column
        for row in cells[2:]
        for column, files in zip(cells[0][1:], row[1:], strict=True)
        for file in files.split()
    }


class _Line(NamedTuple):
    """A row of the printed table, and of the JSON file."""

    id: str
    says: str
    instructions: float
    """Or their ratio."""
    unit: Literal["x", "M", ""]
    bound: str = ""
    limit: float | None = None
    met: bool | None = None
    cpu: Spread | None = None
    """The same of CPU times; of imports, milliseconds."""

    def shown(self) -> tuple[str, ...]:
        """Return the cells of the printed table."""
        limit = "" if self.limit is None else f"{self.bound} {self.limit:g}{self.unit}"
        verdict = {True: "pass", False: "short", None: ""}[self.met]
        cpu = [f"{figure:.2f}" for figure in self.cpu] if self.cpu else ["", "", ""]
        return (self.id, self.says, f"{self.instructions:.2f}{self.unit}", limit, verdict, *cpu)


def _compared(row: Row, counts: Mapping[Work, float], costs: Mapping[Work, Sequence[float]]) -> _Line:
    value = counts[row.above] / counts[row.below]
    cpu = None
    if costs:
        cpu = Spread.of([above / below for above, below in zip(costs[row.above], costs[row.below], strict=True)])
    bound, judged = (f"CPU {row.bound}", cpu and cpu.median) if row.in_seconds else (row.bound, value)
    met = None
    if row.limit is not None and judged is not None:
        met = judged >= row.limit if row.bound == "at least" else judged <= row.limit
    return _Line(row.id, row.says, value, "x", bound, row.limit, met, cpu)


def _at_most(
    id: str, says: str, value: float, unit: Literal["M", ""], limit: float, cpu: Spread | None = None
) -> _Line:
    return _Line(id, says, value, unit, "at most", limit, value <= limit, cpu)


def _request_lines(rows: Sequence[Row], counts: Mapping[Work, float], counter: Counter, rounds: int) -> list[_Line]:
    costs: dict[Work, list[float]] = {}
    for pacing in ("bulk", "each"):
        works = [work for work in counts if work.pacing == pacing]
        if rounds and works:
            costs |= counter.seconds(works, rounds)
    lines = [_compared(row, counts, costs) for row in rows]
    for work, counted in counts.items():
        if work.short and work.adapter.startswith("asyncstream"):
            lines.append(_at_most("P9", f"{work.adapter}: {work.kind}", counted / 1e6, "M", _MOST_OF_SHORT))
        if work.pacing == "each":
            turns, says = counter.turns(work), f"turns of the loop an event, {work.adapter}: {work.kind}"
            own = work.adapter.startswith("asyncstream")
            lines.append(_at_most("P4", says, turns, "", _MOST_TURNS) if own else _Line("P4", says, turns, ""))
    return lines


def _import_lines(counter: Counter, package: Path, rounds: int) -> list[_Line]:
    columns = columns_of(package)
    found = {protocol: counter.imports(protocol, columns, max(rounds, 1)) for protocol in _NOUNS}

    def milliseconds(protocol: str, field: str) -> Spread | None:
        return Spread.of([1e3 * getattr(cost, field) for cost in found[protocol][1]]) if rounds else None

    package, chat = found["chat"][0].package / 1e6, found["chat"][0].noun / 1e6
    lines = [
        _at_most("P8", "import asyncstream (CPU: ms)", package, "M", _MOST_OF_IMPORT, milliseconds("chat", "package")),
        _at_most("P8", "client.chat the first time (CPU: ms)", chat, "M", _MOST_OF_NOUN, milliseconds("chat", "noun")),
        *(
            _Line("P8", f"client.{noun} the first time (CPU: ms)", cost / 1e6, "M", cpu=milliseconds(protocol, "noun"))
            for protocol, noun, cost in (
                ("assistants", "threads", found["assistants"][0].noun),
                ("responses", "responses", found["responses"][0].noun),
            )
        ),
    ]
    if columns:
        lines.extend(
            _at_most("P8", f"protocols not used, beside {protocol}", counted.unused / 1e6, "M", _MOST_UNUSED)
            for protocol, (counted, _) in found.items()
        )
    return lines


def _count_table(counts: Mapping[Work, float]) -> list[str]:
    """Return the instructions of an event of every work: a line a kind of stream, in the order of the peers."""
    rows: list[tuple[str, ...]] = [("instructions an event (short: a request)", "stream", "", "")]
    rows.extend((work.adapter, work.kind, work.pacing, f"{counted:,.0f}") for work, counted in counts.items())
    return aligned(rows, left=3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if nothing can be counted. A figure that falls short is no failure."""
    ids = [*dict.fromkeys(row.id for row in ROWS), "P8"]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", default=",".join(ids), metavar="IDS", help=f"some of {','.join(ids)}")
    parser.add_argument("--rounds", type=int, default=11, metavar="N", help="of CPU times; 11; 0 for none")
    parser.add_argument("--tree", type=Path, metavar="DIR", help="measure the package there; this one")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="at once; one a core")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    options = parser.parse_args(arguments)
    wanted = options.only.split(",")
    if unknown := sorted({*wanted} - {*ids}):
        parser.error(f"no {', '.join(unknown)}; there are {', '.join(ids)}")
    if missing := missing_programs():
        print(f"error: {' and '.join(missing)} not found: install valgrind (apt-get install valgrind)", file=sys.stderr)
        return 1
    facts = environment("benchmarks.instructions")
    print(*environment_lines(facts), sep="\n")
    rows = [row for row in ROWS if row.id in wanted]
    for adapter in dict.fromkeys(work.adapter for row in rows for work in (row.above, row.below)):
        if absent := ADAPTERS[adapter].missing():
            print(f"skipped: {adapter} ({', '.join(absent)} is not installed: pip install -e '.[bench]')")
            rows = [row for row in rows if adapter not in (row.above.adapter, row.below.adapter)]
    try:
        with overlay(options.tree) as over, running() as base_url:
            counter = Counter(base_url, over, _progress)
            package = Path(counter.file()).parent
            print(f"package: {package if options.tree else 'of this tree'}\n", flush=True)
            works = [work for row in rows for work in (row.above, row.below)]
            counts = counter.count(works, options.processes)
            lines = _request_lines(rows, counts, counter, options.rounds)
            if "P8" in wanted:
                lines.extend(_import_lines(counter, package, options.rounds))
    except CannotCount as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    lines.sort(key=lambda line: line.id)
    head = ("", "what", "instructions", "target", "", "CPU", "low", "high")
    print(*aligned([head, *(line.shown() for line in lines)], left=2), "", *_count_table(counts), sep="\n")
    if options.json:
        counted = [{**work._asdict(), "instructions": count} for work, count in counts.items()]
        figures = [line._asdict() for line in lines]
        written = json.dumps({"environment": facts, "figures": figures, "counts": counted}, indent=1)
        Path(options.json).write_text(written + "\n", encoding="utf-8")
    return 0


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<70}", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
