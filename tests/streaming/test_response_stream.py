"""The stream of a response: what can be seen of it, how it ends, and what its type makes of it."""

import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Generic, TypedDict, TypeVar

import msgspec
import pytest
from assistants_wire import STREAM_HEAD, chunk, stream
from msgspec import Struct
from raw_server import Exchange, Handler, RawServer, raw_server
from responses_wire import CALLS, HELLO, answer, event, hello, message, numbered, response

from asyncstream import (
    AsyncClient,
    ResponseStream,
    StreamDecodeError,
    StreamEventError,
    StreamInterruptedError,
    StreamTruncatedError,
)
from asyncstream.accumulators.responses.accumulator import ResponseAccumulator
from asyncstream.events.decode import decode_stream
from asyncstream.transport.observing import CallFinished

T = TypeVar("T")


@asynccontextmanager
async def talk(*answers: Handler | list[bytes], **options: Any) -> AsyncIterator[tuple[AsyncClient, RawServer]]:
    """Give the first answer to the first request, and so on, the last one over and over."""

    async def send(exchange: Exchange) -> None:
        one = answers[min(exchange.number, len(answers)) - 1]
        await (one(exchange) if callable(one) else stream(exchange, *one))

    async with (
        raw_server(send) as server,
        AsyncClient(api_key="k", base_url=server.url, **{"max_retries": 0, **options}) as client,
    ):
        yield client, server


def asking(client: AsyncClient, **params: Any) -> ResponseStream[Any]:
    return client.responses.stream(**{"model": "m-1", "input": "hi", **params})


def texts(*pieces: str, status: str = "completed", **members: Any) -> list[bytes]:
    """Return a response whose one text comes in pieces."""
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return numbered(
        ("created", {"response": response("in_progress")}),
        *(("output_text.delta", {**place, "delta": piece}) for piece in pieces),
        (status, {"response": response(status, message("".join(pieces)), **members)}),
    )


# What can be seen.


async def test_it_gives_the_events_and_the_response():
    async with talk(HELLO) as (client, server), asking(client, temperature=0.5) as s:
        assert (None, False, "") == (s.last_sequence_number, s.finished, s.current_response_snapshot.output_text)
        seen = []
        async for one in s:
            seen.append(one)
            assert one is s.current_event
            assert one.raw == s.current_raw
        final = await s.get_final_response()

        assert list(decode_stream(b"".join(HELLO), "responses")) == seen
        assert (9, True, 200, "req_1") == (s.last_sequence_number, s.finished, s.status, s.request_id)
        assert ("Hello", "completed", "resp_1", 7) == (
            final.output_text,
            final.status,
            final.id,
            final.usage and final.usage.total_tokens,
        )
        assert final == s.accumulator.response == s.current_response_snapshot
    (request,) = server.requests
    assert ("POST", "/responses") == (request.method, request.target)
    assert {"model": "m-1", "input": "hi", "temperature": 0.5, "stream": True} == json.loads(request.body)


async def test_create_gives_an_open_stream():
    async with talk(HELLO) as (client, server):
        s = await client.responses.create(model="m-1", input="hi", stream=True)
        assert 1 == len(server.requests)
        async with s:
            assert "Hello" == (await s.get_final_response()).output_text


async def test_text_deltas_are_those_of_every_text():
    def delta(item: str, place: int, index: int, text: str) -> tuple[str, dict[str, Any]]:
        where = {"item_id": item, "output_index": place, "content_index": index}
        return "output_text.delta", {**where, "delta": text}

    def added(item: str, place: int) -> tuple[str, dict[str, Any]]:
        return "output_item.added", {"output_index": place, "item": {**message("", item), "content": []}}

    thought = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
    frames = numbered(
        ("created", {"response": response("in_progress")}),
        ("output_item.added", {"output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
        ("reasoning_summary_text.delta", {**thought, "delta": "hm"}),
        added("msg_1", 1),
        delta("msg_1", 1, 0, "a"),
        delta("msg_1", 1, 1, "b"),
        added("msg_2", 2),
        delta("msg_2", 2, 0, "c"),
        delta("msg_1", 1, 0, "d"),
        ("completed", {"response": response()}),
    )
    async with talk(frames) as (client, _), asking(client) as s:
        assert ["a", "b", "c", "d"] == [text async for text in s.text_deltas]


async def test_half_a_surrogate_pair_is_held_back():
    async with talk(texts("\ud83d", "\ude00!")) as (client, _), asking(client) as s:
        assert ["\U0001f600!"] == [text async for text in s.text_deltas]


async def test_views_and_events_share_one_cursor():
    async with talk(HELLO) as (client, _), asking(client) as s:
        first = await anext(s)
        text = await anext(s.text_deltas)
        changes = [(type(change).__name__, getattr(change, "delta", None)) async for change in s.changes]

    assert ("response.created", "Hel") == (first.type, text)
    # The change that the text came from is behind the cursor; the others come.
    assert [("ContentChanged", "lo"), ("ContentDone", None), ("OutputItemDone", None)] == changes[:3]
    assert {"UsageChanged", "ResponseChanged"} == {name for name, _ in changes[3:]}


async def test_reading_without_a_view_folds_the_same():
    async with talk(HELLO) as (client, _), asking(client) as s:
        await s.until_done()
    whole: ResponseAccumulator[None] = ResponseAccumulator()
    for one in decode_stream(b"".join(HELLO), "responses"):
        whole.push(one)

    assert whole.response == s.accumulator.response


async def test_observers_are_told_of_the_response():
    seen: list[Any] = []
    async with talk(HELLO, observer=seen.append) as (client, _), asking(client, max_output_tokens=9) as s:
        await s.until_done()

    told = seen[-1]
    assert isinstance(told, CallFinished)
    assert ("resp_1", "m-1", ("completed",), 3, 4, 10) == (
        told.response_id,
        told.response_model,
        told.outcomes,
        told.input_tokens,
        told.output_tokens,
        told.events,
    )
    assert {"max_output_tokens": 9} == dict(told.call.parameters)


async def test_an_event_may_be_as_large_as_its_pictures():
    picture = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "A" * (17 << 20)}
    frames = [b"".join(answer(picture)[:1]), answer(picture)[-1]]
    async with talk(frames) as (client, _), asking(client) as s:
        final = await s.get_final_response()
    assert 17 << 20 == len(final.output[0].to_dict()["result"])  # type: ignore[arg-type]

    async with talk(frames, max_event_bytes=1 << 20) as (client, _), asking(client) as s:
        with pytest.raises(StreamDecodeError):
            await s.until_done()


# Ends.


async def test_a_response_that_failed_is_raised_after_its_changes():
    error = {"code": "server_error", "message": "out of luck"}
    frames = [*hello()[:5], event("failed", response=response("failed", error=error), sequence_number=5)]
    changes = []
    async with talk(frames) as (client, _), asking(client) as s:
        with pytest.raises(StreamEventError, match="out of luck") as caught:
            async for change in s.changes:
                changes.append(type(change).__name__)
        with pytest.raises(StreamEventError):
            await s.get_final_response()

    assert ("server_error", s.accumulator) == (caught.value.code, caught.value.partial)
    assert ("failed", "Hel") == (s.accumulator.response.status, s.accumulator.response.output_text)
    assert "ResponseChanged" == changes[-1]


async def test_an_error_event_is_raised_with_what_came_before_it():
    frames = [*hello()[:5], event("error", error={"code": "rate_limit", "message": "slow down"}, sequence_number=5)]
    async with talk(frames) as (client, _), asking(client) as s:
        with pytest.raises(StreamEventError, match="slow down") as caught:
            await s.until_done()

    assert ("rate_limit", "Hel") == (caught.value.code, s.accumulator.response.output_text)


@pytest.mark.parametrize(
    ("status", "members"),
    [("incomplete", {"incomplete_details": {"reason": "max_output_tokens"}}), ("cancelled", {})],
)
async def test_a_response_that_was_cut_short_says_so_by_its_status(status, members):
    async with talk(texts("Hel", status=status, **members)) as (client, _), asking(client) as s:
        final = await s.get_final_response()

    assert (status, "Hel") == (final.status, final.output_text)
    assert members.get("incomplete_details") == (final.incomplete_details and final.incomplete_details.to_dict())


@pytest.mark.parametrize("end", ["fin", "end"])
@pytest.mark.parametrize("at", range(len(HELLO)))
async def test_a_stream_that_was_cut_never_looks_whole(at, end):
    async def cut(exchange: Exchange) -> None:
        await exchange.send(STREAM_HEAD + b"".join(map(chunk, HELLO[:at])))
        if end == "end":
            await exchange.send(b"0\r\n\r\n")
        else:
            exchange.fin()

    kind = StreamTruncatedError if end == "end" else StreamInterruptedError
    async with talk(cut, max_retries=2) as (client, server), asking(client) as s:
        with pytest.raises(kind) as caught:
            await s.get_final_response()

    assert (s.accumulator, at, 1) == (caught.value.partial, caught.value.events_seen, len(server.requests))
    assert "running" not in str(caught.value)


# Types.


class Point(Struct):
    x: int
    y: int


@dataclasses.dataclass
class DataPoint:
    x: int
    y: int


class TypedPoint(TypedDict):
    x: int
    y: int


class Page(Struct, Generic[T]):
    items: list[T]


POINT = '{"x":1,"y":2}'


@pytest.mark.parametrize(
    ("wanted", "text", "parsed"),
    [
        (Point, POINT, Point(1, 2)),
        (DataPoint, POINT, DataPoint(1, 2)),
        (TypedPoint, POINT, {"x": 1, "y": 2}),
        (Page[int], '{"items":[1]}', Page([1])),
    ],
)
async def test_a_type_is_asked_for_and_read(wanted, text, parsed):
    async with talk(texts(text[:4], text[4:])) as (client, server), asking(client, text_format=wanted) as s:
        final = await s.get_final_response()
    asked = json.loads(server.requests[0].body)["text"]["format"]

    assert parsed == final.output_parsed == final.output[0].content[0].parsed
    assert ("json_schema", True) == (asked["type"], asked["strict"])
    assert ("object", False) == (asked["schema"]["type"], asked["schema"]["additionalProperties"])
    assert asked["name"] in ("Point", "DataPoint", "TypedPoint", "Page_int")


async def test_a_model_of_pydantic_is_a_type():
    pydantic = pytest.importorskip("pydantic", reason="pydantic is not installed")
    model = pydantic.create_model("Place", x=(int, ...), y=(int, ...))
    async with talk(texts(POINT)) as (client, _), asking(client, text_format=model) as s:
        assert model(x=1, y=2) == (await s.get_final_response()).output_parsed


async def test_a_type_stands_beside_what_else_is_said_of_the_text():
    async with talk(texts(POINT)) as (client, server):
        async with asking(client, text_format=Point, text={"verbosity": "low"}) as s:
            await s.until_done()

    assert {"verbosity", "format"} == json.loads(server.requests[0].body)["text"].keys()


@pytest.mark.parametrize("status", ["incomplete", "cancelled"])
async def test_a_response_that_was_cut_is_not_parsed(status):
    async with talk(texts(POINT, status=status)) as (client, _), asking(client, text_format=Point) as s:
        final = await s.get_final_response()

    assert (POINT, None) == (final.output_text, final.output_parsed)


async def test_what_does_not_fit_its_type_is_no_error():
    async with talk(texts("[1]")) as (client, _), asking(client, text_format=Point) as s:
        assert (await s.get_final_response()).output_parsed is None


# Whole answers.


async def reply(exchange: Exchange) -> None:
    await exchange.reply(200, msgspec.json.encode(response("completed", message(POINT))))


async def test_a_whole_answer_has_the_type():
    async with talk(reply) as (client, server):
        created = await client.responses.create(model="m-1", input="hi", text_format=Point)
        parsed = await client.responses.parse(model="m-1", input="hi", text_format=Point)

    assert Point(1, 2) == created.output_parsed == parsed.output_parsed
    bodies = [json.loads(request.body) for request in server.requests]
    assert bodies[0] == bodies[1]
    assert "stream" not in bodies[0]


async def test_a_whole_answer_that_comes_as_a_stream_is_folded():
    async with talk(texts(POINT)) as (client, _):
        whole = await client.responses.create(model="m-1", input="hi", text_format=Point)

    assert (POINT, Point(1, 2), "completed") == (whole.output_text, whole.output_parsed, whole.status)


@pytest.mark.parametrize(
    ("frames", "kind"),
    [(HELLO[:5], StreamTruncatedError), ([*HELLO[:5], event("error", message="no")], StreamEventError)],
)
async def test_a_whole_answer_that_comes_as_a_broken_stream_is_an_error(frames, kind):
    async with talk(frames) as (client, _):
        with pytest.raises(kind) as caught:
            await client.responses.create(model="m-1", input="hi")

    assert (200, "Hel") == (caught.value.status, caught.value.partial.response.output_text)


async def test_the_calls_of_a_stream_are_its_items():
    async with talk(CALLS) as (client, _), asking(client) as s:
        final = await s.get_final_response()

    assert ["call_a", "call_b"] == [item.call_id for item in final.output]
    assert {"city": "Oslo"} == final.output[1].parse()
