"""Streams as entries and as bytes, without a browser: views, endings, heartbeats, back-pressure, and leaving."""

import asyncio
import gc
import itertools
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from assistants_wire import DONE, HELLO, WAITS, frame, run, stream, text
from chat_wire import CALLS, MESSAGES
from chat_wire import DONE as CHAT_DONE
from feeds import until
from raw_server import Exchange, raw_server
from response_folds import added, event, life
from response_folds import text as output_text
from upstream_wire import HELLO_CHAT, chunk_frame, said, upstream

from asyncstream import AssistantEventHandler, AsyncClient, function_tool
from asyncstream.errors import (
    AuthenticationError,
    ConfigurationError,
    StreamEventError,
    StreamInterruptedError,
)
from asyncstream.relay import ndjson_lines, sse_frames, text_chunks
from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import ProducerLostError
from asyncstream.relay.frames import GREETING, HEARTBEAT, MAX_LINE
from asyncstream.relay.pump import BATCH, Pump, ReaderGone, ReaderStalled
from asyncstream.relay.shapes import Shape
from asyncstream.relay.views import entries
from asyncstream.transport import fairness

LINES = Shape("x", lambda entry: entry.data, b"", HEARTBEAT)


async def all_of(frames) -> bytes:
    return b"".join([data async for data in frames])


async def given(*items):
    """Iterate over entries; raise those that are errors."""
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


async def silence():
    await asyncio.Event().wait()
    yield Entry()


def tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("asyncstream")}


# Streams as entries.


async def test_an_assistants_stream_comes_out_as_it_came_in():
    async with upstream([*HELLO, DONE]) as model:
        out = await all_of(sse_frames(model.run()))

    assert GREETING + b"".join(HELLO) + DONE == out
    assert set() == tasks()


async def test_a_chat_stream_comes_out_as_it_came_in_with_the_relays_end():
    async with upstream(HELLO_CHAT) as model:
        out = await all_of(sse_frames(model.chat()))

    assert GREETING + b"".join(HELLO_CHAT[:-1]) + DONE == out


async def test_an_open_stream_is_gone_on_with():
    async with upstream([*HELLO, DONE]) as model:
        run_stream = await model.run().open()
        await anext(run_stream)
        out = await all_of(sse_frames(run_stream))

    assert GREETING + b"".join(HELLO[1:]) + DONE == out


async def test_the_compatible_form_is_the_upstreams_bytes():
    async with upstream(HELLO_CHAT) as model:
        assert b"".join(HELLO_CHAT) == await all_of(sse_frames(model.chat(), compatible=True))
    async with upstream([*HELLO, DONE]) as model:
        assert b"".join(HELLO) + DONE == await all_of(sse_frames(model.run(), compatible=True))


ODD_FRAMES = [
    (b"data: [%b,%b]\n\n" % (said("a"), said("b")), [said("a"), said("b")]),
    (b"data: %b\ndata: %b\n\n" % (said("a"), said("b")), [said("a"), said("b")]),
    (b"id: 4\ndata:%b\n\n" % said("a"), [said("a")]),
    (b'data: {"choices":\ndata: []}\n\n', [b'{"choices":\n[]}']),
    (b"data: " + said("caf?").replace(b"?", b"\xff") + b"\n\n", [said("caf?").replace(b"?", "�".encode())]),
]


@pytest.mark.parametrize(("odd", "payloads"), ODD_FRAMES)
async def test_each_chunk_of_an_odd_frame_is_relayed_once(odd, payloads):
    async with upstream([odd, *HELLO_CHAT]) as model:
        relayed = [entry.data async for entry in entries(model.chat())]

    hello = [said("Hel"), said("lo"), said("", "stop")]
    assert [json.loads(one) for one in [*payloads, *hello]] == [json.loads(one) for one in relayed[:-1]]
    assert b"[DONE]" == relayed[-1]


async def test_a_chunk_with_json_too_deep_to_be_read_twice_is_relayed_as_it_was_understood():
    deep = said("a")[:-1] + b', "deep": ' + b"[" * 200 + b"]" * 200 + b"}"
    async with upstream([b"data:" + deep + b"\n\n", *HELLO_CHAT]) as model:
        relayed = [entry.data async for entry in entries(model.chat())]

    assert "a" == json.loads(relayed[0])["choices"][0]["delta"]["content"]
    assert [said("Hel"), said("lo")] == relayed[1:3]


async def test_the_last_chunk_of_a_body_without_a_blank_line_is_relayed():
    cut = b"data: %b\ndata: %b" % (said("", "stop"), said("cut")[:20])
    async with upstream([chunk_frame("a"), cut]) as model:
        relayed = [entry.data async for entry in entries(model.chat())]

    assert [json.loads(said("a")), json.loads(said("", "stop"))] == [json.loads(one) for one in relayed[:-1]]


async def test_unknown_events_go_through_under_their_names():
    odd = [b"event: vendor.note\ndata: just words\n\n", b"event: vendor.more\ndata: a\ndata: b\n\n"]
    async with upstream([*HELLO[:-1], *odd, HELLO[-1], DONE]) as model:
        out = await all_of(sse_frames(model.run()))

    assert odd[0] + odd[1] in out


async def test_changes_are_named_by_their_class_and_hold_no_growing_snapshot():
    async with upstream([*HELLO, DONE]) as model:
        changes = [
            (one.event, json.loads(one.data))
            async for one in entries(model.run(), view="changes")
            if one.data[:1] == b"{"
        ]

    names = [name for name, _ in changes]
    assert ["TextCreated", "TextChanged", "MessageChanged", "TextChanged", "MessageChanged", "TextDone"] == names[3:9]
    by_name = dict(changes)
    assert {"delta": {"value": "lo"}, "message_id": "msg_1", "index": 0} == by_name["TextChanged"]
    assert ("msg_1", {"delta", "id"}) == (by_name["MessageChanged"]["id"], set(by_name["MessageChanged"]))
    assert "Hello" == by_name["TextDone"]["snapshot"]["value"]
    assert ("msg_1", "assistant") == (
        by_name["MessageCreated"]["snapshot"]["id"],
        by_name["MessageCreated"]["snapshot"]["role"],
    )
    assert "completed" == by_name["RunChanged"]["delta"]["status"]


async def test_changes_of_chat_calls_hold_what_the_wire_had_and_nothing_of_the_programs_own():
    def get_current_weather(city: str) -> str:
        """Tell the weather."""
        return city

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *CALLS, CHAT_DONE)

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        tools = [function_tool(get_current_weather)]
        asked = client.chat.completions.stream(model="m", messages=MESSAGES, tools=tools)
        found = [one async for one in entries(asked, view="changes")]
        (call, _) = asked.accumulator.completion.choices[0].message.tool_calls or []

    told = {one.event: json.loads(one.data) for one in found[:-1]}
    assert {"city": "Lisbon"} == call.function.parsed_arguments
    assert "done" == found[-1].event
    assert {"index": 0, "function": {"arguments": ' "Lisbon"}'}} == told["ToolCallChanged"]["delta"]
    assert {"name": "get_current_weather", "arguments": '{"city": "Oslo"}'} == told["ToolCallDone"]["snapshot"][
        "function"
    ]


async def test_changes_of_a_response_say_which_member_grew():
    async def answer(exchange: Exchange) -> None:
        call = {"type": "function_call", "id": "f", "call_id": "c", "name": "n", "arguments": ""}
        frames = [
            life("created"),
            added(**call, index=0),
            event("function_call_arguments.delta", item_id="f", delta="{}"),
            event("mcp_list_tools.completed", item_id="l"),
            output_text("Hi", "m", 2),
            life("completed"),
        ]
        await stream(exchange, *frames)

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        found = [one async for one in entries(client.responses.stream(model="m", input="hi"), view="changes")]

    told = {one.event: json.loads(one.data) for one in found[:-1]}
    assert {"delta": "{}", "parent": "f", "index": 0, "field": "arguments"} == told["ToolCallChanged"]
    assert {"delta": "completed", "parent": "l", "field": "status"} == told["OutputItemChanged"]
    assert {"delta": "Hi", "index": 0, "item": "m", "field": "text"} == told["ContentChanged"]
    assert {"delta": "completed", "parent": "r1", "field": "status"} == told["ResponseChanged"]


async def test_a_view_of_changes_costs_the_same_however_long_the_answer():
    sizes = []
    for count in (10, 400):
        words = [chunk_frame(f"{n:04}") for n in range(count)]
        async with upstream([*words, *HELLO_CHAT[2:]]) as model:
            sizes.append(
                [len(one.data) async for one in entries(model.chat(), view="changes") if one.event == "ContentChanged"]
            )

    assert (10, 400, 1) == (len(sizes[0]), len(sizes[1]), len(set(sizes[0] + sizes[1])))


async def test_the_text_in_every_form():
    async with upstream([*HELLO, DONE]) as model:
        assert b"Hello" == await all_of(text_chunks(model.run()))
        assert b'{"text":"Hel"}\n{"text":"lo"}\n{"event":"done","data":"[DONE]"}\n' == await all_of(
            ndjson_lines(model.run(), view="text")
        )
        assert b'event: text\ndata: {"text":"Hel"}\n\n' in await all_of(sse_frames(model.run(), view="text"))


async def test_a_surrogate_pair_in_two_chunks_is_one_character_in_text_and_is_not_lost_in_changes():
    halves = [rb'data: {"choices":[{"index":0,"delta":{"content":"\ud83d"}}]}' + b"\n\n"]
    halves += [rb'data: {"choices":[{"index":0,"delta":{"content":"\ude00"}}]}' + b"\n\n"]
    async with upstream([*halves, *HELLO_CHAT[2:]]) as model:
        assert "😀".encode() == await all_of(text_chunks(model.chat()))
        changes = [
            json.loads(one.data) async for one in entries(model.chat(), view="changes") if one.event == "ContentChanged"
        ]

    assert ["\ud83d", "\ude00"] == [one["delta"] for one in changes]


async def test_ndjson_has_a_line_an_event():
    async with upstream([*HELLO, DONE]) as model:
        lines = [json.loads(line) for line in (await all_of(ndjson_lines(model.run()))).splitlines()]

    assert ["thread.run.created", "thread.run.in_progress"] == [line["event"] for line in lines[:2]]
    assert {"event": "done", "data": "[DONE]"} == lines[-1]


async def test_a_large_event_goes_out_in_pieces():
    big = frame("thread.run.step.completed", id="step_1", filling="x" * 300_000)
    async with upstream([*HELLO[:-1], big, HELLO[-1], DONE]) as model:
        out = await all_of(sse_frames(model.run()))

    assert max(map(len, out.split(b"\n"))) <= MAX_LINE
    assert 8 == out.count(b"event: asyncstream.piece\n")


# Endings.


@pytest.mark.parametrize(
    ("frames", "then", "code"),
    [
        ([*HELLO[:4]], "rst", "stream_interrupted"),
        ([*HELLO[:4]], "end", "stream_truncated"),
        (
            [*HELLO[:4], b'event: error\ndata: {"message": "overloaded", "code": "server_error"}\n\n'],
            "end",
            "server_error",
        ),
        ([*HELLO[:4], b"event: thread.message.delta\ndata: {broken\n\n"], "end", "stream_unreadable"),
    ],
)
async def test_a_failure_in_the_middle_is_one_last_error_event(frames, then, code):
    async with upstream(frames, then) as model:
        out = (await all_of(sse_frames(model.run()))).removeprefix(GREETING)

    head, _, tail = out.partition(b"event: error\n")
    assert b"".join(HELLO[:4]) == head
    assert code == json.loads(tail.removeprefix(b"data: "))["error"]["code"]
    assert 1 == tail.count(b"\n\n")


async def test_a_refusal_of_the_upstream_is_raised_before_anything_is_given():
    async with upstream([], status=401, body=b'{"error": {"message": "wrong key"}}') as model:
        with pytest.raises(AuthenticationError):
            await anext(sse_frames(model.run()))

    assert set() == tasks()


async def test_plain_text_that_is_cut_is_raised():
    async with upstream(HELLO[:4], "rst") as model:
        got = b""
        with pytest.raises(StreamEventError, match="the connection to the upstream was lost after 4 events"):
            async for data in text_chunks(model.run()):
                got += data

    assert b"Hel" == got


async def test_a_callback_that_raises_is_an_error_event_without_its_words_and_a_line_in_the_log(caplog):
    class Broken(AssistantEventHandler):
        async def on_text_delta(self, delta, snapshot):
            raise KeyError("a secret of the program")

    async with upstream([*HELLO, DONE]) as model:
        with caplog.at_level(logging.ERROR, "asyncstream"):
            out = await all_of(sse_frames(model.run(event_handler=Broken())))

    error = {"message": "the relay failed", "type": "server_error", "code": "relay_error", "param": None}
    assert {"error": error} == json.loads(out.partition(b"event: error\ndata: ")[2])
    assert ["a relayed stream failed with KeyError"] == [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("items", "frames"),
    [
        ([Entry(1, "a", b"1")], b"id: 1\nevent: a\ndata: 1\n\n" + DONE),
        ([Entry(1, "done", b"[DONE]"), Entry(2, "a", b"1")], b"id: 1\n" + DONE),
        ([], DONE),
    ],
)
async def test_an_iterator_of_entries_ends_once(items, frames):
    assert GREETING + frames == await all_of(sse_frames(given(*items)))


async def test_an_iterator_of_entries_that_fails_ends_with_its_error():
    out = await all_of(sse_frames(given(Entry(1, "a", b"1"), ProducerLostError("the producer died"))))

    assert out.startswith(GREETING + b"id: 1\nevent: a\ndata: 1\n\nevent: error\n")
    assert b'"code":"producer_lost"' in out


async def test_a_source_of_its_own_that_fails_ends_with_its_error(caplog):
    class Failing:
        closed = False

        async def open(self):
            return self

        def __aiter__(self):
            return given(Entry(1, "a", b"1"), ZeroDivisionError("words"))

        async def close(self):
            self.closed = True

    source = Failing()
    out = await all_of(sse_frames(source))

    assert (b'"the relay failed"' in out, True) == (True, source.closed)
    assert "a relayed source failed with ZeroDivisionError" in caplog.text


# Leaving.


async def test_closing_the_iterator_closes_a_silent_upstream_at_once():
    async with upstream(HELLO[:4], "silence") as model:
        frames = sse_frames(model.run())
        await anext(frames)
        began = time.monotonic()
        await frames.aclose()

        assert await model.left_after(began) < 1
    assert set() == tasks()


async def test_cancelling_whoever_waits_closes_a_silent_upstream():
    async with upstream(HELLO[:4], "silence") as model:
        got = asyncio.Event()

        async def read():
            async for data in sse_frames(model.run()):
                if b"Hel" in data:
                    got.set()

        task = asyncio.create_task(read())
        await got.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await model.left_after(0)
    assert set() == tasks()


async def test_cancelled_while_it_opens_nothing_is_left():
    async with upstream([], "silence", status=0) as model:
        task = asyncio.create_task(all_of(sse_frames(model.run())))
        await model.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await model.left_after(0)
    assert set() == tasks()


async def test_a_stream_that_is_never_read_is_not_opened():
    async with upstream([]) as model:
        frames = sse_frames(model.run())
        await frames.aclose()

        assert [] == model.server.requests


async def test_the_stream_says_afterwards_how_far_it_came():
    async with upstream(HELLO[:4], "silence") as model:
        run_stream = model.run()
        async with aclosing(sse_frames(run_stream)) as frames:
            async for data in frames:
                if b"Hel" in data:
                    break

        assert "run_1" == run_stream.current_run.id
        with pytest.raises(StreamInterruptedError):
            await run_stream.get_final_run()


# Silence and haste.


async def test_heartbeats_come_in_silence_and_lose_no_event():
    speak = asyncio.Queue()

    async def source():
        while (text := await speak.get()) is not None:
            yield Entry(None, "", text)

    frames = sse_frames(source(), heartbeat=0.02)
    assert GREETING == await anext(frames)
    assert [HEARTBEAT, HEARTBEAT] == [await anext(frames), await anext(frames)]
    speak.put_nowait(b"1")
    assert b"data: 1\n\n" == await anext(frames)
    assert HEARTBEAT == await anext(frames)
    speak.put_nowait(b"2")
    speak.put_nowait(None)
    assert b"data: 2\n\n" + DONE == await all_of(frames)


async def test_a_heartbeat_waits_for_silence():
    pump = Pump(entries(silence()), LINES, heartbeat=60, stall=None)
    await pump.open()
    waiting = asyncio.create_task(pump.take())
    await asyncio.sleep(0)
    # As if it had been armed long ago, and events had come since.
    pump._on_timer()
    await asyncio.sleep(0)
    assert False is waiting.done()
    pump._last -= 60
    pump._on_timer()

    assert HEARTBEAT == await waiting
    await pump.close()


async def test_without_a_heartbeat_there_is_no_timer():
    async with upstream([*HELLO, DONE]) as model:
        assert HEARTBEAT not in await all_of(sse_frames(model.run(), heartbeat=None))


async def test_a_closed_pump_leaves_no_timer():
    pump = Pump(entries(silence()), LINES, heartbeat=60, stall=None)
    await pump.open()
    waiting = asyncio.create_task(pump.take())
    await asyncio.sleep(0)
    armed = pump._timer
    waiting.cancel()
    await pump.close()

    assert (True, None) == (armed is not None and armed.cancelled(), pump._timer)


async def test_a_burst_goes_out_in_one_write_and_a_slow_reader_holds_the_source_back():
    made = 0

    async def source():
        nonlocal made
        while made < 1000:
            made += 1
            yield Entry(None, "", b"x" * 1000)

    frames = sse_frames(source(), heartbeat=None)
    first = await anext(frames)
    for _ in range(20):
        await asyncio.sleep(0)

    # What was taken, and as much again.
    assert made <= 2 * (BATCH // 1000 + 1)
    writes = [first] + [data async for data in frames]
    assert (1000, True) == (made, len(writes) <= 20)
    assert 1000 == b"".join(writes).count(b"data: x")


async def test_a_reader_that_takes_nothing_is_given_up():
    closed = asyncio.Event()

    async def source():
        try:
            while True:
                yield Entry(None, "", b"x" * 1000)
        finally:
            closed.set()

    pump = Pump(entries(source()), LINES, heartbeat=None, stall=0.05)
    await pump.open()
    async with asyncio.timeout(5):
        await closed.wait()

    with pytest.raises(ReaderStalled):
        await pump.take()
    await pump.close()


async def test_a_write_that_does_not_end_is_given_up():
    pump = Pump(entries(given()), LINES, heartbeat=None, stall=0.05)
    with pytest.raises(ReaderStalled):
        await pump.send(lambda _: asyncio.Event().wait(), b"x")


@pytest.mark.parametrize("failure", [OSError("closed"), ConnectionResetError()])
async def test_a_write_that_fails_says_that_the_reader_left(failure):
    async def write(data):
        raise failure

    pump = Pump(entries(given()), LINES, heartbeat=None, stall=None)
    with pytest.raises(ReaderGone):
        await pump.send(write, b"x")


async def test_a_reader_that_leaves_ends_a_write_that_waits():
    pump = Pump(entries(given()), LINES, heartbeat=None, stall=None)
    writing = asyncio.create_task(pump.send(lambda _: asyncio.Event().wait(), b"x"))
    await asyncio.sleep(0)
    pump.leave()
    with pytest.raises(ReaderGone):
        await asyncio.wait_for(writing, 5)


async def test_others_have_their_turn_while_a_source_has_all_at_hand(monkeypatch):
    # A clock on which every turn is over once it is looked at.
    seconds = itertools.count()
    monkeypatch.setattr(fairness, "monotonic", lambda: next(seconds))
    pump = Pump(entries(given(*[Entry(data=b"x" * 400)] * 160)), LINES, heartbeat=None, stall=None)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    await pump.open()
    counting = asyncio.create_task(count())
    await until(lambda: pump._size >= 64_000)
    counting.cancel()
    await pump.close()

    # Nothing was taken: between so many pieces of the buffer there are as many looks at the clock.
    assert 6 <= turns < 160


# Arguments.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"view": "words"}, "expected view to be 'events', 'changes', 'text', 'ui-messages' or 'ag-ui', got 'words'"),
        ({"view": ["text"]}, "expected view to be 'events', 'changes', 'text', 'ui-messages' or 'ag-ui', got ['text']"),
        ({"heartbeat": 0}, "expected heartbeat to be seconds above zero, or None for none, got 0"),
        ({"heartbeat": float("nan")}, "expected heartbeat to be seconds above zero, or None for none, got nan"),
        ({"compatible": True, "view": "text"}, "the compatible form is SSE of events, got form 'sse' and view 'text'"),
    ],
)
async def test_arguments_that_do_not_go_together_are_refused_at_once(arguments, message):
    async with AsyncClient(api_key="k", base_url="http://127.0.0.1:1") as client:
        with pytest.raises(ConfigurationError) as caught:
            sse_frames(client.threads.runs.stream("thread_1", assistant_id="asst_1"), **arguments)

    assert message == str(caught.value)


def test_entries_have_no_views():
    with pytest.raises(ConfigurationError, match="these entries were made already"):
        sse_frames(given(), view="text")


async def test_a_stream_that_was_used_up_is_the_callers_mistake():
    async with upstream([*HELLO, DONE]) as model:
        run_stream = model.run()
        await all_of(sse_frames(run_stream))
        with pytest.raises(ConfigurationError, match="a stream can be opened once"):
            await all_of(sse_frames(run_stream))


async def test_outputs_submitted_in_a_callback_go_on_in_the_same_relay():
    class Answers(AssistantEventHandler):
        async def on_run_requires_action(self, run):
            await self.stream.submit_tool_outputs([{"tool_call_id": "call_1", "output": "1"}])

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *(HELLO[1:] if "submit" in exchange.target else WAITS), DONE)

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        handler = Answers()
        run_stream = client.threads.runs.stream("thread_1", assistant_id="asst_1", event_handler=handler)
        out = await all_of(sse_frames(run_stream))

    assert GREETING + b"".join([*WAITS, *HELLO[1:]]) + DONE == out


@pytest.mark.timing
async def test_an_event_costs_little():
    count = 20_000
    one = text("word ")
    body = b"".join([run("created"), *[one] * count, HELLO[-1], DONE])

    async def once() -> float:
        async with upstream([body]) as model:
            began = time.process_time()
            size = 0
            async for data in sse_frames(model.run()):
                size += len(data)
            return (time.process_time() - began) / count

    await once()
    # Measured 7 us with the raw server in the same process.
    assert min([await once() for _ in range(3)]) < 30e-6


async def test_a_reader_that_is_dropped_in_a_cycle_closes_the_upstream():
    """As some middlewares drop an answer in the middle of a write: nothing points at its task but the cycle."""
    loop = asyncio.get_running_loop()
    complaints: list[object] = []
    loop.set_exception_handler(lambda loop, context: complaints.append(context["message"]))
    feed = Endless()
    holder: list[object] = [sse_frames(feed, heartbeat=None)]
    holder.append(holder)
    await anext(holder[0])  # type: ignore[call-overload]  # what else is in it is not asked for
    await asyncio.wait_for(feed.held.wait(), 5)
    del holder
    gc.collect()
    await asyncio.wait_for(feed.closed.wait(), 5)

    assert [] == complaints


class Endless:
    """A source that says more than a reader takes."""

    def __init__(self) -> None:
        self.held = asyncio.Event()
        self.closed = asyncio.Event()
        self._said = 0

    async def open(self) -> None:
        pass

    def __aiter__(self) -> "Endless":
        return self

    async def __anext__(self) -> Entry:
        self._said += 1
        if self._said == 2:
            asyncio.get_running_loop().call_soon(self.held.set)
        return Entry(None, "said", b"x" * BATCH)

    async def close(self) -> None:
        self.closed.set()


async def test_frames_whose_step_was_cancelled_do_not_look_ended() -> None:
    async def made() -> AsyncIterator[Entry]:
        yield Entry(None, "", b"{}")
        await asyncio.Event().wait()

    frames = sse_frames(made())
    await anext(frames)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(frames), 0.01)
    with pytest.raises(StreamInterruptedError, match="cancelled"):
        await anext(frames)


async def test_plain_text_of_a_log_of_events_is_an_error() -> None:
    async def made() -> AsyncIterator[Entry]:
        yield Entry(1, "thread.run.created", b"{}")

    with pytest.raises(StreamEventError):
        [chunk async for chunk in text_chunks(made())]
