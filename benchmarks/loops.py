"""`python -m benchmarks.loops`: live streams on uvloop, against aiohttp that only reads on asyncio's own loop (P4).

An event loop is chosen once for a process, so there is a client process for each of the two. In every round each of
them reads each live stream (an event each 500 us) with each peer, one after the other; only CPU times, user and system,
of one round are compared. The server is a process of its own.

    python -m benchmarks.loops
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.adapters import ADAPTERS
from benchmarks.report import environment, environment_lines, target_table
from benchmarks.rounds import Cell, CountsDiffer, Spread, read_checked
from benchmarks.server import running
from benchmarks.targets import Figure

__all__ = ["main", "on_uvloop"]

_FLOOR = "aiohttp, read only"
_STREAMS = {"text": "asyncstream raw", "chat": "asyncstream chat raw", "response": "asyncstream responses raw"}
"""Kind of stream -> the peer that is compared with the floor."""
_LIMIT = 0.7


def on_uvloop(rounds: int, events: int) -> list[Figure]:
    """Measure live streams on both loops; uvloop must be installed.

    Args:
        rounds: How often.
        events: How many deltas each stream has.

    Raises:
        CountsDiffer: A stream did not give what was sent.
    """
    seconds: dict[tuple[str, str, str], list[float]] = {}
    with running() as base_url, ExitStack() as stack:
        clients = {loop: stack.enter_context(_client(loop, base_url)) for loop in ("asyncio", "uvloop")}
        for _ in range(rounds):
            for kind, own in _STREAMS.items():
                for loop, client in clients.items():
                    for peer in (own, _FLOOR):
                        spent = _ask(client, Cell(peer, f"{kind}-{events}.live"))
                        seconds.setdefault((kind, loop, peer), []).append(spent)
    figures = []
    for kind, own in _STREAMS.items():
        floor = seconds[kind, "asyncio", _FLOOR]
        for loop, peer, limit in (("uvloop", own, _LIMIT), ("asyncio", own, None), ("uvloop", _FLOOR, None)):
            ratios = [above / below for above, below in zip(seconds[kind, loop, peer], floor, strict=True)]
            says = f"{peer} on {loop} / {_FLOOR}, on asyncio: {kind}-{events} live"
            figures.append(Figure("P4", says, Spread.of(ratios), "x", "at most", limit))
    return figures


def _client(loop: str, base_url: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.loops", "--client", loop, "--server", base_url]
    root = Path(__file__).parent.parent
    # It ends when its standard input is closed, as it is at the end of a `with`.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root, text=True)


def _ask(client: "subprocess.Popen[str]", cell: Cell) -> float:
    """Let a client process read a stream; return the CPU seconds that it took.

    Raises:
        CountsDiffer: The client process ended instead.
    """
    assert client.stdin is not None
    assert client.stdout is not None
    print(json.dumps(cell), file=client.stdin, flush=True)
    answer = client.stdout.readline()
    if not answer:
        raise CountsDiffer(f"{cell.adapter} failed on {cell.stream}, see above")
    return float(answer)


async def _read_what_is_asked(base_url: str) -> None:
    """Read the stream of each line of standard input, and print the CPU seconds that it took."""
    # Waiting for a line blocks this loop, in which nothing else runs then.
    for line in sys.stdin:
        cell = Cell(*json.loads(line))
        kind = cell.stream.partition("-")[0]
        async with ADAPTERS[cell.adapter].open(base_url) as read:
            await read_checked(read, Cell(cell.adapter, f"{kind}-100.live"))
            gc.collect()
            start = time.process_time()
            await read_checked(read, cell)
            print(time.process_time() - start, flush=True)


def _run(loop: str, work: Coroutine[Any, Any, None]) -> None:
    if loop == "uvloop":
        import uvloop

        uvloop.run(work)
    else:
        asyncio.run(work)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if a stream did not give what was sent. A figure that falls short is no failure."""
    options = _parser().parse_args(arguments)
    if options.client:
        _run(options.client, _read_what_is_asked(options.server))
        return 0
    facts = environment("benchmarks.loops")
    print(*environment_lines(facts), sep="\n", flush=True)
    if find_spec("uvloop") is None:
        print("skipped: uvloop is not installed")
        return 0
    facts["uvloop"] = version("uvloop")
    print(f"uvloop {facts['uvloop']}", flush=True)
    try:
        figures = on_uvloop(options.rounds, options.events)
    except CountsDiffer as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(*target_table(figures, judged=True), sep="\n")
    if options.json:
        judged = [{**asdict(figure), "value": figure.value._asdict(), "met": figure.met} for figure in figures]
        written = json.dumps({"environment": facts, "targets": judged}, indent=1)
        Path(options.json).write_text(written + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loops", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, metavar="N", default=11, help="how often all is measured; 11")
    parser.add_argument("--events", type=int, metavar="N", default=1000, help="deltas of each stream; 1,000")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--server", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
