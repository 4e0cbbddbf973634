"""The shared fixtures and recordings of Responses: each gives what they say, however its bytes are cut."""

import hashlib
import json
from collections import Counter
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


@needs_shared("fixtures", "responses.json")
@pytest.mark.parametrize("step", [pytest.param(37, marks=pytest.mark.faults), pytest.param(1, marks=pytest.mark.slow)])
def test_fixtures_cut_in_two_give_what_they_say(step):
    wrong, runs = [], 0
    for name, case in fixtures().items():
        first, *rest = (body.encode() for body in (case["sse"], *case.get("resume", ())))
        for place in range(1, len(first), step):
            runs += 1
            found = fold([first[:place], first[place:]], *rest)
            wrong += [f"{name} at {place}: {one}" for one in differences(found, case["expected"])]
    print(f"\n{runs} splits, {len(wrong)} differences")

    assert wrong == []


@needs_shared("fixtures", "responses.json")
def test_fixtures_go_on_from_a_pickle_as_they_say():
    for name, case in fixtures().items():
        bodies = [body.encode() for body in (case["sse"], *case.get("resume", ()))]

        assert (name, []) == (name, differences(fold(*bodies, pickled=True), case["expected"]))


# Recordings.

OTHER_IDS = "9.15: the ending list's ids replace the streamed ones"

DEVIATIONS: dict[str, str] = {
    "copilot-copilot_reasoning_roundtrip_streaming_i1": f"{OTHER_IDS}; 9.4: the last id is the response's",
    "copilot-vercel_github_copilot_id_rotation_1_i0": f"{OTHER_IDS}; 9.4: the last id is the response's",
    "databricks-llm_output_fixtures_i0": "9.3: both responses use one id, which names the first one's message; 9.4",
    "databricks-mcp_approval_fixtures_i2": "9.4: without a status, the last word of the name; the last id",
    "hf-responsesjs-made_deepseek_deepseek_streamed_reasoning_content_i0": "9.8: a known id beats a wrong index",
    "hf-responsesjs-made_groq_test_tool_use_failed_error_streaming_with_text_i0": "9.8: a known id beats a wrong index",
    "litellm-made_deepseek_test_deepseek_tool_variations_i1": "9.15: the ending list has a status",
    "litellm-made_deepseek_vercel_deepseek_tool_call": "9.15: the ending list has a status",
    "litellm-made_groq_test_tool_use_failed_error_streaming_with_text_i0": "9.15: `added` has a status",
    "litellm-made_native_openai_test_openai_responses_model_mcp_server_tool_stream_i0": "9.20: states are statuses",
    "openai-MCPToolStreamingWorksAsync_i0": "9.20: states are statuses",
    "openai-OpenAIStreamingErrorHandling_i0": "3.3: nothing is read after an error",
    "openai-context_length_exceeded_stream_i0": "3.3: nothing is read after an error",
    "openai-extensions_OpenAIResponseClientTests_i6": "9.20: states are statuses",
    "openai-open_ai_responses_api_spec_i0": "9.14: the done text counts, be it shorter",
    "openai-open_ai_responses_api_spec_i1": "2.4: its frames are no JSON",
    "openai-prism_stream_rate_limited_1_i0": "3.3: nothing is read after an error",
    "openai-vercel_openai_error_1_i0": "3.3: nothing is read after an error",
    "openai-vercel_openai_mcp_tool_approval_1_i0": "9.20: states are statuses",
    "openai-vercel_openai_mcp_tool_approval_3_i0": "9.20: states are statuses",
    "openai-vercel_programmatic_tool_calling_1_i0": "9.15: the ending list has another fingerprint",
    "openrouter-test_openai_responses_raw_cot_stream_openrouter_i0": OTHER_IDS,
    "vllm-gptoss20b_responses_followup_function_call_output_stream_i0": OTHER_IDS,
    "vllm-gptoss20b_responses_text_stream_i0": OTHER_IDS,
    "vllm-qwen35a3b_responses_function_stream_required_i0": f"{OTHER_IDS}; 9.7: what it lists besides is a new item",
    "vllm-qwen35a3b_responses_text_stream_i0": OTHER_IDS,
}
"""Recordings whose recorded fold, a plain one by index, is not what the rules give, with the rule that makes it."""


def recordings() -> list[tuple[str, dict[str, Any], bytes]]:
    return [
        (path.stem, json.loads(path.read_text())["fold"], path.with_suffix(".sse").read_bytes())
        for path in sorted(RECORDINGS.glob("*.json"))
    ]


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """Write an item down as the recorded folds do."""
    kind = item["type"]
    if kind == "reasoning":
        texts = {name: [part["text"] for part in item.get(name) or ()] for name in ("summary", "content")}
        return {**item, **texts, "encrypted_content": bool(item.get("encrypted_content"))}
    if kind != "message":
        return item
    parts = item.get("content") or []
    return {
        "role": "assistant",
        **item,
        "text": "".join(part["text"] for part in parts if part["type"] == "output_text"),
        "refusal": "".join(part["refusal"] for part in parts if part["type"] == "refusal"),
        "annotations": sum(len(part.get("annotations", ())) for part in parts),
        "logprobs": sum(len(part.get("logprobs") or ()) for part in parts),
        "parts": [part["type"] for part in parts],
    }


def agrees(recorded: Any, ours: Any, name: str) -> bool:
    """Compare a member; absent is alike, long texts are recorded by their length, and null members not at all."""
    if name.endswith("_count"):
        return bool(recorded == len(ours or ()))
    if isinstance(recorded, dict) and recorded.keys() == {"len", "sha1"}:
        return recorded["len"] == len(ours) and recorded["sha1"] == hashlib.sha1(ours.encode()).hexdigest()
    if recorded is True and name == "encrypted_content":
        return bool(ours)
    if isinstance(recorded, dict):
        recorded = {key: value for key, value in recorded.items() if value is not None}
    return (recorded or None) == (ours or None) or (name == "role" and recorded is None)


def deviations(recorded: dict[str, Any], found: Outcome) -> list[str]:
    """List what is not as recorded."""
    response = found.accumulator.response
    items = [plain(item.to_dict()) for item in response.output]
    wrong = [f"{len(items)} items"] if len(items) != len(recorded["output"]) else []
    for number, (item, expected) in enumerate(zip(items, recorded["output"], strict=False)):
        for name, value in expected.items():
            ours = item.get(name.removesuffix("_count"))
            if not agrees(value, ours, name):
                wrong.append(f"{number}.{name}: {ours!r}")
    usage = response.usage and response.usage.to_dict()
    for name, ours in (("status", response.status), ("response_id", response.id), ("model", response.model)):
        if (ours or None) != recorded[name]:
            wrong.append(f"{name}: {ours!r}")
    if usage != recorded["usage"]:
        wrong.append(f"usage: {usage}")
    return wrong


@needs_shared("recordings_responses")
@pytest.mark.parametrize(
    "delivery",
    [
        "whole",
        pytest.param("seven bytes", marks=pytest.mark.faults),
        pytest.param("one byte", marks=pytest.mark.slow),
    ],
)
def test_recordings_fold_to_their_recorded_fold(delivery):
    wrong: dict[str, list[str]] = {}
    outcomes: Counter[str] = Counter()
    for name, recorded, body in recordings():
        found = fold(cuts(body, DELIVERIES[delivery]))
        outcomes[found.outcome] += 1
        if told := deviations(recorded, found):
            wrong[name] = told
        ended = recorded["outcome"]["terminal"] not in (None, "response.failed")
        assert (name, found.outcome == "complete") == (name, ended and not recorded["outcome"]["error"])
    told_outcomes = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    print(f"\n{outcomes.total()} recordings ({delivery}): {told_outcomes}; {len(wrong)} deviate from their fold")

    assert outcomes.total() == 146
    assert {name: why for name, why in wrong.items() if name not in DEVIATIONS} == {}
    assert set(DEVIATIONS) <= set(wrong)


@needs_shared("recordings_responses")
def test_repairs_of_the_recordings_are_few_and_known():
    """What real servers get wrong; whatever else turns up here is a bug of ours."""
    found: Counter[str] = Counter()
    for name, _, body in recordings():
        for rule in set(fold(body).rules):
            found[f"{rule} {name.partition('-')[0]}"] += 1
    print("\n" + "\n".join(f"{key}: {number} streams" for key, number in sorted(found.items())))

    assert set(found) == {
        "2.3 openai",  # chunks without blank lines between them
        "9.8 copilot",  # another id in every event
        "9.8 databricks",  # ids of events that are no item's
        "9.14 databricks",  # two responses whose messages have one id
        "9.14 openai",  # a done text that is shorter, or has other words
        "9.16 litellm",  # a summary that ends as content
        "9.24 databricks",  # numbers that leave some out, or start again
        "9.24 openai",
    }
