"""The shared fixtures and recordings of Responses: each gives what they say, however its bytes are cut."""

import json
from typing import Any

import pytest
from response_folds import Outcome, cuts, fold, same
from shared_files import SHARED, needs_shared

FIXTURES = SHARED / "fixtures" / "responses.json"
RECORDINGS = SHARED / "recordings_responses"

DELIVERIES = {"whole": 1 << 30, "one byte": 1, "seven bytes": 7}


def fixtures() -> dict[str, dict[str, Any]]:
    return json.loads(FIXTURES.read_text())


def differences(found: Outcome, expected: dict[str, Any]) -> list[str]:
    """List the parts of an outcome that are not as expected."""
    said, wanted = found.as_fixture(), {key: value for key, value in expected.items() if key != "notes"}
    said.setdefault("audio", None)
    wanted.setdefault("audio", None)
    return [f"{key}: {said[key]!r} instead of {value!r}" for key, value in wanted.items() if not same(value, said[key])]


@needs_shared("fixtures", "responses.json")
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_fixtures_give_what_they_say(delivery):
    wrong: dict[str, list[str]] = {}
    for name, case in fixtures().items():
        bodies = [body.encode() for body in (case["sse"], *case.get("resume", ()))]
        found = fold(*(cuts(body, DELIVERIES[delivery]) for body in bodies))
        if told := differences(found, case["expected"]):
            wrong[name] = told
    print(f"\n{len(fixtures()) - len(wrong)} of {len(fixtures())} fixtures as expected ({delivery})")

    assert wrong == {}
