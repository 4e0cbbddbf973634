"""Tool outputs and approvals on the stream of a response: it goes on over the next response, with one request each."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from assistants_wire import STREAM_HEAD, chunk, stream
from msgspec import Struct
from raw_server import Exchange, Handler, RawServer, raw_server
from responses_wire import CALLS, HELLO, answer, call, custom_call, hello, message

from asyncstream import (
    AsyncClient,
    ConfigurationError,
    InternalServerError,
    ResponseStream,
    StreamInterruptedError,
    StreamTruncatedError,
)
from asyncstream.transport.observing import CallFailed, CallFinished

BOTH = [{"call_id": "call_a", "output": "18"}, {"call_id": "call_b", "output": "3"}]
ANSWERED = [{"type": "function_call_output", **one} for one in BOTH]
SECOND = hello("resp_2")
ASKS = {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "drop", "arguments": "{}"}


@dataclass
class Talk:
    server: RawServer
    client: AsyncClient
    stream: ResponseStream[Any]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.server.requests]


@asynccontextmanager
async def talk(*answers: Handler | list[bytes], observer: Any = None, **params: Any) -> AsyncIterator[Talk]:
    """Give the first answer to the first request, and so on."""

    async def send(exchange: Exchange) -> None:
        one = answers[exchange.number - 1]
        await (one(exchange) if callable(one) else stream(exchange, *one))

    async with (
        raw_server(send) as server,
        AsyncClient(api_key="k", base_url=server.url, max_retries=0, observer=observer) as client,
        client.responses.stream(**{"input": "hi", "model": "m-1", **params}) as s,
    ):
        yield Talk(server, client, s)


class Gate:
    """An answer that waits until the test opens it, and tells when it was asked for and when its client has left."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = frames
        self.asked, self.opened, self.left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        self.asked.set()
        waits = [asyncio.ensure_future(self.opened.wait()), asyncio.ensure_future(exchange.gone())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if self.opened.is_set():
                await stream(exchange, *self.frames)
            else:
                self.left.set()
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


# Going on.


async def test_outputs_submitted_in_the_loop_go_on_with_the_same_iterator():
    seen = []
    async with talk(CALLS, SECOND, temperature=0.5, tools=[{"type": "function", "name": "weather"}]) as t:
        async for event in t.stream:
            seen.append(event.type)
            if event.type == "response.completed" and not t.stream.rounds:
                assert t.stream.finished
                await t.stream.submit_tool_outputs(BOTH[::-1])
                assert (False, "") == (t.stream.finished, t.stream.current_response_snapshot.id)
        final = await t.stream.get_final_response()

    assert (len(CALLS) + len(SECOND), "Hello", "resp_2") == (len(seen), final.output_text, final.id)
    first, second = t.bodies
    assert {**first, "previous_response_id": "resp_1", "input": ANSWERED} == second
    assert ["POST /responses"] * 2 == [f"{request.method} {request.target}" for request in t.server.requests]


async def test_custom_calls_are_answered_by_their_own_items():
    async with talk(answer(custom_call("a"), call("b")), SECOND) as t:
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(BOTH)
        await t.stream.until_done()

    assert ["custom_tool_call_output", "function_call_output"] == [item["type"] for item in t.bodies[1]["input"]]


async def test_what_is_not_stored_is_sent_back_whole():
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz"}
    asked = call("a", "weather", '{"city":"Rome"}')
    rounds = [answer(thought, asked), answer(thought, asked, id="resp_2"), HELLO]
    params: dict[str, Any] = {"store": False, "include": ["reasoning.encrypted_content"]}
    async with talk(*rounds, **params) as t:
        for _ in range(2):
            await t.stream.until_done()
            await t.stream.submit_tool_outputs(BOTH[:1])
        await t.stream.until_done()

    user = {"role": "user", "content": "hi"}
    assert [user, thought, asked, ANSWERED[0]] == t.bodies[1]["input"]
    assert [user, thought, asked, ANSWERED[0], thought, asked, ANSWERED[0]] == t.bodies[2]["input"]
    for body in t.bodies[1:]:
        assert (False, "previous_response_id" in body) == (body["store"], False)
        assert params["include"] == body["include"]


async def test_a_conversation_holds_what_was_said():
    async with talk(CALLS, SECOND, conversation="conv_1") as t:
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(BOTH)
        await t.stream.until_done()

    first, second = t.bodies
    assert {**first, "input": ANSWERED} == second


async def test_approvals_go_on_with_the_stream():
    async with talk(answer(ASKS), SECOND) as t:
        await t.stream.until_done()
        await t.stream.submit_tool_approvals([{"approval_request_id": "mcpr_1", "approve": True}])
        final = await t.stream.get_final_response()

    item = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    assert ([item], "resp_1", "Hello") == (
        t.bodies[1]["input"],
        t.bodies[1]["previous_response_id"],
        final.output_text,
    )
    assert ["true"] == [result.output for result in t.stream.rounds[0].results]


async def test_each_round_keeps_its_response():
    async def send(exchange: Exchange) -> None:
        usage = {"input_tokens": exchange.number, "output_tokens": 1, "total_tokens": exchange.number + 1}
        frames = HELLO if exchange.number == 3 else answer(call("a"), id=f"resp_{exchange.number}", usage=usage)
        head = STREAM_HEAD.replace(b"req_1", b"req_%d" % exchange.number)
        await exchange.send(head + b"".join(map(chunk, frames)) + b"0\r\n\r\n")

    async with talk(send, send, send) as t:
        accumulators = [t.stream.accumulator]
        for _ in range(2):
            await t.stream.until_done()
            await t.stream.submit_tool_outputs(BOTH[:1])
            accumulators.append(t.stream.accumulator)
        final = await t.stream.get_final_response()

        assert ("req_3", 200) == (t.stream.request_id, t.stream.status)
        rounds = t.stream.rounds
    assert [(1, "req_1", 2), (2, "req_2", 3)] == [(r.number, r.request_id, r.usage.total_tokens) for r in rounds]
    assert [a.response for a in accumulators] == [*(r.snapshot for r in rounds), final]
    assert [(1, 0, "call_a", "f", "18"), (2, 0, "call_a", "f", "18")] == [
        (x.round, x.place, x.id, x.name, x.output) for r in rounds for x in r.results
    ]
    assert ["resp_1", "resp_2"] == [body["previous_response_id"] for body in t.bodies[1:]]


async def test_text_and_changes_of_all_responses_come_in_one_view():
    seen = []
    async with talk(answer(message("Let me see. "), call("a")), SECOND) as t:
        async for text in t.stream.text_deltas:
            seen.append(text)
            if len(seen) == 1:
                await t.stream.until_done()
                await t.stream.submit_tool_outputs(BOTH[:1])
    assert ["Let me see. ", "Hel", "lo"] == seen

    async with talk(CALLS, SECOND) as t:
        names = []
        async for change in t.stream.changes:
            names.append(type(change).__name__)
            if t.stream.finished and not t.stream.rounds:
                await t.stream.submit_tool_outputs(BOTH)
    assert (2, 1) == (names.count("ToolCallDone"), names.count("ContentDone"))
    assert names.index("ToolCallDone") < names.index("ContentCreated")


async def test_the_type_of_the_answer_holds_for_every_round():
    class City(Struct):
        name: str

    async with talk(answer(call("a")), hello(texts=('{"name":', '"Rome"}')), text_format=City) as t:
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(BOTH[:1])

        assert City("Rome") == (await t.stream.get_final_response()).output_parsed
    assert t.bodies[0]["text"] == t.bodies[1]["text"]


async def test_the_next_request_has_no_idempotency_key_of_the_first():
    async with talk(answer(call("a")), SECOND, extra_headers={"Idempotency-Key": "once", "X-Mine": "1"}) as t:
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(BOTH[:1])
        await t.stream.until_done()

    first, second = (request.headers for request in t.server.requests)
    assert ("once", "1", "1") == (first["idempotency-key"], first["x-mine"], second["x-mine"])
    assert "once" != second["idempotency-key"]


async def test_observers_hear_of_each_request():
    seen: list[Any] = []
    async with talk(CALLS, SECOND, observer=seen.append) as t:
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(BOTH)
        await t.stream.until_done()

    ends = [one for one in seen if isinstance(one, CallFinished | CallFailed)]
    assert [("resp_1", len(CALLS)), ("resp_2", len(SECOND))] == [(one.response_id, one.events) for one in ends]


# What is refused.


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (BOTH[:1], "there is none for 'call_b'"),
        ([*BOTH, {"call_id": "call_c", "output": ""}], "no call 'call_c' is open"),
        ([{"id": "call_a", "output": ""}], "expected each output as"),
    ],
)
async def test_outputs_that_do_not_fit_change_nothing_and_can_be_mended(outputs, words):
    async with talk(CALLS, SECOND) as t:
        await t.stream.until_done()
        with pytest.raises(ConfigurationError, match=words):
            await t.stream.submit_tool_outputs(outputs)
        with pytest.raises(ConfigurationError, match="expected each approval as"):
            await t.stream.submit_tool_approvals(BOTH)
        assert (1, []) == (len(t.server.requests), t.stream.rounds)
        await t.stream.submit_tool_outputs(BOTH)

        assert "Hello" == (await t.stream.get_final_response()).output_text


async def test_a_response_that_waits_for_nothing_takes_no_outputs():
    async with talk(HELLO) as t:
        await t.stream.until_done()
        with pytest.raises(ConfigurationError, match="calls no tool"):
            await t.stream.submit_tool_outputs(BOTH)

    assert 1 == len(t.server.requests)


async def test_a_response_that_is_not_complete_takes_no_outputs():
    async with talk(CALLS[:-1]) as t:
        await anext(t.stream)
        with pytest.raises(ConfigurationError, match="not complete yet"):
            await t.stream.submit_tool_outputs(BOTH)
        with pytest.raises(StreamTruncatedError):
            await t.stream.until_done()
        with pytest.raises(ConfigurationError, match="has ended"):
            await t.stream.submit_tool_outputs(BOTH)


async def test_a_response_that_was_cut_takes_no_outputs():
    cut = answer(call("a"), status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    async with talk(cut) as t:
        await t.stream.until_done()
        with pytest.raises(ConfigurationError, match=r"is cut \('max_output_tokens'\)"):
            await t.stream.submit_tool_outputs(BOTH[:1])
        assert "incomplete" == (await t.stream.get_final_response()).status


async def test_a_stream_that_has_joined_a_response_does_not_know_what_was_asked():
    async def send(exchange: Exchange) -> None:
        await stream(exchange, *CALLS)

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with client.responses.stream(response_id="resp_1") as s:
            await s.until_done()
            with pytest.raises(ConfigurationError, match="has joined a response"):
                await s.submit_tool_outputs(BOTH)

    assert 1 == len(server.requests)


async def test_a_stream_that_is_not_open_or_closed_takes_no_outputs():
    async with talk(CALLS) as t:
        with pytest.raises(ConfigurationError, match=r"write `async with client.responses.stream"):
            await t.client.responses.stream(input="hi").submit_tool_outputs(BOTH)
        await t.stream.until_done()
        await t.stream.close()
        with pytest.raises(ConfigurationError, match="was closed"):
            await t.stream.submit_tool_outputs(BOTH)


async def test_a_refused_request_is_raised_there_and_ends_the_stream():
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(500, b"{}")

    async with talk(CALLS, refuse) as t:
        await t.stream.until_done()
        with pytest.raises(InternalServerError):
            await t.stream.submit_tool_outputs(BOTH)
        with pytest.raises(InternalServerError):
            await t.stream.get_final_response()

    assert ("call_a", []) == (t.stream.accumulator.response.output[0].to_dict()["call_id"], t.stream.rounds)


# Cancelling.


async def test_a_wait_that_expires_during_the_request_sends_it_once():
    gate = Gate(*SECOND)
    async with talk(CALLS, gate) as t:
        await t.stream.until_done()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(t.stream.submit_tool_outputs(BOTH), 0.05)
        await gate.asked.wait()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(t.stream), 0.01)
        assert ([], True) == (t.stream.rounds, t.stream.finished)
        with pytest.raises(ConfigurationError, match="on its way"):
            await t.stream.submit_tool_outputs([{**BOTH[0], "output": "19"}, BOTH[1]])
        gate.opened.set()
        await t.stream.submit_tool_outputs(BOTH[::-1])

        assert len(SECOND) == len([event async for event in t.stream])
        assert 1 == len(t.stream.rounds)
    assert 2 == len(t.server.requests)


async def test_cancelled_anywhere_nothing_is_lost_and_one_request_is_sent():
    for turns in range(40):
        async with talk(CALLS, SECOND) as t:
            await t.stream.until_done()
            attempt = asyncio.ensure_future(t.stream.submit_tool_outputs(BOTH))
            for _ in range(turns):
                await asyncio.sleep(0)
            attempt.cancel()
            await asyncio.wait([attempt])
            if len(t.stream.rounds) == 0:
                await t.stream.submit_tool_outputs(BOTH)

            assert len(SECOND) == len([event async for event in t.stream]), turns
            assert 1 == len(t.stream.rounds)
        assert 2 == len(t.server.requests)


async def test_closing_during_the_request_closes_its_connection_at_once():
    gate = Gate()
    async with talk(CALLS, gate) as t:
        await t.stream.until_done()
        attempt = asyncio.create_task(t.stream.submit_tool_outputs(BOTH))
        await gate.asked.wait()
        await t.stream.close()
        with pytest.raises(StreamInterruptedError, match="closed by the consumer"):
            await attempt
        async with asyncio.timeout(5):
            await gate.left.wait()
