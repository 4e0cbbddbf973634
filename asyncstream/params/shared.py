"""Inputs that several request bodies carry: functions, images, response formats, tool resources, chunking, list order.

TypedDicts only: an absent key is left out of the body, None is sent as null and allowed where the API takes null. Every
other file of `params/` stands above this one; below it stand the aliases of `types`.

Rule 1: lists of objects are `Sequence`, so that a `list` of a narrower type fits; lists of strings are `list`, so
that a lone string does not.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Required, TypeAlias, TypedDict

from asyncstream.types.shared import Metadata

__all__ = [
    "AssistantResponseFormatOptionParam",
    "AutoFileChunkingStrategyParam",
    "FileChunkingStrategyParam",
    "FunctionDefinitionParam",
    "FunctionToolParam",
    "ImageURLParam",
    "JSONSchemaParam",
    "ListOrder",
    "ResponseFormatJSONObjectParam",
    "ResponseFormatJSONSchemaParam",
    "ResponseFormatTextParam",
    "StaticFileChunkingStrategyObjectParam",
    "StaticFileChunkingStrategyParam",
    "ToolOutput",
    "ToolOutputs",
    "ToolResourcesCodeInterpreterParam",
    "ToolResourcesCreateParam",
    "ToolResourcesFileSearchCreateParam",
    "ToolResourcesFileSearchParam",
    "ToolResourcesFileSearchVectorStoreParam",
    "ToolResourcesParam",
]

ListOrder: TypeAlias = Literal["asc", "desc"]
"""By `created_at`. The API's own default is "desc"."""


class ToolOutput(TypedDict):
    """The answer to one call of a tool."""

    tool_call_id: str
    output: str


ToolOutputs: TypeAlias = Sequence[ToolOutput | Mapping[str, str]]
"""A list of them, also where a checker knows no more of one than that it is a dict of texts."""


class ResponseFormatTextParam(TypedDict):
    """The model answers with text."""

    type: Literal["text"]


class ResponseFormatJSONObjectParam(TypedDict):
    """The model answers with some JSON object; a message must say so too."""

    type: Literal["json_object"]


class JSONSchemaParam(TypedDict, total=False):
    """A named JSON Schema."""

    name: Required[str]
    """Letters, digits, underscores and dashes; at most 64."""
    description: str
    schema: Mapping[str, object]
    strict: bool | None


class ResponseFormatJSONSchemaParam(TypedDict):
    """The model answers with JSON that fits a schema."""

    type: Literal["json_schema"]
    json_schema: JSONSchemaParam


AssistantResponseFormatOptionParam: TypeAlias = (
    Literal["auto"] | ResponseFormatTextParam | ResponseFormatJSONObjectParam | ResponseFormatJSONSchemaParam
)


class ImageURLParam(TypedDict, total=False):
    """An image somewhere else: jpeg, png, gif or webp."""

    url: Required[str]
    detail: Literal["auto", "low", "high"]


class FunctionDefinitionParam(TypedDict, total=False):
    """A function that the model may call."""

    name: Required[str]
    """Letters, digits, underscores and dashes; at most 64."""
    description: str
    parameters: Mapping[str, object]
    """A JSON Schema; absent: the function takes no arguments."""
    strict: bool | None


class FunctionToolParam(TypedDict):
    """A function of the user's own."""

    type: Literal["function"]
    function: FunctionDefinitionParam


class AutoFileChunkingStrategyParam(TypedDict):
    """The server chooses the chunks."""

    type: Literal["auto"]


class StaticFileChunkingStrategyParam(TypedDict):
    """Chunks of a fixed size, in tokens."""

    max_chunk_size_tokens: int
    """From 100 to 4096."""
    chunk_overlap_tokens: int
    """At most half of `max_chunk_size_tokens`."""


class StaticFileChunkingStrategyObjectParam(TypedDict):
    """The user chooses the chunks."""

    type: Literal["static"]
    static: StaticFileChunkingStrategyParam


FileChunkingStrategyParam: TypeAlias = AutoFileChunkingStrategyParam | StaticFileChunkingStrategyObjectParam


class ToolResourcesCodeInterpreterParam(TypedDict, total=False):
    """The files that the code interpreter sees; at most 20."""

    file_ids: list[str]


class ToolResourcesFileSearchParam(TypedDict, total=False):
    """The vector store that file search looks in; at most one."""

    vector_store_ids: list[str]


class ToolResourcesParam(TypedDict, total=False):
    """What the tools may use."""

    code_interpreter: ToolResourcesCodeInterpreterParam
    file_search: ToolResourcesFileSearchParam
    azure_ai_search: Mapping[str, object]
    """Azure only: the search indexes."""
    mcp: Sequence[Mapping[str, object]]
    """Azure only: one entry an MCP server, with headers and approval mode."""


class ToolResourcesFileSearchVectorStoreParam(TypedDict, total=False):
    """A vector store to be made along with an assistant or a thread."""

    file_ids: list[str]
    chunking_strategy: FileChunkingStrategyParam
    metadata: Metadata | None


class ToolResourcesFileSearchCreateParam(ToolResourcesFileSearchParam, total=False):
    """An existing vector store or a new one, not both."""

    vector_stores: Sequence[ToolResourcesFileSearchVectorStoreParam]


class ToolResourcesCreateParam(TypedDict, total=False):
    """What the tools of a new assistant or thread may use."""

    code_interpreter: ToolResourcesCodeInterpreterParam
    file_search: ToolResourcesFileSearchCreateParam
    azure_ai_search: Mapping[str, object]
    """Azure only: the search indexes."""
    mcp: Sequence[Mapping[str, object]]
    """Azure only: one entry an MCP server, with headers and approval mode."""
