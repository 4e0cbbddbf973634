"""The client: where it takes its key and server from, what it shares, what it closes."""

import asyncio
import pickle
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses
from multidict import CIMultiDict
from raw_server import Exchange, raw_server

from asyncstream.client import AsyncClient
from asyncstream.errors import ConfigurationError
from asyncstream.transport.timeout import Timeout

SECRET = "sk-very-secret-0123456789"
THREAD = b'{"id":"thread_1"}'


async def answer(exchange: Exchange) -> None:
    await exchange.reply(200, THREAD)


async def headers_of(client: AsyncClient, mocked: aioresponses) -> CIMultiDict[str]:
    mocked.post(f"{client.base_url}/threads", payload={"id": "thread_1"})
    await client.threads.create()
    (calls,) = mocked.requests.values()
    headers = calls[-1].kwargs["headers"]
    assert isinstance(headers, CIMultiDict)
    return headers


def test_without_a_key_both_ways_to_give_one_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"api_key=.*OPENAI_API_KEY"):
        AsyncClient()


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_key_in_the_environment_is_none(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", blank)

    with pytest.raises(ConfigurationError, match="no API key"):
        AsyncClient()


async def test_everything_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, mocked: aioresponses) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://env.test/v1/")
    monkeypatch.setenv("OPENAI_ORG_ID", "org_env")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj_env")

    async with AsyncClient() as client:
        headers = await headers_of(client, mocked)

    assert client.base_url == "http://env.test/v1"
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert (headers["OpenAI-Organization"], headers["OpenAI-Project"]) == ("org_env", "proj_env")


async def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch, mocked: aioresponses) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "env")
    monkeypatch.setenv("OPENAI_BASE_URL", "ftp://never-looked-at")

    async with AsyncClient(api_key="k", base_url="http://arg.test", organization="org_arg", project="") as client:
        headers = await headers_of(client, mocked)

    assert headers["Authorization"] == "Bearer k"
    assert headers["OpenAI-Organization"] == "org_arg"
    assert "OpenAI-Project" not in headers


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_without_a_base_url_it_is_openai_s(monkeypatch: pytest.MonkeyPatch, blank: str | None) -> None:
    if blank is not None:
        monkeypatch.setenv("OPENAI_BASE_URL", blank)

    assert AsyncClient(api_key="k").base_url == "https://api.openai.com/v1"


def test_a_wrong_base_url_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "localhost:8000")

    with pytest.raises(ConfigurationError, match="OPENAI_BASE_URL must be"):
        AsyncClient(api_key="k")


async def test_an_empty_key_sends_no_authorization(monkeypatch: pytest.MonkeyPatch, mocked: aioresponses) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)

    async with AsyncClient(api_key="", base_url="http://local.test") as client:
        assert "Authorization" not in await headers_of(client, mocked)


async def test_a_key_may_come_from_a_function(mocked: aioresponses) -> None:
    async def api_key() -> str:
        return "token"

    async with AsyncClient(api_key=api_key, base_url="http://local.test") as client:
        assert (await headers_of(client, mocked))["Authorization"] == "Bearer token"


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": f"{SECRET}\n"},
        {"api_key": 3},
        {"base_url": "ftp://x"},
        {"base_url": 3},
        {"organization": "org\r\nX-Evil: 1"},
        {"timeout": -1},
        {"timeout": "5"},
        {"max_retries": -1},
        {"max_retries": True},
        {"max_retries": 1.5},
        {"max_retries": None},
        {"default_headers": {"X": "a\nb"}},
        {"default_headers": {"X Y": "a"}},
        {"default_headers": [("X", "a")]},
        {"default_query": {"q": object()}},
        {"default_query": "a=b"},
        {"max_event_bytes": 0},
    ],
)
def test_a_wrong_argument_is_found_at_construction(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AsyncClient(**{"api_key": "k", **options})

    assert SECRET not in str(caught.value)


def test_a_client_shows_its_base_url_only() -> None:
    client = AsyncClient(api_key=SECRET, base_url="https://h/v1?key=secret", default_headers={"api-key": SECRET})

    assert repr(client) == "AsyncClient(base_url='https://h/v1')"


def test_nouns_are_made_once_and_beta_has_the_same() -> None:
    client = AsyncClient(api_key="k")

    assert client.threads is client.threads is client.beta.threads
    assert client.assistants is client.beta.assistants
    assert client.beta is client.beta


def test_a_client_can_be_made_without_a_running_loop() -> None:
    client = AsyncClient(api_key="k")

    async def use(url: str) -> str:
        return (await client.with_options(base_url=url).threads.create()).id

    async def main() -> str:
        async with raw_server(answer) as server, client:
            return await use(server.url)

    assert asyncio.run(main()) == "thread_1"


async def test_a_derived_client_shares_connections_and_closes_none() -> None:
    async with raw_server(answer) as server:
        client = AsyncClient(api_key=SECRET, base_url=server.url)
        derived = client.with_options(timeout=3, max_retries=0)
        await client.threads.create()
        async with derived:
            await derived.threads.create()
        await client.threads.create()

        assert not client.closed
        assert server.connections == 1
        await client.close()
        assert client.closed
        assert derived.closed
        with pytest.raises(ConfigurationError, match="the client is closed"):
            await derived.threads.create()


async def test_a_derived_client_keeps_what_it_is_not_told(mocked: aioresponses) -> None:
    client = AsyncClient(
        api_key=SECRET,
        base_url="http://a.test",
        organization="org",
        default_headers={"X-A": "1", "X-B": "1"},
        default_query={"a": 1},
    )
    derived = client.with_options(base_url="http://b.test", default_headers={"X-B": "2"}, default_query={"b": 2})
    mocked.post("http://b.test/threads?a=1&b=2", payload={"id": "thread_1"})

    async with client:
        await derived.threads.create()

    (calls,) = mocked.requests.values()
    headers = calls[0].kwargs["headers"]
    assert (headers["X-A"], headers["X-B"], headers["OpenAI-Organization"]) == ("1", "2", "org")
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert client.base_url == "http://a.test"


async def test_a_derived_client_with_a_session_is_on_its_own() -> None:
    async with raw_server(answer) as server, aiohttp.ClientSession() as session:
        client = AsyncClient(api_key=SECRET, base_url=server.url)
        derived = client.with_options(session=session)
        await client.close()

        assert (await derived.threads.create()).id == "thread_1"
        await derived.close()
        assert not session.closed


async def test_a_given_session_is_never_closed() -> None:
    async with raw_server(answer) as server, aiohttp.ClientSession() as session:
        async with AsyncClient(api_key=SECRET, base_url=server.url, session=session) as client:
            await client.threads.create()

        assert not session.closed
        assert client.closed


async def test_a_client_may_be_closed_twice_or_unused() -> None:
    client = AsyncClient(api_key="k")

    await client.close()
    await client.close()

    with pytest.raises(ConfigurationError, match="the client is closed"):
        await client.threads.create()


async def test_a_call_s_own_options_come_last() -> None:
    async with raw_server(answer) as server:
        client = AsyncClient(
            api_key=SECRET, base_url=f"{server.url}?api-version=1", default_headers={"X-A": "client"}, timeout=Timeout()
        )
        async with client:
            await client.threads.create(
                metadata={"a": "b"},
                extra_headers={"x-a": "call", "OpenAI-Beta": None},
                extra_query={"api-version": "2", "x": [1]},
                extra_body={"odd": True},
                timeout=3,
            )

    (exchange,) = server.requests
    assert exchange.target == "/threads?api-version=2&x%5B%5D=1"
    assert exchange.headers["x-a"] == "call"
    assert "openai-beta" not in exchange.headers
    assert exchange.body == b'{"metadata":{"a":"b"},"odd":true}'


def test_a_client_cannot_be_pickled_with_its_key() -> None:
    with pytest.raises(TypeError, match="instead of pickling it"):
        pickle.dumps(AsyncClient(api_key=SECRET))
