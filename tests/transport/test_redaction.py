"""Secrets are found in JSON of any shape, however its strings would be written."""

import pytest

from asyncstream.transport.redaction import Secrets


@pytest.mark.parametrize(
    "secret", ["sk-plain-12345", 'quo"ted\\back', "sl/ash-12345", "ümlaut-12345", "ctrl\x01-12345"]
)
def test_secret_in_json_is_starred(secret: str) -> None:
    secrets = Secrets()
    secrets.keep(secret)
    value = {"a": [1, None, {f"key {secret}": [f"it was {secret}!", True]}], "b": "nothing"}

    assert secrets.redact_value(value) == {"a": [1, None, {"key ***": ["it was ***!", True]}], "b": "nothing"}
    assert secrets.redact_value(f"x{secret}") == "x***"


def test_json_without_a_secret_stays_what_it_is() -> None:
    secrets = Secrets()
    secrets.keep("sk-plain-12345")
    value = {"a": ["sk-other-12345", 1.5], "b": None}

    assert secrets.redact_value(value) is value
    assert [secrets.redact_value(plain) for plain in (1, None, True, "x")] == [1, None, True, "x"]


def test_secret_deep_in_json_is_starred() -> None:
    secrets = Secrets()
    secrets.keep("sk-plain-12345")
    value: object = "sk-plain-12345"
    for _ in range(100):
        value = [value]
    found = secrets.redact_value(value)
    for _ in range(100):
        found = found[0]

    assert found == "***"
