"""The wire structs of conversations: the conversation itself, and its items, which are those of `responses_items`."""

from typing import TypeAlias

from asyncstream.types.responses_items import ResponseItem
from asyncstream.types.responses_parts import ResponseStruct
from asyncstream.types.shared import Metadata

__all__ = ["Conversation", "ConversationDeletedResource", "ConversationItem", "ConversationItemList"]

ConversationItem: TypeAlias = ResponseItem


class Conversation(ResponseStruct, kw_only=True, gc=False):
    """A conversation that the server keeps."""

    id: str
    object: str = "conversation"
    created_at: float = 0
    """Seconds since 1970-01-01 UTC."""
    metadata: Metadata | None = None


class ConversationItemList(ResponseStruct, kw_only=True, gc=False):
    """The items that were added to a conversation."""

    object: str = "list"
    data: list[ConversationItem] = []
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool | None = None


class ConversationDeletedResource(ResponseStruct, kw_only=True, gc=False):
    """The answer to a deletion."""

    id: str
    object: str = "conversation.deleted"
    deleted: bool = False
