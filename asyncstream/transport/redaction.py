"""The secrets of one request, and how they are kept out of what is told about its answer. Pure.

A server may repeat a key in its answer ("Incorrect API key provided: sk-..."), so every word of an answer passes
`Secrets.redact` before an error is made of it.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from multidict import CIMultiDict

from asyncstream.decoding import UnreadableJSON, dump_json
from asyncstream.errors import APIError, StreamDecodeError

__all__ = ["Secrets", "names_a_secret"]

_SECRET_WORDS = (
    "auth",
    "cookie",
    "credential",
    "key",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "session",
    "signature",
    "token",
)
"""Words in the names of headers and query parameters whose values are secrets: every gateway has names of its own."""

_SECRET_NAMES = frozenset({"code", "sig"})
"""Names that are too short to be looked for inside others."""

_PUBLIC_NAMES = frozenset({"idempotency-key", "sec-websocket-key", "www-authenticate", "x-idempotency-key"})
"""Names with such a word whose values are none."""


_LEFT = 4
"""Characters of a secret that are too many, where a text was cut within it."""


@lru_cache(maxsize=256)
def names_a_secret(name: str) -> bool:
    """Tell of a header or a query parameter whether its value is a secret, by its name in any case."""
    lower = name.lower()
    if lower in _PUBLIC_NAMES:
        return False
    return lower in _SECRET_NAMES or any(word in lower for word in _SECRET_WORDS)


class Secrets:
    """The secrets that a request carries, to be kept out of what is told about its answer."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Remember the values of headers or query parameters that hold secrets."""
        for name, value in pairs:
            if names_a_secret(name):
                self.keep(value)

    def keep(self, value: str) -> None:
        """Remember a value that is a secret wherever it stands."""
        # "Bearer sk-...": the scheme is no secret, and the key is repeated without it.
        self._values.update(word for word in value.split() if _is_secret(word))

    def join(self, others: "Secrets") -> None:
        """Remember those that another remembers."""
        self._values |= others._values

    def redact(self, text: str) -> str:
        """Return text with ``***`` in place of each secret."""
        for value in self._values:
            text = text.replace(value, "***")
        return self._redact_end(text) if text.endswith("…") else text

    def _redact_end(self, text: str) -> str:
        """Put ``***`` in place of what is left of a secret where a text was cut."""
        for value in self._values:
            for size in range(len(value) - 1, _LEFT - 1, -1):
                if text.endswith(value[:size] + "…"):
                    return text[: -size - 1] + "***…"
        return text

    def redact_bytes(self, data: bytes) -> bytes:
        """Return bytes with ``***`` in place of each secret."""
        for value in self._values:
            data = data.replace(value.encode("utf-8", "surrogatepass"), b"***")
        return data

    def redact_value(self, value: Any) -> Any:
        """Return JSON with ``***`` in place of each secret in its strings and keys, however deep."""
        match value:
            case str():
                return self.redact(value)
            case list() | dict() if self._may_be_in(value):
                return self._redact_members(value)
            case _:
                return value

    def _may_be_in(self, value: object) -> bool:
        """Return False for JSON that holds no secret for certain: going through it costs twenty times as much."""
        try:
            text = dump_json(value)
        except UnreadableJSON:
            return True
        return any(secret in text or dump_json(secret)[1:-1] in text for secret in self._values)

    def _redact_members(self, value: Any) -> Any:
        match value:
            case str():
                return self.redact(value)
            case list():
                return [self._redact_members(item) for item in value]
            case dict():
                return {self._redact_members(key): self._redact_members(item) for key, item in value.items()}
            case _:
                return value

    def clean(self, error: APIError) -> None:
        """Put ``***`` in place of each secret in what an error says and keeps of an answer."""
        error.message = self.redact(error.message)
        error.args = (error.message,)
        for name in ("code", "type", "param", "request_id"):
            setattr(error, name, self.redact_value(getattr(error, name)))
        if error.body is not None:
            error.body = self.redact_bytes(error.body)
        if isinstance(error, StreamDecodeError):
            error.raw = self.redact_bytes(error.raw)
        if error.headers is not None:
            error.headers = CIMultiDict((name, self.redact(value)) for name, value in error.headers.items())


def _is_secret(word: str) -> bool:
    # Local servers are given placeholders such as "x", "EMPTY" or "ollama"; starring these would garble messages.
    return len(word) >= 8 or (len(word) >= 5 and not word.isalpha())
