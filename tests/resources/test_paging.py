"""Lists in pages: one request, awaited or iterated."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aioresponses import aioresponses

from asyncstream.client import AsyncClient
from asyncstream.errors import APIResponseValidationError, ConfigurationError, NotFoundError

LIST = "http://api.test/v1/threads/t/messages"


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(api_key="k", base_url="http://api.test/v1") as client:
        yield client


def page(*ids: str, **more: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": id} for id in ids], **more}


def count(mocked: aioresponses) -> int:
    return sum(len(calls) for calls in mocked.requests.values())


async def ids(client: AsyncClient, **options: Any) -> list[str]:
    return [message.id async for message in client.threads.messages.list("t", **options)]


async def test_awaiting_gives_one_page(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(f"{LIST}?limit=2&order=asc", payload=page("a", "b", first_id="a", last_id="b", has_more=True))

    first = await client.threads.messages.list("t", limit=2, order="asc")

    assert [message.id for message in first.data] == ["a", "b"]
    assert (first.first_id, first.last_id, first.has_more, first.has_next_page()) == ("a", "b", True, True)
    assert repr(first) == "ListPage(2 items, has_more=True)"


async def test_nothing_is_sent_before_it_is_asked_for(mocked: aioresponses, client: AsyncClient) -> None:
    request = client.threads.messages.list("t")

    assert repr(request) == "ListRequest(Request(GET /threads/t/messages))"
    assert not mocked.requests


async def test_iterating_gives_the_items_of_all_pages(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(f"{LIST}?limit=2", payload=page("a", "b", last_id="b", has_more=True))
    mocked.get(f"{LIST}?limit=2&after=b", payload=page("c", "d", last_id="d", has_more=True))
    mocked.get(f"{LIST}?limit=2&after=d", payload=page("e", last_id="e", has_more=False))

    assert await ids(client, limit=2) == ["a", "b", "c", "d", "e"]


async def test_a_page_can_be_gone_on_from(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(LIST, payload=page("a", has_more=True))
    mocked.get(f"{LIST}?after=a", payload=page("b", has_more=False), repeat=True)

    first = await client.threads.messages.list("t")

    assert [message.id for message in (await first.get_next_page()).data] == ["b"]
    assert [message.id async for message in first] == ["a", "b"]
    assert [len(each.data) async for each in first.iter_pages()] == [1, 1]


async def test_a_request_gives_pages_too(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(LIST, payload=page("a", has_more=True))
    mocked.get(f"{LIST}?after=a", payload=page("b", has_more=False))

    pages = [each async for each in client.threads.messages.list("t").iter_pages()]

    assert [each.last_id for each in pages] == ["a", "b"]


async def test_the_given_query_stays_on_all_pages(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(f"{LIST}?run_id=r&after=z&x=1", payload=page("a", has_more=True))
    mocked.get(f"{LIST}?run_id=r&after=a&x=1", payload=page("b", has_more=False))

    assert await ids(client, run_id="r", after="z", extra_query={"x": 1}) == ["a", "b"]


async def test_without_has_more_an_empty_page_is_the_last(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(LIST, payload=page("a"))
    mocked.get(f"{LIST}?after=a", payload=page("b"))
    mocked.get(f"{LIST}?after=b", payload=page())

    assert await ids(client) == ["a", "b"]


@pytest.mark.parametrize("empty", [[], None])
async def test_an_empty_list_is_one(mocked: aioresponses, client: AsyncClient, empty: object) -> None:
    mocked.get(LIST, payload={"object": "list", "data": empty}, repeat=True)

    first = await client.threads.messages.list("t")

    assert first.data == []
    assert await ids(client) == []
    with pytest.raises(ConfigurationError, match="no next page"):
        await first.get_next_page()


async def test_a_repeated_cursor_is_an_error_before_its_items_are_given(
    mocked: aioresponses, client: AsyncClient
) -> None:
    mocked.get(LIST, payload=page("a", "b", has_more=True))
    mocked.get(f"{LIST}?after=b", payload=page("a", "b", has_more=True))
    items = aiter(client.threads.messages.list("t"))

    assert [(await anext(items)).id, (await anext(items)).id] == ["a", "b"]
    with pytest.raises(APIResponseValidationError, match="page 2 of the list ends with 'b', as one before it"):
        await anext(items)
    assert count(mocked) == 2


async def test_a_longer_circle_is_an_error_too(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(LIST, payload=page("a", has_more=True))
    mocked.get(f"{LIST}?after=a", payload=page("b", has_more=True))
    mocked.get(f"{LIST}?after=b", payload=page("a", has_more=True))

    with pytest.raises(APIResponseValidationError, match="page 3 of the list ends with 'a'"):
        await ids(client)


async def test_a_list_without_what_is_around_it_is_one_page(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(LIST, payload=[{"id": "a"}, {"id": "b"}])

    assert await ids(client) == ["a", "b"]


async def test_a_page_without_items_that_promises_more_is_an_error(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(LIST, payload=page(has_more=True))

    with pytest.raises(APIResponseValidationError, match="no last id"):
        await ids(client)


@pytest.mark.parametrize("body", [{}, {"error": {"message": "m"}}, {"message": "m"}, {"data": "x"}])
async def test_what_is_no_list_is_an_error_and_no_empty_list(
    mocked: aioresponses, client: AsyncClient, body: object
) -> None:
    mocked.get(LIST, payload=body)

    with pytest.raises(APIResponseValidationError, match=r"\Aexpected a list of \w+ objects as JSON") as caught:
        await ids(client)
    assert "ListAnswer" not in str(caught.value)


async def test_an_error_status_is_raised_by_both_uses(mocked: aioresponses, client: AsyncClient) -> None:
    mocked.get(LIST, status=404, repeat=True)

    with pytest.raises(NotFoundError):
        await client.threads.messages.list("t")
    with pytest.raises(NotFoundError):
        await ids(client)


@pytest.mark.parametrize("more", [{"first_id": "a", "last_id": "b", "has_more": True}, {"has_more": False}, {}])
async def test_a_page_is_given_as_plain_data_as_the_wire_had_it(
    mocked: aioresponses, client: AsyncClient, more: dict[str, Any]
) -> None:
    sent = page("file-1", "file-2", **more)
    for item in sent["data"]:
        item.update(
            object="file", filename="Ünder.txt", bytes=3, created_at=5, purpose="assistants", status="processed"
        )
    mocked.get("http://api.test/v1/files", payload=sent)

    found = await client.files.list()

    assert found.to_dict() == sent
    assert json.loads(found.to_json()) == sent
    assert "Ünder.txt" in found.to_json()
    assert "\n" not in found.to_json(indent=None)
