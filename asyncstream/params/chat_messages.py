"""The messages of a chat request, and the content parts that they are made of.

The message that a model wrote comes back in with `ChatCompletionMessage.to_param()`.
"""

from collections.abc import Sequence
from typing import Literal, Required, TypeAlias, TypedDict

from asyncstream.params.shared import ImageURLParam

__all__ = [
    "AudioParam",
    "ChatCompletionAssistantMessageParam",
    "ChatCompletionContentPartFileParam",
    "ChatCompletionContentPartImageParam",
    "ChatCompletionContentPartInputAudioParam",
    "ChatCompletionContentPartParam",
    "ChatCompletionContentPartRefusalParam",
    "ChatCompletionContentPartTextParam",
    "ChatCompletionDeveloperMessageParam",
    "ChatCompletionFunctionMessageParam",
    "ChatCompletionMessageCustomToolCallParam",
    "ChatCompletionMessageFunctionToolCallParam",
    "ChatCompletionMessageParam",
    "ChatCompletionMessageToolCallUnionParam",
    "ChatCompletionSystemMessageParam",
    "ChatCompletionToolMessageParam",
    "ChatCompletionUserMessageParam",
    "CustomParam",
    "FileParam",
    "FunctionCallParam",
    "InputAudioParam",
    "PromptCacheBreakpointParam",
]


# Content parts.


class PromptCacheBreakpointParam(TypedDict):
    """The prompt is cached up to the part that has this."""

    mode: Literal["explicit"]


class ChatCompletionContentPartTextParam(TypedDict, total=False):
    """A part of text."""

    type: Required[Literal["text"]]
    text: Required[str]
    prompt_cache_breakpoint: PromptCacheBreakpointParam


class ChatCompletionContentPartImageParam(TypedDict, total=False):
    """A part that is an image."""

    type: Required[Literal["image_url"]]
    image_url: Required[ImageURLParam]
    prompt_cache_breakpoint: PromptCacheBreakpointParam


class InputAudioParam(TypedDict):
    """Sound."""

    data: str
    """Base64."""
    format: Literal["wav", "mp3"]


class ChatCompletionContentPartInputAudioParam(TypedDict, total=False):
    """A part that is sound."""

    type: Required[Literal["input_audio"]]
    input_audio: Required[InputAudioParam]
    prompt_cache_breakpoint: PromptCacheBreakpointParam


class FileParam(TypedDict, total=False):
    """A file: one that was uploaded, or its name and base64."""

    file_id: str
    filename: str
    file_data: str


class ChatCompletionContentPartFileParam(TypedDict, total=False):
    """A part that is a file."""

    type: Required[Literal["file"]]
    file: Required[FileParam]
    prompt_cache_breakpoint: PromptCacheBreakpointParam


class ChatCompletionContentPartRefusalParam(TypedDict):
    """A part in which the model refused."""

    type: Literal["refusal"]
    refusal: str


ChatCompletionContentPartParam: TypeAlias = (
    ChatCompletionContentPartTextParam
    | ChatCompletionContentPartImageParam
    | ChatCompletionContentPartInputAudioParam
    | ChatCompletionContentPartFileParam
)


# Messages.


class ChatCompletionDeveloperMessageParam(TypedDict, total=False):
    """Instructions from the developer; newer models read these instead of system messages."""

    role: Required[Literal["developer"]]
    content: Required[str | Sequence[ChatCompletionContentPartTextParam]]
    name: str


class ChatCompletionSystemMessageParam(TypedDict, total=False):
    """Instructions from the developer."""

    role: Required[Literal["system"]]
    content: Required[str | Sequence[ChatCompletionContentPartTextParam]]
    name: str


class ChatCompletionUserMessageParam(TypedDict, total=False):
    """A message of the user."""

    role: Required[Literal["user"]]
    content: Required[str | Sequence[ChatCompletionContentPartParam]]
    name: str


class AudioParam(TypedDict):
    """A spoken answer from before."""

    id: str


class FunctionCallParam(TypedDict):
    """The function that was called, and with what."""

    name: str
    arguments: str
    """JSON text as the model wrote it."""


class ChatCompletionMessageFunctionToolCallParam(TypedDict, total=False):
    """A function call that the model made."""

    id: Required[str]
    type: Required[Literal["function"]]
    function: Required[FunctionCallParam]
    extra_content: dict[str, object]
    """What the provider wants back with the call."""


class CustomParam(TypedDict):
    """The custom tool that was called, and with what."""

    name: str
    input: str


class ChatCompletionMessageCustomToolCallParam(TypedDict, total=False):
    """A call of a custom tool that the model made."""

    id: Required[str]
    type: Required[Literal["custom"]]
    custom: Required[CustomParam]
    extra_content: dict[str, object]
    """What the provider wants back with the call."""


ChatCompletionMessageToolCallUnionParam: TypeAlias = (
    ChatCompletionMessageFunctionToolCallParam | ChatCompletionMessageCustomToolCallParam
)


class ChatCompletionAssistantMessageParam(TypedDict, total=False):
    """A message of the model."""

    role: Required[Literal["assistant"]]
    content: str | Sequence[ChatCompletionContentPartTextParam | ChatCompletionContentPartRefusalParam] | None
    """Needed unless there are tool calls."""
    refusal: str | None
    name: str
    audio: AudioParam | None
    tool_calls: Sequence[ChatCompletionMessageToolCallUnionParam]
    function_call: FunctionCallParam | None
    annotations: Sequence[dict[str, object]]
    """As received; OpenRouter reads a parsed file from them instead of parsing it again."""
    reasoning: str
    """This and the next two: what some providers want back of the reasoning, under their own keys."""
    reasoning_content: str
    reasoning_details: Sequence[dict[str, object]]
    extra_content: dict[str, object]
    """What the provider wants back with the message."""


class ChatCompletionToolMessageParam(TypedDict):
    """The answer to a tool call."""

    role: Literal["tool"]
    tool_call_id: str
    content: str | Sequence[ChatCompletionContentPartTextParam]


class ChatCompletionFunctionMessageParam(TypedDict):
    """The older form: the answer to a function call."""

    role: Literal["function"]
    name: str
    content: str | None


ChatCompletionMessageParam: TypeAlias = (
    ChatCompletionDeveloperMessageParam
    | ChatCompletionSystemMessageParam
    | ChatCompletionUserMessageParam
    | ChatCompletionAssistantMessageParam
    | ChatCompletionToolMessageParam
    | ChatCompletionFunctionMessageParam
)
