"""Every shared chat fixture gives its expected outcome, and every recorded chat stream folds to its recorded fold.

Each is fed whole, byte by byte and seven bytes at a time: where chunks end never shows. The numbers are printed: run
with `-s` to see them.
"""

import json
from collections import Counter
from typing import Any

import pytest
from chat_folds import Outcome, cuts, fold, same, usage_as_sent, without_nulls
from shared_files import SHARED, needs_shared

FIXTURES = SHARED / "fixtures" / "chat.json"
SECOND_FIXTURES = SHARED / "fixtures" / "chat_second.json"
RECORDINGS = SHARED / "recordings"

DELIVERIES = {"whole": 1 << 30, "one byte": 1, "seven bytes": 7}

DEVIATIONS: dict[str, str] = {}
"""Recordings whose recorded fold is not what the rules give, with the reason. There is none."""


@pytest.fixture(scope="module")
def fixtures() -> dict[str, Any]:
    return json.loads(FIXTURES.read_text())


@needs_shared("fixtures", "chat.json")
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_every_fixture_gives_its_expected_outcome(fixtures, delivery):
    wrong = {}
    for name, case in fixtures.items():
        found = fold(cuts(case["sse"].encode(), DELIVERIES[delivery])).as_fixture()
        expected = {key: case["expected"][key] for key in found}
        if not same(expected, found, set()):
            wrong[name] = (expected, found)
    print(f"\n{len(fixtures) - len(wrong)} of {len(fixtures)} chat fixtures as expected ({delivery})")

    assert wrong == {}


@needs_shared("fixtures", "chat_second.json")
@pytest.mark.parametrize("delivery", [*DELIVERIES, "every two pieces"])
def test_every_fixture_of_the_second_round_gives_its_expected_outcome(delivery):
    second = json.loads(SECOND_FIXTURES.read_text())
    wrong = {}
    for name, case in second.items():
        body = case["sse"].encode()
        if delivery in DELIVERIES:
            deliveries = [list(cuts(body, DELIVERIES[delivery]))]
        else:
            deliveries = [[body[:at], body[at:]] for at in range(1, len(body))]
        for chunks in deliveries:
            found = fold(chunks).as_fixture()
            expected = {key: case["expected"][key] for key in found}
            usages = expected.pop("usage"), found.pop("usage")
            if not (same(expected, found, set()) and same_usage(*usages)):
                wrong[name] = (expected, found)
    print(f"\n{len(second) - len(wrong)} of {len(second)} chat fixtures of the second round as expected ({delivery})")

    assert wrong == {}


def recordings() -> list[tuple[str, dict[str, Any], bytes]]:
    found = []
    for file in sorted(RECORDINGS.glob("*.json")):
        record = json.loads(file.read_text())
        if record["api"] == "chat":
            found.append((file.stem, record["fold"], file.with_suffix(".sse").read_bytes()))
    return found


def differences(recorded: dict[str, Any], found: Outcome) -> list[str]:
    """Compare with a recorded fold, which is a plain one: null equals "", calls in order (rule 6.5)."""
    shown = found.as_fixture()
    wrong = [f"choices {sorted(shown['choices'])}"] if set(shown["choices"]) != set(recorded["choices"]) else []
    for index, choice in recorded["choices"].items():
        ours = shown["choices"].get(index, {})
        wrong += [
            f"{index}.{key}: {ours.get(key)!r}"
            for key in ("content", "refusal", "reasoning", "finish_reason")
            if (ours.get(key) or "") != (choice.get(key) or "")
        ]
        calls = [(call["id"], call["name"], call["arguments"]) for call in ours.get("tool_calls", ())]
        if calls != [(c["id"], c["name"] or "", c["arguments"] or "") for c in choice["tool_calls"].values()]:
            wrong.append(f"{index}.tool_calls: {calls}")
    if not same_usage(recorded["usage"], usage_as_sent(found.completion.usage)):
        wrong.append(f"usage: {usage_as_sent(found.completion.usage)}")
    errors = [error["message"] for error in recorded["errors"]]
    if errors != ([found.error.message] if found.outcome == "error" and found.error else []):
        wrong.append(f"error: {found.error!r}")
    ended = recorded["done_sentinel"] or all(choice["finish_reason"] for choice in recorded["choices"].values())
    expected = "error" if errors else "complete" if ended else "truncated"
    return wrong + ([f"outcome: {found.outcome}"] if found.outcome != expected else [])


def same_usage(recorded: dict[str, Any] | None, ours: dict[str, Any] | None) -> bool:
    """Compare usages; the three numbers of ours are 0 where the wire gave none."""
    if recorded is None or ours is None:
        return recorded is ours
    recorded = without_nulls(recorded)
    return {key: value for key, value in ours.items() if value or key in recorded} == recorded


@needs_shared("recordings")
@pytest.mark.parametrize(
    "delivery",
    [
        "whole",
        pytest.param("seven bytes", marks=pytest.mark.faults),
        pytest.param("one byte", marks=pytest.mark.slow),
    ],
)
def test_every_recording_folds_to_its_recorded_fold(delivery):
    wrong: dict[str, list[str]] = {}
    outcomes: Counter[str] = Counter()
    for name, recorded, body in recordings():
        found = fold(cuts(body, DELIVERIES[delivery]))
        outcomes[found.outcome] += 1
        found_wrong = differences(recorded, found)
        if found_wrong:
            wrong[name] = found_wrong
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    print(f"\n{outcomes.total()} chat recordings ({delivery}): {told}; {len(wrong)} deviate from their fold")

    assert outcomes.total() > 200
    assert {name: why for name, why in wrong.items() if name not in DEVIATIONS} == {}
    assert set(DEVIATIONS) <= set(wrong)


@needs_shared("recordings")
def test_repairs_of_the_recordings_are_few_and_known():
    """What real servers get wrong; whatever else turns up here is a bug of ours."""
    found: Counter[str] = Counter()
    for name, _, body in recordings():
        for rule in set(fold(body).rules):
            found[f"{rule} {name.partition('-')[0]}"] += 1
    print("\n" + "\n".join(f"{key}: {number} streams" for key, number in sorted(found.items())))

    assert set(found) == {
        "2.3 openaiphp",  # chunks without blank lines between them
        "4.9 mistral",  # tool calls without an index
        "4.10 openai",  # a compatible server that repeats the name of a call
        "6.4 databricks",  # null where the usage has numbers
    }
