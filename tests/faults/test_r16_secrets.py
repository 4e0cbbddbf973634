"""R16: no secret in anything that is shown, logged or stored: errors of every class, and all that a client gives.

The server repeats whatever it was sent, in its words, its headers and its status line. An error is looked at as a log
and a pickle see it: its text, its attributes, its causes, its traceback. Trackers of errors collect local variables
too: these are looked at with a server that repeats nothing, as the answer is one of them.
"""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import chat_wire
import msgspec
import pytest
from assistants_wire import HELLO, STREAM_HEAD, chunk, frame
from raw_server import Exchange, raw_server, response

import asyncstream
from asyncstream import AsyncClient, AsyncStreamError, LoopState, Timeout, Tools, errors
from asyncstream.looping.book import KeptCall

SECRETS = {
    "key": "sk-very-secret-0123456789",
    "query": "query-secret-0123456789",
    "header": "header-secret-0123456789",
    "cookie": "cookie-secret-0123456789",
    "proxy": "proxy-secret-0123456789",
    "jar": "jar-secret-0123456789",
}

PACKAGE = str(Path(asyncstream.__file__).parent)


def client_of(url: str, **options: Any) -> AsyncClient:
    given: dict[str, Any] = {
        "api_key": SECRETS["key"],
        "base_url": f"{url}?api-key={SECRETS['query']}",
        "default_headers": {"X-Api-Key": SECRETS["header"], "Cookie": f"session={SECRETS['cookie']}"},
        "max_retries": 0,
        "max_event_bytes": 10_000,
        "timeout": Timeout(response=10, event=10),
    }
    return AsyncClient(**{**given, **options})


# A server that repeats everything.


def repeated(exchange: Exchange) -> str:
    return " ".join([exchange.target, *exchange.headers.values()])


async def answer(exchange: Exchange) -> None:
    said = repeated(exchange)
    told = {"X-Repeated": said, "Set-Cookie": f"session={SECRETS['jar']}", "x-request-id": f"req {said}"}
    head, extra = STREAM_HEAD[:-2], "".join(f"{name}: {value}\r\n" for name, value in told.items()).encode()
    what = exchange.headers.get("x-what", "")
    error = json.dumps({"error": {"message": said, "code": {said: said}, "type": said, "param": [said]}}).encode()
    if what.isdigit():
        whole = response(int(what), error, told)
        await exchange.send(whole.replace(b" Said\r\n", f" {said}\r\n".encode(), 1))
    elif what == "html":
        await exchange.send(response(200, f"<p>{said}</p>".encode(), {**told, "Content-Type": "text/html"}))
    elif what == "misfit":
        await exchange.send(response(200, json.dumps([said]).encode(), told))
    elif what == "redirect":
        await exchange.send(response(307, error, {**told, "Location": f"http://other.test/{SECRETS['key']}?{said}"}))
    elif what == "fin":
        exchange.fin()
    elif what == "cut body":
        await exchange.send(response(200, error, {**told, "Content-Length": "100000"}))
        exchange.fin()
    elif what == "no http":
        await exchange.send(f"{said}\r\n\r\n".encode())
        exchange.fin()
    elif what == "stall":
        await exchange.gone()
    elif what == "model":
        body = {"id": "c", "choices": [{"index": 0, "message": {"content": "no json"}, "finish_reason": "stop"}]}
        await exchange.send(response(200, json.dumps(body).encode(), told))
    elif what == "in progress":
        await exchange.send(response(200, b'{"id": "x", "thread_id": "x", "status": "in_progress"}'))
    else:
        frames = {
            "error event": [HELLO[0], frame("error", message=said, code={"said": said}, type=said, param=[said])],
            "error at once": [frame("error", message=said)],
            "unreadable": [HELLO[0], b"event: thread.run.created\ndata: {" + said.encode() + b"\n\n"],
            "oversized": [HELLO[0], b"event: thread.run.created\ndata: " + said.encode() * 100 + b"\n\n"],
            "truncated": [HELLO[0], b": " + said.encode() + b"\n\n"],
            "calls": [chat_wire.call(0, "{}", "tool", "call_1"), chat_wire.piece(finish="tool_calls"), chat_wire.DONE],
            "broken": HELLO[:2],
            "silent": HELLO[:2],
        }[what]
        await exchange.send(head + extra + b"\r\n")
        for data in frames:
            await exchange.send(chunk(data))
        if what == "broken":
            exchange.fin()
        elif what == "silent":
            await exchange.gone()
        else:
            await exchange.send(b"0\r\n\r\n")


# How to get an error of each class.

Fails = Callable[[AsyncClient], Awaitable[object]]


SHORT = Timeout(response=0.05, event=0.05)


def plain(what: str, timeout: Timeout | None = None) -> Fails:
    return lambda client: client.threads.create(extra_headers={"X-What": what}, timeout=timeout)


def streamed(what: str, timeout: Timeout | None = None) -> Fails:
    async def fails(client: AsyncClient) -> None:
        headers = {"X-What": what}
        async with client.threads.runs.stream("t", assistant_id="a", extra_headers=headers, timeout=timeout) as stream:
            await stream.until_done()

    return fails


def downloaded(what: str) -> Fails:
    async def fails(client: AsyncClient) -> None:
        await client.files.content("f", extra_headers={"X-What": what})

    return fails


async def bad_header(client: AsyncClient) -> None:
    await client.threads.create(extra_headers={"Authorization": f"Bearer {SECRETS['key']}\r\nX-Evil: 1"})


async def bad_token(client: AsyncClient) -> None:
    async def token() -> str:
        return SECRETS["key"] + "\n"

    await client.with_options(api_key=token).threads.create()


async def failing_token(client: AsyncClient) -> None:
    async def token() -> str:
        raise errors.ConfigurationError("no token today")

    await client.with_options(api_key=token).threads.create()


async def bad_body(client: AsyncClient) -> None:
    await client.threads.create(metadata={"x": float("nan")})  # type: ignore[dict-item]


async def bad_keyword(client: AsyncClient) -> None:
    await client.threads.create(metadatta={})  # type: ignore[call-arg]  # what is tested


async def broken_proxy(client: AsyncClient) -> None:
    async with client.with_options(proxy=f"http://user:{SECRETS['proxy']}@127.0.0.1:1") as proxied:
        await proxied.threads.create()


async def refusing_proxy(client: AsyncClient) -> None:
    proxy = client.base_url.replace("http://", f"http://user:{SECRETS['proxy']}@")
    async with client.with_options(proxy=proxy, base_url="http://api.test") as proxied:
        await proxied.threads.create(extra_headers={"X-What": "407"})


async def unparsable(client: AsyncClient) -> None:
    completion = await client.chat.completions.create(messages=[], model="m", extra_headers={"X-What": "model"})
    completion.choices[0].message.parse(msgspec.defstruct("Wanted", [("a", int)]))


async def polled_for_too_long(client: AsyncClient) -> None:
    await client.threads.runs.poll(
        "x", thread_id="x", poll_interval_ms=1, poll_timeout=0.01, extra_headers={"X-What": "in progress"}
    )


def tool() -> None:
    """Do nothing."""


async def too_many_rounds(client: AsyncClient) -> None:
    async with client.chat.completions.stream(
        messages=[], model="m", run_tools=Tools(tool, max_rounds=1), extra_headers={"X-What": "calls"}
    ) as stream:
        await stream.until_done()


async def lost_tools(client: AsyncClient) -> None:
    state = LoopState(calls=[KeptCall(place=0, id="call_1", name="tool", arguments="{}", standing="began")])
    client.chat.completions.stream(messages=[], model="m", run_tools=[tool], resume=state)


async def closed_early(client: AsyncClient) -> None:
    async with client.threads.runs.stream("t", assistant_id="a", extra_headers={"X-What": "silent"}) as stream:
        await anext(stream)
    await stream.until_done()


ROWS: list[tuple[str, Fails, type[AsyncStreamError]]] = [
    *((str(status), plain(str(status)), errors.status_error_type(status)) for status in (400, 401, 403, 404, 409)),
    *((str(status), plain(str(status)), errors.status_error_type(status)) for status in (418, 422, 429, 500, 503)),
    ("stream 401", streamed("401"), errors.AuthenticationError),
    ("stream 200 + JSON error", streamed("200"), errors.StreamEventError),
    ("download 404", downloaded("404"), errors.NotFoundError),
    ("download cut", downloaded("cut body"), errors.APIConnectionError),
    ("redirect", plain("redirect"), errors.APIStatusError),
    ("no answer", plain("fin"), errors.APIConnectionError),
    ("cut answer", plain("cut body"), errors.APIConnectionError),
    ("no HTTP", plain("no http"), errors.APIResponseValidationError),
    ("stall", plain("stall", SHORT), errors.APITimeoutError),
    ("HTML", plain("html"), errors.APIResponseValidationError),
    ("HTML for a stream", streamed("html"), errors.APIResponseValidationError),
    ("other JSON", plain("misfit"), errors.APIResponseValidationError),
    ("error event", streamed("error event"), errors.StreamEventError),
    ("error event at once", streamed("error at once"), errors.StreamEventError),
    ("unreadable event", streamed("unreadable"), errors.StreamDecodeError),
    ("oversized event", streamed("oversized"), errors.StreamDecodeError),
    ("truncated", streamed("truncated"), errors.StreamTruncatedError),
    ("broken", streamed("broken"), errors.StreamInterruptedError),
    ("silent", streamed("silent", Timeout(event=0.05)), errors.StreamTimeoutError),
    ("too many rounds", too_many_rounds, errors.MaxRoundsError),
    ("lost tools", lost_tools, errors.ToolsLostError),
    ("closed early", closed_early, errors.StreamInterruptedError),
    ("bad header", bad_header, errors.ConfigurationError),
    ("bad token", bad_token, errors.ConfigurationError),
    ("failing token", failing_token, errors.ConfigurationError),
    ("bad body", bad_body, errors.ConfigurationError),
    ("bad keyword", bad_keyword, errors.ArgumentError),
    ("broken proxy", broken_proxy, errors.APIConnectionError),
    ("refusing proxy", refusing_proxy, errors.APIError),
    ("no JSON from the model", unparsable, errors.ParseError),
    ("poll without end", polled_for_too_long, errors.PollTimeoutError),
]


def every_class() -> set[type[AsyncStreamError]]:
    return {getattr(errors, name) for name in errors.__all__ if name.endswith("Error")}


BASES = {errors.AsyncStreamError, errors.APIError, errors.StreamError, errors.ToolLoopError}
"""Never raised themselves."""


def test_every_class_of_errors_has_a_row() -> None:
    assert every_class() - BASES == {row[2] for row in ROWS} - BASES


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def shown(error: BaseException) -> dict[str, str]:
    """Return what can be seen of an error, by where it is seen."""
    seen = {
        "text": f"{error} {error!r} {error.args!r}",
        "traceback": "".join(traceback.format_exception(error)),
    }
    for link in chain(error):
        name = type(link).__name__
        seen[f"attributes of {name}"] = repr(vars(link))
        seen[f"notes of {name}"] = repr(getattr(link, "__notes__", []))
    if isinstance(error, AsyncStreamError):
        data = pickle.dumps(error)
        seen["pickle"] = data.decode("latin-1")
        seen["restored"] = repr(vars(pickle.loads(data)))
        seen["copy"] = repr(vars(copy.copy(error)))
    return seen


def locals_of(error: BaseException) -> dict[str, str]:
    """Return the local variables of this package's frames, as trackers of errors collect them."""
    return {
        entry.f_code.co_qualname: repr(entry.f_locals)
        for link in chain(error)
        for entry, _ in traceback.walk_tb(link.__traceback__)
        if entry.f_code.co_filename.startswith(PACKAGE)
    }


def leaks(seen: dict[str, str]) -> list[str]:
    return [f"{name} in {where}" for where, text in seen.items() for name, secret in SECRETS.items() if secret in text]


@pytest.mark.parametrize(("name", "fails", "expected"), ROWS, ids=[row[0] for row in ROWS])
async def test_no_secret_is_in_an_error_or_a_log(
    caplog: pytest.LogCaptureFixture, name: str, fails: Fails, expected: type[AsyncStreamError]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="asyncstream")
    observed: list[object] = []

    async with raw_server(answer) as server, client_of(server.url, observer=observed.append) as client:
        with pytest.raises(expected) as caught:
            await fails(client)

    assert [] == leaks(shown(caught.value))
    assert [] == leaks({"log": caplog.text, "records": repr([vars(record) for record in caplog.records])})
    assert [] == leaks({"observations": repr(observed)})


GIVEN = {"bad header", "bad token"}
"""Here the secret is what the caller has given wrongly, and an argument of the functions that refuse it."""


@pytest.mark.faults
@pytest.mark.parametrize(("name", "fails", "expected"), [row for row in ROWS if row[0] not in GIVEN])
async def test_no_secret_is_in_the_local_variables_of_a_traceback(
    name: str, fails: Fails, expected: type[AsyncStreamError]
) -> None:
    async def quiet(exchange: Exchange) -> None:
        for header in set(exchange.headers) - {"x-what"}:
            exchange.headers[header] = "x"
        exchange.target = "/"
        await answer(exchange)

    async with raw_server(quiet) as server, client_of(server.url, base_url=server.url) as client:
        with pytest.raises(expected) as caught:
            await fails(client)

    assert [] == [leak for leak in leaks(locals_of(caught.value)) if "jar" not in leak]


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with raw_server(answer) as server, client_of(server.url) as client:
        yield client


async def test_no_secret_is_in_what_a_client_gives(client: AsyncClient) -> None:
    given = {"X-What": "in progress"}
    proxied = client.with_options(proxy=f"http://user:{SECRETS['proxy']}@p.test")
    open_stream = client.threads.runs.stream("t", assistant_id="a", extra_headers={"X-What": "silent"})
    await open_stream.open()
    things: list[Any] = [
        *(client, proxied, client.threads, client.chat, client.beta, client.threads._transport, client._connections),
        *(client.files.list(extra_headers=given), client.files.content("f", extra_headers=given)),
        client.files.list(extra_headers=given)._request,
        client.threads.runs.stream("t", assistant_id="a", extra_headers={"Authorization": SECRETS["key"]}),
        client.chat.completions.stream(messages=[], model="m"),
        await client.threads.with_raw_response.retrieve("t", extra_headers=given),
        *(open_stream, open_stream.accumulator, open_stream.changes, open_stream._cursor.live),
    ]
    await open_stream.close()
    for thing in things:
        seen = {"repr": repr(thing), "str": str(thing), "format": f"{thing}", "in a list": repr([thing])}
        try:
            seen["pickle"] = pickle.dumps(thing).decode("latin-1")
        except (TypeError, AttributeError, pickle.PicklingError):
            # It says that it cannot be pickled.
            pass

        assert [] == leaks(seen), type(thing)


async def test_what_holds_a_key_says_why_it_cannot_be_pickled(client: AsyncClient) -> None:
    for thing in (client, client.threads._transport, client.threads):
        with pytest.raises(TypeError, match="holds a key"):
            pickle.dumps(thing)


def test_a_key_that_cannot_be_used_is_not_repeated() -> None:
    for options in (
        {"api_key": SECRETS["key"] + "\n"},
        {"api_key": SECRETS["key"] + "\u2013"},
        {"default_headers": {"X-Api-Key": SECRETS["header"] + "\r\n"}},
        {"base_url": f"http://user:{SECRETS['query']}@host"},
        {"base_url": f"ftp://host/?api-key={SECRETS['query']}"},
        {"proxy": f"socks5://user:{SECRETS['proxy']}@host"},
    ):
        with pytest.raises(errors.ConfigurationError) as caught:
            AsyncClient(**{"api_key": "k", **options})  # type: ignore[arg-type]

        assert [] == leaks(shown(caught.value))
