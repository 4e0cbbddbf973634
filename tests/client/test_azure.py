"""Azure: which URL, version, header and path each form has, and that what only Azure answers is understood."""

import json
from typing import Any

import pytest
from aioresponses import aioresponses
from assistants_wire import DONE, HELLO, frame, run, stream
from raw_server import Exchange, raw_server
from responses_wire import event, hello

from asyncstream.client import AsyncClient
from asyncstream.client.azure import AZURE_OPENAI, AZURE_OPENAI_V1, FOUNDRY
from asyncstream.errors import AuthenticationError, ConfigurationError, StreamEventError
from asyncstream.transport.dialects import OPENAI, Dialect
from asyncstream.transport.request import Request
from asyncstream.types import AzureAISearchToolCall, ToolCallsStepDetails

KEY = "azure-key-0123456789"
TOKEN = "eyJ0eXAiOiJKV1Qi.e30.c2ln"
RESOURCE = "https://res.openai.azure.com"
PROJECT = "https://res.services.ai.azure.com/api/projects/p"
DATED = "2024-10-21"
COMPLETION = {"id": "c", "choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}


def only_call(mocked: aioresponses) -> tuple[str, Any]:
    (((_, url), calls),) = mocked.requests.items()
    (call,) = calls
    return str(url), call.kwargs


# Where it goes


@pytest.mark.parametrize("endpoint", [RESOURCE, f"{RESOURCE}/", f"{RESOURCE}/openai", f"{RESOURCE}/openai/"])
async def test_the_classic_form_calls_chat_below_its_deployment(mocked: aioresponses, endpoint: str) -> None:
    url = f"{RESOURCE}/openai/deployments/gpt-4o/chat/completions?api-version={DATED}"
    mocked.post(url, payload=COMPLETION)

    async with AsyncClient.azure(endpoint, api_version=DATED, api_key=KEY) as client:
        await client.chat.completions.create(messages=[], model="gpt-4o")

    called, kwargs = only_call(mocked)
    assert called == url
    assert kwargs["headers"]["api-key"] == KEY
    assert "Authorization" not in kwargs["headers"]


async def test_the_classic_form_streams_below_its_deployment(mocked: aioresponses) -> None:
    url = f"{RESOURCE}/openai/deployments/d/chat/completions?api-version={DATED}"
    mocked.post(url, body=b"data: [DONE]\n\n", content_type="text/event-stream")

    async with AsyncClient.azure(RESOURCE, api_version=DATED, api_key=KEY, deployment="d") as client:
        async with client.chat.completions.stream(messages=[], model="gpt-4o") as answer:
            await answer.until_done()

    assert only_call(mocked)[0] == url


async def test_the_classic_form_calls_assistants_without_a_deployment(mocked: aioresponses) -> None:
    url = f"{RESOURCE}/openai/assistants?api-version=2024-05-01-preview"
    mocked.post(url, payload={"id": "a"})

    async with AsyncClient.azure(RESOURCE, api_version="2024-05-01-preview", api_key=KEY, deployment="d") as client:
        await client.assistants.create(model="gpt-4o")

    assert only_call(mocked)[0] == url


@pytest.mark.parametrize(
    ("endpoint", "version", "query"),
    [
        (RESOURCE, None, ""),
        (f"{RESOURCE}/openai", None, ""),
        (f"{RESOURCE}/openai/v1/", None, ""),
        (f"{RESOURCE}/openai/v1/", DATED, ""),
        (RESOURCE, "preview", "?api-version=preview"),
        (RESOURCE, "v1", "?api-version=v1"),
        (f"{RESOURCE}?api-version=preview", None, "?api-version=preview"),
    ],
)
async def test_the_v1_form_has_the_paths_of_openai(
    mocked: aioresponses, endpoint: str, version: str | None, query: str
) -> None:
    url = f"{RESOURCE}/openai/v1/chat/completions{query}"
    mocked.post(url, payload=COMPLETION)

    async with AsyncClient.azure(endpoint, api_version=version, api_key=KEY) as client:
        await client.chat.completions.create(messages=[], model="gpt-4o")

    called, kwargs = only_call(mocked)
    assert called == url
    assert kwargs["headers"]["api-key"] == KEY


@pytest.mark.parametrize(
    ("endpoint", "version", "base", "query"),
    [
        (RESOURCE, None, f"{RESOURCE}/openai/v1", ""),
        (RESOURCE, "preview", f"{RESOURCE}/openai/v1", "?api-version=preview"),
        (RESOURCE, "2025-04-01-preview", f"{RESOURCE}/openai", "?api-version=2025-04-01-preview"),
        (f"{PROJECT}/openai/v1", None, f"{PROJECT}/openai/v1", ""),
    ],
)
async def test_responses_have_the_same_path_in_each_form_and_no_deployment(
    mocked: aioresponses, endpoint: str, version: str | None, base: str, query: str
) -> None:
    whole = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
    mocked.post(f"{base}/responses{query}", payload=whole)
    mocked.get(f"{base}/responses/resp_1{query}", payload=whole)
    mocked.post(f"{base}/conversations{query}", payload={"id": "conv_1"})

    async with AsyncClient.azure(endpoint, api_version=version, api_key=KEY) as client:
        made = await client.responses.create(model="gpt-4o", input="hi")
        got = await client.responses.retrieve(made.id)
        room = await client.conversations.create()

    assert ("resp_1", "resp_1", "conv_1") == (made.id, got.id, room.id)


async def test_a_response_of_azure_that_is_over_its_limit_fails_with_its_cause() -> None:
    """Azure reports rate limits with the status 200: as a response that failed, and an error behind it."""
    error = {"code": "too_many_requests", "message": "too many"}
    failed = {"id": "resp_1", "status": "failed", "error": error}

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *hello()[:2], event("failed", response=failed), event("error", error=error))

    async with raw_server(answer) as server:
        async with AsyncClient.azure(server.url, api_key=KEY) as client:
            async with client.responses.stream(model="gpt-4o", input="hi") as answered:
                with pytest.raises(StreamEventError, match="too many") as caught:
                    await answered.until_done()

    assert "/openai/v1/responses" == server.requests[0].target
    assert ("too_many_requests", "failed") == (caught.value.code, answered.accumulator.response.status)


async def test_a_gateway_keeps_its_path(mocked: aioresponses) -> None:
    url = f"https://gate.test/team/openai/deployments/m/chat/completions?api-version={DATED}"
    mocked.post(url, payload=COMPLETION)

    async with AsyncClient.azure(f"https://gate.test/team/?api-version={DATED}", api_key=KEY) as client:
        await client.chat.completions.create(messages=[], model="m")

    assert only_call(mocked)[0] == url


@pytest.mark.parametrize(("version", "sent"), [(None, "v1"), ("2025-05-15-preview", "2025-05-15-preview")])
@pytest.mark.parametrize("endpoint", [PROJECT, f"{PROJECT}/"])
async def test_agents_are_called_below_their_project_with_a_token(
    mocked: aioresponses, endpoint: str, version: str | None, sent: str
) -> None:
    url = f"{PROJECT}/threads/runs?api-version={sent}"
    mocked.post(url, payload={"id": "r"})

    async with AsyncClient.azure(endpoint, api_version=version, token=TOKEN) as client:
        await client.threads.create_and_run(assistant_id="asst_1")

    called, kwargs = only_call(mocked)
    assert called == url
    assert kwargs["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert "api-key" not in kwargs["headers"]


# Who calls


async def test_a_token_may_come_from_a_function_for_each_attempt(mocked: aioresponses) -> None:
    url = f"{RESOURCE}/openai/v1/threads/t"
    mocked.get(url, status=500, headers={"retry-after-ms": "1"})
    mocked.get(url, payload={"id": "t"})
    given: list[str] = []

    async def token() -> str:
        given.append(f"token-{len(given)}-0123456789")
        return given[-1]

    async with AsyncClient.azure(RESOURCE, token=token) as client:
        await client.threads.retrieve("t")

    (calls,) = mocked.requests.values()
    assert [f"Bearer {one}" for one in given] == [call.kwargs["headers"]["Authorization"] for call in calls]
    assert len(given) == 2


async def test_everything_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, mocked: aioresponses) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", RESOURCE)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_VERSION", DATED)
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "not-for-azure")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.test")
    mocked.get(f"{RESOURCE}/openai/threads/t?api-version={DATED}", payload={"id": "t"})

    async with AsyncClient.azure() as client:
        await client.threads.retrieve("t")

    _, kwargs = only_call(mocked)
    assert kwargs["headers"]["api-key"] == KEY
    assert "not-for-azure" not in str(dict(kwargs["headers"]))


async def test_a_token_in_the_environment_comes_before_a_key(
    monkeypatch: pytest.MonkeyPatch, mocked: aioresponses
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", TOKEN)
    mocked.get(f"{RESOURCE}/openai/v1/threads/t", payload={"id": "t"})

    async with AsyncClient.azure(RESOURCE) as client:
        await client.threads.retrieve("t")

    _, kwargs = only_call(mocked)
    assert kwargs["headers"]["Authorization"] == f"Bearer {TOKEN}"
    assert "api-key" not in kwargs["headers"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "AZURE_OPENAI_ENDPOINT"),
        ({"endpoint": RESOURCE}, "api_key=.*token="),
        ({"endpoint": RESOURCE, "api_key": KEY, "token": TOKEN}, "exclude each other"),
        ({"endpoint": PROJECT, "api_key": KEY}, "https://ai.azure.com/.default"),
        ({"endpoint": "res.openai.azure.com", "api_key": KEY}, "endpoint must be"),
        ({"endpoint": f"{RESOURCE}/openai/deployments/d", "api_key": KEY}, "before '/deployments/'"),
        ({"endpoint": RESOURCE, "api_key": KEY, "deployment": "d"}, "deployment"),
        ({"endpoint": RESOURCE, "api_key": KEY, "api_version": DATED, "deployment": "a/b"}, "deployment"),
        ({"endpoint": RESOURCE, "token": f"{TOKEN}\n"}, "token"),
        ({"endpoint": RESOURCE, "api_key": f"{KEY}\n"}, "api_key"),
    ],
)
def test_what_does_not_fit_together_is_found_at_construction(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        AsyncClient.azure(**arguments)

    assert KEY not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_key_in_the_environment_is_none_for_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)

    with pytest.raises(ConfigurationError, match="token"):
        AsyncClient.azure(PROJECT)


@pytest.mark.parametrize("model", ["", "a/b", "../x", "a\nb"])
async def test_a_model_that_cannot_stand_in_a_path_is_refused(mocked: aioresponses, model: str) -> None:
    async with AsyncClient.azure(RESOURCE, api_version=DATED, api_key=KEY) as client:
        with pytest.raises(ConfigurationError, match="deployment"):
            await client.chat.completions.create(messages=[], model=model)

    assert not mocked.requests


async def test_a_derived_client_is_still_azure_s(mocked: aioresponses) -> None:
    url = f"{RESOURCE}/openai/deployments/m/chat/completions?a=b&api-version={DATED}"
    mocked.post(url, payload=COMPLETION)

    async with AsyncClient.azure(RESOURCE, api_version=DATED, api_key=KEY, default_query={"a": "b"}) as client:
        await client.with_options(max_retries=0, timeout=3).chat.completions.create(messages=[], model="m")

    assert only_call(mocked)[1]["headers"]["api-key"] == KEY


async def test_no_error_repeats_the_key(mocked: aioresponses) -> None:
    mocked.get(f"{RESOURCE}/openai/v1/threads/t", status=401, payload={"error": {"message": f"bad key {KEY}"}})
    own = Dialect(key_header="X-Own-Key", key_prefix="")
    mocked.get("https://own.test/threads/t", status=401, payload={"error": {"message": f"bad key {KEY}"}})

    async with AsyncClient.azure(RESOURCE, api_key=KEY) as client:
        with pytest.raises(AuthenticationError, match=r"bad key \*\*\*"):
            await client.threads.retrieve("t")
    async with AsyncClient(base_url="https://own.test", api_key=KEY, dialect=own) as client:
        with pytest.raises(AuthenticationError, match=r"bad key \*\*\*"):
            await client.threads.retrieve("t")


# A dialect is data


@pytest.mark.parametrize("dialect", [OPENAI, AZURE_OPENAI_V1, FOUNDRY])
def test_only_the_classic_form_has_deployments(dialect: Dialect) -> None:
    assert dialect.path(Request(method="POST", path="/chat/completions", ids={"model": "m"})) == "/chat/completions"


def test_only_posts_to_model_routes_lie_below_a_deployment() -> None:
    def path(method: str, path: str) -> str:
        return AZURE_OPENAI.path(Request(method=method, path=path, ids={"model": "m 1"}))

    assert path("POST", "/embeddings") == "/deployments/m%201/embeddings"
    assert path("GET", "/chat/completions") == "/chat/completions"
    assert path("POST", "/threads/runs") == "/threads/runs"
    assert path("POST", "/responses") == "/responses"
    with pytest.raises(ConfigurationError, match="below a deployment"):
        AZURE_OPENAI.path(Request(method="POST", path="/embeddings"))


# What it answers


async def test_a_run_that_waits_for_approval_goes_on_in_the_same_stream() -> None:
    calls = [{"id": "call_1", "type": "mcp", "name": "f", "arguments": "{}", "server_label": "docs"}]
    waits = run(
        "requires_action",
        required_action={"type": "submit_tool_approval", "submit_tool_approval": {"tool_calls": calls}},
    )
    search = {"id": "c2", "type": "azure_ai_search", "azure_ai_search": {"input": "q", "output": "a"}}
    step = frame(
        "thread.run.step.completed",
        id="step_1",
        type="tool_calls",
        status="completed",
        expires_at=7,
        step_details={"type": "tool_calls", "tool_calls": [search]},
    )

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *([run("created"), waits] if exchange.number == 1 else [step, *HELLO[1:]]), DONE)

    async with raw_server(answer) as server:
        async with AsyncClient.azure(f"{server.url}/api/projects/p", token=TOKEN) as client:
            async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as events:
                async for event in events:
                    if event.event == "thread.run.requires_action":
                        assert event.data.required_action is not None
                        approval = event.data.required_action.submit_tool_approval
                        assert approval is not None
                        approvals = [{"tool_call_id": call.id, "approve": True} for call in approval.tool_calls]
                        await events.submit_tool_approvals(approvals)
                (finished,) = await events.get_final_run_steps()
                final = await events.get_final_run()

    first, second = server.requests
    assert first.target == "/api/projects/p/threads/thread_1/runs?api-version=v1"
    assert second.target == "/api/projects/p/threads/thread_1/runs/run_1/submit_tool_outputs?api-version=v1"
    assert json.loads(second.body) == {"tool_approvals": [{"tool_call_id": "call_1", "approve": True}], "stream": True}
    assert final.status == "completed"
    assert finished.expires_at == 7
    assert isinstance(finished.step_details, ToolCallsStepDetails)
    (call,) = finished.step_details.tool_calls
    assert isinstance(call, AzureAISearchToolCall)
    assert call.azure_ai_search == {"input": "q", "output": "a"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"error":{"code":"429","message":"too many"}}', "429"),
        (b'{"code":"429","message":"too many"}', "429"),
        (b"too many", None),
    ],
)
async def test_errors_come_nested_flat_or_as_text(data: bytes, code: str | None) -> None:
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, run("created"), b"event: error\ndata: " + data + b"\n\n", DONE)

    async with raw_server(answer) as server:
        async with AsyncClient.azure(f"{server.url}/api/projects/p", token=TOKEN) as client:
            async with client.threads.runs.stream("thread_1", assistant_id="asst_1") as events:
                with pytest.raises(StreamEventError, match="too many") as caught:
                    await events.until_done()

    assert caught.value.code == code
