"""The headers of a client's calls: merged, checked and searched for secrets once for all calls that are alike. Pure.

Above it: the door, `transport.http`, which has one for each client. Below it: `transport.request`, which merges,
and `transport.call`.

Rule 1: whatever decides what is sent is part of the key that headers are kept under; what is of one call alone (its
idempotency key, the caller's own headers, those that observers want) is never kept.
Rule 2: nothing is kept of a key that is not the latest one.
"""

from typing import NamedTuple

from multidict import CIMultiDict

from asyncstream.transport.call import Call
from asyncstream.transport.dialects import Dialect
from asyncstream.transport.redaction import Secrets
from asyncstream.transport.request import HeaderValues, merge_headers

__all__ = ["CallHeaders"]

_MOST_KEPT = 64
"""A client has some ten kinds of calls; more come only of endpoints that have each other headers."""

_IDEMPOTENCY_KEY = "Idempotency-Key"


class _Kept(NamedTuple):
    headers: CIMultiDict[str]
    secrets: Secrets
    """Those among the headers, and the key."""
    takes_key: bool
    """Whether no default of the client's stands in the place of a call's own idempotency key, or removes it."""


class CallHeaders:
    """The headers of a client's calls.

    Args:
        headers: What the client sends with each; None removes one that would be sent otherwise.
        dialect: Where the key goes.
    """

    def __init__(self, headers: HeaderValues, dialect: Dialect) -> None:
        # Whoever gave them may change theirs later.
        self._headers = dict(headers)
        self._dialect = dialect
        self._key: str | None = None
        self._kept: dict[object, _Kept] = {}

    def of(self, call: Call, key: str) -> CIMultiDict[str]:
        """Return what an attempt sends, and let the call know which of it are secrets.

        Raises:
            ConfigurationError: A name or value cannot be sent. The value is not in the message.
        """
        request = call.request
        wanted = call.watch.headers()
        if wanted or request.headers or call.framing:
            own = {} if call.idempotency_key is None else {_IDEMPOTENCY_KEY: call.idempotency_key}
            merged = merge_headers(
                # Of what a watch wants, anything else removes or replaces its own.
                {**wanted, **call.headers, **own, **self._dialect.authorization(key)},
                request.endpoint_headers,
                self._headers,
                request.headers,
                call.framing,
            )
            call.secrets.keep(key)
            call.secrets.add(merged.items())
            return merged
        if key != self._key:
            self._kept.clear()
            self._key = key
        alike = (*call.headers.items(), *request.endpoint_headers.items())
        kept = self._kept.get(alike)
        if kept is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            kept = self._kept[alike] = self._merge(call, key)
        call.secrets.join(kept.secrets)
        headers = kept.headers.copy()
        if kept.takes_key and call.idempotency_key is not None:
            headers[_IDEMPOTENCY_KEY] = call.idempotency_key
        return headers

    def _merge(self, call: Call, key: str) -> _Kept:
        layers = (call.request.endpoint_headers, self._headers)
        headers = merge_headers({**call.headers, **self._dialect.authorization(key)}, *layers)
        secrets = Secrets()
        secrets.keep(key)
        secrets.add(headers.items())
        named = {name.lower() for layer in layers for name in layer}
        return _Kept(headers, secrets, _IDEMPOTENCY_KEY.lower() not in named)
