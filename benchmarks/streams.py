"""`python -m benchmarks.streams`: many streams at once (P10, P11): CPU, memory, lateness, and whether any is lost.

P10, 1,000 streams of 200 events, an event each 50 ms a stream, their starts spread over 2 s: what the client costs
against the same work done bare. In every round the library and the bare loop run once each, one after the other.
Measured are the CPU time of reading, the peak of resident memory (all of the process: interpreter, modules, streams),
and how much later than the server was due to send its last event the slowest stream ended.

P11, 10,000 streams that have said half of what they say and wait: how much resident memory grew for each. Then the
other half is sent; a stream is lost that does not end complete, with every event. At the end all descriptors but
those of the start must be closed.

Held constant: the server in a process of its own (`stream_server`), a fresh client process for each measurement, with
everything imported and some streams read as a warm-up; one client with its defaults; loopback. The whole takes about
two minutes. Linux only.

    python -m benchmarks.streams --json streams.json
    python -m benchmarks.streams --only p11 --streams 5000
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp

from asyncstream import AssistantStream, AsyncClient
from benchmarks.adapters import ADAPTERS
from benchmarks.process import TooFewDescriptors, descriptors, peak_rss, raise_limit, rss
from benchmarks.report import environment, environment_lines, target_table
from benchmarks.rounds import CountsDiffer, Spread
from benchmarks.stream_server import INTERVAL_S, running
from benchmarks.targets import Figure
from benchmarks.workloads import make

__all__ = ["idle", "main", "p10", "p11", "paced"]

_SPREAD_S = 2.0
"""Over which paced streams start: a thousand users do not press the key at once."""

_OPENING = 100
"""Idle streams that are opened at the same time."""

_LOST_S = 60.0
"""A stream that has not ended so long after its last byte was sent is lost."""

_IDLE = "short-4"
_OWN, _BARE = "asyncstream raw", "bare aiohttp + msgspec"


def p10(streams: int = 1000, events: int = 200, rounds: int = 3) -> list[Figure]:
    """Measure paced streams: CPU against the bare loop, megabytes of memory, seconds late.

    Raises:
        CountsDiffer: A stream did not give what was sent.
        TooFewDescriptors: The system does not allow as many connections.
    """
    raise_limit(streams + 100)
    own, bare = [], []
    with running() as base_url:
        for _ in range(rounds):
            own.append(_measured("paced", _OWN, base_url, streams, events))
            bare.append(_measured("paced", _BARE, base_url, streams, events))
    ratios = [mine["cpu_s"] / theirs["cpu_s"] for mine, theirs in zip(own, bare, strict=True)]
    says = f"{streams:,} streams x {events} events at {1 / INTERVAL_S:g}/s"
    return [
        Figure("P10", f"{_OWN} / {_BARE}: {says}", Spread.of(ratios), "x", "at most", 1.3),
        Figure("P10", f"memory of the process: {says}", _spread(own, "peak_mb"), "MB", "at most", 100),
        Figure("P10", f"the slowest stream is late: {says}", _spread(own, "late_s"), "s", "at most", 1),
    ]


def p11(streams: int = 10_000, rounds: int = 1) -> list[Figure]:
    """Measure idle streams: kilobytes of memory each, streams lost, descriptors left over.

    Raises:
        TooFewDescriptors: The system does not allow as many connections.
    """
    raise_limit(streams + 100)
    with running() as base_url:
        measured = [_measured("idle", base_url, streams) for _ in range(rounds)]
    says = f"{streams:,} idle streams"
    return [
        Figure("P11", f"memory of each of {says}", _spread(measured, "kb_each"), "kB", "at most", 32),
        Figure("P11", f"lost of {says}", _spread(measured, "lost"), "", "at most", 0),
        Figure("P11", f"descriptors not closed after {says}", _spread(measured, "descriptors"), "", "at most", 0),
    ]


def _spread(measured: Sequence[dict[str, float]], name: str) -> Spread:
    return Spread.of([figures[name] for figures in measured])


def _measured(*call: str | int) -> dict[str, float]:
    """Run one of `_CLIENTS` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.streams", "--client", json.dumps(call)]
    run = subprocess.run(command, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent, check=False)
    if run.returncode:
        raise CountsDiffer(f"the client process of {call[0]!r} failed, see above")
    figures: dict[str, float] = json.loads(run.stdout)
    return figures


async def paced(adapter: str, base_url: str, streams: int, events: int) -> dict[str, float]:
    """Read paced streams with a peer, and measure this process.

    Args:
        adapter: Its name.
        base_url: Of a running `stream_server`.
        streams: How many at once.
        events: Of each stream, without its `done`; at least 12.

    Raises:
        CountsDiffer: A stream did not give what was sent.
    """
    workload = make(f"text-{events - 10}")
    assert workload.seen.events == events
    planned = (len(workload.frames) - 1) * INTERVAL_S

    async with ADAPTERS[adapter].open(base_url) as read:

        async def late(position: int) -> float:
            await asyncio.sleep(_SPREAD_S * position / streams)
            start = time.monotonic()
            seen = await read(f"{workload.name}.paced")
            if seen.events != events or seen.characters != workload.seen.characters:
                raise CountsDiffer(f"{adapter} saw {seen} in a paced {workload.name}")
            return time.monotonic() - start - planned

        await asyncio.gather(*(read(f"{_IDLE}.whole") for _ in range(20)))
        gc.collect()
        start = time.process_time()
        latest = max(await asyncio.gather(*map(late, range(streams))))
        return {"cpu_s": time.process_time() - start, "peak_mb": peak_rss() / 1e6, "late_s": latest}


async def idle(base_url: str, streams: int) -> dict[str, float]:
    """Hold streams open that wait, measure what they hold, then read them to their ends.

    Args:
        base_url: Of a running `stream_server`.
        streams: How many at once.
    """
    workload = make(_IDLE)
    first_half = len(workload.frames) // 2
    descriptors_at_start = descriptors()
    opening = asyncio.Semaphore(_OPENING)

    async def opened() -> AssistantStream:
        async with opening:
            stream = await client.threads.runs.stream(f"{_IDLE}.held", assistant_id="asst_1").open()
            for _ in range(first_half):
                await anext(stream)
            return stream

    async def read(stream: AssistantStream) -> None:
        async with stream:
            await stream.get_final_run()
        if stream.accumulator.events_seen != workload.seen.events:
            raise CountsDiffer(f"{stream.accumulator.events_seen} events came of {workload.seen.events}")

    async def held(count: int) -> tuple[float, int]:
        """Return the bytes that so many streams took, and how many of them did not end complete."""
        gc.collect()
        before = rss()
        found = await asyncio.gather(*(opened() for _ in range(count)), return_exceptions=True)
        failures: list[object] = [stream for stream in found if isinstance(stream, BaseException)]
        reading = [asyncio.create_task(read(stream)) for stream in found if not isinstance(stream, BaseException)]
        del found
        gc.collect()
        # Let all of them wait; a task begins in the next round of the loop.
        await asyncio.sleep(0)
        taken = rss() - before
        await _release(base_url)
        _, stuck = await asyncio.wait(reading, timeout=_LOST_S)
        for task in stuck:
            task.cancel()
        failures.extend(end for end in await asyncio.gather(*reading, return_exceptions=True) if end is not None)
        for failure in failures[:3]:
            print(f"lost: {failure!r}", file=sys.stderr)
        return taken, len(failures)

    async with AsyncClient(api_key="sk-benchmark", base_url=base_url) as client:
        await held(20)
        taken, lost = await held(streams)
    # What a closed connection leaves to the loop is done in its next rounds.
    for _ in range(10):
        await asyncio.sleep(0)
    left = descriptors() - descriptors_at_start
    return {"kb_each": taken / streams / 1000, "lost": lost, "descriptors": left}


async def _release(base_url: str) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{base_url}/release") as response:
        response.raise_for_status()


_CLIENTS: dict[str, Callable[..., Coroutine[Any, Any, dict[str, float]]]] = {"paced": paced, "idle": idle}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if a stream did not give what was sent. A figure that falls short is no failure."""
    options = _parser().parse_args(arguments)
    if options.client:
        raise_limit()
        name, *call = json.loads(options.client)
        print(json.dumps(asyncio.run(_CLIENTS[name](*call))))
        return 0
    facts = environment() | {"command": " ".join(["python -m benchmarks.streams", *sys.argv[1:]])}
    print(*environment_lines(facts), sep="\n")
    try:
        figures: list[Figure] = []
        if "p10" in options.only:
            figures.extend(p10(options.streams or 1000, options.events, options.rounds))
        if "p11" in options.only:
            figures.extend(p11(options.streams or 10_000))
    except (CountsDiffer, TooFewDescriptors) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(*target_table(figures, judged=True), sep="\n")
    if options.json:
        results = {"environment": facts, "targets": [asdict(figure) | {"met": figure.met} for figure in figures]}
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return int(any(figure.says.startswith("lost") and not figure.met for figure in figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.streams", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", metavar="NAMES", default="p10,p11", help="some of p10,p11")
    parser.add_argument("--streams", type=int, metavar="N", help="instead of 1,000 (p10) and 10,000 (p11)")
    parser.add_argument("--events", type=int, metavar="N", default=200, help="of each paced stream; 200")
    parser.add_argument("--rounds", type=int, metavar="N", default=3, help="of p10; 3")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--client", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
