"""`python -m benchmarks.scale`: 10 to 10,000 streams at once, and how many events a second one process can read.

Each stream is a chat answer of 20 chunks and `[DONE]`, open and with its first chunk read before anything is measured.
Then all streams get their other events one by one, the streams one after the other: live, one event a read. 5,000
events come a second over all streams to asyncstream and the same work done bare; openai-python would be late with as
many, and several events in one read are cheaper, so 1,000 come to it, and to asyncstream for comparison: the fewer come
a second, the dearer is each, as it wakes a process that slept. What is measured:

- CPU time, user and system, from the second event of the first stream to the end of the last, divided by the events;
  that of one peer by that of asyncstream at the same speed in the same round. Only these ratios hold anywhere else.
- Events a second that one process could read: a second divided by the CPU time of an event.
- Memory: by how much resident memory grew with all streams open, divided by them. Of fewer than 1,000 it is not told.
- How long after the server was due to send the last event the last stream ended: the median, as one round in which
  the machine was busy with something else says nothing of a peer.

Held constant: in every round each peer is measured once, one after the other; a server in a process of its own
(`stream_server`) and a fresh client process for each measurement, one client with its defaults, loopback. More streams
than 1,000 openai-python does not open at once by default: it is not measured on these. Linux only. 10,000 streams need
as many file descriptors (`ulimit -Hn`).

    python -m benchmarks.scale --json scale.json --plot benchmarks/scale.svg      # twenty minutes
    python -m benchmarks.scale --streams 10,1000 --rounds 1
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import aiohttp

from benchmarks.adapters import ADAPTERS
from benchmarks.plot import draw_scale
from benchmarks.process import TooFewDescriptors, raise_limit, rss
from benchmarks.report import aligned, environment, environment_lines
from benchmarks.rounds import Cell, CountsDiffer, Spread, read_checked
from benchmarks.stream_server import GATE_S, running
from benchmarks.workloads import make

__all__ = ["PEERS", "STREAMS", "Measured", "Scale", "main", "measure", "read_at_once", "summed_up"]

STREAMS = (10, 100, 1000, 5000, 10_000)
PEERS = {5000: ("asyncstream chat raw", "bare aiohttp + msgspec"), 1000: ("asyncstream chat raw", "openai chat raw")}
"""Events that come a second over all streams -> the peers that read them; the others are compared with the first."""

_WORKLOAD = "chat-18"
_OPENING = 100
"""Streams that are opened at the same time."""
_LEAST_EVENTS = 4000
"""Few streams are read so often that there are as many."""
_MOST_OF_OPENAI = 1000
_LEAST_FOR_MEMORY = 1000
"""Of fewer streams what was kept from the warm-up counts too much."""


class Measured(NamedTuple):
    """What reading so many streams at once cost a peer in one round."""

    adapter: str
    streams: int
    per_second: int
    """Events that came, over all streams."""
    us_an_event: float
    kb_a_stream: float
    """Of resident memory, while it waits for its second event."""
    late_s: float


class Scale(NamedTuple):
    """What reading so many streams at once costs a peer: medians of all rounds."""

    adapter: str
    streams: int
    per_second: int
    us_an_event: float
    could_read: float
    """Events a second that keep one process busy."""
    kb_a_stream: float | None
    """None: of too few streams."""
    late_s: float
    ratio: Spread
    """CPU time against asyncstream's, round by round."""


def measure(adapter: str, streams: int, per_second: int) -> Measured:
    """Measure a peer in a process of its own, on a server of its own.

    Raises:
        CountsDiffer: A stream did not give what was sent.
    """
    with running() as base_url:
        call = json.dumps((base_url, adapter, streams, per_second))
        command = [sys.executable, "-m", "benchmarks.scale", "--client", call]
        run = subprocess.run(command, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent, check=False)
    if run.returncode:
        raise CountsDiffer(f"{adapter} on {streams} streams failed, see above")
    return Measured(*json.loads(run.stdout))


async def read_at_once(base_url: str, adapter: str, streams: int, per_second: int) -> Measured:
    """Read so many streams at once with a peer, and measure this process.

    Args:
        base_url: Of a running `stream_server`.
        adapter: The peer's name.
        streams: How many.
        per_second: Events that shall come, over all streams.

    Raises:
        CountsDiffer: A stream did not give what was sent.
    """
    events = len(make(_WORKLOAD).frames) - 1
    interval = streams / per_second
    times = max(1, _LEAST_EVENTS // (events * streams))
    cell = Cell(adapter, f"{_WORKLOAD}.gated")
    seconds, taken, late = 0.0, 0.0, 0.0
    async with ADAPTERS[adapter].open(base_url) as read, aiohttp.ClientSession() as session:
        await asyncio.gather(*(read(f"{_WORKLOAD}.whole") for _ in range(20)))
        for _ in range(times):
            gc.collect()
            before = rss()
            reading: list[asyncio.Task[None]] = []
            while len(reading) < streams:
                more = min(_OPENING, streams - len(reading))
                reading += [asyncio.create_task(read_checked(read, cell)) for _ in range(more)]
                await _until_held(session, base_url, reading)
            gc.collect()
            taken = max(taken, rss() - before)
            due = time.monotonic() + GATE_S + interval * (events + 1)
            async with session.post(f"{base_url}/release?interval={interval}") as response:
                response.raise_for_status()
            start = time.process_time()
            await asyncio.gather(*reading)
            seconds += time.process_time() - start
            late = max(late, time.monotonic() - due)
    cost = seconds / (times * streams * events) * 1e6
    return Measured(adapter, streams, per_second, cost, taken / streams / 1000, late)


async def _until_held(session: aiohttp.ClientSession, base_url: str, reading: Sequence["asyncio.Task[None]"]) -> None:
    """Return when the server holds all streams, or raise what one of them has failed with."""
    while True:
        async with session.get(f"{base_url}/held") as response:
            if int(await response.text()) == len(reading):
                return
        for task in reading:
            if task.done():
                task.result()
        await asyncio.sleep(0.01)


def summed_up(measured: Sequence[Measured]) -> list[Scale]:
    """Return the medians of all rounds, in the order of the first round."""
    rounds: dict[tuple[int, int, str], list[Measured]] = {}
    for one in measured:
        rounds.setdefault((one.streams, one.per_second, one.adapter), []).append(one)
    found = []
    for (streams, per_second, adapter), ones in rounds.items():
        cost = median(one.us_an_event for one in ones)
        memory = median(one.kb_a_stream for one in ones) if streams >= _LEAST_FOR_MEMORY else None
        late = median(one.late_s for one in ones)
        pairs = zip(ones, rounds[streams, per_second, PEERS[per_second][0]], strict=True)
        ratio = Spread.of([one.us_an_event / own.us_an_event for one, own in pairs])
        found.append(Scale(adapter, streams, per_second, cost, 1e6 / cost, memory, late, ratio))
    return found


def _measure_all(counts: Sequence[int], rounds: int) -> list[Measured]:
    raise_limit(max(counts) + 100)
    chosen = [
        (adapter, streams, per_second)
        for streams in counts
        for per_second, adapters in PEERS.items()
        if streams <= _MOST_OF_OPENAI or "openai chat raw" not in adapters
        for adapter in adapters
        if not ADAPTERS[adapter].missing()
    ]
    return [measure(*one) for _ in range(rounds) for one in chosen]


def _table(found: Sequence[Scale]) -> list[str]:
    costs = ("CPU us an event", "/ asyncstream", "low", "high", "could read a s", "kB a stream", "s late")
    rows: list[tuple[str, ...]] = [("", "streams", "events a s", *costs)]
    for one in found:
        ratio = (f"{ratio:.2f}x" for ratio in one.ratio)
        memory = "" if one.kb_a_stream is None else f"{one.kb_a_stream:.1f}"
        cost = (f"{one.us_an_event:.1f}", *ratio, f"{one.could_read:,.0f}", memory, f"{one.late_s:.2f}")
        rows.append((one.adapter, f"{one.streams:,}", f"{one.per_second:,}", *cost))
    return aligned(rows, left=1)


def _lines(found: Sequence[Scale]) -> dict[tuple[str, int], list[tuple[int, float]]]:
    """Return what is drawn: of each peer at each speed, what it could read of so many streams."""
    lines: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for one in found:
        lines.setdefault((one.adapter, one.per_second), []).append((one.streams, one.could_read))
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if a stream did not give what was sent, or too few descriptors are allowed."""
    options = _parser().parse_args(arguments)
    if options.client:
        raise_limit()
        print(json.dumps(asyncio.run(read_at_once(*json.loads(options.client)))))
        return 0
    facts = environment("benchmarks.scale")
    print(*environment_lines(facts), sep="\n", flush=True)
    try:
        measured = _measure_all(options.streams, options.rounds)
    except (CountsDiffer, TooFewDescriptors) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    found = summed_up(measured)
    print(*_table(found), sep="\n")
    if options.json:
        written = {
            "environment": facts,
            "scale": [{**one._asdict(), "ratio": one.ratio._asdict()} for one in found],
            "rounds": [one._asdict() for one in measured],
        }
        Path(options.json).write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    if options.plot:
        draw_scale(_lines(found), facts, options.plot)
    return 0


def _parser() -> argparse.ArgumentParser:
    def counts(text: str) -> list[int]:
        return [int(count) for count in text.split(",")]

    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=(__doc__ or "").partition("\n")[0])
    says = f"how many at once; {','.join(map(str, STREAMS))}"
    parser.add_argument("--streams", type=counts, default=STREAMS, metavar="N,N", help=says)
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often all is measured; 3")
    parser.add_argument("--json", metavar="FILE", help="write the figures, and those of every round")
    parser.add_argument("--plot", metavar="FILE", help="draw what one process could read against streams (.svg, .png)")
    parser.add_argument("--client", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
