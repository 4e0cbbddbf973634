"""The endpoints of chat completions: answers whole and streamed, and those that were stored."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence

from aiohttp import web

from asyncstream.server.actions import Cut, EmitRaw, ErrorEvent, Fail, Pause
from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.chat.chunks import Answer, Chunk, chunks_of
from asyncstream.server.chat.frames import Frame, error_of, frames_of
from asyncstream.server.chat.objects import (
    new_completion,
    new_envelope,
    stored,
    stored_messages,
    whole_usage,
)
from asyncstream.server.chat.requests import CREATE, UPDATE, check_request, count_words, segment_of
from asyncstream.server.chat.script import Block, Control, unfold
from asyncstream.server.problems import WireError
from asyncstream.server.state import CompletionRecord
from asyncstream.server.streams import StreamBody

__all__ = ["ROUTES"]


async def _create(call: Call) -> web.StreamResponse:
    answer = _answer(call)
    chunks = chunks_of(answer)
    failure = _failure_before(answer.choices)
    if failure is not None and (isinstance(failure, Fail) or not answer.body.get("stream")):
        await _pass_time(chunks, 0)
        raise _refused(failure)
    if answer.body.get("stream"):
        return await _stream(call, answer, chunks)
    await _pass_time(chunks, call.service.scenario.delay)
    for item in chunks:
        if isinstance(item, ErrorEvent | Fail):
            raise _refused(item)
    return json_reply(_keep(call, answer))


def _answer(call: Call) -> Answer:
    scenario = call.service.scenario
    closed = not scenario.dialect.any_parameter
    body = call.body(CREATE, closed=closed)
    check_request(body, closed=closed)
    segment = segment_of(body)
    legacy = bool(body.get("functions"))
    choices = [unfold(scenario.next_turn(segment), legacy=legacy) for _ in range(body.get("n") or 1)]
    return Answer(body, new_envelope(body), choices, count_words(body), scenario.dialect)


def _failure_before(choices: Sequence[Sequence[Block]]) -> ErrorEvent | Fail | None:
    """Return the failure that comes before the first text or call of any choice."""
    for blocks in choices:
        first = next((one for one in blocks if not isinstance(one, Pause)), None)
        if isinstance(first, ErrorEvent | Fail):
            return first
    return None


def _refused(failure: ErrorEvent | Fail) -> WireError:
    error = error_of(failure)
    code = error["code"]
    return WireError(
        500, error["message"], param=error["param"], code=None if code is None else str(code), type=error["type"]
    )


async def _pass_time(chunks: Sequence[Chunk | Control], delay: float) -> None:
    """Take as long as the stream would."""
    pauses = sum(item.seconds for item in chunks if isinstance(item, Pause))
    await asyncio.sleep(pauses + delay * sum(isinstance(item, Chunk) for item in chunks))


def _keep(call: Call, answer: Answer) -> Mapping[str, object]:
    """Return the whole answer, and store it if that was asked for."""
    usage = whole_usage(answer.prompt_tokens, answer.choices)
    completion = new_completion(answer.envelope, answer.choices, answer.body, usage)
    if answer.body.get("store"):
        messages = stored_messages(completion["id"], answer.body["messages"])
        call.store.completions[completion["id"]] = CompletionRecord(stored(completion, answer.body), messages)
    return completion


async def _stream(call: Call, answer: Answer, chunks: Sequence[Chunk | Control]) -> web.StreamResponse:
    body = call.engine.open_body()

    async def fill() -> None:
        scenario = call.service.scenario
        complete = not isinstance(chunks[-1], ErrorEvent | Fail)
        for item in frames_of(chunks, answer, done=scenario.done):
            await _play(item, body, scenario.delay)
        if complete:
            _keep(call, answer)
        body.end()

    # Unlike a run, an answer is not written any further when its reader is gone.
    filler = asyncio.create_task(fill())
    try:
        return await call.stream(body)
    finally:
        filler.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await filler


async def _play(item: Frame | Control, body: StreamBody, delay: float) -> None:
    match item:
        case Frame(data=data, event=event):
            body.put(data, event)
            await asyncio.sleep(delay)
        case EmitRaw(data=data):
            body.put(data)
        case Pause(seconds=seconds):
            await asyncio.sleep(seconds)
        case Cut():
            body.cut(item)
        case ErrorEvent() | Fail():
            # An event by now.
            pass


async def _list(call: Call) -> web.StreamResponse:
    model = call.request.query.get("model")
    wanted = dict(_metadata(call.request.query))
    return call.page(
        (
            record.wire
            for record in call.store.completions.values()
            if model in (None, record.wire["model"]) and wanted.items() <= record.wire["metadata"].items()
        ),
        order="asc",
    )


def _metadata(query: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of a query like ``metadata[team]=a``."""
    for key, value in query.items():
        if key.startswith("metadata[") and key.endswith("]"):
            yield key.removeprefix("metadata[").removesuffix("]"), value


async def _retrieve(call: Call) -> web.StreamResponse:
    return json_reply(call.store.completion(call.id("completion_id")).wire)


async def _update(call: Call) -> web.StreamResponse:
    wire = call.store.completion(call.id("completion_id")).wire
    wire["metadata"] = call.body(UPDATE)["metadata"] or {}
    return json_reply(wire)


async def _delete(call: Call) -> web.StreamResponse:
    id = call.store.completion(call.id("completion_id")).wire["id"]
    del call.store.completions[id]
    return json_reply({"id": id, "object": "chat.completion.deleted", "deleted": True})


async def _messages(call: Call) -> web.StreamResponse:
    return call.page(call.store.completion(call.id("completion_id")).messages, order="asc")


ROUTES: tuple[Route, ...] = (
    ("POST", "/chat/completions", _create),
    ("GET", "/chat/completions", _list),
    ("GET", "/chat/completions/{completion_id}", _retrieve),
    ("POST", "/chat/completions/{completion_id}", _update),
    ("DELETE", "/chat/completions/{completion_id}", _delete),
    ("GET", "/chat/completions/{completion_id}/messages", _messages),
)
