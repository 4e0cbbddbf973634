"""Keywords that no request has, and texts where a list belongs, are refused before anything is sent."""

import inspect

import pytest
from public_calls import ARGUMENTS, find, methods
from raw_server import raw_server

from asyncstream import ArgumentError, AsyncClient, ConfigurationError

MESSAGES = [{"role": "user", "content": "hi"}]


async def refused(call) -> str:
    """Return how a call is refused; nothing may be sent."""

    async def never(exchange) -> None:
        raise AssertionError("a request was sent")

    async with raw_server(never) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        with pytest.raises(ArgumentError) as caught:
            made = call(client)
            if inspect.isawaitable(made):
                await made
        assert [] == server.requests
    assert isinstance(caught.value, ConfigurationError)
    assert isinstance(caught.value, TypeError)
    return str(caught.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: c.chat.completions.create(model="m", messages=MESSAGES, temprature=1), "did you mean 'temperature'"),
        (lambda c: c.chat.completions.stream(model="m", messages=MESSAGES, max_token=1), "did you mean 'max_tokens'"),
        (lambda c: c.chat.completions.create(model="m", messages=MESSAGES, time_out=1), "did you mean 'timeout'"),
        (lambda c: c.chat.completions.create(model="m", messages=MESSAGES, zzz=1), "extra_body="),
        (lambda c: c.threads.runs.create("t", assistant_id="a", instruction="x"), "did you mean 'instructions'"),
        (lambda c: c.threads.runs.stream("t", assistant_id="a", event_handlers=1), "did you mean 'event_handler'"),
        (lambda c: c.threads.create(message=[]), "did you mean 'messages'"),
        (lambda c: c.threads.create_and_run(assistant_id="a", thread={"mesages": []}), "did you mean 'messages'"),
        (lambda c: c.chat.completions.create(model="m", messages="hi"), "messages must be a list"),
        (lambda c: c.threads.create(messages="hi"), "messages must be a list"),
        (lambda c: c.threads.create_and_run(assistant_id="a", thread={"messages": "hi"}), "messages must be a list"),
        (lambda c: c.threads.runs.create("t", assistant_id="a", tools="search"), "tools must be a list"),
        (
            lambda c: c.threads.runs.submit_tool_outputs("r", thread_id="t", tool_outputs="x"),
            "tool_outputs must be a list",
        ),
        (
            lambda c: c.vector_stores.file_batches.create("vs", file_ids="file-1"),
            "file_ids must be a list",
        ),
    ],
)
async def test_what_cannot_be_meant_is_refused_with_what_may_be(call, words):
    assert words in await refused(call)


async def test_what_is_not_known_yet_can_be_sent():
    async def answer(exchange) -> None:
        await exchange.reply(200, b'{"id":"c","choices":[],"created":0,"model":"m"}', content_type="application/json")

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        await client.chat.completions.create(model="m", messages=MESSAGES, extra_body={"temprature": 1})

        assert b'"temprature":1' in server.requests[0].body


OPEN = [
    path
    for path in methods(AsyncClient(api_key="k"))
    if "with_raw_response" not in path
    and any(
        parameter.kind is parameter.VAR_KEYWORD
        for parameter in inspect.signature(find(AsyncClient(api_key="k"), path)).parameters.values()
    )
]
"""Every method that takes the members of a body as keywords."""


@pytest.mark.parametrize("path", OPEN)
async def test_every_method_refuses_what_no_body_has_before_anything_is_sent(path):
    def call(client: AsyncClient) -> object:
        method = find(client, path)
        needed = [
            name
            for name, parameter in inspect.signature(method).parameters.items()
            if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
        ]
        values = {name: b"x" if name == "file" else ARGUMENTS.get(name, f"{name}_1") for name in needed}
        return method(**values, metadatta={})

    assert "unknown keyword 'metadatta'" in await refused(call)


def test_methods_with_open_keywords_are_found():
    assert len(OPEN) > 20
