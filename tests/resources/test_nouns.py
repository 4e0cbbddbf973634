"""What all nouns have in common: where they are found, and which ids they refuse."""

import inspect
import re
from collections.abc import AsyncIterator

import pytest
from aioresponses import aioresponses
from test_spec import BODY, METHODS, find

from asyncstream.client import AsyncClient
from asyncstream.errors import ConfigurationError, PollTimeoutError
from asyncstream.types import FileObject

BASE = "http://api.test/v1"

IDS = [(operation, name) for operation in METHODS for name in re.findall(r"{(\w+)}", operation)]


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(api_key="k", base_url=BASE, max_retries=0) as client:
        yield client


async def test_beta_has_the_same_nouns(client: AsyncClient) -> None:
    assert client.beta.assistants is client.assistants
    assert client.beta.threads is client.threads
    assert client.beta.threads.runs.steps is client.threads.runs.steps
    assert client.beta.vector_stores is client.vector_stores
    assert client.beta.vector_stores.file_batches is client.vector_stores.file_batches


@pytest.mark.parametrize("bad", ["", " ", "a/b", "..", "../x", "a\rb", "a\nb", "a\0b"])
@pytest.mark.parametrize(("operation", "name"), IDS)
async def test_bad_ids_are_refused_before_anything_is_sent(
    mocked: aioresponses, client: AsyncClient, operation: str, name: str, bad: str
) -> None:
    method = find(client, METHODS[operation])
    given = {
        parameter.name: BODY.get(parameter.name, "id")
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }

    with pytest.raises(ConfigurationError, match=name):
        await method(**{**given, name: bad})

    assert not mocked.requests


# Files that the server looks at.


@pytest.mark.parametrize("status", ["processed", "error", "deleted", "something new"])
async def test_waiting_for_processing_ends_with_a_status_that_lasts(
    mocked: aioresponses, client: AsyncClient, status: str
) -> None:
    seen: list[str] = []
    for each in ("uploaded", "pending", "running", status):
        mocked.get(f"{BASE}/files/file_1", payload={"id": "file_1", "status": each})

    file = await client.files.wait_for_processing(
        "file_1", poll_interval_ms=0, on_poll=lambda file: seen.append(file.status)
    )

    assert file == FileObject(id="file_1", status=status)
    assert seen == ["uploaded", "pending", "running", status]


async def test_waiting_for_processing_has_a_deadline(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(f"{BASE}/files/file_1", payload={"id": "file_1", "status": "uploaded"}, repeat=True)

    with pytest.raises(PollTimeoutError) as late:
        await client.files.wait_for_processing("file_1", poll_interval_ms=1, poll_timeout=0.01)

    assert late.value.last == FileObject(id="file_1", status="uploaded")


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf")])
async def test_a_bad_interval_or_deadline_is_refused(mocked: aioresponses, client: AsyncClient, bad: float) -> None:
    with pytest.raises(ConfigurationError, match="poll_interval_ms"):
        await client.files.wait_for_processing("file_1", poll_interval_ms=bad)
    with pytest.raises(ConfigurationError, match="poll_timeout"):
        await client.files.wait_for_processing("file_1", poll_timeout=bad)

    assert not mocked.requests
