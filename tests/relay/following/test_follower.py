"""`follow`: each event exactly once, however often the connection is lost, and errors that say what happened."""

import asyncio
import gc
import itertools
import pickle
import traceback
from collections.abc import Callable
from typing import Any, Literal

import aiohttp
import pytest
from assistants_wire import HELLO
from raw_server import Exchange, raw_server, response
from relayed_wire import HEAD, Cut, Relay, chat_run, numbered

from asyncstream import Timeout
from asyncstream.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AsyncStreamError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamDecodeError,
    StreamEventError,
    StreamInterruptedError,
    StreamTimeoutError,
)
from asyncstream.events import ThreadMessageDelta, UnknownEvent, decode_stream
from asyncstream.relay.entries import Entry
from asyncstream.relay.following.follow import follow
from asyncstream.relay.following.follower import Follower
from asyncstream.relay.frames import CompatibleFrames, sse_frame
from asyncstream.transport import fairness
from benchmarks.free_ports import free_port

TEXTS = ["Wh", "y?", " Be", "cau", "se."]
SECRET = "sk-very-secret-value"


class Waits:
    """Takes the place of sleeping; remembers for how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def chat(url: str, *, waits: Waits | None = None, **options: Any) -> Follower[Any]:
    """Follow a chat answer without waiting between attempts."""
    follower = follow(f"{url}/runs/1", protocol="chat", **options)
    follower._link._sleep = Waits() if waits is None else waits
    return follower


def text_of(chunk: Any) -> str:
    return chunk.choices[0].delta.content


async def texts(follower: Follower[Any]) -> list[str]:
    return [text_of(chunk) async for chunk in follower]


# What is given.


async def test_events_are_typed_and_done_ends_them() -> None:
    relay = Relay(chat_run(*TEXTS))
    async with raw_server(relay) as server:
        follower = chat(server.url)

        assert await texts(follower) == TEXTS
        assert (follower.last_event_id, follower.events_seen, follower.reconnects) == ("6", 5, 0)
        with pytest.raises(StopAsyncIteration):
            await anext(follower)
        await server.all_closed()
    request = server.requests[0]
    assert (request.method, request.target, relay.asked) == ("GET", "/runs/1", [None])
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"].startswith("asyncstream/")


async def test_the_events_of_a_run_are_those_of_its_stream() -> None:
    body = b"".join(HELLO)
    events = list(decode_stream(body, "assistants"))
    entries = [Entry(n, event.event, event.raw) for n, event in enumerate(events, 1)]  # type: ignore[union-attr]
    entries += [Entry(8, "thread.new", b'{"a":1}'), Entry(9, "done", b"[DONE]")]
    async with raw_server(Relay(entries)) as server:
        async with follow(server.url, protocol="assistants") as follower:
            followed = [event async for event in follower]

    assert followed[:-1] == events
    assert followed[-1] == UnknownEvent("thread.new", b'{"a":1}')
    assert isinstance(followed[3], ThreadMessageDelta)


async def test_the_url_is_asked_for_as_it_is_spelled() -> None:
    async with raw_server(Relay(chat_run(*TEXTS))) as server:
        assert [event async for event in follow(f"{server.url}/runs/1/?a=1&a=2&b=%2B+c#d", protocol="chat")]
        assert [event async for event in follow(server.url, protocol="chat")]

    assert [request.target for request in server.requests] == ["/runs/1/?a=1&a=2&b=%2B+c", "/"]


async def test_headers_of_the_caller_are_sent_and_none_takes_one_away() -> None:
    async with raw_server(Relay(chat_run(*TEXTS))) as server:
        headers = {"X-Tenant": "7", "user-agent": "mine/1", "Cache-Control": None, "last-event-id": "9"}
        await texts(chat(server.url, headers=headers, last_event_id="2"))

    sent = server.requests[0].headers
    assert (sent["x-tenant"], sent["user-agent"], sent["cache-control"]) == ("7", "mine/1", "no-cache")
    assert (sent["last-event-id"], sent["accept"]) == ("2", "text/event-stream")


async def test_the_log_tells_of_each_connection(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "asyncstream")
    relay = Relay(chat_run(*TEXTS), cuts=[Cut(250)])
    async with raw_server(relay) as server:
        await texts(chat(f"{server.url}/{SECRET}"))

    lines = [record.getMessage().partition(": GET ")[2] for record in caplog.records]
    assert len(lines) == 2
    assert "StreamInterruptedError after" in lines[0]
    assert "200 in" in lines[1]
    assert "4 events" in lines[1]
    assert SECRET not in caplog.text


async def test_it_goes_on_after_the_id_it_is_given() -> None:
    relay = Relay(chat_run(*TEXTS))
    async with raw_server(relay) as server:
        assert await texts(chat(server.url, last_event_id="3")) == TEXTS[3:]
        assert await texts(chat(server.url, last_event_id=3)) == TEXTS[3:]
        assert await texts(chat(server.url, last_event_id="")) == TEXTS
    assert relay.asked == ["3", "3", None]


async def test_the_id_is_that_of_the_last_event_given() -> None:
    async with raw_server(Relay(chat_run(*TEXTS))) as server:
        async with chat(server.url) as follower:
            seen = [follower.last_event_id]
            async for _ in follower:
                seen.append(follower.last_event_id)

    assert seen == [None, "1", "2", "3", "4", "5"]


async def test_the_id_waits_for_the_last_event_of_a_frame() -> None:
    one, two = (entry.data for entry in chat_run("b", "c")[:2])
    relay = Relay([*chat_run("a")[:1], Entry(2, "", b"[%b,%b]" % (one, two)), Entry(3, "done", b"[DONE]")])
    async with raw_server(relay) as server:
        async with chat(server.url) as follower:
            seen = [(text_of(chunk), follower.last_event_id) async for chunk in follower]

    assert seen == [("a", "1"), ("b", "1"), ("c", "2")]


async def test_a_large_event_comes_back_together() -> None:
    large = "Ω" * 300_000
    relay = Relay(chat_run("a", large, "b"))
    async with raw_server(relay) as server:
        assert await texts(chat(server.url)) == ["a", large, "b"]
    assert relay.body(None).count(b"event: asyncstream.piece") > 5


async def test_a_large_event_that_was_cut_comes_once() -> None:
    large = "x" * 300_000
    relay = Relay(chat_run("a", large, "b"), cuts=[Cut(200_000), Cut(100_000, "rst")])
    async with raw_server(relay) as server:
        assert await texts(chat(server.url)) == ["a", large, "b"]
    assert relay.asked[0] is None
    assert set(relay.asked[1:]) <= {None, "1"}


async def test_pieces_that_do_not_fit_are_an_error() -> None:
    pieces = [b'{"n":1,"of":2,"event":"","json":"{"}', b'{"n":3,"of":2,"event":"","json":"}"}']
    relay = Relay([Entry(None, "asyncstream.piece", piece) for piece in pieces])
    relay.body = lambda after: b"".join(map(sse_frame, relay.entries))  # type: ignore[method-assign]
    async with raw_server(relay) as server:
        with pytest.raises(StreamDecodeError, match="expected piece 2 of 2"):
            await texts(chat(server.url))


async def test_json_on_several_lines_and_lines_of_every_end_are_read() -> None:
    body = 'id: 1\ndata: {"id":"c","choices":[{"index":0,\ndata: "delta":{"content":"a"}}]}\n\n'
    body += 'id:2\r\ndata:{"id":"c","choices":[{"index":0,"delta":{"content":"é"}}]}\r\n\r\n'
    body += 'id: 3\rdata: {"id":"c","choices":[{"index":0,"delta":{"content":"c"}}]}\r\r'
    body += "id: 4\nevent: done\ndata: [DONE]\n\n"
    relay = Relay([])
    relay.body = lambda after: b"\xef\xbb\xbf" + body.encode()  # type: ignore[method-assign]
    async with raw_server(relay) as server:
        assert await texts(chat(server.url)) == ["a", "é", "c"]


async def test_a_relay_in_the_wire_of_openai_is_read_too() -> None:
    relay = Relay(chat_run(*TEXTS), encode=CompatibleFrames(), greeting=b"")
    async with raw_server(relay) as server:
        assert await texts(chat(server.url)) == TEXTS


# Connections that are lost.


async def test_a_lost_connection_is_made_again_from_the_last_event() -> None:
    relay = Relay(chat_run(*TEXTS))
    three = len(relay.greeting) + sum(len(sse_frame(entry)) for entry in relay.entries[:3])
    relay.cuts = [Cut(three + 10), Cut(0), Cut(20, "end")]
    waits = Waits()
    async with raw_server(relay) as server:
        follower = chat(server.url, waits=waits)

        assert await texts(follower) == TEXTS
    assert relay.asked == [None, "3", "3", "3"]
    assert follower.reconnects == 3
    # 0.5, 1, 2 s without events in between, less up to a quarter.
    for longest, waited in zip((0.5, 1, 2), waits.seconds, strict=True):
        assert longest * 0.7 < waited <= longest


async def test_an_event_makes_the_next_wait_short_again() -> None:
    relay = Relay(chat_run(*TEXTS))
    frames = [len(sse_frame(entry)) for entry in relay.entries]
    relay.cuts = [Cut(0), Cut(0), Cut(len(relay.greeting) + frames[0]), Cut(0)]
    waits = Waits()
    async with raw_server(relay) as server:
        assert await texts(chat(server.url, waits=waits, max_reconnects=2)) == TEXTS
    assert [seconds <= 0.5 for seconds in waits.seconds] == [True, False, True, False]


@pytest.mark.parametrize("how", ["fin", "rst", "end"])
async def test_an_end_without_done_is_no_end(how: Literal["fin", "rst", "end"]) -> None:
    relay = Relay(chat_run(*TEXTS))
    whole = len(relay.body(None)) - len(sse_frame(relay.entries[-1]))
    relay.cuts = [Cut(whole, how)]
    async with raw_server(relay) as server:
        assert await texts(chat(server.url)) == TEXTS
    # Of bytes that a reset overtakes, the last may not be seen.
    assert relay.asked[1] == "5" or how == "rst"


async def _cut_everywhere(entries: list[Entry], offsets: Callable[[int], range]) -> int:
    """Cut a run at offsets, in every way, and follow it; return the number of cases."""
    cases = 0
    for framing, hows in (("chunked", ("fin", "rst", "end")), ("close", ("fin", "rst"))):
        relay = Relay(entries, framing=framing)  # type: ignore[arg-type]
        async with raw_server(relay) as server, aiohttp.ClientSession() as session:
            expected = await texts(chat(server.url, session=session))
            for offset in offsets(len(relay.body(None))):
                for how in hows:
                    relay.cuts = [Cut(offset, how)]  # type: ignore[arg-type]
                    follower = chat(server.url, session=session)
                    assert await texts(follower) == expected, (framing, how, offset)
                    assert follower.reconnects == 1 or offset == len(relay.body(None)), (framing, how, offset)
                    cases += 1
    return cases


async def test_cut_at_some_bytes_each_event_comes_once() -> None:
    assert await _cut_everywhere(chat_run("a", "b", "c"), lambda size: range(0, size, 29)) > 40


@pytest.mark.faults
async def test_cut_at_every_byte_each_event_comes_once() -> None:
    entries = [
        *chat_run(*TEXTS)[:-1],
        Entry(6, "", b'{"id":"c","choices":[{"index":0,"delta":{"content":"\xc3\xa9"}}]}'),
    ]
    entries.append(Entry(7, "done", b"[DONE]"))

    assert await _cut_everywhere(entries, range) > 2_500


async def test_cut_twice_and_thrice_each_event_comes_once() -> None:
    relay = Relay(chat_run(*TEXTS))
    size = len(relay.body(None))
    async with raw_server(relay) as server:
        for first in range(10, size, 83):
            relay.cuts = [Cut(first), Cut(first // 2, "rst"), Cut(first // 3, "end")]

            assert await texts(chat(server.url)) == TEXTS


async def test_events_sent_twice_are_given_once() -> None:
    entries = chat_run(*TEXTS)
    async with raw_server(Relay([entries[0], entries[1], entries[0], entries[1], *entries[2:]])) as server:
        assert await texts(chat(server.url)) == TEXTS


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, 2, 5, 6], "events 3 to 4 are missing in what HOST sent: after 2 came 5"),
        ([2, 3], "event 1 is missing in what HOST sent: after 0 came 2"),
        ([1, 2, 4], "event 3 is missing in what HOST sent: after 2 came 4"),
    ],
)
async def test_a_gap_is_an_error(ids: list[int], message: str) -> None:
    entries = chat_run(*TEXTS, "more")
    given: list[str] = []
    async with raw_server(Relay([entry for entry in entries if entry.id in ids])) as server:
        follower = chat(server.url)
        with pytest.raises(StreamInterruptedError) as raised:
            async for chunk in follower:
                given.append(text_of(chunk))
        await server.all_closed()

    assert str(raised.value) == message.replace("HOST", server.url.removeprefix("http://"))
    assert raised.value.events_seen == len(given)
    with pytest.raises(StreamInterruptedError) as again:
        await anext(follower)
    assert again.value is raised.value


async def test_a_gap_before_the_end_is_an_error() -> None:
    entries = chat_run(*TEXTS)
    async with raw_server(Relay([*entries[:3], entries[-1]])) as server:
        with pytest.raises(StreamInterruptedError, match="events 4 to 5 are missing"):
            await texts(chat(server.url))


async def test_a_relay_without_ids_is_not_asked_twice() -> None:
    relay = Relay([Entry(None, entry.event, entry.data) for entry in chat_run(*TEXTS)], cuts=[Cut(200)])
    relay.body = lambda after: b"".join(map(sse_frame, relay.entries))  # type: ignore[method-assign]
    async with raw_server(relay) as server:
        with pytest.raises(StreamInterruptedError, match="cannot be asked for the rest: its events have no ids"):
            await texts(chat(server.url))
    assert len(relay.asked) == 1


async def test_an_event_without_an_id_does_not_have_that_of_the_one_before() -> None:
    entries = chat_run(*TEXTS)
    relay = Relay([*entries[:2], Entry(None, "", entries[2].data)])
    relay.body = lambda after: b"".join(map(sse_frame, relay.entries))  # type: ignore[method-assign]
    given: list[str] = []
    async with raw_server(relay) as server:
        with pytest.raises(StreamInterruptedError, match="its events have no ids"):
            async for chunk in chat(server.url):
                given.append(text_of(chunk))

    assert given == TEXTS[:3]


async def test_ids_that_are_no_numbers_are_sent_back_as_they_are() -> None:
    def encode(entry: Entry) -> bytes:
        return b"id: run-%d\n" % (entry.id or 0) + sse_frame(Entry(None, entry.event, entry.data))

    relay = Relay(chat_run(*TEXTS), encode=encode)
    half = len(relay.greeting) + sum(len(encode(entry)) for entry in relay.entries[:2]) + 5
    plain, relay.cuts = relay.body, [Cut(half)]
    relay.body = lambda after: plain(None if after is None else after.removeprefix("run-"))  # type: ignore[method-assign]
    async with raw_server(relay) as server:
        assert await texts(chat(server.url)) == TEXTS
    assert relay.asked == [None, "run-2"]


async def test_a_relay_that_does_not_come_back_is_an_error_that_says_so() -> None:
    relay = Relay(chat_run(*TEXTS), cuts=[Cut(250), *[Cut(0)] * 3])
    waits = Waits()
    async with raw_server(relay) as server:
        follower = chat(server.url, waits=waits, max_reconnects=3)
        with pytest.raises(StreamInterruptedError) as raised:
            await texts(follower)

    host = server.url.removeprefix("http://")
    assert str(raised.value).startswith(
        f"the relay {host} was lost after 2 events and did not come back in 3 attempts: "
    )
    assert isinstance(raised.value.__cause__, StreamInterruptedError)
    assert (len(relay.asked), len(waits.seconds)) == (4, 3)
    assert follower.last_event_id == "2"


async def test_silence_is_a_lost_connection_and_heartbeats_are_none() -> None:
    relay = Relay(chat_run(*TEXTS))
    beats = 0

    async def handle(exchange: Exchange) -> None:
        nonlocal beats
        if exchange.number > 1:
            await relay(exchange)
            return
        await exchange.send(HEAD + b"\r\n" + sse_frame(relay.entries[0]))
        for _ in range(6):
            await asyncio.sleep(0.05)
            await exchange.send(b": keep-alive\n\n")
            beats += 1
        await exchange.gone()

    async with raw_server(handle) as server:
        follower = chat(server.url, timeout=Timeout(event=0.2))

        assert await texts(follower) == TEXTS
    assert (beats, relay.asked, follower.reconnects) == (6, ["1"], 1)


async def test_the_total_deadline_is_kept() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(HEAD + b"\r\n" + sse_frame(chat_run(*TEXTS)[0]))
        await exchange.gone()

    async with raw_server(handle) as server:
        follower = chat(server.url, timeout=Timeout(total=0.2))
        assert text_of(await anext(follower)) == TEXTS[0]
        with pytest.raises(StreamTimeoutError, match=r"the run did not end within the total of 0\.2 s") as raised:
            await anext(follower)
        await server.all_closed()
    assert raised.value.events_seen == 1


# Refusals.


def refusal(status: int, **headers: str) -> Callable[[Exchange], Any]:
    async def handle(exchange: Exchange) -> None:
        body = b'{"error": {"message": "no: %s", "type": "t", "code": "c", "param": null}}' % SECRET.encode()
        await exchange.reply(status, body, **headers)

    return handle


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (410, APIStatusError),
    ],
)
async def test_a_refusal_is_raised_at_once(status: int, kind: type[APIStatusError]) -> None:
    async with raw_server(refusal(status)) as server:
        with pytest.raises(kind) as raised:
            await anext(chat(server.url, headers={"Authorization": f"Bearer {SECRET}"}))
        assert len(server.requests) == 1
        await server.all_closed()
    assert (raised.value.status, raised.value.code, str(raised.value)) == (status, "c", "no: ***")


@pytest.mark.parametrize(
    ("status", "kind"), [(429, RateLimitError), (500, InternalServerError), (503, InternalServerError)]
)
async def test_a_failure_that_may_pass_is_tried_again(status: int, kind: type[APIStatusError]) -> None:
    waits = Waits()
    async with raw_server(refusal(status, retry_after="3")) as server:
        with pytest.raises(kind):
            await anext(chat(server.url, waits=waits, max_reconnects=2))
        assert len(server.requests) == 3
    assert [round(seconds) for seconds in waits.seconds] == [3, 3]


async def test_a_run_that_is_gone_when_it_comes_back_is_the_relays_answer() -> None:
    relay = Relay(chat_run(*TEXTS), cuts=[Cut(250)])

    async def handle(exchange: Exchange) -> None:
        await (relay(exchange) if exchange.number == 1 else refusal(410)(exchange))

    async with raw_server(handle) as server:
        follower = chat(server.url)
        with pytest.raises(APIStatusError) as raised:
            await texts(follower)
    assert (raised.value.status, follower.events_seen) == (410, 2)


async def test_204_is_the_end_of_a_run_that_was_read_to_its_end() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with raw_server(handle) as server:
        assert await texts(chat(server.url, last_event_id="6")) == []
        async with chat(server.url, last_event_id="6") as follower:
            assert await texts(follower) == []


async def test_nobody_there_is_a_connection_error() -> None:
    port = free_port()
    waits = Waits()
    follower = chat(f"http://127.0.0.1:{port}", waits=waits)
    with pytest.raises(APIConnectionError, match=f"no connection to 127.0.0.1:{port}"):
        await anext(follower)
    assert len(waits.seconds) == follower.reconnects == 10


async def test_no_answer_in_time_is_a_timeout() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.gone()

    async with raw_server(handle) as server:
        with pytest.raises(APITimeoutError, match=r"within 0\.05 s"):
            await anext(chat(server.url, timeout=Timeout(response=0.05), max_reconnects=1))
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (response(200, b"<html>", {"Content-Type": "text/html"}), APIResponseValidationError, "got text/html"),
        (response(200, b'{"error":{"message":"out"}}'), StreamEventError, "out"),
        (response(302, b"", {"Location": "http://elsewhere.example/"}), APIStatusError, "another origin"),
    ],
    ids=["html", "JSON", "redirect"],
)
async def test_what_is_no_event_stream_is_said(answer: bytes, kind: type[APIError], message: str) -> None:
    async with raw_server(lambda exchange: exchange.send(answer)) as server:
        with pytest.raises(kind, match=message):
            await anext(chat(server.url))
        assert len(server.requests) == 1


async def test_a_redirect_within_the_origin_is_followed() -> None:
    relay = Relay(chat_run(*TEXTS))

    async def handle(exchange: Exchange) -> None:
        if exchange.target == "/there":
            await relay(exchange)
        else:
            await exchange.reply(307, location="/there")

    async with raw_server(handle) as server:
        assert await texts(chat(server.url)) == TEXTS


async def test_a_circle_of_redirects_ends() -> None:
    async with raw_server(lambda exchange: exchange.reply(307, location="/runs/1")) as server:
        with pytest.raises(APIStatusError, match="it is number 6, and 5 are followed"):
            await anext(chat(server.url))
        assert len(server.requests) == 6


# Errors in the stream.


async def test_an_error_event_is_raised_with_the_relays_words() -> None:
    error = b'{"error":{"message":"the producer died","type":"server_error","code":"producer_lost","param":null}}'
    relay = Relay([*chat_run(*TEXTS)[:2], Entry(3, "error", error)])
    async with raw_server(relay) as server:
        follower = chat(server.url)
        with pytest.raises(StreamEventError) as raised:
            await texts(follower)
        await server.all_closed()
    said = raised.value
    assert (str(said), said.code, said.type) == ("the producer died", "producer_lost", "server_error")
    assert (said.body, said.events_seen, len(relay.asked)) == (error, 2, 1)
    assert pickle.loads(pickle.dumps(said)).code == "producer_lost"


async def test_an_error_event_without_an_id_is_an_error_all_the_same() -> None:
    relay = Relay([*chat_run(*TEXTS)[:2]])
    relay.body = lambda after: (  # type: ignore[method-assign]
        b"".join(map(sse_frame, relay.entries)) + sse_frame(Entry(None, "error", b'{"error":{"message":"lost"}}'))
    )
    async with raw_server(relay) as server:
        with pytest.raises(StreamEventError, match="lost"):
            await texts(chat(server.url))


async def test_an_event_that_cannot_be_read_is_an_error() -> None:
    async with raw_server(Relay(numbered('{"id":', name="thread.run.created"))) as server:
        with pytest.raises(StreamDecodeError, match=r"thread\.run\.created"):
            async for _ in follow(server.url, protocol="assistants"):
                pass


async def test_bad_utf8_is_replaced() -> None:
    relay = Relay([Entry(1, "thread.new", b'{"a":"\xff"}'), Entry(2, "done", b"[DONE]")])
    async with raw_server(relay) as server:
        events = [event async for event in follow(server.url, protocol="assistants")]

    assert events == [UnknownEvent("thread.new", '{"a":"\ufffd"}'.encode())]


async def test_a_line_without_end_is_an_error() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(HEAD + b"\r\ndata: ")
        await exchange.flood()

    async with raw_server(handle) as server:
        with pytest.raises(StreamDecodeError, match="the limit is 16777216 bytes"):
            await anext(chat(server.url))
        assert len(server.requests) == 1


# Life cycle.


async def test_cancelled_waiting_loses_nothing() -> None:
    relay = Relay(chat_run(*TEXTS), cuts=[Cut(250)])

    async def handle(exchange: Exchange) -> None:
        await asyncio.sleep(0.1)
        await relay(exchange)

    async with raw_server(handle) as server:
        follower = chat(server.url)
        given: list[str] = []
        expired = 0
        while True:
            try:
                given.append(text_of(await asyncio.wait_for(anext(follower), 0.01)))
            except TimeoutError:
                expired += 1
            except StopAsyncIteration:
                break
        assert len(server.requests) == 2
    assert given == TEXTS
    assert expired >= 4


@pytest.fixture
def always_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which every turn is over once it is looked at."""
    seconds = itertools.count()
    monkeypatch.setattr(fairness, "monotonic", lambda: next(seconds))


def many(*contents: str) -> Entry:
    """One entry that holds many chunks, line by line."""
    return Entry(2, "", b"\n".join(entry.data for entry in chat_run(*contents)[:-1]))


@pytest.mark.usefixtures("always_over")
async def test_others_have_their_turn_between_the_events_of_one_frame_and_between_frames() -> None:
    contents = [f"{number:99}" for number in range(1000)]
    relay = Relay([*chat_run("a")[:1], many(*contents), Entry(3, "done", b"[DONE]")])
    whole = relay.body(None)
    relay.body = lambda after: whole.replace(b"\n\n", b"\n\n" + b": x\n\n" * 100)  # type: ignore[method-assign]
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with raw_server(relay) as server, chat(server.url) as follower:
        counting = asyncio.create_task(count())
        assert ["a", *contents] == await texts(follower)
        counting.cancel()
    assert turns > 1300


@pytest.mark.usefixtures("always_over")
async def test_cancellation_in_the_turn_of_others_loses_nothing() -> None:
    contents = [f"{number:199}" for number in range(500)]
    relay = Relay([*chat_run("a")[:1], many(*contents), Entry(3, "done", b"[DONE]")])
    given: list[str] = []
    cancelled = 0
    async with raw_server(relay) as server, chat(server.url) as follower:
        await follower.open()
        while True:
            step = asyncio.ensure_future(anext(follower))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            step.cancel()
            try:
                given.append(text_of(await step))
            except asyncio.CancelledError:
                cancelled += 1
            except StopAsyncIteration:
                break
    assert ["a", *contents] == given
    assert cancelled > 250


@pytest.mark.usefixtures("always_over")
async def test_closing_while_a_long_event_is_decoded_ends_that() -> None:
    contents = [f"{number:99}" for number in range(1000)]
    relay = Relay([*chat_run("a")[:1], many(*contents), Entry(3, "done", b"[DONE]")])
    async with raw_server(relay) as server, chat(server.url) as follower:
        await anext(follower)
        waiting = asyncio.ensure_future(anext(follower))
        for _ in range(500):
            await asyncio.sleep(0)
        assert follower._decoding is not None
        assert not waiting.done()
        await follower.aclose()
        with pytest.raises(StreamInterruptedError, match="closed by the consumer after 1 event"):
            await waiting


async def test_closing_in_mid_run_leaves_nothing() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(HEAD + b"\r\n" + sse_frame(chat_run(*TEXTS)[0]))
        await exchange.gone()

    before = asyncio.all_tasks()
    async with raw_server(handle) as server:
        async with chat(server.url) as follower:
            await anext(follower)
        await server.all_closed()
        with pytest.raises(StreamInterruptedError, match="closed by the consumer after 1 event"):
            await anext(follower)
        await follower.aclose()
    assert asyncio.all_tasks() == before


async def test_whoever_observes_is_told_that_the_reader_left_or_was_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(HEAD + b"\r\n" + sse_frame(chat_run(*TEXTS)[0]))
        await exchange.gone()

    async def read_on(url: str) -> None:
        async with chat(url) as follower:
            await anext(follower)
            begun.set()
            await anext(follower)

    begun = asyncio.Event()
    caplog.set_level("INFO", "asyncstream")
    async with raw_server(handle) as server:
        async with chat(server.url) as follower:
            await anext(follower)
        task = asyncio.create_task(read_on(server.url))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])

    left, cancelled = (record.getMessage() for record in caplog.records)
    assert "200, left in" in left
    assert "1 events" in left
    assert "CancelledError after" in cancelled


async def test_closing_while_another_task_waits_ends_its_waiting() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(HEAD + b"\r\n" + sse_frame(chat_run(*TEXTS)[0]))
        await exchange.gone()

    async with raw_server(handle) as server:
        follower = chat(server.url)
        await anext(follower)
        waiting = asyncio.create_task(anext(follower))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        with pytest.raises(ConfigurationError, match="another task is waiting"):
            await anext(follower)
        await follower.aclose()
        with pytest.raises(StreamInterruptedError, match="closed by the consumer"):
            await waiting
        assert (len(server.requests), follower.reconnects) == (1, 0)


async def test_closing_while_another_task_connects_ends_its_waiting() -> None:
    asked = asyncio.Event()

    async def handle(exchange: Exchange) -> None:
        asked.set()
        await exchange.gone()

    async with raw_server(handle) as server:
        follower = chat(server.url)
        waiting = asyncio.create_task(anext(follower))  # type: ignore[arg-type]
        await asked.wait()
        await follower.aclose()
        with pytest.raises(StreamInterruptedError, match="closed by the consumer after 0 events"):
            await waiting


async def test_closing_while_it_connects_leaves_nothing() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.gone()

    before = asyncio.all_tasks()
    # Closing a session of its own would take long enough for the task to end.
    async with raw_server(handle) as server, aiohttp.ClientSession() as session:
        follower = chat(server.url, session=session)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(follower), 0.05)
        assert "asyncstream follower" in {task.get_name() for task in asyncio.all_tasks()}
        await follower.aclose()
        assert "asyncstream follower" not in {task.get_name() for task in asyncio.all_tasks()}
        await server.all_closed()
    assert asyncio.all_tasks() == before


async def test_a_session_that_was_given_is_not_closed() -> None:
    async with raw_server(Relay(chat_run(*TEXTS))) as server, aiohttp.ClientSession() as session:
        assert await texts(chat(server.url, session=session)) == TEXTS
        assert await texts(chat(server.url, session=session)) == TEXTS
        assert not session.closed


async def test_one_that_is_dropped_closes_itself_and_says_so() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(HEAD + b"\r\n" + sse_frame(chat_run(*TEXTS)[0]))
        await exchange.gone()

    async with raw_server(handle) as server:
        follower = chat(server.url)
        await anext(follower)
        with pytest.warns(ResourceWarning, match="unclosed Follower"):  # noqa: PT031 - only both drop it
            del follower
            gc.collect()
        await server.all_closed()


async def test_one_that_was_never_opened_needs_no_closing() -> None:
    follower = chat("http://127.0.0.1:1")
    del follower
    gc.collect()


# Arguments.


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("ftp://host/x", {}, "url must be an absolute"),
        ("/x", {}, "url must be an absolute"),
        ("http://", {}, "url must be an absolute"),
        (None, {}, "url must be an absolute"),
        (f"http://me:{SECRET}@host/", {}, "no user and password"),
        ("http://host/", {"protocol": "respones"}, "no protocol 'respones', expected one of 'assistants', 'chat'"),
        ("http://host/", {"last_event_id": 3.0}, "'Last-Event-ID' must be a string"),
        ("http://host/", {"last_event_id": True}, "'Last-Event-ID' must be a string"),
        ("http://host/", {"last_event_id": "3\r\nX: y"}, "line break"),
        ("http://host/", {"headers": {"X": f"{SECRET}\n"}}, "line break"),
        ("http://host/", {"headers": [("X", "y")]}, "headers must be a mapping"),
        ("http://host/", {"timeout": -1}, "timeout must be a number"),
        ("http://host/", {"max_reconnects": -1}, "max_reconnects must be a number from 0"),
        ("http://host/", {"max_reconnects": None}, "max_reconnects must be a number from 0"),
    ],
)
def test_bad_arguments_are_refused(url: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        follow(url, **{"protocol": "chat", **options})
    assert SECRET not in str(raised.value)


async def test_secrets_are_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nX-Said: %s\r\n\x00\r\n\r\n" % SECRET.encode())

    async def unreachable(exchange: Exchange) -> None:
        exchange.rst()

    caplog.set_level("INFO")
    for handler in (refusal(404), refusal(500), breaks, unreachable):
        async with raw_server(handler) as server:
            follower = follow(
                f"{server.url}/?token={SECRET}",
                protocol="chat",
                headers={"Authorization": f"Bearer {SECRET}", "Cookie": f"session={SECRET}"},
                max_reconnects=0,
            )
            with pytest.raises(AsyncStreamError) as raised:
                await anext(follower)
            shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + repr(follower)
            assert SECRET not in shown + pickle.dumps(raised.value).decode("latin-1")
    assert SECRET not in caplog.text
