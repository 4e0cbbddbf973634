"""What checkers know of `with_raw_response`. Never run: mypy and basedpyright read it."""

from typing import assert_type

from asyncstream import AsyncClient, RawResponse
from asyncstream.resources.paging import ListPage
from asyncstream.types import Assistant, ChatCompletion, Message, Run, Thread


async def results_are_those_of_the_methods(client: AsyncClient) -> None:
    assert_type(await client.threads.with_raw_response.retrieve("t", timeout=3), RawResponse[Thread])
    assert_type((await client.threads.with_raw_response.retrieve(thread_id="t")).parse(), Thread)
    assert_type((await client.assistants.with_raw_response.create(model="m", name="n")).parse(), Assistant)
    assert_type((await client.threads.messages.with_raw_response.list("t", limit=3)).parse(), ListPage[Message])
    assert_type((await client.beta.threads.runs.with_raw_response.cancel("r", thread_id="t")).parse(), Run)
    raw = await client.chat.completions.with_raw_response.create(messages=[], model="m", temperature=0.5)
    assert_type(raw.parse(), ChatCompletion)
    assert_type(raw.request_id, str | None)


async def parameters_are_those_of_the_methods(client: AsyncClient) -> None:
    await client.threads.with_raw_response.retrieve(3)  # type: ignore[arg-type]  # an id is a string
    await client.assistants.with_raw_response.create(model="m", nam="n")  # type: ignore[call-arg]  # no such key
    await client.assistants.with_raw_response.create(name="n")  # type: ignore[call-arg]  # a model is needed


async def azure_takes_the_options_of_a_client(client: AsyncClient) -> None:
    async def token() -> str:
        return "token"

    assert_type(AsyncClient.azure("https://r.test", token=token, max_retries=1, timeout=3), AsyncClient)
    AsyncClient.azure("https://r.test", api_key="k", base_url="https://x")  # type: ignore[call-arg]  # endpoint is it
