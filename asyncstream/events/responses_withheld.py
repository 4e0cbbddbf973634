"""What of the events of the Responses protocol is not for browsers: `WITHHELD`. Pure."""

from asyncstream.events.withheld import TOLD, Withheld

__all__ = ["WITHHELD"]

_RESPONSE = TOLD | {
    "__verbose",  # llama.cpp: the prompt and all settings
    "conversation",
    "debug",  # OpenRouter: the request as it went out
    "format",  # the schema of `text.format` is part of the prompt
    "input_messages",  # vLLM: the prompt, message by message
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "safety_identifier",
    "skills",  # of the environment of a shell: what was written of them, and where they lie
    "user",
}
"""What a response and its items repeat of the request; `tools` are also those of an MCP server."""

_LIFE = ("created", "queued", "in_progress", "completed", "incomplete", "failed", "cancelled", "done")
_TEXTS = (
    "apply_patch_call_operation_diff",
    "audio",
    "audio.transcript",
    "code_interpreter_call_code",
    "custom_tool_call_input",
    "function_call_arguments",
    "mcp_call_arguments",
    "output_text",
    "reasoning_summary_text",
    "reasoning_text",
    "refusal",
)
_CALLS = (
    "code_interpreter_call",
    "file_search_call",
    "image_generation_call",
    "mcp_call",
    "mcp_list_tools",
    "web_search_call",
)
_STATES = ("in_progress", "searching", "interpreting", "generating", "calling", "completed", "incomplete", "failed")
_OTHERS = (
    "compaction.compacting",
    "content_part.added",
    "content_part.done",
    "image_generation_call.partial_image",
    "output_item.added",
    "output_item.done",
    "output_text.annotation.added",
    "reasoning_part.added",
    "reasoning_part.done",
    "reasoning_summary_part.added",
    "reasoning_summary_part.done",
    "shell_call_command.added",
    "shell_call_command.delta",
    "shell_call_command.done",
    "shell_call_output_content.delta",
    "shell_call_output_content.done",
)

WITHHELD = Withheld(
    # All of them: some servers repeat members of the response in every event.
    members={
        f"response.{name}": _RESPONSE
        for name in (
            *_LIFE,
            *(f"{text}.{step}" for text in _TEXTS for step in ("delta", "done")),
            *(f"{call}.{state}" for call in _CALLS for state in _STATES),
            *_OTHERS,
        )
    },
    answers=frozenset(
        {
            "action",
            "actions",
            "annotation",
            "annotations",
            "arguments",
            "content",
            "delta",
            "input",
            "logprobs",
            "operation",
            "outputs",
            "queries",
            "results",
            "summary",
            "usage",
        }
    ),
    texts={f"response.{name}.delta": frozenset({"delta", "obfuscation"}) for name in (*_TEXTS, "shell_call_command")},
    number="sequence_number",
)
