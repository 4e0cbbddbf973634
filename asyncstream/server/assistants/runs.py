"""The endpoints of runs: JSON answers and streams. The runs themselves are driven by the engine."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from asyncstream.server.assistants.messages import new_messages
from asyncstream.server.assistants.objects import new_run
from asyncstream.server.assistants.run_steps import FILE_SEARCH_CONTENTS
from asyncstream.server.assistants.threads import THREAD, new_record
from asyncstream.server.bodies import Fields, check_fields, nullable, optional, required
from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.problems import WireError
from asyncstream.server.state import RunRecord, ThreadRecord

__all__ = ["ROUTES"]

_UPDATE: Fields = {"metadata": nullable("metadata")}
_RUN: Fields = {
    **_UPDATE,
    "assistant_id": required("string"),
    "model": nullable("string"),
    "instructions": nullable("string"),
    "tools": nullable("array"),
    "temperature": nullable("number", low=0, high=2),
    "top_p": nullable("number", low=0, high=1),
    "stream": nullable("boolean"),
    "max_prompt_tokens": nullable("integer", low=256),
    "max_completion_tokens": nullable("integer", low=1),
    "truncation_strategy": nullable("object"),
    "tool_choice": nullable("string", "object"),
    "parallel_tool_calls": optional("boolean"),
    "response_format": nullable("string", "object"),
}
_CREATE: Fields = {
    **_RUN,
    "reasoning_effort": nullable("string"),
    "additional_instructions": nullable("string"),
    "additional_messages": nullable("array"),
}
_CREATE_WITH_THREAD: Fields = {**_RUN, "thread": optional("object"), "tool_resources": nullable("object")}
# `tool_approvals` is Azure's; OpenAI's own description has `tool_outputs` only.
_SUBMIT: Fields = {
    "tool_outputs": optional("array"),
    "tool_approvals": optional("array"),
    "stream": nullable("boolean"),
}
_OUTPUT: Fields = {"tool_call_id": required("string"), "output": optional("string")}
_APPROVAL: Fields = {
    "tool_call_id": required("string"),
    "approve": required("boolean"),
    "headers": nullable("object"),
}


async def _create(call: Call) -> web.StreamResponse:
    thread = call.store.thread(call.id("thread_id"))
    body = call.body(_CREATE)
    record = _new_record(call, thread, body)
    messages = new_messages(thread.wire["id"], body.get("additional_messages"), "additional_messages")
    active = thread.active_run_id()
    if active is not None:
        raise WireError(400, f"The thread '{thread.wire['id']}' has a run that is not over yet: '{active}'.")
    thread.messages.update(messages)
    return await _begin(call, thread, record, body)


async def _create_with_thread(call: Call) -> web.StreamResponse:
    body = call.body(_CREATE_WITH_THREAD)
    thread = new_record(check_fields(body.get("thread", {}), THREAD, "thread"), "thread")
    record = _new_record(call, thread, body)
    call.store.threads[thread.wire["id"]] = thread
    return await _begin(call, thread, record, body, new_thread=True)


def _new_record(call: Call, thread: ThreadRecord, body: Mapping[str, Any]) -> RunRecord:
    assistant = call.store.assistant(body["assistant_id"])
    return RunRecord(new_run(thread.wire, assistant, body, lifetime=call.service.scenario.run_lifetime))


async def _begin(
    call: Call, thread: ThreadRecord, record: RunRecord, body: Mapping[str, Any], *, new_thread: bool = False
) -> web.StreamResponse:
    live = call.engine.add(thread, record)
    stream = call.engine.open_body() if body.get("stream") else None
    live.begin(stream, with_contents=call.includes(FILE_SEARCH_CONTENTS), new_thread=new_thread)
    return call.progress(record.wire) if stream is None else await call.stream(stream)


async def _submit(call: Call) -> web.StreamResponse:
    record = _record(call)
    body = call.body(_SUBMIT)
    live = call.engine.find(record)
    stream = call.engine.open_body() if body.get("stream") else None
    with_contents = call.includes(FILE_SEARCH_CONTENTS)
    if "tool_approvals" in body:
        approvals = _by_call_id(body["tool_approvals"], _APPROVAL, "tool_approvals", "approve")
        live.approve(approvals, stream, with_contents=with_contents)
    elif "tool_outputs" in body:
        outputs = _by_call_id(body["tool_outputs"], _OUTPUT, "tool_outputs", "output")
        live.submit(outputs, stream, with_contents=with_contents)
    else:
        raise WireError(400, "'tool_outputs' is required.", param="tool_outputs", code="missing_required_parameter")
    return call.progress(record.wire) if stream is None else await call.stream(stream)


def _by_call_id(entries: list[object], fields: Fields, where: str, key: str) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for position, entry in enumerate(entries):
        answer = check_fields(entry, fields, f"{where}[{position}]")
        if answer["tool_call_id"] in answers:
            raise WireError(400, f"The call '{answer['tool_call_id']}' is answered twice.", param=where)
        answers[answer["tool_call_id"]] = answer.get(key, "")
    return answers


async def _cancel(call: Call) -> web.StreamResponse:
    record = _record(call)
    call.engine.find(record).cancel()
    return call.progress(record.wire)


async def _list(call: Call) -> web.StreamResponse:
    return call.page(run.wire for run in call.store.thread(call.id("thread_id")).runs.values())


async def _retrieve(call: Call) -> web.StreamResponse:
    return call.progress(_record(call).wire)


async def _update(call: Call) -> web.StreamResponse:
    wire = _record(call).wire
    changes = call.body(_UPDATE)
    if wire["status"] == "in_progress":
        raise WireError(400, "A run with status 'in_progress' cannot be updated.")
    wire.update({key: value or {} for key, value in changes.items()})
    return json_reply(wire)


def _record(call: Call) -> RunRecord:
    return call.store.thread(call.id("thread_id")).run(call.id("run_id"))


ROUTES: tuple[Route, ...] = (
    ("POST", "/threads/runs", _create_with_thread),
    ("POST", "/threads/{thread_id}/runs", _create),
    ("GET", "/threads/{thread_id}/runs", _list),
    ("GET", "/threads/{thread_id}/runs/{run_id}", _retrieve),
    ("POST", "/threads/{thread_id}/runs/{run_id}", _update),
    ("POST", "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", _submit),
    ("POST", "/threads/{thread_id}/runs/{run_id}/cancel", _cancel),
)
