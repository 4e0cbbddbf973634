"""The wire structs inside the items of the Responses protocol: the parts of messages, annotations, log probabilities.

Data only. Above it: `responses_tools`, `responses_items`, `responses`; below it: `shared`, `structs` and msgspec.

Rule 1: what no field of a struct of this protocol names stays with it as `extra`, whatever it is a part of.
"""

from typing import ClassVar, Generic, Literal, TypeAlias

from msgspec import field

from asyncstream.members import EXTRA, OWN_MEMBER
from asyncstream.types.shared import JSONValue
from asyncstream.types.structs import ParsedT, ParsedT_co, WireStruct

__all__ = [
    "AnnotationContainerFileCitation",
    "AnnotationFileCitation",
    "AnnotationFilePath",
    "ComputerScreenshotContent",
    "Logprob",
    "LogprobTopLogprob",
    "ParsedResponseOutputText",
    "PromptCacheBreakpoint",
    "ResponseAnnotation",
    "ResponseAnnotationURLCitation",
    "ResponseContentPart",
    "ResponseInputContent",
    "ResponseInputFile",
    "ResponseInputImage",
    "ResponseInputText",
    "ResponseMessageContent",
    "ResponseOutputContent",
    "ResponseOutputRefusal",
    "ResponseOutputText",
    "ResponseReasoningText",
    "ResponseStruct",
    "ResponseSummaryText",
    "SummaryTextContent",
    "TextContent",
    "UnknownResponseAnnotation",
    "UnknownResponseObject",
    "UnknownResponsePart",
]


class ResponseStruct(WireStruct, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What the wire sent in a response."""

    extra: dict[str, JSONValue] = field(default={}, name=EXTRA)
    """Members that no field here names, under the wire's keys, without nulls."""


class UnknownResponseObject(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """An object inside an item or a tool, of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


# Annotations.


class AnnotationFileCitation(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="file_citation"):
    """A file that the text leans on."""

    type: ClassVar[Literal["file_citation"]] = "file_citation"
    file_id: str = ""
    filename: str = ""
    index: int | None = None
    """Where in the text the citation belongs, in characters."""


class ResponseAnnotationURLCitation(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="url_citation"):
    """A page that the text leans on."""

    type: ClassVar[Literal["url_citation"]] = "url_citation"
    url: str = ""
    title: str = ""
    start_index: int | None = None
    end_index: int | None = None


class AnnotationContainerFileCitation(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="container_file_citation"
):
    """A file in the container of the code interpreter."""

    type: ClassVar[Literal["container_file_citation"]] = "container_file_citation"
    container_id: str = ""
    file_id: str = ""
    filename: str = ""
    start_index: int | None = None
    end_index: int | None = None


class AnnotationFilePath(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="file_path"):
    """A file that the answer made."""

    type: ClassVar[Literal["file_path"]] = "file_path"
    file_id: str = ""
    index: int | None = None
    """Where in the text the path belongs, in characters."""


class UnknownResponseAnnotation(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """An annotation of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


ResponseAnnotation: TypeAlias = (
    AnnotationFileCitation
    | ResponseAnnotationURLCitation
    | AnnotationContainerFileCitation
    | AnnotationFilePath
    | UnknownResponseAnnotation
)


# Log probabilities.


class LogprobTopLogprob(ResponseStruct, kw_only=True, gc=False):
    """A token that the model could have written instead."""

    token: str = ""
    logprob: float = 0.0
    bytes: list[int] | None = None
    """The token's UTF-8; a character may be spread over several tokens."""


class Logprob(ResponseStruct, kw_only=True, gc=False):
    """A token of the answer, and how likely it was."""

    token: str = ""
    logprob: float = 0.0
    bytes: list[int] | None = None
    """The token's UTF-8; a character may be spread over several tokens."""
    top_logprobs: list[LogprobTopLogprob] | None = None


# What a model writes.


class ResponseOutputText(
    ResponseStruct, Generic[ParsedT_co], kw_only=True, gc=False, tag_field="type", tag="output_text"
):
    """A text of the answer; generic in the type that was given as `text_format`."""

    type: ClassVar[Literal["output_text"]] = "output_text"
    text: str = ""
    annotations: list[ResponseAnnotation] = []
    logprobs: list[Logprob] | None = None
    parsed: ParsedT_co | None = field(default=None, name=OWN_MEMBER + "parsed")
    """The text as the type that was given as `text_format`. None: no type was given, or the answer is cut. Never on the
    wire."""


ParsedResponseOutputText: TypeAlias = ResponseOutputText[ParsedT]


class ResponseOutputRefusal(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="refusal"):
    """Why the model will not, in its own words."""

    type: ClassVar[Literal["refusal"]] = "refusal"
    refusal: str = ""


class ResponseReasoningText(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="reasoning_text"):
    """What the model thought, in its own words."""

    type: ClassVar[Literal["reasoning_text"]] = "reasoning_text"
    text: str = ""


class ResponseSummaryText(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="summary_text"):
    """A summary of what the model thought."""

    type: ClassVar[Literal["summary_text"]] = "summary_text"
    text: str = ""


SummaryTextContent: TypeAlias = ResponseSummaryText


class UnknownResponsePart(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A part of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received; streamed, the JSON of what was folded."""


ResponseOutputContent: TypeAlias = ResponseOutputText[ParsedT] | ResponseOutputRefusal | UnknownResponsePart
"""The parts of a message that a model wrote."""

ResponseContentPart: TypeAlias = (
    ResponseOutputText[ParsedT]
    | ResponseOutputRefusal
    | ResponseReasoningText
    | ResponseSummaryText
    | UnknownResponsePart
)
"""The parts that events bring, those of reasoning among them."""


# What is given to a model, as it is listed.


class PromptCacheBreakpoint(ResponseStruct, kw_only=True, gc=False):
    """The prompt is cached up to the part that has this."""

    mode: Literal["explicit"] | str | None = None
    ttl: Literal["30m", "12h"] | str | None = None


class ResponseInputText(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="input_text"):
    """A text that was given to the model."""

    type: ClassVar[Literal["input_text"]] = "input_text"
    text: str = ""
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class ResponseInputImage(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="input_image"):
    """A picture that was given to the model: a file, or an address, which may be the picture itself in base64."""

    type: ClassVar[Literal["input_image"]] = "input_image"
    detail: Literal["low", "high", "auto", "original"] | str | None = None
    file_id: str | None = None
    image_url: str | None = None
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class ResponseInputFile(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="input_file"):
    """A file that was given to the model."""

    type: ClassVar[Literal["input_file"]] = "input_file"
    detail: Literal["auto", "low", "high"] | str | None = None
    file_data: str | None = None
    """Base64 of what is in it."""
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


class TextContent(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="text"):
    """A text of a conversation."""

    type: ClassVar[Literal["text"]] = "text"
    text: str = ""


class ComputerScreenshotContent(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="computer_screenshot"):
    """A picture of a screen."""

    type: ClassVar[Literal["computer_screenshot"]] = "computer_screenshot"
    detail: Literal["low", "high", "auto", "original"] | str | None = None
    file_id: str | None = None
    image_url: str | None = None
    prompt_cache_breakpoint: PromptCacheBreakpoint | None = None


ResponseInputContent: TypeAlias = ResponseInputText | ResponseInputImage | ResponseInputFile | UnknownResponsePart
"""The parts of what a tool gave back."""

ResponseMessageContent: TypeAlias = (
    ResponseInputText
    | ResponseInputImage
    | ResponseInputFile
    | ResponseOutputText
    | ResponseOutputRefusal
    | ResponseReasoningText
    | ResponseSummaryText
    | TextContent
    | ComputerScreenshotContent
    | UnknownResponsePart
)
"""The parts of a message of anybody."""
