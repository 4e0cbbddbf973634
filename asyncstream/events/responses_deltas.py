"""The events of the Responses protocol in which something grows: texts, arguments, code, pictures, commands, sound.

Pure. Those of a delta are the hot path. A payload whose `delta` is no text is none of them, but unknown.
"""

from typing import ClassVar, Literal

from msgspec import field

from asyncstream.events.responses_bases import (
    ResponseEvent,
    ResponseItemEvent,
    ResponsePartEvent,
    ResponseSummaryEvent,
)
from asyncstream.members import OWN_MEMBER
from asyncstream.types.responses_items import ResponseFunctionShellCallOutputContent
from asyncstream.types.responses_parts import Logprob, ResponseStruct

__all__ = [
    "ResponseApplyPatchCallOperationDiffDeltaEvent",
    "ResponseApplyPatchCallOperationDiffDoneEvent",
    "ResponseAudioDeltaEvent",
    "ResponseAudioDoneEvent",
    "ResponseAudioTranscriptDeltaEvent",
    "ResponseAudioTranscriptDoneEvent",
    "ResponseCodeInterpreterCallCodeDeltaEvent",
    "ResponseCodeInterpreterCallCodeDoneEvent",
    "ResponseCustomToolCallInputDeltaEvent",
    "ResponseCustomToolCallInputDoneEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseFunctionCallArgumentsDoneEvent",
    "ResponseImageGenCallPartialImageEvent",
    "ResponseMcpCallArgumentsDeltaEvent",
    "ResponseMcpCallArgumentsDoneEvent",
    "ResponseReasoningSummaryTextDeltaEvent",
    "ResponseReasoningSummaryTextDoneEvent",
    "ResponseReasoningTextDeltaEvent",
    "ResponseReasoningTextDoneEvent",
    "ResponseRefusalDeltaEvent",
    "ResponseRefusalDoneEvent",
    "ResponseShellCallCommandAddedEvent",
    "ResponseShellCallCommandDeltaEvent",
    "ResponseShellCallCommandDoneEvent",
    "ResponseShellCallOutputContentDeltaEvent",
    "ResponseShellCallOutputContentDoneEvent",
    "ResponseShellCallOutputDelta",
    "ResponseTextDeltaEvent",
    "ResponseTextDoneEvent",
]


# Texts.


class ResponseTextDeltaEvent(ResponsePartEvent, kw_only=True, gc=False, tag="response.output_text.delta"):
    """Some text of the answer."""

    type: ClassVar[Literal["response.output_text.delta"]] = "response.output_text.delta"
    delta: str
    logprobs: list[Logprob] = []
    obfuscation: str | None = None
    """Filler that hides how long the text is."""


class ResponseTextDoneEvent(ResponsePartEvent, kw_only=True, gc=False, tag="response.output_text.done"):
    """A text of the answer is whole."""

    type: ClassVar[Literal["response.output_text.done"]] = "response.output_text.done"
    text: str = ""
    logprobs: list[Logprob] = []


class ResponseRefusalDeltaEvent(ResponsePartEvent, kw_only=True, gc=False, tag="response.refusal.delta"):
    """Some words in which the model says that it will not."""

    type: ClassVar[Literal["response.refusal.delta"]] = "response.refusal.delta"
    delta: str
    obfuscation: str | None = None
    """Filler that hides how long the text is."""


class ResponseRefusalDoneEvent(ResponsePartEvent, kw_only=True, gc=False, tag="response.refusal.done"):
    """A refusal is whole."""

    type: ClassVar[Literal["response.refusal.done"]] = "response.refusal.done"
    refusal: str = ""


class ResponseReasoningTextDeltaEvent(ResponsePartEvent, kw_only=True, gc=False, tag="response.reasoning_text.delta"):
    """Some of what the model thinks, in its own words."""

    type: ClassVar[Literal["response.reasoning_text.delta"]] = "response.reasoning_text.delta"
    delta: str
    obfuscation: str | None = None
    """Filler that hides how long the text is."""


class ResponseReasoningTextDoneEvent(ResponsePartEvent, kw_only=True, gc=False, tag="response.reasoning_text.done"):
    """A thought is whole."""

    type: ClassVar[Literal["response.reasoning_text.done"]] = "response.reasoning_text.done"
    text: str = ""


class ResponseReasoningSummaryTextDeltaEvent(
    ResponseSummaryEvent, kw_only=True, gc=False, tag="response.reasoning_summary_text.delta"
):
    """Some of a summary of what the model thinks."""

    type: ClassVar[Literal["response.reasoning_summary_text.delta"]] = "response.reasoning_summary_text.delta"
    delta: str
    obfuscation: str | None = None
    """Filler that hides how long the text is."""


class ResponseReasoningSummaryTextDoneEvent(
    ResponseSummaryEvent, kw_only=True, gc=False, tag="response.reasoning_summary_text.done"
):
    """A summary is whole."""

    type: ClassVar[Literal["response.reasoning_summary_text.done"]] = "response.reasoning_summary_text.done"
    text: str = ""


# Calls.


class ResponseFunctionCallArgumentsDeltaEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.function_call_arguments.delta"
):
    """Some of the arguments of a function call."""

    type: ClassVar[Literal["response.function_call_arguments.delta"]] = "response.function_call_arguments.delta"
    delta: str
    name: str = ""
    """The function's, where a server says it here."""
    call_id: str = ""
    """The call's, where a server says it here."""
    obfuscation: str | None = None
    """Filler that hides how long the text is."""
    whole: bool = field(default=False, name=OWN_MEMBER + "whole")
    """Whether the arguments came as JSON instead of text; `delta` is their text then. Never on the wire."""


class ResponseFunctionCallArgumentsDoneEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.function_call_arguments.done"
):
    """The arguments of a function call are whole."""

    type: ClassVar[Literal["response.function_call_arguments.done"]] = "response.function_call_arguments.done"
    arguments: str = ""
    name: str = ""
    """The function's, where a server says it here."""
    call_id: str = ""
    """The call's, where a server says it here."""


class ResponseCustomToolCallInputDeltaEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.custom_tool_call_input.delta"
):
    """Some of the input of a custom tool."""

    type: ClassVar[Literal["response.custom_tool_call_input.delta"]] = "response.custom_tool_call_input.delta"
    delta: str
    name: str = ""
    """The tool's, where a server says it here."""
    call_id: str = ""
    """The call's, where a server says it here."""
    obfuscation: str | None = None
    """Filler that hides how long the text is."""
    whole: bool = field(default=False, name=OWN_MEMBER + "whole")
    """Whether the input came as JSON instead of text; `delta` is its text then. Never on the wire."""


class ResponseCustomToolCallInputDoneEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.custom_tool_call_input.done"
):
    """The input of a custom tool is whole."""

    type: ClassVar[Literal["response.custom_tool_call_input.done"]] = "response.custom_tool_call_input.done"
    input: str = ""
    name: str = ""
    """The tool's, where a server says it here."""
    call_id: str = ""
    """The call's, where a server says it here."""


class ResponseMcpCallArgumentsDeltaEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.mcp_call_arguments.delta"
):
    """Some of the arguments of a call of an MCP server's tool."""

    type: ClassVar[Literal["response.mcp_call_arguments.delta"]] = "response.mcp_call_arguments.delta"
    delta: str
    name: str = ""
    """The tool's, where a server says it here."""
    call_id: str = ""
    """The call's, where a server says it here."""
    obfuscation: str | None = None
    """Filler that hides how long the text is."""
    whole: bool = field(default=False, name=OWN_MEMBER + "whole")
    """Whether the arguments came as JSON instead of text; `delta` is their text then. Never on the wire."""


class ResponseMcpCallArgumentsDoneEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.mcp_call_arguments.done"
):
    """The arguments of a call of an MCP server's tool are whole."""

    type: ClassVar[Literal["response.mcp_call_arguments.done"]] = "response.mcp_call_arguments.done"
    arguments: str = ""
    name: str = ""
    """The tool's, where a server says it here."""
    call_id: str = ""
    """The call's, where a server says it here."""


# What the server's own tools do.


class ResponseCodeInterpreterCallCodeDeltaEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.code_interpreter_call_code.delta"
):
    """Some of the code that is to run."""

    type: ClassVar[Literal["response.code_interpreter_call_code.delta"]] = "response.code_interpreter_call_code.delta"
    delta: str
    obfuscation: str | None = None
    """Filler that hides how long the text is."""


class ResponseCodeInterpreterCallCodeDoneEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.code_interpreter_call_code.done"
):
    """The code that is to run is whole."""

    type: ClassVar[Literal["response.code_interpreter_call_code.done"]] = "response.code_interpreter_call_code.done"
    code: str = ""


class ResponseApplyPatchCallOperationDiffDeltaEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.apply_patch_call_operation_diff.delta"
):
    """Some of the change of a file."""

    type: ClassVar[Literal["response.apply_patch_call_operation_diff.delta"]] = (
        "response.apply_patch_call_operation_diff.delta"
    )
    delta: str
    obfuscation: str | None = None
    """Filler that hides how long the text is."""


class ResponseApplyPatchCallOperationDiffDoneEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.apply_patch_call_operation_diff.done"
):
    """The change of a file is whole."""

    type: ClassVar[Literal["response.apply_patch_call_operation_diff.done"]] = (
        "response.apply_patch_call_operation_diff.done"
    )
    diff: str = ""


class ResponseImageGenCallPartialImageEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.image_generation_call.partial_image"
):
    """A picture before it is done."""

    type: ClassVar[Literal["response.image_generation_call.partial_image"]] = (
        "response.image_generation_call.partial_image"
    )
    partial_image_b64: str
    partial_image_index: int | None = None
    background: str | None = None
    output_format: str | None = None
    quality: str | None = None
    size: str | None = None


class ResponseShellCallCommandAddedEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.shell_call_command.added"
):
    """A command for a shell begins."""

    type: ClassVar[Literal["response.shell_call_command.added"]] = "response.shell_call_command.added"
    command_index: int | None = None
    command: str = ""


class ResponseShellCallCommandDeltaEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.shell_call_command.delta"
):
    """Some of a command for a shell."""

    type: ClassVar[Literal["response.shell_call_command.delta"]] = "response.shell_call_command.delta"
    delta: str
    command_index: int | None = None
    obfuscation: str | None = None
    """Filler that hides how long the text is."""


class ResponseShellCallCommandDoneEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.shell_call_command.done"
):
    """A command for a shell is whole."""

    type: ClassVar[Literal["response.shell_call_command.done"]] = "response.shell_call_command.done"
    command_index: int | None = None
    command: str = ""


class ResponseShellCallOutputDelta(ResponseStruct, kw_only=True, gc=False):
    """What a command printed meanwhile."""

    stdout: str | None = None
    stderr: str | None = None


class ResponseShellCallOutputContentDeltaEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.shell_call_output_content.delta"
):
    """A command prints."""

    type: ClassVar[Literal["response.shell_call_output_content.delta"]] = "response.shell_call_output_content.delta"
    delta: ResponseShellCallOutputDelta
    command_index: int | None = None
    obfuscation: str | None = None
    """Filler that hides how long the text is."""


class ResponseShellCallOutputContentDoneEvent(
    ResponseItemEvent, kw_only=True, gc=False, tag="response.shell_call_output_content.done"
):
    """A command has ended."""

    type: ClassVar[Literal["response.shell_call_output_content.done"]] = "response.shell_call_output_content.done"
    command_index: int | None = None
    output: list[ResponseFunctionShellCallOutputContent] = []


# Sound, which stands beside the output.


class ResponseAudioDeltaEvent(ResponseEvent, kw_only=True, gc=False, tag="response.audio.delta"):
    """Some sound, in base64."""

    type: ClassVar[Literal["response.audio.delta"]] = "response.audio.delta"
    delta: str
    obfuscation: str | None = None
    """Filler that hides how long it is."""


class ResponseAudioDoneEvent(ResponseEvent, kw_only=True, gc=False, tag="response.audio.done"):
    """The sound is whole."""

    type: ClassVar[Literal["response.audio.done"]] = "response.audio.done"


class ResponseAudioTranscriptDeltaEvent(ResponseEvent, kw_only=True, gc=False, tag="response.audio.transcript.delta"):
    """Some words of what is spoken."""

    type: ClassVar[Literal["response.audio.transcript.delta"]] = "response.audio.transcript.delta"
    delta: str
    obfuscation: str | None = None
    """Filler that hides how long the text is."""


class ResponseAudioTranscriptDoneEvent(ResponseEvent, kw_only=True, gc=False, tag="response.audio.transcript.done"):
    """The words of what is spoken are whole."""

    type: ClassVar[Literal["response.audio.transcript.done"]] = "response.audio.transcript.done"
