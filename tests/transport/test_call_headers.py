"""The headers of calls, kept for all that are alike: what is sent is what would be sent without keeping any."""

import pytest
from yarl import URL

from asyncstream.errors import ConfigurationError
from asyncstream.transport.call import Call
from asyncstream.transport.call_headers import CallHeaders
from asyncstream.transport.dialects import OPENAI, Dialect
from asyncstream.transport.request import HeaderValues, Request, merge_headers
from asyncstream.transport.timeout import Timeout

KEY = "sk-first-0123456789"
ACCEPT: HeaderValues = {"Accept": "text/event-stream"}


def call(**request: object) -> Call:
    described = Request(**{"method": "POST", "path": "/runs", "body": b"{}", **request})  # type: ignore[arg-type]
    return Call(described, url=URL("http://api.test/v1/runs"), timeout=Timeout(), accept=ACCEPT)


def as_merged(made: Call, defaults: HeaderValues, key: str = KEY) -> dict[str, str]:
    own = {} if made.idempotency_key is None else {"Idempotency-Key": made.idempotency_key}
    layers = ({**made.headers, **own, **OPENAI.authorization(key)}, made.request.endpoint_headers, defaults)
    return dict(merge_headers(*layers, made.request.headers))


@pytest.mark.parametrize(
    "defaults",
    [
        {},
        {"OpenAI-Project": "proj_1", "X-Empty": ""},
        {"accept": "*/*", "USER-AGENT": None},
        {"Authorization": None},
        {"authorization": "Bearer other-0123456789"},
        {"Idempotency-Key": "mine"},
        {"idempotency-key": None},
    ],
)
@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"method": "GET", "body": None},
        {"endpoint_headers": {"OpenAI-Beta": "assistants=v2"}},
        {"endpoint_headers": {"Idempotency-Key": "the endpoint's"}},
        {"headers": {"X-Own": "1", "idempotency-key": "own"}},
        {"headers": {"Authorization": None}},
    ],
)
def test_each_call_has_the_headers_that_its_layers_make(defaults, request_):
    headers = CallHeaders(defaults, OPENAI)

    for _ in range(3):
        made = call(**request_)
        assert as_merged(made, defaults) == dict(headers.of(made, KEY))


def test_calls_that_differ_do_not_share_headers():
    headers = CallHeaders({}, OPENAI)
    calls = [
        call(),
        call(endpoint_headers={"OpenAI-Beta": "assistants=v2"}),
        call(headers={"X-Own": "1"}),
        call(method="GET", body=None),
        call(endpoint_headers={"OpenAI-Beta": "assistants=v3"}),
    ]

    for made in (*calls, *calls):
        assert as_merged(made, {}) == dict(headers.of(made, KEY))


def test_a_new_key_is_sent_from_the_next_call_on_and_the_old_one_is_no_secret_of_it():
    headers = CallHeaders({}, OPENAI)
    for key, other in ((KEY, "sk-second-0123456789"), ("sk-second-0123456789", KEY), (KEY, "sk-second-0123456789")):
        made = call()

        assert f"Bearer {key}" == headers.of(made, key)["Authorization"]
        assert f"*** {other}" == made.secrets.redact(f"{key} {other}")


def test_no_key_is_no_header():
    headers = CallHeaders({}, OPENAI)
    headers.of(call(), KEY)

    assert "Authorization" not in headers.of(call(), "")


def test_the_dialect_says_where_the_key_goes():
    headers = CallHeaders({}, Dialect(key_header="api-key", key_prefix=""))

    assert [KEY, KEY] == [headers.of(call(), KEY)["api-key"] for _ in range(2)]


def test_whoever_changes_the_headers_of_a_call_or_the_mapping_of_defaults_changes_no_other_call():
    defaults = {"X-Team": "a"}
    headers = CallHeaders(defaults, OPENAI)

    first = headers.of(call(), KEY)
    first["X-Team"] = "b"
    defaults["X-Team"] = "c"

    assert "a" == headers.of(call(), KEY)["X-Team"]
    assert "a" == headers.of(call(headers={"X-Own": "1"}), KEY)["X-Team"]


@pytest.mark.parametrize("own", [{}, {"X-Own": "1"}])
def test_every_call_knows_the_secrets_among_its_headers(own):
    headers = CallHeaders({"X-Gateway-Token": "hush-0123456789"}, OPENAI)
    for _ in range(2):
        made = call(headers=own, endpoint_headers={"X-Session": "deep-0123456789"})
        headers.of(made, KEY)

        assert "*** *** ***" == made.secrets.redact(f"{KEY} hush-0123456789 deep-0123456789")


def test_a_secret_of_one_call_is_none_of_the_next():
    headers = CallHeaders({}, OPENAI)
    headers.of(call(headers={"X-Token": "hush-0123456789"}), KEY)
    made = call()
    headers.of(made, KEY)

    assert "hush-0123456789" == made.secrets.redact("hush-0123456789")


def test_what_joins_the_secrets_of_a_call_is_not_kept_for_others():
    headers = CallHeaders({}, OPENAI)
    first, second = call(), call()
    headers.of(first, KEY)
    first.secrets.keep("of-the-first-0123456789")
    headers.of(second, KEY)

    assert "of-the-first-0123456789" == second.secrets.redact("of-the-first-0123456789")


def test_what_cannot_be_sent_is_refused_every_time():
    headers = CallHeaders({}, OPENAI)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="header name"):
            headers.of(call(endpoint_headers={"no token": "1"}), KEY)


def test_calls_of_many_kinds_are_all_right_and_not_all_kept():
    headers = CallHeaders({}, OPENAI)
    for number in (*range(200), *range(200)):
        made = call(endpoint_headers={"X-Kind": str(number)})
        assert str(number) == headers.of(made, KEY)["X-Kind"]

    assert len(headers._kept) <= 64
