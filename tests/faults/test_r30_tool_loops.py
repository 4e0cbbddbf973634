"""R30: "an answer with two calls cut at every byte, FIN, RST and EOF: no tool runs before the evidence; every dialect
and random mixes of them: no call with wrong arguments, none twice; `anext` cancelled every millisecond through two
rounds: nothing lost, two tools, two requests".

The full size is ``pytest -m slow -k r30 -s``.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias, get_args, get_type_hints

import pytest
from assistants_wire import STREAM_HEAD, chunk, stream
from chat_wire import CALLS, DONE, HELLO, MESSAGES
from loop_talks import ANSWER, asks
from raw_server import Exchange, raw_server
from scripted import FRAMINGS, Answer, End, Framing, answer_of, held, play, still_held
from wire_reading import has_evidence, read

from asyncstream import AsyncClient, AsyncStreamError
from asyncstream.accumulators import RoundDone
from asyncstream.server import (
    DIALECTS,
    RESPONSES_DIALECTS,
    CallFunction,
    ChatDialect,
    ResponsesDialect,
    Say,
    Scenario,
    Turn,
    serve,
)

BODY = b"".join([*CALLS, DONE])
BOTH = ["Lisbon", "Oslo"]


# Cut anywhere.


class Cut(NamedTuple):
    """Where an answer with two calls is cut, and how."""

    framing: Framing
    chunks: int
    end: End
    at: int

    @property
    def answer(self) -> Answer:
        return answer_of(BODY, self.framing, chunks=self.chunks)


def cuts() -> Iterator[Cut]:
    for framing, chunks in (*((framing, 0) for framing in FRAMINGS), ("chunked", 7)):
        for end in (End.FIN, End.RST, End.HALF_CLOSE):
            for at in range(len(answer_of(BODY, framing, chunks=chunks).wire) + 1):
                yield Cut(framing, chunks, end, at)


async def run_cuts(cases: Iterable[Cut]) -> tuple[int, int, list[str]]:
    """Run cases one after another; return how many there were, in how many the tools ran, and what is wrong."""
    count, ran_in, wrong = 0, 0, []
    script: list[Any] = []
    ran: list[str] = []

    async def answer(exchange: Exchange) -> None:
        if any(message["role"] == "tool" for message in json.loads(exchange.body)["messages"]):
            await stream(exchange, *ANSWER)
        else:
            await play(exchange, script)

    async def get_current_weather(city: str) -> str:
        ran.append(city)
        return city

    async with raw_server(answer) as server:
        for case in cases:
            script[:] = [case.answer.wire[: case.at], case.end]
            ran.clear()
            before = held()
            error: Exception | None = None
            async with AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client:
                try:
                    options: Any = {"messages": MESSAGES, "model": "m", "run_tools": [get_current_weather]}
                    async with client.chat.completions.stream(**options) as s:
                        await s.until_done()
                except AsyncStreamError as caught:
                    error = caught
            evidence = has_evidence(read(BODY[: case.answer.body_at(case.at)], "chat").events, "chat")
            # A reset may take the evidence away.
            allowed = [sorted(BOTH)] if evidence else [[]]
            if case.end is End.RST:
                allowed.append([])
            if sorted(ran) not in allowed:
                wrong.append(f"{case}: ran {ran}, {'' if evidence else 'no '}evidence, {error!r}")
            elif (error is None) != bool(ran):
                wrong.append(f"{case}: ran {ran}, but {error!r}")
            del error
            if (left := await still_held(before)) != (0, 0):
                wrong.append(f"{case}: {left} tasks and descriptors are left")
            count += 1
            ran_in += bool(ran)
    return count, ran_in, wrong


def show(name: str, found: tuple[int, int, list[str]]) -> None:
    print(f"\nR30 {name}: {found[0]} cases, in {found[1]} all tools ran, {len(found[2])} wrong")

    assert [] == found[2][:5]
    # In no size is it all of one kind.
    assert 0 < found[1] <= found[0]


@pytest.mark.faults
async def test_no_tool_runs_before_the_evidence_at_a_sample_of_cuts():
    some = random.Random(1).sample(list(cuts()), 200)
    late = [cut for cut in cuts() if cut.answer.body_at(cut.at) > len(BODY) - 300]
    show("cuts, sample", await run_cuts([*some, *random.Random(2).sample(late, 100)]))


@pytest.mark.slow
@pytest.mark.parametrize("end", [End.FIN, End.RST, End.HALF_CLOSE], ids=lambda end: end.value)
async def test_no_tool_runs_before_the_evidence_at_any_byte(end):
    show(f"cuts, {end.value}", await run_cuts(cut for cut in cuts() if cut.end is end))


# In any dialect.

Dialect: TypeAlias = ChatDialect | ResponsesDialect


def forms_of(kind: type[Dialect]) -> dict[str, tuple[Any, ...]]:
    """Return what each member of a dialect may be, but how it fails, and who goes before whom."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name not in ("errors", "failures", "order")}
    words = {name: get_args(hint) for name, hint in hints.items() if get_args(hint) and hint is not frozenset[str]}
    switches = {name: (False, True) for name, hint in hints.items() if hint is bool and name not in NOT_MIXED}
    return {name: forms for name, forms in words.items() if isinstance(forms[0], str)} | switches


NOT_MIXED = ("any_parameter", "always_completed", "lost_text")
"""What has no part in what is called; and what loses more than calls: a text takes the place of one."""

UNDECIDED: list[dict[str, tuple[Any, ...]]] = [
    # A name, whole arguments and an id that is new, without an index: a second call is sent in no other way.
    {"arguments": ("repeated",), "call_id": ("late",), "names": ("every",), "call_index": ("absent", "null")},
    # Arguments for an item that nothing else names, without an index: a call that was joined late has no other event.
    {"ids": ("each",), "indexes": ("absent",), "whole_arguments": (True,)},
]
"""What together says of one call twice what nobody can tell from two."""

ARGUMENTS: list[dict[str, Any]] = [
    {"x": 1, "words": 'say "hi" {to} [them]\\'},
    {"x": 2, "words": "é\u2028\U0001f600\n"},
    {"x": 2, "words": ""},
]


def mixes(kind: type[Dialect], count: int, seed: int) -> Iterator[Dialect]:
    """Give dialects of any forms together, but those that cannot be and those that cannot be told."""
    dice = random.Random(seed)
    forms = forms_of(kind)
    while count:
        members: dict[str, Any] = {name: dice.choice(listed) for name, listed in forms.items() if dice.random() < 0.5}
        members["noise"] = dice.choice((b"", b": ping\n\n"))
        if any(all(members.get(name) in forms for name, forms in mix.items()) for mix in UNDECIDED):
            continue
        try:
            yield kind(**members, any_parameter=True)
        except ValueError:
            continue
        count -= 1


async def run_dialects(dialects: Iterable[Dialect]) -> tuple[int, int, list[str]]:
    """Run dialects one after another; return how many there were, in how many all tools ran, and what is wrong."""
    count, ran_in, wrong = 0, 0, []
    ran: list[dict[str, Any]] = []

    async def f(x: int, words: str) -> str:
        ran.append({"x": x, "words": words})
        return words

    calls = [CallFunction("f", arguments, id=f"call_{place}") for place, arguments in enumerate(ARGUMENTS)]
    scenario = Scenario()
    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url, max_retries=0) as client:
        for dialect in dialects:
            ran.clear()
            scenario.requests.clear()
            scenario.turns.clear()
            scenario.turns.extend((Turn(Say("I look."), *calls), Turn(Say("Done."))))
            s: Any
            if isinstance(dialect, ChatDialect):
                scenario.dialect = dialect
                s = client.chat.completions.stream(
                    messages=[{"role": "user", "content": "hi"}], model="m", run_tools=[f]
                )
            else:
                scenario.responses_dialect = dialect
                s = client.responses.stream(input="hi", model="m", run_tools=[f])
            error: Exception | None = None
            try:
                # What nobody could tell apart is an error, or is told to the model: it runs nothing.
                with suppress(AsyncStreamError):
                    async with s:
                        await s.until_done()
            except Exception as caught:
                error = caught
            except BaseException:
                print(f"\nR30 was stopped in {dialect}: ran {ran}")
                raise
            counted = Counter(json.dumps(arguments) for arguments in ran)
            if error is not None or counted - Counter(map(json.dumps, ARGUMENTS)):
                wrong.append(f"{dialect}: ran {ran}, {error!r}")
                # The assertion shows five, and those cut short.
                print(f"\nR30 wrong: {wrong[-1]}")
            count += 1
            ran_in += len(ran) == len(ARGUMENTS)
    return count, ran_in, wrong


NAMED: dict[type[Dialect], list[Dialect]] = {
    ChatDialect: [*DIALECTS.values()],
    ResponsesDialect: [*RESPONSES_DIALECTS.values()],
}


@pytest.mark.faults
@pytest.mark.parametrize("kind", NAMED)
async def test_every_form_and_named_dialect_calls_with_what_was_said(kind):
    single = [kind(**{name: form}) for name, forms in forms_of(kind).items() for form in forms]
    found = await run_dialects([*NAMED[kind], *single])
    show(f"{kind.__name__}s", found)

    assert found[0] == found[1]


@pytest.mark.faults
@pytest.mark.parametrize("kind", NAMED)
async def test_a_hundred_mixes_of_dialects_call_nothing_wrong_and_nothing_twice(kind):
    show(f"100 mixes, {kind.__name__}", await run_dialects(mixes(kind, 100, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", NAMED)
async def test_ten_thousand_mixes_of_dialects_call_nothing_wrong_and_nothing_twice(kind):
    show(f"10,000 mixes, {kind.__name__}", await run_dialects(mixes(kind, 10_000, 2)))


# Cancelled all the time.


async def read_cancelled(rounds: int, seed: int) -> None:
    """Read two rounds again and again, each wait cancelled after a millisecond or less."""
    dice = random.Random(seed)
    done: list[int] = []

    async def f(x: int) -> int:
        for _ in range(5):
            await asyncio.sleep(0.0005)
        done.append(x)
        return x

    async def slow(exchange: Exchange) -> None:
        told = any(message["role"] == "tool" for message in json.loads(exchange.body)["messages"])
        await asyncio.sleep(dice.random() * 0.004)
        await exchange.send(STREAM_HEAD)
        for frame in [*HELLO, DONE] if told else asks(("f", {"x": 1}), ("f", {"x": 2})):
            await asyncio.sleep(dice.random() * 0.002)
            await exchange.send(chunk(frame))
        await exchange.send(b"0\r\n\r\n")

    async with raw_server(slow) as server, AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client:
        whole: list[str] = []
        options: Any = {"messages": MESSAGES, "model": "m", "run_tools": [f]}
        async with client.chat.completions.stream(**options) as s:
            whole = [kind_of(change) async for change in s.changes]
        for _ in range(rounds):
            done.clear()
            before = len(server.requests)
            seen: list[str] = []
            async with client.chat.completions.stream(**options) as s:
                changes = s.changes
                while True:
                    try:
                        seen.append(kind_of(await asyncio.wait_for(anext(changes), dice.random() * 0.001)))
                    except TimeoutError:
                        continue
                    except StopAsyncIteration:
                        break

            assert sorted(whole) == sorted(seen)
            assert ([1, 2], 2) == (sorted(done), len(server.requests) - before)


def kind_of(change: Any) -> str:
    return f"{type(change).__name__} {change.round if isinstance(change, RoundDone) else change.index}"


@pytest.mark.faults
async def test_waits_cancelled_every_millisecond_lose_nothing():
    await read_cancelled(20, 1)


@pytest.mark.slow
async def test_waits_cancelled_every_millisecond_lose_nothing_in_500_streams():
    await read_cancelled(500, 2)
