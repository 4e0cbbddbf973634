"""Mutation testing of the pure floors: `python tests/mutation/run.py`. What survives is a hole in the tests.

One pytest session collects the tests and runs them once, to learn which function each test enters and how long it
takes. Then for every mutant a child is forked: it plants the mutant, runs the tests that enter its function, fast ones
and those that killed its neighbours first, and stops at the first failure. A child that runs out of time or memory is
killed, and so is its mutant.

    python tests/mutation/run.py                      # all mutants; the survivors are listed
    python tests/mutation/run.py --module sse --module accumulators.tool_calls
    python tests/mutation/run.py --sample 100         # what CI runs: the same 100 every time
    python tests/mutation/run.py --json found.json    # then, with new tests: --again found.json

`equivalent.toml` lists the mutants that no test can kill, each with its reason; one that matches no mutant any more is
an error. Needs `os.fork`.
"""

import argparse
import gc
import importlib
import itertools
import json
import os
import resource
import signal
import sys
import time
import tomllib
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings
from mutants import Mutant, mutants_of, plant

ROOT = Path(__file__).parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent.toml")

MODULES = (
    "halves",
    "sse",
    *(
        f"accumulators.{name}"
        for name in (
            *("assistants.accumulator", "assistants.messages", "assistants.run_steps"),
            *("chat.accumulator", "chat.calls", "chat.choice_calls", "chat.choice_parts", "chat.choices"),
            *("chat.reasoning", "changes", "fragments", "growing", "json_text", "merging", "repairs", "tool_calls"),
            *("responses.accumulator", "responses.audio", "responses.calls", "responses.item_events"),
            *("responses.items", "responses.lifecycle", "responses.output", "responses.parts"),
            *("responses.payloads", "responses.pictures", "responses.shells", "responses.texts"),
        )
    ),
    *(f"events.{name}" for name in ("alike", "assistants_alike", "chat_alike", "named", "responses_mending")),
    *(f"looping.{name}" for name in ("assistants", "book", "chat", "responses")),
    *(
        f"streaming.{name}"
        for name in (
            *("cursor", "due_calls", "incoming", "opening", "plain", "reading", "stream", "texts"),
            *("tool_loop", "tool_runner", "view"),
        )
    ),
)
TESTS = {
    "halves": ("tests/accumulators/test_fragments.py",),
    "sse": ("tests/test_sse.py",),
    "accumulators": ("tests/accumulators/", "tests/test_transcripts.py"),
    "events": ("tests/events/",),
    "looping": ("tests/looping/",),
    "streaming": ("tests/streaming/",),
}
"""What must kill the mutants of a floor: its own tests, the beginnings of their ids."""

TOO_SLOW = "cut_in_two or cut_short or 117000"
"""Tests that take ten times as long as all others, and kill nothing that these let live: an expression for ``-k``."""

SECONDS = 8
"""Of CPU that a child has at least, and of time twice as many: no test takes a tenth of it."""
MEMORY = 2 << 30

BUDGET = 4.0
"""Seconds of tests for a mutant, as they took without one, but at least `LEAST` tests."""

LEAST = 20

EXAMPLES = 20
"""Of a property test: the same ones every time, and none is made smaller once it fails."""


class Tests:
    """What the tests enter, and what they cost."""

    def __init__(self, items: Sequence[pytest.Item]) -> None:
        self.items = items
        for item in items:
            _hurry(item)
        self.seconds: list[float] = []
        self.entering: dict[tuple[str, str], list[int]] = defaultdict(list)
        """Module and function -> the tests that enter it."""

    def learn(self, modules: dict[str, str]) -> None:
        """Run every test once.

        Args:
            modules: File -> module that is watched.

        Raises:
            SystemExit: A test fails without any mutant.
        """
        entered: set[CodeType] = set()

        def watch(frame: FrameType, event: str, argument: object) -> None:
            # Called for the calls of Python functions alone, as it gives no tracer for their lines.
            if frame.f_code.co_filename in modules:
                entered.add(frame.f_code)

        for number, item in enumerate(self.items):
            entered.clear()
            start = time.process_time()
            sys.settrace(watch)
            try:
                passed = passes(item, self.items[number + 1] if number + 1 < len(self.items) else None)
            finally:
                sys.settrace(None)
            if not passed:
                raise SystemExit(f"{item.nodeid} fails without any mutant")
            self.seconds.append(time.process_time() - start)
            names = {(modules[code.co_filename], code.co_qualname.partition(".<locals>")[0]) for code in entered}
            for name in names:
                self.entering[name].append(number)

    def of(self, mutant: Mutant) -> list[int]:
        """Return the tests to run for a mutant, fast ones first; of a constant, of all that enter its module."""
        found: Iterable[int] = self.entering.get((mutant.module, mutant.function), ())
        if mutant.of_constant:
            found = {n for (module, _), tests in self.entering.items() if module == mutant.module for n in tests}
        floor = TESTS[mutant.module.split(".")[1]]
        found = [number for number in found if self.items[number].nodeid.startswith(floor)]
        fast = sorted(found, key=self.seconds.__getitem__)
        sums = list(itertools.accumulate(self.seconds[number] for number in fast))
        return fast[: max(LEAST, bisect(sums, BUDGET))]


def _hurry(item: pytest.Item) -> None:
    """Let a property test try few examples."""
    test: Any = getattr(item, "obj", None)
    # Where hypothesis keeps a test's own settings; there is no public way to change them.
    own = getattr(test, "_hypothesis_internal_use_settings", None)
    if own is not None:
        test._hypothesis_internal_use_settings = settings(
            own,
            max_examples=min(EXAMPLES, own.max_examples),
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate),
        )


def passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Run a test."""
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


class Children:
    """The forked processes, each with one mutant."""

    def __init__(self, tests: Tests, processes: int) -> None:
        self._tests = tests
        self._free = processes
        self._running: dict[int, tuple[Mutant, int]] = {}
        self._killers: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self.survivors: list[Mutant] = []
        self.killed: dict[Mutant, str] = {}

    def start(self, mutant: Mutant) -> None:
        """Fork a child for a mutant, once there is room for it."""
        if not self._free:
            self._wait()
        tests = self._tests.of(mutant)
        killers = self._killers[mutant.module, mutant.function]
        tests.sort(key=lambda number: -killers[number])
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            self._live(mutant, tests, writing)
        os.close(writing)
        self._running[child] = (mutant, reading)
        self._free -= 1

    def finish(self) -> None:
        """Wait for all of them."""
        while self._running:
            self._wait()

    def _wait(self) -> None:
        child, status = os.wait()
        mutant, reading = self._running.pop(child)
        self._free += 1
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read().decode()
        if status == 0:
            self.survivors.append(mutant)
            print(mutant, flush=True)
        elif said:
            self._killers[mutant.module, mutant.function][int(said)] += 1
            self.killed[mutant] = self._tests.items[int(said)].nodeid
        else:
            self.killed[mutant] = f"status {status:#x}"

    def _live(self, mutant: Mutant, tests: Sequence[int], writing: int) -> None:
        """Be the child."""
        status = 2
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(nowhere, descriptor)
            seconds = SECONDS + 5 * sum(self._tests.seconds[number] for number in tests)
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            # A mutant that waits for ever takes no CPU; a busy machine takes some time.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(int(seconds * 2))
            plant(mutant)
            status = 0
            for position, number in enumerate(tests):
                following = self._tests.items[tests[position + 1]] if position + 1 < len(tests) else None
                if not passes(self._tests.items[number], following):
                    os.write(writing, str(number).encode())
                    status = 1
                    break
        finally:
            os._exit(status)


class Session:
    """The pytest plugin that runs mutants in the place of tests."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.passed = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Learn, mutate, report."""
        modules = [importlib.import_module(f"asyncstream.{name}") for name in MODULES]
        chosen = {f"asyncstream.{name}" for name in self.options.module or MODULES}
        mutants = [mutant for module in modules for mutant in mutants_of(module)]
        equivalent = read_equivalent(mutants)
        mutants = [mutant for mutant in mutants if mutant.module in chosen and mutant.key not in equivalent]
        if self.options.again:
            earlier = {tuple(key[:5]) for key in json.loads(Path(self.options.again).read_text())["survived"]}
            mutants = [mutant for mutant in mutants if mutant.key in earlier]
        if self.options.sample:
            mutants = sorted(mutants, key=lambda mutant: mutant.rank)[: self.options.sample]
        if self.options.list:
            print(*mutants, sep="\n")
            self.passed = True
            return True
        tests = Tests(session.items)
        start = time.monotonic()
        tests.learn({str(module.__file__): module.__name__ for module in modules})
        say(f"{len(session.items)} tests pass in {time.monotonic() - start:.0f} s; {len(mutants)} mutants")
        gc.collect()
        gc.freeze()
        children = Children(tests, self.options.processes)
        for number, mutant in enumerate(mutants):
            children.start(mutant)
            if number % 50 == 49:
                say(f"{number + 1} of {len(mutants)}, {len(children.survivors)} survive")
        children.finish()
        self.passed = report(children, equivalent, self.options, time.monotonic() - start)
        return True


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def read_equivalent(mutants: Sequence[Mutant]) -> Counter[Any]:
    """Return the keys of the mutants that are listed as equivalent.

    Raises:
        SystemExit: One has no reason, or is no mutant (any more).
    """
    known = {mutant.key for mutant in mutants}
    listed: Counter[Any] = Counter()
    for entry in tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("equivalent", []):
        for change in entry["change"] if isinstance(entry["change"], list) else [entry["change"]]:
            occurrence = entry.get("occurrence", 1)
            key = (f"asyncstream.{entry['module']}", entry["function"], entry["line"], change, occurrence)
            if key not in known:
                raise SystemExit(f"{EQUIVALENT.name}: no mutant is {key}")
            if not entry["reason"]:
                raise SystemExit(f"{EQUIVALENT.name}: no reason for {key}")
            listed[key] += 1
    return listed


def report(children: Children, equivalent: Counter[Any], options: argparse.Namespace, seconds: float) -> bool:
    """Print the score of every module; tell whether it is enough."""
    killed = Counter(mutant.module for mutant in children.killed)
    survived = Counter(mutant.module for mutant in children.survivors)
    spared = Counter(key[0] for key in equivalent)
    print(f"{'module':40} killed  survived  score  equivalent")
    for module in (*(f"asyncstream.{name}" for name in MODULES), "all"):
        dead, alive, same = (
            sum(counts.values()) if module == "all" else counts[module] for counts in (killed, survived, spared)
        )
        if dead + alive:
            print(f"{module:40} {dead:6}  {alive:8}  {dead / (dead + alive):5.1%}  {same:10}")
    say(f"{seconds:.0f} s")
    if options.json:
        kills = [[*mutant.key, mutant.number, by] for mutant, by in children.killed.items()]
        alive_ones = [[*mutant.key, mutant.number] for mutant in children.survivors]
        Path(options.json).write_text(json.dumps({"killed": kills, "survived": alive_ones}, indent=1), encoding="utf-8")
    least: float = options.at_least
    return len(children.killed) >= least * (len(children.killed) + len(children.survivors))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if fewer mutants are killed than asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--module", action="append", choices=MODULES, help="only this one; may be given again")
    parser.add_argument("--sample", type=int, metavar="N", help="only N mutants, the same every time")
    parser.add_argument("--at-least", type=float, metavar="SHARE", default=0.9, help="to be killed; 0.9")
    parser.add_argument("--processes", type=int, metavar="N", default=os.cpu_count() or 1)
    parser.add_argument("--json", metavar="FILE", help="write every mutant, and which test killed it")
    parser.add_argument("--again", metavar="FILE", help="only what survived when this file was written by --json")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    session = Session(options)
    # Nobody reads the output of a child, or why its assertion failed.
    flags = ["-qq", "-s", "--assert=plain", "--no-header", "--no-summary", "-p", "no:cacheprovider"]
    floors = {name.partition(".")[0] for name in options.module or MODULES}
    tests = [test for floor in sorted(floors) for test in TESTS[floor]]
    status = pytest.main([*flags, "-k", f"not ({TOO_SLOW})", *tests], plugins=[session])
    return int(status != pytest.ExitCode.OK or not session.passed)


if __name__ == "__main__":
    raise SystemExit(main())
