"""R32: a background response whose connection is cut at every byte, by FIN and RST, in three framings, once or many
times: behind its first event with id and number the changes, events and the response are those of an uncut stream.

Also: one POST, whatever happens; an earlier cut is an error that says that the response may be running, and asks for
nothing; no case leaves a task or a descriptor behind. The full size is ``pytest -m slow -k r32 -s``.
"""

import asyncio
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import pytest
from raw_server import Exchange, raw_server
from responses_wire import answer, call, custom_call, event, hello, message
from scripted import FRAMINGS, End, Framing, answer_of, held, play, still_held
from shared_files import SHARED

from asyncstream import APIConnectionError, AsyncClient, AsyncStreamError, StreamInterruptedError, StreamTruncatedError

LONGEST = 5.0
"""Seconds in which a response must have come, however often its connection was cut."""

ENDS = (End.FIN, End.RST)
RUNNING = "the response may be running in the background"


def keepalive(number: int) -> bytes:
    return b'event: keepalive\ndata: {"type":"keepalive","sequence_number":%d}\n\n' % number


def renumbered(frames: list[bytes], more: dict[int, bytes]) -> list[bytes]:
    """Put events that are nothing of the protocol, and take a number, before some frames."""
    found: list[bytes] = []
    for place, frame in enumerate(frames):
        if place in more:
            found.append(keepalive(len(found)))
        name, _, data = frame.partition(b"\ndata: ")
        members = {**json.loads(data), "sequence_number": len(found)}
        found.append(name + b"\ndata: " + json.dumps(members).encode() + b"\n\n")
    return found


def with_picture() -> list[bytes]:
    item = {"type": "image_generation_call", "id": "ig_1", "status": "in_progress", "result": None}
    place = {"item_id": "ig_1", "output_index": 0}
    done = {**item, "status": "completed", "result": "QUJD" * 40}
    events: list[tuple[str, dict[str, Any]]] = [
        ("created", {"response": {"id": "resp_1", "object": "response", "status": "queued", "background": True}}),
        ("output_item.added", {"output_index": 0, "item": item}),
        ("image_generation_call.generating", place),
        ("image_generation_call.partial_image", {**place, "partial_image_index": 0, "partial_image_b64": "QUI="}),
        ("output_item.done", {"output_index": 0, "item": done}),
        ("incomplete", {"response": {"id": "resp_1", "status": "incomplete", "background": True, "output": [done]}}),
    ]
    return [event(name, sequence_number=number, **members) for number, (name, members) in enumerate(events)]


def recorded(name: str) -> list[bytes]:
    file = SHARED / "recordings_responses" / f"{name}.sse"
    frames = [frame + b"\n\n" for frame in file.read_bytes().split(b"\n\n") if frame.strip()] if file.exists() else []
    return [frame for frame in frames if b"data:" in frame]


@cache
def bodies() -> dict[str, list[bytes]]:
    """Return the events of each response, one a frame, numbered from 0."""
    text = hello(texts=("H\u00e9", "l\U0001f98a", "", "lo"), background=True)
    found = {
        "text": text,
        "keepalives": renumbered(text, {2: b"", 5: b""}),
        "calls": answer(call("a", "f", '{"x": 1}'), custom_call("b"), message("so"), background=True),
        "picture": with_picture(),
        "recorded": recorded("openai-test_background_mode_streaming_continuation_vcr_i0"),
    }
    return {name: frames for name, frames in found.items() if frames}


class Case(NamedTuple):
    """Where the bodies of a response are cut, one after the other, and how."""

    name: str
    framing: Framing
    end: End
    cuts: tuple[int, ...]
    """Bytes of each answer, head included; those after these are whole."""

    def __str__(self) -> str:
        return f"{self.name}, {self.framing}, {self.end.value} at {self.cuts}"


@cache
def wire(name: str, framing: Framing, first: int = 0) -> bytes:
    return answer_of(b"".join(bodies()[name][first:]), framing).wire


@cache
def healed_from(name: str, framing: Framing) -> int:
    """Return behind which byte of an answer the first event has come."""
    frames = bodies()[name]
    # Its blank line may be missing: a whole line of data is read all the same.
    return answer_of(b"".join(frames), framing).wire_at(len(frames[0]))


def every_cut(*ends: End) -> Iterator[Case]:
    for name in bodies():
        for framing in FRAMINGS:
            for end in ends:
                for at in range(len(wire(name, framing)) + 1):
                    yield Case(name, framing, end, (at,))


def many_cuts(count: int, seed: int) -> Iterator[Case]:
    """Give responses that are cut again and again, mostly after some more of their events."""
    chance = random.Random(seed)
    for _ in range(count):
        name, framing = chance.choice(list(bodies())), chance.choice(FRAMINGS)
        first = healed_from(name, framing)
        sizes = [chance.randint(first, len(wire(name, framing))), *(chance.randint(0, 3000) for _ in range(6))]
        yield Case(name, framing, chance.choice(ENDS), tuple(sizes))


@dataclass
class Sweep:
    """The count of many cases."""

    cases: int = 0
    healed: int = 0
    early: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.cases} cases, {self.healed} healed, {self.early} cut too early, {len(self.wrong)} wrong"


class Outcome(NamedTuple):
    """What a stream has told."""

    changes: list[str]
    numbers: list[object]
    response: object


def told(change: Any) -> str:
    key = (change.parent, getattr(change, "index", 0), getattr(change, "field", ""), getattr(change, "delta", ""))
    return f"{type(change).__name__} {key}"


async def listen(client: AsyncClient, background: bool = True) -> Outcome:
    changes: list[str] = []
    numbers: list[object] = []
    last: object = None
    async with client.responses.stream(model="m", input="hi", background=background) as stream:
        async for change in stream.changes:
            changes.append(told(change))
            if stream.current_event is not last:
                last = stream.current_event
                numbers.append(getattr(last, "sequence_number", None))
        return Outcome(changes, numbers, stream.accumulator.response)


async def sweep(cases: Iterable[Case]) -> Sweep:
    """Run cases one after another, each with a client of its own."""
    found = Sweep()
    expected: dict[str, Outcome] = {}
    case = Case("", "chunked", End.FIN, ())
    left_to_cut: list[int] = []

    async def serve(exchange: Exchange) -> None:
        first = 0
        if exchange.method == "GET":
            first = int(parse_qs(exchange.target.partition("?")[2])["starting_after"][0]) + 1
        whole = wire(case.name, case.framing, first)
        at = left_to_cut.pop(0) if left_to_cut else len(whole)
        apart = at % 2
        end = [case.end] if at < len(whole) or case.framing == "close" else []
        # A reset in the same turn takes with it what was not read yet.
        await play(exchange, [whole[:at], *([0.0] * 5 * apart), *end])

    async def once() -> Outcome | AsyncStreamError:
        async with AsyncClient(api_key="k", base_url=server.url, max_retries=9) as client:
            client._transport._sleep = no_wait
            try:
                async with asyncio.timeout(LONGEST):
                    return await listen(client)
            except AsyncStreamError as error:
                return error.with_traceback(None)

    async with raw_server(serve) as server:
        for name in bodies():
            case = Case(name, "chunked", End.FIN, ())
            outcome = await once()
            assert isinstance(outcome, Outcome), outcome
            expected[name] = outcome
        for case in cases:
            left_to_cut[:] = case.cuts
            before = held()
            asked = len(server.requests)
            outcome = await once()
            methods = [request.method for request in server.requests[asked:]]
            found.cases += 1
            problem = judge(case, outcome, expected[case.name], methods, found)
            del outcome
            left = await still_held(before)
            if max(left) > 0:
                problem = problem or f"{left[0]} tasks and {left[1]} descriptors are left"
            if problem:
                found.wrong.append(f"{case}: {problem}")
    return found


async def no_wait(seconds: float) -> None:
    """Stand in for the waits between two attempts."""


def judge(
    case: Case, outcome: Outcome | AsyncStreamError, expected: Outcome, methods: list[str], found: Sweep
) -> str | None:
    """Return what is wrong with what came of a case."""
    if methods.count("POST") != 1:
        return f"requests: {methods}"
    if isinstance(outcome, Outcome):
        found.healed += "GET" in methods
        if outcome.changes != expected.changes:
            return f"changes {outcome.changes}, expected {expected.changes}"
        return None if outcome == expected else f"{outcome}, expected {expected}"
    found.early += 1
    # A reset may take the first event with it, wherever it comes.
    early = case.cuts[0] < healed_from(case.name, case.framing) or case.end is End.RST
    if not early:
        return f"{type(outcome).__name__}: {outcome}"
    if isinstance(outcome, StreamInterruptedError | StreamTruncatedError):
        said = RUNNING in str(outcome) and outcome.events_seen == 0
        return None if said and methods == ["POST"] else f"{outcome} after {outcome.events_seen} events, {methods}"
    return None if isinstance(outcome, APIConnectionError) else f"{type(outcome).__name__}: {outcome}"


async def run(cases: list[Case], name: str) -> Sweep:
    found = await sweep(cases)
    print(f"\nR32 {name}: {found}")

    assert [] == found.wrong[:5]
    assert len(cases) == found.cases
    return found


async def test_a_sample_of_cuts():
    found = await run(random.Random(1).sample(list(every_cut(*ENDS)), 80), "sample")

    assert found.healed > 30


async def test_a_sample_of_responses_that_are_cut_again_and_again():
    found = await run(list(many_cuts(30, seed=2)), "again and again, sample")

    assert found.healed > 20


@pytest.mark.faults
async def test_cuts_anywhere():
    found = await run(random.Random(3).sample(list(every_cut(*ENDS)), 1000), "anywhere")

    assert found.healed > 400


@pytest.mark.faults
async def test_responses_that_are_cut_again_and_again():
    await run(list(many_cuts(300, seed=4)), "again and again")


@pytest.mark.slow
@pytest.mark.parametrize("end", ENDS, ids=["fin", "rst"])
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", ["text", "keepalives", "calls", "picture", "recorded"])
async def test_every_byte(name, framing, end):
    cases = [case for case in every_cut(end) if (case.name, case.framing) == (name, framing)]
    if not cases:
        pytest.skip("the recordings are not here")
    await run(cases, f"every byte of {name}, {framing}, {end.value}")
