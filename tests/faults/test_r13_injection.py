r"""R13: "CR/LF/NUL in key, headers, ids: refused before a byte is sent." And in all else that becomes part of a head:
queries, base URL, organization, project, idempotency key, media types and names of files, and the environment.

What is refused may be a secret with a line end behind it, as read from a file: the error does not repeat it.
"""

import traceback
from collections.abc import Callable
from typing import Any

import pytest
from raw_server import Exchange, raw_server

from asyncstream import AsyncClient, ConfigurationError

pytestmark = pytest.mark.faults

SECRET = "sk-very-secret-0123456789"
BREAKS = ["\r", "\n", "\r\n", "\0", "\r\nX-Evil: 1", "\n\nGET /evil HTTP/1.1\r\n\r\n", "\r\n\t folded"]
MESSAGES: list[Any] = [{"role": "user", "content": "hi"}]


async def retrieve(**options: Any) -> object:
    async with AsyncClient(**{"api_key": "k", "max_retries": 0, **options}) as client:
        return await client.threads.retrieve("thread_1")


def called(call: Callable[[AsyncClient, str], Any]) -> Callable[[str, str], Any]:
    """Return a case whose bad value goes to a call of a good client."""

    async def case(url: str, bad: str) -> object:
        async with AsyncClient(api_key="k", base_url=url, max_retries=0) as client:
            return await call(client, bad)

    return case


async def from_function(url: str, bad: str) -> object:
    async def api_key() -> str:
        return bad

    return await retrieve(base_url=url, api_key=api_key)


async def azure(url: str, bad: str, **options: Any) -> object:
    given = {"endpoint": url, "api_version": "2024-10-21", "api_key": "k", "max_retries": 0, **options}
    async with AsyncClient.azure(**given) as client:
        return await client.chat.completions.create(model="m", messages=MESSAGES)


async def enter(stream: Any) -> object:
    async with stream as entered:
        return await entered.until_done()


CASES: dict[str, Callable[[str, str], Any]] = {
    "api_key": lambda url, bad: retrieve(base_url=url, api_key=bad),
    "api_key()": from_function,
    "organization": lambda url, bad: retrieve(base_url=url, organization=bad),
    "project": lambda url, bad: retrieve(base_url=url, project=bad),
    "base_url, path": lambda url, bad: retrieve(base_url=f"{url}/{bad}"),
    "base_url, query": lambda url, bad: retrieve(base_url=f"{url}/?a={bad}"),
    "base_url, end": lambda url, bad: retrieve(base_url=f"{url}{bad}"),
    "default_headers, value": lambda url, bad: retrieve(base_url=url, default_headers={"X-Key": bad}),
    "default_headers, name": lambda url, bad: retrieve(base_url=url, default_headers={f"X{bad}": "1"}),
    "default_query, value": lambda url, bad: retrieve(base_url=url, default_query={"sig": bad}),
    "default_query, list": lambda url, bad: retrieve(base_url=url, default_query={"sig": ["a", bad]}),
    "default_query, name": lambda url, bad: retrieve(base_url=url, default_query={bad: "1"}),
    "with_options": called(lambda client, bad: client.with_options(api_key=bad).threads.retrieve("thread_1")),
    "extra_headers, value": called(
        lambda client, bad: client.threads.retrieve("thread_1", extra_headers={"Authorization": f"Bearer {bad}"})
    ),
    "extra_headers, name": called(lambda client, bad: client.threads.retrieve("t", extra_headers={bad: "1"})),
    "idempotency key": called(
        lambda client, bad: client.threads.create(extra_headers={"Idempotency-Key": bad}),
    ),
    "extra_query, value": called(lambda client, bad: client.threads.retrieve("t", extra_query={"sig": bad})),
    "extra_query, name": called(lambda client, bad: client.threads.retrieve("t", extra_query={bad: "1"})),
    "query": called(lambda client, bad: client.files.list(after=bad)),
    "thread_id": called(lambda client, bad: client.threads.retrieve(bad)),
    "run_id": called(lambda client, bad: client.threads.runs.retrieve(bad, thread_id="t")),
    "thread_id of a stream": called(lambda client, bad: enter(client.threads.runs.stream(bad, assistant_id="a"))),
    "file_id": called(lambda client, bad: client.files.content(bad)),
    "extra_headers of a stream": called(
        lambda client, bad: enter(
            client.chat.completions.stream(model="m", messages=MESSAGES, extra_headers={"X-Key": bad})
        )
    ),
    "name of a file": called(lambda client, bad: client.files.create(file=(bad, b"x"), purpose="assistants")),
    "media type of a file": called(
        lambda client, bad: client.files.create(file=("a.txt", b"x", f"text/plain; a={bad}"), purpose="assistants")
    ),
    "name of a form field": called(
        lambda client, bad: client.files.create(file=("a", b"x"), purpose="assistants", extra_body={bad: "1"})
    ),
    "azure key": lambda url, bad: azure(url, bad, api_key=bad),
    "azure token": lambda url, bad: azure(url, bad, api_key=None, token=bad),
    "azure deployment": lambda url, bad: azure(url, bad, deployment=bad),
    "azure version": lambda url, bad: azure(url, bad, api_version=bad),
    "azure endpoint": lambda url, bad: azure(url, bad, endpoint=f"{url}/{bad}"),
}


def everything_said(error: BaseException) -> str:
    said = "".join(traceback.format_exception(error))
    below: BaseException | None = error
    while below is not None:
        said += f"{below!s} {below!r} {vars(below)!r}"
        below = below.__cause__ or below.__context__
    return said


@pytest.mark.parametrize("line_end", BREAKS)
@pytest.mark.parametrize("name", CASES)
async def test_line_ends_and_nul_are_refused_before_a_byte_is_sent(name, line_end):
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(200, b'{"id":"x","choices":[]}')

    async with raw_server(handler) as server:
        with pytest.raises(ConfigurationError) as caught:
            await CASES[name](server.url, f"{SECRET}{line_end}")

    assert type(caught.value) is ConfigurationError
    assert server.connections == 0
    # Ids and names are told: they are what is to be looked for, and no secrets.
    if not name.endswith(("_id", "name", "of a stream", "of a file", "form field", "deployment")):
        assert SECRET not in everything_said(caught.value)


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_BASE_URL"])
@pytest.mark.parametrize("line_end", ["\rx", "\nx", "\r\nX-Evil: 1"])
async def test_environment_is_held_to_the_same(monkeypatch, variable, line_end):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    begin = "http://127.0.0.1:1/" if variable == "OPENAI_BASE_URL" else ""
    monkeypatch.setenv(variable, f"{begin}{SECRET}{line_end}")

    with pytest.raises(ConfigurationError) as caught:
        AsyncClient()
    assert SECRET not in everything_said(caught.value)


async def test_line_end_that_a_file_leaves_behind_a_key_in_the_environment_is_taken_off(monkeypatch):
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(200, b'{"id":"thread_1"}')

    monkeypatch.setenv("OPENAI_API_KEY", f"{SECRET}\n")
    async with raw_server(handler) as server, AsyncClient(base_url=server.url) as client:
        await client.threads.retrieve("thread_1")

    assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("id", ["../x", "..", "a/../b", "a/b", "/", ".", "", " ", "\ud800"])
async def test_id_that_leads_elsewhere_is_refused(id):
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(200, b'{"id":"thread_1"}')

    async with raw_server(handler) as server:
        async with AsyncClient(api_key="k", base_url=server.url) as client:
            with pytest.raises(ConfigurationError, match="thread_id"):
                await client.threads.retrieve(id)

    assert server.connections == 0


async def test_line_ends_in_a_body_are_data():
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(200, b'{"id":"x","choices":[]}')

    async with raw_server(handler) as server:
        async with AsyncClient(api_key="k", base_url=server.url) as client:
            messages: Any = [{"role": "user", "content": "a\r\n\r\nb\0"}]
            await client.chat.completions.create(model="m", messages=messages)

    assert rb"a\r\n\r\nb\u0000" in server.requests[0].body
