"""Every recorded stream gives the same in openai-python's streaming helpers and in ours, but for what is listed here.

The recorded fold says who is right: ours must give it for every recording, openai-python for every one that no row
below names. A row that no longer holds fails as well, so the list is neither too short nor too long. It was written
for openai 3.54 (2.4 does the same). The reasoning is left out: openai-python has no field for it.
Run with `-s` to see the numbers.
"""

import json
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from fnmatch import fnmatch
from functools import cache
from typing import Any

import pytest
from assistant_folds import fold as fold_assistants
from chat_folds import fold as fold_chat
from chat_folds import without_nulls
from raw_server import Exchange, raw_server
from shared_files import SHARED, needs_shared

openai = pytest.importorskip("openai", reason="openai-python is not installed: it is in the extra [bench]")

pytestmark = needs_shared("recordings")

RECORDINGS = SHARED / "recordings"

LONG = 500
"""Recordings of more frames are compared with `-m slow` only: each costs openai-python half a second or more."""

CHAT = {
    # What is different, and why: the recordings.
    ("role", "a role sent again is appended: 'assistantassistant', and so on"): (
        "databricks-*",
        "hf-test_hf_model_thinking_part_iter_i0",
        "hf-test_huggingface_images_i0",
        "local-*",
        "ollama-*",
        "openai-test_tools_streaming_variant_?_i?",
        "openrouter-*",
        "perplexity-*",
        "snowflake-*",
        "writer-test_writer_async_streaming_chat_multiple_choices_legacy_i0",
        "writer-test_writer_async_streaming_chat_tool_calls_legacy_i0",
        "zai-*",
    ),
    ("role", "a role that was never sent stays None"): (
        "cloudflare-*",
        "litellmproxy-completion_stream_multiple_choices_proxy_i0",
    ),
    ("tool_calls", "an id and a name sent again are appended: '00' and 'llm_versionllm_version'"): (
        "openai-test_tools_streaming_variant_a_i0",
    ),
    ("finish_reason", "a last chunk whose `object` is 'chat.completion.done' is skipped"): ("perplexity-*",),
    ("usage", "the costs are in that skipped chunk"): ("perplexity-chat_citations_*",),
    ("usage", "`x_groq.usage` is not seen"): (
        "groq-groq_llama3_8b_8192_streamed_chat_i0",
        "groq-test_groq_model_thinking_part_iter_i0",
    ),
    ("usage", "a chunk without usage wipes it out"): ("litellmproxy-completion_stream_multiple_choices_proxy_i0",),
    ("usage", "what stands beside the `error` of a chunk is dropped"): ("openrouter-test_openrouter_stream_error_i0",),
    (
        "end: LengthFinishReasonError",
        "raised for plain text cut by `length`: no format was asked for, nothing to parse",
    ): (
        "deepseek-vercel_deepseek-text",
        "openai-chat_completion_stream_prompt_caching_cache_read_i0",
        "openai-inline_test_parse_max_tokens_reached",
        "openai-llama_index_complete_stream_i0",
        "openai-openai_chat_completions_post_3f27d542_i0",
        "openai-openai_chat_completions_post_5940fcfa_i0",
        "openai-openai_chat_completions_post_ddb692c6_i0",
    ),
    ("end: AttributeError", "crash: a choice without `delta` (Azure's content filter results)"): (
        "azure-azure_chat_completion_streamed_i0",
    ),
    ("end: TypeError", "crash: a chunk without `choices` (in streams with audio)"): ("openai-ChatWith*Audio*",),
    ("end: TypeError", "crash: tool calls without `index`"): (
        "mistral-test_synchronous_streaming_chat_completions_with_tool_call_response_emits_expected_spans_False_i0",
    ),
    ("end: RuntimeError", "crash: a `content` that is a list of parts"): ("mistral-vercel_mistral-reasoning",),
    ("end: AssertionError", "crash: a later fragment of a tool call says `type: null`"): (
        "writer-test_writer_async_streaming_chat_tool_call_request_legacy_i0",
    ),
    ("end: AssertionError", "crash: without a blank line at the end no frame is seen, not even that of an error"): (
        "openaiphp-ChatCompletion*",
    ),
}

ASSISTANTS = {
    ("statuses", "a step that ends is not folded: its last word stays 'in_progress'"): (
        "openai-assistants-FileSearch*",
        "openai-assistants-StreamingRunWorks_i0",
        "openai-assistants-StreamingToolCall*_i1",
        "openai-assistants-test_streaming_*",
    ),
    ("steps", "a step created before this stream (by the run that asked for tool outputs) is lost"): (
        "openai-assistants-StreamingToolCall*_i1",
    ),
    ("end: complete", "a stream without a terminal run event passes for whole"): ("openaiphp-assistants-*",),
    ("run", "its frame, the last, has no blank line after it and is dropped"): ("openaiphp-*ThreadCreatedResponse",),
    ("messages", "their frame, the last, has no blank line after it and is dropped"): ("openaiphp-*MessageResponse",),
    ("steps", "their frame, the last, has no blank line after it and is dropped"): ("openaiphp-*RunStepDeltaResponse",),
    ("statuses", "with the step, as above"): ("openaiphp-*RunStepDeltaResponse",),
}


@cache
def recordings() -> dict[str, tuple[str, dict[str, Any], bytes]]:
    """Read all: name to protocol, recorded fold and body."""
    records = {file: json.loads(file.read_text()) for file in sorted(RECORDINGS.glob("*.json"))}
    return {file.stem: (r["api"], r["fold"], file.with_suffix(".sse").read_bytes()) for file, r in records.items()}


def names(api: str, long: bool | None = None) -> list[str]:
    found = [(name, body.count(b"data:") > LONG) for name, (of, _, body) in recordings().items() if of == api]
    return [name for name, is_long in found if long in (None, is_long)]


# Outcomes: what is compared, under the names that the rows use. After a crash there is only the end.


def chat_outcome(end: str, choices: dict[str, dict[str, Any]], usage: dict[str, Any] | None) -> dict[str, Any]:
    """Give a key for each thing compared; null, "" and the zero of a total that the wire did not give are the same."""
    keys = ("role", "content", "refusal", "finish_reason")
    texts = {key: {i: choice.get(key) or "" for i, choice in choices.items()} for key in keys}
    called = {i: choice["tool_calls"] for i, choice in choices.items()}
    calls = {i: [(c["id"], c["name"] or "", c["arguments"] or "") for c in some] for i, some in called.items()}
    said = usage and {key: value for key, value in without_nulls(usage).items() if value}
    return {"end": end, **texts, "tool_calls": calls, "usage": said}


def recorded_chat(fold: dict[str, Any]) -> dict[str, Any]:
    """Put a recorded fold in the same form; it has no role, which can be one only."""
    known = {"role": "assistant"}
    choices = {i: c | known | {"tool_calls": c["tool_calls"].values()} for i, c in fold["choices"].items()}
    return chat_outcome(fold["errors"][0]["message"] if fold["errors"] else "complete", choices, fold["usage"])


def our_chat(body: bytes) -> dict[str, Any]:
    found = fold_chat(body).as_fixture()
    end = found["error"]["message"] if found["error"] else found["outcome"]
    return chat_outcome(end, found["choices"], found["usage"])


async def their_chat(client: Any, name: str) -> dict[str, Any]:
    end = "complete"
    async with client.chat.completions.stream(model=name, messages=[]) as stream:
        try:
            completion = await stream.get_final_completion()
        except openai.LengthFinishReasonError as error:
            end, completion = type(error).__name__, error.completion
        except openai.APIError as error:
            end, completion = error.message, stream.current_completion_snapshot
        except Exception as error:
            return {"end": type(error).__name__}
    found = completion.to_dict()
    choices = {}
    for choice in found["choices"]:
        calls = [call | call["function"] for call in choice["message"].get("tool_calls") or ()]
        choices[str(choice["index"])] = choice | choice["message"] | {"tool_calls": calls}
    return chat_outcome(end, choices, found.get("usage"))


def assistants_outcome(end: str, run: Any, messages: list[Any], steps: list[Any]) -> dict[str, Any]:
    return {
        "end": end,
        "run": run and {"id": run.id, "status": run.status},
        "messages": {m.id: "".join(part.text.value for part in m.content if part.type == "text") for m in messages},
        "steps": [step.id for step in steps],
        "statuses": {step.id: step.status for step in steps},
    }


def recorded_assistants(fold: dict[str, Any]) -> dict[str, Any]:
    endings = ("completed", "requires_action", "failed", "cancelled", "expired", "incomplete")
    ended = any(f"thread.run.{word}" in fold["events"] for word in endings)
    said = {key: fold[key] for key in ("run", "messages", "steps")}
    return {"end": "complete" if ended else "truncated", **said, "steps": [*said["steps"]], "statuses": said["steps"]}


def our_assistants(body: bytes) -> dict[str, Any]:
    found = fold_assistants(body)
    said = found.accumulator
    return assistants_outcome(found.outcome, said.run, said.messages, said.run_steps)


async def their_assistants(client: Any, name: str) -> dict[str, Any]:
    async def or_none(final: Awaitable[Any]) -> Any:
        try:
            return await final
        except RuntimeError:  # There is none.
            return None

    async with client.beta.threads.runs.stream(thread_id="thread_1", assistant_id=name) as stream:
        try:
            await stream.until_done()
        except Exception as error:
            return {"end": type(error).__name__}
        run = await or_none(stream.get_final_run())
        messages = await or_none(stream.get_final_messages())
        steps = await or_none(stream.get_final_run_steps())
    return assistants_outcome("complete", run, messages or [], steps or [])


KINDS = {
    "chat": (CHAT, recorded_chat, our_chat, their_chat),
    "assistants": (ASSISTANTS, recorded_assistants, our_assistants, their_assistants),
}


def differences(right: dict[str, Any], found: dict[str, Any]) -> set[str]:
    wrong = {key for key, value in found.items() if value != right[key]}
    return {f"end: {found['end']}" if key == "end" else key for key in wrong}


@asynccontextmanager
async def their_client() -> AsyncIterator[Any]:
    """Open an `AsyncOpenAI` on a server that answers with the recording that is asked for as model or assistant."""

    async def answer(exchange: Exchange) -> None:
        asked = json.loads(exchange.body)
        _, _, body = recordings()[asked.get("model") or asked["assistant_id"]]
        await exchange.reply(body=body, Content_Type="text/event-stream")

    async with raw_server(answer) as server:
        async with openai.AsyncOpenAI(api_key="k", base_url=server.url, max_retries=0) as client:
            yield client


@pytest.mark.parametrize(
    ("api", "long"), [("chat", False), ("assistants", False), pytest.param("chat", True, marks=pytest.mark.slow)]
)
async def test_recordings_give_the_same_in_openai_python_where_it_is_right(api, long):
    rows, recorded, ours, theirs = KINDS[api]
    expected: dict[str, set[str]] = {}
    found: dict[str, set[str]] = {}
    with warnings.catch_warnings():
        # openai-python warns of its own Assistants methods, and pydantic of what openai-python put together.
        warnings.simplefilter("ignore")
        async with their_client() as client:
            for name in names(api, long):
                _, fold, body = recordings()[name]
                right = recorded(fold)
                assert set() == differences(right, ours(body)), name
                expected[name] = {row[0] for row, patterns in rows.items() if any(fnmatch(name, p) for p in patterns)}
                found[name] = differences(right, await theirs(client, name))

    numbers = Counter(difference for wrong in found.values() for difference in wrong)
    told = ", ".join(f"{difference} {number}" for difference, number in numbers.most_common())
    print(f"\n{len(found)} {'long ' * long}{api} recordings: {len(found)} as recorded in ours,", end=" ")
    print(f"{sum(not wrong for wrong in found.values())} in openai {openai.__version__} ({told})")

    surprises = {name: wrong for name, wrong in found.items() if wrong != expected[name]}
    assert {name: expected[name] for name in surprises} == surprises


@pytest.mark.parametrize("api", KINDS)
def test_every_row_names_recordings(api):
    patterns = [pattern for row in KINDS[api][0].values() for pattern in row]

    assert [] == [pattern for pattern in patterns if not any(fnmatch(name, pattern) for name in names(api))]
