"""What of the chunks of a chat answer is not for browsers: `WITHHELD`. Pure."""

from asyncstream.events.withheld import TOLD, Withheld

__all__ = ["WITHHELD"]

WITHHELD = Withheld(
    members={
        # A chunk has no name. Besides what all protocols have: the request, as servers repeat it.
        "": TOLD
        | {
            "__verbose",  # llama.cpp: the prompt and all settings
            "debug",  # OpenRouter: the request as it went out
            "messages",
            "prompt",
            "prompt_logprobs",  # vLLM: the prompt, token by token
            "prompt_token_ids",
            "response_format",
        },
    },
    answers=frozenset(
        {
            "annotations",
            "arguments",
            "audio",
            "citations",
            "content",
            "content_filter_results",
            "extra_content",  # the provider wants it back as it was
            "function_call",
            "images",
            "input",
            "logprobs",
            "prompt_filter_results",
            "reasoning",
            "reasoning_content",
            "reasoning_details",
            "reasoning_text",
            "refusal",
            "search_results",
            "thinking_blocks",
            "usage",
        }
    ),
    texts={"": frozenset({"content", "obfuscation", "reasoning", "reasoning_content", "reasoning_text"})},
)
