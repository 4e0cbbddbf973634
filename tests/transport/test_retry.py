from email.utils import formatdate

import pytest
from multidict import CIMultiDict

from asyncstream.transport.retry import Failure, FailureKind, is_stale, retry_delay, server_delay

NOW = 1_700_000_000.0


def delay(failure: Failure, *, method: str = "POST", retries: int = 0, chance: float = 0.0) -> float | None:
    return retry_delay(failure, method=method, retries=retries, max_retries=10, now=NOW, chance=chance)


def refused(status: int, **headers: str) -> Failure:
    return Failure(status=status, headers=CIMultiDict({k.replace("_", "-"): v for k, v in headers.items()}))


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("status", [408, 409, 429, 500, 501, 502, 503, 504, 529, 599])
def test_these_statuses_are_retried_for_all_methods(method: str, status: int) -> None:
    assert delay(refused(status), method=method) == 0.5


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 405, 410, 413, 422, 428, 499])
def test_other_statuses_are_not(method: str, status: int) -> None:
    assert delay(refused(status), method=method) is None


def test_the_server_decides_where_it_says_so() -> None:
    assert delay(refused(400, x_should_retry="true")) == 0.5
    assert delay(refused(503, x_should_retry="false")) is None
    assert delay(refused(503, X_Should_Retry=" False ")) is None
    assert delay(refused(503, x_should_retry="perhaps")) == 0.5


@pytest.mark.parametrize(
    ("kind", "sent", "methods"),
    [
        ("connect", True, {"GET", "POST", "DELETE"}),
        ("connect", False, {"GET", "POST", "DELETE"}),
        ("disconnected", True, {"GET", "DELETE"}),
        ("broken", True, {"GET", "DELETE"}),
        ("response_timeout", True, {"GET", "DELETE"}),
        ("response_timeout", False, {"GET", "POST", "DELETE"}),
        ("final", True, set()),
        ("final", False, set()),
    ],
)
def test_a_failure_without_an_answer_is_retried_where_that_cannot_begin_a_second_run(
    kind: FailureKind, sent: bool, methods: set[str]
) -> None:
    failure = Failure(kind=kind, sent=sent)

    assert methods == {method for method in ("GET", "POST", "DELETE") if delay(failure, method=method) is not None}


def test_only_a_reused_connection_that_broke_before_any_byte_is_stale() -> None:
    assert is_stale(Failure(kind="disconnected", reused=True))
    assert not is_stale(Failure(kind="disconnected"))
    assert not is_stale(Failure(kind="broken", reused=True))
    assert not is_stale(Failure(kind="response_timeout", reused=True))
    assert not is_stale(Failure(kind="connect", reused=True))
    assert not is_stale(Failure(status=500, kind="disconnected", reused=True))


def test_there_are_no_more_retries_than_allowed() -> None:
    arguments = {"method": "GET", "now": NOW, "chance": 0.0}

    assert retry_delay(refused(500), retries=0, max_retries=0, **arguments) is None
    assert retry_delay(refused(500), retries=1, max_retries=2, **arguments) == 1.0
    assert retry_delay(refused(500), retries=2, max_retries=2, **arguments) is None


def test_delays_double_up_to_eight_seconds() -> None:
    assert [delay(refused(500), retries=retries) for retries in range(7)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert retry_delay(refused(500), method="GET", retries=10**6, max_retries=10**7, now=NOW, chance=0.0) == 8


def test_chance_takes_off_a_quarter_at_most() -> None:
    assert [delay(refused(500), chance=chance) for chance in (0, 0.5, 1)] == [0.5, 0.4375, 0.375]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "1"}, 1.0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"Retry-After": "120"}, 120.0),
        ({"retry-after": "1e1"}, 10.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "nan", "retry-after": "7"}, 7.0),
        ({"retry-after-ms": "-5", "retry-after": "7"}, 7.0),
        ({"retry-after-ms": "0", "retry-after": "7"}, 7.0),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 -0000"}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2023 23:13:50 +0100"}, 30.0),
        # Ignored: what stands there is no time in the future.
        ({"retry-after": formatdate(NOW - 30, usegmt=True)}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "9" * 5000 + "x"}, None),
        ({"retry-after": "." * 5000}, None),
        ({"retry-after": "0" * 63 + "7"}, 7.0),
        # Longer than any delay or date.
        ({"retry-after": "0" * 64 + "7"}, None),
        ({"retry-after": "7" + " " * 100}, 7.0),
        ({"retry-after": "+1.e+0"}, 1.0),
        ({"retry-after": ".5E1"}, 5.0),
        ({"retry-after": "1.5.5"}, None),
        ({"retry-after": "1e"}, None),
        ({"retry-after": "+"}, None),
        ({"retry-after-ms": "9" * 5000 + "x", "retry-after": "7"}, 7.0),
        ({"retry-after": ""}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "1_0"}, None),
        ({"retry-after": "\u0661"}, None),
        ({"retry-after": "Tue, 99 Nov 2023 22:13:50 GMT"}, None),
        ({"retry-after": "Tue, 14 Nov 99999 22:13:50 GMT"}, None),
        ({}, None),
    ],
)
def test_what_the_server_asks_for(headers: dict[str, str], expected: float | None) -> None:
    assert expected == server_delay(CIMultiDict(headers), now=NOW)


def test_the_server_s_delay_is_taken_exactly() -> None:
    assert delay(refused(429, retry_after="3"), retries=4, chance=1.0) == 3.0


def test_an_ignored_delay_is_replaced_by_our_own() -> None:
    assert delay(refused(429, retry_after="-1"), retries=1) == 1.0


@pytest.mark.parametrize("asked", ["121", "120.001", "3600", "1e9"])
def test_what_is_too_long_to_wait_for_is_not_retried(asked: str) -> None:
    assert delay(refused(429, retry_after=asked)) is None
    assert delay(refused(429, retry_after=asked, x_should_retry="true")) is None


def asked(**headers: str) -> float | None:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return server_delay(named, now=NOW, status=429)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("3s", 3.0),
        ("6ms", 0.006),
        ("1m30.5s", 90.5),
        ("1h2m3s", 3723.0),
        ("250µs", 0.00025),
        ("250us", 0.00025),
        ("2", 2.0),
        ("0.25", 0.25),
        (str(int(NOW) + 7), 7.0),
        (str(int(NOW) * 1000 + 7500), 7.5),
        ("2023-11-14T22:13:30Z", 10.0),
        ("2023-11-14T22:13:30", 10.0),
        ("2023-11-14T23:13:30.500+01:00", 10.5),
        (formatdate(NOW + 20, usegmt=True), 20.0),
        ("", None),
        ("soon", None),
        ("3x", None),
        ("0s", None),
        ("-3", None),
        ("nan", None),
        ("1e400", None),
        (str(int(NOW) - 7), None),
        ("9" * 8_000 + "s", None),
    ],
)
def test_a_budget_that_is_used_up_says_when_it_is_filled_again(reset: str, seconds: float | None) -> None:
    found = asked(x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests=reset)

    assert (None if seconds is None else pytest.approx(seconds, abs=1e-6)) == found
    assert found == asked(x_ratelimit_reset=reset)


def test_only_budgets_of_which_nothing_remains_are_waited_for() -> None:
    headers = {"x_ratelimit_remaining_requests": "12", "x_ratelimit_reset_requests": "50s"}

    assert asked(**headers) is None
    assert asked(x_ratelimit_reset_requests="50s") is None
    assert asked(x_ratelimit_remaining="3", x_ratelimit_reset="50s") is None
    assert 2.0 == asked(**headers, X_RateLimit_Remaining_Tokens="0", X_RateLimit_Reset_Tokens="2s")


def test_all_budgets_that_are_used_up_are_waited_for() -> None:
    empty = {"x_ratelimit_remaining_requests": "0", "x_ratelimit_remaining_tokens": "0"}

    assert 9.0 == asked(**empty, x_ratelimit_reset_requests="9s", x_ratelimit_reset_tokens="4s")


def test_what_the_server_says_in_so_many_words_comes_before_its_budgets() -> None:
    assert 1.0 == asked(retry_after="1", x_ratelimit_reset="50s")
    assert 0.02 == asked(retry_after_ms="20", x_ratelimit_reset="50s")


def test_only_too_many_requests_are_waited_for_by_budget() -> None:
    assert 3.0 == delay(refused(429, x_ratelimit_reset="3s"))
    assert 0.5 == delay(refused(500, x_ratelimit_reset="3s"))
    assert delay(refused(429, x_ratelimit_reset="121")) is None
