"""The shared fixtures and recordings of Assistants: each gives what they say, however its bytes are cut."""

import json
from typing import Any

import pytest
from assistant_folds import Outcome, fold, splits
from shared_files import SHARED, needs_shared

FIXTURES = SHARED / "fixtures" / "assistants.json"
RECORDINGS = SHARED / "recordings"


def fixtures() -> dict[str, dict[str, Any]]:
    return json.loads(FIXTURES.read_text())


def differences(found: Outcome, expected: dict[str, Any]) -> list[str]:
    """List the parts of an outcome that are not as expected; `<any>` stands for any message."""
    said, wanted = found.as_fixture(), {key: value for key, value in expected.items() if key != "notes"}
    if wanted["error"] and said["error"] and wanted["error"]["message"] == "<any>" and said["error"]["message"]:
        said["error"]["message"] = "<any>"
    return [f"{key}: {said.get(key)!r} instead of {value!r}" for key, value in wanted.items() if said.get(key) != value]


@needs_shared("fixtures", "assistants.json")
def test_fixtures_give_what_they_say():
    wrong, runs = [], 0
    for name, fixture in fixtures().items():
        body = fixture["sse"].encode()
        for size in (len(body), 1, 7):
            chunks = [body[at : at + size] for at in range(0, len(body), size)]
            wrong += [f"{name} by {size}: {one}" for one in differences(fold(*chunks), fixture["expected"])]
            runs += 1
    print(f"{len(fixtures())} fixtures, {runs} runs, {len(wrong)} differences")

    assert wrong == []
    assert len(fixtures()) >= 44


@needs_shared("fixtures", "assistants.json")
@pytest.mark.parametrize("step", [37, pytest.param(1, marks=pytest.mark.slow)])
def test_fixtures_cut_in_two_give_what_they_say(step):
    wrong, runs = [], 0
    for name, fixture in fixtures().items():
        for chunks in splits(fixture["sse"].encode(), step):
            runs += 1
            wrong += [f"{name} at {len(chunks[0])}: {one}" for one in differences(fold(*chunks), fixture["expected"])]
    print(f"{runs} splits, {len(wrong)} differences")

    assert wrong == []


def recordings() -> list[tuple[str, dict[str, Any], bytes]]:
    found = []
    for path in sorted(RECORDINGS.glob("*.json")):
        record = json.loads(path.read_text())
        if record["api"] == "assistants":
            found.append((path.stem, record["fold"], path.with_suffix(".sse").read_bytes()))
    return found


@needs_shared("recordings")
def test_recordings_fold_to_their_recorded_fold():
    wrong, outcomes = [], []
    for name, plain, body in recordings():
        for size in (len(body), 1000, 13):
            found = fold(*(body[at : at + size] for at in range(0, len(body), size)))
            said = {
                "run": found.as_fixture()["run"],
                "messages": {
                    message["id"]: "".join(part.get("value", "") for part in message["content"])
                    for message in found.messages
                },
                "steps": {step["id"]: step["status"] for step in found.steps},
            }
            wrong += [f"{name}: {key} {said[key]!r}" for key in said if said[key] != plain[key]]
            wrong += [f"{name}: repaired {repair}" for repair in found.accumulator.repairs]
        outcomes.append(found.outcome)
    print(f"{len(outcomes)} recordings, {outcomes.count('complete')} complete, {len(wrong)} differences")

    assert wrong == []
    assert len(outcomes) >= 12
    assert outcomes.count("complete") == 8
