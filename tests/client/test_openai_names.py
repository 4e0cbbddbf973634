"""`AsyncOpenAI`, `AsyncAzureOpenAI`, `OpenAIError`: openai-python's names, its arguments as they are meant there."""

import pytest
from raw_server import Exchange, raw_server

import asyncstream
from asyncstream import AsyncAzureOpenAI, AsyncClient, AsyncOpenAI, ConfigurationError, OpenAIError

MESSAGES = [{"role": "user", "content": "hi"}]
ANSWER = b'{"id":"c","object":"chat.completion","created":0,"model":"m","choices":[]}'


async def call(**options) -> Exchange:
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, ANSWER, content_type="application/json")

    async with raw_server(answer) as server:
        address = server.url.removesuffix("/v1")
        options = {
            name: value.replace("ADDRESS", address) if isinstance(value, str) else value
            for name, value in options.items()
        }
        async with AsyncAzureOpenAI(max_retries=0, **options) as client:
            await client.chat.completions.create(model="gpt", messages=MESSAGES)
        return server.requests[0]


def test_the_names_are_the_package_s_own():
    assert AsyncOpenAI is AsyncClient
    assert OpenAIError is asyncstream.AsyncStreamError
    assert {"AsyncOpenAI", "AsyncAzureOpenAI", "OpenAIError"} <= set(dir(asyncstream))


@pytest.mark.parametrize("make", [AsyncOpenAI, AsyncAzureOpenAI])
def test_a_client_of_httpx_is_refused_with_a_word_of_what_to_give(make):
    endpoint = {} if make is AsyncOpenAI else {"azure_endpoint": "https://a.example"}
    with pytest.raises(ConfigurationError, match="session="):
        make(api_key="k", http_client=object(), **endpoint)


@pytest.mark.parametrize(
    ("options", "target"),
    [
        ({"azure_endpoint": "ADDRESS"}, "/openai/deployments/gpt/chat/completions"),
        ({"azure_endpoint": "ADDRESS/"}, "/openai/deployments/gpt/chat/completions"),
        ({"azure_endpoint": "ADDRESS", "azure_deployment": "mine"}, "/openai/deployments/mine/chat/completions"),
        ({"base_url": "ADDRESS/openai"}, "/openai/deployments/gpt/chat/completions"),
        ({"base_url": "ADDRESS/openai/deployments/mine"}, "/openai/deployments/mine/chat/completions"),
        ({"base_url": "ADDRESS/gateway"}, "/gateway/deployments/gpt/chat/completions"),
    ],
)
async def test_azure_is_called_where_openai_python_calls_it(options, target):
    exchange = await call(api_key="k", api_version="2024-10-21", **options)

    assert f"{target}?api-version=2024-10-21" == exchange.target
    assert "k" == exchange.headers["api-key"]


async def provide() -> str:
    return "fresh"


@pytest.mark.parametrize(
    ("options", "token"),
    [
        ({"azure_ad_token": "given"}, "given"),
        ({"azure_ad_token_provider": provide}, "fresh"),
        ({"azure_ad_token_provider": lambda: "plain"}, "plain"),
    ],
)
async def test_a_token_of_azure_s_goes_where_it_belongs(options, token):
    exchange = await call(azure_endpoint="ADDRESS", api_version="2024-10-21", **options)

    assert f"Bearer {token}" == exchange.headers["authorization"]
    assert "api-key" not in exchange.headers


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"azure_endpoint": "https://a.example", "base_url": "https://b.example"}, "base_url and azure_endpoint"),
        ({"azure_ad_token": "t", "azure_ad_token_provider": provide}, "azure_ad_token_provider"),
        ({"azure_endpoint": "https://a.example"}, "no credential"),
        ({"api_key": "k"}, "no endpoint"),
    ],
)
def test_what_azure_cannot_be_called_with_is_refused(options, words, monkeypatch):
    for name in ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ConfigurationError, match=words):
        AsyncAzureOpenAI(api_version="2024-10-21", **options)


async def test_a_derived_client_of_azure_s_is_one():
    async with AsyncAzureOpenAI(api_key="k", azure_endpoint="https://a.example", api_version="2024-10-21") as client:
        derived = client.with_options(timeout=3)

    assert isinstance(derived, AsyncAzureOpenAI)
    assert derived.base_url == client.base_url
