"""`python -m benchmarks.relay`: what the relay moves in one process, how long an event is on its way, what views cost.

What is measured, with 1 reader and with 200, over the store in memory, over Redis and over a Redis Cluster of three
masters; and the direct relay:

- throughput: events a second from a source that has them all, from the first until the last reader has the last one;
  each reader gets each event, so 200 readers get 200 times as many;
- latency: from the moment at which the source hands an event out to the moment at which a reader has it, at a fixed
  rate; the median and the 99th percentile over all events and readers.

Of these is held constant: one process and one event loop for producer and readers, who are there before the first
event. Events are message deltas of 260 bytes of JSON. What is counted are entries (in the direct relay: frames), not
HTTP: what sockets and browsers add is not in it. Redis is a redis-server of its own on the loopback, started here
without persistence, and so are the masters of the cluster, which have no replicas: all of a run is at one of them.
Without the program or the extra these rows are skipped.

And, in a table of its own, what an event costs a backend in the direct relay as pages read it, against the wire's own
events: CPU time of a whole answer of text of each protocol, from the request of a real client to the last frame, by
events. Held constant: what is held in `rounds` (interleaved rounds, a server in a process of its own); answers of 2,000
deltas that come in bulk; what the frames hold is looked at once, and then only how many bytes they have. About a minute
and a half in all.

    python -m benchmarks.relay --json relay.json
    python -m benchmarks.relay --quick      # for CI: short runs, counts checked
"""

import argparse
import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import quantiles

from asyncstream.relay import Entry, MemoryStore, RedisStore, RunLog, sse_frames
from asyncstream.relay.log.store import Store
from benchmarks.adapters import PAGE_VIEWS, RELAY
from benchmarks.free_ports import free_port
from benchmarks.report import aligned, environment, environment_lines
from benchmarks.rounds import Cell, CountsDiffer, Spread, measure_rounds, ratio
from benchmarks.server import running

__all__ = ["main"]

_DATA = json.dumps(
    {
        "id": "msg_0123456789abcdef01234567",
        "object": "thread.message.delta",
        "delta": {"content": [{"index": 0, "type": "text", "text": {"value": "x" * 110, "annotations": []}}]},
    }
).encode()

_START_SECONDS = 10.0

_SLOTS = 16_384
"""Of a Redis Cluster."""


@dataclass(frozen=True)
class Measured:
    """One row."""

    way: str
    readers: int
    events: int
    events_per_s: float
    deliveries_per_s: float
    rate: float
    """Events a second while latency was measured."""
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class ViewCost:
    """One row of the table of views."""

    protocol: str
    view: str
    us: float
    """CPU of an event, the median."""
    times_events: Spread
    """How often it contains that of an event in the view "events", round by round."""


class Source:
    """Entries, and when each was handed out."""

    def __init__(self, events: int, rate: float | None) -> None:
        self.events = events
        self.rate = rate
        self.at: list[float] = []
        self.go = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[Entry]:
        await self.go.wait()
        begun = time.perf_counter()
        for number in range(self.events):
            if self.rate is not None:
                early = begun + number / self.rate - time.perf_counter()
                if early > 0:
                    await asyncio.sleep(early)
            self.at.append(time.perf_counter())
            yield Entry(None, "thread.message.delta", _DATA)


Read = Callable[[Source, int], Awaitable[list[list[float]]]]
"""Relays a source to as many readers; gives, for each, when it had each event."""


def _through(store: Store) -> Read:
    async def read(source: Source, readers: int) -> list[list[float]]:
        async with asyncio.timeout(600):
            log = RunLog(store)
            run_id = f"run-{time.time_ns()}"
            waiting = 0
            await log.start(run_id, aiter(source))

            async def follow() -> list[float]:
                nonlocal waiting
                async with log.follow(run_id) as following:
                    waiting += 1
                    if waiting == readers:
                        source.go.set()
                    at = [time.perf_counter() async for _ in following]
                return at[:-1]

            return list(await asyncio.gather(*(follow() for _ in range(readers))))

    return read


async def _direct(source: Source, readers: int) -> list[list[float]]:
    at: list[float] = []
    source.go.set()
    async for data in sse_frames(aiter(source)):
        at.extend([time.perf_counter()] * data.count(b"event: thread.message.delta"))
    return [at]


async def _measure(way: str, read: Read, readers: int, events: int, paced: int, rate: float) -> Measured:
    source = Source(events, None)
    seen = await read(source, readers)
    took = max(at[-1] for at in seen) - source.at[0]
    _check(way, seen, readers, events)
    source = Source(paced, rate)
    seen = await read(source, readers)
    _check(way, seen, readers, paced)
    late = [(got - given) * 1000 for at in seen for given, got in zip(source.at, at, strict=True)]
    cuts = quantiles(late, n=100)
    return Measured(way, readers, events, events / took, events * readers / took, rate, cuts[49], cuts[98])


def _check(way: str, seen: Sequence[Sequence[float]], readers: int, events: int) -> None:
    counts = {len(at) for at in seen}
    if len(seen) != readers or counts != {events}:
        raise SystemExit(f"error: {way}: {len(seen)} readers saw {sorted(counts)} events, {events} were sent")


@contextmanager
def _redis() -> Iterator[Sequence[str]]:
    """Run a redis-server and a cluster; give the URL of each, or none where there is no such program."""
    program = shutil.which("redis-server")
    missing = "redis-server is not installed" if program is None else None
    if find_spec("redis") is None:
        missing = "the extra [redis] is not installed"
    if missing is not None or program is None:
        print(f"skipped: Redis ({missing})")
        yield []
        return
    with ExitStack() as running:
        one = running.enter_context(_server(program))
        masters = [running.enter_context(_server(program, "--cluster-enabled", "yes")) for _ in range(3)]
        _join(masters)
        yield [f"redis://127.0.0.1:{one}/0", f"redis+cluster://127.0.0.1:{masters[0]}"]


@contextmanager
def _server(program: str, *options: str) -> Iterator[int]:
    """Run a redis-server; give its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory, *options]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                _until(lambda: _answer(port, "PING").startswith("+PONG"))
                yield port
            finally:
                process.kill()


def _join(masters: Sequence[int]) -> None:
    """Make nodes one cluster, and wait until each knows that it is whole."""
    bounds = [_SLOTS * number // len(masters) for number in range(len(masters) + 1)]
    for number, port in enumerate(masters):
        _answer(port, f"CLUSTER SET-CONFIG-EPOCH {number + 1}")
        _answer(port, "CLUSTER ADDSLOTS " + " ".join(map(str, range(bounds[number], bounds[number + 1]))))
        _answer(port, f"CLUSTER MEET 127.0.0.1 {masters[0]}")
    _until(lambda: all("cluster_state:ok" in _answer(port, "CLUSTER INFO") for port in masters))


def _answer(port: int, command: str) -> str:
    """Send a command; return the beginning of its answer, nothing if there is none."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(4096).decode()
    except OSError:
        return ""


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if holds():
            return
        time.sleep(0.02)
    raise SystemExit(f"error: redis-server did not answer within {_START_SECONDS:g} s")


async def _measure_all(urls: Sequence[str], *, quick: bool) -> list[Measured]:
    measured = []
    one, many = (500, 50) if quick else (50_000, 2_000)
    paced, rate = (200, 1_000.0) if quick else (5_000, 1_000.0)
    stores: list[tuple[str, Store]] = [("memory", MemoryStore(max_events=100_000, max_bytes=2**30))]
    for name, url in zip(("Redis", "cluster"), urls, strict=False):
        stores.append((name, RedisStore(url, max_events=100_000)))
    measured.append(await _measure("direct", _direct, 1, one, paced, rate))
    for name, store in stores:
        measured.append(await _measure(name, _through(store), 1, one, paced, rate))
        # 200 readers take 200 times as many: what one process delivers in a second is the limit.
        measured.append(await _measure(name, _through(store), 200, many, min(paced, 1_000), rate / 10))
        await store.close()
    return measured


async def _measure_views(base_url: str, *, quick: bool) -> list[ViewCost]:
    size, rounds = (200, 2) if quick else (2_000, 21)
    kinds = {"chat": "chat", "Assistants": "text", "Responses": "response"}
    streams = {protocol: f"{kind}-{size}.bulk" for protocol, kind in kinds.items()}
    relays = {"events": RELAY, **{view: f"{RELAY} {view}" for view in PAGE_VIEWS}}
    cells = [Cell(adapter, stream) for stream in streams.values() for adapter in relays.values()]
    costs = await measure_rounds(base_url, cells, rounds)
    measured = []
    for protocol, stream in streams.items():
        for view, adapter in relays.items():
            cost = costs[Cell(adapter, stream)]
            us = Spread.of(cost.seconds).median / cost.events * 1e6
            measured.append(ViewCost(protocol, view, us, ratio(cost, costs[Cell(RELAY, stream)])))
    return measured


def _view_table(measured: Sequence[ViewCost]) -> list[str]:
    head = ("direct relay", "view", "us an event", "of events", "low", "high")
    rows = [
        (row.protocol, row.view, f"{row.us:.1f}", *(f"{times:.2f}x" for times in row.times_events)) for row in measured
    ]
    return aligned([head, *rows], left=2)


def _table(measured: Sequence[Measured]) -> list[str]:
    head = ("way", "readers", "events/s", "deliveries/s", "latency at", "p50", "p99")
    rows = [
        (
            row.way,
            str(row.readers),
            f"{row.events_per_s:,.0f}",
            f"{row.deliveries_per_s:,.0f}",
            f"{row.rate:,.0f}/s",
            f"{row.p50_ms:.2f} ms",
            f"{row.p99_ms:.2f} ms",
        )
        for row in measured
    ]
    return aligned([head, *rows], left=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; it fails if an event was lost or came twice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relay", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="short runs: checks counts, no figures")
    parser.add_argument("--json", metavar="FILE", help="write every figure")
    options = parser.parse_args(arguments)
    facts = environment()
    facts["command"] = " ".join(["python -m benchmarks.relay", *sys.argv[1:]])
    print(*environment_lines(facts), sep="\n")
    with _redis() as urls:
        measured = asyncio.run(_measure_all(urls, quick=options.quick))
    print(*_table(measured), "", sep="\n", flush=True)
    try:
        with running() as base_url:
            views = asyncio.run(_measure_views(base_url, quick=options.quick))
    except CountsDiffer as error:
        raise SystemExit(f"error: {error}") from error
    print(*_view_table(views), sep="\n")
    if options.json:
        rows = {"relay": [asdict(row) for row in measured], "views": [asdict(row) for row in views]}
        results = {"environment": facts, **rows}
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
