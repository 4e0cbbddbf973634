"""The program that is measured from outside, in a fresh process a piece of work: `counting` says by whom and how.

`python -m benchmarks.counted PLAN`, a JSON object whose `what` names one of the functions below; its other members are
that function's arguments. Between each two calls of `mark` lies what is counted.
"""

import asyncio
import gc
import importlib
import importlib.machinery
import json
import os
import select
import selectors
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.counting import MORE_CLASSES

__all__ = ["main", "ready"]

_WARM_UPS = 3

_seconds: list[float] = []
_classes: list[Any] = []


def mark() -> None:
    """Close a phase and begin the next: valgrind sees the call, `_seconds` has the CPU time."""
    os.getppid()
    _seconds.append(time.process_time())


def ready() -> None:
    """Wait until counting has begun, without a system call that blocks: valgrind listens between instructions."""
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        pass
    sys.stdin.readline()


def requests(adapter: str, base_url: str, phases: Sequence[tuple[str, int]], rounds: int) -> None:
    """Read streams with a peer: in each phase one stream, so many times one after the other.

    A stream that ends in `each` is sent event by event, each when this process sleeps again.
    """
    from benchmarks.adapters import ADAPTERS
    from benchmarks.rounds import Cell, read_checked

    cells = [(Cell(adapter, _for_this_process(stream)), times) for stream, times in phases]

    async def read_all() -> None:
        async with ADAPTERS[adapter].open(base_url) as read:
            for _ in range(_WARM_UPS):
                for cell, times in cells:
                    for _ in range(times):
                        await read_checked(read, cell)
            gc.collect()
            gc.freeze()
            ready()
            for _ in range(rounds):
                for cell, times in cells:
                    gc.collect()
                    mark()
                    for _ in range(times):
                        await read_checked(read, cell)
                    mark()

    asyncio.run(read_all())


def turns(adapter: str, base_url: str, phases: Sequence[tuple[str, int]]) -> None:
    """Print how often the event loop turns in each phase."""
    from benchmarks.adapters import ADAPTERS
    from benchmarks.rounds import Cell, read_checked

    class Counting(selectors.DefaultSelector):
        """A turn of the loop is one look at what is ready."""

        turns = 0

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            self.turns += 1
            return super().select(timeout)

    counting = Counting()
    counts: list[int] = []

    async def read_all() -> None:
        async with ADAPTERS[adapter].open(base_url) as read:
            for stream, times in phases:
                cell = Cell(adapter, _for_this_process(stream))
                await read_checked(read, cell)
                before = counting.turns
                for _ in range(times):
                    await read_checked(read, cell)
                counts.append(counting.turns - before)

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(counting)) as runner:
        runner.run(read_all())
    print(json.dumps(counts))


def loops(way: str, base_url: str, rounds: int) -> None:
    """Hold conversations of `tools`: in each phase one, of a stream that runs its tools or of a loop by hand."""
    from asyncstream import AsyncClient
    from benchmarks.tools import WAYS

    async def converse_all() -> None:
        async with AsyncClient(api_key="any", base_url=base_url) as client:
            for _ in range(_WARM_UPS):
                await WAYS[way](client)
            gc.collect()
            gc.freeze()
            ready()
            for _ in range(rounds):
                gc.collect()
                mark()
                await WAYS[way](client)
                mark()

    asyncio.run(converse_all())


def _for_this_process(stream: str) -> str:
    return f"{stream}-{os.getpid()}" if stream.endswith(".each") else stream


def seconds(base_url: str, cells: Sequence[tuple[str, str]], rounds: int) -> None:
    """Print the CPU seconds of one request of each cell, round by round (`rounds`)."""
    from benchmarks.rounds import Cell, measure_rounds

    costs = asyncio.run(measure_rounds(base_url, [Cell(*cell) for cell in cells], rounds))
    print(json.dumps([cost.seconds for cost in costs.values()]))


def imports(nouns: Sequence[str], watched: Sequence[str] = ()) -> None:
    """Import the package, make a client, look at some of its nouns for the first time.

    The phases are these three; each watched module is one too, within the phase that loads it. Printed are the CPU
    seconds at each mark, and which marks were of modules.
    """
    for name in ("aiohttp", "msgspec.json"):
        importlib.import_module(name)
    marks: list[tuple[str, str]] = []

    def say(kind: str, name: str) -> None:
        marks.append((kind, name))
        mark()

    class Watching:
        @staticmethod
        def find_spec(name: str, path: Any, target: Any = None) -> Any:
            if name not in watched:
                return None
            say("begin", name)
            spec = importlib.machinery.PathFinder.find_spec(name, path)
            assert spec is not None
            assert spec.loader is not None
            execute = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                execute(module)
                say("end", name)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one loader
            return spec

    if watched:
        sys.meta_path.insert(0, Watching)
    gc.collect()
    ready()
    say("begin", "standard library")
    # What the guard compares an import with: nothing that aiohttp needs.
    for name in ("unittest.mock", "xml.dom.minidom", "xmlrpc.client"):
        importlib.import_module(name)
    say("end", "standard library")
    gc.collect()
    say("begin", "import")
    import asyncstream

    say("end", "import")
    client = asyncstream.AsyncClient(api_key="sk-benchmark", base_url="http://127.0.0.1:1/v1")
    say("begin", "nouns")
    for noun in nouns:
        held: Any = client
        for name in noun.split("."):
            held = getattr(held, name)
    say("end", "nouns")
    loaded = [name for name in sys.modules if name.partition(".")[0] == "asyncstream"]
    print(json.dumps({"seconds": _seconds, "marks": marks, "loaded": loaded, "file": asyncstream.__file__}))


_DO: dict[str, Callable[..., None]] = {
    "requests": requests,
    "turns": turns,
    "loops": loops,
    "seconds": seconds,
    "imports": imports,
}


def main(plan: str) -> None:
    """Do what a plan says."""
    for number in range(int(os.environ.get(MORE_CLASSES, "0"))):
        # A class has a number from the first time on that an attribute of it is looked up.
        _classes.append(type(f"Class{number}", (), {"looked_up": True}))
        assert _classes[-1].looked_up
    arguments = json.loads(plan)
    _DO[arguments.pop("what")](**arguments)


if __name__ == "__main__":
    main(sys.argv[1])
