r"""How servers differ in streaming a response: `ResponsesDialect`, data only, and the ones that known servers speak.

A dialect says nothing about what is answered, only about the events in which it is sent. Each member is one way in
which real servers were seen to differ; the functions behind the values are tables in `responses.shapes`. Whole answers,
and what is retrieved, are in OpenAI's shape in every dialect.

    Scenario(responses_dialect=ResponsesDialect(ids="each", names=False))
    Scenario(responses_dialect=RESPONSES_DIALECTS["vllm"])
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "RESPONSES_DIALECTS",
    "CancelForm",
    "FailureForm",
    "IdForm",
    "IndexForm",
    "ListForm",
    "NumberForm",
    "ResponsesDialect",
    "ThinkingForm",
]

IdForm: TypeAlias = Literal["one", "each", "foreign", "listed", "temporary"]
IndexForm: TypeAlias = Literal["each", "counting", "misannounced", "absent"]
NumberForm: TypeAlias = Literal["each", "absent", "constant"]
ThinkingForm: TypeAlias = Literal["summary", "text", "own_parts", "bare"]
ListForm: TypeAlias = Literal["whole", "empty", "null"]
FailureForm: TypeAlias = Literal["nested_failed", "failed_nested", "nested", "flat", "failed", "object", "silent"]
CancelForm: TypeAlias = Literal["event", "silent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesDialect:
    """The shape in which responses are streamed; the defaults are OpenAI's, without obfuscation.

    Args:
        names: Whether events have their name in a line of its own, or data lines only.
        noise: Bytes in front of each event: comments, pings. They are sent as they are.
        done: Whether ``[DONE]`` ends the stream.
        obfuscation: Whether deltas are padded, unless the request says otherwise.
        ids: Which ids the events have: those of the response and of its items; another in every event (Copilot); one
            when an item is announced, one in its parts, one in its text (Databricks); in the list at the end other ids
            and call ids (vLLM); ``rs_tmp_...`` until that list (OpenRouter).
        indexes: The `output_index`, `content_index` and `summary_index`: each; the parts counted on over the items
            (vLLM); a message behind reasoning is announced under the index of this (Hugging Face); none (llama.cpp).
        numbers: The `sequence_number`: each its own; none; 1 in all.
        thinking: What reasoning comes as: parts of a summary; text (LM Studio, DeepSeek); text, whose parts have events
            of their own (vLLM); deltas of a summary without part and index (LiteLLM).
        listed: The `output` of the last event: whole; empty (Codex); null.
        without: The names of events that never come.
        whole_arguments: Whether the arguments of a call come in one delta.
        lost_text: Whether text before a call is never done: the call takes its index, and the list at the end is
            without it (Ollama).
        bare_start: Whether the first events know only id, object and status (llama.cpp).
        model_everywhere: Whether every event says the model (LiteLLM).
        rate_limits: Whether ``codex.rate_limits`` comes in front of it all.
        always_completed: Whether an answer that was cut ends as `completed` too (llama.cpp).
        failures: How an `ErrorEvent` is sent: as an error under `error`, and then ``response.failed`` (OpenAI); the
            other way round (Azure); only as this error; as an error with its members beside the type; only as
            ``response.failed`` (Hugging Face); as ``{"error": {...}}`` without a type; not at all. None: as the
            action says, nested or not.
        cancelled: Whether the streams of a response that is cancelled end with ``response.cancelled``, or just end.
        any_parameter: Whether parameters that OpenAI does not know are taken, as most others do.
    """

    names: bool = True
    noise: bytes = b""
    done: bool = False
    obfuscation: bool = False
    ids: IdForm = "one"
    indexes: IndexForm = "each"
    numbers: NumberForm = "each"
    thinking: ThinkingForm = "summary"
    listed: ListForm = "whole"
    without: frozenset[str] = frozenset()
    whole_arguments: bool = False
    lost_text: bool = False
    bare_start: bool = False
    model_everywhere: bool = False
    rate_limits: bool = False
    always_completed: bool = False
    failures: FailureForm | None = None
    cancelled: CancelForm = "event"
    any_parameter: bool = False


RESPONSES_DIALECTS: Mapping[str, ResponsesDialect] = {
    "openai": ResponsesDialect(obfuscation=True, failures="nested_failed"),
    "azure": ResponsesDialect(obfuscation=True, failures="failed_nested"),
    "codex": ResponsesDialect(listed="empty", rate_limits=True, failures="failed", any_parameter=True),
    "copilot": ResponsesDialect(ids="each", obfuscation=True, failures="nested_failed", any_parameter=True),
    "vllm": ResponsesDialect(
        ids="listed", indexes="counting", thinking="own_parts", failures="object", any_parameter=True
    ),
    "llama.cpp": ResponsesDialect(
        indexes="absent",
        numbers="absent",
        thinking="text",
        bare_start=True,
        always_completed=True,
        failures="object",
        any_parameter=True,
    ),
    "openrouter": ResponsesDialect(
        names=False,
        noise=b": OPENROUTER PROCESSING\n\n",
        done=True,
        ids="temporary",
        failures="failed",
        any_parameter=True,
    ),
    "litellm": ResponsesDialect(
        names=False,
        done=True,
        thinking="bare",
        model_everywhere=True,
        failures="silent",
        any_parameter=True,
    ),
    "databricks": ResponsesDialect(
        names=False,
        ids="foreign",
        thinking="text",
        without=frozenset(
            {"response.in_progress", "response.output_text.done", "response.function_call_arguments.done"}
        ),
        failures="nested",
        any_parameter=True,
    ),
    "deepseek": ResponsesDialect(thinking="text", any_parameter=True),
    "huggingface": ResponsesDialect(
        names=False, indexes="misannounced", thinking="text", failures="failed", any_parameter=True
    ),
    "ollama": ResponsesDialect(
        without=frozenset({"response.reasoning_summary_part.added", "response.reasoning_summary_part.done"}),
        whole_arguments=True,
        lost_text=True,
        always_completed=True,
        failures="object",
        any_parameter=True,
    ),
    "lmstudio": ResponsesDialect(
        thinking="text",
        without=frozenset({"response.function_call_arguments.delta"}),
        failures="flat",
        any_parameter=True,
    ),
}
"""How servers were seen to stream; by their names. Only the shape: what such a server can do is not limited by it."""
