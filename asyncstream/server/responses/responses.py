"""The endpoints of responses: answers whole and streamed, in the foreground and the background."""

import asyncio
import contextlib

from aiohttp import web

from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.problems import WireError
from asyncstream.server.responses.records import ResponseRecord
from asyncstream.server.responses.requests import CREATE, check_request
from asyncstream.server.streams import StreamBody

__all__ = ["ROUTES"]


async def _create(call: Call) -> web.StreamResponse:
    engine = call.responses
    body = call.body(CREATE, closed=engine.closed)
    check_request(body, closed=engine.closed)
    record = engine.begin(body)
    if not body.get("stream"):
        return await _answer(call, record)
    wanted = (body.get("stream_options") or {}).get("include_obfuscation")
    stream = call.engine.open_body()
    record.live.attach(stream, obfuscated=_obfuscated(call, wanted))
    if body.get("background"):
        engine.run(record)
        return await _stream(call, record, stream)
    filler = asyncio.create_task(record.live.play())
    try:
        return await call.stream(stream)
    finally:
        # Unlike one in the background, an answer is not written any further when its reader is gone.
        filler.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await filler
        if record.live.over:
            engine.keep(record)


async def _answer(call: Call, record: ResponseRecord) -> web.StreamResponse:
    if record.wire["background"]:
        call.responses.run(record)
        return call.progress(record.wire)
    await record.live.play()
    failure = record.live.failure
    if failure is not None:
        code = None if failure.code is None else str(failure.code)
        raise WireError(500, failure.message, param=failure.param, code=code, type=failure.type)
    call.responses.keep(record)
    return json_reply(record.wire)


async def _stream(call: Call, record: ResponseRecord, stream: StreamBody) -> web.StreamResponse:
    try:
        return await call.stream(stream)
    finally:
        record.live.detach(stream)


def _obfuscated(call: Call, wanted: bool | None) -> bool:
    return call.service.scenario.responses_dialect.obfuscation if wanted is None else wanted


async def _retrieve(call: Call) -> web.StreamResponse:
    record = call.responses.records.response(call.id("response_id"))
    query = call.request.query
    streams = query.get("stream") == "true"
    starting_after = _number(call)
    if not streams:
        if starting_after is not None:
            raise WireError(400, "'starting_after' is only for requests with 'stream'.", param="starting_after")
        return call.progress(record.live.included([*query.getall("include[]", []), *query.getall("include", [])]))
    if not (record.wire["background"] and record.streams):
        raise WireError(
            400,
            "Only a response that was made with 'background' and 'stream' can be streamed again.",
            param="stream",
            code="invalid_value",
        )
    if asyncio.get_running_loop().time() - record.began > call.service.scenario.resume_window:
        raise WireError(
            400,
            f"The stream of the response '{record.wire['id']}' is not kept any longer: retrieve it without 'stream'.",
            param="stream",
            code="response_stream_expired",
        )
    stream = call.engine.open_body()
    wanted = {"true": True, "false": False}.get(query.get("include_obfuscation", ""))
    record.live.attach(stream, obfuscated=_obfuscated(call, wanted), starting_after=starting_after)
    return await _stream(call, record, stream)


def _number(call: Call) -> int | None:
    text = call.request.query.get("starting_after")
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise WireError(
            400, f"'starting_after' is an integer, not '{text}'.", param="starting_after", code="invalid_type"
        ) from None


async def _delete(call: Call) -> web.StreamResponse:
    record = call.responses.records.response(call.id("response_id"))
    call.responses.delete(record)
    return json_reply({"id": record.wire["id"], "object": "response.deleted", "deleted": True})


async def _cancel(call: Call) -> web.StreamResponse:
    record = call.responses.records.response(call.id("response_id"))
    call.responses.cancel(record)
    return json_reply(record.wire)


ROUTES: tuple[Route, ...] = (
    ("POST", "/responses", _create),
    ("GET", "/responses/{response_id}", _retrieve),
    ("DELETE", "/responses/{response_id}", _delete),
    ("POST", "/responses/{response_id}/cancel", _cancel),
)
