"""What an observer is told of each kind of call, and what it is never told."""

import asyncio
import gc
import logging
import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from aioresponses import aioresponses
from assistants_wire import DONE, HELLO, WAITS, frame, stream
from raw_server import Exchange, raw_server, response
from responses_wire import hello as response_frames

from asyncstream import (
    AsyncClient,
    CallDetails,
    CallFailed,
    CallFinished,
    FirstEvent,
    Observation,
    RequestSent,
    ResponseReceived,
    StreamEventError,
)
from asyncstream.errors import APIConnectionError, APIError, APIResponseValidationError, NotFoundError
from asyncstream.transport.logs import LOG, log_from_environment

SECRET = "sk-very-secret-0123456789"
PROMPT = "a prompt that nobody may log"
BASE = "http://api.test/v1"


class Seen(list[Any]):
    """An observer that keeps what it is told."""

    def __call__(self, observation: Observation) -> None:
        self.append(observation)

    @property
    def kinds(self) -> list[type]:
        return [type(observation) for observation in self]


def observed(url: str, seen: Callable[[Observation], object], **options: Any) -> AsyncClient:
    return AsyncClient(api_key=SECRET, base_url=url, observer=seen, **options)


async def hello(exchange: Exchange) -> None:
    await stream(exchange, b": a comment is no event\n\n", *HELLO, DONE)


async def test_a_call_is_told_from_request_to_end(mocked: aioresponses) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    answer = {"id": "run_1", "thread_id": "thread_1", "status": "completed", "model": "m-1", "usage": usage}
    mocked.post(f"{BASE}/threads/t/runs", payload=answer, headers={"x-request-id": "req_1"})
    seen = Seen()

    async with observed(BASE, seen) as client:
        await client.threads.runs.create("t", assistant_id="asst_1", model="m", instructions=PROMPT)

    sent, received, finished = seen
    call = sent.call
    assert [RequestSent, ResponseReceived, CallFinished] == seen.kinds
    assert sent.call is received.call is finished.call
    assert (call.method, call.route, call.path) == ("POST", "/threads/{thread_id}/runs", "/threads/t/runs")
    assert (call.host, call.port, call.provider, call.streamed) == ("api.test", 80, "openai", False)
    assert call.ids == {"thread_id": "t", "assistant_id": "asst_1", "model": "m"}
    assert (sent.attempt, received.attempt, finished.attempts) == (1, 1, 1)
    assert sent.size > len(PROMPT)
    assert finished.size > 0
    assert (received.status, received.request_id) == (finished.status, finished.request_id) == (200, "req_1")
    assert 0 <= sent.elapsed <= received.elapsed <= finished.elapsed < 5
    assert (finished.response_id, finished.thread_id, finished.response_model) == ("run_1", "thread_1", "m-1")
    assert (finished.outcomes, finished.input_tokens, finished.output_tokens) == (("completed",), 3, 4)


async def test_a_chat_answer_tells_its_finish_reasons_and_tokens(mocked: aioresponses) -> None:
    mocked.post(
        f"{BASE}/chat/completions",
        payload={
            "id": "c_1",
            "model": "m-1",
            "choices": [{"index": 0, "message": {"content": PROMPT}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4},
        },
    )
    seen = Seen()

    async with observed(BASE, seen) as client:
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": PROMPT}])

    finished = seen[-1]
    assert (finished.response_id, finished.response_model, finished.outcomes) == ("c_1", "m-1", ("stop",))
    assert (finished.input_tokens, finished.output_tokens) == (3, 4)
    assert PROMPT not in repr(seen)


async def test_a_stream_is_told_with_its_first_event_and_its_end() -> None:
    seen = Seen()

    async with raw_server(hello) as server, observed(server.url, seen) as client:
        async with client.threads.runs.stream("thread_1", assistant_id="a") as run:
            assert [RequestSent, ResponseReceived] == seen.kinds
            await anext(run)
            assert [RequestSent, ResponseReceived, FirstEvent] == seen.kinds
            await run.until_done()

    finished = seen[-1]
    assert [RequestSent, ResponseReceived, FirstEvent, CallFinished] == seen.kinds
    assert finished.call.streamed
    assert (finished.events, finished.request_id, finished.outcomes) == (7, "req_1", ("completed",))
    assert finished.size == len(b"".join([b": a comment is no event\n\n", *HELLO, DONE]))
    assert (finished.input_tokens, finished.output_tokens, finished.response_id) == (1, 2, "run_1")
    assert seen[2].elapsed <= finished.elapsed


@pytest.mark.parametrize("conversation", [{"id": "conv_1"}, "conv_1"])
async def test_a_response_tells_its_status_tokens_and_conversation(mocked: aioresponses, conversation: object) -> None:
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    answer = {
        "id": "resp_1",
        "object": "response",
        "status": "incomplete",
        "model": "m-1",
        "output": [],
        "usage": usage,
    }
    mocked.post(f"{BASE}/responses", payload={**answer, "service_tier": "flex", "conversation": conversation})
    seen = Seen()

    async with observed(BASE, seen) as client:
        await client.responses.create(model="m", input=PROMPT, instructions=PROMPT)

    told = seen[-1]
    assert (told.call.route, told.call.ids, told.call.streamed) == ("/responses", {"model": "m"}, False)
    assert (told.response_id, told.response_model, told.outcomes) == ("resp_1", "m-1", ("incomplete",))
    assert (told.input_tokens, told.output_tokens, told.service_tier) == (3, 4, "flex")
    assert ("conv_1", None) == (told.conversation_id, told.thread_id)
    assert PROMPT not in repr(seen)


async def test_a_stream_of_a_response_tells_the_same_and_each_resumption_is_a_call() -> None:
    frames = response_frames(background=True, conversation={"id": "conv_1"})

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *(frames[:5] if exchange.method == "POST" else frames[5:]))

    seen = Seen()

    async with raw_server(answer) as server, observed(server.url, seen) as client:
        async with client.responses.stream(model="m", input=PROMPT, background=True) as answered:
            await answered.until_done()

    first, last = (one for one in seen if isinstance(one, CallFinished | CallFailed))
    assert ("POST", "/responses", "StreamTruncatedError", 5) == (
        first.call.method,
        first.call.route,
        first.error,
        first.events,
    )
    assert ("GET", "/responses/{response_id}") == (last.call.method, last.call.route)
    assert ("resp_1", ("completed",), 3, 4) == (
        last.response_id,
        last.outcomes,
        last.input_tokens,
        last.output_tokens,
    )
    assert "conv_1" == last.conversation_id
    assert PROMPT not in repr(seen)


async def test_a_chat_stream_tells_its_tokens(mocked: aioresponses) -> None:
    body = (
        b'data: {"id":"c","model":"m-1","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}\n\ndata: [DONE]\n\n'
    )
    mocked.post(f"{BASE}/chat/completions", body=body, content_type="text/event-stream")
    seen = Seen()

    async with observed(BASE, seen) as client, client.chat.completions.stream(model="m", messages=[]) as answer:
        await answer.until_done()

    assert [RequestSent, ResponseReceived, FirstEvent, CallFinished] == seen.kinds
    assert (seen[-1].outcomes, seen[-1].input_tokens, seen[-1].output_tokens) == (("stop",), 3, 4)


async def test_each_answer_of_a_continued_stream_is_a_call_of_its_own() -> None:
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *(WAITS if exchange.number == 1 else HELLO[1:]), DONE)

    seen = Seen()

    async with raw_server(answer) as server, observed(server.url, seen) as client:
        async with client.threads.runs.stream("thread_1", assistant_id="a") as run:
            async for event in run:
                if event.event == "thread.run.requires_action":
                    await run.submit_tool_outputs([{"tool_call_id": "call_1", "output": PROMPT}])

    one = [RequestSent, ResponseReceived, FirstEvent, CallFinished]
    assert one + one == seen.kinds
    assert seen[4].call.route == "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs"
    assert seen[3].call.id != seen[7].call.id


async def test_each_attempt_is_told(mocked: aioresponses) -> None:
    mocked.get(f"{BASE}/threads/t", status=503, headers={"retry-after-ms": "1", "x-request-id": "req_1"})
    mocked.get(f"{BASE}/threads/t", exception=ConnectionResetError())
    mocked.get(f"{BASE}/threads/t", status=404, payload={"error": {"message": PROMPT}})
    seen = Seen()

    async with observed(BASE, seen) as client:
        with pytest.raises(NotFoundError):
            await client.threads.retrieve("t")

    failures = [observation for observation in seen if isinstance(observation, CallFailed)]
    assert [1, 1, 1, 2, 2, 3, 3, 3] == [observation.attempt for observation in seen]
    assert [
        ("InternalServerError", 503, "req_1"),
        ("APIConnectionError", None, None),
        ("NotFoundError", 404, None),
    ] == [(failure.error, failure.status, failure.request_id) for failure in failures]
    assert failures[0].retry_in == 0.001
    assert failures[1].retry_in is not None
    assert failures[2].retry_in is None
    assert PROMPT not in repr(seen)


async def test_an_answer_that_is_none_ends_the_call_once(mocked: aioresponses) -> None:
    mocked.get(f"{BASE}/threads/t", body=b"<html>", content_type="text/html")
    seen = Seen()

    async with observed(BASE, seen) as client:
        with pytest.raises(APIResponseValidationError):
            await client.threads.retrieve("t")

    assert [RequestSent, ResponseReceived, CallFailed] == seen.kinds
    assert seen[-1].status == 200


async def test_a_stream_that_cannot_be_opened_ends_the_call_once(mocked: aioresponses) -> None:
    mocked.post(f"{BASE}/threads/t/runs", status=404, payload={})
    seen = Seen()

    async with observed(BASE, seen) as client:
        with pytest.raises(NotFoundError):
            async with client.threads.runs.stream("t", assistant_id="a"):
                pass

    assert [RequestSent, ResponseReceived, CallFailed] == seen.kinds


async def test_a_cancelled_call_ends_too() -> None:
    async def stall(exchange: Exchange) -> None:
        asked.set()
        await exchange.gone()

    asked = asyncio.Event()
    seen = Seen()

    async with raw_server(stall) as server, observed(server.url, seen) as client:
        task = asyncio.create_task(client.threads.retrieve("t"))
        await asked.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    assert [RequestSent, CallFailed] == seen.kinds
    assert seen[-1].error == "CancelledError"


async def test_an_error_event_fails_the_call_and_is_not_told() -> None:
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO[:2], frame("error", message=PROMPT, code="server_error"))

    seen = Seen()

    async with raw_server(answer) as server, observed(server.url, seen) as client:
        async with client.threads.runs.stream("t", assistant_id="a") as run:
            with pytest.raises(StreamEventError):
                await run.until_done()

    assert [RequestSent, ResponseReceived, FirstEvent, CallFailed] == seen.kinds
    assert (seen[-1].error, seen[-1].events, seen[-1].status) == ("StreamEventError", 2, 200)
    assert PROMPT not in repr(seen)


async def two_events(exchange: Exchange) -> None:
    await stream(exchange, *HELLO[:2], end=False)
    await exchange.gone()


ONE_CHUNK = (
    b'data: {"id":"c","model":"m-1","choices":[{"index":0,"delta":{"content":"a prompt that nobody may log"},'
    b'"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\n\n'
)


async def test_a_stream_that_is_left_early_has_finished_with_what_had_come() -> None:
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, ONE_CHUNK, end=False)
        await exchange.gone()

    seen = Seen()

    async with raw_server(answer) as server, observed(server.url, seen) as client:
        async with client.chat.completions.stream(model="m", messages=[]) as chat:
            async for _ in chat:
                break

    told = seen[-1]
    assert [RequestSent, ResponseReceived, FirstEvent, CallFinished] == seen.kinds
    assert (told.left, told.events, told.status, told.size) == (True, 1, 200, len(ONE_CHUNK))
    assert (told.response_id, told.response_model, told.outcomes) == ("c", "m-1", ())
    assert (told.input_tokens, told.output_tokens) == (3, 1)
    assert PROMPT not in repr(seen)


async def test_a_stream_that_is_closed_or_left_by_an_error_of_its_reader_was_left() -> None:
    seen = Seen()

    async with raw_server(two_events) as server, observed(server.url, seen) as client:
        run = await client.threads.runs.stream("t", assistant_id="a").open()
        await anext(run)
        await run.close()
        await run.close()
        with suppress(ZeroDivisionError):
            async with client.threads.runs.stream("t", assistant_id="a") as run:
                raise ZeroDivisionError

    ends = [one for one in seen if isinstance(one, CallFinished | CallFailed)]
    assert [(CallFinished, True, 1), (CallFinished, True, 0)] == [(type(end), end.left, end.events) for end in ends]


async def test_a_stream_whose_task_was_cancelled_was_not_left() -> None:
    async def read() -> None:
        async with client.threads.runs.stream("t", assistant_id="a") as run:
            await anext(run)
            begun.set()
            await run.until_done()

    begun = asyncio.Event()
    seen = Seen()

    async with raw_server(two_events) as server, observed(server.url, seen) as client:
        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    assert (CallFailed, "CancelledError") == (seen.kinds[-1], seen[-1].error)
    assert seen[-1].events > 0


async def test_a_stream_that_is_left_after_its_answer_was_complete_has_finished() -> None:
    seen = Seen()

    async with raw_server(hello) as server, observed(server.url, seen) as client:
        async with client.threads.runs.stream("t", assistant_id="a") as run:
            async for event in run:
                if event.event == "thread.run.completed":
                    break

    assert [RequestSent, ResponseReceived, FirstEvent, CallFinished] == seen.kinds
    assert not seen[-1].left


async def test_a_stream_that_is_dropped_is_told_as_well() -> None:
    seen = Seen()

    async with raw_server(two_events) as server, observed(server.url, seen) as client:
        run = await client.threads.runs.stream("t", assistant_id="a").open()
        await anext(run)
        with pytest.warns(ResourceWarning, match="unclosed AssistantStream"):  # noqa: PT031 - both are the dropping
            del run
            gc.collect()
        await server.all_closed()

    assert (CallFinished, True, "run_1", 1) == (seen.kinds[-1], seen[-1].left, seen[-1].response_id, seen[-1].events)


async def test_content_that_is_left_is_told_with_what_had_come() -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        await exchange.gone()

    async def read() -> None:
        async with client.files.content("f") as content:
            async for _ in content:
                begun.set()

    begun = asyncio.Event()
    seen = Seen()

    async with raw_server(answer) as server, observed(server.url, seen) as client:
        async with client.files.content("f") as content:
            async for _ in content:
                break
        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    left, cancelled = (one for one in seen if isinstance(one, CallFinished | CallFailed))
    assert (CallFinished, True, 3) == (type(left), left.left, left.size)
    assert (CallFailed, "CancelledError") == (type(cancelled), cancelled.error)


async def test_an_observer_that_raises_changes_nothing(mocked: aioresponses, caplog: pytest.LogCaptureFixture) -> None:
    mocked.get(f"{BASE}/threads/t", payload={"id": "t"})

    def broken(observation: Observation) -> None:
        raise ZeroDivisionError

    async with observed(BASE, broken) as client:
        assert (await client.threads.retrieve("t")).id == "t"

    assert [f"an observer raised at {kind}" for kind in ("RequestSent", "ResponseReceived", "CallFinished")] == [
        record.getMessage() for record in caplog.records
    ]


async def test_a_key_that_the_server_repeats_in_its_request_id_is_not_told(mocked: aioresponses) -> None:
    mocked.get(f"{BASE}/threads/t?key=query-secret-1", payload={"id": "t"}, headers={"x-request-id": f"for {SECRET}"})
    seen = Seen()

    async with observed(f"{BASE}?key=query-secret-1", seen) as client:
        await client.threads.retrieve("t", extra_headers={"X-Api-Key": "header-secret-1"})

    assert seen[-1].request_id == "for ***"
    told = repr(seen) + repr(pickle.dumps(list(seen)))
    assert all(secret not in told for secret in (SECRET, "query-secret-1", "header-secret-1"))


async def test_an_answer_of_odd_types_is_told_without_its_counts(mocked: aioresponses) -> None:
    mocked.get(f"{BASE}/threads/t", payload={"id": "t", "usage": "none", "choices": 3})
    seen = Seen()

    async with observed(BASE, seen) as client:
        await client.threads.retrieve("t")

    assert (seen[-1].response_id, seen[-1].input_tokens) == (None, None)


# What is asked with.


async def test_parameters_are_told_and_nothing_of_what_is_asked(mocked: aioresponses) -> None:
    mocked.post(f"{BASE}/chat/completions", payload={"id": "c", "choices": [], "service_tier": "default"}, repeat=True)
    message = {"role": "user", "content": PROMPT}
    seen = Seen()

    async with observed(BASE, seen) as client:
        await client.chat.completions.create(
            model="m",
            messages=[message],
            temperature=0.5,
            top_p=1,
            max_completion_tokens=9,
            frequency_penalty=-1,
            presence_penalty=0,
            seed=7,
            n=2,
            stop=["a", "b"],
            service_tier="flex",
            extra_body={"metadata": {"seed": PROMPT}},
        )
        await client.chat.completions.create(model="m", messages=[message], stop="END", extra_body={"max_tokens": 3})

    first, second = (one for one in seen if isinstance(one, CallFinished))
    assert first.call.parameters == {
        "temperature": 0.5,
        "top_p": 1,
        "max_completion_tokens": 9,
        "frequency_penalty": -1,
        "presence_penalty": 0,
        "seed": 7,
        "n": 2,
        "stop": ("a", "b"),
        "service_tier": "flex",
    }
    assert second.call.parameters == {"stop": ("END",), "max_tokens": 3}
    assert first.service_tier == "default"
    assert PROMPT not in repr(seen)


async def test_parameters_of_other_types_are_not_told(mocked: aioresponses) -> None:
    mocked.post(f"{BASE}/chat/completions", payload={"id": "c", "choices": []}, repeat=True)
    mocked.get(f"{BASE}/threads/t", payload={"id": "t"})
    wrong = {"temperature": PROMPT, "seed": True, "n": None, "service_tier": 3, "stop": [PROMPT, 1], "top_p": {"a": 1}}
    seen = Seen()

    async with observed(BASE, seen) as client:
        await client.chat.completions.create(model="m", messages=[], extra_body=wrong)
        await client.chat.completions.create(model="m", messages=[], extra_body={**wrong, "stop": {"a": PROMPT}})
        await client.threads.retrieve("t")

    assert [{}, {}, {}] == [one.call.parameters for one in seen if isinstance(one, CallFinished)]


# Headers of observers.


class Tracing(Seen):
    """An observer that also has headers to send."""

    def __init__(self, wanted: Any) -> None:
        super().__init__()
        self.wanted = wanted
        self.asked: list[int] = []

    def headers(self, call: CallDetails) -> Any:
        self.asked.append(call.id)
        return self.wanted


async def test_headers_of_an_observer_are_sent_with_each_attempt() -> None:
    async def answer(exchange: Exchange) -> None:
        again = response(500, headers={"retry-after-ms": "1"})
        await exchange.send(again if exchange.number == 1 else response(body=b'{"id": "t"}'))

    seen = Tracing({"X-Trace": "one"})

    async with raw_server(answer) as server, observed(server.url, seen) as client:
        await client.threads.retrieve("t")

    assert [seen[0].call.id] * 2 == seen.asked
    assert ["one", "one"] == [request.headers["x-trace"] for request in server.requests]


async def test_headers_of_an_observer_replace_none_that_the_user_gave() -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.send(response(body=b'{"id": "t"}'))

    seen = Tracing(
        {"x-trace": "one", "x-team": "two", "x-gone": "three", "authorization": "four", "user-agent": "five"}
    )

    async with raw_server(answer) as server:
        async with observed(server.url, seen, default_headers={"X-Team": "search", "X-Gone": None}) as client:
            await client.threads.retrieve("t", extra_headers={"X-Trace": "mine"})
            sent = server.requests[0].headers

    assert ("mine", "search", f"Bearer {SECRET}") == (sent["x-trace"], sent["x-team"], sent["authorization"])
    assert "x-gone" not in sent
    assert sent["user-agent"].startswith("asyncstream/")


@pytest.mark.parametrize("wanted", [None, 3, {"Content-Length": "0"}, {"a b": "c"}, {"a": "line\nbreak"}, {"a": 1}])
async def test_headers_that_cannot_be_sent_are_logged_and_left_out(
    mocked: aioresponses, caplog: pytest.LogCaptureFixture, wanted: object
) -> None:
    mocked.get(f"{BASE}/threads/t", payload={"id": "t"})
    seen = Tracing(wanted)

    async with observed(BASE, seen) as client:
        assert (await client.threads.retrieve("t")).id == "t"

    assert ["an observer raised at headers"] == [record.getMessage() for record in caplog.records]
    assert [RequestSent, ResponseReceived, CallFinished] == seen.kinds


# The log


@pytest.fixture
def fresh_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test set the level and the handlers of the logger."""
    level = LOG.level
    monkeypatch.setattr(LOG, "handlers", [])
    yield
    LOG.setLevel(level)


async def test_the_log_has_a_line_for_each_step_at_debug(
    mocked: aioresponses, caplog: pytest.LogCaptureFixture
) -> None:
    mocked.post(f"{BASE}/threads?key=query-secret-1", status=500, headers={"retry-after-ms": "1"}, body=PROMPT)
    mocked.post(f"{BASE}/threads?key=query-secret-1", payload={"id": "t", "x": PROMPT}, headers={"x-request-id": "r"})
    caplog.set_level(logging.DEBUG, "asyncstream")

    async with AsyncClient(api_key=SECRET, base_url=f"{BASE}?key=query-secret-1") as client:
        await client.threads.create(messages=[{"role": "user", "content": PROMPT}])

    lines = [(record.levelname, record.getMessage().partition(": ")[2]) for record in caplog.records]
    call = "POST api.test:80 /threads: "
    assert [level for level, _ in lines] == ["DEBUG", "DEBUG", "INFO", "DEBUG", "DEBUG", "INFO"]
    assert all(text.startswith(call) for _, text in lines)
    assert "InternalServerError" in lines[2][1]
    assert "again in 0.001 s" in lines[2][1]
    assert lines[5][1].endswith("request id 'r'")
    assert all(secret not in caplog.text for secret in (SECRET, "query-secret-1", PROMPT))


async def test_the_log_tells_of_streams_and_failures(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "asyncstream")
    async with raw_server(hello) as server, AsyncClient(api_key=SECRET, base_url=server.url) as client:
        async with client.threads.runs.stream("t", assistant_id="a") as run:
            await run.until_done()
        async with client.threads.runs.stream("t", assistant_id="a") as run:
            await anext(run)
        url = server.url
    async with AsyncClient(api_key=SECRET, base_url=url, max_retries=0) as client:
        with pytest.raises(APIConnectionError):
            await client.threads.retrieve("t")

    assert "first event after" in caplog.text
    assert "7 events" in caplog.text
    assert "200, left in" in caplog.text
    assert "APIConnectionError after" in caplog.text
    assert "no answer" in caplog.text


async def test_nothing_is_observed_where_nobody_asks(mocked: aioresponses, monkeypatch: pytest.MonkeyPatch) -> None:
    mocked.get(f"{BASE}/threads/t", payload={"id": "t"})
    mocked.get(f"{BASE}/threads/u", status=404)

    def never(*_: object) -> None:
        raise AssertionError("a watch was begun")

    monkeypatch.setattr("asyncstream.transport.observing.Watch.begin", never)
    async with AsyncClient(api_key=SECRET, base_url=BASE) as client:
        await client.threads.retrieve("t")
        with pytest.raises(APIError):
            await client.threads.retrieve("u")


@pytest.mark.usefixtures("fresh_log")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ASYNCSTREAM_LOG": "debug"}, logging.DEBUG),
        ({"OPENAI_LOG": " INFO "}, logging.INFO),
        ({"ASYNCSTREAM_LOG": "error", "OPENAI_LOG": "debug"}, logging.ERROR),
        ({"ASYNCSTREAM_LOG": "", "OPENAI_LOG": "debug"}, logging.DEBUG),
        ({"ASYNCSTREAM_LOG": "loud"}, logging.NOTSET),
        ({}, logging.NOTSET),
    ],
)
def test_the_environment_sets_the_level(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: int
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    AsyncClient(api_key="k")

    assert LOG.level == expected


@pytest.mark.usefixtures("fresh_log")
def test_lines_go_to_stderr_where_no_logging_is_configured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASYNCSTREAM_LOG", "info")
    monkeypatch.setattr(LOG, "propagate", False)

    log_from_environment()
    log_from_environment()
    LOG.info("a line")

    assert capsys.readouterr().err.endswith(" asyncstream INFO a line\n")
    assert len(LOG.handlers) == 1
