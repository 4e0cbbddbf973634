"""A protocol that nobody speaks, added as `asyncstream/README.md` says it is done: new files, one row, one noun.

What would be its files is here, from `Words` to `Telegraph`. The row is `telegraph`, a fixture; the noun is a property
of `Client`. Nothing of the package is patched, and what it does for the protocols that it has it does for this one.
"""

import asyncio
import json
import pickle
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from operator import attrgetter
from typing import Any, ClassVar, Literal, TypeAlias

import pytest
from aiohttp import web
from assistants_wire import stream as send_stream
from msgspec import Struct
from raw_server import Exchange, RawServer, raw_server

from asyncstream import AsyncClient
from asyncstream.accumulators.changes import LiveChange
from asyncstream.decoding import Repair
from asyncstream.errors import (
    ConfigurationError,
    StreamDecodeError,
    StreamEventError,
    StreamInterruptedError,
    StreamTruncatedError,
)
from asyncstream.events.control import DoneEvent, ErrorEvent, UnknownEvent
from asyncstream.events.decode import PROTOCOLS, decode_stream
from asyncstream.events.named import TaggedEvent, TaggedEvents
from asyncstream.events.withheld import TOLD, Withheld
from asyncstream.relay import (
    MemoryStore,
    RelayResponse,
    RunLog,
    follow,
    ndjson_lines,
    relay_response,
    sse_frames,
    text_chunks,
)
from asyncstream.relay.frames import GREETING
from asyncstream.streaming.stream import Stream
from asyncstream.streaming.texts import Texts
from asyncstream.streaming.view import View
from asyncstream.transport.http import Transport
from asyncstream.transport.observing import CallFailed, CallFinished, FirstEvent, Observation, RequestSent
from asyncstream.transport.request import Endpoint, Options, Request

# types/telegraph.py


class Telegram(Struct):
    """What was wired."""

    id: str = ""
    text: str = ""
    status: str = "in_progress"
    model: str = ""
    usage: dict[str, int] | None = None


# events/telegraph.py


class Words(TaggedEvent, tag="telegraph.words"):
    """Some words of the telegram."""

    type: ClassVar[Literal["telegraph.words"]] = "telegraph.words"
    text: str


class Sent(TaggedEvent, tag="telegraph.sent"):
    """The telegram is through."""

    type: ClassVar[Literal["telegraph.sent"]] = "telegraph.sent"
    id: str
    model: str = ""
    usage: dict[str, int] | None = None


TelegraphStreamEvent: TypeAlias = Words | Sent | ErrorEvent | DoneEvent | UnknownEvent

WITHHELD = Withheld(
    members={"telegraph.words": TOLD, "telegraph.sent": TOLD | {"route"}},
    answers=frozenset({"text"}),
    texts={"telegraph.words": frozenset({"text"})},
)

WIRE = TaggedEvents[TelegraphStreamEvent]([Words, Sent]).wire(WITHHELD)


# accumulators/telegraph


class WordsChanged(LiveChange[Telegram], frozen=True, gc=False):
    """The telegram grew."""

    field: ClassVar[str] = "text"
    parent: ClassVar[str] = ""

    delta: str
    index: int = 0

    @property
    def piece(self) -> str:
        """The words that came."""
        return self.delta


class TelegramDone(LiveChange[Telegram], frozen=True, gc=False):
    """The telegram is whole."""

    parent: ClassVar[str] = ""
    index: int = 0


TelegraphChange: TypeAlias = WordsChanged | TelegramDone


class TelegraphAccumulator:
    """Folds the events of a telegram."""

    def __init__(self) -> None:
        self.events_seen = 0
        self.repairs: list[Repair] = []
        self._pieces: list[str] = []
        self._sent: Sent | None = None

    @property
    def finished(self) -> bool:
        """Whether it is through."""
        return self._sent is not None

    @property
    def telegram(self) -> Telegram:
        """The telegram as it is now."""
        if self._sent is None:
            return Telegram(text="".join(self._pieces))
        return Telegram(self._sent.id, "".join(self._pieces), "completed", self._sent.model, self._sent.usage)

    def snapshot(self) -> Telegram:
        """Return it for a change."""
        return self.telegram

    def push(self, event: TelegraphStreamEvent) -> list[TelegraphChange]:
        """Fold an event and return what changed."""
        changes: list[TelegraphChange] = []
        self.fold(event, changes)
        return changes

    def fold(self, event: TelegraphStreamEvent, changes: list[TelegraphChange] | None = None) -> None:
        """Fold an event."""
        if isinstance(event, ErrorEvent):
            raise event.to_error(self, self.events_seen)
        if isinstance(event, DoneEvent):
            return
        self.events_seen += 1
        if isinstance(event, Words):
            self._pieces.append(event.text)
            self.repairs.extend(event.repairs)
            if changes is not None:
                changes.append(WordsChanged(self, event.text))
        elif isinstance(event, Sent):
            self._sent = event
            if changes is not None:
                changes.append(TelegramDone(self))

    def finish(self) -> list[TelegraphChange]:
        """Say that nothing follows."""
        if not self.finished:
            raise StreamTruncatedError("the telegram was cut", partial=self, events_seen=self.events_seen)
        return []


# streaming/telegraph.py


class TelegraphStream(Stream[TelegraphStreamEvent, TelegraphChange, TelegraphAccumulator]):
    """The events of a telegram."""

    def __init__(self, transport: Transport, request: Request) -> None:
        super().__init__(
            transport,
            request,
            wire=WIRE,
            accumulator=TelegraphAccumulator(),
            result=attrgetter("telegram"),
            usage="async with client.telegraph.stream(...) as stream:",
        )

    @property
    def text_deltas(self) -> View[TelegraphChange, str]:
        """The words as they arrive."""
        return self.view(
            "text_deltas",
            lambda: Texts(WordsChanged, TelegramDone, piece=attrgetter("piece"), part=attrgetter("index")),
        )

    async def reply(self, text: str) -> None:
        """Wire another telegram, and go on with its answer."""
        await self.continue_with(lambda sent: (sent.following({"text": text}), TelegraphAccumulator))

    async def get_final_telegram(self) -> Telegram:
        """Read to the end."""
        await self.until_done()
        return self.accumulator.telegram


# resources/telegraph.py

WIRE_IT = Endpoint("POST", "/telegrams", Telegram)


class Telegraph:
    """Telegrams."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def stream(self, text: str) -> TelegraphStream:
        """Wire a telegram."""
        request = WIRE_IT.request(Options(), body={"text": text, "model": "m-1", "stream": True})
        return TelegraphStream(self._transport, request)


# The noun.


class Client(AsyncClient):
    """A client that has telegrams too."""

    @cached_property
    def telegraph(self) -> Telegraph:
        """Telegrams."""
        return Telegraph(self._transport)


# The row.


@pytest.fixture(autouse=True)
def telegraph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the protocol to the table."""
    monkeypatch.setitem(PROTOCOLS, "telegraph", __name__)


# What its server says.


def event(name: str, *, named: bool = True, **members: object) -> bytes:
    data = json.dumps({"type": name, **members}, separators=(",", ":")).encode()
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data) if named else b"data: %b\n\n" % data


DONE = b"data: [DONE]\n\n"
USAGE = {"input_tokens": 3, "output_tokens": 4}
FRAMES = [
    event("telegraph.words", text="Mrs "),
    event("telegraph.words", named=False, text="Smith stop"),
    event("vendor.click", n=1),
    event("telegraph.sent", id="t1", model="m-1", usage=USAGE),
]
TELEGRAM = Telegram("t1", "Mrs Smith stop", "completed", "m-1", USAGE)


@asynccontextmanager
async def office(*answers: Sequence[bytes], **options: Any) -> "AsyncIterator[tuple[Client, RawServer]]":
    """Answer each request with some frames, the last of these over and over."""

    async def answer(exchange: Exchange) -> None:
        await send_stream(exchange, *answers[min(exchange.number, len(answers)) - 1])

    async with raw_server(answer) as server, Client(api_key="k", base_url=server.url, **options) as client:
        yield client, server


async def read(frames: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in frames])


# From bytes.


def test_bytes_are_decoded():
    body = b"".join(FRAMES) + DONE + b"never read"
    whole = list(decode_stream(body, "telegraph"))

    assert [Words, Words, UnknownEvent, Sent, DoneEvent] == [type(one) for one in whole]
    assert [b'{"type":"telegraph.words","text":"Mrs "}', "Mrs "] == [whole[0].raw, whole[0].text]
    for newline in (b"\n", b"\r", b"\r\n"):
        cut = body.replace(b"\n", newline)
        assert whole == list(decode_stream([cut[at : at + 1] for at in range(len(cut))], "telegraph"))


def test_what_does_not_fit_is_mended_and_what_cannot_be_read_is_an_error():
    words, *_ = decode_stream(b'data: {"type":"telegraph.words","text":5}\n\n', "telegraph")

    assert ("5", (Repair("6.4", "$.text", b"5"),)) == (words.text, words.repairs)
    with pytest.raises(StreamDecodeError):
        list(decode_stream(b"event: telegraph.words\ndata: torn\n\n", "telegraph"))


def test_its_row_is_there_for_its_time(monkeypatch):
    monkeypatch.delitem(PROTOCOLS, "telegraph")

    with pytest.raises(ConfigurationError, match="no protocol 'telegraph', expected one of 'assistants', 'chat'"):
        decode_stream(b"", "telegraph")


# The stream.


@pytest.mark.parametrize("end", [[DONE], []])
async def test_a_stream_gives_its_events(end):
    async with office([*FRAMES, *end]) as (client, server), client.telegraph.stream("hi") as stream:
        assert not stream.finished
        events = [(one, stream.current_event is one, stream.current_raw == one.raw) async for one in stream]
        telegram = await stream.get_final_telegram()

    assert [(one, True, True) for one in decode_stream(b"".join(FRAMES), "telegraph")] == events
    assert (TELEGRAM, True, 200) == (telegram, stream.finished, stream.status)
    assert {"text": "hi", "model": "m-1", "stream": True} == json.loads(server.requests[0].body)


async def test_each_event_of_a_frame_has_its_own_bytes():
    two = b'data: {"type":"telegraph.words","text":"a"}\ndata: {"type":"telegraph.words","text":"b"}\n\n'
    async with office([two, FRAMES[-1]]) as (client, _), client.telegraph.stream("hi") as stream:
        raws = [stream.current_raw async for _ in stream]

    assert [f'{{"type":"telegraph.words","text":"{letter}"}}'.encode() for letter in "ab"] == raws[:2]


async def test_an_event_too_long_to_be_kept_twice_has_its_bytes():
    long = event("telegraph.words", text="x" * 300_000)
    async with office([FRAMES[0], long, FRAMES[-1]]) as (client, _), client.telegraph.stream("hi") as stream:
        raws = [stream.current_raw async for _ in stream]
        text = stream.accumulator.telegram.text

    assert (long.split(b"data: ")[1].strip(), 300_004) == (raws[1], len(text))


async def test_text_and_changes_are_views_of_one_cursor():
    async with office([*FRAMES, DONE]) as (client, _), client.telegraph.stream("hi") as stream:
        text = await anext(stream.text_deltas)
        changes = [(type(change), change.snapshot) async for change in stream.changes]

    assert "Mrs " == text
    # The change that the text came from is behind the cursor; the others come.
    assert [(WordsChanged, "Mrs Smith stop"), (TelegramDone, "Mrs Smith stop")] == [
        (kind, snapshot.text) for kind, snapshot in changes
    ]
    async with office(FRAMES) as (client, _), client.telegraph.stream("hi") as stream:
        assert ["Mrs ", "Smith stop"] == [text async for text in stream.text_deltas]


async def test_half_a_surrogate_pair_is_held_back():
    halves = [event("telegraph.words", text=half) for half in ("\ud83d", "\ude00")]
    async with office([*halves, FRAMES[-1]]) as (client, _), client.telegraph.stream("hi") as stream:
        assert ["\U0001f600"] == [text async for text in stream.text_deltas]


async def test_it_goes_on_with_another_answer():
    more = [event("telegraph.words", text="more"), event("telegraph.sent", id="t2")]
    async with office(FRAMES, more) as (client, server), client.telegraph.stream("hi") as stream:
        await stream.until_done()
        await stream.reply("go on")
        telegram = await stream.get_final_telegram()

    assert Telegram("t2", "more", "completed") == telegram
    assert {"text": "go on"} == json.loads(server.requests[1].body)


async def test_a_client_that_is_derived_has_the_noun():
    async with office(FRAMES) as (client, _), client.with_options(max_retries=0).telegraph.stream("hi") as stream:
        assert TELEGRAM == await stream.get_final_telegram()


# Ends.


@pytest.mark.parametrize("end", [[], [DONE], [b'data: {"type":"telegraph.wo']])
async def test_a_stream_that_was_cut_never_looks_whole(end):
    async with office([*FRAMES[:2], *end]) as (client, _), client.telegraph.stream("hi") as stream:
        with pytest.raises(StreamTruncatedError) as caught:
            await stream.get_final_telegram()

    assert (stream.accumulator, 2, 200) == (caught.value.partial, caught.value.events_seen, caught.value.status)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert ("Mrs Smith stop", 2) == (copy.partial.telegram.text, copy.events_seen)


@pytest.mark.parametrize("at", [1, len(FRAMES)])
async def test_an_error_event_is_raised_with_what_came_before_it(at):
    error = b'event: error\ndata: {"type":"error","error":{"message":"line down","code":"busy"}}\n\n'
    async with office([*FRAMES[:at], error]) as (client, _), client.telegraph.stream("hi") as stream:
        with pytest.raises(StreamEventError, match="line down") as caught:
            await stream.until_done()

    assert ("busy", at, stream.accumulator) == (caught.value.code, caught.value.events_seen, caught.value.partial)


async def test_a_stream_that_was_left_is_interrupted():
    async with office(FRAMES) as (client, _):
        async with client.telegraph.stream("hi") as stream:
            await anext(stream)
        with pytest.raises(StreamInterruptedError):
            await stream.get_final_telegram()


# Observers.


async def test_observers_are_told():
    seen: list[Observation] = []
    async with office(FRAMES, observer=seen.append) as (client, _), client.telegraph.stream("hi") as stream:
        await stream.until_done()

    assert [RequestSent, FirstEvent, CallFinished] == [
        type(one) for one in seen if isinstance(one, RequestSent | FirstEvent | CallFinished | CallFailed)
    ]
    told = seen[-1]
    assert isinstance(told, CallFinished)
    assert ("/telegrams", True, 4) == (told.call.route, told.call.streamed, told.events)
    assert ("t1", "m-1", ("completed",), 3, 4) == (
        *(told.response_id, told.response_model, told.outcomes),
        *(told.input_tokens, told.output_tokens),
    )


async def test_observers_are_told_of_a_cut():
    seen: list[Observation] = []
    async with office(FRAMES[:2], observer=seen.append) as (client, _), client.telegraph.stream("hi") as stream:
        with pytest.raises(StreamTruncatedError):
            await stream.until_done()

    told = seen[-1]
    assert isinstance(told, CallFailed)
    assert ("StreamTruncatedError", 2) == (told.error, told.events)


# The relay.

SECRET = event("telegraph.sent", named=False, id="t1", model="m-1", route={"via": "HIDDEN"}, metadata={"a": "HIDDEN"})
SHOWN = event("telegraph.sent", id="t1", model="m-1")
END = b"event: done\ndata: [DONE]\n\n"


async def relayed(frames: Sequence[bytes], give: Callable[[TelegraphStream], AsyncIterator[bytes]]) -> bytes:
    async with office(frames) as (client, _):
        return await read(give(client.telegraph.stream("hi")))


async def test_its_events_go_out_without_what_is_withheld():
    out = await relayed([*FRAMES[:3], SECRET, DONE], sse_frames)

    second = event("telegraph.words", text="Smith stop")
    assert GREETING + FRAMES[0] + second + FRAMES[2] + SHOWN + END == out


async def test_what_is_exposed_goes_out():
    out = await relayed([*FRAMES[:3], SECRET], lambda stream: sse_frames(stream, expose=["route"]))

    assert b'"route":{"via":"HIDDEN"}' in out
    assert b"metadata" not in out
    with pytest.raises(ConfigurationError, match=r"expose takes .*route"):
        await relayed(FRAMES, lambda stream: sse_frames(stream, expose=["text"]))


async def test_what_is_left_out_is_there_and_empty_for_readers_that_rely_on_it():
    out = await relayed([*FRAMES[:3], SECRET], lambda stream: sse_frames(stream, compatible=True))

    assert b'"route":{},"metadata":{}' in out


async def test_a_payload_too_deep_to_be_read_again_is_sent_as_it_was_understood():
    deep = SECRET.replace(b'"route"', b'"deep":' + b"[" * 200 + b"]" * 200 + b',"route"')
    deep = deep.replace(b"data: ", b"event: telegraph.sent\ndata: ")
    out = await relayed([deep], sse_frames)
    sent = json.loads(out.split(b"data: ")[1].split(b"\n")[0])

    assert {"type": "telegraph.sent", "id": "t1", "model": "m-1"} == sent


async def test_its_changes_and_its_text_go_out():
    changes = (await relayed(FRAMES, lambda stream: sse_frames(stream, view="changes"))).removeprefix(GREETING)
    text = (await relayed(FRAMES, lambda stream: sse_frames(stream, view="text"))).removeprefix(GREETING)

    done = b'{"index":0,"snapshot":{"id":"t1","text":"Mrs Smith stop","status":"completed","model":"m-1","usage":'
    assert [
        b'event: WordsChanged\ndata: {"delta":"Mrs ","index":0}',
        b'event: WordsChanged\ndata: {"delta":"Smith stop","index":0}',
        b"event: TelegramDone\ndata: " + done + b'{"input_tokens":3,"output_tokens":4}}}',
        END.strip(),
    ] == changes.split(b"\n\n")[:-1]
    assert [b'event: text\ndata: {"text":"Mrs "}', b'event: text\ndata: {"text":"Smith stop"}', END.strip()] == (
        text.split(b"\n\n")[:-1]
    )


async def test_each_form_takes_it():
    lines = (await relayed(FRAMES, ndjson_lines)).splitlines()

    assert ["telegraph.words", "telegraph.words", "vendor.click", "telegraph.sent", "done"] == [
        json.loads(line)["event"] for line in lines
    ]
    assert b"Mrs Smith stop" == await relayed(FRAMES, text_chunks)


async def test_a_failure_is_the_last_event():
    out = await relayed(FRAMES[:2], sse_frames)

    assert out.split(b"\n\n")[-2].startswith(b"event: error\n")
    assert b'"code":"stream_truncated"' in out


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    """Serve a handler with aiohttp.web; give its URL."""
    app = web.Application()
    app.add_routes([web.get("/", handler)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def test_it_is_relayed_and_followed():
    async with office([*FRAMES[:3], SECRET, DONE]) as (client, _):

        async def relay(request: web.Request) -> web.StreamResponse:
            return await relay_response(request, client.telegraph.stream("hi"))

        async with serving(relay) as url, follow(url, protocol="telegraph") as followed:
            events = [one async for one in followed]

    assert ["Mrs ", "Smith stop"] == [one.text for one in events if isinstance(one, Words)]
    assert [UnknownEvent("vendor.click", b'{"type":"vendor.click","n":1}')] == [events[2]]
    assert Sent(id="t1", model="m-1", raw=SHOWN.split(b"data: ")[1].strip()) == events[3]


async def test_a_failure_is_followed_too():
    async with office(FRAMES[:2]) as (client, _):

        async def relay(request: web.Request) -> web.StreamResponse:
            return await relay_response(request, client.telegraph.stream("hi"))

        async with serving(relay) as url, follow(url, protocol="telegraph") as followed:
            with pytest.raises(StreamEventError) as caught:
                [one async for one in followed]

    assert ("stream_truncated", 2) == (caught.value.code, caught.value.events_seen)


async def test_a_log_of_it_is_followed_from_where_one_left_off():
    async with office([*FRAMES, DONE]) as (client, _), RunLog(MemoryStore()) as log:

        async def resume(request: web.Request) -> web.StreamResponse:
            return await log.respond(request, "run_1")

        await log.start("run_1", client.telegraph.stream("hi"))
        async with serving(resume) as url:
            async with follow(url, protocol="telegraph") as followed:
                first = await anext(followed)
                cursor = followed.last_event_id
            async with follow(url, protocol="telegraph", last_event_id=cursor) as followed:
                rest = [one async for one in followed]

    assert ("Mrs ", ["telegraph.words", "unknown", "telegraph.sent"]) == (first.text, [one.type for one in rest])


async def test_it_goes_out_over_asgi():
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async with office(FRAMES) as (client, _):
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "asgi": {}}
        await RelayResponse(client.telegraph.stream("hi"))(scope, receive, send)

    assert b"event: telegraph.sent\n" in b"".join(message.get("body", b"") for message in sent)
