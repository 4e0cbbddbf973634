"""Tool outputs on a chat stream: the same stream goes on over the next answers, with one request for each."""

import asyncio
import gc
import json
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from assistants_wire import STREAM_HEAD, chunk, stream
from chat_wire import CALLS, DONE, HELLO, MESSAGES, call, piece
from raw_server import Exchange, Handler, RawServer, raw_server

from asyncstream import (
    AsyncClient,
    ChatStream,
    ConfigurationError,
    InternalServerError,
    StreamDecodeError,
    StreamEventError,
    StreamInterruptedError,
    StreamTruncatedError,
    pydantic_function_tool,
)
from asyncstream.accumulators import ContentChanged, ContentDone, FinishChanged, ToolCallDone, UsageChanged
from asyncstream.streaming import cursor
from asyncstream.transport.observing import CallFailed, CallFinished

BOTH = [{"tool_call_id": "call_a", "output": "18"}, {"tool_call_id": "call_b", "output": "3"}]
ONE = [{"tool_call_id": "call_a", "output": "18"}]
ASKS = [call(0, '{"city": "Oslo"}', "f", "call_a"), piece(finish="tool_calls")]
"""An answer that calls a function once."""
HELLO_CHANGES = ["ContentCreated", "ContentChanged", "ContentChanged", "ContentDone", "FinishChanged"]


@dataclass
class Talk:
    server: RawServer
    client: AsyncClient
    stream: ChatStream

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.server.requests]


@asynccontextmanager
async def talk(*answers: Handler | list[bytes], **params: Any) -> AsyncIterator[Talk]:
    """Give the first answer to the first request, and so on."""

    async def send(exchange: Exchange) -> None:
        answer = answers[exchange.number - 1]
        await (answer(exchange) if callable(answer) else stream(exchange, *answer))

    async with (
        raw_server(send) as server,
        AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client,
        client.chat.completions.stream(**{"messages": MESSAGES, "model": "m", **params}) as s,
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


def contents(chunks: list[Any]) -> list[str | None]:
    return [chunk.choices[0].delta.content if chunk.choices else "usage" for chunk in chunks]


async def read_to_the_calls(s: ChatStream) -> None:
    async for event in s:
        if event.choices and event.choices[0].finish_reason:
            return


# Going on.


async def test_outputs_submitted_in_the_loop_go_on_with_the_same_iterator():
    seen = []
    async with talk([*CALLS, DONE], [*HELLO, DONE], temperature=0.5) as t:
        async for event in t.stream:
            seen.append(event)
            if event.choices and event.choices[0].finish_reason == "tool_calls":
                assert t.stream.finished
                await t.stream.submit_tool_outputs(BOTH)
                assert not t.stream.finished
        final = await t.stream.get_final_completion()

    # The usage of the first answer was still to come.
    assert ["usage", "", "Hel", "lo", None] == contents(seen)[-5:]
    assert (len(CALLS) + len(HELLO), "Hello") == (len(seen), final.choices[0].message.content)
    first, second = t.bodies
    asked = {
        "role": "assistant",
        "tool_calls": [
            {
                "id": id,
                "type": "function",
                "function": {"name": "get_current_weather", "arguments": arguments},
            }
            for id, arguments in (("call_a", '{"city": "Lisbon"}'), ("call_b", '{"city": "Oslo"}'))
        ],
    }
    answered = [
        {"role": "tool", "tool_call_id": "call_a", "content": "18"},
        {"role": "tool", "tool_call_id": "call_b", "content": "3"},
    ]
    assert {**first, "messages": [*MESSAGES, asked, *answered]} == second


@pytest.mark.parametrize("how", ["until_done", "get_final_completion", "text_deltas"])
async def test_outputs_may_be_submitted_after_the_loop_and_the_loop_written_again(how):
    async def read(s: ChatStream) -> None:
        if how == "text_deltas":
            texts.append("".join([text async for text in s.text_deltas]))
        else:
            await getattr(s, how)()

    texts: list[str] = []
    async with talk([*CALLS, DONE], [*HELLO, DONE]) as t:
        await read(t.stream)
        assert (True, True) == (t.stream.over, t.stream.finished)
        await t.stream.submit_tool_outputs(BOTH)
        assert (False, False) == (t.stream.over, t.stream.finished)
        await read(t.stream)

        assert "Hello" == (await t.stream.get_final_completion()).choices[0].message.content
        assert "Hello" == t.stream.current_completion_snapshot.choices[0].message.content
    assert texts in ([], ["", "Hello"])


async def test_each_round_keeps_its_answer_and_what_is_said_now_is_of_the_last():
    async def answer(exchange: Exchange) -> None:
        frames = [*HELLO, DONE] if exchange.number == 3 else [*ASKS, usage(exchange.number), DONE]
        head = STREAM_HEAD.replace(b"req_1", b"req_%d" % exchange.number)
        await exchange.send(head + b"".join(map(chunk, frames)) + b"0\r\n\r\n")

    def usage(number: int) -> bytes:
        return piece(choices=[], usage={"prompt_tokens": number, "completion_tokens": 1, "total_tokens": number + 1})

    async with talk(answer, answer, answer) as t:
        accumulators = [t.stream.accumulator]
        for _ in range(2):
            assert (await t.stream.get_final_completion()).choices[0].message.tool_calls
            await t.stream.submit_tool_outputs(ONE)
            accumulators.append(t.stream.accumulator)
        final = await t.stream.get_final_completion()

        assert "req_3" == t.stream.request_id == t.stream.headers["x-request-id"]
        assert 200 == t.stream.status
        rounds = t.stream.rounds
    assert (None, "Hello") == (final.usage, final.choices[0].message.content)
    assert [(1, "req_1", 2), (2, "req_2", 3)] == [(r.number, r.request_id, r.usage.total_tokens) for r in rounds]
    assert [a.completion for a in accumulators] == [*(r.snapshot for r in rounds), final]
    results = [(x.round, x.place, x.id, x.name, x.output) for r in rounds for x in r.results]
    assert [(1, 0, "call_a", "f", "18"), (2, 0, "call_a", "f", "18")] == results
    assert [1, 3, 5] == [len(body["messages"]) for body in t.bodies]
    assert t.bodies[1]["messages"] == t.bodies[2]["messages"][:3]


async def test_text_of_all_answers_comes_in_one_view():
    thinks = [piece({"content": "Let me "}), piece({"content": "see. "}), *ASKS]
    seen = []
    async with talk([*thinks, DONE], [*thinks, DONE], [*HELLO, DONE]) as t:
        async for text in t.stream.text_deltas:
            seen.append(text)
            if text == "see. ":
                await t.stream.until_done()
                await t.stream.submit_tool_outputs(ONE)

    assert ["Let me ", "see. ", "Let me ", "see. ", "Hel", "lo"] == seen


async def test_changes_of_all_answers_come_in_one_view_with_those_of_the_ends():
    # Neither answer has a finish reason, so that only its end closes what is open.
    first = [piece({"content": "a"}), call(0, "{}", "f", "call_a"), DONE]
    seen = []
    async with talk(first, [piece({"content": "b"}), DONE]) as t:
        changes = t.stream.changes
        seen = [change async for change in changes]
        await t.stream.submit_tool_outputs(ONE)
        seen += [change async for change in changes]

    kinds = [type(change).__name__ for change in seen]
    assert [
        *("ContentCreated", "ContentChanged", "ToolCallCreated", "ToolCallChanged", "ContentDone", "ToolCallDone"),
        *("ContentCreated", "ContentChanged", "ContentDone"),
    ] == kinds


async def test_what_is_left_of_an_answer_keeps_its_changes_and_its_end():
    late = [call(0, "", "f", "call_a"), piece({"content": "a"}, "tool_calls"), piece({"content": "b"})]
    late.append(piece({"role": "assistant"}, index=0, usage={"prompt_tokens": 1}))
    seen = []
    async with talk([*late, DONE], [*HELLO, DONE]) as t:
        async for change in t.stream.changes:
            if isinstance(change, ContentChanged | UsageChanged | FinishChanged | ContentDone | ToolCallDone):
                seen.append((type(change).__name__, change.delta if isinstance(change, ContentChanged) else None))
            if isinstance(change, ToolCallDone):
                await t.stream.submit_tool_outputs(ONE)

    assert [
        *(("ContentChanged", "a"), ("ContentDone", None), ("ToolCallDone", None), ("FinishChanged", None)),
        *(("ContentChanged", "b"), ("UsageChanged", None)),
        *(("ContentChanged", "Hel"), ("ContentChanged", "lo"), ("ContentDone", None), ("FinishChanged", None)),
    ] == seen


async def test_changes_that_are_first_asked_for_after_the_submission_are_whole():
    async with talk([*CALLS, DONE], [*HELLO, DONE]) as t:
        await read_to_the_calls(t.stream)
        await t.stream.submit_tool_outputs(BOTH)
        kinds = [type(change).__name__ async for change in t.stream.changes]

    assert ["UsageChanged", *HELLO_CHANGES] == kinds


async def test_what_the_end_of_an_answer_closes_comes_before_the_next_answer():
    # What opens after the finish reason stays open until the end.
    late = [*ASKS, piece({"refusal": "no"}), DONE]
    async with talk(late, late, [*HELLO, DONE]) as t:
        await read_to_the_calls(t.stream)
        kinds = []
        for _ in range(2):
            await t.stream.submit_tool_outputs(ONE)
            async for change in t.stream.changes:
                kinds.append(type(change).__name__)
                if kinds[-1] == "FinishChanged":
                    break
        kinds += [type(change).__name__ async for change in t.stream.changes]

    closes = ["RefusalCreated", "RefusalChanged", "RefusalDone"]
    calls = ["ToolCallCreated", "ToolCallChanged", "ToolCallDone", "FinishChanged"]
    assert [*closes, *calls, *closes, *HELLO_CHANGES] == kinds


async def test_events_go_on_over_what_the_end_of_an_answer_closes():
    late = [*ASKS, piece({"refusal": "no"}), DONE]
    async with talk(late, [*HELLO, DONE]) as t:
        await read_to_the_calls(t.stream)
        assert t.stream.changes is not None
        await t.stream.submit_tool_outputs(ONE)
        assert 1 + len(HELLO) == len([event async for event in t.stream])


async def test_frames_of_what_is_left_stay_with_their_events():
    async with talk([*CALLS, DONE], [*HELLO, DONE]) as t:
        await read_to_the_calls(t.stream)
        before = t.stream.current_event, t.stream.current_raw
        await t.stream.submit_tool_outputs(BOTH)
        assert before == (t.stream.current_event, t.stream.current_raw)
        raws = [t.stream.current_raw async for _ in t.stream]

    assert [frame[6:].strip() for frame in [CALLS[-1], *HELLO]] == raws


async def test_a_stream_of_create_has_it_too():
    async def send(exchange: Exchange) -> None:
        await stream(exchange, *([*ASKS, DONE] if exchange.number == 1 else [*HELLO, DONE]))

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with await client.chat.completions.create(messages=MESSAGES, model="m", stream=True) as s:
            await s.until_done()
            await s.submit_tool_outputs(ONE)
            assert "Hello" == (await s.get_final_completion()).choices[0].message.content


async def test_the_type_of_the_answer_holds_for_every_round():
    class City(msgspec.Struct):
        name: str

    answer = [piece({"content": '{"name": "Oslo"}'}, "stop"), DONE]
    async with talk([*ASKS, DONE], answer, response_format=City) as t:
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(ONE)
        assert City("Oslo") == (await t.stream.get_final_completion()).choices[0].message.parsed

    assert t.bodies[0]["response_format"] == t.bodies[1]["response_format"]


async def test_what_was_sent_is_sent_again_as_it_was():
    extra = {
        "extra_headers": {"X-Who": "me", "Idempotency-Key": "mine"},
        "extra_query": {"v": "1"},
        "extra_body": {"seed": 123456789012345678901234567890, "top_k": 1.10},
    }
    messages = [*MESSAGES]
    async with talk([*ASKS, DONE], [*HELLO, DONE], **{**extra, "messages": messages}) as t:
        messages.clear()
        extra["extra_body"]["seed"] = 1  # type: ignore[index]  # the dict's values are dicts
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(ONE)

    first, second = t.server.requests
    assert (second.target, second.headers["x-who"]) == (first.target, "me")
    assert "mine" == first.headers["idempotency-key"] != second.headers["idempotency-key"]
    assert second.body.startswith(first.body[: first.body.index(b"}]") + 1])
    assert b'"seed":123456789012345678901234567890' in second.body
    assert [*MESSAGES] == t.bodies[1]["messages"][:1]


async def test_reasoning_and_extras_go_back_as_they_came():
    details = [{"type": "reasoning.encrypted", "data": "xyz", "index": 0}]
    entry = {"index": 0, "id": "call_a", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"g": {"s": 1}}}
    frames = [piece({"reasoning": "hm", "reasoning_details": details, "tool_calls": [entry]}, "tool_calls"), DONE]
    async with talk(frames, [*HELLO, DONE]) as t:
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(ONE)

    message = t.bodies[1]["messages"][1]
    assert ("hm", details, {"g": {"s": 1}}) == (
        message["reasoning"],
        message["reasoning_details"],
        message["tool_calls"][0]["extra_content"],
    )


# Connections and ends.


async def test_one_connection_serves_all_rounds():
    async with talk([*ASKS, DONE], [*ASKS, DONE], [*HELLO, DONE]) as t:
        for _ in range(2):
            await t.stream.until_done()
            await t.stream.submit_tool_outputs(ONE)
        await t.stream.until_done()

    assert (3, 1) == (len(t.server.requests), t.server.connections)


async def test_after_done_nothing_more_of_a_body_is_read_or_waited_for(monkeypatch):
    for name in ("AFTER_EVIDENCE", "BEFORE_THE_NEXT"):
        monkeypatch.setattr(f"asyncstream.streaming.cursor.{name}", 60)

    async def answer(exchange: Exchange) -> None:
        # What comes with `[DONE]` and after it is no part of any answer, and the body never ends.
        await exchange.send(STREAM_HEAD + b"".join(map(chunk, ASKS)))
        await exchange.send(chunk(DONE + piece({"content": "never"})) + chunk(piece({"content": "ever"})))
        await exchange.gone()

    async with asyncio.timeout(5), talk(answer, answer, answer, [*HELLO, DONE]) as t:
        await read_to_the_calls(t.stream)
        await t.stream.submit_tool_outputs(ONE)
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(ONE)
        await read_to_the_calls(t.stream)
        await t.stream.submit_tool_outputs(ONE)
        assert ["", "Hel", "lo", None] == contents([event async for event in t.stream])


async def test_a_body_without_done_and_end_is_waited_for_half_a_second(monkeypatch):
    assert 0.5 == cursor.BEFORE_THE_NEXT
    monkeypatch.setattr("asyncstream.streaming.cursor.AFTER_EVIDENCE", 60)
    monkeypatch.setattr("asyncstream.streaming.cursor.BEFORE_THE_NEXT", 0.01)

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *ASKS, end=False)
        await exchange.gone()

    async with asyncio.timeout(5), talk(answer, [*HELLO, DONE]) as t:
        await read_to_the_calls(t.stream)
        # The longer wait has begun already.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(t.stream), 0.01)
        await t.stream.submit_tool_outputs(ONE)
        assert "Hello" == (await t.stream.get_final_completion()).choices[0].message.content


@pytest.mark.parametrize("how", ["fin", "rst", "end"])
async def test_an_answer_with_its_finish_reason_may_be_cut_before_done(how):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *ASKS, end=how == "end")
        if how != "end":
            getattr(exchange, how)()

    async with talk(answer, [*HELLO, DONE]) as t:
        await read_to_the_calls(t.stream)
        await t.stream.submit_tool_outputs(ONE)
        assert "Hello" == (await t.stream.get_final_completion()).choices[0].message.content


async def test_an_error_between_the_finish_reason_and_the_end_is_raised_and_nothing_is_sent():
    boom = b'data: {"error": {"message": "boom"}}\n\n'
    async with talk([*ASKS, boom]) as t:
        await read_to_the_calls(t.stream)
        with pytest.raises(StreamEventError, match="boom") as caught:
            await t.stream.submit_tool_outputs(ONE)
        with pytest.raises(StreamEventError) as again:
            await anext(t.stream)
        with pytest.raises(ConfigurationError, match="has ended: boom"):
            await t.stream.submit_tool_outputs(ONE)

    assert caught.value is again.value
    assert (t.stream.accumulator, []) == (caught.value.partial, t.stream.rounds)
    assert 1 == len(t.server.requests)


@pytest.mark.parametrize("frames", [[b"data: {oops\n\n"], [b"data: {oops"]])
async def test_a_broken_frame_in_what_is_left_is_raised(frames):
    last = piece({"content": "x"})
    async with talk([*ASKS, last, *frames, *([DONE] if frames[0].endswith(b"\n") else [])], [*HELLO, DONE]) as t:
        await read_to_the_calls(t.stream)
        if frames[0].endswith(b"\n"):
            with pytest.raises(StreamDecodeError) as caught:
                await t.stream.submit_tool_outputs(ONE)
            assert (3, "x") == (caught.value.events_seen, caught.value.partial.completion.choices[0].message.content)
        else:
            # Cut in mid-frame, an answer with its finish reason is complete.
            await t.stream.submit_tool_outputs(ONE)
    assert (1 if frames[0].endswith(b"\n") else 2) == len(t.server.requests)


async def test_a_refused_request_is_raised_there_and_ends_the_stream():
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(500, b'{"error": {"message": "no"}}')

    async with talk([*CALLS, DONE], refuse) as t:
        await read_to_the_calls(t.stream)
        with pytest.raises(InternalServerError, match="no") as caught:
            await t.stream.submit_tool_outputs(BOTH)
        for read in (t.stream.get_final_completion, t.stream.until_done):
            with pytest.raises(InternalServerError) as again:
                await read()
            assert caught.value is again.value
        with pytest.raises(ConfigurationError, match="has ended"):
            await t.stream.submit_tool_outputs(BOTH)

    assert ([], 12) == (t.stream.rounds, t.stream.accumulator.completion.usage.total_tokens)
    assert 2 == len(t.server.requests)


async def test_an_error_with_status_200_has_the_answer_that_had_arrived():
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(200, b'{"error": {"message": "overloaded"}}')

    async with talk([*CALLS, DONE], refuse) as t:
        await t.stream.until_done()
        with pytest.raises(StreamEventError, match="overloaded") as caught:
            await t.stream.submit_tool_outputs(BOTH)

    assert t.stream.accumulator is caught.value.partial


async def test_a_second_answer_that_is_cut_leaves_the_first_whole():
    async with talk([*CALLS, DONE], HELLO[:2]) as t:
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(BOTH)
        with pytest.raises(StreamTruncatedError) as caught:
            await t.stream.get_final_completion()

    assert (2, "Hel") == (caught.value.events_seen, caught.value.partial.completion.choices[0].message.content)
    assert ["call_a", "call_b"] == [c.id for c in t.stream.rounds[0].snapshot.choices[0].message.tool_calls]


@pytest.mark.parametrize("left", [False, True], ids=["read", "left"])
async def test_a_second_body_without_events_tells_its_error(left):
    async def answer(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD + chunk(b'{"error": {"message": "quota"}}') + b"0\r\n\r\n")

    async with talk([*CALLS, DONE], answer) as t:
        await (read_to_the_calls if left else ChatStream.until_done)(t.stream)
        await t.stream.submit_tool_outputs(BOTH)
        with pytest.raises(StreamEventError, match="quota"):
            await t.stream.until_done()


async def test_observers_hear_of_both_answers_once_each():
    seen: list[Any] = []

    async def send(exchange: Exchange) -> None:
        await stream(exchange, *([*CALLS, DONE] if exchange.number == 1 else HELLO[:2]))

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url, observer=seen.append) as c:
        async with c.chat.completions.stream(messages=MESSAGES, model="m") as s:
            await read_to_the_calls(s)
            await s.submit_tool_outputs(BOTH)
            with pytest.raises(StreamTruncatedError):
                await s.until_done()

    ends = [end for end in seen if isinstance(end, CallFinished | CallFailed)]
    assert [CallFinished, CallFailed] == [type(end) for end in ends]
    assert (("tool_calls",), 7, 7) == (ends[0].outcomes, ends[0].output_tokens, ends[0].events)


# Refused.


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (ONE, r"there is none for 'call_b'"),
        ([], r"none for 'call_a', 'call_b'"),
        ([*BOTH, {"tool_call_id": "call_c", "output": ""}], "no call 'call_c' is open"),
        ([*BOTH, BOTH[0]], "one output for 'call_a', got 2"),
        ([ONE[0], {"tool_call_id": "call_b", "output": "\ud800"}], r"body\.messages\[3\]\.content cannot be encoded"),
    ],
)
async def test_outputs_that_do_not_fit_change_nothing_and_can_be_mended(outputs, words):
    async with talk([*CALLS, DONE], [*HELLO, DONE]) as t:
        await read_to_the_calls(t.stream)
        with pytest.raises(ConfigurationError, match=words):
            await t.stream.submit_tool_outputs(outputs)
        assert (1, False, []) == (len(t.server.requests), t.stream.over, t.stream.rounds)
        await t.stream.submit_tool_outputs(BOTH)
        assert ["usage", "", "Hel", "lo", None] == contents([event async for event in t.stream])


async def test_after_refused_outputs_the_answer_can_be_read_to_its_end():
    first = [call(0, "{}", "f", "call_a"), piece({"content": "x"}, "tool_calls"), piece({"content": "y"}), DONE]
    async with talk(first, [*HELLO, DONE]) as t:
        seen = []
        async for change in t.stream.changes:
            seen.append(change)
            if isinstance(change, ToolCallDone):
                with pytest.raises(ConfigurationError):
                    await t.stream.submit_tool_outputs([])
        assert [ContentChanged] == [type(change) for change in seen if getattr(change, "delta", "") == "y"]
        assert t.stream.over
        await t.stream.submit_tool_outputs(ONE)
        assert "Hello" == (await t.stream.get_final_completion()).choices[0].message.content


async def test_an_answer_that_is_not_complete_takes_no_outputs_and_loses_nothing():
    async with talk([*CALLS, DONE], [*HELLO, DONE]) as t:
        for frame in CALLS[:-2]:
            event = await anext(t.stream)
            with pytest.raises(ConfigurationError, match="not complete"):
                await t.stream.submit_tool_outputs(BOTH)
            assert frame[6:].strip() == t.stream.current_raw, event
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(BOTH)
        # The second answer has not begun, and the outputs were sent.
        with pytest.raises(ConfigurationError, match="not complete"):
            await t.stream.submit_tool_outputs(BOTH)
        await t.stream.until_done()
        with pytest.raises(ConfigurationError, match="calls no tool"):
            await t.stream.submit_tool_outputs(BOTH)

    assert 2 == len(t.server.requests)


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_cut_answer_takes_no_outputs(reason):
    async with talk([call(0, '{"city": "Oslo"}', "f", "call_a"), piece(finish=reason), DONE]) as t:
        await read_to_the_calls(t.stream)
        with pytest.raises(ConfigurationError, match=f"is cut \\({reason!r}\\)"):
            await t.stream.submit_tool_outputs(ONE)
        assert reason == (await t.stream.get_final_completion()).choices[0].finish_reason

    assert 1 == len(t.server.requests)


async def test_a_truncated_answer_takes_no_outputs():
    async with talk([call(0, '{"city": "Oslo"}', "f", "call_a")]) as t:
        await anext(t.stream)
        with pytest.raises(ConfigurationError, match="not complete"):
            await t.stream.submit_tool_outputs(ONE)
        with pytest.raises(StreamTruncatedError):
            await t.stream.until_done()
        with pytest.raises(ConfigurationError, match="has ended"):
            await t.stream.submit_tool_outputs(ONE)

    assert 1 == len(t.server.requests)


async def test_a_stream_that_is_not_open_or_closed_takes_no_outputs():
    async with talk([*ASKS, DONE]) as t:
        with pytest.raises(ConfigurationError, match=r"write `async with"):
            await t.client.chat.completions.stream(messages=MESSAGES, model="m").submit_tool_outputs(ONE)
        await t.stream.until_done()
        await t.stream.close()
        with pytest.raises(ConfigurationError, match="was closed"):
            await t.stream.submit_tool_outputs(ONE)
        # A complete answer stays one.
        assert "tool_calls" == (await t.stream.get_final_completion()).choices[0].finish_reason

    assert 1 == len(t.server.requests)


async def test_a_stream_that_was_closed_early_takes_no_outputs():
    async with talk([*ASKS, DONE]) as t:
        await read_to_the_calls(t.stream)
        await t.stream.close()
        with pytest.raises(ConfigurationError, match="has ended: closed by the consumer"):
            await t.stream.submit_tool_outputs(ONE)


# Cancelling, and two at once.


async def test_a_wait_that_expires_during_the_request_sends_it_once():
    gate = Gate(*HELLO, DONE)
    async with talk([*CALLS, DONE], gate) as t:
        await read_to_the_calls(t.stream)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(t.stream.submit_tool_outputs(BOTH), 0.05)
        await gate.asked.wait()
        # What is left of the first answer needs no second one.
        assert ["usage"] == contents([await anext(t.stream)])
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(t.stream), 0.01)
        assert ([], True) == (t.stream.rounds, t.stream.finished)
        gate.opened.set()
        assert ["", "Hel", "lo", None] == contents([event async for event in t.stream])
        assert 1 == len(t.stream.rounds)

    assert 2 == len(t.server.requests)


async def test_a_cancelled_submission_is_waited_for_by_the_same_call():
    gate = Gate(*HELLO, DONE)
    async with talk([*CALLS, DONE], gate) as t:
        await t.stream.until_done()
        attempt = asyncio.create_task(t.stream.submit_tool_outputs(BOTH))
        await gate.asked.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        with pytest.raises(ConfigurationError, match="on its way"):
            await t.stream.submit_tool_outputs([{**BOTH[0], "output": "19"}, BOTH[1]])
        gate.opened.set()
        # In another order they are the same outputs.
        await t.stream.submit_tool_outputs(BOTH[::-1])
        assert "Hello" == (await t.stream.get_final_completion()).choices[0].message.content

    assert 2 == len(t.server.requests)
    assert ["18", "3"] == [result.output for result in t.stream.rounds[0].results]


async def test_a_request_that_fails_while_nobody_waits_is_raised_by_the_next_step():
    failed = asyncio.Event()

    async def refuse(exchange: Exchange) -> None:
        asked.set()
        await failed.wait()
        await exchange.reply(500, b"{}")

    asked = asyncio.Event()
    async with talk([*CALLS, DONE], refuse) as t:
        await read_to_the_calls(t.stream)
        attempt = asyncio.create_task(t.stream.submit_tool_outputs(BOTH))
        await asked.wait()
        attempt.cancel()
        await asyncio.wait([attempt])
        failed.set()
        assert ["usage"] == contents([await anext(t.stream)])
        for _ in range(2):
            with pytest.raises(InternalServerError):
                await anext(t.stream)

    assert 2 == len(t.server.requests)


async def test_closing_during_the_request_closes_its_connection_at_once():
    gate = Gate()
    async with talk([*CALLS, DONE], gate) as t:
        await read_to_the_calls(t.stream)
        attempt = asyncio.create_task(t.stream.submit_tool_outputs(BOTH))
        await gate.asked.wait()
        await t.stream.close()
        assert [] == [task for task in asyncio.all_tasks() if "Transport" in repr(task)]
        with pytest.raises(StreamInterruptedError, match="closed by the consumer"):
            await attempt
        async with asyncio.timeout(1):
            await gate.left.wait()
        with pytest.raises(StreamInterruptedError):
            await t.stream.get_final_completion()


@pytest.mark.parametrize("twice", [False, True], ids=["", "cancelled again while it waits"])
async def test_leaving_while_a_cancelled_request_is_on_its_way_closes_its_connection(twice):
    gate = Gate()

    async def send(exchange: Exchange) -> None:
        await (gate(exchange) if exchange.number > 1 else stream(exchange, *ASKS, DONE))

    async def converse(client: AsyncClient) -> None:
        async with client.chat.completions.stream(messages=MESSAGES, model="m") as s:
            await s.until_done()
            await s.submit_tool_outputs(ONE)

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        task = asyncio.create_task(converse(client))
        await gate.asked.wait()
        task.cancel()
        if twice:
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(1):
            await gate.left.wait()


async def test_closing_when_the_next_answer_is_there_and_nobody_has_taken_it():
    gone = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        asked.set()
        await go_on.wait()
        await stream(exchange, HELLO[0], end=False)
        await exchange.gone()
        gone.set()

    asked, go_on = asyncio.Event(), asyncio.Event()
    async with talk([*CALLS, DONE], answer) as t:
        await t.stream.until_done()
        attempt = asyncio.create_task(t.stream.submit_tool_outputs(BOTH))
        await asked.wait()
        attempt.cancel()
        await asyncio.wait([attempt])
        go_on.set()
        await asyncio.wait([task for task in asyncio.all_tasks() if "Transport" in repr(task)])
        await t.stream.close()
        async with asyncio.timeout(1):
            await gone.wait()


async def test_a_stream_dropped_during_the_request_warns_and_closes_the_connection():
    gate = Gate()

    async def send(exchange: Exchange) -> None:
        await (gate(exchange) if exchange.number > 1 else stream(exchange, *ASKS, DONE))

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        s = await client.chat.completions.create(messages=MESSAGES, model="m", stream=True)
        await s.until_done()
        attempt = asyncio.create_task(s.submit_tool_outputs(ONE))
        await gate.asked.wait()
        attempt.cancel()
        await asyncio.wait([attempt])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del s, attempt
            gc.collect()
        async with asyncio.timeout(1):
            await gate.left.wait()

    assert ["unclosed ChatStream"] == [str(warning.message).partition(":")[0] for warning in caught]


async def test_two_tasks_do_not_submit_or_read_at_once():
    gate = Gate(*HELLO, DONE)
    async with talk([*CALLS, DONE], gate) as t:
        await t.stream.until_done()
        attempt = asyncio.create_task(t.stream.submit_tool_outputs(BOTH))
        await gate.asked.wait()
        with pytest.raises(ConfigurationError, match="another task"):
            await t.stream.submit_tool_outputs(BOTH)
        with pytest.raises(ConfigurationError, match="another task"):
            await anext(t.stream)
        with pytest.raises(ConfigurationError, match="another task"):
            await anext(t.stream.text_deltas)
        gate.opened.set()
        await attempt
        assert "Hello" == (await t.stream.get_final_completion()).choices[0].message.content


async def test_submitting_while_another_task_waits_is_refused():
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *ASKS, end=False)
        await exchange.gone()

    async with talk(answer) as t:
        await read_to_the_calls(t.stream)
        waiting = asyncio.create_task(anext(t.stream))
        await asyncio.sleep(0)
        with pytest.raises(ConfigurationError, match="waiting"):
            await t.stream.submit_tool_outputs(ONE)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_request_is_waited_for_in_the_loop_that_sent_it():
    gate = Gate(*HELLO, DONE)
    async with talk([*CALLS, DONE], gate) as t:
        await t.stream.until_done()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(t.stream.submit_tool_outputs(BOTH), 0.05)

        def elsewhere(what: str) -> None:
            with pytest.raises(ConfigurationError, match=f"a stream is {what} in the event loop that opened it"):
                asyncio.run(t.stream.until_done() if what == "read" else t.stream.close())

        for what in ("read", "closed"):
            await asyncio.to_thread(elsewhere, what)
        gate.opened.set()
        assert "Hello" == (await t.stream.get_final_completion()).choices[0].message.content


async def test_the_arguments_of_each_answer_are_of_the_type_of_their_tool():
    class Place(msgspec.Struct):
        city: str

    tools = [pydantic_function_tool(Place, name="f")]
    async with talk([*ASKS, DONE], [*ASKS, DONE], tools=tools) as t:
        await t.stream.until_done()
        await t.stream.submit_tool_outputs(ONE)
        final = await t.stream.get_final_completion()
        answers = [t.stream.rounds[0].snapshot, final]

    assert [Place("Oslo")] * 2 == [
        one.function.parsed_arguments for answer in answers for one in answer.choices[0].message.tool_calls or []
    ]
    assert t.bodies[0]["tools"] == t.bodies[1]["tools"] == tools
