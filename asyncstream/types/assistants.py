"""The wire structs of assistants. Their tools are in `tools`, what they share with other nouns in `shared`."""

from typing import Literal, TypeAlias

from asyncstream.types.shared import (
    Metadata,
    ReasoningEffort,
    ResponseFormatJSONObject,
    ResponseFormatJSONSchema,
    ResponseFormatText,
    ToolResources,
    UnknownResponseFormat,
)
from asyncstream.types.structs import WireStruct
from asyncstream.types.tools import AssistantTool

__all__ = ["Assistant", "AssistantDeleted", "AssistantResponseFormatOption"]

AssistantResponseFormatOption: TypeAlias = (
    Literal["auto"]
    | str
    | ResponseFormatText
    | ResponseFormatJSONObject
    | ResponseFormatJSONSchema
    | UnknownResponseFormat
)


class Assistant(WireStruct, kw_only=True, gc=False):
    """A model with instructions and tools, to run on threads."""

    id: str
    object: str = "assistant"
    created_at: int = 0
    """Seconds since 1970-01-01 UTC."""
    name: str | None = None
    description: str | None = None
    model: str = ""
    instructions: str | None = None
    tools: list[AssistantTool] = []
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None
    temperature: float | None = None
    top_p: float | None = None
    reasoning_effort: ReasoningEffort | None = None
    response_format: AssistantResponseFormatOption | None = None


class AssistantDeleted(WireStruct, kw_only=True, gc=False):
    """The answer to a deletion."""

    id: str
    object: str = "assistant.deleted"
    deleted: bool = False
