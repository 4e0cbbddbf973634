"""Every path, method, query and body field of the published schema can be sent by a method of ours, and is.

The schema is read; what of these endpoints no method covers is listed, and there is nothing.
"""

import inspect
import json
from collections.abc import AsyncIterator
from typing import Any, Unpack, get_args, get_origin, get_type_hints

import pytest
from aioresponses import aioresponses
from shared_files import SHARED, needs_shared
from yarl import URL

from asyncstream.client import AsyncClient

pytestmark = needs_shared("openapi.json")

BASE = "http://api.test/v1"

NOUNS = ("/assistants", "/conversations", "/files", "/models", "/responses", "/threads", "/vector_stores")

METHODS = {
    "GET /assistants": "assistants.list",
    "POST /assistants": "assistants.create",
    "GET /assistants/{assistant_id}": "assistants.retrieve",
    "POST /assistants/{assistant_id}": "assistants.update",
    "DELETE /assistants/{assistant_id}": "assistants.delete",
    "POST /conversations": "conversations.create",
    "GET /conversations/{conversation_id}": "conversations.retrieve",
    "POST /conversations/{conversation_id}": "conversations.update",
    "DELETE /conversations/{conversation_id}": "conversations.delete",
    "GET /conversations/{conversation_id}/items": "conversations.items.list",
    "POST /conversations/{conversation_id}/items": "conversations.items.create",
    "GET /conversations/{conversation_id}/items/{item_id}": "conversations.items.retrieve",
    "DELETE /conversations/{conversation_id}/items/{item_id}": "conversations.items.delete",
    "GET /files": "files.list",
    "POST /files": "files.create",
    "GET /files/{file_id}": "files.retrieve",
    "DELETE /files/{file_id}": "files.delete",
    "GET /files/{file_id}/content": "files.content",
    "GET /models": "models.list",
    "GET /models/{model}": "models.retrieve",
    "DELETE /models/{model}": "models.delete",
    "POST /responses": "responses.create",
    "POST /responses/compact": "responses.compact",
    "POST /responses/input_tokens": "responses.input_tokens.count",
    "GET /responses/{response_id}": "responses.retrieve",
    "DELETE /responses/{response_id}": "responses.delete",
    "POST /responses/{response_id}/cancel": "responses.cancel",
    "GET /responses/{response_id}/input_items": "responses.input_items.list",
    "POST /threads": "threads.create",
    "POST /threads/runs": "threads.create_and_run",
    "GET /threads/{thread_id}": "threads.retrieve",
    "POST /threads/{thread_id}": "threads.update",
    "DELETE /threads/{thread_id}": "threads.delete",
    "GET /threads/{thread_id}/messages": "threads.messages.list",
    "POST /threads/{thread_id}/messages": "threads.messages.create",
    "GET /threads/{thread_id}/messages/{message_id}": "threads.messages.retrieve",
    "POST /threads/{thread_id}/messages/{message_id}": "threads.messages.update",
    "DELETE /threads/{thread_id}/messages/{message_id}": "threads.messages.delete",
    "GET /threads/{thread_id}/runs": "threads.runs.list",
    "POST /threads/{thread_id}/runs": "threads.runs.create",
    "GET /threads/{thread_id}/runs/{run_id}": "threads.runs.retrieve",
    "POST /threads/{thread_id}/runs/{run_id}": "threads.runs.update",
    "POST /threads/{thread_id}/runs/{run_id}/cancel": "threads.runs.cancel",
    "GET /threads/{thread_id}/runs/{run_id}/steps": "threads.runs.steps.list",
    "GET /threads/{thread_id}/runs/{run_id}/steps/{step_id}": "threads.runs.steps.retrieve",
    "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs": "threads.runs.submit_tool_outputs",
    "GET /vector_stores": "vector_stores.list",
    "POST /vector_stores": "vector_stores.create",
    "GET /vector_stores/{vector_store_id}": "vector_stores.retrieve",
    "POST /vector_stores/{vector_store_id}": "vector_stores.update",
    "DELETE /vector_stores/{vector_store_id}": "vector_stores.delete",
    "POST /vector_stores/{vector_store_id}/search": "vector_stores.search",
    "POST /vector_stores/{vector_store_id}/file_batches": "vector_stores.file_batches.create",
    "GET /vector_stores/{vector_store_id}/file_batches/{batch_id}": "vector_stores.file_batches.retrieve",
    "POST /vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel": "vector_stores.file_batches.cancel",
    "GET /vector_stores/{vector_store_id}/file_batches/{batch_id}/files": "vector_stores.file_batches.list_files",
    "GET /vector_stores/{vector_store_id}/files": "vector_stores.files.list",
    "POST /vector_stores/{vector_store_id}/files": "vector_stores.files.create",
    "GET /vector_stores/{vector_store_id}/files/{file_id}": "vector_stores.files.retrieve",
    "POST /vector_stores/{vector_store_id}/files/{file_id}": "vector_stores.files.update",
    "DELETE /vector_stores/{vector_store_id}/files/{file_id}": "vector_stores.files.delete",
    "GET /vector_stores/{vector_store_id}/files/{file_id}/content": "vector_stores.files.content",
}

STREAMS = {
    "GET /responses/{response_id}": "responses.stream",
    "POST /responses": "responses.stream",
    "POST /threads/runs": "threads.create_and_run_stream",
    "POST /threads/{thread_id}/runs": "threads.runs.stream",
    "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs": "threads.runs.submit_tool_outputs_stream",
}
"""What sends `stream: true`."""

SPEC: dict[str, Any] = (
    json.loads((SHARED / "openapi.json").read_text()) if (SHARED / "openapi.json").exists() else {"paths": {}}
)

OPERATIONS: dict[str, dict[str, Any]] = {
    f"{verb.upper()} {path}": operation
    for path, verbs in SPEC["paths"].items()
    if path.startswith(NOUNS)
    for verb, operation in verbs.items()
    if isinstance(operation, dict)
}


def names(operation: dict[str, Any], place: str) -> list[str]:
    """Return the parameters in a place; of a list as it is sent, also where the schema leaves the brackets out."""
    return [
        parameter["name"].removesuffix("[]") + ("[]" if parameter["schema"].get("type") == "array" else "")
        for parameter in operation.get("parameters", [])
        if parameter["in"] == place
    ]


def body_fields(operation: dict[str, Any]) -> list[str]:
    fields = []
    for media in operation.get("requestBody", {}).get("content", {}).values():
        fields += members_of(media["schema"])
    return fields


def members_of(schema: dict[str, Any]) -> list[str]:
    """Return the members of an object, over all that it is made of."""
    if "$ref" in schema:
        return members_of(SPEC["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    return [*schema.get("properties", ()), *(name for part in schema.get("allOf", ()) for name in members_of(part))]


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(api_key="k", base_url=BASE) as client:
        yield client


def find(client: AsyncClient, path: str) -> Any:
    found: Any = client
    for name in path.split("."):
        found = getattr(found, name)
    return found


def parameters(method: Any) -> set[str]:
    """Return the keywords of a method, those of its `**params` among them."""
    hints = get_type_hints(method, include_extras=True)
    found: set[str] = set()
    for parameter in inspect.signature(method).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            hint = hints[parameter.name]
            assert get_origin(hint) is Unpack
            found |= get_type_hints(get_args(hint)[0]).keys()
        else:
            found.add(parameter.name)
    return found


def test_every_path_and_method_has_a_method_of_ours() -> None:
    missing = sorted(OPERATIONS.keys() - METHODS.keys())

    assert len(OPERATIONS) == 62
    assert missing == []
    assert sorted(METHODS.keys() - OPERATIONS.keys()) == []


@pytest.mark.parametrize("operation", METHODS)
async def test_no_path_query_or_body_field_is_missing(client: AsyncClient, operation: str) -> None:
    spec = OPERATIONS[operation]
    known = parameters(find(client, METHODS[operation]))
    wanted = names(spec, "path") + [name.removesuffix("[]") for name in names(spec, "query")] + body_fields(spec)
    if "stream" in wanted:
        assert operation in STREAMS
        assert known - {"stream"} <= parameters(find(client, STREAMS[operation]))
        wanted.remove("stream")

    assert [name for name in wanted if name not in known] == []


BODY: dict[str, Any] = {
    "assistant_id": "asst_1",
    "attributes": {"year": 2024},
    "content": "hi",
    "file_id": "file_1",
    "items": [{"role": "user", "content": "hi"}],
    "metadata": {"a": "b"},
    "model": "gpt-4o",
    "purpose": "assistants",
    "query": "q",
    "role": "user",
    "tool_outputs": [],
}
"""A value for each field that a body needs."""


@pytest.mark.parametrize("operation", METHODS)
async def test_ids_and_queries_arrive_where_the_schema_has_them(
    mocked: aioresponses, client: AsyncClient, operation: str
) -> None:
    spec = OPERATIONS[operation]
    method = find(client, METHODS[operation])
    verb, path = operation.split(" ")
    given: dict[str, Any] = {name: f"id_{name}" for name in names(spec, "path")}
    url = URL(BASE + path.format_map(given))
    for name in names(spec, "query"):
        value: Any = 7 if name == "limit" else f"value of {name}"
        given[name.removesuffix("[]")] = [value] if name.endswith("[]") else value
        url = url.update_query({name: str(value)})
    required = [
        parameter.name
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY
    ]
    given |= {name: BODY[name] for name in required if name in BODY}
    if "file" in required:
        given["file"] = b"content"
    given.pop("stream", None)
    url = url.without_query_params("stream")
    mocked.add(str(url), verb, payload={"id": "x", "data": [], "output": []})

    await method(**given)

    (((sent, sent_url), (call,)),) = mocked.requests.items()
    assert (sent, sent_url.path) == (verb, url.path)
    assert sorted(sent_url.query.items()) == sorted(url.query.items())
    headers = call.kwargs["headers"]
    assert ("OpenAI-Beta" in headers) == path.startswith(("/assistants", "/threads", "/vector_stores"))
    if "file" not in required and call.kwargs["data"] is not None:
        assert json.loads(call.kwargs["data"]) == {name: BODY[name] for name in required if name in BODY}
