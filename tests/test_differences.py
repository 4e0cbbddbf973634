"""The README's table "Differences from openai-python": one test a row, named by the row's first cell."""

import asyncio
import gc
import json
import logging
import warnings
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

import assistants_wire
import chat_wire
import pytest
import responses_wire
from assistants_wire import DONE, HELLO, WAITS, chunk, frame, message, run, step, stream, text
from loop_talks import ANSWER, Ran, asks, check_conversation, talk
from msgspec import Meta, Struct
from raw_server import Exchange, raw_server

import asyncstream
from asyncstream import (
    APIResponseValidationError,
    APIStatusError,
    ArgumentError,
    AssistantAccumulator,
    AssistantEventHandler,
    AsyncClient,
    AsyncStreamError,
    ChatAccumulator,
    ConfigurationError,
    LoopState,
    ParseError,
    PollTimeoutError,
    StreamDecodeError,
    StreamEventError,
    StreamTimeoutError,
    StreamTruncatedError,
    Timeout,
    Tools,
    ToolsLostError,
    function_tool,
    pydantic_function_tool,
)
from asyncstream.events import UnknownEvent, decode_stream
from asyncstream.tools import arguments_for
from asyncstream.types import FunctionCall

ROWS: list[str] = []

T = TypeVar("T")


class Page(Struct, Generic[T]):
    items: list[T]


def row(first_cell: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    ROWS.append(first_cell)
    return lambda test: test


def fold(*frames: bytes) -> AssistantAccumulator:
    accumulator = AssistantAccumulator()
    for event in decode_stream(b"".join(frames), "assistants"):
        accumulator.push(event)
    accumulator.finish()
    return accumulator


@asynccontextmanager
async def opened(answer, handler=None, **options):
    async def send(exchange: Exchange) -> None:
        await (answer(exchange) if callable(answer) else stream(exchange, *answer))

    async with (
        raw_server(send) as server,
        AsyncClient(api_key="k", base_url=server.url, max_retries=0, **options) as client,
        client.threads.runs.stream("thread_1", assistant_id="asst_1", event_handler=handler) as s,
    ):
        yield s


@row("a stream that ends without a terminal run event")
async def test_truncation():
    async with opened(HELLO[:4]) as s:
        with pytest.raises(StreamTruncatedError) as caught:
            await s.get_final_run()

    assert "Hel" == caught.value.partial.messages[0].content[0].text.value


@row("an `error` event in the documented flat shape")
async def test_flat_error():
    async with opened([*HELLO[:2], frame("error", code="server_error", message="boom", param=None)]) as s:
        with pytest.raises(StreamEventError, match="boom") as caught:
            await s.until_done()

    assert "server_error" == caught.value.code


@row("data that is no JSON")
async def test_garbage():
    async with opened([b"event: thread.run.created\ndata: {nope\n\n"]) as s:
        with pytest.raises(StreamDecodeError) as caught:
            await s.until_done()

    assert b"{nope" == caught.value.raw


@row("`event: ping` and other frames without data")
async def test_frames_without_data():
    async with opened([b"event: ping\n\n", b"retry: 10\n\n", b"id: 1\n\n", b": hello\n\n", *HELLO, DONE]) as s:
        assert len(HELLO) == len([event async for event in s])


@row("an unknown event")
async def test_unknown_event():
    async with opened([b'event: thread.message.rated\ndata: {"stars": 5}\n\n', *HELLO, DONE]) as s:
        assert UnknownEvent("thread.message.rated", b'{"stars": 5}') == await anext(s)


@row("`asyncio.wait_for(anext(stream), t)` that expires")
async def test_expired_wait():
    go_on = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        await go_on.wait()
        await exchange.send(b"".join(map(chunk, HELLO[1:])) + b"0\r\n\r\n")

    async with opened(answer) as s:
        await anext(s)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(s), 0.01)
        go_on.set()

        assert len(HELLO) - 1 == len([event async for event in s])


@row("deltas of two messages, interleaved")
def test_interleaved_messages():
    folded = fold(message("created", "a"), message("created", "b"), text("1", "b"), text("2", "a"), run("completed"))

    assert [("a", "2"), ("b", "1")] == [(m.id, m.content[0].text.value) for m in folded.messages]


@row("the tool calls of a completed step")
def test_completed_step():
    calls = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}', "output": "42"}}]
    details = {"type": "tool_calls", "tool_calls": calls}
    folded = fold(*WAITS[:3], step("completed", status="completed", step_details=details), run("completed"))
    (call,) = folded.run_steps[0].step_details.tool_calls

    assert ('{"a": 1}', "42") == (call.function.arguments, call.function.output)


@row("tool outputs")
async def test_tool_outputs():
    async def answer(exchange: Exchange) -> None:
        if "submit_tool_outputs" in exchange.target:
            await stream(exchange, *HELLO[2:], DONE)
        else:
            await stream(exchange, *WAITS, DONE)

    async with opened(answer) as s:
        async for event in s:
            if event.event == "thread.run.requires_action":
                await s.submit_tool_outputs([{"tool_call_id": "call_1", "output": "42"}])

        assert "completed" == s.current_run.status


@row("running the tools that a model calls")
async def test_tools_are_run():
    ran = []

    def f(a: int) -> int:
        ran.append(a)
        return a

    calls = [chat_wire.call(0, '{"a": 1}', "f", "call_1"), chat_wire.piece(finish="tool_calls"), chat_wire.DONE]
    answers = [calls, [*chat_wire.HELLO, chat_wire.DONE], calls[:1]]

    async def send(exchange: Exchange) -> None:
        await stream(exchange, *answers[exchange.number - 1])

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client:
        async with client.chat.completions.stream(messages=chat_wire.MESSAGES, model="m", run_tools=[f]) as s:
            completion = await s.get_final_completion()
        async with client.chat.completions.stream(messages=chat_wire.MESSAGES, model="m", run_tools=[f]) as s:
            with pytest.raises(StreamTruncatedError):
                await s.until_done()

    assert ("Hello", [1]) == (completion.choices[0].message.content, ran)


@row("calls of an answer that was cut by its length")
async def test_no_call_of_a_cut_answer_runs():
    ran = Ran()
    async with talk(asks(("f", {"x": 1}), ("f", {"x": 2}), finish="length")) as t, t.open(ran.f) as s:
        completion = await s.get_final_completion()

    assert ("cut", [], 1) == (s.stopped, ran.calls, len(t.bodies))
    assert 2 == len(completion.choices[0].message.tool_calls or ())


@row("the text of an exception that a tool raises")
async def test_what_a_tool_raises_is_told_to_nobody(caplog):
    async def f(x: str) -> None:
        raise ValueError(x)

    # That it is in no span either is shown beside the observer that makes them.
    with caplog.at_level(logging.DEBUG):
        async with talk(asks(("f", {"x": "a-secret"})), ANSWER) as t, t.open(f) as s:
            await s.until_done()

    assert ["The tool failed."] == t.told
    assert "a-secret" not in caplog.text
    assert "a-secret" == str(s.results[0].error)


@row("leaving while tools run")
async def test_leaving_waits_for_tools():
    began, ended = asyncio.Event(), []

    async def f(x: int) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            # What it does at its end takes a while.
            for _ in range(5):
                await asyncio.sleep(0)
            ended.append(x)

    async with talk(asks(("f", {"x": 1}))) as t, t.open(f) as s:
        reading = asyncio.ensure_future(s.until_done())
        await began.wait()
        reading.cancel()
        await asyncio.wait([reading])
        assert [] == ended
        await s.close()

        assert [1] == ended


@row("the messages after a loop that broke off")
async def test_messages_are_valid_after_any_ending():
    async def send(exchange: Exchange) -> None:
        await exchange.reply(500, b"{}")

    calls = asks(("f", {"x": 1}), ("f", "{half"), ("g", {}))
    for answers, max_rounds in (([calls[:2]], 5), ([calls], 1), ([calls, send], 5), ([calls, chat_wire.HELLO[:2]], 5)):
        ran = Ran()
        async with talk(*answers) as t, t.open(Tools(ran.f, max_rounds=max_rounds)) as s:
            with suppress(AsyncStreamError):
                await s.until_done()

        check_conversation(s.messages)


@row("a process that is killed while tools run")
async def test_a_killed_loop_goes_on():
    states: list[LoopState] = []
    ran: list[int] = []

    async def record(state: LoopState) -> None:
        states.append(state)

    async def f(x: int) -> int:
        ran.append(x)
        return x

    tools = Tools(f, record=record, max_parallel=1)
    async with talk(asks(("f", {"x": 1}), ("f", {"x": 2})), ANSWER) as t:
        async with t.open(tools) as s:
            await s.until_done()
        assert [1, 2] == ran
        # As if it had been killed there: in the first call, between the calls, in the second, after it, at the request.
        for state, lost, runs in zip(states[:5], (1, 0, 1, 0, 0), ([2], [2], [], [], []), strict=True):
            ran.clear()
            kept = LoopState.load(state.dump())
            if lost:
                with pytest.raises(ToolsLostError, match="may or may not have run"):
                    t.open(tools, resume=kept)
            async with t.open(Tools(f, on_lost="tell"), resume=kept) as s:
                await s.until_done()

            assert runs == ran


@row("outputs for the calls of a chat answer")
async def test_outputs_for_a_chat_answer():
    async def send(exchange: Exchange) -> None:
        answers = [
            [chat_wire.call(0, '{"a": 1}', "f", "call_1"), chat_wire.piece(finish="tool_calls")],
            [chat_wire.call(0, '{"a": 1}', "f", "call_2"), chat_wire.piece(finish="length")],
        ]
        await stream(exchange, *answers[exchange.number - 1], chat_wire.DONE)

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with client.chat.completions.stream(messages=chat_wire.MESSAGES, model="m") as s:
            await s.until_done()
            await s.submit_tool_outputs([{"tool_call_id": "call_1", "output": "42"}])
            await s.until_done()
            with pytest.raises(ConfigurationError, match="cut"):
                await s.submit_tool_outputs([{"tool_call_id": "call_2", "output": "42"}])

    assert ["user", "assistant", "tool"] == [m["role"] for m in json.loads(server.requests[1].body)["messages"]]
    assert 2 == len(server.requests)


@row("`async with ... as x`, with a handler")
async def test_async_with_gives_the_stream():
    handler = AssistantEventHandler()
    async with opened([*HELLO, DONE], handler) as s:
        assert (handler, s) == (s.handler, handler.stream)


@row("a handler method that is not `async def`")
def test_sync_handler_method():
    with pytest.raises(TypeError, match="on_text_delta"):

        class Handler(AssistantEventHandler):
            def on_text_delta(self, delta, snapshot): ...


class Told(AssistantEventHandler):
    def __init__(self) -> None:
        self.told: list[object] = []

    async def on_run_step_created(self, run_step) -> None:
        self.told.append(run_step.id)

    async def on_tool_call_created(self, tool_call) -> None:
        self.told.append(tool_call.id)

    async def on_text_created(self, text) -> None:
        self.told.append(text.value)

    async def on_text_delta(self, delta, snapshot) -> None:
        self.told.append(delta.value)


@row("the text in `on_text_created`")
async def test_created_text():
    async with opened([*HELLO, DONE], Told()) as s:
        await s.until_done()

    assert ["", "Hel", "lo"] == s.handler.told


def call_step(id: str) -> list[bytes]:
    opened_step = step("created", id, step_details={"type": "tool_calls", "tool_calls": []})
    return [opened_step, assistants_wire.call(f"call_{id}", "f", "{}", step_id=id)]


@row("the first call of a second step")
async def test_first_call_of_a_second_step():
    async with opened([*HELLO[:1], *call_step("one"), *call_step("two"), HELLO[-1], DONE], Told()) as s:
        await s.until_done()

    assert ["one", "call_one", "two", "call_two"] == s.handler.told


@row("a step that the stream of tool outputs only ends")
async def test_step_that_only_ends():
    ended = step("completed", "one", status="completed", step_details={"type": "tool_calls", "tool_calls": []})
    async with opened([*HELLO[:1], ended, HELLO[-1], DONE], Told()) as s:
        await s.until_done()

    assert ["one"] == s.handler.told


@row("nothing to give in `get_final_messages()`")
async def test_no_messages():
    async with opened([run("created"), run("failed"), DONE]) as s:
        assert ([], []) == (await s.get_final_messages(), await s.get_final_run_steps())


@row("keep-alive comments")
async def test_comments_do_not_defeat_the_deadline():
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        while True:
            await exchange.send(chunk(b": ping\n\n"))
            await asyncio.sleep(0.005)

    async with opened(answer, timeout=Timeout(event=0.1)) as s:
        with pytest.raises(StreamTimeoutError):
            await s.until_done()


@row("leaving without reading to the end")
async def test_leaving():
    gone = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        await exchange.gone()
        gone.set()

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as s:
            await anext(s)
        async with asyncio.timeout(1):
            await gone.wait()
        dropped = await client.threads.runs.stream("thread_1", assistant_id="asst_1").open()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del dropped
            gc.collect()

    assert [ResourceWarning] == [warning.category for warning in caught]


@row("a redirect to another host")
async def test_redirect():
    async def elsewhere(exchange: Exchange) -> None:
        await stream(exchange, *HELLO, DONE)

    async with raw_server(elsewhere) as other:

        async def redirect(exchange: Exchange) -> None:
            await exchange.reply(307, Location=other.url + "/runs")

        async with raw_server(redirect) as server, AsyncClient(api_key="k", base_url=server.url) as client:
            with pytest.raises(APIStatusError, match="redirect"):
                await client.threads.runs.stream("thread_1", assistant_id="asst_1").open()

    assert [] == other.requests
    assert json.loads(server.requests[0].body)["stream"] is True


# Polling and lists.


@row("polling a run that never ends")
async def test_poll_deadline():
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, b'{"id": "run_1", "status": "in_progress"}')

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        with pytest.raises(PollTimeoutError) as caught:
            await client.threads.runs.poll("run_1", thread_id="thread_1", poll_interval_ms=1, poll_timeout=0.05)

    assert "in_progress" == caught.value.last.status


@row("a function as a tool")
def test_functions_are_tools():
    def visit(city: str, days: int = 1) -> str:
        """Visit a city.

        :param city: Which.
        """
        return f"{city} {days}"

    tool = function_tool(visit)["function"]
    assert ("visit", "Visit a city.") == (tool["name"], tool["description"])
    assert {"type": "string", "description": "Which."} == tool["parameters"]["properties"]["city"]


def answered_by(name: str, arguments: str) -> bytes:
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [call]}}
    return json.dumps({"id": "c", "model": "m", "created": 1, "choices": [choice]}).encode()


class Place(Struct):
    city: str


@row("arguments that do not fit their tool")
async def test_arguments_that_do_not_fit():
    frames = [chat_wire.call(0, '{"town": "Oslo"}', "Place", "call_1"), chat_wire.piece(finish="tool_calls")]

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *frames, chat_wire.DONE)

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        tools = [pydantic_function_tool(Place)]
        async with client.chat.completions.stream(model="m", messages=chat_wire.MESSAGES, tools=tools) as s:
            (call,) = (await s.get_final_completion()).choices[0].message.tool_calls

    assert call.function.parsed_arguments is None
    with pytest.raises(ParseError, match="`city`"):
        call.arguments_as(Place)


@row("a tool that is not `strict`, given to `parse`")
async def test_tool_that_is_not_strict():
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, answered_by("Place", '{"city": "Oslo"}'), content_type="application/json")

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        tools = [function_tool(Place, strict=False)]
        completion = await client.chat.completions.parse(model="m", messages=chat_wire.MESSAGES, tools=tools)
        sent = json.loads(server.requests[0].body)["tools"]

    assert not sent[0]["function"]["strict"]
    assert Place("Oslo") == completion.choices[0].message.tool_calls[0].function.parsed_arguments


@row("a dataclass, TypedDict or generic type as `response_format`")
async def test_answers_of_any_type():
    content = json.dumps({"items": ["a"]})
    said = {"choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]}

    async def answer(exchange: Exchange) -> None:
        schema = json.loads(exchange.body)["response_format"]["json_schema"]
        assert ("Page_str", True) == (schema["name"], schema["strict"])
        await exchange.reply(body=json.dumps({"id": "c", **said}).encode(), content_type="application/json")

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        completion = await client.chat.completions.create(model="m", messages=[], response_format=Page[str])

    assert Page(["a"]) == completion.choices[0].message.parsed


@row("`parse(...)` of an answer that was cut")
async def test_parse_of_a_cut_answer():
    choice = {"index": 0, "message": {"role": "assistant", "content": '{"items": [1'}, "finish_reason": "length"}

    async def answer(exchange: Exchange) -> None:
        await exchange.reply(
            body=json.dumps({"id": "c", "choices": [choice]}).encode(), content_type="application/json"
        )

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        found = await client.chat.completions.parse(messages=[], model="m", response_format=Page[int])

    message = found.choices[0].message
    assert (None, "length") == (message.parsed, message.cut)

    cut = responses_wire.answer(responses_wire.message('{"items": [1', status="incomplete"), status="incomplete")
    async with answered(cut, text_format=Page[int]) as s:
        response = await s.get_final_response()

    assert (None, "incomplete") == (response.output_parsed, response.status)


@row("a pattern that looks around, in a strict schema")
def test_patterns_that_look_around():
    def book(code: Annotated[str, Meta(pattern="^(?!X)[A-Z]{3}$")]) -> None: ...

    assert "pattern" not in repr(function_tool(book))
    with pytest.raises(ParseError, match=r"\$\.code"):
        arguments_for(book, FunctionCall(name="book", arguments='{"code": "XYZ"}'))


@row("`null` as the arguments of a call, or nothing")
def test_no_arguments():
    def now() -> str: ...

    for arguments in ("null", ""):
        assert {} == arguments_for(now, FunctionCall(name="now", arguments=arguments))


@row("a Decimal as the output of a tool")
async def test_outputs_that_are_no_text():
    async with opened(WAITS) as s:
        async for event in s:
            if event.event == "thread.run.requires_action":
                with pytest.raises(ConfigurationError, match="the output of 'call_1' as text, got Decimal"):
                    await s.submit_tool_outputs([{"tool_call_id": "call_1", "output": Decimal("1.50")}])


@row("a list whose server repeats a cursor")
async def test_repeated_cursor():
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, b'{"data": [{"id": "file_1"}], "has_more": true, "last_id": "file_1"}')

    seen = []
    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        with pytest.raises(APIResponseValidationError, match="repeats itself"):
            async for file in client.files.list():
                seen.append(file.id)

    assert ["file_1"] == seen


# Chat completions.


def chat_chunk(delta: object, finish: str | None = None, **fields: object) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": choices, **fields}).encode() + b"\n\n"


def fold_chat(*frames: bytes):
    accumulator = ChatAccumulator()
    for event in decode_stream(b"".join(frames), "chat"):
        accumulator.push(event)
    accumulator.finish()
    return accumulator.completion


def calls_of(*entries: dict[str, object]) -> list[tuple[str, str, str]]:
    deltas = [chat_chunk({"tool_calls": [{"type": "function", **entry}]}) for entry in entries]
    message = fold_chat(*deltas, chat_chunk({}, "tool_calls"), b"data: [DONE]\n\n").choices[0].message
    return [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls]


@row("a chat answer that ends without finish reason or `[DONE]`")
def test_chat_truncation():
    with pytest.raises(StreamTruncatedError) as caught:
        fold_chat(chat_chunk({"content": "half"}))

    assert "half" == caught.value.partial.completion.choices[0].message.content


@row("a failure in other words than `error`, in mid-answer")
def test_failure_in_other_words():
    failure = b'data: {"code": 500, "message": "failed to encode"}\n\n'
    with pytest.raises(StreamEventError, match="failed to encode"):
        fold_chat(chat_chunk({"content": "half"}), failure, b"data: [DONE]\n\n")


@row("`create()` that is answered with an event stream")
async def test_event_stream_for_a_whole_answer():
    async def send(exchange: Exchange) -> None:
        await stream(exchange, *chat_wire.HELLO, chat_wire.DONE)

    async with raw_server(send) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        completion = await client.chat.completions.create(messages=chat_wire.MESSAGES, model="m")

    assert "Hello" == completion.choices[0].message.content


@row("two tool calls under one index")
def test_reused_index():
    first = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "{}"}}
    second = {"index": 0, "id": "call_2", "function": {"name": "g", "arguments": "{}"}}

    assert [("call_1", "f", "{}"), ("call_2", "g", "{}")] == calls_of(first, second)


@row("a tool call without index")
def test_missing_index():
    assert [("call_1", "f", "{}")] == calls_of({"id": "call_1", "function": {"name": "f", "arguments": "{}"}})


@row("a name and an id that come with every delta")
def test_repeated_name_and_id():
    first = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": '{"a"'}}
    second = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": ": 1}"}}

    assert [("call_1", "f", '{"a": 1}')] == calls_of(first, second)


@row("tool arguments sent as an object")
def test_arguments_as_object():
    entry = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": {"a": 1}}}

    assert [("call_1", "f", '{"a":1}')] == calls_of(entry)


@row('`"delta": null` beside the finish reason')
def test_delta_null():
    choice = fold_chat(chat_chunk({"content": "x"}), chat_chunk(None, "stop")).choices[0]

    assert ("x", "stop") == (choice.message.content, choice.finish_reason)


@row("a usage of zeros after the real one")
def test_usage_of_zeros():
    real = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    completion = fold_chat(chat_chunk({}, "stop", usage=real), chat_chunk({}, usage=dict.fromkeys(real, 0)))

    assert 6 == completion.usage.total_tokens


@row('a misspelt keyword, or `messages="hi"`')
async def test_keywords():
    async with AsyncClient(api_key="k", base_url="http://127.0.0.1:9") as client:
        with pytest.raises(ArgumentError, match="did you mean 'temperature'"):
            await client.chat.completions.create(model="m", messages=[], temprature=1)
        with pytest.raises(TypeError, match="messages must be a list"):
            await client.chat.completions.create(model="m", messages="hi")


@row("a deadline that passes")
async def test_deadlines():
    async def silent(exchange: Exchange) -> None:
        await exchange.gone()

    with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        async with opened(silent, timeout=0.05):
            pass


@row('`event.type == "content.delta"` over a chat stream')
async def test_events_of_a_helper():
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *chat_wire.HELLO, chat_wire.DONE)

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with client.chat.completions.stream(model="m", messages=chat_wire.MESSAGES) as s:
            with pytest.raises(AttributeError, match="openai_events"):
                async for event in s:
                    event.type  # noqa: B018 - to ask for it is the mistake
        async with client.chat.completions.stream(model="m", messages=chat_wire.MESSAGES) as s:
            deltas = [event.delta async for event in s.openai_events if event.type == "content.delta"]

    assert ["Hel", "lo"] == deltas


async def helper_events(*frames: bytes, **params):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *frames, chat_wire.DONE)

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with client.chat.completions.stream(model="m", messages=chat_wire.MESSAGES, **params) as s:
            return [(event, getattr(event, "parsed", None)) async for event in s.openai_events]


@row("`tool_calls.function.arguments.done` of several calls")
async def test_done_of_several_calls():
    events = [event for event, _ in await helper_events(*chat_wire.CALLS) if event.type.startswith("tool_calls")]

    assert ["delta"] * 3 + ["done"] * 2 == [event.type.rpartition(".")[2] for event in events]
    assert ['{"city": "Lisbon"}', '{"city": "Oslo"}'] == [event.arguments for event in events[3:]]


@row("`event.parsed` of a `content.delta`")
async def test_parsed_so_far():
    pytest.importorskip("jiter")
    pieces = [chat_wire.piece({"content": text}) for text in ('{"city": "Os', 'lo"}')]
    events = await helper_events(*pieces, chat_wire.piece(finish="stop"), response_format=Place)

    assert [{"city": "Os"}, {"city": "Oslo"}] == [parsed for event, parsed in events if event.type == "content.delta"]


@asynccontextmanager
async def answered(frames: list[bytes], **params):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *frames)

    async with (
        raw_server(answer) as server,
        AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client,
        client.responses.stream(model="m", input="hi", **params) as s,
    ):
        yield s


@row("a response that ends incomplete or failed, or is cut")
async def test_ends_of_responses():
    said = responses_wire.message("half")
    why = {"incomplete_details": {"reason": "max_output_tokens"}}
    async with answered(responses_wire.answer(said, status="incomplete", **why)) as s:
        response = await s.get_final_response()
    assert ("half", "incomplete", "max_output_tokens") == (
        response.output_text,
        response.status,
        response.incomplete_details.reason,
    )

    error = {"code": "server_error", "message": "boom"}
    for frames, kind, code in (
        (responses_wire.answer(said, status="failed", error=error), StreamEventError, "server_error"),
        (responses_wire.answer(said)[:-1], StreamTruncatedError, None),
    ):
        async with answered(frames) as s:
            with pytest.raises(kind) as caught:
                await s.get_final_response()
        assert ("half", code) == (caught.value.partial.response.output_text, caught.value.code)


@row("a response whose ids or indexes change, clash or are missing")
async def test_dialects_of_responses():
    event = responses_wire.event
    other = [  # each event has other ids
        event("created", response={"id": "a"}),
        event("output_item.added", output_index=0, item={"type": "message", "id": "b"}),
        event("output_text.delta", item_id="c", output_index=0, content_index=0, delta="hi"),
        event("completed", response={"id": "d", "output": [responses_wire.message("hi", "e")]}),
    ]
    clashing = [event("output_item.added", output_index=0, item={"type": "reasoning", "id": "r"}), *other[1:]]
    bare = [event("output_text.delta", delta="hi"), event("completed", response={})]
    for frames in (other, clashing, bare):
        async with answered(frames) as s:
            assert "hi" == (await s.get_final_response()).output_text


@row("`response.completed` with an empty `output`")
async def test_empty_list_of_a_response():
    frames = [*responses_wire.hello()[:-1], responses_wire.event("completed", response={"id": "resp_1", "output": []})]
    async with answered(frames) as s:
        assert "Hello" == (await s.get_final_response()).output_text


@row("a background response whose connection breaks")
async def test_background_response_goes_on():
    frames = responses_wire.hello(background=True)

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *(frames[:6] if exchange.number == 1 else frames[6:]), end=exchange.number > 1)
        exchange.rst()

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with client.responses.stream(model="m", input="hi", background=True) as s:
            pieces = [piece async for piece in s.text_deltas]
            targets = [request.target for request in server.requests]

    assert ["Hel", "lo"] == pieces
    assert targets[1].startswith("/responses/resp_1?stream=true&starting_after=")


@row("`event.snapshot` and `event.parsed` in a stream of responses")
async def test_snapshots_of_responses():
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *responses_wire.hello())

    texts = []
    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        async with client.responses.stream(model="m", input="hi") as s:
            async for event in s:
                if event.type == "response.output_text.delta":
                    texts.append((event.delta, s.current_response_snapshot.output_text))
                    for name in ("snapshot", "parsed"):
                        with pytest.raises(AttributeError, match=name):
                            getattr(event, name)

    assert [("Hel", "Hel"), ("lo", "Hello")] == texts


@row("`parsed_arguments` of a call in a response")
async def test_arguments_of_responses():
    frames = responses_wire.answer(
        {"type": "function_call", "call_id": "c", "name": "Page", "arguments": '{"items":[1]}'}
    )
    async with answered(frames, tools=[pydantic_function_tool(Page[int], name="Page")]) as s:
        (call,) = (await s.get_final_response()).output

    with pytest.raises(AttributeError, match="parsed_arguments"):
        call.parsed_arguments  # noqa: B018  # what raises
    assert Page([1]) == call.arguments_as(Page[int])


@row("`with_streaming_response`, `completion._request_id`")
async def test_request_ids():
    async def answer(exchange: Exchange) -> None:
        body = json.dumps({"id": "c", "model": "m", "created": 1, "choices": [{"message": {"content": "x"}}]})
        await exchange.reply(200, body.encode(), x_request_id="req_1", content_type="application/json")

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        completions = client.chat.completions
        raw = await completions.with_raw_response.create(model="m", messages=chat_wire.MESSAGES)

        assert not hasattr(completions, "with_streaming_response")

    assert ("req_1", "req_1") == (raw.request_id, raw.headers["x-request-id"])
    assert not hasattr(raw.parse(), "_request_id")


@row("the sync `OpenAI`, `openai.chat...` without a client, `NOT_GIVEN`")
def test_sync_names():
    for name in ("OpenAI", "AzureOpenAI", "chat", "api_key", "NOT_GIVEN", "omit"):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(asyncstream, name)
