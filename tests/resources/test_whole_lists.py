"""Lists in one piece: used as all lists are, and never asked for a second page."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aioresponses import aioresponses

from asyncstream.client import AsyncClient
from asyncstream.errors import APIResponseValidationError, ConfigurationError
from asyncstream.types import FileContentResponse, Model, VectorStoreSearchContent, VectorStoreSearchResponse

BASE = "http://api.test/v1"


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(api_key="k", base_url=BASE) as client:
        yield client


def count(mocked: aioresponses) -> int:
    return sum(len(calls) for calls in mocked.requests.values())


@pytest.mark.parametrize("more", [{}, {"has_more": False}, {"has_more": True, "first_id": "a", "last_id": "b"}])
async def test_models_are_one_page(mocked: aioresponses, client: AsyncClient, more: dict[str, Any]) -> None:
    mocked.get(f"{BASE}/models", payload={"object": "list", "data": [{"id": "a"}, {"id": "b"}], **more}, repeat=True)

    page = await client.models.list()

    assert page.data == [Model(id="a"), Model(id="b")]
    assert not page.has_next_page()
    with pytest.raises(ConfigurationError, match="no next page"):
        await page.get_next_page()
    assert [model.id async for model in page] == ["a", "b"]
    assert [model.id async for model in client.models.list()] == ["a", "b"]
    assert [len(page.data) async for page in client.models.list().iter_pages()] == [2]
    assert count(mocked) == 3


async def test_a_list_without_what_is_around_it_is_read(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(f"{BASE}/models", payload=[{"id": "a", "pricing": {"hourly": 0}}, {"id": "b"}])

    assert [model.id async for model in client.models.list()] == ["a", "b"]


async def test_an_error_in_a_list_is_none(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(f"{BASE}/models", payload=[{"error": {"message": "no key"}}])

    with pytest.raises(APIResponseValidationError, match=r"expected a list of Model objects as JSON.*: no key"):
        await client.models.list()


async def test_a_search_gives_its_results_and_the_queries_made_of_it(mocked: aioresponses, client: AsyncClient) -> None:
    found = {
        "object": "vector_store.search_results.page",
        "search_query": ["return policy"],
        "data": [
            {
                "file_id": "file_1",
                "filename": "policy.md",
                "score": 0.95,
                "attributes": {"year": 2024, "draft": False, "author": "Ada"},
                "content": [{"type": "text", "text": "Within 30 days."}],
            }
        ],
        "has_more": True,
        "next_page": "token",
    }
    mocked.post(f"{BASE}/vector_stores/vs_1/search", payload=found, repeat=True)

    page = await client.vector_stores.search("vs_1", query="can I return it?", rewrite_query=True)

    assert page.data == [
        VectorStoreSearchResponse(
            file_id="file_1",
            filename="policy.md",
            score=0.95,
            attributes={"year": 2024, "draft": False, "author": "Ada"},
            content=[VectorStoreSearchContent(type="text", text="Within 30 days.")],
        )
    ]
    assert (page.search_query, page.has_more, page.next_page) == (["return policy"], True, "token")
    assert [result.filename async for result in client.vector_stores.search("vs_1", query=["a", "b"])] == ["policy.md"]
    assert [call.kwargs["data"] for calls in mocked.requests.values() for call in calls] == [
        b'{"query":"can I return it?","rewrite_query":true}',
        b'{"query":["a","b"]}',
    ]


async def test_the_text_of_a_file_comes_in_pieces(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(
        f"{BASE}/vector_stores/vs_1/files/file_1/content",
        payload={
            "object": "vector_store.file_content.page",
            "data": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
            "has_more": False,
            "next_page": None,
        },
    )

    page = await client.vector_stores.files.content("file_1", vector_store_id="vs_1")

    assert page.data == [FileContentResponse(type="text", text="one"), FileContentResponse(type="text", text="two")]


@pytest.mark.parametrize("body", [{}, {"error": {"message": "m"}}, {"data": "x"}])
async def test_what_is_no_list_is_an_error(mocked: aioresponses, client: AsyncClient, body: object) -> None:
    mocked.get(f"{BASE}/models", payload=body)

    with pytest.raises(APIResponseValidationError):
        await client.models.list()
