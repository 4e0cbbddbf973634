"""`python -m benchmarks.soak`: 10,000 streams in sequence, 1,000,000 events, a fifth of the streams with faults (R15).

What is watched: the resident memory of this process, its descriptors and its tasks, every 100 streams, after a garbage
collection. Judged is what grows: the slope of the memory over the second half (least squares, times its length; the
first half is the warm-up), and the descriptors and tasks above those of the start once the client is closed.

Every stream must end as it should: a good one complete, with every event; one with a fault with the error of that
fault. The faults take turns: an orderly close or a reset in the middle, an error event, a frame that is no JSON, a
server that falls silent (the reading task is cancelled), a consumer that leaves early, status 500. So do the protocols
and the ways of reading: events, text, changes, a handler, until done.

Held constant: the server in a process of its own (`stream_server`); one client, without retries, for all streams;
loopback. It takes about two minutes. Linux only.

    python -m benchmarks.soak --json soak.json
    python -m benchmarks.soak --streams 2000 --events 40
"""

import argparse
import asyncio
import gc
import itertools
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from asyncstream import (
    AssistantEventHandler,
    AssistantStream,
    AsyncClient,
    AsyncStreamError,
    ChatStream,
    InternalServerError,
    StreamDecodeError,
    StreamEventError,
    StreamInterruptedError,
)
from asyncstream.types import Text, TextDelta
from benchmarks.process import descriptors, raise_limit, rss
from benchmarks.report import environment, environment_lines, target_table
from benchmarks.rounds import Spread
from benchmarks.stream_server import running
from benchmarks.targets import Figure
from benchmarks.workloads import make

__all__ = ["FAULTS", "Soaked", "growth", "main", "soak"]

_SAMPLE_EVERY = 100
_FAULT_EVERY = 5

FAULTS: dict[str, tuple[str, type[BaseException] | None]] = {
    "fin": ("fin", StreamInterruptedError),
    "rst": ("rst", StreamInterruptedError),
    "error": ("error", StreamEventError),
    "garbage": ("garbage", StreamDecodeError),
    "stalled and cancelled": ("stall", asyncio.CancelledError),
    "closed early": ("stall", None),
    "refused": ("refused", InternalServerError),
}
"""Fault -> the server's plan, and what the reader must see; None is no error."""

AnyStream: TypeAlias = AssistantStream | ChatStream


@dataclass
class Soaked:
    """What a soak showed."""

    streams: int = 0
    events: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """How many streams had which fault; `complete` is none."""
    wrong: list[str] = field(default_factory=list)
    """Streams that did not end as they should."""
    rss: list[int] = field(default_factory=list)
    """Bytes, a sample each 100 streams."""
    descriptors: list[int] = field(default_factory=list)
    """The same, above those of the start; the last is taken once the client is closed."""
    tasks: list[int] = field(default_factory=list)
    """The same."""

    def figures(self) -> list[Figure]:
        """Judge them."""
        says = f"{self.streams:,} streams, {self.events:,} events"
        figures = (
            ("memory growth in the second half", growth(self.rss) / 1e6, "MB", 5.0),
            ("descriptors at the end, above the start", self.descriptors[-1], "", 0.0),
            ("tasks at the end, above the start", self.tasks[-1], "", 0.0),
            ("streams that ended otherwise than they should", len(self.wrong), "", 0.0),
        )
        return [
            Figure("R15", f"{what}: {says}", Spread(value, value, value), unit, "at most", limit)
            for what, value, unit, limit in figures
        ]


def growth(samples: Sequence[float]) -> float:
    """Return how much the second half of some samples rises, as a line through them (least squares) does."""
    late = samples[len(samples) // 2 :]
    middle = (len(late) - 1) / 2
    mean = sum(late) / len(late)
    below = sum((position - middle) ** 2 for position in range(len(late)))
    above = sum((position - middle) * (sample - mean) for position, sample in enumerate(late))
    return above / below * (len(late) - 1) if below else 0.0


async def soak(streams: int = 10_000, events: int = 125, say: Callable[[str], None] = lambda text: None) -> Soaked:
    """Read so many streams, one after the other.

    Args:
        streams: How many, with those that have faults.
        events: Of a whole stream, without its `done`; at least 20.
        say: Where progress goes.
    """
    found = Soaked()
    plans = _plans(events)
    with running() as base_url:
        descriptors_at_start, tasks_at_start = descriptors(), len(asyncio.all_tasks())

        def sample() -> None:
            gc.collect()
            found.descriptors.append(descriptors() - descriptors_at_start)
            found.tasks.append(len(asyncio.all_tasks()) - tasks_at_start)

        async with AsyncClient(api_key="sk-benchmark", base_url=base_url, max_retries=0) as client:
            for plan in itertools.islice(plans, streams):
                await _run(client, plan, found)
                if found.streams % _SAMPLE_EVERY == 0:
                    sample()
                    found.rss.append(rss())
                    say(f"{found.streams:,} streams, {found.rss[-1] / 1e6:.1f} MB")
        # What a closed connection leaves to the loop is done in its next rounds.
        for _ in range(10):
            await asyncio.sleep(0)
        sample()
    return found


@dataclass(frozen=True)
class _Plan:
    """How one stream goes."""

    protocol: str
    workload: str
    fault: str | None
    way: str

    @property
    def sent(self) -> int:
        """Events that the server sends; all of them arrive, but before a reset perhaps fewer."""
        workload = make(self.workload)
        if self.fault is None:
            return workload.seen.events or 0
        return 0 if self.fault == "refused" else len(workload.frames) // 2


def _plans(events: int) -> Iterator[_Plan]:
    workloads = {"assistants": f"text-{events - 10}", "chat": f"chat-{events - 2}"}
    turns = {protocol: itertools.cycle(ways) for protocol, ways in _WAYS.items()}
    faults = itertools.cycle(FAULTS)
    for number in itertools.count(1):
        # 11 has no divisor in common with the numbers of the other turns: every fault meets either protocol.
        protocol = "chat" if number % 11 < 5 else "assistants"
        fault = next(faults) if number % _FAULT_EVERY == 0 else None
        yield _Plan(protocol, workloads[protocol], fault, next(turns[protocol]))


async def _run(client: AsyncClient, plan: _Plan, found: Soaked) -> None:
    """Read one stream, and compare how it ended with how it should."""
    stream = _stream(client, plan)
    expected = None if plan.fault is None else FAULTS[plan.fault][1]
    ended: BaseException | None = None
    try:
        match plan.fault:
            case "stalled and cancelled":
                await _cancel_in_a_stall(stream, plan.sent)
            case "closed early":
                async with stream:
                    await _some(stream, plan.sent)
            case _:
                async with stream:
                    await _WAYS[plan.protocol][plan.way](stream)
    except (AsyncStreamError, asyncio.CancelledError) as error:
        ended = error
    seen = stream.accumulator.events_seen
    right = type(ended) is (expected or type(None)) and stream.finished is (plan.fault is None)
    if not right or seen > plan.sent or (seen < plan.sent and plan.fault != "rst"):
        found.wrong.append(f"{plan}: {seen} events of {plan.sent}, then {ended!r}")
    found.streams += 1
    found.events += seen
    found.ends[plan.fault or "complete"] += 1


def _stream(client: AsyncClient, plan: _Plan) -> AnyStream:
    named = f"{plan.workload}.{'whole' if plan.fault is None else FAULTS[plan.fault][0]}"
    if plan.protocol == "chat":
        return client.chat.completions.stream(
            model="gpt-4o", messages=[{"role": "user", "content": "Say much."}], extra_query={"stream": named}
        )
    handler = _Handler() if plan.way == "handler" else None
    return client.threads.runs.stream(named, assistant_id="asst_1", event_handler=handler)


class _Handler(AssistantEventHandler):
    async def on_text_delta(self, delta: TextDelta, snapshot: Text) -> None:
        pass


async def _events(stream: AnyStream) -> None:
    async for _ in stream:
        pass


async def _text(stream: AnyStream) -> None:
    async for _ in stream.text_deltas:
        pass


async def _changes(stream: AnyStream) -> None:
    async for _ in stream.changes:
        pass


async def _done(stream: AnyStream) -> None:
    await stream.until_done()


_WAYS: dict[str, dict[str, Callable[[Any], Awaitable[None]]]] = {
    "assistants": {"events": _events, "text": _text, "changes": _changes, "handler": _done, "until done": _done},
    "chat": {"events": _events, "text": _text, "changes": _changes, "until done": _done},
}
"""Protocol -> the ways of reading it to its end."""


async def _some(stream: AnyStream, events: int) -> None:
    for _ in range(events):
        await anext(stream)


async def _cancel_in_a_stall(stream: AnyStream, events: int) -> None:
    """Read until nothing comes any more, and be cancelled while waiting for more."""
    read = asyncio.Event()

    async def reading() -> None:
        async with stream:
            await _some(stream, events)
            read.set()
            await anext(stream)

    task = asyncio.create_task(reading())
    await read.wait()
    # It waits once it has run on.
    await asyncio.sleep(0)
    task.cancel()
    await task


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if anything is not as it should be."""
    options = _parser().parse_args(arguments)
    raise_limit()
    facts = environment() | {"command": " ".join(["python -m benchmarks.soak", *sys.argv[1:]])}
    print(*environment_lines(facts), sep="\n")
    found = asyncio.run(soak(options.streams, options.events, _progress))
    print(*(f"{count:6,} {fault}" for fault, count in found.ends.most_common()), sep="\n")
    print(*(f"wrong: {text}" for text in found.wrong[:10]), sep="\n", end="\n" if found.wrong else "")
    figures = found.figures()
    print(*target_table(figures, judged=True), sep="\n")
    if options.json:
        targets = [asdict(figure) | {"met": figure.met} for figure in figures]
        results = {"environment": facts, "soak": vars(found), "targets": targets}
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return int(not all(figure.met for figure in figures))


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text}  ", end="\r", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, metavar="N", default=10_000, help="10,000 if it is not given")
    parser.add_argument("--events", type=int, metavar="N", default=125, help="of a whole stream; 125")
    parser.add_argument("--json", metavar="FILE", help="write the figures, and every sample")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
