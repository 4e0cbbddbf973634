"""A stream whose body breaks and goes on by another request: one cursor, one accumulator, nothing lost, nothing twice.

The protocol is made up: its answers are kept while they run, and each event has a number to ask after.
"""

import asyncio
import gc
import json
import pickle
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, ClassVar, Literal, TypeAlias

import pytest
from assistants_wire import STREAM_HEAD, chunk, stream
from msgspec import Struct
from raw_server import Exchange, Handler, RawServer, raw_server, response

from asyncstream import (
    APIResponseValidationError,
    APIStatusError,
    AsyncClient,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    StreamDecodeError,
    StreamEventError,
    StreamInterruptedError,
    StreamTimeoutError,
    StreamTruncatedError,
    Timeout,
)
from asyncstream.events.control import DoneEvent, ErrorEvent, UnknownEvent
from asyncstream.events.named import TaggedEvent, TaggedEvents
from asyncstream.events.withheld import Withheld
from asyncstream.streaming.healing import GoingOn
from asyncstream.streaming.stream import Stream
from asyncstream.transport import retry
from asyncstream.transport.http import Transport
from asyncstream.transport.observing import CallFailed, CallFinished, FirstEvent, Observation, RequestSent
from asyncstream.transport.request import Endpoint, Options, Request


class Begun(TaggedEvent, tag="tale.begun"):
    type: ClassVar[Literal["tale.begun"]] = "tale.begun"
    id: str
    n: int


class Told(TaggedEvent, tag="tale.told"):
    type: ClassVar[Literal["tale.told"]] = "tale.told"
    text: str
    n: int


class Ended(TaggedEvent, tag="tale.ended"):
    type: ClassVar[Literal["tale.ended"]] = "tale.ended"
    n: int


TaleEvent: TypeAlias = Begun | Told | Ended | ErrorEvent | DoneEvent | UnknownEvent
WIRE = TaggedEvents[TaleEvent]([Begun, Told, Ended]).wire(Withheld(members={}, answers=frozenset(), texts={}))


class Tale(Struct):
    id: str
    text: str
    ended: bool


class Teller:
    """Folds a tale; of the body of a resumption it drops what it has seen."""

    def __init__(self) -> None:
        self.events_seen = 0
        self.id = ""
        self.last = -1
        self.pieces: list[str] = []
        self.finished = False
        self.resumed = 0
        self._skip = -1

    @property
    def tale(self) -> Tale:
        return Tale(self.id, "".join(self.pieces), self.finished)

    def push(self, event: Any) -> list[str]:
        if isinstance(event, ErrorEvent):
            raise event.to_error(self, self.events_seen)
        if isinstance(event, DoneEvent):
            return []
        self.events_seen += 1
        if isinstance(event, UnknownEvent) or event.n <= self._skip:
            return []
        self.last = max(self.last, event.n)
        if isinstance(event, Begun):
            self.id = event.id
        elif isinstance(event, Told):
            self.pieces.append(event.text)
            return [event.text]
        else:
            self.finished = True
        return []

    def fold(self, event: Any) -> None:
        self.push(event)

    def resume(self) -> None:
        self.resumed += 1
        self._skip = self.last

    def finish(self) -> list[str]:
        if not self.finished:
            raise StreamTruncatedError("the tale was cut", partial=self, events_seen=self.events_seen)
        return ["the end"]


TELL = Endpoint("POST", "/tales", Tale)
HEAR = Endpoint("GET", "/tales/{tale_id}", Tale)


def after_break(sent: Request, teller: Teller) -> GoingOn[Teller] | None:
    if sent.ids.get("model") == "mayfly":
        return None
    if not teller.id:
        return GoingOn(None, lambda: teller, "it may be running")
    request = HEAR.request(Options(), ids={"tale_id": teller.id}, query={"after": teller.last})

    def begin() -> Teller:
        teller.resume()
        return teller

    return GoingOn(request, begin, f"{teller.id} may be running")


class TaleStream(Stream[TaleEvent, str, Teller]):
    def __init__(self, transport: Transport, request: Request, callbacks: Any = None) -> None:
        super().__init__(
            transport,
            request,
            wire=WIRE,
            accumulator=Teller(),
            callbacks=callbacks,
            result=attrgetter("tale"),
            after_break=after_break,
            usage="async with tell() as stream:",
        )


# The server.


def event(name: str, **members: object) -> bytes:
    return b"event: tale.%b\ndata: %b\n\n" % (name.encode(), json.dumps({"type": f"tale.{name}", **members}).encode())


FRAMES = [
    event("begun", id="t1", n=0),
    event("told", text="Once ", n=1),
    event("told", text="upon ", n=2),
    event("told", text="a time", n=3),
    event("ended", n=4),
]
DONE = b"data: [DONE]\n\n"
WHOLE = Tale("t1", "Once upon a time", ended=True)


def rest(exchange: Exchange) -> list[bytes]:
    """Return the frames that a request asks for."""
    path, _, query = exchange.target.partition("?")
    assert ("GET", "/tales/t1") == (exchange.method, path)
    return FRAMES[int(query.removeprefix("after=")) + 1 :]


async def cut(exchange: Exchange, data: bytes, end: str = "rst") -> None:
    """Answer with some bytes, and no end."""
    await exchange.send(STREAM_HEAD + (chunk(data) if data else b""))
    if end == "rst":
        # A reset takes with it what was not read yet.
        await asyncio.sleep(0)
        exchange.rst()
    elif end == "fin":
        exchange.fin()
    else:
        await exchange.send(b"0\r\n\r\n")


async def hear(exchange: Exchange) -> None:
    await stream(exchange, *rest(exchange))


@dataclass
class Talk:
    server: RawServer
    client: AsyncClient
    waits: list[float] = field(default_factory=list)

    def stream(self, callbacks: Any = None, *, model: str = "bard", **options: Any) -> TaleStream:
        request = TELL.request(Options(**options), body={"model": model, "stream": True})
        return TaleStream(self.client._transport, request, callbacks)

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.target}" for request in self.server.requests]


@asynccontextmanager
async def talk(*answers: Handler | list[bytes], wait: Any = None, **options: Any) -> AsyncIterator[Talk]:
    """Give the first answer to the first request, and so on, the last one over and over. Waits take no time."""

    async def send(exchange: Exchange) -> None:
        answer = answers[min(exchange.number, len(answers)) - 1]
        await (answer(exchange) if callable(answer) else stream(exchange, *answer))

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url, **options) as client:
        t = Talk(server, client)

        async def sleep(seconds: float) -> None:
            t.waits.append(seconds)
            if wait is not None:
                await wait()

        client._transport._sleep = sleep
        client._transport._chance = lambda: 0.0
        yield t


def breaking(count: int, end: str = "fin") -> Handler:
    """Send some of the frames that are asked for, then break."""

    async def answer(exchange: Exchange) -> None:
        frames = FRAMES if exchange.method == "POST" else rest(exchange)
        await cut(exchange, b"".join(frames[:count]), end)

    return answer


class Gate:
    """Holds who comes until it is opened, and tells that somebody came."""

    def __init__(self) -> None:
        self.asked, self.opened, self.left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        self.asked.set()
        try:
            await self.opened.wait()
        finally:
            self.left.set()


# Going on.


@pytest.mark.parametrize("end", ["fin", "end"])
@pytest.mark.parametrize("at", range(1, len(FRAMES)))
async def test_a_broken_answer_is_gone_on_with(at, end):
    async with talk(breaking(at, end), hear) as t, t.stream() as s:
        accumulator = s.accumulator
        numbers = [event.n async for event in s]

        assert (list(range(5)), WHOLE) == (numbers, s.accumulator.tale)
        assert (accumulator, 1, True) == (s.accumulator, accumulator.resumed, s.over)
    assert (["POST /tales", f"GET /tales/t1?after={at - 1}"], [0.5]) == (t.asked, t.waits)
    assert "text/event-stream" == t.server.requests[1].headers["accept"]


async def test_a_reset_is_a_break_like_any():
    async def answer(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD + chunk(FRAMES[0]))
        await seen.wait()
        exchange.rst()

    seen = asyncio.Event()
    async with talk(answer, hear) as t, t.stream() as s:
        async for _ in s:
            seen.set()
        assert WHOLE == s.accumulator.tale


async def test_an_end_that_is_announced_too_early_is_a_break():
    async with talk([*FRAMES[:2], DONE], hear) as t, t.stream() as s:
        await s.until_done()

        assert WHOLE == s.accumulator.tale


@pytest.mark.parametrize("end", ["fin", "end"])
async def test_every_cut_behind_the_first_event_is_healed(end):
    body = b"".join(FRAMES)
    broken = 0

    async def answer(exchange: Exchange) -> None:
        await (cut(exchange, body[:at], end) if exchange.method == "POST" else hear(exchange))

    async with talk(answer) as t:
        for at in range(len(FRAMES[0]), len(body)):
            async with t.stream() as s:
                changes = [change async for change in s.changes]

                assert (["Once ", "upon ", "a time", "the end"], WHOLE) == (changes, s.accumulator.tale), at
            broken += s.accumulator.resumed
    assert broken >= len(body) - len(FRAMES[0]) - len(FRAMES[-1])


async def test_a_server_that_sends_more_than_was_asked_for_tells_nothing_twice():
    async with talk(breaking(3), FRAMES) as t, t.stream() as s:
        changes = [change async for change in s.changes]

    assert ["Once ", "upon ", "a time", "the end"] == changes


async def test_what_is_known_of_the_response_is_of_the_latest():
    async def answer(exchange: Exchange) -> None:
        frames = b"".join(FRAMES[:2] if exchange.method == "POST" else rest(exchange))
        head = STREAM_HEAD.replace(b"req_1", b"req_%d" % exchange.number)
        await exchange.send(head + chunk(frames) + b"0\r\n\r\n")

    async with talk(answer) as t, t.stream() as s:
        await anext(s)
        assert "req_1" == s.request_id
        await s.until_done()

        assert ("req_2", 200) == (s.request_id, s.status)


async def test_views_and_events_go_on_over_the_break():
    async with talk(breaking(2), breaking(1), hear) as t, t.stream() as s:
        first = await anext(s)
        changes = s.changes
        texts = [await anext(changes), await anext(changes)]
        events = [event async for event in s]
        texts += [change async for change in changes]

    assert (0, ["Once ", "upon "], [3, 4]) == (first.n, texts, [event.n for event in events])


class Callbacks:
    """The side of a handler that writes down what is due."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def due(self, *what: object) -> list[Callable[[], Any]]:
        async def call() -> None:
            self.calls.extend(what)

        return [call]

    def for_event(self, event: Any, changes: list[str]) -> list[Any]:
        return self.due(event.n, *changes)

    def for_changes(self, changes: list[str]) -> list[Any]:
        return self.due(*changes)

    def for_failure(self, error: Exception) -> list[Any]:
        return self.due(type(error))

    def for_end(self) -> list[Any]:
        return self.due("over")


async def test_a_handler_is_told_nothing_of_a_break_that_was_healed():
    told = Callbacks()
    async with talk(breaking(2), hear) as t, t.stream(told) as s:
        await s.until_done()

    assert [0, 1, "Once ", 2, "upon ", 3, "a time", 4, "the end", "over"] == told.calls


async def test_a_handler_is_told_of_what_a_resumption_fails_with():
    async def gone(exchange: Exchange) -> None:
        await exchange.reply(404, b'{"error": {"message": "no such tale"}}')

    told = Callbacks()
    async with talk(breaking(2), gone) as t, t.stream(told) as s:
        with pytest.raises(NotFoundError):
            await s.until_done()

    assert [0, 1, "Once ", NotFoundError, "over"] == told.calls


async def test_observers_are_told_of_each_request():
    seen: list[Observation] = []
    async with talk(breaking(2), hear, observer=seen.append) as t, t.stream() as s:
        await s.until_done()

    told = [one for one in seen if isinstance(one, RequestSent | FirstEvent | CallFailed | CallFinished)]
    assert [RequestSent, FirstEvent, CallFailed, RequestSent, FirstEvent, CallFinished] == [type(one) for one in told]
    assert ["/tales"] * 3 + ["/tales/{tale_id}"] * 3 == [one.call.route for one in told]
    failed, finished = told[2], told[5]
    assert isinstance(failed, CallFailed)
    assert isinstance(finished, CallFinished)
    assert ("StreamInterruptedError", 2, None) == (failed.error, failed.events, failed.retry_in)
    assert ("t1", 5) == (finished.response_id, finished.events)


# How often, and when.


async def test_it_is_given_up_when_nothing_has_come_in_between():
    async with talk(breaking(2), breaking(0), max_retries=3) as t, t.stream() as s:
        with pytest.raises(StreamInterruptedError, match=r"the connection broke: .*; t1 may be running$") as caught:
            await s.until_done()

    assert (["POST /tales"] + ["GET /tales/t1?after=1"] * 3, [0.5, 1.0, 2.0]) == (t.asked, t.waits)
    assert (s.accumulator, 2, 200) == (caught.value.partial, caught.value.events_seen, caught.value.status)
    with pytest.raises(StreamInterruptedError) as again:
        await anext(s)
    assert caught.value is again.value


async def test_what_came_in_between_gives_new_patience():
    async with talk(breaking(1), max_retries=1) as t, t.stream() as s:
        await s.until_done()

        assert WHOLE == s.accumulator.tale
    assert [0.5] * 4 == t.waits
    assert ["POST /tales", *(f"GET /tales/t1?after={n}" for n in range(4))] == t.asked


async def test_what_was_seen_before_is_nothing_new():
    async def again(exchange: Exchange) -> None:
        await cut(exchange, b"".join(FRAMES[:2]), "fin")

    async with talk(again, max_retries=2) as t, t.stream() as s:
        with pytest.raises(StreamInterruptedError):
            await s.until_done()

    assert 3 == len(t.asked)


async def test_no_retries_switch_it_off():
    async with talk(breaking(2), hear, max_retries=0) as t, t.stream() as s:
        with pytest.raises(StreamInterruptedError, match=r"t1 may be running$"):
            await s.until_done()

    assert ["POST /tales"] == t.asked


async def test_a_server_that_is_busy_says_when():
    async def busy(exchange: Exchange) -> None:
        await exchange.reply(429, b"{}", retry_after="7")

    async with talk(breaking(2), busy, hear) as t, t.stream() as s:
        await s.until_done()

        assert WHOLE == s.accumulator.tale
    assert [0.5, 7.0] == t.waits


async def test_requests_that_fail_count():
    async def failing(exchange: Exchange) -> None:
        await exchange.reply(503, b'{"error": {"message": "tired"}}')

    async with talk(breaking(2), failing, breaking(0), hear, max_retries=2) as t, t.stream() as s:
        with pytest.raises(StreamInterruptedError):
            await s.until_done()
    assert 3 == len(t.asked)

    async with talk(breaking(2), failing, max_retries=2) as t, t.stream() as s:
        with pytest.raises(InternalServerError, match="tired") as caught:
            await s.until_done()
    assert (3, s.accumulator) == (len(t.asked), caught.value.partial)


# What is raised.


@pytest.mark.parametrize(
    ("status", "kind"), [(400, BadRequestError), (404, NotFoundError), (401, APIStatusError), (410, APIStatusError)]
)
async def test_a_refusal_is_raised_as_itself(status, kind):
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(status, b'{"error": {"message": "too late", "code": "gone"}}')

    async with talk(breaking(3), refuse) as t, t.stream() as s:
        with pytest.raises(kind, match="too late") as caught:
            await s.until_done()
        with pytest.raises(kind):
            await s.until_done()

    assert (s.accumulator, "Once upon ") == (caught.value.partial, s.accumulator.tale.text)
    assert isinstance(caught.value.__cause__, StreamInterruptedError)
    assert (3, s.accumulator) == (caught.value.__cause__.events_seen, caught.value.__cause__.partial)
    assert 2 == len(t.asked)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (status, "gone", "Once upon ") == (copy.status, copy.code, copy.partial.tale.text)


async def test_an_answer_that_is_no_stream_is_raised_as_itself():
    for body, kind in ((b"<html>", APIResponseValidationError), (b'{"error": {"message": "x"}}', StreamEventError)):

        async def page(exchange: Exchange, body: bytes = body) -> None:
            await exchange.send(response(200, body, {"Content-Type": "application/json"}))

        async with talk(breaking(3), page) as t, t.stream() as s:
            with pytest.raises(kind) as caught:
                await s.until_done()

        assert caught.value.partial is s.accumulator
        assert isinstance(caught.value.__cause__, StreamInterruptedError)


async def test_a_network_that_is_gone_is_the_break():
    async def vanish(exchange: Exchange) -> None:
        exchange.rst()

    async with talk(breaking(3), vanish) as t, t.stream() as s:
        with pytest.raises(StreamInterruptedError, match="it could not be gone on with: ") as caught:
            await s.until_done()

    assert (s.accumulator, 3) == (caught.value.partial, caught.value.events_seen)


async def test_a_break_before_it_can_be_asked_for_says_that_it_may_be_running():
    async with talk(breaking(0)) as t, t.stream() as s:
        with pytest.raises(StreamInterruptedError, match=r"; it may be running$"):
            await s.until_done()
    async with talk([]) as t, t.stream() as s:
        with pytest.raises(StreamTruncatedError, match=r"the tale was cut; it may be running$") as caught:
            await s.until_done()

    assert (["POST /tales"], "it may be running") == (t.asked, str(caught.value).partition("; ")[2])


async def test_an_answer_that_ends_with_its_connection_is_not_asked_for():
    async with talk(breaking(3)) as t, t.stream(model="mayfly") as s:
        with pytest.raises(StreamInterruptedError) as caught:
            await s.until_done()

    assert (["POST /tales"], False) == (t.asked, "running" in str(caught.value))


async def test_what_is_no_break_is_not_healed():
    error = b'data: {"error": {"message": "out of ink"}}\n\n'
    for bad, kind in ((error, StreamEventError), (b"event: tale.told\ndata: torn\n\n", StreamDecodeError)):
        async with talk([*FRAMES[:2], bad]) as t, t.stream() as s:
            with pytest.raises(kind):
                await s.until_done()
        assert ["POST /tales"] == t.asked


async def test_silence_is_no_break():
    async def fall_silent(exchange: Exchange) -> None:
        await stream(exchange, *FRAMES[:2], end=False)
        await exchange.gone()

    async with talk(fall_silent) as t, t.stream(timeout=Timeout(event=0.05)) as s:
        with pytest.raises(StreamTimeoutError, match=r"no event within 0\.05 s; t1 may be running$"):
            await s.until_done()

    assert ["POST /tales"] == t.asked


async def test_the_total_counts_over_all(monkeypatch):
    monkeypatch.setattr(retry, "_FIRST_DELAY", 0.01)

    async def hold(exchange: Exchange) -> None:
        await stream(exchange, *rest(exchange)[:1], end=False)
        await exchange.gone()

    async with talk(breaking(1), hold) as t, t.stream(timeout=Timeout(total=0.5)) as s:
        with pytest.raises(StreamTimeoutError, match=r"within the total of 0\.5 s") as caught:
            await s.until_done()
    assert ("Once ", s.accumulator) == (s.accumulator.tale.text, caught.value.partial)

    async def never(exchange: Exchange) -> None:
        await exchange.gone()

    async with talk(breaking(1), never) as t, t.stream(timeout=Timeout(total=0.5)) as s:
        with pytest.raises(StreamTimeoutError, match=r"no response .* within the total of 0\.5 s") as caught:
            await s.until_done()
    assert (s.accumulator, 1, 2) == (caught.value.partial, caught.value.events_seen, len(t.asked))
    assert isinstance(caught.value.__cause__, StreamInterruptedError)


async def test_a_wait_that_is_longer_than_the_total_is_not_begun():
    async with talk(breaking(1)) as t, t.stream(timeout=Timeout(total=0.4)) as s:
        with pytest.raises(StreamInterruptedError, match="may be running"):
            await s.until_done()

    assert (["POST /tales"], []) == (t.asked, t.waits)


# Cancelling and leaving.


async def read_cancelled(s: TaleStream) -> list[int]:
    """Read to the end, each step cancelled some turns of the loop after it began, and written again."""
    numbers: list[int] = []
    turns = 0
    while True:
        step = asyncio.ensure_future(anext(s))
        for _ in range(turns % 7):
            await asyncio.sleep(0)
        turns += 1
        step.cancel()
        try:
            numbers.append((await step).n)
        except asyncio.CancelledError:
            continue
        except StopAsyncIteration:
            return numbers


async def test_a_cancelled_step_loses_nothing_and_sends_nothing_twice():
    async with talk(breaking(2), breaking(1), hear) as t, t.stream() as s:
        async with asyncio.timeout(10):
            numbers = await read_cancelled(s)

    assert (list(range(5)), WHOLE) == (numbers, s.accumulator.tale)
    assert ["POST /tales", "GET /tales/t1?after=1", "GET /tales/t1?after=2"] == t.asked


@pytest.mark.parametrize("waiting", [True, False])
async def test_a_deadline_of_the_reader_is_no_end(waiting):
    gate = Gate()

    async def hold(exchange: Exchange) -> None:
        await gate.wait()
        await hear(exchange)

    async with talk(breaking(1), hear if waiting else hold, wait=gate.wait if waiting else None) as t, t.stream() as s:
        await anext(s)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(s), 0.01)
        await gate.asked.wait()
        gate.opened.set()
        await s.until_done()

        assert (WHOLE, 2) == (s.accumulator.tale, len(t.asked))


@pytest.mark.parametrize("waiting", [True, False])
async def test_leaving_ends_what_is_on_its_way(waiting):
    gate = Gate()

    async def hold(exchange: Exchange) -> None:
        gate.asked.set()
        await exchange.gone()
        gate.left.set()

    async with talk(breaking(1), hold, wait=gate.wait if waiting else None) as t:
        async with t.stream() as s:
            await anext(s)
            step = asyncio.ensure_future(anext(s))
            await gate.asked.wait()
            step.cancel()
        await asyncio.wait_for(gate.left.wait(), 5)
        assert (1 if waiting else 2) == len(t.asked)
        with pytest.raises(StreamInterruptedError, match="closed by the consumer after 1 events"):
            await s.until_done()


async def test_a_dropped_stream_ends_what_is_on_its_way():
    gate = Gate()

    async def hold(exchange: Exchange) -> None:
        gate.asked.set()
        await exchange.gone()
        gate.left.set()

    async with talk(breaking(1), hold) as t:
        s = await t.stream().open()
        await anext(s)
        step = asyncio.ensure_future(anext(s))
        await gate.asked.wait()
        step.cancel()
        await asyncio.wait([step])
        del step
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del s
            gc.collect()
        await asyncio.wait_for(gate.left.wait(), 5)

    assert ["unclosed TaleStream: write `async with tell() as stream:`"] == [str(one.message) for one in caught]


async def test_a_second_reader_is_refused_while_the_rest_is_asked_for():
    gate = Gate()
    async with talk(breaking(1), hear, wait=gate.wait) as t, t.stream() as s:
        await anext(s)
        step = asyncio.ensure_future(anext(s))
        await gate.asked.wait()
        with pytest.raises(Exception, match="another task or callback is reading this stream"):
            await anext(s)
        gate.opened.set()

        assert 1 == (await step).n


# Another answer in the same stream.


async def test_another_answer_follows_from_what_was_sent_first():
    async def tell(exchange: Exchange) -> None:
        await (hear(exchange) if exchange.method == "GET" else cut(exchange, b"".join(FRAMES[:2]), "fin"))

    sent: list[Request] = []

    def follow(request: Request) -> tuple[Request, Callable[[], Teller]]:
        sent.append(request)
        return request.following({"model": "bard", "more": True}), Teller

    async with talk(tell) as t, t.stream() as s:
        await s.until_done()
        await s.continue_with(follow)
        await s.until_done()

        assert WHOLE == s.accumulator.tale
    assert ["POST /tales", "GET /tales/t1?after=1"] * 2 == t.asked
    assert ["POST"] == [request.method for request in sent]
    assert {"model": "bard", "more": True} == json.loads(t.server.requests[2].body)


def test_a_refusal_of_another_request_has_no_partial():
    assert NotFoundError("x").partial is None
