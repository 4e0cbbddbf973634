"""The wire structs of threads: the conversations that messages and runs belong to."""

from asyncstream.types.shared import Metadata, ToolResources
from asyncstream.types.structs import WireStruct

__all__ = ["Thread", "ThreadDeleted"]


class Thread(WireStruct, kw_only=True, gc=False):
    """A conversation; its messages are fetched apart."""

    id: str
    object: str = "thread"
    created_at: int = 0
    """Seconds since 1970-01-01 UTC."""
    tool_resources: ToolResources | None = None
    metadata: Metadata | None = None


class ThreadDeleted(WireStruct, kw_only=True, gc=False):
    """The answer to a deletion."""

    id: str
    object: str = "thread.deleted"
    deleted: bool = False
