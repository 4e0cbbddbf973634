"""The cursor's states over a source in memory: what it asks of its response, and in which order. No connection."""

import asyncio
import itertools

import pytest
from assistants_wire import DONE, HELLO, WAITS, run

from asyncstream import AssistantEventHandler, AssistantStream, ConfigurationError, StreamInterruptedError
from asyncstream.accumulators import ChatAccumulator
from asyncstream.errors import APIConnectionError, StreamDecodeError, StreamEventError, StreamTruncatedError
from asyncstream.events.chat import WIRE
from asyncstream.sse import FrameSplitter
from asyncstream.streaming.stream import Stream
from asyncstream.transport import fairness
from asyncstream.transport.fairness import Fairness

OUTPUTS = [{"tool_call_id": "call_1", "output": "1"}]
ERROR = b'event: error\ndata: {"message": "no"}\n\n'
BROKEN = b"event: thread.run.completed\ndata: {\n\n"


class Source:
    """What a stream asks of its open response; a wait brings the next of the chunks that come later, or the end."""

    status, headers, request_id, failure = 200, {}, "req_1", None
    gone = closed = True
    # So that each wait is one of `wait`.
    coded = True
    queued = 0

    def __init__(self, *chunks: bytes, later: tuple[bytes, ...] = (), open: bool = False) -> None:
        self.chunks = list(chunks)
        self.later = list(later)
        self.ended = not later and not open
        self.watched = True
        self.asked: list[object] = []
        self.deadlines: list[float | None] = []
        self.turn = Fairness()
        self._splitter = FrameSplitter()

    def take(self):
        return self._splitter.feed(self.chunks.pop(0)) if self.chunks else None

    def take_last(self):
        return self._splitter.end()

    def restart_deadline(self, within=None):
        self.deadlines.append(within)

    async def wait(self):
        assert not self.ended
        if self.later:
            self.chunks.append(self.later.pop(0))
        else:
            self.ended = True

    async def give_way(self):
        await self.turn.give_way()

    async def finish(self):
        self.asked.append("finish")
        self.ended = True

    def close(self):
        self.asked.append("close")
        self.ended = True

    def tell_end(self, error, *, result=None, events=0, left=False):
        self.watched = False
        self.asked.append((type(error).__name__, result and result.status, events))

    def explain(self, error):
        error.request_id = self.request_id

    def eventless_error(self, body, error):
        error.body = body
        return error


class Door:
    """Opens one source after the other; an exception is raised instead."""

    def __init__(self, *sources: Source | BaseException) -> None:
        self.sources = list(sources)
        self.opened = 0

    async def open(self, request):
        self.opened += 1
        source = self.sources.pop(0)
        if isinstance(source, BaseException):
            raise source
        return source


def stream_of(*sources: Source | BaseException, handler=None) -> AssistantStream:
    return AssistantStream(Door(*sources), None, event_handler=handler, resume=lambda *ids: None)


async def names(stream) -> list[str]:
    return [event.event async for event in stream]


# Waiting.


async def test_deadline_begins_anew_with_every_event_and_is_five_seconds_after_evidence():
    source = Source(later=(HELLO[0], b": ping\n\n", HELLO[1], HELLO[-1], b": ping\n\n"))
    async with stream_of(source) as stream:
        await stream.until_done()

    # For the first event, for the next, for the last, and for the end; a comment is no event.
    assert [None, None, None, 5.0] == source.deadlines


async def test_second_response_has_a_deadline_of_its_own():
    first, second = Source(*WAITS, open=True), Source(later=(*HELLO, DONE))
    async with stream_of(first, second) as stream:
        await _submit_when_asked(stream)
        assert "completed" == (await stream.get_final_run()).status

    # One before its first event, and one after each of its seven.
    assert [None] * 7 == second.deadlines[:7]


# Others have their turn.


@pytest.fixture
def always_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which every turn is over once it is looked at."""
    seconds = itertools.count()
    monkeypatch.setattr(fairness, "monotonic", lambda: next(seconds))


class Turns:
    """Counts the turns that others have."""

    count = 0

    def __init__(self) -> None:
        self.task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.count += 1


LINES = b"event: thread.message.delta\n" + b'data: {"id":"m"}\n' * 8000 + b"\n"
NOTHING = b"event: thread.invented\ndata: {}\n" + b"data: 1\n" * 16_000 + b"\n"


@pytest.mark.parametrize(
    ("chunk", "things"),
    [
        (b":\n\n" * 100, 1),
        (b"event: x\n\n" * 100, 100),
        (b'event: thread.run.created\ndata: {"id":1}\n\n' * 100, 100),
        (LINES, 8000),
        (NOTHING, 16_000),
    ],
    ids=["comments", "without data", "mended", "payload lines", "lines of nothing"],
)
async def test_others_have_a_turn_between_things_that_are_here_already(chunk, things, always_over):
    turns = Turns()
    async with stream_of(Source(HELLO[0], chunk, *HELLO[1:], DONE)) as stream:
        await stream.until_done()
    turns.task.cancel()

    assert turns.count > things


async def test_others_have_a_turn_between_pieces_of_usual_events(always_over):
    turns = Turns()
    async with stream_of(Source(*HELLO, DONE)) as stream:
        await stream.until_done()
    turns.task.cancel()

    assert turns.count > len(HELLO)


async def test_others_have_a_turn_between_pieces_of_changes(always_over):
    turns = Turns()
    async with stream_of(Source(*HELLO, DONE)) as stream:
        assert [change async for change in stream.changes]
    turns.task.cancel()

    assert turns.count > len(HELLO)


@pytest.mark.parametrize("chunk", [LINES, b": x\n\n" * 9 + HELLO[1] * 2], ids=["payload lines", "comments"])
async def test_cancellation_in_the_turn_of_others_loses_nothing(chunk, always_over):
    source = (HELLO[0], chunk, *HELLO[1:])
    async with stream_of(Source(*source, DONE)) as stream:
        whole = await names(stream)

    got: list[str] = []
    cancelled = 0
    async with stream_of(Source(*source, DONE)) as stream:
        while True:
            step = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            step.cancel()
            try:
                got.append((await step).event)
            except asyncio.CancelledError:
                cancelled += 1
            except StopAsyncIteration:
                break

    assert whole == got
    assert cancelled > 5


async def test_what_is_left_is_read_in_turns_too_before_an_answer_is_gone_on_with(always_over):
    source = Source(*WAITS, b": x\n\n" * 50, LINES, DONE)
    turns = Turns()
    async with stream_of(source, Source(*HELLO, DONE)) as stream:
        await _submit_when_asked(stream)
        counted = turns.count
        await stream.until_done()
    turns.task.cancel()

    assert counted > 8000


# Ends.


async def test_complete_end_is_told_with_the_run_and_leaves_the_connection():
    source = Source(*HELLO, DONE)
    async with stream_of(source) as stream:
        await stream.until_done()
        assert [("NoneType", "completed", 7), "finish"] == source.asked


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (b"", StreamTruncatedError),
        (ERROR, StreamEventError),
        (b"event: thread.run.completed\ndata: {\n\n", StreamDecodeError),
    ],
)
async def test_failed_end_is_told_with_the_error_alone_and_closes_the_connection(last, error):
    source = Source(*HELLO[:3], last)
    async with stream_of(source) as stream:
        with pytest.raises(error) as caught:
            await stream.until_done()
        assert [(error.__name__, None, 3), "close"] == source.asked

    assert (stream.accumulator, 3, "req_1") == (caught.value.partial, caught.value.events_seen, caught.value.request_id)


@pytest.mark.parametrize(
    ("chunks", "body"),
    [
        ([b'{"fault": 1}'], b'{"fault": 1}'),
        ([b'{"fault": 1}\n\n', b"later\n\n", b"last"], b'{"fault": 1}'),
        ([b": ping\n\n", b"oops\n\n"], b"oops"),
        ([b": ping\n\n", b" : pong"], b""),
        ([], b""),
        ([HELLO[0], b"oops"], None),
        ([HELLO[0], b"oops\n\n"], None),
    ],
)
async def test_body_without_events_is_shown_to_whoever_reads_errors_in_it(chunks, body):
    async with stream_of(Source(*chunks)) as stream:
        with pytest.raises(StreamTruncatedError) as caught:
            await stream.until_done()

    assert body == caught.value.body


# Opening and closing.


async def test_cancelled_opening_ends_the_stream_and_tells_the_handler(log):
    stream = stream_of(asyncio.CancelledError(), handler=log)
    with pytest.raises(asyncio.CancelledError):
        await stream.open()

    assert ["end"] == log.calls
    with pytest.raises(StreamInterruptedError, match="cancelled while it was opened"):
        await anext(stream)


async def test_error_of_a_stream_that_comes_at_its_opening_has_the_partial():
    stream = stream_of(StreamEventError("no"))
    with pytest.raises(StreamEventError) as caught:
        await stream.open()

    assert caught.value.partial is stream.accumulator
    assert not hasattr(APIConnectionError("no"), "partial")
    other = stream_of(APIConnectionError("no"))
    with pytest.raises(APIConnectionError) as caught:
        await other.open()
    assert not hasattr(caught.value, "partial")


async def test_closed_before_it_was_opened_it_stays_closed():
    stream = stream_of(Source(*HELLO, DONE))
    await stream.close()

    with pytest.raises(ConfigurationError, match="can be opened once"):
        await stream.open()


async def test_callback_that_fails_at_a_cancelled_end_is_noted_on_the_cancellation():
    class Failing(AssistantEventHandler):
        async def on_end(self) -> None:
            raise ValueError("at the end")

    with pytest.raises(asyncio.CancelledError) as caught:
        async with stream_of(Source(*HELLO, DONE), handler=Failing()):
            raise asyncio.CancelledError
    assert ["a callback has failed besides: ValueError('at the end')"] == caught.value.__notes__

    with pytest.raises(ValueError, match="at the end"):
        async with stream_of(Source(*HELLO, DONE), handler=Failing()) as stream:
            await anext(stream)


async def test_end_of_iteration_out_of_a_callback_is_an_error_with_its_cause():
    stopped = StopAsyncIteration()

    class Stopping(AssistantEventHandler):
        async def on_event(self, event: object) -> None:
            raise stopped

    with pytest.raises(RuntimeError, match="a callback raised StopAsyncIteration") as caught:
        async with stream_of(Source(*HELLO, DONE), handler=Stopping()) as stream:
            await stream.until_done()

    assert caught.value.__cause__ is stopped


# Frames.


async def test_payload_of_the_last_frame_is_its_lines():
    door = Door(Source(b'data: {"id": "c",\ndata: "choices": []}\n\ndata: [DONE]\n\n'))
    stream = Stream(door, None, wire=WIRE, accumulator=ChatAccumulator(), result=lambda _: None, usage="")
    assert (b"", b"") == (stream.current_frame, stream.current_raw)
    async with stream:
        await anext(stream)

        assert stream.current_raw == b'{"id": "c",\n"choices": []}'
        assert stream.current_frame == b'data: {"id": "c",\ndata: "choices": []}'


# Going on with a second response.


async def _submit_when_asked(stream: AssistantStream) -> None:
    async for event in stream:
        if event.event == "thread.run.requires_action":
            await stream.submit_tool_outputs(OUTPUTS)
            return


@pytest.mark.parametrize("ends", [[DONE], [], [b": ping\n\n", DONE]])
async def test_first_response_is_left_before_the_second_is_opened(ends):
    first, second = Source(*WAITS, *ends), Source(*HELLO, DONE)
    async with stream_of(first, second) as stream:
        await _submit_when_asked(stream)
        assert [("NoneType", "requires_action", 5), "finish"] == first.asked
        assert [] == second.asked

        assert 7 == len(await names(stream))


async def test_second_response_may_end_without_a_blank_line_as_the_first_did():
    first, second = Source(*WAITS), Source(*HELLO[:-1], HELLO[-1].rstrip(b"\n"))
    async with stream_of(first, second) as stream:
        await _submit_when_asked(stream)

        assert "thread.run.completed" == (await names(stream))[-1]


async def test_events_that_were_left_come_before_those_of_the_second_response():
    rest = run("requires_action", metadata={"again": "1"})
    first, second = Source(*WAITS, rest, DONE), Source(*HELLO, DONE)
    async with stream_of(first, second) as stream:
        await _submit_when_asked(stream)

        assert ["thread.run.requires_action", "thread.run.created"] == (await names(stream))[:2]


@pytest.mark.parametrize("chunks", [[ERROR], [b"", ERROR], [run("cancelling"), ERROR]])
async def test_error_in_what_is_left_is_raised_at_the_submission_and_told_once(chunks, log):
    first = Source(*WAITS, *chunks)
    stream = stream_of(first, Source(*HELLO, DONE), handler=log)
    async with stream:
        with pytest.raises(StreamEventError, match="no"):
            await _submit_when_asked(stream)
        assert ["exception StreamEventError", "end"] == log.calls[-2:]
        with pytest.raises(StreamEventError, match="no"):
            await anext(stream)

    assert ("end" in log.calls, log.calls.count("end")) == (True, 1)
    assert 1 == stream._cursor._transport.opened


async def test_broken_frame_in_what_is_left_is_raised_at_the_submission():
    first = Source(*WAITS, BROKEN)
    async with stream_of(first, Source(*HELLO, DONE)) as stream:
        with pytest.raises(StreamDecodeError):
            await _submit_when_asked(stream)


async def test_failed_submission_is_told_to_the_handler_at_once(log):
    stream = stream_of(Source(*WAITS, DONE), APIConnectionError("refused"), handler=log)
    async with stream:
        with pytest.raises(APIConnectionError):
            await _submit_when_asked(stream)

        assert ["exception APIConnectionError", "end"] == log.calls[-2:]


async def test_callbacks_of_the_end_come_after_the_callback_that_led_to_it():
    said = []

    class Submitting(AssistantEventHandler):
        async def on_run_requires_action(self, run: object) -> None:
            said.append("begins")
            with pytest.raises(APIConnectionError):
                await stream.submit_tool_outputs(OUTPUTS)
            said.append("leaves")

        async def on_exception(self, exception: Exception) -> None:
            said.append("exception")

        async def on_end(self) -> None:
            said.append("end")

    stream = stream_of(Source(*WAITS, DONE), APIConnectionError("refused"), handler=Submitting())
    async with stream:
        with pytest.raises(APIConnectionError):
            await stream.until_done()

    assert ["begins", "leaves", "exception", "end"] == said


async def test_callback_that_raises_keeps_a_request_from_being_sent():
    leaving, left = asyncio.Event(), asyncio.Event()

    class Slow(Source):
        async def finish(self):
            leaving.set()
            await left.wait()
            await super().finish()

    class Raising(AssistantEventHandler):
        async def on_run_requires_action(self, run: object) -> None:
            self.attempt = asyncio.create_task(self.stream.submit_tool_outputs(OUTPUTS))
            await leaving.wait()
            raise KeyError("mine")

    door, handler = Door(Slow(*WAITS, DONE), Source(*HELLO, DONE)), Raising()
    async with AssistantStream(door, None, event_handler=handler, resume=lambda *ids: None) as stream:
        with pytest.raises(KeyError, match="mine"):
            await stream.until_done()
        left.set()
        with pytest.raises(KeyError, match="mine"):
            await handler.attempt

    assert 1 == door.opened
