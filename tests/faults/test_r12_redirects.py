"""R12: "redirects 301-308 x {same origin, other port, other host, https -> http}: nothing secret leaves the origin."

Secret is the key, the organization and the project, other headers, the query, and above all what the body says. A
redirect is followed within its origin, where the method stays what it was; everything else is refused.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
import trustme
from raw_server import Exchange, Handler, raw_server

from asyncstream import APIStatusError, AsyncClient
from asyncstream.types import ChatCompletion, Thread

pytestmark = pytest.mark.faults

SECRET = "sk-very-secret-0123456789"
PROMPT = "what nobody else may read"
THREAD = b'{"id":"thread_1"}'
COMPLETION = b'{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
STATUSES = [301, 302, 303, 307, 308]
CALLS: dict[str, Callable[[AsyncClient], Any]] = {
    "GET": lambda client: client.threads.retrieve("thread_1"),
    "POST": lambda client: client.chat.completions.create(model="m", messages=[{"role": "user", "content": PROMPT}]),
    "DELETE": lambda client: client.threads.delete("thread_1"),
    "stream": lambda client: client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": PROMPT}], stream=True
    ),
    "content": lambda client: client.files.content("file_1"),
}


class Certificates(NamedTuple):
    """How a server shows a certificate, and how a client trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    authority = trustme.CA()
    found = Certificates(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context())
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(found.server)
    authority.configure_trust(found.client)
    return found


@asynccontextmanager
async def client_of(url: str, **options: Any) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(
        api_key=SECRET,
        base_url=url,
        organization="org-secret-1",
        project="proj-secret-1",
        default_headers={"api-key": SECRET, "Cookie": f"session={SECRET}"},
        default_query={"sig": SECRET},
        max_retries=2,
        **options,
    ) as client:
        yield client


def redirecting(status: int, where: str) -> Handler:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(status, b"moved", Location=where)

    return handler


async def accept(exchange: Exchange) -> None:
    await exchange.reply(200, THREAD)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", ["port", "host", "https", "https to http", "user of another port", "no scheme"])
async def test_nothing_goes_to_another_origin(certificates, call, status, kind):
    # Made once: a context of the system's certificates takes 30 ms.
    options = {"ssl_context": certificates.client} if "https" in kind else {}
    async with raw_server(accept, certificates.server if kind == "https" else None) as other:
        where = {
            "host": other.url.replace("127.0.0.1", "localhost"),
            "user of another port": other.url.replace("//", "//127.0.0.1@"),
            "no scheme": other.url.removeprefix("http:"),
        }.get(kind, other.url)
        tls = certificates.server if kind == "https to http" else None
        async with raw_server(redirecting(status, f"{where}/steal"), tls) as server:
            async with client_of(server.url, **options) as client:
                with pytest.raises(APIStatusError, match="not followed: it leads to another origin") as caught:
                    await CALLS[call](client)

    assert other.connections == 0
    assert len(server.requests) == 1
    assert caught.value.status == status
    assert "steal" not in str(caught.value)
    assert SECRET not in f"{caught.value!r} {vars(caught.value)!r}"


async def test_same_host_and_port_without_encryption_is_another_origin(certificates):
    async def handler(exchange: Exchange) -> None:
        # The same host and port, and no encryption any more.
        await exchange.reply(307, Location=f"http://{exchange.headers['host']}/steal")

    async with (
        raw_server(handler, certificates.server) as server,
        client_of(server.url, ssl_context=certificates.client) as client,
    ):
        with pytest.raises(APIStatusError, match=r"another origin, http://127\.0\.0\.1"):
            await CALLS["POST"](client)

    assert server.connections == 1


@pytest.mark.parametrize("call", ["GET", "POST", "stream"])
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("where", ["/v2/x?sig={secret}", "{url}/v2/x?y=1", "//{host}/v2/x#part", "../v2/x"])
async def test_within_the_origin_a_get_is_followed_and_a_post_where_it_stays_one(call, status, where):
    async def handler(exchange: Exchange) -> None:
        host = exchange.headers["host"]
        if exchange.number == 1:
            where_to = where.format(url=f"http://{host}", host=host, secret=SECRET)
            await exchange.reply(status, Location=where_to)
        elif call == "stream":
            await exchange.reply(200, b"data: [DONE]\n\n", Content_Type="text/event-stream")
        else:
            await exchange.reply(200, THREAD if call == "GET" else COMPLETION)

    async with raw_server(handler) as server, client_of(f"{server.url}/v1") as client:
        if call == "GET" or status in (307, 308):
            answer = await CALLS[call](client)
            if call == "stream":
                await answer.until_done()
            else:
                assert isinstance(answer, Thread | ChatCompletion)
            first, second = server.requests
            assert "/v2/x" in second.target
            assert (second.method, second.body) == (first.method, first.body)
            assert second.headers["authorization"] == f"Bearer {SECRET}"
            assert second.headers.get("idempotency-key") == first.headers.get("idempotency-key")
        else:
            with pytest.raises(APIStatusError, match=f"not followed: {status} would turn the POST into a GET"):
                await CALLS[call](client)
            assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_delete_is_not_turned_into_a_get_either(status):
    async with raw_server(redirecting(status, "/v2")) as server, client_of(server.url) as client:
        with pytest.raises(APIStatusError, match="turn the DELETE into a GET"):
            await CALLS["DELETE"](client)

    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [300, 304, 305, 306])
async def test_other_statuses_of_the_family_are_errors_and_lead_nowhere(status):
    async with raw_server(accept) as other:

        async def handler(exchange: Exchange) -> None:
            await exchange.reply(status, Location=other.url)

        async with raw_server(handler) as server, client_of(server.url) as client:
            with pytest.raises(APIStatusError) as caught:
                await CALLS["GET"](client)

    assert caught.value.status == status
    assert other.connections == 0


async def test_second_redirect_is_judged_like_the_first():
    async with raw_server(accept) as other:

        async def handler(exchange: Exchange) -> None:
            await exchange.reply(307, Location="/v2" if exchange.number == 1 else other.url)

        async with raw_server(handler) as server, client_of(server.url) as client:
            with pytest.raises(APIStatusError, match="another origin"):
                await CALLS["POST"](client)

    assert len(server.requests) == 2
    assert other.connections == 0


async def test_redirects_within_the_origin_end_after_five():
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(307, Location=f"/hop{exchange.number}")

    async with raw_server(handler) as server, client_of(server.url) as client:
        with pytest.raises(APIStatusError, match="it is number 6, and 5 are followed"):
            await CALLS["POST"](client)

    assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("", "names no location"),
        ("http://[", "is no URL"),
        ("http://h:99999/", "is no URL"),
        ("mailto:x", "is no URL"),
        ("javascript:x", "is no URL"),
        ("file:///etc/passwd", "is no URL"),
    ],
)
async def test_location_that_leads_nowhere_is_told(location, problem):
    async with raw_server(redirecting(307, location)) as server, client_of(server.url) as client:
        with pytest.raises(APIStatusError, match=problem):
            await CALLS["POST"](client)

    assert len(server.requests) == 1


async def test_password_in_a_location_is_dropped():
    async def handler(exchange: Exchange) -> None:
        if exchange.number == 1:
            await exchange.reply(307, Location=f"http://user:pass@{exchange.headers['host']}/v2")
        else:
            await exchange.reply(200, THREAD)

    async with raw_server(handler) as server, client_of(server.url) as client:
        await CALLS["GET"](client)

    assert server.requests[1].headers["authorization"] == f"Bearer {SECRET}"
