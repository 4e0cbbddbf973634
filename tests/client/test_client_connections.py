"""How a client connects: through proxies, with the user's TLS, connector or session."""

import asyncio
import base64
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from assistants_wire import DONE, HELLO, stream
from raw_server import Exchange, raw_server

from asyncstream.client import AsyncClient
from asyncstream.errors import APIConnectionError, ConfigurationError

SECRET = "sk-very-secret-0123456789"
PASSWORD = "proxy-secret-0123456789"
THREAD = b'{"id":"thread_1"}'


async def answer(exchange: Exchange) -> None:
    if b'"stream":true' in exchange.body:
        await stream(exchange, *HELLO, DONE)
    else:
        await exchange.reply(200, THREAD)


@asynccontextmanager
async def proxied(url: str, **options: Any) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(api_key=SECRET, base_url=url, **options) as client:
        yield client


# Proxies. This one knows no CONNECT: it is asked for whole URLs and answers them itself.


async def test_a_proxy_is_asked_for_the_whole_url_with_its_own_password() -> None:
    async with raw_server(answer) as proxy:
        address = proxy.url.replace("http://", f"http://user:{PASSWORD}@")
        async with proxied("http://api.test/v1", proxy=address) as client:
            assert (await client.threads.create()).id == "thread_1"
            async with client.threads.runs.stream("t", assistant_id="a") as run:
                assert (await run.get_final_run()).status == "completed"

    first, second = proxy.requests
    assert first.target == "http://api.test/v1/threads"
    assert second.target == "http://api.test/v1/threads/t/runs"
    assert first.headers["proxy-authorization"] == "Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    assert first.headers["authorization"] == f"Bearer {SECRET}"
    assert PASSWORD not in repr(client)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("with_scheme", [True, False])
async def test_the_environment_is_trusted_on_request_only(
    monkeypatch: pytest.MonkeyPatch, name: str, with_scheme: bool
) -> None:
    async with raw_server(answer) as proxy, raw_server(answer) as server:
        monkeypatch.setenv(name, proxy.url if with_scheme else proxy.url.removeprefix("http://"))
        async with proxied(server.url) as client:
            await client.threads.create()
            async with client.with_options(trust_env=True) as trusting:
                await trusting.threads.create()

    assert len(server.requests) == 1
    assert [f"{server.url}/threads"] == [exchange.target for exchange in proxy.requests]


@pytest.mark.parametrize("exceptions", ["other.test,127.0.0.1", "127.0.0.0/8"])
async def test_no_proxy_names_exceptions(monkeypatch: pytest.MonkeyPatch, exceptions: str) -> None:
    async with raw_server(answer) as proxy, raw_server(answer) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", exceptions)
        async with proxied(server.url, trust_env=True) as client:
            await client.threads.create()

    assert (len(server.requests), len(proxy.requests)) == (1, 0)


async def test_a_proxy_that_cannot_be_used_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(answer) as server:
        monkeypatch.setenv("ALL_PROXY", f"socks5://user:{PASSWORD}@127.0.0.1:1080")
        async with proxied(server.url, trust_env=True) as client:
            with pytest.raises(ConfigurationError, match="ALL_PROXY has the scheme 'socks5'"):
                await client.threads.create()

    assert not server.connections


async def test_an_entry_in_netrc_does_not_replace_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))

    async with raw_server(answer) as server, proxied(server.url, trust_env=True) as client:
        await client.threads.create()

    assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"


async def test_a_broken_proxy_is_named_without_its_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://user:{PASSWORD}@127.0.0.1:{unused.getsockname()[1]}"
        async with proxied("http://api.test", proxy=address, max_retries=0) as client:
            with pytest.raises(APIConnectionError, match=r"no connection to the proxy for api\.test:80") as caught:
                await client.threads.create()

    assert PASSWORD not in f"{caught.value!r} {caught.value.__cause__!r}"


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_an_own_context_decides_whose_certificates_are_trusted(authority: trustme.CA) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)

    async with raw_server(answer, server_context(authority)) as server:
        async with proxied(server.url, ssl_context=context) as client:
            assert (await client.threads.create()).id == "thread_1"
            async with client.threads.runs.stream("t", assistant_id="a") as run:
                await run.until_done()
        async with proxied(server.url) as client:
            with pytest.raises(APIConnectionError, match=r"certificate of 127\.0\.0\.1"):
                await client.threads.create()


async def test_an_own_context_can_show_a_certificate(authority: trustme.CA) -> None:
    theirs = server_context(authority)
    theirs.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    authority.issue_cert("client.test").configure_cert(ours)

    async with raw_server(answer, theirs) as server, proxied(server.url, ssl_context=ours) as client:
        assert (await client.threads.create()).id == "thread_1"


# The user's connector and session


async def closed_after_one(exchange: Exchange) -> None:
    await exchange.reply(200, THREAD)
    exchange.fin()


async def test_a_connector_is_used_and_never_closed() -> None:
    async with raw_server(answer) as server:
        connector = aiohttp.TCPConnector(limit=1)
        async with proxied(server.url, connector=connector) as client:
            await client.threads.create()
            await asyncio.gather(*(client.threads.create() for _ in range(5)))
        assert server.connections == 1
        assert not connector.closed
        async with proxied(server.url, connector=connector) as client:
            await client.threads.create()
        assert server.connections == 1
        await connector.close()

        async with proxied(server.url, connector=connector) as client:
            with pytest.raises(ConfigurationError, match="connector that was given to the client is closed"):
                await client.threads.create()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
async def test_a_connector_may_lead_to_a_unix_socket(tmp_path: Path) -> None:
    path = os.fspath(tmp_path / "s")

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n" + THREAD)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_unix_server(converse, path)
    async with listener, aiohttp.UnixConnector(path) as connector:
        async with proxied("http://local.test", connector=connector) as client:
            assert (await client.threads.create()).id == "thread_1"


async def test_a_session_brings_its_own_headers_and_connector() -> None:
    async with raw_server(answer) as server:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), headers={"X-Own": "1"}) as session:
            async with proxied(server.url, session=session) as client:
                await asyncio.gather(*(client.threads.create() for _ in range(3)))

    assert server.connections == 1
    assert ["1"] * 3 == [exchange.headers["x-own"] for exchange in server.requests]


async def test_a_session_keeps_its_own_proxy() -> None:
    async with raw_server(answer) as proxy:
        async with aiohttp.ClientSession(proxy=proxy.url) as session:
            async with proxied("http://api.test", session=session) as client:
                await client.threads.create()

    assert proxy.requests[0].target == "http://api.test/threads"


# Options that exclude each other, and derived clients


async def test_options_of_connections_are_checked() -> None:
    async with aiohttp.ClientSession() as session:
        for options in (
            {"session": session, "proxy": "http://p.test"},
            {"session": session, "trust_env": True},
            {"session": session, "ssl_context": ssl.create_default_context()},
            {"session": session, "connector": session.connector},
            {"connector": session.connector, "ssl_context": ssl.create_default_context()},
            {"proxy": f"ftp://user:{PASSWORD}@p.test"},
            {"proxy": "p.test:3128"},
            {"proxy": ""},
            {"proxy": 3},
            {"ssl_context": False},
            {"observer": "print"},
        ):
            with pytest.raises(ConfigurationError) as caught:
                AsyncClient(api_key="k", **options)
            assert PASSWORD not in str(caught.value)


async def test_a_derived_client_with_a_proxy_has_connections_of_its_own() -> None:
    async with raw_server(answer) as proxy, raw_server(answer) as server:
        async with proxied(server.url) as client:
            async with client.with_options(proxy=proxy.url) as derived:
                await derived.threads.create()
            assert derived.closed
            await client.threads.create()

    assert (len(server.requests), len(proxy.requests)) == (1, 1)


async def test_a_derived_client_with_a_session_forgets_the_proxy() -> None:
    async with raw_server(answer) as server, aiohttp.ClientSession() as session:
        async with proxied(server.url, proxy="http://127.0.0.1:1") as client:
            await client.with_options(session=session).threads.create()

    assert len(server.requests) == 1


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/a/b//", "/a%2Fb/"])
async def test_a_base_url_may_end_in_a_slash_and_have_a_path(path: str) -> None:
    async with raw_server(answer) as server, proxied(server.url + path) as client:
        await client.threads.create()

    assert server.requests[0].target == f"{path.rstrip('/')}/threads"
