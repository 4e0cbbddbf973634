"""The door against a mocked aiohttp: what is sent, how answers are mapped, how often is tried and after what waits.

What needs a real socket is in `test_http_wire.py`.
"""

import json
import pickle
import traceback
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aioresponses import CallbackResult, aioresponses
from msgspec import Struct
from yarl import URL

from asyncstream.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamEventError,
    UnprocessableEntityError,
)
from asyncstream.transport.connections import Connections
from asyncstream.transport.http import Failed, Transport
from asyncstream.transport.request import Request, parse_base_url
from asyncstream.transport.retry import Failure
from asyncstream.types import Thread

SECRET = "sk-very-secret-0123456789"
BASE = "http://api.test/v1"
URL_ = f"{BASE}/threads"
POST = Request(method="POST", path="/threads", body=b"{}")
GET = Request(method="GET", path="/threads")
DELETE = Request(method="DELETE", path="/threads")
THREAD = {"id": "thread_1", "object": "thread"}


class Sleeps(list[float]):
    """The waits that were asked for; none is done."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    connections = Connections()
    yield connections
    await connections.close()


@pytest.fixture
def transport(connections: Connections, sleeps: Sleeps) -> Transport:
    return make(connections, sleeps)


def make(connections: Connections, sleeps: Sleeps, **options: Any) -> Transport:
    options = {"base_url": parse_base_url(BASE), "api_key": SECRET, **options}
    return Transport(connections, sleep=sleeps, chance=lambda: 0.0, clock=lambda: 1e9, **options)


def sent(mocked: aioresponses) -> list[dict[str, Any]]:
    return [call.kwargs for calls in mocked.requests.values() for call in calls]


async def failure(transport: Transport, request: Request = POST) -> APIError:
    with pytest.raises(APIError) as caught:
        await transport.send(request, Thread)
    return caught.value


# What is sent


async def test_a_json_answer_becomes_a_struct(mocked: aioresponses, transport: Transport) -> None:
    mocked.post(URL_, payload=THREAD)

    assert await transport.send(POST, Thread) == Thread(id="thread_1")


async def test_a_post_carries_key_json_and_an_idempotency_key(mocked: aioresponses, transport: Transport) -> None:
    mocked.post(URL_, payload=THREAD)

    await transport.send(POST, Thread)

    (call,) = sent(mocked)
    headers = call["headers"]
    assert call["data"] == b"{}"
    assert call["allow_redirects"] is False
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert headers["Content-Type"] == "application/json"
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"].startswith("asyncstream/")
    assert len(headers["Idempotency-Key"]) > 32


async def test_a_get_has_neither_body_nor_idempotency_key(mocked: aioresponses, transport: Transport) -> None:
    mocked.get(URL_, payload=THREAD)

    await transport.send(GET, Thread)

    (call,) = sent(mocked)
    assert call["data"] is None
    assert {"Content-Type", "Idempotency-Key"}.isdisjoint(call["headers"])


async def test_two_calls_have_two_idempotency_keys_and_the_retries_of_one_have_one(
    mocked: aioresponses, transport: Transport
) -> None:
    mocked.post(URL_, status=503)
    mocked.post(URL_, payload=THREAD, repeat=True)

    await transport.send(POST, Thread)
    await transport.send(POST, Thread)

    first, retry, second = (call["headers"]["Idempotency-Key"] for call in sent(mocked))
    assert first == retry != second


async def test_headers_override_each_other_in_order(
    mocked: aioresponses, connections: Connections, sleeps: Sleeps
) -> None:
    transport = make(
        connections,
        sleeps,
        headers={"user-agent": None, "X-A": "default", "X-B": "default", "OpenAI-Beta": "default"},
        query={"api-version": "1", "a": 1},
    )
    request = Request(
        method="POST",
        path="/threads",
        query={"a": 2},
        endpoint_headers={"openai-beta": "endpoint", "X-C": "endpoint"},
        headers={"x-b": "call", "Authorization": "Basic call", "idempotency-key": "call"},
    )
    mocked.post(f"{URL_}?api-version=1&a=2", payload=THREAD)

    await transport.send(request, Thread)

    (call,) = sent(mocked)
    headers = call["headers"]
    assert "User-Agent" not in headers
    assert (headers["X-A"], headers["X-B"], headers["X-C"]) == ("default", "call", "endpoint")
    assert headers["OpenAI-Beta"] == "default"
    assert headers.getall("Authorization") == ["Basic call"]
    assert headers.getall("Idempotency-Key") == ["call"]


async def test_an_empty_key_sends_no_authorization(
    mocked: aioresponses, connections: Connections, sleeps: Sleeps
) -> None:
    mocked.post(URL_, payload=THREAD)

    await make(connections, sleeps, api_key="").send(POST, Thread)

    assert "Authorization" not in sent(mocked)[0]["headers"]


async def test_a_key_function_is_asked_for_each_attempt(
    mocked: aioresponses, connections: Connections, sleeps: Sleeps
) -> None:
    tokens = iter(["token-1", "token-2", ""])

    async def api_key() -> str:
        return next(tokens)

    transport = make(connections, sleeps, api_key=api_key)
    mocked.post(URL_, status=500)
    mocked.post(URL_, payload=THREAD, repeat=True)

    await transport.send(POST, Thread)
    await transport.send(POST, Thread)

    keys = [call["headers"].get("Authorization") for call in sent(mocked)]
    assert keys == ["Bearer token-1", "Bearer token-2", None]


async def test_what_a_key_function_raises_is_the_caller_s(
    mocked: aioresponses, connections: Connections, sleeps: Sleeps
) -> None:
    async def api_key() -> str:
        raise LookupError("no token")

    with pytest.raises(LookupError, match="no token"):
        await make(connections, sleeps, api_key=api_key).send(POST, Thread)
    assert not mocked.requests


@pytest.mark.parametrize("result", [None, b"sk", 3, f"{SECRET}\r\n"])
async def test_a_key_function_s_result_must_be_a_key(
    mocked: aioresponses, connections: Connections, sleeps: Sleeps, result: object
) -> None:
    async def api_key() -> object:
        return result

    with pytest.raises(ConfigurationError, match=r"the result of api_key\(\)") as caught:
        await make(connections, sleeps, api_key=api_key).send(POST, Thread)
    assert SECRET not in str(caught.value)
    assert not mocked.requests


async def test_a_wrong_header_is_found_before_anything_is_sent(mocked: aioresponses, transport: Transport) -> None:
    request = Request(method="POST", path="/threads", headers={"X": f"{SECRET}\r\nX-Evil: 1"})

    with pytest.raises(ConfigurationError) as caught:
        await transport.send(request, Thread)
    assert SECRET not in str(caught.value)
    assert not mocked.requests


# How error answers are mapped


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (418, APIStatusError),
        (422, UnprocessableEntityError),
        (429, RateLimitError),
        (500, InternalServerError),
        (503, InternalServerError),
        (304, APIStatusError),
    ],
)
async def test_a_status_has_its_class(
    mocked: aioresponses, connections: Connections, sleeps: Sleeps, status: int, kind: type[APIStatusError]
) -> None:
    body = {"error": {"message": "No.", "type": "some_type", "code": "some_code", "param": "model"}}
    mocked.post(URL_, status=status, payload=body, headers={"X-Request-ID": "req_1", "Set-Cookie": "a=b"})

    error = await failure(make(connections, sleeps, max_retries=0))

    assert type(error) is kind
    assert str(error) == error.message == "No."
    assert (error.code, error.type, error.param) == ("some_code", "some_type", "model")
    assert (error.status, error.request_id) == (status, "req_1")
    assert error.body == json.dumps(body).encode()
    assert error.headers is not None
    assert error.headers["x-REQUEST-id"] == "req_1"
    assert "set-cookie" not in error.headers


@pytest.mark.parametrize(
    ("body", "message", "code", "type_"),
    [
        ('{"error": "no such model"}', "no such model", None, None),
        ('{"error": {"message": "m", "code": 502}}', "m", 502, None),
        ('{"error": {"message": {"en": "m"}}}', '{"en":"m"}', None, None),
        ('{"message": "m", "code": "c", "type": "t"}', "m", "c", "t"),
        ('{"object": "error", "type": "error", "message": "m", "code": 40401}', "m", 40401, None),
        ('{"error": {"code": "c"}, "message": "outside"}', "outside", "c", None),
        ('{"detail": "Not Found"}', "Not Found", None, None),
        (
            '{"detail": [{"loc": ["body", "model"], "msg": "field required"}, {"msg": "bad"}, "odd", null]}',
            "body.model: field required; bad; odd; ",
            None,
            None,
        ),
        (f'{{"detail": {[1] * 23}}}', "; ".join(["1"] * 20) + "; and 3 more", None, None),
        (f'{{"detail": {[1] * 20}}}', "; ".join(["1"] * 20), None, None),
        ('{"detail": {"reason": "x"}}', '{"reason":"x"}', None, None),
        ('[{"error": {"code": 404, "message": "m", "status": "NOT_FOUND"}}]', "m", 404, None),
        ('{"errors": [{"message": "m", "code": 1027}], "success": false}', "m", 1027, None),  # Cloudflare
        ('{"errors": ["m", "n"]}', "m", None, None),
        ('{"Message": "m"}', "m", None, None),  # AWS
        ('{"error_code": 110, "error_msg": "m"}', "m", 110, None),
        ('{"error_message": "m"}', "m", None, None),
        ('{"error": {"code": 7, "msg": "m"}}', "m", 7, None),
        ('{"base_resp": {"status_code": 1004, "status_msg": "m"}}', "m", 1004, None),  # MiniMax
        ('{"error": {"message": "%s"}}' % ("m" * 5000), "m" * 499 + "…", None, None),
        ('{"detail": {"reason": "%s"}}' % ("m" * 5000), '{"reason":"' + "m" * 488 + "…", None, None),
        ('{"error": {}}', '{"error": {}}', None, None),
        ('{"error": {"message": ""}}', '{"error": {"message": ""}}', None, None),
        ('{"error": {"message": "half \\ud83d"}}', "half \ufffd", None, None),
        ("[]", "[]", None, None),
        ("null", "null", None, None),
        ('{"error": ', '{"error":', None, None),
        ("[" * 20_000, "[" * 500, None, None),
        ("  <html>Bad Gateway</html>\n", "<html>Bad Gateway</html>", None, None),
        ("x" * 1000, "x" * 500, None, None),
        (b"\xff\xfe", "\ufffd\ufffd", None, None),
        ("", "404 Not Found", None, None),
    ],
)
async def test_the_message_is_what_the_server_says(
    mocked: aioresponses, transport: Transport, body: str | bytes, message: str, code: object, type_: object
) -> None:
    mocked.post(URL_, status=404, body=body)

    error = await failure(transport)

    assert (error.message, error.code, error.type) == (message, code, type_)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"error": {{"message": "Incorrect API key provided: {SECRET}", "code": "{SECRET}", "param": "{SECRET}"}}}}',
        f"Forbidden: {SECRET}",
        SECRET * 20,
        f'{{"error": "{SECRET.replace("s", chr(92) + "u0073")}"}}',
        f'{{"error": "{"x" * 490}{SECRET.replace("s", chr(92) + "u0073")}"}}',
    ],
)
async def test_a_key_that_the_server_repeats_is_in_no_error(
    mocked: aioresponses, transport: Transport, body: str
) -> None:
    mocked.post(URL_, status=401, body=body, headers={"X-Echo": SECRET, "WWW-Authenticate": f"Bearer {SECRET}"})

    error = await failure(transport)

    shown = [
        *(str(error), repr(error), repr(vars(error)), repr(error.body), repr(error.code)),
        repr(pickle.loads(pickle.dumps(error)).__dict__),
        "".join(traceback.format_exception(error)),
    ]
    assert not [text for text in shown if SECRET in text]
    assert "***" in str(error)


async def test_secrets_of_headers_and_queries_are_in_no_error(
    mocked: aioresponses, connections: Connections, sleeps: Sleeps
) -> None:
    transport = make(connections, sleeps, headers={"api-key": "azure-key-1"}, query={"key": "google-key-1"})
    mocked.post(f"{URL_}?key=google-key-1", status=403, body="neither azure-key-1 nor google-key-1")

    assert (await failure(transport)).message == "neither *** nor ***"


async def test_placeholders_for_keys_do_not_garble_messages(
    mocked: aioresponses, connections: Connections, sleeps: Sleeps
) -> None:
    mocked.post(URL_, status=404, body="model ollama/x not found")

    assert (await failure(make(connections, sleeps, api_key="ollama"))).message == "model ollama/x not found"


async def test_an_error_survives_pickling(mocked: aioresponses, transport: Transport) -> None:
    mocked.post(URL_, status=404, payload={"error": {"message": "m", "code": "c"}}, headers={"x-request-id": "r"})

    error = await failure(transport)

    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is NotFoundError
    assert vars(copy) == vars(error)


# Answers with a good status that are not what was asked for


@pytest.mark.parametrize(
    ("status", "body", "content_type", "problem"),
    [
        (200, "<html>", "text/html", "expected Thread as JSON, got text/html (status 200)"),
        (200, "", "application/json", "expected Thread as JSON, got application/json (status 200): empty"),
        (204, "", "", "got no content type (status 204): empty"),
        (200, "[1]", "application/json", "expected Thread, got an array"),
        (200, "{}", "application/json", "an object without an id"),
        (200, '{"id": null}', "application/json", "an object without an id"),
        (200, '{"error": {"message": "quota"}}', "application/json", "an error: quota"),
        (200, '{"error": {"code": 3}}', "application/json", "an error"),
        (200, "[" * 100_000, "application/json", ": nested "),
        (200, '{"id": NaN}', "application/json", "an object without an id"),
        (200, '{"code": 7, "msg": "no quota"}', "application/json", "an error: no quota"),
        (200, '{"base_resp": {"status_code": 1008, "status_msg": "no balance"}}', "application/json", "no balance"),
        (200, b"\xff", "application/json", "expected Thread as JSON"),
    ],
)
async def test_an_answer_of_another_kind_is_a_validation_error(
    mocked: aioresponses, transport: Transport, status: int, body: str, content_type: str, problem: str
) -> None:
    mocked.post(URL_, status=status, body=body, content_type=content_type, headers={"x-request-id": "req_1"})

    error = await failure(transport)

    assert type(error) is APIResponseValidationError
    assert problem in str(error)
    assert (error.status, error.request_id) == (status, "req_1")
    assert error.body == (body if isinstance(body, bytes) else body.encode())


async def test_an_error_in_a_good_answer_keeps_its_code(mocked: aioresponses, transport: Transport) -> None:
    mocked.post(URL_, payload={"error": {"message": "quota", "code": "c", "type": "t", "param": "p"}})

    error = await failure(transport)

    assert (error.code, error.type, error.param) == ("c", "t", "p")


async def test_a_null_error_beside_an_object_is_none(mocked: aioresponses, transport: Transport) -> None:
    mocked.post(URL_, payload={**THREAD, "error": None, "metadata": {"error": "x"}})

    assert (await transport.send(POST, Thread)).id == "thread_1"


class NoId(Struct):
    """Stands for what may come without an id, such as a chat completion."""

    id: str = ""
    value: int = 0


async def test_an_object_that_may_have_no_id_is_taken_without_one(mocked: aioresponses, transport: Transport) -> None:
    mocked.post(URL_, payload={"value": 3})
    mocked.post(URL_, payload={"error": {"message": "quota"}})

    assert await transport.send(POST, NoId) == NoId(value=3)
    with pytest.raises(APIResponseValidationError, match="an error: quota"):
        await transport.send(POST, NoId)


@pytest.mark.parametrize(
    ("status", "body", "headers", "problem"),
    [
        (200, "<html>", {"content-type": "text/html"}, "expected an event stream, got text/html (status 200)"),
        (200, "{}", {"content-type": "application/json"}, "got application/json (status 200)"),
        (200, "[]", {"content-type": "application/json; charset=utf-8"}, "got application/json (status 200)"),
        (201, '{"error": null}', {"content-type": "application/json"}, "application/json (status 201)"),
        (204, "", {"content-type": ""}, "got an empty answer (status 204)"),
        (205, "", {"content-type": "text/event-stream"}, "got an empty answer (status 205)"),
        (200, "", {"content-type": "text/event-stream", "content-length": "0"}, "got an empty answer"),
        (202, "", {"content-type": "", "content-length": "0"}, "got an empty answer (status 202)"),
        (
            200,
            "???",
            {"content-type": "text/event-stream", "content-encoding": "snappy"},
            "one in the coding 'snappy', which was not asked for",
        ),
        (200, "???", {"content-type": "text/event-stream", "content-encoding": "gzip, gzip"}, "coding 'gzip, gzip'"),
    ],
)
async def test_a_good_answer_that_is_no_stream_is_a_validation_error(
    mocked: aioresponses, transport: Transport, status: int, body: str, headers: dict[str, str], problem: str
) -> None:
    mocked.post(URL_, status=status, body=body, headers={**headers, "x-request-id": "req_1"})

    with pytest.raises(APIResponseValidationError) as caught:
        await transport.open(POST)

    assert problem in str(caught.value)
    assert (caught.value.status, caught.value.body, caught.value.request_id) == (status, body.encode(), "req_1")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": {"message": "m", "code": "c", "type": "t", "param": "p"}}', "m"),
        ('[{"error": {"message": "m", "code": "c", "type": "t", "param": "p"}}]', "m"),
        ('{"object": "error", "message": "m", "code": "c", "type": "t", "param": "p"}', "m"),
    ],
)
async def test_a_json_error_instead_of_a_stream_is_the_server_s_error(
    mocked: aioresponses, transport: Transport, body: str, message: str
) -> None:
    mocked.post(URL_, body=body, headers={"x-request-id": "req_1"})

    with pytest.raises(StreamEventError) as caught:
        await transport.open(POST)

    error = caught.value
    assert (error.message, error.code, error.type, error.param) == (message, "c", "t", "p")
    assert (error.body, error.status, error.request_id) == (body.encode(), 200, "req_1")


async def test_an_attempt_is_made_once_and_says_how_it_failed(
    mocked: aioresponses, transport: Transport, sleeps: Sleeps
) -> None:
    mocked.get(URL_, status=503, headers={"retry-after": "7"}, payload={"error": {"message": "busy"}})

    failed = await transport.attempt(GET)

    assert isinstance(failed, Failed)
    assert isinstance(failed.error, InternalServerError)
    assert (str(failed.error), failed.failure.status, failed.failure.headers["retry-after"]) == ("busy", 503, "7")
    assert (len(sent(mocked)), sleeps) == (1, [])
    assert sent(mocked)[0]["headers"]["Accept"] == "text/event-stream"


async def test_an_attempt_that_found_nobody_says_so(mocked: aioresponses, transport: Transport) -> None:
    mocked.get(URL_, exception=ConnectionResetError(104, "reset"))

    failed = await transport.attempt(GET)

    assert isinstance(failed, Failed)
    assert isinstance(failed.error, APIConnectionError)
    assert isinstance(failed.cause, ConnectionResetError)
    assert failed.failure.status is None


async def test_an_attempt_that_is_answered_with_no_stream_is_none_that_may_be_repeated(
    mocked: aioresponses, transport: Transport
) -> None:
    mocked.get(URL_, status=204)

    failed = await transport.attempt(GET)

    assert isinstance(failed, Failed)
    assert isinstance(failed.error, APIResponseValidationError)
    assert (failed.error.status, failed.failure) == (204, Failure())


async def test_an_error_status_for_a_stream_is_a_status_error(mocked: aioresponses, transport: Transport) -> None:
    mocked.post(URL_, status=404, body='{"error": {"message": "m"}}')

    with pytest.raises(NotFoundError, match=r"^m$"):
        await transport.open(POST)


# Retries: how often, and after what waits


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
async def test_statuses_are_retried_twice(
    mocked: aioresponses, transport: Transport, sleeps: Sleeps, method: str, status: int
) -> None:
    mocked.add(URL_, method, status=status, repeat=True)

    error = await failure(transport, Request(method=method, path="/threads"))

    assert error.status == status
    assert len(sent(mocked)) == 3
    assert sleeps == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_other_statuses_are_not_retried(
    mocked: aioresponses, transport: Transport, sleeps: Sleeps, status: int
) -> None:
    mocked.post(URL_, status=status, repeat=True)

    await failure(transport)

    assert len(sent(mocked)) == 1
    assert sleeps == []


async def test_an_answer_after_a_retry_is_the_answer(
    mocked: aioresponses, transport: Transport, sleeps: Sleeps
) -> None:
    mocked.post(URL_, status=500)
    mocked.post(URL_, status=429, headers={"retry-after": "3"})
    mocked.post(URL_, payload=THREAD)

    assert (await transport.send(POST, Thread)).id == "thread_1"
    assert sleeps == [0.5, 3.0]


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"retry-after": "7"}, [7.0, 7.0]),
        ({"retry-after-ms": "30", "retry-after": "7"}, [0.03, 0.03]),
        ({"retry-after": "Sun, 09 Sep 2001 01:46:50 GMT"}, [10.0, 10.0]),
        ({"retry-after": "Sun, 09 Sep 2001 01:46:30 GMT"}, [0.5, 1.0]),
        ({"retry-after": "nan"}, [0.5, 1.0]),
        ({"retry-after": "inf"}, [0.5, 1.0]),
        ({"retry-after": "-1"}, [0.5, 1.0]),
        ({"x-should-retry": "false"}, []),
    ],
)
async def test_waits_are_what_the_server_asks_for(
    mocked: aioresponses, transport: Transport, sleeps: Sleeps, headers: dict[str, str], waits: list[float]
) -> None:
    mocked.post(URL_, status=429, headers=headers, repeat=True)

    await failure(transport)

    assert sleeps == waits
    assert len(sent(mocked)) == len(waits) + 1


async def test_a_wait_that_is_too_long_is_told_and_not_done(
    mocked: aioresponses, transport: Transport, sleeps: Sleeps
) -> None:
    mocked.post(URL_, status=429, body='{"error": "slow down"}', headers={"retry-after": "3600"}, repeat=True)

    error = await failure(transport)

    assert error.message == "slow down (the server asks to wait 3600 s; more than 120 s are left to the caller)"
    assert sleeps == []


async def test_x_should_retry_retries_other_statuses(
    mocked: aioresponses, transport: Transport, sleeps: Sleeps
) -> None:
    mocked.post(URL_, status=400, headers={"x-should-retry": "true"})
    mocked.post(URL_, payload=THREAD)

    await transport.send(POST, Thread)

    assert sleeps == [0.5]


KEY = aiohttp.client_reqrep.ConnectionKey("api.test", 80, False, True, None, None, None)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("exception", "kind", "problem", "posts", "gets"),
    [
        (
            aiohttp.ClientConnectorError(KEY, OSError(111, "Connection refused")),
            APIConnectionError,
            "no connection to api.test:80: Connection refused",
            3,
            3,
        ),
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "Name or service not known")),
            APIConnectionError,
            "no connection to api.test:80: Name or service not known",
            3,
            3,
        ),
        (aiohttp.ClientConnectionError("odd"), APIConnectionError, "the connection to api.test:80 failed", 3, 3),
        (aiohttp.ConnectionTimeoutError("x"), APITimeoutError, "no connection to api.test:80 within 5 s", 3, 3),
        (TimeoutError(), APITimeoutError, "no response from api.test:80", 1, 3),
        (aiohttp.SocketTimeoutError("x"), APITimeoutError, "no response from api.test:80", 1, 3),
        (aiohttp.ServerDisconnectedError(), APIConnectionError, "closed the connection before an answer", 1, 3),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), APIConnectionError, "Connection reset by peer", 1, 3),
        (ConnectionResetError(104, "Connection reset by peer"), APIConnectionError, "broke before an answer", 1, 3),
        (aiohttp.ClientPayloadError("x"), APIConnectionError, "failed: ClientPayloadError", 1, 1),
        (aiohttp.ServerFingerprintMismatch(b"a", b"b", "h", 1), APIConnectionError, "another fingerprint", 1, 1),
        (
            aiohttp.ClientConnectorCertificateError(KEY, aiohttp.client_exceptions.ssl.CertificateError("expired")),
            APIConnectionError,
            "the certificate of api.test:80 was refused",
            1,
            1,
        ),
        (
            aiohttp.ClientConnectorSSLError(KEY, aiohttp.client_exceptions.ssl.SSLError(1, "wrong version number")),
            APIConnectionError,
            "no connection to api.test:80: wrong version number",
            3,
            3,
        ),
    ],
)
async def test_foreign_exceptions_become_ours(
    mocked: aioresponses,
    transport: Transport,
    exception: Exception,
    kind: type[APIError],
    problem: str,
    posts: int,
    gets: int,
) -> None:
    mocked.post(URL_, exception=exception, repeat=True)
    mocked.get(URL_, exception=exception, repeat=True)

    error = await failure(transport)
    tried_posts = len(sent(mocked))
    await failure(transport, GET)

    assert type(error) is kind
    assert problem in str(error)
    assert error.__cause__ is exception
    assert error.__context__ is exception.__context__ is None or error.__suppress_context__
    assert (tried_posts, len(sent(mocked)) - tried_posts) == (posts, gets)


@pytest.mark.parametrize(
    "exception", [aiohttp.InvalidURL("x"), aiohttp.NonHttpUrlClientError("x"), ValueError("bad"), RuntimeError("odd")]
)
async def test_what_aiohttp_refuses_is_the_caller_s_to_mend(
    mocked: aioresponses, transport: Transport, exception: Exception
) -> None:
    mocked.post(URL_, exception=exception)

    with pytest.raises(ConfigurationError, match=r"api\.test:80"):
        await transport.send(POST, Thread)


async def test_a_cause_that_holds_a_secret_is_left_out(
    mocked: aioresponses, connections: Connections, sleeps: Sleeps
) -> None:
    url = URL(f"{URL_}?key={SECRET}")
    info = aiohttp.RequestInfo(url, "POST", {"Authorization": f"Bearer {SECRET}"}, url)  # type: ignore[arg-type]
    exceptions: list[Exception] = [
        aiohttp.ConnectionTimeoutError(f"Connection timeout to host {url}"),
        aiohttp.ClientResponseError(info, (), status=400, message="no HTTP"),
        aiohttp.ClientOSError(32, f"Can not write request body for {url}"),
    ]
    transport = make(connections, sleeps, query={"key": SECRET}, max_retries=0)
    for exception in exceptions:
        mocked.post(str(url), exception=exception)

        error = await failure(transport)

        assert SECRET not in "".join(traceback.format_exception(error)) + repr(error.__cause__)


async def test_the_reason_of_a_closed_session_is_told(sleeps: Sleeps) -> None:
    connections = Connections()
    await connections.close()

    with pytest.raises(ConfigurationError, match="the client is closed"):
        await make(connections, sleeps).send(POST, Thread)


async def test_a_session_of_the_user_s_is_not_watched_and_its_defaults_do_not_matter(
    mocked: aioresponses, sleeps: Sleeps
) -> None:
    async with aiohttp.ClientSession(raise_for_status=True, timeout=aiohttp.ClientTimeout(total=1)) as session:
        transport = make(Connections(session), sleeps)
        mocked.post(URL_, status=404, body="gone")
        mocked.post(URL_, exception=aiohttp.ClientConnectionError("odd"), repeat=True)

        assert type(await failure(transport)) is NotFoundError
        await failure(transport)

    refused, broken = sent(mocked)
    assert refused["timeout"].total is None
    assert broken["trace_request_ctx"] is None


async def test_a_large_body_is_sent_as_a_file(mocked: aioresponses, transport: Transport) -> None:
    body = b'"' + b"x" * (2 << 20) + b'"'
    bodies = []

    def read(url: URL, **kwargs: Any) -> CallbackResult:
        bodies.append(kwargs["data"].read())
        return CallbackResult(status=500 if len(bodies) == 1 else 200, payload=THREAD)

    mocked.post(URL_, callback=read, repeat=True)

    await transport.send(Request(method="POST", path="/threads", body=body), Thread)

    assert bodies == [body, body]
