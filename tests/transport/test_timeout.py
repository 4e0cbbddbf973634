import pickle

import pytest

from asyncstream.errors import ConfigurationError
from asyncstream.transport.timeout import Timeout, as_timeout


def test_defaults_bound_connect_response_and_event_but_not_the_total() -> None:
    timeout = Timeout()

    assert (timeout.connect, timeout.response, timeout.event, timeout.total) == (5.0, 600.0, 600.0, None)


def test_each_deadline_is_optional_on_its_own() -> None:
    assert Timeout(connect=5.0, response=600.0, event=30, total=None) == Timeout(event=30)


@pytest.mark.parametrize("name", ["connect", "response", "event", "total"])
@pytest.mark.parametrize("seconds", [0, -1, -0.0, float("nan"), float("inf"), True, "5", b"5", [5]])
def test_what_is_no_number_above_zero_is_refused(name: str, seconds: object) -> None:
    with pytest.raises(ConfigurationError, match=f"timeout {name} must be"):
        Timeout(**{name: seconds})  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), False, "5", (1, 2)])
def test_a_wrong_number_for_all_is_refused(seconds: object) -> None:
    with pytest.raises(ConfigurationError, match="timeout must be"):
        as_timeout(seconds)  # type: ignore[arg-type]


def test_a_number_bounds_response_and_event_and_a_longer_connect() -> None:
    assert Timeout(connect=5.0, response=60, event=60) == as_timeout(60)
    assert Timeout(connect=0.5, response=0.5, event=0.5) == as_timeout(0.5)


def test_none_is_no_deadline_at_all() -> None:
    assert Timeout(connect=None, response=None, event=None, total=None) == as_timeout(None)


def test_deadlines_are_taken_as_they_are() -> None:
    timeout = Timeout(total=3)

    assert timeout is as_timeout(timeout)


def test_a_timeout_cannot_be_changed_and_survives_pickling() -> None:
    timeout = Timeout(event=3)

    assert timeout == pickle.loads(pickle.dumps(timeout))
    with pytest.raises(AttributeError):
        timeout.event = 4  # type: ignore[misc]
