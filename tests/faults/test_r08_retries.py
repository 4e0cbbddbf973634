"""R8: "429/5xx bursts, `Retry-After` in {s, ms, date, past, NaN, inf, -1, 1e9}: the exact number of attempts and
delays of DESIGN.md section 6", which are:

Retries only before a response has begun: refused or failed connects, connect timeouts, 408, 409, 429, >= 500; GET and
DELETE also on response timeouts. A POST is not repeated once its body was sent, unless it failed on a reused connection
before any byte of an answer: then once, on a fresh one. Every POST carries an `Idempotency-Key` that its retries
repeat. `x-should-retry` is obeyed; `retry-after-ms`, then `retry-after` (seconds or date), for 0 < d <= 120 s; over
120 s: not retried, the error says how long; past, NaN, negative: ignored. Else 0.5 * 2^n s, at most 8 s, jitter down to
75 %.

The server is a real one; the clock, the waits and the dice are the test's.
"""

import json
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from typing import Any

import pytest
from assistants_wire import STREAM_HEAD, chunk
from raw_server import Exchange, raw_server
from responses_wire import hello

from asyncstream import AsyncClient
from asyncstream.errors import APIConnectionError, APIError, APITimeoutError, RateLimitError, StreamInterruptedError
from asyncstream.transport.connections import Connections
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request, parse_base_url
from asyncstream.transport.timeout import Timeout
from asyncstream.types import Thread

pytestmark = pytest.mark.faults

NOW = 1_700_000_000.0
THREAD = b'{"id":"thread_1"}'
REQUESTS = {
    "POST": Request(method="POST", path="/threads", body=b"{}"),
    "GET": Request(method="GET", path="/threads"),
    "DELETE": Request(method="DELETE", path="/threads"),
}
Answer = tuple[int, dict[str, str]]
OK: Answer = (200, {})
OURS = [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
"""The waits, where the server asks for none and chance takes nothing off."""


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    connections = Connections()
    yield connections
    await connections.close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def make(connections: Connections, waits: list[float]) -> Callable[..., Transport]:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def make(url: str, *, chance: float = 0.0, **options: Any) -> Transport:
        return Transport(
            connections,
            base_url=parse_base_url(url),
            sleep=sleep,
            chance=lambda: chance,
            clock=lambda: NOW,
            **options,
        )

    return make


def burst(*answers: Answer) -> Callable[[Exchange], Any]:
    """Answer with one after the other; the last one stays."""

    async def handler(exchange: Exchange) -> None:
        status, headers = answers[min(exchange.number, len(answers)) - 1]
        await exchange.reply(status, THREAD if status == 200 else b"{}", **headers)

    return handler


def asked(seconds: str) -> Answer:
    return 429, {"Retry-After": seconds}


AFTER = {
    # What the server asks for is waited for to the letter.
    "s": ("3", 3.0),
    "s with a fraction": ("2.5", 2.5),
    "s as a power": ("1e1", 10.0),
    "s at the limit": ("120", 120.0),
    "date": (formatdate(NOW + 30, usegmt=True), 30.0),
    "date of another zone": ("Tue, 14 Nov 2023 23:13:50 +0100", 30.0),
    # What is no time in the future is ignored: the wait is ours.
    "0": ("0", 0.5),
    "-1": ("-1", 0.5),
    "past": (formatdate(NOW - 30, usegmt=True), 0.5),
    "now": (formatdate(NOW, usegmt=True), 0.5),
    "NaN": ("NaN", 0.5),
    "inf": ("inf", 0.5),
    "Infinity": ("Infinity", 0.5),
    "-inf": ("-inf", 0.5),
    "more than a float": ("1e999", 0.5),
    "digits without end": ("9" * 5000, 0.5),
    "words": ("soon", 0.5),
    "nothing": ("", 0.5),
    "no date": ("Tue, 99 Nov 2023 22:13:50 GMT", 0.5),
}


@pytest.mark.parametrize("method", REQUESTS)
@pytest.mark.parametrize("case", AFTER)
async def test_retry_after_is_waited_for_or_ignored(make, waits, method, case):
    value, wait = AFTER[case]
    async with raw_server(burst(asked(value), OK)) as server:
        await make(server.url).send(REQUESTS[method], Thread)

    assert waits == [wait]
    assert len(server.requests) == 2


@pytest.mark.parametrize("value", ["120.001", "121", "3600", "1e9", formatdate(NOW + 121, usegmt=True)])
async def test_what_is_too_long_is_left_to_the_caller_and_told(make, waits, value):
    async with raw_server(burst(asked(value), OK)) as server:
        with pytest.raises(RateLimitError, match=r"the server asks to wait [\d.e+]+ s; more than 120 s"):
            await make(server.url).send(REQUESTS["POST"], Thread)

    assert waits == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("milliseconds", "seconds", "wait"),
    [
        ("250", None, 0.25),
        ("250", "7", 0.25),
        ("0.5", "7", 0.0005),
        ("120000", "7", 120.0),
        ("0", "7", 7.0),
        ("-5", "7", 7.0),
        ("nan", "7", 7.0),
        ("inf", "7", 7.0),
        ("soon", "7", 7.0),
        ("-5", "-7", 0.5),
    ],
)
async def test_milliseconds_come_first(make, waits, milliseconds, seconds, wait):
    headers = {"retry-after-ms": milliseconds} | ({} if seconds is None else {"Retry-After": seconds})
    async with raw_server(burst((503, headers), OK)) as server:
        await make(server.url).send(REQUESTS["POST"], Thread)

    assert waits == [wait]


@pytest.mark.parametrize("method", REQUESTS)
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_burst_that_ends_is_lived_through(make, waits, method, status):
    async with raw_server(burst((status, {}), (status, {}), OK)) as server:
        assert (await make(server.url).send(REQUESTS[method], Thread)).id == "thread_1"

    assert waits == [0.5, 1.0]
    assert len(server.requests) == 3


@pytest.mark.parametrize("method", REQUESTS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422, 499])
async def test_other_statuses_are_final(make, waits, method, status):
    async with raw_server(burst((status, {}))) as server:
        with pytest.raises(APIError) as caught:
            await make(server.url).send(REQUESTS[method], Thread)

    assert caught.value.status == status
    assert (waits, len(server.requests)) == ([], 1)


@pytest.mark.parametrize("retries", [0, 1, 2, 7])
@pytest.mark.parametrize("chance", [0.0, 0.4, 1.0])
async def test_burst_without_end_costs_all_attempts_and_no_more(make, waits, retries, chance):
    async with raw_server(burst((503, {"x-request-id": "req_1"}))) as server:
        with pytest.raises(APIError) as caught:
            await make(server.url, chance=chance, max_retries=retries).send(REQUESTS["POST"], Thread)

    assert (caught.value.status, caught.value.request_id) == (503, "req_1")
    assert len(server.requests) == retries + 1
    assert waits == [wait * (1 - 0.25 * chance) for wait in OURS[:retries]]


async def test_waits_of_a_mixed_burst(make, waits):
    answers = [asked("3"), (503, {}), (500, {"retry-after-ms": "20"}), asked("-1"), (409, {}), OK]
    async with raw_server(burst(*answers)) as server:
        await make(server.url, max_retries=9).send(REQUESTS["POST"], Thread)

    assert waits == [3.0, 1.0, 0.02, 4.0, 8.0]


@pytest.mark.parametrize(
    ("status", "word", "attempts"),
    [(400, "true", 2), (404, " True ", 2), (503, "false", 1), (429, "FALSE", 1), (503, "perhaps", 2), (400, "", 1)],
)
async def test_server_decides_where_it_says_so(make, status, word, attempts):
    async with raw_server(burst((status, {"x-should-retry": word}), OK)) as server:
        if attempts == 1:
            with pytest.raises(APIError):
                await make(server.url).send(REQUESTS["POST"], Thread)
        else:
            await make(server.url).send(REQUESTS["POST"], Thread)

    assert len(server.requests) == attempts


async def test_server_s_wish_does_not_lift_the_limit_of_a_wait(make):
    async with raw_server(burst((503, {"x-should-retry": "true", "Retry-After": "1e9"}), OK)) as server:
        with pytest.raises(APIError):
            await make(server.url).send(REQUESTS["POST"], Thread)

    assert len(server.requests) == 1


async def test_retries_of_a_post_repeat_its_idempotency_key_and_its_body(make):
    async with raw_server(burst((503, {}), (503, {}), OK)) as server:
        transport = make(server.url)
        await transport.send(REQUESTS["POST"], Thread)
        await transport.send(REQUESTS["POST"], Thread)

    *one_call, other_call = (exchange.headers["idempotency-key"] for exchange in server.requests)
    assert len(set(one_call)) == 1
    assert other_call not in one_call
    assert {exchange.body for exchange in server.requests} == {b"{}"}


async def test_stream_is_opened_again_after_a_burst(make, waits):
    async def handler(exchange: Exchange) -> None:
        if exchange.number < 3:
            await exchange.reply(429, b"{}", retry_after="2")
        else:
            await exchange.reply(200, b"data: [DONE]\n\n", Content_Type="text/event-stream")

    async with raw_server(handler) as server:
        live = await make(server.url).open(REQUESTS["POST"])
        live.close()

    assert waits == [2.0, 2.0]


# Without an answer.


@pytest.mark.parametrize("method", REQUESTS)
async def test_refused_connection_is_tried_again(make, waits, method):
    async with raw_server(burst(OK)) as server:
        pass

    with pytest.raises(APIConnectionError):
        await make(server.url).send(REQUESTS[method], Thread)
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize(("method", "attempts"), [("POST", 1), ("GET", 3), ("DELETE", 3)])
async def test_missing_response_is_waited_for_again_only_where_nothing_could_have_begun(make, waits, method, attempts):
    async def handler(exchange: Exchange) -> None:
        await exchange.gone()

    async with raw_server(handler) as server:
        with pytest.raises(APITimeoutError):
            await make(server.url, timeout=Timeout(response=0.2)).send(REQUESTS[method], Thread)

    assert waits == OURS[: attempts - 1]


@pytest.mark.parametrize("end", ["fin", "rst"])
async def test_post_that_broke_on_a_fresh_connection_is_not_repeated(make, waits, end):
    async def handler(exchange: Exchange) -> None:
        getattr(exchange, end)()

    async with raw_server(handler) as server:
        with pytest.raises(APIConnectionError):
            await make(server.url, max_retries=9).send(REQUESTS["POST"], Thread)

    assert (waits, len(server.requests)) == ([], 1)


@pytest.mark.parametrize("end", ["fin", "rst"])
@pytest.mark.parametrize("retries", [0, 2])
async def test_post_on_a_stale_connection_goes_out_once_more_on_a_fresh_one(make, waits, end, retries):
    async def handler(exchange: Exchange) -> None:
        if exchange.number == 2:
            getattr(exchange, end)()
        else:
            await exchange.reply(200, THREAD)

    async with raw_server(handler) as server:
        transport = make(server.url, max_retries=retries)
        await transport.send(REQUESTS["POST"], Thread)
        await transport.send(REQUESTS["POST"], Thread)

    assert [exchange.connection for exchange in server.requests] == [1, 1, 2]
    assert server.requests[1].headers["idempotency-key"] == server.requests[2].headers["idempotency-key"]
    assert waits == []


async def test_post_that_breaks_on_the_fresh_connection_too_is_given_up(make, waits):
    async def handler(exchange: Exchange) -> None:
        if exchange.number == 1:
            await exchange.reply(200, THREAD)
        else:
            exchange.fin()

    async with raw_server(handler) as server:
        transport = make(server.url)
        await transport.send(REQUESTS["POST"], Thread)
        with pytest.raises(APIConnectionError):
            await transport.send(REQUESTS["POST"], Thread)

    assert (waits, len(server.requests)) == ([], 3)


@pytest.mark.parametrize("begin", [b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_post_whose_answer_had_begun_is_not_repeated(make, begin):
    async def handler(exchange: Exchange) -> None:
        if exchange.number == 1:
            await exchange.reply(200, THREAD)
        else:
            await exchange.send(begin)
            exchange.fin()

    async with raw_server(handler) as server:
        transport = make(server.url)
        await transport.send(REQUESTS["POST"], Thread)
        with pytest.raises(APIConnectionError):
            await transport.send(REQUESTS["POST"], Thread)

    assert len(server.requests) == 2


async def test_stream_that_has_begun_is_never_sent_again(make):
    """A run that is repeated is a second, billed run."""

    async def handler(exchange: Exchange) -> None:
        await exchange.reply(200, b"data: {}\n\n", Content_Type="text/event-stream", Content_Length="1000")
        exchange.fin()

    async with raw_server(handler) as server:
        live = await make(server.url, max_retries=9).open(REQUESTS["POST"])
        while not live.ended:
            await live.wait()
            live.take()
        assert live.failure is not None
        live.close()

    assert len(server.requests) == 1
    assert json.loads(server.requests[0].body) == {}


@pytest.mark.parametrize("background", [False, True])
async def test_response_is_asked_for_again_before_it_began_and_never_after(waits, background):
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def handler(exchange: Exchange) -> None:
        if exchange.number <= 2:
            await exchange.reply((503, 429)[exchange.number - 1], b"{}", Retry_After="3")
        else:
            await exchange.send(STREAM_HEAD + chunk(b"".join(hello(background=background)[:3])))
            exchange.fin()

    async with raw_server(handler) as server, AsyncClient(api_key="k", base_url=server.url, max_retries=2) as client:
        client._transport._sleep = sleep
        with pytest.raises(StreamInterruptedError) as caught:
            async with client.responses.stream(model="m", input="hi", background=background) as stream:
                await stream.until_done()

    posts = [request for request in server.requests if request.method == "POST"]
    assert (3, 1) == (len(posts), len({(post.headers["idempotency-key"], post.body) for post in posts}))
    # One in the background is followed from its last event on; each break without an event in between counts.
    asked = [request.target for request in server.requests if request.method == "GET"]
    assert ["/responses/resp_1?stream=true&starting_after=2"] * (2 if background else 0) == asked
    assert (3, 3) == (caught.value.events_seen, stream.accumulator.events_seen)
    assert [3.0, 3.0] == waits[:2]
