"""The chat stream: what it adds to the cursor, and that the cursor keeps its promises for chunks too."""

import asyncio
import json

import pytest
from assistants_wire import STREAM_HEAD, chunk, stream
from chat_wire import CALLS, DONE, HELLO, MESSAGES, piece
from raw_server import Exchange, raw_server

from asyncstream import (
    APIResponseValidationError,
    AsyncClient,
    ChatAccumulator,
    ChatStream,
    ConfigurationError,
    StreamEventError,
    StreamInterruptedError,
    StreamTruncatedError,
)
from asyncstream.accumulators import FinishChanged, ToolCallCreated, ToolCallDone, UsageChanged


@pytest.fixture(name="chat")
def chat_fixture():
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def chat(answer, **params):
        async def send(exchange: Exchange) -> None:
            await (answer(exchange) if callable(answer) else stream(exchange, *answer))

        async with (
            raw_server(send) as server,
            AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client,
            client.chat.completions.stream(messages=MESSAGES, model="m", **params) as s,
        ):
            yield s

    return chat


async def test_chunks_come_as_the_wire_has_them(chat):
    async with chat([*HELLO, DONE]) as s:
        seen = [event.choices[0].delta.content async for event in s]

        assert ["", "Hel", "lo", None] == seen
        assert s.current_raw == HELLO[-1][6:].strip()
        assert isinstance(s, ChatStream)
        assert isinstance(s.accumulator, ChatAccumulator)


async def test_text_deltas_are_those_of_the_first_choice(chat):
    frames = [piece({"content": "a"}), piece({"content": "x"}, index=1), piece({"content": "b"}), DONE]
    async with chat(frames) as s:
        assert ["a", "b"] == [text async for text in s.text_deltas]


async def test_the_final_completion_has_tool_calls_and_usage(chat):
    async with chat([*CALLS, DONE]) as s:
        final = await s.get_final_completion()

    calls = final.choices[0].message.tool_calls
    assert [("call_a", '{"city": "Lisbon"}'), ("call_b", '{"city": "Oslo"}')] == [
        (c.id, c.function.arguments) for c in calls
    ]
    assert (12, "tool_calls") == (final.usage.total_tokens, final.choices[0].finish_reason)


async def test_changes_tell_of_calls_once_and_of_usage_and_finish(chat):
    async with chat([*CALLS, DONE]) as s:
        changes = [change async for change in s.changes]

    created = [c.snapshot.function.name for c in changes if isinstance(c, ToolCallCreated)]
    done = [c.snapshot.function.arguments for c in changes if isinstance(c, ToolCallDone)]
    assert ["get_current_weather"] * 2 == created
    assert ['{"city": "Lisbon"}', '{"city": "Oslo"}'] == done
    assert (1, 1) == tuple(sum(isinstance(c, kind) for c in changes) for kind in (UsageChanged, FinishChanged))


async def test_create_with_stream_gives_an_open_stream():
    async def send(exchange: Exchange) -> None:
        await stream(exchange, *HELLO, DONE)

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        s = await client.chat.completions.create(messages=MESSAGES, model="m", stream=True)
        text = "".join([event.choices[0].delta.content or "" async for event in s])
        async with await client.beta.chat.completions.create(messages=MESSAGES, model="m", stream=True) as again:
            await again.until_done()

    assert "Hello" == text
    assert {"messages": MESSAGES, "model": "m", "stream": True} == json.loads(server.requests[0].body)
    assert (2, 1) == (len(server.requests), server.connections)


async def test_an_open_stream_may_be_entered_and_left_early():
    gone = asyncio.Event()

    async def send(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        await exchange.gone()
        gone.set()

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with await client.chat.completions.create(messages=MESSAGES, model="m", stream=True) as s:
            await anext(s)
        async with asyncio.timeout(1):
            await gone.wait()


async def test_create_without_stream_gives_the_completion():
    whole = {
        "id": "c1",
        "object": "chat.completion",
        "model": "m",
        "created": 1,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
    }

    async def send(exchange: Exchange) -> None:
        await exchange.reply(200, json.dumps(whole).encode())

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        completion = await client.chat.completions.create(messages=MESSAGES, model="m")

    assert ("Hello", "stop") == (completion.choices[0].message.content, completion.choices[0].finish_reason)


async def test_an_error_with_status_200_is_raised_with_what_is_known_of_the_response():
    async def send(exchange: Exchange) -> None:
        await exchange.reply(200, b'{"error": {"message": "overloaded", "code": 502}}', X_Request_Id="req_9")

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        with pytest.raises(Exception, match="overloaded") as caught:
            await client.chat.completions.create(messages=MESSAGES, model="m")

    assert (502, 200, "req_9") == (caught.value.code, caught.value.status, caught.value.request_id)


@pytest.mark.parametrize("whole", [b"[]", b"{}", b'{"object": "list"}', b'"x"', b"null"])
async def test_an_answer_that_is_no_completion_is_refused(whole):
    async def send(exchange: Exchange) -> None:
        await exchange.reply(200, whole, X_Request_Id="req_9")

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        with pytest.raises(Exception, match="expected") as caught:
            await client.chat.completions.create(messages=MESSAGES, model="m")

    assert (200, "req_9", whole) == (caught.value.status, caught.value.request_id, caught.value.body)


async def test_a_cut_is_an_error_with_the_partial(chat):
    async with chat(HELLO[:3]) as s:
        with pytest.raises(StreamTruncatedError) as caught:
            await s.get_final_completion()

    assert "Hello" == caught.value.partial.completion.choices[0].message.content
    assert 3 == caught.value.events_seen


async def test_every_finish_reason_is_evidence_however_the_body_ends(chat):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO, end=False)
        exchange.fin()

    async with chat(answer) as s:
        assert "Hello" == (await s.get_final_completion()).choices[0].message.content


async def test_a_broken_connection_without_evidence_is_an_error(chat):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO[:3], end=False)
        exchange.fin()

    async with chat(answer) as s:
        with pytest.raises(StreamInterruptedError):
            await s.until_done()


async def test_an_error_in_mid_stream_keeps_what_came_with_it(chat):
    frames = [*HELLO[:2], piece({"content": "!"}, error={"message": "boom", "code": 500})]
    async with chat(frames) as s:
        seen = []
        with pytest.raises(StreamEventError, match="boom") as caught:
            async for event in s:
                seen.append(event.choices[0].delta.content)

    assert ["", "Hel", "!"] == seen
    assert "Hel!" == caught.value.partial.completion.choices[0].message.content


async def test_an_expired_wait_loses_nothing(chat):
    go_on = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD + chunk(HELLO[0]))
        await go_on.wait()
        await exchange.send(b"".join(map(chunk, [*HELLO[1:], DONE])) + b"0\r\n\r\n")

    async with chat(answer) as s:
        await anext(s)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(s.text_deltas), 0.01)
        go_on.set()

        assert ["Hel", "lo"] == [text async for text in s.text_deltas]


async def test_iterating_outside_async_with_says_what_to_write():
    async with AsyncClient(api_key="k", base_url="http://127.0.0.1:1") as client:
        with pytest.raises(ConfigurationError, match=r"async with client\.chat\.completions\.stream"):
            await anext(client.chat.completions.stream(messages=MESSAGES, model="m"))


async def test_the_message_of_an_answer_goes_back_as_the_wire_had_it():
    async def send(exchange: Exchange) -> None:
        await stream(exchange, *CALLS, DONE)

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with client.chat.completions.stream(messages=MESSAGES, model="m") as s:
            message = (await s.get_final_completion()).choices[0].message
        async with client.chat.completions.stream(messages=[*MESSAGES, message], model="m") as s:
            await s.until_done()

    sent = json.loads(server.requests[1].body)["messages"][1]
    assert {"role", "tool_calls"} == set(sent)
    assert ["call_a", "call_b"] == [c["id"] for c in sent["tool_calls"]]


async def test_the_raw_payload_is_that_of_the_event_also_where_a_frame_holds_several(chat):
    glued = b"[" + HELLO[1][6:].strip() + b"," + HELLO[2][6:].strip() + b"]"
    async with chat([HELLO[0], b": ping\n\n", b"data: " + glued + b"\n\n", *HELLO[3:], DONE]) as s:
        raws = [s.current_raw async for _ in s]

    assert [json.loads(one[6:]) for one in HELLO[:4]] == [json.loads(raw) for raw in raws]


async def test_an_answer_that_grows_after_its_finish_reason_is_read_to_its_end(monkeypatch):
    monkeypatch.setattr("asyncstream.streaming.cursor.AFTER_EVIDENCE", 0.1)
    pieces = [piece({"content": str(number)}, "stop") for number in range(9)]

    async def answer(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        for data in pieces:
            await exchange.send(chunk(data))
            await asyncio.sleep(0.03)
        await exchange.send(chunk(DONE) + b"0\r\n\r\n")

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with client.chat.completions.stream(model="m", messages=MESSAGES) as s:
            completion = await s.get_final_completion()

    assert "012345678" == completion.choices[0].message.content


async def test_what_is_no_chunk_is_not_given_out_and_fails_an_answer_that_does_not_go_on(chat):
    async with chat([*HELLO[:2], b'data: {"code": 500, "message": "failed to encode"}\n\n', DONE]) as s:
        seen = [s.current_raw]
        with pytest.raises(StreamEventError, match="failed to encode") as caught:
            async for _ in s:
                seen.append(s.current_raw)

    assert len(seen) == 3
    assert (caught.value.code, caught.value.status, caught.value.events_seen) == (500, 200, 2)
    assert json.loads(caught.value.body)["code"] == 500


@pytest.mark.parametrize("begin", [[], [b": wait\n\n"]])
async def test_failure_in_the_place_of_the_first_chunk_keeps_its_bytes(chat, begin):
    async with chat([*begin, b'data: {"detail": "no such model"}\n\n']) as s:
        with pytest.raises(StreamEventError, match="no such model") as caught:
            await s.until_done()

    assert caught.value.body == b'{"detail": "no such model"}'


async def test_words_of_a_failure_after_which_the_answer_goes_on_are_passed_over(chat):
    async with chat([HELLO[0], b'data: {"code": 429, "message": "retrying"}\n\n', *HELLO[1:], DONE]) as s:
        assert [text async for text in s.text_deltas] == ["Hel", "lo"]
        assert [repair.rule for repair in s.accumulator.repairs] == ["3.5"]


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
async def test_an_event_stream_that_nobody_asked_for_is_the_answer(kind):
    async def send(exchange: Exchange) -> None:
        await exchange.reply(200, b"".join([*HELLO, DONE]), Content_Type=kind)

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        completion = await client.chat.completions.create(messages=MESSAGES, model="m")

    assert completion.choices[0].message.content == "Hello"


async def test_a_page_in_place_of_an_answer_is_told_by_its_type():
    page = b"<html>blocked" + b"x" * 100_000

    async def send(exchange: Exchange) -> None:
        await exchange.reply(200, page, Content_Type="text/html")

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        with pytest.raises(APIResponseValidationError) as caught:
            await client.chat.completions.create(messages=MESSAGES, model="m")

    assert str(caught.value) == "expected ChatCompletion as JSON, got text/html (status 200): no JSON object"
    assert caught.value.body == page


async def test_a_refusal_with_status_200_is_an_error_both_ways():
    refused = {"id": "1", "choices": None, "usage": {"total_tokens": 0}}
    refused["base_resp"] = {"status_code": 1008, "status_msg": "insufficient balance"}

    async def send(exchange: Exchange) -> None:
        await exchange.reply(200, json.dumps(refused).encode())

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        for stream in (False, True):
            with pytest.raises(StreamEventError, match="insufficient balance") as caught:
                await client.chat.completions.create(messages=MESSAGES, model="m", stream=stream)
            assert (caught.value.code, caught.value.status) == (1008, 200)


async def test_bare_json_that_speaks_of_a_failure_is_that_failure(chat):
    async with chat([b'{"detail": "no such model",\n "code": 4}\n']) as s:
        with pytest.raises(StreamEventError, match="no such model") as caught:
            await s.until_done()

    assert (caught.value.code, caught.value.body) == (4, b'{"detail": "no such model",\n "code": 4}')


async def test_a_stored_answer_is_read_as_any_other():
    message = {"content": [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "a"}], "seal": "x"}
    stored = {"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "region": "eu"}

    async def send(exchange: Exchange) -> None:
        await exchange.reply(200, json.dumps(stored).encode())

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        found = await client.chat.completions.retrieve("c1")

    message = found.choices[0].message
    assert (message.content, message.reasoning, message.extra) == ("a", "hm", {"seal": "x"})
    assert found.extra == {"region": "eu"}
