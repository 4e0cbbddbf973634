"""The request bodies of conversations. The items that are added are a parameter of the method."""

from collections.abc import Sequence
from typing import TypedDict

from asyncstream.params.responses import ResponseInputItemParam
from asyncstream.types.shared import Metadata
from asyncstream.types.structs import WireStruct

__all__ = ["ConversationCreateParams", "ConversationUpdateParams"]


class ConversationCreateParams(TypedDict, total=False):
    """POST /conversations."""

    items: Sequence[ResponseInputItemParam | WireStruct] | None
    """What the conversation begins with; at most 20."""
    metadata: Metadata | None


class ConversationUpdateParams(TypedDict):
    """POST /conversations/{conversation_id}."""

    metadata: Metadata | None
