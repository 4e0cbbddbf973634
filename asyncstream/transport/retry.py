"""Whether a failed attempt is tried again, and after how long. Pure: the clock and the dice are arguments.

Rule 1: nothing is repeated that may have begun a second, billed run. An attempt is repeated if the server asks for it
(408, 409, 429, 5xx, `x-should-retry`), if no connection came about, or if the method may be repeated (GET, DELETE).
Rule 2: a POST whose connection broke after its body was sent is repeated only if that connection had been used before:
then the server had most likely closed it while it idled (`is_stale`). Once, at once, on a fresh connection; this is no
retry and does not count as one.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal, TypeAlias

from msgspec import Struct

__all__ = ["MAX_RETRY_AFTER", "Failure", "FailureKind", "is_stale", "retry_delay", "server_delay"]

FailureKind: TypeAlias = Literal["connect", "disconnected", "broken", "response_timeout", "final"]
"""How an attempt without a response failed.

"connect": no connection came about, by refusal or deadline. "disconnected": it broke before any byte of an answer.
"broken": it broke within the head of an answer. "response_timeout": no answer within the deadline. "final": trying
again cannot help, such as a wrong certificate.
"""

MAX_RETRY_AFTER = 120.0
"""Seconds; what a server asks for beyond it is left to the caller, who may have something better to do."""

_FIRST_DELAY = 0.5
_MAX_DELAY = 8.0
_JITTER = 0.25
"""The part of a delay that chance may take off, so that clients that failed together do not come back together."""

_NUMBER = r"[+-]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:e[+-]?+\d++)?+"
"""Possessive throughout: what it has taken it does not give back, so that a long number is read once."""

_DURATION = r"(?:\d++(?:\.\d*+)?+(?:ns|us|µs|μs|ms|s|m|h))++"
_PART = r"(\d++(?:\.\d*+)?+)([a-zµμ]*+)"
"""A duration as programs in Go write it, "6m0.5s"; and a part of one."""

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

_EPOCH_SECONDS: Final = 1e9
_EPOCH_MILLISECONDS: Final = 1e12
"""From these numbers on, the reset of a budget is a moment and no duration: 2001, and 30 years are no time to wait."""

_RESET: Final = "x-ratelimit-reset"
_REMAINING: Final = "x-ratelimit-remaining"

_LONGEST: Final = 64
"""Characters of a delay or a date that are read: an HTTP date has 33 at most."""


class Failure(Struct, frozen=True, kw_only=True):
    """What is known of a failed attempt: an answer's status and headers, or the kind of its failure."""

    status: int | None = None
    headers: Mapping[str, str] = {}
    """Of the answer; must be case-insensitive."""
    kind: FailureKind = "final"
    """Counts only without a status."""
    sent: bool = True
    """Whether any of the request may have left; True if that is not known."""
    reused: bool = False
    """Whether the connection had carried a request before; False if that is not known."""
    refused: bool = False
    """Whether the connection was closed here before a byte was sent, because of what had come on it while it idled."""


def is_stale(failure: Failure) -> bool:
    """Return True if a connection that the server had closed while it idled is the likely cause."""
    return failure.status is None and failure.kind == "disconnected" and failure.reused


def retry_delay(
    failure: Failure, *, method: str, retries: int, max_retries: int, now: float, chance: float
) -> float | None:
    """Return the seconds to wait before the next attempt; None if there is none.

    Args:
        failure: How the last attempt failed.
        method: The HTTP method, in capitals.
        retries: How many retries there were.
        max_retries: How many there may be.
        now: Seconds since 1970-01-01 UTC, to read a date in `retry-after`.
        chance: A random number from 0 to 1.
    """
    if retries >= max_retries or not _may_repeat(failure, method):
        return None
    asked = server_delay(failure.headers, now=now, status=failure.status)
    if asked is None:
        # 2**4 reaches the cap; a large `retries` would overflow a float.
        return min(_FIRST_DELAY * 2.0 ** min(retries, 4), _MAX_DELAY) * (1 - _JITTER * chance)
    return asked if asked <= MAX_RETRY_AFTER else None


def server_delay(headers: Mapping[str, str], *, now: float, status: int | None = None) -> float | None:
    """Return the seconds that the server asks to wait, however many; None if it asks for nothing that can be read.

    `retry-after-ms` comes before `retry-after`, which is seconds or an HTTP date. Without both, and with status 429,
    the budgets of which nothing remains say when they are filled again: the latest of `x-ratelimit-reset-...`, and of
    `x-ratelimit-reset` unless something remains of that. What is past, zero, negative or not finite is ignored.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3,
        https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
    """
    milliseconds = _number(_short(headers, "retry-after-ms"))
    if milliseconds is not None and 0 < milliseconds < math.inf:
        return milliseconds / 1000
    text = _short(headers, "retry-after")
    seconds = _number(text)
    if seconds is None:
        seconds = _seconds_until(text, now)
    if seconds is not None and 0 < seconds < math.inf:
        return seconds
    return _until_filled(headers, now) if status == 429 else None


def _until_filled(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds until every budget that is used up is filled again; None if none says."""
    found = []
    for name in {name.lower() for name in headers if name.lower().startswith(_RESET)}:
        left = _number(_short(headers, _REMAINING + name.removeprefix(_RESET)))
        if left == 0 or (left is None and name == _RESET):
            seconds = _until(_short(headers, name), now)
            if seconds is not None and 0 < seconds < math.inf:
                found.append(seconds)
    return max(found, default=None)


def _until(text: str, now: float) -> float | None:
    """Return the seconds until a moment: seconds or milliseconds since 1970, a date; or a duration from now on."""
    number = _number(text)
    if number is not None:
        if number >= _EPOCH_MILLISECONDS:
            return number / 1000 - now
        return number - now if number >= _EPOCH_SECONDS else number
    if re.fullmatch(_DURATION, text, re.ASCII):
        return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text, re.ASCII))
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return _seconds_until(text, now)


def _may_repeat(failure: Failure, method: str) -> bool:
    if failure.status is not None:
        match failure.headers.get("x-should-retry", "").strip().lower():
            case "true":
                return True
            case "false":
                return False
            case _:
                return failure.status in (408, 409, 429) or failure.status >= 500
    if failure.kind == "final":
        return False
    return failure.kind == "connect" or not failure.sent or method in ("GET", "DELETE")


def _short(headers: Mapping[str, str], name: str) -> str:
    """Return the value of a header; "" for none, and for one that is too long to be a delay or a date."""
    text = headers.get(name, "").strip()
    return text if len(text) <= _LONGEST else ""


def _number(text: str) -> float | None:
    # float() alone also reads "nan", "infinity", "1_0" and the digits of other scripts.
    return float(text) if re.fullmatch(_NUMBER, text, re.ASCII | re.IGNORECASE) else None


def _seconds_until(date: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        # "-0000" gives a naive datetime: UTC, by RFC 5322, of a sender that does not tell its zone.
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return aware.timestamp() - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
