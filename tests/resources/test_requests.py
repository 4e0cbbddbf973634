"""What each method of the resources sends, and what it gives back."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aioresponses import aioresponses

from asyncstream.client import AsyncClient
from asyncstream.errors import ConfigurationError, NotFoundError
from asyncstream.types import Assistant, AssistantDeleted, Message, Run, Thread, ThreadDeleted

BASE = "http://api.test/v1"

Call = Callable[[AsyncClient], Awaitable[object]]

CALLS: list[tuple[str, Call, str, str, object, object]] = [
    (
        "assistants.create",
        lambda c: c.assistants.create(model="m", instructions=None, tools=[{"type": "code_interpreter"}]),
        "POST",
        "/assistants",
        {"model": "m", "instructions": None, "tools": [{"type": "code_interpreter"}]},
        Assistant(id="x"),
    ),
    (
        "assistants.retrieve",
        lambda c: c.assistants.retrieve("asst_1"),
        "GET",
        "/assistants/asst_1",
        None,
        Assistant(id="x"),
    ),
    (
        "assistants.update",
        lambda c: c.assistants.update("asst_1", model="m", name="n"),
        "POST",
        "/assistants/asst_1",
        {"model": "m", "name": "n"},
        Assistant(id="x"),
    ),
    (
        "assistants.delete",
        lambda c: c.assistants.delete("asst_1"),
        "DELETE",
        "/assistants/asst_1",
        None,
        AssistantDeleted(id="x"),
    ),
    ("threads.create", lambda c: c.threads.create(), "POST", "/threads", {}, Thread(id="x")),
    (
        "threads.create with messages",
        lambda c: c.threads.create(messages=[{"role": "user", "content": "hi"}]),
        "POST",
        "/threads",
        {"messages": [{"role": "user", "content": "hi"}]},
        Thread(id="x"),
    ),
    ("threads.retrieve", lambda c: c.threads.retrieve("t"), "GET", "/threads/t", None, Thread(id="x")),
    ("threads.delete", lambda c: c.threads.delete(thread_id="t"), "DELETE", "/threads/t", None, ThreadDeleted(id="x")),
    (
        "threads.create_and_run",
        lambda c: c.threads.create_and_run(assistant_id="a", temperature=0.5),
        "POST",
        "/threads/runs",
        {"assistant_id": "a", "temperature": 0.5},
        Run(id="x"),
    ),
    (
        "threads.create_and_run with a thread",
        lambda c: c.threads.create_and_run(assistant_id="a", thread={"metadata": {"k": "v"}}),
        "POST",
        "/threads/runs",
        {"assistant_id": "a", "thread": {"metadata": {"k": "v"}}},
        Run(id="x"),
    ),
    (
        "messages.create",
        lambda c: c.threads.messages.create("t", role="user", content="hi"),
        "POST",
        "/threads/t/messages",
        {"role": "user", "content": "hi"},
        Message(id="x"),
    ),
    (
        "runs.create",
        lambda c: c.threads.runs.create(thread_id="t", assistant_id="a", parallel_tool_calls=False),
        "POST",
        "/threads/t/runs",
        {"assistant_id": "a", "parallel_tool_calls": False},
        Run(id="x"),
    ),
    (
        "runs.retrieve",
        lambda c: c.threads.runs.retrieve("r", thread_id="t"),
        "GET",
        "/threads/t/runs/r",
        None,
        Run(id="x"),
    ),
    (
        "runs.cancel",
        lambda c: c.threads.runs.cancel(run_id="r", thread_id="t"),
        "POST",
        "/threads/t/runs/r/cancel",
        None,
        Run(id="x"),
    ),
    (
        "runs.submit_tool_outputs",
        lambda c: c.threads.runs.submit_tool_outputs(
            "r", thread_id="t", tool_outputs=[{"tool_call_id": "c", "output": "1"}]
        ),
        "POST",
        "/threads/t/runs/r/submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": "c", "output": "1"}]},
        Run(id="x"),
    ),
    (
        "runs.submit_tool_outputs with nothing",
        lambda c: c.threads.runs.submit_tool_outputs("r", thread_id="t", tool_outputs=[]),
        "POST",
        "/threads/t/runs/r/submit_tool_outputs",
        {"tool_outputs": []},
        Run(id="x"),
    ),
    (
        "runs.submit_tool_outputs with approvals",
        lambda c: c.threads.runs.submit_tool_outputs(
            "r", thread_id="t", tool_outputs=[], tool_approvals=[{"tool_call_id": "c", "approve": True}]
        ),
        "POST",
        "/threads/t/runs/r/submit_tool_outputs",
        {"tool_approvals": [{"tool_call_id": "c", "approve": True}]},
        Run(id="x"),
    ),
]


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(api_key="k", base_url=BASE) as client:
        yield client


def only_call(mocked: aioresponses) -> tuple[str, str, dict[str, Any]]:
    (((method, url), calls),) = mocked.requests.items()
    (call,) = calls
    return method, str(url), call.kwargs


@pytest.mark.parametrize(
    ("call", "method", "path", "body", "result"), [row[1:] for row in CALLS], ids=[row[0] for row in CALLS]
)
async def test_a_method_sends_its_endpoint(
    mocked: aioresponses, client: AsyncClient, call: Call, method: str, path: str, body: object, result: object
) -> None:
    mocked.add(BASE + path, method, payload={"id": "x"})

    assert await call(client) == result

    sent_method, url, kwargs = only_call(mocked)
    assert (sent_method, url) == (method, BASE + path)
    assert kwargs["headers"]["OpenAI-Beta"] == "assistants=v2"
    assert body == (None if kwargs["data"] is None else json.loads(kwargs["data"]))


@pytest.mark.parametrize("call", [row[1] for row in CALLS], ids=[row[0] for row in CALLS])
async def test_a_method_raises_what_the_server_refuses_with(
    mocked: aioresponses, client: AsyncClient, call: Call
) -> None:
    for method in ("GET", "POST", "DELETE"):
        for path in {row[3] for row in CALLS}:
            mocked.add(BASE + path, method, status=404, payload={"error": {"message": "none such"}})

    with pytest.raises(NotFoundError, match="none such"):
        await call(client)


@pytest.mark.parametrize("bad", ["", "../x", "a/b", "a\nb", None])
async def test_ids_are_checked_before_anything_is_sent(mocked: aioresponses, client: AsyncClient, bad: str) -> None:
    runs = client.threads.runs
    with pytest.raises(ConfigurationError, match="thread_id"):
        await client.threads.retrieve(bad)
    with pytest.raises(ConfigurationError, match="run_id"):
        await runs.cancel(bad, thread_id="t")
    with pytest.raises(ConfigurationError, match="thread_id"):
        client.threads.messages.list(bad)
    with pytest.raises(ConfigurationError, match="thread_id"):
        runs.stream(bad, assistant_id="a")
    with pytest.raises(ConfigurationError, match="run_id"):
        runs.submit_tool_outputs_stream(bad, thread_id="t", tool_outputs=[])

    assert not mocked.requests


async def test_every_method_takes_the_options_of_a_call(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(f"{BASE}/threads/t?a=b", payload={"id": "x"})

    await client.threads.retrieve(
        "t", extra_headers={"X": "1", "OpenAI-Beta": None}, extra_query={"a": "b"}, extra_body={"c": 1}, timeout=3
    )

    _, _, kwargs = only_call(mocked)
    assert kwargs["headers"]["X"] == "1"
    assert "OpenAI-Beta" not in kwargs["headers"]
    assert kwargs["data"] == b'{"c":1}'
    assert kwargs["timeout"].connect == 3
