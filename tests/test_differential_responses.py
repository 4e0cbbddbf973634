"""Every recorded response gives the same in openai-python's streaming helper and in ours, but for what is listed here.

Ours is held against the recorded folds by `test_shared_responses`; here openai-python is held against ours. A row that
no longer holds fails as well, so the list is neither too short nor too long. It was written for openai 3.57. Run with
`-s` to see the numbers.
"""

import json
import warnings
from collections import Counter
from fnmatch import fnmatch
from functools import cache
from typing import Any

import pytest
from raw_server import Exchange, raw_server
from response_folds import fold
from shared_files import SHARED, needs_shared

openai = pytest.importorskip("openai", reason="openai-python is not installed: it is in the extra [bench]")

pytestmark = needs_shared("recordings_responses")

NO_COMPLETED = "end: Didn't receive a `response.completed` event."

ROWS = {
    # What is different, and why: the recordings.
    (NO_COMPLETED, "it ends incomplete: the text, the reason and the usage are lost"): (
        "azure-azure_codex_mini_object_streaming_i0",
        "openai-builtin_tool_code_interpreter_outputs_multi_stream_i0",
        "openai-client_ResponseCompletionCreate_i0",
        "openai-incomplete_max_output_tokens_i0",
        "openai-langchain_test_incomplete_response_i1",
        "openai-openai_codex_mini_latest_streaming_i0",
        "openai-openai_o3_deep_research_reasoning_streaming_i0",
        "openai-response_stream_incomplete_i0",
    ),
    (NO_COMPLETED, "it is cut"): ("litellm-made_groq_test_tool_use_failed_error_streaming_with_text_i0",),
    ("types", "the list of `completed` is empty, and what was streamed is forgotten"): (
        "chatgpt-codex-none_suppresses_tool_calls_i0",
        "chatgpt-codex-reasoning_session_*",
        "chatgpt-codex-store_false_*",
    ),
    ("texts", "with the items, as above"): (
        "chatgpt-codex-none_suppresses_tool_calls_i0",
        "chatgpt-codex-store_false_*",
    ),
    ("calls", "with the items, as above"): ("chatgpt-codex-reasoning_session_*",),
    ("reasoning", "with the items, as above"): ("chatgpt-codex-reasoning_session_*",),
    ("reasoning", "streamed as a summary, listed as content: we keep the summary that was told"): (
        "litellm-made_deepseek_*",
    ),
    ("end: Lifecycle response identity changed.", "the response has another id in each event"): ("copilot-*",),
    ("end: Completed output item identity changed.", "an item is listed under another id"): (
        "databricks-llm_output_fixtures_i0",
        "openai-vercel_openai_client_tool_search_1_i0",
    ),
    ("end: Cannot complete response with unfinished output items.", "an item never gets its `done`"): (
        "vllm-qwen35a3b_responses_function_stream_required_i0",
    ),
    ("end: Duplicate response output index 0.", "two items are announced under one index"): (
        "hf-responsesjs-made_deepseek_deepseek_streamed_reasoning_content_i0",
        "hf-responsesjs-made_groq_test_tool_use_failed_error_streaming_with_text_i0",
    ),
    ("end: IndexError", "content is counted over all items, or has no event that announces it"): (
        "databricks-mcp_approval_fixtures_i2",
        "vllm-gptoss20b_responses_*",
    ),
    ("end: TypeError", "no event has an index"): ("llamacpp-*_random_model_[13]",),
    ("end: Expected to have received `response.created`", "a response that is gone on with, or has no `created`"): (
        "litellm-made_mistral_vercel_mistral_reasoning",
        "openai-CanStreamBackgroundResponsesAsync_i2",
        "openai-test_background_mode_streaming_starting_after_vcr_i1",
    ),
    ("end: JSONDecodeError", "data that is no JSON"): ("openai-open_ai_responses_api_spec_i1",),
}


@cache
def recordings() -> dict[str, bytes]:
    return {file.stem: file.read_bytes() for file in sorted((SHARED / "recordings_responses").glob("*.sse"))}


def outcome(end: str, response: dict[str, Any]) -> dict[str, Any]:
    """Give a key for each thing compared."""
    items = response.get("output") or []
    calls = [item for item in items if item["type"] in ("function_call", "custom_tool_call", "mcp_call")]
    return {
        "end": end,
        **{key: response.get(key) for key in ("id", "model", "status")},
        "types": [item["type"] for item in items],
        "texts": [_joined(item.get("content")) for item in items if item["type"] == "message"],
        "reasoning": [
            (_joined(item.get("summary")), _joined(item.get("content")))
            for item in items
            if item["type"] == "reasoning"
        ],
        "calls": [(call.get("call_id"), call["name"], call.get("arguments") or call.get("input")) for call in calls],
        "usage": [(response.get("usage") or {}).get(key) for key in ("input_tokens", "output_tokens", "total_tokens")],
    }


def _joined(parts: list[dict[str, Any]] | None) -> str:
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts or ())


def ours(body: bytes) -> dict[str, Any]:
    found = fold(body)
    end = found.error.message if found.outcome == "error" and found.error else found.outcome
    return outcome(end, found.accumulator.response.to_dict())


async def theirs(client: Any, name: str) -> dict[str, Any]:
    try:
        async with client.responses.stream(model=name, input="") as stream:
            return outcome("complete", (await stream.get_final_response()).to_dict())
    except openai.APIError as error:
        return {"end": error.message}
    except RuntimeError as error:
        return {"end": str(error).partition(" before ")[0]}
    except Exception as error:
        return {"end": type(error).__name__}


async def test_recordings_give_the_same_in_openai_python_where_it_is_right():
    expected: dict[str, set[str]] = {}
    found: dict[str, set[str]] = {}

    async def answer(exchange: Exchange) -> None:
        await exchange.reply(body=recordings()[json.loads(exchange.body)["model"]], Content_Type="text/event-stream")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic warns of what openai-python put together
        async with raw_server(answer) as server:
            async with openai.AsyncOpenAI(api_key="k", base_url=server.url, max_retries=0) as client:
                for name, body in recordings().items():
                    right, said = ours(body), await theirs(client, name)
                    wrong = {key for key, value in said.items() if value != right[key]}
                    found[name] = {f"end: {said['end']}" if key == "end" else key for key in wrong}
                    expected[name] = {row[0] for row, names in ROWS.items() if any(fnmatch(name, one) for one in names)}

    numbers = Counter(difference for wrong in found.values() for difference in wrong)
    told = ", ".join(f"{difference} {number}" for difference, number in numbers.most_common())
    right_ones = sum(not wrong for wrong in found.values())
    print(f"\n{right_ones} of {len(found)} recordings are right in openai {openai.__version__} ({told})")

    surprises = {name: wrong for name, wrong in found.items() if wrong != expected[name]}
    assert {name: expected[name] for name in surprises} == surprises


def test_every_row_names_recordings():
    patterns = [pattern for row in ROWS.values() for pattern in row]

    assert [] == [pattern for pattern in patterns if not any(fnmatch(name, pattern) for name in recordings())]
