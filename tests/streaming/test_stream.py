"""The cursor: events, views, ends, failures, cancellation, closing."""

import asyncio
import gc
import json
import warnings
import zlib

import pytest
from assistants_wire import CLOSE_DELIMITED_HEAD, DONE, HELLO, STREAM_HEAD, chunk, frame, message, run, stream, text
from raw_server import Exchange, response

from asyncstream import (
    APIResponseValidationError,
    AuthenticationError,
    ConfigurationError,
    StreamDecodeError,
    StreamEventError,
    StreamInterruptedError,
    StreamTimeoutError,
    StreamTruncatedError,
    Timeout,
)
from asyncstream.accumulators import TextChanged, TextDone
from asyncstream.streaming import cursor, reading
from asyncstream.transport import live

TYPES = [
    "thread.run.created",
    "thread.run.in_progress",
    "thread.message.created",
    "thread.message.delta",
    "thread.message.delta",
    "thread.message.completed",
    "thread.run.completed",
]


async def test_nothing_is_sent_before_it_is_entered(talk):
    async with talk([*HELLO, DONE]) as t:
        made = t.stream()
        assert [] == t.server.requests

        async with made:
            assert ["POST"] == [seen.method for seen in t.server.requests]


async def test_events_come_typed_and_in_order_without_done(talk):
    async with talk([*HELLO, DONE]) as t, t.stream() as s:
        seen = [event.event async for event in s]

        assert TYPES == seen
        assert s.current_event.event == "thread.run.completed"
        assert s.current_raw == HELLO[-1].split(b"data: ")[1].strip()
        assert ("req_1", 200, "req_1") == (s.request_id, s.status, s.headers["X-Request-ID"])


async def test_final_objects(talk):
    async with talk([*HELLO, DONE]) as t, t.stream() as s:
        final = await s.get_final_run()

        assert ("completed", 3) == (final.status, final.usage.total_tokens)
        assert ["Hello"] == [m.content[0].text.value for m in await s.get_final_messages()]
        assert [] == await s.get_final_run_steps()


async def test_text_deltas_give_the_text_of_every_part_as_it_arrives(talk):
    frames = [run("created"), text("a", "m1"), text("1", "m2"), text("b", "m1"), text("c", "m1", 1), run("completed")]
    async with talk(frames) as t, t.stream() as s:
        assert ["a", "1", "b", "c"] == [piece async for piece in s.text_deltas]


async def test_text_deltas_hold_half_a_character_back(talk):
    half = [
        b'event: thread.message.delta\ndata: {"id":"m","delta":{"content":[{"index":0,"type":"text","text":{"value":"'
        + value
        + b'"}}]}}\n\n'
        for value in (rb"x\ud83d", rb"\ude00y", rb"z\ud83d")
    ]
    async with talk([*half, run("completed")]) as t, t.stream() as s:
        assert ["x", "\U0001f600y", "z", "\ufffd"] == [piece async for piece in s.text_deltas]


async def test_changes_come_in_the_order_of_callbacks(talk, log):
    async with talk([*HELLO, DONE]) as t:
        async with t.stream() as s:
            kinds = [type(change).__name__ async for change in s.changes]

    assert [
        *("RunChanged", "RunChanged", "MessageCreated", "TextCreated", "TextChanged", "MessageChanged"),
        *("TextChanged", "MessageChanged", "TextDone", "MessageDone", "RunChanged"),
    ] == kinds


async def test_views_share_one_cursor(talk):
    async with talk([*HELLO, DONE]) as t, t.stream() as s:
        first = await anext(s)
        piece = await anext(s.text_deltas)
        change = await anext(s.changes)
        rest = [event.event async for event in s]

    assert ("thread.run.created", "Hel", "lo") == (first.event, piece, change.delta.value)
    assert ["thread.message.completed", "thread.run.completed"] == rest


async def test_a_view_goes_on_where_it_was_left(talk):
    async with talk([*HELLO, DONE]) as t, t.stream() as s:
        async for change in s.changes:
            if isinstance(change, TextChanged):
                break

        assert "MessageChanged" == type(await anext(s.changes)).__name__


async def test_closing_changes_are_seen_by_the_view(talk):
    late = text("late", "msg_9")
    async with talk([*HELLO, late, DONE]) as t, t.stream() as s:
        done = [change.snapshot.value async for change in s.changes if isinstance(change, TextDone)]

    assert ["Hello", "late"] == done


async def test_iterating_outside_async_with_says_what_to_write(talk):
    async with talk([DONE]) as t:
        with pytest.raises(ConfigurationError, match=r"async with client\.threads\.runs\.stream"):
            await anext(t.stream())


async def test_a_stream_is_entered_once(talk):
    async with talk([*HELLO, DONE]) as t, t.stream() as s:
        with pytest.raises(ConfigurationError, match="opened once"):
            await s.open()


async def test_two_readers_at_once_are_refused_and_the_first_goes_on(talk):
    gate = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        await gate.wait()
        await exchange.send(b"".join(map(chunk, [*HELLO, DONE])) + b"0\r\n\r\n")

    async with talk(answer) as t, t.stream() as s:
        first = asyncio.ensure_future(anext(s))
        await asyncio.sleep(0)
        with pytest.raises(ConfigurationError, match="only one"):
            await anext(s)
        gate.set()

        assert "thread.run.created" == (await first).event
        assert 7 == len([*[1], *[1 async for _ in s]])


async def test_an_expired_wait_loses_nothing(talk):
    gates = [asyncio.Event() for _ in HELLO]

    async def answer(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        for gate, data in zip(gates, HELLO, strict=True):
            await gate.wait()
            half = len(data) // 2
            await exchange.send(chunk(data[:half]))
            await exchange.send(chunk(data[half:]))
        await exchange.send(b"0\r\n\r\n")

    seen = []
    async with talk(answer) as t, t.stream() as s:
        for gate in gates:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(s), 0.001)
            gate.set()
            seen.append((await anext(s)).event)
        with pytest.raises(StopAsyncIteration):
            await anext(s)
        assert "completed" == (await s.get_final_run()).status

    assert TYPES == seen


async def test_an_end_without_evidence_is_an_error_with_the_partial(talk):
    async with talk(HELLO[:5]) as t, t.stream() as s:
        with pytest.raises(StreamTruncatedError, match=r"after 5 events.*'thread\.message\.delta'") as caught:
            await s.until_done()
        with pytest.raises(StreamTruncatedError) as again:
            await s.get_final_run()
        with pytest.raises(StreamTruncatedError):
            await anext(s)

    error = caught.value
    assert error is again.value
    assert (5, "req_1", 200) == (error.events_seen, error.request_id, error.status)
    assert s.accumulator is error.partial
    assert "Hello" == error.partial.messages[0].content[0].text.value


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_a_broken_connection_before_evidence_is_an_error_after_all_events(talk, how):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO[:5], end=False)
        await exchange.reader.read(1)  # the client says that it has them
        getattr(exchange, how)()

    async with talk(answer) as t, t.stream() as s:
        seen = [(await anext(s)).event for _ in range(5)]
        t.server.requests[0].reader.feed_data(b"x")
        with pytest.raises(StreamInterruptedError, match="connection broke") as caught:
            await anext(s)

    assert TYPES[:5] == seen
    assert 5 == caught.value.events_seen


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_a_broken_connection_after_evidence_is_complete(talk, how):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO, end=False)
        await exchange.reader.read(1)
        getattr(exchange, how)()

    async with talk(answer) as t, t.stream() as s:
        seen = [(await anext(s)).event for _ in range(7)]
        t.server.requests[0].reader.feed_data(b"x")

        assert "completed" == (await s.get_final_run()).status
    assert TYPES == seen


async def test_a_body_that_is_not_closed_after_evidence_is_waited_for_shortly(talk, monkeypatch):
    monkeypatch.setattr(cursor, "AFTER_EVIDENCE", 0.01)

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO, end=False)
        await exchange.gone()

    async with talk(answer) as t, t.stream() as s:
        assert "completed" == (await s.get_final_run()).status


async def test_events_without_end_after_evidence_do_not_put_the_end_off(talk, monkeypatch):
    monkeypatch.setattr(cursor, "AFTER_EVIDENCE", 0.05)

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO, end=False)
        ping = chunk(frame("ping", n=1))
        try:
            while True:
                await exchange.send(ping)
                await asyncio.sleep(0.005)
        except ConnectionError:
            pass

    async with talk(answer) as t, t.stream() as s:
        async with asyncio.timeout(2):
            assert "completed" == (await s.get_final_run()).status


async def test_done_ends_at_once_while_the_socket_stays_open(talk):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO, DONE, end=False)
        await exchange.gone()

    async with talk(answer) as t, t.stream() as s:
        async with asyncio.timeout(1):
            assert 7 == len([event async for event in s])


async def test_a_consumer_that_does_not_read_pauses_the_server(talk, monkeypatch):
    monkeypatch.setattr(live, "QUEUE_HIGH", 64 * 1024)
    monkeypatch.setattr(live, "QUEUE_LOW", 32 * 1024)
    delta = text("x" * 10_000)
    count = 2_000
    sent = 0

    async def answer(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.send(STREAM_HEAD)
        for _ in range(count):
            await exchange.send(chunk(delta))
            sent += 1
        await exchange.send(chunk(run("completed")) + b"0\r\n\r\n")

    async with talk(answer) as t, t.stream() as s:
        await anext(s)
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.02)
        held_back = sent
        rest = [1 async for _ in s]

    assert held_back < count
    assert count == len(rest)


async def test_an_error_event_is_raised_with_the_partial(talk):
    async with talk([*HELLO[:4], frame("error", message="boom", code="server_error", type="x"), DONE]) as t:
        async with t.stream() as s:
            with pytest.raises(StreamEventError, match="boom") as caught:
                await s.until_done()

    error = caught.value
    assert ("server_error", "x", 4, b'"boom"' in error.body) == (error.code, error.type, error.events_seen, True)
    assert "Hel" == error.partial.messages[0].content[0].text.value


async def test_an_unreadable_frame_is_raised_with_its_bytes_after_what_came_before(talk):
    async with talk([*HELLO[:4], b"event: thread.message.delta\ndata: {oops\n\n", *HELLO[4:]]) as t:
        async with t.stream() as s:
            seen = []
            with pytest.raises(StreamDecodeError) as caught:
                async for event in s:
                    seen.append(event.event)

    assert TYPES[:4] == seen
    assert (b"{oops", 4) == (caught.value.raw, caught.value.events_seen)


async def test_an_oversized_event_is_an_error_after_what_came_before(talk):
    async with talk([*HELLO[:4], text("x" * 5_000), *HELLO[4:]], max_event_bytes=1_000) as t:
        async with t.stream() as s:
            seen = []
            with pytest.raises(StreamDecodeError, match="1000 bytes") as caught:
                async for event in s:
                    seen.append(event.event)

    assert TYPES[:4] == seen
    assert caught.value.raw.startswith(b"event: thread.message.delta")


async def test_an_unterminated_last_frame_counts_when_it_is_whole(talk):
    async with talk([*HELLO[:-1], HELLO[-1].rstrip(b"\n")]) as t, t.stream() as s:
        assert "completed" == (await s.get_final_run()).status


async def test_an_early_close_interrupts(talk):
    async with talk([*HELLO, DONE]) as t:
        async with t.stream() as s:
            await anext(s)
        with pytest.raises(StreamInterruptedError, match="closed by the consumer after 1 events") as caught:
            await s.get_final_run()

    assert "queued" == caught.value.partial.run.status


async def test_leaving_closes_the_connection(talk):
    gone = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        await exchange.gone()
        gone.set()

    async with talk(answer) as t:
        async with t.stream() as s:
            await anext(s)
        async with asyncio.timeout(1):
            await gone.wait()


async def test_cancelling_the_task_closes_the_connection(talk):
    gone = asyncio.Event()
    reading = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        await exchange.gone()
        gone.set()

    async with talk(answer) as t:

        async def read() -> None:
            async with t.stream() as s:
                async for _ in s:
                    reading.set()

        task = asyncio.create_task(read())
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(1):
            await gone.wait()


async def test_a_dropped_stream_warns_and_closes_itself(talk):
    gone = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        await exchange.gone()
        gone.set()

    async with talk(answer) as t:
        s = await t.stream().open()
        await anext(s)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del s
            gc.collect()
        async with asyncio.timeout(1):
            await gone.wait()

    assert ["unclosed AssistantStream"] == [str(warning.message).partition(":")[0] for warning in caught]


async def test_a_stream_read_to_its_end_leaves_its_connection_to_the_next(talk):
    async with talk([*HELLO, DONE]) as t:
        for _ in range(3):
            async with t.stream() as s:
                await s.until_done()

    assert (3, 1) == (len(t.server.requests), t.server.connections)


async def test_comments_do_not_extend_the_deadline_between_events(talk):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        while True:
            await exchange.send(chunk(b": still here\n\n"))
            await asyncio.sleep(0.005)

    async with talk(answer, timeout=Timeout(event=0.15)) as t, t.stream() as s:
        with pytest.raises(StreamTimeoutError, match=r"no event within 0\.15 s") as caught:
            async with asyncio.timeout(2):
                await s.until_done()

    assert 1 == caught.value.events_seen


async def test_expired_waits_do_not_extend_the_deadline_between_events(talk):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        await exchange.gone()

    async with talk(answer, timeout=Timeout(event=0.1)) as t, t.stream() as s:
        await anext(s)
        with pytest.raises(StreamTimeoutError):
            async with asyncio.timeout(2):
                while True:
                    try:
                        await asyncio.wait_for(anext(s), 0.01)
                    except StreamTimeoutError:
                        raise
                    except TimeoutError:
                        continue


async def test_the_total_deadline_holds_while_events_come(talk):
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, HELLO[0], end=False)
        while True:
            await exchange.send(chunk(text("x")))
            await asyncio.sleep(0.005)

    async with talk(answer, timeout=Timeout(total=0.15)) as t, t.stream() as s:
        with pytest.raises(StreamTimeoutError, match="total"):
            async with asyncio.timeout(2):
                await s.until_done()


async def test_bytes_one_by_one(talk):
    async def answer(exchange: Exchange) -> None:
        await exchange.send(CLOSE_DELIMITED_HEAD)
        for byte in b"".join([*HELLO, DONE]):
            await exchange.send(bytes([byte]))
        exchange.fin()

    async with talk(answer) as t, t.stream() as s:
        assert TYPES == [event.event async for event in s]


async def test_a_failed_open_raises_and_stays(talk):
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(401, b'{"error": {"message": "no such key", "code": "invalid_api_key"}}')

    async with talk(answer) as t:
        s = t.stream()
        with pytest.raises(AuthenticationError, match="no such key"):
            await s.open()
        with pytest.raises(AuthenticationError):
            await s.get_final_run()
        await s.close()


async def test_an_html_page_is_no_stream(talk):
    async def answer(exchange: Exchange) -> None:
        await exchange.send(response(200, b"<html>login</html>", {"Content-Type": "text/html"}))

    async with talk(answer) as t:
        with pytest.raises(APIResponseValidationError) as caught:
            await t.stream().open()

    assert (200, b"<html>login</html>") == (caught.value.status, caught.value.body)


async def test_a_json_error_with_status_200_is_the_error(talk):
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, b'{"error": {"message": "overloaded", "code": 529}}')

    async with talk(answer) as t:
        with pytest.raises(StreamEventError, match="overloaded") as caught:
            await t.stream().open()

    assert (529, 200) == (caught.value.code, caught.value.status)


async def test_closing_before_opening_sends_nothing(talk):
    async with talk([DONE]) as t:
        s = t.stream()
        await s.close()
        with pytest.raises(ConfigurationError, match="closed before"):
            await s.until_done()

    assert [] == t.server.requests


async def test_interleaved_messages_are_told_apart(talk):
    frames = [run("created"), message("created", "a"), message("created", "b"), text("1", "b"), text("2", "a"), DONE]
    async with talk([*frames[:-1], run("completed"), DONE]) as t, t.stream() as s:
        final = await s.get_final_messages()

    assert [("a", "2"), ("b", "1")] == [(m.id, m.content[0].text.value) for m in final]


async def test_long_error_that_is_called_an_event_stream_is_told(talk):
    error = json.dumps({"error": {"message": "quota", "trace": "x" * 2 * reading.HELD_FRAME}}).encode()
    async with talk([error + b"\n\n"]) as t:
        with pytest.raises(StreamEventError, match="quota"):
            async with t.stream() as s:
                await s.until_done()


@pytest.mark.parametrize("frame_of", [text, lambda value: b": x\n" + text(value)], ids=["plain", "with a comment"])
async def test_long_event_is_kept_without_its_frame(talk, frame_of):
    value = "x" * 2 * reading.HELD_FRAME
    async with talk([*HELLO[:3], frame_of(value), *HELLO[3:], DONE]) as t, t.stream() as s:
        events = [(event.event, s.current_raw is event.raw, s.current_frame) async for event in s]
        message = s.current_message_snapshot

    assert [*TYPES[:4], *TYPES[3:]] == [name for name, _, _ in events]
    assert all(same for _, same, _ in events)
    assert [3] == [position for position, (_, _, held) in enumerate(events) if not held]
    assert message is not None


async def test_what_came_out_of_a_coding_is_handed_out_before_more_is_waited_for(talk):
    """Of one read comes more than is taken at a time, and then nothing for as long as the reader wants some of it."""
    frames = [HELLO[0], *[HELLO[1]] * 1000]
    packed = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    data = packed.compress(b"".join(frames)) + packed.flush(zlib.Z_SYNC_FLUSH)

    async def answer(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"))
        await exchange.send(chunk(data))
        await exchange.gone()

    async with talk(answer) as t, t.stream() as s:
        async with asyncio.timeout(5):
            for _ in frames:
                await anext(s)


async def test_a_wait_that_was_cut_short_has_not_ended_the_stream(talk):
    """Cancelled where it waits for a live event, and read by two at once: the stream goes on."""
    gate = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD)
        for data in HELLO[:-1]:
            await exchange.send(chunk(data))
            await gate.wait()
            gate.clear()
        await exchange.send(chunk(HELLO[-1]) + chunk(DONE) + b"0\r\n\r\n")

    async with talk(answer) as t, t.stream() as s:
        seen = [await anext(s)]
        for _ in HELLO[1:]:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(s), 0.01)
            waiting = asyncio.ensure_future(anext(s))
            await asyncio.sleep(0)
            with pytest.raises(ConfigurationError, match="another task"):
                await anext(s)
            gate.set()
            seen.append(await waiting)
        with pytest.raises(StopAsyncIteration):
            await anext(s)

    assert len(HELLO) == len(seen)
