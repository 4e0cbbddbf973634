"""Which headers and query parameters hold secrets, and that their values are starred where an answer repeats them."""

import pytest

from asyncstream.transport.redaction import Secrets, names_a_secret

SECRET_NAMES = [
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "X-Api-Key",
    "api-key",
    "apikey",
    "X-Auth-Token",
    "X-Auth-Email",
    "Helicone-Auth",
    "x-portkey-api-key",
    "x-portkey-virtual-key",
    "CF-Access-Client-Secret",
    "CF-Access-Token",
    "cf-aig-authorization",
    "x-goog-api-key",
    "x-amz-security-token",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "ocp-apim-subscription-key",
    "x-functions-key",
    "X-Vault-Token",
    "X-LiteLLM-Key",
    "private-token",
    "X-Client-Secret",
    "X-Password",
    "passwd",
    "x-session-id",
    "access_token",
    "key",
    "sig",
    "code",
]

PUBLIC_NAMES = [
    "Accept",
    "Content-Type",
    "Idempotency-Key",
    "OpenAI-Organization",
    "User-Agent",
    "X-Request-Id",
    "api-version",
    "encoding",
    "limit",
    "order",
    "after",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_that_any_gateway_has_for_a_secret_is_known(name):
    assert names_a_secret(name)
    assert names_a_secret(name.upper())
    assert names_a_secret(name.lower())


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_other_names_are_no_secrets(name):
    assert not names_a_secret(name)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_what_stands_under_such_a_name_is_starred(name):
    secrets = Secrets()
    secrets.add([(name, "Bearer very-secret-1"), ("X-Other", "plain-value-1")])

    assert "got *** and plain-value-1" == secrets.redact("got very-secret-1 and plain-value-1")
    assert b'{"***": 1}' == secrets.redact_bytes(b'{"very-secret-1": 1}')


def test_the_key_of_a_repeated_request_is_no_secret():
    secrets = Secrets()
    secrets.add([("Idempotency-Key", "asyncstream-0123456789")])

    assert "asyncstream-0123456789" == secrets.redact("asyncstream-0123456789")
