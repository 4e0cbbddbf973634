"""A response in the background: its stream goes on by itself after a break, and can be joined from anywhere."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from assistants_wire import STREAM_HEAD, chunk, stream
from raw_server import Exchange, Handler, RawServer, raw_server
from responses_wire import CALLS, event, hello, response

from asyncstream import (
    AsyncClient,
    BadRequestError,
    NotFoundError,
    ResponseStream,
    StreamEventError,
    StreamInterruptedError,
    StreamTruncatedError,
)
from asyncstream.events.decode import decode_stream
from asyncstream.transport.observing import CallFailed, CallFinished, Observation, RequestSent

BACKGROUND = hello(background=True)
"""A response in the background that says "Hello"."""

NUMBERS = list(range(len(BACKGROUND)))


@dataclass
class Kept:
    """A server that keeps a response, and breaks the bodies of its streams where a test says."""

    frames: list[bytes] = field(default_factory=lambda: BACKGROUND)
    cuts: list[int] = field(default_factory=list)
    """How many bytes of its events each body brings; those after these are whole."""
    end: str = "fin"
    asked: list[dict[str, list[str]]] = field(default_factory=list)

    async def __call__(self, exchange: Exchange) -> None:
        path, _, query = exchange.target.partition("?")
        first = 0
        if exchange.method == "GET":
            assert "/responses/resp_1" == path
            self.asked.append(parse_qs(query))
            first = int(self.asked[-1].get("starting_after", ["-1"])[0]) + 1
        body = b"".join(self.frames[first:])
        if not self.cuts:
            await exchange.send(STREAM_HEAD + chunk(body) + b"0\r\n\r\n")
            return
        body = body[: self.cuts.pop(0)]
        await exchange.send(STREAM_HEAD + (chunk(body) if body else b""))
        if self.end == "fin":
            exchange.fin()
        else:
            await exchange.send(b"0\r\n\r\n")


def bytes_of(count: int, first: int = 0) -> int:
    return len(b"".join(BACKGROUND[first : first + count]))


@asynccontextmanager
async def talk(answer: Handler, **options: Any) -> AsyncIterator[tuple[AsyncClient, RawServer]]:
    """Serve; waits take no time."""

    async def sleep(seconds: float) -> None:
        pass

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url, **options) as client:
        client._transport._sleep = sleep
        yield client, server


def asking(client: AsyncClient, **params: Any) -> ResponseStream[Any]:
    return client.responses.stream(**{"model": "m-1", "input": "hi", "background": True, **params})


def named(change: Any) -> tuple[object, ...]:
    return type(change).__name__, change.parent, getattr(change, "index", 0), getattr(change, "delta", None)


# Going on.


async def test_a_broken_stream_goes_on_from_the_last_event():
    kept = Kept(cuts=[bytes_of(5), bytes_of(2, 5)])
    async with talk(kept) as (client, server), asking(client) as s:
        numbers = [one.sequence_number async for one in s]
        final = await s.get_final_response()

    assert (NUMBERS, "Hello", "completed") == (numbers, final.output_text, final.status)
    assert [("POST", "/responses"), ("GET", "/responses/resp_1"), ("GET", "/responses/resp_1")] == [
        (request.method, request.target.partition("?")[0]) for request in server.requests
    ]
    assert [{"stream": ["true"], "starting_after": [number]} for number in ("4", "6")] == kept.asked
    assert b"" == server.requests[1].body


@pytest.mark.parametrize("end", ["fin", "end"])
async def test_every_cut_behind_the_first_event_tells_the_same(end):
    body = b"".join(BACKGROUND)
    whole = Kept()
    async with talk(whole) as (client, _), asking(client) as s:
        expected = [named(change) async for change in s.changes]
        snapshot = s.accumulator.response
    kept = Kept(end=end)
    healed = 0
    async with talk(kept) as (client, server):
        for at in range(bytes_of(1), len(body), 5):
            kept.cuts[:] = [at]
            async with asking(client) as s:
                changes = [named(change) async for change in s.changes]

                assert (expected, snapshot) == (changes, s.accumulator.response), at
        healed = sum(request.method == "GET" for request in server.requests)
    assert healed > 100


async def test_what_is_sent_again_is_told_once():
    async def all_again(exchange: Exchange) -> None:
        frames = BACKGROUND if exchange.method == "GET" else BACKGROUND[:5]
        await stream(exchange, *frames)

    async with talk(all_again) as (client, _), asking(client) as s:
        texts = [text async for text in s.text_deltas]

        assert (["Hel", "lo"], "Hello") == (texts, s.accumulator.response.output_text)


@pytest.mark.parametrize(
    ("wire", "asked", "healed"),
    [(True, None, True), (True, False, True), (None, True, True), (False, True, False), (None, None, False)],
)
async def test_the_wire_says_whether_it_is_in_the_background_else_the_request(wire, asked, healed):
    frames = hello() if wire is None else hello(background=wire)
    kept = Kept(frames=frames, cuts=[len(b"".join(frames[:5]))])
    params = {} if asked is None else {"background": asked}
    async with talk(kept) as (client, _), client.responses.stream(model="m-1", input="hi", **params) as s:
        if healed:
            assert "Hello" == (await s.get_final_response()).output_text
        else:
            with pytest.raises(StreamInterruptedError):
                await s.until_done()

    assert healed == bool(kept.asked)


async def test_the_rest_is_asked_for_as_the_first():
    kept = Kept(cuts=[bytes_of(5)])
    async with talk(kept, default_query={"api-version": "1"}) as (client, server):
        options = {"extra_headers": {"X-Mine": "1", "Idempotency-Key": "once"}, "extra_query": {"q": "2"}}
        more = {"include": ["message.output_text.logprobs"], "stream_options": {"include_obfuscation": False}}
        async with asking(client, **options, **more) as s:
            await s.until_done()

    assert [
        {
            "api-version": ["1"],
            "q": ["2"],
            "stream": ["true"],
            "starting_after": ["4"],
            "include[]": ["message.output_text.logprobs"],
            "include_obfuscation": ["false"],
        }
    ] == kept.asked
    headers = server.requests[1].headers
    assert ("1", "Bearer k", False) == (headers["x-mine"], headers["authorization"], "idempotency-key" in headers)


async def test_azure_has_it_under_its_own_path():
    kept = Kept(cuts=[bytes_of(5)])

    async def answer(exchange: Exchange) -> None:
        assert exchange.target.startswith("/openai/v1/responses")
        exchange.target = exchange.target.removeprefix("/openai/v1")
        await kept(exchange)

    async with raw_server(answer) as server:
        async with AsyncClient.azure(server.url, api_key="secret-key") as client, asking(client) as s:
            assert "Hello" == (await s.get_final_response()).output_text

    assert ["POST", "GET"] == [request.method for request in server.requests]
    assert ["secret-key"] * 2 == [request.headers["api-key"] for request in server.requests]


async def test_observers_see_each_request():
    seen: list[Observation] = []
    async with talk(Kept(cuts=[bytes_of(5)]), observer=seen.append) as (client, _), asking(client) as s:
        await s.until_done()

    told = [one for one in seen if isinstance(one, RequestSent | CallFailed | CallFinished)]
    assert [
        (RequestSent, "/responses"),
        (CallFailed, "/responses"),
        (RequestSent, "/responses/{response_id}"),
        (CallFinished, "/responses/{response_id}"),
    ] == [(type(one), one.call.route) for one in told]
    assert {"response_id": "resp_1"} == told[3].call.ids


async def test_leaving_does_not_cancel_the_response():
    kept = Kept(cuts=[bytes_of(5)])
    async with talk(kept) as (client, server):
        async with asking(client) as s:
            await anext(s)

        assert ["POST /responses"] == [f"{request.method} {request.target}" for request in server.requests]


async def test_a_cancelled_reader_loses_nothing():
    kept = Kept(cuts=[bytes_of(3), bytes_of(3, 3), bytes_of(2, 6)])
    numbers: list[int | None] = []
    async with talk(kept) as (client, _), asking(client) as s, asyncio.timeout(20):
        turns = 0
        while not s.over:
            step = asyncio.ensure_future(anext(s))
            for _ in range(turns % 9):
                await asyncio.sleep(0)
            turns += 1
            step.cancel()
            try:
                numbers.append((await step).sequence_number)
            except (asyncio.CancelledError, StopAsyncIteration):
                continue

        assert (NUMBERS, "Hello") == (numbers, s.accumulator.response.output_text)
    assert [["2"], ["5"], ["7"]] == [query["starting_after"] for query in kept.asked]


# What cannot be gone on with.


@pytest.mark.parametrize(("cut", "kind"), [("fin", StreamInterruptedError), ("end", StreamTruncatedError)])
async def test_a_break_before_the_first_event_says_that_it_may_be_running(cut, kind):
    for at in (0, 20, bytes_of(1) - 3):
        kept = Kept(cuts=[at], end=cut)
        async with talk(kept) as (client, _), asking(client) as s:
            with pytest.raises(kind, match="the response may be running in the background, under an id") as caught:
                await s.until_done()

        assert (s.accumulator, []) == (caught.value.partial, kept.asked)


async def test_a_response_without_numbers_says_that_it_may_be_running():
    def bare(frame: bytes) -> bytes:
        name, _, data = frame.partition(b"\ndata: ")
        members = {key: value for key, value in json.loads(data).items() if key != "sequence_number"}
        return name + b"\ndata: " + json.dumps(members).encode() + b"\n\n"

    frames = [bare(frame) for frame in BACKGROUND]
    kept = Kept(frames=frames, cuts=[len(b"".join(frames[:5]))])
    async with talk(kept) as (client, _), asking(client) as s:
        with pytest.raises(StreamInterruptedError, match="the response 'resp_1' may be running in the background"):
            await s.until_done()

    assert (None, []) == (s.last_sequence_number, kept.asked)


@pytest.mark.parametrize(("status", "kind"), [(404, NotFoundError), (400, BadRequestError)])
async def test_a_refusal_is_raised_with_the_partial(status, kind):
    async def answer(exchange: Exchange) -> None:
        if exchange.method == "POST":
            await Kept(cuts=[bytes_of(5)])(exchange)
        else:
            await exchange.reply(status, b'{"error": {"message": "no longer streamable", "code": "x"}}')

    async with talk(answer) as (client, server), asking(client) as s:
        with pytest.raises(kind, match="no longer streamable") as caught:
            await s.get_final_response()

    assert (s.accumulator, "Hel", 2) == (
        caught.value.partial,
        s.accumulator.response.output_text,
        len(server.requests),
    )
    assert isinstance(caught.value.__cause__, StreamInterruptedError)


async def test_no_retries_switch_it_off_and_say_how_to_go_on():
    kept = Kept(cuts=[bytes_of(5)])
    async with talk(kept, max_retries=0) as (client, _):
        async with asking(client) as s:
            words = r"responses\.stream\(response_id='resp_1', starting_after=4\) goes on with it"
            with pytest.raises(StreamInterruptedError, match=words):
                await s.until_done()
        async with client.responses.stream(response_id="resp_1", starting_after=s.last_sequence_number) as joined:
            numbers = [one.sequence_number async for one in joined]

    assert NUMBERS[5:] == numbers


async def test_it_is_given_up_when_nothing_has_come_in_between():
    kept = Kept(cuts=[bytes_of(5), *[0] * 10])
    async with talk(kept, max_retries=3) as (client, _), asking(client) as s:
        with pytest.raises(StreamInterruptedError):
            await s.until_done()

    assert [["4"]] * 3 == [query["starting_after"] for query in kept.asked]


async def test_a_response_that_failed_meanwhile_is_an_error():
    failed = event("failed", sequence_number=5, response=response("failed", error={"message": "lost", "code": "x"}))
    kept = Kept(frames=[*BACKGROUND[:5], failed], cuts=[bytes_of(5)])
    async with talk(kept) as (client, _), asking(client) as s:
        with pytest.raises(StreamEventError, match="lost") as caught:
            await s.until_done()

    assert ("x", "Hel", 1) == (caught.value.code, s.accumulator.response.output_text, len(kept.asked))


# Joining.


@pytest.mark.parametrize("after", [None, 0, 4, len(BACKGROUND) - 2])
async def test_a_response_can_be_joined_from_anywhere(after):
    kept = Kept()
    async with talk(kept) as (client, server):
        async with client.responses.stream(response_id="resp_1", starting_after=after) as s:
            numbers = [one.sequence_number async for one in s]
            final = await s.get_final_response()

    assert (NUMBERS[0 if after is None else after + 1 :], "Hello") == (numbers, final.output_text)
    asked = {"stream": ["true"]} | ({} if after is None else {"starting_after": [str(after)]})
    assert ([asked], "GET") == (kept.asked, server.requests[0].method)


async def test_a_joined_stream_goes_on_after_a_break_before_its_first_event():
    kept = Kept(cuts=[0, 10, bytes_of(1, 5), 0])
    async with talk(kept, max_retries=2) as (client, _):
        async with client.responses.stream(response_id="resp_1", starting_after=4, include=["x"]) as s:  # type: ignore[list-item]
            numbers = [one.sequence_number async for one in s]

    assert NUMBERS[5:] == numbers
    assert [["4"], ["4"], ["4"], ["5"], ["5"]] == [query["starting_after"] for query in kept.asked]
    assert [["x"]] * 5 == [query["include[]"] for query in kept.asked]


async def test_a_joined_stream_that_begins_at_the_beginning_has_no_number_to_go_on_from():
    kept = Kept(cuts=[0])
    async with talk(kept) as (client, _), client.responses.stream(response_id="resp_1") as s:
        with pytest.raises(StreamInterruptedError, match="the response 'resp_1' may be running"):
            await s.until_done()


async def test_retrieve_gives_an_open_stream():
    kept = Kept(cuts=[bytes_of(2, 5)])
    async with talk(kept) as (client, server):
        s = await client.responses.retrieve("resp_1", stream=True, starting_after=4, include_obfuscation=False)
        assert 1 == len(server.requests)
        async with s:
            assert NUMBERS[5:] == [one.sequence_number async for one in s]

    assert [["4"], ["6"]] == [query["starting_after"] for query in kept.asked]
    assert [["false"]] * 2 == [query["include_obfuscation"] for query in kept.asked]


async def test_a_response_that_is_not_there_cannot_be_joined():
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(404, b'{"error": {"message": "no such response"}}')

    async with talk(answer) as (client, _):
        with pytest.raises(NotFoundError) as caught:
            async with client.responses.stream(response_id="resp_1"):
                pass
    assert caught.value.partial is None


async def test_a_joined_stream_has_the_type():
    frames = hello(texts=('{"x":', "1}"), background=True)
    async with talk(Kept(frames=frames)) as (client, _):
        async with client.responses.stream(response_id="resp_1", text_format=Answer) as s:
            assert Answer(1) == (await s.get_final_response()).output_parsed


@dataclass
class Answer:
    x: int


async def test_the_second_answer_of_a_stream_goes_on_too():
    first = [frame.replace(b'"model":', b'"background": true, "model":') for frame in CALLS]
    second = hello("resp_2", background=True)

    def serve() -> Callable[[Exchange], Any]:
        async def answer(exchange: Exchange) -> None:
            if exchange.method == "GET":
                number = int(parse_qs(exchange.target.partition("?")[2])["starting_after"][0])
                frames = second if "resp_2" in exchange.target else first
                await stream(exchange, *frames[number + 1 :])
            else:
                frames = second if b"previous_response_id" in exchange.body else first
                await exchange.send(STREAM_HEAD + chunk(b"".join(frames[:3])))
                exchange.fin()

        return answer

    outputs = [{"call_id": f"call_{one}", "output": "18"} for one in "ab"]
    async with talk(serve()) as (client, server), asking(client) as s:
        await s.until_done()
        await s.submit_tool_outputs(outputs)
        final = await s.get_final_response()

    assert ("Hello", "resp_2") == (final.output_text, final.id)
    assert ["POST", "GET", "POST", "GET"] == [request.method for request in server.requests]
    sent = json.loads(server.requests[2].body)
    assert ("m-1", True, True, "resp_1") == (
        sent["model"],
        sent["background"],
        sent["stream"],
        sent["previous_response_id"],
    )


def test_the_frames_are_of_the_protocol():
    assert NUMBERS == [
        getattr(one, "sequence_number", None) for one in decode_stream(b"".join(BACKGROUND), "responses")
    ]
