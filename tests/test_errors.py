"""What all errors have in common: openai-python's attributes, deadlines that are `TimeoutError`s, pickling."""

import asyncio
import pickle

import pytest

from asyncstream import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    ArgumentError,
    NotFoundError,
    PollTimeoutError,
    StreamTimeoutError,
)

REFUSED = NotFoundError(
    "no such run",
    status=404,
    headers={"x-request-id": "req_1"},
    body=b'{"error": {"message": "no such run"}}',
    request_id="req_1",
)


def test_an_answer_has_openai_python_s_names():
    response = REFUSED.response

    assert response is not None
    assert 404 == REFUSED.status_code == response.status_code
    assert "req_1" == response.headers["x-request-id"]
    assert '{"error": {"message": "no such run"}}' == response.text
    assert {"error": {"message": "no such run"}} == response.json()


def test_before_an_answer_there_is_none():
    error = APIConnectionError("no connection")

    assert error.status_code is None
    assert error.response is None


def test_a_body_that_is_no_json_is_an_error_of_the_package():
    error = NotFoundError("gone", status=404, headers={}, body=b"<html>")

    assert error.response is not None
    with pytest.raises(APIResponseValidationError, match="no JSON") as caught:
        error.response.json()
    assert b"<html>" == caught.value.body


def test_an_answer_without_a_body_is_empty():
    error = NotFoundError("gone", status=404)

    assert error.response is not None
    assert ("", {}) == (error.response.text, error.response.headers)


@pytest.mark.parametrize(
    "error",
    [
        REFUSED,
        APITimeoutError("no response within 3 s", status=None),
        StreamTimeoutError("no event within 3 s", partial=None, events_seen=4, status=200, headers={"a": "b"}),
        PollTimeoutError("it goes on", last={"id": "run_1"}),
        ArgumentError("unknown keyword"),
    ],
)
def test_errors_survive_pickling_with_all_they_have(error):
    again = pickle.loads(pickle.dumps(error))

    assert (type(error), str(error), error.args, vars(error)) == (type(again), str(again), again.args, vars(again))


@pytest.mark.parametrize("kind", [APITimeoutError, StreamTimeoutError, PollTimeoutError])
def test_deadlines_are_caught_as_timeout_errors(kind):
    with pytest.raises(asyncio.TimeoutError, match="late"):
        raise kind("late")
