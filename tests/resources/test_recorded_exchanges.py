"""Real requests and answers, errors among them: each is asked for by a call of ours and decodes without a loss.

Each exchange is replayed: the call is made, the recorded answer is given, and what the call returns or raises is
compared with it. Where the recording has the request's body too, the call has sent the same.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from raw_server import Exchange, raw_server
from shared_files import SHARED, needs_shared
from test_spec import parameters
from test_types import lost

from asyncstream.client import AsyncClient
from asyncstream.errors import APIStatusError, status_error_type
from asyncstream.resources.paging import ListPage

pytestmark = needs_shared("recordings_http")

RECORDINGS = sorted((SHARED / "recordings_http").glob("*.json"))

Call = Callable[..., Awaitable[Any]]

# Verb and path, and the call that asks for it: its ids in their order, then query and body as keywords.
CALLS: list[tuple[str, str, Callable[[AsyncClient], Call]]] = [
    ("GET", "/assistants", lambda c: c.assistants.list),
    ("POST", "/assistants", lambda c: c.assistants.create),
    ("GET", "/assistants/(asst_[^/]+)", lambda c: c.assistants.retrieve),
    ("POST", "/assistants/(asst_[^/]+)", lambda c: c.assistants.update),
    ("DELETE", "/assistants/(asst_[^/]+)", lambda c: c.assistants.delete),
    ("GET", "/files", lambda c: c.files.list),
    ("POST", "/files", lambda c: c.files.create),
    ("GET", "/files/([^/]+)", lambda c: c.files.retrieve),
    ("DELETE", "/files/([^/]+)", lambda c: c.files.delete),
    ("GET", "/files/([^/]+)/content", lambda c: c.files.content),
    ("POST", "/threads", lambda c: c.threads.create),
    ("POST", "/threads/runs", lambda c: c.threads.create_and_run),
    ("GET", "/threads/([^/]+)", lambda c: c.threads.retrieve),
    ("POST", "/threads/([^/]+)", lambda c: c.threads.update),
    ("DELETE", "/threads/([^/]+)", lambda c: c.threads.delete),
    ("GET", "/threads/(?P<thread_id>[^/]+)/messages", lambda c: c.threads.messages.list),
    ("POST", "/threads/(?P<thread_id>[^/]+)/messages", lambda c: c.threads.messages.create),
    ("GET", "/threads/(?P<thread_id>[^/]+)/messages/(?P<message_id>[^/]+)", lambda c: c.threads.messages.retrieve),
    ("POST", "/threads/(?P<thread_id>[^/]+)/messages/(?P<message_id>[^/]+)", lambda c: c.threads.messages.update),
    ("DELETE", "/threads/(?P<thread_id>[^/]+)/messages/(?P<message_id>[^/]+)", lambda c: c.threads.messages.delete),
    ("GET", "/threads/(?P<thread_id>[^/]+)/runs", lambda c: c.threads.runs.list),
    ("POST", "/threads/(?P<thread_id>[^/]+)/runs", lambda c: c.threads.runs.create),
    ("GET", "/threads/(?P<thread_id>[^/]+)/runs/(?P<run_id>[^/]+)", lambda c: c.threads.runs.retrieve),
    ("POST", "/threads/(?P<thread_id>[^/]+)/runs/(?P<run_id>[^/]+)", lambda c: c.threads.runs.update),
    ("POST", "/threads/(?P<thread_id>[^/]+)/runs/(?P<run_id>[^/]+)/cancel", lambda c: c.threads.runs.cancel),
    (
        "POST",
        "/threads/(?P<thread_id>[^/]+)/runs/(?P<run_id>[^/]+)/submit_tool_outputs",
        lambda c: c.threads.runs.submit_tool_outputs,
    ),
    ("GET", "/threads/(?P<thread_id>[^/]+)/runs/(?P<run_id>[^/]+)/steps", lambda c: c.threads.runs.steps.list),
    (
        "GET",
        "/threads/(?P<thread_id>[^/]+)/runs/(?P<run_id>[^/]+)/steps/(?P<step_id>[^/]+)",
        lambda c: c.threads.runs.steps.retrieve,
    ),
    ("GET", "/vector_stores", lambda c: c.vector_stores.list),
    ("POST", "/vector_stores", lambda c: c.vector_stores.create),
    ("DELETE", "/vector_stores/([^/]+)", lambda c: c.vector_stores.delete),
    ("GET", "/vector_stores/([^/]+)/files", lambda c: c.vector_stores.files.list),
    ("POST", "/vector_stores/([^/]+)/files", lambda c: c.vector_stores.files.create),
    (
        "DELETE",
        "/vector_stores/(?P<vector_store_id>[^/]+)/files/(?P<file_id>[^/]+)",
        lambda c: c.vector_stores.files.delete,
    ),
    ("POST", "/vector_stores/([^/]+)/file_batches", lambda c: c.vector_stores.file_batches.create),
    (
        "GET",
        "/vector_stores/(?P<vector_store_id>[^/]+)/file_batches/(?P<batch_id>[^/]+)",
        lambda c: c.vector_stores.file_batches.retrieve,
    ),
    (
        "GET",
        "/vector_stores/(?P<vector_store_id>[^/]+)/file_batches/(?P<batch_id>[^/]+)/files",
        lambda c: c.vector_stores.file_batches.list_files,
    ),
    ("POST", "/chat/completions", lambda c: c.chat.completions.create),
    ("GET", "/chat/completions/([^/]+)", lambda c: c.chat.completions.retrieve),
    ("GET", "/chat/completions/([^/]+)/messages", lambda c: c.chat.completions.messages.list),
]

# Sent by servers, and not in the schema: a relic of the first version of the API, and one of a beta.
OUTSIDE = (".file_ids", ".file_counts.processing")

EARLIER = "assistants=v1"

UNUSED = AsyncClient(api_key="k")
"""For the signatures of its methods."""


def read(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((SHARED / "recordings_http" / name).read_text())
    record["method"] = record["method"].upper()
    body = record["request_body"]
    if isinstance(body, dict) and body.get("stream") is False:
        # What is not streamed is not asked to be: absent and false are the same.
        del body["stream"]
    return record


def find(verb: str, path: str) -> tuple[Callable[[AsyncClient], Call], list[str], dict[str, str]]:
    for method, pattern, call in CALLS:
        match = re.fullmatch(pattern, noun_path(path))
        if method == verb and match is not None:
            named = match.groupdict()
            return call, [] if named else list(match.groups()), named
    raise LookupError(f"{verb} {path}")


def noun_path(path: str) -> str:
    """Return what stands behind the server's base URL."""
    return re.sub(r"^.*?(?=/(?:assistants|chat|files|threads|vector_stores)(?:/|$))", "", path)


def with_query(arguments: dict[str, Any], query: str) -> None:
    for name, value in parse_qsl(query):
        if name.endswith("[]"):
            arguments.setdefault(name[:-2], []).append(value)
        elif name != "api-version":
            arguments[name] = int(value) if name == "limit" else value


def taken(answer: Any) -> Any:
    """Return what came out of an answer as plain data; of a page, its wire form."""
    if isinstance(answer, ListPage):
        kept = {"data": answer.data, "first_id": answer.first_id, "last_id": answer.last_id}
        return msgspec.to_builtins({**kept, "has_more": answer.has_more, "object": "list"})
    return msgspec.to_builtins(answer)


async def replay(record: dict[str, Any]) -> tuple[Any, Exchange]:
    """Make the call that asks for a recorded answer; return what came of it, and what was sent."""
    parts = urlsplit(record["url"])
    call, ids, arguments = find(record["method"], parts.path)
    with_query(arguments, parts.query)
    body = record["request_body"]
    if isinstance(body, dict):
        arguments |= body
        if record["openai_beta"] != EARLIER:
            assert body.keys() - parameters(call(UNUSED)) == set()
    elif record["method"] == "POST":
        # The body was not recorded; what the call cannot do without is made up.
        arguments |= {"model": "m"} if parts.path.endswith("/assistants") else {}
        if parts.path.endswith("/files"):
            arguments |= {"file": b"content", "purpose": "assistants"}

    async def answer(exchange: Exchange) -> None:
        await exchange.reply(record["status"], json.dumps(record["response_body"]).encode())

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client:
        try:
            outcome = await call(client)(*ids, **arguments)
        except APIStatusError as error:
            outcome = error
    (request,) = server.requests
    assert (request.method, urlsplit(request.target).path) == (record["method"], noun_path(parts.path))
    assert sorted(parse_qsl(urlsplit(request.target).query)) == sorted(
        pair for pair in parse_qsl(parts.query) if pair[0] != "api-version"
    )
    return outcome, request


def ids_of(records: list[Any]) -> list[str]:
    return [file.name for file in records]


GOOD = [file for file in RECORDINGS if file.name.startswith("200-")]
REFUSED = [file for file in RECORDINGS if not file.name.startswith("200-")]


@pytest.mark.parametrize("name", ids_of(GOOD))
async def test_a_recorded_answer_decodes_without_a_loss(name: str) -> None:
    record = read(name)

    outcome, sent = await replay(record)

    assert not isinstance(outcome, Exception)
    if record["openai_beta"] != EARLIER:
        missing = [path for path in lost(record["response_body"], taken(outcome)) if not path.endswith(OUTSIDE)]
        assert missing == []
        if isinstance(record["request_body"], dict):
            assert json.loads(sent.body) == record["request_body"]


@pytest.mark.parametrize("name", ids_of(REFUSED))
async def test_a_recorded_refusal_is_its_error(name: str) -> None:
    record = read(name)

    error, sent = await replay(record)

    body = record["response_body"]
    inner = body["error"] if isinstance(body.get("error"), dict) else body
    assert type(error) is status_error_type(record["status"])
    assert error.status == record["status"]
    assert error.message == inner.get("message", error.message)
    assert error.code == inner.get("code", error.code)
    assert json.loads(error.body) == body
    if isinstance(record["request_body"], dict):
        assert json.loads(sent.body) == record["request_body"]


def test_every_recording_was_replayed() -> None:
    records = [json.loads(file.read_text()) for file in RECORDINGS]
    with_body = [r for r in records if r["openai_beta"] == "assistants=v2" and isinstance(r["request_body"], dict)]

    assert len(GOOD) + len(REFUSED) == len(records) > 400
    assert len(with_body) > 100
