"""Wire structs that several nouns carry: pages, usage, errors, images, tool resources, functions, response formats.

Data only: no folding. Every noun of `types/` stands above this file; only `structs` and msgspec stand below it.

Rule 1: a struct stands here only while at least two nouns use it with the same fields.
Rule 2: a field left at its default is read as "the wire did not say", so a default is neutral: None, "", 0, False or
an empty list. The exceptions are `object` and the role of a message.
"""

from typing import ClassVar, Generic, Literal, TypeAlias, TypeVar

from msgspec import field

from asyncstream.types.structs import WireStruct

__all__ = [
    "FunctionDefinition",
    "ImageDetail",
    "ImageURL",
    "IncompleteDetails",
    "IncompleteReason",
    "JSONSchema",
    "JSONValue",
    "LastError",
    "Metadata",
    "Page",
    "ReasoningEffort",
    "ResponseFormatJSONObject",
    "ResponseFormatJSONSchema",
    "ResponseFormatText",
    "ToolResources",
    "ToolResourcesCodeInterpreter",
    "ToolResourcesFileSearch",
    "UnknownResponseFormat",
    "Usage",
]

ItemT = TypeVar("ItemT")

JSONValue: TypeAlias = object
"""Any JSON. An alias, because inside a struct with a field `object` that name is the field."""

Metadata: TypeAlias = dict[str, str]
"""At most 16 pairs; keys of up to 64 characters, values of up to 512."""

ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | str

ImageDetail: TypeAlias = Literal["auto", "low", "high"] | str

IncompleteReason: TypeAlias = (
    Literal[
        "max_completion_tokens",
        "max_prompt_tokens",
        "content_filter",
        "max_tokens",
        "run_cancelled",
        "run_expired",
        "run_failed",
    ]
    | str
)
"""The first two are those of runs, the others those of messages."""


class Page(WireStruct, Generic[ItemT], kw_only=True, gc=False):
    """One page of a list endpoint."""

    object: str = "list"
    data: list[ItemT] = []
    first_id: str | None = None
    last_id: str | None = None
    """The cursor for `after`; None on an empty page."""
    has_more: bool = False


class Usage(WireStruct, kw_only=True, gc=False):
    """The tokens that a run or a run step has cost."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_token_details: dict[str, int | None] | None = None
    """Parts of `prompt_tokens`, such as `cached_tokens`; "token" is singular on this wire."""
    completion_tokens_details: dict[str, int | None] | None = None
    """Parts of `completion_tokens`, such as `reasoning_tokens`."""


class LastError(WireStruct, kw_only=True, gc=False):
    """Why a run or a run step failed."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"] | str = ""
    message: str = ""


class IncompleteDetails(WireStruct, kw_only=True, gc=False):
    """Why a run or a message ended before it was whole."""

    reason: IncompleteReason | None = None


class ToolResourcesCodeInterpreter(WireStruct, kw_only=True, gc=False):
    """The files that the code interpreter sees."""

    file_ids: list[str] | None = None


class ToolResourcesFileSearch(WireStruct, kw_only=True, gc=False):
    """The vector stores that file search looks in."""

    vector_store_ids: list[str] | None = None


class ToolResources(WireStruct, kw_only=True, gc=False):
    """What the tools of an assistant, a thread or a run may use."""

    code_interpreter: ToolResourcesCodeInterpreter | None = None
    file_search: ToolResourcesFileSearch | None = None
    azure_ai_search: dict[str, object] | None = None
    """Azure only: the search indexes."""
    mcp: list[dict[str, object]] | None = None
    """Azure only: one entry an MCP server, with headers and approval mode."""


class FunctionDefinition(WireStruct, kw_only=True, gc=False):
    """A function that the model may call."""

    name: str = ""
    description: str | None = None
    parameters: dict[str, object] | None = None
    """A JSON Schema; None: the function takes no arguments."""
    strict: bool | None = None


class ImageURL(WireStruct, kw_only=True, gc=False):
    """An image somewhere else."""

    url: str = ""
    detail: ImageDetail | None = None


class JSONSchema(WireStruct, kw_only=True, gc=False):
    """The named schema of a `json_schema` response format."""

    name: str = ""
    description: str | None = None
    schema: dict[str, object] | None = None
    strict: bool | None = None


class ResponseFormatText(WireStruct, kw_only=True, gc=False, tag_field="type", tag="text"):
    """The model answers with text."""

    type: ClassVar[Literal["text"]] = "text"


class ResponseFormatJSONObject(WireStruct, kw_only=True, gc=False, tag_field="type", tag="json_object"):
    """The model answers with some JSON object."""

    type: ClassVar[Literal["json_object"]] = "json_object"


class ResponseFormatJSONSchema(WireStruct, kw_only=True, gc=False, tag_field="type", tag="json_schema"):
    """The model answers with JSON that fits a schema."""

    type: ClassVar[Literal["json_schema"]] = "json_schema"
    json_schema: JSONSchema = field(default_factory=JSONSchema)


class UnknownResponseFormat(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A response format that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""
