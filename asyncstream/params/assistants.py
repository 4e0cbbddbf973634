"""The request bodies of assistants.

`model` is an explicit parameter of `create`, which needs it, and a key of the update, which does not.
"""

from collections.abc import Sequence
from typing import TypedDict

from asyncstream.params.shared import (
    AssistantResponseFormatOptionParam,
    ToolResourcesCreateParam,
    ToolResourcesParam,
)
from asyncstream.params.tools import AssistantToolParam
from asyncstream.types.shared import Metadata, ReasoningEffort

__all__ = ["AssistantCreateParams", "AssistantParams", "AssistantUpdateParams"]


class AssistantParams(TypedDict, total=False):
    """The keys that creating and updating an assistant have in common."""

    name: str | None
    description: str | None
    instructions: str | None
    tools: Sequence[AssistantToolParam]
    metadata: Metadata | None
    temperature: float | None
    top_p: float | None
    reasoning_effort: ReasoningEffort | None
    response_format: AssistantResponseFormatOptionParam | None


class AssistantCreateParams(AssistantParams, total=False):
    """POST /assistants, without `model`."""

    tool_resources: ToolResourcesCreateParam | None


class AssistantUpdateParams(AssistantParams, total=False):
    """POST /assistants/{assistant_id}."""

    model: str
    tool_resources: ToolResourcesParam | None
